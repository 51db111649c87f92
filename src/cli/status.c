/*
 * status.c - the command `status`: how far each model is.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/grid.h"
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

/* --- for people ------------------------------------------------------------------------------------------------------ */
static bulla_code print_fields(bulla_cli *cli, const bulla_json *fields, bulla_error *err)
{
	static const char *const headings[] = { "  FIELD", ">SEALED", ">NOT SEALED", ">NULL", "PLAINTEXT", NULL };
	bulla_grid grid = bulla_grid_of(headings);
	for (size_t i = 0; i < bulla_json_count(fields); i++) {
		const bulla_json *field = bulla_json_at(fields, i);
		bulla_grid_cell(&grid, "  %.*s", BULLA_SHOW(bulla_tree_text(field, "name")));
		bulla_grid_count(&grid, (uint64_t)bulla_tree_integer(field, "sealed", 0));
		bulla_grid_count(&grid, (uint64_t)bulla_tree_integer(field, "unsealed", 0));
		bulla_grid_count(&grid, (uint64_t)bulla_tree_integer(field, "null", 0));
		bulla_grid_cell(&grid, "%s", bulla_tree_boolean(field, "plaintext_left") ? "still there" : "gone");
	}
	return bulla_grid_print(&grid, cli, err);
}

static bulla_code print_keys(bulla_cli *cli, const bulla_json *keys, bulla_error *err)
{
	static const char *const headings[] = { "  KEY COLUMN", "WRAPPED BY", "REFERENCE", ">ROWS", NULL };
	bulla_grid grid = bulla_grid_of(headings);
	grid.limit = BULLA_GRID_SHORT; /* a branch for each row would be a line for each row */
	for (size_t i = 0; i < bulla_json_count(keys); i++) {
		const bulla_json *key = bulla_json_at(keys, i);
		bulla_grid_cell(&grid, "  %.*s", BULLA_SHOW(bulla_tree_text(key, "column")));
		bulla_grid_cell(&grid, "%.*s", BULLA_SHOW(bulla_tree_text(key, "kind")));
		bulla_grid_cell(&grid, "%.*s", BULLA_SHOW(bulla_tree_text(key, "reference")));
		bulla_grid_count(&grid, (uint64_t)bulla_tree_integer(key, "rows", 0));
	}
	return bulla_grid_print(&grid, cli, err);
}

static void print_quarantine(bulla_cli *cli, const bulla_json *entries)
{
	for (size_t i = 0; i < bulla_json_count(entries); i++) {
		char text[BULLA_COUNT_MAX];
		const bulla_json *entry = bulla_json_at(entries, i);
		uint64_t rows = (uint64_t)bulla_tree_integer(entry, "rows", 0);
		bulla_bytes field = bulla_tree_text(entry, "field");
		bulla_cli_print(cli, "  quarantine: %.*s%s%.*s: %s %s: %.*s", BULLA_SHOW(bulla_tree_text(entry, "reason")),
				field.len ? ", " : "", BULLA_SHOW(field), bulla_count_text(rows, text),
				bulla_plural(rows, "entry", "entries"), BULLA_SHOW(bulla_tree_text(entry, "meaning")));
	}
}

static void print_workers(bulla_cli *cli, const bulla_json *workers)
{
	for (size_t i = 0; i < bulla_json_count(workers); i++) {
		const bulla_json *worker = bulla_json_at(workers, i);
		bool alive = bulla_tree_boolean(worker, "alive");
		bulla_cli_print(cli, "  %s: %.*s, heard of %lld s ago", alive ? "working" : "stopped without a word",
				BULLA_SHOW(bulla_tree_text(worker, "owner")),
				(long long)bulla_tree_integer(worker, "heartbeat_seconds_ago", 0));
	}
}

static void print_rotation(bulla_cli *cli, const bulla_json *status)
{
	const bulla_json *rotation = bulla_json_member(status, "rotation");
	char rows[BULLA_COUNT_MAX];
	int64_t debt = bulla_tree_integer(status, "wrap_debt", 0);
	bulla_bytes kind = bulla_tree_text(rotation, "kind");
	if (bulla_tree_boolean(rotation, "under_way"))
		bulla_cli_print(cli, "  rotation --%.*s under way: %s rows so far", BULLA_SHOW(kind),
				bulla_count_text((uint64_t)bulla_tree_integer(rotation, "rotated", 0), rows));
	else if (kind.len)
		bulla_cli_print(cli, "  last rotation: --%.*s, ended %.*s", BULLA_SHOW(kind),
				BULLA_SHOW(bulla_tree_text(rotation, "ended")));
	if (debt) bulla_cli_print(cli, "  wrap debt: %s rows are under older keys", bulla_count_text((uint64_t)debt, rows));
}

static void print_shredded(bulla_cli *cli, const bulla_json *shredded)
{
	char text[BULLA_COUNT_MAX];
	uint64_t rows = (uint64_t)bulla_tree_integer(shredded, "rows", 0),
		 cleared = (uint64_t)bulla_tree_integer(shredded, "cleared", 0);
	if (cleared)
		bulla_cli_print(cli, "  shredded: %s %s cleared", bulla_count_text(cleared, text),
				bulla_plural(cleared, "row was", "rows were"));
	if (rows)
		bulla_cli_print(cli, "  shredded: %s %s under a branch key that was destroyed", bulla_count_text(rows, text),
				bulla_plural(rows, "row lies", "rows lie"));
}

static void print_unnamed(bulla_cli *cli, const bulla_json *columns)
{
	bulla_bytes name;
	for (size_t i = 0; i < bulla_json_count(columns); i++)
		if (bulla_json_string(bulla_json_at(columns, i), &name))
			bulla_cli_print(cli, "  sealed, and no field of bulla.yaml any more: %.*s", BULLA_SHOW(name));
}

static bulla_code print_status(bulla_cli *cli, const bulla_json *status, bulla_error *err)
{
	char rows[BULLA_COUNT_MAX];
	bulla_bytes last = bulla_tree_text(status, "last_plaintext_write");
	bulla_cli_print(cli, "%.*s: %.*s, %s rows", BULLA_SHOW(bulla_tree_text(status, "model")),
			BULLA_SHOW(bulla_tree_text(status, "phase")),
			bulla_count_text((uint64_t)bulla_tree_integer(status, "rows", 0), rows));
	TRY(print_fields(cli, bulla_json_member(status, "fields"), err));
	TRY(print_keys(cli, bulla_json_member(status, "keys"), err));
	if (bulla_json_member(status, "opened"))
		bulla_cli_print(cli, "  opened for undo: %s rows",
				bulla_count_text((uint64_t)bulla_tree_integer(status, "opened", 0), rows));
	if (last.len) bulla_cli_print(cli, "  last plaintext-only write found: %.*s", BULLA_SHOW(last));
	print_quarantine(cli, bulla_json_member(status, "quarantine_entries"));
	print_rotation(cli, status);
	print_shredded(cli, bulla_json_member(status, "shredded"));
	print_unnamed(cli, bulla_json_member(status, "unnamed"));
	print_workers(cli, bulla_json_member(status, "workers"));
	return BULLA_OK;
}

/* --- what is next ---------------------------------------------------------------------------------------------------- */
static const struct {
	const char *phase, *next;
} nexts[] = {
	{ "planned", "bulla plan%s, then bulla apply" },
	{ "applying", "bulla apply%s (goes on where it stopped)" },
	{ "applied", "bulla verify%s" },
	{ "verified", "deploy the application with the library, then: bulla finish%s" },
	{ "dropped", "bulla finish%s (goes on where it stopped)" },
	{ "undoing", "bulla undo%s (goes on where it stopped), or bulla finish to give it up" },
	{ "finished", "back up the data, then the key store: bulla kms backup FILE" },
};

static int64_t sum_unsealed(const bulla_json *fields)
{
	int64_t sum = 0;
	for (size_t i = 0; i < bulla_json_count(fields); i++)
		sum += bulla_tree_integer(bulla_json_at(fields, i), "unsealed", 0);
	return sum;
}

static bool lacks_index(const bulla_json *fields)
{
	for (size_t i = 0; i < bulla_json_count(fields); i++)
		if (bulla_tree_boolean(bulla_json_at(fields, i), "index_missing")) return true;
	return false;
}

static void suggest(bulla_cli *cli, const bulla_json *status)
{
	char model[136];
	bulla_bytes phase = bulla_tree_text(status, "phase");
	bool begun = !bulla_bytes_is(phase, "planned");
	(void)snprintf(model, sizeof model, " %.*s", BULLA_SHOW(bulla_tree_text(status, "model")));
	for (size_t i = 0; i < sizeof nexts / sizeof *nexts; i++) {
		const char *at = strchr(nexts[i].next, '%'); /* the model's name goes where the text has %s */
		if (!bulla_bytes_is(phase, nexts[i].phase)) continue;
		bulla_cli_next(cli, "%.*s%s%s", at ? (int)(at - nexts[i].next) : (int)strlen(nexts[i].next), nexts[i].next,
			       at ? model : "", at ? at + 2 : "");
	}
	const bulla_json *rotation = bulla_json_member(status, "rotation");
	bool undoing = bulla_bytes_is(phase, "undoing");
	bool alive = bulla_tree_boolean(bulla_json_at(bulla_json_member(status, "workers"), 0), "alive");
	if (bulla_tree_boolean(rotation, "under_way") && !undoing && alive)
		bulla_cli_next(cli, "bulla status%s --watch (a job is at work)", model);
	else if (bulla_tree_boolean(rotation, "under_way") && !undoing)
		bulla_cli_next(cli, "bulla rotate%s --%.*s%s (goes on where it stopped)", model,
			       BULLA_SHOW(bulla_tree_text(rotation, "kind")),
			       bulla_bytes_is(bulla_tree_text(rotation, "kind"), "context") ? " --from FILE" : "");
	else if (bulla_tree_integer(status, "wrap_debt", 0) && !undoing)
		bulla_cli_next(cli, "bulla rotate%s --catch-up (rows under older keys)", model);
	else if (lacks_index(bulla_json_member(status, "fields")))
		bulla_cli_next(cli, "bulla rotate%s --index (makes the index that is not there)", model);
	if (begun && sum_unsealed(bulla_json_member(status, "fields")))
		bulla_cli_next(cli, "bulla apply%s (seals what is not sealed)", model);
	if (bulla_json_count(bulla_json_member(status, "quarantine")))
		bulla_cli_next(cli, "bulla status%s --quarantine, mend those rows, then: bulla %s%s%s", model,
			       undoing ? "undo" : "apply", model, undoing ? "" : " --retry");
	if (bulla_json_count(bulla_json_member(status, "unnamed")))
		bulla_cli_next(cli, "put the field back into bulla.yaml: no other job may touch its values or their keys");
}

/* --- the command ----------------------------------------------------------------------------------------------------- */
static bulla_code take(bulla_cli *cli, bulla_bytes text, bulla_error *err)
{
	bulla_json *status = NULL;
	TRY(bulla_json_parse(text, &status, err));
	bulla_code code = cli->json ? BULLA_OK : print_status(cli, status, err);
	suggest(cli, status);
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
