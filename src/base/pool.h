/*
 * pool.h - where long-lived keys live: slots of 32 bytes on secret pages (base/pages.h), handed out and wiped as they come back.
 *
 * Internally locked; shareable between threads. One pool for many keys: RLIMIT_MEMLOCK is often 8 MiB, and each lock takes a page of it.
 *
 * A child of a fork has no slot of its parent's: the pages are not even mapped there. It asks bulla_pool_generation() before it trusts a slot
 * that may have been taken before; taking and giving go on working, with pages of its own.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/pages.h"
#include "base/secret.h"

typedef struct bulla_pool bulla_pool;

#define BULLA_POOL_RUN_MAX 128 /* slots that are taken together */

BULLA_MUST bulla_code bulla_pool_new(bulla_pool **out, bulla_error *err);
/* Wipes and unmaps everything, slots still taken included. NULL is fine. */
void bulla_pool_free(bulla_pool *pool);

/* A zeroed slot; it stays at its address until given back. MEMORY when the system gives no more pages. */
BULLA_MUST bulla_code bulla_pool_take(bulla_pool *pool, bulla_secret **out, bulla_error *err);
/* `n` of them in one array. LIMIT above BULLA_POOL_RUN_MAX. */
BULLA_MUST bulla_code bulla_pool_take_run(bulla_pool *pool, size_t n, bulla_secret **out, bulla_error *err);
/* Wipes the slot. NULL is fine, and so is a slot of the parent's in a child. */
void bulla_pool_give(bulla_pool *pool, bulla_secret *slot);
void bulla_pool_give_run(bulla_pool *pool, bulla_secret *slots, size_t n);

/* 0 in the process that made the pool, one more in its child, and so on: a slot that was taken in another generation is gone. */
unsigned bulla_pool_generation(const bulla_pool *pool);
/* True in a child: no slot that the maker took is there any more. */
static inline bool bulla_pool_is_wiped(const bulla_pool *pool)
{
	return bulla_pool_generation(pool) != 0;
}

/* What keys lie in here, and what would tell of them: for `bulla doctor`. */
typedef struct bulla_secret_memory {
	bulla_memory_kind kind;
	bool locked;     /* never in swap: kind is SECRET or LOCKED */
	bool undumpable; /* secret memory is left out of core files */
	bool core_files_off; /* this process writes none: RLIMIT_CORE is 0, or it is not dumpable. Edge: a /proc/sys/kernel/core_pattern that
				begins with | is handed the core file whatever the limit */
	size_t lock_limit; /* RLIMIT_MEMLOCK in bytes; SIZE_MAX: none */
} bulla_secret_memory;

/* Looks at memory mapped for the purpose, as a pool's would be now. MEMORY. */
BULLA_MUST bulla_code bulla_secret_memory_look(bulla_secret_memory *out, bulla_error *err);
/* "memfd_secret", "locked" or "plain"; static. */
const char *bulla_memory_kind_name(bulla_memory_kind kind);

#endif
