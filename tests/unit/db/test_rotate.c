/* Rotating whole tables: new wraps and new data keys, taken up, beside writers, with bad rows; nothing is lost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#define USERS_SQL                                                                                                                \
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT);"                                                     \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500)"                                          \
	" INSERT INTO users SELECT x, CASE WHEN x % 7 = 0 THEN NULL ELSE 'user' || x || '@example.org' END, 'Name ' || x FROM "  \
	"c;"
#define CONSTANT                                                                                                                 \
	"  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: {} }, name: { type: string } "   \
	"}\n"
#define EACH                                                                                                                     \
	"  users:\n    branch_key: { name: \"user:{id}\", under: users }\n    fields: { email: { type: string }, name: { type: " \
	"string } }\n"
#define DIRECT "  users:\n    fields: { email: { type: string }, name: { type: string } }\n"
#define TABLE  "  users:\n    data_key: table\n    fields: { email: { type: string }, name: { type: string } }\n"
#define TABLE_UNDER                                                                                                              \
	"  users:\n    data_key: table\n    branch_key: { name: users }\n    fields: { email: { type: string }, name: { type: "  \
	"string } }\n"
#define NONE "  users:\n    data_key: none\n    fields: { email: { type: string }, name: { type: string } }\n"

static bulla_rotate_result result;
static char census[1 << 16];

static bulla_code try(world *w, const bulla_rotate_options *options)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	w->err = (bulla_error){ 0 };
	bulla_code code = bulla_job_rotate(&w->job, options, &result, &out, &w->err);
	snprintf(census, sizeof census, "%.*s", (int)out.len, (const char *)out.data);
	return code;
}

static void rotate(world *w, bulla_rotate_kind kind)
{
	bulla_rotate_options options = { .kind = kind, .batch_rows = 128 };
	if (try(w, &options)) fail_msg("%s: %s", w->err.text, w->err.next);
}

static uint64_t debt(world *w)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_rotate_options options = { 0 };
	bulla_rotate_result found;
	if (bulla_job_debt(&w->job, &options, &found, &out, &w->err)) fail_msg("%s: %s", w->err.text, w->err.next);
	return found.left;
}

/* Sealed and finished, beside a copy of what it held and of what it looks like. */
static void open_sealed(world *w, const char *yaml)
{
	world_open(w, USERS_SQL "CREATE TABLE kept AS SELECT * FROM users;", yaml);
	world_apply(w);
	world_verify_clean(w);
	world_finish(w);
	world_sql(w, "CREATE TABLE before AS SELECT * FROM users");
}

/* Every value as it went in. */
static bulla_code compare(void *self, const char *const *names, const bulla_value *values, size_t n, bulla_error *err)
{
	world *w = self;
	char sql[256], email[128] = "NULL", name[128] = "NULL";
	(void)names;
	(void)err;
	assert_int_equal(n, 3);
	if (values[1].bytes.data) snprintf(email, sizeof email, "'%.*s'", (int)values[1].bytes.len, values[1].bytes.data);
	if (values[2].bytes.data) snprintf(name, sizeof name, "'%.*s'", (int)values[2].bytes.len, values[2].bytes.data);
	snprintf(sql, sizeof sql, "SELECT count(*) FROM kept WHERE id = %d AND email IS %s AND name IS %s",
		 (int)values[0].integer, email, name);
	if (world_int(w, sql) != 1) fail_msg("row %d is not what it was", (int)values[0].integer);
	return BULLA_OK;
}

static void check_values(world *w, int failing)
{
	bulla_exported done;
	if (bulla_job_export(&w->job, compare, w, &done, &w->err)) fail_msg("%s", w->err.text);
	assert_int_equal(done.failed + done.shredded, failing);
	assert_int_equal(done.rows + done.failed + done.shredded, world_int(w, "SELECT count(*) FROM kept"));
}

#define BEFORE      " FROM users u JOIN before b ON u.id = b.id WHERE "
#define SAME_FIELDS "SELECT count(*)" BEFORE "u.email_ciphertext IS b.email_ciphertext AND u.name_ciphertext IS b.name_ciphertext"

/* --- wraps ------------------------------------------------------------------------------------------------------------ */

static void wraps_change_and_fields_do_not(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, CONSTANT);
	assert_int_equal(debt(&w), 0);
	rotate(&w, BULLA_ROTATE_WRAP);
	assert_int_equal(result.changed, 500);
	assert_int_equal(result.left, 0);
	assert_int_equal(result.rounds, 2);
	assert_int_equal(world_int(&w, SAME_FIELDS), 500);
	assert_int_equal(world_int(&w,
				   "SELECT count(*)" BEFORE "substr(u.encrypted_kms_key, 35, 9) = substr(b.encrypted_kms_key, "
				   "35, 9)"),
			 0);
	assert_int_equal(world_int(&w,
				   "SELECT count(*)" BEFORE "substr(u.encrypted_kms_key, 1, 33) = substr(b.encrypted_kms_key, "
				   "1, 33)"),
			 500);
	assert_int_equal(world_int(&w, "SELECT count(DISTINCT substr(encrypted_kms_key, 35, 9)) FROM users"), 1);
	assert_non_null(strstr(census, "\"records\":500"));
	assert_int_equal(debt(&w), 0);
	check_values(&w, 0);
	world_verify_clean(&w);
	world_close(&w);
}

static void a_branch_for_each_row_gets_its_own_new_version(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, EACH);
	assert_int_equal(debt(&w), 0);
	rotate(&w, BULLA_ROTATE_WRAP);
	assert_int_equal(result.changed, 500);
	assert_int_equal(world_int(&w, SAME_FIELDS), 500);
	assert_int_equal(world_int(&w,
				   "SELECT count(*)" BEFORE "substr(u.encrypted_kms_key, 35, 9) = substr(b.encrypted_kms_key, "
				   "35, 9)"),
			 0);
	check_values(&w, 0);
	world_close(&w);
}

/* A key that a file holds has no versions: nothing is stale until another key wraps. */
static void direct_wraps_follow_the_environment(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, DIRECT);
	rotate(&w, BULLA_ROTATE_WRAP);
	assert_int_equal(result.changed, 0);
	world_keys(&w, "keys: [\"env:OTHER_KEY\"], previous: [\"env:TEST_KEY\"]");
	assert_int_equal(debt(&w), 500);
	rotate(&w, BULLA_ROTATE_WRAP);
	assert_int_equal(result.changed, 500);
	assert_int_equal(world_int(&w, SAME_FIELDS), 500);
	assert_int_equal(debt(&w), 0);
	world_keys(&w, "keys: [\"env:OTHER_KEY\"]"); /* the old one is not needed any more */
	check_values(&w, 0);
	world_close(&w);
}

static void a_second_key_is_added_and_the_first_goes(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, DIRECT);
	world_keys(&w, "keys: [\"env:TEST_KEY\", \"env:OTHER_KEY\"], min_wraps: 1");
	assert_int_equal(debt(&w), 500);
	rotate(&w, BULLA_ROTATE_WRAP);
	assert_int_equal(result.changed, 500);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE substr(encrypted_kms_key, 34, 1) = x'02'"), 500);
	rotate(&w, BULLA_ROTATE_WRAP);
	assert_int_equal(result.changed, 0);
	world_keys(&w, "keys: [\"env:OTHER_KEY\"]");
	assert_int_equal(debt(&w), 500); /* a wrap too many */
	check_values(&w, 0);
	rotate(&w, BULLA_ROTATE_WRAP);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE substr(encrypted_kms_key, 34, 1) = x'01'"), 500);
	check_values(&w, 0);
	world_close(&w);
}

static void a_shared_key_is_wrapped_again_in_the_store_and_in_each_row(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, TABLE_UNDER);
	rotate(&w, BULLA_ROTATE_WRAP);
	assert_int_equal(result.changed, 500);
	assert_int_equal(world_int(&w, SAME_FIELDS), 500);
	assert_int_equal(world_int(&w, "SELECT count(DISTINCT encrypted_kms_key) FROM users"), 1);
	check_values(&w, 0);
	rotate(&w, BULLA_ROTATE_DATA);
	assert_int_equal(result.changed, 500);
	assert_int_equal(world_int(&w, "SELECT count(DISTINCT encrypted_kms_key) FROM users"), 1);
	assert_int_equal(world_int(&w,
				   "SELECT count(*)" BEFORE "substr(u.encrypted_kms_key, 2, 32) = substr(b.encrypted_kms_key, 2, "
				   "32)"),
			 0);
	check_values(&w, 0);
	world_close(&w);
}

static void a_shared_key_moves_to_another_kms_key(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, TABLE);
	world_keys(&w, "keys: [\"env:OTHER_KEY\"], previous: [\"env:TEST_KEY\"]");
	rotate(&w, BULLA_ROTATE_WRAP);
	assert_int_equal(result.changed, 500);
	world_keys(&w, "keys: [\"env:OTHER_KEY\"]");
	check_values(&w, 0);
	world_close(&w);
}

/* --- data keys -------------------------------------------------------------------------------------------------------- */

static void every_data_key_is_new(const char *yaml, bool keys)
{
	world w;
	open_sealed(&w, yaml);
	rotate(&w, BULLA_ROTATE_DATA);
	assert_int_equal(result.changed, 500);
	assert_int_equal(result.left, 0);
	assert_int_equal(world_int(&w, "SELECT count(*)" BEFORE "u.name_ciphertext = b.name_ciphertext"), 0);
	if (keys)
		assert_int_equal(world_int(&w, "SELECT count(*)" BEFORE "substr(u.encrypted_kms_key, 2, 32) = "
					       "substr(b.encrypted_kms_key, 2, 32)"),
				 0);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE email_ciphertext IS NULL"), 71);
	check_values(&w, 0);
	world_verify(&w);
	assert_true(w.result.digest_equal);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name = 'bulla_rotated'") &&
				 world_int(&w, "SELECT count(*) FROM bulla_rotated"),
			 0);
	world_close(&w);
}

static void every_data_key_is_new_under_a_branch(void **state)
{
	(void)state;
	every_data_key_is_new(CONSTANT, true);
}

static void every_data_key_is_new_under_a_branch_for_each_row(void **state)
{
	(void)state;
	every_data_key_is_new(EACH, true);
}

static void every_data_key_is_new_under_the_kms(void **state)
{
	(void)state;
	every_data_key_is_new(DIRECT, true);
}

static void before_finish_plaintext_stays_the_truth(void **state)
{
	(void)state;
	world w;
	world_open(&w, USERS_SQL "CREATE TABLE kept AS SELECT * FROM users;", CONSTANT);
	world_apply(&w);
	world_sql(&w, "UPDATE users SET name = 'changed' WHERE id = 3; UPDATE kept SET name = 'changed' WHERE id = 3");
	rotate(&w, BULLA_ROTATE_DATA);
	assert_int_equal(result.changed, 499);
	assert_int_equal(result.unsealed, 1);
	world_apply(&w);
	assert_int_equal(w.result.done, 1);
	rotate(&w, BULLA_ROTATE_WRAP);
	assert_int_equal(result.changed, 500);
	world_verify_clean(&w);
	world_finish(&w);
	check_values(&w, 0);
	world_close(&w);
}

static void values_that_the_kms_seals_itself(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, NONE);
	bulla_rotate_options options = { .kind = BULLA_ROTATE_WRAP };
	assert_int_equal(try(&w, &options), BULLA_ERR_REFUSED);
	rotate(&w, BULLA_ROTATE_DATA);
	assert_int_equal(result.changed, 0);
	world_keys(&w, "keys: [\"env:OTHER_KEY\"], previous: [\"env:TEST_KEY\"]");
	rotate(&w, BULLA_ROTATE_DATA);
	assert_int_equal(result.changed, 500);
	world_keys(&w, "keys: [\"env:OTHER_KEY\"]");
	check_values(&w, 0);
	world_close(&w);
}

/* kms_encrypted: what is under another key of the record must not stay under one that is thrown away. */
static void every_key_of_a_record_is_renewed_with_its_fields(void **state)
{
	(void)state;
	world w;
	open_sealed(
		&w,
		"  users:\n    branch_key: { name: users }\n    data_keys: { own: { key: \"env:OTHER_KEY\", context: { purpose: "
		"names, model_id: \"{id}\" } } }\n    fields: { email: { type: string }, name: { type: string, data_key: own "
		"} }\n");
	rotate(&w, BULLA_ROTATE_DATA);
	assert_int_equal(result.changed, 500);
	assert_int_equal(result.left, 0);
	assert_int_equal(world_int(&w, "SELECT count(*)" BEFORE "u.encrypted_kms_key_own = b.encrypted_kms_key_own OR "
				       "u.name_ciphertext = b.name_ciphertext OR u.encrypted_kms_key = b.encrypted_kms_key"),
			 0);
	check_values(&w, 0);
	rotate(&w, BULLA_ROTATE_WRAP);
	assert_int_equal(result.changed, 429); /* rows with an address: the other key has no newer version */
	check_values(&w, 0);
	world_close(&w);
}

/* --- cut off, and taken up -------------------------------------------------------------------------------------------- */

struct stopper {
	atomic_bool stop;
	int pages;
};

static void stop_after_pages(void *self, const char *step)
{
	struct stopper *s = self;
	if (strcmp(step, "written") == 0 && --s->pages == 0) atomic_store(&s->stop, true);
}

/* The same new version, and not one more: the rows that were done are not done again. */
static void a_rotation_goes_on_where_it_stopped(const char *yaml, bulla_rotate_kind kind)
{
	world w;
	bulla_rotate_options options = { .kind = kind, .batch_rows = 32 };
	open_sealed(&w, yaml);
	struct stopper s = { .pages = 3 };
	w.job.stop = &s.stop;
	w.job.hook = stop_after_pages;
	w.job.hook_self = &s;
	assert_int_equal(try(&w, &options), BULLA_ERR_INTERRUPTED);
	uint64_t first = result.changed;
	assert_in_range(first, 96, 96 + 3 * 32);
	w.job.stop = NULL;
	w.job.hook = NULL;
	check_values(&w, 0);
	world_keys(&w, "keys: [\"env:TEST_KEY\"]"); /* another process */
	if (try(&w, &options)) fail_msg("%s", w.err.text);
	assert_true(result.resumed);
	assert_int_equal(result.changed, 500 - first);
	assert_int_equal(result.done, 500);
	if (strcmp(yaml, CONSTANT) == 0)
		assert_int_equal(world_int(&w, "SELECT count(DISTINCT substr(encrypted_kms_key, 35, 9)) FROM users"), 1);
	check_values(&w, 0);
	world_close(&w);
}

static void rotations_go_on_where_they_stopped(void **state)
{
	(void)state;
	a_rotation_goes_on_where_it_stopped(CONSTANT, BULLA_ROTATE_WRAP);
	a_rotation_goes_on_where_it_stopped(CONSTANT, BULLA_ROTATE_DATA);
	a_rotation_goes_on_where_it_stopped(EACH, BULLA_ROTATE_WRAP);
	a_rotation_goes_on_where_it_stopped(EACH, BULLA_ROTATE_DATA);
	a_rotation_goes_on_where_it_stopped(DIRECT, BULLA_ROTATE_DATA);
	a_rotation_goes_on_where_it_stopped(TABLE_UNDER, BULLA_ROTATE_DATA);
}

static void another_kind_waits_for_its_end(void **state)
{
	(void)state;
	world w;
	bulla_rotate_options options = { .kind = BULLA_ROTATE_DATA, .batch_rows = 32 };
	open_sealed(&w, CONSTANT);
	struct stopper s = { .pages = 2 };
	w.job.stop = &s.stop;
	w.job.hook = stop_after_pages;
	w.job.hook_self = &s;
	assert_int_equal(try(&w, &options), BULLA_ERR_INTERRUPTED);
	w.job.stop = NULL;
	w.job.hook = NULL;
	options.kind = BULLA_ROTATE_WRAP;
	assert_int_equal(try(&w, &options), BULLA_ERR_REFUSED);
	assert_non_null(strstr(w.err.next, "rotate users --data"));
	rotate(&w, BULLA_ROTATE_DATA);
	rotate(&w, BULLA_ROTATE_WRAP);
	check_values(&w, 0);
	world_close(&w);
}

static void a_second_run_is_refused(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, CONSTANT);
	world_sql(&w, "UPDATE bulla_job SET owner = 'elsewhere/x/y 1 2 abc', heartbeat = CAST(strftime('%s', 'now') AS INTEGER) "
		      "* 1000");
	bulla_rotate_options options = { .kind = BULLA_ROTATE_WRAP };
	assert_int_equal(try(&w, &options), BULLA_ERR_BUSY);
	assert_int_equal(world_int(&w, SAME_FIELDS), 500);
	world_close(&w);
}

/* --- bad rows --------------------------------------------------------------------------------------------------------- */

static const char DAMAGE[] =
	"UPDATE users SET encrypted_kms_key = CAST(substr(encrypted_kms_key, 1, 60) || x'00112233' || substr(encrypted_kms_key, "
	"65) "
	"AS BLOB) WHERE id = 5;" /* flipped bits in the wrap */
	"UPDATE users SET encrypted_kms_key = CAST(substr(encrypted_kms_key, 1, 33) || x'00' AS BLOB) WHERE id = 6;"
	"UPDATE users SET encrypted_kms_key = CAST(substr(encrypted_kms_key, 1, 35) || x'0102030405060708' || "
	"substr(encrypted_kms_key, 44) AS BLOB) WHERE id = 8;" /* a version that nobody knows */
	"UPDATE users SET (email_ciphertext, email_bidx, name_ciphertext, encrypted_kms_key) = (SELECT email_ciphertext, "
	"email_bidx, name_ciphertext, encrypted_kms_key FROM users WHERE id = 10) WHERE id = 9;"; /* copied from another row */

static void bad_rows_are_put_aside_and_stay_as_they_are(bulla_rotate_kind kind, bool fields)
{
	world w;
	open_sealed(&w, CONSTANT);
	world_sql(&w, DAMAGE);
	if (fields)
		world_sql(&w,
			  "UPDATE users SET name_ciphertext = CAST(substr(name_ciphertext, 1, 20) || x'ff' || "
			  "substr(name_ciphertext, 22) AS BLOB) WHERE id = 11; UPDATE users SET name_ciphertext = x'0102' WHERE "
			  "id = 12;");
	world_sql(&w, "DROP TABLE before; CREATE TABLE before AS SELECT * FROM users");
	int bad = fields ? 6 : 4;
	rotate(&w, kind);
	assert_int_equal(result.changed, 500 - bad);
	assert_int_equal(result.quarantined, bad);
	assert_int_equal(result.left, bad);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users u JOIN before b ON u.id = b.id WHERE u.encrypted_kms_key IS "
				       "b.encrypted_kms_key AND u.name_ciphertext IS b.name_ciphertext"),
			 bad);
	assert_string_equal(world_text(&w, "SELECT group_concat(pk || reason, ' ') FROM (SELECT * FROM bulla_quarantine WHERE "
					   "length(pk) = 3 ORDER BY pk)"),
			    "[5]tampered [6]format [8]wrong_key [9]context");
	if (fields)
		assert_string_equal(world_text(&w, "SELECT group_concat(pk || field || reason, ' ') FROM (SELECT * FROM "
						   "bulla_quarantine WHERE length(pk) = 4 ORDER BY pk)"),
				    "[11]nametampered [12]nameformat");
	check_values(&w, fields ? 6 : 4);
	world_sql(&w, "DELETE FROM users WHERE id IN (5, 6, 8, 9, 11, 12); DELETE FROM kept WHERE id IN (5, 6, 8, 9, 11, 12)");
	rotate(&w, kind); /* what is gone is no longer put aside */
	assert_int_equal(result.quarantined, 0);
	check_values(&w, 0);
	world_close(&w);
}

static void bad_rows_stop_no_rotation(void **state)
{
	(void)state;
	bad_rows_are_put_aside_and_stay_as_they_are(BULLA_ROTATE_WRAP, false);
	bad_rows_are_put_aside_and_stay_as_they_are(BULLA_ROTATE_DATA, true);
}

/* --- beside writers --------------------------------------------------------------------------------------------------- */

struct writer {
	world *w;
	const char *sql;
	const char *step;
	int times;
};

static void write_at(void *self, const char *step)
{
	struct writer *x = self;
	if (strcmp(step, x->step) == 0 && x->times-- > 0) world_sql(x->w, x->sql);
}

/* Lockbox: somebody else writes between our reading and our writing. What they wrote stands. */
static void a_write_in_between_is_not_overwritten(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, CONSTANT);
	/* another whole record under its own key: that of row 20 as it was sealed in a copy of the table under the same id */
	struct writer x = {
		&w,
		"UPDATE users SET name_ciphertext = NULL, email_ciphertext = NULL, email_bidx = NULL, encrypted_kms_key "
		"= NULL WHERE id = 20; DELETE FROM users WHERE id = 21;",
		"sealed", 1
	};
	w.job.hook = write_at;
	w.job.hook_self = &x;
	rotate(&w, BULLA_ROTATE_DATA);
	assert_int_equal(result.changed, 498);
	assert_int_equal(result.conflicts, 2);
	assert_int_equal(world_int(&w,
				   "SELECT count(*) FROM users WHERE id = 20 AND name_ciphertext IS NULL AND encrypted_kms_key "
				   "IS NULL"),
			 1);
	world_sql(&w, "UPDATE kept SET name = NULL, email = NULL WHERE id = 20; DELETE FROM kept WHERE id = 21");
	check_values(&w, 0);
	world_close(&w);
}

/* An application read the row before it was rotated, and writes it back whole afterwards. */
static void a_stale_key_that_is_written_back_is_caught(const char *yaml, bulla_rotate_kind kind)
{
	world w;
	open_sealed(&w, yaml);
	struct writer x = {
		&w,
		"UPDATE users SET (email_ciphertext, name_ciphertext, encrypted_kms_key) = (SELECT email_ciphertext, "
		"name_ciphertext, encrypted_kms_key FROM before WHERE before.id = users.id) WHERE id IN (30, 31, 400)",
		"round", 2
	};
	w.job.hook = write_at;
	w.job.hook_self = &x;
	rotate(&w, kind);
	assert_int_equal(result.changed, 506);
	assert_int_equal(result.left, 0);
	assert_int_equal(result.rounds, 4);
	assert_int_equal(world_int(&w, "SELECT count(*)" BEFORE "u.encrypted_kms_key = b.encrypted_kms_key"), 0);
	check_values(&w, 0);
	world_close(&w);
}

static void stale_keys_that_are_written_back_are_caught(void **state)
{
	(void)state;
	a_stale_key_that_is_written_back_is_caught(CONSTANT, BULLA_ROTATE_WRAP);
	a_stale_key_that_is_written_back_is_caught(CONSTANT, BULLA_ROTATE_DATA);
	a_stale_key_that_is_written_back_is_caught(EACH, BULLA_ROTATE_DATA);
	a_stale_key_that_is_written_back_is_caught(DIRECT, BULLA_ROTATE_DATA);
}

/* Whoever shares the key store may hold an older key for as long as its own environment says. */
static void writers_of_other_environments_are_waited_for(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, CONSTANT);
	world_keys(
		&w,
		"keys: [\"env:TEST_KEY\"], cache: { max_age: 1ms } }, other: { keys: [\"env:TEST_KEY\"], cache: { max_age: 1h }");
	struct writer x = {
		&w,
		"UPDATE users SET (email_ciphertext, name_ciphertext, encrypted_kms_key) = (SELECT email_ciphertext, "
		"name_ciphertext, encrypted_kms_key FROM before WHERE before.id = users.id) WHERE id IN (30, 31, 400)",
		"round", 40
	};
	w.job.hook = write_at;
	w.job.hook_self = &x;
	rotate(&w, BULLA_ROTATE_WRAP);
	assert_int_equal(result.left, 0);
	assert_true(result.rounds > 40);
	world_close(&w);
}

static void debt_counts_what_came_back_and_catching_up_pays_it(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, CONSTANT);
	rotate(&w, BULLA_ROTATE_WRAP);
	world_sql(&w,
		  "UPDATE users SET encrypted_kms_key = (SELECT encrypted_kms_key FROM before WHERE before.id = users.id) WHERE "
		  "id <= 7");
	assert_int_equal(debt(&w), 7);
	assert_int_equal(debt(&w), 7); /* it only counts */
	bulla_rotate_options options = { .kind = BULLA_ROTATE_WRAP, .catch_up = true };
	assert_int_equal(try(&w, &options), BULLA_OK);
	assert_int_equal(result.changed, 7);
	assert_int_equal(world_int(&w, "SELECT count(DISTINCT substr(encrypted_kms_key, 35, 9)) FROM users"), 1);
	assert_int_equal(debt(&w), 0);
	check_values(&w, 0);
	world_close(&w);
}

/* --- where to --------------------------------------------------------------------------------------------------------- */

static void a_destination_that_readers_do_not_know_is_refused(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, DIRECT);
	bulla_rotate_options options = { .kind = BULLA_ROTATE_WRAP, .to = "env:OTHER_KEY" };
	assert_int_equal(try(&w, &options), BULLA_ERR_REFUSED);
	assert_non_null(strstr(w.err.next, "under keys:"));
	world_keys(&w, "keys: [\"env:TEST_KEY\"], previous: [\"env:OTHER_KEY\"]");
	assert_int_equal(try(&w, &options), BULLA_ERR_REFUSED);
	assert_non_null(strstr(w.err.text, "only unwraps"));
	world_keys(&w, "keys: [\"env:OTHER_KEY\"], previous: [\"env:TEST_KEY\"]");
	assert_int_equal(try(&w, &options), BULLA_OK);
	assert_int_equal(result.changed, 500);
	world_close(&w);
}

/* Everything that hung from the old key: branch, index key, and through them the rows. */
static void after_it_the_old_key_is_needed_for_nothing(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, CONSTANT);
	world_keys(&w, "keys: [\"env:OTHER_KEY\"], previous: [\"env:TEST_KEY\"]");
	bulla_rotate_options options = { .kind = BULLA_ROTATE_WRAP, .to = "env:OTHER_KEY" };
	assert_int_equal(try(&w, &options), BULLA_OK);
	assert_int_equal(result.moved, 2);
	assert_int_equal(try(&w, &options), BULLA_OK);
	assert_int_equal(result.moved, 0);
	world_keys(&w, "keys: [\"env:OTHER_KEY\"]");
	check_values(&w, 0);
	world_verify_clean(&w); /* the indexes are what they were: their key is */
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wraps_change_and_fields_do_not),
		cmocka_unit_test(a_branch_for_each_row_gets_its_own_new_version),
		cmocka_unit_test(direct_wraps_follow_the_environment),
		cmocka_unit_test(a_second_key_is_added_and_the_first_goes),
		cmocka_unit_test(a_shared_key_is_wrapped_again_in_the_store_and_in_each_row),
		cmocka_unit_test(a_shared_key_moves_to_another_kms_key),
		cmocka_unit_test(every_data_key_is_new_under_a_branch),
		cmocka_unit_test(every_data_key_is_new_under_a_branch_for_each_row),
		cmocka_unit_test(every_data_key_is_new_under_the_kms),
		cmocka_unit_test(before_finish_plaintext_stays_the_truth),
		cmocka_unit_test(values_that_the_kms_seals_itself),
		cmocka_unit_test(every_key_of_a_record_is_renewed_with_its_fields),
		cmocka_unit_test(rotations_go_on_where_they_stopped),
		cmocka_unit_test(another_kind_waits_for_its_end),
		cmocka_unit_test(a_second_run_is_refused),
		cmocka_unit_test(bad_rows_stop_no_rotation),
		cmocka_unit_test(a_write_in_between_is_not_overwritten),
		cmocka_unit_test(stale_keys_that_are_written_back_are_caught),
		cmocka_unit_test(writers_of_other_environments_are_waited_for),
		cmocka_unit_test(debt_counts_what_came_back_and_catching_up_pays_it),
		cmocka_unit_test(a_destination_that_readers_do_not_know_is_refused),
		cmocka_unit_test(after_it_the_old_key_is_needed_for_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
