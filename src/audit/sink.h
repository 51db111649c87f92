/*
 * sink.h - the table of an audit log: who makes events durable.
 *
 * Implemented by the log directory (io/log.h), by stores that keep entries as rows, and by tests.
 */
#ifndef AUDIT_SINK_H
#define AUDIT_SINK_H

#include "audit/event.h"

/* The head of a log: how many entries, and the RFC 6962 root over them. */
typedef struct bulla_log_head {
	uint64_t size;
	uint8_t root[32];
} bulla_log_head;

/* Shareable between threads and processes: an implementation locks for itself and groups concurrent appends. */
typedef struct bulla_audit_sink {
	/* Appends `n` canonical entries in order and returns only when they are durable under a signed checkpoint;
	 * `ret_head` (may be NULL) is the head that includes them. AUDIT, IO, FULL, LOCKED: then none of them counts as
	 * recorded and the caller releases nothing. */
	bulla_code (*append)(void *self, const bulla_bytes *entries, size_t n, uint64_t generation, bulla_log_head *ret_head,
			     bulla_error *err);
	void *self;
} bulla_audit_sink;

#endif
