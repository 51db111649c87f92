/*
 * gcm.h - AES-GCM through a kept context that remembers its key.
 *
 * A key schedule costs more than sealing a short field, so a context is keyed again only when the key differs from the
 * last one. One context serves one direction. The copy of the key that says so lies in secret memory; OpenSSL's schedule lies on its heap
 * until bulla_gcm_forget().
 */
#ifndef CRYPTO_GCM_H
#define CRYPTO_GCM_H

#include <openssl/evp.h>

#include "base/error.h"
#include "base/secret.h"

/* One direction of AES-GCM with one key size. One thread at a time. */
typedef struct bulla_gcm {
	EVP_CIPHER_CTX *ctx;
	size_t key_size;   /* 16, 24 or 32 */
	size_t nonce_len;  /* what `ctx` is set to */
	bool blank;        /* `ctx` has had no key since the last bulla_gcm_forget() */
	bool keyed;        /* `key` is what `ctx` is keyed with */
	bulla_secret *key; /* where it is remembered: the caller's, in secret memory */
} bulla_gcm;

/* `cipher` is OpenSSL's name, "AES-256-GCM". The caller sets `key` before the first message. CRYPTO, MEMORY. */
BULLA_MUST bulla_code bulla_gcm_init(bulla_gcm *gcm, const char *cipher, bool encrypts, bulla_error *err);
void bulla_gcm_done(bulla_gcm *gcm); /* fine when zeroed; `key` is not touched */
/* Puts zeros in the place of OpenSSL's schedule. The caller wipes `key`. */
void bulla_gcm_forget(bulla_gcm *gcm);

/* `key` has gcm->key_size bytes; lengths are checked by the caller. Writes plain.len + 16 bytes to `out`. */
BULLA_MUST bulla_code bulla_gcm_seal(bulla_gcm *gcm, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated,
				     bulla_bytes plain, uint8_t *out, bulla_error *err);
/* sealed.len is at least 16. AUTH when the tag does not fit; `out` is not zeroed here. */
BULLA_MUST bulla_code bulla_gcm_open(bulla_gcm *gcm, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated,
				     bulla_bytes sealed, uint8_t *out, bulla_error *err);

#endif
