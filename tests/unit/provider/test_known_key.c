/*
 * test_known_key.c - file:, env: and the test key: what they hold, how they are named, and what they refuse.
 */
#include "../flip.h"
#include "../vectors.h"

#include "format/wrapped_key.h"
#include "provider/known_key.h"
#include "provider/providers.h"

#include <sys/wait.h>
#include <unistd.h>

static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char base64[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

static bulla_lane *lane;
static bulla_bytes file_content; /* of any file that is asked for */
static bulla_code file_code;
static char file_asked[64];

static int set_up(void **state)
{
	(void)state;
	return bulla_lane_new(&lane, NULL) != BULLA_OK;
}

static int tear_down(void **state)
{
	(void)state;
	bulla_lane_free(lane);
	return 0;
}

static bulla_code read_file(void *self, const char *path, bulla_buf *out, bulla_error *err)
{
	(void)self;
	snprintf(file_asked, sizeof file_asked, "%s", path);
	if (file_code) return bulla_fail(err, file_code, "the file %s is open to others", path);
	return bulla_buf_add(out, file_content, err);
}

static const char *variable(void *self, const char *name)
{
	(void)self;
	if (strcmp(name, "KEY") == 0) return hex;
	return strcmp(name, "SHORT") == 0 ? "abc" : NULL;
}

static const bulla_provider_world world = { .read_key_file = read_file, .getenv = variable };
static const bulla_provider_world insecure = { .read_key_file = read_file, .getenv = variable, .insecure = true };

static bulla_code open_key(const bulla_provider_world *in, const char *id, void **ret, bulla_error *err)
{
	const bulla_provider *provider = bulla_provider_find(bulla_view_str(id));
	assert_non_null(provider);
	return provider->open(in, bulla_view_str(id), ret, err);
}

static bulla_known_key *opened(const char *id)
{
	void *session;
	bulla_error err = { 0 };
	if (open_key(&insecure, id, &session, &err)) fail_msg("%s", err.text);
	return session;
}

/* --- what they hold -------------------------------------------------------------------------------------------- */

static void forms_of_a_key(void **state)
{
	static const uint8_t raw[32] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
					 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };
	char line[80], windows[80];
	snprintf(line, sizeof line, "%s\n", hex);
	snprintf(windows, sizeof windows, "%s \r\n", base64);
	const bulla_bytes forms[] = { bulla_view(raw, 32), bulla_view_str(hex), bulla_view_str(line), bulla_view_str(base64),
				      bulla_view_str(windows) };
	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		file_content = forms[i];
		bulla_known_key *k = opened("file:keys/main.key");
		assert_string_equal(file_asked, "keys/main.key");
		assert_memory_equal(k->key->bytes, raw, 32);
		bulla_known_key_close(k);
	}
	bulla_known_key *k = opened("env:KEY");
	assert_memory_equal(k->key->bytes, raw, 32);
	bulla_known_key_close(k);
}

/* Relative to bulla.yaml, not to where the program was started. */
static void places_of_files(void **state)
{
	const bulla_provider_world placed = { .read_key_file = read_file, .base_dir = "/etc/app" };
	void *session;
	(void)state;
	file_content = bulla_view_str(hex);
	assert_int_equal(open_key(&placed, "file:keys/main.key", &session, NULL), BULLA_OK);
	assert_string_equal(file_asked, "/etc/app/keys/main.key");
	bulla_known_key_close(session);
	assert_int_equal(open_key(&placed, "file:/run/main.key", &session, NULL), BULLA_OK);
	assert_string_equal(file_asked, "/run/main.key");
	bulla_known_key_close(session);
}

static void no_keys(void **state)
{
	static const char *const bad[] = { "", "short",
					   "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1", /* 63 digits */
					   "zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
					   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8*" };
	void *session;
	bulla_error err = { 0 };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		file_content = bulla_view_str(bad[i]);
		assert_int_equal(open_key(&world, "file:k", &session, &err), BULLA_ERR_FORMAT);
		if (*bad[i]) assert_null(strstr(err.text, bad[i])); /* what is there may be a secret */
		assert_non_null(strstr(err.next, "openssl rand"));
	}
	assert_int_equal(open_key(&world, "env:SHORT", &session, &err), BULLA_ERR_FORMAT);
	assert_null(strstr(err.text, "abc"));
	assert_int_equal(open_key(&world, "env:ABSENT", &session, &err), BULLA_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "ABSENT"));
	file_code = BULLA_ERR_PERMISSION;
	assert_int_equal(open_key(&world, "file:k", &session, &err), BULLA_ERR_PERMISSION);
	file_code = BULLA_OK;
}

/* --- their names ----------------------------------------------------------------------------------------------- */

/* The reference names the key, wherever it lies; the key itself cannot be told from it. */
static void references(void **state)
{
	bulla_json *document = vectors_open("wrapped_key.json");
	const bulla_json *list = bulla_json_member(document, "references");
	(void)state;
	for (size_t i = 0; i < bulla_json_count(list); i++) {
		const bulla_json *v = bulla_json_at(list, i);
		bulla_secret key;
		void *session;
		vector_fixed(v, "key", key.bytes, sizeof key.bytes);
		assert_int_equal(bulla_known_key_open(&key, (bulla_wrap_kind)vector_int(v, "kind"), false, &session, NULL),
				 BULLA_OK);
		assert_true(((bulla_known_key *)session)->reference == vector_u64(v, "reference"));
		assert_true(bulla_known_key_recognises(session, vector_u64(v, "reference"), bulla_view(NULL, 0)));
		assert_false(bulla_known_key_recognises(session, vector_u64(v, "reference") ^ 1, bulla_view(NULL, 0)));
		bulla_known_key_close(session);
	}
	bulla_json_free(document);
	file_content = bulla_view_str(hex);
	bulla_known_key *file = opened("file:a"), *moved = opened("file:b/c"), *env = opened("env:KEY");
	assert_true(file->reference == moved->reference && file->reference == env->reference);
	bulla_known_key_close(file);
	bulla_known_key_close(moved);
	bulla_known_key_close(env);
}

static void table(void **state)
{
	static const struct {
		const char *id, *provider;
	} rows[] = {
		{ "local", "local" },
		{ "local/x", "local" },
		{ "file:/k", "file" },
		{ "file:k", "file" },
		{ "env:K", "env" },
		{ "file:", NULL },
		{ "env:", NULL },
		{ "local/", NULL },
		{ "localhost", NULL },
		{ "", NULL },
		{ "insecure-test-key", "test" },
		{ "insecure-test-key/encrypt", "test" },
		{ "FILE:k", NULL },
		{ "filek", NULL },
		{ "insecure-test-key/x", NULL },
		{ "alias/x", NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const bulla_provider *p = bulla_provider_find(bulla_view_str(rows[i].id));
		if (!rows[i].provider)
			assert_null(p);
		else
			assert_string_equal(p->name, rows[i].provider);
	}
}

/* --- wrapping -------------------------------------------------------------------------------------------------- */

static const uint8_t data_key[BULLA_KEY_SIZE] = { 42 };
static const uint8_t commitment[BULLA_COMMITMENT_SIZE] = { 7 };
static const bulla_bytes context = { (const uint8_t *)"\0\0", 2 };

static bulla_code ask(bulla_known_key *k, bulla_question_verb verb, bool box, bulla_bytes input, bulla_buf *made,
		      bulla_error *err)
{
	bulla_question_item item = {
		.context = context, .commitment = bulla_view(commitment, sizeof commitment), .input = input, .made = made
	};
	bulla_question question = { .verb = verb, .box = box, .items = &item, .n = 1 };
	bulla_need need = { .kind = BULLA_NEED_HTTP };
	void *exchange = &need;
	assert_int_equal(bulla_known_key_ask(k, &question, &exchange, &need, err), BULLA_OK);
	assert_int_equal(need.kind, BULLA_NEED_DONE); /* no I/O */
	assert_null(exchange);
	bulla_code code = bulla_known_key_answer(k, &question, exchange, &need, lane, err);
	if (!code) assert_true(item.reference == k->reference);
	return code ? code : item.code;
}

struct opening {
	bulla_known_key *key;
	bool box;
};

static bool opens(void *self, bulla_bytes changed)
{
	struct opening *o = self;
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	return ask(o->key, BULLA_ASK_UNWRAP, o->box, changed, &out, NULL) == BULLA_OK;
}

static void wraps_and_unwraps(void **state)
{
	static const char *const ids[] = { "file:k", "env:KEY", "insecure-test-key" };
	(void)state;
	file_content = bulla_view_str(hex);
	for (size_t i = 0; i < 3; i++)
		for (int box = 0; box < 2; box++) {
			bulla_known_key *k = opened(ids[i]);
			BULLA_BUF_AUTO bulla_buf blob = { 0 }, plain = { 0 };
			assert_int_equal(ask(k, BULLA_ASK_WRAP, box, bulla_view(data_key, sizeof data_key), &blob, NULL),
					 BULLA_OK);
			assert_int_equal(blob.len, BULLA_LOCAL_BLOB_SIZE);
			assert_int_equal(ask(k, BULLA_ASK_UNWRAP, box, bulla_view_buf(&blob), &plain, NULL), BULLA_OK);
			assert_int_equal(plain.len, sizeof data_key);
			assert_memory_equal(plain.data, data_key, sizeof data_key);
			flip_everything(bulla_view_buf(&blob), (flip_gap){ 0, 0 }, opens, &(struct opening){ k, box });
			/* neither is the other */
			bulla_buf_clear(&plain);
			assert_int_equal(ask(k, BULLA_ASK_UNWRAP, !box, bulla_view_buf(&blob), &plain, NULL), BULLA_ERR_AUTH);
			assert_int_equal(plain.len, 0);
			bulla_known_key_close(k);
		}
}

static void the_test_key(void **state)
{
	void *session;
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf blob = { 0 }, plain = { 0 };
	(void)state;
	assert_int_equal(open_key(&world, "insecure-test-key", &session, &err), BULLA_ERR_REFUSED);
	assert_non_null(strstr(err.text, "insecure: true"));
	bulla_known_key *full = opened("insecure-test-key"), *writer = opened("insecure-test-key/encrypt");
	assert_true(full->reference == writer->reference);
	assert_true(bulla_known_key_can_unwrap(full));
	assert_false(bulla_known_key_can_unwrap(writer));
	assert_int_equal(ask(writer, BULLA_ASK_WRAP, false, bulla_view(data_key, sizeof data_key), &blob, NULL), BULLA_OK);
	assert_int_equal(ask(writer, BULLA_ASK_UNWRAP, false, bulla_view_buf(&blob), &plain, &err), BULLA_ERR_DENIED);
	assert_int_equal(ask(full, BULLA_ASK_UNWRAP, false, bulla_view_buf(&blob), &plain, &err), BULLA_OK);
	bulla_known_key_close(full);
	bulla_known_key_close(writer);
	bulla_known_key_close(NULL);
}

/* In a child the key is not there: nothing is wrapped under zeros, or under what else lies at its place. */
static void not_in_a_child(void **state)
{
	BULLA_BUF_AUTO bulla_buf blob = { 0 };
	bulla_error err = { 0 };
	int status = 0;
	(void)state;
	bulla_known_key *k = opened("insecure-test-key");
	pid_t child = fork();
	if (child == 0) {
		bulla_code code = ask(k, BULLA_ASK_WRAP, false, bulla_view(data_key, sizeof data_key), &blob, &err);
		_exit(code != BULLA_ERR_USAGE || blob.len || !strstr(err.text, "fork"));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(ask(k, BULLA_ASK_WRAP, false, bulla_view(data_key, sizeof data_key), &blob, NULL), BULLA_OK);
	bulla_known_key_close(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_a_key), cmocka_unit_test(places_of_files), cmocka_unit_test(no_keys),
		cmocka_unit_test(references),     cmocka_unit_test(table),           cmocka_unit_test(wraps_and_unwraps),
		cmocka_unit_test(the_test_key),   cmocka_unit_test(not_in_a_child),
	};
	return cmocka_run_group_tests_name("provider/known_key", tests, set_up, tear_down);
}
