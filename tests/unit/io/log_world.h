/*
 * log_world.h - a log in a temporary directory, for the tests of the log.
 */
#ifndef TESTS_LOG_WORLD_H
#define TESTS_LOG_WORLD_H

#include "base/text.h"
#include "crypto/sign.h"
#include "io/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORIGIN "bulla/0123abcd"

/* What the log asks of the kernel, counted and made slow or failing. Nothing is really synced unless a test asks for it: a kill
 * loses no page of the cache, and ten thousand syncs are slow. */
static atomic_bool sync_really;
static atomic_uint syncs;
static atomic_int slow_sync_us, fail_sync; /* an errno value */

int fsync(int fd)
{
	return sync_really ? (int)syscall(SYS_fsync, fd) : 0;
}

int fdatasync(int fd)
{
	atomic_fetch_add(&syncs, 1);
	if (slow_sync_us) (void)usleep((useconds_t)slow_sync_us);
	if (fail_sync) return errno = fail_sync, -1;
	return sync_really ? (int)syscall(SYS_fdatasync, fd) : 0;
}

typedef struct world {
	char directory[128];
	char log[160]; /* the log's directory inside it */
	bulla_secret seed;
	uint8_t public_key[32];
} world;

static inline world world_make(void)
{
	world w = { .seed.bytes = { 1, 2, 3 } };
	const char *tmp = getenv("TMPDIR");
	(void)snprintf(w.directory, sizeof w.directory, "%s/bulla-log-XXXXXX", tmp && strlen(tmp) < 100 ? tmp : "/tmp");
	assert_non_null(mkdtemp(w.directory));
	(void)snprintf(w.log, sizeof w.log, "%s/audit/log", w.directory);
	assert_int_equal(bulla_ed25519_public(w.seed.bytes, w.public_key, NULL), BULLA_OK);
	return w;
}

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static inline void remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void world_drop(const world *w)
{
	remove_tree(w->directory);
}

static inline bulla_log *world_open(const world *w)
{
	bulla_log *log = NULL;
	bulla_error err = { 0 };
	if (bulla_log_open(w->log, ORIGIN, &w->seed, true, &log, &err)) fail_msg("open: %s", err.text);
	return log;
}

/* What entry number i of the tests is: of different lengths, some of them empty. */
static inline size_t entry_text(uint64_t i, char out[static 64])
{
	if (i % 17 == 3) return 0;
	return (size_t)snprintf(out, 64, "{\"entry\":%llu,\"more\":\"%.*s\"}", (unsigned long long)i, (int)(i % 29),
				"...........................");
}

#define GROUP_MAX 1000

/* One append of the entries first..first+n-1. */
static inline bulla_code append_group(bulla_log *log, uint64_t first, size_t n, uint64_t generation, bulla_log_head *ret_head,
				      bulla_error *err)
{
	char(*texts)[64] = malloc(GROUP_MAX * sizeof *texts);
	bulla_bytes *entries = malloc(GROUP_MAX * sizeof *entries);
	const bulla_audit_sink sink = bulla_log_sink(log);
	assert_non_null(texts);
	assert_non_null(entries);
	assert_true(n <= GROUP_MAX);
	for (size_t i = 0; i < n; i++)
		entries[i] = bulla_view(texts[i], entry_text(first + i, texts[i]));
	bulla_code code = sink.append(sink.self, entries, n, generation, ret_head, err);
	free(texts);
	free(entries);
	return code;
}

static inline void append_good(bulla_log *log, uint64_t first, size_t n)
{
	bulla_error err = { 0 };
	bulla_log_head head;
	if (append_group(log, first, n, 0, &head, &err)) fail_msg("append: %s", err.text);
	assert_int_equal(head.size, first + n);
}

/* A closed log of `size` entries, appended `group` at a time. */
static inline void world_fill(const world *w, uint64_t size, size_t group)
{
	bulla_log *log = world_open(w);
	for (uint64_t at = 0; at < size;) {
		const size_t n = size - at < group ? (size_t)(size - at) : group;
		append_good(log, at, n);
		at += n;
	}
	bulla_log_close(log);
}

static inline bulla_log_report verify(const world *w)
{
	bulla_log_report report;
	bulla_error err = { 0 };
	if (bulla_log_verify(w->log, ORIGIN, w->public_key, NULL, NULL, &report, &err)) fail_msg("verify: %s", err.text);
	return report;
}

static inline void assert_verifies(const world *w, uint64_t size)
{
	const bulla_log_report report = verify(w);
	if (!report.ok) fail_msg("verify found: %s", report.problem);
	assert_int_equal(report.size, size);
}

/* Runs the reader that shares no code with us; its exit status, and its line. */
static inline int ask_others(const world *w, char line[static 128])
{
	BULLA_BUF_AUTO bulla_buf key = { 0 };
	char command[512];
	assert_int_equal(bulla_hex_encode(bulla_view(w->public_key, 32), &key, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&key, NULL), BULLA_OK);
	(void)snprintf(command, sizeof command,
		       "/usr/bin/python3 " SOURCE_ROOT "/tests/functional/tlog_reader.py %s %s " ORIGIN " 2>&1", w->log,
		       (const char *)key.data);
	FILE *reader = popen(command, "r");
	assert_non_null(reader);
	if (!fgets(line, 128, reader)) *line = '\0';
	return pclose(reader);
}

static inline void assert_others_verify(const world *w, uint64_t size)
{
	char line[128], expected[32];
	if (ask_others(w, line)) fail_msg("the reader says: %s", line);
	(void)snprintf(expected, sizeof expected, "%llu ", (unsigned long long)size);
	assert_memory_equal(line, expected, strlen(expected));
}

static inline void path_of(const world *w, const char *name, char out[static 256])
{
	(void)snprintf(out, 256, "%s/%s", w->log, name);
}

static inline bulla_buf file_get(const world *w, const char *name)
{
	bulla_buf data = { 0 };
	char path[256];
	path_of(w, name, path);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	for (int c; (c = getc(f)) != EOF;)
		assert_int_equal(bulla_buf_add_u8(&data, (uint8_t)c, NULL), BULLA_OK);
	(void)fclose(f);
	return data;
}

/* In place: the file keeps its inode, and is not truncated first, after which file systems flush on close. */
static inline void file_put(const world *w, const char *name, bulla_bytes data)
{
	char path[256];
	path_of(w, name, path);
	const int fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data.data, data.len, 0), data.len);
	assert_int_equal(ftruncate(fd, (off_t)data.len), 0);
	assert_int_equal(close(fd), 0);
}

static inline void copy_file(const char *from, const char *to)
{
	char bytes[65536];
	FILE *in = fopen(from, "rb");
	FILE *out = fopen(to, "wb");
	assert_non_null(in);
	assert_non_null(out);
	for (size_t n; (n = fread(bytes, 1, sizeof bytes, in)) > 0;)
		assert_int_equal(fwrite(bytes, 1, n, out), n);
	(void)fclose(in);
	assert_int_equal(fclose(out), 0);
}

static inline void copy_tree(const char *from, const char *to)
{
	assert_true(strlen(from) < 512 && strlen(to) < 512);
	DIR *listing = opendir(from);
	assert_non_null(listing);
	assert_int_equal(mkdir(to, 0700), 0);
	for (struct dirent *entry; (entry = readdir(listing));) {
		char source[1024], target[1024];
		if (entry->d_name[0] == '.') continue;
		(void)snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
		(void)snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
		if (entry->d_type == DT_DIR)
			copy_tree(source, target);
		else
			copy_file(source, target);
	}
	(void)closedir(listing);
}

/* A copy of a directory of the world under another name, in place of what is there. */
static inline void copy_log(const world *w, const char *from, const char *to)
{
	char source[256], target[256];
	(void)snprintf(source, sizeof source, "%s/%s", w->directory, from);
	(void)snprintf(target, sizeof target, "%s/%s", w->directory, to);
	remove_tree(target);
	copy_tree(source, target);
}

#endif
