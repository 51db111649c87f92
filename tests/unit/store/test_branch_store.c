/*
 * test_branch_store.c - what every store promises about branch keys, run over each kind.
 */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static bulla_branch_row branch(const char *identity, uint64_t version, bulla_branch_state state, const char *wrapped)
{
	return (bulla_branch_row){ .identity = bulla_view_str(identity),
				   .print = bulla_view_str("user:42"),
				   .version = version,
				   .state = state,
				   .wrapped = bulla_view_str(wrapped),
				   .created_us = 1000 };
}

/* What a walk has met, as text: "index:version/state/wrapped;". */
typedef struct met {
	char text[4096];
	size_t n;
} met;

static bulla_code meet(void *self, size_t index, const bulla_branch_row *row, bulla_error *err)
{
	met *m = self;
	size_t at = strlen(m->text);
	(void)err;
	assert_true(bulla_bytes_is(row->print, "user:42"));
	assert_int_equal(row->created_us, 1000);
	(void)snprintf(m->text + at, sizeof m->text - at, "%zu:%llx/%d/%.*s;", index, (unsigned long long)row->version,
		       row->state, (int)row->wrapped.len, row->wrapped.len ? (const char *)row->wrapped.data : "");
	m->n++;
	return BULLA_OK;
}

static bulla_code meet_each(void *self, const bulla_branch_row *row, bulla_error *err)
{
	return meet(self, row->identity.data[0], row, err);
}

/* "identity version;" */
static bulla_code meet_named(void *self, const bulla_branch_row *row, bulla_error *err)
{
	met *m = self;
	size_t at = strlen(m->text);
	(void)err;
	(void)snprintf(m->text + at, sizeof m->text - at, "%c%llx;", row->identity.data[0], (unsigned long long)row->version);
	return BULLA_OK;
}

static met current(place *p, const char *first, const char *second)
{
	met m = { 0 };
	bulla_bytes wanted[] = { bulla_view_str(first), bulla_view_str(second) };
	assert_int_equal(p->branches.current(p->branches.self, wanted, second ? 2 : 1, meet, &m, NULL), BULLA_OK);
	return m;
}

static bulla_code create(place *p, const bulla_branch_row *rows, size_t n)
{
	bulla_error err = { 0 };
	return p->branches.create(p->branches.self, rows, n, &err);
}

static bulla_code rotate(place *p, uint64_t previous, bulla_branch_row row)
{
	bulla_error err = { 0 };
	bulla_code code = p->branches.rotate(p->branches.self, previous, &row, &err);
	if (code == BULLA_ERR_CONFLICT) assert_true(err.retryable);
	return code;
}

static void test_create_and_find(void **state)
{
	place *p = *state;
	bulla_branch_row rows[] = { branch("b", 0xffffffffffffffff, BULLA_BRANCH_ACTIVE, "w1"),
				    branch("a", 0, BULLA_BRANCH_CLOSING, "w2") };
	met m = { 0 };
	assert_string_equal(current(p, "a", NULL).text, "");
	assert_int_equal(create(p, rows, 2), BULLA_OK);
	assert_string_equal(current(p, "a", "b").text, "0:0/2/w2;1:ffffffffffffffff/1/w1;");
	assert_string_equal(current(p, "nobody", "b").text, "1:ffffffffffffffff/1/w1;");
	const uint64_t versions[] = { 5, 0xffffffffffffffff, 0 };
	assert_int_equal(p->branches.by_version(p->branches.self, versions, 3, meet, &m, NULL), BULLA_OK);
	assert_string_equal(m.text, "1:ffffffffffffffff/1/w1;2:0/2/w2;");
	m = (met){ 0 };
	assert_int_equal(p->branches.by_version(p->branches.self, versions, 0, meet, &m, NULL), BULLA_OK);
	assert_int_equal(p->branches.current(p->branches.self, NULL, 0, meet, &m, NULL), BULLA_OK);
	assert_int_equal(create(p, NULL, 0), BULLA_OK);
	assert_int_equal(m.n, 0);
}

static met some(place *p, bulla_branch_query query)
{
	met m = { 0 };
	assert_int_equal(p->branches.some(p->branches.self, &query, meet_named, &m, NULL), BULLA_OK);
	return m;
}

static void test_some(void **state)
{
	place *p = *state;
	bulla_branch_row rows[] = { branch("b", 4, BULLA_BRANCH_ACTIVE, "w"), branch("a", 3, BULLA_BRANCH_CLOSING, "w"),
				    branch("c", 2, BULLA_BRANCH_ACTIVE, "w"), branch("d", 1, BULLA_BRANCH_CLOSING, "w") };
	rows[2].print = rows[3].print = bulla_view_str("user:4");
	rows[0].created_us = 5000;
	rows[3].created_us = 4000;
	assert_int_equal(create(p, rows, 4), BULLA_OK);
	assert_int_equal(rotate(p, 4, branch("b", 5, BULLA_BRANCH_ACTIVE, "w")), BULLA_OK);
	assert_string_equal(some(p, (bulla_branch_query){ .print = bulla_view_str("user:42") }).text, "a3;b4;b5;");
	assert_string_equal(some(p, (bulla_branch_query){ .print = bulla_view_str("user:4") }).text, "c2;d1;");
	assert_string_equal(some(p, (bulla_branch_query){ .print = bulla_view_str("user:") }).text, "");
	assert_string_equal(some(p, (bulla_branch_query){ .closing = true }).text, "a3;d1;");
	assert_string_equal(some(p, (bulla_branch_query){ .since_us = 4000 }).text, "b4;d1;");
	assert_string_equal(some(p, (bulla_branch_query){ .since_us = 0 }).text, "a3;b4;b5;c2;d1;");
}

/* Two processes create the same branch: the second is silent and reads the first's back. */
static void test_first_wins(void **state)
{
	place *p = *state;
	bulla_branch_row first = branch("a", 1, BULLA_BRANCH_ACTIVE, "first");
	bulla_branch_row late[] = { branch("a", 2, BULLA_BRANCH_ACTIVE, "late"), branch("b", 3, BULLA_BRANCH_ACTIVE, "new"),
				    branch("b", 4, BULLA_BRANCH_ACTIVE, "again") };
	assert_int_equal(create(p, &first, 1), BULLA_OK);
	assert_int_equal(create(p, late, 3), BULLA_OK);
	assert_string_equal(current(p, "a", "b").text, "0:1/1/first;1:3/1/new;");
	assert_int_equal(create(p, &first, 1), BULLA_OK); /* the very same row as well */
}

static void test_taken_version(void **state)
{
	place *p = *state;
	bulla_branch_row first = branch("a", 1, BULLA_BRANCH_ACTIVE, "x");
	bulla_branch_row rows[] = { branch("b", 2, BULLA_BRANCH_ACTIVE, "y"), branch("c", 1, BULLA_BRANCH_ACTIVE, "z") };
	assert_int_equal(create(p, &first, 1), BULLA_OK);
	assert_int_equal(create(p, rows, 2), BULLA_ERR_CONFLICT);
	assert_string_equal(current(p, "b", "c").text, ""); /* all or none */
	assert_int_equal(rotate(p, 1, branch("a", 1, BULLA_BRANCH_ACTIVE, "x")), BULLA_ERR_CONFLICT);
}

static void test_rotate(void **state)
{
	place *p = *state;
	bulla_branch_row first = branch("a", 10, BULLA_BRANCH_ACTIVE, "1");
	assert_int_equal(rotate(p, 10, branch("a", 11, BULLA_BRANCH_ACTIVE, "2")), BULLA_ERR_CONFLICT); /* no such branch */
	assert_int_equal(create(p, &first, 1), BULLA_OK);
	assert_int_equal(rotate(p, 10, branch("a", 3, BULLA_BRANCH_ACTIVE, "2")), BULLA_OK);
	assert_int_equal(rotate(p, 10, branch("a", 12, BULLA_BRANCH_ACTIVE, "3")), BULLA_ERR_CONFLICT); /* somebody was first */
	assert_string_equal(current(p, "a", NULL).text, "0:3/1/2;");
	assert_int_equal(rotate(p, 3, branch("a", 12, BULLA_BRANCH_ACTIVE, "3")), BULLA_OK);
	assert_string_equal(current(p, "a", NULL).text, "0:c/1/3;");
	const uint64_t versions[] = { 10, 3, 12 };
	met m = { 0 };
	assert_int_equal(p->branches.by_version(p->branches.self, versions, 3, meet, &m, NULL), BULLA_OK);
	assert_string_equal(m.text, "0:a/1/1;1:3/1/2;2:c/1/3;");
}

/* Many at once; those whose newest is another one are left out in silence, and a failure leaves none. */
static void test_rotate_all(void **state)
{
	place *p = *state;
	bulla_error err = { 0 };
	bulla_branch_row first[] = { branch("a", 1, BULLA_BRANCH_ACTIVE, "a1"), branch("b", 2, BULLA_BRANCH_ACTIVE, "b1") };
	bulla_branch_row next[] = { branch("a", 3, BULLA_BRANCH_ACTIVE, "a2"), branch("b", 4, BULLA_BRANCH_ACTIVE, "b2"),
				    branch("c", 5, BULLA_BRANCH_ACTIVE, "c2") };
	bulla_branch_row taken[] = { branch("a", 6, BULLA_BRANCH_ACTIVE, "a3"), branch("b", 3, BULLA_BRANCH_ACTIVE, "b3") };
	const uint64_t previous[] = { 1, 99, 7 }, later[] = { 3, 2 };
	assert_int_equal(create(p, first, 2), BULLA_OK);
	assert_int_equal(p->branches.rotate_all(p->branches.self, previous, next, 3, &err), BULLA_OK);
	assert_string_equal(current(p, "a", "b").text, "0:3/1/a2;1:2/1/b1;");
	assert_string_equal(current(p, "c", NULL).text, "");
	assert_int_equal(p->branches.rotate_all(p->branches.self, later, taken, 2, &err), BULLA_ERR_CONFLICT);
	assert_string_equal(current(p, "a", "b").text, "0:3/1/a2;1:2/1/b1;");
	assert_int_equal(p->branches.rotate_all(p->branches.self, NULL, NULL, 0, &err), BULLA_OK);
}

/* The newest living version comes before a newer tombstone; with none alive, the newest tombstone. */
static void test_tombstones(void **state)
{
	place *p = *state;
	bulla_branch_row first = branch("a", 1, BULLA_BRANCH_ACTIVE, "1"), dead = branch("d", 7, BULLA_BRANCH_DESTROYED, "");
	assert_int_equal(create(p, &first, 1), BULLA_OK);
	assert_int_equal(rotate(p, 1, branch("a", 2, BULLA_BRANCH_DESTROYED, "")), BULLA_OK);
	assert_string_equal(current(p, "a", NULL).text, "0:1/1/1;");
	assert_int_equal(rotate(p, 2, branch("a", 3, BULLA_BRANCH_ACTIVE, "3")), BULLA_ERR_CONFLICT);
	assert_int_equal(rotate(p, 1, branch("a", 3, BULLA_BRANCH_ACTIVE, "3")), BULLA_OK);
	assert_string_equal(current(p, "a", NULL).text, "0:3/1/3;");
	assert_int_equal(create(p, &dead, 1), BULLA_OK);
	assert_string_equal(current(p, "d", NULL).text, "0:7/3/;");
	assert_int_equal(rotate(p, 7, branch("d", 8, BULLA_BRANCH_DESTROYED, "")), BULLA_OK);
	assert_string_equal(current(p, "d", NULL).text, "0:8/3/;");
	/* A tombstone keeps the identity taken. */
	bulla_branch_row again = branch("d", 9, BULLA_BRANCH_ACTIVE, "9");
	assert_int_equal(create(p, &again, 1), BULLA_OK);
	assert_string_equal(current(p, "d", NULL).text, "0:8/3/;");
}

static void test_rewrap(void **state)
{
	place *p = *state;
	bulla_branch_row first = branch("a", 1, BULLA_BRANCH_ACTIVE, "old");
	bulla_error err = { 0 };
	static uint8_t large[65537];
	assert_int_equal(create(p, &first, 1), BULLA_OK);
	assert_int_equal(p->branches.rewrap(p->branches.self, 1, bulla_view_str("other"), bulla_view_str("new"), &err),
			 BULLA_ERR_CONFLICT);
	assert_true(err.retryable);
	assert_int_equal(p->branches.rewrap(p->branches.self, 2, bulla_view_str("old"), bulla_view_str("new"), &err),
			 BULLA_ERR_CONFLICT);
	assert_int_equal(p->branches.rewrap(p->branches.self, 1, bulla_view_str("old"), bulla_view_str("new"), &err), BULLA_OK);
	assert_int_equal(p->branches.rewrap(p->branches.self, 1, bulla_view_str("old"), bulla_view_str("newer"), &err),
			 BULLA_ERR_CONFLICT);
	assert_string_equal(current(p, "a", NULL).text, "0:1/1/new;");
	assert_int_equal(p->branches.rewrap(p->branches.self, 1, bulla_view_str("new"), bulla_view(large, sizeof large), &err),
			 BULLA_ERR_LIMIT);
}

/* --- states ------------------------------------------------------------------------------------------------------ */
static bulla_code move(place *p, const char *identity, bulla_branch_state from, bulla_branch_state to)
{
	bulla_error err = { 0 };
	bulla_code code = p->branches.set_state(p->branches.self, bulla_view_str(identity), from, to, &err);
	assert_true(code == BULLA_OK || *err.text);
	return code;
}

/* a: versions 1, 2, 3. b: version 4. */
static void create_two(place *p)
{
	bulla_branch_row rows[] = { branch("a", 1, BULLA_BRANCH_ACTIVE, "w1"), branch("b", 4, BULLA_BRANCH_ACTIVE, "w4") };
	assert_int_equal(create(p, rows, 2), BULLA_OK);
	assert_int_equal(rotate(p, 1, branch("a", 2, BULLA_BRANCH_ACTIVE, "w2")), BULLA_OK);
	assert_int_equal(rotate(p, 2, branch("a", 3, BULLA_BRANCH_ACTIVE, "w3")), BULLA_OK);
}

static met everything(place *p)
{
	met m = { 0 };
	assert_int_equal(p->branches.each(p->branches.self, meet_each, &m, NULL), BULLA_OK);
	return m;
}

static void test_every_version_moves(void **state)
{
	place *p = *state;
	create_two(p);
	assert_int_equal(move(p, "a", BULLA_BRANCH_ACTIVE, BULLA_BRANCH_CLOSING), BULLA_OK);
	assert_string_equal(everything(p).text, "97:1/2/w1;97:2/2/w2;97:3/2/w3;98:4/1/w4;");
	assert_int_equal(rotate(p, 3, branch("a", 5, BULLA_BRANCH_ACTIVE, "w5")), BULLA_ERR_KEY_CLOSING);
	bulla_branch_row next = branch("a", 5, BULLA_BRANCH_ACTIVE, "w5");
	assert_int_equal(p->branches.rotate_all(p->branches.self, (const uint64_t[]){ 3 }, &next, 1, NULL), BULLA_OK);
	assert_int_equal(move(p, "a", BULLA_BRANCH_ACTIVE, BULLA_BRANCH_CLOSING), BULLA_OK); /* again */
	assert_int_equal(move(p, "a", BULLA_BRANCH_CLOSING, BULLA_BRANCH_ACTIVE), BULLA_OK); /* thought better of it */
	assert_string_equal(everything(p).text, "97:1/1/w1;97:2/1/w2;97:3/1/w3;98:4/1/w4;");
	assert_int_equal(move(p, "a", BULLA_BRANCH_ACTIVE, BULLA_BRANCH_CLOSING), BULLA_OK);
	assert_int_equal(move(p, "a", BULLA_BRANCH_CLOSING, BULLA_BRANCH_DESTROYED), BULLA_OK);
	assert_string_equal(everything(p).text, "97:1/3/;97:2/3/;97:3/3/;98:4/1/w4;");
	assert_string_equal(current(p, "a", "b").text, "0:3/3/;1:4/1/w4;");
}

static void test_tombstones_stay(void **state)
{
	place *p = *state;
	create_two(p);
	assert_int_equal(move(p, "a", BULLA_BRANCH_ACTIVE, BULLA_BRANCH_DESTROYED), BULLA_OK);
	assert_int_equal(move(p, "a", BULLA_BRANCH_CLOSING, BULLA_BRANCH_DESTROYED), BULLA_OK); /* a repeated call is fine */
	assert_int_equal(move(p, "a", BULLA_BRANCH_CLOSING, BULLA_BRANCH_ACTIVE), BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(move(p, "a", BULLA_BRANCH_ACTIVE, BULLA_BRANCH_CLOSING), BULLA_ERR_KEY_DESTROYED);
	/* Neither the identity nor a number comes back. */
	bulla_branch_row again = branch("a", 9, BULLA_BRANCH_ACTIVE, "w9"), other = branch("c", 2, BULLA_BRANCH_ACTIVE, "w");
	assert_int_equal(create(p, &again, 1), BULLA_OK);
	assert_int_equal(create(p, &other, 1), BULLA_ERR_CONFLICT);
	assert_int_equal(rotate(p, 3, again), BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(p->branches.rewrap(p->branches.self, 3, bulla_view_str("w3"), bulla_view_str("new"), NULL),
			 BULLA_ERR_CONFLICT);
	assert_string_equal(everything(p).text, "97:1/3/;97:2/3/;97:3/3/;98:4/1/w4;");
}

static void test_moves_that_are_refused(void **state)
{
	place *p = *state;
	create_two(p);
	assert_int_equal(move(p, "nobody", BULLA_BRANCH_ACTIVE, BULLA_BRANCH_CLOSING), BULLA_ERR_NOT_FOUND);
	assert_int_equal(move(p, "nobody", BULLA_BRANCH_ACTIVE, BULLA_BRANCH_DESTROYED), BULLA_ERR_NOT_FOUND);
	assert_int_equal(move(p, "a", BULLA_BRANCH_CLOSING, BULLA_BRANCH_DESTROYED), BULLA_ERR_CONFLICT); /* it is active */
	assert_int_equal(move(p, "a", BULLA_BRANCH_DESTROYED, BULLA_BRANCH_ACTIVE), BULLA_ERR_USAGE);
	assert_int_equal(move(p, "a", BULLA_BRANCH_ACTIVE, BULLA_BRANCH_ACTIVE), BULLA_ERR_USAGE);
	assert_int_equal(move(p, "a", BULLA_BRANCH_ACTIVE, (bulla_branch_state)4), BULLA_ERR_USAGE);
	assert_int_equal(move(p, "a", (bulla_branch_state)0, BULLA_BRANCH_CLOSING), BULLA_ERR_USAGE);
	assert_string_equal(everything(p).text, "97:1/1/w1;97:2/1/w2;97:3/1/w3;98:4/1/w4;");
}

/* One version closing among active ones is a third state: all or none. */
static void test_all_or_none_move(void **state)
{
	place *p = *state;
	create_two(p);
	assert_int_equal(rotate(p, 3, branch("a", 7, BULLA_BRANCH_CLOSING, "w7")), BULLA_OK);
	assert_int_equal(rotate(p, 7, branch("a", 8, BULLA_BRANCH_DESTROYED, "")), BULLA_OK);
	assert_int_equal(move(p, "a", BULLA_BRANCH_CLOSING, BULLA_BRANCH_DESTROYED), BULLA_ERR_CONFLICT);
	assert_string_equal(everything(p).text, "97:1/1/w1;97:2/1/w2;97:3/1/w3;97:7/2/w7;97:8/3/;98:4/1/w4;");
	assert_int_equal(move(p, "a", BULLA_BRANCH_ACTIVE, BULLA_BRANCH_CLOSING), BULLA_OK);
	assert_string_equal(everything(p).text, "97:1/2/w1;97:2/2/w2;97:3/2/w3;97:7/2/w7;97:8/3/;98:4/1/w4;");
}

static void test_each_in_order(void **state)
{
	place *p = *state;
	bulla_branch_row rows[] = { branch("b", 5, BULLA_BRANCH_ACTIVE, "b1"), branch("a", 9, BULLA_BRANCH_ACTIVE, "a1") };
	met m = { 0 };
	assert_int_equal(create(p, rows, 2), BULLA_OK);
	assert_int_equal(rotate(p, 9, branch("a", 2, BULLA_BRANCH_ACTIVE, "a2")), BULLA_OK);
	assert_int_equal(rotate(p, 2, branch("a", 1, BULLA_BRANCH_ACTIVE, "a3")), BULLA_OK);
	assert_int_equal(p->branches.each(p->branches.self, meet_each, &m, NULL), BULLA_OK);
	assert_string_equal(m.text, "97:9/1/a1;97:2/1/a2;97:1/1/a3;98:5/1/b1;");
}

static void test_versions_of_one(void **state)
{
	place *p = *state;
	met m = { 0 };
	create_two(p);
	assert_int_equal(p->branches.versions(p->branches.self, bulla_view_str("a"), meet_each, &m, NULL), BULLA_OK);
	assert_int_equal(p->branches.versions(p->branches.self, bulla_view_str("aa"), meet_each, &m, NULL), BULLA_OK);
	assert_int_equal(p->branches.versions(p->branches.self, bulla_view_str(""), meet_each, &m, NULL), BULLA_OK);
	assert_string_equal(m.text, "97:1/1/w1;97:2/1/w2;97:3/1/w3;");
}

static bulla_code stop(void *self, const bulla_branch_row *row, bulla_error *err)
{
	(void)row;
	++*(int *)self;
	return bulla_fail(err, BULLA_ERR_INTERRUPTED, "enough");
}

static bulla_code stop_found(void *self, size_t index, const bulla_branch_row *row, bulla_error *err)
{
	(void)index;
	return stop(self, row, err);
}

static void test_walks_end(void **state)
{
	place *p = *state;
	bulla_branch_row rows[] = { branch("a", 1, BULLA_BRANCH_ACTIVE, "x"), branch("b", 2, BULLA_BRANCH_ACTIVE, "y") };
	bulla_bytes identities[] = { bulla_view_str("a"), bulla_view_str("b") };
	const uint64_t versions[] = { 1, 2 };
	int calls = 0;
	bulla_error err = { 0 };
	assert_int_equal(create(p, rows, 2), BULLA_OK);
	assert_int_equal(p->branches.each(p->branches.self, stop, &calls, &err), BULLA_ERR_INTERRUPTED);
	assert_int_equal(p->branches.current(p->branches.self, identities, 2, stop_found, &calls, &err), BULLA_ERR_INTERRUPTED);
	assert_int_equal(p->branches.by_version(p->branches.self, versions, 2, stop_found, &calls, &err), BULLA_ERR_INTERRUPTED);
	assert_int_equal(calls, 3);
	assert_int_equal(rotate(p, 1, branch("a", 3, BULLA_BRANCH_ACTIVE, "z")), BULLA_OK);
}

static void test_limits(void **state)
{
	place *p = *state;
	char identity[1026];
	memset(identity, 'i', sizeof identity);
	identity[1024] = 0;
	bulla_branch_row longest = branch(identity, 1, BULLA_BRANCH_ACTIVE, "x");
	assert_int_equal(create(p, &longest, 1), BULLA_OK);
	identity[1024] = 'i';
	identity[1025] = 0;
	bulla_branch_row rows[] = { branch("a", 2, BULLA_BRANCH_ACTIVE, "x"), branch(identity, 3, BULLA_BRANCH_ACTIVE, "x") };
	assert_int_equal(create(p, rows, 2), BULLA_ERR_LIMIT);
	assert_string_equal(current(p, "a", NULL).text, "");
	bulla_branch_row empty = branch("", 4, BULLA_BRANCH_ACTIVE, "x"), no_state = branch("s", 4, (bulla_branch_state)0, "x");
	assert_int_equal(create(p, &empty, 1), BULLA_ERR_USAGE);
	assert_int_equal(create(p, &no_state, 1), BULLA_ERR_USAGE);
}

/* Identities are bytes: a NUL ends nothing, and one is not the beginning of another. */
static void test_binary_identities(void **state)
{
	place *p = *state;
	bulla_branch_row rows[3];
	for (size_t i = 0; i < 3; i++) {
		rows[i] = branch("x", i + 1, BULLA_BRANCH_ACTIVE, "w");
		rows[i].identity = bulla_view("a\0\0", i + 1);
	}
	assert_int_equal(create(p, rows, 3), BULLA_OK);
	met m = { 0 };
	bulla_bytes wanted[] = { rows[2].identity, rows[0].identity, rows[1].identity };
	assert_int_equal(p->branches.current(p->branches.self, wanted, 3, meet, &m, NULL), BULLA_OK);
	assert_string_equal(m.text, "0:3/1/w;1:1/1/w;2:2/1/w;");
}

static void test_many(void **state)
{
	place *p = *state;
	enum { N = 10000 };
	bulla_branch_row *rows = calloc(N, sizeof *rows);
	char(*names)[16] = calloc(N, sizeof *names);
	for (size_t i = 0; i < N; i++) {
		(void)snprintf(names[i], sizeof names[i], "user %zu", i);
		rows[i] =
			branch(names[i], i * UINT64_C(0x9e3779b97f4a7c15), BULLA_BRANCH_ACTIVE, "wrapped branch key of 98 bytes");
	}
	clock_t start = clock();
	assert_int_equal(create(p, rows, N), BULLA_OK);
	print_message("%d branches created in %.0f ms\n", N, 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC);
	assert_int_equal(current(p, names[N - 1], names[0]).n, 2);
	free(rows);
	free(names);
}

/* The tests over one kind. */
#define OVER(kind)                                                                                                               \
	{                                                                                                                        \
		{ "test_create_and_find (" #kind ")", test_create_and_find, kind##_setup, place_teardown, NULL },                \
			{ "test_some (" #kind ")", test_some, kind##_setup, place_teardown, NULL },                              \
			{ "test_first_wins (" #kind ")", test_first_wins, kind##_setup, place_teardown, NULL },                  \
			{ "test_taken_version (" #kind ")", test_taken_version, kind##_setup, place_teardown, NULL },            \
			{ "test_rotate (" #kind ")", test_rotate, kind##_setup, place_teardown, NULL },                          \
			{ "test_rotate_all (" #kind ")", test_rotate_all, kind##_setup, place_teardown, NULL },                  \
			{ "test_tombstones (" #kind ")", test_tombstones, kind##_setup, place_teardown, NULL },                  \
			{ "test_rewrap (" #kind ")", test_rewrap, kind##_setup, place_teardown, NULL },                          \
			{ "test_every_version_moves (" #kind ")", test_every_version_moves, kind##_setup, place_teardown,        \
			  NULL },                                                                                                \
			{ "test_tombstones_stay (" #kind ")", test_tombstones_stay, kind##_setup, place_teardown, NULL },        \
			{ "test_moves_that_are_refused (" #kind ")", test_moves_that_are_refused, kind##_setup, place_teardown,  \
			  NULL },                                                                                                \
			{ "test_all_or_none_move (" #kind ")", test_all_or_none_move, kind##_setup, place_teardown, NULL },      \
			{ "test_each_in_order (" #kind ")", test_each_in_order, kind##_setup, place_teardown, NULL },            \
			{ "test_versions_of_one (" #kind ")", test_versions_of_one, kind##_setup, place_teardown, NULL },        \
			{ "test_walks_end (" #kind ")", test_walks_end, kind##_setup, place_teardown, NULL },                    \
			{ "test_limits (" #kind ")", test_limits, kind##_setup, place_teardown, NULL },                          \
			{ "test_binary_identities (" #kind ")", test_binary_identities, kind##_setup, place_teardown, NULL },    \
			{ "test_many (" #kind ")", test_many, kind##_setup, place_teardown, NULL },                              \
	}

int main(void)
{
	const struct CMUnitTest memory[] = OVER(memory);
	const struct CMUnitTest sqlite[] = OVER(sqlite);
	const struct CMUnitTest postgres[] = OVER(postgres);
	int failed = cmocka_run_group_tests_name("store/branch_store (memory)", memory, NULL, NULL);
	failed += cmocka_run_group_tests_name("store/branch_store (sqlite)", sqlite, NULL, NULL);
	if (pg_installed())
		failed += cmocka_run_group_tests_name("store/branch_store (postgresql)", postgres, pg_group_setup,
						      pg_group_teardown);
	return failed;
}
