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

void bulla_census_add(bulla_census *census, bulla_bytes wrapped_key);
void bulla_census_merge(bulla_census *census, const bulla_census *other);
/* Writes [{"kind","reference","records"}...] as the member `name`. */
void bulla_census_tell(const bulla_census *census, bulla_json_writer *out, const char *name);

/* How many wraps a wrapped key has; 0 for bytes that are none. */
size_t bulla_wrap_count(bulla_bytes wrapped_key);
/* Kind and reference of wrap `i`. */
void bulla_wrap_read(bulla_bytes wrapped_key, size_t i, uint8_t *ret_kind, uint64_t *ret_reference);

#endif
