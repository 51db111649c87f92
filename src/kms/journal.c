/*
 * journal.c - gathers the events of one group of calls and appends them to the audit log at once.
 */
#include "kms/journal.h"

#include <stdlib.h>

#define KEEP_BYTES  (2u << 20) /* what a journal keeps of a large group */
#define JOURNAL_MAX ((size_t)BULLA_EVENT_MAX * (BULLA_ENGINE_GROUP_MAX + 1))

void bulla_kms_journal_done(bulla_kms_journal *journal)
{
	bulla_buf_done(&journal->bytes);
	free(journal->ends);
	free(journal->entries);
	*journal = (bulla_kms_journal){ 0 };
}

void bulla_kms_journal_clear(bulla_kms_journal *journal)
{
	if (journal->bytes.cap > KEEP_BYTES) bulla_buf_done(&journal->bytes);
	journal->bytes.len = 0; /* events are public: nothing to wipe */
	journal->n = 0;
}

bulla_code bulla_kms_journal_reserve(bulla_kms_journal *journal, size_t n, bulla_error *err)
{
	journal->bytes.max = JOURNAL_MAX;
	if (n <= journal->cap) return BULLA_OK;
	size_t *ends = reallocarray(journal->ends, n, sizeof *ends);
	if (ends) journal->ends = ends;
	bulla_bytes *entries = reallocarray(journal->entries, n, sizeof *entries);
	if (entries) journal->entries = entries;
	if (!ends || !entries) return bulla_fail_memory(err);
	journal->cap = n;
	return BULLA_OK;
}

bulla_code bulla_kms_journal_add(bulla_kms_journal *journal, const bulla_event *event, bulla_error *err)
{
	if (journal->n == journal->cap) TRY(bulla_kms_journal_reserve(journal, journal->cap + 8, err));
	TRY(bulla_event_encode(event, &journal->bytes, err));
	journal->ends[journal->n++] = journal->bytes.len;
	return BULLA_OK;
}

bulla_code bulla_kms_journal_append(bulla_kms_journal *journal, const bulla_audit_sink *sink, uint64_t generation,
				    bulla_log_head *ret_head, bulla_error *err)
{
	size_t start = 0;
	if (!sink->append) return bulla_fail(err, BULLA_ERR_AUDIT, "the engine was opened without an audit log: no key is used");
	for (size_t i = 0; i < journal->n; i++) {
		journal->entries[i] = bulla_view(journal->bytes.data + start, journal->ends[i] - start);
		start = journal->ends[i];
	}
	return sink->append(sink->self, journal->entries, journal->n, generation, ret_head, err);
}

bulla_code bulla_request_id(bulla_lane *lane, char out[static BULLA_UUID_TEXT + 1], bulla_error *err)
{
	uint8_t uuid[BULLA_UUID_SIZE];
	TRY(bulla_random(lane, uuid, sizeof uuid, err));
	bulla_uuid_mark(uuid);
	bulla_uuid_print(uuid, out);
	return BULLA_OK;
}
