/*
 * log_journal.h - the journal of a log: the file that makes an append durable with one write and one sync.
 *
 * It is a run of frames. The first, the base, holds what no full tile holds: the entries of the last, incomplete bundle, the
 * edges of the higher levels, the newest checkpoint. Each further frame is one append: entries, and the checkpoint over them.
 * When bundles have become complete and are on disk, the journal is replaced by a new base.
 *
 *   0    4  "blj1"
 *   4    4  length of the head
 *   8    4  length of the entries
 *  12    4  the first bytes of SHA-256 over the 12 before: tells a frame that was cut from bytes that are no frame
 *  16    1  the head: 'B' base, 'A' append
 *  17    8  index of the first entry
 *  25    4  number of entries
 *  29    8  base: bytes of `checkpoints` that are durable; append: 0
 *  37       u16-prefixed checkpoint (a signed note) over everything up to the last entry
 *  ..       base: the hashes of the incomplete tiles of levels 1 to 7
 *  ..       the entries, each with its u16 length
 *  ..   32  SHA-256 over all but the entries, which the checkpoint's root covers
 *
 * Integers are big-endian. A frame counts when all of it is there, its hash fits, and its entries give the root that its
 * checkpoint names.
 */
#ifndef IO_LOG_JOURNAL_H
#define IO_LOG_JOURNAL_H

#include "io/log_files.h"
#include "io/log_state.h"

#define BULLA_JOURNAL_NAME "journal"

/* An open journal and how far it has been read. fd -1: none. */
typedef struct bulla_journal {
	int fd;
	uint64_t device, inode;
	uint64_t end;    /* behind the last frame that counts */
	uint64_t length; /* of the file when it was last read: beyond `end` lies what is no frame */
	bool torn;       /* what lies there is the beginning of a frame, and nothing else */
} bulla_journal;

void bulla_journal_close(bulla_journal *journal);

/* Brings `state` and `journal` up to the file: reads what was appended since the last call, or all of it when the file is
 * another one. Bytes behind the last frame that counts are left alone. NOT_FOUND without a journal; AUDIT when its base does
 * not count, when it became shorter, or when a frame that does not count has another behind it: an append begins only when
 * the one before it is durable, so that is no torn write. On failure both are as if nothing had been read yet.
 *
 * With `comparing` false the roots are not compared: the verifier does that, entry by entry. */
BULLA_MUST bulla_code bulla_journal_read(bulla_journal *journal, const bulla_log_dir *dir, bulla_lane *lane, const char *origin,
					 bool comparing, bulla_log_state *state, bulla_error *err);

/* Cuts off what lies behind the last frame that counts. */
BULLA_MUST bulla_code bulla_journal_drop_tail(bulla_journal *journal, const bulla_log_dir *dir, bulla_error *err);

/* Writes and syncs a frame of the entries from `first` on, whose bytes begin at `from` in state->entries, with the newest
 * checkpoint. */
BULLA_MUST bulla_code bulla_journal_append(bulla_journal *journal, bulla_lane *lane, const bulla_log_state *state, uint64_t first,
					   size_t from, bulla_error *err);

/* Replaces the journal by a base of `state`, whose bundles are all incomplete; durable on return. */
BULLA_MUST bulla_code bulla_journal_replace(bulla_journal *journal, const bulla_log_dir *dir, bulla_lane *lane,
					    const bulla_log_state *state, bulla_error *err);

#endif
