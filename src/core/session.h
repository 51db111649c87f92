/*
 * session.h - the inside of a keyring: its sessions with KMS keys, its cache, its spare workbenches.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "core/cache.h"
#include "core/keyring.h"
#include "core/latch.h"

#include <stdatomic.h>

typedef enum bulla_session_role {
	BULLA_SESSION_CURRENT = 1, /* of the environment's `keys`: wraps and unwraps */
	BULLA_SESSION_NAMED = 2,   /* of a model's `data_keys`: wraps that key only, unwraps */
	BULLA_SESSION_PREVIOUS = 3 /* unwraps only */
} bulla_session_role;

typedef struct bulla_session {
	const bulla_provider *provider;
	void *handle;
	char *key_id;
	bulla_session_role role;
} bulla_session;

struct bulla_keyring {
	bulla_keyring_config config;
	bulla_pool *pool;
	bulla_cache *cache;
	bulla_session *sessions; /* in the order in which they are tried */
	size_t session_count;
	atomic_uint_fast64_t questions;
	bulla_latch *latch;        /* of `spare` */
	struct bulla_batch *spare; /* workbenches of finished records, one list */
	size_t spare_count;
};

/* The session that wraps for `key_id`; NULL when the keyring has none. */
const bulla_session *bulla_keyring_session(const bulla_keyring *keyring, const char *key_id);

/* The first session at or after `*from` whose key made that wrap; moves `*from` behind it. NULL when none is left. */
const bulla_session *bulla_keyring_unwrapper(const bulla_keyring *keyring, uint8_t kind, uint64_t reference, bulla_bytes blob,
					     size_t *from);
/* Does a service of this keyring know that the key of such a wrap was destroyed? Nobody is asked. */
bool bulla_keyring_is_destroyed(const bulla_keyring *keyring, uint8_t kind, bulla_bytes blob);

bool bulla_session_can_unwrap(const bulla_session *session);

#endif
