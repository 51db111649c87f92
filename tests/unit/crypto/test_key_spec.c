/*
 * test_key_spec.c - the tables of specs, uses and algorithms are whole, and say of each pair what AWS documents.
 */
#include "known.h"

#include "crypto/key_spec.h"

#include <stdio.h>
#include <stdlib.h>

static void names_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < BULLA_SPEC_COUNT; i++) {
		bulla_spec spec = BULLA_SPEC_COUNT;
		assert_true(bulla_spec_find(bulla_view_str(bulla_spec_about((bulla_spec)i)->name), &spec));
		assert_int_equal(spec, i);
	}
	for (size_t i = 0; i < BULLA_USE_COUNT; i++) {
		bulla_use use = BULLA_USE_COUNT;
		assert_true(bulla_use_find(bulla_view_str(bulla_use_name((bulla_use)i)), &use));
		assert_int_equal(use, i);
	}
	for (size_t i = 0; i < BULLA_ALGORITHM_COUNT; i++) {
		bulla_algorithm algorithm = BULLA_ALGORITHM_COUNT;
		assert_true(bulla_algorithm_find(bulla_view_str(bulla_algorithm_about((bulla_algorithm)i)->name), &algorithm));
		assert_int_equal(algorithm, i);
	}
}

static void nothing_else_is(void **state)
{
	static const char *const others[] = { "",          "SM2",    "ML_DSA_44",     "RSA_1024",      "rsa_2048",
					      "RSA_2048 ", "SM2DSA", "SM2PKE",        "ECC_NIST_P224", "RSAES_PKCS1_V1_5",
					      "HMAC",      "ECDHE",  "ENCRYPT_DECRYP" };
	bulla_spec spec;
	bulla_use use;
	bulla_algorithm algorithm;
	(void)state;

	for (size_t i = 0; i < COUNT(others); i++) {
		assert_false(bulla_spec_find(bulla_view_str(others[i]), &spec));
		assert_false(bulla_use_find(bulla_view_str(others[i]), &use));
		assert_false(bulla_algorithm_find(bulla_view_str(others[i]), &algorithm));
	}
	assert_null(bulla_spec_about(BULLA_SPEC_COUNT));
	assert_null(bulla_use_name(BULLA_USE_COUNT));
	assert_null(bulla_algorithm_about(BULLA_ALGORITHM_COUNT));
}

/* The developer guide's table of key specs. */
static const struct {
	const char *spec, *encrypt, *sign, *mac, *agree;
} guide[] = {
	{ "SYMMETRIC_DEFAULT", "SYMMETRIC_DEFAULT", "", "", "" },
#define RSA_SIGNS                                                                                                                \
	"RSASSA_PKCS1_V1_5_SHA_256 RSASSA_PKCS1_V1_5_SHA_384 RSASSA_PKCS1_V1_5_SHA_512 RSASSA_PSS_SHA_256 RSASSA_PSS_SHA_384 "   \
	"RSASSA_PSS_SHA_512"
	{ "RSA_2048", "RSAES_OAEP_SHA_1 RSAES_OAEP_SHA_256", RSA_SIGNS, "", "" },
	{ "RSA_3072", "RSAES_OAEP_SHA_1 RSAES_OAEP_SHA_256", RSA_SIGNS, "", "" },
	{ "RSA_4096", "RSAES_OAEP_SHA_1 RSAES_OAEP_SHA_256", RSA_SIGNS, "", "" },
	{ "ECC_NIST_P256", "", "ECDSA_SHA_256", "", "ECDH" },
	{ "ECC_NIST_P384", "", "ECDSA_SHA_384", "", "ECDH" },
	{ "ECC_NIST_P521", "", "ECDSA_SHA_512", "", "ECDH" },
	{ "ECC_SECG_P256K1", "", "ECDSA_SHA_256", "", "" },
	{ "ECC_NIST_EDWARDS25519", "", "ED25519_PH_SHA_512 ED25519_SHA_512", "", "" },
	{ "HMAC_224", "", "", "HMAC_SHA_224", "" },
	{ "HMAC_256", "", "", "HMAC_SHA_256", "" },
	{ "HMAC_384", "", "", "HMAC_SHA_384", "" },
	{ "HMAC_512", "", "", "HMAC_SHA_512", "" },
};

static void list(bulla_spec spec, bulla_use use, char *out, size_t size)
{
	*out = 0;
	for (size_t i = 0; i < BULLA_ALGORITHM_COUNT; i++) {
		if (!bulla_algorithm_fits((bulla_algorithm)i, spec, use)) continue;
		size_t len = strlen(out);
		snprintf(out + len, size - len, "%s%s", len ? " " : "", bulla_algorithm_about((bulla_algorithm)i)->name);
	}
}

static void algorithms_are_those_of_the_guide(void **state)
{
	char text[512];
	(void)state;

	assert_int_equal(COUNT(guide), BULLA_SPEC_COUNT);
	for (size_t i = 0; i < COUNT(guide); i++) {
		const char *const wanted[BULLA_USE_COUNT] = { guide[i].encrypt, guide[i].sign, guide[i].mac, guide[i].agree };
		bulla_spec spec;
		assert_true(bulla_spec_find(bulla_view_str(guide[i].spec), &spec));
		for (size_t use = 0; use < BULLA_USE_COUNT; use++) {
			list(spec, (bulla_use)use, text, sizeof text);
			assert_string_equal(text, wanted[use]);
		}
	}
	assert_false(bulla_algorithm_fits(BULLA_ALGORITHM_COUNT, BULLA_SPEC_RSA_2048, BULLA_USE_SIGN_VERIFY));
	assert_false(bulla_algorithm_fits(BULLA_ALGORITHM_ECDH, BULLA_SPEC_COUNT, BULLA_USE_KEY_AGREEMENT));
}

static void sizes_fit_each_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < BULLA_ALGORITHM_COUNT; i++) {
		const bulla_algorithm_info *about = bulla_algorithm_about((bulla_algorithm)i);
		const char *end = strrchr(about->name, '_');
		size_t bits = end ? (size_t)strtoul(end + 1, NULL, 10) : 0;
		if (about->use == BULLA_USE_SIGN_VERIFY && about->digest_size) assert_int_equal(about->digest_size, bits / 8);
		if (about->use == BULLA_USE_GENERATE_VERIFY_MAC) assert_int_equal(bulla_mac_size(about->mac), bits / 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names_are_found), cmocka_unit_test(nothing_else_is),
					    cmocka_unit_test(algorithms_are_those_of_the_guide),
					    cmocka_unit_test(sizes_fit_each_other) };
	return cmocka_run_group_tests_name("crypto/key_spec", tests, NULL, NULL);
}
