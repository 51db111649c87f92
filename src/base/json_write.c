/*
 * json_write.c - JSON out: an emitter that scans for what needs no escape and copies it whole.
 */
#include "base/json.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Everything is written through here; the first failure sticks. */
static void put(bulla_json_writer *w, const void *data, size_t len)
{
	if (w->failed == BULLA_OK) w->failed = bulla_buf_add(w->out, bulla_view(data, len), NULL);
}

static void put_escape(bulla_json_writer *w, uint8_t c)
{
	static const char digits[] = "0123456789abcdef";
	static const char letters[32] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
	if (c >= 0x20)
		put(w, (char[]){ '\\', (char)c }, 2);
	else if (letters[c])
		put(w, (char[]){ '\\', letters[c] }, 2);
	else
		put(w, (char[]){ '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] }, 6);
}

/* Set bits where eight bytes hold a control character, a quote, a backslash or something that is not ASCII. May also
 * mark a byte above one that it marks rightly: "is it zero" is the only question to ask. */
static uint64_t special(uint64_t eight)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
	uint64_t quote = eight ^ (ones * '"'), slash = eight ^ (ones * '\\');
	uint64_t low = eight - ones * 0x20, quotes = quote - ones, slashes = slash - ones;
	return (low | quotes | slashes | eight) & tops;
}

/* How many bytes from `at` on are written as they are. */
static size_t literal_run(bulla_bytes text, size_t at)
{
	size_t i = at;
	while (i < text.len) {
		uint64_t eight;
		if (text.len - i >= sizeof eight) {
			memcpy(&eight, text.data + i, sizeof eight);
			if (special(eight) == 0) {
				i += sizeof eight;
				continue;
			}
		}
		uint8_t c = text.data[i];
		if (c < 0x20 || c == '"' || c == '\\') break;
		size_t n = c < 0x80 ? 1 : bulla_utf8_first(bulla_view(text.data + i, text.len - i));
		if (n == 0) break;
		i += n;
	}
	return i - at;
}

static void put_escaped(bulla_json_writer *w, bulla_bytes text)
{
	put(w, "\"", 1);
	for (size_t i = 0; i < text.len && w->failed == BULLA_OK;) {
		size_t run = literal_run(text, i);
		if (run) put(w, text.data + i, run);
		i += run;
		if (i == text.len) break;
		if (text.data[i] < 0x80)
			put_escape(w, text.data[i]);
		else
			put(w, "\xef\xbf\xbd", 3);
		i++;
	}
	put(w, "\"", 1);
}

/* `before` (0: nothing), the string, `after` (0: nothing). Most strings need no escape: one reservation, one copy. */
static void put_string(bulla_json_writer *w, char before, bulla_bytes text, char after)
{
	size_t size = text.len + 2 + (before != 0) + (after != 0);
	if (w->failed == BULLA_OK) w->failed = bulla_buf_reserve(w->out, size, NULL);
	if (w->failed != BULLA_OK) return;
	uint8_t *at = w->out->data + w->out->len;
	if (before) *at++ = (uint8_t)before;
	if (literal_run(text, 0) == text.len) {
		*at++ = '"';
		if (text.len) memcpy(at, text.data, text.len);
		at += text.len;
		*at++ = '"';
		if (after) *at++ = (uint8_t)after;
		w->out->len = (size_t)(at - w->out->data);
		return;
	}
	w->out->len = (size_t)(at - w->out->data);
	put_escaped(w, text);
	if (after) put(w, &after, 1);
}

/* The comma before a value, and its name. */
static void begin_bytes(bulla_json_writer *w, bulla_bytes name)
{
	char comma = w->comma ? ',' : 0;
	w->comma = true;
	if (name.data)
		put_string(w, comma, name, ':');
	else if (comma)
		put(w, &comma, 1);
}

static void begin(bulla_json_writer *w, const char *name)
{
	begin_bytes(w, bulla_view_str(name));
}

void bulla_json_open(bulla_json_writer *w, const char *name, char bracket)
{
	begin(w, name);
	put(w, &bracket, 1);
	w->comma = false;
}

void bulla_json_close(bulla_json_writer *w, char bracket)
{
	put(w, &bracket, 1);
	w->comma = true;
}

void bulla_json_put_bytes(bulla_json_writer *w, const char *name, bulla_bytes utf8)
{
	begin(w, name);
	put_string(w, 0, utf8, 0);
}

void bulla_json_put_str(bulla_json_writer *w, const char *name, const char *utf8)
{
	begin(w, name);
	if (utf8)
		put_string(w, 0, bulla_view_str(utf8), 0);
	else
		put(w, "null", 4);
}

void bulla_json_put_int(bulla_json_writer *w, const char *name, int64_t value)
{
	char digits[20], *at = digits + sizeof digits;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0) *--at = '-';
	begin(w, name);
	put(w, at, (size_t)(digits + sizeof digits - at));
}

/* The shortest digits that read back as the same number. A locale may print another decimal point: it becomes `.`. */
static size_t number_text(double value, char text[static 40])
{
	char raw[40];
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(raw, sizeof raw, "%.*g", precision, value);
		if (strtod(raw, NULL) == value) break;
	}
	size_t n = 0;
	bool point = false, exponent = false;
	for (const char *p = raw; *p; p++) {
		if (strchr("0123456789+-e", *p)) {
			if (*p == 'e') exponent = true;
			text[n++] = *p;
		} else if (!point) {
			point = true;
			text[n++] = '.';
		}
	}
	if (!point && !exponent) {
		text[n++] = '.';
		text[n++] = '0';
	}
	return n;
}

void bulla_json_put_number(bulla_json_writer *w, const char *name, double value)
{
	char text[40];
	if (!isfinite(value)) {
		bulla_json_put_null(w, name);
		return;
	}
	size_t n = number_text(value, text);
	begin(w, name);
	put(w, text, n);
}

void bulla_json_put_bool(bulla_json_writer *w, const char *name, bool value)
{
	begin(w, name);
	put(w, value ? "true" : "false", value ? 4 : 5);
}

void bulla_json_put_null(bulla_json_writer *w, const char *name)
{
	begin(w, name);
	put(w, "null", 4);
}

/* `encode` appends an alphabet that needs no escape. */
static void put_encoded(bulla_json_writer *w, const char *name, bulla_bytes raw,
			bulla_code (*encode)(bulla_bytes in, bulla_buf *out, bulla_error *err))
{
	begin(w, name);
	put(w, "\"", 1);
	if (w->failed == BULLA_OK) w->failed = encode(raw, w->out, NULL);
	put(w, "\"", 1);
}

void bulla_json_put_hex(bulla_json_writer *w, const char *name, bulla_bytes raw)
{
	put_encoded(w, name, raw, bulla_hex_encode);
}

void bulla_json_put_base64(bulla_json_writer *w, const char *name, bulla_bytes raw)
{
	put_encoded(w, name, raw, bulla_base64_encode);
}

void bulla_json_put_raw(bulla_json_writer *w, const char *name, bulla_bytes json)
{
	begin(w, name);
	put(w, json.data, json.len);
}

void bulla_json_put_pairs(bulla_json_writer *w, const char *name, const bulla_pair *pairs, size_t n)
{
	bulla_json_open(w, name, '{');
	for (size_t i = 0; i < n; i++) {
		begin_bytes(w, pairs[i].name.data ? pairs[i].name : bulla_view("", 0));
		put_string(w, 0, pairs[i].value, 0);
	}
	bulla_json_close(w, '}');
}

/* --- what was read ---------------------------------------------------------------------------------------------- */
static void put_value(bulla_json_writer *w, const bulla_json *node);

/* The name has brought the comma: the value brings none. */
static bool put_member(void *self, bulla_bytes name, const bulla_json *value)
{
	bulla_json_writer *w = self;
	begin_bytes(w, name.data ? name : bulla_view("", 0));
	w->comma = false;
	put_value(w, value);
	return true;
}

static void put_elements(bulla_json_writer *w, const bulla_json *array)
{
	bulla_json_open(w, NULL, '[');
	for (size_t i = 0; i < bulla_json_count(array); i++)
		put_value(w, bulla_json_at(array, i));
	bulla_json_close(w, ']');
}

/* The parser has bounded the depth. */
static void put_value(bulla_json_writer *w, const bulla_json *node)
{
	bulla_bytes text;
	int64_t integer = 0;
	double number = 0;
	bool truth = false;
	if (bulla_json_is_object(node)) {
		bulla_json_open(w, NULL, '{');
		bulla_json_members(node, put_member, w);
		bulla_json_close(w, '}');
	} else if (bulla_json_is_array(node))
		put_elements(w, node);
	else if (bulla_json_string(node, &text))
		bulla_json_put_bytes(w, NULL, text);
	else if (bulla_json_integer(node, &integer))
		bulla_json_put_int(w, NULL, integer);
	else if (bulla_json_number(node, &number))
		bulla_json_put_number(w, NULL, number);
	else if (bulla_json_boolean(node, &truth))
		bulla_json_put_bool(w, NULL, truth);
	else
		bulla_json_put_null(w, NULL);
}

void bulla_json_put_node(bulla_json_writer *w, const char *name, const bulla_json *node)
{
	begin(w, name);
	w->comma = false;
	put_value(w, node);
}

bulla_code bulla_json_end(bulla_json_writer *w, bulla_error *err)
{
	if (w->failed == BULLA_ERR_MEMORY) return bulla_fail_memory(err);
	if (w->failed != BULLA_OK) return bulla_fail(err, w->failed, "a JSON document above its limit");
	return BULLA_OK;
}
