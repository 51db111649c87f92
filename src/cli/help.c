/*
 * help.c - the commands `help` and `version`: the tables, printed.
 */
#include "base/error.h"
#include "cli/commands.h"

#include <bulla/bulla.h>
#include <stdio.h>
#include <string.h>

const bulla_option bulla_options_help[] = {
	{ "list", 0, NULL, "one line a command, tab-separated, for completion" },
	{ NULL },
};

static void print_options(bulla_cli *cli, const char *heading, const bulla_option *options)
{
	if (!options) return;
	bulla_cli_print(cli, "\n%s", heading);
	for (const bulla_option *o = options; o->name; o++) {
		char letter[8] = "    ", left[48];
		if (o->letter) (void)snprintf(letter, sizeof letter, "-%c, ", o->letter);
		(void)snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->argument ? " " : "",
			       o->argument ? o->argument : "");
		bulla_cli_print(cli, "  %-30s %s", left, o->help);
	}
}

/* "plan" is bulla-plan(1), "key rotate" is in bulla-key(1). */
static void print_command(bulla_cli *cli, const bulla_command *command)
{
	bulla_cli_print(cli, "bulla %s%s%s%s", command->name, command->options ? " [OPTION...]" : "",
			*command->arguments ? " " : "", command->arguments);
	bulla_cli_print(cli, "  %s", command->help);
	print_options(cli, "Options:", command->options);
	print_options(cli, "Everywhere:", bulla_global_options);
	bulla_cli_next(cli, "man bulla-%.*s", (int)strcspn(command->name, " "), command->name);
}

static void print_all(bulla_cli *cli, const char *family)
{
	const char *group = "";
	size_t length = family ? strlen(family) : 0;
	bulla_cli_print(cli, "bulla %s: field-level envelope encryption for the database you already have", bulla_version());
	bulla_cli_print(cli, "\nbulla COMMAND [OPTION...] [ARGUMENT...]");
	for (const bulla_command *c = bulla_commands; c->name; c++) {
		char left[48];
		if (family && (strncmp(c->name, family, length) != 0 || c->name[length] != ' ')) continue;
		if (strcmp(group, c->group) != 0) bulla_cli_print(cli, "\n%s:", c->group);
		group = c->group;
		(void)snprintf(left, sizeof left, "%s %s", c->name, c->arguments);
		bulla_cli_print(cli, "  %-28s %s", left, c->help);
	}
	print_options(cli, "Everywhere:", bulla_global_options);
	bulla_cli_next(cli, "bulla help COMMAND, or: bulla init");
}

static void list_option(bulla_buf *line, const bulla_option *o)
{
	if (bulla_buf_printf(line, NULL, "\t--%s%s", o->name, o->argument && o->argument[0] != '[' ? "=" : "")) return;
}

/* Name, arguments ("-" for none: shells take two tabs for one), then each option; one that must have a value ends with "=". */
static void print_list(bulla_cli *cli)
{
	for (const bulla_command *c = bulla_commands; c->name; c++) {
		BULLA_BUF_AUTO bulla_buf line = { 0 };
		for (const bulla_option *o = c->options; o && o->name; o++)
			list_option(&line, o);
		for (const bulla_option *o = bulla_global_options; o->name; o++)
			list_option(&line, o);
		bulla_cli_print(cli, "%s\t%s%.*s", c->name, *c->arguments ? c->arguments : "-", (int)line.len,
				(const char *)line.data);
	}
}

static const bulla_command *asked(const bulla_cli *cli, char *name, size_t size)
{
	const char *second = bulla_cli_argument(cli, 1);
	(void)snprintf(name, size, "%s%s%s", bulla_cli_argument(cli, 0), second ? " " : "", second ? second : "");
	for (const bulla_command *c = bulla_commands; c->name; c++)
		if (strcmp(c->name, name) == 0) return c;
	return NULL;
}

static void json_options(bulla_json_writer *w, const bulla_option *options)
{
	bulla_json_open(w, "options", '[');
	for (const bulla_option *o = options; o && o->name; o++) {
		bulla_json_open(w, NULL, '{');
		bulla_json_put_str(w, "name", o->name);
		if (o->argument) bulla_json_put_str(w, "argument", o->argument);
		bulla_json_put_str(w, "help", o->help);
		bulla_json_close(w, '}');
	}
	bulla_json_close(w, ']');
}

static void json_commands(bulla_cli *cli, const bulla_command *only)
{
	bulla_json_writer *w = bulla_cli_json(cli);
	bulla_json_open(w, "commands", '[');
	for (const bulla_command *c = bulla_commands; c->name; c++) {
		if (only && c != only) continue;
		bulla_json_open(w, NULL, '{');
		bulla_json_put_str(w, "name", c->name);
		bulla_json_put_str(w, "arguments", c->arguments);
		bulla_json_put_str(w, "help", c->help);
		json_options(w, c->options);
		bulla_json_close(w, '}');
	}
	bulla_json_close(w, ']');
	json_options(w, bulla_global_options);
}

bulla_code bulla_run_help(bulla_cli *cli, bulla_error *err)
{
	char name[96] = "";
	bool own = cli->command && cli->command->run == bulla_run_help;
	const bulla_command *command = own ? NULL : cli->command; /* `bulla plan --help` */
	if (bulla_cli_switch(cli, "list") && !cli->json) {
		print_list(cli);
		return BULLA_OK;
	}
	if (own && cli->argument_count) {
		command = asked(cli, name, sizeof name);
		if (!command && !bulla_cli_is_family(name))
			return bulla_fail(err, BULLA_ERR_USAGE, "there is no command %s", name);
	}
	if (cli->json)
		json_commands(cli, command);
	else if (command)
		print_command(cli, command);
	else
		print_all(cli, *name ? name : NULL);
	return BULLA_OK;
}

bulla_code bulla_run_version(bulla_cli *cli, bulla_error *err)
{
	const char *crypto;
	if (!cli->json) bulla_cli_print(cli, "bulla %s", bulla_version());
	TRY(bulla_crypto_backend(&crypto, err));
	if (cli->json) {
		bulla_json_put_str(bulla_cli_json(cli), "version", bulla_version());
		bulla_json_put_str(bulla_cli_json(cli), "crypto", crypto);
	} else {
		bulla_cli_print(cli, "crypto: %s", crypto);
	}
	return BULLA_OK;
}
