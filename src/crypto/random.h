/*
 * random.h - random bytes drawn through a buffer that is wiped as it is used.
 *
 * RAND_bytes costs about as much for 4 KiB as three calls of it for 32 bytes, so a lane draws nearly a page at a time. The lane sees to it that the
 * buffer is never shared with a forked child. Edge: a process cloned with shared memory, or a snapshot of a virtual machine that is
 * started twice, is not seen.
 */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include "base/bytes.h"
#include "base/error.h"

#define BULLA_RANDOM_BYTES 3712

/* `n` bytes, taken from the last `*left` of `buffer`, which are unused; refilled when there are none. 0 before the first draw, and in a child. CRYPTO
 * when the generator fails; `out` is then zeroed. */
BULLA_MUST bulla_code bulla_random_draw(uint8_t buffer[static BULLA_RANDOM_BYTES], size_t *left, uint8_t *out, size_t n,
					bulla_error *err);

#endif
