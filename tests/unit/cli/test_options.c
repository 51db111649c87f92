/*
 * test_options.c - command lines taken apart by tables of the test's own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "cli/cli.h"
#include "cli/times.h"

#include <string.h>

static bulla_code nothing(bulla_cli *cli, bulla_error *err)
{
	(void)cli, (void)err;
	return BULLA_OK;
}

static const bulla_option plan_options[] = {
	{ "out", 'o', "FILE", "" },
	{ "rehearse", 'r', NULL, "" },
	{ "context", 'x', "NAME=VALUE", "" },
	{ "workers", 'w', "N", "" },
	{ "settle", 0, "TIME", "" },
	{ "watch", 'W', "[SECONDS]", "" },
	{ NULL },
};

const bulla_command bulla_commands[] = {
	{ "A", "plan", "[MODEL]", "", plan_options, 0, 1, false, nothing },
	{ "A", "get", "MODEL ID", "", NULL, 2, 2, false, nothing },
	{ "B", "key list", "", "", NULL, 0, 0, false, nothing },
	{ "B", "key rotate", "KEY", "", NULL, 1, 1, false, nothing },
	{ NULL },
};

const bulla_option bulla_global_options[] = {
	{ "config", 'c', "FILE", "" }, { "json", 'j', NULL, "" },  { "quiet", 'q', NULL, "" },
	{ "help", 'h', NULL, "" },     { "version", 0, NULL, "" }, { NULL },
};

/* Splits `line` at blanks and parses it. */
static bulla_code parse(bulla_cli *cli, const char *line, bulla_error *err)
{
	static char words[512];
	char *argv[32] = { "bulla" };
	int argc = 1;
	*cli = (bulla_cli){ 0 };
	*err = (bulla_error){ 0 };
	memcpy(words, line, strlen(line) + 1);
	for (char *p = words; *p; p += strspn(p, " ")) {
		argv[argc++] = p;
		p += strcspn(p, " ");
		if (*p) *p++ = 0;
	}
	return bulla_cli_parse(cli, argc, argv, err);
}

static void test_options_before_and_after(void **state)
{
	bulla_cli cli;
	bulla_error err;
	(void)state;
	assert_int_equal(parse(&cli, "--config a.yaml plan users --out=p.json -r --json", &err), BULLA_OK);
	assert_string_equal(cli.command->name, "plan");
	assert_string_equal(bulla_cli_value(&cli, "config"), "a.yaml");
	assert_string_equal(bulla_cli_value(&cli, "out"), "p.json");
	assert_true(bulla_cli_switch(&cli, "rehearse"));
	assert_true(cli.json);
	assert_false(cli.quiet);
	assert_int_equal(cli.argument_count, 1);
	assert_string_equal(bulla_cli_argument(&cli, 0), "users");
	assert_null(bulla_cli_argument(&cli, 1));
}

static void test_short_options(void **state)
{
	bulla_cli cli;
	bulla_error err;
	(void)state;
	assert_int_equal(parse(&cli, "plan -jqofile", &err), BULLA_OK);
	assert_true(cli.json && cli.quiet);
	assert_string_equal(bulla_cli_value(&cli, "out"), "file");
	assert_int_equal(parse(&cli, "plan -o file", &err), BULLA_OK);
	assert_string_equal(bulla_cli_value(&cli, "out"), "file");
	assert_int_equal(parse(&cli, "plan -z", &err), BULLA_ERR_USAGE);
}

static void test_a_value_that_may_be_left_out(void **state)
{
	static const struct {
		const char *line, *value;
		size_t arguments;
	} cases[] = {
		{ "plan --watch", NULL, 0 },
		{ "plan --watch users", NULL, 1 },
		{ "plan --watch 5 users", "5", 1 },
		{ "plan users --watch=7", "7", 1 },
		{ "plan -W", NULL, 0 },
		{ "plan -W9 users", "9", 1 },
		{ "plan -W 9 users", "9", 1 },
		{ "plan -Wr users", NULL, 1 },
		{ "plan --watch --rehearse", NULL, 0 },
	};
	bulla_cli cli;
	bulla_error err;
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(parse(&cli, cases[i].line, &err), BULLA_OK);
		assert_true(bulla_cli_switch(&cli, "watch"));
		assert_int_equal(cli.argument_count, cases[i].arguments);
		const char *value = bulla_cli_value(&cli, "watch");
		if (cases[i].value)
			assert_string_equal(value, cases[i].value);
		else
			assert_null(value);
	}
	assert_int_equal(parse(&cli, "plan -Wr", &err), BULLA_OK);
	assert_true(bulla_cli_switch(&cli, "rehearse"));
}

static void test_words_that_are_no_options(void **state)
{
	bulla_cli cli;
	bulla_error err;
	(void)state;
	assert_int_equal(parse(&cli, "get users -5", &err), BULLA_OK);
	assert_string_equal(bulla_cli_argument(&cli, 1), "-5");
	assert_int_equal(parse(&cli, "get -- users --json", &err), BULLA_OK);
	assert_string_equal(bulla_cli_argument(&cli, 1), "--json");
	assert_int_equal(parse(&cli, "get users -", &err), BULLA_OK);
}

static void test_families(void **state)
{
	bulla_cli cli;
	bulla_error err;
	(void)state;
	assert_int_equal(parse(&cli, "key rotate k1", &err), BULLA_OK);
	assert_string_equal(cli.command->name, "key rotate");
	assert_string_equal(bulla_cli_argument(&cli, 0), "k1");
	assert_int_equal(parse(&cli, "key", &err), BULLA_ERR_USAGE);
	assert_non_null(strstr(err.text, "family"));
	assert_int_equal(parse(&cli, "key rotat k1", &err), BULLA_ERR_USAGE);
	assert_non_null(strstr(err.text, "key rotate"));
}

static void test_what_was_meant(void **state)
{
	bulla_cli cli;
	bulla_error err;
	(void)state;
	assert_int_equal(parse(&cli, "paln", &err), BULLA_ERR_USAGE);
	assert_non_null(strstr(err.text, "did you mean plan"));
	assert_true(err.next[0] != 0);
	assert_int_equal(parse(&cli, "paln --json", &err), BULLA_ERR_USAGE);
	assert_true(cli.json);
	assert_int_equal(parse(&cli, "plan --reherse", &err), BULLA_ERR_USAGE);
	assert_non_null(strstr(err.text, "--rehearse"));
	assert_int_equal(parse(&cli, "plan --zzzzzzzz", &err), BULLA_ERR_USAGE);
	assert_null(strstr(err.text, "did you mean"));
}

static void test_too_few_and_too_many(void **state)
{
	bulla_cli cli;
	bulla_error err;
	(void)state;
	assert_int_equal(parse(&cli, "get users", &err), BULLA_ERR_USAGE);
	assert_int_equal(parse(&cli, "get users 1 2", &err), BULLA_ERR_USAGE);
	assert_int_equal(parse(&cli, "get --help", &err), BULLA_OK);
	assert_int_equal(parse(&cli, "plan --out", &err), BULLA_ERR_USAGE);
	assert_int_equal(parse(&cli, "plan --out --json", &err), BULLA_ERR_USAGE);
	assert_true(cli.json);
	assert_int_equal(parse(&cli, "plan --out=--json", &err), BULLA_OK);
	assert_false(cli.json);
	assert_int_equal(parse(&cli, "plan --out --other", &err), BULLA_OK);
	assert_int_equal(parse(&cli, "plan --rehearse=yes", &err), BULLA_ERR_USAGE);
	assert_int_equal(parse(&cli, "", &err), BULLA_OK);
	assert_null(cli.command);
}

static void test_too_many_options(void **state)
{
	char *argv[BULLA_ARGUMENTS_MAX + 3];
	bulla_cli cli = { 0 };
	bulla_error err = { 0 };
	(void)state;
	for (size_t i = 0; i < BULLA_ARGUMENTS_MAX + 3; i++)
		argv[i] = i == 1 ? "plan" : "-r";
	assert_int_equal(bulla_cli_parse(&cli, BULLA_ARGUMENTS_MAX + 3, argv, &err), BULLA_ERR_LIMIT);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = { "plan -w 0", "plan -w 65", "plan -w 1x", "plan -w 99999999999999999999999",
					   "plan -w=",  "plan -w +1" };
	bulla_cli cli;
	bulla_error err;
	uint64_t n = 0;
	(void)state;
	assert_int_equal(parse(&cli, "plan --workers 64", &err), BULLA_OK);
	assert_int_equal(bulla_cli_number(&cli, "workers", 1, 64, 7, &n, &err), BULLA_OK);
	assert_int_equal(n, 64);
	assert_int_equal(parse(&cli, "plan", &err), BULLA_OK);
	assert_int_equal(bulla_cli_number(&cli, "workers", 1, 64, 7, &n, &err), BULLA_OK);
	assert_int_equal(n, 7);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(parse(&cli, bad[i], &err), BULLA_OK);
		assert_int_equal(bulla_cli_number(&cli, "workers", 1, 64, 7, &n, &err), BULLA_ERR_USAGE);
	}
}

static void test_durations(void **state)
{
	bulla_cli cli;
	bulla_error err;
	int64_t ms = 0;
	(void)state;
	assert_int_equal(parse(&cli, "plan --settle 0s", &err), BULLA_OK);
	assert_int_equal(bulla_cli_duration(&cli, "settle", 5, &ms, &err), BULLA_OK);
	assert_int_equal(ms, 0);
	assert_int_equal(parse(&cli, "plan --settle 2h", &err), BULLA_OK);
	assert_int_equal(bulla_cli_duration(&cli, "settle", 5, &ms, &err), BULLA_OK);
	assert_int_equal(ms, 7200000);
	assert_int_equal(parse(&cli, "plan --settle soon", &err), BULLA_OK);
	assert_int_equal(bulla_cli_duration(&cli, "settle", 5, &ms, &err), BULLA_ERR_USAGE);
}

static void test_pairs_and_lists(void **state)
{
	bulla_cli cli;
	bulla_error err;
	bulla_pair pairs[2];
	bulla_bytes parts[3];
	size_t n = 0;
	(void)state;
	assert_int_equal(parse(&cli, "plan -x a=1=2 -x b=", &err), BULLA_OK);
	assert_int_equal(bulla_cli_pairs(&cli, "context", pairs, 2, &n, &err), BULLA_OK);
	assert_int_equal(n, 2);
	assert_true(bulla_bytes_is(pairs[0].name, "a") && bulla_bytes_is(pairs[0].value, "1=2"));
	assert_true(bulla_bytes_is(pairs[1].name, "b") && pairs[1].value.len == 0);
	assert_int_equal(bulla_cli_pairs(&cli, "context", pairs, 1, &n, &err), BULLA_ERR_LIMIT);
	assert_int_equal(parse(&cli, "plan -x novalue", &err), BULLA_OK);
	assert_int_equal(bulla_cli_pairs(&cli, "context", pairs, 2, &n, &err), BULLA_ERR_USAGE);

	assert_int_equal(bulla_split("7,42", ',', parts, 3, &n, &err), BULLA_OK);
	assert_int_equal(n, 2);
	assert_true(bulla_bytes_is(parts[1], "42"));
	assert_int_equal(bulla_split("7,,42", ',', parts, 3, &n, &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_split("7,", ',', parts, 3, &n, &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_split("1,2,3,4", ',', parts, 3, &n, &err), BULLA_ERR_LIMIT);
}

static void test_times(void **state)
{
	static const char *const bad[] = {
		"", "yesterday", "2026", "2026-1-1", "2026-11-21T", "2026-11-21 19:05", "2026-11-21T19:05:00+01"
	};
	char text[BULLA_TIME_TEXT];
	bulla_error err;
	(void)state;
	assert_int_equal(bulla_time_parse("2026-11-21", text, &err), BULLA_OK);
	assert_string_equal(text, "2026-11-21T00:00:00.000000Z");
	assert_int_equal(bulla_time_parse("2026-11-21T19:05Z", text, &err), BULLA_OK);
	assert_string_equal(text, "2026-11-21T19:05:00.000000Z");
	assert_int_equal(bulla_time_parse("2026-11-21T19:05:07.25Z", text, &err), BULLA_OK);
	assert_string_equal(text, "2026-11-21T19:05:07.250000Z");
	assert_int_equal(bulla_time_parse("2d", text, &err), BULLA_OK);
	assert_int_equal(strlen(text), BULLA_TIME_TEXT - 1);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(bulla_time_parse(bad[i], text, &err), BULLA_ERR_USAGE);
	assert_string_equal(bulla_time_text(1795287900000000, text), "2026-11-21T19:05:00Z");
	assert_string_equal(bulla_time_text(0, text), "never");
}

static void test_numbers_for_people(void **state)
{
	char text[BULLA_COUNT_MAX];
	(void)state;
	assert_string_equal(bulla_count_text(0, text), "0");
	assert_string_equal(bulla_count_text(999, text), "999");
	assert_string_equal(bulla_count_text(1234567, text), "1,234,567");
	assert_string_equal(bulla_count_text(UINT64_MAX, text), "18,446,744,073,709,551,615");
	assert_string_equal(bulla_size_text(999, text), "999 bytes");
	assert_string_equal(bulla_size_text(12345678, text), "12.3 MB");
	assert_string_equal(bulla_seconds_text(0.25, text), "0.2 s");
	assert_string_equal(bulla_seconds_text(61, text), "1 min 01 s");
	assert_string_equal(bulla_seconds_text(-1, text), "0.0 s");
	assert_string_equal(bulla_seconds_text(7300, text), "2 h 01 min");
}

/* A value of somebody's database must not move the cursor of whoever looks at it. */
static void test_printable(void **state)
{
	static const char evil[] = "a\x1b[2Jb\n\x7f\xc2\x9b\xff\xc3\xa9";
	bulla_buf out = { 0 };
	bulla_error err;
	(void)state;
	assert_int_equal(bulla_text_printable(bulla_view(evil, sizeof evil - 1), &out, &err), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&out), "a\\x1b[2Jb\\n\\x7f\\x9b\\xff\xc3\xa9"));
	bulla_buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_before_and_after),
		cmocka_unit_test(test_short_options),
		cmocka_unit_test(test_a_value_that_may_be_left_out),
		cmocka_unit_test(test_words_that_are_no_options),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_what_was_meant),
		cmocka_unit_test(test_too_few_and_too_many),
		cmocka_unit_test(test_too_many_options),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_pairs_and_lists),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_numbers_for_people),
		cmocka_unit_test(test_printable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
