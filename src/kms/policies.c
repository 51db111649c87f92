/*
 * policies.c - planners for policy documents: those of principals, and a key's own.
 */
#include "kms/planners.h"

#define POLICIES_MAX 10 /* of one principal */

static bulla_code put_document(bulla_change *c, bulla_bytes row_id, bulla_bytes document, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf payload = { 0 };
	TRY(bulla_policy_encode(&(bulla_policy_data){ c->now_us, document }, &payload, err));
	return bulla_draft_put(&c->draft, BULLA_KMS_POLICY, row_id, bulla_view_buf(&payload), err);
}

static bulla_code check_document(bulla_bytes document, bulla_policy_kind kind, bulla_error *err)
{
	bulla_policy *policy = NULL;
	TRY(bulla_policy_parse(document, kind, &policy, err));
	bulla_policy_free(policy);
	return BULLA_OK;
}

/* --- of principals --------------------------------------------------------------------------------------------- */
static const bulla_named_policy *policy_of(const bulla_principal *principal, bulla_bytes name)
{
	for (size_t i = 0; i < principal->policy_count; i++)
		if (bulla_bytes_equal(principal->policies[i].name, name)) return &principal->policies[i];
	return NULL;
}

static bulla_code find_principal(bulla_change *c, const bulla_order *o, const bulla_principal **ret, bulla_error *err)
{
	*ret = bulla_rights_principal(&c->now->rights, o->text);
	bulla_change_note(c, "principal %.*s, policy %.*s", (int)o->text.len, (const char *)o->text.data, (int)o->name.len,
			  (const char *)o->name.data);
	if (!*ret) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no principal of that name");
	return BULLA_OK;
}

bulla_code bulla_plan_put_policy(void *self, bulla_change *c, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf row_id = { 0 };
	const bulla_order *o = self;
	const bulla_principal *principal = NULL;
	TRY(find_principal(c, o, &principal, err));
	TRY(bulla_policy_name_check(o->name, err));
	TRY(check_document(o->document, BULLA_POLICY_IDENTITY, err));
	if (!policy_of(principal, o->name) && principal->policy_count >= POLICIES_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a principal has at most %d policies", POLICIES_MAX);
	TRY(bulla_policy_row_id(principal->name, o->name, &row_id, err));
	return put_document(c, bulla_view_buf(&row_id), o->document, err);
}

bulla_code bulla_plan_remove_policy(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_principal *principal = NULL;
	TRY(find_principal(c, o, &principal, err));
	const bulla_named_policy *policy = policy_of(principal, o->name);
	if (!policy) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "the principal has no policy of that name");
	return bulla_draft_remove(&c->draft, BULLA_KMS_POLICY, policy->row_id, err);
}

/* --- of keys --------------------------------------------------------------------------------------------------- */
/* Whoever sets a policy that forbids him to set the next one would need the root key to mend it (AWS: the lockout safety check). */
static bulla_code check_lockout(bulla_change *c, const char *arn, bulla_bytes document, bulla_error *err)
{
	bulla_policy *policy = NULL;
	const bulla_principal *principal = bulla_rights_principal(&c->now->rights, c->caller->principal);
	TRY(bulla_policy_parse(document, BULLA_POLICY_KEY, &policy, err));
	bulla_access access = { .action = bulla_view_str("kms:PutKeyPolicy"),
				.resource = bulla_view_str(arn),
				.account = c->engine->home.account,
				.source_ip = c->caller->source_ip,
				.user_agent = c->caller->user_agent,
				.region = c->engine->home.region,
				.now_us = c->now_us,
				.tls = c->caller->tls };
	if (principal) {
		access.principal = bulla_view(principal->arn, principal->arn_len);
		access.user_name = access.user_id = principal->name;
	}
	bulla_policy_decision decision = bulla_policy_evaluate(policy, &access);
	bulla_policy_free(policy);
	if (decision.verdict == BULLA_POLICY_ALLOW) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_FORMAT, "The new key policy will not allow you to update the key policy in the future.");
}

bulla_code bulla_change_put_policy(bulla_change *c, const bulla_order *o, const uint8_t uuid[static BULLA_UUID_SIZE],
				   const char *arn, bulla_error *err)
{
	uint8_t row_id[1 + BULLA_UUID_SIZE] = { BULLA_POLICY_OF_KEY };
	TRY(check_document(o->document, BULLA_POLICY_KEY, err));
	if (c->caller && !o->bypass) TRY(check_lockout(c, arn, o->document, err));
	memcpy(row_id + 1, uuid, BULLA_UUID_SIZE);
	return put_document(c, bulla_view(row_id, sizeof row_id), o->document, err);
}

bulla_code bulla_plan_put_key_policy(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_key *key = NULL;
	TRY(bulla_change_key(c, o->key, &key, err));
	return bulla_change_put_policy(c, o, key->uuid, key->arn, err);
}
