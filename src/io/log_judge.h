/*
 * log_judge.h - the checkpoints of a log against its entries: signature, order, root. The same wherever the log lies.
 */
#ifndef IO_LOG_JUDGE_H
#define IO_LOG_JUDGE_H

#include "audit/checkpoint.h"
#include "audit/tree.h"
#include "io/log.h"

/* One thread at a time. All but `last` is filled by the caller. */
typedef struct bulla_log_judge {
	const bulla_note_key *key;
	bulla_lane *lane;
	bulla_log_report *report;
	uint64_t size; /* entries that the log has */
	/* Reads on until the tree has `size` leaves, at most those of the log; `ret` stays the callee's. */
	bulla_code (*reach)(void *self, uint64_t size, const bulla_tree **ret, bulla_error *err);
	void *self;
	bulla_checkpoint last; /* the last one that was right */
} bulla_log_judge;

/* The next checkpoint of the log. AUDIT with a finding in the report; other codes are failures to read. */
BULLA_MUST bulla_code bulla_log_judge_note(bulla_log_judge *judge, bulla_bytes note, bulla_error *err);

/* Writes what was found to the report and returns AUDIT: a finding ends the verification, since whatever follows rests on it. */
bulla_code bulla_log_find(bulla_log_report *report, uint64_t first, uint64_t last, const char *format, ...) BULLA_PRINTF(4, 5);

#endif
