/*
 * sqlite_schema.c - what a store's SQLite file looks like, in numbered steps, and whose file it is.
 */
#include "store/sqlite.h"

#define APPLICATION_ID 1651862625 /* "bula": bytes 68 to 71 of the file */
#define VERSION        2
#define TEXT_OF(x)     TEXT_OF_(x)
#define TEXT_OF_(x)    #x

/* Append only: step i leads from version i to version i + 1. */
static const char *const steps[] = {
	"CREATE TABLE bulla_store (version INTEGER NOT NULL) STRICT;"
	"CREATE TABLE bulla_state (one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER NOT NULL,"
	"  head_size INTEGER NOT NULL, head_root BLOB NOT NULL) STRICT;"
	"INSERT INTO bulla_state VALUES (1, 0, 0, zeroblob(32));"
	"CREATE TABLE bulla_kms (kind INTEGER NOT NULL, id BLOB NOT NULL, data BLOB NOT NULL, PRIMARY KEY (kind, id)) STRICT,"
	"  WITHOUT ROWID;"
	"CREATE TABLE bulla_branch (version INTEGER PRIMARY KEY, identity BLOB NOT NULL, sequence INTEGER NOT NULL,"
	"  print TEXT NOT NULL, state INTEGER NOT NULL, wrapped BLOB NOT NULL, created_us INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX bulla_branch_identity ON bulla_branch (identity, sequence);"
	"CREATE TABLE bulla_note (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"
	"INSERT INTO bulla_store VALUES (0);",

	/* one branch among millions: by its name, those that wait for their end, those that no backup has */
	"CREATE INDEX bulla_branch_print ON bulla_branch (print);"
	"CREATE INDEX bulla_branch_closing ON bulla_branch (identity, sequence) WHERE state = 2;"
	"CREATE INDEX bulla_branch_created ON bulla_branch (created_us);",
};

bulla_code bulla_sqlite_ask(sqlite3 *db, const char *sql, int64_t *ret, bulla_error *err)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW) *ret = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	if (rc == SQLITE_ROW) return BULLA_OK;
	return bulla_sqlite_fail(db, rc == SQLITE_DONE ? SQLITE_CORRUPT : rc, err, "opening the key store");
}

static bulla_code run(sqlite3 *db, const char *sql, bulla_error *err)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? BULLA_OK : bulla_sqlite_fail(db, rc, err, "preparing the key store");
}

/* 0 for a file without tables. In a transaction: another process may be making the store. */
static bulla_code read_version(sqlite3 *db, const char *path, int64_t *ret, bulla_error *err)
{
	int64_t application = 0, tables = 0;
	*ret = 0;
	TRY(bulla_sqlite_ask(db, "PRAGMA application_id", &application, err));
	TRY(bulla_sqlite_ask(db, "SELECT count(*) FROM sqlite_schema", &tables, err));
	if (application == 0 && tables == 0) return BULLA_OK;
	if (application != APPLICATION_ID) {
		bulla_code code = bulla_fail(err, BULLA_ERR_FORMAT, "%s is a database, but no key store of bulla", path);
		return bulla_advise(err, code, "name another file for the store; this one stays as it is");
	}
	TRY(bulla_sqlite_ask(db, "SELECT max(version) FROM bulla_store", ret, err));
	if (*ret > 0 && *ret <= VERSION) return BULLA_OK;
	if (*ret <= 0) return bulla_fail(err, BULLA_ERR_CORRUPT, "the key store %s has no version", path);
	bulla_code code = bulla_fail(err, BULLA_ERR_NEWER, "the key store %s has schema version %lld; this release knows %lld",
				     path, (long long)*ret, (long long)VERSION);
	return bulla_advise(err, code, "use the release that made it, or a newer one");
}

bulla_code bulla_sqlite_identify(sqlite3 *db, const char *path, bulla_error *err)
{
	int64_t version = 0;
	bulla_code code = run(db, "BEGIN", err);
	if (code == BULLA_OK) code = read_version(db, path, &version, err);
	if (code == BULLA_OK) code = run(db, "COMMIT", err);
	if (!sqlite3_get_autocommit(db)) (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	if (code == BULLA_ERR_FORMAT && err && !*err->next) {
		(void)bulla_fail(err, code, "%s is no key store of bulla", path);
		return bulla_advise(err, code, "name another file for the store; this one stays as it is");
	}
	TRY(code);
	if (version) return BULLA_OK;
	code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "the key store %s is empty", path);
	return bulla_advise(err, code, "bulla init");
}

static bulla_code climb(sqlite3 *db, const char *path, bulla_error *err)
{
	int64_t version = 0;
	TRY(read_version(db, path, &version, err)); /* another process may have been first */
	if (version == VERSION) return BULLA_OK;
	for (int64_t i = version; i < VERSION; i++)
		TRY(run(db, steps[i], err));
	TRY(run(db, "UPDATE bulla_store SET version = " TEXT_OF(VERSION), err));
	return run(db, "PRAGMA application_id = " TEXT_OF(APPLICATION_ID), err);
}

bulla_code bulla_sqlite_upgrade(sqlite3 *db, const char *path, bulla_error *err)
{
	_Static_assert(sizeof steps / sizeof *steps == VERSION, "a step for each version");
	TRY(run(db, "BEGIN IMMEDIATE", err));
	bulla_code code = climb(db, path, err);
	if (code == BULLA_OK) code = run(db, "COMMIT", err);
	if (code && !sqlite3_get_autocommit(db)) (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return code;
}
