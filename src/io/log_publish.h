/*
 * log_publish.h - from the journal to the files of C2SP tlog-tiles: bundles, tiles, `checkpoints`, `checkpoint`.
 */
#ifndef IO_LOG_PUBLISH_H
#define IO_LOG_PUBLISH_H

#include "io/log_journal.h"

#define BULLA_LOG_CHECKPOINT  "checkpoint"
#define BULLA_LOG_CHECKPOINTS "checkpoints"

/* What is in `checkpoint`: its size, or BULLA_LOG_UNPUBLISHED where the file is missing or empty. AUDIT when it does not parse or is
 * ahead of `state`: then entries are missing. */
#define BULLA_LOG_UNPUBLISHED UINT64_MAX
BULLA_MUST bulla_code bulla_log_published(const bulla_log_dir *dir, const char *origin, const bulla_log_state *state,
					  uint64_t *ret_size, bulla_error *err);

/* AUDIT when `checkpoints` is shorter than the journal says, or goes on with checkpoints that the journal does not have. */
BULLA_MUST bulla_code bulla_log_check_kept(const bulla_log_dir *dir, const bulla_log_state *state, bulla_error *err);

/* Under the exclusive lock, with `state` up to date: writes and syncs the bundles and tiles that are complete, removes their
 * partial ones, adds the new checkpoints to `checkpoints`, replaces the journal. With `edge` also the partial files for the
 * newest checkpoint, and `checkpoint`; `*published` is the size under the last one, and is moved on. */
BULLA_MUST bulla_code bulla_log_publish(const bulla_log_dir *dir, bulla_lane *lane, bool edge, bulla_journal *journal,
					bulla_log_state *state, uint64_t *published, bulla_error *err);

#endif
