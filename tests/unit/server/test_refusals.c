/*
 * test_refusals.c - what is refused before a handler sees it, and that the connection behind it is closed.
 */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct bad {
	const char *text;
	size_t len; /* 0: strlen */
	int status; /* 0: closed without an answer */
	bulla_refusal why;
} bad;

#define H      "Host: a\r\n"
#define POST   "POST / HTTP/1.1\r\n" H
#define RAW(s) s, sizeof(s) - 1

static const bad bads[] = {
	/* where does the body end? */
	{ POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 400, BULLA_REFUSED_FRAMING },
	{ POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 0, 400, BULLA_REFUSED_FRAMING },
	{ POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 0, 400, BULLA_REFUSED_FRAMING },
	{ POST "Content-Length: 5\r\ncontent-length: 5\r\n\r\nabcde", 0, 400, BULLA_REFUSED_FRAMING },
	{ POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 400, BULLA_REFUSED_FRAMING },
	{ "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 400, BULLA_REFUSED_FRAMING },
	{ POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, 501, BULLA_REFUSED_CODING },
	{ POST "Transfer-Encoding: identity\r\n\r\n", 0, 501, BULLA_REFUSED_CODING },
	{ POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 0, 501, BULLA_REFUSED_CODING },
	/* blanks and other letters that do not belong there */
	{ POST "Content-Length : 3\r\n\r\nabc", 0, 400, BULLA_REFUSED_MALFORMED },
	{ POST "Content-Length\t: 3\r\n\r\nabc", 0, 400, BULLA_REFUSED_MALFORMED },
	{ POST "Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\nabc", 0, 400, BULLA_REFUSED_MALFORMED },
	{ POST "A B: c\r\n\r\n", 0, 400, BULLA_REFUSED_MALFORMED },
	{ POST ": c\r\n\r\n", 0, 400, BULLA_REFUSED_MALFORMED },
	{ POST "X: a\r\n folded\r\n\r\n", 0, 400, BULLA_REFUSED_MALFORMED },
	{ POST "X: a\n\r\n", 0, 400, BULLA_REFUSED_MALFORMED },
	{ "POST / HTTP/1.1\n" H "\r\n", 0, 400, BULLA_REFUSED_MALFORMED },
	{ POST "X: a\r\n\n", 0, 400, BULLA_REFUSED_MALFORMED },
	{ POST "X: a\rb\r\n\r\n", 0, 400, BULLA_REFUSED_MALFORMED },
	{ POST "X: a\x01"
	       "b\r\n\r\n",
	  0, 400, BULLA_REFUSED_MALFORMED },
	{ RAW(POST "X: a\0b\r\n\r\n"), 400, BULLA_REFUSED_MALFORMED },
	{ RAW(POST "X: a\0\0\r\n\r\n"), 400, BULLA_REFUSED_MALFORMED },
	{ RAW(POST "Content-Length: 3\0 4\r\nX: a\r\n\r\nabc"), 400, BULLA_REFUSED_MALFORMED },
	{ RAW("GET /a\0b HTTP/1.1\r\n" H "\r\n"), 400, BULLA_REFUSED_MALFORMED },
	{ "GET  / HTTP/1.1\r\n" H "\r\n", 0, 400, BULLA_REFUSED_MALFORMED },
	{ "GET / x HTTP/1.1\r\n" H "\r\n", 0, 400, BULLA_REFUSED_MALFORMED },
	{ "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 0, 400, BULLA_REFUSED_MALFORMED },
	{ "G\x80T / HTTP/1.1\r\n" H "\r\n", 0, 400, BULLA_REFUSED_MALFORMED },
	{ "GET / HTTP/1.2\r\n" H "\r\n", 0, 400, BULLA_REFUSED_MALFORMED },
	/* hosts */
	{ "GET / HTTP/1.1\r\n\r\n", 0, 400, BULLA_REFUSED_HOST },
	{ "GET / HTTP/1.1\r\n" H H "\r\n", 0, 400, BULLA_REFUSED_HOST },
	{ "GET / HTTP/1.0\r\n" H H "\r\n", 0, 400, BULLA_REFUSED_HOST },
	/* sizes and expectations */
	{ POST "Content-Length: 1048577\r\n\r\n", 0, 413, BULLA_REFUSED_BODY },
	{ POST "Content-Length: 9223372036854775808\r\n\r\n", 0, 413, BULLA_REFUSED_BODY },
	{ POST "Content-Length: 1048577\r\nExpect: 100-continue\r\n\r\n", 0, 413, BULLA_REFUSED_BODY },
	{ POST "Expect: cake\r\n\r\n", 0, 417, BULLA_REFUSED_EXPECTATION },
	/* libmicrohttpd's own */
	{ POST "Content-Length: -1\r\n\r\n", 0, 400, BULLA_REFUSED_READING },
	{ POST "Content-Length: 0x10\r\n\r\n", 0, 400, BULLA_REFUSED_READING },
	{ POST "Content-Length: 99999999999999999999999\r\n\r\n", 0, 413, BULLA_REFUSED_READING },
	{ POST "nothing\r\n\r\n", 0, 400, BULLA_REFUSED_READING },
	{ POST "Transfer-Encoding: chunked\r\n\r\nx\r\n", 0, 400, BULLA_REFUSED_READING },
	{ POST "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 0, 400, BULLA_REFUSED_READING },
	{ POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 0, 400, BULLA_REFUSED_READING },
	/* before it knows that there is a request: counted nowhere */
	{ "GET / HTTP/1.1 \r\n" H "\r\n", 0, 400, 0 },
	{ "GET / HTTP/2.0\r\n" H "\r\n", 0, 505, 0 },
	{ "GET\r\n\r\n", 0, 0, 0 },
	{ "GET /\r\n\r\n", 0, 400, 0 },
};

static void test_each_is_refused_and_the_connection_closed(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
		uint64_t before = help_refused(&s, bads[i].why);
		int fd = help_dial(&s);
		help_send_bytes(fd, bads[i].text, bads[i].len ? bads[i].len : strlen(bads[i].text));
		help_send(fd, GET("/smuggled"));
		help_answer a = help_receive(fd);
		if (a.status != bads[i].status) fail_msg("%zu: %d instead of %d: %s", i, a.status, bads[i].status, bads[i].text);
		if (a.status && !strstr(a.head, "Connection: close\r\n")) fail_msg("%zu does not say that it closes", i);
		if (!help_is_closed(fd, 5000)) fail_msg("%zu: not closed: %s", i, bads[i].text);
		close(fd);
		if (bads[i].why && help_refused(&s, bads[i].why) != before + 1)
			fail_msg("%zu: not counted as %s", i, bulla_refusal_name(bads[i].why));
	}
	bulla_listener_counts n;
	bulla_listener_count(s.listener, &n);
	assert_int_equal(n.requests, 0); /* the handler saw none of them, nor what was behind them */
	help_close(&s);
}

static void test_too_many_headers(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	char text[8192];
	for (int n = BULLA_HTTP_HEADERS_MAX - 1; n <= BULLA_HTTP_HEADERS_MAX; n++) { /* and Host */
		size_t len = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n");
		for (int i = 0; i < n; i++)
			len += (size_t)snprintf(text + len, sizeof text - len, "X%d: y\r\n", i);
		snprintf(text + len, sizeof text - len, "\r\n");
		assert_int_equal(help_once(&s, text).status, n < BULLA_HTTP_HEADERS_MAX ? 200 : 431);
	}
	assert_int_equal(help_refused(&s, BULLA_REFUSED_HEADERS), 1);
	help_close(&s);
}

static void test_too_large_a_header(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	static char text[20000], target[20000];
	snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\nX: %08000d\r\n\r\n", 0);
	assert_int_equal(help_once(&s, text).status, 200);
	snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\nX: %014000d\r\n\r\n", 0);
	assert_int_equal(help_once(&s, text).status, 431);
	snprintf(target, sizeof target, "GET /%014000d HTTP/1.1\r\nHost: a\r\n\r\n", 0);
	assert_int_equal(help_once(&s, target).status, 414);
	help_close(&s);
}

static void test_a_chunked_body_beyond_the_limit(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, &(bulla_listener_config){ .body_max = 1000 });
	char text[3000];
	for (int size = 1000; size <= 1001; size++) {
		snprintf(text, sizeof text,
			 "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%0*d\r\n0\r\n\r\n", size, size,
			 0);
		int fd = help_dial(&s);
		assert_int_equal(help_ask(fd, text).status, size == 1000 ? 200 : 413);
		if (size > 1000) assert_true(help_is_closed(fd, 5000));
		close(fd);
	}
	assert_int_equal(help_refused(&s, BULLA_REFUSED_BODY), 1);
	help_close(&s);
}

/* The client writes two megabytes before it reads. Were the socket closed with bytes unread in it, a reset would follow the answer, and overtake it
 * where the client's system lets it. */
static void test_a_client_that_sends_on_sees_why(void **state)
{
	(void)state;
	help_server s;
	help_open(&s, NULL);
	static char waste[1 << 20];
	int fd = help_dial(&s);
	help_send(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2097152\r\n\r\n");
	for (size_t sent = 0; sent < 2097152;) {
		ssize_t n = send(fd, waste, 2097152 - sent < sizeof waste ? 2097152 - sent : sizeof waste, MSG_NOSIGNAL);
		assert_true(n > 0);                         /* not reset */
		if (sent < sizeof waste) help_sleep_ms(50); /* the answer is out, the socket closed */
		sent += (size_t)n;
	}
	assert_int_equal(help_receive(fd).status, 413);
	assert_int_equal(recv(fd, waste, sizeof waste, 0), 0);
	close(fd);
	help_close(&s);
}

/* --- noise ------------------------------------------------------------------------------------------------------- */

static bool has_any(bulla_bytes text, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text.len && memchr(text.data, bytes[i], text.len)) return true;
	return false;
}

/* Whatever was sent, a handler sees none of this. */
static void strict_turn(void *self, unsigned loop, bulla_exchange *const *ready, size_t n)
{
	(void)self;
	(void)loop;
	for (size_t i = 0; i < n; i++) {
		const bulla_http_request *r = bulla_exchange_request(ready[i]);
		size_t lengths = 0;
		assert_false(has_any(r->method, RAW(" \t\r\n\0")) || has_any(r->target, RAW(" \t\r\n\0")));
		assert_true(r->method.len && r->target.len && r->n_headers <= BULLA_HTTP_HEADERS_MAX);
		for (size_t h = 0; h < r->n_headers; h++) {
			assert_true(r->headers[h].name.len);
			assert_false(has_any(r->headers[h].name, RAW(" \t\r\n:\0")) ||
				     has_any(r->headers[h].value, RAW("\r\n\0")));
			lengths += r->headers[h].name.len == 14 &&
				   !strncasecmp((const char *)r->headers[h].name.data, "content-length", 14);
		}
		assert_true(lengths <= 1);
		bulla_exchange_answer(ready[i], 200, NULL, 0, NULL);
	}
}

static uint32_t next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	return *seed ^= *seed << 5;
}

/* Some bytes changed, dropped, doubled, or replaced by letters that mean something. */
static size_t spoil(char *text, size_t len, size_t size, uint32_t *seed)
{
	static const char letters[] = "\r\n\0 :\t,;0\xff/HTt";
	for (uint32_t n = next(seed) % 4; n; n--) {
		size_t at = next(seed) % len;
		uint32_t how = next(seed) % 4;
		if (how == 0) text[at] = (char)next(seed);
		if (how == 1) text[at] = letters[next(seed) % (sizeof letters - 1)];
		if (how == 2) memmove(text + at, text + at + 1, --len - at);
		if (how == 3 && len < size) {
			memmove(text + at + 1, text + at, len - at);
			len++;
		}
	}
	return len;
}

static void test_noise_breaks_nothing(void **state)
{
	(void)state;
	static const char *const seeds[] = {
		POST "Content-Length: 3\r\nX: y\r\n\r\nabc" GET("/"),
		POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" GET("/"),
		"GET /a?b=%41&c HTTP/1.1\r\nHost: a\r\nCookie: a=b; c=\"d\"\r\nExpect: 100-continue\r\n\r\n",
	};
	help_server s;
	uint32_t seed = 2463534242;
	help_open(&s, &(bulla_listener_config){ .handler = { .turn = strict_turn } });
	for (int i = 0; i < 3000; i++) {
		char text[512];
		const char *from = seeds[i % 3];
		size_t len = strlen(from);
		memcpy(text, from, len);
		len = spoil(text, len, sizeof text, &seed);
		int fd = help_dial(&s);
		help_send_bytes(fd, text, len);
		if (i % 8 == 0) (void)help_is_closed(fd, 2);
		close(fd);
	}
	assert_int_equal(help_once(&s, GET("/")).status, 200);
	bulla_listener_counts n;
	bulla_listener_count(s.listener, &n);
	assert_true(n.requests > 100 && n.refused[BULLA_REFUSED_MALFORMED] > 100);
	help_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_is_refused_and_the_connection_closed),
		cmocka_unit_test(test_too_many_headers),
		cmocka_unit_test(test_too_large_a_header),
		cmocka_unit_test(test_a_chunked_body_beyond_the_limit),
		cmocka_unit_test(test_a_client_that_sends_on_sees_why),
		cmocka_unit_test(test_noise_breaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
