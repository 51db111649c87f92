/*
 * sigv4_keys.c - a set-associative cache of signing keys.
 */
#include "wire/sigv4_keys.h"

#include <stdlib.h>

enum { WAYS = 8, SETS = BULLA_SIGV4_KEYS_MAX / WAYS };

typedef struct entry {
	char credential[BULLA_SIGV4_CREDENTIAL_MAX];
	size_t len, id_len;
	uint64_t used;     /* the cache's clock at the last use */
	bulla_secret *key; /* NULL: empty */
} entry;

struct bulla_sigv4_keys {
	bulla_pool *pool;
	unsigned generation;
	uint64_t clock;
	entry sets[SETS][WAYS];
};

bulla_code bulla_sigv4_keys_new(bulla_pool *pool, bulla_sigv4_keys **out, bulla_error *err)
{
	bulla_sigv4_keys *keys = calloc(1, sizeof *keys);
	if (!keys) return bulla_fail_memory(err);
	keys->pool = pool;
	keys->generation = bulla_pool_generation(pool);
	*out = keys;
	return BULLA_OK;
}

static void empty(bulla_sigv4_keys *keys, entry *e)
{
	bulla_pool_give(keys->pool, e->key);
	*e = (entry){ 0 };
}

void bulla_sigv4_keys_forget(bulla_sigv4_keys *keys, bulla_bytes access_key_id)
{
	for (entry *e = keys->sets[0]; e < keys->sets[0] + BULLA_SIGV4_KEYS_MAX; e++)
		if (access_key_id.len == 0 || bulla_bytes_equal(bulla_view(e->credential, e->id_len), access_key_id))
			empty(keys, e);
}

void bulla_sigv4_keys_free(bulla_sigv4_keys *keys)
{
	if (!keys) return;
	bulla_sigv4_keys_forget(keys, bulla_view(NULL, 0));
	free(keys);
}

/* FNV-1a. Whoever steers it needs access keys of his own, and pushes out keys of one set. */
static entry *set_of(bulla_sigv4_keys *keys, bulla_bytes credential)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < credential.len; i++)
		hash = (hash ^ credential.data[i]) * 16777619u;
	return keys->sets[(hash ^ hash >> 16) % SETS];
}

static entry *find(bulla_sigv4_keys *keys, bulla_bytes credential)
{
	entry *set = set_of(keys, credential);
	for (entry *e = set; e < set + WAYS; e++)
		if (e->key && bulla_bytes_equal(bulla_view(e->credential, e->len), credential)) return e;
	return NULL;
}

/* In a child the slots of the parent are not there. */
static void enter(bulla_sigv4_keys *keys)
{
	unsigned generation = bulla_pool_generation(keys->pool);
	if (generation == keys->generation) return;
	bulla_sigv4_keys_forget(keys, bulla_view(NULL, 0));
	keys->generation = generation;
}

const uint8_t *bulla_sigv4_keys_find(bulla_sigv4_keys *keys, const bulla_sigv4 *signature)
{
	enter(keys);
	entry *e = find(keys, signature->credential);
	if (!e) return NULL;
	e->used = ++keys->clock;
	return e->key->bytes;
}

/* An empty place, else the one that was not used for longest. */
static entry *place_for(bulla_sigv4_keys *keys, bulla_bytes credential)
{
	entry *set = set_of(keys, credential), *oldest = set;
	for (entry *e = set; e < set + WAYS; e++) {
		if (!e->key) return e;
		if (e->used < oldest->used) oldest = e;
	}
	return oldest;
}

bulla_code bulla_sigv4_keys_add(bulla_sigv4_keys *keys, const bulla_sigv4 *signature, const uint8_t key[static BULLA_KEY_SIZE],
				bulla_error *err)
{
	bulla_bytes credential = signature->credential;
	enter(keys);
	entry *e = find(keys, credential);
	if (!e) e = place_for(keys, credential);
	if (!e->key) TRY(bulla_pool_take(keys->pool, &e->key, err));
	memcpy(e->credential, credential.data, credential.len);
	e->len = credential.len;
	e->id_len = signature->access_key_id.len;
	e->used = ++keys->clock;
	memcpy(e->key->bytes, key, BULLA_KEY_SIZE);
	return BULLA_OK;
}
