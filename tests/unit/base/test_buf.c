/*
 * test_buf.c - appending, the limit, and that a failure changes nothing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"

static void appends_in_order(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_buf_add_u8(&buf, 1, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add_u16(&buf, 0x0203, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add_u32(&buf, 0x04050607, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add_u64(&buf, 0x08090a0b0c0d0e0fu, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add_str(&buf, "xy", NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add_prefixed(&buf, bulla_view("z", 1), NULL), BULLA_OK);
	assert_int_equal(bulla_buf_printf(&buf, NULL, "%d%s", 42, "!"), BULLA_OK);
	assert_int_equal(bulla_buf_add(&buf, (bulla_bytes){ NULL, 0 }, NULL), BULLA_OK);
	static const char expected[] = "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17xy\0\1z42!";
	assert_int_equal(buf.len, sizeof expected - 1);
	assert_memory_equal(buf.data, expected, buf.len);
	bulla_buf_clear(&buf);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf.data[0], 0);
}

static void grows_and_keeps_content(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(bulla_buf_add_u32(&buf, i, NULL), BULLA_OK);
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(bulla_get_u32(buf.data + 4 * i), i);
}

static void printf_of_any_length(void **state)
{
	(void)state;
	char text[600];
	for (size_t n = 0; n < sizeof text - 1; n++) {
		BULLA_BUF_AUTO bulla_buf buf = { 0 };
		memset(text, 'a' + (int)(n % 26), n);
		text[n] = 0;
		assert_int_equal(bulla_buf_add_str(&buf, "p", NULL), BULLA_OK);
		assert_int_equal(bulla_buf_printf(&buf, NULL, "%s", text), BULLA_OK);
		assert_int_equal(buf.len, n + 1);
		assert_memory_equal(buf.data + 1, text, n);
	}
}

static void the_limit_holds_and_changes_nothing(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf buf = { .max = 10 };
	bulla_error err = { 0 };
	assert_int_equal(bulla_buf_add_str(&buf, "12345678", NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add_str(&buf, "901", &err), BULLA_ERR_LIMIT);
	assert_non_null(strstr(err.text, "10 bytes"));
	assert_int_equal(bulla_buf_add_u32(&buf, 1, &err), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_buf_add_u64(&buf, 1, &err), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_buf_add_prefixed(&buf, bulla_view("1", 1), &err), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_buf_printf(&buf, &err, "%s", "901"), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_buf_reserve(&buf, 3, &err), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_buf_reserve(&buf, SIZE_MAX, &err), BULLA_ERR_LIMIT);
	assert_int_equal(buf.len, 8);
	assert_int_equal(bulla_buf_printf(&buf, &err, "%s", "90"), BULLA_OK); /* exactly full, the NUL does not count */
	assert_int_equal(bulla_buf_terminate(&buf, &err), BULLA_OK);
	assert_string_equal((char *)buf.data, "1234567890");
	assert_int_equal(bulla_buf_add_u8(&buf, 0, &err), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_buf_add_u16(&buf, 0, &err), BULLA_ERR_LIMIT);
}

static void the_default_limit_is_64_mib(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_buf_reserve(&buf, BULLA_BUF_MAX + 1u, NULL), BULLA_ERR_LIMIT);
	assert_null(buf.data);
}

static void a_prefix_counts_to_65535(void **state)
{
	(void)state;
	static uint8_t bytes[65536];
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	assert_int_equal(bulla_buf_add_prefixed(&buf, bulla_view(bytes, 65536), NULL), BULLA_ERR_LIMIT);
	assert_int_equal(buf.len, 0);
	assert_int_equal(bulla_buf_add_prefixed(&buf, bulla_view(bytes, 65535), NULL), BULLA_OK);
	assert_int_equal(buf.len, 65537);
}

static void done_twice_and_reuse(void **state)
{
	(void)state;
	bulla_buf buf = { .max = 5 };
	assert_int_equal(bulla_buf_add_str(&buf, "abc", NULL), BULLA_OK);
	bulla_buf_done(&buf);
	bulla_buf_done(&buf);
	bulla_buf_done(NULL);
	assert_int_equal(buf.max, 5);
	assert_int_equal(bulla_buf_terminate(&buf, NULL), BULLA_OK);
	assert_string_equal((char *)buf.data, "");
	bulla_buf_done(&buf);
}

static void room_for_nothing_is_a_place(void **state)
{
	(void)state;
	bulla_buf buf = { .max = 5 };
	assert_int_equal(bulla_buf_reserve(&buf, 0, NULL), BULLA_OK);
	assert_non_null(buf.data);
	assert_int_equal(bulla_buf_add_str(&buf, "abcde", NULL), BULLA_OK);
	assert_int_equal(bulla_buf_reserve(&buf, 0, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_reserve(&buf, 1, NULL), BULLA_ERR_LIMIT);
	bulla_buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_in_order),
		cmocka_unit_test(grows_and_keeps_content),
		cmocka_unit_test(printf_of_any_length),
		cmocka_unit_test(the_limit_holds_and_changes_nothing),
		cmocka_unit_test(the_default_limit_is_64_mib),
		cmocka_unit_test(a_prefix_counts_to_65535),
		cmocka_unit_test(done_twice_and_reuse),
		cmocka_unit_test(room_for_nothing_is_a_place),
	};
	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
