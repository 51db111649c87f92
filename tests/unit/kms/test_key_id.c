/*
 * test_key_id.c - the forms of a key id are taken apart exactly, and nothing else is one.
 */
#include "help.h"

#include "kms/key_id.h"

#define UUID "1234abcd-12ab-34cd-a6ef-1234567890ab"

static bulla_code parse(const char *text, bulla_key_id *id)
{
	bulla_error err = { 0 };
	return bulla_key_id_parse(bulla_view_str(text), id, &err);
}

static void test_forms(void **state)
{
	(void)state;
	static const uint8_t uuid[] = "\x12\x34\xab\xcd\x12\xab\x34\xcd\xa6\xef\x12\x34\x56\x78\x90\xab";
	bulla_key_id id;
	assert_int_equal(parse(UUID, &id), BULLA_OK);
	assert_false(id.is_alias || id.is_arn);
	assert_memory_equal(id.uuid, uuid, 16);
	assert_int_equal(parse("arn:aws:kms:local:000000000000:key/" UUID, &id), BULLA_OK);
	assert_true(id.is_arn && !id.is_alias);
	assert_memory_equal(id.uuid, uuid, 16);
	assert_true(bulla_bytes_is(id.realm.region, "local") && bulla_bytes_is(id.realm.account, "000000000000"));
	assert_int_equal(parse("alias/users", &id), BULLA_OK);
	assert_true(id.is_alias && !id.is_arn && bulla_bytes_is(id.alias, "users"));
	assert_int_equal(parse("arn:aws:kms:eu-west-1:111122223333:alias/a/b", &id), BULLA_OK);
	assert_true(id.is_alias && id.is_arn && bulla_bytes_is(id.alias, "a/b"));
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = { "",
					     "users",
					     "alias/",
					     "1234ABCD-12ab-34cd-a6ef-1234567890ab",
					     "1234abcd-12ab-34cd-a6ef-1234567890a",
					     "1234abcd-12ab-34cd-a6ef-1234567890abc",
					     "1234abcd012ab-34cd-a6ef-1234567890ab",
					     "1234abcd-12ab-34cd-a6ef-1234567890ag",
					     "arn:aws:kms:local:000000000000",
					     "arn:aws:kms:local:000000000000:",
					     "arn:aws:kms:local:000000000000:key/",
					     "arn:aws:kms:local:000000000000:" UUID,
					     "arn:aws:kms:local:key/" UUID,
					     "arn:aws:s3:local:000000000000:key/" UUID };
	bulla_key_id id;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(parse(wrong[i], &id), BULLA_ERR_NOT_FOUND);
}

static void test_aliases(void **state)
{
	(void)state;
	bulla_error err = { 0 };
	bulla_bytes name;
	char longest[BULLA_ALIAS_NAME_MAX + 2];
	assert_int_equal(bulla_alias_parse("alias/a-b_c/D9", &name, &err), BULLA_OK);
	assert_true(bulla_bytes_is(name, "a-b_c/D9"));
	assert_int_equal(bulla_alias_parse("users", &name, &err), BULLA_OK);
	static const char *const wrong[] = { "", "alias/", "alias/a b", "alias/\xc3\xa9", "alias/aws/s3", "aws/s3", "alias/a:b" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(bulla_alias_parse(wrong[i], &name, &err), BULLA_ERR_USAGE);
	memset(longest, 'a', sizeof longest);
	longest[BULLA_ALIAS_NAME_MAX] = 0;
	assert_int_equal(bulla_alias_parse(longest, &name, &err), BULLA_OK);
	longest[BULLA_ALIAS_NAME_MAX] = 'a';
	longest[BULLA_ALIAS_NAME_MAX + 1] = 0;
	assert_int_equal(bulla_alias_parse(longest, &name, &err), BULLA_ERR_USAGE);
}

static void test_realm(void **state)
{
	(void)state;
	bulla_error err = { 0 };
	bulla_realm good = { bulla_view_str("eu-west-1"), bulla_view_str("111122223333") };
	assert_int_equal(bulla_realm_check(&good, &err), BULLA_OK);
	bulla_realm wrong[] = { { bulla_view_str(""), good.account },
				{ bulla_view_str("EU"), good.account },
				{ good.region, bulla_view_str("1111") },
				{ good.region, bulla_view_str("11112222333x") },
				{ bulla_view_str("a:b"), good.account },
				{ good.region, bulla_view_str("1111222233334") },
				{ bulla_view_str("a23456789012345678901234567890123"), good.account } };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(bulla_realm_check(&wrong[i], &err), BULLA_ERR_CONFIG);
	char arn[BULLA_ARN_MAX];
	uint8_t uuid[16];
	memset(uuid, 0xff, sizeof uuid);
	bulla_uuid_mark(uuid);
	size_t n = bulla_key_arn_print(&good, uuid, arn);
	assert_string_equal(arn, "arn:aws:kms:eu-west-1:111122223333:key/ffffffff-ffff-4fff-bfff-ffffffffffff");
	assert_int_equal(n, strlen(arn));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_realm),
	};
	return cmocka_run_group_tests_name("kms/key_id", tests, NULL, NULL);
}
