/*
 * test_batch.c - many records in one call: sealing, opening, rewrapping, indexes, and one bad row among good ones.
 */
#include "../flip.h"
#include "world.h"

#include "format/field.h"

#include <stdio.h>

#define HEAD "version: 1\nenvironments: { development: { key: fake/now/main, previous: [fake/now/old] } }\nmodels:\n"

static const char users[] = HEAD "  users: { branch_key: users, fields: { email: {}, name: {}, note: {} } }\n";
static const char direct[] = HEAD "  users: { fields: { email: {}, name: {} } }\n";
static const char two_keys[] =
	HEAD "  users:\n    branch_key: users\n    data_keys: { phone: { context: { model_id: \"{id}\", purpose: calls } } }\n"
	     "    fields: { email: {}, phone: { data_key: phone } }\n";
static const char table[] = HEAD "  users: { data_key: table, branch_key: users, fields: { email: {}, name: {} } }\n";
static const char field[] = HEAD "  users: { data_key: field, fields: { email: {}, name: {} } }\n";
static const char indexed[] = HEAD
	"  users:\n    branch_key: users\n    context: { model_name: users, model_id: \"{id}\" }\n"
	"    fields:\n      email: { index: { normalize: lowercase } }\n      ssn: { index: { expression: last4, kind: slow } }\n"
	"      plain: {}\n";
static const char scoped[] = HEAD "  users:\n    branch_key: users\n    context: { model_name: users, model_id: \"{id}\" }\n"
				  "    fields: { email: { index: { scope: tenant } }, name: {} }\n";
static const char odd[] =
	HEAD "  users:\n    branch_key: users\n    fields:\n      sealed: { null: sealed }\n      padded: { padding: 64 }\n"
	     "      text: { encode: base64 }\n      plain: {}\n";
static const char *const all[] = { users, direct, two_keys, table, field, odd };

static world *w;
static row_set rows;
static bulla_error err;

static bulla_batch *seal_rows(const char *yaml, size_t n, const bulla_batch_options *options)
{
	w = world_open(yaml, true);
	bulla_batch *batch = batch_of(w, "users", options);
	rows_init(&rows, world_model(w, "users"), n, 1);
	if (batch_seal(w, batch, &rows, &err)) fail_msg("%s", err.text);
	return batch;
}

static bulla_batch *sealed(const char *yaml, size_t n)
{
	bulla_batch *batch = seal_rows(yaml, n, NULL);
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

static bulla_code open_all(bulla_batch *batch)
{
	return batch_open(w, batch, &rows, &err);
}

/* --- there and back -------------------------------------------------------------------------------------------- */

static void comes_back(void **state)
{
	(void)state;
	for (size_t y = 0; y < COUNT(all); y++) {
		bulla_batch *batch = sealed(all[y], 20);
		assert_int_equal(open_all(batch), BULLA_OK);
		rows_all(&rows, BULLA_OK);
		rows_check(&rows);
		bulla_keyring_forget(w->keyring);
		assert_int_equal(open_all(batch), BULLA_OK);
		rows_check(&rows);
		done(batch);
	}
}

static void prefix(bulla_buf *out, const char *text)
{
	assert_int_equal(bulla_buf_add_prefixed(out, bulla_view_str(text), NULL), BULLA_OK);
}

/* Opens what a worker has sealed by the words of docs/FORMAT.md alone: a mistake that sealing and opening share would not show otherwise. */
static void by_hand(bulla_worker *worker, size_t f, bulla_aead cipher, size_t nonce, bulla_value value, const char *plain,
		    size_t plain_len)
{
	static const bulla_pair pairs[] = { { { (const uint8_t *)"model_name", 10 }, { (const uint8_t *)"users", 5 } },
					    { { (const uint8_t *)"model_id", 8 }, { (const uint8_t *)"42", 2 } } };
	const uint8_t *key = worker->keys[rows.model->fields[f].key].bytes;
	BULLA_BUF_AUTO bulla_buf associated = { 0 };
	bulla_bytes sealed;
	uint8_t out[512];
	assert_int_equal(bulla_work_seal_value(worker, f, key, &value, &sealed, &err), BULLA_OK);
	assert_int_equal(bulla_buf_add(&associated, bulla_view("bulla field v1", 15), NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add_u8(&associated, sealed.data[0], NULL), BULLA_OK);
	prefix(&associated, "users");
	prefix(&associated, rows.model->fields[f].name);
	prefix(&associated, "string");
	assert_int_equal(bulla_context_encode(pairs, 2, &associated, NULL), BULLA_OK);
	assert_int_equal(sealed.len, 1 + nonce + plain_len + 16);
	assert_int_equal(bulla_aead_open(worker->lane, cipher, bulla_view(key, 32), bulla_view(sealed.data + 1, nonce),
					 bulla_view_buf(&associated), bulla_view(sealed.data + 1 + nonce, plain_len + 16), out,
					 &err),
			 BULLA_OK);
	assert_memory_equal(out, plain, plain_len);
}

static void as_documented(void **state)
{
	static const char padded[64] = "x\x80";
	const bulla_value x = { .kind = BULLA_KIND_TEXT, .bytes = { (const uint8_t *)"x", 1 } },
			  null = { .kind = BULLA_KIND_NULL };
	(void)state;
	for (size_t shared = 0; shared < 2; shared++) {
		bulla_op *op;
		w = world_open(shared ? table : odd, true);
		bulla_batch *batch = batch_of(w, "users", NULL);
		rows_init(&rows, world_model(w, "users"), 1, 42);
		rows.row[0].cell_count = 0;
		assert_int_equal(bulla_batch_record_op(batch, rows.row, true, &op, &err), BULLA_OK);
		assert_int_equal(world_drive(w, op, &err), BULLA_OK);
		bulla_worker *worker = &batch->workers[0];
		if (shared) {
			by_hand(worker, 0, BULLA_AEAD_XAES_256_GCM, 24, x, "x", 1);
		} else {
			by_hand(worker, 3, BULLA_AEAD_AES_256_GCM, 12, x, "x", 1);
			by_hand(worker, 1, BULLA_AEAD_AES_256_GCM, 12, x, padded, sizeof padded);
			by_hand(worker, 0, BULLA_AEAD_AES_256_GCM, 12, null, "", 0);
		}
		done(batch);
	}
}

static void no_rows(void **state)
{
	(void)state;
	w = world_open(users, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 1, 1);
	rows.n = 0;
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	assert_int_equal(batch_open(w, batch, &rows, &err), BULLA_OK);
	assert_int_equal(batch_rewrap(w, batch, &rows, &err), BULLA_OK);
	done(batch);
}

/* Each record its own key, each sealing its own nonce. */
static void nothing_repeats(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(users, 2);
	assert_memory_not_equal(rows.row[0].keys[0].data + 1, rows.row[1].keys[0].data + 1, 32);
	rows_done(&rows);
	row_set again;
	rows_init(&rows, world_model(w, "users"), 1, 1);
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	rows_hold(&rows);
	rows_init(&again, world_model(w, "users"), 1, 1);
	assert_int_equal(batch_seal(w, batch, &again, &err), BULLA_OK);
	bulla_bytes a = rows_cell(&rows, 0, 0)->ciphertext, b = rows_cell(&again, 0, 0)->ciphertext;
	assert_int_equal(a.len, b.len);
	assert_false(bulla_bytes_equal(a, b));
	rows_done(&again);
	done(batch);
}

static void threads_give_equal_results(void **state)
{
	bulla_batch_options four = { .size = sizeof four, .threads = 4 };
	(void)state;
	bulla_batch *batch = seal_rows(indexed, 100, &four), *alone = batch_of(w, "users", NULL);
	rows_all(&rows, BULLA_OK);
	rows_hold(&rows);
	bulla_buf first = { 0 };
	for (size_t i = 0; i < rows.n; i++)
		for (size_t f = 0; f < 2; f++)
			assert_int_equal(bulla_buf_add(&first, rows_cell(&rows, i, f)->index, NULL), BULLA_OK);
	assert_int_equal(batch_open(w, alone, &rows, &err), BULLA_OK);
	rows_check(&rows);
	assert_int_equal(batch_open(w, batch, &rows, &err), BULLA_OK);
	rows_check(&rows);
	/* the indexes are the same by one thread */
	for (size_t i = 0; i < rows.n; i += 7) {
		BULLA_BUF_AUTO bulla_buf index = { 0 };
		bulla_op *op;
		bulla_value value = rows_cell(&rows, i, 0)->value;
		assert_int_equal(bulla_batch_index_op(alone, 0, NULL, &value, &index, &op, &err), BULLA_OK);
		assert_int_equal(world_drive(w, op, &err), BULLA_OK);
		assert_memory_equal(index.data, first.data + 32 * i, 16);
	}
	bulla_buf_done(&first);
	bulla_batch_free(alone);
	done(batch);
}

static void options(void **state)
{
	bulla_batch *batch = NULL;
	bulla_batch_options many = { .size = sizeof many, .threads = 65 }, most = { .size = sizeof most, .threads = 64 };
	(void)state;
	w = world_open(users, true);
	assert_int_equal(bulla_batch_new(w->keyring, world_model(w, "users"), &many, &batch, &err), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_batch_new(w->keyring, world_model(w, "users"), &most, &batch, &err), BULLA_OK);
	bulla_batch_free(batch);
	bulla_batch_free(NULL);
	world_free(w);
}

/* --- one bad row ----------------------------------------------------------------------------------------------- */

static void one_bad_row_stops_nothing(void **state)
{
	static const char invalid[] = "\xff";
	(void)state;
	w = world_open(users, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 5, 1);
	rows_cell(&rows, 1, 2)->value = (bulla_value){ .kind = BULLA_KIND_INTEGER, .integer = 7 };
	rows_cell(&rows, 2, 0)->value.bytes = bulla_view_str(invalid);
	rows.row[3].inputs = &(bulla_bytes){ NULL, 0 };
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	static const bulla_code expected[] = { BULLA_OK, BULLA_ERR_TYPE, BULLA_ERR_ENCODING, BULLA_ERR_CONTEXT, BULLA_OK };
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(rows.row[i].code, expected[i]);
	assert_int_equal(rows_cell(&rows, 1, 0)->code, BULLA_OK);
	assert_int_equal(rows_cell(&rows, 1, 2)->code, BULLA_ERR_TYPE);
	assert_null(rows_cell(&rows, 1, 2)->ciphertext.data);
	done(batch);
}

/* A page of which every row is bad is no failure of the call. */
static void all_rows_bad(void **state)
{
	(void)state;
	w = world_open(users, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 2, 1);
	for (size_t i = 0; i < 2; i++)
		rows_cell(&rows, i, 0)->value = (bulla_value){ .kind = BULLA_KIND_INTEGER };
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_ERR_TYPE);
	done(batch);
}

static void sizes(void **state)
{
	(void)state;
	uint8_t *big = malloc(BULLA_VALUE_MAX + 1);
	assert_non_null(big);
	memset(big, 'x', BULLA_VALUE_MAX + 1);
	static const size_t lengths[] = { 0, 1, BULLA_VALUE_MAX, BULLA_VALUE_MAX + 1 };
	w = world_open(odd, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), COUNT(lengths), 1);
	for (size_t i = 0; i < COUNT(lengths); i++)
		for (size_t f = 0; f < 4; f++)
			rows_cell(&rows, i, f)->value.bytes = bulla_view(big, lengths[i]);
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	for (size_t i = 0; i < COUNT(lengths); i++)
		assert_int_equal(rows.row[i].code, i == 3 ? BULLA_ERR_TOO_LARGE : BULLA_OK);
	rows_hold(&rows);
	rows.n = 3;
	assert_int_equal(batch_open(w, batch, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	for (size_t i = 0; i < 3; i++)
		for (size_t f = 0; f < 4; f++) {
			const bulla_value *v = &rows_cell(&rows, i, f)->value;
			assert_int_equal(v->kind, BULLA_KIND_TEXT);
			assert_int_equal(v->bytes.len, lengths[i]);
			if (v->bytes.len) assert_memory_equal(v->bytes.data, big, v->bytes.len);
		}
	free(big);
	done(batch);
}

static void null_is_not_empty(void **state)
{
	(void)state;
	w = world_open(odd, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 3, 1);
	for (size_t f = 0; f < 4; f++) {
		rows_cell(&rows, 0, f)->value = (bulla_value){ .kind = BULLA_KIND_NULL };
		rows_cell(&rows, 1, f)->value.bytes = bulla_view("", 0);
	}
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	assert_non_null(rows_cell(&rows, 0, 0)->ciphertext.data); /* null: sealed */
	assert_int_equal(rows_cell(&rows, 0, 0)->ciphertext.len, 29);
	assert_int_equal(rows_cell(&rows, 1, 1)->ciphertext.len, 29 + 64);
	assert_int_equal(rows_cell(&rows, 1, 2)->ciphertext.len, 40); /* base64 of 29 bytes */
	for (size_t f = 1; f < 4; f++)
		assert_null(rows_cell(&rows, 0, f)->ciphertext.data);
	rows_hold(&rows);
	assert_int_equal(batch_open(w, batch, &rows, &err), BULLA_OK);
	for (size_t f = 0; f < 4; f++) {
		assert_int_equal(rows_cell(&rows, 0, f)->value.kind, BULLA_KIND_NULL);
		assert_int_equal(rows_cell(&rows, 1, f)->value.kind, BULLA_KIND_TEXT);
		assert_int_equal(rows_cell(&rows, 1, f)->value.bytes.len, 0);
	}
	done(batch);
}

/* A record of nothing but NULLs has no key, and opens without one. */
static void nothing_to_seal(void **state)
{
	(void)state;
	w = world_open(direct, false);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 2, 1);
	for (size_t f = 0; f < 2; f++)
		rows_cell(&rows, 0, f)->value = (bulla_value){ .kind = BULLA_KIND_NULL };
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	assert_null(rows.row[0].keys[0].data);
	assert_non_null(rows.row[1].keys[0].data);
	assert_int_equal(fake_kms_named("main")->items, 1);
	rows_hold(&rows);
	assert_int_equal(batch_open(w, batch, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	assert_int_equal(rows_cell(&rows, 0, 0)->value.kind, BULLA_KIND_NULL);
	done(batch);
}

/* --- what must not open ---------------------------------------------------------------------------------------- */

static void moved_rows(void **state)
{
	static const char *const models[] = { users, direct, two_keys };
	(void)state;
	for (size_t y = 0; y < COUNT(models); y++) {
		bulla_batch *batch = sealed(models[y], 3);
		size_t keys = rows.model->key_count;
		rows.row[0].inputs = rows.row[1].inputs; /* row 0 copied over row 1, key and all */
		assert_int_equal(open_all(batch), BULLA_OK);
		assert_int_equal(rows.row[0].code, BULLA_ERR_CONTEXT);
		assert_string_equal(rows.model->context[rows.row[0].part - 1].name, "model_id");
		assert_int_equal(bulla_row_explain(batch, &rows.row[0], &err), BULLA_ERR_CONTEXT);
		assert_non_null(strstr(err.text, "model_id"));
		assert_int_equal(rows.row[1].code, BULLA_OK);
		assert_int_equal(keys, rows.model->key_count);
		done(batch);
	}
}

/* A ciphertext under another row's key, in another column, or one row's key beside another's ciphertext. */
static void moved_ciphertexts(void **state)
{
	(void)state;
	for (size_t y = 0; y < COUNT(all); y++) {
		bulla_batch *batch = sealed(all[y], 4);
		rows_cell(&rows, 0, 0)->ciphertext = rows_cell(&rows, 3, 0)->ciphertext;
		bulla_bytes kept = rows_cell(&rows, 1, 0)->ciphertext;
		rows_cell(&rows, 1, 0)->ciphertext = rows_cell(&rows, 1, 1)->ciphertext;
		rows_cell(&rows, 1, 1)->ciphertext = kept;
		assert_int_equal(open_all(batch), BULLA_OK);
		assert_int_equal(rows_cell(&rows, 0, 0)->code, BULLA_ERR_AUTH);
		assert_int_equal(rows_cell(&rows, 0, 1)->code, BULLA_OK);
		assert_int_equal(rows_cell(&rows, 1, 0)->code, BULLA_ERR_AUTH);
		assert_int_equal(rows_cell(&rows, 1, 1)->code, BULLA_ERR_AUTH);
		assert_int_equal(rows_cell(&rows, 1, 0)->value.kind, BULLA_KIND_NULL);
		assert_int_equal(rows.row[2].code, BULLA_OK);
		done(batch);
	}
}

/* The same tables with other logical names: another model, another field name, another type. */
static void other_names(void **state)
{
	static const char *const others[] = {
		HEAD "  users: { context: { model_name: people, model_id: \"{id}\" }, branch_key: users, fields: { email: {}, "
		     "name: {}, note: {} } }\n",
		HEAD "  users: { branch_key: users, fields: { mail: {}, name: {}, note: {} } }\n",
		HEAD "  users: { branch_key: users, fields: { email: { type: json }, name: {}, note: {} } }\n",
	};
	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		bulla_batch *batch = sealed(users, 1);
		world *renamed = world_beside(w, others[i]);
		bulla_batch *reader = batch_of(renamed, "users", NULL);
		assert_int_equal(batch_open(renamed, reader, &rows, &err), BULLA_OK);
		assert_int_equal(rows_cell(&rows, 0, 0)->code, i == 0 ? BULLA_ERR_CONTEXT : BULLA_ERR_AUTH);
		assert_int_equal(rows_cell(&rows, 0, 1)->code, i == 0 ? BULLA_ERR_CONTEXT : BULLA_OK);
		bulla_batch_free(reader);
		world_free(renamed);
		done(batch);
	}
}

/* Renaming tables and columns breaks nothing. */
static void other_columns(void **state)
{
	static const char renamed_yaml[] =
		HEAD "  users: { table: people, branch_key: users, fields: { email: { column: a }, name: { column: b }, "
		     "note: { plaintext: c } } }\n";
	(void)state;
	bulla_batch *batch = sealed(users, 2);
	world *renamed = world_beside(w, renamed_yaml);
	bulla_batch *reader = batch_of(renamed, "users", NULL);
	assert_int_equal(batch_open(renamed, reader, &rows, &err), BULLA_OK);
	rows_check(&rows);
	bulla_batch_free(reader);
	world_free(renamed);
	done(batch);
}

struct target {
	bulla_batch *batch;
	bool key;
};

static bool opens(void *self, bulla_bytes changed)
{
	struct target *t = self;
	bulla_bytes *place = t->key ? &rows.row[0].keys[0] : &rows_cell(&rows, 0, 0)->ciphertext, kept = *place;
	*place = changed;
	assert_int_equal(batch_open(w, t->batch, &rows, NULL), BULLA_OK);
	*place = kept;
	return rows_cell(&rows, 0, 0)->code == BULLA_OK;
}

/* Every bit and every length of a key and of a ciphertext, as they come from a table. */
static void every_flip_and_cut(void **state)
{
	static const struct {
		const char *yaml;
		flip_gap checks;
	} cases[] = { { users, { 46, 50 } }, { table, { 46, 48 } }, { direct, { 46, 50 } } };
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bulla_batch *batch = sealed(cases[i].yaml, 1);
		flip_everything(rows_cell(&rows, 0, 0)->ciphertext, (flip_gap){ 0, 0 }, opens, &(struct target){ batch, false });
		flip_everything(rows.keys[0], cases[i].checks, opens, &(struct target){ batch, true });
		done(batch);
	}
}

static void what_is_missing(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(two_keys, 3);
	rows.row[0].keys[0] = bulla_view(NULL, 0);                /* a ciphertext without its key */
	rows_cell(&rows, 1, 1)->ciphertext = bulla_view(NULL, 0); /* a key without its ciphertext is fine */
	rows.row[2].keys[0] = bulla_view("", 0);
	assert_int_equal(open_all(batch), BULLA_OK);
	assert_int_equal(rows.row[0].code, BULLA_ERR_FORMAT);
	assert_int_equal(rows.row[1].code, BULLA_OK);
	assert_int_equal(rows_cell(&rows, 1, 1)->value.kind, BULLA_KIND_NULL);
	assert_int_equal(rows.row[2].code, BULLA_ERR_FORMAT);
	done(batch);
}

/* A column that somebody cut off: not base64, or nothing sensible. */
static void broken_columns(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(odd, 2);
	rows_cell(&rows, 0, 2)->ciphertext = bulla_view_str("not base64!");
	rows_cell(&rows, 0, 3)->ciphertext = bulla_view_str("short");
	rows_cell(&rows, 1, 3)->ciphertext = bulla_view("", 0);
	assert_int_equal(open_all(batch), BULLA_OK);
	assert_int_equal(rows_cell(&rows, 0, 2)->code, BULLA_ERR_FORMAT);
	assert_int_equal(rows_cell(&rows, 0, 3)->code, BULLA_ERR_FORMAT);
	assert_int_equal(rows_cell(&rows, 1, 3)->code, BULLA_ERR_FORMAT);
	assert_int_equal(rows_cell(&rows, 1, 0)->code, BULLA_OK);
	done(batch);
}

/* --- whole records --------------------------------------------------------------------------------------------- */

static void a_fresh_key_takes_all(void **state)
{
	(void)state;
	w = world_open(users, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 4, 1);
	rows.row[0].cell_count = 2;        /* a field is missing */
	rows_cell(&rows, 1, 2)->field = 1; /* one twice, another not at all */
	rows_cell(&rows, 2, 0)->field = 3; /* no such field */
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	assert_int_equal(rows.row[0].code, BULLA_ERR_PARTIAL_RECORD);
	assert_int_equal(rows.row[1].code, BULLA_ERR_PARTIAL_RECORD);
	assert_int_equal(rows.row[2].code, BULLA_ERR_USAGE);
	assert_int_equal(rows.row[3].code, BULLA_OK);
	for (size_t i = 0; i < 3; i++)
		assert_null(rows.row[i].keys[0].data);
	done(batch);
}

static void some_fields_under_the_stored_key(void **state)
{
	bulla_batch_options partial = { .size = sizeof partial, .partial = true };
	(void)state;
	for (size_t y = 0; y < COUNT(all); y++) {
		bulla_batch *batch = sealed(all[y], 2), *some = batch_of(w, "users", &partial);
		bulla_bytes key = rows.row[0].keys[0];
		bulla_cell cell = { .field = 1, .value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("changed") } };
		bulla_row row = { .inputs = rows.row[0].inputs, .cells = &cell, .cell_count = 1, .keys = rows.row[0].keys };
		bulla_op *op;
		assert_int_equal(bulla_batch_seal_op(some, &row, 1, &op, &err), BULLA_OK);
		assert_int_equal(world_drive(w, op, &err), BULLA_OK);
		assert_int_equal(row.code, BULLA_OK);
		assert_ptr_equal(rows.row[0].keys[0].data, key.data); /* the key stays as it is */
		rows_cell(&rows, 0, 1)->ciphertext = cell.ciphertext;
		assert_int_equal(open_all(batch), BULLA_OK);
		rows_all(&rows, BULLA_OK);
		assert_true(bulla_bytes_is(rows_cell(&rows, 0, 1)->value.bytes, "changed"));
		assert_false(bulla_bytes_is(rows_cell(&rows, 0, 0)->value.bytes, "changed"));
		bulla_batch_free(some);
		done(batch);
	}
}

static void partial_needs_its_key(void **state)
{
	bulla_batch_options partial = { .size = sizeof partial, .partial = true };
	(void)state;
	w = world_open(users, true);
	bulla_batch *batch = batch_of(w, "users", &partial);
	rows_init(&rows, world_model(w, "users"), 1, 1);
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_ERR_FORMAT);
	done(batch);
}

/* --- shared keys ----------------------------------------------------------------------------------------------- */

static void one_key_for_many_rows(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(table, 10);
	for (size_t i = 1; i < rows.n; i++)
		assert_true(bulla_bytes_equal(rows.row[0].keys[0], rows.row[i].keys[0]));
	assert_int_equal(rows_cell(&rows, 0, 0)->ciphertext.data[0], 2);
	assert_int_equal(w->row_count, 2); /* the branch, and the data key under it */
	assert_non_null(world_row(w, "data:users/"));
	done(batch);
	batch = sealed(field, 10);
	assert_int_equal(rows.model->key_count, 2);
	assert_true(bulla_bytes_equal(rows.row[0].keys[1], rows.row[9].keys[1]));
	assert_false(bulla_bytes_equal(rows.row[0].keys[0], rows.row[0].keys[1]));
	assert_non_null(world_row(w, "data:users/name"));
	/* the next process finds the same */
	world *next = world_beside(w, field);
	bulla_batch *writer = batch_of(next, "users", NULL);
	row_set more;
	rows_init(&more, world_model(next, "users"), 1, 100);
	assert_int_equal(batch_seal(next, writer, &more, &err), BULLA_OK);
	assert_true(bulla_bytes_equal(more.row[0].keys[0], rows.row[0].keys[0]));
	rows_done(&more);
	bulla_batch_free(writer);
	world_free(next);
	done(batch);
}

/* A row whose copy of the shared key was changed spoils no other row, wherever it stands in the page. */
static void one_changed_copy(void **state)
{
	(void)state;
	for (size_t bad = 0; bad < 3; bad += 2) {
		bulla_batch *batch = sealed(field, 3);
		uint8_t *key = (uint8_t *)(uintptr_t)rows.row[bad].keys[0].data;
		key[rows.row[bad].keys[0].len - 1] ^= 1; /* of the tag */
		bulla_keyring_forget(w->keyring);
		assert_int_equal(open_all(batch), BULLA_OK);
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(rows_cell(&rows, i, 0)->code, i == bad ? BULLA_ERR_AUTH : BULLA_OK);
			assert_int_equal(rows_cell(&rows, i, 1)->code, BULLA_OK);
		}
		/* nor does it open because the right one is in the cache */
		assert_int_equal(open_all(batch), BULLA_OK);
		assert_int_equal(rows_cell(&rows, bad, 0)->code, BULLA_ERR_AUTH);
		done(batch);
	}
}

static void shared_keys_need_a_constant_branch(void **state)
{
	static const char wrong[] = HEAD "  users: { data_key: table, branch_key: \"user:{id}\", fields: { email: {} } }\n";
	bulla_batch *batch = NULL;
	(void)state;
	w = world_open(wrong, true);
	assert_int_equal(bulla_batch_new(w->keyring, world_model(w, "users"), NULL, &batch, &err), BULLA_ERR_CONFIG);
	world_free(w);
}

/* --- rewrapping ------------------------------------------------------------------------------------------------ */

static bulla_wrapped_key parse(bulla_bytes bytes)
{
	bulla_wrapped_key key;
	assert_int_equal(bulla_wrapped_key_parse(bytes, &key, NULL), BULLA_OK);
	return key;
}

/* Sealed by `from`, rewrapped and read by `to` on the same store; the ciphertexts stay. */
static void rewraps(const char *from, const char *to, uint8_t kind, bool same_commitment)
{
	bulla_batch *batch = sealed(from, 3);
	world *next = world_beside(w, to);
	bulla_batch *writer = batch_of(next, "users", NULL);
	BULLA_BUF_AUTO bulla_buf before = { 0 };
	assert_int_equal(bulla_buf_add(&before, rows.keys[0], NULL), BULLA_OK);
	rows.model = world_model(next, "users");
	assert_int_equal(batch_rewrap(next, writer, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	rows_hold(&rows);
	bulla_wrapped_key old = parse(bulla_view_buf(&before)), made = parse(rows.keys[0]);
	assert_int_equal(bulla_bytes_equal(old.commitment, made.commitment), same_commitment);
	assert_true(bulla_bytes_equal(old.checks, made.checks));
	assert_int_equal(made.wraps[0].kind, kind);
	assert_int_equal(batch_open(next, writer, &rows, &err), BULLA_OK);
	rows_check(&rows);
	bulla_batch_free(writer);
	world_free(next);
	done(batch);
}

static const char old_key[] = "version: 1\nenvironments: { development: { key: fake/now/old } }\nmodels:\n"
			      "  users: { fields: { email: {}, name: {} } }\n";
static const char direct_branch[] = HEAD "  users: { branch_key: users, fields: { email: {}, name: {} } }\n";

static void between_kms_keys(void **state)
{
	(void)state;
	rewraps(old_key, direct, BULLA_WRAP_AWS, true);
}

static void from_a_kms_key_to_a_branch(void **state)
{
	(void)state;
	rewraps(old_key, direct_branch, BULLA_WRAP_BRANCH, true);
}

static void from_a_branch_to_a_kms_key(void **state)
{
	(void)state;
	rewraps(direct_branch, direct, BULLA_WRAP_AWS, true);
}

static void to_a_newer_branch_key(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(direct_branch, 2);
	uint64_t old = w->rows[0].version;
	fake_row *row = world_row(w, "users");
	/* a new version appears: made by a world that does not see the old one */
	bulla_buf identity = row->identity;
	row->identity = (bulla_buf){ 0 };
	assert_int_equal(bulla_buf_add_str(&row->identity, "hidden", NULL), BULLA_OK);
	bulla_keyring_forget(w->keyring);
	row_set more;
	rows_init(&more, rows.model, 1, 50);
	assert_int_equal(batch_seal(w, batch, &more, &err), BULLA_OK);
	rows_done(&more);
	bulla_buf_done(&w->rows[0].identity);
	w->rows[0].identity = identity;
	bulla_keyring_forget(w->keyring);
	assert_int_equal(w->row_count, 2);
	assert_int_equal(batch_rewrap(w, batch, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	rows_hold(&rows);
	assert_true(parse(rows.keys[0]).wraps[0].reference == w->rows[1].version);
	assert_true(old != w->rows[1].version);
	assert_int_equal(open_all(batch), BULLA_OK);
	rows_check(&rows);
	done(batch);
}

static const char two_services[] =
	"version: 1\nenvironments: { development: { keys: [fake/again/a, fake/again/b], min_wraps: 1 } }\nmodels:\n"
	"  users: { fields: { email: {}, name: {} } }\n";
static const char new_services[] = "version: 1\nenvironments: { development: { keys: [fake/again/b, fake/again/c], previous: "
				   "[fake/again/a], min_wraps: 1 } }\nmodels:\n"
				   "  users: { fields: { email: {}, name: {} } }\n";

/* A service that re-encrypts releases nothing; a second time there is nothing to do. */
static void services_wrap_again_by_themselves(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(two_services, 3);
	world *next = world_beside(w, new_services);
	bulla_batch *writer = batch_of(next, "users", NULL);
	rows.model = world_model(next, "users");
	assert_int_equal(batch_rewrap(next, writer, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	rows_hold(&rows);
	assert_int_equal(fake_kms_named("a")->unwraps + fake_kms_named("b")->unwraps, 0);
	bulla_wrapped_key made = parse(rows.keys[0]);
	assert_int_equal(made.wrap_count, 2);
	assert_true(made.wraps[0].reference == fake_kms_named("b")->reference);
	assert_true(made.wraps[1].reference == fake_kms_named("c")->reference);
	const uint8_t *before = rows.keys[0].data;
	assert_int_equal(batch_rewrap(next, writer, &rows, &err), BULLA_OK);
	assert_ptr_equal(rows.keys[0].data, before);
	assert_int_equal(batch_open(next, writer, &rows, &err), BULLA_OK);
	rows_check(&rows);
	bulla_batch_free(writer);
	world_free(next);
	done(batch);
}

/* Its old wrap stays where a service does not answer now. */
static void a_service_that_is_out_takes_no_wrap_away(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(two_services, 2);
	world *next = world_beside(w, new_services);
	bulla_batch *writer = batch_of(next, "users", NULL);
	rows.model = world_model(next, "users");
	fake_kms_named("b")->fails = BULLA_ERR_UNAVAILABLE;
	assert_int_equal(batch_rewrap(next, writer, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	bulla_wrapped_key made = parse(rows.keys[0]);
	assert_int_equal(made.wrap_count, 2);
	assert_true(made.wraps[0].reference == fake_kms_named("b")->reference);
	rows_hold(&rows);
	fake_kms_named("c")->fails = BULLA_ERR_UNAVAILABLE;
	assert_int_equal(batch_rewrap(next, writer, &rows, &err), BULLA_OK); /* both: what there is, is left */
	rows_all(&rows, BULLA_OK);
	fake_kms_reset();
	assert_int_equal(batch_open(next, writer, &rows, &err), BULLA_OK);
	rows_check(&rows);
	bulla_batch_free(writer);
	world_free(next);
	done(batch);
}

/* The rows of a shared key are one wrap, not one each. */
static void shared_keys_are_wrapped_once(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(field, 50);
	size_t before = fake_kms_named("main")->items;
	bulla_keyring_forget(w->keyring);
	assert_int_equal(batch_rewrap(w, batch, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	assert_int_equal(fake_kms_named("main")->items - before, 4); /* each of two keys: unwrapped once, wrapped once */
	rows_hold(&rows);
	assert_true(bulla_bytes_equal(rows.row[0].keys[0], rows.row[49].keys[0]));
	assert_int_equal(open_all(batch), BULLA_OK);
	rows_check(&rows);
	done(batch);
}

static void rewrapping_bad_rows(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(direct, 4);
	((uint8_t *)(uintptr_t)rows.row[0].keys[0].data)[80] ^= 1;
	rows.row[1].inputs = rows.row[2].inputs;
	rows.row[3].keys[0] = bulla_view(NULL, 0); /* nothing to rewrap */
	bulla_keyring_forget(w->keyring);
	assert_int_equal(batch_rewrap(w, batch, &rows, &err), BULLA_OK);
	assert_int_equal(rows.row[0].code, BULLA_ERR_AUTH);
	assert_int_equal(rows.row[1].code, BULLA_ERR_CONTEXT);
	assert_int_equal(rows.row[2].code, BULLA_OK);
	assert_int_equal(rows.row[3].code, BULLA_OK);
	assert_null(rows.row[3].keys[0].data);
	done(batch);
}

/* --- indexes --------------------------------------------------------------------------------------------------- */

static bulla_code index_of(bulla_batch *batch, size_t f, const bulla_bytes *inputs, const char *text, bulla_buf *out)
{
	bulla_op *op;
	bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(text) };
	bulla_code code = bulla_batch_index_op(batch, f, inputs, &value, out, &op, &err);
	return code ? code : world_drive(w, op, &err);
}

static void indexes(void **state)
{
	BULLA_BUF_AUTO bulla_buf index = { 0 };
	(void)state;
	w = world_open(indexed, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 3, 1);
	rows_cell(&rows, 0, 0)->value.bytes = bulla_view_str("ANN@example.com");
	rows_cell(&rows, 1, 0)->value.bytes = bulla_view_str("ann@Example.com");
	rows_cell(&rows, 2, 0)->value = (bulla_value){ .kind = BULLA_KIND_NULL };
	rows_cell(&rows, 0, 1)->value.bytes = bulla_view_str("111-1234");
	rows_cell(&rows, 1, 1)->value.bytes = bulla_view_str("222-1234");
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	rows_hold(&rows);
	assert_int_equal(rows_cell(&rows, 0, 0)->index.len, 16);
	assert_true(bulla_bytes_equal(rows_cell(&rows, 0, 0)->index, rows_cell(&rows, 1, 0)->index));
	assert_true(bulla_bytes_equal(rows_cell(&rows, 0, 1)->index, rows_cell(&rows, 1, 1)->index));
	assert_null(rows_cell(&rows, 2, 0)->index.data);
	assert_null(rows_cell(&rows, 0, 2)->index.data);
	assert_int_equal(index_of(batch, 0, NULL, "ann@EXAMPLE.com", &index), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&index), rows_cell(&rows, 0, 0)->index));
	assert_int_equal(index_of(batch, 2, NULL, "x", &index), BULLA_ERR_USAGE); /* it has none */
	assert_int_equal(index_of(batch, 9, NULL, "x", &index), BULLA_ERR_USAGE);
	done(batch);
}

static void indexes_on_request(void **state)
{
	bulla_batch_options without = { .size = sizeof without, .no_indexes = true },
			    with = { .size = sizeof with, .open_indexes = true };
	(void)state;
	bulla_batch *batch = seal_rows(indexed, 2, &without), *opener = batch_of(w, "users", &with),
		    *sealer = batch_of(w, "users", NULL);
	assert_null(rows_cell(&rows, 0, 0)->index.data);
	assert_int_equal(w->row_count, 1); /* no index key was needed */
	rows_hold(&rows);
	assert_int_equal(batch_open(w, opener, &rows, &err), BULLA_OK);
	rows_hold(&rows);
	BULLA_BUF_AUTO bulla_buf index = { 0 };
	assert_int_equal(index_of(sealer, 0, NULL, "VALUE 1 email", &index), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&index), rows_cell(&rows, 0, 0)->index));
	bulla_batch_free(opener);
	bulla_batch_free(sealer);
	done(batch);
}

/* Each tenant its own index key: the same value gives different indexes. */
static void scoped_indexes(void **state)
{
	BULLA_BUF_AUTO bulla_buf index = { 0 };
	(void)state;
	w = world_open(scoped, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 3, 1);
	size_t tenant = strcmp(rows.model->inputs[0], "tenant") == 0 ? 0 : 1;
	for (size_t i = 0; i < 3; i++) {
		rows_cell(&rows, i, 0)->value.bytes = bulla_view_str("same");
		((bulla_bytes *)(uintptr_t)rows.row[i].inputs)[tenant] = bulla_view_str(i < 2 ? "a" : "b");
		((bulla_bytes *)(uintptr_t)rows.row[i].inputs)[1 - tenant] = bulla_view_str("1");
	}
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	rows_all(&rows, BULLA_OK);
	rows_hold(&rows);
	assert_true(bulla_bytes_equal(rows_cell(&rows, 0, 0)->index, rows_cell(&rows, 1, 0)->index));
	assert_false(bulla_bytes_equal(rows_cell(&rows, 0, 0)->index, rows_cell(&rows, 2, 0)->index));
	assert_int_equal(index_of(batch, 0, rows.row[2].inputs, "same", &index), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&index), rows_cell(&rows, 2, 0)->index));
	assert_int_equal(index_of(batch, 0, NULL, "same", &index), BULLA_ERR_CONTEXT);
	assert_non_null(world_row(w, "index:users/email/b"));
	done(batch);
}

static void null_has_no_index(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_value null = { .kind = BULLA_KIND_NULL };
	bulla_op *op;
	(void)state;
	w = world_open(indexed, true);
	bulla_batch *batch = batch_of(w, "users", NULL);
	assert_int_equal(bulla_batch_index_op(batch, 0, NULL, &null, &out, &op, &err), BULLA_ERR_USAGE);
	bulla_batch_free(batch);
	world_free(w);
}

/* --- memory ---------------------------------------------------------------------------------------------------- */

/* The views a batch gave are wiped with its next call, and data keys do not stay in its workers. */
static void nothing_stays_behind(void **state)
{
	(void)state;
	bulla_batch *batch = sealed(users, 1);
	assert_int_equal(open_all(batch), BULLA_OK);
	const uint8_t *plain = rows_cell(&rows, 0, 0)->value.bytes.data;
	size_t len = rows_cell(&rows, 0, 0)->value.bytes.len;
	for (size_t i = 0; i < sizeof(bulla_secret); i++)
		assert_int_equal(batch->workers[0].keys[0].bytes[i], 0);
	rows.n = 0;
	assert_int_equal(open_all(batch), BULLA_OK);
	rows.n = 1;
	for (size_t i = 0; i < len; i++)
		assert_int_equal(plain[i], 0);
	done(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(as_documented),
		cmocka_unit_test(no_rows),
		cmocka_unit_test(nothing_repeats),
		cmocka_unit_test(threads_give_equal_results),
		cmocka_unit_test(options),
		cmocka_unit_test(one_bad_row_stops_nothing),
		cmocka_unit_test(all_rows_bad),
		cmocka_unit_test(sizes),
		cmocka_unit_test(null_is_not_empty),
		cmocka_unit_test(nothing_to_seal),
		cmocka_unit_test(moved_rows),
		cmocka_unit_test(moved_ciphertexts),
		cmocka_unit_test(other_names),
		cmocka_unit_test(other_columns),
		cmocka_unit_test(every_flip_and_cut),
		cmocka_unit_test(what_is_missing),
		cmocka_unit_test(broken_columns),
		cmocka_unit_test(a_fresh_key_takes_all),
		cmocka_unit_test(some_fields_under_the_stored_key),
		cmocka_unit_test(partial_needs_its_key),
		cmocka_unit_test(one_key_for_many_rows),
		cmocka_unit_test(one_changed_copy),
		cmocka_unit_test(shared_keys_need_a_constant_branch),
		cmocka_unit_test(between_kms_keys),
		cmocka_unit_test(from_a_kms_key_to_a_branch),
		cmocka_unit_test(from_a_branch_to_a_kms_key),
		cmocka_unit_test(to_a_newer_branch_key),
		cmocka_unit_test(shared_keys_are_wrapped_once),
		cmocka_unit_test(services_wrap_again_by_themselves),
		cmocka_unit_test(a_service_that_is_out_takes_no_wrap_away),
		cmocka_unit_test(rewrapping_bad_rows),
		cmocka_unit_test(indexes),
		cmocka_unit_test(indexes_on_request),
		cmocka_unit_test(scoped_indexes),
		cmocka_unit_test(null_has_no_index),
		cmocka_unit_test(nothing_stays_behind),
	};
	return cmocka_run_group_tests_name("core/batch", tests, NULL, NULL);
}
