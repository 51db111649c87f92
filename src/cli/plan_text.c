/*
 * plan_text.c - a plan for people.
 */
#include "cli/plan_text.h"
#include "base/bytes.h"
#include "cli/grid.h"
#include "cli/tree.h"

static uint64_t count_of(const bulla_json *object, const char *name)
{
	return (uint64_t)bulla_tree_integer(object, name, 0);
}

static bulla_code print_fields(bulla_cli *cli, const bulla_json *fields, bulla_error *err)
{
	static const char *const headings[] = { "  FIELD",         "TYPE",           ">NULL",  ">EMPTY", ">LONGEST",
						">SEALED LONGEST", ">SEALED IN ALL", "COLUMN", NULL };
	bulla_grid grid = bulla_grid_of(headings);
	for (size_t i = 0; i < bulla_json_count(fields); i++) {
		const bulla_json *field = bulla_json_at(fields, i);
		char size[BULLA_COUNT_MAX];
		bulla_grid_cell(&grid, "  %.*s", BULLA_SHOW(bulla_tree_text(field, "name")));
		bulla_grid_cell(&grid, "%.*s", BULLA_SHOW(bulla_tree_text(field, "type")));
		bulla_grid_count(&grid, count_of(field, "nulls"));
		bulla_grid_count(&grid, count_of(field, "empty"));
		bulla_grid_count(&grid, count_of(field, "longest"));
		bulla_grid_count(&grid, count_of(field, "ciphertext_longest"));
		bulla_grid_cell(&grid, "%s", bulla_size_text(count_of(field, "ciphertext_bytes"), size));
		bulla_grid_cell(&grid, "%.*s", BULLA_SHOW(bulla_tree_text(field, "column")));
	}
	return bulla_grid_print(&grid, cli, err);
}

static void add_index(bulla_grid *grid, const bulla_json *field, const bulla_json *index)
{
	char time[BULLA_COUNT_MAX];
	bool slow = bulla_bytes_is(bulla_tree_text(index, "kind"), "slow");
	char distinct[BULLA_COUNT_MAX], equal[BULLA_COUNT_MAX];
	const char *about = bulla_tree_boolean(index, "exact") ? "" : "about ";
	bulla_grid_cell(grid, "  %.*s", BULLA_SHOW(bulla_tree_text(field, "name")));
	bulla_grid_cell(grid, "%s%s, %lld bits", slow ? "slow" : "fast", bulla_tree_boolean(index, "unique") ? ", unique" : "",
			(long long)bulla_tree_integer(index, "bits", 0));
	bulla_grid_count(grid, count_of(index, "values"));
	bulla_grid_cell(grid, "%s%s", about, bulla_count_text(count_of(index, "distinct"), distinct));
	bulla_grid_cell(grid, "%s%s", about, bulla_count_text(count_of(index, "rows_with_an_equal"), equal));
	bulla_grid_cell(grid, "%.2f %%", 100 * bulla_tree_number(index, "most_frequent_share"));
	bulla_grid_cell(grid, "%.1f bits", bulla_tree_number(index, "entropy_bits_shown"));
	bulla_grid_cell(grid, "%s", bulla_seconds_text(bulla_tree_number(index, slow ? "slow_seconds" : "fast_seconds"), time));
}

static bulla_code print_indexes(bulla_cli *cli, const bulla_json *fields, bulla_error *err)
{
	static const char *const headings[] = { "  BLIND INDEX",  "KIND",      ">VALUES", ">DIFFERENT", ">EQUAL TO ANOTHER",
						">MOST FREQUENT", ">IT SHOWS", ">TAKES",  NULL };
	bulla_grid grid = bulla_grid_of(headings);
	bool any = false;
	for (size_t i = 0; i < bulla_json_count(fields); i++) {
		const bulla_json *field = bulla_json_at(fields, i), *index = bulla_json_member(field, "index");
		if (!bulla_json_member(index, "column")) continue;
		add_index(&grid, field, index);
		any = true;
	}
	if (any) bulla_cli_print(cli, "%s", "");
	return bulla_grid_print(&grid, cli, err);
}

static void print_names(bulla_cli *cli, const char *what, const bulla_json *names)
{
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	for (size_t i = 0; i < bulla_json_count(names); i++) {
		bulla_bytes name = { NULL, 0 };
		if (!bulla_json_string(bulla_json_at(names, i), &name)) continue;
		if (bulla_buf_add_str(&line, i ? ", " : "", NULL) || bulla_text_printable(name, &line, NULL)) return;
	}
	bulla_bytes text = line.len ? bulla_view_buf(&line) : bulla_view_str("none");
	bulla_cli_print(cli, "  %s: %.*s", what, BULLA_SHOW(text));
}

static void print_cost(bulla_cli *cli, const bulla_json *document)
{
	char calls[BULLA_COUNT_MAX], now[BULLA_COUNT_MAX], more[BULLA_COUNT_MAX], room[BULLA_COUNT_MAX], time[BULLA_COUNT_MAX];
	const bulla_json *kms = bulla_json_member(document, "kms");
	double usd = bulla_tree_number(kms, "usd_estimate");
	bulla_cli_print(cli, "\n  time: about %s", bulla_seconds_text(bulla_tree_number(document, "seconds_expected"), time));
	bulla_cli_print(cli, "  disk: the database has %s and grows by about %s; finish needs %s free while it rewrites it",
			bulla_size_text(count_of(document, "database_bytes"), now),
			bulla_size_text(count_of(document, "growth_bytes"), more),
			bulla_size_text(count_of(document, "finish_needs_free_bytes"), room));
	bulla_count_text(count_of(kms, "calls"), calls);
	if (usd > 0)
		bulla_cli_print(cli, "  key service: %s calls, about %.2f USD", calls, usd);
	else
		bulla_cli_print(cli, "  key service: %s calls, nothing to pay", calls);
	print_names(cli, "triggers of the table that will fire", bulla_json_member(document, "triggers_that_fire"));
	print_names(cli, "settings that would log values", bulla_json_member(document, "logs_that_would_record_values"));
}

/* What the keys give and what they do not: one line each. */
static void print_key_choice(bulla_cli *cli, const bulla_json *says)
{
	for (size_t i = 0; i < bulla_json_count(says); i++) {
		bulla_bytes sentence = { 0 };
		if (bulla_json_string(bulla_json_at(says, i), &sentence))
			bulla_cli_print(cli, "  %s %.*s", i ? "     " : "keys:", BULLA_SHOW(sentence));
	}
}

static void print_rehearsal(bulla_cli *cli, const bulla_json *rehearsal)
{
	char rows[BULLA_COUNT_MAX], apply[BULLA_COUNT_MAX], verify[BULLA_COUNT_MAX];
	if (!rehearsal) return;
	bulla_cli_print(cli, "  rehearsed: %s rows sealed in %s and verified in %s: %llu in quarantine, %llu differ",
			bulla_count_text(count_of(rehearsal, "rows"), rows),
			bulla_seconds_text(bulla_tree_number(rehearsal, "apply_seconds"), apply),
			bulla_seconds_text(bulla_tree_number(rehearsal, "verify_seconds"), verify),
			(unsigned long long)count_of(rehearsal, "quarantined"),
			(unsigned long long)count_of(rehearsal, "differences"));
}

static void print_findings(bulla_cli *cli, const bulla_json *findings, const char *what)
{
	for (size_t i = 0; i < bulla_json_count(findings); i++) {
		const bulla_json *finding = bulla_json_at(findings, i);
		bulla_bytes code = bulla_tree_text(finding, "code"), next = bulla_tree_text(finding, "next");
		bulla_cli_print(cli, "\n  %s%s%.*s: %.*s", what, code.len ? ", " : "", BULLA_SHOW(code),
				BULLA_SHOW(bulla_tree_text(finding, "text")));
		if (next.len) bulla_cli_print(cli, "    do: %.*s", BULLA_SHOW(next));
	}
}

static bulla_code print(bulla_cli *cli, const bulla_json *document, bulla_error *err)
{
	char rows[BULLA_COUNT_MAX];
	const bulla_json *fields = bulla_json_member(document, "fields");
	bulla_cli_print(cli, "%.*s: %s rows of the table %.*s\n", BULLA_SHOW(bulla_tree_text(document, "model")),
			bulla_count_text(count_of(document, "rows"), rows), BULLA_SHOW(bulla_tree_text(document, "table")));
	TRY(print_fields(cli, fields, err));
	TRY(print_indexes(cli, fields, err));
	print_cost(cli, document);
	print_key_choice(cli, bulla_json_member(bulla_json_member(document, "key_choice"), "says"));
	print_rehearsal(cli, bulla_json_member(document, "rehearsal"));
	print_findings(cli, bulla_json_member(document, "warnings"), "warning");
	print_findings(cli, bulla_json_member(document, "refusals"), "REFUSED");
	return BULLA_OK;
}

bulla_code bulla_plan_print(bulla_cli *cli, bulla_bytes plan, bulla_error *err)
{
	bulla_json *document = NULL;
	TRY(bulla_json_parse(plan, &document, err));
	bulla_code code = print(cli, document, err);
	bulla_json_free(document);
	return code;
}
