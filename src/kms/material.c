/*
 * material.c - makes, wraps and opens versions of key material, and the log's seed, which is kept likewise.
 */
#include "kms/material.h"
#include "crypto/pkey.h"

_Static_assert(BULLA_MATERIAL_MAX == BULLA_PKEY_PRIVATE_MAX, "every private key can be kept");

/* Their NULs are part of them. */
#define COMMIT_LABEL "bulla material v1"
#define ID_LABEL     "bulla material id v1"
#define WRAP_LABEL   "bulla material wrap v1"
#define SEED_LABEL   "bulla log seed v1"

static bulla_code commit(bulla_lane *lane, const bulla_material_name *name, bulla_bytes material, uint8_t out[static 32],
			 bulla_error *err)
{
	bulla_bytes parts[] = { bulla_view(COMMIT_LABEL, sizeof COMMIT_LABEL), bulla_view(name->uuid, sizeof name->uuid),
				material };
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
	TRY(bulla_buf_add_prefixed(out, name->account, err));
	return data->spec == BULLA_SPEC_SYMMETRIC_DEFAULT ? BULLA_OK : bulla_buf_add_u8(out, (uint8_t)data->spec, err);
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

static bulla_bytes wrapping_key(const bulla_root *root)
{
	return bulla_view(root->keys[BULLA_ROOT_WRAP]->bytes, BULLA_KEY_SIZE);
}

bulla_code bulla_material_wrap(bulla_lane *lane, const bulla_root *root, const bulla_material_name *name, bulla_bytes material,
			       bulla_material_data *data, bulla_buf *sealed, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf associated = { 0 };
	size_t at = sealed->len;
	if (!bulla_material_fits(data->spec, material.len))
		return bulla_fail(err, BULLA_ERR_LIMIT, "key material of that kind does not have %zu bytes", material.len);
	TRY(associate(name, data, &associated, err));
	TRY(bulla_random(lane, data->nonce, sizeof data->nonce, err));
	TRY(bulla_buf_reserve(sealed, material.len + BULLA_TAG_SIZE, err));
	TRY(bulla_aead_seal(lane, BULLA_AEAD_XAES_256_GCM, wrapping_key(root), bulla_view(data->nonce, sizeof data->nonce),
			    bulla_view_buf(&associated), material, sealed->data + at, err));
	sealed->len += material.len + BULLA_TAG_SIZE;
	data->sealed = bulla_view(sealed->data + at, material.len + BULLA_TAG_SIZE);
	return BULLA_OK;
}

static bulla_code draw_pair(bulla_spec spec, bulla_buf *out, bulla_error *err)
{
	bulla_pkey *pkey = NULL;
	TRY(bulla_pkey_generate(spec, &pkey, err));
	bulla_code code = bulla_pkey_write_private(pkey, out, err);
	bulla_pkey_free(pkey);
	return code;
}

bulla_code bulla_material_draw(bulla_lane *lane, bulla_spec spec, bulla_buf *out, bulla_error *err)
{
	const bulla_spec_info *about = bulla_spec_about(spec);
	if (!about) return bulla_fail(err, BULLA_ERR_USAGE, "there is no kind of key %d", (int)spec);
	if (bulla_key_kind_is_pair(spec)) return draw_pair(spec, out, err);
	size_t n = about->bits / 8;
	TRY(bulla_buf_reserve(out, n, err));
	TRY(bulla_random(lane, out->data + out->len, n, err));
	out->len += n;
	return BULLA_OK;
}

bulla_code bulla_material_make(bulla_lane *lane, const bulla_root *root, bulla_material_name *name, bulla_bytes material,
			       bulla_material_data *out, bulla_buf *sealed, bulla_error *err)
{
	TRY(commit(lane, name, material, out->commitment, err));
	TRY(name_after(lane, out->commitment, name->id, err));
	return bulla_material_wrap(lane, root, name, material, out, sealed, err);
}

bulla_code bulla_material_unwrap(bulla_lane *lane, const bulla_root *root, const bulla_material_name *name,
				 const bulla_material_data *data, uint8_t *out, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf associated = { 0 }, material = { 0 };
	uint8_t commitment[32], id[BULLA_MATERIAL_ID_SIZE];
	TRY(associate(name, data, &associated, err));
	TRY(bulla_buf_reserve(&material, bulla_material_size(data), err));
	TRY(bulla_aead_open(lane, BULLA_AEAD_XAES_256_GCM, wrapping_key(root), bulla_view(data->nonce, sizeof data->nonce),
			    bulla_view_buf(&associated), data->sealed, material.data, err));
	material.len = bulla_material_size(data);
	TRY(commit(lane, name, bulla_view_buf(&material), commitment, err));
	TRY(name_after(lane, commitment, id, err));
	if (!bulla_equal_ct(commitment, data->commitment, sizeof commitment) || !bulla_equal_ct(id, name->id, sizeof id))
		return bulla_fail(err, BULLA_ERR_AUTH, "key material does not fit its commitment");
	memcpy(out, material.data, material.len);
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
