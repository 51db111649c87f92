/*
 * fold.c - fuzz target: bytes as text whose letters are compared without regard to case.
 */
#include "fuzz.h"

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf once = { 0 }, twice = { 0 };
	bulla_bytes text = bulla_view(data, size);
	if (!fuzz_ok(bulla_text_fold(text, &once, &err), &err)) {
		HOLDS(once.len == 0 && !bulla_utf8_valid(text));
		return 0;
	}
	HOLDS(bulla_utf8_valid(text) && bulla_utf8_valid(bulla_view_buf(&once)));
	fuzz_must(bulla_text_fold(bulla_view_buf(&once), &twice, &err), &err);
	HOLDS(fuzz_same(&twice, bulla_view_buf(&once)));
	return 0;
}
