/*
 * test_recovery.c - backups that open, restores that lose nothing, root keys that are replaced.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/paths.h"
#include "sandbox.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCAL "version: 1\nenvironments:\n  development: { key: local }\n"

static bulla_project *opened(const sandbox *box, bulla_project_depth depth)
{
	bulla_project *project = NULL;
	bulla_error err = { 0 };
	assert_ok(bulla_project_open(box->config, NULL, depth, &project, &err));
	return project;
}

static void backup(const sandbox *box, const char *path)
{
	bulla_project *project = opened(box, BULLA_PROJECT_ENGINE);
	bulla_error err = { 0 };
	bulla_log_head head;
	assert_ok(bulla_project_backup(project, path, &head, &err));
	assert_true(head.size > 0);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(bulla_project_backup(project, path, &head, &err), BULLA_ERR_EXISTS);
	bulla_project_close(project);
}

static bulla_code restore(const sandbox *box, const char *path, bool force, bulla_restored *ret, bulla_error *err)
{
	bulla_project *project = opened(box, BULLA_PROJECT_SCHEMA);
	*err = (bulla_error){ 0 };
	bulla_code code = bulla_project_restore(project, path, force, ret, err);
	bulla_project_close(project);
	return code;
}

static void test_backup_and_restore(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_restored done;
	bulla_error err;
	(void)state;
	make_store(&box, NULL);
	use_key(&box);
	backup(&box, in(&box, "backup.db"));
	assert_int_equal(restore(&box, in(&box, "backup.db"), false, &done, &err), BULLA_ERR_EXISTS);
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));

	assert_ok(restore(&box, in(&box, "backup.db"), true, &done, &err));
	assert_true(done.replaced[0] && is_there(done.replaced));
	assert_false(done.adopt);
	use_key(&box);

	/* an old backup is older than the log, and says so */
	add_key(&box);
	use_key(&box);
	assert_int_equal(unlink(in(&box, ".bulla/kms.db")), 0);
	assert_ok(restore(&box, in(&box, "backup.db"), false, &done, &err));
	assert_false(done.replaced[0]);
	assert_true(done.adopt);
	assert_int_equal(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err), BULLA_ERR_AUDIT);
	bulla_adopted adoption;
	assert_ok(bulla_project_adopt(box.config, NULL, "restored", &adoption, &err));
	assert_true(adoption.adopted);
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	sandbox_done(&box);
}

/* What is no backup of this root key's store takes nobody's place. */
static void test_restore_proves_first(void **state)
{
	sandbox box = sandbox_new(LOCAL), other = sandbox_new(LOCAL);
	bulla_restored done;
	bulla_error err;
	(void)state;
	make_store(&box, NULL);
	make_store(&other, NULL);
	backup(&other, in(&other, "backup.db"));
	assert_int_equal(restore(&box, in(&other, "backup.db"), true, &done, &err), BULLA_ERR_ROOT_KEY);
	write_text(in(&box, "noise"), "this is no store at all, and long enough not to be taken for an empty one");
	assert_int_not_equal(restore(&box, in(&box, "noise"), true, &done, &err), BULLA_OK);
	assert_int_equal(restore(&box, in(&box, "nothing"), true, &done, &err), BULLA_ERR_NOT_FOUND);
	assert_false(is_there(in(&box, ".bulla/kms.db.restoring")));
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	sandbox_done(&box);
	sandbox_done(&other);
}

static bulla_rekeyed rekey(const sandbox *box, const char *spec)
{
	bulla_project *project = opened(box, BULLA_PROJECT_ENGINE);
	bulla_error err = { 0 };
	bulla_rekeyed done;
	assert_ok(bulla_project_rekey(project, spec, &done, &err));
	bulla_project_close(project);
	return done;
}

static void test_rekey(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_error err;
	(void)state;
	make_store(&box, NULL);
	copy(in(&box, ".bulla/root.key"), in(&box, "old.key"));
	bulla_rekeyed done = rekey(&box, NULL);
	assert_false(done.edit_config);
	assert_true(is_there(done.retired) && is_there(done.retired_escrow) && is_there(done.escrow));
	assert_false(is_there(in(&box, ".bulla/root.key.new")) || is_there(in(&box, ".bulla/escrow.key.new")));
	use_key(&box);
	copy(done.escrow, in(&box, ".bulla/root.key")); /* the new escrow opens it, the old root key does not */
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	copy(in(&box, "old.key"), in(&box, ".bulla/root.key"));
	assert_int_equal(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err), BULLA_ERR_ROOT_KEY);
	sandbox_done(&box);
}

/* A backup from before a rekey opens with the key that was retired, and then takes a new one. */
static void test_restore_from_before_a_rekey(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_restored restored;
	bulla_error err;
	char config[8192];
	(void)state;
	make_store(&box, NULL);
	backup(&box, in(&box, "backup.db"));
	bulla_rekeyed done = rekey(&box, NULL);
	assert_int_equal(restore(&box, in(&box, "backup.db"), true, &restored, &err), BULLA_ERR_ROOT_KEY);
	assert_non_null(strstr(err.next, "root.key.retired-"));
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));

	(void)snprintf(config, sizeof config, "version: 1\nenvironments:\n  development: { key: local, root_key: \"file:%s\" }\n",
		       done.retired);
	write_text(box.config, config);
	assert_ok(restore(&box, in(&box, "backup.db"), true, &restored, &err));
	bulla_adopted adoption;
	assert_ok(bulla_project_adopt(box.config, NULL, "restored", &adoption, &err));
	(void)rekey(&box, NULL);
	use_key(&box);
	sandbox_done(&box);
}

/* Killed after the old store moved: what is kept is whole, and nothing of it lies beside the place of the new one. */
static void test_the_replaced_store_is_one_file(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_restored done;
	bulla_error err;
	char log[8192];
	(void)state;
	make_store(&box, NULL);
	backup(&box, in(&box, "backup.db"));
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) { /* ends without closing: its write-ahead log stays */
		(void)opened(&box, BULLA_PROJECT_ENGINE);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(is_there(in(&box, ".bulla/kms.db-wal")));
	assert_ok(restore(&box, in(&box, "backup.db"), true, &done, &err));
	(void)snprintf(log, sizeof log, "%s-wal", done.replaced);
	assert_true(is_there(done.replaced));
	assert_false(is_there(log));
	sandbox_done(&box);
}

/* Each keeps what it replaces, also within one second. */
static void test_restores_in_a_row(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_restored done[4];
	bulla_error err;
	(void)state;
	make_store(&box, NULL);
	backup(&box, in(&box, "backup.db"));
	for (int i = 0; i < 4; i++) {
		assert_ok(restore(&box, in(&box, "backup.db"), true, &done[i], &err));
		for (int k = 0; k <= i; k++)
			assert_true(is_there(done[k].replaced));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(done[k].replaced, done[i].replaced);
	}
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	sandbox_done(&box);
}

static void test_one_restore_at_a_time(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_restored done;
	bulla_error err;
	int lock;
	(void)state;
	make_store(&box, NULL);
	backup(&box, in(&box, "backup.db"));
	assert_ok(bulla_paths_lock(in(&box, ".bulla/kms.db"), &lock, &err));
	assert_int_equal(restore(&box, in(&box, "backup.db"), true, &done, &err), BULLA_ERR_BUSY);
	assert_non_null(strstr(err.next, "until it has ended"));
	bulla_paths_unlock(lock);
	assert_ok(restore(&box, in(&box, "backup.db"), true, &done, &err));
	sandbox_done(&box);
}

static int generation_of(const char *path)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT generation FROM bulla_state", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

/* A log of SQLite's without its database is not the log of the one that comes, wherever it lies. */
static void test_logs_that_were_left_alone(void **state)
{
	static const char *const places[] = { ".bulla/kms.db", ".bulla/kms.db.restoring" };
	for (int i = 0; i < 2; i++) {
		sandbox box = sandbox_new(LOCAL);
		bulla_restored done;
		bulla_error err;
		char log[256];
		(void)state;
		make_store(&box, NULL);
		backup(&box, in(&box, "backup.db"));
		int generation = generation_of(in(&box, "backup.db"));
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) { /* ends without closing */
			bulla_project *project = opened(&box, BULLA_PROJECT_ENGINE);
			_exit(bulla_engine_create_key(project->engine, "left in the log", NULL, NULL, &err));
		}
		assert_int_equal(waitpid(child, NULL, 0), child);
		(void)snprintf(log, sizeof log, "%s-wal", places[i]);
		copy(in(&box, ".bulla/kms.db-wal"), in(&box, "kept-wal"));
		assert_int_equal(unlink(in(&box, ".bulla/kms.db-wal")) | unlink(in(&box, ".bulla/kms.db")), 0);
		copy(in(&box, "kept-wal"), in(&box, log));
		assert_ok(restore(&box, in(&box, "backup.db"), false, &done, &err));
		assert_false(done.replaced[0]);
		assert_int_equal(generation_of(in(&box, ".bulla/kms.db")), generation);
		sandbox_done(&box);
	}
}

static void test_rekey_to_another_place(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_error err;
	(void)state;
	make_store(&box, NULL);
	bulla_rekeyed done = rekey(&box, "file:elsewhere.key");
	assert_true(done.edit_config);
	assert_string_equal(done.root_key, in(&box, "elsewhere.key"));
	assert_int_equal(done.retired[0], 0);
	assert_int_equal(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err), BULLA_ERR_ROOT_KEY);
	write_text(box.config, "version: 1\nenvironments:\n  development: { key: local, root_key: \"file:elsewhere.key\" }\n");
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	sandbox_done(&box);
}

/* Killed after the store's transaction and before the new key took its place. */
static void test_rekey_cut_after_the_transaction(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_error err;
	(void)state;
	make_store(&box, NULL);
	bulla_rekeyed done = rekey(&box, NULL);
	assert_int_equal(rename(in(&box, ".bulla/root.key"), in(&box, ".bulla/root.key.new")), 0);
	assert_int_equal(rename(done.retired, in(&box, ".bulla/root.key")), 0);
	assert_int_equal(rename(in(&box, ".bulla/escrow.key"), in(&box, ".bulla/escrow.key.new")), 0);
	assert_int_equal(rename(done.retired_escrow, in(&box, ".bulla/escrow.key")), 0);
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	assert_false(is_there(in(&box, ".bulla/root.key.new")) || is_there(in(&box, ".bulla/escrow.key.new")));
	copy(in(&box, ".bulla/escrow.key"), in(&box, ".bulla/root.key"));
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	sandbox_done(&box);
}

/* Killed before it: the waiting keys opened nothing yet, and are used by the next run. */
static void test_rekey_cut_before_the_transaction(void **state)
{
	sandbox box = sandbox_new(LOCAL), other = sandbox_new(LOCAL);
	bulla_error err;
	(void)state;
	make_store(&box, NULL);
	make_store(&other, NULL);
	copy(in(&other, ".bulla/root.key"), in(&box, ".bulla/root.key.new"));
	copy(in(&other, ".bulla/escrow.key"), in(&box, ".bulla/escrow.key.new"));
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	assert_true(is_there(in(&box, ".bulla/root.key.new")));
	(void)rekey(&box, NULL);
	assert_false(is_there(in(&box, ".bulla/root.key.new")));
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	sandbox_done(&box);
	sandbox_done(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backup_and_restore),
		cmocka_unit_test(test_restore_proves_first),
		cmocka_unit_test(test_rekey),
		cmocka_unit_test(test_restore_from_before_a_rekey),
		cmocka_unit_test(test_the_replaced_store_is_one_file),
		cmocka_unit_test(test_restores_in_a_row),
		cmocka_unit_test(test_one_restore_at_a_time),
		cmocka_unit_test(test_logs_that_were_left_alone),
		cmocka_unit_test(test_rekey_to_another_place),
		cmocka_unit_test(test_rekey_cut_after_the_transaction),
		cmocka_unit_test(test_rekey_cut_before_the_transaction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
