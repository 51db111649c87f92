/*
 * tile.c - paths and widths of C2SP tlog-tiles.
 */
#include "audit/tile.h"

#include <stdio.h>

#define INDEX_SIZE 40 /* a u64 has seven elements */

/* Three digits an element, every element but the last with an x before it: 1234067 is x001/x234/067. Written from its end. */
static const char *index_text(uint64_t index, char buffer[static INDEX_SIZE])
{
	size_t at = INDEX_SIZE - 1;
	buffer[at] = '\0';
	for (bool last = true; last || index; last = false) {
		if (!last) buffer[--at] = '/';
		for (unsigned digit = 0; digit < 3; digit++, index /= 10)
			buffer[--at] = (char)('0' + index % 10);
		if (!last) buffer[--at] = 'x';
	}
	return buffer + at;
}

void bulla_tile_path(int level, uint64_t index, unsigned width, char out[static BULLA_TILE_PATH_MAX])
{
	char buffer[INDEX_SIZE];
	char kind[16] = "entries";
	char partial[16] = "";
	if (level != BULLA_TILE_ENTRIES) (void)snprintf(kind, sizeof kind, "%d", level);
	if (width == 0)
		(void)snprintf(partial, sizeof partial, ".p");
	else if (width < BULLA_TILE_WIDTH)
		(void)snprintf(partial, sizeof partial, ".p/%u", width);
	(void)snprintf(out, BULLA_TILE_PATH_MAX, "tile/%s/%s%s", kind, index_text(index, buffer), partial);
}

unsigned bulla_tile_edge(uint64_t size, unsigned level)
{
	return level < BULLA_TILE_LEVELS ? (unsigned)(size >> (BULLA_TILE_BITS * level)) % BULLA_TILE_WIDTH : 0;
}
