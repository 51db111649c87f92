/*
 * shred_book.h - what the target database remembers of shredding: bulla_shred, one row for each subject and model, and bulla_shredded, the rows
 * that were cleared.
 *
 * A subject is named by a hash, a row by its primary key; values are not kept. The versions of a destroyed branch key stay, so that a
 * key store from an older backup can be told.
 */
#ifndef DB_SHRED_BOOK_H
#define DB_SHRED_BOOK_H

#include "db/book.h"

#define BULLA_SUBJECT_ID 33 /* 32 hex digits and a NUL */

typedef enum bulla_shred_step {
	BULLA_SHRED_NONE = 0,
	BULLA_SHRED_DESTROYING = 1, /* the versions are those that are about to be destroyed */
	BULLA_SHRED_CLEARING = 2,   /* the key is destroyed; rows may still be there, and free pages */
	BULLA_SHRED_DONE = 3
} bulla_shred_step;

/* A subject's row for one model. */
typedef struct bulla_shred_entry {
	bulla_shred_step step;
	uint64_t cleared; /* rows, by all runs */
} bulla_shred_entry;

/* Makes the tables where they are missing; inside a transaction. */
BULLA_MUST bulla_code bulla_shred_book_make(bulla_db *db, bulla_error *err);
/* NONE where there is no such row, or no such table. Appends the versions that it names, where `versions` is not NULL. */
BULLA_MUST bulla_code bulla_shred_book_load(bulla_db *db, const char *id, const char *model, bulla_shred_entry *ret,
					    bulla_buf *versions, bulla_error *err);
/* The subject was not shredded after all, in no model. A transaction of its own. */
BULLA_MUST bulla_code bulla_shred_book_forget(bulla_db *db, const char *id, bulla_error *err);
/* Inside a transaction. `versions`: u64 each; empty leaves what is there. */
BULLA_MUST bulla_code bulla_shred_book_store(bulla_db *db, const char *id, const char *model, const bulla_shred_entry *entry,
					     bulla_bytes versions, bulla_error *err);
/* A row was cleared: it is no case for the quarantine any more. Inside a transaction. */
BULLA_MUST bulla_code bulla_shred_book_row(bulla_db *db, const char *model, bulla_bytes pk, bulla_error *err);
/* The names of at most `max` rows of a model that were cleared, in order behind `after`. */
BULLA_MUST bulla_code bulla_shred_book_rows(bulla_db *db, const char *model, bulla_bytes after, size_t max, bulla_answer each,
					    void *self, bulla_error *err);
/* How many rows of a model were cleared; 0 where the table does not exist. */
BULLA_MUST bulla_code bulla_shred_book_count(bulla_db *db, const char *model, uint64_t *ret, bulla_error *err);
/* When the last of those was written whose key is destroyed, in milliseconds; 0: there is none. */
BULLA_MUST bulla_code bulla_shred_book_last(bulla_db *db, const char *model, uint64_t *ret_ms, bulla_error *err);
/* How many subjects of a model are between noted and done. */
BULLA_MUST bulla_code bulla_shred_book_open(bulla_db *db, const char *model, uint64_t *ret, bulla_error *err);
/* Appends the versions of all subjects whose key was destroyed. */
BULLA_MUST bulla_code bulla_shred_book_versions(bulla_db *db, bulla_buf *out, bulla_error *err);

#endif
