/*
 * test_key_kind.c - every spec with every usage and origin, as CreateKey takes or refuses it, and what a key of each kind tells and does.
 */
#include "help.h"

#include "kms/key_kind.h"

#include <stdio.h>

#define ABSENT ((const char *)NULL)

typedef struct answer {
	bulla_code code;
	bulla_key_kind kind;
	bulla_error err;
} answer;

static answer choose(const char *spec, const char *use, const char *origin)
{
	bulla_key_wish wish = { .key_spec = bulla_view_str(spec),
				.key_usage = bulla_view_str(use),
				.origin = bulla_view_str(origin) };
	answer a = { 0 };
	a.code = bulla_key_kind_choose(&wish, &a.kind, &a.err);
	return a;
}

static void refused(answer a, bulla_code code, const char *text)
{
	assert_int_equal(a.code, code);
	assert_string_equal(a.err.text, text);
}

static void test_defaults(void **state)
{
	(void)state;
	answer a = choose(ABSENT, ABSENT, ABSENT);
	assert_int_equal(a.code, BULLA_OK);
	assert_int_equal(a.kind.spec, BULLA_SPEC_SYMMETRIC_DEFAULT);
	assert_int_equal(a.kind.use, BULLA_USE_ENCRYPT_DECRYPT);
	assert_int_equal(a.kind.origin, BULLA_KEY_ORIGIN_AWS_KMS);
	assert_false(a.kind.multi_region);
	/* stores that say nothing of it hold such keys */
	const bulla_key_kind zeros = { 0 };
	assert_memory_equal(&a.kind, &zeros, sizeof zeros);
}

/* The developer guide's table: the usages that a spec can be made for. */
static const struct {
	const char *spec;
	bool uses[BULLA_USE_COUNT]; /* encrypt, sign, MAC, agree */
} guide[] = {
	{ "SYMMETRIC_DEFAULT", { true, false, false, false } },
	{ "RSA_2048", { true, true, false, false } },
	{ "RSA_3072", { true, true, false, false } },
	{ "RSA_4096", { true, true, false, false } },
	{ "ECC_NIST_P256", { false, true, false, true } },
	{ "ECC_NIST_P384", { false, true, false, true } },
	{ "ECC_NIST_P521", { false, true, false, true } },
	{ "ECC_SECG_P256K1", { false, true, false, false } },
	{ "ECC_NIST_EDWARDS25519", { false, true, false, false } },
	{ "HMAC_224", { false, false, true, false } },
	{ "HMAC_256", { false, false, true, false } },
	{ "HMAC_384", { false, false, true, false } },
	{ "HMAC_512", { false, false, true, false } },
};

static void test_every_combination(void **state)
{
	static const char *const origins[] = { ABSENT, "AWS_KMS", "EXTERNAL" };
	(void)state;
	assert_int_equal(sizeof guide / sizeof *guide, BULLA_SPEC_COUNT);
	for (size_t s = 0; s < BULLA_SPEC_COUNT; s++)
		for (size_t u = 0; u < BULLA_USE_COUNT; u++)
			for (size_t o = 0; o < 3; o++) {
				char text[128];
				answer a = choose(guide[s].spec, bulla_use_name((bulla_use)u), origins[o]);
				if (guide[s].uses[u]) {
					assert_int_equal(a.code, BULLA_OK);
					assert_string_equal(bulla_spec_about(a.kind.spec)->name, guide[s].spec);
					assert_int_equal(a.kind.use, u);
					assert_string_equal(bulla_key_origin_name(a.kind.origin),
							    origins[o] ? origins[o] : "AWS_KMS");
					continue;
				}
				snprintf(text, sizeof text, "KeyUsage %s is not compatible with KeySpec %s",
					 bulla_use_name((bulla_use)u), guide[s].spec);
				refused(a, BULLA_ERR_USAGE, text);
			}
}

static void test_usage_is_said(void **state)
{
	(void)state;
	for (size_t s = 1; s < BULLA_SPEC_COUNT; s++)
		refused(choose(guide[s].spec, ABSENT, ABSENT), BULLA_ERR_USAGE,
			"You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.");
	assert_int_equal(choose("SYMMETRIC_DEFAULT", ABSENT, ABSENT).code, BULLA_OK);
	refused(choose(ABSENT, "SIGN_VERIFY", ABSENT), BULLA_ERR_USAGE,
		"KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT");
}

static void test_what_is_not_offered(void **state)
{
	static const char *const specs[] = { "SM2", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87" };
	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(choose(specs[i], "SIGN_VERIFY", ABSENT).code, BULLA_ERR_REFUSED);
	refused(choose("SM2", ABSENT, ABSENT), BULLA_ERR_REFUSED, "KeySpec SM2 is not supported.");
	refused(choose(ABSENT, ABSENT, "AWS_CLOUDHSM"), BULLA_ERR_REFUSED, "Custom key stores are not supported.");
	refused(choose(ABSENT, ABSENT, "EXTERNAL_KEY_STORE"), BULLA_ERR_REFUSED, "Custom key stores are not supported.");
	bulla_key_wish wishes[] = { { .custom_key_store_id = bulla_view_str("cks-1") }, { .xks_key_id = bulla_view_str("k") } };
	bulla_key_kind kind;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(bulla_key_kind_choose(&wishes[i], &kind, NULL), BULLA_ERR_REFUSED);
}

static void test_what_does_not_exist(void **state)
{
	char long_name[300];
	(void)state;
	refused(choose("RSA_1024", "SIGN_VERIFY", ABSENT), BULLA_ERR_USAGE, "KeySpec RSA_1024 does not exist.");
	refused(choose("", ABSENT, ABSENT), BULLA_ERR_USAGE, "KeySpec  does not exist.");
	refused(choose(ABSENT, "sign_verify", ABSENT), BULLA_ERR_USAGE, "KeyUsage sign_verify does not exist.");
	refused(choose(ABSENT, ABSENT, "AWS"), BULLA_ERR_USAGE, "Origin AWS does not exist.");
	memset(long_name, 'x', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = 0;
	answer a = choose(long_name, ABSENT, ABSENT);
	assert_int_equal(strlen(a.err.text), strlen("KeySpec  does not exist.") + 64);
}

static void test_the_old_name_of_the_spec(void **state)
{
	(void)state;
	bulla_key_wish wish = { .customer_master_key_spec = bulla_view_str("RSA_2048"),
				.key_usage = bulla_view_str("SIGN_VERIFY"),
				.multi_region = true };
	bulla_key_kind kind = { 0 };
	bulla_error err = { 0 };
	assert_int_equal(bulla_key_kind_choose(&wish, &kind, &err), BULLA_OK);
	assert_int_equal(kind.spec, BULLA_SPEC_RSA_2048);
	assert_true(kind.multi_region);
	wish.key_spec = bulla_view_str("RSA_2048");
	assert_int_equal(bulla_key_kind_choose(&wish, &kind, &err), BULLA_ERR_USAGE);
	assert_string_equal(err.text,
			    "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is "
			    "deprecated.");
	wish.key_spec = bulla_view_str(NULL);
	wish.customer_master_key_spec = bulla_view_str("ECC_NIST_EDWARDS25519"); /* younger than the name */
	assert_int_equal(bulla_key_kind_choose(&wish, &kind, &err), BULLA_ERR_USAGE);
	assert_int_equal(kind.spec, BULLA_SPEC_RSA_2048);
	assert_string_equal(bulla_key_kind_old_spec(BULLA_SPEC_HMAC_384), "HMAC_384");
	assert_null(bulla_key_kind_old_spec(BULLA_SPEC_ECC_NIST_EDWARDS25519));
	assert_null(bulla_key_kind_old_spec(BULLA_SPEC_COUNT));
}

/* What DescribeKey lists, as one text. */
static void lists(const char *spec, bulla_use use, const char *wanted)
{
	bulla_key_kind kind = { .use = use };
	bulla_algorithm algorithms[BULLA_KEY_ALGORITHMS_MAX];
	char text[256] = "";
	assert_true(bulla_spec_find(bulla_view_str(spec), &kind.spec));
	size_t n = bulla_key_kind_algorithms(&kind, algorithms);
	for (size_t i = 0, len = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i ? " " : "",
					bulla_algorithm_about(algorithms[i])->name);
	assert_string_equal(text, wanted);
}

static void test_lists(void **state)
{
	(void)state;
	lists("SYMMETRIC_DEFAULT", BULLA_USE_ENCRYPT_DECRYPT, "SYMMETRIC_DEFAULT");
	lists("RSA_3072", BULLA_USE_ENCRYPT_DECRYPT, "RSAES_OAEP_SHA_1 RSAES_OAEP_SHA_256");
	lists("RSA_2048", BULLA_USE_SIGN_VERIFY,
	      "RSASSA_PKCS1_V1_5_SHA_256 RSASSA_PKCS1_V1_5_SHA_384 RSASSA_PKCS1_V1_5_SHA_512 RSASSA_PSS_SHA_256 "
	      "RSASSA_PSS_SHA_384 "
	      "RSASSA_PSS_SHA_512");
	lists("ECC_NIST_P384", BULLA_USE_SIGN_VERIFY, "ECDSA_SHA_384");
	lists("ECC_NIST_P384", BULLA_USE_KEY_AGREEMENT, "ECDH");
	lists("ECC_NIST_EDWARDS25519", BULLA_USE_SIGN_VERIFY, "ED25519_PH_SHA_512 ED25519_SHA_512");
	lists("HMAC_512", BULLA_USE_GENERATE_VERIFY_MAC, "HMAC_SHA_512");
	lists("HMAC_512", BULLA_USE_SIGN_VERIFY, "");
	assert_string_equal(bulla_key_kind_list(BULLA_USE_ENCRYPT_DECRYPT), "EncryptionAlgorithms");
	assert_string_equal(bulla_key_kind_list(BULLA_USE_SIGN_VERIFY), "SigningAlgorithms");
	assert_string_equal(bulla_key_kind_list(BULLA_USE_GENERATE_VERIFY_MAC), "MacAlgorithms");
	assert_string_equal(bulla_key_kind_list(BULLA_USE_KEY_AGREEMENT), "KeyAgreementAlgorithms");
	assert_null(bulla_key_kind_list(BULLA_USE_COUNT));
	assert_null(bulla_key_origin_name((bulla_key_origin)2));
}

static void test_operations(void **state)
{
	static const struct {
		const char *operation;
		bool symmetric, rsa_encrypts, rsa_signs, hmac, agrees;
	} rows[] = {
		{ "Encrypt", true, true, false, false, false },
		{ "Decrypt", true, true, false, false, false },
		{ "ReEncryptFrom", true, true, false, false, false },
		{ "ReEncryptTo", true, true, false, false, false },
		{ "GenerateDataKey", true, false, false, false, false },
		{ "GenerateDataKeyPairWithoutPlaintext", true, false, false, false, false },
		{ "Sign", false, false, true, false, false },
		{ "Verify", false, false, true, false, false },
		{ "GenerateMac", false, false, false, true, false },
		{ "VerifyMac", false, false, false, true, false },
		{ "DeriveSharedSecret", false, false, false, false, true },
		{ "DescribeKey", true, true, true, true, true },
		{ "GetPublicKey", true, true, true, true, true },
	};
	const bulla_key_kind symmetric = { 0 }, rsa_encrypts = { .spec = BULLA_SPEC_RSA_2048 },
			     rsa_signs = { .spec = BULLA_SPEC_RSA_2048, .use = BULLA_USE_SIGN_VERIFY },
			     hmac = { .spec = BULLA_SPEC_HMAC_256, .use = BULLA_USE_GENERATE_VERIFY_MAC },
			     agrees = { .spec = BULLA_SPEC_ECC_NIST_P256, .use = BULLA_USE_KEY_AGREEMENT };
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_bytes operation = bulla_view_str(rows[i].operation);
		assert_int_equal(bulla_key_kind_serves(&symmetric, operation), rows[i].symmetric);
		assert_int_equal(bulla_key_kind_serves(&rsa_encrypts, operation), rows[i].rsa_encrypts);
		assert_int_equal(bulla_key_kind_serves(&rsa_signs, operation), rows[i].rsa_signs);
		assert_int_equal(bulla_key_kind_serves(&hmac, operation), rows[i].hmac);
		assert_int_equal(bulla_key_kind_serves(&agrees, operation), rows[i].agrees);
	}
	assert_true(bulla_key_kind_has(&rsa_signs, BULLA_ALGORITHM_RSASSA_PSS_SHA_384));
	assert_false(bulla_key_kind_has(&rsa_signs, BULLA_ALGORITHM_RSAES_OAEP_SHA_1));
	assert_false(bulla_key_kind_has(&agrees, BULLA_ALGORITHM_ECDSA_SHA_256));
}

static void test_pairs(void **state)
{
	(void)state;
	for (bulla_spec spec = 0; spec <= BULLA_SPEC_COUNT; spec++)
		assert_int_equal(bulla_key_kind_is_pair(spec),
				 spec >= BULLA_SPEC_RSA_2048 && spec <= BULLA_SPEC_ECC_NIST_EDWARDS25519);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_combination),
		cmocka_unit_test(test_usage_is_said),
		cmocka_unit_test(test_what_is_not_offered),
		cmocka_unit_test(test_what_does_not_exist),
		cmocka_unit_test(test_the_old_name_of_the_spec),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_pairs),
	};
	return cmocka_run_group_tests_name("kms/key_kind", tests, NULL, NULL);
}
