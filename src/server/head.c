/*
 * head.c - the head of a request, as libmicrohttpd parsed it, checked against the bytes that it parsed.
 *
 * libmicrohttpd is a tolerant reader: it takes bare line feeds, folded headers, several blanks and NULs, and puts a NUL where something ends. Since it
 * works in place, where each piece lies tells what was between them. Here the pieces must follow one another without a gap:
 * `METHOD SP target SP version CRLF *(name ":" blanks value CRLF) CRLF` (RFC 9112), and nothing else passes.
 */
#include "server/listener_inside.h"

#include <string.h>
#include <strings.h>

/* --- characters -------------------------------------------------------------------------------------------------- */

/* RFC 9110, 5.6.2: "token". */
static bool is_token(bulla_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!alnum && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c))) return false;
	}
	return text.len > 0;
}

static bool is_target(bulla_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] >= 0x7f) return false;
	return text.len > 0;
}

/* No control characters but tabs. */
static bool is_value(bulla_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.data[i] < ' ' && text.data[i] != '\t') || text.data[i] == 0x7f) return false;
	return true;
}

static bool is_blank(const char *from, const char *to)
{
	for (; from < to; from++)
		if (*from != ' ' && *from != '\t') return false;
	return from == to;
}

/* --- walking the pieces ------------------------------------------------------------------------------------------ */

typedef struct walk {
	bulla_exchange *exchange;
	const char *start, *next; /* of the head in libmicrohttpd's buffer; where the next piece has to begin */
	size_t size;
	bulla_refusal refusal;
} walk;

/* The same bytes in the exchange's copy. */
static bulla_bytes moved(const walk *w, const char *text, size_t len)
{
	return bulla_view(w->exchange->head.data + (text - w->start), len);
}

static enum MHD_Result take_header(void *self, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
				   size_t value_len)
{
	(void)kind;
	walk *w = self;
	bulla_http_request *request = &w->exchange->request;
	if (request->n_headers == BULLA_HTTP_HEADERS_MAX) {
		w->refusal = BULLA_REFUSED_HEADERS;
		return MHD_NO;
	}
	/* a header without a value has a static empty one in some versions: then its place is not known, and the walk ends */
	bool in_place = name == w->next && value && value >= name + name_len + 1 && value + value_len + 2 <= w->start + w->size;
	if (!in_place || !is_blank(name + name_len + 1, value) || !is_token(bulla_view(name, name_len)) ||
	    !is_value(bulla_view(value, value_len))) {
		w->refusal = BULLA_REFUSED_MALFORMED;
		return MHD_NO;
	}
	w->exchange->headers[request->n_headers++] = (bulla_http_header){ moved(w, name, name_len), moved(w, value, value_len) };
	w->next = value + value_len + 2;
	return MHD_YES;
}

static bool take_request_line(walk *w, const char *url, const char *method, const char *version)
{
	bulla_exchange *x = w->exchange;
	size_t method_len = strlen(method);
	if (url != method + method_len + 1 || version != url + x->target.len + 1) return false;
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0) return false;
	x->request.method = moved(w, method, method_len);
	x->request.target = bulla_view_buf(&x->target);
	w->next = version + strlen("HTTP/1.x") + 2;
	return is_token(x->request.method) && is_target(x->request.target);
}

/* --- what the headers say ---------------------------------------------------------------------------------------- */

/* How many there are of a name, and the last one's value. */
typedef struct found {
	size_t n;
	bulla_bytes value;
} found;

static bool text_is(bulla_bytes text, const char *lower)
{
	return text.len == strlen(lower) && strncasecmp((const char *)text.data, lower, text.len) == 0;
}

static found find(const bulla_http_request *request, const char *lower)
{
	found f = { 0 };
	for (size_t i = 0; i < request->n_headers; i++) {
		if (!text_is(request->headers[i].name, lower)) continue;
		f.n++;
		f.value = request->headers[i].value;
	}
	return f;
}

/* False for anything but digits; beyond 2^63 it is simply large. */
static bool read_length(bulla_bytes text, uint64_t *ret)
{
	uint64_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9') return false;
		n = n > INT64_MAX / 10 ? INT64_MAX : n * 10 + (uint64_t)(text.data[i] - '0');
	}
	*ret = n;
	return text.len > 0;
}

static bulla_refusal judge(const bulla_http_request *request, bool newer, size_t body_max)
{
	found length = find(request, "content-length"), coding = find(request, "transfer-encoding");
	found host = find(request, "host"), expect = find(request, "expect");
	uint64_t n = 0;
	if (length.n + coding.n > 1) return BULLA_REFUSED_FRAMING;
	if (coding.n && !newer) return BULLA_REFUSED_FRAMING;
	if (coding.n && !text_is(coding.value, "chunked")) return BULLA_REFUSED_CODING;
	if (length.n && !read_length(length.value, &n)) return BULLA_REFUSED_FRAMING;
	if (host.n > 1 || (newer && !host.n)) return BULLA_REFUSED_HOST;
	if (expect.n > 1 || (expect.n && !text_is(expect.value, "100-continue"))) return BULLA_REFUSED_EXPECTATION;
	return n > body_max ? BULLA_REFUSED_BODY : 0;
}

bulla_refusal bulla_head_read(bulla_exchange *exchange, struct MHD_Connection *mhd, const char *url, const char *method,
			      const char *version, size_t body_max)
{
	const union MHD_ConnectionInfo *size = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	if (!size || !method || !url || !version) return BULLA_REFUSED_MALFORMED;
	walk w = { exchange, method, method, size->header_size, 0 };
	if (bulla_buf_add(&exchange->head, bulla_view(method, w.size), NULL) != BULLA_OK) return BULLA_REFUSED_HEADERS;
	if (!take_request_line(&w, url, method, version)) return BULLA_REFUSED_MALFORMED;
	MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, take_header, &w);
	if (w.refusal) return w.refusal;
	if (w.next + 2 != w.start + w.size) return BULLA_REFUSED_MALFORMED;
	exchange->request.headers = exchange->headers;
	return judge(&exchange->request, strcmp(version, "HTTP/1.1") == 0, body_max);
}
