/*
 * context.c - fuzz target: bytes as an encryption context, canonical or not yet.
 */
#include "fuzz.h"

#include "base/context.h"

/* Canonical bytes are written again as they are. */
static void read_canonical(bulla_bytes bytes)
{
	bulla_error err = { 0 };
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	size_t n = 0;
	BULLA_BUF_AUTO bulla_buf again = { 0 };
	if (!fuzz_ok(bulla_context_decode(bytes, pairs, &n, &err), &err)) return;
	fuzz_must(bulla_context_encode(pairs, n, &again, &err), &err);
	HOLDS(fuzz_same(&again, bytes));
}

/* Pairs in any order become canonical bytes, the same from the last pair to the first. */
static void make_canonical(bulla_bytes bytes)
{
	bulla_error err = { 0 };
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX + 1], back[BULLA_CONTEXT_PAIRS_MAX + 1];
	size_t n = 0;
	BULLA_BUF_AUTO bulla_buf once = { 0 }, twice = { 0 };
	bulla_cursor in = bulla_cursor_of(bytes);
	for (; n <= BULLA_CONTEXT_PAIRS_MAX && in.rest.len; n++) {
		pairs[n].name = bulla_cursor_take(&in, bulla_cursor_u8(&in) % (in.rest.len + 1));
		pairs[n].value = fuzz_piece(&in);
	}
	for (size_t i = 0; i < n; i++)
		back[i] = pairs[n - 1 - i];
	bulla_code code = bulla_context_encode(pairs, n, &once, &err);
	bool ok = fuzz_ok(code, &err);
	HOLDS(ok == (bulla_context_encode(back, n, &twice, &err) == BULLA_OK));
	HOLDS(fuzz_same(&once, bulla_view_buf(&twice)) && ok == (once.len > 0) && once.len <= BULLA_CONTEXT_MAX);
	if (ok) fuzz_must(bulla_context_decode(bulla_view_buf(&once), pairs, &n, &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_canonical(bulla_view(data, size));
	make_canonical(bulla_view(data, size));
	return 0;
}
