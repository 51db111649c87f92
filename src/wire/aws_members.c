/*
 * aws_members.c - the table of input members and the types they have.
 *
 * Bounds, patterns and values are AWS's. Hidden from texts is what AWS calls sensitive, and grant tokens.
 */
#include "wire/aws_shape.h"

#define BOUNDS(least, most) .bounded = true, .min = (least), .max = (most)
#define COUNT(array)        (sizeof(array) / sizeof *(array))

/* --- strings --------------------------------------------------------------------------------------------------- */

#define TEXT(name, least, most, ...)                                                                                             \
	static const bulla_aws_shape name = { .kind = BULLA_AWS_TEXT, BOUNDS(least, most), ##__VA_ARGS__ }

TEXT(key_id, 1, 2048);
TEXT(alias_name, 1, 256, .pattern = &bulla_aws_pattern_name);
TEXT(grant_name, 1, 256, .pattern = &bulla_aws_pattern_name);
TEXT(grant_id, 1, 128);
TEXT(grant_token, 1, 8192, .hidden = true);
TEXT(principal, 1, 256, .pattern = &bulla_aws_pattern_principal);
TEXT(description, 0, 8192);
TEXT(policy, 1, 131072, .pattern = &bulla_aws_pattern_policy);
TEXT(policy_name, 1, 128, .pattern = &bulla_aws_pattern_policy_name);
TEXT(marker, 1, 1024, .pattern = &bulla_aws_pattern_marker);
TEXT(region, 1, 32, .pattern = &bulla_aws_pattern_region);
TEXT(material_id, 64, 64, .pattern = &bulla_aws_pattern_hex);
TEXT(material_description, 0, 256, .pattern = &bulla_aws_pattern_material_description);
TEXT(tag_key, 1, 128);
TEXT(tag_value, 0, 256);
TEXT(lookup_value, 1, 2000);
static const bulla_aws_shape next_token = { .kind = BULLA_AWS_TEXT };

/* ours */
TEXT(user_name, 1, 64);
TEXT(reason, 0, 256);

/* of custom key stores */
TEXT(key_store_id, 1, 64);
TEXT(key_store_name, 1, 256);
TEXT(key_store_password, 7, 32, .hidden = true);
TEXT(cluster_id, 19, 24, .pattern = &bulla_aws_pattern_cluster);
TEXT(trust_anchor, 1, 5000);
TEXT(account, 12, 12, .pattern = &bulla_aws_pattern_account);
TEXT(xks_key_id, 1, 128, .pattern = &bulla_aws_pattern_xks_key);
TEXT(xks_access_key_id, 20, 30, .pattern = &bulla_aws_pattern_xks_id, .hidden = true);
TEXT(xks_secret, 43, 64, .pattern = &bulla_aws_pattern_xks_secret, .hidden = true);
TEXT(xks_endpoint, 10, 128, .pattern = &bulla_aws_pattern_xks_endpoint);
TEXT(xks_path, 10, 128, .pattern = &bulla_aws_pattern_xks_path);
TEXT(xks_service, 20, 64, .pattern = &bulla_aws_pattern_xks_service);

/* --- strings out of a list --------------------------------------------------------------------------------------- */

#define VALUE(name, text) text,
#define ONE_OF(name, list)                                                                                                       \
	static const char *const name##_values[] = { list(VALUE) };                                                              \
	static const bulla_aws_shape name = { .kind = BULLA_AWS_ONE_OF,                                                          \
					      .values = name##_values,                                                           \
					      .n_values = COUNT(name##_values) }

ONE_OF(key_spec, BULLA_AWS_KEY_SPECS);
ONE_OF(pair_spec, BULLA_AWS_PAIR_SPECS);
ONE_OF(data_key_spec, BULLA_AWS_DATA_KEY_SPECS);
ONE_OF(key_usage, BULLA_AWS_KEY_USAGES);
ONE_OF(origin, BULLA_AWS_ORIGINS);
ONE_OF(encryption_algorithm, BULLA_AWS_ENCRYPTION_ALGORITHMS);
ONE_OF(signing_algorithm, BULLA_AWS_SIGNING_ALGORITHMS);
ONE_OF(message_type, BULLA_AWS_MESSAGE_TYPES);
ONE_OF(mac_algorithm, BULLA_AWS_MAC_ALGORITHMS);
ONE_OF(key_agreement, BULLA_AWS_KEY_AGREEMENTS);
ONE_OF(wrapping_algorithm, BULLA_AWS_WRAPPING_ALGORITHMS);
ONE_OF(wrapping_key_spec, BULLA_AWS_WRAPPING_KEY_SPECS);
ONE_OF(expiration_model, BULLA_AWS_EXPIRATION_MODELS);
ONE_OF(import_type, BULLA_AWS_IMPORT_TYPES);
ONE_OF(include_key_material, BULLA_AWS_INCLUDE_KEY_MATERIALS);
ONE_OF(dry_run_modifier, BULLA_AWS_DRY_RUN_MODIFIERS);
ONE_OF(grant_operation, BULLA_AWS_GRANT_OPERATIONS);
ONE_OF(key_encryption, BULLA_AWS_KEY_ENCRYPTIONS);
ONE_OF(key_store_type, BULLA_AWS_KEY_STORE_TYPES);
ONE_OF(xks_connectivity, BULLA_AWS_PROXY_CONNECTIVITIES);
ONE_OF(lookup_key, BULLA_AWS_LOOKUP_KEYS);
ONE_OF(event_category, BULLA_AWS_EVENT_CATEGORIES);

static const bulla_aws_shape old_key_spec = { .kind = BULLA_AWS_ONE_OF,
					      .values = key_spec_values,
					      .n_values = BULLA_AWS_OLD_KEY_SPECS };

/* --- blobs, numbers, moments, contexts --------------------------------------------------------------------------- */

#define SCALAR(name, its_kind, least, most) static const bulla_aws_shape name = { .kind = (its_kind), BOUNDS(least, most) }

SCALAR(plaintext, BULLA_AWS_BLOB, 1, 4096);
SCALAR(ciphertext, BULLA_AWS_BLOB, 1, 6144);
SCALAR(public_key, BULLA_AWS_BLOB, 1, 8192);
SCALAR(attestation, BULLA_AWS_BLOB, 1, 262144);
SCALAR(number_of_bytes, BULLA_AWS_INTEGER, 1, 1024);
SCALAR(limit, BULLA_AWS_INTEGER, 1, 1000);
SCALAR(max_results, BULLA_AWS_INTEGER, 1, 50);
SCALAR(pending_window, BULLA_AWS_INTEGER, 1, 365);
SCALAR(rotation_period, BULLA_AWS_INTEGER, 90, 2560);
static const bulla_aws_shape boolean = { .kind = BULLA_AWS_BOOLEAN };
static const bulla_aws_shape moment = { .kind = BULLA_AWS_MOMENT };
static const bulla_aws_shape context = { .kind = BULLA_AWS_CONTEXT };

/* --- structures ------------------------------------------------------------------------------------------------- */

#define STRUCTURE(name, ...)                                                                                                     \
	static const bulla_aws_field name##_fields[] = { __VA_ARGS__ };                                                          \
	static const bulla_aws_shape name = { .kind = BULLA_AWS_STRUCTURE,                                                       \
					      .fields = name##_fields,                                                           \
					      .n_fields = COUNT(name##_fields) }

STRUCTURE(tag, [BULLA_AWS_TAG_KEY] = { "TagKey", &tag_key, true }, [BULLA_AWS_TAG_VALUE] = { "TagValue", &tag_value, true });
STRUCTURE(grant_constraints, [BULLA_AWS_CONSTRAINTS_SUBSET] = { "EncryptionContextSubset", &context },
	  [BULLA_AWS_CONSTRAINTS_EQUALS] = { "EncryptionContextEquals", &context });
STRUCTURE(recipient, [BULLA_AWS_RECIPIENT_ALGORITHM] = { "KeyEncryptionAlgorithm", &key_encryption },
	  [BULLA_AWS_RECIPIENT_ATTESTATION] = { "AttestationDocument", &attestation });
STRUCTURE(xks_credential, [BULLA_AWS_PROXY_ACCESS_KEY_ID] = { "AccessKeyId", &xks_access_key_id, true },
	  [BULLA_AWS_PROXY_SECRET] = { "RawSecretAccessKey", &xks_secret, true });
STRUCTURE(lookup_attribute, [BULLA_AWS_LOOKUP_ATTRIBUTE_KEY] = { "AttributeKey", &lookup_key, true },
	  [BULLA_AWS_LOOKUP_ATTRIBUTE_VALUE] = { "AttributeValue", &lookup_value, true });

/* --- lists ------------------------------------------------------------------------------------------------------ */

#define LIST(name, its_element, most)                                                                                            \
	static const bulla_aws_shape name = { .kind = BULLA_AWS_LIST, .element = &(its_element), BOUNDS(0, most) }

LIST(grant_tokens, grant_token, 10);
LIST(grant_operations, grant_operation, BULLA_AWS_LIST_MAX);
LIST(dry_run_modifiers, dry_run_modifier, BULLA_AWS_LIST_MAX);
LIST(tags, tag, BULLA_AWS_LIST_MAX);
LIST(tag_keys, tag_key, BULLA_AWS_LIST_MAX);
LIST(lookup_attributes, lookup_attribute, BULLA_AWS_LIST_MAX);

/* --- members ---------------------------------------------------------------------------------------------------- */

const bulla_aws_field bulla_aws_members[BULLA_AWS_MEMBERS] = {
	[BULLA_AWS_ALIAS_NAME] = { "AliasName", &alias_name },
	[BULLA_AWS_BYPASS_POLICY_LOCKOUT_SAFETY_CHECK] = { "BypassPolicyLockoutSafetyCheck", &boolean },
	[BULLA_AWS_CIPHERTEXT_BLOB] = { "CiphertextBlob", &ciphertext },
	[BULLA_AWS_CLOUD_HSM_CLUSTER_ID] = { "CloudHsmClusterId", &cluster_id },
	[BULLA_AWS_CONSTRAINTS] = { "Constraints", &grant_constraints },
	[BULLA_AWS_CUSTOM_KEY_STORE_ID] = { "CustomKeyStoreId", &key_store_id },
	[BULLA_AWS_CUSTOM_KEY_STORE_NAME] = { "CustomKeyStoreName", &key_store_name },
	[BULLA_AWS_CUSTOM_KEY_STORE_TYPE] = { "CustomKeyStoreType", &key_store_type },
	[BULLA_AWS_CUSTOMER_MASTER_KEY_SPEC] = { "CustomerMasterKeySpec", &old_key_spec },
	[BULLA_AWS_DATA_KEY_SPEC] = { "KeySpec", &data_key_spec },
	[BULLA_AWS_DESCRIPTION] = { "Description", &description },
	[BULLA_AWS_DESTINATION_ENCRYPTION_ALGORITHM] = { "DestinationEncryptionAlgorithm", &encryption_algorithm },
	[BULLA_AWS_DESTINATION_ENCRYPTION_CONTEXT] = { "DestinationEncryptionContext", &context },
	[BULLA_AWS_DESTINATION_KEY_ID] = { "DestinationKeyId", &key_id },
	[BULLA_AWS_DRY_RUN] = { "DryRun", &boolean },
	[BULLA_AWS_DRY_RUN_MODIFIERS_LIST] = { "DryRunModifiers", &dry_run_modifiers },
	[BULLA_AWS_ENCRYPTED_KEY_MATERIAL] = { "EncryptedKeyMaterial", &ciphertext },
	[BULLA_AWS_ENCRYPTION_ALGORITHM] = { "EncryptionAlgorithm", &encryption_algorithm },
	[BULLA_AWS_ENCRYPTION_CONTEXT] = { "EncryptionContext", &context },
	[BULLA_AWS_END_TIME] = { "EndTime", &moment },
	[BULLA_AWS_EVENT_CATEGORY] = { "EventCategory", &event_category },
	[BULLA_AWS_EXPIRATION_MODEL] = { "ExpirationModel", &expiration_model },
	[BULLA_AWS_GRANT_ID] = { "GrantId", &grant_id },
	[BULLA_AWS_GRANT_TOKEN] = { "GrantToken", &grant_token },
	[BULLA_AWS_GRANT_TOKENS] = { "GrantTokens", &grant_tokens },
	[BULLA_AWS_GRANTEE_PRINCIPAL] = { "GranteePrincipal", &principal },
	[BULLA_AWS_IMPORT_TOKEN] = { "ImportToken", &ciphertext },
	[BULLA_AWS_IMPORT_TYPE] = { "ImportType", &import_type },
	[BULLA_AWS_INCLUDE_KEY_MATERIAL] = { "IncludeKeyMaterial", &include_key_material },
	[BULLA_AWS_KEY_AGREEMENT_ALGORITHM] = { "KeyAgreementAlgorithm", &key_agreement },
	[BULLA_AWS_KEY_ID] = { "KeyId", &key_id },
	[BULLA_AWS_KEY_MATERIAL_DESCRIPTION] = { "KeyMaterialDescription", &material_description },
	[BULLA_AWS_KEY_MATERIAL_ID] = { "KeyMaterialId", &material_id },
	[BULLA_AWS_KEY_PAIR_SPEC] = { "KeyPairSpec", &pair_spec },
	[BULLA_AWS_KEY_SPEC] = { "KeySpec", &key_spec },
	[BULLA_AWS_KEY_STORE_PASSWORD] = { "KeyStorePassword", &key_store_password },
	[BULLA_AWS_KEY_USAGE] = { "KeyUsage", &key_usage },
	[BULLA_AWS_LIMIT] = { "Limit", &limit },
	[BULLA_AWS_LOOKUP_ATTRIBUTES] = { "LookupAttributes", &lookup_attributes },
	[BULLA_AWS_MAC] = { "Mac", &ciphertext },
	[BULLA_AWS_MAC_ALGORITHM] = { "MacAlgorithm", &mac_algorithm },
	[BULLA_AWS_MARKER] = { "Marker", &marker },
	[BULLA_AWS_MAX_RESULTS] = { "MaxResults", &max_results },
	[BULLA_AWS_MESSAGE] = { "Message", &plaintext },
	[BULLA_AWS_MESSAGE_TYPE] = { "MessageType", &message_type },
	[BULLA_AWS_MULTI_REGION] = { "MultiRegion", &boolean },
	[BULLA_AWS_NAME] = { "Name", &grant_name },
	[BULLA_AWS_NEW_CUSTOM_KEY_STORE_NAME] = { "NewCustomKeyStoreName", &key_store_name },
	[BULLA_AWS_NEXT_TOKEN] = { "NextToken", &next_token },
	[BULLA_AWS_NUMBER_OF_BYTES] = { "NumberOfBytes", &number_of_bytes },
	[BULLA_AWS_OPERATIONS_LIST] = { "Operations", &grant_operations },
	[BULLA_AWS_ORIGIN] = { "Origin", &origin },
	[BULLA_AWS_PENDING_WINDOW_IN_DAYS] = { "PendingWindowInDays", &pending_window },
	[BULLA_AWS_PLAINTEXT] = { "Plaintext", &plaintext },
	[BULLA_AWS_POLICY] = { "Policy", &policy },
	[BULLA_AWS_POLICY_NAME] = { "PolicyName", &policy_name },
	[BULLA_AWS_PRIMARY_REGION] = { "PrimaryRegion", &region },
	[BULLA_AWS_PRINCIPAL] = { "Principal", &user_name },
	[BULLA_AWS_PUBLIC_KEY] = { "PublicKey", &public_key },
	[BULLA_AWS_REASON] = { "Reason", &reason },
	[BULLA_AWS_RECIPIENT] = { "Recipient", &recipient },
	[BULLA_AWS_REPLICA_REGION] = { "ReplicaRegion", &region },
	[BULLA_AWS_RETIRING_PRINCIPAL] = { "RetiringPrincipal", &principal },
	[BULLA_AWS_ROTATION_PERIOD_IN_DAYS] = { "RotationPeriodInDays", &rotation_period },
	[BULLA_AWS_SIGNATURE] = { "Signature", &ciphertext },
	[BULLA_AWS_SIGNING_ALGORITHM] = { "SigningAlgorithm", &signing_algorithm },
	[BULLA_AWS_SOURCE_ENCRYPTION_ALGORITHM] = { "SourceEncryptionAlgorithm", &encryption_algorithm },
	[BULLA_AWS_SOURCE_ENCRYPTION_CONTEXT] = { "SourceEncryptionContext", &context },
	[BULLA_AWS_SOURCE_KEY_ID] = { "SourceKeyId", &key_id },
	[BULLA_AWS_START_TIME] = { "StartTime", &moment },
	[BULLA_AWS_TAG_KEYS] = { "TagKeys", &tag_keys },
	[BULLA_AWS_TAGS] = { "Tags", &tags },
	[BULLA_AWS_TARGET_KEY_ID] = { "TargetKeyId", &key_id },
	[BULLA_AWS_TRUST_ANCHOR_CERTIFICATE] = { "TrustAnchorCertificate", &trust_anchor },
	[BULLA_AWS_UNTIL] = { "Until", &moment },
	[BULLA_AWS_VALID_TO] = { "ValidTo", &moment },
	[BULLA_AWS_WRAPPING_ALGORITHM] = { "WrappingAlgorithm", &wrapping_algorithm },
	[BULLA_AWS_WRAPPING_KEY_SPEC] = { "WrappingKeySpec", &wrapping_key_spec },
	[BULLA_AWS_XKS_KEY_ID] = { "XksKeyId", &xks_key_id },
	[BULLA_AWS_XKS_PROXY_AUTHENTICATION_CREDENTIAL] = { "XksProxyAuthenticationCredential", &xks_credential },
	[BULLA_AWS_XKS_PROXY_CONNECTIVITY] = { "XksProxyConnectivity", &xks_connectivity },
	[BULLA_AWS_XKS_PROXY_URI_ENDPOINT] = { "XksProxyUriEndpoint", &xks_endpoint },
	[BULLA_AWS_XKS_PROXY_URI_PATH] = { "XksProxyUriPath", &xks_path },
	[BULLA_AWS_XKS_PROXY_VPC_ENDPOINT_SERVICE_NAME] = { "XksProxyVpcEndpointServiceName", &xks_service },
	[BULLA_AWS_XKS_PROXY_VPC_ENDPOINT_SERVICE_OWNER] = { "XksProxyVpcEndpointServiceOwner", &account },
};
