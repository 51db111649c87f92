/*
 * test_box.c - boxes: both forms, several keys, contexts that differ, and boxes that another implementation made.
 */
#include "../flip.h"
#include "../vectors.h"

#include "base/context.h"
#include "core/keyring.h"
#include "provider/providers.h"

#include <bulla/box.h>

static const char yaml[] =
	"version: 1\nenvironments:\n"
	"  development: { keys: [env:FIRST, insecure-test-key], previous: [env:OLD], insecure: true, min_wraps: 1 }\n"
	"  writer: { key: insecure-test-key/encrypt, insecure: true }\n"
	"  other: { key: env:OTHER }\n";

/* The key file of the vectors; the test sets it. */
static char key_file[65] = "0000000000000000000000000000000000000000000000000000000000000000";

static const char *variable(void *self, const char *name)
{
	(void)self;
	if (strcmp(name, "OLD") == 0) return key_file;
	return strcmp(name, "FIRST") == 0 ? "1111111111111111111111111111111111111111111111111111111111111111"
					  : "2222222222222222222222222222222222222222222222222222222222222222";
}

static int64_t no_time(void *self)
{
	(void)self;
	return 0;
}

static bulla_schema *schema;
static bulla_keyring *keyring;
static bulla_error err;

static void start(const char *environment)
{
	if (bulla_schema_parse(bulla_view_str(yaml), "t", environment, NULL, NULL, NULL, &schema, &err)) fail_msg("%s", err.text);
	bulla_keyring_config config = { .schema = schema,
					.world = { .find = bulla_provider_find,
						   .getenv = variable,
						   .insecure = bulla_schema_environment(schema)->insecure },
					.now_us = no_time };
	if (bulla_keyring_new(&config, &keyring, &err)) fail_msg("%s", err.text);
}

static void stop(void)
{
	bulla_keyring_free(keyring);
	bulla_schema_free(schema);
}

#define PAIR(NAME, VALUE)                                                                                                        \
	{                                                                                                                        \
		{ (const uint8_t *)(NAME), sizeof(NAME) - 1 },                                                                   \
		{                                                                                                                \
			(const uint8_t *)(VALUE), sizeof(VALUE) - 1                                                              \
		}                                                                                                                \
	}

static const bulla_pair here[] = { PAIR("purpose", "smtp"), PAIR("host", "mail.example.com") };
static const bulla_pair there[] = { PAIR("purpose", "smtp"), PAIR("host", "mail.example.org") };

static bulla_buf seal(const char *key_id, bulla_bytes plain, bool as_text)
{
	bulla_buf out = { 0 };
	if (bulla_box_seal(keyring, key_id, here, 2, plain, as_text, &out, &err)) fail_msg("%s", err.text);
	return out;
}

static bulla_code open_in(const bulla_pair *context, size_t n, bulla_bytes box, bulla_buf *out)
{
	return bulla_box_open(keyring, context, n, box, out, &err);
}

static void there_and_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, BULLA_BOX_MAX };
	uint8_t content[BULLA_BOX_MAX];
	(void)state;
	memset(content, 0xee, sizeof content);
	start(NULL);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (int as_text = 0; as_text < 2; as_text++) {
			BULLA_BUF_AUTO bulla_buf box = seal(NULL, bulla_view(content, sizes[i]), as_text), out = { 0 };
			if (as_text) assert_memory_equal(box.data, "b1:", 3);
			assert_int_equal(open_in(here, 2, bulla_view_buf(&box), &out), BULLA_OK);
			assert_int_equal(out.len, sizes[i]);
			assert_memory_equal(out.data, content, sizes[i]);
			if (as_text) { /* as an editor leaves it */
				assert_int_equal(bulla_buf_add_str(&box, " \r\n", NULL), BULLA_OK);
				assert_int_equal(open_in(here, 2, bulla_view_buf(&box), &out), BULLA_OK);
			}
		}
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	uint8_t more[BULLA_BOX_MAX + 1] = { 0 };
	assert_int_equal(bulla_box_seal(keyring, NULL, here, 2, bulla_view(more, sizeof more), false, &out, &err),
			 BULLA_ERR_TOO_LARGE);
	stop();
}

static void contexts(void **state)
{
	bulla_pair many[20];
	char names[20][4];
	(void)state;
	start(NULL);
	BULLA_BUF_AUTO bulla_buf box = seal(NULL, bulla_view_str("secret"), true), out = { 0 };
	assert_int_equal(open_in(there, 2, bulla_view_buf(&box), &out), BULLA_ERR_CONTEXT);
	assert_non_null(strstr(err.text, "host"));
	assert_int_equal(open_in(here, 1, bulla_view_buf(&box), &out), BULLA_ERR_CONTEXT); /* one pair fewer */
	assert_non_null(strstr(err.text, "has 1 pairs"));
	assert_non_null(strstr(err.text, "sealed with 2"));
	assert_int_equal(out.len, 0);
	const bulla_pair swapped[] = { here[1], here[0] }, twice[] = { here[0], here[0] };
	assert_int_equal(open_in(swapped, 2, bulla_view_buf(&box), &out), BULLA_OK); /* the order does not matter */
	assert_int_equal(open_in(twice, 2, bulla_view_buf(&box), &out), BULLA_ERR_USAGE);
	for (size_t i = 0; i < 20; i++) {
		snprintf(names[i], sizeof names[i], "n%zu", i);
		many[i] = (bulla_pair){ bulla_view_str(names[i]), bulla_view_str("v") };
	}
	assert_int_equal(open_in(many, 20, bulla_view_buf(&box), &out), BULLA_ERR_CONTEXT);
	assert_non_null(strstr(err.text, "has 20 pairs"));
	bulla_buf_clear(&box); /* more pairs than checks: bound all the same */
	assert_int_equal(bulla_box_seal(keyring, NULL, many, 20, bulla_view_str("x"), false, &box, &err), BULLA_OK);
	assert_int_equal(open_in(many, 20, bulla_view_buf(&box), &out), BULLA_OK);
	many[7].value = bulla_view_str("w");
	assert_int_equal(open_in(many, 20, bulla_view_buf(&box), &out), BULLA_ERR_AUTH);
	stop();
}

static void keys(void **state)
{
	(void)state;
	start(NULL);
	BULLA_BUF_AUTO bulla_buf all = seal(NULL, bulla_view_str("x"), false),
				 one = seal("insecure-test-key", bulla_view_str("x"), false), out = { 0 };
	assert_int_equal(all.data[33], 2);
	assert_int_equal(one.data[33], 1);
	assert_int_equal(one.data[34], 255);
	assert_int_equal(bulla_box_seal(keyring, "env:OLD", here, 2, bulla_view_str("x"), false, &out, &err),
			 BULLA_ERR_NOT_FOUND); /* unwraps only */
	assert_int_equal(bulla_box_seal(keyring, "nonsense", here, 2, bulla_view_str("x"), false, &out, &err),
			 BULLA_ERR_NOT_FOUND);
	stop();
	start("other");
	assert_int_equal(open_in(here, 2, bulla_view_buf(&all), &out), BULLA_ERR_UNKNOWN_KEY);
	stop();
	start("writer");
	BULLA_BUF_AUTO bulla_buf written = seal(NULL, bulla_view_str("x"), false);
	assert_int_equal(open_in(here, 2, bulla_view_buf(&written), &out), BULLA_ERR_DENIED);
	stop();
}

static bool opens(void *self, bulla_bytes changed)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	(void)self;
	return open_in(here, 2, changed, &out) == BULLA_OK;
}

static void every_flip_and_cut(void **state)
{
	(void)state;
	start(NULL);
	BULLA_BUF_AUTO bulla_buf box = seal("env:FIRST", bulla_view_str("correct horse"), false),
				 text = seal("env:FIRST", bulla_view_str("x"), true);
	flip_everything(bulla_view_buf(&box), (flip_gap){ 46, 50 }, opens, NULL);
	for (size_t len = 0; len < text.len; len++)
		flip_cut(bulla_view_buf(&text), len, opens, NULL);
	stop();
}

static void what_is_no_box(void **state)
{
	static const char *const texts[] = {
		"", "b1:", "b1:!!!!", "b1:AAAA", "v1:AAAA", "hello", "\x01 a wrapped key's first byte"
	};
	(void)state;
	start(NULL);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		BULLA_BUF_AUTO bulla_buf out = { 0 };
		bulla_code code = open_in(here, 2, bulla_view_str(texts[i]), &out);
		assert_true(code == BULLA_ERR_FORMAT || code == BULLA_ERR_ENCODING);
	}
	stop();
}

/* Those that are sealed under the key file and the test key; of the two that name both keys one is enough. */
static void vectors(void **state)
{
	bulla_json *document = vectors_open("box.json");
	const bulla_json *good = bulla_json_member(document, "good");
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	(void)state;
	bulla_bytes key = vector_text(bulla_json_at(bulla_json_member(bulla_json_at(good, 0), "wraps"), 0), "wrapping_key");
	assert_int_equal(key.len, 64);
	memcpy(key_file, key.data, 64);
	start(NULL);
	for (size_t i = 0; i < bulla_json_count(good); i++) {
		const bulla_json *v = bulla_json_at(good, i);
		BULLA_BUF_AUTO bulla_buf bytes = vector_hex(v, "bytes"), out = { 0 }, again = { 0 };
		size_t n = vector_pairs(v, pairs, BULLA_CONTEXT_PAIRS_MAX);
		assert_int_equal(open_in(pairs, n, bulla_view_buf(&bytes), &out), BULLA_OK);
		vector_same(v, "content", bulla_view_buf(&out));
		assert_int_equal(open_in(pairs, n, vector_text(v, "text"), &again), BULLA_OK);
		vector_same(v, "content", bulla_view_buf(&again));
	}
	stop();
	bulla_json_free(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),     cmocka_unit_test(contexts),       cmocka_unit_test(keys),
		cmocka_unit_test(every_flip_and_cut), cmocka_unit_test(what_is_no_box), cmocka_unit_test(vectors),
	};
	return cmocka_run_group_tests_name("lib/box", tests, NULL, NULL);
}
