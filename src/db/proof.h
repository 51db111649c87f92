/*
 * proof.h - changing a table only as it was proven: every row looked at, and still the same under the lock.
 *
 * The verification is before the lock, in a snapshot or page by page (scan.c); under the lock nothing is opened. There, if
 * anybody has committed since that began, only the stored bytes are compared with what was verified (evidence.h); rows that
 * differ are looked at outside the lock, and the lock is taken again.
 */
#ifndef DB_PROOF_H
#define DB_PROOF_H

#include "db/verify.h"

typedef struct bulla_proof {
	bulla_run *run;
	/* Set by the caller after init: how rows are looked at, and what comes of it. */
	bulla_verify_judge compare;                                                     /* NULL: bulla_verify_compare */
	bulla_code (*judge)(void *self, const bulla_verified *found, bulla_error *err); /* a failure ends it */
	/* Between the verification and the lock, outside a transaction: does what is left to do; `ret_moved` when it has changed rows, which are looked at again.
	 * May be NULL. */
	bulla_code (*settle)(void *self, bool *ret_moved, bulla_error *err);
	bulla_code (*act)(void *self, bulla_error *err); /* under the lock */
	void *self;

	bulla_verify verify;
	bulla_verified found;  /* of the verification of every row */
	bool whole;            /* `found` still speaks of every row */
	bulla_evidence *known; /* what was verified */
	bulla_evidence *fresh; /* what is being verified */
	bulla_evidence *now;
	bulla_secret key;
	uint64_t mark; /* of before `known` was read */
} bulla_proof;

/* `indexes`: blind indexes are computed, to be compared. */
BULLA_MUST bulla_code bulla_proof_init(bulla_proof *proof, bulla_run *run, bool indexes, bulla_error *err);
void bulla_proof_done(bulla_proof *proof); /* also of one that is all zero */

/* Verifies, and calls act() in a transaction that is committed when it succeeds. BUSY when rows change faster than they can be
 * looked at. Steps for tests: "looked", "checked", "locked". */
BULLA_MUST bulla_code bulla_proof_run(bulla_proof *proof, bulla_error *err);

#endif
