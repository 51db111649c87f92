/*
 * aead.h - authenticated encryption with associated data, one row per algorithm.
 *
 * Ciphertext and tag are one run of bytes: ciphertext, then the 16-byte tag. Opening is all or nothing: on
 * BULLA_ERR_AUTH the output is zeroed.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "crypto/lane.h"

#define BULLA_TAG_SIZE 16
#define BULLA_AEAD_MAX (1u << 30) /* bytes of one message, and of its associated data */
/* The one text of every authentication failure. */
#define BULLA_AUTH_TEXT       "decryption failed: wrong key, wrong context or changed data"
#define BULLA_GCM_NONCE_SIZE  12
#define BULLA_XAES_NONCE_SIZE 24

typedef enum bulla_aead {
	BULLA_AEAD_AES_256_GCM = 0,  /* NIST SP 800-38D; nonce 12 */
	BULLA_AEAD_XAES_256_GCM = 1, /* C2SP XAES-256-GCM: nonce 24, random nonces without a message count */
	BULLA_AEAD_AES_128_GCM = 2,
	BULLA_AEAD_AES_192_GCM = 3,
	BULLA_AEAD_CHACHA20_POLY1305 = 4,  /* RFC 8439; nonce 12 */
	BULLA_AEAD_XCHACHA20_POLY1305 = 5, /* draft-irtf-cfrg-xchacha-03; nonce 24 */
	BULLA_AEAD_COUNT
} bulla_aead;

/* Sizes of an algorithm in bytes, and its name in Wycheproof's spelling. Static. */
typedef struct bulla_aead_info {
	const char *name;
	size_t key_size;
	size_t nonce_size;
} bulla_aead_info;

const bulla_aead_info *bulla_aead_about(bulla_aead algorithm);

/* Writes plain.len + 16 bytes to `out`; `out` may be the plaintext's own place. GCM also takes other nonce lengths from
 * 1 to 64 bytes. USAGE for a wrong key or nonce length, LIMIT beyond BULLA_AEAD_MAX, CRYPTO when the library fails. */
BULLA_MUST bulla_code bulla_aead_seal(bulla_lane *lane, bulla_aead algorithm, bulla_bytes key, bulla_bytes nonce,
				      bulla_bytes associated, bulla_bytes plain, uint8_t *out, bulla_error *err);

/* Writes sealed.len - 16 bytes to `out`, which may be the ciphertext's own place. AUTH with its one text when the tag
 * does not fit or `sealed` is shorter than a tag. */
BULLA_MUST bulla_code bulla_aead_open(bulla_lane *lane, bulla_aead algorithm, bulla_bytes key, bulla_bytes nonce,
				      bulla_bytes associated, bulla_bytes sealed, uint8_t *out, bulla_error *err);

#endif
