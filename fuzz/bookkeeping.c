/*
 * bookkeeping.c - fuzz target: bytes as what a job keeps in somebody else's database: its position, and the names of rows.
 */
#include "fuzz.h"

#include "db/book.h"
#include "db/row_name.h"

static void read_position(bulla_bytes bytes, size_t n)
{
	bulla_error err = { 0 };
	bulla_value values[BULLA_INPUTS_MAX];
	BULLA_BUF_AUTO bulla_buf again = { 0 };
	if (!fuzz_ok(bulla_position_read(bytes, values, n, &err), &err)) return;
	for (size_t i = 0; i < n; i++)
		HOLDS(values[i].kind <= BULLA_KIND_BOOLEAN);
	fuzz_must(bulla_position_write(values, n, &again, &err), &err);
	HOLDS(fuzz_same(&again, bytes));
}

/* A name that is read is written so that it is read again as the same values. */
static void read_name(bulla_bytes bytes, size_t n)
{
	static const size_t positions[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	bulla_error err = { 0 };
	bulla_table table = { .name = "users", .pk_count = n };
	bulla_row_name name, again;
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	if (fuzz_ok(bulla_row_name_read(&name, bytes, &table, &err), &err) && name.fits) {
		fuzz_must(bulla_pk_write(name.values, positions, n, &text, &err), &err);
		fuzz_must(bulla_row_name_read(&again, bulla_view_buf(&text), &table, &err), &err);
		HOLDS(again.fits);
		for (size_t i = 0; i < n; i++)
			HOLDS(again.values[i].kind == name.values[i].kind);
		bulla_row_name_done(&again);
	}
	bulla_row_name_done(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_cursor in = bulla_cursor_of(bulla_view(data, size));
	size_t n = bulla_cursor_u8(&in) % (BULLA_INPUTS_MAX + 1);
	read_position(in.rest, n);
	read_name(in.rest, n);
	return 0;
}
