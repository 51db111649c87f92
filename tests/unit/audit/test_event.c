/*
 * test_event.c - the canonical bytes of an event.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "audit/event.h"
#include "audit/event_read.h"
#include "base/context.h"

#include <stdlib.h>
#include <string.h>

static void assert_event(const bulla_event *event, const char *expected)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	assert_int_equal(bulla_event_encode(event, &out, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&out, NULL), BULLA_OK);
	assert_string_equal((const char *)out.data, expected);
}

static void writes_every_member_in_order(void **state)
{
	BULLA_BUF_AUTO bulla_buf context = { 0 };
	const bulla_pair pairs[] = { { bulla_view_str("model_name"), bulla_view_str("User") },
				     { bulla_view_str("model_id"), bulla_view_str("12") } };
	(void)state;
	assert_int_equal(bulla_context_encode(pairs, 2, &context, NULL), BULLA_OK);
	const bulla_event event = { .time_us = 1782900000000001,
				    .operation = "CachedUse",
				    .principal = bulla_view_str("local:1000/ann@host"),
				    .key = bulla_view_str("arn:aws:kms:eu-west-1:1:key/2"),
				    .material = bulla_view("\x00\xff\x10", 3),
				    .context = bulla_view_buf(&context),
				    .request_id = bulla_view_str("r-1"),
				    .outcome = "ok",
				    .generation = 7,
				    .count = 12,
				    .detail = bulla_view_str("60s") };
	assert_event(
		&event,
		"{\"eventTime\":\"2026-07-01T10:00:00.000001Z\",\"eventName\":\"CachedUse\","
		"\"principal\":\"local:1000/ann@host\",\"key\":\"arn:aws:kms:eu-west-1:1:key/2\",\"material\":\"00ff10\","
		"\"encryptionContext\":{\"model_id\":\"12\",\"model_name\":\"User\"},\"requestID\":\"r-1\",\"outcome\":\"ok\","
		"\"generation\":7,\"count\":12,\"detail\":\"60s\"}");
}

static void writes_a_request_as_cloudtrail_does(void **state)
{
	BULLA_BUF_AUTO bulla_buf context = { 0 };
	const bulla_pair pairs[] = { { bulla_view_str("tenant"), bulla_view_str("7") } };
	const bulla_event_origin origin = { .account = bulla_view_str("123456789012"),
					    .user_arn = bulla_view_str("arn:aws:iam::123456789012:user/web"),
					    .user_name = bulla_view_str("web"),
					    .access_key_id = bulla_view_str("AKIA234"),
					    .source_ip = bulla_view_str("10.0.0.7"),
					    .user_agent = bulla_view_str("aws-cli/2"),
					    .region = bulla_view_str("eu-west-1"),
					    .parameters = bulla_view_str(
						    "{\"keyId\":\"alias/a\",\"encryptionContext\":{\"tenant\":\"7\"}}"),
					    .error_code = bulla_view_str("AccessDeniedException"),
					    .error_text = bulla_view_str("no"),
					    .read_only = true };
	(void)state;
	assert_int_equal(bulla_context_encode(pairs, 1, &context, NULL), BULLA_OK);
	const bulla_event event = { .operation = "Decrypt",
				    .principal = bulla_view_str("not shown"),
				    .key = bulla_view_str("arn:aws:kms:eu-west-1:1:key/2"),
				    .material = bulla_view("\x01", 1),
				    .context = bulla_view_buf(&context),
				    .request_id = bulla_view_str("r-1"),
				    .outcome = "denied",
				    .generation = 7,
				    .origin = &origin };
	assert_event(
		&event,
		"{\"eventTime\":\"1970-01-01T00:00:00.000000Z\",\"eventName\":\"Decrypt\","
		"\"userIdentity\":{\"type\":\"IAMUser\",\"principalId\":\"web\",\"arn\":\"arn:aws:iam::123456789012:user/web\","
		"\"accountId\":\"123456789012\",\"accessKeyId\":\"AKIA234\",\"userName\":\"web\"},\"awsRegion\":\"eu-west-1\","
		"\"sourceIPAddress\":\"10.0.0.7\",\"userAgent\":\"aws-cli/2\",\"errorCode\":\"AccessDeniedException\","
		"\"errorMessage\":\"no\",\"requestParameters\":{\"keyId\":\"alias/a\",\"encryptionContext\":{\"tenant\":\"7\"}},"
		"\"resources\":[{\"ARN\":\"arn:aws:kms:eu-west-1:1:key/"
		"2\",\"accountId\":\"123456789012\",\"type\":\"AWS::KMS::Key\"}],"
		"\"readOnly\":true,\"material\":\"01\",\"requestID\":\"r-1\",\"outcome\":\"denied\",\"generation\":7}");
}

/* Nobody is known, nothing is asked for; a context alone; a long user agent. */
static void writes_a_request_of_nobody(void **state)
{
	char agent[BULLA_USER_AGENT_MAX + 10];
	BULLA_BUF_AUTO bulla_buf context = { 0 }, out = { 0 };
	const bulla_pair pairs[] = { { bulla_view_str("a"), bulla_view_str("b") } };
	(void)state;
	memset(agent, 'x', sizeof agent);
	assert_int_equal(bulla_context_encode(pairs, 1, &context, NULL), BULLA_OK);
	const bulla_event_origin origin = { .access_key_id = bulla_view_str("AKIA"),
					    .user_agent = bulla_view(agent, sizeof agent) };
	bulla_event event = { .operation = "Decrypt", .outcome = "denied", .origin = &origin };
	assert_int_equal(bulla_event_encode(&event, &out, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&out, NULL), BULLA_OK);
	assert_non_null(strstr((char *)out.data, "\"type\":\"Unknown\",\"accessKeyId\":\"AKIA\"}"));
	assert_non_null(strstr((char *)out.data, "\"requestParameters\":null,\"readOnly\":false"));
	agent[BULLA_USER_AGENT_MAX] = 0;
	assert_non_null(strstr((char *)out.data, agent));
	agent[BULLA_USER_AGENT_MAX] = 'x';
	agent[BULLA_USER_AGENT_MAX + 1] = 0;
	assert_null(strstr((char *)out.data, agent));
	bulla_buf_clear(&out);
	event.context = bulla_view_buf(&context);
	assert_int_equal(bulla_event_encode(&event, &out, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&out, NULL), BULLA_OK);
	assert_non_null(strstr((char *)out.data, "\"requestParameters\":{\"encryptionContext\":{\"a\":\"b\"}}"));
}

static void assert_reads(const bulla_event *event, const char *principal, const char *key, bool context)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_json *json = NULL;
	assert_int_equal(bulla_event_encode(event, &out, NULL), BULLA_OK);
	assert_int_equal(bulla_json_parse(bulla_view_buf(&out), &json, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_event_principal(json), principal));
	assert_true(bulla_bytes_is(bulla_event_key(json), key));
	assert_int_equal(bulla_event_context(json) != NULL, context);
	bulla_json_free(json);
}

static void is_read_at_either_place(void **state)
{
	BULLA_BUF_AUTO bulla_buf context = { 0 };
	const bulla_pair pairs[] = { { bulla_view_str("a"), bulla_view_str("b") } };
	(void)state;
	assert_int_equal(bulla_context_encode(pairs, 1, &context, NULL), BULLA_OK);
	bulla_event_origin origin = { .user_arn = bulla_view_str("arn:u"), .access_key_id = bulla_view_str("AKIA") };
	bulla_event event = { .operation = "Decrypt",
			      .principal = bulla_view_str("local:1"),
			      .key = bulla_view_str("arn:k"),
			      .context = bulla_view_buf(&context) };
	assert_reads(&event, "local:1", "arn:k", true);
	event.origin = &origin;
	assert_reads(&event, "arn:u", "arn:k", true);
	origin.user_arn = (bulla_bytes){ 0 };
	event.key = (bulla_bytes){ 0 };
	event.context = (bulla_bytes){ 0 };
	assert_reads(&event, "AKIA", "", false);
}

static void leaves_out_what_is_absent(void **state)
{
	const bulla_event event = { .operation = "CreateKey" };
	const bulla_event empty_context = { .operation = "CreateKey", .context = bulla_view("\0\0", 2) };
	(void)state;
	assert_event(&event, "{\"eventTime\":\"1970-01-01T00:00:00.000000Z\",\"eventName\":\"CreateKey\",\"generation\":0}");
	assert_event(&empty_context, "{\"eventTime\":\"1970-01-01T00:00:00.000000Z\",\"eventName\":\"CreateKey\","
				     "\"encryptionContext\":{},\"generation\":0}");
}

static void escapes(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "plain text, long enough for several words", "plain text, long enough for several words" },
		{ "say \"hi\"", "say \\\"hi\\\"" },
		{ "1234567\"", "1234567\\\"" },
		{ "12345678\"", "12345678\\\"" },
		{ "a\\b", "a\\\\b" },
		{ "two\nlines\tand\x01more", "two\\nlines\\tand\\u0001more" },
		{ "\x7f", "\x7f" },
		{ "Grüße, Ælfrēd 日本", "Grüße, Ælfrēd 日本" },
		{ "bad \xff byte", "bad \xef\xbf\xbd byte" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char expected[200] =
			"{\"eventTime\":\"1970-01-01T00:00:00.000000Z\",\"eventName\":\"X\",\"generation\":0,\"detail\":\"";
		const bulla_event event = { .operation = "X", .detail = bulla_view_str(cases[i].text) };
		(void)strcat(expected, cases[i].json);
		(void)strcat(expected, "\"}");
		assert_event(&event, expected);
	}
}

/* The fast scan for what needs no escape, against the slow question, for every byte at every place of a word. */
static void escapes_exactly_what_has_to_be(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 128; c++)
		for (size_t at = 0; at < 17; at++) {
			BULLA_BUF_AUTO bulla_buf out = { 0 };
			char text[17];
			memset(text, 'x', sizeof text);
			text[at] = (char)c;
			const bulla_event event = { .operation = "X", .detail = bulla_view(text, sizeof text) };
			assert_int_equal(bulla_event_encode(&event, &out, NULL), BULLA_OK);
			const bool escaped = memchr(out.data, '\\', out.len) != NULL;
			assert_int_equal(escaped, c < 0x20 || c == '"' || c == '\\');
		}
}

static void writes_times(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00" },
		{ -1, "1969-12-31T23:59:59" },
		{ 951782400, "2000-02-29T00:00:00" },
		{ 951868800, "2000-03-01T00:00:00" },
		{ 1709164800, "2024-02-29T00:00:00" },
		{ 1735689599, "2024-12-31T23:59:59" },
		{ 1735689600, "2025-01-01T00:00:00" },
		{ 4107542400, "2100-03-01T00:00:00" },
		{ 4107456000, "2100-02-28T00:00:00" },
		{ -62135596800, "0001-01-01T00:00:00" },
		{ 253402300799, "9999-12-31T23:59:59" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		BULLA_BUF_AUTO bulla_buf out = { 0 };
		const bulla_event event = { .operation = "X", .time_us = cases[i].seconds * 1000000 };
		assert_int_equal(bulla_event_encode(&event, &out, NULL), BULLA_OK);
		assert_memory_equal(out.data + strlen("{\"eventTime\":\""), cases[i].text, 19);
	}
}

static void refuses(const bulla_event *event, bulla_code code)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	assert_int_equal(bulla_buf_add_str(&out, "kept", NULL), BULLA_OK);
	assert_int_equal(bulla_event_encode(event, &out, NULL), code);
	assert_true(bulla_bytes_is(bulla_view_buf(&out), "kept"));
}

static void refuses_what_cannot_be_written(void **state)
{
	char *large = malloc(BULLA_EVENT_MAX);
	(void)state;
	assert_non_null(large);
	memset(large, 'x', BULLA_EVENT_MAX);
	refuses(&(bulla_event){ 0 }, BULLA_ERR_USAGE);
	refuses(&(bulla_event){ .operation = "X", .time_us = INT64_MAX }, BULLA_ERR_USAGE);
	refuses(&(bulla_event){ .operation = "X", .time_us = INT64_MIN }, BULLA_ERR_USAGE);
	refuses(&(bulla_event){ .operation = "X", .generation = UINT64_MAX }, BULLA_ERR_USAGE);
	refuses(&(bulla_event){ .operation = "X", .context = bulla_view("\0\1", 2) }, BULLA_ERR_FORMAT);
	refuses(&(bulla_event){ .operation = "X", .detail = bulla_view(large, BULLA_EVENT_MAX) }, BULLA_ERR_LIMIT);
	free(large);
}

/* 65535 bytes, the most that an entry of the log may have. */
static void fills_an_entry(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	char *text = malloc(BULLA_EVENT_MAX);
	(void)state;
	assert_non_null(text);
	memset(text, 'x', BULLA_EVENT_MAX);
	bulla_event event = { .operation = "X", .detail = bulla_view(text, 1) };
	assert_int_equal(bulla_event_encode(&event, &out, NULL), BULLA_OK);
	event.detail.len = BULLA_EVENT_MAX - 1 - (out.len - 1);
	out.len = 0;
	assert_int_equal(bulla_event_encode(&event, &out, NULL), BULLA_OK);
	assert_int_equal(out.len, 65535);
	event.detail.len++;
	assert_int_equal(bulla_event_encode(&event, &out, NULL), BULLA_ERR_LIMIT);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_every_member_in_order),
		cmocka_unit_test(leaves_out_what_is_absent),
		cmocka_unit_test(writes_a_request_as_cloudtrail_does),
		cmocka_unit_test(writes_a_request_of_nobody),
		cmocka_unit_test(is_read_at_either_place),
		cmocka_unit_test(escapes),
		cmocka_unit_test(escapes_exactly_what_has_to_be),
		cmocka_unit_test(writes_times),
		cmocka_unit_test(refuses_what_cannot_be_written),
		cmocka_unit_test(fills_an_entry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
