/*
 * principal.c - the command `kms principal`: who may come to a key server, and with which access keys.
 */
#include "base/text.h"
#include "cli/commands.h"
#include "cli/permit.h"
#include "cli/principal.h"
#include "kms/access_pair.h"
#include "lib/secret_file.h"

#include <stdio.h>
#include <stdlib.h>

const bulla_option bulla_options_kms_principal[] = {
	{ "access-key-id", 'k', "ID", "of add: take this one; of remove, enable, disable: the one that is meant" },
	{ "secret-file", 0, "FILE", "of add: the secret of --access-key-id; mode 0600; -: stdin" },
	{ "budget", 'b', "N/TIME", "of add and set: at most N decryptions in a time, as 100/60s; none: as many as it likes" },
	{ "finish", 0, NULL, "of rotate: remove the old access key" },
	{ "context", 'x', "NAME=VALUE", "of can: a pair of the encryption context; repeatable" },
	{ "source-ip", 0, "ADDRESS", "of can: where the request comes from (127.0.0.1)" },
	BULLA_STORE_OPTIONS,
	{ "account", 0, "DIGITS", "as kms serve is given it (000000000000)" },
	{ "region", 0, "NAME", "likewise" },
	{ NULL },
};

/* --- access keys ------------------------------------------------------------------------------------------------ */
/* An access key that is given to a principal: made here, or brought along. */
typedef struct credential {
	bulla_access_pair made;
	bulla_buf brought;
	const char *id;
	bulla_bytes secret;
} credential;

static void credential_done(credential *c)
{
	bulla_access_pair_wipe(&c->made);
	bulla_buf_done(&c->brought);
}

#define CREDENTIAL_AUTO __attribute__((cleanup(credential_done))) credential

static bulla_code read_secret(const bulla_cli *cli, const char *file, bulla_buf *out, bulla_error *err)
{
	if (strcmp(file, "-") != 0) return bulla_secret_file_read(file, BULLA_ACCESS_SECRET_MAX, out, err);
	TRY(bulla_cli_stdin(cli, BULLA_ACCESS_SECRET_MAX + 2, out, err));
	return bulla_secret_line(out, "stdin", BULLA_ACCESS_SECRET_MAX, err);
}

static bulla_code take_credential(const bulla_cli *cli, credential *c, bulla_error *err)
{
	const char *id = bulla_cli_value(cli, "access-key-id"), *file = bulla_cli_value(cli, "secret-file");
	if (!id != !file) return bulla_fail(err, BULLA_ERR_USAGE, "--access-key-id and --secret-file go together");
	if (!id) {
		TRY(bulla_access_pair_make(&c->made, err));
		c->id = c->made.id;
		c->secret = bulla_view_str(c->made.secret);
		return BULLA_OK;
	}
	TRY(read_secret(cli, file, &c->brought, err));
	c->id = id;
	c->secret = bulla_view_buf(&c->brought);
	return BULLA_OK;
}

/* A secret that was made here is told once, and never again. */
static void tell_credential(bulla_cli *cli, const char *name, const credential *c)
{
	const char *secret = c->brought.len ? NULL : c->made.secret;
	if (cli->json) {
		bulla_json_writer *w = bulla_cli_json(cli);
		bulla_json_put_str(w, "principal", name);
		bulla_json_put_str(w, "access_key_id", c->id);
		if (secret) bulla_json_put_str(w, "secret_access_key", secret);
		return;
	}
	bulla_cli_print(cli, "export AWS_ACCESS_KEY_ID=%s", c->id);
	if (!secret) return;
	bulla_cli_print(cli, "export AWS_SECRET_ACCESS_KEY=%s", secret);
	bulla_cli_say(cli, "the secret is shown this once: the key store has it only sealed");
}

/* The access key that --access-key-id names, which must be this principal's. */
static bulla_code find_key(const bulla_cli *cli, const bulla_snapshot *now, const bulla_principal *principal,
			   const bulla_access_key **ret, bulla_error *err)
{
	const char *id = bulla_cli_value(cli, "access-key-id");
	if (!id) return bulla_fail(err, BULLA_ERR_USAGE, "say which one: --access-key-id ID");
	*ret = bulla_rights_access_key(&now->rights, bulla_view_str(id));
	if (*ret && (*ret)->principal == principal) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "%.*s has no access key %s", (int)principal->name.len,
				     (const char *)principal->name.data, id);
	return bulla_advise(err, code, "bulla kms principal list");
}

/* --- add, set --------------------------------------------------------------------------------------------------- */
static bulla_code read_budget(const bulla_cli *cli, bulla_order *order, bulla_error *err)
{
	const char *text = bulla_cli_value(cli, "budget");
	char *slash = NULL;
	int64_t ms = 0;
	if (!text || strcmp(text, "none") == 0) return BULLA_OK;
	unsigned long long n = *text >= '0' && *text <= '9' ? strtoull(text, &slash, 10) : 0;
	if (n == 0 || n > UINT32_MAX || *slash != '/' || !bulla_duration_parse(slash + 1, &ms) || ms < 1000 ||
	    ms / 1000 > UINT32_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "--budget takes a number of decryptions and a time, as 100/60s, or none");
	order->budget = (uint32_t)n;
	order->budget_seconds = (uint32_t)(ms / 1000);
	return BULLA_OK;
}

static bulla_code add(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	CREDENTIAL_AUTO c = { 0 };
	const char *name = bulla_verb_argument(cli, 0);
	bulla_order order = { .text = bulla_view_str(name) };
	TRY(read_budget(cli, &order, err));
	TRY(take_credential(cli, &c, err));
	order.name = bulla_view_str(c.id);
	order.secret = c.secret;
	TRY(bulla_permit_order(project, BULLA_ORDER_ADD_PRINCIPAL, order, err));
	tell_credential(cli, name, &c);
	bulla_cli_next(cli, "bulla kms policy put %s FILE: without a policy it may do nothing", name);
	return BULLA_OK;
}

static bulla_code set(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	const char *name = bulla_verb_argument(cli, 0);
	bulla_order order = { .text = bulla_view_str(name) };
	if (!bulla_cli_value(cli, "budget"))
		return bulla_fail(err, BULLA_ERR_USAGE, "set what? --budget N/TIME, or --budget none");
	TRY(read_budget(cli, &order, err));
	TRY(bulla_permit_order(project, BULLA_ORDER_SET_BUDGET, order, err));
	if (cli->json)
		bulla_json_put_str(bulla_cli_json(cli), "principal", name);
	else if (order.budget)
		bulla_cli_print(cli, "%s may decrypt %u times in %u seconds", name, order.budget, order.budget_seconds);
	else
		bulla_cli_print(cli, "%s may decrypt as often as it likes", name);
	bulla_cli_next(cli, "bulla kms principal list");
	return BULLA_OK;
}

/* --- remove, enable, disable ------------------------------------------------------------------------------------- */
static void tell_done(bulla_cli *cli, const char *what)
{
	const char *name = bulla_verb_argument(cli, 0), *id = bulla_cli_value(cli, "access-key-id");
	if (cli->json) {
		bulla_json_writer *w = bulla_cli_json(cli);
		bulla_json_put_str(w, "principal", name);
		if (id) bulla_json_put_str(w, "access_key_id", id);
		bulla_json_put_str(w, "state", what);
	} else {
		bulla_cli_print(cli, "%s%s%s: %s", name, id ? ", access key " : "", id ? id : "", what);
	}
	bulla_cli_next(cli, "bulla kms principal list");
}

static bulla_code change_key(bulla_cli *cli, bulla_project *project, bulla_order_kind kind, bool active, bulla_error *err)
{
	BULLA_SNAPSHOT_AUTO now = NULL;
	const bulla_principal *principal = NULL;
	const bulla_access_key *key = NULL;
	TRY(bulla_engine_acquire(project->engine, &now, err));
	TRY(bulla_permit_principal(cli, now, &principal, err));
	TRY(find_key(cli, now, principal, &key, err));
	return bulla_permit_order(project, kind, (bulla_order){ .name = key->id, .active = active }, err);
}

static bulla_code remove_one(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	if (bulla_cli_value(cli, "access-key-id"))
		TRY(change_key(cli, project, BULLA_ORDER_REMOVE_ACCESS_KEY, false, err));
	else
		TRY(bulla_permit_order(project, BULLA_ORDER_REMOVE_PRINCIPAL,
				       (bulla_order){ .text = bulla_view_str(bulla_verb_argument(cli, 0)) }, err));
	tell_done(cli, "removed");
	return BULLA_OK;
}

static bulla_code enable(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	TRY(change_key(cli, project, BULLA_ORDER_SET_ACCESS_KEY, true, err));
	tell_done(cli, "active");
	return BULLA_OK;
}

static bulla_code disable(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	TRY(change_key(cli, project, BULLA_ORDER_SET_ACCESS_KEY, false, err));
	tell_done(cli, "inactive");
	return BULLA_OK;
}

/* --- rotate ----------------------------------------------------------------------------------------------------- */
/* The oldest and the newest access key of a principal; how many it has. */
static size_t ends_of(const bulla_snapshot *now, const bulla_principal *principal, const bulla_access_key **ret_old,
		      const bulla_access_key **ret_new)
{
	size_t n = 0;
	for (size_t i = 0; i < now->rights.key_count; i++) {
		const bulla_access_key *key = &now->rights.keys[i];
		if (key->principal != principal) continue;
		if (n == 0 || key->data.created_us < (*ret_old)->data.created_us) *ret_old = key;
		if (n == 0 || key->data.created_us >= (*ret_new)->data.created_us) *ret_new = key;
		n++;
	}
	return n;
}

static bulla_code finish_rotation(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	BULLA_SNAPSHOT_AUTO now = NULL;
	const bulla_principal *principal = NULL;
	const bulla_access_key *old = NULL, *new = NULL;
	const char *name = bulla_verb_argument(cli, 0);
	TRY(bulla_engine_acquire(project->engine, &now, err));
	TRY(bulla_permit_principal(cli, now, &principal, err));
	if (ends_of(now, principal, &old, &new) < 2)
		return bulla_fail(err, BULLA_ERR_REFUSED, "%s has no second access key: there is nothing to finish", name);
	if (!new->data.active)
		return bulla_fail(err, BULLA_ERR_REFUSED, "the newer access key of %s, %.*s, is inactive: it would be locked out",
				  name, (int)new->id.len, (const char *)new->id.data);
	TRY(bulla_permit_order(project, BULLA_ORDER_REMOVE_ACCESS_KEY, (bulla_order){ .name = old->id }, err));
	if (cli->json) {
		bulla_json_put_str(bulla_cli_json(cli), "principal", name);
		bulla_json_put_bytes(bulla_cli_json(cli), "removed", old->id);
	} else {
		bulla_cli_print(cli, "%s: the old access key %.*s is removed", name, (int)old->id.len,
				(const char *)old->id.data);
	}
	bulla_cli_next(cli, "bulla kms principal list");
	return BULLA_OK;
}

static bulla_code rotate(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	CREDENTIAL_AUTO c = { 0 };
	const char *name = bulla_verb_argument(cli, 0);
	if (bulla_cli_switch(cli, "finish")) return finish_rotation(cli, project, err);
	TRY(take_credential(cli, &c, err));
	TRY(bulla_permit_order(project, BULLA_ORDER_ADD_ACCESS_KEY,
			       (bulla_order){ .text = bulla_view_str(name), .name = bulla_view_str(c.id), .secret = c.secret },
			       err));
	tell_credential(cli, name, &c);
	bulla_cli_next(cli,
		       "give it to whoever is %s; then, when bulla audit lookup shows the old one no more: bulla kms principal "
		       "rotate %s --finish",
		       name, name);
	return BULLA_OK;
}

static const bulla_verb verbs[] = {
	{ "add", 1, 1, "NAME", add },
	{ "list", 0, 0, "", bulla_principal_list },
	{ "set", 1, 1, "NAME --budget N/TIME", set },
	{ "rotate", 1, 1, "NAME [--finish]", rotate },
	{ "enable", 1, 1, "NAME --access-key-id ID", enable },
	{ "disable", 1, 1, "NAME --access-key-id ID", disable },
	{ "remove", 1, 1, "NAME [--access-key-id ID]", remove_one },
	{ "can", 2, 3, "NAME ACTION [KEY]", bulla_principal_can },
	{ NULL },
};

bulla_code bulla_run_kms_principal(bulla_cli *cli, bulla_error *err)
{
	return bulla_verb_run(cli, verbs, err);
}
