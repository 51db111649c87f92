/*
 * value.c - fuzz target: bytes as the value of each type.
 */
#include "fuzz.h"

#include "format/value.h"

static void read_as(bulla_type type, bulla_bytes bytes)
{
	bulla_error err = { 0 };
	bulla_value value = { 0 };
	size_t measured = 0;
	if (!fuzz_ok(bulla_value_read(type, bytes, &value, &err), &err)) return;
	HOLDS(value.kind != BULLA_KIND_NULL && bulla_value_equal(&value, &value));
	if (!fuzz_ok(bulla_value_measure(type, &value, &measured, &err), &err)) {
		HOLDS(value.kind == BULLA_KIND_TEXT); /* what a text says is checked where it is sealed */
		return;
	}
	HOLDS(measured == bytes.len);
	uint8_t *again = malloc(measured + 1);
	HOLDS(again);
	bulla_value_write(type, &value, again);
	HOLDS(bulla_bytes_equal(bulla_view(again, measured), bytes));
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (unsigned type = 0; type < 64; type++)
		if (bulla_type_name((bulla_type)type)) read_as((bulla_type)type, bulla_view(data, size));
	return 0;
}
