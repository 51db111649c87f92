/*
 * test_trail_event.c - entries of the audit log in CloudTrail's form: made over the network, and inside a process.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"
#include "server/trail_event.h"

#include <string.h>

#define ARN "arn:aws:kms:local:000000000000:key/11111111-2222-4333-8444-555555555555"

static const char over_network[] =
	"{\"eventTime\":\"2026-11-21T19:05:00.250000Z\",\"eventName\":\"Decrypt\",\"userIdentity\":{\"type\":\"IAMUser\","
	"\"accessKeyId\":\"AKIAABCDEFGHIJKLMNOP\",\"userName\":\"app\"},\"awsRegion\":\"eu-west-1\",\"sourceIPAddress\":\"10.0.0."
	"1\","
	"\"userAgent\":\"x \\\"y\\\"\",\"errorCode\":\"AccessDeniedException\",\"errorMessage\":\"no\",\"requestParameters\":"
	"{\"encryptionContext\":{\"t\":\"7\"}},\"resources\":[{\"ARN\":\"" ARN "\"}],\"readOnly\":true,\"requestID\":\"r\","
	"\"outcome\":\"denied\",\"generation\":3}";
static const char inside[] =
	"{\"eventTime\":\"2026-11-21T19:05:00.000001Z\",\"eventName\":\"Freeze\",\"principal\":\"local:0/root@h\","
	"\"key\":\"" ARN "\",\"encryptionContext\":{\"t\":\"7\"},\"outcome\":\"ok\",\"generation\":4}";
static const bulla_realm home = { { (const uint8_t *)"local", 5 }, { (const uint8_t *)"000000000000", 12 } };

static bulla_json *parse(const char *text)
{
	bulla_json *document = NULL;
	assert_int_equal(bulla_json_parse(bulla_view_str(text), &document, NULL), BULLA_OK);
	return document;
}

/* The element as it is told; and its CloudTrailEvent, parsed again. */
static bulla_json *told(const char *text, bulla_json **ret_record)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_json_writer w = bulla_json_to(&out);
	bulla_json *event = parse(text), *element = NULL;
	bulla_trail_event e;
	bulla_bytes record;
	assert_true(bulla_trail_read(event, 9, &e));
	bulla_trail_put(&w, &e, &home);
	assert_int_equal(bulla_json_end(&w, NULL), BULLA_OK);
	assert_int_equal(bulla_json_parse(bulla_view_buf(&out), &element, NULL), BULLA_OK);
	assert_true(bulla_json_string(bulla_json_member(element, "CloudTrailEvent"), &record));
	assert_int_equal(bulla_json_parse(record, ret_record, NULL), BULLA_OK);
	bulla_json_free(event);
	return element;
}

static void has(const bulla_json *object, const char *name, const char *wanted)
{
	bulla_bytes text;
	assert_true(bulla_json_string(bulla_json_member(object, name), &text));
	assert_true(bulla_bytes_is(text, wanted));
}

static void a_request(void **state)
{
	bulla_json *record = NULL, *element = told(over_network, &record);
	bool read_only = false;
	(void)state;
	has(element, "EventName", "Decrypt");
	has(element, "Username", "app");
	has(element, "AccessKeyId", "AKIAABCDEFGHIJKLMNOP");
	has(element, "EventSource", "kms.amazonaws.com");
	has(element, "ReadOnly", "true");
	has(bulla_json_at(bulla_json_member(element, "Resources"), 0), "ResourceName", ARN);
	has(record, "eventVersion", "1.08");
	has(record, "eventTime", "2026-11-21T19:05:00Z");
	has(record, "awsRegion", "eu-west-1");
	has(record, "userAgent", "x \"y\"");
	has(record, "errorCode", "AccessDeniedException");
	has(bulla_json_member(record, "userIdentity"), "userName", "app");
	has(bulla_json_member(bulla_json_member(record, "requestParameters"), "encryptionContext"), "t", "7");
	has(bulla_json_member(record, "additionalEventData"), "outcome", "denied");
	has(record, "recipientAccountId", "000000000000");
	assert_true(bulla_json_boolean(bulla_json_member(record, "readOnly"), &read_only) && read_only);
	assert_true(bulla_json_is_null(bulla_json_member(record, "responseElements")));
	bulla_json_free(record);
	bulla_json_free(element);
}

static void what_a_process_did_itself(void **state)
{
	bulla_json *record = NULL, *element = told(inside, &record);
	(void)state;
	has(element, "Username", "local:0/root@h");
	has(element, "EventSource", "bulla");
	has(element, "ReadOnly", "false");
	has(bulla_json_member(record, "userIdentity"), "principalId", "local:0/root@h");
	has(bulla_json_member(bulla_json_member(record, "requestParameters"), "encryptionContext"), "t", "7");
	has(bulla_json_at(bulla_json_member(record, "resources"), 0), "ARN", ARN);
	bulla_json_free(record);
	bulla_json_free(element);
}

static void no_event(void **state)
{
	static const char *const texts[] = { "{}", "{\"eventName\":\"Decrypt\"}",
					     "{\"eventName\":\"Decrypt\",\"eventTime\":\"now\"}",
					     "{\"eventTime\":\"2026-11-21T19:05:00Z\"}", "[]" };
	bulla_trail_event e;
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		bulla_json *event = parse(texts[i]);
		assert_false(bulla_trail_read(event, 0, &e));
		bulla_json_free(event);
	}
}

static void an_id_names_its_place(void **state)
{
	static const uint64_t places[] = { 0, 1, 255, 65536, (UINT64_C(1) << 62) - 1 };
	char id[BULLA_UUID_TEXT + 1], other[BULLA_UUID_TEXT + 1];
	bulla_lane *lane = NULL;
	uint64_t place = 0;
	(void)state;
	assert_int_equal(bulla_lane_new(&lane, NULL), BULLA_OK);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		assert_int_equal(bulla_trail_id(lane, bulla_view_str(inside), places[i], id, NULL), BULLA_OK);
		assert_int_equal(bulla_trail_id(lane, bulla_view_str(over_network), places[i], other, NULL), BULLA_OK);
		assert_string_not_equal(id, other);
		assert_int_equal(id[14], '8');
		assert_non_null(strchr("89ab", id[19]));
		assert_true(bulla_trail_place(bulla_view_str(id), &place));
		assert_true(place == places[i]);
	}
	assert_false(bulla_trail_place(bulla_view_str("11111111-2222-4333-8444-555555555555"), &place));
	assert_false(bulla_trail_place(bulla_view_str("11111111-2222-8333-c444-555555555555"), &place));
	assert_false(bulla_trail_place(bulla_view_str("alias/11111111-2222-8333-8444-55555555"), &place));
	assert_false(bulla_trail_place(bulla_view_str(""), &place));
	bulla_lane_free(lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request),
		cmocka_unit_test(what_a_process_did_itself),
		cmocka_unit_test(no_event),
		cmocka_unit_test(an_id_names_its_place),
	};
	return cmocka_run_group_tests_name("server/trail_event", tests, NULL, NULL);
}
