/*
 * pass.c - one pass over unsealed rows: pages are read and written in this thread and sealed in others, so that the two overlap.
 */
#include "db/apply.h"

#include <stdlib.h>

/* --- slots ------------------------------------------------------------------------------------------------------ */

static bulla_code seal(void *self, bulla_error *err)
{
	bulla_slot *slot = self;
	if (slot->page.n == 0) return BULLA_OK;
	return bulla_batch_seal(slot->batch, slot->page.rows, slot->page.n, err);
}

/* One page is written while each worker seals one, and one waits so that no worker does. */
static size_t count_slots(unsigned workers)
{
	return workers + 2;
}

static bulla_code prepare_slot(bulla_apply *a, bulla_slot *slot, bulla_error *err)
{
	size_t bytes = BULLA_PAGES_BYTES / a->slot_count;
	slot->apply = a;
	slot->task.run = seal;
	slot->task.self = slot;
	TRY(bulla_page_init(&slot->page, &a->run.mapping, &a->shape, a->options->batch_rows,
			    bytes < BULLA_PAGE_BYTES ? bytes : BULLA_PAGE_BYTES, err));
	return bulla_batch_new(a->run.job->keyring, a->run.job->model, NULL, &slot->batch, err);
}

bulla_code bulla_apply_prepare(bulla_apply *a, bulla_error *err)
{
	unsigned workers = a->options->workers ? a->options->workers : 1;
	if (!a->run.job->keyring) return bulla_fail(err, BULLA_ERR_USAGE, "sealing needs the keys of the environment");
	if (workers > BULLA_WORKERS_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "at most %d workers are possible", BULLA_WORKERS_MAX);
	TRY(bulla_shape_init(&a->shape, &a->run.mapping, BULLA_SHAPE_PLAIN, err));
	size_t fields = a->run.job->model->field_count;
	a->fields = calloc(fields + 1, sizeof *a->fields);
	a->slots = calloc(count_slots(workers), sizeof *a->slots);
	if (!a->fields || !a->slots) return bulla_fail_memory(err);
	for (size_t i = 0; i < fields; i++)
		a->fields[i] = i;
	a->slot_count = count_slots(workers);
	for (size_t i = 0; i < a->slot_count; i++)
		TRY(prepare_slot(a, &a->slots[i], err));
	return bulla_workers_new(workers, &a->workers, err);
}

void bulla_apply_done(bulla_apply *a)
{
	bulla_workers_free(a->workers);
	for (size_t i = 0; a->slots && i < a->slot_count; i++) {
		bulla_slot *slot = &a->slots[i];
		bulla_batch_free(slot->batch);
		bulla_batch_free(slot->check);
		bulla_page_done(&slot->page);
		bulla_aside_done(&slot->aside);
		bulla_buf_done(&slot->position);
	}
	free(a->slots);
	free(a->fields);
	if (a->run.db) {
		a->run.db->target->walk_close(a->walk);
		a->run.db->target->writer_close(a->writer);
	}
	bulla_buf_done(&a->from);
	bulla_shape_done(&a->shape);
	bulla_run_close(&a->run);
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

#define ASIDE_OF_PAGE 256 /* rows that are too large, in one page */

static bulla_code put_aside(bulla_slot *slot, const bulla_value *values, const bulla_field *field, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf pk = { 0 };
	const bulla_shape *shape = &slot->apply->shape;
	TRY(bulla_pk_write(values, shape->pk, slot->apply->run.mapping.table->pk_count, &pk, err));
	return bulla_aside_add(&slot->aside, bulla_view_buf(&pk), field->name, BULLA_REASON_TOO_LARGE, err);
}

static bulla_code keep_position(bulla_slot *slot, const bulla_value *values, bulla_error *err)
{
	const bulla_mapping *m = &slot->apply->run.mapping;
	bulla_value locator[BULLA_LOCATOR_MAX];
	for (size_t i = 0; i < m->locator_count; i++)
		locator[i] = values[slot->apply->shape.locator[i]];
	bulla_buf_clear(&slot->position);
	return bulla_position_write(locator, m->locator_count, &slot->position, err);
}

/* Reads until the page is full. Its rows may change from the moment on that they are read: the mark of before tells. */
static bulla_code read_rows(bulla_apply *a, bulla_slot *slot, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	const bulla_value *values;
	for (bool added = true;;) {
		TRY(target->walk_next(a->walk, &values, err));
		a->ended = !values;
		if (!values) return BULLA_OK;
		const bulla_field *oversize = bulla_page_oversize(&a->run.mapping, &a->shape, values);
		if (oversize) {
			if (slot->aside.n == ASIDE_OF_PAGE) return BULLA_OK;
			TRY(put_aside(slot, values, oversize, err));
			TRY(keep_position(slot, values, err));
			slot->row_last = false;
			continue;
		}
		TRY(bulla_page_add(&slot->page, values, &added, err));
		if (!added) return BULLA_OK;
		slot->row_last = true;
	}
}

/* Where the page ended: behind its last row, unless something larger came after that. */
static bulla_code end_page(bulla_apply *a, bulla_slot *slot, bulla_error *err)
{
	if (slot->row_last) TRY(keep_position(slot, bulla_page_values(&slot->page, slot->page.n - 1), err));
	bulla_buf_clear(&a->from);
	return bulla_buf_add(&a->from, bulla_view_buf(&slot->position), err);
}

static bulla_code start_walk(bulla_apply *a, bulla_error *err)
{
	bulla_value from[BULLA_LOCATOR_MAX];
	size_t n = a->run.mapping.locator_count;
	if (a->from.len == 0) return a->run.db->target->walk_start(a->walk, NULL, 0, err);
	TRY(bulla_position_read(bulla_view_buf(&a->from), from, n, err));
	return a->run.db->target->walk_start(a->walk, from, n, err);
}

typedef struct pass {
	bulla_apply *apply;
	bulla_code (*finish)(bulla_slot *slot, bulla_error *err);
} pass;

static bulla_code fill(void *self, size_t place, bool *ret_any, bulla_error *err)
{
	bulla_apply *a = ((pass *)self)->apply;
	bulla_slot *slot = &a->slots[place];
	if (a->ended || bulla_run_stopped(&a->run)) return BULLA_OK;
	bulla_page_clear(&slot->page);
	bulla_aside_clear(&slot->aside);
	slot->row_last = false;
	TRY(a->run.db->target->mark(a->run.db, &slot->page.mark, err));
	TRY(start_walk(a, err));
	bulla_code code = read_rows(a, slot, err);
	a->run.db->target->walk_stop(a->walk);
	TRY(code);
	*ret_any = slot->page.n + slot->aside.n > 0;
	a->found += slot->page.n + slot->aside.n;
	if (*ret_any) TRY(end_page(a, slot, err));
	bulla_run_hook(&a->run, "read");
	return BULLA_OK;
}

/* --- a pass ----------------------------------------------------------------------------------------------------- */

static bulla_task *task_of(void *self, size_t place)
{
	return &((pass *)self)->apply->slots[place].task;
}

static bulla_code finish_page(void *self, size_t place, bulla_error *err)
{
	pass *p = self;
	bulla_run_hook(&p->apply->run, "sealed");
	return p->finish(&p->apply->slots[place], err);
}

bulla_code bulla_apply_pass(bulla_apply *a, bulla_walk_kind kind, bulla_code (*finish)(bulla_slot *slot, bulla_error *err),
			    bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	pass p = { a, finish };
	bulla_pipeline pipeline = { a->slot_count, task_of, fill, finish_page, &p };
	a->found = a->sealed = a->conflicts = a->refused = a->closing = a->fresh = 0;
	a->ended = false;
	TRY(target->walk_open(a->run.db, &a->run.mapping, &a->shape, kind, NULL, &a->walk, err));
	bulla_code code = bulla_pipeline_run(a->workers, &pipeline, err);
	target->walk_close(a->walk);
	a->walk = NULL;
	return code;
}
