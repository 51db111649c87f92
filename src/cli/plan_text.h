/*
 * plan_text.h - a plan for people.
 */
#ifndef CLI_PLAN_TEXT_H
#define CLI_PLAN_TEXT_H

#include "cli/cli.h"

/* Prints the plan of one model (docs/PLAN.md). */
BULLA_MUST bulla_code bulla_plan_print(bulla_cli *cli, bulla_bytes plan, bulla_error *err);

#endif
