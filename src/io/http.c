/*
 * http.c - a blocking POST on libcurl.
 */
#include "io/http.h"

#include <curl/curl.h>

#define SCHEMES "http,https"
#define AGENT   "bulla/" BULLA_VERSION

/* What one request needs until it ends. */
typedef struct exchange {
	CURL *curl;
	struct curl_slist *headers;
	bulla_buf *out;
	size_t max, start;
	bulla_code failed; /* of appending */
	char text[CURL_ERROR_SIZE];
} exchange;

static void exchange_done(exchange *x)
{
	curl_slist_free_all(x->headers);
	if (x->curl) curl_easy_cleanup(x->curl);
	curl_global_cleanup();
}

static size_t take(char *data, size_t size, size_t n, void *self)
{
	exchange *x = self;
	size_t len = size * n;
	if (len > x->max - (x->out->len - x->start))
		x->failed = BULLA_ERR_LIMIT;
	else
		x->failed = bulla_buf_add(x->out, bulla_view(data, len), NULL);
	return x->failed ? 0 : len;
}

static bool has_break(bulla_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '\r' || text.data[i] == '\n' || text.data[i] == 0) return true;
	return false;
}

static bulla_code add_header(exchange *x, bulla_bytes name, bulla_bytes value, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	if (has_break(name) || has_break(value)) return bulla_fail(err, BULLA_ERR_USAGE, "a header with a line break");
	TRY(bulla_buf_add(&line, name, err));
	TRY(bulla_buf_add_str(&line, ": ", err));
	TRY(bulla_buf_add(&line, value, err));
	TRY(bulla_buf_terminate(&line, err));
	struct curl_slist *more = curl_slist_append(x->headers, (const char *)line.data);
	if (!more) return bulla_fail_memory(err);
	x->headers = more;
	return BULLA_OK;
}

static bulla_code add_headers(exchange *x, const bulla_post *post, bulla_error *err)
{
	for (size_t i = 0; i < post->n_headers; i++)
		TRY(add_header(x, post->headers[i].name, post->headers[i].value, err));
	struct curl_slist *more = curl_slist_append(x->headers, "Expect:"); /* no question before the body */
	if (!more) return bulla_fail_memory(err);
	x->headers = more;
	return BULLA_OK;
}

/* CURLcode → ours. */
static bulla_code fail_curl(const exchange *x, CURLcode code, const char *url, bulla_error *err)
{
	const char *text = x->text[0] ? x->text : curl_easy_strerror(code);
	if (code == CURLE_OUT_OF_MEMORY || x->failed == BULLA_ERR_MEMORY) return bulla_fail_memory(err);
	if (x->failed == BULLA_ERR_LIMIT)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the answer of %s is longer than %zu bytes", url, x->max);
	if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
		return bulla_fail(err, BULLA_ERR_USAGE, "%s is no http:// or https:// URL", url);
	return bulla_fail(err, BULLA_ERR_UNAVAILABLE, "%s does not answer: %s", url, text);
}

/* The first failure of several options; later ones are not asked. */
#define SET(code, curl, option, value)                                                                                           \
	do                                                                                                                       \
		if ((code) == CURLE_OK) (code) = curl_easy_setopt((curl), (option), (value));                                    \
	while (0)

static CURLcode set_target(CURL *curl, const bulla_post *post)
{
	CURLcode code = CURLE_OK;
	SET(code, curl, CURLOPT_URL, post->url);
	SET(code, curl, CURLOPT_PROTOCOLS_STR, SCHEMES);
	SET(code, curl, CURLOPT_NOPROXY, "*");
	SET(code, curl, CURLOPT_FOLLOWLOCATION, 0L);
	SET(code, curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (post->socket) SET(code, curl, CURLOPT_UNIX_SOCKET_PATH, post->socket);
	if (post->ca_file) SET(code, curl, CURLOPT_CAINFO, post->ca_file);
	SET(code, curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(post->connect_ms ? post->connect_ms : BULLA_POST_CONNECT_MS));
	SET(code, curl, CURLOPT_TIMEOUT_MS, (long)(post->total_ms ? post->total_ms : BULLA_POST_TOTAL_MS));
	return code;
}

static CURLcode set_request(exchange *x, const bulla_post *post)
{
	CURLcode code = CURLE_OK;
	SET(code, x->curl, CURLOPT_NOSIGNAL, 1L);
	SET(code, x->curl, CURLOPT_USERAGENT, AGENT);
	SET(code, x->curl, CURLOPT_POSTFIELDS, post->body.len ? (const char *)post->body.data : "");
	SET(code, x->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.len);
	SET(code, x->curl, CURLOPT_HTTPHEADER, x->headers);
	SET(code, x->curl, CURLOPT_WRITEFUNCTION, take);
	SET(code, x->curl, CURLOPT_WRITEDATA, (void *)x);
	SET(code, x->curl, CURLOPT_ERRORBUFFER, x->text);
	return code;
}

static bulla_code perform(exchange *x, const bulla_post *post, unsigned *ret_status, bulla_error *err)
{
	long status = 0;
	TRY(add_headers(x, post, err));
	x->curl = curl_easy_init();
	if (!x->curl) return bulla_fail_memory(err);
	CURLcode code = set_target(x->curl, post);
	if (code == CURLE_OK) code = set_request(x, post);
	if (code == CURLE_OK) code = curl_easy_perform(x->curl);
	if (code == CURLE_OK) code = curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code) return fail_curl(x, code, post->url, err);
	*ret_status = (unsigned)status;
	return BULLA_OK;
}

bulla_code bulla_http_post(const bulla_post *post, unsigned *ret_status, bulla_buf *out, bulla_error *err)
{
	exchange x = { .out = out, .start = out->len, .max = post->answer_max ? post->answer_max : BULLA_POST_ANSWER_MAX };
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) return bulla_fail_memory(err);
	bulla_code code = perform(&x, post, ret_status, err);
	if (code) out->len = x.start;
	exchange_done(&x);
	return code;
}
