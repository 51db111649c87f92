/*
 * branch.c - fuzz target: bytes as the identity of a branch key.
 */
#include "fuzz.h"

#include "base/context.h"
#include "core/branch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	bulla_branch_name name;
	BULLA_BUF_AUTO bulla_buf again = { 0 }, print = { 0 }, context = { 0 };
	bulla_bytes identity = bulla_view(data, size);
	bool parses = fuzz_ok(bulla_branch_parse(identity, &name, &err), &err);
	bool prints = fuzz_ok(bulla_branch_print(identity, &print, &err), &err);
	HOLDS(prints || !parses);
	bool bound = fuzz_ok(bulla_branch_context(fuzz_lane(), identity, 7, &context, &err), &err);
	HOLDS(bound || context.len == 0);
	if (bound) {
		bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
		size_t n;
		fuzz_must(bulla_context_decode(bulla_view_buf(&context), pairs, &n, &err), &err);
		HOLDS(n == 4 && bulla_bytes_equal(pairs[0].value, bulla_view_buf(&print)));
	}
	if (!parses || !fuzz_ok(bulla_branch_identity(name.purpose, name.scope, name.parts, name.n, &again, &err), &err))
		return 0;
	HOLDS(fuzz_same(&again, identity) && bulla_branch_purpose_name(name.purpose)[0]);
	return 0;
}
