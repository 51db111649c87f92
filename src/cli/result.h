/*
 * result.h - what a job has done, as JSON.
 */
#ifndef CLI_RESULT_H
#define CLI_RESULT_H

#include "cli/work.h"

/* The array "models" of the answer. Only with --json; nothing otherwise. */
void bulla_results_open(bulla_cli *cli);
void bulla_results_close(bulla_cli *cli);

/* One element of it, left open for more members: close it with bulla_json_close(w, '}'). `done` is what the job calls its rows: "sealed",
 * "equal". */
bulla_json_writer *bulla_result_open(bulla_cli *cli, const bulla_model *model, const char *done, const bulla_job_result *result);

/* `heading`, and a list of {"where","how_to_end"} for people; nothing where the list is empty. */
BULLA_MUST bulla_code bulla_print_places(bulla_cli *cli, const char *heading, bulla_bytes places, bulla_error *err);

#endif
