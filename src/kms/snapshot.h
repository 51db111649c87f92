/*
 * snapshot.h - the store as one immutable image: every row checked, all material opened, ready to look up.
 *
 * Made by loading the whole store, used by any number of threads, replaced when the store has changed.
 */
#ifndef KMS_SNAPSHOT_H
#define KMS_SNAPSHOT_H

#include "base/arena.h"
#include "kms/key_id.h"
#include "kms/material.h"
#include "kms/rights.h"

#include <stdatomic.h>

#define BULLA_ENGINE_ROWS_MAX 500000       /* rows of one store */
#define BULLA_SNAPSHOT_MAX    (512u << 20) /* bytes of one image without its pool */
#define BULLA_NEVER           INT64_MAX

typedef struct bulla_pkey bulla_pkey; /* crypto/pkey.h */

typedef struct bulla_material {
	bulla_material_name name;
	bulla_material_data data;
	uint8_t print[BULLA_MATERIAL_PRINT_SIZE];
	bulla_secret *secret; /* in the pool: bulla_material_size() bytes in a run of slots; of symmetric keys the one key */
	_Atomic(bulla_pkey *) *pkey; /* of pairs: read at the first use; NULL of others */
} bulla_material;

typedef struct bulla_alias {
	bulla_bytes name;      /* without "alias/" */
	bulla_bytes full_name; /* with it */
	bulla_alias_data data;
} bulla_alias;

typedef struct bulla_key {
	uint8_t uuid[BULLA_UUID_SIZE];
	bulla_key_data data;
	bulla_key_kind kind;
	bulla_realm realm;
	const char *arn;
	size_t arn_len;
	const bulla_material *materials; /* sorted by id; none under a tombstone */
	size_t material_count;
	const bulla_material *current; /* seals; NULL under a tombstone */
	int64_t due_us;                /* when bulla_engine_tick() has something to do; BULLA_NEVER */
} bulla_key;

typedef struct bulla_snapshot {
	atomic_size_t references;
	uint64_t version; /* of the store, when it was loaded */
	uint64_t generation;
	bulla_arena arena; /* of all that follows */
	bulla_pool *pool;
	bulla_stored_row *rows; /* sorted by table, then id */
	size_t row_count;
	bulla_key *keys; /* sorted by uuid */
	size_t key_count;
	bulla_material *materials; /* sorted by uuid, then id */
	size_t material_count;
	bulla_alias *aliases; /* sorted by name */
	size_t alias_count;
	const bulla_alias **aliases_by_key; /* sorted by uuid, then name */
	int64_t due_us;                     /* the earliest of all keys */
	bulla_rights rights;
} bulla_snapshot;

/* Loads and checks everything; principals are of the account of `home`. NOT_FOUND for an empty store, ROOT_KEY when the root key is another one, CORRUPT, NEWER. */
BULLA_MUST bulla_code bulla_snapshot_load(const bulla_kms_store *store, bulla_lane *lane, const bulla_root *root,
					  bulla_pool *pool, const bulla_realm *home, bulla_snapshot **out, bulla_error *err);
bulla_snapshot *bulla_snapshot_ref(bulla_snapshot *snapshot);
void bulla_snapshot_unref(bulla_snapshot *snapshot); /* NULL is fine */

/* The image of an engine's store as it is now: loads it again when it has changed. Give it back with bulla_snapshot_unref(). */
BULLA_MUST bulla_code bulla_engine_acquire(bulla_engine *engine, bulla_snapshot **ret, bulla_error *err);

/* NULL when there is none. */
const bulla_key *bulla_snapshot_key(const bulla_snapshot *snapshot, const uint8_t uuid[static BULLA_UUID_SIZE]);
const bulla_alias *bulla_snapshot_alias(const bulla_snapshot *snapshot, bulla_bytes name);
const bulla_material *bulla_key_material(const bulla_key *key, const uint8_t id[static BULLA_MATERIAL_ID_SIZE]);
/* REFUSED unless the key can have new material: symmetric keys alone. */
BULLA_MUST bulla_code bulla_key_must_rotate(const bulla_key *key, bulla_error *err);
/* The pair of a material, as long as the image lives. USAGE for the material of a key that is none. */
BULLA_MUST bulla_code bulla_material_pkey(const bulla_material *material, const bulla_pkey **ret, bulla_error *err);
static inline bulla_bytes bulla_material_bytes(const bulla_material *material)
{
	return bulla_view(material->secret->bytes, bulla_material_size(&material->data));
}
const bulla_stored_row *bulla_snapshot_row(const bulla_snapshot *snapshot, bulla_kms_table table, bulla_bytes id);

/* The key's aliases, sorted by name; `*ret_n` of them. */
const bulla_alias *const *bulla_snapshot_aliases_of(const bulla_snapshot *snapshot, const uint8_t uuid[static BULLA_UUID_SIZE],
						    size_t *ret_n);

/* The key that any form of key id names. `home` is the engine's own realm, which an alias ARN must name. NOT_FOUND,
 * KEY_DESTROYED for a tombstone. */
BULLA_MUST bulla_code bulla_snapshot_resolve(const bulla_snapshot *snapshot, const bulla_realm *home, bulla_bytes key_id,
					     const bulla_key **ret, bulla_error *err);

/* --- kms/rows.c: what the image is made of --------------------------------------------------------------------- */
/* All rows of the store as they lie there, or of one table (0: all), copied into the arena and sorted; nothing is checked. */
typedef struct bulla_rows {
	bulla_stored_row *rows;
	size_t n;
	uint64_t generation;
	bulla_log_head head;
} bulla_rows;

BULLA_MUST bulla_code bulla_rows_load(const bulla_kms_store *store, bulla_kms_table only, bulla_arena *arena, bulla_rows *out,
				      bulla_error *err);
const bulla_stored_row *bulla_rows_find(const bulla_stored_row *rows, size_t n, bulla_kms_table table, bulla_bytes id);

/* Is it this store's root key? NOT_FOUND for an empty store, ROOT_KEY, CORRUPT when the key is right and the row is not. */
BULLA_MUST bulla_code bulla_rows_check_root(const bulla_rows *rows, bulla_lane *lane, const bulla_root *root, bulla_error *err);

/* Every row's MAC, that there are exactly the rows of this generation, and that the generation is the store's. */
BULLA_MUST bulla_code bulla_rows_check_all(const bulla_rows *rows, bulla_lane *lane, const bulla_root *root, bulla_error *err);

#endif
