/*
 * kms_describe.c - operations that only tell: keys, aliases, policies, rotations.
 */
#include "base/text.h"
#include "kms/look.h"
#include "server/kms_inside.h"

#include <stdio.h>
#include <stdlib.h>

#define KEYS_PRESET      100 /* AWS's presets of Limit */
#define ALIASES_PRESET   50
#define ROTATIONS_PRESET 100

/* What an operation looks with, and writes into. */
typedef struct teller {
	bulla_work *work;
	bulla_json_writer *w;
} teller;

static bulla_code look(bulla_work *work, bulla_json_writer *w, const char *action,
		       bulla_code (*tell)(void *self, const bulla_snapshot *now, const bulla_key *key, bulla_error *err),
		       bulla_error *err)
{
	teller t = { work, w };
	work->recorded = true;
	const bulla_look what = { .caller = &work->caller,
				  .operation = bulla_aws_operation_name(work->operation),
				  .action = action,
				  .key_id = work->key_id,
				  .tell = tell,
				  .self = &t };
	return bulla_engine_look(work->service->config.engine, &what, err);
}

/* Where an alias is no name of a key. */
static bulla_code look_at_key(bulla_work *work, bulla_json_writer *w, const char *action,
			      bulla_code (*tell)(void *self, const bulla_snapshot *now, const bulla_key *key, bulla_error *err),
			      bulla_error *err)
{
	return bulla_work_names_key_itself(work) ? look(work, w, action, tell, err) : BULLA_ERR_USAGE;
}

/* --- pages ------------------------------------------------------------------------------------------------------ */
static size_t limit_of(const bulla_work *work, size_t preset)
{
	const bulla_aws_value *limit = bulla_work_value(work, BULLA_AWS_LIMIT);
	return limit->given ? (size_t)limit->number : preset;
}

/* A marker is the name of the last element that was told, in hex: what was added or removed meanwhile does no harm. */
static bool marker_of(bulla_work *work, bulla_buf *out)
{
	const bulla_aws_value *marker = bulla_work_value(work, BULLA_AWS_MARKER);
	if (!marker->given || bulla_hex_decode(marker->bytes, out, NULL) == BULLA_OK) return true;
	return bulla_work_refuse(work, BULLA_AWS_INVALID_MARKER, "Invalid marker");
}

static void put_end(bulla_json_writer *w, bool more, bulla_bytes last)
{
	if (more) bulla_json_put_hex(w, "NextMarker", last);
	bulla_json_put_bool(w, "Truncated", more);
}

/* --- one key ---------------------------------------------------------------------------------------------------- */
static const char *state_name(const bulla_key *key)
{
	switch (key->data.state) {
	case BULLA_KEY_DISABLED:
		return "Disabled";
	case BULLA_KEY_PENDING_DELETION:
		return "PendingDeletion";
	default:
		return "Enabled";
	}
}

void bulla_put_key_kind(bulla_json_writer *w, const bulla_key_kind *kind)
{
	bulla_algorithm algorithms[BULLA_KEY_ALGORITHMS_MAX];
	size_t n = bulla_key_kind_algorithms(kind, algorithms);
	const char *old = bulla_key_kind_old_spec(kind->spec);
	bulla_json_put_str(w, "KeyUsage", bulla_use_name(kind->use));
	bulla_json_put_str(w, "KeySpec", bulla_spec_about(kind->spec)->name);
	if (old) bulla_json_put_str(w, "CustomerMasterKeySpec", old);
	bulla_json_open(w, bulla_key_kind_list(kind->use), '[');
	for (size_t i = 0; i < n; i++)
		bulla_json_put_str(w, NULL, bulla_algorithm_about(algorithms[i])->name);
	bulla_json_close(w, ']');
}

void bulla_put_key_metadata(bulla_json_writer *w, const bulla_snapshot *now, const bulla_key *key)
{
	char id[BULLA_UUID_TEXT + 1];
	(void)now;
	bulla_uuid_print(key->uuid, id);
	bulla_json_open(w, "KeyMetadata", '{');
	bulla_json_put_bytes(w, "AWSAccountId", key->realm.account);
	bulla_json_put_str(w, "KeyId", id);
	bulla_json_put_str(w, "Arn", key->arn);
	bulla_aws_put_time(w, "CreationDate", key->data.created_us);
	bulla_json_put_bool(w, "Enabled", key->data.state == BULLA_KEY_ENABLED);
	bulla_json_put_bytes(w, "Description", key->data.description);
	bulla_put_key_kind(w, &key->kind);
	bulla_json_put_str(w, "KeyState", state_name(key));
	if (key->data.state == BULLA_KEY_PENDING_DELETION) bulla_aws_put_time(w, "DeletionDate", key->data.deletion_us);
	bulla_json_put_str(w, "Origin", bulla_key_origin_name(key->kind.origin));
	bulla_json_put_str(w, "KeyManager", "CUSTOMER");
	bulla_json_put_bool(w, "MultiRegion", key->kind.multi_region);
	if (key->current && key->kind.spec == BULLA_SPEC_SYMMETRIC_DEFAULT)
		bulla_json_put_hex(w, "CurrentKeyMaterialId", bulla_view(key->current->print, BULLA_MATERIAL_PRINT_SIZE));
	bulla_json_close(w, '}');
}

static bulla_code tell_key(void *self, const bulla_snapshot *now, const bulla_key *key, bulla_error *err)
{
	const teller *t = self;
	(void)err;
	bulla_put_key_metadata(t->w, now, key);
	return BULLA_OK;
}

bulla_code bulla_act_describe_key(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	return look(work, w, "kms:DescribeKey", tell_key, err);
}

/* --- lists ------------------------------------------------------------------------------------------------------ */
static bulla_code tell_keys(void *self, const bulla_snapshot *now, const bulla_key *key, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf marker = { 0 };
	const teller *t = self;
	size_t left = limit_of(t->work, KEYS_PRESET);
	const bulla_key *last = NULL;
	bool more = false;
	(void)key;
	(void)err;
	if (!marker_of(t->work, &marker)) return BULLA_ERR_USAGE;
	bulla_json_open(t->w, "Keys", '[');
	for (size_t i = 0; i < now->key_count && !more; i++) {
		const bulla_key *k = &now->keys[i];
		char id[BULLA_UUID_TEXT + 1];
		bool told = marker.len && bulla_bytes_compare(bulla_view(k->uuid, BULLA_UUID_SIZE), bulla_view_buf(&marker)) <= 0;
		if (k->data.state == BULLA_KEY_TOMBSTONE || told) continue;
		more = left == 0;
		if (more) break;
		left--, last = k;
		bulla_uuid_print(k->uuid, id);
		bulla_json_open(t->w, NULL, '{');
		bulla_json_put_str(t->w, "KeyId", id);
		bulla_json_put_str(t->w, "KeyArn", k->arn);
		bulla_json_close(t->w, '}');
	}
	bulla_json_close(t->w, ']');
	put_end(t->w, more, last ? bulla_view(last->uuid, BULLA_UUID_SIZE) : (bulla_bytes){ 0 });
	return BULLA_OK;
}

bulla_code bulla_act_list_keys(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	return look(work, w, "kms:ListKeys", tell_keys, err);
}

static void put_alias(const teller *t, const bulla_alias *alias)
{
	char arn[BULLA_ARN_MAX + BULLA_ALIAS_NAME_MAX], id[BULLA_UUID_TEXT + 1];
	bulla_alias_arn_print(&t->work->service->home, alias->name, arn, sizeof arn);
	bulla_uuid_print(alias->data.uuid, id);
	bulla_json_open(t->w, NULL, '{');
	bulla_json_put_bytes(t->w, "AliasName", alias->full_name);
	bulla_json_put_str(t->w, "AliasArn", arn);
	bulla_json_put_str(t->w, "TargetKeyId", id);
	bulla_aws_put_time(t->w, "CreationDate", alias->data.created_us);
	bulla_aws_put_time(t->w, "LastUpdatedDate", alias->data.updated_us);
	bulla_json_close(t->w, '}');
}

/* Of all keys, or of one. */
static bulla_code tell_aliases(void *self, const bulla_snapshot *now, const bulla_key *key, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf marker = { 0 };
	const teller *t = self;
	size_t left = limit_of(t->work, ALIASES_PRESET);
	bulla_bytes last = { 0 };
	bool more = false;
	(void)err;
	if (!marker_of(t->work, &marker)) return BULLA_ERR_USAGE;
	bulla_json_open(t->w, "Aliases", '[');
	for (size_t i = 0; i < now->alias_count && !more; i++) {
		const bulla_alias *alias = &now->aliases[i];
		bool other = key && memcmp(alias->data.uuid, key->uuid, BULLA_UUID_SIZE) != 0;
		if (other || (marker.len && bulla_bytes_compare(alias->name, bulla_view_buf(&marker)) <= 0)) continue;
		more = left == 0;
		if (more) break;
		left--, last = alias->name;
		put_alias(t, alias);
	}
	bulla_json_close(t->w, ']');
	put_end(t->w, more, last);
	return BULLA_OK;
}

bulla_code bulla_act_list_aliases(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	return look(work, w, "kms:ListAliases", tell_aliases, err);
}

/* --- policies --------------------------------------------------------------------------------------------------- */
/* AWS's default policy of a key that was made without one. */
#define DEFAULT_POLICY                                                                                                           \
	"{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n  \"Statement\" : [ {\n    \"Sid\" : \"Enable IAM "  \
	"User "                                                                                                                  \
	"Permissions\",\n    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n      \"AWS\" : \"arn:aws:iam::%.*s:root\"\n    "   \
	"},\n   "                                                                                                                \
	" \"Action\" : \"kms:*\",\n    \"Resource\" : \"*\"\n  } ]\n}"

static bulla_code tell_policy(void *self, const bulla_snapshot *now, const bulla_key *key, bulla_error *err)
{
	const teller *t = self;
	const bulla_aws_value *name = bulla_work_value(t->work, BULLA_AWS_POLICY_NAME);
	const bulla_named_policy *own = bulla_rights_key_policy(&now->rights, key->uuid);
	char preset[sizeof DEFAULT_POLICY + 32];
	if (name->given && !bulla_bytes_is(name->bytes, "default")) {
		(void)bulla_work_refuse(t->work, BULLA_AWS_NOT_FOUND, "No such policy exists");
		return bulla_fail(err, BULLA_ERR_NOT_FOUND, "No such policy exists");
	}
	(void)snprintf(preset, sizeof preset, DEFAULT_POLICY, (int)key->realm.account.len, (const char *)key->realm.account.data);
	bulla_json_put_bytes(t->w, "Policy", own ? own->document : bulla_view_str(preset));
	bulla_json_put_str(t->w, "PolicyName", "default");
	return BULLA_OK;
}

bulla_code bulla_act_get_policy(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	return look_at_key(work, w, "kms:GetKeyPolicy", tell_policy, err);
}

static bulla_code tell_policies(void *self, const bulla_snapshot *now, const bulla_key *key, bulla_error *err)
{
	const teller *t = self;
	(void)now;
	(void)key;
	(void)err;
	bulla_json_open(t->w, "PolicyNames", '[');
	bulla_json_put_str(t->w, NULL, "default");
	bulla_json_close(t->w, ']');
	bulla_json_put_bool(t->w, "Truncated", false);
	return BULLA_OK;
}

bulla_code bulla_act_list_policies(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	return look_at_key(work, w, "kms:ListKeyPolicies", tell_policies, err);
}

/* --- rotation --------------------------------------------------------------------------------------------------- */
/* The key id as it was asked for, as the real service repeats it. */
static bulla_code tell_rotation(void *self, const bulla_snapshot *now, const bulla_key *key, bulla_error *err)
{
	const teller *t = self;
	(void)now;
	TRY(bulla_key_must_rotate(key, err));
	bulla_json_put_bool(t->w, "KeyRotationEnabled", key->data.rotation_days != 0);
	bulla_json_put_bytes(t->w, "KeyId", t->work->key_id);
	if (key->data.rotation_days) {
		bulla_json_put_int(t->w, "RotationPeriodInDays", key->data.rotation_days);
		bulla_aws_put_time(t->w, "NextRotationDate", key->data.next_rotation_us);
	}
	return BULLA_OK;
}

bulla_code bulla_act_rotation_status(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	return look_at_key(work, w, "kms:GetKeyRotationStatus", tell_rotation, err);
}

static int by_age(const void *a, const void *b)
{
	const bulla_material *x = *(const bulla_material *const *)a, *y = *(const bulla_material *const *)b;
	if (x->data.created_us != y->data.created_us) return x->data.created_us < y->data.created_us ? -1 : 1;
	return memcmp(x->name.id, y->name.id, BULLA_MATERIAL_ID_SIZE);
}

static void put_rotation(const teller *t, const bulla_key *key, const bulla_material *m, bool first, bool all)
{
	bulla_json_open(t->w, NULL, '{');
	bulla_json_put_str(t->w, "KeyId", key->arn);
	bulla_json_put_hex(t->w, "KeyMaterialId", bulla_view(m->print, BULLA_MATERIAL_PRINT_SIZE));
	if (all) bulla_json_put_str(t->w, "KeyMaterialState", m == key->current ? "CURRENT" : "NON_CURRENT");
	if (!first) bulla_aws_put_time(t->w, "RotationDate", m->data.created_us);
	if (!first)
		bulla_json_put_str(t->w, "RotationType",
				   m->data.origin == BULLA_MATERIAL_BY_SCHEDULE ? "AUTOMATIC" : "ON_DEMAND");
	bulla_json_close(t->w, '}');
}

/* The first material was made with the key, and is no rotation. */
static bulla_code tell_rotations(void *self, const bulla_snapshot *now, const bulla_key *key, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf marker = { 0 };
	const teller *t = self;
	const bulla_aws_value *include = bulla_work_value(t->work, BULLA_AWS_INCLUDE_KEY_MATERIAL);
	bool all = include->given && include->number == BULLA_AWS_INCLUDE_ALL_KEY_MATERIAL, more = false;
	size_t left = limit_of(t->work, ROTATIONS_PRESET), from = all ? 0 : 1;
	(void)now;
	TRY(bulla_key_must_rotate(key, err));
	if (!marker_of(t->work, &marker)) return BULLA_ERR_USAGE;
	const bulla_material **sorted = calloc(key->material_count + 1, sizeof *sorted);
	if (!sorted) return bulla_fail_memory(err);
	for (size_t i = 0; i < key->material_count; i++)
		sorted[i] = &key->materials[i];
	qsort(sorted, key->material_count, sizeof *sorted, by_age);
	for (size_t i = 0; marker.len && i < key->material_count; i++)
		if (bulla_bytes_equal(bulla_view(sorted[i]->name.id, BULLA_MATERIAL_ID_SIZE), bulla_view_buf(&marker)))
			from = i + 1;
	bulla_json_open(t->w, "Rotations", '[');
	size_t i = from;
	for (; i < key->material_count && left; i++, left--)
		put_rotation(t, key, sorted[i], i == 0, all);
	bulla_json_close(t->w, ']');
	more = i < key->material_count;
	put_end(t->w, more, more ? bulla_view(sorted[i - 1]->name.id, BULLA_MATERIAL_ID_SIZE) : (bulla_bytes){ 0 });
	free(sorted);
	return BULLA_OK;
}

bulla_code bulla_act_list_rotations(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	return look_at_key(work, w, "kms:ListKeyRotations", tell_rotations, err);
}
