/*
 * memory.h - the tables of a store in memory, for the files that implement it.
 */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "store/kind.h"

#include <pthread.h>

/* A branch version; the bytes are its own. */
typedef struct bulla_memory_branch {
	bulla_branch_row row;
	uint64_t sequence; /* 1, 2, ... within the identity */
} bulla_memory_branch;

typedef struct bulla_memory_note {
	char *name;
	bulla_buf value;
} bulla_memory_note;

typedef struct bulla_memory {
	pthread_mutex_t lock; /* of everything */
	bulla_kms_row *rows;  /* sorted by table, then id; the bytes are their own */
	size_t row_count;
	uint64_t generation;
	bulla_log_head head;
	bulla_memory_branch **by_identity; /* sorted by identity, then sequence */
	bulla_memory_branch **by_version;  /* the same, sorted by version */
	size_t branch_count, branch_cap;
	bulla_memory_note *notes;
	size_t note_count;
} bulla_memory;

/* memory_branch.c */
extern const bulla_branch_store bulla_memory_branches;
void bulla_memory_branches_done(bulla_memory *memory);

BULLA_MUST bulla_code bulla_memory_copy(bulla_bytes bytes, bulla_bytes *ret, bulla_error *err);
void bulla_memory_free(bulla_bytes bytes);

#endif
