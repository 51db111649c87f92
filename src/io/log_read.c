/*
 * log_read.c - reading a log directory that is open: its head, an earlier root, its entries.
 */
#include "base/cursor.h"
#include "io/log_inside.h"

#include <inttypes.h>

/* For the reading calls: up to date, and still inside. On failure outside again. */
static bulla_code begin_reading(bulla_disk_log *log, bulla_error *err)
{
	TRY(bulla_log_check_owner(log, err));
	bulla_log_enter(log);
	bulla_code code = bulla_log_lock(&log->dir, log->lock_fd, log->seed != NULL, err);
	if (!code) {
		code = bulla_log_refresh(log, err);
		bulla_log_unlock(log->lock_fd);
	}
	if (code) bulla_log_leave(log);
	return code;
}

bulla_code bulla_disk_log_head(bulla_log *base, bulla_checkpoint *ret, bulla_error *err)
{
	bulla_disk_log *log = (bulla_disk_log *)base;
	TRY(begin_reading(log, err));
	*ret = log->state.head;
	bulla_log_leave(log);
	return BULLA_OK;
}

/* --- an earlier root ---------------------------------------------------------------------------------------------------- */

/* Replaces `out` by a full tile or bundle. */
static bulla_code read_full(const bulla_log_dir *dir, int level, uint64_t index, bulla_buf *out, bulla_error *err)
{
	char name[BULLA_TILE_PATH_MAX];
	bulla_tile_path(level, index, BULLA_TILE_WIDTH, name);
	out->len = 0;
	bulla_code code = bulla_log_read_file(dir, name, out, err);
	if (code == BULLA_ERR_NOT_FOUND) return bulla_fail(err, BULLA_ERR_AUDIT, "%s/%s is missing", dir->path, name);
	if (!code && level != BULLA_TILE_ENTRIES && out->len != BULLA_TILE_WIDTH * BULLA_HASH_SIZE)
		return bulla_fail(err, BULLA_ERR_AUDIT, "%s/%s is not a full tile", dir->path, name);
	return code;
}

/* The first `n` hashes of the tile of `level` in which a tree of `size` leaves ends. */
static bulla_code push_tile(const bulla_disk_log *log, unsigned level, uint64_t size, bulla_tree *tree, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf tile = { 0 };
	const unsigned n = bulla_tile_edge(size, level);
	const unsigned height = level * BULLA_TILE_BITS;
	const uint64_t index = size >> height >> BULLA_TILE_BITS;
	if (n == 0) return BULLA_OK;
	if (level > 0 && index == log->state.base >> height >> BULLA_TILE_BITS)
		return bulla_tree_push(tree, log->lane, height, log->state.edge[level], n, err);
	TRY(read_full(&log->dir, (int)level, index, &tile, err));
	return bulla_tree_push(tree, log->lane, height, tile.data, n, err);
}

/* Full tiles hold what is before the base, the state the rest. */
bulla_code bulla_log_tree_at(const bulla_disk_log *log, uint64_t size, bulla_tree *ret, bulla_error *err)
{
	const bulla_log_state *state = &log->state;
	if (size > state->tree.size)
		return bulla_fail(err, BULLA_ERR_AUDIT, "the audit log %s has %" PRIu64 " entries, not %" PRIu64, log->path,
				  state->tree.size, size);
	if (size >= state->base) {
		TRY(bulla_log_state_base(state, log->lane, ret, err));
		return bulla_tree_push(ret, log->lane, 0, state->hashes.data, size - state->base, err);
	}
	memset(ret, 0, sizeof *ret);
	for (unsigned level = BULLA_TILE_LEVELS; level-- > 0;)
		TRY(push_tile(log, level, size, ret, err));
	return BULLA_OK;
}

bulla_code bulla_disk_log_root_at(bulla_log *base, uint64_t size, uint8_t ret_root[static 32], bulla_error *err)
{
	bulla_disk_log *log = (bulla_disk_log *)base;
	bulla_tree tree;
	TRY(begin_reading(log, err));
	bulla_code code = bulla_log_tree_at(log, size, &tree, err);
	if (!code) code = bulla_tree_root(&tree, log->lane, ret_root, err);
	bulla_log_leave(log);
	return code;
}

/* --- entries ------------------------------------------------------------------------------------------------------------ */

/* Calls `each` for those of a run of entries, the first of which has the index `at`, that lie in first..end-1. */
static bulla_code visit_run(bulla_bytes bytes, uint64_t at, uint64_t first, uint64_t end, bulla_log_visit each, void *self,
			    bulla_error *err)
{
	bulla_cursor c = bulla_cursor_of(bytes);
	for (; at < end; at++) {
		bulla_bytes entry = bulla_cursor_prefixed(&c);
		if (c.failed)
			return bulla_fail(err, BULLA_ERR_AUDIT, "the audit log cannot be read from entry %" PRIu64 " on", at);
		if (at >= first) TRY(each(self, at, entry, err));
	}
	return BULLA_OK;
}

/* What the full bundles do not have, copied, so that `each` may take its time and may even append. */
static bulla_code copy_tail(bulla_disk_log *log, uint64_t end, bulla_buf *out, uint64_t *ret_base, bulla_error *err)
{
	TRY(begin_reading(log, err));
	bulla_code code = BULLA_OK;
	*ret_base = log->state.base;
	if (end > log->state.tree.size)
		code = bulla_fail(err, BULLA_ERR_AUDIT, "the audit log %s has %" PRIu64 " entries, not %" PRIu64, log->path,
				  log->state.tree.size, end);
	else if (end > log->state.base)
		code = bulla_buf_add(out, bulla_view_buf(&log->state.entries), err);
	bulla_log_leave(log);
	return code;
}

bulla_code bulla_disk_log_each(bulla_log *handle, uint64_t first, uint64_t end, bulla_log_visit each, void *self,
			       bulla_error *err)
{
	bulla_disk_log *log = (bulla_disk_log *)handle;
	BULLA_BUF_AUTO bulla_buf tail = { 0 };
	BULLA_BUF_AUTO bulla_buf bundle = { 0 };
	uint64_t base;
	if (first >= end) return BULLA_OK;
	TRY(copy_tail(log, end, &tail, &base, err));
	for (uint64_t at = first - first % BULLA_TILE_WIDTH; at < end && at < base; at += BULLA_TILE_WIDTH) {
		const uint64_t stop = end - at < BULLA_TILE_WIDTH ? end : at + BULLA_TILE_WIDTH;
		TRY(read_full(&log->dir, BULLA_TILE_ENTRIES, at / BULLA_TILE_WIDTH, &bundle, err));
		TRY(visit_run(bulla_view_buf(&bundle), at, first, stop, each, self, err));
	}
	return end > base ? visit_run(bulla_view_buf(&tail), base, first, end, each, self, err) : BULLA_OK;
}
