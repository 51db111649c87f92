/*
 * kdf.h - key derivation: HKDF, PBKDF2, SP 800-108 and Argon2id.
 */
#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include "crypto/lane.h"
#include "crypto/mac.h"

#define BULLA_PASSWORD_MAX   (1u << 20) /* bytes of a password, its salt, and what is derived from it */
#define BULLA_ARGON2_KIB_MAX (4u << 20) /* 4 GiB */

/* HKDF (RFC 5869) with the hash of an HMAC row. USAGE when `hmac` is no HMAC or `out_len` is 0, LIMIT above 255 hash
 * lengths. */
BULLA_MUST bulla_code bulla_hkdf(bulla_mac hmac, bulla_bytes key, bulla_bytes salt, bulla_bytes info, uint8_t *out,
				 size_t out_len, bulla_error *err);

/* PBKDF2 (RFC 8018) with the hash of an HMAC row. USAGE for no iterations or no output. */
BULLA_MUST bulla_code bulla_pbkdf2(bulla_mac hmac, bulla_bytes password, bulla_bytes salt, uint32_t iterations, uint8_t *out,
				   size_t out_len, bulla_error *err);

/* NIST SP 800-108 in counter mode with HMAC-SHA-256: for i = 1, 2, ...: HMAC(key, u32 i ‖ label ‖ 00 ‖ context ‖
 * u32 bits of the whole output). Through the lane's kept HMAC, ten times as fast as EVP_KDF. `out` is zeroed on failure. */
BULLA_MUST bulla_code bulla_kbkdf(bulla_lane *lane, const uint8_t key[static BULLA_KEY_SIZE], const char *label,
				  bulla_bytes context, uint8_t *out, size_t out_len, bulla_error *err);

/* Argon2id (RFC 9106), version 0x13, any salt of at least 8 bytes. `memory_kib` is in KiB, at least 8 per lane; `out_len`
 * is at least 4. USAGE outside these, LIMIT beyond the limits above. */
BULLA_MUST bulla_code bulla_argon2id(bulla_bytes password, bulla_bytes salt, uint32_t passes, uint32_t memory_kib, uint32_t lanes,
				     uint8_t *out, size_t out_len, bulla_error *err);

#endif
