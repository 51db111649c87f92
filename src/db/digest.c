/*
 * digest.c - adding up the keyed hashes of rows.
 */
#include "db/digest.h"

#include "crypto/kdf.h"
#include "db/book.h"

#include <string.h>

static const char LABEL[] = "bulla report digest v1"; /* its NUL is part of what is derived from */

bulla_code bulla_digest_key(const uint8_t seed[static 32], const char *model, bulla_secret *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf info = { 0 };
	TRY(bulla_buf_add(&info, bulla_view(LABEL, sizeof LABEL), err));
	TRY(bulla_buf_add_str(&info, model, err));
	return bulla_hkdf(BULLA_HMAC_SHA256, bulla_view(seed, 32), bulla_view("", 0), bulla_view_buf(&info), ret->bytes,
			  sizeof ret->bytes, err);
}

/* A boolean opens as one and is stored as an integer: the digest must not depend on where it was read. */
bulla_code bulla_digest_write(const bulla_value *value, bulla_buf *row, bulla_error *err)
{
	bulla_value plain = *value;
	if (plain.kind == BULLA_KIND_BOOLEAN) plain.kind = BULLA_KIND_INTEGER;
	return bulla_position_write(&plain, 1, row, err);
}

static void add(uint64_t sum[static 4], const uint64_t more[static 4])
{
	unsigned __int128 carry = 0;
	for (int i = 0; i < 4; i++) {
		carry += (unsigned __int128)sum[i] + more[i];
		sum[i] = (uint64_t)carry;
		carry >>= 64;
	}
}

bulla_code bulla_digest_add(bulla_digest *digest, bulla_lane *lane, const bulla_secret *key, bulla_bytes row, bulla_error *err)
{
	uint8_t hash[32];
	uint64_t words[4];
	TRY(bulla_hmac_sha256(lane, key->bytes, &row, 1, hash, err));
	for (int i = 0; i < 4; i++)
		words[i] = bulla_get_u64(hash + 8 * (3 - i));
	add(digest->sum, words);
	digest->rows++;
	return BULLA_OK;
}

void bulla_digest_merge(bulla_digest *digest, const bulla_digest *other)
{
	add(digest->sum, other->sum);
	digest->rows += other->rows;
}

void bulla_digest_hex(const bulla_digest *digest, char out[static 65])
{
	for (int i = 0; i < 64; i++)
		out[i] = "0123456789abcdef"[(digest->sum[3 - i / 16] >> (60 - 4 * (i % 16))) & 15];
	out[64] = 0;
}
