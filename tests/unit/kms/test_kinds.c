/*
 * test_kinds.c - keys that are not symmetric: made, described, kept, and what is refused of them.
 */
#include "help.h"

#include "kms/order.h"
#include "kms/snapshot.h"

#include <stdlib.h>

/* --- steps ----------------------------------------------------------------------------------------------------- */
static void make(fixture *f, bulla_spec spec, bulla_use use, bulla_key_info *ret)
{
	bulla_order order = { .kind = { .spec = spec, .use = use } };
	char id[BULLA_UUID_TEXT + 1];
	assert_int_equal(bulla_engine_order(f->engine, BULLA_ORDER_CREATE_KEY, &order, NULL), BULLA_OK);
	bulla_uuid_print(order.uuid, id);
	assert_int_equal(bulla_engine_describe(f->engine, bulla_view_str(id), ret, NULL), BULLA_OK);
}

/* What the store holds of the key's only material, in the clear. */
static void material_of(fixture *f, const bulla_key_info *key, bulla_buf *out)
{
	bulla_snapshot *now = NULL;
	assert_int_equal(bulla_engine_acquire(f->engine, &now, NULL), BULLA_OK);
	const bulla_key *found = bulla_snapshot_key(now, key->uuid);
	assert_non_null(found);
	assert_int_equal(bulla_buf_add(out, bulla_material_bytes(found->current), NULL), BULLA_OK);
	bulla_snapshot_unref(now);
}

/* --- tests ----------------------------------------------------------------------------------------------------- */
/* Every kind is kept, through a new root key and another engine too. */
static void test_kept(void **state)
{
	fixture *f = *state;
	static const struct {
		bulla_spec spec;
		bulla_use use;
	} kinds[] = { { BULLA_SPEC_HMAC_224, BULLA_USE_GENERATE_VERIFY_MAC },
		      { BULLA_SPEC_HMAC_512, BULLA_USE_GENERATE_VERIFY_MAC },
		      { BULLA_SPEC_ECC_NIST_P384, BULLA_USE_KEY_AGREEMENT },
		      { BULLA_SPEC_ECC_NIST_EDWARDS25519, BULLA_USE_SIGN_VERIFY },
		      { BULLA_SPEC_RSA_2048, BULLA_USE_ENCRYPT_DECRYPT } };
	bulla_key_info keys[sizeof kinds / sizeof *kinds];
	bulla_buf before[sizeof kinds / sizeof *kinds] = { 0 };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		make(f, kinds[i].spec, kinds[i].use, &keys[i]);
		assert_true(keys[i].kind.spec == kinds[i].spec && keys[i].kind.use == kinds[i].use);
		material_of(f, &keys[i], &before[i]);
	}
	memset(f->root_key.bytes, 0x77, sizeof f->root_key.bytes);
	assert_int_equal(bulla_engine_rekey(f->engine, f->root_key.bytes, bulla_view_str("file"), NULL), BULLA_OK);
	fixture_reopen_engine(f);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		BULLA_BUF_AUTO bulla_buf after = { 0 };
		material_of(f, &keys[i], &after);
		assert_true(bulla_bytes_equal(bulla_view_buf(&before[i]), bulla_view_buf(&after)));
		bulla_buf_done(&before[i]);
	}
}

/* A key pair and an HMAC key have one material for good. */
static void test_rotation_is_refused(void **state)
{
	fixture *f = *state;
	bulla_key_info key;
	bulla_error err = { 0 };
	make(f, BULLA_SPEC_ECC_NIST_P256, BULLA_USE_SIGN_VERIFY, &key);
	const bulla_bytes id = bulla_view_str(key.id);
	assert_int_equal(bulla_engine_rotate(f->engine, id, NULL, &err), BULLA_ERR_REFUSED);
	assert_non_null(strstr(err.text, "key spec is ECC_NIST_P256"));
	assert_int_equal(bulla_engine_set_rotation(f->engine, id, 365, &err), BULLA_ERR_REFUSED);
	assert_int_equal(bulla_engine_set_rotation(f->engine, id, 0, &err), BULLA_ERR_REFUSED);
	assert_int_equal(bulla_engine_disable(f->engine, id, &err), BULLA_OK);
	assert_int_equal(bulla_engine_rotate(f->engine, id, NULL, &err), BULLA_ERR_KEY_DISABLED); /* the state first */
}

static void test_alias_keeps_type(void **state)
{
	fixture *f = *state;
	bulla_key_info signer, mac, encrypter;
	bulla_error err = { 0 };
	make(f, BULLA_SPEC_ECC_NIST_P256, BULLA_USE_SIGN_VERIFY, &signer);
	make(f, BULLA_SPEC_HMAC_256, BULLA_USE_GENERATE_VERIFY_MAC, &mac);
	make(f, BULLA_SPEC_RSA_2048, BULLA_USE_ENCRYPT_DECRYPT, &encrypter);
	assert_int_equal(bulla_engine_set_alias(f->engine, "alias/test", bulla_view_str(signer.id), &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_engine_set_alias(f->engine, "alias/test", bulla_view_str(mac.id), &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_engine_set_alias(f->engine, "alias/test", bulla_view_str(encrypter.id), &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_engine_set_alias(f->engine, "alias/new", bulla_view_str(signer.id), &err), BULLA_OK);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_kept),
		WITH(test_rotation_is_refused),
		WITH(test_alias_keeps_type),
	};
	return cmocka_run_group_tests_name("kms/kinds", tests, NULL, NULL);
}
