/*
 * secret.h - a short-lived secret on the stack, wiped when its scope ends.
 *
 * There is no print and no memcmp for it: compare with bulla_equal_ct(). Long-lived keys live in the pool
 * (base/pool.h).
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/bytes.h"

#define BULLA_KEY_SIZE 32 /* bytes of every symmetric key of ours: AES-256, HMAC-SHA-256 */

typedef struct bulla_secret {
	uint8_t bytes[BULLA_KEY_SIZE];
} bulla_secret;

/* memset that the compiler keeps. */
void bulla_wipe(void *data, size_t len);

static inline void bulla_secret_wipe(bulla_secret *secret)
{
	bulla_wipe(secret, sizeof *secret);
}

#define BULLA_SECRET __attribute__((cleanup(bulla_secret_wipe))) bulla_secret

#endif
