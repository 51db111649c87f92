/*
 * test_note.c - the note of a passphrase: printed, read, and refused when it asks for absurd work.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rootkey/note.h"

#define SALT "000102030405060708090a0b0c0d0e0f"
#define GOOD "passphrase-1 argon2id m=65536 t=3 p=1 salt=" SALT

static bulla_code parse(const char *text)
{
	bulla_passphrase_note note;
	bulla_error err = { 0 };
	return bulla_passphrase_note_parse(bulla_view_str(text), &note, &err);
}

static void test_round_trip(void **state)
{
	(void)state;
	bulla_passphrase_note note;
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	assert_int_equal(bulla_passphrase_note_parse(bulla_view_str(GOOD), &note, NULL), BULLA_OK);
	assert_int_equal(note.memory_kib, 65536);
	assert_int_equal(note.passes, 3);
	assert_int_equal(note.lanes, 1);
	assert_int_equal(note.salt[15], 15);
	assert_int_equal(bulla_passphrase_note_print(&note, &text, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&text), GOOD));
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bulla_code code;
	} cases[] = {
		{ "", BULLA_ERR_CONFIG },
		{ "file", BULLA_ERR_CONFIG },
		{ "passphrase-2 argon2id m=65536 t=3 p=1 salt=" SALT, BULLA_ERR_VERSION },
		{ "passphrase-1 scrypt m=65536", BULLA_ERR_VERSION },
		{ "passphrase-1 argon2id ", BULLA_ERR_FORMAT },
		{ "passphrase-1 argon2id m=0 t=3 p=1 salt=" SALT, BULLA_ERR_FORMAT },
		{ "passphrase-1 argon2id m=1048577 t=3 p=1 salt=" SALT, BULLA_ERR_FORMAT },
		{ "passphrase-1 argon2id m=99999999999999999999 t=3 p=1 salt=" SALT, BULLA_ERR_FORMAT },
		{ "passphrase-1 argon2id m=65536 t=65 p=1 salt=" SALT, BULLA_ERR_FORMAT },
		{ "passphrase-1 argon2id m=65536 t=3 p=17 salt=" SALT, BULLA_ERR_FORMAT },
		{ "passphrase-1 argon2id m=65536 t=3 p=1 salt=0001", BULLA_ERR_FORMAT },
		{ "passphrase-1 argon2id m=65536 t=3 p=1 salt=" SALT "00", BULLA_ERR_FORMAT },
		{ "passphrase-1 argon2id m=65536 t=3 p=1 salt=" SALT " ", BULLA_ERR_FORMAT },
		{ "passphrase-1 argon2id t=3 m=65536 p=1 salt=" SALT, BULLA_ERR_FORMAT },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(parse(cases[i].text), cases[i].code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests_name("rootkey/note", tests, NULL, NULL);
}
