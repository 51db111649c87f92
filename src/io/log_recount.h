/*
 * log_recount.h - the tree of a log made again from its entries, and every tile compared with it on the way.
 */
#ifndef IO_LOG_RECOUNT_H
#define IO_LOG_RECOUNT_H

#include "io/log_files.h"
#include "io/log_judge.h"
#include "io/log_state.h"

/* One thread at a time. Zeroed but for what is borrowed, it stands before the first entry. */
typedef struct bulla_recount {
	const bulla_log_dir *dir; /* borrowed, as all up to `self` */
	bulla_lane *lane;
	const bulla_log_state *state; /* where the full bundles end, and the entries behind them */
	bulla_log_report *report;
	void (*progress)(void *self, uint64_t done, uint64_t total);
	void *self;

	bulla_tree tree;                                                     /* over the entries so far */
	bulla_buf bundle;                                                    /* the bundle in which it ends */
	bulla_buf hashes;                                                    /* the leaf hashes of that bundle */
	bulla_buf scratch;                                                   /* a file that is compared */
	uint8_t edge[BULLA_TILE_LEVELS][BULLA_TILE_WIDTH * BULLA_HASH_SIZE]; /* [l], l > 0: the last, incomplete tile */
} bulla_recount;

void bulla_recount_done(bulla_recount *recount);

/* Goes on until the tree has `size` leaves, at most those of the state. AUDIT with a finding in the report, without a text in
 * `err`; other codes are failures to read. */
BULLA_MUST bulla_code bulla_recount_to(bulla_recount *recount, uint64_t size, bulla_error *err);

/* At the end: the partial tiles at the right edge, and whether those that a checkpoint over `published` entries needs are there. */
BULLA_MUST bulla_code bulla_recount_edge(bulla_recount *recount, uint64_t published, bulla_error *err);

#endif
