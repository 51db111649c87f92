/* The definition that an undo puts together has room for every column that comes back, or there is none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "db/original.h"

#include <stdio.h>
#include <string.h>

/* Of a table with so many items, in which all fields of a model come back. */
static bulla_code define(size_t items, bulla_buf *out)
{
	static bulla_field fields[BULLA_FIELDS_MAX];
	static struct bulla_mapped_field mapped[BULLA_FIELDS_MAX];
	static char names[BULLA_FIELDS_MAX][8];
	BULLA_BUF_AUTO bulla_buf sql = { 0 };
	const bulla_buf order = { 0 };
	bulla_fidelity fidelity;
	for (size_t i = 0; i < BULLA_FIELDS_MAX; i++) {
		(void)snprintf(names[i], sizeof names[i], "f%zu", i);
		fields[i] = (bulla_field){ .name = names[i], .plaintext = names[i], .type = BULLA_TYPE_STRING, .position = i };
		mapped[i] = (struct bulla_mapped_field){ .field = &fields[i], .cipher = true };
	}
	assert_int_equal(bulla_buf_add_str(&sql, "CREATE TABLE users(id", NULL), BULLA_OK);
	for (size_t i = 1; i < items; i++)
		assert_int_equal(bulla_buf_add_str(&sql, ", CHECK(1)", NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add_str(&sql, ")", NULL), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&sql, NULL), BULLA_OK);
	const bulla_model model = { .key = "users", .table = "users", .fields = fields, .field_count = BULLA_FIELDS_MAX };
	bulla_table table = { .name = "users", .sql = (const char *)sql.data };
	const bulla_mapping mapping = { .model = &model, .table = &table, .fields = mapped };
	const bulla_original original = { 0 };
	return bulla_original_definition(&mapping, &order, &original, out, &fidelity, NULL);
}

static void columns_come_back_in_their_places(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	assert_int_equal(define(3, &out), BULLA_OK);
	assert_non_null(strstr((const char *)out.data, "(id, \"f0\" TEXT, \"f1\" TEXT"));
	assert_non_null(strstr((const char *)out.data, "\"f63\" TEXT, CHECK(1), CHECK(1))"));
}

static void a_table_with_too_many_items_is_refused(void **state)
{
	(void)state;
	for (size_t items = 4130; items < 4210; items++) {
		BULLA_BUF_AUTO bulla_buf out = { 0 };
		assert_int_equal(define(items, &out), items < 4136 ? BULLA_OK : BULLA_ERR_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_come_back_in_their_places),
		cmocka_unit_test(a_table_with_too_many_items_is_refused),
	};
	return cmocka_run_group_tests_name("db/original", tests, NULL, NULL);
}
