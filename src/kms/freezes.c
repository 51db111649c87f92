/*
 * freezes.c - planners of the kill switch: freeze and thaw decryption, for everything, for a key or for a principal.
 */
#include "base/text.h"
#include "kms/planners.h"

/* The row's id: scope ‖ target. */
typedef struct freeze_id {
	uint8_t bytes[1 + BULLA_PRINCIPAL_NAME_MAX];
	size_t len;
} freeze_id;

static void set_id(freeze_id *id, bulla_freeze_scope scope, bulla_bytes target)
{
	id->bytes[0] = (uint8_t)scope;
	if (target.len) memcpy(id->bytes + 1, target.data, target.len);
	id->len = 1 + target.len;
}

/* Which freeze is meant. A key that is disabled or waits for its deletion can be frozen too. */
static bulla_code find_target(bulla_change *c, const bulla_order *o, freeze_id *id, bulla_error *err)
{
	const bulla_key *key = NULL;
	if (o->key.len && o->text.len) return bulla_fail(err, BULLA_ERR_USAGE, "a freeze is of a key or of a principal");
	if (o->key.len) {
		TRY(bulla_change_key(c, o->key, &key, err));
		set_id(id, BULLA_FREEZE_KEY, bulla_view(key->uuid, BULLA_UUID_SIZE));
		return BULLA_OK;
	}
	set_id(id, BULLA_FREEZE_ALL, (bulla_bytes){ 0 });
	if (!o->text.len) return BULLA_OK;
	if (!bulla_rights_principal(&c->now->rights, o->text))
		return bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no principal of that name");
	set_id(id, BULLA_FREEZE_PRINCIPAL, o->text);
	return BULLA_OK;
}

/* What is frozen, until when, and why. */
static void note(bulla_change *c, const bulla_order *o)
{
	char until[BULLA_TIME_TEXT];
	const char *what = o->text.len ? "principal " : o->key.len ? "key" : "everything";
	bulla_change_note(c, "%s%.*s%s%s%s%.*s", what, (int)o->text.len, o->text.len ? (const char *)o->text.data : "",
			  o->until_us ? " until " : "", o->until_us ? bulla_time_text(o->until_us, until) : "",
			  o->document.len ? ": " : "", (int)o->document.len,
			  o->document.len ? (const char *)o->document.data : "");
}

static bulla_code check(const bulla_change *c, const bulla_order *o, bulla_error *err)
{
	if (o->document.len > BULLA_FREEZE_TEXT_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the reason of a freeze has at most %d bytes", BULLA_FREEZE_TEXT_MAX);
	if (!bulla_utf8_valid(o->document)) return bulla_fail(err, BULLA_ERR_ENCODING, "the reason of a freeze is UTF-8 text");
	if (o->until_us && o->until_us <= c->now_us) return bulla_fail(err, BULLA_ERR_USAGE, "the freeze would be over already");
	return BULLA_OK;
}

bulla_code bulla_plan_freeze(void *self, bulla_change *c, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf payload = { 0 };
	const bulla_order *o = self;
	freeze_id id = { 0 };
	c->question.action = "bulla:Freeze";
	TRY(check(c, o, err));
	note(c, o);
	TRY(find_target(c, o, &id, err));
	bulla_bytes who = c->caller ? c->caller->principal : bulla_view_str(c->engine->principal);
	TRY(bulla_freeze_encode(&(bulla_freeze_data){ c->now_us, o->until_us, who, o->document }, &payload, err));
	return bulla_draft_put(&c->draft, BULLA_KMS_FREEZE, bulla_view(id.bytes, id.len), bulla_view_buf(&payload), err);
}

bulla_code bulla_plan_thaw(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	freeze_id id = { 0 };
	c->question.action = "bulla:Thaw";
	TRY(check(c, o, err));
	note(c, o);
	TRY(find_target(c, o, &id, err));
	if (!bulla_snapshot_row(c->now, BULLA_KMS_FREEZE, bulla_view(id.bytes, id.len)))
		return bulla_fail(err, BULLA_ERR_NOT_FOUND, "that is not frozen");
	return bulla_draft_remove(&c->draft, BULLA_KMS_FREEZE, bulla_view(id.bytes, id.len), err);
}
