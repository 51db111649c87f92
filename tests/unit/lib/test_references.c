/*
 * test_references.c - what hangs from which key: adding up rows, following branch keys to their KMS key, and saying it in a sentence.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/branch.h"
#include "format/wrapped_key.h"
#include "lib/retire.h"
#include "sandbox.h"

#include <string.h>

#define YAML "version: 1\nenvironments:\n  development: { keys: [local, \"file:a.key\"], previous: [\"file:gone.key\"] }\n"

static const bulla_reference BRANCH_1 = { BULLA_WRAP_BRANCH, 1 }, BRANCH_2 = { BULLA_WRAP_BRANCH, 2 };

static bulla_code add(bulla_references *refs, bulla_reference a, bulla_reference b, size_t n, uint64_t rows)
{
	bulla_reference wraps[] = { a, b };
	return bulla_references_add(refs, wraps, n, rows, NULL);
}

static bulla_code column(bulla_references *refs, const char *table)
{
	return bulla_references_column(refs, "main", table, table, "encrypted_kms_key", true, NULL);
}

static void test_rows_add_up(void **state)
{
	bulla_references refs;
	(void)state;
	bulla_references_init(&refs);
	assert_int_equal(column(&refs, "empty"), BULLA_OK);
	assert_int_equal(add(&refs, BRANCH_1, BRANCH_2, 1, 5), BULLA_OK);
	assert_int_equal(add(&refs, BRANCH_1, BRANCH_2, 2, 10), BULLA_OK);
	assert_int_equal(add(&refs, BRANCH_2, BRANCH_2, 2, 100), BULLA_OK); /* twice the same: each record once */
	assert_int_equal(add(&refs, BRANCH_2, BRANCH_2, 0, 1000), BULLA_OK);
	assert_int_equal(column(&refs, "users"), BULLA_OK);
	assert_int_equal(add(&refs, BRANCH_1, BRANCH_2, 1, 7), BULLA_OK);
	assert_int_equal(column(&refs, "calls"), BULLA_OK);
	assert_int_equal(refs.column_count, 3);
	assert_int_equal(refs.row_count, 3);
	assert_true(refs.columns[1].rows == 1115 && refs.columns[1].unreadable == 1000 && refs.columns[0].rows == 0);
	assert_true(refs.rows[0].column == 1 && refs.rows[0].key.reference == 2 && refs.rows[0].rows == 110);
	assert_true(refs.rows[1].column == 1 && refs.rows[1].key.reference == 1 && refs.rows[1].rows == 15);
	assert_true(refs.rows[2].column == 2 && refs.rows[2].key.reference == 1 && refs.rows[2].rows == 7);
	bulla_references_done(&refs);
}

/* A key for each row, out of order, and some of them again. */
static void test_many_keys(void **state)
{
	bulla_references refs;
	uint64_t total = 0;
	(void)state;
	bulla_references_init(&refs);
	for (uint64_t i = 0; i < 30000; i++)
		assert_int_equal(add(&refs, (bulla_reference){ BULLA_WRAP_BRANCH, i * 7919 % 20000 }, BRANCH_1, 1, 1), BULLA_OK);
	assert_int_equal(column(&refs, "users"), BULLA_OK);
	assert_int_equal(refs.row_count, 20000);
	for (size_t i = 0; i < refs.row_count; i++) {
		total += refs.rows[i].rows;
		if (i) assert_true(refs.rows[i - 1].rows >= refs.rows[i].rows);
	}
	assert_int_equal(total, 30000);
	bulla_references_done(&refs);
}

/* --- with a key store -------------------------------------------------------------------------------------------------- */

typedef struct home {
	sandbox box;
	bulla_project *project;
	bulla_key_info key;
} home;

static home home_new(void)
{
	home h = { .box = sandbox_new(YAML) };
	bulla_error err = { 0 };
	char *path = in(&h.box, "a.key");
	write_text(path, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
	assert_int_equal(chmod(path, 0600), 0);
	make_store(&h.box, NULL);
	assert_ok(bulla_project_open(h.box.config, NULL, BULLA_PROJECT_ENGINE, &h.project, &err));
	assert_ok(bulla_engine_describe(h.project->engine, bulla_view_str("alias/default"), &h.key, &err));
	return h;
}

/* A branch key whose wraps are by `under`; nobody opens it here. */
static void branch(home *h, bulla_branch_purpose purpose, const char *name, uint64_t version, bulla_branch_state state,
		   const bulla_reference *under, size_t n)
{
	bulla_buf identity = { 0 }, wrapped = { 0 };
	uint8_t commitment[BULLA_COMMITMENT_SIZE] = { 0 };
	bulla_error err = { 0 };
	bulla_wrapped_key key = { .version = BULLA_WRAPPED_KEY,
				  .commitment = bulla_view(commitment, sizeof commitment),
				  .wrap_count = n };
	for (size_t i = 0; i < n; i++)
		key.wraps[i] = (bulla_wrap){ under[i].kind, under[i].reference, bulla_view(commitment, sizeof commitment) };
	assert_ok(bulla_branch_identity(purpose, bulla_view_str(name), NULL, 0, &identity, &err));
	if (state != BULLA_BRANCH_DESTROYED) assert_ok(bulla_wrapped_key_write(&key, &wrapped, &err));
	bulla_branch_row row = { .identity = bulla_view_buf(&identity),
				 .print = bulla_view_str(name),
				 .version = version,
				 .state = state,
				 .wrapped = bulla_view_buf(&wrapped),
				 .created_us = (int64_t)version };
	assert_ok(h->project->branches.create(h->project->branches.self, &row, 1, &err));
	bulla_buf_done(&identity);
	bulla_buf_done(&wrapped);
}

static void expect_text(const bulla_references *refs, const bulla_reference_sum *sum, const char *expected)
{
	BULLA_BUF_AUTO bulla_buf told = { 0 };
	assert_int_equal(bulla_references_tell(refs, sum, &told, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&told, NULL), BULLA_OK);
	assert_string_equal((const char *)told.data, expected);
}

static void test_followed_to_the_kms_key(void **state)
{
	home h = home_new();
	bulla_references refs;
	bulla_reference_sum sum;
	bulla_error err = { 0 };
	bulla_reference engine = { BULLA_WRAP_ENGINE, bulla_get_u64(h.key.current_material) }, lost = { BULLA_WRAP_BRANCH, 99 },
			other = { BULLA_WRAP_ENGINE, 12345 };
	(void)state;
	branch(&h, BULLA_BRANCH_RECORD, "all", 1, BULLA_BRANCH_ACTIVE, &engine, 1);
	branch(&h, BULLA_BRANCH_RECORD, "user:7", 2, BULLA_BRANCH_CLOSING, &BRANCH_1, 1);
	branch(&h, BULLA_BRANCH_RECORD, "elsewhere", 3, BULLA_BRANCH_ACTIVE, &other, 1);
	branch(&h, BULLA_BRANCH_INDEX, "index", 4, BULLA_BRANCH_ACTIVE, (bulla_reference[]){ other, engine }, 2);
	branch(&h, BULLA_BRANCH_RECORD, "dead", 5, BULLA_BRANCH_DESTROYED, NULL, 0);
	bulla_references_init(&refs);
	assert_ok(add(&refs, BRANCH_2, lost, 1, 5));
	assert_ok(add(&refs, engine, lost, 1, 20));
	assert_ok(add(&refs, (bulla_reference){ BULLA_WRAP_BRANCH, 3 }, lost, 1, 100));
	assert_ok(add(&refs, (bulla_reference){ BULLA_WRAP_BRANCH, 5 }, lost, 1, 1000));
	assert_ok(column(&refs, "users"));
	assert_ok(bulla_references_join(&refs, h.project, &err));

	bulla_references_select(&refs, &(bulla_reference_subject){ .uuid = h.key.uuid }, &sum);
	assert_true(sum.rows == 20 && sum.columns == 1 && sum.rows_below == 5 && sum.branches_below == 1);
	assert_true(sum.branches[BULLA_BRANCH_RECORD] == 1 && sum.branches[BULLA_BRANCH_INDEX] == 1);
	assert_true(sum.unknown == 0 && sum.unreadable == 0); /* rows under a tombstone are known to be shredded */
	char expected[256];
	(void)snprintf(expected, sizeof expected,
		       "users.encrypted_kms_key has 20 rows of version %016llx; 2 branch, index and shared keys hang from it: "
		       "all, index",
		       (unsigned long long)engine.reference);
	expect_text(&refs, &sum, expected);

	bulla_references_select(&refs, &(bulla_reference_subject){ .branch = "all" }, &sum);
	assert_true(sum.rows == 0 && sum.rows_below == 5 && sum.branches[BULLA_BRANCH_RECORD] == 1);
	bulla_references_select(&refs, &(bulla_reference_subject){ .branch = "user:7" }, &sum);
	assert_true(sum.rows == 5 && !bulla_reference_sum_is_empty(&sum));
	bulla_references_select(&refs, &(bulla_reference_subject){ .branch = "nobody" }, &sum);
	assert_true(bulla_reference_sum_is_empty(&sum));
	expect_text(&refs, &sum, "nothing");
	bulla_references_select(&refs, NULL, &sum);
	assert_true(sum.rows == 1125 && sum.branches[BULLA_BRANCH_RECORD] == 3);
	assert_string_equal(bulla_references_engine_key(&refs, engine)->id, h.key.id);
	assert_null(bulla_references_engine_key(&refs, other));
	bulla_references_done(&refs);
	bulla_project_close(h.project);
	sandbox_done(&h.box);
}

/* Keys of bulla.yaml that the engine does not hold are told by what they have made; one that is not there stays without a name. */
static void test_keys_of_files(void **state)
{
	home h = home_new();
	bulla_references refs;
	bulla_reference_sum sum;
	bulla_error err = { 0 };
	(void)state;
	bulla_references_init(&refs);
	assert_ok(bulla_references_join(&refs, h.project, &err));
	assert_int_equal(refs.other_count, 1);
	assert_string_equal(refs.others[0].key_id, "file:a.key");
	assert_true(refs.others[0].wraps);
	uint64_t reference = 0;
	while (!refs.others[0].provider->recognises(refs.others[0].session, reference, (bulla_bytes){ 0 }) && reference < 4)
		reference++;
	assert_int_equal(reference, 4); /* it does not recognise just anything */
	assert_null(bulla_references_other_key(&refs, (bulla_reference){ BULLA_WRAP_KEYFILE, 1 }));
	bulla_references_select(&refs, &(bulla_reference_subject){ .other = &refs.others[0] }, &sum);
	assert_true(bulla_reference_sum_is_empty(&sum));
	bulla_references_done(&refs);
	bulla_project_close(h.project);
	sandbox_done(&h.box);
}

/* However much there is, a refusal stays one line that an error has room for. */
static void test_long_sentences_are_cut(void **state)
{
	home h = home_new();
	bulla_references refs;
	bulla_reference_sum sum;
	bulla_error err = { 0 };
	bulla_reference engine = { BULLA_WRAP_ENGINE, bulla_get_u64(h.key.current_material) };
	BULLA_BUF_AUTO bulla_buf told = { 0 };
	char name[80];
	(void)state;
	for (uint64_t i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof name, "a branch key with a name that goes on and on and on and on, %02d", (int)i);
		branch(&h, BULLA_BRANCH_RECORD, name, 100 + i, BULLA_BRANCH_ACTIVE, &engine, 1);
	}
	bulla_references_init(&refs);
	for (int i = 0; i < 40; i++) {
		assert_ok(add(&refs, engine, engine, 1, 1000000));
		assert_ok(column(&refs, "a_table_with_a_name_that_is_not_short"));
	}
	assert_ok(bulla_references_join(&refs, h.project, &err));
	bulla_references_select(&refs, &(bulla_reference_subject){ .uuid = h.key.uuid }, &sum);
	assert_ok(bulla_references_tell(&refs, &sum, &told, &err));
	assert_true(told.len < 290);
	assert_non_null(memmem(told.data, told.len, " more; 20 branch keys hang from it: ", 36));
	bulla_references_done(&refs);
	bulla_project_close(h.project);
	sandbox_done(&h.box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_add_up),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_followed_to_the_kms_key),
		cmocka_unit_test(test_keys_of_files),
		cmocka_unit_test(test_long_sentences_are_cut),
	};
	return cmocka_run_group_tests_name("lib/references", tests, NULL, NULL);
}
