/*
 * scan.c - the command `scan`: columns of whole databases that look like personal data in the clear.
 */
#include "base/bytes.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/tree.h"
#include "cli/work.h"

#include <stdio.h>
#include <string.h>

#define SAMPLE_MAX   10000000
#define OTHER_CONFIG "bulla.scan.yaml" /* beside a bulla.yaml that is there */

const bulla_option bulla_options_scan[] = {
	{ "database", 'd', "NAME", "one of bulla.yaml, or a URL such as sqlite:app.db; default: all of bulla.yaml" },
	{ "sample", 0, "N", "rows of each table that are looked at; default 1000" },
	{ "table", 't', "TABLE", "only this one; repeatable" },
	{ NULL },
};

/* What the command line asks for, and what it comes to. */
typedef struct scanning {
	bulla_project *project; /* NULL: there is no bulla.yaml */
	const char *tables[BULLA_ARGUMENTS_MAX];
	size_t table_count;
	uint64_t sample;
	bulla_buf commands; /* the proposed ones, a line each */
	uint64_t found, proposed;
} scanning;

/* --- the proposal ------------------------------------------------------------------------------------------------ */
static bool is_plain(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c >= 0x80 || (c && strchr("_./:=,-", c));
}

/* As a shell takes it for one word. */
static bulla_code add_word(bulla_bytes text, bulla_buf *out, bulla_error *err)
{
	bool plain = text.len > 0;
	for (size_t i = 0; i < text.len; i++)
		plain &= is_plain(text.data[i]);
	if (plain) return bulla_buf_add(out, text, err);
	TRY(bulla_buf_add_str(out, "'", err));
	for (size_t i = 0; i < text.len; i++)
		TRY(text.data[i] == '\'' ? bulla_buf_add_str(out, "'\\''", err)
					 : bulla_buf_add(out, bulla_view(text.data + i, 1), err));
	return bulla_buf_add_str(out, "'", err);
}

/* Findings of one table stand together. */
static bulla_code add_fields(const bulla_json *findings, bulla_buf *out, uint64_t *proposed, bulla_error *err)
{
	bulla_bytes table = { NULL, 0 };
	for (size_t i = 0; i < bulla_json_count(findings); i++) {
		const bulla_json *finding = bulla_json_at(findings, i);
		bulla_bytes its_table = bulla_tree_text(finding, "table");
		if (!bulla_tree_boolean(finding, "proposed")) continue;
		if (!table.data || !bulla_bytes_equal(table, its_table)) {
			TRY(bulla_buf_add_str(out, " --table ", err));
			TRY(add_word(its_table, out, err));
			TRY(bulla_buf_add_str(out, " --fields ", err));
		} else {
			TRY(bulla_buf_add_str(out, ",", err));
		}
		table = its_table;
		TRY(add_word(bulla_tree_text(finding, "column"), out, err));
		++*proposed;
	}
	return BULLA_OK;
}

static bulla_code propose(scanning *s, const char *url, const bulla_json *findings, bulla_error *err)
{
	uint64_t before = s->proposed;
	size_t start = s->commands.len;
	TRY(bulla_buf_add_str(&s->commands, "bulla init ", err));
	if (s->project) TRY(bulla_buf_add_str(&s->commands, "--config " OTHER_CONFIG " ", err));
	TRY(bulla_buf_add_str(&s->commands, "--database ", err));
	TRY(add_word(bulla_view_str(url), &s->commands, err));
	TRY(add_fields(findings, &s->commands, &s->proposed, err));
	TRY(bulla_buf_add_str(&s->commands, "\n", err));
	if (s->proposed == before) s->commands.len = start;
	return BULLA_OK;
}

/* --- for people -------------------------------------------------------------------------------------------------- */
static void because(const bulla_json *finding, char out[static 32])
{
	size_t used = 0;
	const bulla_json *reasons = bulla_json_member(finding, "because");
	out[0] = 0;
	for (size_t i = 0; i < bulla_json_count(reasons); i++) {
		bulla_bytes reason = { NULL, 0 };
		if (!bulla_json_string(bulla_json_at(reasons, i), &reason)) continue;
		int n = snprintf(out + used, 32 - used, "%s%.*s", used ? ", " : "", BULLA_SHOW(reason));
		used += n > 0 && (size_t)n < 32 - used ? (size_t)n : 0;
	}
}

static void add_finding(bulla_grid *grid, const bulla_json *finding)
{
	char reasons[32];
	bulla_bytes model = bulla_tree_text(finding, "model"), obstacle = bulla_tree_text(finding, "obstacle");
	because(finding, reasons);
	bulla_grid_cell(grid, "  %.*s.%.*s", BULLA_SHOW(bulla_tree_text(finding, "table")),
			BULLA_SHOW(bulla_tree_text(finding, "column")));
	bulla_grid_cell(grid, "%.*s", BULLA_SHOW(bulla_tree_text(finding, "label")));
	bulla_grid_cell(grid, "%.*s", BULLA_SHOW(bulla_tree_text(finding, "confidence")));
	bulla_grid_cell(grid, "%s", reasons);
	bulla_grid_count(grid, (uint64_t)bulla_tree_integer(finding, "matching", 0));
	bulla_grid_count(grid, (uint64_t)bulla_tree_integer(finding, "values", 0));
	if (model.len)
		bulla_grid_cell(grid, "in model %.*s, there until finish", BULLA_SHOW(model));
	else
		bulla_grid_cell(grid, "%.*s", BULLA_SHOW(obstacle));
}

static bulla_code print_findings(bulla_cli *cli, const bulla_json *report, bulla_error *err)
{
	static const char *const headings[] = { "  COLUMN", "LOOKS LIKE", "CONFIDENCE", "BY", ">MATCHING", ">OF", "NOTE", NULL };
	char tables[BULLA_COUNT_MAX], columns[BULLA_COUNT_MAX], rows[BULLA_COUNT_MAX], sealed[BULLA_COUNT_MAX];
	const bulla_json *findings = bulla_json_member(report, "findings");
	bulla_grid grid = bulla_grid_of(headings);
	bulla_cli_print(cli, "%.*s: %s tables, %s columns, %s rows looked at; %s columns are sealed",
			BULLA_SHOW(bulla_tree_text(report, "database")),
			bulla_count_text((uint64_t)bulla_tree_integer(report, "tables", 0), tables),
			bulla_count_text((uint64_t)bulla_tree_integer(report, "columns", 0), columns),
			bulla_count_text((uint64_t)bulla_tree_integer(report, "rows", 0), rows),
			bulla_count_text((uint64_t)bulla_tree_integer(report, "sealed_columns", 0), sealed));
	for (size_t i = 0; i < bulla_json_count(findings); i++)
		add_finding(&grid, bulla_json_at(findings, i));
	return bulla_grid_print(&grid, cli, err);
}

/* --- databases --------------------------------------------------------------------------------------------------- */
static bulla_code take(bulla_cli *cli, scanning *s, const char *url, bulla_bytes text, bulla_error *err)
{
	bulla_json *report = NULL;
	TRY(bulla_json_parse(text, &report, err));
	const bulla_json *findings = bulla_json_member(report, "findings");
	s->found += bulla_json_count(findings);
	bulla_code code = propose(s, url, findings, err);
	if (code == BULLA_OK && !cli->json) code = print_findings(cli, report, err);
	bulla_json_free(report);
	return code;
}

static bulla_code scan(bulla_cli *cli, scanning *s, const char *name, const char *url, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_bar bar = bulla_bar_of(cli, name);
	bulla_discovery what = {
		.name = name,
		.url = url,
		.base_dir = s->project ? s->project->paths.base_dir : ".",
		.schema = s->project ? s->project->schema : NULL,
		.tables = s->tables,
		.table_count = s->table_count,
		.sample = s->sample,
		.progress = bulla_bar_show,
		.progress_self = &bar,
		.stop = &cli->stop,
	};
	bulla_code code = bulla_cli_patience(cli, &what.patience, err);
	if (code == BULLA_OK) code = bulla_database_discover(&what, &text, err);
	bulla_bar_done(&bar);
	TRY(code);
	if (cli->json) bulla_json_put_raw(bulla_cli_json(cli), NULL, bulla_view_buf(&text));
	return take(cli, s, url, bulla_view_buf(&text), err);
}

static bool is_url(const char *text)
{
	return text && strchr(text, ':');
}

/* A URL that bulla.yaml has too brings its models with it. */
static const char *name_of(const bulla_project *project, const char *url)
{
	size_t n = 0;
	const bulla_database *databases = project ? bulla_schema_databases(project->schema, &n) : NULL;
	for (size_t i = 0; i < n; i++)
		if (strcmp(databases[i].url, url) == 0) return databases[i].name;
	return url;
}

static bulla_code scan_all(bulla_cli *cli, scanning *s, bulla_error *err)
{
	size_t n = 0;
	const char *wanted = bulla_cli_value(cli, "database"), *url = NULL;
	if (is_url(wanted)) return scan(cli, s, name_of(s->project, wanted), wanted, err);
	if (wanted) {
		TRY(bulla_project_database(s->project, wanted, &url, err));
		return scan(cli, s, wanted, url, err);
	}
	const bulla_database *databases = bulla_schema_databases(s->project->schema, &n);
	for (size_t i = 0; i < n; i++)
		TRY(scan(cli, s, databases[i].name, databases[i].url, err));
	if (n) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s names no databases", s->project->paths.config);
	return bulla_advise(err, code, "bulla scan --database sqlite:PATH");
}

/* --- the command ------------------------------------------------------------------------------------------------- */
static bulla_code read_options(bulla_cli *cli, scanning *s, bulla_error *err)
{
	for (size_t i = 0; i < cli->given_count; i++)
		if (strcmp(cli->given[i].option->name, "table") == 0) s->tables[s->table_count++] = cli->given[i].value;
	return bulla_cli_number(cli, "sample", 1, SAMPLE_MAX, BULLA_DISCOVERY_ROWS, &s->sample, err);
}

static bulla_code open_project(bulla_cli *cli, bulla_project **ret, bulla_error *err)
{
	bulla_code code = bulla_cli_open(cli, BULLA_PROJECT_SCHEMA, ret, err);
	if (code != BULLA_ERR_NOT_FOUND || bulla_cli_value(cli, "config")) return code;
	if (is_url(bulla_cli_value(cli, "database"))) return BULLA_OK;
	return bulla_advise(err, code, "bulla scan --database sqlite:PATH, or: bulla init");
}

static void answer(bulla_cli *cli, const scanning *s)
{
	if (cli->json) {
		bulla_json_writer *w = bulla_cli_json(cli);
		bulla_json_open(w, "commands", '[');
		for (size_t at = 0; at < s->commands.len;) {
			const uint8_t *line = s->commands.data + at, *end = memchr(line, '\n', s->commands.len - at);
			bulla_json_put_bytes(w, NULL, bulla_view(line, (size_t)(end - line)));
			at += (size_t)(end - line) + 1;
		}
		bulla_json_close(w, ']');
	} else if (s->commands.len) {
		bulla_cli_print(cli, "\n%.*s", (int)s->commands.len - 1, (const char *)s->commands.data);
	}
	const char *first = s->commands.data ? (const char *)s->commands.data : "";
	size_t length = strcspn(first, "\n");
	bool whole = length && length < sizeof cli->next / 2 && s->commands.len == length + 1;
	if (whole && s->project)
		bulla_cli_next(cli, "%.*s, and take the models over from that file", (int)length, first);
	else if (whole)
		bulla_cli_next(cli, "%.*s", (int)length, first);
	else if (length)
		bulla_cli_next(cli, "the last lines above%s", s->project ? ", and take the models over from that file" : "");
	else
		bulla_cli_next(cli, "bulla scan --sample %llu (looks at more rows)", (unsigned long long)s->sample * 10);
}

static bulla_code run(bulla_cli *cli, scanning *s, bulla_error *err)
{
	TRY(read_options(cli, s, err));
	TRY(open_project(cli, &s->project, err));
	if (cli->json) bulla_json_open(bulla_cli_json(cli), "databases", '[');
	TRY(scan_all(cli, s, err));
	if (cli->json) bulla_json_close(bulla_cli_json(cli), ']');
	if (!cli->json && !s->found) bulla_cli_print(cli, "nothing looks like personal data in the clear");
	TRY(bulla_buf_terminate(&s->commands, err));
	answer(cli, s);
	return BULLA_OK;
}

bulla_code bulla_run_scan(bulla_cli *cli, bulla_error *err)
{
	scanning s = { 0 };
	bulla_code code = run(cli, &s, err);
	bulla_project_close(s.project);
	bulla_buf_done(&s.commands);
	return code;
}
