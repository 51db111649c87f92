/*
 * aws_fault.c - the tables of AWS's error types and everyday texts.
 */
#include "wire/aws_fault.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[BULLA_AWS_TYPES] = {
	[BULLA_AWS_ACCESS_DENIED] = "AccessDeniedException",
	[BULLA_AWS_EXPIRED_TOKEN] = "ExpiredTokenException",
	[BULLA_AWS_INCOMPLETE_SIGNATURE] = "IncompleteSignatureException",
	[BULLA_AWS_INVALID_SIGNATURE] = "InvalidSignatureException",
	[BULLA_AWS_MISSING_AUTHENTICATION_TOKEN] = "MissingAuthenticationTokenException",
	[BULLA_AWS_SERIALIZATION] = "SerializationException",
	[BULLA_AWS_THROTTLING] = "ThrottlingException",
	[BULLA_AWS_UNKNOWN_OPERATION] = "UnknownOperationException",
	[BULLA_AWS_UNRECOGNIZED_CLIENT] = "UnrecognizedClientException",
	[BULLA_AWS_VALIDATION] = "ValidationException",
	[BULLA_AWS_ALREADY_EXISTS] = "AlreadyExistsException",
	[BULLA_AWS_CONFLICT] = "ConflictException",
	[BULLA_AWS_CUSTOM_KEY_STORE_NOT_FOUND] = "CustomKeyStoreNotFoundException",
	[BULLA_AWS_DEPENDENCY_TIMEOUT] = "DependencyTimeoutException",
	[BULLA_AWS_DISABLED] = "DisabledException",
	[BULLA_AWS_DRY_RUN_OPERATION] = "DryRunOperationException",
	[BULLA_AWS_EXPIRED_IMPORT_TOKEN] = "ExpiredImportTokenException",
	[BULLA_AWS_INCORRECT_KEY] = "IncorrectKeyException",
	[BULLA_AWS_INCORRECT_KEY_MATERIAL] = "IncorrectKeyMaterialException",
	[BULLA_AWS_INVALID_ALIAS_NAME] = "InvalidAliasNameException",
	[BULLA_AWS_INVALID_ARN] = "InvalidArnException",
	[BULLA_AWS_INVALID_CIPHERTEXT] = "InvalidCiphertextException",
	[BULLA_AWS_INVALID_GRANT_ID] = "InvalidGrantIdException",
	[BULLA_AWS_INVALID_GRANT_TOKEN] = "InvalidGrantTokenException",
	[BULLA_AWS_INVALID_IMPORT_TOKEN] = "InvalidImportTokenException",
	[BULLA_AWS_INVALID_KEY_USAGE] = "InvalidKeyUsageException",
	[BULLA_AWS_INVALID_MARKER] = "InvalidMarkerException",
	[BULLA_AWS_KEY_UNAVAILABLE] = "KeyUnavailableException",
	[BULLA_AWS_KMS_INTERNAL] = "KMSInternalException",
	[BULLA_AWS_KMS_INVALID_MAC] = "KMSInvalidMacException",
	[BULLA_AWS_KMS_INVALID_SIGNATURE] = "KMSInvalidSignatureException",
	[BULLA_AWS_KMS_INVALID_STATE] = "KMSInvalidStateException",
	[BULLA_AWS_LIMIT_EXCEEDED] = "LimitExceededException",
	[BULLA_AWS_MALFORMED_POLICY_DOCUMENT] = "MalformedPolicyDocumentException",
	[BULLA_AWS_NOT_FOUND] = "NotFoundException",
	[BULLA_AWS_TAG] = "TagException",
	[BULLA_AWS_UNSUPPORTED_OPERATION] = "UnsupportedOperationException",
	[BULLA_AWS_INVALID_LOOKUP_ATTRIBUTES] = "InvalidLookupAttributesException",
	[BULLA_AWS_INVALID_MAX_RESULTS] = "InvalidMaxResultsException",
	[BULLA_AWS_INVALID_NEXT_TOKEN] = "InvalidNextTokenException",
	[BULLA_AWS_INVALID_TIME_RANGE] = "InvalidTimeRangeException",
};

const char *bulla_aws_type_name(bulla_aws_type type)
{
	return names[type];
}

int bulla_aws_type_status(bulla_aws_type type)
{
	if (type == BULLA_AWS_DEPENDENCY_TIMEOUT) return 503;
	return type == BULLA_AWS_KMS_INTERNAL || type == BULLA_AWS_KEY_UNAVAILABLE ? 500 : 400;
}

/* `{}` is the place of the next part. */
static const struct {
	bulla_aws_type type;
	const char *text;
} sayings[BULLA_AWS_SAYINGS] = {
	[BULLA_AWS_SAYS_KEY_NOT_FOUND] = { BULLA_AWS_NOT_FOUND, "Key '{}' does not exist" },
	[BULLA_AWS_SAYS_ALIAS_NOT_FOUND] = { BULLA_AWS_NOT_FOUND, "Alias {} is not found." },
	[BULLA_AWS_SAYS_INVALID_KEY_ID] = { BULLA_AWS_NOT_FOUND, "Invalid keyId '{}'" },
	[BULLA_AWS_SAYS_OTHER_REGION] = { BULLA_AWS_NOT_FOUND, "Invalid arn {}" },
	[BULLA_AWS_SAYS_DISABLED] = { BULLA_AWS_DISABLED, "{} is disabled." },
	[BULLA_AWS_SAYS_PENDING_DELETION] = { BULLA_AWS_KMS_INVALID_STATE, "{} is pending deletion." },
	[BULLA_AWS_SAYS_NOT_PENDING_DELETION] = { BULLA_AWS_KMS_INVALID_STATE, "{} is not pending deletion." },
	[BULLA_AWS_SAYS_PENDING_IMPORT] = { BULLA_AWS_KMS_INVALID_STATE, "{} is pending import." },
	[BULLA_AWS_SAYS_NO_MATERIAL_PENDING] = { BULLA_AWS_KMS_INVALID_STATE,
						 "No available key material pending rotation for the key: {}." },
	[BULLA_AWS_SAYS_OTHER_MATERIAL_PENDING] = { BULLA_AWS_KMS_INVALID_STATE,
						    "New key material (id: {}) cannot be imported into KMS key {}, because "
						    "another key material (id: {}) is pending rotation." },
	[BULLA_AWS_SAYS_INVALID_CIPHERTEXT] = { BULLA_AWS_INVALID_CIPHERTEXT, "" },
	[BULLA_AWS_SAYS_INCORRECT_KEY] = { BULLA_AWS_INCORRECT_KEY,
					   "The key ID in the request does not identify a CMK that can perform this operation." },
	[BULLA_AWS_SAYS_WRONG_USAGE] = { BULLA_AWS_INVALID_KEY_USAGE, "{} key usage is {} which is not valid for {}." },
	[BULLA_AWS_SAYS_ROTATIONS_EXHAUSTED] = { BULLA_AWS_LIMIT_EXCEEDED,
						 "The on-demand rotations limit has been reached for the given keyId. No more "
						 "on-demand rotations can be performed for this key: {}" },
	[BULLA_AWS_SAYS_DUPLICATE_TAGS] = { BULLA_AWS_TAG, "Duplicate tag keys" },
	[BULLA_AWS_SAYS_RESERVED_TAG] = { BULLA_AWS_TAG, "Tags beginning with aws: are reserved" },
	[BULLA_AWS_SAYS_TOO_MANY_TAGS] = { BULLA_AWS_TAG, "Too many tags" },
	[BULLA_AWS_SAYS_UNSUPPORTED] = { BULLA_AWS_UNSUPPORTED_OPERATION, "" },
	[BULLA_AWS_SAYS_WRONG_ORIGIN] = { BULLA_AWS_UNSUPPORTED_OPERATION,
					  "{} origin is {} which is not valid for this operation." },
	[BULLA_AWS_SAYS_NOT_PRIMARY] = { BULLA_AWS_UNSUPPORTED_OPERATION, "{} is not a multi-region primary key." },
	[BULLA_AWS_SAYS_DRY_RUN] = { BULLA_AWS_DRY_RUN_OPERATION,
				     "The request would have succeeded, but the DryRun option is set." },
	[BULLA_AWS_SAYS_BYTES_REQUIRED] = { BULLA_AWS_VALIDATION, "NumberOfBytes is required." },
	[BULLA_AWS_SAYS_ALIAS_PREFIX] = { BULLA_AWS_VALIDATION,
					  "Alias must start with the prefix \"alias/\". Please see "
					  "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html" },
	[BULLA_AWS_SAYS_USAGE_REQUIRED] = { BULLA_AWS_VALIDATION, "You must specify a KeyUsage value for all KMS keys except for "
								  "symmetric encryption keys." },
	[BULLA_AWS_SAYS_ALIAS_EXISTS] = { BULLA_AWS_ALREADY_EXISTS, "An alias with the name {} already exists" },
	[BULLA_AWS_SAYS_NOT_AUTHORIZED] = { BULLA_AWS_ACCESS_DENIED,
					    "User: {} is not authorized to perform: {} on resource: {} because {}" },
	[BULLA_AWS_SAYS_UNRECOGNIZED_CLIENT] = { BULLA_AWS_UNRECOGNIZED_CLIENT,
						 "The security token included in the request is invalid." },
	[BULLA_AWS_SAYS_MISSING_TOKEN] = { BULLA_AWS_MISSING_AUTHENTICATION_TOKEN, "Missing Authentication Token" },
	[BULLA_AWS_SAYS_SIGNATURE_MISMATCH] = { BULLA_AWS_INVALID_SIGNATURE,
						"The request signature we calculated does not match the signature you "
						"provided. Check your AWS Secret Access Key and signing method. Consult the "
						"service documentation for details." },
	[BULLA_AWS_SAYS_EXPIRED_TOKEN] = { BULLA_AWS_EXPIRED_TOKEN, "The security token included in the request is expired" },
	[BULLA_AWS_SAYS_THROTTLED] = { BULLA_AWS_THROTTLING, "Rate exceeded" },
	[BULLA_AWS_SAYS_UNKNOWN_OPERATION] = { BULLA_AWS_UNKNOWN_OPERATION, "" },
	[BULLA_AWS_SAYS_INTERNAL] = { BULLA_AWS_KMS_INTERNAL, "" },
};

bulla_bytes bulla_aws_shown(bulla_bytes value)
{
	if (value.len <= BULLA_AWS_SHOWN_MAX) return value;
	size_t n = BULLA_AWS_SHOWN_MAX;
	while (n > BULLA_AWS_SHOWN_MAX - 4 && (value.data[n] & 0xc0) == 0x80)
		n--;
	return bulla_view(value.data, n);
}

/* One line of whole code points, whatever was printed into it or cut off at its end. */
static void make_line(char *text)
{
	bulla_bytes rest = bulla_view_str(text);
	size_t left = rest.len, at = 0;
	while (left > 0) {
		size_t n = bulla_utf8_first(bulla_view(rest.data + at, left));
		if (n == 0 && left < 4 && rest.len == BULLA_AWS_FAULT_TEXT_MAX - 1) {
			text[at] = 0;
			return;
		}
		if (n == 0 || (uint8_t)text[at] < 0x20 || text[at] == 0x7f) text[at] = '?';
		at += n ? n : 1;
		left -= n ? n : 1;
	}
}

bool bulla_aws_refuse(bulla_aws_fault *fault, bulla_aws_type type, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fault->type = type;
	if (vsnprintf(fault->text, sizeof fault->text, format, args) < 0) fault->text[0] = 0;
	va_end(args);
	make_line(fault->text);
	return false;
}

/* Appends what fits; `len` is the text's. */
static void append(bulla_aws_fault *fault, size_t *len, bulla_bytes part)
{
	size_t room = sizeof fault->text - 1 - *len, n = part.len < room ? part.len : room;
	for (size_t i = 0; i < n; i++)
		fault->text[*len + i] = part.data[i] ? (char)part.data[i] : '?';
	*len += n;
	fault->text[*len] = 0;
}

bool bulla_aws_say_parts(bulla_aws_fault *fault, bulla_aws_saying what, const bulla_bytes *parts, size_t n)
{
	const char *text = sayings[what].text;
	size_t len = 0, used = 0;
	fault->type = sayings[what].type;
	fault->text[0] = 0;
	for (const char *hole; (hole = strstr(text, "{}")) != NULL; text = hole + 2) {
		append(fault, &len, bulla_view(text, (size_t)(hole - text)));
		if (used < n) append(fault, &len, bulla_aws_shown(parts[used++]));
	}
	append(fault, &len, bulla_view_str(text));
	make_line(fault->text);
	return false;
}

bulla_code bulla_aws_fault_write(const bulla_aws_fault *fault, bulla_buf *out, bulla_error *err)
{
	bulla_json_writer w = bulla_json_to(out);
	bulla_json_open(&w, NULL, '{');
	bulla_json_put_str(&w, "__type", names[fault->type]);
	if (*fault->text) bulla_json_put_str(&w, "message", fault->text);
	bulla_json_close(&w, '}');
	return bulla_json_end(&w, err);
}
