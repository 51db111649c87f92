/*
 * frame.c - fuzz target: bytes as the journal of an audit log, as they are and with the sums set right.
 */
#include "fuzz.h"

#include "io/log_frame.h"

/* Frame after frame; each is written again as it was. */
static void read_frames(bulla_bytes rest)
{
	bulla_error err = { 0 };
	bulla_frame_state state = BULLA_FRAME_WHOLE;
	bool found, whole = false;
	fuzz_must(bulla_frame_search(fuzz_lane(), rest, &found, &err), &err);
	while (state == BULLA_FRAME_WHOLE) {
		bulla_frame frame;
		size_t size = 0;
		uint8_t hash[BULLA_FRAME_HASH];
		BULLA_BUF_AUTO bulla_buf again = { 0 };
		fuzz_must(bulla_frame_decode(fuzz_lane(), rest, &state, &frame, &size, &err), &err);
		HOLDS((state == BULLA_FRAME_END) == (rest.len == 0));
		if (state != BULLA_FRAME_WHOLE) break;
		whole = true;
		HOLDS(size && size <= rest.len);
		fuzz_must(bulla_frame_encode(fuzz_lane(), &frame, &again, hash, &err), &err);
		fuzz_add(&again, frame.entries);
		fuzz_add(&again, bulla_view(hash, sizeof hash));
		HOLDS(fuzz_same(&again, bulla_view(rest.data, size)));
		rest = bulla_view(rest.data + size, rest.len - size);
	}
	HOLDS(found || !whole);
}

/* The bytes as the head and the entries of one frame, and what follows as they are. */
static void read_repaired(bulla_cursor in)
{
	bulla_error err = { 0 };
	uint8_t sum[32], header[16] = "blj1";
	BULLA_BUF_AUTO bulla_buf frame = { 0 };
	bulla_bytes head = fuzz_piece(&in), entries = fuzz_piece(&in);
	bulla_put_u32(header + 4, (uint32_t)head.len);
	bulla_put_u32(header + 8, (uint32_t)entries.len);
	bulla_bytes checked = bulla_view(header, 12);
	fuzz_must(bulla_sha256(fuzz_lane(), &checked, 1, sum, &err), &err);
	memcpy(header + 12, sum, 4);
	fuzz_add(&frame, bulla_view(header, sizeof header));
	fuzz_add(&frame, head);
	bulla_bytes covered = bulla_view_buf(&frame);
	fuzz_must(bulla_sha256(fuzz_lane(), &covered, 1, sum, &err), &err);
	fuzz_add(&frame, entries);
	fuzz_add(&frame, bulla_view(sum, sizeof sum));
	fuzz_add(&frame, in.rest);
	read_frames(bulla_view_buf(&frame));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_bytes bytes = bulla_view(data, size);
	read_frames(bytes);
	read_repaired(bulla_cursor_of(bytes));
	return 0;
}
