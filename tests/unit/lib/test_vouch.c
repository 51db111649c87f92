/*
 * test_vouch.c - an audit log against everything that has seen it before.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/vouch.h"
#include "sandbox.h"

#include <string.h>

#define LOCAL     "version: 1\nenvironments:\n  development: { key: local }\n"
#define WITNESSED "version: 1\nenvironments:\n  development: { key: local, audit: { witness: [\"file:witness\"] } }\n"

static bulla_vouched verify(const sandbox *box)
{
	bulla_vouched report;
	bulla_error err = { 0 };
	assert_ok(bulla_project_audit_verify(box->config, NULL, NULL, NULL, &report, &err));
	return report;
}

static void copy_tree(const char *from, const char *to)
{
	char command[1200];
	(void)snprintf(command, sizeof command, "rm -rf %s && cp -r %s %s", to, from, to);
	assert_int_equal(system(command), 0);
}

static void test_all_is_well(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	(void)state;
	make_store(&box, NULL);
	use_key(&box);
	bulla_vouched report = verify(&box);
	assert_true(report.ok && report.log.ok && report.store_agrees);
	assert_false(report.vouched); /* nobody outside this host */
	assert_int_equal(report.memory_size, 0);
	use_key(&box);
	report = verify(&box);
	assert_true(report.ok);
	assert_true(report.memory_size > 0 && report.memory_size < report.log.size);
	sandbox_done(&box);
}

static void test_a_witness_vouches(void **state)
{
	sandbox box = sandbox_new(WITNESSED);
	(void)state;
	make_store(&box, NULL);
	use_key(&box);
	assert_true(is_there(in(&box, "witness")));
	bulla_vouched report = verify(&box);
	assert_true(report.ok && report.vouched);
	assert_int_equal(report.witnesses_agree, 1);
	assert_int_equal(report.witness_size, report.log.size);
	sandbox_done(&box);
}

/* Whoever has the host rolls store and log back together: here nothing differs any more, but the witness has seen more. */
static void test_only_the_witness_remembers(void **state)
{
	sandbox box = sandbox_new(WITNESSED);
	bulla_error err;
	struct stat before, after;
	(void)state;
	make_store(&box, NULL);
	use_key(&box);
	copy_tree(in(&box, ".bulla"), in(&box, "yesterday"));
	use_key(&box);
	copy_tree(in(&box, "yesterday"), in(&box, ".bulla"));
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	bulla_vouched report = verify(&box);
	assert_false(report.ok);
	assert_non_null(strstr(report.problem, "witness"));
	/* and the shorter log does not get into the witness */
	assert_int_equal(stat(in(&box, "witness"), &before), 0);
	use_key(&box);
	use_key(&box);
	assert_int_equal(stat(in(&box, "witness"), &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_false(verify(&box).ok);
	sandbox_done(&box);
}

static void test_the_verifier_remembers(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	(void)state;
	make_store(&box, NULL);
	copy_tree(in(&box, ".bulla/audit"), in(&box, "old-audit"));
	use_key(&box);
	assert_true(verify(&box).ok);
	copy_tree(in(&box, "old-audit"), in(&box, ".bulla/audit"));
	bulla_vouched report = verify(&box);
	assert_false(report.ok);
	assert_false(report.store_agrees);
	assert_false(report.memory_agrees);
	sandbox_done(&box);
}

static void test_a_damaged_witness(void **state)
{
	sandbox box = sandbox_new(WITNESSED);
	(void)state;
	make_store(&box, NULL);
	use_key(&box);
	write_text(in(&box, "witness"), "bulla/00000000\n1\nAAAA\n\nno signature\n");
	assert_false(verify(&box).ok);
	sandbox_done(&box);
}

/* A witness that is longer than what is looked at: the newest part counts. */
static void test_a_long_witness(void **state)
{
	sandbox box = sandbox_new(WITNESSED);
	char one[2048];
	(void)state;
	make_store(&box, NULL);
	use_key(&box);
	FILE *f = fopen(in(&box, "witness"), "r+e");
	assert_non_null(f);
	size_t n = fread(one, 1, sizeof one, f);
	assert_true(n > 100 && n < sizeof one);
	for (size_t size = n; size < 200000; size += n)
		assert_int_equal(fwrite(one, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	bulla_vouched report = verify(&box);
	assert_true(report.ok && report.vouched);
	sandbox_done(&box);
}

static void test_export(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_project *project = NULL;
	bulla_error err = { 0 };
	uint64_t files = 0;
	(void)state;
	make_store(&box, NULL);
	use_key(&box);
	assert_ok(bulla_project_open(box.config, NULL, BULLA_PROJECT_STORE, &project, &err));
	assert_ok(bulla_project_audit_export(project, in(&box, "copy"), &files, &err));
	assert_true(files >= 3 && is_there(in(&box, "copy/checkpoint")) && is_there(in(&box, "copy/tile/entries")));
	assert_false(is_there(in(&box, "copy/journal")));
	assert_int_equal(bulla_project_audit_export(project, in(&box, "copy"), &files, &err), BULLA_ERR_EXISTS);
	bulla_project_close(project);
	sandbox_done(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_well),
		cmocka_unit_test(test_a_witness_vouches),
		cmocka_unit_test(test_only_the_witness_remembers),
		cmocka_unit_test(test_the_verifier_remembers),
		cmocka_unit_test(test_a_damaged_witness),
		cmocka_unit_test(test_a_long_witness),
		cmocka_unit_test(test_export),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
