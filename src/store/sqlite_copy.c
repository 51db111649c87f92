/*
 * sqlite_copy.c - a whole store out of a SQLite file, and into a new one, row by row: between stores of two kinds.
 */
#include "store/sqlite.h"

#include <stdlib.h>

/* --- out ------------------------------------------------------------------------------------------------------- */
typedef struct giving {
	const bulla_store_taker *taker;
	bulla_buf identity; /* of the last branch */
	int64_t sequence;
} giving;

static bulla_code give_row(void *self, const bulla_kms_row *row, bulla_error *err)
{
	const giving *g = self;
	return g->taker->row(g->taker->self, row, err);
}

static bulla_code give_branch(void *self, const bulla_branch_row *row, bulla_error *err)
{
	giving *g = self;
	if (!bulla_bytes_equal(row->identity, bulla_view_buf(&g->identity))) {
		g->sequence = 0;
		g->identity.len = 0;
		TRY(bulla_buf_add(&g->identity, row->identity, err));
	}
	return g->taker->branch(g->taker->self, row, ++g->sequence, err);
}

static bulla_code give_notes(bulla_sqlite *s, const giving *g, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool there = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_NOTES, &statement, err));
	TRY(bulla_sqlite_step(s, statement, &there, err));
	while (there) {
		const char *name = (const char *)sqlite3_column_text(statement, 0);
		if (!name) return bulla_fail_memory(err);
		TRY(g->taker->note(g->taker->self, name, bulla_sqlite_column(statement, 1), err));
		TRY(bulla_sqlite_step(s, statement, &there, err));
	}
	return BULLA_OK;
}

static bulla_code give_parts(bulla_sqlite *s, giving *g, bulla_error *err)
{
	uint64_t generation = 0;
	bulla_log_head head;
	TRY(bulla_sqlite_read_state(s, &generation, &head, err));
	TRY(g->taker->state(g->taker->self, generation, &head, err));
	TRY(bulla_sqlite_each_row(s, give_row, g, err));
	TRY(bulla_sqlite_each_branch(s, give_branch, g, err));
	return give_notes(s, g, err);
}

bulla_code bulla_sqlite_give(void *self, const bulla_store_taker *taker, bulla_error *err)
{
	bulla_sqlite *s = self;
	giving g = { .taker = taker };
	TRY(bulla_sqlite_enter(s, err));
	bulla_code code = bulla_sqlite_run(s, BULLA_SQL_BEGIN, err);
	if (code == BULLA_OK) code = bulla_sqlite_end(s, give_parts(s, &g, err), err);
	bulla_sqlite_leave(s);
	bulla_buf_done(&g.identity);
	return code;
}

/* --- in -------------------------------------------------------------------------------------------------------- */
static bulla_code take_state(void *self, uint64_t generation, const bulla_log_head *head, bulla_error *err)
{
	return bulla_sqlite_write_state(self, generation, head, err);
}

static bulla_code take_row(void *self, const bulla_kms_row *row, bulla_error *err)
{
	return bulla_sqlite_put_row(self, row, err);
}

static bulla_code take_branch(void *self, const bulla_branch_row *row, int64_t sequence, bulla_error *err)
{
	return bulla_sqlite_put_branch(self, row, sequence, err);
}

static bulla_code take_note(void *self, const char *name, bulla_bytes value, bulla_error *err)
{
	return bulla_sqlite_put_note(self, name, value, err);
}

bulla_code bulla_sqlite_fill(bulla_sqlite *s, bulla_store_source source, void *source_self, bulla_error *err)
{
	bulla_store_taker taker = { take_state, take_row, take_branch, take_note, s };
	TRY(bulla_sqlite_enter(s, err));
	bulla_code code = bulla_sqlite_run(s, BULLA_SQL_BEGIN_WRITE, err);
	if (code == BULLA_OK) code = bulla_sqlite_end(s, source(source_self, &taker, err), err);
	bulla_sqlite_leave(s);
	return code;
}
