/*
 * pkey.h - key pairs of a KMS: RSA, the elliptic curves and Ed25519, generated, written, and put to each use that AWS KMS has for them.
 *
 * A bulla_pkey is read once and then used by any number of threads at a time. Nothing here is remembered from call to call. USAGE is a
 * combination that does not exist (an algorithm that the spec does not have, a private operation on a public key), FORMAT what is no key of the
 * spec, AUTH a signature or a ciphertext that is wrong, with one text, however it is wrong. No error has a key or a plaintext in it.
 */
#ifndef CRYPTO_PKEY_H
#define CRYPTO_PKEY_H

#include "base/buf.h"
#include "crypto/key_spec.h"

#define BULLA_PKEY_PRIVATE_MAX   2560 /* bytes of PKCS #8 that are read or written; RSA_4096 has 2376 or so */
#define BULLA_PKEY_PUBLIC_MAX    1024 /* bytes of SubjectPublicKeyInfo likewise; RSA_4096 has 550 */
#define BULLA_PKEY_SIGNATURE_MAX 512  /* bytes of a signature, and of a ciphertext of RSA */
#define BULLA_PKEY_SHARED_MAX    66   /* bytes of a shared secret */

typedef struct bulla_pkey bulla_pkey;

/* A new pair. USAGE for a spec that has none. RSA takes its time: a second or more for 4096 bits. */
BULLA_MUST bulla_code bulla_pkey_generate(bulla_spec spec, bulla_pkey **out, bulla_error *err);
/* The pair of a private key, PKCS #8 in DER (RFC 5208) and nothing behind it. FORMAT unless it is one of `spec`. Whether its parts fit each other is
 * not looked at: see bulla_pkey_check(). */
BULLA_MUST bulla_code bulla_pkey_read_private(bulla_spec spec, bulla_bytes der, bulla_pkey **out, bulla_error *err);
/* A public key, SubjectPublicKeyInfo in DER (RFC 5280), in the one form that bulla_pkey_write_public() writes: named curve, uncompressed point.
 * FORMAT for all else, for points off the curve too. Edge: OpenSSL 3.0 does not say when it was an allocation that failed, so that it can be FORMAT. */
BULLA_MUST bulla_code bulla_pkey_read_public(bulla_spec spec, bulla_bytes der, bulla_pkey **out, bulla_error *err);
void bulla_pkey_free(bulla_pkey *pkey); /* wipes it; NULL is fine */

/* For private keys that somebody else made: FORMAT unless the parts fit each other, primes are prime and RSA's exponent is above 65536. Slow
 * for RSA. */
BULLA_MUST bulla_code bulla_pkey_check(const bulla_pkey *pkey, bulla_error *err);

bulla_spec bulla_pkey_spec(const bulla_pkey *pkey);
bool bulla_pkey_is_private(const bulla_pkey *pkey);

/* Appends PKCS #8; USAGE for a public key. */
BULLA_MUST bulla_code bulla_pkey_write_private(const bulla_pkey *pkey, bulla_buf *out, bulla_error *err);
/* Appends SubjectPublicKeyInfo. */
BULLA_MUST bulla_code bulla_pkey_write_public(const bulla_pkey *pkey, bulla_buf *out, bulla_error *err);

/* --- signatures -------------------------------------------------------------------------------------------------- */

typedef enum bulla_message_type {
	BULLA_MESSAGE_RAW,   /* hashed here */
	BULLA_MESSAGE_DIGEST /* hashed by the caller with the algorithm's hash */
} bulla_message_type;

/* Appends the signature: of RSA as long as the modulus (PSS: salt as long as the hash, MGF1 with the same hash), ECDSA's in DER (RFC 3279), Ed25519's
 * 64 bytes. ED25519_SHA_512 signs RAW messages alone, ED25519_PH_SHA_512 digests alone. USAGE for a digest of another length. */
BULLA_MUST bulla_code bulla_pkey_sign(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_message_type type,
				      bulla_bytes message, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_pkey_verify(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_message_type type,
					bulla_bytes message, bulla_bytes signature, bulla_error *err);

/* --- encryption (RSAES-OAEP, RFC 8017, no label) ----------------------------------------------------------------- */

/* The most bytes that a key of `spec` encrypts (RSA_2048: 214 with SHA-1, 190 with SHA-256); 0 where it cannot. */
size_t bulla_pkey_plain_max(bulla_spec spec, bulla_algorithm algorithm);
/* Appends the ciphertext, as long as the modulus. TOO_LARGE above bulla_pkey_plain_max(). */
BULLA_MUST bulla_code bulla_pkey_encrypt(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes plain, bulla_buf *out,
					 bulla_error *err);
/* Appends the plaintext. AUTH. */
BULLA_MUST bulla_code bulla_pkey_decrypt(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_bytes ciphertext,
					 bulla_buf *out, bulla_error *err);

/* How key material that is imported was wrapped for a public key of ours. */
typedef enum bulla_wrapping {
	BULLA_WRAPPING_RSAES_OAEP_SHA_1,
	BULLA_WRAPPING_RSAES_OAEP_SHA_256,
	BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_1, /* an AES key by OAEP, behind it the material by AES-KWP (RFC 5649) under that key */
	BULLA_WRAPPING_RSA_AES_KEY_WRAP_SHA_256,
	BULLA_WRAPPING_COUNT
} bulla_wrapping;

const char *bulla_wrapping_name(bulla_wrapping wrapping);
BULLA_MUST bool bulla_wrapping_find(bulla_bytes name, bulla_wrapping *out);
/* Appends the material. AUTH: which of the two layers was wrong is not told, by time neither. */
BULLA_MUST bulla_code bulla_pkey_unwrap(const bulla_pkey *pkey, bulla_wrapping wrapping, bulla_bytes wrapped, bulla_buf *out,
					bulla_error *err);

/* --- key agreement (ECDH, NIST SP 800-56A) ----------------------------------------------------------------------- */

/* Appends the shared secret: the X coordinate, as long as the curve's field (32, 48 or 66 bytes). `peer` is what bulla_pkey_read_public() takes, of
 * the same curve: FORMAT. */
BULLA_MUST bulla_code bulla_pkey_agree(const bulla_pkey *pkey, bulla_bytes peer, bulla_buf *out, bulla_error *err);

#endif
