/*
 * branches.h - closing and destroying the branch keys of a project, and keeping destroyed ones dead when an older store comes back.
 *
 * The audit records are BranchClosing, BranchReopened, and one BranchDestroyed for each version, whose id is its `material`. The record
 * comes first: where the store then refuses, a second one names the error.
 */
#ifndef LIB_BRANCHES_H
#define LIB_BRANCHES_H

#include "core/branch_keeper.h"
#include "lib/project.h"

/* `project` is open as ENGINE and outlives the keeper. */
bulla_branch_keeper bulla_project_keeper(bulla_project *project);

/* Destroys again whatever of these versions is alive in the open store; those that it does not know are fine. Adds to `ret_buried`. */
BULLA_MUST bulla_code bulla_project_bury(bulla_project *project, const uint64_t *versions, size_t n, uint64_t *ret_buried,
					 bulla_error *err);

/* The same for what the entries first..end-1 of the open log say was destroyed. */
BULLA_MUST bulla_code bulla_project_bury_logged(bulla_project *project, uint64_t first, uint64_t end, uint64_t *ret_buried,
						bulla_error *err);

#endif
