/*
 * plan.c - the command `plan`: everything about a job, before any write.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/plan_text.h"
#include "cli/tree.h"
#include "cli/work.h"

#include <stdlib.h>
#include <unistd.h>

const bulla_option bulla_options_plan[] = {
	{ "out", 'o', "FILE", "also write the plan to a new file, for `apply --plan`" },
	{ "rehearse", 'r', NULL, "run the whole job on a copy of the database first, and time it" },
	{ NULL },
};

/* One JSON text for each model. */
typedef struct plans {
	bulla_buf *texts;
	size_t n;
	size_t refusals;
} plans;

static bulla_code plan(bulla_cli *cli, bulla_project *project, const bulla_model *model, plans *all, bulla_error *err)
{
	bulla_bar bar = bulla_bar_of(cli, model->key);
	bulla_job job;
	size_t refusals = 0;
	bulla_buf *text = &all->texts[all->n++];
	TRY(bulla_cli_job(cli, project, model, &bar, &job, err));
	bulla_code code = bulla_cli_switch(cli, "rehearse") ? bulla_job_rehearse(&job, text, &refusals, err)
							    : bulla_job_plan(&job, text, &refusals, err);
	bulla_bar_done(&bar);
	all->refusals += refusals;
	return code;
}

/* Appends the texts with commas between them. */
static bulla_code join(const plans *all, bulla_buf *out, bulla_error *err)
{
	for (size_t i = 0; i < all->n; i++) {
		if (i) TRY(bulla_buf_add_str(out, ",", err));
		TRY(bulla_buf_add(out, bulla_view_buf(&all->texts[i]), err));
	}
	return BULLA_OK;
}

static bulla_code write_out(const bulla_cli *cli, const plans *all, bulla_error *err)
{
	const char *path = bulla_cli_value(cli, "out");
	if (!path) return BULLA_OK;
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	TRY(bulla_buf_add_str(&text, "{\"version\":1,\"plans\":[", err));
	TRY(join(all, &text, err));
	TRY(bulla_buf_add_str(&text, "]}\n", err));
	return bulla_cli_write_file(path, bulla_view_buf(&text), err);
}

static bulla_code answer_json(bulla_cli *cli, const plans *all, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_json_writer *w = bulla_cli_json(cli);
	TRY(join(all, &text, err));
	bulla_json_put_int(w, "refusals", (int64_t)all->refusals);
	bulla_json_open(w, "plans", '[');
	bulla_json_put_raw(w, NULL, bulla_view_buf(&text));
	bulla_json_close(w, ']');
	return BULLA_OK;
}

static bulla_code answer_words(bulla_cli *cli, const plans *all, bulla_error *err)
{
	for (size_t i = 0; i < all->n; i++) {
		if (i) bulla_cli_print(cli, "%s", "");
		TRY(bulla_plan_print(cli, bulla_view_buf(&all->texts[i]), err));
	}
	return BULLA_OK;
}

static void suggest(bulla_cli *cli, const plans *all)
{
	const char *path = bulla_cli_value(cli, "out");
	cli->status = all->refusals ? 1 : 0;
	if (all->refusals)
		bulla_cli_next(cli, "do what stands beside each refusal, then: bulla plan%s", cli->subject);
	else if (path)
		bulla_cli_next(cli, "back up the database, then: bulla apply%s --plan %s", cli->subject, path);
	else
		bulla_cli_next(cli, "back up the database, then: bulla apply%s", cli->subject);
}

static bulla_code plan_all(bulla_cli *cli, bulla_project *project, const bulla_model *models, size_t n, plans *all,
			   bulla_error *err)
{
	for (size_t i = 0; i < n; i++)
		TRY(plan(cli, project, &models[i], all, err));
	TRY(write_out(cli, all, err));
	suggest(cli, all);
	return cli->json ? answer_json(cli, all, err) : answer_words(cli, all, err);
}

bulla_code bulla_run_plan(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	const bulla_model *models = NULL;
	const char *path = bulla_cli_value(cli, "out");
	size_t n = 0;
	/* told at once, and not after a long rehearsal */
	if (path && access(path, F_OK) == 0) return bulla_fail(err, BULLA_ERR_EXISTS, "%s exists", path);
	/* only the rehearsal seals anything */
	TRY(bulla_cli_open(cli, bulla_cli_switch(cli, "rehearse") ? BULLA_PROJECT_KEYRING : BULLA_PROJECT_SCHEMA, &project, err));
	TRY(bulla_cli_models(cli, project, &models, &n, err));
	plans all = { .texts = calloc(n, sizeof *all.texts) };
	if (!all.texts) return bulla_fail_memory(err);
	bulla_code code = plan_all(cli, project, models, n, &all, err);
	for (size_t i = 0; i < all.n; i++)
		bulla_buf_done(&all.texts[i]);
	free(all.texts);
	return code;
}
