/*
 * budget.c - how many decryptions a principal may make in a window of time.
 *
 * Counted by each engine for itself and in memory: a node that starts again counts from nothing, and several nodes let through the budget
 * each. It is a brake on theft, not an account.
 */
#include "kms/inside.h"

#include <stdio.h>
#include <stdlib.h>

/* The principal's counter; NULL when memory is short. Principals come and go rarely: counters of those who went stay. */
static bulla_budget *find(bulla_engine *engine, bulla_bytes name)
{
	for (size_t i = 0; i < engine->budget_count; i++)
		if (bulla_bytes_is(name, engine->budgets[i].name)) return &engine->budgets[i];
	bulla_budget *more = reallocarray(engine->budgets, engine->budget_count + 1, sizeof *more);
	if (!more) return NULL;
	engine->budgets = more;
	bulla_budget *budget = &more[engine->budget_count++];
	*budget = (bulla_budget){ 0 };
	(void)snprintf(budget->name, sizeof budget->name, "%.*s", (int)name.len, (const char *)name.data);
	return budget;
}

static bool spend(bulla_budget *budget, const bulla_principal_data *data, int64_t now_us)
{
	int64_t window = (int64_t)data->budget_seconds * 1000000;
	if (now_us - budget->since_us >= window || now_us < budget->since_us) {
		budget->since_us = now_us;
		budget->spent = 0;
	}
	if (budget->spent >= data->budget) return false;
	budget->spent++;
	return true;
}

bulla_code bulla_budget_spend(bulla_engine *engine, const bulla_snapshot *now, const bulla_caller *caller, int64_t now_us,
			      bulla_error *err)
{
	const bulla_principal *principal = caller ? bulla_rights_principal(&now->rights, caller->principal) : NULL;
	if (!principal || !principal->data.budget) return BULLA_OK;
	pthread_mutex_lock(&engine->lock);
	bulla_budget *budget = find(engine, principal->name);
	bool may = budget && spend(budget, &principal->data, now_us);
	pthread_mutex_unlock(&engine->lock);
	if (!budget) return bulla_fail_memory(err);
	if (may) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_DENIED, "User: %s has used up its %u decryptions in %u seconds", principal->arn,
			  principal->data.budget, principal->data.budget_seconds);
}
