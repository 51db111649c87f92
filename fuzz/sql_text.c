/*
 * sql_text.c - fuzz target: text as SQL that SQLite stores. What SQLite takes is understood, and what is cut out of it SQLite takes too.
 */
#include "fuzz.h"

#include "db/sql_text.h"

#include <sqlite3.h>

#define STEPS_MAX 1000 /* of SQLite's machine, in thousands, for one statement */

static void read_tokens(bulla_bytes rest)
{
	for (bulla_sql_token token; (token = bulla_sql_next(&rest)).kind != BULLA_SQL_END;)
		HOLDS(token.text.len && token.text.data + token.text.len == rest.data);
	HOLDS(rest.len == 0);
}

static void read_names(const char *sql)
{
	bulla_bytes bytes = bulla_view_str(sql), item, rest = bytes;
	(void)bulla_sql_index_uses(sql, "email");
	bulla_sql_event event = bulla_sql_trigger_event(sql);
	HOLDS(event.columns.len <= bytes.len && (event.update || event.columns.len == 0));
	HOLDS(bulla_sql_mentions(bytes, "email") || !bulla_sql_uses(bytes, "email"));
	for (bool list = bulla_sql_list(&rest); list && bulla_sql_item(&rest, &item);)
		HOLDS(item.len && item.data >= bytes.data && item.data + item.len <= bytes.data + bytes.len);
}

static int give_up(void *self)
{
	return ++*(int *)self > STEPS_MAX;
}

/* Runs one statement in an empty database. */
static bool run(sqlite3 *db, const char *sql)
{
	int steps = 0;
	sqlite3_stmt *stmt = NULL;
	sqlite3_progress_handler(db, 1000, give_up, &steps);
	bool done = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && stmt && sqlite3_step(stmt) == SQLITE_DONE;
	(void)sqlite3_finalize(stmt);
	return done;
}

static void cut_column(sqlite3 *db, const char *sql, const char *table, const char *column)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf without = { 0 }, twice = { 0 };
	HOLDS(bulla_sql_column_definition(sql, column).len);
	fuzz_must(bulla_sql_without_columns(sql, table, &column, 1, NULL, NULL, &without, &err), &err);
	fuzz_must(bulla_buf_terminate(&without, &err), &err);
	const char *shorter = (const char *)without.data;
	HOLDS(bulla_sql_column_definition(shorter, column).len == 0);
	fuzz_must(bulla_sql_without_columns(shorter, table, &column, 1, NULL, NULL, &twice, &err), &err);
	HOLDS(fuzz_same(&twice, bulla_view_buf(&without)));
	(void)db;
}

/* A table that SQLite has made: each of its columns is found, and can be taken out. */
static void read_table(sqlite3 *db)
{
	sqlite3_stmt *stmt = NULL;
	static const char columns[] =
		"SELECT s.sql, s.name, c.name FROM sqlite_schema s, pragma_table_xinfo(s.name) c WHERE s.type = 'table'"
		" AND s.sql NOT LIKE 'CREATE VIRTUAL%' AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
	HOLDS(sqlite3_prepare_v2(db, columns, -1, &stmt, NULL) == SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		cut_column(db, (const char *)sqlite3_column_text(stmt, 0), (const char *)sqlite3_column_text(stmt, 1),
			   (const char *)sqlite3_column_text(stmt, 2));
	(void)sqlite3_finalize(stmt);
}

/* Only what makes a table: nothing is attached, no file is opened. */
static int allow(void *self, int action, const char *a, const char *b, const char *c, const char *d)
{
	(void)self, (void)a, (void)b, (void)c, (void)d;
	bool harmless = action == SQLITE_CREATE_TABLE || action == SQLITE_INSERT || action == SQLITE_UPDATE ||
			action == SQLITE_READ || action == SQLITE_SELECT || action == SQLITE_FUNCTION ||
			action == SQLITE_CREATE_INDEX || action == SQLITE_REINDEX || action == SQLITE_TRANSACTION ||
			action == SQLITE_RECURSIVE;
	return harmless ? SQLITE_OK : SQLITE_DENY;
}

static void ask_sqlite(const char *sql)
{
	sqlite3 *db = NULL;
	bulla_bytes rest = bulla_view_str(sql);
	if (!bulla_sql_is_word(bulla_sql_next(&rest), "create") || !bulla_sql_is_word(bulla_sql_next(&rest), "table")) return;
	HOLDS(sqlite3_open(":memory:", &db) == SQLITE_OK);
	sqlite3_set_authorizer(db, allow, NULL);
	bool made = run(db, sql);
	sqlite3_set_authorizer(db, NULL, NULL);
	sqlite3_progress_handler(db, 0, NULL, NULL);
	if (made) read_table(db);
	(void)sqlite3_close(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *sql = fuzz_text(bulla_view(data, size));
	read_tokens(bulla_view(data, size));
	read_names(sql);
	ask_sqlite(sql);
	free(sql);
	return 0;
}
