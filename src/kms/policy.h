/*
 * policy.h - IAM policy documents: read once, then asked about requests.
 *
 * The language is the one of AWS's "IAM JSON policy elements reference", versions 2008-10-17 and 2012-10-17 (policy variables only in the latter), as
 * far as a key service can answer it; docs/POLICIES.md lists operators and condition keys, and where the two differ. Pure: no clock, no I/O; a question
 * allocates nothing. Combining the policies of several places, grants and freezes is not done here.
 */
#ifndef KMS_POLICY_H
#define KMS_POLICY_H

#include "base/buf.h"
#include "kms/access.h"

#define BULLA_POLICY_TEXT_MAX       32768 /* bytes of a document: AWS's quota for a key policy */
#define BULLA_POLICY_STATEMENTS_MAX 256
#define BULLA_POLICY_LIST_MAX       1024 /* entries of one Action, Resource, Principal or condition value */
#define BULLA_POLICY_CONDITIONS_MAX 256  /* operator and key, in one statement */
#define BULLA_POLICY_STRING_MAX     2048 /* bytes of one string in a document */
#define BULLA_POLICY_VARIABLES_MAX  8    /* ${...} in one string, the three fixed ones not counted */

/* Immutable after parsing; any number of threads may ask it. */
typedef struct bulla_policy bulla_policy;

typedef enum bulla_policy_kind {
	BULLA_POLICY_IDENTITY = 0, /* attached to a principal: no Principal in it */
	BULLA_POLICY_KEY =
		1 /* attached to a key: every statement has Principal or NotPrincipal, and "*" as Resource is this key */
} bulla_policy_kind;

/* Ordered: of two, the greater one wins. */
typedef enum bulla_policy_verdict {
	BULLA_POLICY_NONE = 0,  /* no statement applies */
	BULLA_POLICY_ALLOW = 1, /* one allows, none denies */
	BULLA_POLICY_DENY = 2   /* one denies */
} bulla_policy_verdict;

/* An explicit deny beats an allow, an allow beats silence. */
static inline bulla_policy_verdict bulla_policy_both(bulla_policy_verdict a, bulla_policy_verdict b)
{
	return a > b ? a : b;
}

typedef struct bulla_policy_decision {
	bulla_policy_verdict verdict;
	bool by_account; /* ALLOW of a key policy, and only through the caller's account: it leaves the decision to the account's identity
			   * policies, and is no permission by itself. False where a statement names the caller, its role or everybody. */
	size_t statement; /* the deciding one, counted from 0; meaningless with NONE */
	const char *sid;  /* its Sid, borrowed from the policy; NULL when it has none */
} bulla_policy_decision;

/* Reads a document. FORMAT for anything that is not one, with the statement (counted from 1) and the member in its text; LIMIT beyond a number above;
 * MEMORY. The text's strings are copied. */
BULLA_MUST bulla_code bulla_policy_parse(bulla_bytes text, bulla_policy_kind kind, bulla_policy **out, bulla_error *err);
void bulla_policy_free(bulla_policy *policy); /* NULL is fine */

/* What the policy says of `access`. Inside one document an explicit deny wins; among statements that allow, one that does so directly decides before
 * one that does so through the account. */
bulla_policy_decision bulla_policy_evaluate(const bulla_policy *policy, const bulla_access *access);

/* Appends a line for each statement, in order: that it allows or denies, or the first thing in it (action, resource, principal, then the conditions) that
 * does not fit `access`. No value of the request is in it. Errors are those of appending. */
BULLA_MUST bulla_code bulla_policy_explain(const bulla_policy *policy, const bulla_access *access, bulla_buf *out,
					   bulla_error *err);

size_t bulla_policy_statements(const bulla_policy *policy);

#endif
