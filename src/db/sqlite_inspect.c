/*
 * sqlite_inspect.c - reading from SQLite's catalogue what a table is.
 */
#include "db/sqlite.h"

#include "db/sql_text.h"

#include <stdlib.h>
#include <string.h>

typedef struct inspection {
	bulla_lite *s;
	bulla_table *table;
	bulla_error *err;
} inspection;

static bulla_code copy(inspection *in, sqlite3_stmt *stmt, int column, const char **ret)
{
	bulla_bytes text = bulla_view(sqlite3_column_text(stmt, column), (size_t)sqlite3_column_bytes(stmt, column));
	if (!text.data) {
		*ret = NULL;
		return BULLA_OK;
	}
	return bulla_arena_copy(&in->table->arena, text, ret, in->err);
}

/* The same, with "" for NULL: a catalogue that somebody wrote into by hand has no names to rely on. */
static bulla_code copy_text(inspection *in, sqlite3_stmt *stmt, int column, const char **ret)
{
	TRY(copy(in, stmt, column, ret));
	if (!*ret) *ret = "";
	return BULLA_OK;
}

/* Prepares `format` with one name quoted into it as an identifier or a string, and steps through it. */
static bulla_code each_row(inspection *in, const char *format, const char *name,
			   bulla_code (*row)(inspection *in, sqlite3_stmt *stmt))
{
	BULLA_STMT_AUTO *stmt = NULL;
	int rc;
	TRY(bulla_lite_prepare(in->s, sqlite3_mprintf(format, name), &stmt, in->err));
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		TRY(row(in, stmt));
	return rc == SQLITE_DONE ? BULLA_OK : bulla_lite_fail(in->s, rc, in->err, "read the definition of the database");
}

static bulla_code count(inspection *in, char *sql, size_t *ret)
{
	BULLA_STMT_AUTO *stmt = NULL;
	TRY(bulla_lite_prepare(in->s, sql, &stmt, in->err));
	int rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW) return bulla_lite_fail(in->s, rc, in->err, "read the definition of the database");
	*ret = (size_t)sqlite3_column_int64(stmt, 0);
	return BULLA_OK;
}

/* --- the table itself ------------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	bulla_table_kind kind;
} table_kinds[] = { { "view", BULLA_TABLE_VIEW }, { "virtual", BULLA_TABLE_VIRTUAL }, { "shadow", BULLA_TABLE_VIRTUAL } };

/* schema, name, type, ncol, wr, strict */
static bulla_code table_row(inspection *in, sqlite3_stmt *stmt)
{
	bulla_table *t = in->table;
	const char *type = (const char *)sqlite3_column_text(stmt, 2);
	if (t->name) return BULLA_OK;
	TRY(copy(in, stmt, 1, &t->name));
	for (size_t i = 0; type && i < sizeof table_kinds / sizeof *table_kinds; i++)
		if (strcmp(type, table_kinds[i].name) == 0) t->kind = table_kinds[i].kind;
	t->without_rowid = sqlite3_column_int(stmt, 4) && t->kind == BULLA_TABLE_PLAIN;
	t->strict = sqlite3_column_int(stmt, 5);
	return BULLA_OK;
}

static bulla_code definition_row(inspection *in, sqlite3_stmt *stmt)
{
	return copy(in, stmt, 0, &in->table->sql);
}

static bulla_code encoding_row(inspection *in, sqlite3_stmt *stmt)
{
	const char *encoding = (const char *)sqlite3_column_text(stmt, 0);
	in->table->utf16 = encoding && strncmp(encoding, "UTF-16", 6) == 0;
	return BULLA_OK;
}

/* --- columns --------------------------------------------------------------------------------------------------- */

static bulla_code describe_column(inspection *in, bulla_column *column)
{
	bulla_table *t = in->table;
	char const *collation = NULL;
	int autoincrement = 0;
	int rc = t->kind == BULLA_TABLE_PLAIN ? sqlite3_table_column_metadata(in->s->handle, "main", t->name, column->name, NULL,
									      &collation, NULL, NULL, &autoincrement)
					      : SQLITE_OK;
	if (rc != SQLITE_OK) return bulla_lite_fail(in->s, rc, in->err, "read the definition of the database");
	t->autoincrement |= autoincrement != 0;
	TRY(bulla_arena_copy(&t->arena, bulla_view_str(collation ? collation : "BINARY"), &column->collation, in->err));
	if (!column->generated || !t->sql) return BULLA_OK;
	return bulla_arena_copy(&t->arena, bulla_sql_column_definition(t->sql, column->name), &column->definition, in->err);
}

/* cid, name, type, notnull, dflt_value, pk, hidden */
static bulla_code column_row(inspection *in, sqlite3_stmt *stmt)
{
	bulla_table *t = in->table;
	bulla_column *column = &t->columns[t->column_count];
	int hidden = sqlite3_column_int(stmt, 6), pk = sqlite3_column_int(stmt, 5);
	if (hidden == 1) return BULLA_OK; /* of a virtual table */
	t->column_count++;
	TRY(copy_text(in, stmt, 1, &column->name));
	TRY(copy_text(in, stmt, 2, &column->type));
	column->not_null = sqlite3_column_int(stmt, 3) || (pk && t->without_rowid);
	column->has_default = sqlite3_column_type(stmt, 4) != SQLITE_NULL;
	TRY(copy(in, stmt, 4, &column->preset));
	column->generated = hidden >= 2;
	if (pk > 0) {
		t->pk[pk - 1] = column->name;
		if ((size_t)pk > t->pk_count) t->pk_count = (size_t)pk;
	}
	return describe_column(in, column);
}

static bulla_code inspect_columns(inspection *in)
{
	bulla_table *t = in->table;
	size_t n;
	TRY(count(in, sqlite3_mprintf("SELECT count(*) FROM pragma_table_xinfo(%Q)", t->name), &n));
	TRY(bulla_arena_take(&t->arena, n, sizeof *t->columns, &t->columns, in->err));
	TRY(bulla_arena_take(&t->arena, n, sizeof *t->pk, &t->pk, in->err));
	return each_row(in, "SELECT * FROM pragma_table_xinfo(%Q) ORDER BY cid", t->name, column_row);
}

/* The INTEGER PRIMARY KEY is the row id; INTEGER PRIMARY KEY DESC alone is not, and has an index of its own. */
static bool has_pk_index(const bulla_table *t)
{
	for (size_t i = 0; i < t->index_count; i++)
		if (t->indexes[i].primary) return true;
	return false;
}

static void find_rowid(bulla_table *t)
{
	static const char *const aliases[] = { "rowid", "_rowid_", "oid" };
	if (t->kind != BULLA_TABLE_PLAIN || t->without_rowid) return;
	if (t->pk_count == 1 && !has_pk_index(t) && bulla_name_equal(bulla_table_column(t, t->pk[0])->type, "INTEGER")) {
		t->rowid = t->pk[0];
		t->rowid_is_column = true;
		return;
	}
	for (size_t i = 0; i < 3 && !t->rowid; i++)
		if (!bulla_table_column(t, aliases[i])) t->rowid = aliases[i];
}

/* --- indexes --------------------------------------------------------------------------------------------------- */

static bulla_code index_columns(inspection *in, bulla_table_index *index)
{
	BULLA_STMT_AUTO *stmt = NULL;
	bulla_arena *arena = &in->table->arena;
	TRY(bulla_arena_take(arena, in->table->column_count + 1, sizeof *index->columns, &index->columns, in->err));
	TRY(bulla_arena_take(arena, in->table->column_count + 1, sizeof *index->collations, &index->collations, in->err));
	TRY(bulla_lite_prepare(
		in->s, sqlite3_mprintf("SELECT name, coll FROM pragma_index_xinfo(%Q) WHERE key ORDER BY seqno", index->name),
		&stmt, in->err));
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && index->column_count < in->table->column_count) {
		TRY(copy(in, stmt, 0, &index->columns[index->column_count]));
		TRY(copy(in, stmt, 1, &index->collations[index->column_count]));
		index->column_count++;
	}
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? BULLA_OK
						     : bulla_lite_fail(in->s, rc, in->err, "read the definition of the database");
}

/* name, unique, origin, partial, sql */
static bulla_code index_row(inspection *in, sqlite3_stmt *stmt)
{
	bulla_table *t = in->table;
	bulla_table_index *index = &t->indexes[t->index_count++];
	const char *origin = (const char *)sqlite3_column_text(stmt, 2);
	index->primary = origin && strcmp(origin, "pk") == 0;
	index->unique = sqlite3_column_int(stmt, 1);
	index->partial = sqlite3_column_int(stmt, 3);
	TRY(copy_text(in, stmt, 0, &index->name));
	TRY(copy(in, stmt, 4, &index->sql));
	index->ours = bulla_lite_is_ours(index->name, index->sql);
	index->impostor = !index->ours && bulla_lite_is_reserved(index->name, t->name);
	return index_columns(in, index);
}

static bulla_code inspect_indexes(inspection *in)
{
	bulla_table *t = in->table;
	size_t n;
	TRY(count(in, sqlite3_mprintf("SELECT count(*) FROM pragma_index_list(%Q)", t->name), &n));
	TRY(bulla_arena_take(&t->arena, n, sizeof *t->indexes, &t->indexes, in->err));
	return each_row(in,
			"SELECT l.name, l.\"unique\", l.origin, l.partial, s.sql FROM pragma_index_list(%Q) AS l"
			" LEFT JOIN sqlite_schema AS s ON s.type = 'index' AND s.name = l.name ORDER BY l.name",
			t->name, index_row);
}

/* --- foreign keys, triggers, views ------------------------------------------------------------------------------ */

static bulla_code foreign_key_row(inspection *in, sqlite3_stmt *stmt)
{
	bulla_foreign_key *key = &in->table->foreign_keys[in->table->foreign_key_count++];
	TRY(copy(in, stmt, 0, &key->from_table));
	TRY(copy(in, stmt, 1, &key->from_column));
	TRY(copy(in, stmt, 2, &key->to_table));
	return copy(in, stmt, 3, &key->to_column);
}

static bulla_code trigger_row(inspection *in, sqlite3_stmt *stmt)
{
	bulla_table *t = in->table;
	bulla_table_trigger *trigger = &t->triggers[t->trigger_count++];
	TRY(copy_text(in, stmt, 0, &trigger->name));
	TRY(copy_text(in, stmt, 1, &trigger->table));
	TRY(copy_text(in, stmt, 2, &trigger->sql));
	trigger->ours = bulla_lite_is_ours(trigger->name, trigger->sql);
	trigger->impostor = !trigger->ours && bulla_lite_is_reserved(trigger->name, t->name);
	trigger->here = bulla_name_equal(trigger->table, t->name);
	bulla_sql_event event = bulla_sql_trigger_event(trigger->sql);
	trigger->fires = trigger->here && !trigger->ours && event.update && event.columns.len == 0;
	bool concerns = trigger->here || trigger->impostor || bulla_sql_mentions(bulla_view_str(trigger->sql), t->name);
	if (!concerns) t->trigger_count--;
	return BULLA_OK;
}

static bulla_code view_row(inspection *in, sqlite3_stmt *stmt)
{
	bulla_table *t = in->table;
	bulla_table_view *view = &t->views[t->view_count];
	TRY(copy_text(in, stmt, 0, &view->name));
	TRY(copy(in, stmt, 1, &view->sql));
	t->view_count += view->sql && bulla_sql_mentions(bulla_view_str(view->sql), t->name);
	return BULLA_OK;
}

static bulla_code search_row(inspection *in, sqlite3_stmt *stmt)
{
	bulla_table *t = in->table;
	bulla_table_view *search = &t->searches[t->search_count];
	TRY(copy_text(in, stmt, 0, &search->name));
	TRY(copy(in, stmt, 1, &search->sql));
	t->search_count += search->sql && bulla_sql_mentions(bulla_view_str(search->sql), t->name);
	return BULLA_OK;
}

/* Room for as many as the schema has of each; which of them concern this table is seen row by row. */
static bulla_code inspect_surroundings(inspection *in)
{
	bulla_table *t = in->table;
	size_t triggers, views, tables, keys;
	TRY(count(in, sqlite3_mprintf("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"), &triggers));
	TRY(count(in, sqlite3_mprintf("SELECT count(*) FROM sqlite_schema WHERE type = 'view'"), &views));
	TRY(count(in, sqlite3_mprintf("SELECT count(*) FROM sqlite_schema WHERE type = 'table'"), &tables));
	TRY(count(in,
		  sqlite3_mprintf("SELECT count(*) FROM sqlite_schema AS s JOIN pragma_foreign_key_list(s.name) AS f WHERE "
				  "s.type = 'table'"),
		  &keys));
	TRY(bulla_arena_take(&t->arena, triggers, sizeof *t->triggers, &t->triggers, in->err));
	TRY(bulla_arena_take(&t->arena, views, sizeof *t->views, &t->views, in->err));
	TRY(bulla_arena_take(&t->arena, tables, sizeof *t->searches, &t->searches, in->err));
	TRY(bulla_arena_take(&t->arena, keys, sizeof *t->foreign_keys, &t->foreign_keys, in->err));
	TRY(each_row(in, "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name", NULL,
		     trigger_row));
	TRY(each_row(in, "SELECT name, sql FROM sqlite_schema WHERE type = 'view' ORDER BY name", NULL, view_row));
	TRY(each_row(in, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND rootpage = 0 ORDER BY name", NULL,
		     search_row));
	return each_row(
		in,
		"WITH me(name) AS (SELECT %Q) SELECT s.name, f.\"from\", f.\"table\", f.\"to\" FROM me, sqlite_schema AS s"
		" JOIN pragma_foreign_key_list(s.name) AS f WHERE s.type = 'table'"
		" AND (s.name = me.name COLLATE NOCASE OR f.\"table\" = me.name COLLATE NOCASE) ORDER BY s.name, f.id, f.seq",
		t->name, foreign_key_row);
}

/* --- all of it -------------------------------------------------------------------------------------------------- */

static bulla_code look_up(inspection *in, const char *name)
{
	return each_row(in, "SELECT * FROM pragma_table_list(%Q) WHERE schema = 'main'", name, table_row);
}

/* As the configuration may write it: users, main.users, "Users". The plain name wins. */
static bulla_code find(inspection *in, const char *name)
{
	TRY(look_up(in, name));
	if (in->table->name) return BULLA_OK;
	if (sqlite3_strnicmp(name, "main.", 5) == 0) name += 5;
	size_t len = strlen(name);
	if (len < 3 || name[0] != '"' || name[len - 1] != '"') return look_up(in, name);
	BULLA_BUF_AUTO bulla_buf bare = { 0 };
	for (size_t i = 1; i < len - 1; i++) {
		TRY(bulla_buf_add_u8(&bare, (uint8_t)name[i], in->err));
		if (name[i] == '"') i++;
	}
	TRY(bulla_buf_terminate(&bare, in->err));
	return look_up(in, (const char *)bare.data);
}

static bulla_code read_all(inspection *in, const char *name)
{
	TRY(find(in, name));
	if (!in->table->name) return BULLA_OK;
	TRY(each_row(in, "SELECT sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name = %Q COLLATE NOCASE",
		     in->table->name, definition_row));
	TRY(each_row(in, "PRAGMA encoding", NULL, encoding_row));
	TRY(inspect_columns(in));
	TRY(inspect_indexes(in));
	find_rowid(in->table);
	return inspect_surroundings(in);
}

/* In one snapshot, in a transaction of the caller's or not: what was counted is what is read. */
static bulla_code inspect(inspection *in, const char *name)
{
	TRY(bulla_lite_execf(in->s, in->err, "SAVEPOINT bulla_inspect"));
	bulla_code code = read_all(in, name);
	(void)sqlite3_exec(in->s->handle, "RELEASE bulla_inspect", NULL, NULL, NULL);
	return code;
}

bulla_code bulla_lite_inspect(bulla_db *db, const char *name, bulla_table **out, bulla_error *err)
{
	inspection in = { bulla_lite_of(db), calloc(1, sizeof *in.table), err };
	if (!in.table) return bulla_fail_memory(err);
	bulla_code code = inspect(&in, name);
	if (code || !in.table->name) {
		bulla_table_free(in.table);
		in.table = NULL;
	}
	if (!code) *out = in.table;
	return code;
}

bulla_code bulla_lite_tables(bulla_db *db, bulla_answer each, void *self, bulla_error *err)
{
	return db->target->run(db,
			       "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
			       " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'bulla\\_%' ESCAPE '\\' AND name "
			       "NOT LIKE '%\\_bulla' ESCAPE '\\' ORDER BY name",
			       NULL, 0, each, self, NULL, err);
}
