/*
 * shred_survey.c - everything as it is before a step from which there is no way back: the store, the tables, and whether it may go on.
 */
#include "db/shred_inside.h"

#include <inttypes.h>
#include <stdlib.h>

const bulla_job *bulla_shred_first_job(const bulla_shred *s)
{
	size_t at = s->options->model == BULLA_NO_RECORD ? 0 : s->options->model;
	return &s->options->jobs[at];
}

/* --- tables ----------------------------------------------------------------------------------------------------- */

void bulla_shred_close_tables(bulla_shred *s)
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

bulla_code bulla_shred_open_tables(bulla_shred *s, bulla_error *err)
{
	const bulla_shred_options *o = s->options;
	bulla_shred_close_tables(s);
	s->tables = calloc(o->job_count + 1, sizeof *s->tables);
	if (!s->tables) return bulla_fail_memory(err);
	for (size_t i = 0; i < o->job_count; i++) {
		if (!can_hang(o->jobs[i].model)) continue;
		TRY(bulla_shred_table_open(&s->tables[s->table_count++], &o->jobs[i], &s->subject, err));
	}
	return BULLA_OK;
}

static bulla_code count_rows(bulla_shred *s, bulla_shred_table *t, bulla_error *err)
{
	bulla_db *db = t->run.db;
	TRY(db->target->begin_read(db, err));
	bulla_code code = bulla_shred_count(t, &s->subject, BULLA_SHRED_UNDER, &t->rows, err);
	if (!code) code = bulla_shred_count(t, &s->subject, BULLA_SHRED_STRAYS, &t->strays, err);
	db->target->rollback(db);
	return code;
}

bool bulla_shred_is_involved(const bulla_shred *s, const bulla_shred_table *t)
{
	if (t->run.mapping.cipher_count == 0) return false;
	return t->rows || t->book.step != BULLA_SHRED_NONE || bulla_subject_has_scope(&s->subject, t->job->model);
}

static bulla_code count_all(bulla_shred *s, bulla_error *err)
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

bulla_code bulla_shred_refuse_plaintext(const bulla_run *run, bulla_error *err)
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

bulla_code bulla_shred_check_ready(const bulla_run *run, bulla_error *err)
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

static bulla_code refuse_shared(const bulla_shred *s, bulla_error *err)
{
	if (!s->subject.shared) return BULLA_OK;
	const bulla_buf *print = &s->subject.print;
	bulla_code code =
		bulla_fail(err, BULLA_ERR_REFUSED, "the branch %.*s is not this record's alone: %" PRIu64 " records go with it",
			   (int)print->len, (const char *)print->data, s->ret->rows);
	return bulla_advise(err, code, "if all of them are meant: bulla shred --branch %.*s", (int)print->len,
			    (const char *)print->data);
}

static bulla_code refuse_data_key(const bulla_shred *s, bulla_error *err)
{
	if (!s->subject.shares) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
				     "a data key that a whole table shares hangs from this branch (data_key: field | table)");
	return bulla_advise(err, code, "to shred records, the model needs data_key: record and a branch_key");
}

static bulla_code refuse(bulla_shred *s, bulla_error *err)
{
	TRY(refuse_data_key(s, err));
	TRY(refuse_shared(s, err));
	if (s->subject.fate.state != BULLA_BRANCH_DESTROYED) TRY(bulla_shred_refuse_unnamed(s, err));
	for (size_t i = 0; i < s->table_count; i++) {
		bulla_shred_table *t = &s->tables[i];
		if (!t->rows && !bulla_subject_has_scope(&s->subject, t->job->model)) continue;
		TRY(bulla_shred_refuse_plaintext(&t->run, err));
		if (s->subject.fate.state != BULLA_BRANCH_DESTROYED) TRY(refuse_strays(t, err));
		if (!bulla_shred_is_involved(s, t)) continue;
		TRY(bulla_shred_check_ready(&t->run, err));
		TRY(refuse_work(t, err));
	}
	return BULLA_OK;
}

/* Everything as it is now: the store, the tables, and whether it may go on. */
bulla_code bulla_shred_survey(bulla_shred *s, bulla_error *err)
{
	TRY(bulla_subject_look(s->options, &s->subject, err));
	if (s->subject.fate.versions == 0) {
		bulla_code code =
			bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no branch key %.*s: nothing was ever sealed under it",
				   (int)s->subject.print.len, (const char *)s->subject.print.data);
		return bulla_advise(err, code, "bulla status shows by which keys the rows are wrapped");
	}
	TRY(bulla_shred_open_tables(s, err));
	TRY(count_all(s, err));
	return refuse(s, err);
}
