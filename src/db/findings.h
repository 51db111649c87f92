/*
 * findings.h - what was found about a table before a job begins: refusals, each with its code, and warnings.
 */
#ifndef DB_FINDINGS_H
#define DB_FINDINGS_H

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

#endif
