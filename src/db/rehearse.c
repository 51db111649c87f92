/*
 * rehearse.c - the whole job on a copy of the database, to know beforehand how long it takes and what it finds.
 */
#include "db/plan.h"
#include "db/run.h"
#include "io/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* The whole job on a copy: nothing is recorded, and its report goes with it. */
static bulla_code run_copy(const bulla_job *job, const char *url, const char *reports, bulla_job_result *apply,
			   bulla_job_result *verify, bulla_error *err)
{
	bulla_job copy = *job;
	copy.url = url;
	copy.reports = reports;
	copy.record = NULL;
	TRY(bulla_job_apply(&copy, &(bulla_apply_options){ 0 }, apply, err));
	return bulla_job_verify(&copy, &(bulla_verify_options){ 0 }, verify, err);
}

static bulla_code make_copy(const bulla_job *job, char **ret_url, const bulla_target **ret_target, bulla_error *err)
{
	bulla_place place = bulla_job_place(job, false);
	bulla_db *db;
	TRY(bulla_db_open(&place, &db, err));
	bulla_code code = db->target->copy(db, ret_url, err);
	*ret_target = db->target;
	bulla_db_close(db);
	return code;
}

static bulla_code rehearse(const bulla_job *job, bulla_json_writer *out, bulla_error *err)
{
	char *url = NULL, reports[PATH_MAX];
	const char *tmp = getenv("TMPDIR");
	bulla_job_result apply = { 0 }, verify = { 0 };
	const bulla_target *target = NULL;
	snprintf(reports, sizeof reports, "%s/bulla-rehearsal-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	TRY(make_copy(job, &url, &target, err));
	bulla_code code = mkdtemp(reports) ? run_copy(job, url, reports, &apply, &verify, err)
					   : bulla_fail(err, BULLA_ERR_IO, "cannot make a temporary directory");
	target->discard(url);
	free(url);
	bulla_directory_remove(reports);
	TRY(code);
	bulla_json_open(out, "rehearsal", '{');
	bulla_json_put_int(out, "rows", (int64_t)apply.rows);
	bulla_json_put_int(out, "sealed", (int64_t)apply.done);
	bulla_json_put_int(out, "quarantined", (int64_t)verify.quarantined);
	bulla_json_put_int(out, "differences", (int64_t)verify.differences);
	bulla_json_put_number(out, "apply_seconds", apply.seconds);
	bulla_json_put_number(out, "verify_seconds", verify.seconds);
	bulla_json_close(out, '}');
	return BULLA_OK;
}

bulla_code bulla_job_rehearse(const bulla_job *job, bulla_buf *out, size_t *ret_refusals, bulla_error *err)
{
	bulla_json_writer w = bulla_json_to(out);
	TRY(bulla_plan_write(job, &w, ret_refusals, err));
	if (!*ret_refusals) TRY(rehearse(job, &w, err));
	bulla_json_close(&w, '}');
	return bulla_json_end(&w, err);
}
