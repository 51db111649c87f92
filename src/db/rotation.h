/*
 * rotation.h - what a rotation remembers in the target database: its row in bulla_rotation, and for data keys that no branch tells
 * apart the list of those that are to go, in bulla_rotated.
 *
 * The row says from when on branch versions count as new, so that a run that takes a rotation up goes on with the same one.
 */
#ifndef DB_ROTATION_H
#define DB_ROTATION_H

#include "db/job.h"
#include "db/quarantine.h"
#include "db/target.h"

typedef struct bulla_rotation {
	bool found;   /* there was a rotation of this model */
	bool pending; /* and it has not ended */
	bulla_rotate_kind kind;
	int64_t since_us; /* branch versions made earlier are old; 0: whichever is the newest is current */
	int64_t began_ms, ended_ms;
	uint64_t round;     /* passes over the table that have ended */
	uint64_t done;      /* rows that it has changed */
	bulla_buf position; /* of the pass under way: the locator of the last row that is done with */
	bulla_buf current;  /* JSON: for each key column the version that it goes to, where all rows have the same */
} bulla_rotation;

const char *bulla_rotate_kind_name(bulla_rotate_kind kind); /* "wrap", "data", "index", "context" */

void bulla_rotation_done(bulla_rotation *rotation);

/* `rotation` is cleared first. A table that does not exist has none. */
BULLA_MUST bulla_code bulla_rotation_load(bulla_db *db, const char *model, bulla_rotation *rotation, bulla_error *err);
/* Writes the row, making the table where it is missing; inside a transaction. */
BULLA_MUST bulla_code bulla_rotation_store(bulla_db *db, const char *model, const bulla_rotation *rotation, bulla_error *err);

/* --- data keys that are to go -------------------------------------------------------------------------------------- */
/* `commitment`: of a wrapped key. All inside a transaction but _has. */
BULLA_MUST bulla_code bulla_rotated_make(bulla_db *db, bulla_error *err);
BULLA_MUST bulla_code bulla_rotated_add(bulla_db *db, const char *model, bulla_bytes commitment, bulla_error *err);
BULLA_MUST bulla_code bulla_rotated_has(bulla_db *db, const char *model, bulla_bytes commitment, bool *ret, bulla_error *err);
BULLA_MUST bulla_code bulla_rotated_forget(bulla_db *db, const char *model, bulla_error *err);

/* --- indexes that are being replaced: bulla_window -------------------------------------------------------------------- */
/* `column`: of the older index. The first and the last inside a transaction; the list has columns in the place of primary keys. */
BULLA_MUST bulla_code bulla_window_note(bulla_db *db, const char *model, const char *column, bulla_error *err);
BULLA_MUST bulla_code bulla_window_list(bulla_db *db, const char *model, bulla_aside *ret, bulla_error *err);
BULLA_MUST bulla_code bulla_window_forget(bulla_db *db, const char *model, const char *column, bulla_error *err);

#endif
