/*
 * root.h - the subkeys of the root key: one for each use, so that no two formulas share a key.
 */
#ifndef KMS_ROOT_H
#define KMS_ROOT_H

#include "base/pool.h"
#include "crypto/lane.h"

typedef enum bulla_root_use {
	BULLA_ROOT_WRAP = 0,   /* key material: XAES-256-GCM */
	BULLA_ROOT_MAC = 1,    /* rows of the store: HMAC-SHA-256 */
	BULLA_ROOT_CANARY = 2, /* tells a wrong root key: HMAC-SHA-256 */
	BULLA_ROOT_LOG = 3,    /* the seed that signs the audit log: XAES-256-GCM */
	BULLA_ROOT_USES
} bulla_root_use;

/* The subkeys lie in `pool`; the root key itself is not kept. Immutable; shareable. */
typedef struct bulla_root {
	bulla_pool *pool;
	bulla_secret *keys[BULLA_ROOT_USES];
} bulla_root;

/* HKDF-SHA-256 (RFC 5869) of `root_key`: salt "bulla root v1", info the use's name. `out` is empty on failure. */
BULLA_MUST bulla_code bulla_root_derive(bulla_pool *pool, const uint8_t root_key[static BULLA_KEY_SIZE], bulla_root *out,
					bulla_error *err);
void bulla_root_done(bulla_root *root); /* wipes; fine when zeroed */

#define BULLA_CANARY_SALT_SIZE 16

/* The tag by which the root key is known again: HMAC(canary key, "bulla canary v1" 00 ‖ salt). */
BULLA_MUST bulla_code bulla_root_canary(const bulla_root *root, bulla_lane *lane,
					const uint8_t salt[static BULLA_CANARY_SALT_SIZE], uint8_t out[static 32],
					bulla_error *err);

#endif
