/*
 * test_drive.c - the blocking calls: an op driven to its end, and the need that this driver cannot satisfy.
 */
#include "../core/world.h"

#include "io/drive.h"

static const char call[] = "version: 1\nenvironments: { development: { key: fake/call/main } }\n"
			   "models:\n  users: { branch_key: users, fields: { email: { index: {} } } }\n";
static const char http[] = "version: 1\nenvironments: { development: { key: fake/http/main } }\n"
			   "models:\n  users: { fields: { email: {} } }\n";

static void blocking_calls(void **state)
{
	world *w = world_open(call, true);
	row_set rows;
	BULLA_BUF_AUTO bulla_buf index = { 0 };
	bulla_error err = { 0 };
	(void)state;
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 3, 1);
	assert_int_equal(bulla_batch_seal(batch, rows.row, rows.n, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	rows_hold(&rows);
	assert_int_equal(bulla_batch_rewrap(batch, rows.row, rows.n, &err), BULLA_OK);
	rows_hold(&rows);
	assert_int_equal(bulla_batch_open(batch, rows.row, rows.n, &err), BULLA_OK);
	rows_check(&rows);
	bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("value 1 email") };
	assert_int_equal(bulla_batch_index(batch, 0, NULL, &value, &index, &err), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&index), rows_cell(&rows, 0, 0)->index));
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

static void failures_come_back(void **state)
{
	world *w = world_open(call, true);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 1, 1);
	w->store_fails = BULLA_ERR_READ_ONLY;
	assert_int_equal(bulla_batch_seal(batch, rows.row, rows.n, &err), BULLA_ERR_READ_ONLY);
	assert_non_null(strstr(err.text, "fake store"));
	assert_int_equal(bulla_batch_seal(batch, rows.row, rows.n, &err), BULLA_OK);
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

/* There is no transport in this build: a KMS over HTTP is unavailable, not a hang. */
static void no_transport(void **state)
{
	world *w = world_open(http, false);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 1, 1);
	assert_int_equal(bulla_batch_seal(batch, rows.row, rows.n, &err), BULLA_ERR_UNAVAILABLE);
	assert_non_null(strstr(err.text, "transport"));
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(blocking_calls), cmocka_unit_test(failures_come_back),
					    cmocka_unit_test(no_transport) };
	return cmocka_run_group_tests_name("io/drive", tests, NULL, NULL);
}
