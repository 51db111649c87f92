/*
 * world.h - a keyring for benchmarks: one file: key given as bytes, branch keys in a store.
 */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include "core/keyring.h"
#include "store/store.h"

typedef struct bench_world {
	bulla_schema *schema;
	bulla_store *store;
	bulla_branch_store branches;
	bulla_keyring *keyring;
	const bulla_model *model; /* "users" */
} bench_world;

/* `yaml` must use `key: "env:BENCH_KEY"`; branch keys lie in the store at `store_url`. */
BULLA_MUST bulla_code bench_world_open(bench_world *world, const char *yaml, const char *store_url, bulla_error *err);
/* With other providers than the real ones. */
BULLA_MUST bulla_code bench_world_open_with(bench_world *world, const char *yaml, const char *store_url,
					    const bulla_provider *(*find)(bulla_bytes key_id), bulla_error *err);
void bench_world_close(bench_world *world);

/* Another keyring over the same branch keys, whose lanes seal and open with `backend`. Free it before the world is closed. */
BULLA_MUST bulla_code bench_world_keyring(const bench_world *world, const bulla_backend *backend, bulla_keyring **out,
					  bulla_error *err);

#endif
