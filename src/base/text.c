/*
 * text.c - hexadecimal, base64, UTF-8, points in time and durations.
 */
#include "base/text.h"
#include "base/secret.h"

#include <stdio.h>
#include <time.h>

/* --- hexadecimal -------------------------------------------------------------------------------------------------------- */

bulla_code bulla_hex_encode(bulla_bytes in, bulla_buf *out, bulla_error *err)
{
	static const char digits[] = "0123456789abcdef";
	if (in.len > SIZE_MAX / 2) return bulla_fail(err, BULLA_ERR_LIMIT, "too long for hexadecimal");
	TRY(bulla_buf_reserve(out, in.len * 2, err));
	uint8_t *at = out->data + out->len;
	for (size_t i = 0; i < in.len; i++) {
		*at++ = (uint8_t)digits[in.data[i] >> 4];
		*at++ = (uint8_t)digits[in.data[i] & 15];
	}
	out->len += in.len * 2;
	return BULLA_OK;
}

/* 0..15, or 255. Arithmetic, not a table: what is decoded may be a key. */
static uint8_t hex_digit(uint8_t c)
{
	uint8_t digit = (uint8_t)(c - '0'), letter = (uint8_t)((c | 0x20) - 'a');
	if (digit < 10) return digit;
	return letter < 6 ? (uint8_t)(letter + 10) : 255;
}

bulla_code bulla_hex_decode(bulla_bytes in, bulla_buf *out, bulla_error *err)
{
	if (in.len % 2) return bulla_fail(err, BULLA_ERR_ENCODING, "hexadecimal with an odd number of digits");
	TRY(bulla_buf_reserve(out, in.len / 2, err));
	uint8_t *at = out->data + out->len;
	uint8_t bad = 0;
	for (size_t i = 0; i < in.len; i += 2) {
		uint8_t high = hex_digit(in.data[i]), low = hex_digit(in.data[i + 1]);
		bad = (uint8_t)(bad | ((high | low) & 0xf0));
		*at++ = (uint8_t)((high << 4) | (low & 15));
	}
	if (bad) return bulla_fail(err, BULLA_ERR_ENCODING, "a character that is no hexadecimal digit");
	out->len += in.len / 2;
	return BULLA_OK;
}

/* --- base64 ------------------------------------------------------------------------------------------------------------- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64_quad(const uint8_t *in, size_t n, uint8_t out[static 4])
{
	uint32_t bits = (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0) | (n > 2 ? in[2] : 0);
	out[0] = (uint8_t)alphabet[bits >> 18];
	out[1] = (uint8_t)alphabet[bits >> 12 & 63];
	out[2] = n > 1 ? (uint8_t)alphabet[bits >> 6 & 63] : '=';
	out[3] = n > 2 ? (uint8_t)alphabet[bits & 63] : '=';
}

bulla_code bulla_base64_encode(bulla_bytes in, bulla_buf *out, bulla_error *err)
{
	if (in.len > SIZE_MAX / 2) return bulla_fail(err, BULLA_ERR_LIMIT, "too long for base64");
	size_t size = (in.len + 2) / 3 * 4;
	TRY(bulla_buf_reserve(out, size, err));
	uint8_t *at = out->data + out->len;
	for (size_t i = 0; i < in.len; i += 3, at += 4)
		base64_quad(in.data + i, in.len - i < 3 ? in.len - i : 3, at);
	out->len += size;
	return BULLA_OK;
}

/* 0..63, or 255. */
static uint8_t base64_digit(uint8_t c)
{
	uint8_t upper = (uint8_t)(c - 'A'), lower = (uint8_t)(c - 'a'), digit = (uint8_t)(c - '0');
	if (upper < 26) return upper;
	if (lower < 26) return (uint8_t)(lower + 26);
	if (digit < 10) return (uint8_t)(digit + 52);
	return c == '+' ? 62 : c == '/' ? 63 : 255;
}

/* Decodes one group of `n` digits (2..4) into n-1 bytes; false for a foreign character or stray bits at the end. */
static bool base64_group(const uint8_t *in, size_t n, uint8_t *out)
{
	uint32_t bits = 0;
	for (size_t i = 0; i < 4; i++) {
		uint8_t digit = i < n ? base64_digit(in[i]) : 0;
		if (digit == 255) return false;
		bits = bits << 6 | digit;
	}
	if ((n == 2 && bits & 0xffff) || (n == 3 && bits & 0xff)) return false;
	for (size_t i = 0; i + 1 < n; i++)
		out[i] = (uint8_t)(bits >> (16 - 8 * i));
	return true;
}

bulla_code bulla_base64_decode(bulla_bytes in, bulla_buf *out, bulla_error *err)
{
	if (in.len % 4) return bulla_fail(err, BULLA_ERR_ENCODING, "base64 whose length is no multiple of 4");
	size_t padding = 0;
	if (in.len && in.data[in.len - 1] == '=') padding = in.data[in.len - 2] == '=' ? 2 : 1;
	size_t digits = in.len - padding;
	TRY(bulla_buf_reserve(out, in.len / 4 * 3, err));
	uint8_t *at = out->data + out->len;
	for (size_t i = 0; i < digits; i += 4) {
		size_t n = digits - i < 4 ? digits - i : 4;
		if (!base64_group(in.data + i, n, at))
			return bulla_fail(err, BULLA_ERR_ENCODING, "base64 that is not well-formed");
		at += n - 1;
	}
	out->len = (size_t)(at - out->data);
	return BULLA_OK;
}

/* --- of a size that is known -------------------------------------------------------------------------------------------- */

/* Into a buffer that lies on the stack, and is too small to need another. */
static bool read_exactly(bulla_code (*decode)(bulla_bytes in, bulla_buf *out, bulla_error *err), bulla_bytes in, void *out,
			 size_t n)
{
	uint8_t room[BULLA_READ_MAX + 2];
	bulla_buf whole = { .data = room, .cap = sizeof room, .max = sizeof room };
	bool good = n <= BULLA_READ_MAX && decode(in, &whole, NULL) == BULLA_OK && whole.len == n;
	if (good) memcpy(out, room, n);
	bulla_wipe(room, sizeof room);
	return good;
}

bool bulla_hex_read(bulla_bytes in, void *out, size_t n)
{
	return read_exactly(bulla_hex_decode, in, out, n);
}

bool bulla_base64_read(bulla_bytes in, void *out, size_t n)
{
	return read_exactly(bulla_base64_decode, in, out, n);
}

/* --- UTF-8 -------------------------------------------------------------------------------------------------------------- */

static bool continues(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* Table 3-7 of the Unicode standard: the second byte's range depends on the first. */
size_t bulla_utf8_first(bulla_bytes text)
{
	if (text.len == 0) return 0;
	const uint8_t *p = text.data;
	if (p[0] < 0x80) return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || text.len < 2 || !continues(p[1])) return 0;
	if (p[0] < 0xe0) return 2;
	if (p[0] < 0xf0) {
		if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)) return 0;
		return text.len >= 3 && continues(p[2]) ? 3 : 0;
	}
	if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) return 0;
	return text.len >= 4 && continues(p[2]) && continues(p[3]) ? 4 : 0;
}

bool bulla_utf8_valid(bulla_bytes text)
{
	for (size_t i = 0; i < text.len;) {
		uint64_t eight;
		if (text.len - i >= sizeof eight) {
			memcpy(&eight, text.data + i, sizeof eight);
			if ((eight & 0x8080808080808080u) == 0) {
				i += sizeof eight;
				continue;
			}
		}
		size_t n = text.data[i] < 0x80 ? 1 : bulla_utf8_first(bulla_view(text.data + i, text.len - i));
		if (n == 0) return false;
		i += n;
	}
	return true;
}

bulla_bytes bulla_utf8_last(bulla_bytes text, size_t n)
{
	size_t at = text.len;
	while (n > 0 && at > 0) {
		at--;
		if (!continues(text.data[at])) n--;
	}
	return at ? bulla_view(text.data + at, text.len - at) : text;
}

/* --- durations ---------------------------------------------------------------------------------------------------------- */

bool bulla_duration_parse(const char *text, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} rows[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
	int64_t n = 0, ms;
	const char *at = text;
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *at - '0', &n)) return false;
	if (at == text) return false;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strcmp(at, rows[i].unit) != 0) continue;
		if (__builtin_mul_overflow(n, rows[i].ms, &ms)) return false;
		*ret_ms = ms;
		return true;
	}
	return false;
}

const char *bulla_time_text(int64_t time_us, char out[static BULLA_TIME_TEXT])
{
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm utc;
	if (time_us == 0 || !gmtime_r(&seconds, &utc) || strftime(out, BULLA_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		(void)snprintf(out, BULLA_TIME_TEXT, "never");
	return out;
}

/* `n` digits as a number; -1 where they are none. */
static int digits_at(const uint8_t *at, int n)
{
	int value = 0;
	for (int i = 0; i < n; i++) {
		if (at[i] < '0' || at[i] > '9') return -1;
		value = value * 10 + (at[i] - '0');
	}
	return value;
}

/* Microseconds of ".000001Z" or "Z"; -1 for anything else. */
static int fraction_of(bulla_bytes rest)
{
	if (rest.len == 1 && rest.data[0] == 'Z') return 0;
	return rest.len == 8 && rest.data[0] == '.' && rest.data[7] == 'Z' ? digits_at(rest.data + 1, 6) : -1;
}

bool bulla_time_read(bulla_bytes text, int64_t *ret_us)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	const size_t whole = sizeof form - 1;
	struct tm utc = { 0 };
	if (text.len <= whole) return false;
	for (size_t i = 0; i < whole; i++)
		if (form[i] == 'd' ? digits_at(text.data + i, 1) < 0 : text.data[i] != (uint8_t)form[i]) return false;
	int fraction = fraction_of(bulla_view(text.data + whole, text.len - whole));
	utc.tm_year = digits_at(text.data, 4) - 1900;
	utc.tm_mon = digits_at(text.data + 5, 2) - 1;
	utc.tm_mday = digits_at(text.data + 8, 2);
	utc.tm_hour = digits_at(text.data + 11, 2);
	utc.tm_min = digits_at(text.data + 14, 2);
	utc.tm_sec = digits_at(text.data + 17, 2);
	struct tm same = utc; /* timegm() takes the 31st of April for the 1st of May */
	time_t seconds = timegm(&same);
	if (fraction < 0 || utc.tm_year < 70 || same.tm_mon != utc.tm_mon || same.tm_mday != utc.tm_mday ||
	    same.tm_hour != utc.tm_hour || same.tm_min != utc.tm_min || same.tm_sec != utc.tm_sec)
		return false;
	*ret_us = (int64_t)seconds * 1000000 + fraction;
	return true;
}
