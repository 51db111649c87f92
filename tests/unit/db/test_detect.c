/*
 * test_detect.c - rules of personal data: numbers published as examples pass, and what is next to them does not; names of columns;
 * judgements.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "db/discover.h"

#include <stdio.h>
#include <string.h>

static bool passes(bulla_rule rule, const char *text)
{
	return rule(bulla_view_str(text));
}

/* --- numbers with a check ----------------------------------------------------------------------------------------- */

/* Examples of the authorities or of their documentation. */
static const struct {
	bulla_rule rule;
	const char *good;
	bool every_digit; /* any other digit in any place is refused */
} numbers[] = {
	{ bulla_is_issued_card, "4111 1111 1111 1111", false },
	{ bulla_is_issued_card, "5555555555554444", false },
	{ bulla_is_issued_card, "378282246310005", false },
	{ bulla_is_issued_card, "6011-1111-1111-1117", false },
	{ bulla_is_card, "4012888888881881", true },
	{ bulla_is_iban, "GB82 WEST 1234 5698 7654 32", true },
	{ bulla_is_iban, "DE89370400440532013000", true },
	{ bulla_is_iban, "FR1420041010050500013M02606", true },
	{ bulla_is_iban, "NO9386011117947", true },
	{ bulla_is_us_ssn, "078-05-1120", false },
	{ bulla_is_ca_sin, "046 454 286", false }, /* begins with 0: never given out */
	{ bulla_is_ca_sin, "130 692 544", false },
	{ bulla_is_gb_nino, "AA 12 34 56 C", false },
	{ bulla_is_gb_nhs, "943 476 5919", true },
	{ bulla_is_ie_pps, "1234567T", true },
	{ bulla_is_ie_pps, "1234567FA", true },
	{ bulla_is_de_tax_id, "86095742719", true },
	{ bulla_is_de_tax_id, "47 036 892 816", true },
	{ bulla_is_de_pension, "15 070649 C 103", false },
	{ bulla_is_at_insurance, "1237 010180", false },
	{ bulla_is_ch_ahv, "756.9217.0769.85", true },
	{ bulla_is_fr_nir, "2 55 08 14 168 025 38", true },
	{ bulla_is_be_national, "85.07.30-033.28", true },
	{ bulla_is_nl_bsn, "111222333", true },
	{ bulla_is_es_dni, "12345678Z", true },
	{ bulla_is_es_dni, "X-1234567-L", true },
	{ bulla_is_pt_nif, "501964843", false },
	{ bulla_is_it_fiscal_code, "RSSMRA85T10A562S", true },
	{ bulla_is_se_personal, "811218-9876", true },
	{ bulla_is_se_personal, "19811218-9876", false }, /* the century is not under the check digit */
	{ bulla_is_fi_personal, "131052-308T", true },
	{ bulla_is_dk_cpr, "070761-4285", false },
	{ bulla_is_no_birth, "29029600013", true },
	{ bulla_is_pl_pesel, "44051401359", true },
	{ bulla_is_tr_identity, "10000000146", true },
	{ bulla_is_br_cpf, "529.982.247-25", true },
	{ bulla_is_au_tfn, "123 456 782", true },
	{ bulla_is_in_aadhaar, "2341 2341 2346", true },
	{ bulla_is_cn_resident, "11010519491231002X", true },
	{ bulla_is_za_identity, "8001015009087", true },
	{ bulla_is_imei, "490154203237518", true },
};

static void test_published_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		bool given_out = strcmp(numbers[i].good, "046 454 286") != 0;
		if (passes(numbers[i].rule, numbers[i].good) != given_out) fail_msg("%s", numbers[i].good);
	}
}

static void test_one_digit_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		char text[40];
		snprintf(text, sizeof text, "%s", numbers[i].good);
		for (char *c = text; *c && numbers[i].every_digit; c++) {
			char right = *c;
			if (right < '0' || right > '9') continue;
			for (*c = '0'; *c <= '9'; ++*c)
				if (*c != right && passes(numbers[i].rule, text))
					fail_msg("%s instead of %s", text, numbers[i].good);
			*c = right;
		}
	}
}

static void test_a_number_cut_or_grown(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		char text[48];
		for (size_t n = 0; n < strlen(numbers[i].good) && numbers[i].every_digit; n++) {
			snprintf(text, sizeof text, "%.*s", (int)n, numbers[i].good);
			if (numbers[i].rule != bulla_is_card && passes(numbers[i].rule, text)) fail_msg("%s", text);
		}
		snprintf(text, sizeof text, "%sQ", numbers[i].good);
		if (numbers[i].every_digit && passes(numbers[i].rule, text)) fail_msg("%s", text);
	}
}

static void test_presets_are_no_numbers(void **state)
{
	static const char *const presets[] = {
		"",          "0",           "000000000", "0000000000", "00000000000", "000000000000", "0000000000000000",
		"111111111", "99999999999", "00000000T"
	};
	(void)state;
	for (size_t d = 0; d < bulla_detector_count; d++)
		for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
			if (bulla_detectors[d].alone && passes(bulla_detectors[d].alone, presets[i]))
				fail_msg("%s takes %s", bulla_detectors[d].kind, presets[i]);
}

/* --- forms ---------------------------------------------------------------------------------------------------------- */

static const struct {
	bulla_rule rule;
	const char *text;
	bool good;
} forms[] = {
	{ bulla_is_email, "anna.b+news@mail.example.org", true },
	{ bulla_is_email, "müller@exämple.de", true },
	{ bulla_is_email, "anna@example", false },
	{ bulla_is_email, "anna@@example.org", false },
	{ bulla_is_email, "@example.org", false },
	{ bulla_is_email, "anna b@example.org", false },
	{ bulla_is_email, "anna..b@example.org", false },
	{ bulla_is_email, "git@1.2.3.4", false },
	{ bulla_is_international_phone, "+49 (30) 1234-567", true },
	{ bulla_is_international_phone, "+0 123 456 789", false },
	{ bulla_is_international_phone, "030 1234567", false },
	{ bulla_is_phone, "030 1234567", true },
	{ bulla_is_phone, "(555) 010-9999 x12", true },
	{ bulla_is_phone, "2024-000123-A", false },
	{ bulla_is_us_ssn, "666-12-3456", false },
	{ bulla_is_us_ssn, "900-12-3456", false },
	{ bulla_is_us_ssn, "123-00-3456", false },
	{ bulla_is_us_ssn, "123-45-0000", false },
	{ bulla_is_us_ssn_written, "123456789", false },
	{ bulla_is_gb_nino, "BG123456A", false },
	{ bulla_is_gb_nino, "AA123456E", false },
	{ bulla_is_fr_nir, "2 55 13 14 168 025 38", false },
	{ bulla_is_fr_nir, "1 85 05 2A 004 123 56", true },
	{ bulla_is_fr_nir, "2 85 05 2B 004 123 33", true },
	{ bulla_is_ip, "192.0.2.1", true },
	{ bulla_is_ip, "192.0.2.0/24", true },
	{ bulla_is_ip, "2001:db8::1", true },
	{ bulla_is_ip, "::1", true },
	{ bulla_is_ip, "::ffff:192.0.2.1", true },
	{ bulla_is_ip, "1:2:3:4:5:6:7:8", true },
	{ bulla_is_ip, "1:2:3:4:5:6:7", false },
	{ bulla_is_ip, "1::2::3", false },
	{ bulla_is_ip, "256.1.1.1", false },
	{ bulla_is_ip, "1.2.3", false },
	{ bulla_is_ip, "01.2.3.4", false },
	{ bulla_is_ip, "12:34:56", false },
	{ bulla_is_mac, "00:1A:2b:3c:4d:5e", true },
	{ bulla_is_mac, "00:1A-2b:3c:4d:5e", false },
	{ bulla_is_birth_date, "1984-05-17", true },
	{ bulla_is_birth_date, "1984-05-17 00:00:00", true },
	{ bulla_is_birth_date, "17.05.1984", true },
	{ bulla_is_birth_date, "5/17/1984", true },
	{ bulla_is_birth_date, "19840517", true },
	{ bulla_is_birth_date, "453600000", true },
	{ bulla_is_birth_date, "-453600000", true },
	{ bulla_is_birth_date, "2000-02-29", true },
	{ bulla_is_birth_date, "1900-02-29", false },
	{ bulla_is_birth_date, "1984-13-17", false },
	{ bulla_is_birth_date, "1200-01-01", false },
	{ bulla_is_birth_date, "2999-01-01", false },
	{ bulla_is_birth_date, "17", false },
	{ bulla_is_person_name, "Søren O'Brien-Åström", true },
	{ bulla_is_person_name, "Иван Петров", true },
	{ bulla_is_person_name, "user17", false },
	{ bulla_is_person_name, "pending", false },
	{ bulla_is_street_address, "12 Main Street, Springfield", true },
	{ bulla_is_street_address, "Hauptstraße 5", true },
	{ bulla_is_street_address, "3 rue de la Paix", true },
	{ bulla_is_street_address, "Main Street", false },
	{ bulla_is_street_address, "anna@street.org 12 street", false },
	{ bulla_is_document_number, "C01X00T47", true },
	{ bulla_is_document_number, "yes", false },
};

static void test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (passes(forms[i].rule, forms[i].text) != forms[i].good) fail_msg("%s", forms[i].text);
}

/* Every rule, on every byte and on what is cut from good values: under the sanitizers nothing is read beyond the end. */
static void test_rules_on_noise(void **state)
{
	char noise[64];
	(void)state;
	for (size_t d = 0; d < bulla_detector_count; d++) {
		bulla_rule rules[] = { bulla_detectors[d].named, bulla_detectors[d].alone };
		for (size_t r = 0; r < 2; r++)
			for (unsigned c = 0; rules[r] && c < 256; c++)
				for (size_t n = 0; n <= sizeof noise; n += n < 20 ? 1 : 11) {
					memset(noise, (int)c, n);
					if (n) noise[n / 2] = (char)(c + n);
					(void)rules[r](bulla_view(noise, n));
				}
	}
}

/* --- names ----------------------------------------------------------------------------------------------------------- */

static void test_words(void **state)
{
	static const struct {
		const char *name, *words;
	} cases[] = {
		{ "email", "email" },
		{ "customerEmailAddress", "customer_email_address" },
		{ "IPAddress", "ip_address" },
		{ "Phone2", "phone_2" },
		{ "  home--address ", "home_address" },
		{ "DOB", "dob" },
		{ "date_of_birth_", "date_of_birth" },
		{ "ipv4", "ipv_4" },
		{ "", "" },
	};
	char out[BULLA_NAME_WORDS_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bulla_name_words(cases[i].name, out);
		assert_string_equal(out, cases[i].words);
	}
	char long_name[1000];
	memset(long_name, 'a', sizeof long_name);
	long_name[sizeof long_name - 1] = 0;
	bulla_name_words(long_name, out);
	assert_true(strlen(out) < BULLA_NAME_WORDS_MAX);
}

static void test_phrases(void **state)
{
	(void)state;
	assert_true(bulla_words_have("customer_email_address", "email"));
	assert_true(bulla_words_have("emailaddress", "email_address"));
	assert_true(bulla_words_have("e_mail", "x|e_mail|y"));
	assert_false(bulla_words_have("emails", "email"));
	assert_false(bulla_words_have("female", "email|male"));
	assert_true(bulla_words_have("name", "=name"));
	assert_false(bulla_words_have("file_name", "=name"));
	assert_false(bulla_words_have("names", "=name"));
	assert_false(bulla_words_have("page", "=age|birth_year"));
	assert_false(bulla_words_have("anything", NULL));
}

/* --- judgements ------------------------------------------------------------------------------------------------------- */

static bulla_judgement judge(const char *column, bool people, const char *const *values, size_t n, size_t times)
{
	static bulla_look look;
	bulla_look_begin(&look, column);
	for (size_t t = 0; t < times; t++)
		for (size_t i = 0; i < n; i++) {
			bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(values[i]) };
			bulla_look_at(&look, &value);
		}
	return bulla_look_judge(&look, people);
}

#define JUDGE(column, people, ...)                                                                                               \
	judge(column, people, (const char *const[]){ __VA_ARGS__ },                                                              \
	      sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), 1)

static void expect(bulla_judgement j, const char *kind, bulla_confidence confidence)
{
	if (confidence == BULLA_CONFIDENCE_NONE) {
		if (j.confidence) fail_msg("taken for %s", j.detector->kind);
		return;
	}
	assert_non_null(j.detector);
	assert_string_equal(j.detector->kind, kind);
	assert_int_equal(j.confidence, confidence);
}

static void test_names_and_values(void **state)
{
	(void)state;
	expect(JUDGE("email", false, "a@example.org", "b@example.org"), "email", BULLA_CONFIDENCE_HIGH);
	expect(JUDGE("x1", false, "a@example.org", "b@example.org"), "email", BULLA_CONFIDENCE_HIGH);
	expect(JUDGE("x1", false, "a@example.org", "b@example.org", "c@example.org", "n/a", "-", "none"), "email",
	       BULLA_CONFIDENCE_MEDIUM);
	expect(JUDGE("email", false, "\x01\x02q9", "8qw", "xx", "yy", "zz"), "",
	       BULLA_CONFIDENCE_NONE); /* sealed by somebody else */
	expect(judge("email", false, NULL, 0, 1), "email", BULLA_CONFIDENCE_LOW);
	expect(JUDGE("born", false, "1984-05-17", "1990-12-01"), "birth_date", BULLA_CONFIDENCE_HIGH);
	expect(JUDGE("created_at", true, "1984-05-17", "1990-12-01"), "", BULLA_CONFIDENCE_NONE);
	expect(JUDGE("name", true, "Anna Smith", "Bert Jones"), "name", BULLA_CONFIDENCE_MEDIUM);
	expect(JUDGE("name", false, "Anna Smith", "Bert Jones"), "", BULLA_CONFIDENCE_NONE);
	expect(JUDGE("last_name", false, "Smith", "Jones"), "name", BULLA_CONFIDENCE_HIGH);
	expect(JUDGE("version", false, "1.2.3.4", "5.6.7.8"), "", BULLA_CONFIDENCE_NONE);
	expect(JUDGE("seen_from", false, "192.0.2.1", "192.0.2.7"), "ip", BULLA_CONFIDENCE_HIGH);
}

/* One value again and again is a preset. */
static void test_one_value_is_less(void **state)
{
	static const char *const one[] = { "info@example.org" };
	(void)state;
	expect(judge("x1", false, one, 1, 3), "email", BULLA_CONFIDENCE_HIGH);
	expect(judge("x1", false, one, 1, 30), "email", BULLA_CONFIDENCE_MEDIUM);
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Numbers of sixteen digits that begin like a card's: `right` of 256 have the check digit of one. */
static void look_at_numbers(bulla_look *look, const char *column, const char *format, unsigned right)
{
	uint32_t seed = 7;
	bulla_look_begin(look, column);
	for (int i = 0; i < 500; i++) {
		char digits[33], text[128];
		snprintf(digits, sizeof digits, "4%07u%08u", next(&seed) % 10000000, next(&seed) % 100000000);
		while ((next(&seed) & 255) < right && !bulla_luhn(digits, 16))
			digits[15] = (char)(digits[15] == '9' ? '0' : digits[15] + 1);
		for (int j = 0; j < 10 && right == 256 && !bulla_luhn(digits, 16); j++)
			digits[15] = (char)(digits[15] == '9' ? '0' : digits[15] + 1);
		snprintf(text, sizeof text, format, digits);
		bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(text) };
		bulla_look_at(look, &value);
	}
}

static void test_the_check_digit_tells_cards_from_numbers(void **state)
{
	static bulla_look look;
	(void)state;
	look_at_numbers(&look, "reference", "%s", 256);
	expect(bulla_look_judge(&look, false), "card", BULLA_CONFIDENCE_HIGH);
	look_at_numbers(&look, "reference", "%s", 0);
	expect(bulla_look_judge(&look, false), "", BULLA_CONFIDENCE_NONE);
	assert_true(look.values == 500);
	look_at_numbers(&look, "note", "paid with %s, thanks", 256);
	expect(bulla_look_judge(&look, false), "card", BULLA_CONFIDENCE_MEDIUM);
	look_at_numbers(&look, "note", "order %s, thanks", 0);
	expect(bulla_look_judge(&look, false), "", BULLA_CONFIDENCE_NONE);
	look_at_numbers(&look, "card_number", "%s", 0); /* and a name that the values contradict */
	assert_true(bulla_look_judge(&look, false).confidence < BULLA_CONFIDENCE_HIGH);
}

static void test_nothing_but_serial_numbers(void **state)
{
	static bulla_look look;
	(void)state;
	static const char *const formats[] = { "%lld", "%09lld", "%010lld", "%011lld", "ORD-%08lld", "2024-%06lld" };
	for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
		bulla_look_begin(&look, "number");
		for (long long i = 0; i < 500; i++) {
			char text[64];
			snprintf(text, sizeof text, formats[f], 100000 + i * 37);
			bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(text) };
			bulla_look_at(&look, &value);
		}
		expect(bulla_look_judge(&look, true), "", BULLA_CONFIDENCE_NONE);
	}
}

static void test_running_text(void **state)
{
	(void)state;
	expect(JUDGE("note", false, "please write to anna@example.org.", "nothing", "call <bert@example.org>"), "email",
	       BULLA_CONFIDENCE_MEDIUM);
	expect(JUDGE("data", false, "{\"iban\":\"DE89370400440532013000\"}", "{\"iban\":\"GB82WEST12345698765432\"}"), "iban",
	       BULLA_CONFIDENCE_MEDIUM);
	expect(JUDGE("note", false, "one anna@example.org", "nothing", "nothing at all"), "", BULLA_CONFIDENCE_NONE);
}

static void test_other_kinds_of_values(void **state)
{
	static bulla_look look;
	bulla_value values[] = { { .kind = BULLA_KIND_INTEGER, .integer = 111222333 },
				 { .kind = BULLA_KIND_NULL },
				 { .kind = BULLA_KIND_BINARY, .bytes = bulla_view("\xff\x00\xfe", 3) },
				 { .kind = BULLA_KIND_FLOAT, .number = 1.5 } };
	(void)state;
	bulla_look_begin(&look, "bsn");
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		bulla_look_at(&look, &values[i]);
	assert_int_equal(look.values, 2);
	assert_int_equal(look.binary, 1);
	expect(bulla_look_judge(&look, false), "nl_bsn", BULLA_CONFIDENCE_HIGH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_examples),
		cmocka_unit_test(test_one_digit_wrong),
		cmocka_unit_test(test_a_number_cut_or_grown),
		cmocka_unit_test(test_presets_are_no_numbers),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_rules_on_noise),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_phrases),
		cmocka_unit_test(test_names_and_values),
		cmocka_unit_test(test_one_value_is_less),
		cmocka_unit_test(test_the_check_digit_tells_cards_from_numbers),
		cmocka_unit_test(test_nothing_but_serial_numbers),
		cmocka_unit_test(test_running_text),
		cmocka_unit_test(test_other_kinds_of_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
