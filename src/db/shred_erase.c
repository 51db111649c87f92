/*
 * shred_erase.c - one record of a model without a branch key: its columns are cleared, and nothing else is promised.
 */
#include "db/shred_inside.h"

#include "io/file.h"

#include <stdlib.h>

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

static bulla_code find_record(bulla_shred *s, bulla_shred_table *t, bulla_buf *pk, bulla_value *locator, bulla_error *err)
{
	const bulla_shred_options *o = s->options;
	TRY(bulla_page_init(&t->sample, &t->run.mapping, &t->shape, 2, 4096, err));
	TRY(bulla_shred_find_row(&t->run, &t->shape, o->pk, o->pk_count, &t->sample, err));
	if (t->sample.n == 0) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s has no such record", t->job->model->key);
	bulla_page_locator(&t->sample, 0, locator);
	TRY(bulla_pk_write(bulla_page_values(&t->sample, 0), t->shape.pk, t->run.mapping.table->pk_count, pk, err));
	return bulla_subject_id(t->job->model->key, bulla_view_buf(pk), s->subject.id, err);
}

static bulla_code erase_locked(bulla_shred *s, bulla_shred_table *t, const bulla_value *locator, bulla_error *err)
{
	TRY(bulla_shred_book_make(t->run.db, err));
	TRY(bulla_shred_clear_row(t, locator, err));
	t->cleared = 1;
	t->book = (bulla_shred_entry){ BULLA_SHRED_CLEARING, 1 };
	return bulla_shred_book_store(t->run.db, s->subject.id, t->job->model->key, &t->book, bulla_view(NULL, 0), err);
}

static bulla_code erase_row(bulla_shred *s, bulla_shred_table *t, const bulla_value *locator, bulla_error *err)
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

static bulla_code erase_found(bulla_shred *s, bulla_shred_table *t, const bulla_value *locator, bulla_bytes pk, bulla_error *err)
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
	TRY(bulla_shred_rewrite(s, 0, true, err));
	TRY(bulla_shred_note(s, t, BULLA_SHRED_DONE, err));
	return bulla_shred_end(s, pk, err);
}

bulla_code bulla_shred_erase(bulla_shred *s, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf pk = { 0 };
	const bulla_job *job = bulla_shred_first_job(s);
	bulla_value locator[BULLA_LOCATOR_MAX];
	TRY(bulla_shred_check_signer(s, err));
	TRY(check_erasable(job->model, err));
	s->tables = calloc(1, sizeof *s->tables);
	if (!s->tables) return bulla_fail_memory(err);
	s->table_count = 1;
	bulla_shred_table *t = &s->tables[0];
	TRY(bulla_shred_table_open(t, job, NULL, err));
	TRY(bulla_shred_refuse_plaintext(&t->run, err));
	TRY(bulla_shred_check_ready(&t->run, err));
	TRY(bulla_shred_prepare(t, err));
	TRY(find_record(s, t, &pk, locator, err));
	return erase_found(s, t, locator, bulla_view_buf(&pk), err);
}
