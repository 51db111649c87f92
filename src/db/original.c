/*
 * original.c - keeping the definition of a table, and putting it together again.
 */
#include "db/original.h"

#include "db/sql_text.h"

#include <string.h>

static const char *const fidelities[] = { "recorded", "merged", "schema" };

const char *bulla_fidelity_name(bulla_fidelity fidelity)
{
	return fidelities[fidelity];
}

/* --- which columns ---------------------------------------------------------------------------------------------- */

typedef struct columns {
	size_t n;
	const char *const *list;
} columns;

static columns ours(const bulla_mapping *m)
{
	return (columns){ m->own_count, m->own };
}

/* `names` has room for every field. */
static columns returning(const bulla_mapping *m, const char **names)
{
	size_t n = 0;
	for (size_t i = 0; i < m->model->field_count; i++)
		if (bulla_mapping_returns(&m->fields[i])) names[n++] = m->model->fields[i].plaintext;
	return (columns){ n, names };
}

/* The definition without these columns, in a form in which two of them can be compared. */
static bulla_code bare(const bulla_mapping *m, const char *sql, const columns *without, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_sql_without_columns(sql, m->table->name, without->list, without->n, NULL, NULL, out, err));
	return bulla_buf_terminate(out, err);
}

static bool names_table(const char *sql, const char *table)
{
	bulla_bytes rest = bulla_view_str(sql);
	if (!bulla_sql_is_word(bulla_sql_next(&rest), "create") || !bulla_sql_is_word(bulla_sql_next(&rest), "table"))
		return false;
	return bulla_sql_is_name(bulla_sql_next(&rest), table);
}

/* Is the table of today the noted one, but for what a job adds and, where `plain` counts, has dropped? */
static bulla_code is_same(const bulla_mapping *m, const char *noted, const columns *plain, bool *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf then = { 0 }, now = { 0 };
	columns own = ours(m);
	*ret = false;
	if (!names_table(noted, m->table->name)) return BULLA_OK;
	if (bare(m, noted, plain, &then, NULL)) return BULLA_OK;
	TRY(bare(m, m->table->sql, &own, &now, err));
	*ret = bulla_bytes_equal(bulla_view_buf(&then), bulla_view_buf(&now));
	return BULLA_OK;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

bulla_code bulla_original_add(bulla_run *run, const bulla_definition *definition, bulla_error *err)
{
	bulla_value model = bulla_value_text(run->job->model->key);
	bulla_value args[] = { model, model, bulla_value_text(definition->kind), bulla_value_text(definition->name),
			       bulla_value_text(definition->sql) };
	return run->db->target->run(
		run->db,
		"INSERT INTO bulla_original(model, position, kind, name, sql)"
		" SELECT ?, (SELECT coalesce(max(position) + 1, 0) FROM bulla_original WHERE model = ?), ?, ?, ?",
		args, 5, NULL, NULL, NULL, err);
}

static bulla_code replace(bulla_run *run, const char *sql, bulla_error *err)
{
	bulla_value model = bulla_value_text(run->job->model->key);
	bulla_definition table = { "table", run->mapping.table->name, sql };
	TRY(run->db->target->run(run->db, "DELETE FROM bulla_original WHERE model = ?", &model, 1, NULL, NULL, NULL, err));
	return bulla_original_add(run, &table, err);
}

bulla_code bulla_original_note(bulla_run *run, bulla_error *err)
{
	const bulla_mapping *m = &run->mapping;
	TRY(bulla_mapping_own(&run->mapping, run->db, err));
	return m->own_count || m->cipher_count ? BULLA_OK : replace(run, m->table->sql, err);
}

bulla_code bulla_original_refresh(bulla_run *run, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf now = { 0 };
	bulla_original noted;
	bool same = false;
	TRY(bulla_mapping_own(&run->mapping, run->db, err));
	columns own = ours(&run->mapping), none = { 0 };
	TRY(bulla_original_load(run, &noted, err));
	bulla_code code = noted.table ? is_same(&run->mapping, noted.table, &none, &same, err) : BULLA_OK;
	if (!code && same)
		code = replace(run, noted.table, err);
	else if (!code && own.n == 0)
		code = replace(run, run->mapping.table->sql, err);
	else if (!code && !(code = bare(&run->mapping, run->mapping.table->sql, &own, &now, err)))
		code = replace(run, (const char *)now.data, err);
	bulla_original_done(&noted);
	return code;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static bulla_code append(bulla_original *o, bulla_bytes kind, bulla_bytes name, bulla_bytes sql, bulla_error *err)
{
	bulla_definition *d = &o->list[o->n];
	if (o->n == BULLA_ORIGINALS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "bulla_original has more than %d rows of one model", BULLA_ORIGINALS_MAX);
	TRY(bulla_arena_copy(&o->arena, kind, &d->kind, err));
	TRY(bulla_arena_copy(&o->arena, name, &d->name, err));
	TRY(bulla_arena_copy(&o->arena, sql, &d->sql, err));
	o->n++;
	return BULLA_OK;
}

static bulla_code read_row(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	bulla_original *o = self;
	(void)n;
	if (!bulla_bytes_is(values[0].bytes, "table")) return append(o, values[0].bytes, values[1].bytes, values[2].bytes, err);
	return o->table ? BULLA_OK : bulla_arena_copy(&o->arena, values[2].bytes, &o->table, err);
}

/* What an older release has noted for people: "view mail_view", and its text behind some words. */
static bulla_code read_casualty(bulla_original *o, const bulla_json *casualty, bulla_error *err)
{
	bulla_bytes where, how;
	size_t words = strlen(BULLA_CASUALTY_TEXT);
	if (!bulla_json_string(bulla_json_member(casualty, "where"), &where) ||
	    !bulla_json_string(bulla_json_member(casualty, "how_to_end"), &how) || how.len < words)
		return BULLA_OK;
	const uint8_t *blank = where.len ? memchr(where.data, ' ', where.len) : NULL;
	if (!blank || memcmp(how.data, BULLA_CASUALTY_TEXT, words) != 0) return BULLA_OK;
	size_t kind = (size_t)(blank - where.data);
	return append(o, bulla_view(where.data, kind), bulla_view(blank + 1, where.len - kind - 1),
		      bulla_view(how.data + words, how.len - words), err);
}

static bulla_code read_casualties(const bulla_run *run, bulla_original *o, bulla_error *err)
{
	bulla_json *list = NULL;
	if (run->state.casualties.len == 0) return BULLA_OK;
	TRY(bulla_json_parse(bulla_view_buf(&run->state.casualties), &list, err));
	bulla_code code = BULLA_OK;
	for (size_t i = 0; !code && i < bulla_json_count(list); i++)
		code = read_casualty(o, bulla_json_at(list, i), err);
	bulla_json_free(list);
	return code;
}

static bulla_code load(const bulla_run *run, bulla_original *o, bulla_error *err)
{
	bulla_table *table = NULL;
	bulla_value model = bulla_value_text(run->job->model->key);
	TRY(bulla_arena_take(&o->arena, BULLA_ORIGINALS_MAX, sizeof *o->list, &o->list, err));
	TRY(bulla_arena_take(&o->arena, BULLA_ORIGINALS_MAX, sizeof *o->left_out, &o->left_out, err));
	TRY(run->db->target->inspect(run->db, "bulla_original", &table, err));
	bool exists = table != NULL;
	bulla_table_free(table);
	if (exists)
		TRY(run->db->target->run(run->db, "SELECT kind, name, sql FROM bulla_original WHERE model = ? ORDER BY position",
					 &model, 1, read_row, o, NULL, err));
	return o->table ? BULLA_OK : read_casualties(run, o, err);
}

bulla_code bulla_original_load(const bulla_run *run, bulla_original *ret, bulla_error *err)
{
	*ret = (bulla_original){ 0 };
	bulla_code code = load(run, ret, err);
	if (code) bulla_original_done(ret);
	return code;
}

void bulla_original_done(bulla_original *original)
{
	bulla_arena_done(&original->arena);
	*original = (bulla_original){ 0 };
}

/* --- putting a definition together ------------------------------------------------------------------------------ */

#define ITEMS_MAX 4200 /* columns and constraints of one table: SQLite's own limit is half of that */

/* The items of the table as it will be: those of today, and the columns that come back where they were. */
typedef struct merge {
	const bulla_mapping *mapping;
	const bulla_original *original;
	size_t n;
	bulla_bytes items[ITEMS_MAX];
	bulla_bytes tail; /* from the closing bracket on */
} merge;

static bulla_code read_items(merge *m, bulla_bytes sql, bulla_error *err)
{
	bulla_bytes item;
	bool list = bulla_sql_list(&sql);
	const size_t most = ITEMS_MAX - BULLA_FIELDS_MAX; /* the rest is for columns that come back */
	while (list && m->n < most && bulla_sql_item(&sql, &item))
		m->items[m->n++] = item;
	m->tail = sql;
	if (list && m->n < most) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_FORMAT, "the definition of table %s is not understood", m->mapping->table->name);
}

static size_t find_item(const merge *m, bulla_bytes column)
{
	char name[BULLA_NAME_MAX + 1];
	if (column.len > BULLA_NAME_MAX) return BULLA_NOWHERE;
	memcpy(name, column.data, column.len);
	name[column.len] = 0;
	for (size_t i = 0; i < m->n; i++)
		if (bulla_sql_defines(m->items[i], name)) return i;
	return BULLA_NOWHERE;
}

static size_t count_columns(const merge *m)
{
	size_t n = 0;
	while (n < m->n && !bulla_sql_is_constraint(m->items[n]))
		n++;
	return n;
}

/* Behind the nearest column that stood before it when the job began; one that nobody remembers goes to the end. */
static size_t find_place(const merge *m, const bulla_json *order, const char *column)
{
	bulla_bytes name;
	size_t at = 0, found;
	for (size_t i = 0; i < bulla_json_count(order); i++) {
		if (!bulla_json_string(bulla_json_at(order, i), &name)) continue;
		if (bulla_bytes_is(name, column)) return at;
		if ((found = find_item(m, name)) != BULLA_NOWHERE) at = found + 1;
	}
	return count_columns(m);
}

static void insert(merge *m, size_t at, bulla_bytes item)
{
	memmove(&m->items[at + 1], &m->items[at], (m->n - at) * sizeof *m->items);
	m->items[at] = item;
	m->n++;
}

/* What keeps a value of that type as it was sealed. */
static const char *declared(const bulla_field *field, bool strict)
{
	switch (field->type) {
	case BULLA_TYPE_BINARY:
		return " BLOB";
	case BULLA_TYPE_BOOLEAN:
	case BULLA_TYPE_INTEGER:
		return " INTEGER";
	case BULLA_TYPE_FLOAT:
		return " REAL";
	case BULLA_TYPE_ANY:
		return strict ? " ANY" : "";
	default:
		return " TEXT";
	}
}

/* As it was, or from the schema: appended to `made`, whose memory does not move. */
static bulla_code define(const merge *m, const bulla_field *field, bulla_buf *made, bulla_bytes *ret, bulla_error *err)
{
	size_t start = made->len;
	*ret = m->original->table ? bulla_sql_column_definition(m->original->table, field->plaintext) : bulla_view(NULL, 0);
	if (ret->len) return BULLA_OK;
	TRY(bulla_sql_add_name(made, field->plaintext, err));
	TRY(bulla_buf_add_str(made, declared(field, m->mapping->table->strict), err));
	*ret = bulla_view(made->data + start, made->len - start);
	return BULLA_OK;
}

/* In the order of the columns, so that one that comes back can stand behind another one. */
static bulla_code insert_columns(merge *m, const bulla_json *order, bulla_buf *made, bulla_error *err)
{
	const bulla_mapping *mapping = m->mapping;
	bool done[BULLA_FIELDS_MAX] = { 0 };
	for (size_t i = 0; i <= bulla_json_count(order); i++) {
		bulla_bytes name = { 0 }, item;
		bool rest = i == bulla_json_count(order); /* those that are not in the list */
		if (!rest && !bulla_json_string(bulla_json_at(order, i), &name)) continue;
		for (size_t f = 0; f < mapping->model->field_count; f++) {
			const bulla_field *field = &mapping->model->fields[f];
			if (done[f] || !bulla_mapping_returns(&mapping->fields[f])) continue;
			if (!rest && !bulla_bytes_is(name, field->plaintext)) continue;
			done[f] = true;
			TRY(define(m, field, made, &item, err));
			insert(m, find_place(m, order, field->plaintext), item);
		}
	}
	return BULLA_OK;
}

/* Does it use a column that the table had then and has no more? */
static bool is_homeless(const merge *m, const bulla_json *order, const char *constraint)
{
	for (size_t i = 0; i < bulla_json_count(order); i++) {
		char column[BULLA_NAME_MAX + 1];
		bulla_bytes name;
		if (!bulla_json_string(bulla_json_at(order, i), &name) || name.len > BULLA_NAME_MAX) continue;
		if (find_item(m, name) != BULLA_NOWHERE) continue;
		memcpy(column, name.data, name.len);
		column[name.len] = 0;
		if (bulla_sql_uses(bulla_view_str(constraint), column)) return true;
	}
	return false;
}

static bulla_code write_constraints(const merge *m, const bulla_json *order, bulla_buf *out, bulla_error *err)
{
	const bulla_original *original = m->original;
	for (size_t i = 0; i < original->n; i++) {
		if (strcmp(original->list[i].kind, "constraint") != 0) continue;
		original->left_out[i] = is_homeless(m, order, original->list[i].sql);
		if (original->left_out[i]) continue;
		TRY(bulla_buf_add_str(out, ", ", err));
		TRY(bulla_buf_add_str(out, original->list[i].sql, err));
	}
	return BULLA_OK;
}

static bulla_code write_items(const merge *m, const bulla_json *order, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_str(out, "CREATE TABLE ", err));
	TRY(bulla_sql_add_name(out, m->mapping->table->name, err));
	for (size_t i = 0; i < m->n; i++) {
		TRY(bulla_buf_add_str(out, i ? ", " : "(", err));
		TRY(bulla_buf_add(out, m->items[i], err));
	}
	TRY(write_constraints(m, order, out, err));
	TRY(bulla_buf_add(out, m->tail, err));
	return bulla_buf_terminate(out, err);
}

static bulla_code merge_items(merge *m, const bulla_buf *columns_then, bulla_buf *out, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf now = { 0 }, made = { 0 };
	columns own = ours(m->mapping);
	bulla_json *order = NULL;
	TRY(bare(m->mapping, m->mapping->table->sql, &own, &now, err));
	TRY(read_items(m, bulla_view_buf(&now), err));
	TRY(bulla_buf_reserve(&made, BULLA_FIELDS_MAX * (2 * BULLA_NAME_MAX + 16), err));
	if (columns_then->len) TRY(bulla_json_parse(bulla_view_buf(columns_then), &order, err));
	bulla_code code = insert_columns(m, order, &made, err);
	if (!code) code = write_items(m, order, out, err);
	bulla_json_free(order);
	return code;
}

bulla_code bulla_original_definition(const bulla_mapping *mapping, const bulla_buf *columns_then, const bulla_original *original,
				     bulla_buf *out, bulla_fidelity *ret, bulla_error *err)
{
	const char *names[BULLA_FIELDS_MAX];
	columns plain = returning(mapping, names);
	bool same = false;
	merge m = { .mapping = mapping, .original = original };
	for (size_t i = 0; i < original->n; i++)
		original->left_out[i] = false;
	if (original->table) TRY(is_same(mapping, original->table, &plain, &same, err));
	*ret = BULLA_DEFINITION_RECORDED;
	if (!same) *ret = original->table || plain.n == 0 ? BULLA_DEFINITION_MERGED : BULLA_DEFINITION_SCHEMA;
	if (!same) return merge_items(&m, columns_then, out, err);
	TRY(bulla_buf_add_str(out, original->table, err));
	return bulla_buf_terminate(out, err);
}
