/*
 * search.c - the command `search`: rows whose field equals a value, through its blind index.
 */
#include "base/text.h"
#include "cli/commands.h"
#include "cli/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const bulla_option bulla_options_search[] = {
	{ "value-file", 0, "FILE", "the value is the content of FILE, - for stdin: it does not show in the process list" },
	{ NULL },
};

#define CANDIDATES_MAX 2

static bool whole_number(const char *text, int64_t *ret)
{
	char *end = NULL;
	char back[32];
	long long n = strtoll(text, &end, 10);
	*ret = n;
	return *text && !*end && snprintf(back, sizeof back, "%lld", n) > 0 && strcmp(back, text) == 0;
}

static bool truth(const char *text, int64_t *ret)
{
	*ret = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
	return *ret || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static bool real_number(const char *text, double *ret)
{
	char *end = NULL;
	*ret = strtod(text, &end);
	return *text && !*end;
}

static bulla_code fail_type(const bulla_field *field, bulla_error *err)
{
	return bulla_fail(err, BULLA_ERR_TYPE, "the value is not of the field's type, %s", bulla_type_name(field->type));
}

/* What the text may stand for. A field of type any holds texts and numbers, which are different values: both are looked for. */
static bulla_code candidates(const bulla_field *field, bulla_buf *text, bulla_value values[static CANDIDATES_MAX], size_t *ret_n,
			     bulla_error *err)
{
	const char *word = (const char *)text->data;
	bulla_value *first = &values[0];
	*ret_n = 1;
	*first = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = bulla_view_buf(text) };
	switch (field->type) {
	case BULLA_TYPE_INTEGER:
		first->kind = BULLA_KIND_INTEGER;
		return whole_number(word, &first->integer) ? BULLA_OK : fail_type(field, err);
	case BULLA_TYPE_BOOLEAN:
		first->kind = BULLA_KIND_BOOLEAN;
		return truth(word, &first->integer) ? BULLA_OK : fail_type(field, err);
	case BULLA_TYPE_FLOAT:
		first->kind = BULLA_KIND_FLOAT;
		return real_number(word, &first->number) ? BULLA_OK : fail_type(field, err);
	case BULLA_TYPE_BINARY:
		first->kind = BULLA_KIND_BINARY;
		return BULLA_OK;
	case BULLA_TYPE_ANY:
		values[1] = (bulla_value){ .kind = BULLA_KIND_INTEGER };
		if (whole_number(word, &values[1].integer)) *ret_n = 2;
		return BULLA_OK;
	default:
		return BULLA_OK;
	}
}

/* From the command line or a file, whose last line break is not part of it. */
static bulla_code read_value(const bulla_cli *cli, bulla_buf *out, bulla_error *err)
{
	const char *file = bulla_cli_value(cli, "value-file"), *argument = bulla_cli_argument(cli, 2);
	if (!file == !argument)
		return bulla_fail(err, BULLA_ERR_USAGE, "give the value once: as an argument, or with --value-file");
	if (argument) TRY(bulla_buf_add_str(out, argument, err));
	if (file) TRY(bulla_cli_read_file(cli, file, BULLA_VALUE_MAX, out, err));
	if (file && out->len && out->data[out->len - 1] == '\n') out->len--;
	return bulla_buf_terminate(out, err);
}

static bulla_code search(bulla_cli *cli, const bulla_job *job, const bulla_field *field, bulla_buf *text, bulla_printer *printer,
			 uint64_t *ret_hits, bulla_error *err)
{
	bulla_value values[CANDIDATES_MAX];
	size_t n = 0;
	TRY(candidates(field, text, values, &n, err));
	for (size_t i = 0; i < n; i++) {
		uint64_t hits = 0, strangers = 0;
		TRY(bulla_job_search(job, field, &values[i], cli->json ? bulla_print_json : bulla_print_block, printer, &hits,
				     &strangers, err));
		*ret_hits += hits;
		if (strangers)
			bulla_cli_say(cli, "%llu more had the same index and another value", (unsigned long long)strangers);
	}
	return BULLA_OK;
}

bulla_code bulla_run_search(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	BULLA_BUF_AUTO bulla_buf text = { .max = BULLA_VALUE_MAX + 16 };
	const bulla_model *model = NULL;
	const bulla_field *field = NULL;
	bulla_printer printer = { .cli = cli };
	bulla_job job;
	uint64_t hits = 0;
	cli->lines = true;
	TRY(read_value(cli, &text, err));
	TRY(bulla_cli_open(cli, BULLA_PROJECT_KEYRING, &project, err));
	TRY(bulla_cli_model(cli, project, &model, err));
	TRY(bulla_model_field(model, bulla_cli_argument(cli, 1), &field, err));
	TRY(bulla_cli_job(cli, project, model, NULL, &job, err));
	bulla_code code = search(cli, &job, field, &text, &printer, &hits, err);
	bulla_buf_done(&printer.line);
	TRY(code);
	bulla_cli_say(cli, "%llu %s", (unsigned long long)hits, bulla_plural(hits, "record", "records"));
	bulla_cli_next(cli, "bulla get %s ID [FIELD...]", model->key);
	return BULLA_OK;
}
