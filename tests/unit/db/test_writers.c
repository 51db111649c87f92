/* Writers beside a running job: whatever they do between the reading of a page and its swap, nothing of theirs is lost or
 * left stale. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "db/run.h"

#include <stdio.h>
#include <string.h>

#define SQL                                                                                                                      \
	"PRAGMA journal_mode=WAL; CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE, name TEXT, tag INTEGER " \
	"UNIQUE);"                                                                                                               \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 64) INSERT INTO users SELECT x, 'user' || "    \
	"x, 'Name ' || x, x FROM c;"
#define YAML  "  users:\n    branch_key: { name: users }\n    fields: { email: { type: any, index: {} }, name: { type: any } }\n"
#define BATCH 16

/* Statements that run when the hook says `step` for the `at`-th time, or every time for 0. */
typedef struct intruder {
	world *w;
	const char *step;
	int at, seen;
	const char *sql;
	atomic_bool *stop;
} intruder;

static void intrude(void *self, const char *step)
{
	intruder *i = self;
	if (strcmp(step, i->step) != 0) return;
	if (++i->seen != i->at && i->at) return;
	if (i->sql) world_sql(i->w, i->sql);
	if (i->stop) atomic_store(i->stop, true);
}

static bulla_code apply_with(world *w, intruder *i, bool aside)
{
	bulla_apply_options options = { .batch_rows = BATCH, .side_table = aside };
	w->job.hook = intrude;
	w->job.hook_self = i;
	bulla_code code = bulla_job_apply(&w->job, &options, &w->result, &w->err);
	w->job.hook = NULL;
	return code;
}

/* Each hits rows of the page that was read and is about to be written: 1 to 16, and of the next one, and rows that come later. */
static const struct {
	const char *what, *sql;
	int conflicts;
} writes[] = {
	{ "update", "UPDATE users SET email = 'changed' WHERE id = 3", 1 },
	{ "update that only bytes tell", "UPDATE users SET email = 'USER3' WHERE id = 3", 1 },
	{ "update of the class", "UPDATE users SET name = x'00' WHERE id = 3", 1 },
	{ "to null", "UPDATE users SET email = NULL, name = NULL WHERE id = 3", 1 },
	{ "bulk update", "UPDATE users SET name = name || '!'", 48 },
	{ "replace", "REPLACE INTO users(id, email, name, tag) VALUES(4, 'fresh', 'Fresh', 4)", 1 },
	{ "replace through another unique column", "REPLACE INTO users(id, email, name, tag) VALUES(500, 'fresh', 'Fresh', 4)",
	  1 },
	{ "upsert",
	  "INSERT INTO users(id, email, name) VALUES(5, 'up', 'Up') ON CONFLICT(id) DO UPDATE SET email = excluded.email, name = "
	  "excluded.name",
	  1 },
	{ "primary key far away", "UPDATE users SET id = 900 WHERE id = 6", 1 },
	{ "primary keys swapped",
	  "UPDATE users SET id = -1 WHERE id = 7; UPDATE users SET id = 7 WHERE id = 8; UPDATE users SET id = 8 WHERE id = -1",
	  2 },
	{ "all primary keys", "UPDATE users SET id = id + 1000", 48 },
	{ "delete", "DELETE FROM users WHERE id < 10", 9 },
	{ "delete and insert again",
	  "DELETE FROM users WHERE id = 2; INSERT INTO users(id, email, name, tag) VALUES(2, 'again', 'Again', 2)", 1 },
	{ "insert before and behind",
	  "INSERT INTO users(id, email, name, tag) VALUES(0, 'zero', 'Zero', 700), (10000, 'last', 'Last', 701)", 0 },
	{ "another column", "UPDATE users SET tag = tag + 5000 WHERE id = 3", 0 },
	{ "vacuum", "VACUUM", 0 },
};

static void nothing_that_writers_do_meanwhile_is_lost(bool aside)
{
	for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
		for (int at = 1; at <= (aside ? 1 : 4); at += 3) {
			world w;
			world_open(&w, SQL, YAML);
			intruder visitor = { .w = &w, .step = "sealed", .at = at, .sql = writes[i].sql };
			if (apply_with(&w, &visitor, aside)) fail_msg("%s: %s", writes[i].what, w.err.text);
			if (at == 1 && w.result.conflicts != (uint64_t)writes[i].conflicts)
				fail_msg("%s: %d conflicts", writes[i].what, (int)w.result.conflicts);
			if (w.result.unsealed) fail_msg("%s: %d unsealed", writes[i].what, (int)w.result.unsealed);
			world_verify(&w);
			if (w.result.differences || w.result.unsealed || w.result.quarantined)
				fail_msg("%s: not clean", writes[i].what);
			world_close(&w);
		}
	}
}

static void writers_lose_nothing(void **state)
{
	(void)state;
	nothing_that_writers_do_meanwhile_is_lost(false);
}

static void writers_lose_nothing_with_a_side_table(void **state)
{
	(void)state;
	nothing_that_writers_do_meanwhile_is_lost(true);
}

static void tables_without_row_ids_are_compared_too(void **state)
{
	(void)state;
	world w;
	world_open(&w,
		   "CREATE TABLE users(code TEXT PRIMARY KEY COLLATE NOCASE, email TEXT) WITHOUT ROWID;"
		   "WITH RECURSIVE c(x) AS (SELECT 10 UNION ALL SELECT x + 1 FROM c WHERE x < 99) INSERT INTO users SELECT 'k' "
		   "|| x, 'user' || x FROM c;",
		   "  users:\n    primary_key: code\n    branch_key: { name: users }\n    fields: { email: { type: string } }\n");
	intruder visitor = {
		.w = &w,
		.step = "sealed",
		.at = 1,
		.sql = "UPDATE users SET code = 'K11' WHERE code = 'k11'; UPDATE users SET code = 'zz' WHERE code = 'k12'"
	};
	assert_int_equal(apply_with(&w, &visitor, false), BULLA_OK);
	assert_int_equal(w.result.conflicts, 2);
	world_verify_clean(&w);
	assert_int_equal(w.result.done, 90);
	world_close(&w);
}

static void an_application_that_seals_first_wins(void **state)
{
	(void)state;
	world w;
	world_open(&w, SQL, YAML);
	intruder visitor = { .w = &w,
			     .step = "sealed",
			     .at = 1,
			     .sql = "UPDATE users SET email_ciphertext = x'aa', email_bidx = x'bb', name_ciphertext = x'cc', "
				    "encrypted_kms_key = x'dd' WHERE id = 3" };
	assert_int_equal(apply_with(&w, &visitor, false), BULLA_OK);
	assert_int_equal(w.result.conflicts, 1);
	assert_int_equal(world_int(&w, "SELECT encrypted_kms_key = x'dd' FROM users WHERE id = 3"), 1);
	world_close(&w);
}

/* The user's own trigger writes rows that were read already: no other session does, so no mark tells. */
static void rows_that_a_trigger_changes_meanwhile_are_compared(void **state)
{
	(void)state;
	world w;
	world_open(&w,
		   SQL "CREATE TRIGGER ripple AFTER UPDATE ON users WHEN NEW.id = 1 AND OLD.encrypted_kms_key IS NULL"
		       " BEGIN UPDATE users SET name = 'rippled' WHERE id BETWEEN 2 AND 40; END;",
		   YAML);
	intruder nobody = { .w = &w, .step = "never", .at = 1 };
	assert_int_equal(apply_with(&w, &nobody, false), BULLA_OK);
	assert_true(w.result.conflicts > 0);
	world_verify_clean(&w);
	assert_int_equal(world_int(&w, "SELECT count(*) FROM users WHERE name = 'rippled'"), 39);
	world_close(&w);
}

static void a_trigger_that_never_rests_is_told(void **state)
{
	(void)state;
	world w;
	world_open(&w,
		   SQL "CREATE TRIGGER restless AFTER UPDATE ON users BEGIN UPDATE users SET name = name || '.' WHERE id = "
		       "NEW.id AND length(NEW.name) < 900; END;",
		   YAML);
	assert_int_equal(apply_with(&w, &(intruder){ .w = &w, .step = "never", .at = 1 }, false), BULLA_ERR_REFUSED);
	assert_non_null(strstr(w.err.text, "become unsealed"));
	world_close(&w);
}

static void plaintext_only_writes_are_dated_after_the_first_fill(void **state)
{
	(void)state;
	world w;
	world_open(&w, SQL, YAML);
	world_apply(&w);
	assert_int_equal(world_int(&w, "SELECT last_unsealed FROM bulla_job"), 0);
	world_sql(&w, "UPDATE users SET tag = 7000 WHERE id = 1");
	world_apply(&w);
	assert_int_equal(world_int(&w, "SELECT last_unsealed FROM bulla_job"), 0);
	world_sql(&w, "UPDATE users SET name = 'x' WHERE id = 1");
	world_apply(&w);
	assert_true(world_int(&w, "SELECT last_unsealed FROM bulla_job") > 0);
	world_close(&w);
}

static void a_stop_ends_at_a_checkpoint_and_is_taken_up(void **state)
{
	(void)state;
	world w;
	atomic_bool stop = false;
	world_open(&w, SQL, YAML);
	w.job.stop = &stop;
	intruder visitor = { .w = &w, .step = "written", .at = 1, .stop = &stop };
	assert_int_equal(apply_with(&w, &visitor, false), BULLA_ERR_INTERRUPTED);
	int64_t sealed = world_int(&w, "SELECT count(*) FROM users WHERE encrypted_kms_key IS NOT NULL");
	assert_in_range(sealed, BATCH, 4 * BATCH - 1);
	assert_int_equal(world_int(&w, "SELECT done FROM bulla_job"), sealed);
	assert_int_equal(world_int(&w, "SELECT owner IS NULL AND position IS NOT NULL FROM bulla_job"), 1);
	atomic_store(&stop, false);
	world_apply(&w);
	assert_int_equal(w.result.done, 64 - sealed);
	assert_int_equal(world_int(&w, "SELECT last_unsealed FROM bulla_job"), 0);
	world_verify_clean(&w);
	world_close(&w);
}

/* A writer comes after the first round; the job is told to stop as soon as his row is sealed. */
static void stop_when_sealed(void *self, const char *phase, uint64_t done, uint64_t total)
{
	world *w = self;
	(void)phase;
	(void)done;
	(void)total;
	if (world_int(w, "SELECT count(*) FROM users WHERE id = 2000 AND name_ciphertext IS NOT NULL"))
		atomic_store((atomic_bool *)w->job.stop, true);
}

static void following_seals_what_comes(void **state)
{
	(void)state;
	world w;
	atomic_bool stop = false;
	bulla_apply_options options = { .follow = true, .batch_rows = BATCH };
	world_open(&w, SQL, YAML);
	intruder visitor = { .w = &w,
			     .step = "round",
			     .at = 2,
			     .sql = "INSERT INTO users(id, email, name, tag) VALUES(2000, 'late', 'Late', 2000)" };
	w.job.stop = &stop;
	w.job.hook = intrude;
	w.job.hook_self = &visitor;
	w.job.progress = stop_when_sealed;
	w.job.progress_self = &w;
	assert_int_equal(bulla_job_apply(&w.job, &options, &w.result, &w.err), BULLA_ERR_INTERRUPTED);
	assert_int_equal(w.result.done, 65);
	assert_string_equal(world_text(&w, "SELECT phase FROM bulla_job"), "applied");
	assert_int_equal(world_int(&w, "SELECT owner IS NULL FROM bulla_job"), 1);
	world_close(&w);
}

typedef struct witness {
	world *w;
	bulla_job_state state;
} witness;

static void keep_owner(void *self, const char *step)
{
	witness *seen = self;
	if (strcmp(step, "filled") != 0) return;
	snprintf(seen->state.owner, sizeof seen->state.owner, "%s", world_text(seen->w, "SELECT owner FROM bulla_job"));
}

static void a_living_owner_keeps_its_job_without_a_heartbeat(void **state)
{
	(void)state;
	world w;
	witness seen = { &w, { .heartbeat_ms = 1000 } };
	world_open(&w, "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT); INSERT INTO users VALUES(1, 'a');",
		   "  users:\n    branch_key: { name: users }\n    fields: { email: { type: string } }\n");
	w.job.hook = keep_owner;
	w.job.hook_self = &seen;
	world_apply(&w);
	assert_true(bulla_lease_is_live(&seen.state, 100000000));
	snprintf(seen.state.owner, sizeof seen.state.owner, "elsewhere/1/2 1 1 x");
	assert_false(bulla_lease_is_live(&seen.state, 100000000));
	assert_true(bulla_lease_is_live(&seen.state, 2000));
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writers_lose_nothing),
		cmocka_unit_test(writers_lose_nothing_with_a_side_table),
		cmocka_unit_test(tables_without_row_ids_are_compared_too),
		cmocka_unit_test(an_application_that_seals_first_wins),
		cmocka_unit_test(rows_that_a_trigger_changes_meanwhile_are_compared),
		cmocka_unit_test(a_trigger_that_never_rests_is_told),
		cmocka_unit_test(plaintext_only_writes_are_dated_after_the_first_fill),
		cmocka_unit_test(a_stop_ends_at_a_checkpoint_and_is_taken_up),
		cmocka_unit_test(following_seals_what_comes),
		cmocka_unit_test(a_living_owner_keeps_its_job_without_a_heartbeat),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
