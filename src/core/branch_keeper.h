/*
 * branch_keeper.h - the table branch_keeper: leading a branch to its destruction, with the times and the audit records that belong
 * to it.
 *
 * Implemented by lib/branches.c, used by the job that shreds. Every call may be repeated, after a kill too: what was done stays done.
 */
#ifndef CORE_BRANCH_KEEPER_H
#define CORE_BRANCH_KEEPER_H

#include "core/branch_store.h"

/* What the store knows of all versions of a branch together. Times are microseconds since 1970; 0: not (yet). */
typedef struct bulla_branch_fate {
	size_t versions;          /* 0: there is no such branch */
	bulla_branch_state state; /* ACTIVE while one is, else CLOSING while one is, else DESTROYED */
	int64_t closed_us;        /* CLOSING and DESTROYED: since when it takes no new wraps */
	int64_t destroyed_us;     /* DESTROYED: when it was known for certain to be gone */
} bulla_branch_fate;

typedef struct bulla_branch_keeper {
	const bulla_branch_store *store;
	int64_t max_age_ms; /* how long processes may go on with a key after its branch was closed */
	bulla_code (*fate)(void *self, bulla_bytes identity, bulla_branch_fate *ret, bulla_error *err);
	/* No new wraps. KEY_DESTROYED when it is, NOT_FOUND. */
	bulla_code (*close)(void *self, bulla_bytes identity, bulla_error *err);
	/* Takes a closing back. KEY_DESTROYED, NOT_FOUND. */
	bulla_code (*reopen)(void *self, bulla_bytes identity, bulla_error *err);
	/* All versions, for good. With `closed` CONFLICT where the branch takes new wraps (again); without it need not have been
	 * closed. LOCKED and others as set_state() of the store has them. */
	bulla_code (*destroy)(void *self, bulla_bytes identity, bool closed, bulla_error *err);
	void *self;
} bulla_branch_keeper;

#endif
