/*
 * log_journal.c - the journal of a log.
 */
#include "io/log_journal.h"
#include "base/cursor.h"
#include "io/log_frame.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define NEXT_NAME "journal.next"

void bulla_journal_close(bulla_journal *journal)
{
	bulla_fd_close(&journal->fd);
	*journal = (bulla_journal){ .fd = -1 };
}

/* --- reading ------------------------------------------------------------------------------------------------------------ */

static bulla_code take_edges(const bulla_frame *frame, bulla_lane *lane, bulla_log_state *state, bool *ret_fits, bulla_error *err)
{
	bulla_cursor c = bulla_cursor_of(frame->edges);
	*ret_fits = frame->first % BULLA_TILE_WIDTH == 0 && frame->edges.len == bulla_log_state_edges(frame->first);
	if (!*ret_fits) return BULLA_OK;
	state->base = frame->first;
	state->kept = frame->kept;
	for (unsigned level = 1; level < BULLA_TILE_LEVELS; level++) {
		bulla_bytes hashes = bulla_cursor_take(&c, bulla_tile_edge(state->base, level) * BULLA_HASH_SIZE);
		if (hashes.len) memcpy(state->edge[level], hashes.data, hashes.len);
	}
	return bulla_log_state_base(state, lane, &state->tree, err);
}

static bulla_code take_entries(const bulla_frame *frame, bulla_lane *lane, bulla_log_state *state, bool *ret_fits,
			       bulla_error *err)
{
	bulla_cursor c = bulla_cursor_of(frame->entries);
	*ret_fits = false;
	for (uint32_t i = 0; i < frame->count; i++) {
		bulla_bytes entry = bulla_cursor_prefixed(&c);
		if (c.failed) return BULLA_OK;
		TRY(bulla_log_state_add(state, lane, entry, err));
	}
	*ret_fits = bulla_cursor_end(&c);
	return BULLA_OK;
}

/* The note must be a checkpoint of this log over exactly these entries; whether it is signed by the right key is asked once,
 * of the last one read (its root covers all before it). */
static bulla_code take_note(const bulla_frame *frame, bulla_lane *lane, const char *origin, bool comparing,
			    bulla_log_state *state, bool *ret_fits, bulla_error *err)
{
	bulla_checkpoint head;
	uint8_t root[BULLA_HASH_SIZE];
	*ret_fits = false;
	bulla_code code = bulla_checkpoint_parse(origin, frame->note, &head, err);
	if (code) return code == BULLA_ERR_AUDIT && frame->kind == BULLA_FRAME_APPEND ? BULLA_OK : code;
	if (head.head.size != state->tree.size || head.generation < state->head.generation) return BULLA_OK;
	TRY(bulla_tree_root(&state->tree, lane, root, err));
	if (comparing && memcmp(root, head.head.root, sizeof root) != 0) return BULLA_OK;
	if (frame->kind == BULLA_FRAME_APPEND) TRY(bulla_buf_add(&state->notes, frame->note, err));
	*ret_fits = true;
	return bulla_log_state_sign(state, frame->note, &head, err);
}

/* What take_entries() added, undone. The note is taken last, so it needs no undoing. */
typedef struct mark {
	bulla_tree tree;
	size_t entries, hashes, tiles, cuts;
} mark;

static mark mark_of(const bulla_log_state *state)
{
	return (mark){ state->tree, state->entries.len, state->hashes.len, state->tiles.len, state->cuts.len };
}

static void back_to(bulla_log_state *state, const mark *m)
{
	state->tree = m->tree;
	state->entries.len = m->entries;
	state->hashes.len = m->hashes;
	state->tiles.len = m->tiles;
	state->cuts.len = m->cuts;
}

static bulla_code take_frame(const bulla_frame *frame, bulla_lane *lane, const char *origin, bool comparing, bool is_first,
			     bulla_log_state *state, bool *ret_fits, bulla_error *err)
{
	const mark before = mark_of(state);
	*ret_fits = is_first == (frame->kind == BULLA_FRAME_BASE);
	if (*ret_fits && is_first) TRY(take_edges(frame, lane, state, ret_fits, err));
	if (*ret_fits) *ret_fits = frame->first == state->tree.size;
	if (*ret_fits) TRY(take_entries(frame, lane, state, ret_fits, err));
	if (*ret_fits) TRY(take_note(frame, lane, origin, comparing, state, ret_fits, err));
	if (!*ret_fits) back_to(state, &before);
	return BULLA_OK;
}

static bulla_code fail_damaged(const bulla_log_dir *dir, const bulla_log_state *state, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_AUDIT, "the journal of the audit log %s is damaged after entry %" PRIu64,
				     dir->path, state->tree.size);
	return bulla_advise(err, code,
			    "bulla audit verify names the place; keep the directory, out of the way, then: bulla audit adopt "
			    "--reason \"...\"");
}

/* A whole frame behind one that does not count, or one that does not count as the base: not the trace of an append that was
 * interrupted. */
static bulla_code judge_tail(bulla_journal *journal, const bulla_log_dir *dir, bulla_lane *lane, const bulla_log_state *state,
			     bulla_bytes tail, bulla_error *err)
{
	bool found = false;
	if (journal->end == 0) return fail_damaged(dir, state, err);
	if (tail.len > 1) TRY(bulla_frame_search(lane, bulla_view(tail.data + 1, tail.len - 1), &found, err));
	return found ? fail_damaged(dir, state, err) : BULLA_OK;
}

static bulla_code take_frames(bulla_journal *journal, const bulla_log_dir *dir, bulla_lane *lane, const char *origin,
			      bool comparing, bulla_bytes bytes, bulla_log_state *state, bulla_error *err)
{
	bulla_frame frame;
	bulla_frame_state found;
	size_t size;
	bool fits = true;
	for (;;) {
		TRY(bulla_frame_decode(lane, bytes, &found, &frame, &size, err));
		if (found == BULLA_FRAME_WHOLE)
			TRY(take_frame(&frame, lane, origin, comparing, journal->end == 0, state, &fits, err));
		if (found != BULLA_FRAME_WHOLE || !fits) break;
		journal->end += size;
		bytes = bulla_view(bytes.data + size, bytes.len - size);
	}
	journal->torn = found == BULLA_FRAME_CUT;
	if (found == BULLA_FRAME_END && journal->end > 0) return BULLA_OK;
	return judge_tail(journal, dir, lane, state, bytes, err);
}

/* Another file under the name, or none open yet: from its beginning. */
static bulla_code follow(bulla_journal *journal, const bulla_log_dir *dir, bulla_log_state *state, struct stat *ret_st,
			 bulla_error *err)
{
	if (fstatat(dir->fd, BULLA_JOURNAL_NAME, ret_st, AT_SYMLINK_NOFOLLOW))
		return bulla_fail_errno(err, errno, "cannot open %s/" BULLA_JOURNAL_NAME, dir->path);
	if (journal->fd >= 0 && journal->device == ret_st->st_dev && journal->inode == ret_st->st_ino) return BULLA_OK;
	bulla_journal_close(journal);
	bulla_log_state_done(state);
	int fd = openat(dir->fd, BULLA_JOURNAL_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM))
		fd = openat(dir->fd, BULLA_JOURNAL_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, ret_st)) {
		int why = errno;
		bulla_fd_close(&fd);
		return bulla_fail_errno(err, why, "cannot open %s/" BULLA_JOURNAL_NAME, dir->path);
	}
	*journal = (bulla_journal){ .fd = fd, .device = ret_st->st_dev, .inode = ret_st->st_ino };
	return BULLA_OK;
}

static bulla_code read_on(bulla_journal *journal, const bulla_log_dir *dir, bulla_lane *lane, const char *origin, bool comparing,
			  bulla_log_state *state, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf bytes = { 0 };
	struct stat st;
	TRY(follow(journal, dir, state, &st, err));
	uint64_t length = (uint64_t)st.st_size;
	if (journal->end > 0 && length == journal->end) return journal->length = length, BULLA_OK;
	if (length < journal->end) return fail_damaged(dir, state, err);
	if (length - journal->end > BULLA_BUF_MAX) return fail_damaged(dir, state, err);
	TRY(bulla_log_read_range(journal->fd, BULLA_JOURNAL_NAME, journal->end, length, &bytes, err));
	journal->length = length;
	return take_frames(journal, dir, lane, origin, comparing, bulla_view_buf(&bytes), state, err);
}

bulla_code bulla_journal_read(bulla_journal *journal, const bulla_log_dir *dir, bulla_lane *lane, const char *origin,
			      bool comparing, bulla_log_state *state, bulla_error *err)
{
	bulla_code code = read_on(journal, dir, lane, origin, comparing, state, err);
	if (code) {
		bulla_journal_close(journal);
		bulla_log_state_done(state);
	}
	return code;
}

/* --- writing ------------------------------------------------------------------------------------------------------------ */

bulla_code bulla_journal_drop_tail(bulla_journal *journal, const bulla_log_dir *dir, bulla_error *err)
{
	if (journal->length == journal->end) return BULLA_OK;
	if (ftruncate(journal->fd, (off_t)journal->end) || fdatasync(journal->fd))
		return bulla_fail_errno(err, errno, "cannot drop the torn end of %s/" BULLA_JOURNAL_NAME, dir->path);
	journal->length = journal->end;
	journal->torn = false;
	return BULLA_OK;
}

static bulla_code write_frame(int fd, const char *name, uint64_t at, bulla_lane *lane, const bulla_frame *frame,
			      uint64_t *ret_end, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf head = { 0 };
	uint8_t hash[BULLA_FRAME_HASH];
	TRY(bulla_frame_encode(lane, frame, &head, hash, err));
	const bulla_bytes parts[] = { bulla_view_buf(&head), frame->entries, { hash, sizeof hash } };
	TRY(bulla_log_write_at(fd, name, at, parts, 3, err));
	if (fdatasync(fd)) return bulla_fail_errno(err, errno, "cannot sync %s", name);
	*ret_end = at + head.len + frame->entries.len + sizeof hash;
	return BULLA_OK;
}

bulla_code bulla_journal_append(bulla_journal *journal, bulla_lane *lane, const bulla_log_state *state, uint64_t first,
				size_t from, bulla_error *err)
{
	const bulla_frame frame = { .kind = BULLA_FRAME_APPEND,
				    .first = first,
				    .count = (uint32_t)(state->tree.size - first),
				    .note = bulla_view_buf(&state->note),
				    .entries = bulla_view(state->entries.data + from, state->entries.len - from) };
	TRY(write_frame(journal->fd, BULLA_JOURNAL_NAME, journal->end, lane, &frame, &journal->end, err));
	journal->length = journal->end;
	return BULLA_OK;
}

static bulla_code put_edges(const bulla_log_state *state, bulla_buf *out, bulla_error *err)
{
	for (unsigned level = 1; level < BULLA_TILE_LEVELS; level++)
		TRY(bulla_buf_add(out, bulla_view(state->edge[level], bulla_tile_edge(state->base, level) * BULLA_HASH_SIZE),
				  err));
	return BULLA_OK;
}

static bulla_code write_base(int fd, const bulla_log_dir *dir, bulla_lane *lane, const bulla_log_state *state, uint64_t *ret_end,
			     bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf edges = { 0 };
	TRY(put_edges(state, &edges, err));
	const bulla_frame frame = { .kind = BULLA_FRAME_BASE,
				    .first = state->base,
				    .count = (uint32_t)(state->tree.size - state->base),
				    .kept = state->kept,
				    .note = bulla_view_buf(&state->note),
				    .edges = bulla_view_buf(&edges),
				    .entries = bulla_view_buf(&state->entries) };
	TRY(write_frame(fd, NEXT_NAME, 0, lane, &frame, ret_end, err));
	if (renameat(dir->fd, NEXT_NAME, dir->fd, BULLA_JOURNAL_NAME))
		return bulla_fail_errno(err, errno, "cannot replace %s/" BULLA_JOURNAL_NAME, dir->path);
	return bulla_log_sync_parent(dir, BULLA_JOURNAL_NAME, err);
}

bulla_code bulla_journal_replace(bulla_journal *journal, const bulla_log_dir *dir, bulla_lane *lane, const bulla_log_state *state,
				 bulla_error *err)
{
	struct stat st;
	uint64_t end;
	BULLA_FD_AUTO fd = openat(dir->fd, NEXT_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) return bulla_fail_errno(err, errno, "cannot create %s/" NEXT_NAME, dir->path);
	TRY(write_base(fd, dir, lane, state, &end, err));
	if (fstat(fd, &st)) return bulla_fail_errno(err, errno, "cannot examine %s/" BULLA_JOURNAL_NAME, dir->path);
	bulla_journal_close(journal);
	*journal = (bulla_journal){ .fd = fd, .device = st.st_dev, .inode = st.st_ino, .end = end, .length = end };
	fd = -1; /* transferred */
	return BULLA_OK;
}
