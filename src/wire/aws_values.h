/*
 * aws_values.h - the values that AWS's enumerations have.
 *
 * One list for each: X(CONSTANT, "text as sent"). The constants are numbered as they stand, and bulla_aws_value.number is that
 * number.
 */
#ifndef WIRE_AWS_VALUES_H
#define WIRE_AWS_VALUES_H

#define BULLA_AWS_KEY_SPECS(X)                                                                                                   \
	X(KEY_SPEC_RSA_2048, "RSA_2048")                                                                                         \
	X(KEY_SPEC_RSA_3072, "RSA_3072")                                                                                         \
	X(KEY_SPEC_RSA_4096, "RSA_4096")                                                                                         \
	X(KEY_SPEC_ECC_NIST_P256, "ECC_NIST_P256")                                                                               \
	X(KEY_SPEC_ECC_NIST_P384, "ECC_NIST_P384")                                                                               \
	X(KEY_SPEC_ECC_NIST_P521, "ECC_NIST_P521")                                                                               \
	X(KEY_SPEC_ECC_SECG_P256K1, "ECC_SECG_P256K1")                                                                           \
	X(KEY_SPEC_SYMMETRIC_DEFAULT, "SYMMETRIC_DEFAULT")                                                                       \
	X(KEY_SPEC_HMAC_224, "HMAC_224")                                                                                         \
	X(KEY_SPEC_HMAC_256, "HMAC_256")                                                                                         \
	X(KEY_SPEC_HMAC_384, "HMAC_384")                                                                                         \
	X(KEY_SPEC_HMAC_512, "HMAC_512")                                                                                         \
	X(KEY_SPEC_SM2, "SM2")                                                                                                   \
	X(KEY_SPEC_ML_DSA_44, "ML_DSA_44")                                                                                       \
	X(KEY_SPEC_ML_DSA_65, "ML_DSA_65")                                                                                       \
	X(KEY_SPEC_ML_DSA_87, "ML_DSA_87")                                                                                       \
	X(KEY_SPEC_ECC_NIST_EDWARDS25519, "ECC_NIST_EDWARDS25519")

/* The first thirteen of BULLA_AWS_KEY_SPECS, with the same numbers: CustomerMasterKeySpec, the older name of KeySpec. */
#define BULLA_AWS_OLD_KEY_SPECS 13

#define BULLA_AWS_PAIR_SPECS(X)                                                                                                  \
	X(PAIR_SPEC_RSA_2048, "RSA_2048")                                                                                        \
	X(PAIR_SPEC_RSA_3072, "RSA_3072")                                                                                        \
	X(PAIR_SPEC_RSA_4096, "RSA_4096")                                                                                        \
	X(PAIR_SPEC_ECC_NIST_P256, "ECC_NIST_P256")                                                                              \
	X(PAIR_SPEC_ECC_NIST_P384, "ECC_NIST_P384")                                                                              \
	X(PAIR_SPEC_ECC_NIST_P521, "ECC_NIST_P521")                                                                              \
	X(PAIR_SPEC_ECC_SECG_P256K1, "ECC_SECG_P256K1")                                                                          \
	X(PAIR_SPEC_SM2, "SM2")                                                                                                  \
	X(PAIR_SPEC_ECC_NIST_EDWARDS25519, "ECC_NIST_EDWARDS25519")

#define BULLA_AWS_DATA_KEY_SPECS(X)                                                                                              \
	X(DATA_KEY_SPEC_AES_256, "AES_256")                                                                                      \
	X(DATA_KEY_SPEC_AES_128, "AES_128")

#define BULLA_AWS_KEY_USAGES(X)                                                                                                  \
	X(KEY_USAGE_SIGN_VERIFY, "SIGN_VERIFY")                                                                                  \
	X(KEY_USAGE_ENCRYPT_DECRYPT, "ENCRYPT_DECRYPT")                                                                          \
	X(KEY_USAGE_GENERATE_VERIFY_MAC, "GENERATE_VERIFY_MAC")                                                                  \
	X(KEY_USAGE_KEY_AGREEMENT, "KEY_AGREEMENT")

#define BULLA_AWS_ORIGINS(X)                                                                                                     \
	X(ORIGIN_AWS_KMS, "AWS_KMS")                                                                                             \
	X(ORIGIN_EXTERNAL, "EXTERNAL")                                                                                           \
	X(ORIGIN_AWS_CLOUDHSM, "AWS_CLOUDHSM")                                                                                   \
	X(ORIGIN_EXTERNAL_KEY_STORE, "EXTERNAL_KEY_STORE")

#define BULLA_AWS_ENCRYPTION_ALGORITHMS(X)                                                                                       \
	X(ENCRYPTION_SYMMETRIC_DEFAULT, "SYMMETRIC_DEFAULT")                                                                     \
	X(ENCRYPTION_RSAES_OAEP_SHA_1, "RSAES_OAEP_SHA_1")                                                                       \
	X(ENCRYPTION_RSAES_OAEP_SHA_256, "RSAES_OAEP_SHA_256")                                                                   \
	X(ENCRYPTION_SM2PKE, "SM2PKE")

#define BULLA_AWS_SIGNING_ALGORITHMS(X)                                                                                          \
	X(SIGNING_RSASSA_PSS_SHA_256, "RSASSA_PSS_SHA_256")                                                                      \
	X(SIGNING_RSASSA_PSS_SHA_384, "RSASSA_PSS_SHA_384")                                                                      \
	X(SIGNING_RSASSA_PSS_SHA_512, "RSASSA_PSS_SHA_512")                                                                      \
	X(SIGNING_RSASSA_PKCS1_V1_5_SHA_256, "RSASSA_PKCS1_V1_5_SHA_256")                                                        \
	X(SIGNING_RSASSA_PKCS1_V1_5_SHA_384, "RSASSA_PKCS1_V1_5_SHA_384")                                                        \
	X(SIGNING_RSASSA_PKCS1_V1_5_SHA_512, "RSASSA_PKCS1_V1_5_SHA_512")                                                        \
	X(SIGNING_ECDSA_SHA_256, "ECDSA_SHA_256")                                                                                \
	X(SIGNING_ECDSA_SHA_384, "ECDSA_SHA_384")                                                                                \
	X(SIGNING_ECDSA_SHA_512, "ECDSA_SHA_512")                                                                                \
	X(SIGNING_SM2DSA, "SM2DSA")                                                                                              \
	X(SIGNING_ML_DSA_SHAKE_256, "ML_DSA_SHAKE_256")                                                                          \
	X(SIGNING_ED25519_SHA_512, "ED25519_SHA_512")                                                                            \
	X(SIGNING_ED25519_PH_SHA_512, "ED25519_PH_SHA_512")

#define BULLA_AWS_MESSAGE_TYPES(X)                                                                                               \
	X(MESSAGE_RAW, "RAW")                                                                                                    \
	X(MESSAGE_DIGEST, "DIGEST")                                                                                              \
	X(MESSAGE_EXTERNAL_MU, "EXTERNAL_MU")

#define BULLA_AWS_MAC_ALGORITHMS(X)                                                                                              \
	X(MAC_HMAC_SHA_224, "HMAC_SHA_224")                                                                                      \
	X(MAC_HMAC_SHA_256, "HMAC_SHA_256")                                                                                      \
	X(MAC_HMAC_SHA_384, "HMAC_SHA_384")                                                                                      \
	X(MAC_HMAC_SHA_512, "HMAC_SHA_512")

#define BULLA_AWS_KEY_AGREEMENTS(X) X(KEY_AGREEMENT_ECDH, "ECDH")

#define BULLA_AWS_WRAPPING_ALGORITHMS(X)                                                                                         \
	X(WRAPPING_RSAES_PKCS1_V1_5, "RSAES_PKCS1_V1_5")                                                                         \
	X(WRAPPING_RSAES_OAEP_SHA_1, "RSAES_OAEP_SHA_1")                                                                         \
	X(WRAPPING_RSAES_OAEP_SHA_256, "RSAES_OAEP_SHA_256")                                                                     \
	X(WRAPPING_RSA_AES_KEY_WRAP_SHA_1, "RSA_AES_KEY_WRAP_SHA_1")                                                             \
	X(WRAPPING_RSA_AES_KEY_WRAP_SHA_256, "RSA_AES_KEY_WRAP_SHA_256")                                                         \
	X(WRAPPING_SM2PKE, "SM2PKE")

#define BULLA_AWS_WRAPPING_KEY_SPECS(X)                                                                                          \
	X(WRAPPING_KEY_RSA_2048, "RSA_2048")                                                                                     \
	X(WRAPPING_KEY_RSA_3072, "RSA_3072")                                                                                     \
	X(WRAPPING_KEY_RSA_4096, "RSA_4096")                                                                                     \
	X(WRAPPING_KEY_SM2, "SM2")

#define BULLA_AWS_EXPIRATION_MODELS(X)                                                                                           \
	X(EXPIRATION_EXPIRES, "KEY_MATERIAL_EXPIRES")                                                                            \
	X(EXPIRATION_DOES_NOT_EXPIRE, "KEY_MATERIAL_DOES_NOT_EXPIRE")

#define BULLA_AWS_IMPORT_TYPES(X)                                                                                                \
	X(IMPORT_NEW, "NEW_KEY_MATERIAL")                                                                                        \
	X(IMPORT_EXISTING, "EXISTING_KEY_MATERIAL")

#define BULLA_AWS_INCLUDE_KEY_MATERIALS(X)                                                                                       \
	X(INCLUDE_ALL_KEY_MATERIAL, "ALL_KEY_MATERIAL")                                                                          \
	X(INCLUDE_ROTATIONS_ONLY, "ROTATIONS_ONLY")

#define BULLA_AWS_DRY_RUN_MODIFIERS(X) X(DRY_RUN_IGNORE_CIPHERTEXT, "IGNORE_CIPHERTEXT")

#define BULLA_AWS_GRANT_OPERATIONS(X)                                                                                            \
	X(GRANT_DECRYPT, "Decrypt")                                                                                              \
	X(GRANT_ENCRYPT, "Encrypt")                                                                                              \
	X(GRANT_GENERATE_DATA_KEY, "GenerateDataKey")                                                                            \
	X(GRANT_GENERATE_DATA_KEY_WITHOUT_PLAINTEXT, "GenerateDataKeyWithoutPlaintext")                                          \
	X(GRANT_RE_ENCRYPT_FROM, "ReEncryptFrom")                                                                                \
	X(GRANT_RE_ENCRYPT_TO, "ReEncryptTo")                                                                                    \
	X(GRANT_SIGN, "Sign")                                                                                                    \
	X(GRANT_VERIFY, "Verify")                                                                                                \
	X(GRANT_GET_PUBLIC_KEY, "GetPublicKey")                                                                                  \
	X(GRANT_CREATE_GRANT, "CreateGrant")                                                                                     \
	X(GRANT_RETIRE_GRANT, "RetireGrant")                                                                                     \
	X(GRANT_DESCRIBE_KEY, "DescribeKey")                                                                                     \
	X(GRANT_GENERATE_DATA_KEY_PAIR, "GenerateDataKeyPair")                                                                   \
	X(GRANT_GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT, "GenerateDataKeyPairWithoutPlaintext")                                 \
	X(GRANT_GENERATE_MAC, "GenerateMac")                                                                                     \
	X(GRANT_VERIFY_MAC, "VerifyMac")                                                                                         \
	X(GRANT_DERIVE_SHARED_SECRET, "DeriveSharedSecret")

#define BULLA_AWS_KEY_ENCRYPTIONS(X) X(KEY_ENCRYPTION_RSAES_OAEP_SHA_256, "RSAES_OAEP_SHA_256")

#define BULLA_AWS_KEY_STORE_TYPES(X)                                                                                             \
	X(KEY_STORE_AWS_CLOUDHSM, "AWS_CLOUDHSM")                                                                                \
	X(KEY_STORE_EXTERNAL, "EXTERNAL_KEY_STORE")

#define BULLA_AWS_PROXY_CONNECTIVITIES(X)                                                                                        \
	X(PROXY_PUBLIC_ENDPOINT, "PUBLIC_ENDPOINT")                                                                              \
	X(PROXY_VPC_ENDPOINT_SERVICE, "VPC_ENDPOINT_SERVICE")

/* CloudTrail */
#define BULLA_AWS_LOOKUP_KEYS(X)                                                                                                 \
	X(LOOKUP_EVENT_ID, "EventId")                                                                                            \
	X(LOOKUP_EVENT_NAME, "EventName")                                                                                        \
	X(LOOKUP_READ_ONLY, "ReadOnly")                                                                                          \
	X(LOOKUP_USERNAME, "Username")                                                                                           \
	X(LOOKUP_RESOURCE_TYPE, "ResourceType")                                                                                  \
	X(LOOKUP_RESOURCE_NAME, "ResourceName")                                                                                  \
	X(LOOKUP_EVENT_SOURCE, "EventSource")                                                                                    \
	X(LOOKUP_ACCESS_KEY_ID, "AccessKeyId")

#define BULLA_AWS_EVENT_CATEGORIES(X) X(EVENT_CATEGORY_INSIGHT, "insight")

#define BULLA_AWS_CONSTANT_(name, text) BULLA_AWS_##name,
enum { BULLA_AWS_KEY_SPECS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_PAIR_SPECS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_DATA_KEY_SPECS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_KEY_USAGES(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_ORIGINS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_ENCRYPTION_ALGORITHMS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_SIGNING_ALGORITHMS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_MESSAGE_TYPES(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_MAC_ALGORITHMS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_KEY_AGREEMENTS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_WRAPPING_ALGORITHMS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_WRAPPING_KEY_SPECS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_EXPIRATION_MODELS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_IMPORT_TYPES(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_INCLUDE_KEY_MATERIALS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_DRY_RUN_MODIFIERS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_GRANT_OPERATIONS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_KEY_ENCRYPTIONS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_KEY_STORE_TYPES(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_PROXY_CONNECTIVITIES(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_LOOKUP_KEYS(BULLA_AWS_CONSTANT_) };
enum { BULLA_AWS_EVENT_CATEGORIES(BULLA_AWS_CONSTANT_) };

#endif
