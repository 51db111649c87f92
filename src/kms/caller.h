/*
 * caller.h - on whose behalf the engine is asked: a principal of its store, from an address of the network.
 *
 * Where a call has no caller (NULL) it is the engine's own process that asks: the root key lies there, so policies would bind nobody. Its
 * calls are on record under the engine's principal, and obey freezes.
 */
#ifndef KMS_CALLER_H
#define KMS_CALLER_H

#include "base/bytes.h"
#include "base/error.h"

#define BULLA_GRANT_TOKENS_MAX 10

/* All views; they live until the call returns. */
typedef struct bulla_caller {
	bulla_bytes principal;     /* name; empty: nobody who is known, and nothing is permitted */
	bulla_bytes access_key_id; /* as it was presented */
	bulla_bytes source_ip;     /* text, without a port */
	bulla_bytes user_agent;
	bulla_bytes request_id; /* text of a uuid, which the reply carries too */
	bulla_bytes region;     /* of the endpoint that was addressed; empty: the engine's */
	bulla_bytes parameters; /* for the record: a JSON object without secrets; empty: the encryption context alone */
	bool tls;
	bool dry_run; /* everything but the deed: an answer that is BULLA_OK, and empty, means that it would have been done */
	/* The protocol's name of a failure, for the record; static text. */
	const char *(*error_name)(const struct bulla_caller *self, bulla_code code);
	bool names_key; /* the request names a key: for error_name */
} bulla_caller;

#endif
