/*
 * key_spec.h - the kinds of KMS keys, what they are for and which algorithms fit them, in the names of AWS KMS.
 */
#ifndef CRYPTO_KEY_SPEC_H
#define CRYPTO_KEY_SPEC_H

#include "base/bytes.h"
#include "crypto/mac.h"

/* Numbers are kept in stores: append only. SM2 and ML-DSA have none: OpenSSL 3.0 lacks the latter. */
typedef enum bulla_spec {
	BULLA_SPEC_SYMMETRIC_DEFAULT = 0, /* AES-256 */
	BULLA_SPEC_RSA_2048 = 1,
	BULLA_SPEC_RSA_3072 = 2,
	BULLA_SPEC_RSA_4096 = 3,
	BULLA_SPEC_ECC_NIST_P256 = 4,
	BULLA_SPEC_ECC_NIST_P384 = 5,
	BULLA_SPEC_ECC_NIST_P521 = 6,
	BULLA_SPEC_ECC_SECG_P256K1 = 7,
	BULLA_SPEC_ECC_NIST_EDWARDS25519 = 8, /* Ed25519, RFC 8032 */
	BULLA_SPEC_HMAC_224 = 9,
	BULLA_SPEC_HMAC_256 = 10,
	BULLA_SPEC_HMAC_384 = 11,
	BULLA_SPEC_HMAC_512 = 12,
	BULLA_SPEC_COUNT
} bulla_spec;

typedef enum bulla_family {
	BULLA_FAMILY_AES,
	BULLA_FAMILY_RSA,
	BULLA_FAMILY_EC, /* curves of Weierstrass's form */
	BULLA_FAMILY_EDWARDS,
	BULLA_FAMILY_HMAC
} bulla_family;

typedef struct bulla_spec_info {
	const char *name;
	bulla_family family;
	unsigned
		bits; /* of the RSA modulus, of the curve's field; AES and HMAC: of the key, so that it has bits / 8 random bytes */
} bulla_spec_info;

/* Static; NULL for a number that is no spec. */
const bulla_spec_info *bulla_spec_about(bulla_spec spec);
/* False when no spec that is offered has the name. */
BULLA_MUST bool bulla_spec_find(bulla_bytes name, bulla_spec *out);

/* KeyUsage. Kept in stores: append only. */
typedef enum bulla_use {
	BULLA_USE_ENCRYPT_DECRYPT = 0,
	BULLA_USE_SIGN_VERIFY = 1,
	BULLA_USE_GENERATE_VERIFY_MAC = 2,
	BULLA_USE_KEY_AGREEMENT = 3,
	BULLA_USE_COUNT
} bulla_use;

/* "ENCRYPT_DECRYPT"; static, NULL for a number that is no use. */
const char *bulla_use_name(bulla_use use);
BULLA_MUST bool bulla_use_find(bulla_bytes name, bulla_use *out);

/* EncryptionAlgorithm, SigningAlgorithm, MacAlgorithm and KeyAgreementAlgorithm in one table, in the order of DescribeKey's lists. */
typedef enum bulla_algorithm {
	BULLA_ALGORITHM_SYMMETRIC_DEFAULT = 0,
	BULLA_ALGORITHM_RSAES_OAEP_SHA_1,
	BULLA_ALGORITHM_RSAES_OAEP_SHA_256,
	BULLA_ALGORITHM_RSASSA_PKCS1_V1_5_SHA_256,
	BULLA_ALGORITHM_RSASSA_PKCS1_V1_5_SHA_384,
	BULLA_ALGORITHM_RSASSA_PKCS1_V1_5_SHA_512,
	BULLA_ALGORITHM_RSASSA_PSS_SHA_256,
	BULLA_ALGORITHM_RSASSA_PSS_SHA_384,
	BULLA_ALGORITHM_RSASSA_PSS_SHA_512,
	BULLA_ALGORITHM_ECDSA_SHA_256,
	BULLA_ALGORITHM_ECDSA_SHA_384,
	BULLA_ALGORITHM_ECDSA_SHA_512,
	BULLA_ALGORITHM_ED25519_PH_SHA_512,
	BULLA_ALGORITHM_ED25519_SHA_512,
	BULLA_ALGORITHM_HMAC_SHA_224,
	BULLA_ALGORITHM_HMAC_SHA_256,
	BULLA_ALGORITHM_HMAC_SHA_384,
	BULLA_ALGORITHM_HMAC_SHA_512,
	BULLA_ALGORITHM_ECDH,
	BULLA_ALGORITHM_COUNT
} bulla_algorithm;

typedef struct bulla_algorithm_info {
	const char *name;
	bulla_use use;
	uint32_t specs;     /* one bit for each spec that it fits */
	const char *digest; /* OpenSSL's name of the hash; NULL: none that is ours to choose */
	size_t digest_size; /* bytes of the hash, and so of a message that is signed by its digest; 0: there is none */
	bulla_mac mac;      /* of BULLA_USE_GENERATE_VERIFY_MAC */
} bulla_algorithm_info;

/* Static; NULL for a number that is no algorithm. */
const bulla_algorithm_info *bulla_algorithm_about(bulla_algorithm algorithm);
BULLA_MUST bool bulla_algorithm_find(bulla_bytes name, bulla_algorithm *out);
/* True when a key of `spec` that is made for `use` can be used with it. False for numbers that are none. */
bool bulla_algorithm_fits(bulla_algorithm algorithm, bulla_spec spec, bulla_use use);

#endif
