/*
 * policy_key.c - the condition keys, and what of a request each one shows.
 */
#include "kms/policy_inside.h"
#include "base/cursor.h"

#include <inttypes.h>
#include <stdio.h>

struct bulla_policy_key_row {
	const char *name; /* a prefix when it ends in ':' */
	bool multi;
	/* sets `out->text`, and moves `at` on, which is never 0 afterwards; NULL: `access->extra` has it */
	bool (*next)(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out);
};

typedef struct bulla_policy_key_row row;

/* --- getters --------------------------------------------------------------------------------------------------- */
static bool once(size_t *at, bulla_bytes text, bulla_policy_value *out)
{
	if ((*at)++ || text.len == 0) return false;
	out->text = text;
	return true;
}

/* The next pair of the context; `at` is its offset in the canonical bytes. */
static bool next_pair(bulla_bytes context, size_t *at, bulla_pair *out)
{
	if (*at == 0) *at = 2;
	if (*at >= context.len) return false;
	bulla_cursor c = bulla_cursor_of(bulla_view(context.data + *at, context.len - *at));
	*out = (bulla_pair){ bulla_cursor_prefixed(&c), bulla_cursor_prefixed(&c) };
	*at = context.len - c.rest.len;
	return !c.failed;
}

/* AWS compares the whole condition key without case, the pair's name in it too. */
static bool context_value(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	bulla_pair pair;
	while (next_pair(access->context, at, &pair)) {
		if (!bulla_bytes_equal_fold(pair.name, key->rest)) continue;
		out->text = pair.value;
		return true;
	}
	return false;
}

static bool context_name(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	(void)key;
	bulla_pair pair;
	if (!next_pair(access->context, at, &pair)) return false;
	out->text = pair.name;
	return true;
}

static bool account(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	(void)key;
	return once(at, access->account, out);
}

static bool principal_arn(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	(void)key;
	return once(at, access->role.len ? access->role : access->principal, out);
}

static bool principal_type(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	static const struct {
		const char *resource, *type;
	} types[] = { { "user/", "User" },
		      { "root", "Account" },
		      { "assumed-role/", "AssumedRole" },
		      { "federated-user/", "FederatedUser" } };
	(void)key;
	bulla_bytes arn[BULLA_ARN_SECTIONS];
	if (!bulla_arn_split(access->principal, arn)) return false;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		size_t n = strlen(types[i].resource);
		if (arn[5].len >= n && memcmp(arn[5].data, types[i].resource, n) == 0)
			return once(at, bulla_view_str(types[i].type), out);
	}
	return false;
}

static bool user_name(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	(void)key;
	return once(at, access->user_name, out);
}

static bool user_id(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	(void)key;
	return once(at, access->user_id, out);
}

static bool source_ip(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	(void)key;
	return once(at, access->source_ip, out);
}

static bool user_agent(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	(void)key;
	return once(at, access->user_agent, out);
}

static bool region(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	(void)key;
	return once(at, access->region, out);
}

static bool tls(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	(void)key;
	return once(at, bulla_view_str(access->tls ? "true" : "false"), out);
}

static bool current_time(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	(void)key;
	if (*at == 0) bulla_policy_time_print(access->now_us, out->space);
	return once(at, bulla_view(out->space, BULLA_POLICY_TIME_TEXT), out);
}

static bool epoch_time(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	(void)key;
	int n = snprintf(out->space, sizeof out->space, "%" PRId64, access->now_us / 1000000);
	return once(at, bulla_view(out->space, n > 0 ? (size_t)n : 0), out);
}

static bool extra(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	while (*at < access->n_extra) {
		const bulla_pair *pair = &access->extra[(*at)++];
		if (!bulla_bytes_equal_fold(pair->name, key->name)) continue;
		out->text = pair->value;
		return true;
	}
	return false;
}

/* --- the table ------------------------------------------------------------------------------------------------- */
static const row rows[] = {
	{ "kms:EncryptionContext:", false, context_value },
	{ "kms:EncryptionContextKeys", true, context_name },
	{ "kms:CallerAccount", false, account },
	{ "aws:PrincipalAccount", false, account },
	{ "aws:PrincipalArn", false, principal_arn },
	{ "aws:PrincipalType", false, principal_type },
	{ "aws:username", false, user_name },
	{ "aws:userid", false, user_id },
	{ "aws:SourceIp", false, source_ip },
	{ "aws:UserAgent", false, user_agent },
	{ "aws:RequestedRegion", false, region },
	{ "aws:SecureTransport", false, tls },
	{ "aws:CurrentTime", false, current_time },
	{ "aws:EpochTime", false, epoch_time },
	{ "aws:TagKeys", true, NULL },
	{ "kms:BypassPolicyLockoutSafetyCheck", false, NULL },
	{ "kms:CustomerMasterKeySpec", false, NULL },
	{ "kms:CustomerMasterKeyUsage", false, NULL },
	{ "kms:DataKeyPairSpec", false, NULL },
	{ "kms:EncryptionAlgorithm", false, NULL },
	{ "kms:ExpirationModel", false, NULL },
	{ "kms:GrantConstraintType", false, NULL },
	{ "kms:GrantIsForAWSResource", false, NULL },
	{ "kms:GrantOperations", true, NULL },
	{ "kms:GranteePrincipal", false, NULL },
	{ "kms:KeyAgreementAlgorithm", false, NULL },
	{ "kms:KeyOrigin", false, NULL },
	{ "kms:KeySpec", false, NULL },
	{ "kms:KeyUsage", false, NULL },
	{ "kms:MacAlgorithm", false, NULL },
	{ "kms:MessageType", false, NULL },
	{ "kms:MultiRegion", false, NULL },
	{ "kms:MultiRegionKeyType", false, NULL },
	{ "kms:PrimaryRegion", false, NULL },
	{ "kms:ReEncryptOnSameKey", false, NULL },
	{ "kms:RecipientAttestation:", false, NULL },
	{ "kms:ReplicaRegion", false, NULL },
	{ "kms:RequestAlias", false, NULL },
	{ "kms:ResourceAliases", true, NULL },
	{ "kms:RetiringPrincipal", false, NULL },
	{ "kms:RotationPeriodInDays", false, NULL },
	{ "kms:ScheduleKeyDeletionPendingWindowInDays", false, NULL },
	{ "kms:SigningAlgorithm", false, NULL },
	{ "kms:ValidTo", false, NULL },
	{ "kms:ViaService", false, NULL },
	{ "kms:WrappingAlgorithm", false, NULL },
	{ "kms:WrappingKeySpec", false, NULL },
};

static bool fits(const row *r, bulla_bytes name, bulla_bytes *rest)
{
	size_t n = strlen(r->name);
	bool prefix = r->name[n - 1] == ':';
	if (prefix ? name.len <= n : name.len != n) return false;
	*rest = bulla_view(name.data + n, name.len - n);
	return bulla_bytes_equal_fold(bulla_view(name.data, n), bulla_view(r->name, n));
}

/* "service:name", the service of letters, digits and dashes. */
static bool is_key(bulla_bytes name)
{
	size_t n = 0;
	for (; n < name.len && name.data[n] != ':'; n++) {
		uint8_t c = bulla_ascii_lower(name.data[n]);
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') return false;
	}
	return n > 0 && n + 1 < name.len;
}

static bool is_ours(bulla_bytes name)
{
	return name.len > 4 && bulla_bytes_equal_fold(bulla_view(name.data, 4), bulla_view_str("kms:"));
}

bool bulla_policy_key_find(bulla_bytes name, bulla_policy_key *out)
{
	*out = (bulla_policy_key){ .name = name };
	for (size_t i = 0; i < sizeof rows / sizeof *rows && !out->row; i++)
		if (fits(&rows[i], name, &out->rest)) out->row = &rows[i];
	/* keys of other services never come with a request, which the operators know how to take; a name of our own that is misspelt is a
	 * deny that never denies */
	return out->row || (is_key(name) && !is_ours(name));
}

bool bulla_policy_key_is_multi(const bulla_policy_key *key)
{
	return key->row && key->row->multi;
}

bool bulla_policy_key_next(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out)
{
	return key->row && key->row->next ? key->row->next(key, access, at, out) : extra(key, access, at, out);
}
