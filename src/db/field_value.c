/*
 * field_value.c - one value of one record's field, sealed under the record's own key or opened with it; nothing is written.
 */
#include "db/run.h"

#include "db/page.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The record that a value belongs to. */
struct record {
	bulla_run run;
	bulla_shape shape;
	bulla_page page;
	bulla_walk *walk;
	bulla_batch *batch;
};

static void record_close(struct record *r)
{
	bulla_batch_free(r->batch);
	if (r->walk) r->run.db->target->walk_close(r->walk);
	bulla_page_done(&r->page);
	bulla_shape_done(&r->shape);
	bulla_run_close(&r->run);
}

static bulla_code open_parts(struct record *r, const bulla_job *job, bulla_error *err)
{
	bulla_batch_options options = { .size = sizeof options, .no_indexes = true, .partial = true };
	TRY(bulla_shape_init(&r->shape, &r->run.mapping, BULLA_SHAPE_SEALED, err));
	TRY(bulla_page_init(&r->page, &r->run.mapping, &r->shape, 1, BULLA_PAGE_BYTES, err));
	TRY(bulla_batch_new(job->keyring, job->model, &options, &r->batch, err));
	return r->run.db->target->walk_open(r->run.db, &r->run.mapping, &r->shape, BULLA_WALK_ROW, NULL, &r->walk, err);
}

static bulla_code read_row(struct record *r, const bulla_bytes *pk, size_t pk_count, bulla_error *err)
{
	const bulla_target *target = r->run.db->target;
	const bulla_table *table = r->run.mapping.table;
	const bulla_value *values = NULL;
	bulla_value key[BULLA_INPUTS_MAX];
	bool added;
	if (pk_count != table->pk_count || pk_count > BULLA_INPUTS_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "the primary key of %s has %zu columns, %zu values were given",
				  table->name, table->pk_count, pk_count);
	for (size_t i = 0; i < pk_count; i++)
		key[i] = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = pk[i] };
	TRY(target->walk_start(r->walk, key, pk_count, err));
	bulla_code code = target->walk_next(r->walk, &values, err);
	if (!code && values) code = bulla_page_add(&r->page, values, &added, err);
	target->walk_stop(r->walk);
	TRY(code);
	return r->page.n ? BULLA_OK : bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s has no such record", r->run.job->model->key);
}

static bulla_code record_open(struct record *r, const bulla_job *job, const bulla_bytes *pk, size_t pk_count, bulla_error *err)
{
	*r = (struct record){ 0 };
	TRY(bulla_run_open(&r->run, job, false, false, err));
	bulla_code code = open_parts(r, job, err);
	if (!code) code = read_row(r, pk, pk_count, err);
	if (code) record_close(r);
	return code;
}

/* The record's row with the one cell that is asked for. */
static bulla_row row_of(const struct record *r, bulla_cell *cell)
{
	const bulla_row *row = &r->page.rows[0];
	return (bulla_row){ .inputs = row->inputs, .cells = cell, .cell_count = 1, .keys = row->keys };
}

static bulla_code check_key(const struct record *r, const bulla_field *field, bulla_error *err)
{
	const bulla_model *model = r->run.job->model;
	if (model->data_key == BULLA_DATA_KEY_NONE || r->page.rows[0].keys[field->key].data) return BULLA_OK;
	bulla_fail(err, BULLA_ERR_NOT_FOUND, "this record has no wrapped key yet: nothing of it is sealed");
	return bulla_advise(err, BULLA_ERR_NOT_FOUND, "bulla apply %s seals it, as a whole", model->key);
}

/* --- text of the command line as a value ----------------------------------------------------------------------- */

static bulla_code number_of(const bulla_field *field, const char *text, bulla_value *ret)
{
	char *end;
	errno = 0;
	if (field->type == BULLA_TYPE_FLOAT)
		*ret = (bulla_value){ .kind = BULLA_KIND_FLOAT, .number = strtod(text, &end) };
	else
		*ret = (bulla_value){ .kind = BULLA_KIND_INTEGER, .integer = strtoll(text, &end, 10) };
	bool whole = end != text && *end == 0 && errno != ERANGE;
	if (field->type == BULLA_TYPE_FLOAT) whole = whole && isfinite(ret->number);
	if (field->type == BULLA_TYPE_BOOLEAN) whole = whole && (ret->integer == 0 || ret->integer == 1);
	return whole ? BULLA_OK : BULLA_ERR_TYPE;
}

static bulla_code value_of(const bulla_field *field, bulla_bytes plain, bulla_value *ret, bulla_error *err)
{
	char text[64] = "";
	bool number = field->type == BULLA_TYPE_INTEGER || field->type == BULLA_TYPE_FLOAT || field->type == BULLA_TYPE_BOOLEAN;
	*ret = (bulla_value){ .kind = field->type == BULLA_TYPE_BINARY ? BULLA_KIND_BINARY : BULLA_KIND_TEXT, .bytes = plain };
	if (!number) return BULLA_OK;
	bool fits = plain.len && plain.len < sizeof text && !memchr(plain.data, 0, plain.len);
	if (fits) memcpy(text, plain.data, plain.len);
	if (fits && number_of(field, text, ret) == BULLA_OK) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_TYPE, "the value is not a %s, or out of its range", bulla_type_name(field->type));
}

static bulla_code value_text(const bulla_value *value, bulla_buf *out, bulla_error *err)
{
	if (value->kind == BULLA_KIND_TEXT || value->kind == BULLA_KIND_BINARY) return bulla_buf_add(out, value->bytes, err);
	if (value->kind == BULLA_KIND_FLOAT) return bulla_buf_printf(out, err, "%.17g", value->number);
	return bulla_buf_printf(out, err, "%lld", (long long)value->integer);
}

/* --- both ways ------------------------------------------------------------------------------------------------- */

bulla_code bulla_job_seal_value(const bulla_job *job, const bulla_bytes *pk, size_t pk_count, const bulla_field *field,
				bulla_bytes plain, bulla_buf *out, bulla_error *err)
{
	struct record r;
	bulla_cell cell = { .field = field->position };
	TRY(value_of(field, plain, &cell.value, err));
	TRY(record_open(&r, job, pk, pk_count, err));
	bulla_row row = row_of(&r, &cell);
	bulla_code code = check_key(&r, field, err);
	if (!code) code = bulla_batch_seal(r.batch, &row, 1, err);
	if (!code && row.code) code = bulla_row_explain(r.batch, &row, err);
	if (!code) code = bulla_buf_add(out, cell.ciphertext, err);
	record_close(&r);
	return code;
}

bulla_code bulla_job_open_given(const bulla_job *job, const bulla_bytes *pk, size_t pk_count, const bulla_field *field,
				bulla_bytes ciphertext, bulla_buf *out, bulla_error *err)
{
	struct record r;
	bulla_cell cell = { .field = field->position, .ciphertext = ciphertext };
	TRY(record_open(&r, job, pk, pk_count, err));
	bulla_row row = row_of(&r, &cell);
	bulla_code code = check_key(&r, field, err);
	if (!code) code = bulla_batch_open(r.batch, &row, 1, err);
	if (!code && row.code) code = bulla_row_explain(r.batch, &row, err);
	if (!code && cell.value.kind == BULLA_KIND_NULL)
		code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "the value is a sealed NULL");
	if (!code) code = value_text(&cell.value, out, err);
	record_close(&r);
	return code;
}
