/*
 * test_fold.c - equal letters become equal bytes, different ones stay different.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"

#include <stdlib.h>

static void folds_to(const char *text, const char *expected)
{
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_buf_add_str(&buf, ">", NULL), BULLA_OK);
	assert_int_equal(bulla_text_fold(bulla_view_str(text), &buf, NULL), BULLA_OK);
	assert_int_equal(buf.len, strlen(expected) + 1);
	assert_memory_equal(buf.data + 1, expected, strlen(expected));
}

static void by_the_unicode_tables(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "", "" },
		{ "Ada.LOVELACE@Example.COM", "ada.lovelace@example.com" },
		{ "@[`{AZaz", "@[`{azaz" },
		{ "Stra\xc3\x9f"
		  "e",
		  "strasse" }, /* sharp s: full folding */
		{ "STRASSE", "strasse" },
		{ "A\xcc\x88", "\xc3\xa4" }, /* A + diaeresis: composed, then folded */
		{ "\xc3\x84", "\xc3\xa4" },
		{ "\xe2\x84\xab", "\xc3\xa5" },                             /* Angstrom sign */
		{ "\xce\xa3\xcf\x82\xcf\x83", "\xcf\x83\xcf\x83\xcf\x83" }, /* all three sigmas */
		{ "\xc4\xb0", "i\xcc\x87" },                                /* capital I with dot */
		{ "\xef\xac\x81", "fi" },                                   /* ligature fi */
		{ "\xe1\xba\x9e", "ss" },                                   /* capital sharp s */
		{ "\xd0\x96\xd0\xb6", "\xd0\xb6\xd0\xb6" },
		{ "\xe1\x84\x80\xe1\x85\xa1", "\xea\xb0\x80" }, /* Hangul jamo compose */
		{ "\xf0\x90\x90\x80", "\xf0\x90\x90\xa8" },     /* Deseret, beyond the BMP */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		folds_to(rows[i][0], rows[i][1]);
}

static void compatibility_forms_stay_apart(void **state)
{
	(void)state;
	folds_to("\xef\xbc\xa1", "\xef\xbd\x81"); /* fullwidth A is not a */
	folds_to("\xc2\xb2", "\xc2\xb2");         /* superscript two is not 2 */
	folds_to("\xc2\xad"
		 "a",
		 "\xc2\xad"
		 "a"); /* a soft hyphen is kept */
}

static void a_nul_is_a_character(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_text_fold(bulla_view("A\0\xc3\x84\0Z", 6), &buf, NULL), BULLA_OK);
	assert_int_equal(buf.len, 6);
	assert_memory_equal(buf.data, "a\0\xc3\xa4\0z", 6);
}

static void bad_text_is_refused(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_text_fold(bulla_view_str("abc\xff"), &buf, NULL), BULLA_ERR_ENCODING);
	assert_int_equal(bulla_text_fold(bulla_view_str("\xed\xa0\x80"), &buf, NULL), BULLA_ERR_ENCODING);
	static const uint8_t byte;
	assert_int_equal(bulla_text_fold(bulla_view(&byte, BULLA_VALUE_MAX + 1u), &buf, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(buf.len, 0);
}

static void a_long_text_folds(void **state)
{
	(void)state;
	size_t n = 1u << 20;
	char *text = malloc(n);
	assert_non_null(text);
	for (size_t i = 0; i < n; i += 2)
		memcpy(text + i, "\xc3\x84", 2);
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_text_fold(bulla_view(text, n), &buf, NULL), BULLA_OK);
	assert_int_equal(buf.len, n);
	for (size_t i = 0; i < n; i += 2)
		assert_memory_equal(buf.data + i, "\xc3\xa4", 2);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_the_unicode_tables), cmocka_unit_test(compatibility_forms_stay_apart),
		cmocka_unit_test(a_nul_is_a_character),  cmocka_unit_test(bad_text_is_refused),
		cmocka_unit_test(a_long_text_folds),
	};
	return cmocka_run_group_tests_name("base/fold", tests, NULL, NULL);
}
