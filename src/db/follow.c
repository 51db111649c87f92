/*
 * follow.c - apply behind writers: rounds over what they have left, until there is nothing, or for as long as the job runs.
 */
#include "db/apply.h"

#include "io/file.h"

#include <time.h>

#define ROUNDS_MAX     20 /* of catching up, for a job that does not follow: what writers leave after that is found next time */
#define VAIN_ROUNDS    3  /* rounds that seal rows which nobody else has unsealed again */
#define FOLLOW_STEP_MS 100

/* What a complete round did not find any more is no longer to be put aside. */
bulla_code bulla_apply_purge(bulla_apply *a, int64_t began_ms, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	if (a->quarantined == 0) return BULLA_OK;
	TRY(target->begin_write(a->run.db, err));
	bulla_code code = bulla_quarantine_purge(a->run.db, a->run.job->model->key, "apply", began_ms, err);
	if (!code)
		code = target->commit(a->run.db, err);
	else
		target->rollback(a->run.db);
	TRY(code);
	return bulla_quarantine_count(a->run.db, a->run.job->model->key, &a->quarantined, err);
}

static bulla_code round_once(bulla_apply *a, bulla_error *err)
{
	int64_t began_ms = bulla_now_us(NULL) / 1000;
	bulla_buf_clear(&a->from);
	bulla_code code = bulla_apply_pass(a, BULLA_WALK_QUEUE, bulla_apply_swap, err);
	a->ret->done += a->sealed;
	a->ret->conflicts += a->conflicts;
	TRY(code);
	if (bulla_run_stopped(&a->run)) return bulla_run_interrupted(&a->run, err);
	TRY(bulla_apply_purge(a, began_ms, err));
	bulla_run_hook(&a->run, "round");
	return BULLA_OK;
}

/* Rows that are unsealed again although nobody else has written: a trigger of the table does it as we seal. */
static bulla_code check_progress(bulla_apply *a, uint64_t *mark, unsigned *vain, bulla_error *err)
{
	uint64_t now;
	TRY(a->run.db->target->mark(a->run.db, &now, err));
	*vain = a->sealed && now == *mark ? *vain + 1 : 0;
	*mark = now;
	if (*vain <= VAIN_ROUNDS) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
				     "rows of table %s become unsealed while they are sealed: one of its triggers changes a "
				     "field of model %s at every update",
				     a->run.mapping.table->name, a->run.job->model->key);
	return bulla_advise(err, code, "bulla plan %s lists the triggers; let that one fire for its own columns only (UPDATE OF)",
			    a->run.job->model->key);
}

bulla_code bulla_apply_catch_up(bulla_apply *a, bulla_error *err)
{
	uint64_t mark;
	unsigned vain = 0;
	TRY(a->run.db->target->mark(a->run.db, &mark, err));
	for (int i = 0; i < ROUNDS_MAX; i++) {
		TRY(round_once(a, err));
		if (a->sealed + a->conflicts == 0) return BULLA_OK;
		TRY(check_progress(a, &mark, &vain, err));
	}
	return BULLA_OK;
}

/* --- following -------------------------------------------------------------------------------------------------- */

/* Until somebody writes, the job shall stop, or a sign of life is due. */
static bulla_code wait_for_writers(bulla_apply *a, uint64_t mark, bulla_error *err)
{
	struct timespec step = { 0, FOLLOW_STEP_MS * 1000000L };
	for (uint64_t now = mark; now == mark && !bulla_run_stopped(&a->run);) {
		nanosleep(&step, NULL);
		if (bulla_now_us(NULL) / 1000 - a->run.state.heartbeat_ms > BULLA_HEARTBEAT_MS)
			TRY(bulla_lease_save(&a->run, err));
		TRY(a->run.db->target->mark(a->run.db, &now, err));
		bulla_run_progress(&a->run, "following", a->ret->done, a->total, false);
	}
	return BULLA_OK;
}

bulla_code bulla_apply_follow(bulla_apply *a, bulla_error *err)
{
	while (!bulla_run_stopped(&a->run)) {
		uint64_t mark;
		TRY(a->run.db->target->mark(a->run.db, &mark, err));
		TRY(bulla_apply_catch_up(a, err));
		TRY(wait_for_writers(a, mark, err));
	}
	return bulla_run_interrupted(&a->run, err);
}
