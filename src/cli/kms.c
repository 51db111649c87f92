/*
 * kms.c - the commands `kms ...`: the local key store as a whole.
 */
#include "base/text.h"
#include "cli/commands.h"
#include "cli/tombstones.h"
#include "cli/work.h"

#include <stdlib.h>
#include <string.h>

const bulla_option bulla_options_kms_backup[] = {
	{ "out", 'o', "FILE", "the new file; the same as the argument" },
	{ NULL },
};

const bulla_option bulla_options_kms_restore[] = {
	{ "force", 0, NULL, "where a key store is: keep it under another name" },
	{ NULL },
};

const bulla_option bulla_options_kms_rekey[] = {
	{ "root-key", 0, "SPEC", "file:PATH, passphrase:prompt, ... as root_key in bulla.yaml; default: a new one in its place" },
	{ NULL },
};

static void put_head(bulla_json_writer *w, const bulla_log_head *head)
{
	bulla_json_open(w, "log", '{');
	bulla_json_put_int(w, "size", (int64_t)head->size);
	bulla_json_put_base64(w, "root", bulla_view(head->root, sizeof head->root));
	bulla_json_close(w, '}');
}

static bulla_code print_head(bulla_cli *cli, const char *what, const char *path, const bulla_log_head *head, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf root = { 0 };
	TRY(bulla_base64_encode(bulla_view(head->root, sizeof head->root), &root, err));
	bulla_cli_print(cli, "%s %s", what, path);
	bulla_cli_print(cli, "audit log at that moment: %llu entries, root %.*s", (unsigned long long)head->size, (int)root.len,
			(const char *)root.data);
	return BULLA_OK;
}

bulla_code bulla_run_kms_backup(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	bulla_log_head head;
	const char *option = bulla_cli_value(cli, "out"), *argument = bulla_cli_argument(cli, 0),
		   *path = option ? option : argument;
	if (!path || (option && argument)) return bulla_fail(err, BULLA_ERR_USAGE, "name one file: bulla kms backup FILE");
	TRY(bulla_cli_open(cli, BULLA_PROJECT_ENGINE, &project, err));
	TRY(bulla_project_backup(project, path, &head, err));
	bulla_cli_next(cli, "move %s to another place than the root key; data is backed up first, the key store after", path);
	if (!cli->json) return print_head(cli, "backup, opened with the root key as a proof:", path, &head, err);
	bulla_json_put_str(bulla_cli_json(cli), "file", path);
	put_head(bulla_cli_json(cli), &head);
	return BULLA_OK;
}

bulla_code bulla_run_kms_restore(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	bulla_restored done;
	TRY(bulla_cli_open(cli, BULLA_PROJECT_SCHEMA, &project, err));
	TRY(bulla_project_restore(project, bulla_cli_argument(cli, 0), bulla_cli_switch(cli, "force"), &done, err));
	TRY(bulla_cli_bury(cli, project, &done.buried, err));
	if (done.adopt)
		bulla_cli_next(cli, "bulla audit verify, then: bulla audit adopt --reason \"restored from ...\"");
	else
		bulla_cli_next(cli, "bulla audit verify");
	if (cli->json) {
		bulla_json_writer *w = bulla_cli_json(cli);
		bulla_json_put_str(w, "store", project->paths.place);
		bulla_json_put_str(w, "replaced", done.replaced[0] ? done.replaced : NULL);
		bulla_json_put_bool(w, "needs_adoption", done.adopt);
		put_head(w, &done.head);
		bulla_cli_tell_buried(cli, done.buried);
		return BULLA_OK;
	}
	TRY(print_head(cli, "restored:", project->paths.place, &done.head, err));
	if (done.replaced[0]) bulla_cli_print(cli, "the store that was there is now %s", done.replaced);
	if (done.adopt)
		bulla_cli_print(cli, "it does not fit the audit log of this host, and refuses service until that is adopted");
	bulla_cli_tell_buried(cli, done.buried);
	return BULLA_OK;
}

static void print_rekeyed(bulla_cli *cli, const bulla_rekeyed *done)
{
	bulla_cli_print(cli, "the key store is wrapped under a new root key%s%s", done->root_key[0] ? ": " : "", done->root_key);
	if (done->retired[0]) bulla_cli_print(cli, "the old root key is now %s", done->retired);
	bulla_cli_print(cli, "new escrow: %s", done->escrow);
	if (done->retired_escrow[0]) bulla_cli_print(cli, "the old escrow is now %s", done->retired_escrow);
	bulla_cli_print(cli, "the old root key and escrow open backups made before now, and nothing else");
}

bulla_code bulla_run_kms_rekey(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	bulla_rekeyed done;
	const char *spec = bulla_cli_value(cli, "root-key");
	TRY(bulla_cli_open(cli, BULLA_PROJECT_ENGINE, &project, err));
	TRY(bulla_project_rekey(project, spec, &done, err));
	if (done.edit_config)
		bulla_cli_next(cli, "write root_key: %s into %s; then move %s off this host, and: bulla kms backup FILE", spec,
			       project->paths.config, done.escrow);
	else
		bulla_cli_next(cli, "move %s off this host, then: bulla kms backup FILE", done.escrow);
	if (!cli->json) {
		print_rekeyed(cli, &done);
		return BULLA_OK;
	}
	bulla_json_writer *w = bulla_cli_json(cli);
	bulla_json_put_str(w, "root_key", done.root_key[0] ? done.root_key : NULL);
	bulla_json_put_str(w, "retired", done.retired[0] ? done.retired : NULL);
	bulla_json_put_str(w, "escrow", done.escrow);
	bulla_json_put_str(w, "retired_escrow", done.retired_escrow[0] ? done.retired_escrow : NULL);
	bulla_json_put_bool(w, "edit_config", done.edit_config);
	return BULLA_OK;
}
