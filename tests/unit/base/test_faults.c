/*
 * test_faults.c - every allocation of the room refused in turn: an error comes back, nothing is half done, nothing leaks.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/yaml.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static int left = -1; /* allocations that still succeed; negative: all */

static int refused(void)
{
	if (left < 0) return 0;
	return left == 0 ? 1 : (left--, 0);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int __wrap_vasprintf(char **out, const char *format, va_list args);

void *__wrap_malloc(size_t size)
{
	return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return refused() ? MAP_FAILED : __real_mmap(addr, len, prot, flags, fd, offset);
}

int __wrap_vasprintf(char **out, const char *format, va_list args)
{
	int n = refused() ? -1 : vsnprintf(NULL, 0, format, args);
	*out = n < 0 ? NULL : __real_calloc(1, (size_t)n + 1);
	return n;
}

static void *jansson_malloc(size_t size)
{
	return refused() ? NULL : __real_malloc(size);
}

static bulla_code use_buf(bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	for (int i = 0; i < 100; i++) {
		size_t before = buf.len;
		bulla_code code = bulla_buf_add_str(&buf, "0123456789", err);
		if (code != BULLA_OK) {
			left = -1;
			assert_int_equal(buf.len, before);
			assert_int_equal(bulla_buf_add_str(&buf, "x", NULL), BULLA_OK); /* still usable */
			return code;
		}
	}
	return BULLA_OK;
}

static bulla_code use_json(bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	bulla_json_writer w = bulla_json_to(&buf);
	bulla_json_open(&w, NULL, '[');
	for (int i = 0; i < 100; i++)
		bulla_json_put_str(&w, NULL, "0123456789");
	bulla_json_close(&w, ']');
	return bulla_json_end(&w, err);
}

/* Tokens of all kinds that are longer than the buffer that the library begins with. */
static bulla_code use_json_document(bulla_error *err)
{
	static const char document[] =
		"{\"a name of more than sixteen bytes\":\"a text of much more than thirty-two bytes, and then some\","
		"\"\\u00e4\\u00f6\\u00fc, escaped\":\"\\u00e4\\ud83d\\ude00 and \\\"others\\\", long enough to grow\","
		"\"n\":[1234567890123456789,-1234567890123456789,1.00000000000000000000000000000001e3],"
		"\"quote at the edge of 32 bytes....\":{\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,"
		"\"8\":8,\"9\":9},\"fifteen bytes..\":[1,2,3,4,5,6,7,8,9,[]]}";
	bulla_json *json;
	int armed = left;
	left = -1;
	json_t *expected = json_loadb(document, sizeof document - 1, 0, NULL);
	left = armed;
	bulla_code code = bulla_json_parse(bulla_view_str(document), &json, err);
	left = -1;
	if (!code && !json_equal((const json_t *)(const void *)json, expected)) fail_msg("another document than was written");
	if (!code) bulla_json_free(json);
	json_decref(expected);
	return code;
}

static bulla_code use_pool(bulla_error *err)
{
	bulla_pool *pool = NULL;
	bulla_secret *slot;
	bulla_code code = bulla_pool_new(&pool, err);
	for (int i = 0; i < 1200 && code == BULLA_OK; i++)
		code = bulla_pool_take(pool, &slot, err);
	bulla_pool_free(pool);
	return code;
}

static bulla_code use_fold(bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf buf = { 0 };
	return bulla_text_fold(bulla_view_str("\xc3\x84"), &buf, err);
}

static const char *lookup(void *self, const char *name)
{
	(void)self;
	return name;
}

static bulla_code use_yaml(bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	for (int i = 0; i < 200; i++)
		TRY(bulla_buf_printf(&text, err, "k%d: {a: [1, '${VARIABLE}']}\n", i));
	bulla_yaml_document *d = NULL;
	bulla_code code = bulla_yaml_parse(bulla_view_buf(&text), "f", lookup, NULL, &d, err);
	bulla_yaml_free(d);
	return code;
}

static bulla_code use_arena(bulla_error *err)
{
	bulla_arena arena = { 0 };
	const char *text;
	bulla_code code = BULLA_OK;
	for (int i = 0; i < 2000 && code == BULLA_OK; i++)
		code = bulla_arena_printf(&arena, &text, err, "word %d", i);
	bulla_arena_done(&arena);
	return code;
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	bulla_code (*const uses[])(bulla_error * err) = { use_buf,  use_json, use_json_document, use_pool,
							  use_fold, use_yaml, use_arena };
	for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
		int failures = 0;
		for (int n = 0;; n++) {
			bulla_error err = { 0 };
			left = n;
			bulla_code code = uses[i](&err);
			left = -1;
			if (code == BULLA_OK) break;
			if (code != BULLA_ERR_MEMORY) fail_msg("use %zu, allocation %d: %s", i, n, err.text);
			assert_int_equal(err.code, BULLA_ERR_MEMORY);
			failures++;
		}
		assert_true(failures > 1);
	}
}

int main(void)
{
	json_set_alloc_funcs(jansson_malloc, free);
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation_may_fail) };
	return cmocka_run_group_tests_name("base/faults", tests, NULL, NULL);
}
