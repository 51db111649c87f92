/*
 * store.c - fuzz target: a file that was put in the place of the key store, or of its backup.
 */
#include "engine.h"
#include "mutate.h"
#include "place.h"

#include "core/branch.h"

PLACE_NO_SYNC

static bulla_store *open_store(const place *p, bool create)
{
	bulla_error err = { 0 };
	bulla_store *store = NULL;
	char path[256], url[300];
	place_path(p, "kms.db", path);
	(void)snprintf(url, sizeof url, "sqlite:%s", path);
	const bulla_patience patience = { .wait_ms = 1 };
	HOLDS(fuzz_ok(bulla_store_open_patiently(url, create, &patience, &store, &err), &err) == (store != NULL));
	return store;
}

static void add_branch(const bulla_branch_store *branches)
{
	bulla_error err = { 0 };
	bulla_branch_row row = { .identity = bulla_view("\1\0\5users\0", 9),
				 .print = bulla_view_str("users"),
				 .version = 77,
				 .state = BULLA_BRANCH_ACTIVE,
				 .wrapped = bulla_view_str("a wrapped key"),
				 .created_us = 5 };
	fuzz_must(branches->create(branches->self, &row, 1, &err), &err);
}

/* The file's bytes, made once. */
static bulla_bytes whole(void)
{
	static bulla_buf bytes;
	if (bytes.len) return bulla_view_buf(&bytes);
	place p = place_make();
	bulla_store *store = open_store(&p, true);
	HOLDS(store);
	engine_fill(bulla_store_kms(store));
	bulla_branch_store branches = bulla_store_branches(store);
	add_branch(&branches);
	bulla_store_close(store);
	bytes = place_get(&p, "kms.db");
	place_remove(&p);
	return bulla_view_buf(&bytes);
}

static bulla_code see_branch(void *self, const bulla_branch_row *row, bulla_error *err)
{
	(void)self, (void)err;
	HOLDS(row->identity.len && row->state >= BULLA_BRANCH_ACTIVE && row->state <= BULLA_BRANCH_DESTROYED);
	return BULLA_OK;
}

static void use(bulla_store *store)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf note = { 0 }, identity = { 0 };
	bulla_branch_store branches = bulla_store_branches(store);
	engine_use(bulla_store_kms(store));
	(void)fuzz_ok(branches.each(branches.self, see_branch, NULL, &err), &err);
	(void)fuzz_ok(bulla_branch_find(&branches, "users", &identity, &err), &err);
	(void)fuzz_ok(bulla_store_note_get(store, "backup", &note, &err), &err);
}

/* Pages are large and changes small: a place in the file, then what is there. */
static void change(bulla_cursor in, bulla_buf *file)
{
	if (bulla_cursor_u8(&in) == 0xff) { /* a file of the fuzzer's own */
		bulla_buf_clear(file);
		fuzz_add(file, in.rest);
		return;
	}
	for (size_t n = 0; n < 16 && in.rest.len; n++) {
		size_t at = bulla_cursor_u32(&in) % (file->len + 1), len = bulla_cursor_u8(&in) % 16;
		bulla_bytes bytes = bulla_cursor_take(&in, len < in.rest.len ? len : in.rest.len);
		if (len == 0) file->len = at;
		if (bytes.len && at + bytes.len <= file->len) memcpy(file->data + at, bytes.data, bytes.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BULLA_BUF_AUTO bulla_buf file = { 0 };
	fuzz_add(&file, whole());
	change(bulla_cursor_of(bulla_view(data, size)), &file);
	place p = place_make();
	place_put(&p, "kms.db", bulla_view_buf(&file));
	bulla_store *store = open_store(&p, false);
	if (store) use(store);
	bulla_store_close(store);
	place_remove(&p);
	return 0;
}
