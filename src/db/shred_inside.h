/*
 * shred_inside.h - the pieces of a shred: the subject, the tables that have rows of it, the report.
 */
#ifndef DB_SHRED_INSIDE_H
#define DB_SHRED_INSIDE_H

#include "core/branch.h"
#include "db/page.h"
#include "db/run.h"
#include "db/shred.h"
#include "db/shred_book.h"

#define BULLA_SHRED_SAMPLE   25           /* rows of one table that are asked for again as a proof */
#define BULLA_SHRED_BATCH    500          /* rows cleared in one transaction */
#define BULLA_SHRED_VERSIONS (64u << 20)  /* bytes: 8 million versions of the branch and of those below it */
#define BULLA_SHRED_BELOW    (256u << 20) /* bytes of their identities */

/* --- the subject (shred_subject.c) --------------------------------------------------------------------------------- */
typedef struct bulla_subject {
	bulla_buf identity;
	bulla_buf print;
	bulla_branch_name name; /* views into `identity` */
	bulla_branch_fate fate;
	bulla_buf versions; /* u64 each: of the branch, then of those below it */
	size_t own;         /* bytes of them that are the branch's own */
	bulla_buf
		below; /* u16-prefixed identities of what goes with it: branches that hang from it, each behind its parent, and index keys */
	size_t below_count;
	bool shares;               /* a shared data key hangs from it */
	bool shared;               /* its name does not hold the whole primary key of the record that was named */
	char id[BULLA_SUBJECT_ID]; /* in the bookkeeping */
} bulla_subject;

void bulla_subject_done(bulla_subject *subject);
/* The name in the bookkeeping of an erased record. */
BULLA_MUST bulla_code bulla_subject_id(const char *model, bulla_bytes pk, char out[static BULLA_SUBJECT_ID], bulla_error *err);
/* Are the model's branches named as the subject is, with other values? */
bool bulla_subject_has_scope(const bulla_subject *subject, const bulla_model *model);
/* The branch that the record hangs from. REFUSED, NOT_FOUND. */
BULLA_MUST bulla_code bulla_subject_of_record(const bulla_shred_options *options, bulla_subject *ret, bulla_error *err);
/* The branch with that print. REFUSED for one that is none of records, or where two share the print. */
BULLA_MUST bulla_code bulla_subject_of_branch(const bulla_shred_options *options, bulla_subject *ret, bulla_error *err);
/* Its fate, its versions, and what hangs from it, as they are now. */
BULLA_MUST bulla_code bulla_subject_look(const bulla_shred_options *options, bulla_subject *subject, bulla_error *err);

/* shred_scoped.c: has the index a key for the subject alone? Those keys, of all models, beside what hangs from the branch. */
bool bulla_subject_has_index(const bulla_shred_options *options, const bulla_subject *subject, const bulla_model *model,
			     const bulla_index_spec *index);
BULLA_MUST bulla_code bulla_subject_look_scoped(const bulla_shred_options *options, bulla_subject *subject, bulla_error *err);

/* The record itself: its row through `run`, or NULL. The page keeps it. REFUSED where two rows answer to that key. */
BULLA_MUST bulla_code bulla_shred_find_row(bulla_run *run, const bulla_shape *shape, const bulla_bytes *pk, size_t pk_count,
					   bulla_page *page, bulla_error *err);

/* --- one model's rows (shred_rows.c) ------------------------------------------------------------------------------- */
typedef enum bulla_shred_which {
	BULLA_SHRED_UNDER = 1,  /* hang from the subject's branch */
	BULLA_SHRED_OTHERS = 2, /* have a key, and another one */
	BULLA_SHRED_STRAYS = 3, /* are the subject's by their columns, and hang from another key */
	BULLA_SHRED_SEALED = 4  /* have a ciphertext */
} bulla_shred_which;

typedef struct bulla_shred_table {
	const bulla_job *job;
	bulla_run run;
	bulla_shape shape;
	bulla_batch *batch;
	bulla_writer *writer;
	size_t *fields;  /* all of the model's, for the writer */
	bulla_buf stale; /* UPDATE that clears index columns of earlier versions; empty where there are none */
	bulla_shred_entry book;
	uint64_t rows; /* under the branch, when they were counted last */
	uint64_t strays;
	uint64_t cleared, refused; /* by this run */
	uint64_t proven, still_open;
	uint64_t neighbours, lost;
	bool resumed;      /* an earlier run was cut off while it cleared */
	bool rewritten;    /* its database was */
	bulla_page sample; /* rows of the subject, kept from before they were cleared */
	bulla_page beside; /* neighbours that opened before */
} bulla_shred_table;

/* Opens the database, lays the model over its table. `versions` (u64 each) are those that BULLA_SHRED_UNDER means. */
BULLA_MUST bulla_code bulla_shred_table_open(bulla_shred_table *table, const bulla_job *job, const bulla_subject *subject,
					     bulla_error *err);
void bulla_shred_table_close(bulla_shred_table *table);

BULLA_MUST bulla_code bulla_shred_count(bulla_shred_table *table, const bulla_subject *subject, bulla_shred_which which,
					uint64_t *ret, bulla_error *err);
/* Appends the locators of at most `limit` rows behind `from` (NULL: from the first row), as bulla_position_write() has them, u16-prefixed. */
BULLA_MUST bulla_code bulla_shred_find(bulla_shred_table *table, const bulla_subject *subject, bulla_shred_which which,
				       const bulla_value *from, size_t limit, bulla_buf *out, bulla_error *err);
/* The writer with the statement that clears, and the batch that opens. */
BULLA_MUST bulla_code bulla_shred_prepare(bulla_shred_table *table, bulla_error *err);
/* Clears one row inside a transaction of the caller's: CONFLICT when it is gone, REFUSED when the table does not take it. */
BULLA_MUST bulla_code bulla_shred_clear_row(bulla_shred_table *table, const bulla_value *locator, bulla_error *err);
/* Clears every row under the branch, in batches, under the model's lease. */
BULLA_MUST bulla_code bulla_shred_clear(bulla_shred_table *table, const bulla_subject *subject, bulla_error *err);
/* Does what is cleared mean something without the branch key: a blind index, or fields that hang from a KMS key of their own? */
bool bulla_shred_leaves_sense(const bulla_model *model, bool erase);

/* --- proof (shred_proof.c) ----------------------------------------------------------------------------------------- */
/* Before: keeps a sample of the rows, and up to `n` neighbours that open. */
BULLA_MUST bulla_code bulla_shred_keep_sample(bulla_shred_table *table, const bulla_subject *subject, bulla_error *err);
BULLA_MUST bulla_code bulla_shred_keep_neighbours(bulla_shred_table *table, const bulla_subject *subject, bulla_shred_which which,
						  const bulla_value *beside, size_t n, bulla_error *err);
/* After: the sample fails with KEY_DESTROYED; the neighbours, read again, open. Counts both. */
BULLA_MUST bulla_code bulla_shred_prove_sample(bulla_shred_table *table, bulla_error *err);
BULLA_MUST bulla_code bulla_shred_prove_neighbours(bulla_shred_table *table, bulla_error *err);

/* --- the report (shred_report.c) ------------------------------------------------------------------------------------ */
typedef struct bulla_shred_report {
	const bulla_shred_options *options;
	const bulla_job *job;         /* who signs */
	const bulla_subject *subject; /* NULL: erased */
	const bulla_shred_table *tables;
	size_t table_count;
	bulla_bytes pk; /* erased: JSON */
	bool rewritten; /* free pages were */
	bulla_shred_result *result;
} bulla_shred_report;

/* Fills result->tables and result->remains, and writes the signed report. */
BULLA_MUST bulla_code bulla_shred_write_report(const bulla_shred_report *report, bulla_error *err);

/* --- one run of it --------------------------------------------------------------------------------------------------- */
typedef struct bulla_shred {
	const bulla_shred_options *options;
	bulla_shred_result *ret;
	bulla_subject subject;
	bulla_shred_table *tables; /* of every model that can have rows under a branch */
	size_t table_count;
	bool rewritten;
	bulla_run pace; /* no session: paces what is told of the whole */
} bulla_shred;

/* The job that tells progress and signs: that of the record, else the first. */
const bulla_job *bulla_shred_first_job(const bulla_shred *shred);

/* shred_survey.c: reads store and tables anew. REFUSED, NOT_FOUND, BUSY. */
BULLA_MUST bulla_code bulla_shred_survey(bulla_shred *shred, bulla_error *err);
BULLA_MUST bulla_code bulla_shred_open_tables(bulla_shred *shred, bulla_error *err);
void bulla_shred_close_tables(bulla_shred *shred);
/* Rows of the subject are there, or were when an earlier run began to clear them, or may come back with a backup. */
bool bulla_shred_is_involved(const bulla_shred *shred, const bulla_shred_table *table);
BULLA_MUST bulla_code bulla_shred_refuse_plaintext(const bulla_run *run, bulla_error *err);
BULLA_MUST bulla_code bulla_shred_check_ready(const bulla_run *run, bulla_error *err);

/* shred_unnamed.c: REFUSED where a table of these databases has rows under the branch, and none of the tables is it. */
BULLA_MUST bulla_code bulla_shred_refuse_unnamed(const bulla_shred *shred, bulla_error *err);

/* shred_end.c: in the database of the rows, which versions are going and then that they have gone; of one table or of all involved. */
BULLA_MUST bulla_code bulla_shred_note(bulla_shred *shred, bulla_shred_table *table, bulla_shred_step step, bulla_error *err);
BULLA_MUST bulla_code bulla_shred_note_all(bulla_shred *shred, bulla_shred_step step, bulla_error *err);
/* Rewrites free pages of the database of table `i` where they mean something, each database once. */
BULLA_MUST bulla_code bulla_shred_rewrite(bulla_shred *shred, size_t i, bool erase, bulla_error *err);
/* The report. `erased`: the primary key as JSON; empty for a branch. */
BULLA_MUST bulla_code bulla_shred_end(bulla_shred *shred, bulla_bytes erased, bulla_error *err);
BULLA_MUST bulla_code bulla_shred_check_signer(const bulla_shred *shred, bulla_error *err);

/* shred_erase.c */
BULLA_MUST bulla_code bulla_shred_erase(bulla_shred *shred, bulla_error *err);

#endif
