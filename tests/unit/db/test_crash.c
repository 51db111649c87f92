/* Killed at any moment, taken up by the next run; one run at a time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SQL                                                                                                                      \
	"PRAGMA journal_mode=%s; CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT UNIQUE);"                      \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000)"                                         \
	" INSERT INTO users SELECT x, 'secretmail' || x, 'Secretname ' || x FROM c;"
#define YAML                                                                                                                     \
	"  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: {} }, name: { type: string, "    \
	"index: { unique: true } } }\n"

static void open_world(world *w, const char *mode)
{
	char sql[1024];
	snprintf(sql, sizeof sql, SQL, mode);
	world_open_durable(w, sql, YAML);
}

static void quiet(void)
{
	(void)!freopen("/dev/null", "w", stderr);
	(void)!freopen("/dev/null", "w", stdout);
}

/* Runs `job` in a child and kills it after `us` microseconds; true when it had ended before. */
static bool run_and_kill(world *w, void (*job)(world *w), unsigned us)
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		quiet();
		world_reopen(w);
		job(w);
		_exit(0);
	}
	for (unsigned waited = 0; waited < us; waited += 1000) {
		usleep(us - waited < 1000 ? us - waited : 1000);
		if (waitpid(pid, &status, WNOHANG) == pid) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void apply_slowly(world *w)
{
	bulla_apply_options options = { .batch_rows = 16 };
	if (bulla_job_apply(&w->job, &options, &w->result, &w->err)) _exit(1);
}

static void finish_now(world *w)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_finish_options options = { 0 };
	if (bulla_job_finish(&w->job, &options, &w->result, &out, &w->err)) _exit(1);
}

static void check_rows(world *w)
{
	assert_string_equal(world_text(w, "PRAGMA integrity_check"), "ok");
	assert_int_equal(world_int(w, "SELECT count(*) FROM users"), 2000);
}

static void a_killed_apply_is_taken_up(const char *mode)
{
	world w;
	open_world(&w, mode);
	for (unsigned us = 3000; us < 200000 && !run_and_kill(&w, apply_slowly, us + (unsigned)rand() % 9000); us = us * 3 / 2) {
		check_rows(&w);
		assert_int_equal(
			world_int(&w,
				  "SELECT count(*) FROM users WHERE email <> 'secretmail' || id OR name <> 'Secretname ' || id"),
			0);
	}
	world_apply(&w);
	assert_int_equal(w.result.unsealed, 0);
	assert_int_equal(world_int(&w, "SELECT last_unsealed FROM bulla_job"), 0);
	world_verify_clean(&w);
	assert_int_equal(w.result.done, 2000);
	world_close(&w);
}

static void a_killed_apply_is_taken_up_with_a_journal(void **state)
{
	(void)state;
	a_killed_apply_is_taken_up("delete");
}

static void a_killed_apply_is_taken_up_with_a_write_ahead_log(void **state)
{
	(void)state;
	a_killed_apply_is_taken_up("wal");
}

static bool has_plaintext(world *w)
{
	return world_int(w, "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'email'") > 0;
}

/* Old or new, never between; the next finish ends what the last one began. */
static void a_killed_finish_is_taken_up(const char *mode)
{
	world w;
	open_world(&w, mode);
	world_apply(&w);
	world_verify_clean(&w);
	bool ended = false;
	for (unsigned us = 4000; us < 400000 && !ended; us = us * 4 / 3) {
		ended = run_and_kill(&w, finish_now, us + (unsigned)rand() % 5000);
		check_rows(&w);
		if (has_plaintext(&w))
			assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE email = 'secretmail' || id AND name = "
						       "'Secretname ' || id"),
					 2000);
		assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bulla_rebuild%'"), 0);
	}
	world_finish(&w);
	assert_false(has_plaintext(&w));
	assert_int_equal(world_grep(&w, "secretmail", 10) + world_grep(&w, "Secretname", 10), 0);
	assert_string_equal(world_text(&w, "SELECT phase FROM bulla_job"), "finished");
	world_verify(&w);
	assert_int_equal(w.result.done, 2000);
	assert_true(w.result.digest_equal);
	world_close(&w);
}

static void a_killed_finish_is_taken_up_with_a_journal(void **state)
{
	(void)state;
	a_killed_finish_is_taken_up("delete");
}

static void a_killed_finish_is_taken_up_with_a_write_ahead_log(void **state)
{
	(void)state;
	a_killed_finish_is_taken_up("wal");
}

/* The disk is full before the job is done: what is committed stays, and the rest follows when there is room. */
static void apply_without_room(world *w)
{
	struct stat st;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(stat(w->path, &st), 0);
	struct rlimit limit = { (rlim_t)st.st_size + 100000, (rlim_t)st.st_size + 100000 };
	setrlimit(RLIMIT_FSIZE, &limit);
	bulla_apply_options options = { .batch_rows = 16 };
	bulla_code code = bulla_job_apply(&w->job, &options, &w->result, &w->err);
	_exit(code == BULLA_ERR_FULL || code == BULLA_ERR_IO ? 0 : 1);
}

static void a_full_disk_loses_nothing(void **state)
{
	(void)state;
	world w;
	open_world(&w, "delete");
	assert_true(run_and_kill(&w, apply_without_room, 4000000));
	check_rows(&w);
	int64_t sealed = world_int(&w, "SELECT count(*) FROM users WHERE encrypted_kms_key IS NOT NULL");
	assert_in_range(sealed, 1, 1999);
	world_apply(&w);
	assert_int_equal(w.result.done, 2000 - sealed);
	world_verify_clean(&w);
	world_close(&w);
}

/* --- leases ---------------------------------------------------------------------------------------------------------- */

static void try_again(void *self, const char *step)
{
	world *w = self;
	bulla_job second = w->job;
	bulla_job_result result;
	bulla_error err = { 0 };
	if (strcmp(step, "sealed") != 0) return;
	second.hook = NULL;
	assert_int_equal(bulla_job_apply(&second, NULL, &result, &err), BULLA_ERR_BUSY);
	assert_non_null(strstr(err.text, "process"));
	assert_true(err.retryable);
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_finish_options options = { 0 };
	assert_int_not_equal(bulla_job_finish(&second, &options, &result, &out, &err), BULLA_OK);
}

static void a_second_apply_is_told_to_wait(void **state)
{
	(void)state;
	world w;
	open_world(&w, "wal");
	w.job.hook = try_again;
	w.job.hook_self = &w;
	world_apply(&w);
	assert_int_equal(w.result.done, 2000);
	world_close(&w);
}

static void a_lease_of_another_host_ends_with_its_heartbeat(void **state)
{
	(void)state;
	world w;
	open_world(&w, "wal");
	world_apply(&w);
	world_sql(&w, "UPDATE bulla_job SET owner = 'elsewhere/12345678/pid:[1] 4711 99 abc', heartbeat = strftime('%s', 'now') "
		      "* 1000 - 5000");
	world_apply_fails(&w, BULLA_ERR_BUSY);
	assert_non_null(strstr(w.err.text, "process 4711 on host elsewhere"));
	world_sql(&w, "UPDATE bulla_job SET heartbeat = heartbeat - 60000");
	world_apply(&w);
	world_close(&w);
}

/* Somebody takes over while a page is being sealed: its swap must fail as a whole. */
static void steal(void *self, const char *step)
{
	world *w = self;
	if (strcmp(step, "sealed") == 0) world_sql(w, "UPDATE bulla_job SET owner = 'thief/x/y 1 1 z'");
}

static void a_run_that_lost_its_lease_writes_nothing_more(void **state)
{
	(void)state;
	world w;
	open_world(&w, "wal");
	w.job.hook = steal;
	w.job.hook_self = &w;
	world_apply_fails(&w, BULLA_ERR_BUSY);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE encrypted_kms_key IS NOT NULL"), 0);
	assert_string_equal(world_text(&w, "SELECT owner FROM bulla_job"), "thief/x/y 1 1 z");
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_apply_is_taken_up_with_a_journal),
		cmocka_unit_test(a_killed_apply_is_taken_up_with_a_write_ahead_log),
		cmocka_unit_test(a_killed_finish_is_taken_up_with_a_journal),
		cmocka_unit_test(a_killed_finish_is_taken_up_with_a_write_ahead_log),
		cmocka_unit_test(a_full_disk_loses_nothing),
		cmocka_unit_test(a_second_apply_is_told_to_wait),
		cmocka_unit_test(a_lease_of_another_host_ends_with_its_heartbeat),
		cmocka_unit_test(a_run_that_lost_its_lease_writes_nothing_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
