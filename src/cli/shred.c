/*
 * shred.c - the command `shred`: a subject's key is closed, destroyed and proven gone; or one record is erased.
 */
#include "cli/commands.h"
#include "cli/result.h"
#include "cli/records.h"
#include "cli/times.h"
#include "cli/tree.h"
#include "db/shred.h"
#include "lib/branches.h"

#include <stdio.h>
#include <stdlib.h>

#define NEIGHBOURS 10

const bulla_option bulla_options_shred[] = {
	{ "branch", 'b', "NAME", "a branch by its name, user:42, with all that hangs from it; instead of MODEL ID" },
	{ "pk", 0, "COLUMN=VALUE", "one column of the primary key; once for each, instead of ID" },
	{ "wait", 'w', NULL, "wait for max_age; else this run closes, and a later one goes on" },
	{ "cancel", 0, NULL, "take a closing back, before the key is destroyed" },
	{ "erase", 0, NULL, "no branch key: clear the record's columns, and say what that leaves" },
	{ "neighbours", 'n', "N", "how many records beside it must still open; default: 10" },
	{ "no-rewrite", 0, NULL, "leave free pages of the database as they are" },
	{ NULL },
};

/* --- what was asked for ------------------------------------------------------------------------------------------ */

/* One job for each model: a branch can have rows of all. */
static bulla_code make_jobs(bulla_cli *cli, bulla_project *project, bulla_bar *bar, bulla_job **ret, size_t *ret_n,
			    bulla_error *err)
{
	const bulla_model *models = bulla_schema_models(project->schema, ret_n);
	if (*ret_n == 0) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s names no models", project->paths.config);
	*ret = calloc(*ret_n, sizeof **ret);
	if (!*ret) return bulla_fail_memory(err);
	for (size_t i = 0; i < *ret_n; i++)
		TRY(bulla_cli_job(cli, project, &models[i], bar, &(*ret)[i], err));
	return BULLA_OK;
}

static bulla_code check_usage(const bulla_cli *cli, bulla_error *err)
{
	bool branch = bulla_cli_value(cli, "branch"), record = cli->argument_count > 0;
	bool erase = bulla_cli_switch(cli, "erase");
	if (branch == record) return bulla_fail(err, BULLA_ERR_USAGE, "say whom: bulla shred MODEL ID, or --branch NAME");
	if (branch && (erase || bulla_cli_value(cli, "pk")))
		return bulla_fail(err, BULLA_ERR_USAGE, "--%s goes with MODEL ID", erase ? "erase" : "pk");
	if (bulla_cli_switch(cli, "cancel") && (erase || bulla_cli_switch(cli, "wait")))
		return bulla_fail(err, BULLA_ERR_USAGE, "--cancel takes back: it goes with neither --erase nor --wait");
	if (erase && bulla_cli_switch(cli, "wait")) return bulla_fail(err, BULLA_ERR_USAGE, "--erase has nothing to wait for");
	return BULLA_OK;
}

static bulla_code read_subject(bulla_cli *cli, const bulla_project *project, bulla_bytes *pk, bulla_shred_options *o,
			       bulla_error *err)
{
	const bulla_model *model = NULL;
	o->branch = bulla_cli_value(cli, "branch");
	o->model = BULLA_NO_RECORD;
	if (o->branch) return BULLA_OK;
	TRY(bulla_cli_model(cli, project, &model, err));
	TRY(bulla_cli_pk(cli, model, bulla_cli_argument(cli, 1), pk, &o->pk_count, err));
	o->pk = pk;
	for (size_t i = 0; i < o->job_count; i++)
		if (o->jobs[i].model == model) o->model = i;
	return BULLA_OK;
}

static bulla_code read_switches(const bulla_cli *cli, const bulla_project *project, bulla_shred_options *o, bulla_error *err)
{
	uint64_t neighbours = 0;
	TRY(bulla_cli_number(cli, "neighbours", 0, BULLA_NEIGHBOURS_MAX, NEIGHBOURS, &neighbours, err));
	o->neighbours = (size_t)neighbours;
	o->retention_ms = bulla_schema_environment(project->schema)->backup_retention_ms;
	o->erase = bulla_cli_switch(cli, "erase");
	o->cancel = bulla_cli_switch(cli, "cancel");
	o->wait = bulla_cli_switch(cli, "wait");
	o->no_rewrite = bulla_cli_switch(cli, "no-rewrite");
	return BULLA_OK;
}

/* --- for people --------------------------------------------------------------------------------------------------- */

/* "bulla shred users 42", as it was typed. */
static void repeat(const bulla_cli *cli, char *out, size_t size)
{
	const char *branch = bulla_cli_value(cli, "branch"), *id = bulla_cli_argument(cli, 1);
	if (branch)
		(void)snprintf(out, size, "bulla shred --branch %s", branch);
	else
		(void)snprintf(out, size, "bulla shred %s %s", bulla_cli_argument(cli, 0), id ? id : "--pk ...");
}

static void say_closing(bulla_cli *cli, const bulla_shred_result *r)
{
	char time[BULLA_TIME_TEXT], rows[BULLA_COUNT_MAX];
	bulla_cli_print(cli, "%.*s: closed; %s %s from it, and %s until the key is destroyed", BULLA_SHOW(r->branch),
			bulla_count_text(r->rows, rows), bulla_plural(r->rows, "record hangs", "records hang"),
			bulla_plural(r->rows, "stays readable", "stay readable"));
	bulla_cli_print(cli, "%.*s: until %s a process may still hold it (max_age)", BULLA_SHOW(r->branch),
			bulla_time_text(r->ready_us, time));
}

static void say_proof(bulla_cli *cli, const bulla_shred_result *r)
{
	char proven[BULLA_COUNT_MAX], open[BULLA_COUNT_MAX];
	if (r->proven)
		bulla_cli_print(cli, "proof: %s of its %s with key_destroyed", bulla_count_text(r->proven, proven),
				bulla_plural(r->proven, "records was asked for again, and fails",
					     "records were asked for again, and fail"));
	if (r->neighbours)
		bulla_cli_print(cli, "proof: %s %s as before", bulla_count_text(r->neighbours, open),
				bulla_plural(r->neighbours, "record beside it opens", "records beside it open"));
}

static void say_faults(bulla_cli *cli, const bulla_shred_result *r)
{
	unsigned long long open = r->still_open, lost = r->lost, refused = r->refused, strays = r->strays;
	if (open) bulla_cli_warn(cli, "%llu of its records still open: they hang from another key too", open);
	if (lost) bulla_cli_warn(cli, "%llu records beside it opened before, and do not any more", lost);
	if (refused)
		bulla_cli_warn(cli, "%llu records were not cleared: a constraint or trigger of their table refuses it", refused);
	if (strays) bulla_cli_warn(cli, "%llu records are its own by their columns, and hang from another key", strays);
}

static bulla_code say_done(bulla_cli *cli, const bulla_shred_result *r, bulla_error *err)
{
	char cleared[BULLA_COUNT_MAX], time[BULLA_TIME_TEXT], below[64] = "";
	if (r->below)
		(void)snprintf(below, sizeof below, ", and %llu other %s with it", (unsigned long long)r->below,
			       bulla_plural(r->below, "key", "keys"));
	if (r->branch.len)
		bulla_cli_print(cli, "%.*s: destroyed at %s%s; %s %s cleared", BULLA_SHOW(r->branch),
				bulla_time_text(r->destroyed_us, time), below, bulla_count_text(r->cleared, cleared),
				bulla_plural(r->cleared, "record", "records"));
	else
		bulla_cli_print(cli, "erased: ciphertexts, indexes and key of the record are gone from the database");
	say_proof(cli, r);
	if (r->gone_us)
		bulla_cli_print(cli, "backups can bring it back until %s", bulla_time_text(r->gone_us, time));
	else
		bulla_cli_print(cli, "how long backups can bring it back is unknown: bulla.yaml says nothing of backups");
	TRY(bulla_print_places(cli, "What can still tell of it, and how to end it:", bulla_view_buf(&r->remains), err));
	if (r->report[0]) bulla_cli_print(cli, "report %s", r->report);
	say_faults(cli, r);
	return BULLA_OK;
}

/* --- for programs --------------------------------------------------------------------------------------------------- */

static void put_time(bulla_json_writer *w, const char *name, int64_t us)
{
	char text[BULLA_TIME_TEXT];
	bulla_json_put_str(w, name, us ? bulla_time_text(us, text) : NULL);
}

static void put_result(bulla_cli *cli, const bulla_shred_result *r)
{
	static const char *const states[] = { NULL, "active", "closing", "destroyed" };
	bulla_json_writer *w = bulla_cli_json(cli);
	if (r->branch.len) bulla_json_put_bytes(w, "branch", bulla_view_buf(&r->branch));
	bulla_json_put_str(w, "state", r->branch.len ? states[r->state] : "erased");
	put_time(w, "closed", r->closed_us);
	put_time(w, "ready", r->ready_us);
	put_time(w, r->branch.len ? "destroyed" : "erased", r->destroyed_us);
	put_time(w, "backups_gone", r->gone_us);
	bulla_json_put_int(w, "versions", (int64_t)r->versions);
	bulla_json_put_int(w, "branches_below", (int64_t)r->below);
	bulla_json_put_int(w, "rows", (int64_t)r->rows);
	bulla_json_put_int(w, "cleared", (int64_t)r->cleared);
	bulla_json_put_int(w, "refused", (int64_t)r->refused);
	bulla_json_put_int(w, "under_other_keys", (int64_t)r->strays);
	bulla_json_put_int(w, "key_destroyed", (int64_t)r->proven);
	bulla_json_put_int(w, "still_open", (int64_t)r->still_open);
	bulla_json_put_int(w, "neighbours_open", (int64_t)r->neighbours);
	bulla_json_put_int(w, "neighbours_lost", (int64_t)r->lost);
	if (r->tables.len) bulla_json_put_raw(w, "tables", bulla_view_buf(&r->tables));
	if (r->remains.len) bulla_json_put_raw(w, "remains", bulla_view_buf(&r->remains));
	if (r->report[0]) bulla_json_put_str(w, "report", r->report);
	bulla_json_put_number(w, "seconds", r->seconds);
}

static void suggest(bulla_cli *cli, const bulla_shred_result *r)
{
	char same[256], time[BULLA_TIME_TEXT];
	repeat(cli, same, sizeof same);
	if (r->branch.len && r->state == BULLA_BRANCH_ACTIVE)
		bulla_cli_next(cli, "bulla audit show (the closing and its end are in it)");
	else if (r->branch.len && r->state == BULLA_BRANCH_CLOSING)
		bulla_cli_next(cli, "%s, after %s; or %s --cancel", same, bulla_time_text(r->ready_us, time), same);
	else if (r->refused)
		bulla_cli_next(cli, "let the table take NULL in these columns, then: %s", same);
	else
		bulla_cli_next(cli, "keep the report; and for the key store of today: bulla kms backup FILE");
}

/* --- the command ------------------------------------------------------------------------------------------------------ */

static bulla_code tell(bulla_cli *cli, const bulla_shred_result *r, bulla_error *err)
{
	bool closing = r->branch.len && r->state == BULLA_BRANCH_CLOSING;
	if (closing || r->refused || r->still_open || r->lost || r->strays) cli->status = 3;
	suggest(cli, r);
	if (cli->json) {
		put_result(cli, r);
		return BULLA_OK;
	}
	if (closing)
		say_closing(cli, r);
	else if (r->branch.len && r->state == BULLA_BRANCH_ACTIVE)
		bulla_cli_print(cli, "%.*s: open again, as before", BULLA_SHOW(r->branch));
	else
		return say_done(cli, r, err);
	return BULLA_OK;
}

static bulla_code shred(bulla_cli *cli, bulla_project *project, bulla_shred_options *options, bulla_bar *bar, bulla_error *err)
{
	bulla_bytes pk[BULLA_INPUTS_MAX];
	bulla_shred_result result = { 0 };
	bulla_branch_keeper keeper = bulla_project_keeper(project);
	options->keeper = &keeper;
	TRY(read_subject(cli, project, pk, options, err));
	TRY(read_switches(cli, project, options, err));
	bar->name = options->branch ? options->branch : options->jobs[options->model].model->key;
	bulla_code code = bulla_job_shred(options, &result, err);
	bulla_bar_done(bar);
	if (!code) code = tell(cli, &result, err);
	bulla_shred_result_done(&result);
	return code;
}

bulla_code bulla_run_shred(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	bulla_bar bar = bulla_bar_of(cli, "");
	bulla_shred_options options = { 0 };
	bulla_job *jobs = NULL;
	TRY(check_usage(cli, err));
	TRY(bulla_cli_open(cli, BULLA_PROJECT_KEYRING, &project, err));
	TRY(bulla_project_need_engine(project, err)); /* its key signs the report, its log has the records */
	bulla_code code = make_jobs(cli, project, &bar, &jobs, &options.job_count, err);
	options.jobs = jobs;
	if (!code) code = shred(cli, project, &options, &bar, err);
	free(jobs);
	return code;
}
