/*
 * workers.h - threads that take tasks in turn, so that cryptography overlaps the work of the database.
 *
 * The caller submits from one thread and waits in that thread; while it waits it takes tasks itself. Signals stay with the
 * caller's thread.
 */
#ifndef DB_WORKERS_H
#define DB_WORKERS_H

#include "base/error.h"

#define BULLA_WORKERS_MAX 64

typedef struct bulla_workers bulla_workers;

/* Belongs to the caller, who leaves it alone between submit and wait. */
typedef struct bulla_task {
	bulla_code (*run)(void *self, bulla_error *err);
	void *self;
	bulla_code code;
	bulla_error error;
	bool done;
	struct bulla_task *next;
} bulla_task;

BULLA_MUST bulla_code bulla_workers_new(unsigned n, bulla_workers **out, bulla_error *err);
/* Waits for what was submitted. NULL is fine. */
void bulla_workers_free(bulla_workers *workers);

void bulla_workers_submit(bulla_workers *workers, bulla_task *task);
/* Until `task` is done; its result is in it. */
void bulla_workers_wait(bulla_workers *workers, bulla_task *task);

/* Steps of work on `n` places, used in turn: fill() reads into a place and says whether there was anything, the place's
 * task works on it in some thread, finish() takes the result, in the order in which places were filled. Reading goes on
 * while tasks run. */
typedef struct bulla_pipeline {
	size_t n;
	bulla_task *(*task)(void *self, size_t place);
	bulla_code (*fill)(void *self, size_t place, bool *ret_any, bulla_error *err);
	bulla_code (*finish)(void *self, size_t place, bulla_error *err);
	void *self;
} bulla_pipeline;

/* Until fill() finds nothing more, or the first failure; no task is under way any more when it returns. */
BULLA_MUST bulla_code bulla_pipeline_run(bulla_workers *workers, const bulla_pipeline *pipeline, bulla_error *err);

#endif
