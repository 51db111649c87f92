/*
 * shred.c - the steps of a shred, in the order in which nothing can be lost by mistake and nothing is left by accident.
 *
 * What must be refused is refused before the branch is closed, and once more before its key is destroyed. From then on there is no way
 * back, and every later run only goes on: the store says that the key is gone, the rows say which of them are still to be cleared,
 * bulla_shred says whether free pages are still to be rewritten.
 */
#include "db/shred_inside.h"

#include "base/cursor.h"
#include "io/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SLICE_NS 100000000 /* of a wait, between two looks at the stop flag */

void bulla_shred_result_done(bulla_shred_result *r)
{
	bulla_buf_done(&r->branch);
	bulla_buf_done(&r->tables);
	bulla_buf_done(&r->remains);
	*r = (bulla_shred_result){ 0 };
}

/* --- closing and waiting ---------------------------------------------------------------------------------------- */

static bulla_code interrupted(const bulla_shred *s, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_INTERRUPTED, "stopped; the branch %.*s stays closed",
				     (int)s->subject.print.len, (const char *)s->subject.print.data);
	return bulla_advise(err, code, "run the same command again: it goes on from there; --cancel takes it back");
}

static bulla_code wait_until(bulla_shred *s, int64_t ready_us, bulla_error *err)
{
	const struct timespec slice = { 0, SLICE_NS };
	uint64_t total = (uint64_t)(s->options->keeper->max_age_ms / 1000);
	for (int64_t left; (left = ready_us - bulla_now_us(NULL)) > 0;) {
		uint64_t seconds = (uint64_t)(left + 999999) / 1000000;
		if (bulla_run_stopped(&s->pace)) return interrupted(s, err);
		bulla_run_progress(&s->pace, "waiting", seconds < total ? total - seconds : 0, total, false);
		(void)nanosleep(&slice, NULL);
	}
	return BULLA_OK;
}

static bulla_code taken_back(const bulla_shred *s, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "the branch %.*s was opened again meanwhile: nothing was destroyed",
				     (int)s->subject.print.len, (const char *)s->subject.print.data);
	return bulla_advise(err, code,
			    "bulla audit lookup --operation BranchReopened tells who; the same command closes it anew");
}

/* Who waits is not alone: the branch may be opened again, and closed again later, which counts from then. */
static bulla_code wait_closed(bulla_shred *s, bool *ret_ready, bulla_error *err)
{
	const bulla_branch_fate *fate = &s->subject.fate;
	for (;;) {
		s->ret->closed_us = fate->closed_us;
		s->ret->ready_us = fate->closed_us + s->options->keeper->max_age_ms * 1000;
		bool over = bulla_now_us(NULL) >= s->ret->ready_us;
		*ret_ready = over || s->options->wait;
		if (over || !*ret_ready) return BULLA_OK;
		TRY(wait_until(s, s->ret->ready_us, err));
		TRY(bulla_shred_survey(s, err));
		if (fate->state == BULLA_BRANCH_DESTROYED) return BULLA_OK;
		if (fate->state == BULLA_BRANCH_ACTIVE) return taken_back(s, err);
	}
}

/* `ret_ready` false: come back at ready_us. */
static bulla_code close_branch(bulla_shred *s, bool *ret_ready, bulla_error *err)
{
	const bulla_branch_keeper *keeper = s->options->keeper;
	bulla_bytes identity = bulla_view_buf(&s->subject.identity);
	*ret_ready = true;
	if (s->subject.fate.state == BULLA_BRANCH_DESTROYED) return BULLA_OK;
	TRY(keeper->close(keeper->self, identity, err));
	TRY(keeper->fate(keeper->self, identity, &s->subject.fate, err));
	bulla_run_hook(&s->pace, "closed");
	return wait_closed(s, ret_ready, err);
}

/* --- destroying ------------------------------------------------------------------------------------------------- */

/* Before there is no way back: what the proof compares with. */
static bulla_code keep_proofs(bulla_shred *s, bulla_error *err)
{
	for (size_t i = 0; i < s->table_count; i++) {
		bulla_shred_table *t = &s->tables[i];
		bulla_value first[BULLA_LOCATOR_MAX];
		if (!bulla_shred_is_involved(s, t)) continue;
		TRY(bulla_shred_prepare(t, err));
		TRY(bulla_shred_keep_sample(t, &s->subject, err));
		if (t->sample.n) bulla_page_locator(&t->sample, 0, first);
		TRY(bulla_shred_keep_neighbours(t, &s->subject, BULLA_SHRED_OTHERS, t->sample.n ? first : NULL,
						s->options->neighbours, err));
	}
	return BULLA_OK;
}

/* Those behind their parents go before them: a branch that is gone does not tell any more what hung from it. */
static bulla_code destroy_below(bulla_shred *s, bulla_error *err)
{
	const bulla_branch_keeper *keeper = s->options->keeper;
	bulla_buf *below = &s->subject.below;
	bulla_bytes *list = calloc(s->subject.below_count + 1, sizeof *list);
	bulla_cursor c = bulla_cursor_of(bulla_view_buf(below));
	bulla_code code = list ? BULLA_OK : bulla_fail_memory(err);
	for (size_t i = 0; i < s->subject.below_count && !code; i++)
		list[i] = bulla_cursor_prefixed(&c);
	for (size_t i = s->subject.below_count; i-- > 0 && !code;) {
		code = keeper->destroy(keeper->self, list[i], false, err);
		bulla_run_progress(&s->pace, "destroying", s->subject.below_count - i, s->subject.below_count, i == 0);
	}
	free(list);
	return code;
}

static bulla_code forget(const bulla_shred *s, bulla_error *err)
{
	for (size_t i = 0; i < s->table_count; i++)
		TRY(bulla_shred_book_forget(s->tables[i].run.db, s->subject.id, err));
	return BULLA_OK;
}

/* The branch itself first: from that moment on nothing below it opens either. */
static bulla_code destroy(bulla_shred *s, bulla_error *err)
{
	const bulla_branch_keeper *keeper = s->options->keeper;
	bulla_bytes identity = bulla_view_buf(&s->subject.identity);
	if (s->subject.fate.state != BULLA_BRANCH_DESTROYED) TRY(bulla_shred_note_all(s, BULLA_SHRED_DESTROYING, err));
	bulla_run_hook(&s->pace, "noted");
	bulla_code code = keeper->destroy(keeper->self, identity, true, err);
	if (code == BULLA_ERR_CONFLICT) {
		TRY(forget(s, err));
		return taken_back(s, err);
	}
	TRY(code);
	TRY(destroy_below(s, err));
	TRY(keeper->fate(keeper->self, identity, &s->subject.fate, err));
	bulla_run_hook(&s->pace, "destroyed");
	TRY(bulla_shred_note_all(s, BULLA_SHRED_CLEARING, err));
	s->ret->closed_us = s->subject.fate.closed_us;
	s->ret->destroyed_us = s->subject.fate.destroyed_us;
	s->ret->below = s->subject.below_count;
	return BULLA_OK;
}

/* --- clearing --------------------------------------------------------------------------------------------------- */

static bulla_code clear_table(bulla_shred *s, bulla_shred_table *t, bulla_error *err)
{
	TRY(bulla_lease_take(&t->run, err));
	TRY(t->run.db->target->prepare_drop(t->run.db, err));
	TRY(bulla_shred_clear(t, &s->subject, err));
	TRY(bulla_shred_prove_neighbours(t, err));
	bulla_lease_give(&t->run);
	return BULLA_OK;
}

static bulla_code prove(bulla_shred *s, bulla_error *err)
{
	char detail[96];
	bulla_keyring_forget(bulla_shred_first_job(s)->keyring);
	for (size_t i = 0; i < s->table_count; i++) {
		if (!bulla_shred_is_involved(s, &s->tables[i])) continue;
		TRY(bulla_shred_prove_sample(&s->tables[i], err));
		s->ret->proven += s->tables[i].proven;
		s->ret->still_open += s->tables[i].still_open;
	}
	if (s->ret->proven + s->ret->still_open == 0) return BULLA_OK;
	snprintf(detail, sizeof detail, "shred: %" PRIu64 " rows fail with key_destroyed, %" PRIu64 " do not,", s->ret->proven,
		 s->ret->still_open);
	for (size_t i = 0; i < s->table_count; i++)
		if (bulla_shred_is_involved(s, &s->tables[i]))
			return bulla_run_record(&s->tables[i].run, "ShredProof", detail, err);
	return BULLA_OK;
}

static bulla_code clear(bulla_shred *s, bulla_error *err)
{
	for (size_t i = 0; i < s->table_count; i++) {
		bulla_shred_table *t = &s->tables[i];
		if (!bulla_shred_is_involved(s, t)) continue;
		TRY(clear_table(s, t, err));
		s->ret->cleared += t->book.cleared;
		s->ret->refused += t->refused;
		s->ret->neighbours += t->neighbours;
		s->ret->lost += t->lost;
	}
	for (size_t i = 0; i < s->table_count; i++)
		if (bulla_shred_is_involved(s, &s->tables[i])) TRY(bulla_shred_rewrite(s, i, false, err));
	return bulla_shred_note_all(s, BULLA_SHRED_DONE, err);
}

/* --- a branch --------------------------------------------------------------------------------------------------- */

static bulla_code cancel(bulla_shred *s, bulla_error *err)
{
	const bulla_branch_keeper *keeper = s->options->keeper;
	TRY(bulla_subject_look(s->options, &s->subject, err));
	TRY(keeper->reopen(keeper->self, bulla_view_buf(&s->subject.identity), err));
	TRY(bulla_shred_open_tables(s, err));
	TRY(forget(s, err));
	s->ret->state = BULLA_BRANCH_ACTIVE;
	return BULLA_OK;
}

static bulla_code end_branch(bulla_shred *s, bulla_error *err)
{
	TRY(keep_proofs(s, err));
	TRY(destroy(s, err));
	s->ret->state = BULLA_BRANCH_DESTROYED;
	TRY(prove(s, err));
	bulla_run_hook(&s->pace, "proven");
	TRY(clear(s, err));
	return bulla_shred_end(s, bulla_view(NULL, 0), err);
}

static bulla_code shred_branch(bulla_shred *s, bulla_error *err)
{
	const bulla_shred_options *o = s->options;
	bool ready = false;
	TRY(bulla_shred_check_signer(s, err));
	if (o->branch)
		TRY(bulla_subject_of_branch(o, &s->subject, err));
	else
		TRY(bulla_subject_of_record(o, &s->subject, err));
	TRY(bulla_buf_add(&s->ret->branch, bulla_view_buf(&s->subject.print), err));
	if (o->cancel) return cancel(s, err);
	TRY(bulla_shred_survey(s, err));
	s->ret->versions = s->subject.own / 8;
	s->ret->state = BULLA_BRANCH_CLOSING;
	TRY(close_branch(s, &ready, err));
	return ready ? end_branch(s, err) : BULLA_OK;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

bulla_code bulla_job_shred(const bulla_shred_options *options, bulla_shred_result *ret, bulla_error *err)
{
	bulla_shred s = { .options = options, .ret = ret };
	*ret = (bulla_shred_result){ 0 };
	s.pace = (bulla_run){ .job = bulla_shred_first_job(&s), .began_us = bulla_now_us(NULL) };
	bulla_code code = options->erase ? bulla_shred_erase(&s, err) : shred_branch(&s, err);
	ret->seconds = bulla_run_seconds(&s.pace);
	bulla_shred_close_tables(&s);
	bulla_subject_done(&s.subject);
	return code;
}

/* A session and a snapshot for a question to the bookkeeping. */
static bulla_code open_book(const bulla_job *job, bulla_db **ret, bulla_error *err)
{
	bulla_place place = bulla_job_place(job, false);
	TRY(bulla_db_open(&place, ret, err));
	bulla_code code = (*ret)->target->begin_read(*ret, err);
	if (code) bulla_db_close(*ret);
	return code;
}

static void close_book(bulla_db *db)
{
	db->target->rollback(db);
	bulla_db_close(db);
}

bulla_code bulla_job_tombstones(const bulla_job *job, bulla_buf *out, bulla_error *err)
{
	bulla_db *db = NULL;
	TRY(open_book(job, &db, err));
	bulla_code code = bulla_shred_book_versions(db, out, err);
	close_book(db);
	return code;
}

bulla_code bulla_job_shreds_last(const bulla_job *job, int64_t *ret_us, bulla_error *err)
{
	bulla_db *db = NULL;
	uint64_t last_ms = 0;
	TRY(open_book(job, &db, err));
	bulla_code code = bulla_shred_book_last(db, job->model->key, &last_ms, err);
	close_book(db);
	*ret_us = (int64_t)last_ms * 1000;
	return code;
}

bulla_code bulla_job_shreds_open(const bulla_job *job, uint64_t *ret, bulla_error *err)
{
	bulla_db *db = NULL;
	TRY(open_book(job, &db, err));
	bulla_code code = bulla_shred_book_open(db, job->model->key, ret, err);
	close_book(db);
	return code;
}
