/*
 * census.c - counting records by the first wrap of their wrapped key.
 */
#include "db/census.h"

#include "core/provider.h"

#include <inttypes.h>
#include <stdio.h>

/* Fixed places of a wrapped data key. */
#define AT_COUNT       33
#define AT_DIRECTORY   34
#define DIRECTORY_STEP 11
#define VERSION        0x01
#define WRAPS_MAX      16

size_t bulla_wrap_count(bulla_bytes key)
{
	if (key.len < AT_DIRECTORY || key.data[0] != VERSION) return 0;
	size_t n = key.data[AT_COUNT];
	return n <= WRAPS_MAX && key.len >= AT_DIRECTORY + n * DIRECTORY_STEP ? n : 0;
}

void bulla_wrap_read(bulla_bytes key, size_t i, uint8_t *ret_kind, uint64_t *ret_reference)
{
	const uint8_t *at = key.data + AT_DIRECTORY + i * DIRECTORY_STEP;
	*ret_kind = at[0];
	*ret_reference = bulla_get_u64(at + 1);
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

void bulla_census_merge(bulla_census *census, const bulla_census *other)
{
	for (size_t i = 0; i < other->n; i++)
		count(census, other->list[i].kind, other->list[i].reference, other->list[i].records);
	census->others += other->others;
	census->malformed += other->malformed;
}

static const struct {
	uint8_t kind;
	const char *name;
} kinds[] = {
	{ BULLA_WRAP_AWS, "aws" },         { BULLA_WRAP_GCP, "gcp" },       { BULLA_WRAP_VAULT, "vault" },
	{ BULLA_WRAP_AZURE, "azure" },     { BULLA_WRAP_PKCS11, "pkcs11" }, { BULLA_WRAP_ENGINE, "engine" },
	{ BULLA_WRAP_KEYFILE, "keyfile" }, { BULLA_WRAP_BRANCH, "branch" }, { BULLA_WRAP_TEST, "test" },
};

static const char *kind_name(uint8_t kind)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].kind == kind) return kinds[i].name;
	return "unknown";
}

static void tell(bulla_json_writer *out, const char *kind, const char *reference, uint64_t records)
{
	if (!records) return;
	bulla_json_open(out, NULL, '{');
	bulla_json_put_str(out, "kind", kind);
	if (reference) bulla_json_put_str(out, "reference", reference);
	bulla_json_put_int(out, "records", (int64_t)records);
	bulla_json_close(out, '}');
}

void bulla_census_tell(const bulla_census *census, bulla_json_writer *out, const char *name)
{
	char reference[17];
	bulla_json_open(out, name, '[');
	for (size_t i = 0; i < census->n; i++) {
		snprintf(reference, sizeof reference, "%016" PRIx64, census->list[i].reference);
		tell(out, kind_name(census->list[i].kind), reference, census->list[i].records);
	}
	tell(out, "others", NULL, census->others);
	tell(out, "malformed", NULL, census->malformed);
	bulla_json_close(out, ']');
}
