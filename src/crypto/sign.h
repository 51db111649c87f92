/*
 * sign.h - Ed25519 and Ed25519ph (RFC 8032): the signatures of audit checkpoints, of verification reports and of the KMS.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "base/error.h"
#include "base/secret.h"

#define BULLA_SIGNATURE_SIZE 64
#define BULLA_PREHASH_SIZE   64 /* bytes of a SHA-512 */

/* The public key of a 32-byte seed. */
BULLA_MUST bulla_code bulla_ed25519_public(const uint8_t seed[static 32], uint8_t ret_public[static 32], bulla_error *err);
BULLA_MUST bulla_code bulla_ed25519_sign(const uint8_t seed[static 32], bulla_bytes message,
					 uint8_t ret_signature[static BULLA_SIGNATURE_SIZE], bulla_error *err);
/* AUTH when the signature is not by that key over that message, or has another length. */
BULLA_MUST bulla_code bulla_ed25519_verify(const uint8_t public_key[static 32], bulla_bytes message, bulla_bytes signature,
					   bulla_error *err);

/* Ed25519ph without a context, over the SHA-512 of a message that the caller has hashed. A signature of the one is never one of the other. */
BULLA_MUST bulla_code bulla_ed25519ph_sign(const uint8_t seed[static 32], const uint8_t prehash[static BULLA_PREHASH_SIZE],
					   uint8_t ret_signature[static BULLA_SIGNATURE_SIZE], bulla_error *err);
BULLA_MUST bulla_code bulla_ed25519ph_verify(const uint8_t public_key[static 32],
					     const uint8_t prehash[static BULLA_PREHASH_SIZE], bulla_bytes signature,
					     bulla_error *err);

#endif
