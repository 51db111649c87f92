/*
 * edit.c - writing one field of one record, as an application does: the whole record is sealed again under a fresh data key.
 */
#include "db/run.h"

#include "db/page.h"

#include <stdlib.h>
#include <string.h>

/* Everything that an edit holds. */
struct edit {
	bulla_run run;
	bulla_shape shape;
	bulla_page page;
	bulla_walk *walk;
	bulla_writer *writer;
	bulla_batch *opener, *sealer;
	size_t fields[BULLA_FIELDS_MAX]; /* all of the model's: the writer keeps the pointer */
};

static void edit_close(struct edit *e)
{
	bulla_batch_free(e->opener);
	bulla_batch_free(e->sealer);
	if (e->walk) e->run.db->target->walk_close(e->walk);
	if (e->writer) e->run.db->target->writer_close(e->writer);
	bulla_page_done(&e->page);
	bulla_shape_done(&e->shape);
	bulla_run_close(&e->run);
}

static bulla_code check_phase(const bulla_run *run, bulla_error *err)
{
	if (run->state.phase == BULLA_PHASE_FINISHED || bulla_mapping_is_finished(&run->mapping)) return BULLA_OK;
	bulla_fail(err, BULLA_ERR_REFUSED,
		   "until finish the plaintext column is the truth: a value sealed beside it would be lost");
	return bulla_advise(err, BULLA_ERR_REFUSED, "write the plaintext with your application and run: bulla apply %s",
			    run->job->model->key);
}

static bulla_code open_parts(struct edit *e, const bulla_job *job, bulla_error *err)
{
	const bulla_target *target = e->run.db->target;
	const bulla_model *model = job->model;
	bulla_batch_options open = { .size = sizeof open, .no_indexes = true }, seal = { .size = sizeof seal };
	for (size_t f = 0; f < model->field_count; f++)
		e->fields[f] = f;
	TRY(check_phase(&e->run, err));
	TRY(bulla_shape_init(&e->shape, &e->run.mapping, BULLA_SHAPE_SEALED, err));
	TRY(bulla_page_init(&e->page, &e->run.mapping, &e->shape, 1, BULLA_PAGE_BYTES, err));
	TRY(bulla_batch_new(job->keyring, job->model, &open, &e->opener, err));
	TRY(bulla_batch_new(job->keyring, job->model, &seal, &e->sealer, err));
	TRY(target->walk_open(e->run.db, &e->run.mapping, &e->shape, BULLA_WALK_ROW, NULL, &e->walk, err));
	return target->writer_open(e->run.db, &e->run.mapping, &e->shape, e->fields, model->field_count, &e->writer, err);
}

static bulla_code read_row(struct edit *e, const bulla_bytes *pk, size_t pk_count, bulla_error *err)
{
	const bulla_target *target = e->run.db->target;
	const bulla_table *table = e->run.mapping.table;
	const bulla_value *values = NULL;
	bulla_value key[BULLA_INPUTS_MAX];
	bool added;
	if (pk_count != table->pk_count || pk_count > BULLA_INPUTS_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "the primary key of %s has %zu columns, %zu values were given",
				  table->name, table->pk_count, pk_count);
	for (size_t i = 0; i < pk_count; i++)
		key[i] = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = pk[i] };
	TRY(target->walk_start(e->walk, key, pk_count, err));
	bulla_code code = target->walk_next(e->walk, &values, err);
	if (!code && values) code = bulla_page_add(&e->page, values, &added, err);
	target->walk_stop(e->walk);
	TRY(code);
	return e->page.n ? BULLA_OK : bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s has no such record", e->run.job->model->key);
}

/* Text of the command line as a value of the field's type. */
static bulla_code value_of(const bulla_field *field, bulla_bytes plain, bulla_value *ret, bulla_error *err)
{
	char text[64] = "", *end = text;
	bool number = field->type == BULLA_TYPE_INTEGER || field->type == BULLA_TYPE_FLOAT || field->type == BULLA_TYPE_BOOLEAN;
	*ret = (bulla_value){ .kind = field->type == BULLA_TYPE_BINARY ? BULLA_KIND_BINARY : BULLA_KIND_TEXT, .bytes = plain };
	if (!number) return BULLA_OK;
	if (plain.len && plain.len < sizeof text) memcpy(text, plain.data, plain.len);
	if (field->type == BULLA_TYPE_FLOAT)
		*ret = (bulla_value){ .kind = BULLA_KIND_FLOAT, .number = strtod(text, &end) };
	else
		*ret = (bulla_value){ .kind = BULLA_KIND_INTEGER, .integer = strtoll(text, &end, 10) };
	if (end != text && *end == 0) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_TYPE, "the value is not a %s", bulla_type_name(field->type));
}

/* Opened values live in the opener until its next call, so that the sealer can read them. */
static bulla_code reseal(struct edit *e, const bulla_field *field, const bulla_value *value, bulla_error *err)
{
	bulla_row *row = &e->page.rows[0];
	TRY(bulla_batch_open(e->opener, row, 1, err));
	if (row->code) return bulla_row_explain(e->opener, row, err);
	row->cells[field->position].value = *value;
	TRY(bulla_batch_seal(e->sealer, row, 1, err));
	return row->code ? bulla_row_explain(e->sealer, row, err) : BULLA_OK;
}

/* Nobody may have written the row since it was read. */
static bulla_code is_unchanged(struct edit *e, const bulla_value *locator, bulla_error *err)
{
	const bulla_value *now, *then = bulla_page_values(&e->page, 0);
	TRY(e->run.db->target->writer_read(e->writer, locator, &now, err));
	bool same = now != NULL;
	for (size_t i = 0; same && i < e->shape.width; i++)
		same = bulla_value_same(&now[i], &then[i]);
	return same ? BULLA_OK : bulla_fail(err, BULLA_ERR_CONFLICT, "another writer changed the record meanwhile");
}

static bulla_code write_row(struct edit *e, bulla_error *err)
{
	const bulla_target *target = e->run.db->target;
	bulla_value locator[BULLA_LOCATOR_MAX];
	bulla_page_locator(&e->page, 0, locator);
	TRY(target->begin_write(e->run.db, err));
	bulla_code code = is_unchanged(e, locator, err);
	if (!code) code = target->writer_put(e->writer, locator, &e->page.rows[0], err);
	target->writer_rest(e->writer);
	if (!code) return target->commit(e->run.db, err);
	target->rollback(e->run.db);
	return code;
}

bulla_code bulla_job_seal_value(const bulla_job *job, const bulla_bytes *pk, size_t pk_count, const bulla_field *field,
				bulla_bytes plain, bulla_error *err)
{
	struct edit e = { 0 };
	bulla_value value;
	TRY(value_of(field, plain, &value, err));
	TRY(bulla_run_open(&e.run, job, true, false, err));
	bulla_code code = open_parts(&e, job, err);
	if (!code) code = read_row(&e, pk, pk_count, err);
	if (!code) code = reseal(&e, field, &value, err);
	if (!code) code = write_row(&e, err);
	edit_close(&e);
	return code;
}
