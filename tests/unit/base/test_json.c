/*
 * test_json.c - strict input, exact output.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"

#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bulla_json *parse(const char *text)
{
	bulla_json *json = NULL;
	bulla_error err = { 0 };
	if (bulla_json_parse(bulla_view_str(text), &json, &err) != BULLA_OK) fail_msg("%s: %s", text, err.text);
	return json;
}

static bool collect(void *self, bulla_bytes name, const bulla_json *value)
{
	int64_t n = 0;
	bulla_buf *buf = self;
	assert_true(bulla_json_integer(value, &n));
	assert_int_equal(bulla_buf_printf(buf, NULL, "%.*s=%d;", (int)name.len, name.data, (int)n), BULLA_OK);
	return n != 3;
}

static void members_are_typed_and_in_order(void **state)
{
	(void)state;
	bulla_json *json = parse("{\"s\":\"a\\u0000\\u00e4\",\"i\":-9223372036854775808,\"t\":true,\"n\":null,\"l\":[1,2,3],"
				 "\"o\":{\"z\":1,\"a\":2,\"m\":3,\"b\":4},\"f\":1.5}");
	bulla_bytes text;
	int64_t i;
	double number = 0;
	bool b = false;
	assert_true(bulla_json_string(bulla_json_member(json, "s"), &text));
	assert_int_equal(text.len, 4);
	assert_memory_equal(text.data, "a\0\xc3\xa4", 4);
	assert_true(bulla_json_integer(bulla_json_member(json, "i"), &i));
	assert_true(i == INT64_MIN);
	assert_true(bulla_json_boolean(bulla_json_member(json, "t"), &b) && b);
	assert_true(bulla_json_is_null(bulla_json_member(json, "n")));
	assert_false(bulla_json_is_null(bulla_json_member(json, "absent")));
	assert_int_equal(bulla_json_count(bulla_json_member(json, "l")), 3);
	assert_true(bulla_json_integer(bulla_json_at(bulla_json_member(json, "l"), 2), &i) && i == 3);
	assert_null(bulla_json_at(bulla_json_member(json, "l"), 3));
	assert_int_equal(bulla_json_count(json), 7);
	assert_true(bulla_json_number(bulla_json_member(json, "f"), &number) && number == 1.5);
	assert_true(bulla_json_number(bulla_json_at(bulla_json_member(json, "l"), 1), &number) && number == 2);
	assert_false(bulla_json_number(bulla_json_member(json, "t"), &number) ||
		     bulla_json_number(bulla_json_member(json, "s"), &number) || bulla_json_number(NULL, &number));
	BULLA_BUF_AUTO bulla_buf seen = { 0 };
	bulla_json_members(bulla_json_member(json, "o"), collect, &seen);
	assert_true(bulla_bytes_is(bulla_view_buf(&seen), "z=1;a=2;m=3;"));
	bulla_json_free(json);
	bulla_json_free(NULL);
}

static void another_type_is_absent(void **state)
{
	(void)state;
	bulla_json *json = parse("{\"s\":\"1\",\"f\":1.0}");
	const bulla_json *s = bulla_json_member(json, "s");
	int64_t i;
	bool b;
	bulla_bytes text;
	assert_null(bulla_json_member(s, "x"));
	assert_null(bulla_json_at(json, 0));
	assert_int_equal(bulla_json_count(s), 0);
	assert_int_equal(bulla_json_count(NULL), 0);
	assert_false(bulla_json_integer(s, &i));
	assert_false(bulla_json_integer(bulla_json_member(json, "f"), &i));
	assert_false(bulla_json_boolean(s, &b));
	assert_false(bulla_json_string(json, &text));
	assert_false(bulla_json_string(NULL, &text));
	assert_null(bulla_json_member(NULL, "x"));
	bulla_json_members(s, collect, NULL);
	bulla_json_members(NULL, collect, NULL);
	bulla_json_free(json);
}

static void bad_documents_say_where(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *expected;
	} rows[] = {
		{ "", "line 1, column 0: the document ends too early" },
		{ "{\"a\":1", "the document ends too early" },
		{ "{\"a\":1,\n\"a\":2}", "line 2, column 3: a name that occurs twice" },
		{ "{\"hunter2\":hunter2}", "invalid syntax" },
		{ "[1,]", "invalid syntax" },
		{ "[1] 2", "bytes after the document" },
		{ "\"\xff\"", "invalid UTF-8" },
		{ "[\"\xed\xa0\x80\"]", "invalid UTF-8" },
		{ "\"\\ud800\"", "invalid syntax" },
		{ "9223372036854775808", "a number out of range" },
		{ "1e999", "a number out of range" },
		{ "{\"a\\u0000b\":1}", "a name with a NUL in it" },
		{ "nul", "invalid syntax" },
		{ "\"a\nb\"", "invalid syntax" },
		{ "\xef\xbb\xbf{}", "invalid" },
		{ "[01]", "invalid syntax" },
		{ "{'a':1}", "invalid syntax" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_json *json = NULL;
		bulla_error err = { 0 };
		assert_int_equal(bulla_json_parse(bulla_view_str(rows[i].text), &json, &err), BULLA_ERR_FORMAT);
		assert_null(json);
		if (!strstr(err.text, rows[i].expected)) fail_msg("row %zu: %s", i, err.text);
		assert_null(strstr(err.text, "hunter2"));
	}
}

/* The library's own reader, asked about the same bytes. */
static void compare_with_oracle(const char *text, size_t len)
{
	bulla_json *json = NULL;
	json_t *expected = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	bulla_code code = bulla_json_parse(bulla_view(text, len), &json, NULL);
	if ((code == BULLA_OK) != (expected != NULL)) fail_msg("%.*s: %s", (int)len, text, bulla_code_name(code));
	if (expected && !json_equal(expected, (const json_t *)(const void *)json))
		fail_msg("%.*s: another value", (int)len, text);
	bulla_json_free(json);
	json_decref(expected);
}

/* Each byte of it replaced, left out or doubled, and each beginning. */
static void mutate(const char *text)
{
	static const char bytes[] = "\"\\{}[],:0e.-+u d8\n\t\x01\x7f\x80\xc3\xe4\xff";
	size_t n = strlen(text);
	char copy[256];
	for (size_t at = 0; at < n; at++) {
		compare_with_oracle(text, at);
		for (size_t i = 0; i < sizeof bytes - 1; i++) {
			memcpy(copy, text, n + 1);
			copy[at] = bytes[i];
			compare_with_oracle(copy, n);
			memcpy(copy + at + 1, text + at, n - at);
			compare_with_oracle(copy, n + 1);
		}
		memcpy(copy, text, n + 1);
		memmove(copy + at, copy + at + 1, n - at);
		compare_with_oracle(copy, n - 1);
	}
}

static void reads_what_the_library_reads(void **state)
{
	(void)state;
	static const char *const documents[] = {
		"{\"a\":[1,-2,0,-0,1.5e+3,-0.25E-2,1e5],\"b\":{\"c\":true,\"d\":false,\"e\":null},\"\":\"\"}",
		"[\"\\u0041\\u00e4\\u20ac\\ud83d\\ude00\\u0000\\ud800\\udc00\\udbff\\udfff\"]",
		" [ \"\\b\\f\\n\\r\\t\\/\\\\\\\"\" , \"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\" ] \r\n",
		"{\"\\u0061b\":1,\"a\\u0062c\":{\"\\u0061b\":2,\"ab c\":3}}",
		"[9223372036854775807,-9223372036854775808,1.7976931348623157e308,4.9e-324,1e-999,0.1]",
		"\"text alone\"",
		"-12.75",
		"null",
	};
	bulla_json *json = NULL;
	assert_int_equal(bulla_json_parse(bulla_view("[1\0]", 4), &json, NULL),
			 BULLA_ERR_FORMAT); /* which the library passes over */
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
		compare_with_oracle(documents[i], strlen(documents[i]));
		mutate(documents[i]);
	}
}

static void sixty_four_levels_and_no_more(void **state)
{
	(void)state;
	char text[200];
	for (int depth = 64; depth <= 65; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		text[2 * depth] = 0;
		bulla_json *json = NULL;
		bulla_code code = bulla_json_parse(bulla_view_str(text), &json, NULL);
		assert_int_equal(code, depth == 64 ? BULLA_OK : BULLA_ERR_FORMAT);
		bulla_json_free(json);
	}
	memset(text, '[', 150);
	memcpy(text, "[\"\\\"", 4);
	memcpy(text + 150, "\"]", 3);
	bulla_json_free(parse(text)); /* brackets inside a string do not count */
	bulla_json *json = NULL;
	assert_int_equal(bulla_json_parse(bulla_view(text, BULLA_JSON_MAX + 1u), &json, NULL), BULLA_ERR_LIMIT);
}

static void assert_written(bulla_json_writer *w, const char *expected)
{
	bulla_error err = { 0 };
	assert_int_equal(bulla_json_end(w, &err), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(w->out, NULL), BULLA_OK);
	assert_string_equal((char *)w->out->data, expected);
	bulla_json_free(parse(expected));
	bulla_buf_clear(w->out);
}

static void writes_a_document(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	bulla_json_writer w = bulla_json_to(&buf);
	const bulla_pair pairs[] = { { bulla_view_str("k\""), bulla_view_str("v") }, { bulla_view_str("e"), { NULL, 0 } } };
	bulla_json_open(&w, NULL, '{');
	bulla_json_put_str(&w, "s", "x");
	bulla_json_put_str(&w, "none", NULL);
	bulla_json_put_int(&w, "i", INT64_MIN);
	bulla_json_put_bool(&w, "t", true);
	bulla_json_put_bool(&w, "f", false);
	bulla_json_put_null(&w, "n");
	bulla_json_put_hex(&w, "h", bulla_view("\x01\xff", 2));
	bulla_json_put_base64(&w, "b", bulla_view("foob", 4));
	bulla_json_open(&w, "l", '[');
	bulla_json_put_int(&w, NULL, 0);
	bulla_json_put_int(&w, NULL, -7);
	bulla_json_open(&w, NULL, '[');
	bulla_json_close(&w, ']');
	bulla_json_open(&w, NULL, '{');
	bulla_json_close(&w, '}');
	bulla_json_close(&w, ']');
	bulla_json_put_pairs(&w, "p", pairs, 2);
	bulla_json_put_pairs(&w, "q", NULL, 0);
	bulla_json_put_bytes(&w, "", bulla_view("", 0));
	bulla_json_close(&w, '}');
	assert_written(&w,
		       "{\"s\":\"x\",\"none\":null,\"i\":-9223372036854775808,\"t\":true,\"f\":false,\"n\":null,\"h\":\"01ff\","
		       "\"b\":\"Zm9vYg==\",\"l\":[0,-7,[],{}],\"p\":{\"k\\\"\":\"v\",\"e\":\"\"},\"q\":{},\"\":\"\"}");
}

static void escapes_what_must_be(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
		const char *expected;
	} rows[] = {
		{ "a\"b\\c/", 6, "\"a\\\"b\\\\c/\"" },
		{ "\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\"" },
		{ "\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\"" },
		{ "\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80", 9, "\"\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80\"" },
		{ "a\xff"
		  "b",
		  3,
		  "\"a\xef\xbf\xbd"
		  "b\"" },
		{ "\xc3", 1, "\"\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "", 0, "\"\"" },
	};
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_json_writer w = bulla_json_to(&buf);
		bulla_json_put_bytes(&w, NULL, bulla_view(rows[i].text, rows[i].len));
		assert_written(&w, rows[i].expected);
	}
}

/* Whatever stands beside it: the scan takes eight bytes at a time. */
static void every_byte_in_every_place_reads_back(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	char text[20];
	for (int c = 0; c < 0x80; c++)
		for (size_t at = 0; at < sizeof text; at++) {
			memset(text, 'a', sizeof text);
			text[at] = (char)c;
			text[(at + 5) % sizeof text] = '!'; /* the byte below the quote, where a borrow would show */
			bulla_json_writer w = bulla_json_to(&buf);
			bulla_json_put_bytes(&w, NULL, bulla_view(text, sizeof text));
			assert_int_equal(bulla_json_end(&w, NULL), BULLA_OK);
			bulla_json *json = NULL;
			bulla_bytes back;
			assert_int_equal(bulla_json_parse(bulla_view_buf(&buf), &json, NULL), BULLA_OK);
			assert_true(bulla_json_string(json, &back));
			assert_true(bulla_bytes_equal(back, bulla_view(text, sizeof text)));
			bulla_json_free(json);
			bulla_buf_clear(&buf);
		}
}

static void numbers_read_back(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *expected;
	} rows[] = {
		{ 0, "0.0" },
		{ 1, "1.0" },
		{ -0.1, "-0.1" },
		{ 1e300, "1e+300" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 5e-324, "4.94065645841247e-324" },
		{ 123456789.25, "123456789.25" },
		{ INFINITY, "null" },
		{ NAN, "null" },
	};
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	const char *locales[] = { "C", "de_DE.UTF-8" };
	for (size_t l = 0; l < 2; l++) {
		setlocale(LC_NUMERIC, locales[l]); /* where it is not installed, C is tested twice */
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			bulla_json_writer w = bulla_json_to(&buf);
			bulla_json_put_number(&w, NULL, rows[i].value);
			assert_written(&w, rows[i].expected);
		}
	}
	setlocale(LC_NUMERIC, "C");
}

static void a_failure_sticks(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf buf = { .max = 10 };
	bulla_json_writer w = bulla_json_to(&buf);
	bulla_error err = { 0 };
	bulla_json_open(&w, NULL, '{');
	bulla_json_put_str(&w, "long name", "value");
	bulla_json_put_hex(&w, "a", bulla_view("a", 1));
	bulla_json_close(&w, '}');
	assert_int_equal(bulla_json_end(&w, &err), BULLA_ERR_LIMIT);
	assert_true(buf.len <= 10);
}

static void what_was_read_is_written_again(void **state)
{
	static const char text[] = "{\"a\":[1,-2.5,true,null,\"\u00e4\\\"\"],\"\":{},\"b\":{\"c\":[],\"d\":[[{}]]}}";
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_json *document = NULL;
	bulla_json_writer w = bulla_json_to(&out);
	(void)state;
	assert_int_equal(bulla_json_parse(bulla_view_str(text), &document, NULL), BULLA_OK);
	bulla_json_open(&w, NULL, '[');
	bulla_json_put_node(&w, NULL, document);
	bulla_json_put_node(&w, NULL, NULL);
	bulla_json_close(&w, ']');
	assert_int_equal(bulla_json_end(&w, NULL), BULLA_OK);
	assert_int_equal(out.len, sizeof text - 1 + 7);
	assert_memory_equal(out.data + 1, text, sizeof text - 1);
	assert_memory_equal(out.data + sizeof text, ",null]", 6);
	bulla_json_free(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_typed_and_in_order),
		cmocka_unit_test(another_type_is_absent),
		cmocka_unit_test(bad_documents_say_where),
		cmocka_unit_test(reads_what_the_library_reads),
		cmocka_unit_test(sixty_four_levels_and_no_more),
		cmocka_unit_test(writes_a_document),
		cmocka_unit_test(escapes_what_must_be),
		cmocka_unit_test(every_byte_in_every_place_reads_back),
		cmocka_unit_test(numbers_read_back),
		cmocka_unit_test(a_failure_sticks),
		cmocka_unit_test(what_was_read_is_written_again),
	};
	return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
