/*
 * rotate_index.c - new blind indexes, beside the old ones for as long as somebody may search those.
 *
 * While the schema names the previous index of a field, both have a column, both are written and both are searched (the window). A
 * trigger empties the one that a writer did not know when the value changed; the job fills it. The old column, and with it a unique old
 * index, stays until the schema names it no more and every row has the new one: at no moment is uniqueness without an index that keeps it.
 */
#include "db/rotate.h"

#include "db/orphan.h"

/* --- one page --------------------------------------------------------------------------------------------------------- */

static bool is_stored(const bulla_rotate_slot *slot, size_t row, size_t position, bulla_bytes index)
{
	if (position == BULLA_NOWHERE) return true;
	const bulla_value *stored = &bulla_page_values(&slot->page, row)[position];
	if (!index.data) return stored->kind == BULLA_KIND_NULL;
	return stored->kind == BULLA_KIND_BINARY && bulla_bytes_equal(stored->bytes, index);
}

static bool has_indexes(const bulla_rotate_slot *slot, const bulla_row *row, size_t at)
{
	const bulla_shape *shape = &slot->rotate->shape;
	for (size_t f = 0; f < row->cell_count; f++) {
		const bulla_cell *cell = &row->cells[f];
		if (!is_stored(slot, at, shape->index[f], cell->index) ||
		    !is_stored(slot, at, shape->before[f], cell->previous_index))
			return false;
	}
	return true;
}

/* Ciphertexts and keys are written as they were read: in one statement with them an index is never another value's. */
static bulla_code index_page(bulla_rotate_slot *slot, bulla_error *err)
{
	size_t n = 0;
	TRY(bulla_batch_open(slot->opener, slot->page.rows, slot->page.n, err));
	bulla_rotate_take_all(slot);
	for (size_t i = 0; i < slot->work_count; i++) {
		bulla_rotate_row work = slot->work[i];
		work.put = !work.row.code && !has_indexes(slot, &work.row, work.at);
		if (work.put || work.row.code) slot->work[n++] = work;
	}
	slot->work_count = n;
	return BULLA_OK;
}

const bulla_rotate_kind_table bulla_rotate_index = { BULLA_SHAPE_SEALED, true, index_page };

/* --- windows ---------------------------------------------------------------------------------------------------------- */

/* An index that bulla.yaml names no more, and never named as a previous one, goes like one whose window is closed. */
static bulla_code note_strays(bulla_rotate *a, bulla_error *err)
{
	const bulla_mapping *m = &a->run.mapping;
	for (size_t i = 0; i < bulla_mapping_home(m)->index_count; i++) {
		const char *column = bulla_mapping_stray_index(m, i);
		if (column) TRY(bulla_window_note(a->run.db, a->run.job->model->key, column, err));
	}
	return BULLA_OK;
}

/* New columns and triggers in one transaction: from its commit on no new index is another value's. */
static bulla_code open_windows(bulla_rotate *a, bulla_error *err)
{
	bool aside = a->run.mapping.aside;
	TRY(bulla_orphan_install(&a->run, err));
	TRY(bulla_run_map(&a->run, aside, err));
	for (size_t f = 0; f < a->run.mapping.model->field_count; f++) {
		const bulla_field *field = &a->run.mapping.model->fields[f];
		if (a->run.mapping.fields[f].before)
			TRY(bulla_window_note(a->run.db, a->run.job->model->key, field->before->index->column, err));
	}
	TRY(note_strays(a, err));
	return bulla_lease_store(&a->run, err);
}

bulla_code bulla_rotate_open_windows(bulla_rotate *a, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	TRY(target->begin_write(a->run.db, err));
	bulla_code code = open_windows(a, err);
	if (!code) return target->commit(a->run.db, err);
	target->rollback(a->run.db);
	return code;
}

static bulla_code close_one(bulla_rotate *a, const char *column, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	const bulla_mapping *m = &a->run.mapping;
	if (bulla_table_column(bulla_mapping_home(m), column)) TRY(target->narrow(a->run.db, m, column, err));
	return bulla_window_forget(a->run.db, a->run.job->model->key, column, err);
}

/* The triggers go first: SQLite drops no column that one of them names. */
static bulla_code close_windows(bulla_rotate *a, bulla_aside *columns, bulla_error *err)
{
	bool aside = a->run.mapping.aside;
	TRY(bulla_orphan_install(&a->run, err));
	for (size_t i = 0; i < columns->n; i++) {
		BULLA_BUF_AUTO bulla_buf column = { 0 };
		TRY(bulla_buf_add(&column, bulla_aside_entry(columns, i).pk, err));
		TRY(bulla_buf_terminate(&column, err));
		if (bulla_model_names_index(a->run.job->model, (const char *)column.data))
			a->ret->windows++;
		else if (!a->ret->left)
			TRY(close_one(a, (const char *)column.data, err));
	}
	TRY(bulla_run_map(&a->run, aside, err));
	return bulla_lease_store(&a->run, err);
}

static bulla_code make_indexes(bulla_rotate *a, bulla_error *err)
{
	bulla_code code = a->run.db->target->index(a->run.db, &a->run.mapping, err);
	if (code != BULLA_ERR_REFUSED) return code;
	return bulla_advise(
		err, code,
		"rows with equal values in that index's column collide: mend them, or take unique: true away; until then the "
		"index before it keeps what it kept");
}

bulla_code bulla_rotate_close_windows(bulla_rotate *a, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	bulla_aside columns = { 0 };
	a->ret->windows = 0;
	bulla_code code = bulla_window_list(a->run.db, a->run.job->model->key, &columns, err);
	if (!code) code = target->begin_write(a->run.db, err);
	if (!code) {
		code = make_indexes(a, err);
		if (!code) code = close_windows(a, &columns, err);
		if (!code)
			code = target->commit(a->run.db, err);
		else
			target->rollback(a->run.db);
	}
	bulla_aside_done(&columns);
	return code;
}
