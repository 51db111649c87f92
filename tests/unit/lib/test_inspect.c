/*
 * test_inspect.c - what a ciphertext is, told without a key, in every form it comes in.
 */
#include "../vectors.h"

#include <bulla/inspect.h>

/* The answer as a document; NULL when these bytes are of no known format. */
static bulla_json *inspect(bulla_bytes bytes)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_json *answer = NULL;
	bulla_error err = { 0 };
	if (bulla_inspect(bytes, &out, &err)) return NULL;
	assert_int_equal(bulla_json_parse(bulla_view_buf(&out), &answer, &err), BULLA_OK);
	return answer;
}

static void is_format(bulla_bytes bytes, const char *format, int64_t size, const char *more, int64_t value)
{
	bulla_json *answer = inspect(bytes);
	if (!answer) fail_msg("not recognised: %s", format);
	bulla_bytes name = vector_text(answer, "format");
	if (!bulla_bytes_is(name, format)) fail_msg("%.*s instead of %s", (int)name.len, (const char *)name.data, format);
	assert_int_equal(vector_int(answer, "bytes"), size);
	bool flag;
	if (more && bulla_json_boolean(bulla_json_member(answer, more), &flag))
		assert_int_equal(flag, value);
	else if (more)
		assert_int_equal(vector_int(answer, more), value);
	bulla_json_free(answer);
}

/* Raw, in hexadecimal, in base64, with a line end behind it: the same answer. */
static void in_every_form(bulla_bytes raw, const char *format, const char *more, int64_t value)
{
	BULLA_BUF_AUTO bulla_buf hex = { 0 }, base64 = { 0 };
	assert_int_equal(bulla_hex_encode(raw, &hex, NULL), BULLA_OK);
	assert_int_equal(bulla_base64_encode(raw, &base64, NULL), BULLA_OK);
	is_format(raw, format, (int64_t)raw.len, more, value);
	is_format(bulla_view_buf(&hex), format, (int64_t)raw.len, more, value);
	is_format(bulla_view_buf(&base64), format, (int64_t)raw.len, more, value);
	assert_int_equal(bulla_buf_add_str(&base64, "\n", NULL), BULLA_OK);
	is_format(bulla_view_buf(&base64), format, (int64_t)raw.len, more, value);
}

static void each(const char *file, const char *member, const char *format, const char *more,
		 int64_t (*value)(const bulla_json *v))
{
	bulla_json *document = vectors_open(file);
	const bulla_json *good = bulla_json_member(document, "good");
	assert_true(bulla_json_count(good) > 0);
	for (size_t i = 0; i < bulla_json_count(good); i++) {
		const bulla_json *v = bulla_json_at(good, i);
		BULLA_BUF_AUTO bulla_buf raw = vector_hex(v, member);
		in_every_form(bulla_view_buf(&raw), format, more, value(v));
	}
	bulla_json_free(document);
}

static int64_t version(const bulla_json *v)
{
	return vector_int(v, "version");
}

static int64_t is_null(const bulla_json *v)
{
	return bulla_json_is_null(bulla_json_member(v, "value"));
}

static int64_t is_padded(const bulla_json *v)
{
	return vector_int(v, "padding") > 0;
}

static int64_t checks(const bulla_json *v)
{
	return (int64_t)bulla_json_count(bulla_json_member(v, "checks"));
}

static int64_t one(const bulla_json *v)
{
	(void)v;
	return 1;
}

static void fields(void **state)
{
	(void)state;
	each("field.json", "sealed", "bulla field", "version", version);
	each("field.json", "sealed", "bulla field", "sealed_null", is_null);
	each("field.json", "sealed", "bulla field", "padded", is_padded);
}

static void wrapped_keys_and_boxes(void **state)
{
	(void)state;
	each("wrapped_key.json", "bytes", "bulla wrapped key", "checks", checks);
	each("box.json", "bytes", "bulla box", "checks", checks);
	bulla_json *document = vectors_open("box.json");
	bulla_bytes text = vector_text(bulla_json_at(bulla_json_member(document, "good"), 0), "text");
	bulla_json *answer = inspect(text); /* with its b1: */
	assert_non_null(answer);
	bulla_json_free(answer);
	bulla_json_free(document);
}

static void engine_blobs(void **state)
{
	(void)state;
	each("engine.json", "blob", "bulla engine blob", "version", one);
}

static void wraps_are_listed(void **state)
{
	bulla_json *document = vectors_open("wrapped_key.json");
	const bulla_json *good = bulla_json_member(document, "good");
	(void)state;
	for (size_t i = 0; i < bulla_json_count(good); i++) {
		const bulla_json *v = bulla_json_at(good, i), *expected = bulla_json_member(v, "wraps");
		BULLA_BUF_AUTO bulla_buf raw = vector_hex(v, "bytes");
		bulla_json *answer = inspect(bulla_view_buf(&raw));
		const bulla_json *wraps = bulla_json_member(answer, "wraps");
		assert_int_equal(bulla_json_count(wraps), bulla_json_count(expected));
		for (size_t w = 0; w < bulla_json_count(wraps); w++) {
			bulla_bytes reference = vector_text(bulla_json_at(wraps, w), "reference");
			assert_true(bulla_bytes_equal(reference, vector_text(bulla_json_at(expected, w), "reference")));
			int64_t kind = vector_int(bulla_json_at(expected, w), "kind");
			bulla_bytes name = vector_text(bulla_json_at(wraps, w), "kind");
			assert_true(bulla_bytes_is(name, kind == 8 ? "branch" : kind == 7 ? "keyfile" : "test"));
		}
		bulla_json_free(answer);
	}
	bulla_json_free(document);
}

static void nothing_we_know(void **state)
{
	static const char *const texts[] = { "",         "hello world, this is no ciphertext at all",
					     "01",       "AQ==",
					     "b1:",      "b1:AQ==",
					     "\xb5\x02", "-----BEGIN PGP MESSAGE-----" };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_error err = { 0 };
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_int_equal(bulla_inspect(bulla_view_str(texts[i]), &out, &err), BULLA_ERR_FORMAT);
	assert_int_equal(out.len, 0);
	assert_null(strstr(err.text, "PGP")); /* it may be a secret */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),           cmocka_unit_test(wrapped_keys_and_boxes), cmocka_unit_test(engine_blobs),
		cmocka_unit_test(wraps_are_listed), cmocka_unit_test(nothing_we_know),
	};
	return cmocka_run_group_tests_name("lib/inspect", tests, NULL, NULL);
}
