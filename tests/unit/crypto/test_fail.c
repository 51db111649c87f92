/*
 * test_fail.c - OpenSSL's errors as ours, and its queue left clean.
 */
#include "known.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/aead.h"
#include "crypto/fail.h"

static void reason_is_told(void **state)
{
	bulla_error e = { 0 };
	(void)state;

	ERR_raise(ERR_LIB_EVP, EVP_R_UNSUPPORTED_ALGORITHM);
	assert_int_equal(bulla_crypto_fail(&e, "preparing a test"), BULLA_ERR_CRYPTO);
	assert_string_equal(e.text, "preparing a test failed: unsupported algorithm");
	assert_int_equal(ERR_peek_error(), 0);
	assert_int_equal(bulla_crypto_fail(&e, "preparing a test"), BULLA_ERR_CRYPTO);
	assert_string_equal(e.text, "preparing a test failed: the crypto library gives no reason");
	assert_int_equal(bulla_crypto_fail(NULL, "preparing a test"), BULLA_ERR_CRYPTO);
}

static void memory_stays_memory(void **state)
{
	(void)state;
	ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE);
	assert_int_equal(bulla_crypto_fail(NULL, "preparing a test"), BULLA_ERR_MEMORY);
	assert_int_equal(ERR_peek_error(), 0);
}

static void authentication_has_one_text(void **state)
{
	bulla_error e = { 0 };
	(void)state;

	ERR_raise(ERR_LIB_EVP, EVP_R_BAD_DECRYPT);
	assert_int_equal(bulla_crypto_fail_auth(&e), BULLA_ERR_AUTH);
	assert_string_equal(e.text, BULLA_AUTH_TEXT);
	assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reason_is_told), cmocka_unit_test(memory_stays_memory),
					    cmocka_unit_test(authentication_has_one_text) };
	return cmocka_run_group_tests_name("crypto/fail", tests, NULL, NULL);
}
