/*
 * run.h - one run of a job: its session, its mapping, its place in bulla_job, and the lease that keeps a second run away.
 */
#ifndef DB_RUN_H
#define DB_RUN_H

#include "db/book.h"
#include "db/job.h"

#define BULLA_LEASE_MS     60000 /* without a heartbeat for so long, an owner that cannot be asked counts as dead */
#define BULLA_HEARTBEAT_MS 15000 /* of a run that has nothing to write */

typedef struct bulla_run {
	const bulla_job *job;
	bulla_db *db;
	bulla_mapping mapping;
	bulla_job_state state;
	char id[17];                 /* of this run, random hex */
	char owner[BULLA_OWNER_MAX]; /* "" while the lease is not taken */
	int64_t began_us;
	int64_t told_us; /* when progress was last told */
} bulla_run;

/* Where the job's database is, and how long to wait for it. */
bulla_place bulla_job_place(const bulla_job *job, bool write);

/* Opens the model's database, reads its bookkeeping, lays the model over its table. `aside`: see bulla_mapping_init(). */
BULLA_MUST bulla_code bulla_run_open(bulla_run *run, const bulla_job *job, bool write, bool aside, bulla_error *err);
/* Gives the lease back if it is held, and closes. */
void bulla_run_close(bulla_run *run);
/* Lays the model over the table again, after its definition was changed. */
BULLA_MUST bulla_code bulla_run_map(bulla_run *run, bool aside, bulla_error *err);

/* REFUSED, with what to do, while an undo of the model has begun and not ended. */
BULLA_MUST bulla_code bulla_run_check_undo(const bulla_run *run, bulla_error *err);

/* REFUSED, with the command that makes them: the table lacks columns of the model. */
bulla_code bulla_run_fail_unready(const bulla_run *run, bulla_error *err);

bool bulla_run_stopped(const bulla_run *run);
/* INTERRUPTED, with the step that takes it up again. */
bulla_code bulla_run_interrupted(const bulla_run *run, bulla_error *err);
/* Tells progress at most ten times a second; `force` tells it now. */
void bulla_run_progress(bulla_run *run, const char *phase, uint64_t done, uint64_t total, bool force);
void bulla_run_hook(const bulla_run *run, const char *step);
BULLA_MUST bulla_code bulla_run_record(const bulla_run *run, const char *operation, const char *detail, bulla_error *err);
double bulla_run_seconds(const bulla_run *run);

/* Rows of the model's table. */
BULLA_MUST bulla_code bulla_run_count(bulla_run *run, uint64_t *ret_rows, bulla_error *err);

/* --- the lease (lease.c) ------------------------------------------------------------------------------------------ */
/* Takes the model's job, making the bookkeeping where it is missing, and loads its state. BUSY, saying who has it. */
BULLA_MUST bulla_code bulla_lease_take(bulla_run *run, bulla_error *err);
/* Writes run->state with a new heartbeat, inside a transaction; BUSY when the lease was lost. */
BULLA_MUST bulla_code bulla_lease_store(bulla_run *run, bulla_error *err);
/* The same in a transaction of its own. */
BULLA_MUST bulla_code bulla_lease_save(bulla_run *run, bulla_error *err);
void bulla_lease_give(bulla_run *run);
/* Is the owner alive, as far as this host can tell? */
bool bulla_lease_is_live(const bulla_job_state *state, int64_t now_ms);

#endif
