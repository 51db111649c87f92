/*
 * apply.c - sealing a whole table beside its writers: columns and triggers, the first fill, and rounds until nothing is unsealed.
 */
#include "db/apply.h"

#include "db/check.h"
#include "db/original.h"
#include "db/orphan.h"
#include "db/wraps.h"
#include "io/file.h"

#include <string.h>

/* --- before the first row --------------------------------------------------------------------------------------- */

static bulla_code check(bulla_apply *a, bulla_error *err)
{
	bulla_findings findings = { 0 };
	bulla_code code = bulla_check(&a->run, &findings, err);
	if (!code) code = bulla_findings_first(&findings, err);
	bulla_findings_done(&findings);
	return code;
}

static bulla_code check_drift(bulla_apply *a, bulla_error *err)
{
	char now[65];
	if (!a->options->plan_fingerprint) return BULLA_OK;
	TRY(bulla_fingerprint(&a->run.mapping, now, err));
	if (strcmp(now, a->options->plan_fingerprint) == 0) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_DRIFT, "table %s or model %s is no longer what was planned",
				     a->run.mapping.table->name, a->run.job->model->key);
	return bulla_advise(err, code, "look at what changed, and plan again: bulla plan %s --out FILE", a->run.job->model->key);
}

/* The order of the user's columns, for reading whole records when the plaintext ones are gone. */
static bulla_code note_columns(bulla_apply *a, bulla_error *err)
{
	const bulla_table *t = a->run.mapping.table;
	bulla_json_writer w = bulla_json_to(&a->run.state.columns);
	if (a->run.state.columns.len) return BULLA_OK;
	bulla_json_open(&w, NULL, '[');
	for (size_t i = 0; i < t->column_count; i++)
		bulla_json_put_str(&w, NULL, t->columns[i].name);
	bulla_json_close(&w, ']');
	return bulla_json_end(&w, err);
}

/* New columns make every row unsealed: that is a first fill, not the work of a writer. */
static void begin_state(bulla_apply *a)
{
	bulla_job_state *state = &a->run.state;
	if (!bulla_mapping_is_ready(&a->run.mapping)) {
		state->filled_ms = 0;
		bulla_buf_clear(&state->position);
	}
	if (state->phase < BULLA_PHASE_APPLYING || !state->filled_ms) state->phase = BULLA_PHASE_APPLYING;
}

/* Columns and triggers in one transaction: from its commit on no change of plaintext goes unnoticed. */
static bulla_code install(bulla_apply *a, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	TRY(note_columns(a, err));
	begin_state(a);
	TRY(target->begin_write(a->run.db, err));
	bulla_code code = bulla_original_note(&a->run, err);
	if (!code) code = bulla_orphan_install(&a->run, err);
	if (!code) code = bulla_lease_store(&a->run, err);
	if (!code) return target->commit(a->run.db, err);
	target->rollback(a->run.db);
	return code;
}

/* After finish there is no plaintext. A column of that name that is there again was made by somebody, and what it holds is
 * proven by nothing. */
static bulla_code check_phase(bulla_apply *a, bulla_error *err)
{
	if (a->run.state.phase < BULLA_PHASE_DROPPED) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
				     "finish dropped the plaintext of model %s, and table %s has such a column again",
				     a->run.job->model->key, a->run.mapping.table->name);
	return bulla_advise(err, code,
			    "find out who made it, and drop it; after a restore from a backup, drop the sealed columns and the "
			    "model's row in bulla_job");
}

/* What was dropped may still lie in the database's files, which only finish rewrites. */
static bulla_code check_dropped(const bulla_apply *a, bulla_error *err)
{
	TRY(bulla_run_check_undo(&a->run, err));
	if (a->run.state.phase != BULLA_PHASE_DROPPED || a->run.mapping.plain_count) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
				     "finish was cut off after it had dropped the plaintext of model %s, which may still lie in "
				     "the files of the database",
				     a->run.job->model->key);
	return bulla_advise(err, code, "run: bulla finish %s", a->run.job->model->key);
}

/* A new index of rows that are sealed already takes their values, which only their keys give; left empty it would find nothing. */
static bulla_code check_indexes(bulla_apply *a, bulla_error *err)
{
	uint64_t rows;
	TRY(bulla_run_count(&a->run, &rows, err));
	return rows && bulla_mapping_lacks_index(&a->run.mapping) ? bulla_run_fail_unready(&a->run, err) : BULLA_OK;
}

static bulla_code prepare(bulla_apply *a, bulla_error *err)
{
	TRY(check(a, err));
	TRY(check_phase(a, err));
	TRY(check_indexes(a, err));
	TRY(check_drift(a, err));
	TRY(bulla_lease_take(&a->run, err));
	TRY(bulla_run_record(&a->run, "JobStarted", "apply", err));
	TRY(install(a, err));
	TRY(bulla_run_map(&a->run, a->options->side_table, err));
	TRY(bulla_apply_mend(a, err));
	TRY(bulla_apply_prepare(a, err));
	a->compare_always = bulla_check_triggers_fire(&a->run.mapping);
	TRY(bulla_quarantine_count(a->run.db, a->run.job->model->key, &a->quarantined, err));
	TRY(bulla_run_count(&a->run, &a->total, err));
	return a->run.db->target->writer_open(a->run.db, &a->run.mapping, &a->shape, a->fields, a->run.job->model->field_count,
					      &a->writer, err);
}

/* --- sealing ---------------------------------------------------------------------------------------------------- */

static bulla_code make_indexes(bulla_apply *a, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	TRY(target->begin_write(a->run.db, err));
	bulla_code code = target->index(a->run.db, &a->run.mapping, err);
	if (!code && !a->run.state.filled_ms) a->run.state.filled_ms = bulla_now_us(NULL) / 1000;
	if (!code) code = bulla_lease_store(&a->run, err);
	if (!code) return target->commit(a->run.db, err);
	target->rollback(a->run.db);
	return code;
}

/* For counting what hangs from a key. After the fill, since keeping it up to date row by row costs twice as much as sorting once. */
static bulla_code make_census_indexes(bulla_apply *a, bulla_error *err)
{
	const bulla_mapping *m = &a->run.mapping;
	for (size_t i = 0; bulla_wraps_column_of(m->model, i); i++)
		TRY(a->run.db->target->index_wraps(a->run.db, m->aside ? m->side : m->table, bulla_wraps_column_of(m->model, i),
						   err));
	return BULLA_OK;
}

/* Reads the table itself: an index over rows that are all unsealed would only be in the way. */
static bulla_code fill(bulla_apply *a, bulla_error *err)
{
	if (!a->run.state.filled_ms) {
		a->filling = true;
		bulla_buf_clear(&a->from);
		TRY(bulla_buf_add(&a->from, bulla_view_buf(&a->run.state.position), err));
		bulla_code code = bulla_apply_pass(a, BULLA_WALK_UNSEALED, bulla_apply_swap, err);
		a->filling = false;
		a->ret->done += a->sealed;
		a->ret->conflicts += a->conflicts;
		TRY(code);
		if (bulla_run_stopped(&a->run)) return bulla_run_interrupted(&a->run, err);
	}
	TRY(make_indexes(a, err));
	TRY(make_census_indexes(a, err));
	bulla_run_hook(&a->run, "filled");
	return BULLA_OK;
}

static bulla_code end_phase(bulla_apply *a, bulla_error *err)
{
	bulla_job_state *state = &a->run.state;
	if (state->phase < BULLA_PHASE_APPLIED || (state->phase == BULLA_PHASE_VERIFIED && a->ret->done))
		state->phase = BULLA_PHASE_APPLIED;
	return bulla_lease_save(&a->run, err);
}

/* --- results ----------------------------------------------------------------------------------------------------- */

static bulla_code count_unsealed(bulla_apply *a, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	const bulla_value *values = NULL;
	bulla_walk *walk = NULL;
	TRY(target->walk_open(a->run.db, &a->run.mapping, &a->shape, BULLA_WALK_QUEUE, NULL, &walk, err));
	bulla_code code = target->walk_start(walk, NULL, 0, err);
	while (!code && !(code = target->walk_next(walk, &values, err)) && values)
		a->ret->unsealed++;
	target->walk_close(walk);
	return code;
}

static bulla_code count_result(bulla_apply *a, bulla_error *err)
{
	bulla_job_result *ret = a->ret;
	TRY(bulla_run_count(&a->run, &ret->rows, err));
	TRY(bulla_quarantine_count(a->run.db, a->run.job->model->key, &ret->quarantined, err));
	if (a->run.mapping.plain_count) TRY(count_unsealed(a, err));
	ret->closing = a->closing;
	uint64_t open = ret->done + ret->unsealed;
	ret->already = ret->rows > open ? ret->rows - open : 0;
	return BULLA_OK;
}

/* --- tables without plaintext ----------------------------------------------------------------------------------- */

static void count_faults(void *self, const char *kind, const char *name, const char *sql)
{
	(void)kind, (void)name, (void)sql;
	++*(size_t *)self;
}

/* Are the guards those of the model as it is now, unchanged? */
static bulla_code check_guards(bulla_apply *a, bool *ret, bulla_error *err)
{
	size_t faults = 0;
	TRY(a->run.db->target->guards(a->run.db, &a->run.mapping, true, count_faults, &faults, err));
	*ret = faults == 0;
	return BULLA_OK;
}

static bulla_code guard_locked(bulla_apply *a, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	TRY(bulla_orphan_install(&a->run, err));
	TRY(target->index(a->run.db, &a->run.mapping, err));
	a->run.state.phase = BULLA_PHASE_FINISHED;
	if (!a->run.state.filled_ms) a->run.state.filled_ms = bulla_now_us(NULL) / 1000;
	return bulla_lease_store(&a->run, err);
}

/* An application that has sealed from its first row on leaves nothing to fill; what it lacks is the guard and the indexes. */
static bulla_code guard(bulla_apply *a, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	bool known = a->run.state.phase == BULLA_PHASE_FINISHED, guarded = false;
	if (known) TRY(check_guards(a, &guarded, err));
	if (guarded && bulla_mapping_is_ready(&a->run.mapping)) return count_result(a, err);
	TRY(check(a, err));
	TRY(check_drift(a, err));
	TRY(check_indexes(a, err));
	TRY(bulla_lease_take(&a->run, err));
	TRY(bulla_run_record(&a->run, "JobStarted", "apply", err));
	TRY(target->begin_write(a->run.db, err));
	bulla_code code = guard_locked(a, err);
	if (!code)
		code = target->commit(a->run.db, err);
	else
		target->rollback(a->run.db);
	TRY(code);
	TRY(count_result(a, err));
	return bulla_run_record(&a->run, "JobFinished", "apply", err);
}

/* --- the quarantine alone --------------------------------------------------------------------------------------- */

static bulla_code reopen(bulla_apply *a, bulla_error *err)
{
	TRY(bulla_lease_take(&a->run, err));
	TRY(bulla_run_record(&a->run, "JobStarted", "retry", err));
	return bulla_apply_reopen(a, err);
}

/* Nothing is taken from the rest of the table: a first fill that has not ended goes on with the next apply. */
static bulla_code reseal(bulla_apply *a, bulla_error *err)
{
	uint64_t bytes = a->run.state.bytes;
	TRY(prepare(a, err));
	bulla_code code = bulla_apply_retry(a, err);
	if (!code && a->run.state.filled_ms) code = end_phase(a, err);
	a->ret->bytes = a->run.state.bytes - bytes;
	return code;
}

static bulla_code retry(bulla_apply *a, bulla_error *err)
{
	const char *model = a->run.job->model->key;
	TRY(bulla_quarantine_count(a->run.db, model, &a->quarantined, err));
	if (a->quarantined) TRY(a->run.mapping.plain_count ? reseal(a, err) : reopen(a, err));
	TRY(bulla_run_count(&a->run, &a->ret->rows, err));
	TRY(bulla_quarantine_count(a->run.db, model, &a->ret->quarantined, err));
	return a->ret->retried ? bulla_run_record(&a->run, "JobFinished", "retry", err) : BULLA_OK;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static bulla_code apply(bulla_apply *a, bulla_error *err)
{
	uint64_t bytes = a->run.state.bytes;
	if (a->options->retry) return retry(a, err);
	if (a->run.mapping.plain_count == 0 && a->run.mapping.cipher_count) return guard(a, err);
	TRY(prepare(a, err));
	bulla_code code = fill(a, err);
	if (!code) code = bulla_apply_catch_up(a, err);
	if (!code) code = end_phase(a, err);
	if (!code && a->options->follow) code = bulla_apply_follow(a, err);
	a->ret->bytes = a->run.state.bytes - bytes;
	TRY(code);
	TRY(count_result(a, err));
	bulla_run_progress(&a->run, "sealing", a->ret->rows, a->ret->rows, true);
	return bulla_run_record(&a->run, "JobFinished", "apply", err);
}

bulla_code bulla_job_apply(const bulla_job *job, const bulla_apply_options *options, bulla_job_result *ret, bulla_error *err)
{
	static const bulla_apply_options standard = { 0 };
	bulla_apply a = { .options = options ? options : &standard, .ret = ret };
	*ret = (bulla_job_result){ 0 };
	bulla_code code = bulla_run_open(&a.run, job, !a.options->shadow, a.options->side_table, err);
	if (!code) code = check_dropped(&a, err);
	if (!code && a.options->shadow) code = check(&a, err);
	if (!code) code = a.options->shadow ? bulla_apply_shadow(&a, err) : apply(&a, err);
	if (a.run.began_us) ret->seconds = bulla_run_seconds(&a.run);
	bulla_apply_done(&a);
	return code;
}
