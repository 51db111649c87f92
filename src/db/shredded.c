/*
 * shredded.c - counting rows under tombstones.
 */
#include "db/shredded.h"

#include "core/branch_store.h"
#include "core/provider.h"
#include "db/census.h"
#include "db/shred_book.h"

#include <stdlib.h>

#define GROUP 500 /* versions asked for at once */
#define ENTRY 16

void bulla_shredded_done(bulla_shredded *s)
{
	bulla_buf_done(&s->list);
}

bulla_code bulla_shredded_add(bulla_shredded *s, bulla_bytes directory, uint64_t rows, bulla_error *err)
{
	s->list.max = BULLA_SHREDDED_MAX;
	for (size_t i = 0; i < bulla_directory_count(directory) && s->list.len + ENTRY <= BULLA_SHREDDED_MAX; i++) {
		uint8_t kind;
		uint64_t version;
		bulla_directory_read(directory, i, &kind, &version);
		if (kind != BULLA_WRAP_BRANCH) continue;
		TRY(bulla_buf_add_u64(&s->list, version, err));
		TRY(bulla_buf_add_u64(&s->list, rows, err));
	}
	return BULLA_OK;
}

/* --- as the store has it ------------------------------------------------------------------------------------------ */

typedef struct asking {
	const uint8_t *entries; /* those of the group */
	uint64_t rows;
} asking;

static bulla_code take(void *self, size_t index, const bulla_branch_row *row, bulla_error *err)
{
	asking *a = self;
	(void)err;
	if (row->state == BULLA_BRANCH_DESTROYED) a->rows += bulla_get_u64(a->entries + index * ENTRY + 8);
	return BULLA_OK;
}

static bulla_code ask_store(const bulla_shredded *s, const bulla_branch_store *store, uint64_t *ret, bulla_error *err)
{
	asking a = { 0 };
	uint64_t versions[GROUP];
	for (size_t at = 0; at < s->list.len;) {
		size_t n = 0;
		a.entries = s->list.data + at;
		for (; n < GROUP && at < s->list.len; at += ENTRY)
			versions[n++] = bulla_get_u64(s->list.data + at);
		TRY(store->by_version(store->self, versions, n, take, &a, err));
	}
	*ret = a.rows;
	return BULLA_OK;
}

/* --- as the database has it --------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

static bulla_code ask_book(const bulla_shredded *s, bulla_db *db, uint64_t *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf gone = { .max = BULLA_SHREDDED_MAX };
	TRY(bulla_shred_book_versions(db, &gone, err));
	if (gone.len) qsort(gone.data, gone.len / 8, 8, compare);
	for (size_t at = 0; gone.len && at < s->list.len; at += ENTRY)
		if (bsearch(s->list.data + at, gone.data, gone.len / 8, 8, compare)) *ret += bulla_get_u64(s->list.data + at + 8);
	return BULLA_OK;
}

bulla_code bulla_shredded_tell(bulla_shredded *s, const bulla_run *run, bulla_json_writer *out, bulla_error *err)
{
	uint64_t rows = 0, cleared = 0;
	TRY(run->job->branches ? ask_store(s, run->job->branches, &rows, err) : ask_book(s, run->db, &rows, err));
	TRY(bulla_shred_book_count(run->db, run->job->model->key, &cleared, err));
	bulla_json_open(out, "shredded", '{');
	bulla_json_put_int(out, "rows", (int64_t)rows);
	bulla_json_put_int(out, "cleared", (int64_t)cleared);
	bulla_json_close(out, '}');
	return BULLA_OK;
}
