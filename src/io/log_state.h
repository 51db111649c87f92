/*
 * log_state.h - what a process knows of a log: its Merkle tree, and in full only what no full tile holds yet.
 *
 * Entries before `base`, a multiple of 256, are in full bundles on disk. Those from `base` on are kept here (and in the
 * journal) with their leaf hashes, and so is the right edge of every higher level of tiles, so that a tile is written without
 * reading another.
 */
#ifndef IO_LOG_STATE_H
#define IO_LOG_STATE_H

#include "audit/checkpoint.h"
#include "audit/tile.h"
#include "audit/tree.h"

/* One thread at a time. Zeroed, it is empty. */
typedef struct bulla_log_state {
	uint64_t base;
	uint64_t kept;         /* bytes of `checkpoints` that were durable when the journal was begun */
	bulla_tree tree;       /* over all entries */
	bulla_buf entries;     /* those from `base` on, as a bundle has them */
	bulla_buf hashes;      /* their leaf hashes */
	bulla_buf tiles;       /* one hash for each 256 of them */
	bulla_buf cuts;        /* where in `entries` each 256 of them end, a size_t each */
	bulla_buf notes;       /* checkpoints that are not in the first `kept` bytes of `checkpoints` */
	bulla_buf note;        /* the newest checkpoint, as signed */
	bulla_checkpoint head; /* the same, read */
	/* [l], l > 0: the hashes of the incomplete tile of level l at `base`; bulla_tile_edge(base, l) of them count */
	uint8_t edge[BULLA_TILE_LEVELS][BULLA_TILE_WIDTH * BULLA_HASH_SIZE];
} bulla_log_state;

void bulla_log_state_done(bulla_log_state *state); /* frees and empties */

/* Adds one entry to the tree and keeps it. */
BULLA_MUST bulla_code bulla_log_state_add(bulla_log_state *state, bulla_lane *lane, bulla_bytes entry, bulla_error *err);

/* Makes the newest checkpoint `note`, which reads as `head`. */
BULLA_MUST bulla_code bulla_log_state_sign(bulla_log_state *state, bulla_bytes note, const bulla_checkpoint *head,
					   bulla_error *err);

/* How many bytes the edges of all levels take at `base`; and the tree at `base`, from them. */
size_t bulla_log_state_edges(uint64_t base);
BULLA_MUST bulla_code bulla_log_state_base(const bulla_log_state *state, bulla_lane *lane, bulla_tree *ret, bulla_error *err);

/* The bytes of the 256 (or fewer) entries from `base` + 256 `bundle` on, and of their hashes. */
bulla_bytes bulla_log_state_bundle(const bulla_log_state *state, size_t bundle);
bulla_bytes bulla_log_state_hashes(const bulla_log_state *state, size_t bundle);

/* Forgets the complete bundles, which are on disk now, and the notes, which are in `checkpoints`. The edges must have been
 * moved on before (io/log_publish.c). */
void bulla_log_state_trim(bulla_log_state *state);

#endif
