/*
 * sqlite_backup.c - a consistent copy of a store into a new file, while others go on using it.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".XXXXXX"

/* An empty file of our own, 0600. No SQLite connection of this process knows it, so a descriptor may be closed. */
static bulla_code make_target(char *path, bulla_error *err)
{
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0) return bulla_fail_errno(err, errno, "cannot make the backup %s", path);
	(void)close(fd);
	return BULLA_OK;
}

/* With what SQLite may have left beside it. */
static void remove_target(const char *path)
{
	static const char *const suffixes[] = { "", "-journal", "-wal", "-shm" };
	char name[PATH_MAX];
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (snprintf(name, sizeof name, "%s%s", path, suffixes[i]) < (int)sizeof name) (void)unlink(name);
}

static bulla_code sync_file(const char *path, bulla_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return bulla_fail_errno(err, errno, "cannot sync the backup %s", path);
	bulla_code code = fsync(fd) ? bulla_fail_errno(err, errno, "cannot sync the backup %s", path) : BULLA_OK;
	(void)close(fd);
	return code;
}

/* In one step: SQLite reads one snapshot, and in WAL mode nobody waits for it. */
static bulla_code copy_pages(sqlite3 *from, sqlite3 *to, bulla_error *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	if (!backup) return bulla_sqlite_fail(to, sqlite3_errcode(to), err, "backing up the key store");
	int rc = sqlite3_backup_step(backup, -1);
	int end = sqlite3_backup_finish(backup);
	if (rc == SQLITE_DONE && end == SQLITE_OK) return BULLA_OK;
	return bulla_sqlite_fail(to, rc == SQLITE_DONE ? end : rc, err, "backing up the key store");
}

static bulla_code check_pages(sqlite3 *db, bulla_error *err)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_step(statement);
	const char *answer = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	bool well = answer && strcmp(answer, "ok") == 0;
	(void)sqlite3_finalize(statement);
	return well ? BULLA_OK : bulla_sqlite_fail(db, SQLITE_CORRUPT, err, "checking the backup");
}

/* A connection of its own to the store: other threads go on with theirs. */
static bulla_code copy_store(bulla_sqlite *s, const char *path, bulla_error *err)
{
	sqlite3 *from = NULL, *to = NULL;
	bulla_code code = bulla_sqlite_connect(s, s->path, &from, err);
	if (code == BULLA_OK) code = bulla_sqlite_connect(s, path, &to, err);
	if (code == BULLA_OK) code = copy_pages(from, to, err);
	if (code == BULLA_OK) code = check_pages(to, err);
	(void)sqlite3_close(to);
	(void)sqlite3_close(from);
	return code;
}

/* Never over a file that is there; link() serves file systems that cannot rename so. */
static bulla_code put_in_place(const char *partial, const char *path, bulla_error *err)
{
	TRY(sync_file(partial, err));
	bool failed = renameat2(AT_FDCWD, partial, AT_FDCWD, path, RENAME_NOREPLACE) != 0;
	if (failed && (errno == EINVAL || errno == ENOSYS)) failed = link(partial, path) != 0;
	if (failed) return bulla_fail_errno(err, errno, "cannot put the backup at %s", path);
	return bulla_sqlite_sync_directory(path, err);
}

/* From the path to a file beside it that is filled, and to its place. */
static bulla_code back_up(bulla_code (*fill)(void *self, const char *partial, bulla_error *err), void *self, const char *path,
			  bulla_error *err)
{
	char partial[PATH_MAX];
	struct stat st;
	if (snprintf(partial, sizeof partial, "%s" SUFFIX, path) >= (int)sizeof partial)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the path of the backup is too long");
	if (lstat(path, &st) == 0) return bulla_fail(err, BULLA_ERR_EXISTS, "%s exists and is not overwritten", path);
	TRY(make_target(partial, err));
	bulla_code code = fill(self, partial, err);
	if (code == BULLA_OK) code = put_in_place(partial, path, err);
	remove_target(partial); /* nothing is there any more, unless it failed */
	return code;
}

static bulla_code fill_by_pages(void *self, const char *partial, bulla_error *err)
{
	return copy_store(self, partial, err);
}

bulla_code bulla_sqlite_backup(void *self, const char *path, bulla_error *err)
{
	TRY(bulla_sqlite_enter(self, err)); /* may we use it at all? */
	bulla_sqlite_leave(self);
	return back_up(fill_by_pages, self, path, err);
}

/* --- of a store of another kind ---------------------------------------------------------------------------------- */
typedef struct origin {
	bulla_store_source source;
	void *self;
} origin;

/* Closing folds what SQLite keeps beside the file into it. */
static bulla_code fill_by_rows(void *self, const char *partial, bulla_error *err)
{
	static const bulla_patience usual;
	const origin *from = self;
	bulla_sqlite *s = NULL;
	TRY(bulla_sqlite_open(partial, true, &usual, &s, err));
	bulla_code code = bulla_sqlite_fill(s, from->source, from->self, err);
	if (code == BULLA_OK) code = bulla_sqlite_empty_log(s, err);
	bulla_sqlite_close(s);
	return code;
}

bulla_code bulla_sqlite_backup_of(bulla_store_source source, void *source_self, const char *path, bulla_error *err)
{
	origin from = { source, source_self };
	return back_up(fill_by_rows, &from, path, err);
}
