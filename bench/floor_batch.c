/*
 * floor_batch.c - a batch that fills in random bytes of the right sizes: the floor of `apply` and `rotate`, everything but the cryptography.
 */
#include "core/schema.h"

#include <bulla/batch.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_OVERHEAD 29
#define KEY_SIZE       98
#define COMMITTED      33 /* bytes of a wrapped key that stay when it is wrapped again */

struct bulla_batch {
	const bulla_model *model;
	uint64_t state;
	uint8_t *space;
	size_t size, used;
};

bulla_code bulla_batch_new(bulla_keyring *keyring, const bulla_model *model, const bulla_batch_options *options,
			   bulla_batch **out, bulla_error *err)
{
	(void)keyring;
	(void)options;
	(void)err;
	bulla_batch *batch = calloc(1, sizeof *batch);
	if (!batch) return BULLA_ERR_MEMORY;
	batch->model = model;
	batch->state = 88172645463325252ull;
	*out = batch;
	return BULLA_OK;
}

void bulla_batch_free(bulla_batch *batch)
{
	if (!batch) return;
	free(batch->space);
	free(batch);
}

static bulla_bytes random_bytes(bulla_batch *batch, size_t n) /* xorshift64 */
{
	uint8_t *out = batch->space + batch->used;
	for (size_t i = 0; i < n; i += 8) {
		batch->state ^= batch->state << 13;
		batch->state ^= batch->state >> 7;
		batch->state ^= batch->state << 17;
		memcpy(out + i, &batch->state, n - i < 8 ? n - i : 8);
	}
	batch->used += n;
	return (bulla_bytes){ out, n };
}

static bulla_code reserve(bulla_batch *batch, const bulla_row *rows, size_t n)
{
	size_t size = 0;
	for (size_t i = 0; i < n; i++) {
		size += KEY_SIZE * batch->model->key_count;
		for (size_t c = 0; c < rows[i].cell_count; c++)
			size += FIELD_OVERHEAD + rows[i].cells[c].value.bytes.len + rows[i].cells[c].ciphertext.len;
	}
	batch->used = 0;
	if (size <= batch->size) return BULLA_OK;
	free(batch->space);
	batch->space = malloc(size);
	batch->size = batch->space ? size : 0;
	return batch->space ? BULLA_OK : BULLA_ERR_MEMORY;
}

/* A wrapped key as it is laid out, with one branch version that is always the same; the rest is random. */
static bulla_bytes random_key(bulla_batch *batch)
{
	static const uint8_t layout[] = { 1, 8, 0xf1, 0x00, 0x4b, 0xf1, 0x00, 0x4b, 0xf1, 0x00, 0, 48, 2 };
	bulla_bytes key = random_bytes(batch, KEY_SIZE);
	uint8_t *bytes = batch->space + batch->used - KEY_SIZE;
	bytes[0] = 1;
	memcpy(bytes + COMMITTED, layout, sizeof layout);
	return key;
}

bulla_code bulla_batch_seal(bulla_batch *batch, bulla_row *rows, size_t n, bulla_error *err)
{
	(void)err;
	if (reserve(batch, rows, n)) return BULLA_ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		rows[i].code = BULLA_OK;
		for (size_t k = 0; k < batch->model->key_count; k++)
			rows[i].keys[k] = random_key(batch);
		for (size_t c = 0; c < rows[i].cell_count; c++) {
			bulla_cell *cell = &rows[i].cells[c];
			cell->code = BULLA_OK;
			cell->index = cell->previous_index = (bulla_bytes){ NULL, 0 };
			cell->ciphertext = cell->value.kind == BULLA_KIND_NULL
						   ? (bulla_bytes){ NULL, 0 }
						   : random_bytes(batch, FIELD_OVERHEAD + cell->value.bytes.len);
		}
	}
	return BULLA_OK;
}

bulla_code bulla_batch_rewrap(bulla_batch *batch, bulla_row *rows, size_t n, bulla_error *err)
{
	(void)err;
	if (reserve(batch, rows, n)) return BULLA_ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		rows[i].code = BULLA_OK;
		for (size_t k = 0; k < batch->model->key_count; k++) {
			bulla_bytes before = rows[i].keys[k], key = random_key(batch);
			memcpy(batch->space + batch->used - KEY_SIZE, before.data, COMMITTED);
			rows[i].keys[k] = key;
		}
	}
	return BULLA_OK;
}

bulla_code bulla_batch_open(bulla_batch *batch, bulla_row *rows, size_t n, bulla_error *err)
{
	(void)err;
	if (reserve(batch, rows, n)) return BULLA_ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		rows[i].code = BULLA_OK;
		for (size_t c = 0; c < rows[i].cell_count; c++) {
			bulla_cell *cell = &rows[i].cells[c];
			cell->code = BULLA_OK;
			cell->value = (bulla_value){ .kind = cell->ciphertext.data ? BULLA_KIND_TEXT : BULLA_KIND_NULL };
			if (cell->ciphertext.data) cell->value.bytes = random_bytes(batch, cell->ciphertext.len - FIELD_OVERHEAD);
		}
	}
	return BULLA_OK;
}

/* The floor has no indexes. */
static bulla_code refuse(void)
{
	return BULLA_ERR_USAGE;
}

bulla_code bulla_batch_index(bulla_batch *batch, size_t field, const bulla_bytes *inputs, const bulla_value *value,
			     bulla_buf *out, bulla_error *err)
{
	(void)batch, (void)field, (void)inputs, (void)value, (void)out, (void)err;
	return refuse();
}

bulla_code bulla_batch_previous_index(bulla_batch *batch, size_t field, const bulla_bytes *inputs, const bulla_value *value,
				      bulla_buf *out, bulla_error *err)
{
	return bulla_batch_index(batch, field, inputs, value, out, err);
}

bulla_code bulla_row_explain(const bulla_batch *batch, const bulla_row *row, bulla_error *err)
{
	(void)batch, (void)err;
	return row->code;
}
