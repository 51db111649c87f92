/*
 * rows.c - takes the rows of a store in and tells whether they are the ones that the engine wrote.
 */
#include "kms/snapshot.h"

#include <stdlib.h>

/* What `each` of the store's load fills. Rows are collected before anything is checked: the walk holds the store. */
typedef struct collector {
	bulla_arena *arena;
	bulla_kms_table only;
	bulla_stored_row *rows; /* malloc'ed while it grows */
	size_t n, cap;
} collector;

static bulla_code make_room(collector *c, bulla_error *err)
{
	if (c->n < c->cap) return BULLA_OK;
	if (c->n >= BULLA_ENGINE_ROWS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the key store has more than %d rows", BULLA_ENGINE_ROWS_MAX);
	size_t cap = c->cap ? 2 * c->cap : 64;
	bulla_stored_row *rows = reallocarray(c->rows, cap, sizeof *rows);
	if (!rows) return bulla_fail_memory(err);
	c->rows = rows;
	c->cap = cap;
	return BULLA_OK;
}

static bulla_code copy_bytes(bulla_arena *arena, bulla_bytes bytes, bulla_bytes *ret, bulla_error *err)
{
	const char *copy = NULL;
	TRY(bulla_arena_copy(arena, bytes, &copy, err));
	*ret = bulla_view(copy, bytes.len);
	return BULLA_OK;
}

static bulla_code collect(void *self, const bulla_kms_row *row, bulla_error *err)
{
	collector *c = self;
	bulla_kms_row copy = { .table = row->table };
	if (c->only && row->table != c->only) return BULLA_OK;
	TRY(make_room(c, err));
	if (row->data.len > BULLA_ROW_MAX || row->id.len > BULLA_ROW_ID_MAX)
		return bulla_stored_row_corrupt(err, row->table, row->id, "it has a wrong length");
	TRY(copy_bytes(c->arena, row->id, &copy.id, err));
	TRY(copy_bytes(c->arena, row->data, &copy.data, err));
	TRY(bulla_stored_row_split(&copy, &c->rows[c->n], err));
	c->n++;
	return BULLA_OK;
}

static int compare_rows(const void *a, const void *b)
{
	return bulla_stored_row_compare(a, b);
}

bulla_code bulla_rows_load(const bulla_kms_store *store, bulla_kms_table only, bulla_arena *arena, bulla_rows *out,
			   bulla_error *err)
{
	collector c = { .arena = arena, .only = only };
	*out = (bulla_rows){ 0 };
	bulla_code code = store->load(store->self, collect, &c, &out->generation, &out->head, err);
	if (code == BULLA_OK) code = bulla_arena_take(arena, c.n, sizeof *c.rows, &out->rows, err);
	if (code == BULLA_OK && c.n) {
		memcpy(out->rows, c.rows, c.n * sizeof *c.rows);
		qsort(out->rows, c.n, sizeof *c.rows, compare_rows);
		out->n = c.n;
	}
	free(c.rows);
	return code;
}

const bulla_stored_row *bulla_rows_find(const bulla_stored_row *rows, size_t n, bulla_kms_table table, bulla_bytes id)
{
	const bulla_stored_row wanted = { .table = table, .id = id };
	return n ? bsearch(&wanted, rows, n, sizeof *rows, compare_rows) : NULL;
}

/* --- the root key ---------------------------------------------------------------------------------------------- */
static bulla_code canary_fits(const bulla_stored_row *row, bulla_lane *lane, const bulla_root *root, bool *ret, bulla_error *err)
{
	bulla_root_data data;
	uint8_t canary[32];
	*ret = false;
	if (!bulla_root_decode(row->payload, &data)) return BULLA_OK;
	TRY(bulla_root_canary(root, lane, data.salt, canary, err));
	*ret = bulla_equal_ct(canary, data.canary, sizeof canary);
	return BULLA_OK;
}

/* A damaged root row says nothing against the root key when the log's row, under the same key, is whole. */
static bool is_right_for(const bulla_stored_row *row, bulla_lane *lane, const bulla_root *root)
{
	bulla_error ignored;
	return row && bulla_stored_row_check(lane, root, row, &ignored) == BULLA_OK;
}

static bulla_code fail_root(bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_ROOT_KEY, "the root key does not open this key store");
	return bulla_advise(err, code,
			    "name the root key (or passphrase) that was in use when the store was made or last rekeyed");
}

bulla_code bulla_rows_check_root(const bulla_rows *rows, bulla_lane *lane, const bulla_root *root, bulla_error *err)
{
	const bulla_stored_row *row = bulla_rows_find(rows->rows, rows->n, BULLA_KMS_META, bulla_view_str(BULLA_META_ROOT));
	const bulla_stored_row *log = bulla_rows_find(rows->rows, rows->n, BULLA_KMS_META, bulla_view_str(BULLA_META_LOG));
	if (rows->n == 0) {
		bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "the key store is empty");
		return bulla_advise(err, code, "bulla init");
	}
	if (!row) return bulla_stored_row_corrupt(err, BULLA_KMS_META, bulla_view_str(BULLA_META_ROOT), "it is missing");
	bool fits = false;
	TRY(canary_fits(row, lane, root, &fits, err));
	if (!fits && !is_right_for(log, lane, root)) return fail_root(err);
	TRY(bulla_stored_row_check(lane, root, row, err));
	if (!fits) return bulla_stored_row_corrupt(err, row->table, row->id, "its canary is wrong");
	return BULLA_OK;
}

/* --- the rows -------------------------------------------------------------------------------------------------- */
static bulla_code check_manifest(const bulla_rows *rows, bulla_lane *lane, bulla_error *err)
{
	const bulla_bytes id = bulla_view_str(BULLA_META_ROWS);
	const bulla_stored_row *row = bulla_rows_find(rows->rows, rows->n, BULLA_KMS_META, id);
	bulla_rows_data data;
	uint8_t digest[32];
	if (!row) return bulla_stored_row_corrupt(err, BULLA_KMS_META, id, "it is missing");
	if (!bulla_rows_decode(row->payload, &data))
		return bulla_stored_row_corrupt(err, BULLA_KMS_META, id, "it does not parse");
	TRY(bulla_stored_row_digest(lane, rows->rows, rows->n, digest, err));
	if (data.count != rows->n - 1 || !bulla_equal_ct(digest, data.digest, sizeof digest))
		return bulla_stored_row_corrupt(err, BULLA_KMS_META, id, "rows were added, removed or put back");
	if (row->generation != rows->generation)
		return bulla_stored_row_corrupt(err, BULLA_KMS_META, id, "the generation of the store was changed");
	return BULLA_OK;
}

bulla_code bulla_rows_check_all(const bulla_rows *rows, bulla_lane *lane, const bulla_root *root, bulla_error *err)
{
	for (size_t i = 0; i < rows->n; i++)
		TRY(bulla_stored_row_check(lane, root, &rows->rows[i], err));
	return check_manifest(rows, lane, err);
}
