/*
 * rotate.c - the command `rotate`: new wraps, new data keys, for whole tables.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/result.h"
#include "cli/tree.h"

#include <string.h>

const bulla_option bulla_options_rotate[] = {
	{ "wrap", 0, NULL, "wrapped keys only, under a new branch version or by the KMS; the default" },
	{ "data", 0, NULL, "new data keys: every field is opened and sealed again" },
	{ "index", 0, NULL, "new blind indexes; while bulla.yaml names the previous ones, both are searched" },
	{ "context", 0, NULL, "what another bulla.yaml sealed under other names, types and contexts" },
	{ "from", 0, "FILE", "with --context: the earlier bulla.yaml" },
	{ "to", 0, "KEY", "refuse unless the environment wraps with this key" },
	{ "catch-up", 0, NULL, "with --wrap: no new branch version, only what lies under older ones" },
	{ "settle", 's', "TIME", "go on looking until so long after the beginning; default: 0s" },
	{ "workers", 'w', "N", "threads that open and seal; default: one beside the writer" },
	{ "debt", 0, NULL, "only say how much lies under older keys" },
	{ NULL },
};

static const struct {
	const char *option;
	bulla_rotate_kind kind;
	const char *next; /* what follows when all is well; the model's name behind it */
} kinds[] = {
	{ "wrap", BULLA_ROTATE_WRAP,
	  "bulla rotate%s --debt, once every application has run for max_age: it counts what came back" },
	{ "data", BULLA_ROTATE_DATA, "bulla verify%s" },
	{ "index", BULLA_ROTATE_INDEX, "bulla verify%s" },
	{ "context", BULLA_ROTATE_CONTEXT, "bulla verify%s" },
};
#define KINDS (sizeof kinds / sizeof *kinds)

static bulla_code read_kind(const bulla_cli *cli, size_t *ret, bulla_error *err)
{
	size_t given = 0;
	*ret = 0;
	for (size_t k = 0; k < KINDS; k++) {
		if (!bulla_cli_switch(cli, kinds[k].option)) continue;
		*ret = k;
		given++;
	}
	if (given > 1) return bulla_fail(err, BULLA_ERR_USAGE, "one kind of rotation at a time");
	bool wrap = kinds[*ret].kind == BULLA_ROTATE_WRAP;
	if (!wrap && (bulla_cli_switch(cli, "catch-up") || bulla_cli_switch(cli, "debt")))
		return bulla_fail(err, BULLA_ERR_USAGE, "--catch-up and --debt go with --wrap");
	if (kinds[*ret].kind != BULLA_ROTATE_CONTEXT && bulla_cli_value(cli, "from"))
		return bulla_fail(err, BULLA_ERR_USAGE, "--from goes with --context");
	return BULLA_OK;
}

static bulla_code read_options(const bulla_cli *cli, size_t kind, bulla_rotate_options *ret, bulla_error *err)
{
	uint64_t workers = 0;
	*ret = (bulla_rotate_options){ .kind = kinds[kind].kind,
				       .catch_up = bulla_cli_switch(cli, "catch-up"),
				       .to = bulla_cli_value(cli, "to") };
	TRY(bulla_cli_number(cli, "workers", 1, 64, 0, &workers, err));
	ret->workers = (unsigned)workers;
	return bulla_cli_duration(cli, "settle", 0, &ret->settle_ms, err);
}

/* --- telling ---------------------------------------------------------------------------------------------------------- */

static void put_result(bulla_cli *cli, const bulla_model *model, const char *kind, bool debt, const bulla_rotate_result *r,
		       bulla_bytes census)
{
	bulla_json_writer *w = bulla_cli_json(cli);
	bulla_json_open(w, NULL, '{');
	bulla_json_put_str(w, "model", model->key);
	bulla_json_put_str(w, "kind", kind);
	bulla_json_put_int(w, "rows", (int64_t)r->rows);
	if (!debt) {
		bulla_json_put_int(w, "rotated", (int64_t)r->changed);
		bulla_json_put_int(w, "rotated_in_all", (int64_t)r->done);
		bulla_json_put_int(w, "conflicts", (int64_t)r->conflicts);
		bulla_json_put_int(w, "rounds", (int64_t)r->rounds);
		bulla_json_put_int(w, "unsealed", (int64_t)r->unsealed);
		bulla_json_put_int(w, "moved_keys", (int64_t)r->moved);
		bulla_json_put_int(w, "windows", (int64_t)r->windows);
		bulla_json_put_bool(w, "resumed", r->resumed);
	}
	bulla_json_put_bool(w, "passed_over", r->passed_over);
	bulla_json_put_int(w, "left", (int64_t)r->left);
	bulla_json_put_int(w, "quarantined", (int64_t)r->quarantined);
	bulla_json_put_int(w, "shredded", (int64_t)r->shredded);
	bulla_json_put_int(w, "closing", (int64_t)r->closing);
	bulla_json_put_number(w, "seconds", r->seconds);
	bulla_json_put_raw(w, "keys", census);
	bulla_json_close(w, '}');
}

static bulla_code print_census(bulla_cli *cli, bulla_bytes census, bulla_error *err)
{
	static const char *const headings[] = { "  KEY COLUMN", "WRAPPED BY", "REFERENCE", ">ROWS", NULL };
	bulla_grid grid = bulla_grid_of(headings);
	grid.limit = BULLA_GRID_SHORT; /* a branch for each row would be a line for each row */
	bulla_json *list = NULL;
	TRY(bulla_json_parse(census, &list, err));
	for (size_t i = 0; i < bulla_json_count(list); i++) {
		const bulla_json *column = bulla_json_at(list, i), *versions = bulla_json_member(column, "versions");
		for (size_t v = 0; v < bulla_json_count(versions); v++) {
			const bulla_json *version = bulla_json_at(versions, v);
			bulla_grid_cell(&grid, "  %.*s", BULLA_SHOW(bulla_tree_text(column, "column")));
			bulla_grid_cell(&grid, "%.*s", BULLA_SHOW(bulla_tree_text(version, "kind")));
			bulla_grid_cell(&grid, "%.*s", BULLA_SHOW(bulla_tree_text(version, "reference")));
			bulla_grid_count(&grid, (uint64_t)bulla_tree_integer(version, "records", 0));
		}
	}
	bulla_code code = bulla_grid_print(&grid, cli, err);
	bulla_json_free(list);
	return code;
}

static bulla_code say_result(bulla_cli *cli, const bulla_model *model, bool debt, const bulla_rotate_result *r,
			     bulla_bytes census, bulla_error *err)
{
	char rows[BULLA_COUNT_MAX], changed[BULLA_COUNT_MAX], left[BULLA_COUNT_MAX], bad[BULLA_COUNT_MAX], time[BULLA_COUNT_MAX],
		rate[BULLA_COUNT_MAX];
	if (r->passed_over) {
		bulla_cli_print(cli, "%s: nothing to do: %s", model->key,
				model->data_key == BULLA_DATA_KEY_NONE ? "it has no wrapped keys" : "it is bound as it was");
		return BULLA_OK;
	}
	if (debt)
		bulla_cli_print(cli, "%s: %s of %s rows are under older keys", model->key, bulla_count_text(r->left, left),
				bulla_count_text(r->rows, rows));
	else
		bulla_cli_print(
			cli, "%s: %s rows: %s rotated%s, %s left, %s in quarantine; %s (%s rows/s)", model->key,
			bulla_count_text(r->rows, rows), bulla_count_text(r->changed, changed),
			r->resumed ? " by this run, which went on with one that was cut off" : "",
			bulla_count_text(r->left, left), bulla_count_text(r->quarantined, bad),
			bulla_seconds_text(r->seconds, time),
			bulla_count_text(r->seconds > 0 ? (uint64_t)((double)r->changed / r->seconds) : r->changed, rate));
	if (r->shredded) bulla_cli_print(cli, "  shredded: %s", bulla_count_text(r->shredded, rows));
	if (r->closing) bulla_cli_print(cli, "  under a branch key that is closing: %s", bulla_count_text(r->closing, rows));
	if (r->moved)
		bulla_cli_print(cli, "  keys of the key store that moved to other KMS keys: %s",
				bulla_count_text(r->moved, rows));
	if (r->windows)
		bulla_cli_print(cli, "  older indexes that are still written and searched: %s",
				bulla_count_text(r->windows, rows));
	if (r->unsealed) bulla_cli_print(cli, "  not sealed yet: %s", bulla_count_text(r->unsealed, rows));
	return print_census(cli, census, err);
}

/* --- the earlier schema ----------------------------------------------------------------------------------------------- */

/* By its name, or, where that has changed, by its table. */
static bulla_code find_earlier(const bulla_project *earlier, const bulla_model *model, const bulla_model **ret, bulla_error *err)
{
	size_t n = 0;
	const bulla_model *models = bulla_schema_models(earlier->schema, &n);
	if (bulla_schema_model(earlier->schema, model->key, ret, NULL) == BULLA_OK) return BULLA_OK;
	for (size_t i = 0; i < n; i++)
		if (strcmp(models[i].table, model->table) == 0) {
			*ret = &models[i];
			return BULLA_OK;
		}
	return bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s knows neither the model %s nor the table %s", earlier->paths.config,
			  model->key, model->table);
}

/* --- the command ------------------------------------------------------------------------------------------------------ */

/* Of all models. */
typedef struct totals {
	uint64_t windows, changed, left;
} totals;

static bulla_code rotate(bulla_cli *cli, bulla_project *project, const bulla_model *model, size_t kind,
			 bulla_rotate_options options, const bulla_project *earlier, totals *sum, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf census = { 0 };
	bulla_bar bar = bulla_bar_of(cli, model->key);
	bulla_job job;
	bulla_rotate_result result = { 0 };
	bool debt = bulla_cli_switch(cli, "debt");
	if (earlier) TRY(find_earlier(earlier, model, &options.from, err));
	TRY(bulla_cli_job(cli, project, model, &bar, &job, err));
	bulla_code code = (debt ? bulla_job_debt : bulla_job_rotate)(&job, &options, &result, &census, err);
	bulla_bar_done(&bar);
	TRY(code);
	if (!debt && (result.quarantined || result.left)) cli->status = 3;
	sum->windows += result.windows;
	sum->changed += result.changed;
	sum->left += result.left;
	if (!cli->json) return say_result(cli, model, debt, &result, bulla_view_buf(&census), err);
	put_result(cli, model, kinds[kind].option, debt, &result, bulla_view_buf(&census));
	return BULLA_OK;
}

static void suggest(bulla_cli *cli, size_t kind, const totals *sum)
{
	if (bulla_cli_switch(cli, "debt") && sum->left)
		bulla_cli_next(cli, "bulla rotate%s --catch-up (or the rotation that bulla status shows under way)",
			       cli->subject);
	else if (bulla_cli_switch(cli, "debt"))
		bulla_cli_next(cli, "bulla key census (what still hangs from which key)");
	else if (cli->status == 3)
		bulla_cli_next(cli,
			       "bulla status%s (shows the quarantine); what is left is under keys that do not answer, or written "
			       "by an application that holds an older key",
			       cli->subject);
	else if (sum->windows)
		bulla_cli_next(cli,
			       "once every application runs with this bulla.yaml, take previous: out of it, deploy that, then: "
			       "bulla rotate%s "
			       "--index",
			       cli->subject);
	else if (kinds[kind].kind == BULLA_ROTATE_WRAP && !sum->changed && !bulla_cli_switch(cli, "catch-up"))
		bulla_cli_next(cli, "nothing lay under older keys; for new material: bulla key rotate, then bulla rotate%s again",
			       cli->subject);
	else
		bulla_cli_next(cli, kinds[kind].next, cli->subject);
}

bulla_code bulla_run_rotate(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	BULLA_PROJECT_AUTO earlier = NULL;
	const bulla_model *models = NULL;
	const char *from = bulla_cli_value(cli, "from");
	bulla_rotate_options options;
	size_t n = 0, kind;
	totals sum = { 0 };
	TRY(read_kind(cli, &kind, err));
	TRY(read_options(cli, kind, &options, err));
	TRY(bulla_cli_open(cli, BULLA_PROJECT_KEYRING, &project, err));
	TRY(bulla_cli_models(cli, project, &models, &n, err));
	if (from) TRY(bulla_project_open(from, bulla_cli_value(cli, "env"), BULLA_PROJECT_SCHEMA, &earlier, err));
	options.several = n > 1;
	bulla_results_open(cli);
	for (size_t i = 0; i < n; i++)
		TRY(rotate(cli, project, &models[i], kind, options, earlier, &sum, err));
	bulla_results_close(cli);
	suggest(cli, kind, &sum);
	return BULLA_OK;
}
