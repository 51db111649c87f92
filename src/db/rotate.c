/*
 * rotate.c - rotating a whole table beside its writers: passes until one finds nothing, then the census.
 */
#include "db/rotate.h"

#include "io/file.h"

#include <stdio.h>
#include <time.h>

#define VAIN_ROUNDS                                                                                                              \
	20 /* passes beyond the time for which writers may hold older keys: whoever still writes them never read the new ones */
#define PAUSE_MS 100

static const bulla_rotate_kind_table *const kinds[] = {
	[BULLA_ROTATE_WRAP] = &bulla_rotate_wrap,
	[BULLA_ROTATE_DATA] = &bulla_rotate_data,
	[BULLA_ROTATE_INDEX] = &bulla_rotate_index,
	[BULLA_ROTATE_CONTEXT] = &bulla_rotate_context,
};

/* --- passes ----------------------------------------------------------------------------------------------------------- */

static void add_up(bulla_rotate *a)
{
	bulla_rotate_result *ret = a->ret;
	ret->changed += a->changed;
	ret->conflicts += a->conflicts;
	ret->rows = a->total;
	ret->left = a->left + a->closing;
	ret->shredded = a->shredded;
	ret->closing = a->closing;
	ret->unsealed = a->unsealed;
	ret->rounds++;
}

/* A whole pass has ended: the next one begins at the first row, and what it did not put aside again is no longer aside. */
static bulla_code end_pass(bulla_rotate *a, int64_t began_ms, bool whole, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	a->rotation.round++;
	bulla_buf_clear(&a->rotation.position);
	TRY(target->begin_write(a->run.db, err));
	bulla_code code = bulla_rotation_store(a->run.db, a->run.job->model->key, &a->rotation, err);
	if (!code && whole) code = bulla_quarantine_purge(a->run.db, a->run.job->model->key, "rotate", began_ms, err);
	if (!code) code = bulla_lease_store(&a->run, err);
	if (!code) return target->commit(a->run.db, err);
	target->rollback(a->run.db);
	return code;
}

/* `ret_clean`: the whole table was looked at, and nothing was to be changed. */
static bulla_code pass(bulla_rotate *a, bool *ret_clean, bulla_error *err)
{
	int64_t began_ms = bulla_now_us(NULL) / 1000;
	bool whole = a->rotation.position.len == 0;
	a->first = a->rotation.round == 0;
	bulla_code code = bulla_rotate_pass(a, err);
	add_up(a);
	TRY(code);
	if (bulla_run_stopped(&a->run)) return bulla_run_interrupted(&a->run, err);
	TRY(end_pass(a, began_ms, whole, err));
	bulla_run_hook(&a->run, "round");
	*ret_clean = whole && a->changed + a->conflicts == 0;
	return BULLA_OK;
}

static bulla_code wait_for_settling(bulla_rotate *a, bool *ret_waited, bulla_error *err)
{
	struct timespec step = { 0, PAUSE_MS * 1000000L };
	int64_t until = a->rotation.began_ms + a->options->settle_ms;
	*ret_waited = false;
	for (int64_t now = bulla_now_us(NULL) / 1000; now < until && !bulla_run_stopped(&a->run);
	     now = bulla_now_us(NULL) / 1000) {
		*ret_waited = true;
		nanosleep(&step, NULL);
		if (now - a->run.state.heartbeat_ms > BULLA_HEARTBEAT_MS) TRY(bulla_lease_save(&a->run, err));
		bulla_run_progress(&a->run, "settling", (uint64_t)(now - a->rotation.began_ms), (uint64_t)a->options->settle_ms,
				   false);
	}
	return bulla_run_stopped(&a->run) ? bulla_run_interrupted(&a->run, err) : BULLA_OK;
}

/* Some application of any environment that shares the key store. */
static bool may_hold_older(const bulla_rotate *a)
{
	return bulla_now_us(NULL) / 1000 < a->rotation.began_ms + bulla_schema_max_age(a->run.job->schema);
}

/* Until the census is clean: an application that writes a stale key back is caught by the next pass. */
static bulla_code run_passes(bulla_rotate *a, bulla_error *err)
{
	bool clean = false, waited = true;
	for (unsigned vain = 0; vain < VAIN_ROUNDS; vain += !may_hold_older(a) && !a->first) {
		TRY(pass(a, &clean, err));
		if (!clean) continue;
		TRY(wait_for_settling(a, &waited, err));
		if (!waited) return BULLA_OK;
	}
	a->ret->left += a->changed + a->conflicts;
	return BULLA_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------------------- */

static bulla_code tell_census(const bulla_rotate *a, bulla_buf *out, bulla_error *err)
{
	bulla_json_writer w = bulla_json_to(out);
	bulla_json_open(&w, NULL, '[');
	for (size_t k = 0; k < a->from->key_count; k++) {
		bulla_json_open(&w, NULL, '{');
		bulla_json_put_str(&w, "column", a->run.job->model->keys[k].column);
		bulla_json_open(&w, "versions", '[');
		bulla_census_tell(&a->census[k], &w, NULL, "records");
		bulla_json_close(&w, ']');
		bulla_json_close(&w, '}');
	}
	bulla_json_close(&w, ']');
	return bulla_json_end(&w, err);
}

/* With rows left it has not ended: the next run goes on with the same versions. */
static bulla_code end(bulla_rotate *a, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	char detail[48];
	a->rotation.pending = a->ret->left > a->refused + a->closing;
	a->rotation.ended_ms = bulla_now_us(NULL) / 1000;
	TRY(target->begin_write(a->run.db, err));
	bulla_code code = bulla_rotation_store(a->run.db, a->run.job->model->key, &a->rotation, err);
	if (!code && !a->rotation.pending) code = bulla_rotated_forget(a->run.db, a->run.job->model->key, err);
	if (!code) code = bulla_lease_store(&a->run, err);
	if (!code)
		code = target->commit(a->run.db, err);
	else
		target->rollback(a->run.db);
	TRY(code);
	snprintf(detail, sizeof detail, "rotate --%s", bulla_rotate_kind_name(a->rotation.kind));
	return bulla_run_record(&a->run, "JobFinished", detail, err);
}

static bulla_code rotate(bulla_rotate *a, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_rotate_begin(a, err));
	if (a->ret->passed_over) return bulla_buf_add_str(out, "[]", err);
	TRY(bulla_rotate_prepare(a, err));
	if (a->dry) {
		TRY(bulla_rotate_pass(a, err));
		add_up(a);
		if (bulla_run_stopped(&a->run)) return bulla_run_interrupted(&a->run, err);
	} else {
		bulla_code code = run_passes(a, err);
		a->ret->done = a->rotation.done;
		TRY(code);
		if (a->rotation.kind == BULLA_ROTATE_INDEX) TRY(bulla_rotate_close_windows(a, err));
		TRY(end(a, err));
	}
	TRY(bulla_quarantine_count(a->run.db, a->run.job->model->key, &a->ret->quarantined, err));
	bulla_run_progress(&a->run, "rotating", a->total, a->total, true);
	return tell_census(a, out, err);
}

static bulla_code run(const bulla_job *job, const bulla_rotate_options *options, bool dry, bulla_rotate_result *ret,
		      bulla_buf *out, bulla_error *err)
{
	bulla_rotate a = { .options = options, .ret = ret, .dry = dry, .from = job->model };
	*ret = (bulla_rotate_result){ 0 };
	a.kind = kinds[options->kind];
	bulla_code code = bulla_run_open(&a.run, job, !dry, false, err);
	a.mapping = &a.run.mapping;
	if (!code) code = rotate(&a, out, err);
	if (a.run.began_us) ret->seconds = bulla_run_seconds(&a.run);
	bulla_rotate_done(&a);
	return code;
}

bulla_code bulla_job_rotate(const bulla_job *job, const bulla_rotate_options *options, bulla_rotate_result *ret, bulla_buf *out,
			    bulla_error *err)
{
	return run(job, options, false, ret, out, err);
}

bulla_code bulla_job_debt(const bulla_job *job, const bulla_rotate_options *options, bulla_rotate_result *ret, bulla_buf *out,
			  bulla_error *err)
{
	bulla_rotate_options wrap = *options;
	wrap.kind = BULLA_ROTATE_WRAP;
	return run(job, &wrap, true, ret, out, err);
}
