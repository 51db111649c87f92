/*
 * order.c - the table of orders, and those that this process gives to itself.
 */
#include "kms/order.h"
#include "kms/planners.h"

static const struct {
	const char *name; /* as AWS spells it, where AWS has it; permission is asked for kms:<name> */
	bulla_planner plan;
} orders[BULLA_ORDERS] = {
	[BULLA_ORDER_CREATE_KEY] = { "CreateKey", bulla_plan_create },
	[BULLA_ORDER_ENABLE_KEY] = { "EnableKey", bulla_plan_enable },
	[BULLA_ORDER_DISABLE_KEY] = { "DisableKey", bulla_plan_disable },
	[BULLA_ORDER_CLOSE_KEY] = { "CloseKey", bulla_plan_close },
	[BULLA_ORDER_SCHEDULE_DELETION] = { "ScheduleKeyDeletion", bulla_plan_deletion },
	[BULLA_ORDER_CANCEL_DELETION] = { "CancelKeyDeletion", bulla_plan_cancel },
	[BULLA_ORDER_DELETE_KEY] = { "DeleteKey", bulla_plan_destruction },
	[BULLA_ORDER_ROTATE] = { "RotateKeyOnDemand", bulla_plan_rotate },
	[BULLA_ORDER_ENABLE_ROTATION] = { "EnableKeyRotation", bulla_plan_schedule },
	[BULLA_ORDER_DISABLE_ROTATION] = { "DisableKeyRotation", bulla_plan_schedule },
	[BULLA_ORDER_SET_ALIAS] = { "CreateAlias", bulla_plan_alias },
	[BULLA_ORDER_CREATE_ALIAS] = { "CreateAlias", bulla_plan_create_alias },
	[BULLA_ORDER_UPDATE_ALIAS] = { "UpdateAlias", bulla_plan_update_alias },
	[BULLA_ORDER_DELETE_ALIAS] = { "DeleteAlias", bulla_plan_delete_alias },
	[BULLA_ORDER_DESCRIBE] = { "UpdateKeyDescription", bulla_plan_description },
	[BULLA_ORDER_ADD_PRINCIPAL] = { "CreateUser", bulla_plan_add_principal },
	[BULLA_ORDER_SET_BUDGET] = { "SetDecryptBudget", bulla_plan_set_budget },
	[BULLA_ORDER_REMOVE_PRINCIPAL] = { "DeleteUser", bulla_plan_remove_principal },
	[BULLA_ORDER_ADD_ACCESS_KEY] = { "CreateAccessKey", bulla_plan_add_access_key },
	[BULLA_ORDER_SET_ACCESS_KEY] = { "UpdateAccessKey", bulla_plan_set_access_key },
	[BULLA_ORDER_REMOVE_ACCESS_KEY] = { "DeleteAccessKey", bulla_plan_remove_access_key },
	[BULLA_ORDER_PUT_POLICY] = { "PutUserPolicy", bulla_plan_put_policy },
	[BULLA_ORDER_REMOVE_POLICY] = { "DeleteUserPolicy", bulla_plan_remove_policy },
	[BULLA_ORDER_PUT_KEY_POLICY] = { "PutKeyPolicy", bulla_plan_put_key_policy },
	[BULLA_ORDER_FREEZE] = { "Freeze", bulla_plan_freeze },
	[BULLA_ORDER_THAW] = { "Thaw", bulla_plan_thaw },
};

static bulla_code new_uuid(bulla_engine *engine, uint8_t out[static BULLA_UUID_SIZE], bulla_error *err)
{
	bulla_desk *desk = NULL;
	TRY(bulla_desk_take(engine, &desk, err));
	bulla_code code = bulla_random(desk->lane, out, BULLA_UUID_SIZE, err);
	bulla_desk_give(engine, desk);
	bulla_uuid_mark(out);
	return code;
}

static bool may_create(bulla_engine *engine, const bulla_order *order)
{
	bulla_snapshot *now = NULL;
	bulla_question question = { 0 };
	if (bulla_engine_acquire(engine, &now, NULL)) return false;
	bulla_ask_create(order, &question);
	bulla_code code = bulla_authorize(now, &engine->home, order->caller, &question, bulla_engine_now(engine), NULL);
	bulla_snapshot_unref(now);
	return code == BULLA_OK;
}

/* A pair takes seconds to make: not while others wait to change the store, and not for who may not have it. */
static bulla_code create(bulla_engine *engine, bulla_order *order, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf drawn = { 0 };
	TRY(new_uuid(engine, order->uuid, err));
	if (bulla_key_kind_is_pair(order->kind.spec) && may_create(engine, order))
		TRY(bulla_material_draw(NULL, order->kind.spec, &drawn, err));
	order->secret = bulla_view_buf(&drawn);
	bulla_code code = bulla_engine_change(engine, order->caller, orders[BULLA_ORDER_CREATE_KEY].name,
					      orders[BULLA_ORDER_CREATE_KEY].plan, order, err);
	order->secret = (bulla_bytes){ 0 };
	return code;
}

bulla_code bulla_engine_order(bulla_engine *engine, bulla_order_kind kind, bulla_order *order, bulla_error *err)
{
	if (kind <= 0 || kind >= BULLA_ORDERS) return bulla_fail(err, BULLA_ERR_USAGE, "the engine has no order %d", (int)kind);
	TRY(bulla_engine_check(engine, err));
	if (kind == BULLA_ORDER_CREATE_KEY) return create(engine, order, err);
	return bulla_engine_change(engine, order->caller, orders[kind].name, orders[kind].plan, order, err);
}

/* --- orders of this process ------------------------------------------------------------------------------------ */
bulla_code bulla_engine_create_key(bulla_engine *engine, const char *description, const char *alias_or_null, bulla_key_info *ret,
				   bulla_error *err)
{
	bulla_order o = { .text = bulla_view_str(description) };
	char id[BULLA_UUID_TEXT + 1];
	TRY(bulla_engine_check(engine, err));
	if (alias_or_null) TRY(bulla_alias_parse(alias_or_null, &o.alias, err));
	TRY(bulla_engine_order(engine, BULLA_ORDER_CREATE_KEY, &o, err));
	bulla_uuid_print(o.uuid, id);
	return ret ? bulla_engine_describe(engine, bulla_view_str(id), ret, err) : BULLA_OK;
}

bulla_code bulla_engine_enable(bulla_engine *engine, bulla_bytes key, bulla_error *err)
{
	return bulla_engine_order(engine, BULLA_ORDER_ENABLE_KEY, &(bulla_order){ .key = key }, err);
}

bulla_code bulla_engine_disable(bulla_engine *engine, bulla_bytes key, bulla_error *err)
{
	return bulla_engine_order(engine, BULLA_ORDER_DISABLE_KEY, &(bulla_order){ .key = key }, err);
}

bulla_code bulla_engine_close(bulla_engine *engine, bulla_bytes key, bulla_error *err)
{
	return bulla_engine_order(engine, BULLA_ORDER_CLOSE_KEY, &(bulla_order){ .key = key }, err);
}

bulla_code bulla_engine_schedule_deletion(bulla_engine *engine, bulla_bytes key, uint32_t days, bulla_error *err)
{
	return bulla_engine_order(engine, BULLA_ORDER_SCHEDULE_DELETION, &(bulla_order){ .key = key, .days = days }, err);
}

bulla_code bulla_engine_cancel_deletion(bulla_engine *engine, bulla_bytes key, bulla_error *err)
{
	return bulla_engine_order(engine, BULLA_ORDER_CANCEL_DELETION, &(bulla_order){ .key = key }, err);
}

bulla_code bulla_engine_destroy(bulla_engine *engine, bulla_bytes key, bulla_error *err)
{
	return bulla_engine_order(engine, BULLA_ORDER_DELETE_KEY, &(bulla_order){ .key = key }, err);
}

bulla_code bulla_engine_rotate(bulla_engine *engine, bulla_bytes key, bulla_key_info *ret, bulla_error *err)
{
	TRY(bulla_engine_order(engine, BULLA_ORDER_ROTATE, &(bulla_order){ .key = key }, err));
	return ret ? bulla_engine_describe(engine, key, ret, err) : BULLA_OK;
}

bulla_code bulla_engine_set_rotation(bulla_engine *engine, bulla_bytes key, uint32_t days, bulla_error *err)
{
	bulla_order_kind kind = days ? BULLA_ORDER_ENABLE_ROTATION : BULLA_ORDER_DISABLE_ROTATION;
	return bulla_engine_order(engine, kind, &(bulla_order){ .key = key, .days = days }, err);
}

bulla_code bulla_engine_set_alias(bulla_engine *engine, const char *alias, bulla_bytes key, bulla_error *err)
{
	bulla_order o = { .key = key };
	TRY(bulla_alias_parse(alias, &o.alias, err));
	return bulla_engine_order(engine, BULLA_ORDER_SET_ALIAS, &o, err);
}
