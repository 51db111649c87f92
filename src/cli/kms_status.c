/*
 * kms_status.c - the command `kms status`: what is frozen, who may come, how many keys there are.
 */
#include "cli/commands.h"
#include "cli/permit.h"
#include "cli/principal.h"
#include "cli/tree.h"
#include "kms/overview.h"
#include "server/client.h"

const bulla_option bulla_options_kms_status[] = {
	BULLA_ENDPOINT_OPTION,
	BULLA_STORE_OPTIONS,
	{ NULL },
};

/* --- asking ------------------------------------------------------------------------------------------------------- */
static bulla_code look(bulla_cli *cli, bulla_buf *out, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	BULLA_SNAPSHOT_AUTO now = NULL;
	bulla_realm home;
	bulla_json_writer w = bulla_json_to(out);
	TRY(bulla_permit_open(cli, &project, err));
	TRY(bulla_engine_acquire(project->engine, &now, err));
	bulla_engine_home(project->engine, &home);
	bulla_json_open(&w, NULL, '{');
	bulla_put_overview(&w, now, &home, project->clock.now_us(project->clock.self));
	bulla_json_close(&w, '}');
	return bulla_json_end(&w, err);
}

static bulla_code ask(const char *endpoint, bulla_buf *out, bulla_error *err)
{
	bulla_client client;
	TRY(bulla_client_init(endpoint, &client, err));
	return bulla_client_ask(&client, "GetStatus", bulla_view_str("{}"), out, err);
}

/* --- showing ------------------------------------------------------------------------------------------------------ */
static void print_freeze(bulla_cli *cli, const bulla_json *freeze)
{
	bulla_bytes key = bulla_tree_text(freeze, "key"), principal = bulla_tree_text(freeze, "principal"),
		    until = bulla_tree_text(freeze, "until"), reason = bulla_tree_text(freeze, "reason");
	BULLA_BUF_AUTO bulla_buf why = { 0 };
	if (bulla_text_printable(reason, &why, NULL)) bulla_buf_clear(&why);
	bulla_cli_print(cli, "FROZEN: decryption%s%.*s%.*s, by %.*s since %.*s%s%.*s%s%.*s",
			key.len         ? " with "
			: principal.len ? " by "
					: " of everything",
			BULLA_SHOW(key), BULLA_SHOW(principal), BULLA_SHOW(bulla_tree_text(freeze, "by")),
			BULLA_SHOW(bulla_tree_text(freeze, "since")), until.len ? " until " : "", BULLA_SHOW(until),
			why.len ? ": " : "", (int)why.len, why.len ? (const char *)why.data : "");
}

static void print_keys(bulla_cli *cli, const bulla_json *keys)
{
	bulla_cli_print(cli, "keys: %lld enabled, %lld closing, %lld disabled, %lld pending deletion, %lld destroyed",
			(long long)bulla_tree_integer(keys, "enabled", 0), (long long)bulla_tree_integer(keys, "closing", 0),
			(long long)bulla_tree_integer(keys, "disabled", 0),
			(long long)bulla_tree_integer(keys, "pending_deletion", 0),
			(long long)bulla_tree_integer(keys, "destroyed", 0));
}

static bulla_code print(bulla_cli *cli, const bulla_json *status, bulla_error *err)
{
	const bulla_json *freezes = bulla_json_member(status, "freezes"), *principals = bulla_json_member(status, "principals");
	bulla_cli_print(cli, "account %.*s, region %.*s, generation %lld", BULLA_SHOW(bulla_tree_text(status, "account")),
			BULLA_SHOW(bulla_tree_text(status, "region")), (long long)bulla_tree_integer(status, "generation", 0));
	print_keys(cli, bulla_json_member(status, "keys"));
	for (size_t i = 0; i < bulla_json_count(freezes); i++)
		print_freeze(cli, bulla_json_at(freezes, i));
	if (!bulla_json_count(freezes)) bulla_cli_print(cli, "nothing is frozen");
	int64_t more = bulla_tree_integer(status, "principal_count", 0) - (int64_t)bulla_json_count(principals);
	TRY(bulla_principals_print(cli, principals, err));
	if (more > 0) bulla_cli_print(cli, "and %lld more principals", (long long)more);
	return BULLA_OK;
}

static bool put_member(void *self, bulla_bytes name, const bulla_json *value)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_cli *cli = self;
	if (bulla_buf_add(&text, name, NULL) || bulla_buf_terminate(&text, NULL)) return false;
	bulla_json_put_node(bulla_cli_json(cli), (const char *)text.data, value);
	return true;
}

static bulla_code show(bulla_cli *cli, const bulla_json *status, bulla_error *err)
{
	bool frozen = bulla_json_count(bulla_json_member(status, "freezes")) > 0;
	bulla_cli_next(cli, frozen ? "bulla audit lookup --operation Freeze; bulla kms thaw" : "bulla kms principal list");
	if (!cli->json) return print(cli, status, err);
	bulla_json_members(status, put_member, cli);
	return BULLA_OK;
}

bulla_code bulla_run_kms_status(bulla_cli *cli, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_json *status = NULL;
	const char *endpoint = bulla_cli_value(cli, "endpoint");
	TRY(bulla_permit_check_endpoint(cli, err));
	TRY(endpoint ? ask(endpoint, &text, err) : look(cli, &text, err));
	TRY(bulla_json_parse(bulla_view_buf(&text), &status, err));
	bulla_code code = show(cli, status, err);
	bulla_json_free(status);
	return code;
}
