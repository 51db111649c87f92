/*
 * log_kind.c - from an open log to its table.
 */
#include "io/log_kind.h"

void bulla_log_close(bulla_log *log)
{
	if (log) log->kind->close(log);
}

bulla_audit_sink bulla_log_sink(bulla_log *log)
{
	return (bulla_audit_sink){ .append = log->kind->append, .self = log };
}

bulla_code bulla_log_head_now(bulla_log *log, bulla_log_head *ret_head, bulla_error *err)
{
	bulla_checkpoint newest;
	TRY(log->kind->head(log, &newest, err));
	*ret_head = newest.head;
	return BULLA_OK;
}

bulla_code bulla_log_generation(bulla_log *log, uint64_t *ret_generation, bulla_error *err)
{
	bulla_checkpoint newest;
	TRY(log->kind->head(log, &newest, err));
	*ret_generation = newest.generation;
	return BULLA_OK;
}

bulla_code bulla_log_root_at(bulla_log *log, uint64_t size, uint8_t ret_root[static 32], bulla_error *err)
{
	return log->kind->root_at(log, size, ret_root, err);
}

bulla_code bulla_log_each(bulla_log *log, uint64_t first, uint64_t end, bulla_log_visit each, void *self, bulla_error *err)
{
	return log->kind->each(log, first, end, each, self, err);
}
