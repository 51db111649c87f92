/*
 * proposal.h - the text of a new bulla.yaml.
 */
#ifndef CLI_PROPOSAL_H
#define CLI_PROPOSAL_H

#include "cli/cli.h"

#define BULLA_TABLES_MAX 64

/* One --table with its --fields and --index. Views into the command line. */
typedef struct bulla_wish {
	const char *table;
	bulla_bytes fields[64];
	size_t field_count;
	bulla_bytes indexes[64];
	size_t index_count;
} bulla_wish;

/* The options in their order: each --fields and --index belongs to the --table before it. */
BULLA_MUST bulla_code bulla_wishes_read(const bulla_cli *cli, bulla_wish wishes[static BULLA_TABLES_MAX], size_t *ret_n,
					bulla_error *err);

/* Appends the whole file. `proposals` are what bulla_database_propose() answered, one for each wish; `ret_warnings`
 * receives their warnings, one a line. With no wish the models are an example in comments. */
BULLA_MUST bulla_code bulla_proposal_write(const char *environment, const char *url, const bulla_wish *wishes,
					   bulla_json *const *proposals, size_t n, bulla_buf *out, bulla_buf *ret_warnings,
					   bulla_error *err);

#endif
