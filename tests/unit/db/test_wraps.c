/*
 * test_wraps.c - the count of rows by the keys that they hang from: exact with an index and without one, whatever lies in the column,
 * and never zero for what cannot be read.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "db/wraps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USERS "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, email_ciphertext BLOB, encrypted_kms_key BLOB);"
#define MODEL "  users:\n    branch_key: { name: users }\n    fields: { email: {} }\n"
/* A wrapped key whose directory is given in hexadecimal digits. */
#define KEY(directory) "x'01" ZEROS_32 directory "00'"
#define ZEROS_32       "0000000000000000000000000000000000000000000000000000000000000000"
#define WRAP_A         "08000000000000000a0030"
#define WRAP_B         "08000000000000000b0030"
#define WRAP_C         "06000000000000000c005a"

/* --- counting ---------------------------------------------------------------------------------------------------- */

typedef struct tally {
	size_t columns, groups, indexed;
	char names[256];
	uint64_t unreadable, rows;
	uint64_t of[5000][2]; /* reference and rows of it, whatever the kind */
	size_t n;
} tally;

static bulla_code take_group(void *self, const bulla_wraps_group *group, bulla_error *err)
{
	tally *t = self;
	(void)err;
	t->groups++;
	t->rows += group->rows;
	if (group->wrap_count == 0) t->unreadable += group->rows;
	for (size_t i = 0; i < group->wrap_count; i++) {
		size_t at = 0;
		while (at < t->n && t->of[at][0] != group->wraps[i].reference)
			at++;
		if (at == t->n) t->n++;
		assert_true(t->n < 5000);
		t->of[at][0] = group->wraps[i].reference;
		t->of[at][1] += group->rows;
	}
	return BULLA_OK;
}

static bulla_code take_column(void *self, const bulla_wraps_column *column, bulla_error *err)
{
	tally *t = self;
	size_t at = strlen(t->names);
	(void)err;
	t->columns++;
	t->indexed += column->indexed;
	snprintf(t->names + at, sizeof t->names - at, "%s/%s/%s.%s ", column->database, column->model, column->table,
		 column->column);
	return BULLA_OK;
}

static bulla_code try_count(world *w, bool every_row, tally *ret)
{
	bulla_wraps_options options = {
		.schema = w->schema, .base_dir = w->dir, .every_row = every_row, .patience = { .wait_ms = 300 }
	};
	*ret = (tally){ 0 };
	return bulla_wraps_count(&options, &(bulla_wraps_sink){ take_group, take_column, ret }, &w->err);
}

static uint64_t rows_of(const tally *t, uint64_t reference)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->of[i][0] == reference) return t->of[i][1];
	return 0;
}

static void same(const tally *a, const tally *b)
{
	assert_true(a->rows == b->rows && a->unreadable == b->unreadable && a->n == b->n && a->columns == b->columns);
	for (size_t i = 0; i < a->n; i++)
		assert_true(rows_of(b, a->of[i][0]) == a->of[i][1]);
}

/* Without an index, with one, and by reading every row all the same: three ways, one count. */
static tally *count(world *w)
{
	static tally plain, indexed, every;
	bulla_wraps_options options = { .schema = w->schema, .base_dir = w->dir, .patience = { .wait_ms = 300 } };
	size_t columns = 0;
	char sql[256];
	while (world_int(w, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bulla_census.%'")) {
		snprintf(sql, sizeof sql, "DROP INDEX \"%s\"",
			 world_text(w, "SELECT name FROM sqlite_schema WHERE name LIKE 'bulla_census.%'"));
		world_sql(w, sql);
	}
	if (try_count(w, false, &plain)) fail_msg("%s", w->err.text);
	assert_int_equal(plain.indexed, 0);
	if (bulla_wraps_index(&options, &columns, &w->err)) fail_msg("%s", w->err.text);
	assert_int_equal(columns, plain.columns);
	if (try_count(w, false, &indexed)) fail_msg("%s", w->err.text);
	assert_int_equal(indexed.indexed, columns);
	if (try_count(w, true, &every)) fail_msg("%s", w->err.text);
	assert_int_equal(every.indexed, 0);
	same(&plain, &indexed);
	same(&plain, &every);
	return &indexed;
}

static void fill(world *w, const char *key, int from, int to)
{
	char sql[1024];
	snprintf(sql, sizeof sql,
		 "WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		 "INSERT OR REPLACE INTO users SELECT i, NULL, x'01', %s FROM n",
		 from, to, key);
	world_sql(w, sql);
}

/* --- tests --------------------------------------------------------------------------------------------------------- */

static void nothing_is_there(void **state)
{
	world w;
	(void)state;
	world_open(&w, USERS, MODEL);
	tally *t = count(&w);
	assert_int_equal(t->columns, 1);
	assert_int_equal(t->groups, 0);
	assert_string_equal(t->names, "main/users/users.encrypted_kms_key ");
	fill(&w, "NULL", 1, 50);
	assert_int_equal(count(&w)->groups, 0);
	world_close(&w);
	/* the column is still to come: nothing hangs from any key */
	world_open(&w, "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT);", MODEL);
	assert_int_equal(try_count(&w, false, t), BULLA_OK);
	assert_int_equal(t->columns, 0);
	world_close(&w);
}

static void one_after_the_other_and_mixed(void **state)
{
	world w;
	(void)state;
	world_open(&w, USERS, MODEL);
	fill(&w, KEY("01" WRAP_A), 1, 300);
	tally *t = count(&w);
	assert_true(rows_of(t, 10) == 300 && t->n == 1 && t->groups == 1);
	fill(&w, KEY("01" WRAP_B), 301, 350);
	fill(&w, "NULL", 351, 360);
	t = count(&w);
	assert_true(rows_of(t, 10) == 300 && rows_of(t, 11) == 50 && t->rows == 350);
	/* the smaller group spans more row ids than the larger */
	fill(&w, KEY("01" WRAP_C), -5000, -5000);
	fill(&w, KEY("01" WRAP_C), 5000, 5000);
	t = count(&w);
	assert_true(rows_of(t, 10) == 300 && rows_of(t, 11) == 50 && rows_of(t, 12) == 2 && t->rows == 352);
	world_sql(&w, "DELETE FROM users WHERE id % 3 = 0; UPDATE users SET encrypted_kms_key = " KEY(
			      "01" WRAP_C) " WHERE id % 7 = 0");
	(void)count(&w);
	/* more without a key than with one */
	fill(&w, "NULL", 10000, 20000);
	(void)count(&w);
	world_close(&w);
}

static void several_wraps_count_under_each(void **state)
{
	world w;
	(void)state;
	world_open(&w, USERS, MODEL);
	fill(&w, KEY("02" WRAP_A WRAP_B), 1, 10);
	fill(&w, KEY("02" WRAP_A WRAP_C), 11, 30);
	fill(&w, KEY("01" WRAP_B), 31, 35);
	fill(&w,
	     KEY("10" WRAP_A WRAP_A WRAP_A WRAP_A WRAP_A WRAP_A WRAP_A WRAP_A WRAP_A WRAP_A WRAP_A WRAP_A WRAP_A WRAP_A WRAP_A
			 WRAP_C),
	     36, 36);
	tally *t = count(&w);
	assert_true(rows_of(t, 10) == 30 + 15 && rows_of(t, 11) == 15 && rows_of(t, 12) == 21);
	assert_true(t->rows == 36 && t->groups == 4);
	world_close(&w);
}

static void what_is_no_key(void **state)
{
	static const char *const none[] = { "''",
					    "'text'",
					    "7",
					    "1.5",
					    "x'01'",
					    KEY("00"),
					    KEY("11" WRAP_A WRAP_B),
					    KEY("ff" WRAP_A),
					    KEY("02" WRAP_A),
					    "x'01" ZEROS_32 "01'",
					    "x'01" ZEROS_32 "010800'",
					    "CAST('" ZEROS_32 ZEROS_32 "' AS TEXT)" };
	world w;
	(void)state;
	world_open(&w, USERS, MODEL);
	fill(&w, KEY("01" WRAP_A), 100, 199);
	for (int i = 0; i < (int)(sizeof none / sizeof *none); i++) {
		fill(&w, none[i], i + 1, i + 1);
		tally *t = count(&w);
		if (t->unreadable != (uint64_t)i + 1 || rows_of(t, 10) != 100)
			fail_msg("%s was not counted as it should", none[i]);
	}
	fill(&w, "x''", 300, 310); /* no bytes name no key */
	assert_int_equal(count(&w)->rows, 100 + sizeof none / sizeof *none);
	world_close(&w);
}

/* More than are looked up one by one. */
static void a_key_for_each_row(void **state)
{
	world w;
	(void)state;
	world_open(&w, USERS, MODEL);
	fill(&w, "CAST(zeroblob(33) || x'0108000000' || printf('%05d', i % 4500) || x'003000' AS BLOB)", 1, 9000);
	tally *t = count(&w);
	assert_int_equal(t->n, 4500);
	for (size_t i = 0; i < t->n; i++)
		assert_int_equal(t->of[i][1], 2);
	world_close(&w);
}

static void tables_of_all_shapes(void **state)
{
	static const char *const shapes[] = {
		"CREATE TABLE users(id TEXT PRIMARY KEY, email TEXT, email_ciphertext BLOB, encrypted_kms_key BLOB) WITHOUT "
		"ROWID;",
		"CREATE TABLE users(id TEXT PRIMARY KEY, email TEXT, email_ciphertext BLOB, encrypted_kms_key BLOB);",
		"CREATE TABLE users(id PRIMARY KEY, rowid, oid, _rowid_, email_ciphertext BLOB, encrypted_kms_key BLOB);",
	};
	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		world w;
		char sql[1024];
		world_open(&w, shapes[i], MODEL);
		for (int r = 0; r < 90; r++) {
			snprintf(sql, sizeof sql,
				 "INSERT INTO users(id, email_ciphertext, encrypted_kms_key) VALUES('r%d', x'01', %s)",
				 r * 37 % 90, r % 3 ? KEY("01" WRAP_A) : KEY("01" WRAP_B));
			world_sql(&w, sql);
		}
		tally *t = count(&w);
		assert_true(rows_of(t, 10) == 60 && rows_of(t, 11) == 30 && t->rows == 90);
		world_close(&w);
	}
}

static void every_model_and_every_column(void **state)
{
	world w;
	(void)state;
	world_open(&w,
		   USERS "CREATE TABLE calls(id INTEGER PRIMARY KEY, a, b, encrypted_kms_key BLOB, encrypted_kms_key_b BLOB);"
			 "CREATE TABLE boxes(id INTEGER PRIMARY KEY, x_ciphertext BLOB, y_ciphertext BLOB);"
			 "CREATE TABLE users_bulla(id INTEGER PRIMARY KEY, email_ciphertext BLOB, encrypted_kms_key BLOB);",
		   MODEL "  calls:\n    data_keys: { b: { context: { purpose: b, id: \"{id}\" } } }\n"
			 "    fields: { a: {}, b: { data_key: b } }\n"
			 "  boxes: { data_key: none, fields: { x: {}, y: {} } }\n");
	fill(&w, KEY("01" WRAP_A), 1, 5);
	world_sql(&w, "INSERT INTO calls(id, encrypted_kms_key, encrypted_kms_key_b) VALUES (1, " KEY("01" WRAP_A) ", " KEY(
			      "01" WRAP_B) "), (2, NULL, " KEY("01" WRAP_B) ")");
	world_sql(&w,
		  "INSERT INTO boxes VALUES (1, " KEY("01" WRAP_C) ", NULL), (2, " KEY("01" WRAP_C) ", " KEY("01" WRAP_A) ")");
	world_sql(&w, "INSERT INTO users_bulla VALUES (1, x'01', " KEY("01" WRAP_C) ")"); /* left behind by an earlier job */
	tally *t = count(&w);
	assert_true(rows_of(t, 10) == 7 && rows_of(t, 11) == 2 && rows_of(t, 12) == 3);
	assert_string_equal(t->names, "main/users/users.encrypted_kms_key main/users/users_bulla.encrypted_kms_key "
				      "main/calls/calls.encrypted_kms_key main/calls/calls.encrypted_kms_key_b "
				      "main/boxes/boxes.x_ciphertext main/boxes/boxes.y_ciphertext ");
	world_close(&w);
}

static void opened_with(world *w, const char *yaml)
{
	bulla_schema_free(w->schema);
	w->schema = NULL;
	w->job.schema = NULL;
	if (bulla_schema_parse(bulla_view_str(yaml), "test.yaml", "development", NULL, NULL, NULL, &w->schema, &w->err))
		fail_msg("%s", w->err.text);
}

#define DATABASES "version: 1\ndatabases: { main: { url: \"sqlite:app.db\" }, second: { url: \"sqlite:second.db\" } }\nmodels:\n"

static void what_cannot_be_read_is_not_empty(void **state)
{
	world w;
	tally t;
	char path[128];
	sqlite3 *second;
	(void)state;
	world_open(&w, USERS, MODEL);
	bulla_schema *own = w.schema;
	w.schema = NULL;
	fill(&w, KEY("01" WRAP_A), 1, 5);
	opened_with(&w, DATABASES "  users: { fields: { email: {} } }\n  others: { database: second, fields: { email: {} } }\n");
	assert_int_equal(try_count(&w, false, &t), BULLA_ERR_NOT_FOUND); /* the file */
	assert_non_null(strstr(w.err.text, "others"));
	assert_non_null(strstr(w.err.next, "others"));
	snprintf(path, sizeof path, "%s/second.db", w.dir);
	assert_int_equal(sqlite3_open(path, &second), SQLITE_OK);
	assert_int_equal(sqlite3_exec(second, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(try_count(&w, false, &t), BULLA_ERR_NOT_FOUND); /* the table */
	assert_non_null(strstr(w.err.text, "others"));
	assert_int_equal(sqlite3_exec(second,
				      "CREATE TABLE others(id INTEGER PRIMARY KEY, encrypted_kms_key BLOB);"
				      "INSERT INTO others VALUES (1, " KEY("01" WRAP_B) ")",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(try_count(&w, false, &t), BULLA_OK);
	assert_true(rows_of(&t, 10) == 5 && rows_of(&t, 11) == 1);
	assert_string_equal(t.names, "main/users/users.encrypted_kms_key second/others/others.encrypted_kms_key ");
	/* one model alone looks at its own database only */
	bulla_wraps_options options = { .schema = w.schema, .base_dir = w.dir };
	assert_int_equal(bulla_schema_model(w.schema, "users", &options.model, &w.err), BULLA_OK);
	unlink(path);
	t = (tally){ 0 };
	assert_int_equal(bulla_wraps_count(&options, &(bulla_wraps_sink){ take_group, take_column, &t }, &w.err), BULLA_OK);
	assert_true(t.columns == 1 && rows_of(&t, 10) == 5);
	sqlite3_close(second);
	bulla_schema_free(w.schema);
	w.schema = own;
	world_close(&w);
}

static void a_locked_database_is_waited_for_and_then_refused(void **state)
{
	world w;
	tally t;
	(void)state;
	world_open(&w, "PRAGMA journal_mode=DELETE;" USERS, MODEL);
	fill(&w, KEY("01" WRAP_A), 1, 5);
	world_sql(&w, "BEGIN EXCLUSIVE");
	assert_int_equal(try_count(&w, false, &t), BULLA_ERR_LOCKED);
	world_sql(&w, "COMMIT");
	assert_int_equal(try_count(&w, false, &t), BULLA_OK);
	world_close(&w);
}

/* What apply leaves behind is counted through an index; it is there once, and made again where it is on something else. */
static void apply_makes_the_index(void **state)
{
	world w;
	tally t;
	bulla_wraps_options options = { 0 };
	size_t columns;
	(void)state;
	world_open(&w,
		   "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT);"
		   "INSERT INTO users VALUES (1, 'a@b.c'), (2, 'd@e.f'), (3, NULL);",
		   MODEL);
	world_apply(&w);
	assert_int_equal(try_count(&w, false, &t), BULLA_OK);
	assert_true(t.indexed == 1 && t.n == 1 && t.rows == 2 && t.unreadable == 0);
	int64_t version = world_int(&w, "PRAGMA schema_version");
	options = (bulla_wraps_options){ .schema = w.schema, .base_dir = w.dir };
	assert_int_equal(bulla_wraps_index(&options, &columns, &w.err), BULLA_OK);
	assert_int_equal(world_int(&w, "PRAGMA schema_version"), version);
	world_sql(&w, "DROP INDEX \"bulla_census.users.encrypted_kms_key\";"
		      "CREATE INDEX \"bulla_census.users.encrypted_kms_key\" ON \"users\"(substr(\"encrypted_kms_key\", 35, 9))");
	(void)count(&w);
	world_sql(&w, "DROP INDEX \"bulla_census.users.encrypted_kms_key\";"
		      "CREATE INDEX \"bulla_census.users.encrypted_kms_key\" ON users(email)");
	assert_int_equal(try_count(&w, false, &t), BULLA_OK);
	assert_true(t.indexed == 0 && t.rows == 2);
	assert_int_equal(bulla_wraps_index(&options, &columns, &w.err), BULLA_ERR_REFUSED);
	(void)count(&w);
	/* another table has it, which was called so before */
	world_sql(&w,
		  "DROP INDEX \"bulla_census.users.encrypted_kms_key\"; CREATE TABLE old(encrypted_kms_key BLOB);"
		  "CREATE INDEX \"bulla_census.users.encrypted_kms_key\" ON \"old\"(substr(\"encrypted_kms_key\", 34, 1 + 11 * "
		  "instr(x'0102030405060708090a0b0c0d0e0f10', substr(\"encrypted_kms_key\", 34, 1))))");
	(void)count(&w);
	/* finish rebuilds the table, and keeps it */
	world_verify_clean(&w);
	world_finish(&w);
	assert_int_equal(try_count(&w, false, &t), BULLA_OK);
	assert_true(t.indexed == 1 && t.rows == 2);
	world_close(&w);
}

static void a_side_table_has_it_too(void **state)
{
	world w;
	tally t;
	(void)state;
	world_open(&w,
		   "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT);"
		   "INSERT INTO users VALUES (1, 'a@b.c'), (2, 'd@e.f');",
		   MODEL);
	if (bulla_job_apply(&w.job, &(bulla_apply_options){ .side_table = true }, &w.result, &w.err)) fail_msg("%s", w.err.text);
	assert_int_equal(try_count(&w, false, &t), BULLA_OK);
	assert_true(t.indexed == 1 && t.rows == 2);
	assert_string_equal(t.names, "main/users/users_bulla.encrypted_kms_key ");
	world_close(&w);
}

/* Renamed, or its model taken out: the index tells of it as long as it is there, whatever names it goes on under. */
static void what_no_model_names_any_more(void **state)
{
	world w;
	tally t;
	(void)state;
	world_open(&w, USERS, MODEL);
	fill(&w, KEY("01" WRAP_A), 1, 7);
	(void)count(&w);
	world_sql(&w, "ALTER TABLE users RENAME TO \"their \"\"users\"; " USERS
		      "ALTER TABLE \"their \"\"users\" RENAME COLUMN encrypted_kms_key TO \"the \"\"key\";");
	assert_int_equal(try_count(&w, false, &t), BULLA_OK);
	assert_string_equal(t.names, "main/users/users.encrypted_kms_key main//their \"users.the \"key ");
	assert_int_equal(rows_of(&t, 10), 7);
	assert_int_equal(try_count(&w, true, &t), BULLA_OK);
	assert_int_equal(rows_of(&t, 10), 7);
	/* the new table's index takes its name and leaves the old one */
	bulla_wraps_options options = { .schema = w.schema, .base_dir = w.dir };
	size_t columns;
	assert_int_equal(bulla_wraps_index(&options, &columns, &w.err), BULLA_OK);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bulla_census.%'"), 2);
	assert_int_equal(try_count(&w, false, &t), BULLA_OK);
	assert_int_equal(rows_of(&t, 10), 7);
	assert_int_equal(t.indexed, 2);
	/* what somebody else has made is not ours */
	world_sql(&w, "DROP TABLE \"their \"\"users\"; CREATE TABLE others(k); INSERT INTO others VALUES(x'00');"
		      "CREATE INDEX \"bulla_census.others.k\" ON others(substr(\"k\", 34, 1))");
	assert_int_equal(try_count(&w, false, &t), BULLA_OK);
	assert_string_equal(t.names, "main/users/users.encrypted_kms_key ");
	world_close(&w);
}

/* Ciphertexts are there, and the column of their keys is not: that is no zero. */
static void a_column_of_keys_that_is_gone(void **state)
{
	world w;
	tally t;
	(void)state;
	world_open(&w, USERS, MODEL);
	world_sql(&w, "ALTER TABLE users RENAME COLUMN encrypted_kms_key TO k");
	assert_int_equal(try_count(&w, false, &t), BULLA_ERR_CORRUPT);
	assert_non_null(strstr(w.err.text, "model users"));
	assert_non_null(strstr(w.err.text, "no column encrypted_kms_key"));
	world_sql(&w, "ALTER TABLE users DROP COLUMN email_ciphertext"); /* nothing is sealed yet */
	assert_int_equal(try_count(&w, false, &t), BULLA_OK);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_there),
		cmocka_unit_test(one_after_the_other_and_mixed),
		cmocka_unit_test(several_wraps_count_under_each),
		cmocka_unit_test(what_is_no_key),
		cmocka_unit_test(a_key_for_each_row),
		cmocka_unit_test(tables_of_all_shapes),
		cmocka_unit_test(every_model_and_every_column),
		cmocka_unit_test(what_cannot_be_read_is_not_empty),
		cmocka_unit_test(a_locked_database_is_waited_for_and_then_refused),
		cmocka_unit_test(apply_makes_the_index),
		cmocka_unit_test(a_side_table_has_it_too),
		cmocka_unit_test(what_no_model_names_any_more),
		cmocka_unit_test(a_column_of_keys_that_is_gone),
	};
	return cmocka_run_group_tests_name("db/wraps", tests, NULL, NULL);
}
