/*
 * founding.c - a new store's first rows, and what can be had from a store without an engine: note and log seed.
 */
#include "kms/founding.h"

static bulla_code put_root(bulla_draft *draft, bulla_lane *lane, const bulla_root *root, bulla_bytes note, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf payload = { 0 };
	bulla_root_data data = { .note = note };
	TRY(bulla_random(lane, data.salt, sizeof data.salt, err));
	TRY(bulla_root_canary(root, lane, data.salt, data.canary, err));
	TRY(bulla_root_encode(&data, &payload, err));
	return bulla_draft_put(draft, BULLA_KMS_META, bulla_view_str(BULLA_META_ROOT), bulla_view_buf(&payload), err);
}

static bulla_code put_seed(bulla_draft *draft, bulla_lane *lane, const bulla_root *root, const bulla_secret *seed,
			   bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf payload = { 0 };
	bulla_sealed_key data;
	TRY(bulla_seed_wrap(lane, root, seed, &data, err));
	TRY(bulla_seed_encode(&data, &payload, err));
	return bulla_draft_put(draft, BULLA_KMS_META, bulla_view_str(BULLA_META_LOG), bulla_view_buf(&payload), err);
}

bulla_code bulla_founding_draft(bulla_draft *draft, bulla_lane *lane, const bulla_root *root, bulla_bytes note,
				const bulla_secret *seed, bulla_error *err)
{
	if (note.len > BULLA_ROOT_NOTE_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a root key's note has at most %d bytes", BULLA_ROOT_NOTE_MAX);
	TRY(put_root(draft, lane, root, note, err));
	return put_seed(draft, lane, root, seed, err);
}

bulla_code bulla_founding_seed(const bulla_stored_row *rows, size_t n, bulla_lane *lane, const bulla_root *root,
			       bulla_secret *ret, bulla_error *err)
{
	const bulla_bytes id = bulla_view_str(BULLA_META_LOG);
	const bulla_stored_row *row = bulla_rows_find(rows, n, BULLA_KMS_META, id);
	bulla_sealed_key data;
	if (!row) return bulla_stored_row_corrupt(err, BULLA_KMS_META, id, "it is missing");
	TRY(bulla_stored_row_check(lane, root, row, err));
	if (!bulla_seed_decode(row->payload, &data))
		return bulla_stored_row_corrupt(err, BULLA_KMS_META, id, "it does not parse");
	bulla_code code = bulla_seed_unwrap(lane, root, &data, ret, err);
	return code == BULLA_ERR_AUTH ? bulla_stored_row_corrupt(err, BULLA_KMS_META, id, "the root key does not open it") : code;
}

/* --- without an engine ----------------------------------------------------------------------------------------- */
/* What a store is looked at with for a moment. */
typedef struct visitor {
	bulla_pool *pool;
	bulla_lane *lane;
	bulla_root root;
	bulla_arena arena;
	bulla_rows rows;
} visitor;

static void visitor_done(visitor *v)
{
	if (v->pool) bulla_root_done(&v->root);
	bulla_pool_free(v->pool);
	bulla_lane_free(v->lane);
	bulla_arena_done(&v->arena);
}

#define VISITOR __attribute__((cleanup(visitor_done))) visitor

static bulla_code visit(visitor *v, const bulla_kms_store *store, const uint8_t root_key[static BULLA_KEY_SIZE],
			bulla_kms_table only, bulla_error *err)
{
	TRY(bulla_pool_new(&v->pool, err));
	TRY(bulla_lane_new(&v->lane, err));
	TRY(bulla_root_derive(v->pool, root_key, &v->root, err));
	return bulla_rows_load(store, only, &v->arena, &v->rows, err);
}

bulla_code bulla_engine_root_note(const bulla_kms_store *store, bulla_buf *out, bulla_error *err)
{
	VISITOR v = { 0 };
	bulla_root_data data;
	TRY(bulla_rows_load(store, BULLA_KMS_META, &v.arena, &v.rows, err));
	const bulla_bytes id = bulla_view_str(BULLA_META_ROOT);
	const bulla_stored_row *row = bulla_rows_find(v.rows.rows, v.rows.n, BULLA_KMS_META, id);
	if (!row) {
		bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "the key store is empty");
		return bulla_advise(err, code, "bulla init");
	}
	TRY(bulla_stored_row_is_known(row, err));
	if (!bulla_root_decode(row->payload, &data))
		return bulla_stored_row_corrupt(err, BULLA_KMS_META, id, "it does not parse");
	return bulla_buf_add(out, data.note, err);
}

bulla_code bulla_engine_log_seed(const bulla_kms_store *store, const uint8_t root_key[static BULLA_KEY_SIZE],
				 bulla_secret *ret_seed, bulla_error *err)
{
	VISITOR v = { 0 };
	TRY(visit(&v, store, root_key, BULLA_KMS_META, err));
	TRY(bulla_rows_check_root(&v.rows, v.lane, &v.root, err));
	return bulla_founding_seed(v.rows.rows, v.rows.n, v.lane, &v.root, ret_seed, err);
}

static bulla_code fail_exists(bulla_error *err)
{
	return bulla_fail(err, BULLA_ERR_EXISTS, "the key store is in use already: it is not made anew");
}

/* The head of a log that has no entries: the hash of nothing (RFC 6962, 2.1). */
static bulla_code empty_head(bulla_lane *lane, bulla_log_head *out, bulla_error *err)
{
	*out = (bulla_log_head){ 0 };
	return bulla_sha256(lane, NULL, 0, out->root, err);
}

static bulla_code found(visitor *v, const bulla_kms_store *store, bulla_bytes note, bulla_draft *draft, bulla_error *err)
{
	BULLA_SECRET seed = { 0 };
	bulla_log_head head;
	const bulla_kms_row *sealed = NULL;
	size_t n = 0;
	TRY(empty_head(v->lane, &head, err));
	TRY(bulla_random(v->lane, seed.bytes, sizeof seed.bytes, err));
	TRY(bulla_founding_draft(draft, v->lane, &v->root, note, &seed, err));
	TRY(bulla_draft_seal(draft, v->lane, &v->root, v->rows.generation + 1, NULL, 0, &sealed, &n, err));
	bulla_code code = store->change(store->self, v->rows.generation, sealed, n, &head, err);
	return code == BULLA_ERR_CONFLICT ? fail_exists(err) : code;
}

bulla_code bulla_engine_init(const bulla_engine_config *config, bulla_bytes root_note, bulla_error *err)
{
	VISITOR v = { 0 };
	bulla_draft draft = { 0 };
	if (!config->root_key) return bulla_fail(err, BULLA_ERR_USAGE, "an engine needs a root key");
	TRY(visit(&v, &config->store, config->root_key, 0, err));
	if (v.rows.n) return fail_exists(err);
	bulla_code code = found(&v, &config->store, root_note, &draft, err);
	bulla_draft_done(&draft);
	return code;
}
