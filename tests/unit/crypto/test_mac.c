/*
 * test_mac.c - HMAC and CMAC against their RFCs.
 */
#include "known.h"

#include "crypto/mac.h"

#define AA131                                                                                                                    \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"   \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"   \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LARGER_THAN_BLOCK                                                                                                        \
	"54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374"
#define SP800_MESSAGE                                                                                                            \
	"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b41" \
	"7be66c3710"

static const struct {
	bulla_mac algorithm;
	const char *key, *message, *tag;
} answers[] = {
	/* RFC 4231, 4.2, 4.3, 4.7 */
	{ BULLA_HMAC_SHA224, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
	  "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22" },
	{ BULLA_HMAC_SHA224, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44" },
	{ BULLA_HMAC_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
	  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ BULLA_HMAC_SHA256, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ BULLA_HMAC_SHA256, AA131, LARGER_THAN_BLOCK, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ BULLA_HMAC_SHA384, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649" },
	{ BULLA_HMAC_SHA384, AA131, LARGER_THAN_BLOCK,
	  "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952" },
	{ BULLA_HMAC_SHA512, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e"
	  "070a38bce737" },
	{ BULLA_HMAC_SHA512, AA131, LARGER_THAN_BLOCK,
	  "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b91"
	  "5a985d786598" },
	/* empty key and message: RFC 2104 has no example; Python's hmac module says */
	{ BULLA_HMAC_SHA256, "", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
	/* RFC 4493, section 4; SP 800-38B, D.2 and D.3 for the longer keys */
	{ BULLA_AES_CMAC, "2b7e151628aed2a6abf7158809cf4f3c", "", "bb1d6929e95937287fa37d129b756746" },
	{ BULLA_AES_CMAC, "2b7e151628aed2a6abf7158809cf4f3c", "6bc1bee22e409f96e93d7e117393172a",
	  "070a16b46b4d4144f79bdd9dd04a287c" },
	{ BULLA_AES_CMAC, "2b7e151628aed2a6abf7158809cf4f3c", SP800_MESSAGE, "51f0bebf7e3b9d92fc49741779363cfe" },
	{ BULLA_AES_CMAC, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", SP800_MESSAGE, "a1d5df0eed790f794d77589659f39a11" },
	{ BULLA_AES_CMAC, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", SP800_MESSAGE,
	  "e1992190549f6ed5696a2c056c315410" },
};

static void known_answers(void **state)
{
	uint8_t out[64];
	(void)state;

	for (size_t i = 0; i < COUNT(answers); i++) {
		known key = unhex(answers[i].key), message = unhex(answers[i].message), tag = unhex(answers[i].tag);
		assert_int_equal(tag.len, bulla_mac_size(answers[i].algorithm));
		assert_int_equal(bulla_mac_compute(answers[i].algorithm, known_view(&key), known_view(&message), out, NULL),
				 BULLA_OK);
		assert_memory_equal(out, tag.bytes, tag.len);
	}
}

static void full_tags_verify(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		known key = unhex(answers[i].key), message = unhex(answers[i].message), tag = unhex(answers[i].tag);
		bulla_mac mac = answers[i].algorithm;
		bulla_error e = { 0 };

		assert_int_equal(bulla_mac_verify(mac, known_view(&key), known_view(&message), known_view(&tag), &e), BULLA_OK);
		for (size_t bit = 0; bit < 8 * tag.len; bit++) {
			tag.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(bulla_mac_verify(mac, known_view(&key), known_view(&message), known_view(&tag), &e),
					 BULLA_ERR_AUTH);
			tag.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t len = 0; len <= sizeof tag.bytes; len++)
			if (len != tag.len)
				assert_int_equal(bulla_mac_verify(mac, known_view(&key), known_view(&message),
								  bulla_view(tag.bytes, len), &e),
						 BULLA_ERR_AUTH);
		assert_string_equal(e.text, "the tag does not fit the key and the message");
	}
	assert_int_equal(bulla_mac_verify(BULLA_MAC_COUNT, bulla_view("k", 1), bulla_view("m", 1), bulla_view(NULL, 0), NULL),
			 BULLA_ERR_USAGE);
	assert_int_equal(bulla_mac_verify(BULLA_AES_CMAC, bulla_view("k", 1), bulla_view("m", 1), bulla_view(NULL, 0), NULL),
			 BULLA_ERR_USAGE);
}

static void null_views(void **state)
{
	known tag = unhex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	uint8_t out[64];
	(void)state;

	assert_int_equal(bulla_mac_compute(BULLA_HMAC_SHA256, bulla_view(NULL, 0), bulla_view(NULL, 0), out, NULL), BULLA_OK);
	assert_memory_equal(out, tag.bytes, tag.len);
}

static void wrong_sizes(void **state)
{
	static const uint8_t zeros[64];
	uint8_t out[64];
	(void)state;

	for (size_t n = 0; n <= sizeof zeros; n++) {
		bool good = n == 16 || n == 24 || n == 32;
		assert_int_equal(bulla_mac_compute(BULLA_AES_CMAC, bulla_view(zeros, n), bulla_view(zeros, 3), out, NULL),
				 good ? BULLA_OK : BULLA_ERR_USAGE);
	}
	assert_int_equal(bulla_mac_compute(BULLA_MAC_COUNT, bulla_view(zeros, 16), bulla_view(zeros, 3), out, NULL),
			 BULLA_ERR_USAGE);
	assert_int_equal(bulla_mac_size(BULLA_MAC_COUNT), 0);
	assert_null(bulla_mac_name(BULLA_MAC_COUNT));
	assert_string_equal(bulla_mac_name(BULLA_AES_CMAC), "AES-CMAC");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(known_answers), cmocka_unit_test(full_tags_verify),
					    cmocka_unit_test(null_views), cmocka_unit_test(wrong_sizes) };
	return cmocka_run_group_tests_name("crypto/mac", tests, NULL, NULL);
}
