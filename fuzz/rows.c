/*
 * rows.c - fuzz target: bytes as each kind of row of the key store.
 */
#include "fuzz.h"

#include "kms/row.h"
#include "kms/codec.h"

/* What is read is written again as it was. */
#define READ(kind, type)                                                                                                         \
	static void read_##kind(bulla_bytes bytes)                                                                               \
	{                                                                                                                        \
		bulla_error err = { 0 };                                                                                         \
		type data;                                                                                                       \
		BULLA_BUF_AUTO bulla_buf again = { 0 };                                                                          \
		if (!bulla_##kind##_decode(bytes, &data)) return;                                                                \
		fuzz_must(bulla_##kind##_encode(&data, &again, &err), &err);                                                     \
		HOLDS(fuzz_same(&again, bytes));                                                                                 \
	}

READ(key, bulla_key_data)
READ(material, bulla_material_data)
READ(alias, bulla_alias_data)
READ(root, bulla_root_data)
READ(seed, bulla_sealed_key)
READ(rows, bulla_rows_data)

static void read_stored(bulla_bytes bytes)
{
	bulla_error err = { 0 };
	bulla_stored_row row;
	bulla_cursor in = bulla_cursor_of(bytes);
	bulla_kms_row stored = { .table = (bulla_kms_table)bulla_cursor_u8(&in), .id = fuzz_piece(&in), .data = in.rest };
	if (!fuzz_ok(bulla_stored_row_split(&stored, &row, &err), &err)) return;
	HOLDS(row.sealed.len + row.mac.len == in.rest.len && row.payload.data >= in.rest.data);
	(void)fuzz_ok(bulla_stored_row_is_known(&row, &err), &err);
	HOLDS(bulla_stored_row_compare(&row, &row) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_bytes bytes = bulla_view(data, size);
	read_key(bytes);
	read_material(bytes);
	read_alias(bytes);
	read_root(bytes);
	read_seed(bytes);
	read_rows(bytes);
	read_stored(bytes);
	return 0;
}
