/* The way back: a table as it was, to the byte, before finish and after it; what is refused, put aside, lost, and told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS(n) "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < " #n ") "

/* --- helpers --------------------------------------------------------------------------------------------------------- */

static char told[1 << 20]; /* the JSON of the last undo */

static bulla_code try_undo(world *w, const bulla_undo_options *options)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	w->err = (bulla_error){ 0 };
	bulla_code code = bulla_job_undo(&w->job, options, &w->result, &out, &w->err);
	snprintf(told, sizeof told, "%.*s", (int)out.len, out.len ? (const char *)out.data : "");
	return code;
}

static void undo(world *w)
{
	if (try_undo(w, NULL)) fail_msg("%s (%s)", w->err.text, w->err.next);
	if (!strstr(told, "\"undone\":true")) fail_msg("%s", told);
}

static void undo_stops(world *w)
{
	if (try_undo(w, NULL)) fail_msg("%s (%s)", w->err.text, w->err.next);
	if (!strstr(told, "\"undone\":false")) fail_msg("%s", told);
}

static void undo_fails(world *w, const bulla_undo_options *options, bulla_code code, const char *part)
{
	bulla_code found = try_undo(w, options);
	if (found != code || !strstr(w->err.text, part)) fail_msg("%s: %s", bulla_code_name(found), w->err.text);
	assert_true(w->err.next[0]);
}

static void is_told(const char *part)
{
	if (!strstr(told, part)) fail_msg("not told: %s in %s", part, told);
}

static void finish(world *w)
{
	world_apply(w);
	world_verify_clean(w);
	world_finish(w);
}

/* New sessions with all keys: nothing is cached. */
static void forget_keys(world *w)
{
	sqlite3_close(w->db);
	world_keys_close(w);
	world_reopen(w);
}

static void shred(world *w, const char *print)
{
	char path[128], sql[256];
	sqlite3 *store;
	snprintf(path, sizeof path, "%s/keys/kms.db", w->dir);
	assert_int_equal(sqlite3_open(path, &store), SQLITE_OK);
	snprintf(sql, sizeof sql, "UPDATE bulla_branch SET state = 3, wrapped = x'' WHERE print = '%s'", print);
	assert_int_equal(sqlite3_exec(store, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_changes(store), 1);
	sqlite3_close(store);
}

/* --- shapes ----------------------------------------------------------------------------------------------------------- */

#define EVERYTHING                                                                                                               \
	"CREATE TABLE orgs(id INTEGER PRIMARY KEY); INSERT INTO orgs VALUES(1);"                                                 \
	"CREATE TABLE IF NOT EXISTS users(\n  id INTEGER PRIMARY KEY AUTOINCREMENT, -- the key, \"not\" (this)\n"                \
	"  email TEXT NOT NULL UNIQUE COLLATE NOCASE /* secret, ( */,\n  name TEXT DEFAULT 'x' CHECK (length(name) < 900),\n"    \
	"  org INT REFERENCES orgs(id), note TEXT CHECK (note <> email) CHECK (note <> 'bad'), double INT AS (org * 2),\n"       \
	"  CONSTRAINT long CHECK (length(email) > 2) CONSTRAINT small CHECK (org < 1000), UNIQUE (org, note)\n);"                \
	"INSERT INTO users(email, name, org, note) VALUES('Mail1', 'Name 1', 1, 'kept1'), ('mail2', 'Name 2', 1, 'kept2'), "     \
	"('mail3', 'x', 1, 'kept3'); DELETE FROM users WHERE id = 3;"                                                            \
	"CREATE INDEX by_org ON users(org); CREATE INDEX by_name ON users(name, org); CREATE INDEX by_part ON users(org) WHERE " \
	"name IS NOT NULL; CREATE INDEX by_lower ON users(lower(email));"                                                        \
	"CREATE TABLE posts(id INTEGER PRIMARY KEY, user INT REFERENCES users(id)); INSERT INTO posts VALUES(1, 1);"             \
	"CREATE TABLE log(x);"                                                                                                   \
	"CREATE VIEW plain_view AS SELECT id, org FROM users; CREATE VIEW mail_view AS SELECT email FROM users; CREATE VIEW "    \
	"a_view AS SELECT * FROM mail_view; CREATE TRIGGER instead INSTEAD OF INSERT ON mail_view BEGIN INSERT INTO log "        \
	"VALUES(NEW.email); END;"                                                                                                \
	"CREATE TRIGGER keep_me AFTER INSERT ON users BEGIN INSERT INTO log VALUES(NEW.org); END;"                               \
	"CREATE TRIGGER break_me AFTER DELETE ON users BEGIN INSERT INTO log VALUES(OLD.email); END;"                            \
	"CREATE TRIGGER far_away AFTER INSERT ON posts BEGIN UPDATE users SET name = 'seen' WHERE id = NEW.user; END;"           \
	"CREATE TRIGGER far_fine AFTER DELETE ON posts BEGIN UPDATE users SET note = 'unseen' WHERE id = OLD.user; END;"
#define EVERYTHING_YAML                                                                                                          \
	"    fields: { email: { type: string, index: { unique: true, normalize: lowercase } }, name: { type: string } }\n"

static const struct shape {
	const char *what, *table, *sql, *fields;
} shapes[] = {
	{ "everything", "users", EVERYTHING, EVERYTHING_YAML },
	{ "a plain table, columns in the middle", "users",
	  "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT, note TEXT);" NUMBERS(
		  300) "INSERT INTO users SELECT x, 'mail' || x, nullif('', 'n'), 'kept' FROM c",
	  "    fields: { email: { type: string, index: {} }, name: { type: string } }\n" },
	{ "every class in columns without a type", "users",
	  "CREATE TABLE users(a, id INTEGER PRIMARY KEY, b);"
	  "INSERT INTO users(id, a, b) VALUES(1, NULL, ''), (2, x'', x'00ff'), (3, -0.0, 0.0), (4, 9223372036854775807, "
	  "-9223372036854775808), (5, 1e308, 4.9e-324), (6, char(0, 97, 0), 'Łódź 美咲 ' || char(128512)), (7, '1', 1), (8, "
	  "1.0, '1.0'), (9, NULL, NULL), (10, char(10) || '\"''', zeroblob(70000));",
	  "    fields: { a: { type: any }, b: { type: any, index: {} } }\n" },
	{ "strict", "users",
	  "CREATE TABLE users(id INT PRIMARY KEY, i INTEGER, r REAL, t TEXT COLLATE RTRIM, b BLOB, x ANY) STRICT;"
	  "INSERT INTO users VALUES(7, 1, 2, ' three ', x'04', 'five'), (8, NULL, -0.0, '', x'', 6), (9, -1, 1e300, 'x', x'00', "
	  "NULL)",
	  "    fields: { i: { type: integer }, r: { type: float }, t: { type: string }, b: { type: binary }, x: { type: any } "
	  "}\n" },
	{ "without rowid, a composite key", "users",
	  "CREATE TABLE users(tenant TEXT COLLATE NOCASE, email TEXT DEFAULT (lower('NONE')), id BLOB, note, PRIMARY KEY(tenant, "
	  "id)) WITHOUT ROWID; INSERT INTO users VALUES('A', 'mail1', x'01', 1), ('a', 'mail2', x'02', 2), ('b', NULL, x'01', 3)",
	  "    primary_key: [tenant, id]\n    context: { model_id: \"{tenant}/{id}\" }\n    fields: { email: { type: string } "
	  "}\n" },
	{ "hidden row ids", "users",
	  "CREATE TABLE users(id TEXT PRIMARY KEY, email TEXT UNIQUE, note); INSERT INTO users(rowid, id, email, note) "
	  "VALUES(77, "
	  "'a', 'mail1', 'k'), (99, 'b', 'mail2', 'l'), (-5, 'c', NULL, NULL)",
	  "    fields: { email: { type: string, index: { unique: true } } }\n" },
	{ "names that need quotes", "User \"Table\"",
	  "CREATE TABLE \"User \"\"Table\"\"\"([id] INTEGER PRIMARY KEY,`e mail` VARCHAR(20) NOT NULL DEFAULT '',\"select\" "
	  "DOUBLE "
	  "PRECISION,\n\tnote\n); INSERT INTO \"User \"\"Table\"\"\" VALUES(1, 'mail1', 1.5, 2), (2, '', 0.0, NULL)",
	  "    table: 'User \"Table\"'\n    fields: { mail: { column: \"mail sealed\", plaintext: \"e mail\", type: string }, "
	  "select: "
	  "{ type: float } }\n" },
	{ "constraints behind the columns", "users",
	  "CREATE TABLE users(id INTEGER PRIMARY KEY ASC, email TEXT CONSTRAINT here NOT NULL CONSTRAINT there CHECK(email "
	  "LIKE '%mail%'), org INT,\n  CHECK (org > 0), UNIQUE (org, email) ON CONFLICT REPLACE -- the end\n); INSERT INTO users "
	  "VALUES(1, 'mail', 1), (2, 'mail', 2)",
	  "    fields: { email: { type: string, index: { unique: true, scope: org } } }\n" },
	{ "null sealed, base64, padding", "users",
	  "CREATE TABLE users(id INTEGER PRIMARY KEY, a TEXT, b INTEGER); INSERT INTO users VALUES(1, NULL, NULL), (2, '', 0), "
	  "(3, "
	  "'long', 99)",
	  "    fields: { a: { type: string, null: sealed, padding: 32 }, b: { type: integer, encode: base64 } }\n" },
	{ "made from a query", "users",
	  "CREATE TABLE source(id INTEGER, email TEXT, n REAL); INSERT INTO source VALUES(1, 'mail', 2); CREATE TABLE users AS "
	  "SELECT * FROM source; ALTER TABLE users RENAME TO old_users; CREATE TABLE users(id INTEGER PRIMARY KEY, \"n\" NUM, "
	  "email TEXT); INSERT INTO users SELECT id, n, email FROM old_users",
	  "    data_key: table\n    fields: { email: { type: string }, n: { type: any } }\n" },
	{ "one key for a field", "users",
	  "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, note TEXT); INSERT INTO users VALUES(1, 'a', 'b'), (2, NULL, "
	  "'c')",
	  "    data_key: field\n    fields: { email: { type: string }, note: { type: string } }\n" },
	{ "no rows", "users", "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE)",
	  "    fields: { email: { type: string, index: { unique: true } } }\n" },
};

static void open_shape(world *w, const struct shape *shape, const char *mode)
{
	char yaml[1024], sql[64];
	snprintf(yaml, sizeof yaml, "  users:\n%s%s",
		 strstr(shape->fields, "data_key") ? "" : "    branch_key: { name: users }\n", shape->fields);
	world_open(w, "", yaml);
	snprintf(sql, sizeof sql, "PRAGMA journal_mode=%s", mode);
	world_sql(w, sql);
	world_sql(w, shape->sql);
}

static void comes_back(const struct shape *shape, const char *mode, bool finished, bool side)
{
	world w;
	char what[128];
	bulla_apply_options options = { .side_table = side };
	snprintf(what, sizeof what, "%s%s%s", shape->what, finished ? ", after finish" : "", side ? ", side table" : "");
	open_shape(&w, shape, mode);
	memory before = memory_of(&w, shape->table);
	if (bulla_job_apply(&w.job, &options, &w.result, &w.err)) fail_msg("%s: %s", what, w.err.text);
	world_verify_clean(&w);
	if (finished) world_finish(&w);
	if (try_undo(&w, NULL)) fail_msg("%s: %s (%s)", what, w.err.text, w.err.next);
	is_told("\"definition\":\"recorded\"");
	is_told(finished ? "\"was\":\"finished\"" : "\"was\":\"sealed\"");
	is_told("\"missing\":[],\"gone\":[],\"refused\":0");
	memory_equal(&w, &before, shape->table, what);
	assert_string_equal(world_text(&w, "PRAGMA journal_mode"), mode);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	memory_done(&before);
	world_close(&w);
}

static void comes_back_before_finish(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		comes_back(&shapes[i], i % 2 ? "wal" : "delete", false, false);
}

static void comes_back_after_finish(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		comes_back(&shapes[i], i % 2 ? "delete" : "wal", true, false);
}

static void comes_back_from_a_side_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		if (strstr(shapes[i].what, "hidden")) continue; /* a key that may be NULL has no row in a side table */
		comes_back(&shapes[i], "wal", false, true);
		comes_back(&shapes[i], "wal", true, true);
	}
}

/* Up and down again and up: nothing of the first time is in the way. */
static void can_be_done_again(void **state)
{
	(void)state;
	world w;
	open_shape(&w, &shapes[0], "wal");
	memory before = memory_of(&w, "users");
	for (int i = 0; i < 2; i++) {
		finish(&w);
		undo(&w);
		memory_equal(&w, &before, "users", "again");
		assert_int_equal(w.result.done, 2);
		is_told("\"back\":[{\"kind\":\"index\",\"name\":\"by_lower\"");
		is_told("\"name\":\"instead\"");
	}
	assert_int_equal(try_undo(&w, NULL), BULLA_OK);
	is_told("\"was\":\"nothing\",\"undone\":false");
	memory_done(&before);
	world_close(&w);
}

/* --- after rotations -------------------------------------------------------------------------------------------------- */

#define INDEXED(index)                                                                                                           \
	"  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: " index                          \
	" }, name: { type: string "                                                                                              \
	"} }\n"

static void rotate(world *w, bulla_rotate_kind kind)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_rotate_options options = { .kind = kind };
	bulla_rotate_result result;
	if (bulla_job_rotate(&w->job, &options, &result, &out, &w->err)) fail_msg("%s: %s", w->err.text, w->err.next);
}

/* The index that is being replaced goes too, whether or not the schema still names it; so do the books of rotations. */
static void what_rotations_have_made_goes_too(void **state)
{
	(void)state;
	for (int finished = 0; finished < 2; finished++) {
		for (int named = 0; named < 2; named++) {
			world w;
			world_open(&w,
				   "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT, note TEXT);" NUMBERS(
					   30) "INSERT INTO users SELECT x, 'mail' || x, 'Name ' || x, 'kept' FROM c",
				   INDEXED("{}"));
			memory before = memory_of(&w, "users");
			world_apply(&w);
			world_verify_clean(&w);
			if (finished) world_finish(&w);
			world_schema(&w, INDEXED("{ version: 2, previous: {} }"));
			rotate(&w, BULLA_ROTATE_INDEX);
			rotate(&w, BULLA_ROTATE_DATA);
			if (!named) world_schema(&w, INDEXED("{ version: 2 }"));
			assert_int_equal(
				world_int(&w, "SELECT count(*) FROM pragma_table_info('users') WHERE name LIKE 'email_bidx%'"),
				2);
			undo(&w);
			memory_equal(&w, &before, "users", finished ? "rotated, after finish" : "rotated");
			memory_done(&before);
			world_close(&w);
		}
	}
}

static void nothing_else_happens_while_it_has_not_ended(void **state)
{
	(void)state;
	world w;
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_rotate_options options = { .kind = BULLA_ROTATE_DATA };
	bulla_rotate_result result;
	world_open(&w, "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT); INSERT INTO users VALUES(1, 'm', 'n')",
		   INDEXED("{}"));
	finish(&w);
	world_sql(&w, "UPDATE users SET name_ciphertext = x'00'");
	undo_stops(&w);
	world_apply_fails(&w, BULLA_ERR_REFUSED);
	assert_non_null(strstr(w.err.next, "bulla undo users goes on with it"));
	assert_int_equal(bulla_job_rotate(&w.job, &options, &result, &out, &w.err), BULLA_ERR_REFUSED);
	assert_int_equal(bulla_job_examine(&w.job, &out, &w.err), BULLA_OK);
	(void)!bulla_buf_terminate(&out, NULL);
	assert_non_null(strstr((const char *)out.data, "\"guards\":[]"));
	world_sql(&w, "DROP TRIGGER \"bulla_undo_sealed.users\"");
	bulla_buf_clear(&out);
	assert_int_equal(bulla_job_examine(&w.job, &out, &w.err), BULLA_OK);
	(void)!bulla_buf_terminate(&out, NULL);
	assert_non_null(strstr((const char *)out.data, "bulla_undo_sealed.users"));
	world_close(&w);
}

/* --- a table that was altered meanwhile -------------------------------------------------------------------------------- */

#define SIMPLE_SQL                                                                                                               \
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL COLLATE NOCASE, name TEXT DEFAULT 'x', note TEXT CHECK " \
	"(note <> name)); CREATE VIEW mails AS SELECT email FROM users; CREATE INDEX by_mail ON users(email);" NUMBERS(          \
		40) "INSERT INTO users SELECT x, 'mail' || x, 'Name ' || x, 'kept' || x FROM c"
#define SIMPLE_YAML                                                                                                              \
	"  users:\n    branch_key: { name: \"user:{id}\", under: users }\n    fields: { email: { type: string }, name: { type: " \
	"string } }\n"

static const char *columns_of(world *w)
{
	return world_text(w, "SELECT group_concat(name) FROM pragma_table_xinfo('users')");
}

static void the_owners_own_changes_stay(void **state)
{
	(void)state;
	for (int finished = 0; finished < 2; finished++) {
		world w;
		world_open(&w, SIMPLE_SQL, SIMPLE_YAML);
		world_apply(&w);
		world_sql(&w, "ALTER TABLE users ADD COLUMN phone TEXT DEFAULT 'none'");
		world_verify_clean(&w);
		if (finished) world_finish(&w);
		world_sql(&w,
			  "ALTER TABLE users RENAME COLUMN note TO remark; CREATE INDEX mine ON users(email_ciphertext); CREATE "
			  "INDEX by_phone ON users(phone); CREATE VIEW sealed AS SELECT email_ciphertext FROM users; CREATE VIEW "
			  "phones AS SELECT phone FROM users");
		undo(&w);
		is_told("\"definition\":\"merged\"");
		is_told("\"kind\":\"index\",\"name\":\"mine\"");
		is_told("\"kind\":\"view\",\"name\":\"sealed\"");
		assert_string_equal(columns_of(&w), "id,email,name,remark,phone");
		assert_int_equal(world_int(&w,
					   "SELECT count(*) FROM users WHERE email = 'MAIL' || id AND name = 'Name ' || id AND "
					   "remark = 'kept' || id AND phone = 'none'"),
				 40);
		assert_int_equal(world_try(&w, "INSERT INTO users(id, email) VALUES(99, NULL)"), SQLITE_CONSTRAINT);
		/* the check that went with the columns names one that is no longer there */
		if (finished)
			is_told("\"missing\":[{\"kind\":\"constraint\",\"name\":\"users\",\"sql\":\"CHECK (note <> name)\"}]");
		assert_int_equal(world_try(&w, "INSERT INTO users(id, email, name, remark) VALUES(99, 'm', 'a', 'a')"),
				 finished ? SQLITE_OK : SQLITE_CONSTRAINT);
		assert_string_equal(world_text(&w, "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type IN "
						   "('view', 'index', 'trigger') ORDER BY name)"),
				    "by_mail,by_phone,mails,phones");
		world_close(&w);
	}
}

/* The same name under other quotes: the definition is the recorded one again. */
static void a_table_that_was_renamed_and_back(void **state)
{
	(void)state;
	for (int finished = 0; finished < 2; finished++) {
		world w;
		world_open(&w, SIMPLE_SQL, SIMPLE_YAML);
		memory before = memory_of(&w, "users");
		world_apply(&w);
		world_verify_clean(&w);
		if (finished) world_finish(&w);
		world_sql(&w, "ALTER TABLE users RENAME TO people; ALTER TABLE people RENAME TO users");
		undo(&w);
		is_told("\"definition\":\"recorded\"");
		if (finished)
			memory_equal(&w, &before, "users",
				     "renamed"); /* before finish SQLite has quoted the name in view and index */
		assert_string_equal(world_text(&w, "SELECT substr(sql, 1, 19) FROM sqlite_schema WHERE name = 'users'"),
				    "CREATE TABLE users(");
		memory_rows_equal(&w, &before, "users", "renamed");
		memory_done(&before);
		world_close(&w);
	}
}

/* An older release kept no definition, only what it told people. */
static void a_table_without_a_record(void **state)
{
	(void)state;
	world w;
	world_open(&w, SIMPLE_SQL, SIMPLE_YAML);
	finish(&w);
	world_sql(&w, "DROP TABLE bulla_original");
	undo(&w);
	is_told("\"definition\":\"schema\"");
	assert_string_equal(
		world_text(&w, "SELECT sql FROM sqlite_schema WHERE name = 'users'"),
		"CREATE TABLE \"users\"(id INTEGER PRIMARY KEY, \"email\" TEXT, \"name\" TEXT, note TEXT, CHECK (note <> "
		"name))");
	assert_int_equal(world_int(&w, "SELECT count(*) FROM mails WHERE email IN (SELECT 'mail' || id FROM users)"), 40);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name = 'by_mail'"), 1);
	world_close(&w);
}

static void what_cannot_be_made_again_is_told(void **state)
{
	(void)state;
	world w;
	open_shape(&w, &shapes[0], "wal");
	finish(&w);
	world_sql(&w, "CREATE VIEW mail_view AS SELECT 1; DROP TABLE log; CREATE INDEX by_name ON posts(user)");
	world_sql(&w, "DROP TRIGGER keep_me");
	undo(&w);
	static const char *const missing[] = { "\"missing\":[{\"kind\":\"index\",\"name\":\"by_name\"", "\"name\":\"mail_view\"",
					       "\"name\":\"break_me\"" };
	for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
		is_told(missing[i]);
	world_sql(&w, "INSERT INTO users(email, org, note) VALUES('new', 1, 'n'); DELETE FROM users WHERE email = 'NEW'");
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name IN ('far_away', 'far_fine', 'by_lower')"),
			 3);
	world_close(&w);
}

/* --- before finish: what the plaintext does not say -------------------------------------------------------------------- */

static void open_simple(world *w, bool finished)
{
	world_open_durable(w, "PRAGMA journal_mode=WAL;" SIMPLE_SQL, SIMPLE_YAML);
	if (finished)
		finish(w);
	else
		world_apply(w);
}

static void refuses_while_somebody_writes_only_ciphertext(void **state)
{
	(void)state;
	world w;
	open_simple(&w, false);
	world_sql(&w, "DROP TRIGGER \"bulla_field.users.name\"; UPDATE users SET name = NULL WHERE id = 7");
	undo_fails(&w, NULL, BULLA_ERR_REFUSED, "1 rows of model users have a ciphertext that says something else");
	assert_non_null(strstr(w.err.text, "[7]"));
	world_sql(&w, "UPDATE users SET name = 'Name 7 of yesterday' WHERE id = 7");
	undo_fails(&w, NULL, BULLA_ERR_REFUSED, "1 rows of model users");
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE name_ciphertext IS NOT NULL"), 40);
	assert_string_equal(world_text(&w, "SELECT phase FROM bulla_job"), "applied");
	w.job.keyring = NULL; /* lost, say */
	assert_int_equal(try_undo(&w, &(bulla_undo_options){ .discard = true }), BULLA_OK);
	assert_string_equal(columns_of(&w), "id,email,name,note");
	assert_string_equal(world_text(&w, "SELECT name FROM users WHERE id = 7"), "Name 7 of yesterday");
	world_close(&w);
}

/* They are still in the plaintext columns, which is what undo keeps. */
static void rows_that_are_not_sealed_or_do_not_open_are_no_hindrance(void **state)
{
	(void)state;
	world w;
	open_simple(&w, false);
	memory before = memory_of(&w, "users");
	world_sql(&w,
		  "UPDATE users SET name_ciphertext = NULL WHERE id = 3; UPDATE users SET email_ciphertext = x'0102' WHERE id = "
		  "4; UPDATE users SET note = 'x' WHERE id = 5");
	world_verify(&w);
	assert_int_equal(w.result.quarantined, 1);
	undo(&w);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE email = 'mail' || id AND name = 'Name ' || id"), 40);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bulla%'"), 0);
	memory_done(&before);
	world_close(&w);
}

static void columns_that_somebody_made_again_are_refused(void **state)
{
	(void)state;
	world w;
	open_simple(&w, true);
	(void)columns_of(&w); /* an ALTER TABLE over an old view of the schema fails by itself */
	world_sql(&w, "ALTER TABLE users ADD COLUMN email TEXT");
	undo_fails(&w, NULL, BULLA_ERR_REFUSED, "has such a column again");
	world_sql(&w, "ALTER TABLE users ADD COLUMN name TEXT");
	undo_fails(&w, &(bulla_undo_options){ .discard = true }, BULLA_ERR_REFUSED, "has such a column again");
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE email_ciphertext IS NOT NULL"), 40);
	world_close(&w);
}

static void other_models_keep_their_books(void **state)
{
	(void)state;
	world w;
	world_open(&w, SIMPLE_SQL "; CREATE TABLE pets(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO pets VALUES(1, 'Rex')",
		   SIMPLE_YAML "  pets:\n    branch_key: { name: pets }\n    fields: { name: { type: string } }\n");
	world_apply(&w);
	world_model(&w, "pets");
	finish(&w);
	world_model(&w, "users");
	undo(&w);
	assert_string_equal(world_text(&w, "SELECT group_concat(model) FROM bulla_job"), "pets");
	world_model(&w, "pets");
	undo(&w);
	assert_string_equal(world_text(&w, "SELECT name FROM pets"), "Rex");
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bulla%'"), 0);
	world_close(&w);
}

/* --- after finish: rows that do not open, do not fit, are lost ---------------------------------------------------------- */

static void a_row_that_does_not_open_stops_the_end_and_not_the_rest(void **state)
{
	(void)state;
	world w;
	open_simple(&w, true);
	world_sql(&w,
		  "CREATE TABLE kept AS SELECT id, name_ciphertext AS c FROM users WHERE id IN (7, 8); UPDATE users SET "
		  "name_ciphertext = x'0102030405' WHERE id = 7; UPDATE users SET name_ciphertext = (SELECT name_ciphertext FROM "
		  "users WHERE id = 9) WHERE id = 8");
	undo_stops(&w);
	assert_int_equal(w.result.quarantined, 2);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM bulla_quarantine WHERE pk IN ('[7]', '[8]') AND field = 'name'"), 2);
	assert_string_equal(world_text(&w, "SELECT phase FROM bulla_job"), "undoing");
	assert_int_equal(world_int(&w, "SELECT count(*) FROM \"bulla_undo.users\""), 38);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'email'"), 0);
	BULLA_BUF_AUTO bulla_buf status = { 0 };
	assert_int_equal(bulla_job_status(&w.job, &status, &w.err), BULLA_OK);
	(void)!bulla_buf_terminate(&status, NULL);
	assert_non_null(strstr((const char *)status.data, "\"phase\":\"undoing\""));
	assert_non_null(strstr((const char *)status.data, "\"opened\":38"));
	assert_non_null(strstr((const char *)status.data, "\"plaintext_left\":true"));
	world_sql(&w, "UPDATE users SET name_ciphertext = (SELECT c FROM kept WHERE kept.id = users.id) WHERE id IN (7, 8)");
	undo(&w);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE email = 'mail' || id AND name = 'Name ' || id"), 40);
	world_close(&w);
}

static void an_undo_can_be_given_up(void **state)
{
	(void)state;
	world w;
	open_simple(&w, true);
	assert_int_equal(world_grep(&w, "Name 1", 6), 0);
	world_sql(&w, "UPDATE users SET name_ciphertext = x'0102030405' WHERE id = 7");
	undo_stops(&w);
	assert_true(world_grep(&w, "Name 1", 6) > 0);
	world_finish(&w);
	assert_int_equal(world_grep(&w, "Name 1", 6), 0);
	assert_string_equal(world_text(&w, "SELECT phase FROM bulla_job"), "finished");
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bulla_undo%'"), 0);
	world_close(&w);
}

/* A row with these values, written by an application that seals: `lie` leaves out the blind indexes. */
static void insert_sealed(world *w, int64_t id, const char *email, const char *name, const char *note)
{
	bulla_batch *batch;
	char text[32];
	snprintf(text, sizeof text, "%lld", (long long)id);
	bulla_cell cells[2] = { { .field = 0 }, { .field = 1 } };
	bulla_bytes inputs[1] = { bulla_view_str(text) }, keys[1];
	bulla_row row = { .inputs = inputs, .cells = cells, .cell_count = 2, .keys = keys };
	if (email) cells[0].value = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(email) };
	if (name) cells[1].value = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(name) };
	assert_int_equal(bulla_batch_new(w->keyring, w->job.model, NULL, &batch, &w->err), BULLA_OK);
	assert_int_equal(bulla_batch_seal(batch, &row, 1, &w->err), BULLA_OK);
	assert_int_equal(row.code, BULLA_OK);
	sqlite3_stmt *stmt;
	assert_int_equal(
		sqlite3_prepare_v2(w->db,
				   "INSERT OR REPLACE INTO users(id, email_ciphertext, name_ciphertext, encrypted_kms_key, "
				   "note) VALUES(?, ?, ?, ?, ?)",
				   -1, &stmt, NULL),
		SQLITE_OK);
	sqlite3_bind_int64(stmt, 1, id);
	for (int i = 0; i < 2; i++)
		if (cells[i].ciphertext.data)
			sqlite3_bind_blob(stmt, 2 + i, cells[i].ciphertext.data, (int)cells[i].ciphertext.len, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 4, keys[0].data, (int)keys[0].len, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 5, note, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	bulla_batch_free(batch);
}

static void rows_that_the_old_definition_refuses_are_put_aside(void **state)
{
	(void)state;
	world w;
	open_simple(&w, true);
	insert_sealed(&w, 50, NULL, "nobody", "n");
	insert_sealed(&w, 51, "mail51", "same", "same");
	insert_sealed(&w, 52, "mail52", "other", "fine");
	undo_stops(&w);
	is_told("\"refused\":2,\"why\":\"NOT NULL constraint failed: users.email\"");
	assert_int_equal(
		world_int(&w, "SELECT count(*) FROM bulla_quarantine WHERE pk IN ('[50]', '[51]') AND field = '(constraint)'"),
		2);
	assert_int_equal(w.result.quarantined, 2);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE email_ciphertext IS NOT NULL"), 42);
	world_sql(&w, "DELETE FROM users WHERE id = 50; UPDATE users SET note = 'else' WHERE id = 51");
	undo(&w);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users"), 42);
	assert_string_equal(world_text(&w, "SELECT email || name || note FROM users WHERE id = 51"), "mail51sameelse");
	world_close(&w);
}

/* A value that the column would turn into another one: '1' in a column of integers. */
static void values_that_the_column_would_change_are_put_aside(void **state)
{
	(void)state;
	world w;
	world_open(&w,
		   "CREATE TABLE users(id INTEGER PRIMARY KEY, email INTEGER, name REAL, note); INSERT INTO users VALUES(1, 2, "
		   "3, 4)",
		   "  users:\n    branch_key: { name: users }\n    fields: { email: { type: any }, name: { type: any } }\n");
	finish(&w);
	insert_sealed(&w, 2, "1", "word", "n");
	undo_stops(&w);
	is_told("\"refused\":1,\"why\":\"the column's type changes the value\"");
	world_sql(&w, "DELETE FROM users WHERE id = 2");
	insert_sealed(&w, 3, "word", "word", "n");
	undo(&w);
	assert_string_equal(world_text(&w, "SELECT group_concat(typeof(email) || typeof(name)) FROM users"),
			    "integerreal,texttext");
	world_close(&w);
}

static void shredded_rows_are_listed_as_lost(void **state)
{
	(void)state;
	world w;
	world_open_durable(
		&w,
		"PRAGMA journal_mode=WAL; CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT, note TEXT);"
		"INSERT INTO users VALUES(1, 'mail1', 'Name 1', 'k'), (2, 'mail2', 'Name 2', 'k'), (3, NULL, NULL, 'k')",
		SIMPLE_YAML);
	finish(&w);
	shred(&w, "user:2");
	forget_keys(&w);
	undo(&w);
	is_told("\"lost\":1,\"lost_rows\":[[2]]");
	assert_string_equal(world_text(&w, "SELECT group_concat(coalesce(email, 'NULL') || id || note) FROM users"),
			    "mail11k,NULL2k,NULL3k");
	assert_int_equal(w.result.done, 2);
	assert_non_null(strstr(w.result.report, "/reports/users-"));
	world_close(&w);
}

static void a_lost_value_in_a_column_that_must_have_one(void **state)
{
	(void)state;
	world w;
	open_simple(&w, true);
	shred(&w, "user:2");
	shred(&w, "user:9");
	forget_keys(&w);
	undo_fails(&w, NULL, BULLA_ERR_REFUSED, "2 rows have lost their value of email, and the column is NOT NULL");
	assert_non_null(strstr(w.err.next, "--lost TEXT"));
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE email_ciphertext IS NOT NULL"), 40);
	assert_int_equal(try_undo(&w, &(bulla_undo_options){ .lost = "it's gone" }), BULLA_OK);
	is_told("\"lost\":2,\"lost_rows\":[[2],[9]]");
	assert_string_equal(
		world_text(&w, "SELECT group_concat(id || email || coalesce(name, '-')) FROM users WHERE id IN (1, 2, 9)"),
		"1mail1Name 1,2it's gone-,9it's gone-");
	world_close(&w);
}

static void a_lost_value_in_a_column_with_a_default(void **state)
{
	(void)state;
	world w;
	world_open_durable(&w,
			   "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL DEFAULT ('no' || 'body'), name TEXT);"
			   "INSERT INTO users VALUES(1, 'mail1', 'Name 1'), (2, 'mail2', 'Name 2')",
			   SIMPLE_YAML);
	finish(&w);
	shred(&w, "user:2");
	forget_keys(&w);
	undo(&w);
	assert_string_equal(world_text(&w, "SELECT group_concat(email || coalesce(name, '-')) FROM users"),
			    "mail1Name 1,nobody-");
	world_close(&w);
}

/* --- what is recorded, and by whom it can be run ------------------------------------------------------------------------ */

static void steps_are_recorded(void **state)
{
	(void)state;
	static const char *const steps[][3] = { { "JobStarted", "CiphertextDropped", "JobFinished" },
						{ "JobStarted", "PlaintextRestored", "JobFinished" } };
	for (int finished = 0; finished < 2; finished++) {
		world w;
		open_simple(&w, finished);
		w.record_count = 0;
		undo(&w);
		assert_int_equal(w.record_count, 3);
		for (int i = 0; i < 3; i++)
			assert_string_equal(w.records[i], steps[finished][i]);
		world_close(&w);
	}
}

static void needs_a_key_for_the_report_and_the_keys_of_the_rows(void **state)
{
	(void)state;
	world w;
	open_simple(&w, true);
	w.job.sign_seed = NULL;
	undo_fails(&w, NULL, BULLA_ERR_REFUSED, "no key to sign");
	w.job.keyring = NULL;
	undo_fails(&w, &(bulla_undo_options){ .discard = true }, BULLA_ERR_REFUSED, "only its keys");
	assert_string_equal(world_text(&w, "SELECT phase FROM bulla_job"), "finished");
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_before_finish),
		cmocka_unit_test(comes_back_after_finish),
		cmocka_unit_test(comes_back_from_a_side_table),
		cmocka_unit_test(can_be_done_again),
		cmocka_unit_test(what_rotations_have_made_goes_too),
		cmocka_unit_test(nothing_else_happens_while_it_has_not_ended),
		cmocka_unit_test(the_owners_own_changes_stay),
		cmocka_unit_test(a_table_that_was_renamed_and_back),
		cmocka_unit_test(a_table_without_a_record),
		cmocka_unit_test(what_cannot_be_made_again_is_told),
		cmocka_unit_test(refuses_while_somebody_writes_only_ciphertext),
		cmocka_unit_test(rows_that_are_not_sealed_or_do_not_open_are_no_hindrance),
		cmocka_unit_test(columns_that_somebody_made_again_are_refused),
		cmocka_unit_test(other_models_keep_their_books),
		cmocka_unit_test(a_row_that_does_not_open_stops_the_end_and_not_the_rest),
		cmocka_unit_test(an_undo_can_be_given_up),
		cmocka_unit_test(rows_that_the_old_definition_refuses_are_put_aside),
		cmocka_unit_test(values_that_the_column_would_change_are_put_aside),
		cmocka_unit_test(shredded_rows_are_listed_as_lost),
		cmocka_unit_test(a_lost_value_in_a_column_that_must_have_one),
		cmocka_unit_test(a_lost_value_in_a_column_with_a_default),
		cmocka_unit_test(steps_are_recorded),
		cmocka_unit_test(needs_a_key_for_the_report_and_the_keys_of_the_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
