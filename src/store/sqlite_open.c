/*
 * sqlite_open.c - from a path to a connection: the file made or checked, the settings, the schema.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY_MS     20
#define PROMPT_TRIES 5 /* most locks are held for a moment */
#define PAUSE_MS     5

/* --- files ----------------------------------------------------------------------------------------------------- */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash) return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static bulla_code sync_directory(const char *directory, bulla_error *err)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return bulla_fail_errno(err, errno, "cannot open the directory %s", directory);
	/* EINVAL: a file system that cannot do it, and needs it not. */
	bulla_code code =
		fsync(fd) && errno != EINVAL ? bulla_fail_errno(err, errno, "cannot sync the directory %s", directory) : BULLA_OK;
	(void)close(fd);
	return code;
}

bulla_code bulla_sqlite_sync_directory(const char *path, bulla_error *err)
{
	char *directory = directory_of(path);
	if (!directory) return bulla_fail_memory(err);
	bulla_code code = sync_directory(directory, err);
	free(directory);
	return code;
}

/* mkdir -p, private; parents are made durable by whoever makes something in them. */
static bulla_code make_directory(char *path, bulla_error *err)
{
	struct stat st;
	if (stat(path, &st) == 0) return BULLA_OK;
	char *slash = strrchr(path, '/');
	if (slash && slash != path) {
		*slash = 0;
		bulla_code code = make_directory(path, err);
		*slash = '/';
		TRY(code);
	}
	if (mkdir(path, 0700) && errno != EEXIST) return bulla_fail_errno(err, errno, "cannot make the directory %s", path);
	return bulla_sqlite_sync_directory(path, err);
}

/* SQLite would make the file for everybody to read. mknod, not open: closing a descriptor of the file would drop the locks that
 * another handle of this process has on it. What SQLite makes beside the file takes its mode from it. */
static bulla_code make_file(const char *path, bulla_error *err)
{
	char *directory = directory_of(path);
	if (!directory) return bulla_fail_memory(err);
	bulla_code code = make_directory(directory, err);
	if (code == BULLA_OK && mknod(path, S_IFREG | 0600, 0) == 0)
		code = sync_directory(directory, err);
	else if (code == BULLA_OK && errno != EEXIST)
		code = bulla_fail_errno(err, errno, "cannot make the key store %s", path);
	free(directory);
	return code;
}

static bulla_code check_mode(const char *path, const struct stat *st, bulla_error *err)
{
	if (!S_ISREG(st->st_mode)) return bulla_fail(err, BULLA_ERR_FORMAT, "%s is no file: it cannot be a key store", path);
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return bulla_fail(err, BULLA_ERR_PERMISSION, "%s belongs to another user", path);
	if ((st->st_mode & 077) == 0) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_PERMISSION, "%s may be read or written by others (mode %04o)", path,
				     (unsigned)(st->st_mode & 07777));
	return bulla_advise(err, code, "chmod 600 %s", path);
}

bulla_code bulla_sqlite_check_files(const char *path, bulla_error *err)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char name[PATH_MAX];
	struct stat st;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		if (snprintf(name, sizeof name, "%s%s", path, suffixes[i]) >= (int)sizeof name)
			return bulla_fail(err, BULLA_ERR_LIMIT, "the path of the key store is too long");
		if (stat(name, &st) == 0)
			TRY(check_mode(name, &st, err));
		else if (errno != ENOENT || i == 0)
			return bulla_fail_errno(err, errno, "cannot examine the key store %s", name);
	}
	return BULLA_OK;
}

/* --- the connection -------------------------------------------------------------------------------------------- */
/* The file may have been written by somebody else: nothing in its schema gets to run. */
static void harden(sqlite3 *db)
{
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

static bool wait_on(bulla_sqlite *s)
{
	return bulla_wait_on(&s->wait, &s->patience, BULLA_STORE_BUSY_MS, "the key store", s->path);
}

/* SQLite asks this between its own tries. */
static int keep_waiting(void *self, int tries)
{
	bulla_sqlite *s = self;
	if (tries == 0) s->wait = (bulla_wait){ 0 };
	if (!wait_on(s)) return 0;
	(void)sqlite3_sleep(tries < PROMPT_TRIES ? 1 : PAUSE_MS);
	return 1;
}

bulla_code bulla_sqlite_connect(bulla_sqlite *s, const char *path, sqlite3 **out, bulla_error *err)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_busy_handler(db, keep_waiting, s);
	if (rc != SQLITE_OK) {
		bulla_code code = bulla_sqlite_fail(db, rc, err, "opening the key store");
		(void)sqlite3_close(db);
		return code;
	}
	harden(db);
	*out = db;
	return BULLA_OK;
}

static bulla_code fail_read_only(const char *path, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_READ_ONLY, "the key store %s cannot be written", path);
	return bulla_advise(err, code, "each use of a key is recorded: make the file and its directory writable for this user");
}

static int set_wal(sqlite3 *db, bool *ret_is_wal)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_step(statement);
	const char *mode = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	*ret_is_wal = mode && strcmp(mode, "wal") == 0;
	(void)sqlite3_finalize(statement);
	return rc;
}

/* SQLite does not wait here when two processes make the store at once: so we do. */
static bulla_code use_wal(bulla_sqlite *s, bulla_error *err)
{
	bool is_wal = false;
	int rc = set_wal(s->db, &is_wal);
	for (s->wait = (bulla_wait){ 0 }; (rc & 0xff) == SQLITE_BUSY && wait_on(s);) {
		bulla_wait so_far = s->wait; /* SQLite's own waiting begins anew with each statement */
		(void)sqlite3_sleep(RETRY_MS);
		rc = set_wal(s->db, &is_wal);
		s->wait = so_far;
	}
	if (rc != SQLITE_ROW) return bulla_sqlite_fail(s->db, rc, err, "opening the key store");
	if (is_wal) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_IO, "the file system of the key store has no shared memory for SQLite's log");
}

/* What is deleted is overwritten: an old wrapped key must not survive in a free page. */
static bulla_code settle(bulla_sqlite *s, bulla_error *err)
{
	TRY(use_wal(s, err));
	int rc = sqlite3_exec(s->db,
			      "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
			      " PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0",
			      NULL, NULL, NULL);
	return rc == SQLITE_OK ? BULLA_OK : bulla_sqlite_fail(s->db, rc, err, "opening the key store");
}

static bulla_code prepare(bulla_sqlite *s, bool create, bulla_error *err)
{
	if (sqlite3_db_readonly(s->db, "main") == 1) return fail_read_only(s->path, err);
	bulla_code code = bulla_sqlite_identify(s->db, s->path, err);
	if (code == BULLA_ERR_NOT_FOUND && create) code = BULLA_OK;
	TRY(code);
	TRY(settle(s, err));
	return bulla_sqlite_upgrade(s->db, s->path, err);
}

static bulla_code fail_missing(const char *path, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no key store at %s", path);
	return bulla_advise(err, code, "bulla init");
}

static bulla_code open_file(bulla_sqlite *s, const char *path, bool create, bulla_error *err)
{
	struct stat st;
	if (create) TRY(make_file(path, err));
	s->path = realpath(path, NULL); /* absolute: the working directory may change */
	if (!s->path && errno == ENOENT) return fail_missing(path, err);
	if (!s->path) return bulla_fail_errno(err, errno, "cannot open the key store %s", path);
	TRY(bulla_sqlite_check_files(s->path, err));
	TRY(bulla_sqlite_connect(s, s->path, &s->db, err));
	TRY(prepare(s, create, err));
	if (stat(s->path, &st)) return bulla_fail_errno(err, errno, "cannot examine the key store %s", s->path);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	return BULLA_OK;
}

bulla_code bulla_sqlite_open(const char *path, bool create, const bulla_patience *patience, bulla_sqlite **out, bulla_error *err)
{
	if (!*path) return bulla_fail(err, BULLA_ERR_CONFIG, "sqlite: needs a path");
	bulla_sqlite *s = calloc(1, sizeof *s);
	if (!s) return bulla_fail_memory(err);
	s->owner = getpid();
	s->patience = *patience;
	pthread_mutex_init(&s->lock, NULL);
	bulla_code code = open_file(s, path, create, err);
	if (code) {
		bulla_sqlite_close(s);
		return code;
	}
	*out = s;
	return BULLA_OK;
}

/* In a child process the connection is left alone: closing it would undo what the parent relies on. */
void bulla_sqlite_close(void *self)
{
	bulla_sqlite *s = self;
	if (s->owner == getpid()) {
		for (size_t i = 0; i < BULLA_SQL_COUNT; i++)
			(void)sqlite3_finalize(s->statements[i]);
		(void)sqlite3_close(s->db);
		pthread_mutex_destroy(&s->lock);
	}
	free(s->path);
	free(s);
}
