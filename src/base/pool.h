/*
 * pool.h - where long-lived keys live: locked, out of core files, between guard pages, not inherited by a child.
 *
 * Slots of 32 bytes on pages that are mlock'ed (as far as RLIMIT_MEMLOCK allows), MADV_DONTDUMP and
 * MADV_WIPEONFORK, with an inaccessible page on each side. Internally locked; shareable between threads.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/secret.h"
#include "base/error.h"

typedef struct bulla_pool bulla_pool;

BULLA_MUST bulla_code bulla_pool_new(bulla_pool **out, bulla_error *err);
/* Wipes and unmaps everything, slots still taken included. NULL is fine. */
void bulla_pool_free(bulla_pool *pool);

/* A zeroed slot; it stays at its address until given back. MEMORY when the system gives no more pages. */
BULLA_MUST bulla_code bulla_pool_take(bulla_pool *pool, bulla_secret **out, bulla_error *err);
/* Wipes the slot. NULL is fine. */
void bulla_pool_give(bulla_pool *pool, bulla_secret *slot);

/* True in a child of the process that made the pool: the kernel has zeroed every slot, so nothing in it is a key any more.
 * Ask before trusting a slot that may have been filled before a fork. Taking and giving go on working in the child. */
bool bulla_pool_is_wiped(const bulla_pool *pool);

/* What the kernel granted, for `doctor`: true when every page is locked / kept out of core files. */
bool bulla_pool_is_locked(const bulla_pool *pool);
bool bulla_pool_is_undumpable(const bulla_pool *pool);

/* Whole zeroed pages for secrets that come and go with a call: kept out of core files and locked as far as the kernel allows. A child of a fork
 * inherits them. MEMORY. */
BULLA_MUST bulla_code bulla_secret_pages_new(size_t size, void **ret, bulla_error *err);
/* Wipes and unmaps what _new gave for the same size. NULL is fine. */
void bulla_secret_pages_free(void *pages, size_t size);

#endif
