/*
 * rotate_swap.c - writing one page of a rotation: each row is swapped on the exact bytes that were read, and the checkpoint is in the same
 * transaction.
 */
#include "db/rotate.h"

#include "io/file.h"

#include <stdio.h>

/* --- rows that are put aside ---------------------------------------------------------------------------------------- */

/* What `apply` or `verify` has put aside stays theirs: they find other faults. */
static bulla_code put_aside(bulla_rotate_slot *slot, const bulla_rotate_row *work, const char *field, bulla_reason reason,
			    bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf pk = { 0 };
	char job[32];
	bool known;
	bulla_rotate *a = slot->rotate;
	const char *model = a->run.job->model->key;
	snprintf(job, sizeof job, "rotate:%s", a->run.id);
	TRY(bulla_pk_write(bulla_page_values(&slot->page, work->at), a->shape.pk, a->mapping->table->pk_count, &pk, err));
	bulla_quarantine_entry entry = { bulla_view_buf(&pk), field, reason };
	a->refused++;
	a->left++;
	TRY(bulla_quarantine_has_other(a->run.db, model, "rotate", entry.pk, &known, err));
	return known ? BULLA_OK : bulla_quarantine_put(a->run.db, model, job, &entry, err);
}

/* The row is one that nothing can be done for; or the fault is not its own. */
static bulla_code judge_failure(bulla_rotate_slot *slot, const bulla_rotate_row *work, bulla_error *err)
{
	bulla_rotate *a = slot->rotate;
	const char *field;
	bulla_code why = work->row.code;
	if (why == BULLA_ERR_KEY_CLOSING) {
		a->closing++;
		return BULLA_OK;
	}
	if (bulla_row_is_shredded(&work->row)) {
		a->shredded++;
		return BULLA_OK;
	}
	bulla_reason reason = bulla_row_reason(a->run.job, work->of, &work->row, &field);
	if (reason != BULLA_REASON_NONE) return put_aside(slot, work, field, reason, err);
	return bulla_row_explain(slot->sealer, &work->row, err);
}

/* --- one row ---------------------------------------------------------------------------------------------------------- */

static bool is_same(const bulla_rotate *a, const bulla_value *now, const bulla_value *then)
{
	for (size_t i = 0; i < a->shape.width; i++)
		if (!bulla_value_same(&now[i], &then[i])) return false;
	return true;
}

/* The data keys that the row has, or had, go on the list. */
static bulla_code list_keys(bulla_rotate *a, const bulla_value *values, bulla_error *err)
{
	for (size_t k = 0; k < a->from->key_count; k++) {
		const bulla_value *key = &values[a->shape.keys[k]];
		bulla_bytes commitment =
			key->kind == BULLA_KIND_BINARY ? bulla_rotate_commitment(key->bytes) : bulla_view(NULL, 0);
		if (commitment.data) TRY(bulla_rotated_add(a->run.db, a->run.job->model->key, commitment, err));
	}
	return BULLA_OK;
}

/* Somebody else has written the row: a later pass takes it again. By the list that pass finds it by the data key that it had. */
static bulla_code note_conflict(bulla_rotate_slot *slot, const bulla_rotate_row *work, bulla_error *err)
{
	bulla_rotate *a = slot->rotate;
	a->conflicts++;
	return a->by_list ? list_keys(a, bulla_page_values(&slot->page, work->at), err) : BULLA_OK;
}

static bulla_code put(bulla_rotate_slot *slot, const bulla_rotate_row *work, const bulla_value *locator, bulla_error *err)
{
	bulla_rotate *a = slot->rotate;
	bulla_code code = a->run.db->target->writer_put(a->writer, locator, &work->row, err);
	if (code == BULLA_ERR_CONFLICT) return note_conflict(slot, work, err);
	if (code == BULLA_ERR_REFUSED) return put_aside(slot, work, "", BULLA_REASON_TYPE, err);
	TRY(code);
	a->changed++;
	return a->by_list ? list_keys(a, bulla_page_values(&slot->page, work->at), err) : BULLA_OK;
}

/* A record of which a field waits to be sealed belongs to `apply`, which gives it a fresh data key anyway. */
static bool is_waiting(const bulla_rotate *a, const bulla_value *now)
{
	return a->kind->fields && now[a->shape.width].integer;
}

static bulla_code swap_row(bulla_rotate_slot *slot, const bulla_rotate_row *work, bool read, bulla_error *err)
{
	bulla_rotate *a = slot->rotate;
	bulla_value locator[BULLA_LOCATOR_MAX];
	const bulla_value *now = NULL;
	bulla_page_locator(&slot->page, work->at, locator);
	if (read) {
		TRY(a->run.db->target->writer_read(a->writer, locator, &now, err));
		if (!now || !is_same(a, now, bulla_page_values(&slot->page, work->at))) return note_conflict(slot, work, err);
		if (is_waiting(a, now)) {
			a->unsealed++;
			return BULLA_OK;
		}
	}
	if (work->row.code) return judge_failure(slot, work, err);
	if (work->put) return put(slot, work, locator, err);
	a->left += a->probed; /* a service did not answer: it has the wraps that it had */
	return BULLA_OK;
}

/* --- the page --------------------------------------------------------------------------------------------------------- */

/* While there is plaintext a row may have a field that waits to be sealed, and only the table can tell. */
static bulla_code must_read(bulla_rotate_slot *slot, bool *ret, bulla_error *err)
{
	uint64_t now;
	bulla_rotate *a = slot->rotate;
	TRY(a->run.db->target->mark(a->run.db, &now, err));
	*ret = a->compare_always || now != slot->page.mark || (a->kind->fields && a->mapping->plain_count);
	return BULLA_OK;
}

static bulla_code checkpoint(bulla_rotate_slot *slot, uint64_t changed, uint64_t conflicts, bulla_error *err)
{
	bulla_rotate *a = slot->rotate;
	a->rotation.done += a->changed - changed;
	a->run.state.conflicts += a->conflicts - conflicts;
	bulla_buf_clear(&a->rotation.position);
	TRY(bulla_buf_add(&a->rotation.position, bulla_view_buf(&slot->position), err));
	TRY(bulla_rotation_store(a->run.db, a->run.job->model->key, &a->rotation, err));
	a->rotation.found = true;
	return bulla_lease_store(&a->run, err);
}

static bulla_code write_page(bulla_rotate_slot *slot, bulla_error *err)
{
	bulla_rotate *a = slot->rotate;
	uint64_t changed = a->changed, conflicts = a->conflicts;
	bool read;
	TRY(must_read(slot, &read, err));
	for (size_t i = 0; i < slot->work_count; i++)
		TRY(swap_row(slot, &slot->work[i], read, err));
	a->run.db->target->writer_rest(a->writer);
	return checkpoint(slot, changed, conflicts, err);
}

/* A page without work needs no transaction, unless a sign of life is due. */
static bool is_idle(const bulla_rotate_slot *slot)
{
	const bulla_rotate *a = slot->rotate;
	return slot->work_count == 0 && bulla_now_us(NULL) / 1000 - a->run.state.heartbeat_ms < BULLA_HEARTBEAT_MS;
}

bulla_code bulla_rotate_swap(bulla_rotate_slot *slot, bulla_error *err)
{
	bulla_rotate *a = slot->rotate;
	const bulla_target *target = a->run.db->target;
	if (a->dry) {
		a->left += slot->work_count;
		return BULLA_OK;
	}
	if (is_idle(slot)) return BULLA_OK;
	TRY(target->begin_write(a->run.db, err));
	bulla_code code = write_page(slot, err);
	if (!code)
		code = target->commit(a->run.db, err);
	else
		target->rollback(a->run.db);
	TRY(code);
	bulla_run_hook(&a->run, "written");
	return BULLA_OK;
}
