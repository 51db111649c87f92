/*
 * shred.h - ending a subject for good: its branch key is closed and destroyed, the rows that hung from it are cleared, and both are proven
 * in a signed report. Where there is no branch key, one record is erased, which is less, and says so.
 *
 * Every step may be repeated: the store's state and the rows themselves tell how far it is, so that a run that was killed anywhere is
 * taken up by the next.
 */
#ifndef DB_SHRED_H
#define DB_SHRED_H

#include "core/branch_keeper.h"
#include "db/job.h"

#define BULLA_NEIGHBOURS_MAX 1000
#define BULLA_NO_RECORD      SIZE_MAX

typedef struct bulla_shred_options {
	const bulla_job *jobs; /* one for each model of the schema: all of them may have rows under one branch */
	size_t job_count;
	const bulla_branch_keeper *keeper; /* NULL with `erase` */
	int64_t retention_ms;              /* how long backups are kept; 0: nobody said */
	/* The subject: a record of jobs[model] by its primary key in text form, or a branch by its print (model is BULLA_NO_RECORD). */
	size_t model;
	const bulla_bytes *pk;
	size_t pk_count;
	const char *branch;
	bool erase;        /* no branch key: clear the record's columns and say what that is worth */
	bool cancel;       /* take a closing back */
	bool wait;         /* until max_age is over; else the first run closes and a later one goes on */
	bool no_rewrite;   /* leave free pages as they are */
	size_t neighbours; /* how many records beside it must still open afterwards */
} bulla_shred_options;

typedef struct bulla_shred_result {
	bulla_buf branch;         /* its print; empty with `erase` */
	bulla_branch_state state; /* CLOSING: come back at ready_us. DESTROYED: done, up to the rows that were refused */
	int64_t closed_us, ready_us, destroyed_us;
	int64_t gone_us;     /* from then on no backup can bring it back; 0: unknown */
	uint64_t versions;   /* of the branch key */
	uint64_t below;      /* branches that hung from it */
	uint64_t rows;       /* that hung from it before this run cleared them */
	uint64_t cleared;    /* by this run and earlier ones */
	uint64_t strays;     /* rows that are the subject's by their columns, and hang from another key */
	uint64_t refused;    /* rows that a constraint or trigger of the table does not let be cleared */
	uint64_t proven;     /* rows that were asked for again, and failed with KEY_DESTROYED */
	uint64_t still_open; /* and those that did not */
	uint64_t neighbours; /* records beside it that still open */
	uint64_t lost;       /* and those that opened before, and do not any more */
	double seconds;
	char report[512];
	bulla_buf tables;  /* JSON array: what was done to the rows of each model */
	bulla_buf remains; /* JSON array of {"where","how_to_end"}: what can still tell of it, and how that ends */
} bulla_shred_result;

void bulla_shred_result_done(bulla_shred_result *result);

/* REFUSED with the reason and the next step where it would be no shred: plaintext is still there, data_key: field | table, no branch key,
 * a branch that other records share, rows that hang from another key. NOT_FOUND, BUSY (a job works on the table), INTERRUPTED. */
BULLA_MUST bulla_code bulla_job_shred(const bulla_shred_options *options, bulla_shred_result *ret, bulla_error *err);

/* Versions of branch keys that were destroyed, as the bookkeeping in the database of `job` has them: for a key store that comes back from
 * an older backup. Appends u64 each. */
BULLA_MUST bulla_code bulla_job_tombstones(const bulla_job *job, bulla_buf *out, bulla_error *err);

/* How many shreds of rows of this model were cut off: their key is noted for destruction, or destroyed, and they did not end. */
BULLA_MUST bulla_code bulla_job_shreds_open(const bulla_job *job, uint64_t *ret, bulla_error *err);

/* When the last key that rows of this model hung from was destroyed, at the latest; microseconds since 1970, 0: never. */
BULLA_MUST bulla_code bulla_job_shreds_last(const bulla_job *job, int64_t *ret_us, bulla_error *err);

#endif
