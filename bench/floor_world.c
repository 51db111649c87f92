/*
 * floor_world.c - the world of the floor: a schema, and no keys at all.
 */
#include "world.h"

#include <stdlib.h>

bulla_code bench_world_open(bench_world *w, const char *yaml, const char *store_url, bulla_error *err)
{
	(void)store_url;
	*w = (bench_world){ 0 };
	TRY(bulla_schema_parse(bulla_view_str(yaml), "bench.yaml", "development", NULL, NULL, NULL, &w->schema, err));
	w->keyring = calloc(1, 1); /* the floor's batch does not look at it; a job asks that there is one */
	if (!w->keyring) return bulla_fail_memory(err);
	return bulla_schema_model(w->schema, "users", &w->model, err);
}

/* A rotation looks for these where branches differ from row to row, or one data key serves many: neither here. */
const bulla_branch_store *bulla_keyring_branches(const bulla_keyring *keyring)
{
	(void)keyring;
	return NULL;
}

void bulla_keyring_forget(bulla_keyring *keyring)
{
	(void)keyring;
}

void bench_world_close(bench_world *w)
{
	free(w->keyring);
	bulla_schema_free(w->schema);
}
