/*
 * grant_match.h - whether an encryption context meets the constraint of a grant.
 */
#ifndef KMS_GRANT_MATCH_H
#define KMS_GRANT_MATCH_H

#include "base/bytes.h"

/* Numbers are stored: append-only. */
typedef enum bulla_grant_constraint {
	BULLA_GRANT_ANY = 0,    /* no constraint */
	BULLA_GRANT_SUBSET = 1, /* EncryptionContextSubset: each pair of the constraint is in the context */
	BULLA_GRANT_EQUALS = 2  /* EncryptionContextEquals: and no other is */
} bulla_grant_constraint;

/* `pairs` is the constraint and `context` the request's encryption context, both in canonical bytes (base/context.h); empty means none. As AWS says it:
 * names compare without case (of ASCII letters), values with it. Where names of the context differ by case alone, each of them must be asked for: what the
 * constraint left open is not allowed. False too for bytes that are not canonical. A constraint is for operations that take an encryption context; whether
 * this one does is the caller's to know. */
bool bulla_grant_matches(bulla_grant_constraint constraint, bulla_bytes pairs, bulla_bytes context);

#endif
