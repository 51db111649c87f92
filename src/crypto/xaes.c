/*
 * xaes.c - XAES-256-GCM (https://c2sp.org/XAES-256-GCM).
 */
#include "crypto/xaes.h"

#include "crypto/fail.h"
#include "crypto/remembered.h"

enum { BLOCK = 16, HALF_NONCE = 12 };

bulla_code bulla_xaes_init(bulla_xaes *xaes, const bulla_backend *backend, bool encrypts, bulla_error *err)
{
	*xaes = (bulla_xaes){ .blank = true };
	TRY(bulla_gcm_init(&xaes->gcm, backend, BULLA_KEY_SIZE, encrypts, err));
	EVP_CIPHER *ecb = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
	xaes->ecb = EVP_CIPHER_CTX_new();
	bool good = ecb && xaes->ecb && EVP_EncryptInit_ex2(xaes->ecb, ecb, NULL, NULL, NULL) == 1 &&
		    EVP_CIPHER_CTX_set_padding(xaes->ecb, 0) == 1;
	EVP_CIPHER_free(ecb);
	if (good) return BULLA_OK;
	bulla_xaes_done(xaes);
	return bulla_crypto_fail(err, "preparing XAES-256-GCM");
}

void bulla_xaes_done(bulla_xaes *xaes)
{
	EVP_CIPHER_CTX_free(xaes->ecb);
	bulla_gcm_done(&xaes->gcm);
	*xaes = (bulla_xaes){ 0 };
}

void bulla_xaes_place(bulla_xaes *xaes, bulla_xaes_keys *keys, void *schedule)
{
	xaes->keyed = false;
	xaes->keys = keys;
	bulla_gcm_place(&xaes->gcm, keys ? &keys->derived : NULL, schedule);
}

void bulla_xaes_forget(bulla_xaes *xaes)
{
	static const uint8_t zeros[BULLA_KEY_SIZE];
	xaes->keyed = false;
	if (!xaes->blank) xaes->blank = EVP_EncryptInit_ex2(xaes->ecb, NULL, zeros, NULL, NULL) == 1;
	bulla_gcm_forget(&xaes->gcm);
}

static bool encrypt_blocks(bulla_xaes *xaes, uint8_t *blocks, int len)
{
	int n;
	return EVP_EncryptUpdate(xaes->ecb, blocks, &n, blocks, len) == 1 && n == len;
}

/* One bit to the left in GF(2^128), as CMAC makes its first subkey; without a branch on the secret. */
static void doubled(uint8_t out[static BLOCK], const uint8_t in[static BLOCK])
{
	uint8_t carry = (uint8_t)(in[0] >> 7);

	for (size_t i = 0; i + 1 < BLOCK; i++)
		out[i] = (uint8_t)((in[i] << 1) | (in[i + 1] >> 7));
	out[BLOCK - 1] = (uint8_t)((in[BLOCK - 1] << 1) ^ (0x87 & -carry));
}

static bool set_key(bulla_xaes *xaes, const uint8_t *key)
{
	uint8_t l[BLOCK] = { 0 };

	if (xaes->keyed && bulla_key_remembered(xaes->keys->key.bytes, key, BULLA_KEY_SIZE)) return true;
	xaes->keyed = xaes->blank = false;
	if (EVP_EncryptInit_ex2(xaes->ecb, NULL, key, NULL, NULL) != 1 || !encrypt_blocks(xaes, l, BLOCK)) return false;
	doubled(xaes->keys->k1, l);
	bulla_wipe(l, sizeof l);
	memcpy(xaes->keys->key.bytes, key, BULLA_KEY_SIZE);
	xaes->keyed = true;
	return true;
}

bulla_code bulla_xaes_derive(bulla_xaes *xaes, const uint8_t *key, const uint8_t nonce[static HALF_NONCE], bulla_secret *out,
			     bulla_error *err)
{
	static const uint8_t prefix[4] = { 0x00, 0x01, 'X', 0x00 };
	uint8_t *m1 = out->bytes, *m2 = out->bytes + BLOCK;

	if (!set_key(xaes, key)) return bulla_crypto_fail(err, "keying XAES-256-GCM");
	memcpy(m1, prefix, sizeof prefix);
	memcpy(m1 + sizeof prefix, nonce, HALF_NONCE);
	for (size_t i = 0; i < BLOCK; i++)
		m1[i] ^= xaes->keys->k1[i];
	memcpy(m2, m1, BLOCK);
	m2[1] ^= 0x01 ^ 0x02; /* the counter */
	if (encrypt_blocks(xaes, out->bytes, 2 * BLOCK)) return BULLA_OK;
	xaes->keyed = false;
	bulla_secret_wipe(out);
	return bulla_crypto_fail(err, "deriving a key of XAES-256-GCM");
}

static bulla_bytes second_half(bulla_bytes nonce)
{
	return (bulla_bytes){ nonce.data + HALF_NONCE, nonce.len - HALF_NONCE };
}

bulla_code bulla_xaes_seal(bulla_xaes *xaes, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes plain,
			   uint8_t *out, bulla_error *err)
{
	BULLA_SECRET derived = { 0 };

	TRY(bulla_xaes_derive(xaes, key, nonce.data, &derived, err));
	return bulla_gcm_seal(&xaes->gcm, derived.bytes, second_half(nonce), associated, plain, out, err);
}

bulla_code bulla_xaes_open(bulla_xaes *xaes, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes sealed,
			   uint8_t *out, bulla_error *err)
{
	BULLA_SECRET derived = { 0 };

	TRY(bulla_xaes_derive(xaes, key, nonce.data, &derived, err));
	return bulla_gcm_open(&xaes->gcm, derived.bytes, second_half(nonce), associated, sealed, out, err);
}
