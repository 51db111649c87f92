/*
 * grant_match.c - compares an encryption context with the constraint of a grant.
 */
#include "kms/grant_match.h"
#include "base/context.h"
#include "kms/policy_value.h"

typedef struct pairs {
	bulla_pair list[BULLA_CONTEXT_PAIRS_MAX];
	size_t n;
} pairs;

static bool read_pairs(bulla_bytes canonical, pairs *out)
{
	out->n = 0;
	return canonical.len == 0 || bulla_context_decode(canonical, out->list, &out->n, NULL) == BULLA_OK;
}

/* Takes one pair out of `rest` that is `wanted`. */
static bool take(pairs *rest, const bulla_pair *wanted)
{
	for (size_t i = 0; i < rest->n; i++) {
		if (!bulla_bytes_equal_fold(rest->list[i].name, wanted->name)) continue;
		if (!bulla_bytes_equal(rest->list[i].value, wanted->value)) continue;
		rest->list[i] = rest->list[--rest->n];
		return true;
	}
	return false;
}

static bool has_name(const pairs *of, bulla_bytes name)
{
	for (size_t i = 0; i < of->n; i++)
		if (bulla_bytes_equal_fold(of->list[i].name, name)) return true;
	return false;
}

bool bulla_grant_matches(bulla_grant_constraint constraint, bulla_bytes constraint_pairs, bulla_bytes context)
{
	pairs wanted, rest;
	if (constraint == BULLA_GRANT_ANY) return true;
	if (!read_pairs(constraint_pairs, &wanted) || !read_pairs(context, &rest)) return false;
	for (size_t i = 0; i < wanted.n; i++)
		if (!take(&rest, &wanted.list[i])) return false;
	if (constraint == BULLA_GRANT_EQUALS) return rest.n == 0;
	for (size_t i = 0; i < rest.n; i++)
		if (has_name(&wanted, rest.list[i].name)) return false;
	return constraint == BULLA_GRANT_SUBSET;
}
