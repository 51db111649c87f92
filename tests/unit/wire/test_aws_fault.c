/*
 * test_aws_fault.c - types, statuses and texts are AWS's, on one bounded line.
 */
#include "help.h"

#include "base/text.h"

static void every_type_has_a_name_and_a_status(void **state)
{
	(void)state;
	for (int t = 0; t < BULLA_AWS_TYPES; t++) {
		const char *name = bulla_aws_type_name((bulla_aws_type)t);
		assert_non_null(name);
		assert_string_equal(name + strlen(name) - 9, "Exception");
		int status = bulla_aws_type_status((bulla_aws_type)t);
		int expected = t == BULLA_AWS_DEPENDENCY_TIMEOUT                               ? 503
			       : t == BULLA_AWS_KMS_INTERNAL || t == BULLA_AWS_KEY_UNAVAILABLE ? 500
											       : 400;
		assert_int_equal(status, expected);
	}
}

static const char *written(const bulla_aws_fault *fault, char out[static 8192])
{
	bulla_buf buf = { .data = (uint8_t *)out, .cap = 8192, .max = 8191 };
	assert_int_equal(bulla_aws_fault_write(fault, &buf, NULL), BULLA_OK);
	out[buf.len] = 0;
	return out;
}

#define ARN "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

static void texts_are_the_services(void **state)
{
	(void)state;
	bulla_aws_fault f;
	char out[8192];
	bulla_bytes arn = bulla_view_str(ARN);
	assert_false(bulla_aws_say(&f, BULLA_AWS_SAYS_KEY_NOT_FOUND, arn));
	assert_string_equal(written(&f, out), "{\"__type\":\"NotFoundException\",\"message\":\"Key '" ARN "' does not exist\"}");
	assert_false(bulla_aws_say(&f, BULLA_AWS_SAYS_DISABLED, arn));
	assert_string_equal(written(&f, out), "{\"__type\":\"DisabledException\",\"message\":\"" ARN " is disabled.\"}");
	assert_false(bulla_aws_say(&f, BULLA_AWS_SAYS_INVALID_CIPHERTEXT));
	assert_string_equal(written(&f, out), "{\"__type\":\"InvalidCiphertextException\"}");
	assert_false(
		bulla_aws_say(&f, BULLA_AWS_SAYS_WRONG_USAGE, arn, bulla_view_str("SIGN_VERIFY"), bulla_view_str("Encrypt")));
	assert_string_equal(f.text, ARN " key usage is SIGN_VERIFY which is not valid for Encrypt.");
	assert_false(bulla_aws_say(&f, BULLA_AWS_SAYS_OTHER_MATERIAL_PENDING, bulla_view_str("a"), bulla_view_str("b"),
				   bulla_view_str("c")));
	assert_string_equal(f.text,
			    "New key material (id: a) cannot be imported into KMS key b, because another key material (id: c) is "
			    "pending rotation.");
	assert_false(bulla_aws_say(&f, BULLA_AWS_SAYS_ALIAS_PREFIX));
	assert_string_equal(
		written(&f, out),
		"{\"__type\":\"ValidationException\",\"message\":\"Alias must start with the prefix \\\"alias/\\\". Please see "
		"https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html\"}");
}

/* Each saying with as many parts as it has holes: none is left, and one too few harms nobody. */
static void every_saying_has_its_parts(void **state)
{
	(void)state;
	bulla_aws_fault f;
	const bulla_bytes parts[] = { bulla_view_str("p1"), bulla_view_str("p2"), bulla_view_str("p3"), bulla_view_str("p4") };
	for (int s = 0; s < BULLA_AWS_SAYINGS; s++) {
		assert_false(bulla_aws_say_parts(&f, (bulla_aws_saying)s, parts, 4));
		assert_null(strstr(f.text, "{}"));
		assert_false(bulla_aws_say_parts(&f, (bulla_aws_saying)s, NULL, 0));
		assert_null(strstr(f.text, "{}"));
	}
}

static void texts_are_one_bounded_line(void **state)
{
	(void)state;
	bulla_aws_fault f;
	assert_false(bulla_aws_refuse(&f, BULLA_AWS_VALIDATION, "a\nb\x01%s\x7f", "\xff\xc3\xa4"));
	assert_string_equal(f.text, "a?b??\xc3\xa4?");
	char *long_text = malloc(5001);
	assert_non_null(long_text);
	for (size_t i = 0; i < 5000; i++)
		long_text[i] = i % 2 ? '\xa4' : '\xc3';
	long_text[5000] = 0;
	assert_false(bulla_aws_refuse(&f, BULLA_AWS_VALIDATION, "%s", long_text));
	assert_int_equal(strlen(f.text), BULLA_AWS_FAULT_TEXT_MAX - 2); /* 2047 would cut a letter in two */
	assert_true(bulla_utf8_valid(bulla_view_str(f.text)));
	assert_false(bulla_aws_say(&f, BULLA_AWS_SAYS_INVALID_KEY_ID, bulla_view(long_text, 5000)));
	assert_int_equal(strlen(f.text), strlen("Invalid keyId ''") + BULLA_AWS_SHOWN_MAX);
	assert_true(bulla_utf8_valid(bulla_view_str(f.text)));
	assert_false(bulla_aws_say(&f, BULLA_AWS_SAYS_INVALID_KEY_ID, bulla_view("a\0b", 3)));
	assert_string_equal(f.text, "Invalid keyId 'a?b'");
	free(long_text);
}

static void shown_ends_between_code_points(void **state)
{
	(void)state;
	uint8_t text[BULLA_AWS_SHOWN_MAX + 8];
	for (size_t lead = 0; lead < 4; lead++) {
		memset(text, 'a', sizeof text);
		memcpy(text + BULLA_AWS_SHOWN_MAX - lead, "\xf0\x9f\x98\x80", 4);
		bulla_bytes shown = bulla_aws_shown(bulla_view(text, sizeof text));
		assert_int_equal(shown.len, BULLA_AWS_SHOWN_MAX - lead);
		assert_true(bulla_utf8_valid(shown));
	}
	assert_int_equal(bulla_aws_shown(bulla_view(text, 3)).len, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_has_a_name_and_a_status), cmocka_unit_test(texts_are_the_services),
		cmocka_unit_test(every_saying_has_its_parts),         cmocka_unit_test(texts_are_one_bounded_line),
		cmocka_unit_test(shown_ends_between_code_points),
	};
	return cmocka_run_group_tests_name("wire/aws_fault", tests, NULL, NULL);
}
