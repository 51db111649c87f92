/* Reading back: search, get, export, one value; what was tampered with is never given out. */
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
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, age INTEGER, note TEXT);"                                        \
	"INSERT INTO users VALUES(1, 'Bob@Example.org', 41, 'a'), (2, 'bob@example.ORG', 42, 'b'), (3, 'eve@example.org', "      \
	"NULL, 'c'), (4, NULL, 44, NULL), (5, '', 45, 'e');"
#define YAML                                                                                                                     \
	"  users:\n%s    branch_key: { name: users }\n    fields:\n      email: { type: string, index: { normalize: lowercase "  \
	"} }\n"                                                                                                                  \
	"      age: { type: integer, index: {} }\n"

static void open_sealed(world *w, const char *more)
{
	char yaml[512];
	snprintf(yaml, sizeof yaml, YAML, more);
	world_open(w, SQL, yaml);
	world_apply(w);
}

typedef struct records {
	size_t n;
	char text[4096];
} records;

static bulla_code collect(void *self, const char *const *names, const bulla_value *values, size_t n, bulla_error *err)
{
	records *r = self;
	(void)err;
	r->n++;
	for (size_t i = 0; i < n; i++) {
		size_t at = strlen(r->text), size = sizeof r->text - at;
		const bulla_value *v = &values[i];
		if (v->kind == BULLA_KIND_INTEGER)
			snprintf(r->text + at, size, "%s=%lld ", names[i], (long long)v->integer);
		else if (v->kind == BULLA_KIND_TEXT)
			snprintf(r->text + at, size, "%s='%.*s' ", names[i], (int)v->bytes.len, (const char *)v->bytes.data);
		else
			snprintf(r->text + at, size, "%s=%s ", names[i], v->kind == BULLA_KIND_NULL ? "NULL" : "?");
	}
	size_t at = strlen(r->text);
	snprintf(r->text + at, sizeof r->text - at, ";");
	return BULLA_OK;
}

static bulla_code search(world *w, const char *name, bulla_value value, records *r, uint64_t *hits)
{
	const bulla_field *field;
	uint64_t others;
	*r = (records){ 0 };
	assert_int_equal(bulla_model_field(w->job.model, name, &field, &w->err), BULLA_OK);
	return bulla_job_search(&w->job, field, &value, collect, r, hits, &others, &w->err);
}

static bulla_value text(const char *value)
{
	return (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(value) };
}

static bulla_code get(world *w, const char *id, const char *field, records *r)
{
	bulla_bytes pk = bulla_view_str(id);
	*r = (records){ 0 };
	return bulla_job_get(&w->job, &pk, 1, &field, field ? 1 : 0, collect, r, &w->err);
}

static void records_come_back_in_the_columns_they_had(void **state)
{
	(void)state;
	static const char all[] = "id=1 email='Bob@Example.org' age=41 note='a' ;id=2 email='bob@example.ORG' age=42 note='b' "
				  ";id=3 email='eve@example.org' age=NULL note='c' ;"
				  "id=4 email=NULL age=44 note=NULL ;id=5 email='' age=45 note='e' ;";
	world w;
	records r;
	bulla_exported done;
	open_sealed(&w, "");
	for (int finished = 0; finished < 2; finished++) {
		r = (records){ 0 };
		assert_int_equal(bulla_job_export(&w.job, collect, &r, &done, &w.err), BULLA_OK);
		assert_string_equal(r.text, all);
		assert_int_equal(done.rows, 5);
		assert_int_equal(get(&w, "3", NULL, &r), BULLA_OK);
		assert_string_equal(r.text, "id=3 email='eve@example.org' age=NULL note='c' ;");
		assert_int_equal(get(&w, "5", "email", &r), BULLA_OK);
		assert_string_equal(r.text, "email='' ;");
		assert_int_equal(get(&w, "99", NULL, &r), BULLA_ERR_NOT_FOUND);
		assert_int_equal(get(&w, "1", "nothing", &r), BULLA_ERR_NOT_FOUND);
		if (finished) break;
		world_verify_clean(&w);
		world_finish(&w);
	}
	world_close(&w);
}

static void equal_values_are_found_and_others_are_not(void **state)
{
	(void)state;
	world w;
	records r;
	uint64_t hits;
	open_sealed(&w, "");
	assert_int_equal(search(&w, "email", text("BOB@EXAMPLE.ORG"), &r, &hits), BULLA_OK);
	assert_int_equal(hits, 2);
	assert_int_equal(search(&w, "email", text("bob"), &r, &hits), BULLA_OK);
	assert_int_equal(hits, 0);
	assert_int_equal(search(&w, "email", text(""), &r, &hits), BULLA_OK);
	assert_int_equal(hits, 1);
	assert_int_equal(search(&w, "age", (bulla_value){ .kind = BULLA_KIND_INTEGER, .integer = 42 }, &r, &hits), BULLA_OK);
	assert_int_equal(hits, 1);
	assert_string_equal(r.text, "id=2 email='bob@example.ORG' age=42 note='b' ;");
	assert_int_equal(search(&w, "age", text("42"), &r, &hits), BULLA_ERR_TYPE);
	world_close(&w);
}

static void a_false_index_is_told(void **state)
{
	(void)state;
	world w;
	records r;
	uint64_t hits;
	bulla_exported done;
	open_sealed(&w, "");
	world_sql(&w, "UPDATE users SET email_bidx = (SELECT email_bidx FROM users WHERE id = 3) WHERE id = 1");
	assert_int_equal(search(&w, "email", text("eve@example.org"), &r, &hits), BULLA_ERR_AUTH);
	world_sql(&w,
		  "DROP TRIGGER \"bulla_guard.users\"; UPDATE users SET email_ciphertext = (SELECT email_ciphertext FROM users "
		  "WHERE id = 3) WHERE id = 2");
	assert_int_equal(get(&w, "2", NULL, &r), BULLA_ERR_AUTH);
	assert_int_equal(r.n, 0);
	r = (records){ 0 };
	assert_int_equal(bulla_job_export(&w.job, collect, &r, &done, &w.err), BULLA_OK);
	assert_int_equal(done.rows, 4);
	assert_int_equal(done.failed, 1);
	world_close(&w);
}

/* Only a schema that says `migrating` lets plaintext be read in the place of a ciphertext. */
static void plaintext_is_believed_only_while_migrating(void **state)
{
	(void)state;
	world w;
	records r;
	bulla_exported done;
	open_sealed(&w, "");
	world_sql(&w, "UPDATE users SET email = 'new' WHERE id = 1");
	assert_int_equal(get(&w, "1", NULL, &r), BULLA_ERR_REFUSED);
	r = (records){ 0 };
	assert_int_equal(bulla_job_export(&w.job, collect, &r, &done, &w.err), BULLA_OK);
	assert_int_equal(done.failed, 1);
	world_apply(&w);
	world_verify_clean(&w);
	world_finish(&w);
	/* somebody who can write the table puts a column of that name there again */
	assert_int_equal(world_int(&w, "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'email'"), 0);
	world_sql(&w, "ALTER TABLE users ADD COLUMN email TEXT; UPDATE users SET email = 'forged', email_ciphertext = NULL, "
		      "email_bidx = NULL WHERE id = 1");
	assert_int_equal(get(&w, "1", NULL, &r), BULLA_ERR_REFUSED);
	world_close(&w);

	open_sealed(&w, "    migrating: true\n");
	world_sql(&w, "UPDATE users SET email = 'new' WHERE id = 1");
	assert_int_equal(get(&w, "1", "email", &r), BULLA_OK);
	assert_string_equal(r.text, "email='new' ;");
	world_close(&w);
}

static void keys_of_all_kinds_are_found_by_their_text(void **state)
{
	(void)state;
	static const struct {
		const char *type, *value, *id;
	} cases[] = { { "INTEGER", "7", "7" },           { "", "7", "7" },         { "", "'7'", "7" },  { "TEXT", "'ä7'", "ä7" },
		      { "BLOB", "x'00ff10'", "00ff10" }, { "REAL", "1.5", "1.5" }, { "", "1.5", "1.5" } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		world w;
		records r;
		char sql[256];
		snprintf(sql, sizeof sql, "CREATE TABLE t(id %s PRIMARY KEY, v TEXT); INSERT INTO t VALUES(%s, 'found');",
			 cases[i].type, cases[i].value);
		world_open(&w, sql, "  t:\n    branch_key: { name: t }\n    fields: { v: { type: string } }\n");
		world_apply(&w);
		if (get(&w, cases[i].id, "v", &r) || r.n != 1) fail_msg("%s %s", cases[i].type, cases[i].value);
		assert_int_equal(get(&w, "8", "v", &r), BULLA_ERR_NOT_FOUND);
		world_close(&w);
	}
}

/* Sealed for a record, opened in it again, and nowhere else; the database stays as it is. */
static void one_value_is_sealed_and_opened(void **state)
{
	(void)state;
	world w;
	const bulla_field *email, *age;
	BULLA_BUF_AUTO bulla_buf sealed = { 0 };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_bytes id = bulla_view_str("3"), other = bulla_view_str("4");
	open_sealed(&w, "");
	assert_int_equal(bulla_model_field(w.job.model, "email", &email, &w.err), BULLA_OK);
	assert_int_equal(bulla_model_field(w.job.model, "age", &age, &w.err), BULLA_OK);
	assert_int_equal(bulla_job_seal_value(&w.job, &id, 1, email, bulla_view_str("New@example.org"), &sealed, &w.err),
			 BULLA_OK);
	assert_int_equal(bulla_job_open_given(&w.job, &id, 1, email, bulla_view_buf(&sealed), &out, &w.err), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&out), "New@example.org"));
	assert_int_equal(bulla_job_open_given(&w.job, &other, 1, email, bulla_view_buf(&sealed), &out, &w.err), BULLA_ERR_AUTH);
	assert_int_equal(bulla_job_open_given(&w.job, &id, 1, age, bulla_view_buf(&sealed), &out, &w.err), BULLA_ERR_AUTH);
	bulla_buf_clear(&out);
	assert_int_equal(bulla_job_open_value(&w.job, &id, 1, email, &out, &w.err), BULLA_OK);
	assert_false(bulla_bytes_is(bulla_view_buf(&out), "New@example.org"));
	world_close(&w);
}

static void numbers_out_of_range_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "nine", "", "99999999999999999999", "5 ", "5x" };
	world w;
	const bulla_field *age;
	BULLA_BUF_AUTO bulla_buf sealed = { 0 };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_bytes id = bulla_view_str("3");
	open_sealed(&w, "");
	assert_int_equal(bulla_model_field(w.job.model, "age", &age, &w.err), BULLA_OK);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(bulla_job_seal_value(&w.job, &id, 1, age, bulla_view_str(bad[i]), &sealed, &w.err),
				 BULLA_ERR_TYPE);
	assert_int_equal(bulla_job_seal_value(&w.job, &id, 1, age, bulla_view("5\0junk", 6), &sealed, &w.err), BULLA_ERR_TYPE);
	assert_int_equal(bulla_job_seal_value(&w.job, &id, 1, age, bulla_view_str("-9223372036854775808"), &sealed, &w.err),
			 BULLA_OK);
	assert_int_equal(bulla_job_open_given(&w.job, &id, 1, age, bulla_view_buf(&sealed), &out, &w.err), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&out), "-9223372036854775808"));
	world_close(&w);
}

static void rows_that_wait_to_be_sealed_are_found_too(void **state)
{
	(void)state;
	world w;
	records r;
	uint64_t hits;
	open_sealed(&w, "    migrating: true\n");
	world_sql(&w, "UPDATE users SET email = 'Bob@example.org' WHERE id = 3; UPDATE users SET age = 7 WHERE id = 1");
	assert_int_equal(search(&w, "email", text("bob@example.org"), &r, &hits), BULLA_OK);
	assert_int_equal(hits, 3);
	assert_non_null(strstr(r.text, "id=3 email='Bob@example.org'"));
	assert_int_equal(search(&w, "email", text("eve@example.org"), &r, &hits), BULLA_OK);
	assert_int_equal(hits, 0);
	assert_int_equal(search(&w, "age", (bulla_value){ .kind = BULLA_KIND_INTEGER, .integer = 7 }, &r, &hits), BULLA_OK);
	assert_int_equal(hits, 1);
	world_close(&w);

	open_sealed(&w, "");
	world_sql(&w, "UPDATE users SET email = 'new' WHERE id = 3");
	assert_int_equal(search(&w, "email", text("other"), &r, &hits), BULLA_OK);
	assert_int_equal(search(&w, "email", text("new"), &r, &hits), BULLA_ERR_REFUSED); /* as get says it */
	assert_true(w.err.next[0]);
	world_close(&w);

	world_open(&w, SQL, "  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: {} } }\n");
	assert_int_equal(search(&w, "email", text("new"), &r, &hits), BULLA_ERR_REFUSED); /* before the first apply */
	assert_non_null(strstr(w.err.next, "bulla apply"));
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_back_in_the_columns_they_had),
		cmocka_unit_test(equal_values_are_found_and_others_are_not),
		cmocka_unit_test(a_false_index_is_told),
		cmocka_unit_test(plaintext_is_believed_only_while_migrating),
		cmocka_unit_test(keys_of_all_kinds_are_found_by_their_text),
		cmocka_unit_test(one_value_is_sealed_and_opened),
		cmocka_unit_test(numbers_out_of_range_are_refused),
		cmocka_unit_test(rows_that_wait_to_be_sealed_are_found_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
