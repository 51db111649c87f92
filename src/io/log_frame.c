/*
 * log_frame.c - one frame of the journal in bytes.
 */
#include "io/log_frame.h"
#include "base/cursor.h"

#define MAGIC        "blj1"
#define MAGIC_SIZE   4
#define CHECKED_SIZE 12 /* what the header's check covers */
#define HEADER_SIZE  16

static bulla_code put_head(const bulla_frame *frame, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, (uint8_t)frame->kind, err));
	TRY(bulla_buf_add_u64(out, frame->first, err));
	TRY(bulla_buf_add_u32(out, frame->count, err));
	TRY(bulla_buf_add_u64(out, frame->kept, err));
	TRY(bulla_buf_add_prefixed(out, frame->note, err));
	return bulla_buf_add(out, frame->edges, err);
}

static bulla_code check_of(bulla_lane *lane, const uint8_t *header, uint8_t out[static 4], bulla_error *err)
{
	uint8_t hash[32];
	const bulla_bytes checked = { header, CHECKED_SIZE };
	TRY(bulla_sha256(lane, &checked, 1, hash, err));
	memcpy(out, hash, 4);
	return BULLA_OK;
}

bulla_code bulla_frame_encode(bulla_lane *lane, const bulla_frame *frame, bulla_buf *out,
			      uint8_t ret_hash[static BULLA_FRAME_HASH], bulla_error *err)
{
	const size_t start = out->len;
	TRY(bulla_buf_add(out, bulla_view(MAGIC "\0\0\0\0\0\0\0\0\0\0\0", HEADER_SIZE), err));
	TRY(put_head(frame, out, err));
	uint8_t *header = out->data + start;
	size_t head_size = out->len - start - HEADER_SIZE;
	if (frame->entries.len > UINT32_MAX) return bulla_fail(err, BULLA_ERR_LIMIT, "a frame of the journal is too long");
	bulla_put_u32(header + 4, (uint32_t)head_size);
	bulla_put_u32(header + 8, (uint32_t)frame->entries.len);
	TRY(check_of(lane, header, header + CHECKED_SIZE, err));
	const bulla_bytes covered = { header, out->len - start };
	return bulla_sha256(lane, &covered, 1, ret_hash, err);
}

static bool parse_head(bulla_bytes head, bulla_frame *ret)
{
	bulla_cursor c = bulla_cursor_of(head);
	ret->kind = (char)bulla_cursor_u8(&c);
	ret->first = bulla_cursor_u64(&c);
	ret->count = bulla_cursor_u32(&c);
	ret->kept = bulla_cursor_u64(&c);
	ret->note = bulla_cursor_prefixed(&c);
	ret->edges = c.rest;
	return !c.failed && (ret->kind == BULLA_FRAME_BASE || ret->kind == BULLA_FRAME_APPEND);
}

static bool begins_like_magic(bulla_bytes rest)
{
	size_t n = rest.len < MAGIC_SIZE ? rest.len : MAGIC_SIZE;
	return memcmp(rest.data, MAGIC, n) == 0;
}

/* BROKEN until everything about it is known to be right. */
bulla_code bulla_frame_decode(bulla_lane *lane, bulla_bytes rest, bulla_frame_state *ret_state, bulla_frame *ret,
			      size_t *ret_size, bulla_error *err)
{
	uint8_t check[4];
	uint8_t hash[BULLA_FRAME_HASH];
	*ret_state = rest.len == 0 ? BULLA_FRAME_END : BULLA_FRAME_BROKEN;
	if (rest.len == 0 || !begins_like_magic(rest)) return BULLA_OK;
	if (rest.len < HEADER_SIZE) return *ret_state = BULLA_FRAME_CUT, BULLA_OK;
	TRY(check_of(lane, rest.data, check, err));
	if (memcmp(check, rest.data + CHECKED_SIZE, sizeof check) != 0) return BULLA_OK;

	size_t head_size = bulla_get_u32(rest.data + 4);
	size_t entries_size = bulla_get_u32(rest.data + 8);
	size_t size = HEADER_SIZE + head_size + entries_size + BULLA_FRAME_HASH;
	if (rest.len < size) return *ret_state = BULLA_FRAME_CUT, BULLA_OK;
	const bulla_bytes covered = { rest.data, HEADER_SIZE + head_size };
	TRY(bulla_sha256(lane, &covered, 1, hash, err));
	if (memcmp(hash, rest.data + size - BULLA_FRAME_HASH, sizeof hash) != 0) return BULLA_OK;
	if (!parse_head(bulla_view(rest.data + HEADER_SIZE, head_size), ret)) return BULLA_OK;
	ret->entries = bulla_view(rest.data + HEADER_SIZE + head_size, entries_size);
	*ret_size = size;
	*ret_state = BULLA_FRAME_WHOLE;
	return BULLA_OK;
}

bulla_code bulla_frame_search(bulla_lane *lane, bulla_bytes bytes, bool *ret_found, bulla_error *err)
{
	bulla_frame frame;
	bulla_frame_state state;
	size_t size;
	const uint8_t *end = bytes.data + bytes.len;
	*ret_found = false;
	if (bytes.len == 0) return BULLA_OK;
	for (const uint8_t *at = bytes.data; (at = memmem(at, (size_t)(end - at), MAGIC, MAGIC_SIZE)); at++) {
		TRY(bulla_frame_decode(lane, bulla_view(at, (size_t)(end - at)), &state, &frame, &size, err));
		if (state == BULLA_FRAME_WHOLE) return *ret_found = true, BULLA_OK;
	}
	return BULLA_OK;
}
