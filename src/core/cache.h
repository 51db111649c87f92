/*
 * cache.h - the keys that this process holds open: bounded in age, uses and number, one flight per cold key, wiped when they go, lost in
 * a fork.
 *
 * Internally locked; shareable between threads. An entry that a caller holds stays readable until it is given back, even when it has been
 * evicted meanwhile.
 */
#ifndef CORE_CACHE_H
#define CORE_CACHE_H

#include "base/pool.h"
#include "core/branch_store.h"
#include "core/schema.h"

typedef struct bulla_cache bulla_cache;

/* How an entry is found. */
typedef enum bulla_cache_kind {
	BULLA_CACHE_VERSION = 1, /* id: 8 bytes, the version of a branch key */
	BULLA_CACHE_CURRENT = 2, /* id: a branch's identity; the version that seals now */
	BULLA_CACHE_DATA = 3     /* id: 32 bytes, a hash of the wrapped data key and its context */
} bulla_cache_kind;

/* Immutable while held. */
typedef struct bulla_cached_key {
	const bulla_secret *key;
	uint64_t version;     /* VERSION, CURRENT */
	int64_t created_us;   /* VERSION, CURRENT: when that version was made */
	bulla_bytes identity; /* VERSION, CURRENT: of the branch */
	bulla_bytes wrapped;  /* its wrapped form: what `data_key: table | field` stores beside each row */
	bool closing;         /* VERSION: the branch, or one that it hangs from, takes no new records */
	int64_t read_us; /* VERSION, CURRENT: when its row was read, or that of an older one among its parents: its age counts from
			    there, so that a branch that was closed is out of use max_age later. 0: counts from now */
} bulla_cached_key;

/* One line of what has been used since the last report. */
typedef void (*bulla_cache_report)(void *self, bulla_bytes identity, uint64_t version, int64_t count);

BULLA_MUST bulla_code bulla_cache_new(const bulla_cache_limits *limits, bulla_pool *pool, int64_t (*now_us)(void *self),
				      void *now_self, bulla_cache_report report, void *report_self, bulla_cache **out,
				      bulla_error *err);
void bulla_cache_free(bulla_cache *cache); /* reports what was not reported; NULL is fine */

typedef enum bulla_cache_outcome {
	BULLA_CACHE_HIT = 1,   /* `*ret` is held: give it back */
	BULLA_CACHE_YOURS = 2, /* cold: fetch it, then bulla_cache_put() or bulla_cache_land() */
	BULLA_CACHE_FLYING = 3 /* somebody else fetches it: bulla_cache_wait(), then ask again */
} bulla_cache_outcome;

/* `uses` is added on a hit. */
bulla_cache_outcome bulla_cache_get(bulla_cache *cache, bulla_cache_kind kind, bulla_bytes id, uint64_t uses,
				    const bulla_cached_key **ret);

/* Puts a fetched key under VERSION (and CURRENT too where `current`), or under DATA with `id`; copies the key into the pool, ends the flight of
 * (kind, id) and returns it held. */
BULLA_MUST bulla_code bulla_cache_put(bulla_cache *cache, bulla_cache_kind kind, bulla_bytes id, const bulla_cached_key *key,
				      uint64_t uses, const bulla_cached_key **ret, bulla_error *err);

/* Ends a flight without a key, so that another may try. */
void bulla_cache_land(bulla_cache *cache, bulla_cache_kind kind, bulla_bytes id);

void bulla_cache_give(bulla_cache *cache, const bulla_cached_key *key); /* NULL is fine */

/* Until some flight has ended, or `ms` have passed. */
void bulla_cache_wait(bulla_cache *cache, int ms);

void bulla_cache_tick(bulla_cache *cache);   /* drops what is too old, reports what was used 60 s ago */
void bulla_cache_forget(bulla_cache *cache); /* drops everything */
size_t bulla_cache_count(bulla_cache *cache);

#endif
