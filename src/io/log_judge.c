/*
 * log_judge.c - the checkpoints of a log against its entries.
 */
#include "io/log_judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

bulla_code bulla_log_find(bulla_log_report *report, uint64_t first, uint64_t last, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)vsnprintf(report->problem, sizeof report->problem, format, args);
	va_end(args);
	report->ok = false;
	report->bad_first = first;
	report->bad_last = last < first ? first : last;
	return BULLA_ERR_AUDIT;
}

static bulla_code check_order(const bulla_log_judge *j, const bulla_checkpoint *found)
{
	const uint64_t before = j->last.head.size;
	if (j->report->checkpoints > 0 && found->head.size <= before)
		return bulla_log_find(j->report, before, before,
				      "two checkpoints in a row are over %" PRIu64 " and %" PRIu64 " entries", before,
				      found->head.size);
	if (found->generation < j->last.generation)
		return bulla_log_find(j->report, before, found->head.size - 1,
				      "the generation falls from %" PRIu64 " to %" PRIu64, j->last.generation, found->generation);
	if (found->head.size > j->size)
		return bulla_log_find(j->report, j->size, found->head.size - 1,
				      "entries are missing: a checkpoint is over %" PRIu64 ", the log has %" PRIu64,
				      found->head.size, j->size);
	return BULLA_OK;
}

bulla_code bulla_log_judge_note(bulla_log_judge *j, bulla_bytes note, bulla_error *err)
{
	const uint64_t before = j->last.head.size;
	const bulla_tree *tree = NULL;
	uint8_t root[BULLA_HASH_SIZE];
	bulla_checkpoint found;
	bulla_error why = { 0 };
	bulla_code code = bulla_checkpoint_verify(j->key, note, &found, &why);
	if (code == BULLA_ERR_AUDIT) return bulla_log_find(j->report, before, j->size ? j->size - 1 : 0, "%s", why.text);
	if (code) {
		if (err) *err = why;
		return code;
	}
	TRY(check_order(j, &found));
	TRY(j->reach(j->self, found.head.size, &tree, err));
	TRY(bulla_tree_root(tree, j->lane, root, err));
	if (memcmp(root, found.head.root, sizeof root) != 0)
		return bulla_log_find(j->report, before, found.head.size ? found.head.size - 1 : 0,
				      "the entries do not give the root of the checkpoint over %" PRIu64, found.head.size);
	j->last = found;
	j->report->checkpoints++;
	return BULLA_OK;
}
