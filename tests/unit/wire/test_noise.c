/*
 * test_noise.c - requests and bodies with random damage: read or refused, never out of bounds, and nothing is left behind.
 *
 * The damage is the same in every run. The sanitizers are the judges of most of it.
 */
#include "help.h"

#include "base/text.h"
#include "wire/aws_model.h"
#include "wire/sigv4.h"

#define ROUNDS 10000

static uint64_t noise(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* Bytes replaced, taken out, repeated; a copy of exactly its size. */
static uint8_t *damage(const char *text, size_t len, uint64_t *state, size_t *ret_len)
{
	static const char likely[] = "\0\r\n\t :;,/=&%?.\"\\{}[]0aZ\xff\xc3\x80";
	uint8_t whole[2048];
	memcpy(whole, text, len);
	for (uint64_t n = noise(state) % 4 + 1; n > 0; n--) {
		size_t at = noise(state) % len, size = noise(state) % 9;
		uint8_t byte = noise(state) % 2 ? (uint8_t)noise(state) : (uint8_t)likely[noise(state) % (sizeof likely - 1)];
		if (size == 0 && at + 1 < len) {
			memmove(whole + at, whole + at + 1, len - at - 1);
			len--;
		} else if (size == 1 && len + 32 < sizeof whole) {
			memmove(whole + at + 16, whole + at, len - at);
			memset(whole + at, byte, 16);
			len += 16;
		} else if (size == 2) {
			len = at + 1;
		} else {
			whole[at] = byte;
		}
	}
	uint8_t *copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, whole, len);
	*ret_len = len;
	return copy;
}

static bool text_is_a_line(const bulla_aws_fault *fault)
{
	for (const char *p = fault->text; *p; p++)
		if ((uint8_t)*p < 0x20 || *p == 0x7f) return false;
	return strlen(fault->text) < BULLA_AWS_FAULT_TEXT_MAX && bulla_utf8_valid(bulla_view_str(fault->text));
}

static void damaged_bodies(void **state)
{
	static const struct {
		bulla_aws_op op;
		const char *body;
	} rows[] = {
		{ BULLA_AWS_GENERATE_DATA_KEY,
		  "{\"KeyId\":\"alias/"
		  "x\",\"NumberOfBytes\":32,\"EncryptionContext\":{\"b\":\"2\",\"a\":\"1\"},\"GrantTokens\":[\"t\"]}" },
		{ BULLA_AWS_DECRYPT,
		  "{\"CiphertextBlob\":\"AQIDBAUGBwg=\",\"DryRun\":true,\"Recipient\":{\"AttestationDocument\":\"AAAA\"}}" },
		{ BULLA_AWS_CREATE_GRANT, "{\"KeyId\":\"k\",\"GranteePrincipal\":\"p\",\"Operations\":[\"Decrypt\",\"Encrypt\"],"
					  "\"Constraints\":{\"EncryptionContextEquals\":{\"\\u00e4\":\"\\ud83d\\ude00\"}}}" },
		{ BULLA_AWS_TAG_RESOURCE,
		  "{\"KeyId\":\"k\",\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":\"b\"},{\"TagKey\":\"c\",\"TagValue\":\"\"}]}" },
		{ BULLA_AWS_LOOKUP_EVENTS, "{\"LookupAttributes\":[{\"AttributeKey\":\"EventName\",\"AttributeValue\":\"x\"}],"
					   "\"StartTime\":1763743523.5}" },
	};
	uint64_t seed = 1;
	size_t good = 0, bad = 0;
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		size_t len, row = noise(&seed) % (sizeof rows / sizeof *rows);
		bulla_aws_input input;
		bulla_aws_fault fault;
		uint8_t *body = damage(rows[row].body, strlen(rows[row].body), &seed, &len);
		if (bulla_aws_input_read(bulla_aws_operation_of(rows[row].op), bulla_view(body, len), &input, &fault)) {
			bulla_aws_input_done(&input);
			good++;
		} else {
			assert_true(text_is_a_line(&fault));
			assert_true(fault.type == BULLA_AWS_SERIALIZATION || fault.type == BULLA_AWS_VALIDATION);
			bad++;
		}
		free(body);
	}
	assert_true(good > ROUNDS / 100 && bad > ROUNDS / 4);
}

static const char authorization[] = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/kms/aws4_request, "
				    "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
				    "Signature=5b828fb4ee7ed3b9d5663ab4a744ea2f910a974b6649d744806ec9cdea41e99e";

/* One part of the request is damaged at a time, the others are as they should be. */
static void damaged_requests(void **state)
{
	enum { TARGET, AUTHORIZATION, DATE, NAME, VALUE, PARTS };
	static const char *const parts[PARTS] = { "/a/./b/../c%20d?b=2&a=%41&&=x", authorization, "Sat, 21 Nov 2026 16:45:23 GMT",
						  "Content-Type", "  text \r\n\t more  " };
	bulla_lane *lane = NULL;
	uint64_t seed = 2;
	size_t reached = 0;
	(void)state;
	assert_int_equal(bulla_lane_new(&lane, NULL), BULLA_OK);
	for (int i = 0; i < ROUNDS; i++) {
		bulla_bytes now[PARTS];
		bulla_sigv4 signature;
		bulla_aws_fault fault;
		size_t damaged = noise(&seed) % PARTS, len;
		for (size_t k = 0; k < PARTS; k++)
			now[k] = bulla_view_str(parts[k]);
		uint8_t *bytes = damage(parts[damaged], strlen(parts[damaged]), &seed, &len);
		now[damaged] = bulla_view(bytes, len);
		const bulla_http_header headers[] = {
			{ bulla_view_str("Host"), bulla_view_str("h") },
			{ now[NAME], now[VALUE] },
			{ bulla_view_str(i % 2 ? "X-Amz-Date" : "Date"), i % 2 ? bulla_view_str("20261121T164523Z") : now[DATE] },
			{ bulla_view_str("X-Amz-Target"), bulla_view_str("TrentService.ListKeys") },
			{ bulla_view_str("Authorization"), now[AUTHORIZATION] },
		};
		const bulla_http_request request = { bulla_view_str("POST"), now[TARGET], headers, 5, bulla_view(NULL, 0) };
		bool parsed = bulla_sigv4_parse(&request, &signature, &fault);
		reached += parsed;
		if (!parsed) assert_true(text_is_a_line(&fault));
		if (parsed) assert_false(bulla_sigv4_verify(lane, &request, &signature, (const uint8_t[32]){ 0 }, &fault));
		free(bytes);
	}
	assert_in_range(reached, ROUNDS / 10, ROUNDS);
	bulla_lane_free(lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_bodies),
		cmocka_unit_test(damaged_requests),
	};
	return cmocka_run_group_tests_name("wire/noise", tests, NULL, NULL);
}
