/*
 * access.h - one request as permissions see it.
 */
#ifndef KMS_ACCESS_H
#define KMS_ACCESS_H

#include "base/bytes.h"

/* Who asks for what, of which resource, from where and when. All texts are views into what the caller holds; an empty one means that the request
 * has no such thing, and a condition on it finds nothing. One thread at a time; nothing here is written to. */
typedef struct bulla_access {
	bulla_bytes action; /* "kms:Decrypt", "cloudtrail:LookupEvents" */
	bulla_bytes
		resource; /* the ARN of the key or alias; empty where the operation has none (CreateKey, ListKeys): only "*" names it */
	bulla_bytes context;     /* the encryption context in its canonical bytes (base/context.h); empty for none */
	bulla_bytes principal;   /* the caller's ARN: user, root, or assumed-role session */
	bulla_bytes role;        /* the role's own ARN when `principal` is a session of it */
	bulla_bytes account;     /* 12 digits: the caller's */
	bulla_bytes user_name;   /* the friendly name; empty for sessions and root */
	bulla_bytes user_id;     /* the unique id */
	bulla_bytes source_ip;   /* as text, without a port */
	bulla_bytes user_agent;  /* as the client sent it */
	bulla_bytes region;      /* the region that was asked */
	int64_t now_us;          /* microseconds since 1970 */
	bool tls;                /* the request came over TLS */
	const bulla_pair *extra; /* further condition keys by their whole name ("kms:KeySpec", "aws:RequestTag/team"); a name that
				  * occurs again is a further value of that key. Their names compare without case. */
	size_t n_extra;
} bulla_access;

#endif
