/*
 * test_yaml_faults.c - every allocation of ours and of libyaml refused in turn: MEMORY, or the document as it was written.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/yaml.h"
#include "base/yaml_tree.h"

#include <stdlib.h>
#include <string.h>

static long left = -1; /* allocations that still succeed; negative: all */
static bool lasting, fired;

static bool refused(void)
{
	if (left < 0) return false;
	if (left > 0) return left--, false;
	if (!lasting) left = -1;
	fired = true;
	return true;
}

#define VISIBLE __attribute__((visibility("default")))

/* The process's allocator, which the library finds too. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

VISIBLE void *malloc(size_t size)
{
	return refused() ? NULL : __libc_malloc(size);
}

VISIBLE void *calloc(size_t n, size_t size)
{
	return refused() ? NULL : __libc_calloc(n, size);
}

VISIBLE void *realloc(void *old, size_t size)
{
	return refused() ? NULL : __libc_realloc(old, size);
}

static const char head[] =
	"%YAML 1.1\n%TAG !e! tag:example.com,2000:\n---\n# a comment\nplain: a word of many letters, and then of more than "
	"sixteen of them\n"
	"over lines: one\n  two\n\n  three\nquoted: \"\\x41\\u00e4\\U0001f600 and \\\n  joined\\n\"\nsingle: 'it''s\n  folded'\n"
	"literal: |2-\n   indented\n  and not\n\nfolded: >+\n  some\n  words\n\n\nflow: { a: [1, 2, { b: c }], ? d : e, 'f': "
	"\"g\" }\n"
	"anchored: &a [x, y]\nagain: *a\nmap: &m\n  k: v\nlast: *m\n";

static bulla_buf document;

static void make_document(void)
{
	assert_int_equal(bulla_buf_add_str(&document, head, NULL), BULLA_OK);
	for (int i = 0; i < 60; i++) /* more than the library's queues and buffers begin with */
		assert_int_equal(bulla_buf_printf(&document, NULL, "key%d: { a: &n%d [1, two], b: *n%d }\n", i, i, i), BULLA_OK);
	assert_int_equal(bulla_buf_add_str(&document, "deep: [[[[[[[[[[[[[[[[[[[[ 1 ]]]]]]]]]]]]]]]]]]]]\n...\n", NULL),
			 BULLA_OK);
}

static void dump(const bulla_yaml *node, bulla_buf *out)
{
	assert_int_equal(bulla_buf_printf(out, NULL, "%d@%u:%u %s=%s%s(", (int)node->kind, node->line, node->column,
					  node->key ? node->key : "", node->text ? node->text : "", node->plain ? " plain" : ""),
			 BULLA_OK);
	for (const bulla_yaml *child = node->first; child; child = child->next)
		dump(child, out);
	assert_int_equal(bulla_buf_add_str(out, ")", NULL), BULLA_OK);
}

static bulla_code parse(bulla_buf *out, bulla_error *err)
{
	bulla_yaml_document *d = NULL;
	bulla_code code = bulla_yaml_parse(bulla_view_buf(&document), "f", NULL, NULL, &d, err);
	left = -1;
	if (!code) dump(bulla_yaml_root(d), out);
	bulla_yaml_free(d);
	return code;
}

static void try_all(bulla_bytes expected)
{
	long n = 0;
	for (fired = true; fired; n++) {
		BULLA_BUF_AUTO bulla_buf found = { 0 };
		bulla_error err = { 0 };
		fired = false;
		left = n;
		bulla_code code = parse(&found, &err);
		if (code != (fired ? BULLA_ERR_MEMORY : BULLA_OK))
			fail_msg("allocation %ld: %s: %s", n, bulla_code_name(code), err.text);
		if (!code) assert_true(bulla_bytes_equal(bulla_view_buf(&found), expected));
	}
	print_message("%ld allocations\n", n - 1);
	assert_true(n > 300);
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf expected = { 0 };
	make_document();
	assert_int_equal(parse(&expected, NULL), BULLA_OK);
	for (int i = 0; i < 2; i++) {
		lasting = i;
		try_all(bulla_view_buf(&expected));
	}
	bulla_buf_done(&document);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation_may_fail) };
	return cmocka_run_group_tests_name("base/yaml_faults", tests, NULL, NULL);
}
