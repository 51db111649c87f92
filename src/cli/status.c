/*
 * status.c - the command `status`: how far each model is.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/status_text.h"
#include "cli/times.h"
#include "cli/tree.h"
#include "cli/work.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const bulla_option bulla_options_status[] = {
	{ "quarantine", 0, NULL, "the rows in quarantine one by one, with the reason of each" },
	{ "watch", 'w', "[SECONDS]", "again and again, every 2 seconds or as many as are given, until stopped" },
	{ NULL },
};

#define WATCH_SECONDS     2
#define WATCH_SECONDS_MAX 86400
#define SLICE_NS          100000000 /* of a pause between two looks */
#define SLICES            10        /* a second */

/* --- the command ----------------------------------------------------------------------------------------------------- */
static bulla_code take(bulla_cli *cli, bulla_bytes text, bulla_error *err)
{
	bulla_json *status = NULL;
	TRY(bulla_json_parse(text, &status, err));
	bulla_code code = cli->json ? BULLA_OK : bulla_status_print(cli, status, err);
	bulla_status_suggest(cli, status);
	bulla_json_free(status);
	return code;
}

static bulla_code one(bulla_cli *cli, bulla_project *project, const bulla_model *model, bulla_json_writer *w, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_job job;
	TRY(bulla_cli_job(cli, project, model, NULL, &job, err));
	TRY(bulla_job_status(&job, &text, err));
	if (w) bulla_json_put_raw(w, NULL, bulla_view_buf(&text));
	return take(cli, bulla_view_buf(&text), err);
}

static bulla_code all(bulla_cli *cli, bulla_project *project, const bulla_model *models, size_t n, bulla_json_writer *w,
		      bulla_error *err)
{
	if (w) bulla_json_open(w, "models", '[');
	for (size_t i = 0; i < n; i++)
		TRY(one(cli, project, &models[i], w, err));
	if (w) bulla_json_close(w, ']');
	return BULLA_OK;
}

/* --- the quarantine -------------------------------------------------------------------------------------------------- */
typedef struct listing {
	bulla_cli *cli;
	const bulla_model *model;
	bulla_grid grid;
	uint64_t entries;
} listing;

static void put_entry(bulla_json_writer *w, const listing *l, const bulla_put_aside *entry)
{
	char at[BULLA_TIME_TEXT];
	bulla_json_open(w, NULL, '{');
	bulla_json_put_str(w, "model", l->model->key);
	bulla_json_put_raw(w, "pk", entry->pk);
	if (entry->field.len)
		bulla_json_put_bytes(w, "field", entry->field);
	else
		bulla_json_put_null(w, "field");
	bulla_json_put_bytes(w, "reason", entry->reason);
	bulla_json_put_bytes(w, "by", entry->kind);
	bulla_json_put_str(w, "at", bulla_time_text(entry->at_ms * 1000, at));
	bulla_json_close(w, '}');
}

static bulla_code list_entry(void *self, const bulla_put_aside *entry, bulla_error *err)
{
	listing *l = self;
	char at[BULLA_TIME_TEXT];
	(void)err;
	l->entries++;
	if (l->cli->json) {
		put_entry(bulla_cli_json(l->cli), l, entry);
		return BULLA_OK;
	}
	bulla_grid_cell(&l->grid, "%s", l->model->key);
	bulla_grid_cell(&l->grid, "%.*s", BULLA_SHOW(entry->pk));
	bulla_grid_cell(&l->grid, "%.*s", entry->field.len ? (int)entry->field.len : 3,
			entry->field.len ? (const char *)entry->field.data : "all");
	bulla_grid_cell(&l->grid, "%.*s", BULLA_SHOW(entry->reason));
	bulla_grid_cell(&l->grid, "%.*s", BULLA_SHOW(entry->kind));
	bulla_grid_cell(&l->grid, "%.19s", bulla_time_text(entry->at_ms * 1000, at));
	return BULLA_OK;
}

static bulla_code list_model(listing *l, bulla_project *project, const bulla_model *model, bulla_error *err)
{
	bulla_job job;
	l->model = model;
	TRY(bulla_cli_job(l->cli, project, model, NULL, &job, err));
	return bulla_job_quarantine(&job, list_entry, l, err);
}

static bulla_code list_quarantine(bulla_cli *cli, bulla_project *project, const bulla_model *models, size_t n, bulla_error *err)
{
	static const char *const headings[] = { "MODEL", "PRIMARY KEY", "FIELD", "REASON", "BY", "SINCE", NULL };
	listing l = { .cli = cli, .grid = bulla_grid_of(headings) };
	bulla_code code = BULLA_OK;
	if (cli->json) bulla_json_open(bulla_cli_json(cli), "quarantine", '[');
	for (size_t i = 0; i < n && !code; i++)
		code = list_model(&l, project, &models[i], err);
	if (cli->json) bulla_json_close(bulla_cli_json(cli), ']');
	bulla_code printed = bulla_grid_print(&l.grid, cli, code ? NULL : err);
	TRY(code ? code : printed);
	if (l.entries) {
		bulla_cli_next(cli, "mend those rows (docs/ERRORS.md has each reason), then: bulla apply%s --retry",
			       cli->subject);
		return BULLA_OK;
	}
	if (!cli->json) bulla_cli_print(cli, "the quarantine is empty");
	bulla_cli_next(cli, "bulla status%s", cli->subject);
	return BULLA_OK;
}

/* --- watching -------------------------------------------------------------------------------------------------------- */
typedef struct watching {
	bulla_project *project;
	const bulla_model *models;
	size_t n;
	uint64_t seconds;
	bool screen; /* each look in the place of the one before */
	bool begun;
} watching;

static void time_now(char *out, size_t size)
{
	struct tm utc;
	time_t now = time(NULL);
	*out = 0;
	if (gmtime_r(&now, &utc)) (void)strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* One look as a line of its own. */
static bulla_code look_json(bulla_cli *cli, watching *w, const char *at, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	bulla_json_writer out = bulla_json_to(&line);
	bulla_json_open(&out, NULL, '{');
	bulla_json_put_str(&out, "at", at);
	TRY(all(cli, w->project, w->models, w->n, &out, err));
	bulla_json_close(&out, '}');
	TRY(bulla_json_end(&out, err));
	TRY(bulla_buf_add_str(&line, "\n", err));
	return bulla_cli_write(cli, bulla_view_buf(&line), err);
}

static bulla_code look(bulla_cli *cli, watching *w, bulla_error *err)
{
	char at[32];
	time_now(at, sizeof at);
	if (cli->json) return look_json(cli, w, at, err);
	const char *between = w->begun ? "\n" : "";
	bulla_cli_print(cli, "%s%s, every %llu s", w->screen ? "\033[H\033[J" : between, at, (unsigned long long)w->seconds);
	w->begun = true;
	return all(cli, w->project, w->models, w->n, NULL, err);
}

/* A table that is locked for a while (finish rewrites it) is no reason to look away. */
static bulla_code look_again(bulla_cli *cli, watching *w, bulla_error *err)
{
	bulla_error failure = { 0 };
	bulla_code code = look(cli, w, &failure);
	if (code && atomic_load(&cli->stop)) return BULLA_OK; /* stopped while it waited for a lock */
	if (code && failure.retryable) {
		bulla_cli_say(cli, "bulla: %s: %s; looking again", bulla_code_name(code), failure.text);
		code = BULLA_OK;
	}
	if (code && err) *err = failure;
	return code ? code : bulla_cli_flush(cli, err);
}

static void pause_between(const bulla_cli *cli, uint64_t seconds)
{
	const struct timespec slice = { 0, SLICE_NS };
	for (uint64_t i = 0; i < seconds * SLICES && !atomic_load(&cli->stop); i++)
		(void)nanosleep(&slice, NULL);
}

/* Until stopped: that is how it ends, so it is no failure. */
static bulla_code watch(bulla_cli *cli, watching *w, bulla_error *err)
{
	w->screen = isatty(STDOUT_FILENO) && !cli->json;
	cli->lines = true;
	atomic_store(&cli->looks, true);
	(void)setvbuf(stdout, NULL, _IOFBF, BUFSIZ * 8); /* a look goes out whole: no flicker */
	bulla_code code = BULLA_OK;
	while (code == BULLA_OK && !atomic_load(&cli->stop)) {
		code = look_again(cli, w, err);
		if (code == BULLA_OK) pause_between(cli, w->seconds);
	}
	return code;
}

/* The key store says which branches were destroyed; where it is not there, or not for this user, the databases say what they know. */
static bulla_code open_as_deep_as_can_be(bulla_cli *cli, bulla_project **ret, bulla_error *err)
{
	bulla_error ignored;
	if (bulla_cli_open(cli, BULLA_PROJECT_STORE, ret, &ignored) == BULLA_OK) return BULLA_OK;
	return bulla_cli_open(cli, BULLA_PROJECT_SCHEMA, ret, err);
}

bulla_code bulla_run_status(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	const bulla_model *models = NULL;
	size_t n = 0;
	watching w = { 0 };
	if (bulla_cli_switch(cli, "quarantine") && bulla_cli_switch(cli, "watch"))
		return bulla_fail(err, BULLA_ERR_USAGE,
				  "--watch shows how many rows are in quarantine; --quarantine lists them once");
	TRY(bulla_cli_number(cli, "watch", 1, WATCH_SECONDS_MAX, WATCH_SECONDS, &w.seconds, err));
	TRY(open_as_deep_as_can_be(cli, &project, err));
	TRY(bulla_cli_models(cli, project, &models, &n, err));
	w.project = project, w.models = models, w.n = n;
	if (bulla_cli_switch(cli, "quarantine")) return list_quarantine(cli, project, models, n, err);
	if (bulla_cli_switch(cli, "watch")) return watch(cli, &w, err);
	return all(cli, project, models, n, cli->json ? bulla_cli_json(cli) : NULL, err);
}
