/*
 * sqlite_ddl.c - changing the table: the new columns and indexes, and at the end the plaintext columns that go.
 */
#include "db/sqlite.h"

#include "db/sql_text.h"

#include <stdlib.h>

/* --- new columns ------------------------------------------------------------------------------------------------ */

static const char *declared(const bulla_field *field)
{
	return field->base64 ? "TEXT" : "BLOB";
}

static bulla_code add_column(bulla_lite *s, const bulla_mapping *m, const char *column, const char *type, bulla_error *err)
{
	return bulla_lite_execf(s, err, "ALTER TABLE \"%w\" ADD COLUMN \"%w\" %s", m->home, column, type);
}

static bulla_code add_columns(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	for (size_t i = 0; i < m->model->field_count; i++) {
		const bulla_field *field = &m->model->fields[i];
		if (!m->fields[i].cipher) TRY(add_column(s, m, field->column, declared(field), err));
		if (field->index && !m->fields[i].index) TRY(add_column(s, m, field->index->column, "BLOB", err));
	}
	for (size_t k = 0; k < m->model->key_count; k++)
		if (!m->keys[k]) TRY(add_column(s, m, m->model->keys[k].column, "BLOB", err));
	return BULLA_OK;
}

/* The primary key with the types and collations that it has in the table, so that equal means equal there too. */
static bulla_code make_side_table(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	const bulla_table *t = m->table;
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "CREATE TABLE IF NOT EXISTS \"%w\"(", m->home);
	for (size_t i = 0; i < t->pk_count; i++) {
		const bulla_column *column = bulla_table_column(t, t->pk[i]);
		sqlite3_str_appendf(sql, "\"%w\" %s COLLATE \"%w\" NOT NULL, ", column->name, column->type, column->collation);
	}
	sqlite3_str_appendall(sql, "PRIMARY KEY(");
	for (size_t i = 0; i < t->pk_count; i++)
		sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", t->pk[i]);
	sqlite3_str_appendf(sql, "))%s", t->rowid_is_column ? "" : " WITHOUT ROWID");
	return bulla_lite_exec(s, sqlite3_str_finish(sql), err);
}

bulla_code bulla_lite_narrow(bulla_db *db, const bulla_mapping *mapping, const char *column, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	TRY(bulla_lite_execf(s, err, "DROP INDEX IF EXISTS \"bulla_index.%w.%w\"", mapping->table->name, column));
	bulla_code code = bulla_lite_execf(s, err, "ALTER TABLE \"%w\" DROP COLUMN \"%w\"", mapping->home, column);
	if (code != BULLA_ERR_DATABASE) return code;
	return bulla_advise(err, code, "drop the index, view or trigger of yours that uses %s, and run this again", column);
}

/* --- indexes ---------------------------------------------------------------------------------------------------- */

/* Every row of the table has one in the side table, or the queue, which reads that, would never see it. */
static bulla_code fill_side_table(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str *pk = sqlite3_str_new(s->handle);
	for (size_t i = 0; i < m->table->pk_count; i++)
		sqlite3_str_appendf(pk, "%s\"%w\"", i ? ", " : "", m->table->pk[i]);
	char *columns = sqlite3_str_finish(pk);
	sqlite3_str_appendf(sql, "INSERT OR IGNORE INTO \"%w\"(%s) SELECT %s FROM \"%w\"", m->home, columns, columns,
			    m->table->name);
	sqlite3_free(columns);
	return bulla_lite_exec(s, sqlite3_str_finish(sql), err);
}

/* Rows of the side table whose own row went without a delete trigger, by REPLACE: nobody shall keep their ciphertexts. */
static bulla_code sweep_side_table(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "DELETE FROM \"%w\" WHERE ", m->home);
	bulla_lite_add_orphan(sql, m);
	return bulla_lite_exec(s, sqlite3_str_finish(sql), err);
}

static void add_queue_condition(sqlite3_str *sql, const bulla_mapping *m)
{
	if (m->aside)
		bulla_lite_add_side_queue(sql, m, "");
	else
		bulla_lite_add_unsealed(sql, m, "", "");
}

/* Made anew each time: the model may have other fields than last time, and it holds next to nothing. */
static bulla_code make_queue(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	TRY(bulla_lite_execf(s, err, "DROP INDEX IF EXISTS \"bulla_queue.%w\"", m->table->name));
	if (m->plain_count == 0) return BULLA_OK;
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "CREATE INDEX \"bulla_queue.%w\" ON \"%w\"(", m->table->name, m->home);
	add_queue_condition(sql, m);
	sqlite3_str_appendall(sql, ") WHERE ");
	add_queue_condition(sql, m);
	return bulla_lite_exec(s, sqlite3_str_finish(sql), err);
}

static bulla_code make_blind_index(bulla_lite *s, const bulla_mapping *m, const bulla_field *field, bulla_error *err)
{
	const bulla_index_spec *index = field->index;
	bulla_code code = bulla_lite_execf(s, err, "CREATE%s INDEX IF NOT EXISTS \"bulla_index.%w.%w\" ON \"%w\"(\"%w\")",
					   index->unique ? " UNIQUE" : "", m->table->name, index->column, m->home, index->column);
	if (code != BULLA_ERR_REFUSED) return code;
	code = bulla_fail(err, BULLA_ERR_REFUSED,
			  "field %s of model %s: two rows have the same blind index, so it cannot be unique", field->name,
			  m->model->key);
	return bulla_advise(err, code,
			    "run: bulla plan %s, which counts the rows that collide; mend them, or take unique: true away",
			    m->model->key);
}

/* Before the first row is sealed: the triggers that look for rows of the same index would read the whole side table for each. */
static bulla_code make_unique_indexes(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	for (size_t i = 0; i < m->model->field_count; i++) {
		const bulla_field *field = &m->model->fields[i];
		if (field->index && field->index->unique) TRY(make_blind_index(s, m, field, err));
	}
	return BULLA_OK;
}

bulla_code bulla_lite_install(bulla_db *db, const bulla_mapping *mapping, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	if (mapping->aside) TRY(make_side_table(s, mapping, err));
	TRY(add_columns(s, mapping, err));
	if (mapping->aside) TRY(make_unique_indexes(s, mapping, err));
	TRY(bulla_lite_triggers_drop(s, mapping, err));
	return bulla_lite_triggers_make(s, mapping, mapping->plain_count == 0, err);
}

bulla_code bulla_lite_index(bulla_db *db, const bulla_mapping *mapping, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	if (mapping->aside) TRY(sweep_side_table(s, mapping, err));
	if (mapping->aside) TRY(fill_side_table(s, mapping, err));
	TRY(make_queue(s, mapping, err));
	for (size_t i = 0; i < mapping->model->field_count; i++)
		if (mapping->model->fields[i].index) TRY(make_blind_index(s, mapping, &mapping->model->fields[i], err));
	return BULLA_OK;
}

/* --- dropping the plaintext ------------------------------------------------------------------------------------- */

typedef struct drop {
	bulla_lite *s;
	const bulla_mapping *m;
	const char **columns; /* the plaintext columns that exist */
	size_t n;
	bulla_casualty casualty;
	void *self;
} drop;

static bool uses_any(const bulla_table_index *index, const char *const *columns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bulla_table_index_has(index, columns[i]) || bulla_sql_index_uses(index->sql, columns[i])) return true;
	return false;
}

bulla_code bulla_lite_drop_indexes(bulla_lite *s, const bulla_table *table, const char *const *columns, size_t n,
				   bulla_casualty casualty, void *self, bulla_error *err)
{
	for (size_t i = 0; i < table->index_count; i++) {
		const bulla_table_index *index = &table->indexes[i];
		if (!index->sql || index->ours || !uses_any(index, columns, n)) continue;
		TRY(bulla_lite_execf(s, err, "DROP INDEX IF EXISTS \"%w\"", index->name));
		casualty(self, "index", index->name, index->sql);
	}
	return BULLA_OK;
}

/* An index on plaintext has nothing left to index. */
static bulla_code drop_indexes(drop *d, bulla_error *err)
{
	const bulla_table *t = d->m->table;
	TRY(bulla_lite_execf(d->s, err, "DROP INDEX IF EXISTS \"bulla_queue.%w\"", t->name));
	return bulla_lite_drop_indexes(d->s, t, d->columns, d->n, d->casualty, d->self, err);
}

bulla_code bulla_lite_drop_columns(bulla_lite *s, const char *table, const char *const *columns, size_t n, bulla_error *err)
{
	for (size_t i = 0; i < n; i++)
		TRY(bulla_lite_execf(s, err, "ALTER TABLE \"%w\" DROP COLUMN \"%w\"", table, columns[i]));
	return BULLA_OK;
}

static void constraint_went(void *self, bulla_bytes constraint)
{
	drop *d = self;
	char *text = strndup((const char *)constraint.data, constraint.len);
	d->casualty(d->self, "constraint", d->m->table->name, text ? text : "");
	free(text);
}

/* SQLite's own procedure for what ALTER TABLE cannot do. */
static bulla_code rebuild(drop *d, bulla_error *err)
{
	const char *table = d->m->table->name;
	BULLA_BUF_AUTO bulla_buf create = { 0 };
	bulla_table *now = NULL;
	TRY(bulla_lite_inspect(&d->s->db, table, &now, err));
	bulla_code code = now ? bulla_sql_without_columns(now->sql, table, d->columns, d->n, constraint_went, d, &create, err)
			      : bulla_fail(err, BULLA_ERR_NOT_FOUND, "table %s is gone", table);
	bulla_table_free(now);
	if (!code) code = bulla_buf_terminate(&create, err);
	bulla_lite_rebuild r = { .s = d->s, .m = d->m, .create = (const char *)create.data };
	return code ? code : bulla_lite_rebuild_run(&r, err);
}

static bulla_code drop_or_rebuild(drop *d, bulla_error *err)
{
	TRY(bulla_lite_execf(d->s, err, "SAVEPOINT bulla_drop"));
	bulla_code code = bulla_lite_drop_columns(d->s, d->m->table->name, d->columns, d->n, err);
	if (code == BULLA_ERR_DATABASE) {
		TRY(bulla_lite_execf(d->s, err, "ROLLBACK TO bulla_drop"));
		code = rebuild(d, err);
	}
	TRY(code);
	return bulla_lite_execf(d->s, err, "RELEASE bulla_drop");
}

static bulla_code drop_all(drop *d, bulla_fallout *fallout, bulla_error *err)
{
	TRY(bulla_lite_triggers_drop(d->s, d->m, err));
	if (d->m->aside) TRY(sweep_side_table(d->s, d->m, err));
	TRY(drop_indexes(d, err));
	TRY(drop_or_rebuild(d, err));
	TRY(bulla_lite_triggers_make(d->s, d->m, true, err));
	return bulla_lite_fallout_clear(d->s, fallout, d->casualty, d->self, err);
}

bulla_code bulla_lite_drop(bulla_db *db, const bulla_mapping *mapping, bulla_casualty casualty, void *self, bulla_error *err)
{
	bulla_fallout *fallout = NULL;
	drop d = { bulla_lite_of(db), mapping, calloc(mapping->model->field_count, sizeof *d.columns), 0, casualty, self };
	if (!d.columns) return bulla_fail_memory(err);
	for (size_t i = 0; i < mapping->model->field_count; i++)
		if (mapping->fields[i].plain) d.columns[d.n++] = mapping->fields[i].plain->name;
	bulla_code code = bulla_lite_fallout_new(d.s, &fallout, err);
	if (!code) code = drop_all(&d, fallout, err);
	bulla_lite_fallout_free(fallout);
	free(d.columns);
	return code;
}
