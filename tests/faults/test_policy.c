/*
 * test_policy.c - a policy document read with each allocation of our own refused in turn: no policy, and MEMORY; questions allocate nothing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "faults.h"
#include "kms/policy.h"

static const char document[] =
	"{\"Version\":\"2012-10-17\",\"Id\":\"x\",\"Statement\":[{\"Sid\":\"a\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":["
	"\"111122223333\",\"*\"]},"
	"\"Action\":[\"kms:*\",\"s3:*\"],\"Resource\":\"arn:aws:kms:eu:1:key/${aws:username, 'x'}*\",\"Condition\":{"
	"\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:user/*\"},\"BinaryEquals\":{\"aws:userid\":\"YQ==\"},"
	"\"ForAllValues:StringLike\":{\"kms:EncryptionContextKeys\":[\"a*\",\"b*\",\"c*\",\"d*\",\"e*\",\"f*\",\"g*\",\"h*\"]}}}]"
	"}";

static void test_each_allocation_may_fail(void **state)
{
	(void)state;
	long n = 0;
	for (bool failed = true; failed; n++) {
		bulla_error err = { 0 };
		bulla_policy *policy = NULL;
		faults_arm(n, false);
		bulla_code code = bulla_policy_parse(bulla_view_str(document), BULLA_POLICY_KEY, &policy, &err);
		failed = faults_disarm();
		if (code != (failed ? BULLA_ERR_MEMORY : BULLA_OK)) fail_msg("allocation %ld: %s", n, err.text);
		assert_int_equal(err.code, code);
		assert_true(failed == !policy);
		bulla_policy_free(policy);
	}
	assert_true(n > 5);
}

static void test_questions_allocate_nothing(void **state)
{
	(void)state;
	bulla_policy *policy = NULL;
	const bulla_access access = { .action = bulla_view_str("kms:Decrypt"),
				      .resource = bulla_view_str("arn:aws:kms:eu:1:key/x1") };
	assert_int_equal(bulla_policy_parse(bulla_view_str(document), BULLA_POLICY_KEY, &policy, NULL), BULLA_OK);
	faults_arm(0, true);
	bulla_policy_decision decision = bulla_policy_evaluate(policy, &access);
	assert_false(faults_disarm());
	assert_int_equal(decision.verdict, BULLA_POLICY_NONE);
	bulla_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_allocation_may_fail),
					    cmocka_unit_test(test_questions_allocate_nothing) };
	return cmocka_run_group_tests_name("faults/policy", tests, NULL, NULL);
}
