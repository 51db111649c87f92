/*
 * http.h - a request as views: what a listener received, or what a client is about to send.
 */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include "base/bytes.h"

#define BULLA_HTTP_HEADERS_MAX 100         /* of one request; whoever fills one in refuses more */
#define BULLA_HTTP_HEAD_MAX    (16u << 10) /* bytes of target and headers together; likewise */

/* Name and value as sent: any case; a folded value with its line breaks. */
typedef struct bulla_http_header {
	bulla_bytes name, value;
} bulla_http_header;

typedef struct bulla_http_request {
	bulla_bytes method;
	bulla_bytes target;               /* as sent: path and query, percent-encoding untouched */
	const bulla_http_header *headers; /* in the order of their arrival */
	size_t n_headers;
	bulla_bytes body;
} bulla_http_request;

/* How many headers are called `name` (lower case), in any case of theirs. `ret_value` is the first one's value without the blanks
 * around it; it is not touched where there is none. A caller that decides by the value refuses more than one. */
size_t bulla_http_find(const bulla_http_request *request, const char *name, bulla_bytes *ret_value);

/* ASCII letters are equal in either case; `lower` is in lower case. */
bool bulla_http_name_is(bulla_bytes name, bulla_bytes lower);

/* Without the blanks, tabs and line breaks around it. */
bulla_bytes bulla_http_trim(bulla_bytes value);

static inline bool bulla_http_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

#endif
