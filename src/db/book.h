/*
 * book.h - what a job remembers in the target database: its row in bulla_job, and how rows are named there.
 *
 * Names of rows (primary keys) are kept, values never.
 */
#ifndef DB_BOOK_H
#define DB_BOOK_H

#include "db/target.h"

#define BULLA_BOOK_VERSION 1 /* of the three tables; a newer one is not touched */
#define BULLA_OWNER_MAX    200

/* How far a model is. The order is that of the ladder. */
typedef enum bulla_phase {
	BULLA_PHASE_PLANNED = 0, /* nothing was written yet */
	BULLA_PHASE_APPLYING = 1,
	BULLA_PHASE_APPLIED = 2, /* every row that can be sealed was */
	BULLA_PHASE_VERIFIED = 3,
	BULLA_PHASE_DROPPED = 4, /* the plaintext columns are gone, the files not yet rewritten */
	BULLA_PHASE_FINISHED = 5,
	BULLA_PHASE_UNDOING = 6 /* after finish: plaintext is being opened again, beside the table; ciphertext is the truth */
} bulla_phase;

const char *bulla_phase_name(bulla_phase phase);

/* The row of one model in bulla_job. Times are milliseconds since 1970; 0: never. */
typedef struct bulla_job_state {
	bool found;
	bulla_phase phase;
	char job[17];                /* of the last run, random hex */
	char owner[BULLA_OWNER_MAX]; /* who runs it now; empty: nobody */
	int64_t heartbeat_ms;
	int64_t started_ms;
	int64_t filled_ms;        /* when the first fill ended */
	int64_t last_unsealed_ms; /* when a plaintext-only write was last found after that */
	uint64_t done, conflicts, bytes;
	bulla_buf position;   /* of the first fill: the locator of the last row that is done with */
	bulla_buf columns;    /* JSON array: the table's columns before the first apply */
	bulla_buf casualties; /* JSON array: what dropping the columns took with it */
} bulla_job_state;

void bulla_job_state_done(bulla_job_state *state);

/* Are the tables there? NEWER when they are of a later release. */
BULLA_MUST bulla_code bulla_book_exists(bulla_db *db, bool *ret, bulla_error *err);
/* Makes them where they are missing; inside a transaction. */
BULLA_MUST bulla_code bulla_book_make(bulla_db *db, bulla_error *err);

/* Forgets everything about a model but which keys were destroyed on purpose, and the tables themselves where nothing of another
 * model is in them; inside a transaction. */
BULLA_MUST bulla_code bulla_book_forget(bulla_db *db, const char *model, bulla_error *err);

/* `state` is cleared first; state->found tells whether there is a row. Tables that do not exist have none. */
BULLA_MUST bulla_code bulla_book_load(bulla_db *db, const char *model, bulla_job_state *state, bulla_error *err);
/* Writes the row, provided that it is still owned by `owner` (NULL: whoever); BUSY when somebody else has taken over.
 * Inside a transaction. */
BULLA_MUST bulla_code bulla_book_store(bulla_db *db, const char *model, const bulla_job_state *state, const char *owner,
				       bulla_error *err);

/* Appends the locator as bytes, and back. FORMAT when they are not `n` values. */
BULLA_MUST bulla_code bulla_position_write(const bulla_value *values, size_t n, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_position_read(bulla_bytes bytes, bulla_value *values, size_t n, bulla_error *err);

/* Appends a row's primary key as JSON: [7], ["a",42]. A blob, or text that is not UTF-8, is {"hex":...}. */
BULLA_MUST bulla_code bulla_pk_write(const bulla_value *values, const size_t *positions, size_t n, bulla_buf *out,
				     bulla_error *err);

static inline bulla_value bulla_value_text(const char *text)
{
	return (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(text) };
}

static inline bulla_value bulla_value_integer(int64_t integer)
{
	return (bulla_value){ .kind = BULLA_KIND_INTEGER, .integer = integer };
}

static inline bulla_value bulla_value_buf(const bulla_buf *buf, bulla_kind kind)
{
	return buf->len ? (bulla_value){ .kind = kind, .bytes = bulla_view_buf(buf) } : (bulla_value){ 0 };
}

#endif
