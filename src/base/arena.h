/*
 * arena.h - small allocations that are freed, and wiped, together.
 *
 * For parsed structures that borrow from each other. One thread at a time while it grows.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/bytes.h"
#include "base/error.h"

typedef struct bulla_arena {
	struct bulla_arena_block *blocks;
	size_t used;  /* bytes handed out */
	size_t max;   /* LIMIT beyond; 0 means BULLA_ARENA_MAX */
	size_t block; /* what is asked of the allocator at a time; 0 means 8192 */
} bulla_arena;

#define BULLA_ARENA_MAX (64u << 20)

/* `n` zeroed elements of `size` bytes, aligned for any type. `ret` is the address of the pointer to them, which is set also for
 * n = 0. LIMIT, MEMORY. */
BULLA_MUST bulla_code bulla_arena_take(bulla_arena *arena, size_t n, size_t size, void *ret, bulla_error *err);
/* A NUL-terminated copy. */
BULLA_MUST bulla_code bulla_arena_copy(bulla_arena *arena, bulla_bytes text, const char **ret, bulla_error *err);
BULLA_MUST bulla_code bulla_arena_printf(bulla_arena *arena, const char **ret, bulla_error *err, const char *format, ...)
	BULLA_PRINTF(4, 5);
/* Wipes and frees everything. */
void bulla_arena_done(bulla_arena *arena);

#endif
