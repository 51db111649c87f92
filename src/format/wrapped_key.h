/*
 * wrapped_key.h - the native format of a wrapped data key, and of a box (docs/FORMAT.md, "Wrapped data key").
 *
 *       0     1   0x01; 0x02: a box
 *       1    32   commitment; in a box 32 random bytes
 *      33     1   n, wraps 1..16
 *      34   11n   directory: u8 kind, u64 reference, u16 blob length
 *      ..     1   p, checks 0..16
 *      ..    2p   checks
 *      ..         blobs in order; the end of the last is the end
 *
 * Authenticated are commitment, branch reference and identity, and the data key. Not: n, the other wraps, the checks, the lengths.
 */
#ifndef FORMAT_WRAPPED_KEY_H
#define FORMAT_WRAPPED_KEY_H

#include "base/buf.h"
#include "crypto/aead.h"

#define BULLA_WRAPPED_KEY     0x01
#define BULLA_WRAPPED_BOX     0x02
#define BULLA_COMMITMENT_SIZE 32
#define BULLA_WRAPS_MAX       16
#define BULLA_CHECKS_MAX      16
#define BULLA_WRAPPED_KEY_MAX (34 + BULLA_WRAPS_MAX * (11 + 8192) + 1 + 2 * BULLA_CHECKS_MAX)
#define BULLA_LOCAL_BLOB_SIZE (BULLA_KEY_SIZE + BULLA_TAG_SIZE) /* 48: a key under a branch key, key file or test key */

/* What byte `kind` of a wrap's directory entry means (docs/FORMAT.md). */
typedef enum bulla_wrap_kind {
	BULLA_WRAP_AWS = 1,
	BULLA_WRAP_GCP = 2,
	BULLA_WRAP_VAULT = 3,
	BULLA_WRAP_AZURE = 4,
	BULLA_WRAP_PKCS11 = 5,
	BULLA_WRAP_ENGINE = 6,
	BULLA_WRAP_KEYFILE = 7, /* file: and env: */
	BULLA_WRAP_BRANCH = 8,
	BULLA_WRAP_TEST = 255
} bulla_wrap_kind;

/* "aws" .. "test", "unknown" for any other number; static. */
const char *bulla_wrap_kind_name(uint8_t kind);

typedef struct bulla_wrap {
	uint8_t kind; /* bulla_wrap_kind */
	uint64_t reference;
	bulla_bytes blob;
} bulla_wrap;

/* A parsed wrapped key or box; views into the bytes that were parsed. */
typedef struct bulla_wrapped_key {
	uint8_t version;
	bulla_bytes commitment;
	size_t wrap_count;
	bulla_wrap wraps[BULLA_WRAPS_MAX];
	bulla_bytes checks; /* 2 bytes each */
} bulla_wrapped_key;

/* VERSION for a first byte that is neither; FORMAT for everything else that does not fit exactly. On failure `ret` holds nothing of use: it
 * is filled in place, since each record is parsed twice. */
BULLA_MUST bulla_code bulla_wrapped_key_parse(bulla_bytes bytes, bulla_wrapped_key *ret, bulla_error *err);

/* Appends the bytes of `key`; the inverse of parsing. */
BULLA_MUST bulla_code bulla_wrapped_key_write(const bulla_wrapped_key *key, bulla_buf *out, bulla_error *err);

/* Bytes of a wrapped key with one branch wrap and `checks` checks: 94 + 2 * checks. */
size_t bulla_wrapped_key_branch_size(size_t checks);

/* SHA-256("bulla commit v1" 00 ‖ canonical context ‖ data key). */
BULLA_MUST bulla_code bulla_commitment(bulla_lane *lane, bulla_bytes context, const uint8_t key[static BULLA_KEY_SIZE],
				       uint8_t out[static BULLA_COMMITMENT_SIZE], bulla_error *err);
/* Whether key and context are those that were committed to; compared in constant time. */
BULLA_MUST bulla_code bulla_commitment_fits(bulla_lane *lane, bulla_bytes context, const uint8_t key[static BULLA_KEY_SIZE],
					    const uint8_t commitment[static BULLA_COMMITMENT_SIZE], bool *ret_fits,
					    bulla_error *err);
/* AUTH where they are not. */
BULLA_MUST bulla_code bulla_commitment_check(bulla_lane *lane, bulla_bytes context, const uint8_t key[static BULLA_KEY_SIZE],
					     const uint8_t commitment[static BULLA_COMMITMENT_SIZE], bulla_error *err);

/* The first 2 bytes of SHA-256("bulla part v1" 00 ‖ commitment ‖ pair). `pair` is the pair as it stands in the canonical context: u16-prefixed
 * name, u16-prefixed value. */
BULLA_MUST bulla_code bulla_context_check(bulla_lane *lane, const uint8_t commitment[static BULLA_COMMITMENT_SIZE],
					  bulla_bytes pair, uint8_t out[static 2], bulla_error *err);

/* Who a local wrap is made by and for; all of it is associated data. */
typedef struct bulla_wrap_label {
	uint8_t kind;
	uint64_t reference;
	bulla_bytes branch; /* the branch's identity; empty for key files and test keys */
} bulla_wrap_label;

/* Wraps a data key under a 32-byte key of ours, XAES-256-GCM: nonce = first 24 bytes of the commitment, associated data = "bulla wrap
 * v1" 00 ‖ kind ‖ reference ‖ u16-prefixed branch ‖ commitment. The commitment fixes data key and context, so a repeated nonce means
 * the same message. */
BULLA_MUST bulla_code bulla_wrap_seal(bulla_lane *lane, const uint8_t wrapping_key[static BULLA_KEY_SIZE],
				      const bulla_wrap_label *label, const uint8_t commitment[static BULLA_COMMITMENT_SIZE],
				      const uint8_t key[static BULLA_KEY_SIZE], uint8_t out[static BULLA_LOCAL_BLOB_SIZE],
				      bulla_error *err);
/* AUTH when it does not open; FORMAT for a blob of another size. Does not check the commitment. */
BULLA_MUST bulla_code bulla_wrap_open(bulla_lane *lane, const uint8_t wrapping_key[static BULLA_KEY_SIZE],
				      const bulla_wrap_label *label, const uint8_t commitment[static BULLA_COMMITMENT_SIZE],
				      bulla_bytes blob, uint8_t ret_key[static BULLA_KEY_SIZE], bulla_error *err);

/* The same for the content of a box, which has no commitment to bind its context: associated data = "bulla box v1" 00 ‖ kind ‖
 * reference ‖ 00 00 ‖ the box's 32 random bytes ‖ canonical context. `sealing` appends plain.len + 16 bytes, opening blob.len - 16. */
BULLA_MUST bulla_code bulla_wrap_box(bulla_lane *lane, const uint8_t wrapping_key[static BULLA_KEY_SIZE],
				     const bulla_wrap_label *label, bulla_bytes random, bulla_bytes context, bulla_bytes input,
				     bool sealing, bulla_buf *out, bulla_error *err);

#endif
