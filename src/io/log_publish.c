/*
 * log_publish.c - from the journal to the files of C2SP tlog-tiles.
 *
 * The order is what makes a kill harmless at any point: full files are durable before the journal forgets what is in them,
 * checkpoints before the journal forgets them, and `checkpoint` comes last. All of it can be done again.
 */
#include "io/log_publish.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define TILE_BYTES (BULLA_TILE_WIDTH * BULLA_HASH_SIZE)

/* What the steps share. */
typedef struct publication {
	const bulla_log_dir *dir;
	bulla_lane *lane;
	bulla_log_state *state;
	bulla_buf written; /* files to sync */
	bulla_buf full;    /* paths of the directories of partial files that have become full ones */
} publication;

static void publication_done(publication *p)
{
	bulla_buf_done(&p->written);
	bulla_buf_done(&p->full);
}

static bulla_code put(publication *p, int level, uint64_t index, unsigned width, bulla_bytes data, bulla_error *err)
{
	char name[BULLA_TILE_PATH_MAX];
	bulla_tile_path(level, index, width, name);
	TRY(bulla_log_put_file(p->dir, name, data, &p->written, err));
	if (width < BULLA_TILE_WIDTH) return BULLA_OK;
	bulla_tile_path(level, index, 0, name);
	return bulla_buf_add(&p->full, bulla_view(name, strlen(name) + 1), err);
}

/* One more hash at the right edge of `level`; a tile that is complete is written, and its own hash goes one level up. `at` is
 * how many hashes the level has before. */
static bulla_code add_to_edge(publication *p, unsigned level, uint64_t at, const uint8_t *hash, bulla_error *err)
{
	uint8_t carried[BULLA_HASH_SIZE];
	memcpy(carried, hash, sizeof carried);
	for (; level < BULLA_TILE_LEVELS; level++, at /= BULLA_TILE_WIDTH) {
		uint8_t *edge = p->state->edge[level];
		bulla_tree tree = { 0 };
		memcpy(edge + at % BULLA_TILE_WIDTH * BULLA_HASH_SIZE, carried, sizeof carried);
		if (at % BULLA_TILE_WIDTH != BULLA_TILE_WIDTH - 1) return BULLA_OK;
		TRY(put(p, (int)level, at / BULLA_TILE_WIDTH, BULLA_TILE_WIDTH, bulla_view(edge, TILE_BYTES), err));
		TRY(bulla_tree_push(&tree, p->lane, 0, edge, BULLA_TILE_WIDTH, err));
		memcpy(carried, tree.tile, sizeof carried);
	}
	return BULLA_OK;
}

static bulla_code put_full(publication *p, bulla_error *err)
{
	const bulla_log_state *state = p->state;
	const size_t n = state->tiles.len / BULLA_HASH_SIZE;
	const uint64_t first = state->base / BULLA_TILE_WIDTH;
	for (size_t i = 0; i < n; i++)
		TRY(put(p, BULLA_TILE_ENTRIES, first + i, BULLA_TILE_WIDTH, bulla_log_state_bundle(state, i), err));
	for (size_t i = 0; i < n; i++)
		TRY(put(p, 0, first + i, BULLA_TILE_WIDTH, bulla_log_state_hashes(state, i), err));
	for (size_t i = 0; i < n; i++)
		TRY(add_to_edge(p, 1, first + i, state->tiles.data + i * BULLA_HASH_SIZE, err));
	return bulla_log_sync_files(p->dir, &p->written, err);
}

static bulla_code remove_partial(publication *p, bulla_error *err)
{
	if (p->full.len == 0) return BULLA_OK;
	const char *end = (const char *)p->full.data + p->full.len;
	for (const char *name = (const char *)p->full.data; name < end; name += strlen(name) + 1)
		TRY(bulla_log_remove_directory(p->dir, name, err));
	return BULLA_OK;
}

/* --- checkpoints -------------------------------------------------------------------------------------------------------- */

/* Behind the durable part, an interrupted publication leaves the notes that the journal still has, or a part of them; after a power cut
 * zeros stand where a sector was not written. Anything else was signed over entries that are gone. */
static bulla_code check_behind(const bulla_log_dir *dir, const bulla_log_state *state, int fd, uint64_t length, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf behind = { 0 };
	TRY(bulla_log_read_range(fd, BULLA_LOG_CHECKPOINTS, state->kept, length, &behind, err));
	size_t known = 0;
	while (known < behind.len &&
	       (behind.data[known] == 0 || (known < state->notes.len && behind.data[known] == state->notes.data[known])))
		known++;
	if (known == behind.len) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_AUDIT, "%s/" BULLA_LOG_CHECKPOINTS " has checkpoints that the journal does not know",
			  dir->path);
}

static bulla_code check_kept(const bulla_log_dir *dir, const bulla_log_state *state, int fd, bulla_error *err)
{
	struct stat st;
	if (fstat(fd, &st)) return bulla_fail_errno(err, errno, "cannot examine %s/" BULLA_LOG_CHECKPOINTS, dir->path);
	uint64_t length = (uint64_t)st.st_size;
	if (length < state->kept)
		return bulla_fail(err, BULLA_ERR_AUDIT, "%s/" BULLA_LOG_CHECKPOINTS " is shorter than it was", dir->path);
	if (length - state->kept > BULLA_BUF_MAX)
		return bulla_fail(err, BULLA_ERR_AUDIT, "%s/" BULLA_LOG_CHECKPOINTS " is longer than it was", dir->path);
	return check_behind(dir, state, fd, length, err);
}

bulla_code bulla_log_check_kept(const bulla_log_dir *dir, const bulla_log_state *state, bulla_error *err)
{
	BULLA_FD_AUTO fd = -1;
	bulla_code code = bulla_log_open_file(dir, BULLA_LOG_CHECKPOINTS, &fd, err);
	if (code == BULLA_ERR_NOT_FOUND && state->kept == 0) return BULLA_OK;
	if (code == BULLA_ERR_NOT_FOUND)
		return bulla_fail(err, BULLA_ERR_AUDIT, "%s/" BULLA_LOG_CHECKPOINTS " is missing", dir->path);
	return code ? code : check_kept(dir, state, fd, err);
}

static bulla_code keep_notes(const bulla_log_dir *dir, bulla_log_state *state, bulla_error *err)
{
	BULLA_FD_AUTO fd = openat(dir->fd, BULLA_LOG_CHECKPOINTS, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) return bulla_fail_errno(err, errno, "cannot open %s/" BULLA_LOG_CHECKPOINTS, dir->path);
	TRY(check_kept(dir, state, fd, err));
	const bulla_bytes notes = bulla_view_buf(&state->notes);
	TRY(bulla_log_write_at(fd, BULLA_LOG_CHECKPOINTS, state->kept, &notes, 1, err));
	if (ftruncate(fd, (off_t)(state->kept + notes.len)) || fsync(fd))
		return bulla_fail_errno(err, errno, "cannot sync %s/" BULLA_LOG_CHECKPOINTS, dir->path);
	if (state->kept == 0) TRY(bulla_log_sync_parent(dir, BULLA_LOG_CHECKPOINTS, err));
	state->kept += notes.len;
	return BULLA_OK;
}

/* --- the right edge ----------------------------------------------------------------------------------------------------- */

/* Levels whose edge has not moved since have their file already. */
static bulla_code put_edge(publication *p, uint64_t published, bulla_error *err)
{
	const bulla_log_state *state = p->state;
	const uint64_t size = state->tree.size;
	const unsigned width = bulla_tile_edge(size, 0);
	if (width) {
		TRY(put(p, BULLA_TILE_ENTRIES, size / BULLA_TILE_WIDTH, width, bulla_log_state_bundle(state, 0), err));
		TRY(put(p, 0, size / BULLA_TILE_WIDTH, width, bulla_log_state_hashes(state, 0), err));
	}
	for (unsigned level = 1; level < BULLA_TILE_LEVELS; level++) {
		const unsigned n = bulla_tile_edge(size, level);
		const unsigned shift = BULLA_TILE_BITS * level;
		if (n == 0 || (published != BULLA_LOG_UNPUBLISHED && published >> shift == size >> shift)) continue;
		TRY(put(p, (int)level, size >> shift >> BULLA_TILE_BITS, n, bulla_view(state->edge[level], n * BULLA_HASH_SIZE),
			err));
	}
	return bulla_log_sync_files(p->dir, &p->written, err);
}

static bulla_code put_checkpoint(publication *p, bulla_error *err)
{
	TRY(bulla_log_put_file(p->dir, BULLA_LOG_CHECKPOINT, bulla_view_buf(&p->state->note), &p->written, err));
	return bulla_log_sync_files(p->dir, &p->written, err);
}

bulla_code bulla_log_publish(const bulla_log_dir *dir, bulla_lane *lane, bool edge, bulla_journal *journal,
			     bulla_log_state *state, uint64_t *published, bulla_error *err)
{
	__attribute__((cleanup(publication_done))) publication p = { .dir = dir, .lane = lane, .state = state };
	TRY(put_full(&p, err));
	TRY(remove_partial(&p, err));
	TRY(keep_notes(dir, state, err));
	bulla_log_state_trim(state);
	TRY(bulla_journal_replace(journal, dir, lane, state, err));
	if (!edge) return BULLA_OK;
	TRY(put_edge(&p, *published, err));
	TRY(put_checkpoint(&p, err));
	*published = state->tree.size;
	return BULLA_OK;
}

bulla_code bulla_log_published(const bulla_log_dir *dir, const char *origin, const bulla_log_state *state, uint64_t *ret_size,
			       bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf note = { .max = BULLA_NOTE_MAX };
	bulla_checkpoint found;
	bulla_code code = bulla_log_read_file(dir, BULLA_LOG_CHECKPOINT, &note, err);
	if (code == BULLA_ERR_LIMIT || code == BULLA_ERR_CORRUPT)
		return bulla_fail(err, BULLA_ERR_AUDIT, "%s/" BULLA_LOG_CHECKPOINT " is not a checkpoint", dir->path);
	if (code && code != BULLA_ERR_NOT_FOUND) return code;
	*ret_size = BULLA_LOG_UNPUBLISHED;
	if (note.len == 0) return BULLA_OK;
	TRY(bulla_checkpoint_parse(origin, bulla_view_buf(&note), &found, err));
	if (found.head.size > state->tree.size)
		return bulla_fail(err, BULLA_ERR_AUDIT,
				  "the audit log %s ends with entry %" PRIu64 ", but its checkpoint is over %" PRIu64
				  ": entries are missing",
				  dir->path, state->tree.size, found.head.size);
	*ret_size = found.head.size;
	return BULLA_OK;
}
