/*
 * vectors.h - the native formats' vectors (tests/vectors/native) for a test: files, members, hexadecimal.
 *
 * BULLA_VECTORS, set by meson, is their directory. A member that is missing or of another type fails the test.
 */
#ifndef TEST_VECTORS_H
#define TEST_VECTORS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

static inline bulla_json *vectors_open(const char *file)
{
	char path[1024];
	bulla_error err = { 0 };
	bulla_json *document = NULL;
	snprintf(path, sizeof path, "%s/%s", BULLA_VECTORS, file);
	FILE *in = fopen(path, "rb");
	if (!in) fail_msg("%s cannot be read", path);
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	uint8_t part[4096];
	for (size_t n; (n = fread(part, 1, sizeof part, in)) > 0;)
		assert_int_equal(bulla_buf_add(&text, bulla_view(part, n), &err), BULLA_OK);
	fclose(in);
	if (bulla_json_parse(bulla_view_buf(&text), &document, &err)) fail_msg("%s: %s", path, err.text);
	return document;
}

static inline bulla_bytes vector_text(const bulla_json *object, const char *name)
{
	bulla_bytes text;
	if (!bulla_json_string(bulla_json_member(object, name), &text)) fail_msg("no text \"%s\"", name);
	return text;
}

/* NUL-terminated, in `out`. */
static inline const char *vector_name(const bulla_json *object, const char *name, char out[static 256])
{
	bulla_bytes text = vector_text(object, name);
	assert_true(text.len < 256);
	memcpy(out, text.data, text.len);
	out[text.len] = 0;
	return out;
}

static inline int64_t vector_int(const bulla_json *object, const char *name)
{
	int64_t value;
	if (!bulla_json_integer(bulla_json_member(object, name), &value)) fail_msg("no number \"%s\"", name);
	return value;
}

/* A hexadecimal text as bytes; the caller frees with bulla_buf_done(). */
static inline bulla_buf vector_unhex(bulla_bytes hex)
{
	bulla_buf out = { 0 };
	assert_int_equal(bulla_hex_decode(hex, &out, NULL), BULLA_OK);
	return out;
}

static inline bulla_buf vector_hex(const bulla_json *object, const char *name)
{
	return vector_unhex(vector_text(object, name));
}

static inline uint64_t vector_u64(const bulla_json *object, const char *name)
{
	BULLA_BUF_AUTO bulla_buf raw = vector_hex(object, name);
	assert_int_equal(raw.len, 8);
	return bulla_get_u64(raw.data);
}

/* Exactly `n` bytes into `out`. */
static inline void vector_fixed(const bulla_json *object, const char *name, uint8_t *out, size_t n)
{
	BULLA_BUF_AUTO bulla_buf raw = vector_hex(object, name);
	if (raw.len != n) fail_msg("\"%s\" has %zu bytes, not %zu", name, raw.len, n);
	memcpy(out, raw.data, n);
}

/* The vector's bytes and ours are the same, or the test fails saying which vector and member. */
static inline void vector_same(const bulla_json *object, const char *name, bulla_bytes ours)
{
	char of[256] = "";
	BULLA_BUF_AUTO bulla_buf raw = vector_hex(object, name);
	if (bulla_json_member(object, "name")) vector_name(object, "name", of);
	if (!bulla_bytes_equal(bulla_view_buf(&raw), ours)) fail_msg("%s: \"%s\" differs from what is computed here", of, name);
}

/* [["name", "value"], ...] as views into the document. */
static inline size_t vector_pairs(const bulla_json *object, bulla_pair *out, size_t max)
{
	const bulla_json *list = bulla_json_member(object, "pairs");
	size_t n = bulla_json_count(list);
	assert_true(list && n <= max);
	for (size_t i = 0; i < n; i++) {
		assert_true(bulla_json_string(bulla_json_at(bulla_json_at(list, i), 0), &out[i].name));
		assert_true(bulla_json_string(bulla_json_at(bulla_json_at(list, i), 1), &out[i].value));
	}
	return n;
}

/* {"kind", "integer" | "bits" | "bytes"}; what it views lies in `bytes`, which the caller frees. JSON null is NULL. */
static inline bulla_value vector_value(const bulla_json *node, bulla_buf *bytes)
{
	bulla_value value = { .kind = BULLA_KIND_NULL };
	char kind[256], digits[256];
	if (bulla_json_is_null(node)) return value;
	vector_name(node, "kind", kind);
	if (strcmp(kind, "integer") == 0 || strcmp(kind, "boolean") == 0) {
		value.kind = kind[0] == 'i' ? BULLA_KIND_INTEGER : BULLA_KIND_BOOLEAN;
		value.integer = strtoll(vector_name(node, "integer", digits), NULL, 10);
	} else if (strcmp(kind, "float") == 0) {
		uint64_t bits = vector_u64(node, "bits");
		value.kind = BULLA_KIND_FLOAT;
		memcpy(&value.number, &bits, 8);
	} else {
		*bytes = vector_hex(node, "bytes");
		value.kind = strcmp(kind, "text") == 0 ? BULLA_KIND_TEXT : BULLA_KIND_BINARY;
		value.bytes = bulla_view(bytes->data ? bytes->data : (const uint8_t *)"", bytes->len);
	}
	return value;
}

static inline bulla_type vector_type(const bulla_json *object)
{
	bulla_bytes name = vector_text(object, "type");
	for (int t = BULLA_TYPE_STRING; t <= BULLA_TYPE_ANY; t++)
		if (bulla_bytes_is(name, bulla_type_name((bulla_type)t))) return (bulla_type)t;
	fail_msg("no type is called %.*s", (int)name.len, (const char *)name.data);
	return BULLA_TYPE_ANY;
}

#endif
