/*
 * test_aws_model.c - inputs are typed, and refused in AWS's words.
 */
#include "help.h"

#include "base/context.h"
#include "wire/aws_shape.h"

static bool read_as(bulla_aws_op op, bulla_bytes body, bulla_aws_input *input, bulla_aws_fault *fault)
{
	return bulla_aws_input_read(bulla_aws_operation_of(op), body, input, fault);
}

static void accepted(bulla_aws_op op, const char *body, bulla_aws_input *input)
{
	bulla_aws_fault fault;
	if (!read_as(op, bulla_view_str(body), input, &fault)) fail_msg("%s: %s", body, fault.text);
}

static void refused(bulla_aws_op op, const char *body, const char *type, const char *text)
{
	bulla_aws_input input;
	bulla_aws_fault fault;
	if (read_as(op, bulla_view_str(body), &input, &fault)) fail_msg("accepted: %s", body);
	if (strcmp(bulla_aws_type_name(fault.type), type) != 0 || strcmp(fault.text, text) != 0)
		fail_msg("%s\n%s: %s", body, bulla_aws_type_name(fault.type), fault.text);
}

static void invalid(bulla_aws_op op, const char *body, const char *text)
{
	refused(op, body, "ValidationException", text);
}

static void garbled(bulla_aws_op op, const char *body, const char *text)
{
	refused(op, body, "SerializationException", text);
}

/* --- the tables --------------------------------------------------------------------------------------------------- */

static void tables_are_whole(void **state)
{
	(void)state;
	for (int op = 0; op < BULLA_AWS_OPERATIONS; op++) {
		const bulla_aws_operation *o = bulla_aws_operation_of((bulla_aws_op)op);
		assert_non_null(o->name);
		if (op) assert_true(strcmp(bulla_aws_operations[op - 1].name, o->name) < 0);
		assert_int_equal(bulla_aws_operation_op(o), op);
		assert_int_equal(o->inputs[BULLA_AWS_INPUTS_MAX - 1], 0);
	}
	for (int m = BULLA_AWS_NO_MEMBER + 1; m < BULLA_AWS_MEMBERS; m++) {
		const bulla_aws_field *field = &bulla_aws_members[m];
		if (!field->name || !field->shape) fail_msg("member %d has no row", m);
		if (field->shape->kind == BULLA_AWS_ONE_OF) assert_true(field->shape->n_values > 0);
		if (field->shape->kind == BULLA_AWS_LIST) assert_non_null(field->shape->element);
	}
}

static bulla_bytes cut(bulla_bytes *rest, const char *stop)
{
	const uint8_t *found = rest->len ? memmem(rest->data, rest->len, stop, strlen(stop)) : NULL;
	bulla_bytes part = found ? bulla_view(rest->data, (size_t)(found - rest->data)) : *rest;
	*rest = found ? bulla_view(found + strlen(stop), rest->len - part.len - strlen(stop)) : bulla_view(NULL, 0);
	return part;
}

static bool starts(bulla_bytes text, const char *with)
{
	return text.len >= strlen(with) && memcmp(text.data, with, strlen(with)) == 0;
}

static bool has(bulla_bytes line, const char *text)
{
	return memmem(line.data, line.len, text, strlen(text)) != NULL;
}

/* "string({AES_256|AES_128})"; of long lists "string({17 values})" */
static bool same_values(const bulla_aws_shape *shape, bulla_bytes line)
{
	size_t n = 1;
	bool counted = has(line, " values}");
	for (size_t i = 0; i < line.len; i++)
		n += line.data[i] == '|';
	if (counted) n = strtoul(strchr((const char *)line.data, '{') + 1, NULL, 10);
	for (size_t i = 0; i < shape->n_values && !counted; i++)
		if (!has(line, shape->values[i])) return false;
	return shape->n_values == n;
}

/* "blob(min=1,max=4096)" */
static bool same_bounds(const bulla_aws_shape *shape, bulla_bytes line)
{
	char closed[64], open[64];
	bool ours = shape->kind == BULLA_AWS_LIST && shape->max == BULLA_AWS_LIST_MAX;
	if (!shape->bounded || ours) return !has(line, "max=");
	snprintf(closed, sizeof closed, "(min=%d,max=%d)", (int)shape->min, (int)shape->max);
	snprintf(open, sizeof open, "(min=%d,max=%d,", (int)shape->min, (int)shape->max);
	return has(line, closed) || has(line, open);
}

static bool same_shape(const bulla_aws_shape *shape, bulla_bytes line)
{
	static const char *const kinds[] = { "string",    "string({", "blob", "integer",  "boolean",
					     "timestamp", "map",      "list", "structure" };
	return starts(line, kinds[shape->kind]) && same_bounds(shape, line) &&
	       has(line, "pattern=") == (shape->pattern != NULL) && (!shape->pattern || has(line, shape->pattern->text)) &&
	       (shape->kind != BULLA_AWS_ONE_OF || same_values(shape, line));
}

/* "KeyId:string(min=1,max=2048)", "*Operations:list(of GrantOperation)" */
static void same_member(const bulla_aws_operation *o, bulla_bytes line)
{
	bool required = line.data[0] == '*';
	if (required) line = bulla_view(line.data + 1, line.len - 1);
	bulla_bytes name = cut(&line, ":");
	for (const uint8_t *in = o->inputs; *in; in++) {
		const bulla_aws_field *field = &bulla_aws_members[*in & 0x7f];
		if (!bulla_bytes_is(name, field->name)) continue;
		if (((*in & BULLA_AWS_REQUIRED) != 0) != required) fail_msg("%s.%s: required or not", o->name, field->name);
		if (!same_shape(field->shape, line))
			fail_msg("%s.%s: not %.*s", o->name, field->name, (int)line.len, (const char *)line.data);
		return;
	}
	fail_msg("%s has no %.*s", o->name, (int)name.len, (const char *)name.data);
}

static void same_operation(const char *name, bulla_bytes inputs)
{
	char target[256];
	size_t n = 0, ours = 0;
	snprintf(target, sizeof target, "TrentService.%s", name);
	const bulla_aws_operation *o = bulla_aws_operation_find(bulla_view_str(target));
	if (!o) fail_msg("no operation %s", name);
	while (inputs.len) {
		same_member(o, cut(&inputs, "; "));
		n++;
	}
	while (o->inputs[ours])
		ours++;
	assert_int_equal(n, ours);
}

/* AWS's own list of operations, members, bounds and patterns says what ours says. */
static void tables_are_awss(void **state)
{
	static char text[65536], path[1024];
	const char *shared = getenv("BULLA_SHARED");
	size_t operations = 0;
	(void)state;
	snprintf(path, sizeof path, "%s/kms/aws_operations.txt", shared ? shared : SHARED);
	FILE *in = fopen(path, "rb");
	if (!in) {
		print_message("SKIP: no %s\n", path);
		skip();
	}
	bulla_bytes rest = bulla_view(text, fread(text, 1, sizeof text, in));
	fclose(in);
	while (rest.len) {
		char name[128];
		bulla_bytes line = cut(&rest, "\n");
		if (!starts(line, "## ")) continue;
		snprintf(name, sizeof name, "%.*s", (int)line.len - 3, (const char *)line.data + 3);
		line = cut(&rest, "\n");
		assert_true(starts(line, "  input "));
		same_operation(name, bulla_view(line.data + 8, line.len - 8));
		operations++;
	}
	assert_int_equal(operations, 54);
}

static void targets(void **state)
{
	static const char *const unknown[] = { "",
					       "TrentService",
					       "TrentService.",
					       "TrentService.Encryp",
					       "TrentService.Encrypt ",
					       "TrentService.encrypt",
					       "trentservice.Encrypt",
					       "TrentService.LookupEvents",
					       "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.Encrypt",
					       "DynamoDB_20120810.ListTables" };
	(void)state;
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
		assert_null(bulla_aws_operation_find(bulla_view_str(unknown[i])));
	assert_null(bulla_aws_operation_find(bulla_view("TrentService.Encrypt\0", 21)));
	const bulla_aws_operation *o = bulla_aws_operation_find(bulla_view_str("TrentService.Encrypt"));
	assert_int_equal(bulla_aws_operation_op(o), BULLA_AWS_ENCRYPT);
	assert_string_equal(bulla_aws_operation_name(o), "Encrypt");
	assert_string_equal(bulla_aws_operation_service(o), "kms");
	o = bulla_aws_operation_find(bulla_view_str("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"));
	assert_int_equal(bulla_aws_operation_op(o), BULLA_AWS_LOOKUP_EVENTS);
	assert_string_equal(bulla_aws_operation_service(o), "cloudtrail");
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static void scalars(void **state)
{
	bulla_aws_input in;
	(void)state;
	accepted(BULLA_AWS_GENERATE_DATA_KEY,
		 "{\"KeyId\":\"alias/"
		 "\\u00e4\",\"NumberOfBytes\":32.9,\"KeySpec\":\"AES_128\",\"DryRun\":true,\"GrantTokens\":[\"a\",\"b\"],"
		 "\"Unknown\":{\"x\":[1]},\"Recipient\":null}",
		 &in);
	assert_true(bulla_bytes_is(in.values[BULLA_AWS_KEY_ID].bytes, "alias/\xc3\xa4"));
	assert_true(in.values[BULLA_AWS_NUMBER_OF_BYTES].given && in.values[BULLA_AWS_NUMBER_OF_BYTES].number == 32);
	assert_true(in.values[BULLA_AWS_DATA_KEY_SPEC].number == BULLA_AWS_DATA_KEY_SPEC_AES_128);
	assert_false(in.values[BULLA_AWS_KEY_SPEC].given);
	assert_true(in.values[BULLA_AWS_DRY_RUN].number == 1);
	assert_int_equal(in.values[BULLA_AWS_GRANT_TOKENS].n, 2);
	assert_true(bulla_bytes_is(in.values[BULLA_AWS_GRANT_TOKENS].items[1].bytes, "b"));
	assert_false(in.values[BULLA_AWS_RECIPIENT].given || in.values[BULLA_AWS_ENCRYPTION_CONTEXT].given);
	bulla_aws_input_done(&in);

	accepted(BULLA_AWS_ENCRYPT, "{\"KeyId\":\"k\",\"Plaintext\":\"AP8=\",\"DryRun\":false}", &in);
	assert_int_equal(in.values[BULLA_AWS_PLAINTEXT].bytes.len, 2);
	assert_memory_equal(in.values[BULLA_AWS_PLAINTEXT].bytes.data, "\0\xff", 2);
	assert_true(in.values[BULLA_AWS_DRY_RUN].given && in.values[BULLA_AWS_DRY_RUN].number == 0);
	bulla_aws_input_done(&in);

	accepted(BULLA_AWS_CREATE_KEY,
		 "{\"KeySpec\":\"ECC_NIST_EDWARDS25519\",\"CustomerMasterKeySpec\":\"SM2\",\"Description\":\"\"}", &in);
	assert_true(in.values[BULLA_AWS_KEY_SPEC].number == BULLA_AWS_KEY_SPEC_ECC_NIST_EDWARDS25519);
	assert_true(in.values[BULLA_AWS_CUSTOMER_MASTER_KEY_SPEC].number == BULLA_AWS_KEY_SPEC_SM2);
	assert_true(in.values[BULLA_AWS_DESCRIPTION].given && in.values[BULLA_AWS_DESCRIPTION].bytes.len == 0);
	bulla_aws_input_done(&in);

	accepted(BULLA_AWS_LIST_KEYS, "", &in);
	bulla_aws_input_done(&in);
	accepted(BULLA_AWS_LIST_KEYS, " {} ", &in);
	bulla_aws_input_done(&in);
	bulla_aws_input_done(NULL);
}

static void moments(void **state)
{
	bulla_aws_input in;
	char text[64];
	bulla_buf out = { .data = (uint8_t *)text, .cap = sizeof text, .max = sizeof text };
	bulla_json_writer w = bulla_json_to(&out);
	(void)state;
	accepted(BULLA_AWS_LOOKUP_EVENTS,
		 "{\"StartTime\":1763743523,\"EndTime\":1763743523.123456,\"MaxResults\":50,\"NextToken\":\"\"}", &in);
	assert_true(in.values[BULLA_AWS_START_TIME].number == 1763743523000000);
	assert_true(in.values[BULLA_AWS_END_TIME].number == 1763743523123456);
	bulla_aws_put_time(&w, NULL, in.values[BULLA_AWS_END_TIME].number);
	assert_int_equal(bulla_json_end(&w, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&out), "1763743523.123"));
	bulla_aws_input_done(&in);
	garbled(BULLA_AWS_LOOKUP_EVENTS, "{\"StartTime\":\"2026-11-21T16:45:23Z\"}",
		"STRING_VALUE can not be converted to a Timestamp");
	garbled(BULLA_AWS_LOOKUP_EVENTS, "{\"StartTime\":-1}", "NUMBER_VALUE can not be converted to a Timestamp");
	garbled(BULLA_AWS_LOOKUP_EVENTS, "{\"StartTime\":1e300}", "NUMBER_VALUE can not be converted to a Timestamp");
}

static void contexts(void **state)
{
	bulla_aws_input one, other;
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	size_t n;
	(void)state;
	accepted(BULLA_AWS_DECRYPT,
		 "{\"EncryptionContext\":{\"purpose\":\"ssn\",\"aws-crypto-public-key\":\"Ap==\",\"\\u00e4\":\"\"}}", &one);
	accepted(BULLA_AWS_DECRYPT,
		 "{\"EncryptionContext\":{\"\\u00e4\":\"\",\"aws-crypto-public-key\":\"Ap==\",\"purpose\":\"ssn\"}}", &other);
	bulla_bytes a = one.values[BULLA_AWS_ENCRYPTION_CONTEXT].bytes, b = other.values[BULLA_AWS_ENCRYPTION_CONTEXT].bytes;
	assert_true(bulla_bytes_equal(a, b));
	assert_int_equal(one.values[BULLA_AWS_ENCRYPTION_CONTEXT].n, 3);
	assert_int_equal(bulla_context_decode(a, pairs, &n, NULL), BULLA_OK);
	assert_int_equal(n, 3);
	assert_true(bulla_bytes_is(pairs[0].name, "aws-crypto-public-key") && bulla_bytes_is(pairs[1].value, "ssn"));
	bulla_aws_input_done(&one);
	bulla_aws_input_done(&other);
	accepted(BULLA_AWS_DECRYPT, "{\"EncryptionContext\":{}}", &one);
	assert_true(one.values[BULLA_AWS_ENCRYPTION_CONTEXT].given);
	assert_memory_equal(one.values[BULLA_AWS_ENCRYPTION_CONTEXT].bytes.data, "\0\0", 2);
	bulla_aws_input_done(&one);
	garbled(BULLA_AWS_DECRYPT, "{\"EncryptionContext\":[]}", "Start of list found where not expected");
	garbled(BULLA_AWS_DECRYPT, "{\"EncryptionContext\":\"a=b\"}", "Unexpected field type");
	garbled(BULLA_AWS_DECRYPT, "{\"EncryptionContext\":{\"a\":1}}", "NUMBER_VALUE can not be converted to a String");
	invalid(BULLA_AWS_DECRYPT, "{\"EncryptionContext\":{\"a\":null}}", "The encryption context has a value that is null.");
	invalid(BULLA_AWS_DECRYPT, "{\"EncryptionContext\":{\"\":\"x\"}}", "The encryption context has an empty name.");
}

static void contexts_are_bounded(void **state)
{
	bulla_aws_input in;
	static char body[10000];
	(void)state;
	for (int n = 8192 - 2 - 4 - 1; n <= 8192 - 2 - 4; n++) { /* a count, two lengths, a name of one byte */
		snprintf(body, sizeof body, "{\"EncryptionContext\":{\"a\":\"%0*d\"}}", n, 0);
		if (n == 8192 - 2 - 4 - 1) {
			accepted(BULLA_AWS_DECRYPT, body, &in);
			assert_int_equal(in.values[BULLA_AWS_ENCRYPTION_CONTEXT].bytes.len, 8192);
			bulla_aws_input_done(&in);
		} else {
			invalid(BULLA_AWS_DECRYPT, body, "The encryption context is larger than 8192 bytes.");
		}
	}
	for (int pairs = 64; pairs <= 65; pairs++) {
		int at = snprintf(body, sizeof body, "{\"EncryptionContext\":{");
		for (int i = 0; i < pairs; i++)
			at += snprintf(body + at, sizeof body - (size_t)at, "%s\"k%d\":\"v\"", i ? "," : "", i);
		snprintf(body + at, sizeof body - (size_t)at, "}}");
		if (pairs == 64) {
			accepted(BULLA_AWS_DECRYPT, body, &in);
			bulla_aws_input_done(&in);
		} else {
			invalid(BULLA_AWS_DECRYPT, body, "The encryption context has more than 64 pairs.");
		}
	}
}

static void structures_and_lists(void **state)
{
	bulla_aws_input in;
	(void)state;
	accepted(BULLA_AWS_CREATE_GRANT,
		 "{\"KeyId\":\"k\",\"GranteePrincipal\":\"arn:aws:iam::111122223333:user/"
		 "a+b\",\"Operations\":[\"Decrypt\",\"DeriveSharedSecret\"],"
		 "\"Constraints\":{\"EncryptionContextSubset\":{\"b\":\"2\",\"a\":\"1\"}},\"Name\":\"n\"}",
		 &in);
	const bulla_aws_value *operations = &in.values[BULLA_AWS_OPERATIONS_LIST],
			      *constraints = &in.values[BULLA_AWS_CONSTRAINTS];
	assert_int_equal(operations->n, 2);
	assert_true(operations->items[0].number == BULLA_AWS_GRANT_DECRYPT);
	assert_true(operations->items[1].number == BULLA_AWS_GRANT_DERIVE_SHARED_SECRET);
	assert_int_equal(constraints->n, 2);
	assert_false(constraints->items[BULLA_AWS_CONSTRAINTS_EQUALS].given);
	assert_memory_equal(constraints->items[BULLA_AWS_CONSTRAINTS_SUBSET].bytes.data,
			    "\0\2\0\1a\0\1"
			    "1\0\1b\0\1"
			    "2",
			    14);
	bulla_aws_input_done(&in);
	accepted(
		BULLA_AWS_TAG_RESOURCE,
		"{\"KeyId\":\"k\",\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":\"\"},{\"TagValue\":\"y\",\"TagKey\":\"b\",\"X\":1}]}",
		&in);
	const bulla_aws_value *tags = &in.values[BULLA_AWS_TAGS];
	assert_int_equal(tags->n, 2);
	assert_true(bulla_bytes_is(tags->items[1].items[BULLA_AWS_TAG_KEY].bytes, "b"));
	assert_true(bulla_bytes_is(tags->items[1].items[BULLA_AWS_TAG_VALUE].bytes, "y"));
	assert_true(tags->items[0].items[BULLA_AWS_TAG_VALUE].given);
	bulla_aws_input_done(&in);
	accepted(BULLA_AWS_DECRYPT,
		 "{\"Recipient\":{\"KeyEncryptionAlgorithm\":\"RSAES_OAEP_SHA_256\",\"AttestationDocument\":\"AAAA\"},"
		 "\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]}",
		 &in);
	assert_int_equal(in.values[BULLA_AWS_RECIPIENT].items[BULLA_AWS_RECIPIENT_ATTESTATION].bytes.len, 3);
	assert_int_equal(in.values[BULLA_AWS_DRY_RUN_MODIFIERS_LIST].n, 1);
	bulla_aws_input_done(&in);
	accepted(BULLA_AWS_LOOKUP_EVENTS,
		 "{\"LookupAttributes\":[{\"AttributeKey\":\"EventName\",\"AttributeValue\":\"Decrypt\"}]}", &in);
	assert_true(in.values[BULLA_AWS_LOOKUP_ATTRIBUTES].items[0].items[BULLA_AWS_LOOKUP_ATTRIBUTE_KEY].number ==
		    BULLA_AWS_LOOKUP_EVENT_NAME);
	bulla_aws_input_done(&in);
	accepted(BULLA_AWS_UNTAG_RESOURCE, "{\"KeyId\":\"k\",\"TagKeys\":[]}", &in);
	assert_true(in.values[BULLA_AWS_TAG_KEYS].given && in.values[BULLA_AWS_TAG_KEYS].n == 0);
	bulla_aws_input_done(&in);
}

/* --- records ---------------------------------------------------------------------------------------------------------- */

static void recorded(bulla_aws_op op, const char *body, const char *record)
{
	bulla_aws_input in;
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_json_writer w = bulla_json_to(&out);
	accepted(op, body, &in);
	bulla_aws_put_parameters(&w, NULL, &in);
	assert_int_equal(bulla_json_end(&w, NULL), BULLA_OK);
	if (!bulla_bytes_is(bulla_view_buf(&out), record)) fail_msg("%.*s", (int)out.len, (const char *)out.data);
	bulla_aws_input_done(&in);
}

static void inputs_are_recorded_without_secrets(void **state)
{
	(void)state;
	recorded(BULLA_AWS_LIST_KEYS, "{}", "{}");
	recorded(BULLA_AWS_ENCRYPT,
		 "{\"Plaintext\":\"c2VjcmV0\",\"KeyId\":\"alias/\\u00e4\\\"\",\"GrantTokens\":[\"token\"],\"DryRun\":false,"
		 "\"EncryptionContext\":{\"b\":\"2\",\"a\":\"1\"},\"EncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\",\"Nonsense\":"
		 "\"secret\"}",
		 "{\"keyId\":\"alias/"
		 "\xc3\xa4\\\"\",\"encryptionContext\":{\"a\":\"1\",\"b\":\"2\"},\"encryptionAlgorithm\":\"SYMMETRIC_DEFAULT\","
		 "\"dryRun\":false}");
	recorded(BULLA_AWS_CREATE_GRANT,
		 "{\"KeyId\":\"k\",\"GranteePrincipal\":\"p\",\"Operations\":[\"Decrypt\",\"Sign\"],\"Constraints\":{"
		 "\"EncryptionContextEquals\":{}}}",
		 "{\"keyId\":\"k\",\"granteePrincipal\":\"p\",\"operations\":[\"Decrypt\",\"Sign\"],\"constraints\":{"
		 "\"encryptionContextEquals\":{}}}");
	recorded(BULLA_AWS_TAG_RESOURCE, "{\"KeyId\":\"k\",\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":\"b\"}]}",
		 "{\"keyId\":\"k\",\"tags\":[{\"tagKey\":\"a\",\"tagValue\":\"b\"}]}");
	recorded(BULLA_AWS_LOOKUP_EVENTS, "{\"StartTime\":1763743523.5,\"MaxResults\":7}",
		 "{\"startTime\":1763743523.500,\"maxResults\":7}");
	recorded(BULLA_AWS_CREATE_CUSTOM_KEY_STORE,
		 "{\"CustomKeyStoreName\":\"n\",\"KeyStorePassword\":\"hunter22\",\"XksProxyAuthenticationCredential\":{"
		 "\"AccessKeyId\":"
		 "\"ABCDEFGHIJKLMNOPQRST\",\"RawSecretAccessKey\":\"0123456789012345678901234567890123456789012\"}}",
		 "{\"customKeyStoreName\":\"n\",\"xksProxyAuthenticationCredential\":{}}");
}

static void long_strings_are_cut_in_records(void **state)
{
	static char body[2 * BULLA_AWS_RECORDED_MAX + 100];
	bulla_aws_input in;
	(void)state;
	int at = snprintf(body, sizeof body, "{\"KeyId\":\"k\",\"Description\":\"a");
	for (int i = 0; i < BULLA_AWS_RECORDED_MAX / 2 + 1; i++)
		at += snprintf(body + at, sizeof body - (size_t)at, "\xc3\xa4");
	snprintf(body + at, sizeof body - (size_t)at, "\"}");
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_json_writer w = bulla_json_to(&out);
	accepted(BULLA_AWS_UPDATE_KEY_DESCRIPTION, body, &in);
	bulla_aws_put_parameters(&w, NULL, &in);
	assert_int_equal(bulla_json_end(&w, NULL), BULLA_OK);
	assert_int_equal(out.len, strlen("{\"keyId\":\"k\",\"description\":\"\"}") + BULLA_AWS_RECORDED_MAX - 1);
	bulla_aws_input_done(&in);
}

/* --- refusals ------------------------------------------------------------------------------------------------------ */

static void validation_texts(void **state)
{
	(void)state;
	invalid(BULLA_AWS_GENERATE_RANDOM, "{\"NumberOfBytes\":0}",
		"1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value "
		"greater than or equal to 1");
	invalid(BULLA_AWS_GENERATE_DATA_KEY, "{\"NumberOfBytes\":1025,\"KeySpec\":\"AES_512\"}",
		"3 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; "
		"Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to "
		"1024; "
		"Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [AES_256, "
		"AES_128]");
	invalid(BULLA_AWS_CREATE_ALIAS, "{\"AliasName\":\"alias/a b\",\"TargetKeyId\":\"\"}",
		"2 validation errors detected: Value 'alias/a b' at 'aliasName' failed to satisfy constraint: Member must "
		"satisfy regular expression "
		"pattern: ^[a-zA-Z0-9:/_-]+$; Value '' at 'targetKeyId' failed to satisfy constraint: Member must have length "
		"greater than or equal to 1");
	invalid(BULLA_AWS_ENCRYPT, "{\"KeyId\":null,\"Plaintext\":\"\"}",
		"2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; "
		"Value at 'plaintext' failed "
		"to satisfy constraint: Member must have length greater than or equal to 1");
	invalid(BULLA_AWS_CREATE_GRANT, "{\"KeyId\":\"k\",\"GranteePrincipal\":\"p\",\"Operations\":[\"Decrypt\",\"Nope\"]}",
		"1 validation error detected: Value '[Decrypt, Nope]' at 'operations' failed to satisfy constraint: Member must "
		"satisfy constraint: "
		"[Member must satisfy enum value set: [Decrypt, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, "
		"ReEncryptFrom, ReEncryptTo, "
		"Sign, Verify, GetPublicKey, CreateGrant, RetireGrant, DescribeKey, GenerateDataKeyPair, "
		"GenerateDataKeyPairWithoutPlaintext, GenerateMac, "
		"VerifyMac, DeriveSharedSecret]]");
	invalid(BULLA_AWS_TAG_RESOURCE,
		"{\"KeyId\":\"k\",\"Tags\":[{\"TagKey\":\"\",\"TagValue\":\"v\"},{\"TagKey\":\"k\"},null]}",
		"3 validation errors detected: Value '' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have "
		"length greater than or "
		"equal to 1; Value null at 'tags.2.member.tagValue' failed to satisfy constraint: Member must not be null; Value "
		"null at 'tags.3.member' "
		"failed to satisfy constraint: Member must not be null");
	invalid(BULLA_AWS_UNTAG_RESOURCE, "{\"KeyId\":\"k\",\"TagKeys\":[\"\",\"b\"]}",
		"1 validation error detected: Value '[, b]' at 'tagKeys' failed to satisfy constraint: Member must satisfy "
		"constraint: [Member must have "
		"length less than or equal to 128, Member must have length greater than or equal to 1]");
	invalid(BULLA_AWS_DESCRIBE_KEY, "{\"KeyId\":\"k\",\"GrantTokens\":[\"\"]}",
		"1 validation error detected: Value at 'grantTokens' failed to satisfy constraint: Member must satisfy "
		"constraint: [Member must have "
		"length less than or equal to 8192, Member must have length greater than or equal to 1]");
}

static void secrets_are_not_repeated(void **state)
{
	static char body[20000];
	bulla_aws_fault fault;
	bulla_aws_input in;
	(void)state;
	snprintf(body, sizeof body, "{\"KeyId\":\"k\",\"Plaintext\":\"%05464d\"}", 0); /* 4098 bytes */
	invalid(BULLA_AWS_ENCRYPT, body,
		"1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less "
		"than or equal to 4096");
	assert_false(read_as(BULLA_AWS_CREATE_CUSTOM_KEY_STORE,
			     bulla_view_str("{\"CustomKeyStoreName\":\"n\",\"KeyStorePassword\":\"hunter\","
					    "\"XksProxyAuthenticationCredential\":{\"AccessKeyId\":"
					    "\"hunter\",\"RawSecretAccessKey\":\"hunter\"}}"),
			     &in, &fault));
	help_refused(&fault, "ValidationException", "4 validation errors detected: Value at 'keyStorePassword' failed");
	assert_null(strstr(fault.text, "hunter"));
	assert_non_null(strstr(fault.text, "; Value at 'xksProxyAuthenticationCredential.rawSecretAccessKey' failed"));
	garbled(BULLA_AWS_ENCRYPT, "{\"KeyId\":\"k\",\"Plaintext\":\"hunter2\"}", "STRING_VALUE is not valid base64");
}

static void lengths_are_characters(void **state)
{
	bulla_aws_input in;
	static char body[4096];
	(void)state;
	for (int n = 256; n <= 257; n++) {
		int at = snprintf(body, sizeof body, "{\"KeyId\":\"k\",\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":\"");
		for (int i = 0; i < n; i++)
			at += snprintf(body + at, sizeof body - (size_t)at, "\xf0\x9f\x98\x80");
		snprintf(body + at, sizeof body - (size_t)at, "\"}]}");
		bulla_aws_fault fault;
		bool good = read_as(BULLA_AWS_TAG_RESOURCE, bulla_view_str(body), &in, &fault);
		assert_int_equal(good, n == 256);
		if (good) bulla_aws_input_done(&in);
	}
}

static void other_types(void **state)
{
	(void)state;
	garbled(BULLA_AWS_DESCRIBE_KEY, "{\"KeyId\":1}", "NUMBER_VALUE can not be converted to a String");
	garbled(BULLA_AWS_DESCRIBE_KEY, "{\"KeyId\":true}", "TRUE_VALUE can not be converted to a String");
	garbled(BULLA_AWS_DESCRIBE_KEY, "{\"KeyId\":{}}", "Start of structure or map found where not expected.");
	garbled(BULLA_AWS_DESCRIBE_KEY, "{\"KeyId\":[]}", "Start of list found where not expected");
	garbled(BULLA_AWS_GENERATE_RANDOM, "{\"NumberOfBytes\":\"32\"}", "STRING_VALUE can not be converted to an Integer");
	garbled(BULLA_AWS_GENERATE_RANDOM, "{\"NumberOfBytes\":1e30}", "NUMBER_VALUE can not be converted to an Integer");
	garbled(BULLA_AWS_ENCRYPT, "{\"KeyId\":\"k\",\"Plaintext\":7}", "NUMBER_VALUE can not be converted to a Blob");
	garbled(BULLA_AWS_ENCRYPT, "{\"KeyId\":\"k\",\"Plaintext\":\"AA==\",\"DryRun\":\"true\"}",
		"STRING_VALUE can not be converted to a Boolean");
	garbled(BULLA_AWS_TAG_RESOURCE, "{\"KeyId\":\"k\",\"Tags\":{}}", "Start of structure or map found where not expected.");
	garbled(BULLA_AWS_TAG_RESOURCE, "{\"KeyId\":\"k\",\"Tags\":\"t\"}", "Unexpected field type");
	garbled(BULLA_AWS_TAG_RESOURCE, "{\"KeyId\":\"k\",\"Tags\":[\"t\"]}", "Unexpected field type");
	garbled(BULLA_AWS_TAG_RESOURCE, "{\"KeyId\":\"k\",\"Tags\":[[]]}", "Start of list found where not expected");
	/* what cannot be read is said before what is out of bounds */
	garbled(BULLA_AWS_GENERATE_DATA_KEY, "{\"NumberOfBytes\":0,\"KeySpec\":4}",
		"NUMBER_VALUE can not be converted to a String");
}

static void broken_json(void **state)
{
	static const char *const bodies[] = { "{",
					      "{}}",
					      "[]",
					      "\"\"",
					      "1",
					      "null",
					      "{\"a\":1,}",
					      "{'a':1}",
					      "{\"KeyId\":\"\xff\"}",
					      "{\"KeyId\":\"\xed\xa0\x80\"}",
					      "{\"KeyId\":\"a\",\"KeyId\":\"b\"}",
					      "{\"a\\u0000\":1}",
					      "{\"KeyId\":\"\\ud800\"}",
					      "{\"n\":1e999}",
					      "\xef\xbb\xbf{}",
					      "{\"KeyId\":\"a\nb\"}" };
	bulla_aws_input in;
	bulla_aws_fault fault;
	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		if (read_as(BULLA_AWS_LIST_KEYS, bulla_view_str(bodies[i]), &in, &fault)) fail_msg("accepted: %s", bodies[i]);
		help_refused(&fault, "SerializationException", "");
	}
	assert_false(read_as(BULLA_AWS_LIST_KEYS, bulla_view("{}\0", 3), &in, &fault));
	assert_false(read_as(BULLA_AWS_LIST_KEYS, bulla_view("\0", 1), &in, &fault));
}

/* --- hostile sizes -------------------------------------------------------------------------------------------------- */

static void deep_and_wide(void **state)
{
	bulla_aws_input in;
	bulla_aws_fault fault;
	char *body = malloc(BULLA_AWS_BODY_MAX + 1);
	(void)state;
	assert_non_null(body);
	memset(body, '[', BULLA_AWS_BODY_MAX + 1);
	memcpy(body, "{\"KeyId\":", 9);
	assert_false(read_as(BULLA_AWS_DESCRIBE_KEY, bulla_view(body, BULLA_AWS_BODY_MAX), &in, &fault));
	help_refused(&fault, "SerializationException", "JSON: more than 64 levels");
	assert_false(read_as(BULLA_AWS_DESCRIBE_KEY, bulla_view(body, BULLA_AWS_BODY_MAX + 1), &in, &fault));
	help_refused(&fault, "SerializationException", "A request of more than 1048576 bytes");

	size_t at = (size_t)snprintf(body, 100, "{\"KeyId\":\"k\",\"TagKeys\":[\"a\"");
	while (at < BULLA_AWS_BODY_MAX - 10)
		memcpy(body + at, ",\"a\"", 4), at += 4;
	memcpy(body + at, "]}", 2);
	assert_false(read_as(BULLA_AWS_UNTAG_RESOURCE, bulla_view(body, at + 2), &in, &fault));
	help_refused(&fault, "ValidationException",
		     "1 validation error detected: Value at 'tagKeys' failed to satisfy constraint: Member must have length less "
		     "than or equal to 256");

	at = (size_t)snprintf(body, 100, "{\"KeyId\":\"k\",\"Tags\":[{}");
	for (int i = 1; i < BULLA_AWS_LIST_MAX; i++)
		memcpy(body + at, ",{}", 3), at += 3;
	memcpy(body + at, "]}", 2);
	assert_false(read_as(BULLA_AWS_TAG_RESOURCE, bulla_view(body, at + 2), &in, &fault));
	help_refused(&fault, "ValidationException", "512 validation errors detected: Value null at 'tags.1.member.tagKey'");
	assert_in_range(strlen(fault.text), BULLA_AWS_FAULT_TEXT_MAX - 100, BULLA_AWS_FAULT_TEXT_MAX - 1);

	at = (size_t)snprintf(body, 100, "{\"KeyId\":\"");
	memset(body + at, 'k', BULLA_AWS_BODY_MAX - at - 2);
	memcpy(body + BULLA_AWS_BODY_MAX - 2, "\"}", 2);
	assert_false(read_as(BULLA_AWS_DESCRIBE_KEY, bulla_view(body, BULLA_AWS_BODY_MAX), &in, &fault));
	assert_in_range(strlen(fault.text), BULLA_AWS_SHOWN_MAX, BULLA_AWS_SHOWN_MAX + 200);
	free(body);
}

static void nuls_in_strings(void **state)
{
	bulla_aws_input in;
	(void)state;
	accepted(BULLA_AWS_DESCRIBE_KEY, "{\"KeyId\":\"a\\u0000b\"}", &in);
	assert_int_equal(in.values[BULLA_AWS_KEY_ID].bytes.len, 3);
	bulla_aws_input_done(&in);
	invalid(BULLA_AWS_DELETE_ALIAS, "{\"AliasName\":\"a\\u0000b\\nc\"}",
		"1 validation error detected: Value 'a?b?c' at 'aliasName' failed to satisfy constraint: Member must satisfy "
		"regular expression pattern: "
		"^[a-zA-Z0-9:/_-]+$");
}

/* --- patterns ------------------------------------------------------------------------------------------------------- */

static void patterns(void **state)
{
	static const struct {
		const bulla_aws_pattern *pattern;
		const char *yes[4], *no[6];
	} rows[] = {
		{ &bulla_aws_pattern_name, { "alias/a:B_9-" }, { "", "a b", "\xc3\xa4", "a\n" } },
		{ &bulla_aws_pattern_policy,
		  { "{\"a\":\t1}\r\n", "\xc3\xbf", "\x7f" },
		  { "", "\x01", "\xc4\x80", "\xe2\x82\xac", "\v" } },
		{ &bulla_aws_pattern_marker, { "", "a b", "\xc2\xa0" }, { "\t", "\xc4\x80" } },
		{ &bulla_aws_pattern_principal, { "arn:aws:iam::1:user/a_b+c=d,e.f@g-" }, { "", "a b", "a*", "a;" } },
		{ &bulla_aws_pattern_policy_name, { "default", "a_9" }, { "", "a-b" } },
		{ &bulla_aws_pattern_region,
		  { "us-east-1", "us-gov-west-12" },
		  { "us-1", "us-east-", "us-east", "a-b-c-d-1", "us--1", "Us-east-1" } },
		{ &bulla_aws_pattern_hex, { "09af" }, { "", "g", "A" } },
		{ &bulla_aws_pattern_material_description, { "a b\t\n:/_.-9" }, { "", "a*" } },
		{ &bulla_aws_pattern_account, { "111122223333" }, { "11112222333", "1111222233334", "11112222333a" } },
		{ &bulla_aws_pattern_cluster,
		  { "cluster-234abcABC67", "cluster-2345672345672345" },
		  { "cluster-2345672345", "cluster-0345672345672", "Cluster-23456723456", "cluster-" } },
		{ &bulla_aws_pattern_xks_key, { "a-_.9" }, { "", "a/b" } },
		{ &bulla_aws_pattern_xks_id, { "ABZ27" }, { "", "A1", "a" } },
		{ &bulla_aws_pattern_xks_secret, { "aZ9/+=" }, { "", "a-" } },
		{ &bulla_aws_pattern_xks_endpoint, { "https://a.b-c9" }, { "https://", "http://a", "https://a/" } },
		{ &bulla_aws_pattern_xks_path,
		  { "/kms/xks/v1", "/kms/xks/v12", "/a/b_/kms/xks/v1" },
		  { "/kms/xks/v", "/kms/xks/v123", "a/kms/xks/v1", "//kms/xks/v", "/a.b/kms/xks/v1", "//kms/xks/v1" } },
		{ &bulla_aws_pattern_xks_service,
		  { "com.amazonaws.vpce.us-east-1.vpce-svc-0a", "eu.amazonaws.vpce.us-gov-east-1.vpce-svc-z9" },
		  { "com.amazonaws.vpce.us-east-1.vpce-svc-", "org.amazonaws.vpce.us-east-1.vpce-svc-0",
		    "com.amazonaws.vpce.us-1.vpce-svc-0", "com.amazonaws.vpce.us-east-1",
		    "com.amazonaws.vpce.us-east-1.vpce-svc-A", "com" } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (size_t k = 0; k < 4 && rows[i].yes[k]; k++)
			if (!rows[i].pattern->matches(bulla_view_str(rows[i].yes[k])))
				fail_msg("%s does not match %s", rows[i].yes[k], rows[i].pattern->text);
		for (size_t k = 0; k < 6 && rows[i].no[k]; k++)
			if (rows[i].pattern->matches(bulla_view_str(rows[i].no[k])))
				fail_msg("%s matches %s", rows[i].no[k], rows[i].pattern->text);
		assert_false(rows[i].pattern->matches(bulla_view("a\0", 2)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_whole),
		cmocka_unit_test(tables_are_awss),
		cmocka_unit_test(targets),
		cmocka_unit_test(scalars),
		cmocka_unit_test(moments),
		cmocka_unit_test(contexts),
		cmocka_unit_test(contexts_are_bounded),
		cmocka_unit_test(structures_and_lists),
		cmocka_unit_test(inputs_are_recorded_without_secrets),
		cmocka_unit_test(long_strings_are_cut_in_records),
		cmocka_unit_test(validation_texts),
		cmocka_unit_test(secrets_are_not_repeated),
		cmocka_unit_test(lengths_are_characters),
		cmocka_unit_test(other_types),
		cmocka_unit_test(broken_json),
		cmocka_unit_test(deep_and_wide),
		cmocka_unit_test(nuls_in_strings),
		cmocka_unit_test(patterns),
	};
	return cmocka_run_group_tests_name("wire/aws_model", tests, NULL, NULL);
}
