/*
 * undo.c - the command `undo`: a table as it was before bulla.
 */
#include "cli/commands.h"
#include "cli/result.h"
#include "cli/tree.h"

#define LOST_SHOWN 20 /* primary keys; --json and the report have all */

const bulla_option bulla_options_undo[] = {
	{ "discard", 0, NULL, "before finish: keep the plaintext whatever the ciphertexts say; uses no key" },
	{ "lost", 'l', "TEXT", "after finish: what a NOT NULL column gets for a value that was shredded" },
	{ "workers", 'w', "N", "threads that open; default: one beside the writer" },
	{ NULL },
};

/* --- for people ------------------------------------------------------------------------------------------------------ */

/* A primary key as `bulla get` takes it; a blob by its digits. */
static bulla_code add_key(const bulla_json *key, bulla_buf *out, bulla_error *err)
{
	for (size_t i = 0; i < bulla_json_count(key); i++) {
		const bulla_json *part = bulla_json_at(key, i);
		bulla_bytes text;
		int64_t integer;
		double number;
		if (i) TRY(bulla_buf_add_str(out, ",", err));
		if (bulla_json_integer(part, &integer))
			TRY(bulla_buf_printf(out, err, "%lld", (long long)integer));
		else if (bulla_json_number(part, &number))
			TRY(bulla_buf_printf(out, err, "%.17g", number));
		else if (bulla_json_string(part, &text) || bulla_json_string(bulla_json_member(part, "hex"), &text))
			TRY(bulla_text_printable(text, out, err));
	}
	return BULLA_OK;
}

static bulla_code print_lost(bulla_cli *cli, const bulla_model *model, const bulla_json *told, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf keys = { 0 };
	char rows[BULLA_COUNT_MAX];
	const bulla_json *list = bulla_json_member(told, "lost_rows");
	uint64_t n = (uint64_t)bulla_tree_integer(told, "lost", 0);
	if (n == 0) return BULLA_OK;
	for (size_t i = 0; i < bulla_json_count(list) && i < LOST_SHOWN; i++) {
		if (i) TRY(bulla_buf_add_str(&keys, "  ", err));
		TRY(add_key(bulla_json_at(list, i), &keys, err));
	}
	bulla_cli_print(cli, "%s: %s %s shredded, and what was sealed of %s is lost: %.*s%s", model->key,
			bulla_count_text(n, rows), bulla_plural(n, "row was", "rows were"), bulla_plural(n, "it", "them"),
			BULLA_SHOW(bulla_view_buf(&keys)), n > LOST_SHOWN ? "  ..." : "");
	return BULLA_OK;
}

static void print_objects(bulla_cli *cli, const bulla_model *model, const bulla_json *told, const char *member, const char *words)
{
	const bulla_json *list = bulla_json_member(told, member);
	for (size_t i = 0; i < bulla_json_count(list); i++) {
		const bulla_json *one = bulla_json_at(list, i);
		bulla_cli_print(cli, "%s: %.*s %.*s %s\n    %.*s", model->key, BULLA_SHOW(bulla_tree_text(one, "kind")),
				BULLA_SHOW(bulla_tree_text(one, "name")), words, BULLA_SHOW(bulla_tree_text(one, "sql")));
	}
}

static void print_back(bulla_cli *cli, const bulla_model *model, const bulla_json *told)
{
	const bulla_json *list = bulla_json_member(told, "back");
	for (size_t i = 0; i < bulla_json_count(list); i++) {
		const bulla_json *one = bulla_json_at(list, i);
		bulla_cli_print(cli, "%s: %.*s %.*s is back", model->key, BULLA_SHOW(bulla_tree_text(one, "kind")),
				BULLA_SHOW(bulla_tree_text(one, "name")));
	}
}

static void print_stopped(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r, const bulla_json *told)
{
	char rows[BULLA_COUNT_MAX], bad[BULLA_COUNT_MAX];
	uint64_t refused = (uint64_t)bulla_tree_integer(told, "refused", 0);
	if (refused)
		bulla_cli_print(cli, "%s: %s %s not fit the table as it was: %.*s", model->key, bulla_count_text(refused, rows),
				bulla_plural(refused, "row does", "rows do"), BULLA_SHOW(bulla_tree_text(told, "why")));
	bulla_cli_print(cli,
			"%s: %s of %s rows in quarantine; the table is as it was, and what was opened is kept for the next run",
			model->key, bulla_count_text(r->quarantined, bad), bulla_count_text(r->rows, rows));
}

static void print_done(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r, bool finished)
{
	char rows[BULLA_COUNT_MAX], time[BULLA_COUNT_MAX];
	if (finished)
		bulla_cli_print(cli, "%s: the plaintext of %s rows is back, in %s", model->key, bulla_count_text(r->rows, rows),
				bulla_seconds_text(r->seconds, time));
	else
		bulla_cli_print(cli, "%s: what apply added is gone, and %s rows are as they were, in %s", model->key,
				bulla_count_text(r->rows, rows), bulla_seconds_text(r->seconds, time));
	if (r->report[0]) bulla_cli_print(cli, "%s: report %s", model->key, r->report);
}

static bulla_code print_result(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r, const bulla_json *told,
			       bulla_error *err)
{
	bulla_bytes was = bulla_tree_text(told, "was");
	if (bulla_bytes_is(was, "nothing")) {
		bulla_cli_print(cli, "%s: nothing of bulla is in the database, so there is nothing to undo", model->key);
		return BULLA_OK;
	}
	if (!bulla_tree_boolean(told, "undone")) {
		print_stopped(cli, model, r, told);
		return BULLA_OK;
	}
	print_done(cli, model, r, bulla_bytes_is(was, "finished"));
	TRY(print_lost(cli, model, told, err));
	print_back(cli, model, told);
	print_objects(cli, model, told, "missing", "could not be brought back; it was:");
	print_objects(cli, model, told, "gone", "used a sealed column and is gone; it was:");
	return BULLA_OK;
}

/* --- the command ----------------------------------------------------------------------------------------------------- */

/* The members of the job's own object among those of every job. */
static void put_result(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r, bulla_bytes told)
{
	bulla_json_writer *w = bulla_result_open(cli, model, "verified", r);
	bulla_json_put_raw(w, NULL, bulla_view(told.data + 1, told.len - 2));
	bulla_json_close(w, '}');
}

static void warn(bulla_cli *cli, const bulla_model *model, const bulla_json *told)
{
	if (bulla_bytes_is(bulla_tree_text(told, "definition"), "schema"))
		bulla_cli_warn(
			cli,
			"%s: there is no record of what the columns were (an older release has finished the table, or it never "
			"had them): they have the types of bulla.yaml, without NOT NULL, UNIQUE, DEFAULT, CHECK and COLLATE",
			model->key);
}

static bulla_code take(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r, bulla_bytes text, bool *touched,
		       bulla_error *err)
{
	bulla_json *told = NULL;
	bulla_code code = BULLA_OK;
	TRY(bulla_json_parse(text, &told, err));
	bool nothing = bulla_bytes_is(bulla_tree_text(told, "was"), "nothing");
	*touched = *touched || !nothing;
	if (!nothing && !bulla_tree_boolean(told, "undone")) cli->status = 3;
	warn(cli, model, told);
	if (cli->json)
		put_result(cli, model, r, text);
	else
		code = print_result(cli, model, r, told, err);
	bulla_json_free(told);
	return code;
}

static bulla_code undo(bulla_cli *cli, bulla_project *project, const bulla_model *model, const bulla_undo_options *options,
		       bool *touched, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf told = { 0 };
	bulla_bar bar = bulla_bar_of(cli, model->key);
	bulla_job job;
	bulla_job_result result = { 0 };
	TRY(bulla_cli_job(cli, project, model, &bar, &job, err));
	bulla_code code = bulla_job_undo(&job, options, &result, &told, err);
	bulla_bar_done(&bar);
	return code ? code : take(cli, model, &result, bulla_view_buf(&told), touched, err);
}

/* Keys that are lost must not be in the way of --discard; the audit log is, where it can be opened, told. */
static bulla_code open_project(bulla_cli *cli, bool discard, bulla_project **ret, bulla_error *err)
{
	bulla_error failed = { 0 };
	if (!discard) return bulla_cli_open(cli, BULLA_PROJECT_KEYRING, ret, err);
	if (bulla_cli_open(cli, BULLA_PROJECT_ENGINE, ret, &failed) == BULLA_OK) return BULLA_OK;
	TRY(bulla_cli_open(cli, BULLA_PROJECT_SCHEMA, ret, err));
	bulla_cli_warn(cli, "the audit log is not told of this: %s", failed.text);
	return BULLA_OK;
}

bulla_code bulla_run_undo(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	const bulla_model *models = NULL;
	bulla_undo_options options = { .discard = bulla_cli_switch(cli, "discard"), .lost = bulla_cli_value(cli, "lost") };
	uint64_t workers = 0;
	size_t n = 0;
	bool touched = false;
	TRY(bulla_cli_number(cli, "workers", 1, 64, 0, &workers, err));
	options.workers = (unsigned)workers;
	TRY(open_project(cli, options.discard, &project, err));
	TRY(bulla_cli_models(cli, project, &models, &n, err));
	bulla_results_open(cli);
	for (size_t i = 0; i < n; i++)
		TRY(undo(cli, project, &models[i], &options, &touched, err));
	bulla_results_close(cli);
	if (cli->status == 3)
		bulla_cli_next(cli, "bulla status%s --quarantine, mend those rows, then: bulla undo%s", cli->subject,
			       cli->subject);
	else if (!touched)
		bulla_cli_next(cli, "bulla plan%s", cli->subject);
	else
		bulla_cli_next(
			cli,
			"deploy the application without the sealed columns, and take the model out of %s; keep the key store "
			"until the last backup that holds sealed columns is gone",
			project->paths.config);
	return BULLA_OK;
}
