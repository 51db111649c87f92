/*
 * pkey_encrypt.c - RSAES-OAEP, for what is encrypted under an RSA key and for key material that is imported.
 */
#include "crypto/pkey_inside.h"

#include <openssl/rsa.h>

#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/fail.h"
#include "crypto/keywrap.h"

size_t bulla_pkey_plain_max(bulla_spec spec, bulla_algorithm algorithm)
{
	if (!bulla_algorithm_fits(algorithm, spec, BULLA_USE_ENCRYPT_DECRYPT) || algorithm == BULLA_ALGORITHM_SYMMETRIC_DEFAULT)
		return 0;
	return bulla_spec_about(spec)->bits / 8 - 2 * bulla_algorithm_about(algorithm)->digest_size - 2; /* RFC 8017, 7.1.1 */
}

static bool prepare(EVP_PKEY_CTX *ctx, const EVP_MD *md, bool encrypts)
{
	return ctx && md && (encrypts ? EVP_PKEY_encrypt_init(ctx) : EVP_PKEY_decrypt_init(ctx)) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1;
}

/* Encryption or decryption; `out` has room for BULLA_PKEY_SIGNATURE_MAX bytes. `*ret_ready` is false when it did not come to the data at all. */
static bool transform(const bulla_pkey *pkey, bulla_algorithm algorithm, bool encrypts, bulla_bytes in, uint8_t *out,
		      size_t *ret_len, bool *ret_ready)
{
	static const uint8_t none[1];
	const uint8_t *from = in.len ? in.data : none;
	EVP_MD *md = EVP_MD_fetch(NULL, bulla_algorithm_about(algorithm)->digest, NULL);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey->evp, NULL);
	bool ready = prepare(ctx, md, encrypts);
	size_t len = BULLA_PKEY_SIGNATURE_MAX;
	bool good = ready && (encrypts ? EVP_PKEY_encrypt(ctx, out, &len, from, in.len)
				       : EVP_PKEY_decrypt(ctx, out, &len, from, in.len)) == 1;

	EVP_PKEY_CTX_free(ctx);
	EVP_MD_free(md);
	*ret_ready = ready;
	*ret_len = good ? len : 0;
	return good;
}

bulla_code bulla_pkey_encrypt(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes plain, bulla_buf *out,
			      bulla_error *err)
{
	size_t len;
	bool ready;

	TRY(bulla_pkey_allow(pkey, algorithm, BULLA_USE_ENCRYPT_DECRYPT, false, err));
	size_t most = bulla_pkey_plain_max(pkey->spec, algorithm);
	if (plain.len > most)
		return bulla_fail(err, BULLA_ERR_TOO_LARGE, "a key of spec %s encrypts at most %zu bytes with %s",
				  bulla_spec_about(pkey->spec)->name, most, bulla_algorithm_about(algorithm)->name);
	TRY(bulla_buf_reserve(out, BULLA_PKEY_SIGNATURE_MAX, err));
	if (!transform(pkey, algorithm, true, plain, out->data + out->len, &len, &ready))
		return bulla_crypto_fail(err, "encrypting with RSA");
	out->len += len;
	return BULLA_OK;
}

/* One try, to `out`, which has room; wiped on failure. */
static bulla_code decrypt(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes ciphertext,
			  uint8_t out[static BULLA_PKEY_SIGNATURE_MAX], size_t *ret_len, bulla_error *err)
{
	bool ready = true;

	*ret_len = 0;
	bool fits = ciphertext.len == bulla_spec_about(pkey->spec)->bits / 8;
	if (fits && transform(pkey, algorithm, false, ciphertext, out, ret_len, &ready)) return BULLA_OK;
	bulla_wipe(out, BULLA_PKEY_SIGNATURE_MAX);
	return ready ? bulla_crypto_fail_as(err, BULLA_ERR_AUTH, BULLA_AUTH_TEXT)
		     : bulla_crypto_fail(err, "preparing to decrypt with RSA");
}

typedef bulla_code (*opening)(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes in, bulla_buf *out,
			      bulla_error *err);

/* A refusal is asked for twice: the whole of it, so that every refusal takes as long. */
static bulla_code open_surely(opening once, const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes in, bulla_buf *out,
			      bulla_error *err)
{
	bulla_pkey copy;

	TRY(bulla_pkey_allow(pkey, algorithm, BULLA_USE_ENCRYPT_DECRYPT, true, err));
	bulla_code code = once(pkey, algorithm, in, out, err);
	if (code != BULLA_ERR_AUTH) return code;
	TRY(bulla_pkey_copy(pkey, &copy, err));
	code = once(&copy, algorithm, in, out, err);
	EVP_PKEY_free(copy.evp);
	return code;
}

static bulla_code decrypt_once(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes ciphertext, bulla_buf *out,
			       bulla_error *err)
{
	size_t len;

	TRY(bulla_buf_reserve(out, BULLA_PKEY_SIGNATURE_MAX, err));
	TRY(decrypt(pkey, algorithm, ciphertext, out->data + out->len, &len, err));
	out->len += len;
	return BULLA_OK;
}

bulla_code bulla_pkey_decrypt(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes ciphertext, bulla_buf *out,
			      bulla_error *err)
{
	return open_surely(decrypt_once, pkey, algorithm, ciphertext, out, err);
}

/* --- imported material ------------------------------------------------------------------------------------------- */

static const struct wrapping {
	const char *name;
	bulla_algorithm algorithm; /* of the outer layer */
	bool has_aes;
} wrappings[BULLA_WRAPPING_COUNT] = {
	[BULLA_WRAPPING_RSAES_OAEP_SHA_1] = { "RSAES_OAEP_SHA_1", BULLA_ALGORITHM_RSAES_OAEP_SHA_1, false },
	[BULLA_WRAPPING_RSAES_OAEP_SHA_256] = { "RSAES_OAEP_SHA_256", BULLA_ALGORITHM_RSAES_OAEP_SHA_256, false },
	[BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_1] = { "RSA_AES_KEY_WRAP_SHA_1", BULLA_ALGORITHM_RSAES_OAEP_SHA_1, true },
	[BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_256] = { "RSA_AES_KEY_WRAP_SHA_256", BULLA_ALGORITHM_RSAES_OAEP_SHA_256, true },
};

const char *bulla_wrapping_name(bulla_wrapping wrapping)
{
	return (size_t)wrapping < BULLA_WRAPPING_COUNT ? wrappings[wrapping].name : NULL;
}

bool bulla_wrapping_find(bulla_bytes name, bulla_wrapping *out)
{
	for (size_t i = 0; i < BULLA_WRAPPING_COUNT; i++)
		if (bulla_bytes_is(name, wrappings[i].name)) {
			*out = (bulla_wrapping)i;
			return true;
		}
	return false;
}

/* What came out of the outer layer. */
typedef struct opened {
	uint8_t bytes[BULLA_PKEY_SIGNATURE_MAX];
} opened;

static void opened_wipe(opened *o)
{
	bulla_wipe(o, sizeof *o);
}

static bool is_aes_key(size_t len)
{
	return len == 16 || len == 24 || len == 32;
}

/* A wrong outer layer leaves zeros, and the inner one is tried with them as a key: it takes its time either way. */
static bulla_code unwrap_once(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes wrapped, bulla_buf *out,
			      bulla_error *err)
{
	__attribute__((cleanup(opened_wipe))) opened key = { { 0 } };
	size_t modulus = bulla_spec_about(pkey->spec)->bits / 8, len, before = out->len;

	if (wrapped.len <= modulus) return bulla_crypto_fail_auth(err);
	bulla_code outer = decrypt(pkey, algorithm, bulla_view(wrapped.data, modulus), key.bytes, &len, err);
	if (outer && outer != BULLA_ERR_AUTH) return outer;
	bool good = outer == BULLA_OK && is_aes_key(len);
	bulla_bytes rest = bulla_view(wrapped.data + modulus, wrapped.len - modulus);
	bulla_code inner = bulla_keyunwrap(bulla_view(key.bytes, good ? len : 32), true, rest, out, err);
	if (good || inner) return good ? inner : bulla_crypto_fail_auth(err);
	bulla_wipe(out->data + before, out->len - before);
	out->len = before;
	return bulla_crypto_fail_auth(err);
}

bulla_code bulla_pkey_unwrap(const bulla_pkey *pkey, bulla_wrapping wrapping, bulla_bytes wrapped, bulla_buf *out,
			     bulla_error *err)
{
	if ((size_t)wrapping >= BULLA_WRAPPING_COUNT) return bulla_fail(err, BULLA_ERR_USAGE, "there is no such wrapping");
	const struct wrapping *w = &wrappings[wrapping];
	return open_surely(w->has_aes ? unwrap_once : decrypt_once, pkey, w->algorithm, wrapped, out, err);
}
