/*
 * test_keyring.c - which key wraps and which unwraps: several keys, failing over, previous ones, encrypt-only ones, unknown ones.
 */
#include "world.h"

#include <stdio.h>

#define MODEL      "models:\n  users: { fields: { email: {}, name: {} } }\n"
#define KEYS(LIST) "version: 1\nenvironments: { development: { " LIST " } }\n" MODEL

static const char one[] = KEYS("keys: [fake/http/a]");
static const char two[] = KEYS("keys: [fake/http/a, fake/http/b], min_wraps: 1");
static const char both[] = KEYS("keys: [fake/http/a, fake/http/b]");
static const char moved[] = KEYS("keys: [fake/http/b], previous: [fake/http/a]");
static const char other[] = KEYS("keys: [fake/http/c]");
static const char writer[] = KEYS("keys: [fake/http/a/encrypt]");
static const char mixed[] = KEYS("keys: [fake/http/a/encrypt, fake/now/b], min_wraps: 1");
static const char unbound[] = KEYS("keys: [loose/z]");

/* `n` rows sealed in the world and held. */
static void sealed(world *w, row_set *rows, size_t n)
{
	bulla_batch *batch = batch_of(w, "users", NULL);
	bulla_error err = { 0 };
	rows_init(rows, world_model(w, "users"), n, 1);
	if (batch_seal(w, batch, rows, &err)) fail_msg("%s", err.text);
	rows_all(rows, BULLA_OK);
	rows_hold(rows);
	bulla_batch_free(batch);
}

static bulla_code open_rows(world *w, row_set *rows, bulla_error *err)
{
	bulla_batch *batch = batch_of(w, "users", NULL);
	bulla_code code = batch_open(w, batch, rows, err);
	if (!code && !rows->row[0].code) rows_check(rows);
	bulla_batch_free(batch);
	return code;
}

static bulla_wrapped_key parse(bulla_bytes bytes)
{
	bulla_wrapped_key key;
	assert_int_equal(bulla_wrapped_key_parse(bytes, &key, NULL), BULLA_OK);
	return key;
}

static void unreachable(const char *name, bool is)
{
	atomic_store(&fake_kms_named(name)->unreachable, is);
}

static size_t questions(const char *name)
{
	return fake_kms_named(name)->questions;
}

/* --- wrapping -------------------------------------------------------------------------------------------------- */

static void all_keys_wrap(void **state)
{
	world *w = world_open(both, false);
	row_set rows;
	(void)state;
	sealed(w, &rows, 3);
	for (size_t i = 0; i < rows.n; i++) {
		bulla_wrapped_key key = parse(rows.row[i].keys[0]);
		assert_int_equal(key.wrap_count, 2);
		assert_true(key.wraps[0].reference == fake_kms_named("a")->reference);
		assert_true(key.wraps[1].reference == fake_kms_named("b")->reference);
		assert_int_equal(key.wraps[0].kind, BULLA_WRAP_AWS);
	}
	assert_int_equal(questions("a"), 1); /* three keys, one question each */
	assert_int_equal(questions("b"), 1);
	rows_done(&rows);
	world_free(w);
}

static void min_wraps(void **state)
{
	world *w = world_open(both, false);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	unreachable("b", true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 2, 1);
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_ERR_UNAVAILABLE); /* both are wanted by default */
	assert_non_null(strstr(err.text, "connection refused"));
	assert_null(rows.keys[0].data);
	assert_null(rows_cell(&rows, 0, 0)->ciphertext.data);
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);

	w = world_open(two, false);
	unreachable("b", true);
	sealed(w, &rows, 2);
	assert_int_equal(parse(rows.keys[0]).wrap_count, 1);
	unreachable("b", false);
	assert_int_equal(open_rows(w, &rows, &err), BULLA_OK);
	rows_done(&rows);
	world_free(w);
}

/* A service that fails for single keys fails those records alone. */
static void items_fail_alone(void **state)
{
	world *w = world_open(one, false);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	atomic_store(&fake_kms_named("a")->fails_items, BULLA_ERR_DENIED);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 2, 1);
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_ERR_DENIED);
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

static void large_questions_are_cut(void **state)
{
	world *w = world_open(one, false);
	row_set rows;
	(void)state;
	sealed(w, &rows, 250);
	assert_int_equal(questions("a"), 3);
	assert_int_equal(fake_kms_named("a")->most_items, 100);
	bulla_keyring_forget(w->keyring);
	assert_int_equal(open_rows(w, &rows, NULL), BULLA_OK);
	assert_int_equal(questions("a"), 6);
	rows_done(&rows);
	world_free(w);
}

/* --- unwrapping ------------------------------------------------------------------------------------------------ */

static void first_answer_wins(void **state)
{
	world *w = world_open(both, false);
	row_set rows;
	(void)state;
	sealed(w, &rows, 2);
	assert_int_equal(open_rows(w, &rows, NULL), BULLA_OK);
	assert_int_equal(questions("a"), 2);
	assert_int_equal(questions("b"), 1); /* it only wrapped */
	rows_done(&rows);
	world_free(w);
}

static void fails_over(void **state)
{
	static const bulla_code failures[] = { BULLA_ERR_UNAVAILABLE, BULLA_ERR_DENIED };
	world *w = world_open(both, false);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	sealed(w, &rows, 2);
	for (size_t i = 0; i < COUNT(failures); i++) {
		atomic_store(&fake_kms_named("a")->fails, failures[i]);
		bulla_keyring_forget(w->keyring);
		size_t before = questions("b");
		assert_int_equal(open_rows(w, &rows, &err), BULLA_OK);
		assert_int_equal(questions("b") - before, 1);
		rows_hold(&rows);
	}
	atomic_store(&fake_kms_named("a")->fails, 0);
	unreachable("a", true);
	bulla_keyring_forget(w->keyring);
	assert_int_equal(open_rows(w, &rows, &err), BULLA_OK);
	rows_hold(&rows);
	unreachable("b", true);
	bulla_keyring_forget(w->keyring);
	assert_int_equal(open_rows(w, &rows, &err), BULLA_ERR_UNAVAILABLE);
	assert_true(err.retryable);
	rows_done(&rows);
	world_free(w);
}

/* One wrap was changed: the other still opens the record. */
static void a_broken_wrap_is_not_the_end(void **state)
{
	world *w = world_open(both, false);
	row_set rows;
	(void)state;
	sealed(w, &rows, 1);
	bulla_wrapped_key key = parse(rows.keys[0]);
	((uint8_t *)(uintptr_t)key.wraps[0].blob.data)[40] ^= 1;
	assert_int_equal(open_rows(w, &rows, NULL), BULLA_OK);
	assert_int_equal(questions("b"), 2);
	rows_done(&rows);
	world_free(w);
}

static void previous_keys_unwrap(void **state)
{
	world *old = world_open(one, false);
	row_set rows;
	(void)state;
	sealed(old, &rows, 2);
	world *w = world_open(moved, false);
	assert_int_equal(open_rows(w, &rows, NULL), BULLA_OK);
	row_set more;
	sealed(w, &more, 1);
	assert_int_equal(parse(more.keys[0]).wrap_count, 1);
	assert_true(parse(more.keys[0]).wraps[0].reference == fake_kms_named("b")->reference);
	assert_int_equal(open_rows(old, &more, NULL), BULLA_OK);
	rows_all(&more, BULLA_ERR_UNKNOWN_KEY);
	rows_done(&rows);
	rows_done(&more);
	world_free(w);
	world_free(old);
}

/* A key that this environment does not name costs no question. */
static void unknown_keys_cost_nothing(void **state)
{
	world *w = world_open(one, false), *elsewhere = world_open(other, false);
	row_set rows;
	uint64_t asked;
	size_t cached;
	(void)state;
	sealed(w, &rows, 2);
	fake_kms_reset();
	assert_int_equal(open_rows(elsewhere, &rows, NULL), BULLA_OK);
	rows_all(&rows, BULLA_ERR_UNKNOWN_KEY);
	assert_int_equal(questions("c"), 0);
	bulla_keyring_stats(elsewhere->keyring, &cached, &asked);
	assert_int_equal(asked, 0);
	assert_int_equal(cached, 0);
	/* nor does another kind with the same reference */
	rows_hold(&rows);
	((uint8_t *)(uintptr_t)rows.keys[0].data)[34] = BULLA_WRAP_VAULT;
	assert_int_equal(open_rows(w, &rows, NULL), BULLA_OK);
	assert_int_equal(rows.row[0].code, BULLA_ERR_UNKNOWN_KEY);
	assert_int_equal(rows.row[1].code, BULLA_OK);
	rows_done(&rows);
	world_free(w);
	world_free(elsewhere);
}

static void encrypt_only(void **state)
{
	world *w = world_open(writer, false), *reader = world_open(one, false);
	row_set rows;
	(void)state;
	sealed(w, &rows, 2);
	size_t before = questions("a");
	bulla_error err = { 0 };
	assert_int_equal(open_rows(w, &rows, &err), BULLA_ERR_DENIED);
	assert_int_equal(questions("a"), before); /* it was not even asked */
	rows_hold(&rows);
	assert_int_equal(open_rows(reader, &rows, NULL), BULLA_OK);
	rows_done(&rows);
	world_free(w);
	/* a second key that may unwrap is found behind it */
	w = world_open(mixed, false);
	sealed(w, &rows, 2);
	assert_int_equal(open_rows(w, &rows, NULL), BULLA_OK);
	rows_done(&rows);
	world_free(w);
	world_free(reader);
}

/* The commitment holds where the service answers with another key, or binds no context at all. */
static void the_commitment_holds(void **state)
{
	world *w = world_open(one, false);
	row_set rows;
	(void)state;
	sealed(w, &rows, 1);
	atomic_store(&fake_kms_named("a")->lies, true);
	assert_int_equal(open_rows(w, &rows, NULL), BULLA_OK);
	rows_all(&rows, BULLA_ERR_AUTH);
	rows_done(&rows);
	world_free(w);

	w = world_open(unbound, false);
	sealed(w, &rows, 2);
	assert_int_equal(open_rows(w, &rows, NULL), BULLA_OK);
	rows_hold(&rows);
	bulla_keyring_forget(w->keyring);
	bulla_bytes kept = rows.keys[0];
	rows.row[0].keys[0] = rows.row[1].keys[0];
	rows.row[1].keys[0] = kept;
	assert_int_equal(open_rows(w, &rows, NULL), BULLA_OK);
	rows_all(&rows, BULLA_ERR_CONTEXT);
	rows_done(&rows);
	world_free(w);
}

/* --- data_keys with keys of their own -------------------------------------------------------------------------- */

static const char named[] = "version: 1\nenvironments: { development: { keys: [fake/call/a] } }\n"
			    "models:\n  users:\n    data_keys: { phone: { key: fake/call/b } }\n"
			    "    fields: { email: {}, phone: { data_key: phone } }\n";

static void named_keys(void **state)
{
	world *w = world_open(named, false);
	row_set rows;
	bulla_error err = { 0 };
	(void)state;
	sealed(w, &rows, 2);
	assert_true(parse(rows.row[0].keys[0]).wraps[0].reference == fake_kms_named("a")->reference);
	assert_int_equal(parse(rows.row[0].keys[1]).wrap_count, 1);
	assert_true(parse(rows.row[0].keys[1]).wraps[0].reference == fake_kms_named("b")->reference);
	assert_int_equal(open_rows(w, &rows, NULL), BULLA_OK);
	/* without the right to one of them the other still opens */
	rows_hold(&rows);
	bulla_keyring_forget(w->keyring);
	atomic_store(&fake_kms_named("b")->fails, BULLA_ERR_DENIED);
	bulla_batch *batch = batch_of(w, "users", NULL);
	(void)!batch_open(w, batch, &rows, &err);
	for (size_t i = 0; i < rows.n; i++) {
		assert_int_equal(rows_cell(&rows, i, 0)->code, BULLA_OK);
		assert_int_equal(rows_cell(&rows, i, 0)->value.kind, BULLA_KIND_TEXT);
		assert_int_equal(rows_cell(&rows, i, 1)->code, BULLA_ERR_DENIED);
		assert_int_equal(rows_cell(&rows, i, 1)->value.kind, BULLA_KIND_NULL);
		assert_int_equal(rows.row[i].code, BULLA_ERR_DENIED);
	}
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

/* --- building and telling -------------------------------------------------------------------------------------- */

static bulla_code build(const char *yaml, bulla_error *err)
{
	bulla_schema *schema;
	bulla_keyring *keyring = NULL;
	assert_int_equal(bulla_schema_parse(bulla_view_str(yaml), "t", NULL, NULL, NULL, NULL, &schema, err), BULLA_OK);
	bulla_keyring_config config = { .schema = schema, .world = { .find = fake_provider_find } };
	bulla_code code = bulla_keyring_new(&config, &keyring, err);
	bulla_keyring_free(keyring);
	bulla_schema_free(schema);
	return code;
}

static void keys_that_nobody_understands(void **state)
{
	bulla_error err = { 0 };
	(void)state;
	assert_int_equal(build(KEYS("keys: [fake/http/a, what/is/this/that/somebody/wrote]"), &err), BULLA_ERR_CONFIG);
	assert_non_null(strstr(err.text, "\"what"));
	assert_null(strstr(err.text, "somebody/wrote")); /* it may be a key itself */
	assert_true(err.next[0] != 0);
	assert_int_equal(build(KEYS("keys: [fake/http/a], previous: [nonsense]"), &err), BULLA_ERR_CONFIG);
	assert_int_equal(build(KEYS("keys: [fake/smoke/a]"), &err), BULLA_ERR_CONFIG); /* the provider itself refuses */
}

static void notices(void **state)
{
	world *w = world_open(both, false);
	row_set rows;
	size_t cached;
	uint64_t asked;
	(void)state;
	sealed(w, &rows, 3);
	assert_int_equal(world_notes_with(w, "wrap fake/http/a 3 key ok"), 1);
	assert_int_equal(world_notes_with(w, "wrap fake/http/b 3 key ok"), 1);
	atomic_store(&fake_kms_named("a")->fails, BULLA_ERR_DENIED);
	assert_int_equal(open_rows(w, &rows, NULL), BULLA_OK);
	assert_int_equal(world_notes_with(w, "unwrap fake/http/a 3 key denied"), 1);
	assert_int_equal(world_notes_with(w, "unwrap fake/http/b 3 key ok"), 1);
	bulla_keyring_stats(w->keyring, &cached, &asked);
	assert_int_equal(asked, 4);
	assert_int_equal(cached, 3);
	rows_hold(&rows);
	assert_int_equal(open_rows(w, &rows, NULL), BULLA_OK); /* from the cache */
	bulla_keyring_stats(w->keyring, &cached, &asked);
	assert_int_equal(asked, 4);
	rows_done(&rows);
	world_free(w);
}

/* Two hundred readers of one record at once: one question. */
struct reader {
	world *world;
	const row_set *from;
	bulla_code code;
};

static void *read_once(void *self)
{
	struct reader *r = self;
	bulla_batch *batch = NULL;
	bulla_cell cells[2] = { { .field = 0, .ciphertext = r->from->cells[0].ciphertext },
				{ .field = 1, .ciphertext = r->from->cells[1].ciphertext } };
	bulla_row row = { .inputs = r->from->row[0].inputs, .cells = cells, .cell_count = 2, .keys = r->from->row[0].keys };
	bulla_op *op;
	r->code = bulla_batch_new(r->world->keyring, r->from->model, NULL, &batch, NULL);
	if (!r->code) r->code = bulla_batch_open_op(batch, &row, 1, &op, NULL);
	if (!r->code) r->code = world_drive(r->world, op, NULL);
	if (!r->code) r->code = row.code;
	if (!r->code && cells[0].value.kind != BULLA_KIND_TEXT) r->code = BULLA_ERR_INTERNAL;
	bulla_batch_free(batch);
	return NULL;
}

static void many_readers_one_question(void **state)
{
	enum { READERS = 200 };
	world *w = world_open(one, false);
	static struct reader readers[READERS];
	static pthread_t threads[READERS];
	row_set rows;
	(void)state;
	sealed(w, &rows, 1);
	for (size_t i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ w, &rows, BULLA_ERR_INTERNAL };
		assert_int_equal(pthread_create(&threads[i], NULL, read_once, &readers[i]), 0);
	}
	for (size_t i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(readers[i].code, BULLA_OK);
	}
	assert_int_equal(questions("a"), 2);
	rows_done(&rows);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_keys_wrap),
		cmocka_unit_test(min_wraps),
		cmocka_unit_test(items_fail_alone),
		cmocka_unit_test(large_questions_are_cut),
		cmocka_unit_test(first_answer_wins),
		cmocka_unit_test(fails_over),
		cmocka_unit_test(a_broken_wrap_is_not_the_end),
		cmocka_unit_test(previous_keys_unwrap),
		cmocka_unit_test(unknown_keys_cost_nothing),
		cmocka_unit_test(encrypt_only),
		cmocka_unit_test(the_commitment_holds),
		cmocka_unit_test(named_keys),
		cmocka_unit_test(keys_that_nobody_understands),
		cmocka_unit_test(notices),
		cmocka_unit_test(many_readers_one_question),
	};
	return cmocka_run_group_tests_name("core/keyring", tests, NULL, NULL);
}
