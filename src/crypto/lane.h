/*
 * lane.h - everything one thread needs to do cryptography without allocating: kept cipher, MAC and hash contexts and
 * a buffer of random bytes.
 *
 * A lane belongs to one thread at a time; a batch has one per worker, a keyring keeps a pool of them. Re-using a key
 * costs nothing: a lane remembers the last key of each algorithm and direction and skips its schedule. What it remembers lies on secret pages
 * (base/pages.h) with its random bytes, and libipsec-mb's key schedules; OpenSSL's own lie on the heap. bulla_lane_forget() ends both. In a child of a
 * fork a lane begins anew.
 */
#ifndef CRYPTO_LANE_H
#define CRYPTO_LANE_H

#include "base/secret.h"
#include "crypto/backend.h"

typedef struct bulla_lane bulla_lane;

BULLA_MUST bulla_code bulla_lane_new(bulla_lane **out, bulla_error *err); /* CRYPTO, MEMORY */
/* With the AES-GCM of `backend`, for lanes that seal or open many messages. NULL: as above, OpenSSL. */
BULLA_MUST bulla_code bulla_lane_new_with(const bulla_backend *backend, bulla_lane **out, bulla_error *err);
void bulla_lane_free(bulla_lane *lane); /* NULL is fine */

/* Wipes the keys that the lane remembers, OpenSSL's schedules included: for the end of a piece of work. About half a microsecond for each
 * algorithm that was used since. */
void bulla_lane_forget(bulla_lane *lane);

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
