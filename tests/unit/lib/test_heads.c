/*
 * test_heads.c - a store and a log that fell apart are noticed, and go on only when somebody says why.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/vouch.h"
#include "sandbox.h"

#include <string.h>

#define LOCAL "version: 1\nenvironments:\n  development: { key: local }\n"

typedef struct last_event {
	char text[4096];
} last_event;

static bulla_code keep(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	last_event *last = self;
	(void)index, (void)err;
	(void)snprintf(last->text, sizeof last->text, "%.*s", (int)entry.len, (const char *)entry.data);
	return BULLA_OK;
}

static last_event newest(const sandbox *box)
{
	bulla_project *project = NULL;
	bulla_error err = { 0 };
	bulla_log_head head;
	last_event last = { "" };
	assert_ok(bulla_project_open(box->config, NULL, BULLA_PROJECT_STORE, &project, &err));
	assert_non_null(project->log); /* without the root key */
	assert_null(project->engine);
	assert_ok(bulla_log_head_now(project->log, &head, &err));
	assert_ok(bulla_log_each(project->log, head.size - 1, head.size, keep, &last, &err));
	bulla_project_close(project);
	return last;
}

static void assert_apart_then_adopt(const sandbox *box)
{
	bulla_error err;
	bulla_vouched report;
	bulla_adopted adoption;
	assert_int_equal(try_open(box, NULL, BULLA_PROJECT_ENGINE, &err), BULLA_ERR_AUDIT);
	assert_non_null(strstr(err.next, "bulla audit adopt"));
	assert_int_equal(bulla_project_adopt(box->config, NULL, "", &adoption, &err), BULLA_ERR_USAGE);
	assert_ok(bulla_project_adopt(box->config, NULL, "the test did it", &adoption, &err));
	assert_true(adoption.adopted);
	last_event last = newest(box);
	assert_non_null(strstr(last.text, "Discontinuity"));
	assert_non_null(strstr(last.text, "the test did it"));
	assert_ok(try_open(box, NULL, BULLA_PROJECT_KEYRING, &err));
	use_key(box);
	assert_ok(try_open(box, NULL, BULLA_PROJECT_ENGINE, &err));
	/* what was adopted is what the next verification compares with */
	assert_ok(bulla_project_audit_verify(box->config, NULL, NULL, NULL, &report, &err));
	assert_true(report.ok && report.memory_agrees && report.memory_size > 0);
	uint64_t size = report.log.size;
	assert_ok(bulla_project_adopt(box->config, NULL, "once more", &adoption, &err));
	assert_false(adoption.adopted);
	assert_ok(bulla_project_audit_verify(box->config, NULL, NULL, NULL, &report, &err));
	assert_int_equal(report.log.size, size);
}

/* The log, the store and the verifier's memory all agree. */
static void test_nothing_to_adopt(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_error err;
	bulla_adopted adoption = { .adopted = true };
	(void)state;
	make_store(&box, NULL);
	use_key(&box);
	last_event before = newest(&box);
	assert_ok(bulla_project_adopt(box.config, NULL, "just in case", &adoption, &err));
	assert_false(adoption.adopted);
	assert_string_equal(newest(&box).text, before.text);
	sandbox_done(&box);
}

static void test_a_log_that_is_ahead_is_fine(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_error err;
	(void)state;
	make_store(&box, NULL);
	copy(in(&box, ".bulla/kms.db"), in(&box, "old.db"));
	use_key(&box);
	copy(in(&box, "old.db"), in(&box, ".bulla/kms.db")); /* as if killed before the store heard of it */
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	use_key(&box);
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	sandbox_done(&box);
}

static void test_a_store_of_yesterday(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	(void)state;
	make_store(&box, NULL);
	copy(in(&box, ".bulla/kms.db"), in(&box, "old.db"));
	for (int i = 0; i < 3; i++)
		add_key(&box);
	use_key(&box);
	copy(in(&box, "old.db"), in(&box, ".bulla/kms.db"));
	assert_apart_then_adopt(&box);
	sandbox_done(&box);
}

static void test_a_lost_log(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	(void)state;
	make_store(&box, NULL);
	use_key(&box);
	remove_tree(in(&box, ".bulla/audit"));
	assert_apart_then_adopt(&box);
	sandbox_done(&box);
}

/* Somebody puts an older copy of the log in its place, to hide what came after. */
static void test_a_cut_log(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	char command[1200];
	(void)state;
	make_store(&box, NULL);
	use_key(&box);
	(void)snprintf(command, sizeof command, "cp -r %s %s", in(&box, ".bulla/audit"), in(&box, "old-audit"));
	assert_int_equal(system(command), 0);
	use_key(&box);
	use_key(&box);
	remove_tree(in(&box, ".bulla/audit"));
	assert_int_equal(rename(in(&box, "old-audit"), in(&box, ".bulla/audit")), 0);
	assert_apart_then_adopt(&box);
	sandbox_done(&box);
}

/* The same number of entries, other ones: signed by the same key, because it is the same store, copied. */
static void test_a_forked_log(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	char command[1200];
	(void)state;
	make_store(&box, NULL);
	(void)snprintf(command, sizeof command, "cp -r %s %s", in(&box, ".bulla"), in(&box, "twin"));
	assert_int_equal(system(command), 0);
	use_key(&box);
	remove_tree(in(&box, "mine"));
	assert_int_equal(rename(in(&box, ".bulla"), in(&box, "mine")), 0);
	assert_int_equal(rename(in(&box, "twin"), in(&box, ".bulla")), 0);
	use_key(&box); /* another time, another request: another entry */
	remove_tree(in(&box, ".bulla/audit"));
	assert_int_equal(rename(in(&box, "mine/audit"), in(&box, ".bulla/audit")), 0);
	assert_apart_then_adopt(&box);
	sandbox_done(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_adopt),
		cmocka_unit_test(test_a_log_that_is_ahead_is_fine),
		cmocka_unit_test(test_a_store_of_yesterday),
		cmocka_unit_test(test_a_lost_log),
		cmocka_unit_test(test_a_cut_log),
		cmocka_unit_test(test_a_forked_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
