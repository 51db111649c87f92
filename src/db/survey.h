/*
 * survey.h - the facts that a plan is made of: one walk over the table, its values measured, counted and forgotten.
 */
#ifndef DB_SURVEY_H
#define DB_SURVEY_H

#include "db/check.h"
#include "db/run.h"
#include "db/tally.h"

/* What one field's column holds. */
struct bulla_column_facts {
	uint64_t nulls, empty, text, integer, real, binary;
	uint64_t wrong_type, not_utf8, too_large;
	uint64_t longest, bytes; /* of the values that can be sealed */
	uint64_t sealed_longest, sealed_bytes;
	bulla_tally tally; /* of an indexed field */
};

typedef struct bulla_survey {
	bulla_run *run;
	bulla_shape shape;
	bulla_lane *lane;
	bulla_findings findings;
	struct bulla_column_facts *columns;
	uint64_t rows, keyed; /* rows that need a wrapped key */
	bulla_buf scratch;
} bulla_survey;

BULLA_MUST bulla_code bulla_survey_init(bulla_survey *survey, bulla_run *run, bulla_error *err);
void bulla_survey_done(bulla_survey *survey); /* also after a failed init */

/* Reads everything in one snapshot, and judges it: survey->findings. INTERRUPTED when the job is told to stop. */
BULLA_MUST bulla_code bulla_survey_take(bulla_survey *survey, bulla_error *err);

#endif
