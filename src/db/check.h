/*
 * check.h - what forbids sealing a table, and what its owner should know first: told by plan, obeyed by apply and finish.
 */
#ifndef DB_CHECK_H
#define DB_CHECK_H

#include "db/mapping.h"

#include "base/json.h"

#define BULLA_FINDINGS_MAX 200

/* One thing that was found. Texts are as long as those of an error. */
typedef struct bulla_finding {
	bool refusal;    /* else a warning */
	bulla_code code; /* of a refusal */
	char text[BULLA_ERROR_TEXT_MAX];
	char next[BULLA_ERROR_TEXT_MAX];
} bulla_finding;

typedef struct bulla_findings {
	size_t n; /* at most BULLA_FINDINGS_MAX are kept */
	size_t refusals;
	bulla_finding *list;
} bulla_findings;

void bulla_findings_done(bulla_findings *findings);

/* Each adds one; `format` makes the text, `next` (may be NULL) is the step to take. */
BULLA_MUST bulla_code bulla_refuse(bulla_findings *findings, bulla_error *err, bulla_code code, const char *next,
				   const char *format, ...) BULLA_PRINTF(5, 6);
BULLA_MUST bulla_code bulla_warn(bulla_findings *findings, bulla_error *err, const char *next, const char *format, ...)
	BULLA_PRINTF(4, 5);

/* The first refusal as an error; BULLA_OK when there is none. */
bulla_code bulla_findings_first(const bulla_findings *findings, bulla_error *err);
/* Writes the arrays "refusals" and "warnings". */
void bulla_findings_tell(const bulla_findings *findings, bulla_json_writer *out);

/* Whatever follows from the definition of the table and the model alone, without reading a row. */
BULLA_MUST bulla_code bulla_check(const bulla_mapping *mapping, const bulla_schema *schema, bulla_findings *findings,
				  bulla_error *err);

/* A hash over the definition of the table, without what a job adds to it, and over the model: 64 hex digits. */
BULLA_MUST bulla_code bulla_fingerprint(const bulla_mapping *mapping, char out[static 65], bulla_error *err);

/* Can a trigger of the user's fire when the sealed columns are written? Then what was read may change under our own hands. */
bool bulla_check_triggers_fire(const bulla_mapping *mapping);

#endif
