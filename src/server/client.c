/*
 * client.c - signs a request to a key server, sends it, and reads what it refuses.
 */
#include "server/client.h"
#include "base/json.h"
#include "io/file.h"
#include "io/http.h"
#include "wire/sigv4.h"

#include <stdio.h>
#include <stdlib.h>

#define CONTENT_TYPE   "application/x-amz-json-1.1"
#define SERVICE        "kms"
#define PRESET_REGION  "us-east-1"
#define TARGET_MAX     64
#define SIGNED_HEADERS 4

/* --- who asks whom ---------------------------------------------------------------------------------------------- */
static const char *environment(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* The scheme's end, where the host begins; NULL for another scheme. */
static const char *authority_of(const char *endpoint)
{
	if (strncmp(endpoint, "http://", 7) == 0) return endpoint + 7;
	return strncmp(endpoint, "https://", 8) == 0 ? endpoint + 8 : NULL;
}

static bulla_code check_endpoint(const char *endpoint, bulla_error *err)
{
	const char *authority = authority_of(endpoint);
	bool is_socket = strncmp(endpoint, "unix:", 5) == 0 && endpoint[5];
	size_t len = authority ? strcspn(authority, "/?#@") : 0;
	bool is_url = len && (!authority[len] || strcmp(authority + len, "/") == 0);
	if ((is_socket || is_url) && strlen(endpoint) <= BULLA_ENDPOINT_MAX) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "an endpoint is http://HOST:PORT, https://HOST:PORT or unix:PATH");
}

bulla_code bulla_client_init(const char *endpoint, bulla_client *out, bulla_error *err)
{
	TRY(check_endpoint(endpoint, err));
	const char *region = environment("AWS_REGION");
	if (!region) region = environment("AWS_DEFAULT_REGION");
	*out = (bulla_client){ .endpoint = endpoint,
			       .access_key_id = environment("AWS_ACCESS_KEY_ID"),
			       .secret = environment("AWS_SECRET_ACCESS_KEY"),
			       .region = region ? region : PRESET_REGION,
			       .ca_file = environment("AWS_CA_BUNDLE") };
	if (out->access_key_id && out->secret) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_USAGE, "whoever asks an endpoint needs an access key there");
	return bulla_advise(err, code,
			    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: bulla kms principal add NAME prints them");
}

/* --- signing ---------------------------------------------------------------------------------------------------- */
/* The headers of one request; the last one is the signature. */
typedef struct head {
	bulla_http_header headers[SIGNED_HEADERS + 1];
	char target[TARGET_MAX], time[BULLA_SIGV4_TIME];
	bulla_buf authorization;
} head;

static bulla_bytes host_of(const bulla_client *client)
{
	const char *authority = authority_of(client->endpoint);
	return authority ? bulla_view(authority, strcspn(authority, "/")) : bulla_view_str("localhost");
}

static bulla_code sign(bulla_lane *lane, const bulla_client *client, head *h, bulla_bytes body, bulla_error *err)
{
	BULLA_SECRET key = { 0 };
	const bulla_http_request request = { .method = bulla_view_str("POST"),
					     .target = bulla_view_str("/"),
					     .headers = h->headers,
					     .n_headers = SIGNED_HEADERS,
					     .body = body };
	const bulla_sigv4_signer signer = { bulla_view_str(client->access_key_id), bulla_view_str(client->region),
					    bulla_view_str(SERVICE), key.bytes };
	TRY(bulla_sigv4_key(lane, bulla_view_str(client->secret), bulla_view(h->time, 8), signer.region, signer.service,
			    key.bytes, err));
	TRY(bulla_sigv4_sign(lane, &request, &signer, &h->authorization, err));
	h->headers[SIGNED_HEADERS] = (bulla_http_header){ bulla_view_str("Authorization"), bulla_view_buf(&h->authorization) };
	return BULLA_OK;
}

static bulla_code make_head(const bulla_client *client, const char *operation, bulla_bytes body, head *h, bulla_error *err)
{
	bulla_lane *lane = NULL;
	(void)snprintf(h->target, sizeof h->target, "Bulla.%s", operation);
	(void)bulla_sigv4_time_text(bulla_now_us(NULL), h->time);
	h->headers[0] = (bulla_http_header){ bulla_view_str("Host"), host_of(client) };
	h->headers[1] = (bulla_http_header){ bulla_view_str("Content-Type"), bulla_view_str(CONTENT_TYPE) };
	h->headers[2] = (bulla_http_header){ bulla_view_str("X-Amz-Date"), bulla_view_str(h->time) };
	h->headers[3] = (bulla_http_header){ bulla_view_str("X-Amz-Target"), bulla_view_str(h->target) };
	TRY(bulla_lane_new(&lane, err));
	bulla_code code = sign(lane, client, h, body, err);
	bulla_lane_free(lane);
	return code;
}

/* --- what it answers -------------------------------------------------------------------------------------------- */
static bulla_code code_of(bulla_bytes type, unsigned status)
{
	static const struct {
		const char *type;
		bulla_code code;
	} rows[] = { { "AccessDeniedException", BULLA_ERR_DENIED },     { "UnrecognizedClientException", BULLA_ERR_DENIED },
		     { "InvalidSignatureException", BULLA_ERR_DENIED }, { "NotFoundException", BULLA_ERR_NOT_FOUND },
		     { "ThrottlingException", BULLA_ERR_UNAVAILABLE },  { "UnknownOperationException", BULLA_ERR_VERSION } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (bulla_bytes_is(type, rows[i].type)) return rows[i].code;
	return status >= 500 ? BULLA_ERR_UNAVAILABLE : BULLA_ERR_REFUSED;
}

static bulla_bytes text_of(const bulla_json *answer, const char *name)
{
	bulla_bytes text = { 0 };
	return bulla_json_string(bulla_json_member(answer, name), &text) ? text : (bulla_bytes){ 0 };
}

static bulla_code refuse(const bulla_client *client, unsigned status, bulla_bytes body, bulla_error *err)
{
	bulla_json *answer = NULL;
	if (bulla_json_parse(body, &answer, NULL))
		return bulla_fail(err, BULLA_ERR_UNAVAILABLE, "%s answers with status %u, and is no key server", client->endpoint,
				  status);
	bulla_bytes type = text_of(answer, "__type"), text = text_of(answer, "message");
	bulla_code code =
		bulla_fail(err, code_of(type, status), "%.*s%s%.*s", (int)type.len, type.len ? (const char *)type.data : "",
			   text.len ? ": " : "", (int)text.len, text.len ? (const char *)text.data : "");
	bulla_json_free(answer);
	return code;
}

static bulla_code send_it(const bulla_client *client, const head *h, bulla_bytes body, unsigned *ret_status, bulla_buf *out,
			  bulla_error *err)
{
	bool is_socket = strncmp(client->endpoint, "unix:", 5) == 0;
	const bulla_post post = { .url = is_socket ? "http://localhost/" : client->endpoint,
				  .socket = is_socket ? client->endpoint + 5 : NULL,
				  .ca_file = client->ca_file,
				  .headers = h->headers,
				  .n_headers = SIGNED_HEADERS + 1,
				  .body = body };
	return bulla_http_post(&post, ret_status, out, err);
}

bulla_code bulla_client_ask(const bulla_client *client, const char *operation, bulla_bytes body, bulla_buf *out, bulla_error *err)
{
	head h = { 0 };
	unsigned status = 0;
	size_t start = out->len;
	bulla_code code = make_head(client, operation, body, &h, err);
	if (code == BULLA_OK) code = send_it(client, &h, body, &status, out, err);
	if (code == BULLA_OK && status != 200) {
		code = refuse(client, status, bulla_view(out->data + start, out->len - start), err);
		out->len = start;
	}
	bulla_buf_done(&h.authorization);
	return code;
}
