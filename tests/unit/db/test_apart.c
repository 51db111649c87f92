/* No transaction of a job is open while it asks the KMS, and reading page by page proves no less than a snapshot. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "core/provider.h"
#include "provider/providers.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define SQL                                                                                                                      \
	"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, name TEXT, note TEXT);"                                          \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5000)"                                         \
	" INSERT INTO users SELECT x, 'secretmail' || x, CASE x % 3 WHEN 0 THEN NULL ELSE 'Secretname ' || x END, 'n' FROM c;"
#define FIELDS "    fields: { email: { type: string, index: {} }, name: { type: string } }\n"

/* --- a KMS that looks at the database when it is asked -------------------------------------------------------------- */

static struct {
	char path[128];
	atomic_int asks, locked_out;
} kms;

/* Nobody who held a transaction open for this answer would let it pass; one that is merely under way ends soon. */
static void look(void)
{
	sqlite3 *db = NULL;
	atomic_fetch_add(&kms.asks, 1);
	if (atomic_load(&kms.locked_out)) return;
	if (sqlite3_open(kms.path, &db) == SQLITE_OK) {
		sqlite3_busy_timeout(db, 2000);
		if (sqlite3_exec(db, "BEGIN EXCLUSIVE; COMMIT", NULL, NULL, NULL) != SQLITE_OK) atomic_store(&kms.locked_out, 1);
	}
	sqlite3_close(db);
}

static bulla_code ask(void *session, const bulla_question *question, void **ret_exchange, bulla_need *need, bulla_error *err)
{
	look();
	return bulla_provider_env.ask(session, question, ret_exchange, need, err);
}

static bulla_provider watched;

static const bulla_provider *find(bulla_bytes key_id)
{
	(void)key_id;
	return &watched;
}

static void open_watched(world *w, const char *models)
{
	watched = bulla_provider_env;
	watched.ask = ask;
	world_provider(find);
	kms.path[0] = 0;
	world_open(w, SQL, models);
	world_provider(NULL);
	snprintf(kms.path, sizeof kms.path, "%s", w->path);
	w->job.patience.wait_ms = 20000; /* the KMS locks too, for a moment */
}

/* The next step begins with empty caches. */
static void forget(world *w)
{
	world_provider(find);
	world_keys(w, "keys: [\"env:TEST_KEY\"]");
	world_provider(NULL);
	atomic_store(&kms.asks, 0);
	atomic_store(&kms.locked_out, 0);
}

static void asked_apart(const char *models, const char *step)
{
	if (!atomic_load(&kms.asks)) fail_msg("%s: %s asked nobody", models, step);
	if (atomic_load(&kms.locked_out)) fail_msg("%s: %s held a transaction open while it asked the KMS", models, step);
}

static const struct {
	const char *models;
	bool paged;
} shapes[] = {
	{ "  users:\n    fields: { email: { type: string }, name: { type: string } }\n", true },
	{ "  users:\n    branch_key: { name: users }\n" FIELDS, false },
	{ "  users:\n    data_key: table\n" FIELDS, false },
	{ "  users:\n    data_key: none\n    fields: { email: { type: string }, name: { type: string } }\n", true },
	{ "  users:\n    branch_key: { name: users }\n    data_keys: { other: { key: \"env:OTHER_KEY\" } }\n"
	  "    fields: { email: { type: string }, name: { type: string, data_key: other } }\n",
	  true },
};

static void no_transaction_waits_for_the_kms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		world w;
		const char *models = shapes[i].models;
		open_watched(&w, models);
		forget(&w);
		world_apply(&w);
		asked_apart(models, "apply");
		forget(&w);
		world_verify_clean(&w);
		asked_apart(models, "verify");
		assert_int_equal(w.result.done, 5000);
		assert_int_equal(world_int(&w, "SELECT report LIKE '%\"read\":\"pages\"%' FROM bulla_report"), shapes[i].paged);
		forget(&w);
		world_finish(&w);
		asked_apart(models, "finish");
		assert_int_equal(w.result.rows, 5000);
		forget(&w);
		world_verify_clean(&w);
		asked_apart(models, "verify after finish");
		assert_true(w.result.digest_equal);
		world_close(&w);
	}
}

/* --- what is written between pages ------------------------------------------------------------------------------------ */

#define DIRECT "  users:\n" FIELDS
#define BAD    "UPDATE users SET email_bidx = x'00112233445566778899aabbccddeeff' WHERE id = 4999"
#define GOOD   "UPDATE users SET email_bidx = (SELECT email_bidx FROM good) WHERE id = 4999"

typedef struct script {
	world *w;
	size_t at;
	struct {
		const char *step, *sql;
	} lines[5];
} script;

static void play(void *self, const char *step)
{
	script *s = self;
	if (!s->lines[s->at].step || strcmp(s->lines[s->at].step, step) != 0) return;
	world_sql(s->w, s->lines[s->at++].sql);
}

static void open_sealed(world *w)
{
	world_open(w, "PRAGMA journal_mode=WAL;" SQL, DIRECT);
	world_apply(w);
	world_sql(w, "CREATE TABLE good AS SELECT email_bidx FROM users WHERE id = 4999");
	world_verify_clean(w);
}

static void play_with(world *w, script *s)
{
	s->w = w;
	w->job.hook = play;
	w->job.hook_self = s;
}

static void rows_written_between_pages_are_seen_as_they_are(void **state)
{
	(void)state;
	world w;
	script s = { .lines = { { "read",
				  "DELETE FROM users WHERE id BETWEEN 4900 AND 4909; UPDATE users SET name = 'x' WHERE id IN (1, "
				  "4998); INSERT INTO users(id, note) VALUES(9000, 'new')" } } };
	open_sealed(&w);
	play_with(&w, &s);
	world_verify(&w);
	assert_int_equal(s.at, 1);
	assert_int_equal(w.result.differences, 0);
	assert_int_equal(w.result.unsealed, 1); /* of row 4998; row 1 was read before */
	assert_int_equal(w.result.done, 4990);
	world_close(&w);
}

static bulla_code try_finish(world *w)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_finish_options options = { 0 };
	return bulla_job_finish(&w->job, &options, &w->result, &out, &w->err);
}

static const struct {
	bulla_code code;
	script script;
} scripts[] = {
	{ BULLA_ERR_REFUSED, { .lines = { { "read", BAD } } } }, /* on a page that comes after */
	/* moved to where the walk has been, and so opened by nobody at first; it is unsealed */
	{ BULLA_ERR_REFUSED, { .lines = { { "read", "UPDATE users SET id = -1 WHERE id = 4999" } } } },
	/* bad when it is looked at, good when it is opened, and bad again: never verified as it is */
	{ BULLA_ERR_REFUSED, { .lines = { { "checked", BAD }, { "looked", GOOD }, { "checked", BAD } } } },
	{ BULLA_OK, { .lines = { { "checked", BAD }, { "looked", GOOD } } } },
	{ BULLA_ERR_REFUSED, { .lines = { { "checked", "UPDATE users SET name = 'late' WHERE id = 2" } } } },
	{ BULLA_OK, { .lines = { { "read", "UPDATE users SET note = 'm' WHERE id = 4000" } } } }, /* no field of the model */
};

static void finish_drops_only_what_it_has_opened_as_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		world w;
		script s = scripts[i].script;
		open_sealed(&w);
		play_with(&w, &s);
		bulla_code code = try_finish(&w);
		if (code != scripts[i].code) fail_msg("%d: %s: %s", (int)i, bulla_code_name(code), w.err.text);
		if (s.lines[s.at].step) fail_msg("%d: %s never came", (int)i, s.lines[s.at].step);
		assert_int_equal(world_int(&w, "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'email'"),
				 code ? 1 : 0);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_transaction_waits_for_the_kms),
		cmocka_unit_test(rows_written_between_pages_are_seen_as_they_are),
		cmocka_unit_test(finish_drops_only_what_it_has_opened_as_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
