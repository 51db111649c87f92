/*
 * disk.c - a disk that fails on purpose: put under a process with LD_PRELOAD, it numbers every call that changes a file below a
 * directory, and fails at one of them. SQLite's files and our own go through it alike.
 *
 * DISK_ROOT    files below this directory are the disk's; SQLite's -shm files, which do not outlive a crash, are not
 * DISK_SAVED   an empty directory of the same file system, for what was deleted and may come back
 * DISK_FAULT   count | kill | cut | full | error | short | read
 * DISK_AT      the number of the call, from 1 on (of read: among the calls that read)
 * DISK_SEED    of what a cut keeps
 * DISK_COUNT   a file that receives "CALLS READS" at the end
 * DISK_DAYS    by how many days it is later than it is, for what waits that long
 *
 * kill   SIGKILL before the call
 * cut    the power goes before the call: of everything that was not synced a part is kept, sector by sector, and of names that were made,
 *        removed or changed the first ones; then SIGKILL
 * full   from that call on nothing can be made or grown: ENOSPC
 * error  the call fails with EIO
 * short  the call writes half of its bytes
 * read   a read fails with EIO
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FDS    1024
#define SECTOR 512

typedef enum fault_kind { COUNT, KILL, CUT, FULL, ERROR, SHORT, READ } fault_kind;
static const char *const fault_names[] = { "count", "kill", "cut", "full", "error", "short", "read" };

typedef enum change_kind { WRITTEN, RESIZED, MADE, REMOVED, RENAMED } change_kind;

/* A file that was written, held open to the end: it may lose its name, and closing any descriptor of it would drop the locks of the process. */
typedef struct file {
	struct file *next;
	ino_t number;
	int fd;
} file;

/* Something that a power cut may undo. */
typedef struct change {
	struct change *before, *after;
	change_kind kind;
	/* WRITTEN, RESIZED */
	struct file *file;
	off_t at, old_size, new_size;
	size_t len;
	uint8_t *old, *new; /* `old` may be shorter than `len`: what the file had there */
	size_t old_len;
	/* MADE, REMOVED, RENAMED */
	char directory[PATH_MAX], path[PATH_MAX], other[PATH_MAX], saved[PATH_MAX]; /* the directory that must be synced */
} change;

static struct {
	pthread_mutex_t lock;
	bool ready;
	char root[PATH_MAX], saves[PATH_MAX];
	fault_kind fault;
	long at, calls, reads, saved, days;
	uint64_t random;
	bool mine[FDS];
	file *files;
	change *first, *last;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t chance(uint64_t n)
{
	disk.random ^= disk.random << 13;
	disk.random ^= disk.random >> 7;
	disk.random ^= disk.random << 17;
	return disk.random % n;
}

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);
	return value ? value : otherwise;
}

__attribute__((constructor)) static void begin(void)
{
	const char *name = setting("DISK_FAULT", "");
	disk.days = atol(setting("DISK_DAYS", "0"));
	if (!realpath(setting("DISK_ROOT", ""), disk.root)) return;
	snprintf(disk.saves, sizeof disk.saves, "%s", setting("DISK_SAVED", ""));
	disk.at = atol(setting("DISK_AT", "0"));
	disk.random = strtoull(setting("DISK_SEED", "1"), NULL, 10) * 0x9e3779b97f4a7c15u | 1;
	for (size_t i = 0; i < sizeof fault_names / sizeof *fault_names; i++)
		if (strcmp(name, fault_names[i]) == 0) {
			disk.fault = (fault_kind)i;
			disk.ready = true;
		}
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("DISK_COUNT");
	if (!disk.ready || !path) return;
	disk.ready = false;
	FILE *f = fopen(path, "w");
	if (!f) return;
	fprintf(f, "%ld %ld\n", disk.calls, disk.reads);
	fclose(f);
}

/* --- the system's own ------------------------------------------------------------------------------------------------------------------ */

static int real_open(int at, const char *path, int flags, mode_t mode)
{
	return (int)syscall(SYS_openat, at, path, flags, mode);
}

static ssize_t real_pread(int fd, void *out, size_t n, off_t at)
{
	return syscall(SYS_pread64, fd, out, n, at);
}

static ssize_t real_pwrite(int fd, const void *in, size_t n, off_t at)
{
	return syscall(SYS_pwrite64, fd, in, n, at);
}

static int real_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

/* --- names ------------------------------------------------------------------------------------------------------------------------------ */

/* The absolute path of a name, links in its directory resolved. */
static bool locate(int at, const char *name, char out[PATH_MAX])
{
	char directory[PATH_MAX], whole[2 * PATH_MAX];
	if (name[0] == '/') {
		snprintf(whole, sizeof whole, "%s", name);
	} else {
		char link[64];
		snprintf(link, sizeof link, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
		ssize_t n = readlink(link, directory, sizeof directory - 1);
		if (n < 0) return false;
		directory[n] = 0;
		snprintf(whole, sizeof whole, "%s/%s", directory, name);
	}
	char *slash = strrchr(whole, '/');
	*slash = 0;
	if (!realpath(*whole ? whole : "/", directory)) return false;
	return (size_t)snprintf(out, PATH_MAX, "%s/%s", directory, slash + 1) < PATH_MAX;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

/* Is it below the root? `out` receives the path. */
static bool is_ours(int at, const char *name, char out[PATH_MAX])
{
	if (!disk.ready || !name || !locate(at, name, out)) return false;
	size_t n = strlen(disk.root);
	return strncmp(out, disk.root, n) == 0 && (out[n] == '/' || out[n] == 0) && !ends_with(out, "-shm");
}

static bool is_mine(int fd)
{
	return disk.ready && fd >= 0 && fd < FDS && disk.mine[fd];
}

/* --- what is not on the disk yet -------------------------------------------------------------------------------------------------------- */

static change *note(change_kind kind)
{
	change *c = calloc(1, sizeof *c);
	if (!c) abort();
	c->kind = kind;
	c->before = disk.last;
	if (disk.last) disk.last->after = c;
	disk.last = c;
	if (!disk.first) disk.first = c;
	return c;
}

static void forget(change *c)
{
	if (c->before) c->before->after = c->after;
	if (c->after) c->after->before = c->before;
	if (disk.first == c) disk.first = c->after;
	if (disk.last == c) disk.last = c->before;
	if (*c->saved) (void)syscall(SYS_unlink, c->saved);
	free(c->old);
	free(c->new);
	free(c);
}

static bool is_data(const change *c)
{
	return c->kind == WRITTEN || c->kind == RESIZED;
}

static void synced(int fd)
{
	struct stat st;
	char link[64], path[PATH_MAX];
	if (fstat(fd, &st)) return;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n < 0 ? 0 : n] = 0;
	for (change *c = disk.first, *next; c; c = next) {
		next = c->after;
		bool done = is_data(c) ? c->file->number == st.st_ino : S_ISDIR(st.st_mode) && strcmp(c->directory, path) == 0;
		if (done) forget(c);
	}
}

static file *file_of(int fd, ino_t number)
{
	char link[64];
	for (file *f = disk.files; f; f = f->next)
		if (f->number == number) return f;
	file *f = calloc(1, sizeof *f);
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	int own = real_open(AT_FDCWD, link, O_RDWR | O_CLOEXEC, 0);
	if (!f || own < 0) abort();
	*f = (file){ disk.files, number, own };
	return disk.files = f;
}

static void note_data(change_kind kind, int fd, const void *data, size_t len, off_t at)
{
	struct stat st;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) return;
	change *c = note(kind);
	c->file = file_of(fd, st.st_ino);
	c->at = at;
	c->old_size = st.st_size;
	c->len = len;
	off_t end = kind == WRITTEN ? at + (off_t)len : st.st_size;
	c->new_size = kind == WRITTEN ? (end > st.st_size ? end : st.st_size) : at;
	off_t old_end = end < st.st_size ? end : st.st_size;
	c->old_len = old_end > at ? (size_t)(old_end - at) : 0;
	c->old = malloc(c->old_len + 1);
	c->new = malloc(len + 1);
	if (!c->old || !c->new || real_pread(c->file->fd, c->old, c->old_len, at) != (ssize_t)c->old_len) abort();
	if (len) memcpy(c->new, data, len);
}

static void directory_of(const char *path, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s", path);
	*strrchr(out, '/') = 0;
}

static change *note_name(change_kind kind, const char *path)
{
	change *c = note(kind);
	directory_of(path, c->directory);
	snprintf(c->path, sizeof c->path, "%s", path);
	return c;
}

/* Keeps a file that loses its name. */
static void save(const char *path, char saved[PATH_MAX])
{
	char to[PATH_MAX + 32];
	snprintf(to, sizeof to, "%s/%d-%ld", disk.saves, (int)getpid(), ++disk.saved);
	if (syscall(SYS_link, path, to)) return;
	if ((size_t)snprintf(saved, PATH_MAX, "%s", to) >= PATH_MAX) abort();
}

/* --- the cut ----------------------------------------------------------------------------------------------------------------------------- */

static void put_back(const change *c)
{
	if (real_pwrite(c->file->fd, c->old, c->old_len, c->at) != (ssize_t)c->old_len) abort();
	if (syscall(SYS_ftruncate, c->file->fd, c->old_size)) abort();
}

static void put_in_part(const change *c)
{
	uint64_t how = chance(3); /* nothing, some sectors, everything */
	if (how == 0) return;
	if (c->kind == RESIZED) {
		if (syscall(SYS_ftruncate, c->file->fd, c->new_size)) abort();
		return;
	}
	for (size_t done = 0; done < c->len;) {
		size_t part = SECTOR - (size_t)(c->at + (off_t)done) % SECTOR;
		if (part > c->len - done) part = c->len - done;
		if ((how == 2 || chance(2)) &&
		    real_pwrite(c->file->fd, c->new + done, part, c->at + (off_t)done) != (ssize_t)part)
			abort();
		done += part;
	}
}

static void undo_name(const change *c)
{
	if (c->kind == MADE && syscall(SYS_unlink, c->path)) (void)syscall(SYS_rmdir, c->path);
	if (c->kind == RENAMED) (void)syscall(SYS_rename, c->other, c->path);
	if (c->kind == REMOVED && *c->saved) (void)syscall(SYS_rename, c->saved, c->path);
	if (c->kind == RENAMED && *c->saved) (void)syscall(SYS_rename, c->saved, c->other);
}

static void cut(void)
{
	size_t names = 0;
	for (change *c = disk.last; c; c = c->before) {
		if (is_data(c)) put_back(c);
		names += !is_data(c);
	}
	for (change *c = disk.first; c; c = c->after)
		if (is_data(c)) put_in_part(c);
	size_t undone = names ? (size_t)chance(names + 1) : 0;
	for (change *c = disk.last; c && undone; c = c->before)
		if (!is_data(c)) {
			undo_name(c);
			undone--;
		}
}

/* --- the fault ---------------------------------------------------------------------------------------------------------------------------- */

typedef enum call_kind {
	OTHER = 0,
	GROWS = 1,
	WRITES = 3
} call_kind; /* what makes or grows a file; of these what writes bytes */

/* Counts a call that changes something. 0: go on; else the errno to fail with; `ret_short` (of calls that write): write half. */
static int next_call(call_kind call, bool *ret_short)
{
	disk.calls++;
	if (disk.fault == FULL && disk.calls >= disk.at && (call & GROWS)) return ENOSPC;
	if (disk.calls != disk.at) return 0;
	if (disk.fault == CUT) cut();
	if (disk.fault == KILL || disk.fault == CUT) {
		kill(getpid(), SIGKILL);
		for (;;)
			pause();
	}
	if (disk.fault == SHORT && call == WRITES) *ret_short = true;
	return disk.fault == ERROR ? EIO : 0;
}

static int next_read(void)
{
	return ++disk.reads == disk.at && disk.fault == READ ? EIO : 0;
}

static long failed(int error)
{
	pthread_mutex_unlock(&disk.lock);
	errno = error;
	return -1;
}

static long ended(long result)
{
	int error = errno;
	pthread_mutex_unlock(&disk.lock);
	errno = error;
	return result;
}

/* --- in the place of the C library's ------------------------------------------------------------------------------------------------------- */

static int open_at(int at, const char *name, int flags, mode_t mode)
{
	char path[PATH_MAX];
	if (!is_ours(at, name, path)) return real_open(at, name, flags, mode);
	pthread_mutex_lock(&disk.lock);
	bool makes = (flags & O_CREAT) && faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0, cut_short = false;
	int error = makes ? next_call(GROWS, &cut_short) : 0;
	if (error) return (int)failed(error);
	if ((flags & O_TRUNC) && !makes) {
		int old = real_open(at, name, O_RDWR | O_CLOEXEC, 0);
		if (old < 0) return (int)failed(errno);
		note_data(RESIZED, old, NULL, 0, 0);
	}
	int fd = real_open(at, name, flags, mode);
	if (fd >= 0 && fd < FDS) disk.mine[fd] = true;
	if (fd >= 0 && makes) note_name(MADE, path);
	return (int)ended(fd);
}

#define MODE_OF(flags)                                                                                                           \
	({                                                                                                                       \
		mode_t mode_ = 0;                                                                                                \
		va_list args_;                                                                                                   \
		va_start(args_, flags);                                                                                          \
		if ((flags) & (O_CREAT | O_TMPFILE)) mode_ = (mode_t)va_arg(args_, int);                                         \
		va_end(args_);                                                                                                   \
		mode_;                                                                                                           \
	})

int open(const char *name, int flags, ...)
{
	return open_at(AT_FDCWD, name, flags, MODE_OF(flags));
}

int open64(const char *name, int flags, ...)
{
	return open_at(AT_FDCWD, name, flags, MODE_OF(flags));
}

int openat(int at, const char *name, int flags, ...)
{
	return open_at(at, name, flags, MODE_OF(flags));
}

int openat64(int at, const char *name, int flags, ...)
{
	return open_at(at, name, flags, MODE_OF(flags));
}

int mkostemp64(char *template, int flags)
{
	char *x = template + strlen(template) - 6;
	for (int tries = 0; tries < 100; tries++) {
		for (int i = 0; i < 6; i++)
			x[i] = "abcdefghijklmnopqrstuvwxyz234567"[(unsigned)(rand() >> 4) % 32];
		int fd = open_at(AT_FDCWD, template, flags | O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd >= 0 || errno != EEXIST) return fd;
	}
	return -1;
}

int close(int fd)
{
	if (fd >= 0 && fd < FDS) disk.mine[fd] = false;
	return real_close(fd);
}

static ssize_t write_at(int fd, const void *data, size_t n, off_t at)
{
	bool half = false;
	pthread_mutex_lock(&disk.lock);
	int error = next_call(WRITES, &half);
	if (error) return failed(error);
	size_t part = half ? n / 2 : n;
	note_data(WRITTEN, fd, data, part, at);
	return ended(real_pwrite(fd, data, part, at));
}

ssize_t pwrite64(int fd, const void *data, size_t n, off_t at)
{
	return is_mine(fd) ? write_at(fd, data, n, at) : real_pwrite(fd, data, n, at);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
	return pwrite64(fd, data, n, at);
}

ssize_t write(int fd, const void *data, size_t n)
{
	if (!is_mine(fd)) return syscall(SYS_write, fd, data, n);
	off_t at = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
	ssize_t done = write_at(fd, data, n, at);
	if (done > 0) lseek(fd, at + done, SEEK_SET);
	return done;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int n, off_t at)
{
	if (!is_mine(fd)) return syscall(SYS_pwritev, fd, parts, (long)n, (long)at, 0L);
	size_t len = 0;
	for (int i = 0; i < n; i++)
		len += parts[i].iov_len;
	uint8_t *whole = malloc(len + 1);
	if (!whole) abort();
	for (size_t i = 0, to = 0; i < (size_t)n; to += parts[i].iov_len, i++)
		memcpy(whole + to, parts[i].iov_base, parts[i].iov_len);
	ssize_t done = write_at(fd, whole, len, at);
	free(whole);
	return done;
}

ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at)
{
	return pwritev64(fd, parts, n, at);
}

int ftruncate64(int fd, off_t size)
{
	bool cut_short = false;
	if (!is_mine(fd)) return (int)syscall(SYS_ftruncate, fd, size);
	pthread_mutex_lock(&disk.lock);
	int error = next_call(OTHER, &cut_short);
	if (error) return (int)failed(error);
	note_data(RESIZED, fd, NULL, 0, size);
	return (int)ended(syscall(SYS_ftruncate, fd, size));
}

int ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

static int sync_with(long number, int fd)
{
	bool cut_short = false;
	if (!is_mine(fd)) return (int)syscall(number, fd);
	pthread_mutex_lock(&disk.lock);
	int error = next_call(OTHER, &cut_short);
	if (error) return (int)failed(error);
	synced(fd);
	return (int)ended(0);
}

int fsync(int fd)
{
	return sync_with(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_with(SYS_fdatasync, fd);
}

static int rename_at(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	char path[PATH_MAX], other[PATH_MAX];
	bool cut_short = false;
	if (!is_ours(from_at, from, path) || !is_ours(to_at, to, other))
		return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
	pthread_mutex_lock(&disk.lock);
	int error = next_call(OTHER, &cut_short);
	if (error) return (int)failed(error);
	change *c = note_name(RENAMED, path);
	directory_of(other, c->directory);
	snprintf(c->other, sizeof c->other, "%s", other);
	save(other, c->saved);
	long result = syscall(SYS_renameat2, from_at, from, to_at, to, flags);
	if (result) {
		error = errno;
		forget(c);
		return (int)failed(error);
	}
	return (int)ended(result);
}

int rename(const char *from, const char *to)
{
	return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
	return rename_at(from_at, from, to_at, to, 0);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	return rename_at(from_at, from, to_at, to, flags);
}

int unlinkat(int at, const char *name, int flags)
{
	char path[PATH_MAX];
	bool cut_short = false;
	if (!is_ours(at, name, path)) return (int)syscall(SYS_unlinkat, at, name, flags);
	if (faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW)) return -1;
	pthread_mutex_lock(&disk.lock);
	int error = next_call(OTHER, &cut_short);
	if (error) return (int)failed(error);
	if (!(flags & AT_REMOVEDIR)) save(path, note_name(REMOVED, path)->saved);
	return (int)ended(syscall(SYS_unlinkat, at, name, flags));
}

int unlink(const char *name)
{
	char path[PATH_MAX];
	return is_ours(AT_FDCWD, name, path) ? unlinkat(AT_FDCWD, name, 0) : (int)syscall(SYS_unlink, name);
}

int link(const char *from, const char *to)
{
	char path[PATH_MAX];
	bool cut_short = false;
	if (!is_ours(AT_FDCWD, to, path)) return (int)syscall(SYS_link, from, to);
	pthread_mutex_lock(&disk.lock);
	int error = next_call(GROWS, &cut_short);
	if (error) return (int)failed(error);
	long result = syscall(SYS_link, from, to);
	if (result == 0) note_name(MADE, path);
	return (int)ended(result);
}

int mkdirat(int at, const char *name, mode_t mode)
{
	char path[PATH_MAX];
	bool cut_short = false;
	if (!is_ours(at, name, path)) return (int)syscall(SYS_mkdirat, at, name, mode);
	pthread_mutex_lock(&disk.lock);
	int error = next_call(GROWS, &cut_short);
	if (error) return (int)failed(error);
	long result = syscall(SYS_mkdirat, at, name, mode);
	if (result == 0) note_name(MADE, path);
	return (int)ended(result);
}

int mkdir(const char *name, mode_t mode)
{
	return mkdirat(AT_FDCWD, name, mode);
}

ssize_t pread64(int fd, void *out, size_t n, off_t at)
{
	if (!is_mine(fd)) return real_pread(fd, out, n, at);
	pthread_mutex_lock(&disk.lock);
	int error = next_read();
	return error ? failed(error) : ended(real_pread(fd, out, n, at));
}

ssize_t pread(int fd, void *out, size_t n, off_t at)
{
	return pread64(fd, out, n, at);
}

ssize_t read(int fd, void *out, size_t n)
{
	if (!is_mine(fd)) return syscall(SYS_read, fd, out, n);
	pthread_mutex_lock(&disk.lock);
	int error = next_read();
	return error ? failed(error) : ended(syscall(SYS_read, fd, out, n));
}

int clock_gettime(clockid_t which, struct timespec *now)
{
	long result = syscall(SYS_clock_gettime, which, now);
	if (result == 0 && which == CLOCK_REALTIME) now->tv_sec += disk.days * 86400;
	return (int)result;
}
