/*
 * test_policy_pattern.c - wildcards and variables match what they stand for and nothing else, in bounded time.
 */
#include "policy_help.h"

#include "kms/policy_inside.h"

#include <stdlib.h>
#include <time.h>

#define BOTH (PATTERN_WILD | PATTERN_VARIABLES)

static bool matches(const char *pattern, unsigned flags, const char *text)
{
	bulla_arena arena = { 0 };
	bulla_policy_pattern made;
	const char *wrong = "unset";
	const bulla_access access = alice();
	assert_int_equal(bulla_policy_pattern_make(bulla_view_str(pattern), flags, &arena, &made, &wrong, NULL), BULLA_OK);
	if (wrong) fail_msg("%s: %s", pattern, wrong);
	bool found = bulla_policy_pattern_match(&made, &access, bulla_view_str(text));
	bulla_arena_done(&arena);
	return found;
}

static void test_wildcards(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *text;
		bool match;
	} rows[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "*", "anything: at/all", true },
		{ "?", "", false },
		{ "?", "a", true },
		{ "?", "ab", false },
		{ "??", "ab", true },
		{ "?*", "", false },
		{ "?*", "a", true },
		{ "*?", "a", true },
		{ "*?", "", false },
		{ "***", "", true },
		{ "a*", "a", true },
		{ "a*", "ba", false },
		{ "*a", "a", true },
		{ "*a", "aab", false },
		{ "*a", "aba", true },
		{ "a*a", "a", false },
		{ "a*a", "aa", true },
		{ "a*b*c", "abc", true },
		{ "a*b*c", "aXbYc", true },
		{ "a*b*c", "acb", false },
		{ "*ab*ab", "abab", true },
		{ "*ab*ab", "ab", false },
		{ "*ab?", "abxabc", true },
		{ "*abc", "ababc", true },
		{ "*aab*", "aaab", true },
		{ "kms:*DataKey*", "kms:GenerateDataKeyWithoutPlaintext", true },
		{ "kms:*DataKey", "kms:GenerateDataKeyWithoutPlaintext", false },
		{ "arn:aws:kms:*:111122223333:key/*", KEY_ARN, true },
		{ "arn:aws:kms:*", KEY_ARN, true },
		{ "arn:aws:kms:*:999999999999:key/*", KEY_ARN, false },
		{ "caf?", "caf\xc3\xa9", true },  /* one character, two bytes */
		{ "*??", "\xe6\x97\xa5", false }, /* one character is not two */
		{ "*??", "\xe6\x97\xa5\xe6\x9c\xac", true },
		{ "?", "\xff", true },   /* no character at all counts as one */
		{ "[a-z]", "b", false }, /* nothing else is special */
		{ "\\*", "*", false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (matches(rows[i].pattern, PATTERN_WILD, rows[i].text) != rows[i].match)
			fail_msg("\"%s\" and \"%s\"", rows[i].pattern, rows[i].text);
}

static void test_without_wildcards_stars_are_stars(void **state)
{
	(void)state;
	assert_true(matches("a*?", 0, "a*?"));
	assert_false(matches("a*?", 0, "abc"));
	assert_true(matches("${*}", 0, "${*}"));
}

static void test_case(void **state)
{
	(void)state;
	assert_true(matches("KMS:decrypt", PATTERN_FOLD, "kms:Decrypt"));
	assert_false(matches("KMS:decrypt", 0, "kms:Decrypt"));
	assert_true(matches("kMs:d*T", PATTERN_FOLD | PATTERN_WILD, "KMS:Decrypt"));
	assert_false(matches("\xc3\xa9", PATTERN_FOLD, "\xc3\x89")); /* ASCII only */
	assert_false(matches("@", PATTERN_FOLD, "`"));
	assert_false(matches("[", PATTERN_FOLD, "{"));
}

static void test_variables(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *text;
		bool match;
	} rows[] = {
		{ "${aws:username}", "alice", true },
		{ "${AWS:UserName}", "alice", true },
		{ "${aws:username}", "bob", false },
		{ "home/${aws:username}/*", "home/alice/x", true },
		{ "home/${aws:username}/*", "home/alicex/x", false },
		{ "*${aws:username}", "alicealice", true },
		{ "${aws:username}${aws:username}", "alicealice", true },
		{ "${aws:username}-${aws:PrincipalAccount}", "alice-111122223333", true },
		{ "${*}", "*", true },
		{ "${*}", "a", false },
		{ "${?}", "?", true },
		{ "${?}", "a", false },
		{ "${$}{x}", "${x}", true },
		{ "a${*}*${?}?", "a*anything?!", true },
		{ "$5", "$5", true },
		{ "{aws:username}", "{aws:username}", true },
		{ "${aws:PrincipalTag/team}", "", false },
		{ "${aws:PrincipalTag/team}", "${aws:PrincipalTag/team}", false },
		{ "*${aws:PrincipalTag/team}*", "x", false },
		{ "${aws:PrincipalTag/team, 'none'}", "none", true },
		{ "${aws:PrincipalTag/team,'none'}", "none", true },
		{ "${aws:PrincipalTag/team, ''}", "", true },
		{ "${aws:username, 'none'}", "none", false },
		{ "${aws:CurrentTime}", "2026-11-21T19:05:00Z", true },
		{ "${aws:EpochTime}/${aws:CurrentTime}", "1795287900/2026-11-21T19:05:00Z", true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (matches(rows[i].pattern, BOTH, rows[i].text) != rows[i].match)
			fail_msg("\"%s\" and \"%s\"", rows[i].pattern, rows[i].text);
	assert_true(matches("${aws:username}", PATTERN_WILD, "${aws:username}")); /* 2008-10-17 knows none */
}

static void test_a_star_in_a_name_is_no_wildcard(void **state)
{
	(void)state;
	bulla_arena arena = { 0 };
	bulla_policy_pattern made;
	const char *wrong;
	bulla_access access = alice();
	access.user_name = bulla_view_str("a*");
	assert_int_equal(bulla_policy_pattern_make(bulla_view_str("${aws:username}"), BOTH, &arena, &made, &wrong, NULL),
			 BULLA_OK);
	assert_true(bulla_policy_pattern_match(&made, &access, bulla_view_str("a*")));
	assert_false(bulla_policy_pattern_match(&made, &access, bulla_view_str("admin")));
	bulla_arena_done(&arena);
}

static void test_wrong_variables(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"${",
		"a${aws:username",
		"${}",
		"${username}",
		"${kms:NoSuchKey}",
		"${aws:TagKeys}",
		"${kms:EncryptionContextKeys}",
		"${aws:username, none}",
		"${aws:username, '}",
		"${aws:userid}${aws:userid}${aws:userid}${aws:userid}${aws:userid}${aws:userid}${aws:userid}"
		"${aws:userid}${aws:userid}"
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		bulla_arena arena = { 0 };
		bulla_policy_pattern made;
		const char *why = NULL;
		assert_int_equal(bulla_policy_pattern_make(bulla_view_str(wrong[i]), BOTH, &arena, &made, &why, NULL), BULLA_OK);
		if (!why) fail_msg("\"%s\" is a pattern", wrong[i]);
		bulla_arena_done(&arena);
	}
}

static double seconds(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What takes a backtracking matcher 2^1000 steps. */
static void test_hostile_patterns_end(void **state)
{
	(void)state;
	enum { N = BULLA_POLICY_STRING_MAX };
	static char pattern[N + 1], text[8193];
	double start = seconds();
	memset(text, 'a', sizeof text - 1);
	for (size_t i = 0; i < N; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	pattern[N - 1] = 'b';
	assert_false(matches(pattern, PATTERN_WILD, text));
	memset(pattern, 'a', N);
	pattern[0] = '*', pattern[N - 2] = 'b', pattern[N - 1] = '*';
	assert_false(matches(pattern, PATTERN_WILD, text));
	memset(pattern, '?', N);
	pattern[0] = '*', pattern[N - 1] = 'b';
	assert_false(matches(pattern, PATTERN_WILD, text));
	memset(pattern, '*', N);
	assert_true(matches(pattern, PATTERN_WILD, text));
	assert_true(seconds() - start < 2);
}

/* Against the textbook's recursive matcher, on short random strings over few letters. */
static bool slow(const char *p, const char *t)
{
	if (!*p) return !*t;
	if (*p == '*') return slow(p + 1, t) || (*t && slow(p, t + 1));
	return *t && (*p == '?' || *p == *t) && slow(p + 1, t + 1);
}

static void test_agrees_with_the_slow_one(void **state)
{
	(void)state;
	uint32_t seed = 7;
	for (int round = 0; round < 20000; round++) {
		char p[9] = { 0 }, t[9] = { 0 };
		for (size_t i = 0; i < 8; i++) {
			seed = seed * 1664525 + 1013904223;
			p[i] = "*?ab*a\0\0"[seed >> 29];
			t[i] = "abaabba\0"[seed >> 26 & 7];
		}
		if (matches(p, PATTERN_WILD, t) != slow(p, t)) fail_msg("\"%s\" and \"%s\"", p, t);
	}
}

static void test_arn_split(void **state)
{
	(void)state;
	bulla_bytes parts[BULLA_ARN_SECTIONS];
	assert_true(bulla_arn_split(bulla_view_str("arn:aws:sns:r:1:a:b:c"), parts));
	assert_true(bulla_bytes_is(parts[0], "arn") && bulla_bytes_is(parts[3], "r") && bulla_bytes_is(parts[5], "a:b:c"));
	assert_true(bulla_arn_split(bulla_view_str("arn:aws:iam::1:user/${aws:username}"), parts));
	assert_true(bulla_bytes_is(parts[3], "") && bulla_bytes_is(parts[5], "user/${aws:username}"));
	assert_true(bulla_arn_split(bulla_view_str(":::::"), parts));
	assert_false(bulla_arn_split(bulla_view_str("arn:aws:iam::1"), parts));
	assert_false(bulla_arn_split(bulla_view_str("${a:b:c:d:e:f}"), parts));
	assert_false(bulla_arn_split(bulla_view(NULL, 0), parts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wildcards),
		cmocka_unit_test(test_without_wildcards_stars_are_stars),
		cmocka_unit_test(test_case),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_a_star_in_a_name_is_no_wildcard),
		cmocka_unit_test(test_wrong_variables),
		cmocka_unit_test(test_hostile_patterns_end),
		cmocka_unit_test(test_agrees_with_the_slow_one),
		cmocka_unit_test(test_arn_split),
	};
	return cmocka_run_group_tests_name("kms/policy_pattern", tests, NULL, NULL);
}
