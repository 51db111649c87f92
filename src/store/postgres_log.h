/*
 * postgres_log.h - an audit log in PostgreSQL, for the files that implement it.
 *
 * Entries are rows, one for each; every append adds a signed checkpoint over all entries up to its own and moves the head, in one
 * transaction that holds the head's row from its first statement on: so whatever nodes append, the log is one tree, and each
 * checkpoint contains the one before. The peaks of the tree (audit/tree.h) are kept with the head, and at every multiple of 256
 * entries, so that no append and no look at an earlier root reads more than 255 entries.
 */
#ifndef STORE_POSTGRES_LOG_H
#define STORE_POSTGRES_LOG_H

#include "audit/tile.h"
#include "audit/tree.h"
#include "base/pool.h"
#include "io/log_kind.h"
#include "store/postgres.h"

typedef struct bulla_pg_request bulla_pg_request;

/* One thread at a time is inside (`busy`): it has all that follows the queue to itself. */
typedef struct bulla_pg_log {
	bulla_log base;
	const bulla_pg_place *place;
	char *origin;
	bulla_pool *pool;
	bulla_secret *seed; /* NULL: reading only */
	bulla_note_key key;

	pthread_mutex_t mutex; /* of the queue and `busy` */
	pthread_cond_t changed;
	bool busy;
	bulla_pg_request *first, **last; /* appends that wait */

	bulla_lane *lane;
	bulla_pg_link link;
	bulla_log_head seen; /* the newest head that this handle has known: what comes later must contain it */
	bulla_buf seen_note; /* the checkpoint over it, which was verified or signed here */
} bulla_pg_log;

/* The head as the database has it: a checkpoint that is ours, over a tree that fits. */
typedef struct bulla_pg_head {
	bulla_checkpoint checkpoint;
	bulla_tree tree;
} bulla_pg_head;

/* --- postgres_log.c ---------------------------------------------------------------------------------------------- */
void bulla_pg_log_enter(bulla_pg_log *log);
void bulla_pg_log_leave(bulla_pg_log *log);
/* Inside, in a transaction: with `which` LOG_HEAD or LOG_HEAD_LOCKED. NOT_FOUND where no log was begun; AUDIT for a head that is not
 * what it must be, or that lacks what this handle has seen. */
BULLA_MUST bulla_code bulla_pg_log_read_head(bulla_pg_log *log, bulla_pg_sql which, bulla_pg_head *ret, bulla_error *err);

/* This is the head now, and what comes later must contain it. */
BULLA_MUST bulla_code bulla_pg_log_remember(bulla_pg_log *log, const bulla_log_head *head, bulla_bytes note, bulla_error *err);
/* AUDIT. */
bulla_code bulla_pg_log_fail(const bulla_pg_log *log, const char *what, bulla_error *err);

/* The peaks of a tree as they are kept: those that its size names, the highest first. */
BULLA_MUST bulla_code bulla_pg_peaks_write(const bulla_tree *tree, bulla_buf *out, bulla_error *err);
BULLA_MUST bool bulla_pg_peaks_read(uint64_t size, bulla_bytes peaks, bulla_tree *ret);

/* --- postgres_log_append.c --------------------------------------------------------------------------------------- */
/* Makes the log where there is none. */
BULLA_MUST bulla_code bulla_pg_log_begin(bulla_pg_log *log, bulla_error *err);
/* As the sink says: waits for the turn of its request, and leads the group where nobody else does. */
bulla_code bulla_pg_log_append(void *log, const bulla_bytes *entries, size_t n, uint64_t generation, bulla_log_head *ret_head,
			       bulla_error *err);

/* --- postgres_log_read.c ----------------------------------------------------------------------------------------- */
/* Inside, in a transaction: the tree over the first `size` entries, which are there. */
BULLA_MUST bulla_code bulla_pg_log_tree_at(bulla_pg_log *log, uint64_t size, bulla_tree *ret, bulla_error *err);
bulla_code bulla_pg_log_root_at(bulla_log *log, uint64_t size, uint8_t ret_root[static 32], bulla_error *err);
bulla_code bulla_pg_log_each(bulla_log *log, uint64_t first, uint64_t end, bulla_log_visit each, void *self, bulla_error *err);

#endif
