/*
 * census.h - which keys hold how many records, told from the wrapped keys alone (docs/FORMAT.md, "Wrapped data key").
 */
#ifndef DB_CENSUS_H
#define DB_CENSUS_H

#include "base/json.h"

#define BULLA_CENSUS_MAX 64 /* keys that are told one by one; with a branch per row the rest is one number */

typedef struct bulla_census {
	size_t n;
	uint64_t others; /* records under keys beyond the first BULLA_CENSUS_MAX */
	uint64_t malformed;
	struct bulla_census_entry {
		uint8_t kind;
		uint64_t reference;
		uint64_t records;
	} list[BULLA_CENSUS_MAX];
} bulla_census;

/* One record, under its first wrap; or many with the same directory, under each of their wraps. */
void bulla_census_add(bulla_census *census, bulla_bytes wrapped_key);
void bulla_census_add_wraps(bulla_census *census, bulla_bytes directory, uint64_t records);
void bulla_census_merge(bulla_census *census, const bulla_census *other);
/* Writes the elements {"column","kind","reference",<what>} of an open array, `column` only where it is not NULL. Kind "others" stands for
 * keys beyond the first BULLA_CENSUS_MAX, "malformed" for what is no wrapped key. */
void bulla_census_tell(const bulla_census *census, bulla_json_writer *out, const char *column, const char *what);

/* The directory of a wrapped key is the number of its wraps, and 11 bytes for each: from byte 33 on. That number, 0 for bytes that are
 * none, and kind and reference of wrap `i`. */
size_t bulla_directory_count(bulla_bytes directory);
void bulla_directory_read(bulla_bytes directory, size_t i, uint8_t *ret_kind, uint64_t *ret_reference);

/* How many wraps a wrapped key has; 0 for bytes that are none. */
size_t bulla_wrap_count(bulla_bytes wrapped_key);
/* Kind and reference of wrap `i`. */
void bulla_wrap_read(bulla_bytes wrapped_key, size_t i, uint8_t *ret_kind, uint64_t *ret_reference);

#endif
