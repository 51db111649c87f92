/*
 * kms_freeze.c - the operations that are ours beside AWS's: Freeze, Thaw and GetStatus.
 */
#include "kms/look.h"
#include "kms/overview.h"
#include "server/kms_inside.h"

/* What is not frozen is no key that does not exist. */
static bulla_code give(bulla_work *work, bulla_order_kind kind, bulla_error *err)
{
	char arn[BULLA_ARN_MAX] = "";
	bulla_order order = { .caller = &work->caller,
			      .key = work->key_id,
			      .text = bulla_work_text(work, BULLA_AWS_PRINCIPAL),
			      .document = bulla_work_text(work, BULLA_AWS_REASON),
			      .until_us = bulla_work_value(work, BULLA_AWS_UNTIL)->number };
	bulla_code code = bulla_work_order(work, kind, &order, err);
	if (code != BULLA_ERR_NOT_FOUND) return code;
	if (work->key_id.len) bulla_work_key_arn(work, arn);
	if (arn[0]) (void)bulla_work_refuse(work, BULLA_AWS_NOT_FOUND, "%s", err->text);
	return code;
}

bulla_code bulla_act_freeze(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	(void)w;
	return give(work, BULLA_ORDER_FREEZE, err);
}

bulla_code bulla_act_thaw(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	(void)w;
	return give(work, BULLA_ORDER_THAW, err);
}

typedef struct teller {
	const bulla_work *work;
	bulla_json_writer *w;
} teller;

static bulla_code tell_status(void *self, const bulla_snapshot *now, const bulla_key *key, bulla_error *err)
{
	const teller *t = self;
	const bulla_kms_service_config *config = &t->work->service->config;
	(void)key;
	(void)err;
	bulla_put_overview(t->w, now, &config->home, config->clock.now_us(config->clock.self));
	return BULLA_OK;
}

bulla_code bulla_act_get_status(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	teller t = { work, w };
	const bulla_look what = {
		.caller = &work->caller, .operation = "GetStatus", .action = "bulla:GetStatus", .tell = tell_status, .self = &t
	};
	work->recorded = true;
	return bulla_engine_look(work->service->config.engine, &what, err);
}
