/*
 * log.c - a log directory that is open: opening, closing, being inside.
 */
#include "crypto/sign.h"
#include "io/file.h"
#include "io/log_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define LOCK_NAME     "lock"
#define MEND_EVERY_US 200000

/* --- being inside ------------------------------------------------------------------------------------------------------- */

int64_t bulla_log_clock(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bulla_code bulla_log_check_owner(const bulla_disk_log *log, bulla_error *err)
{
	if (log->owner == getpid()) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_USAGE, "the audit log %s was opened before a fork", log->path);
	return bulla_advise(err, code, "open it again in the child process");
}

void bulla_log_enter(bulla_disk_log *log)
{
	(void)pthread_mutex_lock(&log->mutex);
	while (log->busy)
		(void)pthread_cond_wait(&log->changed, &log->mutex);
	log->busy = true;
	(void)pthread_mutex_unlock(&log->mutex);
}

void bulla_log_leave(bulla_disk_log *log)
{
	(void)pthread_mutex_lock(&log->mutex);
	log->busy = false;
	(void)pthread_cond_broadcast(&log->changed);
	(void)pthread_mutex_unlock(&log->mutex);
}

/* The newest checkpoint must be ours: its root covers everything before it. */
static bulla_code check_signature(const bulla_disk_log *log, bulla_error *err)
{
	bulla_checkpoint head;
	return bulla_checkpoint_verify(&log->key, bulla_view_buf(&log->state.note), &head, err);
}

/* Another journal under the name must go on from what was there: an older one put back, or another log, does not. */
static bulla_code check_continuity(const bulla_disk_log *log, bulla_error *err)
{
	bulla_tree tree;
	uint8_t root[BULLA_HASH_SIZE];
	if (log->seen.size > log->state.tree.size)
		return bulla_fail(err, BULLA_ERR_AUDIT, "the audit log %s has become shorter: %" PRIu64 " entries, not %" PRIu64,
				  log->path, log->state.tree.size, log->seen.size);
	TRY(bulla_log_tree_at(log, log->seen.size, &tree, err));
	TRY(bulla_tree_root(&tree, log->lane, root, err));
	if (log->seen.size == 0 || memcmp(root, log->seen.root, sizeof root) == 0) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_AUDIT, "the audit log %s does not contain what it contained: it was replaced",
			  log->path);
}

static bulla_code check_news(const bulla_disk_log *log, bool another_file, bulla_error *err)
{
	if (another_file) TRY(check_continuity(log, err));
	if (!log->seed) return BULLA_OK;
	if (fdatasync(log->journal.fd)) return bulla_fail_errno(err, errno, "cannot sync %s/" BULLA_JOURNAL_NAME, log->path);
	return check_signature(log, err);
}

bulla_code bulla_log_refresh(bulla_disk_log *log, bulla_error *err)
{
	const uint64_t before = log->state.tree.size;
	const uint64_t inode = log->journal.inode;
	TRY(bulla_journal_read(&log->journal, &log->dir, log->lane, log->origin, true, &log->state, err));
	if (log->seed) TRY(bulla_journal_drop_tail(&log->journal, &log->dir, err));
	const bool another_file = log->journal.inode != inode;
	if (log->state.tree.size == before && !another_file) return BULLA_OK;

	bulla_code code = check_news(log, another_file, err);
	if (code) { /* nothing of it is believed: the next call looks again */
		bulla_journal_close(&log->journal);
		bulla_log_state_done(&log->state);
		return code;
	}
	log->seen = log->state.head.head;
	return BULLA_OK;
}

bulla_code bulla_log_sign(bulla_disk_log *log, uint64_t generation, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf note = { .max = BULLA_CHECKPOINT_MAX };
	bulla_checkpoint head = { .head.size = log->state.tree.size, .generation = generation };
	TRY(bulla_tree_root(&log->state.tree, log->lane, head.head.root, err));
	TRY(bulla_checkpoint_sign(&log->key, log->seed->bytes, &head, &note, err));
	TRY(bulla_buf_add(&log->state.notes, bulla_view_buf(&note), err));
	return bulla_log_state_sign(&log->state, bulla_view_buf(&note), &head, err);
}

/* A failed write leaves a tail that nobody can be sure of: neither in memory nor on disk is there anything to go on from. Memory is asked for
 * before anything is written, and a publication can be done again: then the journal is read anew, as if another process had written it. */
void bulla_log_give_up(bulla_disk_log *log, bulla_code why)
{
	if (why != BULLA_ERR_MEMORY) log->failed = why;
	log->mend_at = bulla_log_clock() + MEND_EVERY_US;
	log->published = BULLA_LOG_UNPUBLISHED;
	bulla_journal_close(&log->journal);
	bulla_log_state_done(&log->state);
}

bulla_code bulla_log_publish_now(bulla_disk_log *log, bool edge, bulla_error *err)
{
	bulla_code code = bulla_log_publish(&log->dir, log->lane, edge, &log->journal, &log->state, &log->published, err);
	if (code) {
		bulla_log_give_up(log, code);
		return code;
	}
	if (!edge) return BULLA_OK;
	log->dirty = false;
	log->published_at = bulla_log_clock();
	return BULLA_OK;
}

/* --- opening ------------------------------------------------------------------------------------------------------------ */

static bulla_code take_seed(bulla_disk_log *log, const bulla_secret *seed, bulla_error *err)
{
	uint8_t public_key[32];
	TRY(bulla_pool_new(&log->pool, err));
	TRY(bulla_pool_take(log->pool, &log->seed, err));
	memcpy(log->seed->bytes, seed->bytes, sizeof log->seed->bytes);
	TRY(bulla_ed25519_public(seed->bytes, public_key, err));
	return bulla_note_key_of(log->lane, log->origin, public_key, &log->key, err);
}

static bulla_code open_directory(bulla_disk_log *log, bool create, bulla_error *err)
{
	if (create) TRY(bulla_directory_make(log->path, 0700, err));
	log->dir.fd = open(log->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->dir.fd < 0) return bulla_fail_errno(err, errno, "cannot open the audit log %s", log->path);
	const int how = log->seed ? O_RDWR | O_CREAT : O_RDONLY;
	log->lock_fd = openat(log->dir.fd, LOCK_NAME, how | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (log->lock_fd < 0 && log->seed) return bulla_fail_errno(err, errno, "cannot open %s/" LOCK_NAME, log->path);
	return BULLA_OK;
}

static bool has(const bulla_disk_log *log, const char *name)
{
	struct stat st;
	return fstatat(log->dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* No journal is a new log only where nothing else is. The first checkpoint is over no entries. */
static bulla_code begin(bulla_disk_log *log, bool create, bulla_error *err)
{
	if (has(log, BULLA_LOG_CHECKPOINT) || has(log, "tile")) {
		bulla_code code = bulla_fail(err, BULLA_ERR_AUDIT, "the audit log %s has lost its journal", log->path);
		return bulla_advise(err, code, "put %s/" BULLA_JOURNAL_NAME " back from a backup", log->path);
	}
	if (!create || !log->seed) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no audit log in %s", log->path);
	TRY(bulla_log_sign(log, 0, err));
	return bulla_log_publish_now(log, true, err);
}

/* Whatever an earlier process left to be published is published now, so that the journal begins with a base that was written
 * and synced as a whole. */
static bulla_code recover(bulla_disk_log *log, bulla_error *err)
{
	TRY(bulla_log_published(&log->dir, log->origin, &log->state, &log->published, err));
	TRY(bulla_log_check_kept(&log->dir, &log->state, err));
	if (!log->seed || (log->state.notes.len == 0 && log->published == log->state.tree.size)) return BULLA_OK;
	return bulla_log_publish_now(log, true, err);
}

static bulla_code mend(bulla_disk_log *log, bulla_error *err)
{
	TRY(bulla_log_refresh(log, err)); /* which finds everything that was acknowledged, or refuses */
	TRY(bulla_log_published(&log->dir, log->origin, &log->state, &log->published, err));
	TRY(bulla_log_check_kept(&log->dir, &log->state, err));
	return bulla_log_publish_now(log, true, err);
}

/* A journal whose sync failed may read well and not be on the disk: all of it is written again, into a new file. */
bulla_code bulla_log_mend(bulla_disk_log *log, bulla_error *err)
{
	bulla_code code = mend(log, err);
	if (code)
		bulla_log_give_up(log, code);
	else
		log->failed = BULLA_OK;
	return code;
}

static bulla_code open_locked(bulla_disk_log *log, bool create, bulla_error *err)
{
	if (!has(log, BULLA_JOURNAL_NAME)) return begin(log, create, err);
	TRY(bulla_log_refresh(log, err));
	return recover(log, err);
}

static bulla_code open_all(bulla_disk_log *log, const bulla_secret *seed, bool create, bulla_error *err)
{
	TRY(bulla_lane_new(&log->lane, err));
	if (seed) TRY(take_seed(log, seed, err));
	TRY(open_directory(log, create, err));
	TRY(bulla_log_lock(&log->dir, log->lock_fd, seed != NULL, err));
	bulla_code code = open_locked(log, create, err);
	bulla_log_unlock(log->lock_fd);
	return code;
}

static void close_disk(bulla_log *base);

static const bulla_log_kind disk = {
	.append = bulla_disk_log_append,
	.head = bulla_disk_log_head,
	.root_at = bulla_disk_log_root_at,
	.each = bulla_disk_log_each,
	.close = close_disk,
};

static bulla_disk_log *allocate(const char *directory, const char *origin, const bulla_patience *patience)
{
	bulla_disk_log *log = calloc(1, sizeof *log);
	if (!log) return NULL;
	log->base.kind = &disk;
	log->path = strdup(directory);
	log->origin = strdup(origin);
	log->dir = (bulla_log_dir){ -1, log->path, *patience };
	log->lock_fd = log->journal.fd = -1;
	log->owner = getpid();
	log->last = &log->first;
	log->published = BULLA_LOG_UNPUBLISHED;
	log->published_at = bulla_log_clock();
	(void)pthread_mutex_init(&log->mutex, NULL);
	(void)pthread_cond_init(&log->changed, NULL);
	return log;
}

bulla_code bulla_log_open_patiently(const char *directory, const char *origin, const bulla_secret *seed, bool create,
				    const bulla_patience *patience, bulla_log **out, bulla_error *err)
{
	bulla_disk_log *log = allocate(directory, origin, patience);
	bulla_code code = log && log->path && log->origin ? open_all(log, seed, create, err) : bulla_fail_memory(err);
	if (code) {
		if (log) close_disk(&log->base);
		return code;
	}
	*out = &log->base;
	return BULLA_OK;
}

bulla_code bulla_log_open(const char *directory, const char *origin, const bulla_secret *seed, bool create, bulla_log **out,
			  bulla_error *err)
{
	static const bulla_patience usual;
	return bulla_log_open_patiently(directory, origin, seed, create, &usual, out, err);
}

/* Nobody is told of a failure here, and nobody needs to be: the journal has everything, and the next opening publishes it. */
static void publish_the_rest(bulla_disk_log *log)
{
	if (!log->dirty || log->failed || bulla_log_lock(&log->dir, log->lock_fd, true, NULL)) return;
	if (!bulla_log_refresh(log, NULL)) (void)!bulla_log_publish_now(log, true, NULL);
	bulla_log_unlock(log->lock_fd);
}

static void close_disk(bulla_log *base)
{
	bulla_disk_log *log = (bulla_disk_log *)base;
	if (log->owner == getpid()) {
		publish_the_rest(log);
		(void)pthread_cond_destroy(&log->changed);
		(void)pthread_mutex_destroy(&log->mutex);
	}
	bulla_journal_close(&log->journal);
	bulla_log_state_done(&log->state);
	bulla_fd_close(&log->lock_fd);
	bulla_fd_close(&log->dir.fd);
	if (log->pool) bulla_pool_give(log->pool, log->seed);
	bulla_pool_free(log->pool);
	bulla_lane_free(log->lane);
	free(log->origin);
	free(log->path);
	free(log);
}
