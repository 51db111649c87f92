/*
 * local_wrap.c - fuzz target: bytes as the blob of a wrap under one of our own keys, and as the content of a box.
 */
#include "fuzz.h"

#include "format/wrapped_key.h"

#define BRANCH_MAX 1024 /* bytes of a branch's identity */

static const uint8_t wrapping_key[BULLA_KEY_SIZE] = { 9 }, commitment[BULLA_COMMITMENT_SIZE] = { 8 };

static void read_as_wrap(const bulla_wrap_label *label, bulla_bytes blob)
{
	bulla_error err = { 0 };
	uint8_t key[BULLA_KEY_SIZE], sealed[BULLA_LOCAL_BLOB_SIZE];
	bulla_code code = bulla_wrap_open(fuzz_lane(), wrapping_key, label, commitment, blob, key, &err);
	HOLDS(!fuzz_ok(code, &err));
	HOLDS(code == (blob.len == BULLA_LOCAL_BLOB_SIZE ? BULLA_ERR_AUTH : BULLA_ERR_FORMAT));
	if (blob.len < BULLA_KEY_SIZE) return;
	fuzz_must(bulla_wrap_seal(fuzz_lane(), wrapping_key, label, commitment, blob.data, sealed, &err), &err);
	fuzz_must(bulla_wrap_open(fuzz_lane(), wrapping_key, label, commitment, bulla_view(sealed, sizeof sealed), key, &err),
		  &err);
	HOLDS(memcmp(key, blob.data, sizeof key) == 0);
}

static void read_as_box(const bulla_wrap_label *label, bulla_bytes content)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf sealed = { 0 }, opened = { 0 };
	bulla_bytes random = bulla_view(commitment, sizeof commitment), context = bulla_view("\0", 2);
	HOLDS(!fuzz_ok(bulla_wrap_box(fuzz_lane(), wrapping_key, label, random, context, content, false, &opened, &err), &err));
	HOLDS(opened.len == 0);
	fuzz_must(bulla_wrap_box(fuzz_lane(), wrapping_key, label, random, context, content, true, &sealed, &err), &err);
	HOLDS(sealed.len == content.len + BULLA_TAG_SIZE);
	fuzz_must(
		bulla_wrap_box(fuzz_lane(), wrapping_key, label, random, context, bulla_view_buf(&sealed), false, &opened, &err),
		&err);
	HOLDS(fuzz_same(&opened, content));
}

/* Beyond the longest identity that a branch has, nothing is sealed and nothing opens. */
static void read_as_too_long(const bulla_wrap_label *label)
{
	bulla_error err = { 0 };
	uint8_t key[BULLA_KEY_SIZE], sealed[BULLA_LOCAL_BLOB_SIZE] = { 0 };
	HOLDS(bulla_wrap_seal(fuzz_lane(), wrapping_key, label, commitment, wrapping_key, sealed, &err) == BULLA_ERR_LIMIT);
	HOLDS(bulla_wrap_open(fuzz_lane(), wrapping_key, label, commitment, bulla_view(sealed, sizeof sealed), key, &err) ==
	      BULLA_ERR_LIMIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_cursor in = bulla_cursor_of(bulla_view(data, size));
	bulla_wrap_label label = { .kind = bulla_cursor_u8(&in), .reference = bulla_cursor_u64(&in), .branch = fuzz_piece(&in) };
	HOLDS(bulla_wrap_kind_name(label.kind)[0]);
	if (label.branch.len > BRANCH_MAX) {
		read_as_too_long(&label);
		return 0;
	}
	read_as_wrap(&label, in.rest);
	read_as_box(&label, in.rest);
	return 0;
}
