/*
 * world.c - building the keyring of the benchmarks.
 */
#include "world.h"

#include "io/file.h"
#include "provider/providers.h"

static const char *key_of(void *self, const char *name)
{
	(void)self;
	(void)name;
	return "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
}

typedef const bulla_provider *(*finder)(bulla_bytes key_id);

static bulla_code open_keyring(const bench_world *w, finder find, const bulla_backend *backend, bulla_keyring **out,
			       bulla_error *err)
{
	bulla_keyring_config config = { .schema = w->schema,
					.world = { .find = find, .base_dir = ".", .getenv = key_of },
					.branches = &w->branches,
					.backend = backend,
					.now_us = bulla_now_us };
	return bulla_keyring_new(&config, out, err);
}

bulla_code bench_world_keyring(const bench_world *w, const bulla_backend *backend, bulla_keyring **out, bulla_error *err)
{
	return open_keyring(w, bulla_provider_find, backend, out, err);
}

bulla_code bench_world_open_with(bench_world *w, const char *yaml, const char *store_url, finder find, bulla_error *err)
{
	*w = (bench_world){ 0 };
	TRY(bulla_schema_parse(bulla_view_str(yaml), "bench.yaml", "development", NULL, NULL, NULL, &w->schema, err));
	TRY(bulla_store_open(store_url, true, &w->store, err));
	w->branches = bulla_store_branches(w->store);
	TRY(open_keyring(w, find, NULL, &w->keyring, err));
	return bulla_schema_model(w->schema, "users", &w->model, err);
}

bulla_code bench_world_open(bench_world *w, const char *yaml, const char *store_url, bulla_error *err)
{
	return bench_world_open_with(w, yaml, store_url, bulla_provider_find, err);
}

void bench_world_close(bench_world *w)
{
	bulla_keyring_free(w->keyring);
	bulla_store_close(w->store);
	bulla_schema_free(w->schema);
}
