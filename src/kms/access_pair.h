/*
 * access_pair.h - a new access key: an id and a secret in the form that AWS's tools expect.
 */
#ifndef KMS_ACCESS_PAIR_H
#define KMS_ACCESS_PAIR_H

#include "base/error.h"
#include "base/secret.h"

/* "AKIA" and 16 of A-Z and 2-7; 40 characters of base64, which are 30 random bytes. */
typedef struct bulla_access_pair {
	char id[21];
	char secret[41];
} bulla_access_pair;

static inline void bulla_access_pair_wipe(bulla_access_pair *pair)
{
	bulla_wipe(pair, sizeof *pair);
}

/* Wiped at the end of its scope. */
#define BULLA_ACCESS_PAIR __attribute__((cleanup(bulla_access_pair_wipe))) bulla_access_pair

/* CRYPTO, MEMORY. */
BULLA_MUST bulla_code bulla_access_pair_make(bulla_access_pair *out, bulla_error *err);

#endif
