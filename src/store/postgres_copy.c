/*
 * postgres_copy.c - a whole store out of PostgreSQL, and into it.
 *
 * A backup is a SQLite store: one file that opens by itself, with the root key, wherever the command is. What is put back takes the place of the
 * tables, not of the log's; what was there moves to a schema of its own in the same transaction.
 */
#include "store/postgres.h"
#include "store/sqlite.h"

#include <stdio.h>

/* --- out ------------------------------------------------------------------------------------------------------- */
typedef struct giving {
	const bulla_store_taker *taker;
	bulla_buf identity; /* of the last branch */
	int64_t sequence;
} giving;

static bulla_code give_row(void *self, const PGresult *result, int row, bulla_error *err)
{
	const giving *g = self;
	bulla_kms_row met = bulla_pg_row_of(result, row);
	return g->taker->row(g->taker->self, &met, err);
}

static bulla_code give_branch(void *self, const PGresult *result, int row, bulla_error *err)
{
	giving *g = self;
	bulla_branch_row met = bulla_pg_branch_of(result, row);
	if (!bulla_bytes_equal(met.identity, bulla_view_buf(&g->identity))) {
		g->sequence = 0;
		g->identity.len = 0;
		TRY(bulla_buf_add(&g->identity, met.identity, err));
	}
	return g->taker->branch(g->taker->self, &met, ++g->sequence, err);
}

static bulla_code give_note(void *self, const PGresult *result, int row, bulla_error *err)
{
	const giving *g = self;
	return g->taker->note(g->taker->self, PQgetvalue(result, row, 0), bulla_pg_bytes(result, row, 1), err);
}

static bulla_code give_all(bulla_pg_link *link, void *self, bulla_error *err)
{
	giving *g = self;
	uint64_t generation = 0;
	bulla_log_head head;
	TRY(bulla_pg_take_time(link, err));
	TRY(bulla_pg_read_state(link, BULLA_PG_STATE, &generation, &head, err));
	TRY(g->taker->state(g->taker->self, generation, &head, err));
	TRY(bulla_pg_walk(link, BULLA_PG_ROWS, NULL, 0, give_row, g, err));
	TRY(bulla_pg_walk(link, BULLA_PG_BRANCH_EACH, NULL, 0, give_branch, g, err));
	return bulla_pg_walk(link, BULLA_PG_NOTES, NULL, 0, give_note, g, err);
}

/* On a link of its own: others go on with theirs. */
bulla_code bulla_pg_give(void *self, const bulla_store_taker *taker, bulla_error *err)
{
	bulla_pg *pg = self;
	giving g = { .taker = taker };
	bulla_pg_link link;
	TRY(bulla_pg_check_owner(&pg->place, err));
	bulla_pg_link_init(&link, &pg->place);
	bulla_code code = bulla_pg_transact(&link, BULLA_PG_BEGIN_READ, give_all, &g, NULL, err);
	bulla_pg_link_done(&link);
	bulla_buf_done(&g.identity);
	return code;
}

bulla_code bulla_pg_backup(void *self, const char *path, bulla_error *err)
{
	return bulla_sqlite_backup_of(bulla_pg_give, self, path, err);
}

/* --- in -------------------------------------------------------------------------------------------------------- */
typedef struct taking {
	bulla_store_source source;
	void *source_self;
	const char *keep_as;
	bulla_pg_link *link;
} taking;

static bulla_code take_state(void *self, uint64_t generation, const bulla_log_head *head, bulla_error *err)
{
	const taking *t = self;
	return bulla_pg_write_state(t->link, generation, head, err);
}

static bulla_code take_row(void *self, const bulla_kms_row *row, bulla_error *err)
{
	const taking *t = self;
	return bulla_pg_put_row(t->link, row, err);
}

static bulla_code take_branch(void *self, const bulla_branch_row *row, int64_t sequence, bulla_error *err)
{
	const taking *t = self;
	return bulla_pg_put_branch(t->link, row, sequence, err);
}

static bulla_code take_note(void *self, const char *name, bulla_bytes value, bulla_error *err)
{
	const taking *t = self;
	return bulla_pg_put_note(t->link, name, value, err);
}

static const char *const tables[] = { "bulla_store", "bulla_state", "bulla_kms", "bulla_branch", "bulla_note" };

static bulla_code move_tables(bulla_pg_link *link, const char *keep_as, bulla_error *err)
{
	char sql[192];
	(void)snprintf(sql, sizeof sql, "CREATE SCHEMA \"%.63s\"", keep_as);
	TRY(bulla_pg_run(link, sql, err));
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		(void)snprintf(sql, sizeof sql, "ALTER TABLE %s SET SCHEMA \"%.63s\"", tables[i], keep_as);
		TRY(bulla_pg_run(link, sql, err));
	}
	return BULLA_OK;
}

/* Generations begin again where the copy was made: a node must not take one of before for the same one of later. */
static bulla_code begin_epoch(bulla_pg_link *link, const char *kept_as, bulla_error *err)
{
	char sql[192];
	(void)snprintf(sql, sizeof sql, "UPDATE bulla_state SET epoch = (SELECT epoch + 1 FROM \"%.63s\".bulla_state)", kept_as);
	return bulla_pg_run(link, sql, err);
}

/* Made by opening it for a restore, and never written to. */
static bulla_code drop_empty(bulla_pg_link *link, bulla_error *err)
{
	int64_t rows = 0;
	TRY(bulla_pg_ask_text(link,
			      "SELECT (SELECT count(*) FROM bulla_kms) + (SELECT count(*) FROM bulla_branch) +"
			      " (SELECT count(*) FROM bulla_note)",
			      &rows, err));
	if (rows) return bulla_fail(err, BULLA_ERR_EXISTS, "there is a key store in the %s", link->place->name);
	return bulla_pg_run(link, "DROP TABLE bulla_store, bulla_state, bulla_kms, bulla_branch, bulla_note", err);
}

static bulla_code take_all(bulla_pg_link *link, void *self, bulla_error *err)
{
	taking *t = self;
	bulla_store_taker taker = { take_state, take_row, take_branch, take_note, t };
	bulla_pg_value number = BULLA_PG_NUMBER(bulla_pg_lock_number(link->place, "schema"));
	t->link = link;
	TRY(bulla_pg_do(link, BULLA_PG_LOCK, &number, 1, NULL, err));
	TRY(t->keep_as ? move_tables(link, t->keep_as, err) : drop_empty(link, err));
	TRY(bulla_pg_make_tables(link, 0, err));
	if (t->keep_as) TRY(begin_epoch(link, t->keep_as, err));
	TRY(t->source(t->source_self, &taker, err));
	return bulla_pg_tell(link, err);
}

bulla_code bulla_pg_take(void *self, bulla_store_source source, void *source_self, const char *keep_as, bulla_error *err)
{
	bulla_pg *pg = self;
	taking t = { .source = source, .source_self = source_self, .keep_as = keep_as };
	bulla_code code = bulla_pg_with(pg, BULLA_PG_BEGIN, take_all, &t, NULL, err);
	bulla_pg_watch_forget(&pg->watch);
	return code;
}
