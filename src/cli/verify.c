/*
 * verify.c - the command `verify`: every row compared with what was there.
 */
#include "base/bytes.h"
#include "cli/commands.h"
#include "cli/result.h"
#include "cli/tree.h"

const bulla_option bulla_options_verify[] = {
	{ "sample", 's', "N", "about N rows chosen at random; does not allow `finish`" },
	{ "strict", 0, NULL, "rows under previous keys, or with too few wraps, fail too" },
	{ "workers", 'w', "N", "threads that open; default: two" },
	{ NULL },
};

/* Without plaintext there is nothing to compare with but the digest of the report before. */
static void say_digest(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r)
{
	if (r->digest_equal)
		bulla_cli_print(
			cli, "%s: every value equals that of the last report (the first time after finish: from before the drop)",
			model->key);
	else if (r->digest_known)
		bulla_cli_print(cli, "%s: the values are not those of the last report: rows were written since, or restored",
				model->key);
	else
		bulla_cli_print(cli, "%s: not compared with what the values were before: %s", model->key,
				"that takes every row, and an earlier report of this key store");
}

static void say_finished(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r)
{
	char rows[BULLA_COUNT_MAX], opened[BULLA_COUNT_MAX], bad[BULLA_COUNT_MAX], time[BULLA_COUNT_MAX];
	bulla_cli_print(cli, "%s: %s rows, without plaintext: %s open, %s in quarantine; %s", model->key,
			bulla_count_text(r->rows, rows), bulla_count_text(r->done, opened), bulla_count_text(r->quarantined, bad),
			bulla_seconds_text(r->seconds, time));
	if (r->differences) bulla_cli_print(cli, "%s: %s rows fail", model->key, bulla_count_text(r->differences, bad));
	say_digest(cli, model, r);
}

static void say_compared(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r)
{
	char rows[BULLA_COUNT_MAX], equal[BULLA_COUNT_MAX], differ[BULLA_COUNT_MAX], open[BULLA_COUNT_MAX], bad[BULLA_COUNT_MAX],
		time[BULLA_COUNT_MAX];
	bulla_cli_print(cli, "%s: %s rows: %s equal, %s differ, %s not sealed, %s in quarantine; %s", model->key,
			bulla_count_text(r->rows, rows), bulla_count_text(r->done, equal),
			bulla_count_text(r->differences, differ), bulla_count_text(r->unsealed, open),
			bulla_count_text(r->quarantined, bad), bulla_seconds_text(r->seconds, time));
}

static void say_result(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r)
{
	if (r->finished)
		say_finished(cli, model, r);
	else
		say_compared(cli, model, r);
	if (r->shredded) {
		char shredded[BULLA_COUNT_MAX];
		bulla_cli_print(cli, "%s: %s %s shredded", model->key, bulla_count_text(r->shredded, shredded),
				bulla_plural(r->shredded, "row is", "rows are"));
	}
	if (r->report[0]) bulla_cli_print(cli, "%s: report %s", model->key, r->report);
}

static void put_result(bulla_cli *cli, const bulla_model *model, const bulla_job_result *r)
{
	bulla_json_writer *w = bulla_result_open(cli, model, "equal", r);
	bulla_json_put_bool(w, "finished", r->finished);
	if (r->digest_known)
		bulla_json_put_bool(w, "equals_last_report", r->digest_equal);
	else
		bulla_json_put_null(w, "equals_last_report");
	bulla_json_put_int(w, "shredded", (int64_t)r->shredded);
	bulla_json_put_int(w, "stale", (int64_t)r->stale);
	bulla_json_close(w, '}');
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

/* Of all models that were verified. */
typedef struct totals {
	size_t unfinished; /* have plaintext left */
	size_t changed;    /* hold other values than at the last report */
	size_t cut_off;    /* the columns are gone, and the files not yet rewritten */
} totals;

static void suggest(bulla_cli *cli, const totals *sum, bool sample)
{
	if (cli->status == 3)
		bulla_cli_next(cli, "bulla status%s (shows what is not sealed, and the quarantine with its reasons)",
			       cli->subject);
	else if (sample)
		bulla_cli_next(cli, "bulla verify%s (every row%s)", cli->subject, sum->unfinished ? ", before bulla finish" : "");
	else if (sum->cut_off)
		bulla_cli_next(cli, "bulla finish%s (goes on where it stopped)", cli->subject);
	else if (sum->unfinished)
		bulla_cli_next(cli, "deploy the application with the library, then: bulla finish%s", cli->subject);
	else if (sum->changed)
		bulla_cli_next(cli, "if nobody has written since the last report, compare the table with a backup of that time");
	else
		bulla_cli_next(cli, "back up the data, then the key store: bulla kms backup FILE");
}

/* A `finish` that was cut off after the drop: what was dropped may still lie in the database's files. */
static bulla_code look_for_rest(bulla_cli *cli, const bulla_job *job, totals *sum, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_json *status = NULL;
	TRY(bulla_job_status(job, &text, err));
	TRY(bulla_json_parse(bulla_view_buf(&text), &status, err));
	bool dropped = bulla_bytes_is(bulla_tree_text(status, "phase"), "dropped");
	bulla_json_free(status);
	if (dropped)
		bulla_cli_warn(cli, "%s: finish was cut off: its plaintext may still lie in the files of the database",
			       job->model->key);
	sum->cut_off += dropped;
	return BULLA_OK;
}

static bulla_code verify(bulla_cli *cli, bulla_project *project, const bulla_model *model, const bulla_verify_options *options,
			 totals *sum, bulla_error *err)
{
	bulla_bar bar = bulla_bar_of(cli, model->key);
	bulla_job job;
	bulla_job_result result = { 0 };
	TRY(bulla_cli_job(cli, project, model, &bar, &job, err));
	bulla_code code = bulla_job_verify(&job, options, &result, err);
	bulla_bar_done(&bar);
	TRY(code);
	if (result.differences || result.unsealed || result.quarantined) cli->status = 3;
	sum->unfinished += !result.finished;
	if (result.finished) TRY(look_for_rest(cli, &job, sum, err));
	sum->changed += result.digest_known && !result.digest_equal;
	if (cli->json)
		put_result(cli, model, &result);
	else
		say_result(cli, model, &result);
	return BULLA_OK;
}

bulla_code bulla_run_verify(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	const bulla_model *models = NULL;
	bulla_verify_options options;
	totals sum = { 0 };
	size_t n = 0;
	TRY(read_options(cli, &options, err));
	TRY(bulla_cli_open(cli, BULLA_PROJECT_KEYRING, &project, err));
	TRY(bulla_cli_models(cli, project, &models, &n, err));
	TRY(bulla_project_need_engine(project, err)); /* its key signs the report */
	bulla_results_open(cli);
	for (size_t i = 0; i < n; i++)
		TRY(verify(cli, project, &models[i], &options, &sum, err));
	bulla_results_close(cli);
	suggest(cli, &sum, options.sample > 0);
	return BULLA_OK;
}
