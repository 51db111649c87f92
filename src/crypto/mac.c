/*
 * mac.c - the table of message authentication codes.
 */
#include "crypto/mac.h"

#include <openssl/evp.h>

#include "base/secret.h"
#include "crypto/fail.h"

typedef struct row {
	const char *name;         /* Wycheproof's */
	const char *mac, *detail; /* OpenSSL's: the kind, and its digest or cipher */
	size_t size;
} row;

static const row rows[BULLA_MAC_COUNT] = {
	[BULLA_HMAC_SHA256] = { "HMACSHA256", "HMAC", "SHA256", 32 },
	[BULLA_HMAC_SHA384] = { "HMACSHA384", "HMAC", "SHA384", 48 },
	[BULLA_HMAC_SHA512] = { "HMACSHA512", "HMAC", "SHA512", 64 },
	[BULLA_AES_CMAC] = { "AES-CMAC", "CMAC", NULL, 16 },
	[BULLA_HMAC_SHA224] = { "HMACSHA224", "HMAC", "SHA224", 28 },
};

size_t bulla_mac_size(bulla_mac algorithm)
{
	return (size_t)algorithm < BULLA_MAC_COUNT ? rows[algorithm].size : 0;
}

const char *bulla_mac_name(bulla_mac algorithm)
{
	return (size_t)algorithm < BULLA_MAC_COUNT ? rows[algorithm].name : NULL;
}

/* CMAC's cipher follows from the length of its key; NULL when AES has no such key. */
static const char *detail(const row *r, size_t key_len)
{
	if (r->detail) return r->detail;
	return key_len == 16 ? "AES-128-CBC" : key_len == 24 ? "AES-192-CBC" : key_len == 32 ? "AES-256-CBC" : NULL;
}

bulla_code bulla_mac_compute(bulla_mac algorithm, bulla_bytes key, bulla_bytes message, uint8_t out[static 64], bulla_error *err)
{
	static const uint8_t none[1]; /* OpenSSL takes a NULL for "not given", which is not the same as empty */

	if ((size_t)algorithm >= BULLA_MAC_COUNT) return bulla_fail(err, BULLA_ERR_USAGE, "there is no such MAC algorithm");
	const row *r = &rows[algorithm];
	const char *with = detail(r, key.len);
	if (!with) return bulla_fail(err, BULLA_ERR_USAGE, "%s has no key of %zu bytes", r->name, key.len);
	size_t len;
	if (!EVP_Q_mac(NULL, r->mac, NULL, with, NULL, key.len ? key.data : none, key.len, message.len ? message.data : none,
		       message.len, out, 64, &len) ||
	    len != r->size)
		return bulla_crypto_fail(err, r->name);
	return BULLA_OK;
}

bulla_code bulla_mac_verify(bulla_mac algorithm, bulla_bytes key, bulla_bytes message, bulla_bytes tag, bulla_error *err)
{
	uint8_t right[64];

	TRY(bulla_mac_compute(algorithm, key, message, right, err));
	bool good = tag.len == bulla_mac_size(algorithm) && bulla_equal_ct(right, tag.data, tag.len);
	bulla_wipe(right, sizeof right);
	return good ? BULLA_OK : bulla_fail(err, BULLA_ERR_AUTH, "the tag does not fit the key and the message");
}
