/*
 * arena.c - small allocations that are freed, and wiped, together.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_SIZE 8192

typedef struct bulla_arena_block {
	struct bulla_arena_block *next;
	size_t size, used;
	_Alignas(max_align_t) uint8_t data[];
} block;

static bulla_code add_block(bulla_arena *arena, size_t need, bulla_error *err)
{
	size_t usual = arena->block ? arena->block : BLOCK_SIZE;
	size_t size = need > usual ? need : usual;
	block *b = calloc(1, sizeof *b + size);
	if (!b) return bulla_fail_memory(err);
	b->size = size;
	b->next = arena->blocks;
	arena->blocks = b;
	return BULLA_OK;
}

bulla_code bulla_arena_take(bulla_arena *arena, size_t n, size_t size, void *ret, bulla_error *err)
{
	size_t max = arena->max ? arena->max : BULLA_ARENA_MAX;
	size_t need, align = _Alignof(max_align_t);
	if (__builtin_mul_overflow(n, size, &need) || need > max || arena->used > max - need)
		return bulla_fail(err, BULLA_ERR_LIMIT, "more than the limit of %zu bytes", max);
	need = need ? (need + align - 1) / align * align : align;
	if (!arena->blocks || arena->blocks->size - arena->blocks->used < need) TRY(add_block(arena, need, err));
	void *taken = arena->blocks->data + arena->blocks->used;
	arena->blocks->used += need;
	arena->used += need;
	memcpy(ret, &taken, sizeof taken);
	return BULLA_OK;
}

bulla_code bulla_arena_copy(bulla_arena *arena, bulla_bytes text, const char **ret, bulla_error *err)
{
	char *copy;
	TRY(bulla_arena_take(arena, text.len + 1, 1, &copy, err));
	if (text.len) memcpy(copy, text.data, text.len);
	*ret = copy;
	return BULLA_OK;
}

bulla_code bulla_arena_printf(bulla_arena *arena, const char **ret, bulla_error *err, const char *format, ...)
{
	va_list args;
	char *text = NULL;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) return bulla_fail_memory(err);
	bulla_code code = bulla_arena_copy(arena, bulla_view(text, (size_t)n), ret, err);
	bulla_wipe(text, (size_t)n);
	free(text);
	return code;
}

void bulla_arena_done(bulla_arena *arena)
{
	while (arena->blocks) {
		block *b = arena->blocks;
		arena->blocks = b->next;
		bulla_wipe(b->data, b->used);
		free(b);
	}
	arena->used = 0;
}
