/*
 * test_http.c - headers are found in any case, counted, and trimmed.
 */
#include "help.h"

static bulla_http_request request_with(const bulla_http_header *headers, size_t n)
{
	return (bulla_http_request){ .headers = headers, .n_headers = n };
}

static void names_in_any_case(void **state)
{
	(void)state;
	const bulla_http_header headers[] = {
		{ bulla_view_str("X-Amz-Date"), bulla_view_str(" one\t") },
		{ bulla_view_str("x-amz-DATE"), bulla_view_str("two") },
		{ bulla_view_str("x-amz-dat"), bulla_view_str("three") },
		{ bulla_view_str("x-amz\x0d"
				 "ate"),
		  bulla_view_str("four") }, /* a hyphen without its sixth bit */
		{ bulla_view_str("empty"), bulla_view_str(" \r\n ") },
	};
	bulla_http_request r = request_with(headers, 5);
	bulla_bytes value = bulla_view_str("untouched");
	assert_int_equal(bulla_http_find(&r, "host", &value), 0);
	assert_true(bulla_bytes_is(value, "untouched"));
	assert_int_equal(bulla_http_find(&r, "x-amz-date", &value), 2);
	assert_true(bulla_bytes_is(value, "one"));
	assert_int_equal(bulla_http_find(&r, "empty", &value), 1);
	assert_int_equal(value.len, 0);
	assert_false(bulla_http_name_is(bulla_view_str("@"), bulla_view_str("`")));
}

static void values_are_trimmed(void **state)
{
	(void)state;
	assert_true(bulla_bytes_is(bulla_http_trim(bulla_view_str("a b")), "a b"));
	assert_true(bulla_bytes_is(bulla_http_trim(bulla_view_str("\r\n\t a")), "a"));
	assert_int_equal(bulla_http_trim(bulla_view(NULL, 0)).len, 0);
	assert_int_equal(bulla_http_trim(bulla_view_str("   ")).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_in_any_case),
		cmocka_unit_test(values_are_trimmed),
	};
	return cmocka_run_group_tests_name("wire/http", tests, NULL, NULL);
}
