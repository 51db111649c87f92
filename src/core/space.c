/*
 * space.c - a chain of blocks, filled in order.
 */
#include "core/space.h"

#include "base/secret.h"

#include <stdlib.h>

#define BLOCK_SIZE ((size_t)128 << 10)
#define KEPT_MAX   ((size_t)1 << 20)

struct bulla_space_block {
	struct bulla_space_block *next;
	size_t used, size;
	uint8_t bytes[];
};

static struct bulla_space_block *next_block(bulla_space *space, size_t size)
{
	struct bulla_space_block *b = space->current ? space->current->next : space->first;
	if (b && b->size >= size) return b;
	size_t wanted = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct bulla_space_block *made = malloc(sizeof *made + wanted);
	if (!made) return NULL;
	*made = (struct bulla_space_block){ .next = b, .size = wanted };
	if (space->current)
		space->current->next = made;
	else
		space->first = made;
	return made;
}

uint8_t *bulla_space_take(bulla_space *space, size_t size)
{
	if (!space->current || space->current->size - space->current->used < size) {
		struct bulla_space_block *b = next_block(space, size);
		if (!b) return NULL;
		space->current = b;
	}
	uint8_t *taken = space->current->bytes + space->current->used;
	space->current->used += size;
	return taken;
}

bulla_bytes bulla_space_copy(bulla_space *space, bulla_bytes bytes)
{
	uint8_t *copy = bulla_space_take(space, bytes.len);
	if (!copy) return bulla_view(NULL, 0);
	if (bytes.len) memcpy(copy, bytes.data, bytes.len);
	return bulla_view(copy, bytes.len);
}

static void trim(bulla_space *space, size_t keep)
{
	struct bulla_space_block **at = &space->first;
	for (size_t kept = 0; *at;) {
		struct bulla_space_block *b = *at;
		if (kept + b->size > keep) {
			*at = b->next;
			free(b);
			continue;
		}
		kept += b->size;
		at = &b->next;
	}
}

void bulla_space_reset(bulla_space *space)
{
	for (struct bulla_space_block *b = space->first; b; b = b->next) {
		bulla_wipe(b->bytes, b->used);
		b->used = 0;
	}
	space->current = NULL;
	trim(space, KEPT_MAX);
}

void bulla_space_done(bulla_space *space)
{
	bulla_space_reset(space);
	trim(space, 0);
}
