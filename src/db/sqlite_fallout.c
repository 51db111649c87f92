/*
 * sqlite_fallout.c - views and triggers that dropping a column breaks: found by compiling them before and after.
 *
 * A view is compiled by selecting from it, a trigger by a statement on its table that would fire it; nothing is run. What
 * worked before and does not any more is dropped and told, with its text: left in place it would break every later statement
 * on the table.
 */
#include "db/sqlite.h"

#include <stdlib.h>
#include <string.h>

#define OBJECTS_MAX 10000 /* views and triggers of one database */

typedef struct object {
	bool view;
	char *name;
	char *table; /* of a trigger */
	char *sql;
	unsigned worked; /* which ways of using it compiled before */
} object;

struct bulla_fallout {
	size_t n;
	object *objects;
	int fault; /* SQLite's code of what kept a statement from being tried; 0: none */
};

void bulla_lite_fallout_free(bulla_fallout *f)
{
	if (!f) return;
	for (size_t i = 0; i < f->n; i++) {
		free(f->objects[i].name);
		free(f->objects[i].table);
		free(f->objects[i].sql);
	}
	free(f->objects);
	free(f);
}

/* --- does it work? ---------------------------------------------------------------------------------------------- */

/* SQLITE_ERROR says that the statement is wrong; anything else that it could not be tried. */
static bool compiles(bulla_lite *s, bulla_fallout *f, char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sql ? sqlite3_prepare_v2(s->handle, sql, -1, &stmt, NULL) : SQLITE_NOMEM;
	(void)sqlite3_finalize(stmt);
	sqlite3_free(sql);
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_ERROR && !f->fault) f->fault = rc;
	return rc == SQLITE_OK;
}

/* An UPDATE that names every column fires every UPDATE trigger, whatever columns it is for. */
static char *update_sql(bulla_lite *s, bulla_fallout *f, const char *table)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	const char *comma = "";
	sqlite3_str_appendf(sql, "UPDATE \"%w\" SET ", table);
	char *columns = sqlite3_mprintf("SELECT name FROM pragma_table_xinfo(%Q) WHERE hidden = 0", table);
	int rc = columns ? sqlite3_prepare_v2(s->handle, columns, -1, &stmt, NULL) : SQLITE_NOMEM;
	if (rc == SQLITE_OK)
		for (; (rc = sqlite3_step(stmt)) == SQLITE_ROW; comma = ", ")
			sqlite3_str_appendf(sql, "%s\"%w\" = NULL", comma, sqlite3_column_text(stmt, 0));
	if (rc != SQLITE_DONE && !f->fault) f->fault = rc;
	(void)sqlite3_finalize(stmt);
	sqlite3_free(columns);
	return sqlite3_str_finish(sql);
}

/* A bit for each way of using it that compiles: selecting from a view; updating, deleting from and inserting into a
 * trigger's table. */
static unsigned works(bulla_lite *s, bulla_fallout *f, const object *o)
{
	if (o->view) return compiles(s, f, sqlite3_mprintf("SELECT * FROM \"%w\"", o->name));
	unsigned ways = compiles(s, f, update_sql(s, f, o->table));
	if (compiles(s, f, sqlite3_mprintf("DELETE FROM \"%w\"", o->table))) ways |= 2;
	if (compiles(s, f, sqlite3_mprintf("INSERT INTO \"%w\" DEFAULT VALUES", o->table))) ways |= 4;
	return ways;
}

static bool broke(bulla_lite *s, bulla_fallout *f, const object *o)
{
	return (o->worked & ~works(s, f, o)) != 0;
}

static bulla_code check_fault(bulla_lite *s, const bulla_fallout *f, bulla_error *err)
{
	return f->fault ? bulla_lite_fail(s, f->fault, err, "try the views and triggers of the database") : BULLA_OK;
}

/* --- before ----------------------------------------------------------------------------------------------------- */

static char *text(sqlite3_stmt *stmt, int column)
{
	const char *found = (const char *)sqlite3_column_text(stmt, column);
	return strdup(found ? found : "");
}

static bulla_code note(bulla_fallout *f, sqlite3_stmt *stmt, bulla_error *err)
{
	if (f->n == OBJECTS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the database has more than %d views and triggers", OBJECTS_MAX);
	object *grown = realloc(f->objects, (f->n + 1) * sizeof *grown);
	if (!grown) return bulla_fail_memory(err);
	f->objects = grown;
	object *o = &f->objects[f->n++];
	*o = (object){ sqlite3_column_int(stmt, 0), text(stmt, 1), text(stmt, 2), text(stmt, 3), 0 };
	return o->name && o->table && o->sql ? BULLA_OK : bulla_fail_memory(err);
}

/* Those are dropped and made again as the phase asks. */
static bool is_ours(sqlite3_stmt *stmt)
{
	return bulla_lite_is_ours((const char *)sqlite3_column_text(stmt, 1), (const char *)sqlite3_column_text(stmt, 3));
}

static bulla_code note_all(bulla_lite *s, bulla_fallout *f, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	int rc;
	TRY(bulla_lite_prepare(
		s,
		sqlite3_mprintf("SELECT type = 'view', name, tbl_name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger')"
				" ORDER BY type, name"),
		&stmt, err));
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		if (!is_ours(stmt)) TRY(note(f, stmt, err));
	if (rc != SQLITE_DONE) return bulla_lite_fail(s, rc, err, "read the definition of the database");
	for (size_t i = 0; i < f->n; i++)
		f->objects[i].worked = works(s, f, &f->objects[i]);
	return check_fault(s, f, err);
}

bulla_code bulla_lite_fallout_new(bulla_lite *s, bulla_fallout **out, bulla_error *err)
{
	bulla_fallout *f = calloc(1, sizeof *f);
	if (!f) return bulla_fail_memory(err);
	bulla_code code = note_all(s, f, err);
	if (code)
		bulla_lite_fallout_free(f);
	else
		*out = f;
	return code;
}

/* --- after ------------------------------------------------------------------------------------------------------ */

bulla_code bulla_lite_fallout_view(bulla_lite *s, bulla_fallout *f, const char *view, bool *ret_works, bulla_error *err)
{
	*ret_works = compiles(s, f, sqlite3_mprintf("SELECT * FROM \"%w\"", view));
	return check_fault(s, f, err);
}

static bulla_code find_table(bulla_lite *s, const char *trigger, char **ret, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	TRY(bulla_lite_prepare(
		s,
		sqlite3_mprintf("SELECT tbl_name FROM sqlite_schema WHERE type = 'trigger' AND name = %Q COLLATE NOCASE",
				trigger),
		&stmt, err));
	int rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW) return bulla_lite_fail(s, rc, err, "find a trigger");
	*ret = text(stmt, 0);
	return *ret ? BULLA_OK : bulla_fail_memory(err);
}

/* A trigger that does not compile makes every statement fail that fires it. */
static bulla_code try_trigger(bulla_lite *s, bulla_fallout *f, const bulla_definition *trigger, bool *ret_back, bulla_error *err)
{
	object o = { 0 };
	TRY(find_table(s, trigger->name, &o.table, err));
	unsigned with = works(s, f, &o);
	bulla_code code = bulla_lite_execf(s, err, "DROP TRIGGER \"%w\"", trigger->name);
	*ret_back = !code && (works(s, f, &o) & ~with) == 0;
	free(o.table);
	TRY(code);
	TRY(check_fault(s, f, err));
	return *ret_back ? bulla_lite_execf(s, err, "%s", trigger->sql) : BULLA_OK;
}

bulla_code bulla_lite_fallout_return(bulla_lite *s, bulla_fallout *f, const bulla_definition *definition, bool *ret_back,
				     bulla_error *err)
{
	bulla_error failed = { 0 };
	bulla_code code = bulla_lite_execf(s, &failed, "%s", definition->sql);
	*ret_back = !code;
	if (code == BULLA_ERR_DATABASE || code == BULLA_ERR_REFUSED) return BULLA_OK;
	if (code && err) *err = failed;
	if (code || strcmp(definition->kind, "trigger") != 0) return code;
	return try_trigger(s, f, definition, ret_back, err);
}

static bulla_code has_table(bulla_lite *s, const char *table, bool *ret, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	int64_t n = 0;
	TRY(bulla_lite_prepare(
		s,
		sqlite3_mprintf("SELECT count(*) FROM sqlite_schema WHERE type <> 'trigger' AND name = %Q COLLATE NOCASE", table),
		&stmt, err));
	TRY(bulla_lite_wait(s, stmt, "look for a table", &n, err));
	*ret = n > 0;
	return BULLA_OK;
}

/* The triggers of one table are taken away and put back one by one: those that make it fail stay away, and so do those of a table
 * that is gone. */
static bulla_code clear_table(bulla_lite *s, bulla_fallout *f, size_t first, bulla_casualty casualty, void *self,
			      bulla_error *err)
{
	const char *table = f->objects[first].table;
	bool there;
	TRY(has_table(s, table, &there, err));
	for (size_t i = first; i < f->n; i++)
		if (!f->objects[i].view && sqlite3_stricmp(f->objects[i].table, table) == 0)
			TRY(bulla_lite_execf(s, err, "DROP TRIGGER IF EXISTS \"%w\"", f->objects[i].name));
	for (size_t i = first; i < f->n; i++) {
		object *o = &f->objects[i];
		if (o->view || sqlite3_stricmp(o->table, table) != 0) continue;
		if (there) TRY(bulla_lite_execf(s, err, "%s", o->sql));
		bool broken = there && broke(s, f, o);
		TRY(check_fault(s, f, err));
		if (there && !broken) continue;
		if (broken) TRY(bulla_lite_execf(s, err, "DROP TRIGGER \"%w\"", o->name));
		casualty(self, "trigger", o->name, o->sql);
	}
	return BULLA_OK;
}

static bool seen_before(const bulla_fallout *f, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (!f->objects[j].view && sqlite3_stricmp(f->objects[j].table, f->objects[i].table) == 0) return true;
	return false;
}

static bool trigger_exists(bulla_lite *s, bulla_fallout *f, const char *name)
{
	sqlite3_stmt *stmt = NULL;
	char *sql = sqlite3_mprintf("SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND name = %Q", name);
	int rc = sql ? sqlite3_prepare_v2(s->handle, sql, -1, &stmt, NULL) : SQLITE_NOMEM;
	if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE && !f->fault) f->fault = rc;
	(void)sqlite3_finalize(stmt);
	sqlite3_free(sql);
	return rc == SQLITE_ROW;
}

/* A rebuilt table has lost all its triggers. */
static bool needs_clearing(bulla_lite *s, bulla_fallout *f, size_t first)
{
	for (size_t i = first; i < f->n; i++) {
		const object *o = &f->objects[i];
		if (o->view || sqlite3_stricmp(o->table, f->objects[first].table) != 0) continue;
		if (!trigger_exists(s, f, o->name) || broke(s, f, o)) return true;
	}
	return false;
}

/* Views first: dropping one takes its INSTEAD OF triggers with it, which must not be put back. */
static bulla_code clear_views(bulla_lite *s, bulla_fallout *f, bulla_casualty casualty, void *self, bulla_error *err)
{
	for (size_t i = 0; i < f->n; i++) {
		object *o = &f->objects[i];
		bool broken = o->view && broke(s, f, o);
		TRY(check_fault(s, f, err));
		if (!broken) continue;
		TRY(bulla_lite_execf(s, err, "DROP VIEW \"%w\"", o->name));
		casualty(self, "view", o->name, o->sql);
		for (size_t j = 0; j < f->n; j++) {
			object *trigger = &f->objects[j];
			if (trigger->view || sqlite3_stricmp(trigger->table, o->name) != 0) continue;
			casualty(self, "trigger", trigger->name, trigger->sql);
			*trigger->table = 0; /* of no table any more */
		}
	}
	return BULLA_OK;
}

bulla_code bulla_lite_fallout_clear(bulla_lite *s, bulla_fallout *fallout, bulla_casualty casualty, void *self, bulla_error *err)
{
	TRY(clear_views(s, fallout, casualty, self, err));
	for (size_t i = 0; i < fallout->n; i++) {
		const object *o = &fallout->objects[i];
		if (o->view || !*o->table || seen_before(fallout, i)) continue;
		bool needed = needs_clearing(s, fallout, i);
		TRY(check_fault(s, fallout, err));
		if (needed) TRY(clear_table(s, fallout, i, casualty, self, err));
	}
	return BULLA_OK;
}
