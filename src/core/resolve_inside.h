/*
 * resolve_inside.h - the wants of a resolver and their states, shared by the files that move them along.
 */
#ifndef CORE_RESOLVE_INSIDE_H
#define CORE_RESOLVE_INSIDE_H

#include "core/branch.h"
#include "core/resolve.h"
#include "core/wrapping.h"

#define BULLA_NO_PARENT SIZE_MAX

typedef enum bulla_want_state {
	WANT_CHECK = 1,  /* look into the cache */
	WANT_WAIT,       /* another op is fetching it */
	WANT_LOAD,       /* read its row */
	WANT_OPEN,       /* unwrap its row: by its parent ... */
	WANT_ASK_OPEN,   /* ... or by the KMS */
	WANT_CREATE,     /* make one under its parent ... */
	WANT_ASK_CREATE, /* ... or under the KMS keys */
	WANT_INSERT,     /* write the row that was made */
	WANT_DONE,
	WANT_FAILED
} bulla_want_state;

struct bulla_want {
	bulla_want_state state;
	bool current;  /* by identity; else by version */
	bool flying;   /* its flight in the cache is ours */
	unsigned made; /* how often we inserted a row for it */
	uint64_t version;
	int64_t created_us;
	uint64_t previous; /* the version that the one being made follows; `follows` says whether there is one */
	bool follows;
	bulla_buf identity;
	const char *under;
	bulla_buf given_context; /* SHARED */
	uint64_t uses;
	unsigned depth;
	size_t parent;
	const bulla_cached_key *key;
	bulla_code code;
	bulla_buf context; /* canonical, of the row being opened or made */
	bulla_buf wrapped; /* the row */
	bulla_branch_state row;
	bool closing;             /* a branch that it hangs from is */
	int64_t read_us;          /* when the row was asked for, or that of its parent if that was earlier */
	bool tombstone;           /* failed because the branch, or one above it, was destroyed on purpose */
	bulla_wrapping *wrapping; /* of a key that is being opened or made (core/wrapping.h); NULL for one that was cached */
};

typedef enum bulla_pending {
	PENDING_NOTHING = 0,
	PENDING_LOAD,
	PENDING_OPEN,
	PENDING_CREATE,
	PENDING_INSERT,
	PENDING_WAIT
} bulla_pending;

struct bulla_resolver {
	bulla_op *op;
	struct bulla_want **wants;
	size_t n, made, cap; /* those from n to made are spare */
	uint32_t *table;     /* index + 1 by hash; a power of two, at most half full */
	size_t table_size;
	bulla_pending pending;
	bulla_wrapping_round *round; /* the question under way */
	int64_t since_us;            /* see bulla_resolver_since() */
	bool since_shared;
	bulla_error error;
};

/* The want has failed: its flight ends, and the resolver remembers the first error. */
void bulla_want_fail(bulla_resolver *resolver, struct bulla_want *want, const bulla_error *e);
/* Wipes and frees the question about a key that was opened or made. */
void bulla_want_drop_wrapping(struct bulla_want *want);

/* Is that version of the want's key too old to seal? */
bool bulla_want_is_outdated(const bulla_resolver *resolver, const struct bulla_want *want, int64_t created_us);

/* Calls of the store, to be run by the host (resolve_store.c): reading the rows of all wants in WANT_LOAD, and writing those in WANT_INSERT. */
BULLA_MUST bulla_code bulla_resolver_load(void *resolver, bulla_error *err);
BULLA_MUST bulla_code bulla_resolver_insert(void *resolver, bulla_error *err);
/* After reading: what is absent is to be made, what is closed or destroyed fails. */
void bulla_want_judge(bulla_resolver *resolver, struct bulla_want *want);

#endif
