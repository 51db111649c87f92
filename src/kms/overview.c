/*
 * overview.c - writes who may use a store and what is frozen in it.
 */
#include "kms/overview.h"
#include "base/text.h"

static void put_time(bulla_json_writer *w, const char *name, int64_t time_us)
{
	char text[BULLA_TIME_TEXT];
	bulla_json_put_str(w, name, time_us ? bulla_time_text(time_us, text) : NULL);
}

/* --- freezes --------------------------------------------------------------------------------------------------- */
static void put_target(bulla_json_writer *w, const bulla_snapshot *now, const bulla_freeze *freeze)
{
	const bulla_key *key = NULL;
	bulla_json_put_str(w, "scope",
			   freeze->scope == BULLA_FREEZE_KEY         ? "key"
			   : freeze->scope == BULLA_FREEZE_PRINCIPAL ? "principal"
								     : "everything");
	if (freeze->scope == BULLA_FREEZE_PRINCIPAL) bulla_json_put_bytes(w, "principal", freeze->target);
	if (freeze->scope == BULLA_FREEZE_KEY && freeze->target.len == BULLA_UUID_SIZE)
		key = bulla_snapshot_key(now, freeze->target.data);
	if (key) bulla_json_put_str(w, "key", key->arn);
}

static void put_freeze(bulla_json_writer *w, const bulla_snapshot *now, const bulla_freeze *freeze)
{
	bulla_json_open(w, NULL, '{');
	put_target(w, now, freeze);
	put_time(w, "since", freeze->data.since_us);
	put_time(w, "until", freeze->data.until_us);
	bulla_json_put_bytes(w, "by", freeze->data.who);
	bulla_json_put_bytes(w, "reason", freeze->data.why);
	bulla_json_close(w, '}');
}

static void put_freezes(bulla_json_writer *w, const bulla_snapshot *now, int64_t now_us)
{
	size_t shown = 0;
	bulla_json_put_bool(w, "frozen",
			    bulla_freeze_in_force(&now->rights, BULLA_FREEZE_ALL, (bulla_bytes){ 0 }, now_us) != NULL);
	bulla_json_open(w, "freezes", '[');
	for (size_t i = 0; i < now->rights.freeze_count && shown < BULLA_OVERVIEW_FREEZES_MAX; i++) {
		const bulla_freeze *freeze = &now->rights.freezes[i];
		if (!bulla_freeze_in_force(&now->rights, freeze->scope, freeze->target, now_us)) continue;
		put_freeze(w, now, freeze);
		shown++;
	}
	bulla_json_close(w, ']');
}

/* --- principals ------------------------------------------------------------------------------------------------ */
static void put_budget(bulla_json_writer *w, const bulla_principal_data *data)
{
	if (!data->budget) {
		bulla_json_put_null(w, "budget");
		return;
	}
	bulla_json_open(w, "budget", '{');
	bulla_json_put_int(w, "decryptions", data->budget);
	bulla_json_put_int(w, "seconds", data->budget_seconds);
	bulla_json_close(w, '}');
}

static void put_access_key(bulla_json_writer *w, const bulla_access_key *key)
{
	bulla_json_open(w, NULL, '{');
	bulla_json_put_bytes(w, "id", key->id);
	bulla_json_put_str(w, "state", key->data.active ? "active" : "inactive");
	put_time(w, "created", key->data.created_us);
	bulla_json_close(w, '}');
}

void bulla_put_principal(bulla_json_writer *w, const bulla_snapshot *now, const bulla_principal *principal, int64_t now_us)
{
	const bulla_rights *rights = &now->rights;
	bulla_json_open(w, NULL, '{');
	bulla_json_put_bytes(w, "name", principal->name);
	bulla_json_put_bytes(w, "arn", bulla_view(principal->arn, principal->arn_len));
	put_time(w, "created", principal->data.created_us);
	put_budget(w, &principal->data);
	bulla_json_open(w, "access_keys", '[');
	for (size_t i = 0; i < rights->key_count; i++)
		if (rights->keys[i].principal == principal) put_access_key(w, &rights->keys[i]);
	bulla_json_close(w, ']');
	bulla_json_open(w, "policies", '[');
	for (size_t i = 0; i < principal->policy_count; i++)
		bulla_json_put_bytes(w, NULL, principal->policies[i].name);
	bulla_json_close(w, ']');
	bulla_json_put_bool(w, "frozen", bulla_freeze_in_force(rights, BULLA_FREEZE_PRINCIPAL, principal->name, now_us) != NULL);
	bulla_json_close(w, '}');
}

static void put_principals(bulla_json_writer *w, const bulla_snapshot *now, int64_t now_us)
{
	const bulla_rights *rights = &now->rights;
	bulla_json_put_int(w, "principal_count", (int64_t)rights->principal_count);
	bulla_json_open(w, "principals", '[');
	for (size_t i = 0; i < rights->principal_count && i < BULLA_OVERVIEW_PRINCIPALS_MAX; i++)
		bulla_put_principal(w, now, &rights->principals[i], now_us);
	bulla_json_close(w, ']');
}

/* --- keys ------------------------------------------------------------------------------------------------------ */
static void put_keys(bulla_json_writer *w, const bulla_snapshot *now)
{
	enum { ENABLED, CLOSING, DISABLED, PENDING, DESTROYED, STATES };
	static const char *const names[STATES] = { "enabled", "closing", "disabled", "pending_deletion", "destroyed" };
	int64_t counts[STATES] = { 0 };
	for (size_t i = 0; i < now->key_count; i++) {
		const bulla_key_data *data = &now->keys[i].data;
		size_t state = data->state == BULLA_KEY_DISABLED           ? DISABLED
			       : data->state == BULLA_KEY_PENDING_DELETION ? PENDING
			       : data->state == BULLA_KEY_TOMBSTONE        ? DESTROYED
			       : data->closed_us                           ? CLOSING
									   : ENABLED;
		counts[state]++;
	}
	bulla_json_open(w, "keys", '{');
	for (size_t i = 0; i < STATES; i++)
		bulla_json_put_int(w, names[i], counts[i]);
	bulla_json_close(w, '}');
}

void bulla_put_overview(bulla_json_writer *w, const bulla_snapshot *now, const bulla_realm *home, int64_t now_us)
{
	bulla_json_put_int(w, "generation", (int64_t)now->generation);
	bulla_json_put_bytes(w, "account", home->account);
	bulla_json_put_bytes(w, "region", home->region);
	put_freezes(w, now, now_us);
	put_principals(w, now, now_us);
	put_keys(w, now);
}
