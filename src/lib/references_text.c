/*
 * references_text.c - what hangs from a key in one sentence, for refusals and the audit log.
 */
#include "lib/retire.h"

#include <inttypes.h>

#define TOLD_MAX  80 /* bytes of rows, and one more: an error has room for it all */
#define NAMED_MAX 3  /* branch keys by name */

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static bulla_code separate(bulla_buf *out, size_t start, bulla_error *err)
{
	return out->len > start ? bulla_buf_add_str(out, "; ", err) : BULLA_OK;
}

/* The rows of each column that the key itself has wrapped; those under its branch keys follow from these. */
static bulla_code tell_rows(const bulla_references *refs, size_t start, bulla_buf *out, bulla_error *err)
{
	size_t left = 0;
	for (size_t i = 0; i < refs->row_count; i++) {
		const bulla_reference_rows *r = &refs->rows[i];
		const bulla_reference_column *c = &refs->columns[r->column];
		if (!r->direct) continue;
		left += out->len - start > TOLD_MAX;
		if (out->len - start > TOLD_MAX) continue;
		TRY(separate(out, start, err));
		TRY(bulla_buf_printf(out, err, "%s.%s has %" PRIu64 " row%s of version %016" PRIx64, c->table, c->column, r->rows,
				     plural(r->rows), r->key.reference));
	}
	return left ? bulla_buf_printf(out, err, "; %zu version%s more", left, plural(left)) : BULLA_OK;
}

static bulla_code tell_branches(const bulla_references *refs, const bulla_reference_sum *sum, size_t start, bulla_buf *out,
				bulla_error *err)
{
	size_t total = 0, named = 0;
	for (size_t i = 0; i < sizeof sum->branches / sizeof *sum->branches; i++)
		total += sum->branches[i];
	if (total == 0) return BULLA_OK;
	TRY(separate(out, start, err));
	bool branches_only = total == sum->branches[BULLA_BRANCH_RECORD];
	TRY(bulla_buf_printf(out, err, "%zu branch%s key%s hang%s from it: ", total, branches_only ? "" : ", index and shared",
			     plural(total), total == 1 ? "s" : ""));
	for (size_t i = 0; i < refs->branch_count && named < NAMED_MAX; i++) {
		const bulla_reference_branch *b = &refs->branches[i];
		if (!b->direct || b->state == BULLA_BRANCH_DESTROYED) continue;
		TRY(bulla_buf_printf(out, err, "%s%.24s", named++ ? ", " : "", b->print));
	}
	return total > named ? bulla_buf_add_str(out, " ...", err) : BULLA_OK;
}

/* What may hang from it, for all that can be known. */
static bulla_code tell_doubts(const bulla_reference_sum *sum, size_t start, bulla_buf *out, bulla_error *err)
{
	const struct {
		uint64_t rows;
		const char *what;
	} doubts[] = { { sum->unreadable, "whose key cannot be read" },
		       { sum->unknown, "under branch keys that this key store does not have" } };
	for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++) {
		if (!doubts[i].rows) continue;
		TRY(separate(out, start, err));
		TRY(bulla_buf_printf(out, err, "%" PRIu64 " row%s %s", doubts[i].rows, plural(doubts[i].rows), doubts[i].what));
	}
	return BULLA_OK;
}

bulla_code bulla_references_tell(const bulla_references *refs, const bulla_reference_sum *sum, bulla_buf *out, bulla_error *err)
{
	size_t start = out->len;
	TRY(tell_rows(refs, start, out, err));
	TRY(tell_branches(refs, sum, start, out, err));
	TRY(tell_doubts(sum, start, out, err));
	return out->len > start ? BULLA_OK : bulla_buf_add_str(out, "nothing", err);
}
