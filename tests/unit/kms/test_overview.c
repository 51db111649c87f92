/*
 * test_overview.c - what is told of principals, freezes and keys; what a principal may, with its reasons.
 */
#include "help.h"

#include "base/json.h"
#include "kms/explain.h"
#include "kms/order.h"
#include "kms/overview.h"

#include <stdio.h>
#include <string.h>

#define KEY_ID "AKIAABCDEFGHIJKLMNOP"
#define SECRET "a secret of forty characters, more or less"

static bulla_code order(fixture *f, bulla_order_kind kind, bulla_order o)
{
	return bulla_engine_order(f->engine, kind, &o, NULL);
}

static bulla_order named(const char *name)
{
	return (bulla_order){ .text = bulla_view_str(name) };
}

static bulla_json *overview(fixture *f)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_snapshot *now = NULL;
	bulla_json *document = NULL;
	bulla_realm home;
	bulla_json_writer w = bulla_json_to(&out);
	assert_int_equal(bulla_engine_acquire(f->engine, &now, NULL), BULLA_OK);
	bulla_engine_home(f->engine, &home);
	bulla_json_open(&w, NULL, '{');
	bulla_put_overview(&w, now, &home, f->now_us);
	bulla_json_close(&w, '}');
	bulla_snapshot_unref(now);
	assert_int_equal(bulla_json_end(&w, NULL), BULLA_OK);
	assert_null(memmem(out.data, out.len, SECRET, sizeof SECRET - 1));
	assert_int_equal(bulla_json_parse(bulla_view_buf(&out), &document, NULL), BULLA_OK);
	return document;
}

static size_t count(fixture *f, const char *list)
{
	bulla_json *document = overview(f);
	size_t n = bulla_json_count(bulla_json_member(document, list));
	bulla_json_free(document);
	return n;
}

/* One transaction: what refuses the access key refuses the principal. */
static void a_principal_comes_with_its_access_key(void **state)
{
	fixture *f = *state;
	bulla_order o = named("app");
	o.name = bulla_view_str(KEY_ID);
	assert_int_equal(order(f, BULLA_ORDER_ADD_PRINCIPAL, o), BULLA_ERR_LIMIT); /* no secret */
	assert_int_equal(count(f, "principals"), 0);
	o.secret = bulla_view_str(SECRET);
	assert_int_equal(order(f, BULLA_ORDER_ADD_PRINCIPAL, o), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "principal app, access key " KEY_ID));
	o.text = bulla_view_str("other");
	assert_int_equal(order(f, BULLA_ORDER_ADD_PRINCIPAL, o), BULLA_ERR_EXISTS);
	assert_int_equal(count(f, "principals"), 1);
	assert_null(memmem(f->log.text.data, f->log.text.len, SECRET, sizeof SECRET - 1));
}

static void freezes_are_told_until_they_are_over(void **state)
{
	fixture *f = *state;
	bulla_order o = { .document = bulla_view_str("a drill"), .until_us = f->now_us + DAY_US };
	assert_int_equal(order(f, BULLA_ORDER_FREEZE, o), BULLA_OK);
	assert_true(fake_log_last_has(&f->log, "everything until "));
	assert_true(fake_log_last_has(&f->log, ": a drill"));
	assert_int_equal(order(f, BULLA_ORDER_ADD_PRINCIPAL, named("app")), BULLA_OK);
	assert_int_equal(order(f, BULLA_ORDER_FREEZE, named("app")), BULLA_OK);
	assert_int_equal(order(f, BULLA_ORDER_FREEZE, (bulla_order){ .key = bulla_view_str("alias/test") }), BULLA_OK);
	assert_int_equal(count(f, "freezes"), 3);
	f->now_us += 2 * DAY_US;
	assert_int_equal(count(f, "freezes"), 2);
}

static bool may(fixture *f, const char *principal, const char *action, bulla_buf *reasons)
{
	char arn[BULLA_ARN_MAX];
	bool answer = false;
	const bulla_supposition what = { .principal = bulla_view_str(principal),
					 .action = action,
					 .key_id = bulla_view_str("alias/test"),
					 .context = context() };
	bulla_buf_clear(reasons);
	assert_int_equal(bulla_engine_explain(f->engine, &what, &answer, reasons, arn, NULL), BULLA_OK);
	assert_string_equal(arn, f->key.arn);
	return answer;
}

static bool says(const bulla_buf *reasons, const char *text)
{
	return memmem(reasons->data, reasons->len, text, strlen(text)) != NULL;
}

static void reasons_are_given_and_nothing_recorded(void **state)
{
	static const char document[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:Decrypt\",\"Resource\":\"*\"}}";
	BULLA_BUF_AUTO bulla_buf reasons = { 0 };
	fixture *f = *state;
	bulla_order o = named("app");
	char arn[BULLA_ARN_MAX];
	bool answer;
	o.budget = 5;
	o.budget_seconds = 60;
	assert_int_equal(order(f, BULLA_ORDER_ADD_PRINCIPAL, o), BULLA_OK);
	assert_int_equal(order(f, BULLA_ORDER_PUT_POLICY,
			       (bulla_order){ .text = bulla_view_str("app"),
					      .name = bulla_view_str("p"),
					      .document = bulla_view_str(document) }),
			 BULLA_OK);
	size_t entries = f->log.entries;
	assert_true(may(f, "app", "kms:Decrypt", &reasons));
	assert_true(says(&reasons, "policy of the principal: p\n") && says(&reasons, "budget: 5 decryptions in 60 seconds"));
	assert_false(may(f, "app", "kms:Encrypt", &reasons));
	assert_false(says(&reasons, "budget"));
	assert_int_equal(f->log.entries, entries);
	assert_int_equal(order(f, BULLA_ORDER_FREEZE, (bulla_order){ .document = bulla_view_str("a drill") }), BULLA_OK);
	assert_false(may(f, "app", "KMS:decrypt", &reasons));
	assert_true(says(&reasons, "a drill"));
	const bulla_supposition nobody = { .principal = bulla_view_str("nobody"), .action = "kms:Decrypt" };
	assert_int_equal(bulla_engine_explain(f->engine, &nobody, &answer, &reasons, arn, NULL), BULLA_ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_principal_comes_with_its_access_key, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(freezes_are_told_until_they_are_over, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(reasons_are_given_and_nothing_recorded, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests_name("kms/overview", tests, NULL, NULL);
}
