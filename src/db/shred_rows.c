/*
 * shred_rows.c - one model's rows that hang from a branch: counted, found, cleared.
 *
 * A row is its own queue: once it is cleared it does not hang from the branch any more, so that a run that was killed is taken up by
 * looking again. The versions lie in a temporary table of the session.
 */
#include "db/shred_inside.h"

#include "base/cursor.h"
#include "core/provider.h"
#include "db/quarantine.h"
#include "db/sealed_sql.h"
#include "db/sql_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- conditions ------------------------------------------------------------------------------------------------- */

/* What a wrapped key begins its directory with: kind and reference of the first wrap. A record under a branch has that one wrap. */
static bulla_code add_reference(bulla_buf *sql, const bulla_mapping *m, size_t k, bulla_error *err)
{
	TRY(bulla_buf_add_str(sql, "substr(", err));
	TRY(bulla_sealed_add_column(sql, m, true, m->model->keys[k].column, err));
	return bulla_buf_add_str(sql, ", 35, 9)", err);
}

static bool is_under_branch(const bulla_mapping *m, size_t k)
{
	return m->keys[k] && !m->model->keys[k].kms_key;
}

/* `(key IN versions OR ...)`, or with `others` `(key IS NOT NULL AND key NOT IN versions AND ...)`. */
static bulla_code add_under(bulla_buf *sql, const bulla_mapping *m, bool others, bulla_error *err)
{
	const char *joint = "(";
	for (size_t k = 0; k < m->model->key_count; k++) {
		if (!is_under_branch(m, k)) continue;
		TRY(bulla_buf_add_str(sql, joint, err));
		if (others) TRY(bulla_sealed_add_column(sql, m, true, m->model->keys[k].column, err));
		if (others) TRY(bulla_buf_add_str(sql, " IS NOT NULL AND ", err));
		TRY(add_reference(sql, m, k, err));
		TRY(bulla_buf_add_str(sql, others ? " NOT IN" : " IN", err));
		TRY(bulla_buf_add_str(sql, " (SELECT version FROM temp.bulla_shred_version)", err));
		joint = others ? " AND " : " OR ";
	}
	return bulla_buf_add_str(sql, *joint == '(' ? "0" : ")", err);
}

static bulla_code add_sealed(bulla_buf *sql, const bulla_mapping *m, bulla_error *err)
{
	const char *joint = "(";
	for (size_t f = 0; f < m->model->field_count; f++) {
		if (!m->fields[f].cipher) continue;
		TRY(bulla_buf_add_str(sql, joint, err));
		TRY(bulla_sealed_add_column(sql, m, true, m->model->fields[f].column, err));
		TRY(bulla_buf_add_str(sql, " IS NOT NULL", err));
		joint = " OR ";
	}
	return bulla_buf_add_str(sql, *joint == '(' ? "0" : ")", err);
}

/* The columns in the branch's name have the subject's values, in the text form that names have (page.c). */
static bulla_code add_inputs(bulla_buf *sql, const bulla_mapping *m, bulla_error *err)
{
	const bulla_template *name = &m->model->branch.name;
	for (size_t i = 0; i < name->parts; i++) {
		if (name->part[i].literal) continue;
		const char *column = m->model->inputs[name->part[i].input];
		TRY(bulla_buf_add_str(sql, "CASE typeof(", err));
		TRY(bulla_sealed_add_column(sql, m, false, column, err));
		TRY(bulla_buf_add_str(sql, ") WHEN 'blob' THEN lower(hex(", err));
		TRY(bulla_sealed_add_column(sql, m, false, column, err));
		TRY(bulla_buf_add_str(sql, ")) ELSE CAST(", err));
		TRY(bulla_sealed_add_column(sql, m, false, column, err));
		TRY(bulla_buf_add_str(sql, " AS TEXT) END = ? AND ", err));
	}
	return BULLA_OK;
}

static bulla_code add_condition(bulla_buf *sql, const bulla_mapping *m, const bulla_subject *subject, bulla_shred_which which,
				bulla_error *err)
{
	TRY(bulla_buf_add_str(sql, " WHERE ", err));
	switch (which) {
	case BULLA_SHRED_UNDER:
		return add_under(sql, m, false, err);
	case BULLA_SHRED_OTHERS:
		return add_under(sql, m, true, err);
	case BULLA_SHRED_STRAYS:
		if (!bulla_subject_has_scope(subject, m->model)) return bulla_buf_add_str(sql, "0", err);
		TRY(add_inputs(sql, m, err));
		TRY(add_sealed(sql, m, err));
		TRY(bulla_buf_add_str(sql, " AND NOT ", err));
		return add_under(sql, m, false, err);
	case BULLA_SHRED_SEALED:
		break;
	}
	return add_sealed(sql, m, err);
}

/* The values of the condition's parameters. */
static size_t add_values(const bulla_mapping *m, const bulla_subject *subject, bulla_shred_which which, bulla_value *values)
{
	if (which != BULLA_SHRED_STRAYS || !bulla_subject_has_scope(subject, m->model)) return 0;
	for (size_t i = 0; i < subject->name.n; i++)
		values[i] = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = subject->name.parts[i] };
	return subject->name.n;
}

/* --- counting, finding ------------------------------------------------------------------------------------------ */

static bulla_code read_count(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	(void)err;
	*(uint64_t *)self = (uint64_t)values[0].integer;
	return BULLA_OK;
}

bulla_code bulla_shred_count(bulla_shred_table *t, const bulla_subject *subject, bulla_shred_which which, uint64_t *ret,
			     bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf sql = { 0 };
	const bulla_mapping *m = &t->run.mapping;
	bulla_value values[BULLA_INPUTS_MAX];
	TRY(bulla_buf_add_str(&sql, "SELECT count(*)", err));
	TRY(bulla_sealed_add_from(&sql, m, err));
	TRY(add_condition(&sql, m, subject, which, err));
	TRY(bulla_buf_terminate(&sql, err));
	size_t n = add_values(m, subject, which, values);
	return t->run.db->target->run(t->run.db, (const char *)sql.data, values, n, read_count, ret, NULL, err);
}

static bulla_code add_locator(bulla_buf *sql, const bulla_mapping *m, bulla_error *err)
{
	for (size_t i = 0; i < m->locator_count; i++) {
		if (i) TRY(bulla_buf_add_str(sql, ", ", err));
		TRY(bulla_sealed_add_column(sql, m, false, m->locator[i], err));
	}
	return BULLA_OK;
}

static bulla_code find_sql(const bulla_mapping *m, const bulla_subject *subject, bulla_shred_which which, bool after,
			   bulla_buf *sql, bulla_error *err)
{
	TRY(bulla_buf_add_str(sql, "SELECT ", err));
	TRY(add_locator(sql, m, err));
	TRY(bulla_sealed_add_from(sql, m, err));
	TRY(add_condition(sql, m, subject, which, err));
	if (after) {
		TRY(bulla_buf_add_str(sql, " AND (", err));
		TRY(add_locator(sql, m, err));
		for (size_t i = 0; i < m->locator_count; i++)
			TRY(bulla_buf_add_str(sql, i ? ", ?" : ") > (?", err));
		TRY(bulla_buf_add_str(sql, ")", err));
	}
	TRY(bulla_buf_add_str(sql, " ORDER BY ", err));
	TRY(add_locator(sql, m, err));
	TRY(bulla_buf_add_str(sql, " LIMIT ?", err));
	return bulla_buf_terminate(sql, err);
}

static bulla_code take_locator(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf position = { 0 };
	TRY(bulla_position_write(values, n, &position, err));
	return bulla_buf_add_prefixed(self, bulla_view_buf(&position), err);
}

bulla_code bulla_shred_find(bulla_shred_table *t, const bulla_subject *subject, bulla_shred_which which, const bulla_value *from,
			    size_t limit, bulla_buf *out, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf sql = { 0 };
	const bulla_mapping *m = &t->run.mapping;
	bulla_value values[BULLA_INPUTS_MAX + BULLA_LOCATOR_MAX + 1];
	TRY(find_sql(m, subject, which, from != NULL, &sql, err));
	size_t n = add_values(m, subject, which, values);
	for (size_t i = 0; from && i < m->locator_count; i++)
		values[n++] = from[i];
	values[n++] = bulla_value_integer((int64_t)limit);
	return t->run.db->target->run(t->run.db, (const char *)sql.data, values, n, take_locator, out, NULL, err);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

static bulla_code load_versions(bulla_db *db, const bulla_buf *versions, bulla_error *err)
{
	uint8_t reference[9] = { BULLA_WRAP_BRANCH };
	bulla_value value = { .kind = BULLA_KIND_BINARY, .bytes = bulla_view(reference, sizeof reference) };
	TRY(db->target->run(db, "CREATE TEMP TABLE IF NOT EXISTS bulla_shred_version(version BLOB NOT NULL PRIMARY KEY)", NULL, 0,
			    NULL, NULL, NULL, err));
	for (size_t at = 0; at < versions->len; at += 8) {
		memcpy(reference + 1, versions->data + at, 8);
		TRY(db->target->run(db, "INSERT OR IGNORE INTO temp.bulla_shred_version(version) VALUES(?)", &value, 1, NULL,
				    NULL, NULL, err));
	}
	return BULLA_OK;
}

bulla_code bulla_shred_table_open(bulla_shred_table *t, const bulla_job *job, const bulla_subject *subject, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf known = { .max = BULLA_SHRED_VERSIONS };
	*t = (bulla_shred_table){ .job = job };
	TRY(bulla_run_open(&t->run, job, true, false, err));
	if (!subject) return BULLA_OK;
	/* an earlier run may have destroyed branches below this one, which then name no parent any more */
	TRY(bulla_shred_book_load(t->run.db, subject->id, t->job->model->key, &t->book, &known, err));
	t->resumed = t->book.step == BULLA_SHRED_CLEARING;
	const bulla_target *target = t->run.db->target;
	TRY(target->begin_read(t->run.db, err));
	bulla_code code = load_versions(t->run.db, &known, err);
	if (!code) code = load_versions(t->run.db, &subject->versions, err);
	if (!code) return target->commit(t->run.db, err);
	target->rollback(t->run.db);
	return code;
}

void bulla_shred_table_close(bulla_shred_table *t)
{
	bulla_batch_free(t->batch);
	if (t->run.db) t->run.db->target->writer_close(t->writer);
	bulla_page_done(&t->sample);
	bulla_page_done(&t->beside);
	bulla_shape_done(&t->shape);
	bulla_buf_done(&t->stale);
	free(t->fields);
	bulla_run_close(&t->run);
}

/* --- index columns of earlier versions ---------------------------------------------------------------------------- */

/* The index that is being replaced; "email_bidx", or "email_bidx_v" and a number, beside the one that the model names now. */
static bool is_stale_index(const bulla_model *model, const char *column)
{
	for (size_t f = 0; f < model->field_count; f++)
		if (model->fields[f].index && bulla_name_equal(model->fields[f].index->column, column)) return false;
	for (size_t f = 0; f < model->field_count; f++) {
		const bulla_field *before = model->fields[f].before;
		const char *name = model->fields[f].name;
		size_t len = strlen(name);
		if (before && before->index && bulla_name_equal(before->index->column, column)) return true;
		if (strncasecmp(column, name, len) != 0 || strncasecmp(column + len, "_bidx", 5) != 0) continue;
		const char *rest = column + len + 5;
		if (!*rest) return true;
		if (strncasecmp(rest, "_v", 2) == 0 && rest[2] && rest[2 + strspn(rest + 2, "0123456789")] == 0) return true;
	}
	return false;
}

static bulla_code make_stale(bulla_shred_table *t, bulla_error *err)
{
	const bulla_mapping *m = &t->run.mapping;
	const bulla_table *home = m->aside ? m->side : m->table;
	size_t n = 0;
	for (size_t i = 0; i < home->column_count; i++) {
		if (!is_stale_index(m->model, home->columns[i].name)) continue;
		if (n == 0) TRY(bulla_buf_add_str(&t->stale, "UPDATE ", err));
		if (n == 0) TRY(bulla_sql_add_name(&t->stale, m->home, err));
		TRY(bulla_buf_add_str(&t->stale, n++ ? ", " : " SET ", err));
		TRY(bulla_sql_add_name(&t->stale, home->columns[i].name, err));
		TRY(bulla_buf_add_str(&t->stale, " = NULL", err));
	}
	for (size_t i = 0; n && i < m->locator_count; i++) {
		TRY(bulla_buf_add_str(&t->stale, i ? " AND " : " WHERE ", err));
		TRY(bulla_sql_add_name(&t->stale, m->locator[i], err));
		TRY(bulla_buf_add_str(&t->stale, " = ?", err));
	}
	return n ? bulla_buf_terminate(&t->stale, err) : BULLA_OK;
}

/* --- clearing --------------------------------------------------------------------------------------------------- */

bulla_code bulla_shred_prepare(bulla_shred_table *t, bulla_error *err)
{
	bulla_batch_options options = { .size = sizeof options, .no_indexes = true };
	const bulla_mapping *m = &t->run.mapping;
	if (t->writer) return BULLA_OK;
	t->fields = calloc(m->model->field_count + 1, sizeof *t->fields);
	if (!t->fields) return bulla_fail_memory(err);
	for (size_t f = 0; f < m->model->field_count; f++)
		t->fields[f] = f;
	TRY(bulla_shape_init(&t->shape, m, BULLA_SHAPE_SEALED, err));
	TRY(make_stale(t, err));
	TRY(bulla_batch_new(t->job->keyring, m->model, &options, &t->batch, err));
	return t->run.db->target->writer_open(t->run.db, m, &t->shape, t->fields, m->model->field_count, &t->writer, err);
}

/* Everything NULL in one statement: the guard refuses a ciphertext without its key, and a new key beside an old ciphertext. */
static bulla_code put_nothing(bulla_shred_table *t, const bulla_value *locator, bulla_error *err)
{
	const bulla_model *model = t->run.mapping.model;
	bulla_cell cells[BULLA_FIELDS_MAX] = { 0 };
	bulla_bytes keys[BULLA_FIELDS_MAX + 1] = { 0 };
	bulla_row row = { .cells = cells, .cell_count = model->field_count, .keys = keys };
	TRY(t->run.db->target->writer_put(t->writer, locator, &row, err));
	if (t->stale.len == 0) return BULLA_OK;
	return t->run.db->target->run(t->run.db, (const char *)t->stale.data, locator, t->run.mapping.locator_count, NULL, NULL,
				      NULL, err);
}

bulla_code bulla_shred_clear_row(bulla_shred_table *t, const bulla_value *locator, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf pk = { 0 };
	const bulla_mapping *m = &t->run.mapping;
	const bulla_value *values = NULL;
	TRY(t->run.db->target->writer_read(t->writer, locator, &values, err));
	if (!values) return bulla_fail(err, BULLA_ERR_CONFLICT, "the row is gone");
	TRY(bulla_pk_write(values, t->shape.pk, m->table->pk_count, &pk, err));
	TRY(put_nothing(t, locator, err));
	return bulla_shred_book_row(t->run.db, m->model->key, bulla_view_buf(&pk), err);
}

/* One batch inside a transaction; `from` moves behind its last row. */
static bulla_code clear_found(bulla_shred_table *t, const bulla_buf *found, bulla_value *from, bulla_error *err)
{
	bulla_cursor c = bulla_cursor_of(bulla_view_buf(found));
	while (c.rest.len) {
		bulla_error why = { 0 };
		TRY(bulla_position_read(bulla_cursor_prefixed(&c), from, t->run.mapping.locator_count, err));
		bulla_code code = bulla_shred_clear_row(t, from, &why);
		if (code == BULLA_OK) t->cleared++;
		if (code == BULLA_ERR_REFUSED) t->refused++;
		if (code == BULLA_OK || code == BULLA_ERR_REFUSED || code == BULLA_ERR_CONFLICT) continue;
		if (err) *err = why;
		return code;
	}
	return BULLA_OK;
}

typedef struct clearing {
	bulla_value from[BULLA_LOCATOR_MAX];
	bulla_buf position; /* holds what `from` views */
	bool begun, ended;
} clearing;

static bulla_code clear_locked(bulla_shred_table *t, const bulla_subject *subject, clearing *c, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf found = { 0 };
	const bulla_mapping *m = &t->run.mapping;
	uint64_t before = t->cleared;
	TRY(bulla_shred_find(t, subject, BULLA_SHRED_UNDER, c->begun ? c->from : NULL, BULLA_SHRED_BATCH, &found, err));
	c->ended = found.len == 0;
	if (c->ended) return BULLA_OK;
	TRY(clear_found(t, &found, c->from, err));
	bulla_buf_clear(&c->position);
	TRY(bulla_position_write(c->from, m->locator_count, &c->position, err));
	TRY(bulla_position_read(bulla_view_buf(&c->position), c->from, m->locator_count, err));
	c->begun = true;
	t->book.cleared += t->cleared - before;
	TRY(bulla_shred_book_store(t->run.db, subject->id, t->job->model->key, &t->book, bulla_view(NULL, 0), err));
	return bulla_lease_store(&t->run, err);
}

static bulla_code clear_batch(bulla_shred_table *t, const bulla_subject *subject, clearing *c, bulla_error *err)
{
	const bulla_target *target = t->run.db->target;
	TRY(target->begin_write(t->run.db, err));
	bulla_code code = clear_locked(t, subject, c, err);
	target->writer_rest(t->writer);
	if (!code) return target->commit(t->run.db, err);
	target->rollback(t->run.db);
	return code;
}

static bulla_code clear_all(bulla_shred_table *t, const bulla_subject *subject, clearing *c, bulla_error *err)
{
	while (!c->ended) {
		TRY(clear_batch(t, subject, c, err));
		bulla_run_progress(&t->run, "clearing", t->cleared, t->rows, c->ended);
		bulla_run_hook(&t->run, "cleared");
		if (!c->ended && bulla_run_stopped(&t->run)) return bulla_run_interrupted(&t->run, err);
	}
	return BULLA_OK;
}

bulla_code bulla_shred_clear(bulla_shred_table *t, const bulla_subject *subject, bulla_error *err)
{
	clearing c = { 0 };
	char detail[96];
	bulla_code code = clear_all(t, subject, &c, err);
	bulla_buf_done(&c.position);
	TRY(code);
	if (t->cleared == 0) return BULLA_OK;
	snprintf(detail, sizeof detail, "shred: %" PRIu64 " rows cleared,", t->cleared);
	return bulla_run_record(&t->run, "RecordShredded", detail, err);
}

bool bulla_shred_leaves_sense(const bulla_model *model, bool erase)
{
	for (size_t f = 0; f < model->field_count; f++)
		if (model->fields[f].index) return true;
	for (size_t k = 0; k < model->key_count; k++)
		if (model->keys[k].kms_key) return true;
	return erase;
}
