/*
 * undo_judge.c - what a row says about an undo: before finish, and after it.
 */
#include "db/undo.h"

typedef enum verdict { EQUAL, LOST, UNOPENED, DIFFERENT, FAILED } verdict;

static const bulla_value *plain_of(const bulla_verify *v, const bulla_page *page, size_t row, size_t f)
{
	static const bulla_value nothing;
	size_t at = v->shape.plain[f];
	return at == BULLA_NOWHERE ? &nothing : &bulla_page_values(page, row)[at];
}

/* A fault of the keyring or the machine, not of the row. */
static bulla_code check_keys(const bulla_row *row, bulla_error *err)
{
	for (size_t c = 0; c < row->cell_count; c++)
		if (row->cells[c].code && bulla_reason_of(row->cells[c].code) == BULLA_REASON_NONE)
			return bulla_fail(err, row->cells[c].code,
					  "the rows cannot be opened with the keys of this environment: %s",
					  bulla_code_name(row->cells[c].code));
	return BULLA_OK;
}

static bulla_code name_example(const bulla_verify *v, const bulla_page *page, size_t row, bulla_verified *found, bulla_error *err)
{
	if (found->examples.n == BULLA_EXAMPLES_MAX) return BULLA_OK;
	return bulla_verify_name_row(v, page, row, &found->examples, "", BULLA_REASON_NONE, err);
}

/* --- before finish: plaintext is the truth ------------------------------------------------------------------------ */

/* A ciphertext that does not open takes nothing along where its plaintext is there, or where its key was destroyed on purpose. */
static verdict judge_sealed_cell(const bulla_row *row, const bulla_cell *cell, const bulla_value *plain)
{
	if (!cell->ciphertext.data) return EQUAL;
	if (cell->code && bulla_row_is_shredded(row)) return EQUAL;
	if (cell->code) return plain->kind == BULLA_KIND_NULL ? DIFFERENT : EQUAL;
	return bulla_value_same(plain, &cell->value) ? EQUAL : DIFFERENT;
}

bulla_code bulla_undo_judge_sealed(const bulla_verify *v, const bulla_page *page, bulla_lane *lane, bulla_buf *scratch,
				   bulla_verified *found, bulla_error *err)
{
	(void)lane;
	(void)scratch;
	for (size_t i = 0; i < page->n; i++) {
		verdict worst = EQUAL;
		TRY(check_keys(&page->rows[i], err));
		for (size_t f = 0; f < v->run->job->model->field_count; f++) {
			verdict one = judge_sealed_cell(&page->rows[i], &page->rows[i].cells[f], plain_of(v, page, i, f));
			if (one > worst) worst = one;
		}
		found->rows++;
		found->equal += worst == EQUAL;
		found->differences += worst != EQUAL;
		if (worst != EQUAL) TRY(name_example(v, page, i, found, err));
	}
	return BULLA_OK;
}

/* --- after finish: ciphertext is the truth ------------------------------------------------------------------------ */

/* A row that is in the stage was opened and must be there whole: one that is not can still be opened, or put aside. */
static verdict judge_stage_cell(const bulla_row *row, const bulla_cell *cell, const bulla_value *staged, bool there)
{
	if (cell->code && bulla_row_is_shredded(row)) return staged->kind == BULLA_KIND_NULL ? LOST : DIFFERENT;
	if (cell->code) return there && bulla_reason_of(cell->code) != BULLA_REASON_NONE ? DIFFERENT : FAILED;
	if (bulla_value_same(staged, &cell->value)) return EQUAL;
	return there ? DIFFERENT : UNOPENED;
}

static verdict judge_stage_row(const bulla_verify *v, const bulla_page *page, size_t row)
{
	verdict worst = EQUAL;
	bool there = bulla_page_values(page, row)[v->shape.lost].kind != BULLA_KIND_NULL;
	for (size_t f = 0; f < v->run->job->model->field_count; f++) {
		if (!v->run->mapping.fields[f].staged) continue;
		verdict one = judge_stage_cell(&page->rows[row], &page->rows[row].cells[f], plain_of(v, page, row, f), there);
		if (one > worst) worst = one;
	}
	return worst;
}

bulla_code bulla_undo_judge_stage(const bulla_verify *v, const bulla_page *page, bulla_lane *lane, bulla_buf *scratch,
				  bulla_verified *found, bulla_error *err)
{
	for (size_t i = 0; i < page->n; i++) {
		verdict is = judge_stage_row(v, page, i);
		found->rows++;
		for (size_t k = 0; k < v->run->job->model->key_count; k++)
			bulla_census_add(&found->census, page->rows[i].keys[k]);
		found->shredded += is == LOST;
		found->unsealed += is == UNOPENED;
		found->differences += is == DIFFERENT;
		found->equal += is == EQUAL;
		if (is == FAILED) TRY(bulla_verify_fail_row(v, page, i, found, err));
		if (is == DIFFERENT) TRY(name_example(v, page, i, found, err));
		if (is == EQUAL) TRY(bulla_verify_digest_row(v, page, i, lane, scratch, found, err));
	}
	return BULLA_OK;
}
