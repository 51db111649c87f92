/*
 * test_shared.c - several engines, processes and threads over one store; changes that lose a race; changes that are killed.
 */
#include "help.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLS 20

static void remember(fixture *f, bulla_engine_reply *reply)
{
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_GENERATE_DATA_KEY, "alias/test", (bulla_bytes){ 0 }, reply), BULLA_OK);
}

static char *store_in(const char *directory)
{
	char *url = NULL;
	assert_true(asprintf(&url, "sqlite:%s/kms.db", directory) > 0);
	return url;
}

/* --- two handles ----------------------------------------------------------------------------------------------- */
static void test_two_engines(void **state)
{
	(void)state;
	char *directory = directory_new(), *url = store_in(directory);
	fixture a = { 0 }, b = { 0 };
	bulla_engine_reply made = { 0 }, opened = { 0 };
	bulla_key_info info;
	fixture_open(&a, url);
	fixture_open(&b, url);
	remember(&a, &made);
	assert_int_equal(call_one(b.engine, BULLA_ENGINE_DECRYPT, "alias/test", bulla_view_buf(&made.blob), &opened), BULLA_OK);
	assert_int_equal(bulla_engine_disable(b.engine, bulla_view_str("alias/test"), NULL), BULLA_OK);
	assert_int_equal(call_one(a.engine, BULLA_ENGINE_DECRYPT, NULL, bulla_view_buf(&made.blob), &opened),
			 BULLA_ERR_KEY_DISABLED);
	assert_int_equal(bulla_engine_enable(a.engine, bulla_view_str("alias/test"), NULL), BULLA_OK);
	assert_int_equal(bulla_engine_rotate(b.engine, bulla_view_str("alias/test"), &info, NULL), BULLA_OK);
	remember(&a, &made);
	assert_memory_equal(made.material_id, info.current_material, 8);
	/* In turns: each change sees the other's, so none conflicts. */
	for (int i = 0; i < 5; i++) {
		assert_int_equal(bulla_engine_create_key(a.engine, NULL, NULL, NULL, NULL), BULLA_OK);
		assert_int_equal(bulla_engine_create_key(b.engine, NULL, NULL, NULL, NULL), BULLA_OK);
	}
	bulla_key_info *list = NULL;
	size_t n = 0;
	assert_int_equal(bulla_engine_list(a.engine, &list, &n, NULL), BULLA_OK);
	assert_int_equal(n, 11);
	free(list);
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&opened);
	fixture_close(&a);
	fixture_close(&b);
	free(url);
	directory_remove(directory);
}

/* --- races ----------------------------------------------------------------------------------------------------- */
static bulla_kms_store real_store;
static bulla_code answer_with;
static int answers_left;

static bulla_code failing_change(void *self, uint64_t expected, const bulla_kms_row *rows, size_t n, const bulla_log_head *head,
				 bulla_error *err)
{
	if (answers_left == 0) return real_store.change(self, expected, rows, n, head, err);
	answers_left--;
	return bulla_fail(err, answer_with, "as told");
}

static void break_changes(fixture *f, bulla_code code, int times)
{
	real_store = f->config.store;
	f->config.store.change = failing_change;
	answer_with = code;
	answers_left = times;
	fixture_reopen_engine(f);
}

static void test_conflict_is_tried_again(void **state)
{
	fixture *f = *state;
	size_t before = f->log.entries;
	break_changes(f, BULLA_ERR_CONFLICT, 2);
	assert_int_equal(bulla_engine_disable(f->engine, bulla_view_str("alias/test"), NULL), BULLA_OK);
	assert_int_equal(f->log.entries, before + 5); /* ok, conflict, ok, conflict, ok */
	assert_int_equal(fake_log_count(&f->log, "\"outcome\":\"conflict\""), 2);
	assert_true(fake_log_last_has(&f->log, "\"outcome\":\"ok\""));
	break_changes(f, BULLA_ERR_CONFLICT, 1000);
	bulla_error err = { 0 };
	assert_int_equal(bulla_engine_enable(f->engine, bulla_view_str("alias/test"), &err), BULLA_ERR_CONFLICT);
	assert_true(err.retryable);
	assert_true(1000 - answers_left <= 64);
}

static void test_refused_by_the_store(void **state)
{
	fixture *f = *state;
	bulla_error err = { 0 };
	break_changes(f, BULLA_ERR_FULL, 1);
	assert_int_equal(bulla_engine_disable(f->engine, bulla_view_str("alias/test"), &err), BULLA_ERR_FULL);
	assert_true(fake_log_last_has(&f->log, "\"DisableKey\"") && fake_log_last_has(&f->log, "\"outcome\":\"full\""));
	bulla_key_info info;
	assert_int_equal(bulla_engine_describe(f->engine, bulla_view_str("alias/test"), &info, NULL), BULLA_OK);
	assert_int_equal(info.state, BULLA_KEY_ENABLED);
}

/* --- threads --------------------------------------------------------------------------------------------------- */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static bulla_audit_sink quiet_sink;

static bulla_code locked_append(void *self, const bulla_bytes *entries, size_t n, uint64_t generation, bulla_log_head *ret_head,
				bulla_error *err)
{
	pthread_mutex_lock(&log_lock);
	bulla_code code = quiet_sink.append(self, entries, n, generation, ret_head, err);
	pthread_mutex_unlock(&log_lock);
	return code;
}

static void *use_much(void *engine)
{
	bulla_engine_request request = { .operation = BULLA_ENGINE_GENERATE_DATA_KEY,
					 .key_id = bulla_view_str("alias/test"),
					 .context = context() };
	bulla_engine_request requests[8];
	bulla_engine_reply replies[8] = { 0 }, opened = { 0 };
	bool well = true;
	for (size_t i = 0; i < 8; i++)
		requests[i] = request;
	for (int round = 0; round < 60 && well; round++) {
		well = bulla_engine_call(engine, requests, 8, replies, NULL) == BULLA_OK;
		well = well &&
		       call_one(engine, BULLA_ENGINE_DECRYPT, NULL, bulla_view_buf(&replies[3].blob), &opened) == BULLA_OK;
		well = well && bulla_bytes_equal(bulla_view_buf(&opened.plaintext), bulla_view_buf(&replies[3].plaintext));
	}
	for (size_t i = 0; i < 8; i++)
		bulla_engine_reply_done(&replies[i]);
	bulla_engine_reply_done(&opened);
	return well ? engine : NULL;
}

static void test_threads(void **state)
{
	fixture *f = *state;
	pthread_t threads[4];
	quiet_sink = f->config.audit;
	f->config.audit.append = locked_append;
	fixture_reopen_engine(f);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_much, f->engine), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(bulla_engine_rotate(f->engine, bulla_view_str("alias/test"), NULL, NULL), BULLA_OK);
	for (size_t i = 0; i < 4; i++) {
		void *well = NULL;
		assert_int_equal(pthread_join(threads[i], &well), 0);
		assert_non_null(well);
	}
	bulla_key_info info;
	assert_int_equal(bulla_engine_describe(f->engine, bulla_view_str("alias/test"), &info, NULL), BULLA_OK);
	assert_int_equal(info.materials, 21);
}

/* --- processes ------------------------------------------------------------------------------------------------- */
/* Writes the id of each key that it has made, once it is made. */
static void make_keys(const char *url, int pipe_end, int count)
{
	fixture f = { 0 };
	fixture_open(&f, url);
	for (int i = 0; count == 0 || i < count; i++) {
		bulla_key_info info;
		bulla_error err = { 0 };
		if (bulla_engine_create_key(f.engine, "made in a child", NULL, &info, &err)) _exit(2);
		if (write(pipe_end, info.id, 36) != 36) _exit(3);
		if (bulla_engine_rotate(f.engine, bulla_view_str(info.id), NULL, &err)) _exit(4);
	}
	fixture_close(&f);
	_exit(0);
}

static void test_two_processes(void **state)
{
	(void)state;
	char *directory = directory_new(), *url = store_in(directory);
	int ends[2][2];
	pid_t children[2];
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(ends[i]), 0);
		children[i] = fork();
		if (children[i] == 0) make_keys(url, ends[i][1], 10);
	}
	for (int i = 0; i < 2; i++) {
		int status = 0;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
		close(ends[i][0]);
		close(ends[i][1]);
	}
	fixture f = { 0 };
	bulla_key_info *list = NULL;
	size_t n = 0, twice = 0;
	fixture_open(&f, url);
	assert_int_equal(bulla_engine_list(f.engine, &list, &n, NULL), BULLA_OK);
	for (size_t i = 0; i < n; i++)
		twice += list[i].materials == 2;
	assert_int_equal(n, 21); /* one made the store's first */
	assert_int_equal(twice, 20);
	free(list);
	fixture_close(&f);
	free(url);
	directory_remove(directory);
}

/* Every key that was told of is there and works, whenever the child dies. */
static void check_after_kill(const char *url, int pipe_end)
{
	fixture f = { 0 };
	char id[37] = "";
	bulla_engine_reply reply = { 0 }, opened = { 0 };
	fixture_open(&f, url);
	while (read(pipe_end, id, 36) == 36) {
		assert_int_equal(call_one(f.engine, BULLA_ENGINE_ENCRYPT, id, bulla_view_str("v"), &reply), BULLA_OK);
		assert_int_equal(call_one(f.engine, BULLA_ENGINE_DECRYPT, NULL, bulla_view_buf(&reply.blob), &opened), BULLA_OK);
	}
	bulla_engine_reply_done(&reply);
	bulla_engine_reply_done(&opened);
	fixture_close(&f);
}

static void test_killed(void **state)
{
	(void)state;
	char *directory = directory_new(), *url = store_in(directory);
	for (int i = 0; i < KILLS; i++) {
		int ends[2];
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();
		if (child == 0) make_keys(url, ends[1], 0);
		close(ends[1]);
		usleep((useconds_t)(2000 + (i * 7919) % 40000));
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		check_after_kill(url, ends[0]);
		close(ends[0]);
	}
	free(url);
	directory_remove(directory);
}

/* --- an old store ---------------------------------------------------------------------------------------------- */
static void copy_file(const char *from, const char *to)
{
	char command[1024];
	(void)snprintf(command, sizeof command, "cp -p '%s' '%s'", from, to);
	assert_int_equal(system(command), 0);
}

/* The store of yesterday opens, but its generation and head are behind what the log has seen: the log's owner can tell. */
static void test_rolled_back(void **state)
{
	(void)state;
	char *directory = directory_new(), *url = store_in(directory);
	char *path = path_in(directory, "kms.db"), *old = path_in(directory, "old.db");
	fixture f = { 0 };
	bulla_log_head head;
	uint64_t generation = 0;
	fixture_open(&f, url);
	fixture_close(&f);
	copy_file(path, old);
	f = (fixture){ 0 };
	fixture_open(&f, url);
	assert_int_equal(bulla_engine_disable(f.engine, bulla_view_str("alias/test"), NULL), BULLA_OK);
	assert_int_equal(bulla_engine_create_key(f.engine, NULL, NULL, NULL, NULL), BULLA_OK);
	assert_int_equal(bulla_engine_create_key(f.engine, NULL, NULL, NULL, NULL), BULLA_OK);
	uint64_t logged = f.log.generation, entries = f.log.entries;
	fixture_close(&f);
	copy_file(old, path);
	f = (fixture){ 0 };
	fixture_open(&f, url);
	assert_int_equal(bulla_engine_head(f.engine, &head, &generation, NULL), BULLA_OK);
	assert_true(generation < logged);
	assert_true(head.size < entries);
	fixture_close(&f);
	free(path);
	free(old);
	free(url);
	directory_remove(directory);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_engines),   WITH(test_conflict_is_tried_again),
		WITH(test_refused_by_the_store),      WITH(test_threads),
		cmocka_unit_test(test_two_processes), cmocka_unit_test(test_killed),
		cmocka_unit_test(test_rolled_back),
	};
	return cmocka_run_group_tests_name("kms/shared", tests, NULL, NULL);
}
