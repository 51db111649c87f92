/*
 * sigv4_canonical.c - the canonical request of AWS Signature Version 4.
 */
#include "wire/sigv4_canonical.h"
#include "base/text.h"

/* Appends what was reserved for. */
static void put(bulla_buf *out, bulla_bytes bytes)
{
	if (bytes.len) memcpy(out->data + out->len, bytes.data, bytes.len);
	out->len += bytes.len;
}

static void put_char(bulla_buf *out, char c)
{
	out->data[out->len++] = (uint8_t)c;
}

static bool unreserved(uint8_t c)
{
	uint8_t letter = (uint8_t)((c | 0x20) - 'a');
	return letter < 26 || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
}

static void put_encoded(bulla_buf *out, uint8_t c)
{
	static const char digits[] = "0123456789ABCDEF";
	if (unreserved(c)) {
		put_char(out, (char)c);
		return;
	}
	put_char(out, '%');
	put_char(out, digits[c >> 4]);
	put_char(out, digits[c & 15]);
}

/* --- path ------------------------------------------------------------------------------------------------------ */

/* Back over the last segment and its slash; nothing before `floor` is touched. */
static void drop_segment(bulla_buf *out, size_t floor)
{
	while (out->len > floor && out->data[out->len - 1] != '/')
		out->len--;
	if (out->len > floor) out->len--;
}

static void put_segment(bulla_buf *out, size_t floor, bulla_bytes segment)
{
	if (segment.len == 0 || bulla_bytes_is(segment, ".")) return;
	if (bulla_bytes_is(segment, "..")) {
		drop_segment(out, floor);
		return;
	}
	put_char(out, '/');
	for (size_t i = 0; i < segment.len; i++)
		put_encoded(out, segment.data[i]);
}

static void put_path(bulla_buf *out, bulla_bytes path)
{
	size_t floor = out->len, from = 0;
	for (size_t i = 0; i <= path.len; i++) {
		if (i < path.len && path.data[i] != '/') continue;
		put_segment(out, floor, bulla_view(path.data + from, i - from));
		from = i + 1;
	}
	if (out->len == floor || (path.len && path.data[path.len - 1] == '/')) put_char(out, '/');
}

/* --- query ----------------------------------------------------------------------------------------------------- */

static int hex_digit(uint8_t c)
{
	uint8_t letter = (uint8_t)((c | 0x20) - 'a');
	if (c >= '0' && c <= '9') return c - '0';
	return letter < 6 ? letter + 10 : -1;
}

/* Decoded and encoded again: whatever the sender left as it was or need not have encoded. A `%` before no two digits stands for
 * itself. */
static bulla_bytes put_again(bulla_buf *out, bulla_bytes part)
{
	size_t from = out->len;
	for (size_t i = 0; i < part.len; i++) {
		int high = part.data[i] == '%' && part.len - i > 2 ? hex_digit(part.data[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(part.data[i + 2]) : -1;
		put_encoded(out, low >= 0 ? (uint8_t)(high << 4 | low) : part.data[i]);
		if (low >= 0) i += 2;
	}
	return bulla_view(out->data + from, out->len - from);
}

static bulla_pair read_pair(bulla_buf *scratch, bulla_bytes pair)
{
	const uint8_t *equals = pair.len ? memchr(pair.data, '=', pair.len) : NULL;
	size_t n = equals ? (size_t)(equals - pair.data) : pair.len;
	bulla_bytes name = put_again(scratch, bulla_view(pair.data, n));
	bulla_bytes value = equals ? put_again(scratch, bulla_view(equals + 1, pair.len - n - 1)) : bulla_view("", 0);
	return (bulla_pair){ name, value };
}

static int order(const bulla_pair *a, const bulla_pair *b)
{
	int c = bulla_bytes_compare(a->name, b->name);
	return c ? c : bulla_bytes_compare(a->value, b->value);
}

static void insert_sorted(bulla_pair *pairs, size_t n, bulla_pair pair)
{
	for (; n > 0 && order(&pairs[n - 1], &pair) > 0; n--)
		pairs[n] = pairs[n - 1];
	pairs[n] = pair;
}

/* Into `pairs`, sorted, as views into `scratch`, which has room for them. */
static bulla_code read_query(bulla_bytes query, bulla_pair *pairs, size_t *ret_n, bulla_buf *scratch, bulla_error *err)
{
	size_t n = 0;
	for (size_t from = 0, i = 0; i <= query.len; i++) {
		if (i < query.len && query.data[i] != '&') continue;
		bulla_bytes pair = bulla_view(query.data + from, i - from);
		from = i + 1;
		if (pair.len == 0) continue;
		if (n == BULLA_SIGV4_QUERY_MAX)
			return bulla_fail(err, BULLA_ERR_LIMIT, "a query of more than %d pairs", BULLA_SIGV4_QUERY_MAX);
		insert_sorted(pairs, n++, read_pair(scratch, pair));
	}
	*ret_n = n;
	return BULLA_OK;
}

static bulla_code put_query(bulla_buf *out, bulla_bytes query, bulla_error *err)
{
	bulla_pair pairs[BULLA_SIGV4_QUERY_MAX];
	BULLA_BUF_AUTO bulla_buf scratch = { .max = BULLA_SIGV4_CANONICAL_MAX };
	size_t n = 0;

	if (query.len == 0) return BULLA_OK;
	TRY(bulla_buf_reserve(&scratch, 3 * query.len, err));
	TRY(read_query(query, pairs, &n, &scratch, err));
	for (size_t i = 0; i < n; i++) {
		if (i) put_char(out, '&');
		put(out, pairs[i].name);
		put_char(out, '=');
		put(out, pairs[i].value);
	}
	return BULLA_OK;
}

/* --- headers --------------------------------------------------------------------------------------------------- */

static void put_value(bulla_buf *out, bulla_bytes value)
{
	bulla_bytes rest = bulla_http_trim(value);
	for (size_t i = 0; i < rest.len; i++) {
		bool blank = bulla_http_is_blank(rest.data[i]);
		if (blank && bulla_http_is_blank(rest.data[i - 1])) continue;
		put_char(out, blank ? ' ' : (char)rest.data[i]);
	}
}

static void put_header(bulla_buf *out, const bulla_http_request *request, bulla_bytes name)
{
	bool again = false;
	put(out, name);
	put_char(out, ':');
	for (size_t i = 0; i < request->n_headers; i++) {
		if (!bulla_http_name_is(request->headers[i].name, name)) continue;
		if (again) put_char(out, ',');
		put_value(out, request->headers[i].value);
		again = true;
	}
	put_char(out, '\n');
}

/* --- all of it ------------------------------------------------------------------------------------------------- */

/* An upper bound, so that nothing below need ask for room: a byte of the target takes three at most, and the names of headers
 * occur twice, with two bytes around each. */
static size_t bound(const bulla_http_request *request, bulla_bytes signed_headers)
{
	size_t size = request->method.len + 3 * request->target.len + 3 * signed_headers.len + BULLA_SIGV4_QUERY_MAX + 80;
	for (size_t i = 0; i < request->n_headers; i++)
		size += request->headers[i].value.len + 1;
	return size;
}

/* A name that came twice would bring its values twice, beyond the bound. */
static bulla_code put_headers(bulla_buf *out, const bulla_http_request *request, bulla_bytes signed_headers, bulla_error *err)
{
	bulla_bytes rest = signed_headers, name, before = { NULL, 0 };
	while (bulla_sigv4_next_name(&rest, &name)) {
		if (bulla_bytes_compare(before, name) >= 0)
			return bulla_fail(err, BULLA_ERR_USAGE, "names of signed headers that are not sorted");
		put_header(out, request, name);
		before = name;
	}
	return BULLA_OK;
}

bulla_code bulla_sigv4_canonical(const bulla_http_request *request, bulla_bytes signed_headers,
				 const uint8_t body_hash[static 32], bulla_buf *out, bulla_error *err)
{
	bulla_bytes target = request->target.len ? request->target : bulla_view_str("/");
	const uint8_t *mark = memchr(target.data, '?', target.len);
	size_t path = mark ? (size_t)(mark - target.data) : target.len;

	if (target.data[0] != '/') return bulla_fail(err, BULLA_ERR_USAGE, "a request target that does not begin with a slash");
	if (target.len > BULLA_SIGV4_CANONICAL_MAX) return bulla_fail(err, BULLA_ERR_LIMIT, "a request target that is too long");
	TRY(bulla_buf_reserve(out, bound(request, signed_headers), err));
	put(out, request->method);
	put_char(out, '\n');
	put_path(out, bulla_view(target.data, path));
	put_char(out, '\n');
	if (mark) TRY(put_query(out, bulla_view(mark + 1, target.len - path - 1), err));
	put_char(out, '\n');
	TRY(put_headers(out, request, signed_headers, err));
	put_char(out, '\n');
	put(out, signed_headers);
	put_char(out, '\n');
	return bulla_hex_encode(bulla_view(body_hash, 32), out, err);
}
