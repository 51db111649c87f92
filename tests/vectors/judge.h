/*
 * judge.h - reading the fields of a vector, and what is to be thought of an answer.
 */
#ifndef TEST_VECTORS_JUDGE_H
#define TEST_VECTORS_JUDGE_H

#include "vectors.h"

#include "base/text.h"

static const outcome passed = { PASSED, NULL };
static const outcome malformed = { FAILED, "the vector lacks a field that its algorithm needs" };

static inline outcome failed(const char *why)
{
	return (outcome){ FAILED, why };
}

static inline outcome skipped(const char *why)
{
	return (outcome){ SKIPPED, why };
}

/* A field in hexadecimal, appended to the empty `out`. */
static inline bool hex(const bulla_json *object, const char *name, bulla_buf *out)
{
	bulla_bytes text;
	return bulla_json_string(bulla_json_member(object, name), &text) && bulla_hex_decode(text, out, NULL) == BULLA_OK;
}

static inline bool number(const bulla_json *object, const char *name, int64_t most, int64_t *out)
{
	return bulla_json_integer(bulla_json_member(object, name), out) && *out >= 0 && *out <= most;
}

static inline bool same(bulla_bytes a, bulla_bytes b)
{
	return a.len == b.len && (a.len == 0 || bulla_equal_ct(a.data, b.data, a.len));
}

/* A refusal is one of these codes; any other failure is ours, whatever the vector expects. */
static inline bool is_refusal(bulla_code code)
{
	return code == BULLA_ERR_AUTH || code == BULLA_ERR_USAGE || code == BULLA_ERR_LIMIT || code == BULLA_ERR_FORMAT;
}

/* One direction: what it answered, and whether it gave exactly the expected bytes. */
static inline outcome judge(expectation expected, bulla_code code, bool exact)
{
	if (code != BULLA_OK && !is_refusal(code)) return failed("the primitive failed for a reason of its own");
	if (expected == VALID && code != BULLA_OK) return failed("a valid vector was refused");
	if (expected == INVALID && code == BULLA_OK && exact) return failed("an invalid vector was accepted");
	if (expected != INVALID && code == BULLA_OK && !exact) return failed("the output differs");
	return passed;
}

/* Of an acceptable vector only the reading counts: how its bytes are made may be somebody else's choice. */
static inline outcome both(expectation expected, outcome making, outcome reading)
{
	return making.verdict == PASSED || expected == ACCEPTABLE ? reading : making;
}

#endif
