/*
 * command_line.c - fuzz target: text as a command line, one argument a line: which command, its options, their values.
 */
#include "fuzz.h"

#include "cli/cli.h"
#include "cli/events.h"
#include "cli/proposal.h"
#include "cli/records.h"

#define WORDS_MAX 300

static size_t split_lines(char *text, char **argv)
{
	size_t n = 0;
	argv[n++] = (char *)"bulla";
	for (char *line; n < WORDS_MAX && (line = strsep(&text, "\n"));)
		argv[n++] = line;
	return n;
}

static void read_values(const bulla_cli *cli, const char *name)
{
	bulla_error err = { 0 };
	uint64_t number = 0;
	int64_t ms = 0;
	bulla_pair pairs[4];
	bulla_bytes parts[4];
	size_t n = 0;
	if (!bulla_cli_value(cli, name)) return;
	if (fuzz_ok(bulla_cli_number(cli, name, 1, 1000, 1, &number, &err), &err)) HOLDS(number >= 1 && number <= 1000);
	if (fuzz_ok(bulla_cli_duration(cli, name, 1, &ms, &err), &err)) HOLDS(ms >= 0);
	if (fuzz_ok(bulla_cli_pairs(cli, name, pairs, 4, &n, &err), &err))
		for (size_t i = 0; i < n; i++)
			HOLDS(pairs[i].name.len && !memchr(pairs[i].name.data, '=', pairs[i].name.len));
	if (!fuzz_ok(bulla_split(bulla_cli_value(cli, name), ',', parts, 4, &n, &err), &err)) return;
	for (size_t i = 0; i < n; i++)
		HOLDS(parts[i].len && !memchr(parts[i].data, ',', parts[i].len));
}

static void read_pk(const bulla_cli *cli, size_t columns)
{
	static const char *names[] = { "id", "tenant_id", "part" };
	bulla_error err = { 0 };
	bulla_model model = { .key = "users", .primary_key = names, .primary_key_count = columns };
	bulla_bytes pk[BULLA_INPUTS_MAX];
	size_t n = 0;
	if (fuzz_ok(bulla_cli_pk(cli, &model, bulla_cli_argument(cli, 1), pk, &n, &err), &err)) HOLDS(n == columns);
}

static void read_all(bulla_cli *cli)
{
	bulla_error err = { 0 };
	size_t n = 0;
	bulla_wish *wishes = calloc(BULLA_TABLES_MAX, sizeof *wishes);
	HOLDS(wishes);
	if (!bulla_cli_switch(cli, "help") && !bulla_cli_switch(cli, "version")) /* with them nothing else counts */
		HOLDS(cli->argument_count >= cli->command->least && cli->argument_count <= cli->command->most);
	for (size_t i = 0; i < cli->given_count; i++)
		read_values(cli, cli->given[i].option->name);
	for (size_t columns = 1; columns <= 3; columns++)
		read_pk(cli, columns);
	if (strcmp(cli->command->name, "init") == 0 && fuzz_ok(bulla_wishes_read(cli, wishes, &n, &err), &err))
		HOLDS(n <= BULLA_TABLES_MAX);
	bulla_events events = { .cli = cli };
	if (strcmp(cli->command->name, "audit lookup") == 0) (void)fuzz_ok(bulla_events_filter(&events, &err), &err);
	free(wishes);
}

/* What looks at a terminal sees no control character. */
static void print(const char *text)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	fuzz_must(bulla_text_printable(bulla_view_str(text), &out, &err), &err);
	for (size_t i = 0; i < out.len; i++)
		HOLDS(out.data[i] >= ' ' && out.data[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bulla_cli cli;
	bulla_error err = { 0 };
	char *argv[WORDS_MAX + 1] = { 0 }, *text = fuzz_text(bulla_view(data, size));
	memset(&cli, 0, sizeof cli);
	print(text);
	size_t n = split_lines(text, argv);
	(void)bulla_cli_is_family(argv[1]);
	if (fuzz_ok(bulla_cli_parse(&cli, (int)n, argv, &err), &err) && cli.command) read_all(&cli);
	bulla_buf_done(&cli.object);
	free(text);
	return 0;
}
