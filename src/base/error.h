/*
 * error.h - how the inside reports a failure: fill the caller's bulla_error, return its code.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <bulla/error.h>

/* Leave at once when `expr` fails. Only where nothing is owned; elsewhere `goto out`. */
#define TRY(expr)                                                                                                                \
	do {                                                                                                                     \
		bulla_code try_code_ = (expr);                                                                                   \
		if (try_code_ != BULLA_OK) return try_code_;                                                                     \
	} while (0)

/* Writes `code` and the formatted line to `err` (which may be NULL), empties its `next`, and returns `code`.
 * Texts are cut at BULLA_ERROR_TEXT_MAX, line breaks become spaces. Never pass a value or a key. BUSY, LOCKED,
 * CONFLICT and UNAVAILABLE are marked retryable. */
bulla_code bulla_fail(bulla_error *err, bulla_code code, const char *format, ...) BULLA_PRINTF(3, 4);

/* Adds the safe next step to a failure just reported; returns err's code (BULLA_ERR_INTERNAL when `err` is NULL
 * is never produced: with NULL it returns `code`). */
bulla_code bulla_advise(bulla_error *err, bulla_code code, const char *format, ...) BULLA_PRINTF(3, 4);

/* BULLA_ERR_MEMORY with its one text. */
bulla_code bulla_fail_memory(bulla_error *err);

/* `action` failed with `errno_value`: PERMISSION for EACCES and EPERM, NOT_FOUND for ENOENT, FULL for ENOSPC and
 * EDQUOT, READ_ONLY for EROFS, EXISTS for EEXIST, else IO. The text is "<action>: <strerror>". */
bulla_code bulla_fail_errno(bulla_error *err, int errno_value, const char *format, ...) BULLA_PRINTF(3, 4);

#endif
