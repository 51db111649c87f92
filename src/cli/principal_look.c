/*
 * principal_look.c - `kms principal list` and `can`: who there is, and what he may.
 */
#include "base/context.h"
#include "base/text.h"
#include "cli/grid.h"
#include "cli/permit.h"
#include "cli/principal.h"
#include "cli/tree.h"
#include "kms/explain.h"
#include "kms/overview.h"

#include <stdio.h>

#define ACTION_MAX 128
#define LOOPBACK   "127.0.0.1"

/* --- list ------------------------------------------------------------------------------------------------------- */
static void cell_of_names(bulla_grid *grid, const bulla_json *names)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	const bulla_json *name = NULL;
	for (size_t i = 0; (name = bulla_json_at(names, i)); i++) {
		bulla_bytes one = { 0 };
		if (bulla_json_string(name, &one)) (void)!bulla_buf_printf(&text, NULL, "%s%.*s", i ? "," : "", BULLA_SHOW(one));
	}
	bulla_grid_cell(grid, "%.*s", text.len ? (int)text.len : 1, text.len ? (const char *)text.data : "-");
}

static void cell_of_budget(bulla_grid *grid, const bulla_json *budget)
{
	if (bulla_json_is_object(budget))
		bulla_grid_cell(grid, "%lld/%llds", (long long)bulla_tree_integer(budget, "decryptions", 0),
				(long long)bulla_tree_integer(budget, "seconds", 0));
	else
		bulla_grid_cell(grid, "none");
}

/* One line for each access key; what is the principal's stands in the first. */
static void add_lines(bulla_grid *grid, const bulla_json *principal)
{
	const bulla_json *keys = bulla_json_member(principal, "access_keys"), *key = NULL;
	size_t lines = bulla_json_count(keys) ? bulla_json_count(keys) : 1;
	for (size_t i = 0; i < lines; i++) {
		key = bulla_json_at(keys, i);
		bulla_grid_cell(grid, "%.*s", BULLA_SHOW(bulla_tree_text(principal, "name")));
		bulla_grid_cell(grid, "%.*s", key ? (int)bulla_tree_text(key, "id").len : 1,
				key ? (const char *)bulla_tree_text(key, "id").data : "-");
		bulla_grid_cell(grid, "%.*s", BULLA_SHOW(bulla_tree_text(key, "state")));
		bulla_grid_cell(grid, "%.*s", BULLA_SHOW(bulla_tree_text(key, "created")));
		cell_of_names(grid, bulla_json_member(principal, "policies"));
		cell_of_budget(grid, bulla_json_member(principal, "budget"));
		bulla_grid_cell(grid, "%s", bulla_tree_boolean(principal, "frozen") ? "frozen" : "-");
	}
}

bulla_code bulla_principals_print(bulla_cli *cli, const bulla_json *principals, bulla_error *err)
{
	static const char *const headings[] = { "PRINCIPAL", "ACCESS KEY", "STATE",      "CREATED",
						"POLICIES",  "BUDGET",     "DECRYPTION", NULL };
	bulla_grid grid = bulla_grid_of(headings);
	const bulla_json *principal = NULL;
	for (size_t i = 0; (principal = bulla_json_at(principals, i)); i++)
		add_lines(&grid, principal);
	return bulla_grid_print(&grid, cli, err);
}

static void put_all(bulla_json_writer *w, const char *name, const bulla_snapshot *now, int64_t now_us)
{
	bulla_json_open(w, name, '[');
	for (size_t i = 0; i < now->rights.principal_count; i++)
		bulla_put_principal(w, now, &now->rights.principals[i], now_us);
	bulla_json_close(w, ']');
}

static bulla_code print_all(bulla_cli *cli, const bulla_snapshot *now, int64_t now_us, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_json *list = NULL;
	bulla_json_writer w = bulla_json_to(&text);
	put_all(&w, NULL, now, now_us);
	TRY(bulla_json_end(&w, err));
	TRY(bulla_json_parse(bulla_view_buf(&text), &list, err));
	bulla_code code = bulla_principals_print(cli, list, err);
	bulla_json_free(list);
	return code;
}

bulla_code bulla_principal_list(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	BULLA_SNAPSHOT_AUTO now = NULL;
	int64_t now_us = project->clock.now_us(project->clock.self);
	TRY(bulla_engine_acquire(project->engine, &now, err));
	bulla_cli_next(cli, now->rights.principal_count ? "bulla kms principal can NAME kms:Decrypt KEY"
							: "bulla kms principal add NAME");
	if (!cli->json) return print_all(cli, now, now_us, err);
	put_all(bulla_cli_json(cli), "principals", now, now_us);
	return BULLA_OK;
}

/* --- can -------------------------------------------------------------------------------------------------------- */
/* "Decrypt" is short for "kms:Decrypt". */
static bulla_code action_of(const bulla_cli *cli, char out[static ACTION_MAX], bulla_error *err)
{
	const char *text = bulla_verb_argument(cli, 1);
	int n = snprintf(out, ACTION_MAX, "%s%s", strchr(text, ':') ? "" : "kms:", text);
	if (n < ACTION_MAX) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "%.40s... is no action", text);
}

static void put_reasons(bulla_json_writer *w, bulla_bytes lines)
{
	bulla_json_open(w, "reasons", '[');
	while (lines.len) {
		const uint8_t *end = memchr(lines.data, '\n', lines.len);
		size_t n = end ? (size_t)(end - lines.data) : lines.len;
		bulla_json_put_bytes(w, NULL, bulla_view(lines.data, n));
		lines = bulla_view(lines.data + n + (end != NULL), lines.len - n - (end != NULL));
	}
	bulla_json_close(w, ']');
}

static bulla_code answer(bulla_cli *cli, const bulla_supposition *what, bool may, const char *arn, bulla_bytes reasons,
			 bulla_error *err)
{
	const char *name = bulla_verb_argument(cli, 0);
	if (!may) cli->status = 3;
	bulla_cli_next(cli, may ? "bulla audit lookup --principal %s" : "bulla kms policy list %s", name);
	if (!cli->json) {
		bulla_cli_print(cli, "%s: %s may%s %s", may ? "yes" : "no", name, may ? "" : " not", what->action);
		return bulla_cli_write(cli, reasons, err);
	}
	bulla_json_writer *w = bulla_cli_json(cli);
	bulla_json_put_bool(w, "may", may);
	bulla_json_put_str(w, "principal", name);
	bulla_json_put_str(w, "action", what->action);
	bulla_json_put_str(w, "key", *arn ? arn : NULL);
	put_reasons(w, reasons);
	return BULLA_OK;
}

bulla_code bulla_principal_can(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf context = { 0 };
	BULLA_BUF_AUTO bulla_buf reasons = { 0 };
	BULLA_BUF_AUTO bulla_buf key = { 0 };
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	size_t n = 0;
	bool may = false;
	char action[ACTION_MAX], arn[BULLA_ARN_MAX] = "";
	const char *source = bulla_cli_value(cli, "source-ip");
	TRY(action_of(cli, action, err));
	TRY(bulla_cli_pairs(cli, "context", pairs, BULLA_CONTEXT_PAIRS_MAX, &n, err));
	TRY(bulla_context_encode(pairs, n, &context, err));
	if (bulla_verb_argument(cli, 2)) TRY(bulla_cli_key_id(bulla_verb_argument(cli, 2), &key, err));
	const bulla_supposition what = { .principal = bulla_view_str(bulla_verb_argument(cli, 0)),
					 .action = action,
					 .key_id = bulla_view_buf(&key),
					 .context = bulla_view_buf(&context),
					 .source_ip = bulla_view_str(source ? source : LOOPBACK) };
	TRY(bulla_engine_explain(project->engine, &what, &may, &reasons, arn, err));
	return answer(cli, &what, may, arn, bulla_view_buf(&reasons), err);
}
