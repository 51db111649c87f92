/*
 * swap.c - writing one sealed page: each row is swapped on the exact bytes that were sealed, and the checkpoint is in the
 * same transaction.
 */
#include "db/apply.h"

#include "io/file.h"

#include <stdio.h>

static bulla_code write_pk(const bulla_slot *slot, size_t row, bulla_buf *out, bulla_error *err)
{
	const bulla_apply *a = slot->apply;
	return bulla_pk_write(bulla_page_values(&slot->page, row), a->shape.pk, a->run.mapping.table->pk_count, out, err);
}

/* --- rows that are put aside -------------------------------------------------------------------------------------- */

/* A row that is in quarantine already was counted when it was found first. */
static bulla_code put_aside(bulla_apply *a, const bulla_quarantine_entry *entry, bulla_error *err)
{
	char job[32];
	bool known;
	const char *model = a->run.job->model->key;
	snprintf(job, sizeof job, "apply:%s", a->run.id);
	TRY(bulla_quarantine_has(a->run.db, model, entry->pk, &known, err));
	if (!known) a->quarantined++;
	if (!known && !a->filling) a->fresh++;
	a->refused++;
	return bulla_quarantine_put(a->run.db, model, job, entry, err);
}

static bulla_code put_row_aside(bulla_slot *slot, size_t row, const char *field, bulla_reason reason, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf pk = { 0 };
	TRY(write_pk(slot, row, &pk, err));
	bulla_quarantine_entry entry = { bulla_view_buf(&pk), field, reason };
	return put_aside(slot->apply, &entry, err);
}

static bulla_code release(bulla_slot *slot, size_t row, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf pk = { 0 };
	bulla_apply *a = slot->apply;
	uint64_t removed = 0;
	if (a->quarantined == 0) return BULLA_OK;
	TRY(write_pk(slot, row, &pk, err));
	TRY(bulla_quarantine_release(a->run.db, a->run.job->model->key, bulla_view_buf(&pk), &removed, err));
	if (removed) a->quarantined--;
	return BULLA_OK;
}

/* --- one row ------------------------------------------------------------------------------------------------------ */

/* Is the row still what was sealed, byte for byte and class for class, and still unsealed? */
static bulla_code is_unchanged(bulla_slot *slot, size_t row, const bulla_value *locator, bool *ret, bulla_error *err)
{
	bulla_apply *a = slot->apply;
	const bulla_value *now, *then = bulla_page_values(&slot->page, row);
	TRY(a->run.db->target->writer_read(a->writer, locator, &now, err));
	*ret = now && now[a->shape.width].integer;
	for (size_t i = 0; *ret && i < a->shape.width; i++)
		*ret = bulla_value_same(&now[i], &then[i]);
	return BULLA_OK;
}

static uint64_t sealed_bytes(const bulla_row *row)
{
	uint64_t n = 0;
	for (size_t c = 0; c < row->cell_count; c++)
		n += row->cells[c].ciphertext.len;
	return n;
}

static bulla_code write_row(bulla_slot *slot, size_t row, const bulla_value *locator, bulla_error *err)
{
	bulla_apply *a = slot->apply;
	bulla_code code = a->run.db->target->writer_put(a->writer, locator, &slot->page.rows[row], err);
	if (code == BULLA_ERR_CONFLICT) {
		a->conflicts++;
		return BULLA_OK;
	}
	if (code == BULLA_ERR_REFUSED) return put_row_aside(slot, row, BULLA_FIELD_CONSTRAINT, BULLA_REASON_TYPE, err);
	TRY(code);
	a->sealed++;
	if (!a->filling) a->fresh++;
	a->run.state.bytes += sealed_bytes(&slot->page.rows[row]);
	return release(slot, row, err);
}

static bulla_code swap_row(bulla_slot *slot, size_t row, bool compare, bulla_error *err)
{
	bulla_apply *a = slot->apply;
	bulla_value locator[BULLA_LOCATOR_MAX];
	const bulla_row *sealed = &slot->page.rows[row];
	const char *field;
	bool unchanged = true;
	bulla_page_locator(&slot->page, row, locator);
	if (compare) TRY(is_unchanged(slot, row, locator, &unchanged, err));
	if (!unchanged) {
		a->conflicts++;
		return BULLA_OK;
	}
	if (!sealed->code) return write_row(slot, row, locator, err);
	/* a branch that is closing stops its own rows; a KMS key that is closed stops all of a model without branches, and so the job */
	if (sealed->code == BULLA_ERR_KEY_CLOSING && a->run.job->model->branch.name.text) {
		a->closing++;
		return BULLA_OK;
	}
	bulla_reason reason = bulla_row_reason(a->run.job, a->run.job->model, sealed, &field);
	if (reason != BULLA_REASON_NONE) return put_row_aside(slot, row, field, reason, err);
	return bulla_row_explain(slot->batch, sealed, err);
}

/* --- the page ------------------------------------------------------------------------------------------------------ */

/* No other session has committed since the page was read, and what we wrote ourselves were other rows: then nothing needs
 * to be read again. */
static bulla_code must_compare(bulla_slot *slot, bool *ret, bulla_error *err)
{
	uint64_t now;
	bulla_apply *a = slot->apply;
	TRY(a->run.db->target->mark(a->run.db, &now, err));
	*ret = a->compare_always || now != slot->page.mark;
	return BULLA_OK;
}

static bulla_code checkpoint(bulla_slot *slot, uint64_t sealed, uint64_t conflicts, uint64_t fresh, bulla_error *err)
{
	bulla_apply *a = slot->apply;
	bulla_job_state *state = &a->run.state;
	state->done += a->sealed - sealed;
	state->conflicts += a->conflicts - conflicts;
	if (a->fresh > fresh) state->last_unsealed_ms = bulla_now_us(NULL) / 1000;
	if (a->filling) {
		bulla_buf_clear(&state->position);
		TRY(bulla_buf_add(&state->position, bulla_view_buf(&slot->position), err));
	}
	return bulla_lease_store(&a->run, err);
}

static bulla_code write_page(bulla_slot *slot, bulla_error *err)
{
	bulla_apply *a = slot->apply;
	uint64_t sealed = a->sealed, conflicts = a->conflicts, fresh = a->fresh;
	bool compare;
	TRY(must_compare(slot, &compare, err));
	for (size_t i = 0; i < slot->page.n; i++)
		TRY(swap_row(slot, i, compare, err));
	for (size_t i = 0; i < slot->aside.n; i++) {
		bulla_quarantine_entry entry = bulla_aside_entry(&slot->aside, i);
		TRY(put_aside(a, &entry, err));
	}
	a->run.db->target->writer_rest(a->writer);
	return checkpoint(slot, sealed, conflicts, fresh, err);
}

bulla_code bulla_apply_swap(bulla_slot *slot, bulla_error *err)
{
	bulla_apply *a = slot->apply;
	const bulla_target *target = a->run.db->target;
	TRY(target->begin_write(a->run.db, err));
	bulla_code code = write_page(slot, err);
	if (!code)
		code = target->commit(a->run.db, err);
	else
		target->rollback(a->run.db);
	TRY(code);
	bulla_run_progress(&a->run, a->filling ? "sealing" : "catching up", a->run.state.done, a->total, false);
	bulla_run_hook(&a->run, "written");
	return BULLA_OK;
}
