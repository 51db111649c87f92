/*
 * get.c - the commands `get` and `export`: records as they were before they were sealed.
 */
#include "cli/commands.h"
#include "cli/records.h"

const bulla_option bulla_options_get[] = {
	{ "pk", 0, "COLUMN=VALUE", "one column of the primary key; once for each, instead of ID" },
	{ NULL },
};

bulla_code bulla_run_get(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	const bulla_model *model = NULL;
	bulla_bytes pk[BULLA_INPUTS_MAX];
	size_t pk_count = 0, first = bulla_cli_value(cli, "pk") ? 1 : 2;
	bulla_printer printer = { .cli = cli };
	bulla_job job;
	cli->lines = true; /* the record is the object */
	TRY(bulla_cli_open(cli, BULLA_PROJECT_KEYRING, &project, err));
	TRY(bulla_cli_model(cli, project, &model, err));
	TRY(bulla_cli_pk(cli, model, bulla_cli_argument(cli, 1), pk, &pk_count, err));
	TRY(bulla_cli_job(cli, project, model, NULL, &job, err));
	size_t fields = cli->argument_count > first ? cli->argument_count - first : 0;
	bulla_code code = bulla_job_get(&job, pk, pk_count, cli->arguments + first, fields,
					cli->json ? bulla_print_json : bulla_print_block, &printer, err);
	bulla_buf_done(&printer.line);
	TRY(code);
	bulla_cli_next(cli, "bulla audit show (this read is in it)");
	return BULLA_OK;
}

bulla_code bulla_run_export(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	const bulla_model *model = NULL;
	bulla_printer printer = { .cli = cli };
	bulla_job job;
	bulla_exported done = { 0 };
	cli->lines = true;
	TRY(bulla_cli_open(cli, BULLA_PROJECT_KEYRING, &project, err));
	TRY(bulla_cli_model(cli, project, &model, err));
	TRY(bulla_cli_job(cli, project, model, NULL, &job, err));
	bulla_code code = bulla_job_export(&job, cli->json ? bulla_print_json : bulla_print_csv, &printer, &done, err);
	bulla_buf_done(&printer.line);
	TRY(code);
	bulla_cli_say(cli, "%llu %s", (unsigned long long)done.rows, bulla_plural(done.rows, "record", "records"));
	if (done.shredded)
		bulla_cli_say(cli, "%llu %s shredded and left out", (unsigned long long)done.shredded,
			      bulla_plural(done.shredded, "record was", "records were"));
	if (!done.failed) {
		bulla_cli_next(cli, "keep the file where only those can read it who may");
		return BULLA_OK;
	}
	cli->status = 3;
	bulla_cli_warn(cli, "%llu %s not open and left out", (unsigned long long)done.failed,
		       bulla_plural(done.failed, "record does", "records do"));
	bulla_cli_next(cli, "bulla verify %s (names their reasons)", model->key);
	return BULLA_OK;
}
