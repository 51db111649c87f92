/*
 * test_error.c - codes have names, texts are one line, retryable follows the code.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"

#include <errno.h>
#include <string.h>

static void every_code_has_its_own_name(void **state)
{
	(void)state;
	for (int i = 0; i <= BULLA_ERR_KEY_USAGE; i++) {
		const char *name = bulla_code_name((bulla_code)i);
		assert_non_null(name);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name, bulla_code_name((bulla_code)j));
	}
	assert_string_equal(bulla_code_name(BULLA_ERR_UNKNOWN_KEY), "unknown_key");
	assert_string_equal(bulla_code_name((bulla_code)(BULLA_ERR_KEY_USAGE + 1)), "internal");
	assert_string_equal(bulla_code_name((bulla_code)-1), "internal");
}

static void fail_fills_everything(void **state)
{
	(void)state;
	bulla_error err = { .http_status = 503, .next = "old advice", .retryable = true };
	assert_int_equal(bulla_fail(&err, BULLA_ERR_FORMAT, "%s of %d", "one", 3), BULLA_ERR_FORMAT);
	assert_int_equal(err.code, BULLA_ERR_FORMAT);
	assert_string_equal(err.text, "one of 3");
	assert_string_equal(err.next, "");
	assert_int_equal(err.http_status, 0);
	assert_false(err.retryable);
	assert_int_equal(bulla_advise(&err, BULLA_ERR_INTERNAL, "try %d", 4), BULLA_ERR_FORMAT);
	assert_string_equal(err.next, "try 4");
	assert_string_equal(err.text, "one of 3");
}

static void a_missing_error_is_fine(void **state)
{
	(void)state;
	assert_int_equal(bulla_fail(NULL, BULLA_ERR_AUTH, "x"), BULLA_ERR_AUTH);
	assert_int_equal(bulla_advise(NULL, BULLA_ERR_AUTH, "x"), BULLA_ERR_AUTH);
	assert_int_equal(bulla_fail_memory(NULL), BULLA_ERR_MEMORY);
	assert_int_equal(bulla_fail_errno(NULL, EACCES, "x"), BULLA_ERR_PERMISSION);
}

static void retryable_follows_the_code(void **state)
{
	(void)state;
	bulla_error err = { 0 };
	for (int i = 1; i <= BULLA_ERR_KEY_USAGE; i++) {
		bulla_fail(&err, (bulla_code)i, "x");
		bool expected =
			i == BULLA_ERR_BUSY || i == BULLA_ERR_LOCKED || i == BULLA_ERR_CONFLICT || i == BULLA_ERR_UNAVAILABLE;
		assert_int_equal(err.retryable, expected);
	}
}

static void texts_are_one_line_of_utf8(void **state)
{
	(void)state;
	bulla_error err = { 0 };
	bulla_fail(&err, BULLA_ERR_IO, "a\nb\tc\x1b[1m d\xff z\x7f");
	assert_string_equal(err.text, "a b c [1m d  z ");
	bulla_fail(&err, BULLA_ERR_IO, "again: %s", err.text);
	assert_string_equal(err.text, "again: a b c [1m d  z ");
}

static void long_texts_are_cut_between_code_points(void **state)
{
	(void)state;
	bulla_error err = { 0 };
	char text[400];
	for (size_t lead = 0; lead < 4; lead++) {
		memset(text, 'x', lead);
		for (size_t i = lead; i + 3 < sizeof text; i += 3)
			memcpy(text + i, "\xe2\x82\xac", 4);
		bulla_fail(&err, BULLA_ERR_IO, "%s", text);
		size_t n = strlen(err.text);
		assert_true(n >= BULLA_ERROR_TEXT_MAX - 4 && n < BULLA_ERROR_TEXT_MAX);
		assert_int_equal((n - lead) % 3, 0);
		assert_memory_equal(err.text, text, n);
	}
}

static void errno_becomes_a_code(void **state)
{
	(void)state;
	static const struct {
		int number;
		bulla_code code;
	} rows[] = {
		{ EACCES, BULLA_ERR_PERMISSION }, { EPERM, BULLA_ERR_PERMISSION }, { ENOENT, BULLA_ERR_NOT_FOUND },
		{ ENOSPC, BULLA_ERR_FULL },       { EDQUOT, BULLA_ERR_FULL },      { EROFS, BULLA_ERR_READ_ONLY },
		{ EEXIST, BULLA_ERR_EXISTS },     { EIO, BULLA_ERR_IO },           { ENOTDIR, BULLA_ERR_IO },
	};
	bulla_error err = { 0 };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(bulla_fail_errno(&err, rows[i].number, "opening %s", "k"), rows[i].code);
		assert_int_equal(strncmp(err.text, "opening k: ", 11), 0);
		assert_non_null(strstr(err.text, strerror(rows[i].number)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_its_own_name), cmocka_unit_test(fail_fills_everything),
		cmocka_unit_test(a_missing_error_is_fine),     cmocka_unit_test(retryable_follows_the_code),
		cmocka_unit_test(texts_are_one_line_of_utf8),  cmocka_unit_test(long_texts_are_cut_between_code_points),
		cmocka_unit_test(errno_becomes_a_code),
	};
	return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
