/*
 * undo_open.c - filling the stage of an undo: sealed rows are read, opened by the workers, and put there in one transaction with
 * the checkpoint, each provided that it is still what was opened.
 */
#include "db/undo.h"

#include "db/row_name.h"
#include "db/shred_book.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS_MAX 20 /* of catching up: what writers leave after that is found by the verification */

/* --- slots ------------------------------------------------------------------------------------------------------ */

static bulla_code open_page(void *self, bulla_error *err)
{
	bulla_undo_slot *slot = self;
	return bulla_batch_open(slot->batch, slot->page.rows, slot->page.n, err);
}

static bulla_code prepare_slot(bulla_undo *u, bulla_undo_slot *slot, bulla_error *err)
{
	size_t bytes = BULLA_PAGES_BYTES / u->slot_count;
	slot->undo = u;
	slot->task.run = open_page;
	slot->task.self = slot;
	TRY(bulla_page_init(&slot->page, &u->run.mapping, &u->shape, u->options->batch_rows,
			    bytes < BULLA_PAGE_BYTES ? bytes : BULLA_PAGE_BYTES, err));
	return bulla_batch_new(u->run.job->keyring, u->run.job->model, NULL, &slot->batch, err);
}

bulla_code bulla_undo_open_prepare(bulla_undo *u, bulla_error *err)
{
	const bulla_mapping *m = &u->run.mapping;
	unsigned workers = u->options->workers ? u->options->workers : 1;
	if (workers > BULLA_WORKERS_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "at most %d workers are possible", BULLA_WORKERS_MAX);
	TRY(bulla_shape_init(&u->shape, m, BULLA_SHAPE_SEALED, err));
	u->field_count = 0;
	for (size_t f = 0; f < m->model->field_count; f++)
		if (m->fields[f].staged) u->fields[u->field_count++] = f;
	size_t slots = workers + 2; /* one page is written while each worker opens one, and one waits so that no worker does */
	u->slots = calloc(slots, sizeof *u->slots);
	if (!u->slots) return bulla_fail_memory(err);
	u->slot_count = slots;
	for (size_t i = 0; i < slots; i++)
		TRY(prepare_slot(u, &u->slots[i], err));
	TRY(bulla_workers_new(workers, &u->workers, err));
	return u->run.db->target->writer_open(u->run.db, m, &u->shape, u->fields, u->field_count, &u->writer, err);
}

void bulla_undo_open_done(bulla_undo *u)
{
	bulla_workers_free(u->workers);
	for (size_t i = 0; u->slots && i < u->slot_count; i++) {
		bulla_batch_free(u->slots[i].batch);
		bulla_page_done(&u->slots[i].page);
		bulla_buf_done(&u->slots[i].position);
	}
	free(u->slots);
	if (u->run.db) {
		u->run.db->target->walk_close(u->walk);
		u->run.db->target->writer_close(u->writer);
	}
	bulla_buf_done(&u->from);
	bulla_shape_done(&u->shape);
	u->workers = NULL;
	u->slots = NULL;
	u->walk = NULL;
	u->writer = NULL;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static bulla_code start_walk(bulla_undo *u, bulla_error *err)
{
	bulla_value from[BULLA_LOCATOR_MAX];
	size_t n = u->run.mapping.locator_count;
	if (u->from.len == 0) return u->run.db->target->walk_start(u->walk, NULL, 0, err);
	TRY(bulla_position_read(bulla_view_buf(&u->from), from, n, err));
	return u->run.db->target->walk_start(u->walk, from, n, err);
}

static bulla_code read_rows(bulla_undo *u, bulla_page *page, bulla_error *err)
{
	const bulla_value *values;
	for (bool added = true; added;) {
		TRY(u->run.db->target->walk_next(u->walk, &values, err));
		u->ended = !values;
		if (!values) return BULLA_OK;
		TRY(bulla_page_add(page, values, &added, err));
	}
	return BULLA_OK;
}

static bulla_code keep_position(bulla_undo *u, bulla_undo_slot *slot, bulla_error *err)
{
	bulla_value locator[BULLA_LOCATOR_MAX];
	bulla_page_locator(&slot->page, slot->page.n - 1, locator);
	bulla_buf_clear(&slot->position);
	TRY(bulla_position_write(locator, u->run.mapping.locator_count, &slot->position, err));
	bulla_buf_clear(&u->from);
	return bulla_buf_add(&u->from, bulla_view_buf(&slot->position), err);
}

static bulla_code fill(void *self, size_t place, bool *ret_any, bulla_error *err)
{
	bulla_undo *u = self;
	bulla_undo_slot *slot = &u->slots[place];
	bulla_page_clear(&slot->page);
	if (u->ended || bulla_run_stopped(&u->run)) return BULLA_OK;
	TRY(u->run.db->target->mark(u->run.db, &slot->page.mark, err));
	TRY(start_walk(u, err));
	bulla_code code = read_rows(u, &slot->page, err);
	u->run.db->target->walk_stop(u->walk);
	TRY(code);
	*ret_any = slot->page.n > 0;
	if (*ret_any) TRY(keep_position(u, slot, err));
	bulla_run_hook(&u->run, "read");
	return BULLA_OK;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

/* The code of a value that does not open, other than of one that is lost for good; BULLA_OK where all is well. */
static bulla_code failure_of(const bulla_undo *u, const bulla_row *row, const char **ret_field)
{
	if (bulla_row_is_shredded(row)) return BULLA_OK;
	for (size_t i = 0; i < u->field_count; i++) {
		bulla_code code = row->cells[u->fields[i]].code;
		*ret_field = u->run.job->model->fields[u->fields[i]].name;
		if (code) return code;
	}
	return BULLA_OK;
}

static bulla_code put_aside(bulla_undo_slot *slot, size_t row, const char *field, bulla_reason reason, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf pk = { 0 };
	bulla_undo *u = slot->undo;
	char job[32];
	snprintf(job, sizeof job, "undo:%s", u->run.id);
	TRY(bulla_pk_write(bulla_page_values(&slot->page, row), u->shape.pk, u->run.mapping.table->pk_count, &pk, err));
	bulla_quarantine_entry entry = { bulla_view_buf(&pk), field, reason };
	u->pass_refused++;
	return bulla_quarantine_put(u->run.db, u->run.job->model->key, job, &entry, err);
}

/* Is the row still what was opened, byte for byte, and still not in the stage? */
static bulla_code is_unchanged(bulla_undo_slot *slot, size_t row, const bulla_value *locator, bool *ret, bulla_error *err)
{
	bulla_undo *u = slot->undo;
	const bulla_value *now, *then = bulla_page_values(&slot->page, row);
	TRY(u->run.db->target->writer_read(u->writer, locator, &now, err));
	*ret = now && now[u->shape.width].integer;
	for (size_t i = 0; *ret && i < u->shape.width; i++)
		*ret = bulla_value_same(&now[i], &then[i]);
	return BULLA_OK;
}

static bulla_code put_row(bulla_undo_slot *slot, size_t row, bool compare, bulla_error *err)
{
	bulla_undo *u = slot->undo;
	bulla_value locator[BULLA_LOCATOR_MAX];
	const char *field;
	bool unchanged = true;
	bulla_page_locator(&slot->page, row, locator);
	if (compare) TRY(is_unchanged(slot, row, locator, &unchanged, err));
	if (!unchanged) {
		u->pass_conflicts++;
		return BULLA_OK;
	}
	bulla_code failure = failure_of(u, &slot->page.rows[row], &field);
	const bulla_row *opened = &slot->page.rows[row];
	const char *ignored;
	bulla_reason reason = failure == opened->code ? bulla_row_reason(u->run.job, u->run.job->model, opened, &ignored)
						      : bulla_reason_of(failure);
	if (failure && reason == BULLA_REASON_NONE)
		return bulla_fail(err, failure, "the rows cannot be opened with the keys of this environment: %s",
				  bulla_code_name(failure));
	if (failure) return put_aside(slot, row, field, reason, err);
	TRY(u->run.db->target->writer_put(u->writer, locator, &slot->page.rows[row], err));
	u->pass_opened++;
	return BULLA_OK;
}

static bulla_code checkpoint(bulla_undo_slot *slot, bulla_error *err)
{
	bulla_undo *u = slot->undo;
	bulla_job_state *state = &u->run.state;
	if (u->first) {
		bulla_buf_clear(&state->position);
		TRY(bulla_buf_add(&state->position, bulla_view_buf(&slot->position), err));
	}
	return bulla_lease_store(&u->run, err);
}

/* No other session has committed since the page was read: then nothing needs to be read again. */
static bulla_code write_page(bulla_undo_slot *slot, bulla_error *err)
{
	bulla_undo *u = slot->undo;
	uint64_t now;
	TRY(u->run.db->target->mark(u->run.db, &now, err));
	for (size_t i = 0; i < slot->page.n; i++)
		TRY(put_row(slot, i, now != slot->page.mark, err));
	u->run.db->target->writer_rest(u->writer);
	return checkpoint(slot, err);
}

static bulla_code finish_page(void *self, size_t place, bulla_error *err)
{
	bulla_undo *u = self;
	const bulla_target *target = u->run.db->target;
	bulla_run_hook(&u->run, "opened");
	TRY(target->begin_write(u->run.db, err));
	bulla_code code = write_page(&u->slots[place], err);
	if (!code)
		code = target->commit(u->run.db, err);
	else
		target->rollback(u->run.db);
	TRY(code);
	bulla_run_progress(&u->run, "opening", u->opened + u->pass_opened, u->total, false);
	bulla_run_hook(&u->run, "written");
	return BULLA_OK;
}

/* --- rows that were shredded and cleared ------------------------------------------------------------------------ */

#define CHUNK 4096 /* names that are read at once */

static bulla_code collect(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	return bulla_aside_add(self, values[0].bytes, "", BULLA_REASON_NONE, err);
}

/* It holds nothing: its values are lost. A row that has been written since is one like any other. */
static bulla_code put_lost(bulla_undo *u, const bulla_value *values, bulla_error *err)
{
	bulla_cell cells[BULLA_FIELDS_MAX] = { 0 };
	bulla_row row = { .cells = cells, .cell_count = u->run.job->model->field_count };
	bulla_value locator[BULLA_LOCATOR_MAX];
	for (size_t f = 0; f < row.cell_count; f++) {
		size_t at = u->shape.cipher[f];
		if (at != BULLA_NOWHERE && values[at].kind != BULLA_KIND_NULL) return BULLA_OK;
		cells[f].code = BULLA_ERR_KEY_DESTROYED;
	}
	for (size_t i = 0; i < u->run.mapping.locator_count; i++)
		locator[i] = values[u->shape.locator[i]];
	return u->run.db->target->writer_put(u->writer, locator, &row, err);
}

static bulla_code find_lost(bulla_undo *u, bulla_walk *walk, bulla_bytes pk, bulla_error *err)
{
	bulla_row_name name;
	const bulla_target *target = u->run.db->target;
	const bulla_value *values = NULL;
	bulla_code code = bulla_row_name_read(&name, pk, u->run.mapping.table, err);
	if (!code && name.fits) {
		code = target->walk_start(walk, name.values, name.n, err);
		if (!code) code = target->walk_next(walk, &values, err);
		if (!code && values) code = put_lost(u, values, err);
		target->walk_stop(walk);
	}
	bulla_row_name_done(&name);
	return code;
}

static bulla_code put_chunk(bulla_undo *u, bulla_walk *walk, const bulla_aside *names, bulla_error *err)
{
	const bulla_target *target = u->run.db->target;
	TRY(target->begin_write(u->run.db, err));
	bulla_code code = BULLA_OK;
	for (size_t i = 0; i < names->n && !code; i++)
		code = find_lost(u, walk, bulla_aside_entry(names, i).pk, err);
	u->run.db->target->writer_rest(u->writer);
	if (!code) code = bulla_lease_store(&u->run, err);
	if (!code) return target->commit(u->run.db, err);
	target->rollback(u->run.db);
	return code;
}

static bulla_code put_all_lost(bulla_undo *u, bulla_walk *walk, bulla_aside *names, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf last = { 0 };
	for (;;) {
		bulla_aside_clear(names);
		TRY(bulla_shred_book_rows(u->run.db, u->run.job->model->key, bulla_view_buf(&last), CHUNK, collect, names, err));
		if (names->n == 0) return BULLA_OK;
		TRY(put_chunk(u, walk, names, err));
		bulla_buf_clear(&last);
		TRY(bulla_buf_add(&last, bulla_aside_entry(names, names->n - 1).pk, err));
	}
}

/* Such rows are marked in the stage, to be listed. */
static bulla_code note_shredded(bulla_undo *u, bulla_error *err)
{
	bulla_aside names = { 0 };
	bulla_walk *walk = NULL;
	const bulla_target *target = u->run.db->target;
	TRY(target->walk_open(u->run.db, &u->run.mapping, &u->shape, BULLA_WALK_ROW, NULL, &walk, err));
	bulla_code code = put_all_lost(u, walk, &names, err);
	target->walk_close(walk);
	bulla_aside_done(&names);
	return code;
}

/* --- passes ----------------------------------------------------------------------------------------------------- */

static bulla_task *task_of(void *self, size_t place)
{
	return &((bulla_undo *)self)->slots[place].task;
}

static bulla_code pass(bulla_undo *u, bulla_error *err)
{
	const bulla_target *target = u->run.db->target;
	bulla_pipeline pipeline = { u->slot_count, task_of, fill, finish_page, u };
	u->pass_opened = u->pass_conflicts = u->pass_refused = 0;
	u->ended = false;
	TRY(target->walk_open(u->run.db, &u->run.mapping, &u->shape, BULLA_WALK_UNOPENED, NULL, &u->walk, err));
	bulla_code code = bulla_pipeline_run(u->workers, &pipeline, err);
	target->walk_close(u->walk);
	u->walk = NULL;
	u->opened += u->pass_opened;
	u->ret->conflicts += u->pass_conflicts;
	TRY(code);
	return bulla_run_stopped(&u->run) ? bulla_run_interrupted(&u->run, err) : BULLA_OK;
}

/* What a complete round did not find any more is no longer to be put aside. */
static bulla_code purge_quarantine(bulla_undo *u, int64_t began_ms, bulla_error *err)
{
	const bulla_target *target = u->run.db->target;
	TRY(target->begin_write(u->run.db, err));
	bulla_code code = bulla_quarantine_purge(u->run.db, u->run.job->model->key, "undo", began_ms, err);
	if (!code) return target->commit(u->run.db, err);
	target->rollback(u->run.db);
	return code;
}

static bulla_code round_once(bulla_undo *u, bulla_error *err)
{
	int64_t began_ms = bulla_now_us(NULL) / 1000;
	bulla_buf_clear(&u->from);
	TRY(pass(u, err));
	TRY(purge_quarantine(u, began_ms, err));
	bulla_run_hook(&u->run, "round");
	return BULLA_OK;
}

bulla_code bulla_undo_open_rows(bulla_undo *u, bulla_error *err)
{
	TRY(bulla_run_count(&u->run, &u->total, err));
	TRY(note_shredded(u, err));
	u->first = true;
	bulla_buf_clear(&u->from);
	TRY(bulla_buf_add(&u->from, bulla_view_buf(&u->run.state.position), err));
	bulla_code code = pass(u, err);
	u->first = false;
	return code ? code : bulla_undo_catch_up(u, err);
}

bulla_code bulla_undo_catch_up(bulla_undo *u, bulla_error *err)
{
	for (int i = 0; i < ROUNDS_MAX; i++) {
		TRY(round_once(u, err));
		if (u->pass_opened + u->pass_conflicts == 0) break;
	}
	return BULLA_OK;
}
