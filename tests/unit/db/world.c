/*
 * world.c - making and clearing away the tests' surroundings.
 */
#include "world.h"

#include "core/keyring.h"
#include "io/file.h"
#include "provider/providers.h"
#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t seed[32] = { 7, 7, 7 };

static const char *key_of(void *self, const char *name)
{
	(void)self;
	if (strcmp(name, "OTHER_KEY") == 0) return "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
	return strcmp(name, "TEST_KEY") == 0 ? "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" : NULL;
}

static void must(const world *w, bulla_code code)
{
	if (code) fail_msg("%s: %s (%s)", bulla_code_name(code), w->err.text, w->err.next);
}

static const bulla_provider *(*find_provider)(bulla_bytes key_id) = bulla_provider_find;

void world_provider(const bulla_provider *(*find)(bulla_bytes key_id))
{
	find_provider = find ? find : bulla_provider_find;
}

static void open_keyring(world *w)
{
	must(w, bulla_schema_parse(bulla_view_str(w->yaml), "test.yaml", "development", NULL, NULL, NULL, &w->schema, &w->err));
	bulla_keyring_config config = { .schema = w->schema,
					.world = { .find = find_provider, .base_dir = w->dir, .getenv = key_of },
					.branches = &w->branches,
					.now_us = bulla_now_us };
	must(w, bulla_keyring_new(&config, &w->keyring, &w->err));
}

static void open_keys(world *w)
{
	must(w, bulla_store_open(w->store_url, true, &w->store, &w->err));
	w->branches = bulla_store_branches(w->store);
	open_keyring(w);
}

static void write_yaml(world *w, const char *models, const char *keys)
{
	if (models != w->models) snprintf(w->models, sizeof w->models, "%s", models);
	if (keys != w->keys) snprintf(w->keys, sizeof w->keys, "%s", keys);
	snprintf(w->yaml, sizeof w->yaml,
		 "version: 1\nenvironments: { development: { %s } }\ndatabases: { main: { url: "
		 "\"sqlite:app.db\" } }\nmodels:\n%s",
		 keys, w->models);
}

static bulla_code record(void *self, const char *operation, const char *detail, bulla_error *err)
{
	world *w = self;
	(void)detail;
	(void)err;
	if (w->record_count < 16) snprintf(w->records[w->record_count++], 64, "%s", operation);
	return BULLA_OK;
}

static void open_job(world *w)
{
	size_t n;
	const bulla_model *models = bulla_schema_models(w->schema, &n);
	char reports[96];
	snprintf(reports, sizeof reports, "%s/reports", w->dir);
	w->job = (bulla_job){ .keyring = w->keyring,
			      .schema = w->schema,
			      .model = &models[0],
			      .url = "sqlite:app.db",
			      .base_dir = w->dir,
			      .reports = strdup(reports),
			      .sign_seed = seed,
			      .sign_name = "test",
			      .principal = "tester",
			      .record = record,
			      .record_self = w,
			      .patience = { .wait_ms = 300 } };
}

static void open_directory(world *w)
{
	*w = (world){ 0 };
	const char *tmp = getenv("TMPDIR");
	const char *memory = access("/dev/shm", W_OK | X_OK) ? "/tmp" : "/dev/shm"; /* each job waits for the disk many times */
	snprintf(w->dir, sizeof w->dir, "%s/bulla-db-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : memory);
	if (!mkdtemp(w->dir)) fail_msg("no temporary directory");
	snprintf(w->path, sizeof w->path, "%s/app.db", w->dir);
	snprintf(w->store_url, sizeof w->store_url, "memory:");
}

static void open_database(world *w)
{
	assert_int_equal(sqlite3_open(w->path, &w->db), SQLITE_OK);
	sqlite3_busy_timeout(w->db, 2000);
}

static void open_all(world *w, const char *sql, const char *models)
{
	open_database(w);
	world_sql(w, sql);
	write_yaml(w, models, "keys: [\"env:TEST_KEY\"]");
	open_keys(w);
	open_job(w);
}

void world_open(world *w, const char *sql, const char *models)
{
	open_directory(w);
	open_all(w, sql, models);
}

void world_open_durable(world *w, const char *sql, const char *models)
{
	open_directory(w);
	snprintf(w->store_url, sizeof w->store_url, "sqlite:%s/keys/kms.db", w->dir);
	open_all(w, sql, models);
}

void world_open_beside(world *w, world *prepared)
{
	char path[160], sql[200];
	open_directory(w);
	snprintf(w->store_url, sizeof w->store_url, "sqlite:%s/keys/kms.db", w->dir);
	snprintf(path, sizeof path, "%s/keys", w->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	must(prepared, bulla_store_backup(prepared->store, w->store_url + strlen("sqlite:"), &prepared->err));
	snprintf(sql, sizeof sql, "VACUUM INTO '%s'", w->path);
	world_sql(prepared, sql);
	open_all(w, "", prepared->models);
}

void world_reopen(world *w)
{
	w->db = NULL; /* the parent's */
	open_database(w);
	open_keys(w);
	free((char *)w->job.reports);
	open_job(w);
}

void world_open_copy(world *w, const char *path, const char *models)
{
	BULLA_BUF_AUTO bulla_buf bytes = { 0 };
	open_directory(w);
	must(w, bulla_file_read(path, 64u << 20, &bytes, &w->err));
	must(w, bulla_file_write(w->path, bulla_view_buf(&bytes), 0600, false, &w->err));
	open_all(w, "", models);
}

static void open_anew(world *w, const char *models, const char *keys, const char *model)
{
	char key[64];
	snprintf(key, sizeof key, "%s", model ? model : w->job.model->key);
	bulla_keyring_free(w->keyring);
	bulla_schema_free(w->schema);
	write_yaml(w, models, keys);
	open_keyring(w);
	w->job.keyring = w->keyring;
	w->job.schema = w->schema;
	world_model(w, key);
}

void world_keys(world *w, const char *keys)
{
	open_anew(w, w->models, keys, NULL);
}

void world_schema(world *w, const char *models)
{
	open_anew(w, models, w->keys, NULL);
}

void world_schema_of(world *w, const char *models, const char *key)
{
	open_anew(w, models, w->keys, key);
}

bulla_code world_count_row(void *self, const bulla_branch_row *row, bulla_error *err)
{
	(void)row;
	(void)err;
	++*(uint64_t *)self;
	return BULLA_OK;
}

void world_model(world *w, const char *key)
{
	must(w, bulla_schema_model(w->schema, key, &w->job.model, &w->err));
}

static void remove_all(const char *dir)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		char path[512];
		struct stat st;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			remove_all(path);
		else
			(void)unlink(path);
	}
	if (d) closedir(d);
	(void)rmdir(dir);
}

void world_keys_close(world *w)
{
	bulla_keyring_free(w->keyring);
	bulla_store_close(w->store);
	bulla_schema_free(w->schema);
}

void world_close(world *w)
{
	sqlite3_close(w->db);
	world_keys_close(w);
	free((char *)w->job.reports);
	remove_all(w->dir);
}

/* --- the application -------------------------------------------------------------------------------------------- */

void world_sql(world *w, const char *sql)
{
	char *message = NULL;
	if (sqlite3_exec(w->db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s: %.200s", message, sql);
}

int world_try(world *w, const char *sql)
{
	return sqlite3_exec(w->db, sql, NULL, NULL, NULL);
}

static char answer[65536];

const char *world_text(world *w, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	if (sqlite3_prepare_v2(w->db, sql, -1, &stmt, NULL) != SQLITE_OK) fail_msg("%s: %.200s", sqlite3_errmsg(w->db), sql);
	const unsigned char *text = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_text(stmt, 0) : NULL;
	snprintf(answer, sizeof answer, "%s", text ? (const char *)text : "");
	sqlite3_finalize(stmt);
	return answer;
}

int64_t world_int(world *w, const char *sql)
{
	return atoll(world_text(w, sql));
}

bool world_plan(world *w, const char *sql, const char *line)
{
	sqlite3_stmt *stmt = NULL;
	bool found = false;
	if (sqlite3_prepare_v2(w->db, sql, -1, &stmt, NULL) != SQLITE_OK) fail_msg("%s: %.200s", sqlite3_errmsg(w->db), sql);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		found = found || strstr((const char *)sqlite3_column_text(stmt, 3), line);
	sqlite3_finalize(stmt);
	return found;
}

/* --- jobs ------------------------------------------------------------------------------------------------------- */

void world_apply(world *w)
{
	must(w, bulla_job_apply(&w->job, NULL, &w->result, &w->err));
}

void world_apply_fails(world *w, bulla_code code)
{
	w->err = (bulla_error){ 0 };
	bulla_code found = bulla_job_apply(&w->job, NULL, &w->result, &w->err);
	if (found != code) fail_msg("%s instead of %s: %s", bulla_code_name(found), bulla_code_name(code), w->err.text);
}

void world_verify(world *w)
{
	bulla_verify_options options = { 0 };
	must(w, bulla_job_verify(&w->job, &options, &w->result, &w->err));
}

void world_verify_clean(world *w)
{
	world_verify(w);
	assert_int_equal(w->result.differences, 0);
	assert_int_equal(w->result.unsealed, 0);
	assert_int_equal(w->result.quarantined, 0);
}

void world_finish(world *w)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_finish_options options = { .settle_ms = 0 };
	must(w, bulla_job_finish(&w->job, &options, &w->result, &out, &w->err));
}

/* --- bytes ------------------------------------------------------------------------------------------------------ */

size_t world_grep(world *w, const char *text, size_t len)
{
	static const char *const suffixes[] = { "", "-wal", "-journal" };
	size_t found = 0;
	for (size_t i = 0; i < 3; i++) {
		BULLA_BUF_AUTO bulla_buf bytes = { 0 };
		char path[128];
		snprintf(path, sizeof path, "%s%s", w->path, suffixes[i]);
		if (access(path, F_OK)) continue;
		must(w, bulla_file_read(path, 256u << 20, &bytes, &w->err));
		for (const uint8_t *at = bytes.data, *end = at + bytes.len;
		     at && (at = memmem(at, (size_t)(end - at), text, len)); at++)
			found++;
	}
	return found;
}
