/*
 * test_yaml.c - nodes know their place; what is wrong is told with line and column; bombs do not go off.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>

static const char *lookup(void *self, const char *name)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "USER_NAME", "ada" }, { "EMPTY", "" }, { "NULL_WORD", "null" }, { "BAD", "hunter2\xff" }, { "DEEP", "${EMPTY}" }
	};
	(void)self;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].name, name) == 0) return rows[i].value;
	return NULL;
}

static bulla_yaml_document *parse(const char *text)
{
	bulla_yaml_document *document = NULL;
	bulla_error err = { 0 };
	if (bulla_yaml_parse(bulla_view_str(text), "f.yaml", lookup, NULL, &document, &err) != BULLA_OK)
		fail_msg("%s: %s", text, err.text);
	return document;
}

static void nodes_know_their_place(void **state)
{
	(void)state;
	bulla_yaml_document *d = parse("a: 1\nb:\n  - x\n  - {c: 'q', \xc3\xa4: [u, v]}\nd: \"1\"\n");
	const bulla_yaml *root = bulla_yaml_root(d);
	assert_int_equal(root->kind, BULLA_YAML_MAP);
	assert_string_equal(bulla_yaml_file(d), "f.yaml");
	const bulla_yaml *a = bulla_yaml_get(root, "a"), *b = bulla_yaml_get(root, "b"), *q = bulla_yaml_get(root, "d");
	assert_string_equal(a->text, "1");
	assert_true(a->plain);
	assert_false(q->plain);
	assert_int_equal(a->line, 1);
	assert_int_equal(a->column, 4);
	assert_int_equal(b->key_line, 2);
	assert_int_equal(b->key_column, 1);
	assert_int_equal(b->line, 3);
	assert_int_equal(b->column, 3);
	const bulla_yaml *flow = b->first->next;
	const bulla_yaml *list = bulla_yaml_get(flow, "\xc3\xa4");
	assert_int_equal(list->key_line, 4);
	assert_int_equal(list->key_column, 14);
	assert_int_equal(list->column, 17); /* characters, not bytes */
	assert_string_equal(list->first->next->text, "v");
	assert_null(list->first->next->next);
	assert_null(list->first->key);
	assert_null(bulla_yaml_get(root, "x"));
	assert_null(bulla_yaml_get(a, "x"));
	assert_null(bulla_yaml_get(NULL, "x"));
	bulla_yaml_free(d);
	bulla_yaml_free(NULL);
}

static void null_is_a_plain_word(void **state)
{
	(void)state;
	bulla_yaml_document *d = parse("{a: , b: ~, c: null, d: 'null', e: '', f: [], g: {}, h: nil}");
	const bulla_yaml *n = bulla_yaml_root(d)->first;
	for (const char *expected = "11100000"; *expected; expected++, n = n->next)
		assert_int_equal(bulla_yaml_is_null(n), *expected == '1');
	assert_true(bulla_yaml_is_null(NULL));
	bulla_yaml_free(d);
	static const char *const empty[] = { "", "\n\n", "# only words\n", "---\n", "---\n...\n" };
	for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
		d = parse(empty[i]);
		assert_true(bulla_yaml_is_null(bulla_yaml_root(d)));
		bulla_yaml_free(d);
	}
}

static void variables_are_replaced(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "${USER_NAME}", "ada" },        { "x-${USER_NAME}-${USER_NAME}y", "x-ada-aday" },
		{ "'${USER_NAME}'", "ada" },      { "\"${EMPTY}\"", "" },
		{ "cost $5 {x}", "cost $5 {x}" }, { "\"$\"", "$" },
		{ "${DEEP}", "${EMPTY}" }, /* once, not again */
		{ "a$${EMPTY}b", "a$b" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_yaml_document *d = parse(rows[i][0]);
		assert_string_equal(bulla_yaml_root(d)->text, rows[i][1]);
		bulla_yaml_free(d);
	}
	bulla_yaml_document *d = NULL;
	assert_int_equal(bulla_yaml_parse(bulla_view_str("a: ${NOPE}"), NULL, NULL, NULL, &d, NULL), BULLA_OK);
	assert_string_equal(bulla_yaml_get(bulla_yaml_root(d), "a")->text, "${NOPE}");
	assert_string_equal(bulla_yaml_file(d), "bulla.yaml");
	bulla_yaml_free(d);
}

static void an_unset_variable_fails_where_it_is_needed(void **state)
{
	(void)state;
	bulla_error err = { 0 };
	bulla_yaml_document *d = parse("a:\n  b: [x, \"${EMPTY}-${NOPE}${NEITHER}\"]\nc: ${USER_NAME}\n");
	const bulla_yaml *a = bulla_yaml_get(bulla_yaml_root(d), "a");
	assert_int_equal(bulla_yaml_check_set(d, a, &err), BULLA_ERR_CONFIG);
	assert_string_equal(err.text, "f.yaml: line 2, column 10: the environment variable NOPE is not set");
	assert_string_equal(err.next, "set NOPE, or write the value itself");
	assert_string_equal(bulla_yaml_get(a, "b")->first->next->text, "${EMPTY}-${NOPE}${NEITHER}");
	assert_int_equal(bulla_yaml_check_set(d, bulla_yaml_get(bulla_yaml_root(d), "c"), &err), BULLA_OK);
	assert_int_equal(bulla_yaml_check_set(d, NULL, &err), BULLA_OK);
	bulla_yaml_free(d);
}

static void aliases_stand_where_they_are_used(void **state)
{
	(void)state;
	bulla_yaml_document *d = parse("a: &x {k: [1, 2]}\nb: *x\nc: [*x, &y z, *y]\n");
	const bulla_yaml *b = bulla_yaml_get(bulla_yaml_root(d), "b"), *c = bulla_yaml_get(bulla_yaml_root(d), "c");
	assert_string_equal(b->key, "b");
	assert_int_equal(b->line, 2);
	assert_int_equal(b->column, 4);
	assert_string_equal(bulla_yaml_get(b, "k")->first->next->text, "2");
	assert_int_equal(bulla_yaml_get(b, "k")->line, 1);
	assert_null(c->first->key);
	assert_string_equal(bulla_yaml_get(c->first, "k")->first->text, "1");
	assert_string_equal(c->first->next->next->text, "z");
	assert_null(c->first->next->next->next);
	bulla_yaml_free(d);
}

static const struct {
	const char *text;
	const char *expected;
} bad[] = {
	{ "a: 1\nb: 2\na: 3\n", "f.yaml: line 3, column 1: duplicate key \"a\", first in line 1" },
	{ "m:\n  x: 1\n  'x': 2\n", "line 3, column 3: duplicate key \"x\", first in line 2" },
	{ "{a: 1, a: 2}", "line 1, column 8: duplicate key" },
	{ "a: [1, 2\nb: 3\n", "line 2" },
	{ "a:\n\t- b\n", "line 2, column 1" },
	{ "a: b: c\n", "line 1, column 5" },
	{ "a: 'x\n", "line 2, column 1" },
	{ "- a\nb: c\n", "line 2, column 1" },
	{ "a: \"\\z\"\n", "line 1" },
	{ "? [a, b]\n: c\n", "line 1, column 3: a key must be a plain word" },
	{ "? {a: b}\n: c\n", "line 1, column 3: a key must be a plain word" },
	{ "*x : c\n", "a key must be a plain word" },
	{ "&x a: c\n", "an anchor on a key" },
	{ "a: *x\n", "line 1, column 4: the alias *x stands for nothing before it" },
	{ "a: &x [1, *x]\n", "line 1, column 11: the alias *x stands for nothing before it" },
	{ "a: 1\n---\nb: 2\n", "line 2, column 1: a second document" },
	{ "a: !!int 3\n", "line 1, column 4: tags" },
	{ "a: !ruby/object:X {}\n", "line 1, column 4: tags" },
	{ "!x a: 3\n", "tags" },
	{ "a: !!seq []\n", "line 1, column 4: tags" },
	{ "d: &d {x: 1}\na:\n  <<: *d\n", "line 3, column 3: merge keys (<<) are not supported" },
	{ "a: x\xff\n", "line 1, column 5: not valid UTF-8" },
	{ "a: b\n\xc3\xa4: \xed\xa0\x80\n", "line 2, column 4: not valid UTF-8" },
	{ "a: b\nc: \x01\n", "line 2, column 4: control characters are not allowed" },
	{ "a: \"x\\0y\"\n", "line 1, column 4: a NUL character" },
	{ "a: x${USER_NAME\n", "line 1, column 4: a \"${\" that is not followed" },
	{ "a: ${}\n", "line 1, column 4: a \"${\"" },
	{ "a: ${1X}\n", "line 1, column 4: a \"${\"" },
	{ "a: ${A B}\n", "line 1, column 4: a \"${\"" },
	{ "a: ${BAD}\n", "line 1, column 4: the environment variable BAD is not valid UTF-8" },
};

static void refused(bulla_bytes text, const char *expected)
{
	bulla_yaml_document *d = NULL;
	bulla_error err = { 0 };
	assert_int_equal(bulla_yaml_parse(text, "f.yaml", lookup, NULL, &d, &err), BULLA_ERR_CONFIG);
	assert_null(d);
	if (!strstr(err.text, expected)) fail_msg("expected \"%s\", not \"%s\"", expected, err.text);
	assert_null(strstr(err.text, "hunter2"));
}

static void bad_documents_say_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		refused(bulla_view_str(bad[i].text), bad[i].expected);
	refused(bulla_view("a: \0b\n", 6), "line 1, column 4: control characters");
	refused(bulla_view("\xff\xfe"
			   "a\0",
			   4),
		"line 1, column 1: not valid UTF-8");
	static const char empty;
	refused(bulla_view(&empty, BULLA_YAML_MAX + 1u), "f.yaml: more than 1048576 bytes");
}

static void cuts_never_crash(void **state)
{
	(void)state;
	static const char text[] = "version: 1\nm: &a {k: [1, \"two\", 'three'], l: *b}\nn:\n  - ${USER_NAME}\n  - *a\n";
	for (size_t cut = 0; cut < sizeof text; cut++) {
		bulla_yaml_document *d = NULL;
		if (bulla_yaml_parse(bulla_view(text, cut), "f.yaml", lookup, NULL, &d, NULL) == BULLA_OK) bulla_yaml_free(d);
	}
}

static void limits_hold(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	/* a bomb: nine levels, each nine times the one before */
	assert_int_equal(bulla_buf_add_str(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n", NULL), BULLA_OK);
	for (int i = 1; i < 9; i++)
		assert_int_equal(bulla_buf_printf(&text, NULL, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i,
						  i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1),
				 BULLA_OK);
	refused(bulla_view_buf(&text), "more than 100000 nodes");
	bulla_buf_clear(&text);
	assert_int_equal(bulla_buf_add_str(&text, "a: &a 1\nb:\n", NULL), BULLA_OK);
	for (int i = 0; i < 65; i++)
		assert_int_equal(bulla_buf_add_str(&text, "- *a\n", NULL), BULLA_OK);
	refused(bulla_view_buf(&text), "line 67, column 3: more than 64 aliases");
	bulla_buf_clear(&text);
	for (int i = 0; i < 100001; i++)
		assert_int_equal(bulla_buf_add_str(&text, "- a\n", NULL), BULLA_OK);
	refused(bulla_view_buf(&text), "line 100000, column 3: more than 100000 nodes");
	bulla_buf_clear(&text);
	for (int i = 0; i < 1025; i++)
		assert_int_equal(bulla_buf_printf(&text, NULL, "k%d: a\n", i), BULLA_OK);
	refused(bulla_view_buf(&text), "line 1025, column 1: more than 1024 keys");
	bulla_buf_clear(&text);
	for (int i = 0; i < 70; i++)
		assert_int_equal(bulla_buf_add_str(&text, "[", NULL), BULLA_OK);
	refused(bulla_view_buf(&text), "column 65: more than 64 levels");
}

static void unknown_keys_are_named(void **state)
{
	(void)state;
	static const char *const keys[] = { "table", "primary_key", "fields", NULL };
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "table: 1\nprimarykey: 2\n",
		  "f.yaml: line 2, column 1: unknown key \"primarykey\"; did you mean \"primary_key\"?" },
		{ "{field: 2}", "line 1, column 2: unknown key \"field\"; did you mean \"fields\"?" },
		{ "tabel: 2", "did you mean \"table\"?" },
		{ "colour: 2", "unknown key \"colour\"; known here: table, primary_key, fields" },
		{ "'': 2", "unknown key \"\"; known here" },
		{ "[a]", "line 1, column 1: a mapping (key: value) is expected here" },
		{ "word", "line 1, column 1: a mapping" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_yaml_document *d = parse(rows[i].text);
		bulla_error err = { 0 };
		assert_int_equal(bulla_yaml_check_keys(d, bulla_yaml_root(d), keys, &err), BULLA_ERR_CONFIG);
		if (!strstr(err.text, rows[i].expected)) fail_msg("row %zu: %s", i, err.text);
		bulla_yaml_free(d);
	}
	bulla_yaml_document *d = parse("{fields: 1, table: 2}");
	assert_int_equal(bulla_yaml_check_keys(d, bulla_yaml_root(d), keys, NULL), BULLA_OK);
	bulla_yaml_free(d);
	d = parse("");
	assert_int_equal(bulla_yaml_check_keys(d, bulla_yaml_root(d), keys, NULL), BULLA_OK);
	bulla_yaml_free(d);
}

static void a_variable_in_a_flow_needs_quotes(void **state)
{
	(void)state;
	bulla_yaml_document *d = NULL;
	bulla_error err = { 0 };
	bulla_bytes text = bulla_view_str("x: 1\nmain: { url: ${USER_NAME} }\n");
	assert_int_equal(bulla_yaml_parse(text, "f.yaml", lookup, NULL, &d, &err), BULLA_ERR_CONFIG);
	assert_non_null(strstr(err.text, "line 2, column 15"));
	assert_string_equal(err.next, "inside { } and [ ] write \"${NAME}\" with quotes");
	assert_int_equal(bulla_yaml_parse(bulla_view_str("a: [\n"), "f.yaml", lookup, NULL, &d, &err), BULLA_ERR_CONFIG);
	assert_string_equal(err.next, "");
}

static void errors_without_a_node_name_the_file(void **state)
{
	(void)state;
	bulla_yaml_document *d = parse("a: 1");
	bulla_error err = { 0 };
	assert_int_equal(bulla_yaml_fail(d, NULL, &err, "no %s", "models"), BULLA_ERR_CONFIG);
	assert_string_equal(err.text, "f.yaml: no models");
	bulla_yaml_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_know_their_place),
		cmocka_unit_test(null_is_a_plain_word),
		cmocka_unit_test(variables_are_replaced),
		cmocka_unit_test(an_unset_variable_fails_where_it_is_needed),
		cmocka_unit_test(aliases_stand_where_they_are_used),
		cmocka_unit_test(bad_documents_say_where),
		cmocka_unit_test(cuts_never_crash),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(unknown_keys_are_named),
		cmocka_unit_test(a_variable_in_a_flow_needs_quotes),
		cmocka_unit_test(errors_without_a_node_name_the_file),
	};
	return cmocka_run_group_tests_name("base/yaml", tests, NULL, NULL);
}
