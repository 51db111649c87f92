/*
 * test_pkey_agree.c - shared secrets as RFC 5903 and Wycheproof have them, and peers that are refused.
 */
#include "pairs.h"

#include "der.h"

#include <openssl/err.h>

/* RFC 5903, 8.1 to 8.3; Wycheproof, ecdh_secp384r1_test, 3 and 9: secrets that begin with zeros. */
static const struct {
	bulla_spec spec;
	const char *own, *peer, *secret; /* a number, a point, a number */
} answers[] = {
	{ BULLA_SPEC_ECC_NIST_P256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
	  "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e7"
	  "4f3303"
	  "9872ab",
	  "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de" },
	{ BULLA_SPEC_ECC_NIST_P521,
	  "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777f5957b2639bab072462f68"
	  "c27a57"
	  "382d4a52",
	  "0400d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6c2912d4ef2d0433ced2b"
	  "617164"
	  "0012d9460f015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f47"
	  "322965"
	  "79ab44fcd17f0fc56a",
	  "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06b3c715a3a8cc3151f2bee4"
	  "17996d"
	  "19f3ddea" },
	{ BULLA_SPEC_ECC_NIST_P384,
	  "00a2b6442a37f8a3759d2cb91df5eca75b14f5a6766da8035cc1943b15a8e4ebb6025f373be334080f22ab821a3535a6a7",
	  "04490e96d17f4c6ceccd45def408cea33e9704a5f1b01a3de2eaaa3409fd160d78d395d6b3b003d71fd1f590fad95bf1c9d8665efc2070d059aa84"
	  "7125c2f"
	  "707435955535c7c5df6d6c079ec806dce6b6849d337140db7ca50616f9456de1323c4",
	  "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" },
	{ BULLA_SPEC_ECC_NIST_P384,
	  "00a2b6442a37f8a3759d2cb91df5eca75b14f5a6766da8035cc1943b15a8e4ebb6025f373be334080f22ab821a3535a6a7",
	  "047fc9bdac2a6f32ad687bb68c23cce13338b95b94dd8146748d064a989cd4aa4b8b0507a42b7e7b0b63fcdc39612b680782a0b74052fc521a11de"
	  "6828717"
	  "bd0a889f49e7f0393863bae6eac2979b5affa9fcc823039f6b31ed9e8271d8ecda7ef",
	  "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000100000000" },
};

static void known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		BULLA_BUF_AUTO bulla_buf own = { 0 }, peer = { 0 }, out = { 0 };
		known number = unhex(answers[i].own), point = unhex(answers[i].peer), secret = unhex(answers[i].secret);
		bulla_pkey *key;

		assert_true(der_put_private(&own, answers[i].spec, known_view(&number)));
		assert_true(der_put_public(&peer, answers[i].spec, known_view(&point)));
		must(bulla_pkey_read_private(answers[i].spec, bulla_view_buf(&own), &key, &err), "a vector's key");
		must(bulla_buf_add_str(&out, "before", &err), "a buffer");
		must(bulla_pkey_agree(key, bulla_view_buf(&peer), &out, &err), "agreeing");
		assert_int_equal(out.len, 6 + secret.len);
		assert_memory_equal(out.data + 6, secret.bytes, secret.len);
		bulla_pkey_free(key);
	}
}

static void both_sides_agree(void **state)
{
	(void)state;
	for (bulla_spec spec = BULLA_SPEC_ECC_NIST_P256; spec <= BULLA_SPEC_ECC_NIST_P521; spec++) {
		bulla_pkey *other;
		must(bulla_pkey_generate(spec, &other, &err), "a peer");
		BULLA_BUF_AUTO bulla_buf ours = written(pair_of(spec), false), theirs = written(other, false), one = { 0 },
					 two = { 0 };
		must(bulla_pkey_agree(pair_of(spec), bulla_view_buf(&theirs), &one, &err), "agreeing");
		must(bulla_pkey_agree(other, bulla_view_buf(&ours), &two, &err), "agreeing");
		assert_int_equal(one.len, (bulla_spec_about(spec)->bits + 7) / 8);
		assert_true(bulla_bytes_equal(bulla_view_buf(&one), bulla_view_buf(&two)));
		bulla_pkey_free(other);
	}
}

static void peers_that_are_refused(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	(void)state;
	for (bulla_spec spec = BULLA_SPEC_ECC_NIST_P256; spec <= BULLA_SPEC_ECC_NIST_P521; spec++) {
		BULLA_BUF_AUTO bulla_buf own = written(pair_of(spec), false), secret = written(pair_of(spec), true);
		for (bulla_spec other = BULLA_SPEC_ECC_NIST_P256; is_pair(other); other++) { /* of another curve */
			BULLA_BUF_AUTO bulla_buf peer = written(pair_of(other), false);
			if (other != spec)
				assert_int_equal(bulla_pkey_agree(pair_of(spec), bulla_view_buf(&peer), &out, &err),
						 BULLA_ERR_FORMAT);
		}
		assert_int_equal(bulla_pkey_agree(pair_of(spec), bulla_view_buf(&secret), &out, &err), BULLA_ERR_FORMAT);
		assert_int_equal(bulla_pkey_agree(pair_of(spec), bulla_view(own.data, own.len - 1), &out, &err),
				 BULLA_ERR_FORMAT);
		assert_int_equal(bulla_pkey_agree(pair_of(spec), bulla_view(NULL, 0), &out, &err), BULLA_ERR_FORMAT);
		own.data[own.len - 1] ^= 1; /* off the curve */
		assert_int_equal(bulla_pkey_agree(pair_of(spec), bulla_view_buf(&own), &out, &err), BULLA_ERR_FORMAT);
		assert_int_equal(ERR_peek_error(), 0);
	}
	assert_int_equal(out.len, 0);
}

static void keys_that_do_not_agree(void **state)
{
	static const bulla_spec others[] = { BULLA_SPEC_RSA_2048, BULLA_SPEC_ECC_SECG_P256K1, BULLA_SPEC_ECC_NIST_EDWARDS25519 };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_pkey *public_key = public_of(pair_of(BULLA_SPEC_ECC_NIST_P256));
	BULLA_BUF_AUTO bulla_buf peer = written(public_key, false);
	(void)state;

	for (size_t i = 0; i < COUNT(others); i++) {
		BULLA_BUF_AUTO bulla_buf own = written(pair_of(others[i]), false);
		assert_int_equal(bulla_pkey_agree(pair_of(others[i]), bulla_view_buf(&own), &out, &err), BULLA_ERR_USAGE);
	}
	assert_int_equal(bulla_pkey_agree(public_key, bulla_view_buf(&peer), &out, &err), BULLA_ERR_USAGE);
	assert_int_equal(out.len, 0);
	bulla_pkey_free(public_key);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(known_answers), cmocka_unit_test(both_sides_agree),
					    cmocka_unit_test(peers_that_are_refused), cmocka_unit_test(keys_that_do_not_agree) };
	return cmocka_run_group_tests_name("crypto/pkey_agree", tests, NULL, pairs_free);
}
