/*
 * kms_fault.c - what the engine says, in AWS's words.
 */
#include "server/kms_inside.h"

#include <stddef.h>
#include <stdio.h>

/* One row for each code that a request can cause; all else is ours. */
static const struct row {
	bulla_code code;
	bulla_aws_type type;
} rows[] = {
	{ BULLA_ERR_DENIED, BULLA_AWS_ACCESS_DENIED },
	{ BULLA_ERR_NOT_FOUND, BULLA_AWS_NOT_FOUND },
	{ BULLA_ERR_KEY_DESTROYED, BULLA_AWS_NOT_FOUND },
	{ BULLA_ERR_KEY_DISABLED, BULLA_AWS_DISABLED },
	{ BULLA_ERR_KEY_PENDING, BULLA_AWS_KMS_INVALID_STATE },
	{ BULLA_ERR_KEY_CLOSING, BULLA_AWS_KMS_INVALID_STATE },
	{ BULLA_ERR_UNKNOWN_KEY, BULLA_AWS_INVALID_CIPHERTEXT },
	{ BULLA_ERR_AUTH, BULLA_AWS_INVALID_CIPHERTEXT },
	{ BULLA_ERR_FORMAT, BULLA_AWS_INVALID_CIPHERTEXT },
	{ BULLA_ERR_VERSION, BULLA_AWS_INVALID_CIPHERTEXT },
	{ BULLA_ERR_EXISTS, BULLA_AWS_ALREADY_EXISTS },
	{ BULLA_ERR_LIMIT, BULLA_AWS_LIMIT_EXCEEDED },
	{ BULLA_ERR_TOO_LARGE, BULLA_AWS_VALIDATION },
	{ BULLA_ERR_USAGE, BULLA_AWS_VALIDATION },
	{ BULLA_ERR_ENCODING, BULLA_AWS_VALIDATION },
	{ BULLA_ERR_KEY_USAGE, BULLA_AWS_INVALID_KEY_USAGE },
	{ BULLA_ERR_REFUSED, BULLA_AWS_UNSUPPORTED_OPERATION },
	{ BULLA_ERR_LOCKED, BULLA_AWS_DEPENDENCY_TIMEOUT },
	{ BULLA_ERR_UNAVAILABLE, BULLA_AWS_DEPENDENCY_TIMEOUT },
};

/* Where an operation means something else by it. */
static const struct own_row {
	bulla_aws_op op;
	bulla_code code;
	bulla_aws_type type;
} own_rows[] = {
	{ BULLA_AWS_CANCEL_KEY_DELETION, BULLA_ERR_USAGE, BULLA_AWS_KMS_INVALID_STATE },
	{ BULLA_AWS_CREATE_KEY, BULLA_ERR_FORMAT, BULLA_AWS_MALFORMED_POLICY_DOCUMENT },
	{ BULLA_AWS_CREATE_KEY, BULLA_ERR_LIMIT, BULLA_AWS_MALFORMED_POLICY_DOCUMENT },
	{ BULLA_AWS_PUT_KEY_POLICY, BULLA_ERR_FORMAT, BULLA_AWS_MALFORMED_POLICY_DOCUMENT },
	{ BULLA_AWS_PUT_KEY_POLICY, BULLA_ERR_LIMIT, BULLA_AWS_MALFORMED_POLICY_DOCUMENT },
	{ BULLA_AWS_VERIFY, BULLA_ERR_AUTH, BULLA_AWS_KMS_INVALID_SIGNATURE },
	{ BULLA_AWS_VERIFY_MAC, BULLA_ERR_AUTH, BULLA_AWS_KMS_INVALID_MAC },
	{ BULLA_AWS_DERIVE_SHARED_SECRET, BULLA_ERR_FORMAT, BULLA_AWS_VALIDATION },
};

static bulla_aws_type type_of(const bulla_work *work, bulla_code code)
{
	if (code == BULLA_ERR_UNKNOWN_KEY && work->caller.names_key) return BULLA_AWS_INCORRECT_KEY;
	for (size_t i = 0; work->operation && i < sizeof own_rows / sizeof *own_rows; i++)
		if (own_rows[i].op == bulla_aws_operation_op(work->operation) && own_rows[i].code == code)
			return own_rows[i].type;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].code == code) return rows[i].type;
	return BULLA_AWS_KMS_INTERNAL;
}

const char *bulla_kms_error_name(const bulla_caller *caller, bulla_code code)
{
	const bulla_work *work = (const bulla_work *)((const char *)caller - offsetof(bulla_work, caller));
	return bulla_aws_type_name(work->refused ? work->fault.type : type_of(work, code));
}

void bulla_work_key_arn(const bulla_work *work, char out[static BULLA_ARN_MAX])
{
	bulla_snapshot *now = NULL;
	const bulla_key *key = NULL;
	out[0] = 0;
	if (bulla_engine_acquire(work->service->config.engine, &now, NULL)) return;
	if (bulla_snapshot_resolve(now, &work->service->home, work->key_id, &key, NULL) == BULLA_OK)
		(void)snprintf(out, BULLA_ARN_MAX, "%s", key->arn);
	bulla_snapshot_unref(now);
}

/* A key id that names nothing: which of its forms it has decides the text. */
static bool say_not_found(bulla_work *work)
{
	char arn[BULLA_ARN_MAX + BULLA_ALIAS_NAME_MAX];
	const bulla_realm *home = &work->service->home;
	bulla_key_id id;
	if (bulla_key_id_parse(work->key_id, &id, NULL))
		return bulla_aws_say(&work->fault, BULLA_AWS_SAYS_INVALID_KEY_ID, work->key_id);
	if (id.is_arn && !bulla_bytes_equal(id.realm.region, home->region))
		return bulla_aws_say(&work->fault, BULLA_AWS_SAYS_OTHER_REGION, id.realm.region);
	if (id.is_alias)
		bulla_alias_arn_print(home, id.alias, arn, sizeof arn);
	else
		(void)bulla_key_arn_print(home, id.uuid, arn);
	return bulla_aws_say(&work->fault, id.is_alias ? BULLA_AWS_SAYS_ALIAS_NOT_FOUND : BULLA_AWS_SAYS_KEY_NOT_FOUND,
			     bulla_view_str(arn));
}

void bulla_work_fail(bulla_work *work, bulla_code code, const char *text, const char *arn)
{
	const bulla_bytes key = bulla_view_str(arn);
	bulla_aws_type type = type_of(work, code);
	if (code == BULLA_ERR_NOT_FOUND && work->key_id.len)
		(void)say_not_found(work);
	else if (code == BULLA_ERR_KEY_DESTROYED && key.len)
		(void)bulla_aws_say(&work->fault, BULLA_AWS_SAYS_KEY_NOT_FOUND, key);
	else if (code == BULLA_ERR_KEY_DISABLED && key.len)
		(void)bulla_aws_say(&work->fault, BULLA_AWS_SAYS_DISABLED, key);
	else if (code == BULLA_ERR_KEY_PENDING && key.len)
		(void)bulla_aws_say(&work->fault, BULLA_AWS_SAYS_PENDING_DELETION, key);
	else if (type == BULLA_AWS_KMS_INVALID_STATE && code == BULLA_ERR_USAGE)
		(void)bulla_aws_say(&work->fault, BULLA_AWS_SAYS_NOT_PENDING_DELETION, key);
	else if (type == BULLA_AWS_INVALID_CIPHERTEXT)
		(void)bulla_aws_say(&work->fault, BULLA_AWS_SAYS_INVALID_CIPHERTEXT);
	else if (type == BULLA_AWS_INCORRECT_KEY)
		(void)bulla_aws_say(&work->fault, BULLA_AWS_SAYS_INCORRECT_KEY);
	else if (type == BULLA_AWS_KMS_INVALID_SIGNATURE || type == BULLA_AWS_KMS_INVALID_MAC)
		(void)bulla_aws_refuse(&work->fault, type, "%s", "");
	else if (type == BULLA_AWS_KMS_INTERNAL)
		(void)bulla_aws_say(&work->fault, BULLA_AWS_SAYS_INTERNAL);
	else
		(void)bulla_aws_refuse(&work->fault, type, "%s", text);
	work->refused = true;
}
