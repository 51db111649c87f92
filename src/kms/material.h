/*
 * material.h - versions of key material, 32 random bytes or the private part of another kind of key: named after a commitment, wrapped under the root key.
 *
 * commitment  = SHA-256("bulla material v1" 00 ‖ key uuid ‖ material)
 * material id = first 8 bytes of SHA-256("bulla material id v1" 00 ‖ commitment)
 * wrapped     = XAES-256-GCM under the wrapping subkey; associated data = "bulla material wrap v1" 00 ‖ key uuid ‖ material id ‖
 *               u8 usage ‖ u8 origin ‖ u16-prefixed account, and u8 spec unless that is SYMMETRIC_DEFAULT
 */
#ifndef KMS_MATERIAL_H
#define KMS_MATERIAL_H

#include "kms/codec.h"

/* Which material it is, and whose. */
typedef struct bulla_material_name {
	uint8_t uuid[BULLA_UUID_SIZE];
	uint8_t id[BULLA_MATERIAL_ID_SIZE];
	bulla_bytes account;
} bulla_material_name;

/* Appends new material of the spec: random bytes, or the PKCS #8 of a new pair, which takes its time for RSA. */
BULLA_MUST bulla_code bulla_material_draw(bulla_lane *lane, bulla_spec spec, bulla_buf *out, bulla_error *err);

/* Makes `material` a version of the key `name->uuid`: sets name->id, commitment and what is wrapped; `out`'s spec, usage, origin and created_us are
 * the caller's. `sealed` is appended to, and out->sealed a view of it. */
BULLA_MUST bulla_code bulla_material_make(bulla_lane *lane, const bulla_root *root, bulla_material_name *name,
					  bulla_bytes material, bulla_material_data *out, bulla_buf *sealed, bulla_error *err);

/* How many bytes the material has. */
static inline size_t bulla_material_size(const bulla_material_data *data)
{
	return data->sealed.len - BULLA_TAG_SIZE;
}

/* Opens it into bulla_material_size() bytes and checks commitment and id: AUTH when anything does not fit, with `out` untouched. */
BULLA_MUST bulla_code bulla_material_unwrap(bulla_lane *lane, const bulla_root *root, const bulla_material_name *name,
					    const bulla_material_data *data, uint8_t *out, bulla_error *err);

/* The whole of the hash that the id begins: AWS's KeyMaterialId, which has 32 bytes. Public. */
BULLA_MUST bulla_code bulla_material_print(bulla_lane *lane, const uint8_t commitment[static 32],
					   uint8_t out[static BULLA_MATERIAL_PRINT_SIZE], bulla_error *err);

/* Wraps known material again, under a fresh nonce. `sealed` as above. LIMIT for a length that material of the spec cannot have. */
BULLA_MUST bulla_code bulla_material_wrap(bulla_lane *lane, const bulla_root *root, const bulla_material_name *name,
					  bulla_bytes material, bulla_material_data *data, bulla_buf *sealed, bulla_error *err);

/* The log's signing seed: XAES-256-GCM under its subkey, associated data "bulla log seed v1" 00. Opening: AUTH. */
BULLA_MUST bulla_code bulla_seed_wrap(bulla_lane *lane, const bulla_root *root, const bulla_secret *seed, bulla_sealed_key *out,
				      bulla_error *err);
BULLA_MUST bulla_code bulla_seed_unwrap(bulla_lane *lane, const bulla_root *root, const bulla_sealed_key *data, bulla_secret *ret,
					bulla_error *err);

#endif
