/*
 * compare.c - is what a row's ciphertext opens to what lies beside it?
 */
#include "db/verify.h"

#include "core/provider.h"

/* What becomes of one row. */
typedef enum verdict { EQUAL, UNSEALED, DIFFERENT, FAILED, SHREDDED } verdict;

static const bulla_value nothing;

static const bulla_value *value_at(const bulla_page *page, size_t row, size_t position)
{
	return position == BULLA_NOWHERE ? &nothing : &bulla_page_values(page, row)[position];
}

static bulla_bytes bytes_at(const bulla_page *page, size_t row, size_t position)
{
	const bulla_value *value = value_at(page, row, position);
	return value->kind == BULLA_KIND_TEXT || value->kind == BULLA_KIND_BINARY ? value->bytes : bulla_view(NULL, 0);
}

/* The stored index is the one that the value has; none for NULL. */
static bool is_index(const bulla_page *page, size_t row, size_t position, bulla_bytes index)
{
	if (position == BULLA_NOWHERE) return true;
	if (!index.data) return value_at(page, row, position)->kind == BULLA_KIND_NULL;
	return bulla_bytes_equal(bytes_at(page, row, position), index);
}

/* While an index takes the place of another, either may be missing, but not both. */
static bool has_index(const bulla_verify *v, const bulla_page *page, size_t row, size_t f)
{
	const bulla_cell *cell = &page->rows[row].cells[f];
	size_t now = v->shape.index[f], before = v->shape.before[f];
	bool lacks_now = value_at(page, row, now)->kind == BULLA_KIND_NULL;
	bool lacks_before = value_at(page, row, before)->kind == BULLA_KIND_NULL;
	if (before == BULLA_NOWHERE) return is_index(page, row, now, cell->index);
	if (lacks_now && lacks_before) return !cell->index.data;
	return (lacks_now || is_index(page, row, now, cell->index)) &&
	       (lacks_before || is_index(page, row, before, cell->previous_index));
}

static verdict judge_cell(const bulla_verify *v, const bulla_page *page, size_t row, size_t f)
{
	const bulla_cell *cell = &page->rows[row].cells[f];
	const bulla_field *field = &v->run->job->model->fields[f];
	bool plaintext = v->shape.plain[f] != BULLA_NOWHERE;
	const bulla_value *plain = value_at(page, row, v->shape.plain[f]);
	if (!cell->ciphertext.data && plaintext && (plain->kind != BULLA_KIND_NULL || field->null_sealed)) return UNSEALED;
	if (cell->code) return FAILED;
	if (plaintext && !bulla_value_same(plain, &cell->value)) return DIFFERENT;
	return has_index(v, page, row, f) ? EQUAL : DIFFERENT;
}

/* A row that opens nowhere is a failure, whatever else is wrong with it; then a difference; then an unsealed field. */
static verdict judge(const bulla_verify *v, const bulla_page *page, size_t row)
{
	verdict worst = page->rows[row].code ? FAILED : EQUAL;
	if (bulla_row_is_shredded(&page->rows[row]) && !bulla_page_has_plaintext(page, row)) return SHREDDED;
	for (size_t f = 0; f < v->run->job->model->field_count; f++) {
		verdict found = judge_cell(v, page, row, f);
		if (found > worst) worst = found;
	}
	return worst;
}

/* --- strict ------------------------------------------------------------------------------------------------------ */

static bool has_wrap(bulla_bytes key, uint8_t kind, uint64_t reference)
{
	for (size_t i = 0; i < bulla_wrap_count(key); i++) {
		uint8_t its_kind;
		uint64_t its_reference;
		bulla_wrap_read(key, i, &its_kind, &its_reference);
		if (its_kind == kind && its_reference == reference) return true;
	}
	return false;
}

/* A record under a branch key has that one wrap. */
static bool is_stale(const bulla_verify_pass *pass, bulla_bytes key, bulla_bytes current)
{
	uint8_t kind;
	uint64_t reference;
	if (!key.data || bulla_wrap_count(key) == 0) return false;
	bulla_wrap_read(key, 0, &kind, &reference);
	if (kind != BULLA_WRAP_BRANCH && bulla_wrap_count(key) < pass->min_wraps) return true;
	if (!current.data || bulla_wrap_count(current) == 0) return false;
	bulla_wrap_read(current, 0, &kind, &reference);
	return !has_wrap(key, kind, reference);
}

static bool is_row_stale(const bulla_verify *v, const bulla_row *row)
{
	if (!v->pass->current) return false;
	for (size_t k = 0; k < v->run->job->model->key_count; k++)
		if (is_stale(v->pass, row->keys[k], v->pass->current[k])) return true;
	return false;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

bulla_code bulla_verify_name_row(const bulla_verify *v, const bulla_page *page, size_t row, bulla_aside *list, const char *field,
				 bulla_reason reason, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf pk = { 0 };
	TRY(bulla_pk_write(bulla_page_values(page, row), v->shape.pk, v->run->mapping.table->pk_count, &pk, err));
	return bulla_aside_add(list, bulla_view_buf(&pk), field, reason, err);
}

bulla_code bulla_verify_fail_row(const bulla_verify *v, const bulla_page *page, size_t row, bulla_verified *found,
				 bulla_error *err)
{
	const char *field;
	bulla_reason reason = bulla_row_reason(v->run->job, v->run->job->model, &page->rows[row], &field);
	if (reason == BULLA_REASON_NONE)
		return bulla_fail(err, page->rows[row].code, "the rows cannot be opened with the keys of this environment: %s",
				  bulla_code_name(page->rows[row].code));
	found->failed++;
	return bulla_verify_name_row(v, page, row, &found->aside, field, reason, err);
}

/* Primary key and values, as they open: the same before the plaintext is dropped and after. */
bulla_code bulla_verify_digest_row(const bulla_verify *v, const bulla_page *page, size_t row, bulla_lane *lane,
				   bulla_buf *scratch, bulla_verified *found, bulla_error *err)
{
	const bulla_value *values = bulla_page_values(page, row);
	bulla_buf_clear(scratch);
	for (size_t i = 0; i < v->run->mapping.table->pk_count; i++)
		TRY(bulla_digest_write(&values[v->shape.pk[i]], scratch, err));
	for (size_t f = 0; f < v->run->job->model->field_count; f++)
		TRY(bulla_digest_write(&page->rows[row].cells[f].value, scratch, err));
	return bulla_digest_add(&found->digest, lane, &v->digest_key, bulla_view_buf(scratch), err);
}

static bulla_code count_row(const bulla_verify *v, const bulla_page *page, size_t row, bulla_lane *lane, bulla_buf *scratch,
			    bulla_verified *found, bulla_error *err)
{
	bool stale = is_row_stale(v, &page->rows[row]);
	found->rows++;
	found->stale += stale;
	for (size_t k = 0; k < v->run->job->model->key_count; k++)
		bulla_census_add(&found->census, page->rows[row].keys[k]);
	switch (judge(v, page, row)) {
	case FAILED:
		return bulla_verify_fail_row(v, page, row, found, err);
	case SHREDDED:
		found->shredded++;
		return BULLA_OK;
	case UNSEALED:
		found->unsealed++;
		return BULLA_OK;
	case DIFFERENT:
		found->differences++;
		/* somebody wrote an old ciphertext beside a new plaintext, which is the truth: put aside, so that apply seals it again */
		if (v->run->mapping.plain_count)
			TRY(bulla_verify_name_row(v, page, row, &found->aside, "", BULLA_REASON_TAMPERED, err));
		return found->examples.n < BULLA_EXAMPLES_MAX
			       ? bulla_verify_name_row(v, page, row, &found->examples, "", BULLA_REASON_NONE, err)
			       : BULLA_OK;
	case EQUAL:
		break;
	}
	found->equal++;
	return bulla_verify_digest_row(v, page, row, lane, scratch, found, err);
}

bulla_code bulla_verify_compare(const bulla_verify *verify, const bulla_page *page, bulla_lane *lane, bulla_buf *scratch,
				bulla_verified *found, bulla_error *err)
{
	for (size_t i = 0; i < page->n; i++)
		TRY(count_row(verify, page, i, lane, scratch, found, err));
	return BULLA_OK;
}
