/*
 * key.c - the commands `key ...`: the keys of the local key store.
 */
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/keys.h"
#include "cli/times.h"
#include "core/branch.h"

#include <stdlib.h>
#include <string.h>

const bulla_option bulla_options_key_create[] = {
	{ "alias", 'a', "NAME", "the same as the argument" },
	{ "description", 'd', "TEXT", "what the key is for" },
	{ NULL },
};

const bulla_option bulla_options_key_enable[] = {
	{ "branch", 'b', "NAME", "the branch key of that name instead, which was closed" },
	{ NULL },
};

const bulla_option bulla_options_key_rotate[] = {
	{ "every", 0, "DAYS", "not now but by schedule: every 90 to 2560 days; 0 ends the schedule" },
	{ NULL },
};

bulla_code bulla_keys_open(bulla_cli *cli, bulla_project **ret, bulla_error *err)
{
	TRY(bulla_cli_open(cli, BULLA_PROJECT_ENGINE, ret, err));
	return bulla_project_need_engine(*ret, err);
}

/* --- showing ------------------------------------------------------------------------------------------------------ */
const char *bulla_keys_state(const bulla_key_info *key)
{
	switch (key->state) {
	case BULLA_KEY_ENABLED:
		return key->closed_us ? "closing" : "enabled";
	case BULLA_KEY_DISABLED:
		return "disabled";
	case BULLA_KEY_PENDING_DELETION:
		return "pending deletion";
	}
	return "unknown";
}

const char *bulla_keys_name(const bulla_key_info *key)
{
	return key->aliases[0] ? key->aliases : key->id;
}

void bulla_keys_put_time(bulla_json_writer *w, const char *name, int64_t time_us)
{
	char text[BULLA_TIME_TEXT];
	if (time_us) bulla_json_put_str(w, name, bulla_time_text(time_us, text));
}

void bulla_keys_put(bulla_json_writer *w, const char *name, const bulla_key_info *key)
{
	bulla_json_open(w, name, '{');
	bulla_json_put_str(w, "id", key->id);
	bulla_json_put_str(w, "arn", key->arn);
	bulla_json_put_str(w, "aliases", key->aliases);
	bulla_json_put_str(w, "description", key->description);
	bulla_json_put_str(w, "state", bulla_keys_state(key));
	bulla_json_put_int(w, "materials", key->materials);
	bulla_json_put_hex(w, "current_material", bulla_view(key->current_material, sizeof key->current_material));
	bulla_keys_put_time(w, "created", key->created_us);
	bulla_keys_put_time(w, "rotated", key->rotated_us);
	bulla_keys_put_time(w, "closed", key->closed_us);
	bulla_keys_put_time(w, "deletion", key->deletion_us);
	bulla_json_put_int(w, "rotation_days", key->rotation_days);
	bulla_keys_put_time(w, "next_rotation", key->next_rotation_us);
	bulla_json_close(w, '}');
}

static bulla_code print_keys(bulla_cli *cli, const bulla_key_info *keys, size_t n, bulla_error *err)
{
	static const char *const headings[] = { "KEY", "ALIASES", "STATE", ">VERSIONS", "CREATED", "ROTATED", "SCHEDULE", NULL };
	bulla_grid grid = bulla_grid_of(headings);
	for (size_t i = 0; i < n; i++) {
		char time[BULLA_TIME_TEXT];
		bulla_grid_cell(&grid, "%s", keys[i].id);
		bulla_grid_cell(&grid, "%s", keys[i].aliases[0] ? keys[i].aliases : "-");
		bulla_grid_cell(&grid, "%s", bulla_keys_state(&keys[i]));
		bulla_grid_count(&grid, keys[i].materials);
		bulla_grid_cell(&grid, "%s", bulla_time_text(keys[i].created_us, time));
		bulla_grid_cell(&grid, "%s", bulla_time_text(keys[i].rotated_us, time));
		if (keys[i].rotation_days)
			bulla_grid_cell(&grid, "every %u days", keys[i].rotation_days);
		else
			bulla_grid_cell(&grid, "none");
	}
	return bulla_grid_print(&grid, cli, err);
}

bulla_code bulla_run_key_list(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	bulla_key_info *keys = NULL;
	size_t n = 0;
	TRY(bulla_keys_open(cli, &project, err));
	TRY(bulla_engine_list(project->engine, &keys, &n, err));
	bulla_code code = BULLA_OK;
	if (cli->json) {
		bulla_json_writer *w = bulla_cli_json(cli);
		bulla_json_open(w, "keys", '[');
		for (size_t i = 0; i < n; i++)
			bulla_keys_put(w, NULL, &keys[i]);
		bulla_json_close(w, ']');
	} else {
		code = print_keys(cli, keys, n, err);
	}
	free(keys);
	bulla_cli_next(cli, "bulla key rotate KEY, bulla audit lookup --key KEY");
	return code;
}

bulla_code bulla_keys_show(bulla_cli *cli, const bulla_key_info *key, bulla_error *err)
{
	if (!cli->json) return print_keys(cli, key, 1, err);
	bulla_keys_put(bulla_cli_json(cli), "key", key);
	return BULLA_OK;
}

/* --- changing ----------------------------------------------------------------------------------------------------- */
bulla_code bulla_run_key_create(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	BULLA_BUF_AUTO bulla_buf alias = { 0 };
	bulla_key_info key;
	const char *name = bulla_cli_argument(cli, 0), *description = bulla_cli_value(cli, "description");
	if (!name) name = bulla_cli_value(cli, "alias");
	if (name) TRY(bulla_buf_printf(&alias, err, "%s%s", strncmp(name, "alias/", 6) == 0 ? "" : "alias/", name));
	if (name) TRY(bulla_buf_terminate(&alias, err));
	TRY(bulla_keys_open(cli, &project, err));
	TRY(bulla_engine_create_key(project->engine, description ? description : "", name ? (const char *)alias.data : NULL, &key,
				    err));
	TRY(bulla_keys_show(cli, &key, err));
	if (name)
		bulla_cli_next(cli, "name it in bulla.yaml: keys: [local/%s]; then bulla kms backup FILE",
			       (const char *)alias.data + 6);
	else
		bulla_cli_next(cli, "bulla kms backup FILE: a key without a backup is one disk away from being lost");
	return BULLA_OK;
}

bulla_code bulla_keys_find(bulla_cli *cli, bulla_project *project, bulla_key_info *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf id = { 0 };
	TRY(bulla_cli_key_id(bulla_cli_argument(cli, 0), &id, err));
	return bulla_engine_describe(project->engine, bulla_view_buf(&id), ret, err);
}

static bool is_key(bulla_project *project, const char *key_id, const bulla_key_info *key)
{
	BULLA_BUF_AUTO bulla_buf id = { 0 };
	bulla_key_info named;
	bulla_error ignored;
	if (!key_id || bulla_cli_key_id(key_id, &id, &ignored)) return false;
	if (bulla_engine_describe(project->engine, bulla_view_buf(&id), &named, &ignored)) return false;
	return memcmp(named.uuid, key->uuid, sizeof named.uuid) == 0;
}

static bool lists(bulla_project *project, const char *const *keys, size_t n, const bulla_key_info *key)
{
	for (size_t i = 0; i < n; i++)
		if (is_key(project, keys[i], key)) return true;
	return false;
}

static bool is_models_own(bulla_project *project, const bulla_key_info *key)
{
	size_t n;
	const bulla_model *models = bulla_schema_models(project->schema, &n);
	for (size_t m = 0; m < n; m++)
		for (size_t k = 0; k < models[m].key_count; k++)
			if (is_key(project, models[m].keys[k].kms_key, key)) return true;
	return false;
}

bool bulla_keys_in_use(bulla_project *project, const bulla_key_info *key)
{
	const bulla_environment *env = bulla_schema_environment(project->schema);
	return lists(project, env->keys, env->key_count, key) || is_models_own(project, key);
}

const char *bulla_keys_user(bulla_project *project, const bulla_key_info *key)
{
	const bulla_environment *env = bulla_schema_environment(project->schema);
	if (bulla_keys_in_use(project, key)) return env->name;
	for (size_t i = 0; (env = bulla_schema_sharer(project->schema, i)); i++)
		if (lists(project, env->keys, env->key_count, key)) return env->name;
	return NULL;
}

const char *bulla_keys_namer(bulla_project *project, const bulla_key_info *key)
{
	const bulla_environment *env;
	const char *user = bulla_keys_user(project, key);
	for (size_t i = 0; !user && (env = bulla_schema_sharer(project->schema, i)); i++)
		if (lists(project, env->previous, env->previous_count, key)) return env->name;
	return user;
}

/* What the commands below do to the key that their argument names. */
typedef bulla_code (*change)(bulla_cli *cli, bulla_project *project, bulla_bytes key, bulla_error *err);

static bulla_code with_key(bulla_cli *cli, change change_key, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	BULLA_BUF_AUTO bulla_buf id = { 0 };
	bulla_key_info key;
	TRY(bulla_cli_key_id(bulla_cli_argument(cli, 0), &id, err));
	TRY(bulla_keys_open(cli, &project, err));
	TRY(change_key(cli, project, bulla_view_buf(&id), err));
	TRY(bulla_keys_find(cli, project, &key, err));
	return bulla_keys_show(cli, &key, err);
}

static bulla_code rotate(bulla_cli *cli, bulla_project *project, bulla_bytes key, bulla_error *err)
{
	bulla_key_info info;
	uint64_t days = 0, rewrapped = 0;
	TRY(bulla_cli_number(cli, "every", 0, 2560, 0, &days, err));
	if (bulla_cli_value(cli, "every")) return bulla_engine_set_rotation(project->engine, key, (uint32_t)days, err);
	TRY(bulla_engine_rotate(project->engine, key, &info, err));
	TRY(bulla_project_rewrap(project, &info, &rewrapped, err));
	if (cli->json)
		bulla_json_put_int(bulla_cli_json(cli), "rewrapped", (int64_t)rewrapped);
	else
		bulla_cli_say(cli, "%llu branch and index keys re-wrapped", (unsigned long long)rewrapped);
	return BULLA_OK;
}

bulla_code bulla_run_key_rotate(bulla_cli *cli, bulla_error *err)
{
	bulla_cli_next(cli, "bulla kms backup FILE: the new material is in no older backup");
	return with_key(cli, rotate, err);
}

/* A key that waits for its deletion is taken back first. */
static bulla_code enable(bulla_cli *cli, bulla_project *project, bulla_bytes key, bulla_error *err)
{
	bulla_key_info info;
	(void)cli;
	TRY(bulla_engine_describe(project->engine, key, &info, err));
	if (info.state == BULLA_KEY_PENDING_DELETION) TRY(bulla_engine_cancel_deletion(project->engine, key, err));
	return bulla_engine_enable(project->engine, key, err);
}

/* --- branch keys -------------------------------------------------------------------------------------------------- */
bulla_code bulla_keys_check_one(const bulla_cli *cli, bulla_error *err)
{
	bool key = bulla_cli_argument(cli, 0), branch = bulla_cli_value(cli, "branch");
	return key != branch ? BULLA_OK : bulla_fail(err, BULLA_ERR_USAGE, "name a KEY, or a branch key with --branch");
}

static bulla_code check_purpose(bulla_bytes identity, const char *name, bulla_error *err)
{
	bulla_branch_purpose purpose;
	TRY(bulla_branch_purpose_of(identity, &purpose, err));
	if (purpose == BULLA_BRANCH_RECORD) return BULLA_OK;
	bulla_code code =
		bulla_fail(err, BULLA_ERR_REFUSED, "%s is a key of a whole table: without it nothing could be written", name);
	return bulla_advise(err, code, "replace it instead: bulla rotate MODEL --%s",
			    purpose == BULLA_BRANCH_INDEX ? "index" : "data");
}

static bulla_code show_branch(bulla_cli *cli, const char *name, const bulla_branch_fate *fate, bulla_error *err)
{
	static const char *const headings[] = { "BRANCH KEY", "STATE", ">VERSIONS", "CLOSED", NULL };
	char time[BULLA_TIME_TEXT];
	const char *state = fate->state == BULLA_BRANCH_CLOSING ? "closing" : "active";
	if (cli->json) {
		bulla_json_writer *w = bulla_cli_json(cli);
		bulla_json_put_str(w, "branch", name);
		bulla_json_put_str(w, "state", state);
		bulla_json_put_int(w, "versions", (int64_t)fate->versions);
		bulla_keys_put_time(w, "closed", fate->closed_us);
		return BULLA_OK;
	}
	bulla_grid grid = bulla_grid_of(headings);
	bulla_grid_cell(&grid, "%s", name);
	bulla_grid_cell(&grid, "%s", state);
	bulla_grid_count(&grid, fate->versions);
	bulla_grid_cell(&grid, "%s", bulla_time_text(fate->closed_us, time));
	return bulla_grid_print(&grid, cli, err);
}

bulla_code bulla_keys_move_branch(bulla_cli *cli, const bulla_branch_keeper *keeper, const char *name,
				  bulla_code (*move)(void *self, bulla_bytes identity, bulla_error *err), bulla_branch_fate *ret,
				  bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf identity = { 0 };
	TRY(bulla_branch_find(keeper->store, name, &identity, err));
	TRY(check_purpose(bulla_view_buf(&identity), name, err));
	TRY(move(keeper->self, bulla_view_buf(&identity), err));
	TRY(keeper->fate(keeper->self, bulla_view_buf(&identity), ret, err));
	return show_branch(cli, name, ret, err);
}

/* --- enable --------------------------------------------------------------------------------------------------------- */
static bulla_code enable_branch(bulla_cli *cli, const char *name, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	bulla_branch_fate fate;
	TRY(bulla_keys_open(cli, &project, err));
	bulla_branch_keeper keeper = bulla_project_keeper(project);
	bulla_cli_next(cli, "bulla key census --branch %s", name);
	return bulla_keys_move_branch(cli, &keeper, name, keeper.reopen, &fate, err);
}

bulla_code bulla_run_key_enable(bulla_cli *cli, bulla_error *err)
{
	const char *branch = bulla_cli_value(cli, "branch");
	TRY(bulla_keys_check_one(cli, err));
	if (branch) return enable_branch(cli, branch, err);
	bulla_cli_next(cli, "bulla audit lookup --key %s", bulla_cli_argument(cli, 0));
	return with_key(cli, enable, err);
}
