/*
 * policy.c - the command `kms policy`: the policy documents of principals.
 */
#include "base/text.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/permit.h"
#include "kms/policy.h"

#include <stdio.h>

const bulla_option bulla_options_kms_policy[] = {
	{ "name", 'n', "NAME", "of put: what the policy is called (the file's name without .json)" },
	BULLA_STORE_OPTIONS,
	{ NULL },
};

/* --- put, remove ------------------------------------------------------------------------------------------------- */
/* "policies/encrypt.json" is called "encrypt". */
static bulla_code name_of(const bulla_cli *cli, const char *file, bulla_bytes *ret, bulla_error *err)
{
	const char *given = bulla_cli_value(cli, "name"), *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	if (!given && strcmp(file, "-") == 0)
		return bulla_fail(err, BULLA_ERR_USAGE, "a policy from stdin needs a name: --name NAME");
	*ret = bulla_view_str(given ? given : base);
	if (!given && ret->len > 5 && memcmp(ret->data + ret->len - 5, ".json", 5) == 0) ret->len -= 5;
	return BULLA_OK;
}

static void tell(bulla_cli *cli, bulla_bytes name, const char *what)
{
	const char *principal = bulla_verb_argument(cli, 0);
	if (cli->json) {
		bulla_json_writer *w = bulla_cli_json(cli);
		bulla_json_put_str(w, "principal", principal);
		bulla_json_put_bytes(w, "policy", name);
		bulla_json_put_str(w, "state", what);
		return;
	}
	bulla_cli_print(cli, "%s, policy %.*s: %s", principal, (int)name.len, (const char *)name.data, what);
}

static bulla_code put(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf document = { 0 };
	const char *principal = bulla_verb_argument(cli, 0), *file = bulla_verb_argument(cli, 1);
	bulla_order order = { .text = bulla_view_str(principal) };
	TRY(name_of(cli, file, &order.name, err));
	TRY(bulla_cli_read_file(cli, file, BULLA_POLICY_TEXT_MAX, &document, err));
	order.document = bulla_view_buf(&document);
	TRY(bulla_permit_order(project, BULLA_ORDER_PUT_POLICY, order, err));
	tell(cli, order.name, "in force");
	bulla_cli_next(cli, "bulla kms principal can %s kms:Decrypt KEY", principal);
	return BULLA_OK;
}

static bulla_code remove_one(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	const char *principal = bulla_verb_argument(cli, 0);
	const bulla_order order = { .text = bulla_view_str(principal), .name = bulla_view_str(bulla_verb_argument(cli, 1)) };
	TRY(bulla_permit_order(project, BULLA_ORDER_REMOVE_POLICY, order, err));
	tell(cli, order.name, "removed");
	bulla_cli_next(cli, "bulla kms policy list %s", principal);
	return BULLA_OK;
}

/* --- list, show -------------------------------------------------------------------------------------------------- */
static void put_policy(bulla_json_writer *w, const bulla_named_policy *policy)
{
	char time[BULLA_TIME_TEXT];
	bulla_json_open(w, NULL, '{');
	bulla_json_put_bytes(w, "name", policy->name);
	bulla_json_put_str(w, "changed", bulla_time_text(policy->changed_us, time));
	bulla_json_put_int(w, "statements", (int64_t)bulla_policy_statements(policy->policy));
	bulla_json_close(w, '}');
}

static bulla_code print_policies(bulla_cli *cli, const bulla_principal *principal, bulla_error *err)
{
	static const char *const headings[] = { "POLICY", "CHANGED", ">STATEMENTS", NULL };
	bulla_grid grid = bulla_grid_of(headings);
	for (size_t i = 0; i < principal->policy_count; i++) {
		char time[BULLA_TIME_TEXT];
		const bulla_named_policy *policy = &principal->policies[i];
		bulla_grid_cell(&grid, "%.*s", (int)policy->name.len, (const char *)policy->name.data);
		bulla_grid_cell(&grid, "%s", bulla_time_text(policy->changed_us, time));
		bulla_grid_count(&grid, bulla_policy_statements(policy->policy));
	}
	return bulla_grid_print(&grid, cli, err);
}

static bulla_code list(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	BULLA_SNAPSHOT_AUTO now = NULL;
	const bulla_principal *principal = NULL;
	const char *name = bulla_verb_argument(cli, 0);
	TRY(bulla_engine_acquire(project->engine, &now, err));
	TRY(bulla_permit_principal(cli, now, &principal, err));
	bulla_cli_next(cli, principal->policy_count ? "bulla kms policy show %s NAME" : "bulla kms policy put %s FILE", name);
	if (!cli->json) return print_policies(cli, principal, err);
	bulla_json_writer *w = bulla_cli_json(cli);
	bulla_json_put_str(w, "principal", name);
	bulla_json_open(w, "policies", '[');
	for (size_t i = 0; i < principal->policy_count; i++)
		put_policy(w, &principal->policies[i]);
	bulla_json_close(w, ']');
	return BULLA_OK;
}

static bulla_code find(const bulla_cli *cli, const bulla_principal *principal, const bulla_named_policy **ret, bulla_error *err)
{
	const char *name = bulla_verb_argument(cli, 1);
	for (size_t i = 0; i < principal->policy_count; i++) {
		*ret = &principal->policies[i];
		if (bulla_bytes_is((*ret)->name, name)) return BULLA_OK;
	}
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s has no policy %s", bulla_verb_argument(cli, 0), name);
	return bulla_advise(err, code, "bulla kms policy list %s", bulla_verb_argument(cli, 0));
}

/* The document as it was put. */
static bulla_code show(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	BULLA_SNAPSHOT_AUTO now = NULL;
	const bulla_principal *principal = NULL;
	const bulla_named_policy *policy = NULL;
	TRY(bulla_engine_acquire(project->engine, &now, err));
	TRY(bulla_permit_principal(cli, now, &principal, err));
	TRY(find(cli, principal, &policy, err));
	bulla_cli_next(cli, "bulla kms policy put %s FILE --name %s", bulla_verb_argument(cli, 0), bulla_verb_argument(cli, 1));
	if (!cli->json) {
		TRY(bulla_cli_write(cli, policy->document, err));
		bool ended = policy->document.len && policy->document.data[policy->document.len - 1] == '\n';
		return ended ? BULLA_OK : bulla_cli_write(cli, bulla_view_str("\n"), err);
	}
	bulla_json_writer *w = bulla_cli_json(cli);
	char time[BULLA_TIME_TEXT];
	bulla_json_put_str(w, "principal", bulla_verb_argument(cli, 0));
	bulla_json_put_bytes(w, "policy", policy->name);
	bulla_json_put_str(w, "changed", bulla_time_text(policy->changed_us, time));
	bulla_json_put_bytes(w, "document", policy->document);
	return BULLA_OK;
}

static const bulla_verb verbs[] = {
	{ "put", 2, 2, "PRINCIPAL FILE [--name NAME]", put },
	{ "list", 1, 1, "PRINCIPAL", list },
	{ "show", 2, 2, "PRINCIPAL NAME", show },
	{ "remove", 2, 2, "PRINCIPAL NAME", remove_one },
	{ NULL },
};

bulla_code bulla_run_kms_policy(bulla_cli *cli, bulla_error *err)
{
	return bulla_verb_run(cli, verbs, err);
}
