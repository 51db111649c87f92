/*
 * test_call.c - using keys: every operation, every refusal, and the record of each.
 */
#include "help.h"

#include "base/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bulla_code decrypt(fixture *f, const bulla_engine_reply *sealed, const char *key_id, bulla_engine_reply *reply)
{
	return call_one(f->engine, BULLA_ENGINE_DECRYPT, key_id, bulla_view_buf(&sealed->blob), reply);
}

static void test_generate_and_decrypt(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made = { 0 }, opened = { 0 };
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY, "alias/test", (bulla_bytes){ 0 }, &made), BULLA_OK);
	assert_int_equal(made.plaintext.len, 32);
	assert_int_equal(made.blob.len, 58 + 32);
	assert_string_equal(made.key_arn, f->key.arn);
	assert_memory_equal(made.key_uuid, f->key.uuid, 16);
	assert_memory_equal(made.material_id, f->key.current_material, 8);
	const char *const names[] = { NULL, "alias/test", f->key.id, f->key.arn, "arn:aws:kms:local:000000000000:alias/test" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_int_equal(decrypt(f, &made, names[i], &opened), BULLA_OK);
		assert_true(bulla_bytes_equal(bulla_view_buf(&opened.plaintext), bulla_view_buf(&made.plaintext)));
		assert_memory_equal(opened.material_id, made.material_id, 8);
	}
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&opened);
	bulla_engine_reply_done(NULL);
}

static void test_sizes(void **state)
{
	fixture *f = *state;
	bulla_engine_reply reply = { 0 };
	bulla_engine_request request = { .operation = BULLA_ENGINE_GENERATE_DATA_KEY,
					 .key_id = bulla_view_str("alias/test"),
					 .context = context() };
	const size_t sizes[] = { 1, 16, 64, 1024 };
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		request.bytes = sizes[i];
		assert_int_equal(call_with(f->engine, &request, &reply), BULLA_OK);
		assert_int_equal(reply.plaintext.len, sizes[i]);
		assert_int_equal(reply.blob.len, sizes[i] + 58);
	}
	request.bytes = 1025;
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_LIMIT);
	assert_int_equal(reply.plaintext.len + reply.blob.len, 0);
	request.operation = BULLA_ENGINE_GENERATE_RANDOM;
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_LIMIT);
	request.bytes = 0;
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_OK);
	assert_int_equal(reply.plaintext.len, 32);
	assert_int_equal(reply.blob.len, 0);
	assert_true(fake_log_last_has(&f->log, "\"GenerateRandom\""));
	bulla_engine_reply_done(&reply);
}

static void test_without_plaintext(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made = { 0 }, opened = { 0 };
	assert_int_equal(
		call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY_WITHOUT_PLAINTEXT, "alias/test", (bulla_bytes){ 0 }, &made),
		BULLA_OK);
	assert_int_equal(made.plaintext.len, 0);
	assert_int_equal(decrypt(f, &made, NULL, &opened), BULLA_OK);
	assert_int_equal(opened.plaintext.len, 32);
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&opened);
}

static void test_encrypt(void **state)
{
	fixture *f = *state;
	static uint8_t large[BULLA_KMS_PLAINTEXT_MAX + 1];
	bulla_engine_reply sealed = { 0 }, opened = { 0 };
	const size_t sizes[] = { 0, 1, 4096 };
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		assert_int_equal(call_one(f->engine, BULLA_ENGINE_ENCRYPT, f->key.id, bulla_view(large, sizes[i]), &sealed),
				 BULLA_OK);
		assert_int_equal(sealed.plaintext.len, 0);
		assert_int_equal(decrypt(f, &sealed, NULL, &opened), BULLA_OK);
		assert_int_equal(opened.plaintext.len, sizes[i]);
	}
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_ENCRYPT, f->key.id, bulla_view(large, sizeof large), &sealed),
			 BULLA_ERR_TOO_LARGE);
	bulla_engine_reply_done(&sealed);
	bulla_engine_reply_done(&opened);
}

static void test_re_encrypt(void **state)
{
	fixture *f = *state;
	bulla_key_info other;
	bulla_engine_reply sealed = { 0 }, moved = { 0 }, opened = { 0 };
	assert_int_equal(bulla_engine_create_key(f->engine, NULL, "alias/other", &other, NULL), BULLA_OK);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_ENCRYPT, "alias/test", bulla_view_str("value"), &sealed), BULLA_OK);
	bulla_engine_request request = { .operation = BULLA_ENGINE_RE_ENCRYPT,
					 .key_id = bulla_view_str("alias/other"),
					 .context = context(),
					 .new_context = empty_context(),
					 .input = bulla_view_buf(&sealed.blob) };
	assert_int_equal(call_with(f->engine, &request, &moved), BULLA_OK);
	assert_int_equal(moved.plaintext.len, 0);
	assert_string_equal(moved.key_arn, other.arn);
	assert_true(fake_log_last_has(&f->log, "\"ReEncrypt\"") && fake_log_last_has(&f->log, f->key.arn) &&
		    fake_log_last_has(&f->log, other.arn) && fake_log_last_has(&f->log, "other context"));
	assert_int_equal(decrypt(f, &moved, NULL, &opened), BULLA_ERR_AUTH);
	request = (bulla_engine_request){ .operation = BULLA_ENGINE_DECRYPT,
					  .context = empty_context(),
					  .input = bulla_view_buf(&moved.blob) };
	assert_int_equal(call_with(f->engine, &request, &opened), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&opened.plaintext), "value"));
	bulla_engine_reply_done(&sealed);
	bulla_engine_reply_done(&moved);
	bulla_engine_reply_done(&opened);
}

/* Whatever is changed in a blob, the engine never decrypts it, and each attempt is on record. */
static void test_damaged_blobs(void **state)
{
	fixture *f = *state;
	bulla_engine_reply sealed = { 0 }, opened = { 0 };
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY, "alias/test", (bulla_bytes){ 0 }, &sealed),
			 BULLA_OK);
	size_t before = f->log.entries;
	for (size_t bit = 0; bit < 8 * sealed.blob.len; bit++) {
		sealed.blob.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		bulla_code code = decrypt(f, &sealed, NULL, &opened);
		bulla_code wanted = bit < 8        ? BULLA_ERR_FORMAT
				    : bit < 16     ? BULLA_ERR_VERSION
				    : bit < 8 * 26 ? BULLA_ERR_UNKNOWN_KEY
						   : BULLA_ERR_AUTH;
		assert_int_equal(code, wanted);
		assert_int_equal(opened.plaintext.len, 0);
		assert_true(fake_log_last_has(&f->log, bulla_code_name(wanted)));
		sealed.blob.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(f->log.entries, before + 8 * sealed.blob.len);
	for (size_t n = 0; n < sealed.blob.len; n++) {
		bulla_code code = call_one(f->engine, BULLA_ENGINE_DECRYPT, NULL, bulla_view(sealed.blob.data, n), &opened);
		assert_true(code == BULLA_ERR_FORMAT || code == BULLA_ERR_AUTH);
		assert_int_equal(opened.plaintext.len, 0);
	}
	assert_int_equal(decrypt(f, &sealed, NULL, &opened), BULLA_OK);
	bulla_engine_reply_done(&sealed);
	bulla_engine_reply_done(&opened);
}

static void test_wrong_key_and_context(void **state)
{
	fixture *f = *state;
	bulla_engine_reply sealed = { 0 }, opened = { 0 };
	bulla_key_info other;
	assert_int_equal(bulla_engine_create_key(f->engine, NULL, "alias/other", &other, NULL), BULLA_OK);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_ENCRYPT, "alias/test", bulla_view_str("v"), &sealed), BULLA_OK);
	assert_int_equal(decrypt(f, &sealed, "alias/other", &opened), BULLA_ERR_UNKNOWN_KEY);
	assert_int_equal(decrypt(f, &sealed, other.id, &opened), BULLA_ERR_UNKNOWN_KEY);
	assert_int_equal(decrypt(f, &sealed, "alias/nobody", &opened), BULLA_ERR_NOT_FOUND);
	char arn[BULLA_ARN_MAX];
	(void)snprintf(arn, sizeof arn, "arn:aws:kms:elsewhere:000000000000:key/%s", f->key.id);
	assert_int_equal(decrypt(f, &sealed, arn, &opened), BULLA_ERR_NOT_FOUND);
	assert_int_equal(decrypt(f, &sealed, "arn:aws:kms:elsewhere:000000000000:alias/test", &opened), BULLA_ERR_NOT_FOUND);
	assert_int_equal(
		call_one(f->engine, BULLA_ENGINE_ENCRYPT, "1234abcd-12ab-34cd-a6ef-1234567890ab", bulla_view_str("v"), &opened),
		BULLA_ERR_NOT_FOUND);
	assert_true(fake_log_last_has(&f->log, "\"outcome\":\"not_found\"") &&
		    fake_log_last_has(&f->log, "1234abcd-12ab-34cd-a6ef-1234567890ab"));
	bulla_engine_request request = { .operation = BULLA_ENGINE_DECRYPT,
					 .context = empty_context(),
					 .input = bulla_view_buf(&sealed.blob) };
	assert_int_equal(call_with(f->engine, &request, &opened), BULLA_ERR_AUTH);
	assert_int_equal(opened.plaintext.len, 0);
	request.context = bulla_view_str("not canonical");
	assert_int_equal(call_with(f->engine, &request, &opened), BULLA_ERR_FORMAT);
	assert_true(fake_log_last_has(&f->log, "\"outcome\":\"format\""));
	static uint8_t huge[BULLA_CONTEXT_MAX + 1];
	request.context = bulla_view(huge, sizeof huge);
	assert_int_equal(call_with(f->engine, &request, &opened), BULLA_ERR_LIMIT);
	bulla_engine_reply_done(&sealed);
	bulla_engine_reply_done(&opened);
}

static void test_record(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made = { 0 };
	char material[64];
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY, "alias/test", (bulla_bytes){ 0 }, &made), BULLA_OK);
	(void)snprintf(material, sizeof material, "\"material\":\"%016llx\"",
		       (unsigned long long)bulla_get_u64(made.material_id));
	assert_true(fake_log_last_has(&f->log, "\"eventName\":\"GenerateDataKey\""));
	assert_true(fake_log_last_has(&f->log, "\"principal\":\"local:1000/alice@host\""));
	assert_true(fake_log_last_has(&f->log, f->key.arn));
	assert_true(fake_log_last_has(&f->log, material));
	assert_true(fake_log_last_has(&f->log, "\"encryptionContext\":{\"model_id\":\"42\",\"model_name\":\"User\"}"));
	assert_true(fake_log_last_has(&f->log, "\"outcome\":\"ok\""));
	assert_true(fake_log_last_has(&f->log, "\"requestID\":\""));
	assert_true(fake_log_last_has(&f->log, "\"generation\":2"));
	assert_int_equal(f->log.generation, 2);
	bulla_engine_reply_done(&made);
}

static void test_group(void **state)
{
	fixture *f = *state;
	enum { N = BULLA_ENGINE_GROUP_MAX };
	bulla_engine_request *requests = calloc(N + 1, sizeof *requests);
	bulla_engine_reply *replies = calloc(N + 1, sizeof *replies);
	bulla_error err = { 0 };
	for (size_t i = 0; i <= N; i++)
		requests[i] = (bulla_engine_request){ .operation = BULLA_ENGINE_GENERATE_DATA_KEY,
						      .key_id = bulla_view_str(i == 5 ? "alias/nobody" : "alias/test"),
						      .context = context() };
	size_t entries = f->log.entries, appends = f->log.appends;
	assert_int_equal(bulla_engine_call(f->engine, requests, N, replies, &err), BULLA_OK);
	assert_int_equal(f->log.entries, entries + N);
	assert_int_equal(f->log.appends, appends + 1);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(replies[i].code, i == 5 ? BULLA_ERR_NOT_FOUND : BULLA_OK);
		assert_int_equal(replies[i].plaintext.len, i == 5 ? 0 : 32);
	}
	assert_true(strlen(replies[5].text) > 0);
	assert_memory_not_equal(replies[0].plaintext.data, replies[1].plaintext.data, 32);
	assert_int_equal(bulla_engine_call(f->engine, requests, N + 1, replies, &err), BULLA_ERR_LIMIT);
	assert_int_equal(replies[0].plaintext.len, 0);
	assert_int_equal(bulla_engine_call(f->engine, NULL, 0, NULL, &err), BULLA_OK);
	for (size_t i = 0; i <= N; i++)
		bulla_engine_reply_done(&replies[i]);
	free(requests);
	free(replies);
}

static bool is_zero(const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (data[i]) return false;
	return true;
}

static void test_nothing_without_record(void **state)
{
	fixture *f = *state;
	bulla_engine_reply replies[2] = { 0 };
	bulla_error err = { 0 };
	bulla_engine_request request = { .operation = BULLA_ENGINE_GENERATE_DATA_KEY,
					 .key_id = bulla_view_str("alias/test"),
					 .context = context() };
	bulla_engine_request requests[2] = { request, request };
	const bulla_code failures[] = { BULLA_ERR_AUDIT, BULLA_ERR_IO, BULLA_ERR_FULL, BULLA_ERR_LOCKED };
	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
		f->log.fails_with = failures[i];
		assert_int_equal(bulla_engine_call(f->engine, requests, 2, replies, &err), failures[i]);
		for (size_t j = 0; j < 2; j++) {
			assert_int_equal(replies[j].code, failures[i]);
			assert_int_equal(replies[j].plaintext.len + replies[j].blob.len, 0);
			assert_true(is_zero(replies[j].plaintext.data, 32)); /* wiped, not only cut */
			assert_string_equal(replies[j].key_arn, "");
		}
	}
	f->log.fails_with = BULLA_OK;
	assert_int_equal(bulla_engine_call(f->engine, requests, 2, replies, &err), BULLA_OK);
	assert_int_equal(replies[1].plaintext.len, 32);
	bulla_engine_reply_done(&replies[0]);
	bulla_engine_reply_done(&replies[1]);
}

/* A store whose head cannot be moved releases nothing either. */
static bulla_code broken_head(void *self, const bulla_log_head *head, bulla_error *err)
{
	(void)self, (void)head;
	return bulla_fail(err, BULLA_ERR_FULL, "full");
}

static void test_nothing_without_head(void **state)
{
	fixture *f = *state;
	bulla_engine_reply reply = { 0 };
	f->config.store.set_head = broken_head;
	fixture_reopen_engine(f);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY, "alias/test", (bulla_bytes){ 0 }, &reply),
			 BULLA_ERR_FULL);
	assert_int_equal(reply.plaintext.len, 0);
	bulla_engine_reply_done(&reply);
}

static void test_no_log(void **state)
{
	fixture *f = *state;
	bulla_engine_reply reply = { 0 };
	f->config.audit = (bulla_audit_sink){ 0 };
	fixture_reopen_engine(f);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY, "alias/test", (bulla_bytes){ 0 }, &reply),
			 BULLA_ERR_AUDIT);
	assert_int_equal(bulla_engine_disable(f->engine, bulla_view_str("alias/test"), NULL), BULLA_ERR_AUDIT);
	bulla_engine_reply_done(&reply);
}

static void test_head_follows(void **state)
{
	fixture *f = *state;
	bulla_engine_reply reply = { 0 };
	bulla_log_head head;
	uint64_t generation = 0;
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY, "alias/test", (bulla_bytes){ 0 }, &reply), BULLA_OK);
	assert_int_equal(bulla_engine_head(f->engine, &head, &generation, NULL), BULLA_OK);
	assert_int_equal(head.size, f->log.entries);
	assert_int_equal(bulla_get_u64(head.root), f->log.entries);
	assert_int_equal(generation, 2);
	bulla_engine_reply_done(&reply);
}

static void test_callers_event(void **state)
{
	fixture *f = *state;
	bulla_event event = { .operation = "CachedUse", .key = bulla_view_str("user:42"), .count = 7, .context = context() };
	assert_int_equal(bulla_engine_record(f->engine, &event, NULL), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"CachedUse\"") && fake_log_last_has(&f->log, "\"count\":7") &&
		    fake_log_last_has(&f->log, "alice") && fake_log_last_has(&f->log, "\"outcome\":\"ok\""));
	f->log.fails_with = BULLA_ERR_AUDIT;
	assert_int_equal(bulla_engine_record(f->engine, &event, NULL), BULLA_ERR_AUDIT);
}

static void test_unknown_operation(void **state)
{
	fixture *f = *state;
	bulla_engine_reply reply = { 0 };
	assert_int_equal(call_one(f->engine, (bulla_engine_operation)0, "alias/test", (bulla_bytes){ 0 }, &reply),
			 BULLA_ERR_USAGE);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_REFUSED, "alias/test", (bulla_bytes){ 0 }, &reply), BULLA_ERR_USAGE);
	bulla_engine_reply_done(&reply);
}

/* Keys do not survive a fork: a child that went on would seal under zeros. */
static void test_fork(void **state)
{
	fixture *f = *state;
	bulla_engine_reply reply = { 0 };
	pid_t child = fork();
	if (child == 0) {
		bool refused = call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY, "alias/test", (bulla_bytes){ 0 }, &reply) ==
				       BULLA_ERR_USAGE &&
			       reply.blob.len == 0 && bulla_engine_tick(f->engine, NULL) == BULLA_ERR_USAGE;
		_exit(refused ? 0 : 1);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY, "alias/test", (bulla_bytes){ 0 }, &reply), BULLA_OK);
	bulla_engine_reply_done(&reply);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_generate_and_decrypt),
		WITH(test_sizes),
		WITH(test_without_plaintext),
		WITH(test_encrypt),
		WITH(test_re_encrypt),
		WITH(test_damaged_blobs),
		WITH(test_wrong_key_and_context),
		WITH(test_record),
		WITH(test_group),
		WITH(test_nothing_without_record),
		WITH(test_nothing_without_head),
		WITH(test_no_log),
		WITH(test_head_follows),
		WITH(test_callers_event),
		WITH(test_unknown_operation),
		WITH(test_fork),
	};
	return cmocka_run_group_tests_name("kms/call", tests, NULL, NULL);
}
