/*
 * shred_unnamed.c - rows of the subject in tables that no model names: renamed ones, or those whose model was taken out.
 *
 * They would be lost with the branch, and not be cleared, counted or proven. The index of a census tells of such tables.
 */
#include "db/shred_inside.h"

#include "base/cursor.h"
#include "db/sql_text.h"

#include <inttypes.h>
#include <string.h>

static bulla_code collect(void *self, const char *table, const char *column, bulla_error *err)
{
	TRY(bulla_buf_add_prefixed(self, bulla_view(table, strlen(table) + 1), err));
	return bulla_buf_add_prefixed(self, bulla_view(column, strlen(column) + 1), err);
}

static bool has_column(const bulla_shred_table *t, const char *table, const char *column)
{
	if (!bulla_name_equal(t->run.mapping.home, table)) return false;
	for (size_t k = 0; k < t->job->model->key_count; k++)
		if (bulla_name_equal(t->job->model->keys[k].column, column)) return true;
	return false;
}

static bool is_known(const bulla_shred *s, const bulla_shred_table *in, const char *table, const char *column)
{
	for (size_t i = 0; i < s->table_count; i++)
		if (strcmp(s->tables[i].job->url, in->job->url) == 0 && has_column(&s->tables[i], table, column)) return true;
	return false;
}

static bulla_code read_count(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	(void)err;
	*(uint64_t *)self = (uint64_t)values[0].integer;
	return BULLA_OK;
}

static bulla_code count(bulla_db *db, const char *table, const char *column, uint64_t *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf sql = { 0 };
	TRY(bulla_buf_add_str(&sql, "SELECT count(*) FROM ", err));
	TRY(bulla_sql_add_name(&sql, table, err));
	TRY(bulla_buf_add_str(&sql, " WHERE substr(", err));
	TRY(bulla_sql_add_name(&sql, column, err));
	TRY(bulla_buf_add_str(&sql, ", 35, 9) IN (SELECT version FROM temp.bulla_shred_version)", err));
	TRY(bulla_buf_terminate(&sql, err));
	return db->target->run(db, (const char *)sql.data, NULL, 0, read_count, ret, NULL, err);
}

static bulla_code look(const bulla_shred *s, const bulla_shred_table *t, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf found = { .max = 16u << 20 };
	bulla_db *db = t->run.db;
	TRY(db->target->each_indexed(db, collect, &found, err));
	for (bulla_cursor c = bulla_cursor_of(bulla_view_buf(&found)); c.rest.len;) {
		const char *table = (const char *)bulla_cursor_prefixed(&c).data,
			   *column = (const char *)bulla_cursor_prefixed(&c).data;
		uint64_t rows = 0;
		if (is_known(s, t, table, column)) continue;
		TRY(count(db, table, column, &rows, err));
		if (rows == 0) continue;
		bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
					     "table %s has rows that hang from this branch (%" PRIu64
					     "), and no model with a branch key names it",
					     table, rows);
		return bulla_advise(err, code, "was it renamed? Name it in bulla.yaml, or drop it; then shred");
	}
	return BULLA_OK;
}

bulla_code bulla_shred_refuse_unnamed(const bulla_shred *s, bulla_error *err)
{
	for (size_t i = 0; i < s->table_count; i++) {
		bulla_db *db = s->tables[i].run.db;
		TRY(db->target->begin_read(db, err));
		bulla_code code = look(s, &s->tables[i], err);
		db->target->rollback(db);
		TRY(code);
	}
	return BULLA_OK;
}
