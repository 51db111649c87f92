/*
 * aws_model.h - the requests of AWS KMS (and CloudTrail's LookupEvents) as typed and checked values.
 *
 * The tables behind it (aws_operations.c, aws_members.c) are AWS's own model: 54 operations and one, with every input member, its
 * type, bounds, pattern and values; and the few operations that are ours beside them (X-Amz-Target "Bulla.Freeze", "Bulla.Thaw", "Bulla.GetStatus"). Texts of refusals are the real service's.
 *
 *	const bulla_aws_operation *operation = bulla_aws_operation_find(target);
 *	if (!operation) ... // BULLA_AWS_SAYS_UNKNOWN_OPERATION
 *	if (!bulla_aws_input_read(operation, body, &input, &fault)) ... // answer with the fault
 *	if (input.values[BULLA_AWS_DRY_RUN].number) ...
 *	bulla_aws_input_done(&input);
 */
#ifndef WIRE_AWS_MODEL_H
#define WIRE_AWS_MODEL_H

#include "base/arena.h"
#include "base/context.h"
#include "base/json.h"
#include "wire/aws_fault.h"
#include "wire/aws_values.h"

#define BULLA_AWS_BODY_MAX (1u << 20) /* bytes of one request */
#define BULLA_AWS_LIST_MAX 256        /* elements of one list; AWS bounds some lists lower, and others by quota */

/* --- what may be asked ----------------------------------------------------------------------------------------- */

/* In the order of their names. */
typedef enum bulla_aws_op {
	BULLA_AWS_CANCEL_KEY_DELETION,
	BULLA_AWS_CONNECT_CUSTOM_KEY_STORE,
	BULLA_AWS_CREATE_ALIAS,
	BULLA_AWS_CREATE_CUSTOM_KEY_STORE,
	BULLA_AWS_CREATE_GRANT,
	BULLA_AWS_CREATE_KEY,
	BULLA_AWS_DECRYPT,
	BULLA_AWS_DELETE_ALIAS,
	BULLA_AWS_DELETE_CUSTOM_KEY_STORE,
	BULLA_AWS_DELETE_IMPORTED_KEY_MATERIAL,
	BULLA_AWS_DERIVE_SHARED_SECRET,
	BULLA_AWS_DESCRIBE_CUSTOM_KEY_STORES,
	BULLA_AWS_DESCRIBE_KEY,
	BULLA_AWS_DISABLE_KEY,
	BULLA_AWS_DISABLE_KEY_ROTATION,
	BULLA_AWS_DISCONNECT_CUSTOM_KEY_STORE,
	BULLA_AWS_ENABLE_KEY,
	BULLA_AWS_ENABLE_KEY_ROTATION,
	BULLA_AWS_ENCRYPT,
	BULLA_AWS_FREEZE, /* ours */
	BULLA_AWS_GENERATE_DATA_KEY,
	BULLA_AWS_GENERATE_DATA_KEY_PAIR,
	BULLA_AWS_GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT,
	BULLA_AWS_GENERATE_DATA_KEY_WITHOUT_PLAINTEXT,
	BULLA_AWS_GENERATE_MAC,
	BULLA_AWS_GENERATE_RANDOM,
	BULLA_AWS_GET_KEY_LAST_USAGE,
	BULLA_AWS_GET_KEY_POLICY,
	BULLA_AWS_GET_KEY_ROTATION_STATUS,
	BULLA_AWS_GET_PARAMETERS_FOR_IMPORT,
	BULLA_AWS_GET_PUBLIC_KEY,
	BULLA_AWS_GET_STATUS, /* ours */
	BULLA_AWS_IMPORT_KEY_MATERIAL,
	BULLA_AWS_LIST_ALIASES,
	BULLA_AWS_LIST_GRANTS,
	BULLA_AWS_LIST_KEY_POLICIES,
	BULLA_AWS_LIST_KEY_ROTATIONS,
	BULLA_AWS_LIST_KEYS,
	BULLA_AWS_LIST_RESOURCE_TAGS,
	BULLA_AWS_LIST_RETIRABLE_GRANTS,
	BULLA_AWS_LOOKUP_EVENTS, /* CloudTrail's */
	BULLA_AWS_PUT_KEY_POLICY,
	BULLA_AWS_RE_ENCRYPT,
	BULLA_AWS_REPLICATE_KEY,
	BULLA_AWS_RETIRE_GRANT,
	BULLA_AWS_REVOKE_GRANT,
	BULLA_AWS_ROTATE_KEY_ON_DEMAND,
	BULLA_AWS_SCHEDULE_KEY_DELETION,
	BULLA_AWS_SIGN,
	BULLA_AWS_TAG_RESOURCE,
	BULLA_AWS_THAW, /* ours */
	BULLA_AWS_UNTAG_RESOURCE,
	BULLA_AWS_UPDATE_ALIAS,
	BULLA_AWS_UPDATE_CUSTOM_KEY_STORE,
	BULLA_AWS_UPDATE_KEY_DESCRIPTION,
	BULLA_AWS_UPDATE_PRIMARY_REGION,
	BULLA_AWS_VERIFY,
	BULLA_AWS_VERIFY_MAC,
	BULLA_AWS_OPERATIONS
} bulla_aws_op;

/* Every input member of every operation. */
typedef enum bulla_aws_member {
	BULLA_AWS_NO_MEMBER,
	BULLA_AWS_ALIAS_NAME,
	BULLA_AWS_BYPASS_POLICY_LOCKOUT_SAFETY_CHECK,
	BULLA_AWS_CIPHERTEXT_BLOB,
	BULLA_AWS_CLOUD_HSM_CLUSTER_ID,
	BULLA_AWS_CONSTRAINTS, /* structure: BULLA_AWS_CONSTRAINTS_... */
	BULLA_AWS_CUSTOM_KEY_STORE_ID,
	BULLA_AWS_CUSTOM_KEY_STORE_NAME,
	BULLA_AWS_CUSTOM_KEY_STORE_TYPE,
	BULLA_AWS_CUSTOMER_MASTER_KEY_SPEC,
	BULLA_AWS_DATA_KEY_SPEC, /* "KeySpec" of the GenerateDataKey operations */
	BULLA_AWS_DESCRIPTION,
	BULLA_AWS_DESTINATION_ENCRYPTION_ALGORITHM,
	BULLA_AWS_DESTINATION_ENCRYPTION_CONTEXT,
	BULLA_AWS_DESTINATION_KEY_ID,
	BULLA_AWS_DRY_RUN,
	BULLA_AWS_DRY_RUN_MODIFIERS_LIST, /* "DryRunModifiers" */
	BULLA_AWS_ENCRYPTED_KEY_MATERIAL,
	BULLA_AWS_ENCRYPTION_ALGORITHM,
	BULLA_AWS_ENCRYPTION_CONTEXT,
	BULLA_AWS_END_TIME,
	BULLA_AWS_EVENT_CATEGORY,
	BULLA_AWS_EXPIRATION_MODEL,
	BULLA_AWS_GRANT_ID,
	BULLA_AWS_GRANT_TOKEN,
	BULLA_AWS_GRANT_TOKENS,
	BULLA_AWS_GRANTEE_PRINCIPAL,
	BULLA_AWS_IMPORT_TOKEN,
	BULLA_AWS_IMPORT_TYPE,
	BULLA_AWS_INCLUDE_KEY_MATERIAL,
	BULLA_AWS_KEY_AGREEMENT_ALGORITHM,
	BULLA_AWS_KEY_ID,
	BULLA_AWS_KEY_MATERIAL_DESCRIPTION,
	BULLA_AWS_KEY_MATERIAL_ID,
	BULLA_AWS_KEY_PAIR_SPEC,
	BULLA_AWS_KEY_SPEC, /* of CreateKey */
	BULLA_AWS_KEY_STORE_PASSWORD,
	BULLA_AWS_KEY_USAGE,
	BULLA_AWS_LIMIT,
	BULLA_AWS_LOOKUP_ATTRIBUTES, /* list of structures: BULLA_AWS_LOOKUP_ATTRIBUTE_... */
	BULLA_AWS_MAC,
	BULLA_AWS_MAC_ALGORITHM,
	BULLA_AWS_MARKER,
	BULLA_AWS_MAX_RESULTS,
	BULLA_AWS_MESSAGE,
	BULLA_AWS_MESSAGE_TYPE,
	BULLA_AWS_MULTI_REGION,
	BULLA_AWS_NAME,
	BULLA_AWS_NEW_CUSTOM_KEY_STORE_NAME,
	BULLA_AWS_NEXT_TOKEN,
	BULLA_AWS_NUMBER_OF_BYTES,
	BULLA_AWS_OPERATIONS_LIST, /* "Operations" of CreateGrant */
	BULLA_AWS_ORIGIN,
	BULLA_AWS_PENDING_WINDOW_IN_DAYS,
	BULLA_AWS_PLAINTEXT,
	BULLA_AWS_POLICY,
	BULLA_AWS_POLICY_NAME,
	BULLA_AWS_PRIMARY_REGION,
	BULLA_AWS_PRINCIPAL, /* ours: a name */
	BULLA_AWS_PUBLIC_KEY,
	BULLA_AWS_REASON,    /* ours */
	BULLA_AWS_RECIPIENT, /* structure: BULLA_AWS_RECIPIENT_... */
	BULLA_AWS_REPLICA_REGION,
	BULLA_AWS_RETIRING_PRINCIPAL,
	BULLA_AWS_ROTATION_PERIOD_IN_DAYS,
	BULLA_AWS_SIGNATURE,
	BULLA_AWS_SIGNING_ALGORITHM,
	BULLA_AWS_SOURCE_ENCRYPTION_ALGORITHM,
	BULLA_AWS_SOURCE_ENCRYPTION_CONTEXT,
	BULLA_AWS_SOURCE_KEY_ID,
	BULLA_AWS_START_TIME,
	BULLA_AWS_TAG_KEYS,
	BULLA_AWS_TAGS, /* list of structures: BULLA_AWS_TAG_... */
	BULLA_AWS_TARGET_KEY_ID,
	BULLA_AWS_TRUST_ANCHOR_CERTIFICATE,
	BULLA_AWS_UNTIL, /* ours */
	BULLA_AWS_VALID_TO,
	BULLA_AWS_WRAPPING_ALGORITHM,
	BULLA_AWS_WRAPPING_KEY_SPEC,
	BULLA_AWS_XKS_KEY_ID,
	BULLA_AWS_XKS_PROXY_AUTHENTICATION_CREDENTIAL, /* structure: BULLA_AWS_PROXY_... */
	BULLA_AWS_XKS_PROXY_CONNECTIVITY,
	BULLA_AWS_XKS_PROXY_URI_ENDPOINT,
	BULLA_AWS_XKS_PROXY_URI_PATH,
	BULLA_AWS_XKS_PROXY_VPC_ENDPOINT_SERVICE_NAME,
	BULLA_AWS_XKS_PROXY_VPC_ENDPOINT_SERVICE_OWNER,
	BULLA_AWS_MEMBERS
} bulla_aws_member;

/* The members of structures, as places in bulla_aws_value.items. */
enum { BULLA_AWS_TAG_KEY, BULLA_AWS_TAG_VALUE };
enum { BULLA_AWS_CONSTRAINTS_SUBSET, BULLA_AWS_CONSTRAINTS_EQUALS }; /* EncryptionContextSubset, EncryptionContextEquals */
enum { BULLA_AWS_RECIPIENT_ALGORITHM, BULLA_AWS_RECIPIENT_ATTESTATION };
enum { BULLA_AWS_PROXY_ACCESS_KEY_ID, BULLA_AWS_PROXY_SECRET };
enum { BULLA_AWS_LOOKUP_ATTRIBUTE_KEY, BULLA_AWS_LOOKUP_ATTRIBUTE_VALUE };

typedef struct bulla_aws_operation bulla_aws_operation; /* a row of the table; static */

/* By the value of X-Amz-Target ("TrentService.Encrypt"); NULL for one that there is not: BULLA_AWS_SAYS_UNKNOWN_OPERATION. */
const bulla_aws_operation *bulla_aws_operation_find(bulla_bytes target);
const bulla_aws_operation *bulla_aws_operation_of(bulla_aws_op op);
bulla_aws_op bulla_aws_operation_op(const bulla_aws_operation *operation);
const char *bulla_aws_operation_name(const bulla_aws_operation *operation);    /* "Encrypt" */
const char *bulla_aws_operation_service(const bulla_aws_operation *operation); /* of its signature's scope: "kms", "cloudtrail" */

/* --- what was asked -------------------------------------------------------------------------------------------- */

typedef struct bulla_aws_value {
	bool given;     /* false: absent or null; all else is then zero and empty */
	int64_t number; /* integer; boolean; time in microseconds since 1970; the place in its list of a value of aws_values.h */
	bulla_bytes
		bytes; /* string (UTF-8, which may hold a NUL); blob, decoded; encryption context, canonical (base/context.h) */
	const struct bulla_aws_value *items; /* a list's elements; a structure's members */
	size_t n;
} bulla_aws_value;

/* What a body says. Owned: bulla_aws_input_done() wipes and frees it. One thread at a time. */
typedef struct bulla_aws_input {
	const bulla_aws_operation *operation;
	bulla_aws_value values[BULLA_AWS_MEMBERS];
	bulla_json *document; /* strings are views into it */
	bulla_arena arena;
} bulla_aws_input;

/* Reads and checks `body` (empty: no members). False with `fault`, and nothing to free: SerializationException for what is no
 * JSON or has other types; ValidationException for what breaks the model's bounds, all of it in one text, or the limits above, or
 * those of base/context.h; KMSInternalException without memory. Members that the operation does not have are passed over, as AWS
 * does. Contexts are sorted, so their order does not matter; names that come twice are refused. What blobs decode to is never in
 * a text, nor are strings that AWS calls sensitive, nor grant tokens. */
BULLA_MUST bool bulla_aws_input_read(const bulla_aws_operation *operation, bulla_bytes body, bulla_aws_input *out,
				     bulla_aws_fault *fault);
void bulla_aws_input_done(bulla_aws_input *input);

/* --- what is recorded ---------------------------------------------------------------------------------------------- */

#define BULLA_AWS_RECORDED_MAX 4096 /* bytes of one string in a record */

/* The input as an object for the audit log, as CloudTrail's requestParameters have it: names in lower camel case, contexts as
 * objects, times in seconds. Blobs are left out, and whatever texts of refusals do not show; longer strings are cut between two
 * code points. All of it can be several times as long as an event may be (many tags, contexts of control characters): the limit of
 * the writer's buffer decides. */
void bulla_aws_put_parameters(bulla_json_writer *w, const char *name, const bulla_aws_input *input);

/* --- what is answered ------------------------------------------------------------------------------------------ */

/* A timestamp: seconds since 1970 with milliseconds. */
void bulla_aws_put_time(bulla_json_writer *w, const char *name, int64_t time_us);

#endif
