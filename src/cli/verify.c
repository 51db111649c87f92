/*
 * verify.c - the command `verify`: every row compared with what was there.
 */
#include "cli/commands.h"
#include "cli/result.h"

const bulla_option bulla_options_verify[] = {
	{ "sample", 's', "N", "about N rows chosen at random; does not allow `finish`" },
	{ "strict", 0, NULL, "rows under previous keys, or with too few wraps, fail too" },
	{ "workers", 'w', "N", "threads that open; default: two" },
	{ NULL },
};

static void say_result(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r)
{
	char rows[BULLA_COUNT_MAX], equal[BULLA_COUNT_MAX], differ[BULLA_COUNT_MAX], open[BULLA_COUNT_MAX], bad[BULLA_COUNT_MAX],
		time[BULLA_COUNT_MAX];
	bulla_cli_print(cli, "%s: %s rows: %s equal, %s differ, %s not sealed, %s in quarantine; %s", model->key,
			bulla_count_text(r->rows, rows), bulla_count_text(r->done, equal),
			bulla_count_text(r->differences, differ), bulla_count_text(r->unsealed, open),
			bulla_count_text(r->quarantined, bad), bulla_seconds_text(r->seconds, time));
	if (r->report[0]) bulla_cli_print(cli, "%s: report %s", model->key, r->report);
}

static bulla_code read_options(const bulla_cli *cli, bulla_verify_options *ret, bulla_error *err)
{
	uint64_t workers = 0, sample = 0;
	TRY(bulla_cli_number(cli, "workers", 1, 64, 0, &workers, err));
	TRY(bulla_cli_number(cli, "sample", 1, INT64_MAX, 0, &sample, err));
	*ret = (bulla_verify_options){ .sample = sample,
				       .strict = bulla_cli_switch(cli, "strict"),
				       .workers = (unsigned)workers };
	return BULLA_OK;
}

static bulla_code verify(bulla_cli *cli, bulla_project *project, const bulla_model *model, const bulla_verify_options *options,
			 bulla_error *err)
{
	bulla_bar bar = bulla_bar_of(cli, model->key);
	bulla_job job;
	bulla_job_result result = { 0 };
	TRY(bulla_cli_job(cli, project, model, &bar, &job, err));
	bulla_code code = bulla_job_verify(&job, options, &result, err);
	bulla_bar_done(&bar);
	TRY(code);
	if (result.differences || result.unsealed || result.quarantined) cli->status = 3;
	if (cli->json)
		bulla_result_json(cli, model, "equal", &result);
	else
		say_result(cli, model, &result);
	return BULLA_OK;
}

bulla_code bulla_run_verify(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	const bulla_model *models = NULL;
	bulla_verify_options options;
	size_t n = 0;
	TRY(read_options(cli, &options, err));
	TRY(bulla_cli_open(cli, BULLA_PROJECT_KEYRING, &project, err));
	TRY(bulla_cli_models(cli, project, &models, &n, err));
	TRY(bulla_project_need_engine(project, err)); /* its key signs the report */
	bulla_results_open(cli);
	for (size_t i = 0; i < n; i++)
		TRY(verify(cli, project, &models[i], &options, err));
	bulla_results_close(cli);
	if (cli->status == 3)
		bulla_cli_next(cli, "bulla status%s, and bulla apply%s for rows that are not sealed", cli->subject, cli->subject);
	else if (options.sample)
		bulla_cli_next(cli, "bulla verify%s (every row, before bulla finish)", cli->subject);
	else
		bulla_cli_next(cli, "deploy the application with the library, then: bulla finish%s", cli->subject);
	return BULLA_OK;
}
