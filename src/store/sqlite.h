/*
 * sqlite.h - a store in a SQLite file, for the files that implement it.
 *
 * One connection, used under a mutex; prepared statements are kept. Other processes, and other handles of this one, have their own.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/kind.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/types.h>

typedef enum bulla_sql {
	BULLA_SQL_BEGIN,
	BULLA_SQL_BEGIN_WRITE,
	BULLA_SQL_COMMIT,
	BULLA_SQL_ROLLBACK,
	BULLA_SQL_DATA_VERSION,
	BULLA_SQL_CHECKPOINT,
	BULLA_SQL_STATE,
	BULLA_SQL_SET_STATE,
	BULLA_SQL_MOVE_HEAD,
	BULLA_SQL_ROWS,
	BULLA_SQL_PUT_ROW,
	BULLA_SQL_DELETE_ROW,
	BULLA_SQL_BRANCH_CURRENT,
	BULLA_SQL_BRANCH_BY_VERSION,
	BULLA_SQL_BRANCH_VERSIONS,
	BULLA_SQL_BRANCH_PRINT,
	BULLA_SQL_BRANCH_CLOSING,
	BULLA_SQL_BRANCH_SINCE,
	BULLA_SQL_BRANCH_EACH,
	BULLA_SQL_BRANCH_LAST,
	BULLA_SQL_BRANCH_INSERT,
	BULLA_SQL_BRANCH_REWRAP,
	BULLA_SQL_BRANCH_STATES,
	BULLA_SQL_BRANCH_MOVE,
	BULLA_SQL_HOLDS,
	BULLA_SQL_NOTE_GET,
	BULLA_SQL_NOTE_SET,
	BULLA_SQL_NOTES,
	BULLA_SQL_COUNT
} bulla_sql;

typedef struct bulla_sqlite {
	sqlite3 *db;
	char *path;   /* absolute */
	pid_t owner;  /* a child must not touch the connection of its parent */
	dev_t device; /* which file was opened: another one may take its place */
	ino_t inode;
	bulla_patience patience;
	bulla_wait wait;                           /* of the statement that waits now */
	pthread_mutex_t lock;                      /* of all that follows, and of the connection */
	sqlite3_stmt *statements[BULLA_SQL_COUNT]; /* prepared when first needed */
	bool knows_generation;                     /* `generation` is right as long as the file's data version is this one */
	int64_t data_version;
	uint64_t generation;
} bulla_sqlite;

/* --- sqlite_open.c ----------------------------------------------------------------------------------------------- */
/* As bulla_store_open_patiently(). */
BULLA_MUST bulla_code bulla_sqlite_open(const char *path, bool create, const bulla_patience *patience, bulla_sqlite **out,
					bulla_error *err);
void bulla_sqlite_close(void *self);
/* PERMISSION unless it is a regular file of the user's or root's that nobody else may touch, with what SQLite keeps beside it. */
BULLA_MUST bulla_code bulla_sqlite_check_files(const char *path, bulla_error *err);
/* A connection with our settings to an existing file, which waits for locks as `s` does. */
BULLA_MUST bulla_code bulla_sqlite_connect(bulla_sqlite *s, const char *path, sqlite3 **out, bulla_error *err);
/* Makes the names in the directory of `path` durable. */
BULLA_MUST bulla_code bulla_sqlite_sync_directory(const char *path, bulla_error *err);

/* --- sqlite_schema.c --------------------------------------------------------------------------------------------- */
/* FORMAT for somebody else's database, NOT_FOUND for an empty one, NEWER, CORRUPT; writes nothing. */
BULLA_MUST bulla_code bulla_sqlite_identify(sqlite3 *db, const char *path, bulla_error *err);
/* Brings the schema to this release's version, step by step, in one transaction. */
BULLA_MUST bulla_code bulla_sqlite_upgrade(sqlite3 *db, const char *path, bulla_error *err);
/* The first column of the first row. */
BULLA_MUST bulla_code bulla_sqlite_ask(sqlite3 *db, const char *sql, int64_t *ret, bulla_error *err);

/* --- sqlite.c ---------------------------------------------------------------------------------------------------- */
/* Takes the connection: USAGE in a child process, IO when the file was moved or replaced. Nothing to leave on failure. */
BULLA_MUST bulla_code bulla_sqlite_enter(bulla_sqlite *s, bulla_error *err);
void bulla_sqlite_leave(bulla_sqlite *s);

/* The prepared statement, ready to bind. Reset it with bulla_sqlite_reset() before the next. */
BULLA_MUST bulla_code bulla_sqlite_statement(bulla_sqlite *s, bulla_sql which, sqlite3_stmt **ret, bulla_error *err);
void bulla_sqlite_reset(sqlite3_stmt **statement);
#define BULLA_STATEMENT __attribute__((cleanup(bulla_sqlite_reset))) sqlite3_stmt

/* One step; `*ret_row` tells whether there is a row. */
BULLA_MUST bulla_code bulla_sqlite_step(bulla_sqlite *s, sqlite3_stmt *statement, bool *ret_row, bulla_error *err);
/* A statement without parameters and rows. */
BULLA_MUST bulla_code bulla_sqlite_run(bulla_sqlite *s, bulla_sql which, bulla_error *err);
/* Ends the transaction: commits when `code` is BULLA_OK and that works, else rolls back. */
BULLA_MUST bulla_code bulla_sqlite_end(bulla_sqlite *s, bulla_code code, bulla_error *err);

void bulla_sqlite_bind_bytes(sqlite3_stmt *statement, int at, bulla_bytes bytes); /* a blob, never NULL; lives until reset */
bulla_bytes bulla_sqlite_column(sqlite3_stmt *statement, int at);                 /* a view until the next step */

/* What SQLite said as one of ours: "<action>: <SQLite's words>". Never the text of a statement or a value. */
bulla_code bulla_sqlite_fail(sqlite3 *db, int rc, bulla_error *err, const char *action);

/* --- sqlite_wipe.c ----------------------------------------------------------------------------------------------- */
/* Moves the log into the file and cuts it to nothing. LOCKED while another process reads an older state. */
BULLA_MUST bulla_code bulla_sqlite_empty_log(bulla_sqlite *s, bulla_error *err);
/* Outside a transaction, after rows with these bytes were deleted: empties the log, looks for remains of the bytes in the file, and
 * rewrites it when there are any, or when `bytes` is empty: then nobody knows what to look for. LOCKED. */
BULLA_MUST bulla_code bulla_sqlite_wipe(bulla_sqlite *s, bulla_bytes bytes, bulla_error *err);

/* --- sqlite_kms.c, sqlite_branch.c, sqlite_backup.c -------------------------------------------------------------- */
extern const bulla_kms_store bulla_sqlite_kms;
extern const bulla_branch_store bulla_sqlite_branches;
bulla_code bulla_sqlite_backup(void *self, const char *path, bulla_error *err);
/* A new store at `path` with what `source` gives, as a backup: complete there, or not there at all. EXISTS. */
BULLA_MUST bulla_code bulla_sqlite_backup_of(bulla_store_source source, void *source_self, const char *path, bulla_error *err);

/* For whoever is inside: the parts of a store. */
BULLA_MUST bulla_code bulla_sqlite_read_state(bulla_sqlite *s, uint64_t *ret_generation, bulla_log_head *ret_head,
					      bulla_error *err);
BULLA_MUST bulla_code bulla_sqlite_write_state(bulla_sqlite *s, uint64_t generation, const bulla_log_head *head,
					       bulla_error *err);
BULLA_MUST bulla_code bulla_sqlite_each_row(bulla_sqlite *s,
					    bulla_code (*each)(void *self, const bulla_kms_row *row, bulla_error *err),
					    void *self, bulla_error *err);
BULLA_MUST bulla_code bulla_sqlite_put_row(bulla_sqlite *s, const bulla_kms_row *row, bulla_error *err);
BULLA_MUST bulla_code bulla_sqlite_each_branch(bulla_sqlite *s,
					       bulla_code (*each)(void *self, const bulla_branch_row *row, bulla_error *err),
					       void *self, bulla_error *err);
BULLA_MUST bulla_code bulla_sqlite_put_branch(bulla_sqlite *s, const bulla_branch_row *row, int64_t sequence, bulla_error *err);
BULLA_MUST bulla_code bulla_sqlite_put_note(bulla_sqlite *s, const char *name, bulla_bytes value, bulla_error *err);

/* --- sqlite_copy.c ----------------------------------------------------------------------------------------------- */
bulla_code bulla_sqlite_give(void *self, const bulla_store_taker *taker, bulla_error *err);
/* In one transaction: what `source` gives into a store that is empty. */
BULLA_MUST bulla_code bulla_sqlite_fill(bulla_sqlite *s, bulla_store_source source, void *source_self, bulla_error *err);

#endif
