/* The triggers: every way of changing plaintext marks its row, and no record can be torn. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include <stdio.h>
#include <string.h>

#define YAML  "  users:\n    branch_key: { name: users }\n    fields: { email: { type: any, index: {} }, name: { type: any } }\n"
#define TABLE "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE COLLATE NOCASE, name, note);"
#define LOOSE "CREATE TABLE users(id INTEGER PRIMARY KEY, email, name, note);"
#define ROWS  "INSERT INTO users VALUES(1, 'bob', 'Bob', 'a'), (2, 'eve', 'Eve', 'b'), (3, NULL, 'Nil', 'c');"
#define SEALED(id)                                                                                                               \
	"SELECT email_ciphertext IS NOT NULL AND email_bidx IS NOT NULL AND encrypted_kms_key IS NOT NULL FROM users WHERE id "  \
	"= " #id
#define NEW_SEAL "email_ciphertext = randomblob(40), name_ciphertext = randomblob(40), encrypted_kms_key = randomblob(98)"

static void open_sealed(world *w, const char *sql)
{
	world_open(w, sql, YAML);
	world_sql(w, ROWS);
	world_apply(w);
	assert_int_equal(world_int(w, SEALED(1)), 1);
}

static void a_changed_plaintext_unseals_its_field_only(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, LOOSE);
	world_sql(&w, "UPDATE users SET email = 'robert' WHERE id = 1");
	assert_int_equal(world_int(&w, "SELECT email_ciphertext IS NULL AND email_bidx IS NULL AND name_ciphertext IS NOT NULL "
				       "AND encrypted_kms_key IS NOT NULL"
				       " FROM users WHERE id = 1"),
			 1);
	assert_int_equal(world_int(&w, SEALED(2)), 1);
	world_sql(&w, "UPDATE users SET email = NULL WHERE id = 2");
	assert_int_equal(world_int(&w, "SELECT email_ciphertext IS NULL FROM users WHERE id = 2"), 1);
	world_close(&w);
}

static void an_unchanged_or_other_column_unseals_nothing(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, LOOSE);
	world_sql(&w, "UPDATE users SET email = email, note = 'new', id = id");
	assert_int_equal(world_int(&w, SEALED(1)), 1);
	assert_int_equal(world_int(&w, SEALED(2)), 1);
	world_close(&w);
}

static void changes_are_seen_as_bytes_and_classes(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
		{ "'bob'", "'Bob'" }, { "1", "1.0" },    { "1", "'1'" },
		{ "'a'", "x'61'" },   { "0.0", "-0.0" }, { "'a'", "'a '" },
		{ "''", "NULL" },     { "''", "x''" },   { "CAST(x'6100' AS TEXT)", "CAST(x'6100ff' AS TEXT)" }
	};
	world w;
	open_sealed(&w, "CREATE TABLE users(id INTEGER PRIMARY KEY, email COLLATE NOCASE, name COLLATE RTRIM, note);");
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		char sql[256];
		snprintf(sql, sizeof sql, "UPDATE users SET email = %s, name = %s WHERE id = 1", pairs[i][0], pairs[i][0]);
		world_sql(&w, sql);
		world_apply(&w);
		snprintf(sql, sizeof sql, "UPDATE users SET email = %s, name = %s WHERE id = 1", pairs[i][1], pairs[i][1]);
		world_sql(&w, sql);
		if (world_int(&w, "SELECT email_ciphertext IS NULL AND name_ciphertext IS NULL FROM users WHERE id = 1") != 1)
			fail_msg("%s to %s was missed", pairs[i][0], pairs[i][1]);
	}
	world_close(&w);
}

static void replace_and_upsert_leave_unsealed_rows(void **state)
{
	(void)state;
	for (int recursive = 0; recursive < 2; recursive++) {
		world w;
		open_sealed(&w, LOOSE "CREATE UNIQUE INDEX note_once ON users(note);");
		world_sql(&w, recursive ? "PRAGMA recursive_triggers=ON" : "PRAGMA recursive_triggers=OFF");
		world_sql(&w, "INSERT OR REPLACE INTO users(id, email, name, note) VALUES(1, 'new', 'New', 'a')");
		world_sql(&w, "INSERT INTO users(id, email, name) VALUES(2, 'up', 'Up') ON CONFLICT(id) DO UPDATE SET email = "
			      "excluded.email");
		world_sql(
			&w,
			"REPLACE INTO users(id, email, name, note) VALUES(9, 'nine', 'Nine', 'c')"); /* replaces row 3 through note */
		assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE email IS NOT NULL AND email_ciphertext IS NULL"),
				 3);
		world_apply(&w);
		assert_int_equal(w.result.done, 3);
		world_verify_clean(&w);
		world_close(&w);
	}
}

static void a_changed_context_unseals_the_record_and_its_key(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, LOOSE);
	world_sql(&w, "UPDATE users SET id = 77 WHERE id = 1");
	assert_int_equal(world_int(&w, "SELECT email_ciphertext IS NULL AND name_ciphertext IS NULL AND email_bidx IS NULL AND "
				       "encrypted_kms_key IS NULL FROM users"
				       " WHERE id = 77"),
			 1);
	world_sql(&w, "UPDATE users SET id = id + 100");
	world_apply(&w);
	assert_int_equal(w.result.done, 3);
	world_verify_clean(&w);
	world_close(&w);
}

static void an_application_that_writes_all_together_stays_sealed(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, LOOSE);
	world_sql(&w, "UPDATE users SET email = 'x', name = 'y', " NEW_SEAL " WHERE id = 1");
	assert_int_equal(world_int(&w, "SELECT length(email_ciphertext) FROM users WHERE id = 1"), 40);
	world_sql(&w, "UPDATE users SET id = 50, " NEW_SEAL " WHERE id = 1");
	assert_int_equal(world_int(&w, "SELECT length(name_ciphertext) FROM users WHERE id = 50"), 40);
	world_sql(&w, "INSERT INTO users(id, email, name, email_ciphertext, name_ciphertext, encrypted_kms_key) VALUES(60, 'a', "
		      "'b', x'01', x'02', x'03')");
	world_close(&w);
}

static void the_guard_refuses_torn_records(void **state)
{
	(void)state;
	static const char *const torn[] = {
		"UPDATE users SET email_ciphertext = randomblob(40), encrypted_kms_key = randomblob(98) WHERE id = 1",
		"UPDATE users SET encrypted_kms_key = randomblob(98) WHERE id = 1",
		"UPDATE users SET encrypted_kms_key = NULL WHERE id = 1",
		"UPDATE users SET encrypted_kms_key = NULL, email_ciphertext = NULL WHERE id = 1",
		"UPDATE users SET encrypted_kms_key = NULL, "
		"email_ciphertext = randomblob(9), name_ciphertext = randomblob(9) WHERE id = 1",
		"INSERT INTO users(id, email, email_ciphertext) VALUES(10, 'a', x'01')",
		"REPLACE INTO users(id, email, email_ciphertext) VALUES(1, 'a', x'01')",
		"UPDATE OR REPLACE users SET encrypted_kms_key = randomblob(98) WHERE id = 1",
		"UPDATE OR IGNORE users SET encrypted_kms_key = randomblob(98) WHERE id = 1",
		"INSERT INTO users(id, email) VALUES(1, 'q') ON CONFLICT(id) DO UPDATE SET encrypted_kms_key = randomblob(98)",
	};
	world w;
	open_sealed(&w, LOOSE);
	for (size_t i = 0; i < sizeof torn / sizeof *torn; i++) {
		if (world_try(&w, torn[i]) != SQLITE_CONSTRAINT) fail_msg("not refused: %s", torn[i]);
		assert_non_null(strstr(sqlite3_errmsg(w.db), "bulla: "));
	}
	world_verify_clean(&w);
	/* a field alone, under the key that the record has: the key's commitment stays */
	world_sql(&w, "UPDATE users SET email_ciphertext = randomblob(40), encrypted_kms_key = encrypted_kms_key WHERE id = 1");
	/* the same key wrapped again: other bytes behind the commitment */
	world_sql(&w, "UPDATE users SET encrypted_kms_key = substr(encrypted_kms_key, 1, 97) WHERE id = 1");
	world_close(&w);
}

static void a_text_ciphertext_is_guarded_as_well(void **state)
{
	(void)state;
	world w;
	world_open(&w, LOOSE ROWS,
		   "  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, encode: base64 }, name: { "
		   "type: string } }\n");
	world_apply(&w);
	assert_string_equal(world_text(&w, "SELECT typeof(email_ciphertext) FROM users WHERE id = 1"), "text");
	assert_int_equal(world_try(&w, "UPDATE users SET encrypted_kms_key = 'abc' WHERE id = 1"), SQLITE_CONSTRAINT);
	world_sql(&w, "UPDATE users SET encrypted_kms_key = 'AbC', email_ciphertext = 'x', name_ciphertext = x'02' WHERE id = 1");
	assert_int_equal(world_try(&w, "UPDATE users SET encrypted_kms_key = 'aBC' WHERE id = 1"), SQLITE_CONSTRAINT);
	world_close(&w);
}

static void the_final_guard_refuses_a_context_change_without_a_new_seal(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, LOOSE);
	world_verify_clean(&w);
	world_finish(&w);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"), 2);
	assert_int_equal(world_try(&w, "UPDATE users SET id = 70 WHERE id = 1"), SQLITE_CONSTRAINT);
	world_sql(&w, "UPDATE users SET id = 70, " NEW_SEAL " WHERE id = 1");
	assert_int_equal(world_try(&w, "UPDATE users SET encrypted_kms_key = randomblob(98) WHERE id = 2"), SQLITE_CONSTRAINT);
	world_sql(&w, "UPDATE users SET note = 'free' WHERE id = 2");
	world_close(&w);
}

static void a_cascading_context_change_is_seen(void **state)
{
	(void)state;
	world w;
	world_open(
		&w,
		"PRAGMA foreign_keys=ON; CREATE TABLE tenants(id INTEGER PRIMARY KEY);"
		"CREATE TABLE users(id INTEGER PRIMARY KEY, tenant INTEGER REFERENCES tenants(id) ON UPDATE CASCADE, email TEXT);"
		"INSERT INTO tenants VALUES(1); INSERT INTO users VALUES(1, 1, 'a'), (2, 1, 'b');",
		"  users:\n    context: { model_name: User, model_id: \"{id}\", tenant: \"{tenant}\" }\n    branch_key: { name: "
		"users }\n"
		"    fields: { email: { type: string } }\n");
	world_apply(&w);
	world_sql(&w, "UPDATE tenants SET id = 5");
	assert_int_equal(
		world_int(
			&w,
			"SELECT count(*) FROM users WHERE email_ciphertext IS NULL AND encrypted_kms_key IS NULL AND tenant = 5"),
		2);
	world_apply(&w);
	world_verify_clean(&w);
	world_close(&w);
}

/* A trigger of the user's that changes plaintext while ours run, in whatever order. */
static void triggers_that_change_plaintext_are_noticed(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, LOOSE);
	world_sql(&w, "CREATE TRIGGER a_lower AFTER UPDATE OF note ON users BEGIN UPDATE users SET email = lower(NEW.note) WHERE "
		      "id = NEW.id; END;"
		      "CREATE TRIGGER z_copy AFTER UPDATE OF email ON users BEGIN UPDATE users SET name = NEW.email WHERE id = "
		      "NEW.id; END;");
	world_sql(&w, "UPDATE users SET note = 'ABC' WHERE id = 1");
	assert_int_equal(
		world_int(&w,
			  "SELECT email_ciphertext IS NULL AND name_ciphertext IS NULL AND name = 'abc' FROM users WHERE id = 1"),
		1);
	world_apply(&w);
	world_verify_clean(&w);
	world_close(&w);
}

static void tables_without_row_ids_have_the_same_triggers(void **state)
{
	(void)state;
	world w;
	world_open(&w,
		   "CREATE TABLE users(org TEXT COLLATE NOCASE, nr INTEGER, email TEXT, name TEXT, PRIMARY KEY(org, nr)) WITHOUT "
		   "ROWID;"
		   "INSERT INTO users VALUES('a', 1, 'x', 'y'), ('a', 2, 'x2', 'y2'), ('b', 1, NULL, 'y3');",
		   "  users:\n    primary_key: [org, nr]\n    branch_key: { name: users }\n    fields: { email: { type: string, "
		   "index: {} }, name: { type: string } }\n");
	world_apply(&w);
	assert_int_equal(w.result.done, 3);
	world_sql(&w, "UPDATE users SET email = 'z' WHERE org = 'A' AND nr = 1");
	assert_int_equal(world_int(&w, "SELECT email_ciphertext IS NULL FROM users WHERE org = 'a' AND nr = 1"), 1);
	world_sql(&w, "UPDATE users SET org = 'A' WHERE nr = 2"); /* equal under NOCASE, another context */
	assert_int_equal(world_int(&w, "SELECT encrypted_kms_key IS NULL FROM users WHERE nr = 2"), 1);
	assert_int_equal(world_try(&w, "UPDATE users SET encrypted_kms_key = x'00' WHERE org = 'b'"), SQLITE_CONSTRAINT);
	world_apply(&w);
	assert_int_equal(w.result.done, 2);
	world_verify_clean(&w);
	world_close(&w);
}

static void a_row_id_is_seen_under_all_its_names(void **state)
{
	(void)state;
	static const char *const names[] = { "rowid", "_rowid_", "OID", "id" };
	for (int aside = 0; aside < 2; aside++) {
		world w;
		char sql[128];
		bulla_apply_options options = { .side_table = aside };
		world_open(&w, LOOSE ROWS, YAML);
		assert_int_equal(bulla_job_apply(&w.job, &options, &w.result, &w.err), BULLA_OK);
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			snprintf(sql, sizeof sql, "UPDATE users SET %s = id + 100 WHERE note = 'a'", names[i]);
			world_sql(&w, sql);
			assert_int_equal(bulla_job_apply(&w.job, &options, &w.result, &w.err), BULLA_OK);
			if (w.result.done != 1) fail_msg("%s", sql);
		}
		world_verify_clean(&w);
		world_finish(&w);
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			snprintf(sql, sizeof sql, "UPDATE users SET %s = 70 WHERE id = 2", names[i]);
			if (world_try(&w, sql) != SQLITE_CONSTRAINT) fail_msg("not refused: %s", sql);
		}
		world_close(&w);
	}
}

static void tables_with_names_alike_do_not_meet(void **state)
{
	(void)state;
	static const char yaml[] = "  user:\n    branch_key: { name: user }\n    fields: { address: { type: any, index: {} }, "
				   "guard: { type: any } }\n"
				   "  user_address:\n    branch_key: { name: user }\n    fields: { address: { type: any } }\n"
				   "  user_guard:\n    branch_key: { name: user }\n    fields: { insert: { type: any } }\n";
	world w;
	world_open(&w,
		   "CREATE TABLE user(id INTEGER PRIMARY KEY, address, guard); INSERT INTO user VALUES(1, 'a', 'b');"
		   "CREATE TABLE user_address(id INTEGER PRIMARY KEY, address); INSERT INTO user_address VALUES(1, 'a');"
		   "CREATE TABLE user_guard(id INTEGER PRIMARY KEY, \"insert\"); INSERT INTO user_guard VALUES(1, 'a');",
		   yaml);
	static const char *const models[] = { "user", "user_address", "user_guard" };
	for (size_t i = 0; i < 3; i++) {
		world_model(&w, models[i]);
		world_apply(&w);
		assert_int_equal(w.result.done, 1);
		world_verify_clean(&w);
	}
	world_close(&w);
}

static void a_replaced_row_frees_its_unique_index(void **state)
{
	(void)state;
	world w;
	bulla_apply_options options = { .side_table = true };
	world_open(
		&w,
		"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE); INSERT INTO users VALUES(1, 'a'), (2, 'b'), (3, "
		"'c');",
		"  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: { unique: true } } }\n");
	assert_int_equal(bulla_job_apply(&w.job, &options, &w.result, &w.err), BULLA_OK);
	world_sql(&w, "REPLACE INTO users(id, email) VALUES(5, 'a')");
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users_bulla WHERE id = 1"), 1);
	/* the application seals it at once: the index of the row that is gone does not stand in its way */
	world_sql(&w, "UPDATE users_bulla SET (email_ciphertext, email_bidx, encrypted_kms_key) = (SELECT email_ciphertext, "
		      "email_bidx, "
		      "encrypted_kms_key FROM users_bulla WHERE id = 1) WHERE id = 5");
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users_bulla WHERE id = 1"), 0);
	assert_int_equal(
		world_try(&w,
			  "UPDATE users_bulla SET email_bidx = (SELECT email_bidx FROM users_bulla WHERE id = 2) WHERE id = 5"),
		SQLITE_CONSTRAINT);
	world_sql(&w, "REPLACE INTO users(id, email) VALUES(6, 'b'), (7, 'c'); UPDATE users_bulla SET email_ciphertext = NULL, "
		      "email_bidx = "
		      "NULL, encrypted_kms_key = NULL WHERE id = 5");
	assert_int_equal(bulla_job_apply(&w.job, &options, &w.result, &w.err), BULLA_OK);
	assert_int_equal(w.result.done, 3);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users_bulla"), 3);
	world_verify_clean(&w);
	world_sql(&w, "REPLACE INTO users(id, email) VALUES(8, 'b')");
	assert_int_equal(bulla_job_apply(&w.job, &options, &w.result, &w.err), BULLA_OK);
	world_verify_clean(&w);
	world_finish(&w);
	assert_int_equal(world_int(&w, "SELECT group_concat(id) = '5,7,8' FROM (SELECT id FROM users_bulla ORDER BY id)"), 1);
	world_close(&w);
}

/* --- whose triggers ------------------------------------------------------------------------------------------------ */

#define OWNED                                                                                                                    \
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, n INT DEFAULT 0); INSERT INTO users(id, "      \
	"email, "                                                                                                                \
	"name) VALUES(1, 'a', 'b'); CREATE TABLE log(x);"
#define OWNED_YAML                                                                                                               \
	"  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: { unique: true } }, name: {} "   \
	"}\n"

/* Names that only begin like ours: they go through the whole ladder, a rebuilt table too. */
static void what_users_call_like_bulla_stays(void **state)
{
	(void)state;
	world w;
	world_open(&w,
		   OWNED "CREATE TRIGGER bulla_mine AFTER UPDATE OF n ON users BEGIN INSERT INTO log VALUES(NEW.n); END;"
			 "CREATE TRIGGER \"bulla_guard.other\" AFTER DELETE ON users BEGIN INSERT INTO log VALUES(-1); END;"
			 "CREATE INDEX bulla_by_n ON users(n); CREATE VIEW bulla_view AS SELECT id, n FROM users;"
			 "CREATE INDEX bulla_by_name ON users(name);",
		   OWNED_YAML);
	world_apply(&w);
	world_sql(&w, "UPDATE users SET n = 5");
	world_apply(&w);
	world_verify_clean(&w);
	assert_int_equal(world_int(&w, "SELECT x FROM log"), 5);
	world_finish(&w);
	world_sql(&w, "DELETE FROM log; UPDATE users SET n = 6; DELETE FROM users;");
	assert_string_equal(world_text(&w, "SELECT group_concat(x) FROM log"), "6,-1");
	assert_string_equal(world_text(&w,
				       "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE name LIKE 'bulla%' "
				       "AND type <> 'table' ORDER BY name)"),
			    "bulla_by_n,bulla_census.users.encrypted_kms_key,bulla_guard.other,bulla_guard.users,bulla_guard_"
			    "insert.users,bulla_index.users.email_bidx,"
			    "bulla_mine,bulla_view");
	world_close(&w);
}

static const char *const impostors[] = {
	"CREATE TRIGGER \"bulla_guard.users\" BEFORE UPDATE OF n ON users BEGIN INSERT INTO log VALUES(1); END",
	"CREATE TRIGGER \"bulla_field.users.email\" AFTER UPDATE OF email ON users BEGIN SELECT 1; END",
	"CREATE TRIGGER \"BULLA_UNSEAL.users\" AFTER UPDATE ON users BEGIN SELECT 1; END",
	"CREATE TRIGGER \"bulla_guard_insert.users\" AFTER INSERT ON log BEGIN SELECT 1; END", /* on another table */
	"CREATE INDEX \"bulla_index.users.email_bidx\" ON users(n)",
	"CREATE UNIQUE INDEX \"bulla_queue.users\" ON users(n, id)",
};

static void what_has_one_of_our_names_is_refused_and_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof impostors / sizeof *impostors; i++) {
		world w;
		BULLA_BUF_AUTO bulla_buf text = { 0 };
		size_t refusals;
		world_open(&w, OWNED, OWNED_YAML);
		world_sql(&w, impostors[i]);
		int64_t before = world_int(&w, "PRAGMA schema_version");
		if (bulla_job_plan(&w.job, &text, &refusals, &w.err) || refusals == 0) fail_msg("planned: %s", impostors[i]);
		world_apply_fails(&w, BULLA_ERR_REFUSED);
		if (!strstr(w.err.text, "is called like one of bulla's own")) fail_msg("%s: %s", impostors[i], w.err.text);
		assert_int_equal(world_int(&w, "PRAGMA schema_version"), before);
		world_close(&w);
	}
}

/* The triggers keep their names when the table gets another one. */
static void a_renamed_table_keeps_no_old_triggers(void **state)
{
	(void)state;
	world w;
	world_open(&w, OWNED,
		   OWNED_YAML "  people:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: { "
			      "unique: true } }, name: {} }\n");
	world_apply(&w);
	world_sql(&w, "ALTER TABLE users RENAME TO people; UPDATE bulla_job SET model = 'people'");
	world_model(&w, "people");
	world_apply(&w);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%.users%'"), 0);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%.people%'"), 5);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_users_call_like_bulla_stays),
		cmocka_unit_test(what_has_one_of_our_names_is_refused_and_kept),
		cmocka_unit_test(a_renamed_table_keeps_no_old_triggers),
		cmocka_unit_test(a_changed_plaintext_unseals_its_field_only),
		cmocka_unit_test(an_unchanged_or_other_column_unseals_nothing),
		cmocka_unit_test(changes_are_seen_as_bytes_and_classes),
		cmocka_unit_test(replace_and_upsert_leave_unsealed_rows),
		cmocka_unit_test(a_changed_context_unseals_the_record_and_its_key),
		cmocka_unit_test(an_application_that_writes_all_together_stays_sealed),
		cmocka_unit_test(the_guard_refuses_torn_records),
		cmocka_unit_test(a_text_ciphertext_is_guarded_as_well),
		cmocka_unit_test(the_final_guard_refuses_a_context_change_without_a_new_seal),
		cmocka_unit_test(a_cascading_context_change_is_seen),
		cmocka_unit_test(triggers_that_change_plaintext_are_noticed),
		cmocka_unit_test(tables_without_row_ids_have_the_same_triggers),
		cmocka_unit_test(a_row_id_is_seen_under_all_its_names),
		cmocka_unit_test(tables_with_names_alike_do_not_meet),
		cmocka_unit_test(a_replaced_row_frees_its_unique_index),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
