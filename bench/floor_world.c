/*
 * floor_world.c - the world of the floor: a schema, and no keys at all.
 */
#include "world.h"

#include "core/rehang.h"
#include "io/drive.h"

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

/* What a rotation needs of the key store, which the floor has not. */
const bulla_branch_store *bulla_keyring_branches(const bulla_keyring *keyring)
{
	(void)keyring;
	return NULL;
}

bool bulla_rehang_is_due(const bulla_keyring *keyring, const bulla_branch_row *row)
{
	(void)keyring, (void)row;
	return false;
}

bulla_code bulla_rehang_new(bulla_keyring *keyring, bulla_rehang_row *rows, size_t n, bulla_rehang **out, bulla_error *err)
{
	(void)keyring, (void)rows, (void)n, (void)out, (void)err;
	return BULLA_ERR_USAGE;
}

bulla_op *bulla_rehang_op(bulla_rehang *rehang)
{
	(void)rehang;
	return NULL;
}

bulla_code bulla_drive(bulla_op *op, bulla_error *err)
{
	(void)op, (void)err;
	return BULLA_ERR_USAGE;
}

void bulla_rehang_free(bulla_rehang *rehang)
{
	(void)rehang;
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
