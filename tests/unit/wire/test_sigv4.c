/*
 * test_sigv4.c - signatures made by others verify, ours are the same as theirs, and nothing that was changed verifies.
 */
#include "help.h"

#include "base/text.h"
#include "sigv4_vectors.h"
#include "wire/sigv4.h"

#define DATE "20150830T123600Z"

static int setup(void **state)
{
	bulla_lane *lane = NULL;
	assert_int_equal(bulla_lane_new(&lane, NULL), BULLA_OK);
	*state = lane;
	return 0;
}

static int teardown(void **state)
{
	bulla_lane_free(*state);
	return 0;
}

/* --- vectors ------------------------------------------------------------------------------------------------------ */

typedef struct built {
	bulla_http_header headers[8];
	bulla_http_request request;
	bulla_buf authorization;
} built;

static void build(const sigv4_vector *v, built *b)
{
	size_t n = 0;
	*b = (built){ 0 };
	b->headers[n++] = (bulla_http_header){ bulla_view_str("Host"), bulla_view_str("example.amazonaws.com") };
	for (size_t i = 0; i < 5 && v->headers[i].name; i++)
		b->headers[n++] = (bulla_http_header){ bulla_view_str(v->headers[i].name), bulla_view_str(v->headers[i].value) };
	b->headers[n++] = (bulla_http_header){ bulla_view_str("X-Amz-Date"), bulla_view_str(DATE) };
	b->request = (bulla_http_request){ bulla_view_str(v->method), bulla_view_str(v->target), b->headers, n,
					   bulla_view_str(v->body) };
}

static void key_of(bulla_lane *lane, const char *date, const char *region, const char *service, uint8_t key[static 32])
{
	assert_int_equal(bulla_sigv4_key(lane, bulla_view_str(TEST_SECRET), bulla_view_str(date), bulla_view_str(region),
					 bulla_view_str(service), key, NULL),
			 BULLA_OK);
}

static void sign(bulla_lane *lane, built *b)
{
	uint8_t key[32];
	bulla_error err = { 0 };
	key_of(lane, "20150830", "us-east-1", "service", key);
	const bulla_sigv4_signer signer = { bulla_view_str(TEST_KEY_ID), bulla_view_str("us-east-1"), bulla_view_str("service"),
					    key };
	if (bulla_sigv4_sign(lane, &b->request, &signer, &b->authorization, &err) != BULLA_OK) fail_msg("%s", err.text);
	b->headers[b->request.n_headers++] =
		(bulla_http_header){ bulla_view_str("Authorization"), bulla_view_buf(&b->authorization) };
}

/* Everything that a server does. */
static bool accepts(bulla_lane *lane, const bulla_http_request *request, bulla_aws_fault *fault)
{
	bulla_sigv4 signature;
	uint8_t key[32];
	if (!bulla_sigv4_parse(request, &signature, fault)) return false;
	if (!bulla_bytes_is(signature.access_key_id, TEST_KEY_ID))
		return bulla_aws_say(fault, BULLA_AWS_SAYS_UNRECOGNIZED_CLIENT);
	assert_int_equal(bulla_sigv4_key(lane, bulla_view_str(TEST_SECRET), signature.date, signature.region, signature.service,
					 key, NULL),
			 BULLA_OK);
	return bulla_sigv4_verify(lane, request, &signature, key, fault);
}

static void vectors_are_met(void **state)
{
	for (size_t i = 0; i < sizeof sigv4_vectors / sizeof *sigv4_vectors; i++) {
		const sigv4_vector *v = &sigv4_vectors[i];
		bulla_aws_fault fault = { 0 };
		built b;
		build(v, &b);
		sign(*state, &b);
		bulla_bytes signature = bulla_view(b.authorization.data + b.authorization.len - 64, 64);
		if (!bulla_bytes_is(signature, v->signature))
			fail_msg("%s %s: %.64s", v->method, v->target, (const char *)signature.data);
		if (!accepts(*state, &b.request, &fault)) fail_msg("%s %s: %s", v->method, v->target, fault.text);
		bulla_buf_done(&b.authorization);
	}
}

/* Two spellings of a request that are one when hashed. */
static void same_signature(bulla_lane *lane, const sigv4_vector *one, const sigv4_vector *other)
{
	built a, b;
	build(one, &a);
	build(other, &b);
	sign(lane, &a);
	sign(lane, &b);
	if (!bulla_bytes_equal(bulla_view_buf(&a.authorization), bulla_view_buf(&b.authorization)))
		fail_msg("%s and %s are signed differently", one->target, other->target);
	bulla_buf_done(&a.authorization);
	bulla_buf_done(&b.authorization);
}

static void spellings_are_one(void **state)
{
	static const sigv4_vector pairs[][2] = {
		{ { "GET", "/", { { "H", "one two" } }, "", NULL }, { "GET", "/", { { "h", " one\r\n\t two " } }, "", NULL } },
		{ { "GET", "/?a=%7e&b=%2f", { { NULL, NULL } }, "", NULL },
		  { "GET", "/?b=/&a=~", { { NULL, NULL } }, "", NULL } },
		{ { "GET", "/?flag", { { NULL, NULL } }, "", NULL }, { "GET", "/?&flag=&", { { NULL, NULL } }, "", NULL } },
		{ { "GET", "/?a=%zz%4", { { NULL, NULL } }, "", NULL },
		  { "GET", "/?a=%25zz%254", { { NULL, NULL } }, "", NULL } },
		{ { "GET", "", { { NULL, NULL } }, "", NULL }, { "GET", "/?", { { NULL, NULL } }, "", NULL } },
		{ { "GET", "/b", { { NULL, NULL } }, "", NULL }, { "GET", "/a/../../b", { { NULL, NULL } }, "", NULL } },
	};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		same_signature(*state, &pairs[i][0], &pairs[i][1]);
}

static void signing_wants_host_and_date(void **state)
{
	uint8_t key[32] = { 0 };
	const bulla_sigv4_signer signer = { bulla_view_str("A"), bulla_view_str("r"), bulla_view_str("s"), key };
	bulla_http_header many[BULLA_SIGV4_SIGNED_MAX + 2];
	char names[BULLA_SIGV4_SIGNED_MAX + 2][8];
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	built b;
	build(&sigv4_vectors[0], &b);
	b.request.n_headers = 1;
	assert_int_equal(bulla_sigv4_sign(*state, &b.request, &signer, &out, NULL), BULLA_ERR_USAGE);
	b.headers[1].value = bulla_view_str("20150230T000000Z");
	b.request.n_headers = 2;
	assert_int_equal(bulla_sigv4_sign(*state, &b.request, &signer, &out, NULL), BULLA_ERR_USAGE);
	b.headers[1].value = bulla_view_str(DATE);
	for (size_t i = 0; i < sizeof many / sizeof *many; i++) {
		snprintf(names[i], sizeof names[i], "n%zu", i);
		many[i] = i < 2 ? b.headers[i] : (bulla_http_header){ bulla_view_str(names[i]), bulla_view_str("v") };
	}
	b.request.headers = many;
	b.request.n_headers = sizeof many / sizeof *many;
	assert_int_equal(bulla_sigv4_sign(*state, &b.request, &signer, &out, NULL), BULLA_ERR_LIMIT);
	b.request.n_headers = BULLA_SIGV4_SIGNED_MAX;
	assert_int_equal(bulla_sigv4_sign(*state, &b.request, &signer, &out, NULL), BULLA_OK);
	char secret[BULLA_SIGV4_SECRET_MAX + 1] = { 0 };
	assert_int_equal(bulla_sigv4_key(*state, bulla_view(secret, sizeof secret), signer.region, signer.region, signer.service,
					 key, NULL),
			 BULLA_ERR_LIMIT);
}

/* --- captured requests -------------------------------------------------------------------------------------------- */

static const char *const captures[] = { "awscli-01",       "awscli-02",       "boto3-143-01", "boto3-143-02",
					"boto3-debian-01", "boto3-debian-02", "esdkjs-01",    "esdkjs-02",
					"jsv3-01",         "jsv3-02",         "ruby-01" };

static bool open_capture(const char *name, parsed_request *p)
{
	char path[1024];
	const char *shared = getenv("BULLA_SHARED");
	snprintf(path, sizeof path, "%s/kms/captures/%s.http", shared ? shared : SHARED, name);
	if (help_read(path, p)) return true;
	print_message("SKIP: no %s\n", path);
	return false;
}

static void real_clients_are_accepted(void **state)
{
	static const char *const regions[] = { "eu-west-1", "us-east-1" };
	for (size_t i = 0; i < sizeof captures / sizeof *captures; i++) {
		parsed_request p;
		bulla_aws_fault fault = { 0 };
		bulla_sigv4 signature;
		if (!open_capture(captures[i], &p)) skip();
		if (!accepts(*state, &p.request, &fault)) fail_msg("%s: %s", captures[i], fault.text);
		assert_true(bulla_sigv4_parse(&p.request, &signature, &fault));
		bulla_sigv4_place place = { "kms", regions, 2, signature.time_us + 1000 };
		assert_true(bulla_sigv4_check(&signature, &place, &fault));
		assert_int_equal(signature.session_token.len, strncmp(captures[i], "boto3-143", 9) == 0 ? 19 : 0);
		help_free(&p);
	}
}

/* `at` lies in `p->text`. */
static void changed_is_refused(bulla_lane *lane, parsed_request *p, const uint8_t *at, const char *capture)
{
	bulla_aws_fault fault = { 0 };
	char *byte = p->text + ((const char *)at - p->text);
	*byte ^= 1;
	if (accepts(lane, &p->request, &fault))
		fail_msg("%s: accepted with byte %td changed: %.40s", capture, byte - p->text, byte);
	*byte ^= 1;
}

static void each_change_is_refused(bulla_lane *lane, parsed_request *p, bulla_bytes part, const char *capture)
{
	for (size_t i = 0; i < part.len; i++)
		changed_is_refused(lane, p, part.data + i, capture);
}

static bool is_listed(bulla_bytes list, bulla_bytes name)
{
	for (size_t at = 0; at + name.len <= list.len; at++)
		if (bulla_http_name_is(name, bulla_view(list.data + at, name.len)) && (at == 0 || list.data[at - 1] == ';') &&
		    (at + name.len == list.len || list.data[at + name.len] == ';'))
			return true;
	return false;
}

static void changed_captures_are_refused(void **state)
{
	for (size_t i = 0; i < sizeof captures / sizeof *captures; i++) {
		parsed_request p;
		bulla_sigv4 signature;
		bulla_aws_fault fault = { 0 };
		size_t free_headers = 0;
		if (!open_capture(captures[i], &p)) skip();
		assert_true(bulla_sigv4_parse(&p.request, &signature, &fault));
		each_change_is_refused(*state, &p, p.request.method, captures[i]);
		each_change_is_refused(*state, &p, p.request.target, captures[i]);
		each_change_is_refused(*state, &p, p.request.body, captures[i]);
		for (size_t h = 0; h < p.request.n_headers; h++) {
			bool authorization = bulla_http_name_is(p.headers[h].name, bulla_view_str("authorization"));
			if (!authorization && !is_listed(signature.signed_headers, p.headers[h].name)) {
				free_headers++;
				continue;
			}
			each_change_is_refused(*state, &p, p.headers[h].name, captures[i]);
			each_change_is_refused(*state, &p, bulla_http_trim(p.headers[h].value), captures[i]);
		}
		assert_true(free_headers > 0);
		assert_true(accepts(*state, &p.request, &fault));
		help_free(&p);
	}
}

/* --- what is refused, and how ------------------------------------------------------------------------------------ */

#define HEAD      "POST / HTTP/1.1\r\nHost: h\r\n"
#define DATED     HEAD "X-Amz-Date: 20261121T164523Z\r\n"
#define SIGNATURE "5b828fb4ee7ed3b9d5663ab4a744ea2f910a974b6649d744806ec9cdea41e99e"
#define SCOPE     "AKIDEXAMPLE/20261121/us-east-1/kms/aws4_request"
#define AUTH(credential, names, signature)                                                                                       \
	"Authorization: AWS4-HMAC-SHA256 Credential=" credential ", SignedHeaders=" names ", Signature=" signature "\r\n"
#define GOOD AUTH(SCOPE, "host;x-amz-date", SIGNATURE)

static void parse_refusals(void **state)
{
	static const struct {
		const char *request, *type, *text;
	} rows[] = {
		{ DATED "\r\n", "MissingAuthenticationTokenException", "Missing Authentication Token" },
		{ DATED "Authorization: \r\n\r\n", "MissingAuthenticationTokenException", "Missing Authentication Token" },
		{ DATED "Authorization: Bearer eyJhbGciOi.J9\r\n\r\n", "IncompleteSignatureException",
		  "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
		  "Authorization header requires 'SignedHeaders' parameter. " },
		{ HEAD "Authorization: AWS4-HMAC-SHA256 Credential=" SCOPE "\r\n\r\n", "IncompleteSignatureException",
		  "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. "
		  "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. " },
		{ DATED "Authorization: AWS4-HMAC-SHA512 Credential=" SCOPE "\r\n\r\n", "IncompleteSignatureException",
		  "Unsupported AWS 'algorithm' (only AWS4-HMAC-SHA256 for now). " },
		{ DATED "Authorization: AWS4-HMAC-SHA256 Credential\r\n\r\n", "IncompleteSignatureException",
		  "Invalid key=value pair (missing equal-sign) in Authorization header." },
		{ DATED "Authorization: AWS4-HMAC-SHA256 Signature=a, Signature=b\r\n\r\n", "IncompleteSignatureException",
		  "Duplicated parameter in Authorization header." },
		{ DATED GOOD GOOD "\r\n", "IncompleteSignatureException", "One Authorization header" },
		{ DATED AUTH("AKIDEXAMPLE/20261121/us-east-1/kms", "host;x-amz-date", SIGNATURE) "\r\n",
		  "IncompleteSignatureException",
		  "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request." },
		{ DATED AUTH("/20261121/us-east-1/kms/aws4_request", "host;x-amz-date", SIGNATURE) "\r\n",
		  "IncompleteSignatureException", "Credential must have exactly 5" },
		{ DATED AUTH("A/B/20261121/us-east-1/kms/aws4_request", "host;x-amz-date", SIGNATURE) "\r\n",
		  "IncompleteSignatureException", "Credential must have exactly 5" },
		{ DATED AUTH("AKIDEXAMPLE/20261121/us-east-1/kms/aws5", "host;x-amz-date", SIGNATURE) "\r\n",
		  "InvalidSignatureException", "Credential should be scoped with a valid terminator: 'aws4_request'." },
		{ HEAD "X-Amz-Date: 2026-11-21T16:45:23Z\r\n" GOOD "\r\n", "IncompleteSignatureException",
		  "Date must be in ISO-8601 'basic format'." },
		{ HEAD "X-Amz-Date: Sat, 21 Nov 2026 16:45:23 GMT\r\n" GOOD "\r\n", "IncompleteSignatureException",
		  "Date must be in ISO-8601" },
		{ DATED AUTH(SCOPE, "x-amz-date", SIGNATURE) "\r\n", "InvalidSignatureException",
		  "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization." },
		{ DATED AUTH(SCOPE, "host", SIGNATURE) "\r\n", "InvalidSignatureException",
		  "'x-amz-date' must be a 'SignedHeader' in the AWS Authorization." },
		{ DATED "X-Amz-Date: 20261121T164523Z\r\n" GOOD "\r\n", "InvalidSignatureException", "'x-amz-date' must be" },
		{ DATED "Host: h2\r\n" GOOD "\r\n", "InvalidSignatureException", "'Host' or ':authority' must be" },
		{ DATED "X-Amz-Security-Token: t\r\n" GOOD "\r\n", "InvalidSignatureException",
		  "'x-amz-security-token' must be" },
		{ DATED "x-amz-target: TrentService.Decrypt\r\n" GOOD "\r\n", "InvalidSignatureException",
		  "'x-amz-target' must be" },
		{ DATED AUTH(SCOPE, "x-amz-date;host", SIGNATURE) "\r\n", "InvalidSignatureException",
		  "SignedHeaders must name headers" },
		{ DATED AUTH(SCOPE, "host;host;x-amz-date", SIGNATURE) "\r\n", "InvalidSignatureException",
		  "SignedHeaders must name headers" },
		{ DATED AUTH(SCOPE, "Host;x-amz-date", SIGNATURE) "\r\n", "InvalidSignatureException",
		  "SignedHeaders must name headers" },
		{ DATED AUTH(SCOPE, "absent;host;x-amz-date", SIGNATURE) "\r\n", "InvalidSignatureException",
		  "SignedHeaders must name headers" },
		{ DATED AUTH(SCOPE, ";host;x-amz-date", SIGNATURE) "\r\n", "InvalidSignatureException",
		  "SignedHeaders must name headers" },
		{ DATED AUTH(SCOPE, "host;x-amz-date", "5b82") "\r\n", "InvalidSignatureException",
		  "The request signature we calculated" },
		{ DATED AUTH(SCOPE, "host;x-amz-date", "zz828fb4ee7ed3b9d5663ab4a744ea2f910a974b6649d744806ec9cdea41e99e") "\r\n",
		  "InvalidSignatureException", "The request signature we calculated" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_aws_fault fault = { 0 };
		bulla_sigv4 signature;
		parsed_request p = { .text = strdup(rows[i].request), .len = strlen(rows[i].request) };
		help_split(&p);
		if (bulla_sigv4_parse(&p.request, &signature, &fault)) fail_msg("accepted: %s", rows[i].request);
		help_refused(&fault, rows[i].type, rows[i].text);
		assert_null(strstr(fault.text, "eyJ"));
		help_free(&p);
	}
}

/* One header of many, and each of them long: refused or read, and bounded in any case. */
static void huge_header_lists(void **state)
{
	enum { N = 50000 };
	static bulla_http_header headers[N];
	static char list[2 * N], text[BULLA_SIGV4_AUTHORIZATION_MAX + 200];
	bulla_aws_fault fault = { 0 };
	bulla_sigv4 signature;
	for (size_t i = 0; i < N; i++)
		headers[i] = (bulla_http_header){ bulla_view_str("X-Many"), bulla_view_str("v") };
	memset(list, ';', sizeof list - 1);
	snprintf(text, sizeof text, "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=%.4000s, Signature=" SIGNATURE, list);
	headers[0] = (bulla_http_header){ bulla_view_str("Authorization"), bulla_view_str(text) };
	bulla_http_request request = { bulla_view_str("POST"), bulla_view_str("/"), headers, N, bulla_view(NULL, 0) };
	assert_false(bulla_sigv4_parse(&request, &signature, &fault));
	snprintf(text, sizeof text,
		 "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host;x-amz-date;x-many, Signature=" SIGNATURE);
	headers[0].value = bulla_view_str(text);
	headers[1] = (bulla_http_header){ bulla_view_str("Host"), bulla_view_str("h") };
	headers[2] = (bulla_http_header){ bulla_view_str("X-Amz-Date"), bulla_view_str("20261121T164523Z") };
	assert_true(bulla_sigv4_parse(&request, &signature, &fault));
	static char value[BULLA_SIGV4_CANONICAL_MAX];
	memset(value, 'v', sizeof value);
	headers[3].value = bulla_view(value, sizeof value);
	assert_false(bulla_sigv4_verify(*state, &request, &signature, (const uint8_t[32]){ 0 }, &fault));
	help_refused(&fault, "InvalidSignatureException", "The request signature we calculated");
	memset(text, 'A', sizeof text - 1);
	headers[0].value = bulla_view_str(text);
	assert_false(bulla_sigv4_parse(&request, &signature, &fault));
	help_refused(&fault, "IncompleteSignatureException", "One Authorization header");
}

static void long_queries_are_refused(void **state)
{
	static char target[8192];
	built b;
	uint8_t key[32] = { 0 };
	const bulla_sigv4_signer signer = { bulla_view_str("A"), bulla_view_str("r"), bulla_view_str("s"), key };
	for (size_t pairs = BULLA_SIGV4_QUERY_MAX; pairs <= BULLA_SIGV4_QUERY_MAX + 1; pairs++) {
		strcpy(target, "/?");
		for (size_t i = 0; i < pairs; i++)
			strcat(target, i ? "&a=\xff" : "a=\xff");
		build(&(sigv4_vector){ "GET", target, { { NULL, NULL } }, "", NULL }, &b);
		assert_int_equal(bulla_sigv4_sign(*state, &b.request, &signer, &b.authorization, NULL),
				 pairs > BULLA_SIGV4_QUERY_MAX ? BULLA_ERR_LIMIT : BULLA_OK);
		bulla_buf_done(&b.authorization);
	}
}

static void content_hash_must_match(void **state)
{
	bulla_aws_fault fault = { 0 };
	static const char *const values[] = { "UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", SIGNATURE };
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		built b;
		build(&(sigv4_vector){ "POST", "/", { { "X-Amz-Content-Sha256", values[i] } }, "{}", NULL }, &b);
		sign(*state, &b); /* signed as it stands */
		assert_false(accepts(*state, &b.request, &fault));
		help_refused(&fault, "InvalidSignatureException",
			     "The provided 'x-amz-content-sha256' header does not match what was computed.");
		bulla_buf_done(&b.authorization);
	}
}

static void date_header_will_do(void **state)
{
	uint8_t key[32];
	bulla_aws_fault fault = { 0 };
	built b;
	build(&sigv4_vectors[0], &b);
	sign(*state, &b);
	/* the same moment in a Date header: read, but not what was signed */
	static const char *const dates[] = { "Sun, 30 Aug 2015 12:36:00 GMT", DATE };
	for (size_t i = 0; i < 2; i++) {
		bulla_sigv4 signature;
		b.headers[1] = (bulla_http_header){ bulla_view_str("Date"), bulla_view_str(dates[i]) };
		b.headers[2].value =
			bulla_view_str("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
				       "SignedHeaders=date;host,Signature=" SIGNATURE);
		assert_true(bulla_sigv4_parse(&b.request, &signature, &fault));
		assert_true(signature.time_us == 1440938160000000);
		assert_string_equal(signature.time, DATE);
		key_of(*state, "20150830", "us-east-1", "service", key);
		assert_false(bulla_sigv4_verify(*state, &b.request, &signature, key, &fault));
	}
	bulla_buf_done(&b.authorization);
}

static void scope_and_clock(void **state)
{
	static const char *const regions[] = { "eu-central-1", "us-east-1" };
	enum { MINUTE = 60000000 };
	const int64_t then = 1795279523000000; /* 20261121T164523Z */
	static const struct {
		const char *date, *region, *service;
		int64_t later;
		const char *text;
	} rows[] = {
		{ "20261121", "us-east-1", "kms", 0, NULL },
		{ "20261121", "us-east-1", "kms", 5 * MINUTE, NULL },
		{ "20261121", "us-east-1", "kms", 5 * MINUTE + 999999, NULL },
		{ "20261121", "us-east-1", "kms", -5 * MINUTE, NULL },
		{ "20261121", "us-east-1", "kms", 5 * MINUTE + 1000000,
		  "Signature expired: 20261121T164523Z is now earlier than 20261121T164524Z (20261121T165024Z - 5 min.)" },
		{ "20261121", "us-east-1", "kms", -5 * MINUTE - 1,
		  "Signature not yet current: 20261121T164523Z is still later than 20261121T164522Z (20261121T164022Z + 5 "
		  "min.)" },
		{ "20261120", "us-east-1", "kms", 0, "Date in Credential scope does not match YYYYMMDD" },
		{ "20261121", "us-west-1", "kms", 0, "Credential should be scoped to a valid region, not 'us-west-1'. " },
		{ "20261121", "us-east-1", "s3", 0, "Credential should be scoped to correct service: 'kms'. " },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_aws_fault fault = { 0 };
		const bulla_sigv4 signature = { .date = bulla_view_str(rows[i].date),
						.region = bulla_view_str(rows[i].region),
						.service = bulla_view_str(rows[i].service),
						.time_us = then,
						.time = "20261121T164523Z" };
		const bulla_sigv4_place place = { "kms", regions, 2, then + rows[i].later };
		bool good = bulla_sigv4_check(&signature, &place, &fault);
		if (good != !rows[i].text) fail_msg("row %zu: %s", i, fault.text);
		if (rows[i].text) help_refused(&fault, "InvalidSignatureException", rows[i].text);
	}
	const bulla_sigv4 elsewhere = { .date = bulla_view_str("20261121"),
					.region = bulla_view_str("mars-1"),
					.service = bulla_view_str("kms"),
					.time_us = then,
					.time = "20261121T164523Z" };
	bulla_aws_fault fault;
	assert_true(bulla_sigv4_check(&elsewhere, &(bulla_sigv4_place){ "kms", NULL, 0, then }, &fault));
}

static void times_there_and_back(void **state)
{
	char text[BULLA_SIGV4_TIME];
	int64_t us = 0;
	static const char *const wrong[] = {
		"20260229T000000Z", "20261301T000000Z", "20260100T000000Z", "20260101T240000Z", "20260101T006000Z",
		"20260101T000061Z", "20260101T000000",  "2026010aT000000Z", "20260101 000000Z", "",
		"19691231T235959Z"
	};
	(void)state;
	assert_true(bulla_sigv4_time_read(bulla_view_str("20240229T235959Z"), &us) && us == 1709251199000000);
	assert_string_equal(bulla_sigv4_time_text(us + 999999, text), "20240229T235959Z");
	assert_string_equal(bulla_sigv4_time_text(INT64_MAX, text), "00000000T000000Z");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (bulla_sigv4_time_read(bulla_view_str(wrong[i]), &us)) fail_msg("%s was read", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_are_met),
		cmocka_unit_test(spellings_are_one),
		cmocka_unit_test(signing_wants_host_and_date),
		cmocka_unit_test(real_clients_are_accepted),
		cmocka_unit_test(changed_captures_are_refused),
		cmocka_unit_test(parse_refusals),
		cmocka_unit_test(huge_header_lists),
		cmocka_unit_test(long_queries_are_refused),
		cmocka_unit_test(content_hash_must_match),
		cmocka_unit_test(date_header_will_do),
		cmocka_unit_test(scope_and_clock),
		cmocka_unit_test(times_there_and_back),
	};
	return cmocka_run_group_tests_name("wire/sigv4", tests, setup, teardown);
}
