/*
 * test_branches.c - branch keys on their way to the end, what is recorded of it, and stores that come back from before.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/branch.h"
#include "io/file.h"
#include "lib/branches.h"
#include "sandbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOCAL "version: 1\nenvironments:\n  development: { key: local, cache: { max_age: 250ms } }\n"

typedef struct bench {
	sandbox box;
	bulla_project *project;
	bulla_branch_keeper keeper;
	bulla_buf identity[2]; /* user:42 and user:43 */
	bulla_error err;
} bench;

static void name_branch(bench *b, size_t i, const char *id)
{
	bulla_bytes part = bulla_view_str(id);
	assert_int_equal(bulla_branch_identity(BULLA_BRANCH_RECORD, bulla_view_str("user:{}"), &part, 1, &b->identity[i], NULL),
			 BULLA_OK);
}

static void open_again(bench *b)
{
	bulla_error err = { 0 };
	assert_ok(bulla_project_open(b->box.config, NULL, BULLA_PROJECT_ENGINE, &b->project, &err));
	b->keeper = bulla_project_keeper(b->project);
}

static bulla_branch_row row_of(const bench *b, size_t i, uint64_t version)
{
	return (bulla_branch_row){ .identity = bulla_view_buf(&b->identity[i]),
				   .version = version,
				   .state = BULLA_BRANCH_ACTIVE,
				   .wrapped = bulla_view_str("a wrapped branch key") };
}

/* user:42 has the versions 1 and 2, user:43 has 3. */
static void make_branches(bench *b)
{
	const bulla_branch_store *store = &b->project->branches;
	bulla_branch_row rows[] = { row_of(b, 0, 1), row_of(b, 1, 3) }, second = row_of(b, 0, 2);
	assert_int_equal(store->create(store->self, rows, 2, NULL), BULLA_OK);
	assert_int_equal(store->rotate(store->self, 1, &second, NULL), BULLA_OK);
}

static int setup(void **state)
{
	bench *b = calloc(1, sizeof *b);
	b->box = sandbox_new(LOCAL);
	make_store(&b->box, NULL);
	name_branch(b, 0, "42");
	name_branch(b, 1, "43");
	open_again(b);
	make_branches(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bench *b = *state;
	bulla_project_close(b->project);
	sandbox_done(&b->box);
	bulla_buf_done(&b->identity[0]);
	bulla_buf_done(&b->identity[1]);
	free(b);
	return 0;
}

static bulla_branch_fate fate_of(bench *b, size_t i)
{
	bulla_branch_fate fate;
	bulla_error err = { 0 };
	assert_ok(b->keeper.fate(b->keeper.self, bulla_view_buf(&b->identity[i]), &fate, &err));
	return fate;
}

static bulla_code do_close(bench *b, size_t i)
{
	return b->keeper.close(b->keeper.self, bulla_view_buf(&b->identity[i]), &b->err);
}

static bulla_code do_reopen(bench *b, size_t i)
{
	return b->keeper.reopen(b->keeper.self, bulla_view_buf(&b->identity[i]), &b->err);
}

static bulla_code do_destroy(bench *b, size_t i)
{
	return b->keeper.destroy(b->keeper.self, bulla_view_buf(&b->identity[i]), false, &b->err);
}

/* --- records ------------------------------------------------------------------------------------------------------ */
typedef struct search {
	const char *a, *b;
	size_t n;
} search;

static bool has(bulla_bytes entry, const char *text)
{
	return memmem(entry.data, entry.len, text, strlen(text)) != NULL;
}

static bulla_code count(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	search *s = self;
	(void)index, (void)err;
	s->n += has(entry, s->a) && has(entry, s->b);
	return BULLA_OK;
}

/* Entries of the log that hold both texts. */
static size_t records(bench *b, const char *first, const char *second)
{
	search s = { first, second, 0 };
	bulla_log_head head;
	bulla_error err = { 0 };
	assert_ok(bulla_log_head_now(b->project->log, &head, &err));
	assert_ok(bulla_log_each(b->project->log, 0, head.size, count, &s, &err));
	return s.n;
}

/* --- the way to the end ------------------------------------------------------------------------------------------- */
static void test_close_and_destroy(void **state)
{
	bench *b = *state;
	int64_t begun = bulla_now_us(NULL);
	assert_int_equal(b->keeper.max_age_ms, 250);
	assert_int_equal(fate_of(b, 0).state, BULLA_BRANCH_ACTIVE);
	assert_int_equal(fate_of(b, 0).versions, 2);
	assert_int_equal(do_close(b, 0), BULLA_OK);
	bulla_branch_fate closed = fate_of(b, 0);
	assert_int_equal(closed.state, BULLA_BRANCH_CLOSING);
	assert_true(closed.closed_us >= begun && closed.closed_us <= bulla_now_us(NULL));
	assert_int_equal(do_close(b, 0), BULLA_OK); /* the time stays that of the first */
	assert_int_equal(fate_of(b, 0).closed_us, closed.closed_us);
	assert_int_equal(records(b, "BranchClosing", "user:42"), 1);

	assert_int_equal(do_destroy(b, 0), BULLA_OK);
	bulla_branch_fate gone = fate_of(b, 0);
	assert_int_equal(gone.state, BULLA_BRANCH_DESTROYED);
	assert_int_equal(gone.closed_us, closed.closed_us);
	assert_true(gone.destroyed_us >= closed.closed_us);
	assert_int_equal(do_destroy(b, 0), BULLA_OK);
	assert_int_equal(fate_of(b, 0).destroyed_us, gone.destroyed_us);
	assert_int_equal(records(b, "BranchDestroyed", "\"material\":\"0000000000000001\""), 1);
	assert_int_equal(records(b, "BranchDestroyed", "\"material\":\"0000000000000002\""), 1);
	assert_int_equal(do_close(b, 0), BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(do_reopen(b, 0), BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(fate_of(b, 1).state, BULLA_BRANCH_ACTIVE);
}

static void test_reopen(void **state)
{
	bench *b = *state;
	assert_int_equal(do_close(b, 0), BULLA_OK);
	int64_t first = fate_of(b, 0).closed_us;
	assert_int_equal(do_reopen(b, 0), BULLA_OK);
	assert_int_equal(fate_of(b, 0).state, BULLA_BRANCH_ACTIVE);
	assert_int_equal(fate_of(b, 0).closed_us, 0);
	assert_int_equal(records(b, "BranchReopened", "user:42"), 1);
	/* a closing that is cut off before its note does not count from the first */
	const bulla_branch_store *store = &b->project->branches;
	assert_int_equal(
		store->set_state(store->self, bulla_view_buf(&b->identity[0]), BULLA_BRANCH_ACTIVE, BULLA_BRANCH_CLOSING, NULL),
		BULLA_OK);
	assert_int_equal(fate_of(b, 0).closed_us, 0);
	assert_int_equal(do_reopen(b, 0), BULLA_OK);
	/* a second closing has a time of its own */
	usleep(2000);
	assert_int_equal(do_close(b, 0), BULLA_OK);
	assert_true(fate_of(b, 0).closed_us > first);
}

static void test_opened_again_is_not_destroyed(void **state)
{
	bench *b = *state;
	bulla_bytes identity = bulla_view_buf(&b->identity[0]);
	assert_int_equal(do_close(b, 0), BULLA_OK);
	assert_int_equal(do_reopen(b, 0), BULLA_OK);
	assert_int_equal(b->keeper.destroy(b->keeper.self, identity, true, &b->err), BULLA_ERR_CONFLICT);
	assert_int_equal(fate_of(b, 0).state, BULLA_BRANCH_ACTIVE);
	assert_int_equal(do_close(b, 0), BULLA_OK);
	assert_int_equal(b->keeper.destroy(b->keeper.self, identity, true, &b->err), BULLA_OK);
	assert_int_equal(fate_of(b, 0).state, BULLA_BRANCH_DESTROYED);
}

static void test_no_such_branch(void **state)
{
	bench *b = *state;
	bulla_branch_fate fate;
	bulla_bytes nobody = bulla_view("\1\0\1x\0", 5);
	assert_int_equal(b->keeper.fate(b->keeper.self, nobody, &fate, NULL), BULLA_OK);
	assert_int_equal(fate.versions, 0);
	assert_int_equal(b->keeper.close(b->keeper.self, nobody, NULL), BULLA_ERR_NOT_FOUND);
	assert_int_equal(b->keeper.destroy(b->keeper.self, nobody, false, NULL), BULLA_ERR_NOT_FOUND);
	assert_int_equal(b->keeper.reopen(b->keeper.self, nobody, NULL), BULLA_ERR_NOT_FOUND);
}

/* Killed between the store's change and the note of the time: the next call writes a later one. */
static void test_killed_before_the_note(void **state)
{
	bench *b = *state;
	const bulla_branch_store *store = &b->project->branches;
	bulla_bytes identity = bulla_view_buf(&b->identity[0]);
	assert_int_equal(store->set_state(store->self, identity, BULLA_BRANCH_ACTIVE, BULLA_BRANCH_CLOSING, NULL), BULLA_OK);
	assert_int_equal(fate_of(b, 0).closed_us, 0);
	int64_t before = bulla_now_us(NULL);
	assert_int_equal(do_close(b, 0), BULLA_OK);
	assert_true(fate_of(b, 0).closed_us >= before);
	assert_int_equal(store->set_state(store->self, identity, BULLA_BRANCH_CLOSING, BULLA_BRANCH_DESTROYED, NULL), BULLA_OK);
	assert_int_equal(fate_of(b, 0).destroyed_us, 0);
	assert_int_equal(do_destroy(b, 0), BULLA_OK);
	assert_true(fate_of(b, 0).destroyed_us >= before);
}

/* A version that closes beside an active one does not keep the branch alive. */
static void test_versions_in_either_state(void **state)
{
	bench *b = *state;
	const bulla_branch_store *store = &b->project->branches;
	bulla_branch_row closing = row_of(b, 0, 7);
	closing.state = BULLA_BRANCH_CLOSING;
	assert_int_equal(store->rotate(store->self, 2, &closing, NULL), BULLA_OK);
	assert_int_equal(do_destroy(b, 0), BULLA_OK);
	assert_int_equal(fate_of(b, 0).state, BULLA_BRANCH_DESTROYED);
	assert_int_equal(fate_of(b, 0).versions, 3);
}

/* --- a store from before ------------------------------------------------------------------------------------------ */
static void backup(bench *b)
{
	bulla_log_head head;
	bulla_error err = { 0 };
	assert_ok(bulla_project_backup(b->project, in(&b->box, "backup.db"), &head, &err));
}

static bulla_restored restore(bench *b)
{
	bulla_project *project = NULL;
	bulla_restored done;
	bulla_error err = { 0 };
	bulla_project_close(b->project);
	assert_ok(bulla_project_open(b->box.config, NULL, BULLA_PROJECT_SCHEMA, &project, &err));
	assert_ok(bulla_project_restore(project, in(&b->box, "backup.db"), true, &done, &err));
	bulla_project_close(project);
	b->project = NULL;
	return done;
}

static void test_restored_store_stays_shredded(void **state)
{
	bench *b = *state;
	backup(b);
	assert_int_equal(do_destroy(b, 0), BULLA_OK);
	bulla_restored done = restore(b);
	assert_false(done.adopt);
	assert_int_equal(done.buried, 1); /* one branch, though it had two versions */
	open_again(b);
	assert_int_equal(fate_of(b, 0).state, BULLA_BRANCH_DESTROYED);
	assert_int_equal(fate_of(b, 1).state, BULLA_BRANCH_ACTIVE);
}

/* Nobody said `restore`: a file was copied. */
static void test_copied_store_stays_shredded(void **state)
{
	bench *b = *state;
	backup(b);
	assert_int_equal(do_destroy(b, 0), BULLA_OK);
	bulla_project_close(b->project);
	copy(in(&b->box, "backup.db"), in(&b->box, ".bulla/kms.db"));
	open_again(b);
	assert_int_equal(b->project->buried, 1);
	assert_int_equal(fate_of(b, 0).state, BULLA_BRANCH_DESTROYED);
}

/* The store is of an older generation: it refuses service until it is adopted, and adopting destroys again. */
static void test_adopted_store_stays_shredded(void **state)
{
	bench *b = *state;
	bulla_adopted adoption;
	bulla_error err = { 0 };
	backup(b);
	assert_int_equal(do_destroy(b, 0), BULLA_OK);
	bulla_project_close(b->project);
	add_key(&b->box);
	use_key(&b->box);
	open_again(b);
	assert_true(restore(b).adopt);
	assert_ok(bulla_project_adopt(b->box.config, NULL, "disk failure", &adoption, &err));
	assert_int_equal(adoption.buried, 1);
	open_again(b);
	assert_int_equal(fate_of(b, 0).state, BULLA_BRANCH_DESTROYED);
	assert_int_equal(fate_of(b, 1).state, BULLA_BRANCH_ACTIVE);
}

/* The record came first, and the store refused: a second record took it back. */
static void test_a_refused_destruction_is_none(void **state)
{
	bench *b = *state;
	bulla_error err = { 0 };
	uint8_t version[8] = { 0, 0, 0, 0, 0, 0, 0, 1 };
	bulla_event event = { .operation = "BranchDestroyed", .material = bulla_view(version, 8), .outcome = "ok" };
	backup(b);
	assert_ok(bulla_engine_record(b->project->engine, &event, &err));
	event.outcome = "full";
	assert_ok(bulla_engine_record(b->project->engine, &event, &err));
	assert_int_equal(restore(b).buried, 0);
	open_again(b);
	assert_int_equal(fate_of(b, 0).state, BULLA_BRANCH_ACTIVE);
}

static void test_bury(void **state)
{
	bench *b = *state;
	const uint64_t versions[] = { 99, 2, 1, 2 };
	uint64_t buried = 0;
	assert_int_equal(do_close(b, 0), BULLA_OK);
	assert_int_equal(bulla_project_bury(b->project, versions, 4, &buried, &b->err), BULLA_OK);
	assert_int_equal(buried, 1);
	assert_int_equal(fate_of(b, 0).state, BULLA_BRANCH_DESTROYED);
	assert_int_equal(fate_of(b, 1).state, BULLA_BRANCH_ACTIVE);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_close_and_destroy),
		TEST(test_reopen),
		TEST(test_opened_again_is_not_destroyed),
		TEST(test_no_such_branch),
		TEST(test_killed_before_the_note),
		TEST(test_versions_in_either_state),
		TEST(test_restored_store_stays_shredded),
		TEST(test_copied_store_stays_shredded),
		TEST(test_adopted_store_stays_shredded),
		TEST(test_a_refused_destruction_is_none),
		TEST(test_bury),
	};
	return cmocka_run_group_tests_name("lib/branches", tests, NULL, NULL);
}
