/*
 * policy_value.c - reads numbers, points in time, booleans and addresses.
 */
#include "kms/policy_value.h"

#define DIGITS_MAX 15 /* all of them exact in a double */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Takes `c` off the front. */
static bool skip(bulla_bytes *rest, char c)
{
	if (rest->len == 0 || rest->data[0] != (uint8_t)c) return false;
	*rest = bulla_view(rest->data + 1, rest->len - 1);
	return true;
}

/* Takes the digits at the front into `value`; how many there were. More than DIGITS_MAX are left there, so that what follows fails. */
static size_t take_digits(bulla_bytes *rest, uint64_t *value)
{
	size_t n = 0;
	for (; n < rest->len && n < DIGITS_MAX && is_digit(rest->data[n]); n++)
		*value = *value * 10 + (uint64_t)(rest->data[n] - '0');
	*rest = bulla_view(rest->data + n, rest->len - n);
	return n;
}

/* Exactly `n` digits. */
static bool take_field(bulla_bytes *rest, size_t n, int64_t least, int64_t most, int64_t *out)
{
	if (rest->len < n) return false;
	bulla_bytes field = bulla_view(rest->data, n);
	uint64_t value = 0;
	if (take_digits(&field, &value) != n || (int64_t)value < least || (int64_t)value > most) return false;
	*out = (int64_t)value;
	*rest = bulla_view(rest->data + n, rest->len - n);
	return true;
}

/* --- numbers, booleans ----------------------------------------------------------------------------------------- */
bool bulla_policy_number(bulla_bytes text, double *out)
{
	static const double tens[DIGITS_MAX + 1] = { 1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
						     1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	bool negative = skip(&text, '-');
	uint64_t digits = 0;
	size_t whole = take_digits(&text, &digits), fraction = 0;
	if (whole == 0) return false;
	if (skip(&text, '.') && (fraction = take_digits(&text, &digits)) == 0) return false;
	if (text.len || whole + fraction > DIGITS_MAX) return false;
	double value = (double)digits / tens[fraction];
	*out = negative ? -value : value;
	return true;
}

bool bulla_policy_flag(bulla_bytes text, bool *out)
{
	bool yes = bulla_bytes_equal_fold(text, bulla_view_str("true"));
	if (!yes && !bulla_bytes_equal_fold(text, bulla_view_str("false"))) return false;
	*out = yes;
	return true;
}

/* --- time ------------------------------------------------------------------------------------------------------ */
/* Of the Gregorian calendar, since 1970; years run from March here, so that a leap day is the last of its year. */
static int64_t days_before(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t from_march = (month + 9) % 12;
	int64_t of_year = (153 * from_march + 2) / 5 + day - 1;
	return year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719468;
}

static bool take_date(bulla_bytes *rest, int64_t *days, bool *whole)
{
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t year = 0, month = 1, day = 1;
	if (!take_field(rest, 4, 1970, 9999, &year)) return false;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (skip(rest, '-')) {
		if (!take_field(rest, 2, 1, 12, &month)) return false;
		*whole = skip(rest, '-');
		if (*whole && !take_field(rest, 2, 1, lengths[month - 1] + (leap && month == 2), &day)) return false;
	}
	*days = days_before(year, month, day);
	return true;
}

/* Digits behind the sixth are dropped. */
static bool take_fraction(bulla_bytes *rest, int64_t *us)
{
	int64_t unit = 100000;
	size_t n = 0;
	for (; n < rest->len && is_digit(rest->data[n]); n++, unit /= 10)
		*us += unit * (rest->data[n] - '0');
	*rest = bulla_view(rest->data + n, rest->len - n);
	return n > 0;
}

static bool take_clock(bulla_bytes *rest, int64_t *us)
{
	int64_t hours = 0, minutes = 0, seconds = 0, fraction = 0;
	if (!take_field(rest, 2, 0, 23, &hours) || !skip(rest, ':') || !take_field(rest, 2, 0, 59, &minutes)) return false;
	if (skip(rest, ':')) {
		if (!take_field(rest, 2, 0, 59, &seconds)) return false;
		if (skip(rest, '.') && !take_fraction(rest, &fraction)) return false;
	}
	*us = ((hours * 60 + minutes) * 60 + seconds) * 1000000 + fraction;
	return true;
}

static bool take_zone(bulla_bytes *rest, int64_t *us)
{
	int64_t hours = 0, minutes = 0;
	if (skip(rest, 'Z')) return true;
	bool west = skip(rest, '-');
	if (!west && !skip(rest, '+')) return false;
	if (!take_field(rest, 2, 0, 14, &hours) || !skip(rest, ':') || !take_field(rest, 2, 0, 59, &minutes)) return false;
	*us = (hours * 60 + minutes) * 60 * 1000000 * (west ? -1 : 1);
	return true;
}

static bool iso_time(bulla_bytes text, int64_t *out_us)
{
	int64_t days = 0, clock = 0, zone = 0;
	bool whole = false;
	if (!take_date(&text, &days, &whole)) return false;
	if (text.len && (!whole || !skip(&text, 'T') || !take_clock(&text, &clock) || !take_zone(&text, &zone))) return false;
	*out_us = days * INT64_C(86400000000) + clock - zone;
	return text.len == 0;
}

bool bulla_policy_time(bulla_bytes text, int64_t *out_us)
{
	int64_t us = 0;
	double seconds = 0;
	bool iso = iso_time(text, &us), year = text.len == 4 && !memchr(text.data, '.', 4);
	/* 253402300800 is the year 10000 */
	if (!iso && (year || !bulla_policy_number(text, &seconds) || seconds < 0 || seconds >= 253402300800.0)) return false;
	*out_us = iso ? us : (int64_t)(seconds * 1e6);
	return true;
}

static void put_field(char *out, size_t n, int64_t value)
{
	for (; n > 0; n--, value /= 10)
		out[n - 1] = (char)('0' + value % 10);
}

/* gmtime_r takes a lock that all threads share. */
void bulla_policy_time_print(int64_t time_us, char out[static BULLA_POLICY_TIME_TEXT])
{
	int64_t seconds = time_us < 0 ? 0 : time_us / 1000000, days = seconds / 86400, year = 1970 + days / 366, month = 1;
	while (days_before(year + 1, 1, 1) <= days)
		year++;
	while (month < 12 && days_before(year, month + 1, 1) <= days)
		month++;
	memcpy(out, "0000-00-00T00:00:00Z", BULLA_POLICY_TIME_TEXT);
	put_field(out, 4, year);
	put_field(out + 5, 2, month);
	put_field(out + 8, 2, days - days_before(year, month, 1) + 1);
	put_field(out + 11, 2, seconds / 3600 % 24);
	put_field(out + 14, 2, seconds / 60 % 60);
	put_field(out + 17, 2, seconds % 60);
}

/* --- addresses ------------------------------------------------------------------------------------------------- */
static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* One to `most` digits without a leading zero. */
static bool take_decimal(bulla_bytes *rest, uint64_t most, uint64_t *out)
{
	const uint8_t *first = rest->data;
	uint64_t value = 0;
	size_t n = take_digits(rest, &value);
	if (n == 0 || n > 3 || value > most || (n > 1 && *first == '0')) return false;
	*out = value;
	return true;
}

static bool take_v4(bulla_bytes *rest, uint8_t out[static 4])
{
	for (size_t i = 0; i < 4; i++) {
		uint64_t byte = 0;
		if ((i > 0 && !skip(rest, '.')) || !take_decimal(rest, 255, &byte)) return false;
		out[i] = (uint8_t)byte;
	}
	return true;
}

static bool take_group(bulla_bytes *rest, uint8_t out[static 2])
{
	unsigned value = 0;
	size_t n = 0;
	for (; n < rest->len && n < 4; n++) {
		uint8_t c = bulla_ascii_lower(rest->data[n]);
		if (!is_digit(c) && (c < 'a' || c > 'f')) break;
		value = value << 4 | (unsigned)(is_digit(c) ? c - '0' : c - 'a' + 10);
	}
	bulla_put_u16(out, (uint16_t)value);
	*rest = bulla_view(rest->data + n, rest->len - n);
	return n > 0;
}

/* Whether a dotted quad comes before the next colon. */
static bool is_quad(bulla_bytes rest)
{
	for (size_t i = 0; i < rest.len && i < 4; i++) {
		if (rest.data[i] == '.') return i > 0;
		if (!is_digit(rest.data[i])) return false;
	}
	return false;
}

static bool skip_gap(bulla_bytes *rest)
{
	if (rest->len < 2 || rest->data[0] != ':' || rest->data[1] != ':') return false;
	*rest = bulla_view(rest->data + 2, rest->len - 2);
	return true;
}

/* RFC 4291, section 2.2: groups, one gap at most, the last 32 bits also as a quad. */
static bool take_v6(bulla_bytes *rest, uint8_t out[static 16])
{
	uint8_t found[16] = { 0 };
	size_t n = 0, gap = 0;
	bool has_gap = skip_gap(rest), more = !has_gap || (rest->len && rest->data[0] != '/');
	while (more) {
		bool quad = is_quad(*rest);
		if (n + (quad ? 4 : 2) > sizeof found) return false;
		if (!(quad ? take_v4(rest, found + n) : take_group(rest, found + n))) return false;
		n += quad ? 4 : 2;
		if (quad || rest->len == 0 || rest->data[0] != ':') break;
		if (!has_gap && skip_gap(rest)) {
			has_gap = true;
			gap = n;
			more = rest->len && rest->data[0] != '/';
		} else if (!skip(rest, ':')) {
			return false;
		}
	}
	if (has_gap ? n >= sizeof found : n != sizeof found) return false;
	memset(out, 0, 16);
	memcpy(out, found, has_gap ? gap : n);
	if (has_gap) memcpy(out + 16 - (n - gap), found + gap, n - gap);
	return true;
}

bool bulla_policy_net_read(bulla_bytes text, bulla_policy_net *out)
{
	bulla_policy_net net = { .bits = 128 };
	uint64_t bits = 0;
	bool v4 = is_quad(text);
	if (v4) memcpy(net.address, mapped, sizeof mapped);
	if (!(v4 ? take_v4(&text, net.address + 12) : take_v6(&text, net.address))) return false;
	if (text.len) {
		if (!skip(&text, '/') || !take_decimal(&text, v4 ? 32 : 128, &bits) || text.len) return false;
		net.bits = (uint8_t)(v4 ? 96 + bits : bits);
	}
	*out = net;
	return true;
}

bool bulla_policy_net_has(const bulla_policy_net *net, const bulla_policy_net *address)
{
	bool v4 = memcmp(address->address, mapped, sizeof mapped) == 0;
	if (v4 && net->bits < 96) return false;
	size_t whole = net->bits / 8, odd = net->bits % 8;
	if (memcmp(net->address, address->address, whole) != 0) return false;
	return odd == 0 || (net->address[whole] ^ address->address[whole]) >> (8 - odd) == 0;
}
