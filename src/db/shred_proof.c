/*
 * shred_proof.c - what was destroyed is asked for again and fails, what lies beside it still opens.
 *
 * The subject's wrapped keys are kept in memory from before the rows are cleared: it is the stored keys that must fail, not empty
 * columns. Neighbours are read again, so that it is seen too that their rows were left alone.
 */
#include "db/shred_inside.h"

#include "base/cursor.h"
#include "core/reason.h"
#include "db/quarantine.h"

#include <stdlib.h>

#define PAGE_BYTES (1u << 20)

/* Reads the rows at these locators into the page, as they are now; rows that are gone are passed over. */
static bulla_code read_rows(bulla_shred_table *t, const bulla_buf *found, bulla_page *page, bulla_error *err)
{
	bulla_cursor c = bulla_cursor_of(bulla_view_buf(found));
	bulla_value locator[BULLA_LOCATOR_MAX];
	bool added = true;
	while (c.rest.len && added) {
		const bulla_value *values = NULL;
		TRY(bulla_position_read(bulla_cursor_prefixed(&c), locator, t->run.mapping.locator_count, err));
		TRY(t->run.db->target->writer_read(t->writer, locator, &values, err));
		if (values) TRY(bulla_page_add(page, values, &added, err));
	}
	return BULLA_OK;
}

static bulla_code read_all(bulla_shred_table *t, const bulla_buf *found, bulla_page *page, bulla_error *err)
{
	const bulla_target *target = t->run.db->target;
	TRY(target->begin_read(t->run.db, err));
	bulla_code code = read_rows(t, found, page, err);
	target->writer_rest(t->writer);
	target->rollback(t->run.db);
	return code;
}

static bulla_code find(bulla_shred_table *t, const bulla_subject *subject, bulla_shred_which which, const bulla_value *from,
		       size_t n, bulla_buf *out, bulla_error *err)
{
	const bulla_target *target = t->run.db->target;
	TRY(target->begin_read(t->run.db, err));
	bulla_code code = bulla_shred_find(t, subject, which, from, n, out, err);
	target->rollback(t->run.db);
	return code;
}

/* What a KMS or the machine could not open says nothing about a row. */
static bulla_code open_rows(bulla_shred_table *t, bulla_page *page, bulla_error *err)
{
	if (page->n == 0) return BULLA_OK;
	TRY(bulla_batch_open(t->batch, page->rows, page->n, err));
	for (size_t i = 0; i < page->n; i++)
		if (page->rows[i].code && bulla_reason_of(page->rows[i].code) == BULLA_REASON_NONE)
			return bulla_row_explain(t->batch, &page->rows[i], err);
	return BULLA_OK;
}

/* --- the subject ------------------------------------------------------------------------------------------------ */

bulla_code bulla_shred_keep_sample(bulla_shred_table *t, const bulla_subject *subject, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf found = { 0 };
	bulla_page_done(&t->sample);
	TRY(bulla_page_init(&t->sample, &t->run.mapping, &t->shape, BULLA_SHRED_SAMPLE, PAGE_BYTES, err));
	TRY(find(t, subject, BULLA_SHRED_UNDER, NULL, BULLA_SHRED_SAMPLE, &found, err));
	return read_all(t, &found, &t->sample, err);
}

bulla_code bulla_shred_prove_sample(bulla_shred_table *t, bulla_error *err)
{
	TRY(open_rows(t, &t->sample, err));
	for (size_t i = 0; i < t->sample.n; i++)
		++*(t->sample.rows[i].code == BULLA_ERR_KEY_DESTROYED ? &t->proven : &t->still_open);
	return BULLA_OK;
}

/* --- its neighbours --------------------------------------------------------------------------------------------- */

static size_t count_prefixed(bulla_bytes list)
{
	size_t n = 0;
	for (bulla_cursor c = bulla_cursor_of(list); c.rest.len; n++)
		(void)bulla_cursor_prefixed(&c);
	return n;
}

/* Those behind the row at `beside`, then those from the beginning of the table. Not the row itself: its own key is another matter. */
static bulla_code find_beside(bulla_shred_table *t, const bulla_subject *subject, bulla_shred_which which,
			      const bulla_value *beside, size_t n, bulla_buf *out, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf behind = { 0 };
	BULLA_BUF_AUTO bulla_buf first = { 0 };
	if (beside) TRY(find(t, subject, which, beside, n, &behind, err));
	size_t found = count_prefixed(bulla_view_buf(&behind));
	if (found < n) TRY(find(t, subject, which, NULL, n - found, &first, err));
	TRY(bulla_buf_add(out, bulla_view_buf(&behind), err));
	bulla_cursor c = bulla_cursor_of(bulla_view_buf(&first)), known = bulla_cursor_of(bulla_view_buf(&behind));
	bulla_bytes met = bulla_cursor_prefixed(&known); /* in a small table those behind it come once more */
	while (c.rest.len) {
		bulla_bytes one = bulla_cursor_prefixed(&c);
		if (found && bulla_bytes_equal(one, met)) break;
		TRY(bulla_buf_add_prefixed(out, one, err));
	}
	return BULLA_OK;
}

static bool is_row(const bulla_shred_table *t, const bulla_page *page, size_t row, const bulla_value *locator)
{
	bulla_value own[BULLA_LOCATOR_MAX];
	if (!locator) return false;
	bulla_page_locator(page, row, own);
	for (size_t i = 0; i < t->run.mapping.locator_count; i++)
		if (!bulla_value_same(&own[i], &locator[i])) return false;
	return true;
}

bulla_code bulla_shred_keep_neighbours(bulla_shred_table *t, const bulla_subject *subject, bulla_shred_which which,
				       const bulla_value *beside, size_t n, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf found = { 0 };
	bulla_page all = { 0 };
	bool added = true;
	if (n == 0) return BULLA_OK;
	bulla_page_done(&t->beside);
	TRY(bulla_page_init(&t->beside, &t->run.mapping, &t->shape, n, PAGE_BYTES, err));
	bulla_code code = bulla_page_init(&all, &t->run.mapping, &t->shape, 2 * n + 1, PAGE_BYTES, err);
	if (!code) code = find_beside(t, subject, which, beside, 2 * n + 1, &found, err);
	if (!code) code = read_all(t, &found, &all, err);
	if (!code) code = open_rows(t, &all, err);
	for (size_t i = 0; i < all.n && !code && added; i++)
		if (!all.rows[i].code && !is_row(t, &all, i, beside))
			code = bulla_page_add(&t->beside, bulla_page_values(&all, i), &added, err);
	bulla_page_done(&all);
	return code;
}

static bulla_code name_neighbours(const bulla_shred_table *t, bulla_buf *out, bulla_error *err)
{
	bulla_value locator[BULLA_LOCATOR_MAX];
	for (size_t i = 0; i < t->beside.n; i++) {
		BULLA_BUF_AUTO bulla_buf position = { 0 };
		bulla_page_locator(&t->beside, i, locator);
		TRY(bulla_position_write(locator, t->run.mapping.locator_count, &position, err));
		TRY(bulla_buf_add_prefixed(out, bulla_view_buf(&position), err));
	}
	return BULLA_OK;
}

/* One that somebody else shredded, deleted or sealed anew meanwhile is no loss. */
bulla_code bulla_shred_prove_neighbours(bulla_shred_table *t, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf found = { 0 };
	bulla_page now = { 0 };
	if (t->beside.n == 0) return BULLA_OK;
	TRY(name_neighbours(t, &found, err));
	bulla_code code = bulla_page_init(&now, &t->run.mapping, &t->shape, t->beside.n, PAGE_BYTES, err);
	if (!code) code = read_all(t, &found, &now, err);
	if (!code) code = open_rows(t, &now, err);
	for (size_t i = 0; i < now.n && !code; i++) {
		bool opens = now.rows[i].code == BULLA_OK;
		t->neighbours += opens;
		t->lost += !opens && !bulla_row_is_shredded(&now.rows[i]);
	}
	bulla_page_done(&now);
	return code;
}
