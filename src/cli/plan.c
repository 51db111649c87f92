/*
 * plan.c - the command `plan`: everything about a job, before any write.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/plan_text.h"
#include "cli/tree.h"
#include "cli/work.h"

const bulla_option bulla_options_plan[] = {
	{ "out", 'o', "FILE", "also write the plan to a new file, for `apply --plan`" },
	{ "rehearse", 'r', NULL, "run the whole job on a copy of the database first, and time it" },
	{ NULL },
};

/* The plans as JSON texts, one after the other with commas between them. */
typedef struct plans {
	bulla_buf texts;
	size_t refusals;
} plans;

static bulla_code plan(bulla_cli *cli, bulla_project *project, const bulla_model *model, plans *all, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_bar bar = bulla_bar_of(cli, model->key);
	bulla_job job;
	size_t refusals = 0;
	TRY(bulla_cli_job(cli, project, model, &bar, &job, err));
	bulla_code code = bulla_cli_switch(cli, "rehearse") ? bulla_job_rehearse(&job, &text, &refusals, err)
							    : bulla_job_plan(&job, &text, &refusals, err);
	bulla_bar_done(&bar);
	TRY(code);
	if (all->texts.len) TRY(bulla_buf_add_str(&all->texts, ",", err));
	TRY(bulla_buf_add(&all->texts, bulla_view_buf(&text), err));
	all->refusals += refusals;
	return cli->json ? BULLA_OK : bulla_plan_print(cli, bulla_view_buf(&text), err);
}

static bulla_code write_out(const bulla_cli *cli, const plans *all, bulla_error *err)
{
	const char *path = bulla_cli_value(cli, "out");
	if (!path) return BULLA_OK;
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	TRY(bulla_buf_printf(&text, err, "{\"version\":1,\"plans\":["));
	TRY(bulla_buf_add(&text, bulla_view_buf(&all->texts), err));
	TRY(bulla_buf_add_str(&text, "]}\n", err));
	return bulla_cli_write_file(path, bulla_view_buf(&text), err);
}

static void answer(bulla_cli *cli, const plans *all)
{
	const char *path = bulla_cli_value(cli, "out");
	if (cli->json) {
		bulla_json_writer *w = bulla_cli_json(cli);
		bulla_json_put_int(w, "refusals", (int64_t)all->refusals);
		bulla_json_open(w, "plans", '[');
		bulla_json_put_raw(w, NULL, bulla_view_buf(&all->texts));
		bulla_json_close(w, ']');
	}
	cli->status = all->refusals ? 1 : 0;
	if (all->refusals)
		bulla_cli_next(cli, "do what stands beside each refusal, then: bulla plan%s", cli->subject);
	else if (path)
		bulla_cli_next(cli, "back up the database, then: bulla apply%s --plan %s", cli->subject, path);
	else
		bulla_cli_next(cli, "back up the database, then: bulla apply%s", cli->subject);
}

bulla_code bulla_run_plan(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	const bulla_model *models = NULL;
	plans all = { 0 };
	size_t n = 0;
	/* only the rehearsal seals anything */
	TRY(bulla_cli_open(cli, bulla_cli_switch(cli, "rehearse") ? BULLA_PROJECT_KEYRING : BULLA_PROJECT_SCHEMA, &project, err));
	TRY(bulla_cli_models(cli, project, &models, &n, err));
	bulla_code code = BULLA_OK;
	for (size_t i = 0; i < n && code == BULLA_OK; i++)
		code = plan(cli, project, &models[i], &all, err);
	if (code == BULLA_OK) code = write_out(cli, &all, err);
	if (code == BULLA_OK) answer(cli, &all);
	bulla_buf_done(&all.texts);
	return code;
}
