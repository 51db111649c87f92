/*
 * material.c - makes, wraps and opens versions of key material, and the log's seed, which is kept likewise.
 */
#include "kms/material.h"

/* Their NULs are part of them. */
#define COMMIT_LABEL "bulla material v1"
#define ID_LABEL     "bulla material id v1"
#define WRAP_LABEL   "bulla material wrap v1"
#define SEED_LABEL   "bulla log seed v1"

static bulla_code commit(bulla_lane *lane, const bulla_material_name *name, const bulla_secret *material, uint8_t out[static 32],
			 bulla_error *err)
{
	bulla_bytes parts[] = { bulla_view(COMMIT_LABEL, sizeof COMMIT_LABEL), bulla_view(name->uuid, sizeof name->uuid),
				bulla_view(material->bytes, BULLA_KEY_SIZE) };
	return bulla_sha256(lane, parts, 3, out, err);
}

bulla_code bulla_material_print(bulla_lane *lane, const uint8_t commitment[static 32],
				uint8_t out[static BULLA_MATERIAL_PRINT_SIZE], bulla_error *err)
{
	bulla_bytes parts[] = { bulla_view(ID_LABEL, sizeof ID_LABEL), bulla_view(commitment, 32) };
	return bulla_sha256(lane, parts, 2, out, err);
}

static bulla_code name_after(bulla_lane *lane, const uint8_t commitment[static 32], uint8_t out[static BULLA_MATERIAL_ID_SIZE],
			     bulla_error *err)
{
	uint8_t print[BULLA_MATERIAL_PRINT_SIZE];
	TRY(bulla_material_print(lane, commitment, print, err));
	memcpy(out, print, BULLA_MATERIAL_ID_SIZE);
	return BULLA_OK;
}

static bulla_code associate(const bulla_material_name *name, const bulla_material_data *data, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add(out, bulla_view(WRAP_LABEL, sizeof WRAP_LABEL), err));
	TRY(bulla_buf_add(out, bulla_view(name->uuid, sizeof name->uuid), err));
	TRY(bulla_buf_add(out, bulla_view(name->id, sizeof name->id), err));
	TRY(bulla_buf_add_u8(out, data->usage, err));
	TRY(bulla_buf_add_u8(out, data->origin, err));
	return bulla_buf_add_prefixed(out, name->account, err);
}

static bulla_code seal(bulla_lane *lane, const bulla_secret *key, bulla_bytes associated, const bulla_secret *plain,
		       bulla_sealed_key *out, bulla_error *err)
{
	TRY(bulla_random(lane, out->nonce, sizeof out->nonce, err));
	return bulla_aead_seal(lane, BULLA_AEAD_XAES_256_GCM, bulla_view(key->bytes, BULLA_KEY_SIZE),
			       bulla_view(out->nonce, sizeof out->nonce), associated, bulla_view(plain->bytes, BULLA_KEY_SIZE),
			       out->sealed, err);
}

static bulla_code unseal(bulla_lane *lane, const bulla_secret *key, bulla_bytes associated, const bulla_sealed_key *data,
			 bulla_secret *ret, bulla_error *err)
{
	return bulla_aead_open(lane, BULLA_AEAD_XAES_256_GCM, bulla_view(key->bytes, BULLA_KEY_SIZE),
			       bulla_view(data->nonce, sizeof data->nonce), associated,
			       bulla_view(data->sealed, sizeof data->sealed), ret->bytes, err);
}

bulla_code bulla_material_wrap(bulla_lane *lane, const bulla_root *root, const bulla_material_name *name,
			       const bulla_secret *material, bulla_material_data *data, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf associated = { 0 };
	TRY(associate(name, data, &associated, err));
	return seal(lane, root->keys[BULLA_ROOT_WRAP], bulla_view_buf(&associated), material, &data->wrapped, err);
}

bulla_code bulla_material_make(bulla_lane *lane, const bulla_root *root, bulla_material_name *name, bulla_material_data *out,
			       bulla_error *err)
{
	BULLA_SECRET material = { 0 };
	TRY(bulla_random(lane, material.bytes, sizeof material.bytes, err));
	out->usage = BULLA_KEY_USAGE_ENCRYPT_DECRYPT;
	if (!out->origin) out->origin = BULLA_KEY_ORIGIN_ENGINE;
	TRY(commit(lane, name, &material, out->commitment, err));
	TRY(name_after(lane, out->commitment, name->id, err));
	return bulla_material_wrap(lane, root, name, &material, out, err);
}

bulla_code bulla_material_unwrap(bulla_lane *lane, const bulla_root *root, const bulla_material_name *name,
				 const bulla_material_data *data, bulla_secret *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf associated = { 0 };
	BULLA_SECRET material = { 0 };
	uint8_t commitment[32], id[BULLA_MATERIAL_ID_SIZE];
	TRY(associate(name, data, &associated, err));
	TRY(unseal(lane, root->keys[BULLA_ROOT_WRAP], bulla_view_buf(&associated), &data->wrapped, &material, err));
	TRY(commit(lane, name, &material, commitment, err));
	TRY(name_after(lane, commitment, id, err));
	if (!bulla_equal_ct(commitment, data->commitment, sizeof commitment) || !bulla_equal_ct(id, name->id, sizeof id))
		return bulla_fail(err, BULLA_ERR_AUTH, "key material does not fit its commitment");
	*ret = material;
	return BULLA_OK;
}

bulla_code bulla_seed_wrap(bulla_lane *lane, const bulla_root *root, const bulla_secret *seed, bulla_sealed_key *out,
			   bulla_error *err)
{
	return seal(lane, root->keys[BULLA_ROOT_LOG], bulla_view(SEED_LABEL, sizeof SEED_LABEL), seed, out, err);
}

bulla_code bulla_seed_unwrap(bulla_lane *lane, const bulla_root *root, const bulla_sealed_key *data, bulla_secret *ret,
			     bulla_error *err)
{
	BULLA_SECRET seed = { 0 };
	TRY(unseal(lane, root->keys[BULLA_ROOT_LOG], bulla_view(SEED_LABEL, sizeof SEED_LABEL), data, &seed, err));
	*ret = seed;
	return BULLA_OK;
}
