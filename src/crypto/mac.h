/*
 * mac.h - message authentication codes, one row per algorithm, in one call.
 */
#ifndef CRYPTO_MAC_H
#define CRYPTO_MAC_H

#include "base/error.h"
#include "base/bytes.h"

typedef enum bulla_mac {
	BULLA_HMAC_SHA256 = 0, /* RFC 2104, any key length */
	BULLA_HMAC_SHA384 = 1,
	BULLA_HMAC_SHA512 = 2,
	BULLA_AES_CMAC = 3, /* RFC 4493, NIST SP 800-38B; key 16, 24 or 32 */
	BULLA_HMAC_SHA224 = 4,
	BULLA_MAC_COUNT
} bulla_mac;

/* The length of the full tag in bytes, and the name in Wycheproof's spelling. */
size_t bulla_mac_size(bulla_mac algorithm);
const char *bulla_mac_name(bulla_mac algorithm);

/* Writes the full tag (at most 64 bytes) to `out`. USAGE for a key length the algorithm does not have. */
BULLA_MUST bulla_code bulla_mac_compute(bulla_mac algorithm, bulla_bytes key, bulla_bytes message, uint8_t out[static 64],
					bulla_error *err);
/* AUTH unless `tag` is the full tag; how much of it is right is not told, by time neither. USAGE as above. */
BULLA_MUST bulla_code bulla_mac_verify(bulla_mac algorithm, bulla_bytes key, bulla_bytes message, bulla_bytes tag,
				       bulla_error *err);

#endif
