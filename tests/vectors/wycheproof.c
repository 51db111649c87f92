/*
 * wycheproof.c - walks the groups and cases of one Wycheproof file.
 *
 * The primitive is chosen by the file's "algorithm", so that any file of an algorithm that we offer is run, whatever it is
 * called.
 */
#include "vectors.h"

#include <inttypes.h>
#include <stdio.h>

static bool expectation_of(const bulla_json *test, expectation *out)
{
	static const char *const names[] = { [VALID] = "valid", [ACCEPTABLE] = "acceptable", [INVALID] = "invalid" };
	bulla_bytes text;

	if (!bulla_json_string(bulla_json_member(test, "result"), &text)) return false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (bulla_bytes_is(text, names[i])) {
			*out = (expectation)i;
			return true;
		}
	return false;
}

static void count(const char *path, const char *name, const bulla_json *test, outcome o, tally *total)
{
	int64_t id = -1;

	(void)bulla_json_integer(bulla_json_member(test, "tcId"), &id);
	if (o.verdict == FAILED) printf("FAILED: %s tcId %" PRId64 ": %s\n", path, id, o.why);
	if (o.verdict == SKIPPED) printf("skipped: %s tcId %" PRId64 " (%s)\n", name, id, o.why);
	total->passed += o.verdict == PASSED;
	total->failed += o.verdict == FAILED;
	total->skipped += o.verdict == SKIPPED;
}

static void run_group(const vector *from, const primitive *p, const char *path, const char *name, tally *total)
{
	const bulla_json *tests = bulla_json_member(from->group, "tests");

	for (size_t i = 0; i < bulla_json_count(tests); i++) {
		vector v = *from;
		v.test = bulla_json_at(tests, i);
		outcome o = { FAILED, "its result is neither valid, acceptable nor invalid" };
		if (expectation_of(v.test, &v.expected)) o = p->try(&v, p);
		count(path, name, v.test, o, total);
	}
}

static size_t tests_in(const bulla_json *groups)
{
	size_t n = 0;

	for (size_t i = 0; i < bulla_json_count(groups); i++)
		n += bulla_json_count(bulla_json_member(bulla_json_at(groups, i), "tests"));
	return n;
}

void wycheproof_run(bulla_lane *lane, const char *path, const char *name, const bulla_json *document, tally *total)
{
	const bulla_json *groups = bulla_json_member(document, "testGroups");
	size_t held = tests_in(groups);
	bulla_bytes algorithm;
	int64_t promised;

	if (!bulla_json_string(bulla_json_member(document, "algorithm"), &algorithm) || held == 0) {
		printf("FAILED: %s: it holds no vectors\n", path);
		total->failed++;
		return;
	}
	if (bulla_json_integer(bulla_json_member(document, "numberOfTests"), &promised) && (uint64_t)promised != held) {
		printf("FAILED: %s: it promises %" PRId64 " vectors and holds %zu\n", path, promised, held);
		total->failed++;
	}
	const primitive *p = primitive_find(algorithm);
	if (!p) {
		printf("skipped: %s (not offered)\n", name);
		total->skipped += held;
		return;
	}
	for (size_t i = 0; i < bulla_json_count(groups); i++) {
		const vector v = { .lane = lane, .group = bulla_json_at(groups, i) };
		run_group(&v, p, path, name, total);
	}
}
