/*
 * codec.h - what the rows of the store say: one small, versioned binary form for each table.
 *
 * Integers are big-endian, texts u16-prefixed, times microseconds since 1970; each begins with a version byte, 0x01 where nothing
 * else is said, and nothing trails.
 *
 *   KEY       01, u8 state, u8 usage, u8 origin, u64 created, u64 deletion, u32 rotation days, u64 next rotation,
 *             8 current material, account, region, description; of a closed key 02, and at the end u64 closed;
 *             of a key that is not SYMMETRIC_DEFAULT 03, and at the end u64 closed (or 0), u8 spec
 *   MATERIAL  01, u8 usage, u8 origin, u64 created, 32 commitment, 24 nonce, 48 sealed material; of a key that is
 *             not SYMMETRIC_DEFAULT 02, and behind the nonce u8 spec, sealed material
 *   ALIAS     01, 16 key uuid, u64 created, u64 updated
 *   META root 01, note, 16 salt, 32 canary          META log  01, 24 nonce, 48 sealed seed
 *   META rows 01, u32 count, 32 digest
 */
#ifndef KMS_CODEC_H
#define KMS_CODEC_H

#include "crypto/aead.h"
#include "kms/engine.h"
#include "kms/root.h"

#define BULLA_KEY_TOMBSTONE             ((bulla_key_state)4) /* the material is gone; blobs under it answer KEY_DESTROYED */
#define BULLA_KEY_USAGE_ENCRYPT_DECRYPT 1                    /* a row's usage: 1 + a bulla_use */
#define BULLA_KEY_ORIGIN_ENGINE         1                    /* made here: AWS's AWS_KMS */
#define BULLA_MATERIAL_BY_SCHEDULE      3                    /* of material: made here by a scheduled rotation */

#define BULLA_SEALED_KEY_SIZE   (BULLA_KEY_SIZE + BULLA_TAG_SIZE)
#define BULLA_MATERIAL_MAX      2560 /* bytes of one version of key material: a private key (crypto/pkey.h) */
#define BULLA_ACCOUNT_SIZE      12
#define BULLA_REGION_MAX        32
#define BULLA_DESCRIPTION_MAX   32768 /* 8192 characters, as AWS counts */
#define BULLA_ROTATION_DAYS_MAX 2560
#define BULLA_TIME_MAX_US       INT64_C(253402300800000000) /* the end of the year 9999 */
#define BULLA_ROOT_NOTE_MAX     1024

/* Texts are views. */
typedef struct bulla_key_data {
	bulla_key_state state;
	uint8_t usage, origin;
	bulla_spec spec;
	int64_t created_us, deletion_us;
	int64_t closed_us; /* since when it takes no new wraps; 0: it does */
	uint32_t rotation_days;
	int64_t next_rotation_us;
	uint8_t current[BULLA_MATERIAL_ID_SIZE];
	bulla_bytes account, region, description;
} bulla_key_data;

/* A key sealed by XAES-256-GCM under a subkey of the root key. */
typedef struct bulla_sealed_key {
	uint8_t nonce[BULLA_XAES_NONCE_SIZE];
	uint8_t sealed[BULLA_SEALED_KEY_SIZE];
} bulla_sealed_key;

typedef struct bulla_material_data {
	uint8_t usage, origin;
	bulla_spec spec;
	int64_t created_us;
	uint8_t commitment[32];
	uint8_t nonce[BULLA_XAES_NONCE_SIZE];
	bulla_bytes sealed; /* a view: the material, and a tag */
} bulla_material_data;

typedef struct bulla_alias_data {
	uint8_t uuid[BULLA_UUID_SIZE];
	int64_t created_us, updated_us;
} bulla_alias_data;

typedef struct bulla_root_data {
	bulla_bytes note;
	uint8_t salt[BULLA_CANARY_SALT_SIZE];
	uint8_t canary[32];
} bulla_root_data;

typedef struct bulla_rows_data {
	uint32_t count;
	uint8_t digest[32];
} bulla_rows_data;

/* What a key's row says of its kind. */
bulla_key_kind bulla_key_data_kind(const bulla_key_data *data);
/* True for a length that material of the spec can have: of symmetric keys there is one, of pairs one limit. */
bool bulla_material_fits(bulla_spec spec, size_t len);

/* Encoders append. Decoders answer false for anything that is not exactly that form. */
BULLA_MUST bulla_code bulla_key_encode(const bulla_key_data *data, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_material_encode(const bulla_material_data *data, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_alias_encode(const bulla_alias_data *data, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_root_encode(const bulla_root_data *data, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_seed_encode(const bulla_sealed_key *data, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_rows_encode(const bulla_rows_data *data, bulla_buf *out, bulla_error *err);

bool bulla_key_decode(bulla_bytes payload, bulla_key_data *out);
bool bulla_material_decode(bulla_bytes payload, bulla_material_data *out);
bool bulla_alias_decode(bulla_bytes payload, bulla_alias_data *out);
bool bulla_root_decode(bulla_bytes payload, bulla_root_data *out);
bool bulla_seed_decode(bulla_bytes payload, bulla_sealed_key *out);
bool bulla_rows_decode(bulla_bytes payload, bulla_rows_data *out);

#endif
