/*
 * local_wrap.c - wrapping under a 32-byte key of ours: branch keys, key files, the test key.
 */
#include "format/wrapped_key.h"

#include <string.h>

static const char WRAP[] = "bulla wrap v1"; /* the NULs are part of the associated data */
static const char BOX[] = "bulla box v1";

#define BRANCH_MAX     1024 /* bytes of a branch's identity */
#define ASSOCIATED_MAX (sizeof WRAP + 1 + 8 + 2 + BRANCH_MAX + BULLA_COMMITMENT_SIZE)

/* Writes the associated data of a wrapped key; 0 when the branch is too long. */
static size_t associate(const bulla_wrap_label *label, const uint8_t *commitment, uint8_t out[static ASSOCIATED_MAX])
{
	if (label->branch.len > BRANCH_MAX) return 0;
	uint8_t *at = out;
	memcpy(at, WRAP, sizeof WRAP);
	at += sizeof WRAP;
	*at++ = label->kind;
	bulla_put_u64(at, label->reference);
	at += 8;
	bulla_put_u16(at, (uint16_t)label->branch.len);
	at += 2;
	if (label->branch.len) memcpy(at, label->branch.data, label->branch.len);
	at += label->branch.len;
	memcpy(at, commitment, BULLA_COMMITMENT_SIZE);
	return (size_t)(at - out) + BULLA_COMMITMENT_SIZE;
}

bulla_code bulla_wrap_seal(bulla_lane *lane, const uint8_t wrapping_key[static BULLA_KEY_SIZE], const bulla_wrap_label *label,
			   const uint8_t commitment[static BULLA_COMMITMENT_SIZE], const uint8_t key[static BULLA_KEY_SIZE],
			   uint8_t out[static BULLA_LOCAL_BLOB_SIZE], bulla_error *err)
{
	uint8_t associated[ASSOCIATED_MAX];
	size_t size = associate(label, commitment, associated);
	if (!size) return bulla_fail(err, BULLA_ERR_LIMIT, "the identity of a branch key is longer than %d bytes", BRANCH_MAX);
	return bulla_aead_seal(lane, BULLA_AEAD_XAES_256_GCM, bulla_view(wrapping_key, BULLA_KEY_SIZE),
			       bulla_view(commitment, BULLA_XAES_NONCE_SIZE), bulla_view(associated, size),
			       bulla_view(key, BULLA_KEY_SIZE), out, err);
}

bulla_code bulla_wrap_open(bulla_lane *lane, const uint8_t wrapping_key[static BULLA_KEY_SIZE], const bulla_wrap_label *label,
			   const uint8_t commitment[static BULLA_COMMITMENT_SIZE], bulla_bytes blob,
			   uint8_t ret_key[static BULLA_KEY_SIZE], bulla_error *err)
{
	if (blob.len != BULLA_LOCAL_BLOB_SIZE)
		return bulla_fail(err, BULLA_ERR_FORMAT, "a wrap of %zu bytes where %d are needed", blob.len,
				  BULLA_LOCAL_BLOB_SIZE);
	uint8_t associated[ASSOCIATED_MAX];
	size_t size = associate(label, commitment, associated);
	if (!size) return bulla_fail(err, BULLA_ERR_LIMIT, "the identity of a branch key is longer than %d bytes", BRANCH_MAX);
	return bulla_aead_open(lane, BULLA_AEAD_XAES_256_GCM, bulla_view(wrapping_key, BULLA_KEY_SIZE),
			       bulla_view(commitment, BULLA_XAES_NONCE_SIZE), bulla_view(associated, size), blob, ret_key, err);
}

static bulla_code associate_box(const bulla_wrap_label *label, bulla_bytes random, bulla_bytes context, bulla_buf *out,
				bulla_error *err)
{
	TRY(bulla_buf_add(out, bulla_view(BOX, sizeof BOX), err));
	TRY(bulla_buf_add_u8(out, label->kind, err));
	TRY(bulla_buf_add_u64(out, label->reference, err));
	TRY(bulla_buf_add_prefixed(out, label->branch, err));
	TRY(bulla_buf_add(out, random, err));
	return bulla_buf_add(out, context, err);
}

bulla_code bulla_wrap_box(bulla_lane *lane, const uint8_t wrapping_key[static BULLA_KEY_SIZE], const bulla_wrap_label *label,
			  bulla_bytes random, bulla_bytes context, bulla_bytes input, bool sealing, bulla_buf *out,
			  bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf associated = { 0 };
	bulla_bytes key = bulla_view(wrapping_key, BULLA_KEY_SIZE), nonce = bulla_view(random.data, BULLA_XAES_NONCE_SIZE);

	if (!sealing && input.len < BULLA_TAG_SIZE) return bulla_fail(err, BULLA_ERR_FORMAT, "a box is cut off");
	size_t size = sealing ? input.len + BULLA_TAG_SIZE : input.len - BULLA_TAG_SIZE;
	TRY(associate_box(label, random, context, &associated, err));
	TRY(bulla_buf_reserve(out, size, err));
	uint8_t *at = out->data + out->len;
	TRY(sealing ? bulla_aead_seal(lane, BULLA_AEAD_XAES_256_GCM, key, nonce, bulla_view_buf(&associated), input, at, err)
		    : bulla_aead_open(lane, BULLA_AEAD_XAES_256_GCM, key, nonce, bulla_view_buf(&associated), input, at, err));
	out->len += size;
	return BULLA_OK;
}
