/*
 * page.c - rows of one page: copied once into one block of memory, and wiped with it.
 */
#include "db/page.h"

#include "base/secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_TEXT_MAX 32 /* an integer or a float in decimal */

static const uint8_t unreadable[1]; /* in the place of a ciphertext that cannot be one */

/* --- memory ----------------------------------------------------------------------------------------------------- */

static size_t choose_rows(const bulla_mapping *m, const bulla_shape *shape, size_t rows)
{
	const bulla_model *model = m->model;
	size_t row = sizeof(bulla_row) + shape->width * sizeof(bulla_value) + model->field_count * sizeof(bulla_cell) +
		     (model->input_count + model->key_count) * sizeof(bulla_bytes);
	size_t fit = BULLA_PAGE_FRAME / row;
	if (fit > BULLA_PAGE_ROWS) fit = BULLA_PAGE_ROWS;
	if (fit < BULLA_PAGE_ROWS_LEAST) fit = BULLA_PAGE_ROWS_LEAST;
	return rows && rows < fit ? rows : fit;
}

static void lay_out(bulla_page *page)
{
	const bulla_model *model = page->mapping->model;
	for (size_t i = 0; i < page->max; i++) {
		bulla_row *row = &page->rows[i];
		row->cells = page->cells + i * model->field_count;
		row->cell_count = model->field_count;
		row->inputs = page->inputs + i * model->input_count;
		row->keys = page->keys + i * model->key_count;
		for (size_t f = 0; f < model->field_count; f++)
			row->cells[f].field = f;
	}
}

bulla_code bulla_page_init(bulla_page *page, const bulla_mapping *mapping, const bulla_shape *shape, size_t rows, size_t bytes,
			   bulla_error *err)
{
	const bulla_model *model = mapping->model;
	size_t max = choose_rows(mapping, shape, rows);
	*page = (bulla_page){ .mapping = mapping, .shape = shape, .max = max, .cap = bytes };
	page->values = calloc(max * shape->width + 1, sizeof *page->values);
	page->rows = calloc(max, sizeof *page->rows);
	page->cells = calloc(max * model->field_count + 1, sizeof *page->cells);
	page->inputs = calloc(max * model->input_count + 1, sizeof *page->inputs);
	page->keys = calloc(max * model->key_count + 1, sizeof *page->keys);
	page->bytes = malloc(bytes);
	if (!page->values || !page->rows || !page->cells || !page->inputs || !page->keys || !page->bytes) {
		bulla_page_done(page);
		return bulla_fail_memory(err);
	}
	lay_out(page);
	return BULLA_OK;
}

void bulla_page_clear(bulla_page *page)
{
	if (page->bytes) bulla_wipe(page->bytes, page->used);
	page->n = page->used = 0;
}

void bulla_page_done(bulla_page *page)
{
	bulla_page_clear(page);
	free(page->values);
	free(page->rows);
	free(page->cells);
	free(page->inputs);
	free(page->keys);
	free(page->bytes);
	*page = (bulla_page){ 0 };
}

/* --- adding ----------------------------------------------------------------------------------------------------- */

static bool has_bytes(const bulla_value *value)
{
	return value->kind == BULLA_KIND_TEXT || value->kind == BULLA_KIND_BINARY;
}

static size_t room_for(const bulla_page *page, const bulla_value *values)
{
	size_t need = page->mapping->model->input_count * INPUT_TEXT_MAX;
	for (size_t i = 0; i < page->shape->width; i++)
		if (has_bytes(&values[i]) && values[i].bytes.len <= BULLA_SEALED_MAX) need += values[i].bytes.len;
	for (size_t i = 0; i < page->mapping->model->input_count; i++) {
		const bulla_value *input = &values[page->shape->inputs[i]];
		if (input->kind == BULLA_KIND_BINARY) need += 2 * input->bytes.len;
	}
	return need;
}

/* Only an empty page grows: nothing points into it yet. */
static bulla_code make_room(bulla_page *page, size_t need, bulla_error *err)
{
	if (need <= page->cap) return BULLA_OK;
	uint8_t *grown = malloc(need);
	if (!grown) return bulla_fail_memory(err);
	free(page->bytes);
	page->bytes = grown;
	page->cap = need;
	return BULLA_OK;
}

static bulla_bytes keep(bulla_page *page, bulla_bytes bytes)
{
	uint8_t *at = page->bytes + page->used;
	if (bytes.len) memcpy(at, bytes.data, bytes.len);
	page->used += bytes.len;
	return bulla_view(at, bytes.len);
}

static bulla_value copy_value(bulla_page *page, const bulla_value *value)
{
	bulla_value copy = *value;
	if (!has_bytes(value)) return copy;
	if (value->bytes.len > BULLA_SEALED_MAX)
		copy.bytes.data = NULL;
	else
		copy.bytes = keep(page, value->bytes);
	return copy;
}

/* An input in its stored text form: integers in decimal, floats with all their digits, blobs (a UUID, say) in lower-case
 * hexadecimal. */
static bulla_bytes input_text(bulla_page *page, const bulla_value *value)
{
	static const char digits[] = "0123456789abcdef";
	char text[INPUT_TEXT_MAX];
	switch (value->kind) {
	case BULLA_KIND_TEXT:
		return value->bytes;
	case BULLA_KIND_INTEGER:
		snprintf(text, sizeof text, "%" PRId64, value->integer);
		return keep(page, bulla_view_str(text));
	case BULLA_KIND_FLOAT:
		snprintf(text, sizeof text, "%.17g", value->number);
		return keep(page, bulla_view_str(text));
	case BULLA_KIND_BINARY: {
		uint8_t *at = page->bytes + page->used;
		for (size_t i = 0; i < value->bytes.len; i++) {
			at[2 * i] = (uint8_t)digits[value->bytes.data[i] >> 4];
			at[2 * i + 1] = (uint8_t)digits[value->bytes.data[i] & 15];
		}
		page->used += 2 * value->bytes.len;
		return bulla_view(at, 2 * value->bytes.len);
	}
	default:
		return bulla_view(NULL, 0);
	}
}

/* What lies in a column of ours; anything but text or a blob of sensible size cannot be a ciphertext or key. */
static bulla_bytes sealed(const bulla_value *value)
{
	if (value->kind == BULLA_KIND_NULL) return bulla_view(NULL, 0);
	return has_bytes(value) && value->bytes.data ? value->bytes : bulla_view(unreadable, sizeof unreadable);
}

static void fill_row(bulla_page *page, size_t at)
{
	const bulla_model *model = page->mapping->model;
	const bulla_shape *shape = page->shape;
	const bulla_value *values = bulla_page_values(page, at);
	bulla_row *row = &page->rows[at];
	row->code = BULLA_OK;
	row->part = 0;
	for (size_t i = 0; i < model->input_count; i++)
		page->inputs[at * model->input_count + i] = input_text(page, &values[shape->inputs[i]]);
	for (size_t f = 0; f < model->field_count; f++) {
		bulla_cell *cell = &row->cells[f];
		cell->value = shape->plain[f] == BULLA_NOWHERE ? (bulla_value){ 0 } : values[shape->plain[f]];
		cell->ciphertext = shape->cipher[f] == BULLA_NOWHERE ? bulla_view(NULL, 0) : sealed(&values[shape->cipher[f]]);
		cell->index = bulla_view(NULL, 0);
		cell->code = BULLA_OK;
	}
	for (size_t k = 0; k < model->key_count; k++)
		row->keys[k] = shape->keys[k] == BULLA_NOWHERE ? bulla_view(NULL, 0) : sealed(&values[shape->keys[k]]);
}

bulla_code bulla_page_add(bulla_page *page, const bulla_value *values, bool *ret_added, bulla_error *err)
{
	size_t need = room_for(page, values);
	*ret_added = page->n < page->max && (page->n == 0 || page->used + need <= page->cap);
	if (!*ret_added) return BULLA_OK;
	if (page->n == 0) TRY(make_room(page, need, err));
	bulla_value *copy = page->values + page->n * page->shape->width;
	for (size_t i = 0; i < page->shape->width; i++)
		copy[i] = copy_value(page, &values[i]);
	fill_row(page, page->n++);
	return BULLA_OK;
}

/* --- looking ---------------------------------------------------------------------------------------------------- */

void bulla_page_locator(const bulla_page *page, size_t row, bulla_value *ret)
{
	const bulla_value *values = bulla_page_values(page, row);
	for (size_t i = 0; i < page->mapping->locator_count; i++)
		ret[i] = values[page->shape->locator[i]];
}

const bulla_field *bulla_page_oversize(const bulla_mapping *mapping, const bulla_shape *shape, const bulla_value *values)
{
	for (size_t f = 0; f < mapping->model->field_count; f++) {
		if (shape->plain[f] == BULLA_NOWHERE) continue;
		const bulla_value *value = &values[shape->plain[f]];
		if (has_bytes(value) && value->bytes.len > BULLA_VALUE_MAX) return &mapping->model->fields[f];
	}
	return NULL;
}

bool bulla_page_has_plaintext(const bulla_page *page, size_t row)
{
	const bulla_value *values = bulla_page_values(page, row);
	for (size_t f = 0; f < page->mapping->model->field_count; f++)
		if (page->shape->plain[f] != BULLA_NOWHERE && values[page->shape->plain[f]].kind != BULLA_KIND_NULL) return true;
	return false;
}

bool bulla_value_same(const bulla_value *a, const bulla_value *b)
{
	bool integers = (a->kind == BULLA_KIND_INTEGER || a->kind == BULLA_KIND_BOOLEAN) &&
			(b->kind == BULLA_KIND_INTEGER || b->kind == BULLA_KIND_BOOLEAN);
	if (integers) return a->integer == b->integer;
	if (a->kind != b->kind) return false;
	if (a->kind == BULLA_KIND_FLOAT) return memcmp(&a->number, &b->number, sizeof a->number) == 0;
	if (!has_bytes(a)) return true;
	if (a->bytes.len != b->bytes.len) return false;
	return a->bytes.len == 0 || (a->bytes.data && b->bytes.data && memcmp(a->bytes.data, b->bytes.data, a->bytes.len) == 0);
}
