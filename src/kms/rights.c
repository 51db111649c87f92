/*
 * rights.c - builds and searches the part of the image that tells who may do what.
 */
#include "kms/rights.h"

#include <stdlib.h>

#define ARN_PREFIX    "arn:aws:iam::"
#define TAG_CONDITION "aws:ResourceTag/"
#define OWNER_USER    'u'
#define SECRET_LABEL  "bulla access key v1" /* its NUL is part of it */

static bulla_code corrupt(const bulla_stored_row *row, const char *what, bulla_error *err)
{
	return bulla_stored_row_corrupt(err, row->table, row->id, what);
}

static bulla_code unreadable(const bulla_stored_row *row, bulla_error *err)
{
	return corrupt(row, "it does not parse", err);
}

/* --- one row of each table ------------------------------------------------------------------------------------- */
static bulla_code take_principal(bulla_rights *r, const bulla_rights_loader *with, const bulla_stored_row *row, bulla_error *err)
{
	bulla_principal *p = &r->principals[r->principal_count];
	if (bulla_principal_name_check(row->id, NULL) || !bulla_principal_decode(row->payload, &p->data))
		return unreadable(row, err);
	p->name = row->id;
	TRY(bulla_arena_printf(with->arena, &p->arn, err, ARN_PREFIX "%.*s:user/%.*s", (int)with->account.len,
			       (const char *)with->account.data, (int)row->id.len, (const char *)row->id.data));
	p->arn_len = strlen(p->arn);
	r->principal_count++;
	return BULLA_OK;
}

static bulla_code take_access_key(bulla_rights *r, const bulla_rights_loader *with, const bulla_stored_row *row, bulla_error *err)
{
	bulla_access_key *key = &r->keys[r->key_count];
	if (!bulla_access_decode(row->payload, &key->data)) return unreadable(row, err);
	key->id = row->id;
	key->principal = bulla_rights_principal(r, key->data.principal);
	if (!key->principal) return corrupt(row, "its principal is missing", err);
	key->secret_len = key->data.sealed.len - BULLA_TAG_SIZE;
	TRY(bulla_pool_take_run(with->pool, BULLA_ACCESS_SECRET_SLOTS, &key->secret, err));
	r->key_count++;
	bulla_code code = bulla_access_secret_unwrap(with->lane, with->root, row->id, &key->data, key->secret->bytes, err);
	return code == BULLA_ERR_AUTH ? corrupt(row, "the root key does not open it", err) : code;
}

static bulla_code parse_policy(bulla_named_policy *policy, bulla_policy_kind kind, const bulla_stored_row *row, bulla_error *err)
{
	bulla_policy_data data;
	if (!bulla_policy_decode(row->payload, &data)) return unreadable(row, err);
	policy->row_id = row->id;
	policy->changed_us = data.changed_us;
	policy->document = data.document;
	bulla_code code = bulla_policy_parse(data.document, kind, &policy->policy, err);
	return code && code != BULLA_ERR_MEMORY ? corrupt(row, "its document does not parse", err) : code;
}

static bulla_code take_key_policy(bulla_rights *r, const bulla_stored_row *row, bulla_error *err)
{
	bulla_key_policy *policy = &r->key_policies[r->key_policy_count];
	if (row->id.len != 1 + BULLA_UUID_SIZE) return unreadable(row, err);
	memcpy(policy->uuid, row->id.data + 1, BULLA_UUID_SIZE);
	policy->own.name = bulla_view_str("default");
	TRY(parse_policy(&policy->own, BULLA_POLICY_KEY, row, err));
	r->key_policy_count++;
	return BULLA_OK;
}

/* The row's id is 'u' ‖ principal ‖ 00 ‖ name: rows come sorted by principal, and by name for each. */
static bulla_code take_user_policy(bulla_rights *r, const bulla_stored_row *row, bulla_error *err)
{
	bulla_named_policy *policy = &r->policies[r->policy_count];
	const uint8_t *start = row->id.data + 1, *nul = memchr(start, 0, row->id.len - 1);
	if (!nul) return unreadable(row, err);
	bulla_bytes owner = bulla_view(start, (size_t)(nul - start));
	const bulla_principal *found = bulla_rights_principal(r, owner);
	if (!found) return corrupt(row, "its principal is missing", err);
	policy->name = bulla_view(nul + 1, row->id.len - 2 - owner.len);
	TRY(parse_policy(policy, BULLA_POLICY_IDENTITY, row, err));
	bulla_principal *principal = &r->principals[found - r->principals];
	if (!principal->policy_count) principal->policies = policy;
	principal->policy_count++;
	r->policy_count++;
	return BULLA_OK;
}

static bulla_code take_policy(bulla_rights *r, const bulla_stored_row *row, bulla_error *err)
{
	uint8_t owner = row->id.len ? row->id.data[0] : 0;
	if (owner == BULLA_POLICY_OF_KEY) return take_key_policy(r, row, err);
	return owner == OWNER_USER ? take_user_policy(r, row, err) : unreadable(row, err);
}

static bulla_code take_grant(bulla_rights *r, const bulla_stored_row *row, bulla_error *err)
{
	bulla_grant *grant = &r->grants[r->grant_count];
	if (row->id.len != BULLA_GRANT_ID_SIZE || !bulla_grant_decode(row->payload, &grant->data)) return unreadable(row, err);
	grant->id = row->id;
	r->grant_count++;
	return BULLA_OK;
}

static bulla_code take_tags(bulla_rights *r, const bulla_rights_loader *with, const bulla_stored_row *row, bulla_error *err)
{
	bulla_tags *tags = &r->tags[r->tags_count];
	if (row->id.len != BULLA_UUID_SIZE || !bulla_tags_decode(row->payload, &tags->data)) return unreadable(row, err);
	memcpy(tags->uuid, row->id.data, BULLA_UUID_SIZE);
	for (size_t i = 0; i < tags->data.n; i++) {
		const bulla_bytes name = tags->data.pairs[i].name;
		const char *text = NULL;
		TRY(bulla_arena_printf(with->arena, &text, err, TAG_CONDITION "%.*s", (int)name.len, (const char *)name.data));
		tags->conditions[i] = bulla_view_str(text);
	}
	r->tags_count++;
	return BULLA_OK;
}

static bool freeze_id_is_right(bulla_bytes id)
{
	switch (id.len ? id.data[0] : 0) {
	case BULLA_FREEZE_ALL:
		return id.len == 1;
	case BULLA_FREEZE_KEY:
		return id.len == 1 + BULLA_UUID_SIZE;
	case BULLA_FREEZE_PRINCIPAL:
		return id.len > 1;
	default:
		return false;
	}
}

static bulla_code take_freeze(bulla_rights *r, const bulla_stored_row *row, bulla_error *err)
{
	bulla_freeze *freeze = &r->freezes[r->freeze_count];
	if (!freeze_id_is_right(row->id) || !bulla_freeze_decode(row->payload, &freeze->data)) return unreadable(row, err);
	freeze->scope = (bulla_freeze_scope)row->id.data[0];
	freeze->target = bulla_view(row->id.data + 1, row->id.len - 1);
	r->freeze_count++;
	return BULLA_OK;
}

/* --- all rows -------------------------------------------------------------------------------------------------- */
bulla_code bulla_rights_reserve(bulla_rights *r, const bulla_rights_loader *with, const size_t *counts, bulla_error *err)
{
	bulla_arena *arena = with->arena;
	TRY(bulla_arena_take(arena, counts[BULLA_KMS_PRINCIPAL], sizeof *r->principals, &r->principals, err));
	TRY(bulla_arena_take(arena, counts[BULLA_KMS_ACCESS], sizeof *r->keys, &r->keys, err));
	TRY(bulla_arena_take(arena, counts[BULLA_KMS_POLICY], sizeof *r->policies, &r->policies, err));
	TRY(bulla_arena_take(arena, counts[BULLA_KMS_POLICY], sizeof *r->key_policies, &r->key_policies, err));
	TRY(bulla_arena_take(arena, counts[BULLA_KMS_GRANT], sizeof *r->grants, &r->grants, err));
	TRY(bulla_arena_take(arena, counts[BULLA_KMS_TAGS], sizeof *r->tags, &r->tags, err));
	return bulla_arena_take(arena, counts[BULLA_KMS_FREEZE], sizeof *r->freezes, &r->freezes, err);
}

bulla_code bulla_rights_take(bulla_rights *r, const bulla_rights_loader *with, const bulla_stored_row *row, bulla_error *err)
{
	switch (row->table) {
	case BULLA_KMS_PRINCIPAL:
		return take_principal(r, with, row, err);
	case BULLA_KMS_ACCESS:
		return take_access_key(r, with, row, err);
	case BULLA_KMS_POLICY:
		return take_policy(r, row, err);
	case BULLA_KMS_GRANT:
		return take_grant(r, row, err);
	case BULLA_KMS_TAGS:
		return take_tags(r, with, row, err);
	case BULLA_KMS_FREEZE:
		return take_freeze(r, row, err);
	default:
		return corrupt(row, "no such table", err);
	}
}

static int compare_grants(const void *a, const void *b)
{
	const bulla_grant *x = a, *y = b;
	int order = memcmp(x->data.uuid, y->data.uuid, BULLA_UUID_SIZE);
	return order ? order : bulla_bytes_compare(x->id, y->id);
}

void bulla_rights_join(bulla_rights *r)
{
	if (r->grant_count) qsort(r->grants, r->grant_count, sizeof *r->grants, compare_grants);
}

void bulla_rights_done(bulla_rights *r, bulla_pool *pool)
{
	for (size_t i = 0; i < r->key_count; i++)
		bulla_pool_give_run(pool, r->keys[i].secret, BULLA_ACCESS_SECRET_SLOTS);
	for (size_t i = 0; i < r->policy_count; i++)
		bulla_policy_free(r->policies[i].policy);
	for (size_t i = 0; i < r->key_policy_count; i++)
		bulla_policy_free(r->key_policies[i].own.policy);
	*r = (bulla_rights){ 0 };
}

/* --- looking up ------------------------------------------------------------------------------------------------ */
static int compare_principal(const void *name, const void *principal)
{
	return bulla_bytes_compare(*(const bulla_bytes *)name, ((const bulla_principal *)principal)->name);
}

const bulla_principal *bulla_rights_principal(const bulla_rights *r, bulla_bytes name)
{
	if (!r->principal_count) return NULL;
	return bsearch(&name, r->principals, r->principal_count, sizeof *r->principals, compare_principal);
}

static int compare_access_key(const void *id, const void *key)
{
	return bulla_bytes_compare(*(const bulla_bytes *)id, ((const bulla_access_key *)key)->id);
}

const bulla_access_key *bulla_rights_access_key(const bulla_rights *r, bulla_bytes id)
{
	return r->key_count ? bsearch(&id, r->keys, r->key_count, sizeof *r->keys, compare_access_key) : NULL;
}

static int compare_key_policy(const void *uuid, const void *policy)
{
	return memcmp(uuid, ((const bulla_key_policy *)policy)->uuid, BULLA_UUID_SIZE);
}

const bulla_named_policy *bulla_rights_key_policy(const bulla_rights *r, const uint8_t uuid[static BULLA_UUID_SIZE])
{
	if (!r->key_policy_count) return NULL;
	const bulla_key_policy *found =
		bsearch(uuid, r->key_policies, r->key_policy_count, sizeof *r->key_policies, compare_key_policy);
	return found ? &found->own : NULL;
}

static int compare_tags(const void *uuid, const void *tags)
{
	return memcmp(uuid, ((const bulla_tags *)tags)->uuid, BULLA_UUID_SIZE);
}

const bulla_tags *bulla_rights_tags(const bulla_rights *r, const uint8_t uuid[static BULLA_UUID_SIZE])
{
	return r->tags_count ? bsearch(uuid, r->tags, r->tags_count, sizeof *r->tags, compare_tags) : NULL;
}

const bulla_freeze *bulla_rights_freeze(const bulla_rights *r, bulla_freeze_scope scope, bulla_bytes target)
{
	for (size_t i = 0; i < r->freeze_count; i++) /* there are few, and mostly none */
		if (r->freezes[i].scope == scope && bulla_bytes_equal(r->freezes[i].target, target)) return &r->freezes[i];
	return NULL;
}

const bulla_freeze *bulla_freeze_in_force(const bulla_rights *rights, bulla_freeze_scope scope, bulla_bytes target,
					  int64_t now_us)
{
	const bulla_freeze *freeze = bulla_rights_freeze(rights, scope, target);
	return freeze && (!freeze->data.until_us || now_us < freeze->data.until_us) ? freeze : NULL;
}

/* The first grant of the key: lower bound in the sorted array. */
const bulla_grant *bulla_rights_grants_of(const bulla_rights *r, const uint8_t uuid[static BULLA_UUID_SIZE], size_t *ret_n)
{
	size_t low = 0, high = r->grant_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(r->grants[middle].data.uuid, uuid, BULLA_UUID_SIZE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	size_t end = low;
	while (end < r->grant_count && memcmp(r->grants[end].data.uuid, uuid, BULLA_UUID_SIZE) == 0)
		end++;
	*ret_n = end - low;
	return r->grants ? r->grants + low : NULL;
}

const bulla_grant *bulla_rights_grant(const bulla_rights *r, bulla_bytes id)
{
	for (size_t i = 0; i < r->grant_count; i++)
		if (bulla_bytes_equal(r->grants[i].id, id)) return &r->grants[i];
	return NULL;
}

bulla_code bulla_policy_row_id(bulla_bytes principal, bulla_bytes name, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, OWNER_USER, err));
	TRY(bulla_buf_add(out, principal, err));
	TRY(bulla_buf_add_u8(out, 0, err));
	return bulla_buf_add(out, name, err);
}

/* --- secrets of access keys ------------------------------------------------------------------------------------ */
static bulla_code associate(bulla_bytes id, const bulla_access_data *data, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add(out, bulla_view(SECRET_LABEL, sizeof SECRET_LABEL), err));
	TRY(bulla_buf_add_prefixed(out, id, err));
	return bulla_buf_add_prefixed(out, data->principal, err);
}

bulla_code bulla_access_secret_wrap(bulla_lane *lane, const bulla_root *root, bulla_bytes id, bulla_bytes secret,
				    bulla_access_data *data, bulla_buf *sealed, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf associated = { 0 };
	if (secret.len == 0 || secret.len > BULLA_ACCESS_SECRET_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the secret of an access key has 1 to %d bytes", BULLA_ACCESS_SECRET_MAX);
	TRY(associate(id, data, &associated, err));
	TRY(bulla_random(lane, data->nonce, sizeof data->nonce, err));
	TRY(bulla_buf_reserve(sealed, secret.len + BULLA_TAG_SIZE, err));
	TRY(bulla_aead_seal(lane, BULLA_AEAD_XAES_256_GCM, bulla_view(root->keys[BULLA_ROOT_WRAP]->bytes, BULLA_KEY_SIZE),
			    bulla_view(data->nonce, sizeof data->nonce), bulla_view_buf(&associated), secret,
			    sealed->data + sealed->len, err));
	sealed->len += secret.len + BULLA_TAG_SIZE;
	data->sealed = bulla_view_buf(sealed);
	return BULLA_OK;
}

bulla_code bulla_access_secret_unwrap(bulla_lane *lane, const bulla_root *root, bulla_bytes id, const bulla_access_data *data,
				      uint8_t *out, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf associated = { 0 };
	TRY(associate(id, data, &associated, err));
	return bulla_aead_open(lane, BULLA_AEAD_XAES_256_GCM, bulla_view(root->keys[BULLA_ROOT_WRAP]->bytes, BULLA_KEY_SIZE),
			       bulla_view(data->nonce, sizeof data->nonce), bulla_view_buf(&associated), data->sealed, out, err);
}
