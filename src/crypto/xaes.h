/*
 * xaes.h - XAES-256-GCM (C2SP): AES-256-GCM under a key derived from the long key and half of a 24-byte nonce.
 *
 * The AES schedule of the long key and the constant K1 are remembered, so a message costs one derivation of two AES
 * blocks and one AES-256-GCM key schedule. One context serves one direction: re-wrapping from one key to another then
 * keeps both schedules.
 */
#ifndef CRYPTO_XAES_H
#define CRYPTO_XAES_H

#include <openssl/evp.h>

#include "crypto/gcm.h"

/* What is remembered, in secret memory. */
typedef struct bulla_xaes_keys {
	bulla_secret key, derived; /* the last long key, and the last key derived from it */
	uint8_t k1[16];
} bulla_xaes_keys;

/* One direction. One thread at a time. */
typedef struct bulla_xaes {
	EVP_CIPHER_CTX *ecb; /* AES-256 under the long key */
	bool blank;          /* `ecb` has had no key since the last bulla_xaes_forget() */
	bool keyed;          /* `keys` has what `ecb` is keyed with */
	bulla_xaes_keys *keys;
	bulla_gcm gcm; /* under the derived key */
} bulla_xaes;

/* `backend` may be NULL. CRYPTO, MEMORY. */
BULLA_MUST bulla_code bulla_xaes_init(bulla_xaes *xaes, const bulla_backend *backend, bool encrypts, bulla_error *err);
/* Before the first message: where keys are remembered, the caller's, and bulla_gcm_schedule_size(&xaes->gcm) bytes. Both NULL where that
 * memory is gone, until there is other. */
void bulla_xaes_place(bulla_xaes *xaes, bulla_xaes_keys *keys, void *schedule);
void bulla_xaes_done(bulla_xaes *xaes); /* fine when zeroed; what was placed is not touched */
/* Puts zeros in the place of the schedules. The caller wipes `keys`. */
void bulla_xaes_forget(bulla_xaes *xaes);

/* The derived key of `key` (32 bytes) and the first 12 bytes of a nonce. */
BULLA_MUST bulla_code bulla_xaes_derive(bulla_xaes *xaes, const uint8_t *key, const uint8_t nonce[static 12], bulla_secret *out,
					bulla_error *err);

/* As bulla_gcm_seal() and bulla_gcm_open(), with a nonce of 24 bytes. */
BULLA_MUST bulla_code bulla_xaes_seal(bulla_xaes *xaes, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated,
				      bulla_bytes plain, uint8_t *out, bulla_error *err);
BULLA_MUST bulla_code bulla_xaes_open(bulla_xaes *xaes, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated,
				      bulla_bytes sealed, uint8_t *out, bulla_error *err);

#endif
