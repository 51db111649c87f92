/*
 * look.c - reading what the store holds on somebody's behalf: permitted, recorded, then told.
 */
#include "kms/look.h"
#include "kms/authorize.h"
#include "kms/inside.h"

#include <stdio.h>

static bulla_code ask(bulla_engine *engine, const bulla_snapshot *now, const bulla_look *look, const bulla_key **ret_key,
		      int64_t now_us, bulla_error *err)
{
	bulla_question question = { .action = look->action, .resource = look->resource };
	*ret_key = NULL;
	if (look->key_id.len) TRY(bulla_snapshot_resolve(now, &engine->home, look->key_id, ret_key, err));
	question.key = *ret_key;
	TRY(bulla_authorize(now, &engine->home, look->caller, &question, now_us, err));
	return BULLA_OK;
}

/* The record is durable before anything is told. */
static bulla_code record(bulla_engine *engine, bulla_desk *desk, const bulla_snapshot *now, const bulla_look *look,
			 const bulla_key *key, int64_t now_us, bulla_code code, const bulla_error *why, bulla_error *err)
{
	char request_id[BULLA_UUID_TEXT + 1];
	bulla_event_origin origin;
	TRY(bulla_request_id(desk->lane, request_id, err));
	bulla_event event = bulla_engine_event(engine, look->operation, request_id, now->generation, now_us);
	bulla_event_call(&event, look->caller, now, &engine->home, &origin);
	event.key = key ? bulla_view(key->arn, key->arn_len) : bulla_key_id_asked(look->key_id);
	if (code) bulla_event_fail(&event, look->caller, &origin, code, why);
	TRY(bulla_kms_journal_add(&desk->journal, &event, err));
	return bulla_engine_publish(engine, &desk->journal, now->generation, err);
}

static bulla_code look_at(bulla_engine *engine, const bulla_snapshot *now, const bulla_look *look, bulla_error *err)
{
	bulla_desk *desk = NULL;
	const bulla_key *key = NULL;
	bulla_error why = { 0 };
	int64_t now_us = bulla_engine_now(engine);
	bulla_code code = ask(engine, now, look, &key, now_us, &why);
	if (code == BULLA_OK) code = look->tell(look->self, now, key, &why);
	TRY(bulla_desk_take(engine, &desk, err));
	bulla_code recorded = record(engine, desk, now, look, key, now_us, code, &why, err);
	bulla_desk_give(engine, desk);
	TRY(recorded);
	if (code && err) *err = why;
	return code;
}

bulla_code bulla_engine_look(bulla_engine *engine, const bulla_look *look, bulla_error *err)
{
	bulla_snapshot *now = NULL;
	TRY(bulla_engine_check(engine, err));
	TRY(bulla_engine_acquire(engine, &now, err));
	bulla_code code = look_at(engine, now, look, err);
	bulla_snapshot_unref(now);
	return code;
}
