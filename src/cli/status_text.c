/*
 * status_text.c - what status says of one model, in words, and what is next for it.
 */
#include "cli/status_text.h"

#include "cli/grid.h"
#include "cli/tree.h"

#include <stdio.h>
#include <string.h>

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

bulla_code bulla_status_print(bulla_cli *cli, const bulla_json *status, bulla_error *err)
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

void bulla_status_suggest(bulla_cli *cli, const bulla_json *status)
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
