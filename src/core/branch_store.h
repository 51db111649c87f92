/*
 * branch_store.h - the table branch_store: where branch keys and index keys lie, wrapped.
 *
 * Implemented by store/memory.c and store/sqlite.c. Shareable between threads and, for SQLite, between processes.
 * What `each` calls must not call the store: it is held meanwhile.
 */
#ifndef CORE_BRANCH_STORE_H
#define CORE_BRANCH_STORE_H

#include "base/buf.h"

/* What hangs from the key. SHARED is the data key itself of data_key: field | table. */
typedef enum bulla_branch_purpose {
	BULLA_BRANCH_RECORD = 1,
	BULLA_BRANCH_INDEX = 2,
	BULLA_BRANCH_SHARED = 3
} bulla_branch_purpose;
typedef enum bulla_branch_state {
	BULLA_BRANCH_ACTIVE = 1,
	BULLA_BRANCH_CLOSING = 2,  /* no new wraps */
	BULLA_BRANCH_DESTROYED = 3 /* tombstone: `wrapped` is empty */
} bulla_branch_state;

/* Who a branch is: unique on `identity` (core/branch.h), opaque bytes for a store. The print is for people: two branches may share
 * one. */
typedef struct bulla_branch_row {
	bulla_bytes identity; /* at most 1024 bytes */
	bulla_bytes print;    /* "user:42"; `:` `/` `%` in values percent-encoded */
	uint64_t version;     /* random, unique in the store, never reused: the reference in wrapped keys */
	bulla_branch_state state;
	bulla_bytes wrapped; /* the branch key as a wrapped data key (format/wrapped_key.h) under its parent */
	int64_t created_us;
} bulla_branch_row;

/* Which rows: one member is set. */
typedef struct bulla_branch_query {
	bulla_bytes print;
	bool closing;     /* in the state CLOSING */
	int64_t since_us; /* created then or later */
} bulla_branch_query;

typedef struct bulla_branch_store {
	/* For each of `n` identities the newest version that is not destroyed, else the newest tombstone: calls `each` with the index
	 * into `identities`; not called where there is none. Views live until `each` returns. */
	bulla_code (*current)(void *self, const bulla_bytes *identities, size_t n,
			      bulla_code (*each)(void *each_self, size_t index, const bulla_branch_row *row, bulla_error *err),
			      void *each_self, bulla_error *err);
	/* The same by version. */
	bulla_code (*by_version)(void *self, const uint64_t *versions, size_t n,
				 bulla_code (*each)(void *each_self, size_t index, const bulla_branch_row *row, bulla_error *err),
				 void *each_self, bulla_error *err);
	/* Every version of one branch, oldest first. */
	bulla_code (*versions)(void *self, bulla_bytes identity,
			       bulla_code (*each)(void *each_self, const bulla_branch_row *row, bulla_error *err),
			       void *each_self, bulla_error *err);
	/* Inserts the first version of branches in one durable transaction. A row whose identity exists already is left out in
	 * silence (another process was first: read it back); CONFLICT when a version number is taken. */
	bulla_code (*create)(void *self, const bulla_branch_row *rows, size_t n, bulla_error *err);
	/* Adds a newer version of one branch, provided that `previous` is still its newest; CONFLICT otherwise. An active one is
	 * refused with KEY_CLOSING or KEY_DESTROYED where that is what the branch is. */
	bulla_code (*rotate)(void *self, uint64_t previous, const bulla_branch_row *row, bulla_error *err);
	/* The same for many branches in one durable transaction. A row whose `previous` is no longer the newest, or whose branch is
	 * closing or destroyed, is left out in silence (another process was first: read it back). */
	bulla_code (*rotate_all)(void *self, const uint64_t *previous, const bulla_branch_row *rows, size_t n, bulla_error *err);
	/* Replaces `wrapped` of one version (a parent was rotated), provided that it still equals `old_wrapped`; CONFLICT otherwise. */
	bulla_code (*rewrap)(void *self, uint64_t version, bulla_bytes old_wrapped, bulla_bytes new_wrapped, bulla_error *err);
	/* Moves every version of one branch that is in `from` to `to`, in one durable transaction; what is in `to` or destroyed stays,
	 * so that a repeated call is fine. DESTROYED empties `wrapped`: the rows stay as tombstones, their numbers and the identity
	 * taken, and the bytes leave the store's files. NOT_FOUND; CONFLICT, with nothing changed, when a version is in a third state;
	 * KEY_DESTROYED where nothing is left to leave that state; LOCKED before the change, or after DESTROYED while another
	 * process keeps the old bytes readable in the store's log: call again. */
	bulla_code (*set_state)(void *self, bulla_bytes identity, bulla_branch_state from, bulla_branch_state to,
				bulla_error *err);
	/* The rows that a query names, found without a look at the others; ordered by identity then creation. */
	bulla_code (*some)(void *self, const bulla_branch_query *query,
			   bulla_code (*each)(void *each_self, const bulla_branch_row *row, bulla_error *err), void *each_self,
			   bulla_error *err);
	/* Every row, ordered by identity then creation. */
	bulla_code (*each)(void *self, bulla_code (*each)(void *each_self, const bulla_branch_row *row, bulla_error *err),
			   void *each_self, bulla_error *err);
	void *self;
} bulla_branch_store;

#endif
