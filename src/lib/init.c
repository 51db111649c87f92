/*
 * init.c - makes a project's local key store: store, root key, log, first key, and the root key's escrow.
 *
 * Each step looks first whether a cut-off run has done it already, so `init` can be run again until it succeeds; the last step
 * leaves a mark, and from then on the store is complete and is never made again.
 */
#include "lib/inside.h"
#include "io/file.h"
#include "rootkey/rootkey.h"

#include <stdio.h>
#include <stdlib.h>

#define COMPLETE_NOTE "init"

#define ESCROW_COMMENT                                                                                                           \
	"# Escrow of the root key of a bulla key store: whoever has this file and a copy of the store has every key in it.\n"    \
	"# Move it off this host now: to a safe, a password manager, another person. Then delete it here.\n"                     \
	"# In an emergency name it in bulla.yaml: root_key: file:escrow.key\n"

static bulla_code is_complete(bulla_project *project, bool *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	bulla_code code = bulla_store_note_get(project->store, COMPLETE_NOTE, &note, err);
	*ret = code == BULLA_OK;
	return code == BULLA_ERR_NOT_FOUND ? BULLA_OK : code;
}

/* A key file that lies there without a store was put there on purpose, or by a run that was cut off: it becomes this store's. */
static bulla_code new_root(bulla_project *project, bulla_secret *ret_root, bulla_buf *ret_note, bulla_error *err)
{
	const char *spec = bulla_schema_environment(project->schema)->root_key;
	if (!bulla_file_exists(project->paths.root_key))
		return bulla_root_key_create(spec, project->paths.base_dir, ret_root, ret_note, err);
	TRY(bulla_buf_add_str(ret_note, "file", err));
	return bulla_root_key_load(spec, project->paths.base_dir, bulla_view_str("file"), ret_root, err);
}

static bulla_code first_rows(bulla_project *project, bulla_secret *ret_root, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	bulla_kms_store rows = bulla_store_kms(project->store);
	bulla_error none;
	if (bulla_engine_root_note(&rows, &note, &none) == BULLA_OK) return bulla_project_unlock(project, ret_root, err);
	TRY(new_root(project, ret_root, &note, err));
	bulla_engine_config config;
	bulla_project_engine_config(project, ret_root, &config);
	TRY(bulla_engine_init(&config, bulla_view_buf(&note), err));
	return bulla_project_unlock_with(project, ret_root, err);
}

static bulla_code first_key(bulla_project *project, bulla_error *err)
{
	bulla_key_info *keys = NULL;
	size_t n = 0;
	TRY(bulla_engine_list(project->engine, &keys, &n, err));
	free(keys);
	return n ? BULLA_OK : bulla_engine_create_key(project->engine, "first key", "alias/default", NULL, err);
}

/* Loads the escrow as an emergency would, and opens the store with nothing else. */
static bulla_code prove_escrow(bulla_project *project, bulla_error *err)
{
	BULLA_SECRET root = { 0 };
	char *spec = NULL;
	TRY(bulla_paths_printf(&spec, err, "file:%s", project->paths.escrow));
	/* the place is complete already: "." keeps it as it is unless it is relative to the working directory, which "." is too
	 * */
	bulla_code code = bulla_root_key_load(spec, ".", bulla_view_str("file"), &root, err);
	free(spec);
	TRY(code);
	bulla_engine_config config;
	bulla_project_engine_config(project, &root, &config);
	bulla_engine *second = NULL;
	TRY(bulla_engine_open(&config, &second, err));
	bulla_engine_free(second);
	return BULLA_OK;
}

static bulla_code write_escrow(bulla_project *project, const bulla_secret *root, bulla_error *err)
{
	if (!bulla_file_exists(project->paths.escrow))
		TRY(bulla_root_key_write(project->paths.escrow, root, ESCROW_COMMENT, err));
	bulla_code code = prove_escrow(project, err);
	if (code != BULLA_ERR_ROOT_KEY) return code;
	code = bulla_fail(err, BULLA_ERR_EXISTS, "%s holds the root key of another store", project->paths.escrow);
	return bulla_advise(err, code, "keep it with that store's backup, away from here, and run bulla init again");
}

static bulla_code fail_complete(const bulla_project *project, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_EXISTS, "there is a key store at %s already", project->paths.place);
	return bulla_advise(err, code, "use it (bulla key list), or name another one in bulla.yaml: store: sqlite:PATH");
}

static bulla_code fail_lost(const bulla_project *project, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED,
				     "the key store %s is not there, and an audit log beside it is (%s): it was lost",
				     project->paths.store, project->paths.log);
	return bulla_advise(
		err, code,
		"bulla kms restore FILE (its last backup); for a new one name another directory: store: sqlite:DIR/kms.db");
}

static bulla_code make(bulla_project *project, bulla_error *err)
{
	bool complete = false;
	if (project->paths.in_memory) return bulla_fail(err, BULLA_ERR_USAGE, "a store in memory is made when it is used");
	if (bulla_project_lost_store(project)) return fail_lost(project, err);
	TRY(bulla_directory_make(project->paths.directory, 0700, err));
	TRY(bulla_store_open(project->paths.store_url, true, &project->store, err));
	TRY(is_complete(project, &complete, err));
	if (complete) return fail_complete(project, err);
	BULLA_SECRET root = { 0 };
	TRY(first_rows(project, &root, err));
	TRY(bulla_project_open_log(project, true, err));
	TRY(bulla_project_open_engine(project, &root, err));
	TRY(first_key(project, err));
	TRY(write_escrow(project, &root, err));
	return bulla_store_note_set(project->store, COMPLETE_NOTE, bulla_view_str("complete"), err);
}

/* The project goes back to what it was: open as SCHEMA. */
static void shut(bulla_project *project)
{
	bulla_engine_free(project->engine);
	bulla_log_close(project->log);
	bulla_store_close(project->store);
	if (project->pool) bulla_pool_give(project->pool, project->sign_seed);
	if (project->pool) bulla_pool_give(project->pool, project->root_key);
	project->engine = NULL;
	project->log = NULL;
	project->store = NULL;
	project->sign_seed = NULL;
	project->root_key = NULL;
}

bulla_code bulla_project_init_store(bulla_project *project, char *ret_escrow, size_t escrow_size, bulla_error *err)
{
	bulla_code code = make(project, err);
	shut(project);
	if (code == BULLA_OK) (void)snprintf(ret_escrow, escrow_size, "%s", project->paths.escrow);
	return code;
}

bulla_code bulla_project_has_store(bulla_project *project, bool *ret, bulla_error *err)
{
	*ret = false;
	if (project->paths.in_memory || (project->paths.store && !bulla_file_exists(project->paths.store))) return BULLA_OK;
	bulla_code code = bulla_store_open(project->paths.store_url, false, &project->store, err);
	bool missing = code == BULLA_ERR_NOT_FOUND && !project->paths.store; /* tables that nobody has made */
	if (code == BULLA_OK) code = is_complete(project, ret, err);
	shut(project);
	return missing ? BULLA_OK : code;
}

bool bulla_project_escrow_is_here(const bulla_project *project)
{
	return bulla_file_exists(project->paths.escrow);
}
