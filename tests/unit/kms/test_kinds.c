/*
 * test_kinds.c - keys that are not symmetric: made, kept, put to each use, and what is refused of them.
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

static bulla_engine_request request_of(bulla_engine_operation operation, const bulla_key_info *key, bulla_algorithm algorithm,
				       const char *input)
{
	return (bulla_engine_request){ .operation = operation,
				       .key_id = bulla_view_str(key->id),
				       .context = empty_context(),
				       .algorithm = algorithm,
				       .input = bulla_view_str(input) };
}

static void freeze(fixture *f)
{
	bulla_order order = { .document = bulla_view_str("a test") };
	assert_int_equal(bulla_engine_order(f->engine, BULLA_ORDER_FREEZE, &order, NULL), BULLA_OK);
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

static void test_sign(void **state)
{
	fixture *f = *state;
	bulla_key_info key;
	bulla_engine_reply made = { 0 }, reply = { 0 };
	make(f, BULLA_SPEC_ECC_NIST_P256, BULLA_USE_SIGN_VERIFY, &key);
	bulla_engine_request request = request_of(BULLA_ENGINE_SIGN, &key, BULLA_ALGORITHM_ECDSA_SHA_256, "a message");
	assert_int_equal(call_with(f->engine, &request, &made), BULLA_OK);
	assert_true(made.blob.len > 60 && fake_log_last_has(&f->log, "\"Sign\"") && fake_log_last_has(&f->log, "ECDSA_SHA_256"));
	assert_false(fake_log_last_has(&f->log, "a message"));
	request.operation = BULLA_ENGINE_VERIFY;
	request.proof = bulla_view_buf(&made.blob);
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_OK);
	request.input = bulla_view_str("another");
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_AUTH);
	assert_true(fake_log_last_has(&f->log, "\"outcome\":\"auth\""));
	request.algorithm = BULLA_ALGORITHM_ECDSA_SHA_384;
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_KEY_USAGE);
	assert_non_null(strstr(reply.text, "The algorithm ECDSA_SHA_384 is incompatible with the key spec ECC_NIST_P256."));
	request = request_of(BULLA_ENGINE_ENCRYPT, &key, BULLA_ALGORITHM_SYMMETRIC_DEFAULT, "x");
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_KEY_USAGE);
	assert_non_null(strstr(reply.text, "key usage is SIGN_VERIFY which is not valid for Encrypt."));
	request = request_of(BULLA_ENGINE_SIGN, &f->key, BULLA_ALGORITHM_ECDSA_SHA_256, "x");
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_KEY_USAGE);
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&reply);
}

/* A principal that may sign digests by one algorithm, and make keys of one kind. */
static void add_signer(fixture *f)
{
	static const char document[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":["
		"{\"Effect\":\"Allow\",\"Action\":\"kms:Sign\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{"
		"\"kms:SigningAlgorithm\":\"ECDSA_SHA_256\",\"kms:MessageType\":\"DIGEST\",\"kms:KeySpec\":\"ECC_NIST_P256\","
		"\"kms:KeyUsage\":\"SIGN_VERIFY\",\"kms:KeyOrigin\":\"AWS_KMS\"}}},"
		"{\"Effect\":\"Allow\",\"Action\":\"kms:CreateKey\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{"
		"\"kms:KeySpec\":\"ECC_NIST_P256\",\"kms:KeyUsage\":\"SIGN_VERIFY\"}}}]}";
	bulla_order add = { .text = bulla_view_str("signer") };
	bulla_order put = { .text = add.text, .name = bulla_view_str("p"), .document = bulla_view_str(document) };
	assert_int_equal(bulla_engine_order(f->engine, BULLA_ORDER_ADD_PRINCIPAL, &add, NULL), BULLA_OK);
	assert_int_equal(bulla_engine_order(f->engine, BULLA_ORDER_PUT_POLICY, &put, NULL), BULLA_OK);
}

static void test_conditions(void **state)
{
	fixture *f = *state;
	bulla_key_info key;
	bulla_engine_reply reply = { 0 };
	bulla_caller caller = { .principal = bulla_view_str("signer") };
	char digest[33];
	memset(digest, 'd', 32);
	digest[32] = 0;
	add_signer(f);
	make(f, BULLA_SPEC_ECC_NIST_P256, BULLA_USE_SIGN_VERIFY, &key);
	bulla_engine_request request = request_of(BULLA_ENGINE_SIGN, &key, BULLA_ALGORITHM_ECDSA_SHA_256, digest);
	request.caller = &caller;
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_DENIED); /* RAW */
	request.digest = true;
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_OK);
	caller.dry_run = true;
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_OK);
	assert_int_equal(reply.blob.len, 0);
	assert_true(fake_log_last_has(&f->log, "dry_run"));
	request.operation = BULLA_ENGINE_VERIFY;
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_DENIED);
	caller.dry_run = false;
	bulla_order mine = { .caller = &caller, .kind = { BULLA_SPEC_ECC_NIST_P256, .use = BULLA_USE_SIGN_VERIFY } };
	assert_int_equal(bulla_engine_order(f->engine, BULLA_ORDER_CREATE_KEY, &mine, NULL), BULLA_OK);
	mine.kind = (bulla_key_kind){ BULLA_SPEC_RSA_4096, .use = BULLA_USE_SIGN_VERIFY };
	assert_int_equal(bulla_engine_order(f->engine, BULLA_ORDER_CREATE_KEY, &mine, NULL), BULLA_ERR_DENIED);
	assert_true(fake_log_last_has(&f->log, "\"CreateKey\"") && fake_log_last_has(&f->log, "denied"));
	bulla_engine_reply_done(&reply);
}

static void test_mac(void **state)
{
	fixture *f = *state;
	bulla_key_info key;
	bulla_engine_reply made = { 0 }, reply = { 0 };
	make(f, BULLA_SPEC_HMAC_512, BULLA_USE_GENERATE_VERIFY_MAC, &key);
	bulla_engine_request request = request_of(BULLA_ENGINE_GENERATE_MAC, &key, BULLA_ALGORITHM_HMAC_SHA_512, "a message");
	assert_int_equal(call_with(f->engine, &request, &made), BULLA_OK);
	assert_int_equal(made.blob.len, 64);
	request.operation = BULLA_ENGINE_VERIFY_MAC;
	request.proof = bulla_view_buf(&made.blob);
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_OK);
	request.proof.len--;
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_AUTH);
	request = request_of(BULLA_ENGINE_GET_PUBLIC_KEY, &key, BULLA_ALGORITHM_SYMMETRIC_DEFAULT, "");
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_REFUSED);
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&reply);
}

static void test_agree(void **state)
{
	fixture *f = *state;
	bulla_key_info keys[2];
	bulla_engine_reply public_keys[2] = { 0 }, secrets[2] = { 0 };
	for (size_t i = 0; i < 2; i++) {
		make(f, BULLA_SPEC_ECC_NIST_P384, BULLA_USE_KEY_AGREEMENT, &keys[i]);
		bulla_engine_request request = request_of(BULLA_ENGINE_GET_PUBLIC_KEY, &keys[i], 0, "");
		assert_int_equal(call_with(f->engine, &request, &public_keys[i]), BULLA_OK);
	}
	for (size_t i = 0; i < 2; i++) {
		bulla_engine_request request = request_of(BULLA_ENGINE_DERIVE_SHARED_SECRET, &keys[i], BULLA_ALGORITHM_ECDH, "");
		request.input = bulla_view_buf(&public_keys[1 - i].public_key);
		assert_int_equal(call_with(f->engine, &request, &secrets[i]), BULLA_OK);
		assert_int_equal(secrets[i].plaintext.len, 48);
	}
	assert_memory_equal(secrets[0].plaintext.data, secrets[1].plaintext.data, 48);
	freeze(f);
	bulla_engine_request request = request_of(BULLA_ENGINE_DERIVE_SHARED_SECRET, &keys[0], BULLA_ALGORITHM_ECDH, "");
	request.input = bulla_view_buf(&public_keys[1].public_key);
	assert_int_equal(call_with(f->engine, &request, &secrets[0]), BULLA_ERR_DENIED);
	assert_int_equal(secrets[0].plaintext.len, 0);
	for (size_t i = 0; i < 2; i++) {
		bulla_engine_reply_done(&public_keys[i]);
		bulla_engine_reply_done(&secrets[i]);
	}
}

static void test_oaep(void **state)
{
	fixture *f = *state;
	bulla_key_info key;
	bulla_engine_reply made = { 0 }, reply = { 0 };
	make(f, BULLA_SPEC_RSA_2048, BULLA_USE_ENCRYPT_DECRYPT, &key);
	bulla_engine_request request = request_of(BULLA_ENGINE_ENCRYPT, &key, BULLA_ALGORITHM_RSAES_OAEP_SHA_256, "secret");
	assert_int_equal(call_with(f->engine, &request, &made), BULLA_OK);
	assert_int_equal(made.blob.len, 256);
	request.context = context();
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_USAGE);
	request.context = empty_context();
	request.operation = BULLA_ENGINE_DECRYPT;
	request.input = bulla_view_buf(&made.blob);
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&reply.plaintext), "secret"));
	request.algorithm = BULLA_ALGORITHM_RSAES_OAEP_SHA_1;
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_AUTH);
	request.key_id = (bulla_bytes){ 0 };
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_USAGE);
	/* to a symmetric key */
	request = request_of(BULLA_ENGINE_RE_ENCRYPT, &f->key, BULLA_ALGORITHM_SYMMETRIC_DEFAULT, "");
	request.source_id = bulla_view_str(key.id);
	request.source_algorithm = BULLA_ALGORITHM_RSAES_OAEP_SHA_256;
	request.input = bulla_view_buf(&made.blob);
	request.new_context = context();
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_OK);
	BULLA_BUF_AUTO bulla_buf blob = { 0 };
	assert_int_equal(bulla_buf_add(&blob, bulla_view_buf(&reply.blob), NULL), BULLA_OK);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_DECRYPT, NULL, bulla_view_buf(&blob), &reply), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&reply.plaintext), "secret"));
	freeze(f);
	request = request_of(BULLA_ENGINE_DECRYPT, &key, BULLA_ALGORITHM_RSAES_OAEP_SHA_256, "");
	request.input = bulla_view_buf(&made.blob);
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_DENIED);
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&reply);
}

static void test_data_key_pair(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made = { 0 }, reply = { 0 };
	bulla_engine_request request = { .operation = BULLA_ENGINE_GENERATE_DATA_KEY_PAIR,
					 .key_id = bulla_view_str(f->key.id),
					 .context = context(),
					 .pair = BULLA_SPEC_ECC_NIST_P256 };
	assert_int_equal(call_with(f->engine, &request, &made), BULLA_OK);
	assert_true(made.public_key.len > 80 && made.plaintext.len > 100);
	assert_int_equal(call_one(f->engine, BULLA_ENGINE_DECRYPT, NULL, bulla_view_buf(&made.blob), &reply), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&made.plaintext), bulla_view_buf(&reply.plaintext)));
	request.operation = BULLA_ENGINE_GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT;
	assert_int_equal(call_with(f->engine, &request, &made), BULLA_OK);
	assert_true(made.public_key.len > 80 && made.plaintext.len == 0 && made.blob.len > 100);
	request.pair = BULLA_SPEC_HMAC_256;
	assert_int_equal(call_with(f->engine, &request, &reply), BULLA_ERR_USAGE);
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&reply);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_kept),
		WITH(test_rotation_is_refused),
		WITH(test_alias_keeps_type),
		WITH(test_sign),
		WITH(test_conditions),
		WITH(test_mac),
		WITH(test_agree),
		WITH(test_oaep),
		WITH(test_data_key_pair),
	};
	return cmocka_run_group_tests_name("kms/kinds", tests, NULL, NULL);
}
