/* Dropping the plaintext: proofs, refusals, rebuilt tables, and no byte of it left in the files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USERS_SQL                                                                                                                \
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT, note TEXT);"                                          \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300)"                                          \
	" INSERT INTO users SELECT x, 'secretmail' || x || '@example.org', 'Secretname ' || x, 'kept' || x FROM c;"
#define USERS_YAML                                                                                                               \
	"  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: {} }, name: { type: string } "   \
	"}\n"

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

/* --- refusals ------------------------------------------------------------------------------------------------------ */

static void open_sealed(world *w)
{
	world_open(w, "PRAGMA journal_mode=WAL;" USERS_SQL, USERS_YAML);
	world_apply(w);
}

static void finish_refuses(world *w, int64_t settle_ms, bulla_code code, const char *part)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_finish_options options = { .settle_ms = settle_ms };
	w->err = (bulla_error){ 0 };
	bulla_code found = bulla_job_finish(&w->job, &options, &w->result, &out, &w->err);
	if (found != code || !strstr(w->err.text, part)) fail_msg("%s: %s", bulla_code_name(found), w->err.text);
	assert_true(w->err.next[0]);
	assert_int_equal(world_int(w, "SELECT count(*) FROM pragma_table_info('users') WHERE name IN ('email', 'name')"), 2);
	assert_int_equal(world_int(w, "SELECT count(*) FROM sqlite_schema WHERE name = 'bulla_field.users.email'"), 1);
}

static void refuses_without_a_verification(void **state)
{
	(void)state;
	world w;
	bulla_verify_options sample = { .sample = 10 };
	open_sealed(&w);
	finish_refuses(&w, 0, BULLA_ERR_REFUSED, "no verification");
	assert_int_equal(bulla_job_verify(&w.job, &sample, &w.result, &w.err), BULLA_OK);
	finish_refuses(&w, 0, BULLA_ERR_REFUSED, "no verification");
	world_sql(&w, "UPDATE users SET name_ciphertext = NULL WHERE id = 1");
	world_verify(&w); /* not clean */
	finish_refuses(&w, 0, BULLA_ERR_REFUSED, "no verification");
	world_apply(&w);
	world_verify_clean(&w);
	world_sql(&w, "UPDATE bulla_report SET report = replace(report, '\"rows\":300', '\"rows\":301')");
	finish_refuses(&w, 0, BULLA_ERR_REFUSED, "no verification");
	world_close(&w);
}

static void refuses_what_changed_since(void **state)
{
	(void)state;
	world w;
	open_sealed(&w);
	world_verify_clean(&w);
	world_sql(&w, "UPDATE users SET name = 'x' WHERE id = 1");
	finish_refuses(&w, 0, BULLA_ERR_REFUSED, "1 rows have plaintext and no ciphertext");
	world_apply(&w);
	finish_refuses(&w, 3600000, BULLA_ERR_REFUSED, "plaintext was found");
	world_sql(&w, "UPDATE bulla_job SET last_unsealed = last_unsealed - 3600001");
	char trigger[1024];
	snprintf(trigger, sizeof trigger, "%s",
		 world_text(&w, "SELECT sql FROM sqlite_schema WHERE name = 'bulla_field.users.name'"));
	world_sql(&w, "DROP TRIGGER \"bulla_field.users.name\"; UPDATE users SET name = 'y' WHERE id = 1;");
	world_sql(&w, trigger);
	finish_refuses(&w, 3600000, BULLA_ERR_REFUSED, "1 rows differ");
	world_sql(&w, "UPDATE users SET name = 'x' WHERE id = 1; ALTER TABLE users ADD COLUMN more");
	finish_refuses(&w, 0, BULLA_ERR_REFUSED, "has changed since it was verified");
	world_close(&w);
}

static void refuses_while_rows_are_in_quarantine(void **state)
{
	(void)state;
	world w;
	open_sealed(&w);
	world_verify_clean(&w);
	world_sql(&w, "INSERT INTO users(id, email) VALUES(900, x'00')");
	world_apply(&w);
	finish_refuses(&w, 0, BULLA_ERR_REFUSED, "1 rows are in quarantine");
	world_close(&w);
}

/* --- writers between the last check and the lock --------------------------------------------------------------------- */

typedef struct intruder {
	world *w;
	const char *step;
	int left;
	void (*act)(world *w);
	const char *sql;
} intruder;

static void intrude(void *self, const char *step)
{
	intruder *i = self;
	if (strcmp(step, i->step) != 0 || i->left-- <= 0) return;
	if (i->sql) world_sql(i->w, i->sql);
	if (i->act) i->act(i->w);
}

/* What the application does with the library: a new name, sealed with everything else under a fresh key, in one statement. */
static void write_sealed(world *w)
{
	static int counter;
	bulla_batch *batch;
	bulla_cell cells[2] = { { .field = 0 }, { .field = 1 } };
	bulla_bytes inputs[1] = { bulla_view_str("7") }, keys[1];
	bulla_row row = { .inputs = inputs, .cells = cells, .cell_count = 2, .keys = keys };
	char name[64];
	snprintf(name, sizeof name, "Secretname changed %d", ++counter);
	cells[0].value = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("secretmail7@example.org") };
	cells[1].value = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(name) };
	assert_int_equal(bulla_batch_new(w->keyring, w->job.model, NULL, &batch, &w->err), BULLA_OK);
	assert_int_equal(bulla_batch_seal(batch, &row, 1, &w->err), BULLA_OK);
	assert_int_equal(row.code, BULLA_OK);
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_prepare_v2(w->db,
					    "UPDATE users SET name = ?, name_ciphertext = ?, email_ciphertext = ?, email_bidx = "
					    "?, encrypted_kms_key = ? WHERE id = 7",
					    -1, &stmt, NULL),
			 SQLITE_OK);
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, cells[1].ciphertext.data, (int)cells[1].ciphertext.len, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 3, cells[0].ciphertext.data, (int)cells[0].ciphertext.len, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 4, cells[0].index.data, (int)cells[0].index.len, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 5, keys[0].data, (int)keys[0].len, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	bulla_batch_free(batch);
}

static void open_verified(world *w, intruder *i)
{
	open_sealed(w);
	world_verify_clean(w);
	i->w = w;
	w->job.hook = intrude;
	w->job.hook_self = i;
}

static void a_row_unsealed_before_the_lock_is_not_lost(void **state)
{
	(void)state;
	world w;
	intruder i = { .step = "checked", .left = 1, .sql = "UPDATE users SET name = 'too late' WHERE id = 7" };
	open_verified(&w, &i);
	finish_refuses(&w, 0, BULLA_ERR_REFUSED, "1 rows have plaintext and no ciphertext");
	assert_string_equal(world_text(&w, "SELECT name FROM users WHERE id = 7"), "too late");
	world_close(&w);
}

static void a_row_sealed_before_the_lock_is_checked_again(void **state)
{
	(void)state;
	world w;
	intruder i = { .step = "checked", .left = 2, .act = write_sealed };
	open_verified(&w, &i);
	world_finish(&w);
	assert_int_equal(left(&w), 0);
	world_verify(&w);
	assert_int_equal(w.result.done, 300);
	assert_true(w.result.digest_known && !w.result.digest_equal);
	world_close(&w);
}

static void rows_written_all_the_time_are_never_dropped_unchecked(void **state)
{
	(void)state;
	world w;
	intruder i = { .step = "checked", .left = 1000, .act = write_sealed };
	open_verified(&w, &i);
	finish_refuses(&w, 0, BULLA_ERR_BUSY, "faster than they can be checked");
	world_close(&w);
}

static void writes_to_other_tables_do_not_matter(void **state)
{
	(void)state;
	world w;
	intruder i = { .step = "checked",
		       .left = 1000,
		       .sql = "CREATE TABLE IF NOT EXISTS other(x); INSERT INTO other VALUES(1)" };
	open_verified(&w, &i);
	world_finish(&w);
	world_verify_clean(&w);
	assert_true(w.result.digest_equal);
	world_close(&w);
}

static void deleted_and_new_rows_before_the_lock(void **state)
{
	(void)state;
	world w;
	intruder i = { .step = "checked",
		       .left = 1,
		       .sql = "DELETE FROM users WHERE id BETWEEN 20 AND 29; INSERT INTO users(id, note) VALUES(5000, 'empty')" };
	open_verified(&w, &i);
	world_finish(&w);
	world_verify_clean(&w);
	assert_int_equal(w.result.done, 291);
	world_close(&w);
}

/* --- tables that SQLite cannot cut ------------------------------------------------------------------------------------ */

#define EVERYTHING                                                                                                               \
	"CREATE TABLE orgs(id INTEGER PRIMARY KEY); INSERT INTO orgs VALUES(1);"                                                 \
	"CREATE TABLE users(\n  id INTEGER PRIMARY KEY AUTOINCREMENT, -- the key, \"not\" (this)\n"                              \
	"  email TEXT NOT NULL UNIQUE COLLATE NOCASE /* secret, ( */,\n  name TEXT DEFAULT 'x' CHECK (length(name) < 900),\n"    \
	"  org INT REFERENCES orgs(id), note TEXT CHECK (note <> email) CHECK (note <> 'bad'), double INT AS (org * 2),\n"       \
	"  CONSTRAINT long CHECK (length(email) > 2) CONSTRAINT small CHECK (org < 1000), UNIQUE (org, note)\n);"                \
	"INSERT INTO users(email, name, org, note) VALUES('secretmail1', 'Secretname 1', 1, 'kept1'), ('secretmail2', "          \
	"'Secretname 2', 1, 'kept2'), ('secretmail3', 'x', 1, 'kept3');"                                                         \
	"DELETE FROM users WHERE id = 3;"                                                                                        \
	"CREATE INDEX by_org ON users(org); CREATE INDEX by_name ON users(name, org); CREATE INDEX by_part ON users(org) WHERE " \
	"name IS NOT NULL;"                                                                                                      \
	"CREATE TABLE posts(id INTEGER PRIMARY KEY, user INT REFERENCES users(id)); INSERT INTO posts VALUES(1, 1);"             \
	"CREATE TABLE log(x);"                                                                                                   \
	"CREATE VIEW plain_view AS SELECT id, org FROM users; CREATE VIEW mail_view AS SELECT email FROM users; CREATE VIEW "    \
	"over_view AS SELECT * FROM mail_view;"                                                                                  \
	"CREATE TRIGGER keep_me AFTER INSERT ON users BEGIN INSERT INTO log VALUES(NEW.org); END;"                               \
	"CREATE TRIGGER break_me AFTER DELETE ON users BEGIN INSERT INTO log VALUES(OLD.email); END;"                            \
	"CREATE TRIGGER far_away AFTER INSERT ON posts BEGIN UPDATE users SET name = 'seen' WHERE id = NEW.user; END;"           \
	"CREATE TRIGGER far_fine AFTER DELETE ON posts BEGIN UPDATE users SET note = 'unseen' WHERE id = OLD.user; END;"

static void a_table_that_must_be_rebuilt_keeps_what_it_can(void **state)
{
	(void)state;
	world w;
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_finish_options options = { 0 };
	world_open(&w, "PRAGMA journal_mode=WAL;" EVERYTHING,
		   "  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: { unique: true, "
		   "normalize: lowercase } }, name: { type: string } }\n");
	world_apply(&w);
	world_verify_clean(&w);
	if (bulla_job_finish(&w.job, &options, &w.result, &out, &w.err)) fail_msg("%s", w.err.text);
	static const struct {
		const char *sql, *answer;
	} kept[] = {
		{ "SELECT group_concat(name) FROM pragma_table_xinfo('users')",
		  "id,org,note,double,email_ciphertext,email_bidx,name_ciphertext,encrypted_kms_key" },
		{ "SELECT group_concat(id || note || double) FROM users", "1kept12,2kept22" },
		{ "SELECT seq FROM sqlite_sequence WHERE name = 'users'", "3" },
		{ "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER "
		  "BY name)",
		  "bulla_census.users.encrypted_kms_key,bulla_index.users.email_bidx,by_org" },
		{ "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name)",
		  "plain_view" },
		{ "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name)",
		  "bulla_guard.users,bulla_guard_insert.users,far_fine,keep_me" },
		{ "SELECT count(*) FROM pragma_index_list('users') WHERE origin = 'u'", "1" },
		{ "SELECT count(*) FROM pragma_foreign_key_list('posts') WHERE \"table\" = 'users'", "1" },
		{ "SELECT count(*) FROM plain_view", "2" },
		{ "PRAGMA integrity_check", "ok" },
		{ "SELECT count(*) FROM pragma_foreign_key_check", "0" },
	};
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		assert_string_equal(world_text(&w, kept[i].sql), kept[i].answer);
	assert_int_equal(world_try(&w, "INSERT INTO users(org) VALUES(2000)"), SQLITE_CONSTRAINT);
	assert_int_equal(world_try(&w, "INSERT INTO users(org, note) VALUES(1, 'bad')"), SQLITE_CONSTRAINT);
	assert_int_equal(world_try(&w, "INSERT INTO users(org, note) VALUES(1, 'kept1')"), SQLITE_CONSTRAINT);
	world_sql(&w, "INSERT INTO users(org, note) VALUES(1, 'new'); INSERT INTO posts VALUES(2, 1); DELETE FROM posts; DELETE "
		      "FROM users WHERE note = 'new'");
	assert_int_equal(world_int(&w, "SELECT seq FROM sqlite_sequence WHERE name = 'users'"), 4);
	assert_int_equal(left(&w), 0);
	(void)!bulla_buf_terminate(&out, NULL);
	static const char *const told[] = { "view mail_view",    "view over_view",
					    "trigger break_me",  "trigger far_away",
					    "index by_name",     "index by_part",
					    "constraint users",  "CREATE VIEW mail_view AS SELECT email FROM users",
					    "length(email) > 2", "note <> email" };
	for (size_t i = 0; i < sizeof told / sizeof *told; i++)
		if (!strstr((const char *)out.data, told[i])) fail_msg("not told: %s in %s", told[i], (const char *)out.data);
	world_close(&w);
}

static const struct {
	const char *what, *sql, *yaml, *check, *answer;
} rebuilds[] = {
	{ "hidden row ids stay",
	  "CREATE TABLE users(id TEXT PRIMARY KEY, email TEXT UNIQUE, note); INSERT INTO users(rowid, id, email, note) "
	  "VALUES(77, 'a', 'secretmail1', 'k'), (99, 'b', 'secretmail2', 'l');",
	  "index: { unique: true }", "SELECT group_concat(rowid || id || note) FROM users", "77ak,99bl" },
	{ "without rowid",
	  "CREATE TABLE users(id TEXT PRIMARY KEY, email TEXT UNIQUE, note) WITHOUT ROWID; INSERT INTO users VALUES('a', "
	  "'secretmail1', 'k');",
	  "index: { unique: true }", "SELECT sql FROM sqlite_schema WHERE name = 'users'", NULL },
	{ "strict",
	  "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, note ANY, UNIQUE(email)) STRICT; INSERT INTO users VALUES(1, "
	  "'secretmail1', 5);",
	  "index: { unique: true }", "SELECT id || note || typeof(note) FROM users", "15integer" },
	{ "scope",
	  "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, org INT, UNIQUE(org, email)); INSERT INTO users VALUES(1, "
	  "'secretmail1', 1), (2, 'secretmail1', 2);",
	  "index: { unique: true, scope: org }", "SELECT count(DISTINCT email_bidx) FROM users", "2" },
};

static void rebuilt_tables_of_other_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rebuilds / sizeof *rebuilds; i++) {
		world w;
		char yaml[512];
		snprintf(yaml, sizeof yaml,
			 "  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, %s } }\n",
			 rebuilds[i].yaml);
		world_open(&w, rebuilds[i].sql, yaml);
		world_apply(&w);
		world_verify_clean(&w);
		world_finish(&w);
		const char *answer = world_text(&w, rebuilds[i].check);
		if (rebuilds[i].answer && strcmp(answer, rebuilds[i].answer) != 0) fail_msg("%s: %s", rebuilds[i].what, answer);
		if (!rebuilds[i].answer && !strstr(answer, "WITHOUT ROWID")) fail_msg("%s: %s", rebuilds[i].what, answer);
		assert_int_equal(world_grep(&w, "secretmail", 10), 0);
		world_verify_clean(&w);
		assert_true(w.result.digest_equal);
		world_close(&w);
	}
}

/* --- taken up ---------------------------------------------------------------------------------------------------------- */

static void a_reader_of_an_old_snapshot_delays_the_end_and_loses_nothing(void **state)
{
	(void)state;
	world w;
	open_sealed(&w);
	world_verify_clean(&w);
	world_sql(&w, "BEGIN; SELECT count(*) FROM users;");
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_finish_options options = { 0 };
	assert_int_equal(bulla_job_finish(&w.job, &options, &w.result, &out, &w.err), BULLA_ERR_LOCKED);
	assert_true(w.err.next[0]);
	world_sql(&w, "COMMIT");
	assert_string_equal(world_text(&w, "SELECT phase FROM bulla_job"), "dropped");
	assert_true(left(&w) > 0);
	world_apply_fails(&w, BULLA_ERR_REFUSED); /* there is nothing to seal, and something to end */
	assert_non_null(strstr(w.err.text, "cut off"));
	assert_string_equal(w.err.next, "run: bulla finish users");
	world_finish(&w);
	assert_int_equal(left(&w), 0);
	assert_string_equal(world_text(&w, "SELECT phase FROM bulla_job"), "finished");
	world_apply(&w);
	world_finish(&w); /* once more is fine */
	world_close(&w);
}

static void steps_are_recorded(void **state)
{
	(void)state;
	world w;
	open_sealed(&w);
	world_verify_clean(&w);
	w.record_count = 0;
	world_finish(&w);
	assert_int_equal(w.record_count, 3);
	assert_string_equal(w.records[0], "JobStarted");
	assert_string_equal(w.records[1], "PlaintextDropped");
	assert_string_equal(w.records[2], "JobFinished");
	world_close(&w);
}

static void what_is_left_elsewhere_is_told(void **state)
{
	(void)state;
	world w;
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_finish_options options = { 0 };
	world_open(&w,
		   "PRAGMA journal_mode=WAL;" USERS_SQL "CREATE VIRTUAL TABLE search USING fts5(email, content='users', "
		   "content_rowid='id'); INSERT INTO search(search) VALUES('rebuild');"
		   "CREATE TABLE history(at, email); CREATE TRIGGER hist AFTER UPDATE OF note ON users BEGIN INSERT INTO history "
		   "VALUES(1, NEW.note); END;",
		   USERS_YAML);
	world_apply(&w);
	world_verify_clean(&w);
	if (bulla_job_finish(&w.job, &options, &w.result, &out, &w.err)) fail_msg("%s", w.err.text);
	(void)!bulla_buf_terminate(&out, NULL);
	static const char *const told[] = {
		"virtual table search", "column email of table history", "trigger hist", "backups", "snapshots", "swap"
	};
	for (size_t i = 0; i < sizeof told / sizeof *told; i++)
		if (!strstr((const char *)out.data, told[i])) fail_msg("not told: %s", told[i]);
	world_close(&w);
}

static void finish_tells(world *w, const char *part, bool told)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_finish_options options = { 0 };
	if (bulla_job_finish(&w->job, &options, &w->result, &out, &w->err)) fail_msg("%s", w->err.text);
	(void)!bulla_buf_terminate(&out, NULL);
	if (told != (strstr((const char *)out.data, part) != NULL)) fail_msg("%s: %s", part, (const char *)out.data);
}

/* Rewriting the file copies what other models still have in it. */
static void other_models_of_the_file_are_told_until_they_are_finished(void **state)
{
	(void)state;
	world w;
	world_open(&w,
		   "PRAGMA journal_mode=WAL;" USERS_SQL "CREATE TABLE cards(id INTEGER PRIMARY KEY, pan TEXT); INSERT INTO cards "
		   "VALUES(1, 'secretpan');",
		   USERS_YAML "  cards:\n    branch_key: { name: users }\n    fields: { pan: { type: string } }\n");
	static const char *const models[] = { "cards", "users" };
	for (size_t i = 0; i < 2; i++) {
		world_model(&w, models[i]);
		world_apply(&w);
		world_verify_clean(&w);
	}
	finish_tells(&w, "plaintext of model cards", true); /* of users */
	assert_true(world_grep(&w, "secretpan", 9) > 0);
	world_model(&w, "cards");
	finish_tells(&w, "plaintext of model", false);
	assert_int_equal(world_grep(&w, "secretpan", 9), 0);
	finish_tells(&w, "logs and temporary files", true);
	world_close(&w);
}

static void the_schema_itself_is_no_copy(void **state)
{
	(void)state;
	world w;
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_finish_options options = { 0 };
	open_sealed(&w);
	world_verify_clean(&w);
	if (bulla_job_finish(&w.job, &options, &w.result, &out, &w.err)) fail_msg("%s", w.err.text);
	(void)!bulla_buf_terminate(&out, NULL);
	assert_null(strstr((const char *)out.data, "sqlite_schema"));
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_nothing_with_a_deleted_journal),
		cmocka_unit_test(leaves_nothing_with_a_persistent_journal),
		cmocka_unit_test(leaves_nothing_with_a_truncated_journal),
		cmocka_unit_test(leaves_nothing_with_a_write_ahead_log),
		cmocka_unit_test(refuses_without_a_verification),
		cmocka_unit_test(refuses_what_changed_since),
		cmocka_unit_test(refuses_while_rows_are_in_quarantine),
		cmocka_unit_test(a_row_unsealed_before_the_lock_is_not_lost),
		cmocka_unit_test(a_row_sealed_before_the_lock_is_checked_again),
		cmocka_unit_test(rows_written_all_the_time_are_never_dropped_unchecked),
		cmocka_unit_test(writes_to_other_tables_do_not_matter),
		cmocka_unit_test(deleted_and_new_rows_before_the_lock),
		cmocka_unit_test(a_table_that_must_be_rebuilt_keeps_what_it_can),
		cmocka_unit_test(rebuilt_tables_of_other_kinds),
		cmocka_unit_test(a_reader_of_an_old_snapshot_delays_the_end_and_loses_nothing),
		cmocka_unit_test(steps_are_recorded),
		cmocka_unit_test(what_is_left_elsewhere_is_told),
		cmocka_unit_test(other_models_of_the_file_are_told_until_they_are_finished),
		cmocka_unit_test(the_schema_itself_is_no_copy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
