/*
 * json_parse.c - from JSON text to jansson's values.
 *
 * The values are jansson's, the reading is ours: jansson's own reader takes no notice of an allocation that fails while a token grows, and then
 * ends the process, reads past the token, or delivers another text than was written. Here each allocation is checked.
 */
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX  64
#define NUMBER_MAX 512 /* characters */

typedef struct reader {
	bulla_bytes text;
	size_t at;
	unsigned depth;
	bulla_buf scratch; /* a string whose escapes are resolved */
	bulla_error *err;
} reader;

/* --- errors ------------------------------------------------------------------------------------------------------ */

/* The line, and how many characters of it have been read. What was read is never quoted: it may hold a secret. */
static bulla_code fail(const reader *r, const char *cause)
{
	size_t line = 1, column = 0;
	for (size_t i = 0; i < r->at; i++) {
		if (r->text.data[i] == '\n') {
			line++;
			column = 0;
		} else if ((r->text.data[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	return bulla_fail(r->err, BULLA_ERR_FORMAT, "JSON: line %zu, column %zu: %s", line, column, cause);
}

/* At a place where something else should stand. */
static bulla_code fail_here(const reader *r)
{
	bulla_bytes rest = bulla_view(r->text.data + r->at, r->text.len - r->at);
	if (rest.len == 0) return fail(r, "the document ends too early");
	return fail(r, bulla_utf8_first(rest) ? "invalid syntax" : "invalid UTF-8");
}

/* --- characters -------------------------------------------------------------------------------------------------- */

/* The next byte, -1 at the end. */
static int peek(const reader *r)
{
	return r->at < r->text.len ? r->text.data[r->at] : -1;
}

static bool accept(reader *r, char c)
{
	if (peek(r) != (unsigned char)c) return false;
	r->at++;
	return true;
}

static void skip_blanks(reader *r)
{
	while (accept(r, ' ') || accept(r, '\t') || accept(r, '\n') || accept(r, '\r'))
		;
}

static size_t skip_digits(reader *r)
{
	size_t from = r->at;
	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	return r->at - from;
}

/* --- strings ----------------------------------------------------------------------------------------------------- */

static bool read_unit(reader *r, unsigned *ret)
{
	uint8_t raw[2];
	if (r->text.len - r->at < 4 || !bulla_hex_read(bulla_view(r->text.data + r->at, 4), raw, sizeof raw)) return false;
	*ret = (unsigned)raw[0] << 8 | raw[1];
	r->at += 4;
	return true;
}

static bulla_code add_code_point(reader *r, unsigned c)
{
	uint8_t out[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t first[] = { 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (uint8_t)(0x80 | (c & 0x3f));
	out[0] = (uint8_t)(first[n - 1] | c);
	return bulla_buf_add(&r->scratch, bulla_view(out, n), r->err);
}

/* Behind "\u": a character, or the first half of one whose other half must follow. */
static bulla_code read_code_point(reader *r)
{
	unsigned c = 0, low = 0;
	if (!read_unit(r, &c) || (c >= 0xdc00 && c <= 0xdfff)) return fail_here(r);
	if (c < 0xd800 || c > 0xdbff) return add_code_point(r, c);
	if (!accept(r, '\\') || !accept(r, 'u') || !read_unit(r, &low) || low < 0xdc00 || low > 0xdfff) return fail_here(r);
	return add_code_point(r, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
}

static bulla_code read_escape(reader *r)
{
	static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	if (accept(r, 'u')) return read_code_point(r);
	const char *found = peek(r) > 0 ? strchr(names, peek(r)) : NULL;
	if (!found) return fail_here(r);
	r->at++;
	return bulla_buf_add_u8(&r->scratch, (uint8_t)meant[found - names], r->err);
}

/* Up to the next quote or backslash. */
static bulla_code skip_plain(reader *r)
{
	for (int c; (c = peek(r)) != '"' && c != '\\';) {
		size_t n = c >= 0x20 && c < 0x80 ? 1 : bulla_utf8_first(bulla_view(r->text.data + r->at, r->text.len - r->at));
		if (c < 0x20 || n == 0) return fail_here(r);
		r->at += n;
	}
	return BULLA_OK;
}

/* Behind the first quote; the view holds until the next string is read. */
static bulla_code read_string(reader *r, bulla_bytes *ret)
{
	size_t from = r->at;
	bool escaped = false;
	bulla_buf_clear(&r->scratch);
	for (;;) {
		TRY(skip_plain(r));
		*ret = bulla_view(r->text.data + from, r->at - from);
		if (accept(r, '"')) break;
		TRY(bulla_buf_add(&r->scratch, *ret, r->err));
		escaped = true;
		r->at++;
		TRY(read_escape(r));
		from = r->at;
	}
	if (!escaped) return BULLA_OK;
	TRY(bulla_buf_add(&r->scratch, *ret, r->err));
	*ret = bulla_view_buf(&r->scratch);
	return BULLA_OK;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static bulla_code made(const reader *r, json_t *value, json_t **ret)
{
	*ret = value;
	return value ? BULLA_OK : bulla_fail_memory(r->err);
}

/* strtod() reads the decimal point of the process's locale, which may take several bytes. */
static bulla_code read_real(reader *r, const char *text, size_t point, json_t **ret)
{
	BULLA_BUF_AUTO bulla_buf local = { 0 };
	char half[16];
	const char *end = text + strlen(text);
	size_t n = (size_t)snprintf(half, sizeof half, "%.1f", 0.5);
	TRY(bulla_buf_add(&local, bulla_view(text, point), r->err));
	if (text[point] == '.') TRY(bulla_buf_add(&local, bulla_view(half + 1, n - 2), r->err));
	if (text[point] == '.') point++;
	TRY(bulla_buf_add(&local, bulla_view(text + point, (size_t)(end - text) - point), r->err));
	TRY(bulla_buf_terminate(&local, r->err));
	double value = strtod((const char *)local.data, NULL);
	return isfinite(value) ? made(r, json_real(value), ret) : fail(r, "a number out of range");
}

static bool skip_number(reader *r, bool *ret_whole)
{
	*ret_whole = true;
	(void)accept(r, '-');
	if (!accept(r, '0') && !skip_digits(r)) return false;
	if (accept(r, '.')) {
		*ret_whole = false;
		if (!skip_digits(r)) return false;
	}
	if (!accept(r, 'e') && !accept(r, 'E')) return true;
	*ret_whole = false;
	if (!accept(r, '+')) (void)accept(r, '-');
	return skip_digits(r) > 0;
}

static bulla_code read_number(reader *r, json_t **ret)
{
	size_t from = r->at;
	char text[NUMBER_MAX + 1];
	bool whole;
	if (!skip_number(r, &whole)) return fail_here(r);
	size_t n = r->at - from;
	if (n > NUMBER_MAX) return fail(r, "a number of too many digits");
	memcpy(text, r->text.data + from, n);
	text[n] = 0;
	if (!whole) return read_real(r, text, strcspn(text, "."), ret);
	errno = 0;
	long long value = strtoll(text, NULL, 10);
	return errno ? fail(r, "a number out of range") : made(r, json_integer(value), ret);
}

static bulla_code read_word(reader *r, json_t **ret)
{
	static const struct {
		const char *name;
		json_t *(*make)(void);
	} words[] = { { "true", json_true }, { "false", json_false }, { "null", json_null } };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i].name);
		if (r->text.len - r->at < n || memcmp(r->text.data + r->at, words[i].name, n) != 0) continue;
		r->at += n;
		return made(r, words[i].make(), ret);
	}
	return fail_here(r);
}

static bulla_code read_value(reader *r, json_t **ret);

static bulla_code read_item(reader *r, json_t *array)
{
	json_t *item;
	TRY(read_value(r, &item));
	return json_array_append_new(array, item) ? bulla_fail_memory(r->err) : BULLA_OK;
}

/* Another string may be read before the name is needed again. */
static bulla_code keep(const reader *r, bulla_bytes *name, bulla_buf *copy)
{
	if (name->data != r->scratch.data) return BULLA_OK;
	TRY(bulla_buf_add(copy, *name, r->err));
	*name = bulla_view_buf(copy);
	return BULLA_OK;
}

static bulla_code read_member(reader *r, json_t *object)
{
	bulla_bytes name;
	json_t *value;
	BULLA_BUF_AUTO bulla_buf copy = { 0 };
	skip_blanks(r);
	if (!accept(r, '"')) return fail_here(r);
	TRY(read_string(r, &name));
	if (name.len && memchr(name.data, 0, name.len)) return fail(r, "a name with a NUL in it");
	if (json_object_getn(object, (const char *)name.data, name.len)) return fail(r, "a name that occurs twice in one object");
	TRY(keep(r, &name, &copy));
	skip_blanks(r);
	if (!accept(r, ':')) return fail_here(r);
	TRY(read_value(r, &value));
	bool added = json_object_setn_new_nocheck(object, (const char *)name.data, name.len, value) == 0;
	return added ? BULLA_OK : bulla_fail_memory(r->err);
}

static bulla_code read_members(reader *r, json_t *parent, char end, bulla_code (*next)(reader *r, json_t *parent))
{
	if (++r->depth > DEPTH_MAX) return bulla_fail(r->err, BULLA_ERR_FORMAT, "JSON: more than %d levels", DEPTH_MAX);
	skip_blanks(r);
	for (bool first = true; !accept(r, end); first = false) {
		if (!first && !accept(r, ',')) return fail_here(r);
		TRY(next(r, parent));
		skip_blanks(r);
	}
	r->depth--;
	return BULLA_OK;
}

static bulla_code read_collection(reader *r, json_t **ret)
{
	bool object = accept(r, '{');
	if (!object) r->at++;
	TRY(made(r, object ? json_object() : json_array(), ret));
	bulla_code code = read_members(r, *ret, object ? '}' : ']', object ? read_member : read_item);
	if (code) json_decref(*ret);
	return code;
}

static bulla_code read_value(reader *r, json_t **ret)
{
	bulla_bytes text;
	skip_blanks(r);
	int c = peek(r);
	if (c == '{' || c == '[') return read_collection(r, ret);
	if (c == '-' || (c >= '0' && c <= '9')) return read_number(r, ret);
	if (!accept(r, '"')) return read_word(r, ret);
	TRY(read_string(r, &text));
	return made(r, json_stringn_nocheck((const char *)text.data, text.len), ret);
}

bulla_code bulla_json_parse(bulla_bytes text, bulla_json **out, bulla_error *err)
{
	if (text.len > BULLA_JSON_MAX) return bulla_fail(err, BULLA_ERR_LIMIT, "JSON of more than %u bytes", BULLA_JSON_MAX);
	reader r = { .text = bulla_view(text.len ? text.data : (const uint8_t *)"", text.len), .err = err };
	json_t *root = NULL;
	bulla_code code = read_value(&r, &root);
	if (!code) {
		skip_blanks(&r);
		if (peek(&r) != -1) code = fail(&r, "bytes after the document");
		if (code) json_decref(root);
	}
	bulla_buf_done(&r.scratch);
	if (!code) *out = (bulla_json *)root;
	return code;
}
