/*
 * blob.h - the engine's ciphertext, byte for byte (docs/FORMAT.md, "Engine blob"). Pure.
 *
 *   0      2   b5 01
 *   2     16   key uuid
 *  18      8   material id
 *  26     16   nonce N, random
 *  42      n   ciphertext, AES-256-GCM
 *  ..     16   tag
 *
 * Key (32) and nonce (12) of GCM = 44 bytes of SP 800-108 counter mode over the material, label "bulla kms v1", context N.
 * Associated data = everything before the ciphertext, then the canonical encryption context.
 */
#ifndef KMS_BLOB_H
#define KMS_BLOB_H

#include "crypto/aead.h"
#include "kms/engine.h"

#define BULLA_BLOB_HEAD     42
#define BULLA_BLOB_OVERHEAD (BULLA_BLOB_HEAD + BULLA_TAG_SIZE)
#define BULLA_BLOB_MAX      (BULLA_KMS_PLAINTEXT_MAX + BULLA_BLOB_OVERHEAD)

/* What lies before the ciphertext. */
typedef struct bulla_blob_head {
	uint8_t uuid[BULLA_UUID_SIZE];
	uint8_t material[BULLA_MATERIAL_ID_SIZE];
} bulla_blob_head;

/* FORMAT for bytes that are no blob, VERSION for one of an unknown version. */
BULLA_MUST bulla_code bulla_blob_split(bulla_bytes blob, bulla_blob_head *out, bulla_error *err);

/* Appends the blob of `plain` to `out`. `scratch` is overwritten; it saves an allocation a call. */
BULLA_MUST bulla_code bulla_blob_seal(bulla_lane *lane, const bulla_secret *material, const bulla_blob_head *head,
				      bulla_bytes context, bulla_bytes plain, bulla_buf *scratch, bulla_buf *out,
				      bulla_error *err);

/* Appends the plaintext to `out`. AUTH when the material, the context or any byte differs; `out` is then as it was. */
BULLA_MUST bulla_code bulla_blob_open(bulla_lane *lane, const bulla_secret *material, bulla_bytes blob, bulla_bytes context,
				      bulla_buf *scratch, bulla_buf *out, bulla_error *err);

#endif
