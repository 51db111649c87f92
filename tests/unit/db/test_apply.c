/* Sealing a whole table: the first fill, all kinds of tables, quarantine, refusals. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "base/buf.h"
#include "io/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USERS_SQL                                                                                                                \
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT, note TEXT);"                                          \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500)"                                          \
	" INSERT INTO users SELECT x, CASE WHEN x % 7 = 0 THEN NULL WHEN x % 11 = 0 THEN '' ELSE 'user' || x || '@example.org' " \
	"END,"                                                                                                                   \
	" 'Name ' || x, 'kept' FROM c;"
#define USERS_YAML                                                                                                               \
	"  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: {} }, name: { type: string } "   \
	"}\n"
#define UNSEALED                                                                                                                 \
	"SELECT count(*) FROM users WHERE email IS NOT NULL AND email_ciphertext IS NULL OR name IS NOT NULL AND "               \
	"name_ciphertext IS NULL"

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
	assert_int_equal(world_int(&w, "SELECT last_unsealed FROM bulla_job"), 0);
	world_apply(&w);
	assert_int_equal(w.result.done, 0);
	assert_int_equal(w.result.already, 500);
	world_verify_clean(&w);
	assert_int_equal(w.result.done, 500);
	world_close(&w);
}

/* --- tables of all kinds ------------------------------------------------------------------------------------------ */

static const struct table_case {
	const char *what, *sql, *yaml;
	int rows;
} tables[] = {
	{ "text key", "CREATE TABLE p(code TEXT PRIMARY KEY, email TEXT); INSERT INTO p VALUES('a', 'x'), ('ä', 'y'), ('', 'z');",
	  "  p:\n    primary_key: code\n    branch_key: { name: p }\n    fields: { email: {} }\n", 3 },
	{ "composite key",
	  "CREATE TABLE p(a INTEGER, b TEXT, email TEXT, PRIMARY KEY(a, b)); INSERT INTO p VALUES(1, 'x', 'm'), (1, 'y', 'n'), "
	  "(2, 'x', 'o');",
	  "  p:\n    primary_key: [a, b]\n    branch_key: { name: p }\n    fields: { email: {} }\n", 3 },
	{ "without rowid",
	  "CREATE TABLE p(a BLOB, b REAL, email TEXT, PRIMARY KEY(b, a)) WITHOUT ROWID; INSERT INTO p VALUES(x'00ff', 1.5, 'm'), "
	  "(x'01', 1.5, 'n');",
	  "  p:\n    primary_key: [b, a]\n    branch_key: { name: p }\n    fields: { email: {} }\n", 2 },
	{ "strict",
	  "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT, n INT, f REAL, b BLOB, x ANY) STRICT;"
	  "INSERT INTO p VALUES(1, 'e', 7, 1.5, x'00', 'any'), (2, 'f', -9223372036854775808, 9e300, x'', 5);",
	  "  p:\n    branch_key: { name: p }\n    fields: { email: { type: string }, n: { type: integer }, f: { type: float }, "
	  "b: { type: binary }, x: {} }\n",
	  2 },
	{ "all classes in one column",
	  "CREATE TABLE p(id INTEGER PRIMARY KEY, email); INSERT INTO p(email) VALUES('t'), (1), (1.0), (-0.0), (x'00'), (x''), "
	  "(''), (NULL),"
	  " (CAST(x'ff00fe' AS TEXT)), (CAST(x'610062' AS TEXT)), (9223372036854775807), (1e308), (9e999), (-9e999);",
	  "  p:\n    branch_key: { name: p }\n    fields: { email: { index: {} } }\n", 14 },
	{ "typed",
	  "CREATE TABLE p(id INTEGER PRIMARY KEY, s TEXT, b INTEGER, d TEXT, day TEXT, j TEXT);"
	  "INSERT INTO p VALUES(1, 'ß', 1, '12.50', '2024-02-29', '{\"a\": 1}'), (2, '', 0, '-0', '0000-00-00', '[]'), (3, NULL, "
	  "NULL, NULL, NULL, NULL);",
	  "  p:\n    branch_key: { name: p }\n    fields: { s: { type: string }, b: { type: boolean }, d: { type: decimal }, "
	  "day: { type: date }, j: { type: json } }\n",
	  3 },
	{ "odd names",
	  "CREATE TABLE \"we ird\"\"tab'le\"(\"pri mary\" INTEGER PRIMARY KEY, \"e\"\"mail]\" TEXT, [select] TEXT); INSERT INTO "
	  "\"we ird\"\"tab'le\" VALUES(1, 'a', 'b');",
	  "  p:\n    table: \"we ird\\\"tab'le\"\n    primary_key: \"pri mary\"\n    context: { model_name: P, model_id: \"{pri "
	  "mary}\" }\n    branch_key: { name: p }\n"
	  "    fields: { email: { plaintext: 'e\"mail]', column: mail_ct }, select: {} }\n",
	  1 },
	{ "hidden row id", "CREATE TABLE p(rowid TEXT PRIMARY KEY, email TEXT); INSERT INTO p VALUES('a', 'x'), ('b', 'y');",
	  "  p:\n    primary_key: rowid\n    branch_key: { name: p }\n    fields: { email: {} }\n", 2 },
	{ "null in the key, which SQLite allows",
	  "CREATE TABLE p(id TEXT PRIMARY KEY, email TEXT); INSERT INTO p VALUES('a', 'x');",
	  "  p:\n    branch_key: { name: p }\n    fields: { email: {} }\n", 1 },
	{ "sealed nulls and padding",
	  "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT); INSERT INTO p(email) VALUES('a'), (NULL), ('');",
	  "  p:\n    branch_key: { name: p }\n    fields: { email: { type: string, null: sealed } }\n", 3 },
	{ "utf-16",
	  "PRAGMA encoding='UTF-16le'; CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT); INSERT INTO p(email) VALUES('aäß€'), "
	  "('😀'), ('');",
	  "  p:\n    branch_key: { name: p }\n    fields: { email: { type: string, index: { normalize: lowercase } } }\n", 3 },
	{ "keys wrapped by the key itself",
	  "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT, name TEXT); INSERT INTO p(email, name) VALUES('a', 'b'), ('c', "
	  "NULL);",
	  "  p:\n    fields: { email: { type: string }, name: { type: string } }\n", 2 },
	{ "one key for the table",
	  "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT, name TEXT); INSERT INTO p(email, name) VALUES('a', 'b'), ('c', "
	  "NULL);",
	  "  p:\n    data_key: table\n    fields: { email: { type: string }, name: { type: string } }\n", 2 },
	{ "a branch for each row",
	  "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT, name TEXT); INSERT INTO p(email, name) VALUES('a', 'b'), ('c', "
	  "NULL);",
	  "  p:\n    branch_key: { name: \"user:{id}\", under: all }\n    fields: { email: { type: string }, name: { type: "
	  "string } }\n",
	  2 },
	{ "two keys in a record",
	  "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT, phone TEXT); INSERT INTO p(email, phone) VALUES('a', 'b'), ('c', "
	  "NULL), (NULL, 'd');",
	  "  p:\n    branch_key: { name: p }\n    data_keys: { calls: { context: { purpose: calls, model_id: \"{id}\" } } }\n"
	  "    fields: { email: { type: string }, phone: { type: string, data_key: calls } }\n",
	  3 },
	{ "a tenant's index and a composite context",
	  "CREATE TABLE p(org TEXT, id INTEGER PRIMARY KEY, email TEXT, uuid BLOB); INSERT INTO p VALUES('o', 1, 'x', x'00ff'), "
	  "('o', 2, 'y', x'01'), ('p', 3, 'x', x'02');",
	  "  p:\n    branch_key: { name: p }\n    context: { model_name: P, model_id: \"{org}:{id}\", u: \"{uuid}\" }\n    "
	  "fields: { email: { type: string, index: { unique: true, scope: org } } }\n",
	  3 },
	{ "values that the key encrypts itself",
	  "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT, name TEXT); INSERT INTO p(email, name) VALUES('a', 'b'), ('c', "
	  "NULL);",
	  "  p:\n    data_key: none\n    fields: { email: { type: string }, name: { type: string } }\n", 2 },
	{ "a key for each field",
	  "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT, name TEXT); INSERT INTO p(email, name) VALUES('a', 'b'), ('c', "
	  "NULL);",
	  "  p:\n    data_key: field\n    fields: { email: { type: string }, name: { type: string } }\n", 2 },
};

static void round_trip(const struct table_case *c, bool aside)
{
	world w;
	bulla_apply_options options = { .side_table = aside, .batch_rows = aside ? 0 : 2 };
	world_open(&w, c->sql, c->yaml);
	if (bulla_job_apply(&w.job, &options, &w.result, &w.err)) fail_msg("%s: %s", c->what, w.err.text);
	if (w.result.done != (uint64_t)c->rows && w.result.done + 1 != (uint64_t)c->rows)
		fail_msg("%s: %d sealed", c->what, (int)w.result.done);
	world_verify(&w);
	if (w.result.done != (uint64_t)c->rows || w.result.differences) fail_msg("%s: %d equal", c->what, (int)w.result.done);
	world_finish(&w);
	world_verify(&w);
	if (w.result.done != (uint64_t)c->rows || !w.result.digest_equal) fail_msg("%s: not the same after finish", c->what);
	assert_string_equal(world_text(&w, "PRAGMA integrity_check"), "ok");
	world_close(&w);
}

static void tables_of_all_kinds_come_back_equal(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		round_trip(&tables[i], false);
}

static void side_tables_serve_them_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		round_trip(&tables[i], true);
}

/* --- rows that cannot be sealed ------------------------------------------------------------------------------------ */

static void bad_rows_are_put_aside_and_stop_nothing(void **state)
{
	(void)state;
	world w;
	world_open(&w, USERS_SQL, USERS_YAML);
	world_sql(&w, "CREATE TABLE keep AS SELECT * FROM users;"
		      "UPDATE users SET name = CAST(x'c328' AS TEXT) WHERE id = 5; UPDATE users SET name = x'00' WHERE id = 6;");
	world_apply(&w);
	assert_int_equal(w.result.done, 498);
	assert_int_equal(w.result.quarantined, 2);
	assert_int_equal(w.result.unsealed, 2);
	assert_string_equal(world_text(&w, "SELECT group_concat(pk || field || reason, ' ') FROM bulla_quarantine ORDER BY pk"),
			    "[5]nametype [6]nametype");
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE id IN (5, 6) AND (email_ciphertext IS NOT NULL OR "
				       "encrypted_kms_key IS NOT NULL)"),
			 0);
	assert_int_equal(world_int(&w, "SELECT last_unsealed FROM bulla_job"), 0);
	world_apply(&w); /* the same rows, found again, are no news */
	assert_int_equal(w.result.quarantined, 2);
	assert_int_equal(world_int(&w, "SELECT last_unsealed FROM bulla_job"), 0);
	world_sql(&w, "UPDATE users SET name = 'mended' WHERE id = 5; DELETE FROM users WHERE id = 6;");
	world_apply(&w);
	assert_int_equal(w.result.done, 1);
	assert_int_equal(w.result.quarantined, 0);
	assert_true(world_int(&w, "SELECT last_unsealed FROM bulla_job") > 0);
	world_verify_clean(&w);
	world_close(&w);
}

static void sizes_up_to_the_limit_are_sealed(void **state)
{
	(void)state;
	world w;
	world_open(&w,
		   "CREATE TABLE p(id INTEGER PRIMARY KEY, b BLOB); INSERT INTO p VALUES(1, zeroblob(0)), (2, zeroblob(1)), (3, "
		   "zeroblob(16777216)),"
		   " (4, zeroblob(16777217)), (5, zeroblob(70000)), (6, x'01');",
		   "  p:\n    branch_key: { name: p }\n    fields: { b: { type: binary } }\n");
	world_apply(&w);
	assert_int_equal(w.result.done, 5);
	assert_string_equal(world_text(&w, "SELECT group_concat(pk || field || reason) FROM bulla_quarantine"), "[4]btoo_large");
	world_verify(&w);
	assert_int_equal(w.result.done, 5);
	assert_int_equal(w.result.unsealed, 1);
	world_close(&w);
}

static void rows_that_the_table_refuses_are_put_aside(void **state)
{
	(void)state;
	world w;
	world_open(&w,
		   USERS_SQL
		   "CREATE TRIGGER frozen BEFORE UPDATE ON users WHEN OLD.id = 9 BEGIN SELECT RAISE(ABORT, 'frozen'); END;",
		   USERS_YAML);
	world_apply(&w);
	assert_int_equal(w.result.done, 499);
	assert_string_equal(world_text(&w, "SELECT group_concat(pk || field || reason) FROM bulla_quarantine"),
			    "[9](constraint)type");
	world_close(&w);
}

static void a_null_in_the_context_is_put_aside(void **state)
{
	(void)state;
	world w;
	world_open(&w, "CREATE TABLE p(id TEXT PRIMARY KEY, email TEXT); INSERT INTO p VALUES('a', 'x'), (NULL, 'y');",
		   "  p:\n    branch_key: { name: p }\n    fields: { email: {} }\n");
	world_apply(&w);
	assert_int_equal(w.result.done, 1);
	assert_string_equal(world_text(&w, "SELECT group_concat(pk || field || reason) FROM bulla_quarantine"),
			    "[null]emailcontext");
	world_close(&w);
}

/* --- refusals ------------------------------------------------------------------------------------------------------ */

static const struct refusal_case {
	const char *sql, *fields, *part;
	bulla_code code;
} refusals[] = {
	{ "CREATE TABLE users(id INT, email TEXT)", "email: {}", "no primary key", BULLA_ERR_REFUSED },
	{ "CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT); CREATE VIEW users AS SELECT * FROM t", "email: {}", "is a view",
	  BULLA_ERR_REFUSED },
	{ "CREATE VIRTUAL TABLE users USING fts5(id, email)", "email: {}", "virtual", BULLA_ERR_REFUSED },
	{ "CREATE TABLE other(id INTEGER PRIMARY KEY)", "email: {}", "no table users", BULLA_ERR_NOT_FOUND },
	{ "CREATE TABLE users(id INTEGER PRIMARY KEY, mail TEXT)", "email: {}", "no column email", BULLA_ERR_NOT_FOUND },
	{ "CREATE TABLE users(nr INTEGER PRIMARY KEY, email TEXT)", "email: {}", "no column id", BULLA_ERR_NOT_FOUND },
	{ "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE)", "email: {}", "is unique", BULLA_ERR_REFUSED },
	{ "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT); CREATE UNIQUE INDEX u ON users(email)", "email: {}",
	  "is unique", BULLA_ERR_REFUSED },
	{ "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, org INT, UNIQUE(org, email))",
	  "email: { index: { unique: true } }", "other columns", BULLA_ERR_REFUSED },
	{ "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE UNIQUE)", "email: { index: { unique: true } }",
	  "without regard to case", BULLA_ERR_REFUSED },
	{ "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT); CREATE UNIQUE INDEX u ON users(email) WHERE id > 5",
	  "email: { index: { unique: true } }", "some rows only", BULLA_ERR_REFUSED },
	{ "CREATE TABLE o(e TEXT PRIMARY KEY); CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT REFERENCES o(e))",
	  "email: {}", "foreign key to", BULLA_ERR_REFUSED },
	{ "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT); CREATE TABLE o(e TEXT REFERENCES users(email))", "email: {}",
	  "points to", BULLA_ERR_REFUSED },
	{ "CREATE TABLE users(id INTEGER PRIMARY KEY, a TEXT, email TEXT AS (a || 'x'))", "email: {}", "is a generated column",
	  BULLA_ERR_REFUSED },
	{ "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, low TEXT AS (lower(email)) STORED)", "email: {}",
	  "is made from", BULLA_ERR_REFUSED },
	{ "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, email_ciphertext INT) STRICT", "email: {}", "STRICT",
	  BULLA_ERR_REFUSED },
};

static void what_would_lose_data_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		world w;
		char yaml[512];
		snprintf(yaml, sizeof yaml, "  users:\n    branch_key: { name: users }\n    fields: { %s }\n",
			 refusals[i].fields);
		world_open(&w, refusals[i].sql, yaml);
		world_apply_fails(&w, refusals[i].code);
		if (!strstr(w.err.text, refusals[i].part)) fail_msg("%s: %s", refusals[i].sql, w.err.text);
		assert_true(w.err.next[0]);
		assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bulla%'"), 0);
		world_close(&w);
	}
}

static void a_unique_column_needs_a_unique_index_and_keeps_unique(void **state)
{
	(void)state;
	world w;
	world_open(&w,
		   "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE); INSERT INTO users VALUES(1, 'a'), (2, 'b'), "
		   "(3, NULL), (4, NULL);",
		   "  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: { unique: true, "
		   "normalize: lowercase } } }\n");
	world_apply(&w);
	world_sql(&w, "INSERT INTO users(id, email) VALUES(5, 'A')"); /* no longer unique for the index */
	world_apply(&w);
	assert_string_equal(world_text(&w, "SELECT pk || reason || field FROM bulla_quarantine"), "[5]type(constraint)");
	BULLA_BUF_AUTO bulla_buf status = { 0 };
	if (bulla_job_status(&w.job, &status, &w.err)) fail_msg("%s", w.err.text);
	static const char entries[] = "\"quarantine\":{\"type\":1},\"quarantine_entries\":[{\"reason\":\"type\",\"field\":"
				      "\"(constraint)\",\"rows\":1,\"meaning\":\"a constraint or trigger of the table refuses";
	assert_non_null(memmem(status.data, status.len, entries, sizeof entries - 1));
	world_sql(&w, "DELETE FROM users WHERE id = 5");
	world_apply(&w);
	world_verify_clean(&w);
	world_finish(&w);
	assert_int_equal(world_try(&w, "UPDATE users SET email_bidx = (SELECT email_bidx FROM users WHERE id = 1) WHERE id = 2"),
			 SQLITE_CONSTRAINT);
	world_close(&w);
}

static void colliding_values_are_told_before_the_index_is_made(void **state)
{
	(void)state;
	world w;
	world_open(&w, "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT); INSERT INTO users VALUES(1, 'a'), (2, 'A');",
		   "  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: { unique: true, "
		   "normalize: lowercase } } }\n");
	world_apply_fails(&w, BULLA_ERR_REFUSED);
	assert_non_null(strstr(w.err.text, "same blind index"));
	world_sql(&w, "UPDATE users SET email = 'c' WHERE id = 2");
	world_apply(&w);
	world_verify_clean(&w);
	world_close(&w);
}

static void drift_is_refused(void **state)
{
	(void)state;
	world w;
	bulla_apply_options options = { .plan_fingerprint = "0000" };
	world_open(&w, USERS_SQL, USERS_YAML);
	assert_int_equal(bulla_job_apply(&w.job, &options, &w.result, &w.err), BULLA_ERR_DRIFT);
	world_close(&w);
}

static void shadow_writes_nothing(void **state)
{
	(void)state;
	world w;
	bulla_apply_options options = { .shadow = true, .batch_rows = 50 };
	world_open(&w, USERS_SQL, USERS_YAML);
	world_sql(&w, "UPDATE users SET name = x'00' WHERE id = 6;");
	int64_t before = world_int(&w, "PRAGMA schema_version");
	assert_int_equal(bulla_job_apply(&w.job, &options, &w.result, &w.err), BULLA_OK);
	assert_int_equal(w.result.done, 499);
	assert_int_equal(w.result.quarantined, 1);
	assert_int_equal(w.result.differences, 0);
	assert_int_equal(world_int(&w, "PRAGMA schema_version"), before);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bulla%'"), 0);
	world_close(&w);
}

/* --- the file ------------------------------------------------------------------------------------------------------ */

static void databases_that_cannot_be_used_say_why(void **state)
{
	(void)state;
	world w;
	char path[128];
	world_open(&w, USERS_SQL, USERS_YAML);
	w.job.url = "sqlite:nowhere.db";
	world_apply_fails(&w, BULLA_ERR_NOT_FOUND);
	snprintf(path, sizeof path, "%s/nowhere.db", w.dir);
	assert_int_equal(access(path, F_OK), -1);
	w.job.url = "sqlite:.";
	world_apply_fails(&w, BULLA_ERR_FORMAT);
	w.job.url = "postgresql://user:secret@host/db";
	world_apply_fails(&w, BULLA_ERR_CONFIG);
	assert_null(strstr(w.err.text, "secret"));
	FILE *f = fopen(path, "w");
	fputs("this is no database, but it is long enough to be looked at as one, one would think, and longer than that. It "
	      "needs a hundred bytes.",
	      f);
	fclose(f);
	w.job.url = "sqlite:nowhere.db";
	world_apply_fails(&w, BULLA_ERR_FORMAT);
	w.job.url = "sqlite:app.db";
	world_sql(&w, "BEGIN EXCLUSIVE");
	world_apply_fails(&w, BULLA_ERR_LOCKED);
	assert_true(w.err.retryable && w.err.next[0]);
	world_sql(&w, "COMMIT");
	if (geteuid() != 0) {
		chmod(w.path, 0400);
		world_apply_fails(&w, BULLA_ERR_READ_ONLY);
		chmod(w.path, 0600);
	}
	world_apply(&w);
	w.job.url = "sqlite:torn.db";
	snprintf(path, sizeof path, "%s/torn.db", w.dir);
	BULLA_BUF_AUTO bulla_buf bytes = { 0 };
	assert_int_equal(bulla_file_read(w.path, 1u << 24, &bytes, &w.err), BULLA_OK);
	assert_int_equal(bulla_file_write(path, bulla_view_buf(&bytes), 0600, false, &w.err), BULLA_OK);
	f = fopen(path, "r+");
	fseek(f, 3 * 4096, SEEK_SET);
	for (int i = 0; i < 8 * 4096; i++)
		fputc(0xa5, f);
	fclose(f);
	world_apply_fails(&w, BULLA_ERR_CORRUPT);
	w.job.url = "sqlite:app.db";
	world_sql(&w, "UPDATE bulla_job SET version = 99");
	world_apply_fails(&w, BULLA_ERR_NEWER);
	world_close(&w);
}

/* --- tables that never had plaintext ------------------------------------------------------------------------------------ */

#define BORN                                                                                                                     \
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email_ciphertext BLOB, email_bidx BLOB, name_ciphertext BLOB, "              \
	"encrypted_kms_key BLOB, note TEXT);"
#define BORN_YAML                                                                                                                \
	"  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: { unique: true } }, name: {} "   \
	"}\n"                                                                                                                    \
	"  more:\n    table: main.users\n    branch_key: { name: users }\n    fields: { email: { type: string, index: { "        \
	"unique: "                                                                                                               \
	"true } }, name: {}, phone: { index: {} } }\n"

static void a_table_born_sealed_gets_its_guard(void **state)
{
	(void)state;
	world w;
	world_open(&w, BORN, BORN_YAML);
	w.job.schema = NULL; /* the second model is the first after a change */
	world_apply(&w);
	assert_int_equal(w.result.done, 0);
	assert_string_equal(world_text(&w, "SELECT phase FROM bulla_job"), "finished");
	assert_string_equal(world_text(&w, "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE name LIKE "
					   "'bulla%.%' ORDER BY name)"),
			    "bulla_guard.users,bulla_guard_insert.users,bulla_index.users.email_bidx");
	assert_int_equal(world_try(&w, "INSERT INTO users(id, email_ciphertext) VALUES(1, x'01')"), SQLITE_CONSTRAINT);
	world_sql(&w, "INSERT INTO users(id, name_ciphertext, encrypted_kms_key) VALUES(1, x'01', zeroblob(98))");
	/* the context's column alone may not change any more */
	assert_int_equal(world_try(&w, "UPDATE users SET id = 2"), SQLITE_CONSTRAINT);
	int64_t schema = world_int(&w, "PRAGMA schema_version");
	w.record_count = 0;
	world_apply(&w); /* nothing is left to do, and nothing is written */
	assert_int_equal(w.record_count, 0);
	assert_int_equal(world_int(&w, "PRAGMA schema_version"), schema);
	world_finish(&w);
	world_close(&w);
}

static void a_guard_follows_the_model(void **state)
{
	(void)state;
	world w;
	world_open(&w, BORN, BORN_YAML);
	w.job.schema = NULL;
	world_apply(&w);
	world_sql(&w, "UPDATE bulla_job SET model = 'more'; INSERT INTO users(id) VALUES(1)");
	world_model(&w, "more");
	world_apply_fails(&w, BULLA_ERR_NOT_FOUND); /* neither plaintext nor ciphertext */
	world_sql(&w, "ALTER TABLE users ADD COLUMN phone_ciphertext BLOB");
	world_apply_fails(&w, BULLA_ERR_REFUSED); /* an index cannot be made of nothing */
	assert_string_equal(w.err.next, "run: bulla rotate more --index");
	world_sql(&w, "ALTER TABLE users ADD COLUMN phone_bidx BLOB");
	world_apply(&w);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name = 'bulla_guard.users' AND sql LIKE "
				       "'%phone_ciphertext%'"),
			 1);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name = 'bulla_index.users.phone_bidx'"), 1);
	world_sql(&w, "DROP TRIGGER \"bulla_guard.users\"");
	world_apply(&w);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name = 'bulla_guard.users'"), 1);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_born_sealed_gets_its_guard),
		cmocka_unit_test(a_guard_follows_the_model),
		cmocka_unit_test(seals_every_row),
		cmocka_unit_test(tables_of_all_kinds_come_back_equal),
		cmocka_unit_test(side_tables_serve_them_too),
		cmocka_unit_test(bad_rows_are_put_aside_and_stop_nothing),
		cmocka_unit_test(sizes_up_to_the_limit_are_sealed),
		cmocka_unit_test(rows_that_the_table_refuses_are_put_aside),
		cmocka_unit_test(a_null_in_the_context_is_put_aside),
		cmocka_unit_test(what_would_lose_data_is_refused),
		cmocka_unit_test(a_unique_column_needs_a_unique_index_and_keeps_unique),
		cmocka_unit_test(colliding_values_are_told_before_the_index_is_made),
		cmocka_unit_test(drift_is_refused),
		cmocka_unit_test(shadow_writes_nothing),
		cmocka_unit_test(databases_that_cannot_be_used_say_why),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
