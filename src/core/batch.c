/*
 * batch.c - the life of a batch, and the phases of its ops.
 */
#include "core/batch.h"

#include "core/index.h"
#include "core/reason.h"

#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 64
#define SPARE_MAX   64 /* workbenches that wait in a keyring for the next single record */

enum { PHASE_RESOLVE = 1, PHASE_DIRECT, PHASE_TARGETS, PHASE_WORK };

/* --- life ------------------------------------------------------------------------------------------------------ */

/* Data keys live as long as a single record does: not on the heap, from where they would go into a core file. */
static bulla_code take_keys(bulla_worker *w, bulla_error *err)
{
	size_t n = w->batch->layout.model->key_count;
	w->keys = NULL;
	return n ? bulla_pool_take_run(w->batch->keyring->pool, n, &w->keys, err) : BULLA_OK;
}

static void worker_done(bulla_worker *w)
{
	bulla_lane_free(w->lane);
	bulla_space_done(&w->space);
	bulla_buf_done(&w->associated);
	bulla_buf_done(&w->scratch);
	bulla_pool_give_run(w->batch->keyring->pool, w->keys, w->batch->layout.model->key_count);
	free(w->contexts);
}

static bulla_code worker_init(bulla_worker *w, bulla_batch *batch, bulla_error *err)
{
	w->batch = batch;
	w->contexts = calloc(batch->layout.plan_count, sizeof *w->contexts);
	if (!w->contexts) return bulla_fail_memory(err);
	TRY(take_keys(w, err));
	return bulla_lane_new_with(batch->keyring->config.backend, &w->lane, err);
}

/* A template that names no column: one key for all rows. */
static bool is_constant(const bulla_template *t)
{
	for (size_t i = 0; i < t->parts; i++)
		if (!t->part[i].literal) return false;
	return true;
}

static bool is_scoped(const bulla_field *field)
{
	return field && field->index && field->index->scope;
}

static bulla_code init(bulla_batch *batch, bulla_keyring *keyring, const bulla_model *model, bulla_error *err)
{
	TRY(bulla_layout_init(&batch->layout, model, err));
	batch->generation = bulla_pool_generation(keyring->pool);
	batch->worker_count = batch->options.threads ? batch->options.threads : 1;
	batch->workers = calloc(batch->worker_count, sizeof *batch->workers);
	if (!batch->workers) return bulla_fail_memory(err);
	for (unsigned i = 0; i < batch->worker_count; i++)
		TRY(worker_init(&batch->workers[i], batch, err));
	batch->op = (bulla_op){ .keyring = keyring, .lane = batch->workers[0].lane, .ended = true };
	TRY(bulla_resolver_new(&batch->op, &batch->resolver, err));
	bulla_resolver_since(batch->resolver, batch->options.since_us, batch->options.since_shared);
	TRY(bulla_direct_new(&batch->op, &batch->direct, err));
	batch->constant_branch = is_constant(&model->branch.name);
	for (size_t f = 0; f < model->field_count; f++)
		batch->scoped |= is_scoped(&model->fields[f]) || is_scoped(model->fields[f].before);
	return batch->worker_count > 1 ? bulla_crew_new(batch, &batch->crew, err) : BULLA_OK;
}

static bulla_code check_model(const bulla_model *model, bulla_error *err)
{
	bool shared = model->data_key == BULLA_DATA_KEY_FIELD || model->data_key == BULLA_DATA_KEY_TABLE;
	if (model->field_count > 64) return bulla_fail(err, BULLA_ERR_LIMIT, "a model has at most 64 fields");
	if (shared && model->branch.name.text && !is_constant(&model->branch.name))
		return bulla_fail(err, BULLA_ERR_CONFIG,
				  "%s: one data key for many rows cannot hang from a branch key of each row", model->key);
	for (size_t f = 0; f < model->field_count; f++)
		if (model->data_key == BULLA_DATA_KEY_NONE &&
		    (model->fields[f].null_sealed || model->fields[f].padding || model->fields[f].base64))
			return bulla_fail(err, BULLA_ERR_CONFIG, "%s.%s: padding, null: sealed and encode need a data key",
					  model->key, model->fields[f].name);
	return BULLA_OK;
}

bulla_code bulla_batch_new(bulla_keyring *keyring, const bulla_model *model, const bulla_batch_options *options,
			   bulla_batch **out, bulla_error *err)
{
	TRY(check_model(model, err));
	if (options && options->threads > THREADS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a batch has at most %d threads", THREADS_MAX);
	bulla_batch *batch = calloc(1, sizeof *batch);
	if (!batch) return bulla_fail_memory(err);
	batch->keyring = keyring;
	if (options) memcpy(&batch->options, options, options->size < sizeof *options ? options->size : sizeof *options);
	bulla_code code = init(batch, keyring, model, err);
	if (code) {
		bulla_batch_free(batch);
		return code;
	}
	*out = batch;
	return BULLA_OK;
}

bool bulla_batch_is_inherited(const bulla_batch *batch)
{
	return batch->generation != bulla_pool_generation(batch->keyring->pool);
}

static void clear(bulla_batch *batch)
{
	if (batch->clean) return;
	batch->clean = true;
	bool inherited = bulla_batch_is_inherited(batch);
	bulla_op_reset(&batch->op);
	if (batch->resolver) bulla_resolver_clear(batch->resolver);
	if (batch->direct) bulla_direct_clear(batch->direct);
	for (unsigned i = 0; i < batch->worker_count; i++) {
		bulla_worker *w = &batch->workers[i];
		bulla_space_reset(&w->space);
		if (w->keys && !inherited) bulla_wipe(w->keys, batch->layout.model->key_count * sizeof *w->keys);
	}
}

void bulla_batch_free(bulla_batch *batch)
{
	if (!batch) return;
	bulla_crew_free(batch->crew);
	if (batch->workers) clear(batch);
	bulla_resolver_free(batch->resolver);
	bulla_direct_free(batch->direct);
	for (unsigned i = 0; batch->workers && i < batch->worker_count; i++)
		if (batch->workers[i].batch) worker_done(&batch->workers[i]);
	if (batch->layout.model) bulla_layout_done(&batch->layout);
	free(batch->workers);
	free(batch->sources);
	free(batch->targets);
	free(batch->index_wants);
	free(batch);
}

static void forget_keys(bulla_batch *batch)
{
	for (unsigned i = 0; i < batch->worker_count; i++)
		bulla_lane_forget(batch->workers[i].lane);
}

void bulla_batch_forget_spare(bulla_keyring *keyring)
{
	pthread_mutex_lock(&keyring->latch->lock);
	for (bulla_batch *batch = keyring->spare; batch; batch = batch->next)
		forget_keys(batch);
	pthread_mutex_unlock(&keyring->latch->lock);
}

void bulla_batch_free_spare(bulla_keyring *keyring)
{
	while (keyring->spare) {
		bulla_batch *batch = keyring->spare;
		keyring->spare = batch->next;
		bulla_batch_free(batch);
	}
	keyring->spare_count = 0;
}

bulla_code bulla_batch_borrow(bulla_keyring *keyring, const bulla_model *model, bulla_batch **out, bulla_error *err)
{
	bulla_batch *found = NULL;
	pthread_mutex_lock(&keyring->latch->lock);
	for (bulla_batch **at = &keyring->spare; *at && !found;) {
		if ((*at)->layout.model == model) {
			found = *at;
			*at = found->next;
			keyring->spare_count--;
		} else {
			at = &(*at)->next;
		}
	}
	pthread_mutex_unlock(&keyring->latch->lock);
	if (!found) return bulla_batch_new(keyring, model, NULL, out, err);
	*out = found;
	return BULLA_OK;
}

void bulla_batch_return(bulla_batch *batch)
{
	if (!batch) return;
	bulla_keyring *keyring = batch->keyring;
	clear(batch);
	pthread_mutex_lock(&keyring->latch->lock);
	bool keep = keyring->spare_count < SPARE_MAX;
	if (keep) {
		batch->next = keyring->spare;
		keyring->spare = batch;
		keyring->spare_count++;
	}
	pthread_mutex_unlock(&keyring->latch->lock);
	if (!keep) bulla_batch_free(batch);
}

/* --- phases ---------------------------------------------------------------------------------------------------- */

static bool is_opened(bulla_source_kind kind)
{
	return kind != BULLA_SOURCE_NONE && kind != BULLA_SOURCE_AGAIN;
}

static bool any_direct_target(const bulla_batch *batch)
{
	for (size_t i = 0; i < batch->n * batch->layout.model->key_count; i++)
		if (is_opened(batch->sources[i].kind) && batch->targets[i].kind == BULLA_SOURCE_DIRECT) return true;
	return false;
}

/* Rewrap, for targets that are a KMS: the opened keys go into a second round. */
static void prepare_targets(bulla_batch *batch)
{
	bulla_worker *w = &batch->workers[0];
	const bulla_model *model = batch->layout.model;
	if (!any_direct_target(batch)) return;
	for (size_t i = 0; i < batch->n; i++) {
		bulla_row *row = &batch->rows[i];
		if (!row->code) row->code = bulla_work_contexts(w, row->inputs, NULL);
		for (size_t k = 0; k < model->key_count && !row->code; k++) {
			bulla_source *target = &batch->targets[i * model->key_count + k];
			bulla_wrapped_key key;
			if (!is_opened(batch->sources[i * model->key_count + k].kind) || target->kind != BULLA_SOURCE_DIRECT)
				continue;
			const bulla_row_context *context = &w->contexts[batch->layout.key_plan[k]];
			const char *only = model->keys[k].kms_key;
			row->code = bulla_work_open_key(w, i, k, NULL);
			if (!row->code) row->code = bulla_wrapped_key_parse(row->keys[k], &key, NULL);
			if (!row->code)
				row->code = bulla_direct_wrap(
					batch->direct, &w->keys[k], bulla_view(context->bytes, context->len), key.commitment.data,
					key.checks, only ? bulla_keyring_session(batch->keyring, only) : NULL, &target->number,
					NULL);
			bulla_secret_wipe(&w->keys[k]);
		}
	}
}

static bulla_code work_index(bulla_batch *batch, bulla_error *err)
{
	bulla_worker *w = &batch->workers[0];
	uint8_t index[BULLA_INDEX_MAX];
	struct bulla_want_result want = bulla_want_result(batch->resolver, batch->index_wants[0]);
	if (want.code) {
		const bulla_error *e = bulla_resolver_error(batch->resolver);
		if (err && e->code) *err = *e;
		return want.code;
	}
	TRY(bulla_index_compute(w->lane, batch->layout.model, batch->index_field, want.key->key->bytes, batch->index_value,
				&w->scratch, index, err));
	return bulla_buf_add(batch->index_out, bulla_view(index, batch->index_field->index->bits / 8), err);
}

/* Does the fault lie with the row? A fresh key needs nothing of the row's that could be tampered with: where all rows hang from one branch
 * it is that one which does not open. */
static bool is_rows_fault(const bulla_batch *batch, bulla_code code)
{
	bool fresh = batch->verb == BULLA_VERB_SEAL && !batch->options.partial;
	if (fresh && batch->constant_branch && (code == BULLA_ERR_AUTH || code == BULLA_ERR_UNKNOWN_KEY)) return false;
	return bulla_reason_of(code) != BULLA_REASON_NONE;
}

/* When not one row has a result, and the fault is not the rows', the call as a whole has failed. */
static bulla_code judge(bulla_batch *batch, bulla_error *err)
{
	bulla_code code = BULLA_OK;
	for (size_t i = 0; i < batch->n; i++) {
		code = batch->rows[i].code;
		if (!code || is_rows_fault(batch, code)) return BULLA_OK;
	}
	if (!code || code == BULLA_ERR_KEY_CLOSING) return BULLA_OK;
	const bulla_error *why[] = { bulla_resolver_error(batch->resolver), bulla_direct_error(batch->direct) };
	for (size_t i = 0; i < 2; i++)
		if (why[i]->code == code) {
			if (err) *err = *why[i];
			return code;
		}
	return bulla_fail(err, code, "no record could be sealed or opened: %s", bulla_code_name(code));
}

static bulla_code work_record(bulla_batch *batch, bulla_error *err)
{
	bulla_worker *w = &batch->workers[0];
	bulla_row *row = &batch->rows[0];
	if (!row->code) row->code = bulla_work_contexts(w, row->inputs, err);
	for (size_t k = 0; k < batch->layout.model->key_count && !row->code; k++)
		row->code =
			batch->verb == BULLA_VERB_SEAL ? bulla_work_seal_key(w, 0, k, err) : bulla_work_open_key(w, 0, k, err);
	if (!row->code) return BULLA_OK;
	(void)!bulla_row_explain(batch, row, err);
	bulla_code code = judge(batch, err); /* a KMS has more to say */
	return code ? code : row->code;
}

static bulla_code work(bulla_batch *batch, bulla_error *err)
{
	if (batch->keys_only) return work_record(batch, err);
	static void (*const plain[])(bulla_worker *, size_t) = { NULL, bulla_work_seal, bulla_work_open, bulla_work_rewrap };
	static void (*const boxed[])(bulla_worker *, size_t) = { NULL, bulla_boxed_seal, bulla_boxed_open, bulla_work_rewrap };
	if (batch->verb == BULLA_VERB_INDEX) return work_index(batch, err);
	bulla_crew_run(batch, (bulla_batch_is_boxed(batch) ? boxed : plain)[batch->verb]);
	return judge(batch, err);
}

static bulla_code step(bulla_op *op, bulla_progress_made *ret, bulla_error *err)
{
	bulla_batch *batch = (bulla_batch *)op; /* its first member */
	if (batch->phase == PHASE_RESOLVE) {
		TRY(bulla_resolver_step(batch->resolver, ret, err));
		if (*ret == BULLA_STEP_NEED) return BULLA_OK;
		batch->phase = PHASE_DIRECT;
	}
	if (batch->phase == PHASE_DIRECT) {
		*ret = bulla_direct_step(batch->direct);
		if (*ret == BULLA_STEP_NEED) return BULLA_OK;
		if (batch->verb == BULLA_VERB_REWRAP && !bulla_batch_is_boxed(batch)) prepare_targets(batch);
		batch->phase = PHASE_TARGETS;
	}
	if (batch->phase == PHASE_TARGETS) {
		*ret = bulla_direct_step(batch->direct);
		if (*ret == BULLA_STEP_NEED) return BULLA_OK;
		batch->phase = PHASE_WORK;
	}
	return work(batch, err);
}

/* The op has ended, or was given up: held keys go back, and flights that never landed are another's to try. A single record, which would
 * pay more for forgetting than for its own cryptography, keeps the keys that its lane remembers until it is used again, or told to forget. */
static void end(bulla_op *op)
{
	bulla_batch *batch = (bulla_batch *)op;
	bulla_resolver_clear(batch->resolver);
	bulla_direct_clear(batch->direct);
	if (!batch->keys_only) forget_keys(batch);
}

/* In a child the parent's keys are not there: each worker takes a new place for its own. */
static bulla_code settle_in(bulla_batch *batch, bulla_error *err)
{
	if (!bulla_batch_is_inherited(batch)) return BULLA_OK;
	for (unsigned i = 0; i < batch->worker_count; i++)
		TRY(take_keys(&batch->workers[i], err));
	batch->generation = bulla_pool_generation(batch->keyring->pool);
	return BULLA_OK;
}

static bulla_code begin(bulla_batch *batch, bulla_verb verb, bulla_row *rows, size_t n, bulla_op **ret, bulla_error *err)
{
	clear(batch);
	TRY(settle_in(batch, err));
	batch->clean = false;
	batch->verb = verb;
	batch->rows = rows;
	batch->n = n;
	batch->keys_only = false;
	TRY(bulla_batch_prepare(batch, err));
	batch->phase = PHASE_RESOLVE;
	batch->op.step = step;
	batch->op.abort = end;
	batch->op.ended = false;
	*ret = &batch->op;
	return BULLA_OK;
}

bulla_code bulla_batch_seal_op(bulla_batch *batch, bulla_row *rows, size_t n, bulla_op **ret, bulla_error *err)
{
	return begin(batch, BULLA_VERB_SEAL, rows, n, ret, err);
}

bulla_code bulla_batch_record_op(bulla_batch *batch, bulla_row *row, bool fresh, bulla_op **ret, bulla_error *err)
{
	TRY(begin(batch, fresh ? BULLA_VERB_SEAL : BULLA_VERB_OPEN, row, 1, ret, err));
	batch->keys_only = true;
	return BULLA_OK;
}

bulla_code bulla_batch_open_op(bulla_batch *batch, bulla_row *rows, size_t n, bulla_op **ret, bulla_error *err)
{
	return begin(batch, BULLA_VERB_OPEN, rows, n, ret, err);
}

bulla_code bulla_batch_rewrap_op(bulla_batch *batch, bulla_row *rows, size_t n, bulla_op **ret, bulla_error *err)
{
	return begin(batch, BULLA_VERB_REWRAP, rows, n, ret, err);
}

static bulla_code begin_index(bulla_batch *batch, const bulla_field *field, const bulla_bytes *inputs, const bulla_value *value,
			      bulla_buf *out, bulla_op **ret, bulla_error *err)
{
	if (value->kind == BULLA_KIND_NULL)
		return bulla_fail(err, BULLA_ERR_USAGE, "NULL has no blind index: search with IS NULL");
	batch->index_field = field;
	batch->index_inputs = inputs;
	batch->index_value = value;
	batch->index_out = out;
	return begin(batch, BULLA_VERB_INDEX, NULL, 0, ret, err);
}

bulla_code bulla_batch_index_op(bulla_batch *batch, size_t field, const bulla_bytes *inputs, const bulla_value *value,
				bulla_buf *out, bulla_op **ret, bulla_error *err)
{
	const bulla_model *model = batch->layout.model;
	if (field >= model->field_count || !model->fields[field].index)
		return bulla_fail(err, BULLA_ERR_USAGE, "%s: the field has no index",
				  field < model->field_count ? model->fields[field].name : model->key);
	return begin_index(batch, &model->fields[field], inputs, value, out, ret, err);
}

bulla_code bulla_batch_previous_index_op(bulla_batch *batch, size_t field, const bulla_bytes *inputs, const bulla_value *value,
					 bulla_buf *out, bulla_op **ret, bulla_error *err)
{
	const bulla_model *model = batch->layout.model;
	if (field >= model->field_count || !model->fields[field].before)
		return bulla_fail(err, BULLA_ERR_USAGE, "%s: no index of the field is being replaced",
				  field < model->field_count ? model->fields[field].name : model->key);
	return begin_index(batch, model->fields[field].before, inputs, value, out, ret, err);
}

bulla_code bulla_row_explain(const bulla_batch *batch, const bulla_row *row, bulla_error *err)
{
	const bulla_model *model = batch->layout.model;
	if (!row->code) return BULLA_OK;
	if (row->code == BULLA_ERR_CONTEXT && row->part && row->part <= model->context_count)
		return bulla_fail(err, row->code,
				  "the encryption context differs in %s: was this record copied from another row?",
				  model->context[row->part - 1].name);
	if (row->code == BULLA_ERR_CONTEXT)
		return bulla_fail(err, row->code, "the encryption context is incomplete, or not the one that was sealed");
	if (row->code == BULLA_ERR_AUTH) return bulla_fail(err, row->code, "%s", BULLA_AUTH_TEXT);
	if (row->code == BULLA_ERR_KEY_DESTROYED && row->part == BULLA_PART_TOMBSTONE)
		return bulla_fail(err, row->code, "the record was shredded: its branch key was destroyed, for good");
	if (row->code == BULLA_ERR_KEY_CLOSING)
		return bulla_fail(err, row->code,
				  "the key that this record hangs from is closed, or being shredded: it takes no new records");
	return bulla_fail(err, row->code, "the record cannot be sealed or opened: %s", bulla_code_name(row->code));
}
