/*
 * key.c - the commands `key ...`: the keys of the local key store.
 */
#include "base/text.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/times.h"
#include "cli/work.h"

#include <stdlib.h>
#include <string.h>

const bulla_option bulla_options_key_create[] = {
	{ "alias", 'a', "NAME", "the same as the argument" },
	{ "description", 'd', "TEXT", "what the key is for" },
	{ NULL },
};

const bulla_option bulla_options_key_rotate[] = {
	{ "every", 0, "DAYS", "not now but by schedule: every 90 to 2560 days; 0 ends the schedule" },
	{ NULL },
};

static bulla_code open_engine(bulla_cli *cli, bulla_project **ret, bulla_error *err)
{
	TRY(bulla_cli_open(cli, BULLA_PROJECT_ENGINE, ret, err));
	return bulla_project_need_engine(*ret, err);
}

/* --- showing ------------------------------------------------------------------------------------------------------ */
static const char *state_name(bulla_key_state state)
{
	switch (state) {
	case BULLA_KEY_ENABLED:
		return "enabled";
	case BULLA_KEY_DISABLED:
		return "disabled";
	case BULLA_KEY_PENDING_DELETION:
		return "pending deletion";
	}
	return "unknown";
}

static void put_time(bulla_json_writer *w, const char *name, int64_t time_us)
{
	char text[BULLA_TIME_TEXT];
	if (time_us) bulla_json_put_str(w, name, bulla_time_text(time_us, text));
}

static void put_key(bulla_json_writer *w, const char *name, const bulla_key_info *key)
{
	bulla_json_open(w, name, '{');
	bulla_json_put_str(w, "id", key->id);
	bulla_json_put_str(w, "arn", key->arn);
	bulla_json_put_str(w, "aliases", key->aliases);
	bulla_json_put_str(w, "description", key->description);
	bulla_json_put_str(w, "state", state_name(key->state));
	bulla_json_put_int(w, "materials", key->materials);
	bulla_json_put_hex(w, "current_material", bulla_view(key->current_material, sizeof key->current_material));
	put_time(w, "created", key->created_us);
	put_time(w, "rotated", key->rotated_us);
	put_time(w, "deletion", key->deletion_us);
	bulla_json_put_int(w, "rotation_days", key->rotation_days);
	put_time(w, "next_rotation", key->next_rotation_us);
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
		bulla_grid_cell(&grid, "%s", state_name(keys[i].state));
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
	TRY(open_engine(cli, &project, err));
	TRY(bulla_engine_list(project->engine, &keys, &n, err));
	bulla_code code = BULLA_OK;
	if (cli->json) {
		bulla_json_writer *w = bulla_cli_json(cli);
		bulla_json_open(w, "keys", '[');
		for (size_t i = 0; i < n; i++)
			put_key(w, NULL, &keys[i]);
		bulla_json_close(w, ']');
	} else {
		code = print_keys(cli, keys, n, err);
	}
	free(keys);
	bulla_cli_next(cli, "bulla key rotate KEY, bulla audit lookup --key KEY");
	return code;
}

static bulla_code show_key(bulla_cli *cli, const bulla_key_info *key, bulla_error *err)
{
	if (!cli->json) return print_keys(cli, key, 1, err);
	put_key(bulla_cli_json(cli), "key", key);
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
	TRY(open_engine(cli, &project, err));
	TRY(bulla_engine_create_key(project->engine, description ? description : "", name ? (const char *)alias.data : NULL, &key,
				    err));
	TRY(show_key(cli, &key, err));
	if (name)
		bulla_cli_next(cli, "name it in bulla.yaml: keys: [local/%s]; then bulla kms backup FILE",
			       (const char *)alias.data + 6);
	else
		bulla_cli_next(cli, "bulla kms backup FILE: a key without a backup is one disk away from being lost");
	return BULLA_OK;
}

/* What the commands below do to the key that their argument names. */
typedef bulla_code (*change)(bulla_cli *cli, bulla_project *project, bulla_bytes key, bulla_error *err);

static bulla_code with_key(bulla_cli *cli, change change_key, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	BULLA_BUF_AUTO bulla_buf id = { 0 };
	bulla_key_info key;
	TRY(bulla_cli_key_id(bulla_cli_argument(cli, 0), &id, err));
	TRY(open_engine(cli, &project, err));
	TRY(change_key(cli, project, bulla_view_buf(&id), err));
	TRY(bulla_engine_describe(project->engine, bulla_view_buf(&id), &key, err));
	return show_key(cli, &key, err);
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

bulla_code bulla_run_key_enable(bulla_cli *cli, bulla_error *err)
{
	bulla_cli_next(cli, "bulla audit lookup --key %s", bulla_cli_argument(cli, 0));
	return with_key(cli, enable, err);
}

static bulla_code disable(bulla_cli *cli, bulla_project *project, bulla_bytes key, bulla_error *err)
{
	(void)cli;
	return bulla_engine_disable(project->engine, key, err);
}

bulla_code bulla_run_key_disable(bulla_cli *cli, bulla_error *err)
{
	bulla_cli_next(cli, "keys that are out already die within max_age; bulla key enable %s turns it on again",
		       bulla_cli_argument(cli, 0));
	return with_key(cli, disable, err);
}
