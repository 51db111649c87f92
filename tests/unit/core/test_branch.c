/*
 * test_branch.c - identities, prints and contexts of branch keys, against vectors of another implementation.
 */
#include "../vectors.h"

#include "core/branch.h"

static bulla_lane *lane;

static int set_up(void **state)
{
	(void)state;
	return bulla_lane_new(&lane, NULL) != BULLA_OK;
}

static int tear_down(void **state)
{
	(void)state;
	bulla_lane_free(lane);
	return 0;
}

static void check(const bulla_json *v)
{
	BULLA_BUF_AUTO bulla_buf identity = { 0 }, print = { 0 }, context = { 0 };
	bulla_bytes parts[8], expected = vector_text(v, "print");
	const bulla_json *list = bulla_json_member(v, "parts");
	bulla_branch_purpose purpose;
	size_t n = bulla_json_count(list);
	for (size_t i = 0; i < n; i++)
		assert_true(bulla_json_string(bulla_json_at(list, i), &parts[i]));
	assert_int_equal(bulla_branch_identity((bulla_branch_purpose)vector_int(v, "purpose"), vector_text(v, "scope"), parts, n,
					       &identity, NULL),
			 BULLA_OK);
	vector_same(v, "identity", bulla_view_buf(&identity));
	assert_int_equal(bulla_branch_purpose_of(bulla_view_buf(&identity), &purpose, NULL), BULLA_OK);
	assert_int_equal(purpose, vector_int(v, "purpose"));
	assert_int_equal(bulla_branch_print(bulla_view_buf(&identity), &print, NULL), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&print), expected));
	assert_int_equal(bulla_branch_context(lane, bulla_view_buf(&identity), vector_u64(v, "version"), &context, NULL),
			 BULLA_OK);
	vector_same(v, "context", bulla_view_buf(&context));
}

static void vectors(void **state)
{
	bulla_json *document = vectors_open("branch.json");
	const bulla_json *good = bulla_json_member(document, "good");
	(void)state;
	assert_true(bulla_json_count(good) >= 12);
	for (size_t i = 0; i < bulla_json_count(good); i++)
		check(bulla_json_at(good, i));
	bulla_json_free(document);
}

/* Two branches may share a print and never an identity, nor a context: a slug cannot capture an index key. */
static void prints_may_meet_identities_never(void **state)
{
	BULLA_BUF_AUTO bulla_buf a = { 0 }, b = { 0 }, print_a = { 0 }, print_b = { 0 }, context_a = { 0 }, context_b = { 0 };
	bulla_bytes slug = bulla_view_str("users"), parts[] = { bulla_view_str("users"), bulla_view_str("email") };
	(void)state;
	assert_int_equal(bulla_branch_identity(BULLA_BRANCH_RECORD, bulla_view_str("index:{}/email"), &slug, 1, &a, NULL),
			 BULLA_OK);
	assert_int_equal(bulla_branch_identity(BULLA_BRANCH_INDEX, bulla_view_str("index"), parts, 2, &b, NULL), BULLA_OK);
	assert_int_equal(bulla_branch_print(bulla_view_buf(&a), &print_a, NULL), BULLA_OK);
	assert_int_equal(bulla_branch_print(bulla_view_buf(&b), &print_b, NULL), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&print_a), bulla_view_buf(&print_b)));
	assert_false(bulla_bytes_equal(bulla_view_buf(&a), bulla_view_buf(&b)));
	assert_int_equal(bulla_branch_context(lane, bulla_view_buf(&a), 1, &context_a, NULL), BULLA_OK);
	assert_int_equal(bulla_branch_context(lane, bulla_view_buf(&b), 1, &context_b, NULL), BULLA_OK);
	assert_false(bulla_bytes_equal(bulla_view_buf(&context_a), bulla_view_buf(&context_b)));
}

static void malformed(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = { { "", 0 },        { "\0\0\0\0", 4 },  { "\4\0\0\0", 4 },       { "\1", 1 },        { "\1\0\5ab", 5 },
		      { "\1\0\1a", 4 }, { "\1\0\1a\1", 5 }, { "\1\0\1a\1\0\2x", 8 }, { "\1\0\1a\0x", 6 } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		BULLA_BUF_AUTO bulla_buf print = { 0 };
		bulla_branch_name name;
		assert_int_equal(bulla_branch_print(bulla_view(cases[i].bytes, cases[i].len), &print, NULL), BULLA_ERR_FORMAT);
		assert_int_equal(bulla_branch_parse(bulla_view(cases[i].bytes, cases[i].len), &name, NULL), BULLA_ERR_FORMAT);
	}
}

static void taken_apart(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 }, many = { 0 };
	bulla_bytes parts[BULLA_INPUTS_MAX + 1] = { bulla_view_str("a:b"), bulla_view_str("") };
	bulla_branch_name name;
	(void)state;
	assert_int_equal(bulla_branch_identity(BULLA_BRANCH_SHARED, bulla_view_str("{}/{}"), parts, 2, &out, NULL), BULLA_OK);
	assert_int_equal(bulla_branch_parse(bulla_view_buf(&out), &name, NULL), BULLA_OK);
	assert_int_equal(name.purpose, BULLA_BRANCH_SHARED);
	assert_true(bulla_bytes_is(name.scope, "{}/{}"));
	assert_int_equal(name.n, 2);
	assert_true(bulla_bytes_is(name.parts[0], "a:b"));
	assert_int_equal(name.parts[1].len, 0);
	assert_int_equal(
		bulla_branch_identity(BULLA_BRANCH_RECORD, bulla_view_str("x"), parts, BULLA_INPUTS_MAX + 1, &many, NULL),
		BULLA_OK);
	assert_int_equal(bulla_branch_parse(bulla_view_buf(&many), &name, NULL), BULLA_ERR_LIMIT);
}

static void limits(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	char long_text[1100];
	(void)state;
	memset(long_text, 'x', sizeof long_text);
	bulla_bytes fits = bulla_view(long_text, BULLA_BRANCH_IDENTITY_MAX - 4 - 2), more = bulla_view(long_text, fits.len + 1);
	assert_int_equal(bulla_branch_identity(BULLA_BRANCH_RECORD, bulla_view(NULL, 0), &fits, 1, &out, NULL), BULLA_OK);
	assert_int_equal(out.len, BULLA_BRANCH_IDENTITY_MAX);
	assert_int_equal(bulla_branch_identity(BULLA_BRANCH_RECORD, bulla_view(NULL, 0), &more, 1, &out, NULL), BULLA_ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),   cmocka_unit_test(prints_may_meet_identities_never),
		cmocka_unit_test(malformed), cmocka_unit_test(taken_apart),
		cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests_name("core/branch", tests, set_up, tear_down);
}
