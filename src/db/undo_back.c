/*
 * undo_back.c - undo after finish: ciphertext is the truth, and is opened into a stage that becomes the plaintext.
 */
#include "db/undo.h"

#include "db/check.h"
#include "db/report.h"
#include "db/rotation.h"
#include "io/file.h"

#include <stdio.h>
#include <string.h>

#define ATTEMPTS_MAX 5 /* to open and verify beside writers */

/* An empty stage; the phase tells everybody that plaintext is being opened. */
static bulla_code stage(bulla_undo *u, bulla_error *err)
{
	bulla_db *db = u->run.db;
	TRY(bulla_run_map(&u->run, false, err));
	u->run.state.phase = BULLA_PHASE_UNDOING;
	bulla_buf_clear(&u->run.state.position);
	TRY(db->target->begin_write(db, err));
	bulla_code code = db->target->stage(db, &u->run.mapping, err);
	if (!code) code = bulla_lease_store(&u->run, err);
	if (!code) return db->target->commit(db, err);
	db->target->rollback(db);
	return code;
}

/* Goes on with the stage that is there, or begins a new one. */
static bulla_code begin_stage(bulla_undo *u, bool anew, bulla_error *err)
{
	bool there = false;
	bulla_undo_open_done(u);
	if (!anew && u->run.state.phase == BULLA_PHASE_UNDOING) TRY(bulla_mapping_stage(&u->run.mapping, u->run.db, &there, err));
	if (!there) {
		TRY(stage(u, err));
		TRY(bulla_mapping_stage(&u->run.mapping, u->run.db, &there, err));
	}
	if (!there) return bulla_fail(err, BULLA_ERR_INTERNAL, "the table for opened values cannot be used");
	bulla_run_hook(&u->run, "staged");
	return bulla_undo_open_prepare(u, err);
}

/* What writers have left since the last round is opened before the lock. */
static bulla_code settle(void *self, bool *ret_moved, bulla_error *err)
{
	bulla_undo *u = self;
	uint64_t opened = u->opened;
	TRY(bulla_undo_catch_up(u, err));
	*ret_moved = u->opened != opened;
	if (u->pass_refused == 0) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_CONFLICT, "rows of table %s do not open any more", u->run.mapping.table->name);
}

static bulla_code check_stage(void *self, const bulla_verified *found, bulla_error *err)
{
	bulla_undo *u = self;
	u->ret->differences = found->differences;
	if (found->differences + found->failed == 0) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_CONFLICT, "the opened values of table %s are not what its rows hold",
			  u->run.mapping.table->name);
}

static bulla_code sign_report(bulla_undo *u, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf line = { 0 }, told = { 0 };
	char fingerprint[65], digest[65];
	bulla_last_report last;
	const bulla_verified *found = &u->proof.found;
	TRY(bulla_undo_tell(u, &told, err));
	TRY(bulla_fingerprint(&u->run.mapping, fingerprint, err));
	TRY(bulla_report_last(&u->run, u->run.job->sign_seed, &last, err));
	bulla_digest_hex(&found->digest, digest);
	bulla_report report = { .run = &u->run,
				.found = found,
				.at_us = bulla_now_us(NULL),
				.rows = found->rows,
				.paged = u->proof.verify.asks,
				.complete = u->proof.whole,
				.clean = true,
				.title = "bulla undo",
				.undo = bulla_view_buf(&told),
				.fingerprint = fingerprint,
				.equal_to = last.found && strcmp(digest, last.digest) == 0 ? last.at : NULL };
	TRY(bulla_report_make(&report, &line, err));
	return bulla_report_file(&report, bulla_view_buf(&line), u->ret->report, sizeof u->ret->report, err);
}

static bulla_code bring_back_locked(void *self, bulla_error *err)
{
	bulla_undo *u = self;
	TRY(bulla_undo_restore(u, true, err));
	u->undone = true;
	bulla_code code = sign_report(u, err);
	u->undone = false;
	return code ? code : bulla_undo_forget(u, err);
}

static bulla_code put_misfits(bulla_undo *u, bulla_error *err)
{
	char job[32];
	snprintf(job, sizeof job, "undo:%s", u->run.id);
	for (size_t i = 0; i < u->misfits.n; i++) {
		bulla_quarantine_entry entry = bulla_aside_entry(&u->misfits, i);
		TRY(bulla_quarantine_put(u->run.db, u->run.job->model->key, job, &entry, err));
	}
	return bulla_lease_store(&u->run, err);
}

/* The old definition does not take rows as they are today: they are put aside, and nothing else has happened. */
static bulla_code keep_misfits(bulla_undo *u, bulla_error *err)
{
	bulla_db *db = u->run.db;
	TRY(db->target->begin_write(db, err));
	bulla_code code = put_misfits(u, err);
	if (!code) return db->target->commit(db, err);
	db->target->rollback(db);
	return code;
}

/* CONFLICT: what is in the stage is not what the rows hold, or rows do not open any more. */
static bulla_code prove(bulla_undo *u, bulla_error *err)
{
	bulla_proof_done(&u->proof);
	TRY(bulla_proof_init(&u->proof, &u->run, false, err));
	u->proof.compare = bulla_undo_judge_stage;
	u->proof.judge = check_stage;
	u->proof.settle = settle;
	u->proof.act = bring_back_locked;
	u->proof.self = u;
	bulla_code code = bulla_proof_run(&u->proof, err);
	if (code == BULLA_ERR_REFUSED && u->misfits.n) return keep_misfits(u, err);
	TRY(code);
	u->ret->rows = u->proof.found.rows;
	u->ret->done = u->proof.found.equal;
	return BULLA_OK;
}

static bulla_code open_and_prove(bulla_undo *u, bulla_error *err)
{
	bulla_code code = BULLA_ERR_CONFLICT;
	bool anew = false;
	for (int i = 0; i < ATTEMPTS_MAX && code == BULLA_ERR_CONFLICT; i++) {
		if (i == 0 || anew) TRY(begin_stage(u, anew, err));
		TRY(bulla_undo_open_rows(u, err));
		if (u->pass_refused) return BULLA_OK; /* they are in quarantine, and are not left behind */
		code = prove(u, err);
		anew = u->ret->differences > 0; /* somebody has switched the triggers off: nothing in it is believed any more */
	}
	if (code != BULLA_ERR_CONFLICT) return code;
	code = bulla_fail(err, BULLA_ERR_BUSY, "rows of table %s are written faster than they can be opened and checked",
			  u->run.mapping.table->name);
	return bulla_advise(err, code, "what was opened is kept; run this again at a quieter time");
}

/* Rows that are sealed for the earlier context would all be put aside. */
static bulla_code check_rotation(const bulla_undo *u, bulla_error *err)
{
	bulla_rotation rotation = { 0 };
	const char *model = u->run.job->model->key;
	bulla_code code = bulla_rotation_load(u->run.db, model, &rotation, err);
	bool between = !code && rotation.pending && rotation.kind == BULLA_ROTATE_CONTEXT;
	bulla_rotation_done(&rotation);
	if (!between) return code;
	code = bulla_fail(err, BULLA_ERR_REFUSED, "model %s is between two contexts: rotate --context has not ended", model);
	return bulla_advise(err, code, "let it end first: bulla rotate %s --context --from FILE", model);
}

static bulla_code check_ready(bulla_undo *u, bulla_error *err)
{
	const bulla_mapping *m = &u->run.mapping;
	if (!u->run.job->keyring) {
		bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
					     "model %s is finished: only its keys bring the plaintext back", m->model->key);
		return bulla_advise(err, code, "run: bulla undo %s", m->model->key);
	}
	if (!u->run.job->sign_seed) {
		bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "there is no key to sign the report of the undo with");
		return bulla_advise(err, code, "run this where the project's key store is: bulla init");
	}
	for (size_t i = 0; i < m->model->field_count; i++)
		if (m->fields[i].plain && m->fields[i].cipher) TRY(bulla_undo_check_phase(u, err));
	return check_rotation(u, err);
}

bulla_code bulla_undo_bring_back(bulla_undo *u, bulla_error *err)
{
	u->was = "finished";
	TRY(check_ready(u, err));
	TRY(bulla_lease_take(&u->run, err));
	TRY(bulla_original_load(&u->run, &u->original, err));
	TRY(bulla_run_record(&u->run, "JobStarted", "undo", err));
	TRY(open_and_prove(u, err));
	if (!u->undone) return bulla_run_count(&u->run, &u->ret->rows, err);
	bulla_run_hook(&u->run, "undone");
	return bulla_run_record(&u->run, "PlaintextRestored", "undo", err);
}
