/*
 * test_pkey_cli.c - the openssl command as the other side: it reads the keys, verifies and makes the signatures, opens and makes the ciphertexts, agrees.
 *
 * Skipped, saying so, where there is no such command.
 */
#include "pairs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char place[64];
static bool absent;

static const char *path(const char *name, char out[static 128])
{
	snprintf(out, 128, "%s/%s", place, name);
	return out;
}

static void put(const char *name, bulla_bytes content)
{
	char at[128];
	FILE *f = fopen(path(name, at), "wbe");
	assert_non_null(f);
	assert_int_equal(fwrite(content.data, 1, content.len, f), content.len);
	assert_int_equal(fclose(f), 0);
}

static bulla_buf take(const char *name)
{
	char at[128];
	uint8_t part[4096];
	bulla_buf out = { 0 };
	FILE *f = fopen(path(name, at), "rbe");
	assert_non_null(f);
	must(bulla_buf_add(&out, bulla_view(part, fread(part, 1, sizeof part, f)), &err), "reading");
	fclose(f);
	return out;
}

/* True when `openssl` with these arguments succeeds, in the directory of the files. */
__attribute__((format(printf, 1, 2))) static bool openssl(const char *format, ...)
{
	char arguments[512], command[768];
	va_list args;
	va_start(args, format);
	vsnprintf(arguments, sizeof arguments, format, args);
	va_end(args);
	snprintf(command, sizeof command, "cd %s && openssl %s >/dev/null 2>&1", place, arguments);
	return system(command) == 0;
}

static int enter(void **state)
{
	const char *base = getenv("TMPDIR");
	(void)state;
	snprintf(place, sizeof place, "%s/bulla-pkey-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
	assert_non_null(mkdtemp(place));
	absent = !openssl("version");
	if (absent) printf("skipped: there is no openssl command\n");
	return 0;
}

static int leave(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -r %s", place);
	assert_int_equal(system(command), 0);
	return pairs_free(state);
}

static void put_pair(bulla_spec spec)
{
	BULLA_BUF_AUTO bulla_buf private_der = written(pair_of(spec), true), public_der = written(pair_of(spec), false);
	put("private", bulla_view_buf(&private_der));
	put("public", bulla_view_buf(&public_der));
}

/* A new key of its own as files `its`, PKCS #8, and `its-public`. */
static void generate(const char *options)
{
	assert_true(openssl("genpkey -algorithm %s -out its-pem", options));
	assert_true(openssl("pkcs8 -topk8 -nocrypt -in its-pem -outform DER -out its"));
	assert_true(openssl("pkey -in its-pem -pubout -outform DER -out its-public"));
}

#define PRIVATE "-inkey private -keyform DER"
#define PUBLIC  "-pubin -inkey public -keyform DER"

static void it_reads_what_is_written(void **state)
{
	(void)state;
	if (absent) skip();
	for (bulla_spec spec = BULLA_SPEC_RSA_2048; is_pair(spec); spec++) {
		if (spec == BULLA_SPEC_RSA_3072 || spec == BULLA_SPEC_RSA_4096) continue;
		put_pair(spec);
		assert_true(openssl("pkey -in private -inform DER -check -noout"));
		assert_true(openssl("pkey -in private -inform DER -pubout -outform DER -out again"));
		assert_true(openssl("pkey -in public -inform DER -pubin -noout"));
		BULLA_BUF_AUTO bulla_buf public_der = take("public"), again = take("again");
		assert_true(bulla_bytes_equal(bulla_view_buf(&public_der), bulla_view_buf(&again)));
	}
}

/* genpkey's options of each spec. */
static const char *const generated[BULLA_SPEC_COUNT] = {
	[BULLA_SPEC_RSA_2048] = "RSA -pkeyopt rsa_keygen_bits:2048",
	[BULLA_SPEC_ECC_NIST_P256] = "EC -pkeyopt ec_paramgen_curve:P-256",
	[BULLA_SPEC_ECC_NIST_P384] = "EC -pkeyopt ec_paramgen_curve:P-384",
	[BULLA_SPEC_ECC_NIST_P521] = "EC -pkeyopt ec_paramgen_curve:P-521",
	[BULLA_SPEC_ECC_SECG_P256K1] = "EC -pkeyopt ec_paramgen_curve:secp256k1",
	[BULLA_SPEC_ECC_NIST_EDWARDS25519] = "ED25519",
};

static void its_keys_are_read(void **state)
{
	(void)state;
	if (absent) skip();
	for (bulla_spec spec = 0; spec < BULLA_SPEC_COUNT; spec++) {
		bulla_pkey *key;
		if (!generated[spec]) continue;
		generate(generated[spec]);
		BULLA_BUF_AUTO bulla_buf der = take("its"), public_der = take("its-public");
		must(bulla_pkey_read_private(spec, bulla_view_buf(&der), &key, &err), generated[spec]);
		must(bulla_pkey_check(key, &err), generated[spec]);
		BULLA_BUF_AUTO bulla_buf ours = written(key, false);
		assert_true(bulla_bytes_equal(bulla_view_buf(&ours), bulla_view_buf(&public_der)));
		bulla_pkey_free(key);
	}
}

/* Other sizes, other curves, curves spelled out, the older form of RSA's, small exponents. */
static void keys_of_it_that_are_refused(void **state)
{
	static const struct {
		const char *how;
		bulla_spec spec;
	} others[] = {
		{ "RSA -pkeyopt rsa_keygen_bits:1024", BULLA_SPEC_RSA_2048 },
		{ "RSA -pkeyopt rsa_keygen_bits:2056", BULLA_SPEC_RSA_2048 },
		{ "RSA-PSS -pkeyopt rsa_keygen_bits:2048", BULLA_SPEC_RSA_2048 },
		{ "EC -pkeyopt ec_paramgen_curve:P-224", BULLA_SPEC_ECC_NIST_P256 },
		{ "EC -pkeyopt ec_paramgen_curve:brainpoolP256r1", BULLA_SPEC_ECC_NIST_P256 },
		{ "EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit", BULLA_SPEC_ECC_NIST_P256 },
		{ "ED448", BULLA_SPEC_ECC_NIST_EDWARDS25519 },
		{ "X25519", BULLA_SPEC_ECC_NIST_EDWARDS25519 },
	};
	bulla_pkey *key;
	(void)state;

	if (absent) skip();
	for (size_t i = 0; i < COUNT(others); i++) {
		generate(others[i].how);
		BULLA_BUF_AUTO bulla_buf der = take("its"), public_der = take("its-public");
		assert_int_equal(bulla_pkey_read_private(others[i].spec, bulla_view_buf(&der), &key, &err), BULLA_ERR_FORMAT);
		assert_int_equal(bulla_pkey_read_public(others[i].spec, bulla_view_buf(&public_der), &key, &err),
				 BULLA_ERR_FORMAT);
	}
	generate("RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3");
	assert_true(openssl("rsa -in its-pem -traditional -outform DER -out older"));
	BULLA_BUF_AUTO bulla_buf older = take("older");
	assert_int_equal(bulla_pkey_read_private(BULLA_SPEC_RSA_2048, bulla_view_buf(&older), &key, &err), BULLA_ERR_FORMAT);
	assert_true(openssl("pkcs8 -topk8 -in its-pem -outform DER -out sealed -passout pass:secret"));
	BULLA_BUF_AUTO bulla_buf small = take("its"), sealed = take("sealed");
	assert_int_equal(bulla_pkey_read_private(BULLA_SPEC_RSA_2048, bulla_view_buf(&sealed), &key, &err), BULLA_ERR_FORMAT);
	must(bulla_pkey_read_private(BULLA_SPEC_RSA_2048, bulla_view_buf(&small), &key, &err), "a small exponent");
	assert_int_equal(bulla_pkey_check(key, &err), BULLA_ERR_FORMAT);
	bulla_pkey_free(key);
}

/* --- signatures -------------------------------------------------------------------------------------------------- */

#define PKCS1(hash) "-digest " hash " -pkeyopt rsa_padding_mode:pkcs1"
#define PSS(hash)   "-digest " hash " -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:digest -pkeyopt rsa_mgf1_md:" hash

static const struct {
	bulla_spec spec;
	bulla_algorithm algorithm;
	const char *options;
} signs[] = {
	{ BULLA_SPEC_RSA_2048, BULLA_ALGORITHM_RSASSA_PKCS1_V1_5_SHA_256, PKCS1("sha256") },
	{ BULLA_SPEC_RSA_2048, BULLA_ALGORITHM_RSASSA_PKCS1_V1_5_SHA_384, PKCS1("sha384") },
	{ BULLA_SPEC_RSA_2048, BULLA_ALGORITHM_RSASSA_PKCS1_V1_5_SHA_512, PKCS1("sha512") },
	{ BULLA_SPEC_RSA_2048, BULLA_ALGORITHM_RSASSA_PSS_SHA_256, PSS("sha256") },
	{ BULLA_SPEC_RSA_2048, BULLA_ALGORITHM_RSASSA_PSS_SHA_384, PSS("sha384") },
	{ BULLA_SPEC_RSA_2048, BULLA_ALGORITHM_RSASSA_PSS_SHA_512, PSS("sha512") },
	{ BULLA_SPEC_ECC_NIST_P256, BULLA_ALGORITHM_ECDSA_SHA_256, "-digest sha256" },
	{ BULLA_SPEC_ECC_NIST_P384, BULLA_ALGORITHM_ECDSA_SHA_384, "-digest sha384" },
	{ BULLA_SPEC_ECC_NIST_P521, BULLA_ALGORITHM_ECDSA_SHA_512, "-digest sha512" },
	{ BULLA_SPEC_ECC_SECG_P256K1, BULLA_ALGORITHM_ECDSA_SHA_256, "-digest sha256" },
	{ BULLA_SPEC_ECC_NIST_EDWARDS25519, BULLA_ALGORITHM_ED25519_SHA_512, "" },
};

static void signatures_of_both(void **state)
{
	bulla_bytes message = bulla_view_str("a message for both sides");
	(void)state;

	if (absent) skip();
	for (size_t i = 0; i < COUNT(signs); i++) {
		const bulla_pkey *key = pair_of(signs[i].spec);
		BULLA_BUF_AUTO bulla_buf ours = { 0 };
		put_pair(signs[i].spec);
		put("message", message);
		must(bulla_pkey_sign(key, signs[i].algorithm, BULLA_MESSAGE_RAW, message, &ours, &err), "signing");
		put("ours", bulla_view_buf(&ours));
		if (!openssl("pkeyutl -verify " PUBLIC " -rawin -in message -sigfile ours %s", signs[i].options))
			fail_msg("openssl refuses our %s", bulla_algorithm_about(signs[i].algorithm)->name);
		assert_true(openssl("pkeyutl -sign " PRIVATE " -rawin -in message -out theirs %s", signs[i].options));
		BULLA_BUF_AUTO bulla_buf theirs = take("theirs");
		must(bulla_pkey_verify(key, signs[i].algorithm, BULLA_MESSAGE_RAW, message, bulla_view_buf(&theirs), &err),
		     bulla_algorithm_about(signs[i].algorithm)->name);
	}
}

/* --- encryption, imports, agreement ------------------------------------------------------------------------------ */

static const char *const oaep[] = {
	[BULLA_WRAPPING_RSAES_OAEP_SHA_1] = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1 -pkeyopt rsa_mgf1_md:sha1",
	[BULLA_WRAPPING_RSAES_OAEP_SHA_256] =
		"-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256",
};

static void ciphertexts_of_both(void **state)
{
	static const bulla_algorithm algorithms[] = { BULLA_ALGORITHM_RSAES_OAEP_SHA_1, BULLA_ALGORITHM_RSAES_OAEP_SHA_256 };
	bulla_bytes plain = bulla_view_str("a plaintext for both sides");
	const bulla_pkey *key = pair_of(BULLA_SPEC_RSA_2048);
	(void)state;

	if (absent) skip();
	put_pair(BULLA_SPEC_RSA_2048);
	put("plain", plain);
	for (size_t i = 0; i < COUNT(algorithms); i++) {
		BULLA_BUF_AUTO bulla_buf ours = { 0 }, out = { 0 };
		must(bulla_pkey_encrypt(key, algorithms[i], plain, &ours, &err), "encrypting");
		put("ours", bulla_view_buf(&ours));
		assert_true(openssl("pkeyutl -decrypt " PRIVATE " -in ours -out opened %s", oaep[i]));
		BULLA_BUF_AUTO bulla_buf opened = take("opened");
		assert_true(bulla_bytes_equal(bulla_view_buf(&opened), plain));
		assert_true(openssl("pkeyutl -encrypt " PUBLIC " -in plain -out theirs %s", oaep[i]));
		BULLA_BUF_AUTO bulla_buf theirs = take("theirs");
		must(bulla_pkey_decrypt(key, algorithms[i], bulla_view_buf(&theirs), &out, &err), "decrypting");
		assert_true(bulla_bytes_equal(bulla_view_buf(&out), plain));
	}
}

/* As AWS's guide has its readers do it: the material wrapped with -id-aes256-wrap-pad, the key with OAEP, one behind the other. */
static void material_that_it_wraps(void **state)
{
	const bulla_pkey *key = pair_of(BULLA_SPEC_RSA_2048);
	bulla_bytes material = bulla_view_str("0123456789abcdef0123456789abcde"); /* 31 bytes: padded */
	(void)state;

	if (absent) skip();
	put_pair(BULLA_SPEC_RSA_2048);
	put("material", material);
	put("aes", bulla_view_str("fedcba9876543210fedcba9876543210"));
	for (size_t i = 0; i < 2; i++) {
		BULLA_BUF_AUTO bulla_buf out = { 0 };
		assert_true(openssl("pkeyutl -encrypt " PUBLIC " -in aes -out wrapped %s", oaep[i]));
		assert_true(openssl("enc -id-aes256-wrap-pad -iv A65959A6 -K "
				    "6665646362613938373635343332313066656463626139383736353433323130 -in material -out inner"));
		BULLA_BUF_AUTO bulla_buf wrapped = take("wrapped"), inner = take("inner");
		must(bulla_buf_add(&wrapped, bulla_view_buf(&inner), &err), "putting one behind the other");
		must(bulla_pkey_unwrap(key, (bulla_wrapping)(BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_1 + i), bulla_view_buf(&wrapped),
				       &out, &err),
		     "unwrapping");
		assert_true(bulla_bytes_equal(bulla_view_buf(&out), material));
	}
}

static void secrets_of_both(void **state)
{
	(void)state;
	if (absent) skip();
	for (bulla_spec spec = BULLA_SPEC_ECC_NIST_P256; spec <= BULLA_SPEC_ECC_NIST_P521; spec++) {
		BULLA_BUF_AUTO bulla_buf ours = { 0 };
		put_pair(spec);
		generate(generated[spec]);
		BULLA_BUF_AUTO bulla_buf peer = take("its-public");
		must(bulla_pkey_agree(pair_of(spec), bulla_view_buf(&peer), &ours, &err), "agreeing");
		assert_true(openssl("pkeyutl -derive -inkey its -keyform DER -peerkey public -peerform DER -out secret"));
		BULLA_BUF_AUTO bulla_buf theirs = take("secret");
		assert_true(bulla_bytes_equal(bulla_view_buf(&ours), bulla_view_buf(&theirs)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_reads_what_is_written),
		cmocka_unit_test(its_keys_are_read),
		cmocka_unit_test(keys_of_it_that_are_refused),
		cmocka_unit_test(signatures_of_both),
		cmocka_unit_test(ciphertexts_of_both),
		cmocka_unit_test(material_that_it_wraps),
		cmocka_unit_test(secrets_of_both),
	};
	return cmocka_run_group_tests_name("crypto/pkey_cli", tests, enter, leave);
}
