/*
 * tombstones.h - after a key store came back: what the databases say was shredded is destroyed in it again.
 *
 * The audit log says so too, where it is still there (lib/branches.h); the databases say it where the log was lost as well.
 */
#ifndef CLI_TOMBSTONES_H
#define CLI_TOMBSTONES_H

#include "cli/work.h"

/* Asks every database that bulla.yaml names; one that cannot be asked is a warning. Adds to `ret_buried` how many branch keys were alive in
 * the open store. */
BULLA_MUST bulla_code bulla_cli_bury(bulla_cli *cli, bulla_project *project, uint64_t *ret_buried, bulla_error *err);

/* The same for a project that is not open. */
BULLA_MUST bulla_code bulla_cli_bury_again(bulla_cli *cli, uint64_t *ret_buried, bulla_error *err);

/* Tells how many; nothing for none. With --json the member "destroyed_again". */
void bulla_cli_tell_buried(bulla_cli *cli, uint64_t buried);

#endif
