/*
 * log_files.c - the files of a log directory.
 */
#include "io/log_files.h"
#include "base/bytes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#define TEMPORARY        "tmp" /* one is enough: who writes holds the lock */
#define NAME_SIZE_MAX    80    /* the longest is a tile's */
#define PARTS_MAX        4
#define LOCK_WAIT_MS     10000
#define LOCK_STEP_MAX_US 5000

static bulla_code fail_at(const bulla_log_dir *dir, int why, const char *action, const char *name, bulla_error *err)
{
	return bulla_fail_errno(err, why, "cannot %s %s/%s", action, dir->path, name);
}

bulla_code bulla_log_open_file(const bulla_log_dir *dir, const char *name, int *ret_fd, bulla_error *err)
{
	int fd = openat(dir->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) return fail_at(dir, errno, "open", name, err);
	*ret_fd = fd;
	return BULLA_OK;
}

bulla_code bulla_log_read_range(int fd, const char *name, uint64_t from, uint64_t end, bulla_buf *out, bulla_error *err)
{
	size_t start = out->len;
	bulla_code code = bulla_buf_reserve(out, (size_t)(end - from), err);
	while (!code && from < end) {
		ssize_t n = pread(fd, out->data + out->len, (size_t)(end - from), (off_t)from);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0)
			code = bulla_fail_errno(err, errno, "cannot read %s", name);
		else if (n == 0)
			code = bulla_fail(err, BULLA_ERR_CORRUPT, "%s became shorter while it was read", name);
		else
			out->len += (size_t)n, from += (uint64_t)n;
	}
	if (code) out->len = start;
	return code;
}

bulla_code bulla_log_read_file(const bulla_log_dir *dir, const char *name, bulla_buf *out, bulla_error *err)
{
	BULLA_FD_AUTO fd = -1;
	struct stat st;
	TRY(bulla_log_open_file(dir, name, &fd, err));
	if (fstat(fd, &st)) return fail_at(dir, errno, "examine", name, err);
	if (!S_ISREG(st.st_mode)) return bulla_fail(err, BULLA_ERR_CORRUPT, "%s/%s is not a regular file", dir->path, name);
	return bulla_log_read_range(fd, name, 0, (uint64_t)st.st_size, out, err);
}

bulla_code bulla_log_write_at(int fd, const char *name, uint64_t at, const bulla_bytes *parts, size_t n, bulla_error *err)
{
	struct iovec rest[PARTS_MAX];
	size_t first = 0;
	if (n > PARTS_MAX) return bulla_fail(err, BULLA_ERR_INTERNAL, "more parts than a write takes");
	for (size_t i = 0; i < n; i++)
		rest[i] = (struct iovec){ (void *)(uintptr_t)parts[i].data, parts[i].len };
	for (;;) {
		while (first < n && rest[first].iov_len == 0)
			first++;
		if (first == n) return BULLA_OK;
		ssize_t written = pwritev(fd, rest + first, (int)(n - first), (off_t)at);
		if (written < 0 && errno == EINTR) continue;
		if (written < 0) return bulla_fail_errno(err, errno, "cannot write %s", name);
		at += (uint64_t)written;
		for (size_t i = first; i < n && written > 0; i++) {
			size_t done = rest[i].iov_len < (size_t)written ? rest[i].iov_len : (size_t)written;
			if (done) rest[i].iov_base = (uint8_t *)rest[i].iov_base + done;
			rest[i].iov_len -= done;
			written -= (ssize_t)done;
		}
	}
}

/* "tile/0/x001/067" lies in "tile/0/x001", "journal" in ".". */
static void parent_of(const char *name, char out[static NAME_SIZE_MAX])
{
	const char *slash = strrchr(name, '/');
	if (slash)
		(void)snprintf(out, NAME_SIZE_MAX, "%.*s", (int)(slash - name), name);
	else
		(void)snprintf(out, NAME_SIZE_MAX, ".");
}

static bulla_code sync_directory(const bulla_log_dir *dir, const char *name, bulla_error *err)
{
	BULLA_FD_AUTO fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return fail_at(dir, errno, "open", name, err);
	if (fsync(fd) && errno != EINVAL) return fail_at(dir, errno, "sync", name, err);
	return BULLA_OK;
}

bulla_code bulla_log_sync_parent(const bulla_log_dir *dir, const char *name, bulla_error *err)
{
	char parent[NAME_SIZE_MAX];
	parent_of(name, parent);
	return sync_directory(dir, parent, err);
}

/* Every directory above `name` that is missing; a new one is durable in its own parent at once. */
static bulla_code make_parents(const bulla_log_dir *dir, const char *name, bulla_error *err)
{
	char path[NAME_SIZE_MAX];
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		(void)snprintf(path, sizeof path, "%.*s", (int)(slash - name), name);
		if (mkdirat(dir->fd, path, 0700) == 0)
			TRY(bulla_log_sync_parent(dir, path, err));
		else if (errno != EEXIST)
			return fail_at(dir, errno, "create", path, err);
	}
	return BULLA_OK;
}

static bulla_code rename_into_place(const bulla_log_dir *dir, const char *name, bulla_error *err)
{
	if (renameat(dir->fd, TEMPORARY, dir->fd, name) == 0) return BULLA_OK;
	if (errno != ENOENT) return fail_at(dir, errno, "write", name, err);
	TRY(make_parents(dir, name, err));
	if (renameat(dir->fd, TEMPORARY, dir->fd, name)) return fail_at(dir, errno, "write", name, err);
	return BULLA_OK;
}

bulla_code bulla_log_put_file(const bulla_log_dir *dir, const char *name, bulla_bytes data, bulla_buf *written, bulla_error *err)
{
	BULLA_FD_AUTO fd = openat(dir->fd, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) return fail_at(dir, errno, "write", name, err);
	TRY(bulla_log_write_at(fd, name, 0, &data, 1, err));
	/* Starts the writing without waiting for it, so that syncing a hundred files is not a hundred waits. */
	(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	TRY(rename_into_place(dir, name, err));
	return bulla_buf_add(written, bulla_view(name, strlen(name) + 1), err);
}

bulla_code bulla_log_sync_files(const bulla_log_dir *dir, bulla_buf *written, bulla_error *err)
{
	char parent[NAME_SIZE_MAX];
	char synced[NAME_SIZE_MAX] = "";
	if (written->len == 0) return BULLA_OK;
	const char *end = (const char *)written->data + written->len;
	for (const char *name = (const char *)written->data; name < end; name += strlen(name) + 1) {
		BULLA_FD_AUTO fd = -1;
		TRY(bulla_log_open_file(dir, name, &fd, err));
		if (fsync(fd)) return fail_at(dir, errno, "sync", name, err);
	}
	/* Neighbours in the list mostly share their directory. */
	for (const char *name = (const char *)written->data; name < end; name += strlen(name) + 1) {
		parent_of(name, parent);
		if (strcmp(parent, synced) == 0) continue;
		TRY(sync_directory(dir, parent, err));
		memcpy(synced, parent, sizeof synced);
	}
	written->len = 0;
	return BULLA_OK;
}

static bulla_code remove_files(const bulla_log_dir *dir, const char *name, DIR *listing, bulla_error *err)
{
	for (struct dirent *entry; (errno = 0, entry = readdir(listing));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
		if (unlinkat(dirfd(listing), entry->d_name, 0) && errno != ENOENT) return fail_at(dir, errno, "empty", name, err);
	}
	return errno ? fail_at(dir, errno, "read", name, err) : BULLA_OK;
}

bulla_code bulla_log_remove_directory(const bulla_log_dir *dir, const char *name, bulla_error *err)
{
	int fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) return errno == ENOENT ? BULLA_OK : fail_at(dir, errno, "open", name, err);
	DIR *listing = fdopendir(fd);
	if (!listing) {
		(void)close(fd);
		return bulla_fail_memory(err);
	}
	bulla_code code = remove_files(dir, name, listing, err);
	(void)closedir(listing);
	if (!code && unlinkat(dir->fd, name, AT_REMOVEDIR) && errno != ENOENT) code = fail_at(dir, errno, "remove", name, err);
	return code;
}

static bulla_code fail_locked(const bulla_log_dir *dir, const char *path, bulla_error *err)
{
	char holder[BULLA_HOLDER_MAX];
	bulla_code code = bulla_fail(err, BULLA_ERR_LOCKED, "%s has held the lock of the audit log %s for too long",
				     bulla_lock_holder_text(path, holder), dir->path);
	return bulla_advise(err, code, "find out why it holds %s/lock, or wait longer: --lock-wait", dir->path);
}

bulla_code bulla_log_lock(const bulla_log_dir *dir, int lock_fd, bool exclusive, bulla_error *err)
{
	const int how = (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB;
	char path[PATH_MAX];
	bulla_wait wait = { 0 };
	if (lock_fd < 0) return BULLA_OK;
	(void)snprintf(path, sizeof path, "%s/lock", dir->path);
	/* flock() has no deadline of its own; asking again, ever less often, has. */
	for (int64_t step = 50; flock(lock_fd, how); step = step * 2 < LOCK_STEP_MAX_US ? step * 2 : LOCK_STEP_MAX_US) {
		if (errno == EINTR) continue;
		if (errno != EWOULDBLOCK) return fail_at(dir, errno, "lock", "lock", err);
		if (!bulla_wait_on(&wait, &dir->patience, LOCK_WAIT_MS, "the lock of the audit log", path))
			return fail_locked(dir, path, err);
		struct timespec pause = { 0, (long)step * 1000 };
		(void)nanosleep(&pause, NULL);
	}
	return BULLA_OK;
}

void bulla_log_unlock(int lock_fd)
{
	if (lock_fd >= 0) (void)flock(lock_fd, LOCK_UN);
}
