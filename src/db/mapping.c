/*
 * mapping.c - laying a model over its table.
 */
#include "db/mapping.h"

#include "base/buf.h"
#include "db/orphan.h"
#include "db/rotation.h"
#include "db/target.h"

#include <string.h>

/* --- the names of the tables there are, for a NOT_FOUND that helps --------------------------------------------- */

#define NAMES_MAX 200

static bulla_code add_name(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	bulla_buf *names = self;
	(void)n;
	if (names->len > NAMES_MAX) return BULLA_OK;
	return bulla_buf_printf(names, err, "%s%.*s", names->len ? ", " : "", (int)values[0].bytes.len,
				(const char *)values[0].bytes.data);
}

static bulla_code no_table(bulla_db *db, const char *name, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf names = { 0 };
	TRY(db->target->tables(db, add_name, &names, err));
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "the database has no table %s", name);
	if (names.len == 0) return bulla_advise(err, code, "the database has no tables at all: is this the right file?");
	return bulla_advise(err, code, "it has: %.*s%s", (int)names.len, (const char *)names.data,
			    names.len > NAMES_MAX ? " ..." : "");
}

/* --- mapping --------------------------------------------------------------------------------------------------- */

static bool has_sealed_column(const bulla_table *table, const bulla_model *model)
{
	for (size_t i = 0; i < model->field_count; i++)
		if (bulla_table_column(table, model->fields[i].column)) return true;
	for (size_t i = 0; i < model->key_count; i++)
		if (bulla_table_column(table, model->keys[i].column)) return true;
	return false;
}

/* Columns that exist decide; for new ones the caller does. */
static bool choose_side(const bulla_mapping *m, bool aside)
{
	if (has_sealed_column(m->table, m->model)) return false;
	if (m->side && has_sealed_column(m->side, m->model)) return true;
	return aside;
}

static void map_columns(bulla_mapping *m)
{
	const bulla_table *home = m->aside ? m->side : m->table;
	for (size_t i = 0; i < m->model->field_count; i++) {
		const bulla_field *field = &m->model->fields[i];
		struct bulla_mapped_field *f = &m->fields[i];
		f->field = field;
		f->plain = bulla_table_column(m->table, field->plaintext);
		f->cipher = home && bulla_table_column(home, field->column);
		f->index = home && field->index && bulla_table_column(home, field->index->column);
		f->before = home && field->before && bulla_table_column(home, field->before->index->column);
		m->plain_count += f->plain != NULL;
		m->cipher_count += f->cipher;
	}
	for (size_t k = 0; k < m->model->key_count; k++)
		m->keys[k] = home && bulla_table_column(home, m->model->keys[k].column);
}

bool bulla_mapping_returns(const struct bulla_mapped_field *field)
{
	return field->cipher && (!field->plain || field->staged);
}

static bulla_code find_staged(bulla_mapping *m, const bulla_table *stage, const bulla_column **columns, bool *ret_there,
			      bulla_error *err)
{
	*ret_there = stage != NULL;
	for (size_t i = 0; i < m->model->field_count && *ret_there; i++) {
		const char *name;
		if (!bulla_mapping_returns(&m->fields[i])) continue;
		TRY(bulla_arena_printf(&m->arena, &name, err, BULLA_STAGE_VALUE, (int)i, m->model->fields[i].name));
		columns[i] = bulla_table_column(stage, name);
		*ret_there = columns[i] != NULL;
	}
	return BULLA_OK;
}

bulla_code bulla_mapping_stage(bulla_mapping *m, bulla_db *db, bool *ret_there, bulla_error *err)
{
	const char *name;
	bulla_table *stage = NULL;
	const bulla_column *columns[BULLA_FIELDS_MAX] = { 0 };
	TRY(bulla_arena_printf(&m->arena, &name, err, BULLA_STAGE_TABLE, m->table->name));
	TRY(db->target->inspect(db, name, &stage, err));
	bulla_code code = find_staged(m, stage, columns, ret_there, err);
	if (code || !*ret_there) {
		bulla_table_free(stage);
		return code;
	}
	bulla_table_free(m->stage);
	m->stage = stage;
	for (size_t i = 0; i < m->model->field_count; i++) {
		if (!columns[i]) continue;
		m->fields[i].plain = columns[i];
		m->fields[i].staged = true;
	}
	return BULLA_OK;
}

/* The row id where there is one: it is what the table is ordered by, it is never NULL, and it is one integer. A side table
 * is found by the primary key. */
static bulla_code map_locator(bulla_mapping *m, bulla_error *err)
{
	const bulla_table *table = m->table;
	if (table->rowid && (!m->aside || table->rowid_is_column)) {
		m->locator_count = 1;
		TRY(bulla_arena_take(&m->arena, 1, sizeof *m->locator, &m->locator, err));
		m->locator[0] = table->rowid;
		return BULLA_OK;
	}
	if (table->pk_count > BULLA_LOCATOR_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the primary key has more than %d columns", BULLA_LOCATOR_MAX);
	m->locator_count = table->pk_count;
	TRY(bulla_arena_take(&m->arena, table->pk_count, sizeof *m->locator, &m->locator, err));
	for (size_t i = 0; i < table->pk_count; i++)
		m->locator[i] = table->pk[i];
	return BULLA_OK;
}

static bulla_code map(bulla_mapping *m, bulla_db *db, bool aside, bulla_error *err)
{
	const bulla_model *model = m->model;
	const char *side;
	TRY(db->target->inspect(db, model->table, &m->table, err));
	if (!m->table) return no_table(db, model->table, err);
	TRY(bulla_arena_printf(&m->arena, &side, err, "%s_bulla", m->table->name));
	TRY(db->target->inspect(db, side, &m->side, err));
	m->aside = choose_side(m, aside);
	m->home = m->aside ? side : m->table->name;
	TRY(bulla_arena_take(&m->arena, model->field_count, sizeof *m->fields, &m->fields, err));
	TRY(bulla_arena_take(&m->arena, model->key_count, sizeof *m->keys, &m->keys, err));
	map_columns(m);
	return map_locator(m, err);
}

bulla_code bulla_mapping_init(bulla_mapping *mapping, bulla_db *db, const bulla_model *model, bool aside, bulla_error *err)
{
	*mapping = (bulla_mapping){ .model = model };
	bulla_code code = map(mapping, db, aside, err);
	if (code) bulla_mapping_done(mapping);
	return code;
}

void bulla_mapping_done(bulla_mapping *mapping)
{
	bulla_table_free(mapping->table);
	bulla_table_free(mapping->side);
	bulla_table_free(mapping->stage);
	bulla_arena_done(&mapping->arena);
	*mapping = (bulla_mapping){ 0 };
}

static void add_own(bulla_mapping *m, const char *name)
{
	const bulla_column *column = bulla_table_column(m->table, name);
	for (size_t i = 0; column && i < m->own_count; i++)
		if (bulla_name_equal(m->own[i], column->name)) return;
	if (column) m->own[m->own_count++] = column->name;
}

/* --- older indexes ---------------------------------------------------------------------------------------------- */

const bulla_table *bulla_mapping_home(const bulla_mapping *mapping)
{
	return mapping->aside ? mapping->side : mapping->table;
}

bool bulla_model_names_index(const bulla_model *model, const char *column)
{
	for (size_t f = 0; f < model->field_count; f++) {
		const bulla_field *field = &model->fields[f];
		if (field->index && bulla_name_equal(field->index->column, column)) return true;
		if (field->before && bulla_name_equal(field->before->index->column, column)) return true;
	}
	return false;
}

const char *bulla_mapping_stray_index(const bulla_mapping *mapping, size_t i)
{
	const bulla_table_index *index = &bulla_mapping_home(mapping)->indexes[i];
	const char *column = index->ours && index->column_count == 1 ? index->columns[0] : NULL;
	return column && !bulla_model_names_index(mapping->model, column) ? column : NULL;
}

/* Columns that the schema may not name any more: of older indexes, and of fields that were taken out. */
static bulla_code add_unnamed(bulla_mapping *m, bulla_db *db, bulla_error *err)
{
	bulla_aside list = { 0 };
	bulla_code code = bulla_window_list(db, m->model->key, &list, err);
	if (!code) code = bulla_orphan_noted(db, m->model->key, &list, err);
	for (size_t i = 0; !code && i < list.n; i++) {
		const char *name;
		code = bulla_arena_copy(&m->arena, bulla_aside_entry(&list, i).pk, &name, err);
		if (!code) add_own(m, name);
	}
	bulla_aside_done(&list);
	return code;
}

bulla_code bulla_mapping_own(bulla_mapping *m, bulla_db *db, bulla_error *err)
{
	m->own_count = 0;
	TRY(bulla_arena_take(&m->arena, m->table->column_count, sizeof *m->own, &m->own, err));
	for (size_t i = 0; i < m->model->field_count; i++) {
		const bulla_field *field = &m->model->fields[i];
		add_own(m, field->column);
		if (field->index) add_own(m, field->index->column);
		if (field->before) add_own(m, field->before->index->column);
	}
	for (size_t k = 0; k < m->model->key_count; k++)
		add_own(m, m->model->keys[k].column);
	for (size_t i = 0; i < m->table->index_count && !m->aside; i++) {
		const char *stray = bulla_mapping_stray_index(m, i);
		if (stray) add_own(m, stray);
	}
	return add_unnamed(m, db, err);
}

bool bulla_mapping_is_ready(const bulla_mapping *mapping)
{
	for (size_t i = 0; i < mapping->model->field_count; i++)
		if (mapping->model->fields[i].index && !mapping->fields[i].index) return false;
	return bulla_mapping_is_sealed(mapping);
}

bool bulla_mapping_is_sealed(const bulla_mapping *mapping)
{
	for (size_t i = 0; i < mapping->model->field_count; i++)
		if (!mapping->fields[i].cipher) return false;
	for (size_t k = 0; k < mapping->model->key_count; k++)
		if (!mapping->keys[k]) return false;
	return true;
}

bool bulla_mapping_lacks_index(const bulla_mapping *mapping)
{
	for (size_t i = 0; i < mapping->model->field_count; i++)
		if (mapping->fields[i].cipher && mapping->model->fields[i].index && !mapping->fields[i].index) return true;
	return false;
}

bool bulla_mapping_is_finished(const bulla_mapping *mapping)
{
	return mapping->plain_count == 0 && bulla_mapping_is_ready(mapping);
}

/* --- shapes ---------------------------------------------------------------------------------------------------- */

/* The position of a column in the shape, added where it is not there yet. */
static size_t place(bulla_shape *shape, const char *name, bool aside)
{
	for (size_t i = 0; i < shape->width; i++)
		if (shape->columns[i].aside == aside && !shape->columns[i].staged &&
		    bulla_name_equal(shape->columns[i].name, name))
			return i;
	shape->columns[shape->width] = (struct bulla_shape_column){ .name = name, .aside = aside };
	return shape->width++;
}

static size_t place_staged(bulla_shape *shape, const char *name)
{
	shape->columns[shape->width] = (struct bulla_shape_column){ .name = name, .staged = true };
	return shape->width++;
}

static size_t place_plain(bulla_shape *shape, const struct bulla_mapped_field *field)
{
	return field->staged ? place_staged(shape, field->plain->name) : place(shape, field->plain->name, false);
}

static bulla_code place_known(bulla_shape *shape, const bulla_mapping *m, const char *name, const char *role, size_t *ret,
			      bulla_error *err)
{
	const bulla_column *column = bulla_table_column(m->table, name);
	if (!column)
		return bulla_fail(err, BULLA_ERR_NOT_FOUND, "table %s has no column %s, which is %s of model %s", m->table->name,
				  name, role, m->model->key);
	*ret = place(shape, column->name, false);
	return BULLA_OK;
}

static void place_fields(bulla_shape *shape, const bulla_mapping *m, unsigned what)
{
	bool plain = what & BULLA_SHAPE_PLAIN, sealed = what & BULLA_SHAPE_SEALED,
	     keys = what & (BULLA_SHAPE_SEALED | BULLA_SHAPE_KEYS);
	for (size_t i = 0; i < m->model->field_count; i++) {
		const struct bulla_mapped_field *f = &m->fields[i];
		shape->plain[i] = plain && f->plain ? place_plain(shape, f) : BULLA_NOWHERE;
		shape->cipher[i] = sealed && f->cipher ? place(shape, f->field->column, m->aside) : BULLA_NOWHERE;
		shape->index[i] = sealed && f->index ? place(shape, f->field->index->column, m->aside) : BULLA_NOWHERE;
		shape->before[i] = sealed && f->before ? place(shape, f->field->before->index->column, m->aside) : BULLA_NOWHERE;
	}
	for (size_t k = 0; k < m->model->key_count; k++)
		shape->keys[k] = keys && m->keys[k] ? place(shape, m->model->keys[k].column, m->aside) : BULLA_NOWHERE;
}

static bulla_code fill(bulla_shape *shape, const bulla_mapping *m, unsigned what, bulla_error *err)
{
	const bulla_model *model = m->model;
	const bulla_table *table = m->table;
	size_t most = table->column_count + m->locator_count + 3 * model->field_count + model->key_count + 1;
	TRY(bulla_arena_take(&shape->arena, most, sizeof *shape->columns, &shape->columns, err));
	TRY(bulla_arena_take(&shape->arena, m->locator_count, sizeof *shape->locator, &shape->locator, err));
	TRY(bulla_arena_take(&shape->arena, table->pk_count, sizeof *shape->pk, &shape->pk, err));
	TRY(bulla_arena_take(&shape->arena, model->input_count, sizeof *shape->inputs, &shape->inputs, err));
	TRY(bulla_arena_take(&shape->arena, model->field_count, sizeof *shape->plain, &shape->plain, err));
	TRY(bulla_arena_take(&shape->arena, model->field_count, sizeof *shape->cipher, &shape->cipher, err));
	TRY(bulla_arena_take(&shape->arena, model->field_count, sizeof *shape->index, &shape->index, err));
	TRY(bulla_arena_take(&shape->arena, model->field_count, sizeof *shape->before, &shape->before, err));
	TRY(bulla_arena_take(&shape->arena, model->key_count, sizeof *shape->keys, &shape->keys, err));
	for (size_t i = 0; i < m->locator_count; i++)
		shape->locator[i] = place(shape, m->locator[i], false);
	for (size_t i = 0; i < table->pk_count; i++)
		shape->pk[i] = place(shape, table->pk[i], false);
	for (size_t i = 0; i < model->input_count; i++)
		TRY(place_known(shape, m, model->inputs[i], "part of the encryption context", &shape->inputs[i], err));
	place_fields(shape, m, what);
	shape->lost = m->stage && what & BULLA_SHAPE_PLAIN ? place_staged(shape, BULLA_STAGE_LOST) : BULLA_NOWHERE;
	if (what & BULLA_SHAPE_REST)
		for (size_t i = 0; i < table->column_count; i++)
			(void)place(shape, table->columns[i].name, false);
	return BULLA_OK;
}

bulla_code bulla_shape_init(bulla_shape *shape, const bulla_mapping *mapping, unsigned what, bulla_error *err)
{
	*shape = (bulla_shape){ 0 };
	bulla_code code = fill(shape, mapping, what, err);
	if (code) bulla_shape_done(shape);
	return code;
}

void bulla_shape_done(bulla_shape *shape)
{
	bulla_arena_done(&shape->arena);
	*shape = (bulla_shape){ 0 };
}
