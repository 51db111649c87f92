/*
 * test_postgres.c - what is PostgreSQL's own about a store in it: settings, other nodes, servers that go away, whole copies.
 */
#include "help.h"
#include "pg_cut.h"
#include "store/postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bulla_kms_row row(bulla_kms_table table, const char *id, const char *data)
{
	return (bulla_kms_row){ table, bulla_view_str(id), bulla_view_str(data) };
}

static bulla_code put(const bulla_kms_store *kms, uint64_t expected, const char *id, bulla_error *err)
{
	bulla_kms_row rows[] = { row(BULLA_KMS_ALIAS, id, "sealed") };
	bulla_log_head head = { .size = expected };
	return kms->change(kms->self, expected, rows, 1, &head, err);
}

static bulla_code count_row(void *self, const bulla_kms_row *met, bulla_error *err)
{
	(void)met, (void)err;
	++*(size_t *)self;
	return BULLA_OK;
}

static size_t rows_of(bulla_store *store, uint64_t *ret_generation)
{
	size_t n = 0;
	bulla_log_head head;
	bulla_kms_store kms = bulla_store_kms(store);
	assert_int_equal(kms.load(kms.self, count_row, &n, ret_generation, &head, NULL), BULLA_OK);
	return n;
}

static uint64_t version_of(const bulla_kms_store *kms)
{
	uint64_t version = 0;
	assert_int_equal(kms->version(kms->self, &version, NULL), BULLA_OK);
	return version;
}

static bulla_store *opened(const char *url, bool create)
{
	bulla_store *store = NULL;
	bulla_error err = { 0 };
	if (bulla_store_open(url, create, &store, &err)) fail_msg("%s", err.text);
	return store;
}

static bulla_branch_row branch(const char *identity, uint64_t version, bulla_branch_state state)
{
	return (bulla_branch_row){ .identity = bulla_view_str(identity),
				   .print = bulla_view_str("user:42"),
				   .version = version,
				   .state = state,
				   .wrapped = bulla_view_str("wrapped"),
				   .created_us = 1000 };
}

/* --- opening --------------------------------------------------------------------------------------------------- */
static void test_urls(void **state)
{
	static const char *const wrong[] = { "postgresql://h/d?options=-csearch_path%3DA%22b",
					     "postgresql://h/d?options=-csearch_path%3Da,b", "postgresql://h/d?colour=red",
					     "postgresql://h:Kqsecret@[x/d" };
	bulla_store *store = NULL;
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		bulla_error err = { 0 };
		assert_int_equal(bulla_store_open(wrong[i], true, &store, &err), BULLA_ERR_CONFIG);
		assert_null(strstr(err.text, "Kqsecret"));
	}
	bulla_error err = { 0 };
	assert_int_equal(bulla_store_open("postgresql://u:Kqsecret@/d?host=/nowhere", true, &store, &err), BULLA_ERR_UNAVAILABLE);
	assert_true(err.retryable && err.next[0]);
	assert_null(strstr(err.text, "Kqsecret"));
	char told[BULLA_STORE_PLACE_MAX];
	bulla_store_place("postgresql://u:Kqsecret@db1:5433/app?options=-csearch_path%3Dkeys", told);
	assert_string_equal(told, "PostgreSQL database app, schema keys, on db1:5433");
}

static void test_missing_foreign_newer(void **state)
{
	bulla_error err = { 0 };
	bulla_store *store = NULL;
	char *url = pg_url_new("");
	(void)state;
	assert_int_equal(bulla_store_open(url, false, &store, &err), BULLA_ERR_NOT_FOUND);
	assert_string_equal(pg_psql(url, "SELECT count(to_regnamespace(current_setting('search_path')))"), "0");
	(void)pg_psql(url, "DO 'BEGIN EXECUTE format(''CREATE SCHEMA %s'', current_setting(''search_path'')); END';"
			   "CREATE TABLE theirs (a int)");
	assert_int_equal(bulla_store_open(url, true, &store, &err), BULLA_ERR_FORMAT);
	(void)pg_psql(url, "DROP TABLE theirs");
	bulla_store_close(opened(url, true));
	bulla_store_close(opened(url, false));
	(void)pg_psql(url, "UPDATE bulla_store SET version = 99");
	assert_int_equal(bulla_store_open(url, true, &store, &err), BULLA_ERR_NEWER);
	free(url);
}

static bool open_once(place *p)
{
	bulla_store *store = NULL;
	bool well = bulla_store_open(p->url, true, &store, NULL) == BULLA_OK;
	bulla_store_close(store);
	return well;
}

static void test_made_together(void **state)
{
	place p = { .url = pg_url_new("") };
	pid_t children[6];
	(void)state;
	for (size_t i = 0; i < 6; i++)
		if ((children[i] = fork()) == 0) _exit(open_once(&p) ? 0 : 1);
	for (size_t i = 0; i < 6; i++) {
		int status = 1;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_string_equal(pg_psql(p.url, "SELECT count(*) FROM bulla_state"), "1");
	free(p.url);
}

/* What the role, the database or the URL says of durability does not count; what keeps a hung session from others does. */
static void test_settings(void **state)
{
	static const char *const expected[][2] = { { "synchronous_commit", "on" },
						   { "statement_timeout", "30s" },
						   { "lock_timeout", "10s" },
						   { "idle_in_transaction_session_timeout", "5s" } };
	char *url = pg_url_new("%20-csynchronous_commit%3Doff");
	bulla_pg_place where = { .owner = getpid() };
	bulla_pg_link link;
	(void)state;
	assert_int_equal(bulla_pg_place_find(&where, url + strlen("postgresql:"), NULL), BULLA_OK);
	bulla_pg_link_init(&link, &where);
	assert_int_equal(bulla_pg_link_up(&link, NULL), BULLA_OK);
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		char sql[256];
		int64_t same = 0;
		(void)snprintf(sql, sizeof sql,
			       "SELECT count(*) FROM pg_settings WHERE name = '%s' AND current_setting(name) = '%s'",
			       expected[i][0], expected[i][1]);
		assert_int_equal(bulla_pg_ask_text(&link, sql, &same, NULL), BULLA_OK);
		assert_int_equal(same, 1);
	}
	bulla_pg_link_done(&link);
	bulla_pg_place_done(&where);
	free(url);
}

static bool use_after_fork(place *p)
{
	uint64_t version = 0;
	bool refused =
		p->kms.version(p->kms.self, &version, NULL) == BULLA_ERR_USAGE && put(&p->kms, 0, "a", NULL) == BULLA_ERR_USAGE;
	bulla_store_close(p->store);
	return refused;
}

static void test_fork(void **state)
{
	place *p = *state;
	assert_true(in_child(use_after_fork, p));
	assert_int_equal(put(&p->kms, 0, "a", NULL), BULLA_OK);
}

/* A trigger of the server's owner says a lot; of that only the first line gets to us. */
static void test_errors_say_little(void **state)
{
	place *p = *state;
	bulla_error err = { 0 };
	(void)pg_psql(p->url, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
			      " 'BEGIN RAISE ''no'' USING DETAIL = ''Kqdetail '' || new.id::text, HINT = ''Kqhint''; END';"
			      "CREATE TRIGGER refuse BEFORE INSERT ON bulla_kms FOR EACH ROW EXECUTE FUNCTION refuse()");
	assert_int_not_equal(put(&p->kms, 0, "a", &err), BULLA_OK);
	assert_non_null(strstr(err.text, "no"));
	assert_null(strstr(err.text, "Kq"));
	assert_null(strstr(err.next, "Kq"));
}

/* --- other nodes ----------------------------------------------------------------------------------------------- */
static int64_t wait_for_version(const bulla_kms_store *kms, uint64_t wanted)
{
	int64_t began = bulla_pg_now_ms();
	while (version_of(kms) != wanted) {
		assert_true(bulla_pg_now_ms() - began < 5000);
		(void)usleep(1000);
	}
	return bulla_pg_now_ms() - began;
}

static void test_changes_are_heard(void **state)
{
	place *p = *state;
	bulla_store *other = opened(p->url, false);
	bulla_kms_store kms = bulla_store_kms(other);
	int64_t soonest = INT64_MAX;
	assert_int_equal(version_of(&p->kms), 0);
	for (uint64_t i = 0; i < 5; i++) {
		assert_int_equal(version_of(&kms), i);
		assert_int_equal(put(&p->kms, i, "a", NULL), BULLA_OK);
		int64_t took = wait_for_version(&kms, i + 1);
		assert_true(took < 1000);
		if (took < soonest) soonest = took;
		assert_int_equal(version_of(&p->kms), i + 1);
	}
	assert_true(soonest < BULLA_PG_FRESH_MS / 2); /* by the notification, not by asking again */
	bulla_store_close(other);
}

/* Nobody notified: a word that was lost. */
static void test_changes_are_seen_without_a_word(void **state)
{
	place *p = *state;
	assert_int_equal(version_of(&p->kms), 0);
	(void)pg_psql(p->url, "UPDATE bulla_state SET generation = 7");
	assert_true(wait_for_version(&p->kms, 7) < 1000);
}

static void test_version_is_cheap(void **state)
{
	place *p = *state;
	(void)version_of(&p->kms);
	int64_t began = bulla_pg_now_ms();
	for (int i = 0; i < 5000; i++)
		(void)version_of(&p->kms);
	int64_t took = bulla_pg_now_ms() - began;
	print_message("5000 versions in %lld ms\n", (long long)took);
	assert_true(took < 2000);
}

/* Until it has changed the store so often: whoever is second begins again. */
static bool change_often(place *p)
{
	bulla_store *store = opened(p->url, false);
	bulla_kms_store kms = bulla_store_kms(store);
	int done = 0;
	while (done < 25) {
		char id[32];
		(void)snprintf(id, sizeof id, "%d-%d", (int)getpid(), done);
		bulla_code code = put(&kms, version_of(&kms), id, NULL);
		if (code && code != BULLA_ERR_CONFLICT) return false;
		done += code == BULLA_OK;
	}
	bulla_store_close(store);
	return true;
}

static void test_two_processes(void **state)
{
	place *p = *state;
	uint64_t generation = 0;
	pid_t child = fork();
	if (child == 0) _exit(change_often(p) ? 0 : 1);
	int status = 1;
	assert_true(change_often(p));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(rows_of(p->store, &generation), 50);
	assert_int_equal(generation, 50);
}

/* Until the branch takes no more versions. */
static bool rotate_until_closed(const bulla_branch_store *branches, const char *identity, uint64_t version)
{
	bulla_code code = BULLA_OK;
	for (const uint64_t first = version; code == BULLA_OK && version < first + 10000; version++) {
		bulla_branch_row next = branch(identity, version + 1, BULLA_BRANCH_ACTIVE);
		code = branches->rotate(branches->self, version, &next, NULL);
	}
	return code == BULLA_ERR_KEY_CLOSING;
}

static bool rotate_all_branches(place *p)
{
	bulla_store *store = opened(p->url, false);
	bulla_branch_store branches = bulla_store_branches(store);
	bool well = true;
	for (uint64_t i = 0; i < 30 && well; i++) {
		char identity[16];
		(void)snprintf(identity, sizeof identity, "b%d", (int)i);
		well = rotate_until_closed(&branches, identity, i << 32);
	}
	bulla_store_close(store);
	return well;
}

/* What becomes a version while its branch is closed must not stay active. */
static void test_closing_misses_no_version(void **state)
{
	place *p = *state;
	char names[30][16];
	for (uint64_t i = 0; i < 30; i++) {
		(void)snprintf(names[i], sizeof names[i], "b%d", (int)i);
		bulla_branch_row first = branch(names[i], i << 32, BULLA_BRANCH_ACTIVE);
		assert_int_equal(p->branches.create(p->branches.self, &first, 1, NULL), BULLA_OK);
	}
	pid_t child = fork();
	if (child == 0) _exit(rotate_all_branches(p) ? 0 : 1);
	for (int i = 0; i < 30; i++) {
		char sql[128];
		(void)snprintf(sql, sizeof sql, "SELECT count(*) > 2 FROM bulla_branch WHERE version >> 32 = %d", i);
		while (strcmp(pg_psql(p->url, sql), "t") != 0)
			continue; /* it is being rotated */
		assert_int_equal(p->branches.set_state(p->branches.self, bulla_view_str(names[i]), BULLA_BRANCH_ACTIVE,
						       BULLA_BRANCH_CLOSING, NULL),
				 BULLA_OK);
	}
	int status = 1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_string_equal(pg_psql(p->url, "SELECT count(*) FROM bulla_branch WHERE state = 1"), "0");
}

/* --- servers that go away -------------------------------------------------------------------------------------- */
static void test_server_restarts(void **state)
{
	place *p = *state;
	bulla_error err = { 0 };
	uint64_t version = 0;
	assert_int_equal(put(&p->kms, 0, "a", NULL), BULLA_OK);
	assert_int_equal(version_of(&p->kms), 1);
	pg_stop();
	int64_t began = bulla_pg_now_ms();
	bulla_code code = BULLA_OK;
	while (code == BULLA_OK && bulla_pg_now_ms() - began < 3000)
		code = p->kms.version(p->kms.self, &version, &err);
	assert_int_equal(code, BULLA_ERR_UNAVAILABLE); /* an old image is not served for long */
	assert_true(bulla_pg_now_ms() - began < 1000);
	assert_int_equal(put(&p->kms, 1, "b", &err), BULLA_ERR_UNAVAILABLE);
	assert_true(err.retryable);
	pg_start();
	(void)usleep(BULLA_PG_RETRY_MS * 1000);
	assert_int_equal(version_of(&p->kms), 1);
	assert_int_equal(put(&p->kms, 1, "b", &err), BULLA_OK);
}

/* What the server ended while nobody used it is no failure of the next call. */
static void test_idle_connections_end(void **state)
{
	place *p = *state;
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(put(&p->kms, i, "a", NULL), BULLA_OK);
		assert_int_equal(version_of(&p->kms), i + 1);
		(void)pg_psql(p->url,
			      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
			      " AND application_name = 'bulla'");
		(void)usleep(50000);
	}
	assert_int_equal(version_of(&p->kms), 3);
}

static void test_lost_before_commit(void **state)
{
	place *p = *state;
	bulla_error err = { 0 };
	char *url = pg_cut_url(p->url);
	bulla_store *store = opened(url, false);
	bulla_kms_store kms = bulla_store_kms(store);
	pg_cut_next(PG_CUT_BEFORE_COMMIT);
	assert_int_equal(put(&kms, 0, "a", &err), BULLA_ERR_UNAVAILABLE);
	assert_int_equal(version_of(&kms), 0);
	assert_int_equal(put(&kms, 0, "a", &err), BULLA_OK);
	bulla_store_close(store);
	free(url);
}

static void test_lost_after_commit(void **state)
{
	place *p = *state;
	bulla_error err = { 0 };
	char *url = pg_cut_url(p->url);
	bulla_store *store = opened(url, false);
	bulla_kms_store kms = bulla_store_kms(store);
	pg_cut_next(PG_CUT_AFTER_COMMIT);
	assert_int_equal(put(&kms, 0, "a", &err), BULLA_OK); /* it asked whether it had happened */
	assert_int_equal(version_of(&kms), 1);
	assert_int_equal(put(&kms, 1, "a", &err), BULLA_OK);
	bulla_store_close(store);
	free(url);
}

/* A line that is open and dead: the generation is not told for longer than it may be. */
static void test_silence(void **state)
{
	place *p = *state;
	char *url = pg_cut_url(p->url);
	bulla_store *store = opened(url, false);
	bulla_kms_store kms = bulla_store_kms(store);
	uint64_t version = 0;
	assert_int_equal(version_of(&kms), 0);
	pg_cut_next(PG_CUT_SILENCE);
	assert_int_equal(put(&p->kms, 0, "a", NULL), BULLA_OK); /* somebody else, who is heard */
	int64_t began = bulla_pg_now_ms(), told = began;
	while (kms.version(kms.self, &version, NULL) == BULLA_OK && version == 0)
		told = bulla_pg_now_ms();
	assert_true(told - began < 1000);
	pg_cut_next(PG_CUT_NEVER);
	(void)usleep(2 * BULLA_PG_RETRY_MS * 1000);
	assert_int_equal(wait_for_version(&kms, 1) < 5000, true);
	bulla_store_close(store);
	free(url);
}

/* Of several hosts the one is taken that answers, and never one that takes no writes. */
static void test_several_hosts(void **state)
{
	place *p = *state;
	bulla_error err = { 0 };
	bulla_store *store = NULL;
	const char *host = strstr(p->url, "host=") + strlen("host=");
	char *url = NULL;
	assert_true(asprintf(&url, "%.*s/nowhere,%s", (int)(host - p->url), p->url, host) > 0);
	bulla_store_close(opened(url, false));
	(void)pg_psql(p->url, "ALTER ROLE bulla SET default_transaction_read_only = on");
	assert_int_equal(bulla_store_open(url, false, &store, &err), BULLA_ERR_UNAVAILABLE);
	(void)pg_psql(p->url, "SET transaction_read_only = off; ALTER ROLE bulla RESET default_transaction_read_only");
	bulla_store_close(opened(url, false));
	free(url);
}

static void test_examined(void **state)
{
	place *p = *state;
	bulla_store_server server;
	assert_int_equal(bulla_store_examine(p->store, &server, NULL), BULLA_OK);
	assert_true(server.loses_commits); /* the tests' own server */
	assert_false(server.unencrypted);
}

/* --- whole copies ---------------------------------------------------------------------------------------------- */
typedef struct listing {
	char text[1024];
} listing;

static bulla_code list_branch(void *self, const bulla_branch_row *met, bulla_error *err)
{
	listing *l = self;
	size_t at = strlen(l->text);
	(void)err;
	(void)snprintf(l->text + at, sizeof l->text - at, "%.*s:%llx/%d/%zu;", (int)met->identity.len,
		       (const char *)met->identity.data, (unsigned long long)met->version, met->state, met->wrapped.len);
	return BULLA_OK;
}

static listing branches_of(bulla_store *store)
{
	listing l = { 0 };
	bulla_branch_store branches = bulla_store_branches(store);
	assert_int_equal(branches.each(branches.self, list_branch, &l, NULL), BULLA_OK);
	return l;
}

static void fill(place *p)
{
	bulla_branch_row rows[] = { branch("a", 0xffffffffffffffff, BULLA_BRANCH_ACTIVE), branch("b", 2, BULLA_BRANCH_ACTIVE) };
	bulla_branch_row later = branch("a", 3, BULLA_BRANCH_ACTIVE);
	bulla_bytes b = bulla_view_str("b");
	assert_int_equal(put(&p->kms, 0, "x", NULL), BULLA_OK);
	assert_int_equal(put(&p->kms, 1, "y", NULL), BULLA_OK);
	assert_int_equal(p->branches.create(p->branches.self, rows, 2, NULL), BULLA_OK);
	assert_int_equal(p->branches.rotate(p->branches.self, rows[0].version, &later, NULL), BULLA_OK);
	assert_int_equal(p->branches.set_state(p->branches.self, b, BULLA_BRANCH_ACTIVE, BULLA_BRANCH_DESTROYED, NULL), BULLA_OK);
	assert_int_equal(bulla_store_note_set(p->store, "n", bulla_view("a\0b", 3), NULL), BULLA_OK);
}

static void assert_same(bulla_store *store)
{
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	uint64_t generation = 0;
	assert_int_equal(rows_of(store, &generation), 2);
	assert_int_equal(generation, 2);
	assert_string_equal(branches_of(store).text, "a:ffffffffffffffff/1/7;a:3/1/7;b:2/3/0;");
	assert_int_equal(bulla_store_note_get(store, "n", &note, NULL), BULLA_OK);
	assert_int_equal(note.len, 3);
}

static void test_backup_and_back(void **state)
{
	place *p = *state;
	char directory[] = "/tmp/bulla-backup-XXXXXX";
	char *path = NULL, *url = NULL, *fresh = pg_url_new("");
	assert_non_null(mkdtemp(directory));
	assert_true(asprintf(&path, "%s/k.db", directory) > 0 && asprintf(&url, "sqlite:%s", path) > 0);
	fill(p);
	assert_int_equal(bulla_store_backup(p->store, path, NULL), BULLA_OK);
	assert_int_equal(bulla_store_backup(p->store, path, NULL), BULLA_ERR_EXISTS);
	bulla_store *backup = opened(url, false), *other = opened(fresh, true);
	assert_same(backup);
	assert_int_equal(bulla_store_replace(other, backup, NULL, NULL), BULLA_OK);
	assert_same(other);
	/* over one that is there: never in silence */
	assert_int_equal(put(&p->kms, 2, "z", NULL), BULLA_OK);
	assert_int_equal(bulla_store_replace(p->store, backup, NULL, NULL), BULLA_ERR_EXISTS);
	assert_int_equal(bulla_store_replace(p->store, backup, "kept_one", NULL), BULLA_OK);
	assert_same(p->store);
	assert_string_equal(pg_psql(p->url, "SELECT generation FROM kept_one.bulla_state"), "3");
	/* a node that slept meanwhile does not take another third generation for the one that it knows */
	assert_int_equal(put(&p->kms, 2, "other", NULL), BULLA_OK);
	assert_int_not_equal(version_of(&p->kms), 3);
	bulla_store_close(backup);
	bulla_store_close(other);
	(void)unlink(path);
	assert_int_equal(rmdir(directory), 0); /* nothing else was left */
	free(path);
	free(url);
	free(fresh);
}

static bulla_code give_and_fail(void *self, const bulla_store_taker *taker, bulla_error *err)
{
	bulla_log_head head = { .size = 9 };
	bulla_kms_row one = row(BULLA_KMS_ALIAS, "q", "q");
	(void)self;
	TRY(taker->state(taker->self, 9, &head, err));
	TRY(taker->row(taker->self, &one, err));
	return bulla_fail(err, BULLA_ERR_IO, "cut off");
}

static void test_restore_is_all_or_nothing(void **state)
{
	place *p = *state;
	bulla_pg *pg = p->kms.self;
	fill(p);
	assert_int_equal(bulla_pg_take(pg, give_and_fail, NULL, "kept_two", NULL), BULLA_ERR_IO);
	assert_same(p->store);
	assert_string_equal(pg_psql(p->url, "SELECT count(to_regnamespace('kept_two'))"), "0");
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
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_missing_foreign_newer),
		cmocka_unit_test(test_made_together),
		cmocka_unit_test(test_settings),
		MADE(test_fork),
		MADE(test_errors_say_little),
		MADE(test_changes_are_heard),
		MADE(test_changes_are_seen_without_a_word),
		MADE(test_version_is_cheap),
		MADE(test_two_processes),
		MADE(test_closing_misses_no_version),
		MADE(test_server_restarts),
		MADE(test_idle_connections_end),
		MADE(test_lost_before_commit),
		MADE(test_lost_after_commit),
		MADE(test_silence),
		MADE(test_several_hosts),
		MADE(test_examined),
		MADE(test_backup_and_back),
		MADE(test_restore_is_all_or_nothing),
	};
	if (!pg_installed()) return 0;
	return cmocka_run_group_tests_name("store/postgres", tests, group_setup, group_teardown);
}
