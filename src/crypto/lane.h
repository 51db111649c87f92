/*
 * lane.h - everything one thread needs to do cryptography without allocating: kept cipher, MAC and hash contexts and
 * a buffer of random bytes.
 *
 * A lane belongs to one thread at a time; a batch has one per worker, a keyring keeps a pool of them. Re-using a key
 * costs nothing: a lane remembers the last key of each algorithm and direction and skips its schedule. All keys it
 * remembers are wiped when it is freed; until then they are in ordinary memory, as OpenSSL's own key schedules are.
 */
#ifndef CRYPTO_LANE_H
#define CRYPTO_LANE_H

#include "base/error.h"
#include "base/secret.h"

typedef struct bulla_lane bulla_lane;

BULLA_MUST bulla_code bulla_lane_new(bulla_lane **out, bulla_error *err); /* CRYPTO, MEMORY */
void bulla_lane_free(bulla_lane *lane);                                   /* NULL is fine */

/* `n` bytes from the system's generator (RAND_bytes) through a buffer that is wiped as it is used and does not survive
 * a fork: parent and child never draw the same bytes. CRYPTO when the generator fails; `out` is then zeroed. */
BULLA_MUST bulla_code bulla_random(bulla_lane *lane, void *out, size_t n, bulla_error *err);

/* SHA-256 (FIPS 180-4) over the concatenation of `n` parts. */
BULLA_MUST bulla_code bulla_sha256(bulla_lane *lane, const bulla_bytes *parts, size_t n, uint8_t out[static 32],
				   bulla_error *err);

/* HMAC-SHA-256 (RFC 2104, FIPS 198-1) over the concatenation of `n` parts under a 32-byte key. */
BULLA_MUST bulla_code bulla_hmac_sha256(bulla_lane *lane, const uint8_t key[static BULLA_KEY_SIZE], const bulla_bytes *parts,
					size_t n, uint8_t out[static 32], bulla_error *err);

#endif
