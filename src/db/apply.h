/*
 * apply.h - the inside of `apply`: one run, its pages, and what a pass over the unsealed rows counts.
 */
#ifndef DB_APPLY_H
#define DB_APPLY_H

#include "db/page.h"
#include "db/quarantine.h"
#include "db/run.h"
#include "db/workers.h"

/* A page and those who work on it. */
typedef struct bulla_slot {
	struct bulla_apply *apply;
	bulla_task task;
	bulla_page page;
	bulla_batch *batch;   /* seals; what it makes lives until it seals the next page */
	bulla_batch *check;   /* shadow: opens what was sealed */
	bulla_aside aside;    /* rows that were not even put into the page */
	bulla_buf position;   /* the locator of the last row that was read */
	bool row_last;        /* that row is in the page, not aside */
	uint64_t differences; /* shadow: of this page */
} bulla_slot;

typedef struct bulla_apply {
	bulla_run run;
	const bulla_apply_options *options;
	bulla_job_result *ret;
	bulla_shape shape;
	size_t *fields; /* 0, 1, 2 ...: all are written */
	bulla_writer *writer;
	bulla_workers *workers;
	size_t slot_count;
	bulla_slot *slots;
	bool compare_always;  /* triggers of the user may change rows while we write others */
	bool filling;         /* the first fill, which keeps a position */
	uint64_t total;       /* rows expected, for progress */
	uint64_t quarantined; /* rows in quarantine: as long as there are any, a sealed row is looked for there */
	/* of the pass under way */
	bulla_walk *walk;
	bulla_buf from; /* where the next page begins */
	bool ended;
	uint64_t found; /* unsealed rows that were read */
	uint64_t sealed, conflicts, refused;
	uint64_t closing; /* whose branch key takes no new records: they stay as they are */
	uint64_t fresh;   /* of them: left by a plaintext-only write since the first fill */
} bulla_apply;

/* Shape, slots and workers. */
BULLA_MUST bulla_code bulla_apply_prepare(bulla_apply *apply, bulla_error *err);
void bulla_apply_done(bulla_apply *apply);

/* Unseals the rows that a verification or a rotation has put aside, so that they are sealed afresh from their plaintext (mend.c). */
BULLA_MUST bulla_code bulla_apply_mend(bulla_apply *apply, bulla_error *err);

/* One pass over the rows of `kind`: pages are read, sealed by the workers, and given to `finish` in order (pass.c). */
BULLA_MUST bulla_code bulla_apply_pass(bulla_apply *apply, bulla_walk_kind kind,
				       bulla_code (*finish)(bulla_slot *slot, bulla_error *err), bulla_error *err);

/* Writes a sealed page in one transaction with the checkpoint, each row provided that it is still what was read (swap.c). */
BULLA_MUST bulla_code bulla_apply_swap(bulla_slot *slot, bulla_error *err);

/* Rounds over what writers have left unsealed, until there is nothing or they are faster; or until the job shall stop (follow.c). */
BULLA_MUST bulla_code bulla_apply_catch_up(bulla_apply *apply, bulla_error *err);
BULLA_MUST bulla_code bulla_apply_follow(bulla_apply *apply, bulla_error *err);

/* What a pass over all that is in quarantine did not put aside again goes (follow.c). */
BULLA_MUST bulla_code bulla_apply_purge(bulla_apply *apply, int64_t began_ms, bulla_error *err);

/* Seals the rows in quarantine, and no others; or opens them, where there is no plaintext any more (retry.c). */
BULLA_MUST bulla_code bulla_apply_retry(bulla_apply *apply, bulla_error *err);
BULLA_MUST bulla_code bulla_apply_reopen(bulla_apply *apply, bulla_error *err);

/* Seals and opens every row, compares, and writes nothing (shadow.c). */
BULLA_MUST bulla_code bulla_apply_shadow(bulla_apply *apply, bulla_error *err);

#endif
