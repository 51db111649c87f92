/*
 * test_reason.c - error codes as reason classes: what is the row's fault, and what is not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/reason.h"

static void classes(void **state)
{
	static const struct {
		bulla_code code;
		const char *name;
	} rows[] = {
		{ BULLA_ERR_UNKNOWN_KEY, "wrong_key" },
		{ BULLA_ERR_KEY_DESTROYED, "key_destroyed" },
		{ BULLA_ERR_AUTH, "tampered" },
		{ BULLA_ERR_CONTEXT, "context" },
		{ BULLA_ERR_FORMAT, "format" },
		{ BULLA_ERR_VERSION, "format" },
		{ BULLA_ERR_TYPE, "type" },
		{ BULLA_ERR_ENCODING, "type" },
		{ BULLA_ERR_TOO_LARGE, "too_large" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(bulla_reason_name(bulla_reason_of(rows[i].code)), rows[i].name);
}

/* A KMS that is out must not put rows aside. */
static void not_the_row(void **state)
{
	static const bulla_code codes[] = { BULLA_OK,
					    BULLA_ERR_UNAVAILABLE,
					    BULLA_ERR_DENIED,
					    BULLA_ERR_KEY_DISABLED,
					    BULLA_ERR_KEY_PENDING,
					    BULLA_ERR_KEY_CLOSING,
					    BULLA_ERR_MEMORY,
					    BULLA_ERR_CRYPTO,
					    BULLA_ERR_LOCKED,
					    BULLA_ERR_CONFIG,
					    BULLA_ERR_AUDIT,
					    BULLA_ERR_CORRUPT,
					    BULLA_ERR_ROOT_KEY,
					    BULLA_ERR_INTERNAL };
	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		assert_int_equal(bulla_reason_of(codes[i]), BULLA_REASON_NONE);
	assert_string_equal(bulla_reason_name(BULLA_REASON_NONE), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(classes), cmocka_unit_test(not_the_row) };
	return cmocka_run_group_tests_name("core/reason", tests, NULL, NULL);
}
