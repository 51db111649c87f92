/* Plans tell what the data says, and refuse what would lose some; proposals read a table; status needs no key. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "base/buf.h"
#include "base/json.h"
#include "db/key_choice.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define SQL                                                                                                                      \
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT);"                                                     \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000) INSERT INTO users"                       \
	" SELECT x, CASE WHEN x % 10 = 0 THEN NULL WHEN x % 10 = 1 THEN '' ELSE 'u' || x || '@example.org' END, 'n' || (x % 4) " \
	"FROM c;"
#define YAML                                                                                                                     \
	"  users:\n    branch_key: { name: users }\n    fields: { email: { type: string }, name: { type: string, index: {} } "   \
	"}\n"

static bulla_json *plan_of(world *w, size_t expected_refusals)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_json *plan;
	size_t refusals;
	w->job.keyring = NULL; /* a plan needs no keys */
	if (bulla_job_plan(&w->job, &text, &refusals, &w->err)) fail_msg("%s", w->err.text);
	w->job.keyring = w->keyring;
	if (refusals != expected_refusals) fail_msg("%d refusals: %.*s", (int)refusals, (int)text.len, (const char *)text.data);
	assert_int_equal(bulla_json_parse(bulla_view_buf(&text), &plan, &w->err), BULLA_OK);
	return plan;
}

static int64_t number(const bulla_json *object, const char *name)
{
	int64_t value = -1;
	if (!bulla_json_integer(bulla_json_member(object, name), &value)) fail_msg("no number %s", name);
	return value;
}

static void text_of(const bulla_json *object, const char *name, char *out, size_t size)
{
	bulla_bytes text = { 0 };
	(void)bulla_json_string(bulla_json_member(object, name), &text);
	snprintf(out, size, "%.*s", (int)text.len, text.len ? (const char *)text.data : "");
}

static void numbers_come_from_the_data(void **state)
{
	(void)state;
	world w;
	world_open(&w, SQL, YAML);
	bulla_json *plan = plan_of(&w, 0);
	const bulla_json *email = bulla_json_at(bulla_json_member(plan, "fields"), 0),
			 *name = bulla_json_at(bulla_json_member(plan, "fields"), 1);
	assert_int_equal(number(plan, "rows"), 1000);
	assert_int_equal(number(email, "nulls"), 100);
	assert_int_equal(number(email, "empty"), 100);
	assert_int_equal(number(email, "longest"), 16);
	assert_int_equal(number(email, "ciphertext_longest"), 16 + 29);
	const bulla_json *index = bulla_json_member(name, "index");
	assert_int_equal(number(index, "distinct"), 4);
	assert_int_equal(number(index, "rows_with_an_equal"), 1000);
	assert_int_equal(bulla_json_count(bulla_json_member(bulla_json_member(plan, "key_choice"), "says")), 4);
	bulla_json_free(plan);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema"), 1);
	world_close(&w);
}

static void a_fingerprint_outlives_apply_and_notices_drift(void **state)
{
	(void)state;
	world w;
	char first[80], second[80], third[80];
	world_open(&w, SQL, YAML);
	bulla_json *plan = plan_of(&w, 0);
	text_of(plan, "fingerprint", first, sizeof first);
	bulla_json_free(plan);
	bulla_apply_options options = { .plan_fingerprint = first };
	assert_int_equal(bulla_job_apply(&w.job, &options, &w.result, &w.err), BULLA_OK);
	assert_int_equal(bulla_job_apply(&w.job, &options, &w.result, &w.err), BULLA_OK);
	plan = plan_of(&w, 0);
	text_of(plan, "fingerprint", second, sizeof second);
	bulla_json_free(plan);
	assert_string_equal(first, second);
	world_sql(&w, "CREATE INDEX more ON users(name)");
	assert_int_equal(bulla_job_apply(&w.job, &options, &w.result, &w.err), BULLA_ERR_DRIFT);
	plan = plan_of(&w, 0);
	text_of(plan, "fingerprint", third, sizeof third);
	bulla_json_free(plan);
	assert_string_not_equal(first, third);
	world_close(&w);
}

static const struct {
	const char *sql, *fields, *part;
} refusals[] = {
	{ "INSERT INTO users VALUES(2000, zeroblob(16777217), 'x')", "email: { type: any }", "larger than 16 MiB" },
	{ "INSERT INTO users VALUES(2000, 'A@x', 'x'), (2001, 'a@X', 'y')",
	  "email: { type: string, index: { unique: true, normalize: lowercase } }", "unique index" },
	{ "CREATE UNIQUE INDEX u ON users(email) WHERE email <> ''", "email: { type: string }", "some rows only" },
	{ "ALTER TABLE users ADD COLUMN up TEXT AS (upper(email))", "email: { type: string }", "is made from" },
};

static void what_would_lose_data_is_refused_with_the_next_step(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		world w;
		char yaml[512], text[400], next[400];
		snprintf(yaml, sizeof yaml, "  users:\n    branch_key: { name: users }\n    fields: { %s }\n",
			 refusals[i].fields);
		world_open(&w, SQL, yaml);
		world_sql(&w, "UPDATE users SET email = id || email");
		world_sql(&w, refusals[i].sql);
		bulla_json *plan = plan_of(&w, 1);
		const bulla_json *refusal = bulla_json_at(bulla_json_member(plan, "refusals"), 0);
		text_of(refusal, "text", text, sizeof text);
		text_of(refusal, "next", next, sizeof next);
		if (!strstr(text, refusals[i].part)) fail_msg("%s: %s", refusals[i].sql, text);
		assert_true(*next);
		bulla_json_free(plan);
		world_close(&w);
	}
}

/* The letters are the members of key_choice that are true, in their order: d b s i h e r. */
static const struct {
	const char *keys, *model, *letters, *says;
} choices[] = {
	{ "\"env:K\"", "branch_key: { name: u }, fields: { email: { index: {} }, name: {} }", "bih",
	  "test guesses on email while it holds the index key" },
	{ "\"env:K\"", "fields: { email: {} }", "dh", "rights, freeze and audit bind honest processes only" },
	{ "\"arn:aws:kms:eu-west-1:111122223333:key/x\"", "fields: { email: {} }", "dr",
	  "every key that it releases leaves a record" },
	{ "\"arn:aws:kms:eu-west-1:111122223333:key/x\"", "branch_key: { name: u }, fields: { email: {} }", "b",
	  "one release for each branch, process and 300 s" },
	{ "\"arn:aws:kms:eu-west-1:111122223333:key/x\", local", "data_key: table, fields: { email: {} }", "sh",
	  "encrypt-only credentials are refused" },
	{ "\"arn:aws:kms:eu-west-1:111122223333:key/x\"", "data_key: none, fields: { email: {} }", "dr", "seals each value" },
	{ "insecure-test-key/encrypt", "fields: { email: {} }", "dhe", "cannot be opened, verified or finished here" },
	{ "\"arn:aws:kms:eu-west-1:111122223333:key/x\"",
	  "branch_key: { name: u }, data_keys: { mail: { key: local } }, fields: { email: { data_key: mail }, name: {} }", "dbh",
	  "a process that seals can also open all that hangs from the same branch" },
};

static void letters_of(const bulla_json *choice, char *out)
{
	static const char *const members[] = { "direct",       "branch_key",   "shared_data_key", "index",
					       "on_this_host", "encrypt_only", "separate_rights" };
	for (size_t i = 0; i < 7; i++) {
		bool value = false;
		assert_true(bulla_json_boolean(bulla_json_member(choice, members[i]), &value));
		if (value) *out++ = "dbsiher"[i];
	}
	*out = 0;
}

static void what_the_choice_of_keys_gives_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
		BULLA_BUF_AUTO bulla_buf text = { 0 };
		bulla_json_writer writer = bulla_json_to(&text);
		bulla_schema *schema = NULL;
		bulla_error err = { 0 };
		bulla_json *document;
		char yaml[1024], letters[8];
		size_t n;
		snprintf(yaml, sizeof yaml,
			 "version: 1\nenvironments: { development: { keys: [%s], insecure: true } }\ndatabases: { main: { url: "
			 "\"sqlite:app.db\" } }\nmodels: { users: { %s } }\n",
			 choices[i].keys, choices[i].model);
		if (bulla_schema_parse(bulla_view_str(yaml), "t.yaml", NULL, NULL, NULL, NULL, &schema, &err))
			fail_msg("%s: %s", yaml, err.text);
		bulla_json_open(&writer, NULL, '{');
		bulla_key_choice_tell(bulla_schema_models(schema, &n), bulla_schema_environment(schema), &writer);
		bulla_json_close(&writer, '}');
		assert_int_equal(bulla_json_end(&writer, &err), BULLA_OK);
		assert_int_equal(bulla_json_parse(bulla_view_buf(&text), &document, &err), BULLA_OK);
		letters_of(bulla_json_member(document, "key_choice"), letters);
		if (strcmp(letters, choices[i].letters) != 0) fail_msg("%s: %s", choices[i].model, letters);
		if (!memmem(text.data, text.len, choices[i].says, strlen(choices[i].says)))
			fail_msg("%s: %.*s", choices[i].says, (int)text.len, (const char *)text.data);
		bulla_json_free(document);
		bulla_schema_free(schema);
	}
}

static const struct {
	const char *sql;
	bool side;
	int refusals;
	const char *part;
} taken[] = {
	{ "ALTER TABLE users ADD COLUMN email_ciphertext TEXT; UPDATE users SET email_ciphertext = 'mine'", false, 1,
	  "column email_ciphertext already" },
	{ "ALTER TABLE users ADD COLUMN NAME_BIDX BLOB", false, 1, "column name_bidx already" },
	{ "ALTER TABLE users ADD COLUMN encrypted_kms_key BLOB", false, 1, "column encrypted_kms_key already" },
	{ "CREATE TABLE users_bulla(id INTEGER PRIMARY KEY, encrypted_kms_key BLOB)", true, 2, "is none of bulla's" },
	{ "CREATE TABLE users_bulla(id INTEGER PRIMARY KEY, theirs)", true, -1,
	  "is none of bulla's" }, /* plan knows no side table */
};

static void columns_that_no_job_has_made_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		world w;
		char text[400];
		bulla_apply_options options = { .side_table = taken[i].side };
		world_open(&w, SQL, YAML);
		world_sql(&w, taken[i].sql);
		int64_t before = world_int(&w, "PRAGMA schema_version");
		if (taken[i].refusals > 0) {
			bulla_json *plan = plan_of(&w, (size_t)taken[i].refusals);
			text_of(bulla_json_at(bulla_json_member(plan, "refusals"), 0), "text", text, sizeof text);
			if (!strstr(text, taken[i].part)) fail_msg("%s: %s", taken[i].sql, text);
			bulla_json_free(plan);
		}
		if (bulla_job_apply(&w.job, &options, &w.result, &w.err) != BULLA_ERR_REFUSED)
			fail_msg("%s: applied", taken[i].sql);
		if (!strstr(w.err.text, taken[i].part)) fail_msg("%s: %s", taken[i].sql, w.err.text);
		assert_true(w.err.next[0]);
		assert_int_equal(world_int(&w, "PRAGMA schema_version"), before);
		world_close(&w);
	}
}

/* A field that the model gets later may not take a column that was there before the first apply either. */
static void a_job_knows_which_columns_it_has_made(void **state)
{
	(void)state;
	world w;
	world_open(
		&w, SQL "ALTER TABLE users ADD COLUMN phone_ciphertext; ALTER TABLE users ADD COLUMN phone;",
		YAML
		"  again:\n    table: main.users\n    branch_key: { name: users }\n    fields: { email: {}, name: { index: {} }, "
		"phone: {} }\n");
	w.job.schema = NULL; /* the two models stand for one file before and after a change */
	world_apply(&w);
	world_apply(&w);
	world_sql(&w, "UPDATE bulla_job SET model = 'again'");
	world_model(&w, "again");
	world_apply_fails(&w, BULLA_ERR_REFUSED);
	assert_non_null(strstr(w.err.text, "column phone_ciphertext already"));
	world_sql(&w, "ALTER TABLE users RENAME COLUMN phone_ciphertext TO theirs");
	world_apply(&w);
	world_sql(&w, "DELETE FROM bulla_job");
	world_apply_fails(&w, BULLA_ERR_REFUSED);
	world_close(&w);
}

static void one_table_under_two_spellings_is_one_table(void **state)
{
	(void)state;
	static const char *const spellings[] = { "main.users", "'\"users\"'", "'main.\"Users\"'", "MAIN.Users" };
	for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
		world w;
		char yaml[512], text[400];
		snprintf(yaml, sizeof yaml,
			 "  users:\n    branch_key: { name: users }\n    fields: { email: { type: string } }\n"
			 "  second:\n    table: %s\n    branch_key: { name: users }\n    fields: { name: { type: string } }\n"
			 "  third:\n    table: gone\n    fields: { name: { type: string } }\n",
			 spellings[i]);
		world_open(&w, SQL, yaml);
		for (int model = 0; model < 2; model++) {
			world_model(&w, model ? "second" : "users");
			bulla_json *plan = plan_of(&w, 1);
			text_of(bulla_json_at(bulla_json_member(plan, "refusals"), 0), "text", text, sizeof text);
			if (!strstr(text, "both on table users")) fail_msg("%s: %s", spellings[i], text);
			bulla_json_free(plan);
			world_apply_fails(&w, BULLA_ERR_REFUSED);
		}
		world_close(&w);
	}
}

static void a_rehearsal_runs_all_of_it_and_leaves_nothing(void **state)
{
	(void)state;
	world w;
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_json *plan;
	size_t refused, files = 0;
	world_open(&w, SQL, YAML);
	if (bulla_job_rehearse(&w.job, &text, &refused, &w.err)) fail_msg("%s", w.err.text);
	assert_int_equal(bulla_json_parse(bulla_view_buf(&text), &plan, &w.err), BULLA_OK);
	const bulla_json *rehearsal = bulla_json_member(plan, "rehearsal");
	assert_int_equal(number(rehearsal, "rows"), 1000);
	assert_int_equal(number(rehearsal, "quarantined"), 0);
	assert_int_equal(number(rehearsal, "differences"), 0);
	bulla_json_free(plan);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema"), 1);
	DIR *d = opendir(w.dir);
	for (struct dirent *e; (e = readdir(d));)
		files += e->d_name[0] != '.';
	closedir(d);
	assert_int_equal(files, 1);
	world_close(&w);
}

static void proposals_read_the_table(void **state)
{
	(void)state;
	world w;
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	static const char *const fields[] = { "email", "name", "n", "mix", "bin" };
	world_open(&w,
		   "CREATE TABLE people(org INT, nr INT, email TEXT UNIQUE COLLATE NOCASE, name, n INT, mix, bin, PRIMARY "
		   "KEY(org, nr)) WITHOUT ROWID;"
		   "INSERT INTO people VALUES(1, 1, 'a', 'b', 5, 'x', x'00'), (1, 2, NULL, NULL, NULL, 6, NULL);",
		   YAML);
	if (bulla_database_propose("sqlite:app.db", w.dir, "people", fields, 5, &out, &w.err)) fail_msg("%s", w.err.text);
	(void)!bulla_buf_terminate(&out, NULL);
	static const char *const parts[] = {
		"\"primary_key\":[\"org\",\"nr\"]",
		"{org}",
		"{nr}",
		"\"name\":\"email\",\"type\":\"string\",\"index\":{\"unique\":true,\"normalize\":\"lowercase\"}",
		"\"name\":\"n\",\"type\":\"integer\"",
		"\"name\":\"mix\",\"type\":\"any\"",
		"\"name\":\"bin\",\"type\":\"binary\""
	};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (!strstr((const char *)out.data, parts[i])) fail_msg("no %s in %s", parts[i], (const char *)out.data);
	assert_int_equal(bulla_database_propose("sqlite:app.db", w.dir, "nobody", fields, 5, &out, &w.err), BULLA_ERR_NOT_FOUND);
	assert_non_null(strstr(w.err.next, "people"));
	world_close(&w);
}

static void status_follows_the_ladder(void **state)
{
	(void)state;
	world w;
	char phase[32], plaintext[64];
	static const char *const phases[] = { "planned", "applied", "verified", "finished" };
	world_open(&w, SQL, YAML);
	for (size_t i = 0; i < 4; i++) {
		BULLA_BUF_AUTO bulla_buf text = { 0 };
		bulla_json *status;
		if (i == 1) world_apply(&w);
		if (i == 2) world_verify_clean(&w);
		if (i == 3) world_finish(&w);
		w.job.keyring = NULL;
		if (bulla_job_status(&w.job, &text, &w.err)) fail_msg("%s", w.err.text);
		w.job.keyring = w.keyring;
		assert_int_equal(bulla_json_parse(bulla_view_buf(&text), &status, &w.err), BULLA_OK);
		text_of(status, "phase", phase, sizeof phase);
		assert_string_equal(phase, phases[i]);
		const bulla_json *email = bulla_json_at(bulla_json_member(status, "fields"), 0);
		assert_int_equal(number(email, "sealed"), i ? 900 : 0);
		assert_int_equal(number(email, "unsealed"), i ? 0 : 900);
		text_of(status, "last_plaintext_write", plaintext, sizeof plaintext);
		assert_string_equal(plaintext, "");
		bulla_json_free(status);
	}
	world_close(&w);
}

static void a_generated_context_is_refused(void **state)
{
	(void)state;
	world w;
	char text[400];
	world_open(
		&w,
		"CREATE TABLE users(id INTEGER PRIMARY KEY, data TEXT, email TEXT, tenant TEXT AS (json_extract(data, '$.t')));"
		"INSERT INTO users(id, data, email) VALUES(1, '{\"t\":\"a\"}', 'x')",
		"  users:\n    context: { model_name: User, model_id: \"{id}\", tenant: \"{tenant}\" }\n    branch_key: { name: "
		"users }\n"
		"    fields: { email: { type: string } }\n");
	bulla_json *plan = plan_of(&w, 1);
	text_of(bulla_json_at(bulla_json_member(plan, "refusals"), 0), "text", text, sizeof text);
	assert_non_null(strstr(text, "column tenant of table users is generated"));
	bulla_json_free(plan);
	world_apply_fails(&w, BULLA_ERR_REFUSED);
	world_close(&w);
}

static void what_finish_would_drop_is_told_and_nothing_else(void **state)
{
	(void)state;
	world w;
	char all[4000] = "";
	world_open(&w,
		   "CREATE TABLE users(id INTEGER PRIMARY KEY, kind TEXT CHECK (kind IN ('email', 'sms')), email TEXT, created, "
		   "note CHECK (note <> email), CHECK (length(email) > 2), CHECK (created <> 'email'));"
		   "CREATE INDEX stays ON users(created) WHERE kind = 'email'; CREATE INDEX goes ON users(created) WHERE email "
		   "<> '';"
		   "INSERT INTO users VALUES(1, 'sms', 'abc', 1, 'n')",
		   "  users:\n    branch_key: { name: users }\n    fields: { email: { type: string } }\n");
	bulla_json *plan = plan_of(&w, 0);
	const bulla_json *warnings = bulla_json_member(plan, "warnings");
	for (size_t i = 0; i < bulla_json_count(warnings); i++)
		text_of(bulla_json_at(warnings, i), "text", all + strlen(all), sizeof all - strlen(all));
	bulla_json_free(plan);
	assert_non_null(strstr(all, "note <> email"));
	assert_non_null(strstr(all, "length(email) > 2"));
	assert_non_null(strstr(all, "index goes"));
	assert_null(strstr(all, "kind IN"));
	assert_null(strstr(all, "created <>"));
	assert_null(strstr(all, "index stays"));
	world_apply(&w);
	world_verify_clean(&w);
	world_finish(&w);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name = 'stays'"), 1);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM sqlite_schema WHERE name = 'goes'"), 0);
	assert_int_equal(world_try(&w, "INSERT INTO users(kind) VALUES('fax')"), SQLITE_CONSTRAINT);
	assert_int_equal(world_try(&w, "INSERT INTO users(created) VALUES('email')"), SQLITE_CONSTRAINT);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_from_the_data),
		cmocka_unit_test(a_fingerprint_outlives_apply_and_notices_drift),
		cmocka_unit_test(what_would_lose_data_is_refused_with_the_next_step),
		cmocka_unit_test(what_the_choice_of_keys_gives_is_said),
		cmocka_unit_test(columns_that_no_job_has_made_are_refused),
		cmocka_unit_test(a_job_knows_which_columns_it_has_made),
		cmocka_unit_test(one_table_under_two_spellings_is_one_table),
		cmocka_unit_test(a_rehearsal_runs_all_of_it_and_leaves_nothing),
		cmocka_unit_test(proposals_read_the_table),
		cmocka_unit_test(status_follows_the_ladder),
		cmocka_unit_test(a_generated_context_is_refused),
		cmocka_unit_test(what_finish_would_drop_is_told_and_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
