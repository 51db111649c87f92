/*
 * test_sign.c - Ed25519 and Ed25519ph against RFC 8032, 7.1 and 7.3, against libsodium, and against tampering.
 */
#include "known.h"

#include "crypto/sign.h"

#include <sodium.h>

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

/* --- over digests ------------------------------------------------------------------------------------------------ */

/* RFC 8032, 7.3: the message "abc". */
static const char prehash_seed[] = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42";
static const char prehash_signature[] =
	"98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aa"
	"a10b8c61e636062aaad11c2a26083406";

typedef struct signed_digest {
	uint8_t public_key[32], digest[BULLA_PREHASH_SIZE], signature[BULLA_SIGNATURE_SIZE];
} signed_digest;

static bulla_code verify_digest(const signed_digest *s, bulla_error *e)
{
	return bulla_ed25519ph_verify(s->public_key, s->digest, bulla_view(s->signature, sizeof s->signature), e);
}

static signed_digest sign_abc(void)
{
	known seed = unhex(prehash_seed);
	signed_digest s;
	crypto_hash_sha512(s.digest, (const uint8_t *)"abc", 3);
	assert_int_equal(bulla_ed25519_public(seed.bytes, s.public_key, NULL), BULLA_OK);
	assert_int_equal(bulla_ed25519ph_sign(seed.bytes, s.digest, s.signature, NULL), BULLA_OK);
	return s;
}

static void digest_known_answer(void **state)
{
	known wanted = unhex(prehash_signature);
	signed_digest s = sign_abc();
	(void)state;

	assert_memory_equal(s.signature, wanted.bytes, sizeof s.signature);
	assert_int_equal(verify_digest(&s, NULL), BULLA_OK);
	/* it is no Ed25519 signature of the digest, nor of the message */
	bulla_bytes signature = bulla_view(s.signature, sizeof s.signature);
	assert_int_equal(bulla_ed25519_verify(s.public_key, bulla_view(s.digest, 64), signature, NULL), BULLA_ERR_AUTH);
	assert_int_equal(bulla_ed25519_verify(s.public_key, bulla_view("abc", 3), signature, NULL), BULLA_ERR_AUTH);
}

/* libsodium's own Ed25519ph, which takes messages. */
static void digest_as_libsodium(void **state)
{
	(void)state;
	for (size_t i = 0; i < 200; i++) {
		uint8_t seed[32], public_key[32], expanded[64], message[100], digest[64], ours[64], theirs[64];
		crypto_sign_ed25519ph_state hash;
		counted(seed, sizeof seed, (uint8_t)(3 * i));
		counted(message, sizeof message, (uint8_t)i);
		crypto_sign_ed25519_seed_keypair(public_key, expanded, seed);
		crypto_hash_sha512(digest, message, i % 100);
		crypto_sign_ed25519ph_init(&hash);
		crypto_sign_ed25519ph_update(&hash, message, i % 100);
		assert_int_equal(crypto_sign_ed25519ph_final_create(&hash, theirs, NULL, expanded), 0);
		assert_int_equal(bulla_ed25519ph_sign(seed, digest, ours, NULL), BULLA_OK);
		assert_memory_equal(ours, theirs, sizeof ours);
		assert_int_equal(bulla_ed25519ph_verify(public_key, digest, bulla_view(theirs, 64), NULL), BULLA_OK);
	}
}

static void digest_tampering(void **state)
{
	signed_digest s = sign_abc();
	uint8_t *bytes = (uint8_t *)&s;
	bulla_error e = { 0 };
	(void)state;

	for (size_t bit = 0; bit < 8 * sizeof s; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(verify_digest(&s, &e), BULLA_ERR_AUTH);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_string_equal(e.text, "the signature does not fit the key and the message");
	for (size_t n = 0; n < sizeof s.signature; n++)
		assert_int_equal(bulla_ed25519ph_verify(s.public_key, s.digest, bulla_view(s.signature, n), &e), BULLA_ERR_AUTH);
	assert_int_equal(verify_digest(&s, NULL), BULLA_OK);
}

/* S and S plus the order of the group fit the same equation; only the smaller is a signature. Nor do keys of small order sign anything. */
static void digest_signatures_have_one_form(void **state)
{
	static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
					   0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
	signed_digest s = sign_abc();
	(void)state;

	sodium_add(s.signature + 32, order, sizeof order);
	assert_int_equal(verify_digest(&s, NULL), BULLA_ERR_AUTH);
	memset(&s, 0, sizeof s);
	assert_int_equal(verify_digest(&s, NULL), BULLA_ERR_AUTH);
	s.public_key[0] = s.signature[0] = 1; /* the neutral element */
	assert_int_equal(verify_digest(&s, NULL), BULLA_ERR_AUTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),       cmocka_unit_test(tampering),
		cmocka_unit_test(digest_known_answer), cmocka_unit_test(digest_as_libsodium),
		cmocka_unit_test(digest_tampering),    cmocka_unit_test(digest_signatures_have_one_form)
	};
	return cmocka_run_group_tests_name("crypto/sign", tests, NULL, NULL);
}
