/*
 * sqlite_guards.c - are the triggers of a job those that its model and its phase ask for?
 *
 * They are made once more in a database in memory, over tables that have nothing but the right names, and their texts compared.
 */
#include "db/sqlite.h"

#include <string.h>

typedef struct comparison {
	bulla_lite *real, *made;
	const bulla_mapping *mapping;
	bulla_casualty each;
	void *self;
	bulla_error *err;
} comparison;

static bulla_code make_table(bulla_lite *made, const bulla_table *t, bulla_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(made->handle);
	sqlite3_str_appendf(sql, "CREATE TABLE \"%w\"(", t->name);
	for (size_t i = 0; i < t->column_count; i++)
		sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", t->columns[i].name);
	sqlite3_str_appendall(sql, ")");
	return bulla_lite_exec(made, sqlite3_str_finish(sql), err);
}

static bulla_code make_all(comparison *c, bool finished)
{
	const bulla_mapping *m = c->mapping;
	TRY(make_table(c->made, m->table, c->err));
	if (m->aside && m->side) TRY(make_table(c->made, m->side, c->err));
	TRY(bulla_lite_triggers_make(c->made, m, finished, c->err));
	return m->stage ? bulla_lite_stage_triggers_make(c->made, m, c->err) : BULLA_OK;
}

static bulla_code find(bulla_lite *s, const char *name, sqlite3_stmt **ret, bool *ret_found, bulla_error *err)
{
	TRY(bulla_lite_prepare(
		s, sqlite3_mprintf("SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = %Q COLLATE NOCASE", name),
		ret, err));
	int rc = sqlite3_step(*ret);
	*ret_found = rc == SQLITE_ROW;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? BULLA_OK : bulla_lite_fail(s, rc, err, "look for triggers");
}

static bulla_code compare_one(comparison *c, const char *name, const char *sql)
{
	BULLA_STMT_AUTO *stmt = NULL;
	bool found = false;
	TRY(find(c->real, name, &stmt, &found, c->err));
	const char *there = found ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	if (!there)
		c->each(c->self, "missing", name, sql);
	else if (strcmp(there, sql) != 0)
		c->each(c->self, "changed", name, there);
	return BULLA_OK;
}

static bulla_code compare_made(comparison *c)
{
	BULLA_STMT_AUTO *stmt = NULL;
	int rc;
	TRY(bulla_lite_prepare(c->made,
			       sqlite3_mprintf("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name"), &stmt,
			       c->err));
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		TRY(compare_one(c, (const char *)sqlite3_column_text(stmt, 0), (const char *)sqlite3_column_text(stmt, 1)));
	return rc == SQLITE_DONE ? BULLA_OK : bulla_lite_fail(c->made, rc, c->err, "look for triggers");
}

/* Those of a job that this phase does not have any more. */
static bulla_code compare_left(comparison *c, const bulla_table *t)
{
	for (size_t i = 0; t && i < t->trigger_count; i++) {
		BULLA_STMT_AUTO *stmt = NULL;
		bool found = false;
		if (!t->triggers[i].ours || !t->triggers[i].here) continue;
		TRY(find(c->made, t->triggers[i].name, &stmt, &found, c->err));
		if (!found) c->each(c->self, "left over", t->triggers[i].name, t->triggers[i].sql);
	}
	return BULLA_OK;
}

bulla_code bulla_lite_guards(bulla_db *db, const bulla_mapping *mapping, bool finished, bulla_casualty each, void *self,
			     bulla_error *err)
{
	bulla_lite made = { .path = NULL };
	comparison c = { bulla_lite_of(db), &made, mapping, each, self, err };
	int rc =
		sqlite3_open_v2(":memory:", &made.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	bulla_code code = rc == SQLITE_OK ? make_all(&c, finished) : bulla_fail_memory(err);
	if (!code) code = compare_made(&c);
	if (!code) code = compare_left(&c, mapping->table);
	if (!code && mapping->aside) code = compare_left(&c, mapping->side);
	(void)sqlite3_close_v2(made.handle);
	return code;
}
