/*
 * work.c - the cryptography of one row, by one worker: contexts, keys, fields, indexes.
 */
#include "core/batch.h"
#include "core/index.h"

#include "base/text.h"
#include "format/field.h"
#include "format/value.h"

#include <string.h>

/* --- contexts and associated data ------------------------------------------------------------------------------ */

bulla_code bulla_work_contexts(bulla_worker *w, const bulla_bytes *inputs, bulla_error *err)
{
	const bulla_layout *layout = &w->batch->layout;
	for (size_t p = 0; p < layout->plan_count; p++)
		TRY(bulla_layout_context(layout, p, inputs, &w->contexts[p], err));
	return BULLA_OK;
}

static bulla_bytes context_of(const bulla_worker *w, size_t plan)
{
	return bulla_view(w->contexts[plan].bytes, w->contexts[plan].len);
}

/* The field's label with its header, then the row's context. */
static bulla_code associate(bulla_worker *w, size_t field, uint8_t header, bulla_bytes *ret, bulla_error *err)
{
	const bulla_layout *layout = &w->batch->layout;
	bulla_bytes label = bulla_view_buf(&layout->labels[field]), context = context_of(w, layout->field_plan[field]);
	w->associated.len = 0; /* not secret: no need to wipe */
	TRY(bulla_buf_reserve(&w->associated, label.len + context.len, err));
	memcpy(w->associated.data, label.data, label.len);
	w->associated.data[BULLA_FIELD_LABEL_HEADER] = header;
	memcpy(w->associated.data + label.len, context.data, context.len);
	*ret = bulla_view(w->associated.data, label.len + context.len);
	return BULLA_OK;
}

/* --- fields ---------------------------------------------------------------------------------------------------- */

static bulla_code to_base64(bulla_worker *w, bulla_bytes *bytes, bulla_error *err)
{
	bulla_buf_clear(&w->scratch);
	TRY(bulla_base64_encode(*bytes, &w->scratch, err));
	*bytes = bulla_space_copy(&w->space, bulla_view_buf(&w->scratch));
	return bytes->data ? BULLA_OK : bulla_fail_memory(err);
}

static bulla_code from_base64(bulla_worker *w, bulla_bytes *bytes, bulla_error *err)
{
	bulla_buf_clear(&w->scratch);
	bulla_code code = bulla_base64_decode(*bytes, &w->scratch, err);
	if (code == BULLA_ERR_ENCODING) return bulla_fail(err, BULLA_ERR_FORMAT, "a ciphertext is not base64");
	TRY(code);
	*bytes = bulla_space_copy(&w->space, bulla_view_buf(&w->scratch));
	return bytes->data ? BULLA_OK : bulla_fail_memory(err);
}

bulla_code bulla_work_seal_value(bulla_worker *w, size_t f, const uint8_t key[static BULLA_KEY_SIZE], const bulla_value *value,
				 bulla_bytes *ret, bulla_error *err)
{
	const bulla_layout *layout = &w->batch->layout;
	const bulla_field *field = &layout->model->fields[f];
	uint8_t header = layout->field_version;
	size_t size = 0, padded = 0;
	bulla_bytes associated;
	if (value->kind == BULLA_KIND_NULL) {
		header |= BULLA_FIELD_NULL;
	} else {
		TRY(bulla_value_measure(field->type, value, &size, err));
		padded = bulla_field_padded_size(size, field->padding);
		if (field->padding) header |= BULLA_FIELD_PADDED;
	}
	size_t overhead = bulla_field_overhead(header);
	uint8_t *out = bulla_space_take(&w->space, overhead + padded);
	if (!out) return bulla_fail_memory(err);
	uint8_t *plain = out + overhead - BULLA_TAG_SIZE;
	if (value->kind != BULLA_KIND_NULL) bulla_value_write(field->type, value, plain);
	if (header & BULLA_FIELD_PADDED) bulla_field_pad(bulla_view(plain, size), field->padding, plain);
	TRY(associate(w, f, header, &associated, err));
	TRY(bulla_field_seal(w->lane, key, header, associated, bulla_view(plain, padded), out, err));
	*ret = bulla_view(out, overhead + padded);
	return field->base64 ? to_base64(w, ret, err) : BULLA_OK;
}

bulla_code bulla_work_open_value(bulla_worker *w, size_t f, const uint8_t key[static BULLA_KEY_SIZE], bulla_bytes sealed,
				 bulla_value *ret, bulla_error *err)
{
	const bulla_layout *layout = &w->batch->layout;
	const bulla_field *field = &layout->model->fields[f];
	bulla_bytes associated;
	uint8_t header;
	size_t len;
	if (field->base64) TRY(from_base64(w, &sealed, err));
	TRY(bulla_field_header(sealed, layout->field_version, &header, err));
	TRY(associate(w, f, header, &associated, err));
	size_t size = sealed.len - bulla_field_overhead(header);
	if (size > BULLA_VALUE_MAX + 4096 + 1)
		return bulla_fail(err, BULLA_ERR_TOO_LARGE, "a ciphertext of %zu bytes is too large", sealed.len);
	uint8_t *out = bulla_space_take(&w->space, size);
	if (!out) return bulla_fail_memory(err);
	TRY(bulla_field_open(w->lane, key, associated, sealed, out, &len, err));
	if (header & BULLA_FIELD_NULL) {
		*ret = (bulla_value){ .kind = BULLA_KIND_NULL };
		return BULLA_OK;
	}
	return bulla_value_read(field->type, bulla_view(out, len), ret, err);
}

/* --- keys ------------------------------------------------------------------------------------------------------ */

static bulla_source source_of(const bulla_worker *w, size_t i, size_t k)
{
	return w->batch->sources[i * w->batch->layout.model->key_count + k];
}

/* The bytes of a wrapped key with one branch wrap, written in place. */
static bulla_code write_branch_key(bulla_worker *w, const bulla_cached_key *branch, const uint8_t *commitment, bulla_bytes checks,
				   const bulla_secret *key, bulla_bytes *ret, bulla_error *err)
{
	bulla_wrap_label label = { BULLA_WRAP_BRANCH, branch->version, branch->identity };
	size_t size = bulla_wrapped_key_branch_size(checks.len / 2);
	uint8_t *out = bulla_space_take(&w->space, size), *at = out;
	if (!out) return bulla_fail_memory(err);
	*at++ = BULLA_WRAPPED_KEY;
	memcpy(at, commitment, BULLA_COMMITMENT_SIZE);
	at += BULLA_COMMITMENT_SIZE;
	*at++ = 1;
	*at++ = BULLA_WRAP_BRANCH;
	bulla_put_u64(at, branch->version);
	bulla_put_u16(at + 8, BULLA_LOCAL_BLOB_SIZE);
	at += 10;
	*at++ = (uint8_t)(checks.len / 2);
	if (checks.len) memcpy(at, checks.data, checks.len);
	TRY(bulla_wrap_seal(w->lane, branch->key->bytes, &label, commitment, key->bytes, at + checks.len, err));
	*ret = bulla_view(out, size);
	return BULLA_OK;
}

static bulla_code fail_branch(bulla_row *row, const struct bulla_want_result *want, bulla_error *err)
{
	if (want->tombstone) row->part = BULLA_PART_TOMBSTONE;
	return bulla_fail(err, want->code, "the branch key cannot be used: %s", bulla_code_name(want->code));
}

static bulla_code seal_branch_key(bulla_worker *w, const bulla_cached_key *branch, size_t k, bulla_bytes *ret, bulla_error *err)
{
	const bulla_layout *layout = &w->batch->layout;
	size_t plan = layout->key_plan[k], checks_len;
	uint8_t commitment[BULLA_COMMITMENT_SIZE], checks[2 * BULLA_CHECKS_MAX];
	bulla_secret *key = &w->keys[k];
	TRY(bulla_random(w->lane, key->bytes, sizeof key->bytes, err));
	TRY(bulla_commitment(w->lane, context_of(w, plan), key->bytes, commitment, err));
	TRY(bulla_layout_checks(layout, plan, &w->contexts[plan], w->lane, commitment, checks, &checks_len, err));
	return write_branch_key(w, branch, commitment, bulla_view(checks, checks_len), key, ret, err);
}

bulla_code bulla_work_seal_key(bulla_worker *w, size_t i, size_t k, bulla_error *err)
{
	bulla_source source = source_of(w, i, k);
	bulla_bytes *out = &w->batch->rows[i].keys[k], made;
	if (source.kind == BULLA_SOURCE_NONE) {
		*out = bulla_view(NULL, 0);
		return BULLA_OK;
	}
	if (source.kind == BULLA_SOURCE_DIRECT) {
		TRY(bulla_direct_bytes(w->batch->direct, source.number, &made, err));
		bulla_bytes key;
		TRY(bulla_direct_content(w->batch->direct, source.number, &key, err));
		memcpy(w->keys[k].bytes, key.data, BULLA_KEY_SIZE);
		*out = bulla_space_copy(&w->space, made);
		return out->data ? BULLA_OK : bulla_fail_memory(err);
	}
	struct bulla_want_result want = bulla_want_result(w->batch->resolver, source.number);
	if (want.code) return fail_branch(&w->batch->rows[i], &want, err);
	if (source.kind == BULLA_SOURCE_BRANCH) return seal_branch_key(w, want.key, k, out, err);
	memcpy(&w->keys[k], want.key->key, sizeof w->keys[k]);
	*out = bulla_space_copy(&w->space, want.key->wrapped);
	return out->data ? BULLA_OK : bulla_fail_memory(err);
}

static bulla_code open_branch_key(bulla_worker *w, bulla_row *row, size_t number, const bulla_wrapped_key *key, bulla_secret *ret,
				  bulla_error *err)
{
	struct bulla_want_result want = bulla_want_result(w->batch->resolver, number);
	if (want.code) return fail_branch(row, &want, err);
	bulla_wrap_label label = { BULLA_WRAP_BRANCH, want.key->version, want.key->identity };
	for (size_t i = 0; i < key->wrap_count; i++)
		if (key->wraps[i].kind == BULLA_WRAP_BRANCH && key->wraps[i].reference == want.key->version)
			return bulla_wrap_open(w->lane, want.key->key->bytes, &label, key->commitment.data, key->wraps[i].blob,
					       ret->bytes, err);
	return bulla_fail(err, BULLA_ERR_UNKNOWN_KEY, "the wrapped key does not hang from that branch key");
}

bulla_code bulla_work_open_key(bulla_worker *w, size_t i, size_t k, bulla_error *err)
{
	const bulla_layout *layout = &w->batch->layout;
	bulla_source source = source_of(w, i, k);
	bulla_row *row = &w->batch->rows[i];
	size_t plan = layout->key_plan[k];
	bulla_wrapped_key key;
	if (source.kind == BULLA_SOURCE_NONE) return BULLA_OK;
	TRY(bulla_wrapped_key_parse(row->keys[k], &key, err));
	bulla_code code = source.kind == BULLA_SOURCE_BRANCH
				  ? open_branch_key(w, row, source.number, &key, &w->keys[k], err)
				  : bulla_direct_key(w->batch->direct, source.number, &w->keys[k], err);
	if (!code) code = bulla_commitment_check(w->lane, context_of(w, plan), w->keys[k].bytes, key.commitment.data, err);
	if (code != BULLA_ERR_AUTH) return code;
	size_t part = 0;
	if (!bulla_layout_differing(layout, plan, &w->contexts[plan], w->lane, &key, &part)) return code;
	if (!row->part) row->part = part;
	return bulla_fail(err, BULLA_ERR_CONTEXT, "the encryption context differs");
}

/* --- rows ------------------------------------------------------------------------------------------------------ */

static void fail_row(bulla_row *row, bulla_code code)
{
	row->code = code;
	for (size_t c = 0; c < row->cell_count; c++)
		row->cells[c].code = code;
}

static void wipe_keys(bulla_worker *w)
{
	bulla_wipe(w->keys, w->batch->layout.model->key_count * sizeof *w->keys);
}

static bulla_code work_index(bulla_worker *w, const bulla_field *field, uint32_t number, const bulla_value *value,
			     bulla_bytes *ret)
{
	struct bulla_want_result want = bulla_want_result(w->batch->resolver, number);
	if (want.code) return want.code;
	uint8_t index[BULLA_INDEX_MAX];
	TRY(bulla_index_compute(w->lane, w->batch->layout.model, field, want.key->key->bytes, value, &w->scratch, index, NULL));
	*ret = bulla_space_copy(&w->space, bulla_view(index, field->index->bits / 8));
	return ret->data ? BULLA_OK : BULLA_ERR_MEMORY;
}

bulla_code bulla_work_index(bulla_worker *w, size_t i, bulla_cell *cell)
{
	const bulla_batch *batch = w->batch;
	const bulla_model *model = batch->layout.model;
	const bulla_field *field = &model->fields[cell->field];
	const uint32_t *wants = &batch->index_wants[2 * ((batch->scoped ? i * model->field_count : 0) + cell->field)];
	cell->index = cell->previous_index = bulla_view(NULL, 0);
	if (!field->index || cell->value.kind == BULLA_KIND_NULL) return BULLA_OK;
	TRY(work_index(w, field, wants[0], &cell->value, &cell->index));
	return field->before ? work_index(w, field->before, wants[1], &cell->value, &cell->previous_index) : BULLA_OK;
}

static bulla_code seal_cell(bulla_worker *w, size_t i, bulla_cell *cell)
{
	const bulla_field *field = &w->batch->layout.model->fields[cell->field];
	cell->ciphertext = bulla_view(NULL, 0);
	cell->index = cell->previous_index = bulla_view(NULL, 0);
	if (cell->value.kind == BULLA_KIND_NULL && !field->null_sealed) return BULLA_OK;
	TRY(bulla_work_seal_value(w, cell->field, w->keys[field->key].bytes, &cell->value, &cell->ciphertext, NULL));
	return w->batch->options.no_indexes ? BULLA_OK : bulla_work_index(w, i, cell);
}

void bulla_work_seal(bulla_worker *w, size_t i)
{
	bulla_row *row = &w->batch->rows[i];
	size_t keys = w->batch->layout.model->key_count;
	if (row->code) return;
	bulla_code code = bulla_work_contexts(w, row->inputs, NULL);
	for (size_t k = 0; k < keys && !code; k++)
		code = w->batch->options.partial ? bulla_work_open_key(w, i, k, NULL) : bulla_work_seal_key(w, i, k, NULL);
	if (code) fail_row(row, code);
	for (size_t c = 0; c < row->cell_count && !code; c++) {
		row->cells[c].code = seal_cell(w, i, &row->cells[c]);
		if (!row->code) row->code = row->cells[c].code; /* the row as a whole must not be written; the cells say which */
	}
	wipe_keys(w);
}

static bulla_code open_cell(bulla_worker *w, size_t i, bulla_cell *cell)
{
	const bulla_field *field = &w->batch->layout.model->fields[cell->field];
	cell->value = (bulla_value){ .kind = BULLA_KIND_NULL };
	if (cell->ciphertext.data)
		TRY(bulla_work_open_value(w, cell->field, w->keys[field->key].bytes, cell->ciphertext, &cell->value, NULL));
	return w->batch->options.open_indexes ? bulla_work_index(w, i, cell) : BULLA_OK;
}

void bulla_work_open(bulla_worker *w, size_t i)
{
	const bulla_model *model = w->batch->layout.model;
	bulla_row *row = &w->batch->rows[i];
	if (row->code) return;
	bulla_code code = bulla_work_contexts(w, row->inputs, NULL);
	if (code) fail_row(row, code);
	for (size_t k = 0; k < model->key_count && !code; k++) {
		bulla_code opened = bulla_work_open_key(w, i, k, NULL);
		if (opened && !row->code) row->code = opened;
		for (size_t c = 0; c < row->cell_count && opened; c++)
			if (model->fields[row->cells[c].field].key == k && row->cells[c].ciphertext.data)
				row->cells[c].code = opened;
	}
	for (size_t c = 0; c < row->cell_count && !code; c++) {
		bulla_cell *cell = &row->cells[c];
		if (!cell->code) cell->code = open_cell(w, i, cell);
		if (cell->code) cell->value = (bulla_value){ .kind = BULLA_KIND_NULL };
		if (!row->code) row->code = cell->code;
	}
	wipe_keys(w);
}

/* The same wraps by the same versions of the same keys: nothing would be gained by other bytes. */
static bool has_same_wraps(const bulla_wrapped_key *a, const bulla_wrapped_key *b)
{
	bool same = a->wrap_count == b->wrap_count;
	for (size_t i = 0; same && i < a->wrap_count; i++)
		same = a->wraps[i].kind == b->wraps[i].kind && a->wraps[i].reference == b->wraps[i].reference;
	return same;
}

/* What a KMS has made. */
static bulla_code take_rewrapped(bulla_worker *w, uint32_t number, bulla_bytes *key)
{
	bulla_wrapped_key before, after;
	bulla_bytes made;
	TRY(bulla_direct_bytes(w->batch->direct, number, &made, NULL));
	TRY(bulla_wrapped_key_parse(*key, &before, NULL));
	TRY(bulla_wrapped_key_parse(made, &after, NULL));
	if (has_same_wraps(&before, &after)) return BULLA_OK;
	*key = bulla_space_copy(&w->space, made);
	return key->data ? BULLA_OK : BULLA_ERR_MEMORY;
}

static bulla_code rewrap_key(bulla_worker *w, size_t i, size_t k)
{
	bulla_batch *batch = w->batch;
	bulla_row *row = &batch->rows[i];
	bulla_source source = source_of(w, i, k), target = batch->targets[i * batch->layout.model->key_count + k];
	bulla_wrapped_key key;
	if (source.kind == BULLA_SOURCE_NONE) return BULLA_OK;
	if (source.kind == BULLA_SOURCE_AGAIN) return take_rewrapped(w, source.number, &row->keys[k]);
	if (target.kind == BULLA_SOURCE_DIRECT) return take_rewrapped(w, target.number, &row->keys[k]);
	TRY(bulla_wrapped_key_parse(row->keys[k], &key, NULL));
	struct bulla_want_result want = bulla_want_result(batch->resolver, target.number);
	if (want.code) return want.code;
	if (key.wrap_count == 1 && key.wraps[0].kind == BULLA_WRAP_BRANCH && key.wraps[0].reference == want.key->version)
		return BULLA_OK;
	TRY(bulla_work_open_key(w, i, k, NULL));
	return write_branch_key(w, want.key, key.commitment.data, key.checks, &w->keys[k], &row->keys[k], NULL);
}

void bulla_work_rewrap(bulla_worker *w, size_t i)
{
	bulla_row *row = &w->batch->rows[i];
	if (row->code) return;
	bulla_code code = bulla_work_contexts(w, row->inputs, NULL);
	for (size_t k = 0; k < w->batch->layout.model->key_count && !code; k++)
		code = rewrap_key(w, i, k);
	if (code) fail_row(row, code);
	wipe_keys(w);
}
