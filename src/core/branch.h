/*
 * branch.h - who a branch key is: its identity, its print and the context under which it is wrapped (docs/FORMAT.md, "Branch keys").
 *
 * Identity: u8 purpose, u16-prefixed scope, u8 count, then each part u16-prefixed. The scope is the template's text with {} in the place
 * of each value ("user:{}"), of an index key "index"; the parts are the values. So two branches are the same only when every part is.
 */
#ifndef CORE_BRANCH_H
#define CORE_BRANCH_H

#include "core/branch_store.h"
#include "core/schema.h"
#include "crypto/lane.h"

#define BULLA_BRANCH_IDENTITY_MAX 1024
#define BULLA_BRANCH_DEPTH_MAX    8 /* branches under branches */

/* Appends the identity. LIMIT beyond BULLA_BRANCH_IDENTITY_MAX bytes. */
BULLA_MUST bulla_code bulla_branch_identity(bulla_branch_purpose purpose, bulla_bytes scope, const bulla_bytes *parts, size_t n,
					    bulla_buf *out, bulla_error *err);

/* Appends the scope of a template: literals as they are, {} for each value. */
BULLA_MUST bulla_code bulla_branch_scope(const bulla_template *name, bulla_buf *out, bulla_error *err);

/* Appends the print of an identity, for people and audit records: the scope with its values, in which `:` `/` and `%` are
 * percent-encoded; "index:users/email" for an index key. FORMAT when the identity does not parse. */
BULLA_MUST bulla_code bulla_branch_print(bulla_bytes identity, bulla_buf *out, bulla_error *err);

/* An identity taken apart; all are views into it. */
typedef struct bulla_branch_name {
	bulla_branch_purpose purpose;
	bulla_bytes scope;
	size_t n; /* parts, at most BULLA_INPUTS_MAX */
	bulla_bytes parts[BULLA_INPUTS_MAX];
} bulla_branch_name;

/* FORMAT when it does not parse, LIMIT for more parts than a template has. */
BULLA_MUST bulla_code bulla_branch_parse(bulla_bytes identity, bulla_branch_name *ret, bulla_error *err);

/* "record", "index", "shared"; static. */
const char *bulla_branch_purpose_name(bulla_branch_purpose purpose);
BULLA_MUST bulla_code bulla_branch_purpose_of(bulla_bytes identity, bulla_branch_purpose *ret, bulla_error *err);

/* Appends the identity of the branch that is printed so, whatever its purpose and state. The store is asked: a branch whose model bulla.yaml
 * does not name any more is found too. NOT_FOUND; REFUSED when two share the print. */
BULLA_MUST bulla_code bulla_branch_find(const bulla_branch_store *store, const char *print, bulla_buf *out, bulla_error *err);

/* Appends the canonical context under which version `version` of a branch key is wrapped: bulla_branch (the print), bulla_identity (hex
 * of the first 16 bytes of SHA-256 over the identity), bulla_purpose, bulla_version. A wrapped branch key that was moved to another row
 * of the store does not open. */
BULLA_MUST bulla_code bulla_branch_context(bulla_lane *lane, bulla_bytes identity, uint64_t version, bulla_buf *out,
					   bulla_error *err);

#endif
