/*
 * orphan.c - remembering which columns are sealed, and finding those that bulla.yaml names no more.
 */
#include "db/orphan.h"

#include "db/sql_text.h"

#include <stdio.h>

static const char table[] = "CREATE TABLE IF NOT EXISTS bulla_sealed(model TEXT NOT NULL, name TEXT NOT NULL, "
			    "PRIMARY KEY(model, name))";

/* --- noting ----------------------------------------------------------------------------------------------------- */

static bulla_code note(bulla_run *run, const char *column, bulla_error *err)
{
	bulla_value model = bulla_value_text(run->job->model->key), name = bulla_value_text(column);
	bulla_value args[] = { model, name, model, name };
	return run->db->target->run(run->db,
				    "INSERT INTO bulla_sealed(model, name) SELECT ?, ? WHERE NOT EXISTS"
				    " (SELECT 1 FROM bulla_sealed WHERE model = ? AND name = ?)",
				    args, 4, NULL, NULL, NULL, err);
}

bulla_code bulla_orphan_install(bulla_run *run, bulla_error *err)
{
	const bulla_model *model = run->job->model;
	TRY(run->db->target->run(run->db, table, NULL, 0, NULL, NULL, NULL, err));
	for (size_t f = 0; f < model->field_count; f++)
		TRY(note(run, model->fields[f].column, err));
	for (size_t k = 0; k < model->key_count; k++)
		TRY(note(run, model->keys[k].column, err));
	return run->db->target->install(run->db, &run->mapping, err);
}

/* --- finding ---------------------------------------------------------------------------------------------------- */

static bulla_code take(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	return bulla_aside_add(self, values[0].bytes, "", BULLA_REASON_NONE, err);
}

bulla_code bulla_orphan_noted(bulla_db *db, const char *model, bulla_aside *ret, bulla_error *err)
{
	bulla_table *found = NULL;
	bulla_value name = bulla_value_text(model);
	TRY(db->target->inspect(db, "bulla_sealed", &found, err));
	if (!found) return BULLA_OK;
	bulla_table_free(found);
	return db->target->run(db, "SELECT name FROM bulla_sealed WHERE model = ? ORDER BY 1", &name, 1, take, ret, NULL, err);
}

static bool is_named(const bulla_model *model, const char *column)
{
	for (size_t f = 0; f < model->field_count; f++)
		if (bulla_name_equal(model->fields[f].column, column)) return true;
	for (size_t k = 0; k < model->key_count; k++)
		if (bulla_name_equal(model->keys[k].column, column)) return true;
	return false;
}

static bulla_code note_any(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)values;
	(void)n;
	(void)err;
	*(bool *)self = true;
	return BULLA_OK;
}

static bulla_code holds_any(const bulla_run *run, const char *column, bool *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf sql = { 0 };
	TRY(bulla_buf_add_str(&sql, "SELECT 1 FROM ", err));
	TRY(bulla_sql_add_name(&sql, run->mapping.home, err));
	TRY(bulla_buf_add_str(&sql, " WHERE ", err));
	TRY(bulla_sql_add_name(&sql, column, err));
	TRY(bulla_buf_add_str(&sql, " IS NOT NULL LIMIT 1", err));
	TRY(bulla_buf_terminate(&sql, err));
	return run->db->target->run(run->db, (const char *)sql.data, NULL, 0, note_any, ret, NULL, err);
}

static bulla_code look_at(const bulla_run *run, bulla_bytes name, bulla_aside *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	const bulla_table *home = bulla_mapping_home(&run->mapping);
	bool any = false;
	TRY(bulla_buf_add(&text, name, err));
	TRY(bulla_buf_terminate(&text, err));
	const char *column = (const char *)text.data;
	if (!home || is_named(run->job->model, column) || !bulla_table_column(home, column)) return BULLA_OK;
	TRY(holds_any(run, column, &any, err));
	return any ? bulla_aside_add(ret, name, "", BULLA_REASON_NONE, err) : BULLA_OK;
}

bulla_code bulla_orphan_list(const bulla_run *run, bulla_aside *ret, bulla_error *err)
{
	bulla_aside noted = { 0 };
	bulla_code code = bulla_orphan_noted(run->db, run->job->model->key, &noted, err);
	for (size_t i = 0; !code && i < noted.n; i++)
		code = look_at(run, bulla_aside_entry(&noted, i).pk, ret, err);
	bulla_aside_done(&noted);
	return code;
}

bulla_code bulla_orphan_check(const bulla_run *run, bulla_error *err)
{
	bulla_aside orphans = { 0 };
	char name[BULLA_NAME_MAX + 1];
	bulla_code code = bulla_orphan_list(run, &orphans, err);
	if (!code && orphans.n) {
		bulla_bytes first = bulla_aside_entry(&orphans, 0).pk;
		(void)snprintf(name, sizeof name, "%.*s", (int)first.len, (const char *)first.data);
		code = bulla_fail(err, BULLA_ERR_REFUSED, BULLA_ORPHAN_TEXT, name, run->mapping.table->name,
				  run->job->model->key);
		code = bulla_advise(err, code, BULLA_ORPHAN_NEXT);
	}
	bulla_aside_done(&orphans);
	return code;
}
