/*
 * fail.c - converts what OpenSSL reports into bulla's codes, in one place.
 */
#include "crypto/fail.h"

#include <openssl/err.h>

#include "crypto/aead.h"

/* Empties the queue; true when it tells of an allocation that failed, somewhere below what was noticed last. */
static bool was_memory(void)
{
	bool memory = false;
	for (unsigned long e; (e = ERR_get_error());)
		memory |= ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
	return memory;
}

bulla_code bulla_crypto_fail(bulla_error *err, const char *action)
{
	unsigned long last = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(last);

	if (was_memory()) return bulla_fail_memory(err);
	return bulla_fail(err, BULLA_ERR_CRYPTO, "%s failed: %s", action, reason ? reason : "the crypto library gives no reason");
}

bulla_code bulla_crypto_fail_auth(bulla_error *err)
{
	ERR_clear_error();
	return bulla_fail(err, BULLA_ERR_AUTH, BULLA_AUTH_TEXT);
}

bulla_code bulla_crypto_fail_as(bulla_error *err, bulla_code code, const char *text)
{
	return was_memory() ? bulla_fail_memory(err) : bulla_fail(err, code, "%s", text);
}
