/*
 * draft.c - gathers and seals the rows of one change.
 */
#include "kms/draft.h"
#include "kms/codec.h"
#include "kms/snapshot.h"

#include <stdlib.h>

void bulla_draft_done(bulla_draft *draft)
{
	for (size_t i = 0; i < draft->n; i++) {
		bulla_buf_done(&draft->rows[i].payload);
		bulla_buf_done(&draft->rows[i].bytes);
	}
	free(draft->rows);
	free(draft->sealed);
	*draft = (bulla_draft){ 0 };
}

static bulla_code check_id(bulla_bytes id, bulla_error *err)
{
	return id.len > BULLA_ROW_ID_MAX ? bulla_fail(err, BULLA_ERR_LIMIT, "a row's id is too long") : BULLA_OK;
}

/* NULL: out of memory. */
static bulla_draft_row *add_row(bulla_draft *draft, bulla_kms_table table, bulla_bytes id)
{
	if (draft->n == draft->cap) {
		size_t cap = draft->cap ? 2 * draft->cap : 4;
		bulla_draft_row *rows = reallocarray(draft->rows, cap, sizeof *rows);
		if (!rows) return NULL;
		draft->rows = rows;
		draft->cap = cap;
	}
	bulla_draft_row *row = &draft->rows[draft->n++];
	*row = (bulla_draft_row){ .table = table, .id_len = id.len };
	memcpy(row->id, id.data, id.len);
	return row;
}

bulla_code bulla_draft_put(bulla_draft *draft, bulla_kms_table table, bulla_bytes id, bulla_bytes payload, bulla_error *err)
{
	TRY(check_id(id, err));
	bulla_draft_row *row = add_row(draft, table, id);
	if (!row) return bulla_fail_memory(err);
	return bulla_buf_add(&row->payload, payload, err);
}

bulla_code bulla_draft_remove(bulla_draft *draft, bulla_kms_table table, bulla_bytes id, bulla_error *err)
{
	TRY(check_id(id, err));
	bulla_draft_row *row = add_row(draft, table, id);
	if (!row) return bulla_fail_memory(err);
	row->removes = true;
	return BULLA_OK;
}

static bulla_bytes id_of(const bulla_draft_row *row)
{
	return bulla_view(row->id, row->id_len);
}

static int compare_drafts(const void *a, const void *b)
{
	const bulla_draft_row *x = a, *y = b;
	bulla_stored_row p = { .table = x->table, .id = id_of(x) }, q = { .table = y->table, .id = id_of(y) };
	return bulla_stored_row_compare(&p, &q);
}

static int compare_rows(const void *a, const void *b)
{
	return bulla_stored_row_compare(a, b);
}

static bool is_replaced(const bulla_draft *draft, const bulla_stored_row *row)
{
	if (draft->n == 0) return false;
	bulla_draft_row wanted = { .table = row->table, .id_len = row->id.len };
	memcpy(wanted.id, row->id.data, row->id.len);
	return bsearch(&wanted, draft->rows, draft->n, sizeof wanted, compare_drafts) != NULL;
}

static bulla_code seal_row(bulla_draft_row *row, bulla_lane *lane, const bulla_root *root, uint64_t generation,
			   bulla_stored_row *ret_split, bulla_error *err)
{
	TRY(bulla_stored_row_seal(lane, root, row->table, id_of(row), generation, bulla_view_buf(&row->payload), &row->bytes,
				  err));
	bulla_kms_row stored = { row->table, id_of(row), bulla_view_buf(&row->bytes) };
	return bulla_stored_row_split(&stored, ret_split, err);
}

/* The rows that the store will hold, into `after`, which has room for all; sorted, without the digest's own row. */
static bulla_code merge(bulla_draft *draft, bulla_lane *lane, const bulla_root *root, uint64_t generation,
			const bulla_stored_row *before, size_t n_before, bulla_stored_row *after, size_t *ret_n, bulla_error *err)
{
	size_t n = 0;
	for (size_t i = 0; i < n_before; i++)
		if (!bulla_stored_row_is_manifest(&before[i]) && !is_replaced(draft, &before[i])) after[n++] = before[i];
	for (size_t i = 0; i < draft->n; i++)
		if (!draft->rows[i].removes) TRY(seal_row(&draft->rows[i], lane, root, generation, &after[n++], err));
	qsort(after, n, sizeof *after, compare_rows);
	*ret_n = n;
	return BULLA_OK;
}

static bulla_code add_digest(bulla_draft *draft, bulla_lane *lane, const bulla_root *root, uint64_t generation,
			     const bulla_stored_row *after, size_t n, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf payload = { 0 };
	bulla_rows_data data = { .count = (uint32_t)n };
	bulla_stored_row ignored;
	if (n >= BULLA_ENGINE_ROWS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the key store would have more than %d rows", BULLA_ENGINE_ROWS_MAX);
	TRY(bulla_stored_row_digest(lane, after, n, data.digest, err));
	TRY(bulla_rows_encode(&data, &payload, err));
	TRY(bulla_draft_put(draft, BULLA_KMS_META, bulla_view_str(BULLA_META_ROWS), bulla_view_buf(&payload), err));
	return seal_row(&draft->rows[draft->n - 1], lane, root, generation, &ignored, err);
}

bulla_code bulla_draft_seal(bulla_draft *draft, bulla_lane *lane, const bulla_root *root, uint64_t generation,
			    const bulla_stored_row *before, size_t n_before, const bulla_kms_row **ret, size_t *ret_n,
			    bulla_error *err)
{
	size_t n = 0;
	if (draft->n) qsort(draft->rows, draft->n, sizeof *draft->rows, compare_drafts);
	bulla_stored_row *after = calloc(n_before + draft->n + 1, sizeof *after);
	if (!after) return bulla_fail_memory(err);
	bulla_code code = merge(draft, lane, root, generation, before, n_before, after, &n, err);
	if (code == BULLA_OK) code = add_digest(draft, lane, root, generation, after, n, err);
	free(after);
	TRY(code);

	draft->sealed = calloc(draft->n + 1, sizeof *draft->sealed);
	if (!draft->sealed) return bulla_fail_memory(err);
	for (size_t i = 0; i < draft->n; i++) {
		const bulla_draft_row *row = &draft->rows[i];
		draft->sealed[i] = (bulla_kms_row){ row->table, id_of(row),
						    row->removes ? (bulla_bytes){ 0 } : bulla_view_buf(&row->bytes) };
	}
	*ret = draft->sealed;
	*ret_n = draft->n;
	return BULLA_OK;
}
