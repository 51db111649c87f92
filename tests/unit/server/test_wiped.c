/*
 * test_wiped.c - no body of a request or an answer is left in the process once the answer is out; looked for in all of its writable memory.
 */
#include "help.h"

#include "base/secret.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

#define MASK 0x5a

/* Never in memory as it is, but in the bodies. */
static const char masked[] = "\x09\x3f\x39\x28\x3f\x2e\x77\x37\x3b\x28\x31\x3f\x28\x77\x1b\x18\x19\x1e";
#define MARKER_LEN (sizeof masked - 1)

static void write_marker(char *out)
{
	for (size_t i = 0; i < MARKER_LEN; i++)
		((volatile char *)out)[i] = (char)(masked[i] ^ MASK);
}

static bool is_marker(const volatile char *at)
{
	size_t i = 0;
	while (i < MARKER_LEN && (at[i] ^ MASK) == masked[i])
		i++;
	return i == MARKER_LEN;
}

static size_t count_in(const char *from, const char *to)
{
	size_t n = 0;
	for (const char *at = from; at + MARKER_LEN <= to; at++)
		n += *at == (masked[0] ^ MASK) && is_marker(at);
	return n;
}

/* In everything that is mapped for writing. */
static size_t count_markers(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	size_t n = 0;
	while (fgets(line, sizeof line, maps)) {
		unsigned long from, to;
		char rights[8];
		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || strncmp(rights, "rw", 2) != 0) continue;
		n += count_in((const char *)from, (const char *)to);
	}
	fclose(maps);
	return n;
}

/* How often `text` is in there. */
static int count_of(const char *in, const char *text)
{
	int n = 0;
	while ((in = strstr(in, text))) {
		n++;
		in++;
	}
	return n;
}

/* Sends `head`, the marker and `tail`, reads what comes until it is quiet, and leaves nothing behind. */
static void ask(int fd, const char *head, const char *tail, int answers)
{
	char text[4096];
	size_t n = (size_t)snprintf(text, sizeof text - MARKER_LEN, "%s", head);
	write_marker(text + n);
	n += MARKER_LEN;
	n += (size_t)snprintf(text + n, sizeof text - n, "%s", tail);
	help_send_bytes(fd, text, n);
	bulla_wipe(text, sizeof text);
	n = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	/* until the last answer's body, which comes in one piece with its head */
	while (count_of(text, "HTTP/1.1 200 OK\r\n") < answers && poll(&p, 1, 5000) == 1) {
		ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
		if (got <= 0) break;
		n += (size_t)got;
	}
	assert_int_equal(count_of(text, "HTTP/1.1 200 OK\r\n"), answers);
	help_sleep_ms(100);
	bulla_wipe(text, sizeof text);
}

static void test_bodies_are_wiped(void **state)
{
	(void)state;
	if (SANITIZED) skip(); /* their shadows are larger than one wants to read */
	static const struct {
		const char *head, *tail;
		int answers;
	} rows[] = {
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\n", "", 1 },
		{ "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\n", "", 1 }, /* and in the answer */
		{ "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n", "\r\n0\r\n\r\n", 1 },
		{ GET("/") "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n##", GET("/") GET("/"), 4 },
	};
	help_server s;
	help_open(&s, NULL);
	int fd = help_dial(&s);
	char here[32];
	write_marker(here);
	assert_int_equal(count_markers(), 1); /* it does find one */
	bulla_wipe(here, sizeof here);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ask(fd, rows[i].head, rows[i].tail, rows[i].answers);
		size_t n = count_markers();
		if (n) fail_msg("%zu of row %zu are left", n, i);
	}
	close(fd);
	fd = help_dial(&s);
	ask(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 18\r\n\r\n", "", 1);
	assert_int_equal(count_markers(), 0);
	close(fd);
	fd = help_dial(&s); /* a body that never becomes whole */
	ask(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", "", 0);
	assert_int_equal(count_markers(), 1); /* in our buffer */
	close(fd);
	help_sleep_ms(50);
	assert_int_equal(count_markers(), 0);
	help_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_bodies_are_wiped) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
