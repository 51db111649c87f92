/*
 * random.c - the buffer of random bytes that a lane draws from.
 */
#include "crypto/random.h"

#include <limits.h>
#include <openssl/rand.h>

#include "base/secret.h"
#include "crypto/fail.h"

/* RAND_bytes takes an int. */
static bulla_code generate(uint8_t *out, size_t n, bulla_error *err)
{
	for (size_t done = 0; done < n;) {
		size_t part = n - done < INT_MAX ? n - done : INT_MAX;
		if (RAND_bytes(out + done, (int)part) != 1) {
			bulla_wipe(out, n);
			return bulla_crypto_fail(err, "drawing random bytes");
		}
		done += part;
	}
	return BULLA_OK;
}

bulla_code bulla_random_draw(uint8_t buffer[static BULLA_RANDOM_BYTES], size_t *left, uint8_t *out, size_t n, bulla_error *err)
{
	if (n > BULLA_RANDOM_BYTES) return generate(out, n, err);
	for (size_t done = 0; done < n;) {
		bulla_code code = *left ? BULLA_OK : generate(buffer, BULLA_RANDOM_BYTES, err);
		if (code != BULLA_OK) {
			bulla_wipe(out, n);
			return code;
		}
		if (!*left) *left = BULLA_RANDOM_BYTES;
		size_t part = n - done < *left ? n - done : *left;
		uint8_t *from = buffer + (BULLA_RANDOM_BYTES - *left);
		memcpy(out + done, from, part);
		bulla_wipe(from, part);
		*left -= part;
		done += part;
	}
	return BULLA_OK;
}
