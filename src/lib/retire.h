/*
 * retire.h - the gate through which a KMS key goes before it is deleted: close, wait twice max_age, census, waiting period, census, delete.
 *
 * Each call takes the next step or refuses it; the times are in the key store, so that nobody has to wait in between. What refers to the key is
 * counted by the caller (db/wraps.h), since the key store does not see tables.
 */
#ifndef LIB_RETIRE_H
#define LIB_RETIRE_H

#include "lib/references.h"

#define BULLA_RETIRE_DAYS_MIN 7 /* the waiting period, as AWS KMS has it */
#define BULLA_RETIRE_DAYS_MAX 30

typedef enum bulla_retire_step {
	BULLA_RETIRE_CLOSED = 1,    /* nothing new is wrapped under it from now on */
	BULLA_RETIRE_SCHEDULED = 2, /* it answers nothing from now on, and can still be taken back */
	BULLA_RETIRE_DELETED = 3
} bulla_retire_step;

typedef struct bulla_retire_options {
	uint32_t days; /* of the waiting period */
	/* Environments of bulla.yaml that have this key store, or NULL: */
	const char *used_by;  /* one that still wraps with the key: not to be closed in passing */
	const char *named_by; /* one that names it at all: without it, nothing would start there */
	/* Goes on whatever refers to the key, and closes and schedules at once. It shortens no waiting period. */
	bool force;
	/* Adds the rows of every table to `refs`. With `every_row` no index is to be trusted. A failure is taken for references. */
	bulla_code (*count)(void *self, bool every_row, bulla_references *refs, bulla_error *err);
	void *self;
} bulla_retire_options;

typedef struct bulla_retirement {
	bulla_retire_step step;         /* that this call has taken */
	int64_t next_us;                /* when the next one can be taken; 0 after the last */
	bool counted;                   /* there was a census: */
	bulla_reference_sum references; /* what it found */
} bulla_retirement;

/* When a closed key can be scheduled for deletion: twice max_age after its closing. */
int64_t bulla_retire_settled(const bulla_project *project, const bulla_key_info *key);

/* Takes the next step with the engine's key `key`. REFUSED, saying what refers to it or until when to wait. Every step and every census is on record
 * (KeyCensus; with `force` RetirementForced too). `refs` receives what was counted. Open as ENGINE or deeper. */
BULLA_MUST bulla_code bulla_project_retire(bulla_project *project, const bulla_key_info *key, const bulla_retire_options *options,
					   bulla_references *refs, bulla_retirement *ret, bulla_error *err);

/* Appends "users.encrypted_kms_key has 1200 rows of version 5d01...; 2 branch keys hang from it: users, index:users/email": what hangs from the
 * subject that bulla_references_select() was asked about, cut where it becomes long. */
BULLA_MUST bulla_code bulla_references_tell(const bulla_references *refs, const bulla_reference_sum *sum, bulla_buf *out,
					    bulla_error *err);

#endif
