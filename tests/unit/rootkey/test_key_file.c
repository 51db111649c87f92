/*
 * test_key_file.c - the text of a root key file: what is read, and every way in which it is not one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "rootkey/key_file.h"

/* SHA-256 of the bytes 00 01 .. 1f begins with 630dcd29. */
#define LINE "bulla-root-key-1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 630dcd29"

static bulla_code parse(const char *text, bulla_secret *key, bulla_error *err)
{
	*err = (bulla_error){ 0 };
	memset(key->bytes, 0xee, sizeof key->bytes);
	bulla_code code = bulla_key_file_parse(bulla_view_str(text), "the file", key, err);
	if (code) assert_int_equal(key->bytes[0], 0xee);
	return code;
}

static void test_read(void **state)
{
	(void)state;
	static const char *const good[] = { LINE, LINE "\n", LINE "\r\n", "# a comment\n#another\n\n" LINE "\n# after\n",
					    "\r\n#x\r\n" LINE "\r\n" };
	bulla_secret key;
	bulla_error err;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(parse(good[i], &key, &err), BULLA_OK);
		for (uint8_t b = 0; b < 32; b++)
			assert_int_equal(key.bytes[b], b);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"",
		"# only a comment\n",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		" " LINE,
		LINE " ",
		LINE "\n" LINE,
		LINE "\nsomething",
		"bulla-root-key-1  000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 630dcd29"
	};
	bulla_secret key;
	bulla_error err;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(parse(wrong[i], &key, &err), BULLA_ERR_FORMAT);
	assert_int_equal(parse("bulla-root-key-2 abc", &key, &err), BULLA_ERR_VERSION);
}

/* Whatever character is changed or cut, it is no key, and the error shows nothing of it. */
static void test_every_character(void **state)
{
	(void)state;
	char text[sizeof LINE];
	bulla_secret key;
	bulla_error err;
	for (size_t i = 0; i < sizeof LINE - 1; i++) {
		memcpy(text, LINE, sizeof LINE);
		text[i] = text[i] == '7' ? '8' : '7';
		assert_int_not_equal(parse(text, &key, &err), BULLA_OK);
		assert_null(strstr(err.text, "0405"));
		assert_null(strstr(err.next, "0405"));
		memcpy(text, LINE, sizeof LINE);
		text[i] = 0;
		assert_int_not_equal(parse(text, &key, &err), BULLA_OK);
	}
}

static void test_print(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_secret key;
	bulla_error err;
	for (uint8_t b = 0; b < 32; b++)
		key.bytes[b] = b;
	assert_int_equal(bulla_key_file_print(&key, "# escrow\n# of a store", &text, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&text), "# escrow\n# of a store\n" LINE "\n"));
	assert_int_equal(bulla_key_file_print(&key, "# ok\nnot ok\n", &text, &err), BULLA_ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_every_character),
		cmocka_unit_test(test_print),
	};
	return cmocka_run_group_tests_name("rootkey/key_file", tests, NULL, NULL);
}
