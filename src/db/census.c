/*
 * census.c - counting records by the wraps of their wrapped key.
 */
#include "db/census.h"

#include "format/wrapped_key.h"

#include <inttypes.h>
#include <stdio.h>

/* Fixed places of a wrapped data key. */
#define AT_DIRECTORY   33
#define DIRECTORY_STEP 11

size_t bulla_directory_count(bulla_bytes directory)
{
	size_t n = directory.len ? directory.data[0] : 0;
	return n <= BULLA_WRAPS_MAX && directory.len >= 1 + n * DIRECTORY_STEP ? n : 0;
}

void bulla_directory_read(bulla_bytes directory, size_t i, uint8_t *ret_kind, uint64_t *ret_reference)
{
	const uint8_t *at = directory.data + 1 + i * DIRECTORY_STEP;
	*ret_kind = at[0];
	*ret_reference = bulla_get_u64(at + 1);
}

static bulla_bytes directory_of(bulla_bytes key)
{
	if (key.len <= AT_DIRECTORY || key.data[0] != BULLA_WRAPPED_KEY) return (bulla_bytes){ 0 };
	return bulla_view(key.data + AT_DIRECTORY, key.len - AT_DIRECTORY);
}

size_t bulla_wrap_count(bulla_bytes key)
{
	return bulla_directory_count(directory_of(key));
}

void bulla_wrap_read(bulla_bytes key, size_t i, uint8_t *ret_kind, uint64_t *ret_reference)
{
	bulla_directory_read(directory_of(key), i, ret_kind, ret_reference);
}

static void count(bulla_census *census, uint8_t kind, uint64_t reference, uint64_t records)
{
	for (size_t i = 0; i < census->n; i++) {
		if (census->list[i].kind != kind || census->list[i].reference != reference) continue;
		census->list[i].records += records;
		return;
	}
	if (census->n == BULLA_CENSUS_MAX)
		census->others += records;
	else
		census->list[census->n++] = (struct bulla_census_entry){ kind, reference, records };
}

void bulla_census_add(bulla_census *census, bulla_bytes key)
{
	uint8_t kind;
	uint64_t reference;
	if (!key.data) return;
	if (bulla_wrap_count(key) == 0) {
		census->malformed++;
		return;
	}
	bulla_wrap_read(key, 0, &kind, &reference);
	count(census, kind, reference, 1);
}

void bulla_census_add_wraps(bulla_census *census, bulla_bytes directory, uint64_t records)
{
	size_t n = bulla_directory_count(directory);
	if (n == 0) census->malformed += records;
	for (size_t i = 0; i < n; i++) {
		uint8_t kind;
		uint64_t reference;
		bulla_directory_read(directory, i, &kind, &reference);
		count(census, kind, reference, records);
	}
}

void bulla_census_merge(bulla_census *census, const bulla_census *other)
{
	for (size_t i = 0; i < other->n; i++)
		count(census, other->list[i].kind, other->list[i].reference, other->list[i].records);
	census->others += other->others;
	census->malformed += other->malformed;
}

static void tell(bulla_json_writer *out, const char *column, const char *kind, const char *reference, const char *what,
		 uint64_t records)
{
	if (!records) return;
	bulla_json_open(out, NULL, '{');
	if (column) bulla_json_put_str(out, "column", column);
	bulla_json_put_str(out, "kind", kind);
	if (reference) bulla_json_put_str(out, "reference", reference);
	bulla_json_put_int(out, what, (int64_t)records);
	bulla_json_close(out, '}');
}

void bulla_census_tell(const bulla_census *census, bulla_json_writer *out, const char *column, const char *what)
{
	char reference[17];
	for (size_t i = 0; i < census->n; i++) {
		snprintf(reference, sizeof reference, "%016" PRIx64, census->list[i].reference);
		tell(out, column, bulla_wrap_kind_name(census->list[i].kind), reference, what, census->list[i].records);
	}
	tell(out, column, "others", NULL, what, census->others);
	tell(out, column, "malformed", NULL, what, census->malformed);
}
