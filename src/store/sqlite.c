/*
 * sqlite.c - the connection of a store in a SQLite file: its statements, its transactions, its notes, its errors.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BRANCH_COLUMNS "identity, print, version, state, wrapped, created_us"

static const char *const texts[BULLA_SQL_COUNT] = {
	[BULLA_SQL_BEGIN] = "BEGIN",
	[BULLA_SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[BULLA_SQL_COMMIT] = "COMMIT",
	[BULLA_SQL_ROLLBACK] = "ROLLBACK",
	[BULLA_SQL_DATA_VERSION] = "PRAGMA data_version",
	[BULLA_SQL_CHECKPOINT] = "PRAGMA wal_checkpoint(TRUNCATE)",
	[BULLA_SQL_STATE] = "SELECT generation, head_size, head_root FROM bulla_state WHERE one = 1",
	[BULLA_SQL_SET_STATE] = "UPDATE bulla_state SET generation = ?1, head_size = ?2, head_root = ?3 WHERE one = 1",
	[BULLA_SQL_MOVE_HEAD] = "UPDATE bulla_state SET head_size = ?1, head_root = ?2 WHERE one = 1 AND head_size <= ?1",
	[BULLA_SQL_ROWS] = "SELECT kind, id, data FROM bulla_kms ORDER BY kind, id",
	[BULLA_SQL_PUT_ROW] = "INSERT INTO bulla_kms (kind, id, data) VALUES (?1, ?2, ?3) "
			      "ON CONFLICT (kind, id) DO UPDATE SET data = excluded.data",
	[BULLA_SQL_DELETE_ROW] = "DELETE FROM bulla_kms WHERE kind = ?1 AND id = ?2",
	[BULLA_SQL_BRANCH_CURRENT] = "SELECT " BRANCH_COLUMNS " FROM bulla_branch WHERE identity = ?1 "
				     "ORDER BY state = 3, sequence DESC LIMIT 1",
	[BULLA_SQL_BRANCH_BY_VERSION] = "SELECT " BRANCH_COLUMNS " FROM bulla_branch WHERE version = ?1",
	[BULLA_SQL_BRANCH_VERSIONS] = "SELECT " BRANCH_COLUMNS " FROM bulla_branch WHERE identity = ?1 ORDER BY sequence",
	[BULLA_SQL_BRANCH_PRINT] = "SELECT " BRANCH_COLUMNS " FROM bulla_branch INDEXED BY bulla_branch_print"
				   " WHERE print = ?1 ORDER BY identity, sequence",
	[BULLA_SQL_BRANCH_CLOSING] = "SELECT " BRANCH_COLUMNS " FROM bulla_branch INDEXED BY bulla_branch_closing"
				     " WHERE state = 2 ORDER BY identity, sequence",
	[BULLA_SQL_BRANCH_SINCE] = "SELECT " BRANCH_COLUMNS " FROM bulla_branch INDEXED BY bulla_branch_created"
				   " WHERE created_us >= ?1 ORDER BY identity, sequence",
	[BULLA_SQL_BRANCH_EACH] = "SELECT " BRANCH_COLUMNS " FROM bulla_branch ORDER BY identity, sequence",
	[BULLA_SQL_BRANCH_LAST] = "SELECT max(sequence) FROM bulla_branch WHERE identity = ?1",
	[BULLA_SQL_BRANCH_INSERT] = "INSERT INTO bulla_branch (" BRANCH_COLUMNS ", sequence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[BULLA_SQL_BRANCH_REWRAP] = "UPDATE bulla_branch SET wrapped = ?3 WHERE version = ?1 AND wrapped = ?2",
	[BULLA_SQL_BRANCH_STATES] = "SELECT state, count(*) FROM bulla_branch WHERE identity = ?1 GROUP BY state",
	[BULLA_SQL_BRANCH_MOVE] = "UPDATE bulla_branch SET state = ?3, wrapped = CASE ?3 WHEN 3 THEN zeroblob(0) ELSE wrapped END"
				  " WHERE identity = ?1 AND state = ?2",
	[BULLA_SQL_HOLDS] = "SELECT 1 FROM bulla_kms WHERE instr(data, ?1) OR instr(id, ?1)"
			    " UNION ALL SELECT 1 FROM bulla_branch WHERE instr(wrapped, ?1) LIMIT 1",
	[BULLA_SQL_NOTE_GET] = "SELECT value FROM bulla_note WHERE name = ?1",
	[BULLA_SQL_NOTE_SET] = "INSERT INTO bulla_note (name, value) VALUES (?1, ?2) "
			       "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
	[BULLA_SQL_NOTES] = "SELECT name, value FROM bulla_note ORDER BY name",
};

/* --- errors ---------------------------------------------------------------------------------------------------- */
static const struct {
	int rc;
	bulla_code code;
} codes[] = {
	{ SQLITE_BUSY, BULLA_ERR_LOCKED },         { SQLITE_LOCKED, BULLA_ERR_LOCKED },
	{ SQLITE_READONLY, BULLA_ERR_READ_ONLY },  { SQLITE_FULL, BULLA_ERR_FULL },
	{ SQLITE_CORRUPT, BULLA_ERR_CORRUPT },     { SQLITE_NOTADB, BULLA_ERR_FORMAT },
	{ SQLITE_PERM, BULLA_ERR_PERMISSION },     { SQLITE_NOMEM, BULLA_ERR_MEMORY },
	{ SQLITE_TOOBIG, BULLA_ERR_LIMIT },        { SQLITE_AUTH, BULLA_ERR_PERMISSION },
	{ SQLITE_CONSTRAINT, BULLA_ERR_CONFLICT }, { SQLITE_IOERR, BULLA_ERR_IO },
	{ SQLITE_CANTOPEN, BULLA_ERR_IO },         { SQLITE_ERROR, BULLA_ERR_CORRUPT },
	{ SQLITE_SCHEMA, BULLA_ERR_CORRUPT },      { SQLITE_MISMATCH, BULLA_ERR_CORRUPT },
};

/* What the system said when SQLite could not read, write or open. */
static bulla_code code_of_errno(int why, bulla_code otherwise)
{
	switch (why) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return BULLA_ERR_FULL;
	case EACCES:
	case EPERM:
		return BULLA_ERR_PERMISSION;
	case EROFS:
		return BULLA_ERR_READ_ONLY;
	case ENOENT:
		return BULLA_ERR_NOT_FOUND;
	default:
		return otherwise;
	}
}

static int last_errno(sqlite3_file *file)
{
	int why = 0;
	if (file && file->pMethods) (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &why);
	return why;
}

/* SQLite's own record of it is overwritten while it cleans up: the files are asked first, its log before the database. */
static bulla_code code_of_system(sqlite3 *db, bulla_code otherwise)
{
	sqlite3_file *log = NULL, *file = NULL;
	(void)sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	(void)sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	const int whys[] = { last_errno(log), last_errno(file), sqlite3_system_errno(db) };
	for (size_t i = 0; i < sizeof whys / sizeof *whys; i++) {
		bulla_code code = code_of_errno(whys[i], otherwise);
		if (code != otherwise) return code;
	}
	return otherwise;
}

/* SQLite says what is wrong with a file or a statement; an error for which it has no words of its own is one for which it had no memory. */
static bool is_memory(sqlite3 *db, int rc)
{
	bool wordless = rc == SQLITE_ERROR && db && strcmp(sqlite3_errmsg(db), sqlite3_errstr(rc)) == 0;
	return wordless || rc == SQLITE_IOERR_NOMEM;
}

static bulla_code code_of(sqlite3 *db, int rc)
{
	int primary = is_memory(db, rc) ? SQLITE_NOMEM : rc & 0xff;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		if (codes[i].rc != primary) continue;
		bool of_the_system = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
		return of_the_system && db ? code_of_system(db, codes[i].code) : codes[i].code;
	}
	return BULLA_ERR_INTERNAL;
}

bulla_code bulla_sqlite_fail(sqlite3 *db, int rc, bulla_error *err, const char *action)
{
	bulla_code code = code_of(db, rc);
	if (code == BULLA_ERR_MEMORY) return bulla_fail_memory(err);
	if (code == BULLA_ERR_LOCKED) {
		char holder[BULLA_HOLDER_MAX];
		const char *path = db ? sqlite3_db_filename(db, "main") : NULL;
		(void)bulla_fail(err, code, "%s: %s keeps the key store locked", action, bulla_lock_holder_text(path, holder));
		return bulla_advise(err, code, "wait for it to end, then try again");
	}
	if (code == BULLA_ERR_FULL) {
		(void)bulla_fail(err, code, "%s: no space is left for the key store", action);
		return bulla_advise(err, code, "make room: nothing was changed");
	}
	if (code == BULLA_ERR_CORRUPT) {
		(void)bulla_fail(err, code, "%s: the key store is damaged (%s)", action, sqlite3_errstr(rc));
		return bulla_advise(err, code, "restore it from its last backup: bulla kms restore FILE --force");
	}
	return bulla_fail(err, code, "%s: %s", action, sqlite3_errstr(rc));
}

/* --- the connection -------------------------------------------------------------------------------------------- */

static bulla_code check_place(const bulla_sqlite *s, bulla_error *err)
{
	struct stat st;
	if (stat(s->path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_IO, "the key store %s was moved or replaced while it was open", s->path);
	return bulla_advise(err, code, "start again: then the store that is there now is opened");
}

bulla_code bulla_sqlite_enter(bulla_sqlite *s, bulla_error *err)
{
	/* Before the mutex: in a child it may be held for ever by a thread that the child does not have. */
	if (s->owner != getpid())
		return bulla_fail(err, BULLA_ERR_USAGE, "the key store was opened before a fork: open it again");
	pthread_mutex_lock(&s->lock);
	bulla_code code = check_place(s, err);
	/* left open where there was no memory even to roll back */
	if (code == BULLA_OK && !sqlite3_get_autocommit(s->db)) code = bulla_sqlite_run(s, BULLA_SQL_ROLLBACK, err);
	if (code) pthread_mutex_unlock(&s->lock);
	return code;
}

void bulla_sqlite_leave(bulla_sqlite *s)
{
	pthread_mutex_unlock(&s->lock);
}

/* --- statements ------------------------------------------------------------------------------------------------ */
bulla_code bulla_sqlite_statement(bulla_sqlite *s, bulla_sql which, sqlite3_stmt **ret, bulla_error *err)
{
	sqlite3_stmt **kept = &s->statements[which];
	if (!*kept) {
		int rc = sqlite3_prepare_v3(s->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
		if (rc != SQLITE_OK) return bulla_sqlite_fail(s->db, rc, err, "preparing to use the key store");
	}
	*ret = *kept;
	return BULLA_OK;
}

void bulla_sqlite_reset(sqlite3_stmt **statement)
{
	if (!*statement) return;
	(void)sqlite3_reset(*statement); /* tells the failure of the last step again */
	(void)sqlite3_clear_bindings(*statement);
}

bulla_code bulla_sqlite_step(bulla_sqlite *s, sqlite3_stmt *statement, bool *ret_row, bulla_error *err)
{
	int rc = sqlite3_step(statement);
	*ret_row = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW || rc == SQLITE_DONE) return BULLA_OK;
	return bulla_sqlite_fail(s->db, rc, err,
				 sqlite3_stmt_readonly(statement) ? "reading the key store" : "writing the key store");
}

bulla_code bulla_sqlite_run(bulla_sqlite *s, bulla_sql which, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool row = false;
	TRY(bulla_sqlite_statement(s, which, &statement, err));
	return bulla_sqlite_step(s, statement, &row, err);
}

bulla_code bulla_sqlite_end(bulla_sqlite *s, bulla_code code, bulla_error *err)
{
	bulla_error ignored;
	if (code == BULLA_OK) code = bulla_sqlite_run(s, BULLA_SQL_COMMIT, err);
	/* Some failures have rolled back by themselves. */
	if (code && !sqlite3_get_autocommit(s->db)) (void)!bulla_sqlite_run(s, BULLA_SQL_ROLLBACK, &ignored);
	return code;
}

/* A failed bind leaves NULL, which the tables refuse. */
void bulla_sqlite_bind_bytes(sqlite3_stmt *statement, int at, bulla_bytes bytes)
{
	(void)sqlite3_bind_blob64(statement, at, bytes.len ? (const void *)bytes.data : "", bytes.len, SQLITE_STATIC);
}

bulla_bytes bulla_sqlite_column(sqlite3_stmt *statement, int at)
{
	const void *data = sqlite3_column_blob(statement, at); /* before the length, as SQLite asks */
	int n = sqlite3_column_bytes(statement, at);
	return bulla_view(data, data && n > 0 ? (size_t)n : 0);
}

/* --- notes ----------------------------------------------------------------------------------------------------- */
static bulla_code read_note(bulla_sqlite *s, const char *name, bulla_buf *out, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool row = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_NOTE_GET, &statement, err));
	(void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	TRY(bulla_sqlite_step(s, statement, &row, err));
	return row ? bulla_buf_add(out, bulla_sqlite_column(statement, 0), err) : bulla_store_fail_note(err);
}

static bulla_code note_get(void *self, const char *name, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = read_note(self, name, out, err);
	bulla_sqlite_leave(self);
	return code;
}

bulla_code bulla_sqlite_put_note(bulla_sqlite *s, const char *name, bulla_bytes value, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool row = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_NOTE_SET, &statement, err));
	(void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	bulla_sqlite_bind_bytes(statement, 2, value);
	return bulla_sqlite_step(s, statement, &row, err);
}

static bulla_code note_set(void *self, const char *name, bulla_bytes value, bulla_error *err)
{
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = bulla_sqlite_put_note(self, name, value, err);
	bulla_sqlite_leave(self);
	return code;
}

/* --- the whole ------------------------------------------------------------------------------------------------- */
static bulla_code open_sqlite(const char *rest, bool create, const bulla_patience *patience, void **ret_self, bulla_error *err)
{
	bulla_sqlite *s = NULL;
	TRY(bulla_sqlite_open(rest, create, patience, &s, err));
	*ret_self = s;
	return BULLA_OK;
}

const bulla_store_kind bulla_store_sqlite = {
	.scheme = "sqlite:",
	.open = open_sqlite,
	.close = bulla_sqlite_close,
	.backup = bulla_sqlite_backup,
	.note_get = note_get,
	.note_set = note_set,
	.give = bulla_sqlite_give,
	.kms = &bulla_sqlite_kms,
	.branches = &bulla_sqlite_branches,
};
