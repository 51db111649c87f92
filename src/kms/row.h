/*
 * row.h - a row of the store as it lies there: version, generation, payload and a MAC over all of it and its place.
 *
 *   0      1   0x01
 *   1      8   generation of the change that wrote the row
 *   9      n   payload (kms/codec.h)
 *   ..    32   HMAC-SHA-256(row key, "bulla row v1" 00 ‖ u8 table ‖ u16-prefixed id ‖ all bytes before the MAC)
 *
 * So a row copied to another table or id does not open. That no single row was put back, added or taken away is told by the row
 * "rows" of META: a digest over the MACs of all others, rewritten by each change, whose generation must be the store's.
 */
#ifndef KMS_ROW_H
#define KMS_ROW_H

#include "kms/root.h"
#include "kms/store.h"

#define BULLA_ROW_ID_MAX 250
#define BULLA_ROW_MAX    65536 /* bytes of one row */
#define BULLA_ROW_MAC    32
#define BULLA_META_ROOT  "root"
#define BULLA_META_LOG   "log"
#define BULLA_META_ROWS  "rows"

/* Views into the bytes that were split. */
typedef struct bulla_stored_row {
	bulla_kms_table table;
	bulla_bytes id;
	uint64_t generation;
	bulla_bytes payload;
	bulla_bytes sealed; /* everything before the MAC */
	bulla_bytes mac;
} bulla_stored_row;

/* Appends the row's bytes to `out`. */
BULLA_MUST bulla_code bulla_stored_row_seal(bulla_lane *lane, const bulla_root *root, bulla_kms_table table, bulla_bytes id,
					    uint64_t generation, bulla_bytes payload, bulla_buf *out, bulla_error *err);

/* Takes a row apart without a key. CORRUPT when it is too short. */
BULLA_MUST bulla_code bulla_stored_row_split(const bulla_kms_row *stored, bulla_stored_row *out, bulla_error *err);
/* NEWER when the row's version is not the one above. */
BULLA_MUST bulla_code bulla_stored_row_is_known(const bulla_stored_row *row, bulla_error *err);

/* CORRUPT when the MAC does not fit, then as bulla_stored_row_is_known(): in every version the last 32 bytes are the MAC. */
BULLA_MUST bulla_code bulla_stored_row_check(bulla_lane *lane, const bulla_root *root, const bulla_stored_row *row,
					     bulla_error *err);

/* CORRUPT: "the key store is damaged: <table> <id>: <what>". Nothing else of the row is shown. */
bulla_code bulla_stored_row_corrupt(bulla_error *err, bulla_kms_table table, bulla_bytes id, const char *what);

/* By table, then id. */
int bulla_stored_row_compare(const bulla_stored_row *a, const bulla_stored_row *b);

/* Digest over the MACs of `n` rows, which are sorted, without the row "rows" itself. */
BULLA_MUST bulla_code bulla_stored_row_digest(bulla_lane *lane, const bulla_stored_row *rows, size_t n, uint8_t out[static 32],
					      bulla_error *err);

bool bulla_stored_row_is_manifest(const bulla_stored_row *row);

#endif
