/*
 * test_engine_vectors.c - the engine's blobs, material and subkeys against vectors of another implementation.
 */
#include "../vectors.h"

#include "crypto/kdf.h"
#include "crypto/xaes.h"
#include "kms/blob.h"
#include "kms/codec.h"
#include "kms/material.h"
#include "kms/row.h"

static bulla_lane *lane;
static bulla_pool *pool;
static bulla_json *v;
static bulla_root root;

static int set_up(void **state)
{
	bulla_secret key;
	(void)state;
	v = vectors_open("engine.json");
	vector_fixed(v, "root_key", key.bytes, sizeof key.bytes);
	return bulla_lane_new(&lane, NULL) || bulla_pool_new(&pool, NULL) || bulla_root_derive(pool, key.bytes, &root, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	bulla_root_done(&root);
	bulla_pool_free(pool);
	bulla_lane_free(lane);
	bulla_json_free(v);
	return 0;
}

static void subkeys(void **state)
{
	static const char *const uses[] = { "material wrap", "row mac", "canary", "log seed" };
	const bulla_json *expected = bulla_json_member(v, "subkeys");
	uint8_t salt[BULLA_CANARY_SALT_SIZE], canary[32];
	(void)state;
	for (size_t i = 0; i < BULLA_ROOT_USES; i++)
		vector_same(expected, uses[i], bulla_view(root.keys[i]->bytes, BULLA_KEY_SIZE));
	vector_fixed(v, "canary_salt", salt, sizeof salt);
	assert_int_equal(bulla_root_canary(&root, lane, salt, canary, NULL), BULLA_OK);
	vector_same(v, "canary", bulla_view(canary, sizeof canary));
}

static bulla_material_name name_of(void)
{
	bulla_material_name name = { .account = vector_text(v, "account") };
	vector_fixed(v, "uuid", name.uuid, sizeof name.uuid);
	vector_fixed(v, "material_id", name.id, sizeof name.id);
	return name;
}

static void material(void **state)
{
	const bulla_json *wrapped = bulla_json_member(v, "wrapped");
	BULLA_BUF_AUTO bulla_buf row_bytes = vector_hex(wrapped, "row"), id = vector_hex(wrapped, "row_id"), payload = { 0 };
	bulla_kms_row stored = { BULLA_KMS_MATERIAL, bulla_view_buf(&id), bulla_view_buf(&row_bytes) };
	bulla_stored_row row;
	bulla_material_data data;
	bulla_material_name name = name_of();
	bulla_secret opened;
	(void)state;
	assert_int_equal(bulla_stored_row_split(&stored, &row, NULL), BULLA_OK);
	assert_int_equal(bulla_stored_row_check(lane, &root, &row, NULL), BULLA_OK);
	assert_true(bulla_material_decode(row.payload, &data));
	assert_int_equal(bulla_material_encode(&data, &payload, NULL), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&payload), row.payload));
	vector_same(v, "commitment", bulla_view(data.commitment, sizeof data.commitment));
	vector_same(wrapped, "nonce", bulla_view(data.nonce, sizeof data.nonce));
	vector_same(wrapped, "sealed", data.sealed);
	assert_int_equal(bulla_material_unwrap(lane, &root, &name, &data, opened.bytes, NULL), BULLA_OK);
	vector_same(v, "material", bulla_view(opened.bytes, sizeof opened.bytes));
	/* the row, sealed by us, is the same */
	BULLA_BUF_AUTO bulla_buf again = { 0 };
	assert_int_equal(bulla_stored_row_seal(lane, &root, BULLA_KMS_MATERIAL, bulla_view_buf(&id), row.generation, row.payload,
					       &again, NULL),
			 BULLA_OK);
	vector_same(wrapped, "row", bulla_view_buf(&again));
}

static void check_blob(const bulla_json *b, const bulla_secret *key)
{
	BULLA_BUF_AUTO bulla_buf blob = vector_hex(b, "blob"), context = vector_hex(b, "context"), nonce = vector_hex(b, "nonce"),
				 plain = { 0 }, scratch = { 0 }, aad = vector_hex(b, "associated"),
				 content = vector_hex(b, "plaintext");
	uint8_t derived[44], uuid[BULLA_UUID_SIZE], id[BULLA_MATERIAL_ID_SIZE], made[8192];
	assert_int_equal(bulla_kbkdf(lane, key->bytes, "bulla kms v1", bulla_view_buf(&nonce), derived, sizeof derived, NULL),
			 BULLA_OK);
	vector_same(b, "derived", bulla_view(derived, sizeof derived));
	assert_int_equal(bulla_engine_blob_parse(bulla_view_buf(&blob), uuid, id, NULL), BULLA_OK);
	vector_same(v, "uuid", bulla_view(uuid, sizeof uuid));
	vector_same(v, "material_id", bulla_view(id, sizeof id));
	assert_int_equal(bulla_blob_open(lane, key, bulla_view_buf(&blob), bulla_view_buf(&context), &scratch, &plain, NULL),
			 BULLA_OK);
	vector_same(b, "plaintext", bulla_view_buf(&plain));
	assert_int_equal(bulla_aead_seal(lane, BULLA_AEAD_AES_256_GCM, bulla_view(derived, 32), bulla_view(derived + 32, 12),
					 bulla_view_buf(&aad), bulla_view_buf(&content), made, NULL),
			 BULLA_OK);
	assert_int_equal(blob.len, BULLA_BLOB_HEAD + content.len + BULLA_TAG_SIZE);
	assert_memory_equal(blob.data + BULLA_BLOB_HEAD, made, content.len + BULLA_TAG_SIZE);
	assert_memory_equal(blob.data, aad.data, BULLA_BLOB_HEAD);
}

static void blobs(void **state)
{
	const bulla_json *good = bulla_json_member(v, "good");
	bulla_secret key;
	(void)state;
	vector_fixed(v, "material", key.bytes, sizeof key.bytes);
	assert_int_equal(bulla_json_count(good), 3);
	for (size_t i = 0; i < bulla_json_count(good); i++)
		check_blob(bulla_json_at(good, i), &key);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(subkeys), cmocka_unit_test(material), cmocka_unit_test(blobs) };
	return cmocka_run_group_tests_name("provider/engine_vectors", tests, set_up, tear_down);
}
