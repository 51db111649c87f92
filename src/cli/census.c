/*
 * census.c - the command `key census`: what hangs from which key, exactly.
 */
#include "base/text.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/keys.h"
#include "core/branch.h"
#include "db/wraps.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const bulla_option bulla_options_key_census[] = {
	{ "model", 'm', "MODEL", "count this model's table alone" },
	{ "branch", 'b', "NAME", "what hangs from the branch key of that name" },
	{ "limit", 'n', "N", "how many lines and branch keys to show; 0: all; default: 1000" },
	{ "index", 0, NULL, "make the indexes that are missing, by which counting reads no rows" },
	{ NULL },
};

#define LIMIT 1000

typedef struct census {
	bulla_cli *cli;
	bulla_project *project;
	const bulla_model *model;
	bulla_references refs;
	bulla_key_info found;
	const bulla_key_info *key; /* asked about: the above; NULL: not the engine's */
	bulla_reference_subject subject;
	bulla_reference_sum sum;
	size_t *rows; /* places of those that were asked for */
	size_t row_count, row_shown;
	const bulla_reference_branch **branches; /* likewise, by name */
	size_t branch_count, branch_shown;
} census;

/* --- counting --------------------------------------------------------------------------------------------------------- */
static bulla_code take_group(void *self, const bulla_wraps_group *group, bulla_error *err)
{
	bulla_reference wraps[BULLA_WRAPS_MAX];
	for (size_t i = 0; i < group->wrap_count; i++)
		wraps[i] = (bulla_reference){ group->wraps[i].kind, group->wraps[i].reference };
	return bulla_references_add(self, wraps, group->wrap_count, group->rows, err);
}

static bulla_code take_column(void *self, const bulla_wraps_column *c, bulla_error *err)
{
	return bulla_references_column(self, c->database, c->model, c->table, c->column, c->indexed, err);
}

static bulla_wraps_options wraps_of(bulla_cli *cli, const bulla_project *project, const bulla_model *model, bool every_row)
{
	return (bulla_wraps_options){ .schema = project->schema,
				      .model = model,
				      .base_dir = project->paths.base_dir,
				      .every_row = every_row,
				      .stop = &cli->stop };
}

bulla_code bulla_keys_count(bulla_cli *cli, const bulla_project *project, const bulla_model *model_or_null, bool every_row,
			    bulla_references *refs, bulla_error *err)
{
	bulla_wraps_options options = wraps_of(cli, project, model_or_null, every_row);
	return bulla_wraps_count(&options, &(bulla_wraps_sink){ take_group, take_column, refs }, err);
}

/* --- names ------------------------------------------------------------------------------------------------------------- */
static const char *key_name(const census *c, bulla_reference key)
{
	const bulla_key_info *info = bulla_references_engine_key(&c->refs, key);
	if (info) return bulla_keys_name(info);
	const bulla_reference_key *other = bulla_references_other_key(&c->refs, key);
	return other ? other->key_id : NULL;
}

static const char *state_name(bulla_branch_state state)
{
	static const char *const names[] = {
		[BULLA_BRANCH_ACTIVE] = "active", [BULLA_BRANCH_CLOSING] = "closing", [BULLA_BRANCH_DESTROYED] = "destroyed"
	};
	return names[state];
}

static const bulla_reference_branch *branch_of(const census *c, bulla_reference key)
{
	return key.kind == BULLA_WRAP_BRANCH ? bulla_references_branch(&c->refs, key.reference) : NULL;
}

/* "alias/default 5d01...", or "branch all 77aa... < alias/default 5d01..."; of several wraps the first, and how many more. */
static bulla_code add_path(const census *c, const bulla_reference_branch *branch, bulla_buf *out, bulla_error *err)
{
	for (unsigned depth = 0; branch && branch->under_count && depth < BULLA_BRANCH_DEPTH_MAX; depth++) {
		bulla_reference key = branch->under[0];
		const bulla_reference_branch *parent = branch_of(c, key);
		const char *name = parent ? parent->print : key_name(c, key);
		TRY(bulla_buf_printf(out, err, "%s%s%s %016" PRIx64, depth ? " < " : "", parent ? "branch " : "",
				     name ? name : bulla_wrap_kind_name(key.kind), key.reference));
		if (branch->under_count > 1) TRY(bulla_buf_printf(out, err, ", +%zu", branch->under_count - 1));
		branch = parent;
	}
	return BULLA_OK;
}

static void cell_path(const census *c, const bulla_reference_branch *branch, bulla_grid *grid)
{
	BULLA_BUF_AUTO bulla_buf path = { 0 };
	bulla_error err;
	if (add_path(c, branch, &path, &err)) grid->failed = err.code;
	bulla_grid_cell(grid, "%.*s", path.len ? (int)path.len : 1, path.len ? (const char *)path.data : "-");
}

/* --- for people --------------------------------------------------------------------------------------------------------- */
static void cell_table(const bulla_reference_column *column, bulla_grid *grid)
{
	bool is_main = strcmp(column->database, "main") == 0;
	bulla_grid_cell(grid, "%s%s%s", is_main ? "" : column->database, is_main ? "" : "/", column->table);
	bulla_grid_cell(grid, "%s", column->column);
}

static void cell_key(const census *c, const bulla_reference_rows *r, bulla_grid *grid)
{
	const char *name = key_name(c, r->key);
	const bulla_reference_branch *b = r->branch;
	if (b)
		bulla_grid_cell(grid, "branch %s%s%s", b->print, b->state == BULLA_BRANCH_ACTIVE ? "" : ", ",
				b->state == BULLA_BRANCH_ACTIVE ? "" : state_name(b->state));
	else if (name)
		bulla_grid_cell(grid, "%s", name);
	else
		bulla_grid_cell(grid, "unknown (%s)", bulla_wrap_kind_name(r->key.kind));
}

static void row_unreadable(const bulla_reference_column *column, bulla_grid *grid)
{
	cell_table(column, grid);
	bulla_grid_cell(grid, "cannot be read");
	bulla_grid_cell(grid, "-");
	bulla_grid_cell(grid, "-");
	bulla_grid_count(grid, column->unreadable);
}

static bulla_code print_rows(const census *c, bulla_error *err)
{
	static const char *const headings[] = { "TABLE", "COLUMN", "KEY", "VERSION", "HANGS FROM", ">ROWS", NULL };
	bulla_grid grid = bulla_grid_of(headings);
	for (size_t i = 0; i < c->row_shown; i++) {
		const bulla_reference_rows *r = &c->refs.rows[c->rows[i]];
		cell_table(&c->refs.columns[r->column], &grid);
		cell_key(c, r, &grid);
		bulla_grid_cell(&grid, "%016" PRIx64, r->key.reference);
		cell_path(c, r->branch, &grid);
		bulla_grid_count(&grid, r->rows);
	}
	for (size_t i = 0; i < c->refs.column_count; i++)
		if (c->refs.columns[i].unreadable) row_unreadable(&c->refs.columns[i], &grid);
	return bulla_grid_print(&grid, c->cli, err);
}

static bulla_code print_branches(const census *c, bulla_error *err)
{
	static const char *const headings[] = { "BRANCH KEY", "FOR", "STATE", "VERSION", "HANGS FROM", ">ROWS", NULL };
	bulla_grid grid = bulla_grid_of(headings);
	for (size_t i = 0; i < c->branch_shown; i++) {
		const bulla_reference_branch *b = c->branches[i];
		bulla_grid_cell(&grid, "%s", b->print);
		bulla_grid_cell(&grid, "%s", bulla_branch_purpose_name(b->purpose));
		bulla_grid_cell(&grid, "%s", state_name(b->state));
		bulla_grid_cell(&grid, "%016" PRIx64, b->version);
		cell_path(c, b, &grid);
		bulla_grid_count(&grid, b->rows);
	}
	return bulla_grid_print(&grid, c->cli, err);
}

/* Wraps by material that no key of the engine has. What hangs from branch keys that are not there stands in the sum. */
static uint64_t rows_of_nobody(const census *c)
{
	uint64_t rows = 0;
	for (size_t i = 0; i < c->row_shown; i++) {
		const bulla_reference_rows *r = &c->refs.rows[c->rows[i]];
		if (r->key.kind == BULLA_WRAP_ENGINE && c->refs.key_count && !key_name(c, r->key)) rows += r->rows;
	}
	return rows;
}

static void say_unopened(const census *c)
{
	char rows[BULLA_COUNT_MAX];
	uint64_t n = rows_of_nobody(c) + (c->subject.uuid || c->subject.other || c->subject.branch ? 0 : c->sum.unknown);
	if (n)
		bulla_cli_warn(c->cli,
			       "%s %s from keys that this key store does not have: they were destroyed, or are of another store",
			       bulla_count_text(n, rows), bulla_plural(n, "row hangs", "rows hang"));
}

static void say_sum(const census *c)
{
	char rows[BULLA_COUNT_MAX], below[BULLA_COUNT_MAX], more[BULLA_COUNT_MAX];
	const bulla_reference_sum *s = &c->sum;
	size_t hidden = c->row_count - c->row_shown + c->branch_count - c->branch_shown;
	bulla_cli_say(c->cli, "%s %s in %zu %s, %s %s below branch keys; %zu branch, index and shared keys",
		      bulla_count_text(s->rows, rows), bulla_plural(s->rows, "row", "rows"), s->columns,
		      bulla_plural(s->columns, "column", "columns"), bulla_count_text(s->rows_below, below),
		      bulla_plural(s->rows_below, "row", "rows"), c->branch_count);
	say_unopened(c);
	if (hidden) bulla_cli_say(c->cli, "%s lines are not shown; --limit 0 shows all", bulla_count_text(hidden, more));
	for (size_t i = 0; i < c->refs.column_count; i++)
		if (!*c->refs.columns[i].model)
			bulla_cli_warn(c->cli, "%s.%s holds keys, and no model of bulla.yaml names it: was it renamed?",
				       c->refs.columns[i].table, c->refs.columns[i].column);
	for (size_t i = 0; i < c->refs.column_count; i++)
		if (!c->refs.columns[i].indexed && *c->refs.columns[i].model)
			bulla_cli_say(c->cli, "%s.%s has no index for this: every row was read (--index makes one)",
				      c->refs.columns[i].table, c->refs.columns[i].column);
}

/* --- for programs ------------------------------------------------------------------------------------------------------- */
static void put_version(bulla_json_writer *w, const char *name, uint64_t version)
{
	uint8_t bytes[8];
	bulla_put_u64(bytes, version);
	bulla_json_put_hex(w, name, bulla_view(bytes, sizeof bytes));
}

static void put_reference(const census *c, bulla_reference key, bulla_json_writer *w)
{
	const bulla_reference_branch *branch = branch_of(c, key);
	const char *name = key_name(c, key);
	const bulla_key_info *info = bulla_references_engine_key(&c->refs, key);
	bulla_json_put_str(w, "kind", bulla_wrap_kind_name(key.kind));
	put_version(w, "version", key.reference);
	if (branch) bulla_json_put_str(w, "branch", branch->print);
	if (branch) bulla_json_put_str(w, "state", state_name(branch->state));
	if (name) bulla_json_put_str(w, "key", name);
	if (info) bulla_json_put_str(w, "key_id", info->id);
}

static void put_under(const census *c, const bulla_reference_branch *branch, bulla_json_writer *w)
{
	bulla_json_open(w, "under", '[');
	for (size_t i = 0; i < branch->under_count; i++) {
		bulla_json_open(w, NULL, '{');
		put_reference(c, branch->under[i], w);
		bulla_json_close(w, '}');
	}
	bulla_json_close(w, ']');
}

static void put_columns(const census *c, bulla_json_writer *w)
{
	bulla_json_open(w, "columns", '[');
	for (size_t i = 0; i < c->refs.column_count; i++) {
		const bulla_reference_column *column = &c->refs.columns[i];
		bulla_json_open(w, NULL, '{');
		bulla_json_put_str(w, "database", column->database);
		bulla_json_put_str(w, "model", *column->model ? column->model : NULL);
		bulla_json_put_str(w, "table", column->table);
		bulla_json_put_str(w, "column", column->column);
		bulla_json_put_int(w, "rows", (int64_t)column->rows);
		bulla_json_put_int(w, "unreadable", (int64_t)column->unreadable);
		bulla_json_put_bool(w, "indexed", column->indexed);
		bulla_json_close(w, '}');
	}
	bulla_json_close(w, ']');
}

static void put_rows(const census *c, bulla_json_writer *w)
{
	bulla_json_open(w, "census", '[');
	for (size_t i = 0; i < c->row_shown; i++) {
		const bulla_reference_rows *r = &c->refs.rows[c->rows[i]];
		const bulla_reference_column *column = &c->refs.columns[r->column];
		bulla_json_open(w, NULL, '{');
		bulla_json_put_str(w, "database", column->database);
		bulla_json_put_str(w, "table", column->table);
		bulla_json_put_str(w, "column", column->column);
		put_reference(c, r->key, w);
		if (r->branch) put_under(c, r->branch, w);
		bulla_json_put_int(w, "rows", (int64_t)r->rows);
		bulla_json_close(w, '}');
	}
	bulla_json_close(w, ']');
	bulla_json_put_int(w, "census_omitted", (int64_t)(c->row_count - c->row_shown));
}

static void put_branches(const census *c, bulla_json_writer *w)
{
	bulla_json_open(w, "branches", '[');
	for (size_t i = 0; i < c->branch_shown; i++) {
		const bulla_reference_branch *b = c->branches[i];
		bulla_json_open(w, NULL, '{');
		bulla_json_put_str(w, "branch", b->print);
		bulla_json_put_str(w, "purpose", bulla_branch_purpose_name(b->purpose));
		bulla_json_put_str(w, "state", state_name(b->state));
		put_version(w, "version", b->version);
		bulla_keys_put_time(w, "created", b->created_us);
		put_under(c, b, w);
		bulla_json_put_int(w, "rows", (int64_t)b->rows);
		bulla_json_close(w, '}');
	}
	bulla_json_close(w, ']');
	bulla_json_put_int(w, "branches_omitted", (int64_t)(c->branch_count - c->branch_shown));
}

void bulla_keys_put_sum(bulla_json_writer *w, const char *name, const bulla_reference_sum *sum)
{
	bulla_json_open(w, name, '{');
	bulla_json_put_int(w, "rows", (int64_t)sum->rows);
	bulla_json_put_int(w, "columns", (int64_t)sum->columns);
	bulla_json_put_int(w, "branch_keys", (int64_t)sum->branches[BULLA_BRANCH_RECORD]);
	bulla_json_put_int(w, "index_keys", (int64_t)sum->branches[BULLA_BRANCH_INDEX]);
	bulla_json_put_int(w, "shared_keys", (int64_t)sum->branches[BULLA_BRANCH_SHARED]);
	bulla_json_put_int(w, "keys_below", (int64_t)sum->branches_below);
	bulla_json_put_int(w, "rows_below", (int64_t)sum->rows_below);
	bulla_json_put_int(w, "unreadable", (int64_t)sum->unreadable);
	bulla_json_put_int(w, "unknown", (int64_t)sum->unknown);
	bulla_json_close(w, '}');
}

static void put_census(const census *c)
{
	bulla_json_writer *w = bulla_cli_json(c->cli);
	if (c->key) bulla_keys_put(w, "key", c->key);
	put_columns(c, w);
	put_rows(c, w);
	put_branches(c, w);
	bulla_keys_put_sum(w, "references", &c->sum);
}

/* --- whose -------------------------------------------------------------------------------------------------------------- */
/* A key of bulla.yaml that the engine does not hold, by its id as it stands there. */
static const bulla_reference_key *find_other(const census *c, const char *key_id)
{
	for (size_t i = 0; i < c->refs.other_count; i++)
		if (strcmp(c->refs.others[i].key_id, key_id) == 0) return &c->refs.others[i];
	return NULL;
}

static bulla_code find_branch(const census *c, const char *print, bulla_error *err)
{
	for (size_t i = 0; i < c->refs.branch_count; i++)
		if (strcmp(c->refs.branches[i].print, print) == 0) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "the key store has no branch key %s", print);
	return bulla_advise(err, code, "bulla key census --limit 0 shows all of them");
}

static bulla_code read_subject(census *c, bool *ret_all, bulla_error *err)
{
	const char *name = bulla_cli_argument(c->cli, 0);
	c->subject.branch = bulla_cli_value(c->cli, "branch");
	*ret_all = !name && !c->subject.branch;
	if (name && c->subject.branch) return bulla_fail(err, BULLA_ERR_USAGE, "a KEY or --branch, not both");
	if (c->subject.branch) return find_branch(c, c->subject.branch, err);
	if (!name || (c->subject.other = find_other(c, name))) return BULLA_OK;
	TRY(bulla_project_need_engine(c->project, err));
	TRY(bulla_keys_find(c->cli, c->project, &c->found, err));
	c->key = &c->found;
	c->subject.uuid = c->found.uuid;
	return BULLA_OK;
}

static int by_name(const void *a, const void *b)
{
	const bulla_reference_branch *x = *(const bulla_reference_branch *const *)a,
				     *y = *(const bulla_reference_branch *const *)b;
	int order = strcmp(x->print, y->print);
	return order ? order : (x->created_us > y->created_us) - (x->created_us < y->created_us);
}

/* What was asked for, in the order in which it is shown. */
static bulla_code pick(census *c, uint64_t limit, bulla_error *err)
{
	c->rows = calloc(c->refs.row_count + 1, sizeof *c->rows);
	c->branches = calloc(c->refs.branch_count + 1, sizeof *c->branches);
	if (!c->rows || !c->branches) return bulla_fail_memory(err);
	for (size_t i = 0; i < c->refs.row_count; i++)
		if (c->refs.rows[i].selected) c->rows[c->row_count++] = i;
	for (size_t i = 0; i < c->refs.branch_count; i++) {
		const bulla_reference_branch *b = &c->refs.branches[i];
		if (b->selected && b->state != BULLA_BRANCH_DESTROYED) c->branches[c->branch_count++] = b;
	}
	qsort(c->branches, c->branch_count, sizeof *c->branches, by_name);
	c->row_shown = limit && limit < c->row_count ? (size_t)limit : c->row_count;
	c->branch_shown = limit && limit < c->branch_count ? (size_t)limit : c->branch_count;
	return BULLA_OK;
}

static void suggest(const census *c)
{
	if (!c->key)
		bulla_cli_next(c->cli,
			       "bulla key census KEY, before a key is retired: bulla key close KEY, bulla key delete KEY");
	else if (c->model)
		bulla_cli_next(c->cli, "bulla key census %s, without --model: other tables may hang from it too", c->key->id);
	else if (bulla_reference_sum_is_empty(&c->sum))
		bulla_cli_next(c->cli, "nothing hangs from it: bulla key delete %s", c->key->id);
	else
		bulla_cli_next(c->cli,
			       "bulla key close %s moves its branch keys, bulla rotate its rows, to the keys in bulla.yaml",
			       c->key->id);
}

/* --- the command --------------------------------------------------------------------------------------------------------- */
static bulla_code take(census *c, bulla_error *err)
{
	bool all;
	uint64_t limit;
	TRY(bulla_cli_number(c->cli, "limit", 0, UINT64_MAX, LIMIT, &limit, err));
	TRY(bulla_keys_count(c->cli, c->project, c->model, false, &c->refs, err));
	TRY(bulla_references_join(&c->refs, c->project, err));
	TRY(read_subject(c, &all, err));
	bulla_references_select(&c->refs, all ? NULL : &c->subject, &c->sum);
	TRY(pick(c, limit, err));
	suggest(c);
	if (c->cli->json) {
		put_census(c);
		return BULLA_OK;
	}
	TRY(print_rows(c, err));
	TRY(print_branches(c, err));
	say_sum(c);
	return BULLA_OK;
}

static bulla_code make_indexes(census *c, bulla_error *err)
{
	bulla_wraps_options options = wraps_of(c->cli, c->project, c->model, false);
	size_t columns;
	return bulla_cli_switch(c->cli, "index") ? bulla_wraps_index(&options, &columns, err) : BULLA_OK;
}

bulla_code bulla_run_key_census(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	census c = { .cli = cli };
	const char *model = bulla_cli_value(cli, "model");
	TRY(bulla_cli_open(cli, BULLA_PROJECT_ENGINE, &project, err));
	if (model) TRY(bulla_schema_model(project->schema, model, &c.model, err));
	c.project = project;
	TRY(make_indexes(&c, err));
	bulla_references_init(&c.refs);
	bulla_code code = take(&c, err);
	bulla_references_done(&c.refs);
	free(c.rows);
	free(c.branches);
	return code;
}
