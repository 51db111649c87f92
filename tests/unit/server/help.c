/*
 * help.c - the listener and the clients that the tests of the server use.
 */
#include "help.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* --- the handler ------------------------------------------------------------------------------------------------- */

static void add(bulla_buf *out, bulla_bytes bytes, const char *after)
{
	assert_int_equal(bulla_buf_add(out, bytes, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add_str(out, after, NULL), BULLA_OK);
}

static void describe(const bulla_exchange *x, bulla_buf *out)
{
	const bulla_http_request *request = bulla_exchange_request(x);
	const bulla_peer *peer = bulla_exchange_peer(x);
	add(out, request->method, " ");
	add(out, request->target, "\n");
	for (size_t i = 0; i < request->n_headers; i++) {
		add(out, request->headers[i].name, "=");
		add(out, request->headers[i].value, "\n");
	}
	add(out, bulla_view_str("peer="), peer->address);
	add(out, bulla_view_str(peer->tls ? " tls" : ""), "\n");
	if (peer->certificate) {
		add(out, bulla_view_str("subject="), peer->certificate->subject);
		add(out, bulla_view_str("\nnames="), peer->certificate->names);
		add(out, bulla_view_str("\nprint="), "");
		for (size_t i = 0; i < sizeof peer->certificate->fingerprint; i++)
			assert_int_equal(bulla_buf_printf(out, NULL, "%02X", peer->certificate->fingerprint[i]), BULLA_OK);
		add(out, bulla_view_str("\n"), "");
	}
	add(out, bulla_view_str("body="), "");
	add(out, request->body, "\n");
}

static void answer(bulla_exchange *x, unsigned status, bulla_buf *body)
{
	bulla_http_header headers[] = { { bulla_view_str("Content-Type"), bulla_view_str("text/x-test") } };
	bulla_exchange_answer(x, status, headers, 1, body);
}

static void echo(bulla_exchange *x)
{
	bulla_buf out = { 0 };
	describe(x, &out);
	answer(x, 200, &out);
}

static void *echo_later(void *x)
{
	help_sleep_ms(20);
	echo(x);
	return NULL;
}

static void handle(help_server *server, bulla_exchange *x)
{
	bulla_bytes target = bulla_exchange_request(x)->target;
	bulla_buf out = { 0 };
	if (bulla_bytes_is(target, "/echo")) {
		echo(x);
	} else if (bulla_bytes_is(target, "/later")) {
		pthread_mutex_lock(&server->lock);
		assert_true(server->n_helpers < 64);
		pthread_create(&server->helpers[server->n_helpers++], NULL, echo_later, x);
		pthread_mutex_unlock(&server->lock);
	} else if (bulla_bytes_is(target, "/keep")) {
		pthread_mutex_lock(&server->lock);
		assert_null(server->kept);
		server->kept = x;
		pthread_mutex_unlock(&server->lock);
		atomic_fetch_add(&server->n_kept, 1);
	} else if (bulla_bytes_is(target, "/big")) {
		assert_int_equal(bulla_buf_reserve(&out, BIG_SIZE, NULL), BULLA_OK);
		memset(out.data, 'b', BIG_SIZE);
		out.len = BIG_SIZE;
		answer(x, 200, &out);
	} else {
		add(&out, bulla_view_str("fine"), "");
		answer(x, 200, &out);
	}
}

static void turn(void *self, unsigned loop, bulla_exchange *const *ready, size_t n)
{
	help_server *server = self;
	atomic_fetch_or(&server->loops_seen, 1u << loop);
	if (n > atomic_load(&server->largest_turn)) atomic_store(&server->largest_turn, (unsigned)n);
	for (size_t i = 0; i < n; i++)
		handle(server, ready[i]);
}

static void tick(void *self, unsigned loop, int64_t now_us)
{
	help_server *server = self;
	(void)loop;
	assert_true(now_us > 1500000000000000);
	atomic_fetch_add(&server->ticks, 1);
}

static void refused(void *self, unsigned loop, bulla_refusal why, const bulla_peer *peer)
{
	help_server *server = self;
	(void)loop;
	assert_true(peer->address[0] != 0);
	atomic_fetch_add(&server->refused[why], 1);
}

/* --- the listener ------------------------------------------------------------------------------------------------ */

void help_open(help_server *server, const bulla_listener_config *config)
{
	bulla_listener_config full = config ? *config : (bulla_listener_config){ 0 };
	bulla_error err = { 0 };
	memset(server, 0, sizeof *server);
	pthread_mutex_init(&server->lock, NULL);
	if (!full.address) full.address = "127.0.0.1:0";
	if (!full.handler.turn) full.handler = (bulla_handler){ turn, tick, refused, server };
	if (bulla_listener_open(&full, &server->listener, &err) != BULLA_OK) fail_msg("%s", err.text);
	const char *where = bulla_listener_address(server->listener), *colon = strrchr(where, ':');
	snprintf(server->port, sizeof server->port, "%.7s", strncmp(where, "unix:", 5) == 0 ? "" : colon + 1);
	snprintf(server->host, sizeof server->host, "%.*s", (int)(colon - where), where);
}

void help_close(help_server *server)
{
	bulla_listener_close(server->listener);
	for (unsigned i = 0; i < server->n_helpers; i++)
		pthread_join(server->helpers[i], NULL);
	if (server->kept) help_answer_kept(server);
	pthread_mutex_destroy(&server->lock);
}

void help_wait_kept(help_server *server, unsigned n)
{
	for (int i = 0; i < 2000 && atomic_load(&server->n_kept) < n; i++)
		help_sleep_ms(5);
	assert_int_equal(atomic_load(&server->n_kept), n);
}

void help_answer_kept(help_server *server)
{
	pthread_mutex_lock(&server->lock);
	bulla_exchange *x = server->kept;
	server->kept = NULL;
	pthread_mutex_unlock(&server->lock);
	assert_non_null(x);
	echo(x);
}

uint64_t help_refused(help_server *server, bulla_refusal why)
{
	bulla_listener_counts counts;
	bulla_listener_count(server->listener, &counts);
	assert_int_equal(counts.refused[why], atomic_load(&server->refused[why]));
	return counts.refused[why];
}

/* --- clients ----------------------------------------------------------------------------------------------------- */

int help_dial(const help_server *server)
{
	const char *where = bulla_listener_address(server->listener);
	if (strncmp(where, "unix:", 5) == 0) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		snprintf(address.sun_path, sizeof address.sun_path, "%s", where + 5);
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
		return fd;
	}
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *found;
	char host[64];
	snprintf(host, sizeof host, "%.*s", (int)strcspn(server->host + (server->host[0] == '['), "]"),
		 server->host + (server->host[0] == '['));
	assert_int_equal(getaddrinfo(host, server->port, &hints, &found), 0);
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, found->ai_addr, found->ai_addrlen), 0);
	freeaddrinfo(found);
	return fd;
}

void help_send_bytes(int fd, const void *data, size_t len)
{
	const char *at = data;
	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		if (n <= 0) return; /* the tests look at what comes back */
		at += n;
		len -= (size_t)n;
	}
}

void help_send(int fd, const char *text)
{
	help_send_bytes(fd, text, strlen(text));
}

static ssize_t read_some(int fd, void *out, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, 10000) == 1 ? recv(fd, out, size, 0) : -1;
}

/* Byte by byte: what belongs to the next answer stays in the socket. */
static bool read_head(int fd, help_answer *a)
{
	size_t n = 0;
	while (n + 1 < sizeof a->head && read_some(fd, a->head + n, 1) == 1) {
		a->head[++n] = 0;
		if (n >= 4 && memcmp(a->head + n - 4, "\r\n\r\n", 4) == 0) return true;
	}
	return false;
}

help_answer help_receive(int fd)
{
	help_answer a = { 0 };
	if (!read_head(fd, &a)) return (help_answer){ 0 };
	assert_int_equal(sscanf(a.head, "HTTP/1.1 %d ", &a.status), 1);
	const char *length = strcasestr(a.head, "content-length:");
	size_t left = length ? strtoul(length + 15, NULL, 10) : 0;
	while (left) {
		char waste[65536];
		ssize_t n = read_some(fd, waste, left < sizeof waste ? left : sizeof waste);
		if (n <= 0) return (help_answer){ 0 };
		for (ssize_t i = 0; i < n && a.len + (size_t)i < sizeof a.body - 1; i++)
			a.body[a.len + (size_t)i] = waste[i];
		a.len += (size_t)n;
		left -= (size_t)n;
	}
	return a;
}

help_answer help_ask(int fd, const char *text)
{
	help_send(fd, text);
	return help_receive(fd);
}

help_answer help_once(const help_server *server, const char *text)
{
	int fd = help_dial(server);
	help_answer a = help_ask(fd, text);
	close(fd);
	return a;
}

bool help_is_closed(int fd, int ms)
{
	char waste[4096];
	int64_t until = help_now_ms() + ms;
	for (int64_t left; (left = until - help_now_ms()) > 0;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, (int)left) == 1 && recv(fd, waste, sizeof waste, 0) <= 0) return true;
	}
	return false;
}

int64_t help_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void help_sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
	nanosleep(&t, NULL);
}
