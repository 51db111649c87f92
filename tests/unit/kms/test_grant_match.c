/*
 * test_grant_match.c - the constraint of a grant holds for the encryption contexts that it names, and for no other.
 */
#include "policy_help.h"

#include "kms/grant_match.h"

typedef struct row {
	const char *wanted[7], *context[7];
	bool subset, equals;
} row;

static const row rows[] = {
	{ { 0 }, { 0 }, true, true },
	{ { 0 }, { "a", "1" }, true, false },
	{ { "a", "1" }, { 0 }, false, false },
	{ { "a", "1" }, { "a", "1" }, true, true },
	{ { "a", "1" }, { "a", "2" }, false, false },
	{ { "a", "1" }, { "b", "1" }, false, false },
	{ { "A", "1" }, { "a", "1" }, true, true },   /* names without case */
	{ { "a", "x" }, { "a", "X" }, false, false }, /* values with it */
	{ { "a", "1" }, { "a", "1", "b", "2" }, true, false },
	{ { "a", "1", "b", "2" }, { "a", "1" }, false, false },
	{ { "b", "2", "A", "1" }, { "a", "1", "B", "2" }, true, true },
	/* names that differ by case alone: each is asked for */
	{ { "a", "1" }, { "a", "1", "A", "2" }, false, false },
	{ { "a", "1" }, { "a", "1", "A", "1" }, false, false },
	{ { "a", "1", "A", "2" }, { "a", "2", "A", "1" }, true, true },
	{ { "a", "1", "A", "1" }, { "a", "1", "b", "2" }, false, false },
	{ { "a", "1", "A", "1" }, { "a", "1" }, false, false },
};

static void test_constraints(void **state)
{
	(void)state;
	bulla_buf wanted = { 0 }, context = { 0 };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_bytes w = pairs_of(&wanted, rows[i].wanted), c = pairs_of(&context, rows[i].context);
		if (bulla_grant_matches(BULLA_GRANT_SUBSET, w, c) != rows[i].subset) fail_msg("row %zu as a subset", i);
		if (bulla_grant_matches(BULLA_GRANT_EQUALS, w, c) != rows[i].equals) fail_msg("row %zu as equal", i);
		assert_true(bulla_grant_matches(BULLA_GRANT_ANY, w, c));
	}
	bulla_buf_done(&wanted);
	bulla_buf_done(&context);
}

static void test_no_bytes_are_no_pairs(void **state)
{
	(void)state;
	const bulla_bytes none = { 0 };
	assert_true(bulla_grant_matches(BULLA_GRANT_SUBSET, none, context()));
	assert_false(bulla_grant_matches(BULLA_GRANT_EQUALS, none, context()));
	assert_true(bulla_grant_matches(BULLA_GRANT_EQUALS, none, empty_context()));
	assert_false(bulla_grant_matches(BULLA_GRANT_SUBSET, context(), none));
}

static void test_bytes_that_are_not_canonical_match_nothing(void **state)
{
	(void)state;
	static const uint8_t cut[] = { 0, 1, 0, 1, 'a' };
	const bulla_bytes broken = bulla_view(cut, sizeof cut);
	assert_false(bulla_grant_matches(BULLA_GRANT_SUBSET, broken, context()));
	assert_false(bulla_grant_matches(BULLA_GRANT_SUBSET, empty_context(), broken));
	assert_false(bulla_grant_matches((bulla_grant_constraint)3, empty_context(), empty_context()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constraints),
		cmocka_unit_test(test_no_bytes_are_no_pairs),
		cmocka_unit_test(test_bytes_that_are_not_canonical_match_nothing),
	};
	return cmocka_run_group_tests_name("kms/grant_match", tests, NULL, NULL);
}
