/*
 * pg_cut.c - a relay of Unix sockets that knows one statement of ours by the name under which it is prepared.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pg_cut.h"
#include "pg_server.h"
#include "store/postgres.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LANDED_MS 300 /* within which a server has committed, and said so to nobody */

static char directory[128];
static int listener = -1;
static pthread_t doorman;
static atomic_int next_cut;

static int socket_at(const char *in, struct sockaddr_un *at)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)snprintf(at->sun_path, sizeof at->sun_path, "%.80s/.s.PGSQL.5432", in);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* An empty portal bound to the prepared COMMIT. */
static bool is_commit(const uint8_t *data, size_t n)
{
	char name[8] = { 0 };
	int len = snprintf(name + 1, sizeof name - 1, "b%d", BULLA_PG_COMMIT) + 2;
	return memmem(data, n, name, (size_t)len) != NULL;
}

static bool pass(int from, int to, bool from_client)
{
	uint8_t data[65536];
	ssize_t n = read(from, data, sizeof data);
	if (n <= 0) return false;
	int cut = from_client && (next_cut == PG_CUT_SILENCE || is_commit(data, (size_t)n)) ? next_cut : PG_CUT_NEVER;
	while (cut == PG_CUT_SILENCE && next_cut == PG_CUT_SILENCE)
		(void)usleep(10000);
	if (cut == PG_CUT_BEFORE_COMMIT || cut == PG_CUT_SILENCE) {
		next_cut = PG_CUT_NEVER;
		return false;
	}
	if (write(to, data, (size_t)n) != n) return false;
	if (cut != PG_CUT_AFTER_COMMIT) return true;
	next_cut = PG_CUT_NEVER;
	(void)usleep(LANDED_MS * 1000);
	return false;
}

static void *relay(void *arg)
{
	struct sockaddr_un at;
	int client = (int)(intptr_t)arg, server = socket_at(pg_directory(), &at);
	if (connect(server, (struct sockaddr *)&at, sizeof at) == 0) {
		struct pollfd both[] = { { .fd = client, .events = POLLIN }, { .fd = server, .events = POLLIN } };
		bool open = true;
		while (open && poll(both, 2, -1) > 0) {
			if (both[0].revents) open = pass(client, server, true);
			if (open && both[1].revents) open = pass(server, client, false);
		}
	}
	(void)close(client);
	(void)close(server);
	return NULL;
}

static void *accept_all(void *arg)
{
	(void)arg;
	for (int client; (client = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
		pthread_t thread;
		assert_int_equal(pthread_create(&thread, NULL, relay, (void *)(intptr_t)client), 0);
		(void)pthread_detach(thread);
	}
	return NULL;
}

void pg_cut_start(void)
{
	struct sockaddr_un at;
	(void)signal(SIGPIPE, SIG_IGN); /* a relay writes to whoever has gone */
	(void)snprintf(directory, sizeof directory, "/tmp/bulla-cut-XXXXXX");
	assert_non_null(mkdtemp(directory));
	listener = socket_at(directory, &at);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(listener, 16), 0);
	assert_int_equal(pthread_create(&doorman, NULL, accept_all, NULL), 0);
}

void pg_cut_end(void)
{
	char path[160];
	(void)shutdown(listener, SHUT_RDWR);
	(void)pthread_join(doorman, NULL);
	(void)close(listener);
	(void)snprintf(path, sizeof path, "%s/.s.PGSQL.5432", directory);
	(void)unlink(path);
	(void)rmdir(directory);
}

void pg_cut_next(pg_cut when)
{
	next_cut = (int)when;
}

char *pg_cut_url(const char *url)
{
	char *cut = NULL;
	const char *host = strstr(url, "host=") + strlen("host=");
	assert_true(asprintf(&cut, "%.*s%s%s", (int)(host - url), url, directory, strchr(host, '&')) > 0);
	return cut;
}
