/* Rebinding rows after a change of names, types or contexts: each row opens by the one schema or the other, and none is lost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#define SQL                                                                                                                      \
	"CREATE TABLE users(id INTEGER PRIMARY KEY, uuid TEXT, email TEXT, age INTEGER);"                                        \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200)"                                          \
	" INSERT INTO users SELECT x, printf('u-%04d', x), CASE WHEN x % 7 = 0 THEN NULL ELSE 'user' || x END, CASE WHEN x % "   \
	"49 "                                                                                                                    \
	"= 0 THEN NULL ELSE x END FROM c;"
#define OLD                                                                                                                      \
	"  users:\n    context: { model_name: User, model_id: \"{id}\" }\n    branch_key: { name: users }\n    fields: { "       \
	"email: "                                                                                                                \
	"{ type: string, index: {} }, age: { type: any } }\n"
/* Another name, another id, another branch, a renamed field of another type, fields in another order. */
#define NEW                                                                                                                      \
	"  people:\n    table: users\n    context: { model_name: Person, model_id: \"{uuid}\" }\n    branch_key: { name: "       \
	"people "                                                                                                                \
	"}\n    fields: { years: { plaintext: age, type: integer, column: age_ciphertext }, email: { type: string, index: {} } " \
	"}\n"

static bulla_rotate_result result;
static bulla_schema *earlier;

static bulla_code try_from(world *w, const char *models, const char *key, size_t batch_rows)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	char yaml[4096];
	bulla_rotate_options options = { .kind = BULLA_ROTATE_CONTEXT, .batch_rows = batch_rows };
	bulla_schema_free(earlier);
	earlier = NULL;
	snprintf(yaml, sizeof yaml, "version: 1\ndatabases: { main: { url: \"sqlite:app.db\" } }\nmodels:\n%s",
		 models ? models : OLD);
	w->err = (bulla_error){ 0 };
	assert_int_equal(bulla_schema_parse(bulla_view_str(yaml), "old.yaml", NULL, NULL, NULL, NULL, &earlier, &w->err),
			 BULLA_OK);
	if (models) assert_int_equal(bulla_schema_model(earlier, key, &options.from, &w->err), BULLA_OK);
	return bulla_job_rotate(&w->job, &options, &result, &out, &w->err);
}

static bulla_code compare(void *self, const char *const *names, const bulla_value *values, size_t n, bulla_error *err)
{
	world *w = self;
	char sql[256], email[64] = "NULL", age[32] = "NULL";
	(void)names, (void)err;
	assert_int_equal(n, 4);
	if (values[2].bytes.data) snprintf(email, sizeof email, "'%.*s'", (int)values[2].bytes.len, values[2].bytes.data);
	if (values[3].kind == BULLA_KIND_INTEGER) snprintf(age, sizeof age, "%d", (int)values[3].integer);
	snprintf(sql, sizeof sql, "SELECT count(*) FROM kept WHERE id = %d AND email IS %s AND age IS %s", (int)values[0].integer,
		 email, age);
	if (world_int(w, sql) != 1) fail_msg("row %d is not what it was", (int)values[0].integer);
	return BULLA_OK;
}

static void check_values(world *w, int failing)
{
	bulla_exported done;
	if (bulla_job_export(&w->job, compare, w, &done, &w->err)) fail_msg("%s", w->err.text);
	assert_int_equal(done.failed, failing);
	assert_int_equal(done.rows + done.failed, 200);
}

static void open_sealed(world *w)
{
	world_open(w, SQL "CREATE TABLE kept AS SELECT * FROM users;", OLD);
	world_apply(w);
	world_verify_clean(w);
	world_finish(w);
}

/* The job goes on under the model's new name: its row in the bookkeeping is that of the table. */
static void take_new(world *w)
{
	world_sql(w, "UPDATE bulla_job SET model = 'people'; UPDATE bulla_report SET model = 'people'");
	world_schema_of(w, NEW, "people");
}

static void every_row_is_bound_anew(void **state)
{
	(void)state;
	world w;
	open_sealed(&w);
	take_new(&w);
	if (try_from(&w, OLD, "users", 64)) fail_msg("%s: %s", w.err.text, w.err.next);
	assert_int_equal(result.changed, 196); /* four rows hold nothing */
	assert_int_equal(result.left, 0);
	check_values(&w, 0);
	world_verify(&w);
	assert_int_equal(w.result.differences + w.result.quarantined, 0);
	/* the guard watches what the rows are bound to now */
	assert_int_equal(world_try(&w, "UPDATE users SET uuid = 'other' WHERE id = 3"), SQLITE_CONSTRAINT);
	assert_int_equal(world_try(&w, "UPDATE users SET id = 1000 WHERE id = 3"), SQLITE_OK);
	world_close(&w);
}

static void a_row_of_either_schema_is_told_apart(void **state)
{
	(void)state;
	world w;
	atomic_bool stop = true;
	open_sealed(&w);
	world_sql(&w, "CREATE TABLE before AS SELECT * FROM users");
	take_new(&w);
	assert_int_equal(try_from(&w, OLD, "users", 64), BULLA_OK);
	/* some are as they were: an application with the earlier schema wrote them */
	world_sql(
		&w,
		"UPDATE users SET (email_ciphertext, email_bidx, age_ciphertext, encrypted_kms_key) = (SELECT email_ciphertext, "
		"email_bidx, age_ciphertext, encrypted_kms_key FROM before WHERE before.id = users.id) WHERE id % 10 = 3");
	check_values(&w, 20);
	w.job.stop = &stop;
	assert_int_equal(try_from(&w, OLD, "users", 64), BULLA_ERR_INTERRUPTED);
	w.job.stop = NULL;
	assert_int_equal(try_from(&w, OLD, "users", 64), BULLA_OK);
	assert_true(result.resumed);
	assert_int_equal(result.changed, 20);
	check_values(&w, 0);
	world_close(&w);
}

static void a_row_that_opens_by_neither_stays(void **state)
{
	(void)state;
	world w;
	open_sealed(&w);
	world_sql(&w, "UPDATE users SET age_ciphertext = CAST(substr(age_ciphertext, 1, 15) || x'00ff' || substr(age_ciphertext, "
		      "18) AS "
		      "BLOB) WHERE id = 5; UPDATE users SET (email_ciphertext, age_ciphertext, encrypted_kms_key) = (SELECT "
		      "email_ciphertext, age_ciphertext, encrypted_kms_key FROM users WHERE id = 10) WHERE id = 9;"
		      "CREATE TABLE before AS SELECT * FROM users");
	take_new(&w);
	assert_int_equal(try_from(&w, OLD, "users", 64), BULLA_OK);
	assert_int_equal(result.changed, 194);
	assert_int_equal(result.quarantined, 2);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users u JOIN before b ON u.id = b.id WHERE u.encrypted_kms_key IS "
				       "b.encrypted_kms_key AND u.age_ciphertext IS b.age_ciphertext"),
			 2 + 4); /* and four rows without a value, which have no key */
	check_values(&w, 2);
	world_close(&w);
}

static void what_is_not_sure_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *models, *text;
	} cases[] = {
		{ NULL, "needs the schema" },
		{ "  users:\n    table: users\n    fields: { email: {}, age: {}, more: {} }\n", "different numbers" },
		{ "  users:\n    table: others\n    fields: { email: {}, age: {} }\n", "another table" },
		{ "  users:\n    data_key: table\n    fields: { email: {}, age: {} }\n", "data_key" },
		{ "  users:\n    fields: { mail: {}, age: {} }\n", "ciphertext column" },
		{ OLD, "nothing to do" },
	};
	world w;
	open_sealed(&w);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bulla_code code = try_from(&w, cases[i].models, "users", 0);
		assert_int_equal(code, cases[i].models ? BULLA_ERR_REFUSED : BULLA_ERR_USAGE);
		if (!strstr(w.err.text, cases[i].text)) fail_msg("%s: %s", cases[i].text, w.err.text);
		assert_true(w.err.next[0]);
	}
	check_values(&w, 0);
	world_close(&w);
}

static int done(void **state)
{
	(void)state;
	bulla_schema_free(earlier);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_bound_anew),
		cmocka_unit_test(a_row_of_either_schema_is_told_apart),
		cmocka_unit_test(a_row_that_opens_by_neither_stays),
		cmocka_unit_test(what_is_not_sure_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, done);
}
