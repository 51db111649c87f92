/*
 * wrapped_key.c - fuzz target: bytes as a wrapped data key or a box, and as the directory that a census reads.
 */
#include "fuzz.h"

#include "db/census.h"
#include "format/wrapped_key.h"

/* A census reads only the directory: of a whole key it sees the same as the parser. */
static void count_wraps(bulla_bytes bytes, const bulla_wrapped_key *key)
{
	size_t n = bulla_wrap_count(bytes);
	HOLDS(n <= BULLA_WRAPS_MAX);
	for (size_t i = 0; i < n; i++) {
		uint8_t kind;
		uint64_t reference;
		bulla_wrap_read(bytes, i, &kind, &reference);
		HOLDS(!key || (kind == key->wraps[i].kind && reference == key->wraps[i].reference));
	}
	HOLDS(!key || n == key->wrap_count);
	bulla_census census = { 0 };
	bulla_census_add(&census, bytes);
	bulla_census_add_wraps(&census, bytes, 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	bulla_wrapped_key key;
	bulla_bytes bytes = bulla_view(data, size);
	bool whole = fuzz_ok(bulla_wrapped_key_parse(bytes, &key, &err), &err);
	count_wraps(bytes, whole && key.version == BULLA_WRAPPED_KEY ? &key : NULL);
	if (!whole) return 0;
	BULLA_BUF_AUTO bulla_buf again = { 0 };
	HOLDS(key.commitment.len == BULLA_COMMITMENT_SIZE && key.wrap_count >= 1 && key.wrap_count <= BULLA_WRAPS_MAX);
	HOLDS(key.checks.len <= 2 * BULLA_CHECKS_MAX && size <= BULLA_WRAPPED_KEY_MAX);
	fuzz_must(bulla_wrapped_key_write(&key, &again, &err), &err);
	HOLDS(fuzz_same(&again, bytes));
	return 0;
}
