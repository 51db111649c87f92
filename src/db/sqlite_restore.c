/*
 * sqlite_restore.c - giving a table its definition back: without bulla's columns, with the plaintext of the stage where it was.
 */
#include "db/page.h"
#include "db/sqlite.h"

#include <stdlib.h>
#include <string.h>

typedef struct restore {
	bulla_lite *s;
	const bulla_mapping *m;
	const bulla_restoration *what;
	bulla_fallout *fallout;
	bulla_lite_rebuild rebuild;
	bool demands; /* a column that comes back is NOT NULL */
	uint64_t refused;
} restore;

/* --- values ----------------------------------------------------------------------------------------------------- */

static const struct bulla_mapped_field *find_field(const restore *r, const char *column)
{
	for (size_t i = 0; i < r->m->model->field_count; i++)
		if (r->m->fields[i].staged && bulla_name_equal(r->m->model->fields[i].plaintext, column)) return &r->m->fields[i];
	return NULL;
}

/* A row whose key was destroyed, or that has no ciphertext at all, has no value for a column that must have one. */
#define LOST "u.\"" BULLA_STAGE_LOST "\" IS NOT 0 AND u.\"%w\" IS NULL"

static bool add_value(void *self, const bulla_column *column, sqlite3_str *sql)
{
	const restore *r = self;
	const struct bulla_mapped_field *field = find_field(r, column->name);
	if (!field) return false;
	if (column->not_null)
		sqlite3_str_appendf(sql, "CASE WHEN " LOST " THEN %s ELSE u.\"%w\" END", field->plain->name,
				    column->preset ? column->preset : "?1", field->plain->name);
	else
		sqlite3_str_appendf(sql, "u.\"%w\"", field->plain->name);
	return true;
}

static void add_from(const restore *r, sqlite3_str *sql, const char *table, const char *alias, const char *join)
{
	sqlite3_str_appendf(sql, " FROM \"%w\" AS %s %s \"%w\" AS u ON ", table, alias, join, r->m->stage->name);
	bulla_lite_add_stage_join(sql, r->m, alias);
}

static void add_pk(const restore *r, sqlite3_str *sql, const char *alias)
{
	for (size_t i = 0; i < r->m->table->pk_count; i++)
		sqlite3_str_appendf(sql, "%s%s.\"%w\"", i ? ", " : "", alias, r->m->table->pk[i]);
}

/* --- rows that are lost ----------------------------------------------------------------------------------------- */

static bulla_code count(const restore *r, sqlite3_str *sql, int64_t *ret, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	TRY(bulla_lite_prepare(r->s, sqlite3_str_finish(sql), &stmt, err));
	return bulla_lite_wait(r->s, stmt, "count the rows", ret, err);
}

static bulla_code check_column(const restore *r, const struct bulla_mapped_field *field, const bulla_column *column,
			       bulla_error *err)
{
	int64_t n = 0;
	if (column->preset || r->what->lost) return BULLA_OK;
	sqlite3_str *sql = sqlite3_str_new(r->s->handle);
	sqlite3_str_appendall(sql, "SELECT count(*)");
	add_from(r, sql, r->rebuild.old, "t", "LEFT JOIN");
	sqlite3_str_appendf(sql, " WHERE " LOST, field->plain->name);
	TRY(count(r, sql, &n, err));
	if (n == 0) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
				     "%lld rows have lost their value of %s, and the column is NOT NULL and has no default",
				     (long long)n, column->name);
	return bulla_advise(err, code, "delete these rows, or say what shall stand there: bulla undo %s --lost TEXT",
			    r->m->model->key);
}

static bulla_code check_lost(void *self, const bulla_table *now, bulla_error *err)
{
	restore *r = self;
	for (size_t i = 0; r->m->stage && i < now->column_count; i++) {
		const struct bulla_mapped_field *field = find_field(r, now->columns[i].name);
		if (!field || !now->columns[i].not_null) continue;
		r->demands = true;
		TRY(check_column(r, field, &now->columns[i], err));
	}
	return BULLA_OK;
}

/* Calls `each` with the values of every row of a statement. */
static bulla_code each_row(const restore *r, sqlite3_str *sql,
			   bulla_code (*each)(restore *r, const bulla_value *values, size_t n, bulla_error *err),
			   bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	bulla_value values[BULLA_LOCATOR_MAX + 2];
	int rc;
	TRY(bulla_lite_prepare(r->s, sqlite3_str_finish(sql), &stmt, err));
	int width = sqlite3_column_count(stmt);
	if (width > BULLA_LOCATOR_MAX + 2)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the primary key has more than %d columns", BULLA_LOCATOR_MAX);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		bulla_lite_row(stmt, width, false, values);
		TRY(each((restore *)r, values, (size_t)width, err));
	}
	return rc == SQLITE_DONE ? BULLA_OK : bulla_lite_fail(r->s, rc, err, "read the table");
}

static bulla_code lost_row(restore *r, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	return r->what->row_lost(r->what->self, values, err);
}

static bulla_code tell_lost(const restore *r, bulla_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(r->s->handle);
	sqlite3_str_appendall(sql, "SELECT ");
	add_pk(r, sql, "t");
	add_from(r, sql, r->rebuild.old, "t", "LEFT JOIN");
	sqlite3_str_appendall(sql, " WHERE u.\"" BULLA_STAGE_LOST "\" = 1");
	if (r->demands) sqlite3_str_appendall(sql, " OR u.\"" BULLA_STAGE_LOST "\" IS NULL");
	return each_row(r, sql, lost_row, err);
}

/* --- rows that do not fit --------------------------------------------------------------------------------------- */

static bulla_code misfit(void *self, const bulla_value *pk, const char *why, bulla_error *err)
{
	restore *r = self;
	r->refused++;
	return r->what->row_refused(r->what->self, pk, why, err);
}

/* The last two values are that of the table and that of the stage. */
static bulla_code compare_row(restore *r, const bulla_value *values, size_t n, bulla_error *err)
{
	if (bulla_value_same(&values[n - 2], &values[n - 1])) return BULLA_OK;
	return misfit(r, values, "the column's type changes the value", err);
}

/* What a column's affinity has made of the values: they must be the same, class and bytes. Zeros are looked at more closely,
 * since -0.0 equals 0.0. */
static bulla_code compare_column(const restore *r, const struct bulla_mapped_field *field, const bulla_column *column,
				 const char *table, bulla_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(r->s->handle);
	const char *value = field->plain->name;
	sqlite3_str_appendall(sql, "SELECT ");
	add_pk(r, sql, "n");
	sqlite3_str_appendf(sql, ", n.\"%w\", u.\"%w\"", column->name, value);
	add_from(r, sql, table, "n", "JOIN");
	sqlite3_str_appendf(
		sql,
		" WHERE u.\"%w\" IS NOT NULL AND (typeof(n.\"%w\") <> typeof(u.\"%w\") OR n.\"%w\" COLLATE BINARY IS NOT "
		"u.\"%w\" OR (typeof(u.\"%w\") = 'real' AND u.\"%w\" = 0.0))",
		value, column->name, value, column->name, value, value, value);
	return each_row(r, sql, compare_row, err);
}

static bulla_code check_filled(void *self, const bulla_table *now, bulla_error *err)
{
	restore *r = self;
	if (!r->m->stage) return BULLA_OK;
	for (size_t i = 0; i < now->column_count; i++) {
		const struct bulla_mapped_field *field = find_field(r, now->columns[i].name);
		if (field) TRY(compare_column(r, field, &now->columns[i], now->name, err));
	}
	if (r->refused) return bulla_fail(err, BULLA_ERR_REFUSED, "columns of table %s do not take the values", now->name);
	return tell_lost(r, err);
}

/* --- the table -------------------------------------------------------------------------------------------------- */

static bulla_code drop_own_indexes(const restore *r, bulla_error *err)
{
	const bulla_table *t = r->m->table;
	TRY(bulla_lite_drop_indexes(r->s, t, r->m->own, r->m->own_count, r->what->gone, r->what->self, err));
	for (size_t i = 0; i < t->index_count; i++)
		if (t->indexes[i].ours) TRY(bulla_lite_execf(r->s, err, "DROP INDEX IF EXISTS \"%w\"", t->indexes[i].name));
	return BULLA_OK;
}

static bulla_code is_definition(const restore *r, bool *ret, bulla_error *err)
{
	bulla_table *now = NULL;
	TRY(bulla_lite_inspect(&r->s->db, r->m->table->name, &now, err));
	*ret = now && strcmp(now->sql, r->what->definition) == 0;
	bulla_table_free(now);
	return BULLA_OK;
}

/* Nothing comes back: SQLite cuts the columns out by itself, and leaves the definition as it was before they came, unless
 * something of the owner's is in its way. */
static bulla_code cut(const restore *r, bool *ret_done, bulla_error *err)
{
	bulla_error failed = { 0 };
	bool same = true;
	TRY(bulla_lite_execf(r->s, err, "SAVEPOINT bulla_cut"));
	bulla_code code = bulla_lite_drop_columns(r->s, r->m->table->name, r->m->own, r->m->own_count, &failed);
	if (!code && r->what->exact) TRY(is_definition(r, &same, err));
	*ret_done = !code && same;
	if (code && code != BULLA_ERR_DATABASE) {
		if (err) *err = failed;
		return code;
	}
	if (!*ret_done) TRY(bulla_lite_execf(r->s, err, "ROLLBACK TO bulla_cut"));
	return bulla_lite_execf(r->s, err, "RELEASE bulla_cut");
}

static bulla_code restore_table(restore *r, bulla_error *err)
{
	bool done = false;
	TRY(drop_own_indexes(r, err));
	if (r->m->own_count == 0 && !r->m->stage) return BULLA_OK;
	if (!r->m->stage) TRY(cut(r, &done, err));
	if (done) return BULLA_OK;
	r->rebuild = (bulla_lite_rebuild){ .s = r->s,
					   .m = r->m,
					   .create = r->what->definition,
					   .add_value = add_value,
					   .misfit = misfit,
					   .made = check_lost,
					   .filled = check_filled,
					   .self = r,
					   .text = r->what->lost };
	return bulla_lite_rebuild_run(&r->rebuild, err);
}

/* --- what leaned on the plaintext -------------------------------------------------------------------------------- */

static bool is_kind(const bulla_definition *d, const char *kind)
{
	return strcmp(d->kind, kind) == 0;
}

static bulla_code bring_back(const restore *r, const char *kind, bool *back, bulla_error *err)
{
	for (size_t i = 0; i < r->what->n; i++)
		if (is_kind(&r->what->list[i], kind))
			TRY(bulla_lite_fallout_return(r->s, r->fallout, &r->what->list[i], &back[i], err));
	return BULLA_OK;
}

/* Views lean on each other: all are made before the first one is judged. */
static bulla_code judge_views(const restore *r, bool *back, bulla_error *err)
{
	for (size_t i = 0; i < r->what->n; i++) {
		const bulla_definition *d = &r->what->list[i];
		bool works = true;
		if (back[i] && is_kind(d, "view")) TRY(bulla_lite_fallout_view(r->s, r->fallout, d->name, &works, err));
		if (works) continue;
		TRY(bulla_lite_execf(r->s, err, "DROP VIEW \"%w\"", d->name));
		back[i] = false;
	}
	return BULLA_OK;
}

static bulla_code bring_all_back(const restore *r, bool *back, bulla_error *err)
{
	TRY(bring_back(r, "index", back, err));
	TRY(bring_back(r, "view", back, err));
	TRY(judge_views(r, back, err));
	TRY(bring_back(r, "trigger", back, err));
	for (size_t i = 0; i < r->what->n; i++) {
		const bulla_definition *d = &r->what->list[i];
		if (is_kind(d, "constraint")) continue;
		(back[i] ? r->what->back : r->what->missing)(r->what->self, d->kind, d->name, d->sql);
	}
	return BULLA_OK;
}

static bulla_code restore_objects(const restore *r, bulla_error *err)
{
	bool *back = calloc(r->what->n + 1, sizeof *back);
	if (!back) return bulla_fail_memory(err);
	bulla_code code = bring_all_back(r, back, err);
	free(back);
	return code;
}

static bulla_code restore_all(restore *r, bulla_error *err)
{
	TRY(bulla_lite_triggers_drop(r->s, r->m, err));
	TRY(restore_table(r, err));
	if (r->m->stage) TRY(bulla_lite_unstage(&r->s->db, r->m, err));
	if (r->m->aside && r->m->side) TRY(bulla_lite_execf(r->s, err, "DROP TABLE \"%w\"", r->m->side->name));
	TRY(bulla_lite_fallout_clear(r->s, r->fallout, r->what->gone, r->what->self, err));
	return restore_objects(r, err);
}

bulla_code bulla_lite_restore(bulla_db *db, const bulla_mapping *mapping, const bulla_restoration *what, bulla_error *err)
{
	restore r = { .s = bulla_lite_of(db), .m = mapping, .what = what };
	/* the rules of ALTER TABLE under which views and triggers are left alone, which the fallout sees to */
	TRY(bulla_lite_execf(r.s, err, "PRAGMA legacy_alter_table=ON"));
	bulla_code code = bulla_lite_fallout_new(r.s, &r.fallout, err);
	if (!code) code = restore_all(&r, err);
	bulla_lite_fallout_free(r.fallout);
	return code;
}
