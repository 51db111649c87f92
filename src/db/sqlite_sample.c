/*
 * sqlite_sample.c - some rows from all over a table.
 *
 * Where there is a row id its range is cut into as many parts as rows are wanted, and the first row behind a random point of each
 * is taken: a few seeks, whatever the size of the table. Elsewhere the whole table is stepped through.
 */
#include "db/sqlite.h"

#include <stdlib.h>

typedef struct sampling {
	bulla_lite *s;
	const bulla_table *table;
	sqlite3_stmt *rows; /* the table's columns, and the row id or 0 */
	bulla_value *values;
	bulla_answer each;
	void *self;
	bulla_error *err;
} sampling;

static bulla_code prepare(sampling *m, const char *rest)
{
	const bulla_table *t = m->table;
	const char *rowid = t->rowid ? t->rowid : "0";
	sqlite3_str *sql = sqlite3_str_new(m->s->handle);
	sqlite3_str_appendall(sql, "SELECT ");
	for (size_t i = 0; i < t->column_count; i++) {
		const char *name = t->columns[i].name;
		sqlite3_str_appendf(sql,
				    "CASE WHEN typeof(\"%w\") IN ('text', 'blob') THEN substr(\"%w\", 1, %d) ELSE \"%w\" END, ",
				    name, name, BULLA_SAMPLE_BYTES, name);
	}
	sqlite3_str_appendf(sql, t->rowid ? "\"%w\"" : "%s", rowid);
	sqlite3_str_appendf(sql, " FROM \"%w\"", t->name);
	if (*rest) sqlite3_str_appendf(sql, rest, rowid, rowid);
	return bulla_lite_prepare(m->s, sqlite3_str_finish(sql), &m->rows, m->err);
}

static bulla_code take(sampling *m)
{
	for (size_t i = 0; i < m->table->column_count; i++)
		bulla_lite_value(m->rows, (int)i, &m->values[i]);
	return m->each(m->self, m->values, m->table->column_count, m->err);
}

static bulla_code fail(sampling *m, int rc)
{
	return bulla_lite_fail(m->s, rc, m->err, "read table %s", m->table->name);
}

/* `n` of `total` rows, evenly. */
static bulla_code step_through(sampling *m, uint64_t total, uint64_t n)
{
	int rc;
	uint64_t at = 0, taken = 0;
	TRY(prepare(m, ""));
	while ((rc = sqlite3_step(m->rows)) == SQLITE_ROW && taken < n) {
		if (at++ * n < taken * total) continue;
		taken++;
		TRY(take(m));
	}
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? BULLA_OK : fail(m, rc);
}

static uint64_t below(uint64_t n)
{
	uint64_t random;
	sqlite3_randomness(sizeof random, &random);
	return n ? random % n : 0;
}

/* The first row from `*at` on, which becomes the one behind it; `*ret_more` is false where there is none. */
static bulla_code take_next(sampling *m, int64_t *at, bool *ret_more)
{
	(void)sqlite3_reset(m->rows);
	(void)sqlite3_bind_int64(m->rows, 1, *at);
	int rc = sqlite3_step(m->rows);
	*ret_more = rc == SQLITE_ROW;
	if (rc == SQLITE_DONE) return BULLA_OK;
	if (rc != SQLITE_ROW) return fail(m, rc);
	int64_t rowid = sqlite3_column_int64(m->rows, (int)m->table->column_count);
	*ret_more = rowid < INT64_MAX;
	*at = *ret_more ? rowid + 1 : rowid;
	return take(m);
}

static bulla_code seek(sampling *m, int64_t first, int64_t last, uint64_t n)
{
	uint64_t part = ((uint64_t)last - (uint64_t)first) / n;
	bool more = true;
	int64_t next = first;
	TRY(prepare(m, " WHERE \"%w\" >= ? ORDER BY \"%w\" LIMIT 1"));
	for (uint64_t i = 0; more && i < n; i++) {
		int64_t point = (int64_t)((uint64_t)first + i * part + below(part));
		if (point > next) next = point;
		TRY(take_next(m, &next, &more));
	}
	return BULLA_OK;
}

typedef struct extent {
	uint64_t rows; /* for a table with a row id only as far as it is more than is wanted */
	int64_t first, last;
} extent;

static bulla_code measure(sampling *m, uint64_t n, extent *ret)
{
	BULLA_STMT_AUTO *stmt = NULL;
	const char *name = m->table->name, *rowid = m->table->rowid;
	char *sql = rowid ? sqlite3_mprintf("SELECT (SELECT count(*) FROM (SELECT 1 FROM \"%w\" LIMIT %lld)), "
					    "(SELECT min(\"%w\") FROM \"%w\"), (SELECT max(\"%w\") FROM \"%w\")",
					    name, (long long)n + 1, rowid, name, rowid, name)
			  : sqlite3_mprintf("SELECT count(*), 0, 0 FROM \"%w\"", name);
	TRY(bulla_lite_prepare(m->s, sql, &stmt, m->err));
	int rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW) return fail(m, rc);
	*ret = (extent){ (uint64_t)sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2) };
	return BULLA_OK;
}

static bulla_code sample(sampling *m, uint64_t n)
{
	extent e = { 0 };
	TRY(measure(m, n, &e));
	if (m->table->rowid && e.rows > n) return seek(m, e.first, e.last, n);
	return step_through(m, e.rows, n);
}

bulla_code bulla_lite_sample(bulla_db *db, const bulla_table *table, uint64_t n, bulla_answer each, void *self, bulla_error *err)
{
	sampling m = { .s = bulla_lite_of(db), .table = table, .each = each, .self = self, .err = err };
	TRY(db->target->begin_read(db, err));
	m.values = calloc(table->column_count + 1, sizeof *m.values);
	bulla_code code = m.values ? sample(&m, n) : bulla_fail_memory(err);
	(void)sqlite3_finalize(m.rows);
	free(m.values);
	db->target->rollback(db);
	return code;
}
