/* What a job has kept of its position is read as it was written, or not at all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "db/book.h"

static void a_position_comes_back(void **state)
{
	(void)state;
	const bulla_value written[] = {
		bulla_value_integer(-7), bulla_value_text("a key"), { 0 }, { .kind = BULLA_KIND_FLOAT, .number = 1.5 }
	};
	bulla_value read[4];
	BULLA_BUF_AUTO bulla_buf bytes = { 0 };
	assert_int_equal(bulla_position_write(written, 4, &bytes, NULL), BULLA_OK);
	assert_int_equal(bulla_position_read(bulla_view_buf(&bytes), read, 4, NULL), BULLA_OK);
	assert_int_equal(read[0].integer, -7);
	assert_true(bulla_bytes_is(read[1].bytes, "a key"));
	assert_int_equal(read[2].kind, BULLA_KIND_NULL);
	assert_true(read[3].number == 1.5);
	for (size_t n = 0; n < bytes.len; n++)
		assert_int_equal(bulla_position_read(bulla_view(bytes.data, n), read, 4, NULL), BULLA_ERR_FORMAT);
}

static void a_class_that_does_not_exist_is_refused(void **state)
{
	(void)state;
	bulla_value read[1];
	uint8_t bytes[9] = { 0 };
	for (unsigned kind = 0; kind < 256; kind++) {
		bytes[0] = (uint8_t)kind;
		bool known = kind > BULLA_KIND_NULL && kind <= BULLA_KIND_BOOLEAN;
		bulla_code code = bulla_position_read(bulla_view(bytes, sizeof bytes), read, 1, NULL);
		assert_int_equal(code, known ? BULLA_OK : BULLA_ERR_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_position_comes_back),
		cmocka_unit_test(a_class_that_does_not_exist_is_refused),
	};
	return cmocka_run_group_tests_name("db/book", tests, NULL, NULL);
}
