/*
 * sqlite_wipe.c - what was destroyed is in the store's file no more: looked for in its raw bytes, and the file rewritten where it is.
 *
 * secure_delete overwrites what is deleted. It does not reach the copies that SQLite leaves between the cells of a page when it splits or
 * joins pages: seldom, and then for as long as the page lives. The file is read through SQLite's own handle, since closing another
 * one would drop the locks of this process.
 */
#include "store/sqlite.h"

#include <stdlib.h>

#define PIECE         8 /* bytes: whatever is 15 long holds one of the pieces that are looked for */
#define BLOCK         (1 << 20)
#define IN_MEMORY_MAX (256ll << 20) /* a store that is larger is rewritten through a temporary file */

#define FREE  0
#define KNOWN UINT64_MAX /* was a piece that rows have */

/* The pieces of the destroyed keys, in an open hash table. */
typedef struct pieces {
	uint64_t *list;
	size_t mask;
} pieces;

static uint64_t load(const uint8_t *at)
{
	uint64_t piece;
	memcpy(&piece, at, PIECE);
	return piece;
}

static uint64_t *place_of(const pieces *p, uint64_t piece)
{
	size_t at = (size_t)((piece * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & p->mask;
	while (p->list[at] != FREE && p->list[at] != piece)
		at = (at + 1) & p->mask;
	return &p->list[at];
}

static bulla_code pieces_init(pieces *p, bulla_bytes bytes, bulla_error *err)
{
	size_t size = 64;
	while (size < bytes.len)
		size *= 2; /* an eighth of it is used */
	p->list = calloc(size, sizeof *p->list);
	if (!p->list) return bulla_fail_memory(err);
	p->mask = size - 1;
	for (size_t at = 0; at + PIECE <= bytes.len; at += PIECE) {
		uint64_t piece = load(bytes.data + at);
		if (piece != FREE && piece != KNOWN) *place_of(p, piece) = piece;
	}
	return BULLA_OK;
}

/* Key ids, directories of wraps and the like are in the rows of other keys too: only what no row has is a remain. */
static bulla_code is_of_a_row(bulla_sqlite *s, uint64_t piece, bool *ret, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_HOLDS, &statement, err));
	bulla_sqlite_bind_bytes(statement, 1, bulla_view(&piece, PIECE));
	return bulla_sqlite_step(s, statement, ret, err);
}

static bulla_code search_block(bulla_sqlite *s, const pieces *p, bulla_bytes block, bool *ret_found, bulla_error *err)
{
	for (size_t at = 0; at + PIECE <= block.len && !*ret_found; at++) {
		uint64_t piece = load(block.data + at), *place = place_of(p, piece);
		bool known = true;
		if (piece == FREE || piece == KNOWN || *place != piece) continue;
		TRY(is_of_a_row(s, piece, &known, err));
		*ret_found = !known;
		*place = KNOWN; /* asked once; the place stays taken */
	}
	return BULLA_OK;
}

static bulla_code open_raw(bulla_sqlite *s, sqlite3_file **ret_file, sqlite3_int64 *ret_size, bulla_error *err)
{
	int rc = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, ret_file);
	if (rc == SQLITE_OK) rc = (*ret_file)->pMethods->xFileSize(*ret_file, ret_size);
	return rc == SQLITE_OK ? BULLA_OK : bulla_sqlite_fail(s->db, rc, err, "searching the key store's file");
}

/* Others may write meanwhile: what lies between cells stays in its page, so it is met wherever the search is. */
static bulla_code search_file(bulla_sqlite *s, const pieces *p, uint8_t *block, bool *ret_found, bulla_error *err)
{
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;
	TRY(open_raw(s, &file, &size, err));
	for (sqlite3_int64 at = 0; at < size && !*ret_found; at += BLOCK - (PIECE - 1)) {
		int n = size - at < BLOCK ? (int)(size - at) : BLOCK;
		int rc = file->pMethods->xRead(file, block, n, at);
		if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
			return bulla_sqlite_fail(s->db, rc, err, "searching the key store's file");
		TRY(search_block(s, p, bulla_view(block, (size_t)n), ret_found, err));
	}
	return BULLA_OK;
}

static bulla_code search(bulla_sqlite *s, bulla_bytes bytes, bool *ret_found, bulla_error *err)
{
	pieces p = { 0 };
	uint8_t *block = malloc(BLOCK);
	bulla_code code = block ? pieces_init(&p, bytes, err) : bulla_fail_memory(err);
	if (!code) code = search_file(s, &p, block, ret_found, err);
	free(block);
	free(p.list);
	return code;
}

bulla_code bulla_sqlite_empty_log(bulla_sqlite *s, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool there = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_CHECKPOINT, &statement, err));
	TRY(bulla_sqlite_step(s, statement, &there, err));
	if (there && sqlite3_column_int(statement, 0) == 0) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_LOCKED,
				     "the branch key is destroyed, but another process keeps its bytes in the key store's log");
	return bulla_advise(err, code, "end what has read the key store for long, then try again");
}

static bulla_code rewrite(bulla_sqlite *s, bulla_error *err)
{
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;
	TRY(open_raw(s, &file, &size, err));
	bool large = size > IN_MEMORY_MAX;
	int rc = large ? sqlite3_exec(s->db, "PRAGMA temp_store = FILE", NULL, NULL, NULL) : SQLITE_OK;
	if (rc == SQLITE_OK) rc = sqlite3_exec(s->db, "VACUUM", NULL, NULL, NULL);
	if (large) (void)sqlite3_exec(s->db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
	if (rc != SQLITE_OK) return bulla_sqlite_fail(s->db, rc, err, "rewriting the key store");
	return bulla_sqlite_empty_log(s, err);
}

bulla_code bulla_sqlite_wipe(bulla_sqlite *s, bulla_bytes bytes, bulla_error *err)
{
	bool found = bytes.len == 0;
	TRY(bulla_sqlite_empty_log(s, err));
	if (!found) TRY(search(s, bytes, &found, err));
	return found ? rewrite(s, err) : BULLA_OK;
}
