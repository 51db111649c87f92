/*
 * test_limits.c - slow, idle and numerous connections are ended in time, and nobody else waits for them; stopping ends all of them.
 */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void drip(int fd, const char *text, int pause_ms)
{
	for (; *text; text++) {
		help_send_bytes(fd, text, 1);
		help_sleep_ms(pause_ms);
	}
}

static void test_a_slow_request_gets_408(void **state)
{
	(void)state;
	static const char *const parts[] = {
		"GET / HTTP/1.1\r\nHost: a",                                                 /* in its first line */
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n0123456789012345", /* in its body */
	};
	help_server s;
	help_open(&s, &(bulla_listener_config){ .request_ms = 400 });
	for (size_t i = 0; i < 2; i++) {
		int fd = help_dial(&s);
		int64_t began = help_now_ms();
		size_t quick = i ? 50 : 0;
		help_send_bytes(fd, parts[i], quick);
		drip(fd, parts[i] + quick, 40);
		help_answer a = help_receive(fd);
		assert_int_equal(a.status, 408);
		assert_non_null(strstr(a.head, "Connection: close\r\n"));
		assert_true(help_is_closed(fd, 5000));
		assert_true(help_now_ms() - began < 3000);
		close(fd);
	}
	assert_int_equal(help_refused(&s, BULLA_REFUSED_SLOW), 2);
	assert_int_equal(help_once(&s, GET("/")).status, 200);
	help_close(&s);
}

static void test_an_idle_connection_ends(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, &(bulla_listener_config){ .idle_ms = 800 });
	int fd = help_dial(&s);
	assert_int_equal(help_ask(fd, GET("/")).status, 200);
	assert_false(help_is_closed(fd, 100));
	assert_int_equal(help_receive(fd).status, 0);
	close(fd);
	bulla_listener_counts n;
	bulla_listener_count(s.listener, &n);
	assert_int_equal(n.idle_closed, 1);
	help_close(&s);
}

static void test_a_client_that_does_not_read_is_cut(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, &(bulla_listener_config){ .reply_ms = 300 });
	int fd = help_dial(&s), small = 4096;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	help_send(fd, GET("/big"));
	assert_int_equal(help_once(&s, GET("/")).status, 200);
	bulla_listener_counts n = { .open = 1 };
	for (int i = 0; i < 200 && n.open; i++) {
		help_sleep_ms(20);
		bulla_listener_count(s.listener, &n);
	}
	assert_int_equal(n.open, 0);
	close(fd);
	help_close(&s);
}

static void test_an_answer_that_takes_too_long_is_503(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, &(bulla_listener_config){ .work_ms = 200 });
	assert_int_equal(help_once(&s, GET("/keep")).status, 503);
	help_answer_kept(&s); /* goes nowhere */
	assert_int_equal(help_refused(&s, BULLA_REFUSED_LATE), 1);
	assert_int_equal(help_once(&s, GET("/")).status, 200);
	help_close(&s);
}

static void test_thousands_of_idle_connections_stop_nobody(void **state)
{
	(void)state;
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max < 16384 ? files.rlim_max : 16384;
	setrlimit(RLIMIT_NOFILE, &files);
	unsigned n = files.rlim_cur >= 8192 ? 3200 : (unsigned)files.rlim_cur / 4;
	help_server s;
	help_open(&s, &(bulla_listener_config){ .connections = n + 500 });
	int *fds = calloc(n, sizeof *fds);
	for (unsigned i = 0; i < n; i++) {
		fds[i] = help_dial(&s);
		if (i % 2) assert_int_equal(help_ask(fds[i], GET("/")).status, 200);
	}
	int64_t began = help_now_ms();
	for (int i = 0; i < 100; i++)
		assert_int_equal(help_once(&s, GET("/")).status, 200);
	assert_true(help_now_ms() - began < 5000);
	for (unsigned i = 0; i < n; i += 97)
		assert_int_equal(help_ask(fds[i], GET("/")).status, 200);
	bulla_listener_counts counts;
	bulla_listener_count(s.listener, &counts);
	assert_int_equal(counts.idle_closed, 0);
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
	free(fds);
	help_close(&s);
}

static void test_the_oldest_idle_connection_makes_room(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, &(bulla_listener_config){ .connections = 10 });
	int fds[10], late[5];
	for (int i = 0; i < 10; i++) {
		fds[i] = help_dial(&s);
		assert_int_equal(help_ask(fds[i], GET("/")).status, 200);
	}
	for (int i = 0; i < 5; i++) {
		late[i] = help_dial(&s);
		assert_int_equal(help_ask(late[i], GET("/")).status, 200);
	}
	for (int i = 0; i < 5; i++)
		assert_true(help_is_closed(fds[i], 2000));
	for (int i = 5; i < 10; i++)
		assert_int_equal(help_ask(fds[i], GET("/")).status, 200);
	for (int i = 0; i < 10; i++)
		close(fds[i]);
	for (int i = 0; i < 5; i++)
		close(late[i]);
	help_close(&s);
}

static void test_where_all_are_busy_the_new_one_is_refused(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, &(bulla_listener_config){ .connections = 1 });
	int fd = help_dial(&s);
	help_send(fd, GET("/keep"));
	help_wait_kept(&s, 1);
	int second = help_dial(&s);
	assert_true(help_is_closed(second, 5000));
	close(second);
	assert_int_equal(help_refused(&s, BULLA_REFUSED_CROWDED), 1);
	help_answer_kept(&s);
	assert_int_equal(help_receive(fd).status, 200);
	close(fd);
	help_close(&s);
}

/* --- stopping ---------------------------------------------------------------------------------------------------- */

static void test_a_stop_finishes_what_is_under_way(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, &(bulla_listener_config){ .loops = 2 });
	int idle = help_dial(&s), busy = help_dial(&s), half = help_dial(&s);
	assert_int_equal(help_ask(idle, GET("/")).status, 200);
	help_send(busy, GET("/keep"));
	help_wait_kept(&s, 1);
	help_send(half, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
	help_sleep_ms(50);
	int64_t began = help_now_ms();
	bulla_listener_stop(s.listener, 10000);
	assert_true(help_is_closed(idle, 3000));
	help_answer a = help_ask(half, "bc");
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.head, "Connection: close\r\n"));
	help_answer_kept(&s);
	a = help_receive(busy);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.head, "Connection: close\r\n"));
	bulla_listener_wait(s.listener);
	assert_true(help_now_ms() - began < 5000);
	close(idle);
	close(busy);
	close(half);
	help_close(&s);
}

static void test_a_stop_does_not_wait_for_ever(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	int kept = help_dial(&s), half = help_dial(&s);
	help_send(kept, GET("/keep"));
	help_send(half, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
	help_wait_kept(&s, 1);
	int64_t began = help_now_ms();
	bulla_listener_stop(s.listener, 300);
	bulla_listener_wait(s.listener);
	int64_t took = help_now_ms() - began;
	assert_true(took >= 250 && took < 3000);
	assert_true(help_is_closed(kept, 2000) && help_is_closed(half, 2000));
	close(kept);
	close(half);
	help_close(&s); /* answers the kept one after the listener is gone */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_slow_request_gets_408),
		cmocka_unit_test(test_an_idle_connection_ends),
		cmocka_unit_test(test_a_client_that_does_not_read_is_cut),
		cmocka_unit_test(test_an_answer_that_takes_too_long_is_503),
		cmocka_unit_test(test_thousands_of_idle_connections_stop_nobody),
		cmocka_unit_test(test_the_oldest_idle_connection_makes_room),
		cmocka_unit_test(test_where_all_are_busy_the_new_one_is_refused),
		cmocka_unit_test(test_a_stop_finishes_what_is_under_way),
		cmocka_unit_test(test_a_stop_does_not_wait_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
