/*
 * check.h - what forbids sealing a table, and what its owner should know first: told by plan, obeyed by apply and finish.
 */
#ifndef DB_CHECK_H
#define DB_CHECK_H

#include "db/findings.h"
#include "db/run.h"

/* Whatever follows from the definition of the table, its model and the other models of the database, without reading a row. */
BULLA_MUST bulla_code bulla_check(const bulla_run *run, bulla_findings *findings, bulla_error *err);

/* The part of it that is about one field (check_field.c). */
BULLA_MUST bulla_code bulla_check_field(const bulla_mapping *mapping, const struct bulla_mapped_field *field,
					bulla_findings *findings, bulla_error *err);

/* A hash over the definition of the table, without what a job adds to it, and over the model: 64 hex digits. */
BULLA_MUST bulla_code bulla_fingerprint(const bulla_mapping *mapping, char out[static 65], bulla_error *err);

/* Can a trigger of the user's fire when the sealed columns are written? Then what was read may change under our own hands. */
bool bulla_check_triggers_fire(const bulla_mapping *mapping);

#endif
