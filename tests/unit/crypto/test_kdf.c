/*
 * test_kdf.c - the key derivations against their standards and against second implementations.
 */
#include "known.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "crypto/kdf.h"

#define IKM80                                                                                                                    \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a" \
	"3b3c3d3e3f404142434445464748494a4b4c4d4e4f"
#define SALT80                                                                                                                   \
	"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a" \
	"9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define INFO80                                                                                                                   \
	"b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9ea" \
	"ebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"

static void hkdf_answers(void **state)
{
	static const struct {
		bulla_mac hmac;
		const char *key, *salt, *info, *out;
	} answers[] = {
		/* RFC 5869, A.1 to A.3 */
		{ BULLA_HMAC_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
		  "f0f1f2f3f4f5f6f7f8f9",
		  "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
		{ BULLA_HMAC_SHA256, IKM80, SALT80, INFO80,
		  "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f"
		  "09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87" },
		{ BULLA_HMAC_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
		  "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
		/* the same inputs with other hashes, and no key at all: Python's cryptography package says */
		{ BULLA_HMAC_SHA384, IKM80, SALT80, INFO80,
		  "484ca052b8cc724fd1c4ec64d57b4e818c7e25a8e0f4569ed72a6a05fe0649eebf69f8d5c832856bf4e4fbc17967d54975324a94987f7f"
		  "41835817d8994fdbd6f4c09c5500dca24a56222fea53d8967a8b2e2a125bbbd822a84eb77be82dfd76a1c0ab1e" },
		{ BULLA_HMAC_SHA512, IKM80, SALT80, INFO80,
		  "ce6c97192805b346e6161e821ed165673b84f400a2b514b2fe23d84cd189ddf1b695b48cbd1c8388441137b3ce28f16aa64ba33ba466b2"
		  "4df6cfcb021ecff235f6a2056ce3af1de44d572097a8505d9e7a9354e5796284151c2dd39c39b3cd3d8e50fcc3" },
		{ BULLA_HMAC_SHA256, "", "", "",
		  "eb70f01dede9afafa449eee1b1286504e1f62388b3f7dd4f956697b0e828fe181e59c2ec0fe6e7e7ac26" },
	};
	uint8_t out[160];
	(void)state;

	for (size_t i = 0; i < COUNT(answers); i++) {
		known key = unhex(answers[i].key), salt = unhex(answers[i].salt), info = unhex(answers[i].info);
		known expected = unhex(answers[i].out);
		assert_int_equal(bulla_hkdf(answers[i].hmac, known_view(&key), known_view(&salt), known_view(&info), out,
					    expected.len, NULL),
				 BULLA_OK);
		assert_memory_equal(out, expected.bytes, expected.len);
	}
}

static void hkdf_limits(void **state)
{
	static const bulla_mac hmacs[] = { BULLA_HMAC_SHA256, BULLA_HMAC_SHA384, BULLA_HMAC_SHA512 };
	uint8_t *out = malloc(255 * 64 + 1);
	bulla_bytes key = bulla_view_str("key"), none = bulla_view(NULL, 0);
	(void)state;

	for (size_t i = 0; i < COUNT(hmacs); i++) {
		size_t most = 255 * bulla_mac_size(hmacs[i]);
		assert_int_equal(bulla_hkdf(hmacs[i], key, none, none, out, most, NULL), BULLA_OK);
		assert_int_equal(bulla_hkdf(hmacs[i], key, none, none, out, most + 1, NULL), BULLA_ERR_LIMIT);
		assert_int_equal(bulla_hkdf(hmacs[i], key, none, none, out, 0, NULL), BULLA_ERR_USAGE);
	}
	assert_int_equal(bulla_hkdf(BULLA_AES_CMAC, key, none, none, out, 32, NULL), BULLA_ERR_USAGE);
	assert_int_equal(bulla_hkdf(BULLA_MAC_COUNT, key, none, none, out, 32, NULL), BULLA_ERR_USAGE);
	free(out);
}

static void pbkdf2_answers(void **state)
{
	static const struct {
		bulla_mac hmac;
		const char *password, *salt;
		uint32_t iterations;
		const char *out;
	} answers[] = {
		/* RFC 7914, section 11 */
		{ BULLA_HMAC_SHA256, "passwd", "salt", 1,
		  "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30b"
		  "d509112041d3a19783" },
		{ BULLA_HMAC_SHA256, "Password", "NaCl", 80000,
		  "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d0"
		  "78478f62b397f33c8d" },
		/* Python's hashlib says */
		{ BULLA_HMAC_SHA256, "", "", 1, "f7ce0b653d2d72a4108cf5abe912ffdd777616db" },
		{ BULLA_HMAC_SHA384, "password", "salt", 4096,
		  "559726be38db125bc85ed7895f6e3cf574c7a01c080c3447db1e8a76764deb3c307b94853fbe424f6488c5f4f1289626" },
		{ BULLA_HMAC_SHA512, "password", "salt", 4096,
		  "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5143f30602641b3d55cd335988cb36b84376060ecd532e0"
		  "39b742a239434af2d5" },
	};
	uint8_t out[64];
	(void)state;

	for (size_t i = 0; i < COUNT(answers); i++) {
		known expected = unhex(answers[i].out);
		assert_int_equal(bulla_pbkdf2(answers[i].hmac, bulla_view_str(answers[i].password),
					      bulla_view_str(answers[i].salt), answers[i].iterations, out, expected.len, NULL),
				 BULLA_OK);
		assert_memory_equal(out, expected.bytes, expected.len);
	}
}

static void pbkdf2_limits(void **state)
{
	bulla_bytes text = bulla_view_str("text"), none = bulla_view(NULL, 0), long_text = bulla_view("", BULLA_PASSWORD_MAX + 1);
	uint8_t out[32];
	(void)state;

	assert_int_equal(bulla_pbkdf2(BULLA_HMAC_SHA256, none, none, 1, out, 1, NULL), BULLA_OK);
	assert_int_equal(bulla_pbkdf2(BULLA_HMAC_SHA256, text, text, 0, out, 32, NULL), BULLA_ERR_USAGE);
	assert_int_equal(bulla_pbkdf2(BULLA_HMAC_SHA256, text, text, UINT32_MAX, out, 32, NULL), BULLA_ERR_USAGE);
	assert_int_equal(bulla_pbkdf2(BULLA_HMAC_SHA256, text, text, 1, out, 0, NULL), BULLA_ERR_USAGE);
	assert_int_equal(bulla_pbkdf2(BULLA_AES_CMAC, text, text, 1, out, 32, NULL), BULLA_ERR_USAGE);
	assert_int_equal(bulla_pbkdf2(BULLA_HMAC_SHA256, long_text, text, 1, out, 32, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_pbkdf2(BULLA_HMAC_SHA256, text, long_text, 1, out, 32, NULL), BULLA_ERR_LIMIT);
}

/* OpenSSL's own SP 800-108, which shares only HMAC with ours. */
static void reference_kbkdf(const uint8_t key[static 32], const char *label, bulla_bytes context, uint8_t *out, size_t n)
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_MAC, (char *)"HMAC", 4),
		OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 6),
		OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_MODE, (char *)"counter", 7),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, 32),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, (void *)label, strlen(label)),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_INFO, (void *)context.data, context.len),
		OSSL_PARAM_END,
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	assert_int_equal(EVP_KDF_derive(ctx, out, n, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static void kbkdf_answers(void **state)
{
	static const size_t sizes[] = { 1, 16, 31, 32, 33, 44, 64, 100 };
	known fixed = unhex("fecc6c83ec2d7a6afd5c837e1a90f80002f1181df5db2dac537a050bb290e48d7026b88146741a444b4802de");
	uint8_t key[32], context[16], out[101], expected[100];
	bulla_lane *lane;
	(void)state;

	counted(key, sizeof key, 0);
	counted(context, sizeof context, 100);
	assert_int_equal(bulla_lane_new(&lane, NULL), BULLA_OK);
	assert_int_equal(bulla_kbkdf(lane, key, "bulla kms v1", bulla_view(context, sizeof context), out, 44, NULL), BULLA_OK);
	assert_memory_equal(out, fixed.bytes, 44);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		key[0] = (uint8_t)i;
		out[sizes[i]] = 0x5a;
		assert_int_equal(bulla_kbkdf(lane, key, "label", bulla_view(context, i + 1), out, sizes[i], NULL), BULLA_OK);
		reference_kbkdf(key, "label", bulla_view(context, i + 1), expected, sizes[i]);
		assert_memory_equal(out, expected, sizes[i]);
		assert_int_equal(out[sizes[i]], 0x5a);
	}
	assert_int_equal(bulla_kbkdf(lane, key, "label", bulla_view(NULL, 0), out, (size_t)UINT32_MAX / 8 + 1, NULL),
			 BULLA_ERR_LIMIT);
	bulla_lane_free(lane);
}

static void argon2id_answers(void **state)
{
	/* The reference implementation's own tests (version 0x13), then one with a salt that libsodium does not take. */
	static const struct {
		const char *password, *salt;
		uint32_t passes, memory_kib, lanes;
		const char *out;
	} answers[] = {
		{ "password", "somesalt", 2, 256, 1, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe" },
		{ "password", "somesalt", 2, 256, 2, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037" },
		{ "password", "diffsalt", 2, 65536, 1, "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c" },
	};
	uint8_t out[32];
	(void)state;

	for (size_t i = 0; i < COUNT(answers); i++) {
		known expected = unhex(answers[i].out);
		assert_int_equal(bulla_argon2id(bulla_view_str(answers[i].password), bulla_view_str(answers[i].salt),
						answers[i].passes, answers[i].memory_kib, answers[i].lanes, out, expected.len,
						NULL),
				 BULLA_OK);
		assert_memory_equal(out, expected.bytes, expected.len);
	}
}

static void argon2id_limits(void **state)
{
	bulla_bytes password = bulla_view_str("password"), salt = bulla_view_str("somesalt");
	uint8_t out[32];
	bulla_error e = { 0 };
	(void)state;

	assert_int_equal(bulla_argon2id(bulla_view(NULL, 0), salt, 1, 8, 1, out, 4, &e), BULLA_OK);
	assert_int_equal(bulla_argon2id(password, bulla_view(salt.data, 7), 1, 8, 1, out, 32, &e), BULLA_ERR_USAGE);
	assert_null(strstr(e.text, "password="));
	assert_int_equal(bulla_argon2id(password, salt, 0, 8, 1, out, 32, &e), BULLA_ERR_USAGE);
	assert_int_equal(bulla_argon2id(password, salt, 1, 7, 1, out, 32, &e), BULLA_ERR_USAGE);
	assert_int_equal(bulla_argon2id(password, salt, 1, 8, 2, out, 32, &e), BULLA_ERR_USAGE);
	assert_int_equal(bulla_argon2id(password, salt, 1, 8, 0, out, 32, &e), BULLA_ERR_USAGE);
	assert_int_equal(bulla_argon2id(password, salt, 1, 8, 1, out, 3, &e), BULLA_ERR_USAGE);
	assert_int_equal(bulla_argon2id(password, salt, 1, BULLA_ARGON2_KIB_MAX + 1, 1, out, 32, &e), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_argon2id(bulla_view("", BULLA_PASSWORD_MAX + 1), salt, 1, 8, 1, out, 32, &e), BULLA_ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hkdf_answers),    cmocka_unit_test(hkdf_limits),   cmocka_unit_test(pbkdf2_answers),
		cmocka_unit_test(pbkdf2_limits),   cmocka_unit_test(kbkdf_answers), cmocka_unit_test(argon2id_answers),
		cmocka_unit_test(argon2id_limits),
	};
	return cmocka_run_group_tests_name("crypto/kdf", tests, NULL, NULL);
}
