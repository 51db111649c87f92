/*
 * references.c - gathering what hangs from which key: rows column by column, then the key store's side.
 */
#include "lib/references.h"

#include "core/branch.h"
#include "format/wrapped_key.h"
#include "lib/inside.h"
#include "provider/providers.h"

#include <stdlib.h>

void bulla_references_init(bulla_references *refs)
{
	*refs = (bulla_references){ .arena = { .max = 1u << 30 } };
}

void bulla_references_done(bulla_references *refs)
{
	for (size_t i = 0; i < refs->other_count; i++)
		refs->others[i].provider->close(refs->others[i].session);
	free(refs->columns);
	free(refs->rows);
	free(refs->slots);
	free(refs->branches);
	free(refs->keys);
	free(refs->materials);
	free(refs->others);
	bulla_arena_done(&refs->arena);
	*refs = (bulla_references){ 0 };
}

/* Room for one more of `size` bytes in a list of `n`. */
static bulla_code grow(void *list, size_t n, size_t *max, size_t size, bulla_error *err)
{
	void **at = list;
	if (n < *max) return BULLA_OK;
	if (n >= BULLA_REFERENCES_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a census has at most %u different keys", BULLA_REFERENCES_MAX);
	size_t wanted = *max ? 2 * *max : 64;
	void *grown = realloc(*at, wanted * size);
	if (!grown) return bulla_fail_memory(err);
	*at = grown;
	*max = wanted;
	return BULLA_OK;
}

/* --- rows ---------------------------------------------------------------------------------------------------------- */
static size_t hash_of(bulla_reference key)
{
	uint64_t h = (key.reference ^ key.kind) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(h ^ (h >> 29));
}

/* The slot of the key, or the free one where it belongs. */
static size_t *slot_of(const bulla_references *refs, bulla_reference key)
{
	size_t at = hash_of(key) & (refs->slot_count - 1);
	for (; refs->slots[at]; at = (at + 1) & (refs->slot_count - 1)) {
		const bulla_reference *there = &refs->rows[refs->slots[at] - 1].key;
		if (there->kind == key.kind && there->reference == key.reference) break;
	}
	return &refs->slots[at];
}

/* At most half of the slots are taken. */
static bulla_code grow_slots(bulla_references *refs, bulla_error *err)
{
	if (2 * (refs->row_count - refs->open_first + 1) <= refs->slot_count) return BULLA_OK;
	size_t n = refs->slot_count ? 4 * refs->slot_count : 256;
	size_t *slots = calloc(n, sizeof *slots);
	if (!slots) return bulla_fail_memory(err);
	free(refs->slots);
	refs->slots = slots;
	refs->slot_count = n;
	for (size_t i = refs->open_first; i < refs->row_count; i++)
		*slot_of(refs, refs->rows[i].key) = i + 1;
	return BULLA_OK;
}

static bulla_code add_one(bulla_references *refs, bulla_reference key, uint64_t rows, bulla_error *err)
{
	TRY(grow(&refs->rows, refs->row_count, &refs->row_max, sizeof *refs->rows, err));
	TRY(grow_slots(refs, err));
	size_t *slot = slot_of(refs, key);
	if (*slot == 0) {
		*slot = ++refs->row_count;
		refs->rows[*slot - 1] = (bulla_reference_rows){ .column = refs->column_count, .key = key };
	}
	refs->rows[*slot - 1].rows += rows;
	return BULLA_OK;
}

/* A record that has two wraps by one key hangs from it once. */
static bool is_repeated(const bulla_reference *wraps, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (wraps[j].kind == wraps[i].kind && wraps[j].reference == wraps[i].reference) return true;
	return false;
}

bulla_code bulla_references_add(bulla_references *refs, const bulla_reference *wraps, size_t n, uint64_t rows, bulla_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (!is_repeated(wraps, i)) TRY(add_one(refs, wraps[i], rows, err));
	refs->open.rows += rows;
	if (n == 0) refs->open.unreadable += rows;
	return BULLA_OK;
}

static int most_first(const void *a, const void *b)
{
	const bulla_reference_rows *x = a, *y = b;
	if (x->rows != y->rows) return x->rows < y->rows ? 1 : -1;
	if (x->key.kind != y->key.kind) return x->key.kind < y->key.kind ? -1 : 1;
	return (x->key.reference > y->key.reference) - (x->key.reference < y->key.reference);
}

bulla_code bulla_references_column(bulla_references *refs, const char *database, const char *model, const char *table,
				   const char *column, bool indexed, bulla_error *err)
{
	bulla_reference_column *c = &refs->open;
	c->indexed = indexed;
	TRY(bulla_arena_copy(&refs->arena, bulla_view_str(database), &c->database, err));
	TRY(bulla_arena_copy(&refs->arena, bulla_view_str(model), &c->model, err));
	TRY(bulla_arena_copy(&refs->arena, bulla_view_str(table), &c->table, err));
	TRY(bulla_arena_copy(&refs->arena, bulla_view_str(column), &c->column, err));
	TRY(grow(&refs->columns, refs->column_count, &refs->column_max, sizeof *refs->columns, err));
	refs->columns[refs->column_count++] = *c;
	size_t n = refs->row_count - refs->open_first;
	if (n) qsort(refs->rows + refs->open_first, n, sizeof *refs->rows, most_first);
	refs->open = (bulla_reference_column){ 0 };
	refs->open_first = refs->row_count;
	if (refs->slots) memset(refs->slots, 0, refs->slot_count * sizeof *refs->slots);
	return BULLA_OK;
}

/* --- branch keys ----------------------------------------------------------------------------------------------------- */
static bulla_code take_wraps(bulla_references *refs, bulla_reference_branch *branch, bulla_bytes wrapped, bulla_error *err)
{
	bulla_wrapped_key key;
	bulla_reference *under = NULL;
	TRY(bulla_wrapped_key_parse(wrapped, &key, err));
	TRY(bulla_arena_take(&refs->arena, key.wrap_count, sizeof *under, &under, err));
	for (size_t i = 0; i < key.wrap_count; i++)
		under[i] = (bulla_reference){ key.wraps[i].kind, key.wraps[i].reference };
	branch->under = under;
	branch->under_count = key.wrap_count;
	return BULLA_OK;
}

static bulla_code take_branch(void *self, const bulla_branch_row *row, bulla_error *err)
{
	bulla_references *refs = self;
	TRY(grow(&refs->branches, refs->branch_count, &refs->branch_max, sizeof *refs->branches, err));
	bulla_reference_branch *branch = &refs->branches[refs->branch_count];
	*branch = (bulla_reference_branch){ .version = row->version, .state = row->state, .created_us = row->created_us };
	TRY(bulla_branch_purpose_of(row->identity, &branch->purpose, err));
	TRY(bulla_arena_copy(&refs->arena, row->print, &branch->print, err));
	if (row->state != BULLA_BRANCH_DESTROYED) TRY(take_wraps(refs, branch, row->wrapped, err));
	refs->branch_count++;
	return BULLA_OK;
}

static int by_version(const void *a, const void *b)
{
	const bulla_reference_branch *x = a, *y = b;
	return (x->version > y->version) - (x->version < y->version);
}

const bulla_reference_branch *bulla_references_branch(const bulla_references *refs, uint64_t version)
{
	bulla_reference_branch wanted = { .version = version };
	if (!refs->branch_count) return NULL;
	return bsearch(&wanted, refs->branches, refs->branch_count, sizeof wanted, by_version);
}

static bulla_code join_branches(bulla_references *refs, bulla_project *project, bulla_error *err)
{
	const bulla_branch_store *store = &project->branches;
	if (!project->store) return BULLA_OK;
	TRY(store->each(store->self, take_branch, refs, err));
	if (refs->branch_count) qsort(refs->branches, refs->branch_count, sizeof *refs->branches, by_version);
	for (size_t i = 0; i < refs->row_count; i++) {
		bulla_reference_rows *r = &refs->rows[i];
		if (r->key.kind != BULLA_WRAP_BRANCH) continue;
		r->branch = bulla_references_branch(refs, r->key.reference);
		if (r->branch) refs->branches[r->branch - refs->branches].rows += r->rows;
	}
	return BULLA_OK;
}

/* --- KMS keys --------------------------------------------------------------------------------------------------------- */
static int by_id(const void *a, const void *b)
{
	return memcmp(((const bulla_material_info *)a)->id, ((const bulla_material_info *)b)->id, BULLA_MATERIAL_ID_SIZE);
}

static bulla_code join_engine(bulla_references *refs, bulla_project *project, bulla_error *err)
{
	if (!project->engine) return BULLA_OK;
	TRY(bulla_engine_list(project->engine, &refs->keys, &refs->key_count, err));
	TRY(bulla_engine_materials(project->engine, &refs->materials, &refs->material_count, err));
	if (refs->material_count) qsort(refs->materials, refs->material_count, sizeof *refs->materials, by_id);
	return BULLA_OK;
}

const bulla_key_info *bulla_references_engine_key(const bulla_references *refs, bulla_reference key)
{
	bulla_material_info wanted = { 0 };
	if (key.kind != BULLA_WRAP_ENGINE || !refs->material_count) return NULL;
	bulla_put_u64(wanted.id, key.reference);
	const bulla_material_info *material = bsearch(&wanted, refs->materials, refs->material_count, sizeof wanted, by_id);
	for (size_t i = 0; material && i < refs->key_count; i++)
		if (memcmp(refs->keys[i].uuid, material->uuid, BULLA_UUID_SIZE) == 0) return &refs->keys[i];
	return NULL;
}

const bulla_reference_key *bulla_references_other_key(const bulla_references *refs, bulla_reference key)
{
	for (size_t i = 0; i < refs->other_count; i++) {
		const bulla_reference_key *other = &refs->others[i];
		if (other->provider->kind == key.kind &&
		    other->provider->recognises(other->session, key.reference, (bulla_bytes){ 0 }))
			return other;
	}
	return NULL;
}

/* A session only to recognise what its key has made. A key that is not to be had now stays without a name. */
static bulla_code join_other(bulla_references *refs, bulla_project *project, const char *key_id, bool wraps, bulla_error *err)
{
	bulla_provider_world world = bulla_project_world(project);
	const bulla_provider *provider = key_id ? bulla_provider_find(bulla_view_str(key_id)) : NULL;
	bulla_error ignored;
	if (!provider || provider->kind == BULLA_WRAP_ENGINE) return BULLA_OK;
	for (size_t i = 0; i < refs->other_count; i++)
		if (strcmp(refs->others[i].key_id, key_id) == 0) return BULLA_OK;
	bulla_reference_key *grown = realloc(refs->others, (refs->other_count + 1) * sizeof *grown);
	if (!grown) return bulla_fail_memory(err);
	refs->others = grown;
	bulla_reference_key *other = &refs->others[refs->other_count];
	*other = (bulla_reference_key){ .key_id = key_id, .provider = provider, .wraps = wraps };
	if (provider->open(&world, bulla_view_str(key_id), &other->session, &ignored) == BULLA_OK) refs->other_count++;
	return BULLA_OK;
}

static bulla_code join_others(bulla_references *refs, bulla_project *project, bulla_error *err)
{
	const bulla_environment *env = bulla_schema_environment(project->schema);
	size_t n;
	const bulla_model *models = bulla_schema_models(project->schema, &n);
	for (size_t i = 0; i < env->key_count; i++)
		TRY(join_other(refs, project, env->keys[i], true, err));
	for (size_t m = 0; m < n; m++)
		for (size_t k = 0; k < models[m].key_count; k++)
			TRY(join_other(refs, project, models[m].keys[k].kms_key, true, err));
	for (size_t i = 0; i < env->previous_count; i++)
		TRY(join_other(refs, project, env->previous[i], false, err));
	return BULLA_OK;
}

bulla_code bulla_references_join(bulla_references *refs, bulla_project *project, bulla_error *err)
{
	TRY(join_branches(refs, project, err));
	TRY(join_engine(refs, project, err));
	return join_others(refs, project, err);
}
