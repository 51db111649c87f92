/*
 * sigv4.h - AWS Signature Version 4 in the Authorization header: reading, checking and making one.
 *
 * A server goes bulla_sigv4_parse() → bulla_sigv4_check() → finds the secret of `access_key_id` → bulla_sigv4_key(), or the key
 * that it kept (wire/sigv4_keys.h) → bulla_sigv4_verify(). A request is what its signature says only after the last one.
 * Signatures in the query ("presigned") are not read: no client of KMS makes them.
 *
 * What is signed: the method, the path, the query, the headers that SignedHeaders names and the body, whose hash is always
 * computed. Host and X-Amz-Date (or Date) must be among the headers, and X-Amz-Target and X-Amz-Security-Token where they are
 * there, each once: what decides is signed. Other headers may be signed or not. A request that is sent again within the window
 * verifies again, as with AWS.
 */
#ifndef WIRE_SIGV4_H
#define WIRE_SIGV4_H

#include "crypto/lane.h"
#include "wire/aws_fault.h"
#include "wire/http.h"

#define BULLA_SIGV4_AUTHORIZATION_MAX 4096         /* bytes of the header's value */
#define BULLA_SIGV4_SIGNED_MAX        64           /* names in SignedHeaders */
#define BULLA_SIGV4_QUERY_MAX         64           /* pairs of a query */
#define BULLA_SIGV4_CANONICAL_MAX     (128u << 10) /* bytes of a canonical request */
#define BULLA_SIGV4_CREDENTIAL_MAX    224          /* bytes of access key id and scope together */
#define BULLA_SIGV4_ID_MAX            128          /* bytes of an access key id */
#define BULLA_SIGV4_SECRET_MAX        128          /* bytes of a secret access key */
#define BULLA_SIGV4_SKEW_US           300000000    /* how far the client's clock may be from ours, either way: 5 minutes */
#define BULLA_SIGV4_TIME              17           /* "20261121T164523Z" and a NUL */

/* An Authorization header that is well-formed, and nothing else yet. Views into the request, which must outlive it. */
typedef struct bulla_sigv4 {
	bulla_bytes credential; /* access key id/date/region/service/aws4_request, as sent */
	bulla_bytes access_key_id, date, region, service;
	bulla_bytes scope;          /* date/region/service/aws4_request */
	bulla_bytes signed_headers; /* lower-case names, sorted, joined by `;` */
	bulla_bytes session_token;  /* of X-Amz-Security-Token; empty where there is none */
	uint8_t signature[32];
	int64_t time_us;             /* of X-Amz-Date, else of Date */
	char time[BULLA_SIGV4_TIME]; /* the same as text */
} bulla_sigv4;

/* Reads the request's Authorization header into `out`. Refuses with MissingAuthenticationTokenException where there is none,
 * IncompleteSignatureException for parts that are missing, twice there or too long, InvalidSignatureException for headers that
 * must be signed and are not. `out` is then undefined. */
BULLA_MUST bool bulla_sigv4_parse(const bulla_http_request *request, bulla_sigv4 *out, bulla_aws_fault *fault);

/* Who we are, and what time it is. */
typedef struct bulla_sigv4_place {
	const char *service;        /* "kms" */
	const char *const *regions; /* those that we answer for; NULL: any */
	size_t n_regions;
	int64_t now_us;
} bulla_sigv4_place;

/* The scope names this service, one of its regions and the day of the request's date, which is within BULLA_SIGV4_SKEW_US of now.
 * Else InvalidSignatureException. */
BULLA_MUST bool bulla_sigv4_check(const bulla_sigv4 *signature, const bulla_sigv4_place *place, bulla_aws_fault *fault);

/* The signing key of one secret, day ("20261121"), region and service. LIMIT above BULLA_SIGV4_SECRET_MAX, CRYPTO. */
BULLA_MUST bulla_code bulla_sigv4_key(bulla_lane *lane, bulla_bytes secret, bulla_bytes date, bulla_bytes region,
				      bulla_bytes service, uint8_t out[static BULLA_KEY_SIZE], bulla_error *err);

/* Computes the signature of `request` under `key` and compares it in constant time with the one of `signature`, which
 * bulla_sigv4_parse() read from this request. InvalidSignatureException, also where X-Amz-Content-Sha256 is not the body's hash.
 * */
BULLA_MUST bool bulla_sigv4_verify(bulla_lane *lane, const bulla_http_request *request, const bulla_sigv4 *signature,
				   const uint8_t key[static BULLA_KEY_SIZE], bulla_aws_fault *fault);

/* Who signs, for what. */
typedef struct bulla_sigv4_signer {
	bulla_bytes access_key_id, region, service;
	const uint8_t *key; /* bulla_sigv4_key() of the day in the request's X-Amz-Date */
} bulla_sigv4_signer;

/* Appends the value of the Authorization header to `out`. Every header of `request` is signed, so it has Host and X-Amz-Date and
 * none that a proxy may change; headers that are not to be signed (User-Agent) are added afterwards. USAGE where one of the two
 * is missing or wrong, LIMIT. */
BULLA_MUST bulla_code bulla_sigv4_sign(bulla_lane *lane, const bulla_http_request *request, const bulla_sigv4_signer *signer,
				       bulla_buf *out, bulla_error *err);

/* "20261121T164523Z" and back; whole seconds, years 1970 to 9999. */
const char *bulla_sigv4_time_text(int64_t time_us, char out[static BULLA_SIGV4_TIME]);
BULLA_MUST bool bulla_sigv4_time_read(bulla_bytes text, int64_t *ret_us);

#endif
