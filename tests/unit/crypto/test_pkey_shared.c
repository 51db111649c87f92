/*
 * test_pkey_shared.c - one key pair in several threads at a time, each of its uses.
 */
#include "pairs.h"

#include <pthread.h>

enum { THREADS = 4, TURNS = 12 };

static const struct shared {
	bulla_spec spec;
	bulla_algorithm signs;
} shared[] = {
	{ BULLA_SPEC_RSA_2048, BULLA_ALGORITHM_RSASSA_PSS_SHA_256 },
	{ BULLA_SPEC_ECC_NIST_P256, BULLA_ALGORITHM_ECDSA_SHA_256 },
	{ BULLA_SPEC_ECC_NIST_EDWARDS25519, BULLA_ALGORITHM_ED25519_SHA_512 },
};

static bulla_code sign_and_verify(const struct shared *s)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	TRY(bulla_pkey_sign(made[s->spec], s->signs, BULLA_MESSAGE_RAW, bulla_view("m", 1), &out, NULL));
	return bulla_pkey_verify(made[s->spec], s->signs, BULLA_MESSAGE_RAW, bulla_view("m", 1), bulla_view_buf(&out), NULL);
}

static bulla_code encrypt_and_decrypt(void)
{
	BULLA_BUF_AUTO bulla_buf sealed = { 0 }, out = { 0 };
	const bulla_pkey *key = made[BULLA_SPEC_RSA_2048];
	TRY(bulla_pkey_encrypt(key, BULLA_ALGORITHM_RSAES_OAEP_SHA_256, bulla_view("p", 1), &sealed, NULL));
	TRY(bulla_pkey_decrypt(key, BULLA_ALGORITHM_RSAES_OAEP_SHA_256, bulla_view_buf(&sealed), &out, NULL));
	return bulla_bytes_is(bulla_view_buf(&out), "p") ? BULLA_OK : BULLA_ERR_INTERNAL;
}

static bulla_code write_and_agree(void)
{
	BULLA_BUF_AUTO bulla_buf peer = { 0 }, secret = { 0 }, out = { 0 };
	const bulla_pkey *key = made[BULLA_SPEC_ECC_NIST_P256];
	TRY(bulla_pkey_write_private(key, &secret, NULL));
	TRY(bulla_pkey_write_public(key, &peer, NULL));
	return bulla_pkey_agree(key, bulla_view_buf(&peer), &out, NULL);
}

static void *work(void *arg)
{
	bulla_code *code = arg;
	for (int turn = 0; turn < TURNS && *code == BULLA_OK; turn++) {
		for (size_t i = 0; i < COUNT(shared) && *code == BULLA_OK; i++)
			*code = sign_and_verify(&shared[i]);
		if (*code == BULLA_OK) *code = encrypt_and_decrypt();
		if (*code == BULLA_OK) *code = write_and_agree();
	}
	return NULL;
}

static void threads_share_pairs(void **state)
{
	pthread_t threads[THREADS];
	bulla_code codes[THREADS] = { 0 };
	(void)state;

	for (size_t i = 0; i < COUNT(shared); i++)
		(void)pair_of(shared[i].spec);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &codes[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(codes[i], BULLA_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(threads_share_pairs) };
	return cmocka_run_group_tests_name("crypto/pkey_shared", tests, NULL, pairs_free);
}
