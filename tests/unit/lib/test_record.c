/*
 * test_record.c - one record at a time: made, completed, opened, misused.
 */
#include "../core/world.h"

#include <bulla/record.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD "version: 1\nenvironments: { development: { key: fake/call/main } }\nmodels:\n"

static const char yaml[] =
	HEAD "  users:\n    primary_key: [tenant, id]\n    branch_key: users\n"
	     "    fields: { email: {}, note: { null: sealed, padding: 32 }, photo: { type: binary, encode: base64 } }\n"
	     "  shared: { data_key: table, fields: { a: {} } }\n"
	     "  direct: { fields: { a: {} } }\n"
	     "  keys: { data_keys: { phone: {} }, fields: { email: {}, phone: { data_key: phone } } }\n"
	     "  indexed: { branch_key: users, fields: { a: { index: {} } } }\n"
	     "  boxes: { data_key: none, fields: { a: {} } }\n";

#define PAIR(NAME, VALUE)                                                                                                        \
	{                                                                                                                        \
		{ (const uint8_t *)(NAME), sizeof(NAME) - 1 },                                                                   \
		{                                                                                                                \
			(const uint8_t *)(VALUE), sizeof(VALUE) - 1                                                              \
		}                                                                                                                \
	}

static const bulla_pair inputs[] = { PAIR("id", "42"), PAIR("unused", "x"), PAIR("tenant", "7") };

static world *w;
static bulla_error err;

static int set_up(void **state)
{
	(void)state;
	w = world_open(yaml, true);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_free(w);
	return 0;
}

static bulla_value text(const char *s)
{
	return (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(s) };
}

static bulla_record *record_new(const char *model)
{
	bulla_record *record = NULL;
	if (bulla_record_new(w->keyring, world_model(w, model), inputs, COUNT(inputs), &record, &err)) fail_msg("%s", err.text);
	return record;
}

static bulla_buf seal(bulla_record *record, size_t field, bulla_value value)
{
	bulla_buf out = { 0 };
	if (bulla_record_seal(record, field, &value, &out, &err)) fail_msg("%s", err.text);
	return out;
}

/* A copy that outlives the record. */
static bulla_buf key_of(const bulla_record *record, size_t position)
{
	bulla_buf out = { 0 };
	assert_int_equal(bulla_buf_add(&out, bulla_record_key(record, position), NULL), BULLA_OK);
	return out;
}

static void there_and_back(void **state)
{
	bulla_value photo = { .kind = BULLA_KIND_BINARY, .bytes = bulla_view("\0\xff", 2) }, null = { .kind = BULLA_KIND_NULL },
		    value;
	BULLA_BUF_AUTO bulla_buf scratch = { 0 };
	(void)state;
	bulla_record *record = record_new("users");
	assert_int_equal(bulla_record_complete(record, &err), BULLA_ERR_PARTIAL_RECORD);
	BULLA_BUF_AUTO bulla_buf email = seal(record, 0, text("ann@example.com")), note = seal(record, 1, null);
	assert_int_equal(bulla_record_complete(record, &err), BULLA_ERR_PARTIAL_RECORD);
	assert_non_null(strstr(err.text, "photo"));
	BULLA_BUF_AUTO bulla_buf picture = seal(record, 2, photo), key = key_of(record, 0);
	assert_int_equal(bulla_record_complete(record, &err), BULLA_OK);
	assert_int_equal(note.len, 29); /* a sealed NULL carries no padding */
	/* the record that made it reads it, and so does one that opens the stored key */
	bulla_bytes stored = bulla_view_buf(&key);
	bulla_record *again = NULL;
	assert_int_equal(bulla_record_open(w->keyring, world_model(w, "users"), inputs, COUNT(inputs), &stored, &again, &err),
			 BULLA_OK);
	bulla_buf_done(&key); /* it keeps its own copy */
	bulla_record *readers[] = { record, again };
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(bulla_record_unseal(readers[i], 0, bulla_view_buf(&email), &scratch, &value, &err), BULLA_OK);
		assert_true(bulla_bytes_is(value.bytes, "ann@example.com"));
		assert_ptr_equal(value.bytes.data, scratch.data);
		assert_int_equal(bulla_record_unseal(readers[i], 1, bulla_view_buf(&note), &scratch, &value, &err), BULLA_OK);
		assert_int_equal(value.kind, BULLA_KIND_NULL);
		assert_int_equal(bulla_record_unseal(readers[i], 2, bulla_view_buf(&picture), &scratch, &value, &err), BULLA_OK);
		assert_int_equal(value.kind, BULLA_KIND_BINARY);
		assert_true(bulla_bytes_equal(value.bytes, photo.bytes));
		assert_int_equal(bulla_record_unseal(readers[i], 0, bulla_view(NULL, 0), &scratch, &value, &err), BULLA_OK);
		assert_int_equal(value.kind, BULLA_KIND_NULL);
		assert_int_equal(bulla_record_unseal(readers[i], 1, bulla_view_buf(&email), &scratch, &value, &err),
				 BULLA_ERR_AUTH);
	}
	assert_int_equal(bulla_record_complete(again, &err), BULLA_OK); /* an opened one need not be complete */
	bulla_record_free(record);
	bulla_record_free(again);
	bulla_record_free(NULL);
}

static void modes(void **state)
{
	static const char *const models[] = { "shared", "direct", "keys" };
	(void)state;
	for (size_t i = 0; i < COUNT(models); i++) {
		bulla_record *record = record_new(models[i]), *again = NULL;
		const bulla_model *model = world_model(w, models[i]);
		BULLA_BUF_AUTO bulla_buf sealed = seal(record, model->field_count - 1, text("x")), scratch = { 0 };
		bulla_bytes keys[4];
		bulla_value value;
		for (size_t k = 0; k < model->key_count; k++)
			keys[k] = bulla_record_key(record, k);
		assert_null(bulla_record_key(record, model->key_count).data);
		bulla_keyring_forget(w->keyring);
		assert_int_equal(bulla_record_open(w->keyring, model, inputs, COUNT(inputs), keys, &again, &err), BULLA_OK);
		assert_int_equal(
			bulla_record_unseal(again, model->field_count - 1, bulla_view_buf(&sealed), &scratch, &value, &err),
			BULLA_OK);
		assert_true(bulla_bytes_is(value.bytes, "x"));
		bulla_record_free(record);
		bulla_record_free(again);
	}
	bulla_record *none = NULL;
	assert_int_equal(bulla_record_new(w->keyring, world_model(w, "boxes"), inputs, COUNT(inputs), &none, &err),
			 BULLA_ERR_USAGE);
	assert_non_null(strstr(err.next, "bulla_batch_seal"));
}

static void what_is_missing(void **state)
{
	bulla_record *record = NULL;
	const bulla_model *users = world_model(w, "users"), *keys = world_model(w, "keys");
	BULLA_BUF_AUTO bulla_buf out = { 0 }, scratch = { 0 };
	bulla_value value = text("x");
	bulla_bytes none[2] = { { NULL, 0 }, { NULL, 0 } };
	(void)state;
	assert_int_equal(bulla_record_new(w->keyring, users, inputs, 2, &record, &err), BULLA_ERR_USAGE);
	assert_non_null(strstr(err.text, "tenant"));
	assert_null(record);
	/* a row without keys: reading NULLs works, sealing and reading a ciphertext do not */
	assert_int_equal(bulla_record_open(w->keyring, keys, inputs, COUNT(inputs), none, &record, &err), BULLA_OK);
	assert_int_equal(bulla_record_seal(record, 0, &value, &out, &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_record_unseal(record, 0, bulla_view_str("something"), &scratch, &value, &err), BULLA_ERR_FORMAT);
	assert_int_equal(bulla_record_unseal(record, 0, bulla_view(NULL, 0), &scratch, &value, &err), BULLA_OK);
	assert_int_equal(bulla_record_seal(record, 2, &value, &out, &err), BULLA_ERR_USAGE); /* no such field */
	assert_int_equal(bulla_record_unseal(record, 9, bulla_view(NULL, 0), &scratch, &value, &err), BULLA_ERR_USAGE);
	bulla_record_free(record);
}

static void another_row(void **state)
{
	static const bulla_pair other[] = { PAIR("id", "43"), PAIR("tenant", "7") };
	bulla_record *record = record_new("users"), *moved = NULL;
	bulla_bytes key = bulla_record_key(record, 0);
	(void)state;
	assert_int_equal(bulla_record_open(w->keyring, world_model(w, "users"), other, COUNT(other), &key, &moved, &err),
			 BULLA_ERR_CONTEXT);
	assert_non_null(strstr(err.text, "model_id.id"));
	assert_null(moved);
	bulla_record_free(record);
}

/* A record alone computes no index: it asks for no index key. */
static void no_index_keys(void **state)
{
	bulla_record *record = record_new("indexed");
	(void)state;
	assert_int_equal(w->row_count, 1);
	assert_non_null(world_row(w, "users"));
	bulla_record_free(record);
}

static void wrong_values(void **state)
{
	bulla_record *record = record_new("users");
	bulla_value number = { .kind = BULLA_KIND_INTEGER }, bad = text("\xff");
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	(void)state;
	assert_int_equal(bulla_record_seal(record, 0, &number, &out, &err), BULLA_ERR_TYPE);
	assert_int_equal(bulla_record_seal(record, 0, &bad, &out, &err), BULLA_ERR_ENCODING);
	assert_int_equal(out.len, 0);
	assert_int_equal(bulla_record_complete(record, &err), BULLA_ERR_PARTIAL_RECORD);
	bulla_record_free(record);
}

static void kms_is_out(void **state)
{
	bulla_record *record = NULL;
	(void)state;
	fake_kms_named("main")->fails = BULLA_ERR_UNAVAILABLE;
	assert_int_equal(bulla_record_new(w->keyring, world_model(w, "direct"), inputs, COUNT(inputs), &record, &err),
			 BULLA_ERR_UNAVAILABLE);
	assert_non_null(strstr(err.text, "fake KMS main"));
	fake_kms_named("main")->fails = 0;
}

/* Finished records leave their workbench for the next: nothing of the old one is in it. */
static void workbenches_are_used_again(void **state)
{
	bulla_record *first = record_new("users");
	const bulla_batch *bench = NULL;
	(void)state;
	BULLA_BUF_AUTO bulla_buf a = seal(first, 0, text("x"));
	bulla_record_free(first);
	assert_int_equal(w->keyring->spare_count, 1);
	bench = w->keyring->spare;
	for (size_t i = 0; i < sizeof(bulla_secret); i++)
		assert_int_equal(bench->workers[0].keys[0].bytes[i], 0);
	bulla_record *second = record_new("users");
	assert_int_equal(w->keyring->spare_count, 0);
	bulla_record_free(second);
	assert_ptr_equal(w->keyring->spare, bench);
}

/* The same index as a batch makes; none for a field without one, or for NULL. */
static void an_index_beside_the_record(void **state)
{
	(void)state;
	const bulla_model *indexed, *users;
	bulla_record *record;
	bulla_batch *batch;
	BULLA_BUF_AUTO bulla_buf one = { 0 };
	BULLA_BUF_AUTO bulla_buf other = { 0 };
	bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("x@example.org") }, null = { 0 };
	assert_int_equal(bulla_keyring_model(w->keyring, "indexed", &indexed, &err), BULLA_OK);
	assert_int_equal(bulla_keyring_model(w->keyring, "users", &users, &err), BULLA_OK);
	assert_int_equal(bulla_record_new(w->keyring, indexed, inputs, 3, &record, &err), BULLA_OK);
	assert_int_equal(bulla_record_index(record, 0, &value, &one, &err), BULLA_OK);
	assert_int_equal(bulla_record_index(record, 0, &null, &other, &err), BULLA_ERR_USAGE);
	bulla_record_free(record);
	assert_int_equal(bulla_batch_new(w->keyring, indexed, NULL, &batch, &err), BULLA_OK);
	assert_int_equal(bulla_batch_index(batch, 0, NULL, &value, &other, &err), BULLA_OK);
	bulla_batch_free(batch);
	assert_int_equal(one.len, 16);
	assert_true(bulla_bytes_equal(bulla_view_buf(&one), bulla_view_buf(&other)));
	assert_int_equal(bulla_record_new(w->keyring, users, inputs, 3, &record, &err), BULLA_OK);
	assert_int_equal(bulla_record_index(record, 0, &value, &one, &err), BULLA_ERR_USAGE);
	bulla_record_free(record);
}

/* A child neither has the parent's data key nor crashes for want of it: it is told, and opens the record again. */
static int child_uses(bulla_record *record, bulla_bytes key, bulla_bytes sealed)
{
	BULLA_BUF_AUTO bulla_buf scratch = { 0 };
	bulla_value value = text("y");
	bulla_record *again = NULL;
	if (bulla_record_seal(record, 0, &value, &scratch, &err) != BULLA_ERR_USAGE || !strstr(err.text, "forked")) return 1;
	if (bulla_record_unseal(record, 0, sealed, &scratch, &value, &err) != BULLA_ERR_USAGE) return 2;
	if (bulla_record_index(record, 0, &value, &scratch, &err) != BULLA_ERR_USAGE) return 3;
	if (bulla_record_open(w->keyring, world_model(w, "users"), inputs, COUNT(inputs), &key, &again, &err)) return 4;
	if (bulla_record_unseal(again, 0, sealed, &scratch, &value, &err) || !bulla_bytes_is(value.bytes, "x")) return 5;
	bulla_record_free(record);
	bulla_record_free(again);
	bulla_keyring_tick(w->keyring);
	return 0;
}

static void not_in_a_child(void **state)
{
	int status = 0;
	(void)state;
	bulla_record *spare = record_new("users"), *record = record_new("users");
	bulla_record_free(spare);
	BULLA_BUF_AUTO bulla_buf sealed = seal(record, 0, text("x")), key = key_of(record, 0);
	pid_t child = fork();
	if (child == 0) _exit(child_uses(record, bulla_view_buf(&key), bulla_view_buf(&sealed)));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	BULLA_BUF_AUTO bulla_buf more = seal(record, 0, text("z"));
	bulla_record_free(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(there_and_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(modes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_missing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_row, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_index_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kms_is_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(workbenches_are_used_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_index_beside_the_record, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_in_a_child, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("lib/record", tests, NULL, NULL);
}
