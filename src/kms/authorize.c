/*
 * authorize.c - asks every place that permits or forbids, and says who decided.
 */
#include "kms/authorize.h"
#include "kms/grant_match.h"

#include <strings.h>

#define KMS_ACTION "kms:"
#define EXTRA_MAX  160 /* condition values, those of the key, its aliases and tags included */

/* Everything that one answer needs. */
typedef struct inquiry {
	const bulla_snapshot *now;
	const bulla_caller *caller;
	const bulla_question *question;
	const bulla_principal *principal;
	bulla_access access;
	bulla_pair extra[EXTRA_MAX];
	bulla_policy_decision identity; /* over all policies of the principal */
	bulla_policy_decision key;      /* the key's own policy */
	const bulla_grant *grant;       /* that permits it; NULL */
} inquiry;

/* --- operations ------------------------------------------------------------------------------------------------ */
/* AWS KMS API Reference, CreateGrant: what a grant can permit. Bits are by place: append only. */
static const char *const grant_operations[] = {
	"Decrypt",
	"Encrypt",
	"GenerateDataKey",
	"GenerateDataKeyWithoutPlaintext",
	"ReEncryptFrom",
	"ReEncryptTo",
	"Sign",
	"Verify",
	"GetPublicKey",
	"CreateGrant",
	"RetireGrant",
	"DescribeKey",
	"GenerateDataKeyPair",
	"GenerateDataKeyPairWithoutPlaintext",
	"GenerateMac",
	"VerifyMac",
	"DeriveSharedSecret",
};

const char *bulla_grant_operation_name(size_t i)
{
	return i < sizeof grant_operations / sizeof *grant_operations ? grant_operations[i] : NULL;
}

uint32_t bulla_grant_operation(bulla_bytes name)
{
	for (size_t i = 0; i < sizeof grant_operations / sizeof *grant_operations; i++)
		if (bulla_bytes_is(name, grant_operations[i])) return UINT32_C(1) << i;
	return 0;
}

bool bulla_action_decrypts(const char *action)
{
	static const char *const decrypting[] = { "kms:Decrypt", "kms:ReEncryptFrom", "kms:DeriveSharedSecret" };
	for (size_t i = 0; i < sizeof decrypting / sizeof *decrypting; i++)
		if (strcasecmp(action, decrypting[i]) == 0) return true;
	return false;
}

void bulla_question_add(bulla_question *q, const char *name, bulla_bytes value)
{
	if (q->n_extra < BULLA_QUESTION_EXTRA_MAX) q->extra[q->n_extra++] = (bulla_pair){ bulla_view_str(name), value };
}

/* --- the question as policies see it --------------------------------------------------------------------------- */
static void add(inquiry *q, bulla_bytes name, bulla_bytes value)
{
	if (q->access.n_extra < EXTRA_MAX) q->extra[q->access.n_extra++] = (bulla_pair){ name, value };
}

static void add_str(inquiry *q, const char *name, const char *value)
{
	add(q, bulla_view_str(name), bulla_view_str(value));
}

/* What conditions ask about the key itself. */
static void describe_key(inquiry *q, const bulla_key *key)
{
	size_t n = 0;
	const bulla_alias *const *aliases = bulla_snapshot_aliases_of(q->now, key->uuid, &n);
	const bulla_tags *tags = bulla_rights_tags(&q->now->rights, key->uuid);
	add_str(q, "kms:KeySpec", bulla_spec_about(key->kind.spec)->name);
	add_str(q, "kms:KeyUsage", bulla_use_name(key->kind.use));
	add_str(q, "kms:KeyOrigin", bulla_key_origin_name(key->kind.origin));
	add_str(q, "kms:MultiRegion", "false");
	for (size_t i = 0; i < n; i++)
		add(q, bulla_view_str("kms:ResourceAliases"), aliases[i]->full_name);
	for (size_t i = 0; tags && i < tags->data.n; i++)
		add(q, tags->conditions[i], tags->data.pairs[i].value);
}

static void prepare(inquiry *q, const bulla_realm *home, int64_t now_us)
{
	const bulla_question *asked = q->question;
	q->access = (bulla_access){ .action = bulla_view_str(asked->action),
				    .resource = asked->key ? bulla_view(asked->key->arn, asked->key->arn_len) : asked->resource,
				    .context = asked->context,
				    .account = home->account,
				    .source_ip = q->caller->source_ip,
				    .user_agent = q->caller->user_agent,
				    .region = q->caller->region.len ? q->caller->region : home->region,
				    .now_us = now_us,
				    .tls = q->caller->tls,
				    .extra = q->extra };
	if (q->principal) {
		q->access.principal = bulla_view(q->principal->arn, q->principal->arn_len);
		q->access.user_name = q->access.user_id = q->principal->name;
	}
	for (size_t i = 0; i < asked->n_extra; i++)
		add(q, asked->extra[i].name, asked->extra[i].value);
	if (asked->key) describe_key(q, asked->key);
}

/* --- the places ------------------------------------------------------------------------------------------------ */
static bulla_policy_decision ask_identity(const inquiry *q)
{
	bulla_policy_decision decision = { 0 };
	for (size_t i = 0; i < q->principal->policy_count && decision.verdict != BULLA_POLICY_DENY; i++) {
		bulla_policy_decision one = bulla_policy_evaluate(q->principal->policies[i].policy, &q->access);
		if (one.verdict > decision.verdict) decision = one;
	}
	return decision;
}

static bulla_policy_decision ask_key(const inquiry *q)
{
	const bulla_policy_decision account = { .verdict = BULLA_POLICY_ALLOW, .by_account = true };
	if (!q->question->key) return account;
	const bulla_named_policy *own = bulla_rights_key_policy(&q->now->rights, q->question->key->uuid);
	return own ? bulla_policy_evaluate(own->policy, &q->access) : account;
}

static bool grant_fits(const inquiry *q, const bulla_grant *grant, uint32_t operation)
{
	return (grant->data.operations & operation) && bulla_bytes_equal(grant->data.grantee, q->access.principal) &&
	       bulla_grant_matches(grant->data.constraint, grant->data.context, q->question->context);
}

static const bulla_grant *ask_grants(const inquiry *q)
{
	size_t n = 0, prefix = sizeof KMS_ACTION - 1;
	if (!q->question->key || strncmp(q->question->action, KMS_ACTION, prefix) != 0) return NULL;
	uint32_t operation = bulla_grant_operation(bulla_view_str(q->question->action + prefix));
	const bulla_grant *grants = operation ? bulla_rights_grants_of(&q->now->rights, q->question->key->uuid, &n) : NULL;
	for (size_t i = 0; i < n; i++)
		if (grant_fits(q, &grants[i], operation)) return &grants[i];
	return NULL;
}

/* --- freezes --------------------------------------------------------------------------------------------------- */
static const bulla_freeze *frozen(const bulla_snapshot *now, const bulla_caller *caller, const bulla_question *q, int64_t now_us)
{
	const bulla_rights *rights = &now->rights;
	const bulla_freeze *found = NULL;
	if (!rights->freeze_count || !bulla_action_decrypts(q->action)) return NULL;
	found = bulla_freeze_in_force(rights, BULLA_FREEZE_ALL, (bulla_bytes){ 0 }, now_us);
	if (!found && q->key)
		found = bulla_freeze_in_force(rights, BULLA_FREEZE_KEY, bulla_view(q->key->uuid, BULLA_UUID_SIZE), now_us);
	if (!found && caller && caller->principal.len)
		found = bulla_freeze_in_force(rights, BULLA_FREEZE_PRINCIPAL, caller->principal, now_us);
	return found;
}

static bulla_code refuse_frozen(const bulla_freeze *freeze, bulla_error *err)
{
	static const struct {
		bulla_freeze_scope scope;
		const char *what;
	} whats[] = { { BULLA_FREEZE_ALL, "decryption" },
		      { BULLA_FREEZE_KEY, "decryption with this key" },
		      { BULLA_FREEZE_PRINCIPAL, "decryption by this principal" } };
	const char *what = whats[0].what;
	for (size_t i = 0; i < sizeof whats / sizeof *whats; i++)
		if (whats[i].scope == freeze->scope) what = whats[i].what;
	const bulla_freeze_data *data = &freeze->data;
	return bulla_fail(err, BULLA_ERR_DENIED, "%s is frozen by %.*s%s%.*s", what, (int)data->who.len,
			  (const char *)data->who.data, data->why.len ? ": " : "", (int)data->why.len,
			  data->why.len ? (const char *)data->why.data : "");
}

/* --- the answer ------------------------------------------------------------------------------------------------ */
static bulla_code deny(const inquiry *q, const char *why, bulla_error *err)
{
	const bulla_bytes who = q->access.principal, what = q->access.resource;
	return bulla_fail(err, BULLA_ERR_DENIED, "User: %.*s is not authorized to perform: %s on resource: %.*s %s", (int)who.len,
			  (const char *)who.data, q->question->action, what.len ? (int)what.len : 1,
			  what.len ? (const char *)what.data : "*", why);
}

static bulla_code decide(const inquiry *q, bulla_error *err)
{
	if (q->identity.verdict == BULLA_POLICY_DENY) return deny(q, "with an explicit deny in an identity-based policy", err);
	if (q->key.verdict == BULLA_POLICY_DENY) return deny(q, "with an explicit deny in a resource-based policy", err);
	bool account = q->key.verdict == BULLA_POLICY_ALLOW && q->key.by_account;
	if (q->key.verdict == BULLA_POLICY_ALLOW && !account) return BULLA_OK;
	if (account && q->identity.verdict == BULLA_POLICY_ALLOW) return BULLA_OK;
	if (q->grant) return BULLA_OK;
	if (account) return deny(q, "because no identity-based policy allows it", err);
	return deny(q, "because no resource-based policy allows it", err);
}

static void ask(inquiry *q)
{
	q->identity = ask_identity(q);
	q->key = ask_key(q);
	q->grant = ask_grants(q);
}

static void begin(inquiry *q, const bulla_snapshot *now, const bulla_realm *home, const bulla_caller *caller,
		  const bulla_question *question, int64_t now_us)
{
	q->now = now;
	q->caller = caller;
	q->question = question;
	q->principal = bulla_rights_principal(&now->rights, caller->principal);
	q->grant = NULL;
	prepare(q, home, now_us);
}

bulla_code bulla_authorize(const bulla_snapshot *now, const bulla_realm *home, const bulla_caller *caller,
			   const bulla_question *question, int64_t now_us, bulla_error *err)
{
	inquiry q;
	const bulla_freeze *freeze = frozen(now, caller, question, now_us);
	if (caller) {
		begin(&q, now, home, caller, question, now_us);
		if (!q.principal) return deny(&q, "because nobody is known by that name", err);
		ask(&q);
		TRY(decide(&q, err));
	}
	return freeze ? refuse_frozen(freeze, err) : BULLA_OK;
}

/* --- reasons --------------------------------------------------------------------------------------------------- */
static bulla_code explain_policy(const inquiry *q, const char *whose, bulla_bytes name, const bulla_policy *policy,
				 bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_printf(out, err, "%s %.*s\n", whose, (int)name.len, (const char *)name.data));
	return bulla_policy_explain(policy, &q->access, out, err);
}

static bulla_code explain_key(const inquiry *q, bulla_buf *out, bulla_error *err)
{
	const bulla_key *key = q->question->key;
	if (!key) return BULLA_OK;
	const bulla_named_policy *own = bulla_rights_key_policy(&q->now->rights, key->uuid);
	if (own) return explain_policy(q, "policy of the key:", own->name, own->policy, out, err);
	return bulla_buf_add_str(
		out, "policy of the key: the default, which leaves it to the policies of the account's principals\n", err);
}

static bulla_code explain_all(const inquiry *q, bulla_buf *out, bulla_error *err)
{
	for (size_t i = 0; i < q->principal->policy_count; i++)
		TRY(explain_policy(q, "policy of the principal:", q->principal->policies[i].name,
				   q->principal->policies[i].policy, out, err));
	if (!q->principal->policy_count) TRY(bulla_buf_add_str(out, "the principal has no policy\n", err));
	TRY(explain_key(q, out, err));
	return q->grant ? bulla_buf_add_str(out, "a grant permits it\n", err) : BULLA_OK;
}

bulla_code bulla_authorize_explain(const bulla_snapshot *now, const bulla_realm *home, const bulla_caller *caller,
				   const bulla_question *question, int64_t now_us, bool *ret_may, bulla_buf *out,
				   bulla_error *err)
{
	inquiry q;
	bulla_error why = { 0 };
	bulla_code code = bulla_authorize(now, home, caller, question, now_us, &why);
	*ret_may = code == BULLA_OK;
	begin(&q, now, home, caller, question, now_us);
	if (q.principal) {
		ask(&q);
		TRY(explain_all(&q, out, err));
	}
	return code ? bulla_buf_printf(out, err, "%s\n", why.text) : BULLA_OK;
}
