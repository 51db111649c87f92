/*
 * random.h - random bytes drawn through a buffer that is wiped as it is used and never shared with a forked child.
 *
 * RAND_bytes costs about as much for 4 KiB as three calls of it for 32 bytes, so a lane draws a page at a time. The page
 * is its own mapping, kept out of core files, and the kernel zeroes it in a child (MADV_WIPEONFORK). Where the kernel
 * refuses that advice, the process id is compared at every draw instead. Edge: a process cloned with shared memory, or
 * a snapshot of a virtual machine that is started twice, is not seen.
 */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include <sys/types.h>

#include "base/bytes.h"
#include "base/error.h"

#define BULLA_RANDOM_PAGE  4096 /* bytes mapped, the count included */
#define BULLA_RANDOM_BYTES (BULLA_RANDOM_PAGE - sizeof(size_t))

/* What lies in the page. `left` is both count and marker: it is non-zero only while unused bytes of this process remain,
 * so a page that the kernel has zeroed reads as used up and is filled anew. */
typedef struct bulla_random_page {
	size_t left; /* the last `left` of `bytes` are unused */
	uint8_t bytes[BULLA_RANDOM_BYTES];
} bulla_random_page;

/* One thread at a time. */
typedef struct bulla_random_source {
	bulla_random_page *page;
	bool wiped_on_fork; /* the kernel took the advice; else `owner` is compared */
	pid_t owner;
} bulla_random_source;

BULLA_MUST bulla_code bulla_random_init(bulla_random_source *source, bulla_error *err); /* MEMORY */
void bulla_random_done(bulla_random_source *source);                                    /* wipes; fine when zeroed */

/* CRYPTO when the generator fails; `out` is then zeroed. */
BULLA_MUST bulla_code bulla_random_draw(bulla_random_source *source, uint8_t *out, size_t n, bulla_error *err);

#endif
