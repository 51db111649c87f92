/*
 * aead.c - the table of AEAD algorithms, and the two entries that check sizes and call its rows.
 */
#include "crypto/aead.h"

#include <sodium.h>

#include "crypto/fail.h"
#include "crypto/lane_inside.h"

/* One message on its way through a row; `in` is plaintext or ciphertext with tag. */
typedef struct message {
	bulla_bytes key, nonce, associated, in;
	uint8_t *out;
} message;

typedef bulla_code worker(bulla_lane *lane, const message *m, bulla_error *err);

typedef struct row {
	bulla_aead_info info;
	size_t nonce_min, nonce_max;
	worker *seal, *open;
} row;

/* Each key size of AES-GCM is two rows of the same two lines. */
#define GCM_WORKERS(size)                                                                                                        \
	static bulla_code gcm_##size##_seal(bulla_lane *lane, const message *m, bulla_error *err)                                \
	{                                                                                                                        \
		return bulla_gcm_seal(&lane->gcm_seal[BULLA_GCM_##size], m->key.data, m->nonce, m->associated, m->in, m->out,    \
				      err);                                                                                      \
	}                                                                                                                        \
	static bulla_code gcm_##size##_open(bulla_lane *lane, const message *m, bulla_error *err)                                \
	{                                                                                                                        \
		return bulla_gcm_open(&lane->gcm_open[BULLA_GCM_##size], m->key.data, m->nonce, m->associated, m->in, m->out,    \
				      err);                                                                                      \
	}
GCM_WORKERS(256)
GCM_WORKERS(192)
GCM_WORKERS(128)

static bulla_code xaes_seal(bulla_lane *lane, const message *m, bulla_error *err)
{
	return bulla_xaes_seal(&lane->xaes_seal, m->key.data, m->nonce, m->associated, m->in, m->out, err);
}

static bulla_code xaes_open(bulla_lane *lane, const message *m, bulla_error *err)
{
	return bulla_xaes_open(&lane->xaes_open, m->key.data, m->nonce, m->associated, m->in, m->out, err);
}

/* The two of libsodium keep nothing between messages; for short fields they are twice as fast as OpenSSL's. */
#define SODIUM_WORKERS(name, function)                                                                                           \
	static bulla_code name##_seal(bulla_lane *lane, const message *m, bulla_error *err)                                      \
	{                                                                                                                        \
		(void)lane;                                                                                                      \
		if (function##_encrypt(m->out, NULL, m->in.data, m->in.len, m->associated.data, m->associated.len, NULL,         \
				       m->nonce.data, m->key.data) == 0)                                                         \
			return BULLA_OK;                                                                                         \
		return bulla_fail(err, BULLA_ERR_CRYPTO, "encrypting with libsodium failed");                                    \
	}                                                                                                                        \
	static bulla_code name##_open(bulla_lane *lane, const message *m, bulla_error *err)                                      \
	{                                                                                                                        \
		(void)lane;                                                                                                      \
		if (function##_decrypt(m->out, NULL, NULL, m->in.data, m->in.len, m->associated.data, m->associated.len,         \
				       m->nonce.data, m->key.data) == 0)                                                         \
			return BULLA_OK;                                                                                         \
		return bulla_crypto_fail_auth(err);                                                                              \
	}
SODIUM_WORKERS(chacha, crypto_aead_chacha20poly1305_ietf)
SODIUM_WORKERS(xchacha, crypto_aead_xchacha20poly1305_ietf)

static const row rows[BULLA_AEAD_COUNT] = {
	[BULLA_AEAD_AES_256_GCM] = { { "AES-GCM", 32, 12 }, 1, 64, gcm_256_seal, gcm_256_open },
	[BULLA_AEAD_XAES_256_GCM] = { { "XAES-256-GCM", 32, 24 }, 24, 24, xaes_seal, xaes_open },
	[BULLA_AEAD_AES_128_GCM] = { { "AES-GCM", 16, 12 }, 1, 64, gcm_128_seal, gcm_128_open },
	[BULLA_AEAD_AES_192_GCM] = { { "AES-GCM", 24, 12 }, 1, 64, gcm_192_seal, gcm_192_open },
	[BULLA_AEAD_CHACHA20_POLY1305] = { { "CHACHA20-POLY1305", 32, 12 }, 12, 12, chacha_seal, chacha_open },
	[BULLA_AEAD_XCHACHA20_POLY1305] = { { "XCHACHA20-POLY1305", 32, 24 }, 24, 24, xchacha_seal, xchacha_open },
};

const bulla_aead_info *bulla_aead_about(bulla_aead algorithm)
{
	return (size_t)algorithm < BULLA_AEAD_COUNT ? &rows[algorithm].info : NULL;
}

static bulla_code check(bulla_aead algorithm, const message *m, bulla_error *err)
{
	if ((size_t)algorithm >= BULLA_AEAD_COUNT) return bulla_fail(err, BULLA_ERR_USAGE, "there is no such AEAD algorithm");
	const row *r = &rows[algorithm];
	if (m->key.len != r->info.key_size)
		return bulla_fail(err, BULLA_ERR_USAGE, "%s takes a key of %zu bytes, not %zu", r->info.name, r->info.key_size,
				  m->key.len);
	if (m->nonce.len < r->nonce_min || m->nonce.len > r->nonce_max)
		return bulla_fail(err, BULLA_ERR_USAGE, "%s takes a nonce of %zu bytes, not %zu", r->info.name,
				  r->info.nonce_size, m->nonce.len);
	if (m->in.len > BULLA_AEAD_MAX || m->associated.len > BULLA_AEAD_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "one message has at most %u bytes", BULLA_AEAD_MAX);
	return BULLA_OK;
}

/* What nearly every message is: spared the table, which costs a record 3 %. */
static inline bool is_common(bulla_aead algorithm, bulla_bytes key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes in)
{
	return algorithm == BULLA_AEAD_AES_256_GCM && key.len == BULLA_KEY_SIZE && nonce.len == BULLA_GCM_NONCE_SIZE &&
	       associated.len <= BULLA_AEAD_MAX && in.len <= BULLA_AEAD_MAX;
}

bulla_code bulla_aead_seal(bulla_lane *lane, bulla_aead algorithm, bulla_bytes key, bulla_bytes nonce, bulla_bytes associated,
			   bulla_bytes plain, uint8_t *out, bulla_error *err)
{
	TRY(bulla_lane_enter(lane, err));
	if (is_common(algorithm, key, nonce, associated, plain))
		return bulla_gcm_seal(&lane->gcm_seal[BULLA_GCM_256], key.data, nonce, associated, plain, out, err);
	const message m = { key, nonce, associated, plain, out };

	TRY(check(algorithm, &m, err));
	return rows[algorithm].seal(lane, &m, err);
}

bulla_code bulla_aead_open(bulla_lane *lane, bulla_aead algorithm, bulla_bytes key, bulla_bytes nonce, bulla_bytes associated,
			   bulla_bytes sealed, uint8_t *out, bulla_error *err)
{
	const message m = { key, nonce, associated, sealed, out };

	TRY(bulla_lane_enter(lane, err));
	TRY(check(algorithm, &m, err));
	if (sealed.len < BULLA_TAG_SIZE) return bulla_crypto_fail_auth(err);
	bulla_code code = rows[algorithm].open(lane, &m, err);
	if (code != BULLA_OK) bulla_wipe(out, sealed.len - BULLA_TAG_SIZE);
	return code;
}
