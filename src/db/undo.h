/*
 * undo.h - the inside of `undo`: one run, what it brings back and what it tells, and the opening of sealed rows into the stage.
 */
#ifndef DB_UNDO_H
#define DB_UNDO_H

#include "db/original.h"
#include "db/proof.h"

/* A page and those who work on it. */
typedef struct bulla_undo_slot {
	struct bulla_undo *undo;
	bulla_task task;
	bulla_page page;
	bulla_batch *batch; /* opens; what it makes lives until it opens the next page */
	bulla_buf position; /* the locator of the last row that was read */
} bulla_undo_slot;

/* A JSON array that grows. */
typedef struct bulla_undo_list {
	bulla_buf text;
	bulla_json_writer writer;
	uint64_t n;
} bulla_undo_list;

typedef struct bulla_undo {
	bulla_run run;
	const bulla_undo_options *options;
	bulla_job_result *ret;
	bulla_original original;
	bulla_proof proof;
	/* what is told */
	const char *was; /* "nothing", "sealed", "finished" */
	bool undone;
	bulla_fidelity fidelity;
	bulla_undo_list back, missing, gone, lost;
	bulla_aside misfits;            /* rows that the old definition does not take */
	char why[BULLA_ERROR_TEXT_MAX]; /* of the first of them */
	/* opening (undo_open.c) */
	bulla_shape shape;
	size_t fields[BULLA_FIELDS_MAX]; /* those that come back */
	size_t field_count;
	bulla_writer *writer;
	bulla_workers *workers;
	size_t slot_count;
	bulla_undo_slot *slots;
	uint64_t total;  /* rows expected, for progress */
	uint64_t opened; /* by this run */
	/* of the pass under way */
	bulla_walk *walk;
	bulla_buf from; /* where the next page begins */
	bool ended;
	bool first; /* the first pass, which keeps a position */
	uint64_t pass_opened, pass_conflicts, pass_refused;
} bulla_undo;

/* The way back after finish (undo_back.c). */
BULLA_MUST bulla_code bulla_undo_bring_back(bulla_undo *undo, bulla_error *err);

/* Under the write lock: the table gets its old definition, with the values of the stage where it is `staged`. */
BULLA_MUST bulla_code bulla_undo_restore(bulla_undo *undo, bool staged, bulla_error *err);
/* The last step of the same transaction: the bookkeeping of the model goes. */
BULLA_MUST bulla_code bulla_undo_forget(bulla_undo *undo, bulla_error *err);
/* REFUSED when finish dropped the plaintext and the table has such a column again. */
BULLA_MUST bulla_code bulla_undo_check_phase(bulla_undo *undo, bulla_error *err);

/* What is told (undo_tell.c): nothing yet; who is told by a restoration; the whole as JSON. */
void bulla_undo_tell_begin(bulla_undo *undo);
void bulla_undo_tell_restoration(bulla_undo *undo, bulla_restoration *what);
BULLA_MUST bulla_code bulla_undo_tell(const bulla_undo *undo, bulla_buf *out, bulla_error *err);
void bulla_undo_tell_done(bulla_undo *undo);

/* The stage is there and mapped: shape, slots, workers, writer. */
BULLA_MUST bulla_code bulla_undo_open_prepare(bulla_undo *undo, bulla_error *err);
void bulla_undo_open_done(bulla_undo *undo);
/* Opens what is not in the stage, page by page, and goes on until only rows are left that do not open: u->pass_refused of them are
 * in quarantine. INTERRUPTED with a checkpoint. */
BULLA_MUST bulla_code bulla_undo_open_rows(bulla_undo *undo, bulla_error *err);
/* The same for what writers have left since. */
BULLA_MUST bulla_code bulla_undo_catch_up(bulla_undo *undo, bulla_error *err);

/* Judges of a proof (undo_judge.c). Before finish: is there anything in the ciphertexts that the plaintext does not say? Counts
 * such rows as differences. After finish: is the stage what the ciphertexts say? Counts rows that are not in it as unsealed. */
BULLA_MUST bulla_code bulla_undo_judge_sealed(const bulla_verify *verify, const bulla_page *page, bulla_lane *lane,
					      bulla_buf *scratch, bulla_verified *found, bulla_error *err);
BULLA_MUST bulla_code bulla_undo_judge_stage(const bulla_verify *verify, const bulla_page *page, bulla_lane *lane,
					     bulla_buf *scratch, bulla_verified *found, bulla_error *err);

#endif
