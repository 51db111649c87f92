/*
 * keyring.h - which keys, which providers, in which order, with which cache limits, for one environment.
 *
 * Immutable after building but for its cache, which is locked inside: shareable between threads.
 */
#ifndef CORE_KEYRING_H
#define CORE_KEYRING_H

#include "core/branch_store.h"
#include "core/provider.h"
#include "core/schema.h"

#include <bulla/keyring.h>

typedef struct bulla_keyring_config {
	const bulla_schema *schema; /* outlives the keyring */
	bulla_provider_world world;
	const bulla_branch_store *branches; /* NULL: no branch keys, no indexes */
	const bulla_backend *backend;       /* of the lanes that seal and open; NULL: OpenSSL. Outlives the keyring */
	int64_t (*now_us)(void *self);      /* CLOCK_REALTIME unless a test turns it */
	void *now_self;
	void (*notify)(void *self, const bulla_notice *notice); /* may be NULL; called without locks held */
	void *notify_self;
	/* Counted uses of a cached key, at eviction or after 60 s: one CachedUse event. May be NULL. */
	void (*cached_use)(void *self, bulla_bytes print, uint64_t version, const char *purpose, int64_t count);
	void *cached_use_self;
	void (*release)(void *owner); /* called last by bulla_keyring_free(): what the keyring stands on */
	void *owner;
} bulla_keyring_config;

/* On failure `release` is not called: the caller still owns what it brought. */
BULLA_MUST bulla_code bulla_keyring_new(const bulla_keyring_config *config, bulla_keyring **out, bulla_error *err);
const bulla_schema *bulla_keyring_schema(const bulla_keyring *keyring);
const bulla_branch_store *bulla_keyring_branches(const bulla_keyring *keyring); /* NULL where there is none */
void *bulla_keyring_owner(const bulla_keyring *keyring);

#endif
