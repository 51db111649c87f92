/*
 * prepare.c - which keys the rows of a call need: every branch key once, every index key once, every data key that only a KMS can give.
 */
#include "core/batch.h"
#include "format/field.h"

#include <stdlib.h>
#include <string.h>

/* Is key `k` of the row needed at all? For sealing: has it something to seal; for opening: something to open. */
static bool needs_key(const bulla_batch *batch, const bulla_row *row, size_t k)
{
	const bulla_model *model = batch->layout.model;
	bool sealing = batch->verb == BULLA_VERB_SEAL;
	if (batch->verb == BULLA_VERB_REWRAP) return row->keys[k].data != NULL;
	if (row->cell_count == 0) return sealing || row->keys[k].data; /* a record on its own: its keys are what is wanted */
	for (size_t c = 0; c < row->cell_count; c++) {
		const bulla_cell *cell = &row->cells[c];
		const bulla_field *field = &model->fields[cell->field];
		if (field->key != k) continue;
		if (sealing ? cell->value.kind != BULLA_KIND_NULL || field->null_sealed : cell->ciphertext.data != NULL)
			return true;
	}
	return false;
}

/* The branch that the model's keys hang from, as a want. */
static bulla_code want_branch(bulla_batch *batch, const bulla_row *row, bulla_source *ret, bulla_error *err)
{
	bulla_buf *identity = &batch->workers[0].scratch;
	size_t number;
	if (batch->last_branch.kind) {
		*ret = batch->last_branch;
		bulla_want_use(batch->resolver, ret->number, 1);
		return BULLA_OK;
	}
	bulla_buf_clear(identity);
	TRY(bulla_layout_branch(&batch->layout, row->inputs, identity, err));
	TRY(bulla_want_current(batch->resolver, bulla_view_buf(identity), batch->layout.model->branch.under, bulla_view(NULL, 0),
			       1, &number, err));
	*ret = (bulla_source){ BULLA_SOURCE_BRANCH, (uint32_t)number };
	if (batch->constant_branch) batch->last_branch = *ret;
	return BULLA_OK;
}

/* The version of a branch key that a wrap refers to; mostly the one of the row before. */
static bulla_code want_version(bulla_batch *batch, uint64_t reference, bulla_source *ret, bulla_error *err)
{
	size_t number;
	if (batch->last_version.kind && batch->last_reference == reference) {
		bulla_want_use(batch->resolver, batch->last_version.number, 1);
	} else {
		TRY(bulla_want_version(batch->resolver, reference, 1, &number, err));
		batch->last_version = (bulla_source){ BULLA_SOURCE_BRANCH, (uint32_t)number };
		batch->last_reference = reference;
	}
	*ret = batch->last_version;
	return BULLA_OK;
}

/* The data key of a whole table or field: it hangs from the model's constant branch, or from the KMS. */
static bulla_code want_shared(bulla_batch *batch, const bulla_row *row, size_t k, bulla_source *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf identity = { 0 };
	bulla_row_context *context = &batch->workers[0].contexts[batch->layout.key_plan[k]];
	size_t number;
	TRY(bulla_layout_context(&batch->layout, batch->layout.key_plan[k], row->inputs, context, err));
	TRY(bulla_layout_shared(&batch->layout, k, &identity, err));
	TRY(bulla_want_current(batch->resolver, bulla_view_buf(&identity), batch->layout.model->branch.name.text,
			       bulla_view(context->bytes, context->len), 1, &number, err));
	*ret = (bulla_source){ BULLA_SOURCE_SHARED, (uint32_t)number };
	return BULLA_OK;
}

static bool is_shared(const bulla_batch *batch)
{
	return batch->layout.field_version == BULLA_FIELD_SHARED;
}

static bool has_branch(const bulla_batch *batch, size_t k)
{
	const bulla_model *model = batch->layout.model;
	return model->branch.name.text && !model->keys[k].kms_key;
}

/* A fresh data key that a KMS wraps. */
static bulla_code make_direct(bulla_batch *batch, const bulla_row *row, size_t k, bulla_source *ret, bulla_error *err)
{
	bulla_worker *w = &batch->workers[0];
	size_t plan = batch->layout.key_plan[k], checks_len;
	uint8_t commitment[BULLA_COMMITMENT_SIZE], checks[2 * BULLA_CHECKS_MAX];
	bulla_row_context *context = &w->contexts[plan];
	const char *kms_key = batch->layout.model->keys[k].kms_key;
	BULLA_SECRET key = { 0 };
	TRY(bulla_layout_context(&batch->layout, plan, row->inputs, context, err));
	bulla_bytes canonical = bulla_view(context->bytes, context->len);
	TRY(bulla_random(w->lane, key.bytes, sizeof key.bytes, err));
	TRY(bulla_commitment(w->lane, canonical, key.bytes, commitment, err));
	TRY(bulla_layout_checks(&batch->layout, plan, context, w->lane, commitment, checks, &checks_len, err));
	ret->kind = BULLA_SOURCE_DIRECT;
	return bulla_direct_wrap(batch->direct, &key, canonical, commitment, bulla_view(checks, checks_len),
				 kms_key ? bulla_keyring_session(batch->keyring, kms_key) : NULL, &ret->number, err);
}

static bulla_code prepare_new_key(bulla_batch *batch, const bulla_row *row, size_t k, bulla_source *ret, bulla_error *err)
{
	if (is_shared(batch)) return want_shared(batch, row, k, ret, err);
	if (has_branch(batch, k)) return want_branch(batch, row, ret, err);
	return make_direct(batch, row, k, ret, err);
}

/* To hang from a KMS: where that can wrap the key again by itself, the key is not opened. */
static bulla_code prepare_again(bulla_batch *batch, const bulla_row *row, size_t k, bulla_source *ret, bulla_error *err)
{
	bulla_wrapped_key key;
	const char *id = batch->layout.model->keys[k].kms_key;
	const bulla_session *only = id ? bulla_keyring_session(batch->keyring, id) : NULL;
	size_t plan = batch->layout.key_plan[k];
	bulla_row_context *context = &batch->workers[0].contexts[plan];
	TRY(bulla_wrapped_key_parse(row->keys[k], &key, err));
	if (key.version != BULLA_WRAPPED_KEY || !bulla_wrapping_can_again(batch->keyring, &key, only)) return BULLA_OK;
	TRY(bulla_layout_context(&batch->layout, plan, row->inputs, context, err));
	ret->kind = BULLA_SOURCE_AGAIN;
	return bulla_direct_again(batch->direct, row->keys[k], bulla_view(context->bytes, context->len), only, &ret->number, err);
}

/* A branch wrap can be opened here; anything else is a question to a KMS. */
static bulla_code prepare_stored_key(bulla_batch *batch, const bulla_row *row, size_t k, bulla_source *ret, bulla_error *err)
{
	bulla_wrapped_key key;
	if (!row->keys[k].data) return bulla_fail(err, BULLA_ERR_FORMAT, "the record has a ciphertext and no wrapped key");
	TRY(bulla_wrapped_key_parse(row->keys[k], &key, err));
	if (key.version != BULLA_WRAPPED_KEY)
		return bulla_fail(err, BULLA_ERR_FORMAT, "a box lies in the place of a wrapped key");
	for (size_t i = 0; i < key.wrap_count; i++) {
		if (key.wraps[i].kind != BULLA_WRAP_BRANCH) continue;
		return want_version(batch, key.wraps[i].reference, ret, err);
	}
	size_t plan = batch->layout.key_plan[k];
	bulla_row_context *context = &batch->workers[0].contexts[plan];
	TRY(bulla_layout_context(&batch->layout, plan, row->inputs, context, err));
	ret->kind = BULLA_SOURCE_DIRECT;
	return bulla_direct_open(batch->direct, row->keys[k], bulla_view(context->bytes, context->len), &ret->number, err);
}

/* --- rows ------------------------------------------------------------------------------------------------------ */

/* A fresh data key takes every field of its record. */
static bulla_code check_whole(const bulla_batch *batch, const bulla_row *row, bulla_error *err)
{
	uint64_t seen = 0;
	for (size_t c = 0; c < row->cell_count; c++) {
		if (row->cells[c].field >= batch->layout.model->field_count)
			return bulla_fail(err, BULLA_ERR_USAGE, "a cell names field %zu of %zu", row->cells[c].field,
					  batch->layout.model->field_count);
		seen |= (uint64_t)1 << row->cells[c].field;
	}
	size_t fields = batch->layout.model->field_count;
	bool whole = row->cell_count == fields && fields && seen == UINT64_MAX >> (64 - fields);
	if (whole || batch->verb != BULLA_VERB_SEAL || batch->options.partial || row->cell_count == 0) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_PARTIAL_RECORD,
			  "a fresh data key must seal all %zu fields of the record, each once; %zu were given",
			  batch->layout.model->field_count, row->cell_count);
}

static bulla_code prepare_keys(bulla_batch *batch, size_t i, bulla_error *err)
{
	const bulla_model *model = batch->layout.model;
	bulla_row *row = &batch->rows[i];
	bool fresh = batch->verb == BULLA_VERB_SEAL && !batch->options.partial;
	for (size_t k = 0; k < model->key_count; k++) {
		bulla_source *source = &batch->sources[i * model->key_count + k];
		if (!needs_key(batch, row, k)) continue;
		if (batch->verb == BULLA_VERB_REWRAP && !has_branch(batch, k)) TRY(prepare_again(batch, row, k, source, err));
		if (source->kind == BULLA_SOURCE_NONE)
			TRY(fresh ? prepare_new_key(batch, row, k, source, err) : prepare_stored_key(batch, row, k, source, err));
		if (batch->verb != BULLA_VERB_REWRAP) continue;
		batch->targets[i * model->key_count + k] = (bulla_source){ BULLA_SOURCE_DIRECT, BULLA_NO_WANT };
		if (has_branch(batch, k)) TRY(want_branch(batch, row, &batch->targets[i * model->key_count + k], err));
	}
	return BULLA_OK;
}

static bulla_code want_index(bulla_batch *batch, const bulla_field *field, const bulla_bytes *inputs, uint32_t *ret,
			     bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf identity = { 0 };
	size_t number;
	TRY(bulla_layout_index(&batch->layout, field->index, inputs, &identity, err));
	TRY(bulla_want_current(batch->resolver, bulla_view_buf(&identity), NULL, bulla_view(NULL, 0), 1, &number, err));
	*ret = (uint32_t)number;
	return BULLA_OK;
}

/* Index keys: one for each field, or where some index has a scope one for each row and field. */
static bulla_code prepare_indexes(bulla_batch *batch, size_t i, bulla_error *err)
{
	const bulla_model *model = batch->layout.model;
	uint32_t *wants = &batch->index_wants[batch->scoped ? i * 2 * model->field_count : 0];
	for (size_t f = 0; f < 2 * model->field_count; f++) {
		const bulla_field *field = f % 2 ? model->fields[f / 2].before : &model->fields[f / 2];
		if (batch->scoped) wants[f] = BULLA_NO_WANT;
		if (!field || !field->index || wants[f] != BULLA_NO_WANT) continue;
		TRY(want_index(batch, field, batch->rows[i].inputs, &wants[f], err));
	}
	return BULLA_OK;
}

static bool wants_indexes(const bulla_batch *batch)
{
	if (batch->verb == BULLA_VERB_SEAL) return !batch->options.no_indexes;
	return batch->verb == BULLA_VERB_OPEN && batch->options.open_indexes;
}

static bulla_code prepare_row(bulla_batch *batch, size_t i, bulla_error *err)
{
	bulla_row *row = &batch->rows[i];
	size_t keys = batch->layout.model->key_count;
	for (size_t k = 0; k < keys; k++)
		batch->sources[i * keys + k] = (bulla_source){ 0 };
	TRY(check_whole(batch, row, err));
	if (bulla_batch_is_boxed(batch)) {
		TRY(bulla_boxed_prepare(batch, i, err));
	} else {
		TRY(prepare_keys(batch, i, err));
	}
	return row->cell_count && wants_indexes(batch) ? prepare_indexes(batch, i, err) : BULLA_OK;
}

static bulla_code reserve(bulla_batch *batch, bulla_error *err)
{
	const bulla_model *model = batch->layout.model;
	size_t sources = batch->n * (bulla_batch_is_boxed(batch) ? model->field_count : model->key_count) + 1,
	       indexes = (batch->scoped ? batch->n : 1) * 2 * model->field_count + 1;
	if (sources > batch->source_cap) {
		bulla_source *grown = realloc(batch->sources, sources * sizeof *grown);
		if (grown) batch->sources = grown;
		bulla_source *targets = realloc(batch->targets, sources * sizeof *targets);
		if (targets) batch->targets = targets;
		if (!grown || !targets) return bulla_fail_memory(err);
		batch->source_cap = sources;
	}
	if (indexes > batch->index_cap) {
		uint32_t *grown = realloc(batch->index_wants, indexes * sizeof *grown);
		if (!grown) return bulla_fail_memory(err);
		batch->index_wants = grown;
		batch->index_cap = indexes;
	}
	return BULLA_OK;
}

bulla_code bulla_batch_prepare(bulla_batch *batch, bulla_error *err)
{
	TRY(reserve(batch, err));
	if (batch->verb == BULLA_VERB_INDEX)
		return want_index(batch, batch->index_field, batch->index_inputs, &batch->index_wants[0], err);
	batch->last_branch = batch->last_version = (bulla_source){ 0 };
	if (!batch->scoped)
		for (size_t f = 0; f < 2 * batch->layout.model->field_count; f++)
			batch->index_wants[f] = BULLA_NO_WANT;
	for (size_t i = 0; i < batch->n; i++) {
		bulla_row *row = &batch->rows[i];
		row->part = 0;
		row->code = prepare_row(batch, i, NULL);
		for (size_t c = 0; c < row->cell_count; c++)
			row->cells[c].code = row->code;
	}
	return BULLA_OK;
}
