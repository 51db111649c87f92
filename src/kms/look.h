/*
 * look.h - reading what the store holds on somebody's behalf.
 */
#ifndef KMS_LOOK_H
#define KMS_LOOK_H

#include "kms/caller.h"
#include "kms/snapshot.h"

typedef struct bulla_look {
	const bulla_caller *caller;
	const char *operation; /* "DescribeKey" */
	const char *action;    /* what must be permitted: "kms:DescribeKey" */
	bulla_bytes key_id;    /* of the key that is looked at; empty: none */
	bulla_bytes resource;  /* without a key: an ARN, or empty */
	/* Writes the answer from the image. It leaves this process only when bulla_engine_look() is BULLA_OK. `key` is NULL without a key id. */
	bulla_code (*tell)(void *self, const bulla_snapshot *now, const bulla_key *key, bulla_error *err);
	void *self;
} bulla_look;

/* Finds the key, asks whether the caller may, lets `tell` write the answer, and makes the record, which is durable on return. NOT_FOUND, DENIED,
 * what `tell` says; AUDIT and what the store says. */
BULLA_MUST bulla_code bulla_engine_look(bulla_engine *engine, const bulla_look *look, bulla_error *err);

#endif
