/*
 * finish.c - the command `finish`: the plaintext goes, and what may still hold it is named.
 */
#include "cli/commands.h"
#include "cli/result.h"
#include "cli/tree.h"

#define HOUR_MS 3600000

const bulla_option bulla_options_finish[] = {
	{ "settle", 's', "TIME", "how long ago the last plaintext-only write must be; default: 1h" },
	{ NULL },
};

static bulla_code tell(bulla_cli *cli, const bulla_model *model, const bulla_job_result *result, bulla_bytes places,
		       bulla_error *err)
{
	char rows[BULLA_COUNT_MAX], time[BULLA_COUNT_MAX];
	if (cli->json) {
		bulla_json_writer *w = bulla_result_open(cli, model, "finished", result);
		bulla_json_put_raw(w, "elsewhere", places);
		bulla_json_close(w, '}');
		return BULLA_OK;
	}
	if (result->rows)
		bulla_cli_print(cli, "%s: the plaintext of %s rows is gone from the database, in %s", model->key,
				bulla_count_text(result->rows, rows), bulla_seconds_text(result->seconds, time));
	else /* finished before, or an empty table */
		bulla_cli_print(cli, "%s: the database holds no plaintext", model->key);
	return bulla_print_places(cli, "What may still hold the plaintext, and how to end it:", places, err);
}

static bulla_code finish(bulla_cli *cli, bulla_project *project, const bulla_model *model, const bulla_finish_options *options,
			 bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf places = { 0 };
	bulla_bar bar = bulla_bar_of(cli, model->key);
	bulla_job job;
	bulla_job_result result = { 0 };
	TRY(bulla_cli_job(cli, project, model, &bar, &job, err));
	bulla_code code = bulla_job_finish(&job, options, &result, &places, err);
	bulla_bar_done(&bar);
	return code ? code : tell(cli, model, &result, bulla_view_buf(&places), err);
}

bulla_code bulla_run_finish(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	const bulla_model *models = NULL;
	bulla_finish_options options = { 0 };
	size_t n = 0;
	TRY(bulla_cli_duration(cli, "settle", HOUR_MS, &options.settle_ms, err));
	TRY(bulla_cli_open(cli, BULLA_PROJECT_KEYRING, &project, err));
	TRY(bulla_cli_models(cli, project, &models, &n, err));
	bulla_results_open(cli);
	for (size_t i = 0; i < n; i++)
		TRY(finish(cli, project, &models[i], &options, err));
	bulla_results_close(cli);
	bulla_cli_next(cli, "take migrating and read out of %s; back up the data first, the key store after (bulla kms backup)",
		       project->paths.config);
	return BULLA_OK;
}
