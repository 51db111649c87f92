/*
 * record.c - a single record over a borrowed batch of one row.
 */
#include "core/batch.h"
#include "io/drive.h"

#include <bulla/record.h>
#include <stdlib.h>
#include <string.h>

struct bulla_record {
	bulla_batch *batch; /* holds the data keys and contexts in its first worker */
	const bulla_model *model;
	bool fresh;
	uint64_t sealed; /* one bit for each field */
	bulla_row row;
	bulla_buf wrapped;
	bulla_buf input_text;
	bulla_bytes inputs[BULLA_INPUTS_MAX]; /* views into `input_text`: a scoped index needs them later */
	bulla_bytes keys[];                   /* views into `wrapped` */
};

/* The model's inputs in its order, looked up by name. */
static bulla_code order_inputs(const bulla_model *model, const bulla_pair *pairs, size_t n, bulla_bytes *out, bulla_error *err)
{
	for (size_t i = 0; i < model->input_count; i++) {
		out[i] = bulla_view(NULL, 0);
		for (size_t p = 0; p < n; p++)
			if (bulla_bytes_is(pairs[p].name, model->inputs[i])) out[i] = pairs[p].value;
		if (!out[i].data)
			return bulla_fail(err, BULLA_ERR_USAGE, "the value of the column %s is needed for the encryption context",
					  model->inputs[i]);
	}
	return BULLA_OK;
}

static bulla_code record_new(bulla_keyring *keyring, const bulla_model *model, bulla_record **out, bulla_error *err)
{
	bulla_record *record = calloc(1, sizeof *record + model->key_count * sizeof *record->keys);
	if (!record) return bulla_fail_memory(err);
	record->model = model;
	bulla_code code = bulla_batch_borrow(keyring, model, &record->batch, err);
	if (code) {
		bulla_record_free(record);
		return code;
	}
	*out = record;
	return BULLA_OK;
}

static bool has_scope(const bulla_model *model)
{
	for (size_t f = 0; f < model->field_count; f++)
		if (model->fields[f].index && model->fields[f].index->scope) return true;
	return false;
}

static bulla_code keep_inputs(bulla_record *record, const bulla_bytes *inputs, bulla_error *err)
{
	size_t n = record->model->input_count, size = 0;
	for (size_t i = 0; i < n; i++)
		size += inputs[i].len;
	TRY(bulla_buf_reserve(&record->input_text, size + 1, err));
	for (size_t i = 0; i < n; i++) {
		record->inputs[i] = bulla_view(record->input_text.data + record->input_text.len, inputs[i].len);
		TRY(bulla_buf_add(&record->input_text, inputs[i], err));
	}
	return BULLA_OK;
}

/* Makes or opens the keys, then keeps their wrapped form: the batch's memory is used again for each field. */
static bulla_code begin(bulla_record *record, const bulla_pair *pairs, size_t n, bulla_error *err)
{
	bulla_bytes inputs[BULLA_INPUTS_MAX];
	bulla_op *op;
	size_t size = 0;
	TRY(order_inputs(record->model, pairs, n, inputs, err));
	if (has_scope(record->model)) TRY(keep_inputs(record, inputs, err));
	record->row = (bulla_row){ .inputs = inputs, .keys = record->keys };
	TRY(bulla_batch_record_op(record->batch, &record->row, record->fresh, &op, err));
	TRY(bulla_drive(op, err));
	record->row.inputs = NULL; /* they end with this call */
	for (size_t k = 0; k < record->model->key_count; k++)
		size += record->keys[k].len;
	TRY(bulla_buf_reserve(&record->wrapped, size, err));
	for (size_t k = 0; k < record->model->key_count; k++) {
		if (!record->keys[k].data) continue;
		bulla_bytes copy = bulla_view(record->wrapped.data + record->wrapped.len, record->keys[k].len);
		TRY(bulla_buf_add(&record->wrapped, record->keys[k], err));
		record->keys[k] = copy;
	}
	return BULLA_OK;
}

static bulla_code check_mode(const bulla_model *model, bulla_error *err)
{
	if (model->data_key != BULLA_DATA_KEY_NONE) return BULLA_OK;
	bulla_fail(err, BULLA_ERR_USAGE, "%s has data_key: none: its values are sealed by the KMS, one by one", model->key);
	return bulla_advise(err, BULLA_ERR_USAGE, "use bulla_batch_seal() and bulla_batch_open()");
}

bulla_code bulla_record_new(bulla_keyring *keyring, const bulla_model *model, const bulla_pair *inputs, size_t n,
			    bulla_record **out, bulla_error *err)
{
	bulla_record *record;
	TRY(check_mode(model, err));
	TRY(record_new(keyring, model, &record, err));
	record->fresh = true;
	bulla_code code = begin(record, inputs, n, err);
	if (code)
		bulla_record_free(record);
	else
		*out = record;
	return code;
}

bulla_code bulla_record_open(bulla_keyring *keyring, const bulla_model *model, const bulla_pair *inputs, size_t n,
			     const bulla_bytes *keys, bulla_record **out, bulla_error *err)
{
	bulla_record *record;
	TRY(check_mode(model, err));
	TRY(record_new(keyring, model, &record, err));
	for (size_t k = 0; k < model->key_count; k++)
		record->keys[k] = keys[k];
	bulla_code code = begin(record, inputs, n, err);
	if (code)
		bulla_record_free(record);
	else
		*out = record;
	return code;
}

void bulla_record_free(bulla_record *record)
{
	if (!record) return;
	bulla_batch_return(record->batch);
	bulla_buf_done(&record->wrapped);
	bulla_buf_done(&record->input_text);
	free(record);
}

bulla_bytes bulla_record_key(const bulla_record *record, size_t position)
{
	return position < record->model->key_count ? record->keys[position] : bulla_view(NULL, 0);
}

static bulla_code check_field(const bulla_record *record, size_t field, bulla_error *err)
{
	if (bulla_batch_is_inherited(record->batch)) {
		bulla_fail(err, BULLA_ERR_USAGE,
			   "the process has forked since this record was opened, and keys do not survive that");
		return bulla_advise(err, BULLA_ERR_USAGE, "open it again in the child");
	}
	if (field < record->model->field_count) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "field %zu of %zu", field, record->model->field_count);
}

bulla_code bulla_record_seal(bulla_record *record, size_t field, const bulla_value *value, bulla_buf *out, bulla_error *err)
{
	TRY(check_field(record, field, err));
	const bulla_field *f = &record->model->fields[field];
	bulla_worker *w = &record->batch->workers[0];
	bulla_bytes sealed = { 0 };
	if (value->kind != BULLA_KIND_NULL || f->null_sealed) {
		if (!record->keys[f->key].data)
			return bulla_fail(err, BULLA_ERR_USAGE,
					  "the record has no wrapped key for the field %s: make a new record", f->name);
		bulla_code code = bulla_work_seal_value(w, field, w->keys[f->key].bytes, value, &sealed, err);
		if (!code) code = bulla_buf_add(out, sealed, err);
		bulla_space_reset(&w->space);
		TRY(code);
	}
	record->sealed |= (uint64_t)1 << field;
	return BULLA_OK;
}

bulla_code bulla_record_complete(const bulla_record *record, bulla_error *err)
{
	for (size_t f = 0; record->fresh && f < record->model->field_count; f++)
		if (!(record->sealed >> f & 1))
			return bulla_fail(err, BULLA_ERR_PARTIAL_RECORD,
					  "the new record has not sealed the field %s: its old ciphertext would not open",
					  record->model->fields[f].name);
	return BULLA_OK;
}

/* Moves what the value views into memory of the caller's. */
static bulla_code keep_value(bulla_value *value, bulla_buf *scratch, bulla_error *err)
{
	if (value->kind != BULLA_KIND_TEXT && value->kind != BULLA_KIND_BINARY) return BULLA_OK;
	TRY(bulla_buf_add(scratch, value->bytes, err));
	value->bytes = bulla_view(scratch->data, value->bytes.len);
	return BULLA_OK;
}

bulla_code bulla_record_unseal(bulla_record *record, size_t field, bulla_bytes ciphertext, bulla_buf *scratch, bulla_value *ret,
			       bulla_error *err)
{
	bulla_worker *w = &record->batch->workers[0];
	bulla_value value = { .kind = BULLA_KIND_NULL };
	TRY(check_field(record, field, err));
	bulla_buf_clear(scratch);
	if (ciphertext.data) {
		size_t key = record->model->fields[field].key;
		if (!record->keys[key].data)
			return bulla_fail(err, BULLA_ERR_FORMAT, "the record has a ciphertext in %s and no wrapped key",
					  record->model->fields[field].column);
		bulla_code code = bulla_work_open_value(w, field, w->keys[key].bytes, ciphertext, &value, err);
		if (!code) code = keep_value(&value, scratch, err);
		bulla_space_reset(&w->space);
		TRY(code);
	}
	*ret = value;
	return BULLA_OK;
}

bulla_code bulla_record_index(bulla_record *record, size_t field, const bulla_value *value, bulla_buf *out, bulla_error *err)
{
	bulla_batch *batch; /* another one: the record's own holds its keys */
	TRY(check_field(record, field, err));
	TRY(bulla_batch_borrow(record->batch->keyring, record->model, &batch, err));
	bulla_code code = bulla_batch_index(batch, field, record->inputs, value, out, err);
	bulla_batch_return(batch);
	return code;
}

bulla_code bulla_record_previous_index(bulla_record *record, size_t field, const bulla_value *value, bulla_buf *out,
				       bulla_error *err)
{
	bulla_batch *batch;
	TRY(check_field(record, field, err));
	TRY(bulla_batch_borrow(record->batch->keyring, record->model, &batch, err));
	bulla_code code = bulla_batch_previous_index(batch, field, record->inputs, value, out, err);
	bulla_batch_return(batch);
	return code;
}
