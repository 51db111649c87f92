/*
 * init.c - the command `init`: bulla.yaml, the local key store, its first key, the root key's escrow.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/proposal.h"
#include "cli/work.h"
#include "lib/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE     4096
#define KEPT_A_SECOND 100 /* files that give way to another */

const bulla_option bulla_options_init[] = {
	{ "database", 'd', "URL", "sqlite:PATH, relative to bulla.yaml" },
	{ "table", 't', "TABLE", "a table to encrypt; repeatable" },
	{ "fields", 'f', "NAME,...", "columns of the table named before" },
	{ "index", 'i', "NAME,...", "those of them that `bulla search` must find" },
	{ "force", 0, NULL, "keep an existing bulla.yaml under another name and write a new one" },
	{ NULL },
};

/* What is made up on the way. */
typedef struct plan {
	char config[PATH_SIZE];
	char directory[PATH_SIZE];
	const char *environment;
	bulla_wish *wishes; /* BULLA_TABLES_MAX of them */
	size_t wish_count;
	bulla_json *proposals[BULLA_TABLES_MAX];
	bulla_buf text;
	bulla_buf warnings;
	bool written;
	char kept[PATH_SIZE];
	char escrow[PATH_SIZE];
} plan;

static void plan_done(plan *p)
{
	for (size_t i = 0; i < p->wish_count; i++)
		bulla_json_free(p->proposals[i]);
	free(p->wishes);
	bulla_buf_done(&p->text);
	bulla_buf_done(&p->warnings);
}

static const char *first_of(const char *given, const char *variable, const char *preset)
{
	const char *set = getenv(variable);
	if (given && *given) return given;
	return set && *set ? set : preset;
}

static bulla_code find_places(const bulla_cli *cli, plan *p, bulla_error *err)
{
	const char *config = first_of(bulla_cli_value(cli, "config"), "BULLA_CONFIG", "bulla.yaml"),
		   *slash = strrchr(config, '/');
	p->environment = first_of(bulla_cli_value(cli, "env"), "BULLA_ENV", "development");
	int n = snprintf(p->config, sizeof p->config, "%s", config);
	(void)snprintf(p->directory, sizeof p->directory, "%.*s", slash ? (int)(slash - config) + 1 : 1, slash ? config : ".");
	return n < 0 || (size_t)n >= sizeof p->config ? bulla_fail(err, BULLA_ERR_LIMIT, "the path of bulla.yaml is too long")
						      : BULLA_OK;
}

/* --- the text -------------------------------------------------------------------------------------------------------- */
static bulla_code propose(const char *url, const char *directory, const bulla_wish *wish, bulla_json **ret, bulla_error *err)
{
	char *names[64] = { NULL };
	BULLA_BUF_AUTO bulla_buf answer = { 0 };
	bulla_code code = BULLA_OK;
	for (size_t i = 0; i < wish->field_count && code == BULLA_OK; i++) {
		names[i] = strndup((const char *)wish->fields[i].data, wish->fields[i].len);
		if (!names[i]) code = bulla_fail_memory(err);
	}
	if (code == BULLA_OK)
		code = bulla_database_propose(url, directory, wish->table, (const char *const *)names, wish->field_count, &answer,
					      err);
	if (code == BULLA_OK) code = bulla_json_parse(bulla_view_buf(&answer), ret, err);
	for (size_t i = 0; i < wish->field_count; i++)
		free(names[i]);
	return code;
}

static bulla_code read_wishes(const bulla_cli *cli, plan *p, bulla_error *err)
{
	const char *url = bulla_cli_value(cli, "database");
	p->wishes = calloc(BULLA_TABLES_MAX, sizeof *p->wishes);
	if (!p->wishes) return bulla_fail_memory(err);
	TRY(bulla_wishes_read(cli, p->wishes, &p->wish_count, err));
	if (p->wish_count && !url) return bulla_fail(err, BULLA_ERR_USAGE, "--table needs --database URL");
	for (size_t i = 0; i < p->wish_count; i++)
		TRY(propose(url, p->directory, &p->wishes[i], &p->proposals[i], err));
	return BULLA_OK;
}

static const char *no_variable(void *self, const char *name)
{
	(void)self, (void)name;
	return NULL;
}

/* A file of ours that we could not read ourselves must not be written. */
static bulla_code make_text(const bulla_cli *cli, plan *p, bulla_error *err)
{
	bulla_schema *schema = NULL;
	TRY(read_wishes(cli, p, err));
	TRY(bulla_proposal_write(p->environment, bulla_cli_value(cli, "database"), p->wishes, p->proposals, p->wish_count,
				 &p->text, &p->warnings, err));
	TRY(bulla_schema_parse(bulla_view_buf(&p->text), p->config, p->environment, NULL, no_variable, NULL, &schema, err));
	bulla_schema_free(schema);
	return BULLA_OK;
}

/* --- the file -------------------------------------------------------------------------------------------------------- */
static bool is_there(const plan *p)
{
	return access(p->config, F_OK) == 0;
}

/* The same text: a run that was cut off after writing it goes on from there. */
static bool is_ours(const bulla_cli *cli, const plan *p)
{
	BULLA_BUF_AUTO bulla_buf old = { 0 };
	bulla_error ignored;
	return bulla_cli_read_file(cli, p->config, BULLA_YAML_MAX, &old, &ignored) == BULLA_OK &&
	       bulla_bytes_equal(bulla_view_buf(&old), bulla_view_buf(&p->text));
}

/* What is kept of one second after the first gets a number. */
static bool name_kept(plan *p, const char *stamp, unsigned number)
{
	char more[16] = "";
	if (number > 1) (void)snprintf(more, sizeof more, "-%u", number);
	int n = snprintf(p->kept, sizeof p->kept, "%s.%s%s", p->config, stamp, more);
	return n > 0 && (size_t)n < sizeof p->kept;
}

static bulla_code keep_old(plan *p, bulla_error *err)
{
	char stamp[17];
	bulla_stamp_now(stamp);
	for (unsigned number = 1; number <= KEPT_A_SECOND; number++) {
		if (!name_kept(p, stamp, number)) return bulla_fail(err, BULLA_ERR_LIMIT, "the path of bulla.yaml is too long");
		if (access(p->kept, F_OK) != 0)
			return rename(p->config, p->kept) ? bulla_fail_errno(err, errno, "cannot rename %s", p->config)
							  : BULLA_OK;
	}
	return bulla_fail(err, BULLA_ERR_EXISTS, "%s exists", p->kept);
}

static bulla_code write_config(const bulla_cli *cli, plan *p, bulla_error *err)
{
	bool there = is_there(p), force = bulla_cli_switch(cli, "force");
	bool asked = bulla_cli_value(cli, "database") || bulla_cli_value(cli, "table");
	if (there && !asked && !force) return BULLA_OK; /* the key store of the file that is there */
	TRY(make_text(cli, p, err));
	if (there && is_ours(cli, p)) return BULLA_OK;
	if (there && !force) {
		bulla_code code = bulla_fail(err, BULLA_ERR_EXISTS, "%s exists", p->config);
		return bulla_advise(err, code,
				    "add the model to it by hand, or keep it under another name: bulla init --force ...");
	}
	if (there) TRY(keep_old(p, err));
	TRY(bulla_cli_write_file(p->config, bulla_view_buf(&p->text), err));
	p->written = true;
	return BULLA_OK;
}

/* A key store that is there stays: only a new bulla.yaml makes that a success. */
static bulla_code make_store(bulla_project *project, plan *p, bulla_error *err)
{
	bool complete = false;
	if (p->written) TRY(bulla_project_has_store(project, &complete, err));
	return complete ? BULLA_OK : bulla_project_init_store(project, p->escrow, sizeof p->escrow, err);
}

/* --- the answer ------------------------------------------------------------------------------------------------------ */
static bool take_line(bulla_bytes *rest, bulla_bytes *ret)
{
	if (rest->len == 0) return false;
	const uint8_t *end = memchr(rest->data, '\n', rest->len);
	ret->data = rest->data;
	ret->len = end ? (size_t)(end - rest->data) : rest->len;
	*rest = end ? bulla_view(end + 1, rest->len - ret->len - 1) : bulla_view(NULL, 0);
	return true;
}

static void answer_json(bulla_cli *cli, const bulla_project *project, const plan *p)
{
	bulla_json_writer *w = bulla_cli_json(cli);
	bulla_bytes line, rest = bulla_view_buf(&p->warnings);
	size_t n = 0;
	const bulla_model *models = bulla_schema_models(project->schema, &n);
	bulla_json_put_str(w, "config", p->config);
	bulla_json_put_bool(w, "written", p->written);
	bulla_json_put_str(w, "kept", p->kept[0] ? p->kept : NULL);
	bulla_json_put_str(w, "store", project->paths.place);
	bulla_json_put_str(w, "root_key", project->paths.root_key);
	bulla_json_put_str(w, "escrow", p->escrow[0] ? p->escrow : NULL);
	bulla_json_open(w, "models", '[');
	for (size_t i = 0; i < n; i++)
		bulla_json_put_str(w, NULL, models[i].key);
	bulla_json_close(w, ']');
	bulla_json_open(w, "warnings", '[');
	while (take_line(&rest, &line))
		bulla_json_put_bytes(w, NULL, line);
	bulla_json_close(w, ']');
}

static void answer_words(bulla_cli *cli, const bulla_project *project, const plan *p)
{
	if (p->kept[0]) bulla_cli_print(cli, "%s is now %s", p->config, p->kept);
	if (p->written) bulla_cli_print(cli, "wrote %s", p->config);
	if (!p->escrow[0]) {
		bulla_cli_print(cli, "the key store %s was there already and stays", project->paths.place);
		return;
	}
	bulla_cli_print(cli, "made the key store %s with a first key, alias/default", project->paths.place);
	if (project->paths.root_key) bulla_cli_print(cli, "made its root key %s", project->paths.root_key);
	bulla_cli_print(cli, "made the root key's escrow %s, and opened the store with it", p->escrow);
}

static bulla_code init(bulla_cli *cli, plan *p, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	size_t models = 0;
	TRY(find_places(cli, p, err));
	TRY(write_config(cli, p, err));
	TRY(bulla_project_open(p->config, p->environment, BULLA_PROJECT_SCHEMA, &project, err));
	TRY(make_store(project, p, err));
	bulla_bytes line, rest = bulla_view_buf(&p->warnings);
	while (!cli->json && take_line(&rest, &line))
		bulla_cli_warn(cli, "%.*s", (int)line.len, (const char *)line.data);
	if (cli->json)
		answer_json(cli, project, p);
	else
		answer_words(cli, project, p);
	(void)bulla_schema_models(project->schema, &models);
	bulla_cli_next(cli, "move %s off this host; read %s; then: %s", project->paths.escrow, p->config,
		       models ? "bulla plan" : "add a model to it, and bulla plan");
	return BULLA_OK;
}

bulla_code bulla_run_init(bulla_cli *cli, bulla_error *err)
{
	plan p = { 0 };
	bulla_code code = init(cli, &p, err);
	plan_done(&p);
	return code;
}
