/*
 * test_manage.c - the life of a key: states and what each forbids, rotation, aliases, deletion.
 */
#include "help.h"

#include "kms/codec.h"

#include <stdio.h>
#include <stdlib.h>

static bulla_bytes test_key(void)
{
	return bulla_view_str("alias/test");
}

static bulla_code use(fixture *f, bulla_engine_reply *reply)
{
	return call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY, "alias/test", (bulla_bytes){ 0 }, reply);
}

static bulla_code reopen_blob(fixture *f, const bulla_buf *blob)
{
	bulla_engine_reply reply = { 0 };
	bulla_code code = call_one(f->engine, BULLA_ENGINE_DECRYPT, NULL, bulla_view_buf(blob), &reply);
	assert_int_equal(reply.plaintext.len > 0, code == BULLA_OK);
	bulla_engine_reply_done(&reply);
	return code;
}

static bulla_key_info described(fixture *f)
{
	bulla_key_info info;
	assert_int_equal(bulla_engine_describe(f->engine, bulla_view_str(f->key.id), &info, NULL), BULLA_OK);
	return info;
}

static void test_create(void **state)
{
	fixture *f = *state;
	bulla_key_info info = described(f);
	assert_int_equal(info.state, BULLA_KEY_ENABLED);
	assert_string_equal(info.aliases, "alias/test");
	assert_string_equal(info.description, "a test");
	assert_int_equal(info.created_us, f->now_us);
	assert_int_equal(info.materials, 1);
	assert_int_equal(info.rotated_us, f->now_us);
	assert_int_equal(info.deletion_us, 0);
	assert_int_equal(strlen(info.id), 36);
	assert_int_equal(info.id[14], '4');
	assert_true(strstr(info.arn, info.id) != NULL);
	assert_true(fake_log_last_has(&f->log, "\"CreateKey\"") && fake_log_last_has(&f->log, "alias/test") &&
		    fake_log_last_has(&f->log, "\"material\""));
}

static void test_create_refused(void **state)
{
	fixture *f = *state;
	char longer[BULLA_DESCRIPTION_MAX + 2];
	bulla_error err = { 0 };
	size_t entries = f->log.entries;
	assert_int_equal(bulla_engine_create_key(f->engine, "x", "alias/test", NULL, &err), BULLA_ERR_EXISTS);
	assert_int_equal(f->log.entries, entries + 1);
	assert_true(fake_log_last_has(&f->log, "\"outcome\":\"exists\""));
	assert_int_equal(bulla_engine_create_key(f->engine, "x", "alias/a b", NULL, &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_engine_create_key(f->engine, "\xff", NULL, NULL, &err), BULLA_ERR_ENCODING);
	memset(longer, 'x', sizeof longer);
	longer[BULLA_DESCRIPTION_MAX + 1] = 0;
	assert_int_equal(bulla_engine_create_key(f->engine, longer, NULL, NULL, &err), BULLA_ERR_LIMIT);
	longer[BULLA_DESCRIPTION_MAX] = 0;
	bulla_key_info info;
	assert_int_equal(bulla_engine_create_key(f->engine, longer, NULL, &info, &err), BULLA_OK);
	longer[sizeof info.description - 1] = 0;
	assert_string_equal(info.description, longer); /* its start */
}

static void test_disable_and_enable(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made = { 0 }, reply = { 0 };
	assert_int_equal(use(f, &made), BULLA_OK);
	assert_int_equal(bulla_engine_disable(f->engine, test_key(), NULL), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"DisableKey\""));
	assert_int_equal(described(f).state, BULLA_KEY_DISABLED);
	assert_int_equal(use(f, &reply), BULLA_ERR_KEY_DISABLED);
	assert_true(fake_log_last_has(&f->log, "\"outcome\":\"key_disabled\""));
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_ENCRYPT, f->key.id, bulla_view_str("v"), &reply),
			 BULLA_ERR_KEY_DISABLED);
	assert_int_equal(reopen_blob(f, &made.blob), BULLA_ERR_KEY_DISABLED);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_RE_ENCRYPT, "alias/test", bulla_view_buf(&made.blob), &reply),
			 BULLA_ERR_KEY_DISABLED);
	bulla_error err = { 0 };
	assert_int_equal(bulla_engine_rotate(f->engine, test_key(), NULL, &err), BULLA_ERR_KEY_DISABLED);
	assert_int_equal(bulla_engine_set_rotation(f->engine, test_key(), 90, &err), BULLA_ERR_KEY_DISABLED);
	assert_int_equal(bulla_engine_enable(f->engine, test_key(), NULL), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"EnableKey\""));
	assert_int_equal(use(f, &reply), BULLA_OK);
	assert_int_equal(reopen_blob(f, &made.blob), BULLA_OK);
	assert_int_equal(bulla_engine_enable(f->engine, test_key(), NULL), BULLA_OK); /* as AWS: no harm */
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&reply);
}

static void test_pending(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made = { 0 }, reply = { 0 };
	bulla_error err = { 0 };
	assert_int_equal(use(f, &made), BULLA_OK);
	assert_int_equal(bulla_engine_schedule_deletion(f->engine, test_key(), 6, &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_engine_schedule_deletion(f->engine, test_key(), 31, &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_engine_cancel_deletion(f->engine, test_key(), &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_engine_schedule_deletion(f->engine, test_key(), 7, &err), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"ScheduleKeyDeletion\"") && fake_log_last_has(&f->log, "in 7 days"));
	assert_int_equal(described(f).state, BULLA_KEY_PENDING_DELETION);
	assert_int_equal(described(f).deletion_us, f->now_us + 7 * DAY_US);
	assert_int_equal(use(f, &reply), BULLA_ERR_KEY_PENDING);
	assert_int_equal(reopen_blob(f, &made.blob), BULLA_ERR_KEY_PENDING);
	assert_int_equal(bulla_engine_enable(f->engine, test_key(), &err), BULLA_ERR_KEY_PENDING);
	assert_int_equal(bulla_engine_disable(f->engine, test_key(), &err), BULLA_ERR_KEY_PENDING);
	assert_int_equal(bulla_engine_rotate(f->engine, test_key(), NULL, &err), BULLA_ERR_KEY_PENDING);
	assert_int_equal(bulla_engine_set_rotation(f->engine, test_key(), 90, &err), BULLA_ERR_KEY_PENDING);
	assert_int_equal(bulla_engine_schedule_deletion(f->engine, test_key(), 8, &err), BULLA_ERR_KEY_PENDING);
	assert_int_equal(bulla_engine_set_alias(f->engine, "alias/more", test_key(), &err), BULLA_ERR_KEY_PENDING);
	assert_int_equal(bulla_engine_cancel_deletion(f->engine, test_key(), &err), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"CancelKeyDeletion\""));
	assert_int_equal(described(f).state, BULLA_KEY_DISABLED);
	assert_int_equal(described(f).deletion_us, 0);
	f->now_us += 8 * DAY_US;
	assert_int_equal(bulla_engine_enable(f->engine, test_key(), &err), BULLA_OK);
	assert_int_equal(reopen_blob(f, &made.blob), BULLA_OK);
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&reply);
}

/* Closed: what it has sealed still opens, and nothing more is sealed. */
static void test_close(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made = { 0 }, reply = { 0 };
	bulla_error err = { 0 };
	int64_t closed = f->now_us;
	assert_int_equal(use(f, &made), BULLA_OK);
	assert_false(made.closed);
	assert_int_equal(described(f).closed_us, 0);
	assert_int_equal(bulla_engine_close(f->engine, test_key(), &err), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"CloseKey\"") && fake_log_last_has(&f->log, f->key.arn));
	assert_int_equal(described(f).closed_us, closed);
	assert_int_equal(described(f).state, BULLA_KEY_ENABLED);
	assert_int_equal(use(f, &reply), BULLA_ERR_KEY_CLOSING);
	assert_true(fake_log_last_has(&f->log, "\"outcome\":\"key_closing\""));
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_ENCRYPT, f->key.id, bulla_view_str("v"), &reply),
			 BULLA_ERR_KEY_CLOSING);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_RE_ENCRYPT, "alias/test", bulla_view_buf(&made.blob), &reply),
			 BULLA_ERR_KEY_CLOSING);
	assert_int_equal(bulla_engine_rotate(f->engine, test_key(), NULL, &err), BULLA_ERR_KEY_CLOSING);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_DECRYPT, NULL, bulla_view_buf(&made.blob), &reply), BULLA_OK);
	assert_true(reply.closed);
	bulla_key_info other;
	assert_int_equal(bulla_engine_create_key(f->engine, NULL, "alias/other", &other, NULL), BULLA_OK);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_RE_ENCRYPT, "alias/other", bulla_view_buf(&made.blob), &reply),
			 BULLA_OK);
	/* Again, after a while and in another process: it is closed since it was. */
	fixture_reopen_engine(f);
	f->now_us += 1000000;
	assert_int_equal(bulla_engine_disable(f->engine, test_key(), &err), BULLA_OK);
	assert_int_equal(bulla_engine_close(f->engine, test_key(), &err), BULLA_OK);
	assert_int_equal(described(f).closed_us, closed);
	assert_int_equal(described(f).state, BULLA_KEY_DISABLED);
	assert_int_equal(bulla_engine_enable(f->engine, test_key(), &err), BULLA_OK);
	assert_int_equal(described(f).closed_us, 0);
	assert_int_equal(use(f, &reply), BULLA_OK);
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&reply);
}

static void test_closed_and_pending(void **state)
{
	fixture *f = *state;
	bulla_error err = { 0 };
	int64_t closed = f->now_us;
	assert_int_equal(bulla_engine_destroy(f->engine, test_key(), &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_engine_set_rotation(f->engine, test_key(), 90, &err), BULLA_OK);
	assert_int_equal(bulla_engine_close(f->engine, test_key(), &err), BULLA_OK);
	f->now_us += 200 * DAY_US; /* a closed key is not rotated by schedule either */
	assert_int_equal(bulla_engine_tick(f->engine, NULL), BULLA_OK);
	assert_int_equal(described(f).materials, 1);
	assert_int_equal(bulla_engine_schedule_deletion(f->engine, test_key(), 7, &err), BULLA_OK);
	assert_int_equal(bulla_engine_close(f->engine, test_key(), &err), BULLA_ERR_KEY_PENDING);
	assert_int_equal(bulla_engine_cancel_deletion(f->engine, test_key(), &err), BULLA_OK);
	assert_int_equal(described(f).closed_us, closed);
	assert_int_equal(described(f).state, BULLA_KEY_DISABLED);
}

static void test_materials(void **state)
{
	fixture *f = *state;
	bulla_material_info *list = NULL;
	bulla_key_info first = described(f), second;
	size_t n = 0;
	f->now_us += 1000;
	assert_int_equal(bulla_engine_rotate(f->engine, test_key(), &second, NULL), BULLA_OK);
	assert_int_equal(bulla_engine_materials(f->engine, &list, &n, NULL), BULLA_OK);
	assert_int_equal(n, 2);
	size_t newer = memcmp(list[0].id, first.current_material, 8) == 0 ? 1 : 0;
	assert_memory_equal(list[newer].id, second.current_material, 8);
	assert_memory_equal(list[1 - newer].id, first.current_material, 8);
	assert_int_equal(list[newer].created_us - list[1 - newer].created_us, 1000);
	assert_memory_equal(list[0].uuid, f->key.uuid, sizeof f->key.uuid);
	free(list);
}

static size_t rows_of(fixture *f, bulla_kms_table table);

static void test_deleted(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made = { 0 }, reply = { 0 };
	bulla_error err = { 0 };
	bulla_key_info *list = NULL;
	size_t n = 0;
	assert_int_equal(use(f, &made), BULLA_OK);
	assert_int_equal(bulla_engine_rotate(f->engine, test_key(), NULL, NULL), BULLA_OK);
	assert_int_equal(rows_of(f, BULLA_KMS_MATERIAL), 2);
	assert_int_equal(bulla_engine_schedule_deletion(f->engine, test_key(), 30, NULL), BULLA_OK);
	f->now_us += 30 * DAY_US - 1;
	assert_int_equal(bulla_engine_destroy(f->engine, test_key(), &err), BULLA_ERR_KEY_PENDING);
	assert_true(fake_log_last_has(&f->log, "\"DeleteKey\"") && fake_log_last_has(&f->log, "\"outcome\":\"key_pending\""));
	f->now_us++;
	/* It does not happen by itself: somebody counts first what refers to the key. */
	assert_int_equal(bulla_engine_tick(f->engine, NULL), BULLA_OK);
	assert_int_equal(reopen_blob(f, &made.blob), BULLA_ERR_KEY_PENDING);
	assert_int_equal(rows_of(f, BULLA_KMS_MATERIAL), 2);
	assert_int_equal(bulla_engine_destroy(f->engine, test_key(), NULL), BULLA_OK);
	assert_int_equal(reopen_blob(f, &made.blob), BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(fake_log_count(&f->log, "\"DeleteKey\""), 2);
	assert_true(fake_log_last_has(&f->log, "\"outcome\":\"key_destroyed\"") && fake_log_last_has(&f->log, f->key.arn));
	assert_int_equal(rows_of(f, BULLA_KMS_MATERIAL), 0);
	assert_int_equal(rows_of(f, BULLA_KMS_ALIAS), 0);
	assert_int_equal(use(f, &reply), BULLA_ERR_NOT_FOUND); /* the alias is gone */
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_ENCRYPT, f->key.id, bulla_view_str("v"), &reply),
			 BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(bulla_engine_cancel_deletion(f->engine, bulla_view_str(f->key.id), &err), BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(bulla_engine_enable(f->engine, bulla_view_str(f->key.arn), &err), BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(bulla_engine_list(f->engine, &list, &n, NULL), BULLA_OK);
	assert_int_equal(n, 0);
	free(list);
	fixture_reopen_engine(f);
	assert_int_equal(reopen_blob(f, &made.blob), BULLA_ERR_KEY_DESTROYED);
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&reply);
}

static void test_rotate(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made[4] = { 0 };
	bulla_key_info info;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(use(f, &made[i]), BULLA_OK);
		f->now_us += 1000;
		assert_int_equal(bulla_engine_rotate(f->engine, test_key(), &info, NULL), BULLA_OK);
		assert_true(fake_log_last_has(&f->log, "\"RotateKeyOnDemand\""));
		assert_int_equal(info.materials, i + 2);
		assert_int_equal(info.rotated_us, f->now_us);
		assert_memory_not_equal(info.current_material, made[i].material_id, 8);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(reopen_blob(f, &made[i].blob), BULLA_OK);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(made[i].material_id, made[j].material_id, 8);
	}
	fixture_reopen_engine(f);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(reopen_blob(f, &made[i].blob), BULLA_OK);
		bulla_engine_reply_done(&made[i]);
	}
}

static void test_schedule(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made = { 0 };
	bulla_error err = { 0 };
	assert_int_equal(bulla_engine_set_rotation(f->engine, test_key(), 89, &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_engine_set_rotation(f->engine, test_key(), 2561, &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_engine_set_rotation(f->engine, test_key(), 90, &err), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"EnableKeyRotation\""));
	int64_t start = f->now_us;
	assert_int_equal(described(f).rotation_days, 90);
	assert_int_equal(described(f).next_rotation_us, start + 90 * DAY_US);
	f->now_us = start + 90 * DAY_US - 1;
	assert_int_equal(use(f, &made), BULLA_OK);
	assert_int_equal(described(f).materials, 1);
	f->now_us++;
	assert_int_equal(bulla_engine_tick(f->engine, NULL), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"RotateKey\"") && fake_log_last_has(&f->log, "by schedule"));
	assert_int_equal(described(f).materials, 2);
	assert_int_equal(described(f).next_rotation_us, start + 180 * DAY_US);
	assert_int_equal(reopen_blob(f, &made.blob), BULLA_OK);
	/* Slept through: once, not for each period; and by the next use itself. */
	f->now_us = start + 700 * DAY_US;
	assert_int_equal(use(f, &made), BULLA_OK);
	assert_int_equal(described(f).materials, 3);
	assert_memory_equal(made.material_id, described(f).current_material, 8);
	assert_int_equal(described(f).next_rotation_us, start + 720 * DAY_US);
	assert_int_equal(bulla_engine_set_rotation(f->engine, test_key(), 0, &err), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"DisableKeyRotation\""));
	assert_int_equal(described(f).next_rotation_us, 0);
	f->now_us += 1000 * DAY_US;
	assert_int_equal(bulla_engine_tick(f->engine, NULL), BULLA_OK);
	assert_int_equal(described(f).materials, 3);
	bulla_engine_reply_done(&made);
}

/* A disabled key is not rotated; when it is enabled again, what is due is done at once. */
static void test_schedule_while_disabled(void **state)
{
	fixture *f = *state;
	assert_int_equal(bulla_engine_set_rotation(f->engine, test_key(), 90, NULL), BULLA_OK);
	assert_int_equal(bulla_engine_disable(f->engine, test_key(), NULL), BULLA_OK);
	f->now_us += 100 * DAY_US;
	assert_int_equal(bulla_engine_tick(f->engine, NULL), BULLA_OK);
	assert_int_equal(described(f).materials, 1);
	assert_int_equal(bulla_engine_enable(f->engine, test_key(), NULL), BULLA_OK);
	assert_int_equal(bulla_engine_tick(f->engine, NULL), BULLA_OK);
	assert_int_equal(described(f).materials, 2);
}

static void test_aliases(void **state)
{
	fixture *f = *state;
	bulla_engine_reply reply = { 0 };
	bulla_key_info other;
	bulla_error err = { 0 };
	assert_int_equal(bulla_engine_create_key(f->engine, NULL, NULL, &other, NULL), BULLA_OK);
	assert_string_equal(other.aliases, "");
	assert_int_equal(bulla_engine_set_alias(f->engine, "alias/b", bulla_view_str(other.id), NULL), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"CreateAlias\""));
	assert_int_equal(bulla_engine_set_alias(f->engine, "alias/test", bulla_view_str(other.arn), NULL), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"UpdateAlias\"") && fake_log_last_has(&f->log, other.arn));
	assert_int_equal(use(f, &reply), BULLA_OK);
	assert_string_equal(reply.key_arn, other.arn);
	assert_string_equal(described(f).aliases, "");
	assert_int_equal(bulla_engine_describe(f->engine, bulla_view_str("alias/b"), &other, NULL), BULLA_OK);
	assert_string_equal(other.aliases, "alias/b,alias/test");
	assert_int_equal(bulla_engine_set_alias(f->engine, "alias/test", (bulla_bytes){ 0 }, NULL), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"DeleteAlias\"") && fake_log_last_has(&f->log, other.arn));
	assert_int_equal(use(f, &reply), BULLA_ERR_NOT_FOUND);
	assert_int_equal(bulla_engine_set_alias(f->engine, "alias/test", (bulla_bytes){ 0 }, &err), BULLA_ERR_NOT_FOUND);
	assert_int_equal(bulla_engine_set_alias(f->engine, "alias/x", bulla_view_str("alias/nobody"), &err), BULLA_ERR_NOT_FOUND);
	assert_int_equal(bulla_engine_set_alias(f->engine, "alias/aws/x", bulla_view_str(other.id), &err), BULLA_ERR_USAGE);
	bulla_engine_reply_done(&reply);
}

static void test_many_aliases_are_cut(void **state)
{
	fixture *f = *state;
	char name[64];
	for (int i = 0; i < 30; i++) {
		(void)snprintf(name, sizeof name, "alias/number-%02d", i);
		assert_int_equal(bulla_engine_set_alias(f->engine, name, test_key(), NULL), BULLA_OK);
	}
	bulla_key_info info = described(f);
	size_t n = strlen(info.aliases);
	assert_true(n < sizeof info.aliases && strcmp(info.aliases + n - 4, ",...") == 0);
	char longest[300] = "alias/";
	memset(longest + 6, 'z', 250);
	assert_int_equal(bulla_engine_create_key(f->engine, NULL, longest, &info, NULL), BULLA_OK);
	assert_true(strlen(info.aliases) < sizeof info.aliases);
}

static void test_list(void **state)
{
	fixture *f = *state;
	bulla_key_info made[3], *list = NULL;
	size_t n = 0;
	for (size_t i = 0; i < 3; i++) {
		f->now_us += 1000;
		assert_int_equal(bulla_engine_create_key(f->engine, NULL, NULL, &made[i], NULL), BULLA_OK);
	}
	size_t entries = f->log.entries;
	assert_int_equal(bulla_engine_list(f->engine, &list, &n, NULL), BULLA_OK);
	assert_int_equal(n, 4);
	assert_string_equal(list[0].id, f->key.id);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(list[i + 1].id, made[i].id);
	assert_int_equal(f->log.entries, entries);
	free(list);
}

/* Nothing changes that is not on record first. */
static void test_no_change_without_record(void **state)
{
	fixture *f = *state;
	bulla_error err = { 0 };
	uint64_t before = 0, after = 0;
	bulla_log_head head;
	assert_int_equal(bulla_engine_head(f->engine, &head, &before, NULL), BULLA_OK);
	f->log.fails_with = BULLA_ERR_AUDIT;
	assert_int_equal(bulla_engine_disable(f->engine, test_key(), &err), BULLA_ERR_AUDIT);
	assert_int_equal(bulla_engine_create_key(f->engine, NULL, NULL, NULL, &err), BULLA_ERR_AUDIT);
	assert_int_equal(bulla_engine_rotate(f->engine, test_key(), NULL, &err), BULLA_ERR_AUDIT);
	assert_int_equal(bulla_engine_disable(f->engine, bulla_view_str("alias/nobody"), &err), BULLA_ERR_AUDIT);
	f->log.fails_with = BULLA_OK;
	assert_int_equal(bulla_engine_head(f->engine, &head, &after, NULL), BULLA_OK);
	assert_int_equal(before, after);
	assert_int_equal(described(f).state, BULLA_KEY_ENABLED);
}

static void test_refusals_are_recorded(void **state)
{
	fixture *f = *state;
	bulla_error err = { 0 };
	size_t entries = f->log.entries;
	assert_int_equal(bulla_engine_disable(f->engine, bulla_view_str("alias/nobody"), &err), BULLA_ERR_NOT_FOUND);
	assert_int_equal(f->log.entries, entries + 1);
	assert_true(fake_log_last_has(&f->log, "\"DisableKey\"") && fake_log_last_has(&f->log, "\"key\":\"alias/nobody\"") &&
		    fake_log_last_has(&f->log, "\"outcome\":\"not_found\""));
	bulla_log_head head;
	uint64_t generation = 0;
	assert_int_equal(bulla_engine_head(f->engine, &head, &generation, NULL), BULLA_OK);
	assert_int_equal(head.size, f->log.entries);
}

/* --- helpers that look below the engine ------------------------------------------------------------------------ */
typedef struct counter {
	bulla_kms_table table;
	size_t n;
} counter;

static bulla_code count(void *self, const bulla_kms_row *row, bulla_error *err)
{
	counter *c = self;
	(void)err;
	c->n += row->table == c->table;
	return BULLA_OK;
}

static size_t rows_of(fixture *f, bulla_kms_table table)
{
	counter c = { table, 0 };
	bulla_log_head head;
	uint64_t generation = 0;
	assert_int_equal(f->config.store.load(f->config.store.self, count, &c, &generation, &head, NULL), BULLA_OK);
	return c.n;
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_create),
		WITH(test_create_refused),
		WITH(test_disable_and_enable),
		WITH(test_pending),
		WITH(test_close),
		WITH(test_closed_and_pending),
		WITH(test_materials),
		WITH(test_deleted),
		WITH(test_rotate),
		WITH(test_schedule),
		WITH(test_schedule_while_disabled),
		WITH(test_aliases),
		WITH(test_many_aliases_are_cut),
		WITH(test_list),
		WITH(test_no_change_without_record),
		WITH(test_refusals_are_recorded),
	};
	return cmocka_run_group_tests_name("kms/manage", tests, NULL, NULL);
}
