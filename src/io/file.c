/*
 * file.c - files whole: reading with a limit, writing so that a crash leaves the old or the new one.
 */
#include "io/file.h"
#include "base/secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READ_STEP 16384
#define TEMPORARY ".XXXXXX"

static void fd_close(int *fd)
{
	if (*fd >= 0) (void)close(*fd);
}

#define FD_AUTO __attribute__((cleanup(fd_close))) int

static void text_free(char **text)
{
	free(*text);
}

#define TEXT_AUTO __attribute__((cleanup(text_free))) char *

/* Straight into the buffer, which wipes what it outgrows: the file may be a key. */
static bulla_code read_all(int fd, const char *path, size_t max, bulla_buf *out, bulla_error *err)
{
	size_t start = out->len;
	for (;;) {
		size_t left = max - (out->len - start);
		size_t room =
			left < READ_STEP ? left + 1 : READ_STEP; /* one byte more than allowed tells a file that is too long */
		bulla_code code = bulla_buf_reserve(out, room, err);
		if (code) return code;
		ssize_t n = read(fd, out->data + out->len, room);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return bulla_fail_errno(err, errno, "cannot read %s", path);
		if (n == 0) return BULLA_OK;
		out->len += (size_t)n;
		if (out->len - start > max) return bulla_fail(err, BULLA_ERR_LIMIT, "%s is longer than %zu bytes", path, max);
	}
}

/* On failure the buffer is as it was: what was read of a refused file is wiped. */
static bulla_code read_or_restore(int fd, const char *path, size_t max, bulla_buf *out, bulla_error *err)
{
	size_t start = out->len;
	bulla_code code = read_all(fd, path, max, out, err);
	if (code && out->len > start) {
		bulla_wipe(out->data + start, out->len - start);
		out->len = start;
	}
	return code;
}

bulla_code bulla_file_read(const char *path, size_t max, bulla_buf *out, bulla_error *err)
{
	FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return bulla_fail_errno(err, errno, "cannot open %s", path);
	return read_or_restore(fd, path, max, out, err);
}

static bulla_code check_private(int fd, const char *path, bulla_error *err)
{
	struct stat st;
	if (fstat(fd, &st)) return bulla_fail_errno(err, errno, "cannot examine %s", path);
	if (!S_ISREG(st.st_mode)) return bulla_fail(err, BULLA_ERR_PERMISSION, "%s holds a key but is not a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		bulla_code code = bulla_fail(err, BULLA_ERR_PERMISSION, "%s holds a key but belongs to another user", path);
		return bulla_advise(err, code, "make sure that its content is yours, then run: chown %u %s", (unsigned)geteuid(),
				    path);
	}
	if (st.st_mode & 077) {
		bulla_code code = bulla_fail(err, BULLA_ERR_PERMISSION, "%s holds a key but others have access to it (mode %04o)",
					     path, (unsigned)(st.st_mode & 07777));
		return bulla_advise(err, code, "run: chmod 600 %s", path);
	}
	return BULLA_OK;
}

bulla_code bulla_file_read_private(const char *path, size_t max, bulla_buf *out, bulla_error *err)
{
	/* O_NONBLOCK, so that a FIFO in the file's place is refused instead of waited for. */
	FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ELOOP) {
		bulla_code code = bulla_fail(err, BULLA_ERR_PERMISSION, "%s holds a key but is a symbolic link", path);
		return bulla_advise(err, code, "name the file that it points to");
	}
	if (fd < 0) return bulla_fail_errno(err, errno, "cannot open %s", path);
	TRY(check_private(fd, path, err));
	return read_or_restore(fd, path, max, out, err);
}

static bulla_code write_all(int fd, const char *path, bulla_bytes data, bulla_error *err)
{
	while (data.len) {
		ssize_t n = write(fd, data.data, data.len);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return bulla_fail_errno(err, errno, "cannot write %s", path);
		data = bulla_view(data.data + n, data.len - (size_t)n);
	}
	return BULLA_OK;
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash) return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* A name is durable when its directory is. Some file systems cannot sync a directory and say EINVAL: nothing to be done. */
static bulla_code sync_directory_of(const char *path, bulla_error *err)
{
	TEXT_AUTO directory = directory_of(path);
	if (!directory) return bulla_fail_memory(err);
	FD_AUTO fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return bulla_fail_errno(err, errno, "cannot open %s", directory);
	if (fsync(fd) && errno != EINVAL) return bulla_fail_errno(err, errno, "cannot sync %s", directory);
	return BULLA_OK;
}

/* link() refuses an existing name on every file system that has it; renameat2() serves those without hard links. */
static bulla_code put_in_place(const char *temporary, const char *path, bool exclusive, bulla_error *err)
{
	int failed = exclusive ? renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) : rename(temporary, path);
	if (failed && exclusive && (errno == EINVAL || errno == ENOSYS)) {
		failed = link(temporary, path);
		if (!failed) (void)unlink(temporary);
	}
	if (!failed) return BULLA_OK;
	if (errno == EEXIST) return bulla_fail(err, BULLA_ERR_EXISTS, "%s exists already and stays as it is", path);
	return bulla_fail_errno(err, errno, "cannot write %s", path);
}

bulla_code bulla_file_write(const char *path, bulla_bytes data, unsigned mode, bool exclusive, bulla_error *err)
{
	TEXT_AUTO temporary = NULL;
	if (asprintf(&temporary, "%s" TEMPORARY, path) < 0) {
		temporary = NULL;
		return bulla_fail_memory(err);
	}
	FD_AUTO fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) return bulla_fail_errno(err, errno, "cannot create a file beside %s", path);

	bulla_code code = write_all(fd, path, data, err);
	if (!code && fchmod(fd, (mode_t)mode)) code = bulla_fail_errno(err, errno, "cannot set the mode of %s", path);
	if (!code && fsync(fd)) code = bulla_fail_errno(err, errno, "cannot sync %s", path);
	if (!code) code = put_in_place(temporary, path, exclusive, err);
	if (code) {
		(void)unlink(temporary);
		return code;
	}
	return sync_directory_of(path, err);
}

static bulla_code make_one(const char *path, unsigned mode, bulla_error *err)
{
	struct stat st;
	if (mkdir(path, (mode_t)mode) == 0) return sync_directory_of(path, err);
	int why = errno;
	/* Not only EEXIST: a parent on a read-only file system answers EROFS although the directory is there. */
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode)) return BULLA_OK;
		return bulla_fail(err, BULLA_ERR_EXISTS, "%s exists and is not a directory", path);
	}
	return bulla_fail_errno(err, why, "cannot create the directory %s", path);
}

bulla_code bulla_directory_make(const char *path, unsigned mode, bulla_error *err)
{
	TEXT_AUTO partial = strdup(path);
	if (!partial) return bulla_fail_memory(err);
	size_t len = strlen(partial);
	while (len > 1 && partial[len - 1] == '/')
		partial[--len] = '\0';
	for (size_t i = 1; i < len; i++) {
		if (partial[i] != '/' || partial[i - 1] == '/') continue;
		partial[i] = '\0';
		TRY(make_one(partial, mode, err));
		partial[i] = '/';
	}
	return make_one(partial, mode, err);
}

void bulla_directory_remove(const char *path)
{
	DIR *directory = opendir(path);
	if (!directory) return;
	for (struct dirent *entry; (entry = readdir(directory));)
		(void)unlinkat(dirfd(directory), entry->d_name, 0); /* "." and ".." refuse */
	closedir(directory);
	(void)rmdir(path);
}

char *bulla_path_join(const char *base, const char *path)
{
	char *joined = NULL;
	if (!base || !*base || *path == '/') return strdup(path);
	const char *slash = base[strlen(base) - 1] == '/' ? "" : "/";
	return asprintf(&joined, "%s%s%s", base, slash, path) < 0 ? NULL : joined;
}

int64_t bulla_now_us(void *self)
{
	struct timespec now;
	(void)self;
	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
