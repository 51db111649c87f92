/*
 * test_kms_store.c - what every store promises about the engine's rows, run over each kind.
 */
#include "help.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* All rows as one text: "table:id=data;". */
typedef struct listing {
	char text[2048];
	size_t rows;
	uint64_t generation;
	bulla_log_head head;
} listing;

static bulla_code list_row(void *self, const bulla_kms_row *row, bulla_error *err)
{
	listing *l = self;
	size_t at = strlen(l->text);
	(void)err;
	(void)snprintf(l->text + at, sizeof l->text - at, "%d:%.*s=%.*s;", row->table, (int)row->id.len,
		       (const char *)row->id.data, (int)row->data.len, (const char *)row->data.data);
	l->rows++;
	return BULLA_OK;
}

static listing list(place *p)
{
	listing l = { 0 };
	assert_int_equal(p->kms.load(p->kms.self, list_row, &l, &l.generation, &l.head, NULL), BULLA_OK);
	return l;
}

static bulla_kms_row row(bulla_kms_table table, const char *id, const char *data)
{
	return (bulla_kms_row){ table, bulla_view_str(id), bulla_view_str(data) };
}

static bulla_log_head head_of(uint64_t size)
{
	bulla_log_head head = { .size = size };
	memset(head.root, (int)size, sizeof head.root);
	return head;
}

static bulla_code change(place *p, uint64_t expected, const bulla_kms_row *rows, size_t n, uint64_t size)
{
	bulla_log_head head = head_of(size);
	bulla_error err = { 0 };
	return p->kms.change(p->kms.self, expected, rows, n, &head, &err);
}

static uint64_t version_of(place *p)
{
	uint64_t version = 0;
	assert_int_equal(p->kms.version(p->kms.self, &version, NULL), BULLA_OK);
	return version;
}

static void test_empty(void **state)
{
	place *p = *state;
	listing l = list(p);
	assert_int_equal(l.rows, 0);
	assert_int_equal(l.generation, 0);
	assert_int_equal(l.head.size, 0);
}

static void test_change(void **state)
{
	place *p = *state;
	bulla_kms_row rows[] = { row(BULLA_KMS_ALIAS, "b", "1"), row(BULLA_KMS_META, "root", "r"),
				 row(BULLA_KMS_ALIAS, "a", "2") };
	uint64_t before = version_of(p);
	assert_int_equal(change(p, 0, rows, 3, 5), BULLA_OK);
	assert_int_not_equal(version_of(p), before);
	listing l = list(p);
	assert_string_equal(l.text, "1:root=r;4:a=2;4:b=1;");
	assert_int_equal(l.generation, 1);
	assert_int_equal(l.head.size, 5);
	bulla_kms_row more[] = { row(BULLA_KMS_ALIAS, "b", "changed"), row(BULLA_KMS_ALIAS, "a", NULL),
				 row(BULLA_KMS_KEY, "gone", NULL) };
	before = version_of(p);
	assert_int_equal(change(p, 1, more, 3, 6), BULLA_OK);
	assert_int_not_equal(version_of(p), before);
	l = list(p);
	assert_string_equal(l.text, "1:root=r;4:b=changed;");
	assert_int_equal(l.generation, 2);
}

static void test_conflict(void **state)
{
	place *p = *state;
	bulla_kms_row rows[] = { row(BULLA_KMS_ALIAS, "a", "1") };
	bulla_error err = { 0 };
	bulla_log_head head = head_of(9);
	assert_int_equal(change(p, 0, rows, 1, 1), BULLA_OK);
	rows[0] = row(BULLA_KMS_ALIAS, "a", "lost");
	uint64_t before = version_of(p);
	assert_int_equal(p->kms.change(p->kms.self, 0, rows, 1, &head, &err), BULLA_ERR_CONFLICT);
	assert_true(err.retryable);
	assert_int_equal(change(p, 2, rows, 1, 9), BULLA_ERR_CONFLICT);
	assert_int_equal(version_of(p), before);
	listing l = list(p);
	assert_string_equal(l.text, "4:a=1;");
	assert_int_equal(l.generation, 1);
	assert_int_equal(l.head.size, 1);
}

static void test_refused(void **state)
{
	place *p = *state;
	static char large[65537];
	memset(large, 'x', sizeof large);
	bulla_kms_row good = row(BULLA_KMS_ALIAS, "a", "1");
	bulla_kms_row rows[] = { good, row(BULLA_KMS_TABLES, "a", "1") };
	assert_int_equal(change(p, 0, NULL, 0, 1), BULLA_ERR_USAGE);
	assert_int_equal(change(p, 0, rows, 2, 1), BULLA_ERR_USAGE);
	rows[1] = row(BULLA_KMS_ALIAS, "", "1");
	assert_int_equal(change(p, 0, rows, 2, 1), BULLA_ERR_USAGE);
	rows[1] = good;
	rows[1].data = bulla_view(large, sizeof large);
	assert_int_equal(change(p, 0, rows, 2, 1), BULLA_ERR_LIMIT);
	assert_int_equal(list(p).rows, 0);
	rows[1] = row(BULLA_KMS_META, "m", "1");
	rows[1].data = bulla_view(large, sizeof large - 1);
	assert_int_equal(change(p, 0, rows, 2, 1), BULLA_OK);
}

static void test_head_only_grows(void **state)
{
	place *p = *state;
	bulla_kms_row rows[] = { row(BULLA_KMS_ALIAS, "a", "1") };
	bulla_log_head head = head_of(10), got;
	uint64_t before = version_of(p);
	assert_int_equal(p->kms.set_head(p->kms.self, &head, NULL), BULLA_OK);
	assert_int_equal(version_of(p), before); /* no row has changed */
	head = head_of(7);
	assert_int_equal(p->kms.set_head(p->kms.self, &head, NULL), BULLA_OK);
	assert_int_equal(p->kms.head(p->kms.self, &got, NULL), BULLA_OK);
	assert_int_equal(got.size, 10);
	assert_int_equal(got.root[31], 10);
	/* A slower process's change does not take it back either. */
	assert_int_equal(change(p, 0, rows, 1, 8), BULLA_OK);
	assert_int_equal(p->kms.head(p->kms.self, &got, NULL), BULLA_OK);
	assert_int_equal(got.size, 10);
	assert_int_equal(got.root[0], 10);
	assert_int_equal(change(p, 1, rows, 1, 12), BULLA_OK);
	assert_int_equal(list(p).head.size, 12);
}

static void test_adopt(void **state)
{
	place *p = *state;
	bulla_kms_row rows[] = { row(BULLA_KMS_ALIAS, "a", "1") };
	bulla_log_head head = head_of(3);
	bulla_error err = { 0 };
	assert_int_equal(change(p, 0, rows, 1, 12), BULLA_OK);
	assert_int_equal(p->kms.adopt(p->kms.self, 0, 50, rows, 1, &head, &err), BULLA_ERR_CONFLICT);
	assert_int_equal(p->kms.adopt(p->kms.self, 1, 1, rows, 1, &head, &err), BULLA_ERR_USAGE);
	assert_int_equal(p->kms.adopt(p->kms.self, 1, UINT64_MAX, rows, 1, &head, &err), BULLA_ERR_USAGE);
	assert_int_equal(p->kms.adopt(p->kms.self, 1, 50, rows, 1, &head, &err), BULLA_OK);
	listing l = list(p);
	assert_int_equal(l.generation, 50);
	assert_int_equal(l.head.size, 3);
	assert_int_equal(change(p, 50, rows, 1, 4), BULLA_OK);
}

static bulla_code stop(void *self, const bulla_kms_row *row, bulla_error *err)
{
	(void)row;
	++*(int *)self;
	return bulla_fail(err, BULLA_ERR_INTERRUPTED, "enough");
}

static void test_walk_ends(void **state)
{
	place *p = *state;
	bulla_kms_row rows[] = { row(BULLA_KMS_ALIAS, "a", "1"), row(BULLA_KMS_ALIAS, "b", "1") };
	int calls = 0;
	uint64_t generation = 0;
	bulla_log_head head;
	bulla_error err = { 0 };
	assert_int_equal(change(p, 0, rows, 2, 1), BULLA_OK);
	assert_int_equal(p->kms.load(p->kms.self, stop, &calls, &generation, &head, &err), BULLA_ERR_INTERRUPTED);
	assert_int_equal(calls, 1);
	assert_int_equal(change(p, 1, rows, 2, 2), BULLA_OK); /* nothing was left open */
}

static void test_binary(void **state)
{
	place *p = *state;
	static const uint8_t id[] = { 0, 1, 0xff, 0 }, data[] = { 0, 0, 0 };
	bulla_kms_row rows[] = { { BULLA_KMS_KEY, bulla_view(id, sizeof id), bulla_view(data, sizeof data) },
				 { BULLA_KMS_KEY, bulla_view(id, 3), bulla_view("", 0) } };
	assert_int_equal(change(p, 0, rows, 2, 1), BULLA_OK);
	assert_int_equal(list(p).rows, 2); /* empty data is data; only NULL deletes */
}

static void test_notes(void **state)
{
	place *p = *state;
	static uint8_t large[65537];
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_error err = { 0 };
	assert_int_equal(bulla_store_note_get(p->store, "verified", &out, &err), BULLA_ERR_NOT_FOUND);
	assert_int_equal(bulla_store_note_set(p->store, "verified", bulla_view("a\0b", 3), NULL), BULLA_OK);
	assert_int_equal(bulla_store_note_set(p->store, "other", bulla_view_str("x"), NULL), BULLA_OK);
	assert_int_equal(bulla_store_note_get(p->store, "verified", &out, NULL), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&out), bulla_view("a\0b", 3)));
	assert_int_equal(bulla_store_note_set(p->store, "verified", bulla_view(NULL, 0), NULL), BULLA_OK);
	bulla_buf_clear(&out);
	assert_int_equal(bulla_store_note_get(p->store, "verified", &out, NULL), BULLA_OK);
	assert_int_equal(out.len, 0);
	assert_int_equal(bulla_store_note_set(p->store, "", bulla_view_str("x"), &err), BULLA_ERR_USAGE);
	assert_int_equal(bulla_store_note_set(p->store, "large", bulla_view(large, sizeof large), &err), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_store_note_set(p->store, "large", bulla_view(large, sizeof large - 1), &err), BULLA_OK);
}

static void *add_aliases(void *arg)
{
	static atomic_int threads; /* a stack's address may serve two threads, one after the other */
	place *p = arg;
	int self = atomic_fetch_add(&threads, 1);
	for (int done = 0; done < 20;) {
		char id[32];
		(void)snprintf(id, sizeof id, "%d-%d", self, done);
		bulla_kms_row rows[] = { row(BULLA_KMS_ALIAS, id, "1") };
		bulla_code code = change(p, version_of(p), rows, 1, 1);
		if (code == BULLA_OK) done++;
		if (code && code != BULLA_ERR_CONFLICT) return NULL;
	}
	return arg;
}

static void test_threads(void **state)
{
	place *p = *state;
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_aliases, p), 0);
	for (size_t i = 0; i < 4; i++) {
		void *well = NULL;
		assert_int_equal(pthread_join(threads[i], &well), 0);
		assert_non_null(well);
	}
	listing l = { 0 };
	assert_int_equal(p->kms.load(p->kms.self, list_row, &l, &l.generation, &l.head, NULL), BULLA_OK);
	assert_int_equal(l.rows, 80);
	assert_int_equal(l.generation, 80);
}

/* The tests over one kind. */
#define OVER(kind)                                                                                                               \
	{                                                                                                                        \
		{ "test_empty (" #kind ")", test_empty, kind##_setup, place_teardown, NULL },                                    \
			{ "test_change (" #kind ")", test_change, kind##_setup, place_teardown, NULL },                          \
			{ "test_conflict (" #kind ")", test_conflict, kind##_setup, place_teardown, NULL },                      \
			{ "test_refused (" #kind ")", test_refused, kind##_setup, place_teardown, NULL },                        \
			{ "test_head_only_grows (" #kind ")", test_head_only_grows, kind##_setup, place_teardown, NULL },        \
			{ "test_adopt (" #kind ")", test_adopt, kind##_setup, place_teardown, NULL },                            \
			{ "test_walk_ends (" #kind ")", test_walk_ends, kind##_setup, place_teardown, NULL },                    \
			{ "test_binary (" #kind ")", test_binary, kind##_setup, place_teardown, NULL },                          \
			{ "test_notes (" #kind ")", test_notes, kind##_setup, place_teardown, NULL },                            \
			{ "test_threads (" #kind ")", test_threads, kind##_setup, place_teardown, NULL },                        \
	}

int main(void)
{
	const struct CMUnitTest memory[] = OVER(memory);
	const struct CMUnitTest sqlite[] = OVER(sqlite);
	const struct CMUnitTest postgres[] = OVER(postgres);
	int failed = cmocka_run_group_tests_name("store/kms_store (memory)", memory, NULL, NULL);
	failed += cmocka_run_group_tests_name("store/kms_store (sqlite)", sqlite, NULL, NULL);
	if (pg_installed())
		failed +=
			cmocka_run_group_tests_name("store/kms_store (postgresql)", postgres, pg_group_setup, pg_group_teardown);
	return failed;
}
