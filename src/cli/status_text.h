/*
 * status_text.h - a model's status for people, from the JSON object that bulla_job_status() writes.
 */
#ifndef CLI_STATUS_TEXT_H
#define CLI_STATUS_TEXT_H

#include "base/json.h"
#include "cli/cli.h"

BULLA_MUST bulla_code bulla_status_print(bulla_cli *cli, const bulla_json *status, bulla_error *err);
void bulla_status_suggest(bulla_cli *cli, const bulla_json *status); /* the line `Next:` */

#endif
