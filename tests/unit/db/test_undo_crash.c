/* An undo that is stopped or killed at every step, and one beside writers: rows are old or new, and none is lost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory.h"

#include "base/buf.h"
#include "io/file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SQL                                                                                                                      \
	"PRAGMA journal_mode=%s; CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL, note TEXT, name TEXT UNIQUE);"  \
	"CREATE VIEW mails AS SELECT email FROM users; CREATE TRIGGER gone AFTER DELETE ON users BEGIN SELECT OLD.name; END;"    \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 70)"                                           \
	" INSERT INTO users SELECT x, 'mail' || x, 'kept' || x, 'Name ' || x FROM c;"
#define YAML                                                                                                                     \
	"  users:\n    branch_key: { name: users }\n    fields: { email: { type: string }, name: { type: string, index: { "      \
	"unique: true } } }\n"

static const bulla_undo_options small = { .batch_rows = 16, .workers = 2 };

/* --- one world, and copies of its database at one rung ---------------------------------------------------------------- */

typedef struct rung {
	world w;
	memory before;
	bulla_buf database;
	bool finished;
} rung;

static void open_rung(rung *r, const char *mode, bool finished)
{
	char sql[1024];
	*r = (rung){ .finished = finished };
	snprintf(sql, sizeof sql, SQL, mode);
	world_open_durable(&r->w, sql, YAML);
	r->before = memory_of(&r->w, "users");
	world_apply(&r->w);
	world_verify_clean(&r->w);
	if (finished) world_finish(&r->w);
	world_sql(&r->w, "PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(bulla_file_read(r->w.path, 64u << 20, &r->database, &r->w.err), BULLA_OK);
}

static void close_rung(rung *r)
{
	memory_done(&r->before);
	bulla_buf_done(&r->database);
	world_close(&r->w);
}

/* The database as it was at that rung. */
static void rewind_rung(rung *r)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	world *w = &r->w;
	sqlite3_close(w->db);
	for (size_t i = 0; i < 4; i++) {
		char path[128];
		snprintf(path, sizeof path, "%s%s", w->path, suffixes[i]);
		(void)unlink(path);
	}
	assert_int_equal(bulla_file_write(w->path, bulla_view_buf(&r->database), 0600, false, &w->err), BULLA_OK);
	assert_int_equal(sqlite3_open(w->path, &w->db), SQLITE_OK);
	sqlite3_busy_timeout(w->db, 2000);
}

/* Sealed as it was, or back to the byte. */
static bool is_back(rung *r, const char *what)
{
	bool back = world_int(&r->w, "SELECT count(*) FROM sqlite_schema WHERE name = 'bulla_job'") == 0;
	assert_string_equal(world_text(&r->w, "PRAGMA integrity_check"), "ok");
	if (back) {
		memory_equal(&r->w, &r->before, "users", what);
	} else {
		assert_int_equal(world_int(&r->w, "SELECT count(*) FROM users WHERE email_ciphertext IS NOT NULL AND "
						  "encrypted_kms_key IS NOT NULL AND note = 'kept' || id"),
				 70);
		assert_int_equal(world_int(&r->w, "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'email'"),
				 r->finished ? 0 : 1);
	}
	return back;
}

static void end_undo(rung *r, const char *what)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	if (!is_back(r, what) && bulla_job_undo(&r->w.job, &small, &r->w.result, &out, &r->w.err))
		fail_msg("%s: %s", what, r->w.err.text);
	assert_true(is_back(r, what));
}

/* --- steps ------------------------------------------------------------------------------------------------------------- */

typedef struct stepper {
	int at, wanted; /* the step that does it */
	int pages;      /* that were opened */
	bool kill;
	atomic_bool stop;
	char name[32];
} stepper;

static void step(void *self, const char *name)
{
	stepper *s = self;
	s->pages += strcmp(name, "opened") == 0;
	if (s->at++ != s->wanted) return;
	snprintf(s->name, sizeof s->name, "%s", name);
	if (s->kill) kill(getpid(), SIGKILL);
	atomic_store(&s->stop, true);
}

static bulla_code run_steps(world *w, stepper *s)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	w->job.hook = step;
	w->job.hook_self = s;
	w->job.stop = &s->stop;
	bulla_code code = bulla_job_undo(&w->job, &small, &w->result, &out, &w->err);
	w->job.hook = NULL;
	w->job.stop = NULL;
	return code;
}

static void stopped_at_every_step(bool finished)
{
	rung r;
	int steps = 1;
	open_rung(&r, "wal", finished);
	for (int i = 0; i < steps; i++) {
		stepper s = { .wanted = i };
		char what[64];
		rewind_rung(&r);
		bulla_code code = run_steps(&r.w, &s);
		snprintf(what, sizeof what, "stopped at step %d (%s)", i, s.name);
		if (code && code != BULLA_ERR_INTERRUPTED) fail_msg("%s: %s", what, r.w.err.text);
		if (code) assert_non_null(strstr(r.w.err.next, "run the same command again"));
		if (i == 0) { /* how many steps there are when nobody stops it */
			stepper all = { .wanted = -1 };
			rewind_rung(&r);
			assert_int_equal(run_steps(&r.w, &all), BULLA_OK);
			steps = all.at;
			assert_true(steps > (finished ? 20 : 3));
		}
		end_undo(&r, what);
	}
	close_rung(&r);
}

static void stopped_at_every_step_before_finish(void **state)
{
	(void)state;
	stopped_at_every_step(false);
}

static void stopped_at_every_step_after_finish(void **state)
{
	(void)state;
	stopped_at_every_step(true);
}

/* Until the child ends by itself: then every step has been tried. */
static void killed_at_every_step(const char *mode, bool finished)
{
	rung r;
	bool ended = false;
	open_rung(&r, mode, finished);
	for (int i = 0; !ended; i++) {
		int status;
		char what[64];
		rewind_rung(&r);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			stepper s = { .wanted = i, .kill = true };
			world_reopen(&r.w);
			_exit(run_steps(&r.w, &s) != BULLA_OK);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		ended = WIFEXITED(status);
		if (ended) assert_int_equal(WEXITSTATUS(status), 0);
		snprintf(what, sizeof what, "killed at step %d, %s", i, mode);
		end_undo(&r, what);
	}
	close_rung(&r);
}

static void killed_at_every_step_before_finish(void **state)
{
	(void)state;
	killed_at_every_step("delete", false);
}

static void killed_at_every_step_after_finish(void **state)
{
	(void)state;
	killed_at_every_step("wal", true);
	killed_at_every_step("delete", true);
}

/* Whatever was opened before is not opened again. */
static void goes_on_where_it_was(void **state)
{
	(void)state;
	rung r;
	open_rung(&r, "wal", true);
	stepper s = { .wanted = 6 };
	assert_int_equal(run_steps(&r.w, &s), BULLA_ERR_INTERRUPTED);
	int64_t opened = world_int(&r.w, "SELECT count(*) FROM \"bulla_undo.users\"");
	assert_in_range(opened, 1, 69);
	stepper rest = { .wanted = -1 };
	assert_int_equal(run_steps(&r.w, &rest), BULLA_OK);
	assert_int_equal(rest.pages, (70 - opened + 15) / 16);
	close_rung(&r);
}

static int64_t staged(world *w, const char *sql)
{
	world_sql(w, sql);
	return world_int(w, "SELECT count(*) FROM \"bulla_undo.users\"");
}

/* What is opened is forgotten when anybody writes what it was opened from, and only then. */
static void a_written_row_leaves_the_stage(void **state)
{
	(void)state;
	rung r;
	open_rung(&r, "wal", true);
	stepper s = { .wanted = 18 };
	assert_int_equal(run_steps(&r.w, &s), BULLA_ERR_INTERRUPTED);
	assert_int_equal(staged(&r.w, "UPDATE users SET note = 'x' WHERE id < 10"), 70);
	assert_int_equal(staged(&r.w, "UPDATE users SET name_ciphertext = NULL WHERE id = 1"), 69);
	assert_int_equal(staged(&r.w, "UPDATE users SET email_ciphertext = email_ciphertext WHERE id = 2"), 68);
	assert_int_equal(staged(&r.w, "DELETE FROM users WHERE id IN (2, 3)"), 67);
	assert_int_equal(staged(&r.w, "INSERT OR REPLACE INTO users(id, note) VALUES(4, 'new')"), 66);
	assert_int_equal(
		staged(&r.w, "UPDATE users SET encrypted_kms_key = NULL, name_ciphertext = NULL, email_ciphertext = NULL WHERE "
			     "id = 5"),
		65);
	close_rung(&r);
}

/* Its number is in no context here, so nobody need seal it again. */
static void a_moved_row_leaves_the_stage(void **state)
{
	(void)state;
	world w;
	stepper s = { .wanted = 3 };
	world_open(
		&w,
		"PRAGMA journal_mode=WAL; CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, code TEXT);"
		"INSERT INTO users VALUES(1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z')",
		"  users:\n    branch_key: { name: users }\n    context: { model_id: \"{code}\" }\n    fields: { email: { type: "
		"string } }\n");
	world_apply(&w);
	world_verify_clean(&w);
	world_finish(&w);
	assert_int_equal(run_steps(&w, &s), BULLA_ERR_INTERRUPTED);
	assert_int_equal(staged(&w, "UPDATE users SET id = 10 WHERE id = 1"), 2);
	assert_int_equal(staged(&w, "UPDATE users SET rowid = 20 WHERE id = 2"), 1);
	stepper rest = { .wanted = -1 };
	assert_int_equal(run_steps(&w, &rest), BULLA_OK);
	assert_string_equal(world_text(&w, "SELECT group_concat(id || email) FROM users"), "3c,10a,20b");
	world_close(&w);
}

/* The stage is joined to the table once for each page: it must be found by its key, whatever the key is. */
static void the_stage_is_found_by_its_key(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *yaml, *join;
	} keys[] = {
		{ "id INTEGER PRIMARY KEY, email TEXT", "", "u.\"key:0\" = t.id" },
		{ "id INT, email TEXT, PRIMARY KEY(id DESC)", "", "u.\"key:0\" = t.rowid" },
		{ "id TEXT COLLATE NOCASE PRIMARY KEY, email TEXT) WITHOUT ROWID; CREATE TABLE other(x", "",
		  "u.\"key:0\" = t.id" },
		{ "id VARCHAR(9), n NUMERIC, b, email TEXT, PRIMARY KEY(id, n, b)) WITHOUT ROWID; CREATE TABLE other(x",
		  "    primary_key: [id, n, b]\n", "u.\"key:0\" = t.id AND u.\"key:1\" = t.n AND u.\"key:2\" = t.b" },
		{ "id ANY PRIMARY KEY, email TEXT) STRICT, WITHOUT ROWID; CREATE TABLE other(x", "", "u.\"key:0\" = t.id" },
	};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		world w;
		char sql[512], yaml[512];
		stepper s = { .wanted = 3 };
		snprintf(sql, sizeof sql, "CREATE TABLE users(%s); INSERT INTO users(id, email) VALUES('1', 'a')", keys[i].sql);
		if (strstr(keys[i].sql, "NUMERIC"))
			snprintf(sql, sizeof sql, "CREATE TABLE users(%s); INSERT INTO users VALUES('1', '2', '3', 'a')",
				 keys[i].sql);
		snprintf(yaml, sizeof yaml,
			 "  users:\n%s    branch_key: { name: users }\n    context: { model_id: \"{id}\" }\n    fields: { email: "
			 "{ type: string } }\n",
			 keys[i].yaml);
		world_open(&w, sql, yaml);
		world_apply(&w);
		world_verify_clean(&w);
		world_finish(&w);
		assert_int_equal(run_steps(&w, &s), BULLA_ERR_INTERRUPTED);
		snprintf(sql, sizeof sql,
			 "SELECT count(*) FROM (SELECT 1) WHERE EXISTS (SELECT 1 FROM users t JOIN \"bulla_undo.users\" u ON %s)",
			 keys[i].join);
		assert_int_equal(world_int(&w, sql), 1);
		snprintf(sql, sizeof sql,
			 "EXPLAIN QUERY PLAN SELECT t.email_ciphertext FROM users t LEFT JOIN \"bulla_undo.users\" u ON %s WHERE "
			 "u.lost IS NULL",
			 keys[i].join);
		if (!world_plan(&w, sql, "SEARCH u USING PRIMARY KEY")) fail_msg("%s", keys[i].sql);
		world_close(&w);
	}
}

/* --- writers ----------------------------------------------------------------------------------------------------------- */

typedef struct writer {
	world *w;
	int left, serial;
	const char *at; /* NULL: at every step outside a transaction */
	const char *sql;
	int64_t rows[200];
	char names[200][32]; /* what each row's name must be in the end; empty: gone */
} writer;

/* What an application does after finish: the whole record, sealed under a fresh key. */
static void write_sealed(writer *x, int64_t id, const char *verb)
{
	world *w = x->w;
	bulla_batch *batch;
	char text[32], mail[32], *name = x->names[id];
	snprintf(text, sizeof text, "%lld", (long long)id);
	snprintf(mail, sizeof mail, "mail%lld", (long long)id);
	snprintf(name, 32, "written %d", ++x->serial);
	bulla_cell cells[2] = { { .field = 0, .value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(mail) } },
				{ .field = 1, .value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(name) } } };
	bulla_bytes inputs[1] = { bulla_view_str(text) }, keys[1];
	bulla_row row = { .inputs = inputs, .cells = cells, .cell_count = 2, .keys = keys };
	assert_int_equal(bulla_batch_new(w->keyring, w->job.model, NULL, &batch, &w->err), BULLA_OK);
	assert_int_equal(bulla_batch_seal(batch, &row, 1, &w->err), BULLA_OK);
	sqlite3_stmt *stmt;
	char sql[256];
	snprintf(sql, sizeof sql,
		 "%s users(email_ciphertext, name_ciphertext, name_bidx, encrypted_kms_key, id, note) VALUES(?, ?, ?, ?, ?, "
		 "'new')",
		 verb);
	if (strcmp(verb, "UPDATE") == 0)
		snprintf(sql, sizeof sql,
			 "UPDATE users SET email_ciphertext = ?, name_ciphertext = ?, name_bidx = ?, encrypted_kms_key = ? WHERE "
			 "id = ?");
	assert_int_equal(sqlite3_prepare_v2(w->db, sql, -1, &stmt, NULL), SQLITE_OK);
	sqlite3_bind_blob(stmt, 1, cells[0].ciphertext.data, (int)cells[0].ciphertext.len, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, cells[1].ciphertext.data, (int)cells[1].ciphertext.len, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 3, cells[1].index.data, (int)cells[1].index.len, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 4, keys[0].data, (int)keys[0].len, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 5, id);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	bulla_batch_free(batch);
}

static void remove_row(writer *x, int64_t id)
{
	char sql[64];
	snprintf(sql, sizeof sql, "DELETE FROM users WHERE id = %lld", (long long)id);
	world_sql(x->w, sql);
	x->names[id][0] = 0;
}

/* An update, an insert, a replacement, a deletion, and a number that is used again. */
static void write_something(writer *x)
{
	int n = x->serial;
	write_sealed(x, 1 + n % 70, x->names[1 + n % 70][0] ? "UPDATE" : "INSERT INTO");
	write_sealed(x, 100 + n % 90, "INSERT OR REPLACE INTO");
	if (n % 3 == 0 && x->names[2 + n % 60][0]) remove_row(x, 2 + n % 60);
	if (n % 5 == 0 && x->names[70][0]) {
		remove_row(x, 70);
		write_sealed(x, 70, "INSERT INTO");
	}
	world_sql(x->w, "UPDATE users SET note = 'seen' WHERE id = 33");
}

static void write_beside(void *self, const char *name)
{
	writer *x = self;
	bool outside = strcmp(name, "locked") != 0 && strcmp(name, "restored") != 0 && strcmp(name, "undone") != 0;
	if (!outside || (x->at && strcmp(x->at, name) != 0) || x->left <= 0) return;
	x->left--;
	if (x->sql)
		world_sql(x->w, x->sql);
	else
		write_something(x);
}

static void begin_writer(writer *x, world *w)
{
	x->w = w;
	for (int i = 1; i <= 70; i++)
		snprintf(x->names[i], 32, "Name %d", i);
	w->job.hook = write_beside;
	w->job.hook_self = x;
}

static void check_names(writer *x)
{
	int n = 0;
	for (int id = 1; id < 200; id++) {
		char sql[128];
		if (!x->names[id][0]) continue;
		n++;
		snprintf(sql, sizeof sql, "SELECT email || '/' || name FROM users WHERE id = %d", id);
		char wanted[80];
		snprintf(wanted, sizeof wanted, "mail%d/%s", id, x->names[id]);
		assert_string_equal(world_text(x->w, sql), wanted);
	}
	assert_int_equal(world_int(x->w, "SELECT count(*) FROM users"), n);
	assert_int_equal(world_int(x->w, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bulla%'"), 0);
	assert_string_equal(world_text(x->w, "PRAGMA integrity_check"), "ok");
}

static void no_write_beside_it_is_lost(void **state)
{
	(void)state;
	for (int left = 3; left <= 27; left += 8) {
		rung r;
		writer x = { .left = left };
		BULLA_BUF_AUTO bulla_buf out = { 0 };
		open_rung(&r, "wal", true);
		begin_writer(&x, &r.w);
		if (bulla_job_undo(&r.w.job, &small, &r.w.result, &out, &r.w.err)) fail_msg("%s", r.w.err.text);
		assert_int_equal(x.left, 0);
		check_names(&x);
		close_rung(&r);
	}
}

static void writes_before_the_lock_are_opened_too(void **state)
{
	(void)state;
	rung r;
	writer x = { .left = 3, .at = "checked" };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	open_rung(&r, "wal", true);
	begin_writer(&x, &r.w);
	if (bulla_job_undo(&r.w.job, &small, &r.w.result, &out, &r.w.err)) fail_msg("%s", r.w.err.text);
	assert_int_equal(x.left, 0);
	check_names(&x);
	close_rung(&r);
}

static void writes_all_the_time_are_never_overrun(void **state)
{
	(void)state;
	rung r;
	writer x = { .left = 1000 };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	open_rung(&r, "wal", true);
	begin_writer(&x, &r.w);
	assert_int_equal(bulla_job_undo(&r.w.job, &small, &r.w.result, &out, &r.w.err), BULLA_ERR_BUSY);
	assert_true(r.w.err.next[0]);
	assert_int_equal(world_int(&r.w, "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'email'"), 0);
	r.w.job.hook = NULL;
	if (bulla_job_undo(&r.w.job, &small, &r.w.result, &out, &r.w.err)) fail_msg("%s", r.w.err.text);
	check_names(&x);
	close_rung(&r);
}

/* A connection without triggers: what was opened is no longer true, and nobody has said so. */
static void write_silently(void *self, const char *name)
{
	writer *x = self;
	if (strcmp(name, "round") != 0 || x->left-- <= 0) return;
	assert_int_equal(sqlite3_db_config(x->w->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL), SQLITE_OK);
	write_something(x);
	assert_int_equal(sqlite3_db_config(x->w->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL), SQLITE_OK);
}

static void writes_that_no_trigger_saw_are_found(void **state)
{
	(void)state;
	rung r;
	writer x = { .left = 1 };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	open_rung(&r, "wal", true);
	begin_writer(&x, &r.w);
	r.w.job.hook = write_silently;
	if (bulla_job_undo(&r.w.job, &small, &r.w.result, &out, &r.w.err)) fail_msg("%s", r.w.err.text);
	check_names(&x);
	close_rung(&r);
}

/* The same where there was nothing to open before: a value that is missing in the stage must not stay missing. */
static void fill_silently(void *self, const char *name)
{
	writer *x = self;
	if (strcmp(name, "round") != 0 || x->left-- <= 0) return;
	assert_int_equal(sqlite3_db_config(x->w->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL), SQLITE_OK);
	write_sealed(x, 5, "UPDATE");
	assert_int_equal(sqlite3_db_config(x->w->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL), SQLITE_OK);
}

static void a_first_value_that_no_trigger_saw_is_found(void **state)
{
	(void)state;
	rung r;
	writer x = { .left = 1 };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	open_rung(&r, "wal", true);
	world_sql(&r.w, "UPDATE users SET name_ciphertext = NULL, name_bidx = NULL WHERE id = 5");
	begin_writer(&x, &r.w);
	r.w.job.hook = fill_silently;
	if (bulla_job_undo(&r.w.job, &small, &r.w.result, &out, &r.w.err)) fail_msg("%s", r.w.err.text);
	assert_true(x.left < 0);
	check_names(&x);
	close_rung(&r);
}

/* What was opened is no longer what the row holds, which does not open: it is put aside, as it would be had it never been opened. */
static void damage_silently(void *self, const char *name)
{
	writer *x = self;
	if (strcmp(name, "round") != 0 || x->left-- <= 0) return;
	assert_int_equal(sqlite3_db_config(x->w->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL), SQLITE_OK);
	world_sql(x->w, "UPDATE users SET name_ciphertext = x'00' WHERE id = 5");
	assert_int_equal(sqlite3_db_config(x->w->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL), SQLITE_OK);
}

static void damage_that_no_trigger_saw_is_put_aside(void **state)
{
	(void)state;
	rung r;
	writer x = { .left = 1 };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	open_rung(&r, "wal", true);
	begin_writer(&x, &r.w);
	r.w.job.hook = damage_silently;
	if (bulla_job_undo(&r.w.job, &small, &r.w.result, &out, &r.w.err)) fail_msg("%s", r.w.err.text);
	assert_int_equal(r.w.result.quarantined, 1);
	assert_false(is_back(&r, "damaged"));
	assert_int_equal(world_int(&r.w, "SELECT count(*) FROM bulla_quarantine WHERE pk = '[5]' AND field = 'name'"), 1);
	close_rung(&r);
}

/* Before finish the application may write plaintext alone, or both: the plaintext stays. */
static void plaintext_written_before_the_lock_stays(void **state)
{
	(void)state;
	rung r;
	writer x = { .left = 2, .at = "checked", .sql = "UPDATE users SET name = 'too late ' || id WHERE id = 7" };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	open_rung(&r, "wal", false);
	begin_writer(&x, &r.w);
	if (bulla_job_undo(&r.w.job, &small, &r.w.result, &out, &r.w.err)) fail_msg("%s", r.w.err.text);
	snprintf(x.names[7], 32, "too late 7");
	check_names(&x);
	close_rung(&r);
}

/* --- one at a time ------------------------------------------------------------------------------------------------------ */

static void try_others(void *self, const char *name)
{
	world *w = self;
	bulla_job second = w->job;
	bulla_job_result result;
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_finish_options options = { 0 };
	if (strcmp(name, "opened") != 0) return;
	second.hook = NULL;
	assert_int_equal(bulla_job_undo(&second, NULL, &result, &out, &err), BULLA_ERR_BUSY);
	assert_int_equal(bulla_job_finish(&second, &options, &result, &out, &err), BULLA_ERR_BUSY);
}

static void others_are_told_to_wait(void **state)
{
	(void)state;
	rung r;
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	open_rung(&r, "wal", true);
	r.w.job.hook = try_others;
	r.w.job.hook_self = &r.w;
	if (bulla_job_undo(&r.w.job, &small, &r.w.result, &out, &r.w.err)) fail_msg("%s", r.w.err.text);
	memory_equal(&r.w, &r.before, "users", "others");
	close_rung(&r);
}

static void steal(void *self, const char *name)
{
	if (strcmp(name, "checked") == 0) world_sql(self, "UPDATE bulla_job SET owner = 'thief/x/y 1 1 z'");
}

static void a_run_that_lost_its_lease_changes_nothing_more(void **state)
{
	(void)state;
	for (int finished = 0; finished < 2; finished++) {
		rung r;
		BULLA_BUF_AUTO bulla_buf out = { 0 };
		open_rung(&r, "wal", finished);
		r.w.job.hook = steal;
		r.w.job.hook_self = &r.w;
		assert_int_equal(bulla_job_undo(&r.w.job, &small, &r.w.result, &out, &r.w.err), BULLA_ERR_BUSY);
		assert_false(is_back(&r, "stolen"));
		close_rung(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stopped_at_every_step_before_finish),
		cmocka_unit_test(stopped_at_every_step_after_finish),
		cmocka_unit_test(killed_at_every_step_before_finish),
		cmocka_unit_test(killed_at_every_step_after_finish),
		cmocka_unit_test(goes_on_where_it_was),
		cmocka_unit_test(a_written_row_leaves_the_stage),
		cmocka_unit_test(a_moved_row_leaves_the_stage),
		cmocka_unit_test(the_stage_is_found_by_its_key),
		cmocka_unit_test(no_write_beside_it_is_lost),
		cmocka_unit_test(writes_before_the_lock_are_opened_too),
		cmocka_unit_test(writes_all_the_time_are_never_overrun),
		cmocka_unit_test(writes_that_no_trigger_saw_are_found),
		cmocka_unit_test(a_first_value_that_no_trigger_saw_is_found),
		cmocka_unit_test(damage_that_no_trigger_saw_is_put_aside),
		cmocka_unit_test(plaintext_written_before_the_lock_stays),
		cmocka_unit_test(others_are_told_to_wait),
		cmocka_unit_test(a_run_that_lost_its_lease_changes_nothing_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
