/*
 * space.h - memory for the results of one call: handed out bit by bit, wiped and used again by the next call.
 */
#ifndef CORE_SPACE_H
#define CORE_SPACE_H

#include "base/error.h"
#include "base/bytes.h"

typedef struct bulla_space {
	struct bulla_space_block *first, *current;
} bulla_space;

/* `size` bytes (unaligned), valid until the space is reset; NULL when memory is out. */
uint8_t *bulla_space_take(bulla_space *space, size_t size);
/* A copy; data NULL when memory is out. */
bulla_bytes bulla_space_copy(bulla_space *space, bulla_bytes bytes);
/* Wipes what was handed out; keeps at most 1 MiB of memory. */
void bulla_space_reset(bulla_space *space);
void bulla_space_done(bulla_space *space);

#endif
