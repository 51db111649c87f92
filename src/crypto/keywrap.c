/*
 * keywrap.c - AES key wrap, with and without padding.
 */
#include "crypto/keywrap.h"

#include <openssl/evp.h>

#include "base/secret.h"
#include "crypto/fail.h"

enum { SEMIBLOCK = 8 };

/* OpenSSL's name of the algorithm; NULL when AES has no key of that length. */
static const char *cipher_name(size_t key_len, bool padded)
{
	static const char *const names[3][2] = {
		{ "AES-128-WRAP", "AES-128-WRAP-PAD" },
		{ "AES-192-WRAP", "AES-192-WRAP-PAD" },
		{ "AES-256-WRAP", "AES-256-WRAP-PAD" },
	};
	return key_len == 16 || key_len == 24 || key_len == 32 ? names[key_len / 8 - 2][padded] : NULL;
}

/* One pass in either direction; `out` has room for in.len + 16 bytes. */
static bool transform(const char *name, bool wraps, bulla_bytes key, bulla_bytes in, uint8_t *out, size_t *ret_len)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int head = 0, tail = 0;

	if (ctx) EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	bool good = cipher && ctx && EVP_CipherInit_ex2(ctx, cipher, key.data, NULL, wraps, NULL) == 1 &&
		    EVP_CipherUpdate(ctx, out, &head, in.data, (int)in.len) == 1 && head >= 0 &&
		    EVP_CipherFinal_ex(ctx, out + head, &tail) == 1;
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	*ret_len = (size_t)(head + tail);
	return good;
}

static bulla_code append(const char *name, bool wraps, bulla_bytes key, bulla_bytes in, bulla_buf *out, bulla_error *err)
{
	size_t len, room = in.len + 2 * SEMIBLOCK;

	TRY(bulla_buf_reserve(out, room, err));
	if (transform(name, wraps, key, in, out->data + out->len, &len)) {
		out->len += len;
		return BULLA_OK;
	}
	bulla_wipe(out->data + out->len, room);
	return wraps ? bulla_crypto_fail(err, "AES key wrap") : bulla_crypto_fail_auth(err);
}

bulla_code bulla_keywrap(bulla_bytes key, bool padded, bulla_bytes plain, bulla_buf *out, bulla_error *err)
{
	const char *name = cipher_name(key.len, padded);

	if (!name) return bulla_fail(err, BULLA_ERR_USAGE, "AES key wrap has no key of %zu bytes", key.len);
	if (plain.len > BULLA_KEYWRAP_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "AES key wrap of more than %d bytes", BULLA_KEYWRAP_MAX);
	if (padded ? plain.len == 0 : plain.len < 2 * SEMIBLOCK || plain.len % SEMIBLOCK)
		return bulla_fail(err, BULLA_ERR_USAGE,
				  padded ? "AES key wrap of no bytes"
					 : "AES key wrap without padding takes a multiple of 8 bytes, 16 or more");
	return append(name, true, key, plain, out, err);
}

bulla_code bulla_keyunwrap(bulla_bytes key, bool padded, bulla_bytes wrapped, bulla_buf *out, bulla_error *err)
{
	const char *name = cipher_name(key.len, padded);

	if (!name) return bulla_fail(err, BULLA_ERR_USAGE, "AES key wrap has no key of %zu bytes", key.len);
	if (wrapped.len > BULLA_KEYWRAP_MAX + 2 * SEMIBLOCK || wrapped.len % SEMIBLOCK ||
	    wrapped.len < (padded ? 2u : 3u) * SEMIBLOCK)
		return bulla_crypto_fail_auth(err);
	return append(name, false, key, wrapped, out, err);
}
