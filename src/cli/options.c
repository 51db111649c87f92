/*
 * options.c - splits a command line by the tables of commands and options.
 */
#include "cli/cli.h"
#include "base/error.h"
#include "base/yaml.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 128 /* names that a wrong one is compared with */

/* --- looking up ------------------------------------------------------------------------------------------------- */
/* The command that the words name: two words before one. */
static const bulla_command *find_command(const char *first, const char *second, size_t *ret_words)
{
	size_t length = strlen(first);
	for (const bulla_command *c = bulla_commands; c->name; c++) {
		const char *rest = c->name + length;
		if (strncmp(c->name, first, length) != 0) continue;
		*ret_words = *rest == ' ' ? 2 : 1;
		if (*rest == 0 || (*rest == ' ' && second && strcmp(rest + 1, second) == 0)) return c;
	}
	return NULL;
}

bool bulla_cli_is_family(const char *word)
{
	size_t length = strlen(word);
	for (const bulla_command *c = bulla_commands; c->name; c++)
		if (strncmp(c->name, word, length) == 0 && c->name[length] == ' ') return true;
	return false;
}

static const bulla_option *find_in(const bulla_option *options, const char *name, size_t length, char letter)
{
	for (const bulla_option *o = options; o && o->name; o++) {
		if (letter && o->letter == letter) return o;
		if (!letter && strlen(o->name) == length && strncmp(o->name, name, length) == 0) return o;
	}
	return NULL;
}

static const bulla_option *find_option(const bulla_cli *cli, const char *name, size_t length, char letter)
{
	const bulla_option *found = cli->command ? find_in(cli->command->options, name, length, letter) : NULL;
	return found ? found : find_in(bulla_global_options, name, length, letter);
}

/* --- what was probably meant ------------------------------------------------------------------------------------ */
static bulla_code fail_option(const bulla_cli *cli, const char *name, size_t length, bulla_error *err)
{
	const char *words[WORDS_MAX] = { NULL };
	size_t n = 0;
	char wrong[64];
	(void)snprintf(wrong, sizeof wrong, "%.*s", (int)(length < sizeof wrong ? length : sizeof wrong - 1), name);
	const bulla_option *lists[] = { cli->command ? cli->command->options : NULL, bulla_global_options };
	for (size_t l = 0; l < 2; l++)
		for (const bulla_option *o = lists[l]; o && o->name && n + 1 < WORDS_MAX; o++)
			words[n++] = o->name;
	const char *near = bulla_yaml_nearest(wrong, words);
	bulla_code code = near ? bulla_fail(err, BULLA_ERR_USAGE, "there is no option --%s; did you mean --%s?", wrong, near)
			       : bulla_fail(err, BULLA_ERR_USAGE, "there is no option --%s", wrong);
	return bulla_advise(err, code, "bulla help%s%s", cli->command ? " " : "", cli->command ? cli->command->name : "");
}

static bulla_code fail_command(const char *first, const char *second, bulla_error *err)
{
	const char *words[WORDS_MAX] = { NULL };
	size_t n = 0;
	char wrong[96];
	bool family = bulla_cli_is_family(first);
	(void)snprintf(wrong, sizeof wrong, "%s%s%s", first, family && second ? " " : "", family && second ? second : "");
	for (const bulla_command *c = bulla_commands; c->name && n + 1 < WORDS_MAX; c++)
		words[n++] = c->name;
	const char *near = bulla_yaml_nearest(wrong, words);
	bulla_code code = BULLA_ERR_USAGE;
	if (family && !second)
		code = bulla_fail(err, code, "%s is a family of commands: say which", first);
	else if (near)
		code = bulla_fail(err, code, "there is no command %s; did you mean %s?", wrong, near);
	else
		code = bulla_fail(err, code, "there is no command %s", wrong);
	return bulla_advise(err, code, "bulla help%s%s", family ? " " : "", family ? first : "");
}

/* --- taking apart ----------------------------------------------------------------------------------------------- */
static bulla_code give(bulla_cli *cli, const bulla_option *option, const char *value, bulla_error *err)
{
	if (cli->given_count == BULLA_ARGUMENTS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "more than %d options", BULLA_ARGUMENTS_MAX);
	cli->given[cli->given_count++] = (bulla_given){ option, value };
	return BULLA_OK;
}

static bool names_option(const bulla_cli *cli, const char *word)
{
	return strncmp(word, "--", 2) == 0 && word[2] && find_option(cli, word + 2, strcspn(word + 2, "="), 0);
}

/* A value that may be left out begins with a digit, so that no name is taken for one. */
static bool is_given(const bulla_option *option, const char *word)
{
	return option->argument[0] != '[' || (word && *word >= '0' && *word <= '9');
}

/* `inline_value` came with the option ("--out=FILE", "-oFILE"); else the next word is taken. */
static bulla_code take_value(bulla_cli *cli, const bulla_option *option, const char *inline_value, int argc, char **argv, int *i,
			     bulla_error *err)
{
	if (!option->argument && inline_value) return bulla_fail(err, BULLA_ERR_USAGE, "--%s takes no value", option->name);
	const char *next = *i + 1 < argc ? argv[*i + 1] : NULL;
	if (!option->argument || inline_value || !is_given(option, next)) return give(cli, option, inline_value, err);
	/* an option in the place of the value: the value was forgotten; one that looks like an option is given as --name=value */
	if (!next || names_option(cli, next))
		return bulla_fail(err, BULLA_ERR_USAGE, "--%s needs a value: %s", option->name, option->argument);
	++*i;
	return give(cli, option, next, err);
}

static bulla_code take_long(bulla_cli *cli, int argc, char **argv, int *i, bulla_error *err)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	const bulla_option *option = find_option(cli, name, length, 0);
	if (!option) return fail_option(cli, name, length, err);
	return take_value(cli, option, equals ? equals + 1 : NULL, argc, argv, i, err);
}

static bulla_code take_short(bulla_cli *cli, int argc, char **argv, int *i, bulla_error *err)
{
	for (const char *letter = argv[*i] + 1; *letter; letter++) {
		const bulla_option *option = find_option(cli, NULL, 0, *letter);
		if (!option) {
			bulla_code code = bulla_fail(err, BULLA_ERR_USAGE, "there is no option -%c", *letter);
			return bulla_advise(err, code, "bulla help%s%s", cli->command ? " " : "",
					    cli->command ? cli->command->name : "");
		}
		bool last = !letter[1];
		if (option->argument && (last || is_given(option, letter + 1)))
			return take_value(cli, option, last ? NULL : letter + 1, argc, argv, i, err);
		TRY(give(cli, option, NULL, err));
	}
	return BULLA_OK;
}

static bulla_code take_word(bulla_cli *cli, int argc, char **argv, int *i, bulla_error *err)
{
	if (!cli->command) {
		const char *second = *i + 1 < argc ? argv[*i + 1] : NULL;
		size_t words = 0;
		cli->command = find_command(argv[*i], second, &words);
		if (!cli->command) return fail_command(argv[*i], second && second[0] != '-' ? second : NULL, err);
		*i += (int)words - 1;
		return BULLA_OK;
	}
	if (cli->argument_count == BULLA_ARGUMENTS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "more than %d arguments", BULLA_ARGUMENTS_MAX);
	cli->arguments[cli->argument_count++] = argv[*i];
	return BULLA_OK;
}

/* "-" is a file name and "-5" a number. */
static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && !(word[1] >= '0' && word[1] <= '9');
}

static bulla_code take_all(bulla_cli *cli, int argc, char **argv, bulla_error *err)
{
	bool only_words = false;
	for (int i = 1; i < argc; i++) {
		if (!only_words && strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (only_words || !is_option(argv[i]))
			TRY(take_word(cli, argc, argv, &i, err));
		else if (argv[i][1] == '-')
			TRY(take_long(cli, argc, argv, &i, err));
		else
			TRY(take_short(cli, argc, argv, &i, err));
	}
	return BULLA_OK;
}

static bulla_code check_count(const bulla_cli *cli, bulla_error *err)
{
	const bulla_command *command = cli->command;
	if (!command || bulla_cli_switch(cli, "help") || bulla_cli_switch(cli, "version")) return BULLA_OK;
	if (cli->argument_count >= command->least && cli->argument_count <= command->most) return BULLA_OK;
	bulla_code code =
		bulla_fail(err, BULLA_ERR_USAGE, "%s arguments: bulla %s %s",
			   cli->argument_count < command->least ? "too few" : "too many", command->name, command->arguments);
	return bulla_advise(err, code, "bulla help %s", command->name);
}

/* How to answer must be known for a wrong command line too, wherever the mistake stands. */
static bool has_word(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], word) == 0) return true;
	return false;
}

bulla_code bulla_cli_parse(bulla_cli *cli, int argc, char **argv, bulla_error *err)
{
	bulla_code code = take_all(cli, argc, argv, err);
	cli->json = bulla_cli_switch(cli, "json") || (code && (has_word(argc, argv, "--json") || has_word(argc, argv, "-j")));
	cli->quiet = bulla_cli_switch(cli, "quiet");
	return code ? code : check_count(cli, err);
}

/* --- asking ------------------------------------------------------------------------------------------------------ */
bool bulla_cli_switch(const bulla_cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->given_count; i++)
		if (strcmp(cli->given[i].option->name, name) == 0) return true;
	return false;
}

const char *bulla_cli_value(const bulla_cli *cli, const char *name)
{
	const char *value = NULL;
	for (size_t i = 0; i < cli->given_count; i++)
		if (strcmp(cli->given[i].option->name, name) == 0) value = cli->given[i].value;
	return value;
}

const char *bulla_cli_argument(const bulla_cli *cli, size_t i)
{
	return i < cli->argument_count ? cli->arguments[i] : NULL;
}
