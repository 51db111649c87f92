/*
 * pkey.c - key pairs: made, read, checked and written.
 */
#include "crypto/pkey_inside.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/fail.h"

/* What OpenSSL calls the pairs; NULL for specs without. */
static const struct pair {
	const char *type, *curve;
} pairs[BULLA_SPEC_COUNT] = {
	[BULLA_SPEC_RSA_2048] = { "RSA", NULL },
	[BULLA_SPEC_RSA_3072] = { "RSA", NULL },
	[BULLA_SPEC_RSA_4096] = { "RSA", NULL },
	[BULLA_SPEC_ECC_NIST_P256] = { "EC", "prime256v1" },
	[BULLA_SPEC_ECC_NIST_P384] = { "EC", "secp384r1" },
	[BULLA_SPEC_ECC_NIST_P521] = { "EC", "secp521r1" },
	[BULLA_SPEC_ECC_SECG_P256K1] = { "EC", "secp256k1" },
	[BULLA_SPEC_ECC_NIST_EDWARDS25519] = { "ED25519", NULL },
};

static bulla_code find_pair(bulla_spec spec, const struct pair **out, bulla_error *err)
{
	const bulla_spec_info *about = bulla_spec_about(spec);

	if (!about) return bulla_fail(err, BULLA_ERR_USAGE, "there is no such key spec");
	if (!pairs[spec].type) return bulla_fail(err, BULLA_ERR_USAGE, "a key of spec %s is no key pair", about->name);
	*out = &pairs[spec];
	return BULLA_OK;
}

/* Takes `evp`, whatever comes of it. */
static bulla_code own(EVP_PKEY *evp, bulla_spec spec, bool is_private, bulla_pkey **out, bulla_error *err)
{
	bulla_pkey *pkey = malloc(sizeof *pkey);

	if (!pkey) {
		EVP_PKEY_free(evp);
		ERR_clear_error();
		return bulla_fail_memory(err);
	}
	*pkey = (bulla_pkey){ evp, spec, is_private };
	*out = pkey;
	return BULLA_OK;
}

void bulla_pkey_free(bulla_pkey *pkey)
{
	if (!pkey) return;
	EVP_PKEY_free(pkey->evp); /* clears private numbers */
	free(pkey);
}

bulla_spec bulla_pkey_spec(const bulla_pkey *pkey)
{
	return pkey->spec;
}

bool bulla_pkey_is_private(const bulla_pkey *pkey)
{
	return pkey->is_private;
}

bulla_code bulla_pkey_generate(bulla_spec spec, bulla_pkey **out, bulla_error *err)
{
	const struct pair *pair = NULL;

	TRY(find_pair(spec, &pair, err));
	size_t bits = bulla_spec_about(spec)->bits;
	EVP_PKEY *evp = bulla_spec_about(spec)->family == BULLA_FAMILY_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, pair->type, bits)
			: pair->curve ? EVP_PKEY_Q_keygen(NULL, NULL, pair->type, pair->curve)
				      : EVP_PKEY_Q_keygen(NULL, NULL, pair->type);
	return evp ? own(evp, spec, true, out, err) : bulla_crypto_fail(err, "making a key pair");
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static bool is_named(const EVP_PKEY *evp, const char *param, const char *name)
{
	char text[64];
	size_t len;

	return EVP_PKEY_get_utf8_string_param(evp, param, text, sizeof text, &len) == 1 &&
	       bulla_bytes_is(bulla_view(text, len), name);
}

/* A curve that is spelled out, not named, may differ in what nobody looks at. */
static bool is_of(const EVP_PKEY *evp, bulla_spec spec)
{
	const struct pair *pair = &pairs[spec];
	const bulla_spec_info *about = bulla_spec_about(spec);

	if (!EVP_PKEY_is_a(evp, pair->type)) return false;
	if (about->family == BULLA_FAMILY_RSA) return EVP_PKEY_get_bits(evp) == (int)about->bits;
	return !pair->curve || (is_named(evp, OSSL_PKEY_PARAM_GROUP_NAME, pair->curve) &&
				is_named(evp, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_GROUP));
}

static bool passes(EVP_PKEY *evp, int (*check)(EVP_PKEY_CTX *ctx))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, evp, NULL);
	bool good = ctx && check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

/* Written again it must be what was read. OpenSSL would keep a point's form, compressed or hybrid. */
static bool is_written_so(EVP_PKEY *evp, const struct pair *pair, bulla_bytes der)
{
	unsigned char *again = NULL;

	if (pair->curve && EVP_PKEY_set_utf8_string_param(evp, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
							  OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1)
		return false;
	int len = i2d_PUBKEY(evp, &again);
	bool same = len > 0 && bulla_bytes_equal(bulla_view(again, (size_t)len), der);
	OPENSSL_free(again);
	return same;
}

static EVP_PKEY *parse_private(bulla_bytes der)
{
	const unsigned char *at = der.data;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
	EVP_PKEY *evp = info && at == der.data + der.len ? EVP_PKCS82PKEY(info) : NULL;

	PKCS8_PRIV_KEY_INFO_free(info);
	return evp;
}

static EVP_PKEY *parse_public(bulla_bytes der)
{
	const unsigned char *at = der.data;
	return d2i_PUBKEY(NULL, &at, (long)der.len);
}

static bulla_code refuse(bulla_spec spec, const char *what, bulla_error *err)
{
	char text[96];

	snprintf(text, sizeof text, "this is no %s key of spec %s in DER", what, bulla_spec_about(spec)->name);
	return bulla_crypto_fail_as(err, BULLA_ERR_FORMAT, text);
}

bulla_code bulla_pkey_read_private(bulla_spec spec, bulla_bytes der, bulla_pkey **out, bulla_error *err)
{
	const struct pair *pair = NULL;

	TRY(find_pair(spec, &pair, err));
	EVP_PKEY *evp = der.len && der.len <= BULLA_PKEY_PRIVATE_MAX ? parse_private(der) : NULL;
	if (evp && is_of(evp, spec)) return own(evp, spec, true, out, err);
	EVP_PKEY_free(evp);
	return refuse(spec, "private", err);
}

bulla_code bulla_pkey_read_public(bulla_spec spec, bulla_bytes der, bulla_pkey **out, bulla_error *err)
{
	const struct pair *pair = NULL;

	TRY(find_pair(spec, &pair, err));
	EVP_PKEY *evp = der.len && der.len <= BULLA_PKEY_PUBLIC_MAX ? parse_public(der) : NULL;
	if (evp && is_of(evp, spec) && is_written_so(evp, pair, der) && (!pair->curve || passes(evp, EVP_PKEY_public_check)))
		return own(evp, spec, false, out, err);
	EVP_PKEY_free(evp);
	return refuse(spec, "public", err);
}

/* FIPS 186-4, B.3.1: a smaller one makes some paddings weak. */
static bool has_large_exponent(const EVP_PKEY *evp)
{
	BIGNUM *e = NULL;
	bool good = EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_num_bits(e) > 16;

	BN_free(e);
	return good;
}

bulla_code bulla_pkey_check(const bulla_pkey *pkey, bulla_error *err)
{
	bool is_rsa = bulla_spec_about(pkey->spec)->family == BULLA_FAMILY_RSA;

	if (!pkey->is_private) return bulla_fail(err, BULLA_ERR_USAGE, "there is no private part to check");
	if ((!is_rsa || has_large_exponent(pkey->evp)) && passes(pkey->evp, EVP_PKEY_check)) return BULLA_OK;
	return bulla_crypto_fail_as(err, BULLA_ERR_FORMAT, "the parts of the private key do not fit each other");
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

bulla_code bulla_pkey_write_private(const bulla_pkey *pkey, bulla_buf *out, bulla_error *err)
{
	if (!pkey->is_private) return bulla_fail(err, BULLA_ERR_USAGE, "there is no private part to write");
	TRY(bulla_buf_reserve(out, BULLA_PKEY_PRIVATE_MAX, err));
	unsigned char *at = out->data + out->len;
	size_t left = BULLA_PKEY_PRIVATE_MAX;
	OSSL_ENCODER_CTX *ctx = OSSL_ENCODER_CTX_new_for_pkey(pkey->evp, EVP_PKEY_KEYPAIR, "DER", "PrivateKeyInfo", NULL);
	bool good = ctx && OSSL_ENCODER_to_data(ctx, &at, &left) == 1;
	OSSL_ENCODER_CTX_free(ctx);
	if (!good) return bulla_crypto_fail(err, "writing a private key");
	out->len += BULLA_PKEY_PRIVATE_MAX - left;
	return BULLA_OK;
}

bulla_code bulla_pkey_write_public(const bulla_pkey *pkey, bulla_buf *out, bulla_error *err)
{
	int len = i2d_PUBKEY(pkey->evp, NULL);

	if (len <= 0 || len > BULLA_PKEY_PUBLIC_MAX) return bulla_crypto_fail(err, "writing a public key");
	TRY(bulla_buf_reserve(out, (size_t)len, err));
	unsigned char *at = out->data + out->len;
	if (i2d_PUBKEY(pkey->evp, &at) != len) return bulla_crypto_fail(err, "writing a public key");
	out->len += (size_t)len;
	return BULLA_OK;
}

/* --- for the other files ----------------------------------------------------------------------------------------- */

bulla_code bulla_pkey_allow(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_use use, bool private_part, bulla_error *err)
{
	const bulla_algorithm_info *about = bulla_algorithm_about(algorithm);

	if (!about) return bulla_fail(err, BULLA_ERR_USAGE, "there is no such algorithm");
	if (!bulla_algorithm_fits(algorithm, pkey->spec, use))
		return bulla_fail(err, BULLA_ERR_USAGE, "%s is no algorithm of a key of spec %s with the usage %s", about->name,
				  bulla_spec_about(pkey->spec)->name, bulla_use_name(use));
	if (private_part && !pkey->is_private)
		return bulla_fail(err, BULLA_ERR_USAGE, "%s needs the private key here", about->name);
	return BULLA_OK;
}

bulla_code bulla_pkey_copy(const bulla_pkey *pkey, bulla_pkey *out, bulla_error *err)
{
	ERR_clear_error();
	*out = *pkey;
	out->evp = EVP_PKEY_dup(pkey->evp);
	return out->evp ? BULLA_OK : bulla_crypto_fail(err, "copying a key");
}
