/*
 * http.h - one blocking request over HTTP: a POST, and its answer.
 *
 * TLS is 1.2 or newer, with the certificate and the host's name checked. No redirect is followed, no proxy asked, nothing kept between calls.
 */
#ifndef IO_HTTP_H
#define IO_HTTP_H

#include "base/buf.h"
#include "wire/http.h"

#define BULLA_POST_CONNECT_MS 5000       /* presets */
#define BULLA_POST_TOTAL_MS   30000      /* */
#define BULLA_POST_ANSWER_MAX (8u << 20) /* bytes */

/* Views that live until the call returns. */
typedef struct bulla_post {
	const char *url;                  /* http:// or https:// */
	const char *socket;               /* path of a Unix socket that is connected instead of the URL's host; NULL: none */
	const char *ca_file;              /* PEM: whom to trust; NULL: whom the system trusts */
	const bulla_http_header *headers; /* sent as they are, Host too where it is among them; no line breaks */
	size_t n_headers;
	bulla_bytes body;
	int64_t connect_ms, total_ms; /* 0: the presets */
	size_t answer_max;            /* 0: the preset */
} bulla_post;

/* Sends it and appends the answer's body to `out`, whatever its status is. UNAVAILABLE where nobody answers in time, or somebody who is not trusted;
 * LIMIT for an answer that is too long; USAGE for a URL or header that is none. Any thread. */
BULLA_MUST bulla_code bulla_http_post(const bulla_post *post, unsigned *ret_status, bulla_buf *out, bulla_error *err);

#endif
