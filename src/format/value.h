/*
 * value.h - typed values as the bytes that are sealed (docs/FORMAT.md, "Values").
 *
 * boolean one byte; integer 8 bytes big-endian two's complement; float 8 bytes IEEE 754 big-endian; decimal, date, time, datetime,
 * json, inet, array and string their text; binary its bytes; any: one class byte (1 integer, 2 float, 3 text, 4 binary), then the value.
 */
#ifndef FORMAT_VALUE_H
#define FORMAT_VALUE_H

#include "base/error.h"
#include "base/bytes.h"

/* The number of bytes that `value` is sealed as. TYPE when a field of that type cannot hold it exactly, ENCODING for text that is not
 * UTF-8 (type any keeps such text as it is), TOO_LARGE beyond BULLA_VALUE_MAX. `value` is not NULL. */
BULLA_MUST bulla_code bulla_value_measure(bulla_type type, const bulla_value *value, size_t *ret_size, bulla_error *err);

/* Writes what was measured. */
void bulla_value_write(bulla_type type, const bulla_value *value, uint8_t *out);

/* The value that `bytes` are; a view into them. FORMAT when they cannot be a value of that type. */
BULLA_MUST bulla_code bulla_value_read(bulla_type type, bulla_bytes bytes, bulla_value *ret, bulla_error *err);

/* Same kind and same bytes (floats by their bits). */
bool bulla_value_equal(const bulla_value *a, const bulla_value *b);

#endif
