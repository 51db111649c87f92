/*
 * log_frame.h - one frame of the journal in bytes; io/log_journal.h has the layout.
 */
#ifndef IO_LOG_FRAME_H
#define IO_LOG_FRAME_H

#include "base/buf.h"
#include "crypto/lane.h"

#define BULLA_FRAME_BASE   'B'
#define BULLA_FRAME_APPEND 'A'
#define BULLA_FRAME_HASH   32

/* All views. */
typedef struct bulla_frame {
	char kind;
	uint64_t first;
	uint32_t count;
	uint64_t kept;
	bulla_bytes note;
	bulla_bytes edges;
	bulla_bytes entries;
} bulla_frame;

typedef enum bulla_frame_state {
	BULLA_FRAME_WHOLE = 1,
	BULLA_FRAME_END = 2,   /* no byte is left */
	BULLA_FRAME_CUT = 3,   /* a beginning of a frame, and nothing else */
	BULLA_FRAME_BROKEN = 4 /* anything else */
} bulla_frame_state;

/* Appends what comes before the entries to `out`, and gives what comes behind them. */
BULLA_MUST bulla_code bulla_frame_encode(bulla_lane *lane, const bulla_frame *frame, bulla_buf *out,
					 uint8_t ret_hash[static BULLA_FRAME_HASH], bulla_error *err);

/* Reads the frame that `rest` begins with; `ret` and `ret_size` are filled for a whole one. Fails only with CRYPTO. */
BULLA_MUST bulla_code bulla_frame_decode(bulla_lane *lane, bulla_bytes rest, bulla_frame_state *ret_state, bulla_frame *ret,
					 size_t *ret_size, bulla_error *err);

/* Whether a whole frame begins anywhere in `bytes`. */
BULLA_MUST bulla_code bulla_frame_search(bulla_lane *lane, bulla_bytes bytes, bool *ret_found, bulla_error *err);

#endif
