/*
 * snapshot.c - fuzz target: a key store whose rows say what the fuzzer wants, under the right root key and with the right sums.
 */
#include "engine.h"
#include "mutate.h"

#include "kms/codec.h"
#include "kms/row.h"

#define ROWS_MAX 32

/* Rows as the engine wrote them, in the order of table and id; payloads without what seals them. */
typedef struct rows {
	size_t n;
	struct one {
		bulla_kms_table table;
		uint64_t generation;
		bulla_buf id, payload;
	} row[ROWS_MAX];
	uint64_t generation;
	bulla_log_head head;
} rows;

static bulla_code take_row(void *self, const bulla_kms_row *stored, bulla_error *err)
{
	rows *r = self;
	bulla_stored_row split;
	fuzz_must(bulla_stored_row_split(stored, &split, err), err);
	HOLDS(r->n < ROWS_MAX);
	struct one *row = &r->row[r->n++];
	row->table = stored->table;
	row->generation = split.generation;
	fuzz_add(&row->id, stored->id);
	fuzz_add(&row->payload, split.payload);
	return BULLA_OK;
}

static const rows *remember(void)
{
	static rows *r;
	bulla_error err = { 0 };
	bulla_store *store = NULL;
	if (r) return r;
	HOLDS(r = calloc(1, sizeof *r));
	fuzz_must(bulla_store_open("memory:", true, &store, &err), &err);
	bulla_kms_store kms = bulla_store_kms(store);
	engine_fill(kms);
	fuzz_must(kms.load(kms.self, take_row, r, &r->generation, &r->head, &err), &err);
	bulla_store_close(store);
	return r;
}

static const bulla_root *root_of(void)
{
	static bulla_root root;
	static bulla_pool *pool;
	bulla_error err = { 0 };
	if (pool) return &root;
	fuzz_must(bulla_pool_new(&pool, &err), &err);
	fuzz_must(bulla_root_derive(pool, engine_root_key, &root, &err), &err);
	return &root;
}

/* --- the store that is asked ---------------------------------------------------------------------------------------- */
typedef struct changed {
	size_t n;
	bulla_kms_row rows[ROWS_MAX];
	bulla_buf bytes[ROWS_MAX], ids[ROWS_MAX];
	uint64_t generation;
	bulla_log_head head;
} changed;

static bulla_code tell_version(void *self, uint64_t *ret, bulla_error *err)
{
	(void)self, (void)err;
	*ret = 1;
	return BULLA_OK;
}

static bulla_code load(void *self, bulla_code (*each)(void *each_self, const bulla_kms_row *row, bulla_error *err),
		       void *each_self, uint64_t *ret_generation, bulla_log_head *ret_head, bulla_error *err)
{
	const changed *c = self;
	*ret_generation = c->generation;
	*ret_head = c->head;
	for (size_t i = 0; i < c->n; i++)
		TRY(each(each_self, &c->rows[i], err));
	return BULLA_OK;
}

static bulla_code set_head(void *self, const bulla_log_head *head, bulla_error *err)
{
	(void)self, (void)head, (void)err;
	return BULLA_OK;
}

/* A rotation that is due: somebody else was faster. */
static bulla_code change(void *self, uint64_t expected_generation, const bulla_kms_row *stored, size_t n,
			 const bulla_log_head *head, bulla_error *err)
{
	(void)self, (void)expected_generation, (void)stored, (void)n, (void)head;
	return bulla_fail(err, BULLA_ERR_CONFLICT, "the store was changed");
}

static void seal_row(changed *c, const struct one *row, bulla_bytes id, bulla_bytes payload)
{
	bulla_error err = { 0 };
	size_t i = c->n;
	if (i == ROWS_MAX || id.len == 0 || id.len > BULLA_ROW_ID_MAX || payload.len > 4096) return;
	fuzz_add(&c->ids[i], id);
	fuzz_must(bulla_stored_row_seal(fuzz_lane(), root_of(), row->table, id, row->generation, payload, &c->bytes[i], &err),
		  &err);
	c->rows[c->n++] = (bulla_kms_row){ row->table, bulla_view_buf(&c->ids[i]), bulla_view_buf(&c->bytes[i]) };
}

/* Each row as it is, or changed, or twice, or not at all. */
static void change_rows(changed *c, const rows *r, bulla_cursor in)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct one *row = &r->row[i];
		enum { SAME, SAME_TOO, PAYLOAD, ID, TWICE, GONE, KINDS } what = bulla_cursor_u8(&in) % KINDS;
		BULLA_BUF_AUTO bulla_buf id = { 0 }, payload = { 0 };
		if (row->table == BULLA_KMS_META && bulla_bytes_is(bulla_view_buf(&row->id), BULLA_META_ROWS)) continue;
		fuzz_add(&id, bulla_view_buf(&row->id));
		fuzz_add(&payload, bulla_view_buf(&row->payload));
		bulla_cursor ops =
			bulla_cursor_of(what == PAYLOAD || what == ID || what == TWICE ? fuzz_piece(&in) : bulla_view(NULL, 0));
		if (what == TWICE) seal_row(c, row, bulla_view_buf(&id), bulla_view_buf(&payload));
		mutate(&ops, what == PAYLOAD ? &payload : &id, bulla_view_buf(&r->row[(i + 1) % r->n].payload));
		if (what != GONE) seal_row(c, row, bulla_view_buf(&id), bulla_view_buf(&payload));
	}
}

static int compare_stored(const void *a, const void *b)
{
	return bulla_stored_row_compare(a, b);
}

/* The row that names all others, so that what was changed counts as written by the engine. */
static void seal_manifest(changed *c)
{
	bulla_error err = { 0 };
	bulla_stored_row split[ROWS_MAX];
	bulla_rows_data data = { .count = (uint32_t)c->n };
	BULLA_BUF_AUTO bulla_buf payload = { 0 };
	const struct one row = { .table = BULLA_KMS_META, .generation = c->generation };
	for (size_t i = 0; i < c->n; i++)
		fuzz_must(bulla_stored_row_split(&c->rows[i], &split[i], &err), &err);
	if (c->n) qsort(split, c->n, sizeof *split, compare_stored);
	fuzz_must(bulla_stored_row_digest(fuzz_lane(), split, c->n, data.digest, &err), &err);
	fuzz_must(bulla_rows_encode(&data, &payload, &err), &err);
	seal_row(c, &row, bulla_view_str(BULLA_META_ROWS), bulla_view_buf(&payload));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const rows *r = remember();
	changed *c = calloc(1, sizeof *c);
	HOLDS(c);
	c->generation = r->generation;
	c->head = r->head;
	change_rows(c, r, bulla_cursor_of(bulla_view(data, size)));
	seal_manifest(c);
	engine_use((bulla_kms_store){ .version = tell_version, .load = load, .change = change, .set_head = set_head, .self = c });
	for (size_t i = 0; i < ROWS_MAX; i++) {
		bulla_buf_done(&c->ids[i]);
		bulla_buf_done(&c->bytes[i]);
	}
	free(c);
	return 0;
}
