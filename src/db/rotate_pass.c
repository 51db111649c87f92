/*
 * rotate_pass.c - one pass of a rotation: pages are read and written in this thread and worked on in others.
 */
#include "db/rotate.h"

#include "db/check.h"
#include "db/sql_text.h"

#include <stdlib.h>

/* --- slots ------------------------------------------------------------------------------------------------------ */

static bulla_code work(void *self, bulla_error *err)
{
	bulla_rotate_slot *slot = self;
	const bulla_model *model = slot->rotate->from;
	slot->work_count = 0;
	slot->shredded = slot->closing = 0;
	for (size_t k = 0; k < model->key_count; k++) {
		slot->census[k] = (bulla_census){ 0 };
		for (size_t i = 0; i < slot->page.n; i++)
			bulla_census_add(&slot->census[k], slot->page.rows[i].keys[k]);
	}
	return slot->page.n ? slot->rotate->kind->work(slot, err) : BULLA_OK;
}

static bulla_code make_batches(bulla_rotate_slot *slot, bulla_error *err)
{
	const bulla_rotate *a = slot->rotate;
	const bulla_job *job = a->run.job;
	bool index = a->options->kind == BULLA_ROTATE_INDEX;
	bulla_batch_options seal = { .size = sizeof seal,
				     .since_us = a->rotation.since_us,
				     .since_shared = a->rotation.kind != BULLA_ROTATE_WRAP };
	bulla_batch_options open = { .size = sizeof open, .no_indexes = !index, .open_indexes = index };
	TRY(bulla_batch_new(job->keyring, job->model, &seal, &slot->sealer, err));
	if (!a->kind->fields) return BULLA_OK;
	TRY(bulla_batch_new(job->keyring, a->from, &open, &slot->opener, err));
	return a->from == job->model ? BULLA_OK : bulla_batch_new(job->keyring, job->model, &open, &slot->again, err);
}

static bulla_code prepare_slot(bulla_rotate *a, bulla_rotate_slot *slot, size_t rows, bulla_error *err)
{
	const bulla_model *model = a->run.job->model;
	size_t bytes = BULLA_PAGES_BYTES / a->slot_count;
	if (bytes > BULLA_PAGE_BYTES) bytes = BULLA_PAGE_BYTES;
	slot->rotate = a;
	slot->task.run = work;
	slot->task.self = slot;
	if (a->from != model) { /* its inputs may be longer than the other's, as text: it must never be the first to be full */
		TRY(bulla_page_init(&slot->other, &a->run.mapping, &a->other_shape, rows, 4 * bytes, err));
		rows = slot->other.max;
	}
	TRY(bulla_page_init(&slot->page, a->mapping, &a->shape, rows, bytes, err));
	size_t n = slot->page.max;
	slot->work = calloc(n, sizeof *slot->work);
	slot->rows = calloc(n, sizeof *slot->rows);
	slot->of = calloc(n, sizeof *slot->of);
	slot->cells = calloc(n * model->field_count + 1, sizeof *slot->cells);
	slot->keys = calloc(n * model->key_count + 1, sizeof *slot->keys);
	slot->census = calloc(a->from->key_count + 1, sizeof *slot->census);
	if (!slot->work || !slot->rows || !slot->of || !slot->cells || !slot->keys || !slot->census)
		return bulla_fail_memory(err);
	TRY(bulla_lane_new(&slot->lane, err));
	return make_batches(slot, err);
}

/* The columns of the one shape in the order of the other: both read every column of the table. */
static bulla_code permute(bulla_rotate *a, bulla_error *err)
{
	TRY(bulla_shape_init(&a->other_shape, &a->run.mapping, a->kind->shape, err));
	a->permuted = calloc(a->other_shape.width + 1, sizeof *a->permuted);
	if (!a->permuted) return bulla_fail_memory(err);
	for (size_t i = 0; i < a->other_shape.width; i++) {
		const struct bulla_shape_column *wanted = &a->other_shape.columns[i];
		size_t at = 0;
		while (at < a->shape.width && (a->shape.columns[at].aside != wanted->aside ||
					       !bulla_name_equal(a->shape.columns[at].name, wanted->name)))
			at++;
		if (at == a->shape.width)
			return bulla_fail(err, BULLA_ERR_REFUSED, "the column %s is not one of the earlier schema", wanted->name);
		a->permuted[i] = at;
	}
	return BULLA_OK;
}

bulla_code bulla_rotate_prepare(bulla_rotate *a, bulla_error *err)
{
	const bulla_model *model = a->run.job->model;
	unsigned workers = a->options->workers ? a->options->workers : 1;
	if (workers > BULLA_WORKERS_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "at most %d workers are possible", BULLA_WORKERS_MAX);
	TRY(bulla_shape_init(&a->shape, a->mapping, a->kind->shape, err));
	if (a->from != model) TRY(permute(a, err));
	a->fields = calloc(model->field_count + 1, sizeof *a->fields);
	if (!a->origin) a->origin = calloc(model->field_count + 1, sizeof *a->origin);
	a->census = calloc(a->from->key_count + 1, sizeof *a->census);
	a->slots = calloc(workers + 2, sizeof *a->slots); /* one is written while each worker has one, and one waits */
	if (!a->fields || !a->origin || !a->census || !a->slots) return bulla_fail_memory(err);
	for (size_t i = 0; i < model->field_count; i++) {
		a->fields[i] = i;
		if (a->from == model) a->origin[i] = i;
	}
	a->slot_count = workers + 2;
	for (size_t i = 0; i < a->slot_count; i++)
		TRY(prepare_slot(a, &a->slots[i], a->options->batch_rows, err));
	a->compare_always = bulla_check_triggers_fire(&a->run.mapping);
	TRY(bulla_workers_new(workers, &a->workers, err));
	if (a->dry) return BULLA_OK;
	return a->run.db->target->writer_open(a->run.db, &a->run.mapping, &a->shape, a->fields,
					      a->kind->fields ? model->field_count : 0, &a->writer, err);
}

static void slot_done(bulla_rotate_slot *slot)
{
	bulla_batch_free(slot->opener);
	bulla_batch_free(slot->sealer);
	bulla_batch_free(slot->again);
	bulla_page_done(&slot->page);
	bulla_page_done(&slot->other);
	bulla_lane_free(slot->lane);
	bulla_buf_done(&slot->identities);
	bulla_buf_done(&slot->position);
	free(slot->work);
	free(slot->rows);
	free(slot->of);
	free(slot->cells);
	free(slot->keys);
	free(slot->census);
}

void bulla_rotate_done(bulla_rotate *a)
{
	bulla_workers_free(a->workers);
	for (size_t i = 0; a->slots && i < a->slot_count; i++)
		slot_done(&a->slots[i]);
	free(a->slots);
	free(a->fields);
	free(a->census);
	free(a->permuted);
	free(a->origin);
	if (a->run.db) {
		a->run.db->target->walk_close(a->walk);
		a->run.db->target->writer_close(a->writer);
	}
	for (size_t k = 0; k <= BULLA_FIELDS_MAX; k++)
		bulla_buf_done(&a->current[k]);
	bulla_buf_done(&a->from_position);
	bulla_rotation_done(&a->rotation);
	if (a->layout.model) bulla_layout_done(&a->layout);
	bulla_shape_done(&a->shape);
	bulla_shape_done(&a->other_shape);
	bulla_mapping_done(&a->from_mapping);
	bulla_run_close(&a->run);
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

bulla_bytes bulla_rotate_commitment(bulla_bytes wrapped)
{
	bool whole = wrapped.len > BULLA_COMMITMENT_SIZE && wrapped.data && wrapped.data[0] == BULLA_WRAPPED_KEY;
	return whole ? bulla_view(wrapped.data + 1, BULLA_COMMITMENT_SIZE) : bulla_view(NULL, 0);
}

/* In a later pass by the list: is one of the row's data keys on it? */
static bulla_code is_wanted(bulla_rotate *a, const bulla_value *values, bool *ret, bulla_error *err)
{
	const bulla_model *model = a->from;
	*ret = !a->by_list || a->first;
	for (size_t k = 0; !*ret && a->listed && k < model->key_count; k++) {
		const bulla_value *key = &values[a->shape.keys[k]];
		bulla_bytes commitment =
			key->kind == BULLA_KIND_BINARY ? bulla_rotate_commitment(key->bytes) : bulla_view(NULL, 0);
		if (commitment.data) TRY(bulla_rotated_has(a->run.db, a->run.job->model->key, commitment, ret, err));
	}
	return BULLA_OK;
}

static bulla_code add(bulla_rotate *a, bulla_rotate_slot *slot, const bulla_value *values, bool *ret_added, bulla_error *err)
{
	bulla_value other[BULLA_WIDTH_MAX];
	TRY(bulla_page_add(&slot->page, values, ret_added, err));
	if (!*ret_added || a->from == a->run.job->model) return BULLA_OK;
	for (size_t i = 0; i < a->other_shape.width; i++)
		other[i] = values[a->permuted[i]];
	TRY(bulla_page_add(&slot->other, other, ret_added, err));
	return *ret_added ? BULLA_OK : bulla_fail(err, BULLA_ERR_INTERNAL, "the second page of a slot is full before the first");
}

static bulla_code keep_position(bulla_rotate *a, bulla_rotate_slot *slot, const bulla_value *values, bulla_error *err)
{
	bulla_value locator[BULLA_LOCATOR_MAX];
	for (size_t i = 0; i < a->mapping->locator_count; i++)
		locator[i] = values[a->shape.locator[i]];
	bulla_buf_clear(&slot->position);
	return bulla_position_write(locator, a->mapping->locator_count, &slot->position, err);
}

/* A row that is as it should be is counted and left. */
static bulla_code pass_over(bulla_rotate *a, bulla_rotate_slot *slot, const bulla_value *values, bulla_error *err)
{
	for (size_t k = 0; k < a->from->key_count; k++)
		if (values[a->shape.keys[k]].kind == BULLA_KIND_BINARY)
			bulla_census_add(&a->census[k], values[a->shape.keys[k]].bytes);
	return keep_position(a, slot, values, err);
}

#define UNWANTED_MAX 100000 /* rows of one page that are passed over: then it is time for a sign of life */

static bulla_code read_rows(bulla_rotate *a, bulla_rotate_slot *slot, bulla_error *err)
{
	const bulla_value *values;
	bool wanted = true, added = true;
	for (size_t passed = 0; passed < UNWANTED_MAX && added;) {
		TRY(a->run.db->target->walk_next(a->walk, &values, err));
		a->ended = !values;
		if (!values) break;
		TRY(is_wanted(a, values, &wanted, err));
		if (wanted) TRY(add(a, slot, values, &added, err));
		if (!wanted) TRY(pass_over(a, slot, values, err));
		passed += !wanted;
		a->walked += added;
		slot->row_last = wanted && (added || slot->row_last);
	}
	if (!slot->row_last || slot->page.n == 0) return BULLA_OK;
	return keep_position(a, slot, bulla_page_values(&slot->page, slot->page.n - 1), err);
}

static bulla_code start_walk(bulla_rotate *a, bulla_error *err)
{
	bulla_value from[BULLA_LOCATOR_MAX];
	size_t n = a->mapping->locator_count;
	if (a->from_position.len == 0) return a->run.db->target->walk_start(a->walk, NULL, 0, err);
	TRY(bulla_position_read(bulla_view_buf(&a->from_position), from, n, err));
	return a->run.db->target->walk_start(a->walk, from, n, err);
}

static bulla_code fill(void *self, size_t place, bool *ret_any, bulla_error *err)
{
	bulla_rotate *a = self;
	bulla_rotate_slot *slot = &a->slots[place];
	uint64_t walked = a->walked;
	if (a->ended || bulla_run_stopped(&a->run)) return BULLA_OK;
	bulla_page_clear(&slot->page);
	bulla_page_clear(&slot->other);
	slot->row_last = false;
	TRY(a->run.db->target->mark(a->run.db, &slot->page.mark, err));
	TRY(start_walk(a, err));
	bulla_code code = read_rows(a, slot, err);
	a->run.db->target->walk_stop(a->walk);
	TRY(code);
	*ret_any = a->walked > walked;
	if (*ret_any) {
		bulla_buf_clear(&a->from_position);
		TRY(bulla_buf_add(&a->from_position, bulla_view_buf(&slot->position), err));
	}
	bulla_run_hook(&a->run, "read");
	return BULLA_OK;
}

/* --- a pass ----------------------------------------------------------------------------------------------------- */

static bulla_task *task_of(void *self, size_t place)
{
	return &((bulla_rotate *)self)->slots[place].task;
}

static bulla_code finish(void *self, size_t place, bulla_error *err)
{
	bulla_rotate *a = self;
	bulla_rotate_slot *slot = &a->slots[place];
	for (size_t k = 0; k < a->from->key_count; k++)
		bulla_census_merge(&a->census[k], &slot->census[k]);
	a->shredded += slot->shredded;
	a->closing += slot->closing;
	bulla_run_hook(&a->run, "sealed");
	TRY(bulla_rotate_swap(slot, err));
	bulla_run_progress(&a->run, a->first ? "rotating" : "looking again", a->walked, a->total, false);
	return BULLA_OK;
}

static bulla_code read_count(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	(void)err;
	*(uint64_t *)self += (uint64_t)values[0].integer;
	return BULLA_OK;
}

/* By the list: how many rows still have, or have again, a data key that is to go? */
static bulla_code count_listed(bulla_rotate *a, bulla_error *err)
{
	bulla_value name = bulla_value_text(a->run.job->model->key);
	a->listed = 0;
	for (size_t k = 0; a->by_list && !a->first && k < a->from->key_count; k++) {
		BULLA_BUF_AUTO bulla_buf sql = { 0 };
		TRY(bulla_buf_add_str(&sql, "SELECT count(*) FROM ", err));
		TRY(bulla_sql_add_name(&sql, a->mapping->home, err));
		TRY(bulla_buf_add_str(&sql, " WHERE substr(", err));
		TRY(bulla_sql_add_name(&sql, a->from->keys[k].column, err));
		TRY(bulla_buf_add_str(&sql, ", 2, 32) IN (SELECT commitment FROM bulla_rotated WHERE model = ?)", err));
		TRY(bulla_buf_terminate(&sql, err));
		TRY(a->run.db->target->run(a->run.db, (const char *)sql.data, &name, 1, read_count, &a->listed, NULL, err));
	}
	return BULLA_OK;
}

bulla_code bulla_rotate_pass(bulla_rotate *a, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	bulla_pipeline pipeline = { a->slot_count, task_of, fill, finish, a };
	a->changed = a->conflicts = a->refused = a->shredded = a->closing = a->unsealed = a->left = a->walked = 0;
	a->ended = false;
	for (size_t k = 0; k < a->from->key_count; k++)
		a->census[k] = (bulla_census){ 0 };
	bulla_buf_clear(&a->from_position);
	TRY(bulla_buf_add(&a->from_position, bulla_view_buf(&a->rotation.position), err));
	TRY(bulla_run_count(&a->run, &a->total, err));
	TRY(count_listed(a, err));
	TRY(target->walk_open(a->run.db, a->mapping, &a->shape, BULLA_WALK_ALL, NULL, &a->walk, err));
	bulla_code code = bulla_pipeline_run(a->workers, &pipeline, err);
	target->walk_close(a->walk);
	a->walk = NULL;
	return code;
}
