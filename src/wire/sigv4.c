/*
 * sigv4.c - keys and signatures of AWS Signature Version 4.
 */
#include "wire/sigv4.h"
#include "base/text.h"
#include "crypto/mac.h"
#include "wire/sigv4_canonical.h"

static const char prefix[] = "AWS4-HMAC-SHA256\n";
static const char terminator[] = "aws4_request";

static void wipe_secret_key(uint8_t (*key)[4 + BULLA_SIGV4_SECRET_MAX])
{
	bulla_wipe(key, sizeof *key);
}

bulla_code bulla_sigv4_key(bulla_lane *lane, bulla_bytes secret, bulla_bytes date, bulla_bytes region, bulla_bytes service,
			   uint8_t out[static BULLA_KEY_SIZE], bulla_error *err)
{
	__attribute__((cleanup(wipe_secret_key))) uint8_t first[4 + BULLA_SIGV4_SECRET_MAX] = "AWS4";
	uint8_t tag[64];
	BULLA_SECRET key;
	const bulla_bytes steps[] = { region, service, bulla_view_str(terminator) };

	if (secret.len > BULLA_SIGV4_SECRET_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a secret access key of more than %d bytes", BULLA_SIGV4_SECRET_MAX);
	if (secret.len) memcpy(first + 4, secret.data, secret.len);
	TRY(bulla_mac_compute(BULLA_HMAC_SHA256, bulla_view(first, 4 + secret.len), date, tag, err));
	memcpy(key.bytes, tag, sizeof key.bytes);
	bulla_wipe(tag, sizeof tag);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		TRY(bulla_hmac_sha256(lane, key.bytes, &steps[i], 1, key.bytes, err));
	memcpy(out, key.bytes, sizeof key.bytes);
	return BULLA_OK;
}

/* The signature of `request` at `time` in `scope` over the headers named. */
static bulla_code compute(bulla_lane *lane, const bulla_http_request *request, bulla_bytes signed_headers, const char *time,
			  bulla_bytes scope, const uint8_t body_hash[static 32], const uint8_t key[static BULLA_KEY_SIZE],
			  uint8_t out[static 32], bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf canonical = { .max = BULLA_SIGV4_CANONICAL_MAX };
	uint8_t hash[32], digits[64];
	bulla_buf hex = { .data = digits, .cap = sizeof digits, .max = sizeof digits };

	TRY(bulla_sigv4_canonical(request, signed_headers, body_hash, &canonical, err));
	TRY(bulla_sha256(lane, (const bulla_bytes[]){ bulla_view_buf(&canonical) }, 1, hash, err));
	TRY(bulla_hex_encode(bulla_view(hash, sizeof hash), &hex, err));
	const bulla_bytes to_sign[] = { bulla_view_str(prefix), bulla_view_str(time), bulla_view_str("\n"), scope,
					bulla_view_str("\n"),   bulla_view_buf(&hex) };
	return bulla_hmac_sha256(lane, key, to_sign, sizeof to_sign / sizeof *to_sign, out, err);
}

/* --- a server's side ------------------------------------------------------------------------------------------- */

static bool body_is_as_said(const bulla_http_request *request, const uint8_t body_hash[static 32])
{
	bulla_bytes text;
	uint8_t said[32];
	size_t n = bulla_http_find(request, "x-amz-content-sha256", &text);
	if (n == 0) return true;
	return n == 1 && bulla_hex_read(text, said, sizeof said) && bulla_equal_ct(said, body_hash, sizeof said);
}

bool bulla_sigv4_verify(bulla_lane *lane, const bulla_http_request *request, const bulla_sigv4 *signature,
			const uint8_t key[static BULLA_KEY_SIZE], bulla_aws_fault *fault)
{
	uint8_t body_hash[32], ours[32];

	if (bulla_sha256(lane, &request->body, 1, body_hash, NULL) != BULLA_OK)
		return bulla_aws_say(fault, BULLA_AWS_SAYS_INTERNAL);
	if (!body_is_as_said(request, body_hash))
		return bulla_aws_refuse(fault, BULLA_AWS_INVALID_SIGNATURE,
					"The provided 'x-amz-content-sha256' header does not match what was computed.");
	bulla_code code =
		compute(lane, request, signature->signed_headers, signature->time, signature->scope, body_hash, key, ours, NULL);
	if (code == BULLA_ERR_LIMIT || code == BULLA_ERR_USAGE) return bulla_aws_say(fault, BULLA_AWS_SAYS_SIGNATURE_MISMATCH);
	if (code != BULLA_OK) return bulla_aws_say(fault, BULLA_AWS_SAYS_INTERNAL);
	bool same = bulla_equal_ct(ours, signature->signature, sizeof ours);
	bulla_wipe(ours, sizeof ours);
	return same || bulla_aws_say(fault, BULLA_AWS_SAYS_SIGNATURE_MISMATCH);
}

/* --- a client's side ------------------------------------------------------------------------------------------- */

/* Places of headers, sorted by name in lower case; several of one name are one. */
typedef struct listing {
	const bulla_http_request *request;
	bulla_buf lower; /* their names, one behind the other */
	bulla_bytes names[BULLA_SIGV4_SIGNED_MAX];
	size_t n;
} listing;

static bool insert(listing *l, bulla_bytes name)
{
	size_t at = l->n;
	while (at > 0 && bulla_bytes_compare(l->names[at - 1], name) > 0)
		at--;
	if (at > 0 && bulla_bytes_equal(l->names[at - 1], name)) return true;
	if (l->n == BULLA_SIGV4_SIGNED_MAX) return false;
	memmove(&l->names[at + 1], &l->names[at], (l->n - at) * sizeof *l->names);
	l->names[at] = name;
	l->n++;
	return true;
}

/* SignedHeaders of all headers of the request. */
static bulla_code list_headers(listing *l, bulla_buf *out, bulla_error *err)
{
	size_t size = 0;
	for (size_t i = 0; i < l->request->n_headers; i++)
		size += l->request->headers[i].name.len;
	TRY(bulla_buf_reserve(&l->lower, size, err));
	for (size_t i = 0; i < l->request->n_headers; i++) {
		bulla_bytes name = l->request->headers[i].name;
		uint8_t *at = l->lower.data + l->lower.len;
		for (size_t k = 0; k < name.len; k++)
			at[k] = name.data[k] >= 'A' && name.data[k] <= 'Z' ? (uint8_t)(name.data[k] | 0x20) : name.data[k];
		l->lower.len += name.len;
		if (!insert(l, bulla_view(at, name.len)))
			return bulla_fail(err, BULLA_ERR_LIMIT, "more than %d headers to sign", BULLA_SIGV4_SIGNED_MAX);
	}
	for (size_t i = 0; i < l->n; i++) {
		if (i) TRY(bulla_buf_add_str(out, ";", err));
		TRY(bulla_buf_add(out, l->names[i], err));
	}
	return BULLA_OK;
}

static bulla_code write_header(const bulla_sigv4_signer *signer, bulla_bytes scope, bulla_bytes signed_headers,
			       const uint8_t signature[static 32], bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_str(out, "AWS4-HMAC-SHA256 Credential=", err));
	TRY(bulla_buf_add(out, signer->access_key_id, err));
	TRY(bulla_buf_add_str(out, "/", err));
	TRY(bulla_buf_add(out, scope, err));
	TRY(bulla_buf_add_str(out, ", SignedHeaders=", err));
	TRY(bulla_buf_add(out, signed_headers, err));
	TRY(bulla_buf_add_str(out, ", Signature=", err));
	return bulla_hex_encode(bulla_view(signature, 32), out, err);
}

/* "20261121/us-east-1/kms/aws4_request" */
static bulla_code write_scope(const bulla_sigv4_signer *signer, const char *time, bulla_buf *out, bulla_error *err)
{
	return bulla_buf_printf(out, err, "%.8s/%.*s/%.*s/%s", time, (int)signer->region.len, (const char *)signer->region.data,
				(int)signer->service.len, (const char *)signer->service.data, terminator);
}

bulla_code bulla_sigv4_sign(bulla_lane *lane, const bulla_http_request *request, const bulla_sigv4_signer *signer, bulla_buf *out,
			    bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf scope = { .max = BULLA_SIGV4_CREDENTIAL_MAX };
	BULLA_BUF_AUTO bulla_buf names = { .max = BULLA_HTTP_HEAD_MAX };
	BULLA_BUF_AUTO bulla_buf lower = { .max = BULLA_HTTP_HEAD_MAX };
	listing l = { .request = request, .lower = lower };
	bulla_bytes date, host;
	char time[BULLA_SIGV4_TIME];
	uint8_t body_hash[32], signature[32];
	int64_t time_us;

	if (bulla_http_find(request, "host", &host) != 1 || bulla_http_find(request, "x-amz-date", &date) != 1 ||
	    !bulla_sigv4_time_read(date, &time_us))
		return bulla_fail(err, BULLA_ERR_USAGE, "a request to sign has Host and X-Amz-Date once each");
	bulla_code code = list_headers(&l, &names, err);
	lower = l.lower;
	TRY(code);
	TRY(write_scope(signer, bulla_sigv4_time_text(time_us, time), &scope, err));
	TRY(bulla_sha256(lane, &request->body, 1, body_hash, err));
	TRY(compute(lane, request, bulla_view_buf(&names), time, bulla_view_buf(&scope), body_hash, signer->key, signature, err));
	return write_header(signer, bulla_view_buf(&scope), bulla_view_buf(&names), signature, out, err);
}
