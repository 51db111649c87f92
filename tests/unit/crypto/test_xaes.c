/*
 * test_xaes.c - XAES-256-GCM's derivation step by step, and ten thousand random messages of its specification.
 */
#include "../under_test.h"
#include "known.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "crypto/xaes.h"

static const struct {
	uint8_t key_byte;
	const char *k1, *derived;
} steps[] = {
	{ 0x01, "e531954aca063d5b8d9c47a47d4cc6f0", "c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b" },
	{ 0x03, "23810ec50edb99f374409466ed1f4b7b", "e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8" },
};

static _Alignas(BULLA_SCHEDULE_ALIGN) uint8_t schedules[2][2048];

static void derivation(void **state)
{
	bulla_backend *backend = backend_under_test();
	bulla_xaes x;
	bulla_xaes_keys keys;
	(void)state;

	assert_int_equal(bulla_xaes_init(&x, backend, true, NULL), BULLA_OK);
	bulla_xaes_place(&x, &keys, schedules[0]);
	for (size_t i = 0; i < 3 * COUNT(steps); i++) {
		size_t at = i / 2 % COUNT(steps); /* each key twice in a row, then back to it */
		known k1 = unhex(steps[at].k1), derived = unhex(steps[at].derived);
		uint8_t key[32];
		bulla_secret out;

		memset(key, steps[at].key_byte, sizeof key);
		assert_int_equal(bulla_xaes_derive(&x, key, (const uint8_t *)"ABCDEFGHIJKL", &out, NULL), BULLA_OK);
		assert_memory_equal(keys.k1, k1.bytes, k1.len);
		assert_memory_equal(out.bytes, derived.bytes, derived.len);
	}
	bulla_xaes_done(&x);
	assert_null(x.ecb);
	assert_false(x.keyed);
	bulla_backend_free(backend);
}

/* The specification's generator: one SHAKE-128 of nothing, read from its start. */
typedef struct stream {
	uint8_t *bytes;
	size_t at;
} stream;

static const uint8_t *draw(stream *s, size_t n)
{
	s->at += n;
	return s->bytes + s->at - n;
}

static bulla_bytes draw_prefixed(stream *s)
{
	size_t n = *draw(s, 1);
	return bulla_view(draw(s, n), n);
}

static EVP_MD_CTX *shake(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestInit_ex(ctx, EVP_shake128(), NULL), 1);
	return ctx;
}

static void accumulated(void **state)
{
	enum { ROUNDS = 10000, MOST = ROUNDS * (32 + 24 + 2 * 256) };
	known expected = unhex("e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
	stream s = { malloc(MOST), 0 };
	EVP_MD_CTX *generator = shake(), *total = shake();
	uint8_t sealed[255 + 16], opened[255], digest[32];
	bulla_backend *backend = backend_under_test();
	bulla_xaes seal, open;
	bulla_xaes_keys keys[2];
	(void)state;

	assert_int_equal(EVP_DigestFinalXOF(generator, s.bytes, MOST), 1);
	assert_int_equal(bulla_xaes_init(&seal, backend, true, NULL), BULLA_OK);
	assert_int_equal(bulla_xaes_init(&open, backend, false, NULL), BULLA_OK);
	assert_true(bulla_gcm_schedule_size(&seal.gcm) <= sizeof schedules[0]);
	bulla_xaes_place(&seal, &keys[0], schedules[0]);
	bulla_xaes_place(&open, &keys[1], schedules[1]);
	for (int i = 0; i < ROUNDS; i++) {
		const uint8_t *key = draw(&s, 32);
		bulla_bytes nonce = bulla_view(draw(&s, 24), 24), plain = draw_prefixed(&s), associated = draw_prefixed(&s);

		assert_int_equal(bulla_xaes_seal(&seal, key, nonce, associated, plain, sealed, NULL), BULLA_OK);
		assert_int_equal(EVP_DigestUpdate(total, sealed, plain.len + 16), 1);
		assert_int_equal(bulla_xaes_open(&open, key, nonce, associated, bulla_view(sealed, plain.len + 16), opened, NULL),
				 BULLA_OK);
		assert_memory_equal(opened, plain.data, plain.len);
	}
	assert_int_equal(EVP_DigestFinalXOF(total, digest, sizeof digest), 1);
	assert_memory_equal(digest, expected.bytes, sizeof digest);
	bulla_xaes_done(&open);
	bulla_xaes_done(&seal);
	EVP_MD_CTX_free(total);
	EVP_MD_CTX_free(generator);
	bulla_backend_free(backend);
	free(s.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(derivation), cmocka_unit_test(accumulated) };
	return cmocka_run_group_tests_name("crypto/xaes", tests, NULL, NULL);
}
