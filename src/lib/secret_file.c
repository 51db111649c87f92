/*
 * secret_file.c - reads a secret that lies in a file by itself.
 */
#include "lib/secret_file.h"
#include "io/file.h"

#define LINE_END_MAX 2 /* "\r\n" */

bulla_code bulla_secret_line(bulla_buf *text, const char *where, size_t max, bulla_error *err)
{
	size_t len = text->len;
	if (len && text->data[len - 1] == '\n') len--;
	if (len && text->data[len - 1] == '\r') len--;
	if (!len) return bulla_fail(err, BULLA_ERR_FORMAT, "%s is empty: a secret is one line", where);
	if (memchr(text->data, '\n', len)) return bulla_fail(err, BULLA_ERR_FORMAT, "%s has more than one line", where);
	if (len > max) return bulla_fail(err, BULLA_ERR_LIMIT, "the secret in %s has more than %zu bytes", where, max);
	text->len = len;
	return BULLA_OK;
}

bulla_code bulla_secret_file_read(const char *path, size_t max, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_file_read_private(path, max + LINE_END_MAX, out, err));
	return bulla_secret_line(out, path, max, err);
}
