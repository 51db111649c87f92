/*
 * gcm.h - AES-GCM (NIST SP 800-38D) through a kept state that remembers its key, whoever does the work (crypto/backend.h).
 *
 * A key schedule costs more than sealing a short field, so a state is keyed again only when the key differs from the
 * last one. One serves one direction. The copy of the key that says so lies in secret memory, and so does libipsec-mb's schedule;
 * OpenSSL's lies on its heap until bulla_gcm_forget().
 */
#ifndef CRYPTO_GCM_H
#define CRYPTO_GCM_H

#include "base/secret.h"
#include "crypto/backend.h"

#define BULLA_SCHEDULE_ALIGN 64

/* One direction of AES-GCM with one key size. One thread at a time. */
typedef struct bulla_gcm {
	const struct bulla_backend_row *with;
	void *state;
	size_t key_size;   /* 16, 24 or 32 */
	bool blank;        /* `state` has had no key since the last bulla_gcm_forget() */
	bool keyed;        /* `key` is what `state` is keyed with */
	bulla_secret *key; /* where it is remembered: the caller's, in secret memory */
} bulla_gcm;

/* `backend` may be NULL. CRYPTO, MEMORY. */
BULLA_MUST bulla_code bulla_gcm_init(bulla_gcm *gcm, const bulla_backend *backend, size_t key_size, bool encrypts,
				     bulla_error *err);
void bulla_gcm_done(bulla_gcm *gcm); /* fine when zeroed; what was placed is not touched */

/* Bytes of key schedule that lie with the caller, a multiple of BULLA_SCHEDULE_ALIGN; 0: none. */
size_t bulla_gcm_schedule_size(const bulla_gcm *gcm);
/* Before the first message: where the key is remembered, and so many bytes for its schedule. Forgets the key that there was. NULLs where
 * that memory is gone, until there is other. */
void bulla_gcm_place(bulla_gcm *gcm, bulla_secret *key, void *schedule);
/* Puts zeros in the place of the schedule. The caller wipes `key`. */
void bulla_gcm_forget(bulla_gcm *gcm);

/* `key` has gcm->key_size bytes; lengths are checked by the caller. Writes plain.len + 16 bytes to `out`. */
BULLA_MUST bulla_code bulla_gcm_seal(bulla_gcm *gcm, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated,
				     bulla_bytes plain, uint8_t *out, bulla_error *err);
/* sealed.len is at least 16. AUTH when the tag does not fit; `out` is not zeroed here. */
BULLA_MUST bulla_code bulla_gcm_open(bulla_gcm *gcm, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated,
				     bulla_bytes sealed, uint8_t *out, bulla_error *err);

#endif
