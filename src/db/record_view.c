/*
 * record_view.c - putting a record together again.
 */
#include "db/record_view.h"

#include <stdlib.h>

static bool is_ours(const bulla_model *model, const char *column)
{
	for (size_t k = 0; k < model->key_count; k++)
		if (bulla_name_equal(model->keys[k].column, column)) return true;
	for (size_t f = 0; f < model->field_count; f++) {
		const bulla_field *field = &model->fields[f];
		if (bulla_name_equal(field->column, column) || (field->index && bulla_name_equal(field->index->column, column)))
			return true;
		if (field->before && bulla_name_equal(field->before->index->column, column)) return true;
	}
	return false;
}

static size_t find_field(const bulla_model *model, const char *column)
{
	for (size_t f = 0; f < model->field_count; f++)
		if (bulla_name_equal(model->fields[f].plaintext, column)) return f;
	return BULLA_NOWHERE;
}

static size_t find_position(const bulla_shape *shape, const char *column)
{
	for (size_t i = 0; i < shape->width; i++)
		if (!shape->columns[i].aside && bulla_name_equal(shape->columns[i].name, column)) return i;
	return BULLA_NOWHERE;
}

static bool has_name(const bulla_record_view *view, const char *name)
{
	for (size_t i = 0; i < view->n; i++)
		if (bulla_name_equal(view->names[i], name)) return true;
	return false;
}

/* Adds a column unless it is there already, is ours, or exists no longer. */
static void add(bulla_record_view *view, const char *name)
{
	const bulla_model *model = view->mapping->model;
	size_t field = find_field(model, name),
	       position = field == BULLA_NOWHERE ? find_position(view->shape, name) : BULLA_NOWHERE;
	if (is_ours(model, name) || has_name(view, name) || (field == BULLA_NOWHERE && position == BULLA_NOWHERE)) return;
	view->names[view->n] = name;
	view->field[view->n] = field;
	view->position[view->n++] = position;
}

static bulla_code add_remembered(bulla_record_view *view, const bulla_run *run, bulla_error *err)
{
	if (!run->state.columns.len) return BULLA_OK;
	TRY(bulla_json_parse(bulla_view_buf(&run->state.columns), &view->columns, err));
	for (size_t i = 0; i < bulla_json_count(view->columns); i++) {
		bulla_bytes text;
		const char *name;
		if (!bulla_json_string(bulla_json_at(view->columns, i), &text)) continue;
		TRY(bulla_arena_copy(&view->arena, text, &name, err));
		add(view, name);
	}
	return BULLA_OK;
}

static bulla_code add_wanted(bulla_record_view *view, const char *const *wanted, size_t n, bulla_error *err)
{
	const bulla_model *model = view->mapping->model;
	for (size_t i = 0; i < n; i++) {
		const char *name = wanted[i];
		for (size_t f = 0; f < model->field_count; f++) /* the logical name is the one on the command line */
			if (bulla_name_equal(model->fields[f].name, name)) name = model->fields[f].plaintext;
		size_t before = view->n;
		add(view, name);
		if (view->n == before && !has_name(view, name))
			return bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s has no column or field %s", model->key, wanted[i]);
	}
	return BULLA_OK;
}

static bulla_code add_all(bulla_record_view *view, const bulla_run *run, bulla_error *err)
{
	TRY(add_remembered(view, run, err));
	for (size_t i = 0; i < view->mapping->table->column_count; i++)
		add(view, view->mapping->table->columns[i].name);
	for (size_t f = 0; f < view->mapping->model->field_count; f++)
		add(view, view->mapping->model->fields[f].plaintext);
	return BULLA_OK;
}

bulla_code bulla_record_view_init(bulla_record_view *view, const bulla_run *run, const bulla_shape *shape,
				  const char *const *wanted, size_t wanted_count, bulla_error *err)
{
	*view = (bulla_record_view){ .mapping = &run->mapping, .shape = shape };
	size_t max = shape->width + run->mapping.model->field_count + 1;
	bulla_code code = bulla_arena_take(&view->arena, max, sizeof *view->names, &view->names, err);
	if (!code) code = bulla_arena_take(&view->arena, max, sizeof *view->position, &view->position, err);
	if (!code) code = bulla_arena_take(&view->arena, max, sizeof *view->field, &view->field, err);
	if (!code) code = bulla_arena_take(&view->arena, max, sizeof *view->values, &view->values, err);
	if (!code) code = wanted_count ? add_wanted(view, wanted, wanted_count, err) : add_all(view, run, err);
	if (code) bulla_record_view_done(view);
	return code;
}

void bulla_record_view_done(bulla_record_view *view)
{
	bulla_json_free(view->columns);
	bulla_arena_done(&view->arena);
	*view = (bulla_record_view){ 0 };
}

/* The opened value. What is not sealed yet is still in its plaintext column, which is the truth until finish; but only a
 * schema that says so makes it be believed: whoever can write the table could add such a column again. */
static bulla_code field_value(const bulla_record_view *view, const bulla_page *page, size_t row, size_t f, bulla_value *ret,
			      bulla_error *err)
{
	const bulla_cell *cell = &page->rows[row].cells[f];
	const bulla_model *model = view->mapping->model;
	size_t at = view->shape->plain[f];
	if (cell->code)
		return bulla_fail(err, cell->code, "the field %s does not open: %s", model->fields[f].name,
				  bulla_code_name(cell->code));
	*ret = cell->value;
	if (cell->ciphertext.data || at == BULLA_NOWHERE || bulla_page_values(page, row)[at].kind == BULLA_KIND_NULL)
		return BULLA_OK;
	*ret = bulla_page_values(page, row)[at];
	if (model->migrating) return BULLA_OK;
	bulla_code code =
		bulla_fail(err, BULLA_ERR_REFUSED, "the field %s of this record is not sealed yet", model->fields[f].name);
	return bulla_advise(err, code, "run: bulla apply %s; or write migrating: true while the application writes both",
			    model->key);
}

bulla_code bulla_record_view_fill(bulla_record_view *view, const bulla_page *page, size_t row, bulla_error *err)
{
	const bulla_value *values = bulla_page_values(page, row);
	for (size_t i = 0; i < view->n; i++) {
		if (view->field[i] == BULLA_NOWHERE)
			view->values[i] = values[view->position[i]];
		else
			TRY(field_value(view, page, row, view->field[i], &view->values[i], err));
	}
	return BULLA_OK;
}
