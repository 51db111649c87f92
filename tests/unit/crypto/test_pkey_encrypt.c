/*
 * test_pkey_encrypt.c - RSAES-OAEP at its bounds and against tampering, and key material as it is wrapped for an import.
 */
#include "pairs.h"

#include "../flip.h"
#include "crypto/aead.h"
#include "crypto/keywrap.h"

#include <openssl/err.h>

static const bulla_algorithm oaep[] = { BULLA_ALGORITHM_RSAES_OAEP_SHA_1, BULLA_ALGORITHM_RSAES_OAEP_SHA_256 };

/* Wycheproof, rsa_oaep_2048_sha256_mgf1sha256_test, 1, 3 and 6. */
static const struct {
	const char *plain, *ciphertext;
} answers[] = {
	{ "", "6e62bf24d95aff6868afec2a92a445b6458f16f688c19fe1212f66a63137831653cedd359d8cff4dd485d77dfd55812c181373201f54aafd65"
	      "730d2a"
	      "304e623455d51125d891e65d97fce52341cae45fb64c38a384a1c621e2713ee6794633f029a9fd4d774f56551eac2176162e162640f25eab87"
	      "3a3451"
	      "c475570f19228bcede4c67c370a75ed7fabccd538c9819eff182481b10d42f1a9f6a05373b8cf9b71818d467bd3b8ebacb619e8ad42916e600"
	      "c043ef"
	      "fceb3855bc48a629e60ae886f51b2a7876b0e623fb2ce68af4b039242f963adb0e4240aed0ed07f65f1ee7c0cc77d210d0c2d1dc10c81b881a"
	      "a0c9c9"
	      "e9499665cf2970d2ccfeeb3191531765" },
	{ "Test",
	  "5eab3f0741e63986ed647d53e1cd71df041986900803d0f99c68355d249a15a47dc5b4f70a191477654299e5a2731f3b4eec76dea18262fc696a"
	  "c794e5f66cbfcddac4472c578e246c26707598055584540b839836b1404c5611ae558a984cee8fd036cea924e0be2474a940f61e0acc14fcae95"
	  "ebdc59942a9ce9af9a9c81999f7f6815f057ffdc2533cb15d6391d1e2d95f16f9c04209c889a4c359c7d2926d28a66e2b030a416b928d2825627"
	  "998e5191fb4983a6e65024262d94fc09187a2d78162122433251d1bfcc8e507d06eba2d229c10031261da32ab8ccd15f1c5f9fbf07ed158483d7"
	  "36a110af4b44d6a4da60d6cb519b4454213cf9f0dc560f2b" },
	{ "a", "7ae8e4f5494393be144d81517f11baf4b634bb68b2f0ea9b30731035e8cbf4283c0ca99120f60b75ef685e989fecd7a5dc524cb66292a0ab8"
	       "7ebc61e"
	       "67baca1a8aed99350edee045dfdd029406acb707d85dec9555169cf7ec5118d8f29d182f205e2859a8dcc5122bed640ad0ef128deb21785ef"
	       "aa20f92"
	       "067dc216cf40c15bd7130e2c094131917950a816da814c5990fa6beed709a0218f4ddca2473796e1b44cff6d7ed601c574a784d0865d3afe5"
	       "fec023e"
	       "be71bca881da5637e3d1d17238c20a5bd0075bac018f07898f74b9e6dc0fa3d5f8d0b274dfef3e6720d8396b34a81ac2e64da5b3e5d766632"
	       "3ed7c56"
	       "e8bdd179f3c6b2cf05bcac402513dd87" },
};

static void known_answers(void **state)
{
	bulla_pkey *key = wycheproof_key();
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		BULLA_BUF_AUTO bulla_buf ciphertext = unhex_long(answers[i].ciphertext), out = { 0 };
		must(bulla_pkey_decrypt(key, BULLA_ALGORITHM_RSAES_OAEP_SHA_256, bulla_view_buf(&ciphertext), &out, &err),
		     "OAEP");
		assert_true(bulla_bytes_is(bulla_view_buf(&out), answers[i].plain));
		assert_int_equal(
			bulla_pkey_decrypt(key, BULLA_ALGORITHM_RSAES_OAEP_SHA_1, bulla_view_buf(&ciphertext), &out, &err),
			BULLA_ERR_AUTH);
	}
	bulla_pkey_free(key);
}

/* The bounds that AWS documents for Encrypt. */
static void bounds(void **state)
{
	static const size_t most[3][2] = { { 214, 190 }, { 342, 318 }, { 470, 446 } };
	static const uint8_t zeros[512];
	(void)state;

	for (size_t k = 0; k < COUNT(most); k++)
		for (size_t a = 0; a < COUNT(oaep); a++) {
			bulla_spec spec = (bulla_spec)(BULLA_SPEC_RSA_2048 + k);
			assert_int_equal(bulla_pkey_plain_max(spec, oaep[a]), most[k][a]);
			BULLA_BUF_AUTO bulla_buf out = { 0 }, plain = { 0 };
			assert_int_equal(
				bulla_pkey_encrypt(pair_of(spec), oaep[a], bulla_view(zeros, most[k][a] + 1), &out, &err),
				BULLA_ERR_TOO_LARGE);
			assert_int_equal(out.len, 0);
			must(bulla_pkey_encrypt(pair_of(spec), oaep[a], bulla_view(zeros, most[k][a]), &out, &err), "encrypting");
			assert_int_equal(out.len, bulla_spec_about(spec)->bits / 8);
			must(bulla_pkey_decrypt(pair_of(spec), oaep[a], bulla_view_buf(&out), &plain, &err), "decrypting");
			assert_true(bulla_bytes_equal(bulla_view_buf(&plain), bulla_view(zeros, most[k][a])));
		}
	assert_int_equal(bulla_pkey_plain_max(BULLA_SPEC_ECC_NIST_P256, BULLA_ALGORITHM_RSAES_OAEP_SHA_1), 0);
	assert_int_equal(bulla_pkey_plain_max(BULLA_SPEC_SYMMETRIC_DEFAULT, BULLA_ALGORITHM_SYMMETRIC_DEFAULT), 0);
	assert_int_equal(bulla_pkey_plain_max(BULLA_SPEC_RSA_2048, BULLA_ALGORITHM_RSASSA_PSS_SHA_256), 0);
}

static void round_trips(void **state)
{
	bulla_pkey *public_key = public_of(pair_of(BULLA_SPEC_RSA_2048));
	uint8_t plain[190];
	(void)state;

	counted(plain, sizeof plain, 1);
	for (size_t n = 0; n <= sizeof plain; n += 19) {
		BULLA_BUF_AUTO bulla_buf ciphertext = { 0 }, again = { 0 }, out = { 0 };
		bulla_bytes in = n ? bulla_view(plain, n) : bulla_view(NULL, 0);
		must(bulla_pkey_encrypt(public_key, oaep[1], in, &ciphertext, &err), "encrypting");
		must(bulla_pkey_encrypt(public_key, oaep[1], in, &again, &err), "encrypting");
		assert_false(bulla_bytes_equal(bulla_view_buf(&ciphertext), bulla_view_buf(&again)));
		must(bulla_buf_add_str(&out, "before", &err), "a buffer");
		must(bulla_pkey_decrypt(pair_of(BULLA_SPEC_RSA_2048), oaep[1], bulla_view_buf(&ciphertext), &out, &err),
		     "decrypting");
		assert_int_equal(out.len, 6 + n);
		assert_memory_equal(out.data + 6, plain, n);
	}
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	assert_int_equal(bulla_pkey_decrypt(public_key, oaep[1], bulla_view(plain, 190), &out, &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_pkey_unwrap(public_key, BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_1, bulla_view(plain, 190), &out, &err),
			 BULLA_ERR_USAGE);
	bulla_pkey_free(public_key);
}

static void combinations_that_do_not_exist(void **state)
{
	static const uint8_t zeros[256];
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_bytes in = bulla_view(zeros, sizeof zeros);
	(void)state;

	for (bulla_spec spec = BULLA_SPEC_RSA_2048; is_pair(spec); spec++) {
		if (spec == BULLA_SPEC_RSA_3072 || spec == BULLA_SPEC_RSA_4096) continue;
		for (int a = 0; a <= BULLA_ALGORITHM_COUNT; a++) {
			if (bulla_algorithm_fits((bulla_algorithm)a, spec, BULLA_USE_ENCRYPT_DECRYPT)) continue;
			assert_int_equal(bulla_pkey_encrypt(pair_of(spec), (bulla_algorithm)a, bulla_view("p", 1), &out, &err),
					 BULLA_ERR_USAGE);
			assert_int_equal(bulla_pkey_decrypt(pair_of(spec), (bulla_algorithm)a, in, &out, &err), BULLA_ERR_USAGE);
		}
	}
	for (bulla_wrapping w = 0; w < BULLA_WRAPPING_COUNT; w++)
		assert_int_equal(bulla_pkey_unwrap(pair_of(BULLA_SPEC_ECC_NIST_P256), w, in, &out, &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_pkey_unwrap(pair_of(BULLA_SPEC_RSA_2048), BULLA_WRAPPING_COUNT, in, &out, &err), BULLA_ERR_USAGE);
	assert_int_equal(out.len, 0);
}

/* --- imports ----------------------------------------------------------------------------------------------------- */

/* As the importer does it: OAEP of the material, or of an AES key and the material under it. */
static bulla_buf wrapped_for(const bulla_pkey *key, bulla_wrapping wrapping, bulla_bytes aes, bulla_bytes material)
{
	bool has_aes = wrapping >= BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_1;
	bulla_buf out = { 0 };
	must(bulla_pkey_encrypt(key, oaep[wrapping % 2], has_aes ? aes : material, &out, &err), "OAEP");
	if (has_aes) must(bulla_keywrap(aes, true, material, &out, &err), "AES-KWP");
	return out;
}

static void material_is_unwrapped(void **state)
{
	BULLA_BUF_AUTO bulla_buf long_material = unhex_long(WYCHEPROOF_RSA_2048);
	uint8_t aes[32], material[64];
	(void)state;

	counted(aes, sizeof aes, 7);
	counted(material, sizeof material, 99);
	for (bulla_wrapping w = 0; w < BULLA_WRAPPING_COUNT; w++)
		for (size_t n = 1; n <= sizeof material; n += 9)
			for (size_t k = 16; k <= 32; k += 8) {
				BULLA_BUF_AUTO bulla_buf out = { 0 },
							 wrapped = wrapped_for(pair_of(BULLA_SPEC_RSA_2048), w,
									       bulla_view(aes, k), bulla_view(material, n));
				must(bulla_pkey_unwrap(pair_of(BULLA_SPEC_RSA_2048), w, bulla_view_buf(&wrapped), &out, &err),
				     "unwrapping");
				assert_true(bulla_bytes_equal(bulla_view_buf(&out), bulla_view(material, n)));
			}
	BULLA_BUF_AUTO bulla_buf out = { 0 },
				 wrapped = wrapped_for(pair_of(BULLA_SPEC_RSA_2048), BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_256,
						       bulla_view(aes, 32), bulla_view_buf(&long_material));
	must(bulla_pkey_unwrap(pair_of(BULLA_SPEC_RSA_2048), BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_256, bulla_view_buf(&wrapped),
			       &out, &err),
	     "unwrapping a private key");
	assert_true(bulla_bytes_equal(bulla_view_buf(&out), bulla_view_buf(&long_material)));
}

/* What an outer layer that is wrong leaves is zeros: material under a key of zeros must not pass for that. So with a key that is none of AES's. */
static void material_under_a_key_that_is_not_sent(void **state)
{
	static const uint8_t zeros[32];
	const bulla_pkey *key = pair_of(BULLA_SPEC_RSA_2048);
	(void)state;

	for (size_t n = 0; n <= 40; n++) {
		BULLA_BUF_AUTO bulla_buf wrapped = { 0 }, out = { 0 };
		must(bulla_pkey_encrypt(key, oaep[1], bulla_view("0123456789012345678901234567890123456789", n), &wrapped, &err),
		     "OAEP");
		if (n == 40) wrapped.data[100] ^= 1;
		must(bulla_keywrap(bulla_view(zeros, 32), true, bulla_view("material", 8), &wrapped, &err), "AES-KWP");
		must(bulla_buf_add_str(&out, "before", &err), "a buffer");
		assert_int_equal(
			bulla_pkey_unwrap(key, BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_256, bulla_view_buf(&wrapped), &out, &err),
			BULLA_ERR_AUTH);
		assert_string_equal(err.text, BULLA_AUTH_TEXT);
		assert_int_equal(out.len, 6);
	}
}

static void names(void **state)
{
	static const char *const others[] = { "", "RSAES_PKCS1_V1_5", "SM2PKE", "RSA_AES_KEY_WRAP", "rsaes_oaep_sha_1" };
	bulla_wrapping w;
	(void)state;

	for (size_t i = 0; i < BULLA_WRAPPING_COUNT; i++) {
		assert_true(bulla_wrapping_find(bulla_view_str(bulla_wrapping_name((bulla_wrapping)i)), &w));
		assert_int_equal(w, i);
	}
	for (size_t i = 0; i < COUNT(others); i++)
		assert_false(bulla_wrapping_find(bulla_view_str(others[i]), &w));
	assert_null(bulla_wrapping_name(BULLA_WRAPPING_COUNT));
}

/* --- tampering --------------------------------------------------------------------------------------------------- */

typedef struct tampered {
	const bulla_pkey *key;
	bool unwraps;
} tampered;

static bool opens(void *self, bulla_bytes changed)
{
	tampered *t = self;
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_code code = t->unwraps ? bulla_pkey_unwrap(t->key, BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_256, changed, &out, &err)
				     : bulla_pkey_decrypt(t->key, oaep[1], changed, &out, &err);
	assert_int_equal(ERR_peek_error(), 0);
	if (code == BULLA_OK) return true;
	assert_int_equal(code, BULLA_ERR_AUTH);
	assert_string_equal(err.text, BULLA_AUTH_TEXT);
	assert_int_equal(out.len, 0);
	for (size_t i = 0; i < out.cap && out.data; i++) /* nothing of the attempt is left */
		if (i < BULLA_PKEY_SIGNATURE_MAX && !t->unwraps) assert_int_equal(out.data[i], 0);
	return false;
}

/* A private operation for each: every fifth bit, every length. */
static void every_bit_counts(void **state)
{
	tampered t = { .key = pair_of(BULLA_SPEC_RSA_2048) };
	BULLA_BUF_AUTO bulla_buf ciphertext = { 0 }, wrapped = wrapped_for(t.key, BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_256,
									   bulla_view("0123456789abcdef0123456789abcdef", 32),
									   bulla_view("material", 8));
	(void)state;

	must(bulla_pkey_encrypt(t.key, oaep[1], bulla_view("plain", 5), &ciphertext, &err), "encrypting");
	assert_true(opens(&t, bulla_view_buf(&ciphertext)));
	for (size_t bit = 0; bit < 8 * ciphertext.len; bit += 5)
		flip_bit(bulla_view_buf(&ciphertext), bit, (flip_gap){ 0, 0 }, opens, &t);
	for (size_t len = 0; len < ciphertext.len + 16; len++)
		if (len != ciphertext.len) flip_cut(bulla_view_buf(&ciphertext), len, opens, &t);
	t.unwraps = true;
	assert_true(opens(&t, bulla_view_buf(&wrapped)));
	for (size_t bit = 0; bit < 8 * wrapped.len; bit += bit < 8 * 256 ? 13 : 1)
		flip_bit(bulla_view_buf(&wrapped), bit, (flip_gap){ 0, 0 }, opens, &t);
	for (size_t len = 0; len < wrapped.len + 16; len++)
		if (len != wrapped.len) flip_cut(bulla_view_buf(&wrapped), len, opens, &t);
}

static void another_key_and_noise(void **state)
{
	bulla_pkey *other = wycheproof_key();
	tampered t = { .key = other };
	BULLA_BUF_AUTO bulla_buf ciphertext = { 0 };
	static uint8_t noise[256];
	(void)state;

	must(bulla_pkey_encrypt(pair_of(BULLA_SPEC_RSA_2048), oaep[1], bulla_view("plain", 5), &ciphertext, &err), "encrypting");
	(void)opens(&t, bulla_view_buf(&ciphertext));
	assert_false(opens(&t, bulla_view_buf(&ciphertext)));
	assert_false(opens(&t, bulla_view(noise, sizeof noise))); /* zero is its own ciphertext without padding */
	memset(noise, 0xff, sizeof noise);                        /* larger than the modulus */
	assert_false(opens(&t, bulla_view(noise, sizeof noise)));
	bulla_pkey_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(bounds),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(combinations_that_do_not_exist),
		cmocka_unit_test(material_is_unwrapped),
		cmocka_unit_test(material_under_a_key_that_is_not_sent),
		cmocka_unit_test(names),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(another_key_and_noise),
	};
	return cmocka_run_group_tests_name("crypto/pkey_encrypt", tests, NULL, pairs_free);
}
