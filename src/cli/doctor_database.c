/*
 * doctor_database.c - checks of the databases: whether they open, their room, the jobs on them, the triggers that guard rows.
 */
#include "cli/doctor.h"
#include "base/bytes.h"
#include "cli/tree.h"

#include <stdio.h>
#include <string.h>

/* --- the databases themselves --------------------------------------------------------------------------------------- */
#define ROOM_AT_LEAST (64 << 20)
#define WAL_MAX       (256 << 20)

/* apply grows the file, finish writes it anew beside its journal; afterwards only new rows need room. */
static int64_t room_wanted(const bulla_json *facts, int64_t bytes)
{
	bool finished = bulla_bytes_is(bulla_tree_text(facts, "phase"), "finished");
	return ROOM_AT_LEAST + (finished ? bytes / 10 : bytes * 2);
}

static void check_space(bulla_doctor *doctor, const char *model, const bulla_json *facts, const bulla_json *database)
{
	char has[BULLA_COUNT_MAX], wants[BULLA_COUNT_MAX];
	int64_t bytes = bulla_tree_integer(database, "bytes", 0), wanted = room_wanted(facts, bytes);
	int64_t room = bulla_tree_integer(database, "free_bytes", INT64_MAX);
	int64_t temporary = bulla_tree_integer(database, "temporary_free_bytes", INT64_MAX);
	bool finished = bulla_bytes_is(bulla_tree_text(facts, "phase"), "finished");
	if (room < wanted)
		bulla_diagnose(
			doctor, BULLA_WARNING, "space_database", model, "make room on that file system",
			"beside the database %.*s %s are free; %s are wanted for new columns, the journal and rewriting it",
			BULLA_SHOW(bulla_tree_text(database, "file")), bulla_size_text((uint64_t)room, has),
			bulla_size_text((uint64_t)wanted, wants));
	if (!finished && temporary < bytes)
		bulla_diagnose(doctor, BULLA_WARNING, "space_temporary", model,
			       "make room there, or name another directory: SQLITE_TMPDIR",
			       "finish rewrites the database through a temporary file of %s in %.*s, where %s are free",
			       bulla_size_text((uint64_t)bytes, wants), BULLA_SHOW(bulla_tree_text(database, "temporary")),
			       bulla_size_text((uint64_t)temporary, has));
}

static void check_file(bulla_doctor *doctor, const char *name, const bulla_json *database)
{
	bulla_bytes file = bulla_tree_text(database, "file");
	int64_t wal = bulla_tree_integer(database, "wal_bytes", 0);
	char size[BULLA_COUNT_MAX];
	if (bulla_tree_boolean(database, "others_write")) {
		bulla_diagnose(doctor, BULLA_DANGER, "database_writable", name, NULL, "everybody may write to the database %.*s",
			       BULLA_SHOW(file));
		bulla_prescribe(doctor, "chmod o-rwx %.*s", BULLA_SHOW(file));
	} else if (bulla_tree_boolean(database, "others_read")) {
		bulla_diagnose(doctor, BULLA_NOTE, "database_readable", name, NULL,
			       "everybody on this host may read the database %.*s, with what is not sealed yet",
			       BULLA_SHOW(file));
		bulla_prescribe(doctor, "chmod o-r %.*s", BULLA_SHOW(file));
	}
	if (wal > WAL_MAX)
		bulla_diagnose(
			doctor, BULLA_WARNING, "wal", name, "end the long transaction that holds it; finish empties it",
			"the write-ahead log of the database has grown to %s, with rows as they were before they were sealed",
			bulla_size_text((uint64_t)wal, size));
}

/* Why there are no facts. */
static void explain(bulla_doctor *doctor, const bulla_model *model)
{
	BULLA_BUF_AUTO bulla_buf ignored = { 0 };
	bulla_error err = { 0 };
	bulla_job job;
	bulla_code code = bulla_cli_job(doctor->cli, doctor->project, model, NULL, &job, &err);
	if (!code) code = bulla_job_examine(&job, &ignored, &err);
	if (code) bulla_diagnose_error(doctor, BULLA_DANGER, "database", model->key, &err);
}

/* Models of one database share its file: it is looked at once. */
static bool is_first(const bulla_model *models, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(models[j].database, models[i].database) == 0) return false;
	return true;
}

void bulla_check_databases(bulla_doctor *doctor)
{
	size_t n = 0;
	const bulla_model *models = bulla_schema_models(doctor->project->schema, &n);
	for (size_t i = 0; i < n; i++) {
		const bulla_json *facts = doctor->models[i], *database = bulla_json_member(facts, "database");
		if (!facts) {
			explain(doctor, &models[i]);
			continue;
		}
		check_space(doctor, models[i].key, facts, database);
		if (is_first(models, i)) check_file(doctor, models[i].database, database);
	}
}

/* --- jobs ------------------------------------------------------------------------------------------------------------ */
static void check_job(bulla_doctor *doctor, const char *model, const bulla_json *facts)
{
	bulla_bytes phase = bulla_tree_text(facts, "phase"), owner = bulla_tree_text(facts, "owner");
	bool alive = bulla_tree_boolean(facts, "alive");
	int64_t ago = bulla_tree_integer(facts, "heartbeat_seconds_ago", 0);
	if (owner.len && !alive) {
		bulla_diagnose(doctor, BULLA_WARNING, "stale_lease", model, NULL,
			       "a job on model %s ended without a word %lld s ago (%.*s)", model, (long long)ago,
			       BULLA_SHOW(owner));
		bulla_prescribe(doctor, "run the command again, which takes over: bulla apply %s (see bulla status %s)", model,
				model);
	}
	if (bulla_bytes_is(phase, "applying") && !alive) {
		bulla_diagnose(doctor, BULLA_WARNING, "job_unfinished", model, NULL, "the first fill of model %s has not ended",
			       model);
		bulla_prescribe(doctor, "bulla apply %s", model);
	}
	if (bulla_bytes_is(phase, "dropped") && !alive) {
		bulla_diagnose(
			doctor, BULLA_DANGER, "finish_unfinished", model, NULL,
			"finish has dropped the plaintext of model %s and not rewritten the database: its files may still hold "
			"it",
			model);
		bulla_prescribe(doctor, "bulla finish %s", model);
	}
	if (bulla_bytes_is(phase, "undoing") && !alive) {
		bulla_diagnose(
			doctor, BULLA_WARNING, "undo_unfinished", model, NULL,
			"an undo of model %s has begun and not ended: what it has opened lies in the database in the clear",
			model);
		bulla_prescribe(doctor, "bulla undo %s, or bulla finish %s, which gives it up", model, model);
	}
}

static bool add_count(void *self, bulla_bytes reason, const bulla_json *value)
{
	int64_t n = 0;
	(void)reason;
	if (bulla_json_integer(value, &n)) *(int64_t *)self += n;
	return true;
}

static void check_rows(bulla_doctor *doctor, const char *model, const bulla_json *facts)
{
	int64_t aside = 0, unsealed = bulla_tree_integer(facts, "unsealed", 0);
	bulla_json_members(bulla_json_member(facts, "quarantine"), add_count, &aside);
	if (aside) {
		bulla_diagnose(doctor, BULLA_WARNING, "quarantine", model, NULL,
			       "%lld entries of model %s are in quarantine: finish waits for them", (long long)aside, model);
		bulla_prescribe(doctor, "bulla status %s --quarantine, mend the rows, then: bulla apply %s --retry", model,
				model);
	}
	if (unsealed && !bulla_tree_boolean(facts, "alive")) {
		bulla_diagnose(doctor, BULLA_WARNING, "unsealed", model, NULL,
			       "%lld rows of model %s have plaintext and no ciphertext, and no job seals them",
			       (long long)unsealed, model);
		bulla_prescribe(doctor, "bulla apply %s --follow", model);
	}
}

void bulla_check_jobs(bulla_doctor *doctor)
{
	size_t n = 0;
	const bulla_model *models = bulla_schema_models(doctor->project->schema, &n);
	for (size_t i = 0; i < n; i++) {
		if (!doctor->models[i]) continue;
		check_job(doctor, models[i].key, doctor->models[i]);
		check_rows(doctor, models[i].key, doctor->models[i]);
	}
}

/* --- guards ----------------------------------------------------------------------------------------------------------- */
static void check_columns(bulla_doctor *doctor, const char *model, const bulla_json *facts)
{
	if (bulla_tree_boolean(facts, "ready") || bulla_bytes_is(bulla_tree_text(facts, "phase"), "planned")) return;
	bulla_diagnose(
		doctor, BULLA_DANGER, "columns_missing", model, NULL,
		"table %.*s lacks sealed columns that model %s names: it is no longer the table that was sealed, or the model "
		"has grown",
		BULLA_SHOW(bulla_tree_text(facts, "table")), model);
	bulla_prescribe(doctor, "bulla plan %s", model);
}

void bulla_check_guards(bulla_doctor *doctor)
{
	size_t n = 0;
	const bulla_model *models = bulla_schema_models(doctor->project->schema, &n);
	for (size_t i = 0; i < n; i++) {
		const char *model = models[i].key;
		const bulla_json *guards = bulla_json_member(doctor->models[i], "guards");
		if (doctor->models[i]) check_columns(doctor, model, doctor->models[i]);
		for (size_t g = 0; g < bulla_json_count(guards); g++) {
			bulla_bytes name = bulla_tree_text(bulla_json_at(guards, g), "name"),
				    state = bulla_tree_text(bulla_json_at(guards, g), "state");
			bulla_diagnose(
				doctor, BULLA_DANGER, "guard", model, NULL,
				"trigger %.*s is %.*s: until it is mended, writers may tear records or change rows unnoticed",
				BULLA_SHOW(name), BULLA_SHOW(state));
			bulla_prescribe(doctor, "bulla apply %s, which makes it again", model);
		}
	}
}

/* --- wrap debt --------------------------------------------------------------------------------------------------------- */
static bool is_sealed(const bulla_json *facts)
{
	static const char *const phases[] = { "applied", "verified", "finished" };
	for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
		if (bulla_bytes_is(bulla_tree_text(facts, "phase"), phases[i])) return bulla_tree_boolean(facts, "ready");
	return false;
}

static void check_debt(bulla_doctor *doctor, const bulla_model *model)
{
	BULLA_BUF_AUTO bulla_buf census = { 0 };
	bulla_rotate_options options = { .catch_up = true };
	bulla_rotate_result result;
	bulla_error err = { 0 };
	bulla_job job;
	bulla_code code = bulla_cli_job(doctor->cli, doctor->project, model, NULL, &job, &err);
	if (!code) code = bulla_job_debt(&job, &options, &result, &census, &err);
	if (code == BULLA_ERR_REFUSED) return; /* it has no wrapped keys, or another kind of rotation is under way */
	if (code) {
		bulla_diagnose_error(doctor, BULLA_WARNING, "debt_unknown", model->key, &err);
	} else if (result.left) {
		bulla_diagnose(doctor, BULLA_WARNING, "wrap_debt", model->key, NULL,
			       "%llu rows of model %s lie under older versions of keys: those cannot be retired",
			       (unsigned long long)result.left, model->key);
		bulla_prescribe(doctor, "bulla rotate %s --wrap --catch-up", model->key);
	}
}

static bool keys_work(const bulla_doctor *doctor)
{
	for (size_t i = 0; i < doctor->n; i++)
		if (doctor->list[i].severity == BULLA_DANGER && strncmp(doctor->list[i].id, "key_", 4) == 0) return false;
	return true;
}

/* It asks for the keys that are newest now, which are released for it. */
void bulla_check_debt(bulla_doctor *doctor)
{
	size_t n = 0;
	if (!keys_work(doctor)) return; /* what is wrong has been told */
	const bulla_model *models = bulla_schema_models(doctor->project->schema, &n);
	for (size_t i = 0; i < n; i++)
		if (is_sealed(doctor->models[i])) check_debt(doctor, &models[i]);
}
