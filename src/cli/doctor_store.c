/*
 * doctor_store.c - checks of the key store and what belongs to it: files, root key, log, escrow, witnesses, room.
 */
#include "cli/doctor.h"
#include "base/bytes.h"
#include "base/error.h"
#include "cli/times.h"
#include "lib/witness.h"

#include <bulla/box.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* --- does it open? ------------------------------------------------------------------------------------------------ */
/* What stands in the way: by how deep it opened, and the code that the next step gave. */
static const struct {
	bulla_project_depth depth;
	bulla_code code;
	const char *id;
} reasons[] = {
	{ BULLA_PROJECT_SCHEMA, BULLA_ERR_NOT_FOUND, "store_missing" },
	{ BULLA_PROJECT_SCHEMA, BULLA_ERR_PERMISSION, "store_permission" },
	{ BULLA_PROJECT_SCHEMA, BULLA_ERR_CORRUPT, "store_corrupt" },
	{ BULLA_PROJECT_SCHEMA, BULLA_ERR_READ_ONLY, "store_read_only" },
	{ BULLA_PROJECT_SCHEMA, BULLA_ERR_NEWER, "store_newer" },
	{ BULLA_PROJECT_SCHEMA, BULLA_ERR_LOCKED, "store_locked" },
	{ BULLA_PROJECT_SCHEMA, BULLA_ERR_UNAVAILABLE, "store_unavailable" },
	{ BULLA_PROJECT_STORE, BULLA_ERR_ROOT_KEY, "root_key" },
	{ BULLA_PROJECT_STORE, BULLA_ERR_NOT_FOUND, "root_key" },
	{ BULLA_PROJECT_STORE, BULLA_ERR_FORMAT, "root_key" },
	{ BULLA_PROJECT_STORE, BULLA_ERR_PERMISSION, "root_key" },
	{ BULLA_PROJECT_STORE, BULLA_ERR_AUDIT, "heads" },
	{ BULLA_PROJECT_STORE, BULLA_ERR_CORRUPT, "store_corrupt" },
	{ BULLA_PROJECT_STORE, BULLA_ERR_LOCKED, "store_locked" },
};

void bulla_check_store(bulla_doctor *doctor)
{
	if (!doctor->code) return;
	const char *id = doctor->depth >= BULLA_PROJECT_ENGINE ? "keys_unusable" : "store";
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].depth == doctor->depth && reasons[i].code == doctor->code) id = reasons[i].id;
	bulla_diagnose_error(doctor, BULLA_DANGER, id, NULL, &doctor->error);
}

/* --- permissions --------------------------------------------------------------------------------------------------- */
static void check_mode(bulla_doctor *doctor, const char *path, mode_t forbidden, bulla_severity severity, const char *what)
{
	struct stat st;
	if (!path || stat(path, &st)) return;
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		bulla_diagnose(doctor, severity, "owner", NULL, NULL, "%s %s belongs to another user (%lu)", what, path,
			       (unsigned long)st.st_uid);
		bulla_prescribe(doctor, "chown %lu %s", (unsigned long)geteuid(), path);
	}
	if (!(st.st_mode & forbidden)) return;
	bulla_diagnose(doctor, severity, "mode", NULL, NULL, "%s %s may be %s by others (mode %04o)", what, path,
		       st.st_mode & forbidden & 022 ? "changed" : "read", (unsigned)(st.st_mode & 07777));
	bulla_prescribe(doctor, "chmod %04o %s", (unsigned)(st.st_mode & 07777 & ~forbidden), path);
}

void bulla_check_permissions(bulla_doctor *doctor)
{
	const bulla_paths *paths = &doctor->project->paths;
	check_mode(doctor, paths->directory, 022, BULLA_DANGER, "the directory");
	check_mode(doctor, paths->store, 077, BULLA_DANGER, "the key store");
	check_mode(doctor, paths->root_key, 077, BULLA_DANGER, "the root key");
	check_mode(doctor, paths->escrow, 077, BULLA_DANGER, "the escrow");
	check_mode(doctor, paths->log, 077, BULLA_WARNING, "the audit log");
	check_mode(doctor, paths->reports, 022, BULLA_WARNING, "the directory of reports");
}

/* --- root keys that lie about -------------------------------------------------------------------------------------- */
/* Names that a rekey has left: "root.key.retired-20261121T190500Z". */
static void check_retired(bulla_doctor *doctor)
{
	const char *directory = doctor->project->paths.directory;
	DIR *all = directory ? opendir(directory) : NULL;
	for (struct dirent *one = all ? readdir(all) : NULL; one; one = readdir(all)) {
		if (!strstr(one->d_name, ".retired-")) continue;
		bulla_diagnose(doctor, BULLA_WARNING, "retired_key", NULL, NULL,
			       "%.200s/%.100s is a root key of the past: it opens every backup that was made under it", directory,
			       one->d_name);
		bulla_prescribe(doctor,
				"move it to where those backups' escrow is, or delete it together with them: %.200s/%.100s",
				directory, one->d_name);
	}
	if (all) (void)closedir(all);
}

void bulla_check_escrow(bulla_doctor *doctor)
{
	if (bulla_project_escrow_is_here(doctor->project)) {
		const char *escrow = doctor->project->paths.escrow;
		bulla_diagnose(
			doctor, BULLA_WARNING, "escrow", NULL, NULL,
			"the escrow of the root key lies on this host: whoever gets the store gets it too, and whatever ends "
			"the host ends both (%s)",
			escrow);
		bulla_prescribe(doctor, "copy %s to a place that this host does not reach, then delete it here", escrow);
	}
	check_retired(doctor);
}

/* --- witnesses ----------------------------------------------------------------------------------------------------- */
static void ask_witness(bulla_doctor *doctor, size_t i)
{
	bulla_error err = { 0 };
	bool agrees = false;
	uint64_t size = 0;
	const char *name = bulla_schema_environment(doctor->project->schema)->witnesses[i];
	if (bulla_witness_agrees(doctor->project, doctor->project->log, i, &agrees, &size, &err))
		bulla_diagnose_error(doctor, BULLA_WARNING, "witness_unreachable", name, &err);
	else if (!agrees)
		bulla_diagnose(doctor, BULLA_DANGER, "witness", name, "bulla audit verify",
			       "the witness %.100s has seen a head that this audit log does not contain", name);
}

void bulla_check_witnesses(bulla_doctor *doctor)
{
	size_t n = bulla_schema_environment(doctor->project->schema)->witness_count;
	if (!doctor->project->log) return;
	for (size_t i = 0; i < n; i++)
		ask_witness(doctor, i);
	if (n) return;
	bulla_diagnose(doctor, BULLA_NOTE, "no_witness", NULL,
		       "name a file on another host: audit: { witness: [\"file:/mnt/elsewhere/bulla.witness\"] }",
		       "nothing outside this host vouches for the end of the audit log");
}

/* --- room ---------------------------------------------------------------------------------------------------------- */
#define ROOM_AT_LEAST (64u << 20)

void bulla_check_store_space(bulla_doctor *doctor)
{
	struct statvfs there;
	struct stat st;
	char free_text[BULLA_COUNT_MAX], wanted_text[BULLA_COUNT_MAX];
	const bulla_paths *paths = &doctor->project->paths;
	if (!paths->store || statvfs(paths->directory, &there)) return;
	uint64_t room = (uint64_t)there.f_bavail * there.f_frsize;
	uint64_t wanted = ROOM_AT_LEAST + (stat(paths->store, &st) == 0 ? (uint64_t)st.st_size * 2 : 0);
	if (room >= wanted) return;
	bulla_diagnose(
		doctor, BULLA_DANGER, "space_store", NULL, "make room on that file system",
		"there are %s free where the key store and its audit log are (%s); %s are wanted, and without room nothing is "
		"released",
		bulla_size_text(room, free_text), paths->directory, bulla_size_text(wanted, wanted_text));
}

/* --- the server of a store ------------------------------------------------------------------------------------------ */
void bulla_check_server(bulla_doctor *doctor)
{
	bulla_error err = { 0 };
	bulla_store_server server;
	if (!doctor->project->store) return;
	if (bulla_store_examine(doctor->project->store, &server, &err)) {
		bulla_diagnose_error(doctor, BULLA_DANGER, "store_unavailable", NULL, &err);
		return;
	}
	if (server.loses_commits)
		bulla_diagnose(doctor, BULLA_DANGER, "server_not_durable", NULL,
			       "fsync = on and full_page_writes = on in postgresql.conf",
			       "the server of the key store loses what it has acknowledged when its machine goes down: keys and "
			       "audit events");
	if (server.unencrypted)
		bulla_diagnose(doctor, BULLA_WARNING, "server_unencrypted", NULL,
			       "add sslmode=verify-full to the URL of the store",
			       "the server of the key store is reached over a network without TLS: whoever sits in between can "
			       "answer in its place");
}

/* --- keys ---------------------------------------------------------------------------------------------------------- */
#define TEST "a test of this key"

/* As a box, so that the uses stand in the audit log like any other. */
static void try_key(bulla_doctor *doctor, const char *key)
{
	BULLA_BUF_AUTO bulla_buf box = { 0 };
	BULLA_BUF_AUTO bulla_buf plain = { 0 };
	bulla_error err = { 0 };
	bulla_keyring *keyring = doctor->project->keyring;
	const bulla_pair context = { bulla_view_str("purpose"), bulla_view_str("bulla doctor") };
	if (bulla_box_seal(keyring, key, &context, 1, bulla_view_str(TEST), false, &box, &err)) {
		bulla_diagnose_error(doctor, BULLA_DANGER, "key_seals_not", key, &err);
		return;
	}
	bulla_code code = bulla_box_open(keyring, &context, 1, bulla_view_buf(&box), &plain, &err);
	if (code == BULLA_ERR_DENIED)
		bulla_diagnose(doctor, BULLA_NOTE, "key_only_seals", key, "nothing, where that is meant",
			       "with these credentials the key %.100s seals and does not open", key);
	else if (code)
		bulla_diagnose_error(doctor, BULLA_DANGER, "key_opens_not", key, &err);
	else if (!bulla_bytes_is(bulla_view_buf(&plain), TEST))
		bulla_diagnose(doctor, BULLA_DANGER, "key_opens_not", key, "bulla doctor --kms, again",
			       "the key %.100s opens to something else than was sealed", key);
}

/* A key of the past only opens, and what it would open is not here: the engine's own are asked for, others are left alone. */
static void look_up_previous(bulla_doctor *doctor, const char *key)
{
	BULLA_BUF_AUTO bulla_buf id = { 0 };
	bulla_error err = { 0 };
	bulla_key_info info;
	if (strncmp(key, "local", 5) != 0 || !doctor->project->engine) return;
	bulla_code code = bulla_cli_key_id(key, &id, &err);
	if (code == BULLA_OK) code = bulla_engine_describe(doctor->project->engine, bulla_view_buf(&id), &info, &err);
	if (code) {
		bulla_diagnose_error(doctor, BULLA_DANGER, "key_opens_not", key, &err);
	} else if (info.state != BULLA_KEY_ENABLED) {
		bulla_diagnose(doctor, BULLA_DANGER, "key_opens_not", key, NULL,
			       "the key %.100s is %s: what it sealed does not open", key,
			       info.state == BULLA_KEY_DISABLED ? "disabled" : "waiting for its deletion");
		bulla_prescribe(doctor, "bulla key enable %s, or take it out of previous: once nothing refers to it", info.id);
	}
}

static void try_named(bulla_doctor *doctor, const bulla_model *model)
{
	for (size_t k = 0; k < model->key_count; k++)
		if (model->keys[k].kms_key) try_key(doctor, model->keys[k].kms_key);
}

void bulla_check_keys(bulla_doctor *doctor)
{
	size_t n = 0;
	const bulla_environment *environment = bulla_schema_environment(doctor->project->schema);
	const bulla_model *models = bulla_schema_models(doctor->project->schema, &n);
	for (size_t i = 0; i < environment->key_count; i++)
		try_key(doctor, environment->keys[i]);
	for (size_t i = 0; i < n; i++)
		try_named(doctor, &models[i]);
	for (size_t i = 0; i < environment->previous_count; i++)
		look_up_previous(doctor, environment->previous[i]);
}
