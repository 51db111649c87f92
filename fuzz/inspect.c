/*
 * inspect.c - fuzz target: bytes, or their text, as a ciphertext of any kind, described without a key.
 */
#include "fuzz.h"

#include "base/json.h"

#include <bulla/inspect.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_json *json = NULL;
	bulla_bytes format;
	if (!fuzz_ok(bulla_inspect(bulla_view(data, size), &out, &err), &err)) {
		HOLDS(out.len == 0);
		return 0;
	}
	fuzz_must(bulla_json_parse(bulla_view_buf(&out), &json, &err), &err);
	HOLDS(bulla_json_string(bulla_json_member(json, "format"), &format) && format.len);
	bulla_json_free(json);
	return 0;
}
