/*
 * shadow.c - apply --shadow: every row is sealed, opened again and compared, and nothing is written.
 */
#include "db/apply.h"

static bool differs(const bulla_slot *slot, size_t row)
{
	const bulla_value *values = bulla_page_values(&slot->page, row);
	const bulla_row *opened = &slot->page.rows[row];
	for (size_t c = 0; !opened->code && c < opened->cell_count; c++)
		if (!bulla_value_same(&opened->cells[c].value, &values[slot->apply->shape.plain[c]])) return true;
	return opened->code != BULLA_OK;
}

/* What opens must not be what was there before, so the values are forgotten first. A row that was sealed and does not open
 * is a difference, unless it is the keys that cannot open anything. */
static bulla_code open_rows(bulla_slot *slot, size_t first, size_t end, bulla_error *err)
{
	bulla_row *rows = slot->page.rows;
	for (size_t i = first; i < end; i++)
		for (size_t c = 0; c < rows[i].cell_count; c++)
			rows[i].cells[c].value = (bulla_value){ 0 };
	TRY(bulla_batch_open(slot->check, rows + first, end - first, err));
	for (size_t i = first; i < end; i++) {
		if (rows[i].code && bulla_reason_of(rows[i].code) == BULLA_REASON_NONE)
			return bulla_row_explain(slot->check, &rows[i], err);
		slot->differences += differs(slot, i);
		rows[i].code = BULLA_OK;
	}
	return BULLA_OK;
}

/* Runs of rows that could be sealed: the others have nothing to open, and keep their code. */
static bulla_code seal_and_open(void *self, bulla_error *err)
{
	bulla_slot *slot = self;
	bulla_page *page = &slot->page;
	slot->differences = 0;
	if (page->n == 0) return BULLA_OK;
	TRY(bulla_batch_seal(slot->batch, page->rows, page->n, err));
	for (size_t first = 0, end; first < page->n; first = end + 1) {
		for (end = first; end < page->n && !page->rows[end].code; end++)
			continue;
		if (end > first) TRY(open_rows(slot, first, end, err));
	}
	return BULLA_OK;
}

static bulla_code count_page(bulla_slot *slot, bulla_error *err)
{
	bulla_apply *a = slot->apply;
	const char *field;
	uint64_t aside = slot->aside.n;
	for (size_t i = 0; i < slot->page.n; i++) {
		const bulla_row *row = &slot->page.rows[i];
		if (!row->code) continue;
		if (bulla_row_reason(a->run.job, a->run.job->model, row, &field) == BULLA_REASON_NONE)
			return bulla_row_explain(slot->batch, row, err);
		aside++;
	}
	a->ret->quarantined += aside;
	a->ret->differences += slot->differences;
	a->ret->done += slot->page.n + slot->aside.n - aside - slot->differences;
	bulla_run_progress(&a->run, "comparing", a->ret->done, a->total, false);
	return BULLA_OK;
}

bulla_code bulla_apply_shadow(bulla_apply *a, bulla_error *err)
{
	TRY(bulla_run_count(&a->run, &a->total, err));
	TRY(bulla_apply_prepare(a, err));
	for (size_t i = 0; i < a->slot_count; i++) {
		a->slots[i].task.run = seal_and_open;
		TRY(bulla_batch_new(a->run.job->keyring, a->run.job->model, NULL, &a->slots[i].check, err));
	}
	a->ret->rows = a->total;
	TRY(bulla_apply_pass(a, BULLA_WALK_ALL, count_page, err));
	if (bulla_run_stopped(&a->run)) return bulla_run_interrupted(&a->run, err);
	bulla_run_progress(&a->run, "comparing", a->ret->done, a->total, true);
	return BULLA_OK;
}
