/*
 * test_row.c - rows of the store: their MAC binds place, generation and every byte; payloads are read exactly or not at all.
 */
#include "help.h"

#include "kms/codec.h"
#include "kms/row.h"

#include <bulla/batch.h> /* its bulla_row is another type: both can be seen at once */

#include <stdlib.h>

typedef struct bench {
	bulla_pool *pool;
	bulla_lane *lane;
	bulla_root root;
} bench;

static int setup(void **state)
{
	bench *b = calloc(1, sizeof *b);
	static const uint8_t root_key[32] = { 9 };
	assert_non_null(b);
	assert_int_equal(bulla_pool_new(&b->pool, NULL), BULLA_OK);
	assert_int_equal(bulla_lane_new(&b->lane, NULL), BULLA_OK);
	assert_int_equal(bulla_root_derive(b->pool, root_key, &b->root, NULL), BULLA_OK);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bench *b = *state;
	bulla_root_done(&b->root);
	bulla_lane_free(b->lane);
	bulla_pool_free(b->pool);
	free(b);
	return 0;
}

static bulla_code check(bench *b, bulla_kms_table table, const char *id, bulla_bytes data, bulla_error *err)
{
	bulla_kms_row stored = { table, bulla_view_str(id), data };
	bulla_stored_row row;
	*err = (bulla_error){ 0 };
	TRY(bulla_stored_row_split(&stored, &row, err));
	return bulla_stored_row_check(b->lane, &b->root, &row, err);
}

static void test_place_is_bound(void **state)
{
	bench *b = *state;
	BULLA_BUF_AUTO bulla_buf data = { 0 };
	bulla_error err;
	assert_int_equal(bulla_stored_row_seal(b->lane, &b->root, BULLA_KMS_ALIAS, bulla_view_str("users"), 7,
					       bulla_view_str("payload"), &data, NULL),
			 BULLA_OK);
	assert_int_equal(check(b, BULLA_KMS_ALIAS, "users", bulla_view_buf(&data), &err), BULLA_OK);
	assert_int_equal(check(b, BULLA_KMS_KEY, "users", bulla_view_buf(&data), &err), BULLA_ERR_CORRUPT);
	assert_int_equal(check(b, BULLA_KMS_ALIAS, "user", bulla_view_buf(&data), &err), BULLA_ERR_CORRUPT);
	assert_int_equal(check(b, BULLA_KMS_ALIAS, "usert", bulla_view_buf(&data), &err), BULLA_ERR_CORRUPT);
	assert_non_null(strstr(err.text, "alias usert"));
	assert_null(strstr(err.text, "payload"));
	/* What belongs to the id cannot be taken for content: the length is in the MAC. */
	for (size_t bit = 0; bit < 8 * data.len; bit++) {
		data.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(check(b, BULLA_KMS_ALIAS, "users", bulla_view_buf(&data), &err), BULLA_ERR_CORRUPT);
		data.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t n = 0; n < data.len; n++)
		assert_int_equal(check(b, BULLA_KMS_ALIAS, "users", bulla_view(data.data, n), &err), BULLA_ERR_CORRUPT);
}

/* A row that the right key wrote in a version to come is no damage. */
static void test_newer(void **state)
{
	bench *b = *state;
	BULLA_BUF_AUTO bulla_buf data = { 0 };
	bulla_error err;
	uint8_t mac[32];
	static const char label[] = "bulla row v1";
	assert_int_equal(bulla_buf_add_u8(&data, 2, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add_u64(&data, 7, NULL), BULLA_OK);
	bulla_bytes parts[] = { bulla_view(label, sizeof label), bulla_view("\4\0\1a", 4), bulla_view_buf(&data) };
	assert_int_equal(bulla_hmac_sha256(b->lane, b->root.keys[BULLA_ROOT_MAC]->bytes, parts, 3, mac, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add(&data, bulla_view(mac, 32), NULL), BULLA_OK);
	assert_int_equal(check(b, BULLA_KMS_ALIAS, "a", bulla_view_buf(&data), &err), BULLA_ERR_NEWER);
}

static void test_limits(void **state)
{
	bench *b = *state;
	BULLA_BUF_AUTO bulla_buf data = { 0 };
	static uint8_t large[BULLA_ROW_MAX];
	bulla_error err = { 0 };
	assert_int_equal(bulla_stored_row_seal(b->lane, &b->root, BULLA_KMS_KEY, bulla_view(large, 251), 1, bulla_view(large, 1),
					       &data, &err),
			 BULLA_ERR_LIMIT);
	assert_int_equal(bulla_stored_row_seal(b->lane, &b->root, BULLA_KMS_KEY, bulla_view(large, 0), 1, bulla_view(large, 1),
					       &data, &err),
			 BULLA_ERR_LIMIT);
	assert_int_equal(bulla_stored_row_seal(b->lane, &b->root, BULLA_KMS_KEY, bulla_view(large, 1), 1,
					       bulla_view(large, sizeof large), &data, &err),
			 BULLA_ERR_LIMIT);
	assert_int_equal(data.len, 0);
}

/* An id that is no text is shown in hex, a long one cut: nothing from a store reaches a terminal raw. */
static void test_error_text(void **state)
{
	(void)state;
	bulla_error err = { 0 };
	(void)bulla_stored_row_corrupt(&err, BULLA_KMS_KEY, bulla_view("\x1b[31m", 5), "it is red");
	assert_non_null(strstr(err.text, "key 1b5b33316d"));
	static uint8_t large[300];
	(void)bulla_stored_row_corrupt(&err, (bulla_kms_table)77, bulla_view(large, sizeof large), "long");
	assert_non_null(strstr(err.text, "unknown table"));
	assert_true(strlen(err.text) < 200);
}

/* --- payloads -------------------------------------------------------------------------------------------------- */
typedef bool (*decoder)(bulla_bytes payload);

static bool as_key(bulla_bytes payload)
{
	bulla_key_data data;
	return bulla_key_decode(payload, &data);
}

static bool as_material(bulla_bytes payload)
{
	bulla_material_data data;
	return bulla_material_decode(payload, &data);
}

static bool as_alias(bulla_bytes payload)
{
	bulla_alias_data data;
	return bulla_alias_decode(payload, &data);
}

static bool as_root(bulla_bytes payload)
{
	bulla_root_data data;
	return bulla_root_decode(payload, &data);
}

static bool as_seed(bulla_bytes payload)
{
	bulla_sealed_key data;
	return bulla_seed_decode(payload, &data);
}

static bool as_rows(bulla_bytes payload)
{
	bulla_rows_data data;
	return bulla_rows_decode(payload, &data);
}

/* Whole, it is read; cut anywhere, with a byte more, or in another version, it is not. */
static void check_exact(bulla_buf *payload, decoder decode)
{
	size_t whole = payload->len;
	assert_true(decode(bulla_view_buf(payload)));
	for (size_t n = 0; n < whole; n++)
		assert_false(decode(bulla_view(payload->data, n)));
	payload->data[0] = 2;
	assert_false(decode(bulla_view_buf(payload)));
	payload->data[0] = 1;
	assert_int_equal(bulla_buf_add_u8(payload, 0, NULL), BULLA_OK);
	assert_false(decode(bulla_view_buf(payload)));
	bulla_buf_done(payload);
}

static void test_payloads(void **state)
{
	(void)state;
	bulla_buf out = { 0 };
	bulla_key_data key = { .state = BULLA_KEY_PENDING_DELETION,
			       .usage = 1,
			       .origin = 1,
			       .created_us = 5,
			       .deletion_us = BULLA_TIME_MAX_US - 1,
			       .rotation_days = 2560,
			       .next_rotation_us = 77,
			       .current = { 1, 2, 3 },
			       .account = bulla_view_str("000000000000"),
			       .region = bulla_view_str("local"),
			       .description = bulla_view_str("for users") },
		       back;
	assert_int_equal(bulla_key_encode(&key, &out, NULL), BULLA_OK);
	assert_true(bulla_key_decode(bulla_view_buf(&out), &back));
	assert_true(back.state == key.state && back.created_us == 5 && back.deletion_us == BULLA_TIME_MAX_US - 1 &&
		    back.rotation_days == 2560 && back.next_rotation_us == 77 && back.current[2] == 3 &&
		    bulla_bytes_is(back.description, "for users") && bulla_bytes_is(back.region, "local"));
	out.data[1] = 0;
	assert_false(as_key(bulla_view_buf(&out)));
	out.data[1] = 5;
	assert_false(as_key(bulla_view_buf(&out)));
	out.data[1] = 3;
	check_exact(&out, as_key);
	bulla_buf_clear(&out);
	assert_int_equal(bulla_key_encode(&key, &out, NULL), BULLA_OK);
	bulla_put_u64(out.data + 4 + 8, (uint64_t)BULLA_TIME_MAX_US); /* of the deletion */
	assert_false(as_key(bulla_view_buf(&out)));
	bulla_put_u64(out.data + 4 + 8, 0);
	assert_true(as_key(bulla_view_buf(&out)));
	bulla_put_u32(out.data + 4 + 16, BULLA_ROTATION_DAYS_MAX + 1);
	assert_false(as_key(bulla_view_buf(&out)));
	bulla_buf_clear(&out);
	key.closed_us = 1780000000;
	assert_int_equal(bulla_key_encode(&key, &out, NULL), BULLA_OK);
	assert_int_equal(out.data[0], 2);
	assert_true(bulla_key_decode(bulla_view_buf(&out), &back) && back.closed_us == key.closed_us);
	out.data[0] = 1; /* what trails then makes it none */
	assert_false(as_key(bulla_view_buf(&out)));
	bulla_buf_done(&out);
	static const uint8_t sealed[BULLA_SEALED_KEY_SIZE];
	const bulla_material_data material = { .usage = 1, .sealed = bulla_view(sealed, sizeof sealed) };
	assert_int_equal(bulla_material_encode(&material, &out, NULL), BULLA_OK);
	check_exact(&out, as_material);
	assert_int_equal(bulla_alias_encode(&(bulla_alias_data){ .created_us = 1 }, &out, NULL), BULLA_OK);
	check_exact(&out, as_alias);
	assert_int_equal(bulla_root_encode(&(bulla_root_data){ .note = bulla_view_str("file") }, &out, NULL), BULLA_OK);
	check_exact(&out, as_root);
	assert_int_equal(bulla_seed_encode(&(bulla_sealed_key){ { 1 }, { 2 } }, &out, NULL), BULLA_OK);
	check_exact(&out, as_seed);
	assert_int_equal(bulla_rows_encode(&(bulla_rows_data){ .count = 3 }, &out, NULL), BULLA_OK);
	check_exact(&out, as_rows);
}

/* A row that is not of a symmetric key says so in a version of its own, and a symmetric key's is what it always was. */
static void test_kinds(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	static const uint8_t sealed[BULLA_MATERIAL_MAX + BULLA_TAG_SIZE + 1];
	bulla_key_data key = { .state = BULLA_KEY_ENABLED,
			       .usage = 1 + BULLA_USE_SIGN_VERIFY,
			       .origin = 1,
			       .spec = BULLA_SPEC_RSA_4096,
			       .account = bulla_view_str("000000000000"),
			       .region = bulla_view_str("local") },
		       back;
	assert_int_equal(bulla_key_encode(&key, &out, NULL), BULLA_OK);
	assert_int_equal(out.data[0], 3);
	assert_true(bulla_key_decode(bulla_view_buf(&out), &back));
	assert_int_equal(bulla_key_data_kind(&back).spec, BULLA_SPEC_RSA_4096);
	assert_int_equal(bulla_key_data_kind(&back).use, BULLA_USE_SIGN_VERIFY);
	static const uint8_t wrong[] = { BULLA_SPEC_SYMMETRIC_DEFAULT, BULLA_SPEC_HMAC_256, BULLA_SPEC_COUNT, 255 };
	for (size_t i = 0; i < sizeof wrong; i++) {
		out.data[out.len - 1] = wrong[i];
		assert_false(as_key(bulla_view_buf(&out)));
	}
	out.data[out.len - 1] = BULLA_SPEC_RSA_4096;
	out.data[2] = 0;
	assert_false(as_key(bulla_view_buf(&out)));
	bulla_material_data material = { .usage = 2,
					 .spec = BULLA_SPEC_RSA_4096,
					 .sealed = bulla_view(sealed, sizeof sealed - 1) },
			    again;
	bulla_buf_clear(&out);
	assert_int_equal(bulla_material_encode(&material, &out, NULL), BULLA_OK);
	assert_int_equal(out.data[0], 2);
	assert_true(bulla_material_decode(bulla_view_buf(&out), &again));
	assert_int_equal(again.sealed.len, sizeof sealed - 1);
	for (size_t n = 0; n < out.len; n++)
		assert_false(as_material(bulla_view(out.data, n)));
	bulla_buf_clear(&out);
	material.sealed.len++;
	assert_int_equal(bulla_material_encode(&material, &out, NULL), BULLA_OK);
	assert_false(as_material(bulla_view_buf(&out)));
	bulla_buf_clear(&out);
	material = (bulla_material_data){ .usage = 3,
					  .spec = BULLA_SPEC_HMAC_224,
					  .sealed = bulla_view(sealed, 29 + BULLA_TAG_SIZE) };
	assert_int_equal(bulla_material_encode(&material, &out, NULL), BULLA_OK);
	assert_false(as_material(bulla_view_buf(&out)));
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_place_is_bound), WITH(test_newer),    WITH(test_limits),
		WITH(test_error_text),     WITH(test_payloads), WITH(test_kinds),
	};
	return cmocka_run_group_tests_name("kms/row", tests, NULL, NULL);
}
