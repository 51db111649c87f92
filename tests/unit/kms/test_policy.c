/*
 * test_policy.c - policy documents: what is one, what it says of a request, and why.
 */
#include "policy_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* --- two policies as a widely read guide has them, once the ARN is a key's ---------------------------------------- */
static const char encrypt_data[] = "{\n"
				   "    \"Version\": \"2012-10-17\",\n"
				   "    \"Statement\": [\n"
				   "        {\n"
				   "            \"Sid\": \"EncryptData\",\n"
				   "            \"Effect\": \"Allow\",\n"
				   "            \"Action\": \"kms:GenerateDataKey\",\n"
				   "            \"Resource\": \"" KEY_ARN "\"\n"
				   "        }\n"
				   "    ]\n"
				   "}";
static const char decrypt_data[] = "{\n"
				   "    \"Version\": \"2012-10-17\",\n"
				   "    \"Statement\": [\n"
				   "        {\n"
				   "            \"Sid\": \"DecryptData\",\n"
				   "            \"Effect\": \"Allow\",\n"
				   "            \"Action\": \"kms:Decrypt\",\n"
				   "            \"Resource\": \"" KEY_ARN "\"\n"
				   "        }\n"
				   "    ]\n"
				   "}";

static bulla_policy_verdict ask_for(const char *policy, const char *action, const char *resource)
{
	bulla_access access = alice();
	access.action = bulla_view_str(action);
	access.resource = bulla_view_str(resource);
	return ask(policy, &access);
}

static void test_a_writer_cannot_read_and_a_reader_cannot_write(void **state)
{
	(void)state;
	assert_int_equal(ask_for(encrypt_data, "kms:GenerateDataKey", KEY_ARN), BULLA_POLICY_ALLOW);
	assert_int_equal(ask_for(encrypt_data, "kms:GenerateDataKeyWithoutPlaintext", KEY_ARN), BULLA_POLICY_NONE);
	assert_int_equal(ask_for(encrypt_data, "kms:Decrypt", KEY_ARN), BULLA_POLICY_NONE);
	assert_int_equal(ask_for(encrypt_data, "kms:GenerateDataKey", OTHER_ARN), BULLA_POLICY_NONE);
	assert_int_equal(ask_for(decrypt_data, "kms:Decrypt", KEY_ARN), BULLA_POLICY_ALLOW);
	assert_int_equal(ask_for(decrypt_data, "kms:GenerateDataKey", KEY_ARN), BULLA_POLICY_NONE);
	assert_int_equal(ask_for(decrypt_data, "kms:Encrypt", KEY_ARN), BULLA_POLICY_NONE);
	assert_int_equal(ask_for(decrypt_data, "kms:Decrypt", OTHER_ARN), BULLA_POLICY_NONE);
}

/* --- action, resource --------------------------------------------------------------------------------------------- */
static void test_actions(void **state)
{
	(void)state;
	static const struct {
		const char *members, *action;
		bool allowed;
	} rows[] = {
		{ "\"Action\":\"kms:decrypt\"", "kms:Decrypt", true },
		{ "\"Action\":\"KMS:DECRYPT\"", "kms:Decrypt", true },
		{ "\"Action\":\"*\"", "kms:Decrypt", true },
		{ "\"Action\":\"kms:*\"", "kms:Decrypt", true },
		{ "\"Action\":\"kms:*\"", "cloudtrail:LookupEvents", false },
		{ "\"Action\":\"cloudtrail:LookupEvents\"", "cloudtrail:LookupEvents", true },
		{ "\"Action\":\"kms:ReEncrypt*\"", "kms:ReEncryptFrom", true },
		{ "\"Action\":\"kms:Generate*\"", "kms:Decrypt", false },
		{ "\"Action\":\"kms:?ecrypt\"", "kms:Decrypt", true },
		{ "\"Action\":\"kms:Decrypt\"", "kms:DecryptX", false },
		{ "\"Action\":[\"s3:GetObject\",\"kms:Decrypt\"]", "kms:Decrypt", true },
		{ "\"NotAction\":\"kms:Decrypt\"", "kms:Decrypt", false },
		{ "\"NotAction\":\"kms:decrypt\"", "kms:Decrypt", false },
		{ "\"NotAction\":[\"kms:Create*\",\"kms:Delete*\"]", "kms:Decrypt", true },
		{ "\"NotAction\":[\"kms:Create*\",\"kms:Delete*\"]", "kms:CreateKey", false },
	};
	char text[512];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		(void)snprintf(text, sizeof text, "{\"Statement\":{\"Effect\":\"Allow\",%s,\"Resource\":\"*\"}}",
			       rows[i].members);
		if ((ask_for(text, rows[i].action, KEY_ARN) == BULLA_POLICY_ALLOW) != rows[i].allowed)
			fail_msg("%s and %s", rows[i].members, rows[i].action);
	}
}

static void test_resources(void **state)
{
	(void)state;
	static const struct {
		const char *members, *resource;
		bool allowed;
	} rows[] = {
		{ "\"Resource\":\"*\"", KEY_ARN, true },
		{ "\"Resource\":\"*\"", "", true },
		{ "\"Resource\":\"arn:aws:kms:*\"", "", false },
		{ "\"Resource\":\"arn:aws:kms:*\"", KEY_ARN, true },
		{ "\"Resource\":\"arn:aws:kms:*:111122223333:key/*\"", KEY_ARN, true },
		{ "\"Resource\":\"arn:aws:kms:*:111122223333:alias/*\"", KEY_ARN, false },
		{ "\"Resource\":\"arn:aws:kms:*:11112222333?:key/*\"", KEY_ARN, true },
		{ "\"Resource\":\"arn:aws:KMS:eu-west-1:111122223333:key/*\"", KEY_ARN, false }, /* case counts */
		{ "\"Resource\":[\"" OTHER_ARN "\",\"" KEY_ARN "\"]", KEY_ARN, true },
		{ "\"NotResource\":\"" KEY_ARN "\"", KEY_ARN, false },
		{ "\"NotResource\":\"" KEY_ARN "\"", OTHER_ARN, true },
		{ "\"Resource\":\"arn:aws:kms:eu-west-1:111122223333:alias/${aws:username}\"",
		  "arn:aws:kms:eu-west-1:111122223333:alias/alice", true },
		{ "\"Resource\":\"arn:aws:kms:eu-west-1:111122223333:alias/${aws:username}/*\"",
		  "arn:aws:kms:eu-west-1:111122223333:alias/bob/x", false },
		{ "\"Resource\":\"arn:aws:kms:eu-west-1:111122223333:alias/${aws:PrincipalTag/t}*\"",
		  "arn:aws:kms:eu-west-1:111122223333:alias/", false },
	};
	char text[512];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		(void)snprintf(text, sizeof text,
			       "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:*\",%s}}",
			       rows[i].members);
		if ((ask_for(text, "kms:Decrypt", rows[i].resource) == BULLA_POLICY_ALLOW) != rows[i].allowed)
			fail_msg("%s and %s", rows[i].members, rows[i].resource);
	}
}

static void test_the_older_language_has_no_variables(void **state)
{
	(void)state;
	const char *document = "{%s\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":"
			       "\"arn:aws:kms:eu-west-1:111122223333:alias/${aws:username}\"}}";
	const char *versions[] = { "", "\"Version\":\"2008-10-17\"," };
	char text[512];
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(text, sizeof text, document, versions[i]);
		assert_int_equal(ask_for(text, "kms:X", "arn:aws:kms:eu-west-1:111122223333:alias/alice"), BULLA_POLICY_NONE);
		assert_int_equal(ask_for(text, "kms:X", "arn:aws:kms:eu-west-1:111122223333:alias/${aws:username}"),
				 BULLA_POLICY_ALLOW);
	}
}

/* --- verdicts --------------------------------------------------------------------------------------------------------- */
#define ALLOW_ALL "{\"Sid\":\"all\",\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"}"
#define DENY_DECRYPT                                                                                                             \
	"{\"Sid\":\"no\",\"Effect\":\"Deny\",\"Action\":\"kms:Decrypt\",\"Resource\":\"*\",\"Condition\":{\"NotIpAddress\":"     \
	"{\"aws:SourceIp\":\"10.0.0.0/8\"}}}"

static void test_deny_wins_in_either_order(void **state)
{
	(void)state;
	static const char *const documents[] = { "{\"Statement\":[" ALLOW_ALL "," DENY_DECRYPT "]}",
						 "{\"Statement\":[" DENY_DECRYPT "," ALLOW_ALL "]}" };
	for (size_t i = 0; i < 2; i++) {
		bulla_access access = alice();
		bulla_policy *policy = policy_of(documents[i], BULLA_POLICY_IDENTITY);
		bulla_policy_decision decision = bulla_policy_evaluate(policy, &access);
		assert_int_equal(decision.verdict, BULLA_POLICY_DENY);
		assert_int_equal(decision.statement, 1 - i);
		assert_string_equal(decision.sid, "no");
		access.source_ip = bulla_view_str("10.1.2.3");
		decision = bulla_policy_evaluate(policy, &access);
		assert_int_equal(decision.verdict, BULLA_POLICY_ALLOW);
		assert_int_equal(decision.statement, i);
		assert_string_equal(decision.sid, "all");
		access.action = bulla_view_str("s3:GetObject");
		assert_int_equal(bulla_policy_evaluate(policy, &access).verdict, BULLA_POLICY_NONE);
		assert_int_equal(bulla_policy_statements(policy), 2);
		bulla_policy_free(policy);
	}
}

static void test_verdicts_combine(void **state)
{
	(void)state;
	const bulla_policy_verdict n = BULLA_POLICY_NONE, a = BULLA_POLICY_ALLOW, d = BULLA_POLICY_DENY;
	assert_int_equal(bulla_policy_both(n, n), n);
	assert_int_equal(bulla_policy_both(n, a), a);
	assert_int_equal(bulla_policy_both(a, n), a);
	assert_int_equal(bulla_policy_both(a, d), d);
	assert_int_equal(bulla_policy_both(d, a), d);
	assert_int_equal(bulla_policy_both(n, d), d);
}

/* --- key policies ----------------------------------------------------------------------------------------------------- */
static bulla_policy_decision key_policy(const char *effect, const char *principal, const bulla_access *access)
{
	char text[1024];
	(void)snprintf(
		text, sizeof text,
		"{\"Version\":\"2012-10-17\",\"Id\":\"key-default-1\",\"Statement\":[{\"Sid\":\"Enable IAM User Permissions\","
		"\"Effect\":\"%s\",%s,\"Action\":\"kms:*\",\"Resource\":\"*\"}]}",
		effect, principal);
	return decide(text, BULLA_POLICY_KEY, access);
}

#define ROOT "arn:aws:iam::111122223333:root"

static void test_principals(void **state)
{
	(void)state;
	enum { NO, DIRECT, ACCOUNT };
	static const struct {
		const char *principal;
		int allow;
		bool deny;
	} rows[] = {
		{ "\"Principal\":\"*\"", DIRECT, true },
		{ "\"Principal\":{\"AWS\":\"*\"}", DIRECT, true },
		{ "\"Principal\":{\"AWS\":\"" ROOT "\"}", ACCOUNT, true },
		{ "\"Principal\":{\"AWS\":\"111122223333\"}", ACCOUNT, true },
		{ "\"Principal\":{\"AWS\":\"999922223333\"}", NO, false },
		{ "\"Principal\":{\"AWS\":\"" ALICE_ARN "\"}", DIRECT, true },
		{ "\"Principal\":{\"AWS\":[\"" ROOT "\",\"" ALICE_ARN "\"]}", DIRECT, true },
		{ "\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:user/ops/Alice\"}", NO, false },
		{ "\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:user/alice\"}", NO, false }, /* the path is part of it */
		{ "\"Principal\":{\"AWS\":\"AIDACKCEVSQ6C2EXAMPLE\"}", DIRECT, true },
		{ "\"Principal\":{\"AWS\":\"AIDACKCEVSQ6C2EXAMPLF\"}", NO, false },
		{ "\"Principal\":{\"Service\":\"ec2.amazonaws.com\"}", NO, false },
		{ "\"Principal\":{\"Service\":\"*\"}", NO, false },
		{ "\"Principal\":{\"Service\":\"a.b\",\"Federated\":\"c\",\"CanonicalUser\":\"d\",\"AWS\":\"" ALICE_ARN "\"}",
		  DIRECT, true },
		{ "\"NotPrincipal\":{\"AWS\":\"" ALICE_ARN "\"}", NO, false },
		{ "\"NotPrincipal\":{\"AWS\":\"arn:aws:iam::111122223333:user/bob\"}", DIRECT, true },
		{ "\"NotPrincipal\":{\"Service\":\"ec2.amazonaws.com\"}", DIRECT, true },
		/* an account takes its people out of an Allow, and not out of a Deny */
		{ "\"NotPrincipal\":{\"AWS\":\"" ROOT "\"}", NO, true },
		{ "\"NotPrincipal\":{\"AWS\":[\"" ROOT "\",\"arn:aws:iam::111122223333:user/bob\"]}", NO, true },
		{ "\"NotPrincipal\":{\"AWS\":[\"" ROOT "\",\"" ALICE_ARN "\"]}", NO, false },
	};
	const bulla_access access = alice();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_policy_decision d = key_policy("Allow", rows[i].principal, &access);
		int found = d.verdict != BULLA_POLICY_ALLOW ? NO : d.by_account ? ACCOUNT : DIRECT;
		if (found != rows[i].allow) fail_msg("%s: allow %d", rows[i].principal, found);
		if ((key_policy("Deny", rows[i].principal, &access).verdict == BULLA_POLICY_DENY) != rows[i].deny)
			fail_msg("%s: deny", rows[i].principal);
	}
}

static void test_roots_and_sessions(void **state)
{
	(void)state;
	bulla_access access = alice();
	access.principal = bulla_view_str(ROOT);
	bulla_policy_decision d = key_policy("Allow", "\"Principal\":{\"AWS\":\"111122223333\"}", &access);
	assert_true(d.verdict == BULLA_POLICY_ALLOW && !d.by_account);
	assert_int_equal(key_policy("Deny", "\"NotPrincipal\":{\"AWS\":\"" ROOT "\"}", &access).verdict, BULLA_POLICY_NONE);
	access.principal = bulla_view_str("arn:aws:sts::111122223333:assumed-role/app/one");
	access.role = bulla_view_str("arn:aws:iam::111122223333:role/service/app");
	static const char *const its[] = { "\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:role/service/app\"}",
					   "\"Principal\":{\"AWS\":\"arn:aws:sts::111122223333:assumed-role/app/one\"}" };
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(key_policy("Allow", its[i], &access).verdict, BULLA_POLICY_ALLOW);
	assert_int_equal(
		key_policy("Allow", "\"Principal\":{\"AWS\":\"arn:aws:sts::111122223333:assumed-role/app/two\"}", &access)
			.verdict,
		BULLA_POLICY_NONE);
}

/* A request without a principal is nobody's: empty texts in it must not equal anything. */
static void test_nobody_matches_only_everybody(void **state)
{
	(void)state;
	const bulla_access access = { .action = VIEW("kms:Decrypt"), .resource = VIEW(KEY_ARN) };
	assert_int_equal(key_policy("Allow", "\"Principal\":{\"AWS\":\"" ALICE_ARN "\"}", &access).verdict, BULLA_POLICY_NONE);
	assert_int_equal(key_policy("Allow", "\"Principal\":{\"AWS\":\"111122223333\"}", &access).verdict, BULLA_POLICY_NONE);
	assert_int_equal(key_policy("Allow", "\"Principal\":\"*\"", &access).verdict, BULLA_POLICY_ALLOW);
}

static void test_a_direct_allow_decides_before_one_of_the_account(void **state)
{
	(void)state;
	const bulla_access access = alice();
	bulla_policy_decision d = decide("{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" ROOT
					 "\"},\"Action\":\"kms:*\",\"Resource\":\"*\"},"
					 "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" ALICE_ARN
					 "\"},\"Action\":\"kms:Decrypt\",\"Resource\":\"*\"}]}",
					 BULLA_POLICY_KEY, &access);
	assert_true(d.verdict == BULLA_POLICY_ALLOW && !d.by_account && d.statement == 1);
	d = decide("{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" ROOT
		   "\"},\"Action\":\"kms:*\",\"Resource\":\"*\"},"
		   "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"111122223333\"},\"Action\":\"*\",\"Resource\":\"*\"}]}",
		   BULLA_POLICY_KEY, &access);
	assert_true(d.verdict == BULLA_POLICY_ALLOW && d.by_account && d.statement == 0);
}

/* --- why ------------------------------------------------------------------------------------------------------------- */
static void test_explains_each_statement(void **state)
{
	(void)state;
	static const char document[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":["
		"{\"Sid\":\"W\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"kms:Encrypt\",\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"Principal\":\"*\",\"NotAction\":\"kms:Decrypt\",\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"" OTHER_ARN "\"},"
		"{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"NotResource\":\"" KEY_ARN "\"},"
		"{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"999922223333\"},\"Action\":\"*\",\"Resource\":\"*\"},"
		"{\"Effect\":\"Allow\",\"NotPrincipal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"},"
		"{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":"
		"{\"Bool\":{\"aws:SecureTransport\":true},\"StringEquals\":{\"aws:username\":\"bob\"}}},"
		"{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":"
		"{\"ForAnyValue:StringLike\":{\"kms:EncryptionContext:model\":\"User\"}}},"
		"{\"Sid\":\"Root\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"111122223333\"},\"Action\":\"*\",\"Resource\":"
		"\"*\"},"
		"{\"Sid\":\"It\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"},"
		"{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}]}";
	static const char expected[] = "statement 1 (W) is silent: its Action is another one\n"
				       "statement 2 is silent: its NotAction leaves this action out\n"
				       "statement 3 is silent: its Resource is another one\n"
				       "statement 4 is silent: its NotResource leaves this resource out\n"
				       "statement 5 is silent: its Principal is somebody else\n"
				       "statement 6 is silent: its NotPrincipal leaves the caller out\n"
				       "statement 7 is silent: its condition StringEquals on aws:username does not hold\n"
				       "statement 8 is silent: its condition ForAnyValue:StringLike on "
				       "kms:EncryptionContext:model does not hold: the request has no such key\n"
				       "statement 9 (Root) leaves it to the policies of the caller's account\n"
				       "statement 10 (It) allows\n"
				       "statement 11 denies\n";
	const bulla_access access = alice();
	bulla_policy *policy = policy_of(document, BULLA_POLICY_KEY);
	bulla_buf out = { 0 };
	assert_int_equal(bulla_policy_explain(policy, &access, &out, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&out, NULL), BULLA_OK);
	assert_string_equal((const char *)out.data, expected);
	bulla_buf_done(&out);
	bulla_policy_free(policy);
}

/* --- what is no policy ----------------------------------------------------------------------------------------------- */
#define S            "{\"Statement\":"
#define A            "\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\""
#define C(condition) S "{" A ",\"Condition\":" condition "}}"

static void test_errors_name_the_place(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "JSON: " },
		{ "{\"Statement\":", "JSON: " },
		{ "{\"Statement\":[],\"Statement\":[]}", "occurs twice" },
		{ S "{" A "}} x", "after the document" },
		{ "[]", "a policy is an object" },
		{ "\"*\"", "a policy is an object" },
		{ "{}", "policy: Statement: it is missing" },
		{ S "[]}", "policy: Statement: an empty list" },
		{ S "\"x\"}", "policy: statement 1: a statement is an object" },
		{ S "[{" A "},{}]}", "policy: statement 2: Effect: it is missing" },
		{ "{\"statement\":{" A "}}", "\"statement\" is no member of a policy" },
		{ "{\"Version\":\"2012-10-18\",\"Statement\":{" A "}}", "policy: Version: it is 2012-10-17 or 2008-10-17" },
		{ "{\"Version\":2012,\"Statement\":{" A "}}", "policy: Version: " },
		{ "{\"Id\":{},\"Statement\":{" A "}}", "policy: Id: " },
		{ S "{" A ",\"Sid\":7}}", "statement 1: Sid: it is a string" },
		{ S "{" A ",\"Sid\":\"a\\nb\"}}", "statement 1: Sid: a string with a control character" },
		{ S "[{" A ",\"Sid\":\"a\"},{" A "},{" A ",\"Sid\":\"a\"}]}", "statement 3: Sid: statement 1 has the same Sid" },
		{ S "{\"Effect\":\"allow\",\"Action\":\"*\",\"Resource\":\"*\"}}", "statement 1: Effect: it is Allow or Deny" },
		{ S "{" A ",\"Efect\":\"Deny\"}}", "statement 1: \"Efect\" is no member of a statement" },
		{ S "{\"Effect\":\"Allow\",\"Resource\":\"*\"}}", "statement 1: Action: it is missing, and NotAction too" },
		{ S "{\"Effect\":\"Allow\",\"Action\":\"*\"}}", "statement 1: Resource: it is missing, and NotResource too" },
		{ S "{" A ",\"NotAction\":\"*\"}}", "statement 1: Action and NotAction exclude each other" },
		{ S "{" A ",\"NotResource\":\"*\"}}", "statement 1: Resource and NotResource exclude each other" },
		{ S "{" A ",\"Principal\":\"*\"}}", "statement 1: Principal: a policy of a principal names none" },
		{ S "{" A ",\"NotPrincipal\":\"*\"}}", "statement 1: NotPrincipal: a policy of a principal names none" },
		{ S "{\"Effect\":\"Allow\",\"Action\":[],\"Resource\":\"*\"}}", "statement 1: Action: an empty list" },
		{ S "{\"Effect\":\"Allow\",\"Action\":{\"a\":1},\"Resource\":\"*\"}}", "statement 1: Action: an object" },
		{ S "{\"Effect\":\"Allow\",\"Action\":[[\"*\"]],\"Resource\":\"*\"}}", "statement 1: Action: it is a string" },
		{ S "{\"Effect\":\"Allow\",\"Action\":\"Decrypt\",\"Resource\":\"*\"}}",
		  "statement 1: Action: \"Decrypt\" is no action" },
		{ S "{\"Effect\":\"Allow\",\"Action\":\"kms:\",\"Resource\":\"*\"}}", "is no action" },
		{ S "{\"Effect\":\"Allow\",\"Action\":\"kms:De crypt\",\"Resource\":\"*\"}}", "is no action" },
		{ S "{\"Effect\":\"Allow\",\"Action\":\"k*:*\",\"Resource\":\"*\"}}", "is no action" },
		{ S "{\"Effect\":\"Allow\",\"NotAction\":\"\",\"Resource\":\"*\"}}",
		  "statement 1: NotAction: \"\" is no action" },
		{ S "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"alias/x\"}}",
		  "statement 1: Resource: \"alias/x\" is no ARN" },
		{ S "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"arn:aws:kms:x\"}}", "is no ARN" },
		{ S "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"arn:aws:kms:...\"}}", "is no ARN" },
		{ S "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"\"}}", "is no ARN" },
		{ "{\"Version\":\"2012-10-17\","
		  "\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":"
		  "\"arn:aws:kms:eu:${aws:PrincipalAccount}:key/x\"}}",
		  "policy variables stand behind the fifth colon" },
		{ "{\"Version\":\"2012-10-17\","
		  "\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":"
		  "\"arn:aws:kms:eu:1:key/${aws:nothing\"}}",
		  "statement 1: Resource: a policy variable without its closing brace" },
		{ C("[]"), "statement 1: Condition: it is an object of operators" },
		{ C("{\"StringEqual\":{\"aws:username\":\"a\"}}"),
		  "statement 1: Condition: \"StringEqual\" is no condition operator" },
		{ C("{\"ForAll:StringEquals\":{\"aws:username\":\"a\"}}"), "is no condition operator" },
		{ C("{\"IfExists\":{\"aws:username\":\"a\"}}"), "is no condition operator" },
		{ C("{\"NullIfExists\":{\"aws:username\":true}}"), "Null takes neither" },
		{ C("{\"ForAnyValue:Null\":{\"aws:username\":true}}"), "Null takes neither" },
		{ C("{\"StringEquals\":{}}"), "statement 1: Condition StringEquals: an operator has an object" },
		{ C("{\"StringEquals\":\"a\"}"), "statement 1: Condition StringEquals: an operator has an object" },
		{ C("{\"StringEquals\":{\"username\":\"a\"}}"), "Condition StringEquals: \"username\" is no condition key" },
		{ C("{\"StringEquals\":{\"kms:EncryptionContextKey\":\"a\"}}"),
		  "\"kms:EncryptionContextKey\" is no condition key" },
		{ C("{\"StringEquals\":{\"kms:EncryptionContext:\":\"a\"}}"), "is no condition key" },
		{ C("{\"StringEquals\":{\"kms:\":\"a\"}}"), "is no condition key" },
		{ C("{\"StringEquals\":{\"kms\":\"a\"}}"), "is no condition key" },
		{ C("{\"StringEquals\":{\"aws:a\\u0007\":\"a\"}}"), "a condition key with a control character" },
		{ C("{\"StringEquals\":{\"aws:username\":[]}}"), "Condition StringEquals: an empty list" },
		{ C("{\"StringEquals\":{\"aws:username\":null}}"), "a value is a string" },
		{ C("{\"StringEquals\":{\"aws:username\":1.5}}"), "fractions are quoted" },
		{ C("{\"StringEquals\":{\"aws:username\":{\"a\":\"b\"}}}"), "an object, where a value" },
		{ C("{\"NumericEquals\":{\"aws:EpochTime\":\"x\"}}"), "Condition NumericEquals: a value that is no number" },
		{ C("{\"DateLessThan\":{\"aws:CurrentTime\":\"x\"}}"), "Condition DateLessThan: a value that is no time" },
		{ C("{\"DateLessThan\":{\"aws:CurrentTime\":-1}}"), "a value that is no time" },
		{ C("{\"Bool\":{\"aws:SecureTransport\":\"yes\"}}"), "Condition Bool: a value that is neither" },
		{ C("{\"Null\":{\"aws:username\":1}}"), "Condition Null: a value that is neither" },
		{ C("{\"IpAddress\":{\"aws:SourceIp\":\"1.2.3.0/33\"}}"), "Condition IpAddress: a value that is no address" },
		{ C("{\"BinaryEquals\":{\"aws:username\":\"a\"}}"), "Condition BinaryEquals: a value that is no base64" },
		{ C("{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam:*:user/*\"}}"),
		  "Condition ArnLike: a value that is no ARN" },
		{ C("{\"ArnLike\":{\"aws:PrincipalArn\":\"alice\"}}"), "a value that is no ARN" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_error err = { 0 };
		bulla_policy *policy = NULL;
		bulla_code code = bulla_policy_parse(bulla_view_str(rows[i].text), BULLA_POLICY_IDENTITY, &policy, &err);
		if (code != BULLA_ERR_FORMAT || !strstr(err.text, rows[i].says))
			fail_msg("%s\n%d %s", rows[i].text, (int)code, err.text);
		assert_null(policy);
	}
}

static void test_errors_of_principals(void **state)
{
	(void)state;
	static const struct {
		const char *member, *says;
	} rows[] = {
		{ "\"Sid\":\"x\"", "statement 1: Principal: it is missing" },
		{ "\"Principal\":\"" ALICE_ARN "\"", "statement 1: Principal: it is \"*\", or an object" },
		{ "\"Principal\":{}", "it is \"*\", or an object" },
		{ "\"Principal\":[\"*\"]", "it is \"*\", or an object" },
		{ "\"Principal\":{\"AWS\":[]}", "an empty list" },
		{ "\"Principal\":{\"AWS\":{\"a\":\"b\"}}", "an object, where a value" },
		{ "\"Principal\":{\"Aws\":\"*\"}", "\"Aws\" is none of AWS" },
		{ "\"NotPrincipal\":{\"AWS\":\"arn:aws:iam::111122223333:user/*\"}",
		  "statement 1: NotPrincipal: \"arn:aws:iam::111122223333:user/*\": a principal is" },
		{ "\"Principal\":{\"AWS\":\"\"}", "an empty name" },
		{ "\"Principal\":{\"AWS\":\"alice\"}", "\"alice\" is no account" },
		{ "\"Principal\":{\"AWS\":\"11112222333\"}", "is no account" },
		{ "\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:group/a\"}", "is no account" },
		{ "\"Principal\":{\"AWS\":\"arn:aws:iam::1111:user/a\"}", "is no account" },
		{ "\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:user/\"}", "is no account" },
		{ "\"Principal\":{\"AWS\":\"arn:aws:s3::111122223333:user/a\"}", "is no account" },
		{ "\"Principal\":\"*\",\"NotPrincipal\":\"*\"", "Principal and NotPrincipal exclude each other" },
	};
	char text[512];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_error err = { 0 };
		bulla_policy *policy = NULL;
		(void)snprintf(text, sizeof text, S "{" A ",%s}}", rows[i].member);
		bulla_code code = bulla_policy_parse(bulla_view_str(text), BULLA_POLICY_KEY, &policy, &err);
		if (code != BULLA_ERR_FORMAT || !strstr(err.text, rows[i].says)) fail_msg("%s\n%s", text, err.text);
	}
}

/* --- hostile documents --------------------------------------------------------------------------------------------- */
static bulla_code parse_only(bulla_bytes text)
{
	bulla_policy *policy = NULL;
	bulla_code code = bulla_policy_parse(text, BULLA_POLICY_IDENTITY, &policy, NULL);
	bulla_policy_free(policy);
	return code;
}

/* `head`, then `n` times `item` with commas between, then `tail`. */
static bulla_code parse_list(const char *head, const char *item, size_t n, const char *tail)
{
	bulla_buf text = { 0 };
	assert_int_equal(bulla_buf_add_str(&text, head, NULL), BULLA_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(bulla_buf_printf(&text, NULL, "%s%s", i ? "," : "", item), BULLA_OK);
	assert_int_equal(bulla_buf_add_str(&text, tail, NULL), BULLA_OK);
	bulla_code code = parse_only(bulla_view_buf(&text));
	bulla_buf_done(&text);
	return code;
}

static void test_limits(void **state)
{
	(void)state;
	const char *actions = "{\"Statement\":{\"Effect\":\"Allow\",\"Resource\":\"*\",\"Action\":[";
	assert_int_equal(parse_list(actions, "\"*\"", BULLA_POLICY_LIST_MAX, "]}}"), BULLA_OK);
	assert_int_equal(parse_list(actions, "\"*\"", BULLA_POLICY_LIST_MAX + 1, "]}}"), BULLA_ERR_LIMIT);
	assert_int_equal(parse_list("{\"Statement\":[", "{" A "}", BULLA_POLICY_STATEMENTS_MAX, "]}"), BULLA_OK);
	assert_int_equal(parse_list("{\"Statement\":[", "{" A "}", BULLA_POLICY_STATEMENTS_MAX + 1, "]}"), BULLA_ERR_LIMIT);
	assert_int_equal(parse_list(actions, "\"*\"", BULLA_POLICY_TEXT_MAX / 4, "]}}"), BULLA_ERR_LIMIT);
	bulla_buf conditions = { 0 };
	for (int i = 0; i <= BULLA_POLICY_CONDITIONS_MAX; i++)
		assert_int_equal(bulla_buf_printf(&conditions, NULL, "%s\"aws:k%d\":\"v\"",
						  i ? "," : S "{" A ",\"Condition\":{\"StringLike\":{", i),
				 BULLA_OK);
	assert_int_equal(bulla_buf_add_str(&conditions, "}}}}", NULL), BULLA_OK);
	assert_int_equal(parse_only(bulla_view_buf(&conditions)), BULLA_ERR_LIMIT);
	bulla_buf_done(&conditions);
	static char longest[BULLA_POLICY_STRING_MAX + 64];
	memset(longest, 'a', sizeof longest);
	memcpy(longest, "\"arn:aws:kms:eu:1:", 18);
	memcpy(longest + BULLA_POLICY_STRING_MAX + 1, "\"", 2);
	const char *resource = "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":[";
	assert_int_equal(parse_list(resource, longest, 1, "]}}"), BULLA_OK);
	memcpy(longest + BULLA_POLICY_STRING_MAX + 1, "a\"", 3);
	assert_int_equal(parse_list(resource, longest, 1, "]}}"), BULLA_ERR_LIMIT);
}

static void test_deep_nesting(void **state)
{
	(void)state;
	static char deep[20001];
	memset(deep, '[', 10000);
	memset(deep + 10000, ']', 10000);
	assert_int_equal(parse_only(bulla_view(deep, 20000)), BULLA_ERR_FORMAT);
	assert_int_equal(
		parse_list(S "{" A ",\"Condition\":{\"StringEquals\":{\"aws:username\":", "[[[[[[\"a\"]]]]]]", 1, "}}}}"),
		BULLA_ERR_FORMAT);
}

/* Every cut of a document is refused, and every changed byte is read or refused without harm. */
static void test_cut_and_changed_documents(void **state)
{
	(void)state;
	static const char whole[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":[" ALLOW_ALL "," DENY_DECRYPT
		",{\"Effect\":\"Allow\",\"NotAction\":[\"s3:*\"],\"NotResource\":\"arn:aws:kms:*:*:alias/${aws:username, 'x'}\","
		"\"Condition\":{\"DateLessThan\":{\"aws:CurrentTime\":\"2026-11-21T19:05:00Z\"},\"ArnLike\":{\"aws:"
		"PrincipalArn\":\"*\"}}}]}";
	enum { N = sizeof whole - 1 };
	static const char others[] = "\"{}[]:,*?$\\ 0\x01\xff";
	const bulla_access access = alice();
	char text[N];
	for (size_t n = 0; n < N; n++)
		assert_int_equal(parse_only(bulla_view(whole, n)), BULLA_ERR_FORMAT);
	for (size_t i = 0; i < N * (sizeof others - 1); i++) {
		bulla_policy *policy = NULL;
		memcpy(text, whole, N);
		text[i % N] = others[i / N];
		if (bulla_policy_parse(bulla_view(text, N), BULLA_POLICY_IDENTITY, &policy, NULL) == BULLA_OK)
			(void)bulla_policy_evaluate(policy, &access);
		bulla_policy_free(policy);
	}
}

/* --- speed, printed and not judged ------------------------------------------------------------------------------------ */
static void test_speed(void **state)
{
	(void)state;
	enum { ROUNDS = 200000 };
	static const char document[] = "{\"Version\":\"2012-10-17\",\"Statement\":["
				       "{\"Effect\":\"Deny\",\"Action\":\"kms:*\",\"Resource\":\"*\",\"Condition\":{"
				       "\"NotIpAddress\":{\"aws:SourceIp\":[\"203.0.113.0/24\",\"10.0.0.0/8\"]}}},"
				       "{\"Effect\":\"Allow\",\"Action\":[\"kms:Encrypt\",\"kms:GenerateDataKey*\"],\"Resource\":"
				       "\"arn:aws:kms:*:111122223333:key/*\"},"
				       "{\"Effect\":\"Allow\",\"Action\":\"kms:Decrypt\",\"Resource\":\"" KEY_ARN "\","
				       "\"Condition\":{\"StringEquals\":{\"kms:EncryptionContext:model_name\":\"User\"},"
				       "\"DateLessThan\":{\"aws:CurrentTime\":\"2030-01-01T00:00:00Z\"}}}]}";
	struct timespec start, end;
	bulla_access access = alice();
	access.context = context();
	bulla_policy *policy = policy_of(document, BULLA_POLICY_IDENTITY);
	size_t allowed = 0;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (int i = 0; i < ROUNDS; i++)
		allowed += bulla_policy_evaluate(policy, &access).verdict == BULLA_POLICY_ALLOW;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	assert_int_equal(allowed, ROUNDS);
	double ns = ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / ROUNDS;
	print_message("three statements with three conditions: %.0f ns\n", ns);
	bulla_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_writer_cannot_read_and_a_reader_cannot_write),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_resources),
		cmocka_unit_test(test_the_older_language_has_no_variables),
		cmocka_unit_test(test_deny_wins_in_either_order),
		cmocka_unit_test(test_verdicts_combine),
		cmocka_unit_test(test_principals),
		cmocka_unit_test(test_roots_and_sessions),
		cmocka_unit_test(test_nobody_matches_only_everybody),
		cmocka_unit_test(test_a_direct_allow_decides_before_one_of_the_account),
		cmocka_unit_test(test_explains_each_statement),
		cmocka_unit_test(test_errors_name_the_place),
		cmocka_unit_test(test_errors_of_principals),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_cut_and_changed_documents),
		cmocka_unit_test(test_speed),
	};
	return cmocka_run_group_tests_name("kms/policy", tests, NULL, NULL);
}
