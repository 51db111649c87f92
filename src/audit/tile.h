/*
 * tile.h - the static files of a log, as C2SP tlog-tiles lays them out: how they are called, how wide they are.
 *
 * A tile of level l holds 256 hashes, the i-th of tile n being that of the 256^l leaves from (256 n + i) 256^l on. The tile at
 * the right edge is partial: it holds as many hashes as the tree has, and its path says how many. An entry bundle holds the
 * 256 entries of the tile of level 0 with the same index, each with its length before it as a big-endian u16.
 */
#ifndef AUDIT_TILE_H
#define AUDIT_TILE_H

#include "base/error.h"
#include "base/bytes.h"

#define BULLA_TILE_WIDTH    256
#define BULLA_TILE_BITS     8
#define BULLA_TILE_LEVELS   8    /* 256^8 leaves are more than a tree can have */
#define BULLA_TILE_ENTRIES  (-1) /* the "level" of entry bundles */
#define BULLA_TILE_PATH_MAX 64
#define BULLA_ENTRY_MAX     65535

/* "tile/0/x001/067", "tile/entries/000.p/5": `width` below 256 makes a partial one, 0 its directory ("tile/0/000.p"). */
void bulla_tile_path(int level, uint64_t index, unsigned width, char out[static BULLA_TILE_PATH_MAX]);

/* How many hashes of `level` lie behind the last full tile in a tree of `size` leaves: 0 to 255. */
unsigned bulla_tile_edge(uint64_t size, unsigned level);

#endif
