/*
 * detect_people.c - rules of what describes a person: dates of birth, names, places, numbers of documents.
 */
#include "db/detect.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Beyond ASCII everything counts as a letter. */
static bool is_letter(uint8_t c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || c >= 0x80;
}

static unsigned number_at(const char *digits, size_t n)
{
	unsigned value = 0;
	for (size_t i = 0; i < n; i++)
		value = value * 10 + (unsigned)(digits[i] - '0');
	return value;
}

/* --- dates ------------------------------------------------------------------------------------------------------- */

static unsigned year_now(void)
{
	struct tm utc;
	time_t now = time(NULL);
	return gmtime_r(&now, &utc) ? (unsigned)utc.tm_year + 1900 : 2100;
}

bool bulla_is_date(unsigned year, unsigned month, unsigned day)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (year < 1870 || year > year_now() || month < 1 || month > 12 || day < 1) return false;
	return day <= days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

/* Seconds or milliseconds since 1970, which most people were born after. */
static bool is_epoch(const char *digits, size_t n)
{
	long long value = strtoll(digits, NULL, 10), now = (long long)time(NULL);
	return n >= 8 && n <= 13 && (value <= now || (n > 10 && value / 1000 <= now));
}

/* 1984-05-17, 17.05.1984, 5/17/1984, 19840517, each also with a time of day behind it. */
bool bulla_is_birth_date(bulla_bytes text)
{
	unsigned part[3] = { 0 }, parts = 0, width[3] = { 0 };
	char digits[33];
	bool before = text.len > 1 && text.data[0] == '-'; /* before 1970 */
	size_t n = bulla_digits(before ? bulla_view(text.data + 1, text.len - 1) : text, "", digits);
	if (n == 8 && !before && bulla_is_date(number_at(digits, 4), number_at(digits + 4, 2), number_at(digits + 6, 2)))
		return true;
	if (n) return is_epoch(digits, n);
	for (size_t i = 0; i < text.len && parts < 3; i++) {
		uint8_t c = text.data[i];
		if (is_digit(c) && width[parts] < 4) {
			part[parts] = part[parts] * 10 + (unsigned)(c - '0');
			width[parts]++;
		} else if (width[parts] && ((c && strchr("-./", c)) || parts == 2)) {
			parts++;
		} else {
			return false;
		}
	}
	if (parts < 2 || !width[2]) return false;
	if (width[0] == 4) return bulla_is_date(part[0], part[1], part[2]);
	if (width[2] != 4) return false;
	return bulla_is_date(part[2], part[1], part[0]) || bulla_is_date(part[2], part[0], part[1]);
}

bool bulla_is_age(bulla_bytes text)
{
	char digits[33];
	size_t n = bulla_digits(text, "", digits);
	unsigned value = number_at(digits, n);
	return (n >= 1 && n <= 3 && value <= 125) || (n == 4 && value >= 1870 && value <= year_now());
}

/* --- people and places ------------------------------------------------------------------------------------------- */

/* Some words of letters in any script, the first with a capital where the script has such; "O'Brien", "Smith-Jones", "J. R." */
bool bulla_is_person_name(bulla_bytes text)
{
	size_t words = 0, letters = 0;
	if (text.len < 2 || text.len > 80 || (text.data[0] >= 'a' && text.data[0] <= 'z')) return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		bool letter = is_letter(c);
		if (!letter && (!c || !strchr(" '-.,`\"", c))) return false;
		words += letter && (i == 0 || text.data[i - 1] == ' ');
		letters += letter;
	}
	return words >= 1 && words <= 5 && letters >= 2;
}

bool bulla_is_place(bulla_bytes text)
{
	size_t letters = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		bool letter = is_letter(c);
		if (!letter && (!c || !strchr(" '-.,()/", c))) return false;
		letters += letter;
	}
	return letters >= 2 && text.len <= 80;
}

bool bulla_is_address(bulla_bytes text)
{
	size_t letters = 0;
	for (size_t i = 0; i < text.len; i++)
		letters += is_letter(text.data[i]);
	return text.len <= 400 && letters >= 3 && !memchr(text.data, '@', text.len) && !memmem(text.data, text.len, "://", 3);
}

static bool ends_in(bulla_bytes word, const char *end)
{
	size_t n = strlen(end);
	return word.len >= n && strncasecmp((const char *)word.data + word.len - n, end, n) == 0;
}

/* As words of their own, and as the ends of words in languages that build them. */
static bool is_street(bulla_bytes word)
{
	static const char *const words[] = {
		"street",  "st",    "st.",   "road",   "rd",        "rd.",   "avenue",  "ave",     "ave.",    "lane",  "ln",
		"drive",   "dr",    "dr.",   "blvd",   "boulevard", "court", "terrace", "highway", "square",  "place", "parkway",
		"way",     "weg",   "platz", "allee",  "gasse",     "ring",  "rue",     "chemin",  "impasse", "quai",  "calle",
		"avenida", "paseo", "plaza", "carrer", "via",       "viale", "piazza",  "corso",   "rua",     "ulica", "ul."
	};
	static const char *const ends[] = { "straße", "strasse", "str.", "straat", "gasse", "weg",  "platz", "allee",
					    "gata",   "gatan",   "gade", "vej",    "veien", "katu", "laan",  "plein" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (word.len == strlen(words[i]) && ends_in(word, words[i])) return true;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (word.len > strlen(ends[i]) && ends_in(word, ends[i])) return true;
	return false;
}

bool bulla_is_street_address(bulla_bytes text)
{
	bool number = false, street = false;
	if (!bulla_is_address(text)) return false;
	for (size_t i = 0; i < text.len;) {
		size_t n = 0;
		while (i + n < text.len && text.data[i + n] != ' ' && text.data[i + n] != ',' && text.data[i + n] != '\n')
			n++;
		bulla_bytes word = bulla_view(text.data + i, n);
		number |= n && n <= 6 && is_digit(word.data[0]);
		street |= is_street(word);
		i += n + 1;
	}
	return number && street;
}

bool bulla_is_postcode(bulla_bytes text)
{
	size_t digits = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (!is_digit(c) && !is_letter(c) && c != ' ' && c != '-') return false;
		digits += is_digit(c);
	}
	return text.len >= 3 && text.len <= 10 && digits >= 1;
}

bool bulla_is_coordinate(bulla_bytes text)
{
	char copy[32], *end = NULL;
	if (text.len == 0 || text.len >= sizeof copy || !memchr(text.data, '.', text.len)) return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = 0;
	double value = strtod(copy, &end);
	return *end == 0 && value >= -180 && value <= 180;
}

bool bulla_is_document_number(bulla_bytes text)
{
	size_t digits = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (!is_digit(c) && !is_letter(c) && (!c || !strchr(" -/.", c))) return false;
		digits += is_digit(c);
	}
	return text.len >= 5 && text.len <= 25 && digits >= 3;
}
