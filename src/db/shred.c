/*
 * shred.c - the steps of a shred, in the order in which nothing can be lost by mistake and nothing is left by accident.
 *
 * What must be refused is refused before the branch is closed, and once more before its key is destroyed. From then on there is no way
 * back, and every later run only goes on: the store says that the key is gone, the rows say which of them are still to be cleared,
 * bulla_shred says whether free pages are still to be rewritten.
 */
#include "db/shred_inside.h"

#include "base/cursor.h"
#include "db/sql_text.h"
#include "io/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE_NS 100000000 /* of a wait, between two looks at the stop flag */

typedef struct shred {
	const bulla_shred_options *options;
	bulla_shred_result *ret;
	bulla_subject subject;
	bulla_shred_table *tables; /* of every model that can have rows under a branch */
	size_t table_count;
	bool rewritten;
	bulla_run pace; /* no session: paces what is told of the whole */
} shred;

void bulla_shred_result_done(bulla_shred_result *r)
{
	bulla_buf_done(&r->branch);
	bulla_buf_done(&r->tables);
	bulla_buf_done(&r->remains);
	*r = (bulla_shred_result){ 0 };
}

/* The job that tells progress and signs: that of the record, else the first. */
static const bulla_job *first_job(const shred *s)
{
	size_t at = s->options->model == BULLA_NO_RECORD ? 0 : s->options->model;
	return &s->options->jobs[at];
}

/* --- tables ----------------------------------------------------------------------------------------------------- */

static void close_tables(shred *s)
{
	for (size_t i = 0; i < s->table_count; i++)
		bulla_shred_table_close(&s->tables[i]);
	free(s->tables);
	s->tables = NULL;
	s->table_count = 0;
}

static bool can_hang(const bulla_model *model)
{
	return model->branch.name.text && model->data_key == BULLA_DATA_KEY_RECORD;
}

static bulla_code open_tables(shred *s, bulla_error *err)
{
	const bulla_shred_options *o = s->options;
	close_tables(s);
	s->tables = calloc(o->job_count + 1, sizeof *s->tables);
	if (!s->tables) return bulla_fail_memory(err);
	for (size_t i = 0; i < o->job_count; i++) {
		if (!can_hang(o->jobs[i].model)) continue;
		TRY(bulla_shred_table_open(&s->tables[s->table_count++], &o->jobs[i], &s->subject, err));
	}
	return BULLA_OK;
}

static bulla_code count_rows(shred *s, bulla_shred_table *t, bulla_error *err)
{
	bulla_db *db = t->run.db;
	TRY(db->target->begin_read(db, err));
	bulla_code code = bulla_shred_count(t, &s->subject, BULLA_SHRED_UNDER, &t->rows, err);
	if (!code) code = bulla_shred_count(t, &s->subject, BULLA_SHRED_STRAYS, &t->strays, err);
	db->target->rollback(db);
	return code;
}

/* Rows of the subject are there, or were when an earlier run began to clear them, or may come back with a backup. */
static bool is_involved(const shred *s, const bulla_shred_table *t)
{
	if (t->run.mapping.cipher_count == 0) return false;
	return t->rows || t->book.step != BULLA_SHRED_NONE || bulla_subject_has_scope(&s->subject, t->job->model);
}

static bulla_code count_all(shred *s, bulla_error *err)
{
	s->ret->rows = s->ret->strays = 0;
	for (size_t i = 0; i < s->table_count; i++) {
		TRY(count_rows(s, &s->tables[i], err));
		s->ret->rows += s->tables[i].rows;
		s->ret->strays += s->tables[i].strays;
	}
	return BULLA_OK;
}

/* --- what must not be ------------------------------------------------------------------------------------------- */

static bulla_code refuse_plaintext(const bulla_run *run, bulla_error *err)
{
	const char *model = run->job->model->key, *table = run->mapping.table->name;
	bulla_code code;
	TRY(bulla_run_check_undo(run, err)); /* what it has opened lies there in the clear */
	if (run->mapping.plain_count)
		code = bulla_fail(err, BULLA_ERR_REFUSED, "table %s still has its plaintext, which is the truth until finish",
				  table);
	else if (run->state.phase == BULLA_PHASE_DROPPED)
		code = bulla_fail(err, BULLA_ERR_REFUSED, "the files of table %s still hold plaintext that finish has dropped",
				  table);
	else
		return BULLA_OK;
	return bulla_advise(err, code, "bulla finish %s; then shred", model);
}

static bulla_code refuse_strays(const bulla_shred_table *t, bulla_error *err)
{
	if (!t->strays) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
				     "%" PRIu64 " rows of %s are this subject's by their columns, and hang from another key",
				     t->strays, t->run.mapping.table->name);
	return bulla_advise(err, code, "bulla rotate %s --wrap puts them under the branch; then shred", t->job->model->key);
}

static bulla_code check_ready(const bulla_run *run, bulla_error *err)
{
	if (bulla_mapping_is_ready(&run->mapping)) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "table %s lacks columns of model %s", run->mapping.table->name,
				     run->job->model->key);
	return bulla_advise(err, code, "run: bulla apply %s", run->job->model->key);
}

/* A job that reads and writes whole rows would bring back what is cleared. */
static bulla_code refuse_work(bulla_shred_table *t, bulla_error *err)
{
	TRY(bulla_lease_take(&t->run, err));
	bulla_lease_give(&t->run);
	return BULLA_OK;
}

static bulla_code refuse_shared(const shred *s, bulla_error *err)
{
	if (!s->subject.shared) return BULLA_OK;
	const bulla_buf *print = &s->subject.print;
	bulla_code code =
		bulla_fail(err, BULLA_ERR_REFUSED, "the branch %.*s is not this record's alone: %" PRIu64 " records go with it",
			   (int)print->len, (const char *)print->data, s->ret->rows);
	return bulla_advise(err, code, "if all of them are meant: bulla shred --branch %.*s", (int)print->len,
			    (const char *)print->data);
}

static bulla_code refuse_data_key(const shred *s, bulla_error *err)
{
	if (!s->subject.shares) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
				     "a data key that a whole table shares hangs from this branch (data_key: field | table)");
	return bulla_advise(err, code, "to shred records, the model needs data_key: record and a branch_key");
}

static bulla_code refuse(shred *s, bulla_error *err)
{
	TRY(refuse_data_key(s, err));
	TRY(refuse_shared(s, err));
	for (size_t i = 0; i < s->table_count; i++) {
		bulla_shred_table *t = &s->tables[i];
		if (!t->rows && !bulla_subject_has_scope(&s->subject, t->job->model)) continue;
		TRY(refuse_plaintext(&t->run, err));
		if (s->subject.fate.state != BULLA_BRANCH_DESTROYED) TRY(refuse_strays(t, err));
		if (!is_involved(s, t)) continue;
		TRY(check_ready(&t->run, err));
		TRY(refuse_work(t, err));
	}
	return BULLA_OK;
}

/* Everything as it is now: the store, the tables, and whether it may go on. */
static bulla_code survey(shred *s, bulla_error *err)
{
	TRY(bulla_subject_look(s->options, &s->subject, err));
	if (s->subject.fate.versions == 0) {
		bulla_code code =
			bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no branch key %.*s: nothing was ever sealed under it",
				   (int)s->subject.print.len, (const char *)s->subject.print.data);
		return bulla_advise(err, code, "bulla status shows by which keys the rows are wrapped");
	}
	TRY(open_tables(s, err));
	TRY(count_all(s, err));
	return refuse(s, err);
}

/* --- closing and waiting ---------------------------------------------------------------------------------------- */

static bulla_code interrupted(const shred *s, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_INTERRUPTED, "stopped; the branch %.*s stays closed",
				     (int)s->subject.print.len, (const char *)s->subject.print.data);
	return bulla_advise(err, code, "run the same command again: it goes on from there; --cancel takes it back");
}

static bulla_code wait_until(shred *s, int64_t ready_us, bulla_error *err)
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

/* `ret_ready` false: come back at ready_us. */
static bulla_code close_branch(shred *s, bool *ret_ready, bulla_error *err)
{
	const bulla_branch_keeper *keeper = s->options->keeper;
	bulla_bytes identity = bulla_view_buf(&s->subject.identity);
	bulla_branch_fate *fate = &s->subject.fate;
	*ret_ready = true;
	if (fate->state == BULLA_BRANCH_DESTROYED) return BULLA_OK;
	TRY(keeper->close(keeper->self, identity, err));
	TRY(keeper->fate(keeper->self, identity, fate, err));
	bulla_run_hook(&s->pace, "closed");
	s->ret->closed_us = fate->closed_us;
	s->ret->ready_us = fate->closed_us + keeper->max_age_ms * 1000;
	*ret_ready = s->options->wait || bulla_now_us(NULL) >= s->ret->ready_us;
	if (!*ret_ready) return BULLA_OK;
	bool waited = bulla_now_us(NULL) < s->ret->ready_us;
	TRY(wait_until(s, s->ret->ready_us, err));
	return waited ? survey(s, err) : BULLA_OK;
}

/* --- destroying ------------------------------------------------------------------------------------------------- */

/* Before there is no way back: what the proof compares with. */
static bulla_code keep_proofs(shred *s, bulla_error *err)
{
	for (size_t i = 0; i < s->table_count; i++) {
		bulla_shred_table *t = &s->tables[i];
		bulla_value first[BULLA_LOCATOR_MAX];
		if (!is_involved(s, t)) continue;
		TRY(bulla_shred_prepare(t, err));
		TRY(bulla_shred_keep_sample(t, &s->subject, err));
		if (t->sample.n) bulla_page_locator(&t->sample, 0, first);
		TRY(bulla_shred_keep_neighbours(t, &s->subject, BULLA_SHRED_OTHERS, t->sample.n ? first : NULL,
						s->options->neighbours, err));
	}
	return BULLA_OK;
}

static bulla_code note_locked(shred *s, bulla_shred_table *t, bulla_shred_step step, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf versions = { .max = BULLA_SHRED_VERSIONS };
	bulla_shred_entry entry;
	TRY(bulla_shred_book_make(t->run.db, err));
	TRY(bulla_shred_book_load(t->run.db, s->subject.id, t->job->model->key, &entry, &versions, err));
	t->book = (bulla_shred_entry){ step, entry.cleared };
	bulla_bytes own = bulla_view_buf(&s->subject.versions);
	return bulla_shred_book_store(t->run.db, s->subject.id, t->job->model->key, &t->book,
				      versions.len > own.len ? bulla_view(NULL, 0) : own, err);
}

/* In the database of the rows: which versions are going, and then that they have gone. */
static bulla_code note_step(shred *s, bulla_shred_table *t, bulla_shred_step step, bulla_error *err)
{
	const bulla_target *target = t->run.db->target;
	TRY(target->begin_write(t->run.db, err));
	bulla_code code = note_locked(s, t, step, err);
	if (!code) return target->commit(t->run.db, err);
	target->rollback(t->run.db);
	return code;
}

static bulla_code note_all(shred *s, bulla_shred_step step, bulla_error *err)
{
	for (size_t i = 0; i < s->table_count; i++)
		if (is_involved(s, &s->tables[i])) TRY(note_step(s, &s->tables[i], step, err));
	return BULLA_OK;
}

/* Those behind their parents go before them: a branch that is gone does not tell any more what hung from it. */
static bulla_code destroy_below(shred *s, bulla_error *err)
{
	const bulla_branch_keeper *keeper = s->options->keeper;
	bulla_buf *below = &s->subject.below;
	bulla_bytes *list = calloc(s->subject.below_count + 1, sizeof *list);
	bulla_cursor c = bulla_cursor_of(bulla_view_buf(below));
	bulla_code code = list ? BULLA_OK : bulla_fail_memory(err);
	for (size_t i = 0; i < s->subject.below_count && !code; i++)
		list[i] = bulla_cursor_prefixed(&c);
	for (size_t i = s->subject.below_count; i-- > 0 && !code;) {
		code = keeper->destroy(keeper->self, list[i], err);
		bulla_run_progress(&s->pace, "destroying", s->subject.below_count - i, s->subject.below_count, i == 0);
	}
	free(list);
	return code;
}

/* The branch itself first: from that moment on nothing below it opens either. */
static bulla_code destroy(shred *s, bulla_error *err)
{
	const bulla_branch_keeper *keeper = s->options->keeper;
	bulla_bytes identity = bulla_view_buf(&s->subject.identity);
	if (s->subject.fate.state != BULLA_BRANCH_DESTROYED) TRY(note_all(s, BULLA_SHRED_DESTROYING, err));
	bulla_run_hook(&s->pace, "noted");
	TRY(keeper->destroy(keeper->self, identity, err));
	TRY(destroy_below(s, err));
	TRY(keeper->fate(keeper->self, identity, &s->subject.fate, err));
	bulla_run_hook(&s->pace, "destroyed");
	TRY(note_all(s, BULLA_SHRED_CLEARING, err));
	s->ret->closed_us = s->subject.fate.closed_us;
	s->ret->destroyed_us = s->subject.fate.destroyed_us;
	s->ret->below = s->subject.below_count;
	return BULLA_OK;
}

/* --- clearing --------------------------------------------------------------------------------------------------- */

static bulla_code clear_table(shred *s, bulla_shred_table *t, bulla_error *err)
{
	TRY(bulla_lease_take(&t->run, err));
	TRY(t->run.db->target->prepare_drop(t->run.db, err));
	TRY(bulla_shred_clear(t, &s->subject, err));
	TRY(bulla_shred_prove_neighbours(t, err));
	bulla_lease_give(&t->run);
	return BULLA_OK;
}

/* --- free pages --------------------------------------------------------------------------------------------------- */

static bool is_rewritten(const shred *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s->tables[i].rewritten && strcmp(s->tables[i].job->url, s->tables[n].job->url) == 0) return true;
	return false;
}

/* Free pages, and the database's log, hold what was cleared until they are rewritten; each database once. */
static bulla_code rewrite(shred *s, size_t i, bool erase, bulla_error *err)
{
	bulla_shred_table *t = &s->tables[i];
	const bulla_target *target = t->run.db->target;
	bool pending = t->cleared || t->resumed;
	if (s->options->no_rewrite || !pending || !bulla_shred_leaves_sense(t->job->model, erase)) return BULLA_OK;
	t->rewritten = true;
	s->rewritten = true;
	if (is_rewritten(s, i)) return BULLA_OK;
	target->writer_close(t->writer);
	t->writer = NULL;
	bulla_run_progress(&s->pace, "rewriting", 0, 0, true);
	TRY(target->purge(t->run.db, err));
	bulla_run_hook(&s->pace, "purged");
	return BULLA_OK;
}

static bulla_code prove(shred *s, bulla_error *err)
{
	char detail[96];
	bulla_keyring_forget(first_job(s)->keyring);
	for (size_t i = 0; i < s->table_count; i++) {
		if (!is_involved(s, &s->tables[i])) continue;
		TRY(bulla_shred_prove_sample(&s->tables[i], err));
		s->ret->proven += s->tables[i].proven;
		s->ret->still_open += s->tables[i].still_open;
	}
	if (s->ret->proven + s->ret->still_open == 0) return BULLA_OK;
	snprintf(detail, sizeof detail, "shred: %" PRIu64 " rows fail with key_destroyed, %" PRIu64 " do not,", s->ret->proven,
		 s->ret->still_open);
	for (size_t i = 0; i < s->table_count; i++)
		if (is_involved(s, &s->tables[i])) return bulla_run_record(&s->tables[i].run, "ShredProof", detail, err);
	return BULLA_OK;
}

static bulla_code clear(shred *s, bulla_error *err)
{
	for (size_t i = 0; i < s->table_count; i++) {
		bulla_shred_table *t = &s->tables[i];
		if (!is_involved(s, t)) continue;
		TRY(clear_table(s, t, err));
		s->ret->cleared += t->book.cleared;
		s->ret->refused += t->refused;
		s->ret->neighbours += t->neighbours;
		s->ret->lost += t->lost;
	}
	for (size_t i = 0; i < s->table_count; i++)
		if (is_involved(s, &s->tables[i])) TRY(rewrite(s, i, false, err));
	return note_all(s, BULLA_SHRED_DONE, err);
}

/* --- the report ------------------------------------------------------------------------------------------------- */

static int64_t gone_us(const shred *s)
{
	return s->options->retention_ms ? s->ret->destroyed_us + s->options->retention_ms * 1000 : 0;
}

/* Only tables with rows of it are told. */
static bulla_code report(shred *s, bulla_bytes erased, bulla_error *err)
{
	bulla_shred_table *involved = calloc(s->table_count + 1, sizeof *involved);
	size_t n = 0;
	if (!involved) return bulla_fail_memory(err);
	for (size_t i = 0; i < s->table_count; i++)
		if (is_involved(s, &s->tables[i]) || erased.len) involved[n++] = s->tables[i]; /* borrowed */
	s->ret->gone_us = gone_us(s);
	bulla_shred_report r = { .options = s->options,
				 .job = first_job(s),
				 .subject = erased.len ? NULL : &s->subject,
				 .tables = involved,
				 .table_count = n,
				 .pk = erased,
				 .rewritten = s->rewritten,
				 .result = s->ret };
	bulla_code code = bulla_shred_write_report(&r, err);
	free(involved);
	return code;
}

static bulla_code check_signer(const shred *s, bulla_error *err)
{
	if (first_job(s)->sign_seed) return BULLA_OK;
	bulla_code code =
		bulla_fail(err, BULLA_ERR_REFUSED, "there is no key to sign the report with, and an unsigned one proves nothing");
	return bulla_advise(err, code, "run this where the project's key store is");
}

/* --- a branch --------------------------------------------------------------------------------------------------- */

static bulla_code cancel(shred *s, bulla_error *err)
{
	const bulla_branch_keeper *keeper = s->options->keeper;
	TRY(bulla_subject_look(s->options, &s->subject, err));
	TRY(keeper->reopen(keeper->self, bulla_view_buf(&s->subject.identity), err));
	TRY(open_tables(s, err));
	for (size_t i = 0; i < s->table_count; i++)
		TRY(bulla_shred_book_forget(s->tables[i].run.db, s->subject.id, err));
	s->ret->state = BULLA_BRANCH_ACTIVE;
	return BULLA_OK;
}

static bulla_code end_branch(shred *s, bulla_error *err)
{
	TRY(keep_proofs(s, err));
	TRY(destroy(s, err));
	s->ret->state = BULLA_BRANCH_DESTROYED;
	TRY(prove(s, err));
	bulla_run_hook(&s->pace, "proven");
	TRY(clear(s, err));
	return report(s, bulla_view(NULL, 0), err);
}

static bulla_code shred_branch(shred *s, bulla_error *err)
{
	const bulla_shred_options *o = s->options;
	bool ready = false;
	TRY(check_signer(s, err));
	if (o->branch)
		TRY(bulla_subject_of_branch(o, &s->subject, err));
	else
		TRY(bulla_subject_of_record(o, &s->subject, err));
	TRY(bulla_buf_add(&s->ret->branch, bulla_view_buf(&s->subject.print), err));
	if (o->cancel) return cancel(s, err);
	TRY(survey(s, err));
	s->ret->versions = s->subject.own / 8;
	s->ret->state = BULLA_BRANCH_CLOSING;
	TRY(close_branch(s, &ready, err));
	return ready ? end_branch(s, err) : BULLA_OK;
}

/* --- one record without a branch key ------------------------------------------------------------------------------ */

static bulla_code check_erasable(const bulla_model *model, bulla_error *err)
{
	bulla_code code;
	if (model->data_key == BULLA_DATA_KEY_FIELD || model->data_key == BULLA_DATA_KEY_TABLE) {
		code = bulla_fail(
			err, BULLA_ERR_REFUSED,
			"the records of %s share one data key (data_key: %s), which goes on opening every copy of this one",
			model->key, model->data_key == BULLA_DATA_KEY_TABLE ? "table" : "field");
		return bulla_advise(err, code,
				    "delete the row; to shred records, the model needs data_key: record and a branch_key");
	}
	if (!model->branch.name.text) return BULLA_OK;
	code = bulla_fail(err, BULLA_ERR_REFUSED, "the records of %s have a branch key: destroying it ends every copy of them",
			  model->key);
	return bulla_advise(err, code, "bulla shred %s ID, without --erase", model->key);
}

static bulla_code find_record(shred *s, bulla_shred_table *t, bulla_buf *pk, bulla_value *locator, bulla_error *err)
{
	const bulla_shred_options *o = s->options;
	TRY(bulla_page_init(&t->sample, &t->run.mapping, &t->shape, 2, 4096, err));
	TRY(bulla_shred_find_row(&t->run, &t->shape, o->pk, o->pk_count, &t->sample, err));
	if (t->sample.n == 0) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s has no such record", t->job->model->key);
	bulla_page_locator(&t->sample, 0, locator);
	TRY(bulla_pk_write(bulla_page_values(&t->sample, 0), t->shape.pk, t->run.mapping.table->pk_count, pk, err));
	return bulla_subject_id(t->job->model->key, bulla_view_buf(pk), s->subject.id, err);
}

static bulla_code erase_locked(shred *s, bulla_shred_table *t, const bulla_value *locator, bulla_error *err)
{
	TRY(bulla_shred_book_make(t->run.db, err));
	TRY(bulla_shred_clear_row(t, locator, err));
	t->cleared = 1;
	t->book = (bulla_shred_entry){ BULLA_SHRED_CLEARING, 1 };
	return bulla_shred_book_store(t->run.db, s->subject.id, t->job->model->key, &t->book, bulla_view(NULL, 0), err);
}

static bulla_code erase_row(shred *s, bulla_shred_table *t, const bulla_value *locator, bulla_error *err)
{
	const bulla_target *target = t->run.db->target;
	TRY(target->prepare_drop(t->run.db, err));
	TRY(target->begin_write(t->run.db, err));
	bulla_code code = erase_locked(s, t, locator, err);
	target->writer_rest(t->writer);
	if (!code) return target->commit(t->run.db, err);
	target->rollback(t->run.db);
	return code;
}

/* A trigger of the table may have had other ideas. */
static bulla_code prove_empty(bulla_shred_table *t, const bulla_value *locator, bulla_error *err)
{
	const bulla_value *values = NULL;
	bool sealed = false;
	TRY(t->run.db->target->writer_read(t->writer, locator, &values, err));
	for (size_t f = 0; values && f < t->job->model->field_count; f++)
		sealed |= values[t->shape.cipher[f]].kind != BULLA_KIND_NULL;
	t->run.db->target->writer_rest(t->writer);
	if (!sealed) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_REFUSED, "a trigger of table %s has written a ciphertext into the row again",
			  t->run.mapping.table->name);
}

static bulla_code erase_found(shred *s, bulla_shred_table *t, const bulla_value *locator, bulla_bytes pk, bulla_error *err)
{
	TRY(bulla_shred_keep_neighbours(t, &s->subject, BULLA_SHRED_SEALED, locator, s->options->neighbours, err));
	TRY(bulla_lease_take(&t->run, err));
	TRY(erase_row(s, t, locator, err));
	bulla_run_hook(&s->pace, "cleared");
	TRY(prove_empty(t, locator, err));
	TRY(bulla_run_record(&t->run, "RecordErased", "shred --erase:", err));
	TRY(bulla_shred_prove_neighbours(t, err));
	bulla_lease_give(&t->run);
	s->ret->destroyed_us = bulla_now_us(NULL);
	s->ret->rows = s->ret->cleared = 1;
	s->ret->neighbours = t->neighbours;
	s->ret->lost = t->lost;
	TRY(rewrite(s, 0, true, err));
	TRY(note_step(s, t, BULLA_SHRED_DONE, err));
	return report(s, pk, err);
}

static bulla_code erase(shred *s, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf pk = { 0 };
	const bulla_job *job = first_job(s);
	bulla_value locator[BULLA_LOCATOR_MAX];
	TRY(check_signer(s, err));
	TRY(check_erasable(job->model, err));
	s->tables = calloc(1, sizeof *s->tables);
	if (!s->tables) return bulla_fail_memory(err);
	s->table_count = 1;
	bulla_shred_table *t = &s->tables[0];
	TRY(bulla_shred_table_open(t, job, NULL, err));
	TRY(refuse_plaintext(&t->run, err));
	TRY(check_ready(&t->run, err));
	TRY(bulla_shred_prepare(t, err));
	TRY(find_record(s, t, &pk, locator, err));
	return erase_found(s, t, locator, bulla_view_buf(&pk), err);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

bulla_code bulla_job_shred(const bulla_shred_options *options, bulla_shred_result *ret, bulla_error *err)
{
	shred s = { .options = options, .ret = ret };
	*ret = (bulla_shred_result){ 0 };
	s.pace = (bulla_run){ .job = first_job(&s), .began_us = bulla_now_us(NULL) };
	bulla_code code = options->erase ? erase(&s, err) : shred_branch(&s, err);
	ret->seconds = bulla_run_seconds(&s.pace);
	close_tables(&s);
	bulla_subject_done(&s.subject);
	return code;
}

bulla_code bulla_job_tombstones(const bulla_job *job, bulla_buf *out, bulla_error *err)
{
	bulla_db *db = NULL;
	bulla_place place = bulla_job_place(job, false);
	TRY(bulla_db_open(&place, &db, err));
	bulla_code code = db->target->begin_read(db, err);
	if (!code) code = bulla_shred_book_versions(db, out, err);
	db->target->rollback(db);
	bulla_db_close(db);
	return code;
}
