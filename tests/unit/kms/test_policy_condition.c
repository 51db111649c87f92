/*
 * test_policy_condition.c - each condition operator, with and without the key, with one value and with several.
 */
#include "policy_help.h"

#include <stdio.h>

/* Whether an Allow (or a Deny) under this condition applies. */
static bool applies(const char *effect, const char *condition, const bulla_access *access)
{
	char text[4096];
	int n = snprintf(text, sizeof text,
			 "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"%s\",\"Action\":\"*\",\"Resource\":\"*\","
			 "\"Condition\":%s}}",
			 effect, condition);
	assert_true(n > 0 && (size_t)n < sizeof text);
	return ask(text, access) != BULLA_POLICY_NONE;
}

static bool holds(const char *condition, const bulla_access *access)
{
	return applies("Allow", condition, access);
}

typedef struct row {
	const char *condition;
	bool holds;
} row;

static void check(const row *rows, size_t n, const bulla_access *access)
{
	for (size_t i = 0; i < n; i++)
		if (holds(rows[i].condition, access) != rows[i].holds)
			fail_msg("%s %s", rows[i].condition, rows[i].holds ? "does not hold" : "holds");
}

#define CHECK(rows, access) check((rows), sizeof(rows) / sizeof *(rows), (access))

static void test_strings(void **state)
{
	(void)state;
	static const row rows[] = {
		{ "{\"StringEquals\":{\"aws:username\":\"alice\"}}", true },
		{ "{\"StringEquals\":{\"aws:username\":\"Alice\"}}", false },
		{ "{\"StringEquals\":{\"aws:username\":\"ali*\"}}", false },
		{ "{\"StringEquals\":{\"aws:username\":[\"bob\",\"alice\"]}}", true },
		{ "{\"StringEquals\":{\"AWS:USERNAME\":\"alice\"}}", true },
		{ "{\"StringEquals\":{\"aws:username\":\"${aws:username}\"}}", true },
		{ "{\"StringNotEquals\":{\"aws:username\":\"bob\"}}", true },
		{ "{\"StringNotEquals\":{\"aws:username\":[\"bob\",\"alice\"]}}", false },
		{ "{\"StringEqualsIgnoreCase\":{\"aws:username\":\"ALICE\"}}", true },
		{ "{\"StringEqualsIgnoreCase\":{\"aws:username\":\"AL*\"}}", false },
		{ "{\"StringNotEqualsIgnoreCase\":{\"aws:username\":\"ALICE\"}}", false },
		{ "{\"StringNotEqualsIgnoreCase\":{\"aws:username\":\"BOB\"}}", true },
		{ "{\"StringLike\":{\"aws:username\":\"al?c*\"}}", true },
		{ "{\"StringLike\":{\"aws:username\":\"AL*\"}}", false },
		{ "{\"StringLike\":{\"aws:username\":\"al${*}\"}}", false },
		{ "{\"StringNotLike\":{\"aws:username\":\"al*\"}}", false },
		{ "{\"StringNotLike\":{\"aws:username\":[\"b*\",\"c*\"]}}", true },
		{ "{\"StringEquals\":{\"kms:CallerAccount\":111122223333}}", true },
		{ "{\"StringEquals\":{\"aws:SecureTransport\":true}}", true },
		{ "{\"StringEquals\":{\"aws:username\":\"alice\",\"aws:userid\":\"nobody\"}}", false }, /* all keys */
		{ "{\"StringEquals\":{\"aws:username\":\"alice\"},\"Bool\":{\"aws:SecureTransport\":\"false\"}}",
		  false }, /* all operators */
		{ "{}", true },
	};
	const bulla_access access = alice();
	CHECK(rows, &access);
}

static void test_arns(void **state)
{
	(void)state;
	static const row rows[] = {
		{ "{\"ArnEquals\":{\"aws:PrincipalArn\":\"" ALICE_ARN "\"}}", true },
		{ "{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:user/*\"}}", true },
		{ "{\"ArnEquals\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:user/*\"}}", true }, /* the two are one */
		{ "{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam:*:*:user/*\"}}", true },
		{ "{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::111122223333:user/ops/${aws:username}\"}}", true },
		{ "{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::${aws:PrincipalAccount}:user/*\"}}", true },
		{ "{\"ArnLike\":{\"aws:PrincipalArn\":\"${aws:PrincipalArn}\"}}", true },
		{ "{\"ArnLike\":{\"aws:PrincipalArn\":\"*\"}}", true },
		{ "{\"ArnNotLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:role/*\"}}", true },
		{ "{\"ArnNotEquals\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:user/*\"}}", false },
		/* no ARN matches no ARN */
		{ "{\"ArnLike\":{\"aws:username\":\"arn:*:*:*:*:*\"}}", false },
		{ "{\"ArnNotLike\":{\"aws:username\":\"arn:*:*:*:*:*\"}}", true },
	};
	bulla_access access = alice();
	CHECK(rows, &access);
	/* a star in a section stays in it; a string's does not */
	const bulla_pair store = { VIEW("aws:SourceArn"), VIEW("arn:aws:s:eu:9999:store/abc:1111:finance/doc") };
	access.extra = &store, access.n_extra = 1;
	assert_false(holds("{\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:s:*:1111:finance/*\"}}", &access));
	assert_true(holds("{\"StringLike\":{\"aws:SourceArn\":\"arn:aws:s:*:1111:finance/*\"}}", &access));
}

static void test_numbers(void **state)
{
	(void)state;
	static const row rows[] = {
		{ "{\"NumericEquals\":{\"kms:RotationPeriodInDays\":\"90\"}}", true },
		{ "{\"NumericEquals\":{\"kms:RotationPeriodInDays\":90.0}}", true },
		{ "{\"NumericEquals\":{\"kms:RotationPeriodInDays\":[1,90]}}", true },
		{ "{\"NumericNotEquals\":{\"kms:RotationPeriodInDays\":90}}", false },
		{ "{\"NumericNotEquals\":{\"kms:RotationPeriodInDays\":91}}", true },
		{ "{\"NumericLessThan\":{\"kms:RotationPeriodInDays\":\"90\"}}", false },
		{ "{\"NumericLessThan\":{\"kms:RotationPeriodInDays\":\"90.5\"}}", true },
		{ "{\"NumericLessThanEquals\":{\"kms:RotationPeriodInDays\":\"90\"}}", true },
		{ "{\"NumericLessThanEquals\":{\"kms:RotationPeriodInDays\":\"89\"}}", false },
		{ "{\"NumericGreaterThan\":{\"kms:RotationPeriodInDays\":\"90\"}}", false },
		{ "{\"NumericGreaterThan\":{\"kms:RotationPeriodInDays\":\"-1\"}}", true },
		{ "{\"NumericGreaterThanEquals\":{\"kms:RotationPeriodInDays\":\"90\"}}", true },
		{ "{\"NumericGreaterThanEquals\":{\"kms:RotationPeriodInDays\":\"91\"}}", false },
		{ "{\"NumericGreaterThan\":{\"aws:EpochTime\":\"1795287899\"}}", true },
	};
	const bulla_pair days = { VIEW("KMS:rotationPeriodInDays"), VIEW("90") };
	bulla_access access = alice();
	access.extra = &days, access.n_extra = 1;
	CHECK(rows, &access);
}

static void test_dates(void **state)
{
	(void)state;
	static const row rows[] = {
		{ "{\"DateEquals\":{\"aws:CurrentTime\":\"2026-11-21T19:05:00Z\"}}",
		  true }, /* to the second, as aws:CurrentTime is */
		{ "{\"DateEquals\":{\"aws:EpochTime\":\"2026-11-21T19:05:00Z\"}}", true },
		{ "{\"DateEquals\":{\"aws:CurrentTime\":1795287900}}", true },
		{ "{\"DateNotEquals\":{\"aws:CurrentTime\":\"2026-11-21T19:05:00Z\"}}", false },
		{ "{\"DateLessThan\":{\"aws:CurrentTime\":\"2026-11-21T19:05:00Z\"}}", false },
		{ "{\"DateLessThan\":{\"aws:CurrentTime\":\"2026-11-21T19:05:01Z\"}}", true },
		{ "{\"DateLessThanEquals\":{\"aws:CurrentTime\":\"2026-11-21T19:05:00Z\"}}", true },
		{ "{\"DateGreaterThan\":{\"aws:CurrentTime\":\"2026-11-21T19:05:00Z\"}}", false },
		{ "{\"DateGreaterThan\":{\"aws:CurrentTime\":\"2026-11-21T20:04:59+01:00\"}}", true },
		{ "{\"DateGreaterThanEquals\":{\"aws:CurrentTime\":\"2026-11-21\"}}", true },
		{ "{\"DateGreaterThanEquals\":{\"aws:CurrentTime\":\"2027\"}}", false },
	};
	const bulla_access access = alice();
	CHECK(rows, &access);
}

static void test_addresses(void **state)
{
	(void)state;
	static const row rows[] = {
		{ "{\"IpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}}", true },
		{ "{\"IpAddress\":{\"aws:SourceIp\":[\"10.0.0.0/8\",\"203.0.113.77\"]}}", true },
		{ "{\"IpAddress\":{\"aws:SourceIp\":\"::/0\"}}", false },
		{ "{\"NotIpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}}", false },
		{ "{\"NotIpAddress\":{\"aws:SourceIp\":[\"10.0.0.0/8\",\"2001:db8::/32\"]}}", true },
	};
	bulla_access access = alice();
	CHECK(rows, &access);
	access.source_ip = bulla_view_str("::ffff:203.0.113.9");
	assert_true(holds(rows[0].condition, &access));
	access.source_ip = bulla_view_str("2001:db8::7");
	assert_true(holds("{\"IpAddress\":{\"aws:SourceIp\":\"2001:DB8::/32\"}}", &access));
	assert_false(holds(rows[0].condition, &access));
}

/* An address, number or date that cannot be read allows nothing, and escapes no denial. */
static void test_unreadable_values_fail_closed(void **state)
{
	(void)state;
	static const char *const conditions[] = { "{\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/0\"}}",
						  "{\"NotIpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}",
						  "{\"ForAllValues:NotIpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}",
						  "{\"NumericLessThan\":{\"aws:SourceIp\":5}}",
						  "{\"NumericNotEquals\":{\"aws:SourceIp\":5}}",
						  "{\"DateNotEquals\":{\"aws:SourceIp\":\"2026\"}}",
						  "{\"Bool\":{\"aws:SourceIp\":\"true\"}}" };
	bulla_access access = alice();
	access.source_ip = bulla_view_str("10.0.0.1%eth0");
	for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
		if (applies("Allow", conditions[i], &access)) fail_msg("%s allows", conditions[i]);
		if (!applies("Deny", conditions[i], &access)) fail_msg("%s does not deny", conditions[i]);
	}
}

static void test_bool_binary_null(void **state)
{
	(void)state;
	static const row rows[] = {
		{ "{\"Bool\":{\"aws:SecureTransport\":\"true\"}}", true },
		{ "{\"Bool\":{\"aws:SecureTransport\":true}}", true },
		{ "{\"Bool\":{\"aws:SecureTransport\":\"FALSE\"}}", false },
		{ "{\"BinaryEquals\":{\"aws:username\":\"YWxpY2U=\"}}", true },
		{ "{\"BinaryEquals\":{\"aws:username\":\"Ym9i\"}}", false },
		{ "{\"Null\":{\"aws:username\":\"true\"}}", false },
		{ "{\"Null\":{\"aws:username\":false}}", true },
		{ "{\"Null\":{\"aws:TokenIssueTime\":\"true\"}}", true },
		{ "{\"Null\":{\"aws:TokenIssueTime\":\"false\"}}", false },
		{ "{\"Null\":{\"kms:EncryptionContextKeys\":\"true\"}}", true },
	};
	bulla_access access = alice();
	CHECK(rows, &access);
	access.tls = false;
	assert_true(holds("{\"Bool\":{\"aws:SecureTransport\":\"false\"}}", &access));
}

static void test_absent_keys(void **state)
{
	(void)state;
	static const row rows[] = {
		{ "{\"StringEquals\":{\"aws:PrincipalTag/team\":\"a\"}}", false },
		{ "{\"StringEquals\":{\"aws:PrincipalTag/team\":\"\"}}", false },
		{ "{\"StringLike\":{\"aws:PrincipalTag/team\":\"*\"}}", false },
		{ "{\"StringNotEquals\":{\"aws:PrincipalTag/team\":\"a\"}}", true },
		{ "{\"StringNotLike\":{\"aws:PrincipalTag/team\":\"*\"}}", true },
		{ "{\"StringEqualsIfExists\":{\"aws:PrincipalTag/team\":\"a\"}}", true },
		{ "{\"StringNotEqualsIfExists\":{\"aws:PrincipalTag/team\":\"a\"}}", true },
		{ "{\"StringEqualsIfExists\":{\"aws:username\":\"bob\"}}", false },
		{ "{\"ArnNotLike\":{\"aws:SourceArn\":\"*\"}}", true },
		{ "{\"ArnLikeIfExists\":{\"aws:SourceArn\":\"*\"}}", true },
		{ "{\"NumericEquals\":{\"kms:RotationPeriodInDays\":1}}", false },
		{ "{\"NumericNotEquals\":{\"kms:RotationPeriodInDays\":1}}", true },
		{ "{\"NumericLessThanIfExists\":{\"kms:RotationPeriodInDays\":1}}", true },
		{ "{\"DateLessThan\":{\"kms:ValidTo\":\"2030\"}}", false },
		{ "{\"DateNotEquals\":{\"kms:ValidTo\":\"2030\"}}", true },
		{ "{\"Bool\":{\"kms:MultiRegion\":\"false\"}}", false },
		{ "{\"BoolIfExists\":{\"kms:MultiRegion\":\"true\"}}", true },
		{ "{\"BinaryEquals\":{\"aws:PrincipalTag/x\":\"YQ==\"}}", false },
		{ "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":\"a\"}}", true },
		{ "{\"ForAllValues:StringNotEquals\":{\"aws:TagKeys\":\"a\"}}", true },
		{ "{\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":\"a\"}}", false },
		{ "{\"ForAnyValue:StringNotEquals\":{\"aws:TagKeys\":\"a\"}}", false },
		{ "{\"ForAnyValue:StringEqualsIfExists\":{\"aws:TagKeys\":\"a\"}}", true },
		/* a variable without a value is like nothing */
		{ "{\"StringEquals\":{\"aws:username\":\"${aws:PrincipalTag/team}\"}}", false },
		{ "{\"StringNotEquals\":{\"aws:username\":\"${aws:PrincipalTag/team}\"}}", true },
	};
	const bulla_access access = alice();
	CHECK(rows, &access);
}

static void test_several_values(void **state)
{
	(void)state;
	static const row rows[] = {
		{ "{\"ForAllValues:StringEquals\":{\"kms:GrantOperations\":[\"Encrypt\",\"Decrypt\",\"Sign\"]}}", true },
		{ "{\"ForAllValues:StringEquals\":{\"kms:GrantOperations\":[\"Encrypt\"]}}", false },
		{ "{\"ForAllValues:StringLike\":{\"kms:GrantOperations\":\"*crypt\"}}", true },
		{ "{\"ForAllValues:StringNotEquals\":{\"kms:GrantOperations\":\"Sign\"}}", true },
		{ "{\"ForAllValues:StringNotEquals\":{\"kms:GrantOperations\":\"Decrypt\"}}", false },
		{ "{\"ForAnyValue:StringEquals\":{\"kms:GrantOperations\":[\"Sign\",\"Decrypt\"]}}", true },
		{ "{\"ForAnyValue:StringEquals\":{\"kms:GrantOperations\":\"Sign\"}}", false },
		{ "{\"ForAnyValue:StringNotEquals\":{\"kms:GrantOperations\":\"Decrypt\"}}", true }, /* Encrypt differs */
		{ "{\"ForAnyValue:StringNotLike\":{\"kms:GrantOperations\":\"*crypt\"}}", false },
		/* without a set operator: any, and none */
		{ "{\"StringEquals\":{\"kms:GrantOperations\":\"Decrypt\"}}", true },
		{ "{\"StringNotEquals\":{\"kms:GrantOperations\":\"Decrypt\"}}", false },
		{ "{\"StringNotEquals\":{\"kms:GrantOperations\":\"Sign\"}}", true },
	};
	const bulla_pair operations[] = { { VIEW("kms:GrantOperations"), VIEW("Encrypt") },
					  { VIEW("aws:Other"), VIEW("Sign") },
					  { VIEW("kms:GrantOperations"), VIEW("Decrypt") } };
	bulla_access access = alice();
	access.extra = operations, access.n_extra = 3;
	CHECK(rows, &access);
}

static void test_encryption_context(void **state)
{
	(void)state;
	static const row rows[] = {
		{ "{\"StringEquals\":{\"kms:EncryptionContext:model_name\":\"User\"}}", true },
		{ "{\"StringEquals\":{\"kms:EncryptionContext:model_name\":\"user\"}}", false },
		{ "{\"StringEquals\":{\"kms:encryptioncontext:MODEL_NAME\":\"User\"}}", true }, /* names without case, as AWS */
		{ "{\"StringEquals\":{\"kms:EncryptionContext:model_nam\":\"User\"}}", false },
		{ "{\"StringEquals\":{\"kms:EncryptionContext:model_name\":\"User\",\"kms:EncryptionContext:model_id\":\"42\"}}",
		  true },
		{ "{\"StringEquals\":{\"kms:EncryptionContext:model_name\":\"User\",\"kms:EncryptionContext:model_id\":\"43\"}}",
		  false },
		{ "{\"StringLike\":{\"kms:EncryptionContext:a:b/c, d\":\"*\"}}", true },
		{ "{\"StringEquals\":{\"kms:EncryptionContext:empty\":\"\"}}", true },
		{ "{\"Null\":{\"kms:EncryptionContext:empty\":\"false\"}}", true },
		{ "{\"Null\":{\"kms:EncryptionContext:none\":\"true\"}}", true },
		{ "{\"StringEquals\":{\"kms:EncryptionContextKeys\":\"model_name\"}}", true },
		{ "{\"StringEquals\":{\"kms:EncryptionContextKeys\":\"Model_name\"}}", false },
		{ "{\"StringEqualsIgnoreCase\":{\"kms:EncryptionContextKeys\":\"Model_name\"}}", true },
		{ "{\"ForAllValues:StringEquals\":{\"kms:EncryptionContextKeys\":[\"model_name\",\"model_id\"]}}", false },
		{ "{\"ForAllValues:StringLike\":{\"kms:EncryptionContextKeys\":[\"model_*\",\"e*\",\"a*\"]}}", true },
		{ "{\"ForAnyValue:StringEquals\":{\"kms:EncryptionContextKeys\":\"model_id\"}}", true },
		{ "{\"Null\":{\"kms:EncryptionContextKeys\":false}}", true },
		{ "{\"StringLike\":{\"kms:EncryptionContext:model_name\":\"${kms:EncryptionContext:Model_Name}\"}}", true },
	};
	bulla_buf bytes = { 0 };
	bulla_access access = alice();
	access.context = PAIRS(&bytes, "model_name", "User", "model_id", "42", "a:b/c, d", "x", "empty", "");
	CHECK(rows, &access);
	bulla_buf_done(&bytes);
}

/* Two names that differ by case alone: no Allow may be had through the one when the other is wrong, no Deny be escaped. */
static void test_names_that_differ_by_case(void **state)
{
	(void)state;
	bulla_buf bytes = { 0 };
	bulla_access access = alice();
	const char *user = "{\"StringEquals\":{\"kms:EncryptionContext:model\":\"User\"}}";
	const char *no_user = "{\"StringNotEquals\":{\"kms:EncryptionContext:model\":\"User\"}}";
	access.context = PAIRS(&bytes, "model", "User", "Model", "Card");
	assert_false(applies("Allow", user, &access));
	assert_false(applies("Allow", no_user, &access));
	assert_true(applies("Deny", user, &access));
	assert_true(applies("Deny", no_user, &access));
	access.context = PAIRS(&bytes, "model", "User", "Model", "User");
	assert_true(applies("Allow", user, &access));
	assert_false(applies("Deny", no_user, &access));
	bulla_buf_done(&bytes);
}

static void test_broken_contexts_hold_nothing(void **state)
{
	(void)state;
	static const uint8_t cut[] = { 0, 1, 0, 5, 'm', 'o', 'd', 'e', 'l', 0, 9, 'U' };
	bulla_access access = alice();
	access.context = bulla_view(cut, sizeof cut);
	assert_false(holds("{\"StringLike\":{\"kms:EncryptionContext:model\":\"*\"}}", &access));
	for (size_t n = 0; n < sizeof cut; n++) {
		access.context = bulla_view(cut, n);
		assert_true(holds("{\"Null\":{\"kms:EncryptionContextKeys\":\"true\"}}", &access));
	}
}

static void test_what_each_key_shows(void **state)
{
	(void)state;
	static const row rows[] = {
		{ "{\"StringEquals\":{\"kms:CallerAccount\":\"111122223333\",\"aws:PrincipalAccount\":\"111122223333\"}}", true },
		{ "{\"StringEquals\":{\"aws:userid\":\"AIDACKCEVSQ6C2EXAMPLE\",\"aws:PrincipalType\":\"User\"}}", true },
		{ "{\"StringLike\":{\"aws:UserAgent\":\"aws-cli/*\",\"aws:RequestedRegion\":\"eu-*\"}}", true },
		{ "{\"StringEquals\":{\"aws:CurrentTime\":\"2026-11-21T19:05:00Z\",\"aws:EpochTime\":\"1795287900\"}}", true },
		{ "{\"StringEquals\":{\"aws:SourceIp\":\"203.0.113.77\"}}", true },
		{ "{\"StringEquals\":{\"aws:RequestTag/Team\":\"ops\",\"aws:ResourceTag/owner\":\"a\"}}", true },
		{ "{\"StringEquals\":{\"kms:KeySpec\":\"SYMMETRIC_DEFAULT\"}}", true },
		{ "{\"ForAnyValue:StringEquals\":{\"kms:ResourceAliases\":\"alias/b\"}}", true },
	};
	const bulla_pair extra[] = { { VIEW("aws:RequestTag/team"), VIEW("ops") },
				     { VIEW("aws:ResourceTag/owner"), VIEW("a") },
				     { VIEW("kms:KeySpec"), VIEW("SYMMETRIC_DEFAULT") },
				     { VIEW("kms:ResourceAliases"), VIEW("alias/a") },
				     { VIEW("kms:ResourceAliases"), VIEW("alias/b") } };
	bulla_access access = alice();
	access.extra = extra, access.n_extra = sizeof extra / sizeof *extra;
	CHECK(rows, &access);
	access.principal = bulla_view_str("arn:aws:sts::111122223333:assumed-role/app/s1");
	access.role = bulla_view_str("arn:aws:iam::111122223333:role/service/app");
	assert_true(holds("{\"ArnEquals\":{\"aws:PrincipalArn\":\"arn:aws:iam::111122223333:role/service/app\"}}", &access));
	assert_true(holds("{\"StringEquals\":{\"aws:PrincipalType\":\"AssumedRole\"}}", &access));
	access.principal = bulla_view_str("arn:aws:iam::111122223333:root");
	assert_true(holds("{\"StringEquals\":{\"aws:PrincipalType\":\"Account\"}}", &access));
	/* an extra pair cannot stand in for what the request itself says */
	const bulla_pair forged = { VIEW("aws:username"), VIEW("root") };
	access.extra = &forged, access.n_extra = 1;
	assert_false(holds("{\"StringEquals\":{\"aws:username\":\"root\"}}", &access));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_arns),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_unreadable_values_fail_closed),
		cmocka_unit_test(test_bool_binary_null),
		cmocka_unit_test(test_absent_keys),
		cmocka_unit_test(test_several_values),
		cmocka_unit_test(test_encryption_context),
		cmocka_unit_test(test_names_that_differ_by_case),
		cmocka_unit_test(test_broken_contexts_hold_nothing),
		cmocka_unit_test(test_what_each_key_shows),
	};
	return cmocka_run_group_tests_name("kms/policy_condition", tests, NULL, NULL);
}
