/*
 * test_blob.c - the engine's ciphertext: its layout, computed a second way, and every way of damaging it.
 */
#include "help.h"

#include "crypto/kdf.h"
#include "crypto/mac.h"
#include "kms/blob.h"

#include <stdlib.h>

typedef struct desk {
	bulla_lane *lane;
	bulla_secret material;
	bulla_blob_head head;
	bulla_buf scratch, blob, plain;
} desk;

static int setup(void **state)
{
	desk *d = calloc(1, sizeof *d);
	assert_non_null(d);
	assert_int_equal(bulla_lane_new(&d->lane, NULL), BULLA_OK);
	memset(d->material.bytes, 7, sizeof d->material.bytes);
	memset(d->head.uuid, 1, sizeof d->head.uuid);
	memset(d->head.material, 2, sizeof d->head.material);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	desk *d = *state;
	bulla_buf_done(&d->scratch);
	bulla_buf_done(&d->blob);
	bulla_buf_done(&d->plain);
	bulla_lane_free(d->lane);
	free(d);
	return 0;
}

static void seal(desk *d, bulla_bytes plain)
{
	bulla_buf_clear(&d->blob);
	assert_int_equal(bulla_blob_seal(d->lane, &d->material, &d->head, context(), plain, &d->scratch, &d->blob, NULL),
			 BULLA_OK);
}

static bulla_code open_blob(desk *d, bulla_bytes blob, bulla_bytes with)
{
	bulla_error err = { 0 };
	bulla_buf_clear(&d->plain);
	return bulla_blob_open(d->lane, &d->material, blob, with, &d->scratch, &d->plain, &err);
}

/* SP 800-108 and GCM once more, from their parts. */
static void test_layout(void **state)
{
	desk *d = *state;
	seal(d, bulla_view_str("attack at dawn"));
	const uint8_t *b = d->blob.data;
	assert_int_equal(d->blob.len, 42 + 14 + 16);
	assert_true(b[0] == 0xb5 && b[1] == 0x01);
	assert_memory_equal(b + 2, d->head.uuid, 16);
	assert_memory_equal(b + 18, d->head.material, 8);

	uint8_t input[4 + 12 + 1 + 16 + 4] = { 0 }, stream[64], mac[64];
	memcpy(input + 4, "bulla kms v1", 12);
	memcpy(input + 17, b + 26, 16);
	bulla_put_u32(input + 33, 44 * 8);
	for (uint32_t i = 1; i <= 2; i++) {
		bulla_put_u32(input, i);
		assert_int_equal(bulla_mac_compute(BULLA_HMAC_SHA256, bulla_view(d->material.bytes, 32),
						   bulla_view(input, sizeof input), mac, NULL),
				 BULLA_OK);
		memcpy(stream + 32 * (i - 1), mac, 32);
	}
	uint8_t associated[256], plain[14];
	memcpy(associated, b, 42);
	memcpy(associated + 42, context().data, context().len);
	assert_int_equal(bulla_aead_open(d->lane, BULLA_AEAD_AES_256_GCM, bulla_view(stream, 32), bulla_view(stream + 32, 12),
					 bulla_view(associated, 42 + context().len), bulla_view(b + 42, 30), plain, NULL),
			 BULLA_OK);
	assert_memory_equal(plain, "attack at dawn", 14);
}

static void test_round_trip(void **state)
{
	desk *d = *state;
	static uint8_t large[BULLA_KMS_PLAINTEXT_MAX];
	memset(large, 0xaa, sizeof large);
	const size_t sizes[] = { 0, 1, 15, 16, 17, 32, sizeof large };
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		seal(d, bulla_view(large, sizes[i]));
		assert_int_equal(open_blob(d, bulla_view_buf(&d->blob), context()), BULLA_OK);
		assert_true(bulla_bytes_equal(bulla_view_buf(&d->plain), bulla_view(large, sizes[i])));
	}
}

static void test_fresh_each_time(void **state)
{
	desk *d = *state;
	uint8_t first[58 + 4];
	seal(d, bulla_view_str("same"));
	memcpy(first, d->blob.data, sizeof first);
	seal(d, bulla_view_str("same"));
	assert_memory_not_equal(first + 26, d->blob.data + 26, 16);
	assert_memory_not_equal(first + 42, d->blob.data + 42, 20);
}

static void test_every_bit(void **state)
{
	desk *d = *state;
	seal(d, bulla_view_str("0123456789abcdef0123456789abcdef"));
	for (size_t bit = 0; bit < 8 * d->blob.len; bit++) {
		d->blob.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		bulla_code code = open_blob(d, bulla_view_buf(&d->blob), context());
		assert_int_equal(code, bit < 8 ? BULLA_ERR_FORMAT : bit < 16 ? BULLA_ERR_VERSION : BULLA_ERR_AUTH);
		assert_int_equal(d->plain.len, 0);
		d->blob.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(open_blob(d, bulla_view_buf(&d->blob), context()), BULLA_OK);
}

static void test_every_length(void **state)
{
	desk *d = *state;
	seal(d, bulla_view_str("0123456789abcdef0123456789abcdef"));
	for (size_t n = 0; n < d->blob.len; n++) {
		bulla_code code = open_blob(d, bulla_view(d->blob.data, n), context());
		assert_true(code == BULLA_ERR_FORMAT || code == BULLA_ERR_AUTH || (n == 1 && code == BULLA_ERR_FORMAT));
		assert_int_equal(d->plain.len, 0);
	}
	assert_int_equal(bulla_buf_add_u8(&d->blob, 0, NULL), BULLA_OK);
	assert_int_equal(open_blob(d, bulla_view_buf(&d->blob), context()), BULLA_ERR_AUTH);
}

static void test_wrong_context(void **state)
{
	desk *d = *state;
	uint8_t other[64];
	seal(d, bulla_view_str("secret"));
	assert_int_equal(open_blob(d, bulla_view_buf(&d->blob), empty_context()), BULLA_ERR_AUTH);
	for (size_t bit = 0; bit < 8 * context().len; bit++) {
		memcpy(other, context().data, context().len);
		other[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(open_blob(d, bulla_view_buf(&d->blob), bulla_view(other, context().len)), BULLA_ERR_AUTH);
	}
	d->material.bytes[31] ^= 1;
	assert_int_equal(open_blob(d, bulla_view_buf(&d->blob), context()), BULLA_ERR_AUTH);
}

static void test_parse(void **state)
{
	desk *d = *state;
	uint8_t uuid[16], material[8];
	bulla_error err = { 0 };
	seal(d, bulla_view_str("secret"));
	assert_int_equal(bulla_engine_blob_parse(bulla_view_buf(&d->blob), uuid, material, &err), BULLA_OK);
	assert_memory_equal(uuid, d->head.uuid, 16);
	assert_memory_equal(material, d->head.material, 8);
	static uint8_t huge[BULLA_BLOB_MAX + 1] = { 0xb5, 0x01 };
	assert_int_equal(bulla_engine_blob_parse(bulla_view(huge, sizeof huge), uuid, material, &err), BULLA_ERR_FORMAT);
	huge[1] = 2;
	assert_int_equal(bulla_engine_blob_parse(bulla_view(huge, 58), uuid, material, &err), BULLA_ERR_VERSION);
	assert_int_equal(bulla_engine_blob_parse(bulla_view_str("plain text"), uuid, material, &err), BULLA_ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_layout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fresh_each_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_bit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_length, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_context, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parse, setup, teardown),
	};
	return cmocka_run_group_tests_name("kms/blob", tests, NULL, NULL);
}
