/*
 * test_sqlite.c - what only a store in a file has: modes, foreign, newer, damaged, locked, full and read-only files, forks, backups.
 */
#include "help.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/sqlite.h"

static bulla_code put(place *p, uint64_t expected, const char *id, const char *data)
{
	bulla_kms_row row = { BULLA_KMS_ALIAS, bulla_view_str(id), bulla_view_str(data) };
	bulla_log_head head = { .size = expected };
	bulla_error err = { 0 };
	return p->kms.change(p->kms.self, expected, &row, 1, &head, &err);
}

static bulla_code open_again(place *p, bool create, bulla_error *err)
{
	*err = (bulla_error){ 0 };
	bulla_code code = bulla_store_open(p->url, create, &p->store, err);
	if (code) return code;
	p->kms = bulla_store_kms(p->store);
	p->branches = bulla_store_branches(p->store);
	return BULLA_OK;
}

static void shut(place *p)
{
	bulla_store_close(p->store);
	p->store = NULL;
}

/* Statements of our own, past the store. */
static void behind_its_back(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static mode_t mode_of(const char *path, const char *suffix)
{
	char name[600];
	struct stat st;
	(void)snprintf(name, sizeof name, "%s%s", path, suffix);
	return stat(name, &st) ? 0 : st.st_mode & 07777;
}

static void write_file(const char *path, const void *data, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), (ssize_t)n);
	close(fd);
}

/* --- opening --------------------------------------------------------------------------------------------------- */
static void test_urls(void **state)
{
	place *p = *state;
	bulla_error err = { 0 };
	assert_int_equal(bulla_store_open("mysql://x", true, &p->store, &err), BULLA_ERR_CONFIG);
	assert_int_equal(bulla_store_open("sqlite:", true, &p->store, &err), BULLA_ERR_CONFIG);
	assert_int_equal(bulla_store_open("memory:x", true, &p->store, &err), BULLA_ERR_CONFIG);
	assert_int_equal(bulla_store_open(p->url, false, &p->store, &err), BULLA_ERR_NOT_FOUND);
	assert_true(strlen(err.next) > 0);
	assert_int_equal(access(p->path, F_OK), -1);
	bulla_store_close(NULL);
}

static void test_modes(void **state)
{
	place *p = *state;
	mode_t before = umask(0);
	char *deep = NULL;
	assert_true(asprintf(&deep, "sqlite:%s/a/b/kms.db", p->directory) > 0);
	assert_int_equal(bulla_store_open(deep, true, &p->store, NULL), BULLA_OK);
	umask(before);
	p->kms = bulla_store_kms(p->store);
	assert_int_equal(put(p, 0, "a", "1"), BULLA_OK);
	const char *path = deep + 7;
	assert_int_equal(mode_of(path, ""), 0600);
	assert_int_equal(mode_of(path, "-wal"), 0600);
	assert_int_equal(mode_of(path, "-shm"), 0600);
	assert_int_equal(mode_of(p->directory, "/a"), 0700);
	assert_int_equal(mode_of(p->directory, "/a/b"), 0700);
	free(deep);
}

static void test_open_modes_are_refused(void **state)
{
	place *p = *state;
	bulla_error err;
	shut(p);
	const mode_t modes[] = { 0640, 0604, 0660, 0602, 0601 };
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		assert_int_equal(chmod(p->path, modes[i]), 0);
		assert_int_equal(open_again(p, true, &err), BULLA_ERR_PERMISSION);
		assert_non_null(strstr(err.next, "chmod 600"));
	}
	assert_int_equal(chmod(p->path, 0600), 0);
	assert_int_equal(open_again(p, false, &err), BULLA_OK);
	char wal[512];
	(void)snprintf(wal, sizeof wal, "%s-wal", p->path);
	assert_int_equal(put(p, 0, "a", "1"), BULLA_OK);
	assert_int_equal(chmod(wal, 0644), 0);
	bulla_store *second = NULL;
	assert_int_equal(bulla_store_open(p->url, false, &second, &err), BULLA_ERR_PERMISSION);
}

static void test_settings(void **state)
{
	place *p = *state;
	int64_t value = 0;
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	assert_int_equal(put(p, 0, "a", "1"), BULLA_OK);
	assert_int_equal(sqlite3_open_v2(p->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(statement, 0), "wal");
	sqlite3_finalize(statement);
	assert_int_equal(bulla_sqlite_ask(db, "PRAGMA application_id", &value, NULL), BULLA_OK);
	assert_int_equal(value, 0x62756c61);
	assert_int_equal(bulla_sqlite_ask(db, "SELECT version FROM bulla_store", &value, NULL), BULLA_OK);
	assert_int_equal(value, 2);
	sqlite3_close(db);
}

static void test_relative_path(void **state)
{
	place *p = *state;
	char *before = getcwd(NULL, 0);
	bulla_error err = { 0 };
	assert_int_equal(chdir(p->directory), 0);
	assert_int_equal(bulla_store_open("sqlite:kms.db", true, &p->store, &err), BULLA_OK);
	p->kms = bulla_store_kms(p->store);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(put(p, 0, "a", "1"), BULLA_OK);
	assert_int_equal(chdir(before), 0);
	free(before);
}

/* --- whose file it is ------------------------------------------------------------------------------------------ */
static void test_foreign(void **state)
{
	place *p = *state;
	bulla_error err;
	behind_its_back(p->path, "CREATE TABLE users (id INTEGER PRIMARY KEY)");
	assert_int_equal(chmod(p->path, 0600), 0);
	for (int create = 0; create < 2; create++) {
		assert_int_equal(open_again(p, create, &err), BULLA_ERR_FORMAT);
		assert_true(strlen(err.next) > 0);
	}
	behind_its_back(p->path, "INSERT INTO users VALUES (1)"); /* untouched: */
	assert_int_equal(mode_of(p->path, "-wal"), 0);
	write_file(p->path, "this is a diary, and no database at all, whatever its name may say about it. Dear diary! ........",
		   98);
	assert_int_equal(open_again(p, true, &err), BULLA_ERR_FORMAT);
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(mkdir(p->path, 0700), 0);
	assert_int_equal(open_again(p, true, &err), BULLA_ERR_FORMAT);
}

static bulla_code count_rows(void *self, const bulla_branch_row *row, bulla_error *err)
{
	(void)row, (void)err;
	++*(size_t *)self;
	return BULLA_OK;
}

/* A store of an earlier release gets what it lacks, and keeps what it has. */
static void test_older(void **state)
{
	place *p = *state;
	bulla_error err;
	bulla_branch_row row = { .identity = bulla_view_str("a"), .print = bulla_view_str("user:1"), .version = 1 };
	bulla_branch_query queries[] = { { .print = bulla_view_str("user:1") }, { .closing = true }, { .since_us = 70 } };
	row.state = BULLA_BRANCH_CLOSING;
	row.wrapped = bulla_view_str("w");
	row.created_us = 70;
	assert_int_equal(p->branches.create(p->branches.self, &row, 1, &err), BULLA_OK);
	shut(p);
	behind_its_back(p->path, "DROP INDEX bulla_branch_print");
	behind_its_back(p->path, "DROP INDEX bulla_branch_closing");
	behind_its_back(p->path, "DROP INDEX bulla_branch_created");
	behind_its_back(p->path, "UPDATE bulla_store SET version = 1");
	assert_int_equal(open_again(p, false, &err), BULLA_OK);
	bulla_branch_store branches = bulla_store_branches(p->store);
	for (size_t i = 0; i < 3; i++) {
		size_t n = 0;
		assert_int_equal(branches.some(branches.self, &queries[i], count_rows, &n, &err), BULLA_OK);
		assert_int_equal(n, 1);
	}
}

static void test_newer(void **state)
{
	place *p = *state;
	bulla_error err;
	shut(p);
	behind_its_back(p->path, "UPDATE bulla_store SET version = 3");
	assert_int_equal(open_again(p, true, &err), BULLA_ERR_NEWER);
	assert_non_null(strstr(err.text, "3"));
	behind_its_back(p->path, "UPDATE bulla_store SET version = 2");
	assert_int_equal(open_again(p, true, &err), BULLA_OK);
	shut(p);
	behind_its_back(p->path, "DELETE FROM bulla_store");
	assert_int_equal(open_again(p, true, &err), BULLA_ERR_CORRUPT);
}

/* What a killed first run leaves. */
static void test_empty_file(void **state)
{
	place *p = *state;
	bulla_error err;
	write_file(p->path, "", 0);
	assert_int_equal(open_again(p, false, &err), BULLA_ERR_NOT_FOUND);
	assert_int_equal(open_again(p, true, &err), BULLA_OK);
	assert_int_equal(put(p, 0, "a", "1"), BULLA_OK);
}

static void test_damaged(void **state)
{
	place *p = *state;
	bulla_error err;
	char data[4001];
	memset(data, 'd', 4000);
	data[4000] = 0;
	for (uint64_t i = 0; i < 40; i++) {
		char id[16];
		(void)snprintf(id, sizeof id, "%llu", (unsigned long long)i);
		assert_int_equal(put(p, i, id, data), BULLA_OK);
	}
	shut(p);
	struct stat st;
	assert_int_equal(stat(p->path, &st), 0);
	uint8_t *bytes = malloc((size_t)st.st_size);
	int fd = open(p->path, O_RDWR);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	memset(bytes + 4096, 0xee, (size_t)st.st_size - 4096);
	assert_int_equal(pwrite(fd, bytes, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	assert_int_equal(open_again(p, true, &err), BULLA_ERR_CORRUPT);
	assert_non_null(strstr(err.next, "restore"));
	assert_null(strstr(err.text, "ddd"));
	/* Cut in the middle of the header. */
	write_file(p->path, bytes, 50);
	assert_true(open_again(p, true, &err) != BULLA_OK);
	free(bytes);
}

/* --- others at work -------------------------------------------------------------------------------------------- */
static void test_locked(void **state)
{
	place *p = *state;
	sqlite3 *other = NULL;
	bulla_sqlite *impatient = NULL;
	const bulla_patience hurry = { .wait_ms = 50 };
	bulla_error err = { 0 };
	assert_int_equal(put(p, 0, "a", "1"), BULLA_OK);
	assert_int_equal(bulla_sqlite_open(p->path, false, &hurry, &impatient, NULL), BULLA_OK);
	assert_int_equal(sqlite3_open(p->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	bulla_log_head head = { .size = 1 };
	assert_int_equal(bulla_sqlite_kms.set_head(impatient, &head, &err), BULLA_ERR_LOCKED);
	assert_true(err.retryable);
	uint64_t version = 0;
	assert_int_equal(bulla_sqlite_kms.version(impatient, &version, &err), BULLA_OK); /* readers do not wait */
	assert_int_equal(version, 1);
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(bulla_sqlite_kms.set_head(impatient, &head, &err), BULLA_OK);
	sqlite3_close(other);
	bulla_sqlite_close(impatient);
}

static void test_sees_others(void **state)
{
	place *p = *state;
	bulla_store *second = NULL;
	uint64_t version = 0;
	bulla_log_head head = { .size = 9 };
	assert_int_equal(bulla_store_open(p->url, false, &second, NULL), BULLA_OK);
	place q = { .kms = bulla_store_kms(second) };
	assert_int_equal(put(p, 0, "a", "1"), BULLA_OK);
	assert_int_equal(q.kms.version(q.kms.self, &version, NULL), BULLA_OK);
	assert_int_equal(version, 1);
	assert_int_equal(put(&q, 0, "b", "1"), BULLA_ERR_CONFLICT);
	assert_int_equal(put(&q, 1, "b", "1"), BULLA_OK);
	assert_int_equal(p->kms.version(p->kms.self, &version, NULL), BULLA_OK);
	assert_int_equal(version, 2);
	/* Another's use of a key is no reason to load everything again. */
	assert_int_equal(q.kms.set_head(q.kms.self, &head, NULL), BULLA_OK);
	assert_int_equal(p->kms.version(p->kms.self, &version, NULL), BULLA_OK);
	assert_int_equal(version, 2);
	assert_int_equal(put(&q, 2, "b", "2"), BULLA_OK);
	assert_int_equal(p->kms.version(p->kms.self, &version, NULL), BULLA_OK);
	assert_int_equal(version, 3);
	bulla_store_close(second);
}

static bool make_in_child(place *p)
{
	bulla_error err;
	if (open_again(p, true, &err)) return false;
	for (int done = 0; done < 5;) {
		uint64_t version = 0;
		char id[32];
		(void)snprintf(id, sizeof id, "%d-%d", (int)getpid(), done);
		if (p->kms.version(p->kms.self, &version, &err)) return false;
		bulla_code code = put(p, version, id, "1");
		if (code && code != BULLA_ERR_CONFLICT) return false;
		done += code == BULLA_OK;
	}
	shut(p);
	return true;
}

static void make_together(place *p)
{
	pid_t children[4];
	for (size_t i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) _exit(make_in_child(p) ? 0 : 1);
	}
	for (size_t i = 0; i < 4; i++) {
		int status = 1;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	bulla_error err;
	uint64_t version = 0;
	assert_int_equal(open_again(p, false, &err), BULLA_OK);
	assert_int_equal(p->kms.version(p->kms.self, &version, NULL), BULLA_OK);
	assert_int_equal(version, 20);
	shut(p);
	assert_int_equal(unlink(p->path), 0);
}

/* Several processes make the same store at the same time, over and over. */
static void test_made_together(void **state)
{
	for (int i = 0; i < 4; i++)
		make_together(*state);
}

static bool use_parents(place *p)
{
	uint64_t version = 0;
	bulla_error err = { 0 };
	if (p->kms.version(p->kms.self, &version, &err) != BULLA_ERR_USAGE) return false;
	if (put(p, 1, "b", "1") != BULLA_ERR_USAGE) return false;
	shut(p); /* leaves the parent's connection alone */
	return open_again(p, false, &err) == BULLA_OK && put(p, 1, "b", "1") == BULLA_OK;
}

static void test_fork(void **state)
{
	place *p = *state;
	uint64_t version = 0;
	assert_int_equal(put(p, 0, "a", "1"), BULLA_OK);
	assert_true(in_child(use_parents, p));
	assert_int_equal(p->kms.version(p->kms.self, &version, NULL), BULLA_OK);
	assert_int_equal(version, 2);
	assert_int_equal(put(p, 2, "c", "1"), BULLA_OK);
}

static void test_moved(void **state)
{
	place *p = *state;
	char away[512];
	bulla_error err = { 0 };
	uint64_t version = 0;
	assert_int_equal(put(p, 0, "a", "1"), BULLA_OK);
	(void)snprintf(away, sizeof away, "%s.away", p->path);
	assert_int_equal(rename(p->path, away), 0);
	assert_int_equal(p->kms.version(p->kms.self, &version, &err), BULLA_ERR_IO);
	assert_int_equal(put(p, 1, "b", "1"), BULLA_ERR_IO);
	write_file(p->path, "", 0);
	assert_int_equal(put(p, 1, "b", "1"), BULLA_ERR_IO);
	assert_int_equal(rename(away, p->path), 0);
	assert_int_equal(put(p, 1, "b", "1"), BULLA_OK);
}

/* --- no room, no right ----------------------------------------------------------------------------------------- */
static bool fill_up(place *p)
{
	bulla_error err;
	if (open_again(p, true, &err) || put(p, 0, "a", "1")) return false;
	struct stat st;
	char wal[512];
	(void)snprintf(wal, sizeof wal, "%s-wal", p->path);
	if (stat(wal, &st)) return false;
	struct rlimit limit = { (rlim_t)st.st_size + 6000, (rlim_t)st.st_size + 6000 };
	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit)) return false;
	char data[60001];
	memset(data, 'x', 60000);
	data[60000] = 0;
	if (put(p, 1, "b", data) != BULLA_ERR_FULL) return false;
	uint64_t version = 0;
	return p->kms.version(p->kms.self, &version, &err) == BULLA_OK && version == 1;
}

static void test_full(void **state)
{
	place *p = *state;
	bulla_error err;
	assert_true(in_child(fill_up, p));
	assert_int_equal(open_again(p, false, &err), BULLA_OK); /* the old state, whole */
	assert_int_equal(put(p, 1, "b", "fits"), BULLA_OK);
}

static bool read_only_file(place *p)
{
	bulla_error err;
	if (open_again(p, true, &err) || put(p, 0, "a", "1")) return false;
	shut(p);
	if (chmod(p->path, 0400)) return false;
	if (open_again(p, false, &err) != BULLA_ERR_READ_ONLY || !*err.next) return false;
	if (chmod(p->path, 0600) || chmod(p->directory, 0500)) return false;
	bulla_code code = open_again(p, false, &err); /* no place for SQLite's log */
	(void)chmod(p->directory, 0700);
	return code == BULLA_ERR_PERMISSION || code == BULLA_ERR_READ_ONLY;
}

static void test_read_only(void **state)
{
	place *p = *state;
	assert_true(in_child_without_root(read_only_file, p));
}

static bool foreign_owner(place *p)
{
	bulla_error err;
	return open_again(p, false, &err) == BULLA_ERR_PERMISSION;
}

static void test_foreign_owner(void **state)
{
	place *p = *state;
	if (geteuid() != 0) skip();
	shut(p);
	assert_int_equal(chown(p->path, 65533, 65533), 0);
	assert_true(foreign_owner(p));
}

/* --- what was deleted is gone ---------------------------------------------------------------------------------- */
static bool file_has(const char *path, const char *suffix, const char *text)
{
	char name[512];
	(void)snprintf(name, sizeof name, "%s%s", path, suffix);
	FILE *file = fopen(name, "rb");
	if (!file) return false;
	static char bytes[1 << 20];
	size_t n = fread(bytes, 1, sizeof bytes, file);
	(void)fclose(file);
	return memmem(bytes, n, text, strlen(text)) != NULL;
}

static void test_deleted_rows_are_overwritten(void **state)
{
	place *p = *state;
	static const char secret[] = "wrapped material that must not survive its deletion";
	assert_int_equal(put(p, 0, "material", secret), BULLA_OK);
	assert_int_equal(put(p, 1, "other", "1"), BULLA_OK);
	assert_true(file_has(p->path, "", secret) || file_has(p->path, "-wal", secret));
	bulla_kms_row row = { .table = BULLA_KMS_ALIAS, .id = bulla_view_str("material") };
	bulla_log_head head = { 0 };
	assert_int_equal(p->kms.change(p->kms.self, 2, &row, 1, &head, NULL), BULLA_OK);
	assert_false(file_has(p->path, "", secret));
	assert_false(file_has(p->path, "-wal", secret));
}

static bulla_code destroy(place *p, const char *identity)
{
	bulla_error err = { 0 };
	return p->branches.set_state(p->branches.self, bulla_view_str(identity), BULLA_BRANCH_ACTIVE, BULLA_BRANCH_DESTROYED,
				     &err);
}

/* Sixteen bytes in a row, from anywhere. */
static bool file_has_part(const char *path, const char *text)
{
	char part[17] = { 0 };
	for (size_t at = 0; at + 16 <= strlen(text); at++) {
		memcpy(part, text + at, 16);
		if (file_has(path, "", part) || file_has(path, "-wal", part)) return true;
	}
	return false;
}

static void test_destroyed_branches_are_overwritten(void **state)
{
	place *p = *state;
	static const char secret[] =
		"The quick brown fox jumps over the lazy dog; pack my box with five dozen liquor jugs. How vexingly"
		" quick daft zebras jump! Sphinx of black quartz, judge my vow.";
	static const char other[] = "another one, which must survive";
	bulla_branch_row rows[] = {
		{ .identity = bulla_view_str("a"),
		  .version = 1,
		  .state = BULLA_BRANCH_ACTIVE,
		  .wrapped = bulla_view_str(secret) },
		{ .identity = bulla_view_str("b"), .version = 2, .state = BULLA_BRANCH_ACTIVE, .wrapped = bulla_view_str(other) },
	};
	assert_int_equal(p->branches.create(p->branches.self, rows, 2, NULL), BULLA_OK);
	assert_true(file_has_part(p->path, secret));
	assert_int_equal(destroy(p, "a"), BULLA_OK);
	assert_false(file_has_part(p->path, secret));
	assert_true(file_has(p->path, "", other));
}

/* Puts a copy of `text` between the cells of some page, where SQLite forgets one now and then. */
static void leave_behind(place *p, const char *text)
{
	uint8_t page[4096];
	shut(p);
	int fd = open(p->path, O_RDWR);
	for (off_t at = 4096; pread(fd, page, sizeof page, at) == sizeof page; at += 4096) {
		size_t cells = (size_t)(page[3] << 8 | page[4]), content = (size_t)(page[5] << 8 | page[6]);
		if (page[0] != 0x0d || content < 12 + 2 * cells + 2 * strlen(text)) continue;
		assert_int_equal(pwrite(fd, text, strlen(text), at + (off_t)(content - 2 * strlen(text))), strlen(text));
		(void)close(fd);
		bulla_error err;
		assert_int_equal(open_again(p, false, &err), BULLA_OK);
		return;
	}
	fail_msg("no page has room");
}

/* What secure_delete does not reach is found, even a part of it, and the file rewritten. */
static void test_remains_are_found(void **state)
{
	place *p = *state;
	static const char secret[] = "0123456789 a wrapped branch key of which a copy lies between the cells";
	bulla_branch_row rows[] = {
		{ .identity = bulla_view_str("a"),
		  .version = 1,
		  .state = BULLA_BRANCH_ACTIVE,
		  .wrapped = bulla_view_str(secret) },
		{ .identity = bulla_view_str("b"),
		  .version = 2,
		  .state = BULLA_BRANCH_ACTIVE,
		  .wrapped = bulla_view_str("other") },
	};
	assert_int_equal(p->branches.create(p->branches.self, rows, 2, NULL), BULLA_OK);
	leave_behind(p, "branch key of which a");
	assert_int_equal(destroy(p, "a"), BULLA_OK);
	assert_false(file_has_part(p->path, secret));
	assert_false(file_has(p->path, "", "branch key of whi"));
	assert_int_equal(destroy(p, "b"), BULLA_OK);
}

/* A call that was killed after its commit is repeated: by then nobody knows what to look for. */
static void test_remains_after_a_kill(void **state)
{
	place *p = *state;
	static const char secret[] = "a wrapped branch key of which a copy lies between the cells";
	bulla_branch_row row = {
		.identity = bulla_view_str("a"), .version = 1, .state = BULLA_BRANCH_ACTIVE, .wrapped = bulla_view_str(secret)
	};
	assert_int_equal(p->branches.create(p->branches.self, &row, 1, NULL), BULLA_OK);
	assert_int_equal(destroy(p, "a"), BULLA_OK);
	leave_behind(p, secret);
	assert_int_equal(destroy(p, "a"), BULLA_OK);
	assert_false(file_has_part(p->path, secret));
}

/* Bytes that other keys have too, as the id of the KMS key, are no remains: the file keeps its pages. */
static void test_common_bytes_are_no_remains(void **state)
{
	place *p = *state;
	int64_t before = 0, after = 0;
	char names[100][16];
	bulla_branch_row rows[100];
	for (size_t i = 0; i < 100; i++) {
		(void)snprintf(names[i], sizeof names[i], "name %zu", i);
		rows[i] = (bulla_branch_row){ .identity = bulla_view_str(names[i]),
					      .version = i + 1,
					      .state = BULLA_BRANCH_ACTIVE,
					      .wrapped = bulla_view_str("the id of the KMS key, which is in all of them") };
	}
	assert_int_equal(p->branches.create(p->branches.self, rows, 100, NULL), BULLA_OK);
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
	assert_int_equal(bulla_sqlite_ask(db, "PRAGMA schema_version", &before, NULL), BULLA_OK);
	assert_int_equal(destroy(p, "name 7"), BULLA_OK);
	assert_int_equal(bulla_sqlite_ask(db, "PRAGMA schema_version", &after, NULL), BULLA_OK); /* VACUUM moves it */
	assert_int_equal(before, after);
	(void)sqlite3_close(db);
}

/* A reader of an older snapshot keeps the log: the key is destroyed, the caller is told, and a second call ends it. */
static void test_destroyed_under_a_reader(void **state)
{
	place *p = *state;
	static const char secret[] = "a wrapped branch key that a reader keeps";
	bulla_branch_row row = {
		.identity = bulla_view_str("a"), .version = 1, .state = BULLA_BRANCH_ACTIVE, .wrapped = bulla_view_str(secret)
	};
	sqlite3 *reader = NULL;
	const bulla_patience hurry = { .wait_ms = 50 };
	bulla_sqlite *impatient = NULL;
	bulla_error err = { 0 };
	assert_int_equal(p->branches.create(p->branches.self, &row, 1, NULL), BULLA_OK);
	assert_int_equal(bulla_sqlite_open(p->path, false, &hurry, &impatient, NULL), BULLA_OK);
	assert_int_equal(sqlite3_open(p->path, &reader), SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM bulla_branch", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(
		bulla_sqlite_branches.set_state(impatient, row.identity, BULLA_BRANCH_ACTIVE, BULLA_BRANCH_DESTROYED, &err),
		BULLA_ERR_LOCKED);
	assert_non_null(strstr(err.text, "is destroyed"));
	bulla_sqlite_close(impatient);
	assert_int_equal(sqlite3_close(reader), SQLITE_OK);
	assert_int_equal(destroy(p, "a"), BULLA_OK);
	assert_false(file_has_part(p->path, secret));
}

/* --- backup ---------------------------------------------------------------------------------------------------- */
static void test_backup(void **state)
{
	place *p = *state;
	char path[512], url[520];
	bulla_error err = { 0 };
	uint64_t version = 0;
	(void)snprintf(path, sizeof path, "%s/backup.db", p->directory);
	(void)snprintf(url, sizeof url, "sqlite:%s", path);
	assert_int_equal(put(p, 0, "a", "1"), BULLA_OK);
	assert_int_equal(bulla_store_note_set(p->store, "n", bulla_view_str("v"), NULL), BULLA_OK);
	bulla_branch_row branch = { .identity = bulla_view_str("i"), .version = 1, .state = BULLA_BRANCH_ACTIVE };
	assert_int_equal(p->branches.create(p->branches.self, &branch, 1, NULL), BULLA_OK);
	assert_int_equal(bulla_store_backup(p->store, path, &err), BULLA_OK);
	assert_int_equal(mode_of(path, ""), 0600);
	assert_int_equal(mode_of(path, "-wal"), 0);
	assert_int_equal(bulla_store_backup(p->store, path, &err), BULLA_ERR_EXISTS);
	assert_int_equal(put(p, 1, "later", "1"), BULLA_OK);
	shut(p);
	free(p->url);
	p->url = strdup(url);
	assert_int_equal(open_again(p, false, &err), BULLA_OK);
	assert_int_equal(p->kms.version(p->kms.self, &version, NULL), BULLA_OK);
	assert_int_equal(version, 1);
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	assert_int_equal(bulla_store_note_get(p->store, "n", &note, NULL), BULLA_OK);
	(void)snprintf(path, sizeof path, "%s/nowhere/backup.db", p->directory);
	assert_int_equal(bulla_store_backup(p->store, path, &err), BULLA_ERR_NOT_FOUND);
	bulla_store *memory = NULL;
	assert_int_equal(bulla_store_open("memory:", true, &memory, NULL), BULLA_OK);
	assert_int_equal(bulla_store_backup(memory, path, &err), BULLA_ERR_USAGE);
	bulla_store_close(memory);
}

#define MADE(test)   cmocka_unit_test_setup_teardown(test, sqlite_setup, place_teardown)
#define UNMADE(test) cmocka_unit_test_setup_teardown(test, directory_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNMADE(test_urls),
		UNMADE(test_modes),
		MADE(test_open_modes_are_refused),
		MADE(test_settings),
		UNMADE(test_relative_path),
		UNMADE(test_foreign),
		MADE(test_older),
		MADE(test_newer),
		UNMADE(test_empty_file),
		MADE(test_damaged),
		MADE(test_locked),
		MADE(test_sees_others),
		UNMADE(test_made_together),
		MADE(test_fork),
		MADE(test_moved),
		UNMADE(test_full),
		UNMADE(test_read_only),
		MADE(test_foreign_owner),
		MADE(test_deleted_rows_are_overwritten),
		MADE(test_destroyed_branches_are_overwritten),
		MADE(test_remains_are_found),
		MADE(test_remains_after_a_kill),
		MADE(test_common_bytes_are_no_remains),
		MADE(test_destroyed_under_a_reader),
		MADE(test_backup),
	};
	return cmocka_run_group_tests_name("store/sqlite", tests, NULL, NULL);
}
