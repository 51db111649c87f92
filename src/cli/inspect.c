/*
 * inspect.c - the command `inspect`: what a ciphertext is, told without any key.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/tree.h"
#include "cli/work.h"

#include <bulla/inspect.h>

#define INPUT_MAX (48u << 20) /* the largest field, in hexadecimal digits */

/* A pasted text ends with a line break, which binary may do as well: so first as it is. */
static bulla_code look(bulla_bytes input, bulla_buf *out, bulla_error *err)
{
	bulla_code code = bulla_inspect(input, out, err);
	bulla_bytes trimmed = input;
	while (trimmed.len && (trimmed.data[trimmed.len - 1] == '\n' || trimmed.data[trimmed.len - 1] == '\r'))
		trimmed.len--;
	return code && trimmed.len < input.len ? bulla_inspect(trimmed, out, err) : code;
}

static bulla_code print(bulla_cli *cli, bulla_bytes text, bulla_error *err)
{
	bulla_json *document = NULL;
	TRY(bulla_json_parse(text, &document, err));
	bulla_tree_print(cli, document, 0);
	bulla_json_free(document);
	return BULLA_OK;
}

bulla_code bulla_run_inspect(bulla_cli *cli, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf input = { 0 };
	BULLA_BUF_AUTO bulla_buf answer = { 0 };
	const char *argument = bulla_cli_argument(cli, 0);
	if (argument && strcmp(argument, "-") != 0)
		TRY(bulla_buf_add_str(&input, argument, err));
	else
		TRY(bulla_cli_stdin(cli, INPUT_MAX, &input, err));
	TRY(look(bulla_view_buf(&input), &answer, err));
	if (cli->json)
		bulla_json_put_raw(bulla_cli_json(cli), "ciphertext", bulla_view_buf(&answer));
	else
		TRY(print(cli, bulla_view_buf(&answer), err));
	bulla_cli_next(cli, "bulla key list (the keys of this host)");
	return BULLA_OK;
}
