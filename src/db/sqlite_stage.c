/*
 * sqlite_stage.c - the stage of an undo: a table beside the table, with the values that were opened, and triggers that take out
 * what is no longer true.
 *
 * Until the undo ends ciphertext is the truth. Nobody but the undo writes the stage, so no plaintext of somebody else can be
 * lost in it; and the table itself does not change, so neither do the statements of its users.
 */
#include "db/sqlite.h"

#include <string.h>

/* The type of the column that finds the row, so that an index on it can be used for comparing the two. In a STRICT table ANY
 * changes nothing, as no type does elsewhere. */
static const char *key_type(const bulla_mapping *m, size_t i)
{
	const bulla_column *column = bulla_table_column(m->table, m->locator[i]);
	if (!column) return "INTEGER"; /* a row id that is no column */
	return m->table->strict && bulla_name_equal(column->type, "ANY") ? "" : column->type;
}

static bulla_code make_table(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	char *name = sqlite3_mprintf(BULLA_STAGE_TABLE, m->table->name);
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "CREATE TABLE \"%w\"(", name ? name : "");
	sqlite3_free(name);
	for (size_t i = 0; i < m->locator_count; i++)
		sqlite3_str_appendf(sql, *key_type(m, i) ? "\"" BULLA_STAGE_KEY "\" \"%w\", " : "\"" BULLA_STAGE_KEY "\", ",
				    (int)i, key_type(m, i));
	for (size_t i = 0; i < m->model->field_count; i++) {
		if (!bulla_mapping_returns(&m->fields[i])) continue;
		char *column = sqlite3_mprintf(BULLA_STAGE_VALUE, (int)i, m->model->fields[i].name);
		sqlite3_str_appendf(sql, "\"%w\", ", column ? column : "");
		sqlite3_free(column);
	}
	sqlite3_str_appendall(sql, "\"" BULLA_STAGE_LOST "\" NOT NULL, PRIMARY KEY(");
	for (size_t i = 0; i < m->locator_count; i++)
		sqlite3_str_appendf(sql, "%s\"" BULLA_STAGE_KEY "\"", i ? ", " : "", (int)i);
	sqlite3_str_appendall(sql, ")) WITHOUT ROWID");
	return bulla_lite_exec(s, sqlite3_str_finish(sql), err);
}

/* --- triggers --------------------------------------------------------------------------------------------------- */

static void add_forget(sqlite3_str *sql, const bulla_mapping *m, const char *row)
{
	char *name = sqlite3_mprintf(BULLA_STAGE_TABLE, m->table->name);
	sqlite3_str_appendf(sql, "DELETE FROM \"%w\"", name ? name : "");
	sqlite3_free(name);
	for (size_t i = 0; i < m->locator_count; i++)
		sqlite3_str_appendf(sql, "%s\"" BULLA_STAGE_KEY "\" = %s.\"%w\"", i ? " AND " : " WHERE ", (int)i, row,
				    m->locator[i]);
	sqlite3_str_appendall(sql, "; ");
}

/* `row` is OLD or NEW; NULL: both. */
static bulla_code finish_trigger(bulla_lite *s, sqlite3_str *sql, const bulla_mapping *m, const char *table, const char *row,
				 bulla_error *err)
{
	sqlite3_str_appendf(sql, " ON \"%w\" BEGIN ", table);
	add_forget(sql, m, row ? row : "OLD");
	if (!row) add_forget(sql, m, "NEW");
	sqlite3_str_appendall(sql, "END");
	return bulla_lite_exec(s, sqlite3_str_finish(sql), err);
}

/* REPLACE deletes without a delete trigger, so a new row may have the number of one that is gone. */
static bulla_code make_rows(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	static const struct {
		const char *name, *event, *row;
	} events[] = { { "insert", "INSERT", "NEW" }, { "delete", "DELETE", "OLD" } };
	for (size_t i = 0; i < 2; i++) {
		sqlite3_str *sql = sqlite3_str_new(s->handle);
		sqlite3_str_appendf(sql, "CREATE TRIGGER \"bulla_undo_%s.%w\" AFTER %s", events[i].name, m->table->name,
				    events[i].event);
		TRY(finish_trigger(s, sql, m, m->home, events[i].row, err));
	}
	return BULLA_OK;
}

static bulla_code make_sealed(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "CREATE TRIGGER \"bulla_undo_sealed.%w\" AFTER UPDATE OF ", m->table->name);
	bulla_lite_add_sealed_columns(sql, m->model);
	return finish_trigger(s, sql, m, m->home, NULL, err);
}

/* What finds a row, and what its context is made of. A row id that is no column of its own goes by three names. */
static bulla_code make_moved(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "CREATE TRIGGER \"bulla_undo_moved.%w\" AFTER UPDATE OF ", m->table->name);
	bulla_lite_add_watched(sql, m, m->table->pk, m->table->pk_count);
	if (m->table->rowid && !m->table->rowid_is_column) sqlite3_str_appendall(sql, ", \"rowid\", \"_rowid_\", \"oid\"");
	if (m->model->input_count) sqlite3_str_appendall(sql, ", ");
	bulla_lite_add_watched(sql, m, m->model->inputs, m->model->input_count);
	return finish_trigger(s, sql, m, m->table->name, NULL, err);
}

bulla_code bulla_lite_stage_triggers_make(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	TRY(make_rows(s, m, err));
	TRY(make_sealed(s, m, err));
	return make_moved(s, m, err);
}

/* --- both ------------------------------------------------------------------------------------------------------- */

bulla_code bulla_lite_unstage(bulla_db *db, const bulla_mapping *m, bulla_error *err)
{
	static const char *const triggers[] = { "insert", "delete", "sealed", "moved" };
	bulla_lite *s = bulla_lite_of(db);
	for (size_t i = 0; i < sizeof triggers / sizeof *triggers; i++)
		TRY(bulla_lite_execf(s, err, "DROP TRIGGER IF EXISTS \"bulla_undo_%s.%w\"", triggers[i], m->table->name));
	char *name = sqlite3_mprintf(BULLA_STAGE_TABLE, m->table->name);
	if (!name) return bulla_fail_memory(err);
	bulla_code code = bulla_lite_execf(s, err, "DROP TABLE IF EXISTS \"%w\"", name);
	sqlite3_free(name);
	return code;
}

bulla_code bulla_lite_stage(bulla_db *db, const bulla_mapping *m, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	TRY(bulla_lite_unstage(db, m, err));
	TRY(make_table(s, m, err));
	return bulla_lite_stage_triggers_make(s, m, err);
}
