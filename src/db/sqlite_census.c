/*
 * sqlite_census.c - counting the rows of a table by the wraps of their keys, exactly, through an index on nothing but those.
 *
 * The index is on an expression: the directory of a wrapped key, which names each wrap's kind and reference. It is the database's own
 * and so always right, where counters kept by triggers would miss a REPLACE and whatever is written while triggers are off.
 *
 * Stepping over a million entries costs a tenth of a second, and counting pages without looking at their entries a tenth of that. SQLite
 * does the latter only for a whole index. So all groups are counted by stepping but the one that looks largest, which is what remains:
 * a wrong guess costs time and changes no count.
 */
#include "db/sqlite.h"

#include "format/wrapped_key.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 4096 /* directories that are looked up one by one: beyond that one walk is cheaper */

typedef struct group {
	bulla_bytes directory;
	uint64_t span; /* how far its row ids lie apart */
	uint64_t rows;
} group;

typedef struct census {
	bulla_lite *s;
	const bulla_table *table;
	const char *column;
	char *directory; /* the expression, as the index has it */
	char *index;     /* its name */
	bulla_arena arena;
	group *groups;
	size_t n;
} census;

/* --- the expression --------------------------------------------------------------------------------------------------- */
/* substr(key, 34, 1 + 11n): the number of wraps and their directory. n is the byte's place in a row of all its values; where it
 * is none of them, one byte is left, which is no directory. */
static char *directory_of(const char *column)
{
	return sqlite3_mprintf("substr(\"%w\", 34, 1 + 11 * instr(x'0102030405060708090a0b0c0d0e0f10', substr(\"%w\", 34, 1)))",
			       column, column);
}

/* --- statements -------------------------------------------------------------------------------------------------- */
static bulla_code failed(const census *c, int rc, bulla_error *err)
{
	return bulla_lite_fail(c->s, rc, err, "count the keys of table %s", c->table->name);
}

/* SELECT `what` FROM the table through the index WHERE the directory `is`. */
static bulla_code prepare(const census *c, const char *what, const char *is, sqlite3_stmt **ret, bulla_error *err)
{
	return bulla_lite_prepare(c->s,
				  sqlite3_mprintf("SELECT %s FROM \"%w\" INDEXED BY \"%w\" WHERE %s %s", what, c->table->name,
						  c->index, c->directory, is),
				  ret, err);
}

/* One number about one group; `ret` stays where there is no row. */
static bulla_code ask(const census *c, sqlite3_stmt *stmt, const group *about, uint64_t *ret, bulla_error *err)
{
	int rc = about ? sqlite3_bind_blob64(stmt, 1, about->directory.data, about->directory.len, SQLITE_STATIC) : SQLITE_OK;
	if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) *ret = (uint64_t)sqlite3_column_int64(stmt, 0);
	(void)sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? BULLA_OK : failed(c, rc, err);
}

static bulla_code ask_once(const census *c, const char *what, const char *is, uint64_t *ret, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	TRY(prepare(c, what, is, &stmt, err));
	return ask(c, stmt, NULL, ret, err);
}

/* Rows of the table: SQLite counts them page by page. */
static bulla_code ask_total(const census *c, uint64_t *ret, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	TRY(bulla_lite_prepare(c->s, sqlite3_mprintf("SELECT count(*) FROM \"%w\"", c->table->name), &stmt, err));
	return ask(c, stmt, NULL, ret, err);
}

/* --- finding the groups ------------------------------------------------------------------------------------------ */
static bulla_code keep(census *c, sqlite3_stmt *stmt, bulla_error *err)
{
	bulla_value value;
	const char *copy;
	bulla_lite_value(stmt, 0, &value);
	TRY(bulla_arena_copy(&c->arena, value.bytes, &copy, err));
	c->groups[c->n++].directory = bulla_view(copy, value.bytes.len);
	return BULLA_OK;
}

static bulla_code next_group(census *c, sqlite3_stmt *stmt, bool *ret_more, bulla_error *err)
{
	int rc = sqlite3_step(stmt);
	*ret_more = rc == SQLITE_ROW;
	bulla_code code = rc == SQLITE_ROW ? keep(c, stmt, err) : rc == SQLITE_DONE ? BULLA_OK : failed(c, rc, err);
	(void)sqlite3_reset(stmt);
	return code;
}

/* From each directory to the next larger one; `ret_few` is false when there are too many, or some are no bytes at all. */
static bulla_code find_groups(census *c, bool *ret_few, bulla_error *err)
{
	BULLA_STMT_AUTO *first = NULL, *next = NULL;
	uint64_t numbers_and_texts = 0;
	bool more = false;
	*ret_few = false;
	TRY(ask_once(c, "1", "< x'' LIMIT 1", &numbers_and_texts, err));
	if (numbers_and_texts) return BULLA_OK;
	TRY(prepare(c, c->directory, ">= x'' ORDER BY 1 LIMIT 1", &first, err));
	TRY(prepare(c, c->directory, "> ?1 ORDER BY 1 LIMIT 1", &next, err));
	TRY(next_group(c, first, &more, err));
	while (more && c->n < GROUPS_MAX) {
		bulla_bytes last = c->groups[c->n - 1].directory;
		int rc = sqlite3_bind_blob64(next, 1, last.data, last.len, SQLITE_STATIC);
		if (rc != SQLITE_OK) return failed(c, rc, err);
		TRY(next_group(c, next, &more, err));
	}
	*ret_few = !more;
	return BULLA_OK;
}

/* --- counting them ----------------------------------------------------------------------------------------------- */
static bulla_code prepare_end(const census *c, bool last, sqlite3_stmt **ret, bulla_error *err)
{
	char *what = sqlite3_mprintf("\"%w\"", c->table->rowid);
	char *is = sqlite3_mprintf("= ?1 ORDER BY \"%w\"%s LIMIT 1", c->table->rowid, last ? " DESC" : "");
	bulla_code code = what && is ? prepare(c, what, is, ret, err) : bulla_fail_memory(err);
	sqlite3_free(what);
	sqlite3_free(is);
	return code;
}

/* The group whose row ids lie furthest apart is the largest, unless groups are mixed. */
static bulla_code guess_largest(const census *c, size_t *ret, bulla_error *err)
{
	BULLA_STMT_AUTO *first = NULL, *last = NULL;
	if (!c->table->rowid || c->n < 2) return BULLA_OK;
	TRY(prepare_end(c, false, &first, err));
	TRY(prepare_end(c, true, &last, err));
	for (size_t i = 0; i < c->n; i++) {
		uint64_t from = 0, to = 0;
		TRY(ask(c, first, &c->groups[i], &from, err));
		TRY(ask(c, last, &c->groups[i], &to, err));
		c->groups[i].span = to - from;
		if (c->groups[i].span > c->groups[*ret].span) *ret = i;
	}
	return BULLA_OK;
}

static bulla_code disagree(const census *c, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_CORRUPT, "table %s and its index %s do not agree", c->table->name, c->index);
	return bulla_advise(err, code, "look at PRAGMA integrity_check of the database; REINDEX makes the index again");
}

static bulla_code count_groups(census *c, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	uint64_t left = 0, without_key = 0;
	size_t largest = 0;
	if (c->n == 0) return BULLA_OK;
	TRY(guess_largest(c, &largest, err));
	TRY(ask_total(c, &left, err));
	TRY(ask_once(c, "count(*)", "IS NULL", &without_key, err));
	if (without_key > left) return disagree(c, err);
	left -= without_key;
	TRY(prepare(c, "count(*)", "= ?1", &stmt, err));
	for (size_t i = 0; i < c->n; i++) {
		if (i == largest) continue;
		TRY(ask(c, stmt, &c->groups[i], &c->groups[i].rows, err));
		if (c->groups[i].rows >= left) return disagree(c, err);
		left -= c->groups[i].rows;
	}
	c->groups[largest].rows = left;
	return BULLA_OK;
}

/* --- without looking up ------------------------------------------------------------------------------------------ */
/* One walk over the index, or over the rows themselves. */
static bulla_code walk(const census *c, bool indexed, bulla_found_wraps each, void *self, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	sqlite3_str *sql = sqlite3_str_new(c->s->handle);
	int rc;
	sqlite3_str_appendf(sql, "SELECT %s, count(*) FROM \"%w\"", c->directory, c->table->name);
	if (indexed)
		sqlite3_str_appendf(sql, " INDEXED BY \"%w\"", c->index);
	else
		sqlite3_str_appendall(sql, " NOT INDEXED");
	sqlite3_str_appendf(sql, " WHERE %s IS NOT NULL GROUP BY 1", c->directory);
	TRY(bulla_lite_prepare(c->s, sqlite3_str_finish(sql), &stmt, err));
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		bulla_value value;
		bulla_lite_value(stmt, 0, &value);
		bulla_bytes directory = value.kind == BULLA_KIND_BINARY ? value.bytes : (bulla_bytes){ 0 };
		TRY(each(self, directory, (uint64_t)sqlite3_column_int64(stmt, 1), err));
	}
	return rc == SQLITE_DONE ? BULLA_OK : failed(c, rc, err);
}

/* --- the census -------------------------------------------------------------------------------------------------- */
static bulla_code count_indexed(census *c, bulla_found_wraps each, void *self, bulla_error *err)
{
	bool few;
	c->groups = calloc(GROUPS_MAX, sizeof *c->groups);
	if (!c->groups) return bulla_fail_memory(err);
	TRY(find_groups(c, &few, err));
	if (!few) return walk(c, true, each, self, err);
	TRY(count_groups(c, err));
	for (size_t i = 0; i < c->n; i++)
		TRY(each(self, c->groups[i].directory, c->groups[i].rows, err));
	return BULLA_OK;
}

typedef enum standing { ABSENT, WHOLE, OLD, FOREIGN } standing;

/* The index of that name may be on another expression, or on a table that was renamed: an older job made it, or somebody who had better
 * called it otherwise. */
static bulla_code look_at_index(const census *c, standing *ret, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	TRY(bulla_lite_prepare(
		c->s,
		sqlite3_mprintf("SELECT sql, tbl_name FROM sqlite_schema WHERE type = 'index' AND name = %Q COLLATE NOCASE",
				c->index),
		&stmt, err));
	int rc = sqlite3_step(stmt);
	const char *sql = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	*ret = rc == SQLITE_DONE ? ABSENT : OLD;
	if (rc == SQLITE_ROW && !bulla_lite_is_ours(c->index, sql)) *ret = FOREIGN;
	if (*ret == OLD && sql && strstr(sql, c->directory) &&
	    bulla_name_equal((const char *)sqlite3_column_text(stmt, 1), c->table->name))
		*ret = WHOLE;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? BULLA_OK : failed(c, rc, err);
}

static bulla_code census_init(census *c, bulla_db *db, const bulla_table *table, const char *column, bulla_error *err)
{
	*c = (census){ .s = bulla_lite_of(db),
		       .table = table,
		       .column = column,
		       .directory = directory_of(column),
		       .index = sqlite3_mprintf("bulla_census.%s.%s", table->name, column) };
	return c->directory && c->index ? BULLA_OK : bulla_fail_memory(err);
}

static void census_done(census *c)
{
	sqlite3_free(c->directory);
	sqlite3_free(c->index);
	bulla_arena_done(&c->arena);
	free(c->groups);
}

bulla_code bulla_lite_count_wraps(bulla_db *db, const bulla_table *table, const char *column, bool every_row,
				  bulla_found_wraps each, void *self, bool *ret_indexed, bulla_error *err)
{
	census c;
	bulla_code code = census_init(&c, db, table, column, err);
	standing index = ABSENT;
	if (!code && !every_row) code = look_at_index(&c, &index, err);
	bool indexed = index == WHOLE;
	if (!code) code = indexed ? count_indexed(&c, each, self, err) : walk(&c, false, each, self, err);
	if (!code && ret_indexed) *ret_indexed = indexed;
	census_done(&c);
	return code;
}

/* --- whose index it is now --------------------------------------------------------------------------------------- */
/* SQLite keeps an index with its table and columns when these are renamed, and writes its text anew. NULL: all of them. */
static bulla_code each_indexed(bulla_lite *s, const char *name, bulla_found_column each, void *self, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	int rc;
	TRY(bulla_lite_prepare(
		s,
		sqlite3_mprintf(
			"SELECT i.tbl_name, c.name, i.name, i.sql FROM sqlite_schema i, pragma_table_xinfo(i.tbl_name) c "
			"WHERE i.type = 'index' AND i.name GLOB 'bulla_census.*' AND (%Q IS NULL OR i.name = %Q COLLATE NOCASE) "
			"AND instr(i.sql, '(substr(\"' || replace(c.name, '\"', '\"\"') || '\", 34, ')",
			name, name),
		&stmt, err));
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *text[4];
		for (int i = 0; i < 4; i++)
			if (!(text[i] = (const char *)sqlite3_column_text(stmt, i))) return bulla_fail_memory(err);
		if (bulla_lite_is_ours(text[2], text[3])) TRY(each(self, text[0], text[1], err));
	}
	return rc == SQLITE_DONE ? BULLA_OK : bulla_lite_fail(s, rc, err, "look for keys");
}

bulla_code bulla_lite_each_indexed(bulla_db *db, bulla_found_column each, void *self, bulla_error *err)
{
	return each_indexed(bulla_lite_of(db), NULL, each, self, err);
}

/* --- making the index -------------------------------------------------------------------------------------------- */
typedef struct owner {
	char *table, *column;
} owner;

static bulla_code keep_owner(void *self, const char *table, const char *column, bulla_error *err)
{
	owner *o = self;
	sqlite3_free(o->table);
	sqlite3_free(o->column);
	*o = (owner){ sqlite3_mprintf("%s", table), sqlite3_mprintf("%s", column) };
	return o->table && o->column ? BULLA_OK : bulla_fail_memory(err);
}

/* Where the table or the column was renamed, the index goes on under the name that these have now: by it a census finds the keys. */
static bulla_code make_way(const census *c, bulla_error *err)
{
	owner now = { NULL, NULL };
	bulla_code code = each_indexed(c->s, c->index, keep_owner, &now, err);
	bool renamed = now.table && !(bulla_name_equal(now.table, c->table->name) && bulla_name_equal(now.column, c->column));
	char *directory = code || !renamed ? NULL : directory_of(now.column);
	if (!code && renamed)
		code = !directory ? bulla_fail_memory(err)
				  : bulla_lite_execf(c->s, err, "CREATE INDEX IF NOT EXISTS \"bulla_census.%w.%w\" ON \"%w\"(%s)",
						     now.table, now.column, now.table, directory);
	sqlite3_free(directory);
	sqlite3_free(now.table);
	sqlite3_free(now.column);
	return code ? code : bulla_lite_execf(c->s, err, "DROP INDEX \"%w\"", c->index);
}

static bulla_code drop_old(const census *c, standing index, bulla_error *err)
{
	if (index == ABSENT) return BULLA_OK;
	if (index == OLD) return make_way(c, err);
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "the database has an index %s that no job has made", c->index);
	return bulla_advise(err, code, "give it another name: names that begin with bulla_ are taken");
}

static bulla_code create(const census *c, standing index, bulla_error *err)
{
	const bulla_target *target = c->s->db.target;
	TRY(target->begin_write(&c->s->db, err));
	bulla_code code = drop_old(c, index, err);
	if (!code)
		code = bulla_lite_execf(c->s, err, "CREATE INDEX \"%w\" ON \"%w\"(%s)", c->index, c->table->name, c->directory);
	if (!code) return target->commit(&c->s->db, err);
	target->rollback(&c->s->db);
	return code;
}

/* Sorting in memory would take 50 bytes for each row; what goes into temporary files instead is no secret. */
static bulla_code create_in_files(const census *c, standing index, bulla_error *err)
{
	TRY(bulla_lite_execf(c->s, err, "PRAGMA temp_store=FILE"));
	bulla_code code = create(c, index, err);
	bulla_code back = bulla_lite_execf(c->s, code ? NULL : err, "PRAGMA temp_store=MEMORY");
	return code ? code : back;
}

bulla_code bulla_lite_index_wraps(bulla_db *db, const bulla_table *table, const char *column, bulla_error *err)
{
	census c;
	bulla_code code = census_init(&c, db, table, column, err);
	standing index = WHOLE;
	if (!code) code = look_at_index(&c, &index, err);
	if (!code && index != WHOLE) code = create_in_files(&c, index, err);
	census_done(&c);
	return code;
}
