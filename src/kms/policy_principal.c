/*
 * policy_principal.c - who a statement of a key policy is about.
 */
#include "kms/policy_inside.h"

#define ACCOUNT_SIZE    12
#define UNIQUE_ID_LEAST 16 /* AIDA..., AROA...: what is left of a principal that was deleted */

typedef bulla_policy_principal principal;
typedef const bulla_policy_reader reader;

/* --- reading --------------------------------------------------------------------------------------------------- */
static bool is_account(bulla_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < '0' || text.data[i] > '9') return false;
	return text.len == ACCOUNT_SIZE;
}

static bool is_unique_id(bulla_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9')) return false;
	}
	return text.len >= UNIQUE_ID_LEAST;
}

static bool starts(bulla_bytes text, const char *with)
{
	size_t n = strlen(with);
	return text.len > n && memcmp(text.data, with, n) == 0;
}

/* arn:aws:iam::ACCOUNT:root|user/...|role/... or arn:aws:sts::ACCOUNT:assumed-role/...|federated-user/... */
static bool from_arn(bulla_bytes text, principal *out)
{
	bulla_bytes arn[BULLA_ARN_SECTIONS];
	if (!bulla_arn_split(text, arn) || !bulla_bytes_is(arn[0], "arn") || !starts(arn[1], "aw") || arn[3].len ||
	    !is_account(arn[4]))
		return false;
	bool iam = bulla_bytes_is(arn[2], "iam"), sts = bulla_bytes_is(arn[2], "sts");
	if (iam && bulla_bytes_is(arn[5], "root")) {
		*out = (principal){ PRINCIPAL_ACCOUNT, arn[4] };
		return true;
	}
	*out = (principal){ PRINCIPAL_ONE, text };
	return (iam && (starts(arn[5], "user/") || starts(arn[5], "role/"))) ||
	       (sts && (starts(arn[5], "assumed-role/") || starts(arn[5], "federated-user/")));
}

static bulla_code read_aws(reader *r, bulla_bytes text, principal *out)
{
	char shown[BULLA_SHOWN_MAX];
	*out = (principal){ PRINCIPAL_ANY, text };
	if (bulla_bytes_is(text, "*")) return BULLA_OK;
	if (memchr(text.data, '*', text.len) || memchr(text.data, '?', text.len))
		return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "\"%s\": a principal is named in full, or is \"*\"",
					  bulla_policy_shown(text, shown));
	out->kind = is_account(text) ? PRINCIPAL_ACCOUNT : PRINCIPAL_ONE;
	if (is_account(text) || is_unique_id(text) || from_arn(text, out)) return BULLA_OK;
	return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "\"%s\" is no account, no ARN of a user, role or session, and not \"*\"",
				  bulla_policy_shown(text, shown));
}

typedef struct collector {
	reader *reader;
	principal *list;
	size_t n;
	bulla_code code;
} collector;

static bulla_code add_value(collector *c, const bulla_json *node, bool aws)
{
	bulla_bytes text;
	TRY(bulla_policy_string(c->reader, node, &text));
	if (text.len == 0) return bulla_policy_wrong(c->reader, BULLA_ERR_FORMAT, "an empty name");
	TRY(bulla_policy_keep(c->reader, text, &text));
	c->list[c->n] = (principal){ PRINCIPAL_FOREIGN, text };
	if (aws) TRY(read_aws(c->reader, text, &c->list[c->n]));
	c->n++;
	return BULLA_OK;
}

static bulla_code add_type(collector *c, bulla_bytes type, const bulla_json *node)
{
	static const char *const foreign[] = { "Service", "Federated", "CanonicalUser" };
	char shown[BULLA_SHOWN_MAX];
	bool aws = bulla_bytes_is(type, "AWS"), known = aws;
	size_t n = 0;
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		known = known || bulla_bytes_is(type, foreign[i]);
	if (!known)
		return bulla_policy_wrong(c->reader, BULLA_ERR_FORMAT, "\"%s\" is none of AWS, Service, Federated, CanonicalUser",
					  bulla_policy_shown(type, shown));
	TRY(bulla_policy_list(c->reader, node, &n));
	for (size_t i = 0; i < n; i++)
		TRY(add_value(c, bulla_policy_item(node, i), aws));
	return BULLA_OK;
}

static bool each_type(void *self, bulla_bytes type, const bulla_json *node)
{
	collector *c = self;
	c->code = add_type(c, type, node);
	return c->code == BULLA_OK;
}

static bool count_values(void *self, bulla_bytes type, const bulla_json *node)
{
	(void)type;
	size_t n = bulla_json_count(node);
	*(size_t *)self += n ? n : 1;
	return true;
}

bulla_code bulla_policy_principals_read(bulla_policy_reader *r, const bulla_json *node, bulla_policy_statement *out)
{
	collector c = { .reader = r };
	bulla_bytes text;
	size_t n = 1;
	bool everybody = bulla_json_string(node, &text);
	if (everybody ? !bulla_bytes_is(text, "*") : !bulla_json_is_object(node) || bulla_json_count(node) == 0)
		return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "it is \"*\", or an object such as {\"AWS\": ARN}");
	if (!everybody) bulla_json_members(node, count_values, &n);
	TRY(bulla_arena_take(&r->policy->arena, n, sizeof *c.list, &c.list, r->err));
	if (everybody)
		c.list[c.n++] = (principal){ .kind = PRINCIPAL_ANY };
	else
		bulla_json_members(node, each_type, &c);
	out->principals = c.list;
	out->n_principals = c.n;
	return c.code;
}

/* --- asking ---------------------------------------------------------------------------------------------------- */
static bool is_root(bulla_bytes arn)
{
	bulla_bytes parts[BULLA_ARN_SECTIONS];
	return bulla_arn_split(arn, parts) && bulla_bytes_is(parts[5], "root");
}

static bulla_policy_answer match(const principal *p, const bulla_access *access)
{
	bool same = false;
	switch (p->kind) {
	case PRINCIPAL_ANY:
		return ANSWER_YES;
	case PRINCIPAL_ACCOUNT:
		if (!bulla_bytes_equal(p->text, access->account)) return ANSWER_NO;
		return is_root(access->principal) ? ANSWER_YES : ANSWER_BY_ACCOUNT;
	case PRINCIPAL_ONE:
		same = bulla_bytes_equal(p->text, access->principal) || bulla_bytes_equal(p->text, access->role) ||
		       bulla_bytes_equal(p->text, access->user_id);
		return same ? ANSWER_YES : ANSWER_NO;
	case PRINCIPAL_FOREIGN:
		return ANSWER_NO;
	}
	return ANSWER_NO;
}

/* An account that NotPrincipal names takes everybody in it out of an Allow, and only its root out of a Deny: AWS asks authors to write the account
 * beside the one who is meant, and that must not let the others go. */
bulla_policy_answer bulla_policy_principals_match(const bulla_policy_statement *statement, const bulla_access *access)
{
	bulla_policy_answer best = ANSWER_NO;
	for (size_t i = 0; i < statement->n_principals; i++) {
		bulla_policy_answer found = match(&statement->principals[i], access);
		if (found > best) best = found;
	}
	if (!statement->except_principals) return best;
	return best == ANSWER_NO || (best == ANSWER_BY_ACCOUNT && statement->deny) ? ANSWER_YES : ANSWER_NO;
}
