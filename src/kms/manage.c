/*
 * manage.c - managing keys: one planner for each operation, which says what it refuses and which rows it writes.
 */
#include "base/text.h"
#include "kms/planners.h"

#define DAY_US            (INT64_C(86400) * 1000000)
#define WAIT_DAYS_MIN     7
#define WAIT_DAYS_MAX     30
#define ROTATION_DAYS_MIN 90
#define KEY_MATERIALS_MAX 10000 /* versions of one key */
#define ON_DEMAND_MAX     25 /* rotations of a key that callers may ask for, as AWS has it; the engine's own process may go on */

static bulla_code put_alias(bulla_change *c, bulla_bytes name, const uint8_t *uuid, int64_t created_us, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf payload = { 0 };
	bulla_alias_data data = { .created_us = created_us, .updated_us = c->now_us };
	memcpy(data.uuid, uuid, sizeof data.uuid);
	TRY(bulla_alias_encode(&data, &payload, err));
	return bulla_draft_put(&c->draft, BULLA_KMS_ALIAS, name, bulla_view_buf(&payload), err);
}

static bulla_code check_description(bulla_bytes text, bulla_error *err)
{
	if (text.len > BULLA_DESCRIPTION_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a description has at most %d bytes", BULLA_DESCRIPTION_MAX);
	if (!bulla_utf8_valid(text)) return bulla_fail(err, BULLA_ERR_ENCODING, "a description is UTF-8 text");
	return BULLA_OK;
}

/* --- planners -------------------------------------------------------------------------------------------------- */
void bulla_ask_create(const bulla_order *o, bulla_question *question)
{
	question->action = "kms:CreateKey";
	bulla_question_add(question, "kms:KeySpec", bulla_view_str(bulla_spec_about(o->kind.spec)->name));
	bulla_question_add(question, "kms:KeyUsage", bulla_view_str(bulla_use_name(o->kind.use)));
	bulla_question_add(question, "kms:KeyOrigin", bulla_view_str(bulla_key_origin_name(o->kind.origin)));
	bulla_question_add(question, "kms:MultiRegion", bulla_view_str(o->kind.multi_region ? "true" : "false"));
	bulla_question_add(question, "kms:BypassPolicyLockoutSafetyCheck", bulla_view_str(o->bypass ? "true" : "false"));
}

/* Who may not have a pair has had none drawn ahead, and waits for none to be drawn. */
static bulla_code take_drawn(bulla_change *c, const bulla_order *o, bulla_error *err)
{
	c->material_drawn = o->secret;
	if (o->secret.len || !bulla_key_kind_is_pair(o->kind.spec)) return BULLA_OK;
	return bulla_authorize(c->now, &c->engine->home, c->caller, &c->question, c->now_us, err);
}

bulla_code bulla_plan_create(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	bulla_key_data data = { .state = BULLA_KEY_ENABLED,
				.usage = (uint8_t)(BULLA_KEY_USAGE_ENCRYPT_DECRYPT + o->kind.use),
				.origin = BULLA_KEY_ORIGIN_ENGINE,
				.spec = o->kind.spec,
				.created_us = c->now_us,
				.account = c->engine->home.account,
				.region = c->engine->home.region,
				.description = o->text };
	char arn[BULLA_ARN_MAX];
	(void)bulla_key_arn_print(&c->engine->home, o->uuid, arn);
	bulla_change_note_key(c, arn, NULL);
	if (o->alias.len) bulla_change_note(c, BULLA_ALIAS_PREFIX "%.*s", (int)o->alias.len, (const char *)o->alias.data);
	TRY(check_description(o->text, err));
	if (o->alias.len && bulla_snapshot_alias(c->now, o->alias))
		return bulla_fail(err, BULLA_ERR_EXISTS, "there is an alias of that name already");
	if (bulla_snapshot_key(c->now, o->uuid)) return bulla_fail(err, BULLA_ERR_INTERNAL, "a random key id came twice");
	bulla_ask_create(o, &c->question);
	TRY(take_drawn(c, o, err));
	TRY(bulla_change_put_material(c, o->uuid, &data, err));
	bulla_change_note_key(c, arn, data.current);
	if (o->alias.len) TRY(put_alias(c, o->alias, o->uuid, c->now_us, err));
	if (o->document.len) TRY(bulla_change_put_policy(c, o, o->uuid, arn, err));
	return bulla_change_put_key(c, o->uuid, &data, err);
}

bulla_code bulla_plan_enable(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_key *key = NULL;
	TRY(bulla_change_key(c, o->key, &key, err));
	TRY(bulla_key_must_not_be_pending(key, err));
	bulla_key_data data = key->data;
	data.state = BULLA_KEY_ENABLED;
	data.closed_us = 0;
	return bulla_change_put_key(c, key->uuid, &data, err);
}

bulla_code bulla_plan_disable(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_key *key = NULL;
	TRY(bulla_change_key(c, o->key, &key, err));
	TRY(bulla_key_must_not_be_pending(key, err));
	bulla_key_data data = key->data;
	data.state = BULLA_KEY_DISABLED;
	return bulla_change_put_key(c, key->uuid, &data, err);
}

bulla_code bulla_plan_close(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_key *key = NULL;
	TRY(bulla_change_key(c, o->key, &key, err));
	TRY(bulla_key_must_not_be_pending(key, err));
	bulla_key_data data = key->data;
	if (!data.closed_us) data.closed_us = c->now_us;
	return bulla_change_put_key(c, key->uuid, &data, err);
}

bulla_code bulla_plan_deletion(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_key *key = NULL;
	bulla_change_note(c, "in %u days", o->days);
	TRY(bulla_change_key(c, o->key, &key, err));
	TRY(bulla_key_must_not_be_pending(key, err));
	if (o->days < WAIT_DAYS_MIN || o->days > WAIT_DAYS_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "a key waits %d to %d days for its deletion", WAIT_DAYS_MIN,
				  WAIT_DAYS_MAX);
	bulla_key_data data = key->data;
	data.state = BULLA_KEY_PENDING_DELETION;
	data.deletion_us = c->now_us + o->days * DAY_US;
	return bulla_change_put_key(c, key->uuid, &data, err);
}

bulla_code bulla_plan_cancel(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_key *key = NULL;
	TRY(bulla_change_key(c, o->key, &key, err));
	if (key->data.state != BULLA_KEY_PENDING_DELETION)
		return bulla_fail(err, BULLA_ERR_USAGE, "the key %s is not waiting for its deletion", key->arn);
	bulla_key_data data = key->data;
	data.state = BULLA_KEY_DISABLED;
	data.deletion_us = 0;
	return bulla_change_put_key(c, key->uuid, &data, err);
}

/* New material for `key`; its schedule goes on as `data` says. */
static bulla_code draft_rotation(bulla_change *c, const bulla_key *key, bulla_key_data *data, bulla_error *err)
{
	if (key->material_count >= KEY_MATERIALS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a key has at most %d versions of its material", KEY_MATERIALS_MAX);
	TRY(bulla_change_put_material(c, key->uuid, data, err));
	bulla_change_note_key(c, key->arn, data->current);
	return bulla_change_put_key(c, key->uuid, data, err);
}

/* The first material was made with the key. */
static size_t on_demand(const bulla_key *key)
{
	size_t n = 0;
	for (size_t i = 0; i < key->material_count; i++)
		n += key->materials[i].data.origin != BULLA_MATERIAL_BY_SCHEDULE;
	return n - 1;
}

bulla_code bulla_plan_rotate(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_key *key = NULL;
	TRY(bulla_change_key(c, o->key, &key, err));
	TRY(bulla_key_must_seal(key, err));
	TRY(bulla_key_must_rotate(key, err));
	if (c->caller && on_demand(key) >= ON_DEMAND_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a key is rotated on demand at most %d times", ON_DEMAND_MAX);
	bulla_key_data data = key->data;
	return draft_rotation(c, key, &data, err);
}

bulla_code bulla_plan_schedule(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_key *key = NULL;
	if (o->days) bulla_change_note(c, "every %u days", o->days);
	TRY(bulla_change_key(c, o->key, &key, err));
	TRY(bulla_key_must_be_enabled(key, err));
	TRY(bulla_key_must_rotate(key, err));
	if (o->days && (o->days < ROTATION_DAYS_MIN || o->days > BULLA_ROTATION_DAYS_MAX))
		return bulla_fail(err, BULLA_ERR_USAGE, "a key is rotated every %d to %d days, or not by schedule (0)",
				  ROTATION_DAYS_MIN, BULLA_ROTATION_DAYS_MAX);
	bulla_key_data data = key->data;
	data.rotation_days = o->days;
	data.next_rotation_us = o->days ? c->now_us + o->days * DAY_US : 0;
	return bulla_change_put_key(c, key->uuid, &data, err);
}

bulla_code bulla_plan_description(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_key *key = NULL;
	TRY(bulla_change_key(c, o->key, &key, err));
	TRY(bulla_key_must_not_be_pending(key, err));
	TRY(check_description(o->text, err));
	bulla_key_data data = key->data;
	data.description = o->text;
	return bulla_change_put_key(c, key->uuid, &data, err);
}

/* --- aliases --------------------------------------------------------------------------------------------------- */
static void note_alias(bulla_change *c, bulla_bytes name)
{
	bulla_change_note(c, BULLA_ALIAS_PREFIX "%.*s", (int)name.len, (const char *)name.data);
	bulla_alias_arn_print(&c->engine->home, name, c->alias_arn, sizeof c->alias_arn);
}

static bulla_code find_alias(bulla_change *c, const bulla_order *o, const bulla_alias **ret, bulla_error *err)
{
	*ret = bulla_snapshot_alias(c->now, o->alias);
	note_alias(c, o->alias);
	if (!*ret) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "the engine has no such alias");
	return BULLA_OK;
}

bulla_code bulla_plan_delete_alias(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_alias *old = NULL;
	TRY(find_alias(c, o, &old, err));
	bulla_change_take_key(c, bulla_snapshot_key(c->now, old->data.uuid));
	return bulla_draft_remove(&c->draft, BULLA_KMS_ALIAS, o->alias, err);
}

static bulla_code point_alias(bulla_change *c, const bulla_order *o, int64_t created_us, bulla_error *err)
{
	const bulla_key *key = NULL;
	note_alias(c, o->alias);
	TRY(bulla_change_key(c, o->key, &key, err));
	TRY(bulla_key_must_not_be_pending(key, err));
	return put_alias(c, o->alias, key->uuid, created_us, err);
}

bulla_code bulla_plan_create_alias(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	if (bulla_snapshot_alias(c->now, o->alias))
		return bulla_fail(err, BULLA_ERR_EXISTS, "there is an alias of that name already");
	return point_alias(c, o, c->now_us, err);
}

/* AWS's types: symmetric, HMAC, asymmetric. */
static bool is_same_type(const bulla_key *a, const bulla_key *b)
{
	bool pairs = bulla_key_kind_is_pair(a->kind.spec);
	bool symmetric = a->kind.spec == BULLA_SPEC_SYMMETRIC_DEFAULT;
	return a->kind.use == b->kind.use && pairs == bulla_key_kind_is_pair(b->kind.spec) &&
	       symmetric == (b->kind.spec == BULLA_SPEC_SYMMETRIC_DEFAULT);
}

bulla_code bulla_plan_update_alias(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_alias *old = NULL;
	TRY(find_alias(c, o, &old, err));
	c->other_key = bulla_snapshot_key(c->now, old->data.uuid);
	TRY(point_alias(c, o, old->data.created_us, err));
	if (is_same_type(c->other_key, c->question.key)) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "an alias moves between keys of the same type and usage");
}

/* Makes it, moves it, or, without a key, deletes it. */
bulla_code bulla_plan_alias(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	bool old = bulla_snapshot_alias(c->now, o->alias) != NULL;
	if (o->key.len == 0) {
		c->event.operation = "DeleteAlias";
		return bulla_plan_delete_alias(self, c, err);
	}
	if (old) c->event.operation = "UpdateAlias";
	return old ? bulla_plan_update_alias(self, c, err) : bulla_plan_create_alias(self, c, err);
}

/* --- the end of a key ------------------------------------------------------------------------------------------ */
/* The tombstone stays, so that what hangs from the key is told from what nobody knows. */
static bulla_code draft_destruction(bulla_change *c, const bulla_key *key, bulla_error *err)
{
	size_t n = 0;
	const bulla_alias *const *aliases = bulla_snapshot_aliases_of(c->now, key->uuid, &n);
	for (size_t i = 0; i < n; i++)
		TRY(bulla_draft_remove(&c->draft, BULLA_KMS_ALIAS, aliases[i]->name, err));
	for (size_t i = 0; i < key->material_count; i++) {
		uint8_t id[BULLA_UUID_SIZE + BULLA_MATERIAL_ID_SIZE];
		memcpy(id, key->uuid, BULLA_UUID_SIZE);
		memcpy(id + BULLA_UUID_SIZE, key->materials[i].name.id, BULLA_MATERIAL_ID_SIZE);
		TRY(bulla_draft_remove(&c->draft, BULLA_KMS_MATERIAL, bulla_view(id, sizeof id), err));
	}
	bulla_key_data data = key->data;
	data.state = BULLA_KEY_TOMBSTONE;
	data.rotation_days = 0;
	data.next_rotation_us = 0;
	data.description = (bulla_bytes){ 0 };
	memset(data.current, 0, sizeof data.current);
	return bulla_change_put_key(c, key->uuid, &data, err);
}

bulla_code bulla_plan_destruction(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_key *key = NULL;
	TRY(bulla_change_key(c, o->key, &key, err));
	if (key->data.state != BULLA_KEY_PENDING_DELETION)
		return bulla_fail(err, BULLA_ERR_USAGE, "the key %s is not waiting for its deletion", key->arn);
	if (key->data.deletion_us > c->now_us)
		return bulla_fail(err, BULLA_ERR_KEY_PENDING, "the waiting period of the key %s is not over", key->arn);
	return draft_destruction(c, key, err);
}

/* --- what is due by the clock ---------------------------------------------------------------------------------- */
/* Periods that were slept through are not made up for: one rotation, and the next when its time comes. */
static bulla_code draft_scheduled_rotation(bulla_change *c, const bulla_key *key, bulla_error *err)
{
	bulla_key_data data = key->data;
	int64_t period = data.rotation_days * DAY_US;
	data.next_rotation_us += (c->now_us - data.next_rotation_us) / period * period + period;
	c->event.operation = "RotateKey";
	c->made_by = BULLA_MATERIAL_BY_SCHEDULE;
	bulla_change_note(c, "by schedule, every %u days", data.rotation_days);
	if (key->material_count >= KEY_MATERIALS_MAX) return bulla_change_put_key(c, key->uuid, &data, err);
	return draft_rotation(c, key, &data, err);
}

/* One key a change: each is one event. `self` is a bool: something was due. */
static bulla_code plan_due(void *self, bulla_change *c, bulla_error *err)
{
	bool *found = self;
	const bulla_key *key = NULL;
	for (size_t i = 0; i < c->now->key_count && !key; i++)
		if (c->now->keys[i].due_us <= c->now_us) key = &c->now->keys[i];
	*found = key != NULL;
	c->idle = !key;
	if (!key) return BULLA_OK;
	bulla_change_note_key(c, key->arn, NULL);
	return draft_scheduled_rotation(c, key, err);
}

bulla_code bulla_engine_tick(bulla_engine *engine, bulla_error *err)
{
	bulla_snapshot *now = NULL;
	TRY(bulla_engine_check(engine, err));
	TRY(bulla_engine_acquire(engine, &now, err));
	bool due = now->due_us <= bulla_engine_now(engine);
	bulla_snapshot_unref(now);
	while (due)
		TRY(bulla_engine_change(engine, NULL, "Tick", plan_due, &due, err));
	return BULLA_OK;
}
