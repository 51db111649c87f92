/*
 * test_pkey_sign.c - signatures of every algorithm by every key: RFC 6979's and Wycheproof's, round trips, mismatches, tampering.
 */
#include "pairs.h"

#include "../flip.h"
#include "der.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

static const bulla_message_type types[] = { BULLA_MESSAGE_RAW, BULLA_MESSAGE_DIGEST };

static bool is_signature(bulla_algorithm a, bulla_spec spec)
{
	return bulla_algorithm_fits(a, spec, BULLA_USE_SIGN_VERIFY);
}

/* --- signatures that somebody else made -------------------------------------------------------------------------- */

/* RFC 6979, A.2.5 to A.2.7 with the curve's own hash. */
static const struct {
	bulla_spec spec;
	bulla_algorithm algorithm;
	const char *x, *y, *message, *r, *s;
} ecdsa[] = {
	{ BULLA_SPEC_ECC_NIST_P256, BULLA_ALGORITHM_ECDSA_SHA_256,
	  "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
	  "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299", "sample",
	  "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
	  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
	{ BULLA_SPEC_ECC_NIST_P256, BULLA_ALGORITHM_ECDSA_SHA_256,
	  "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
	  "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299", "test",
	  "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
	  "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083" },
	{ BULLA_SPEC_ECC_NIST_P384, BULLA_ALGORITHM_ECDSA_SHA_384,
	  "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13",
	  "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720", "sample",
	  "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46",
	  "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8" },
	{ BULLA_SPEC_ECC_NIST_P521, BULLA_ALGORITHM_ECDSA_SHA_512,
	  "01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac"
	  "474b9"
	  "a2f5023a4",
	  "00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea6695"
	  "6dfea"
	  "a2bfdfcf5",
	  "sample",
	  "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15"
	  "bf05e"
	  "c36e377fa",
	  "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f"
	  "1ee0e"
	  "44da4a67a" },
};

/* An INTEGER: no zeros in front but the one that keeps it positive. */
static void put_integer(bulla_buf *out, const char *hex)
{
	known k = unhex(hex);
	uint8_t number[161] = { 0 };
	memcpy(number + 1, k.bytes, k.len);
	size_t at = 1;
	while (at < k.len && number[at] == 0)
		at++;
	if (number[at] & 0x80) at--;
	assert_true(der_put(out, 0x02, bulla_view(number + at, k.len + 1 - at)));
}

static void signatures_of_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ecdsa); i++) {
		BULLA_BUF_AUTO bulla_buf point = { 0 }, der = { 0 }, numbers = { 0 }, signature = { 0 };
		known x = unhex(ecdsa[i].x), y = unhex(ecdsa[i].y);
		bulla_pkey *key;
		must(bulla_buf_add_u8(&point, 4, &err), "a point");
		must(bulla_buf_add(&point, known_view(&x), &err), "a point");
		must(bulla_buf_add(&point, known_view(&y), &err), "a point");
		assert_true(der_put_public(&der, ecdsa[i].spec, bulla_view_buf(&point)));
		must(bulla_pkey_read_public(ecdsa[i].spec, bulla_view_buf(&der), &key, &err), "a vector's key");
		put_integer(&numbers, ecdsa[i].r);
		put_integer(&numbers, ecdsa[i].s);
		assert_true(der_put(&signature, 0x30, bulla_view_buf(&numbers)));
		must(bulla_pkey_verify(key, ecdsa[i].algorithm, BULLA_MESSAGE_RAW, bulla_view_str(ecdsa[i].message),
				       bulla_view_buf(&signature), &err),
		     ecdsa[i].message);
		bulla_pkey_free(key);
	}
}

/* Wycheproof, rsa_pss_2048_sha256_mgf1_32_test, 1 and 3. */
static const struct {
	const char *message, *signature;
} pss[] = {
	{ "", "4f01e0c12b08625ecac89a69231906edf826380f37c959a96690d046316d68ffce9d5c471694fcebfc6b45534864689256e4fc81c78e583f67"
	      "5d0c94"
	      "b449647451e81beff01a11a516d5e5ce3f1a910437cb8a3a5096b19fb15f4524a35b23d89cdba12cf5b71aac1047b28c562df7c5542c34ce23"
	      "a182cf"
	      "7e0e231934b17294799d44877a1d68ef1b8f073619b7618e6b7c22db20030d98cf591ffc3d4da5f58613ecd5ecfc3b40a1d02f40891ca43695"
	      "cd4c08"
	      "8b05a8054c89c595a47e274816f35384226f74459ee63e25a1bfc03c360490552ec38343f8ace502f065303b00bc0ec320711b211fde92e57f"
	      "eb9013"
	      "c3609342495ec0d7cabdec21e54acc38" },
	{ "Test",
	  "401eb03cdb47ca88033e3030f6bdecbac8f5c8fc1dd6a13d23d379ed9a2b309891d13d74fea9d21d159b9e6d8f37efa2489962e24555f56dd434"
	  "ff1d31ce4f9f5abd3f22cbea8b691d6a11e44efb83e2bca155e6a164325e0fde2a8865afd5c9f51161a9d615f62af7ec2e31b3e5ab649c164490"
	  "d31d88cfae35b84aea7925690f929a144b6d2f48e8fb894a52deecd1b9a6496990c4ecf1588699a42cacd10c53af350514e4291ea9a058e77f10"
	  "1e32c1c0cefa61d945f7bc931f8bd19e7ba3169358a60e5a8b0123bc3199b9fdcafe8e519c41ba675491a27b85e44ef2d77277c10fe107293c82"
	  "90186913bc9a99b640d8da041b64f31eab1d35920985f4a5" },
};

static void pss_of_others(void **state)
{
	bulla_pkey *key = wycheproof_key();
	(void)state;
	for (size_t i = 0; i < COUNT(pss); i++) {
		BULLA_BUF_AUTO bulla_buf signature = unhex_long(pss[i].signature);
		must(bulla_pkey_verify(key, BULLA_ALGORITHM_RSASSA_PSS_SHA_256, BULLA_MESSAGE_RAW, bulla_view_str(pss[i].message),
				       bulla_view_buf(&signature), &err),
		     "PSS");
		assert_int_equal(bulla_pkey_verify(key, BULLA_ALGORITHM_RSASSA_PKCS1_V1_5_SHA_256, BULLA_MESSAGE_RAW,
						   bulla_view_str(pss[i].message), bulla_view_buf(&signature), &err),
				 BULLA_ERR_AUTH);
	}
	bulla_pkey_free(key);
}

/* --- our own ----------------------------------------------------------------------------------------------------- */

/* The message as the type has it: 64 bytes at most, counted up. */
static bulla_bytes subject_of(bulla_algorithm a, bulla_message_type type, bulla_bytes message, uint8_t digest[static 64])
{
	const bulla_algorithm_info *about = bulla_algorithm_about(a);
	size_t len;
	if (type == BULLA_MESSAGE_RAW) return message;
	assert_int_equal(
		EVP_Q_digest(NULL, about->digest ? about->digest : "SHA512", NULL, message.data, message.len, digest, &len), 1);
	return bulla_view(digest, len);
}

static bool has_type(bulla_algorithm a, bulla_message_type type)
{
	return type == BULLA_MESSAGE_RAW ? a != BULLA_ALGORITHM_ED25519_PH_SHA_512 : a != BULLA_ALGORITHM_ED25519_SHA_512;
}

/* Whoever signs the message and whoever signs its digest agree; the public half is enough to verify. */
static void messages_and_their_digests(void **state)
{
	bulla_bytes message = bulla_view_str("what is to be signed");
	uint8_t digest[64];
	(void)state;

	for (bulla_spec spec = BULLA_SPEC_RSA_2048; is_pair(spec); spec++) {
		if (spec == BULLA_SPEC_RSA_3072 || spec == BULLA_SPEC_RSA_4096) continue;
		bulla_pkey *public_key = public_of(pair_of(spec));
		for (bulla_algorithm a = 0; a < BULLA_ALGORITHM_COUNT; a++)
			for (size_t by = 0; is_signature(a, spec) && by < COUNT(types); by++) {
				BULLA_BUF_AUTO bulla_buf signature = { 0 };
				if (!has_type(a, types[by])) continue;
				must(bulla_pkey_sign(pair_of(spec), a, types[by], subject_of(a, types[by], message, digest),
						     &signature, &err),
				     bulla_algorithm_about(a)->name);
				for (size_t to = 0; to < COUNT(types); to++)
					if (has_type(a, types[to]))
						must(bulla_pkey_verify(public_key, a, types[to],
								       subject_of(a, types[to], message, digest),
								       bulla_view_buf(&signature), &err),
						     bulla_algorithm_about(a)->name);
			}
		bulla_pkey_free(public_key);
	}
}

static void empty_messages(void **state)
{
	(void)state;
	for (bulla_spec spec = BULLA_SPEC_RSA_2048; is_pair(spec); spec++)
		for (bulla_algorithm a = 0; a < BULLA_ALGORITHM_COUNT; a++) {
			BULLA_BUF_AUTO bulla_buf signature = { 0 };
			if (!is_signature(a, spec) || !has_type(a, BULLA_MESSAGE_RAW) || spec == BULLA_SPEC_RSA_4096) continue;
			must(bulla_pkey_sign(pair_of(spec), a, BULLA_MESSAGE_RAW, bulla_view(NULL, 0), &signature, &err),
			     "signing");
			must(bulla_pkey_verify(pair_of(spec), a, BULLA_MESSAGE_RAW, bulla_view("", 0), bulla_view_buf(&signature),
					       &err),
			     "verifying");
		}
}

/* RSA and ECDSA draw random numbers for each signature, PKCS #1 v1.5 and Ed25519 do not. */
static void sizes(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	(void)state;

	must(bulla_buf_add_str(&out, "before", &err), "a buffer");
	must(bulla_pkey_sign(pair_of(BULLA_SPEC_RSA_3072), BULLA_ALGORITHM_RSASSA_PSS_SHA_512, BULLA_MESSAGE_RAW,
			     bulla_view("m", 1), &out, &err),
	     "signing");
	assert_int_equal(out.len, 6 + 384);
	must(bulla_pkey_sign(pair_of(BULLA_SPEC_ECC_NIST_EDWARDS25519), BULLA_ALGORITHM_ED25519_SHA_512, BULLA_MESSAGE_RAW,
			     bulla_view("m", 1), &out, &err),
	     "signing");
	assert_int_equal(out.len, 6 + 384 + 64);
	assert_memory_equal(out.data, "before", 6);
}

static void combinations_that_do_not_exist(void **state)
{
	static const uint8_t digest[128];
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	(void)state;

	for (bulla_spec spec = BULLA_SPEC_RSA_2048; is_pair(spec); spec++) {
		if (spec == BULLA_SPEC_RSA_3072 || spec == BULLA_SPEC_RSA_4096) continue;
		const bulla_pkey *pair = pair_of(spec);
		for (int a = 0; a <= BULLA_ALGORITHM_COUNT; a++) {
			if (is_signature((bulla_algorithm)a, spec)) continue;
			assert_int_equal(
				bulla_pkey_sign(pair, (bulla_algorithm)a, BULLA_MESSAGE_RAW, bulla_view("m", 1), &out, &err),
				BULLA_ERR_USAGE);
			assert_int_equal(bulla_pkey_verify(pair, (bulla_algorithm)a, BULLA_MESSAGE_RAW, bulla_view("m", 1),
							   bulla_view(digest, 64), &err),
					 BULLA_ERR_USAGE);
		}
		for (bulla_algorithm a = 0; a < BULLA_ALGORITHM_COUNT; a++) /* digests of any but the right length */
			for (size_t n = 0; is_signature(a, spec) && n <= sizeof digest; n++) {
				if (n == bulla_algorithm_about(a)->digest_size && n) continue;
				assert_int_equal(
					bulla_pkey_sign(pair, a, BULLA_MESSAGE_DIGEST, bulla_view(digest, n), &out, &err),
					BULLA_ERR_USAGE);
				assert_int_equal(bulla_pkey_verify(pair, a, BULLA_MESSAGE_DIGEST, bulla_view(digest, n),
								   bulla_view(digest, 64), &err),
						 BULLA_ERR_USAGE);
			}
	}
	assert_int_equal(bulla_pkey_sign(pair_of(BULLA_SPEC_ECC_NIST_EDWARDS25519), BULLA_ALGORITHM_ED25519_PH_SHA_512,
					 BULLA_MESSAGE_RAW, bulla_view("m", 1), &out, &err),
			 BULLA_ERR_USAGE);
	assert_string_equal(err.text, "ED25519_PH_SHA_512 signs no messages of type RAW");
	assert_int_equal(out.len, 0);
}

static void only_the_private_key_signs(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	(void)state;
	for (bulla_spec spec = BULLA_SPEC_ECC_NIST_P256; is_pair(spec); spec++) {
		bulla_pkey *key = public_of(pair_of(spec));
		for (bulla_algorithm a = 0; a < BULLA_ALGORITHM_COUNT; a++)
			if (is_signature(a, spec))
				assert_int_equal(bulla_pkey_sign(key, a, BULLA_MESSAGE_RAW, bulla_view("m", 1), &out, &err),
						 BULLA_ERR_USAGE);
		bulla_pkey_free(key);
	}
	assert_int_equal(out.len, 0);
}

/* --- tampering --------------------------------------------------------------------------------------------------- */

typedef struct tampered {
	const bulla_pkey *key;
	bulla_algorithm algorithm;
	bulla_message_type type;
	bulla_bytes message, signature;
} tampered;

static bool verifies(const tampered *t, bulla_bytes message, bulla_bytes signature)
{
	bulla_code code = bulla_pkey_verify(t->key, t->algorithm, t->type, message, signature, &err);
	assert_int_equal(ERR_peek_error(), 0);
	if (code == BULLA_OK) return true;
	assert_int_equal(code, BULLA_ERR_AUTH);
	assert_string_equal(err.text, "the signature does not fit the key and the message");
	return false;
}

static bool opens_signature(void *self, bulla_bytes changed)
{
	return verifies(self, ((tampered *)self)->message, changed);
}

static bool opens_message(void *self, bulla_bytes changed)
{
	return verifies(self, changed, ((tampered *)self)->signature);
}

static void every_bit_counts(void **state)
{
	static const struct {
		bulla_spec spec;
		bulla_algorithm algorithm;
	} each[] = {
		{ BULLA_SPEC_RSA_2048, BULLA_ALGORITHM_RSASSA_PSS_SHA_256 },
		{ BULLA_SPEC_RSA_2048, BULLA_ALGORITHM_RSASSA_PKCS1_V1_5_SHA_512 },
		{ BULLA_SPEC_ECC_NIST_P256, BULLA_ALGORITHM_ECDSA_SHA_256 },
		{ BULLA_SPEC_ECC_SECG_P256K1, BULLA_ALGORITHM_ECDSA_SHA_256 },
		{ BULLA_SPEC_ECC_NIST_EDWARDS25519, BULLA_ALGORITHM_ED25519_SHA_512 },
		{ BULLA_SPEC_ECC_NIST_EDWARDS25519, BULLA_ALGORITHM_ED25519_PH_SHA_512 },
	};
	(void)state;

	for (size_t i = 0; i < COUNT(each); i++) {
		BULLA_BUF_AUTO bulla_buf signature = { 0 };
		uint8_t digest[64];
		bulla_message_type type =
			has_type(each[i].algorithm, BULLA_MESSAGE_RAW) ? BULLA_MESSAGE_RAW : BULLA_MESSAGE_DIGEST;
		tampered t = { .key = pair_of(each[i].spec), .algorithm = each[i].algorithm, .type = type };
		t.message = subject_of(t.algorithm, type, bulla_view_str("a message"), digest);
		must(bulla_pkey_sign(t.key, t.algorithm, type, t.message, &signature, &err), "signing");
		t.signature = bulla_view_buf(&signature);
		flip_everything(t.signature, (flip_gap){ 0, 0 }, opens_signature, &t);
		if (type == BULLA_MESSAGE_RAW) flip_everything(t.message, (flip_gap){ 0, 0 }, opens_message, &t);
	}
}

/* Of one key and message no algorithm takes another's signature, and no key another key's. */
static void signatures_belong_to_one_algorithm_and_key(void **state)
{
	bulla_pkey *other;
	(void)state;

	must(bulla_pkey_generate(BULLA_SPEC_RSA_2048, &other, &err), "another key");
	for (bulla_algorithm a = 0; a < BULLA_ALGORITHM_COUNT; a++) {
		BULLA_BUF_AUTO bulla_buf signature = { 0 };
		if (!is_signature(a, BULLA_SPEC_RSA_2048)) continue;
		tampered t = { .key = pair_of(BULLA_SPEC_RSA_2048), .type = BULLA_MESSAGE_RAW, .message = bulla_view("m", 1) };
		must(bulla_pkey_sign(t.key, a, t.type, t.message, &signature, &err), "signing");
		for (bulla_algorithm b = 0; b < BULLA_ALGORITHM_COUNT; b++) {
			if (!is_signature(b, BULLA_SPEC_RSA_2048)) continue;
			t.algorithm = b;
			assert_int_equal(verifies(&t, t.message, bulla_view_buf(&signature)), a == b);
		}
		t.key = other;
		t.algorithm = a;
		assert_false(verifies(&t, t.message, bulla_view_buf(&signature)));
	}
	bulla_pkey_free(other);
}

/* AWS's PSS has a salt as long as the hash; OpenSSL's own default would take any. */
static void salts_of_another_length(void **state)
{
	BULLA_BUF_AUTO bulla_buf der = written(pair_of(BULLA_SPEC_RSA_2048), true);
	const unsigned char *at = der.data;
	EVP_PKEY *evp = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
	(void)state;

	for (int salt = 0; salt <= 64; salt += 8) {
		uint8_t signature[256];
		size_t len = sizeof signature;
		EVP_PKEY_CTX *key = NULL;
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		assert_int_equal(EVP_DigestSignInit_ex(ctx, &key, "SHA256", NULL, NULL, evp, NULL), 1);
		assert_true(EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) == 1 &&
			    EVP_PKEY_CTX_set_rsa_pss_saltlen(key, salt) == 1);
		assert_int_equal(EVP_DigestSign(ctx, signature, &len, (const uint8_t *)"m", 1), 1);
		EVP_MD_CTX_free(ctx);
		tampered t = { .key = pair_of(BULLA_SPEC_RSA_2048), .algorithm = BULLA_ALGORITHM_RSASSA_PSS_SHA_256 };
		assert_int_equal(verifies(&t, bulla_view("m", 1), bulla_view(signature, len)), salt == 32);
	}
	EVP_PKEY_free(evp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_of_others),
		cmocka_unit_test(pss_of_others),
		cmocka_unit_test(messages_and_their_digests),
		cmocka_unit_test(empty_messages),
		cmocka_unit_test(sizes),
		cmocka_unit_test(combinations_that_do_not_exist),
		cmocka_unit_test(only_the_private_key_signs),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(signatures_belong_to_one_algorithm_and_key),
		cmocka_unit_test(salts_of_another_length),
	};
	return cmocka_run_group_tests_name("crypto/pkey_sign", tests, NULL, pairs_free);
}
