/*
 * sqlite_rebuild.c - a table made anew under another definition: what ALTER TABLE cannot do.
 */
#include "db/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A list of texts that outlives the statement it comes from: the schema is changed while it is read. */
typedef struct texts {
	size_t n;
	char *list[1000]; /* indexes of one table: far beyond what SQLite can plan with */
} texts;

static void texts_done(texts *list)
{
	while (list->n)
		free(list->list[--list->n]);
}

#define TEXTS_AUTO __attribute__((cleanup(texts_done))) texts

static bulla_code read_texts(bulla_lite *s, char *sql, texts *ret, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	int rc;
	TRY(bulla_lite_prepare(s, sql, &stmt, err));
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(stmt, 0);
		if (ret->n == sizeof ret->list / sizeof *ret->list)
			return bulla_fail(err, BULLA_ERR_LIMIT, "the table has more than %zu indexes", ret->n);
		if (!(ret->list[ret->n] = strdup(text ? text : ""))) return bulla_fail_memory(err);
		ret->n++;
	}
	return rc == SQLITE_DONE ? BULLA_OK : bulla_lite_fail(s, rc, err, "read the definition of the database");
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

static void add_values(const bulla_lite_rebuild *r, const bulla_table *now, sqlite3_str *names, sqlite3_str *values)
{
	const char *comma = "";
	if (now->rowid && !now->rowid_is_column && r->m->table->rowid) {
		sqlite3_str_appendf(names, "\"%w\"", now->rowid);
		sqlite3_str_appendf(values, "t.\"%w\"", r->m->table->rowid);
		comma = ", ";
	}
	for (size_t i = 0; i < now->column_count; i++) {
		const bulla_column *column = &now->columns[i];
		if (column->generated) continue;
		sqlite3_str_appendf(names, "%s\"%w\"", comma, column->name);
		sqlite3_str_appendall(values, comma);
		if (!r->add_value || !r->add_value(r->self, column, values))
			sqlite3_str_appendf(values, "t.\"%w\"", column->name);
		comma = ", ";
	}
}

/* OR ABORT: a constraint that would rather lose a row (ON CONFLICT REPLACE, IGNORE) shall fail like any other. With `one` a
 * single row, by its locator: parameters from the second on. */
static char *copy_sql(const bulla_lite_rebuild *r, const bulla_table *now, bool one)
{
	sqlite3_str *sql = sqlite3_str_new(r->s->handle), *values = sqlite3_str_new(r->s->handle);
	sqlite3_str_appendf(sql, "INSERT OR ABORT INTO \"%w\"(", now->name);
	add_values(r, now, sql, values);
	char *list = sqlite3_str_finish(values);
	sqlite3_str_appendf(sql, ") SELECT %s FROM \"%w\" AS t", list, r->old);
	sqlite3_free(list);
	if (r->m->stage) {
		sqlite3_str_appendf(sql, " LEFT JOIN \"%w\" AS u ON ", r->m->stage->name);
		bulla_lite_add_stage_join(sql, r->m, "t");
	}
	for (size_t i = 0; one && i < r->m->locator_count; i++)
		sqlite3_str_appendf(sql, "%st.\"%w\" IS ?%d", i ? " AND " : " WHERE ", r->m->locator[i], (int)i + 2);
	return sqlite3_str_finish(sql);
}

static bulla_code prepare_copy(const bulla_lite_rebuild *r, const bulla_table *now, bool one, sqlite3_stmt **ret,
			       bulla_error *err)
{
	TRY(bulla_lite_prepare(r->s, copy_sql(r, now, one), ret, err));
	if (r->text && sqlite3_bind_parameter_count(*ret) > 0) (void)sqlite3_bind_text(*ret, 1, r->text, -1, SQLITE_STATIC);
	return BULLA_OK;
}

/* Locator, then primary key, of every row of the old table. */
static char *list_sql(const bulla_lite_rebuild *r)
{
	const bulla_mapping *m = r->m;
	sqlite3_str *sql = sqlite3_str_new(r->s->handle);
	for (size_t i = 0; i < m->locator_count; i++)
		sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "SELECT ", m->locator[i]);
	for (size_t i = 0; i < m->table->pk_count; i++)
		sqlite3_str_appendf(sql, ", \"%w\"", m->table->pk[i]);
	sqlite3_str_appendf(sql, " FROM \"%w\"", r->old);
	return sqlite3_str_finish(sql);
}

static bulla_code try_row(const bulla_lite_rebuild *r, sqlite3_stmt *list, sqlite3_stmt *insert, bulla_error *err)
{
	bulla_value values[2 * BULLA_LOCATOR_MAX];
	size_t n = r->m->locator_count, pk = r->m->table->pk_count;
	if (pk > BULLA_LOCATOR_MAX) pk = BULLA_LOCATOR_MAX;
	bulla_lite_row(list, (int)(n + pk), false, values);
	for (size_t i = 0; i < n; i++)
		(void)bulla_lite_bind(insert, (int)i + 2, &values[i]);
	int rc = sqlite3_step(insert);
	char why[BULLA_ERROR_TEXT_MAX];
	(void)snprintf(why, sizeof why, "%s", sqlite3_errmsg(r->s->handle)); /* of a constraint: names of columns, or its own */
	(void)sqlite3_reset(insert);
	if (rc == SQLITE_DONE) return BULLA_OK;
	if ((rc & 0xff) != SQLITE_CONSTRAINT) return bulla_lite_fail(r->s, rc, err, "copy a row");
	return r->misfit(r->self, values + n, why, err);
}

/* Which rows are refused: one after the other. */
static bulla_code find_misfits(const bulla_lite_rebuild *r, const bulla_table *now, bulla_error *err)
{
	BULLA_STMT_AUTO *list = NULL, *insert = NULL;
	int rc;
	TRY(bulla_lite_prepare(r->s, list_sql(r), &list, err));
	TRY(prepare_copy(r, now, true, &insert, err));
	while ((rc = sqlite3_step(list)) == SQLITE_ROW)
		TRY(try_row(r, list, insert, err));
	if (rc != SQLITE_DONE) return bulla_lite_fail(r->s, rc, err, "read the table");
	return bulla_fail(err, BULLA_ERR_REFUSED, "the definition of table %s does not take its rows", now->name);
}

static bulla_code count_rows(const bulla_lite_rebuild *r, int64_t *ret, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	TRY(bulla_lite_prepare(r->s, sqlite3_mprintf("SELECT count(*) FROM \"%w\"", r->old), &stmt, err));
	return bulla_lite_wait(r->s, stmt, "count the rows", ret, err);
}

static bulla_code copy_rows(const bulla_lite_rebuild *r, const bulla_table *now, bulla_error *err)
{
	BULLA_STMT_AUTO *copy = NULL;
	int64_t rows = 0;
	TRY(prepare_copy(r, now, false, &copy, err));
	TRY(count_rows(r, &rows, err));
	int rc = sqlite3_step(copy);
	bulla_code code = rc == SQLITE_DONE ? BULLA_OK : bulla_lite_fail(r->s, rc, err, "copy the rows of table %s", now->name);
	(void)sqlite3_reset(copy);
	if (code == BULLA_ERR_REFUSED && r->misfit) return find_misfits(r, now, err);
	TRY(code);
	if (sqlite3_changes64(r->s->handle) == rows) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_INTERNAL, "table %s has %lld rows, and %lld were copied", now->name, (long long)rows,
			  (long long)sqlite3_changes64(r->s->handle));
}

/* AUTOINCREMENT promises that no id comes twice, that of a deleted last row neither. */
static bulla_code keep_sequence(const bulla_lite_rebuild *r, const bulla_table *now, bulla_error *err)
{
	if (!now->autoincrement) return BULLA_OK;
	TRY(bulla_lite_execf(r->s, err, "DELETE FROM sqlite_sequence WHERE name = %Q", now->name));
	return bulla_lite_execf(
		r->s, err,
		"INSERT INTO sqlite_sequence(name, seq) SELECT %Q, seq FROM sqlite_sequence WHERE name = %Q COLLATE NOCASE",
		now->name, r->old);
}

/* --- the table -------------------------------------------------------------------------------------------------- */

static bulla_code fill(const bulla_lite_rebuild *r, bulla_error *err)
{
	bulla_table *now = NULL;
	TRY(bulla_lite_inspect(&r->s->db, r->m->table->name, &now, err));
	if (!now) return bulla_fail(err, BULLA_ERR_INTERNAL, "the new definition is not one of table %s", r->m->table->name);
	bulla_code code = r->made ? r->made(r->self, now, err) : BULLA_OK;
	if (!code) code = copy_rows(r, now, err);
	if (!code) code = keep_sequence(r, now, err);
	if (!code && r->filled) code = r->filled(r->self, now, err);
	bulla_table_free(now);
	return code;
}

static bulla_code rebuild(bulla_lite_rebuild *r, const texts *indexes, bulla_error *err)
{
	TRY(bulla_lite_execf(r->s, err, "ALTER TABLE \"%w\" RENAME TO \"%w\"", r->m->table->name, r->old));
	TRY(bulla_lite_execf(r->s, err, "%s", r->create));
	TRY(fill(r, err));
	TRY(bulla_lite_execf(r->s, err, "DROP TABLE \"%w\"", r->old));
	for (size_t i = 0; i < indexes->n; i++)
		TRY(bulla_lite_execf(r->s, err, "%s", indexes->list[i]));
	return BULLA_OK;
}

bulla_code bulla_lite_rebuild_run(bulla_lite_rebuild *r, bulla_error *err)
{
	TEXTS_AUTO indexes = { 0 };
	TRY(read_texts(
		r->s,
		sqlite3_mprintf(
			"SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = %Q COLLATE NOCASE",
			r->m->table->name),
		&indexes, err));
	char *old = sqlite3_mprintf("bulla_rebuild_%s", r->m->table->name);
	if (!old) return bulla_fail_memory(err);
	r->old = old;
	bulla_code code = rebuild(r, &indexes, err);
	r->old = NULL;
	sqlite3_free(old);
	return code;
}
