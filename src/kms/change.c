/*
 * change.c - carries one change of the store through: image, plan, record, write.
 */
#include "kms/change.h"

#include <stdarg.h>
#include <stdio.h>

/* --- what planners use ----------------------------------------------------------------------------------------- */
void bulla_change_note_key(bulla_change *c, const char *arn, const uint8_t *material_or_null)
{
	(void)snprintf(c->arn, sizeof c->arn, "%s", arn);
	c->event.key = bulla_view_str(c->arn);
	if (!material_or_null) return;
	memcpy(c->material, material_or_null, sizeof c->material);
	c->event.material = bulla_view(c->material, sizeof c->material);
}

void bulla_change_note(bulla_change *c, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)vsnprintf(c->detail, sizeof c->detail, format, args);
	va_end(args);
	c->event.detail = bulla_view_str(c->detail);
}

bulla_code bulla_change_key(bulla_change *c, bulla_bytes key_id, const bulla_key **ret, bulla_error *err)
{
	c->event.key = bulla_key_id_asked(key_id);
	TRY(bulla_snapshot_resolve(c->now, &c->engine->home, key_id, ret, err));
	bulla_change_take_key(c, *ret);
	return BULLA_OK;
}

void bulla_change_take_key(bulla_change *c, const bulla_key *key)
{
	c->question.key = key;
	bulla_change_note_key(c, key->arn, NULL);
}

bulla_code bulla_change_put_key(bulla_change *c, const uint8_t uuid[static BULLA_UUID_SIZE], const bulla_key_data *data,
				bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf payload = { 0 };
	TRY(bulla_key_encode(data, &payload, err));
	return bulla_draft_put(&c->draft, BULLA_KMS_KEY, bulla_view(uuid, BULLA_UUID_SIZE), bulla_view_buf(&payload), err);
}

/* Ids have 64 bits: the material of one key must not take another's, however unlikely. */
static bulla_code make_material(bulla_change *c, bulla_material_name *name, bulla_material_data *data, bulla_buf *sealed,
				bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf drawn = { 0 };
	const bulla_key *key = bulla_snapshot_key(c->now, name->uuid);
	if (c->material_drawn.len) return bulla_material_make(c->lane, c->root, name, c->material_drawn, data, sealed, err);
	do {
		bulla_buf_clear(&drawn);
		sealed->len = 0;
		TRY(bulla_material_draw(c->lane, data->spec, &drawn, err));
		TRY(bulla_material_make(c->lane, c->root, name, bulla_view_buf(&drawn), data, sealed, err));
	} while (key && bulla_key_material(key, name->id));
	return BULLA_OK;
}

bulla_code bulla_change_put_material(bulla_change *c, const uint8_t uuid[static BULLA_UUID_SIZE], bulla_key_data *data,
				     bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf payload = { 0 }, sealed = { 0 };
	bulla_material_name name = { .account = data->account };
	bulla_material_data material = { .created_us = c->now_us,
					 .usage = data->usage,
					 .spec = data->spec,
					 .origin = c->made_by ? c->made_by : BULLA_KEY_ORIGIN_ENGINE };
	uint8_t id[BULLA_UUID_SIZE + BULLA_MATERIAL_ID_SIZE];
	memcpy(name.uuid, uuid, BULLA_UUID_SIZE);
	TRY(make_material(c, &name, &material, &sealed, err));
	TRY(bulla_material_encode(&material, &payload, err));
	memcpy(id, uuid, BULLA_UUID_SIZE);
	memcpy(id + BULLA_UUID_SIZE, name.id, BULLA_MATERIAL_ID_SIZE);
	memcpy(data->current, name.id, BULLA_MATERIAL_ID_SIZE);
	return bulla_draft_put(&c->draft, BULLA_KMS_MATERIAL, bulla_view(id, sizeof id), bulla_view_buf(&payload), err);
}

/* --- one try --------------------------------------------------------------------------------------------------- */
static bulla_code record(bulla_change *c, bulla_log_head *ret_head, bulla_error *err)
{
	bulla_desk *desk = NULL;
	TRY(bulla_desk_take(c->engine, &desk, err));
	bulla_code code = bulla_kms_journal_add(&desk->journal, &c->event, err);
	if (code == BULLA_OK)
		code = bulla_kms_journal_append(&desk->journal, &c->engine->audit, c->now->generation, ret_head, err);
	bulla_desk_give(c->engine, desk);
	return code;
}

/* A refusal is told to the caller and to the log; one that cannot be recorded is a failure of the log. */
static bulla_code refuse(bulla_change *c, bulla_code code, const bulla_error *why, bulla_error *err)
{
	bulla_log_head head;
	bulla_event_fail(&c->event, c->caller, &c->origin, code, why);
	TRY(record(c, &head, err));
	TRY(c->engine->store.set_head(c->engine->store.self, &head, err));
	if (err) *err = *why;
	return code;
}

/* The log says "ok" and the store said no: said in the log as well, as far as it goes. */
static void take_back(bulla_change *c, bulla_code why, const bulla_error *err)
{
	bulla_error ignored;
	bulla_log_head head;
	bulla_event_fail(&c->event, c->caller, &c->origin, why, err);
	if (record(c, &head, &ignored) == BULLA_OK) (void)!c->engine->store.set_head(c->engine->store.self, &head, &ignored);
}

static uint64_t next_generation(const bulla_change *c)
{
	uint64_t base = c->adopts && c->logged > c->now->generation ? c->logged : c->now->generation;
	return base + 1;
}

static bulla_code write_rows(bulla_change *c, const bulla_kms_row *rows, size_t n, const bulla_log_head *head, bulla_error *err)
{
	const bulla_kms_store *store = &c->engine->store;
	if (!c->adopts) return store->change(store->self, c->now->generation, rows, n, head, err);
	return store->adopt(store->self, c->now->generation, next_generation(c), rows, n, head, err);
}

static bulla_code carry_out(bulla_change *c, bulla_error *err)
{
	const bulla_kms_row *rows = NULL;
	size_t n = 0;
	bulla_log_head head;
	TRY(bulla_draft_seal(&c->draft, c->lane, c->root, next_generation(c), c->now->rows, c->now->row_count, &rows, &n, err));
	TRY(record(c, &head, err));
	bulla_code code = write_rows(c, rows, n, &head, err);
	if (code) take_back(c, code, err);
	return code;
}

static void take_root(bulla_engine *engine, bulla_root *next)
{
	bulla_root_done(&engine->root);
	engine->root = *next;
	*next = (bulla_root){ 0 }; /* transferred */
}

/* Nothing is written, and the record says so. */
static bulla_code rehearse(bulla_change *c, bulla_error *err)
{
	bulla_log_head head;
	c->event.outcome = "dry_run";
	TRY(record(c, &head, err));
	return c->engine->store.set_head(c->engine->store.self, &head, err);
}

static bulla_code ask(const bulla_change *c, bulla_error *err)
{
	return bulla_authorize(c->now, &c->engine->home, c->caller, &c->question, c->now_us, err);
}

/* An alias is a resource of its own, beside the key or the two keys that it names. */
static bulla_code permit(bulla_change *c, bulla_error *err)
{
	if (!c->caller || c->idle) return BULLA_OK;
	if (!c->question.action) {
		(void)snprintf(c->action, sizeof c->action, "kms:%s", c->event.operation);
		c->question.action = c->action;
	}
	const bulla_key *key = c->question.key;
	TRY(ask(c, err));
	c->question.key = c->other_key;
	if (c->other_key) TRY(ask(c, err));
	c->question.key = NULL;
	c->question.resource = bulla_view_str(c->alias_arn);
	if (c->alias_arn[0]) TRY(ask(c, err));
	c->question.key = key;
	return BULLA_OK;
}

static bulla_code plan_and_do(bulla_change *c, bulla_planner planner, void *self, bulla_error *err)
{
	bulla_error why = { 0 };
	bulla_code code = planner(self, c, &why);
	if (code == BULLA_OK) code = permit(c, &why);
	if (code) return refuse(c, code, &why, err);
	if (c->idle) return BULLA_OK;
	TRY(c->caller && c->caller->dry_run ? rehearse(c, err) : carry_out(c, err));
	if (c->next_root) take_root(c->engine, c->next_root);
	return BULLA_OK;
}

static bulla_code try_once(bulla_engine *engine, const bulla_caller *caller, const char *operation, bulla_planner planner,
			   void *self, bulla_error *err)
{
	char request_id[BULLA_UUID_TEXT + 1];
	bulla_snapshot *now = NULL;
	TRY(bulla_request_id(engine->lane, request_id, err));
	TRY(bulla_engine_acquire_locked(engine, &now, err));
	bulla_change c = { .engine = engine,
			   .now = now,
			   .now_us = bulla_engine_now(engine),
			   .lane = engine->lane,
			   .root = &engine->root,
			   .caller = caller };
	c.event = bulla_engine_event(engine, operation, request_id, now->generation, c.now_us);
	bulla_event_call(&c.event, caller, now, &engine->home, &c.origin);
	bulla_code code = plan_and_do(&c, planner, self, err);
	bulla_draft_done(&c.draft);
	bulla_snapshot_unref(now);
	return code;
}

bulla_code bulla_engine_change(bulla_engine *engine, const bulla_caller *caller, const char *operation, bulla_planner planner,
			       void *self, bulla_error *err)
{
	TRY(bulla_engine_check(engine, err));
	bulla_code code = BULLA_ERR_CONFLICT;
	pthread_mutex_lock(&engine->change);
	for (int i = 0; i < BULLA_CHANGE_TRIES && code == BULLA_ERR_CONFLICT; i++)
		code = try_once(engine, caller, operation, planner, self, err);
	bulla_lane_forget(engine->lane);
	pthread_mutex_unlock(&engine->change);
	return code;
}
