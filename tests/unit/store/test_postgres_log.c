/*
 * test_postgres_log.c - an audit log in PostgreSQL: one tree whoever appends, whatever is cut off, and nothing that is changed unseen.
 */
#include "help.h"
#include "audit/note.h"
#include "crypto/sign.h"
#include "pg_cut.h"
#include "store/postgres_log.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORIGIN "bulla/0123abcd"

static const bulla_secret seed = { .bytes = { 1, 2, 3 } };

static bulla_store *opened_for(const char *url)
{
	bulla_store *store = NULL;
	bulla_error err = { 0 };
	if (bulla_store_open(url, false, &store, &err)) fail_msg("%s", err.text);
	return store;
}

static bulla_log *open_in(bulla_store *store, bool write)
{
	bulla_log *log = NULL;
	bulla_error err = { 0 };
	if (bulla_store_log_open(store, ORIGIN, write ? &seed : NULL, write, &log, &err)) fail_msg("%s", err.text);
	return log;
}

static bulla_code append(bulla_log *log, const char *text, size_t n, bulla_log_head *ret_head, bulla_error *err)
{
	bulla_bytes entries[600];
	bulla_audit_sink sink = bulla_log_sink(log);
	for (size_t i = 0; i < n; i++)
		entries[i] = bulla_view_str(text);
	return sink.append(sink.self, entries, n, 1, ret_head, err);
}

static void must_append(bulla_log *log, const char *text, size_t n)
{
	bulla_error err = { 0 };
	if (append(log, text, n, NULL, &err)) fail_msg("%s", err.text);
}

static bulla_log_report verified(bulla_store *store)
{
	uint8_t public_key[32];
	bulla_log_report report = { 0 };
	bulla_error err = { 0 };
	assert_int_equal(bulla_ed25519_public(seed.bytes, public_key, NULL), BULLA_OK);
	if (bulla_store_log_verify(store, ORIGIN, public_key, NULL, NULL, &report, &err)) fail_msg("%s", err.text);
	return report;
}

static uint64_t must_verify(bulla_store *store)
{
	bulla_log_report report = verified(store);
	if (!report.ok) fail_msg("%s", report.problem);
	return report.size;
}

static uint64_t size_of(bulla_log *log)
{
	bulla_log_head head = { 0 };
	bulla_error err = { 0 };
	if (bulla_log_head_now(log, &head, &err)) fail_msg("%s", err.text);
	return head.size;
}

static bulla_code count_entry(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	uint64_t *next = self;
	(void)entry, (void)err;
	assert_int_equal(index, *next);
	++*next;
	return BULLA_OK;
}

/* --- appending and reading ------------------------------------------------------------------------------------- */
static void test_append_and_read(void **state)
{
	place *p = *state;
	static const size_t groups[] = { 1, 254, 1, 1, 513, 3 };
	bulla_log *log = open_in(p->store, true);
	bulla_log_head heads[6];
	bulla_tree tree = { 0 };
	bulla_lane *lane = NULL;
	uint64_t size = 0, next = 250;
	uint8_t root[32], leaf[32];
	assert_int_equal(bulla_lane_new(&lane, NULL), BULLA_OK);
	assert_int_equal(size_of(log), 0);
	assert_int_equal(must_verify(p->store), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(append(log, "{\"event\":1}", groups[i], &heads[i], NULL), BULLA_OK);
		size += groups[i];
		assert_int_equal(heads[i].size, size);
	}
	assert_int_equal(must_verify(p->store), 773);
	/* against a tree that was not asked */
	assert_int_equal(bulla_tree_leaf(lane, bulla_view_str("{\"event\":1}"), leaf, NULL), BULLA_OK);
	for (uint64_t at = 1; at <= size; at++) {
		assert_int_equal(bulla_tree_push(&tree, lane, 0, leaf, 1, NULL), BULLA_OK);
		if (at % 64 && at != 255 && at != 257 && at != size) continue;
		uint8_t right[32];
		assert_int_equal(bulla_tree_root(&tree, lane, right, NULL), BULLA_OK);
		assert_int_equal(bulla_log_root_at(log, at, root, NULL), BULLA_OK);
		assert_memory_equal(root, right, 32);
	}
	assert_int_equal(bulla_log_root_at(log, size + 1, root, &(bulla_error){ 0 }), BULLA_ERR_AUDIT);
	assert_int_equal(bulla_log_each(log, 250, 600, count_entry, &next, NULL), BULLA_OK);
	assert_int_equal(next, 600);
	bulla_log *reader = open_in(p->store, false);
	assert_int_equal(size_of(reader), size);
	assert_int_equal(append(reader, "no", 1, NULL, &(bulla_error){ 0 }), BULLA_ERR_AUDIT);
	bulla_log_close(reader);
	bulla_log_close(log);
	bulla_lane_free(lane);
}

static void test_not_begun(void **state)
{
	place *p = *state;
	bulla_log *log = NULL;
	bulla_error err = { 0 };
	assert_int_equal(bulla_store_log_open(p->store, ORIGIN, &seed, false, &log, &err), BULLA_ERR_NOT_FOUND);
	bulla_log_close(open_in(p->store, true));
	bulla_secret other = { .bytes = { 9 } };
	assert_int_equal(bulla_store_log_open(p->store, ORIGIN, &other, false, &log, &err), BULLA_ERR_AUDIT);
	assert_int_equal(bulla_store_log_open(p->store, "bulla/other", &seed, false, &log, &err), BULLA_ERR_AUDIT);
}

/* The same appends to a log directory sign the same checkpoints. */
static void test_export(void **state)
{
	place *p = *state;
	char base[] = "/tmp/bulla-mirror-XXXXXX", command[512];
	char *disk = NULL, *mirror = NULL;
	bulla_error err = { 0 };
	bulla_log *log = open_in(p->store, true), *other = NULL;
	assert_non_null(mkdtemp(base));
	assert_true(asprintf(&disk, "%s/disk", base) > 0 && asprintf(&mirror, "%s/mirror", base) > 0);
	assert_int_equal(bulla_log_open(disk, ORIGIN, &seed, true, &other, NULL), BULLA_OK);
	for (int i = 0; i < 3; i++) {
		must_append(log, "entry", 200);
		must_append(other, "entry", 200);
	}
	bulla_log_close(other);
	assert_int_equal(bulla_store_log_export(p->store, ORIGIN, mirror, &err), BULLA_OK);
	assert_int_equal(bulla_store_log_export(p->store, ORIGIN, mirror, &err), BULLA_ERR_EXISTS);
	(void)snprintf(command, sizeof command, "cd %s && rm disk/lock disk/journal && diff -r disk mirror", base);
	FILE *said = popen(command, "r");
	char line[256] = "";
	(void)!fgets(line, sizeof line, said);
	assert_string_equal(line, "");
	assert_int_equal(pclose(said), 0);
	(void)snprintf(command, sizeof command, "rm -r %s", base);
	(void)pclose(popen(command, "r"));
	bulla_log_close(log);
	free(disk);
	free(mirror);
}

/* --- several at once ------------------------------------------------------------------------------------------- */
static bool append_often(place *p)
{
	bulla_store *store = NULL;
	if (bulla_store_open(p->url, false, &store, NULL)) return false;
	bulla_log *log = open_in(store, true);
	for (size_t i = 0; i < 50; i++) {
		bulla_log_head head;
		if (append(log, "{\"node\":1}", 1 + i % 5, &head, NULL)) return false;
	}
	bulla_log_close(log);
	bulla_store_close(store);
	return true;
}

static void test_four_nodes(void **state)
{
	place *p = *state;
	pid_t children[4];
	bulla_log_close(open_in(p->store, true));
	for (size_t i = 0; i < 4; i++)
		if ((children[i] = fork()) == 0) _exit(append_often(p) ? 0 : 1);
	for (size_t i = 0; i < 4; i++) {
		int status = 1;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(must_verify(p->store), 4 * 150);
}

static void *append_in_thread(void *log)
{
	for (size_t i = 0; i < 40; i++)
		if (append(log, "{\"thread\":1}", 2, NULL, NULL)) return NULL;
	return log;
}

static void test_threads_share(void **state)
{
	place *p = *state;
	bulla_log *log = open_in(p->store, true);
	pthread_t threads[8];
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, append_in_thread, log), 0);
	for (size_t i = 0; i < 8; i++) {
		void *well = NULL;
		assert_int_equal(pthread_join(threads[i], &well), 0);
		assert_non_null(well);
	}
	bulla_log_report report = verified(p->store);
	assert_true(report.ok);
	assert_int_equal(report.size, 640);
	print_message("320 appends of 8 threads in %" PRIu64 " transactions\n", report.checkpoints - 1);
	assert_true(report.checkpoints < 321);
	bulla_log_close(log);
}

/* --- what is cut off ------------------------------------------------------------------------------------------- */
static void append_until_killed(place *p, atomic_uint *acknowledged)
{
	bulla_store *store = opened_for(p->url);
	bulla_log *log = open_in(store, true);
	for (;;)
		if (append(log, "{\"killed\":1}", 3, NULL, NULL) == BULLA_OK) atomic_fetch_add(acknowledged, 3);
}

static void test_killed_writers(void **state)
{
	place *p = *state;
	atomic_uint *acknowledged = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bulla_log_close(open_in(p->store, true));
	for (unsigned i = 0; i < 8; i++) {
		pid_t child = fork();
		if (child == 0) append_until_killed(p, acknowledged);
		(void)usleep(30000 + i * 7919);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		assert_true(must_verify(p->store) >= atomic_load(acknowledged));
	}
	print_message("%u entries acknowledged\n", atomic_load(acknowledged));
	assert_true(atomic_load(acknowledged) > 0);
	(void)munmap(acknowledged, 4096);
}

static void test_answers_that_are_lost(void **state)
{
	place *p = *state;
	char *url = pg_cut_url(p->url);
	bulla_store *store = opened_for(url);
	bulla_log *log = open_in(store, true);
	bulla_log_head head = { 0 };
	bulla_error err = { 0 };
	must_append(log, "first", 2);
	pg_cut_next(PG_CUT_AFTER_COMMIT);
	assert_int_equal(append(log, "landed", 2, &head, &err), BULLA_OK);
	assert_int_equal(head.size, 4);
	assert_int_equal(must_verify(p->store), 4); /* once */
	pg_cut_next(PG_CUT_BEFORE_COMMIT);
	assert_int_equal(append(log, "lost", 2, &head, &err), BULLA_ERR_UNAVAILABLE);
	assert_true(err.retryable);
	assert_int_equal(must_verify(p->store), 4);
	must_append(log, "again", 1);
	assert_int_equal(must_verify(p->store), 5);
	bulla_log_close(log);
	bulla_store_close(store);
	free(url);
}

static void test_server_restarts(void **state)
{
	place *p = *state;
	bulla_log *log = open_in(p->store, true);
	bulla_error err = { 0 };
	must_append(log, "before", 1);
	pg_stop();
	assert_int_equal(append(log, "during", 1, NULL, &err), BULLA_ERR_UNAVAILABLE);
	pg_start();
	(void)usleep(BULLA_PG_RETRY_MS * 1000);
	must_append(log, "after", 1);
	assert_int_equal(must_verify(p->store), 2);
	bulla_log_close(log);
}

/* --- what is changed ------------------------------------------------------------------------------------------- */
static void test_changes_are_found(void **state)
{
	static const char *const changes[] = {
		"UPDATE bulla_log_entry SET entry = 'other' WHERE index = 300",
		"DELETE FROM bulla_log_entry WHERE index = 17",
		"DELETE FROM bulla_log_entry WHERE index = 599",
		"INSERT INTO bulla_log_entry VALUES (600, 'more')",
		"UPDATE bulla_log_entry SET entry = (SELECT entry FROM bulla_log_entry WHERE index = 1) WHERE index = 6",
		"DELETE FROM bulla_log_checkpoint WHERE size = 600",
		"DELETE FROM bulla_log_checkpoint WHERE size = 0",
		"UPDATE bulla_log_checkpoint SET note = overlay(note PLACING '7' FROM 20) WHERE size = 2",
		"UPDATE bulla_log_checkpoint SET size = 3 WHERE size = 2",
		"DELETE FROM bulla_log_tree WHERE size = 256",
		"UPDATE bulla_log_tree SET peaks = overlay(peaks PLACING 'x' FROM 1) WHERE size = 512",
		"UPDATE bulla_log_head SET size = 2, note = (SELECT note FROM bulla_log_checkpoint WHERE size = 2)",
		"UPDATE bulla_log_head SET peaks = overlay(peaks PLACING 'x' FROM 1)",
	};
	place *p = *state;
	bulla_log *log = open_in(p->store, true);
	must_append(log, "first", 1);
	must_append(log, "second", 1);
	must_append(log, "third", 598);
	assert_int_equal(must_verify(p->store), 600);
	(void)pg_psql(p->url, "CREATE TABLE k1 AS TABLE bulla_log_entry; CREATE TABLE k2 AS TABLE bulla_log_checkpoint;"
			      "CREATE TABLE k3 AS TABLE bulla_log_tree; CREATE TABLE k4 AS TABLE bulla_log_head");
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		(void)pg_psql(p->url, changes[i]);
		bulla_log_report report = verified(p->store);
		if (report.ok) fail_msg("not found: %s", changes[i]);
		print_message("%s\n", report.problem);
		(void)pg_psql(p->url, "TRUNCATE bulla_log_entry, bulla_log_checkpoint, bulla_log_tree, bulla_log_head;"
				      "INSERT INTO bulla_log_entry TABLE k1; INSERT INTO bulla_log_checkpoint TABLE k2;"
				      "INSERT INTO bulla_log_tree TABLE k3; INSERT INTO bulla_log_head TABLE k4");
	}
	assert_int_equal(must_verify(p->store), 600);
	bulla_log_close(log);
}

/* An older log put back under a node that knows a newer one: it appends nothing to it. */
static void test_older_log_is_noticed(void **state)
{
	place *p = *state;
	bulla_log *log = open_in(p->store, true);
	bulla_error err = { 0 };
	must_append(log, "first", 1);
	(void)pg_psql(p->url, "CREATE TABLE k4 AS TABLE bulla_log_head");
	must_append(log, "second", 1);
	(void)pg_psql(p->url, "DELETE FROM bulla_log_entry WHERE index = 1; DELETE FROM bulla_log_checkpoint WHERE size = 2;"
			      "TRUNCATE bulla_log_head; INSERT INTO bulla_log_head TABLE k4");
	assert_int_equal(append(log, "third", 1, NULL, &err), BULLA_ERR_AUDIT);
	assert_int_equal(verified(p->store).size, 1);
	bulla_log_close(log);
}

static int group_setup(void **state)
{
	if (pg_group_setup(state)) return -1;
	pg_cut_start();
	return 0;
}

static int group_teardown(void **state)
{
	pg_cut_end();
	return pg_group_teardown(state);
}

#define MADE(test) cmocka_unit_test_setup_teardown(test, postgres_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MADE(test_append_and_read),
		MADE(test_not_begun),
		MADE(test_export),
		MADE(test_four_nodes),
		MADE(test_threads_share),
		MADE(test_killed_writers),
		MADE(test_answers_that_are_lost),
		MADE(test_server_restarts),
		MADE(test_changes_are_found),
		MADE(test_older_log_is_noticed),
	};
	if (!pg_installed()) return 0;
	return cmocka_run_group_tests_name("store/postgres_log", tests, group_setup, group_teardown);
}
