/*
 * blob.c - seals and opens the engine's ciphertext under a key that is derived anew for each call.
 */
#include "kms/blob.h"
#include "base/cursor.h"
#include "crypto/kdf.h"

#define MAGIC      0xb5
#define VERSION    0x01
#define LABEL      "bulla kms v1"
#define NONCE_SIZE 16
#define NONCE_AT   (BULLA_BLOB_HEAD - NONCE_SIZE)

/* The key of one call, and the nonce that goes with it. */
typedef struct call_key {
	uint8_t key[BULLA_KEY_SIZE];
	uint8_t iv[BULLA_GCM_NONCE_SIZE];
} call_key;

static void call_key_wipe(call_key *key)
{
	bulla_wipe(key, sizeof *key);
}

#define CALL_KEY __attribute__((cleanup(call_key_wipe))) call_key

static bulla_code derive(bulla_lane *lane, const bulla_secret *material, const uint8_t *nonce, call_key *out, bulla_error *err)
{
	_Static_assert(sizeof *out == 44, "key and nonce are one run of bytes");
	return bulla_kbkdf(lane, material->bytes, LABEL, bulla_view(nonce, NONCE_SIZE), out->key, sizeof *out, err);
}

static bulla_code associate(const uint8_t head[static BULLA_BLOB_HEAD], bulla_bytes context, bulla_buf *scratch, bulla_error *err)
{
	scratch->len = 0; /* heads and contexts are public */
	TRY(bulla_buf_add(scratch, bulla_view(head, BULLA_BLOB_HEAD), err));
	return bulla_buf_add(scratch, context, err);
}

bulla_code bulla_blob_split(bulla_bytes blob, bulla_blob_head *out, bulla_error *err)
{
	bulla_cursor c = bulla_cursor_of(blob);
	uint8_t magic = bulla_cursor_u8(&c);
	uint8_t version = bulla_cursor_u8(&c);
	bulla_bytes uuid = bulla_cursor_take(&c, BULLA_UUID_SIZE);
	bulla_bytes material = bulla_cursor_take(&c, BULLA_MATERIAL_ID_SIZE);
	if (blob.len < 2 || magic != MAGIC) return bulla_fail(err, BULLA_ERR_FORMAT, "that is no ciphertext of the engine");
	if (version != VERSION)
		return bulla_fail(err, BULLA_ERR_VERSION, "a ciphertext of the engine in version %u, which is unknown", version);
	if (c.failed || blob.len < BULLA_BLOB_OVERHEAD || blob.len > BULLA_BLOB_MAX)
		return bulla_fail(err, BULLA_ERR_FORMAT, "a ciphertext of the engine has %d to %d bytes", BULLA_BLOB_OVERHEAD,
				  BULLA_BLOB_MAX);
	memcpy(out->uuid, uuid.data, uuid.len);
	memcpy(out->material, material.data, material.len);
	return BULLA_OK;
}

static bulla_code write_head(bulla_lane *lane, const bulla_blob_head *head, uint8_t out[static BULLA_BLOB_HEAD], bulla_error *err)
{
	out[0] = MAGIC;
	out[1] = VERSION;
	memcpy(out + 2, head->uuid, sizeof head->uuid);
	memcpy(out + 2 + sizeof head->uuid, head->material, sizeof head->material);
	return bulla_random(lane, out + NONCE_AT, NONCE_SIZE, err);
}

bulla_code bulla_blob_seal(bulla_lane *lane, const bulla_secret *material, const bulla_blob_head *head, bulla_bytes context,
			   bulla_bytes plain, bulla_buf *scratch, bulla_buf *out, bulla_error *err)
{
	CALL_KEY key;
	TRY(bulla_buf_reserve(out, plain.len + BULLA_BLOB_OVERHEAD, err));
	uint8_t *blob = out->data + out->len;
	TRY(write_head(lane, head, blob, err));
	TRY(derive(lane, material, blob + NONCE_AT, &key, err));
	TRY(associate(blob, context, scratch, err));
	TRY(bulla_aead_seal(lane, BULLA_AEAD_AES_256_GCM, bulla_view(key.key, sizeof key.key), bulla_view(key.iv, sizeof key.iv),
			    bulla_view_buf(scratch), plain, blob + BULLA_BLOB_HEAD, err));
	out->len += plain.len + BULLA_BLOB_OVERHEAD;
	return BULLA_OK;
}

bulla_code bulla_blob_open(bulla_lane *lane, const bulla_secret *material, bulla_bytes blob, bulla_bytes context,
			   bulla_buf *scratch, bulla_buf *out, bulla_error *err)
{
	CALL_KEY key;
	bulla_blob_head head;
	TRY(bulla_blob_split(blob, &head, err));
	size_t n = blob.len - BULLA_BLOB_OVERHEAD;
	TRY(bulla_buf_reserve(out, n + BULLA_TAG_SIZE, err));
	TRY(derive(lane, material, blob.data + NONCE_AT, &key, err));
	TRY(associate(blob.data, context, scratch, err));
	TRY(bulla_aead_open(lane, BULLA_AEAD_AES_256_GCM, bulla_view(key.key, sizeof key.key), bulla_view(key.iv, sizeof key.iv),
			    bulla_view_buf(scratch), bulla_view(blob.data + BULLA_BLOB_HEAD, n + BULLA_TAG_SIZE),
			    out->data + out->len, err));
	out->len += n;
	return BULLA_OK;
}

bulla_code bulla_engine_blob_parse(bulla_bytes blob, uint8_t ret_uuid[static BULLA_UUID_SIZE],
				   uint8_t ret_material[static BULLA_MATERIAL_ID_SIZE], bulla_error *err)
{
	bulla_blob_head head;
	TRY(bulla_blob_split(blob, &head, err));
	memcpy(ret_uuid, head.uuid, sizeof head.uuid);
	memcpy(ret_material, head.material, sizeof head.material);
	return BULLA_OK;
}
