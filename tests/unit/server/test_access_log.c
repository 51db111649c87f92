/*
 * test_access_log.c - lines are JSON, hold nothing that is secret, come at a bounded rate and never hold anybody up.
 */
#include "help.h"

#include "base/json.h"
#include "server/access_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOON 1800000000000000 /* 2027-01-15T08:00:00Z */

typedef struct world {
	int in, out;
	bulla_access_log *log;
	char text[1 << 16];
} world;

static int set_up(void **state)
{
	world *w = calloc(1, sizeof *w);
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	w->in = fds[0];
	w->out = fds[1];
	assert_int_equal(bulla_access_log_new(w->out, &w->log, NULL), BULLA_OK);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	world *w = *state;
	bulla_access_log_free(w->log);
	close(w->in);
	close(w->out);
	free(w);
	return 0;
}

static const char *drain(world *w)
{
	fcntl(w->in, F_SETFL, O_NONBLOCK);
	size_t n = 0;
	for (ssize_t got; (got = read(w->in, w->text + n, sizeof w->text - 1 - n)) > 0;)
		n += (size_t)got;
	w->text[n] = 0;
	return w->text;
}

static size_t lines(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static bulla_access_entry entry(unsigned status)
{
	return (bulla_access_entry){ .time_us = NOON,
				     .request = bulla_view_str("id-1"),
				     .peer = bulla_view_str("192.0.2.7"),
				     .method = bulla_view_str("POST"),
				     .target = bulla_view_str("/?X-Amz-Signature=secret"),
				     .operation = bulla_view_str("Decrypt"),
				     .status = status,
				     .took_us = 120,
				     .bytes_in = 3,
				     .bytes_out = 4 };
}

static void test_a_request_is_one_line(void **state)
{
	world *w = *state;
	bulla_access_entry e = entry(200);
	bulla_access_log_request(w->log, &e);
	assert_string_equal(
		drain(w), "{\"time\":\"2027-01-15T08:00:00Z\",\"event\":\"request\",\"request\":\"id-1\",\"peer\":\"192.0.2.7\","
			  "\"method\":\"POST\",\"target\":\"/"
			  "\",\"operation\":\"Decrypt\",\"status\":200,\"took_us\":120,\"bytes_in\":3,\"bytes_out\":4}\n");
}

static void test_hostile_texts_stay_one_line_of_json(void **state)
{
	world *w = *state;
	char nasty[2000];
	for (size_t i = 0; i < sizeof nasty; i++)
		nasty[i] = "\"\\\n\x01\xff\xc3\xa4"[i % 7];
	bulla_access_entry e = entry(403);
	e.operation = e.principal = e.error = e.method = bulla_view(nasty, sizeof nasty);
	bulla_access_log_request(w->log, &e);
	bulla_pair field = { bulla_view_str("a_name_that_is_much_longer_than_any_name_ought_to_be"),
			     bulla_view(nasty, sizeof nasty) };
	bulla_access_log_event(w->log, NOON, BULLA_LOG_INFO, "odd", &field, 1);
	const char *text = drain(w);
	assert_int_equal(lines(text), 2);
	for (const char *end; *text; text = end + 1) {
		end = strchr(text, '\n');
		bulla_json *parsed = NULL;
		assert_int_equal(bulla_json_parse(bulla_view(text, (size_t)(end - text)), &parsed, NULL), BULLA_OK);
		bulla_json_free(parsed);
		assert_true(end - text < BULLA_LOG_LINE_MAX);
	}
	memset(nasty, 1, sizeof nasty);
	e.peer = e.request = e.target = e.operation;
	bulla_access_log_request(w->log, &e); /* six times as long, seven times */
	assert_string_equal(drain(w), "{\"event\":\"too_long\"}\n");
}

static void test_errors_have_a_rate(void **state)
{
	world *w = *state;
	for (int i = 0; i < 1000; i++) {
		bulla_access_entry e = entry(500);
		e.time_us += i * 100; /* a tenth of a second */
		bulla_access_log_request(w->log, &e);
	}
	size_t n = lines(drain(w));
	assert_true(n >= BULLA_LOG_ERRORS && n <= BULLA_LOG_ERRORS + 3);
	assert_int_equal(bulla_access_log_dropped(w->log), 1000 - n);
	bulla_access_log_event(w->log, NOON + 5000000, BULLA_LOG_WARNING, "later", NULL, 0);
	assert_non_null(strstr(drain(w), "\"dropped\":"));
	for (int i = 0; i < 100; i++) {
		bulla_access_entry e = entry(200);
		bulla_access_log_request(w->log, &e); /* no error, no limit */
	}
	assert_int_equal(lines(drain(w)), 100);
}

static void test_a_full_pipe_holds_nobody_up(void **state)
{
	world *w = *state;
	int64_t began = help_now_ms();
	for (int i = 0; i < 2000; i++) {
		bulla_access_entry e = entry(200);
		bulla_access_log_request(w->log, &e);
	}
	assert_true(help_now_ms() - began < 3000);
	assert_true(bulla_access_log_dropped(w->log) > 0);
	for (int i = 0; i < 4; i++)
		drain(w);
	bulla_access_entry e = entry(200);
	bulla_access_log_request(w->log, &e);
	assert_non_null(strstr(drain(w), "\"dropped\":"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_request_is_one_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hostile_texts_stay_one_line_of_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errors_have_a_rate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_full_pipe_holds_nobody_up, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
