/*
 * trail_event.h - one entry of the audit log as CloudTrail tells it (record contents, version 1.08).
 */
#ifndef SERVER_TRAIL_EVENT_H
#define SERVER_TRAIL_EVENT_H

#include "base/json.h"
#include "crypto/lane.h"
#include "kms/key_id.h"

/* An entry and what a question can be about. Texts are views of `event`. */
typedef struct bulla_trail_event {
	uint64_t index;
	const bulla_json *event;
	bulla_bytes name, user, access_key_id, resource;
	const char *source; /* "kms.amazonaws.com"; static */
	int64_t time_us;
	bool read_only;
	char id[BULLA_UUID_TEXT + 1]; /* bulla_trail_id(); empty before */
} bulla_trail_event;

#define BULLA_TRAIL_RESOURCE "AWS::KMS::Key"

/* False for an entry that says no time or no name. */
bool bulla_trail_read(const bulla_json *event, uint64_t index, bulla_trail_event *out);

/* The event's id: a UUID (version 8, RFC 9562) of 60 bits of the entry's hash and its place in the log; the same whenever it is asked. */
BULLA_MUST bulla_code bulla_trail_id(bulla_lane *lane, bulla_bytes entry, uint64_t index, char out[static BULLA_UUID_TEXT + 1],
				     bulla_error *err);
/* The place that such an id names; false for other ids. */
bool bulla_trail_place(bulla_bytes id, uint64_t *ret_index);

/* Writes an element of Events. */
void bulla_trail_put(bulla_json_writer *w, const bulla_trail_event *event, const bulla_realm *home);

#endif
