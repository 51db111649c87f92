/*
 * aws_operations.c - the table of operations: which members each takes, and which of them it must have.
 */
#include "wire/aws_shape.h"

#define MAY(member)        BULLA_AWS_##member
#define MUST(member)       (BULLA_AWS_##member | BULLA_AWS_REQUIRED)
#define ROW(op, name, ...) [BULLA_AWS_##op] = { name, { __VA_ARGS__ } }

const bulla_aws_operation bulla_aws_operations[BULLA_AWS_OPERATIONS] = {
	ROW(CANCEL_KEY_DELETION, "CancelKeyDeletion", MUST(KEY_ID)),
	ROW(CONNECT_CUSTOM_KEY_STORE, "ConnectCustomKeyStore", MUST(CUSTOM_KEY_STORE_ID)),
	ROW(CREATE_ALIAS, "CreateAlias", MUST(ALIAS_NAME), MUST(TARGET_KEY_ID)),
	ROW(CREATE_CUSTOM_KEY_STORE, "CreateCustomKeyStore", MUST(CUSTOM_KEY_STORE_NAME), MAY(CLOUD_HSM_CLUSTER_ID),
	    MAY(TRUST_ANCHOR_CERTIFICATE), MAY(KEY_STORE_PASSWORD), MAY(CUSTOM_KEY_STORE_TYPE), MAY(XKS_PROXY_URI_ENDPOINT),
	    MAY(XKS_PROXY_URI_PATH), MAY(XKS_PROXY_VPC_ENDPOINT_SERVICE_NAME), MAY(XKS_PROXY_VPC_ENDPOINT_SERVICE_OWNER),
	    MAY(XKS_PROXY_AUTHENTICATION_CREDENTIAL), MAY(XKS_PROXY_CONNECTIVITY)),
	ROW(CREATE_GRANT, "CreateGrant", MUST(KEY_ID), MUST(GRANTEE_PRINCIPAL), MAY(RETIRING_PRINCIPAL), MUST(OPERATIONS_LIST),
	    MAY(CONSTRAINTS), MAY(GRANT_TOKENS), MAY(NAME), MAY(DRY_RUN)),
	ROW(CREATE_KEY, "CreateKey", MAY(POLICY), MAY(DESCRIPTION), MAY(KEY_USAGE), MAY(CUSTOMER_MASTER_KEY_SPEC), MAY(KEY_SPEC),
	    MAY(ORIGIN), MAY(CUSTOM_KEY_STORE_ID), MAY(BYPASS_POLICY_LOCKOUT_SAFETY_CHECK), MAY(TAGS), MAY(MULTI_REGION),
	    MAY(XKS_KEY_ID)),
	ROW(DECRYPT, "Decrypt", MAY(CIPHERTEXT_BLOB), MAY(ENCRYPTION_CONTEXT), MAY(GRANT_TOKENS), MAY(KEY_ID),
	    MAY(ENCRYPTION_ALGORITHM), MAY(RECIPIENT), MAY(DRY_RUN), MAY(DRY_RUN_MODIFIERS_LIST)),
	ROW(DELETE_ALIAS, "DeleteAlias", MUST(ALIAS_NAME)),
	ROW(DELETE_CUSTOM_KEY_STORE, "DeleteCustomKeyStore", MUST(CUSTOM_KEY_STORE_ID)),
	ROW(DELETE_IMPORTED_KEY_MATERIAL, "DeleteImportedKeyMaterial", MUST(KEY_ID), MAY(KEY_MATERIAL_ID)),
	ROW(DERIVE_SHARED_SECRET, "DeriveSharedSecret", MUST(KEY_ID), MUST(KEY_AGREEMENT_ALGORITHM), MUST(PUBLIC_KEY),
	    MAY(GRANT_TOKENS), MAY(DRY_RUN), MAY(RECIPIENT)),
	ROW(DESCRIBE_CUSTOM_KEY_STORES, "DescribeCustomKeyStores", MAY(CUSTOM_KEY_STORE_ID), MAY(CUSTOM_KEY_STORE_NAME),
	    MAY(LIMIT), MAY(MARKER)),
	ROW(DESCRIBE_KEY, "DescribeKey", MUST(KEY_ID), MAY(GRANT_TOKENS)),
	ROW(DISABLE_KEY, "DisableKey", MUST(KEY_ID)),
	ROW(DISABLE_KEY_ROTATION, "DisableKeyRotation", MUST(KEY_ID)),
	ROW(DISCONNECT_CUSTOM_KEY_STORE, "DisconnectCustomKeyStore", MUST(CUSTOM_KEY_STORE_ID)),
	ROW(ENABLE_KEY, "EnableKey", MUST(KEY_ID)),
	ROW(ENABLE_KEY_ROTATION, "EnableKeyRotation", MUST(KEY_ID), MAY(ROTATION_PERIOD_IN_DAYS)),
	ROW(ENCRYPT, "Encrypt", MUST(KEY_ID), MUST(PLAINTEXT), MAY(ENCRYPTION_CONTEXT), MAY(GRANT_TOKENS),
	    MAY(ENCRYPTION_ALGORITHM), MAY(DRY_RUN)),
	ROW(FREEZE, "Freeze", MAY(KEY_ID), MAY(PRINCIPAL), MAY(REASON), MAY(UNTIL)),
	ROW(GENERATE_DATA_KEY, "GenerateDataKey", MUST(KEY_ID), MAY(ENCRYPTION_CONTEXT), MAY(NUMBER_OF_BYTES), MAY(DATA_KEY_SPEC),
	    MAY(GRANT_TOKENS), MAY(RECIPIENT), MAY(DRY_RUN)),
	ROW(GENERATE_DATA_KEY_PAIR, "GenerateDataKeyPair", MAY(ENCRYPTION_CONTEXT), MUST(KEY_ID), MUST(KEY_PAIR_SPEC),
	    MAY(GRANT_TOKENS), MAY(RECIPIENT), MAY(DRY_RUN)),
	ROW(GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT, "GenerateDataKeyPairWithoutPlaintext", MAY(ENCRYPTION_CONTEXT),
	    MUST(KEY_ID), MUST(KEY_PAIR_SPEC), MAY(GRANT_TOKENS), MAY(DRY_RUN)),
	ROW(GENERATE_DATA_KEY_WITHOUT_PLAINTEXT, "GenerateDataKeyWithoutPlaintext", MUST(KEY_ID), MAY(ENCRYPTION_CONTEXT),
	    MAY(DATA_KEY_SPEC), MAY(NUMBER_OF_BYTES), MAY(GRANT_TOKENS), MAY(DRY_RUN)),
	ROW(GENERATE_MAC, "GenerateMac", MUST(MESSAGE), MUST(KEY_ID), MUST(MAC_ALGORITHM), MAY(GRANT_TOKENS), MAY(DRY_RUN)),
	ROW(GENERATE_RANDOM, "GenerateRandom", MAY(NUMBER_OF_BYTES), MAY(CUSTOM_KEY_STORE_ID), MAY(RECIPIENT)),
	ROW(GET_KEY_LAST_USAGE, "GetKeyLastUsage", MUST(KEY_ID)),
	ROW(GET_KEY_POLICY, "GetKeyPolicy", MUST(KEY_ID), MAY(POLICY_NAME)),
	ROW(GET_KEY_ROTATION_STATUS, "GetKeyRotationStatus", MUST(KEY_ID)),
	ROW(GET_PARAMETERS_FOR_IMPORT, "GetParametersForImport", MUST(KEY_ID), MUST(WRAPPING_ALGORITHM), MUST(WRAPPING_KEY_SPEC)),
	ROW(GET_PUBLIC_KEY, "GetPublicKey", MUST(KEY_ID), MAY(GRANT_TOKENS)),
	ROW(GET_STATUS, "GetStatus"),
	ROW(IMPORT_KEY_MATERIAL, "ImportKeyMaterial", MUST(KEY_ID), MUST(IMPORT_TOKEN), MUST(ENCRYPTED_KEY_MATERIAL),
	    MAY(VALID_TO), MAY(EXPIRATION_MODEL), MAY(IMPORT_TYPE), MAY(KEY_MATERIAL_DESCRIPTION), MAY(KEY_MATERIAL_ID)),
	ROW(LIST_ALIASES, "ListAliases", MAY(KEY_ID), MAY(LIMIT), MAY(MARKER)),
	ROW(LIST_GRANTS, "ListGrants", MAY(LIMIT), MAY(MARKER), MUST(KEY_ID), MAY(GRANT_ID), MAY(GRANTEE_PRINCIPAL)),
	ROW(LIST_KEY_POLICIES, "ListKeyPolicies", MUST(KEY_ID), MAY(LIMIT), MAY(MARKER)),
	ROW(LIST_KEY_ROTATIONS, "ListKeyRotations", MUST(KEY_ID), MAY(INCLUDE_KEY_MATERIAL), MAY(LIMIT), MAY(MARKER)),
	ROW(LIST_KEYS, "ListKeys", MAY(LIMIT), MAY(MARKER)),
	ROW(LIST_RESOURCE_TAGS, "ListResourceTags", MUST(KEY_ID), MAY(LIMIT), MAY(MARKER)),
	ROW(LIST_RETIRABLE_GRANTS, "ListRetirableGrants", MAY(LIMIT), MAY(MARKER), MUST(RETIRING_PRINCIPAL)),
	ROW(LOOKUP_EVENTS, "LookupEvents", MAY(LOOKUP_ATTRIBUTES), MAY(START_TIME), MAY(END_TIME), MAY(EVENT_CATEGORY),
	    MAY(MAX_RESULTS), MAY(NEXT_TOKEN)),
	ROW(PUT_KEY_POLICY, "PutKeyPolicy", MUST(KEY_ID), MAY(POLICY_NAME), MUST(POLICY),
	    MAY(BYPASS_POLICY_LOCKOUT_SAFETY_CHECK)),
	ROW(RE_ENCRYPT, "ReEncrypt", MAY(CIPHERTEXT_BLOB), MAY(SOURCE_ENCRYPTION_CONTEXT), MAY(SOURCE_KEY_ID),
	    MUST(DESTINATION_KEY_ID), MAY(DESTINATION_ENCRYPTION_CONTEXT), MAY(SOURCE_ENCRYPTION_ALGORITHM),
	    MAY(DESTINATION_ENCRYPTION_ALGORITHM), MAY(GRANT_TOKENS), MAY(DRY_RUN), MAY(DRY_RUN_MODIFIERS_LIST)),
	ROW(REPLICATE_KEY, "ReplicateKey", MUST(KEY_ID), MUST(REPLICA_REGION), MAY(POLICY),
	    MAY(BYPASS_POLICY_LOCKOUT_SAFETY_CHECK), MAY(DESCRIPTION), MAY(TAGS)),
	ROW(RETIRE_GRANT, "RetireGrant", MAY(GRANT_TOKEN), MAY(KEY_ID), MAY(GRANT_ID), MAY(DRY_RUN)),
	ROW(REVOKE_GRANT, "RevokeGrant", MUST(KEY_ID), MUST(GRANT_ID), MAY(DRY_RUN)),
	ROW(ROTATE_KEY_ON_DEMAND, "RotateKeyOnDemand", MUST(KEY_ID)),
	ROW(SCHEDULE_KEY_DELETION, "ScheduleKeyDeletion", MUST(KEY_ID), MAY(PENDING_WINDOW_IN_DAYS)),
	ROW(SIGN, "Sign", MUST(KEY_ID), MUST(MESSAGE), MAY(MESSAGE_TYPE), MAY(GRANT_TOKENS), MUST(SIGNING_ALGORITHM),
	    MAY(DRY_RUN)),
	ROW(TAG_RESOURCE, "TagResource", MUST(KEY_ID), MUST(TAGS)),
	ROW(THAW, "Thaw", MAY(KEY_ID), MAY(PRINCIPAL), MAY(REASON)),
	ROW(UNTAG_RESOURCE, "UntagResource", MUST(KEY_ID), MUST(TAG_KEYS)),
	ROW(UPDATE_ALIAS, "UpdateAlias", MUST(ALIAS_NAME), MUST(TARGET_KEY_ID)),
	ROW(UPDATE_CUSTOM_KEY_STORE, "UpdateCustomKeyStore", MUST(CUSTOM_KEY_STORE_ID), MAY(NEW_CUSTOM_KEY_STORE_NAME),
	    MAY(KEY_STORE_PASSWORD), MAY(CLOUD_HSM_CLUSTER_ID), MAY(XKS_PROXY_URI_ENDPOINT), MAY(XKS_PROXY_URI_PATH),
	    MAY(XKS_PROXY_VPC_ENDPOINT_SERVICE_NAME), MAY(XKS_PROXY_VPC_ENDPOINT_SERVICE_OWNER),
	    MAY(XKS_PROXY_AUTHENTICATION_CREDENTIAL), MAY(XKS_PROXY_CONNECTIVITY)),
	ROW(UPDATE_KEY_DESCRIPTION, "UpdateKeyDescription", MUST(KEY_ID), MUST(DESCRIPTION)),
	ROW(UPDATE_PRIMARY_REGION, "UpdatePrimaryRegion", MUST(KEY_ID), MUST(PRIMARY_REGION)),
	ROW(VERIFY, "Verify", MUST(KEY_ID), MUST(MESSAGE), MAY(MESSAGE_TYPE), MUST(SIGNATURE), MUST(SIGNING_ALGORITHM),
	    MAY(GRANT_TOKENS), MAY(DRY_RUN)),
	ROW(VERIFY_MAC, "VerifyMac", MUST(MESSAGE), MUST(KEY_ID), MUST(MAC_ALGORITHM), MUST(MAC), MAY(GRANT_TOKENS),
	    MAY(DRY_RUN)),
};

/* What stands before an operation's name in X-Amz-Target, and the service of its signature's scope. */
typedef struct face {
	const char *prefix, *service;
} face;

static const face kms = { "TrentService.", "kms" };
static const face trail = { "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.", "cloudtrail" };
static const face ours = { "Bulla.", "kms" };

static const face *face_of(bulla_aws_op op)
{
	switch (op) {
	case BULLA_AWS_LOOKUP_EVENTS:
		return &trail;
	case BULLA_AWS_FREEZE:
	case BULLA_AWS_GET_STATUS:
	case BULLA_AWS_THAW:
		return &ours;
	default:
		return &kms;
	}
}

const bulla_aws_operation *bulla_aws_operation_of(bulla_aws_op op)
{
	return &bulla_aws_operations[op];
}

bulla_aws_op bulla_aws_operation_op(const bulla_aws_operation *operation)
{
	return (bulla_aws_op)(operation - bulla_aws_operations);
}

const char *bulla_aws_operation_name(const bulla_aws_operation *operation)
{
	return operation->name;
}

const char *bulla_aws_operation_service(const bulla_aws_operation *operation)
{
	return face_of(bulla_aws_operation_op(operation))->service;
}

/* Halving: the rows are in the order of their names. */
static const bulla_aws_operation *find(bulla_bytes name)
{
	size_t from = 0, to = BULLA_AWS_OPERATIONS;
	while (from < to) {
		size_t middle = (from + to) / 2;
		int c = bulla_bytes_compare(name, bulla_view_str(bulla_aws_operations[middle].name));
		if (c == 0) return &bulla_aws_operations[middle];
		if (c < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

const bulla_aws_operation *bulla_aws_operation_find(bulla_bytes target)
{
	static const face *const faces[] = { &kms, &trail, &ours };
	for (size_t i = 0; i < sizeof faces / sizeof *faces; i++) {
		size_t n = strlen(faces[i]->prefix);
		if (target.len <= n || memcmp(target.data, faces[i]->prefix, n) != 0) continue;
		const bulla_aws_operation *found = find(bulla_view(target.data + n, target.len - n));
		return found && face_of(bulla_aws_operation_op(found)) == faces[i] ? found : NULL;
	}
	return NULL;
}
