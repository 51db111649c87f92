/*
 * sqlite.c - a session with an SQLite database: opening, transactions, errors, statements of the bookkeeping.
 */
#include "db/sqlite.h"

#include "io/file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- errors ---------------------------------------------------------------------------------------------------- */

/* How SQLite's codes are told. A `text` that is NULL lets SQLite's own words stand, which speak of names only. */
static const struct told {
	int rc;
	bulla_code code;
	const char *text;
	const char *next;
} tellings[] = {
	{ SQLITE_BUSY, BULLA_ERR_LOCKED, "the database is locked by",
	  "end its long transaction, run this again when it is quieter, or wait longer: --lock-wait TIME" },
	{ SQLITE_LOCKED, BULLA_ERR_LOCKED, "the table is locked by", "run this again" },
	{ SQLITE_READONLY, BULLA_ERR_READ_ONLY, "the database cannot be written",
	  "check the mode and owner of the file and of its directory" },
	{ SQLITE_FULL, BULLA_ERR_FULL, "no space is left for the database",
	  "make room: rewriting takes about the size of the database again" },
	{ SQLITE_IOERR, BULLA_ERR_IO, "the operating system refused a read or write of the database",
	  "check the disk and the kernel's log" },
	{ SQLITE_CORRUPT, BULLA_ERR_CORRUPT, "the database is damaged",
	  "run: sqlite3 FILE 'PRAGMA integrity_check', and restore a backup" },
	{ SQLITE_NOTADB, BULLA_ERR_FORMAT, "the file is not an SQLite database, or is encrypted",
	  "check databases: in bulla.yaml" },
	{ SQLITE_CANTOPEN, BULLA_ERR_IO, "the database or its journal cannot be opened",
	  "check the mode and owner of the file and of its directory" },
	{ SQLITE_PERM, BULLA_ERR_PERMISSION, "access to the database is denied", "check the mode and owner of the file" },
	{ SQLITE_AUTH, BULLA_ERR_PERMISSION, "access to the database is denied", "check the mode and owner of the file" },
	{ SQLITE_NOMEM, BULLA_ERR_MEMORY, "not enough memory", "" },
	{ SQLITE_TOOBIG, BULLA_ERR_TOO_LARGE, "a row is larger than SQLite's limit", "" },
	{ SQLITE_CONSTRAINT, BULLA_ERR_REFUSED, "a constraint or trigger of the table refuses it", "" },
	{ SQLITE_PROTOCOL, BULLA_ERR_LOCKED, "the database is locked by", "run this again" },
	{ SQLITE_INTERRUPT, BULLA_ERR_INTERRUPTED, "it was interrupted", "" },
	{ SQLITE_ERROR, BULLA_ERR_DATABASE, NULL, "" },
};

static const struct told *telling(int rc)
{
	for (size_t i = 0; i < sizeof tellings / sizeof *tellings; i++)
		if (tellings[i].rc == (rc & 0xff)) return &tellings[i];
	return NULL;
}

bulla_code bulla_lite_fail(const bulla_lite *s, int rc, bulla_error *err, const char *action, ...)
{
	char what[160], holder[BULLA_HOLDER_MAX];
	va_list args;
	va_start(args, action);
	vsnprintf(what, sizeof what, action, args);
	va_end(args);
	const struct told *told = telling(rc);
	const char *text = told && told->text ? told->text : told ? sqlite3_errmsg(s->handle) : sqlite3_errstr(rc);
	bool locked = told && told->code == BULLA_ERR_LOCKED;
	bulla_code code = bulla_fail(err, told ? told->code : BULLA_ERR_DATABASE, "cannot %s: %s%s%s", what, text,
				     locked ? " " : "", locked ? bulla_lock_holder_text(s->path, holder) : "");
	if (told && *told->next) return bulla_advise(err, code, "%s", told->next);
	return code;
}

/* --- statements ------------------------------------------------------------------------------------------------ */

bulla_code bulla_lite_prepare(bulla_lite *s, char *sql, sqlite3_stmt **out, bulla_error *err)
{
	if (!sql) return bulla_fail_memory(err);
	int rc = sqlite3_prepare_v3(s->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
	sqlite3_free(sql);
	return rc == SQLITE_OK ? BULLA_OK : bulla_lite_fail(s, rc, err, "prepare a statement");
}

bulla_code bulla_lite_exec(bulla_lite *s, char *sql, bulla_error *err)
{
	if (!sql) return bulla_fail_memory(err);
	int rc = sqlite3_exec(s->handle, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	return rc == SQLITE_OK ? BULLA_OK : bulla_lite_fail(s, rc, err, "change the database");
}

bulla_code bulla_lite_execf(bulla_lite *s, bulla_error *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *sql = sqlite3_vmprintf(format, args);
	va_end(args);
	return bulla_lite_exec(s, sql, err);
}

static const bulla_kind kinds[] = {
	[SQLITE_INTEGER] = BULLA_KIND_INTEGER, [SQLITE_FLOAT] = BULLA_KIND_FLOAT, [SQLITE_TEXT] = BULLA_KIND_TEXT,
	[SQLITE_BLOB] = BULLA_KIND_BINARY,     [SQLITE_NULL] = BULLA_KIND_NULL,
};

void bulla_lite_value(sqlite3_stmt *stmt, int column, bulla_value *ret)
{
	static const uint8_t empty[1];
	ret->kind = kinds[sqlite3_column_type(stmt, column)];
	switch (ret->kind) {
	case BULLA_KIND_INTEGER:
		ret->integer = sqlite3_column_int64(stmt, column);
		break;
	case BULLA_KIND_FLOAT:
		ret->number = sqlite3_column_double(stmt, column);
		break;
	case BULLA_KIND_TEXT:
		ret->bytes.data = sqlite3_column_text(stmt, column);
		ret->bytes.len = (size_t)sqlite3_column_bytes(stmt, column);
		break;
	case BULLA_KIND_BINARY:
		ret->bytes.data = sqlite3_column_blob(stmt, column);
		ret->bytes.len = (size_t)sqlite3_column_bytes(stmt, column);
		if (!ret->bytes.data) ret->bytes.data = empty; /* an empty blob is not NULL */
		break;
	default:
		break;
	}
}

int bulla_lite_bind_sealed(sqlite3_stmt *stmt, int parameter, bulla_bytes bytes, bool text)
{
	if (!bytes.data) return sqlite3_bind_null(stmt, parameter);
	if (text) return sqlite3_bind_text64(stmt, parameter, (const char *)bytes.data, bytes.len, SQLITE_STATIC, SQLITE_UTF8);
	return sqlite3_bind_blob64(stmt, parameter, bytes.data, bytes.len, SQLITE_STATIC);
}

int bulla_lite_bind(sqlite3_stmt *stmt, int parameter, const bulla_value *value)
{
	switch (value->kind) {
	case BULLA_KIND_INTEGER:
	case BULLA_KIND_BOOLEAN:
		return sqlite3_bind_int64(stmt, parameter, value->integer);
	case BULLA_KIND_FLOAT:
		return sqlite3_bind_double(stmt, parameter, value->number);
	case BULLA_KIND_TEXT:
	case BULLA_KIND_BINARY:
		if (value->bytes.len == 0 && value->kind == BULLA_KIND_BINARY) return sqlite3_bind_zeroblob(stmt, parameter, 0);
		return bulla_lite_bind_sealed(stmt, parameter, value->bytes.data ? value->bytes : bulla_view("", 0),
					      value->kind == BULLA_KIND_TEXT);
	case BULLA_KIND_NULL:
		break;
	}
	return sqlite3_bind_null(stmt, parameter);
}

static bulla_code answer_all(bulla_lite *s, sqlite3_stmt *stmt, bulla_answer each, void *self, bulla_error *err)
{
	int rc, n = sqlite3_column_count(stmt);
	bulla_value *values = calloc((size_t)n + 1, sizeof *values);
	bulla_code code = values ? BULLA_OK : bulla_fail_memory(err);
	while (!code && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW) code = bulla_lite_fail(s, rc, err, "use the tables of the job");
		for (int i = 0; !code && i < n; i++)
			bulla_lite_value(stmt, i, &values[i]);
		if (!code && each) code = each(self, values, (size_t)n, err);
	}
	free(values);
	return code;
}

static bulla_code run(bulla_db *db, const char *sql, const bulla_value *args, size_t n, bulla_answer each, void *self,
		      uint64_t *ret_changed, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	BULLA_STMT_AUTO *stmt = NULL;
	TRY(bulla_lite_prepare(s, sqlite3_mprintf("%s", sql), &stmt, err));
	for (size_t i = 0; i < n; i++) {
		int rc = bulla_lite_bind(stmt, (int)i + 1, &args[i]);
		if (rc != SQLITE_OK) return bulla_lite_fail(s, rc, err, "use the tables of the job");
	}
	TRY(answer_all(s, stmt, each, self, err));
	if (ret_changed) *ret_changed = (uint64_t)sqlite3_changes64(s->handle);
	return BULLA_OK;
}

/* --- transactions ---------------------------------------------------------------------------------------------- */

#define WAIT_PAUSE_MS 5

bool bulla_lite_wait_on(bulla_lite *s, bulla_wait *wait)
{
	return bulla_wait_on(wait, &s->patience, BULLA_LOCK_WAIT_MS, "the database", s->path ? s->path : "");
}

bulla_code bulla_lite_wait(bulla_lite *s, sqlite3_stmt *stmt, const char *action, int64_t *ret, bulla_error *err)
{
	bulla_wait wait = bulla_wait_now();
	for (;;) {
		int rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW && ret) *ret = sqlite3_column_int64(stmt, 0);
		(void)sqlite3_reset(stmt);
		if (rc == SQLITE_DONE || rc == SQLITE_ROW) return BULLA_OK;
		const struct told *told = telling(rc);
		bool locked = told && told->code == BULLA_ERR_LOCKED;
		if (locked && s->patience.stop && atomic_load(s->patience.stop))
			return bulla_fail(err, BULLA_ERR_INTERRUPTED, "stopped while waiting for a lock of the database");
		if (!locked || !bulla_lite_wait_on(s, &wait)) return bulla_lite_fail(s, rc, err, "%s", action);
		(void)sqlite3_sleep(WAIT_PAUSE_MS); /* some kinds of BUSY come back at once */
	}
}

static void rollback(bulla_db *db)
{
	bulla_lite *s = bulla_lite_of(db);
	if (sqlite3_get_autocommit(s->handle)) return;
	(void)sqlite3_step(s->rollback);
	(void)sqlite3_reset(s->rollback);
}

static bulla_code begin_write(bulla_db *db, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	return bulla_lite_wait(s, s->begin_write, "begin to write", NULL, err);
}

/* BEGIN alone takes no snapshot: reading the schema does. */
static bulla_code begin_read(bulla_db *db, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	TRY(bulla_lite_wait(s, s->begin_read, "begin to read", NULL, err));
	BULLA_STMT_AUTO *touch = NULL;
	bulla_code code = bulla_lite_prepare(s, sqlite3_mprintf("SELECT count(*) FROM sqlite_schema"), &touch, err);
	if (!code) code = bulla_lite_wait(s, touch, "begin to read", NULL, err);
	if (code) rollback(db);
	return code;
}

static bulla_code commit(bulla_db *db, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	bulla_code code = bulla_lite_wait(s, s->commit, "commit", NULL, err);
	if (code) rollback(db);
	return code;
}

static bulla_code mark(bulla_db *db, uint64_t *ret, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	int64_t version = 0;
	TRY(bulla_lite_wait(s, s->mark, "look for changes", &version, err));
	*ret = (uint64_t)version;
	return BULLA_OK;
}

/* --- opening --------------------------------------------------------------------------------------------------- */

/* sqlite:app.db, sqlite:/var/app.db, and sqlite:///var/app.db, which others write. */
static char *path_of(const bulla_place *place)
{
	const char *path = place->url + strlen("sqlite:");
	if (strncmp(path, "//", 2) == 0) path += 2;
	/* A leading directory keeps a name such as "file:x" from being taken for a URI. */
	return bulla_path_join(place->base_dir ? place->base_dir : ".", path);
}

/* SQLite's "unable to open" says nothing: look for ourselves. */
static bulla_code check_file(const char *path, bool write, bulla_error *err)
{
	struct stat st;
	if (stat(path, &st)) {
		int why = errno;
		bulla_code code = bulla_fail_errno(err, why, "cannot open the database %s", path);
		return why == ENOENT ? bulla_advise(err, code, "check databases: in bulla.yaml; a missing database is never made")
				     : code;
	}
	if (!S_ISREG(st.st_mode)) return bulla_fail(err, BULLA_ERR_FORMAT, "%s is not a file", path);
	if (access(path, R_OK)) return bulla_fail_errno(err, errno, "cannot read the database %s", path);
	if (!write || access(path, W_OK) == 0) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_READ_ONLY, "the database %s cannot be written", path);
	return bulla_advise(err, code, "run this as a user who may write the file and its directory");
}

/* temp_store: no sorter, statement journal or view of ours may leave plaintext in a temporary file. */
/* SQLite asks this between its own tries, for every statement alike: as long as the session waits, unless the job is told
 * to stop. */
static int keep_waiting(void *self, int tries)
{
	bulla_lite *s = self;
	if (tries == 0) s->wait = (bulla_wait){ 0 };
	if (!bulla_lite_wait_on(s, &s->wait)) return 0;
	(void)sqlite3_sleep(WAIT_PAUSE_MS);
	return 1;
}

static bulla_code set_up(bulla_lite *s, bulla_error *err)
{
	sqlite3_extended_result_codes(s->handle, 1);
	sqlite3_busy_handler(s->handle, keep_waiting, s);
	(void)sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	(void)sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	TRY(bulla_lite_execf(s, err,
			     "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-%d; PRAGMA foreign_keys=OFF; PRAGMA secure_delete=ON",
			     BULLA_LITE_CACHE_KIB));
	TRY(bulla_lite_prepare(s, sqlite3_mprintf("BEGIN"), &s->begin_read, err));
	TRY(bulla_lite_prepare(s, sqlite3_mprintf("BEGIN IMMEDIATE"), &s->begin_write, err));
	TRY(bulla_lite_prepare(s, sqlite3_mprintf("COMMIT"), &s->commit, err));
	TRY(bulla_lite_prepare(s, sqlite3_mprintf("ROLLBACK"), &s->rollback, err));
	TRY(bulla_lite_prepare(s, sqlite3_mprintf("PRAGMA data_version"), &s->mark, err));
	/* The first read: a file that is no database says so here. */
	return bulla_lite_execf(s, err, "SELECT count(*) FROM sqlite_schema");
}

static void close_session(bulla_db *db)
{
	bulla_lite *s = bulla_lite_of(db);
	sqlite3_stmt *own[] = { s->begin_read, s->begin_write, s->commit, s->rollback, s->mark };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		(void)sqlite3_finalize(own[i]);
	(void)sqlite3_close_v2(s->handle);
	free(s->path);
	free(s);
}

static bulla_code open_handle(bulla_lite *s, const bulla_place *place, bulla_error *err)
{
	if (!s->path) return bulla_fail_memory(err);
	TRY(check_file(s->path, place->write, err));
	if (sqlite3_libversion_number() < BULLA_LITE_OLDEST)
		return bulla_fail(err, BULLA_ERR_VERSION, "the SQLite library is %s, at least 3.37 is needed",
				  sqlite3_libversion());
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	int rc = sqlite3_open_v2(s->path, &s->handle, flags, NULL);
	if (rc != SQLITE_OK && !s->handle) return bulla_fail_memory(err);
	if (rc != SQLITE_OK) return bulla_lite_fail(s, rc, err, "open the database %s", s->path);
	TRY(set_up(s, err));
	if (!place->write) return bulla_lite_execf(s, err, "PRAGMA query_only=ON");
	if (!sqlite3_db_readonly(s->handle, "main")) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_READ_ONLY, "the database %s cannot be written", s->path);
}

static bulla_code open_session(const bulla_place *place, bulla_db **out, bulla_error *err)
{
	bulla_lite *s = calloc(1, sizeof *s);
	if (!s) return bulla_fail_memory(err);
	s->db.target = &bulla_target_sqlite;
	s->path = path_of(place);
	s->patience = place->patience;
	bulla_code code = open_handle(s, place, err);
	if (code)
		close_session(&s->db);
	else
		*out = &s->db;
	return code;
}

static bulla_code size(bulla_db *db, uint64_t *ret_bytes, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	struct stat st;
	if (stat(s->path, &st)) return bulla_fail_errno(err, errno, "cannot examine %s", s->path);
	*ret_bytes = (uint64_t)st.st_size;
	return BULLA_OK;
}

const bulla_target bulla_target_sqlite = {
	.scheme = "sqlite:",
	.open = open_session,
	.close = close_session,
	.inspect = bulla_lite_inspect,
	.tables = bulla_lite_tables,
	.sample = bulla_lite_sample,
	.begin_read = begin_read,
	.begin_write = begin_write,
	.commit = commit,
	.rollback = rollback,
	.mark = mark,
	.run = run,
	.walk_open = bulla_lite_walk_open,
	.walk_start = bulla_lite_walk_start,
	.walk_next = bulla_lite_walk_next,
	.walk_stop = bulla_lite_walk_stop,
	.walk_close = bulla_lite_walk_close,
	.writer_open = bulla_lite_writer_open,
	.writer_read = bulla_lite_writer_read,
	.writer_put = bulla_lite_writer_put,
	.writer_rest = bulla_lite_writer_rest,
	.writer_close = bulla_lite_writer_close,
	.install = bulla_lite_install,
	.narrow = bulla_lite_narrow,
	.index = bulla_lite_index,
	.count_wraps = bulla_lite_count_wraps,
	.index_wraps = bulla_lite_index_wraps,
	.each_indexed = bulla_lite_each_indexed,
	.drop = bulla_lite_drop,
	.guards = bulla_lite_guards,
	.stage = bulla_lite_stage,
	.unstage = bulla_lite_unstage,
	.restore = bulla_lite_restore,
	.prepare_drop = bulla_lite_prepare_drop,
	.purge = bulla_lite_purge,
	.remains = bulla_lite_remains,
	.copy = bulla_lite_copy,
	.discard = bulla_lite_discard,
	.size = size,
	.condition = bulla_lite_condition,
};
