/*
 * policy_operator.c - the condition operators: how each reads an operand, and tests one value of a request against it.
 */
#include "kms/policy_inside.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

typedef bulla_policy_operator row;
typedef bulla_policy_operand operand;
typedef const bulla_policy_reader reader;

/* --- reading operands ------------------------------------------------------------------------------------------ */
/* A value as text: people leave the quotation marks of numbers and booleans out. `space` holds those two. */
static bulla_code scalar(reader *r, const bulla_json *node, char space[static 32], bulla_bytes *ret)
{
	int64_t integer;
	bool flag;
	int n = 0;
	if (bulla_json_boolean(node, &flag)) {
		*ret = bulla_view_str(flag ? "true" : "false");
		return BULLA_OK;
	}
	if (bulla_json_integer(node, &integer)) {
		n = snprintf(space, 32, "%" PRId64, integer);
		*ret = bulla_view(space, (size_t)n);
		return BULLA_OK;
	}
	if (!bulla_json_string(node, ret))
		return bulla_policy_wrong(r, BULLA_ERR_FORMAT,
					  "a value is a string, a whole number, true or false; fractions are quoted");
	if (ret->len > BULLA_POLICY_STRING_MAX)
		return bulla_policy_wrong(r, BULLA_ERR_LIMIT, "a value of more than %d bytes", BULLA_POLICY_STRING_MAX);
	return BULLA_OK;
}

static bulla_code read_text(reader *r, const row *op, const bulla_json *node, operand *out)
{
	char space[32];
	bulla_bytes text;
	TRY(scalar(r, node, space, &text));
	TRY(bulla_policy_keep(r, text, &text));
	return bulla_policy_pattern_read(r, text, op->flags, &out->pattern);
}

static bulla_code read_sections(reader *r, const row *op, const bulla_bytes *texts, operand *out)
{
	bulla_policy_pattern *sections;
	TRY(bulla_arena_take(&r->policy->arena, BULLA_ARN_SECTIONS, sizeof *sections, &sections, r->err));
	for (size_t i = 0; i < BULLA_ARN_SECTIONS; i++)
		TRY(bulla_policy_pattern_read(r, texts[i], op->flags, &sections[i]));
	out->sections = sections;
	return BULLA_OK;
}

/* Without five colons it can still be a lone star, or a variable that stands for a whole ARN. */
static bulla_code read_arn(reader *r, const row *op, const bulla_json *node, operand *out)
{
	bulla_bytes text, parts[BULLA_ARN_SECTIONS];
	TRY(bulla_policy_string(r, node, &text));
	TRY(bulla_policy_keep(r, text, &text));
	if (bulla_arn_split(text, parts)) return read_sections(r, op, parts, out);
	TRY(bulla_policy_pattern_read(r, text, op->flags, &out->pattern));
	if (out->pattern.n == 1 && out->pattern.parts->kind != PART_TEXT && out->pattern.parts->kind != PART_ONE) return BULLA_OK;
	return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "a value that is no ARN");
}

static bulla_code read_number(reader *r, const row *op, const bulla_json *node, operand *out)
{
	(void)op;
	char space[32];
	bulla_bytes text;
	if (bulla_json_number(node, &out->number)) return BULLA_OK;
	TRY(scalar(r, node, space, &text));
	if (bulla_policy_number(text, &out->number)) return BULLA_OK;
	return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "a value that is no number of at most 15 digits");
}

static bulla_code read_time(reader *r, const row *op, const bulla_json *node, operand *out)
{
	(void)op;
	int64_t seconds;
	char space[32];
	bulla_bytes text;
	/* unquoted, four digits are seconds too */
	if (bulla_json_integer(node, &seconds) && seconds >= 0 && seconds < INT64_C(253402300800)) {
		out->time_us = seconds * 1000000;
		return BULLA_OK;
	}
	TRY(scalar(r, node, space, &text));
	if (bulla_policy_time(text, &out->time_us)) return BULLA_OK;
	return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "a value that is no time: 2026-11-21T19:05:00Z, or seconds since 1970");
}

static bulla_code read_flag(reader *r, const row *op, const bulla_json *node, operand *out)
{
	(void)op;
	char space[32];
	bulla_bytes text;
	TRY(scalar(r, node, space, &text));
	if (bulla_policy_flag(text, &out->flag)) return BULLA_OK;
	return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "a value that is neither true nor false");
}

static bulla_code read_net(reader *r, const row *op, const bulla_json *node, operand *out)
{
	(void)op;
	bulla_bytes text;
	TRY(bulla_policy_string(r, node, &text));
	if (bulla_policy_net_read(text, &out->net)) return BULLA_OK;
	return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "a value that is no address or range: 203.0.113.0/24, 2001:db8::/32");
}

static bulla_code read_bytes(reader *r, const row *op, const bulla_json *node, operand *out)
{
	(void)op;
	BULLA_BUF_AUTO bulla_buf raw = { 0 };
	bulla_bytes text;
	TRY(bulla_policy_string(r, node, &text));
	bulla_code code = bulla_base64_decode(text, &raw, NULL);
	if (code == BULLA_ERR_MEMORY) return bulla_fail_memory(r->err);
	if (code != BULLA_OK) return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "a value that is no base64");
	return bulla_policy_keep(r, bulla_view_buf(&raw), &out->bytes);
}

/* --- testing one value against one operand ---------------------------------------------------------------------- */
static bulla_policy_outcome test_text(const row *op, const operand *o, const bulla_access *access, bulla_bytes value)
{
	(void)op;
	return bulla_policy_pattern_match(&o->pattern, access, value) ? OUTCOME_HIT : OUTCOME_MISS;
}

/* Each section by itself: a star does not reach over a colon. */
static bulla_policy_outcome test_arn(const row *op, const operand *o, const bulla_access *access, bulla_bytes value)
{
	bulla_bytes parts[BULLA_ARN_SECTIONS];
	if (!o->sections) return test_text(op, o, access, value);
	if (!bulla_arn_split(value, parts)) return OUTCOME_MISS;
	for (size_t i = 0; i < BULLA_ARN_SECTIONS; i++)
		if (!bulla_policy_pattern_match(&o->sections[i], access, parts[i])) return OUTCOME_MISS;
	return OUTCOME_HIT;
}

static bulla_policy_outcome related(bulla_policy_relation wanted, int order)
{
	switch (wanted) {
	case RELATION_EQUAL:
		return order == 0 ? OUTCOME_HIT : OUTCOME_MISS;
	case RELATION_LESS:
		return order < 0 ? OUTCOME_HIT : OUTCOME_MISS;
	case RELATION_LESS_EQUAL:
		return order <= 0 ? OUTCOME_HIT : OUTCOME_MISS;
	case RELATION_GREATER:
		return order > 0 ? OUTCOME_HIT : OUTCOME_MISS;
	case RELATION_GREATER_EQUAL:
		return order >= 0 ? OUTCOME_HIT : OUTCOME_MISS;
	}
	return OUTCOME_MISS;
}

static bulla_policy_outcome test_number(const row *op, const operand *o, const bulla_access *access, bulla_bytes value)
{
	(void)access;
	double number;
	if (!bulla_policy_number(value, &number)) return OUTCOME_UNREADABLE;
	return related(op->relation, (number > o->number) - (number < o->number));
}

static bulla_policy_outcome test_time(const row *op, const operand *o, const bulla_access *access, bulla_bytes value)
{
	(void)access;
	int64_t us;
	if (!bulla_policy_time(value, &us)) return OUTCOME_UNREADABLE;
	return related(op->relation, (us > o->time_us) - (us < o->time_us));
}

static bulla_policy_outcome test_flag(const row *op, const operand *o, const bulla_access *access, bulla_bytes value)
{
	(void)op, (void)access;
	bool flag;
	if (!bulla_policy_flag(value, &flag)) return OUTCOME_UNREADABLE;
	return flag == o->flag ? OUTCOME_HIT : OUTCOME_MISS;
}

static bulla_policy_outcome test_net(const row *op, const operand *o, const bulla_access *access, bulla_bytes value)
{
	(void)op, (void)access;
	bulla_policy_net address;
	if (!bulla_policy_net_read(value, &address) || address.bits != 128) return OUTCOME_UNREADABLE;
	return bulla_policy_net_has(&o->net, &address) ? OUTCOME_HIT : OUTCOME_MISS;
}

static bulla_policy_outcome test_bytes(const row *op, const operand *o, const bulla_access *access, bulla_bytes value)
{
	(void)op, (void)access;
	return bulla_bytes_equal(o->bytes, value) ? OUTCOME_HIT : OUTCOME_MISS;
}

/* --- the table ------------------------------------------------------------------------------------------------- */
#define LIKE (PATTERN_WILD | PATTERN_VARIABLES)
#define FOLD (PATTERN_FOLD | PATTERN_VARIABLES)

static const row rows[] = {
	{ "StringEquals", false, RELATION_EQUAL, PATTERN_VARIABLES, read_text, test_text },
	{ "StringNotEquals", true, RELATION_EQUAL, PATTERN_VARIABLES, read_text, test_text },
	{ "StringEqualsIgnoreCase", false, RELATION_EQUAL, FOLD, read_text, test_text },
	{ "StringNotEqualsIgnoreCase", true, RELATION_EQUAL, FOLD, read_text, test_text },
	{ "StringLike", false, RELATION_EQUAL, LIKE, read_text, test_text },
	{ "StringNotLike", true, RELATION_EQUAL, LIKE, read_text, test_text },
	{ "ArnEquals", false, RELATION_EQUAL, LIKE, read_arn, test_arn },
	{ "ArnLike", false, RELATION_EQUAL, LIKE, read_arn, test_arn },
	{ "ArnNotEquals", true, RELATION_EQUAL, LIKE, read_arn, test_arn },
	{ "ArnNotLike", true, RELATION_EQUAL, LIKE, read_arn, test_arn },
	{ "NumericEquals", false, RELATION_EQUAL, 0, read_number, test_number },
	{ "NumericNotEquals", true, RELATION_EQUAL, 0, read_number, test_number },
	{ "NumericLessThan", false, RELATION_LESS, 0, read_number, test_number },
	{ "NumericLessThanEquals", false, RELATION_LESS_EQUAL, 0, read_number, test_number },
	{ "NumericGreaterThan", false, RELATION_GREATER, 0, read_number, test_number },
	{ "NumericGreaterThanEquals", false, RELATION_GREATER_EQUAL, 0, read_number, test_number },
	{ "DateEquals", false, RELATION_EQUAL, 0, read_time, test_time },
	{ "DateNotEquals", true, RELATION_EQUAL, 0, read_time, test_time },
	{ "DateLessThan", false, RELATION_LESS, 0, read_time, test_time },
	{ "DateLessThanEquals", false, RELATION_LESS_EQUAL, 0, read_time, test_time },
	{ "DateGreaterThan", false, RELATION_GREATER, 0, read_time, test_time },
	{ "DateGreaterThanEquals", false, RELATION_GREATER_EQUAL, 0, read_time, test_time },
	{ "Bool", false, RELATION_EQUAL, 0, read_flag, test_flag },
	{ "BinaryEquals", false, RELATION_EQUAL, 0, read_bytes, test_bytes },
	{ "IpAddress", false, RELATION_EQUAL, 0, read_net, test_net },
	{ "NotIpAddress", true, RELATION_EQUAL, 0, read_net, test_net },
	{ "Null", false, RELATION_EQUAL, 0, read_flag, NULL },
};

const bulla_policy_operator *bulla_policy_operator_find(bulla_bytes name)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (bulla_bytes_is(name, rows[i].name)) return &rows[i];
	return NULL;
}
