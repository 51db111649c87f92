/*
 * records.h - decrypted records on stdout: for people, as CSV, as JSON lines; and which record is meant.
 */
#ifndef CLI_RECORDS_H
#define CLI_RECORDS_H

#include "cli/work.h"

typedef struct bulla_printer {
	bulla_cli *cli;
	uint64_t records;
	bulla_buf line;
} bulla_printer;

/* Each fits bulla_record_each; `self` is a bulla_printer. */
bulla_code bulla_print_block(void *self, const char *const *names, const bulla_value *values, size_t n, bulla_error *err);
bulla_code bulla_print_csv(void *self, const char *const *names, const bulla_value *values, size_t n, bulla_error *err);
bulla_code bulla_print_json(void *self, const char *const *names, const bulla_value *values, size_t n, bulla_error *err);

/* The primary key: from --pk COLUMN=VALUE where given, else from `id`: the value, or "7,42" for two columns. `pk` has room for
 * BULLA_INPUTS_MAX views. */
BULLA_MUST bulla_code bulla_cli_pk(const bulla_cli *cli, const bulla_model *model, const char *id, bulla_bytes *pk, size_t *ret_n,
				   bulla_error *err);

#endif
