/*
 * sigv4_canonical.h - a request in the one form in which both ends hash it.
 */
#ifndef WIRE_SIGV4_CANONICAL_H
#define WIRE_SIGV4_CANONICAL_H

#include "base/buf.h"
#include "wire/http.h"
#include "wire/sigv4.h"

/* Appends the canonical request: method, path, query, headers, the names in `signed_headers`, the hash of the body in
 * hexadecimal.
 *
 * Path: `.`, `..` and empty segments resolved, every byte but A-Z a-z 0-9 - _ . ~ / percent-encoded (once more, where it was
 * already). Query: pairs decoded, encoded, sorted by name and then value. Headers: those that are named, values trimmed and every
 * run of blanks in them, line breaks of a folded one included, made one space; several of one name joined by `,` as they came.
 * USAGE where the names are not strictly ascending or the target does not begin with a slash; LIMIT, MEMORY. */
BULLA_MUST bulla_code bulla_sigv4_canonical(const bulla_http_request *request, bulla_bytes signed_headers,
					    const uint8_t body_hash[static 32], bulla_buf *out, bulla_error *err);

/* The name before the next `;`; false at the end. */
static inline bool bulla_sigv4_next_name(bulla_bytes *rest, bulla_bytes *name)
{
	if (!rest->data || rest->len == 0) return false;
	const uint8_t *end = memchr(rest->data, ';', rest->len);
	size_t n = end ? (size_t)(end - rest->data) : rest->len;
	*name = bulla_view(rest->data, n);
	*rest = end ? bulla_view(end + 1, rest->len - n - 1) : bulla_view(NULL, 0);
	return true;
}

#endif
