/*
 * test_engine.c - making and opening a store: the canary, every damaged row, root key changes, discontinuities.
 */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>

/* A store that lends another's rows with one of them changed, added, left out, or its generation moved. */
typedef struct tamperer {
	bulla_kms_store below;
	bulla_kms_row *rows; /* copies */
	size_t n;
	uint64_t generation;
	bulla_log_head head;
} tamperer;

static bulla_code keep(void *self, const bulla_kms_row *row, bulla_error *err)
{
	tamperer *t = self;
	(void)err;
	t->rows = reallocarray(t->rows, t->n + 2, sizeof *t->rows);
	bulla_kms_row *copy = &t->rows[t->n++];
	uint8_t *id = malloc(row->id.len), *data = malloc(row->data.len);
	memcpy(id, row->id.data, row->id.len);
	memcpy(data, row->data.data, row->data.len);
	*copy = (bulla_kms_row){ row->table, bulla_view(id, row->id.len), bulla_view(data, row->data.len) };
	return BULLA_OK;
}

static bulla_code tampered_load(void *self, bulla_code (*each)(void *each_self, const bulla_kms_row *row, bulla_error *err),
				void *each_self, uint64_t *ret_generation, bulla_log_head *ret_head, bulla_error *err)
{
	tamperer *t = self;
	for (size_t i = 0; i < t->n; i++)
		TRY(each(each_self, &t->rows[i], err));
	*ret_generation = t->generation;
	*ret_head = t->head;
	return BULLA_OK;
}

static bulla_code tampered_version(void *self, uint64_t *ret_version, bulla_error *err)
{
	tamperer *t = self;
	(void)err;
	*ret_version = t->generation;
	return BULLA_OK;
}

static bulla_code tampered_set_head(void *self, const bulla_log_head *head, bulla_error *err)
{
	tamperer *t = self;
	return t->below.set_head(t->below.self, head, err);
}

static void tamperer_open(tamperer *t, fixture *f)
{
	*t = (tamperer){ .below = f->config.store };
	assert_int_equal(t->below.load(t->below.self, keep, t, &t->generation, &t->head, NULL), BULLA_OK);
}

static void tamperer_done(tamperer *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free((void *)t->rows[i].id.data);
		free((void *)t->rows[i].data.data);
	}
	free(t->rows);
}

static bulla_kms_store store_of(tamperer *t)
{
	bulla_kms_store store = t->below;
	store.self = t;
	store.load = tampered_load;
	store.version = tampered_version;
	store.set_head = tampered_set_head;
	store.change = NULL; /* nothing is written */
	store.adopt = NULL;
	store.head = NULL;
	return store;
}

static bulla_code open_tampered(tamperer *t, fixture *f, bulla_error *err)
{
	bulla_engine_config config = f->config;
	bulla_engine *engine = NULL;
	config.store = store_of(t);
	*err = (bulla_error){ 0 };
	bulla_code code = bulla_engine_open(&config, &engine, err);
	bulla_engine_free(engine);
	return code;
}

/* --- opening --------------------------------------------------------------------------------------------------- */
static void test_empty(void **state)
{
	fixture *f = *state;
	bulla_store *empty = NULL;
	bulla_engine_config config = f->config;
	bulla_engine *engine = NULL;
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	BULLA_SECRET seed = { { 0 } };
	assert_int_equal(bulla_store_open("memory:", true, &empty, NULL), BULLA_OK);
	config.store = bulla_store_kms(empty);
	assert_int_equal(bulla_engine_open(&config, &engine, &err), BULLA_ERR_NOT_FOUND);
	assert_int_equal(bulla_engine_root_note(&config.store, &note, &err), BULLA_ERR_NOT_FOUND);
	assert_int_equal(bulla_engine_log_seed(&config.store, f->root_key.bytes, &seed, &err), BULLA_ERR_NOT_FOUND);
	assert_null(engine);
	bulla_store_close(empty);
}

static void test_init_once(void **state)
{
	fixture *f = *state;
	bulla_error err = { 0 };
	assert_int_equal(bulla_engine_init(&f->config, bulla_view_str("file"), &err), BULLA_ERR_EXISTS);
	static const uint8_t note[1025];
	bulla_store *empty = NULL;
	assert_int_equal(bulla_store_open("memory:", true, &empty, NULL), BULLA_OK);
	bulla_engine_config config = f->config;
	config.store = bulla_store_kms(empty);
	assert_int_equal(bulla_engine_init(&config, bulla_view(note, sizeof note), &err), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_engine_init(&config, bulla_view(note, 1024), &err), BULLA_OK);
	bulla_store_close(empty);
}

static void test_note_without_key(void **state)
{
	fixture *f = *state;
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	assert_int_equal(bulla_engine_root_note(&f->config.store, &note, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&note), "file"));
}

static void test_wrong_root_key(void **state)
{
	fixture *f = *state;
	bulla_secret seed, same;
	bulla_error err = { 0 };
	bulla_engine *engine = NULL;
	assert_int_equal(bulla_engine_log_seed(&f->config.store, f->root_key.bytes, &seed, NULL), BULLA_OK);
	assert_int_equal(bulla_engine_log_seed(&f->config.store, f->root_key.bytes, &same, NULL), BULLA_OK);
	assert_memory_equal(seed.bytes, same.bytes, 32);
	for (size_t bit = 0; bit < 256; bit += 17) {
		f->root_key.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(bulla_engine_open(&f->config, &engine, &err), BULLA_ERR_ROOT_KEY);
		assert_true(strlen(err.next) > 0);
		assert_int_equal(bulla_engine_log_seed(&f->config.store, f->root_key.bytes, &same, &err), BULLA_ERR_ROOT_KEY);
		f->root_key.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void test_bad_config(void **state)
{
	fixture *f = *state;
	bulla_engine *engine = NULL;
	bulla_error err = { 0 };
	bulla_engine_config config = f->config;
	config.account = "123";
	assert_int_equal(bulla_engine_open(&config, &engine, &err), BULLA_ERR_CONFIG);
	config = f->config;
	config.region = "EU WEST";
	assert_int_equal(bulla_engine_open(&config, &engine, &err), BULLA_ERR_CONFIG);
	config = f->config;
	config.principal = NULL;
	assert_int_equal(bulla_engine_open(&config, &engine, &err), BULLA_ERR_USAGE);
}

/* A key keeps the account and region that it was made with, whatever the next engine is called. */
static void test_other_realm(void **state)
{
	fixture *f = *state;
	bulla_engine_reply reply = { 0 };
	bulla_key_info info;
	f->config.account = "111122223333";
	f->config.region = "eu-west-1";
	fixture_reopen_engine(f);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_ENCRYPT, f->key.arn, bulla_view_str("v"), &reply), BULLA_OK);
	assert_string_equal(reply.key_arn, f->key.arn);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_ENCRYPT, "arn:aws:kms:eu-west-1:111122223333:alias/test",
				  bulla_view_str("v"), &reply),
			 BULLA_OK);
	assert_int_equal(bulla_engine_create_key(f->engine, NULL, NULL, &info, NULL), BULLA_OK);
	assert_non_null(strstr(info.arn, "arn:aws:kms:eu-west-1:111122223333:key/"));
	bulla_engine_reply_done(&reply);
}

/* --- damage ---------------------------------------------------------------------------------------------------- */
static const char *table_name(bulla_kms_table table)
{
	static const char *const names[] = { "", "meta", "key", "material", "alias" };
	return names[table];
}

/* One bit of any row: the store is refused, by the table's name, with nothing of the row's content but its id. */
static void test_every_row_bit(void **state)
{
	fixture *f = *state;
	tamperer t;
	bulla_error err;
	tamperer_open(&t, f);
	assert_int_equal(open_tampered(&t, f, &err), BULLA_OK);
	for (size_t i = 0; i < t.n; i++) {
		uint8_t *data = (uint8_t *)t.rows[i].data.data;
		for (size_t bit = 0; bit < 8 * t.rows[i].data.len; bit++) {
			data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(open_tampered(&t, f, &err), BULLA_ERR_CORRUPT);
			assert_non_null(strstr(err.text, table_name(t.rows[i].table)));
			data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	tamperer_done(&t);
}

static void test_every_row_cut_or_gone(void **state)
{
	fixture *f = *state;
	tamperer t;
	bulla_error err;
	tamperer_open(&t, f);
	for (size_t i = 0; i < t.n; i++) {
		bulla_kms_row whole = t.rows[i];
		for (size_t n = 0; n < whole.data.len; n += 7) {
			t.rows[i].data.len = n;
			assert_int_equal(open_tampered(&t, f, &err), BULLA_ERR_CORRUPT);
		}
		t.rows[i] = t.rows[--t.n]; /* gone */
		assert_int_equal(open_tampered(&t, f, &err), BULLA_ERR_CORRUPT);
		t.rows[t.n++] = t.rows[i];
		t.rows[i] = whole;
	}
	assert_int_equal(open_tampered(&t, f, &err), BULLA_OK);
	tamperer_done(&t);
}

/* A row of the past, put back beside newer ones, with its MAC whole. */
static void test_row_put_back(void **state)
{
	fixture *f = *state;
	tamperer before, after;
	bulla_error err;
	tamperer_open(&before, f);
	assert_int_equal(bulla_engine_disable(f->engine, bulla_view_str("alias/test"), NULL), BULLA_OK);
	tamperer_open(&after, f);
	for (size_t i = 0; i < after.n; i++) {
		bulla_kms_row now = after.rows[i];
		if (now.table != BULLA_KMS_KEY) continue;
		for (size_t j = 0; j < before.n; j++)
			if (before.rows[j].table == BULLA_KMS_KEY) after.rows[i] = before.rows[j];
		assert_int_equal(open_tampered(&after, f, &err), BULLA_ERR_CORRUPT);
		after.rows[i] = now;
	}
	assert_int_equal(open_tampered(&after, f, &err), BULLA_OK);
	/* All of the old rows under the new number: the generation is authenticated, too. */
	before.generation = after.generation;
	assert_int_equal(open_tampered(&before, f, &err), BULLA_ERR_CORRUPT);
	assert_non_null(strstr(err.text, "generation"));
	tamperer_done(&before);
	tamperer_done(&after);
}

/* A row copied to another id does not pass for it. */
static void test_row_moved(void **state)
{
	fixture *f = *state;
	tamperer t;
	bulla_error err;
	tamperer_open(&t, f);
	for (size_t i = 0; i < t.n; i++) {
		uint8_t *id = (uint8_t *)t.rows[i].id.data;
		id[0] ^= 0x20;
		assert_int_equal(open_tampered(&t, f, &err), BULLA_ERR_CORRUPT);
		id[0] ^= 0x20;
	}
	tamperer_done(&t);
}

static void test_unknown_row_version(void **state)
{
	fixture *f = *state;
	tamperer t;
	bulla_error err;
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	tamperer_open(&t, f);
	bulla_kms_store store = store_of(&t);
	for (size_t i = 0; i < t.n; i++)
		((uint8_t *)t.rows[i].data.data)[0] = 2;
	assert_int_equal(bulla_engine_root_note(&store, &note, &err), BULLA_ERR_NEWER);
	tamperer_done(&t);
}

/* A row that turns bad while the engine runs stops it: nothing is served from the old image. */
static void test_damage_while_open(void **state)
{
	fixture *f = *state;
	tamperer t;
	bulla_engine_reply reply = { 0 };
	tamperer_open(&t, f);
	f->config.store = store_of(&t);
	fixture_reopen_engine(f);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_ENCRYPT, "alias/test", bulla_view_str("v"), &reply), BULLA_OK);
	((uint8_t *)t.rows[0].data.data)[12] ^= 1;
	t.generation++;
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_ENCRYPT, "alias/test", bulla_view_str("v"), &reply), BULLA_ERR_CORRUPT);
	assert_int_equal(reply.blob.len, 0);
	bulla_engine_reply_done(&reply);
	tamperer_done(&t);
}

/* --- the store as a whole -------------------------------------------------------------------------------------- */
static void test_rekey(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made[2] = { 0 }, opened = { 0 };
	bulla_secret seed, after, fresh = { { 0 } };
	bulla_error err = { 0 };
	bulla_engine *other = NULL;
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	memset(fresh.bytes, 0x77, sizeof fresh.bytes);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY, "alias/test", (bulla_bytes){ 0 }, &made[0]),
			 BULLA_OK);
	assert_int_equal(bulla_engine_rotate(f->engine, bulla_view_str("alias/test"), NULL, NULL), BULLA_OK);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY, "alias/test", (bulla_bytes){ 0 }, &made[1]),
			 BULLA_OK);
	assert_int_equal(bulla_engine_log_seed(&f->config.store, f->root_key.bytes, &seed, NULL), BULLA_OK);
	assert_int_equal(bulla_engine_open(&f->config, &other, NULL), BULLA_OK);

	assert_int_equal(bulla_engine_rekey(f->engine, fresh.bytes, bulla_view_str("new note"), &err), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"RekeyStore\""));
	assert_int_equal(bulla_engine_root_note(&f->config.store, &note, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&note), "new note"));
	assert_int_equal(bulla_engine_log_seed(&f->config.store, fresh.bytes, &after, NULL), BULLA_OK);
	assert_memory_equal(seed.bytes, after.bytes, 32); /* the log goes on under its key */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 2; i++) {
			assert_int_equal(call_one(f->engine, BULLA_ENGINE_DECRYPT, NULL, bulla_view_buf(&made[i].blob), &opened),
					 BULLA_OK);
			assert_true(bulla_bytes_equal(bulla_view_buf(&opened.plaintext), bulla_view_buf(&made[i].plaintext)));
		}
		assert_int_equal(bulla_engine_create_key(f->engine, NULL, NULL, NULL, NULL), BULLA_OK);
		f->config.root_key = fresh.bytes;
		fixture_reopen_engine(f);
	}
	f->config.root_key = f->root_key.bytes;
	bulla_engine *old = NULL;
	assert_int_equal(bulla_engine_open(&f->config, &old, &err), BULLA_ERR_ROOT_KEY);
	/* One that was open under the old root key notices, and serves no more. */
	assert_int_equal(call_one(other, BULLA_ENGINE_DECRYPT, NULL, bulla_view_buf(&made[0].blob), &opened), BULLA_ERR_ROOT_KEY);
	assert_int_equal(opened.plaintext.len, 0);
	bulla_engine_free(other);
	for (size_t i = 0; i < 2; i++)
		bulla_engine_reply_done(&made[i]);
	bulla_engine_reply_done(&opened);
}

/* The log is shorter than the store believes, and has seen generation 40: after adopting they agree, and the rows are right. */
static void test_adopt(void **state)
{
	fixture *f = *state;
	bulla_log_head head;
	uint64_t generation = 0;
	assert_int_equal(bulla_engine_create_key(f->engine, NULL, NULL, NULL, NULL), BULLA_OK);
	f->log.entries = 0; /* cut */
	assert_int_equal(bulla_engine_adopt(f->engine, bulla_view_str("disk lost"), 40, NULL), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"Discontinuity\"") && fake_log_last_has(&f->log, "\"detail\":\"disk lost\""));
	assert_int_equal(bulla_engine_head(f->engine, &head, &generation, NULL), BULLA_OK);
	assert_int_equal(head.size, 1);
	assert_int_equal(generation, 41);
	fixture_reopen_engine(f);
	assert_int_equal(bulla_engine_create_key(f->engine, NULL, NULL, NULL, NULL), BULLA_OK);
	assert_int_equal(bulla_engine_adopt(f->engine, bulla_view_str("again"), 3, NULL), BULLA_OK);
	assert_int_equal(bulla_engine_head(f->engine, &head, &generation, NULL), BULLA_OK);
	assert_int_equal(generation, 43);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_empty),        WITH(test_init_once),   WITH(test_note_without_key),    WITH(test_wrong_root_key),
		WITH(test_bad_config),   WITH(test_other_realm), WITH(test_every_row_bit),       WITH(test_every_row_cut_or_gone),
		WITH(test_row_put_back), WITH(test_row_moved),   WITH(test_unknown_row_version), WITH(test_damage_while_open),
		WITH(test_rekey),        WITH(test_adopt),
	};
	return cmocka_run_group_tests_name("kms/engine", tests, NULL, NULL);
}
