/*
 * kdf.c - keys from keys and keys from passwords.
 */
#include "crypto/kdf.h"

#include <argon2.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto/fail.h"

enum { HASH_SIZE = 32 };

/* The hash below an HMAC row; NULL for a row that is no HMAC. */
static const char *hash_of(bulla_mac hmac)
{
	static const char *const names[BULLA_MAC_COUNT] = {
		[BULLA_HMAC_SHA256] = "SHA256",
		[BULLA_HMAC_SHA384] = "SHA384",
		[BULLA_HMAC_SHA512] = "SHA512",
		[BULLA_HMAC_SHA224] = "SHA224",
	};
	return (size_t)hmac < BULLA_MAC_COUNT ? names[hmac] : NULL;
}

static bulla_code check(const char *hash, size_t out_len, bulla_error *err)
{
	if (!hash) return bulla_fail(err, BULLA_ERR_USAGE, "key derivation needs an HMAC, which this algorithm is not");
	if (out_len == 0) return bulla_fail(err, BULLA_ERR_USAGE, "key derivation of no bytes");
	return BULLA_OK;
}

/* OpenSSL takes NULL for "not given", which is not the same as empty. */
static OSSL_PARAM octets(const char *name, bulla_bytes b)
{
	static const uint8_t none[1] = { 0 };
	return OSSL_PARAM_construct_octet_string(name, (void *)(b.len ? b.data : none), b.len);
}

bulla_code bulla_hkdf(bulla_mac hmac, bulla_bytes key, bulla_bytes salt, bulla_bytes info, uint8_t *out, size_t out_len,
		      bulla_error *err)
{
	const char *hash = hash_of(hmac);

	TRY(check(hash, out_len, err));
	if (out_len > 255 * bulla_mac_size(hmac))
		return bulla_fail(err, BULLA_ERR_LIMIT, "HKDF gives at most 255 hash lengths, %zu bytes",
				  255 * bulla_mac_size(hmac));
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)hash, 0),
		octets(OSSL_KDF_PARAM_KEY, key),
		octets(OSSL_KDF_PARAM_SALT, salt),
		octets(OSSL_KDF_PARAM_INFO, info),
		OSSL_PARAM_END,
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool good = ctx && EVP_KDF_derive(ctx, out, out_len, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return good ? BULLA_OK : bulla_crypto_fail(err, "HKDF");
}

bulla_code bulla_pbkdf2(bulla_mac hmac, bulla_bytes password, bulla_bytes salt, uint32_t iterations, uint8_t *out, size_t out_len,
			bulla_error *err)
{
	const char *hash = hash_of(hmac);

	TRY(check(hash, out_len, err));
	if (iterations == 0 || iterations > INT_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "PBKDF2 takes 1 to 2^31-1 iterations");
	if (password.len > BULLA_PASSWORD_MAX || salt.len > BULLA_PASSWORD_MAX || out_len > BULLA_PASSWORD_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "PBKDF2 takes and gives at most %u bytes", BULLA_PASSWORD_MAX);
	EVP_MD *md = EVP_MD_fetch(NULL, hash, NULL);
	bool good = md && PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.len, salt.data, (int)salt.len,
					    (int)iterations, md, (int)out_len, out) == 1;
	EVP_MD_free(md);
	return good ? BULLA_OK : bulla_crypto_fail(err, "PBKDF2");
}

bulla_code bulla_kbkdf(bulla_lane *lane, const uint8_t key[static BULLA_KEY_SIZE], const char *label, bulla_bytes context,
		       uint8_t *out, size_t out_len, bulla_error *err)
{
	uint8_t counter[4], bits[4];
	const bulla_bytes parts[] = {
		bulla_view(counter, sizeof counter),
		bulla_view(label, strlen(label) + 1), /* its NUL is the separator */
		context,
		bulla_view(bits, sizeof bits),
	};
	BULLA_SECRET block;

	if (out_len > UINT32_MAX / 8) return bulla_fail(err, BULLA_ERR_LIMIT, "SP 800-108 counts its output in 32 bits");
	bulla_put_u32(bits, (uint32_t)(out_len * 8));
	for (size_t done = 0; done < out_len; done += HASH_SIZE) {
		bulla_put_u32(counter, (uint32_t)(done / HASH_SIZE) + 1);
		bulla_code code = bulla_hmac_sha256(lane, key, parts, sizeof parts / sizeof *parts, block.bytes, err);
		if (code != BULLA_OK) {
			bulla_wipe(out, done);
			return code;
		}
		memcpy(out + done, block.bytes, out_len - done < HASH_SIZE ? out_len - done : HASH_SIZE);
	}
	return BULLA_OK;
}

bulla_code bulla_argon2id(bulla_bytes password, bulla_bytes salt, uint32_t passes, uint32_t memory_kib, uint32_t lanes,
			  uint8_t *out, size_t out_len, bulla_error *err)
{
	if (memory_kib > BULLA_ARGON2_KIB_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "Argon2id with more than %u KiB of memory", BULLA_ARGON2_KIB_MAX);
	if (password.len > BULLA_PASSWORD_MAX || salt.len > BULLA_PASSWORD_MAX || out_len > BULLA_PASSWORD_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "Argon2id takes and gives at most %u bytes", BULLA_PASSWORD_MAX);
	int result = argon2id_hash_raw(passes, memory_kib, lanes, password.data, password.len, salt.data, salt.len, out, out_len);
	if (result == ARGON2_OK) return BULLA_OK;
	if (result == ARGON2_MEMORY_ALLOCATION_ERROR) return bulla_fail_memory(err);
	if (result == ARGON2_THREAD_FAIL) return bulla_fail(err, BULLA_ERR_CRYPTO, "Argon2id could not start its threads");
	return bulla_fail(err, BULLA_ERR_USAGE, "Argon2id: %s", argon2_error_message(result));
}
