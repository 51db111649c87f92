/*
 * test_space.c - memory for results: it stays put while it is used, and is wiped before it is used again.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/space.h"

#include <string.h>

static void stays_put(void **state)
{
	bulla_space space = { 0 };
	uint8_t *taken[200];
	(void)state;
	for (size_t i = 0; i < 200; i++) {
		taken[i] = bulla_space_take(&space, 5000 + i);
		assert_non_null(taken[i]);
		memset(taken[i], (int)i, 5000 + i);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t at = 0; at < 5000 + i; at += 999)
			assert_int_equal(taken[i][at], (uint8_t)i);
	bulla_space_done(&space);
	bulla_space_done(&space);
}

static void nothing_is_something(void **state)
{
	bulla_space space = { 0 };
	(void)state;
	assert_non_null(bulla_space_take(&space, 0));
	bulla_bytes empty = bulla_space_copy(&space, (bulla_bytes){ NULL, 0 });
	assert_non_null(empty.data); /* an empty value is not NULL */
	assert_int_equal(empty.len, 0);
	bulla_space_done(&space);
}

static void wiped_when_reset(void **state)
{
	bulla_space space = { 0 };
	(void)state;
	uint8_t *first = bulla_space_take(&space, 100);
	memset(first, 0xaa, 100);
	bulla_space_reset(&space);
	uint8_t *again = bulla_space_take(&space, 100);
	assert_ptr_equal(first, again);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(again[i], 0);
	bulla_space_done(&space);
}

/* A single large value, between small ones, again and again. */
static void large_ones(void **state)
{
	bulla_space space = { 0 };
	(void)state;
	for (int round = 0; round < 20; round++) {
		uint8_t *small = bulla_space_take(&space, 10), *large = bulla_space_take(&space, 3 << 20),
			*last = bulla_space_take(&space, 10);
		assert_true(small && large && last);
		memset(small, 1, 10);
		memset(large, 2, 3 << 20);
		memset(last, 3, 10);
		assert_int_equal(small[9], 1);
		assert_int_equal(large[0], 2);
		assert_int_equal(large[(3 << 20) - 1], 2);
		bulla_space_reset(&space);
	}
	bulla_space_done(&space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stays_put),
		cmocka_unit_test(nothing_is_something),
		cmocka_unit_test(wiped_when_reset),
		cmocka_unit_test(large_ones),
	};
	return cmocka_run_group_tests_name("core/space", tests, NULL, NULL);
}
