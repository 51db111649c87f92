/*
 * postgres.h - a store in a PostgreSQL database, for the files that implement it.
 *
 * A store has three links to its server: one for rows, one that listens for changes, one for the audit log while that is open. Each is
 * used under a mutex, keeps its prepared statements and is made anew when it was lost: what was in flight then has failed with
 * UNAVAILABLE, and what comes after it works again, on whichever host of the URL takes writes.
 */
#ifndef STORE_POSTGRES_H
#define STORE_POSTGRES_H

#include "base/buf.h"
#include "store/kind.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <sys/types.h>

#define BULLA_PG_CONNECT_S    "5"   /* how long one host may take to answer */
#define BULLA_PG_STATEMENT_MS 30000 /* of one statement; the server ends it */
#define BULLA_PG_ANSWER_MS    35000 /* after which the server is taken for lost */
#define BULLA_PG_IDLE_MS      5000  /* of an open transaction whose process stands still: its locks end before others give up */
#define BULLA_PG_RETRY_MS     200   /* after a failed try to connect, until the next one */
#define BULLA_PG_FRESH_MS     400   /* how long a generation counts without a word from the server */
#define BULLA_PG_VERSION_MS   2000  /* for the answer which generation it is */
#define BULLA_PG_BATCH        1000  /* rows written by one statement */
#define BULLA_PG_BATCH_BYTES  (4u << 20)

typedef enum bulla_pg_sql {
	BULLA_PG_BEGIN,
	BULLA_PG_BEGIN_READ, /* one snapshot */
	BULLA_PG_COMMIT,
	BULLA_PG_ROLLBACK,
	BULLA_PG_LOCK, /* of the numbers that bulla_pg_lock_number() gives, until the transaction ends */
	BULLA_PG_NOTIFY,
	BULLA_PG_VERSION,
	BULLA_PG_STATE,
	BULLA_PG_STATE_LOCKED,
	BULLA_PG_SET_STATE,
	BULLA_PG_MOVE_HEAD,
	BULLA_PG_ROW,
	BULLA_PG_ROWS,
	BULLA_PG_PUT_ROW,
	BULLA_PG_DELETE_ROW,
	BULLA_PG_BRANCH_CURRENT,
	BULLA_PG_BRANCH_BY_VERSION,
	BULLA_PG_BRANCH_VERSIONS,
	BULLA_PG_BRANCH_PRINT,
	BULLA_PG_BRANCH_CLOSING,
	BULLA_PG_BRANCH_SINCE,
	BULLA_PG_BRANCH_EACH,
	BULLA_PG_BRANCH_LAST,
	BULLA_PG_BRANCH_CREATE,
	BULLA_PG_BRANCH_INSERT,
	BULLA_PG_BRANCH_REWRAP,
	BULLA_PG_BRANCH_STATES,
	BULLA_PG_BRANCH_MOVE,
	BULLA_PG_NOTE_GET,
	BULLA_PG_NOTE_SET,
	BULLA_PG_NOTES,
	BULLA_PG_LOG_HEAD,
	BULLA_PG_LOG_HEAD_LOCKED,
	BULLA_PG_LOG_BEGIN,
	BULLA_PG_LOG_ENTRIES,
	BULLA_PG_LOG_APPEND,
	BULLA_PG_LOG_NOTE,
	BULLA_PG_LOG_TREE,
	BULLA_PG_LOG_WALK,
	BULLA_PG_LOG_ENDS,
	BULLA_PG_COUNT
} bulla_pg_sql;

/* What every link of a store is made from. Does not change while the store is open. */
typedef struct bulla_pg_place {
	char *url;
	char *schema;
	char name
		[BULLA_STORE_PLACE_MAX]; /* "PostgreSQL database app, schema bulla, on db1:5432": without what the URL may hold beside */
	pid_t owner;                     /* a child must not touch the connections of its parent */
	bulla_patience patience;
} bulla_pg_place;

typedef struct bulla_pg_link {
	const bulla_pg_place *place;
	PGconn *conn; /* NULL while there is none */
	int64_t answer_ms;
	int64_t failed_at_ms; /* when connecting failed last; 0: it did not */
	bulla_code failed;
	bool prepared[BULLA_PG_COUNT];
} bulla_pg_link;

/* Tells the version of the rows without a question to the server for each time it is asked. */
typedef struct bulla_pg_watch {
	pthread_mutex_t lock; /* of all that follows */
	bulla_pg_link link;
	bool listens, knows;
	uint64_t version;
	int64_t asked_at_ms; /* before the server was asked for it */
} bulla_pg_watch;

typedef struct bulla_pg {
	bulla_pg_place place;
	pthread_mutex_t lock; /* of `link` */
	bulla_pg_link link;
	bulla_pg_watch watch;
} bulla_pg;

/* --- postgres_place.c -------------------------------------------------------------------------------------------- */
/* From what stands behind "postgresql:" to the place; the rest of it is filled by the caller. CONFIG. */
BULLA_MUST bulla_code bulla_pg_place_find(bulla_pg_place *place, const char *rest, bulla_error *err);
void bulla_pg_place_done(bulla_pg_place *place);
void bulla_pg_place_tell(const char *rest, char out[static BULLA_STORE_PLACE_MAX]);

/* --- postgres_link.c --------------------------------------------------------------------------------------------- */
/* A parameter: a number or bytes, which go to the server in binary. */
typedef struct bulla_pg_value {
	bool is_number;
	int64_t number;
	bulla_bytes bytes;
} bulla_pg_value;
#define BULLA_PG_NUMBER(x) ((bulla_pg_value){ .is_number = true, .number = (int64_t)(x) })
#define BULLA_PG_BYTES(x)  ((bulla_pg_value){ .bytes = (x) })
#define BULLA_PG_VALUES    8

int64_t bulla_pg_now_ms(void); /* only grows */
void bulla_pg_pause(int ms);

/* USAGE in a child of the process that opened the store. */
BULLA_MUST bulla_code bulla_pg_check_owner(const bulla_pg_place *place, bulla_error *err);

void bulla_pg_link_init(bulla_pg_link *link, const bulla_pg_place *place);
void bulla_pg_link_done(bulla_pg_link *link);
/* Sees to it that there is a connection with our settings. UNAVAILABLE, PERMISSION, NOT_FOUND (the database). */
BULLA_MUST bulla_code bulla_pg_link_up(bulla_pg_link *link, bulla_error *err);
/* Reads what has come in by itself, and notices an end of the connection, which is then let go. Does not wait. */
void bulla_pg_link_look(bulla_pg_link *link);

/* A statement of the list with its `n` values; the result is freed by the caller. */
BULLA_MUST bulla_code bulla_pg_ask(bulla_pg_link *link, bulla_pg_sql which, const bulla_pg_value *values, size_t n,
				   PGresult **ret, bulla_error *err);
/* The same where only the number of rows counts; `ret_rows` may be NULL. */
BULLA_MUST bulla_code bulla_pg_do(bulla_pg_link *link, bulla_pg_sql which, const bulla_pg_value *values, size_t n,
				  uint64_t *ret_rows, bulla_error *err);
/* Statements in plain text, without values. */
BULLA_MUST bulla_code bulla_pg_run(bulla_pg_link *link, const char *sql, bulla_error *err);

void bulla_pg_result_free(PGresult **result);
#define BULLA_PG_RESULT __attribute__((cleanup(bulla_pg_result_free))) PGresult
int64_t bulla_pg_number(const PGresult *result, int row, int column);    /* of a bigint; 0 for anything else */
bulla_bytes bulla_pg_bytes(const PGresult *result, int row, int column); /* a view as long as the result lives */

/* Calls `each` for every row of a statement as it comes in. A failure of `each` ends the walk, and the connection with it. */
typedef bulla_code (*bulla_pg_each)(void *self, const PGresult *result, int row, bulla_error *err);
BULLA_MUST bulla_code bulla_pg_walk(bulla_pg_link *link, bulla_pg_sql which, const bulla_pg_value *values, size_t n,
				    bulla_pg_each each, void *self, bulla_error *err);

/* An array as a value. Zeroed but for its type it is empty. */
typedef struct bulla_pg_array {
	enum { BULLA_PG_OF_BYTES = 17, BULLA_PG_OF_NUMBERS = 20 } type; /* as PostgreSQL numbers its types */
	bulla_buf bytes;
	size_t n;
} bulla_pg_array;
BULLA_MUST bulla_code bulla_pg_array_number(bulla_pg_array *array, int64_t number, bulla_error *err);
BULLA_MUST bulla_code bulla_pg_array_bytes(bulla_pg_array *array, bulla_bytes bytes, bulla_error *err);
/* A view of it; nothing is added any more. */
BULLA_MUST bulla_code bulla_pg_array_value(bulla_pg_array *array, bulla_pg_value *ret, bulla_error *err);
void bulla_pg_array_done(bulla_pg_array *array);

/* A number for advisory locks: one for each schema and purpose. */
int64_t bulla_pg_lock_number(const bulla_pg_place *place, const char *purpose);

/* --- postgres_error.c -------------------------------------------------------------------------------------------- */
/* What the server or libpq said as one of ours: one line, without DETAIL, HINT or a statement. */
bulla_code bulla_pg_fail(const bulla_pg_link *link, const PGresult *result, bulla_error *err);
/* The server is not there, or went away while it was asked. */
bulla_code bulla_pg_fail_lost(const bulla_pg_link *link, bulla_error *err);
/* After a failure that leaves the connection of no use (a server that is shutting down or takes no writes). */
bool bulla_pg_is_of_no_use(const PGresult *result);

/* --- postgres.c -------------------------------------------------------------------------------------------------- */
extern const char *const bulla_pg_texts[BULLA_PG_COUNT];

/* Runs `work` in a transaction and commits it; rolled back on failure. A connection that was lost before it began is made anew once.
 * `*ret_doubt` (may be NULL) tells that the answer to the commit was lost: it may have happened. */
typedef bulla_code (*bulla_pg_work)(bulla_pg_link *link, void *self, bulla_error *err);
BULLA_MUST bulla_code bulla_pg_transact(bulla_pg_link *link, bulla_pg_sql begin, bulla_pg_work work, void *self, bool *ret_doubt,
					bulla_error *err);
/* The same on the store's own link, under its mutex. */
BULLA_MUST bulla_code bulla_pg_with(bulla_pg *pg, bulla_pg_sql begin, bulla_pg_work work, void *self, bool *ret_doubt,
				    bulla_error *err);

/* In a transaction: a statement may take as long as whoever takes its rows. */
BULLA_MUST bulla_code bulla_pg_take_time(bulla_pg_link *link, bulla_error *err);

/* --- postgres_schema.c ------------------------------------------------------------------------------------------- */
/* NOT_FOUND where there is no store and not `create`, FORMAT for somebody else's tables, NEWER, CORRUPT. */
BULLA_MUST bulla_code bulla_pg_prepare(bulla_pg_link *link, bool create, bulla_error *err);
/* In a transaction: brings the tables from `version` (0: none) to this release's; those of the log may be there already. */
BULLA_MUST bulla_code bulla_pg_make_tables(bulla_pg_link *link, int64_t version, bulla_error *err);
/* The first column of the first row, a bigint, of plain text. */
BULLA_MUST bulla_code bulla_pg_ask_text(bulla_pg_link *link, const char *sql, int64_t *ret, bulla_error *err);

/* --- postgres_watch.c -------------------------------------------------------------------------------------------- */
void bulla_pg_watch_init(bulla_pg_watch *watch, const bulla_pg_place *place);
void bulla_pg_watch_done(bulla_pg_watch *watch);
/* The version as it was at most BULLA_PG_FRESH_MS ago; UNAVAILABLE where the server does not say. */
BULLA_MUST bulla_code bulla_pg_watch_ask(bulla_pg_watch *watch, uint64_t *ret, bulla_error *err);
/* The next question goes to the server. */
void bulla_pg_watch_forget(bulla_pg_watch *watch);

/* --- postgres_kms.c, postgres_branch.c, postgres_copy.c, postgres_log.c ------------------------------------------ */
extern const bulla_kms_store bulla_pg_kms;
extern const bulla_branch_store bulla_pg_branches;

BULLA_MUST bulla_code bulla_pg_read_state(bulla_pg_link *link, bulla_pg_sql which, uint64_t *ret_generation,
					  bulla_log_head *ret_head, bulla_error *err);
BULLA_MUST bulla_code bulla_pg_write_state(bulla_pg_link *link, uint64_t generation, const bulla_log_head *head,
					   bulla_error *err);
BULLA_MUST bulla_code bulla_pg_put_row(bulla_pg_link *link, const bulla_kms_row *row, bulla_error *err);
bulla_kms_row bulla_pg_row_of(const PGresult *result, int row);
BULLA_MUST bulla_code bulla_pg_put_branch(bulla_pg_link *link, const bulla_branch_row *row, int64_t sequence, bulla_error *err);
bulla_branch_row bulla_pg_branch_of(const PGresult *result, int row);
BULLA_MUST bulla_code bulla_pg_put_note(bulla_pg_link *link, const char *name, bulla_bytes value, bulla_error *err);
/* In a transaction: everybody who listens hears that there is another generation. */
BULLA_MUST bulla_code bulla_pg_tell(bulla_pg_link *link, bulla_error *err);

bulla_code bulla_pg_backup(void *self, const char *path, bulla_error *err);
bulla_code bulla_pg_give(void *self, const bulla_store_taker *taker, bulla_error *err);
bulla_code bulla_pg_take(void *self, bulla_store_source source, void *source_self, const char *keep_as, bulla_error *err);

bulla_code bulla_pg_log_open(void *self, const char *origin, const bulla_secret *seed, bool create, bulla_log **out,
			     bulla_error *err);
bulla_code bulla_pg_log_verify(void *self, const char *origin, const uint8_t public_key[static 32],
			       void (*progress)(void *self, uint64_t done, uint64_t total), void *progress_self,
			       bulla_log_report *ret, bulla_error *err);
bulla_code bulla_pg_log_export(void *self, const char *origin, const char *directory, bulla_error *err);

#endif
