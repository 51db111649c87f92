/*
 * boxed.c - data_key: none: values of at most 4096 bytes that the KMS encrypts itself, each a box.
 */
#include "core/batch.h"

#include "format/value.h"

#include <bulla/box.h>

/* The row's context with three pairs more, so that a box opens in its own field only. */
static bulla_code box_context(bulla_batch *batch, const bulla_row *row, const bulla_field *field, bulla_buf *out,
			      bulla_error *err)
{
	const bulla_model *model = batch->layout.model;
	bulla_row_context *context = &batch->workers[0].contexts[0];
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX + 3];
	size_t n;
	TRY(bulla_layout_context(&batch->layout, 0, row->inputs, context, err));
	TRY(bulla_context_decode(bulla_view(context->bytes, context->len), pairs, &n, err));
	pairs[n++] = (bulla_pair){ bulla_view_str("bulla_field"), bulla_view_str(field->name) };
	pairs[n++] = (bulla_pair){ bulla_view_str("bulla_model"), bulla_view_str(model->name) };
	pairs[n++] = (bulla_pair){ bulla_view_str("bulla_type"), bulla_view_str(bulla_type_name(field->type)) };
	return bulla_context_encode(pairs, n, out, err);
}

static bulla_code prepare_seal(bulla_batch *batch, const bulla_field *field, const bulla_cell *cell, bulla_bytes context,
			       uint32_t *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf plain = { 0 };
	size_t size;
	TRY(bulla_value_measure(field->type, &cell->value, &size, err));
	if (size > BULLA_BOX_MAX)
		return bulla_fail(err, BULLA_ERR_TOO_LARGE, "a KMS encrypts at most %d bytes itself; the value has %zu",
				  BULLA_BOX_MAX, size);
	TRY(bulla_buf_reserve(&plain, size, err));
	bulla_value_write(field->type, &cell->value, plain.data);
	plain.len = size;
	return bulla_direct_box(batch->direct, bulla_view_buf(&plain), context, NULL, ret, err);
}

bulla_code bulla_boxed_prepare(bulla_batch *batch, size_t i, bulla_error *err)
{
	const bulla_model *model = batch->layout.model;
	bulla_row *row = &batch->rows[i];
	bool sealing = batch->verb == BULLA_VERB_SEAL;
	if (batch->verb == BULLA_VERB_REWRAP)
		return bulla_fail(err, BULLA_ERR_USAGE, "data_key: none has no wrapped key: seal the values again");
	for (size_t c = 0; c < row->cell_count; c++) {
		BULLA_BUF_AUTO bulla_buf context = { 0 };
		const bulla_cell *cell = &row->cells[c];
		const bulla_field *field = &model->fields[cell->field];
		bulla_source *source = &batch->sources[i * model->field_count + cell->field];
		*source = (bulla_source){ 0 };
		if (sealing ? cell->value.kind == BULLA_KIND_NULL : !cell->ciphertext.data) continue;
		TRY(box_context(batch, row, field, &context, err));
		source->kind = BULLA_SOURCE_DIRECT;
		TRY(sealing ? prepare_seal(batch, field, cell, bulla_view_buf(&context), &source->number, err)
			    : bulla_direct_open(batch->direct, cell->ciphertext, bulla_view_buf(&context), &source->number, err));
	}
	return BULLA_OK;
}

static bulla_code seal_cell(bulla_worker *w, size_t i, bulla_cell *cell)
{
	bulla_source source = w->batch->sources[i * w->batch->layout.model->field_count + cell->field];
	bulla_bytes made;
	cell->ciphertext = cell->index = cell->previous_index = bulla_view(NULL, 0);
	if (source.kind == BULLA_SOURCE_NONE) return BULLA_OK;
	TRY(bulla_direct_bytes(w->batch->direct, source.number, &made, NULL));
	cell->ciphertext = bulla_space_copy(&w->space, made);
	if (!cell->ciphertext.data) return BULLA_ERR_MEMORY;
	return w->batch->options.no_indexes ? BULLA_OK : bulla_work_index(w, i, cell);
}

/* 1 + the position of the context part that appears to differ; 0 where it is the field, or not known. */
static size_t differing(bulla_worker *w, uint32_t number)
{
	const bulla_model *model = w->batch->layout.model;
	bulla_bytes name = bulla_direct_differing(w->batch->direct, w->lane, number);
	for (size_t c = 0; name.data && c < model->context_count; c++)
		if (bulla_bytes_is(name, model->context[c].name)) return c + 1;
	return 0;
}

static bulla_code content(bulla_worker *w, size_t i, uint32_t number, bulla_bytes *ret)
{
	bulla_code code = bulla_direct_content(w->batch->direct, number, ret, NULL);
	if (code != BULLA_ERR_AUTH) return code;
	size_t part = differing(w, number);
	if (!part) return code;
	w->batch->rows[i].part = part;
	return BULLA_ERR_CONTEXT;
}

static bulla_code open_cell(bulla_worker *w, size_t i, bulla_cell *cell)
{
	const bulla_model *model = w->batch->layout.model;
	bulla_source source = w->batch->sources[i * model->field_count + cell->field];
	bulla_bytes plain;
	cell->value = (bulla_value){ .kind = BULLA_KIND_NULL };
	if (source.kind == BULLA_SOURCE_NONE) return BULLA_OK;
	TRY(content(w, i, source.number, &plain));
	plain = bulla_space_copy(&w->space, plain);
	if (!plain.data) return BULLA_ERR_MEMORY;
	TRY(bulla_value_read(model->fields[cell->field].type, plain, &cell->value, NULL));
	return w->batch->options.open_indexes ? bulla_work_index(w, i, cell) : BULLA_OK;
}

static void each_cell(bulla_worker *w, size_t i, bulla_code (*one)(bulla_worker *w, size_t i, bulla_cell *cell))
{
	bulla_row *row = &w->batch->rows[i];
	for (size_t c = 0; c < row->cell_count; c++) {
		row->cells[c].code = one(w, i, &row->cells[c]);
		if (!row->code) row->code = row->cells[c].code;
	}
}

void bulla_boxed_seal(bulla_worker *w, size_t i)
{
	if (!w->batch->rows[i].code) each_cell(w, i, seal_cell);
}

void bulla_boxed_open(bulla_worker *w, size_t i)
{
	if (!w->batch->rows[i].code) each_cell(w, i, open_cell);
}
