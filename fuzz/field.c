/*
 * field.c - fuzz target: bytes as an encrypted field, and as a padded value.
 */
#include "fuzz.h"

#include "format/field.h"

#define SHORTEST 29 /* header, nonce, tag */

static const uint8_t key[BULLA_KEY_SIZE] = { 7, 7, 7 };

/* Nobody has sealed it, so nothing opens it. */
static void read_as_field(bulla_bytes bytes)
{
	bulla_error err = { 0 };
	uint8_t version = bytes.len && (bytes.data[0] & 1) ? BULLA_FIELD_RECORD : BULLA_FIELD_SHARED, header;
	if (!fuzz_ok(bulla_field_header(bytes, version, &header, &err), &err)) return;
	HOLDS(bytes.len >= SHORTEST && bytes.len >= bulla_field_overhead(version) && header == bytes.data[0]);
	HOLDS(!(header & BULLA_FIELD_NULL) || !(header & BULLA_FIELD_PADDED));
	BULLA_BUF_AUTO bulla_buf label = { 0 };
	fuzz_must(bulla_field_label(bulla_view_str("User"), bulla_view_str("email"), "string", &label, &err), &err);
	label.data[BULLA_FIELD_LABEL_HEADER] = header;
	uint8_t *plain = malloc(bytes.len);
	size_t len = 0;
	HOLDS(plain);
	HOLDS(!fuzz_ok(bulla_field_open(fuzz_lane(), key, bulla_view_buf(&label), bytes, plain, &len, &err), &err));
	free(plain);
}

/* What padding adds is taken off again, and what is taken off was padding. */
static void read_as_padded(bulla_bytes bytes, uint32_t block)
{
	size_t n = bulla_field_unpadded_size(bytes.data, bytes.len);
	if (n != SIZE_MAX) {
		HOLDS(n < bytes.len && bytes.data[n] == 0x80);
		for (size_t i = n + 1; i < bytes.len; i++)
			HOLDS(bytes.data[i] == 0);
	}
	size_t padded = bulla_field_padded_size(bytes.len, block);
	uint8_t *out = malloc(padded + 1);
	HOLDS(out);
	bulla_field_pad(bytes, block, out);
	HOLDS(padded % block == 0 && padded > bytes.len);
	HOLDS(bulla_field_unpadded_size(out, padded) == bytes.len);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_as_field(bulla_view(data, size));
	read_as_padded(bulla_view(data, size), 1 + (size ? data[0] : 0));
	return 0;
}
