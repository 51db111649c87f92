/*
 * help.h - a request out of text, as the tests of this room write and read them.
 */
#ifndef TEST_WIRE_HELP_H
#define TEST_WIRE_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/aws_fault.h"
#include "wire/http.h"

#include <stdio.h>
#include <stdlib.h>

#define TEST_KEY_ID "AKIDEXAMPLE"
#define TEST_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

/* Views into `text`, which it owns and which a test may change. */
typedef struct parsed_request {
	char *text;
	size_t len;
	bulla_http_header headers[BULLA_HTTP_HEADERS_MAX];
	bulla_http_request request;
} parsed_request;

static inline bulla_bytes help_until(const char **at, const char *end, const char *stop)
{
	const char *from = *at, *found = memmem(from, (size_t)(end - from), stop, strlen(stop));
	assert_non_null(found);
	*at = found + strlen(stop);
	return bulla_view(from, (size_t)(found - from));
}

/* Request line, header lines, an empty line, body; lines end with CR LF. */
static inline void help_split(parsed_request *p)
{
	const char *at = p->text, *end = p->text + p->len;
	size_t n = 0;
	p->request = (bulla_http_request){ .method = help_until(&at, end, " ") };
	p->request.target = help_until(&at, end, " HTTP/1.1\r\n");
	while (at[0] != '\r') {
		assert_true(n < BULLA_HTTP_HEADERS_MAX);
		p->headers[n].name = help_until(&at, end, ":");
		p->headers[n++].value = help_until(&at, end, "\r\n");
	}
	p->request.headers = p->headers;
	p->request.n_headers = n;
	p->request.body = bulla_view(at + 2, (size_t)(end - at - 2));
}

static inline void help_free(parsed_request *p)
{
	free(p->text);
}

/* False where there is no such file. */
static inline bool help_read(const char *path, parsed_request *p)
{
	static char whole[65536];
	FILE *in = fopen(path, "rb");
	if (!in) return false;
	p->len = fread(whole, 1, sizeof whole, in);
	fclose(in);
	p->text = malloc(p->len + 1);
	assert_non_null(p->text);
	memcpy(p->text, whole, p->len);
	p->text[p->len] = 0;
	help_split(p);
	return true;
}

/* The refusal is of this type, and its text begins like this. */
static inline void help_refused(const bulla_aws_fault *fault, const char *type, const char *text)
{
	if (strcmp(bulla_aws_type_name(fault->type), type) != 0 || strncmp(fault->text, text, strlen(text)) != 0)
		fail_msg("%s: %s", bulla_aws_type_name(fault->type), fault->text);
}

#endif
