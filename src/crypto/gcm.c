/*
 * gcm.c - AES-GCM (NIST SP 800-38D) over OpenSSL's EVP interface, with nothing allocated per message.
 */
#include "crypto/gcm.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "crypto/aead.h"
#include "crypto/fail.h"
#include "crypto/remembered.h"

bulla_code bulla_gcm_init(bulla_gcm *gcm, const char *cipher, bool encrypts, bulla_error *err)
{
	EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, cipher, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	*gcm = (bulla_gcm){ .ctx = ctx, .nonce_len = BULLA_GCM_NONCE_SIZE, .blank = true };
	bool good = fetched && ctx && EVP_CipherInit_ex2(ctx, fetched, NULL, NULL, encrypts, NULL) == 1;
	if (good) gcm->key_size = (size_t)EVP_CIPHER_get_key_length(fetched);
	EVP_CIPHER_free(fetched); /* the context holds its own reference */
	if (good) return BULLA_OK;
	bulla_gcm_done(gcm);
	return bulla_crypto_fail(err, "preparing AES-GCM");
}

void bulla_gcm_done(bulla_gcm *gcm)
{
	EVP_CIPHER_CTX_free(gcm->ctx);
	*gcm = (bulla_gcm){ 0 };
}

void bulla_gcm_forget(bulla_gcm *gcm)
{
	static const uint8_t zeros[BULLA_KEY_SIZE];
	gcm->keyed = false;
	if (!gcm->blank) gcm->blank = EVP_CipherInit_ex2(gcm->ctx, NULL, zeros, NULL, -1, NULL) == 1;
}

/* Starts a message. Until it has succeeded the key counts as unknown, so that a failure cannot leave a context that is
 * keyed with something else than we remember. */
static bool begin(bulla_gcm *gcm, const uint8_t *key, bulla_bytes nonce, const OSSL_PARAM *params)
{
	bool same = gcm->keyed && bulla_key_remembered(gcm->key->bytes, key, gcm->key_size);

	gcm->keyed = gcm->blank = false;
	if (nonce.len != gcm->nonce_len) {
		if (EVP_CIPHER_CTX_ctrl(gcm->ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)nonce.len, NULL) != 1) return false;
		gcm->nonce_len = nonce.len;
	}
	if (EVP_CipherInit_ex2(gcm->ctx, NULL, same ? NULL : key, nonce.data, -1, params) != 1) return false;
	if (!same) memcpy(gcm->key->bytes, key, gcm->key_size);
	gcm->keyed = true;
	return true;
}

static bool update(bulla_gcm *gcm, bulla_bytes associated, bulla_bytes in, uint8_t *out)
{
	int n;

	if (associated.len && EVP_CipherUpdate(gcm->ctx, NULL, &n, associated.data, (int)associated.len) != 1) return false;
	return in.len == 0 || EVP_CipherUpdate(gcm->ctx, out, &n, in.data, (int)in.len) == 1;
}

bulla_code bulla_gcm_seal(bulla_gcm *gcm, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes plain,
			  uint8_t *out, bulla_error *err)
{
	OSSL_PARAM tag[] = {
		OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, out + plain.len, BULLA_TAG_SIZE),
		OSSL_PARAM_END,
	};
	uint8_t nothing[BULLA_TAG_SIZE];
	int n;

	if (begin(gcm, key, nonce, NULL) && update(gcm, associated, plain, out) &&
	    EVP_CipherFinal_ex(gcm->ctx, nothing, &n) == 1 && EVP_CIPHER_CTX_get_params(gcm->ctx, tag) == 1)
		return BULLA_OK;
	gcm->keyed = false;
	return bulla_crypto_fail(err, "encrypting with AES-GCM");
}

bulla_code bulla_gcm_open(bulla_gcm *gcm, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes sealed,
			  uint8_t *out, bulla_error *err)
{
	bulla_bytes text = { sealed.data, sealed.len - BULLA_TAG_SIZE };
	const OSSL_PARAM tag[] = {
		OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, (void *)(sealed.data + text.len), BULLA_TAG_SIZE),
		OSSL_PARAM_END,
	};
	uint8_t nothing[BULLA_TAG_SIZE];
	int n;

	if (!begin(gcm, key, nonce, tag) || !update(gcm, associated, text, out)) {
		gcm->keyed = false;
		return bulla_crypto_fail(err, "decrypting with AES-GCM");
	}
	/* The last step does nothing but compare tags: its failure is the data's, not the library's. */
	if (EVP_CipherFinal_ex(gcm->ctx, nothing, &n) != 1) return bulla_crypto_fail_auth(err);
	return BULLA_OK;
}
