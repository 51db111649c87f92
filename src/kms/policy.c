/*
 * policy.c - what a policy document says of a request, and why.
 */
#include "kms/policy_inside.h"

/* --- one statement --------------------------------------------------------------------------------------------- */
typedef enum misfit { NOTHING = 0, ACTION, RESOURCE, PRINCIPAL, CONDITION } misfit;

typedef struct finding {
	misfit misfit;   /* the first one */
	bool by_account; /* NOTHING: only through the caller's account */
	bool absent;     /* CONDITION: the request has no such key */
	const bulla_policy_condition *condition;
} finding;

static bool patterns_fit(const bulla_policy_patterns *patterns, const bulla_access *access, bulla_bytes text)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (bulla_policy_pattern_match(&patterns->list[i], access, text)) return !patterns->except;
	return patterns->except;
}

static finding look(const bulla_policy *policy, const bulla_policy_statement *s, const bulla_access *access)
{
	finding f = { NOTHING, false, false, NULL };
	bulla_policy_answer who = policy->kind == BULLA_POLICY_KEY ? bulla_policy_principals_match(s, access) : ANSWER_YES;
	f.by_account = who == ANSWER_BY_ACCOUNT;
	if (!patterns_fit(&s->actions, access, access->action))
		f.misfit = ACTION;
	else if (!patterns_fit(&s->resources, access, access->resource))
		f.misfit = RESOURCE;
	else if (who == ANSWER_NO)
		f.misfit = PRINCIPAL;
	for (size_t i = 0; f.misfit == NOTHING && i < s->n_conditions; i++) {
		if (bulla_policy_condition_holds(&s->conditions[i], access, s->deny, &f.absent)) continue;
		f.misfit = CONDITION;
		f.condition = &s->conditions[i];
	}
	return f;
}

/* --- the verdict ----------------------------------------------------------------------------------------------- */
bulla_policy_decision bulla_policy_evaluate(const bulla_policy *policy, const bulla_access *access)
{
	bulla_policy_decision decision = { 0 };
	for (size_t i = 0; i < policy->n; i++) {
		const bulla_policy_statement *s = &policy->statements[i];
		bool decided = decision.verdict == BULLA_POLICY_ALLOW && !decision.by_account;
		if (decided && !s->deny) continue;
		finding f = look(policy, s, access);
		if (f.misfit != NOTHING) continue;
		if (s->deny) return (bulla_policy_decision){ .verdict = BULLA_POLICY_DENY, .statement = i, .sid = s->sid };
		if (decision.verdict == BULLA_POLICY_ALLOW && f.by_account) continue;
		decision = (bulla_policy_decision){ BULLA_POLICY_ALLOW, f.by_account, i, s->sid };
	}
	return decision;
}

size_t bulla_policy_statements(const bulla_policy *policy)
{
	return policy->n;
}

/* --- why ------------------------------------------------------------------------------------------------------- */
static const char *words(const bulla_policy_statement *s, const finding *f)
{
	switch (f->misfit) {
	case NOTHING:
		if (s->deny) return "denies";
		return f->by_account ? "leaves it to the policies of the caller's account" : "allows";
	case ACTION:
		return s->actions.except ? "is silent: its NotAction leaves this action out"
					 : "is silent: its Action is another one";
	case RESOURCE:
		return s->resources.except ? "is silent: its NotResource leaves this resource out"
					   : "is silent: its Resource is another one";
	case PRINCIPAL:
		return s->except_principals ? "is silent: its NotPrincipal leaves the caller out"
					    : "is silent: its Principal is somebody else";
	case CONDITION:
		return "is silent: its condition";
	}
	return "";
}

static bulla_code explain_statement(const bulla_policy *policy, size_t i, const bulla_access *access, bulla_buf *out,
				    bulla_error *err)
{
	const bulla_policy_statement *s = &policy->statements[i];
	finding f = look(policy, s, access);
	const bulla_policy_condition *c = f.condition;
	TRY(bulla_buf_printf(out, err, "statement %zu%s%s%s %s", i + 1, s->sid ? " (" : "", s->sid ? s->sid : "",
			     s->sid ? ")" : "", words(s, &f)));
	if (!c) return bulla_buf_add_str(out, "\n", err);
	return bulla_buf_printf(out, err, " %.*s on %.*s does not hold%s\n", (int)c->label.len, (const char *)c->label.data,
				(int)c->key.name.len, (const char *)c->key.name.data,
				f.absent ? ": the request has no such key" : "");
}

bulla_code bulla_policy_explain(const bulla_policy *policy, const bulla_access *access, bulla_buf *out, bulla_error *err)
{
	for (size_t i = 0; i < policy->n; i++)
		TRY(explain_statement(policy, i, access, out, err));
	return BULLA_OK;
}
