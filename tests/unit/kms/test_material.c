/*
 * test_material.c - key material is bound to its key, its name and its account; every damage of its row shows.
 */
#include "help.h"

#include "kms/material.h"

#include <stdlib.h>

typedef struct bench {
	bulla_pool *pool;
	bulla_lane *lane;
	bulla_root root;
	bulla_material_name name;
	bulla_material_data data;
	bulla_buf sealed;
	bulla_secret secret;
} bench;

static int setup(void **state)
{
	bench *b = calloc(1, sizeof *b);
	static const uint8_t root_key[32] = { 1, 2, 3 };
	assert_non_null(b);
	assert_int_equal(bulla_pool_new(&b->pool, NULL), BULLA_OK);
	assert_int_equal(bulla_lane_new(&b->lane, NULL), BULLA_OK);
	assert_int_equal(bulla_root_derive(b->pool, root_key, &b->root, NULL), BULLA_OK);
	memset(b->name.uuid, 9, sizeof b->name.uuid);
	b->name.account = bulla_view_str("000000000000");
	b->data = (bulla_material_data){ .usage = 1, .origin = 1 };
	assert_int_equal(bulla_random(b->lane, b->secret.bytes, 32, NULL), BULLA_OK);
	assert_int_equal(
		bulla_material_make(b->lane, &b->root, &b->name, bulla_view(b->secret.bytes, 32), &b->data, &b->sealed, NULL),
		BULLA_OK);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bench *b = *state;
	bulla_root_done(&b->root);
	bulla_lane_free(b->lane);
	bulla_pool_free(b->pool);
	bulla_buf_done(&b->sealed);
	free(b);
	return 0;
}

static bulla_code unwrap(bench *b)
{
	bulla_error err = { 0 };
	bulla_secret out;
	memset(&out, 0xee, sizeof out);
	bulla_code code = bulla_material_unwrap(b->lane, &b->root, &b->name, &b->data, out.bytes, &err);
	for (size_t i = 0; code && i < sizeof out.bytes; i++)
		assert_int_equal(out.bytes[i], 0xee); /* nothing leaves on failure */
	return code;
}

static void test_name_is_of_commitment(void **state)
{
	bench *b = *state;
	uint8_t hash[32];
	bulla_bytes commit[] = { bulla_view("bulla material v1", 18), bulla_view(b->name.uuid, 16),
				 bulla_view(b->secret.bytes, 32) };
	assert_int_equal(bulla_sha256(b->lane, commit, 3, hash, NULL), BULLA_OK);
	assert_memory_equal(hash, b->data.commitment, 32);
	bulla_bytes id[] = { bulla_view("bulla material id v1", 21), bulla_view(hash, 32) };
	assert_int_equal(bulla_sha256(b->lane, id, 2, hash, NULL), BULLA_OK);
	assert_memory_equal(hash, b->name.id, 8);
}

static void test_every_field_is_bound(void **state)
{
	bench *b = *state;
	b->name.uuid[0] ^= 1;
	assert_int_equal(unwrap(b), BULLA_ERR_AUTH);
	b->name.uuid[0] ^= 1;
	b->name.id[7] ^= 1;
	assert_int_equal(unwrap(b), BULLA_ERR_AUTH);
	b->name.id[7] ^= 1;
	b->name.account = bulla_view_str("000000000001");
	assert_int_equal(unwrap(b), BULLA_ERR_AUTH);
	b->name.account = bulla_view_str("000000000000");
	b->data.usage++;
	assert_int_equal(unwrap(b), BULLA_ERR_AUTH);
	b->data.usage--;
	b->data.origin++;
	assert_int_equal(unwrap(b), BULLA_ERR_AUTH);
	b->data.origin--;
	b->data.commitment[31] ^= 0x80;
	assert_int_equal(unwrap(b), BULLA_ERR_AUTH);
	b->data.commitment[31] ^= 0x80;
	assert_int_equal(unwrap(b), BULLA_OK);
}

static void test_every_bit(void **state)
{
	bench *b = *state;
	struct {
		uint8_t *bytes;
		size_t n;
	} parts[] = { { b->data.nonce, sizeof b->data.nonce }, { b->sealed.data, b->sealed.len } };
	for (size_t p = 0; p < 2; p++)
		for (size_t bit = 0; bit < 8 * parts[p].n; bit++) {
			parts[p].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(unwrap(b), BULLA_ERR_AUTH);
			parts[p].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	assert_int_equal(unwrap(b), BULLA_OK);
}

static void test_other_root(void **state)
{
	bench *b = *state;
	static const uint8_t other_key[32] = { 1, 2, 4 };
	bulla_root other, kept = b->root;
	assert_int_equal(bulla_root_derive(b->pool, other_key, &other, NULL), BULLA_OK);
	b->root = other;
	assert_int_equal(unwrap(b), BULLA_ERR_AUTH);
	assert_int_equal(
		bulla_material_wrap(b->lane, &other, &b->name, bulla_view(b->secret.bytes, 32), &b->data, &b->sealed, NULL),
		BULLA_OK);
	assert_int_equal(unwrap(b), BULLA_OK);
	b->root = kept;
	assert_int_equal(unwrap(b), BULLA_ERR_AUTH);
	bulla_root_done(&other);
}

/* Each kind's material comes back as it was drawn, and as no other kind's. */
static void test_kinds(void **state)
{
	bench *b = *state;
	static const bulla_spec specs[] = { BULLA_SPEC_HMAC_224, BULLA_SPEC_HMAC_512, BULLA_SPEC_ECC_NIST_P521,
					    BULLA_SPEC_RSA_2048 };
	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
		BULLA_BUF_AUTO bulla_buf drawn = { 0 }, sealed = { 0 };
		uint8_t out[BULLA_MATERIAL_MAX];
		bulla_error err = { 0 };
		bulla_material_data data = { .usage = 2, .origin = 1, .spec = specs[i] };
		assert_int_equal(bulla_material_draw(b->lane, specs[i], &drawn, NULL), BULLA_OK);
		assert_int_equal(bulla_material_make(b->lane, &b->root, &b->name, bulla_view_buf(&drawn), &data, &sealed, NULL),
				 BULLA_OK);
		assert_int_equal(bulla_material_size(&data), drawn.len);
		assert_int_equal(bulla_material_unwrap(b->lane, &b->root, &b->name, &data, out, NULL), BULLA_OK);
		assert_memory_equal(out, drawn.data, drawn.len);
		data.spec = BULLA_SPEC_RSA_3072;
		assert_int_equal(bulla_material_unwrap(b->lane, &b->root, &b->name, &data, out, &err), BULLA_ERR_AUTH);
		data.spec = BULLA_SPEC_HMAC_256;
		assert_int_equal(bulla_material_wrap(b->lane, &b->root, &b->name, bulla_view_buf(&drawn), &data, &sealed, &err),
				 BULLA_ERR_LIMIT);
	}
}

/* No two uses of the root key share a subkey. */
static void test_subkeys_differ(void **state)
{
	bench *b = *state;
	for (size_t i = 0; i < BULLA_ROOT_USES; i++)
		for (size_t j = i + 1; j < BULLA_ROOT_USES; j++)
			assert_memory_not_equal(b->root.keys[i]->bytes, b->root.keys[j]->bytes, 32);
}

static void test_seed(void **state)
{
	bench *b = *state;
	bulla_secret seed = { { 5 } }, out = { { 0 } };
	bulla_sealed_key sealed;
	assert_int_equal(bulla_seed_wrap(b->lane, &b->root, &seed, &sealed, NULL), BULLA_OK);
	assert_int_equal(bulla_seed_unwrap(b->lane, &b->root, &sealed, &out, NULL), BULLA_OK);
	assert_memory_equal(seed.bytes, out.bytes, 32);
	sealed.sealed[0] ^= 1;
	bulla_error err = { 0 };
	assert_int_equal(bulla_seed_unwrap(b->lane, &b->root, &sealed, &out, &err), BULLA_ERR_AUTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_name_is_of_commitment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_field_is_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_bit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_root, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_subkeys_differ, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seed, setup, teardown),
	};
	return cmocka_run_group_tests_name("kms/material", tests, NULL, NULL);
}
