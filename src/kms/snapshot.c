/*
 * snapshot.c - builds the image of a store: keys with their material opened, aliases, and what is due when.
 */
#include "kms/snapshot.h"
#include "crypto/pkey.h"

#include <stdlib.h>

#define MATERIAL_ROW_ID (BULLA_UUID_SIZE + BULLA_MATERIAL_ID_SIZE)

/* Of a run that holds the material. */
static size_t slots_of(const bulla_material_data *data)
{
	return (bulla_material_size(data) + BULLA_KEY_SIZE - 1) / BULLA_KEY_SIZE;
}

static bulla_code corrupt(const bulla_stored_row *row, const char *what, bulla_error *err)
{
	return bulla_stored_row_corrupt(err, row->table, row->id, what);
}

/* --- one row of each table ------------------------------------------------------------------------------------- */
static int64_t due_of(const bulla_key_data *data)
{
	bool seals = data->state == BULLA_KEY_ENABLED && !data->closed_us;
	return seals && data->rotation_days ? data->next_rotation_us : BULLA_NEVER;
}

static bulla_code take_key(bulla_snapshot *s, const bulla_stored_row *row, bulla_error *err)
{
	bulla_key *key = &s->keys[s->key_count];
	char arn[BULLA_ARN_MAX];
	if (row->id.len != BULLA_UUID_SIZE || !bulla_key_decode(row->payload, &key->data))
		return corrupt(row, "it does not parse", err);
	memcpy(key->uuid, row->id.data, BULLA_UUID_SIZE);
	key->kind = bulla_key_data_kind(&key->data);
	key->realm = (bulla_realm){ key->data.region, key->data.account };
	key->arn_len = bulla_key_arn_print(&key->realm, key->uuid, arn);
	key->due_us = due_of(&key->data);
	if (key->due_us < s->due_us) s->due_us = key->due_us;
	TRY(bulla_arena_copy(&s->arena, bulla_view(arn, key->arn_len), &key->arn, err));
	s->key_count++;
	return BULLA_OK;
}

/* Keys come before material in the order of rows, so the key is there already. */
static bulla_code take_material(bulla_snapshot *s, const bulla_stored_row *row, bulla_lane *lane, const bulla_root *root,
				bulla_error *err)
{
	bulla_material *m = &s->materials[s->material_count];
	if (row->id.len != MATERIAL_ROW_ID || !bulla_material_decode(row->payload, &m->data))
		return corrupt(row, "it does not parse", err);
	memcpy(m->name.uuid, row->id.data, BULLA_UUID_SIZE);
	memcpy(m->name.id, row->id.data + BULLA_UUID_SIZE, BULLA_MATERIAL_ID_SIZE);
	const bulla_key *key = bulla_snapshot_key(s, m->name.uuid);
	if (!key) return corrupt(row, "its key is missing", err);
	if (m->data.spec != key->data.spec || m->data.usage != key->data.usage)
		return corrupt(row, "it is of another kind than its key", err);
	m->name.account = key->data.account;
	TRY(bulla_material_print(lane, m->data.commitment, m->print, err));
	if (bulla_key_kind_is_pair(m->data.spec)) TRY(bulla_arena_take(&s->arena, 1, sizeof *m->pkey, &m->pkey, err));
	TRY(bulla_pool_take_run(s->pool, slots_of(&m->data), &m->secret, err));
	s->material_count++;
	bulla_code code = bulla_material_unwrap(lane, root, &m->name, &m->data, m->secret->bytes, err);
	return code == BULLA_ERR_AUTH ? corrupt(row, "the root key does not open it", err) : code;
}

static bulla_code take_alias(bulla_snapshot *s, const bulla_stored_row *row, bulla_error *err)
{
	bulla_alias *alias = &s->aliases[s->alias_count];
	if (!bulla_alias_decode(row->payload, &alias->data)) return corrupt(row, "it does not parse", err);
	const bulla_key *key = bulla_snapshot_key(s, alias->data.uuid);
	if (!key || key->data.state == BULLA_KEY_TOMBSTONE) return corrupt(row, "its key is missing", err);
	const char *full_name = NULL;
	TRY(bulla_arena_printf(&s->arena, &full_name, err, BULLA_ALIAS_PREFIX "%.*s", (int)row->id.len,
			       (const char *)row->id.data));
	alias->full_name = bulla_view_str(full_name);
	alias->name = bulla_view(full_name + sizeof BULLA_ALIAS_PREFIX - 1, row->id.len);
	s->alias_count++;
	return BULLA_OK;
}

static bulla_code take_row(bulla_snapshot *s, const bulla_stored_row *row, const bulla_rights_loader *with, bulla_error *err)
{
	switch (row->table) {
	case BULLA_KMS_META:
		return BULLA_OK;
	case BULLA_KMS_KEY:
		return take_key(s, row, err);
	case BULLA_KMS_MATERIAL:
		return take_material(s, row, with->lane, with->root, err);
	case BULLA_KMS_ALIAS:
		return take_alias(s, row, err);
	default:
		return bulla_rights_take(&s->rights, with, row, err);
	}
}

/* --- putting together ------------------------------------------------------------------------------------------ */
static bulla_code join_materials(bulla_snapshot *s, bulla_error *err)
{
	size_t at = 0;
	for (size_t i = 0; i < s->key_count; i++) {
		bulla_key *key = &s->keys[i];
		key->materials = &s->materials[at];
		while (at < s->material_count && memcmp(s->materials[at].name.uuid, key->uuid, BULLA_UUID_SIZE) == 0)
			at++, key->material_count++;
		key->current = bulla_key_material(key, key->data.current);
		bool alive = key->data.state != BULLA_KEY_TOMBSTONE;
		if (alive != (key->current != NULL) || (!alive && key->material_count))
			return bulla_stored_row_corrupt(err, BULLA_KMS_KEY, bulla_view(key->uuid, BULLA_UUID_SIZE),
							"its material is not what it should be");
	}
	return BULLA_OK;
}

static int compare_by_key(const void *a, const void *b)
{
	const bulla_alias *x = *(const bulla_alias *const *)a, *y = *(const bulla_alias *const *)b;
	int order = memcmp(x->data.uuid, y->data.uuid, BULLA_UUID_SIZE);
	return order ? order : bulla_bytes_compare(x->name, y->name);
}

static bulla_code sort_aliases(bulla_snapshot *s, bulla_error *err)
{
	TRY(bulla_arena_take(&s->arena, s->alias_count, sizeof(bulla_alias *), &s->aliases_by_key, err));
	for (size_t i = 0; i < s->alias_count; i++)
		s->aliases_by_key[i] = &s->aliases[i];
	qsort(s->aliases_by_key, s->alias_count, sizeof *s->aliases_by_key, compare_by_key);
	return BULLA_OK;
}

static bulla_code build(bulla_snapshot *s, const bulla_rights_loader *with, bulla_error *err)
{
	size_t counts[BULLA_KMS_TABLES] = { 0 };
	for (size_t i = 0; i < s->row_count; i++)
		if (s->rows[i].table < BULLA_KMS_TABLES) counts[s->rows[i].table]++;
	TRY(bulla_arena_take(&s->arena, counts[BULLA_KMS_KEY], sizeof *s->keys, &s->keys, err));
	TRY(bulla_arena_take(&s->arena, counts[BULLA_KMS_MATERIAL], sizeof *s->materials, &s->materials, err));
	TRY(bulla_arena_take(&s->arena, counts[BULLA_KMS_ALIAS], sizeof *s->aliases, &s->aliases, err));
	TRY(bulla_rights_reserve(&s->rights, with, counts, err));
	for (size_t i = 0; i < s->row_count; i++)
		TRY(take_row(s, &s->rows[i], with, err));
	bulla_rights_join(&s->rights);
	TRY(join_materials(s, err));
	return sort_aliases(s, err);
}

static bulla_code load(bulla_snapshot *s, const bulla_kms_store *store, bulla_lane *lane, const bulla_root *root,
		       const bulla_realm *home, bulla_error *err)
{
	bulla_rights_loader with = { &s->arena, s->pool, lane, root, home->account };
	bulla_rows rows;
	/* The version first: a change between the two is then seen as one to come, never as one that is there already. */
	TRY(store->version(store->self, &s->version, err));
	TRY(bulla_rows_load(store, 0, &s->arena, &rows, err));
	TRY(bulla_rows_check_root(&rows, lane, root, err));
	TRY(bulla_rows_check_all(&rows, lane, root, err));
	s->generation = rows.generation;
	s->rows = rows.rows;
	s->row_count = rows.n;
	return build(s, &with, err);
}

bulla_code bulla_snapshot_load(const bulla_kms_store *store, bulla_lane *lane, const bulla_root *root, bulla_pool *pool,
			       const bulla_realm *home, bulla_snapshot **out, bulla_error *err)
{
	bulla_snapshot *s = calloc(1, sizeof *s);
	if (!s) return bulla_fail_memory(err);
	atomic_init(&s->references, 1);
	s->arena.max = BULLA_SNAPSHOT_MAX;
	s->pool = pool;
	s->due_us = BULLA_NEVER;
	bulla_code code = load(s, store, lane, root, home, err);
	if (code) {
		bulla_snapshot_unref(s);
		return code;
	}
	*out = s;
	return BULLA_OK;
}

bulla_snapshot *bulla_snapshot_ref(bulla_snapshot *snapshot)
{
	atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
	return snapshot;
}

void bulla_snapshot_unref(bulla_snapshot *snapshot)
{
	if (!snapshot || atomic_fetch_sub(&snapshot->references, 1) != 1) return;
	for (size_t i = 0; i < snapshot->material_count; i++) {
		bulla_material *m = &snapshot->materials[i];
		if (m->pkey) bulla_pkey_free(atomic_load(m->pkey));
		bulla_pool_give_run(snapshot->pool, m->secret, slots_of(&m->data));
	}
	bulla_rights_done(&snapshot->rights, snapshot->pool);
	bulla_arena_done(&snapshot->arena);
	free(snapshot);
}

/* --- looking up ------------------------------------------------------------------------------------------------ */
static int compare_key(const void *uuid, const void *key)
{
	return memcmp(uuid, ((const bulla_key *)key)->uuid, BULLA_UUID_SIZE);
}

const bulla_key *bulla_snapshot_key(const bulla_snapshot *s, const uint8_t uuid[static BULLA_UUID_SIZE])
{
	return s->key_count ? bsearch(uuid, s->keys, s->key_count, sizeof *s->keys, compare_key) : NULL;
}

static int compare_alias(const void *name, const void *alias)
{
	return bulla_bytes_compare(*(const bulla_bytes *)name, ((const bulla_alias *)alias)->name);
}

const bulla_alias *bulla_snapshot_alias(const bulla_snapshot *s, bulla_bytes name)
{
	return s->alias_count ? bsearch(&name, s->aliases, s->alias_count, sizeof *s->aliases, compare_alias) : NULL;
}

static int compare_material(const void *id, const void *material)
{
	return memcmp(id, ((const bulla_material *)material)->name.id, BULLA_MATERIAL_ID_SIZE);
}

const bulla_material *bulla_key_material(const bulla_key *key, const uint8_t id[static BULLA_MATERIAL_ID_SIZE])
{
	if (!key->material_count) return NULL;
	return bsearch(id, key->materials, key->material_count, sizeof *key->materials, compare_material);
}

bulla_code bulla_key_must_rotate(const bulla_key *key, bulla_error *err)
{
	if (key->kind.spec == BULLA_SPEC_SYMMETRIC_DEFAULT) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_REFUSED, "%s key spec is %s which is not valid for this operation.", key->arn,
			  bulla_spec_about(key->kind.spec)->name);
}

/* Threads that read it at the same time read it each: the first one's stays. */
bulla_code bulla_material_pkey(const bulla_material *m, const bulla_pkey **ret, bulla_error *err)
{
	if (!m->pkey) return bulla_fail(err, BULLA_ERR_USAGE, "the key has no pair");
	bulla_pkey *pkey = atomic_load(m->pkey), *first = NULL;
	if (!pkey) {
		TRY(bulla_pkey_read_private(m->data.spec, bulla_material_bytes(m), &pkey, err));
		if (!atomic_compare_exchange_strong(m->pkey, &first, pkey)) {
			bulla_pkey_free(pkey);
			pkey = first;
		}
	}
	*ret = pkey;
	return BULLA_OK;
}

const bulla_stored_row *bulla_snapshot_row(const bulla_snapshot *s, bulla_kms_table table, bulla_bytes id)
{
	return bulla_rows_find(s->rows, s->row_count, table, id);
}

const bulla_alias *const *bulla_snapshot_aliases_of(const bulla_snapshot *s, const uint8_t uuid[static BULLA_UUID_SIZE],
						    size_t *ret_n)
{
	size_t low = 0, high = s->alias_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(s->aliases_by_key[middle]->data.uuid, uuid, BULLA_UUID_SIZE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	size_t end = low;
	while (end < s->alias_count && memcmp(s->aliases_by_key[end]->data.uuid, uuid, BULLA_UUID_SIZE) == 0)
		end++;
	*ret_n = end - low;
	return s->aliases_by_key + low;
}

static const bulla_key *find(const bulla_snapshot *s, const bulla_realm *home, const bulla_key_id *id)
{
	if (!id->is_alias) {
		const bulla_key *key = bulla_snapshot_key(s, id->uuid);
		return key && (!id->is_arn || bulla_realm_equal(&id->realm, &key->realm)) ? key : NULL;
	}
	if (id->is_arn && !bulla_realm_equal(&id->realm, home)) return NULL;
	const bulla_alias *alias = bulla_snapshot_alias(s, id->alias);
	return alias ? bulla_snapshot_key(s, alias->data.uuid) : NULL;
}

bulla_code bulla_snapshot_resolve(const bulla_snapshot *s, const bulla_realm *home, bulla_bytes key_id, const bulla_key **ret,
				  bulla_error *err)
{
	bulla_key_id id;
	TRY(bulla_key_id_parse(key_id, &id, err));
	const bulla_key *key = find(s, home, &id);
	if (!key && id.is_alias) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "the engine has no such alias");
	if (!key) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "the engine has no such key");
	if (key->data.state == BULLA_KEY_TOMBSTONE) {
		bulla_code code = bulla_fail(err, BULLA_ERR_KEY_DESTROYED, "the material of that key was destroyed");
		return bulla_advise(
			err, code,
			"nothing opens what it sealed, but a backup of the key store from before: bulla kms restore FILE");
	}
	*ret = key;
	return BULLA_OK;
}
