/*
 * digest.h - a keyed digest over all rows in no particular order: equal digests mean equal multisets of rows.
 *
 * Each row's primary key and values go through HMAC-SHA-256 under a key that nobody outside has, and the results are added
 * modulo 2^256. The key comes from the seed that signs reports (HKDF), not from the report: a digest that anybody could
 * compute would let values be guessed.
 */
#ifndef DB_DIGEST_H
#define DB_DIGEST_H

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/lane.h"
#include "db/target.h"

typedef struct bulla_digest {
	uint64_t sum[4]; /* least significant first */
	uint64_t rows;
} bulla_digest;

/* The key of a model's digests. */
BULLA_MUST bulla_code bulla_digest_key(const uint8_t seed[static 32], const char *model, bulla_secret *ret, bulla_error *err);

/* Appends values so that no two rows are written alike: class, length, bytes. */
BULLA_MUST bulla_code bulla_digest_write(const bulla_value *value, bulla_buf *row, bulla_error *err);
BULLA_MUST bulla_code bulla_digest_add(bulla_digest *digest, bulla_lane *lane, const bulla_secret *key, bulla_bytes row,
				       bulla_error *err);
void bulla_digest_merge(bulla_digest *digest, const bulla_digest *other);
void bulla_digest_hex(const bulla_digest *digest, char out[static 65]);

#endif
