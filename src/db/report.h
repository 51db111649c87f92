/*
 * report.h - the signed report of a verification: a file for people and archives, and a row in bulla_report for finish.
 *
 * A report is one JSON object on one line. Its last member is "signature": {"name", "key" (the Ed25519 public key in hex),
 * "ed25519" (base64)}. Signed is the object without that member: the line up to `,"signature":`, and then `}`. The digest in
 * it is keyed (digest.h): a report may be shown around.
 */
#ifndef DB_REPORT_H
#define DB_REPORT_H

#include "db/verify.h"

#define BULLA_REPORT_MAX (1u << 20)

/* What a report says beyond what was found. */
typedef struct bulla_report {
	const bulla_run *run;
	const bulla_verified *found;
	int64_t at_us;
	uint64_t rows; /* in the table */
	uint64_t sample;
	bool strict;
	bool paged;    /* read page by page; else in one snapshot */
	bool complete; /* every row was looked at */
	bool clean;    /* and nothing was wrong */
	bool finished; /* there was no plaintext to compare with */
	const char *fingerprint;
	const char *title;    /* NULL: "bulla verification" */
	bulla_bytes undo;     /* JSON text: what an undo did; empty: it is none */
	const char *equal_to; /* the digest is that of the report of this time; NULL: of none that is known */
} bulla_report;

/* Appends the signed line, with its line break. */
BULLA_MUST bulla_code bulla_report_make(const bulla_report *report, bulla_buf *out, bulla_error *err);
/* Writes it to <reports>/<model>-<time>.json, whose path goes to `ret_path`; "" where the job has no such directory. */
BULLA_MUST bulla_code bulla_report_file(const bulla_report *report, bulla_bytes line, char *ret_path, size_t size,
					bulla_error *err);
/* The pieces of it that other reports are made of: a time in UTC (null for 0); the signed line, with its line break, of a JSON object; the
 * file <reports>/<subject>-<time>.json. */
void bulla_report_time(bulla_json_writer *w, const char *name, int64_t us);
BULLA_MUST bulla_code bulla_report_sign(const bulla_job *job, bulla_bytes object, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_report_save(const bulla_job *job, const char *subject, int64_t at_us, bulla_bytes line,
					char *ret_path, size_t size, bulla_error *err);
/* Keeps it in bulla_report; inside a transaction. */
BULLA_MUST bulla_code bulla_report_keep(const bulla_report *report, bulla_bytes line, bulla_error *err);

/* The newest report in the database of a complete and clean verification of this model, if its signature is by `seed`. */
typedef struct bulla_last_report {
	bool found;
	char digest[65];
	char fingerprint[65];
	char at[32];
	uint64_t rows;
} bulla_last_report;
BULLA_MUST bulla_code bulla_report_last(const bulla_run *run, const uint8_t seed[static 32], bulla_last_report *ret,
					bulla_error *err);

/* Checks a report's signature against a public key. AUTH, FORMAT. */
BULLA_MUST bulla_code bulla_report_check(bulla_bytes line, const uint8_t public_key[static 32], bulla_error *err);

#endif
