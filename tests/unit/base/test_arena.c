/*
 * test_arena.c - many small allocations, one limit, one end.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/arena.h"

static void gives_zeroed_aligned_memory(void **state)
{
	(void)state;
	bulla_arena arena = { 0 };
	for (size_t n = 0; n < 300; n++) {
		uint8_t *p = NULL;
		assert_int_equal(bulla_arena_take(&arena, n, 7, &p, NULL), BULLA_OK);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n * 7; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n * 7);
	}
	bulla_arena_done(&arena);
	bulla_arena_done(&arena);
}

static void copies_and_prints(void **state)
{
	(void)state;
	bulla_arena arena = { 0 };
	const char *a, *b, *c;
	assert_int_equal(bulla_arena_copy(&arena, bulla_view("abcdef", 3), &a, NULL), BULLA_OK);
	assert_int_equal(bulla_arena_copy(&arena, (bulla_bytes){ NULL, 0 }, &b, NULL), BULLA_OK);
	assert_int_equal(bulla_arena_printf(&arena, &c, NULL, "%s_%d", a, 7), BULLA_OK);
	assert_string_equal(a, "abc");
	assert_string_equal(b, "");
	assert_string_equal(c, "abc_7");
	bulla_arena_done(&arena);
}

static void the_limit_holds(void **state)
{
	(void)state;
	bulla_arena arena = { .max = 1000 };
	void *p;
	bulla_error err = { 0 };
	assert_int_equal(bulla_arena_take(&arena, 1, 900, &p, &err), BULLA_OK);
	assert_int_equal(bulla_arena_take(&arena, 1, 200, &p, &err), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_arena_take(&arena, SIZE_MAX / 2, 3, &p, &err), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_arena_take(&arena, SIZE_MAX, 1, &p, &err), BULLA_ERR_LIMIT);
	bulla_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_zeroed_aligned_memory),
		cmocka_unit_test(copies_and_prints),
		cmocka_unit_test(the_limit_holds),
	};
	return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
