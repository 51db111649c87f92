/*
 * shredded.h - how many rows of a model were shredded: cleared by a job, or still lying under a branch key that was destroyed.
 */
#ifndef DB_SHREDDED_H
#define DB_SHREDDED_H

#include "db/run.h"

#define BULLA_SHREDDED_MAX (64u << 20) /* bytes: 4 million branch keys; rows under more than that are not told */

/* Rows by the branch version that they hang from. */
typedef struct bulla_shredded {
	bulla_buf list; /* u64 version, u64 rows */
} bulla_shredded;

void bulla_shredded_done(bulla_shredded *shredded);
/* So many rows have a wrapped key with this directory (census.h). */
BULLA_MUST bulla_code bulla_shredded_add(bulla_shredded *shredded, bulla_bytes directory, uint64_t rows, bulla_error *err);
/* Writes the member "shredded": {"rows","cleared"}. Which versions are destroyed the job's branch store says, or where it has none the
 * bookkeeping of the database. */
BULLA_MUST bulla_code bulla_shredded_tell(bulla_shredded *shredded, const bulla_run *run, bulla_json_writer *out,
					  bulla_error *err);

#endif
