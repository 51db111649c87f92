/*
 * test_backend_alone.c - the choice of a back end in a build that has only OpenSSL's.
 */
#include "known.h"

#include "crypto/backend.h"

static void ipsec_mb_is_refused(void **state)
{
	bulla_backend *backend = NULL;
	bulla_error err = { 0 };
	(void)state;

	assert_int_equal(bulla_backend_new("ipsec-mb", &backend, &err), BULLA_ERR_CONFIG);
	assert_string_equal(err.text, "the crypto back end ipsec-mb is not in this build");
	assert_null(backend);
}

static void openssl_is_the_fastest(void **state)
{
	bulla_backend *backend = NULL;
	(void)state;

	assert_int_equal(bulla_backend_new(NULL, &backend, NULL), BULLA_OK);
	assert_string_equal(bulla_backend_name(backend), "openssl");
	bulla_backend_free(backend);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ipsec_mb_is_refused), cmocka_unit_test(openssl_is_the_fastest) };
	return cmocka_run_group_tests_name("crypto/backend_alone", tests, NULL, NULL);
}
