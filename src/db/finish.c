/*
 * finish.c - dropping the plaintext: only what was proven is dropped, and a crash at any point leaves the old table or the
 * new one.
 *
 * Every row is verified again up to the lock (proof.h). The steps behind the drop (rewriting the files) are taken up from
 * bulla_job's phase by running finish again.
 */
#include "db/check.h"
#include "db/original.h"
#include "db/proof.h"
#include "db/report.h"
#include "io/file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct finish {
	bulla_run run;
	bulla_proof proof;
	char fingerprint[65];
	bulla_json_writer casualties;
	bulla_code lost_casualty; /* one could not be written down */
	const bulla_finish_options *options;
	bulla_job_result *ret;
} finish;

/* --- may it be? --------------------------------------------------------------------------------------------------- */

static bulla_code refuse(const finish *f, bulla_error *err, const char *command, const char *format, ...) BULLA_PRINTF(4, 5);
static bulla_code refuse(const finish *f, bulla_error *err, const char *command, const char *format, ...)
{
	char text[BULLA_ERROR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "%s", text);
	return bulla_advise(err, code, "run: bulla %s %s", command, f->run.job->model->key);
}

static bulla_code check_definition(finish *f, bulla_error *err)
{
	bulla_findings findings = { 0 };
	bulla_code code = bulla_check(&f->run, &findings, err);
	if (!code) code = bulla_findings_first(&findings, err);
	bulla_findings_done(&findings);
	TRY(code);
	if (!bulla_mapping_is_ready(&f->run.mapping)) return bulla_run_fail_unready(&f->run, err);
	if (!f->run.state.filled_ms) return refuse(f, err, "apply", "table %s is not sealed yet", f->run.mapping.table->name);
	return BULLA_OK;
}

static bulla_code check_report(finish *f, bulla_error *err)
{
	bulla_last_report last;
	TRY(bulla_report_last(&f->run, f->run.job->sign_seed, &last, err));
	if (!last.found)
		return refuse(f, err, "verify",
			      "no verification of every row, without a fault and signed by this key store, is on record");
	TRY(bulla_fingerprint(&f->run.mapping, f->fingerprint, err));
	if (strcmp(last.fingerprint, f->fingerprint) != 0)
		return refuse(f, err, "verify", "the table or the model has changed since it was verified (%s)", last.at);
	return BULLA_OK;
}

static bulla_code check_quarantine(finish *f, bulla_error *err)
{
	TRY(bulla_quarantine_count(f->run.db, f->run.job->model->key, &f->ret->quarantined, err));
	if (f->ret->quarantined == 0) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "%" PRIu64 " rows are in quarantine: their plaintext would be lost",
				     f->ret->quarantined);
	return bulla_advise(err, code, "bulla status %s shows why; mend or delete them, then run apply and verify",
			    f->run.job->model->key);
}

static bulla_code check_settled(finish *f, bulla_error *err)
{
	int64_t age = bulla_now_us(NULL) / 1000 - f->run.state.last_unsealed_ms;
	if (!f->run.state.last_unsealed_ms || age >= f->options->settle_ms) return BULLA_OK;
	bulla_code code =
		bulla_fail(err, BULLA_ERR_REFUSED,
			   "%" PRId64 " s ago plaintext was found that some program wrote without its ciphertext", age / 1000);
	return bulla_advise(err, code,
			    "find that program and deploy it with the library; then wait for %" PRId64 " s more (--settle)",
			    (f->options->settle_ms - age) / 1000 + 1);
}

static bulla_code check_found(void *self, const bulla_verified *found, bulla_error *err)
{
	finish *f = self;
	f->ret->differences = found->differences;
	f->ret->unsealed = found->unsealed;
	if (found->differences + found->unsealed + found->failed == 0) return BULLA_OK;
	if (found->differences + found->failed == 0)
		return refuse(f, err, "apply", "%" PRIu64 " rows have plaintext and no ciphertext", found->unsealed);
	return refuse(f, err, "verify",
		      "since the last verification %" PRIu64 " rows differ, %" PRIu64 " are not sealed and %" PRIu64
		      " do not open",
		      found->differences, found->unsealed, found->failed);
}

/* --- the drop ----------------------------------------------------------------------------------------------------- */

static void note_casualty(void *self, const char *kind, const char *name, const char *sql)
{
	finish *f = self;
	bulla_json_writer *w = &f->casualties;
	BULLA_BUF_AUTO bulla_buf where = { 0 }, how = { 0 };
	bulla_definition definition = { kind, name, sql };
	if (!f->lost_casualty) f->lost_casualty = bulla_original_add(&f->run, &definition, NULL);
	if (bulla_buf_printf(&where, NULL, "%s %s", kind, name) || bulla_buf_add_str(&how, BULLA_CASUALTY_TEXT, NULL) ||
	    bulla_buf_add_str(&how, sql, NULL)) {
		w->failed = BULLA_ERR_MEMORY;
		return;
	}
	bulla_json_open(w, NULL, '{');
	bulla_json_put_bytes(w, "where", bulla_view_buf(&where));
	bulla_json_put_bytes(w, "how_to_end", bulla_view_buf(&how));
	bulla_json_close(w, '}');
}

/* The report of this very verification, if it is still one of every row. */
static bulla_code keep_report(finish *f, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	bulla_report report = { .run = &f->run,
				.found = &f->proof.found,
				.at_us = bulla_now_us(NULL),
				.rows = f->proof.found.rows,
				.paged = f->proof.verify.asks,
				.complete = true,
				.clean = true,
				.fingerprint = f->fingerprint };
	if (!f->proof.whole) return BULLA_OK;
	TRY(bulla_report_make(&report, &line, err));
	TRY(bulla_report_file(&report, bulla_view_buf(&line), f->ret->report, sizeof f->ret->report, err));
	return bulla_report_keep(&report, bulla_view_buf(&line), err);
}

static bulla_code drop_locked(void *self, bulla_error *err)
{
	finish *f = self;
	bulla_job_state *state = &f->run.state;
	bulla_buf_clear(&state->casualties);
	TRY(bulla_original_refresh(&f->run, err));
	f->casualties = bulla_json_to(&state->casualties);
	bulla_json_open(&f->casualties, NULL, '[');
	TRY(f->run.db->target->drop(f->run.db, &f->run.mapping, note_casualty, f, err));
	bulla_json_close(&f->casualties, ']');
	TRY(bulla_json_end(&f->casualties, err));
	if (f->lost_casualty) return bulla_fail(err, f->lost_casualty, "what the drop takes along cannot be written down");
	TRY(keep_report(f, err));
	state->phase = BULLA_PHASE_DROPPED;
	return bulla_lease_store(&f->run, err);
}

/* --- from the drop to the end ------------------------------------------------------------------------------------- */

static bulla_code purge(finish *f, bulla_error *err)
{
	bulla_run_progress(&f->run, "rewriting", 0, 0, true);
	TRY(f->run.db->target->purge(f->run.db, err));
	bulla_run_hook(&f->run, "purged");
	f->run.state.phase = BULLA_PHASE_FINISHED;
	return bulla_lease_save(&f->run, err);
}

/* What went, as it was noted with the drop, and then what may still be elsewhere. */
static bulla_code tell(finish *f, bulla_buf *out, bulla_error *err)
{
	const bulla_buf *casualties = &f->run.state.casualties;
	size_t kept = casualties->len ? casualties->len - 1 : 0; /* without its closing bracket */
	TRY(kept ? bulla_buf_add(out, bulla_view(casualties->data, kept), err) : bulla_buf_add_str(out, "[", err));
	bulla_json_writer w = { out, kept > 1, BULLA_OK };
	TRY(f->run.db->target->remains(f->run.db, &f->run.mapping, &w, err));
	bulla_json_close(&w, ']');
	return bulla_json_end(&w, err);
}

static bulla_code drop(finish *f, bulla_error *err)
{
	if (!f->run.job->sign_seed)
		return refuse(f, err, "verify", "there is no key to check the report of the verification with");
	TRY(check_definition(f, err));
	TRY(check_report(f, err));
	TRY(check_quarantine(f, err));
	TRY(bulla_proof_init(&f->proof, &f->run, true, err));
	f->proof.judge = check_found;
	f->proof.act = drop_locked;
	f->proof.self = f;
	TRY(bulla_lease_take(&f->run, err));
	TRY(check_settled(f, err)); /* of the state as it is now that no job runs any more */
	TRY(bulla_run_record(&f->run, "JobStarted", "finish", err));
	TRY(f->run.db->target->prepare_drop(f->run.db, err));
	TRY(bulla_proof_run(&f->proof, err));
	f->ret->rows = f->ret->done = f->proof.found.rows;
	return BULLA_OK;
}

/* An undo that was begun: what it has opened goes, and the files are rewritten once more. */
static bulla_code give_up_undo(finish *f, bulla_error *err)
{
	bulla_db *db = f->run.db;
	TRY(bulla_lease_take(&f->run, err));
	TRY(db->target->prepare_drop(db, err));
	TRY(db->target->begin_write(db, err));
	f->run.state.phase = BULLA_PHASE_DROPPED;
	bulla_code code = db->target->unstage(db, &f->run.mapping, err);
	if (!code) code = bulla_lease_store(&f->run, err);
	if (!code) return db->target->commit(db, err);
	db->target->rollback(db);
	return code;
}

static bulla_code finish_model(finish *f, bulla_buf *out, bulla_error *err)
{
	bool gone = f->run.mapping.plain_count == 0 && bulla_mapping_is_ready(&f->run.mapping);
	bool undoing = gone && f->run.state.phase == BULLA_PHASE_UNDOING;
	bool resumed = gone && f->run.state.phase == BULLA_PHASE_DROPPED;
	if (gone && !resumed && !undoing) return tell(f, out, err);
	TRY(undoing ? give_up_undo(f, err) : resumed ? bulla_lease_take(&f->run, err) : drop(f, err));
	bulla_run_hook(&f->run, "dropped");
	TRY(bulla_run_record(&f->run, "PlaintextDropped", "finish", err));
	TRY(purge(f, err));
	if (resumed || undoing) TRY(bulla_run_count(&f->run, &f->ret->rows, err));
	TRY(tell(f, out, err));
	return bulla_run_record(&f->run, "JobFinished", "finish", err);
}

bulla_code bulla_job_finish(const bulla_job *job, const bulla_finish_options *options, bulla_job_result *ret, bulla_buf *out,
			    bulla_error *err)
{
	finish f = { .options = options, .ret = ret };
	*ret = (bulla_job_result){ 0 };
	bulla_code code = bulla_run_open(&f.run, job, true, false, err);
	if (!code) code = finish_model(&f, out, err);
	if (f.run.began_us) ret->seconds = bulla_run_seconds(&f.run);
	ret->finished = !code;
	bulla_proof_done(&f.proof);
	bulla_run_close(&f.run);
	return code;
}
