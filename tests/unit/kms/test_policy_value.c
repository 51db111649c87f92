/*
 * test_policy_value.c - numbers, times, booleans and addresses are read exactly, and nothing else is one.
 */
#include "policy_help.h"

#include "kms/policy_value.h"

static void test_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double value;
	} rows[] = { { "0", 0 },
		     { "7", 7 },
		     { "-7", -7 },
		     { "007", 7 },
		     { "0.1", 0.1 },
		     { "-2.50", -2.5 },
		     { "999999999999999", 999999999999999 } };
	static const char *const wrong[] = { "",
					     "-",
					     ".5",
					     "5.",
					     "1e3",
					     "+1",
					     " 1",
					     "1 ",
					     "0x10",
					     "1,5",
					     "nan",
					     "inf",
					     "--1",
					     "1.2.3",
					     "1000000000000000",
					     "0.1234567890123456" };
	double value;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(bulla_policy_number(bulla_view_str(rows[i].text), &value));
		if (value < rows[i].value || value > rows[i].value) fail_msg("%s is %.17g", rows[i].text, value);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (bulla_policy_number(bulla_view_str(wrong[i]), &value)) fail_msg("\"%s\" is a number", wrong[i]);
}

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t seconds, us;
	} rows[] = {
		{ "1970", 0, 0 },
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "2026", 1767225600, 0 },
		{ "2026-11", 1793491200, 0 },
		{ "2026-11-21", 1795219200, 0 },
		{ "2026-11-21T19:05Z", 1795287900, 0 },
		{ "2026-11-21T19:05:00Z", 1795287900, 0 },
		{ "2026-11-21T19:05:00.25Z", 1795287900, 250000 },
		{ "2026-11-21T19:05:00.1234567890Z", 1795287900, 123456 },
		{ "2026-11-21T20:05:00+01:00", 1795287900, 0 },
		{ "2026-11-21T14:35:00-04:30", 1795287900, 0 },
		{ "2000-02-29T00:00:00Z", 951782400, 0 },
		{ "2024-02-29", 1709164800, 0 },
		{ "9999-12-31T23:59:59Z", 253402300799, 0 },
		{ "0", 0, 0 },
		{ "1795287900", 1795287900, 0 },
		{ "1795287900.5", 1795287900, 500000 },
		{ "20130930", 20130930, 0 }, /* eight digits are seconds */
	};
	static const char *const wrong[] = { "",
					     "2026-13",
					     "2026-00",
					     "2026-02-29",
					     "2100-02-29",
					     "2026-11-31",
					     "2026-1-1",
					     "2026-11-21T19:05:00",
					     "2026-11-21T19:05:00z",
					     "2026-11-21 19:05:00Z",
					     "2026-11-21T24:00:00Z",
					     "2026-11-21T19:60:00Z",
					     "2026-11-21T19Z",
					     "2026-11-21T19:05:00.Z",
					     "2026-11-21T19:05:00+1:00",
					     "2026-11-21T19:05:00Z ",
					     "2026-11T19:05:00Z",
					     "2026T19:05:00Z",
					     "1969",
					     "-1",
					     "253402300800",
					     "tomorrow",
					     "2026-11-21Z" };
	int64_t us;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		us = -1;
		if (!bulla_policy_time(bulla_view_str(rows[i].text), &us)) fail_msg("\"%s\" is no time", rows[i].text);
		if (us != rows[i].seconds * 1000000 + rows[i].us) fail_msg("\"%s\" is %lld", rows[i].text, (long long)us);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (bulla_policy_time(bulla_view_str(wrong[i]), &us)) fail_msg("\"%s\" is a time", wrong[i]);
}

/* Each day of 130 years, read back. */
static void test_times_are_printed(void **state)
{
	(void)state;
	char text[BULLA_POLICY_TIME_TEXT];
	int64_t us = -1;
	for (int64_t day = 0; day < 47500; day++) {
		int64_t now = (day * 86400 + day * 7919 % 86400) * 1000000;
		bulla_policy_time_print(now + 999999, text);
		if (!bulla_policy_time(bulla_view(text, sizeof text), &us) || us != now) fail_msg("%.20s", text);
	}
	bulla_policy_time_print(INT64_C(1795287900250000), text);
	assert_memory_equal(text, "2026-11-21T19:05:00Z", sizeof text);
	bulla_policy_time_print(-5, text);
	assert_memory_equal(text, "1970-01-01T00:00:00Z", sizeof text);
}

static void test_flags(void **state)
{
	(void)state;
	bool flag = false;
	assert_true(bulla_policy_flag(bulla_view_str("True"), &flag) && flag);
	assert_true(bulla_policy_flag(bulla_view_str("false"), &flag) && !flag);
	assert_false(bulla_policy_flag(bulla_view_str("1"), &flag));
	assert_false(bulla_policy_flag(bulla_view_str(""), &flag));
}

static bool has(const char *range, const char *address)
{
	bulla_policy_net net, one;
	if (!bulla_policy_net_read(bulla_view_str(range), &net)) fail_msg("\"%s\" is no range", range);
	if (!bulla_policy_net_read(bulla_view_str(address), &one)) fail_msg("\"%s\" is no address", address);
	assert_int_equal(one.bits, 128);
	return bulla_policy_net_has(&net, &one);
}

static void test_ranges(void **state)
{
	(void)state;
	static const struct {
		const char *range, *address;
		bool in;
	} rows[] = {
		{ "203.0.113.0/24", "203.0.113.255", true },
		{ "203.0.113.0/24", "203.0.114.0", false },
		{ "203.0.113.77/24", "203.0.113.1", true }, /* bits behind the prefix do not count */
		{ "203.0.113.5", "203.0.113.5", true },
		{ "203.0.113.5", "203.0.113.4", false },
		{ "203.0.113.4/31", "203.0.113.5", true },
		{ "203.0.113.4/31", "203.0.113.6", false },
		{ "128.0.0.0/1", "255.0.0.1", true },
		{ "128.0.0.0/1", "127.0.0.1", false },
		{ "0.0.0.0/0", "8.8.8.8", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "8.8.8.8", false },
		{ "::/0", "::ffff:8.8.8.8", false }, /* which is IPv4 */
		{ "8.8.8.0/24", "::ffff:8.8.8.8", true },
		{ "8.8.8.0/24", "::FFFF:808:808", true },
		{ "::ffff:8.8.8.0/120", "8.8.8.8", true },
		{ "8.8.8.0/24", "::8.8.8.8", false },
		{ "2001:DB8:1234:5678::/64", "2001:db8:1234:5678:9:a:b:c", true },
		{ "2001:DB8:1234:5678::/64", "2001:db8:1234:5679::", false },
		{ "2001:db8::1", "2001:0db8:0:0:0:0:0:1", true },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		{ "::1", "::1", true },
		{ "::", "::", true },
		{ "1::", "1:0:0:0:0:0:0:0", true },
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", true },
		{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304", true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (has(rows[i].range, rows[i].address) != rows[i].in) fail_msg("%s and %s", rows[i].range, rows[i].address);
}

static void test_no_ranges(void **state)
{
	(void)state;
	static const char *const wrong[] = { "",
					     "1.2.3",
					     "1.2.3.4.5",
					     "1.2.3.256",
					     "1.2.3.04",
					     "1.2.3.4/33",
					     "1.2.3.4/",
					     "1.2.3.4/-1",
					     "1.2.3.4/08",
					     "1.2.3.*",
					     " 1.2.3.4",
					     "1.2.3.4 ",
					     "1.2.3.4:80",
					     ":",
					     ":::",
					     "1::2::3",
					     "1:2:3:4:5:6:7",
					     "1:2:3:4:5:6:7:8:9",
					     "1:2:3:4:5:6:7:8::",
					     "::1:2:3:4:5:6:7:8",
					     "1:2:3:4:5:6:7:1.2.3.4",
					     "::1.2.3.4:5",
					     "12345::",
					     "g::",
					     "1:",
					     "::1/129",
					     "fe80::1%eth0",
					     "[::1]",
					     "/8",
					     "localhost" };
	bulla_policy_net net;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (bulla_policy_net_read(bulla_view_str(wrong[i]), &net)) fail_msg("\"%s\" is a range", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_times),  cmocka_unit_test(test_times_are_printed),
		cmocka_unit_test(test_flags),   cmocka_unit_test(test_ranges), cmocka_unit_test(test_no_ranges),
	};
	return cmocka_run_group_tests_name("kms/policy_value", tests, NULL, NULL);
}
