/*
 * undo.c - the way back: before finish what the job added goes, after it the plaintext comes back.
 *
 * Both end in one transaction, in which the table gets its old definition and the bookkeeping of the model goes: killed before it
 * the table is sealed as it was, killed after it nothing of bulla's is left. What comes before (the stage with the opened values) is
 * taken up by running undo again, and given up by running finish.
 */
#include "db/undo.h"

#include "db/orphan.h"

#include <inttypes.h>

/* --- the one transaction ------------------------------------------------------------------------------------------ */

/* The mapping is of now, under the lock: the owner may have altered the table meanwhile. */
static bulla_code restore(bulla_undo *u, const bulla_mapping *m, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf definition = { 0 };
	bulla_undo_tell_begin(u);
	TRY(bulla_original_definition(m, &u->run.state.columns, &u->original, &definition, &u->fidelity, err));
	bulla_restoration what = { .definition = (const char *)definition.data,
				   .exact = u->fidelity == BULLA_DEFINITION_RECORDED,
				   .list = u->original.list,
				   .n = u->original.n,
				   .lost = u->options->lost };
	bulla_undo_tell_restoration(u, &what);
	bulla_run_progress(&u->run, "restoring", 0, 0, true);
	return u->run.db->target->restore(u->run.db, m, &what, err);
}

static bulla_code map_now(bulla_undo *u, bulla_mapping *m, bool staged, bulla_error *err)
{
	bool there = true;
	TRY(bulla_mapping_init(m, u->run.db, u->run.job->model, false, err));
	bulla_code code = staged ? bulla_mapping_stage(m, u->run.db, &there, err) : BULLA_OK;
	if (!code) code = bulla_mapping_own(m, u->run.db, err);
	if (!code && !there) code = bulla_fail(err, BULLA_ERR_CONFLICT, "the opened values of table %s are gone", m->table->name);
	if (code) bulla_mapping_done(m);
	return code;
}

bulla_code bulla_undo_restore(bulla_undo *u, bool staged, bulla_error *err)
{
	bulla_mapping now;
	TRY(bulla_lease_store(&u->run, err));
	TRY(map_now(u, &now, staged, err));
	bulla_code code = restore(u, &now, err);
	bulla_mapping_done(&now);
	return code;
}

bulla_code bulla_undo_forget(bulla_undo *u, bulla_error *err)
{
	TRY(bulla_book_forget(u->run.db, u->run.job->model->key, err));
	bulla_run_hook(&u->run, "restored");
	u->undone = true;
	return BULLA_OK;
}

/* --- before finish: plaintext is the truth ------------------------------------------------------------------------ */

static bulla_code take_away_locked(void *self, bulla_error *err)
{
	bulla_undo *u = self;
	TRY(bulla_undo_restore(u, false, err));
	return bulla_undo_forget(u, err);
}

/* A writer that has left the plaintext behind: its values are in the ciphertexts alone. */
static bulla_code check_sealed(void *self, const bulla_verified *found, bulla_error *err)
{
	bulla_undo *u = self;
	BULLA_BUF_AUTO bulla_buf rows = { 0 };
	const char *model = u->run.job->model->key;
	u->ret->differences = found->differences;
	if (found->differences == 0) return BULLA_OK;
	for (size_t i = 0; i < found->examples.n && i < 3; i++) {
		bulla_bytes pk = bulla_aside_entry(&found->examples, i).pk;
		TRY(bulla_buf_printf(&rows, err, "%s%.*s", i ? ", " : "", (int)pk.len, (const char *)pk.data));
	}
	bulla_code code = bulla_fail(
		err, BULLA_ERR_REFUSED,
		"%" PRIu64 " rows of model %s have a ciphertext that says something else than their plaintext, "
		"which may be missing (%.*s%s): some program writes only the sealed columns",
		found->differences, model, (int)rows.len, (const char *)rows.data, found->differences > 3 ? ", ..." : "");
	return bulla_advise(
		err, code,
		"write the right values into the plaintext columns (bulla get %s ID shows what is sealed); or keep the "
		"plaintext as it is: bulla undo %s --discard",
		model, model);
}

/* Columns that were made again after finish, by whoever: what they hold is proven by nothing. */
bulla_code bulla_undo_check_phase(bulla_undo *u, bulla_error *err)
{
	if (u->run.state.phase < BULLA_PHASE_DROPPED) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
				     "finish dropped the plaintext of model %s, and table %s has such a column again",
				     u->run.job->model->key, u->run.mapping.table->name);
	return bulla_advise(err, code, "find out who made it, and drop or rename it: undo brings its own back");
}

static bulla_code take_away_proven(bulla_undo *u, bulla_error *err)
{
	TRY(bulla_proof_init(&u->proof, &u->run, false, err));
	u->proof.compare = bulla_undo_judge_sealed;
	u->proof.judge = check_sealed;
	u->proof.act = take_away_locked;
	u->proof.self = u;
	bulla_code code = bulla_proof_run(&u->proof, err);
	u->ret->rows = u->ret->done = u->proof.found.rows;
	return code;
}

static bulla_code take_away_unproven(bulla_undo *u, bulla_error *err)
{
	bulla_db *db = u->run.db;
	TRY(bulla_run_count(&u->run, &u->ret->rows, err));
	TRY(db->target->begin_write(db, err));
	bulla_run_hook(&u->run, "locked");
	bulla_code code = take_away_locked(u, err);
	if (!code) return db->target->commit(db, err);
	db->target->rollback(db);
	return code;
}

static bulla_code take_away(bulla_undo *u, bulla_error *err)
{
	u->was = "sealed";
	TRY(bulla_undo_check_phase(u, err));
	TRY(bulla_lease_take(&u->run, err));
	TRY(bulla_original_load(&u->run, &u->original, err));
	TRY(bulla_run_record(&u->run, "JobStarted", "undo", err));
	TRY(u->options->discard || u->run.mapping.cipher_count == 0 ? take_away_unproven(u, err) : take_away_proven(u, err));
	bulla_run_hook(&u->run, "undone");
	return bulla_run_record(&u->run, "CiphertextDropped", "undo", err);
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static bool returns_any(const bulla_mapping *m)
{
	for (size_t i = 0; i < m->model->field_count; i++)
		if (bulla_mapping_returns(&m->fields[i])) return true;
	return false;
}

static bool is_touched(const bulla_undo *u)
{
	return u->run.state.found || u->run.mapping.cipher_count || u->run.mapping.own_count;
}

static bulla_code undo(bulla_undo *u, bulla_error *err)
{
	u->was = "nothing";
	bulla_undo_tell_begin(u);
	TRY(bulla_mapping_own(&u->run.mapping, u->run.db, err));
	if (!is_touched(u)) return bulla_run_count(&u->run, &u->ret->rows, err);
	if (returns_any(&u->run.mapping) || !u->options->discard) TRY(bulla_orphan_check(&u->run, err));
	TRY(returns_any(&u->run.mapping) ? bulla_undo_bring_back(u, err) : take_away(u, err));
	TRY(bulla_quarantine_count(u->run.db, u->run.job->model->key, &u->ret->quarantined, err));
	if (u->undone) *u->run.owner = 0; /* the lease went with the bookkeeping */
	return bulla_run_record(&u->run, "JobFinished", u->undone ? "undo" : "undo, not ended:", err);
}

static void done(bulla_undo *u)
{
	bulla_undo_open_done(u);
	bulla_proof_done(&u->proof);
	bulla_original_done(&u->original);
	bulla_undo_tell_done(u);
	bulla_run_close(&u->run);
}

bulla_code bulla_job_undo(const bulla_job *job, const bulla_undo_options *options, bulla_job_result *ret, bulla_buf *out,
			  bulla_error *err)
{
	static const bulla_undo_options standard = { 0 };
	bulla_undo u = { .options = options ? options : &standard, .ret = ret };
	*ret = (bulla_job_result){ 0 };
	bulla_code code = bulla_run_open(&u.run, job, true, false, err);
	if (!code) code = undo(&u, err);
	if (!code) code = bulla_undo_tell(&u, out, err);
	if (u.run.began_us) ret->seconds = bulla_run_seconds(&u.run);
	done(&u);
	return code;
}
