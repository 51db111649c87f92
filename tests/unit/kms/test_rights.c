/*
 * test_rights.c - principals, access keys and policies in the store; what callers may and may not; freezes and budgets.
 */
#include "help.h"

#include "kms/authorize.h"
#include "kms/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *error_name(const bulla_caller *self, bulla_code code)
{
	(void)self;
	return code == BULLA_ERR_DENIED ? "AccessDeniedException" : "OtherException";
}

static bulla_caller caller_of(const char *name)
{
	return (bulla_caller){ .principal = bulla_view_str(name),
			       .access_key_id = bulla_view_str("AKIAABCDEFGHIJKLMNOP"),
			       .source_ip = bulla_view_str("10.1.2.3"),
			       .user_agent = bulla_view_str("test"),
			       .request_id = bulla_view_str("11111111-2222-4333-8444-555555555555"),
			       .parameters = bulla_view_str("{\"keyId\":\"alias/test\"}"),
			       .error_name = error_name };
}

static bulla_code order(fixture *f, bulla_order_kind kind, bulla_order o)
{
	return bulla_engine_order(f->engine, kind, &o, NULL);
}

static void add_principal(fixture *f, const char *name)
{
	assert_int_equal(order(f, BULLA_ORDER_ADD_PRINCIPAL, (bulla_order){ .text = bulla_view_str(name) }), BULLA_OK);
}

/* A policy that allows one action on the fixture's key. */
static void allow(fixture *f, const char *name, const char *action)
{
	char document[512];
	(void)snprintf(document, sizeof document,
		       "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"S\",\"Effect\":\"Allow\",\"Action\":\"%s\","
		       "\"Resource\":\"%s\"}]}",
		       action, f->key.arn);
	assert_int_equal(order(f, BULLA_ORDER_PUT_POLICY,
			       (bulla_order){ .text = bulla_view_str(name),
					      .name = bulla_view_str("p"),
					      .document = bulla_view_str(document) }),
			 BULLA_OK);
}

static bulla_code call_as(fixture *f, const bulla_caller *caller, bulla_engine_operation operation, bulla_bytes input,
			  bulla_engine_reply *reply)
{
	const bulla_engine_request request = { .operation = operation,
					       .key_id = operation == BULLA_ENGINE_DECRYPT ? (bulla_bytes){ 0 }
											   : bulla_view_str("alias/test"),
					       .context = context(),
					       .input = input,
					       .caller = caller };
	assert_int_equal(bulla_engine_call(f->engine, &request, 1, reply, NULL), BULLA_OK);
	return reply->code;
}

/* --- permissions ----------------------------------------------------------------------------------------------- */
static void writer_cannot_decrypt_and_reader_cannot_encrypt(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made = { 0 }, opened = { 0 };
	add_principal(f, "writer");
	add_principal(f, "reader");
	allow(f, "writer", "kms:GenerateDataKey");
	allow(f, "reader", "kms:Decrypt");
	bulla_caller writer = caller_of("writer"), reader = caller_of("reader"), nobody = caller_of("nobody");
	assert_int_equal(call_as(f, &writer, BULLA_ENGINE_GENERATE_DATA_KEY, (bulla_bytes){ 0 }, &made), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "\"arn\":\"arn:aws:iam::000000000000:user/writer\""));
	assert_true(fake_log_last_has(&f->log, "\"requestParameters\":{\"keyId\":\"alias/test\"}"));
	assert_true(fake_log_last_has(&f->log, "\"requestID\":\"11111111-2222-4333-8444-555555555555\""));
	assert_int_equal(call_as(f, &writer, BULLA_ENGINE_DECRYPT, bulla_view_buf(&made.blob), &opened), BULLA_ERR_DENIED);
	assert_int_equal(opened.plaintext.len, 0);
	assert_non_null(
		strstr(opened.text, "User: arn:aws:iam::000000000000:user/writer is not authorized to perform: kms:Decrypt"));
	assert_true(fake_log_last_has(&f->log, "\"errorCode\":\"AccessDeniedException\""));
	assert_true(fake_log_last_has(&f->log, f->key.arn));
	assert_int_equal(call_as(f, &reader, BULLA_ENGINE_DECRYPT, bulla_view_buf(&made.blob), &opened), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&opened.plaintext), bulla_view_buf(&made.plaintext)));
	bulla_engine_reply refused = { 0 };
	assert_int_equal(call_as(f, &reader, BULLA_ENGINE_GENERATE_DATA_KEY, (bulla_bytes){ 0 }, &refused), BULLA_ERR_DENIED);
	assert_int_equal(refused.plaintext.len + refused.blob.len, 0);
	assert_int_equal(call_as(f, &nobody, BULLA_ENGINE_DECRYPT, bulla_view_buf(&made.blob), &opened), BULLA_ERR_DENIED);
	assert_true(fake_log_last_has(&f->log, "\"type\":\"Unknown\""));
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&opened);
	bulla_engine_reply_done(&refused);
}

static void key_policy_decides_by_itself_or_leaves_it_to_the_account(void **state)
{
	fixture *f = *state;
	bulla_engine_reply reply = { 0 };
	add_principal(f, "ann");
	add_principal(f, "bob");
	allow(f, "bob", "kms:*");
	bulla_caller ann = caller_of("ann"), bob = caller_of("bob");
	const char *only_ann = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
			       "\"arn:aws:iam::000000000000:user/ann\"},\"Action\":\"kms:Encrypt\",\"Resource\":\"*\"}]}";
	bulla_order put = { .key = bulla_view_str(f->key.id), .document = bulla_view_str(only_ann) };
	assert_int_equal(order(f, BULLA_ORDER_PUT_KEY_POLICY, put), BULLA_OK);
	assert_int_equal(call_as(f, &ann, BULLA_ENGINE_ENCRYPT, bulla_view_str("x"), &reply), BULLA_OK);
	assert_int_equal(call_as(f, &bob, BULLA_ENGINE_ENCRYPT, bulla_view_str("x"), &reply), BULLA_ERR_DENIED);
	assert_non_null(strstr(reply.text, "resource-based"));
	/* Who sets a policy must be able to set the next. */
	put.caller = &bob;
	const char *all = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
			  "\"arn:aws:iam::000000000000:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}";
	assert_int_equal(order(f, BULLA_ORDER_PUT_KEY_POLICY, put), BULLA_ERR_FORMAT);
	put.document = bulla_view_str(all);
	assert_int_equal(order(f, BULLA_ORDER_PUT_KEY_POLICY, put), BULLA_ERR_DENIED);
	put.caller = NULL;
	assert_int_equal(order(f, BULLA_ORDER_PUT_KEY_POLICY, put), BULLA_OK);
	assert_int_equal(call_as(f, &bob, BULLA_ENGINE_ENCRYPT, bulla_view_str("x"), &reply), BULLA_OK);
	assert_int_equal(call_as(f, &ann, BULLA_ENGINE_ENCRYPT, bulla_view_str("x"), &reply), BULLA_ERR_DENIED);
	bulla_engine_reply_done(&reply);
}

static void an_order_is_permitted_or_changes_nothing(void **state)
{
	fixture *f = *state;
	add_principal(f, "ops");
	allow(f, "ops", "kms:EnableKey");
	bulla_caller ops = caller_of("ops");
	bulla_order o = { .caller = &ops, .key = bulla_view_str(f->key.id) };
	assert_int_equal(order(f, BULLA_ORDER_DISABLE_KEY, o), BULLA_ERR_DENIED);
	assert_true(fake_log_last_has(&f->log, "\"eventName\":\"DisableKey\""));
	assert_true(fake_log_last_has(&f->log, "\"errorCode\":\"AccessDeniedException\""));
	bulla_key_info info;
	assert_int_equal(bulla_engine_describe(f->engine, o.key, &info, NULL), BULLA_OK);
	assert_int_equal(info.state, BULLA_KEY_ENABLED);
	allow(f, "ops", "kms:DisableKey");
	ops.dry_run = true;
	size_t entries = f->log.entries;
	assert_int_equal(order(f, BULLA_ORDER_DISABLE_KEY, o), BULLA_OK);
	assert_int_equal(f->log.entries, entries + 1);
	assert_true(fake_log_last_has(&f->log, "\"outcome\":\"dry_run\""));
	assert_int_equal(bulla_engine_describe(f->engine, o.key, &info, NULL), BULLA_OK);
	assert_int_equal(info.state, BULLA_KEY_ENABLED);
	ops.dry_run = false;
	assert_int_equal(order(f, BULLA_ORDER_DISABLE_KEY, o), BULLA_OK);
	assert_int_equal(bulla_engine_describe(f->engine, o.key, &info, NULL), BULLA_OK);
	assert_int_equal(info.state, BULLA_KEY_DISABLED);
}

/* An alias asks for the alias and for each key that it names. */
static void an_alias_asks_for_all_that_it_touches(void **state)
{
	fixture *f = *state;
	add_principal(f, "ops");
	allow(f, "ops", "kms:*"); /* on the key alone */
	bulla_caller ops = caller_of("ops");
	bulla_order o = { .caller = &ops, .key = bulla_view_str(f->key.id), .alias = bulla_view_str("more") };
	assert_int_equal(order(f, BULLA_ORDER_CREATE_ALIAS, o), BULLA_ERR_DENIED);
	assert_true(fake_log_last_has(&f->log, ":alias/more because no identity-based policy"));
	const char *document = "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:*Alias\","
			       "\"Resource\":\"arn:aws:kms:*:*:alias/more\"}}";
	bulla_order put = { .text = bulla_view_str("ops"),
			    .name = bulla_view_str("aliases"),
			    .document = bulla_view_str(document) };
	assert_int_equal(order(f, BULLA_ORDER_PUT_POLICY, put), BULLA_OK);
	assert_int_equal(order(f, BULLA_ORDER_CREATE_ALIAS, o), BULLA_OK);
	bulla_key_info other;
	assert_int_equal(bulla_engine_create_key(f->engine, "", NULL, &other, NULL), BULLA_OK);
	o.key = bulla_view_str(other.id);
	assert_int_equal(order(f, BULLA_ORDER_UPDATE_ALIAS, o), BULLA_ERR_DENIED);
	assert_int_equal(order(f, BULLA_ORDER_DELETE_ALIAS, o), BULLA_OK);
}

/* --- freezes and budgets --------------------------------------------------------------------------------------- */
static void a_freeze_stops_decryption_and_nothing_else(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made = { 0 }, opened = { 0 };
	add_principal(f, "app");
	add_principal(f, "other");
	allow(f, "app", "kms:*");
	allow(f, "other", "kms:*");
	bulla_caller app = caller_of("app"), other = caller_of("other");
	assert_int_equal(call_as(f, &app, BULLA_ENGINE_GENERATE_DATA_KEY, (bulla_bytes){ 0 }, &made), BULLA_OK);
	bulla_bytes blob = bulla_view_buf(&made.blob);
	const bulla_order targets[] = { { 0 }, { .key = bulla_view_str("alias/test") }, { .text = bulla_view_str("app") } };
	for (size_t i = 0; i < 3; i++) {
		bulla_order freeze = targets[i];
		freeze.document = bulla_view_str("odd reads at night");
		assert_int_equal(order(f, BULLA_ORDER_FREEZE, freeze), BULLA_OK);
		assert_int_equal(call_as(f, &app, BULLA_ENGINE_DECRYPT, blob, &opened), BULLA_ERR_DENIED);
		assert_non_null(strstr(opened.text, "frozen by"));
		assert_non_null(strstr(opened.text, "odd reads at night"));
		assert_int_equal(opened.plaintext.len, 0);
		assert_int_equal(call_as(f, &other, BULLA_ENGINE_DECRYPT, blob, &opened), i == 2 ? BULLA_OK : BULLA_ERR_DENIED);
		assert_int_equal(call_as(f, NULL, BULLA_ENGINE_DECRYPT, blob, &opened), i == 2 ? BULLA_OK : BULLA_ERR_DENIED);
		bulla_engine_reply sealed = { 0 };
		assert_int_equal(call_as(f, &app, BULLA_ENGINE_ENCRYPT, bulla_view_str("x"), &sealed), BULLA_OK);
		assert_int_equal(call_as(f, &app, BULLA_ENGINE_GENERATE_DATA_KEY, (bulla_bytes){ 0 }, &sealed), BULLA_OK);
		bulla_engine_reply_done(&sealed);
		assert_int_equal(order(f, BULLA_ORDER_THAW, targets[i]), BULLA_OK);
		assert_int_equal(call_as(f, &app, BULLA_ENGINE_DECRYPT, blob, &opened), BULLA_OK);
		assert_int_equal(order(f, BULLA_ORDER_THAW, targets[i]), BULLA_ERR_NOT_FOUND);
	}
	bulla_order until = { .until_us = f->now_us + 1000000 };
	assert_int_equal(order(f, BULLA_ORDER_FREEZE, until), BULLA_OK);
	assert_int_equal(call_as(f, &app, BULLA_ENGINE_DECRYPT, blob, &opened), BULLA_ERR_DENIED);
	f->now_us += 1000000;
	assert_int_equal(call_as(f, &app, BULLA_ENGINE_DECRYPT, blob, &opened), BULLA_OK);
	bulla_caller frozen = app;
	bulla_order may_not = { .caller = &frozen };
	assert_int_equal(order(f, BULLA_ORDER_FREEZE, may_not), BULLA_ERR_DENIED);
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&opened);
}

static void a_budget_ends_and_begins_again(void **state)
{
	fixture *f = *state;
	bulla_engine_reply made = { 0 }, opened = { 0 };
	bulla_order add = { .text = bulla_view_str("app"), .budget = 2, .budget_seconds = 60 };
	assert_int_equal(order(f, BULLA_ORDER_ADD_PRINCIPAL, add), BULLA_OK);
	allow(f, "app", "kms:*");
	bulla_caller app = caller_of("app");
	assert_int_equal(call_as(f, &app, BULLA_ENGINE_GENERATE_DATA_KEY, (bulla_bytes){ 0 }, &made), BULLA_OK);
	for (int window = 0; window < 2; window++) {
		for (int i = 0; i < 4; i++)
			assert_int_equal(call_as(f, &app, BULLA_ENGINE_DECRYPT, bulla_view_buf(&made.blob), &opened),
					 i < 2 ? BULLA_OK : BULLA_ERR_DENIED);
		assert_non_null(strstr(opened.text, "used up its 2 decryptions in 60 seconds"));
		f->now_us += 60 * 1000000;
	}
	add.budget = 0;
	assert_int_equal(order(f, BULLA_ORDER_SET_BUDGET, add), BULLA_ERR_USAGE);
	bulla_engine_reply_done(&made);
	bulla_engine_reply_done(&opened);
}

/* --- the store ------------------------------------------------------------------------------------------------- */
static void assert_secret(fixture *f, const char *id, const char *secret)
{
	bulla_snapshot *now = NULL;
	assert_int_equal(bulla_engine_acquire(f->engine, &now, NULL), BULLA_OK);
	const bulla_access_key *key = bulla_rights_access_key(&now->rights, bulla_view_str(id));
	if (!secret) {
		assert_null(key);
	} else {
		assert_non_null(key);
		assert_true(bulla_bytes_is(key->principal->name, "app"));
		assert_true(bulla_bytes_is(bulla_view(key->secret->bytes, key->secret_len), secret));
	}
	bulla_snapshot_unref(now);
}

static void access_keys_survive_a_new_root_key(void **state)
{
	static const uint8_t new_root[BULLA_KEY_SIZE] = { 9 };
	fixture *f = *state;
	char longest[BULLA_ACCESS_SECRET_MAX + 2];
	memset(longest, 's', sizeof longest);
	longest[BULLA_ACCESS_SECRET_MAX] = 0;
	add_principal(f, "app");
	bulla_order add = { .text = bulla_view_str("app"),
			    .name = bulla_view_str("AKIAABCDEFGHIJKLMNOP"),
			    .secret = bulla_view_str("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY") };
	assert_int_equal(order(f, BULLA_ORDER_ADD_ACCESS_KEY, add), BULLA_OK);
	assert_int_equal(order(f, BULLA_ORDER_ADD_ACCESS_KEY, add), BULLA_ERR_EXISTS);
	add.name = bulla_view_str("AKIAABCDEFGHIJKLMNO2");
	add.secret = bulla_view_str(longest);
	assert_int_equal(order(f, BULLA_ORDER_ADD_ACCESS_KEY, add), BULLA_OK);
	add.name = bulla_view_str("AKIAABCDEFGHIJKLMNO3");
	assert_int_equal(order(f, BULLA_ORDER_ADD_ACCESS_KEY, add), BULLA_ERR_LIMIT);
	assert_int_equal(fake_log_count(&f->log, "wJalrX"), 0);
	assert_int_equal(bulla_engine_rekey(f->engine, new_root, bulla_view_str("file"), NULL), BULLA_OK);
	assert_secret(f, "AKIAABCDEFGHIJKLMNOP", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	memcpy(f->root_key.bytes, new_root, sizeof new_root);
	fixture_reopen_engine(f);
	assert_secret(f, "AKIAABCDEFGHIJKLMNOP", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	assert_secret(f, "AKIAABCDEFGHIJKLMNO2", longest);
	allow(f, "app", "kms:*");
	assert_int_equal(order(f, BULLA_ORDER_REMOVE_ACCESS_KEY, (bulla_order){ .name = bulla_view_str("AKIAABCDEFGHIJKLMNO2") }),
			 BULLA_OK);
	assert_secret(f, "AKIAABCDEFGHIJKLMNO2", NULL);
	assert_int_equal(order(f, BULLA_ORDER_REMOVE_PRINCIPAL, (bulla_order){ .text = bulla_view_str("app") }), BULLA_OK);
	assert_secret(f, "AKIAABCDEFGHIJKLMNOP", NULL);
	fixture_reopen_engine(f);
}

static void bad_orders_are_refused(void **state)
{
	fixture *f = *state;
	add_principal(f, "app");
	const struct {
		bulla_order_kind kind;
		bulla_order order;
		bulla_code code;
	} cases[] = {
		{ BULLA_ORDER_ADD_PRINCIPAL, { .text = bulla_view_str("app") }, BULLA_ERR_EXISTS },
		{ BULLA_ORDER_ADD_PRINCIPAL, { .text = bulla_view_str("a b") }, BULLA_ERR_USAGE },
		{ BULLA_ORDER_ADD_PRINCIPAL, { .text = bulla_view_str("") }, BULLA_ERR_USAGE },
		{ BULLA_ORDER_REMOVE_PRINCIPAL, { .text = bulla_view_str("x") }, BULLA_ERR_NOT_FOUND },
		{ BULLA_ORDER_ADD_ACCESS_KEY,
		  { .text = bulla_view_str("app"), .name = bulla_view_str("AK"), .secret = bulla_view_str("s") },
		  BULLA_ERR_USAGE },
		{ BULLA_ORDER_ADD_ACCESS_KEY,
		  { .text = bulla_view_str("app"), .name = bulla_view_str("AKIAABCDEFGHIJKLMNOP") },
		  BULLA_ERR_LIMIT },
		{ BULLA_ORDER_REMOVE_ACCESS_KEY, { .name = bulla_view_str("AKIAABCDEFGHIJKLMNOP") }, BULLA_ERR_NOT_FOUND },
		{ BULLA_ORDER_PUT_POLICY,
		  { .text = bulla_view_str("app"), .name = bulla_view_str("p"), .document = bulla_view_str("{}") },
		  BULLA_ERR_FORMAT },
		{ BULLA_ORDER_REMOVE_POLICY,
		  { .text = bulla_view_str("app"), .name = bulla_view_str("p") },
		  BULLA_ERR_NOT_FOUND },
		{ BULLA_ORDER_FREEZE, { .text = bulla_view_str("x") }, BULLA_ERR_NOT_FOUND },
		{ BULLA_ORDER_FREEZE, { .until_us = 1 }, BULLA_ERR_USAGE },
		{ 0, { 0 }, BULLA_ERR_USAGE },
		{ BULLA_ORDERS, { 0 }, BULLA_ERR_USAGE },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bulla_order o = cases[i].order;
		if (bulla_engine_order(f->engine, cases[i].kind, &o, NULL) != cases[i].code) fail_msg("case %zu", i);
	}
	fixture_reopen_engine(f);
}

/* What the listener refused is on record in the order in which it came, with the calls of the same group. */
static void refusals_are_recorded(void **state)
{
	fixture *f = *state;
	bulla_caller nobody = caller_of("");
	bulla_error why = { 0 };
	(void)bulla_fail(&why, BULLA_ERR_AUTH, "The request signature we calculated does not match");
	const bulla_engine_refusal refusal = { "Decrypt", BULLA_ERR_AUTH, &why };
	const bulla_engine_request requests[] = {
		{ .operation = BULLA_ENGINE_REFUSED, .caller = &nobody, .refusal = &refusal },
		{ .operation = BULLA_ENGINE_GENERATE_RANDOM, .bytes = 16 },
	};
	bulla_engine_reply replies[2] = { 0 };
	size_t appends = f->log.appends;
	assert_int_equal(bulla_engine_call(f->engine, requests, 2, replies, NULL), BULLA_OK);
	assert_int_equal(f->log.appends, appends + 1);
	assert_int_equal(replies[0].code, BULLA_ERR_AUTH);
	assert_int_equal(replies[1].plaintext.len, 16);
	assert_int_equal(fake_log_count(&f->log, "\"errorMessage\":\"The request signature we calculated does not match\""), 1);
	assert_int_equal(fake_log_count(&f->log, "\"accessKeyId\":\"AKIAABCDEFGHIJKLMNOP\""), 1);
	bulla_engine_reply_done(&replies[0]);
	bulla_engine_reply_done(&replies[1]);
}

/* --- reasons --------------------------------------------------------------------------------------------------- */
static void an_answer_is_explained(void **state)
{
	fixture *f = *state;
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_snapshot *now = NULL;
	add_principal(f, "app");
	allow(f, "app", "kms:Decrypt");
	bulla_caller app = caller_of("app");
	const bulla_realm home = { bulla_view_str("local"), bulla_view_str("000000000000") };
	assert_int_equal(bulla_engine_acquire(f->engine, &now, NULL), BULLA_OK);
	bulla_question question = { .action = "kms:Encrypt", .key = bulla_snapshot_key(now, f->key.uuid), .context = context() };
	bool may = true;
	assert_int_equal(bulla_authorize_explain(now, &home, &app, &question, f->now_us, &may, &out, NULL), BULLA_OK);
	assert_false(may);
	assert_int_equal(bulla_buf_terminate(&out, NULL), BULLA_OK);
	assert_non_null(strstr((char *)out.data, "policy of the principal: p"));
	assert_non_null(strstr((char *)out.data, "no identity-based policy allows it"));
	question.action = "kms:Decrypt";
	assert_int_equal(bulla_authorize_explain(now, &home, &app, &question, f->now_us, &may, &out, NULL), BULLA_OK);
	assert_true(may);
	bulla_snapshot_unref(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writer_cannot_decrypt_and_reader_cannot_encrypt, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(key_policy_decides_by_itself_or_leaves_it_to_the_account, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(an_order_is_permitted_or_changes_nothing, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_alias_asks_for_all_that_it_touches, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_freeze_stops_decryption_and_nothing_else, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_budget_ends_and_begins_again, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(access_keys_survive_a_new_root_key, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(bad_orders_are_refused, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(refusals_are_recorded, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_answer_is_explained, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
