/*
 * test_value.c - typed values: limits, special numbers, what no type takes, and NULL against empty.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "format/value.h"

#include <math.h>
#include <stdlib.h>

static bulla_value integer(int64_t n)
{
	return (bulla_value){ .kind = BULLA_KIND_INTEGER, .integer = n };
}

static bulla_value number(double n)
{
	return (bulla_value){ .kind = BULLA_KIND_FLOAT, .number = n };
}

static bulla_value boolean(int64_t n)
{
	return (bulla_value){ .kind = BULLA_KIND_BOOLEAN, .integer = n };
}

static bulla_value text(const char *s)
{
	return (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(s) };
}

static bulla_value binary(const void *data, size_t len)
{
	return (bulla_value){ .kind = BULLA_KIND_BINARY, .bytes = bulla_view(data, len) };
}

static bulla_code measure(bulla_type type, bulla_value value)
{
	size_t size;
	return bulla_value_measure(type, &value, &size, NULL);
}

static void comes_back(bulla_type type, bulla_value value)
{
	uint8_t out[256];
	size_t size;
	bulla_value again;
	assert_int_equal(bulla_value_measure(type, &value, &size, NULL), BULLA_OK);
	assert_true(size <= sizeof out);
	bulla_value_write(type, &value, out);
	assert_int_equal(bulla_value_read(type, bulla_view(out, size), &again, NULL), BULLA_OK);
	assert_true(bulla_value_equal(&value, &again));
}

static void numbers(void **state)
{
	static const int64_t integers[] = { 0, 1, -1, INT64_MAX, INT64_MIN, 1ll << 53, -(1ll << 53) - 1 };
	static const double doubles[] = { 0.0, -0.0, 1.0 / 3, INFINITY, -INFINITY, NAN, 5e-324, 1.7976931348623157e308 };
	(void)state;
	for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
		comes_back(BULLA_TYPE_INTEGER, integer(integers[i]));
		comes_back(BULLA_TYPE_ANY, integer(integers[i]));
	}
	for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
		comes_back(BULLA_TYPE_FLOAT, number(doubles[i]));
		comes_back(BULLA_TYPE_ANY, number(doubles[i]));
	}
}

/* -0.0 is not 0.0, and a NaN keeps its payload. */
static void floats_are_their_bits(void **state)
{
	bulla_value zero = number(0.0), minus = number(-0.0), odd = number(0), nan = number(NAN);
	uint64_t bits = 0x7ff8000000000123;
	uint8_t out[8];
	(void)state;
	assert_false(bulla_value_equal(&zero, &minus));
	memcpy(&odd.number, &bits, 8);
	bulla_value_write(BULLA_TYPE_FLOAT, &odd, out);
	assert_int_equal(bulla_get_u64(out), bits);
	assert_false(bulla_value_equal(&odd, &nan));
	assert_true(bulla_value_equal(&odd, &odd));
}

static void booleans(void **state)
{
	(void)state;
	comes_back(BULLA_TYPE_BOOLEAN, boolean(0));
	comes_back(BULLA_TYPE_BOOLEAN, boolean(1));
	assert_int_equal(measure(BULLA_TYPE_BOOLEAN, integer(1)), BULLA_OK); /* as SQLite has them */
	assert_int_equal(measure(BULLA_TYPE_BOOLEAN, integer(2)), BULLA_ERR_TYPE);
	assert_int_equal(measure(BULLA_TYPE_BOOLEAN, integer(-1)), BULLA_ERR_TYPE);
	assert_int_equal(measure(BULLA_TYPE_BOOLEAN, text("1")), BULLA_ERR_TYPE);
}

static void texts(void **state)
{
	static const bulla_type types[] = { BULLA_TYPE_STRING, BULLA_TYPE_DATE, BULLA_TYPE_TIME, BULLA_TYPE_DATETIME,
					    BULLA_TYPE_JSON,   BULLA_TYPE_INET, BULLA_TYPE_ARRAY };
	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		comes_back(types[i], text(""));
		comes_back(types[i], text("Zażółć ☃"));
		assert_int_equal(measure(types[i], text("\xff")), BULLA_ERR_ENCODING);
		assert_int_equal(measure(types[i], text("\xed\xa0\x80")), BULLA_ERR_ENCODING); /* a surrogate */
		assert_int_equal(measure(types[i], binary("x", 1)), BULLA_ERR_TYPE);
		assert_int_equal(measure(types[i], integer(1)), BULLA_ERR_TYPE);
		assert_int_equal(measure(types[i], number(1)), BULLA_ERR_TYPE);
	}
	/* columns that mix storage classes hold texts that no other type would take */
	comes_back(BULLA_TYPE_ANY, text("\xff\xfe"));
}

static void decimals(void **state)
{
	static const char *const good[] = { "0",   "-0",       "+1",       "12345678901234567890.123456789",
					    ".5",  "5.",       "1e10",     "1E-7",
					    "NaN", "Infinity", "-Infinity" };
	static const char *const bad[] = { "", "-", ".", "1.2.3", "1e", "1e+", "1x", "0x10", " 1", "1 ", "nan", "1e5.0", "--1" };
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		comes_back(BULLA_TYPE_DECIMAL, text(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(measure(BULLA_TYPE_DECIMAL, text(bad[i])), BULLA_ERR_TYPE);
	assert_int_equal(measure(BULLA_TYPE_DECIMAL, integer(1)), BULLA_ERR_TYPE);
}

static void wrong_kinds(void **state)
{
	bulla_value null = { .kind = BULLA_KIND_NULL };
	(void)state;
	for (int t = BULLA_TYPE_STRING; t <= BULLA_TYPE_ANY; t++)
		assert_int_equal(measure((bulla_type)t, null), BULLA_ERR_TYPE);
	assert_int_equal(measure(BULLA_TYPE_INTEGER, number(1)), BULLA_ERR_TYPE);
	assert_int_equal(measure(BULLA_TYPE_INTEGER, text("9223372036854775808")), BULLA_ERR_TYPE);
	assert_int_equal(measure(BULLA_TYPE_FLOAT, integer(1)), BULLA_ERR_TYPE);
	assert_int_equal(measure(BULLA_TYPE_BINARY, text("x")), BULLA_ERR_TYPE);
	assert_int_equal(measure(BULLA_TYPE_ANY, boolean(1)), BULLA_ERR_TYPE);
}

/* The text of a failure says the types and never the value. */
static void errors_hold_no_value(void **state)
{
	bulla_error err = { 0 };
	bulla_value value = text("4111111111111111x");
	size_t size;
	(void)state;
	assert_int_equal(bulla_value_measure(BULLA_TYPE_DECIMAL, &value, &size, &err), BULLA_ERR_TYPE);
	assert_null(strstr(err.text, "4111"));
	assert_int_equal(bulla_value_measure(BULLA_TYPE_INTEGER, &value, &size, &err), BULLA_ERR_TYPE);
	assert_null(strstr(err.text, "4111"));
	assert_non_null(strstr(err.text, "integer"));
}

static void sizes(void **state)
{
	(void)state;
	uint8_t *big = calloc(1, BULLA_VALUE_MAX + 1);
	size_t size;
	assert_non_null(big);
	bulla_value most = binary(big, BULLA_VALUE_MAX), more = binary(big, BULLA_VALUE_MAX + 1);
	assert_int_equal(bulla_value_measure(BULLA_TYPE_BINARY, &most, &size, NULL), BULLA_OK);
	assert_int_equal(size, BULLA_VALUE_MAX);
	assert_int_equal(bulla_value_measure(BULLA_TYPE_ANY, &most, &size, NULL), BULLA_OK);
	assert_int_equal(size, BULLA_VALUE_MAX + 1);
	assert_int_equal(measure(BULLA_TYPE_BINARY, more), BULLA_ERR_TOO_LARGE);
	assert_int_equal(measure(BULLA_TYPE_ANY, more), BULLA_ERR_TOO_LARGE);
	more.kind = BULLA_KIND_TEXT;
	assert_int_equal(measure(BULLA_TYPE_STRING, more), BULLA_ERR_TOO_LARGE);
	free(big);
}

static void null_is_not_empty(void **state)
{
	bulla_value null = { .kind = BULLA_KIND_NULL }, empty = text(""), nothing = binary("", 0), zero = integer(0);
	(void)state;
	assert_true(bulla_value_equal(&null, &null));
	assert_false(bulla_value_equal(&null, &empty));
	assert_false(bulla_value_equal(&empty, &nothing));
	assert_false(bulla_value_equal(&null, &zero));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(floats_are_their_bits),
		cmocka_unit_test(booleans),
		cmocka_unit_test(texts),
		cmocka_unit_test(decimals),
		cmocka_unit_test(wrong_kinds),
		cmocka_unit_test(errors_hold_no_value),
		cmocka_unit_test(sizes),
		cmocka_unit_test(null_is_not_empty),
	};
	return cmocka_run_group_tests_name("format/value", tests, NULL, NULL);
}
