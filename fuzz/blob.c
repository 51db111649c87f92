/*
 * blob.c - fuzz target: bytes as a ciphertext of the engine.
 */
#include "fuzz.h"

#include "kms/blob.h"

static const bulla_secret material = { { 4, 2 } };

static void seal_again(const bulla_blob_head *head, bulla_bytes context, bulla_bytes plain)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf scratch = { 0 }, sealed = { 0 }, opened = { 0 };
	bulla_blob_head found;
	if (!fuzz_ok(bulla_blob_seal(fuzz_lane(), &material, head, context, plain, &scratch, &sealed, &err), &err)) return;
	fuzz_must(bulla_blob_split(bulla_view_buf(&sealed), &found, &err), &err);
	HOLDS(memcmp(&found, head, sizeof found) == 0);
	fuzz_must(bulla_blob_open(fuzz_lane(), &material, bulla_view_buf(&sealed), context, &scratch, &opened, &err), &err);
	HOLDS(fuzz_same(&opened, plain));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	bulla_blob_head head;
	BULLA_BUF_AUTO bulla_buf scratch = { 0 }, opened = { 0 };
	bulla_bytes blob = bulla_view(data, size), context = bulla_view("\0", 2);
	bool whole = fuzz_ok(bulla_blob_split(blob, &head, &err), &err);
	HOLDS(!fuzz_ok(bulla_blob_open(fuzz_lane(), &material, blob, context, &scratch, &opened, &err), &err));
	HOLDS(opened.len == 0);
	if (!whole) return 0;
	HOLDS(size >= BULLA_BLOB_OVERHEAD && size <= BULLA_BLOB_MAX);
	HOLDS(memcmp(head.uuid, data + 2, sizeof head.uuid) == 0 && memcmp(head.material, data + 18, sizeof head.material) == 0);
	seal_again(&head, context, bulla_view(data + BULLA_BLOB_HEAD, size - BULLA_BLOB_OVERHEAD));
	return 0;
}
