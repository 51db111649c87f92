/*
 * project.c - opens what bulla.yaml stands for, step by step, and closes it again.
 */
#include "lib/inside.h"
#include "base/text.h"
#include "crypto/sign.h"
#include "io/file.h"
#include "lib/history.h"
#include "lib/witness.h"
#include "provider/providers.h"
#include "rootkey/rootkey.h"

#include <stdio.h>
#include <stdlib.h>

/* The note in which the log's name and public key are kept, for readers without the root key. */
#define LOG_NOTE "log"

/* --- bulla.yaml ------------------------------------------------------------------------------------------------ */
static const char *lookup(void *self, const char *name)
{
	(void)self;
	return getenv(name);
}

static bulla_code read_schema(bulla_project *project, const char *environment, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_code code = bulla_file_read(project->paths.config, BULLA_YAML_MAX, &text, err);
	if (code == BULLA_ERR_NOT_FOUND) return bulla_advise(err, code, "bulla init, or name the file: --config FILE");
	TRY(code);
	if (!environment || !*environment) environment = getenv("BULLA_ENV");
	if (!environment || !*environment) environment = "development";
	return bulla_schema_parse(bulla_view_buf(&text), project->paths.config, environment, getenv("KMS_KEY_ID"), lookup, NULL,
				  &project->schema, err);
}

static bulla_code parse(bulla_project *project, bulla_bytes text, bulla_error *err)
{
	return bulla_schema_parse(text, "the command line", "development", NULL, lookup, NULL, &project->schema, err);
}

static bulla_code read_all(bulla_project *project, const char *config, const char *environment, const bulla_bytes *text,
			   bulla_error *err)
{
	project->clock = (bulla_clock){ bulla_now_us, NULL };
	bulla_principal_now(project->principal, sizeof project->principal);
	TRY(bulla_paths_config(&project->paths, config, err));
	TRY(text ? parse(project, *text, err) : read_schema(project, environment, err));
	TRY(bulla_paths_environment(&project->paths, bulla_schema_environment(project->schema), err));
	return bulla_project_open_backend(&project->backend, err);
}

static bulla_code read_project(const char *config, const char *environment, const bulla_bytes *text, bulla_project **out,
			       bulla_error *err)
{
	bulla_project *project = calloc(1, sizeof *project);
	if (!project) return bulla_fail_memory(err);
	bulla_code code = read_all(project, config, environment, text, err);
	if (code) {
		bulla_project_close(project);
		return code;
	}
	*out = project;
	return BULLA_OK;
}

bulla_code bulla_project_read(const char *config, const char *environment, bulla_project **out, bulla_error *err)
{
	return read_project(config, environment, NULL, out, err);
}

bulla_code bulla_project_read_text(bulla_bytes config, bulla_project **out, bulla_error *err)
{
	return read_project("./bulla.yaml", NULL, &config, out, err);
}

/* --- the store ------------------------------------------------------------------------------------------------- */
static bool engine_has(const char *key_id)
{
	const bulla_provider *provider = key_id ? bulla_provider_find(bulla_view_str(key_id)) : NULL;
	return provider && strcmp(provider->name, "local") == 0;
}

static bool model_needs_store(const bulla_model *model)
{
	if (model->branch.name.text || model->data_key == BULLA_DATA_KEY_FIELD || model->data_key == BULLA_DATA_KEY_TABLE)
		return true;
	for (size_t i = 0; i < model->field_count; i++)
		if (model->fields[i].index) return true;
	for (size_t i = 0; i < model->key_count; i++)
		if (engine_has(model->keys[i].kms_key)) return true;
	return false;
}

/* Keys of the engine, branch keys and index keys lie in the store. */
static bool needs_store(const bulla_schema *schema)
{
	const bulla_environment *environment = bulla_schema_environment(schema);
	for (size_t i = 0; i < environment->key_count; i++)
		if (engine_has(environment->keys[i])) return true;
	for (size_t i = 0; i < environment->previous_count; i++)
		if (engine_has(environment->previous[i])) return true;
	size_t n = 0;
	const bulla_model *models = bulla_schema_models(schema, &n);
	for (size_t i = 0; i < n; i++)
		if (model_needs_store(&models[i])) return true;
	return false;
}

/* A log without its store belongs to one that was lost: a new store would open nothing of what that one has sealed. */
bool bulla_project_lost_store(const bulla_project *project)
{
	return project->paths.store && !bulla_file_exists(project->paths.store) && bulla_file_exists(project->paths.log);
}

static bulla_code fail_no_store(const bulla_project *project, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no key store at %s", project->paths.place);
	if (!bulla_project_lost_store(project)) return bulla_advise(err, code, "bulla init");
	return bulla_advise(err, code, "its audit log is there, so it was lost: bulla kms restore FILE (its last backup)");
}

bulla_code bulla_project_open_store(bulla_project *project, bulla_error *err)
{
	const bool in_memory = project->paths.in_memory, in_file = project->paths.store != NULL;
	if (in_memory && !bulla_schema_environment(project->schema)->insecure) {
		bulla_code code = bulla_fail(err, BULLA_ERR_CONFIG, "a store that ends with the process (%s) is for tests",
					     project->paths.store_url);
		return bulla_advise(err, code,
				    "name one that stays (store: sqlite:PATH), or mark the environment with insecure: true");
	}
	bulla_code code = in_file && !bulla_file_exists(project->paths.store)
				  ? BULLA_ERR_NOT_FOUND
				  : bulla_store_open_patiently(project->paths.store_url, in_memory, &project->patience,
							       &project->store, err);
	if (code == BULLA_ERR_NOT_FOUND) return needs_store(project->schema) ? fail_no_store(project, err) : BULLA_OK;
	TRY(code);
	project->branches = bulla_store_branches(project->store);
	return BULLA_OK;
}

bulla_code bulla_project_need_engine(const bulla_project *project, bulla_error *err)
{
	return project->store ? BULLA_OK : fail_no_store(project, err);
}

/* --- root key, log, engine ------------------------------------------------------------------------------------- */
bulla_code bulla_project_unlock_with(bulla_project *project, const bulla_secret *root, bulla_error *err)
{
	BULLA_SECRET seed = { 0 };
	bulla_kms_store rows = bulla_store_kms(project->store);
	TRY(bulla_engine_log_seed(&rows, root->bytes, &seed, err));
	TRY(bulla_ed25519_public(seed.bytes, project->log_public, err));
	(void)snprintf(project->log_origin, sizeof project->log_origin, "bulla/%08x",
		       (unsigned)bulla_get_u32(project->log_public));
	if (!project->pool) TRY(bulla_pool_new(&project->pool, err));
	if (!project->sign_seed) TRY(bulla_pool_take(project->pool, &project->sign_seed, err));
	if (!project->root_key) TRY(bulla_pool_take(project->pool, &project->root_key, err));
	*project->sign_seed = seed;
	*project->root_key = *root;
	return BULLA_OK;
}

static bulla_code load_root(const bulla_project *project, const char *spec, bulla_secret *ret_root, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	bulla_kms_store rows = bulla_store_kms(project->store);
	TRY(bulla_engine_root_note(&rows, &note, err));
	return bulla_root_key_load(spec, project->paths.base_dir, bulla_view_buf(&note), ret_root, err);
}

/* A rekey that was killed between the store's transaction and the renaming has left the right key beside the old one. */
static bulla_code unlock_waiting(bulla_project *project, bulla_secret *ret_root, bulla_error *err)
{
	char *spec = NULL;
	TRY(bulla_paths_printf(&spec, err, "%s%s", bulla_schema_environment(project->schema)->root_key, BULLA_NEW_SUFFIX));
	bulla_code code = load_root(project, spec, ret_root, err);
	free(spec);
	return code ? code : bulla_project_unlock_with(project, ret_root, err);
}

/* The escrow is a root key file like the lost one; where it lies still, its own name is told. */
static bulla_code fail_missing(const bulla_project *project, bulla_error *err)
{
	const char *file = project->paths.root_key, *escrow = project->paths.escrow;
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "the root key file %s is missing", file);
	return bulla_advise(err, code,
			    "put the escrow that init or rekey wrote in its place: install -m 600 %s %s; then: bulla kms rekey",
			    bulla_file_exists(escrow) ? escrow : "ESCROW.key", file);
}

bulla_code bulla_project_unlock(bulla_project *project, bulla_secret *ret_root, bulla_error *err)
{
	if (project->root_key && bulla_pool_is_wiped(project->pool)) {
		bulla_code code = bulla_fail(err, BULLA_ERR_USAGE,
					     "this project was opened before a fork: its root key did not survive it");
		return bulla_advise(err, code, "open it in the child");
	}
	if (project->root_key) {
		*ret_root = *project->root_key;
		return bulla_project_unlock_with(project, ret_root, err);
	}
	bulla_code code = load_root(project, bulla_schema_environment(project->schema)->root_key, ret_root, err);
	if (code == BULLA_OK) code = bulla_project_unlock_with(project, ret_root, err);
	if ((code == BULLA_ERR_ROOT_KEY || code == BULLA_ERR_NOT_FOUND) && project->paths.root_key) {
		bulla_error ignored; /* the first failure is the one to tell of */
		if (unlock_waiting(project, ret_root, &ignored) == BULLA_OK) code = BULLA_OK;
		if (code == BULLA_ERR_NOT_FOUND && !bulla_file_exists(project->paths.root_key)) return fail_missing(project, err);
	}
	return code ? code : bulla_project_settle_keys(&project->paths, ret_root, NULL, NULL, err);
}

static bulla_code note_log(bulla_project *project, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	TRY(bulla_buf_printf(&note, err, "%s ", project->log_origin));
	TRY(bulla_hex_encode(bulla_view(project->log_public, sizeof project->log_public), &note, err));
	return bulla_store_note_set(project->store, LOG_NOTE, bulla_view_buf(&note), err);
}

bulla_code bulla_project_need_log(const bulla_project *project, bulla_error *err)
{
	if (project->paths.in_memory) return bulla_fail(err, BULLA_ERR_USAGE, "a key store in memory has no audit log");
	if (!project->paths.log || bulla_file_exists(project->paths.log))
		return BULLA_OK; /* opening it tells of one in the store */
	bulla_code code = bulla_fail(err, BULLA_ERR_AUDIT, "the audit log %s is missing", project->paths.log);
	return bulla_advise(err, code,
			    "put it back from a backup, or: bulla audit adopt --reason \"why it is gone\" (begins a new one)");
}

bulla_code bulla_project_log(bulla_project *project, const bulla_secret *seed, bool create, bulla_log **out, bulla_error *err)
{
	if (project->paths.log)
		return bulla_log_open_patiently(project->paths.log, project->log_origin, seed, create, &project->patience, out,
						err);
	bulla_code code = bulla_store_log_open(project->store, project->log_origin, seed, create, out, err);
	if (code == BULLA_ERR_NOT_FOUND && err) err->code = BULLA_ERR_AUDIT;
	return code == BULLA_ERR_NOT_FOUND ? BULLA_ERR_AUDIT : code;
}

bulla_code bulla_project_open_log(bulla_project *project, bool create, bulla_error *err)
{
	if (!create) TRY(bulla_project_need_log(project, err));
	if (create) TRY(note_log(project, err));
	TRY(bulla_project_log(project, project->sign_seed, create, &project->log, err));
	return bulla_log_head_now(project->log, &project->log_head, err);
}

/* Without the root key the log can still be read: its name is in a note of the store. */
static bulla_code open_log_for_reading(bulla_project *project, bulla_error *err)
{
	if (project->paths.log && !bulla_file_exists(project->paths.log)) return BULLA_OK;
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	bulla_code code = bulla_store_note_get(project->store, LOG_NOTE, &note, err);
	if (code == BULLA_ERR_NOT_FOUND) return BULLA_OK;
	TRY(code);
	const uint8_t *blank = note.len ? memchr(note.data, ' ', note.len) : NULL;
	size_t length = blank ? (size_t)(blank - note.data) : 0;
	if (!blank || length >= sizeof project->log_origin ||
	    !bulla_hex_read(bulla_view(blank + 1, note.len - length - 1), project->log_public, sizeof project->log_public))
		return bulla_fail(err, BULLA_ERR_CORRUPT, "the store's note about its audit log is damaged");
	memcpy(project->log_origin, note.data, length);
	return bulla_project_log(project, NULL, false, &project->log, err);
}

static int64_t now_us(void *self)
{
	const bulla_project *project = self;
	return project->clock.now_us(project->clock.self);
}

void bulla_project_engine_config(bulla_project *project, const bulla_secret *root, bulla_engine_config *config)
{
	*config = (bulla_engine_config){
		.store = bulla_store_kms(project->store),
		.clock = { now_us, project },
		.backend = project->backend,
		.root_key = root->bytes,
		.principal = project->principal,
		.account = project->account,
		.region = project->region,
	};
	if (project->log) config->audit = bulla_log_sink(project->log);
	if (project->short_log) config->audit = bulla_short_log_sink(project->short_log);
}

bulla_code bulla_project_open_engine(bulla_project *project, const bulla_secret *root, bulla_error *err)
{
	bulla_engine_config config;
	bulla_project_engine_config(project, root, &config);
	return bulla_engine_open(&config, &project->engine, err);
}

/* A store in memory is new each time: with a root key that nobody keeps, and a log that nobody reads. */
static bulla_code open_in_memory(bulla_project *project, bulla_error *err)
{
	BULLA_SECRET root = { 0 };
	bulla_lane *lane = NULL;
	TRY(bulla_lane_new(&lane, err));
	bulla_code code = bulla_random(lane, root.bytes, sizeof root.bytes, err);
	bulla_lane_free(lane);
	TRY(code);
	TRY(bulla_short_log_new(&project->short_log, err));
	bulla_engine_config config;
	bulla_project_engine_config(project, &root, &config);
	TRY(bulla_engine_init(&config, bulla_view_str("memory"), err));
	TRY(bulla_project_unlock_with(project, &root, err));
	TRY(bulla_engine_open(&config, &project->engine, err));
	return bulla_engine_create_key(project->engine, "in memory", "alias/default", NULL, err);
}

bulla_code bulla_project_open_on_disk(bulla_project *project, bulla_error *err)
{
	BULLA_SECRET root = { 0 };
	TRY(bulla_project_unlock(project, &root, err));
	TRY(bulla_project_open_log(project, false, err));
	TRY(bulla_project_open_engine(project, &root, err));
	TRY(bulla_project_check_heads(project, err));
	return bulla_engine_tick(project->engine, err);
}

/* --- the whole ------------------------------------------------------------------------------------------------- */
static bulla_code open_deeper(bulla_project *project, const bulla_keyring_options *options, bulla_project_depth depth,
			      bulla_error *err)
{
	if (depth == BULLA_PROJECT_SCHEMA) return BULLA_OK;
	TRY(bulla_project_open_store(project, err));
	if (project->store) {
		if (project->paths.in_memory)
			TRY(open_in_memory(project, err));
		else if (depth == BULLA_PROJECT_STORE)
			TRY(open_log_for_reading(project, err));
		else
			TRY(bulla_project_open_on_disk(project, err));
	}
	return depth < BULLA_PROJECT_KEYRING ? BULLA_OK : bulla_project_open_keyring(project, options, err);
}

static bulla_code open_project(const bulla_keyring_options *options, bulla_project_depth depth, const bulla_patience *patience,
			       bulla_project **out, bulla_error *err)
{
	bulla_project *project = NULL;
	TRY(bulla_project_read(options->config, options->environment, &project, err));
	project->patience = *patience;
	bulla_code code = open_deeper(project, options, depth, err);
	if (code) {
		bulla_project_close(project);
		return code;
	}
	*out = project;
	return BULLA_OK;
}

bulla_code bulla_project_open_with(const bulla_keyring_options *options, bulla_project_depth depth, bulla_project **out,
				   bulla_error *err)
{
	static const bulla_patience usual;
	return open_project(options, depth, &usual, out, err);
}

bulla_code bulla_project_open_patiently(const char *config, const char *environment, bulla_project_depth depth,
					const bulla_patience *patience, bulla_project **out, bulla_error *err)
{
	bulla_keyring_options options = { .size = sizeof options, .config = config, .environment = environment };
	return open_project(&options, depth, patience, out, err);
}

bulla_code bulla_project_open(const char *config, const char *environment, bulla_project_depth depth, bulla_project **out,
			      bulla_error *err)
{
	static const bulla_patience usual;
	return bulla_project_open_patiently(config, environment, depth, &usual, out, err);
}

/* Nobody hears of a failure here: `bulla audit verify` tells of a witness that lags or cannot be written. */
static void tell_witnesses(bulla_project *project)
{
	bulla_log_head now;
	bulla_error ignored;
	if (!project->log || !project->sign_seed || bulla_log_head_now(project->log, &now, &ignored)) return;
	if (now.size > project->log_head.size && bulla_witness_append(project, &ignored)) return;
}

void bulla_project_release(void *self)
{
	bulla_project *project = self;
	bulla_engine_free(project->engine);
	tell_witnesses(project);
	bulla_log_close(project->log);
	bulla_store_close(project->store);
	bulla_short_log_free(project->short_log);
	bulla_history_free(project->history);
	bulla_pool_free(project->pool);
	bulla_backend_free(project->backend);
	bulla_schema_free(project->schema);
	free(project->account);
	free(project->region);
	bulla_paths_done(&project->paths);
	free(project);
}

void bulla_project_close(bulla_project *project)
{
	if (!project) return;
	if (project->keyring)
		bulla_keyring_free(project->keyring); /* its release is bulla_project_release */
	else
		bulla_project_release(project);
}

bulla_code bulla_project_database(const bulla_project *project, const char *name, const char **ret_url, bulla_error *err)
{
	size_t n = 0;
	const bulla_database *databases = bulla_schema_databases(project->schema, &n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(databases[i].name, name) != 0) continue;
		*ret_url = databases[i].url;
		return BULLA_OK;
	}
	bulla_code code = bulla_fail(err, BULLA_ERR_CONFIG, "%s names no database %s", project->paths.config, name);
	return bulla_advise(err, code, "add it: databases: { %s: { url: sqlite:app.db } }", name);
}
