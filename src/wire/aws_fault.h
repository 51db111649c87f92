/*
 * aws_fault.h - what AWS answers instead of a result: a type, an HTTP status, a line of text.
 *
 * Types, statuses and texts are those of the real service's JSON endpoint: 400 for whatever the client can mend, 500 and 503 for
 * the rest (the 404, 409 and 412 of AWS's own model are never sent).
 */
#ifndef WIRE_AWS_FAULT_H
#define WIRE_AWS_FAULT_H

#include "base/error.h"
#include "base/json.h"

#define BULLA_AWS_FAULT_TEXT_MAX 2048 /* bytes with the NUL; a longer text is cut between two code points */
#define BULLA_AWS_SHOWN_MAX      256  /* bytes of a caller's value that a text repeats */

typedef enum bulla_aws_type {
	/* any service of AWS */
	BULLA_AWS_ACCESS_DENIED,
	BULLA_AWS_EXPIRED_TOKEN,
	BULLA_AWS_INCOMPLETE_SIGNATURE,
	BULLA_AWS_INVALID_SIGNATURE,
	BULLA_AWS_MISSING_AUTHENTICATION_TOKEN,
	BULLA_AWS_SERIALIZATION,
	BULLA_AWS_THROTTLING,
	BULLA_AWS_UNKNOWN_OPERATION,
	BULLA_AWS_UNRECOGNIZED_CLIENT,
	BULLA_AWS_VALIDATION,
	/* KMS */
	BULLA_AWS_ALREADY_EXISTS,
	BULLA_AWS_CONFLICT,
	BULLA_AWS_CUSTOM_KEY_STORE_NOT_FOUND,
	BULLA_AWS_DEPENDENCY_TIMEOUT,
	BULLA_AWS_DISABLED,
	BULLA_AWS_DRY_RUN_OPERATION,
	BULLA_AWS_EXPIRED_IMPORT_TOKEN,
	BULLA_AWS_INCORRECT_KEY,
	BULLA_AWS_INCORRECT_KEY_MATERIAL,
	BULLA_AWS_INVALID_ALIAS_NAME,
	BULLA_AWS_INVALID_ARN,
	BULLA_AWS_INVALID_CIPHERTEXT,
	BULLA_AWS_INVALID_GRANT_ID,
	BULLA_AWS_INVALID_GRANT_TOKEN,
	BULLA_AWS_INVALID_IMPORT_TOKEN,
	BULLA_AWS_INVALID_KEY_USAGE,
	BULLA_AWS_INVALID_MARKER,
	BULLA_AWS_KEY_UNAVAILABLE,
	BULLA_AWS_KMS_INTERNAL,
	BULLA_AWS_KMS_INVALID_MAC,
	BULLA_AWS_KMS_INVALID_SIGNATURE,
	BULLA_AWS_KMS_INVALID_STATE,
	BULLA_AWS_LIMIT_EXCEEDED,
	BULLA_AWS_MALFORMED_POLICY_DOCUMENT,
	BULLA_AWS_NOT_FOUND,
	BULLA_AWS_TAG,
	BULLA_AWS_UNSUPPORTED_OPERATION,
	/* CloudTrail's LookupEvents */
	BULLA_AWS_INVALID_LOOKUP_ATTRIBUTES,
	BULLA_AWS_INVALID_MAX_RESULTS,
	BULLA_AWS_INVALID_NEXT_TOKEN,
	BULLA_AWS_INVALID_TIME_RANGE,
	BULLA_AWS_TYPES
} bulla_aws_type;

/* The texts that the service has for what happens every day. In brackets: the parts that go into them. */
typedef enum bulla_aws_saying {
	BULLA_AWS_SAYS_KEY_NOT_FOUND,          /* [key ARN] */
	BULLA_AWS_SAYS_ALIAS_NOT_FOUND,        /* [alias ARN] */
	BULLA_AWS_SAYS_INVALID_KEY_ID,         /* [as sent]: neither an id nor an ARN nor an alias */
	BULLA_AWS_SAYS_OTHER_REGION,           /* [region]: an ARN of another one */
	BULLA_AWS_SAYS_DISABLED,               /* [key ARN] */
	BULLA_AWS_SAYS_PENDING_DELETION,       /* [key ARN] */
	BULLA_AWS_SAYS_NOT_PENDING_DELETION,   /* [key ARN] */
	BULLA_AWS_SAYS_PENDING_IMPORT,         /* [key ARN] */
	BULLA_AWS_SAYS_NO_MATERIAL_PENDING,    /* [key ARN]: nothing to rotate to */
	BULLA_AWS_SAYS_OTHER_MATERIAL_PENDING, /* [new material's id, key id, waiting material's id] */
	BULLA_AWS_SAYS_INVALID_CIPHERTEXT,     /* nothing: whatever the reason is */
	BULLA_AWS_SAYS_INCORRECT_KEY,          /* nothing */
	BULLA_AWS_SAYS_WRONG_USAGE,            /* [key ARN, its usage, operation] */
	BULLA_AWS_SAYS_ROTATIONS_EXHAUSTED,    /* [key ARN] */
	BULLA_AWS_SAYS_DUPLICATE_TAGS,         /* nothing */
	BULLA_AWS_SAYS_RESERVED_TAG,           /* nothing */
	BULLA_AWS_SAYS_TOO_MANY_TAGS,          /* nothing */
	BULLA_AWS_SAYS_UNSUPPORTED,            /* nothing */
	BULLA_AWS_SAYS_WRONG_ORIGIN,           /* [key ARN, its origin] */
	BULLA_AWS_SAYS_NOT_PRIMARY,            /* [key ARN] */
	BULLA_AWS_SAYS_DRY_RUN,                /* nothing */
	BULLA_AWS_SAYS_BYTES_REQUIRED,         /* nothing: neither KeySpec nor NumberOfBytes */
	BULLA_AWS_SAYS_ALIAS_PREFIX,           /* nothing */
	BULLA_AWS_SAYS_USAGE_REQUIRED,         /* nothing */
	BULLA_AWS_SAYS_ALIAS_EXISTS,           /* [alias ARN] */
	BULLA_AWS_SAYS_NOT_AUTHORIZED,         /* [caller's ARN, "kms:Action", resource's ARN, why] */
	BULLA_AWS_SAYS_UNRECOGNIZED_CLIENT,    /* nothing: no such access key, or not its session token */
	BULLA_AWS_SAYS_MISSING_TOKEN,          /* nothing: not signed at all */
	BULLA_AWS_SAYS_SIGNATURE_MISMATCH,     /* nothing */
	BULLA_AWS_SAYS_EXPIRED_TOKEN,          /* nothing: a session token whose time is over */
	BULLA_AWS_SAYS_THROTTLED,              /* nothing */
	BULLA_AWS_SAYS_UNKNOWN_OPERATION,      /* nothing */
	BULLA_AWS_SAYS_INTERNAL,               /* nothing: our fault, told nobody but the log */
	BULLA_AWS_SAYINGS
} bulla_aws_saying;

/* One thread at a time; nothing to free. `text` is one line of UTF-8 and may be empty. It repeats what the caller sent, never a
 * plaintext, a key or a signature. */
typedef struct bulla_aws_fault {
	bulla_aws_type type;
	char text[BULLA_AWS_FAULT_TEXT_MAX];
} bulla_aws_fault;

/* "NotFoundException", and 400, 500 or 503; static. */
const char *bulla_aws_type_name(bulla_aws_type type);
int bulla_aws_type_status(bulla_aws_type type);

/* Each fills in `fault` and returns false, so that a function that refuses ends with it. Control characters and invalid UTF-8
 * become `?`. */
bool bulla_aws_refuse(bulla_aws_fault *fault, bulla_aws_type type, const char *format, ...) BULLA_PRINTF(3, 4);
bool bulla_aws_say_parts(bulla_aws_fault *fault, bulla_aws_saying what, const bulla_bytes *parts, size_t n);

/* bulla_aws_say(fault, BULLA_AWS_SAYS_WRONG_USAGE, arn, usage, operation); parts are bulla_bytes, each shown as bulla_aws_shown()
 * has it. */
#define bulla_aws_say(fault, ...) BULLA_AWS_SAY_((fault), __VA_ARGS__, bulla_view(NULL, 0))
#define BULLA_AWS_SAY_(fault, what, ...)                                                                                         \
	bulla_aws_say_parts((fault), (what), (const bulla_bytes[]){ __VA_ARGS__ },                                               \
			    sizeof((const bulla_bytes[]){ __VA_ARGS__ }) / sizeof(bulla_bytes) - 1)

/* As much of `value` as a text may repeat: BULLA_AWS_SHOWN_MAX bytes at most, ended between two code points. */
bulla_bytes bulla_aws_shown(bulla_bytes value);

/* The answer's body: {"__type":"...","message":"..."}, without a message where the text is empty. */
BULLA_MUST bulla_code bulla_aws_fault_write(const bulla_aws_fault *fault, bulla_buf *out, bulla_error *err);

#endif
