/*
 * kms_manage.c - operations that change keys, aliases and policies: each one order to the engine.
 */
#include "kms/look.h"
#include "server/kms_inside.h"

#define ALIAS_PREFIX      "alias/"
#define DELETION_DAYS     30 /* AWS's presets */
#define ROTATION_DAYS     365
#define DELETION_DAYS_MIN 7
#define DELETION_DAYS_MAX 30
#define DEFAULT_POLICY    "default"

static bulla_order order_of(const bulla_work *work)
{
	return (bulla_order){ .caller = &work->caller, .key = work->key_id };
}

bool bulla_work_names_key_itself(bulla_work *work)
{
	bulla_key_id id;
	if (!bulla_key_id_parse(work->key_id, &id, NULL) && id.is_alias)
		return bulla_work_say(work, BULLA_AWS_SAYS_INVALID_KEY_ID, work->key_id);
	return true;
}

static bulla_code give(bulla_work *work, bulla_order_kind kind, bulla_order *order, bulla_error *err)
{
	if (!bulla_work_names_key_itself(work)) return BULLA_ERR_USAGE;
	return bulla_work_order(work, kind, order, err);
}

/* The key's ARN and what else is told of it after a change that was permitted. */
static bulla_code after(bulla_work *work, bulla_bytes key_id, bulla_json_writer *w,
			void (*put)(bulla_json_writer *w, const bulla_snapshot *now, const bulla_key *key), bulla_error *err)
{
	bulla_snapshot *now = NULL;
	const bulla_key *key = NULL;
	TRY(bulla_engine_acquire(work->service->config.engine, &now, err));
	bulla_code code = bulla_snapshot_resolve(now, &work->service->home, key_id, &key, err);
	if (code == BULLA_OK) put(w, now, key);
	bulla_snapshot_unref(now);
	return code;
}

static void put_arn(bulla_json_writer *w, const bulla_snapshot *now, const bulla_key *key)
{
	(void)now;
	bulla_json_put_str(w, "KeyId", key->arn);
}

/* --- keys ------------------------------------------------------------------------------------------------------ */
/* NULL where it was left out. */
static bulla_bytes given(const bulla_work *work, bulla_aws_member member)
{
	const bulla_aws_value *value = bulla_work_value(work, member);
	return value->given ? value->bytes : (bulla_bytes){ 0 };
}

static bool check_new_key(bulla_work *work, bulla_key_kind *ret)
{
	bulla_error why = { 0 };
	const bulla_key_wish wish = { .key_spec = given(work, BULLA_AWS_KEY_SPEC),
				      .customer_master_key_spec = given(work, BULLA_AWS_CUSTOMER_MASTER_KEY_SPEC),
				      .key_usage = given(work, BULLA_AWS_KEY_USAGE),
				      .origin = given(work, BULLA_AWS_ORIGIN),
				      .custom_key_store_id = given(work, BULLA_AWS_CUSTOM_KEY_STORE_ID),
				      .xks_key_id = given(work, BULLA_AWS_XKS_KEY_ID),
				      .multi_region = bulla_work_value(work, BULLA_AWS_MULTI_REGION)->number != 0 };
	bulla_code code = bulla_key_kind_choose(&wish, ret, &why);
	if (code)
		return bulla_work_refuse(work, code == BULLA_ERR_USAGE ? BULLA_AWS_VALIDATION : BULLA_AWS_UNSUPPORTED_OPERATION,
					 "%s", why.text);
	bool elsewhere = ret->multi_region || bulla_work_value(work, BULLA_AWS_TAGS)->n;
	if (ret->origin == BULLA_KEY_ORIGIN_AWS_KMS && !elsewhere) return true;
	return bulla_work_say(work, BULLA_AWS_SAYS_UNSUPPORTED);
}

static void put_created(bulla_json_writer *w, const bulla_snapshot *now, const bulla_key *key)
{
	bulla_put_key_metadata(w, now, key);
}

bulla_code bulla_act_create_key(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	char id[BULLA_UUID_TEXT + 1];
	bulla_order order = order_of(work);
	if (!check_new_key(work, &order.kind)) return BULLA_ERR_USAGE;
	order.text = bulla_work_text(work, BULLA_AWS_DESCRIPTION);
	order.document = bulla_work_text(work, BULLA_AWS_POLICY);
	order.bypass = bulla_work_value(work, BULLA_AWS_BYPASS_POLICY_LOCKOUT_SAFETY_CHECK)->number != 0;
	TRY(bulla_work_order(work, BULLA_ORDER_CREATE_KEY, &order, err));
	bulla_uuid_print(order.uuid, id);
	return after(work, bulla_view_str(id), w, put_created, err);
}

static bulla_code simple(bulla_work *work, bulla_order_kind kind, bulla_error *err)
{
	bulla_order order = order_of(work);
	return give(work, kind, &order, err);
}

bulla_code bulla_act_enable_key(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	(void)w;
	return simple(work, BULLA_ORDER_ENABLE_KEY, err);
}

bulla_code bulla_act_disable_key(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	(void)w;
	return simple(work, BULLA_ORDER_DISABLE_KEY, err);
}

bulla_code bulla_act_update_description(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	bulla_order order = order_of(work);
	(void)w;
	order.text = bulla_work_text(work, BULLA_AWS_DESCRIPTION);
	return give(work, BULLA_ORDER_DESCRIBE, &order, err);
}

static void put_deletion(bulla_json_writer *w, const bulla_snapshot *now, const bulla_key *key)
{
	put_arn(w, now, key);
	bulla_aws_put_time(w, "DeletionDate", key->data.deletion_us);
	bulla_json_put_str(w, "KeyState", "PendingDeletion");
}

/* The model takes 1 to 365 days, the service 7 to 30. */
bulla_code bulla_act_schedule_deletion(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	const bulla_aws_value *days = bulla_work_value(work, BULLA_AWS_PENDING_WINDOW_IN_DAYS);
	bulla_order order = order_of(work);
	order.days = days->given ? (uint32_t)days->number : DELETION_DAYS;
	if (order.days < DELETION_DAYS_MIN || order.days > DELETION_DAYS_MAX) {
		(void)bulla_work_refuse(work, BULLA_AWS_VALIDATION, "PendingWindowInDays must be between %d and %d.",
					DELETION_DAYS_MIN, DELETION_DAYS_MAX);
		return BULLA_ERR_USAGE;
	}
	TRY(give(work, BULLA_ORDER_SCHEDULE_DELETION, &order, err));
	TRY(after(work, work->key_id, w, put_deletion, err));
	bulla_json_put_int(w, "PendingWindowInDays", order.days);
	return BULLA_OK;
}

bulla_code bulla_act_cancel_deletion(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	bulla_order order = order_of(work);
	TRY(give(work, BULLA_ORDER_CANCEL_DELETION, &order, err));
	return after(work, work->key_id, w, put_arn, err);
}

/* --- rotation -------------------------------------------------------------------------------------------------- */
bulla_code bulla_act_enable_rotation(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	const bulla_aws_value *days = bulla_work_value(work, BULLA_AWS_ROTATION_PERIOD_IN_DAYS);
	bulla_order order = order_of(work);
	(void)w;
	order.days = days->given ? (uint32_t)days->number : ROTATION_DAYS;
	return give(work, BULLA_ORDER_ENABLE_ROTATION, &order, err);
}

bulla_code bulla_act_disable_rotation(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	(void)w;
	return simple(work, BULLA_ORDER_DISABLE_ROTATION, err);
}

bulla_code bulla_act_rotate(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	bulla_code code = simple(work, BULLA_ORDER_ROTATE, err);
	if (code == BULLA_ERR_LIMIT) {
		char arn[BULLA_ARN_MAX];
		bulla_work_key_arn(work, arn);
		(void)bulla_work_say(work, BULLA_AWS_SAYS_ROTATIONS_EXHAUSTED, bulla_view_str(arn));
	}
	TRY(code);
	return after(work, work->key_id, w, put_arn, err);
}

/* --- aliases --------------------------------------------------------------------------------------------------- */
/* What is behind "alias/". */
static bool alias_of(bulla_work *work, bulla_bytes *ret)
{
	bulla_bytes name = bulla_work_text(work, BULLA_AWS_ALIAS_NAME);
	const size_t prefix = sizeof ALIAS_PREFIX - 1;
	if (name.len <= prefix || memcmp(name.data, ALIAS_PREFIX, prefix) != 0)
		return bulla_work_say(work, BULLA_AWS_SAYS_ALIAS_PREFIX);
	*ret = bulla_view(name.data + prefix, name.len - prefix);
	if (ret->len >= 4 && memcmp(ret->data, "aws/", 4) == 0)
		return bulla_work_refuse(work, BULLA_AWS_NOT_FOUND, "Aliases that begin with alias/aws/ are reserved.");
	if (ret->len > BULLA_ALIAS_NAME_MAX || memchr(ret->data, ':', ret->len))
		return bulla_work_refuse(work, BULLA_AWS_INVALID_ALIAS_NAME, "%.*s contains invalid characters for an alias",
					 (int)name.len, (const char *)name.data);
	return true;
}

static bulla_code give_alias(bulla_work *work, bulla_order_kind kind, bulla_error *err)
{
	bulla_order order = order_of(work);
	if (!alias_of(work, &order.alias)) return BULLA_ERR_USAGE;
	bulla_code code = give(work, kind, &order, err);
	if (code == BULLA_ERR_EXISTS) {
		char arn[BULLA_ARN_MAX + BULLA_ALIAS_NAME_MAX];
		bulla_alias_arn_print(&work->service->home, order.alias, arn, sizeof arn);
		(void)bulla_work_say(work, BULLA_AWS_SAYS_ALIAS_EXISTS, bulla_view_str(arn));
	}
	return code;
}

bulla_code bulla_act_create_alias(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	(void)w;
	return give_alias(work, BULLA_ORDER_CREATE_ALIAS, err);
}

bulla_code bulla_act_update_alias(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	(void)w;
	return give_alias(work, BULLA_ORDER_UPDATE_ALIAS, err);
}

/* It names no key: what is not found is the alias. */
bulla_code bulla_act_delete_alias(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	(void)w;
	work->key_id = bulla_work_text(work, BULLA_AWS_ALIAS_NAME);
	bulla_order order = { .caller = &work->caller };
	if (!alias_of(work, &order.alias)) return BULLA_ERR_USAGE;
	return bulla_work_order(work, BULLA_ORDER_DELETE_ALIAS, &order, err);
}

/* --- policies -------------------------------------------------------------------------------------------------- */
bulla_code bulla_act_put_policy(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	const bulla_aws_value *name = bulla_work_value(work, BULLA_AWS_POLICY_NAME);
	bulla_order order = order_of(work);
	(void)w;
	if (name->given && !bulla_bytes_is(name->bytes, DEFAULT_POLICY)) {
		(void)bulla_work_refuse(work, BULLA_AWS_NOT_FOUND, "No such policy exists");
		return BULLA_ERR_NOT_FOUND;
	}
	order.document = bulla_work_text(work, BULLA_AWS_POLICY);
	order.bypass = bulla_work_value(work, BULLA_AWS_BYPASS_POLICY_LOCKOUT_SAFETY_CHECK)->number != 0;
	return give(work, BULLA_ORDER_PUT_KEY_POLICY, &order, err);
}
