/*
 * test_pkey.c - key pairs put to each use with an allocation refused: MEMORY, or CRYPTO where OpenSSL gives no reason, and never that something is wrong
 * with a signature or a ciphertext.
 */
#include "../unit/crypto/pairs.h"

#include "crypto/keywrap.h"
#include "faults.h"

#include <openssl/err.h>

#define TRIED 400 /* allocations of a call of which each is tried */

/* What the calls work on, made before the faults. */
static struct desk {
	bulla_pkey *rsa, *curve, *edwards;
	bulla_buf rsa_private, curve_private, curve_public;
	bulla_buf pss, ecdsa, edwards_signature, ciphertext, wrapped;
} desk;

static const bulla_bytes message = { (const uint8_t *)"message", 7 };

typedef struct call {
	const char *name;
	bulla_code (*run)(bulla_buf *out, bulla_error *e);
	bulla_code silent; /* the code when OpenSSL drops what failed */
} call;

static bulla_code read_private(const bulla_buf *der, bulla_spec spec, bulla_error *e)
{
	bulla_pkey *key = NULL;
	TRY(bulla_pkey_read_private(spec, bulla_view_buf(der), &key, e));
	bulla_pkey_free(key);
	return BULLA_OK;
}

static bulla_code read_rsa(bulla_buf *out, bulla_error *e)
{
	(void)out;
	return read_private(&desk.rsa_private, BULLA_SPEC_RSA_2048, e);
}

static bulla_code read_curve(bulla_buf *out, bulla_error *e)
{
	(void)out;
	return read_private(&desk.curve_private, BULLA_SPEC_ECC_NIST_P256, e);
}

static bulla_code read_public(bulla_buf *out, bulla_error *e)
{
	bulla_pkey *key = NULL;
	(void)out;
	TRY(bulla_pkey_read_public(BULLA_SPEC_ECC_NIST_P256, bulla_view_buf(&desk.curve_public), &key, e));
	bulla_pkey_free(key);
	return BULLA_OK;
}

static bulla_code generate_curve(bulla_buf *out, bulla_error *e)
{
	bulla_pkey *key = NULL;
	(void)out;
	TRY(bulla_pkey_generate(BULLA_SPEC_ECC_NIST_P256, &key, e));
	bulla_pkey_free(key);
	return BULLA_OK;
}

static bulla_code write_rsa(bulla_buf *out, bulla_error *e)
{
	return bulla_pkey_write_private(desk.rsa, out, e);
}

static bulla_code write_public(bulla_buf *out, bulla_error *e)
{
	return bulla_pkey_write_public(desk.curve, out, e);
}

static bulla_code check_curve(bulla_buf *out, bulla_error *e)
{
	(void)out;
	return bulla_pkey_check(desk.curve, e);
}

static bulla_code sign_pss(bulla_buf *out, bulla_error *e)
{
	return bulla_pkey_sign(desk.rsa, BULLA_ALGORITHM_RSASSA_PSS_SHA_256, BULLA_MESSAGE_RAW, message, out, e);
}

static bulla_code sign_ecdsa(bulla_buf *out, bulla_error *e)
{
	return bulla_pkey_sign(desk.curve, BULLA_ALGORITHM_ECDSA_SHA_256, BULLA_MESSAGE_RAW, message, out, e);
}

static bulla_code sign_edwards(bulla_buf *out, bulla_error *e)
{
	return bulla_pkey_sign(desk.edwards, BULLA_ALGORITHM_ED25519_SHA_512, BULLA_MESSAGE_RAW, message, out, e);
}

static bulla_code verify_pss(bulla_buf *out, bulla_error *e)
{
	(void)out;
	return bulla_pkey_verify(desk.rsa, BULLA_ALGORITHM_RSASSA_PSS_SHA_256, BULLA_MESSAGE_RAW, message,
				 bulla_view_buf(&desk.pss), e);
}

static bulla_code verify_ecdsa(bulla_buf *out, bulla_error *e)
{
	(void)out;
	return bulla_pkey_verify(desk.curve, BULLA_ALGORITHM_ECDSA_SHA_256, BULLA_MESSAGE_RAW, message,
				 bulla_view_buf(&desk.ecdsa), e);
}

static bulla_code verify_edwards(bulla_buf *out, bulla_error *e)
{
	(void)out;
	return bulla_pkey_verify(desk.edwards, BULLA_ALGORITHM_ED25519_SHA_512, BULLA_MESSAGE_RAW, message,
				 bulla_view_buf(&desk.edwards_signature), e);
}

static bulla_code encrypt(bulla_buf *out, bulla_error *e)
{
	return bulla_pkey_encrypt(desk.rsa, BULLA_ALGORITHM_RSAES_OAEP_SHA_256, message, out, e);
}

static bulla_code decrypt(bulla_buf *out, bulla_error *e)
{
	return bulla_pkey_decrypt(desk.rsa, BULLA_ALGORITHM_RSAES_OAEP_SHA_256, bulla_view_buf(&desk.ciphertext), out, e);
}

static bulla_code unwrap(bulla_buf *out, bulla_error *e)
{
	return bulla_pkey_unwrap(desk.rsa, BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_256, bulla_view_buf(&desk.wrapped), out, e);
}

static bulla_code agree(bulla_buf *out, bulla_error *e)
{
	return bulla_pkey_agree(desk.curve, bulla_view_buf(&desk.curve_public), out, e);
}

static const call calls[] = {
	{ "read_private rsa", read_rsa, BULLA_ERR_CRYPTO },
	{ "read_private curve", read_curve, BULLA_ERR_CRYPTO },
	{ "read_public", read_public, BULLA_ERR_FORMAT },
	{ "generate", generate_curve, BULLA_ERR_CRYPTO },
	{ "write_private", write_rsa, BULLA_ERR_CRYPTO },
	{ "write_public", write_public, BULLA_ERR_CRYPTO },
	{ "check", check_curve, BULLA_ERR_CRYPTO },
	{ "sign pss", sign_pss, BULLA_ERR_CRYPTO },
	{ "sign ecdsa", sign_ecdsa, BULLA_ERR_CRYPTO },
	{ "sign edwards", sign_edwards, BULLA_ERR_CRYPTO },
	{ "verify pss", verify_pss, BULLA_ERR_CRYPTO },
	{ "verify ecdsa", verify_ecdsa, BULLA_ERR_CRYPTO },
	{ "verify edwards", verify_edwards, BULLA_ERR_CRYPTO },
	{ "encrypt", encrypt, BULLA_ERR_CRYPTO },
	{ "decrypt", decrypt, BULLA_ERR_CRYPTO },
	{ "unwrap", unwrap, BULLA_ERR_CRYPTO },
	{ "agree", agree, BULLA_ERR_FORMAT },
};

/* True while an allocation with that number was there to fail. */
static bool try_once(const call *c, long number, bool lasting)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_error e = { 0 };
	faults_arm(number, lasting);
	bulla_code code = c->run(&out, &e);
	bool failed = faults_disarm();
	if (code && code != BULLA_ERR_MEMORY && code != BULLA_ERR_CRYPTO && code != c->silent)
		fail_msg("%s, allocation %ld: %s: %s", c->name, number, bulla_code_name(code), e.text);
	if (!failed) assert_int_equal(code, BULLA_OK);
	if (code) assert_int_equal(out.len, 0);
	if (code && ERR_peek_error()) fail_msg("%s, allocation %ld: %s leaves %lx", c->name, number, e.text, ERR_peek_error());
	ERR_clear_error(); /* of a call that OpenSSL did in another way */
	return failed;
}

static void each_allocation_may_fail(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++) {
		BULLA_BUF_AUTO bulla_buf out = { 0 };
		long n = 0;
		must(calls[i].run(&out, &err), calls[i].name);
		while (n < TRIED && try_once(&calls[i], n, false))
			n++;
		for (long from = 0; from < n; from += 3)
			(void)try_once(&calls[i], from, true);
		assert_true(n > 0);
		bulla_buf_clear(&out);
		must(calls[i].run(&out, &err), calls[i].name);
	}
}

static int prepare(void **state)
{
	(void)state;
	desk.rsa = wycheproof_key();
	must(bulla_pkey_generate(BULLA_SPEC_ECC_NIST_P256, &desk.curve, &err), "a key");
	must(bulla_pkey_generate(BULLA_SPEC_ECC_NIST_EDWARDS25519, &desk.edwards, &err), "a key");
	desk.rsa_private = written(desk.rsa, true);
	desk.curve_private = written(desk.curve, true);
	desk.curve_public = written(desk.curve, false);
	must(sign_pss(&desk.pss, &err), "signing");
	must(sign_ecdsa(&desk.ecdsa, &err), "signing");
	must(sign_edwards(&desk.edwards_signature, &err), "signing");
	must(encrypt(&desk.ciphertext, &err), "encrypting");
	bulla_bytes aes = bulla_view("0123456789abcdef", 16);
	must(bulla_pkey_encrypt(desk.rsa, BULLA_ALGORITHM_RSAES_OAEP_SHA_256, aes, &desk.wrapped, &err), "wrapping");
	must(bulla_keywrap(aes, true, message, &desk.wrapped, &err), "wrapping");
	return 0;
}

static int finish(void **state)
{
	bulla_buf *const all[] = { &desk.rsa_private, &desk.curve_private,     &desk.curve_public, &desk.pss,
				   &desk.ecdsa,       &desk.edwards_signature, &desk.ciphertext,   &desk.wrapped };
	(void)state;
	for (size_t i = 0; i < COUNT(all); i++)
		bulla_buf_done(all[i]);
	bulla_pkey_free(desk.rsa);
	bulla_pkey_free(desk.curve);
	bulla_pkey_free(desk.edwards);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation_may_fail) };
	faults_install();
	return cmocka_run_group_tests_name("faults/pkey", tests, prepare, finish);
}
