/*
 * policy_condition.c - the Condition of a statement: read, and held against a request.
 */
#include "kms/policy_inside.h"

#include <stdio.h>

/* --- reading Condition ----------------------------------------------------------------------------------------- */
typedef struct collector {
	bulla_policy_reader *reader;
	bulla_policy_condition *list;
	size_t n;
	bulla_policy_condition of; /* the operator that is being read */
	bulla_code code;
} collector;

static bool skip(bulla_bytes *rest, const char *text)
{
	size_t n = strlen(text);
	if (rest->len < n || memcmp(rest->data, text, n) != 0) return false;
	*rest = bulla_view(rest->data + n, rest->len - n);
	return true;
}

static bool skip_end(bulla_bytes *text, const char *end)
{
	size_t n = strlen(end);
	if (text->len < n || memcmp(text->data + text->len - n, end, n) != 0) return false;
	text->len -= n;
	return true;
}

/* "ForAllValues:StringLikeIfExists" */
static bulla_code read_operator(const bulla_policy_reader *r, bulla_bytes name, bulla_policy_condition *out)
{
	char shown[BULLA_SHOWN_MAX];
	*out = (bulla_policy_condition){ 0 };
	TRY(bulla_policy_keep(r, name, &out->label));
	if (skip(&name, "ForAllValues:"))
		out->set = SET_ALL;
	else if (skip(&name, "ForAnyValue:"))
		out->set = SET_ANY;
	out->op = bulla_policy_operator_find(name);
	if (!out->op && skip_end(&name, "IfExists")) {
		out->if_exists = true;
		out->op = bulla_policy_operator_find(name);
	}
	if (!out->op)
		return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "\"%s\" is no condition operator",
					  bulla_policy_shown(out->label, shown));
	if (!out->op->test && (out->set || out->if_exists))
		return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "Null takes neither ForAllValues, ForAnyValue nor IfExists");
	return BULLA_OK;
}

static bulla_code read_key(const bulla_policy_reader *r, bulla_bytes name, bulla_policy_key *out)
{
	char shown[BULLA_SHOWN_MAX];
	if (name.len > BULLA_POLICY_STRING_MAX)
		return bulla_policy_wrong(r, BULLA_ERR_LIMIT, "a condition key of more than %d bytes", BULLA_POLICY_STRING_MAX);
	if (!bulla_policy_printable(name))
		return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "a condition key with a control character in it");
	TRY(bulla_policy_keep(r, name, &name));
	if (bulla_policy_key_find(name, out)) return BULLA_OK;
	return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "\"%s\" is no condition key", bulla_policy_shown(name, shown));
}

static bulla_code read_operands(const bulla_policy_reader *r, const bulla_json *node, bulla_policy_condition *out)
{
	bulla_policy_operand *operands;
	TRY(bulla_policy_list(r, node, &out->n));
	TRY(bulla_arena_take(&r->policy->arena, out->n, sizeof *operands, &operands, r->err));
	for (size_t i = 0; i < out->n; i++)
		TRY(out->op->operand(r, out->op, bulla_policy_item(node, i), &operands[i]));
	out->operands = operands;
	return BULLA_OK;
}

static bulla_code add_condition(collector *c, bulla_bytes name, const bulla_json *node)
{
	bulla_policy_condition *condition = &c->list[c->n];
	*condition = c->of;
	TRY(read_key(c->reader, name, &condition->key));
	TRY(read_operands(c->reader, node, condition));
	c->n++;
	return BULLA_OK;
}

static bool each_key(void *self, bulla_bytes name, const bulla_json *node)
{
	collector *c = self;
	c->code = add_condition(c, name, node);
	return c->code == BULLA_OK;
}

static bulla_code add_operator(collector *c, bulla_bytes name, const bulla_json *node)
{
	char member[BULLA_SHOWN_MAX + sizeof "Condition "], shown[BULLA_SHOWN_MAX];
	TRY(read_operator(c->reader, name, &c->of));
	(void)snprintf(member, sizeof member, "Condition %s", bulla_policy_shown(name, shown));
	c->reader->member = member;
	c->code = bulla_json_is_object(node) && bulla_json_count(node)
			  ? BULLA_OK
			  : bulla_policy_wrong(c->reader, BULLA_ERR_FORMAT,
					       "an operator has an object of condition keys and their values");
	if (c->code == BULLA_OK) bulla_json_members(node, each_key, c);
	c->reader->member = "Condition";
	return c->code;
}

static bool each_operator(void *self, bulla_bytes name, const bulla_json *node)
{
	collector *c = self;
	c->code = add_operator(c, name, node);
	return c->code == BULLA_OK;
}

static bool count_keys(void *self, bulla_bytes name, const bulla_json *node)
{
	(void)name;
	*(size_t *)self += bulla_json_count(node);
	return true;
}

bulla_code bulla_policy_conditions_read(bulla_policy_reader *r, const bulla_json *node, bulla_policy_statement *out)
{
	size_t n = 0;
	r->member = "Condition";
	if (!bulla_json_is_object(node)) return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "it is an object of operators");
	bulla_json_members(node, count_keys, &n);
	if (n > BULLA_POLICY_CONDITIONS_MAX)
		return bulla_policy_wrong(r, BULLA_ERR_LIMIT, "more than %d conditions in one statement",
					  BULLA_POLICY_CONDITIONS_MAX);
	collector c = { .reader = r };
	TRY(bulla_arena_take(&r->policy->arena, n, sizeof *c.list, &c.list, r->err));
	bulla_json_members(node, each_operator, &c);
	out->conditions = c.list;
	out->n_conditions = c.n;
	return c.code;
}

/* --- asking ---------------------------------------------------------------------------------------------------- */
/* Whether `value` fits one operand, or for a negated operator none of them. */
static bool fits(const bulla_policy_condition *condition, const bulla_access *access, bulla_bytes value, bool deny)
{
	const bulla_policy_operator *op = condition->op;
	for (size_t i = 0; i < condition->n; i++) {
		bulla_policy_outcome found = op->test(op, &condition->operands[i], access, value);
		if (found == OUTCOME_UNREADABLE) return deny;
		if (found == OUTCOME_HIT) return !op->negated;
	}
	return op->negated;
}

/* Null: true asks that the key be absent, false that it be there. */
static bool fits_null(const bulla_policy_condition *condition, bool absent)
{
	for (size_t i = 0; i < condition->n; i++)
		if (condition->operands[i].flag == absent) return true;
	return false;
}

/* Whether one value that fits will do. Without a set operator a key with several values fits by any of them, and a negated operator by none of them
 * being there. A key that ought to have one value has several where names of an encryption context differ by case alone: then nothing is allowed that one
 * of them speaks against, and everything denied that one of them speaks for. */
static bool any_will_do(const bulla_policy_condition *condition, bool deny)
{
	if (condition->set) return condition->set == SET_ANY;
	return bulla_policy_key_is_multi(&condition->key) ? !condition->op->negated : deny;
}

bool bulla_policy_condition_holds(const bulla_policy_condition *condition, const bulla_access *access, bool deny,
				  bool *ret_absent)
{
	const bool any = any_will_do(condition, deny);
	bulla_policy_value value;
	size_t at = 0;
	bool first = bulla_policy_key_next(&condition->key, access, &at, &value), more = first;
	if (ret_absent) *ret_absent = !first;
	if (!condition->op->test) return fits_null(condition, !first);
	if (!first && condition->if_exists) return true;
	if (!first && !condition->set) return condition->op->negated;
	for (; more; more = bulla_policy_key_next(&condition->key, access, &at, &value))
		if (fits(condition, access, value.text, deny) == any) return any;
	return !any;
}
