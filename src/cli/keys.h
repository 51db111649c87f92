/*
 * keys.h - what the commands `key ...` share: finding the key, showing it, counting what hangs from it.
 */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include "cli/work.h"
#include "lib/branches.h"
#include "lib/retire.h"

/* The project with its engine. */
BULLA_MUST bulla_code bulla_keys_open(bulla_cli *cli, bulla_project **ret, bulla_error *err);

/* The engine's key that the first argument names, and the name as the engine wants it. */
BULLA_MUST bulla_code bulla_keys_find(bulla_cli *cli, bulla_project *project, bulla_key_info *ret, bulla_error *err);
/* Does this environment of bulla.yaml name it among the keys that wrap? */
bool bulla_keys_in_use(bulla_project *project, const bulla_key_info *key);
/* The name of an environment with this key store that wraps with it; that names it at all. NULL: none does. */
const char *bulla_keys_user(bulla_project *project, const bulla_key_info *key);
const char *bulla_keys_namer(bulla_project *project, const bulla_key_info *key);

/* "enabled", "closing", "disabled", "pending deletion". */
const char *bulla_keys_state(const bulla_key_info *key);
/* Its aliases, else its id. */
const char *bulla_keys_name(const bulla_key_info *key);
void bulla_keys_put(bulla_json_writer *w, const char *name, const bulla_key_info *key);
void bulla_keys_put_time(bulla_json_writer *w, const char *name, int64_t time_us); /* nothing for 0 */
/* One key as the answer of a command. */
BULLA_MUST bulla_code bulla_keys_show(bulla_cli *cli, const bulla_key_info *key, bulla_error *err);

/* A KEY or --branch: USAGE for both and for neither. */
BULLA_MUST bulla_code bulla_keys_check_one(const bulla_cli *cli, bulla_error *err);
/* Closes or opens the branch key of records that is printed `name`, and shows it. REFUSED for one of another purpose. */
BULLA_MUST bulla_code bulla_keys_move_branch(bulla_cli *cli, const bulla_branch_keeper *keeper, const char *name,
					     bulla_code (*move)(void *self, bulla_bytes identity, bulla_error *err),
					     bulla_branch_fate *ret, bulla_error *err);

/* --- census.c ------------------------------------------------------------------------------------------------------ */
/* Adds the rows of every table, or of one model's. */
BULLA_MUST bulla_code bulla_keys_count(bulla_cli *cli, const bulla_project *project, const bulla_model *model_or_null,
				       bool every_row, bulla_references *refs, bulla_error *err);
void bulla_keys_put_sum(bulla_json_writer *w, const char *name, const bulla_reference_sum *sum);

static inline void bulla_references_closed(bulla_references *refs)
{
	bulla_references_done(refs);
}

#define BULLA_REFERENCES_AUTO __attribute__((cleanup(bulla_references_closed))) bulla_references

#endif
