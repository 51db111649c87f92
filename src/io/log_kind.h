/*
 * log_kind.h - the table of an audit log: what io/log.h needs to know of a directory, or of a store that keeps its log itself.
 */
#ifndef IO_LOG_KIND_H
#define IO_LOG_KIND_H

#include "audit/checkpoint.h"
#include "io/log.h"

/* As the functions of io/log.h say. */
typedef struct bulla_log_kind {
	bulla_code (*append)(void *log, const bulla_bytes *entries, size_t n, uint64_t generation, bulla_log_head *ret_head,
			     bulla_error *err);
	/* The newest checkpoint. */
	bulla_code (*head)(bulla_log *log, bulla_checkpoint *ret, bulla_error *err);
	bulla_code (*root_at)(bulla_log *log, uint64_t size, uint8_t ret_root[static 32], bulla_error *err);
	bulla_code (*each)(bulla_log *log, uint64_t first, uint64_t end, bulla_log_visit each, void *self, bulla_error *err);
	void (*close)(bulla_log *log);
} bulla_log_kind;

/* What every open log begins with. */
struct bulla_log {
	const bulla_log_kind *kind;
};

#endif
