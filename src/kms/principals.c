/*
 * principals.c - planners for principals and their access keys.
 */
#include "kms/planners.h"

#define ACCESS_KEYS_MAX 2 /* of one principal, as IAM has it: the old one and the new one of a rotation */
#define WINDOW_MAX      (86400 * 31)

static bulla_code find_principal(bulla_change *c, bulla_bytes name, const bulla_principal **ret, bulla_error *err)
{
	*ret = bulla_rights_principal(&c->now->rights, name);
	bulla_change_note(c, "principal %.*s", (int)name.len, (const char *)name.data);
	if (!*ret) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no principal of that name");
	return BULLA_OK;
}

static bulla_code find_access_key(bulla_change *c, bulla_bytes id, const bulla_access_key **ret, bulla_error *err)
{
	*ret = bulla_rights_access_key(&c->now->rights, id);
	if (!*ret) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no access key of that id");
	bulla_change_note(c, "principal %.*s, access key %.*s", (int)(*ret)->principal->name.len,
			  (const char *)(*ret)->principal->name.data, (int)id.len, (const char *)id.data);
	return BULLA_OK;
}

static bulla_code put_principal(bulla_change *c, bulla_bytes name, const bulla_principal_data *data, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf payload = { 0 };
	TRY(bulla_principal_encode(data, &payload, err));
	return bulla_draft_put(&c->draft, BULLA_KMS_PRINCIPAL, name, bulla_view_buf(&payload), err);
}

static bulla_code put_access_key(bulla_change *c, bulla_bytes id, const bulla_access_data *data, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf payload = { 0 };
	TRY(bulla_access_encode(data, &payload, err));
	return bulla_draft_put(&c->draft, BULLA_KMS_ACCESS, id, bulla_view_buf(&payload), err);
}

/* The order's name and secret as a new access key of that principal. */
static bulla_code draft_access_key(bulla_change *c, const bulla_order *o, bulla_bytes principal, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf sealed = { 0 };
	bulla_access_data data = { .active = true, .created_us = c->now_us, .principal = principal };
	TRY(bulla_access_key_id_check(o->name, err));
	bulla_change_note(c, "principal %.*s, access key %.*s", (int)principal.len, (const char *)principal.data,
			  (int)o->name.len, (const char *)o->name.data);
	if (bulla_rights_access_key(&c->now->rights, o->name))
		return bulla_fail(err, BULLA_ERR_EXISTS, "there is an access key of that id already");
	TRY(bulla_access_secret_wrap(c->lane, c->root, o->name, o->secret, &data, &sealed, err));
	return put_access_key(c, o->name, &data, err);
}

/* --- principals ------------------------------------------------------------------------------------------------ */
static bulla_code check_budget(const bulla_order *o, bulla_error *err)
{
	if (!o->budget && !o->budget_seconds) return BULLA_OK;
	if (o->budget && o->budget_seconds && o->budget_seconds <= WINDOW_MAX) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "a budget is a number of decryptions in 1 to %d seconds", WINDOW_MAX);
}

bulla_code bulla_plan_add_principal(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_principal_data data = { c->now_us, o->budget, o->budget_seconds };
	bulla_change_note(c, "principal %.*s", (int)o->text.len, (const char *)o->text.data);
	TRY(bulla_principal_name_check(o->text, err));
	TRY(check_budget(o, err));
	if (bulla_rights_principal(&c->now->rights, o->text)) {
		bulla_code code = bulla_fail(err, BULLA_ERR_EXISTS, "there is a principal of that name already");
		return bulla_advise(err, code, "a further access key for it: bulla kms principal rotate %.*s", (int)o->text.len,
				    (const char *)o->text.data);
	}
	if (o->name.len) TRY(draft_access_key(c, o, o->text, err));
	return put_principal(c, o->text, &data, err);
}

bulla_code bulla_plan_set_budget(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_principal *principal = NULL;
	TRY(find_principal(c, o->text, &principal, err));
	TRY(check_budget(o, err));
	bulla_principal_data data = principal->data;
	data.budget = o->budget;
	data.budget_seconds = o->budget_seconds;
	bulla_change_note(c, "principal %.*s, %u decryptions in %u seconds", (int)o->text.len, (const char *)o->text.data,
			  o->budget, o->budget_seconds);
	return put_principal(c, o->text, &data, err);
}

static bulla_code remove_what_is_its(bulla_change *c, const bulla_principal *principal, bulla_error *err)
{
	const bulla_rights *rights = &c->now->rights;
	for (size_t i = 0; i < rights->key_count; i++)
		if (rights->keys[i].principal == principal)
			TRY(bulla_draft_remove(&c->draft, BULLA_KMS_ACCESS, rights->keys[i].id, err));
	for (size_t i = 0; i < principal->policy_count; i++)
		TRY(bulla_draft_remove(&c->draft, BULLA_KMS_POLICY, principal->policies[i].row_id, err));
	return BULLA_OK;
}

bulla_code bulla_plan_remove_principal(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_principal *principal = NULL;
	TRY(find_principal(c, o->text, &principal, err));
	TRY(remove_what_is_its(c, principal, err));
	return bulla_draft_remove(&c->draft, BULLA_KMS_PRINCIPAL, o->text, err);
}

/* --- access keys ----------------------------------------------------------------------------------------------- */
static size_t keys_of(const bulla_change *c, const bulla_principal *principal)
{
	size_t n = 0;
	for (size_t i = 0; i < c->now->rights.key_count; i++)
		n += c->now->rights.keys[i].principal == principal;
	return n;
}

bulla_code bulla_plan_add_access_key(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_principal *principal = NULL;
	TRY(find_principal(c, o->text, &principal, err));
	if (keys_of(c, principal) >= ACCESS_KEYS_MAX) {
		bulla_code code = bulla_fail(err, BULLA_ERR_LIMIT, "a principal has at most %d access keys", ACCESS_KEYS_MAX);
		return bulla_advise(err, code,
				    "remove the one that is not used any more: bulla kms principal rotate %.*s --finish",
				    (int)o->text.len, (const char *)o->text.data);
	}
	return draft_access_key(c, o, principal->name, err);
}

bulla_code bulla_plan_set_access_key(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_access_key *key = NULL;
	TRY(find_access_key(c, o->name, &key, err));
	bulla_access_data data = key->data;
	data.active = o->active;
	return put_access_key(c, o->name, &data, err);
}

bulla_code bulla_plan_remove_access_key(void *self, bulla_change *c, bulla_error *err)
{
	const bulla_order *o = self;
	const bulla_access_key *key = NULL;
	TRY(find_access_key(c, o->name, &key, err));
	return bulla_draft_remove(&c->draft, BULLA_KMS_ACCESS, o->name, err);
}
