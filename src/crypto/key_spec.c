/*
 * key_spec.c - the tables of key specs, uses and algorithms.
 */
#include "crypto/key_spec.h"

static const bulla_spec_info specs[BULLA_SPEC_COUNT] = {
	[BULLA_SPEC_SYMMETRIC_DEFAULT] = { "SYMMETRIC_DEFAULT", BULLA_FAMILY_AES, 256 },
	[BULLA_SPEC_RSA_2048] = { "RSA_2048", BULLA_FAMILY_RSA, 2048 },
	[BULLA_SPEC_RSA_3072] = { "RSA_3072", BULLA_FAMILY_RSA, 3072 },
	[BULLA_SPEC_RSA_4096] = { "RSA_4096", BULLA_FAMILY_RSA, 4096 },
	[BULLA_SPEC_ECC_NIST_P256] = { "ECC_NIST_P256", BULLA_FAMILY_EC, 256 },
	[BULLA_SPEC_ECC_NIST_P384] = { "ECC_NIST_P384", BULLA_FAMILY_EC, 384 },
	[BULLA_SPEC_ECC_NIST_P521] = { "ECC_NIST_P521", BULLA_FAMILY_EC, 521 },
	[BULLA_SPEC_ECC_SECG_P256K1] = { "ECC_SECG_P256K1", BULLA_FAMILY_EC, 256 },
	[BULLA_SPEC_ECC_NIST_EDWARDS25519] = { "ECC_NIST_EDWARDS25519", BULLA_FAMILY_EDWARDS, 255 },
	[BULLA_SPEC_HMAC_224] = { "HMAC_224", BULLA_FAMILY_HMAC, 224 },
	[BULLA_SPEC_HMAC_256] = { "HMAC_256", BULLA_FAMILY_HMAC, 256 },
	[BULLA_SPEC_HMAC_384] = { "HMAC_384", BULLA_FAMILY_HMAC, 384 },
	[BULLA_SPEC_HMAC_512] = { "HMAC_512", BULLA_FAMILY_HMAC, 512 },
};

static const char *const uses[BULLA_USE_COUNT] = {
	[BULLA_USE_ENCRYPT_DECRYPT] = "ENCRYPT_DECRYPT",
	[BULLA_USE_SIGN_VERIFY] = "SIGN_VERIFY",
	[BULLA_USE_GENERATE_VERIFY_MAC] = "GENERATE_VERIFY_MAC",
	[BULLA_USE_KEY_AGREEMENT] = "KEY_AGREEMENT",
};

#define SPEC(name) (1u << BULLA_SPEC_##name)
#define RSA        (SPEC(RSA_2048) | SPEC(RSA_3072) | SPEC(RSA_4096))
#define NIST       (SPEC(ECC_NIST_P256) | SPEC(ECC_NIST_P384) | SPEC(ECC_NIST_P521))

#define ROW(name, ...)                    [BULLA_ALGORITHM_##name] = { #name, __VA_ARGS__ }
#define ENCRYPTS(name, specs, hash, size) ROW(name, BULLA_USE_ENCRYPT_DECRYPT, specs, hash, size, 0)
#define SIGNS(name, specs, hash, size)    ROW(name, BULLA_USE_SIGN_VERIFY, specs, hash, size, 0)
#define MACS(bits)                        ROW(HMAC_SHA_##bits, BULLA_USE_GENERATE_VERIFY_MAC, SPEC(HMAC_##bits), NULL, 0, BULLA_HMAC_SHA##bits)

static const bulla_algorithm_info algorithms[BULLA_ALGORITHM_COUNT] = {
	ENCRYPTS(SYMMETRIC_DEFAULT, SPEC(SYMMETRIC_DEFAULT), NULL, 0),
	ENCRYPTS(RSAES_OAEP_SHA_1, RSA, "SHA1", 20),
	ENCRYPTS(RSAES_OAEP_SHA_256, RSA, "SHA256", 32),
	SIGNS(RSASSA_PKCS1_V1_5_SHA_256, RSA, "SHA256", 32),
	SIGNS(RSASSA_PKCS1_V1_5_SHA_384, RSA, "SHA384", 48),
	SIGNS(RSASSA_PKCS1_V1_5_SHA_512, RSA, "SHA512", 64),
	SIGNS(RSASSA_PSS_SHA_256, RSA, "SHA256", 32),
	SIGNS(RSASSA_PSS_SHA_384, RSA, "SHA384", 48),
	SIGNS(RSASSA_PSS_SHA_512, RSA, "SHA512", 64),
	SIGNS(ECDSA_SHA_256, SPEC(ECC_NIST_P256) | SPEC(ECC_SECG_P256K1), "SHA256", 32),
	SIGNS(ECDSA_SHA_384, SPEC(ECC_NIST_P384), "SHA384", 48),
	SIGNS(ECDSA_SHA_512, SPEC(ECC_NIST_P521), "SHA512", 64),
	SIGNS(ED25519_PH_SHA_512, SPEC(ECC_NIST_EDWARDS25519), NULL, 64),
	SIGNS(ED25519_SHA_512, SPEC(ECC_NIST_EDWARDS25519), NULL, 0),
	MACS(224),
	MACS(256),
	MACS(384),
	MACS(512),
	ROW(ECDH, BULLA_USE_KEY_AGREEMENT, NIST, NULL, 0, 0),
};

const bulla_spec_info *bulla_spec_about(bulla_spec spec)
{
	return (size_t)spec < BULLA_SPEC_COUNT ? &specs[spec] : NULL;
}

bool bulla_spec_find(bulla_bytes name, bulla_spec *out)
{
	for (size_t i = 0; i < BULLA_SPEC_COUNT; i++)
		if (bulla_bytes_is(name, specs[i].name)) {
			*out = (bulla_spec)i;
			return true;
		}
	return false;
}

const char *bulla_use_name(bulla_use use)
{
	return (size_t)use < BULLA_USE_COUNT ? uses[use] : NULL;
}

bool bulla_use_find(bulla_bytes name, bulla_use *out)
{
	for (size_t i = 0; i < BULLA_USE_COUNT; i++)
		if (bulla_bytes_is(name, uses[i])) {
			*out = (bulla_use)i;
			return true;
		}
	return false;
}

const bulla_algorithm_info *bulla_algorithm_about(bulla_algorithm algorithm)
{
	return (size_t)algorithm < BULLA_ALGORITHM_COUNT ? &algorithms[algorithm] : NULL;
}

bool bulla_algorithm_find(bulla_bytes name, bulla_algorithm *out)
{
	for (size_t i = 0; i < BULLA_ALGORITHM_COUNT; i++)
		if (bulla_bytes_is(name, algorithms[i].name)) {
			*out = (bulla_algorithm)i;
			return true;
		}
	return false;
}

bool bulla_algorithm_fits(bulla_algorithm algorithm, bulla_spec spec, bulla_use use)
{
	return (size_t)algorithm < BULLA_ALGORITHM_COUNT && (size_t)spec < BULLA_SPEC_COUNT && algorithms[algorithm].use == use &&
	       (algorithms[algorithm].specs >> spec & 1);
}
