/* Reading stored SQL: tokens, triggers' events, and cutting columns out of CREATE TABLE. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "db/sql_text.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static void names_are_found_however_they_are_written(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *name;
		bool found;
	} cases[] = {
		{ "SELECT email FROM t", "email", true },
		{ "SELECT EMAIL FROM t", "email", true },
		{ "SELECT \"Email\" FROM t", "email", true },
		{ "SELECT [email] FROM t", "email", true },
		{ "SELECT `email` FROM t", "email", true },
		{ "SELECT 'email' FROM t", "email", true }, /* SQLite may take it for a name */
		{ "SELECT t.email+1 FROM t", "email", true },
		{ "SELECT emails, my_email, email2 FROM t", "email", false },
		{ "SELECT 1 -- email\n FROM t", "email", false },
		{ "SELECT 1 /* email */ FROM t", "email", false },
		{ "SELECT 1 /* open email", "email", false },
		{ "SELECT \"e\"\"mail\" FROM t", "e\"mail", true },
		{ "SELECT \"e\"\"mail\" FROM t", "email", false },
		{ "SELECT 'it''s' FROM t", "it's", true },
		{ "SELECT größe FROM t", "größe", true },
		{ "\"unclosed email", "email", false },
		{ "", "email", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (bulla_sql_mentions(bulla_view_str(cases[i].sql), cases[i].name) != cases[i].found)
			fail_msg("%s", cases[i].sql);
}

static void triggers_tell_what_they_react_to(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *event, *columns;
	} cases[] = {
		{ "CREATE TRIGGER a AFTER UPDATE ON t BEGIN DELETE FROM t; END", "u", "" },
		{ "CREATE TRIGGER a BEFORE UPDATE OF x, \"on\" ON t BEGIN SELECT 1; END", "u", "x, \"on\"" },
		{ "create trigger if not exists \"update\" after insert on t begin select 1; end", "i", "" },
		{ "CREATE TRIGGER main.delete_it INSTEAD OF DELETE ON v BEGIN SELECT 1; END", "d", "" },
		{ "CREATE TRIGGER a INSTEAD OF UPDATE OF x ON v BEGIN SELECT 1; END", "u", "x" },
		{ "CREATE TRIGGER a INSERT ON t BEGIN SELECT 1; END", "i", "" },
		{ "CREATE TRIGGER /* update */ a -- delete\n AFTER INSERT ON t BEGIN SELECT 1; END", "i", "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bulla_sql_event e = bulla_sql_trigger_event(cases[i].sql);
		char event[4] = "";
		snprintf(event, sizeof event, "%s%s%s", e.insert ? "i" : "", e.update ? "u" : "", e.delete_ ? "d" : "");
		if (strcmp(event, cases[i].event) != 0 || !bulla_bytes_is(e.columns, cases[i].columns))
			fail_msg("%s", cases[i].sql);
	}
}

static void note(void *self, bulla_bytes constraint)
{
	bulla_buf *all = self;
	assert_int_equal(bulla_buf_printf(all, NULL, "%.*s;", (int)constraint.len, (const char *)constraint.data), BULLA_OK);
}

static const struct {
	const char *sql, *rest, *dropped;
} cuts[] = {
	{ "CREATE TABLE t(a, email TEXT, b)", "CREATE TABLE \"t\"(a, b)", "" },
	{ "CREATE TABLE t(email TEXT UNIQUE, a)", "CREATE TABLE \"t\"(a)", "" },
	{ "CREATE TABLE t(a, [email] TEXT DEFAULT (1, 2))", "CREATE TABLE \"t\"(a)", "" },
	{ "CREATE TABLE \"x(y\"(a, email CHECK (email <> ')'), b)", "CREATE TABLE \"t\"(a, b)", "" },
	{ "CREATE TABLE t(a, email, UNIQUE (a, email), CHECK (a > 1))", "CREATE TABLE \"t\"(a, CHECK (a > 1))",
	  "UNIQUE (a, email);" },
	{ "CREATE TABLE t(a, email, UNIQUE (email) CHECK (a > 1) CONSTRAINT c UNIQUE (a))",
	  "CREATE TABLE \"t\"(a, CHECK (a > 1), CONSTRAINT c UNIQUE (a))", "UNIQUE (email);" },
	{ "CREATE TABLE t(a, email, CONSTRAINT c CHECK (length(email) > 1), CONSTRAINT d PRIMARY KEY (a)) WITHOUT ROWID",
	  "CREATE TABLE \"t\"(a, CONSTRAINT d PRIMARY KEY (a)) WITHOUT ROWID", "CONSTRAINT c CHECK (length(email) > 1);" },
	{ "CREATE TABLE t(a CHECK (a <> email) NOT NULL, email)", "CREATE TABLE \"t\"(a  NOT NULL)", "CHECK (a <> email);" },
	{ "CREATE TABLE t(a CONSTRAINT n CHECK (a <> email) CONSTRAINT m CHECK (a > 0), email)",
	  "CREATE TABLE \"t\"(a  CONSTRAINT m CHECK (a > 0))", "CONSTRAINT n CHECK (a <> email);" },
	{ "CREATE TABLE t(a INTEGER PRIMARY KEY -- the email,\n, email /* ) */ TEXT, b TEXT) STRICT",
	  "CREATE TABLE \"t\"(a INTEGER PRIMARY KEY, b TEXT) STRICT", "" },
	{ "CREATE TABLE t(a, email, FOREIGN KEY (a) REFERENCES o(email) ON DELETE CASCADE)",
	  "CREATE TABLE \"t\"(a, FOREIGN KEY (a) REFERENCES o(email) ON DELETE CASCADE)", "" },
	{ "CREATE TABLE t(a CHECK (a IN ('email', 'sms')), email, CONSTRAINT email CHECK (a > 'email'))",
	  "CREATE TABLE \"t\"(a CHECK (a IN ('email', 'sms')), CONSTRAINT email CHECK (a > 'email'))", "" },
	{ "CREATE TABLE t(a, email, UNIQUE (a, 'email'), CHECK (length(email) > 2))", "CREATE TABLE \"t\"(a)",
	  "UNIQUE (a, 'email');CHECK (length(email) > 2);" },
	{ "CREATE TABLE t(a REFERENCES o(x) ON UPDATE CASCADE, email, name, b)",
	  "CREATE TABLE \"t\"(a REFERENCES o(x) ON UPDATE CASCADE, b)", "" },
	{ "CREATE TABLE t(\"check\" TEXT, email, 'unique' INT)", "CREATE TABLE \"t\"(\"check\" TEXT, 'unique' INT)", "" },
};

static void columns_are_cut_with_the_constraints_on_them(void **state)
{
	(void)state;
	static const char *const columns[] = { "email", "name" };
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		BULLA_BUF_AUTO bulla_buf out = { 0 }, dropped = { 0 };
		assert_int_equal(bulla_sql_without_columns(cuts[i].sql, "t", columns, 2, note, &dropped, &out, NULL), BULLA_OK);
		if (!bulla_bytes_is(bulla_view_buf(&out), cuts[i].rest))
			fail_msg("%s: %.*s", cuts[i].sql, (int)out.len, (const char *)out.data);
		if (!bulla_bytes_is(bulla_view_buf(&dropped), cuts[i].dropped))
			fail_msg("%s dropped %.*s", cuts[i].sql, (int)dropped.len, (const char *)dropped.data);
		sqlite3 *db;
		assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
		assert_int_equal(bulla_buf_terminate(&out, NULL), BULLA_OK);
		assert_int_equal(sqlite3_exec(db, (const char *)out.data, NULL, NULL, NULL), SQLITE_OK);
		sqlite3_close(db);
	}
}

static void noise_ends(void **state)
{
	(void)state;
	static const char *const columns[] = { "a" };
	uint32_t random = 1;
	for (int i = 0; i < 20000; i++) {
		static const char parts[] = "(),\"'`[]-/* \nacheckunique;.1";
		char sql[40];
		for (size_t n = 0; n < sizeof sql - 1; n++) {
			random = random * 1664525 + 1013904223;
			sql[n] = parts[(random >> 16) % (sizeof parts - 1)];
		}
		sql[sizeof sql - 1] = 0;
		BULLA_BUF_AUTO bulla_buf out = { 0 };
		(void)bulla_sql_trigger_event(sql);
		(void)bulla_sql_column_definition(sql, "a");
		bulla_code code = bulla_sql_without_columns(sql, "t", columns, 1, NULL, NULL, &out, NULL);
		assert_true(code == BULLA_OK || code == BULLA_ERR_FORMAT);
	}
}

static void texts_and_functions_are_not_columns(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *column;
		bool used;
	} cases[] = {
		{ "CREATE INDEX i ON t(a) WHERE kind = 'email'", "email", false },
		{ "CREATE INDEX i ON t(a) WHERE email = 'x'", "email", true },
		{ "CREATE INDEX email ON email(a)", "email", false },
		{ "CREATE INDEX i ON t(date (a))", "date", false },
		{ "CREATE INDEX i ON t(date(date))", "date", true },
		{ "CREATE INDEX i ON t(lower(\"Email\"))", "email", true },
		{ "CREATE INDEX i", "i", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (bulla_sql_index_uses(cases[i].sql, cases[i].column) != cases[i].used) fail_msg("%s", cases[i].sql);
}

static void count_check(void *self, bulla_bytes constraint)
{
	assert_true(constraint.len >= 8);
	++*(size_t *)self;
}

/* As many as the longest statement has: each is cut without a level of the stack, or a copy, of its own. */
static void a_hundred_thousand_checks_are_cut(void **state)
{
	(void)state;
	const char *columns[] = { "a" };
	size_t n = 0;
	BULLA_BUF_AUTO bulla_buf sql = { 0 }, out = { 0 };
	assert_int_equal(bulla_buf_add_str(&sql, "CREATE TABLE t(a, b INT", NULL), BULLA_OK);
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(bulla_buf_add_str(&sql, i == 7 ? " CHECK(b)" : " CHECK(a)", NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add_str(&sql, " )", NULL), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&sql, NULL), BULLA_OK);
	assert_int_equal(bulla_sql_without_columns((const char *)sql.data, "t", columns, 1, count_check, &n, &out, NULL),
			 BULLA_OK);
	assert_int_equal(n, 99999);
	assert_int_equal(bulla_buf_terminate(&out, NULL), BULLA_OK);
	assert_non_null(strstr((const char *)out.data, " CHECK(b)"));
	assert_null(strstr((const char *)out.data, "(a)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_however_they_are_written),
		cmocka_unit_test(triggers_tell_what_they_react_to),
		cmocka_unit_test(columns_are_cut_with_the_constraints_on_them),
		cmocka_unit_test(noise_ends),
		cmocka_unit_test(texts_and_functions_are_not_columns),
		cmocka_unit_test(a_hundred_thousand_checks_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
