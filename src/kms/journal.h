/*
 * journal.h - the events of one group of calls, encoded one after the other, on their way to the audit log.
 */
#ifndef KMS_JOURNAL_H
#define KMS_JOURNAL_H

#include "audit/sink.h"
#include "crypto/lane.h"
#include "kms/key_id.h"

/* Zero it to begin. Kept between groups, so that a group allocates nothing. */
typedef struct bulla_kms_journal {
	bulla_buf bytes;
	size_t *ends;         /* of each event in `bytes` */
	bulla_bytes *entries; /* views, made when all are there */
	size_t n, cap;
} bulla_kms_journal;

void bulla_kms_journal_done(bulla_kms_journal *journal);
void bulla_kms_journal_clear(bulla_kms_journal *journal); /* keeps the memory, unless it has become large */

/* Room for `n` events. MEMORY. */
BULLA_MUST bulla_code bulla_kms_journal_reserve(bulla_kms_journal *journal, size_t n, bulla_error *err);
/* Encodes one more. */
BULLA_MUST bulla_code bulla_kms_journal_add(bulla_kms_journal *journal, const bulla_event *event, bulla_error *err);
/* Appends all to the log: durable on return. AUDIT when there is none. */
BULLA_MUST bulla_code bulla_kms_journal_append(bulla_kms_journal *journal, const bulla_audit_sink *sink, uint64_t generation,
					       bulla_log_head *ret_head, bulla_error *err);

/* Random text in the shape of a uuid. */
BULLA_MUST bulla_code bulla_request_id(bulla_lane *lane, char out[static BULLA_UUID_TEXT + 1], bulla_error *err);

#endif
