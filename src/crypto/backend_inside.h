/*
 * backend_inside.h - what a back end has to be able to do, for the files of this room.
 */
#ifndef CRYPTO_BACKEND_INSIDE_H
#define CRYPTO_BACKEND_INSIDE_H

#include "base/bytes.h"
#include "crypto/backend.h"

/* One row a back end. A state is AES-GCM with one size of key, in one direction, and the key that it was given last: one thread at a
 * time. Nonces have 1 to 64 bytes; `key` is NULL for the one that the state has. */
typedef struct bulla_backend_row {
	/* Is it there? Allocates what its states need to know, to be freed with free(); CONFIG says why not. NULL: it always is. */
	bulla_code (*find)(void **ret_found, bulla_error *err);
	bulla_code (*state_new)(const void *found, size_t key_size, bool encrypts, void **out, bulla_error *err);
	void (*state_free)(void *state); /* NULL is fine */
	/* Bytes of a state's key schedule that its caller places in secret memory, aligned to BULLA_SCHEDULE_ALIGN and a multiple of it; 0:
	 * the state has it itself. `schedule` is NULL where that memory is gone. */
	size_t schedule_size;
	void (*place)(void *state, void *schedule); /* NULL with size 0 */
	/* Puts zeros in the place of the schedule. */
	bool (*forget)(void *state);
	/* Writes plain.len + 16 bytes. */
	bulla_code (*seal)(void *state, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes plain,
			   uint8_t *out, bulla_error *err);
	/* Writes sealed.len - 16 bytes, whatever the tag: AUTH when it does not fit. */
	bulla_code (*open)(void *state, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes sealed,
			   uint8_t *out, bulla_error *err);
} bulla_backend_row;

struct bulla_backend {
	const char *name;
	const bulla_backend_row *row;
	void *found;
};

extern const bulla_backend_row bulla_backend_openssl;  /* crypto/gcm_openssl.c */
extern const bulla_backend_row bulla_backend_ipsec_mb; /* crypto/gcm_ipsec_mb.c, where it is built in */

/* `backend`, or what NULL stands for. */
const bulla_backend *bulla_backend_or_default(const bulla_backend *backend);

#endif
