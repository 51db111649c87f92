/*
 * sign.c - Ed25519 signatures.
 */
#include "crypto/sign.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/fail.h"

bulla_code bulla_ed25519_public(const uint8_t seed[static 32], uint8_t ret_public[static 32], bulla_error *err)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed, 32);
	size_t len = 32;
	bool good = key && EVP_PKEY_get_raw_public_key(key, ret_public, &len) == 1 && len == 32;

	EVP_PKEY_free(key);
	return good ? BULLA_OK : bulla_crypto_fail(err, "making an Ed25519 key");
}

bulla_code bulla_ed25519_sign(const uint8_t seed[static 32], bulla_bytes message,
			      uint8_t ret_signature[static BULLA_SIGNATURE_SIZE], bulla_error *err)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = BULLA_SIGNATURE_SIZE;
	bool good = key && ctx && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
		    EVP_DigestSign(ctx, ret_signature, &len, message.data, message.len) == 1 && len == BULLA_SIGNATURE_SIZE;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good ? BULLA_OK : bulla_crypto_fail(err, "signing with Ed25519");
}

/* Whatever bytes a public key has, a signature either fits it or does not. */
static bulla_code refuse(bulla_error *err)
{
	ERR_clear_error();
	return bulla_fail(err, BULLA_ERR_AUTH, "the signature does not fit the key and the message");
}

bulla_code bulla_ed25519_verify(const uint8_t public_key[static 32], bulla_bytes message, bulla_bytes signature, bulla_error *err)
{
	if (signature.len != BULLA_SIGNATURE_SIZE) return refuse(err);
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, public_key, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ready = key && ctx && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1;
	bool fits = ready && EVP_DigestVerify(ctx, signature.data, signature.len, message.data, message.len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	if (fits) return BULLA_OK;
	return ready ? refuse(err) : bulla_crypto_fail(err, "preparing an Ed25519 verification");
}
