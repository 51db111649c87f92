/*
 * founding.h - the rows that every store has before it has a key: canary with the root key's note, and the log's seed.
 */
#ifndef KMS_FOUNDING_H
#define KMS_FOUNDING_H

#include "kms/draft.h"
#include "kms/snapshot.h"

/* Drafts both under `root`. LIMIT for a note that is too long. */
BULLA_MUST bulla_code bulla_founding_draft(bulla_draft *draft, bulla_lane *lane, const bulla_root *root, bulla_bytes note,
					   const bulla_secret *seed, bulla_error *err);

/* The log's seed of loaded META rows, after the root key has been found right. CORRUPT. */
BULLA_MUST bulla_code bulla_founding_seed(const bulla_stored_row *rows, size_t n, bulla_lane *lane, const bulla_root *root,
					  bulla_secret *ret, bulla_error *err);

#endif
