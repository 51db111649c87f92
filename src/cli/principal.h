/*
 * principal.h - the verbs of `kms principal` that only look.
 */
#ifndef CLI_PRINCIPAL_H
#define CLI_PRINCIPAL_H

#include "base/json.h"
#include "cli/work.h"

bulla_code bulla_principal_list(bulla_cli *cli, bulla_project *project, bulla_error *err);
bulla_code bulla_principal_can(bulla_cli *cli, bulla_project *project, bulla_error *err);

/* A table of the principals in such an array as kms/overview.h writes. */
BULLA_MUST bulla_code bulla_principals_print(bulla_cli *cli, const bulla_json *principals, bulla_error *err);

#endif
