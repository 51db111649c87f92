/*
 * error.c - filling the caller's bulla_error.
 */
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[] = {
	[BULLA_OK] = "ok",
	[BULLA_ERR_USAGE] = "usage",
	[BULLA_ERR_MEMORY] = "memory",
	[BULLA_ERR_LIMIT] = "limit",
	[BULLA_ERR_FORMAT] = "format",
	[BULLA_ERR_VERSION] = "version",
	[BULLA_ERR_AUTH] = "auth",
	[BULLA_ERR_CONTEXT] = "context",
	[BULLA_ERR_UNKNOWN_KEY] = "unknown_key",
	[BULLA_ERR_KEY_DISABLED] = "key_disabled",
	[BULLA_ERR_KEY_PENDING] = "key_pending",
	[BULLA_ERR_KEY_CLOSING] = "key_closing",
	[BULLA_ERR_KEY_DESTROYED] = "key_destroyed",
	[BULLA_ERR_ROOT_KEY] = "root_key",
	[BULLA_ERR_PARTIAL_RECORD] = "partial_record",
	[BULLA_ERR_TYPE] = "type",
	[BULLA_ERR_TOO_LARGE] = "too_large",
	[BULLA_ERR_ENCODING] = "encoding",
	[BULLA_ERR_CONFIG] = "config",
	[BULLA_ERR_NOT_FOUND] = "not_found",
	[BULLA_ERR_EXISTS] = "exists",
	[BULLA_ERR_BUSY] = "busy",
	[BULLA_ERR_LOCKED] = "locked",
	[BULLA_ERR_READ_ONLY] = "read_only",
	[BULLA_ERR_FULL] = "full",
	[BULLA_ERR_CORRUPT] = "corrupt",
	[BULLA_ERR_NEWER] = "newer",
	[BULLA_ERR_PERMISSION] = "permission",
	[BULLA_ERR_IO] = "io",
	[BULLA_ERR_DENIED] = "denied",
	[BULLA_ERR_UNAVAILABLE] = "unavailable",
	[BULLA_ERR_DRIFT] = "drift",
	[BULLA_ERR_REFUSED] = "refused",
	[BULLA_ERR_CONFLICT] = "conflict",
	[BULLA_ERR_AUDIT] = "audit",
	[BULLA_ERR_DATABASE] = "database",
	[BULLA_ERR_INTERRUPTED] = "interrupted",
	[BULLA_ERR_CRYPTO] = "crypto",
	[BULLA_ERR_INTERNAL] = "internal",
	[BULLA_ERR_KEY_USAGE] = "key_usage",
};

#define CODES (sizeof code_names / sizeof *code_names)

const char *bulla_code_name(bulla_code code)
{
	return (size_t)code < CODES ? code_names[code] : "internal";
}

static bool retryable(bulla_code code)
{
	return code == BULLA_ERR_BUSY || code == BULLA_ERR_LOCKED || code == BULLA_ERR_CONFLICT || code == BULLA_ERR_UNAVAILABLE;
}

/* One line of UTF-8: control characters and what is not UTF-8 become spaces, a code point cut by the limit goes. */
static void make_line(char *text, bool cut)
{
	size_t len = strlen(text);
	for (size_t i = 0; i < len;) {
		size_t n = bulla_utf8_first(bulla_view(text + i, len - i));
		if (n == 0 && cut && len - i < 4) {
			text[i] = 0;
			return;
		}
		if (n == 0 || (unsigned char)text[i] < 0x20 || text[i] == 0x7f) text[i] = ' ';
		i += n ? n : 1;
	}
}

/* Formats beside the target first: the arguments may be the very texts that are replaced. */
static void write_text(char target[static BULLA_ERROR_TEXT_MAX], const char *format, va_list args)
{
	char line[BULLA_ERROR_TEXT_MAX];
	int n = vsnprintf(line, sizeof line, format, args);
	if (n < 0) line[0] = 0;
	make_line(line, n >= (int)sizeof line);
	memcpy(target, line, sizeof line);
}

static bulla_code fill(bulla_error *err, bulla_code code, const char *format, va_list args)
{
	if (!err) return code;
	write_text(err->text, format, args);
	err->code = code;
	err->retryable = retryable(code);
	err->http_status = 0;
	err->next[0] = 0;
	return code;
}

bulla_code bulla_fail(bulla_error *err, bulla_code code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fill(err, code, format, args);
	va_end(args);
	return code;
}

bulla_code bulla_advise(bulla_error *err, bulla_code code, const char *format, ...)
{
	if (!err) return code;
	va_list args;
	va_start(args, format);
	write_text(err->next, format, args);
	va_end(args);
	return err->code;
}

bulla_code bulla_fail_memory(bulla_error *err)
{
	return bulla_fail(err, BULLA_ERR_MEMORY, "out of memory");
}

static bulla_code code_of_errno(int errno_value)
{
	static const struct {
		int number;
		bulla_code code;
	} rows[] = {
		{ EACCES, BULLA_ERR_PERMISSION }, { EPERM, BULLA_ERR_PERMISSION }, { ENOENT, BULLA_ERR_NOT_FOUND },
		{ ENOSPC, BULLA_ERR_FULL },       { EDQUOT, BULLA_ERR_FULL },      { EROFS, BULLA_ERR_READ_ONLY },
		{ EEXIST, BULLA_ERR_EXISTS },     { EFBIG, BULLA_ERR_FULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].number == errno_value) return rows[i].code;
	return BULLA_ERR_IO;
}

bulla_code bulla_fail_errno(bulla_error *err, int errno_value, const char *format, ...)
{
	bulla_code code = code_of_errno(errno_value);
	char action[BULLA_ERROR_TEXT_MAX], reason[128];
	va_list args;
	va_start(args, format);
	write_text(action, format, args);
	va_end(args);
	return bulla_fail(err, code, "%s: %s", action, strerror_r(errno_value, reason, sizeof reason));
}
