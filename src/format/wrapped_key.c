/*
 * wrapped_key.c - reading and writing wrapped data keys, their commitment and their checks.
 */
#include "format/wrapped_key.h"

#include "base/cursor.h"

#include <string.h>

#define DIRECTORY_ENTRY 11

static const char COMMIT[] = "bulla commit v1"; /* the NULs are part of what is hashed */
static const char PART[] = "bulla part v1";

const char *bulla_wrap_kind_name(uint8_t kind)
{
	static const char *const names[] = {
		[BULLA_WRAP_AWS] = "aws",         [BULLA_WRAP_GCP] = "gcp",       [BULLA_WRAP_VAULT] = "vault",
		[BULLA_WRAP_AZURE] = "azure",     [BULLA_WRAP_PKCS11] = "pkcs11", [BULLA_WRAP_ENGINE] = "engine",
		[BULLA_WRAP_KEYFILE] = "keyfile", [BULLA_WRAP_BRANCH] = "branch",
	};
	if (kind == BULLA_WRAP_TEST) return "test";
	return kind < sizeof names / sizeof *names && names[kind] ? names[kind] : "unknown";
}

bulla_code bulla_wrapped_key_parse(bulla_bytes bytes, bulla_wrapped_key *ret, bulla_error *err)
{
	uint16_t sizes[BULLA_WRAPS_MAX];
	bulla_cursor c = bulla_cursor_of(bytes);

	ret->version = bulla_cursor_u8(&c);
	if (!c.failed && ret->version != BULLA_WRAPPED_KEY && ret->version != BULLA_WRAPPED_BOX)
		return bulla_fail(err, BULLA_ERR_VERSION, "a wrapped key has format version %u, which this release does not know",
				  ret->version);
	ret->commitment = bulla_cursor_take(&c, BULLA_COMMITMENT_SIZE);
	ret->wrap_count = bulla_cursor_u8(&c);
	if (ret->wrap_count > BULLA_WRAPS_MAX || (!c.failed && ret->wrap_count == 0))
		return bulla_fail(err, BULLA_ERR_FORMAT, "a wrapped key has %zu wraps, 1 to 16 are possible", ret->wrap_count);
	for (size_t i = 0; i < ret->wrap_count; i++) {
		ret->wraps[i].kind = bulla_cursor_u8(&c);
		ret->wraps[i].reference = bulla_cursor_u64(&c);
		sizes[i] = bulla_cursor_u16(&c);
	}
	size_t checks = bulla_cursor_u8(&c);
	if (checks > BULLA_CHECKS_MAX)
		return bulla_fail(err, BULLA_ERR_FORMAT, "a wrapped key has %zu checks, at most 16 are possible", checks);
	ret->checks = bulla_cursor_take(&c, 2 * checks);
	for (size_t i = 0; i < ret->wrap_count; i++)
		ret->wraps[i].blob = bulla_cursor_take(&c, sizes[i]);
	if (!bulla_cursor_end(&c))
		return bulla_fail(err, BULLA_ERR_FORMAT, "a wrapped key of %zu bytes is cut off or has bytes behind its end",
				  bytes.len);
	return BULLA_OK;
}

static bulla_code write_parts(const bulla_wrapped_key *key, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, key->version, err));
	TRY(bulla_buf_add(out, key->commitment, err));
	TRY(bulla_buf_add_u8(out, (uint8_t)key->wrap_count, err));
	for (size_t i = 0; i < key->wrap_count; i++) {
		TRY(bulla_buf_add_u8(out, key->wraps[i].kind, err));
		TRY(bulla_buf_add_u64(out, key->wraps[i].reference, err));
		TRY(bulla_buf_add_u16(out, (uint16_t)key->wraps[i].blob.len, err));
	}
	TRY(bulla_buf_add_u8(out, (uint8_t)(key->checks.len / 2), err));
	TRY(bulla_buf_add(out, key->checks, err));
	for (size_t i = 0; i < key->wrap_count; i++)
		TRY(bulla_buf_add(out, key->wraps[i].blob, err));
	return BULLA_OK;
}

bulla_code bulla_wrapped_key_write(const bulla_wrapped_key *key, bulla_buf *out, bulla_error *err)
{
	size_t size = 34 + DIRECTORY_ENTRY * key->wrap_count + 1 + key->checks.len;
	for (size_t i = 0; i < key->wrap_count; i++) {
		if (key->wraps[i].blob.len > UINT16_MAX)
			return bulla_fail(err, BULLA_ERR_LIMIT, "a wrap has %zu bytes, at most 65535 are possible",
					  key->wraps[i].blob.len);
		size += key->wraps[i].blob.len;
	}
	TRY(bulla_buf_reserve(out, size, err));
	return write_parts(key, out, err);
}

size_t bulla_wrapped_key_branch_size(size_t checks)
{
	return 1 + BULLA_COMMITMENT_SIZE + 1 + DIRECTORY_ENTRY + 1 + 2 * checks + BULLA_LOCAL_BLOB_SIZE;
}

bulla_code bulla_commitment(bulla_lane *lane, bulla_bytes context, const uint8_t key[static BULLA_KEY_SIZE],
			    uint8_t out[static BULLA_COMMITMENT_SIZE], bulla_error *err)
{
	const bulla_bytes parts[] = { bulla_view(COMMIT, sizeof COMMIT), context, bulla_view(key, BULLA_KEY_SIZE) };
	return bulla_sha256(lane, parts, 3, out, err);
}

bulla_code bulla_commitment_fits(bulla_lane *lane, bulla_bytes context, const uint8_t key[static BULLA_KEY_SIZE],
				 const uint8_t commitment[static BULLA_COMMITMENT_SIZE], bool *ret_fits, bulla_error *err)
{
	uint8_t wanted[BULLA_COMMITMENT_SIZE];
	TRY(bulla_commitment(lane, context, key, wanted, err));
	*ret_fits = bulla_equal_ct(wanted, commitment, sizeof wanted);
	return BULLA_OK;
}

bulla_code bulla_commitment_check(bulla_lane *lane, bulla_bytes context, const uint8_t key[static BULLA_KEY_SIZE],
				  const uint8_t commitment[static BULLA_COMMITMENT_SIZE], bulla_error *err)
{
	bool fits;
	TRY(bulla_commitment_fits(lane, context, key, commitment, &fits, err));
	return fits ? BULLA_OK : bulla_fail(err, BULLA_ERR_AUTH, "%s", BULLA_AUTH_TEXT);
}

bulla_code bulla_context_check(bulla_lane *lane, const uint8_t commitment[static BULLA_COMMITMENT_SIZE], bulla_bytes pair,
			       uint8_t out[static 2], bulla_error *err)
{
	const bulla_bytes parts[] = { bulla_view(PART, sizeof PART), bulla_view(commitment, BULLA_COMMITMENT_SIZE), pair };
	uint8_t hash[32];
	TRY(bulla_sha256(lane, parts, 3, hash, err));
	memcpy(out, hash, 2);
	return BULLA_OK;
}
