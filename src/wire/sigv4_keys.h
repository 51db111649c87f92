/*
 * sigv4_keys.h - signing keys that were derived already: a bounded cache.
 *
 * Deriving one takes four HMACs and the access key's secret, which is wrapped. A key is good for one access key, day, region and
 * service. Not locked: the caller does that, or has one per thread. Keys lie in a pool (base/pool.h). In a child of a fork the
 * cache is empty.
 *
 * A rotated or removed access key is forgotten with bulla_sigv4_keys_forget(): a key that is kept here verifies requests.
 */
#ifndef WIRE_SIGV4_KEYS_H
#define WIRE_SIGV4_KEYS_H

#include "base/pool.h"
#include "wire/sigv4.h"

#define BULLA_SIGV4_KEYS_MAX 512 /* keys in one cache; a new one takes the place of one that was not used lately */

typedef struct bulla_sigv4_keys bulla_sigv4_keys;

/* `pool` outlives it. MEMORY. */
BULLA_MUST bulla_code bulla_sigv4_keys_new(bulla_pool *pool, bulla_sigv4_keys **out, bulla_error *err);
void bulla_sigv4_keys_free(bulla_sigv4_keys *keys); /* wipes them; NULL is fine */

/* The key (BULLA_KEY_SIZE bytes) of the signature's access key and scope, good until the next call that changes `keys`; NULL
 * where it is not kept. */
const uint8_t *bulla_sigv4_keys_find(bulla_sigv4_keys *keys, const bulla_sigv4 *signature);

/* Keeps a copy of `key`: after a request has verified, so that nobody without a secret fills the cache. MEMORY; the cache is as
 * good as before. */
BULLA_MUST bulla_code bulla_sigv4_keys_add(bulla_sigv4_keys *keys, const bulla_sigv4 *signature,
					   const uint8_t key[static BULLA_KEY_SIZE], bulla_error *err);

/* All keys of one access key; with an empty `access_key_id` all there are. */
void bulla_sigv4_keys_forget(bulla_sigv4_keys *keys, bulla_bytes access_key_id);

#endif
