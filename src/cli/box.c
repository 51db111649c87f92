/*
 * box.c - the commands `encrypt` and `decrypt`: single values through stdin and stdout, as exact bytes.
 */
#include "base/text.h"
#include "cli/commands.h"
#include "cli/records.h"

#include <bulla/box.h>
#include <unistd.h>

#define CONTEXT_MAX    64
#define CIPHERTEXT_MAX (24u << 20)                 /* of a field: 16 MiB in base64, with room */
#define BOX_TEXT_MAX   (BULLA_BOX_MAX * 2 + 65536) /* a box in base64, with up to sixteen wraps */

#define RECORD_OPTIONS                                                                                                           \
	{ "model", 'm', "MODEL", "of one record's field: the model" },                                                           \
		{ "id", 'i', "ID", "of one record's field: the primary key" },                                                   \
		{ "pk", 0, "COLUMN=VALUE", "the primary key column by column, instead of --id" },                                \
	{                                                                                                                        \
		"field", 'f', "FIELD", "of one record's field: the field"                                                        \
	}

const bulla_option bulla_options_encrypt[] = {
	{ "context", 'x', "NAME=VALUE", "bound to the box: opening needs the same; repeatable" },
	{ "key", 'k', "KEY", "one key instead of the environment's" },
	{ "binary", 'b', NULL, "the box as raw bytes, not as a line of text" },
	RECORD_OPTIONS,
	{ NULL },
};

const bulla_option bulla_options_decrypt[] = {
	{ "context", 'x', "NAME=VALUE", "as it was given to `encrypt`; repeatable" },
	RECORD_OPTIONS,
	{ NULL },
};

/* What --context gave. */
typedef struct context {
	bulla_pair pairs[CONTEXT_MAX];
	size_t n;
} context;

/* One field of one record, as the options name it. */
typedef struct place {
	bulla_job job;
	const bulla_field *field;
	bulla_bytes pk[BULLA_INPUTS_MAX];
	size_t pk_count;
} place;

static bool is_field(const bulla_cli *cli)
{
	return bulla_cli_value(cli, "model") || bulla_cli_value(cli, "field") || bulla_cli_value(cli, "id") ||
	       bulla_cli_value(cli, "pk");
}

static bulla_code find_place(bulla_cli *cli, bulla_project *project, place *ret, bulla_error *err)
{
	const char *model_key = bulla_cli_value(cli, "model"), *field = bulla_cli_value(cli, "field");
	const bulla_model *model = NULL;
	if (!model_key || !field)
		return bulla_fail(err, BULLA_ERR_USAGE, "a record's field is named by --model, --id and --field together");
	if (bulla_cli_value(cli, "context"))
		return bulla_fail(err, BULLA_ERR_USAGE, "a record's context comes from its row: no --context");
	TRY(bulla_schema_model(project->schema, model_key, &model, err));
	TRY(bulla_model_field(model, field, &ret->field, err));
	TRY(bulla_cli_pk(cli, model, bulla_cli_value(cli, "id"), ret->pk, &ret->pk_count, err));
	return bulla_cli_job(cli, project, model, NULL, &ret->job, err);
}

/* The exact bytes; with --json a member: text where `text` says that it is, else {"base64": ...}. */
static bulla_code answer(bulla_cli *cli, const char *name, bulla_bytes bytes, bool text, bulla_error *err)
{
	if (!cli->json) return bulla_cli_write(cli, bytes, err);
	bulla_json_writer *w = bulla_cli_json(cli);
	if (text) {
		bulla_json_put_bytes(w, name, bytes);
		return BULLA_OK;
	}
	bulla_json_open(w, name, '{');
	bulla_json_put_base64(w, "base64", bytes);
	bulla_json_close(w, '}');
	return BULLA_OK;
}

static bulla_code seal_field(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf plain = { .max = BULLA_VALUE_MAX + 65536 };
	BULLA_BUF_AUTO bulla_buf sealed = { .max = CIPHERTEXT_MAX };
	place at = { 0 };
	TRY(find_place(cli, project, &at, err));
	TRY(bulla_cli_stdin(cli, BULLA_VALUE_MAX, &plain, err));
	TRY(bulla_job_seal_value(&at.job, at.pk, at.pk_count, at.field, bulla_view_buf(&plain), &sealed, err));
	bulla_cli_next(cli, "bulla decrypt with the same --model, --id and --field");
	return answer(cli, "ciphertext", bulla_view_buf(&sealed), false, err);
}

/* The ciphertext on stdin; without one, what the record holds. */
static bulla_code open_field(bulla_cli *cli, bulla_project *project, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf given = { .max = CIPHERTEXT_MAX };
	BULLA_BUF_AUTO bulla_buf plain = { .max = BULLA_VALUE_MAX + 65536 };
	place at = { 0 };
	TRY(find_place(cli, project, &at, err));
	if (!isatty(STDIN_FILENO)) TRY(bulla_cli_stdin(cli, CIPHERTEXT_MAX - 1, &given, err));
	TRY(given.len ? bulla_job_open_given(&at.job, at.pk, at.pk_count, at.field, bulla_view_buf(&given), &plain, err)
		      : bulla_job_open_value(&at.job, at.pk, at.pk_count, at.field, &plain, err));
	return answer(cli, "value", bulla_view_buf(&plain), bulla_utf8_valid(bulla_view_buf(&plain)), err);
}

static bulla_code seal_box(bulla_cli *cli, bulla_project *project, const context *x, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf plain = { 0 };
	BULLA_BUF_AUTO bulla_buf box = { 0 };
	bool text = !bulla_cli_switch(cli, "binary");
	TRY(bulla_cli_stdin(cli, BULLA_BOX_MAX, &plain, err));
	TRY(bulla_box_seal(project->keyring, bulla_cli_value(cli, "key"), x->pairs, x->n, bulla_view_buf(&plain), text, &box,
			   err));
	if (text && !cli->json) TRY(bulla_buf_add_str(&box, "\n", err));
	bulla_cli_next(cli, "bulla decrypt with the same --context");
	return answer(cli, "box", bulla_view_buf(&box), text, err);
}

static bulla_code open_box(bulla_cli *cli, bulla_project *project, const context *x, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf box = { 0 };
	BULLA_BUF_AUTO bulla_buf plain = { 0 };
	TRY(bulla_cli_stdin(cli, BOX_TEXT_MAX, &box, err));
	bulla_bytes view = bulla_view_buf(&box);
	bool text = view.len >= 3 && memcmp(view.data, "b1:", 3) == 0;
	while (text && (view.data[view.len - 1] == '\n' || view.data[view.len - 1] == '\r'))
		view.len--;
	TRY(bulla_box_open(project->keyring, x->pairs, x->n, view, &plain, err));
	return answer(cli, "value", bulla_view_buf(&plain), bulla_utf8_valid(bulla_view_buf(&plain)), err);
}

bulla_code bulla_run_encrypt(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	context x = { 0 };
	TRY(bulla_cli_pairs(cli, "context", x.pairs, CONTEXT_MAX, &x.n, err));
	TRY(bulla_cli_open(cli, BULLA_PROJECT_KEYRING, &project, err));
	return is_field(cli) ? seal_field(cli, project, err) : seal_box(cli, project, &x, err);
}

bulla_code bulla_run_decrypt(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	context x = { 0 };
	TRY(bulla_cli_pairs(cli, "context", x.pairs, CONTEXT_MAX, &x.n, err));
	TRY(bulla_cli_open(cli, BULLA_PROJECT_KEYRING, &project, err));
	bulla_cli_next(cli, "bulla audit show (this decryption is in it)");
	return is_field(cli) ? open_field(cli, project, err) : open_box(cli, project, &x, err);
}
