/*
 * gcm_openssl.c - AES-GCM over OpenSSL's EVP interface, with nothing allocated per message.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "crypto/aead.h"
#include "crypto/backend_inside.h"
#include "crypto/fail.h"

typedef struct state {
	EVP_CIPHER_CTX *ctx;
	size_t nonce_len; /* what `ctx` is set to */
} state;

static void state_free(void *self)
{
	state *s = self;
	if (!s) return;
	EVP_CIPHER_CTX_free(s->ctx);
	free(s);
}

static bool forget(void *self)
{
	static const uint8_t zeros[BULLA_KEY_SIZE];
	state *s = self;
	return EVP_CipherInit_ex2(s->ctx, NULL, zeros, NULL, -1, NULL) == 1;
}

static const char *cipher_of(size_t key_size)
{
	return key_size == 16 ? "AES-128-GCM" : key_size == 24 ? "AES-192-GCM" : "AES-256-GCM";
}

static bulla_code state_new(const void *found, size_t key_size, bool encrypts, void **out, bulla_error *err)
{
	state *s = calloc(1, sizeof *s);
	(void)found;
	if (!s) return bulla_fail_memory(err);
	s->nonce_len = BULLA_GCM_NONCE_SIZE;
	s->ctx = EVP_CIPHER_CTX_new();
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, cipher_of(key_size), NULL);
	bool good = cipher && s->ctx && EVP_CipherInit_ex2(s->ctx, cipher, NULL, NULL, encrypts, NULL) == 1;
	EVP_CIPHER_free(cipher); /* the context holds its own reference */
	if (good) {
		*out = s;
		return BULLA_OK;
	}
	state_free(s);
	return bulla_crypto_fail(err, "preparing AES-GCM");
}

static bool begin(state *s, const uint8_t *key, bulla_bytes nonce, const OSSL_PARAM *params)
{
	if (nonce.len != s->nonce_len) {
		if (EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)nonce.len, NULL) != 1) return false;
		s->nonce_len = nonce.len;
	}
	return EVP_CipherInit_ex2(s->ctx, NULL, key, nonce.data, -1, params) == 1;
}

static bool update(state *s, bulla_bytes associated, bulla_bytes in, uint8_t *out)
{
	int n;

	if (associated.len && EVP_CipherUpdate(s->ctx, NULL, &n, associated.data, (int)associated.len) != 1) return false;
	return in.len == 0 || EVP_CipherUpdate(s->ctx, out, &n, in.data, (int)in.len) == 1;
}

static bulla_code gcm_seal(void *self, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes plain,
			   uint8_t *out, bulla_error *err)
{
	state *s = self;
	OSSL_PARAM tag[] = {
		OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, out + plain.len, BULLA_TAG_SIZE),
		OSSL_PARAM_END,
	};
	uint8_t nothing[BULLA_TAG_SIZE];
	int n;

	if (begin(s, key, nonce, NULL) && update(s, associated, plain, out) && EVP_CipherFinal_ex(s->ctx, nothing, &n) == 1 &&
	    EVP_CIPHER_CTX_get_params(s->ctx, tag) == 1)
		return BULLA_OK;
	return bulla_crypto_fail(err, "encrypting with AES-GCM");
}

static bulla_code gcm_open(void *self, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes sealed,
			   uint8_t *out, bulla_error *err)
{
	state *s = self;
	bulla_bytes text = { sealed.data, sealed.len - BULLA_TAG_SIZE };
	const OSSL_PARAM tag[] = {
		OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, (void *)(sealed.data + text.len), BULLA_TAG_SIZE),
		OSSL_PARAM_END,
	};
	uint8_t nothing[BULLA_TAG_SIZE];
	int n;

	if (!begin(s, key, nonce, tag) || !update(s, associated, text, out))
		return bulla_crypto_fail(err, "decrypting with AES-GCM");
	/* The last step does nothing but compare tags: its failure is the data's, not the library's. */
	if (EVP_CipherFinal_ex(s->ctx, nothing, &n) != 1) return bulla_crypto_fail_auth(err);
	return BULLA_OK;
}

const bulla_backend_row bulla_backend_openssl = {
	.state_new = state_new,
	.state_free = state_free,
	.forget = forget,
	.seal = gcm_seal,
	.open = gcm_open,
};
