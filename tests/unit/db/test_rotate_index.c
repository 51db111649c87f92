/* New blind indexes beside the old ones: both searched, writers of either kind, uniqueness at every moment, and the end of the old one. */
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
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT);"                                                     \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200)"                                          \
	" INSERT INTO users SELECT x, CASE WHEN x % 7 = 0 THEN NULL ELSE 'User' || x || '@Example.org' END, 'Name ' || x FROM "  \
	"c;"
#define MODEL(index)                                                                                                             \
	"  users:\n    branch_key: { name: users }\n    fields: { email: { type: string, index: " index                          \
	" }, name: { type: string } }\n"
#define OLD    MODEL("{ unique: true }")
#define WINDOW MODEL("{ version: 2, unique: true, normalize: lowercase, previous: { unique: true } }")
#define NEW    MODEL("{ version: 2, unique: true, normalize: lowercase }")

static bulla_rotate_result result;

static bulla_code try(world *w)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_rotate_options options = { .kind = BULLA_ROTATE_INDEX, .batch_rows = 64 };
	w->err = (bulla_error){ 0 };
	return bulla_job_rotate(&w->job, &options, &result, &out, &w->err);
}

static void reindex(world *w)
{
	if (try(w)) fail_msg("%s: %s", w->err.text, w->err.next);
}

static bulla_code note(void *self, const char *const *names, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)names, (void)n, (void)err;
	*(int64_t *)self = values[0].integer;
	return BULLA_OK;
}

/* The id of the one record with that address; 0 for none. */
static int64_t find(world *w, const char *email)
{
	bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(email) };
	uint64_t hits = 0, others = 0;
	int64_t id = 0;
	w->err = (bulla_error){ 0 };
	if (bulla_job_search(&w->job, &w->job.model->fields[0], &value, note, &id, &hits, &others, &w->err))
		fail_msg("%s: %s", email, w->err.text);
	assert_true(hits <= 1);
	return hits ? id : 0;
}

static void open_sealed(world *w, const char *yaml)
{
	world_open(w, USERS_SQL, yaml);
	world_apply(w);
	world_verify_clean(w);
	world_finish(w);
}

/* --- an application with a schema of its own, as it was deployed ----------------------------------------------------------- */

static void sql_hex(char *out, bulla_bytes bytes)
{
	if (!bytes.data) {
		strcpy(out, "NULL");
		return;
	}
	out += sprintf(out, "x'");
	for (size_t i = 0; i < bytes.len; i++)
		out += sprintf(out, "%02x", bytes.data[i]);
	strcpy(out, "'");
}

/* A whole record, sealed by the present schema and written with the columns that it names; SQLite's code. */
static int write_record(world *w, int id, const char *email, const char *name)
{
	char sql[4096], key[512], cipher[2][512], index[128], previous[128], number[16];
	bulla_batch *batch = NULL;
	snprintf(number, sizeof number, "%d", id);
	bulla_bytes inputs[] = { bulla_view_str(number) }, keys[1];
	bulla_cell cells[] = { { 0, { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(email) } },
			       { 1, { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(name) } } };
	bulla_row row = { .inputs = inputs, .cells = cells, .cell_count = 2, .keys = keys };
	assert_int_equal(bulla_batch_new(w->keyring, w->job.model, NULL, &batch, &w->err), BULLA_OK);
	assert_int_equal(bulla_batch_seal(batch, &row, 1, &w->err), BULLA_OK);
	sql_hex(key, keys[0]);
	sql_hex(cipher[0], cells[0].ciphertext);
	sql_hex(cipher[1], cells[1].ciphertext);
	sql_hex(index, cells[0].index);
	sql_hex(previous, cells[0].previous_index);
	const char *now = bulla_model_field_index(w->job.model, 0), *before = bulla_model_field_previous_index(w->job.model, 0);
	snprintf(sql, sizeof sql,
		 "INSERT INTO users(id, email_ciphertext, name_ciphertext, encrypted_kms_key, %s%s%s) VALUES(%d, %s, %s, %s, "
		 "%s%s%s)"
		 " ON CONFLICT(id) DO UPDATE SET email_ciphertext = excluded.email_ciphertext, name_ciphertext = "
		 "excluded.name_ciphertext, encrypted_kms_key = excluded.encrypted_kms_key, %s = excluded.%s%s%s%s%s",
		 now, before ? ", " : "", before ? before : "", id, cipher[0], cipher[1], key, index, before ? ", " : "",
		 before ? previous : "", now, now, before ? ", " : "", before ? before : "", before ? " = excluded." : "",
		 before ? before : "");
	bulla_batch_free(batch);
	return world_try(w, sql);
}

/* --- the tests ------------------------------------------------------------------------------------------------------------ */

static void both_are_searched_until_the_old_one_ends(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, OLD);
	assert_int_equal(find(&w, "User5@Example.org"), 5);
	assert_int_equal(find(&w, "user5@example.org"), 0);
	world_schema(&w, WINDOW);
	assert_int_equal(find(&w, "User5@Example.org"), 5); /* before the job has begun: the column is not there yet */
	reindex(&w);
	assert_int_equal(result.changed, 200 - 28);
	assert_int_equal(result.windows, 1);
	assert_int_equal(result.left, 0);
	assert_int_equal(find(&w, "User5@Example.org"), 5);
	assert_int_equal(find(&w, "user5@EXAMPLE.org"), 5);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM pragma_table_info('users') WHERE name IN ('email_bidx', "
				       "'email_bidx_v2')"),
			 2);
	world_verify_clean(&w);
	world_schema(&w, NEW);
	reindex(&w);
	assert_int_equal(result.changed, 0);
	assert_int_equal(result.windows, 0);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'email_bidx'"), 0);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bulla_window.%'"), 0);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM bulla_window"), 0);
	assert_int_equal(find(&w, "user5@example.org"), 5);
	world_verify_clean(&w);
	world_close(&w);
}

static void each_version_has_a_key_of_its_own(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, MODEL("{}"));
	world_schema(&w, MODEL("{ version: 2, previous: {} }"));
	reindex(&w);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE email_bidx = email_bidx_v2"), 0);
	uint64_t n = 0;
	bulla_branch_store *s = &w.branches;
	assert_int_equal(s->each(s->self, world_count_row, &n, &w.err), BULLA_OK);
	assert_int_equal(n, 3); /* the branch, two index keys */
	world_close(&w);
}

/* Applications with the old schema, with both, and with the new one write beside each other; every value is found by whoever looks. */
static void writers_of_either_kind(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, OLD);
	world_schema(&w, WINDOW);
	reindex(&w);
	world_schema(&w, OLD); /* an application that was not deployed anew yet */
	assert_int_equal(write_record(&w, 3, "Changed@Example.org", "n"), SQLITE_OK);
	assert_int_equal(write_record(&w, 300, "Inserted@Example.org", "n"), SQLITE_OK);
	assert_int_equal(write_record(&w, 4, "User4@Example.org", "same address, new key"), SQLITE_OK);
	assert_int_equal(find(&w, "Changed@Example.org"), 3);
	assert_int_equal(find(&w, "User4@Example.org"), 4);
	world_schema(&w, WINDOW);
	assert_int_equal(find(&w, "Changed@Example.org"), 3); /* by the old index: the new one was emptied */
	assert_int_equal(find(&w, "User3@Example.org"), 0);
	assert_int_equal(find(&w, "Inserted@Example.org"), 300);
	assert_int_equal(find(&w, "user4@example.org"), 4); /* the address is the same: the new index stayed */
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE email_bidx_v2 IS NULL AND email_ciphertext IS NOT NULL"),
			 2);
	assert_int_equal(write_record(&w, 6, "Both@Example.org", "n"), SQLITE_OK);
	reindex(&w);
	assert_int_equal(result.changed, 2);
	assert_int_equal(find(&w, "changed@example.org"), 3);
	world_schema(&w, NEW); /* and one that does not know the old index any more */
	assert_int_equal(write_record(&w, 5, "Newest@Example.org", "n"), SQLITE_OK);
	assert_int_equal(find(&w, "newest@example.org"), 5);
	world_schema(&w, WINDOW);
	assert_int_equal(find(&w, "User5@Example.org"), 0);
	assert_int_equal(find(&w, "Newest@Example.org"), 5);
	assert_int_equal(write_record(&w, 301, "User5@Example.org", "free again"), SQLITE_OK);
	world_schema(&w, NEW);
	reindex(&w);
	assert_int_equal(find(&w, "user5@example.org"), 301);
	assert_int_equal(find(&w, "both@example.org"), 6);
	world_verify_clean(&w);
	world_close(&w);
}

static void uniqueness_holds_throughout(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, OLD);
	world_schema(&w, WINDOW);
	assert_int_equal(try(&w), BULLA_OK);
	assert_int_equal(write_record(&w, 400, "User5@Example.org", "n"), SQLITE_CONSTRAINT); /* by both */
	world_schema(&w, OLD);
	assert_int_equal(write_record(&w, 400, "User5@Example.org", "n"), SQLITE_CONSTRAINT); /* by the old one */
	world_schema(&w, NEW);
	assert_int_equal(write_record(&w, 400, "USER5@example.org", "n"), SQLITE_CONSTRAINT); /* by the new one */
	reindex(&w);
	assert_int_equal(write_record(&w, 400, "user5@example.org", "n"), SQLITE_CONSTRAINT);
	world_close(&w);
}

/* Rows that the new index holds for equal: the job says so, and the old index keeps what it kept. */
static void rows_that_collide_are_told(void **state)
{
	(void)state;
	world w;
	world_open(&w, USERS_SQL "INSERT INTO users VALUES(201, 'USER5@example.org', 'n')", OLD);
	world_apply(&w);
	world_verify_clean(&w);
	world_finish(&w);
	world_schema(&w, WINDOW);
	assert_int_equal(try(&w), BULLA_ERR_REFUSED);
	assert_non_null(strstr(w.err.next, "collide"));
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE sql LIKE 'CREATE UNIQUE INDEX%email_bidx%'"), 1);
	world_sql(&w, "DELETE FROM users WHERE id = 201");
	reindex(&w);
	assert_true(result.resumed);
	world_close(&w);
}

static void a_new_index_on_a_finished_table(void **state)
{
	(void)state;
	world w;
	open_sealed(
		&w,
		"  users:\n    branch_key: { name: users }\n    fields: { email: { type: string }, name: { type: string } }\n");
	world_schema(&w, MODEL("{}"));
	world_apply_fails(&w, BULLA_ERR_REFUSED);
	assert_non_null(strstr(w.err.next, "rotate users --index"));
	reindex(&w);
	assert_int_equal(result.changed, 200 - 28);
	assert_int_equal(find(&w, "User5@Example.org"), 5);
	world_close(&w);
}

static void a_row_that_does_not_open_keeps_the_window_open(void **state)
{
	(void)state;
	world w;
	open_sealed(&w, OLD);
	world_sql(&w, "UPDATE users SET email_ciphertext = CAST(substr(email_ciphertext, 1, 20) || x'00ff' || "
		      "substr(email_ciphertext, 23) AS BLOB) WHERE id = 8");
	world_schema(&w, WINDOW);
	reindex(&w);
	assert_int_equal(result.quarantined, 1);
	world_schema(&w, NEW);
	reindex(&w);
	assert_int_equal(result.left, 1);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'email_bidx'"), 1);
	world_sql(&w, "DELETE FROM users WHERE id = 8");
	reindex(&w);
	assert_int_equal(result.quarantined, 0);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'email_bidx'"), 0);
	world_close(&w);
}

static void before_finish_and_in_a_side_table(void **state)
{
	(void)state;
	world w;
	bulla_apply_options aside = { .side_table = true };
	world_open(&w, USERS_SQL, OLD);
	assert_int_equal(bulla_job_apply(&w.job, &aside, &w.result, &w.err), BULLA_OK);
	world_schema(&w, WINDOW);
	reindex(&w);
	assert_int_equal(find(&w, "user5@example.org"), 5);
	world_sql(&w, "UPDATE users SET email = 'Plain@Example.org' WHERE id = 5"); /* unseals both indexes */
	assert_int_equal(
		world_int(&w, "SELECT count(*) FROM users_bulla WHERE id = 5 AND (email_bidx IS NOT NULL OR email_bidx_v2 IS "
			      "NOT NULL)"),
		0);
	world_apply(&w);
	assert_int_equal(
		world_int(&w, "SELECT count(*) FROM users_bulla WHERE id = 5 AND email_bidx IS NOT NULL AND email_bidx_v2 IS "
			      "NOT NULL"),
		1);
	world_verify_clean(&w);
	world_schema(&w, NEW);
	reindex(&w);
	world_apply(&w);
	world_verify_clean(&w);
	world_finish(&w);
	assert_int_equal(find(&w, "plain@example.org"), 5);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_are_searched_until_the_old_one_ends),
		cmocka_unit_test(each_version_has_a_key_of_its_own),
		cmocka_unit_test(writers_of_either_kind),
		cmocka_unit_test(uniqueness_holds_throughout),
		cmocka_unit_test(rows_that_collide_are_told),
		cmocka_unit_test(a_new_index_on_a_finished_table),
		cmocka_unit_test(a_row_that_does_not_open_keeps_the_window_open),
		cmocka_unit_test(before_finish_and_in_a_side_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
