/*
 * verify.h - the inside of `verify`: one pass over all rows of a snapshot, by as many threads as asked for.
 */
#ifndef DB_VERIFY_H
#define DB_VERIFY_H

#include "db/census.h"
#include "db/digest.h"
#include "db/evidence.h"
#include "db/page.h"
#include "db/quarantine.h"
#include "db/run.h"
#include "db/workers.h"

#define BULLA_EXAMPLES_MAX 100 /* primary keys of differing rows that a report names */

/* What a pass finds, of one page or of all. */
typedef struct bulla_verified {
	uint64_t rows; /* looked at */
	uint64_t equal;
	uint64_t differences;
	uint64_t unsealed;
	uint64_t failed;     /* rows that did not open; they are in `aside` */
	uint64_t shredded;   /* under a branch that was destroyed on purpose */
	uint64_t stale;      /* strict: under keys that are no longer current, or with too few wraps */
	bulla_digest digest; /* of the rows that opened */
	bulla_census census;
	bulla_aside aside;    /* rows that did not open */
	bulla_aside examples; /* rows that differ; the reason is NONE */
} bulla_verified;

void bulla_verified_done(bulla_verified *verified);

typedef struct bulla_verify bulla_verify;

/* Looks at the opened rows of one page, in some thread, and counts them in `found`. */
typedef bulla_code (*bulla_verify_judge)(const bulla_verify *verify, const bulla_page *page, bulla_lane *lane, bulla_buf *scratch,
					 bulla_verified *found, bulla_error *err);

/* What one pass is to do. */
typedef struct bulla_verify_pass {
	bool open;                  /* open the rows and compare */
	bulla_verify_judge compare; /* NULL: bulla_verify_compare */
	bool paged;      /* each page in a transaction of its own, ended before its rows are opened; the caller has none */
	uint64_t first;  /* only so many rows; 0: all */
	uint64_t sample; /* 0: all; else about so many */
	const bulla_bytes
		*current; /* strict: a wrapped key for each key of the model, made just now (empty where rows differ); NULL: not
	                             * strict */
	size_t min_wraps;
	bulla_evidence *evidence;          /* adds up what is stored, where it is not NULL */
	const bulla_evidence *known, *now; /* only rows whose sums differ between these two are opened, where they are not NULL */
	const bulla_secret *evidence_key;
} bulla_verify_pass;

struct bulla_verify {
	bulla_run *run;
	bulla_shape shape;
	bulla_secret digest_key;
	bulla_workers *workers;
	size_t slot_count;
	struct bulla_verify_slot *slots;
	const char *phase; /* for progress */
	bool asks;         /* opening rows asks the KMS again and again: every pass that opens is paged */
	uint64_t total;
	/* of the pass under way */
	const bulla_verify_pass *pass;
	bulla_walk *walk;
	bulla_verified *found;
	uint64_t random; /* state of the choice of a sample */
	uint64_t walked;
	const bulla_value *pending; /* a row that was read and did not fit */
	bulla_buf position;         /* paged: of the last row that is done with */
	bool ended;
};

/* `workers` 0: two threads, the caller's being one. `indexes`: blind indexes are computed too, to be compared. */
BULLA_MUST bulla_code bulla_verify_init(bulla_verify *verify, bulla_run *run, unsigned workers, bool indexes, bulla_error *err);
void bulla_verify_done(bulla_verify *verify);

/* Fetches the keys that a pass over one snapshot will need, by opening the first rows before it. Outside a transaction. */
BULLA_MUST bulla_code bulla_verify_warm(bulla_verify *verify, bulla_error *err);

/* One pass inside a transaction of the caller's (or, paged, outside one), adding to `found`. INTERRUPTED when the job shall
 * stop. */
BULLA_MUST bulla_code bulla_verify_run(bulla_verify *verify, const bulla_verify_pass *pass, bulla_verified *found,
				       bulla_error *err);

/* Compares the opened rows of one page (compare.c). `open` rows were opened with their indexes. */
BULLA_MUST bulla_code bulla_verify_compare(const bulla_verify *verify, const bulla_page *page, bulla_lane *lane,
					   bulla_buf *scratch, bulla_verified *found, bulla_error *err);

/* Pieces of a judge. fail: counts a row that did not open and puts it aside, or fails where the keys cannot be used at all; name:
 * appends its primary key to a list; digest: adds the primary key and the values as they open. */
BULLA_MUST bulla_code bulla_verify_fail_row(const bulla_verify *verify, const bulla_page *page, size_t row, bulla_verified *found,
					    bulla_error *err);
BULLA_MUST bulla_code bulla_verify_name_row(const bulla_verify *verify, const bulla_page *page, size_t row, bulla_aside *list,
					    const char *field, bulla_reason reason, bulla_error *err);
BULLA_MUST bulla_code bulla_verify_digest_row(const bulla_verify *verify, const bulla_page *page, size_t row, bulla_lane *lane,
					      bulla_buf *scratch, bulla_verified *found, bulla_error *err);

#endif
