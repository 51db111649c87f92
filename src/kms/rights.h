/*
 * rights.h - who may do what, as one immutable part of the image of a store: principals with their access keys and policies, policies and
 * grants of keys, tags, freezes.
 *
 * Sorted arrays; lookups are binary searches without allocation. Policies are parsed once, when the image is made.
 */
#ifndef KMS_RIGHTS_H
#define KMS_RIGHTS_H

#include "base/arena.h"
#include "kms/rights_rows.h"
#include "kms/policy.h"
#include "kms/row.h"

typedef struct bulla_named_policy {
	bulla_bytes name;   /* "default" of a key's own */
	bulla_bytes row_id; /* where it lies in the store */
	int64_t changed_us;
	bulla_bytes document;
	bulla_policy *policy;
} bulla_named_policy;

typedef struct bulla_principal {
	bulla_bytes name;
	const char *arn; /* arn:aws:iam::<account>:user/<name> */
	size_t arn_len;
	bulla_principal_data data;
	const bulla_named_policy *policies; /* sorted by name */
	size_t policy_count;
} bulla_principal;

typedef struct bulla_access_key {
	bulla_bytes id;
	bulla_access_data data;
	const bulla_principal *principal;
	bulla_secret *secret; /* a run of BULLA_ACCESS_SECRET_SLOTS in the pool */
	size_t secret_len;
} bulla_access_key;

#define BULLA_ACCESS_SECRET_SLOTS (BULLA_ACCESS_SECRET_MAX / BULLA_KEY_SIZE)

typedef struct bulla_key_policy {
	uint8_t uuid[BULLA_UUID_SIZE];
	bulla_named_policy own;
} bulla_key_policy;

typedef struct bulla_grant {
	bulla_bytes id; /* BULLA_GRANT_ID_SIZE bytes */
	bulla_grant_data data;
} bulla_grant;

typedef struct bulla_tags {
	uint8_t uuid[BULLA_UUID_SIZE];
	bulla_tags_data data;
	bulla_bytes conditions[BULLA_TAGS_MAX]; /* "aws:ResourceTag/<name>" of each */
} bulla_tags;

typedef enum bulla_freeze_scope {
	BULLA_FREEZE_ALL = '*',
	BULLA_FREEZE_KEY = 'k',
	BULLA_FREEZE_PRINCIPAL = 'u'
} bulla_freeze_scope;

typedef struct bulla_freeze {
	bulla_freeze_scope scope;
	bulla_bytes target; /* key uuid or principal; empty for all */
	bulla_freeze_data data;
} bulla_freeze;

typedef struct bulla_rights {
	bulla_principal *principals; /* sorted by name */
	size_t principal_count;
	bulla_access_key *keys; /* sorted by id */
	size_t key_count;
	bulla_named_policy *policies; /* of principals; sorted by principal, then name */
	size_t policy_count;
	bulla_key_policy *key_policies; /* sorted by uuid */
	size_t key_policy_count;
	bulla_grant *grants; /* sorted by uuid, then id */
	size_t grant_count;
	bulla_tags *tags; /* sorted by uuid */
	size_t tags_count;
	bulla_freeze *freezes; /* sorted by scope, then target */
	size_t freeze_count;
} bulla_rights;

/* What rows of these tables are read with. */
typedef struct bulla_rights_loader {
	bulla_arena *arena;
	bulla_pool *pool;
	bulla_lane *lane;
	const bulla_root *root;
	bulla_bytes account; /* the engine's, for ARNs */
} bulla_rights_loader;

/* Room for `counts[table]` rows of each. */
BULLA_MUST bulla_code bulla_rights_reserve(bulla_rights *rights, const bulla_rights_loader *with, const size_t *counts,
					   bulla_error *err);
/* Takes one row; rows come sorted by table, then id. CORRUPT where it does not parse. */
BULLA_MUST bulla_code bulla_rights_take(bulla_rights *rights, const bulla_rights_loader *with, const bulla_stored_row *row,
					bulla_error *err);
/* After the last row. */
void bulla_rights_join(bulla_rights *rights);
/* Gives back secrets and policies; the arena has the rest. */
void bulla_rights_done(bulla_rights *rights, bulla_pool *pool);

/* NULL when there is none. */
const bulla_principal *bulla_rights_principal(const bulla_rights *rights, bulla_bytes name);
const bulla_access_key *bulla_rights_access_key(const bulla_rights *rights, bulla_bytes id);
const bulla_named_policy *bulla_rights_key_policy(const bulla_rights *rights, const uint8_t uuid[static BULLA_UUID_SIZE]);
const bulla_tags *bulla_rights_tags(const bulla_rights *rights, const uint8_t uuid[static BULLA_UUID_SIZE]);
const bulla_freeze *bulla_rights_freeze(const bulla_rights *rights, bulla_freeze_scope scope, bulla_bytes target);
/* The same, unless it is over. */
const bulla_freeze *bulla_freeze_in_force(const bulla_rights *rights, bulla_freeze_scope scope, bulla_bytes target,
					  int64_t now_us);
const bulla_grant *bulla_rights_grant(const bulla_rights *rights, bulla_bytes id);
/* The key's grants, sorted by id. */
const bulla_grant *bulla_rights_grants_of(const bulla_rights *rights, const uint8_t uuid[static BULLA_UUID_SIZE], size_t *ret_n);

/* The id of a row of POLICY: 'u' ‖ principal ‖ 00 ‖ name, appended to `out`; or BULLA_POLICY_OF_KEY ‖ key uuid. */
#define BULLA_POLICY_OF_KEY 'k'
BULLA_MUST bulla_code bulla_policy_row_id(bulla_bytes principal, bulla_bytes name, bulla_buf *out, bulla_error *err);

/* --- secrets of access keys ------------------------------------------------------------------------------------- */
/* Seals `secret` for the row of `id` of `data->principal`: fills nonce and sealed, a view of the empty buffer `sealed`. LIMIT when it is
 * empty or longer than BULLA_ACCESS_SECRET_MAX. */
BULLA_MUST bulla_code bulla_access_secret_wrap(bulla_lane *lane, const bulla_root *root, bulla_bytes id, bulla_bytes secret,
					       bulla_access_data *data, bulla_buf *sealed, bulla_error *err);
/* Opens it into `out`, BULLA_ACCESS_SECRET_MAX bytes. AUTH. */
BULLA_MUST bulla_code bulla_access_secret_unwrap(bulla_lane *lane, const bulla_root *root, bulla_bytes id,
						 const bulla_access_data *data, uint8_t *out, bulla_error *err);

#endif
