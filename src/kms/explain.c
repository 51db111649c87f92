/*
 * explain.c - answers whether a principal may do something, with the reasons.
 */
#include "kms/explain.h"
#include "kms/authorize.h"
#include "kms/inside.h"

#include <stdio.h>

static bulla_code note_budget(const bulla_principal *principal, const char *action, bulla_buf *out, bulla_error *err)
{
	if (!principal->data.budget || !bulla_action_decrypts(action)) return BULLA_OK;
	return bulla_buf_printf(out, err, "budget: %u decryptions in %u seconds, counted by each server\n",
				principal->data.budget, principal->data.budget_seconds);
}

static bulla_code explain(bulla_engine *engine, const bulla_snapshot *now, const bulla_supposition *what, bool *ret_may,
			  bulla_buf *reasons, char *ret_arn, bulla_error *err)
{
	bulla_question question = { .action = what->action, .context = what->context };
	const bulla_caller caller = { .principal = what->principal, .source_ip = what->source_ip };
	const bulla_principal *principal = bulla_rights_principal(&now->rights, what->principal);
	if (!principal) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no principal of that name");
	if (what->key_id.len) TRY(bulla_snapshot_resolve(now, &engine->home, what->key_id, &question.key, err));
	(void)snprintf(ret_arn, BULLA_ARN_MAX, "%s", question.key ? question.key->arn : "");
	TRY(bulla_authorize_explain(now, &engine->home, &caller, &question, bulla_engine_now(engine), ret_may, reasons, err));
	return note_budget(principal, what->action, reasons, err);
}

bulla_code bulla_engine_explain(bulla_engine *engine, const bulla_supposition *what, bool *ret_may, bulla_buf *reasons,
				char ret_arn[static BULLA_ARN_MAX], bulla_error *err)
{
	bulla_snapshot *now = NULL;
	TRY(bulla_engine_check(engine, err));
	TRY(bulla_engine_acquire(engine, &now, err));
	bulla_code code = explain(engine, now, what, ret_may, reasons, ret_arn, err);
	bulla_snapshot_unref(now);
	return code;
}
