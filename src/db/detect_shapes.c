/*
 * detect_shapes.c - rules of form: how to reach somebody, cards and accounts, machines.
 */
#include "db/detect.h"

#include <string.h>

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

/* --- digits ------------------------------------------------------------------------------------------------------ */

size_t bulla_digits(bulla_bytes text, const char *separators, char out[static 33])
{
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (is_digit(text.data[i]) && n < 32)
			out[n++] = (char)text.data[i];
		else if (!text.data[i] || !strchr(separators, text.data[i]))
			return 0;
	}
	out[n] = 0;
	return n;
}

bool bulla_luhn(const char *digits, size_t n)
{
	unsigned sum = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)(digits[n - 1 - i] - '0') << (i & 1);
		sum += d > 9 ? d - 9 : d;
	}
	return n > 1 && sum % 10 == 0;
}

bool bulla_digits_vary(const char *digits, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (digits[i] != digits[0]) return true;
	return false;
}

static unsigned number_at(const char *digits, size_t n)
{
	unsigned value = 0;
	for (size_t i = 0; i < n; i++)
		value = value * 10 + (unsigned)(digits[i] - '0');
	return value;
}

/* --- e-mail ------------------------------------------------------------------------------------------------------ */

static bool is_host(bulla_bytes host)
{
	size_t label = 0, labels = 0;
	for (size_t i = 0; i < host.len; i++) {
		uint8_t c = host.data[i];
		if (c == '.') {
			if (!label || host.data[i - 1] == '-') return false;
			label = 0;
			labels++;
		} else if (is_letter(c) || is_digit(c) || c >= 0x80 || (c == '-' && label)) {
			label++;
		} else {
			return false;
		}
	}
	return labels && label >= 2 && label <= 63 && !is_digit(host.data[host.len - 1]);
}

/* What addresses in use look like (RFC 5321, 4.1.2, without quoted names and address literals). */
bool bulla_is_email(bulla_bytes text)
{
	const uint8_t *at = text.len ? memchr(text.data, '@', text.len) : NULL;
	size_t local = at ? (size_t)(at - text.data) : 0;
	if (local == 0 || local > 64 || text.len > 254) return false;
	for (size_t i = 0; i < local; i++) {
		uint8_t c = text.data[i];
		bool dot = c == '.' && i && i + 1 < local && text.data[i - 1] != '.';
		if (!dot && !is_letter(c) && !is_digit(c) && c < 0x80 && (!c || !strchr("!#$%&'*+-/=?^_`{|}~", c))) return false;
	}
	return is_host(bulla_view(at + 1, text.len - local - 1));
}

/* --- telephone --------------------------------------------------------------------------------------------------- */

/* ITU-T E.164: at most 15 digits with the country code, which does not begin with 0. */
bool bulla_is_international_phone(bulla_bytes text)
{
	char digits[33];
	if (text.len < 8 || text.data[0] != '+') return false;
	size_t n = bulla_digits(bulla_view(text.data + 1, text.len - 1), " -./()", digits);
	return n >= 7 && n <= 15 && digits[0] != '0' && bulla_digits_vary(digits, n);
}

bool bulla_is_phone(bulla_bytes text)
{
	char digits[33];
	if (text.len && text.data[0] == '+') text = bulla_view(text.data + 1, text.len - 1);
	for (size_t i = 0; i < text.len; i++) /* an extension at the end */
		if (i > 6 && (text.data[i] | 32) == 'x') text.len = i;
	size_t n = bulla_digits(text, " -./()", digits);
	return n >= 6 && n <= 15 && bulla_digits_vary(digits, n);
}

/* --- cards, accounts --------------------------------------------------------------------------------------------- */

bool bulla_is_card(bulla_bytes text)
{
	char digits[33];
	size_t n = bulla_digits(text, " -", digits);
	return n >= 12 && n <= 19 && bulla_digits_vary(digits, n) && bulla_luhn(digits, n);
}

/* Prefixes and lengths that the networks give out (ISO/IEC 7812 and the networks' own tables). */
static const struct {
	unsigned digits, from, to, shortest, longest;
} networks[] = {
	{ 1, 4, 4, 16, 16 },       /* Visa */
	{ 2, 51, 55, 16, 16 },     /* Mastercard */
	{ 4, 2221, 2720, 16, 16 }, /* Mastercard */
	{ 2, 34, 34, 15, 15 },     /* American Express */
	{ 2, 37, 37, 15, 15 },     /* American Express */
	{ 3, 300, 305, 14, 14 },   /* Diners Club */
	{ 2, 36, 36, 14, 14 },     /* Diners Club */
	{ 2, 38, 39, 16, 16 },     /* Diners Club */
	{ 4, 6011, 6011, 16, 19 }, /* Discover */
	{ 3, 644, 659, 16, 19 },   /* Discover */
	{ 4, 3528, 3589, 16, 19 }, /* JCB */
	{ 2, 62, 62, 16, 19 },     /* UnionPay */
	{ 4, 5018, 5038, 12, 19 }, /* Maestro */
	{ 4, 6304, 6304, 12, 19 }, /* Maestro */
	{ 4, 6759, 6763, 12, 19 }, /* Maestro */
	{ 4, 2200, 2204, 16, 19 }, /* Mir */
};

bool bulla_is_issued_card(bulla_bytes text)
{
	char digits[33];
	size_t n = bulla_digits(text, " -", digits);
	if (!bulla_is_card(text)) return false;
	for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
		unsigned prefix = number_at(digits, networks[i].digits);
		if (prefix >= networks[i].from && prefix <= networks[i].to && n >= networks[i].shortest &&
		    n <= networks[i].longest)
			return true;
	}
	return false;
}

/* ISO 13616-1: country, two check digits, up to 30 letters and digits; the whole, its first four at the end and letters as 10
 * to 35, leaves 1 modulo 97. */
bool bulla_is_iban(bulla_bytes text)
{
	char compact[35];
	size_t n = 0;
	unsigned rest = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (c == ' ') continue;
		if (n == sizeof compact - 1 || !(is_digit(c) || is_letter(c))) return false;
		compact[n++] = (char)(is_digit(c) ? c : c & ~32);
	}
	if (n < 15 || !is_letter((uint8_t)compact[0]) || !is_letter((uint8_t)compact[1]) || !is_digit((uint8_t)compact[2]) ||
	    !is_digit((uint8_t)compact[3]))
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = compact[(i + 4) % n];
		rest = is_digit((uint8_t)c) ? rest * 10 + (unsigned)(c - '0') : rest * 100 + (unsigned)(c - 'A' + 10);
		rest %= 97;
	}
	return rest == 1;
}

/* --- machines ---------------------------------------------------------------------------------------------------- */

static bool is_ip4(bulla_bytes text)
{
	unsigned parts = 0, value = 0, digits = 0;
	for (size_t i = 0; i <= text.len; i++) {
		uint8_t c = i < text.len ? text.data[i] : '.';
		if (c == '.') {
			if (!digits || value > 255) return false;
			parts++;
			value = digits = 0;
		} else if (is_digit(c) && digits < 3 && !(digits && value == 0)) {
			value = value * 10 + (unsigned)(c - '0');
			digits++;
		} else {
			return false;
		}
	}
	return parts == 4;
}

/* RFC 4291, 2.2: eight groups, or fewer and one "::"; the last two may be written as an IPv4 address. */
static bool is_ip6(bulla_bytes text)
{
	unsigned groups = 0, digits = 0;
	bool gap = false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (c == ':') {
			bool twice = i + 1 < text.len && text.data[i + 1] == ':';
			if (!digits && !twice && !(i && text.data[i - 1] == ':')) return false;
			if (twice && gap) return false;
			gap |= twice;
			groups += digits > 0;
			digits = 0;
		} else if (c == '.') {
			bulla_bytes tail = bulla_view(text.data + i - digits, text.len - i + digits);
			return is_ip4(tail) && (gap ? groups <= 5 : groups == 6);
		} else if ((is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f')) && digits < 4) {
			digits++;
		} else {
			return false;
		}
	}
	groups += digits > 0;
	return gap ? groups >= 1 && groups <= 7 : groups == 8;
}

/* Also with the length of a network behind it. */
bool bulla_is_ip(bulla_bytes text)
{
	char digits[33];
	const uint8_t *slash = text.len ? memchr(text.data, '/', text.len) : NULL;
	if (slash) {
		size_t length = (size_t)(slash - text.data),
		       n = bulla_digits(bulla_view(slash + 1, text.len - length - 1), "", digits);
		if (n == 0 || n > 3 || number_at(digits, n) > 128) return false;
		text.len = length;
	}
	return text.len >= 3 && text.len <= 45 && (is_ip4(text) || is_ip6(text));
}

/* IEEE 802: six octets, with : or - between them. */
bool bulla_is_mac(bulla_bytes text)
{
	if (text.len != 17 || (text.data[2] != ':' && text.data[2] != '-')) return false;
	for (size_t i = 0; i < 17; i++) {
		uint8_t c = text.data[i];
		bool hex = is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
		if (i % 3 == 2 ? c != text.data[2] : !hex) return false;
	}
	return true;
}

bool bulla_is_imei(bulla_bytes text) /* 3GPP TS 23.003, 6.2.1 */
{
	char digits[33];
	return bulla_digits(text, " -/", digits) == 15 && bulla_digits_vary(digits, 15) && bulla_luhn(digits, 15);
}
