/*
 * key_kind.c - the kinds of keys that can be made, as tables over crypto's.
 */
#include "kms/key_kind.h"

#define SHOWN_MAX 64 /* bytes of a name that a text repeats */
#define SHOWN(b)  (int)((b).len < SHOWN_MAX ? (b).len : SHOWN_MAX), (const char *)(b).data

#define COUNT(a)          (sizeof(a) / sizeof *(a))
#define IS_AMONG(name, a) is_among(name, a, COUNT(a))

/* --- making one -------------------------------------------------------------------------------------------------- */

/* Names of AWS that mean something there and nothing here. */
static const char *const specs_not_here[] = { "SM2", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87" };
static const char *const origins_not_here[] = { "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE" };
static const char *const origins[] = { [BULLA_KEY_ORIGIN_AWS_KMS] = "AWS_KMS", [BULLA_KEY_ORIGIN_EXTERNAL] = "EXTERNAL" };

static bool is_among(bulla_bytes name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bulla_bytes_is(name, list[i])) return true;
	return false;
}

static bulla_code choose_spec(const bulla_key_wish *wish, bulla_spec *out, bulla_error *err)
{
	bulla_bytes old = wish->customer_master_key_spec, name = wish->key_spec.data ? wish->key_spec : old;

	*out = BULLA_SPEC_SYMMETRIC_DEFAULT;
	if (wish->key_spec.data && old.data)
		return bulla_fail(
			err, BULLA_ERR_USAGE,
			"You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is "
			"deprecated.");
	if (!name.data) return BULLA_OK;
	if (IS_AMONG(name, specs_not_here))
		return bulla_fail(err, BULLA_ERR_REFUSED, "KeySpec %.*s is not supported.", SHOWN(name));
	if (!bulla_spec_find(name, out) || (old.data && !bulla_key_kind_old_spec(*out)))
		return bulla_fail(err, BULLA_ERR_USAGE, "%s %.*s does not exist.", old.data ? "CustomerMasterKeySpec" : "KeySpec",
				  SHOWN(name));
	return BULLA_OK;
}

static bulla_code choose_use(bulla_bytes name, bulla_spec spec, bulla_use *out, bulla_error *err)
{
	*out = BULLA_USE_ENCRYPT_DECRYPT;
	if (!name.data && spec != BULLA_SPEC_SYMMETRIC_DEFAULT)
		return bulla_fail(err, BULLA_ERR_USAGE,
				  "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.");
	if (!name.data) return BULLA_OK;
	if (!bulla_use_find(name, out)) return bulla_fail(err, BULLA_ERR_USAGE, "KeyUsage %.*s does not exist.", SHOWN(name));
	if (bulla_key_kind_exists(spec, *out)) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "KeyUsage %s is not compatible with KeySpec %s", bulla_use_name(*out),
			  bulla_spec_about(spec)->name);
}

static bulla_code choose_origin(const bulla_key_wish *wish, bulla_key_origin *out, bulla_error *err)
{
	bulla_bytes name = wish->origin;

	*out = BULLA_KEY_ORIGIN_AWS_KMS;
	if (wish->custom_key_store_id.data || wish->xks_key_id.data || (name.data && IS_AMONG(name, origins_not_here)))
		return bulla_fail(err, BULLA_ERR_REFUSED, "Custom key stores are not supported.");
	if (!name.data) return BULLA_OK;
	for (size_t i = 0; i < COUNT(origins); i++)
		if (bulla_bytes_is(name, origins[i])) {
			*out = (bulla_key_origin)i;
			return BULLA_OK;
		}
	return bulla_fail(err, BULLA_ERR_USAGE, "Origin %.*s does not exist.", SHOWN(name));
}

bulla_code bulla_key_kind_choose(const bulla_key_wish *wish, bulla_key_kind *out, bulla_error *err)
{
	bulla_key_kind kind = { .multi_region = wish->multi_region };

	TRY(choose_spec(wish, &kind.spec, err));
	TRY(choose_use(wish->key_usage, kind.spec, &kind.use, err));
	TRY(choose_origin(wish, &kind.origin, err));
	*out = kind;
	return BULLA_OK;
}

bool bulla_key_kind_exists(bulla_spec spec, bulla_use use)
{
	for (size_t a = 0; a < BULLA_ALGORITHM_COUNT; a++)
		if (bulla_algorithm_fits((bulla_algorithm)a, spec, use)) return true;
	return false;
}

bool bulla_key_kind_is_pair(bulla_spec spec)
{
	const bulla_spec_info *about = bulla_spec_about(spec);
	return about && about->family != BULLA_FAMILY_AES && about->family != BULLA_FAMILY_HMAC;
}

const char *bulla_key_origin_name(bulla_key_origin origin)
{
	return (size_t)origin < COUNT(origins) ? origins[origin] : NULL;
}

/* --- telling of it ----------------------------------------------------------------------------------------------- */

size_t bulla_key_kind_algorithms(const bulla_key_kind *kind, bulla_algorithm out[static BULLA_KEY_ALGORITHMS_MAX])
{
	size_t n = 0;

	for (size_t a = 0; a < BULLA_ALGORITHM_COUNT && n < BULLA_KEY_ALGORITHMS_MAX; a++)
		if (bulla_key_kind_has(kind, (bulla_algorithm)a)) out[n++] = (bulla_algorithm)a;
	return n;
}

const char *bulla_key_kind_list(bulla_use use)
{
	static const char *const lists[BULLA_USE_COUNT] = {
		[BULLA_USE_ENCRYPT_DECRYPT] = "EncryptionAlgorithms",
		[BULLA_USE_SIGN_VERIFY] = "SigningAlgorithms",
		[BULLA_USE_GENERATE_VERIFY_MAC] = "MacAlgorithms",
		[BULLA_USE_KEY_AGREEMENT] = "KeyAgreementAlgorithms",
	};
	return (size_t)use < BULLA_USE_COUNT ? lists[use] : NULL;
}

const char *bulla_key_kind_old_spec(bulla_spec spec)
{
	const bulla_spec_info *about = bulla_spec_about(spec);
	return about && about->family != BULLA_FAMILY_EDWARDS ? about->name : NULL;
}

/* --- using it ---------------------------------------------------------------------------------------------------- */

/* Operations that need a usage; of `symmetric` ones the material must be a symmetric key, too. */
static const struct demand {
	const char *operation;
	bulla_use use;
	bool symmetric;
} demands[] = {
	{ "Encrypt", BULLA_USE_ENCRYPT_DECRYPT, false },
	{ "Decrypt", BULLA_USE_ENCRYPT_DECRYPT, false },
	{ "ReEncrypt", BULLA_USE_ENCRYPT_DECRYPT, false },
	{ "ReEncryptFrom", BULLA_USE_ENCRYPT_DECRYPT, false },
	{ "ReEncryptTo", BULLA_USE_ENCRYPT_DECRYPT, false },
	{ "GenerateDataKey", BULLA_USE_ENCRYPT_DECRYPT, true },
	{ "GenerateDataKeyWithoutPlaintext", BULLA_USE_ENCRYPT_DECRYPT, true },
	{ "GenerateDataKeyPair", BULLA_USE_ENCRYPT_DECRYPT, true },
	{ "GenerateDataKeyPairWithoutPlaintext", BULLA_USE_ENCRYPT_DECRYPT, true },
	{ "Sign", BULLA_USE_SIGN_VERIFY, false },
	{ "Verify", BULLA_USE_SIGN_VERIFY, false },
	{ "GenerateMac", BULLA_USE_GENERATE_VERIFY_MAC, false },
	{ "VerifyMac", BULLA_USE_GENERATE_VERIFY_MAC, false },
	{ "DeriveSharedSecret", BULLA_USE_KEY_AGREEMENT, false },
};

bool bulla_key_kind_serves(const bulla_key_kind *kind, bulla_bytes operation)
{
	for (size_t i = 0; i < COUNT(demands); i++)
		if (bulla_bytes_is(operation, demands[i].operation))
			return kind->use == demands[i].use &&
			       (!demands[i].symmetric || kind->spec == BULLA_SPEC_SYMMETRIC_DEFAULT);
	return true;
}

bool bulla_key_kind_has(const bulla_key_kind *kind, bulla_algorithm algorithm)
{
	return bulla_algorithm_fits(algorithm, kind->spec, kind->use);
}
