/*
 * kms_actions.c - how each operation is answered: one row for each.
 */
#include "server/kms_inside.h"

#define USE(op, use, tell)  [BULLA_AWS_##op] = { use, tell, NULL, false }
#define SLOW(op, use, tell) [BULLA_AWS_##op] = { use, tell, NULL, true }
#define RUN(op, run)        [BULLA_AWS_##op] = { NULL, NULL, run, false }

static const bulla_action actions[BULLA_AWS_OPERATIONS] = {
	USE(DECRYPT, bulla_use_decrypt, bulla_tell_decrypt),
	USE(ENCRYPT, bulla_use_encrypt, bulla_tell_encrypt),
	USE(GENERATE_DATA_KEY, bulla_use_data_key, bulla_tell_data_key),
	USE(GENERATE_DATA_KEY_WITHOUT_PLAINTEXT, bulla_use_data_key_without_plaintext, bulla_tell_data_key),
	USE(GENERATE_RANDOM, bulla_use_random, bulla_tell_random),
	USE(RE_ENCRYPT, bulla_use_re_encrypt, bulla_tell_re_encrypt),

	USE(GENERATE_MAC, bulla_use_generate_mac, bulla_tell_generate_mac),
	USE(VERIFY_MAC, bulla_use_verify_mac, bulla_tell_verify_mac),
	SLOW(DERIVE_SHARED_SECRET, bulla_use_shared_secret, bulla_tell_shared_secret),
	SLOW(GENERATE_DATA_KEY_PAIR, bulla_use_data_key_pair, bulla_tell_data_key_pair),
	SLOW(GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT, bulla_use_data_key_pair_without_plaintext, bulla_tell_data_key_pair),
	SLOW(GET_PUBLIC_KEY, bulla_use_public_key, bulla_tell_public_key),
	SLOW(SIGN, bulla_use_sign, bulla_tell_sign),
	SLOW(VERIFY, bulla_use_verify, bulla_tell_verify),

	RUN(CANCEL_KEY_DELETION, bulla_act_cancel_deletion),
	RUN(CREATE_ALIAS, bulla_act_create_alias),
	RUN(CREATE_KEY, bulla_act_create_key),
	RUN(DELETE_ALIAS, bulla_act_delete_alias),
	RUN(DESCRIBE_KEY, bulla_act_describe_key),
	RUN(DISABLE_KEY, bulla_act_disable_key),
	RUN(DISABLE_KEY_ROTATION, bulla_act_disable_rotation),
	RUN(ENABLE_KEY, bulla_act_enable_key),
	RUN(ENABLE_KEY_ROTATION, bulla_act_enable_rotation),
	RUN(FREEZE, bulla_act_freeze),
	RUN(GET_KEY_POLICY, bulla_act_get_policy),
	RUN(GET_KEY_ROTATION_STATUS, bulla_act_rotation_status),
	RUN(GET_STATUS, bulla_act_get_status),
	RUN(LIST_ALIASES, bulla_act_list_aliases),
	RUN(LIST_KEY_POLICIES, bulla_act_list_policies),
	RUN(LIST_KEY_ROTATIONS, bulla_act_list_rotations),
	RUN(LIST_KEYS, bulla_act_list_keys),
	RUN(LOOKUP_EVENTS, bulla_act_lookup_events),
	RUN(PUT_KEY_POLICY, bulla_act_put_policy),
	RUN(ROTATE_KEY_ON_DEMAND, bulla_act_rotate),
	RUN(SCHEDULE_KEY_DELETION, bulla_act_schedule_deletion),
	RUN(THAW, bulla_act_thaw),
	RUN(UPDATE_ALIAS, bulla_act_update_alias),
	RUN(UPDATE_KEY_DESCRIPTION, bulla_act_update_description),
};

const bulla_action *bulla_action_of(bulla_aws_op op)
{
	const bulla_action *action = &actions[op];
	return action->use || action->run ? action : NULL;
}
