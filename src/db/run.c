/*
 * run.c - opening and closing one run of a job.
 */
#include "db/run.h"

#include "db/sql_text.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define PROGRESS_US 100000

/* Names of runs and owners: unique, not secret. */
static bulla_code make_id(char *out, size_t digits, bulla_error *err)
{
	uint8_t bytes[16];
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return bulla_fail(err, BULLA_ERR_IO, "the system gives no random bytes");
	for (size_t i = 0; i < digits; i++)
		out[i] = "0123456789abcdef"[(bytes[i / 2] >> (i % 2 ? 0 : 4)) & 15];
	out[digits] = 0;
	return BULLA_OK;
}

bulla_place bulla_job_place(const bulla_job *job, bool write)
{
	bulla_place place = { job->url, job->base_dir, write, job->patience };
	if (!place.patience.stop) place.patience.stop = job->stop;
	return place;
}

static bulla_code open_all(bulla_run *run, bool write, bool aside, bulla_error *err)
{
	const bulla_job *job = run->job;
	bulla_place place = bulla_job_place(job, write);
	TRY(make_id(run->id, sizeof run->id - 1, err));
	TRY(bulla_db_open(&place, &run->db, err));
	TRY(bulla_book_load(run->db, job->model->key, &run->state, err));
	return bulla_mapping_init(&run->mapping, run->db, job->model, aside, err);
}

bulla_code bulla_run_open(bulla_run *run, const bulla_job *job, bool write, bool aside, bulla_error *err)
{
	*run = (bulla_run){ .job = job, .began_us = bulla_now_us(NULL) };
	bulla_code code = open_all(run, write, aside, err);
	if (code) bulla_run_close(run);
	return code;
}

void bulla_run_close(bulla_run *run)
{
	if (run->db) {
		run->db->target->rollback(run->db);
		bulla_lease_give(run);
	}
	bulla_mapping_done(&run->mapping);
	bulla_job_state_done(&run->state);
	bulla_db_close(run->db);
	*run = (bulla_run){ 0 };
}

bulla_code bulla_run_map(bulla_run *run, bool aside, bulla_error *err)
{
	bulla_mapping_done(&run->mapping);
	return bulla_mapping_init(&run->mapping, run->db, run->job->model, aside, err);
}

bulla_code bulla_run_check_undo(const bulla_run *run, bulla_error *err)
{
	const char *model = run->job->model->key;
	if (run->state.phase != BULLA_PHASE_UNDOING) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "an undo of model %s has begun and not ended", model);
	return bulla_advise(err, code, "bulla undo %s goes on with it; bulla finish %s gives it up", model, model);
}

bulla_code bulla_run_fail_unready(const bulla_run *run, bulla_error *err)
{
	const char *model = run->job->model->key, *table = run->mapping.table->name;
	bool index = bulla_mapping_lacks_index(&run->mapping), sealed = bulla_mapping_is_sealed(&run->mapping);
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
				     index ? "table %s is sealed, and lacks the column of an index of model %s"
					   : "table %s is not sealed yet: it lacks columns of model %s",
				     table, model);
	if (index && !sealed)
		return bulla_advise(err, code,
				    "new fields come first: take that index out of bulla.yaml, run: bulla apply %s; then put it "
				    "back, and run: "
				    "bulla rotate %s --index",
				    model, model);
	return bulla_advise(err, code, "run: bulla %s %s%s", index ? "rotate" : "apply", model, index ? " --index" : "");
}

bool bulla_run_stopped(const bulla_run *run)
{
	return run->job->stop && atomic_load(run->job->stop);
}

bulla_code bulla_run_interrupted(const bulla_run *run, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_INTERRUPTED, "stopped; what was done is committed");
	return bulla_advise(err, code, "run the same command again: model %s goes on from there", run->job->model->key);
}

void bulla_run_progress(bulla_run *run, const char *phase, uint64_t done, uint64_t total, bool force)
{
	if (!run->job->progress) return;
	int64_t now = bulla_now_us(NULL);
	if (!force && now - run->told_us < PROGRESS_US) return;
	run->told_us = now;
	run->job->progress(run->job->progress_self, phase, done, total);
}

void bulla_run_hook(const bulla_run *run, const char *step)
{
	if (run->job->hook) run->job->hook(run->job->hook_self, step);
}

bulla_code bulla_run_record(const bulla_run *run, const char *operation, const char *detail, bulla_error *err)
{
	char line[256];
	if (!run->job->record) return BULLA_OK;
	snprintf(line, sizeof line, "%s %s, job %s", detail, run->job->model->key, run->id);
	return run->job->record(run->job->record_self, operation, line, err);
}

double bulla_run_seconds(const bulla_run *run)
{
	return (double)(bulla_now_us(NULL) - run->began_us) / 1e6;
}

static bulla_code read_count(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	(void)err;
	*(uint64_t *)self = (uint64_t)values[0].integer;
	return BULLA_OK;
}

bulla_code bulla_run_count(bulla_run *run, uint64_t *ret_rows, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf sql = { 0 };
	TRY(bulla_buf_add_str(&sql, "SELECT count(*) FROM ", err));
	TRY(bulla_sql_add_name(&sql, run->mapping.table->name, err));
	TRY(bulla_buf_terminate(&sql, err));
	return run->db->target->run(run->db, (const char *)sql.data, NULL, 0, read_count, ret_rows, NULL, err);
}
