/*
 * event.h - one audit event and its canonical bytes: the leaf of the log.
 *
 * The canonical form is one line of JSON with the members in the order of the structure below, absent ones left out,
 * no blanks; the same event always gives the same bytes. Contexts are public by definition; an event never holds a
 * plaintext or a key.
 *
 * An event of a request that came over the network says who asked, from where and for what as a CloudTrail record does (AWS CloudTrail
 * record contents, version 1.08): userIdentity in the place of principal, resources in that of key, and the encryption context among the
 * requestParameters. audit/event_read.h finds each in both.
 */
#ifndef AUDIT_EVENT_H
#define AUDIT_EVENT_H

#include "base/json.h"

#define BULLA_EVENT_MAX 65536 /* canonical bytes of one event (an entry of tlog-tiles has a u16 length) */

/* Where a request came from. All views; empty means absent. */
typedef struct bulla_event_origin {
	bulla_bytes account;       /* userIdentity: "accountId"; of the key that is used too */
	bulla_bytes user_arn;      /* "arn"; empty: nobody who is known ("type": "Unknown") */
	bulla_bytes user_name;     /* "userName" */
	bulla_bytes access_key_id; /* "accessKeyId", as it was presented */
	bulla_bytes source_ip;     /* "sourceIPAddress" */
	bulla_bytes user_agent;    /* "userAgent"; the first BULLA_USER_AGENT_MAX bytes */
	bulla_bytes region;        /* "awsRegion" */
	bulla_bytes parameters; /* "requestParameters": its members as JSON, without braces and without the encryption context */
	bulla_bytes error_code; /* "errorCode": the error's name in the protocol */
	bulla_bytes error_text; /* "errorMessage" */
	bool read_only;         /* "readOnly" */
} bulla_event_origin;

#define BULLA_USER_AGENT_MAX 256

/* All views; empty means absent. One thread at a time. */
typedef struct bulla_event {
	int64_t time_us;                  /* "eventTime": UTC, RFC 3339 with microseconds */
	const char *operation;            /* "eventName": GenerateDataKey, Decrypt, CreateKey, CachedUse, Discontinuity, ... */
	bulla_bytes principal;            /* "principal": local:<uid>/<user>@<host> */
	bulla_bytes key;                  /* "key": ARN of the KMS key, or the print of the branch */
	bulla_bytes material;             /* "material": raw material or branch-version id, printed in hex */
	bulla_bytes context;              /* "encryptionContext": canonical context bytes, printed as an object */
	bulla_bytes request_id;           /* "requestID" */
	const char *outcome;              /* "outcome": "ok", or the name of a bulla_code */
	uint64_t generation;              /* "generation" of the store when the event was made */
	int64_t count;                    /* "count": CachedUse only, how many uses; 0 = absent */
	bulla_bytes detail;               /* "detail": one line of public text: a reason, an alias, a period */
	const bulla_event_origin *origin; /* NULL: made inside this process */
} bulla_event;

/* Appends the canonical JSON (no newline). LIMIT above BULLA_EVENT_MAX - 1. */
BULLA_MUST bulla_code bulla_event_encode(const bulla_event *event, bulla_buf *out, bulla_error *err);

#endif
