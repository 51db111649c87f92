/*
 * test_local.c - provider local: the engine in this process, asked in groups.
 */
#include "../kms/help.h"

#include "provider/providers.h"

#include <stdio.h>
#include <stdlib.h>

static fixture *f;
static bulla_lane *lane;

static int set_up(void **state)
{
	(void)state;
	f = calloc(1, sizeof *f);
	if (!f || bulla_lane_new(&lane, NULL)) return 1;
	fixture_open(f, "memory:");
	bulla_error err = { 0 };
	bulla_key_info info;
	return bulla_engine_create_key(f->engine, "", "alias/default", &info, &err) != BULLA_OK;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_close(f);
	free(f);
	bulla_lane_free(lane);
	return 0;
}

static bulla_code open_session(const char *id, void **ret, bulla_error *err)
{
	bulla_provider_world world = { .engine = f->engine };
	return bulla_provider_local.open(&world, bulla_view_str(id), ret, err);
}

static void *session(const char *id)
{
	void *s;
	bulla_error err = { 0 };
	if (open_session(id, &s, &err)) fail_msg("%s: %s", id, err.text);
	return s;
}

#define MAX 1000

/* A question of `n` items: each its own plaintext or blob. */
typedef struct question {
	bulla_question q;
	bulla_question_item items[MAX];
	bulla_buf made[MAX];
} question;

static question *question_new(bulla_question_verb verb, size_t n)
{
	question *x = calloc(1, sizeof *x);
	assert_non_null(x);
	x->q = (bulla_question){ .verb = verb, .items = x->items, .n = n };
	for (size_t i = 0; i < n; i++)
		x->items[i] = (bulla_question_item){ .context = context(), .made = &x->made[i] };
	return x;
}

static void question_free(question *x)
{
	for (size_t i = 0; i < MAX; i++)
		bulla_buf_done(&x->made[i]);
	free(x);
}

static bulla_code ask(void *s, question *x, bulla_error *err)
{
	bulla_need need = { 0 };
	void *exchange = NULL;
	bulla_code code = bulla_provider_local.ask(s, &x->q, &exchange, &need, err);
	if (code) return code;
	assert_int_equal(need.kind, BULLA_NEED_CALL);
	code = need.call(need.self, err);
	if (code) {
		bulla_provider_local.abandon(s, exchange);
		return code;
	}
	return bulla_provider_local.answer(s, &x->q, exchange, &need, lane, err);
}

static const uint8_t keys[MAX][32] = { { 1 }, { 2 }, { 3 } };

/* `n` keys wrapped by `s`; the question stays for its blobs. */
static question *wrapped(void *s, size_t n)
{
	question *x = question_new(BULLA_ASK_WRAP, n);
	bulla_error err = { 0 };
	for (size_t i = 0; i < n; i++)
		x->items[i].input = bulla_view(keys[i], 32);
	if (ask(s, x, &err)) fail_msg("%s", err.text);
	return x;
}

static question *to_unwrap(const question *from)
{
	question *x = question_new(BULLA_ASK_UNWRAP, from->q.n);
	for (size_t i = 0; i < from->q.n; i++) {
		x->items[i].input = bulla_view_buf(&from->made[i]);
		x->items[i].reference = from->items[i].reference;
	}
	return x;
}

static void names_of_keys(void **state)
{
	static const char *const good[] = { "local", "local/default", "local/test", "local/alias/test" };
	char by_id[300];
	void *s;
	bulla_error err = { 0 };
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		bulla_provider_local.close(session(good[i]));
	snprintf(by_id, sizeof by_id, "local/%s", f->key.id);
	bulla_provider_local.close(session(by_id));
	snprintf(by_id, sizeof by_id, "local/%s", f->key.arn);
	bulla_provider_local.close(session(by_id));
	assert_int_equal(open_session("local/nobody", &s, &err), BULLA_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "nobody"));
	assert_non_null(strstr(err.next, "bulla key create"));
	memset(by_id, 'x', sizeof by_id);
	memcpy(by_id, "local/", 6);
	for (size_t len = 250; len < 299; len++) { /* never cut to another key's name */
		by_id[len] = 0;
		bulla_code code = open_session(by_id, &s, &err);
		assert_true(code == BULLA_ERR_NOT_FOUND || code == BULLA_ERR_LIMIT);
		by_id[len] = 'x';
	}
	bulla_provider_world none = { 0 };
	assert_int_equal(bulla_provider_local.open(&none, bulla_view_str("local"), &s, &err), BULLA_ERR_CONFIG);
	assert_non_null(strstr(err.next, "bulla init"));
}

static void wraps_and_unwraps(void **state)
{
	void *s = session("local/test");
	question *x = wrapped(s, 3), *y = to_unwrap(x);
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(x->items[i].code, BULLA_OK);
		assert_true(bulla_provider_local.recognises(s, x->items[i].reference, bulla_view_buf(&x->made[i])));
		assert_true(x->items[i].reference == bulla_get_u64(f->key.current_material));
	}
	assert_int_equal(ask(s, y, NULL), BULLA_OK);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(y->made[i].len, 32);
		assert_memory_equal(y->made[i].data, keys[i], 32);
	}
	question_free(x);
	question_free(y);
	bulla_provider_local.close(s);
}

/* A thousand keys are one append to the audit log. */
static void one_append_for_a_group(void **state)
{
	void *s = session("local/test");
	size_t before = f->log.appends, entries = f->log.entries;
	(void)state;
	question *x = wrapped(s, MAX);
	assert_int_equal(f->log.appends - before, 1);
	assert_int_equal(f->log.entries - entries, MAX);
	assert_int_equal(bulla_provider_local.max_items, MAX);
	question_free(x);
	bulla_provider_local.close(s);
}

/* Each key id is a session: another's blobs are not recognised, nor are other bytes. */
static void recognises_its_own(void **state)
{
	void *test = session("local/test"), *other = session("local");
	question *x = wrapped(test, 1);
	bulla_bytes blob = bulla_view_buf(&x->made[0]);
	(void)state;
	assert_true(bulla_provider_local.recognises(test, x->items[0].reference, blob));
	assert_false(bulla_provider_local.recognises(other, x->items[0].reference, blob));
	assert_false(bulla_provider_local.recognises(test, x->items[0].reference ^ 1, blob));
	assert_false(bulla_provider_local.recognises(test, x->items[0].reference, bulla_view(blob.data, 20)));
	question_free(x);
	bulla_provider_local.close(test);
	bulla_provider_local.close(other);
}

/* Older material opens what it wrapped. */
static void after_a_rotation(void **state)
{
	void *s = session("local/test");
	question *x = wrapped(s, 1), *y = to_unwrap(x);
	bulla_key_info info;
	(void)state;
	assert_int_equal(bulla_engine_rotate(f->engine, bulla_view_str("alias/test"), &info, NULL), BULLA_OK);
	assert_true(bulla_provider_local.recognises(s, x->items[0].reference, bulla_view_buf(&x->made[0])));
	assert_int_equal(ask(s, y, NULL), BULLA_OK);
	assert_memory_equal(y->made[0].data, keys[0], 32);
	question *z = wrapped(s, 1);
	assert_true(z->items[0].reference == bulla_get_u64(info.current_material));
	assert_true(z->items[0].reference != x->items[0].reference);
	question_free(x);
	question_free(y);
	question_free(z);
	bulla_provider_local.close(s);
}

/* A closed key wraps nothing and says that it is closed when it unwraps. */
static void closed(void **state)
{
	void *s = session("local/test");
	question *x = wrapped(s, 2), *y = to_unwrap(x);
	bulla_error err = { 0 };
	(void)state;
	assert_int_equal(ask(s, y, NULL), BULLA_OK);
	assert_false(y->items[0].closed);
	question_free(y);
	assert_int_equal(bulla_engine_close(f->engine, bulla_view_str("alias/test"), NULL), BULLA_OK);
	y = to_unwrap(x);
	assert_int_equal(ask(s, y, NULL), BULLA_OK);
	assert_true(y->items[0].closed && y->items[1].closed);
	assert_memory_equal(y->made[0].data, keys[0], 32);
	question *z = question_new(BULLA_ASK_WRAP, 1);
	z->items[0].input = bulla_view(keys[0], 32);
	assert_int_equal(ask(s, z, &err), BULLA_ERR_KEY_CLOSING);
	assert_int_equal(bulla_engine_enable(f->engine, bulla_view_str("alias/test"), NULL), BULLA_OK);
	question_free(x);
	question_free(y);
	question_free(z);
	bulla_provider_local.close(s);
}

/* One changed blob or context fails alone; when all fail, the question fails and says why. */
static void failures(void **state)
{
	void *s = session("local/test");
	question *x = wrapped(s, 3);
	bulla_error err = { 0 };
	(void)state;
	x->made[1].data[60] ^= 1;
	question *y = to_unwrap(x);
	y->items[2].context = empty_context();
	assert_int_equal(ask(s, y, &err), BULLA_OK);
	assert_int_equal(y->items[0].code, BULLA_OK);
	assert_int_equal(y->items[1].code, BULLA_ERR_AUTH);
	assert_int_equal(y->items[2].code, BULLA_ERR_AUTH);
	question_free(y);
	assert_int_equal(bulla_engine_disable(f->engine, bulla_view_str("alias/test"), NULL), BULLA_OK);
	y = to_unwrap(x);
	assert_int_equal(ask(s, y, &err), BULLA_ERR_KEY_DISABLED);
	assert_true(err.text[0] != 0);
	assert_int_equal(bulla_engine_enable(f->engine, bulla_view_str("alias/test"), NULL), BULLA_OK);
	question_free(y);
	/* nothing is released without its audit record */
	f->log.fails_with = BULLA_ERR_AUDIT;
	y = to_unwrap(x);
	assert_int_equal(ask(s, y, &err), BULLA_ERR_AUDIT);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(y->made[i].len, 0);
	f->log.fails_with = BULLA_OK;
	question_free(x);
	question_free(y);
	bulla_provider_local.close(s);
}

/* A question that nobody answers. */
static void abandoned(void **state)
{
	void *s = session("local/test"), *exchange;
	question *x = question_new(BULLA_ASK_WRAP, 2);
	bulla_need need = { 0 };
	(void)state;
	x->items[0].input = x->items[1].input = bulla_view(keys[0], 32);
	assert_int_equal(bulla_provider_local.ask(s, &x->q, &exchange, &need, NULL), BULLA_OK);
	bulla_provider_local.abandon(s, exchange);
	assert_int_equal(bulla_provider_local.ask(s, &x->q, &exchange, &need, NULL), BULLA_OK);
	assert_int_equal(need.call(need.self, NULL), BULLA_OK);
	bulla_provider_local.abandon(s, exchange);
	question_free(x);
	bulla_provider_local.close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_keys),
		cmocka_unit_test(wraps_and_unwraps),
		cmocka_unit_test(one_append_for_a_group),
		cmocka_unit_test(recognises_its_own),
		cmocka_unit_test(after_a_rotation),
		cmocka_unit_test(closed),
		cmocka_unit_test(failures),
		cmocka_unit_test(abandoned),
	};
	return cmocka_run_group_tests_name("provider/local", tests, set_up, tear_down);
}
