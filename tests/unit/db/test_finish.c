/* Dropping the plaintext: proofs, refusals, rebuilt tables, and no byte of it left in the files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USERS_SQL \
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT, note TEXT);" \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300)" \
	" INSERT INTO users SELECT x, 'secretmail' || x || '@example.org', 'Secretname ' || x, 'kept' || x FROM c;"
#define USERS_YAML "  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: {} }, name: { type: string } }\n"

static size_t left(world *w)
{
	return world_grep(w, "secretmail", 10) + world_grep(w, "Secretname", 10);
}

static void drops_and_leaves_nothing(const char *mode)
{
	world w;
	char sql[128];
	world_open(&w, "PRAGMA secure_delete=OFF", USERS_YAML);
	snprintf(sql, sizeof sql, "PRAGMA secure_delete=OFF; PRAGMA journal_mode=%s", mode);
	world_sql(&w, sql);
	world_sql(&w, USERS_SQL);
	world_sql(&w, "INSERT INTO users SELECT id + 1000, email, name, note FROM users; DELETE FROM users WHERE id > 1000;");
	world_apply(&w);
	world_verify_clean(&w);
	assert_true(left(&w) > 0);
	world_finish(&w);
	assert_int_equal(left(&w), 0);
	assert_true(world_grep(&w, "kept", 4) > 0);
	assert_string_equal(world_text(&w, "PRAGMA journal_mode"), mode);
	assert_string_equal(world_text(&w, "PRAGMA integrity_check"), "ok");
	assert_string_equal(world_text(&w, "SELECT phase FROM bulla_job"), "finished");
	world_verify_clean(&w);
	assert_true(w.result.finished && w.result.digest_known && w.result.digest_equal);
	assert_int_equal(w.result.done, 300);
	world_close(&w);
}

static void leaves_nothing_with_a_deleted_journal(void **state)
{
	(void)state;
	drops_and_leaves_nothing("delete");
}

static void leaves_nothing_with_a_persistent_journal(void **state)
{
	(void)state;
	drops_and_leaves_nothing("persist");
}

static void leaves_nothing_with_a_truncated_journal(void **state)
{
	(void)state;
	drops_and_leaves_nothing("truncate");
}

static void leaves_nothing_with_a_write_ahead_log(void **state)
{
	(void)state;
	drops_and_leaves_nothing("wal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_nothing_with_a_deleted_journal),
		cmocka_unit_test(leaves_nothing_with_a_persistent_journal),
		cmocka_unit_test(leaves_nothing_with_a_truncated_journal),
		cmocka_unit_test(leaves_nothing_with_a_write_ahead_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
