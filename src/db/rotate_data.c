/*
 * rotate_data.c - new data keys: every field is opened and sealed again.
 *
 * A row that does not open in all its fields is left exactly as it is.
 */
#include "db/rotate.h"

/* --- opening ---------------------------------------------------------------------------------------------------------- */

bulla_code bulla_rotate_open(bulla_rotate_slot *slot, bulla_batch *batch, const bulla_page *page,
			     bool (*wanted)(const bulla_rotate_row *work), bulla_error *err)
{
	size_t n = 0;
	for (size_t i = 0; i < slot->work_count; i++) {
		if (!wanted(&slot->work[i])) continue;
		slot->rows[n] = page->rows[slot->work[i].at];
		slot->of[n++] = i;
	}
	if (n == 0) return BULLA_OK;
	TRY(bulla_batch_open(batch, slot->rows, n, err));
	for (size_t i = 0; i < n; i++) {
		slot->work[slot->of[i]].row = slot->rows[i];
		slot->work[slot->of[i]].of = page->mapping->model;
	}
	return BULLA_OK;
}

static bool any(const bulla_rotate_row *work)
{
	(void)work;
	return true;
}

/* --- sealing ---------------------------------------------------------------------------------------------------------- */

/* Each with cells and keys of its own: a row that cannot be sealed must not have changed what was read. */
static bulla_row lay_out(bulla_rotate_slot *slot, size_t i, const bulla_page *inputs)
{
	const bulla_model *model = slot->rotate->run.job->model;
	const bulla_rotate_row *work = &slot->work[i];
	bulla_row row = { .inputs = inputs->rows[work->at].inputs,
			  .cells = slot->cells + i * model->field_count,
			  .cell_count = model->field_count,
			  .keys = slot->keys + i * model->key_count };
	for (size_t f = 0; f < model->field_count; f++)
		row.cells[f] = (bulla_cell){ .field = f, .value = work->row.cells[slot->rotate->origin[f]].value };
	return row;
}

/* work->row becomes the sealed one. */
bulla_code bulla_rotate_seal(bulla_rotate_slot *slot, const bulla_page *inputs, bulla_error *err)
{
	size_t n = 0;
	for (size_t i = 0; i < slot->work_count; i++) {
		if (slot->work[i].row.code) continue;
		slot->rows[n] = lay_out(slot, i, inputs);
		slot->of[n++] = i;
	}
	if (n == 0) return BULLA_OK;
	TRY(bulla_batch_seal(slot->sealer, slot->rows, n, err));
	for (size_t i = 0; i < n; i++) {
		bulla_rotate_row *work = &slot->work[slot->of[i]];
		work->row = slot->rows[i];
		work->of = slot->rotate->run.job->model;
		work->put = !work->row.code;
	}
	return BULLA_OK;
}

static bulla_code renew(bulla_rotate_slot *slot, bulla_error *err)
{
	if (slot->rotate->by_list)
		bulla_rotate_take_sealed(slot);
	else
		TRY(bulla_rotate_judge(slot, err));
	TRY(bulla_rotate_open(slot, slot->opener, &slot->page, any, err));
	return bulla_rotate_seal(slot, &slot->page, err);
}

const bulla_rotate_kind_table bulla_rotate_data = { BULLA_SHAPE_SEALED, true, renew };
