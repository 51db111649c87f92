/*
 * test_context.c - canonical bytes of the encryption context: order, limits, and that nothing else decodes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/context.h"

#include <stdio.h>

#define PAIR(n, v)                                                                                                               \
	{                                                                                                                        \
		{ (const uint8_t *)(n), sizeof(n) - 1 },                                                                         \
		{                                                                                                                \
			(const uint8_t *)(v), sizeof(v) - 1                                                                      \
		}                                                                                                                \
	}

static void the_empty_context_is_two_zeros(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_context_encode(NULL, 0, &buf, NULL), BULLA_OK);
	assert_int_equal(buf.len, 2);
	assert_memory_equal(buf.data, "\0\0", 2);
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	size_t n = 9;
	assert_int_equal(bulla_context_decode(bulla_view_buf(&buf), pairs, &n, NULL), BULLA_OK);
	assert_int_equal(n, 0);
}

static void pairs_are_sorted_by_bytes(void **state)
{
	(void)state;
	const bulla_pair pairs[] = { PAIR("model_name", "User"), PAIR("\xc3\xa4", "u"), PAIR("model_id", "123"), PAIR("a", "") };
	static const char expected[] = "\0\4\0\1a\0\0\0\10model_id\0\3"
				       "123\0\12model_name\0\4User\0\2\xc3\xa4\0\1u";
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_buf_add_str(&buf, "x", NULL), BULLA_OK); /* it appends */
	assert_int_equal(bulla_context_encode(pairs, 4, &buf, NULL), BULLA_OK);
	assert_int_equal(buf.len, sizeof expected);
	assert_memory_equal(buf.data + 1, expected, sizeof expected - 1);
	bulla_pair back[BULLA_CONTEXT_PAIRS_MAX];
	size_t n;
	assert_int_equal(bulla_context_decode(bulla_view(buf.data + 1, buf.len - 1), back, &n, NULL), BULLA_OK);
	assert_int_equal(n, 4);
	assert_true(bulla_bytes_is(back[2].name, "model_name"));
	assert_true(bulla_bytes_is(back[2].value, "User"));
}

static void bad_pairs_are_refused(void **state)
{
	(void)state;
	static const struct {
		bulla_pair pairs[3];
		bulla_code code;
	} rows[] = {
		{ { PAIR("", "x"), PAIR("a", "1"), PAIR("b", "2") }, BULLA_ERR_USAGE },
		{ { PAIR("a", "1"), PAIR("b", "2"), PAIR("a", "3") }, BULLA_ERR_USAGE },
		{ { PAIR("b", "1"), PAIR("a", "2"), PAIR("a", "2") }, BULLA_ERR_USAGE },
		{ { PAIR("a\xff", "1"), PAIR("b", "2"), PAIR("c", "3") }, BULLA_ERR_ENCODING },
		{ { PAIR("a", "1"), PAIR("b", "\xed\xa0\x80"), PAIR("c", "3") }, BULLA_ERR_ENCODING },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		BULLA_BUF_AUTO bulla_buf buf = { 0 };
		assert_int_equal(bulla_context_encode(rows[i].pairs, 3, &buf, NULL), rows[i].code);
		assert_int_equal(buf.len, 0);
	}
}

static void both_limits_hold(void **state)
{
	(void)state;
	static char names[BULLA_CONTEXT_PAIRS_MAX + 1][8];
	static char value[BULLA_CONTEXT_MAX + 1];
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX + 1];
	memset(value, 'v', sizeof value);
	for (size_t i = 0; i <= BULLA_CONTEXT_PAIRS_MAX; i++) {
		snprintf(names[i], sizeof names[i], "n%03zu", (i * 37) % (BULLA_CONTEXT_PAIRS_MAX + 1));
		pairs[i] = (bulla_pair){ bulla_view_str(names[i]), bulla_view_str("v") };
	}
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_context_encode(pairs, BULLA_CONTEXT_PAIRS_MAX + 1, &buf, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_context_encode(pairs, BULLA_CONTEXT_PAIRS_MAX, &buf, NULL), BULLA_OK);
	bulla_buf_clear(&buf);
	pairs[0].value = bulla_view(value, BULLA_CONTEXT_MAX - 2 - 4 - 4);
	assert_int_equal(bulla_context_encode(pairs, 1, &buf, NULL), BULLA_OK);
	assert_int_equal(buf.len, BULLA_CONTEXT_MAX);
	size_t n;
	bulla_pair back[BULLA_CONTEXT_PAIRS_MAX];
	assert_int_equal(bulla_context_decode(bulla_view_buf(&buf), back, &n, NULL), BULLA_OK);
	pairs[0].value.len++;
	assert_int_equal(bulla_context_encode(pairs, 1, &buf, NULL), BULLA_ERR_LIMIT);
	pairs[0].value.len = SIZE_MAX - 8; /* must not wrap around */
	assert_int_equal(bulla_context_encode(pairs, 1, &buf, NULL), BULLA_ERR_LIMIT);
}

static void what_is_not_canonical_does_not_decode(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "", 0 },
		{ "\0", 1 },
		{ "\0\0\0", 3 },
		{ "\0\1", 2 },
		{ "\0\1\0\0\0\1v", 7 },           /* empty name */
		{ "\0\2\0\1b\0\0\0\1a\0\0", 12 }, /* order */
		{ "\0\2\0\1a\0\0\0\1a\0\0", 12 }, /* duplicate */
		{ "\0\1\0\1\xff\0\0", 7 },        /* UTF-8 */
		{ "\0\1\0\1a\0\1\xc0", 8 },
		{ "\0\101\0\1a\0\0", 7 }, /* 65 pairs */
	};
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = 77;
		assert_int_equal(bulla_context_decode(bulla_view(rows[i].bytes, rows[i].len), pairs, &n, NULL), BULLA_ERR_FORMAT);
		assert_int_equal(n, 77);
	}
}

/* What decodes encodes to the same bytes: no two byte strings stand for one context. */
static void cuts_and_flips_decode_to_themselves_or_not_at_all(void **state)
{
	(void)state;
	const bulla_pair pairs[] = { PAIR("model_id", "12"), PAIR("model_name", "User") };
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_context_encode(pairs, 2, &buf, NULL), BULLA_OK);
	bulla_pair back[BULLA_CONTEXT_PAIRS_MAX];
	size_t n;
	for (size_t cut = 0; cut < buf.len; cut++)
		assert_int_equal(bulla_context_decode(bulla_view(buf.data, cut), back, &n, NULL), BULLA_ERR_FORMAT);
	for (size_t bit = 0; bit < buf.len * 8; bit++) {
		buf.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		BULLA_BUF_AUTO bulla_buf again = { 0 };
		if (bulla_context_decode(bulla_view_buf(&buf), back, &n, NULL) == BULLA_OK) {
			assert_int_equal(bulla_context_encode(back, n, &again, NULL), BULLA_OK);
			assert_true(bulla_bytes_equal(bulla_view_buf(&again), bulla_view_buf(&buf)));
		}
		buf.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_empty_context_is_two_zeros),
		cmocka_unit_test(pairs_are_sorted_by_bytes),
		cmocka_unit_test(bad_pairs_are_refused),
		cmocka_unit_test(both_limits_hold),
		cmocka_unit_test(what_is_not_canonical_does_not_decode),
		cmocka_unit_test(cuts_and_flips_decode_to_themselves_or_not_at_all),
	};
	return cmocka_run_group_tests_name("base/context", tests, NULL, NULL);
}
