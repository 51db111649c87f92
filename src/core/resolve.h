/*
 * resolve.h - getting the branch keys, index keys and shared data keys that an op needs: from the cache, from the store through
 * their parents, or by making them.
 *
 * A want is one such key. The resolver walks all of an op's wants at once, so that a thousand cold keys are one query of the store and
 * one question to the KMS. A new key is inserted, read back and unwrapped before anybody gets it.
 */
#ifndef CORE_RESOLVE_H
#define CORE_RESOLVE_H

#include "core/op.h"

typedef struct bulla_resolver bulla_resolver;

/* What a want has become when the resolver is done: `key` is held for as long as the resolver, or `code` says why not. */
struct bulla_want_result {
	const bulla_cached_key *key;
	bulla_code code;
	bool tombstone; /* KEY_DESTROYED on purpose: the store has a tombstone */
};

BULLA_MUST bulla_code bulla_resolver_new(bulla_op *op, bulla_resolver **out, bulla_error *err);
void bulla_resolver_free(bulla_resolver *resolver); /* NULL is fine */

/* Forgets all wants, gives back their keys and ends their flights; memory is kept for the next op. */
void bulla_resolver_clear(bulla_resolver *resolver);

/* The key of that identity which seals now; made when there is none. Its parent is the constant branch `under`, or the environment's KMS keys.
 * `context` is what a SHARED key is bound to, and empty for others. Adding a want twice gives the same index. `uses` counts against
 * max_uses. */
BULLA_MUST bulla_code bulla_want_current(bulla_resolver *resolver, bulla_bytes identity, const char *under, bulla_bytes context,
					 uint64_t uses, size_t *ret_index, bulla_error *err);

/* The version of a branch key that a wrap refers to. */
BULLA_MUST bulla_code bulla_want_version(bulla_resolver *resolver, uint64_t version, uint64_t uses, size_t *ret_index,
					 bulla_error *err);

/* Of the branch keys that seal, one whose newest version was made before `us` gets a newer version first; of shared data keys too where
 * `shared`. Index keys keep theirs: an index is as old as its key. 0: never. Holds until it is said again. */
void bulla_resolver_since(bulla_resolver *resolver, int64_t us, bool shared);

/* More uses of a want that was added already. */
void bulla_want_use(bulla_resolver *resolver, size_t index, uint64_t uses);

/* One step of the op: DONE when every want has its result. */
BULLA_MUST bulla_code bulla_resolver_step(bulla_resolver *resolver, bulla_progress_made *ret, bulla_error *err);

struct bulla_want_result bulla_want_result(const bulla_resolver *resolver, size_t index);

/* The first failure's error, for a message; code OK when there was none. */
const bulla_error *bulla_resolver_error(const bulla_resolver *resolver);

#endif
