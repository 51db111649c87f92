/*
 * sigv4_parse.c - the Authorization header, its parts, and which headers it must cover.
 */
#include "wire/sigv4.h"
#include "base/text.h"
#include "wire/sigv4_canonical.h"

#include <stdio.h>
#include <time.h>

static const char algorithm[] = "AWS4-HMAC-SHA256";

/* --- time ------------------------------------------------------------------------------------------------------ */

const char *bulla_sigv4_time_text(int64_t time_us, char out[static BULLA_SIGV4_TIME])
{
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm utc;
	bool good = gmtime_r(&seconds, &utc) != NULL &&
		    strftime(out, BULLA_SIGV4_TIME, "%Y%m%dT%H%M%SZ", &utc) == BULLA_SIGV4_TIME - 1;
	if (!good) (void)snprintf(out, BULLA_SIGV4_TIME, "00000000T000000Z");
	return out;
}

static bool number(bulla_bytes text, size_t at, size_t n, int *ret)
{
	int value = 0;
	for (size_t i = at; i < at + n; i++) {
		if (text.data[i] < '0' || text.data[i] > '9') return false;
		value = 10 * value + (text.data[i] - '0');
	}
	*ret = value;
	return true;
}

/* A day or an hour that no calendar has comes out as another one. */
static bool to_time(struct tm parts, int64_t *ret_us)
{
	struct tm same = parts;
	time_t seconds = timegm(&same);
	if (seconds < 0 || same.tm_mday != parts.tm_mday || same.tm_mon != parts.tm_mon || same.tm_hour != parts.tm_hour ||
	    same.tm_min != parts.tm_min || same.tm_sec != parts.tm_sec)
		return false;
	*ret_us = (int64_t)seconds * 1000000;
	return true;
}

bool bulla_sigv4_time_read(bulla_bytes text, int64_t *ret_us)
{
	struct tm t = { 0 };
	if (text.len != BULLA_SIGV4_TIME - 1 || text.data[8] != 'T' || text.data[15] != 'Z') return false;
	if (!number(text, 0, 4, &t.tm_year) || !number(text, 4, 2, &t.tm_mon) || !number(text, 6, 2, &t.tm_mday) ||
	    !number(text, 9, 2, &t.tm_hour) || !number(text, 11, 2, &t.tm_min) || !number(text, 13, 2, &t.tm_sec))
		return false;
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	return to_time(t, ret_us);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7), what Date has where it is not written as X-Amz-Date is. */
static bool read_http_date(bulla_bytes text, int64_t *ret_us)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm t = { 0 };
	if (text.len != 29 || !number(text, 5, 2, &t.tm_mday) || !number(text, 12, 4, &t.tm_year) ||
	    !number(text, 17, 2, &t.tm_hour) || !number(text, 20, 2, &t.tm_min) || !number(text, 23, 2, &t.tm_sec))
		return false;
	if (memcmp(text.data + 3, ", ", 2) != 0 || memcmp(text.data + 25, " GMT", 4) != 0) return false;
	while (t.tm_mon < 12 && memcmp(months + (ptrdiff_t)3 * t.tm_mon, text.data + 8, 3) != 0)
		t.tm_mon++;
	t.tm_year -= 1900;
	return t.tm_mon < 12 && to_time(t, ret_us);
}

/* --- the parts of the header ----------------------------------------------------------------------------------- */

typedef struct parts {
	bulla_bytes credential, signed_headers, signature;
} parts;

static bool wrong(bulla_aws_fault *fault, const char *text)
{
	return bulla_aws_refuse(fault, BULLA_AWS_INCOMPLETE_SIGNATURE, "%s", text);
}

/* One `Name=value`; names that we do not know are passed over, as AWS does. */
static bool read_part(bulla_bytes part, parts *out, bulla_aws_fault *fault)
{
	const struct {
		const char *name;
		bulla_bytes *value;
	} rows[] = { { "Credential", &out->credential },
		     { "SignedHeaders", &out->signed_headers },
		     { "Signature", &out->signature } };
	bulla_bytes whole = bulla_http_trim(part);
	const uint8_t *equals = whole.len ? memchr(whole.data, '=', whole.len) : NULL;

	if (!equals) return wrong(fault, "Invalid key=value pair (missing equal-sign) in Authorization header.");
	size_t n = (size_t)(equals - whole.data);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!bulla_bytes_is(bulla_view(whole.data, n), rows[i].name)) continue;
		if (rows[i].value->data) return wrong(fault, "Duplicated parameter in Authorization header.");
		*rows[i].value = bulla_view(equals + 1, whole.len - n - 1);
	}
	return true;
}

static bool read_parts(bulla_bytes rest, parts *out, bulla_aws_fault *fault)
{
	while (rest.len) {
		const uint8_t *comma = memchr(rest.data, ',', rest.len);
		size_t n = comma ? (size_t)(comma - rest.data) : rest.len;
		if (!read_part(bulla_view(rest.data, n), out, fault)) return false;
		rest = comma ? bulla_view(comma + 1, rest.len - n - 1) : bulla_view(NULL, 0);
	}
	return true;
}

/* AWS names all that is missing at once. */
static bool complete(const parts *p, bool dated, bulla_aws_fault *fault)
{
	if (p->credential.len && p->signature.len && p->signed_headers.len && dated) return true;
	char text[400];
	(void)snprintf(text, sizeof text, "%s%s%s%s",
		       p->credential.len ? "" : "Authorization header requires 'Credential' parameter. ",
		       p->signature.len ? "" : "Authorization header requires 'Signature' parameter. ",
		       p->signed_headers.len ? "" : "Authorization header requires 'SignedHeaders' parameter. ",
		       dated ? "" : "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
	return wrong(fault, text);
}

static bulla_bytes until_slash(bulla_bytes *rest)
{
	const uint8_t *slash = rest->len ? memchr(rest->data, '/', rest->len) : NULL;
	size_t n = slash ? (size_t)(slash - rest->data) : rest->len;
	bulla_bytes part = bulla_view(rest->data, n);
	*rest = slash ? bulla_view(slash + 1, rest->len - n - 1) : bulla_view(NULL, 0);
	return part;
}

static bool read_credential(bulla_bytes credential, bulla_sigv4 *out, bulla_aws_fault *fault)
{
	bulla_bytes rest = credential;
	size_t slashes = 0;
	for (size_t i = 0; i < credential.len; i++)
		slashes += credential.data[i] == '/';
	out->credential = credential;
	out->access_key_id = until_slash(&rest);
	out->scope = rest;
	out->date = until_slash(&rest);
	out->region = until_slash(&rest);
	out->service = until_slash(&rest);
	if (slashes != 4 || credential.len > BULLA_SIGV4_CREDENTIAL_MAX || out->access_key_id.len == 0 ||
	    out->access_key_id.len > BULLA_SIGV4_ID_MAX)
		return wrong(fault, "Credential must have exactly 5 slash-delimited elements, e.g. "
				    "keyid/date/region/service/aws4_request.");
	if (!bulla_bytes_is(rest, "aws4_request"))
		return bulla_aws_refuse(fault, BULLA_AWS_INVALID_SIGNATURE,
					"Credential should be scoped with a valid terminator: 'aws4_request'.");
	return true;
}

/* --- what is signed -------------------------------------------------------------------------------------------- */

static bool unsigned_header(bulla_aws_fault *fault, bulla_bytes name)
{
	if (bulla_bytes_is(name, "host"))
		return bulla_aws_refuse(fault, BULLA_AWS_INVALID_SIGNATURE,
					"'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
	return bulla_aws_refuse(fault, BULLA_AWS_INVALID_SIGNATURE, "'%.*s' must be a 'SignedHeader' in the AWS Authorization.",
				(int)name.len, (const char *)name.data);
}

static bool is_signed(bulla_bytes signed_headers, const char *name)
{
	bulla_bytes rest = signed_headers, next;
	while (bulla_sigv4_next_name(&rest, &next))
		if (bulla_bytes_is(next, name)) return true;
	return false;
}

/* Sorted, so that no two parties read two lists out of one; lower case, as in the canonical request; each of them sent. */
static bool well_listed(const bulla_http_request *request, bulla_bytes names, bulla_aws_fault *fault)
{
	bulla_bytes rest = names, name, before = { NULL, 0 };
	size_t n = 0;
	while (bulla_sigv4_next_name(&rest, &name)) {
		bool sent = false;
		for (size_t i = 0; i < request->n_headers && !sent; i++)
			sent = bulla_http_name_is(request->headers[i].name, name);
		if (!sent || bulla_bytes_compare(before, name) >= 0 || ++n > BULLA_SIGV4_SIGNED_MAX)
			return bulla_aws_refuse(
				fault, BULLA_AWS_INVALID_SIGNATURE,
				"SignedHeaders must name headers of the request, at most %d, in lower case and sorted.",
				BULLA_SIGV4_SIGNED_MAX);
		before = name;
	}
	return true;
}

/* What decides who asks for what, and when, is there once and signed. */
static bool well_covered(const bulla_http_request *request, bulla_bytes names, const char *date, bulla_aws_fault *fault)
{
	const struct {
		const char *name;
		bool must;
	} rows[] = { { "host", true }, { date, true }, { "x-amz-target", false }, { "x-amz-security-token", false } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_bytes value;
		size_t n = bulla_http_find(request, rows[i].name, &value);
		if (n == 0 && !rows[i].must) continue;
		if (n != 1 || !is_signed(names, rows[i].name)) return unsigned_header(fault, bulla_view_str(rows[i].name));
	}
	return true;
}

/* --- all of it ------------------------------------------------------------------------------------------------- */

/* The name of the header with the request's date; NULL where there is none. */
static const char *find_date(const bulla_http_request *request, bulla_bytes *ret_value)
{
	if (bulla_http_find(request, "x-amz-date", ret_value)) return "x-amz-date";
	return bulla_http_find(request, "date", ret_value) ? "date" : NULL;
}

/* X-Amz-Date has one form; Date may have either. */
static bool read_date(bulla_bytes date, bool is_date, bulla_sigv4 *out)
{
	if (bulla_sigv4_time_read(date, &out->time_us)) {
		memcpy(out->time, date.data, BULLA_SIGV4_TIME - 1);
		return true;
	}
	if (!is_date || !read_http_date(date, &out->time_us)) return false;
	bulla_sigv4_time_text(out->time_us, out->time);
	return true;
}

/* After the algorithm's name; an empty view where the header is none of ours. */
static bool read_algorithm(bulla_bytes header, bulla_bytes *ret_rest, bulla_aws_fault *fault)
{
	const uint8_t *space = header.len ? memchr(header.data, ' ', header.len) : NULL;
	bulla_bytes name = bulla_view(header.data, space ? (size_t)(space - header.data) : header.len);
	*ret_rest = space ? bulla_view(space + 1, header.len - name.len - 1) : bulla_view(NULL, 0);
	if (bulla_bytes_is(name, algorithm)) return true;
	if (name.len > 4 && memcmp(name.data, "AWS4", 4) == 0)
		return wrong(fault, "Unsupported AWS 'algorithm' (only AWS4-HMAC-SHA256 for now). ");
	*ret_rest = bulla_view(NULL, 0);
	return true;
}

bool bulla_sigv4_parse(const bulla_http_request *request, bulla_sigv4 *out, bulla_aws_fault *fault)
{
	bulla_bytes header, rest, date;
	parts p = { 0 };
	size_t n = bulla_http_find(request, "authorization", &header);

	*out = (bulla_sigv4){ 0 };
	if (n == 0 || header.len == 0) return bulla_aws_say(fault, BULLA_AWS_SAYS_MISSING_TOKEN);
	if (n > 1 || header.len > BULLA_SIGV4_AUTHORIZATION_MAX)
		return wrong(fault, "One Authorization header, of at most 4096 bytes, is read.");
	if (!read_algorithm(header, &rest, fault) || !read_parts(rest, &p, fault)) return false;
	const char *dated = find_date(request, &date);
	if (!complete(&p, dated != NULL, fault)) return false;
	if (!read_credential(p.credential, out, fault)) return false;
	if (!read_date(date, dated[0] == 'd', out))
		return wrong(fault, "Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601");
	if (!well_listed(request, p.signed_headers, fault) || !well_covered(request, p.signed_headers, dated, fault))
		return false;
	out->signed_headers = p.signed_headers;
	(void)bulla_http_find(request, "x-amz-security-token", &out->session_token);
	if (!bulla_hex_read(p.signature, out->signature, sizeof out->signature))
		return bulla_aws_say(fault, BULLA_AWS_SAYS_SIGNATURE_MISMATCH);
	return true;
}
