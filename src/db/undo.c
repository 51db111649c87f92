/*
 * undo.c - the way back: before finish what the job added goes, after it the plaintext comes back.
 *
 * Both end in one transaction, in which the table gets its old definition and the bookkeeping of the model goes: killed before it
 * the table is sealed as it was, killed after it nothing of bulla's is left. What comes before (the stage with the opened values) is
 * taken up by running undo again, and given up by running finish.
 */
#include "db/undo.h"

#include "db/check.h"
#include "db/orphan.h"
#include "db/report.h"
#include "db/rotation.h"
#include "io/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ATTEMPTS_MAX 5 /* to open and verify beside writers */

/* --- what is told ------------------------------------------------------------------------------------------------ */

static void begin_list(bulla_undo_list *list)
{
	bulla_buf_clear(&list->text);
	list->writer = bulla_json_to(&list->text);
	list->n = 0;
	bulla_json_open(&list->writer, NULL, '[');
}

static void begin_lists(bulla_undo *u)
{
	begin_list(&u->back);
	begin_list(&u->missing);
	begin_list(&u->gone);
	begin_list(&u->lost);
	bulla_aside_clear(&u->misfits);
	u->why[0] = 0;
}

static void put_list(bulla_json_writer *w, const char *name, const bulla_undo_list *list)
{
	bulla_buf whole = { 0 };
	if (list->writer.failed || bulla_buf_add(&whole, bulla_view_buf(&list->text), NULL) ||
	    bulla_buf_add_str(&whole, list->text.len ? "]" : "[]", NULL))
		w->failed = BULLA_ERR_MEMORY;
	bulla_json_put_raw(w, name, bulla_view_buf(&whole));
	bulla_buf_done(&whole);
}

static void add_object(bulla_undo_list *list, const char *kind, const char *name, const char *sql)
{
	bulla_json_open(&list->writer, NULL, '{');
	bulla_json_put_str(&list->writer, "kind", kind);
	bulla_json_put_str(&list->writer, "name", name);
	bulla_json_put_str(&list->writer, "sql", sql);
	bulla_json_close(&list->writer, '}');
	list->n++;
}

static void tell_back(void *self, const char *kind, const char *name, const char *sql)
{
	add_object(&((bulla_undo *)self)->back, kind, name, sql);
}

static void tell_missing(void *self, const char *kind, const char *name, const char *sql)
{
	add_object(&((bulla_undo *)self)->missing, kind, name, sql);
}

static void tell_gone(void *self, const char *kind, const char *name, const char *sql)
{
	add_object(&((bulla_undo *)self)->gone, kind, name, sql);
}

static bulla_code write_pk(const bulla_undo *u, const bulla_value *pk, bulla_buf *out, bulla_error *err)
{
	size_t positions[BULLA_LOCATOR_MAX], n = u->run.mapping.table->pk_count;
	for (size_t i = 0; i < n && i < BULLA_LOCATOR_MAX; i++)
		positions[i] = i;
	return bulla_pk_write(pk, positions, n < BULLA_LOCATOR_MAX ? n : BULLA_LOCATOR_MAX, out, err);
}

static bulla_code row_lost(void *self, const bulla_value *pk, bulla_error *err)
{
	bulla_undo *u = self;
	BULLA_BUF_AUTO bulla_buf name = { 0 };
	if (u->lost.n++ >= BULLA_ASIDE_MAX) return BULLA_OK;
	TRY(write_pk(u, pk, &name, err));
	bulla_json_put_raw(&u->lost.writer, NULL, bulla_view_buf(&name));
	return BULLA_OK;
}

static bulla_code row_refused(void *self, const bulla_value *pk, const char *why, bulla_error *err)
{
	bulla_undo *u = self;
	BULLA_BUF_AUTO bulla_buf name = { 0 };
	TRY(write_pk(u, pk, &name, err));
	if (u->misfits.n == 0) snprintf(u->why, sizeof u->why, "%s", why);
	return bulla_aside_add(&u->misfits, bulla_view_buf(&name), BULLA_FIELD_CONSTRAINT, BULLA_REASON_TYPE, err);
}

static bulla_code write_result(const bulla_undo *u, bulla_buf *out, bulla_error *err)
{
	bulla_json_writer w = bulla_json_to(out);
	bulla_json_open(&w, NULL, '{');
	bulla_json_put_str(&w, "was", u->was);
	bulla_json_put_bool(&w, "undone", u->undone);
	if (u->undone)
		bulla_json_put_str(&w, "definition", bulla_fidelity_name(u->fidelity));
	else
		bulla_json_put_null(&w, "definition");
	bulla_json_put_int(&w, "lost", (int64_t)u->lost.n);
	put_list(&w, "lost_rows", &u->lost);
	put_list(&w, "back", &u->back);
	put_list(&w, "missing", &u->missing);
	put_list(&w, "gone", &u->gone);
	bulla_json_put_int(&w, "refused", (int64_t)(u->misfits.n + u->misfits.left_out));
	bulla_json_put_str(&w, "why", u->misfits.n ? u->why : NULL);
	bulla_json_close(&w, '}');
	return bulla_json_end(&w, err);
}

/* --- the one transaction ------------------------------------------------------------------------------------------ */

/* The mapping is of now, under the lock: the owner may have altered the table meanwhile. */
static bulla_code restore(bulla_undo *u, const bulla_mapping *m, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf definition = { 0 };
	begin_lists(u);
	TRY(bulla_original_definition(m, &u->run.state.columns, &u->original, &definition, &u->fidelity, err));
	bulla_restoration what = { .definition = (const char *)definition.data,
				   .exact = u->fidelity == BULLA_DEFINITION_RECORDED,
				   .list = u->original.list,
				   .n = u->original.n,
				   .lost = u->options->lost,
				   .back = tell_back,
				   .missing = tell_missing,
				   .gone = tell_gone,
				   .row_lost = row_lost,
				   .row_refused = row_refused,
				   .self = u };
	for (size_t i = 0; i < u->original.n; i++)
		if (u->original.left_out[i])
			tell_missing(u, u->original.list[i].kind, u->original.list[i].name, u->original.list[i].sql);
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

static bulla_code restore_locked(bulla_undo *u, bool staged, bulla_error *err)
{
	bulla_mapping now;
	TRY(bulla_lease_store(&u->run, err));
	TRY(map_now(u, &now, staged, err));
	bulla_code code = restore(u, &now, err);
	bulla_mapping_done(&now);
	return code;
}

static bulla_code forget(bulla_undo *u, bulla_error *err)
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
	TRY(restore_locked(u, false, err));
	return forget(u, err);
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
static bulla_code check_phase(bulla_undo *u, bulla_error *err)
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
	TRY(check_phase(u, err));
	TRY(bulla_lease_take(&u->run, err));
	TRY(bulla_original_load(&u->run, &u->original, err));
	TRY(bulla_run_record(&u->run, "JobStarted", "undo", err));
	TRY(u->options->discard || u->run.mapping.cipher_count == 0 ? take_away_unproven(u, err) : take_away_proven(u, err));
	bulla_run_hook(&u->run, "undone");
	return bulla_run_record(&u->run, "CiphertextDropped", "undo", err);
}

/* --- after finish: ciphertext is the truth ------------------------------------------------------------------------ */

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
	TRY(write_result(u, &told, err));
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
	TRY(restore_locked(u, true, err));
	u->undone = true;
	bulla_code code = sign_report(u, err);
	u->undone = false;
	return code ? code : forget(u, err);
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
		if (m->fields[i].plain && m->fields[i].cipher) TRY(check_phase(u, err));
	return check_rotation(u, err);
}

static bulla_code bring_back(bulla_undo *u, bulla_error *err)
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
	begin_lists(u);
	TRY(bulla_mapping_own(&u->run.mapping, u->run.db, err));
	if (!is_touched(u)) return bulla_run_count(&u->run, &u->ret->rows, err);
	if (returns_any(&u->run.mapping) || !u->options->discard) TRY(bulla_orphan_check(&u->run, err));
	TRY(returns_any(&u->run.mapping) ? bring_back(u, err) : take_away(u, err));
	TRY(bulla_quarantine_count(u->run.db, u->run.job->model->key, &u->ret->quarantined, err));
	if (u->undone) *u->run.owner = 0; /* the lease went with the bookkeeping */
	return bulla_run_record(&u->run, "JobFinished", u->undone ? "undo" : "undo, not ended:", err);
}

static void done(bulla_undo *u)
{
	bulla_undo_list *lists[] = { &u->back, &u->missing, &u->gone, &u->lost };
	bulla_undo_open_done(u);
	bulla_proof_done(&u->proof);
	bulla_original_done(&u->original);
	bulla_aside_done(&u->misfits);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		bulla_buf_done(&lists[i]->text);
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
	if (!code) code = write_result(&u, out, err);
	if (u.run.began_us) ret->seconds = bulla_run_seconds(&u.run);
	done(&u);
	return code;
}
