/*
 * log_files.h - the files of a log directory: reading, replacing and syncing them by their names inside it, and its lock.
 *
 * Errors are those of bulla_fail_errno() and name the file. Every file is made with mode 0600, every directory with 0700.
 */
#ifndef IO_LOG_FILES_H
#define IO_LOG_FILES_H

#include "base/buf.h"
#include "io/patience.h"

#include <unistd.h>

/* An open log directory. `path` is for messages and is borrowed. */
typedef struct bulla_log_dir {
	int fd;
	const char *path;
	bulla_patience patience;
} bulla_log_dir;

static inline void bulla_fd_close(int *fd)
{
	if (*fd >= 0) (void)close(*fd);
	*fd = -1;
}

#define BULLA_FD_AUTO __attribute__((cleanup(bulla_fd_close))) int

/* Opens `name` for reading. NOT_FOUND where it is missing. */
BULLA_MUST bulla_code bulla_log_open_file(const bulla_log_dir *dir, const char *name, int *ret_fd, bulla_error *err);

/* Appends the bytes from `from` to `end` of an open file. CORRUPT when it is shorter. */
BULLA_MUST bulla_code bulla_log_read_range(int fd, const char *name, uint64_t from, uint64_t end, bulla_buf *out,
					   bulla_error *err);

/* Appends the whole of `name`; LIMIT beyond out->max. */
BULLA_MUST bulla_code bulla_log_read_file(const bulla_log_dir *dir, const char *name, bulla_buf *out, bulla_error *err);

/* Writes all parts, one after the other, from `at` on; one system call where the kernel takes all at once. */
BULLA_MUST bulla_code bulla_log_write_at(int fd, const char *name, uint64_t at, const bulla_bytes *parts, size_t n,
					 bulla_error *err);

/* Makes `name` hold `data`: readers see the old file or the new one, never a part. Missing directories are made. Durable only
 * after bulla_log_sync_files(); `name` is added to `written`, the list it takes. */
BULLA_MUST bulla_code bulla_log_put_file(const bulla_log_dir *dir, const char *name, bulla_bytes data, bulla_buf *written,
					 bulla_error *err);

/* Syncs every file of the list (names, each with its NUL) and the directories they lie in; empties the list. */
BULLA_MUST bulla_code bulla_log_sync_files(const bulla_log_dir *dir, bulla_buf *written, bulla_error *err);

/* Syncs the directory that holds `name`. */
BULLA_MUST bulla_code bulla_log_sync_parent(const bulla_log_dir *dir, const char *name, bulla_error *err);

/* Removes a directory that holds only files. A missing one is fine. */
BULLA_MUST bulla_code bulla_log_remove_directory(const bulla_log_dir *dir, const char *name, bulla_error *err);

/* Takes the lock of an open lock file, shared or exclusive; LOCKED after 10 seconds. A descriptor below 0 needs no lock. */
BULLA_MUST bulla_code bulla_log_lock(const bulla_log_dir *dir, int lock_fd, bool exclusive, bulla_error *err);
void bulla_log_unlock(int lock_fd);

#endif
