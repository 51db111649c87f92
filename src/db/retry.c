/*
 * retry.c - the rows in quarantine, and no others, taken again.
 *
 * As long as there is plaintext each is sealed afresh from it; afterwards each is opened. What works leaves the quarantine, and so
 * does a row that is not there any more; the rest stays, with the reason of this time.
 */
#include "db/apply.h"

#include "db/row_name.h"
#include "io/file.h"

#include <stdio.h>
#include <string.h>

#define CHUNK 4096 /* entries that are read at once */

typedef struct retry {
	bulla_apply *a;
	bool opening;
	bulla_slot *slot; /* its page and its batch */
	bulla_walk *walk;
	bulla_aside names; /* of this chunk */
	size_t at;
	bulla_aside gone;
	bulla_buf last; /* the name that the next chunk begins behind */
	uint64_t opened;
} retry;

/* --- which rows ---------------------------------------------------------------------------------------------------- */

static bulla_code collect(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	return bulla_aside_add(self, values[0].bytes, "", BULLA_REASON_NONE, err);
}

static bulla_code next_chunk(retry *r, bulla_error *err)
{
	static const char sql[] = "SELECT DISTINCT pk FROM bulla_quarantine WHERE model = ? AND pk > ? ORDER BY pk LIMIT ?";
	bulla_run *run = &r->a->run;
	bulla_value args[] = { bulla_value_text(run->job->model->key),
			       { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_buf(&r->last) },
			       bulla_value_integer(CHUNK) };
	bulla_aside_clear(&r->names);
	bulla_aside_clear(&r->gone);
	r->at = 0;
	TRY(run->db->target->run(run->db, sql, args, 3, collect, &r->names, NULL, err));
	if (r->names.n == 0) return BULLA_OK;
	bulla_buf_clear(&r->last);
	return bulla_buf_add(&r->last, bulla_aside_entry(&r->names, r->names.n - 1).pk, err);
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

/* `ret_added` false: the page is full, and the row belongs to the next. */
static bulla_code take(retry *r, bulla_bytes pk, const bulla_value *values, bool *ret_added, bulla_error *err)
{
	bulla_apply *a = r->a;
	const bulla_field *oversize = r->opening ? NULL : bulla_page_oversize(&a->run.mapping, &a->shape, values);
	if (oversize) return bulla_aside_add(&r->slot->aside, pk, oversize->name, BULLA_REASON_TOO_LARGE, err);
	return bulla_page_add(&r->slot->page, values, ret_added, err);
}

/* A name of bytes may be that of a text which no comparison here finds: it is left to a whole pass. */
static bulla_code read_row(retry *r, bulla_bytes pk, bool *ret_added, bulla_error *err)
{
	bulla_row_name name;
	const bulla_target *target = r->a->run.db->target;
	const bulla_value *values = NULL;
	bulla_code code = bulla_row_name_read(&name, pk, r->a->run.mapping.table, err);
	if (!code && name.fits) {
		code = target->walk_start(r->walk, name.values, name.n, err);
		if (!code) code = target->walk_next(r->walk, &values, err);
		if (!code && values) code = take(r, pk, values, ret_added, err);
		target->walk_stop(r->walk);
	}
	if (!code && !values && !name.any_hex) code = bulla_aside_add(&r->gone, pk, "", BULLA_REASON_NONE, err);
	bulla_row_name_done(&name);
	return code;
}

static bulla_code read_page(retry *r, bulla_error *err)
{
	bool added = true;
	bulla_page_clear(&r->slot->page);
	bulla_aside_clear(&r->slot->aside);
	TRY(r->a->run.db->target->mark(r->a->run.db, &r->slot->page.mark, err));
	while (r->at < r->names.n) {
		TRY(read_row(r, bulla_aside_entry(&r->names, r->at).pk, &added, err));
		if (!added) return BULLA_OK;
		r->at++;
	}
	return BULLA_OK;
}

/* --- after finish: does it open? -------------------------------------------------------------------------------------- */

static bulla_code judge(retry *r, const char *job, size_t i, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf pk = { 0 };
	const char *field;
	bulla_run *run = &r->a->run;
	const bulla_page *page = &r->slot->page;
	const bulla_row *row = &page->rows[i];
	uint64_t removed;
	TRY(bulla_pk_write(bulla_page_values(page, i), r->a->shape.pk, run->mapping.table->pk_count, &pk, err));
	if (!row->code) {
		r->opened++;
		return bulla_quarantine_release(run->db, run->job->model->key, bulla_view_buf(&pk), &removed, err);
	}
	bulla_reason reason = bulla_row_reason(run->job, run->job->model, row, &field);
	if (reason == BULLA_REASON_NONE) return bulla_row_explain(r->slot->batch, row, err);
	bulla_quarantine_entry entry = { bulla_view_buf(&pk), field, reason };
	return bulla_quarantine_put(run->db, run->job->model->key, job, &entry, err);
}

static bulla_code judge_page(retry *r, bulla_error *err)
{
	char job[32];
	bulla_run *run = &r->a->run;
	(void)snprintf(job, sizeof job, "verify:%s", run->id);
	TRY(run->db->target->begin_write(run->db, err));
	bulla_code code = BULLA_OK;
	for (size_t i = 0; !code && i < r->slot->page.n; i++)
		code = judge(r, job, i, err);
	if (!code) code = bulla_lease_store(run, err);
	if (!code) return run->db->target->commit(run->db, err);
	run->db->target->rollback(run->db);
	return code;
}

/* --- pages ------------------------------------------------------------------------------------------------------------ */

static bulla_code work_page(retry *r, bulla_error *err)
{
	bulla_slot *slot = r->slot;
	if (slot->page.n + slot->aside.n == 0) return BULLA_OK;
	if (slot->page.n)
		TRY((r->opening ? bulla_batch_open : bulla_batch_seal)(slot->batch, slot->page.rows, slot->page.n, err));
	return r->opening ? judge_page(r, err) : bulla_apply_swap(slot, err);
}

static bulla_code forget_gone(retry *r, bulla_error *err)
{
	bulla_run *run = &r->a->run;
	uint64_t removed;
	if (r->gone.n == 0) return BULLA_OK;
	TRY(run->db->target->begin_write(run->db, err));
	bulla_code code = BULLA_OK;
	for (size_t i = 0; !code && i < r->gone.n; i++)
		code = bulla_quarantine_release(run->db, run->job->model->key, bulla_aside_entry(&r->gone, i).pk, &removed, err);
	if (!code) return run->db->target->commit(run->db, err);
	run->db->target->rollback(run->db);
	return code;
}

static bulla_code work_chunk(retry *r, bulla_error *err)
{
	while (r->at < r->names.n) {
		if (bulla_run_stopped(&r->a->run)) return bulla_run_interrupted(&r->a->run, err);
		TRY(read_page(r, err));
		TRY(work_page(r, err));
	}
	r->a->ret->retried += r->names.n;
	return forget_gone(r, err);
}

static bulla_code work(retry *r, bulla_error *err)
{
	do {
		TRY(next_chunk(r, err));
		TRY(work_chunk(r, err));
		bulla_run_progress(&r->a->run, "retrying", r->a->ret->retried, r->a->quarantined, false);
	} while (r->names.n == CHUNK);
	return BULLA_OK;
}

static bulla_code run(retry *r, bulla_error *err)
{
	bulla_apply *a = r->a;
	const bulla_target *target = a->run.db->target;
	TRY(target->walk_open(a->run.db, &a->run.mapping, &a->shape, BULLA_WALK_ROW, NULL, &r->walk, err));
	bulla_code code = work(r, err);
	target->walk_close(r->walk);
	bulla_aside_done(&r->names);
	bulla_aside_done(&r->gone);
	bulla_buf_done(&r->last);
	return code;
}

/* A row that the application has sealed by itself meanwhile is not written: what it has is better than what was read. */
bulla_code bulla_apply_retry(bulla_apply *a, bulla_error *err)
{
	retry r = { .a = a, .slot = &a->slots[0] };
	int64_t began_ms = bulla_now_us(NULL) / 1000;
	a->compare_always = true;
	a->sealed = a->conflicts = a->refused = a->fresh = 0;
	bulla_code code = run(&r, err);
	a->ret->done += a->sealed;
	a->ret->conflicts += a->conflicts;
	TRY(code);
	return bulla_apply_purge(a, began_ms, err);
}

bulla_code bulla_apply_reopen(bulla_apply *a, bulla_error *err)
{
	bulla_slot slot = { .apply = a };
	retry r = { .a = a, .opening = true, .slot = &slot };
	bulla_batch_options options = { .size = sizeof options, .no_indexes = true };
	TRY(bulla_shape_init(&a->shape, &a->run.mapping, BULLA_SHAPE_SEALED, err));
	bulla_code code = bulla_page_init(&slot.page, &a->run.mapping, &a->shape, 0, BULLA_PAGE_BYTES, err);
	if (!code) code = bulla_batch_new(a->run.job->keyring, a->run.job->model, &options, &slot.batch, err);
	if (!code) code = run(&r, err);
	a->ret->done += r.opened;
	bulla_batch_free(slot.batch);
	bulla_page_done(&slot.page);
	bulla_aside_done(&slot.aside);
	return code;
}
