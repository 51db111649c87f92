/*
 * sqlite_triggers.c - the triggers that mark unsealed rows, and the guard that refuses torn records.
 *
 * Until `finish`, plaintext is the truth: where it changes and the ciphertext does not in the same statement, the ciphertext
 * goes (AFTER, one trigger per field, since a running trigger is not entered again). The guard stays for good: it refuses a
 * statement that would leave fields of one record under different data keys. A change is one of bytes and storage class,
 * never of collation; -0.0 equals 0.0, so a REAL zero always counts as changed.
 */
#include "db/sqlite.h"

#include <string.h>

/* --- conditions ------------------------------------------------------------------------------------------------- */

static void add_changed(sqlite3_str *sql, const char *column)
{
	sqlite3_str_appendf(sql,
			    "(typeof(NEW.\"%w\") <> typeof(OLD.\"%w\") OR NEW.\"%w\" COLLATE BINARY IS NOT OLD.\"%w\""
			    " OR (typeof(NEW.\"%w\") = 'real' AND NEW.\"%w\" = 0.0))",
			    column, column, column, column, column, column);
}

static void add_any_changed(sqlite3_str *sql, const char *const *columns, size_t n)
{
	sqlite3_str_appendall(sql, "(");
	for (size_t i = 0; i < n; i++) {
		if (i) sqlite3_str_appendall(sql, " OR ");
		add_changed(sql, columns[i]);
	}
	sqlite3_str_appendall(sql, n ? ")" : "0)");
}

/* The same stored bytes in OLD and NEW. */
static void add_same(sqlite3_str *sql, const char *column)
{
	sqlite3_str_appendf(sql, "NEW.\"%w\" COLLATE BINARY IS OLD.\"%w\"", column, column);
}

/* The commitment of a wrapped key lies at a fixed place. A key that is kept as text is compared whole. */
static void add_commitment(sqlite3_str *sql, const char *row, const char *key)
{
	sqlite3_str_appendf(sql, "CASE typeof(%s.\"%w\") WHEN 'blob' THEN substr(%s.\"%w\", 2, 32) ELSE %s.\"%w\" END", row, key,
			    row, key, row, key);
}

static void add_new_key(sqlite3_str *sql, const char *key)
{
	sqlite3_str_appendall(sql, "(");
	add_commitment(sql, "NEW", key);
	sqlite3_str_appendall(sql, ") IS NOT (");
	add_commitment(sql, "OLD", key);
	sqlite3_str_appendall(sql, ")");
}

static bool is_shared(const bulla_model *model)
{
	return model->data_key == BULLA_DATA_KEY_FIELD || model->data_key == BULLA_DATA_KEY_TABLE;
}

/* For each field of key `k` (or of all, for BULLA_NOWHERE) `format` with its ciphertext column, joined by OR; "0" where
 * there is none. */
static void add_each_cipher(sqlite3_str *sql, const bulla_model *model, size_t k, const char *format)
{
	const char * or = "";
	sqlite3_str_appendall(sql, "(");
	for (size_t i = 0; i < model->field_count; i++) {
		if (k != BULLA_NOWHERE && model->fields[i].key != k) continue;
		sqlite3_str_appendall(sql, or);
		sqlite3_str_appendf(sql, format, model->fields[i].column, model->fields[i].column, model->fields[i].column);
		or = " OR ";
	}
	sqlite3_str_appendall(sql, * or ? ")" : "0)");
}

#define KEPT_CIPHER "(NEW.\"%w\" IS NOT NULL AND NEW.\"%w\" COLLATE BINARY IS OLD.\"%w\")"

/* Some key's commitment changes, and a ciphertext under that key does not. */
static void add_torn(sqlite3_str *sql, const bulla_model *model)
{
	sqlite3_str_appendall(sql, "(");
	for (size_t k = 0; k < model->key_count; k++) {
		if (k) sqlite3_str_appendall(sql, " OR ");
		add_new_key(sql, model->keys[k].column);
		sqlite3_str_appendall(sql, " AND ");
		add_each_cipher(sql, model, k, KEPT_CIPHER);
	}
	sqlite3_str_appendall(sql, model->key_count ? ")" : "0)");
}

static void add_keyless(sqlite3_str *sql, const bulla_model *model)
{
	sqlite3_str_appendall(sql, "(");
	for (size_t k = 0; k < model->key_count; k++) {
		sqlite3_str_appendf(sql, "%sNEW.\"%w\" IS NULL AND ", k ? " OR " : "", model->keys[k].column);
		add_each_cipher(sql, model, k, "NEW.\"%w\" IS NOT NULL");
	}
	sqlite3_str_appendall(sql, model->key_count ? ")" : "0)");
}

/* The record is still sealed for the context that it had: with a key per record a kept key says so, with a shared key a
 * kept ciphertext does. */
static void add_stale(sqlite3_str *sql, const bulla_model *model)
{
	sqlite3_str_appendall(sql, "(");
	if (is_shared(model) || model->key_count == 0) {
		add_each_cipher(sql, model, BULLA_NOWHERE, KEPT_CIPHER);
	} else {
		for (size_t k = 0; k < model->key_count; k++) {
			sqlite3_str_appendf(sql, "%sNOT (", k ? " OR " : "");
			add_new_key(sql, model->keys[k].column);
			sqlite3_str_appendall(sql, ") AND ");
			add_each_cipher(sql, model, k, "NEW.\"%w\" IS NOT NULL");
		}
	}
	sqlite3_str_appendall(sql, ")");
}

/* --- pieces of statements --------------------------------------------------------------------------------------- */

static void add_columns(sqlite3_str *sql, const char *const *columns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", columns[i]);
}

/* The columns of an UPDATE OF. SQLite compares these names with those that a statement sets, and the integer primary key may be set under any of
 * its other names. */
void bulla_lite_add_watched(sqlite3_str *sql, const bulla_mapping *m, const char *const *columns, size_t n)
{
	add_columns(sql, columns, n);
	for (size_t i = 0; m->table->rowid_is_column && i < n; i++)
		if (bulla_name_equal(columns[i], m->table->rowid))
			sqlite3_str_appendall(sql, ", \"rowid\", \"_rowid_\", \"oid\"");
}

void bulla_lite_add_sealed_columns(sqlite3_str *sql, const bulla_model *model)
{
	for (size_t i = 0; i < model->field_count; i++)
		sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", model->fields[i].column);
	for (size_t k = 0; k < model->key_count; k++)
		sqlite3_str_appendf(sql, ", \"%w\"", model->keys[k].column);
}

static void add_unseal_field(sqlite3_str *sql, const struct bulla_mapped_field *f, const char *comma)
{
	const bulla_field *field = f->field;
	sqlite3_str_appendf(sql, "%s\"%w\" = NULL", comma, field->column);
	if (field->index) sqlite3_str_appendf(sql, ", \"%w\" = NULL", field->index->column);
	if (f->before) sqlite3_str_appendf(sql, ", \"%w\" = NULL", field->before->index->column);
}

static void add_unseal_all(sqlite3_str *sql, const bulla_mapping *m)
{
	sqlite3_str_appendf(sql, "UPDATE \"%w\" SET ", m->home);
	for (size_t i = 0; i < m->model->field_count; i++)
		add_unseal_field(sql, &m->fields[i], i ? ", " : "");
	for (size_t k = 0; k < m->model->key_count; k++)
		sqlite3_str_appendf(sql, ", \"%w\" = NULL", m->model->keys[k].column);
}

/* The row that fired, in the home of the sealed columns. */
static void add_here(sqlite3_str *sql, const bulla_mapping *m, const char *row)
{
	bool by_pk = m->aside || !m->table->rowid;
	size_t n = by_pk ? m->table->pk_count : 1;
	for (size_t i = 0; i < n; i++) {
		const char *column = by_pk ? m->table->pk[i] : m->table->rowid;
		sqlite3_str_appendf(sql, "%s\"%w\" = %s.\"%w\"", i ? " AND " : " WHERE ", column, row, column);
	}
}

static bulla_code make(bulla_lite *s, sqlite3_str *sql, bulla_error *err)
{
	return bulla_lite_exec(s, sqlite3_str_finish(sql), err);
}

/* --- marking unsealed rows -------------------------------------------------------------------------------------- */

static bulla_code make_field(bulla_lite *s, const bulla_mapping *m, const bulla_field *field, bulla_error *err)
{
	const char *table = m->table->name;
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "CREATE TRIGGER \"bulla_field.%w.%w\" AFTER UPDATE OF \"%w\" ON \"%w\" WHEN ", table,
			    field->name, field->plaintext, table);
	add_changed(sql, field->plaintext);
	if (!m->aside) { /* a side table is written by another statement: there the plaintext comes first, and unseals */
		sqlite3_str_appendf(sql, " AND NEW.\"%w\" IS NOT NULL AND ", field->column);
		add_same(sql, field->column);
	}
	sqlite3_str_appendf(sql, " BEGIN UPDATE \"%w\" SET ", m->home);
	add_unseal_field(sql, &m->fields[field->position], "");
	add_here(sql, m, "NEW");
	sqlite3_str_appendall(sql, "; END");
	return make(s, sql, err);
}

static bulla_code make_context(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	const bulla_model *model = m->model;
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "CREATE TRIGGER \"bulla_unseal.%w\" AFTER UPDATE OF ", m->table->name);
	bulla_lite_add_watched(sql, m, model->inputs, model->input_count);
	sqlite3_str_appendf(sql, " ON \"%w\" WHEN ", m->table->name);
	add_any_changed(sql, model->inputs, model->input_count);
	if (!m->aside) {
		sqlite3_str_appendall(sql, " AND ");
		add_stale(sql, model);
	}
	sqlite3_str_appendall(sql, " BEGIN ");
	add_unseal_all(sql, m);
	add_here(sql, m, "NEW");
	sqlite3_str_appendall(sql, "; END");
	return make(s, sql, err);
}

static bulla_code make_unsealing(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	for (size_t i = 0; i < m->model->field_count; i++)
		if (m->fields[i].plain) TRY(make_field(s, m, &m->model->fields[i], err));
	return m->model->input_count ? make_context(s, m, err) : BULLA_OK;
}

/* --- the guard -------------------------------------------------------------------------------------------------- */

/* BEFORE: nothing was written yet when it refuses. */
static bulla_code make_update_guard(bulla_lite *s, const bulla_mapping *m, bool contexts, bulla_error *err)
{
	const bulla_model *model = m->model;
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "CREATE TRIGGER \"bulla_guard.%w\" BEFORE UPDATE OF ", m->table->name);
	bulla_lite_add_sealed_columns(sql, model);
	if (contexts) sqlite3_str_appendall(sql, ", ");
	if (contexts) bulla_lite_add_watched(sql, m, model->inputs, model->input_count);
	sqlite3_str_appendf(sql, " ON \"%w\" BEGIN SELECT CASE WHEN ", m->home);
	add_torn(sql, model);
	sqlite3_str_appendall(sql, " THEN RAISE(ABORT, 'bulla: a new data key must seal every field of the record') WHEN ");
	add_keyless(sql, model);
	sqlite3_str_appendall(sql, " THEN RAISE(ABORT, 'bulla: a ciphertext needs its wrapped key beside it')");
	if (contexts) {
		sqlite3_str_appendall(sql, " WHEN ");
		add_any_changed(sql, model->inputs, model->input_count);
		sqlite3_str_appendall(sql, " AND ");
		add_stale(sql, model);
		sqlite3_str_appendall(sql, " THEN RAISE(ABORT, 'bulla: the encryption context changes: seal the record again in "
					   "the same statement')");
	}
	sqlite3_str_appendall(sql, " END; END");
	return make(s, sql, err);
}

/* AFTER: an upsert whose INSERT turns into an UPDATE has inserted nothing that could be refused. */
static bulla_code make_insert_guard(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "CREATE TRIGGER \"bulla_guard_insert.%w\" AFTER INSERT ON \"%w\" WHEN ", m->table->name,
			    m->home);
	add_keyless(sql, m->model);
	sqlite3_str_appendall(sql, " BEGIN SELECT RAISE(ABORT, 'bulla: a ciphertext needs its wrapped key beside it'); END");
	return make(s, sql, err);
}

/* --- the side table follows its table ---------------------------------------------------------------------------- */

static void add_follow(sqlite3_str *sql, const bulla_mapping *m, const char *name, const char *event)
{
	sqlite3_str_appendf(sql, "CREATE TRIGGER \"bulla_%s.%w\" AFTER %s ON \"%w\"", name, m->table->name, event,
			    m->table->name);
}

static void add_forget(sqlite3_str *sql, const bulla_mapping *m, const char *row)
{
	sqlite3_str_appendf(sql, "DELETE FROM \"%w\"", m->home);
	add_here(sql, m, row);
	sqlite3_str_appendall(sql, "; ");
}

/* An empty row in the side table, so that the queue finds it. */
static void add_enter(sqlite3_str *sql, const bulla_mapping *m)
{
	sqlite3_str_appendf(sql, "INSERT INTO \"%w\"(", m->home);
	add_columns(sql, m->table->pk, m->table->pk_count);
	sqlite3_str_appendall(sql, ") VALUES(");
	for (size_t i = 0; i < m->table->pk_count; i++)
		sqlite3_str_appendf(sql, "%sNEW.\"%w\"", i ? ", " : "", m->table->pk[i]);
	sqlite3_str_appendall(sql, "); ");
}

/* REPLACE deletes without a delete trigger; so whatever lies under a new row's key is of a row that is gone. */
static bulla_code make_side_insert(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	add_follow(sql, m, "insert", "INSERT");
	sqlite3_str_appendall(sql, " BEGIN ");
	add_forget(sql, m, "NEW");
	add_enter(sql, m);
	sqlite3_str_appendall(sql, "END");
	return make(s, sql, err);
}

static bulla_code make_side_delete(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	add_follow(sql, m, "delete", "DELETE");
	sqlite3_str_appendall(sql, " BEGIN ");
	add_forget(sql, m, "OLD");
	sqlite3_str_appendall(sql, "END");
	return make(s, sql, err);
}

/* A new primary key: before `finish` the row is sealed again; afterwards its ciphertexts move with it, or may not. */
static bulla_code make_side_move(bulla_lite *s, const bulla_mapping *m, bool finished, bulla_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "CREATE TRIGGER \"bulla_move.%w\" AFTER UPDATE OF ", m->table->name);
	bulla_lite_add_watched(sql, m, m->table->pk, m->table->pk_count);
	sqlite3_str_appendf(sql, " ON \"%w\" WHEN ", m->table->name);
	add_any_changed(sql, m->table->pk, m->table->pk_count);
	sqlite3_str_appendall(sql, " BEGIN ");
	add_forget(sql, m, "NEW");
	if (!finished) {
		add_forget(sql, m, "OLD");
		add_enter(sql, m);
	} else {
		sqlite3_str_appendf(sql, "UPDATE \"%w\" SET ", m->home);
		for (size_t i = 0; i < m->table->pk_count; i++)
			sqlite3_str_appendf(sql, "%s\"%w\" = NEW.\"%w\"", i ? ", " : "", m->table->pk[i], m->table->pk[i]);
		add_here(sql, m, "OLD");
		sqlite3_str_appendall(sql, "; ");
	}
	sqlite3_str_appendall(sql, "END");
	return make(s, sql, err);
}

/* Ciphertexts in another table cannot change in the statement that changes the context, so from `finish` on such a change
 * is refused. */
static bulla_code make_side_context_guard(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	const bulla_model *model = m->model;
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "CREATE TRIGGER \"bulla_guard_context.%w\" BEFORE UPDATE OF ", m->table->name);
	bulla_lite_add_watched(sql, m, model->inputs, model->input_count);
	sqlite3_str_appendf(sql, " ON \"%w\" WHEN ", m->table->name);
	add_any_changed(sql, model->inputs, model->input_count);
	sqlite3_str_appendf(sql, " AND EXISTS (SELECT 1 FROM \"%w\"", m->home);
	add_here(sql, m, "OLD");
	sqlite3_str_appendall(sql, " AND (");
	for (size_t i = 0; i < model->field_count; i++)
		sqlite3_str_appendf(sql, "%s\"%w\" IS NOT NULL", i ? " OR " : "", model->fields[i].column);
	sqlite3_str_appendall(
		sql, ")) BEGIN SELECT RAISE(ABORT, 'bulla: the encryption context changes: delete the sealed row first'); END");
	return make(s, sql, err);
}

/* A row that REPLACE deleted leaves its index in the side table, where it would keep a unique one taken. */
static void add_evict(sqlite3_str *sql, const bulla_mapping *m, const char *index)
{
	const bulla_table *t = m->table;
	sqlite3_str_appendf(sql, "DELETE FROM \"%w\" WHERE \"%w\" = NEW.\"%w\" AND NOT (", m->home, index, index);
	for (size_t i = 0; i < t->pk_count; i++)
		sqlite3_str_appendf(sql, "%s\"%w\" = NEW.\"%w\"", i ? " AND " : "", t->pk[i], t->pk[i]);
	sqlite3_str_appendall(sql, ") AND ");
	bulla_lite_add_orphan(sql, m);
	sqlite3_str_appendall(sql, "; ");
}

static bulla_code make_side_evict(bulla_lite *s, const bulla_mapping *m, const char *name, const char *event, bulla_error *err)
{
	size_t n = 0;
	const char *unique[2 * BULLA_FIELDS_MAX];
	for (size_t i = 0; i < m->model->field_count; i++) {
		const bulla_index_spec *index = m->model->fields[i].index;
		if (index && index->unique) unique[n++] = index->column;
		if (m->fields[i].before && m->fields[i].field->before->index->unique)
			unique[n++] = m->fields[i].field->before->index->column;
	}
	if (n == 0) return BULLA_OK;
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(sql, "CREATE TRIGGER \"bulla_%s.%w\" BEFORE %s", name, m->table->name, event);
	if (strcmp(event, "UPDATE") == 0) sqlite3_str_appendall(sql, " OF ");
	if (strcmp(event, "UPDATE") == 0) add_columns(sql, unique, n);
	sqlite3_str_appendf(sql, " ON \"%w\" BEGIN ", m->home);
	for (size_t i = 0; i < n; i++)
		add_evict(sql, m, unique[i]);
	sqlite3_str_appendall(sql, "END");
	return make(s, sql, err);
}

static bulla_code make_side(bulla_lite *s, const bulla_mapping *m, bool finished, bulla_error *err)
{
	TRY(make_side_insert(s, m, err));
	TRY(make_side_delete(s, m, err));
	TRY(make_side_move(s, m, finished, err));
	TRY(make_side_evict(s, m, "evict_insert", "INSERT", err));
	TRY(make_side_evict(s, m, "evict_update", "UPDATE", err));
	return finished && m->model->input_count ? make_side_context_guard(s, m, err) : BULLA_OK;
}

/* --- an index takes the place of another ------------------------------------------------------------------------ */

/* Can the index of that specification stay the same while the value changes, and the other's does not? */
static bool is_as_fine(const bulla_index_spec *a, const bulla_index_spec *b)
{
	bool exact = a->normalize == BULLA_NORMALIZE_NONE && a->expression == BULLA_EXPRESSION_NONE;
	return exact || (a->normalize == b->normalize && a->expression == b->expression);
}

/* Of the two indexes of a field the one that a writer does not know stays as it was when the value changes: it goes. The newer one, for
 * the job to fill it again; the older one where a writer has changed the newer. `changed` has changed and `kept` has not. */
static bulla_code make_window_trigger(bulla_lite *s, const bulla_mapping *m, const bulla_field *field, const char *name,
				      const char *kept, const char *changed, bool was_there, bulla_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(s->handle);
	sqlite3_str_appendf(
		sql,
		"CREATE TRIGGER \"bulla_%s.%w.%w\" AFTER UPDATE OF \"%w\" ON \"%w\" WHEN NEW.\"%w\" IS NOT OLD.\"%w\" AND "
		"NEW.\"%w\" IS NOT NULL AND NEW.\"%w\" IS OLD.\"%w\"",
		name, m->table->name, field->name, field->column, m->home, field->column, field->column, kept, kept, kept);
	if (changed) sqlite3_str_appendf(sql, " AND NEW.\"%w\" IS NOT OLD.\"%w\"", changed, changed);
	if (was_there) sqlite3_str_appendf(sql, " AND OLD.\"%w\" IS NOT NULL AND NEW.\"%w\" IS NOT NULL", changed, changed);
	sqlite3_str_appendf(sql, " BEGIN UPDATE \"%w\" SET \"%w\" = NULL", m->home, kept);
	add_here(sql, m, "NEW");
	sqlite3_str_appendall(sql, "; END");
	return make(s, sql, err);
}

static bulla_code make_window(bulla_lite *s, const bulla_mapping *m, const bulla_field *field, bulla_error *err)
{
	const bulla_index_spec *now = field->index, *before = field->before->index;
	bool fine = is_as_fine(before, now);
	TRY(make_window_trigger(s, m, field, "window", now->column, fine ? before->column : NULL, false, err));
	return fine ? make_window_trigger(s, m, field, "window_old", before->column, now->column, true, err) : BULLA_OK;
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

bulla_code bulla_lite_triggers_make(bulla_lite *s, const bulla_mapping *m, bool finished, bulla_error *err)
{
	if (!finished) TRY(make_unsealing(s, m, err));
	if (m->aside) TRY(make_side(s, m, finished, err));
	TRY(make_update_guard(s, m, finished && !m->aside && m->model->input_count, err));
	for (size_t i = 0; i < m->model->field_count; i++)
		if (m->fields[i].index && m->fields[i].before) TRY(make_window(s, m, &m->model->fields[i], err));
	return make_insert_guard(s, m, err);
}

/* Drops the first trigger of the table that is ours. */
static bulla_code drop_one(bulla_lite *s, const char *table, bool *ret_dropped, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	int rc;
	TRY(bulla_lite_prepare(s,
			       sqlite3_mprintf("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = %Q "
					       "COLLATE NOCASE",
					       table),
			       &stmt, err));
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(stmt, 0), *sql = (const char *)sqlite3_column_text(stmt, 1);
		if (!bulla_lite_is_ours(name, sql)) continue;
		char *drop = sqlite3_mprintf("DROP TRIGGER \"%w\"", name);
		(void)sqlite3_reset(stmt);
		*ret_dropped = true;
		return bulla_lite_exec(s, drop, err);
	}
	*ret_dropped = false;
	return rc == SQLITE_DONE ? BULLA_OK : bulla_lite_fail(s, rc, err, "look for triggers");
}

/* By what they are on and what they are, not by what the model says now: it may have lost a field. */
bulla_code bulla_lite_triggers_drop(bulla_lite *s, const bulla_mapping *m, bulla_error *err)
{
	const char *tables[] = { m->table->name, m->home };
	for (size_t i = 0; i < (m->aside ? 2 : 1); i++)
		for (bool dropped = true; dropped;)
			TRY(drop_one(s, tables[i], &dropped, err));
	return BULLA_OK;
}
