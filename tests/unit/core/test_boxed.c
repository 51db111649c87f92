/*
 * test_boxed.c - data_key: none: each value a box that the KMS encrypts itself.
 */
#include "../flip.h"
#include "world.h"

#include <bulla/box.h>

#define HEAD "version: 1\nenvironments: { development: { keys: [fake/call/main, fake/call/spare] } }\nmodels:\n"

static const char users[] = HEAD "  users: { data_key: none, fields: { email: {}, name: { index: {} } } }\n";

static world *w;
static row_set rows;
static bulla_error err;

static bulla_batch *sealed(size_t n)
{
	w = world_open(users, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), n, 1);
	if (batch_seal(w, batch, &rows, &err)) fail_msg("%s", err.text);
	rows_all(&rows, BULLA_OK);
	rows_hold(&rows);
	return batch;
}

static void done(bulla_batch *batch)
{
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

static void comes_back(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(5);
	assert_int_equal(rows.model->key_count, 0);
	assert_int_equal(rows_cell(&rows, 0, 0)->ciphertext.data[0], 2);
	assert_non_null(rows_cell(&rows, 0, 1)->index.data);
	assert_int_equal(fake_kms_named("main")->items, 12);  /* ten values, an index key wrapped and unwrapped */
	assert_int_equal(fake_kms_named("spare")->items, 11); /* all keys wrap */
	assert_int_equal(batch_open(w, batch, &rows, &err), BULLA_OK);
	rows_check(&rows);
	/* the spare key opens them too */
	rows_hold(&rows);
	fake_kms_named("main")->fails = BULLA_ERR_UNAVAILABLE;
	assert_int_equal(batch_open(w, batch, &rows, &err), BULLA_OK);
	rows_check(&rows);
	done(batch);
}

/* A value that does not open says so for itself alone; those behind it in the row open. */
static void one_bad_cell(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(3);
	bulla_bytes bad = rows_cell(&rows, 1, 0)->ciphertext;
	((uint8_t *)(uintptr_t)bad.data)[bad.len - 1] ^= 1;
	bulla_wrapped_key key;
	assert_int_equal(bulla_wrapped_key_parse(bad, &key, NULL), BULLA_OK);
	((uint8_t *)(uintptr_t)key.wraps[0].blob.data)[key.wraps[0].blob.len - 1] ^= 1; /* both wraps */
	assert_int_equal(batch_open(w, batch, &rows, &err), BULLA_OK);
	assert_int_equal(rows_cell(&rows, 1, 0)->code, BULLA_ERR_AUTH);
	assert_int_equal(rows_cell(&rows, 1, 0)->value.kind, BULLA_KIND_NULL);
	assert_int_equal(rows_cell(&rows, 1, 1)->code, BULLA_OK);
	assert_int_equal(rows_cell(&rows, 1, 1)->value.kind, BULLA_KIND_TEXT);
	assert_int_equal(rows.row[1].code, BULLA_ERR_AUTH);
	assert_int_equal(rows.row[0].code, BULLA_OK);
	assert_int_equal(rows.row[2].code, BULLA_OK);
	done(batch);
}

static void moved(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(3);
	rows.row[0].inputs = rows.row[2].inputs; /* copied to another row: the part is named */
	bulla_bytes kept = rows_cell(&rows, 1, 0)->ciphertext;
	rows_cell(&rows, 1, 0)->ciphertext = rows_cell(&rows, 1, 1)->ciphertext; /* to another column */
	rows_cell(&rows, 1, 1)->ciphertext = kept;
	assert_int_equal(batch_open(w, batch, &rows, &err), BULLA_OK);
	assert_int_equal(rows.row[0].code, BULLA_ERR_CONTEXT);
	assert_string_equal(rows.model->context[rows.row[0].part - 1].name, "model_id");
	assert_int_equal(rows_cell(&rows, 1, 0)->code, BULLA_ERR_AUTH);
	assert_int_equal(rows_cell(&rows, 1, 1)->code, BULLA_ERR_AUTH);
	assert_int_equal(rows.row[2].code, BULLA_OK);
	done(batch);
}

static void nulls_and_empty(void **state)
{
	(void)state;
	w = world_open(users, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 2, 1);
	rows_cell(&rows, 0, 0)->value = (bulla_value){ .kind = BULLA_KIND_NULL };
	rows_cell(&rows, 1, 0)->value.bytes = bulla_view("", 0);
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	assert_null(rows_cell(&rows, 0, 0)->ciphertext.data);
	rows_hold(&rows);
	assert_int_equal(batch_open(w, batch, &rows, &err), BULLA_OK);
	assert_int_equal(rows_cell(&rows, 0, 0)->value.kind, BULLA_KIND_NULL);
	assert_int_equal(rows_cell(&rows, 1, 0)->value.kind, BULLA_KIND_TEXT);
	assert_int_equal(rows_cell(&rows, 1, 0)->value.bytes.len, 0);
	done(batch);
}

static void at_most_4096_bytes(void **state)
{
	static char text[BULLA_BOX_MAX + 1];
	(void)state;
	memset(text, 'x', sizeof text);
	w = world_open(users, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 2, 1);
	rows_cell(&rows, 0, 0)->value.bytes = bulla_view(text, BULLA_BOX_MAX);
	rows_cell(&rows, 1, 0)->value.bytes = bulla_view(text, BULLA_BOX_MAX + 1);
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	assert_int_equal(rows.row[0].code, BULLA_OK);
	assert_int_equal(rows.row[1].code, BULLA_ERR_TOO_LARGE);
	done(batch);
}

static void no_key_to_rewrap(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(1);
	(void)!batch_rewrap(w, batch, &rows, &err);
	rows_all(&rows, BULLA_ERR_USAGE);
	done(batch);
}

/* A service that binds no context is refused, however the box got there. */
static void services_without_context(void **state)
{
	static const char loose[] = "version: 1\nenvironments: { development: { key: loose/z } }\nmodels:\n"
				    "  users: { data_key: none, fields: { email: {} } }\n";
	(void)state;
	w = world_open(loose, false);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 1, 1);
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_ERR_REFUSED);
	assert_non_null(strstr(err.text, "loose/z"));
	assert_int_equal(fake_kms_named("z")->questions, 0);
	assert_null(rows_cell(&rows, 0, 0)->ciphertext.data);
	done(batch);
}

/* The same box twice in one page, once changed: the changed one must not open because the other does. */
static void twice_in_one_page(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(1);
	bulla_bytes good = rows_cell(&rows, 0, 0)->ciphertext;
	uint8_t *copy = flip_copy(good, good.len);
	bulla_wrapped_key key;
	assert_int_equal(bulla_wrapped_key_parse(bulla_view(copy, good.len), &key, NULL), BULLA_OK);
	((uint8_t *)(uintptr_t)key.wraps[0].blob.data)[50] ^= 1;
	((uint8_t *)(uintptr_t)key.wraps[1].blob.data)[50] ^= 1;
	bulla_cell cells[] = { { .field = 0, .ciphertext = good }, { .field = 0, .ciphertext = bulla_view(copy, good.len) } };
	bulla_row both[] = { { .inputs = rows.row[0].inputs, .cells = &cells[0], .cell_count = 1 },
			     { .inputs = rows.row[0].inputs, .cells = &cells[1], .cell_count = 1 } };
	bulla_op *op;
	assert_int_equal(bulla_batch_open_op(batch, both, 2, &op, &err), BULLA_OK);
	assert_int_equal(world_drive(w, op, &err), BULLA_OK);
	assert_int_equal(cells[0].code, BULLA_OK);
	assert_int_equal(cells[1].code, BULLA_ERR_AUTH);
	free(copy);
	done(batch);
}

static bool opens(void *self, bulla_bytes changed)
{
	bulla_cell *cell = rows_cell(&rows, 0, 0);
	bulla_bytes kept = cell->ciphertext;
	cell->ciphertext = changed;
	(void)!batch_open(w, self, &rows, NULL);
	cell->ciphertext = kept;
	return cell->code == BULLA_OK;
}

static void every_flip_and_cut(void **state)
{
	static const char one_key[] = "version: 1\nenvironments: { development: { key: fake/call/main } }\nmodels:\n"
				      "  users: { data_key: none, fields: { email: {} } }\n";
	(void)state;
	w = world_open(one_key, false);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 1, 1);
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	rows_hold(&rows);
	/* this fake service does not see the 32 random bytes, and the checks are advice */
	flip_everything(rows_cell(&rows, 0, 0)->ciphertext, (flip_gap){ 1, 56 }, opens, batch);
	done(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(one_bad_cell),
		cmocka_unit_test(moved),
		cmocka_unit_test(nulls_and_empty),
		cmocka_unit_test(at_most_4096_bytes),
		cmocka_unit_test(no_key_to_rewrap),
		cmocka_unit_test(services_without_context),
		cmocka_unit_test(twice_in_one_page),
		cmocka_unit_test(every_flip_and_cut),
	};
	return cmocka_run_group_tests_name("core/boxed", tests, NULL, NULL);
}
