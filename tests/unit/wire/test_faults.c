/*
 * test_faults.c - every allocation of this room refused in turn: the fault is ours, and nothing leaks.
 */
#include "help.h"

#include "wire/aws_model.h"
#include "wire/sigv4_keys.h"

static int left = -1; /* allocations that still succeed; negative: all */

static int refused(void)
{
	if (left < 0) return 0;
	return left == 0 ? 1 : (left--, 0);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_malloc(size_t size)
{
	return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : __real_calloc(n, size);
}

static bulla_lane *lane;
static const uint8_t key[BULLA_KEY_SIZE] = { 1 };

static bool use_input(bulla_aws_fault *fault)
{
	bulla_aws_input input;
	static const char body[] = "{\"KeyId\":\"k\",\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":\"b\"}]}";
	if (!bulla_aws_input_read(bulla_aws_operation_of(BULLA_AWS_TAG_RESOURCE), bulla_view_str(body), &input, fault))
		return false;
	bulla_aws_input_done(&input);
	return true;
}

static bool use_signature(bulla_aws_fault *fault)
{
	BULLA_BUF_AUTO bulla_buf authorization = { 0 };
	bulla_sigv4 signature;
	bulla_http_header headers[] = { { bulla_view_str("Host"), bulla_view_str("h") },
					{ bulla_view_str("X-Amz-Date"), bulla_view_str("20261121T164523Z") },
					{ bulla_view_str("Authorization"), { NULL, 0 } } };
	bulla_http_request request = { bulla_view_str("POST"), bulla_view_str("/?b&a"), headers, 2, bulla_view_str("{}") };
	const bulla_sigv4_signer signer = { bulla_view_str(TEST_KEY_ID), bulla_view_str("us-east-1"), bulla_view_str("kms"),
					    key };
	bulla_code code = bulla_sigv4_sign(lane, &request, &signer, &authorization, NULL);
	if (code == BULLA_ERR_MEMORY) return bulla_aws_say(fault, BULLA_AWS_SAYS_INTERNAL);
	assert_int_equal(code, BULLA_OK);
	headers[2].value = bulla_view_buf(&authorization);
	request.n_headers = 3;
	return bulla_sigv4_parse(&request, &signature, fault) && bulla_sigv4_verify(lane, &request, &signature, key, fault);
}

static bool use_keys(bulla_aws_fault *fault)
{
	bulla_pool *pool = NULL;
	bulla_sigv4_keys *keys = NULL;
	const bulla_sigv4 signature = { .credential = bulla_view_str("A/20261121/r/s/aws4_request"),
					.access_key_id = bulla_view_str("A") };
	bulla_code code = bulla_pool_new(&pool, NULL);
	if (code == BULLA_OK) code = bulla_sigv4_keys_new(pool, &keys, NULL);
	if (code == BULLA_OK) code = bulla_sigv4_keys_add(keys, &signature, key, NULL);
	bulla_sigv4_keys_free(keys);
	bulla_pool_free(pool);
	if (code == BULLA_OK) return true;
	assert_int_equal(code, BULLA_ERR_MEMORY);
	return bulla_aws_say(fault, BULLA_AWS_SAYS_INTERNAL);
}

static void each_refused(bool (*use)(bulla_aws_fault *fault), int least)
{
	int n = 0;
	for (bool good = false; !good; n++) {
		bulla_aws_fault fault = { .type = BULLA_AWS_TYPES };
		left = n;
		good = use(&fault);
		left = -1;
		if (!good) assert_int_equal(fault.type, BULLA_AWS_KMS_INTERNAL);
	}
	assert_true(n > least);
}

static void no_memory_is_our_fault(void **state)
{
	(void)state;
	assert_int_equal(bulla_lane_new(&lane, NULL), BULLA_OK);
	each_refused(use_input, 1);
	each_refused(use_signature, 4);
	each_refused(use_keys, 2);
	bulla_lane_free(lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_memory_is_our_fault) };
	return cmocka_run_group_tests_name("wire/faults", tests, NULL, NULL);
}
