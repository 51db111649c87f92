/*
 * rotate_store.c - what a rotation changes in the key store before the first row: branch and index keys that hang from KMS keys which are
 * to go, and the one wrapped key that many rows have copies of.
 */
#include "db/rotate.h"

#include "base/cursor.h"
#include "core/branch.h"
#include "core/keyring.h"
#include "core/reason.h"
#include "core/rehang.h"
#include "io/drive.h"

#include <stdlib.h>

/* --- branch and index keys -------------------------------------------------------------------------------------------- */

#define GROUP    1000
#define LIST_MAX (256u << 20) /* bytes of the keys that are due */

/* Keys that are due, copied: the store is not to be asked while it tells. */
typedef struct due {
	bulla_rotate *rotate;
	bulla_bytes context; /* of the shared data key that the store tells about; empty: of all others */
	bulla_buf bytes;     /* of each: version; identity, wrapped key and context with their lengths before them */
} due;

static bulla_code add_part(due *d, bulla_bytes part, bulla_error *err)
{
	TRY(bulla_buf_add_u32(&d->bytes, (uint32_t)part.len, err));
	return bulla_buf_add(&d->bytes, part, err);
}

static bulla_code take_due(void *self, const bulla_branch_row *row, bulla_error *err)
{
	due *d = self;
	bulla_branch_purpose purpose;
	TRY(bulla_branch_purpose_of(row->identity, &purpose, err));
	if ((purpose == BULLA_BRANCH_SHARED) != (d->context.len > 0)) return BULLA_OK;
	if (!bulla_rehang_is_due(d->rotate->run.job->keyring, row)) return BULLA_OK;
	TRY(bulla_buf_add_u64(&d->bytes, row->version, err));
	TRY(add_part(d, row->identity, err));
	TRY(add_part(d, row->wrapped, err));
	return add_part(d, d->context, err);
}

static size_t read_group(bulla_cursor *c, bulla_rehang_row *rows)
{
	size_t n = 0;
	for (; n < GROUP && c->rest.len; n++) {
		rows[n] = (bulla_rehang_row){ .version = bulla_cursor_u64(c) };
		rows[n].identity = bulla_cursor_take(c, bulla_cursor_u32(c));
		rows[n].wrapped = bulla_cursor_take(c, bulla_cursor_u32(c));
		rows[n].context = bulla_cursor_take(c, bulla_cursor_u32(c));
	}
	return n;
}

/* One that does not open stays as it is, and so does one that somebody else has changed meanwhile. */
static bulla_code store_group(bulla_rotate *a, const bulla_rehang_row *rows, size_t n, bulla_error *err)
{
	const bulla_branch_store *store = bulla_keyring_branches(a->run.job->keyring);
	for (size_t i = 0; i < n; i++) {
		if (rows[i].code && bulla_reason_of(rows[i].code) == BULLA_REASON_NONE)
			return bulla_fail(err, rows[i].code, "a branch key cannot be wrapped by the keys of this environment: %s",
					  bulla_code_name(rows[i].code));
		if (rows[i].code) continue;
		bulla_code code = store->rewrap(store->self, rows[i].version, rows[i].wrapped, rows[i].made, err);
		if (code && code != BULLA_ERR_CONFLICT) return code;
		a->ret->moved += code == BULLA_OK;
	}
	return BULLA_OK;
}

static bulla_code move_group(bulla_rotate *a, bulla_rehang_row *rows, size_t n, bulla_error *err)
{
	bulla_rehang *rehang;
	TRY(bulla_rehang_new(a->run.job->keyring, rows, n, &rehang, err));
	bulla_code code = bulla_drive(bulla_rehang_op(rehang), err);
	if (!code) code = store_group(a, rows, n, err);
	bulla_rehang_free(rehang);
	return code;
}

static bulla_code move_due(due *d, bulla_error *err)
{
	bulla_cursor c = bulla_cursor_of(bulla_view_buf(&d->bytes));
	bulla_rehang_row *rows = calloc(GROUP, sizeof *rows);
	bulla_code code = rows ? BULLA_OK : bulla_fail_memory(err);
	for (size_t n = 0; !code && (n = read_group(&c, rows)) > 0;)
		code = move_group(d->rotate, rows, n, err);
	free(rows);
	return code;
}

bulla_code bulla_rotate_move_keys(bulla_rotate *a, bulla_error *err)
{
	due d = { .rotate = a, .bytes = { .max = LIST_MAX } };
	const bulla_branch_store *store = bulla_keyring_branches(a->run.job->keyring);
	if (!store) return BULLA_OK;
	bulla_code code = store->each(store->self, take_due, &d, err);
	if (!code) code = move_due(&d, err);
	bulla_buf_done(&d.bytes);
	return code;
}

/* --- versions of a shared data key that newer ones have followed ------------------------------------------------------- */

static bulla_code take_versions(due *d, size_t k, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf identity = { 0 };
	bulla_row_context context;
	const bulla_layout *layout = &d->rotate->layout;
	const bulla_branch_store *store = bulla_keyring_branches(d->rotate->run.job->keyring);
	TRY(bulla_layout_shared(layout, k, &identity, err));
	TRY(bulla_layout_context(layout, layout->key_plan[k], NULL, &context, err));
	d->context = bulla_view(context.bytes, context.len);
	bulla_code code = store->versions(store->self, bulla_view_buf(&identity), take_due, d, err);
	d->context = bulla_view(NULL, 0);
	return code;
}

bulla_code bulla_rotate_move_superseded(bulla_rotate *a, bulla_error *err)
{
	due d = { .rotate = a, .bytes = { .max = LIST_MAX } };
	bulla_code code = BULLA_OK;
	if (!bulla_rotate_is_shared(a->run.job->model) || !bulla_keyring_branches(a->run.job->keyring)) return BULLA_OK;
	for (size_t k = 0; k < a->run.job->model->key_count && !code; k++)
		code = take_versions(&d, k, err);
	if (!code) code = move_due(&d, err);
	bulla_buf_done(&d.bytes);
	bulla_keyring_forget(a->run.job->keyring);
	return code;
}

/* --- data keys of many rows ------------------------------------------------------------------------------------------- */

/* The newest version of a shared data key, as the store has it. */
typedef struct shared_key {
	bool found;
	uint64_t version;
	bulla_buf wrapped;
} shared_key;

static bulla_code take_shared(void *self, size_t index, const bulla_branch_row *row, bulla_error *err)
{
	shared_key *key = self;
	(void)index;
	if (row->state == BULLA_BRANCH_DESTROYED) return BULLA_OK;
	key->found = true;
	key->version = row->version;
	return bulla_buf_add(&key->wrapped, row->wrapped, err);
}

static bulla_code find_shared(const bulla_rotate *a, size_t k, shared_key *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf identity = { 0 };
	const bulla_branch_store *store = bulla_keyring_branches(a->run.job->keyring);
	TRY(bulla_layout_shared(&a->layout, k, &identity, err));
	bulla_bytes wanted = bulla_view_buf(&identity);
	return store->current(store->self, &wanted, 1, take_shared, ret, err);
}

/* Whoever was first has done the same. */
static bulla_code store_shared(bulla_rotate *a, const shared_key *key, bulla_bytes made, bulla_error *err)
{
	const bulla_branch_store *store = bulla_keyring_branches(a->run.job->keyring);
	if (!key->found || made.data == key->wrapped.data) return BULLA_OK; /* it has the current wraps already */
	bulla_code code = store->rewrap(store->self, key->version, bulla_view_buf(&key->wrapped), made, err);
	return code == BULLA_ERR_CONFLICT ? BULLA_OK : code;
}

/* One row that has all of them; what is bound to rows has no part in it. */
static bulla_code rewrap_all(bulla_rotate *a, bulla_batch *batch, const shared_key *keys, bulla_error *err)
{
	const bulla_model *model = a->run.job->model;
	bulla_bytes inputs[BULLA_INPUTS_MAX], wrapped[BULLA_FIELDS_MAX + 1];
	bulla_row row = { .inputs = inputs, .keys = wrapped };
	for (size_t i = 0; i < model->input_count; i++)
		inputs[i] = bulla_view_str("0");
	for (size_t k = 0; k < model->key_count; k++)
		wrapped[k] = keys[k].found ? bulla_view_buf(&keys[k].wrapped) : bulla_view(NULL, 0);
	TRY(bulla_batch_rewrap(batch, &row, 1, err));
	if (row.code) return bulla_row_explain(batch, &row, err);
	for (size_t k = 0; k < model->key_count; k++)
		TRY(store_shared(a, &keys[k], wrapped[k], err));
	bulla_keyring_forget(a->run.job->keyring); /* the next record opens what lies in the store now */
	return BULLA_OK;
}

/* With data_key: field | table the store has the one wrapped key of which each row has a copy: it comes first. */
bulla_code bulla_rotate_rewrap_shared(bulla_rotate *a, bulla_error *err)
{
	const bulla_job *job = a->run.job;
	bulla_batch *batch = NULL;
	bulla_batch_options options = { .size = sizeof options, .no_indexes = true, .since_us = a->rotation.since_us };
	if (!bulla_rotate_is_shared(job->model) || a->rotation.kind != BULLA_ROTATE_WRAP) return BULLA_OK;
	if (!bulla_keyring_branches(job->keyring)) return BULLA_OK;
	shared_key *keys = calloc(job->model->key_count + 1, sizeof *keys);
	bulla_code code = keys ? bulla_batch_new(job->keyring, job->model, &options, &batch, err) : bulla_fail_memory(err);
	for (size_t k = 0; k < job->model->key_count && !code; k++)
		code = find_shared(a, k, &keys[k], err);
	if (!code) code = rewrap_all(a, batch, keys, err);
	for (size_t k = 0; keys && k < job->model->key_count; k++)
		bulla_buf_done(&keys[k].wrapped);
	free(keys);
	bulla_batch_free(batch);
	return code;
}
