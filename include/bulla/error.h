/*
 * error.h - what can go wrong, as one enum and one caller-owned structure.
 *
 * Every function that can fail returns a bulla_code and takes a bulla_error as its last argument. The structure
 * belongs to the caller, may be NULL, and is written only on failure. Its texts never hold a plaintext, a key or
 * a value of a database.
 */
#ifndef BULLA_ERROR_H
#define BULLA_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BULLA_API          __attribute__((visibility("default")))
#define BULLA_MUST         __attribute__((warn_unused_result))
#define BULLA_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define BULLA_API
#define BULLA_MUST
#define BULLA_PRINTF(f, a)
#endif

/* Explicit and append-only: a number keeps its meaning for ever. The name in lower case without the prefix is
 * what `--json` prints and what docs/ERRORS.md lists. */
typedef enum bulla_code {
	BULLA_OK = 0,
	BULLA_ERR_USAGE = 1,           /* the caller broke the contract of the function or of the command line */
	BULLA_ERR_MEMORY = 2,          /* an allocation failed */
	BULLA_ERR_LIMIT = 3,           /* something is larger than its stated limit */
	BULLA_ERR_FORMAT = 4,          /* bytes that are not what they should be */
	BULLA_ERR_VERSION = 5,         /* a format version or flag this build does not know */
	BULLA_ERR_AUTH = 6,            /* authentication failed: wrong key or changed bytes, never told apart */
	BULLA_ERR_CONTEXT = 7,         /* the encryption context differs from the one that was sealed */
	BULLA_ERR_UNKNOWN_KEY = 8,     /* no key of this environment has that kind and reference */
	BULLA_ERR_KEY_DISABLED = 9,    /* the KMS key is disabled */
	BULLA_ERR_KEY_PENDING = 10,    /* the KMS key is waiting for its deletion */
	BULLA_ERR_KEY_CLOSING = 11,    /* the KMS key or branch key takes no new wraps */
	BULLA_ERR_KEY_DESTROYED = 12,  /* the key was destroyed; what hangs from it is shredded */
	BULLA_ERR_ROOT_KEY = 13,       /* the root key does not open this store */
	BULLA_ERR_PARTIAL_RECORD = 14, /* a fresh data key must seal every non-NULL field of its record */
	BULLA_ERR_TYPE = 15,           /* the value does not have the field's type */
	BULLA_ERR_TOO_LARGE = 16,      /* the value exceeds 16 MiB, or 4096 bytes where a KMS encrypts it itself */
	BULLA_ERR_ENCODING = 17,       /* text that is not valid UTF-8, base64 or hex */
	BULLA_ERR_CONFIG = 18,         /* bulla.yaml is wrong; the text has line and column */
	BULLA_ERR_NOT_FOUND = 19,      /* a file, model, field, record, key or alias does not exist */
	BULLA_ERR_EXISTS = 20,         /* it exists already and is not overwritten */
	BULLA_ERR_BUSY = 21,           /* somebody else is doing this now; retry later */
	BULLA_ERR_LOCKED = 22,         /* the database or store is locked by another process */
	BULLA_ERR_READ_ONLY = 23,      /* the database, store or file cannot be written */
	BULLA_ERR_FULL = 24,           /* no space left */
	BULLA_ERR_CORRUPT = 25,        /* a store or log contradicts itself */
	BULLA_ERR_NEWER = 26,          /* made by a newer release; this one does not touch it */
	BULLA_ERR_PERMISSION = 27,     /* a file's mode or owner is too open, or access to it is denied */
	BULLA_ERR_IO = 28,             /* the operating system refused a read or write */
	BULLA_ERR_DENIED = 29,         /* the KMS or a policy does not permit this operation */
	BULLA_ERR_UNAVAILABLE = 30,    /* the KMS did not answer; retry later */
	BULLA_ERR_DRIFT = 31,          /* the data or schema changed since it was planned or verified */
	BULLA_ERR_REFUSED = 32,        /* it would lose data or break a promise; the text says which */
	BULLA_ERR_CONFLICT = 33,       /* another writer changed the row first */
	BULLA_ERR_AUDIT = 34,          /* the audit log cannot be written or does not verify */
	BULLA_ERR_DATABASE = 35,       /* the target database answered with an error */
	BULLA_ERR_INTERRUPTED = 36,    /* stopped by a signal, with a checkpoint */
	BULLA_ERR_CRYPTO = 37,         /* the crypto library failed; never the caller's data */
	BULLA_ERR_INTERNAL = 38,       /* a bug in bulla */
	BULLA_ERR_KEY_USAGE = 39       /* the KMS key is of another kind than the operation needs */
} bulla_code;

#define BULLA_ERROR_TEXT_MAX 320

/* One thread at a time. Clear it with `bulla_error e = {0}`. */
typedef struct bulla_error {
	bulla_code code;
	bool retryable;                  /* the same call may succeed later, unchanged */
	int http_status;                 /* of the KMS that answered, 0 where none did */
	char text[BULLA_ERROR_TEXT_MAX]; /* one line, UTF-8, the cause */
	char next[BULLA_ERROR_TEXT_MAX]; /* one line, the safe next step; may be empty */
} bulla_error;

/* The code's name in lower case ("unknown_key"), static; "internal" for a number that has none. */
BULLA_API const char *bulla_code_name(bulla_code code);

#ifdef __cplusplus
}
#endif
#endif
