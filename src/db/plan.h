/*
 * plan.h - writing a plan, with room for what a rehearsal adds.
 */
#ifndef DB_PLAN_H
#define DB_PLAN_H

#include "db/job.h"

/* Surveys the table and writes the plan's members into a JSON object that is left open. */
BULLA_MUST bulla_code bulla_plan_write(const bulla_job *job, bulla_json_writer *out, size_t *ret_refusals, bulla_error *err);

#endif
