/*
 * row_reason.c - why a row was put aside: the code that it failed with, and what became of the key that it hangs from.
 */
#include "db/job.h"
#include "db/quarantine.h"
#include "format/wrapped_key.h"

static bulla_code meet(void *self, size_t index, const bulla_branch_row *row, bulla_error *err)
{
	(void)index, (void)row, (void)err;
	*(bool *)self = true;
	return BULLA_OK;
}

/* A version that was used here once, and is not in the store any more: gone, without a tombstone. One that was never used here is another
 * store's. */
static bool is_gone(const bulla_job *job, uint64_t version)
{
	bool there = false;
	if (job->branches->by_version(job->branches->self, &version, 1, meet, &there, NULL) || there) return false;
	return job->was_used(job->was_used_self, version);
}

static bool hangs_from_gone(const bulla_job *job, const bulla_model *model, const bulla_row *row)
{
	for (size_t k = 0; k < model->key_count; k++) {
		bulla_wrapped_key key;
		if (!row->keys[k].data || bulla_wrapped_key_parse(row->keys[k], &key, NULL)) continue;
		for (size_t i = 0; i < key.wrap_count; i++)
			if (key.wraps[i].kind == BULLA_WRAP_BRANCH && is_gone(job, key.wraps[i].reference)) return true;
	}
	return false;
}

bulla_reason bulla_row_reason(const bulla_job *job, const bulla_model *model, const bulla_row *row, const char **ret_field)
{
	size_t failed = 0, first = 0;
	for (size_t c = row->cell_count; c-- > 0;) {
		if (!row->cells[c].code) continue;
		failed++;
		first = row->cells[c].field;
	}
	bool whole = failed != 1 && failed == row->cell_count;
	*ret_field = failed == 0 || whole ? "" : model->fields[first].name;
	bulla_reason reason = bulla_reason_of(row->code);
	bool unknown = reason == BULLA_REASON_WRONG_KEY && row->keys && job->branches && job->was_used;
	return unknown && hangs_from_gone(job, model, row) ? BULLA_REASON_KEY_DESTROYED : reason;
}
