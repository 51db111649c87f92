/* Sealing a whole table: the first fill, writers beside it, taking up again, quarantine, leases. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#define USERS_SQL                                                                                                                \
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT, note TEXT);"                                          \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500)"                                           \
	" INSERT INTO users SELECT x, CASE WHEN x % 7 = 0 THEN NULL WHEN x % 11 = 0 THEN '' ELSE 'user' || x || '@example.org' END," \
	" 'Name ' || x, 'kept' FROM c;"
#define USERS_YAML "  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: {} }, name: { type: string } }\n"

#define UNSEALED "SELECT count(*) FROM users WHERE email IS NOT NULL AND email_ciphertext IS NULL OR name IS NOT NULL AND name_ciphertext IS NULL"

static void seals_every_row(void **state)
{
	(void)state;
	world w;
	world_open(&w, USERS_SQL, USERS_YAML);
	world_apply(&w);
	assert_int_equal(w.result.rows, 500);
	assert_int_equal(w.result.done, 500);
	assert_int_equal(w.result.unsealed, 0);
	assert_int_equal(world_int(&w, UNSEALED), 0);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE email IS NULL AND email_ciphertext IS NOT NULL"), 0);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE email = '' AND length(email_ciphertext) = 29"), 39);
	assert_int_equal(world_int(&w, "SELECT count(DISTINCT encrypted_kms_key) FROM users"), 500);
	assert_int_equal(world_int(&w, "SELECT max(length(encrypted_kms_key)) FROM users"), 98);
	assert_string_equal(world_text(&w, "SELECT phase FROM bulla_job"), "applied");
	world_apply(&w);
	assert_int_equal(w.result.done, 0);
	assert_int_equal(w.result.already, 500);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(seals_every_row) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
