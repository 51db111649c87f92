/*
 * original.h - how a table was before the plaintext columns went: bulla_original(model, position, kind, name, sql), and the
 * definition that undo gives it back.
 *
 * The first row of a model is the table's CREATE statement, without anything of bulla's; the others are what finish dropped with
 * the columns, in the order in which it went. Definitions only, never a value.
 */
#ifndef DB_ORIGINAL_H
#define DB_ORIGINAL_H

#include "db/run.h"

#define BULLA_ORIGINALS_MAX 10000 /* of one model */

/* In bulla_job.casualties, before the text of a thing that finish dropped. */
#define BULLA_CASUALTY_TEXT "it used the plaintext and was dropped. It was: "

typedef struct bulla_original {
	bulla_arena arena;
	const char *table; /* CREATE TABLE; NULL where an older release has finished and kept none */
	size_t n;
	bulla_definition *list;
	bool *left_out; /* of `list`: constraints over columns that are no longer there, not in the definition */
} bulla_original;

/* --- writing; inside a transaction ------------------------------------------------------------------------------ */
/* Notes the table as it is, if the job has not changed it yet. */
BULLA_MUST bulla_code bulla_original_note(bulla_run *run, bulla_error *err);
/* Before the plaintext columns go: brings the note up to date with what the owner has changed since, and forgets what an earlier
 * finish dropped. */
BULLA_MUST bulla_code bulla_original_refresh(bulla_run *run, bulla_error *err);
BULLA_MUST bulla_code bulla_original_add(bulla_run *run, const bulla_definition *definition, bulla_error *err);

/* --- reading ---------------------------------------------------------------------------------------------------- */
BULLA_MUST bulla_code bulla_original_load(const bulla_run *run, bulla_original *ret, bulla_error *err);
void bulla_original_done(bulla_original *original);

/* How much of the old definition comes back. */
typedef enum bulla_fidelity {
	BULLA_DEFINITION_RECORDED = 0, /* every byte of it */
	BULLA_DEFINITION_MERGED = 1,   /* the table was altered since: its columns of today, the others as recorded */
	BULLA_DEFINITION_SCHEMA = 2    /* none is recorded: the columns have the types of the schema and no constraints */
} bulla_fidelity;
const char *bulla_fidelity_name(bulla_fidelity fidelity); /* "recorded", "merged", "schema" */

/* Appends the CREATE TABLE that the table has after the undo, with a NUL. `columns_then` is bulla_job.columns; the
 * mapping knows its own columns. FORMAT when the
 * present definition is not understood. */
BULLA_MUST bulla_code bulla_original_definition(const bulla_mapping *mapping, const bulla_buf *columns_then,
						const bulla_original *original, bulla_buf *out, bulla_fidelity *ret,
						bulla_error *err);

#endif
