/*
 * sqlite_write.c - writing the sealed columns of one row, found by its locator.
 */
#include "db/sqlite.h"

#include <stdlib.h>

struct bulla_writer {
	bulla_lite *s;
	sqlite3_stmt *read, *put;
	const bulla_model *model;
	const bulla_mapping *mapping;
	const size_t *fields;
	size_t field_count;
	size_t locator_count;
	bulla_value *values;
	int width;
	bool utf16;
	bool staged;
};

/* --- statements ------------------------------------------------------------------------------------------------- */

static void add_found(sqlite3_str *sql, const bulla_mapping *m, const char *alias)
{
	for (size_t i = 0; i < m->locator_count; i++)
		sqlite3_str_appendf(sql, "%s%s\"%w\" = ?", i ? " AND " : " WHERE ", alias, m->locator[i]);
}

static char *read_sql(sqlite3 *handle, const bulla_mapping *m, const bulla_shape *shape)
{
	sqlite3_str *sql = sqlite3_str_new(handle);
	sqlite3_str_appendall(sql, "SELECT ");
	for (size_t i = 0; i < shape->width; i++)
		sqlite3_str_appendf(sql, "%s.\"%w\", ", bulla_lite_alias(m, &shape->columns[i]), shape->columns[i].name);
	if (m->stage)
		bulla_lite_add_unopened(sql, m);
	else
		bulla_lite_add_unsealed(sql, m, "t.", m->aside ? "c." : "t.");
	bulla_lite_add_from(sql, m, false);
	add_found(sql, m, "t.");
	return sqlite3_str_finish(sql);
}

/* Calls `add` for every column that is written, in the order in which values are bound. */
static void each_column(sqlite3_str *sql, const bulla_writer *w, void (*add)(sqlite3_str *sql, const char *column, bool first))
{
	bool first = true;
	for (size_t i = 0; i < w->field_count; i++) {
		const bulla_field *field = &w->model->fields[w->fields[i]];
		add(sql, field->column, first);
		first = false;
		if (field->index) add(sql, field->index->column, false);
		if (w->mapping->fields[field->position].before) add(sql, field->before->index->column, false);
	}
	for (size_t k = 0; k < w->model->key_count; k++, first = false)
		add(sql, w->model->keys[k].column, first);
}

static void add_set(sqlite3_str *sql, const char *column, bool first)
{
	sqlite3_str_appendf(sql, "%s\"%w\" = ?", first ? "" : ", ", column);
}

static void add_column(sqlite3_str *sql, const char *column, bool first)
{
	(void)first;
	sqlite3_str_appendf(sql, ", \"%w\"", column);
}

static void add_parameter(sqlite3_str *sql, const char *column, bool first)
{
	(void)column;
	(void)first;
	sqlite3_str_appendall(sql, ", ?");
}

static void add_excluded(sqlite3_str *sql, const char *column, bool first)
{
	sqlite3_str_appendf(sql, "%s\"%w\" = excluded.\"%w\"", first ? "" : ", ", column, column);
}

static void add_pk(sqlite3_str *sql, const bulla_mapping *m, const char *alias)
{
	for (size_t i = 0; i < m->table->pk_count; i++)
		sqlite3_str_appendf(sql, "%s%s\"%w\"", i ? ", " : "", alias, m->table->pk[i]);
}

/* The primary key of the side table's row is taken from the table itself, so that it is the same to the last byte. */
static void add_side_put(sqlite3_str *sql, const bulla_writer *w, const bulla_mapping *m)
{
	sqlite3_str_appendf(sql, "INSERT INTO \"%w\"(", m->home);
	add_pk(sql, m, "");
	each_column(sql, w, add_column);
	sqlite3_str_appendall(sql, ") SELECT ");
	add_pk(sql, m, "t.");
	each_column(sql, w, add_parameter);
	sqlite3_str_appendf(sql, " FROM \"%w\" AS t", m->table->name);
	add_found(sql, m, "t.");
	sqlite3_str_appendall(sql, " ON CONFLICT(");
	add_pk(sql, m, "");
	sqlite3_str_appendall(sql, ") DO UPDATE SET ");
	each_column(sql, w, add_excluded);
}

/* Values, as parameters: SQLite keeps no log of them, and no statement has them in its text. */
static void add_stage_put(sqlite3_str *sql, const bulla_writer *w, const bulla_mapping *m)
{
	sqlite3_str_appendf(sql, "INSERT OR REPLACE INTO \"%w\"(\"" BULLA_STAGE_LOST "\"", m->stage->name);
	for (size_t i = 0; i < w->field_count; i++)
		add_column(sql, m->fields[w->fields[i]].plain->name, false);
	for (size_t i = 0; i < m->locator_count; i++)
		sqlite3_str_appendf(sql, ", \"" BULLA_STAGE_KEY "\"", (int)i);
	sqlite3_str_appendall(sql, ") VALUES(?");
	for (size_t i = 0; i < w->field_count + m->locator_count; i++)
		sqlite3_str_appendall(sql, ", ?");
	sqlite3_str_appendall(sql, ")");
}

static char *put_sql(sqlite3 *handle, const bulla_writer *w, const bulla_mapping *m)
{
	sqlite3_str *sql = sqlite3_str_new(handle);
	if (m->stage) {
		add_stage_put(sql, w, m);
	} else if (m->aside) {
		add_side_put(sql, w, m);
	} else {
		sqlite3_str_appendf(sql, "UPDATE \"%w\" SET ", m->home);
		each_column(sql, w, add_set);
		add_found(sql, m, "");
	}
	return sqlite3_str_finish(sql);
}

static bulla_code prepare(bulla_writer *w, const bulla_mapping *m, const bulla_shape *shape, bulla_error *err)
{
	w->values = calloc(shape->width + 1, sizeof *w->values);
	if (!w->values) return bulla_fail_memory(err);
	TRY(bulla_lite_prepare(w->s, read_sql(w->s->handle, m, shape), &w->read, err));
	return bulla_lite_prepare(w->s, put_sql(w->s->handle, w, m), &w->put, err);
}

bulla_code bulla_lite_writer_open(bulla_db *db, const bulla_mapping *mapping, const bulla_shape *shape, const size_t *fields,
				  size_t n, bulla_writer **out, bulla_error *err)
{
	bulla_writer *w = calloc(1, sizeof *w);
	if (!w) return bulla_fail_memory(err);
	*w = (bulla_writer){ .s = bulla_lite_of(db),
			     .model = mapping->model,
			     .mapping = mapping,
			     .fields = fields,
			     .field_count = n,
			     .locator_count = mapping->locator_count,
			     .width = (int)shape->width + 1,
			     .utf16 = mapping->table->utf16,
			     .staged = mapping->stage != NULL };
	bulla_code code = prepare(w, mapping, shape, err);
	if (code)
		bulla_lite_writer_close(w);
	else
		*out = w;
	return code;
}

void bulla_lite_writer_close(bulla_writer *w)
{
	if (!w) return;
	(void)sqlite3_finalize(w->read);
	(void)sqlite3_finalize(w->put);
	free(w->values);
	free(w);
}

/* A statement that is not reset keeps its lock beyond the commit. */
void bulla_lite_writer_rest(bulla_writer *w)
{
	(void)sqlite3_reset(w->read);
	(void)sqlite3_clear_bindings(w->put);
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

bulla_code bulla_lite_writer_read(bulla_writer *w, const bulla_value *locator, const bulla_value **ret, bulla_error *err)
{
	(void)sqlite3_reset(w->read);
	for (size_t i = 0; i < w->locator_count; i++)
		(void)bulla_lite_bind(w->read, (int)i + 1, &locator[i]);
	int rc = sqlite3_step(w->read);
	*ret = NULL;
	if (rc == SQLITE_DONE) return BULLA_OK;
	if (rc != SQLITE_ROW) return bulla_lite_fail(w->s, rc, err, "read a row again");
	bulla_lite_row(w->read, w->width, w->utf16, w->values);
	*ret = w->values;
	return BULLA_OK;
}

/* A value that is lost is NULL; a cell that failed has no other. */
static int bind_opened(bulla_writer *w, const bulla_value *locator, const bulla_row *row)
{
	int at = 2, rc = SQLITE_OK;
	bool lost = false;
	for (size_t i = 0; i < w->field_count && rc == SQLITE_OK; i++) {
		const bulla_cell *cell = &row->cells[w->fields[i]];
		lost = lost || cell->code == BULLA_ERR_KEY_DESTROYED;
		rc = bulla_lite_bind(w->put, at++, &cell->value);
	}
	for (size_t i = 0; i < w->locator_count && rc == SQLITE_OK; i++)
		rc = bulla_lite_bind(w->put, at++, &locator[i]);
	return rc == SQLITE_OK ? sqlite3_bind_int(w->put, 1, lost) : rc;
}

static int bind_row(bulla_writer *w, const bulla_value *locator, const bulla_row *row)
{
	int at = 1, rc = SQLITE_OK;
	for (size_t i = 0; i < w->field_count && rc == SQLITE_OK; i++) {
		const bulla_field *field = &w->model->fields[w->fields[i]];
		rc = bulla_lite_bind_sealed(w->put, at++, row->cells[i].ciphertext, field->base64);
		if (field->index && rc == SQLITE_OK) rc = bulla_lite_bind_sealed(w->put, at++, row->cells[i].index, false);
		if (w->mapping->fields[field->position].before && rc == SQLITE_OK)
			rc = bulla_lite_bind_sealed(w->put, at++, row->cells[i].previous_index, false);
	}
	for (size_t k = 0; k < w->model->key_count && rc == SQLITE_OK; k++)
		rc = bulla_lite_bind_sealed(w->put, at++, row->keys[k], false);
	for (size_t i = 0; i < w->locator_count && rc == SQLITE_OK; i++)
		rc = bulla_lite_bind(w->put, at++, &locator[i]);
	return rc;
}

bulla_code bulla_lite_writer_put(bulla_writer *w, const bulla_value *locator, const bulla_row *row, bulla_error *err)
{
	(void)sqlite3_reset(w->read);
	int rc = w->staged ? bind_opened(w, locator, row) : bind_row(w, locator, row);
	if (rc == SQLITE_OK) rc = sqlite3_step(w->put);
	(void)sqlite3_reset(w->put);
	if (rc == SQLITE_DONE && sqlite3_changes(w->s->handle) > 0) return BULLA_OK;
	if (rc == SQLITE_DONE) return bulla_fail(err, BULLA_ERR_CONFLICT, "the row is gone");
	if (sqlite3_get_autocommit(w->s->handle)) /* RAISE(ROLLBACK): the whole batch is undone, not only this row */
		return bulla_fail(err, BULLA_ERR_DATABASE, "a trigger of the table rolled the transaction back");
	return bulla_lite_fail(w->s, rc, err, "write a row");
}
