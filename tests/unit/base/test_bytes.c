/*
 * test_bytes.c - comparing, big-endian integers, the cursor, type names.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cursor.h"
#include "base/secret.h"

static void equality_looks_at_every_byte(void **state)
{
	(void)state;
	uint8_t a[48], b[48];
	for (size_t i = 0; i < sizeof a; i++)
		a[i] = b[i] = (uint8_t)(i * 7);
	assert_true(bulla_equal_ct(a, b, sizeof a));
	assert_true(bulla_equal_ct(a, b, 0));
	for (size_t bit = 0; bit < sizeof a * 8; bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(bulla_equal_ct(a, b, sizeof a));
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void order_is_bytewise_then_by_length(void **state)
{
	(void)state;
	static const char *const sorted[] = { "", "A", "AB", "B", "a", "\xc3\xa4", "\xff" };
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < 7; j++) {
			int c = bulla_bytes_compare(bulla_view_str(sorted[i]), bulla_view_str(sorted[j]));
			assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
			assert_int_equal(bulla_bytes_is(bulla_view_str(sorted[i]), sorted[j]), i == j);
		}
	assert_true(bulla_bytes_equal((bulla_bytes){ NULL, 0 }, bulla_view("x", 0)));
}

static void integers_are_big_endian(void **state)
{
	(void)state;
	uint8_t b[8];
	bulla_put_u64(b, 0x0102030405060708u);
	assert_memory_equal(b, "\1\2\3\4\5\6\7\10", 8);
	assert_true(bulla_get_u64(b) == 0x0102030405060708u);
	assert_int_equal(bulla_get_u32(b), 0x01020304);
	assert_int_equal(bulla_get_u16(b), 0x0102);
	bulla_put_u64(b, UINT64_MAX);
	assert_true(bulla_get_u64(b) == UINT64_MAX);
}

static void a_cursor_never_overruns(void **state)
{
	(void)state;
	const uint8_t wire[] = { 7, 0, 2, 'a', 'b', 9 };
	bulla_cursor c = bulla_cursor_of(bulla_view(wire, sizeof wire));
	assert_int_equal(bulla_cursor_u8(&c), 7);
	assert_true(bulla_bytes_is(bulla_cursor_prefixed(&c), "ab"));
	assert_false(bulla_cursor_end(&c));
	assert_int_equal(bulla_cursor_u16(&c), 0); /* one byte is left */
	assert_int_equal(bulla_cursor_u8(&c), 0);  /* failed for good */
	assert_false(bulla_cursor_end(&c));
	for (size_t cut = 0; cut < sizeof wire; cut++) {
		c = bulla_cursor_of(bulla_view(wire, cut));
		bulla_cursor_u8(&c);
		bulla_cursor_prefixed(&c);
		bulla_cursor_u8(&c);
		assert_false(bulla_cursor_end(&c));
	}
}

static void wiping_leaves_zeros(void **state)
{
	(void)state;
	bulla_secret secret;
	memset(&secret, 0x55, sizeof secret);
	bulla_secret_wipe(&secret);
	for (size_t i = 0; i < sizeof secret; i++)
		assert_int_equal(secret.bytes[i], 0);
	bulla_wipe(NULL, 0);
}

static void types_have_names(void **state)
{
	(void)state;
	assert_string_equal(bulla_type_name(BULLA_TYPE_STRING), "string");
	assert_string_equal(bulla_type_name(BULLA_TYPE_DATETIME), "datetime");
	assert_string_equal(bulla_type_name(BULLA_TYPE_ANY), "any");
	for (int i = BULLA_TYPE_STRING; i <= BULLA_TYPE_ANY; i++)
		assert_non_null(bulla_type_name((bulla_type)i));
	assert_null(bulla_type_name((bulla_type)0));
	assert_null(bulla_type_name((bulla_type)(BULLA_TYPE_ANY + 1)));
	assert_null(bulla_type_name((bulla_type)-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equality_looks_at_every_byte), cmocka_unit_test(order_is_bytewise_then_by_length),
		cmocka_unit_test(integers_are_big_endian),      cmocka_unit_test(a_cursor_never_overruns),
		cmocka_unit_test(wiping_leaves_zeros),          cmocka_unit_test(types_have_names),
	};
	return cmocka_run_group_tests_name("base/bytes", tests, NULL, NULL);
}
