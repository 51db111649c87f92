/*
 * index.h - the blind index: a keyed hash of a normalised value (docs/FORMAT.md, "Blind index").
 */
#ifndef CORE_INDEX_H
#define CORE_INDEX_H

#include "core/schema.h"
#include "crypto/lane.h"

#define BULLA_INDEX_MAX 32 /* bytes of an index at 256 bits */

/* Writes spec->bits / 8 bytes to `out`. `scratch` is cleared first. ENCODING for text that is not UTF-8 under a normaliser; `value` is not
 * NULL. A slow index costs about 5 ms and 4 MiB. */
BULLA_MUST bulla_code bulla_index_compute(bulla_lane *lane, const bulla_model *model, const bulla_field *field,
					  const uint8_t key[static BULLA_KEY_SIZE], const bulla_value *value, bulla_buf *scratch,
					  uint8_t out[static BULLA_INDEX_MAX], bulla_error *err);

/* Appends the bytes that are hashed for a value: two values with the same bytes have the same index. For plans and collision checks. */
BULLA_MUST bulla_code bulla_index_normalize(const bulla_field *field, const bulla_value *value, bulla_buf *out, bulla_error *err);

#endif
