/*
 * test_http.c - a POST and what comes back: from a server of the test's own, which says what it is told to.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/http.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Takes one connection, reads until `until` has come, says `answer`, and closes unless it is to hang. */
typedef struct server {
	int fd;
	unsigned port;
	pthread_t thread;
	const char *until, *answer;
	bool hangs;
	char heard[8192];
} server;

static void *serve(void *self)
{
	server *s = self;
	int fd = accept(s->fd, NULL, NULL);
	size_t len = 0;
	while (fd >= 0 && !strstr(s->heard, s->until)) {
		ssize_t n = read(fd, s->heard + len, sizeof s->heard - 1 - len);
		if (n <= 0) break;
		len += (size_t)n;
	}
	if (fd >= 0 && !s->hangs) (void)!write(fd, s->answer, strlen(s->answer));
	if (fd >= 0 && s->hangs) (void)!read(fd, s->heard, 1); /* until the client has had enough */
	if (fd >= 0) close(fd);
	return NULL;
}

static void start(server *s)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof address;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(s->fd, 1), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &len), 0);
	s->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static bulla_code ask(server *s, bulla_post post, unsigned *ret_status, bulla_buf *out, bulla_error *err)
{
	char url[64];
	start(s);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", s->port);
	post.url = url;
	bulla_code code = bulla_http_post(&post, ret_status, out, err);
	pthread_join(s->thread, NULL);
	close(s->fd);
	return code;
}

static void an_answer(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	server s = { .until = "{\"a\":1}", .answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nnope" };
	const bulla_http_header headers[] = { { bulla_view_str("Host"), bulla_view_str("kms.example.org") },
					      { bulla_view_str("X-Amz-Target"), bulla_view_str("Bulla.Freeze") } };
	unsigned status = 0;
	(void)state;
	assert_int_equal(bulla_buf_add_str(&out, "before ", NULL), BULLA_OK);
	assert_int_equal(ask(&s, (bulla_post){ .headers = headers, .n_headers = 2, .body = bulla_view_str("{\"a\":1}") }, &status,
			     &out, NULL),
			 BULLA_OK);
	assert_int_equal(status, 400);
	assert_true(bulla_bytes_is(bulla_view_buf(&out), "before nope"));
	assert_non_null(strstr(s.heard, "POST / HTTP/1.1\r\nHost: kms.example.org\r\n"));
	assert_non_null(strstr(s.heard, "X-Amz-Target: Bulla.Freeze\r\n"));
	assert_null(strstr(s.heard, "Expect"));
}

static void no_redirect_is_followed(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	server s = { .until = "\r\n\r\n",
		     .answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n" };
	unsigned status = 0;
	(void)state;
	assert_int_equal(ask(&s, (bulla_post){ 0 }, &status, &out, NULL), BULLA_OK);
	assert_int_equal(status, 302);
}

static void an_answer_that_is_too_long(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_error err = { 0 };
	server s = { .until = "\r\n\r\n", .answer = "HTTP/1.1 200 OK\r\n\r\n0123456789" };
	unsigned status = 0;
	(void)state;
	assert_int_equal(ask(&s, (bulla_post){ .answer_max = 9 }, &status, &out, &err), BULLA_ERR_LIMIT);
	assert_int_equal(out.len, 0);
}

static void nobody_answers(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_error err = { 0 };
	server s = { .until = "\r\n\r\n", .hangs = true };
	unsigned status = 0;
	(void)state;
	assert_int_equal(ask(&s, (bulla_post){ .total_ms = 200 }, &status, &out, &err), BULLA_ERR_UNAVAILABLE);
	const bulla_post nowhere = { .url = "http://127.0.0.1:1/" };
	assert_int_equal(bulla_http_post(&nowhere, &status, &out, &err), BULLA_ERR_UNAVAILABLE);
	assert_non_null(strstr(err.text, "does not answer"));
	const bulla_post socket = { .url = "http://localhost/", .socket = "/nonexistent/socket" };
	assert_int_equal(bulla_http_post(&socket, &status, &out, &err), BULLA_ERR_UNAVAILABLE);
}

static void what_is_refused_here(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_error err = { 0 };
	const bulla_http_header bad = { bulla_view_str("A"), bulla_view_str("b\r\nC: d") };
	const bulla_post posts[] = { { .url = "ftp://127.0.0.1/" },
				     { .url = "file:///etc/passwd" },
				     { .url = "http://" },
				     { .url = "http://127.0.0.1:1/", .headers = &bad, .n_headers = 1 } };
	unsigned status = 0;
	(void)state;
	for (size_t i = 0; i < sizeof posts / sizeof *posts; i++)
		assert_int_equal(bulla_http_post(&posts[i], &status, &out, &err), BULLA_ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer),
		cmocka_unit_test(no_redirect_is_followed),
		cmocka_unit_test(an_answer_that_is_too_long),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(what_is_refused_here),
	};
	return cmocka_run_group_tests_name("io/http", tests, NULL, NULL);
}
