/*
 * detect_ids.c - numbers that states give to people, each by its published rule.
 *
 * What passes has the form and the check digit of such a number; whether it was ever given to somebody nobody can tell from it.
 */
#include "db/detect.h"

#include <string.h>

static unsigned at(const char *digits, size_t i)
{
	return (unsigned)(digits[i] - '0');
}

static unsigned number(const char *digits, size_t from, size_t n)
{
	unsigned value = 0;
	for (size_t i = from; i < from + n; i++)
		value = value * 10 + at(digits, i);
	return value;
}

static unsigned weighed(const char *digits, const uint8_t *weights, size_t n)
{
	unsigned sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += at(digits, i) * weights[i];
	return sum;
}

/* Exactly `n` digits that are not all one, with separators between them or none. */
static bool take(bulla_bytes text, const char *separators, size_t n, char out[static 33])
{
	return bulla_digits(text, separators, out) == n && bulla_digits_vary(out, n);
}

/* A date of which the century is not told. */
static bool is_short_date(unsigned year, unsigned month, unsigned day)
{
	return bulla_is_date(1900 + year, month, day) || bulla_is_date(2000 + year, month, day);
}

/* Letters and digits alone, letters as capitals; false when there are others, or not `n`. */
static bool compact(bulla_bytes text, const char *separators, size_t n, char *out)
{
	size_t used = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		bool letter = (c | 32) >= 'a' && (c | 32) <= 'z', digit = c >= '0' && c <= '9';
		if (letter || digit) {
			if (used == n) return false;
			out[used++] = (char)(letter ? c & ~32 : c);
		} else if (!c || !strchr(separators, c)) {
			return false;
		}
	}
	out[used] = 0;
	return used == n;
}

/* `pattern`: 9 a digit, A a letter, any other character itself. */
static bool matches(const char *text, const char *pattern)
{
	for (; *pattern; pattern++, text++) {
		bool digit = *text >= '0' && *text <= '9', letter = *text >= 'A' && *text <= 'Z';
		if (*pattern == '9' ? !digit : *pattern == 'A' ? !letter : *text != *pattern) return false;
	}
	return *text == 0;
}

/* --- North America ------------------------------------------------------------------------------------------------ */

/* Social Security Administration: no area 000, 666 or 900 to 999, no group 00, no serial 0000. */
bool bulla_is_us_ssn(bulla_bytes text)
{
	char d[33];
	if (!take(text, "- ", 9, d)) return false;
	unsigned area = number(d, 0, 3);
	return area && area != 666 && area < 900 && number(d, 3, 2) && number(d, 5, 4);
}

bool bulla_is_us_ssn_written(bulla_bytes text)
{
	return text.len == 11 && text.data[3] == '-' && text.data[6] == '-' && bulla_is_us_ssn(text);
}

/* Service Canada: Luhn; 0 and 8 are not given out. */
bool bulla_is_ca_sin(bulla_bytes text)
{
	char d[33];
	return take(text, "- ", 9, d) && d[0] != '0' && d[0] != '8' && bulla_luhn(d, 9);
}

/* --- United Kingdom, Ireland --------------------------------------------------------------------------------------- */

/* HM Revenue and Customs, National Insurance Manual NIM39110. */
bool bulla_is_gb_nino(bulla_bytes text)
{
	char c[10];
	static const char *const unused[] = { "BG", "GB", "KN", "NK", "NT", "TN", "ZZ" };
	if (!compact(text, " ", 9, c) || !matches(c, "AA999999A")) return false;
	for (size_t i = 0; i < sizeof unused / sizeof *unused; i++)
		if (memcmp(c, unused[i], 2) == 0) return false;
	return !strchr("DFIQUV", c[0]) && !strchr("DFIQUVO", c[1]) && c[8] <= 'D';
}

/* NHS Data Dictionary: weights 10 to 2, modulo 11. */
bool bulla_is_gb_nhs(bulla_bytes text)
{
	static const uint8_t weights[] = { 10, 9, 8, 7, 6, 5, 4, 3, 2 };
	char d[33];
	if (!take(text, "- ", 10, d)) return false;
	unsigned check = 11 - weighed(d, weights, 9) % 11;
	return check % 11 == at(d, 9) && check != 10;
}

/* Department of Social Protection: seven digits and one or two letters, modulo 23; the second letter weighs 9. */
bool bulla_is_ie_pps(bulla_bytes text)
{
	static const uint8_t weights[] = { 8, 7, 6, 5, 4, 3, 2 };
	char c[10];
	bool two = compact(text, " ", 9, c) && matches(c, "9999999AA");
	if (!two && !(compact(text, " ", 8, c) && matches(c, "9999999A"))) return false;
	unsigned sum = weighed(c, weights, 7) + (two && c[8] != 'W' ? (unsigned)(c[8] - 'A' + 1) * 9 : 0);
	return "WABCDEFGHIJKLMNOPQRSTUV"[sum % 23] == c[7];
}

/* --- Germany, Austria, Switzerland ---------------------------------------------------------------------------------- */

/* Section 139b AO: of the first ten digits exactly one stands twice or three times; ISO/IEC 7064, MOD 11,10. */
bool bulla_is_de_tax_id(bulla_bytes text)
{
	char d[33];
	unsigned count[10] = { 0 }, repeated = 0, product = 10;
	if (!take(text, " /", 11, d) || d[0] == '0') return false;
	for (size_t i = 0; i < 10; i++) {
		count[at(d, i)]++;
		unsigned sum = (at(d, i) + product) % 10;
		product = (sum ? sum : 10) * 2 % 11;
	}
	for (size_t i = 0; i < 10; i++) {
		if (count[i] > 3) return false;
		repeated += count[i] > 1;
	}
	return repeated == 1 && (11 - product) % 10 == at(d, 10);
}

/* Section 4 VKVV: area, date of birth, letter, serial, check digit over the cross sums. */
bool bulla_is_de_pension(bulla_bytes text)
{
	static const uint8_t weights[] = { 2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1 };
	char c[13], d[13];
	unsigned sum = 0;
	if (!compact(text, " ", 12, c) || !matches(c, "99999999A999")) return false;
	unsigned letter = (unsigned)(c[8] - 'A' + 1), day = number(c, 2, 2) % 50;
	memcpy(d, c, 8);
	d[8] = (char)('0' + letter / 10);
	d[9] = (char)('0' + letter % 10);
	memcpy(d + 10, c + 9, 2);
	for (size_t i = 0; i < 12; i++) {
		unsigned product = at(d, i) * weights[i];
		sum += product / 10 + product % 10;
	}
	return sum % 10 == at(c, 11) && is_short_date(number(c, 6, 2), number(c, 4, 2), day);
}

/* Section 31 ASVG: weights 3 7 9 - 5 8 4 2 1 6, modulo 11, then the date of birth. */
bool bulla_is_at_insurance(bulla_bytes text)
{
	static const uint8_t weights[] = { 3, 7, 9, 0, 5, 8, 4, 2, 1, 6 };
	char d[33];
	if (!take(text, " ", 10, d) || d[0] == '0') return false;
	return weighed(d, weights, 10) % 11 == at(d, 3) && is_short_date(number(d, 8, 2), number(d, 6, 2), number(d, 4, 2));
}

/* 756 and an EAN-13 check digit (Zentrale Ausgleichsstelle). */
bool bulla_is_ch_ahv(bulla_bytes text)
{
	static const uint8_t weights[] = { 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3 };
	char d[33];
	return take(text, ". ", 13, d) && number(d, 0, 3) == 756 && (10 - weighed(d, weights, 12) % 10) % 10 == at(d, 12);
}

/* --- France, Belgium, Netherlands ----------------------------------------------------------------------------------- */

/* INSEE, numero d'inscription au repertoire: sex, year, month, department (2A and 2B in Corsica), commune, order; the key is
 * 97 less the rest modulo 97. */
bool bulla_is_fr_nir(bulla_bytes text)
{
	char c[16];
	unsigned long long value = 0;
	if (!compact(text, " ", 15, c)) return false;
	bool corsica = c[5] == '2' && (c[6] == 'A' || c[6] == 'B');
	int less = corsica ? (c[6] == 'A' ? 1 : 2) : 0;
	if (corsica) c[6] = '0';
	if (!matches(c, "999999999999999")) return false;
	for (size_t i = 0; i < 13; i++)
		value = value * 10 + at(c, i);
	value -= (unsigned long long)less * 1000000; /* 2A counts as 19, 2B as 18 */
	unsigned month = number(c, 3, 2);
	bool month_known = (month >= 1 && month <= 12) || (month >= 20 && month <= 42) || month >= 50;
	return strchr("123478", c[0]) && month_known && 97 - value % 97 == number(c, 13, 2);
}

/* Rijksregister: date of birth, serial, 97 less the rest modulo 97; births from 2000 on with a 2 before them. */
bool bulla_is_be_national(bulla_bytes text)
{
	char d[33];
	unsigned long long value = 0;
	if (!take(text, ".- ", 11, d)) return false;
	for (size_t i = 0; i < 9; i++)
		value = value * 10 + at(d, i);
	unsigned month = number(d, 2, 2), check = number(d, 9, 2);
	bool date = month == 0 || is_short_date(number(d, 0, 2), month % 20, number(d, 4, 2));
	return date && (97 - value % 97 == check || 97 - (value + 2000000000) % 97 == check);
}

/* The eleven-test (Logisch Ontwerp BSN): weights 9 to 2 and -1. */
bool bulla_is_nl_bsn(bulla_bytes text)
{
	static const uint8_t weights[] = { 9, 8, 7, 6, 5, 4, 3, 2, 10 }; /* -1 is 10 modulo 11 */
	char d[33];
	return take(text, ". ", 9, d) && weighed(d, weights, 9) % 11 == 0;
}

/* --- Spain, Portugal, Italy ------------------------------------------------------------------------------------------ */

/* Real Decreto 1553/2005: the letter is the rest modulo 23; foreigners' X, Y, Z count as 0, 1, 2. */
bool bulla_is_es_dni(bulla_bytes text)
{
	char c[10];
	if (!compact(text, "-. ", 9, c)) return false;
	if (c[0] >= 'X' && c[0] <= 'Z') c[0] = (char)('0' + (c[0] - 'X'));
	return matches(c, "99999999A") && bulla_digits_vary(c, 8) && "TRWAGMYFPDXBNJZSQVHLCKE"[number(c, 0, 8) % 23] == c[8];
}

/* Autoridade Tributaria: weights 9 to 2, modulo 11. */
bool bulla_is_pt_nif(bulla_bytes text)
{
	static const uint8_t weights[] = { 9, 8, 7, 6, 5, 4, 3, 2 };
	char d[33];
	if (!take(text, " .-", 9, d) || !strchr("1235689", d[0])) return false;
	unsigned check = 11 - weighed(d, weights, 8) % 11;
	return (check > 9 ? 0 : check) == at(d, 8);
}

/* Decreto ministeriale 23/12/1976: odd places by a table, even ones as they are, modulo 26. */
bool bulla_is_it_fiscal_code(bulla_bytes text)
{
	static const uint8_t odd[] = { 1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
				       20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23 };
	char c[17];
	unsigned sum = 0;
	if (!compact(text, " ", 16, c)) return false;
	for (size_t i = 0; i < 15; i++) {
		bool digit = c[i] >= '0' && c[i] <= '9';
		unsigned value = (unsigned)(digit ? c[i] - '0' : c[i] - 'A');
		bool letters_only = i < 6 || i == 8 || i == 11;
		if (letters_only && digit) return false;
		if (!letters_only && !digit && !strchr("LMNPQRSTUV", c[i])) return false; /* where two people would share one */
		sum += i % 2 ? value : odd[value];
	}
	return (char)('A' + sum % 26) == c[15] && strchr("ABCDEHLMPRST", c[8]);
}

/* --- the North ------------------------------------------------------------------------------------------------------- */

/* Skatteverket: date of birth (the day may have 60 added), Luhn over the last ten digits. */
bool bulla_is_se_personal(bulla_bytes text)
{
	char d[33];
	size_t n = bulla_digits(text, "-+ ", d);
	if (n != 10 && n != 12) return false;
	const char *ten = d + n - 10;
	return bulla_luhn(ten, 10) && is_short_date(number(ten, 0, 2), number(ten, 2, 2), number(ten, 4, 2) % 60);
}

/* Digital and Population Data Services Agency: date, sign of the century, serial, a character modulo 31. */
bool bulla_is_fi_personal(bulla_bytes text)
{
	char d[12];
	if (text.len != 11 || !text.data[6] || !strchr("+-YXWVUABCDEF", text.data[6])) return false;
	memcpy(d, text.data, 6);
	memcpy(d + 6, text.data + 7, 4);
	d[10] = 0;
	char check = d[9];
	d[9] = 0;
	if (!matches(d, "999999999")) return false;
	return "0123456789ABCDEFHJKLMNPRSTUVWXY"[number(d, 0, 9) % 31] == check &&
	       is_short_date(number(d, 4, 2), number(d, 2, 2), number(d, 0, 2));
}

/* CPR-kontoret: date and serial; the check digit of old has been given up. */
bool bulla_is_dk_cpr(bulla_bytes text)
{
	char d[33];
	return take(text, "- ", 10, d) && is_short_date(number(d, 4, 2), number(d, 2, 2), number(d, 0, 2));
}

/* Skatteetaten: date (the day may have 40 added), two check digits modulo 11. */
bool bulla_is_no_birth(bulla_bytes text)
{
	static const uint8_t first[] = { 3, 7, 6, 1, 8, 9, 4, 5, 2, 1 }, second[] = { 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1 };
	char d[33];
	if (!take(text, " ", 11, d) || weighed(d, first, 10) % 11 || weighed(d, second, 11) % 11) return false;
	return is_short_date(number(d, 4, 2), number(d, 2, 2) % 40, number(d, 0, 2) % 40);
}

/* --- Poland, Turkey --------------------------------------------------------------------------------------------------- */

/* Ministry of Digital Affairs: the month tells the century; weights 1 3 7 9. */
bool bulla_is_pl_pesel(bulla_bytes text)
{
	static const uint8_t weights[] = { 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1 };
	char d[33];
	return take(text, " ", 11, d) && weighed(d, weights, 11) % 10 == 0 &&
	       is_short_date(number(d, 0, 2), number(d, 2, 2) % 20, number(d, 4, 2));
}

/* Nufus ve Vatandaslik Isleri: two check digits. */
bool bulla_is_tr_identity(bulla_bytes text)
{
	char d[33];
	unsigned odd = 0, even = 0;
	if (!take(text, " ", 11, d) || d[0] == '0') return false;
	for (size_t i = 0; i < 9; i++)
		*(i % 2 ? &even : &odd) += at(d, i);
	return (odd * 7 + 90 - even) % 10 == at(d, 9) && (odd + even + at(d, 9)) % 10 == at(d, 10);
}

/* --- elsewhere --------------------------------------------------------------------------------------------------------- */

/* Receita Federal: two check digits modulo 11. */
bool bulla_is_br_cpf(bulla_bytes text)
{
	static const uint8_t weights[] = { 11, 10, 9, 8, 7, 6, 5, 4, 3, 2 };
	char d[33];
	if (!take(text, ".- ", 11, d)) return false;
	unsigned first = weighed(d, weights + 1, 9) * 10 % 11 % 10, second = weighed(d, weights, 10) * 10 % 11 % 10;
	return first == at(d, 9) && second == at(d, 10);
}

/* Australian Taxation Office: weights 1 4 3 7 5 8 6 9 10, modulo 11. */
bool bulla_is_au_tfn(bulla_bytes text)
{
	static const uint8_t weights[] = { 1, 4, 3, 7, 5, 8, 6, 9, 10 };
	char d[33];
	return take(text, " -", 9, d) && weighed(d, weights, 9) % 11 == 0;
}

/* UIDAI: twelve digits, the first from 2 on, Verhoeff's check: products and permutations of the dihedral group of order ten. */
bool bulla_is_in_aadhaar(bulla_bytes text)
{
	static const uint8_t permute[] = { 1, 5, 7, 6, 2, 8, 3, 0, 9, 4 };
	char d[33];
	unsigned sum = 0;
	if (!take(text, " -", 12, d) || d[0] < '2') return false;
	for (size_t i = 0; i < 12; i++) {
		unsigned x = at(d, 11 - i);
		for (size_t times = i % 8; times; times--)
			x = permute[x];
		/* a rotation, or a reflection from 5 on */
		if (sum < 5)
			sum = x < 5 ? (sum + x) % 5 : (sum + x - 5) % 5 + 5;
		else
			sum = x < 5 ? (sum - 5 + 5 - x) % 5 + 5 : (sum + 5 - x) % 5;
	}
	return sum == 0;
}

/* GB 11643-1999: area, date of birth, serial; ISO/IEC 7064, MOD 11-2. */
bool bulla_is_cn_resident(bulla_bytes text)
{
	static const uint8_t weights[] = { 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2 };
	char c[19];
	if (!compact(text, "", 18, c)) return false;
	char check = c[17];
	c[17] = 0;
	if (!matches(c, "99999999999999999")) return false;
	return "10X98765432"[weighed(c, weights, 17) % 11] == check &&
	       bulla_is_date(number(c, 6, 4), number(c, 10, 2), number(c, 12, 2));
}

/* Department of Home Affairs: date of birth, serial, citizenship; Luhn. */
bool bulla_is_za_identity(bulla_bytes text)
{
	char d[33];
	return take(text, " ", 13, d) && d[10] <= '2' && bulla_luhn(d, 13) &&
	       is_short_date(number(d, 0, 2), number(d, 2, 2), number(d, 4, 2));
}
