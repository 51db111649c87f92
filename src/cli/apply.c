/*
 * apply.c - the command `apply`: ciphertext beside the plaintext, for whole tables.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/result.h"
#include "cli/tree.h"

#define PLAN_MAX (16u << 20)

const bulla_option bulla_options_apply[] = {
	{ "plan", 'p', "FILE", "refuse when the table is no longer the one that `plan --out` saw" },
	{ "follow", 'f', NULL, "stay, and seal what writers leave unsealed, until stopped" },
	{ "workers", 'w', "N", "threads that seal; default: one beside the writer" },
	{ "retry", 'r', NULL, "only the rows in quarantine: seal them again; after finish, open them again" },
	{ "shadow", 0, NULL, "seal and compare everything, write nothing to the table" },
	{ "side-table", 0, NULL, "keep the new columns in a table of their own" },
	{ NULL },
};

static bulla_code fail_refused(const bulla_model *model, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "the plan refuses the model %s", model->key);
	return bulla_advise(err, code, "bulla plan %s: it says what to do", model->key);
}

/* The fingerprint of `model` in a plan file, as a view into `plan`. A plan that refused something is no permission. */
static bulla_code find_plan(const bulla_json *plan, const bulla_model *model, bulla_bytes *ret, bulla_error *err)
{
	const bulla_json *plans = bulla_json_member(plan, "plans");
	for (size_t i = 0; i < bulla_json_count(plans); i++) {
		const bulla_json *one = bulla_json_at(plans, i);
		*ret = bulla_tree_text(one, "fingerprint");
		if (!ret->len || !bulla_bytes_is(bulla_tree_text(one, "model"), model->key)) continue;
		return bulla_json_count(bulla_json_member(one, "refusals")) ? fail_refused(model, err) : BULLA_OK;
	}
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "the plan has nothing about the model %s", model->key);
	return bulla_advise(err, code, "bulla plan %s --out FILE", model->key);
}

static void json_done(bulla_json **document)
{
	bulla_json_free(*document);
}

/* Appends the fingerprint with a NUL; nothing without --plan. */
static bulla_code fingerprint(const bulla_cli *cli, const bulla_model *model, bulla_buf *out, bulla_error *err)
{
	const char *path = bulla_cli_value(cli, "plan");
	if (!path) return BULLA_OK;
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	__attribute__((cleanup(json_done))) bulla_json *plan = NULL;
	bulla_bytes found;
	bulla_code code = bulla_cli_read_file(cli, path, PLAN_MAX, &text, err);
	if (code) return code == BULLA_ERR_NOT_FOUND ? bulla_advise(err, code, "bulla plan %s --out %s", model->key, path) : code;
	TRY(bulla_json_parse(bulla_view_buf(&text), &plan, err));
	TRY(find_plan(plan, model, &found, err));
	TRY(bulla_buf_add(out, found, err));
	return bulla_buf_terminate(out, err);
}

static void say_result(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r)
{
	char rows[BULLA_COUNT_MAX], done[BULLA_COUNT_MAX], already[BULLA_COUNT_MAX], bad[BULLA_COUNT_MAX], size[BULLA_COUNT_MAX],
		time[BULLA_COUNT_MAX], rate[BULLA_COUNT_MAX];
	bulla_cli_print(cli, "%s: %s rows: %s sealed now, %s before, %s in quarantine; %s of ciphertext in %s (%s rows/s)",
			model->key, bulla_count_text(r->rows, rows), bulla_count_text(r->done, done),
			bulla_count_text(r->already, already), bulla_count_text(r->quarantined, bad),
			bulla_size_text(r->bytes, size), bulla_seconds_text(r->seconds, time),
			bulla_count_text(r->seconds > 0 ? (uint64_t)((double)r->done / r->seconds) : r->done, rate));
	if (r->closing)
		bulla_cli_print(cli, "  not sealed, under a branch key that takes no new records: %s",
				bulla_count_text(r->closing, rows));
}

static void say_retried(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r)
{
	char tried[BULLA_COUNT_MAX], well[BULLA_COUNT_MAX], left[BULLA_COUNT_MAX];
	bulla_cli_print(cli, "%s: %s rows of the quarantine taken again: %s are well now, %s in quarantine", model->key,
			bulla_count_text(r->retried, tried), bulla_count_text(r->done, well),
			bulla_count_text(r->quarantined, left));
}

static void put_result(bulla_cli *cli, const bulla_model *model, bool retry, const bulla_job_result *r)
{
	bulla_json_writer *w = bulla_result_open(cli, model, "sealed", r);
	bulla_json_put_int(w, "closing", (int64_t)r->closing);
	if (retry) bulla_json_put_int(w, "retried", (int64_t)r->retried);
	bulla_json_close(w, '}');
}

static bulla_code read_options(const bulla_cli *cli, bulla_apply_options *ret, bulla_error *err)
{
	uint64_t workers = 0;
	TRY(bulla_cli_number(cli, "workers", 1, 64, 0, &workers, err));
	*ret = (bulla_apply_options){
		.follow = bulla_cli_switch(cli, "follow"),
		.workers = (unsigned)workers,
		.shadow = bulla_cli_switch(cli, "shadow"),
		.side_table = bulla_cli_switch(cli, "side-table"),
		.retry = bulla_cli_switch(cli, "retry"),
	};
	if (ret->retry && (ret->follow || ret->shadow))
		return bulla_fail(err, BULLA_ERR_USAGE,
				  "--retry takes the rows in quarantine alone: not with --follow or --shadow");
	return BULLA_OK;
}

static bulla_code apply(bulla_cli *cli, bulla_project *project, const bulla_model *model, bulla_apply_options options,
			bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf planned = { 0 };
	bulla_bar bar = bulla_bar_of(cli, model->key);
	bulla_job job;
	bulla_job_result result = { 0 };
	TRY(fingerprint(cli, model, &planned, err));
	if (planned.len) options.plan_fingerprint = (const char *)planned.data;
	TRY(bulla_cli_job(cli, project, model, &bar, &job, err));
	bulla_code code = bulla_job_apply(&job, &options, &result, err);
	bulla_bar_done(&bar);
	TRY(code);
	if (result.quarantined || result.closing) cli->status = 3;
	if (cli->json)
		put_result(cli, model, options.retry, &result);
	else
		(options.retry ? say_retried : say_result)(cli, model, &result);
	return BULLA_OK;
}

static void warn_of_escrow(const bulla_cli *cli, const bulla_project *project)
{
	if (bulla_project_escrow_is_here(project))
		bulla_cli_warn(cli, "the root key's escrow lies on this host (%s): move it away, then delete it here",
			       project->paths.escrow);
}

bulla_code bulla_run_apply(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	const bulla_model *models = NULL;
	bulla_apply_options options;
	size_t n = 0;
	TRY(read_options(cli, &options, err));
	TRY(bulla_cli_open(cli, BULLA_PROJECT_KEYRING, &project, err));
	TRY(bulla_cli_models(cli, project, &models, &n, err));
	if (n > 1 && options.follow) return bulla_fail(err, BULLA_ERR_USAGE, "--follow stays with one model: say which");
	warn_of_escrow(cli, project);
	bulla_results_open(cli);
	for (size_t i = 0; i < n; i++)
		TRY(apply(cli, project, &models[i], options, err));
	bulla_results_close(cli);
	if (cli->status == 3)
		bulla_cli_next(cli, "bulla status%s --quarantine", cli->subject);
	else if (options.shadow)
		bulla_cli_next(cli, "bulla apply%s", cli->subject);
	else
		bulla_cli_next(cli, "bulla verify%s", cli->subject);
	return BULLA_OK;
}
