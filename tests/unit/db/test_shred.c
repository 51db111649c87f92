/* A subject ends: refused where it must not, taken up wherever it was killed, proven, and nothing of others is harmed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "core/branch.h"
#include "crypto/sign.h"
#include "db/report.h"
#include "db/shred.h"
#include "io/file.h"
#include "store/store.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SQL                                                                                                                      \
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT);"                                                     \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 40)"                                           \
	" INSERT INTO users SELECT x, 'secretmail' || x, 'Secretname ' || x FROM c;"                                             \
	"CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER, address TEXT);"                                            \
	"INSERT INTO orders SELECT 100 * a.id + b.id, a.id, 'Secret street ' || b.id FROM users a JOIN users b ON b.id <= 3;"    \
	"CREATE TABLE notes(id INTEGER PRIMARY KEY, tenant TEXT, body TEXT);"                                                    \
	"INSERT INTO notes SELECT id, 't' || (id % 4), 'secret note ' || id FROM users;"                                         \
	"CREATE TABLE plain(id INTEGER PRIMARY KEY, body TEXT);"                                                                 \
	"INSERT INTO plain SELECT id, 'secret body ' || id FROM users;"                                                          \
	"CREATE TABLE common(id INTEGER PRIMARY KEY, body TEXT);"                                                                \
	"INSERT INTO common SELECT id, 'secret common ' || id FROM users;"
#define YAML                                                                                                                     \
	"  users:\n    branch_key: { name: \"user:{id}\", under: all }\n"                                                        \
	"    fields: { email: { type: string, index: {} }, name: { type: string } }\n"                                           \
	"  orders:\n    branch_key: { name: \"user:{user_id}\", under: all }\n    fields: { address: { type: string } }\n"       \
	"  notes:\n    branch_key: { name: \"tenant:{tenant}\" }\n    fields: { body: { type: string } }\n"                      \
	"  plain:\n    fields: { body: { type: string, index: {} } }\n"                                                          \
	"  common:\n    data_key: table\n    fields: { body: { type: string } }\n"

enum { USERS, ORDERS, NOTES, PLAIN, COMMON, MODELS };
static const char *const names[] = { "users", "orders", "notes", "plain", "common" };

/* --- a keeper without records -------------------------------------------------------------------------------------- */
typedef struct scene {
	world w;
	bulla_branch_keeper keeper;
	bulla_job jobs[MODELS];
	bulla_shred_result result;
	bulla_shred_options options;
	int64_t closed_us, destroyed_us; /* of whichever branch was moved last */
	char steps[512];
	const char *kill_at; /* a step in which the process is killed */
	void (*at_step)(struct scene *s, const char *step);
} scene;

static bulla_code look(void *self, const bulla_branch_row *row, bulla_error *err)
{
	bulla_branch_fate *fate = self;
	(void)err;
	if (fate->versions++ == 0 || row->state < fate->state) fate->state = row->state;
	return BULLA_OK;
}

static bulla_code fate_of(void *self, bulla_bytes identity, bulla_branch_fate *ret, bulla_error *err)
{
	scene *s = self;
	*ret = (bulla_branch_fate){ .closed_us = s->closed_us, .destroyed_us = s->destroyed_us };
	return s->w.branches.versions(s->w.branches.self, identity, look, ret, err);
}

static bulla_code do_close(void *self, bulla_bytes identity, bulla_error *err)
{
	scene *s = self;
	TRY(s->w.branches.set_state(s->w.branches.self, identity, BULLA_BRANCH_ACTIVE, BULLA_BRANCH_CLOSING, err));
	if (!s->closed_us) s->closed_us = bulla_now_us(NULL);
	return BULLA_OK;
}

static bulla_code do_reopen(void *self, bulla_bytes identity, bulla_error *err)
{
	scene *s = self;
	s->closed_us = 0;
	return s->w.branches.set_state(s->w.branches.self, identity, BULLA_BRANCH_CLOSING, BULLA_BRANCH_ACTIVE, err);
}

static bulla_code do_destroy(void *self, bulla_bytes identity, bool closed, bulla_error *err)
{
	scene *s = self;
	bulla_branch_fate fate;
	TRY(fate_of(s, identity, &fate, err));
	if (fate.state == BULLA_BRANCH_DESTROYED) return BULLA_OK;
	if (closed && fate.state == BULLA_BRANCH_ACTIVE) return bulla_fail(err, BULLA_ERR_CONFLICT, "it is not closed");
	TRY(s->w.branches.set_state(s->w.branches.self, identity, fate.state, BULLA_BRANCH_DESTROYED, err));
	s->destroyed_us = bulla_now_us(NULL);
	return BULLA_OK;
}

static bulla_branch_state state_of(scene *s, const char *scope, const char *part)
{
	BULLA_BUF_AUTO bulla_buf identity = { 0 };
	bulla_bytes value = bulla_view_str(part);
	bulla_branch_fate fate;
	assert_int_equal(bulla_branch_identity(BULLA_BRANCH_RECORD, bulla_view_str(scope), &value, 1, &identity, NULL), BULLA_OK);
	assert_int_equal(fate_of(s, bulla_view_buf(&identity), &fate, NULL), BULLA_OK);
	return fate.state;
}

/* --- the scene ------------------------------------------------------------------------------------------------------ */
static void at_step(void *self, const char *step)
{
	scene *s = self;
	size_t at = strlen(s->steps);
	snprintf(s->steps + at, sizeof s->steps - at, "%s ", step);
	if (s->kill_at && strcmp(s->kill_at, step) == 0) (void)raise(SIGKILL);
	if (s->at_step) s->at_step(s, step);
}

static void set_up_jobs(scene *s)
{
	s->w.job.hook = at_step;
	s->w.job.hook_self = s;
	for (size_t i = 0; i < MODELS; i++) {
		s->jobs[i] = s->w.job;
		assert_int_equal(bulla_schema_model(s->w.schema, names[i], &s->jobs[i].model, NULL), BULLA_OK);
	}
	s->keeper = (bulla_branch_keeper){
		.store = &s->w.branches, .fate = fate_of, .close = do_close, .reopen = do_reopen, .destroy = do_destroy, .self = s
	};
}

static void finish_model(scene *s, size_t model)
{
	s->w.job.model = s->jobs[model].model;
	world_apply(&s->w);
	world_verify_clean(&s->w);
	world_finish(&s->w);
}

static scene finished; /* every model is */

static int make_finished(void **state)
{
	(void)state;
	world_open_durable(&finished.w, SQL, YAML);
	set_up_jobs(&finished);
	for (size_t i = 0; i < MODELS; i++)
		finish_model(&finished, i);
	return 0;
}

static int end_finished(void **state)
{
	(void)state;
	world_close(&finished.w);
	return 0;
}

/* `mode`: of the journal; NULL: nothing is sealed yet. */
static void open_scene(scene *s, const char *mode)
{
	char sql[64];
	*s = (scene){ 0 };
	if (mode)
		world_open_beside(&s->w, &finished.w);
	else
		world_open_durable(&s->w, SQL, YAML);
	snprintf(sql, sizeof sql, "PRAGMA journal_mode=%s", mode ? mode : "wal");
	world_sql(&s->w, sql);
	set_up_jobs(s);
}

static void close_scene(scene *s)
{
	bulla_shred_result_done(&s->result);
	world_close(&s->w);
}

static bulla_code run(scene *s)
{
	s->options.jobs = s->jobs;
	s->options.job_count = MODELS;
	s->options.keeper = &s->keeper;
	s->options.neighbours = 10;
	s->w.err = (bulla_error){ 0 };
	bulla_shred_result_done(&s->result);
	return bulla_job_shred(&s->options, &s->result, &s->w.err);
}

static bulla_code shred_record(scene *s, size_t model, const char *id)
{
	bulla_bytes pk = bulla_view_str(id);
	s->options.model = model;
	s->options.pk = &pk;
	s->options.pk_count = 1;
	s->options.branch = NULL;
	return run(s);
}

static bulla_code shred_branch(scene *s, const char *branch)
{
	s->options.model = BULLA_NO_RECORD;
	s->options.branch = branch;
	return run(s);
}

static void assert_done(scene *s, bulla_code code)
{
	if (code) fail_msg("%s: %s (%s)", bulla_code_name(code), s->w.err.text, s->w.err.next);
}

static void assert_refused(scene *s, bulla_code code, const char *text, const char *next)
{
	if (code != BULLA_ERR_REFUSED || !strstr(s->w.err.text, text) || !strstr(s->w.err.next, next))
		fail_msg("%s: %s (%s)", bulla_code_name(code), s->w.err.text, s->w.err.next);
}

static int64_t count(scene *s, const char *table, const char *where)
{
	char sql[512];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM %s WHERE %s", table, where);
	return world_int(&s->w, sql);
}

#define EMPTY_USER  "email_ciphertext IS NULL AND name_ciphertext IS NULL AND email_bidx IS NULL AND encrypted_kms_key IS NULL"
#define EMPTY_ORDER "address_ciphertext IS NULL AND encrypted_kms_key IS NULL"

static void verify(scene *s, size_t model)
{
	s->w.job.model = s->jobs[model].model;
	world_verify(&s->w);
}

static bulla_code ignore(void *self, const char *const *columns, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)columns, (void)values, (void)n, (void)err;
	++*(size_t *)self;
	return BULLA_OK;
}

static bulla_exported export(scene *s, size_t model)
{
	bulla_exported done;
	size_t n = 0;
	assert_int_equal(bulla_job_export(&s->jobs[model], ignore, &n, &done, &s->w.err), BULLA_OK);
	return done;
}

/* `status` says so, with the key store at hand and without. */
static void assert_status(scene *s, size_t model, const char *shredded)
{
	for (int known = 0; known < 2; known++) {
		BULLA_BUF_AUTO bulla_buf out = { 0 };
		s->jobs[model].branches = known ? &s->w.branches : NULL;
		assert_int_equal(bulla_job_status(&s->jobs[model], &out, &s->w.err), BULLA_OK);
		if (!memmem(out.data, out.len, shredded, strlen(shredded)))
			fail_msg("%.*s", (int)out.len, (const char *)out.data);
	}
}

/* --- one subject, all of it ------------------------------------------------------------------------------------------- */
static void check_report(scene *s, const char *text)
{
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	uint8_t key[32];
	assert_int_equal(bulla_file_read(s->result.report, 1 << 20, &line, &s->w.err), BULLA_OK);
	assert_int_equal(bulla_ed25519_public(s->w.job.sign_seed, key, NULL), BULLA_OK);
	assert_int_equal(bulla_report_check(bulla_view_buf(&line), key, &s->w.err), BULLA_OK);
	if (!memmem(line.data, line.len, text, strlen(text))) fail_msg("%.*s", (int)line.len, (const char *)line.data);
	assert_null(memmem(line.data, line.len, "secretmail", 10));
	line.data[20] ^= 1;
	assert_int_equal(bulla_report_check(bulla_view_buf(&line), key, NULL), BULLA_ERR_AUTH);
}

static void check_ended(scene *s)
{
	assert_int_equal(count(s, "users", "id = 2 AND " EMPTY_USER), 1);
	assert_int_equal(count(s, "orders", "user_id = 2 AND " EMPTY_ORDER), 3);
	assert_int_equal(count(s, "users", "email_ciphertext IS NOT NULL AND email_bidx IS NOT NULL"), 39);
	assert_int_equal(count(s, "orders", "address_ciphertext IS NOT NULL"), 117);
	bulla_keyring_forget(s->w.keyring);
	for (size_t i = 0; i < MODELS; i++) {
		verify(s, i);
		assert_int_equal(s->w.result.quarantined, 0);
		assert_int_equal(s->w.result.done, s->w.result.rows);
		assert_int_equal(export(s, i).failed, 0);
	}
	assert_string_equal(world_text(&s->w, "PRAGMA integrity_check"), "ok");
}

static void a_subject_ends(const char *mode)
{
	scene s;
	open_scene(&s, mode);
	int64_t before = bulla_now_us(NULL);
	bulla_bytes pk = bulla_view_str("2");
	size_t n = 0;
	s.options.retention_ms = 86400000;
	/* it is in the cache of this process */
	assert_int_equal(bulla_job_get(&s.jobs[USERS], &pk, 1, NULL, 0, ignore, &n, &s.w.err), BULLA_OK);
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_int_equal(s.result.state, BULLA_BRANCH_DESTROYED);
	assert_true(bulla_bytes_is(bulla_view_buf(&s.result.branch), "user:2"));
	assert_int_equal(s.result.rows, 4); /* with the orders, which hang from the same branch */
	assert_int_equal(s.result.cleared, 4);
	assert_int_equal(s.result.refused, 0);
	assert_int_equal(s.result.proven, 4);
	assert_int_equal(s.result.still_open, 0);
	assert_int_equal(s.result.neighbours, 20);
	assert_int_equal(s.result.lost, 0);
	assert_true(s.result.gone_us == s.result.destroyed_us + 86400 * 1000000ll && s.result.destroyed_us >= before);
	assert_string_equal(s.steps, "closed noted destroyed proven cleared cleared cleared cleared purged ");
	assert_string_equal(s.w.records[0], "ShredProof");
	assert_string_equal(s.w.records[1], "RecordShredded");
	check_ended(&s);
	check_report(&s, "\"branch\":\"user:2\"");
	check_report(&s, "the blind index of users.email");
	/* nothing can be written for it any more */
	BULLA_BUF_AUTO bulla_buf tombstones = { 0 };
	assert_int_equal(bulla_job_tombstones(&s.jobs[USERS], &tombstones, &s.w.err), BULLA_OK);
	assert_int_equal(tombstones.len, 8);
	/* again: nothing is left to do, and that is said */
	s.steps[0] = 0;
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_int_equal(s.result.rows, 0);
	assert_int_equal(s.result.cleared, 4);
	assert_int_equal(s.result.neighbours, 20);
	assert_null(strstr(s.steps, "purged"));
	check_ended(&s);
	close_scene(&s);
}

static void a_subject_ends_with_a_journal(void **state)
{
	(void)state;
	a_subject_ends("delete");
}

static void a_subject_ends_with_a_write_ahead_log(void **state)
{
	(void)state;
	a_subject_ends("wal");
}

static bulla_code destroy_nothing(void *self, bulla_bytes identity, bool closed, bulla_error *err)
{
	(void)self, (void)identity, (void)closed, (void)err;
	return BULLA_OK;
}

/* The proof is one: where the key is not gone, it says so. */
static void a_proof_that_fails_is_told(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	s.keeper.destroy = destroy_nothing;
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_int_equal(s.result.proven, 0);
	assert_int_equal(s.result.still_open, 4);
	check_report(&s, "\"still_open\":1");
	close_scene(&s);
}

/* The row was deleted already: its branch is destroyed all the same, and the orders go. */
static void a_row_that_is_gone(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	world_sql(&s.w, "DELETE FROM users WHERE id = 2");
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_int_equal(s.result.cleared, 3);
	assert_int_equal(shred_record(&s, ORDERS, "999"), BULLA_ERR_NOT_FOUND); /* of which branch? */
	assert_non_null(strstr(s.w.err.next, "--branch"));
	assert_int_equal(shred_record(&s, USERS, "999"), BULLA_ERR_NOT_FOUND);
	assert_non_null(strstr(s.w.err.text, "user:999"));
	close_scene(&s);
}

/* --- waiting ---------------------------------------------------------------------------------------------------------- */
static bulla_code code_of_new_note(scene *s, const char *tenant)
{
	bulla_batch *batch = NULL;
	bulla_bytes inputs[] = { bulla_view_str("1000"), bulla_view_str(tenant) }, key;
	bulla_cell cell = { .value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("new") } };
	bulla_row row = { .inputs = inputs, .cells = &cell, .cell_count = 1, .keys = &key };
	bulla_keyring_forget(s->w.keyring);
	assert_int_equal(bulla_batch_new(s->w.keyring, s->jobs[NOTES].model, NULL, &batch, NULL), BULLA_OK);
	assert_int_equal(bulla_batch_seal(batch, &row, 1, NULL), BULLA_OK);
	bulla_batch_free(batch);
	return row.code;
}

static void it_waits_for_max_age(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	s.keeper.max_age_ms = 60000;
	assert_done(&s, shred_branch(&s, "tenant:t1"));
	assert_int_equal(s.result.state, BULLA_BRANCH_CLOSING);
	assert_int_equal(s.result.ready_us, s.closed_us + 60 * 1000000ll);
	assert_int_equal(s.result.rows, 10);
	assert_string_equal(s.steps, "closed ");
	assert_int_equal(count(&s, "notes", "body_ciphertext IS NULL"), 0);
	verify(&s, NOTES);
	assert_int_equal(s.w.result.done, 40); /* all are readable until then */
	assert_int_equal(code_of_new_note(&s, "t1"), BULLA_ERR_KEY_CLOSING);
	assert_int_equal(code_of_new_note(&s, "t2"), BULLA_OK);
	assert_done(&s, shred_branch(&s, "tenant:t1")); /* too early */
	assert_int_equal(s.result.state, BULLA_BRANCH_CLOSING);
	s.closed_us -= 60 * 1000000ll;
	assert_done(&s, shred_branch(&s, "tenant:t1"));
	assert_int_equal(s.result.state, BULLA_BRANCH_DESTROYED);
	assert_int_equal(s.result.cleared, 10);
	assert_int_equal(code_of_new_note(&s, "t1"), BULLA_ERR_KEY_DESTROYED);
	close_scene(&s);
}

/* An application that holds the key goes on with it until max_age is over. */
static void write_more(scene *s, const char *step)
{
	if (strcmp(step, "closed") == 0)
		world_sql(&s->w, "INSERT INTO notes(id, tenant, body_ciphertext, encrypted_kms_key) SELECT id + 1000, tenant,"
				 " body_ciphertext, encrypted_kms_key FROM notes WHERE id = 1");
}

static void it_waits_itself(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	s.keeper.max_age_ms = 300;
	s.options.wait = true;
	s.at_step = write_more;
	assert_done(&s, shred_branch(&s, "tenant:t1"));
	assert_int_equal(s.result.state, BULLA_BRANCH_DESTROYED);
	assert_int_equal(s.result.rows, 11);
	assert_int_equal(s.result.cleared, 11);
	assert_true(s.destroyed_us - s.closed_us >= 300000);
	close_scene(&s);
}

static void a_wait_can_be_stopped_and_taken_back(void **state)
{
	(void)state;
	scene s;
	atomic_bool stop = true;
	open_scene(&s, "wal");
	s.keeper.max_age_ms = 60000;
	s.options.wait = true;
	for (size_t i = 0; i < MODELS; i++)
		s.jobs[i].stop = &stop;
	assert_int_equal(shred_branch(&s, "tenant:t1"), BULLA_ERR_INTERRUPTED);
	assert_non_null(strstr(s.w.err.next, "--cancel"));
	stop = false;
	s.options.cancel = true;
	assert_done(&s, shred_branch(&s, "tenant:t1"));
	assert_int_equal(s.result.state, BULLA_BRANCH_ACTIVE);
	assert_int_equal(code_of_new_note(&s, "t1"), BULLA_OK);
	/* what is destroyed does not come back */
	s.options.cancel = s.options.wait = false;
	s.keeper.max_age_ms = 0;
	assert_done(&s, shred_branch(&s, "tenant:t1"));
	s.options.cancel = true;
	assert_int_equal(shred_branch(&s, "tenant:t1"), BULLA_ERR_KEY_DESTROYED);
	close_scene(&s);
}

/* --- refused ------------------------------------------------------------------------------------------------------------ */
static void nothing_is_closed_before_finish(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, NULL);
	for (size_t i = 0; i < MODELS; i++) {
		s.w.job.model = s.jobs[i].model;
		world_apply(&s.w);
	}
	assert_refused(&s, shred_record(&s, USERS, "2"), "still has its plaintext", "bulla finish users");
	world_model(&s.w, "users");
	world_verify_clean(&s.w);
	world_finish(&s.w);
	assert_refused(&s, shred_record(&s, USERS, "2"), "still has its plaintext", "bulla finish orders");
	s.options.erase = true;
	assert_refused(&s, shred_record(&s, PLAIN, "2"), "still has its plaintext", "bulla finish plain");
	s.options.erase = false;
	assert_int_equal(state_of(&s, "user:{}", "2"), BULLA_BRANCH_ACTIVE);
	close_scene(&s);
}

static void what_is_no_shred_is_refused(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	assert_refused(&s, shred_record(&s, COMMON, "2"), "share one data key (data_key: table)", "branch_key");
	assert_refused(&s, shred_record(&s, PLAIN, "2"), "no branch key", "--erase");
	assert_refused(&s, shred_record(&s, NOTES, "2"), "10 records go with it", "--branch tenant:t2");
	assert_refused(&s, shred_record(&s, ORDERS, "201"), "4 records go with it", "--branch user:2");
	assert_refused(&s, shred_branch(&s, "index:users/email"), "is an index key", "branch of the records");
	assert_int_equal(shred_branch(&s, "tenant:t9"), BULLA_ERR_NOT_FOUND);
	s.options.erase = true;
	assert_refused(&s, shred_record(&s, COMMON, "2"), "share one data key", "branch_key");
	assert_refused(&s, shred_record(&s, USERS, "2"), "have a branch key", "without --erase");
	assert_int_equal(shred_record(&s, PLAIN, "99"), BULLA_ERR_NOT_FOUND);
	s.options.erase = false;
	s.jobs[USERS].sign_seed = NULL;
	assert_refused(&s, shred_record(&s, USERS, "2"), "no key to sign", "");
	assert_int_equal(count(&s, "users", "email_ciphertext IS NULL"), 0);
	assert_string_equal(s.steps, "");
	close_scene(&s);
}

static void two_branches_of_one_print(void **state)
{
	(void)state;
	scene s;
	BULLA_BUF_AUTO bulla_buf identity = { 0 };
	open_scene(&s, "wal");
	assert_int_equal(bulla_branch_identity(BULLA_BRANCH_RECORD, bulla_view_str("user:2"), NULL, 0, &identity, NULL),
			 BULLA_OK);
	bulla_branch_row row = { .identity = bulla_view_buf(&identity),
				 .print = bulla_view_str("user:2"),
				 .version = 77,
				 .state = BULLA_BRANCH_ACTIVE };
	assert_int_equal(s.w.branches.create(s.w.branches.self, &row, 1, NULL), BULLA_OK);
	assert_refused(&s, shred_branch(&s, "user:2"), "two branches are written user:2", "MODEL ID");
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_int_equal(s.result.cleared, 4);
	close_scene(&s);
}

/* A row of the subject that was sealed under another key would outlive it. */
static void strays_are_noticed(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	world_sql(
		&s.w,
		"DROP TRIGGER \"bulla_guard.orders\"; UPDATE orders SET encrypted_kms_key = (SELECT encrypted_kms_key FROM plain"
		" WHERE id = 1) WHERE id = 201");
	assert_refused(&s, shred_record(&s, USERS, "2"), "1 rows of orders", "bulla rotate orders --wrap");
	assert_string_equal(s.steps, "");
	close_scene(&s);
}

static void shred_beside(scene *s, const char *step)
{
	scene other = *s;
	if (strcmp(step, "cleared") != 0) return;
	s->at_step = other.at_step = NULL;
	other.result = (bulla_shred_result){ 0 };
	for (size_t i = 0; i < MODELS; i++)
		other.jobs[i].hook = NULL;
	assert_int_equal(shred_record(&other, USERS, "3"), BULLA_ERR_BUSY);
	assert_int_equal(state_of(s, "user:{}", "3"), BULLA_BRANCH_ACTIVE);
	bulla_shred_result_done(&other.result);
	strcat(s->steps, "busy ");
}

static void not_beside_another_job(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	s.at_step = shred_beside;
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_non_null(strstr(s.steps, "busy"));
	assert_done(&s, shred_record(&s, USERS, "3"));
	close_scene(&s);
}

/* --- branches that others hang from --------------------------------------------------------------------------------------- */
static void a_branch_goes_with_those_below(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	assert_done(&s, shred_branch(&s, "all"));
	assert_int_equal(s.result.below, 40);
	assert_int_equal(s.result.cleared, 160);
	assert_int_equal(count(&s, "users", EMPTY_USER), 40);
	assert_int_equal(count(&s, "orders", EMPTY_ORDER), 120);
	assert_int_equal(count(&s, "notes", "body_ciphertext IS NULL"), 0);
	BULLA_BUF_AUTO bulla_buf tombstones = { 0 };
	assert_int_equal(bulla_job_tombstones(&s.jobs[USERS], &tombstones, &s.w.err), BULLA_OK);
	assert_int_equal(tombstones.len, 8 * 41);
	close_scene(&s);
}

/* --- rows that do not let themselves be cleared ----------------------------------------------------------------------------- */
static void what_the_table_refuses_is_told(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	world_sql(&s.w, "CREATE TRIGGER mine BEFORE UPDATE ON orders WHEN OLD.id = 202 BEGIN SELECT RAISE(ABORT, 'no'); END");
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_int_equal(s.result.cleared, 3);
	assert_int_equal(s.result.refused, 1);
	assert_int_equal(count(&s, "orders", "id = 202 AND address_ciphertext IS NOT NULL"), 1);
	/* it does not open, and is no case for the quarantine */
	bulla_keyring_forget(s.w.keyring);
	verify(&s, ORDERS);
	assert_int_equal(s.w.result.shredded, 1);
	assert_int_equal(s.w.result.quarantined, 0);
	assert_int_equal(s.w.result.done, 119);
	assert_status(&s, ORDERS, "\"shredded\":{\"rows\":1,\"cleared\":2}");
	bulla_exported done = export(&s, ORDERS);
	assert_true(done.rows == 119 && done.shredded == 1 && done.failed == 0);
	bulla_bytes pk = bulla_view_str("202");
	size_t n = 0;
	assert_int_equal(bulla_job_get(&s.jobs[ORDERS], &pk, 1, NULL, 0, ignore, &n, &s.w.err), BULLA_ERR_KEY_DESTROYED);
	assert_non_null(strstr(s.w.err.text, "was shredded"));
	/* the trigger is gone: the next run clears what is left */
	world_sql(&s.w, "DROP TRIGGER mine");
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_int_equal(s.result.cleared, 4);
	assert_int_equal(s.result.proven, 1);
	check_ended(&s);
	close_scene(&s);
}

/* Rows that came back with a backup of the data are under the tombstone: counted, passed over by a search, cleared by the next run. */
static void rows_from_a_backup(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	world_sql(&s.w, "CREATE TABLE backup AS SELECT * FROM users WHERE id = 2");
	assert_done(&s, shred_record(&s, USERS, "2"));
	world_sql(&s.w, "UPDATE users SET (email_ciphertext, name_ciphertext, email_bidx, encrypted_kms_key) = (SELECT"
			" email_ciphertext, name_ciphertext, email_bidx, encrypted_kms_key FROM backup) WHERE id = 2");
	bulla_keyring_forget(s.w.keyring);
	verify(&s, USERS);
	assert_int_equal(s.w.result.shredded, 1);
	assert_int_equal(s.w.result.quarantined, 0);
	assert_status(&s, USERS, "\"shredded\":{\"rows\":1,\"cleared\":1}");
	assert_status(&s, NOTES, "\"shredded\":{\"rows\":0,\"cleared\":0}");
	const bulla_field *field = NULL;
	uint64_t hits = 0, others = 0;
	size_t n = 0;
	bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("secretmail2") };
	assert_int_equal(bulla_model_field(s.jobs[USERS].model, "email", &field, NULL), BULLA_OK);
	assert_int_equal(bulla_job_search(&s.jobs[USERS], field, &value, ignore, &n, &hits, &others, &s.w.err), BULLA_OK);
	assert_true(hits == 0 && others == 0);
	world_sql(&s.w, "INSERT INTO bulla_quarantine VALUES('users', '[2]', '', 'key_destroyed', 'verify:x', 1)");
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_int_equal(s.result.proven, 1);
	assert_int_equal(count(&s, "bulla_quarantine", "1"), 0);
	world_sql(&s.w, "DROP TABLE backup");
	check_ended(&s);
	close_scene(&s);
}

/* A key that is gone and left no tombstone is a loss. */
static void a_loss_is_no_shred(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	sqlite3 *store = NULL;
	char path[128];
	snprintf(path, sizeof path, "%s/keys/kms.db", s.w.dir);
	assert_int_equal(sqlite3_open(path, &store), SQLITE_OK);
	assert_int_equal(sqlite3_exec(store, "DELETE FROM bulla_branch WHERE print = 'user:2'", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(store);
	bulla_keyring_forget(s.w.keyring);
	verify(&s, USERS);
	assert_int_equal(s.w.result.shredded, 0);
	assert_int_equal(s.w.result.quarantined, 1);
	assert_int_equal(export(&s, USERS).failed, 1);
	close_scene(&s);
}

/* As long as there is plaintext it is the truth: a dead ciphertext beside it is one that has to be sealed anew. */
static void plaintext_is_never_shredded_by_accident(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, NULL);
	s.w.job.model = s.jobs[NOTES].model;
	world_apply(&s.w);
	bulla_bytes part = bulla_view_str("t1");
	BULLA_BUF_AUTO bulla_buf identity = { 0 };
	assert_int_equal(bulla_branch_identity(BULLA_BRANCH_RECORD, bulla_view_str("tenant:{}"), &part, 1, &identity, NULL),
			 BULLA_OK);
	assert_int_equal(do_destroy(&s, bulla_view_buf(&identity), false, NULL), BULLA_OK);
	bulla_keyring_forget(s.w.keyring);
	verify(&s, NOTES);
	assert_int_equal(s.w.result.shredded, 0);
	assert_int_equal(s.w.result.quarantined, 10);
	assert_int_equal(export(&s, NOTES).failed, 10);
	close_scene(&s);
}

/* --- columns --------------------------------------------------------------------------------------------------------------- */
static void index_columns_of_earlier_versions_go(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	world_sql(&s.w, "ALTER TABLE users ADD COLUMN email_bidx_v7 BLOB; ALTER TABLE users ADD COLUMN email_bidx_value BLOB;"
			"UPDATE users SET email_bidx_v7 = x'0102', email_bidx_value = x'03'");
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_int_equal(count(&s, "users", "email_bidx_v7 IS NULL AND id = 2"), 1);
	assert_int_equal(count(&s, "users", "email_bidx_v7 IS NULL"), 1);
	assert_int_equal(count(&s, "users", "email_bidx_value IS NULL"), 0);
	close_scene(&s);
}

static void sealed_columns_in_a_side_table(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, NULL);
	for (size_t i = 0; i < MODELS; i++) {
		bulla_apply_options options = { .side_table = i == USERS || i == PLAIN };
		s.w.job.model = s.jobs[i].model;
		assert_done(&s, bulla_job_apply(&s.w.job, &options, &s.w.result, &s.w.err));
		world_verify_clean(&s.w);
		world_finish(&s.w);
	}
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_int_equal(s.result.cleared, 4);
	assert_int_equal(count(&s, "users_bulla", "id = 2 AND " EMPTY_USER), 1);
	assert_int_equal(count(&s, "users_bulla", "email_ciphertext IS NULL"), 1);
	s.options.erase = true;
	assert_done(&s, shred_record(&s, PLAIN, "3"));
	assert_int_equal(count(&s, "plain_bulla", "body_ciphertext IS NULL"), 1);
	close_scene(&s);
}

/* --- erasing ----------------------------------------------------------------------------------------------------------------- */
static void read_blob(scene *s, const char *sql, bulla_buf *out)
{
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_prepare_v2(s->w.db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	bulla_bytes bytes = bulla_view(sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
	assert_int_equal(bulla_buf_add(out, bytes, NULL), BULLA_OK);
	sqlite3_finalize(stmt);
}

static void a_record_is_erased(const char *mode)
{
	scene s;
	BULLA_BUF_AUTO bulla_buf ciphertext = { 0 }, index = { 0 };
	open_scene(&s, mode);
	read_blob(&s, "SELECT body_ciphertext FROM plain WHERE id = 2", &ciphertext);
	read_blob(&s, "SELECT body_bidx FROM plain WHERE id = 2", &index);
	s.options.erase = true;
	assert_done(&s, shred_record(&s, PLAIN, "2"));
	assert_int_equal(s.result.cleared, 1);
	assert_int_equal(s.result.neighbours, 10);
	assert_int_equal(s.result.gone_us, 0);
	assert_string_equal(s.steps, "cleared purged ");
	assert_string_equal(s.w.records[0], "RecordErased");
	assert_int_equal(
		count(&s, "plain", "body_ciphertext IS NULL AND body_bidx IS NULL AND encrypted_kms_key IS NULL AND id = 2"), 1);
	assert_int_equal(count(&s, "plain", "body_ciphertext IS NULL"), 1);
	sqlite3_close(s.w.db); /* what it has open SQLite may keep in the log */
	s.w.db = NULL;
	assert_int_equal(world_grep(&s.w, (const char *)ciphertext.data, ciphertext.len), 0);
	assert_int_equal(world_grep(&s.w, (const char *)index.data, index.len), 0);
	check_report(&s, "bulla erase");
	check_report(&s, "they open as ever, by the KMS key");
	check_report(&s, "how long they are kept is unknown");
	assert_int_equal(sqlite3_open(s.w.path, &s.w.db), SQLITE_OK);
	verify(&s, PLAIN);
	assert_int_equal(s.w.result.done, 40);
	assert_done(&s, shred_record(&s, PLAIN, "2")); /* again is fine */
	close_scene(&s);
}

static void a_record_is_erased_with_a_journal(void **state)
{
	(void)state;
	a_record_is_erased("delete");
}

static void a_record_is_erased_with_a_write_ahead_log(void **state)
{
	(void)state;
	a_record_is_erased("wal");
}

static void free_pages_may_stay(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	s.options.no_rewrite = true;
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_null(strstr(s.steps, "purged"));
	check_report(&s, "free pages and logs of the database");
	close_scene(&s);
}

/* --- killed ------------------------------------------------------------------------------------------------------------------ */
static bulla_code shred_user(scene *s)
{
	return shred_record(s, USERS, "2");
}

static bulla_code shred_all(scene *s)
{
	return shred_branch(s, "all");
}

static bulla_code erase_plain(scene *s)
{
	s->options.erase = true;
	return shred_record(s, PLAIN, "2");
}

static void run_in_child(scene *s, const char *step, bulla_code (*job)(scene *s))
{
	int status = 0;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)!freopen("/dev/null", "w", stderr);
		world_reopen(&s->w);
		set_up_jobs(s);
		s->kill_at = step;
		(void)!job(s);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status)) fail_msg("step %s was not reached", step);
}

/* Killed in each step, by itself and again and again: the next run ends it, and no other row is harmed. */
static void killed_in_every_step(void **state)
{
	static const char *const steps[] = { "closed", "noted", "destroyed", "proven", "cleared", "purged" };
	(void)state;
	for (size_t i = 0; i <= 6; i++) {
		scene s;
		open_scene(&s, i % 2 ? "wal" : "delete");
		for (size_t k = i < 6 ? i : 0; k < (i < 6 ? i + 1 : 6); k++)
			run_in_child(&s, steps[k], shred_user);
		assert_done(&s, shred_record(&s, USERS, "2"));
		assert_int_equal(s.result.cleared, 4);
		assert_int_equal(s.result.still_open, 0);
		check_ended(&s);
		close_scene(&s);
	}
}

/* The branches below are destroyed, and tell no parent any more: what was noted leads to their rows. */
static void killed_between_branches_and_rows(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	run_in_child(&s, "destroyed", shred_all);
	assert_done(&s, shred_all(&s));
	assert_int_equal(s.result.cleared, 160);
	assert_int_equal(count(&s, "users", EMPTY_USER), 40);
	close_scene(&s);
}

static void killed_while_erasing(void **state)
{
	static const char *const steps[] = { "cleared", "purged" };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		scene s;
		open_scene(&s, "delete");
		run_in_child(&s, steps[i], erase_plain);
		assert_done(&s, erase_plain(&s));
		assert_int_equal(count(&s, "plain", "body_ciphertext IS NULL"), 1);
		verify(&s, PLAIN);
		assert_int_equal(s.w.result.done, 40);
		close_scene(&s);
	}
}

/* Killed after the versions were noted and before they were destroyed, then taken back: no restore may take them for dead. */
static void a_cancelled_shred_leaves_no_tombstone(void **state)
{
	(void)state;
	scene s;
	BULLA_BUF_AUTO bulla_buf tombstones = { 0 };
	open_scene(&s, "wal");
	run_in_child(&s, "noted", shred_user);
	assert_int_equal(bulla_job_tombstones(&s.jobs[USERS], &tombstones, &s.w.err), BULLA_OK);
	assert_int_equal(tombstones.len, 0);
	s.options.cancel = true;
	assert_done(&s, shred_record(&s, USERS, "2"));
	assert_int_equal(count(&s, "bulla_shred", "1"), 0);
	verify(&s, USERS);
	assert_int_equal(s.w.result.done, 40);
	close_scene(&s);
}

static void open_again(scene *s, const char *step)
{
	BULLA_BUF_AUTO bulla_buf identity = { 0 };
	bulla_bytes value = bulla_view_str("2");
	if (strcmp(step, "noted") != 0) return;
	assert_int_equal(bulla_branch_identity(BULLA_BRANCH_RECORD, bulla_view_str("user:{}"), &value, 1, &identity, NULL),
			 BULLA_OK);
	assert_int_equal(do_reopen(s, bulla_view_buf(&identity), NULL), BULLA_OK);
}

/* In the last moment before there is no way back: it is the store that decides. */
static void opened_again_at_the_last_moment(void **state)
{
	(void)state;
	scene s;
	open_scene(&s, "wal");
	s.at_step = open_again;
	assert_refused(&s, shred_record(&s, USERS, "2"), "opened again", "BranchReopened");
	s.at_step = NULL;
	assert_int_equal(state_of(&s, "user:{}", "2"), BULLA_BRANCH_ACTIVE);
	assert_int_equal(count(&s, "bulla_shred", "1"), 0);
	verify(&s, USERS);
	assert_int_equal(s.w.result.done, 40);
	assert_done(&s, shred_record(&s, USERS, "2"));
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subject_ends_with_a_journal),
		cmocka_unit_test(a_subject_ends_with_a_write_ahead_log),
		cmocka_unit_test(a_proof_that_fails_is_told),
		cmocka_unit_test(a_row_that_is_gone),
		cmocka_unit_test(it_waits_for_max_age),
		cmocka_unit_test(it_waits_itself),
		cmocka_unit_test(a_wait_can_be_stopped_and_taken_back),
		cmocka_unit_test(nothing_is_closed_before_finish),
		cmocka_unit_test(what_is_no_shred_is_refused),
		cmocka_unit_test(two_branches_of_one_print),
		cmocka_unit_test(strays_are_noticed),
		cmocka_unit_test(not_beside_another_job),
		cmocka_unit_test(a_branch_goes_with_those_below),
		cmocka_unit_test(what_the_table_refuses_is_told),
		cmocka_unit_test(rows_from_a_backup),
		cmocka_unit_test(opened_again_at_the_last_moment),
		cmocka_unit_test(a_loss_is_no_shred),
		cmocka_unit_test(plaintext_is_never_shredded_by_accident),
		cmocka_unit_test(index_columns_of_earlier_versions_go),
		cmocka_unit_test(sealed_columns_in_a_side_table),
		cmocka_unit_test(a_record_is_erased_with_a_journal),
		cmocka_unit_test(a_record_is_erased_with_a_write_ahead_log),
		cmocka_unit_test(free_pages_may_stay),
		cmocka_unit_test(killed_in_every_step),
		cmocka_unit_test(killed_between_branches_and_rows),
		cmocka_unit_test(killed_while_erasing),
		cmocka_unit_test(a_cancelled_shred_leaves_no_tombstone),
	};
	return cmocka_run_group_tests_name("db/shred", tests, make_finished, end_finished);
}
