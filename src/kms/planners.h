/*
 * planners.h - one planner for each kind of order: says what it refuses and which rows it writes.
 *
 * `self` is a bulla_order, unless something else is said. See kms/change.h for what a planner does.
 */
#ifndef KMS_PLANNERS_H
#define KMS_PLANNERS_H

#include "kms/change.h"
#include "kms/order.h"

/* --- manage.c --------------------------------------------------------------------------------------------------- */
/* What must be permitted to make the key. */
void bulla_ask_create(const bulla_order *order, bulla_question *question);
bulla_code bulla_plan_create(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_enable(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_disable(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_close(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_deletion(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_cancel(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_destruction(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_rotate(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_schedule(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_description(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_alias(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_create_alias(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_update_alias(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_delete_alias(void *self, bulla_change *c, bulla_error *err);

/* --- principals.c ----------------------------------------------------------------------------------------------- */
bulla_code bulla_plan_add_principal(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_set_budget(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_remove_principal(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_add_access_key(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_set_access_key(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_remove_access_key(void *self, bulla_change *c, bulla_error *err);

/* --- policies.c ------------------------------------------------------------------------------------------------- */
bulla_code bulla_plan_put_policy(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_remove_policy(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_put_key_policy(void *self, bulla_change *c, bulla_error *err);
/* Drafts the order's document as the policy of a key, which may be only about to be. FORMAT for what is none, or locks the caller out. */
BULLA_MUST bulla_code bulla_change_put_policy(bulla_change *c, const bulla_order *order,
					      const uint8_t uuid[static BULLA_UUID_SIZE], const char *arn, bulla_error *err);

/* --- freezes.c -------------------------------------------------------------------------------------------------- */
bulla_code bulla_plan_freeze(void *self, bulla_change *c, bulla_error *err);
bulla_code bulla_plan_thaw(void *self, bulla_change *c, bulla_error *err);

#endif
