/*
 * test_text.c - hexadecimal and base64 by RFC 4648, UTF-8 by RFC 3629.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"

typedef bulla_code (*codec)(bulla_bytes in, bulla_buf *out, bulla_error *err);

static void check(codec f, const char *in, const char *expected)
{
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_buf_add_str(&buf, "=", NULL), BULLA_OK);
	assert_int_equal(f(bulla_view_str(in), &buf, NULL), BULLA_OK);
	assert_int_equal(buf.len, strlen(expected) + 1);
	assert_memory_equal(buf.data + 1, expected, strlen(expected));
}

static void refuse(codec f, const char *in)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_buf_add_str(&buf, "=", NULL), BULLA_OK);
	assert_int_equal(f(bulla_view_str(in), &buf, &err), BULLA_ERR_ENCODING);
	assert_int_equal(buf.len, 1);
	assert_null(strstr(err.text, in[0] ? in : "\n"));
}

static const char *const rfc4648[][2] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xff\xfe\xfb", "//77" },
};

static void base64_there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rfc4648 / sizeof *rfc4648; i++) {
		check(bulla_base64_encode, rfc4648[i][0], rfc4648[i][1]);
		check(bulla_base64_decode, rfc4648[i][1], rfc4648[i][0]);
	}
}

static void base64_is_strict(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"Z",        "Zg",     "Zg=",  "Zh==", "Zm9=", "====",  "=AAA",    "A===",
		"Zg==Zg==", "Zm9v\n", "Zm 9", "Zm-_", "Z=g=", "Zm9v!", "Zm9\xc3", "Zg==\n\n\n\n",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		refuse(bulla_base64_decode, bad[i]);
}

static void every_byte_survives_both(void **state)
{
	(void)state;
	uint8_t bytes[256];
	for (size_t i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	for (size_t n = 0; n <= 256; n++) {
		BULLA_BUF_AUTO bulla_buf text = { 0 };
		BULLA_BUF_AUTO bulla_buf back = { 0 };
		assert_int_equal(bulla_base64_encode(bulla_view(bytes, n), &text, NULL), BULLA_OK);
		assert_int_equal(bulla_base64_decode(bulla_view_buf(&text), &back, NULL), BULLA_OK);
		assert_true(bulla_bytes_equal(bulla_view_buf(&back), bulla_view(bytes, n)));
		bulla_buf_clear(&text);
		bulla_buf_clear(&back);
		assert_int_equal(bulla_hex_encode(bulla_view(bytes, n), &text, NULL), BULLA_OK);
		assert_int_equal(bulla_hex_decode(bulla_view_buf(&text), &back, NULL), BULLA_OK);
		assert_true(bulla_bytes_equal(bulla_view_buf(&back), bulla_view(bytes, n)));
	}
}

/* Into a place of a known size, or not at all. */
static void read_exactly(void **state)
{
	static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	static const char base64[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
	uint8_t out[BULLA_READ_MAX + 1];
	BULLA_BUF_AUTO bulla_buf most = { 0 }, more = { 0 };
	(void)state;
	for (int i = 0; i < 2; i++) {
		memset(out, 0xee, sizeof out);
		assert_true(i ? bulla_base64_read(bulla_view_str(base64), out, 32)
			      : bulla_hex_read(bulla_view_str(hex), out, 32));
		for (int b = 0; b < 33; b++)
			assert_int_equal(out[b], b < 32 ? b : 0xee);
	}
	assert_false(bulla_hex_read(bulla_view_str(hex), out, 31));
	assert_false(bulla_hex_read(bulla_view_str(hex), out, 33));
	assert_false(bulla_hex_read(bulla_view(hex, 63), out, 32));
	assert_false(bulla_hex_read(bulla_view_str("zz"), out, 1));
	assert_false(bulla_base64_read(bulla_view_str(base64), out, 31));
	assert_false(bulla_base64_read(bulla_view_str(base64), out, 33));
	assert_false(bulla_base64_read(bulla_view_str("AAE"), out, 2));
	memset(out, 7, sizeof out);
	assert_int_equal(bulla_hex_encode(bulla_view(out, BULLA_READ_MAX), &most, NULL), BULLA_OK);
	assert_true(bulla_hex_read(bulla_view_buf(&most), out, BULLA_READ_MAX));
	assert_int_equal(bulla_hex_encode(bulla_view(out, BULLA_READ_MAX + 1), &more, NULL), BULLA_OK);
	assert_false(bulla_hex_read(bulla_view_buf(&more), out, BULLA_READ_MAX + 1));
	assert_true(bulla_hex_read(bulla_view(NULL, 0), out, 0));
}

static void hex_is_strict(void **state)
{
	(void)state;
	check(bulla_hex_encode, "\x01\xaf", "01af");
	check(bulla_hex_decode, "01aFAf", "\x01\xaf\xaf");
	static const char *const bad[] = { "0", "0g", "g0", "0x", "-1", " 1", "1 ", "/0", ":0", "@a", "`a", "a\xc3", "00\n0" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		refuse(bulla_hex_decode, bad[i]);
}

static const struct {
	const char *text;
	size_t first;
} utf8[] = {
	{ "a", 1 },
	{ "\x7f", 1 },
	{ "\xc2\x80", 2 },
	{ "\xdf\xbf", 2 },
	{ "\xe0\xa0\x80", 3 },
	{ "\xed\x9f\xbf", 3 },
	{ "\xee\x80\x80", 3 },
	{ "\xef\xbf\xbf", 3 },
	{ "\xf0\x90\x80\x80", 4 },
	{ "\xf4\x8f\xbf\xbf", 4 },
	{ "\x80", 0 },
	{ "\xbf", 0 },
	{ "\xc0\x80", 0 }, /* overlong */
	{ "\xc1\xbf", 0 },
	{ "\xe0\x9f\xbf", 0 },
	{ "\xf0\x8f\xbf\xbf", 0 },
	{ "\xed\xa0\x80", 0 }, /* surrogates */
	{ "\xed\xbf\xbf", 0 },
	{ "\xf4\x90\x80\x80", 0 }, /* above U+10FFFF */
	{ "\xf5\x80\x80\x80", 0 },
	{ "\xff", 0 },
	{ "\xc2", 0 }, /* cut */
	{ "\xe2\x82", 0 },
	{ "\xf0\x9f\x98", 0 },
	{ "\xc2\x41", 0 },
	{ "\xe2\x82\x41", 0 },
	{ "\xf0\x9f\x98\x41", 0 },
};

static void utf8_by_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof utf8 / sizeof *utf8; i++) {
		bulla_bytes text = bulla_view_str(utf8[i].text);
		assert_int_equal(bulla_utf8_first(text), utf8[i].first);
		assert_int_equal(bulla_utf8_valid(text), utf8[i].first > 0);
		/* wherever it stands in a longer text */
		for (size_t lead = 0; lead < 20; lead++) {
			char longer[64];
			memset(longer, 'a', sizeof longer);
			memcpy(longer + lead, text.data, text.len);
			assert_int_equal(bulla_utf8_valid(bulla_view(longer, lead + text.len)), utf8[i].first > 0);
			assert_int_equal(bulla_utf8_valid(bulla_view(longer, sizeof longer)), utf8[i].first > 0);
		}
	}
	assert_true(bulla_utf8_valid((bulla_bytes){ NULL, 0 }));
	assert_int_equal(bulla_utf8_first((bulla_bytes){ NULL, 0 }), 0);
	assert_true(bulla_utf8_valid(bulla_view("a\0b", 3)));
}

static void the_last_code_points(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t n;
		const char *last;
	} rows[] = {
		{ "123-45-6789", 4, "6789" },
		{ "789", 4, "789" },
		{ "", 4, "" },
		{ "abc", 0, "" },
		{ "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z", 3, "\xe2\x82\xac\xf0\x9f\x98\x80z" },
		{ "\xc3\xa4\xc3\xb6", 2, "\xc3\xa4\xc3\xb6" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_true(bulla_bytes_is(bulla_utf8_last(bulla_view_str(rows[i].text), rows[i].n), rows[i].last));
}

static void durations_have_a_unit(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{ "250ms", 250 },
		{ "300s", 300000 },
		{ "5m", 300000 },
		{ "1h", 3600000 },
		{ "2d", 172800000 },
		{ "0s", 0 },
		{ "9223372036854775807ms", INT64_MAX },
	};
	static const char *const bad[] = { "",
					   "5",
					   "s",
					   "5 s",
					   "-5s",
					   "+5s",
					   "1.5h",
					   "5S",
					   "5sec",
					   "5w",
					   "1h30m",
					   "9223372036854775808ms",
					   "9223372036854775807s",
					   "99999999999999999999ms",
					   "5s " };
	int64_t ms = -1;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(bulla_duration_parse(rows[i].text, &ms));
		assert_true(ms == rows[i].ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(bulla_duration_parse(bad[i], &ms));
}

static void times_read_back(void **state)
{
	static const char *const none[] = { "",
					    "2026-11-21",
					    "2026-11-21T19:05:00",
					    "2026-11-21 19:05:00Z",
					    "2026-02-29T00:00:00Z",
					    "2026-13-01T00:00:00Z",
					    "2026-11-21T24:00:00Z",
					    "2026-11-21T19:05:60Z",
					    "1969-12-31T23:59:59Z",
					    "2026-11-21T19:05:00.1Z",
					    "2026-11-21T19:05:00.00000xZ",
					    "2026-11-21T19:05:00+01:00" };
	int64_t us = 0;
	char text[BULLA_TIME_TEXT];
	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(bulla_time_read(bulla_view_str(none[i]), &us));
	assert_true(bulla_time_read(bulla_view_str("2026-11-21T19:05:00.000001Z"), &us));
	assert_true(us == INT64_C(1795287900000001));
	assert_true(bulla_time_read(bulla_view_str("2024-02-29T23:59:59Z"), &us));
	assert_string_equal(bulla_time_text(us, text), "2024-02-29T23:59:59Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_there_and_back),
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(every_byte_survives_both),
		cmocka_unit_test(hex_is_strict),
		cmocka_unit_test(read_exactly),
		cmocka_unit_test(durations_have_a_unit),
		cmocka_unit_test(utf8_by_the_table),
		cmocka_unit_test(the_last_code_points),
		cmocka_unit_test(times_read_back),
	};
	return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
