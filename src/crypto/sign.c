/*
 * sign.c - Ed25519 signatures, libsodium's: they allocate nothing, so that only a wrong signature is a wrong signature.
 */
#include "crypto/sign.h"

#include <sodium.h>

_Static_assert(crypto_sign_ed25519_BYTES == BULLA_SIGNATURE_SIZE && crypto_sign_ed25519_SEEDBYTES == 32, "sizes of RFC 8032");

/* The secret key in libsodium's form: the seed, then the public key. */
typedef struct expanded {
	uint8_t bytes[crypto_sign_ed25519_SECRETKEYBYTES];
} expanded;

static void expanded_wipe(expanded *key)
{
	bulla_wipe(key, sizeof *key);
}

#define EXPANDED __attribute__((cleanup(expanded_wipe))) expanded

bulla_code bulla_ed25519_public(const uint8_t seed[static 32], uint8_t ret_public[static 32], bulla_error *err)
{
	EXPANDED key;
	if (crypto_sign_ed25519_seed_keypair(ret_public, key.bytes, seed) == 0) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_CRYPTO, "making an Ed25519 key failed");
}

/* An empty message may come without an address. */
static const uint8_t *start_of(bulla_bytes message)
{
	static const uint8_t none[1];
	return message.len ? message.data : none;
}

bulla_code bulla_ed25519_sign(const uint8_t seed[static 32], bulla_bytes message,
			      uint8_t ret_signature[static BULLA_SIGNATURE_SIZE], bulla_error *err)
{
	EXPANDED key;
	uint8_t public_key[32];
	if (crypto_sign_ed25519_seed_keypair(public_key, key.bytes, seed) == 0 &&
	    crypto_sign_ed25519_detached(ret_signature, NULL, start_of(message), message.len, key.bytes) == 0)
		return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_CRYPTO, "signing with Ed25519 failed");
}

bulla_code bulla_ed25519_verify(const uint8_t public_key[static 32], bulla_bytes message, bulla_bytes signature, bulla_error *err)
{
	if (signature.len == BULLA_SIGNATURE_SIZE &&
	    crypto_sign_ed25519_verify_detached(signature.data, start_of(message), message.len, public_key) == 0)
		return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_AUTH, "the signature does not fit the key and the message");
}
