/*
 * text.c - fuzz target: bytes as hexadecimal, base64, UTF-8 and durations.
 */
#include "fuzz.h"

#include "base/text.h"

typedef bulla_code coder(bulla_bytes in, bulla_buf *out, bulla_error *err);

/* There and back; and back and there, where a form has one spelling. */
static void code_both_ways(coder *encode, coder *decode, bool one_spelling, bulla_bytes bytes)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf text = { 0 }, back = { 0 }, raw = { 0 }, again = { 0 };
	fuzz_must(encode(bytes, &text, &err), &err);
	fuzz_must(decode(bulla_view_buf(&text), &back, &err), &err);
	HOLDS(fuzz_same(&back, bytes));
	if (!fuzz_ok(decode(bytes, &raw, &err), &err)) {
		HOLDS(err.code == BULLA_ERR_ENCODING && raw.len == 0);
		return;
	}
	fuzz_must(encode(bulla_view_buf(&raw), &again, &err), &err);
	HOLDS(again.len == bytes.len && (!one_spelling || fuzz_same(&again, bytes)));
}

/* The readers of a fixed size take what the others take. */
static void read_fixed(bulla_bytes bytes)
{
	uint8_t out[BULLA_READ_MAX];
	BULLA_BUF_AUTO bulla_buf hex = { 0 }, base64 = { 0 };
	bool hex_ok = bulla_hex_decode(bytes, &hex, NULL) == BULLA_OK,
	     base64_ok = bulla_base64_decode(bytes, &base64, NULL) == BULLA_OK;
	for (size_t n = 1; n <= BULLA_READ_MAX; n++) {
		HOLDS(bulla_hex_read(bytes, out, n) == (hex_ok && hex.len == n));
		HOLDS(!hex_ok || hex.len != n || memcmp(out, hex.data, n) == 0);
		HOLDS(bulla_base64_read(bytes, out, n) == (base64_ok && base64.len == n));
		HOLDS(!base64_ok || base64.len != n || memcmp(out, base64.data, n) == 0);
	}
}

/* Valid is what is made of code points one after the other. */
static void read_utf8(bulla_bytes bytes)
{
	bulla_bytes rest = bytes;
	size_t points = 0, n;
	for (; (n = bulla_utf8_first(rest)); points++) {
		HOLDS(n <= 4 && n <= rest.len);
		rest = bulla_view(rest.data + n, rest.len - n);
	}
	HOLDS(bulla_utf8_valid(bytes) == (rest.len == 0));
	if (rest.len) return;
	HOLDS(bulla_bytes_equal(bulla_utf8_last(bytes, points), bytes));
	bulla_bytes last = bulla_utf8_last(bytes, 4);
	HOLDS(bulla_utf8_valid(last) && last.len <= 16 && last.len <= bytes.len);
}

static void read_duration(bulla_bytes bytes)
{
	char *text = fuzz_text(bytes);
	int64_t ms = -1;
	HOLDS(!bulla_duration_parse(text, &ms) || ms >= 0);
	free(text);
}

static void print_time(bulla_bytes bytes)
{
	char text[BULLA_TIME_TEXT];
	bulla_cursor in = bulla_cursor_of(bytes);
	HOLDS(strlen(bulla_time_text((int64_t)bulla_cursor_u64(&in), text)) < sizeof text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_bytes bytes = bulla_view(data, size);
	code_both_ways(bulla_hex_encode, bulla_hex_decode, false, bytes);
	code_both_ways(bulla_base64_encode, bulla_base64_decode, true, bytes);
	read_fixed(bytes);
	read_utf8(bytes);
	read_duration(bytes);
	print_time(bytes);
	return 0;
}
