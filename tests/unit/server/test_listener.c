/*
 * test_listener.c - requests reach the handler as they were sent, answers the client; alone, in pipelines, in groups, from other threads.
 */
#include "help.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_a_request_arrives_as_it_was_sent(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	help_answer a = help_once(
		&s, "PATCH /echo HTTP/1.1\r\nhOsT: a.example\r\nX-Two:  two words \r\nx-two:\r\nContent-Length: 4\r\n\r\nab\ncd");
	assert_int_equal(a.status, 200);
	assert_string_equal(
		a.body, "PATCH /echo\nhOsT=a.example\nX-Two=two words \nx-two=\nContent-Length=4\npeer=127.0.0.1\nbody=ab\nc\n");
	assert_non_null(strstr(a.head, "Content-Type: text/x-test\r\n"));
	a = help_once(&s, "GET /%41%zz/?b=%20&a HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(a.status, 200);
	a = help_once(&s, "GET /echo HTTP/1.0\r\n\r\n");
	assert_int_equal(a.status, 200);
	help_close(&s);
}

static void test_a_connection_serves_many_requests(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	int fd = help_dial(&s);
	for (int i = 0; i < 50; i++) {
		help_answer a = help_ask(fd, i % 2 ? GET("/") : "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
		assert_int_equal(a.status, 200);
	}
	help_answer a = help_ask(fd, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	assert_int_equal(a.status, 200);
	assert_true(help_is_closed(fd, 5000));
	close(fd);
	bulla_listener_counts n;
	bulla_listener_count(s.listener, &n);
	assert_int_equal(n.accepted, 1);
	assert_int_equal(n.requests, 51);
	assert_int_equal(n.answers, 51);
	help_close(&s);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	int fd = help_dial(&s);
	help_send(fd, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1POST /echo HTTP/1.1\r\nHost: "
		      "a\r\nContent-Length: 1\r\n\r\n2"
		      "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n3" GET("/"));
	for (int i = 1; i <= 3; i++) {
		char expected[16];
		snprintf(expected, sizeof expected, "body=%d\n", i);
		help_answer a = help_receive(fd);
		assert_int_equal(a.status, 200);
		assert_non_null(strstr(a.body, expected));
	}
	assert_string_equal(help_receive(fd).body, "fine");
	close(fd);
	help_close(&s);
}

static void test_a_chunked_body_is_put_together(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	int fd = help_dial(&s);
	for (int i = 0; i < 2; i++) {
		help_answer a = help_ask(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
					     "chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: t\r\n\r\n");
		assert_int_equal(a.status, 200);
		assert_non_null(strstr(a.body, "body=abc0123456789\n"));
	}
	close(fd);
	help_close(&s);
}

static void test_a_client_that_waits_for_100_gets_it(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	int fd = help_dial(&s);
	help_answer a = help_ask(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	assert_int_equal(a.status, 100);
	a = help_ask(fd, "abc");
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "body=abc\n"));
	close(fd);
	help_close(&s);
}

static void test_a_body_in_small_pieces_arrives_whole(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	int fd = help_dial(&s);
	const char *text = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde";
	for (const char *at = text; *at; at++) {
		help_send_bytes(fd, at, 1);
		if (at > text + 45) help_sleep_ms(2);
	}
	help_answer a = help_receive(fd);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "body=abcde\n"));
	close(fd);
	help_close(&s);
}

static void test_the_largest_body_passes(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	int fd = help_dial(&s);
	char *body = malloc(BULLA_LISTENER_BODY_MAX);
	memset(body, 'z', BULLA_LISTENER_BODY_MAX);
	help_send(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n");
	help_send_bytes(fd, body, BULLA_LISTENER_BODY_MAX);
	assert_int_equal(help_receive(fd).status, 200);
	free(body);
	close(fd);
	help_close(&s);
}

/* Sockets fill while the loop is in the handler: what came meanwhile is one group. */
static void test_requests_that_came_together_are_one_group(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	int fds[40];
	for (int i = 0; i < 40; i++)
		fds[i] = help_dial(&s);
	for (int round = 0; round < 20 && atomic_load(&s.largest_turn) < 4; round++) {
		for (int i = 0; i < 40; i++)
			help_send(fds[i], GET("/big"));
		for (int i = 0; i < 40; i++)
			assert_int_equal(help_receive(fds[i]).len, BIG_SIZE);
	}
	assert_true(atomic_load(&s.largest_turn) >= 4);
	for (int i = 0; i < 40; i++)
		close(fds[i]);
	help_close(&s);
}

static void test_answers_come_from_other_threads(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	int fds[32];
	for (int i = 0; i < 32; i++) {
		fds[i] = help_dial(&s);
		help_send(fds[i], GET("/later"));
	}
	assert_int_equal(help_once(&s, GET("/")).status, 200); /* nobody waits for them */
	for (int i = 0; i < 32; i++) {
		assert_int_equal(help_receive(fds[i]).status, 200);
		assert_int_equal(help_ask(fds[i], GET("/")).status, 200);
		close(fds[i]);
	}
	help_close(&s);
}

static void test_a_client_that_left_harms_no_answer(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	int fd = help_dial(&s);
	help_send(fd, GET("/keep"));
	help_wait_kept(&s, 1);
	struct linger reset = { 1, 0 };
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(fd);
	help_answer_kept(&s);
	assert_int_equal(help_once(&s, GET("/")).status, 200);
	help_close(&s);
}

static void test_a_half_closed_client_gets_its_answer(void **state)
{
	(void)state;
	static const char *const targets[] = { GET("/echo"), GET("/later"), GET("/big") };
	help_server s;
	help_open(&s, NULL);
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		int fd = help_dial(&s);
		help_send(fd, targets[i]);
		shutdown(fd, SHUT_WR);
		assert_int_equal(help_receive(fd).status, 200);
		assert_true(help_is_closed(fd, 5000));
		close(fd);
	}
	int fd = help_dial(&s); /* half a request is none */
	help_send(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
	shutdown(fd, SHUT_WR);
	assert_true(help_is_closed(fd, 5000));
	close(fd);
	help_close(&s);
}

static void test_loops_share_a_port(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, &(bulla_listener_config){ .loops = 3 });
	for (int i = 0; i < 300 && atomic_load(&s.loops_seen) != 7; i++)
		assert_int_equal(help_once(&s, GET("/")).status, 200);
	assert_int_equal(atomic_load(&s.loops_seen), 7);
	bulla_listener *second = NULL;
	bulla_listener_config config = {
		.address = bulla_listener_address(s.listener),
		.loops = 2,
	};
	config.handler.turn = (void (*)(void *, unsigned, bulla_exchange *const *, size_t))abort;
	bulla_error err = { 0 };
	assert_int_equal(bulla_listener_open(&config, &second, &err), BULLA_ERR_EXISTS);
	help_close(&s);
}

static void test_other_addresses(void **state)
{
	(void)state;
	static const char *const addresses[] = { "[::1]:0", "localhost:0", ":0" };
	for (size_t i = 0; i < 2; i++) {
		help_server s;
		help_open(&s, &(bulla_listener_config){ .address = addresses[i] });
		assert_int_equal(help_once(&s, GET("/")).status, 200);
		help_close(&s);
	}
	static const char *const wrong[] = { "",    "7454", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "::1:80",
					     "fd:", "fd:x", "fd:0",      "unix:",      "a b:80" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		bulla_listener *listener = NULL;
		bulla_listener_config config = { .address = wrong[i] };
		config.handler.turn = (void (*)(void *, unsigned, bulla_exchange *const *, size_t))abort;
		assert_int_equal(bulla_listener_open(&config, &listener, NULL), BULLA_ERR_USAGE);
	}
}

static void test_a_unix_socket(void **state)
{
	(void)state;
	char dir[] = "/tmp/bulla-listener-XXXXXX", path[64], address[80];
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/s", dir);
	snprintf(address, sizeof address, "unix:%s", path);
	help_server s;
	for (int i = 0; i < 2; i++) {
		help_open(&s, &(bulla_listener_config){ .address = address, .loops = 2 });
		help_answer a = help_once(&s, GET("/echo"));
		assert_non_null(strstr(a.body, "peer=unix\n"));
		struct stat st;
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0660);
		bulla_listener *second = NULL;
		bulla_listener_config config = { .address = address };
		config.handler.turn = (void (*)(void *, unsigned, bulla_exchange *const *, size_t))abort;
		assert_int_equal(bulla_listener_open(&config, &second, NULL), BULLA_ERR_EXISTS);
		help_close(&s);
		assert_int_equal(access(path, F_OK), -1);
	}
	rmdir(dir);
}

static void test_a_socket_that_was_inherited(void **state)
{
	(void)state;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 16), 0);
	char text[16];
	snprintf(text, sizeof text, "fd:%d", fd);
	help_server s;
	help_open(&s, &(bulla_listener_config){ .address = text, .loops = 2 });
	assert_int_equal(help_once(&s, GET("/")).status, 200);
	help_close(&s);
	assert_true(fcntl(fd, F_GETFD) >= 0); /* it stays its owner's */
	close(fd);
}

static void test_ticks_come_without_requests(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	int64_t began = help_now_ms();
	help_sleep_ms(500);
	unsigned n = atomic_load(&s.ticks);
	assert_true(n >= 2 && n <= (help_now_ms() - began) / BULLA_LISTENER_TICK_MS + 2);
	help_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_request_arrives_as_it_was_sent),
		cmocka_unit_test(test_a_connection_serves_many_requests),
		cmocka_unit_test(test_pipelined_requests_are_answered_in_order),
		cmocka_unit_test(test_a_chunked_body_is_put_together),
		cmocka_unit_test(test_a_client_that_waits_for_100_gets_it),
		cmocka_unit_test(test_a_body_in_small_pieces_arrives_whole),
		cmocka_unit_test(test_the_largest_body_passes),
		cmocka_unit_test(test_requests_that_came_together_are_one_group),
		cmocka_unit_test(test_answers_come_from_other_threads),
		cmocka_unit_test(test_a_client_that_left_harms_no_answer),
		cmocka_unit_test(test_a_half_closed_client_gets_its_answer),
		cmocka_unit_test(test_loops_share_a_port),
		cmocka_unit_test(test_other_addresses),
		cmocka_unit_test(test_a_unix_socket),
		cmocka_unit_test(test_a_socket_that_was_inherited),
		cmocka_unit_test(test_ticks_come_without_requests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
