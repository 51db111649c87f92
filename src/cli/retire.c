/*
 * retire.c - the commands `key disable`, `key close` and `key delete`: ending a key, and what ends with it.
 */
#include "cli/commands.h"
#include "cli/keys.h"
#include "cli/times.h"
#include "lib/move.h"

#include <string.h>

const bulla_option bulla_options_key_close[] = {
	{ "branch", 'b', "NAME", "the branch key of that name instead" },
	{ NULL },
};

const bulla_option bulla_options_key_delete[] = {
	{ "days", 'd', "N", "of the waiting period, in which it can be taken back: 7 to 30; default: 30" },
	{ "force", 'f', NULL, "whatever still refers to the key, which is then lost; with --confirm" },
	{ "confirm", 0, "KEYID", "the key's id once more" },
	{ NULL },
};

/* --- what hangs from a key ------------------------------------------------------------------------------------------- */
static bulla_code select_key(bulla_cli *cli, bulla_project *project, const bulla_key_info *key, bulla_references *refs,
			     bulla_reference_sum *ret, bulla_error *err)
{
	bulla_reference_subject subject = { .uuid = key->uuid };
	TRY(bulla_keys_count(cli, project, NULL, false, refs, err));
	TRY(bulla_references_join(refs, project, err));
	bulla_references_select(refs, &subject, ret);
	return BULLA_OK;
}

/* In words, for whoever is about to find out: what stops working. */
static bulla_code warn_of(bulla_cli *cli, const bulla_references *refs, const bulla_reference_sum *sum, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf told = { 0 };
	char rows[BULLA_COUNT_MAX];
	if (bulla_reference_sum_is_empty(sum)) return BULLA_OK;
	TRY(bulla_references_tell(refs, sum, &told, err));
	bulla_cli_warn(cli, "what hangs from it cannot be opened any more: %.*s", (int)told.len, (const char *)told.data);
	if (sum->rows_below)
		bulla_cli_warn(cli, "that is %s %s below those branch keys", bulla_count_text(sum->rows_below, rows),
			       bulla_plural(sum->rows_below, "row", "rows"));
	return BULLA_OK;
}

/* --- disable ---------------------------------------------------------------------------------------------------------- */
/* The key is off already: an emergency does not wait for a census, and is not stopped by one that fails. */
static bulla_code tell_effect(bulla_cli *cli, bulla_project *project, const bulla_key_info *key, bulla_error *err)
{
	BULLA_REFERENCES_AUTO refs;
	bulla_reference_sum sum;
	bulla_error why = { 0 };
	bulla_references_init(&refs);
	bulla_code code = select_key(cli, project, key, &refs, &sum, &why);
	if (code) {
		bulla_cli_warn(cli, "what hangs from it could not be counted: %s", why.text);
		if (cli->json) bulla_json_put_null(bulla_cli_json(cli), "references");
		return BULLA_OK;
	}
	if (cli->json) bulla_keys_put_sum(bulla_cli_json(cli), "references", &sum);
	return warn_of(cli, &refs, &sum, err);
}

bulla_code bulla_run_key_disable(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	BULLA_BUF_AUTO bulla_buf id = { 0 };
	bulla_key_info key;
	TRY(bulla_cli_key_id(bulla_cli_argument(cli, 0), &id, err));
	TRY(bulla_keys_open(cli, &project, err));
	TRY(bulla_engine_disable(project->engine, bulla_view_buf(&id), err));
	TRY(bulla_keys_find(cli, project, &key, err));
	bulla_cli_next(cli, "keys that are out already die within max_age; bulla key enable %s turns it on again",
		       bulla_cli_argument(cli, 0));
	TRY(bulla_keys_show(cli, &key, err));
	return tell_effect(cli, project, &key, err);
}

/* --- close ------------------------------------------------------------------------------------------------------------ */
static void tell_moved(bulla_cli *cli, const bulla_moved *moved)
{
	if (cli->json) {
		bulla_json_put_int(bulla_cli_json(cli), "moved", (int64_t)moved->moved);
		bulla_json_put_int(bulla_cli_json(cli), "left", (int64_t)moved->left);
	} else {
		bulla_cli_say(cli, "%llu branch and index keys now hang from the keys that bulla.yaml names",
			      (unsigned long long)moved->moved);
	}
	if (moved->left) bulla_cli_warn(cli, "%llu hang from it as before: %s", (unsigned long long)moved->left, moved->why.text);
}

/* Its branch keys go to the keys that wrap now; where it is one of these itself there is nowhere to go. */
static bulla_code move_branches(bulla_cli *cli, bulla_project *project, const bulla_key_info *key, bulla_error *err)
{
	bulla_moved moved;
	if (bulla_keys_in_use(project, key)) {
		bulla_cli_warn(cli, "bulla.yaml names the key among those that wrap: nothing can be sealed with it from now on");
		bulla_cli_next(cli,
			       "name another key under keys in bulla.yaml and this one under previous, then: bulla key close %s",
			       key->id);
		return BULLA_OK;
	}
	const char *other = bulla_keys_user(project, key);
	if (other)
		bulla_cli_warn(cli, "environment %s names the key among those that wrap: nothing can be sealed with it there",
			       other);
	TRY(bulla_project_move(project, key->uuid, &moved, err));
	tell_moved(cli, &moved);
	return BULLA_OK;
}

static bulla_code close_key(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	BULLA_BUF_AUTO bulla_buf id = { 0 };
	bulla_key_info key;
	char time[BULLA_TIME_TEXT];
	TRY(bulla_cli_key_id(bulla_cli_argument(cli, 0), &id, err));
	TRY(bulla_keys_open(cli, &project, err));
	TRY(bulla_engine_close(project->engine, bulla_view_buf(&id), err));
	TRY(bulla_keys_find(cli, project, &key, err));
	bulla_cli_next(cli, "bulla rotate (for rows that hang from it), then from %s on: bulla key delete %s",
		       bulla_time_text(bulla_retire_settled(project, &key), time), key.id);
	TRY(bulla_keys_show(cli, &key, err));
	return move_branches(cli, project, &key, err);
}

static bulla_code close_branch(bulla_cli *cli, const char *name, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	bulla_branch_fate fate;
	char time[BULLA_TIME_TEXT];
	TRY(bulla_keys_open(cli, &project, err));
	bulla_branch_keeper keeper = bulla_project_keeper(project);
	TRY(bulla_keys_move_branch(cli, &keeper, name, keeper.close, &fate, err));
	bulla_cli_next(cli,
		       "no process seals under it from %s on; bulla shred --branch %s ends it, bulla key enable --branch %s "
		       "opens it again",
		       bulla_time_text(fate.closed_us + 2000 * keeper.max_age_ms, time), name, name);
	return BULLA_OK;
}

bulla_code bulla_run_key_close(bulla_cli *cli, bulla_error *err)
{
	const char *branch = bulla_cli_value(cli, "branch");
	TRY(bulla_keys_check_one(cli, err));
	return branch ? close_branch(cli, branch, err) : close_key(cli, err);
}

/* --- delete ----------------------------------------------------------------------------------------------------------- */
typedef struct deletion {
	bulla_cli *cli;
	bulla_project *project;
} deletion;

static bulla_code count(void *self, bool every_row, bulla_references *refs, bulla_error *err)
{
	const deletion *d = self;
	return bulla_keys_count(d->cli, d->project, NULL, every_row, refs, err);
}

static bulla_code read_force(const bulla_cli *cli, const bulla_key_info *key, bool *ret, bulla_error *err)
{
	const char *confirm = bulla_cli_value(cli, "confirm");
	*ret = bulla_cli_switch(cli, "force");
	if (!*ret && confirm) return bulla_fail(err, BULLA_ERR_USAGE, "--confirm goes with --force");
	if (!*ret || (confirm && (strcmp(confirm, key->id) == 0 || strcmp(confirm, key->arn) == 0))) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_USAGE, "--force needs the key's id once more: --confirm KEYID");
	return bulla_advise(err, code, "look at it: bulla key list; bulla key census %s shows what would be lost",
			    bulla_cli_argument(cli, 0));
}

static const char *const steps[] = {
	[BULLA_RETIRE_CLOSED] = "closed", [BULLA_RETIRE_SCHEDULED] = "scheduled", [BULLA_RETIRE_DELETED] = "deleted"
};

static void say_next(bulla_cli *cli, const bulla_key_info *key, const bulla_retirement *done)
{
	char time[BULLA_TIME_TEXT];
	if (done->step == BULLA_RETIRE_DELETED)
		bulla_cli_next(cli, "take it out of bulla.yaml, and make a backup of the key store: bulla kms backup FILE");
	else
		bulla_cli_next(cli, "bulla key delete %s from %s on; bulla key enable %s takes it back", key->id,
			       bulla_time_text(done->next_us, time), key->id);
}

/* The edge of what a census sees, where somebody can still act on it. */
static void say_edge(const bulla_cli *cli, const bulla_retirement *done)
{
	if (done->step == BULLA_RETIRE_SCHEDULED)
		bulla_cli_say(cli, "boxes, backups, and databases that this bulla.yaml does not name were not counted: whatever "
				   "needs the key "
				   "fails from now on with key_pending");
}

static bulla_code tell_step(bulla_cli *cli, bulla_project *project, const bulla_key_info *key, const bulla_retirement *done,
			    bulla_error *err)
{
	bulla_key_info now;
	bool gone = done->step == BULLA_RETIRE_DELETED;
	say_next(cli, key, done);
	say_edge(cli, done);
	if (cli->json) {
		bulla_json_writer *w = bulla_cli_json(cli);
		bulla_json_put_str(w, "step", steps[done->step]);
		bulla_keys_put_time(w, "not_before", done->next_us);
		if (done->counted) bulla_keys_put_sum(w, "references", &done->references);
	}
	if (gone && cli->json) bulla_json_put_str(bulla_cli_json(cli), "id", key->id);
	if (gone && !cli->json) bulla_cli_print(cli, "%s is deleted: its key material is gone for good", key->id);
	if (gone) return BULLA_OK;
	TRY(bulla_engine_describe(project->engine, bulla_view_str(key->id), &now, err));
	return bulla_keys_show(cli, &now, err);
}

bulla_code bulla_run_key_delete(bulla_cli *cli, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	BULLA_REFERENCES_AUTO refs;
	bulla_key_info key;
	bulla_retirement done;
	uint64_t days = 0;
	bulla_references_init(&refs);
	TRY(bulla_cli_number(cli, "days", BULLA_RETIRE_DAYS_MIN, BULLA_RETIRE_DAYS_MAX, BULLA_RETIRE_DAYS_MAX, &days, err));
	TRY(bulla_keys_open(cli, &project, err));
	TRY(bulla_keys_find(cli, project, &key, err));
	bulla_retire_options options = { .days = (uint32_t)days, .count = count, .self = &(deletion){ cli, project } };
	options.used_by = bulla_keys_user(project, &key);
	options.named_by = bulla_keys_namer(project, &key);
	TRY(read_force(cli, &key, &options.force, err));
	TRY(bulla_project_retire(project, &key, &options, &refs, &done, err));
	if (options.force && done.counted) TRY(warn_of(cli, &refs, &done.references, err));
	return tell_step(cli, project, &key, &done, err);
}
