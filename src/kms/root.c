/*
 * root.c - derives the subkeys of the root key.
 */
#include "kms/root.h"
#include "crypto/kdf.h"

#define SALT         "bulla root v1"
#define CANARY_LABEL "bulla canary v1" /* its NUL is part of it */

static const char *const uses[BULLA_ROOT_USES] = {
	[BULLA_ROOT_WRAP] = "material wrap",
	[BULLA_ROOT_MAC] = "row mac",
	[BULLA_ROOT_CANARY] = "canary",
	[BULLA_ROOT_LOG] = "log seed",
};

static bulla_code derive_one(bulla_root *root, size_t use, bulla_bytes root_key, bulla_error *err)
{
	TRY(bulla_pool_take(root->pool, &root->keys[use], err));
	return bulla_hkdf(BULLA_HMAC_SHA256, root_key, bulla_view_str(SALT), bulla_view_str(uses[use]), root->keys[use]->bytes,
			  BULLA_KEY_SIZE, err);
}

bulla_code bulla_root_derive(bulla_pool *pool, const uint8_t root_key[static BULLA_KEY_SIZE], bulla_root *out, bulla_error *err)
{
	bulla_root root = { .pool = pool };
	for (size_t use = 0; use < BULLA_ROOT_USES; use++) {
		bulla_code code = derive_one(&root, use, bulla_view(root_key, BULLA_KEY_SIZE), err);
		if (code) {
			bulla_root_done(&root);
			return code;
		}
	}
	*out = root;
	return BULLA_OK;
}

void bulla_root_done(bulla_root *root)
{
	for (size_t use = 0; use < BULLA_ROOT_USES; use++)
		if (root->keys[use]) bulla_pool_give(root->pool, root->keys[use]);
	*root = (bulla_root){ 0 };
}

bulla_code bulla_root_canary(const bulla_root *root, bulla_lane *lane, const uint8_t salt[static BULLA_CANARY_SALT_SIZE],
			     uint8_t out[static 32], bulla_error *err)
{
	bulla_bytes parts[] = { bulla_view(CANARY_LABEL, sizeof CANARY_LABEL), bulla_view(salt, BULLA_CANARY_SALT_SIZE) };
	return bulla_hmac_sha256(lane, root->keys[BULLA_ROOT_CANARY]->bytes, parts, 2, out, err);
}
