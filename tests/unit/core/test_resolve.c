/*
 * test_resolve.c - branch keys: made, read back, found by version, closed, destroyed, hanging from each other, shared with other
 * processes.
 */
#include "world.h"

#include <stdio.h>

#define SECOND  1000000ll
#define MAX_AGE (300 * SECOND)

#define ENVIRONMENT "version: 1\nenvironments: { development: { key: fake/call/main } }\n"

static const char constant[] = ENVIRONMENT "models:\n"
					   "  users: { branch_key: users, fields: { email: {}, name: {} } }\n";
static const char by_user[] = ENVIRONMENT "models:\n"
					  "  users: { branch_key: { name: \"user:{id}\", under: all }, fields: { email: {} } }\n"
					  "  tenants: { branch_key: { name: all, under: top }, fields: { name: {} } }\n"
					  "  top: { branch_key: top, fields: { name: {} } }\n";

/* `n` rows sealed and held. */
static void sealed(world *w, const char *model, row_set *rows, size_t n, unsigned first)
{
	bulla_batch *batch = batch_of(w, model, NULL);
	bulla_error err = { 0 };
	rows_init(rows, world_model(w, model), n, first);
	if (batch_seal(w, batch, rows, &err)) fail_msg("%s", err.text);
	rows_all(rows, BULLA_OK);
	rows_hold(rows);
	bulla_batch_free(batch);
}

static bulla_code opened(world *w, const char *model, row_set *rows, bulla_error *err)
{
	bulla_batch *batch = batch_of(w, model, NULL);
	bulla_code code = batch_open(w, batch, rows, err);
	if (!code && !rows->row[0].code) rows_check(rows);
	bulla_batch_free(batch);
	return code;
}

/* --- making and finding ---------------------------------------------------------------------------------------- */

static void made_under_the_kms(void **state)
{
	world *w = world_open(constant, true);
	row_set rows;
	(void)state;
	sealed(w, "users", &rows, 50, 1);
	assert_int_equal(w->row_count, 1);
	assert_non_null(world_row(w, "users"));
	assert_int_equal(fake_kms_named("main")->questions, 2); /* wrapped, then proven to unwrap */
	assert_int_equal(w->loads, 2);                          /* looked for, then read back */
	assert_int_equal(rows.keys[0].len, 98);
	/* a second batch finds it in the cache, a cold one with one question */
	row_set more;
	sealed(w, "users", &more, 50, 51);
	assert_int_equal(fake_kms_named("main")->questions, 2);
	bulla_keyring_forget(w->keyring);
	assert_int_equal(opened(w, "users", &more, NULL), BULLA_OK);
	assert_int_equal(fake_kms_named("main")->questions, 3);
	assert_int_equal(w->row_count, 1);
	rows_done(&rows);
	rows_done(&more);
	world_free(w);
}

/* A thousand branches under one: one question of the parent, not one each. */
static void made_under_a_branch(void **state)
{
	world *w = world_open(by_user, true);
	row_set rows;
	(void)state;
	sealed(w, "users", &rows, 1000, 1);
	assert_int_equal(w->row_count, 1002);
	assert_non_null(world_row(w, "user:1000"));
	assert_int_equal(fake_kms_named("main")->questions, 2); /* top: wrapped, unwrapped */
	assert_int_equal(fake_kms_named("main")->items, 2);
	bulla_keyring_forget(w->keyring);
	size_t loads = w->loads;
	assert_int_equal(opened(w, "users", &rows, NULL), BULLA_OK);
	assert_int_equal(fake_kms_named("main")->questions, 3);
	assert_int_equal(w->loads - loads, 3); /* users, their parent, its parent */
	rows_done(&rows);
	world_free(w);
}

static void different_branches_are_different_keys(void **state)
{
	world *w = world_open(by_user, true);
	row_set rows;
	(void)state;
	sealed(w, "users", &rows, 2, 1);
	bulla_bytes swapped = rows.keys[0];
	rows.row[0].keys[0] = rows.row[1].keys[0];
	rows.row[1].keys[0] = swapped;
	(void)!opened(w, "users", &rows, NULL);
	rows_all(&rows, BULLA_ERR_CONTEXT);
	rows_done(&rows);
	world_free(w);
}

/* --- states ---------------------------------------------------------------------------------------------------- */

static void closing(void **state)
{
	world *w = world_open(constant, true);
	row_set rows, more;
	(void)state;
	sealed(w, "users", &rows, 3, 1);
	world_row(w, "users")->state = BULLA_BRANCH_CLOSING;
	bulla_keyring_forget(w->keyring);
	assert_int_equal(opened(w, "users", &rows, NULL), BULLA_OK); /* what is there stays readable */
	bulla_keyring_forget(w->keyring);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&more, world_model(w, "users"), 2, 10);
	assert_int_equal(batch_seal(w, batch, &more, NULL), BULLA_OK);
	rows_all(&more, BULLA_ERR_KEY_CLOSING);
	for (size_t i = 0; i < more.n; i++)
		assert_null(more.row[i].keys[0].data);
	bulla_batch_free(batch);
	assert_int_equal(w->row_count, 1);
	rows_done(&rows);
	rows_done(&more);
	world_free(w);
}

/* Whoever closes a branch closes what hangs from it: its key opens theirs, and goes with its destruction. To read something in between, by
 * which the closed key comes into the cache, opens no way around that. */
static void what_hangs_from_a_closing_branch(void **state)
{
	world *w = world_open(by_user, true);
	row_set rows, more;
	(void)state;
	sealed(w, "users", &rows, 2, 1);
	world_row(w, "all")->state = BULLA_BRANCH_CLOSING; /* two levels up */
	w->now_us += MAX_AGE;
	bulla_keyring_tick(w->keyring);
	for (int read_before = 0; read_before < 2; read_before++) {
		if (read_before) assert_int_equal(opened(w, "users", &rows, NULL), BULLA_OK);
		bulla_batch *batch = batch_of(w, "users", NULL);
		rows_init(&more, world_model(w, "users"), 3, 1); /* two old branches and a new one */
		assert_int_equal(batch_seal(w, batch, &more, NULL), BULLA_OK);
		rows_all(&more, BULLA_ERR_KEY_CLOSING);
		rows_done(&more);
		bulla_batch_free(batch);
	}
	world_row(w, "all")->state = BULLA_BRANCH_ACTIVE;
	w->now_us += MAX_AGE;
	bulla_keyring_tick(w->keyring);
	sealed(w, "users", &more, 3, 1);
	rows_done(&more);
	rows_done(&rows);
	world_free(w);
}

/* A shared data key goes into each row with its wraps: none is sealed any more once what wraps it is closed, and all can be read. */
static void shared_and_closing(const char *yaml, bool branch)
{
	world *w = world_open(yaml, true);
	row_set rows, more;
	sealed(w, "users", &rows, 3, 1);
	if (branch)
		world_row(w, "users")->state = BULLA_BRANCH_CLOSING;
	else
		fake_kms_named("main")->closed = true;
	sealed(w, "users", &more, 2, 10); /* it is in the cache: for max_age at most */
	bulla_keyring_forget(w->keyring);
	assert_int_equal(opened(w, "users", &rows, NULL), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	rows_done(&more);
	if (!branch) bulla_keyring_forget(w->keyring); /* else with the closed branch in the cache, from reading */
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&more, world_model(w, "users"), 2, 10);
	assert_int_equal(batch_seal(w, batch, &more, NULL), BULLA_OK);
	rows_all(&more, BULLA_ERR_KEY_CLOSING);
	bulla_batch_free(batch);
	rows_done(&rows);
	rows_done(&more);
	world_free(w);
	fake_kms_reset();
}

static void shared_under_a_closed_key(void **state)
{
	static const char table[] = ENVIRONMENT "models:\n"
						"  users: { data_key: table, fields: { email: {}, name: {} } }\n";
	static const char under[] =
		ENVIRONMENT "models:\n"
			    "  users: { data_key: table, branch_key: users, fields: { email: {}, name: {} } }\n";
	(void)state;
	shared_and_closing(table, false);
	shared_and_closing(under, true);
}

/* New branch keys cannot hang from it, what hangs from it works on. */
static void branches_under_a_closed_key(void **state)
{
	world *w = world_open(constant, true);
	row_set rows, more;
	(void)state;
	sealed(w, "users", &rows, 3, 1);
	fake_kms_named("main")->closed = true;
	bulla_keyring_forget(w->keyring);
	sealed(w, "users", &more, 2, 10);
	rows_done(&rows);
	rows_done(&more);
	world_free(w);
	w = world_open(constant, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&more, world_model(w, "users"), 2, 10);
	fake_kms_named("main")->closed = true;
	assert_int_equal(batch_seal(w, batch, &more, NULL), BULLA_OK);
	rows_all(&more, BULLA_ERR_KEY_CLOSING);
	assert_int_equal(w->row_count, 0);
	bulla_batch_free(batch);
	rows_done(&more);
	world_free(w);
	fake_kms_reset();
}

static void destroyed(void **state)
{
	world *w = world_open(constant, true);
	row_set rows, more;
	(void)state;
	sealed(w, "users", &rows, 3, 1);
	fake_row *row = world_row(w, "users");
	row->state = BULLA_BRANCH_DESTROYED;
	bulla_buf_done(&row->wrapped);
	bulla_keyring_forget(w->keyring);
	assert_int_equal(opened(w, "users", &rows, NULL), BULLA_OK); /* the rows' fault, not the call's */
	rows_all(&rows, BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(rows.row[0].part, BULLA_PART_TOMBSTONE);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&more, world_model(w, "users"), 2, 10);
	assert_int_equal(batch_seal(w, batch, &more, NULL), BULLA_OK);
	rows_all(&more, BULLA_ERR_KEY_DESTROYED); /* and no new one in its place */
	assert_int_equal(w->row_count, 1);
	bulla_batch_free(batch);
	rows_done(&rows);
	rows_done(&more);
	world_free(w);
}

/* One shredded user among others. */
static void one_destroyed_among_many(void **state)
{
	world *w = world_open(by_user, true);
	row_set rows;
	(void)state;
	sealed(w, "users", &rows, 5, 1);
	fake_row *row = world_row(w, "user:3");
	row->state = BULLA_BRANCH_DESTROYED;
	bulla_buf_done(&row->wrapped);
	bulla_keyring_forget(w->keyring);
	bulla_batch *batch = batch_of(w, "users", NULL);
	assert_int_equal(batch_open(w, batch, &rows, NULL), BULLA_OK);
	for (size_t i = 0; i < rows.n; i++) {
		assert_int_equal(rows.row[i].code, i == 2 ? BULLA_ERR_KEY_DESTROYED : BULLA_OK);
		assert_int_equal(rows_cell(&rows, i, 0)->value.kind, i == 2 ? BULLA_KIND_NULL : BULLA_KIND_TEXT);
	}
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

/* A branch whose parent was destroyed is as dead, though its own row is not a tombstone. */
static void destroyed_above(void **state)
{
	world *w = world_open(by_user, true);
	row_set rows;
	(void)state;
	sealed(w, "users", &rows, 2, 1);
	fake_row *row = world_row(w, "top");
	row->state = BULLA_BRANCH_DESTROYED;
	bulla_buf_done(&row->wrapped);
	bulla_keyring_forget(w->keyring);
	assert_int_equal(opened(w, "users", &rows, NULL), BULLA_OK);
	rows_all(&rows, BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(rows.row[1].part, BULLA_PART_TOMBSTONE);
	rows_done(&rows);
	world_free(w);
}

/* A key that the KMS has destroyed is a loss, and no shred. */
static void destroyed_by_the_kms(void **state)
{
	world *w = world_open(constant, true);
	row_set rows;
	(void)state;
	sealed(w, "users", &rows, 2, 1);
	bulla_keyring_forget(w->keyring);
	fake_kms_named("main")->fails_items = BULLA_ERR_KEY_DESTROYED;
	(void)!opened(w, "users", &rows, NULL);
	rows_all(&rows, BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(rows.row[0].part, 0);
	rows_done(&rows);
	world_free(w);
}

/* --- how long a process goes on with what it holds ---------------------------------------------------------------- */

static bulla_code code_of_new(world *w, const char *model)
{
	row_set rows;
	bulla_batch *batch = batch_of(w, model, NULL);
	rows_init(&rows, world_model(w, model), 1, 1);
	bulla_code code = batch_seal(w, batch, &rows, NULL);
	if (!code) code = rows.row[0].code;
	bulla_batch_free(batch);
	rows_done(&rows);
	return code;
}

/* Two processes share the store: what one of them closes and destroys the other holds for max_age at most. */
static void other_process_stops_within_max_age(void **state)
{
	world *w = world_open(constant, true), *other = world_beside(w, constant);
	row_set rows;
	(void)state;
	sealed(w, "users", &rows, 1, 1);
	assert_int_equal(code_of_new(other, "users"), BULLA_OK); /* it holds the key now */
	fake_row *row = world_row(w, "users");
	row->state = BULLA_BRANCH_CLOSING;
	other->now_us += MAX_AGE - 1;
	assert_int_equal(code_of_new(other, "users"), BULLA_OK);
	other->now_us += 1;
	assert_int_equal(code_of_new(other, "users"), BULLA_ERR_KEY_CLOSING);
	assert_int_equal(opened(other, "users", &rows, NULL), BULLA_OK);
	rows_all(&rows, BULLA_OK); /* reading goes on until it is destroyed, and then max_age */
	row->state = BULLA_BRANCH_DESTROYED;
	bulla_buf_done(&row->wrapped);
	other->now_us += MAX_AGE;
	assert_int_equal(opened(other, "users", &rows, NULL), BULLA_OK);
	rows_all(&rows, BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(code_of_new(other, "users"), BULLA_ERR_KEY_DESTROYED);
	rows_done(&rows);
	world_free(other);
	world_free(w);
}

/* A key that was opened by a cached parent is no younger than that one: closing the parent ends both within max_age. */
static void a_child_is_as_old_as_its_parent(void **state)
{
	world *w = world_open(by_user, true);
	row_set rows;
	(void)state;
	sealed(w, "users", &rows, 1, 1); /* the parents are read now */
	w->now_us += MAX_AGE - SECOND;
	bulla_keyring_tick(w->keyring);
	row_set more;
	sealed(w, "users", &more, 1, 2); /* another child, by the cached parent */
	size_t loads = w->loads;
	assert_int_equal(opened(w, "users", &more, NULL), BULLA_OK);
	assert_int_equal(w->loads, loads);
	world_row(w, "all")->state = BULLA_BRANCH_DESTROYED;
	w->now_us += SECOND;
	assert_int_equal(opened(w, "users", &more, NULL), BULLA_OK);
	rows_all(&more, BULLA_ERR_KEY_DESTROYED);
	rows_done(&rows);
	rows_done(&more);
	world_free(w);
}

/* As world_drive(), but the KMS takes its time. */
static bulla_code drive_slowly(world *w, bulla_op *op, int64_t us)
{
	for (;;) {
		bulla_need need;
		TRY(bulla_op_step(op, &need, NULL));
		if (need.kind == BULLA_NEED_DONE) return BULLA_OK;
		if (need.kind == BULLA_NEED_HTTP) w->now_us += us;
		world_satisfy(w, &need);
	}
}

/* Its age counts from when its row was read, not from when the KMS had answered: the row may have been closed in between. */
static void a_slow_kms_makes_no_key_younger(void **state)
{
	static const char slow[] = "version: 1\nenvironments: { development: { key: fake/http/slow } }\n"
				   "models:\n  users: { branch_key: users, fields: { email: {} } }\n";
	world *w = world_open(slow, true);
	bulla_op *op = NULL;
	row_set rows, more;
	(void)state;
	sealed(w, "users", &rows, 1, 1);
	bulla_keyring_forget(w->keyring);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&more, world_model(w, "users"), 1, 2);
	assert_int_equal(bulla_batch_seal_op(batch, more.row, 1, &op, NULL), BULLA_OK);
	assert_int_equal(drive_slowly(w, op, 200 * SECOND), BULLA_OK);
	rows_all(&more, BULLA_OK);
	bulla_batch_free(batch);
	world_row(w, "users")->state = BULLA_BRANCH_CLOSING;
	w->now_us += 100 * SECOND;
	assert_int_equal(code_of_new(w, "users"), BULLA_ERR_KEY_CLOSING);
	rows_done(&rows);
	rows_done(&more);
	world_free(w);
}

static void unknown_version(void **state)
{
	world *w = world_open(constant, true);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	sealed(w, "users", &rows, 1, 1);
	world_row(w, "users")->version ^= 1;
	bulla_keyring_forget(w->keyring);
	(void)!opened(w, "users", &rows, &err);
	rows_all(&rows, BULLA_ERR_UNKNOWN_KEY);
	rows_done(&rows);
	world_free(w);
}

/* --- tampering with the store ---------------------------------------------------------------------------------- */

static void exchange(bulla_buf *a, bulla_buf *b)
{
	bulla_buf kept = *a;
	*a = *b;
	*b = kept;
}

/* A wrapped branch key opens in its own row alone: not under another identity, not as another version. */
static void rows_of_the_store_are_bound(void **state)
{
	world *w = world_open(by_user, true);
	row_set rows;
	(void)state;
	sealed(w, "users", &rows, 2, 1);
	fake_row *one = world_row(w, "user:1"), *two = world_row(w, "user:2");
	exchange(&one->wrapped, &two->wrapped);
	bulla_keyring_forget(w->keyring);
	(void)!opened(w, "users", &rows, NULL);
	rows_all(&rows, BULLA_ERR_AUTH);
	exchange(&one->wrapped, &two->wrapped);
	exchange(&one->identity, &two->identity);
	bulla_keyring_forget(w->keyring);
	rows_hold(&rows);
	(void)!opened(w, "users", &rows, NULL);
	rows_all(&rows, BULLA_ERR_AUTH);
	rows_done(&rows);
	world_free(w);
}

/* Somebody wrote wrapped keys into the store that hang from each other: found, and no loop. */
static void circle_in_the_store(void **state)
{
	world *w = world_open(by_user, true);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	sealed(w, "users", &rows, 1, 1);
	fake_row *top = world_row(w, "top"), *all = world_row(w, "all");
	bulla_buf_done(&top->wrapped);
	assert_int_equal(bulla_buf_add(&top->wrapped, bulla_view_buf(&all->wrapped), NULL), BULLA_OK);
	bulla_put_u64(top->wrapped.data + 35, all->version); /* top under all, which is under top */
	bulla_keyring_forget(w->keyring);
	assert_int_equal(opened(w, "users", &rows, &err), BULLA_ERR_CORRUPT);
	assert_non_null(strstr(err.text, "circle"));
	bulla_put_u64(top->wrapped.data + 35, top->version); /* under itself */
	bulla_keyring_forget(w->keyring);
	assert_int_equal(opened(w, "users", &rows, &err), BULLA_ERR_CORRUPT);
	rows_done(&rows);
	world_free(w);
}

static void too_deep(void **state)
{
	char yaml[2000] = ENVIRONMENT "models:\n";
	size_t at = strlen(yaml);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	for (int i = 0; i < 10; i++)
		at += (size_t)snprintf(yaml + at, sizeof yaml - at,
				       "  m%d: { branch_key: { name: b%d, under: b%d }, fields: { f: {} } }\n", i, i, i + 1);
	snprintf(yaml + at, sizeof yaml - at, "  m10: { branch_key: b10, fields: { f: {} } }\n");
	world *w = world_open(yaml, true);
	bulla_batch *deep = batch_of(w, "m0", NULL);
	rows_init(&rows, world_model(w, "m0"), 1, 1);
	assert_int_equal(batch_seal(w, deep, &rows, &err), BULLA_ERR_CONFIG);
	assert_non_null(strstr(err.text, "levels"));
	bulla_batch_free(deep);
	rows_done(&rows);
	sealed(w, "m2", &rows, 1, 1); /* eight levels above it */
	assert_int_equal(w->row_count, 9);
	rows_done(&rows);
	world_free(w);
}

/* --- other processes ------------------------------------------------------------------------------------------- */

static world *second;

static void second_process_is_first(world *w)
{
	row_set rows;
	w->before_create = NULL;
	sealed(second, "users", &rows, 1, 900);
	rows_done(&rows);
}

static void another_process_was_first(void **state)
{
	world *w = world_open(constant, true);
	row_set rows;
	(void)state;
	second = world_beside(w, constant);
	w->before_create = second_process_is_first;
	sealed(w, "users", &rows, 3, 1);
	assert_int_equal(w->creates, 2);
	assert_int_equal(w->row_count, 1); /* one key for both */
	assert_true(bulla_get_u64(rows.keys[0].data + 35) == w->rows[0].version);
	assert_int_equal(opened(second, "users", &rows, NULL), BULLA_OK);
	rows_done(&rows);
	world_free(second);
	world_free(w);
}

/* --- newer versions -------------------------------------------------------------------------------------------- */

/* `n` rows sealed under branches that are not older than `since`. */
static void sealed_since(world *w, const char *model, row_set *rows, size_t n, int64_t since)
{
	bulla_batch_options options = { .size = sizeof options, .since_us = since };
	bulla_batch *batch = batch_of(w, model, &options);
	bulla_error err = { 0 };
	rows_init(rows, world_model(w, model), n, 1);
	if (batch_seal(w, batch, rows, &err)) fail_msg("%s", err.text);
	rows_all(rows, BULLA_OK);
	rows_hold(rows);
	bulla_batch_free(batch);
}

static uint64_t version_of(const row_set *rows, size_t row)
{
	return bulla_get_u64(rows->row[row].keys[0].data + 35);
}

static void an_older_branch_gets_a_newer_version(void **state)
{
	world *w = world_open(constant, true);
	row_set old, fresh, again;
	(void)state;
	w->now_us = 1000;
	sealed(w, "users", &old, 2, 1);
	sealed_since(w, "users", &fresh, 2, 2000); /* the old one is in the cache: that does not help it */
	assert_int_equal(w->row_count, 2);
	assert_true(version_of(&fresh, 0) == w->rows[1].version && version_of(&old, 0) == w->rows[0].version);
	assert_int_equal(w->rows[1].created_us, 2000); /* a clock that is behind makes no version that is old at once */
	world *beside = world_beside(w, constant);
	sealed_since(beside, "users", &again, 1, 2000);
	assert_true(version_of(&again, 0) == version_of(&fresh, 0)); /* whoever goes on makes no other */
	assert_int_equal(w->row_count, 2);
	assert_int_equal(opened(beside, "users", &old, NULL), BULLA_OK);
	assert_int_equal(opened(beside, "users", &fresh, NULL), BULLA_OK);
	rows_done(&old);
	rows_done(&fresh);
	rows_done(&again);
	world_free(beside);
	world_free(w);
}

static void parents_are_renewed_too(void **state)
{
	world *w = world_open(by_user, true);
	row_set old, fresh;
	(void)state;
	w->now_us = 1000;
	sealed(w, "users", &old, 3, 1);
	size_t before = w->row_count;
	sealed_since(w, "users", &fresh, 3, 2000);
	assert_int_equal(w->row_count, 2 * before); /* three users, all, top */
	bulla_keyring_forget(w->keyring);
	assert_int_equal(opened(w, "users", &old, NULL), BULLA_OK);
	assert_int_equal(opened(w, "users", &fresh, NULL), BULLA_OK);
	rows_done(&old);
	rows_done(&fresh);
	world_free(w);
}

static void second_process_rotates_first(world *w)
{
	row_set rows;
	w->before_create = NULL;
	sealed_since(second, "users", &rows, 1, 2000);
	rows_done(&rows);
}

static void another_process_rotated_first(void **state)
{
	world *w = world_open(constant, true);
	row_set old, fresh;
	(void)state;
	w->now_us = 1000;
	sealed(w, "users", &old, 1, 1);
	second = world_beside(w, constant);
	w->before_create = second_process_rotates_first;
	sealed_since(w, "users", &fresh, 1, 2000);
	assert_int_equal(w->row_count, 2);
	assert_true(version_of(&fresh, 0) == w->rows[1].version);
	rows_done(&old);
	rows_done(&fresh);
	world_free(second);
	world_free(w);
}

/* A store that says it has written and has not: no row is sealed, under whatever key. */
static void a_newer_version_that_is_not_in_the_store(void **state)
{
	world *w = world_open(constant, true);
	row_set old, fresh;
	bulla_batch_options options = { .size = sizeof options, .since_us = 2000 };
	bulla_error err = { 0 };
	(void)state;
	w->now_us = 1000;
	sealed(w, "users", &old, 1, 1);
	w->forgets = true;
	bulla_batch *batch = batch_of(w, "users", &options);
	rows_init(&fresh, world_model(w, "users"), 1, 1);
	assert_int_equal(batch_seal(w, batch, &fresh, &err), BULLA_ERR_CONFLICT);
	bulla_batch_free(batch);
	rows_done(&old);
	rows_done(&fresh);
	world_free(w);
}

/* Nothing is sealed under a key that cannot be read back. */
static void a_key_that_is_not_in_the_store(void **state)
{
	world *w = world_open(constant, true);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	w->forgets = true;
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 2, 1);
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_ERR_CORRUPT);
	for (size_t i = 0; i < rows.n; i++) {
		assert_null(rows.row[i].keys[0].data);
		assert_null(rows_cell(&rows, i, 0)->ciphertext.data);
	}
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

/* A key that the KMS wraps and does not unwrap again is not used either: the row stays, no record hangs from it. */
static void a_key_that_does_not_come_back(void **state)
{
	world *w = world_open(constant, true);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	atomic_store(&fake_kms_named("main")->lies, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 2, 1);
	assert_int_equal(batch_seal(w, batch, &rows, &err),
			 BULLA_ERR_AUTH); /* not the rows' fault: none is put aside as tampered with */
	assert_null(rows.row[0].keys[0].data);
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

static void nothing_is_written_without_a_wrap(void **state)
{
	world *w = world_open(constant, true);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	atomic_store(&fake_kms_named("main")->fails, BULLA_ERR_UNAVAILABLE);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 1, 1);
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_ERR_UNAVAILABLE);
	assert_int_equal(w->creates, 0);
	assert_null(rows.keys[0].data);
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

/* --- failures -------------------------------------------------------------------------------------------------- */

static void kms_is_out(void **state)
{
	world *w = world_open(constant, true);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	sealed(w, "users", &rows, 2, 1);
	bulla_keyring_forget(w->keyring);
	atomic_store(&fake_kms_named("main")->fails, BULLA_ERR_UNAVAILABLE);
	assert_int_equal(opened(w, "users", &rows, &err), BULLA_ERR_UNAVAILABLE);
	assert_non_null(strstr(err.text, "fake KMS main")); /* what the KMS said */
	assert_true(err.retryable);
	atomic_store(&fake_kms_named("main")->fails, 0);
	assert_int_equal(opened(w, "users", &rows, &err), BULLA_OK);
	rows_done(&rows);
	world_free(w);
}

/* A failed call leaves no flight behind: another batch may try at once, while the failed one still exists. */
static void store_fails_once(void **state)
{
	world *w = world_open(constant, true);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	sealed(w, "users", &rows, 2, 1);
	bulla_keyring_forget(w->keyring);
	bulla_batch *failed = batch_of(w, "users", NULL);
	atomic_store(&w->store_fails, BULLA_ERR_LOCKED);
	assert_int_equal(batch_open(w, failed, &rows, &err), BULLA_ERR_LOCKED);
	rows_hold(&rows);
	assert_int_equal(opened(w, "users", &rows, &err), BULLA_OK);
	assert_int_equal(w->waits, 0);
	bulla_batch_free(failed);
	rows_done(&rows);
	world_free(w);
}

static void no_store(void **state)
{
	world *w = world_open(constant, false);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 1, 1);
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_ERR_CONFIG);
	assert_non_null(strstr(err.next, "store"));
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

/* --- concurrency ----------------------------------------------------------------------------------------------- */

struct job {
	world *world;
	row_set rows;
	bulla_code code;
};

static void *open_in_thread(void *self)
{
	struct job *job = self;
	bulla_batch *batch = NULL;
	job->code = bulla_batch_new(job->world->keyring, job->rows.model, NULL, &batch, NULL);
	if (!job->code) job->code = batch_open(job->world, batch, &job->rows, NULL);
	if (!job->code) job->code = job->rows.row[0].code;
	bulla_batch_free(batch);
	return NULL;
}

static void many_batches_one_question(void **state)
{
	enum { JOBS = 64 };
	world *w = world_open(constant, true);
	struct job *jobs = calloc(JOBS, sizeof *jobs);
	pthread_t threads[JOBS];
	(void)state;
	assert_non_null(jobs);
	for (size_t i = 0; i < JOBS; i++) {
		jobs[i].world = w;
		sealed(w, "users", &jobs[i].rows, 2, (unsigned)(10 * i));
	}
	bulla_keyring_forget(w->keyring);
	size_t before = fake_kms_named("main")->questions;
	for (size_t i = 0; i < JOBS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_in_thread, &jobs[i]), 0);
	for (size_t i = 0; i < JOBS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(jobs[i].code, BULLA_OK);
		rows_done(&jobs[i].rows);
	}
	assert_int_equal(fake_kms_named("main")->questions - before, 1);
	free(jobs);
	world_free(w);
}

/* --- uses ------------------------------------------------------------------------------------------------------ */

/* Every wrap and unwrap with a cached key counts, whether rows share a branch or not. */
static void uses_are_counted(void **state)
{
	world *w = world_open(constant, true);
	row_set rows;
	(void)state;
	sealed(w, "users", &rows, 3, 1); /* the KMS's own record */
	w->note_count = 0;
	rows_done(&rows);
	sealed(w, "users", &rows, 40, 1);
	assert_int_equal(opened(w, "users", &rows, NULL), BULLA_OK);
	atomic_fetch_add(&w->now_us, 61 * 1000000ll);
	bulla_keyring_tick(w->keyring);
	char expected[80];
	snprintf(expected, sizeof expected, "use users %016llx 80 record", (unsigned long long)w->rows[0].version);
	assert_int_equal(world_notes_with(w, expected), 1);
	rows_done(&rows);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_under_the_kms),
		cmocka_unit_test(made_under_a_branch),
		cmocka_unit_test(different_branches_are_different_keys),
		cmocka_unit_test(closing),
		cmocka_unit_test(what_hangs_from_a_closing_branch),
		cmocka_unit_test(shared_under_a_closed_key),
		cmocka_unit_test(branches_under_a_closed_key),
		cmocka_unit_test(destroyed),
		cmocka_unit_test(one_destroyed_among_many),
		cmocka_unit_test(destroyed_above),
		cmocka_unit_test(destroyed_by_the_kms),
		cmocka_unit_test(other_process_stops_within_max_age),
		cmocka_unit_test(a_child_is_as_old_as_its_parent),
		cmocka_unit_test(a_slow_kms_makes_no_key_younger),
		cmocka_unit_test(unknown_version),
		cmocka_unit_test(rows_of_the_store_are_bound),
		cmocka_unit_test(circle_in_the_store),
		cmocka_unit_test(too_deep),
		cmocka_unit_test(another_process_was_first),
		cmocka_unit_test(an_older_branch_gets_a_newer_version),
		cmocka_unit_test(parents_are_renewed_too),
		cmocka_unit_test(another_process_rotated_first),
		cmocka_unit_test(a_newer_version_that_is_not_in_the_store),
		cmocka_unit_test(a_key_that_is_not_in_the_store),
		cmocka_unit_test(a_key_that_does_not_come_back),
		cmocka_unit_test(nothing_is_written_without_a_wrap),
		cmocka_unit_test(kms_is_out),
		cmocka_unit_test(store_fails_once),
		cmocka_unit_test(no_store),
		cmocka_unit_test(many_batches_one_question),
		cmocka_unit_test(uses_are_counted),
	};
	return cmocka_run_group_tests_name("core/resolve", tests, NULL, NULL);
}
