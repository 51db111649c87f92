/*
 * test_sign.c - Ed25519 against RFC 8032, 7.1, and against tampering.
 */
#include "known.h"

#include "crypto/sign.h"

static const struct {
	const char *seed, *public_key, *message, *signature;
} answers[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246551"
	  "41438e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d"
	  "291612bb0c00" },
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
	  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027"
	  "beceea1ec40a" },
};

static void known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		known seed = unhex(answers[i].seed), public_key = unhex(answers[i].public_key);
		known message = unhex(answers[i].message), signature = unhex(answers[i].signature);
		uint8_t out[BULLA_SIGNATURE_SIZE];

		assert_int_equal(bulla_ed25519_public(seed.bytes, out, NULL), BULLA_OK);
		assert_memory_equal(out, public_key.bytes, 32);
		assert_int_equal(bulla_ed25519_sign(seed.bytes, known_view(&message), out, NULL), BULLA_OK);
		assert_memory_equal(out, signature.bytes, sizeof out);
		assert_int_equal(bulla_ed25519_verify(public_key.bytes, known_view(&message), known_view(&signature), NULL),
				 BULLA_OK);
	}
}

static void refused(const known *public_key, const known *message, bulla_bytes signature)
{
	bulla_error e = { 0 };
	assert_int_equal(bulla_ed25519_verify(public_key->bytes, known_view(message), signature, &e), BULLA_ERR_AUTH);
	assert_string_equal(e.text, "the signature does not fit the key and the message");
}

static void tampering(void **state)
{
	known public_key = unhex(answers[2].public_key), message = unhex(answers[2].message);
	known signature = unhex(answers[2].signature);
	known *all[] = { &public_key, &message, &signature };
	(void)state;

	for (size_t which = 0; which < COUNT(all); which++)
		for (size_t bit = 0; bit < 8 * all[which]->len; bit++) {
			all[which]->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			refused(&public_key, &message, known_view(&signature));
			all[which]->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	for (size_t n = 0; n <= 66; n++)
		if (n != BULLA_SIGNATURE_SIZE) refused(&public_key, &message, bulla_view(signature.bytes, n));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(known_answers), cmocka_unit_test(tampering) };
	return cmocka_run_group_tests_name("crypto/sign", tests, NULL, NULL);
}
