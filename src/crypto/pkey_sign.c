/*
 * pkey_sign.c - signatures of RSA, ECDSA and Ed25519, over messages and over digests of them.
 */
#include "crypto/pkey_inside.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/secret.h"
#include "crypto/fail.h"
#include "crypto/sign.h"

#define WRONG_SIGNATURE "the signature does not fit the key and the message"

/* What is signed: the digest where the algorithm has one, else the message. */
typedef struct subject {
	const bulla_algorithm_info *about;
	bulla_bytes bytes;
	uint8_t digest[EVP_MAX_MD_SIZE];
} subject;

static bulla_code check_type(const bulla_algorithm_info *about, bulla_message_type type, size_t len, bulla_error *err)
{
	bool takes_raw = about->digest || about->digest_size == 0;
	bool is_digest = type == BULLA_MESSAGE_DIGEST;

	if (is_digest ? about->digest_size == 0 : !takes_raw)
		return bulla_fail(err, BULLA_ERR_USAGE, "%s signs no messages of type %s", about->name,
				  is_digest ? "DIGEST" : "RAW");
	if (is_digest && len != about->digest_size)
		return bulla_fail(err, BULLA_ERR_USAGE, "a digest for %s has %zu bytes, not %zu", about->name, about->digest_size,
				  len);
	return BULLA_OK;
}

static bulla_code prepare(bulla_algorithm algorithm, bulla_message_type type, bulla_bytes message, subject *ret, bulla_error *err)
{
	static const uint8_t none[1];
	const bulla_algorithm_info *about = bulla_algorithm_about(algorithm);
	size_t len;

	TRY(check_type(about, type, message.len, err));
	ret->about = about;
	ret->bytes = message.len ? message : bulla_view(none, 0);
	if (type == BULLA_MESSAGE_DIGEST || !about->digest) return BULLA_OK;
	if (EVP_Q_digest(NULL, about->digest, NULL, ret->bytes.data, ret->bytes.len, ret->digest, &len) != 1)
		return bulla_crypto_fail(err, about->digest);
	ret->bytes = bulla_view(ret->digest, len);
	return BULLA_OK;
}

/* --- RSA and ECDSA ----------------------------------------------------------------------------------------------- */

/* 0: the algorithm has no padding. */
static int padding_of(bulla_algorithm algorithm)
{
	static const uint8_t paddings[BULLA_ALGORITHM_COUNT] = {
		[BULLA_ALGORITHM_RSASSA_PKCS1_V1_5_SHA_256] = RSA_PKCS1_PADDING,
		[BULLA_ALGORITHM_RSASSA_PKCS1_V1_5_SHA_384] = RSA_PKCS1_PADDING,
		[BULLA_ALGORITHM_RSASSA_PKCS1_V1_5_SHA_512] = RSA_PKCS1_PADDING,
		[BULLA_ALGORITHM_RSASSA_PSS_SHA_256] = RSA_PKCS1_PSS_PADDING,
		[BULLA_ALGORITHM_RSASSA_PSS_SHA_384] = RSA_PKCS1_PSS_PADDING,
		[BULLA_ALGORITHM_RSASSA_PSS_SHA_512] = RSA_PKCS1_PSS_PADDING,
	};
	return paddings[algorithm];
}

/* PSS: MGF1's hash is the signature's unless it is said. A salt that is as long as the hash is asked of a signature too. */
static bool configure(EVP_PKEY_CTX *ctx, bulla_algorithm algorithm)
{
	int padding = padding_of(algorithm);

	if (padding && EVP_PKEY_CTX_set_rsa_padding(ctx, padding) != 1) return false;
	if (EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(bulla_algorithm_about(algorithm)->digest)) != 1) return false;
	return padding != RSA_PKCS1_PSS_PADDING || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool sign_once(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes digest, uint8_t *out, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey->evp, NULL);

	*len = BULLA_PKEY_SIGNATURE_MAX;
	bool good = ctx && EVP_PKEY_sign_init(ctx) == 1 && configure(ctx, algorithm) &&
		    EVP_PKEY_sign(ctx, out, len, digest.data, digest.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good;
}

static bool verify_once(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes digest, bulla_bytes signature,
			bool *ret_ready)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey->evp, NULL);

	*ret_ready = ctx && EVP_PKEY_verify_init(ctx) == 1 && configure(ctx, algorithm);
	bool good = *ret_ready && EVP_PKEY_verify(ctx, signature.data, signature.len, digest.data, digest.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good;
}

/* A signature of RSA that went wrong on its way tells the key's primes (Boneh, DeMillo, Lipton 1997): it is verified before it leaves. */
static bool sign_surely(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes digest, uint8_t *out, size_t *len)
{
	bool ready;

	if (!sign_once(pkey, algorithm, digest, out, len)) return false;
	return !padding_of(algorithm) || verify_once(pkey, algorithm, digest, bulla_view(out, *len), &ready);
}

static bulla_code sign_digest(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes digest, bulla_buf *out,
			      bulla_error *err)
{
	bulla_pkey copy;
	size_t len;

	TRY(bulla_buf_reserve(out, BULLA_PKEY_SIGNATURE_MAX, err));
	uint8_t *to = out->data + out->len;
	bool good = sign_surely(pkey, algorithm, digest, to, &len);
	if (!good) {
		TRY(bulla_pkey_copy(pkey, &copy, err));
		good = sign_surely(&copy, algorithm, digest, to, &len);
		EVP_PKEY_free(copy.evp);
	}
	if (good) out->len += len;
	return good ? BULLA_OK : bulla_crypto_fail(err, "signing");
}

/* A refusal is asked for twice: OpenSSL 3.0 does not always say when it was an allocation that failed. */
static bulla_code verify_digest(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes digest, bulla_bytes signature,
				bulla_error *err)
{
	bool ready;

	if (verify_once(pkey, algorithm, digest, signature, &ready)) return BULLA_OK;
	ERR_clear_error();
	if (verify_once(pkey, algorithm, digest, signature, &ready)) return BULLA_OK;
	return ready ? bulla_crypto_fail_as(err, BULLA_ERR_AUTH, WRONG_SIGNATURE)
		     : bulla_crypto_fail(err, "preparing to verify a signature");
}

/* --- Ed25519: the two are libsodium's, as elsewhere in this room ------------------------------------------------- */

static bulla_code sign_edwards(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes bytes, bulla_buf *out,
			       bulla_error *err)
{
	BULLA_SECRET seed;
	uint8_t signature[BULLA_SIGNATURE_SIZE];
	size_t len = sizeof seed.bytes;

	if (EVP_PKEY_get_raw_private_key(pkey->evp, seed.bytes, &len) != 1 || len != sizeof seed.bytes)
		return bulla_crypto_fail(err, "signing");
	if (algorithm == BULLA_ALGORITHM_ED25519_PH_SHA_512)
		TRY(bulla_ed25519ph_sign(seed.bytes, bytes.data, signature, err));
	else
		TRY(bulla_ed25519_sign(seed.bytes, bytes, signature, err));
	return bulla_buf_add(out, bulla_view(signature, sizeof signature), err);
}

static bulla_code verify_edwards(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes bytes, bulla_bytes signature,
				 bulla_error *err)
{
	uint8_t public_key[32];
	size_t len = sizeof public_key;

	if (EVP_PKEY_get_raw_public_key(pkey->evp, public_key, &len) != 1 || len != sizeof public_key)
		return bulla_crypto_fail(err, "preparing to verify a signature");
	if (algorithm == BULLA_ALGORITHM_ED25519_PH_SHA_512)
		return bulla_ed25519ph_verify(public_key, bytes.data, signature, err);
	return bulla_ed25519_verify(public_key, bytes, signature, err);
}

bulla_code bulla_pkey_sign(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_message_type type, bulla_bytes message,
			   bulla_buf *out, bulla_error *err)
{
	subject s;

	TRY(bulla_pkey_allow(pkey, algorithm, BULLA_USE_SIGN_VERIFY, true, err));
	TRY(prepare(algorithm, type, message, &s, err));
	return s.about->digest ? sign_digest(pkey, algorithm, s.bytes, out, err)
			       : sign_edwards(pkey, algorithm, s.bytes, out, err);
}

bulla_code bulla_pkey_verify(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_message_type type, bulla_bytes message,
			     bulla_bytes signature, bulla_error *err)
{
	subject s;

	TRY(bulla_pkey_allow(pkey, algorithm, BULLA_USE_SIGN_VERIFY, false, err));
	TRY(prepare(algorithm, type, message, &s, err));
	if (signature.len == 0 || signature.len > BULLA_PKEY_SIGNATURE_MAX)
		return bulla_fail(err, BULLA_ERR_AUTH, WRONG_SIGNATURE);
	return s.about->digest ? verify_digest(pkey, algorithm, s.bytes, signature, err)
			       : verify_edwards(pkey, algorithm, s.bytes, signature, err);
}
