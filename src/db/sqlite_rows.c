/*
 * sqlite_rows.c - reading rows of a mapped table, page by page.
 */
#include "db/sqlite.h"

#include "io/file.h"

#include <stdlib.h>
#include <string.h>

struct bulla_walk {
	bulla_lite *s;
	bulla_walk_kind kind;
	sqlite3_stmt *first; /* from the first row on, or the only one */
	sqlite3_stmt *after; /* behind a locator */
	sqlite3_stmt *now;
	bulla_value *values;
	int width;
	bool utf16;
	bool moved; /* a row was read since start: from here on nothing can be busy */
	bulla_wait wait;
};

/* --- the statement ---------------------------------------------------------------------------------------------- */

static void add_columns(sqlite3_str *sql, const bulla_mapping *m, const bulla_shape *shape)
{
	for (size_t i = 0; i < shape->width; i++)
		sqlite3_str_appendf(sql, "%s%s.\"%w\"", i ? ", " : "", bulla_lite_alias(m, &shape->columns[i]),
				    shape->columns[i].name);
}

/* The locator's columns, of the table that leads the walk: `prefix"a", prefix"b"`. */
static void add_locator(sqlite3_str *sql, const bulla_mapping *m, const char *alias)
{
	for (size_t i = 0; i < m->locator_count; i++)
		sqlite3_str_appendf(sql, "%s%s.\"%w\"", i ? ", " : "", alias, m->locator[i]);
}

static void add_after(sqlite3_str *sql, const bulla_mapping *m, const char *alias)
{
	sqlite3_str_appendall(sql, " AND (");
	add_locator(sql, m, alias);
	sqlite3_str_appendall(sql, ") > (");
	for (size_t i = 0; i < m->locator_count; i++)
		sqlite3_str_appendall(sql, i ? ", ?" : "?");
	sqlite3_str_appendall(sql, ")");
}

/* A key comes as text. A column with a type converts it; one without is compared with what it holds, a blob by its
 * hexadecimal digits. */
static void add_row(sqlite3_str *sql, const bulla_mapping *m)
{
	for (size_t i = 0; i < m->table->pk_count; i++) {
		const char *pk = m->table->pk[i], *type = bulla_table_column(m->table, pk)->type;
		bool typed = *type && !strcasestr(type, "BLOB") && !strcasestr(type, "ANY");
		if (i) sqlite3_str_appendall(sql, " AND ");
		sqlite3_str_appendf(sql, "(t.\"%w\" = ?%d", pk, (int)i + 1);
		if (!typed)
			sqlite3_str_appendf(
				sql,
				" OR CASE typeof(t.\"%w\") WHEN 'text' THEN 0 WHEN 'blob' THEN hex(t.\"%w\") = upper(?%d)"
				" ELSE CAST(t.\"%w\" AS TEXT) = ?%d END",
				pk, pk, (int)i + 1, pk, (int)i + 1);
		sqlite3_str_appendall(sql, ")");
	}
}

/* The index holds the condition's own value, so that the condition finds it and the locator follows in order. */
static void add_queue(sqlite3_str *sql, const bulla_mapping *m)
{
	if (m->aside) {
		bulla_lite_add_side_queue(sql, m, "c.");
		sqlite3_str_appendall(sql, " = 1 AND ");
		bulla_lite_add_side_queue(sql, m, "c.");
	} else {
		bulla_lite_add_unsealed(sql, m, "", "");
		sqlite3_str_appendall(sql, " = 1");
	}
	sqlite3_str_appendall(sql, " AND ");
}

static char *walk_sql(sqlite3 *handle, const bulla_mapping *m, const bulla_shape *shape, bulla_walk_kind kind,
		      const bulla_field *field, bool after)
{
	sqlite3_str *sql = sqlite3_str_new(handle);
	const char *leader = kind == BULLA_WALK_QUEUE && m->aside ? "c" : "t";
	sqlite3_str_appendall(sql, "SELECT ");
	add_columns(sql, m, shape);
	bulla_lite_add_from(sql, m, kind == BULLA_WALK_QUEUE);
	sqlite3_str_appendall(sql, " WHERE ");
	if (kind == BULLA_WALK_QUEUE) add_queue(sql, m);
	if (kind == BULLA_WALK_QUEUE || kind == BULLA_WALK_UNSEALED)
		bulla_lite_add_unsealed(sql, m, "t.", m->aside ? "c." : "t.");
	else if (kind == BULLA_WALK_UNOPENED)
		bulla_lite_add_unopened(sql, m);
	else if (kind == BULLA_WALK_EQUAL)
		sqlite3_str_appendf(sql, "%s.\"%w\" = ?", m->aside ? "c" : "t", field->index->column);
	else if (kind == BULLA_WALK_ROW)
		add_row(sql, m);
	else
		sqlite3_str_appendall(sql, "1");
	if (after) add_after(sql, m, leader);
	sqlite3_str_appendall(sql, " ORDER BY ");
	add_locator(sql, m, leader);
	return sqlite3_str_finish(sql);
}

/* --- walking ---------------------------------------------------------------------------------------------------- */

static bulla_code prepare(bulla_walk *w, const bulla_mapping *m, const bulla_shape *shape, const bulla_field *field,
			  bulla_error *err)
{
	TRY(bulla_lite_prepare(w->s, walk_sql(w->s->handle, m, shape, w->kind, field, false), &w->first, err));
	if (w->kind == BULLA_WALK_EQUAL || w->kind == BULLA_WALK_ROW) return BULLA_OK;
	return bulla_lite_prepare(w->s, walk_sql(w->s->handle, m, shape, w->kind, field, true), &w->after, err);
}

bulla_code bulla_lite_walk_open(bulla_db *db, const bulla_mapping *mapping, const bulla_shape *shape, bulla_walk_kind kind,
				const bulla_field *field, bulla_walk **out, bulla_error *err)
{
	bulla_walk *w = calloc(1, sizeof *w);
	if (!w) return bulla_fail_memory(err);
	*w = (bulla_walk){ .s = bulla_lite_of(db), .kind = kind, .width = (int)shape->width, .utf16 = mapping->table->utf16 };
	w->values = calloc(shape->width + 1, sizeof *w->values);
	bulla_code code = w->values ? prepare(w, mapping, shape, field, err) : bulla_fail_memory(err);
	if (code)
		bulla_lite_walk_close(w);
	else
		*out = w;
	return code;
}

bulla_code bulla_lite_walk_start(bulla_walk *w, const bulla_value *from, size_t n, bulla_error *err)
{
	bulla_lite_walk_stop(w);
	w->now = from && w->after ? w->after : w->first;
	w->moved = false;
	w->wait = bulla_wait_now();
	for (size_t i = 0; from && i < n; i++) {
		int rc = bulla_lite_bind(w->now, (int)i + 1, &from[i]);
		if (rc != SQLITE_OK) return bulla_lite_fail(w->s, rc, err, "read the table");
	}
	return BULLA_OK;
}

/* A lone surrogate cannot be said in UTF-8, so such a text could not come back as it was. */
static bool is_sayable(const uint8_t *text, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		uint16_t unit, low;
		memcpy(&unit, text + i, 2);
		if ((unit & 0xf800) != 0xd800) continue;
		if (unit >= 0xdc00 || i + 3 >= n) return false;
		memcpy(&low, text + i + 2, 2);
		if ((low & 0xfc00) != 0xdc00) return false;
		i += 2;
	}
	return n % 2 == 0;
}

/* It becomes a kind of value that no type takes: the row is put aside, not changed. */
static bool read_unsayable(sqlite3_stmt *stmt, int column, bulla_value *ret)
{
	if (sqlite3_column_type(stmt, column) != SQLITE_TEXT) return false;
	const void *text = sqlite3_column_text16(stmt, column);
	if (!text || is_sayable(text, (size_t)sqlite3_column_bytes16(stmt, column))) return false;
	*ret = (bulla_value){ .kind = BULLA_KIND_BOOLEAN, .integer = -1 };
	return true;
}

void bulla_lite_row(sqlite3_stmt *stmt, int width, bool utf16, bulla_value *ret)
{
	for (int i = 0; i < width; i++)
		if (!utf16 || !read_unsayable(stmt, i, &ret[i])) bulla_lite_value(stmt, i, &ret[i]);
}

static int step(bulla_walk *w)
{
	for (;;) {
		int rc = sqlite3_step(w->now);
		bool busy = (rc & 0xff) == SQLITE_BUSY && !w->moved;
		if (!busy || !bulla_lite_wait_on(w->s, &w->wait)) return rc;
		(void)sqlite3_reset(w->now);
	}
}

bulla_code bulla_lite_walk_next(bulla_walk *w, const bulla_value **ret, bulla_error *err)
{
	int rc = step(w);
	w->moved = true;
	if (rc == SQLITE_DONE) {
		*ret = NULL;
		bulla_lite_walk_stop(w);
		return BULLA_OK;
	}
	if (rc != SQLITE_ROW) return bulla_lite_fail(w->s, rc, err, "read the table");
	bulla_lite_row(w->now, w->width, w->utf16, w->values);
	*ret = w->values;
	return BULLA_OK;
}

void bulla_lite_walk_stop(bulla_walk *w)
{
	if (!w->now) return;
	(void)sqlite3_reset(w->now);
	(void)sqlite3_clear_bindings(w->now);
	w->now = NULL;
}

void bulla_lite_walk_close(bulla_walk *w)
{
	if (!w) return;
	(void)sqlite3_finalize(w->first);
	(void)sqlite3_finalize(w->after);
	free(w->values);
	free(w);
}
