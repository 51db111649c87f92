/*
 * verify.c - proving that every row opens to what was there, and writing that down under a signature.
 */
#include "db/verify.h"

#include "db/check.h"
#include "db/probe.h"
#include "db/report.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- one verification --------------------------------------------------------------------------------------------- */

typedef struct verification {
	bulla_run run;
	bulla_verify verify;
	bulla_verified found;
	bulla_verify_pass pass;
	bulla_batch *probe;
	bulla_probe sealed; /* what it made */
	const bulla_verify_options *options;
	bulla_job_result *ret;
	bulla_last_report last;
	char fingerprint[65];
} verification;

static bulla_code check_ready(verification *x, bulla_error *err)
{
	const bulla_job *job = x->run.job;
	if (!job->sign_seed) {
		bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
					     "there is no key to sign the report with, and an unsigned one proves nothing");
		return bulla_advise(err, code, "run this where the project's key store is: bulla init");
	}
	return bulla_mapping_is_ready(&x->run.mapping) ? BULLA_OK : bulla_run_fail_unready(&x->run, err);
}

static bulla_code prepare_strict(verification *x, bulla_error *err)
{
	const bulla_job *job = x->run.job;
	bulla_batch_options options = { .size = sizeof options, .no_indexes = true };
	TRY(bulla_batch_new(job->keyring, job->model, &options, &x->probe, err));
	if (bulla_probe_is_possible(job->model)) TRY(bulla_probe_seal(job->model, x->probe, &x->sealed, err));
	x->pass.current = x->sealed.keys;
	x->pass.min_wraps = job->schema ? bulla_schema_environment(job->schema)->min_wraps : 1;
	return BULLA_OK;
}

static bulla_code prepare(verification *x, bulla_error *err)
{
	TRY(check_ready(x, err));
	TRY(bulla_fingerprint(&x->run.mapping, x->fingerprint, err));
	TRY(bulla_verify_init(&x->verify, &x->run, x->options->workers, true, err));
	x->pass = (bulla_verify_pass){ .open = true, .sample = x->options->sample };
	if (x->options->strict) TRY(prepare_strict(x, err));
	return bulla_report_last(&x->run, x->run.job->sign_seed, &x->last, err);
}

/* Everything in one snapshot, unless rows ask the KMS: plaintext and ciphertext of each row are of one moment either way. */
static bulla_code read_all(verification *x, bulla_error *err)
{
	bulla_db *db = x->run.db;
	x->pass.paged = x->verify.asks;
	if (x->pass.paged) {
		TRY(bulla_run_count(&x->run, &x->verify.total, err));
		return bulla_verify_run(&x->verify, &x->pass, &x->found, err);
	}
	TRY(bulla_verify_warm(&x->verify, err));
	TRY(db->target->begin_read(db, err));
	bulla_code code = bulla_run_count(&x->run, &x->verify.total, err);
	if (!code) code = bulla_verify_run(&x->verify, &x->pass, &x->found, err);
	db->target->rollback(db);
	return code;
}

static bool is_clean(const verification *x)
{
	const bulla_verified *found = &x->found;
	return found->differences + found->unsealed + found->failed == 0 && !(x->options->strict && found->stale);
}

static bulla_code put_aside(verification *x, int64_t began_ms, bool complete, bulla_error *err)
{
	char job[32];
	const char *model = x->run.job->model->key;
	snprintf(job, sizeof job, "verify:%s", x->run.id);
	for (size_t i = 0; i < x->found.aside.n; i++) {
		bulla_quarantine_entry entry = bulla_aside_entry(&x->found.aside, i);
		TRY(bulla_quarantine_put(x->run.db, model, job, &entry, err));
	}
	return complete ? bulla_quarantine_purge(x->run.db, model, "verify", began_ms, err) : BULLA_OK;
}

/* Beside a job that runs: only the phase is touched, and only where it follows from the one before. */
static bulla_code move_phase(verification *x, bool clean, bulla_error *err)
{
	bulla_phase to = clean ? BULLA_PHASE_VERIFIED : BULLA_PHASE_APPLIED;
	bulla_phase from = clean ? BULLA_PHASE_APPLIED : BULLA_PHASE_VERIFIED;
	bulla_value args[] = { bulla_value_text(bulla_phase_name(to)), bulla_value_text(x->run.job->model->key),
			       bulla_value_text(bulla_phase_name(from)) };
	return x->run.db->target->run(x->run.db, "UPDATE bulla_job SET phase = ? WHERE model = ? AND phase = ?", args, 3, NULL,
				      NULL, NULL, err);
}

static bulla_code keep(verification *x, const bulla_report *report, bulla_bytes line, bulla_error *err)
{
	bulla_db *db = x->run.db;
	TRY(db->target->begin_write(db, err));
	bulla_code code = bulla_book_make(db, err);
	if (!code) code = put_aside(x, x->run.began_us / 1000, report->complete, err);
	if (!code) code = bulla_report_keep(report, line, err);
	if (!code && report->complete && !report->finished) code = move_phase(x, report->clean, err);
	if (!code) return db->target->commit(db, err);
	db->target->rollback(db);
	return code;
}

static void count_result(verification *x)
{
	bulla_job_result *ret = x->ret;
	char digest[65];
	ret->rows = x->verify.total;
	ret->done = x->found.equal;
	ret->unsealed = x->found.unsealed;
	ret->shredded = x->found.shredded;
	ret->stale = x->found.stale;
	ret->differences = x->found.differences + (x->options->strict ? x->found.stale : 0);
	ret->finished = x->run.mapping.plain_count == 0;
	bulla_digest_hex(&x->found.digest, digest);
	ret->digest_known = ret->finished && x->last.found && !x->options->sample;
	ret->digest_equal = ret->digest_known && strcmp(digest, x->last.digest) == 0;
}

static bulla_code verify(verification *x, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	bulla_report report = { .run = &x->run,
				.found = &x->found,
				.sample = x->options->sample,
				.strict = x->options->strict,
				.fingerprint = x->fingerprint };
	TRY(prepare(x, err));
	TRY(read_all(x, err));
	count_result(x);
	report.at_us = bulla_now_us(NULL);
	report.rows = x->verify.total;
	report.complete = !x->options->sample;
	report.paged = x->pass.paged;
	report.clean = is_clean(x);
	report.finished = x->ret->finished;
	report.equal_to = x->ret->digest_equal ? x->last.at : NULL;
	TRY(bulla_report_make(&report, &line, err));
	TRY(bulla_report_file(&report, bulla_view_buf(&line), x->ret->report, sizeof x->ret->report, err));
	TRY(keep(x, &report, bulla_view_buf(&line), err));
	TRY(bulla_quarantine_count(x->run.db, x->run.job->model->key, &x->ret->quarantined, err));
	bulla_run_progress(&x->run, "verifying", x->verify.walked, x->verify.total, true);
	return bulla_run_record(&x->run, "JobFinished", "verify", err);
}

bulla_code bulla_job_verify(const bulla_job *job, const bulla_verify_options *options, bulla_job_result *ret, bulla_error *err)
{
	static const bulla_verify_options standard = { 0 };
	verification x = { .options = options ? options : &standard, .ret = ret };
	*ret = (bulla_job_result){ 0 };
	bulla_code code = bulla_run_open(&x.run, job, true, false, err);
	if (!code) code = verify(&x, err);
	if (x.run.began_us) ret->seconds = bulla_run_seconds(&x.run);
	bulla_batch_free(x.probe);
	bulla_verify_done(&x.verify);
	bulla_verified_done(&x.found);
	bulla_run_close(&x.run);
	return code;
}
