/*
 * socket.c - binding what the listener listens at.
 */
#include "server/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG        4096
#define INHERITED_FD   3 /* SD_LISTEN_FDS_START */
#define DESCRIPTOR_MAX (1 << 20)

static bulla_code fail_bind(const char *address, int error, bulla_error *err)
{
	if (error != EADDRINUSE) return bulla_fail_errno(err, error, "cannot listen at %s", address);
	return bulla_advise(err, bulla_fail(err, BULLA_ERR_EXISTS, "somebody listens at %s already", address),
			    "stop it, or name another address with --listen");
}

void bulla_sockets_close(bulla_sockets *sockets)
{
	for (unsigned i = 0; i < sockets->n; i++)
		(void)close(sockets->fds[i]);
	sockets->n = 0;
	if (sockets->unix_path) (void)unlink(sockets->unix_path);
	free(sockets->unix_path);
	sockets->unix_path = NULL;
}

/* More descriptors of the first socket. */
static bulla_code share(unsigned n, bulla_sockets *out, bulla_error *err)
{
	while (out->n < n) {
		int fd = fcntl(out->fds[0], F_DUPFD_CLOEXEC, 0);
		if (fd < 0) return bulla_fail_errno(err, errno, "cannot listen at %s", out->where);
		out->fds[out->n++] = fd;
	}
	return BULLA_OK;
}

/* --- TCP --------------------------------------------------------------------------------------------------------- */

/* "127.0.0.1:41234" of a bound socket. */
static void tell_where(int fd, char *out, size_t size)
{
	struct sockaddr_storage bound = { 0 };
	socklen_t len = sizeof bound;
	char host[INET6_ADDRSTRLEN + 16], port[8];
	snprintf(out, size, "?");
	if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0) return;
	if (bound.ss_family == AF_UNIX) {
		const struct sockaddr_un *un = (const struct sockaddr_un *)&bound;
		snprintf(out, size, "unix:%.*s", (int)(len > offsetof(struct sockaddr_un, sun_path) ? sizeof un->sun_path : 0),
			 un->sun_path);
		return;
	}
	if (getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) !=
	    0)
		return;
	snprintf(out, size, bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* `shared`: others listen at this address, all of them ours. */
static int bind_one(const struct sockaddr *address, socklen_t len, bool shared)
{
	int on = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return -1;
	bool fine = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
	if (fine && shared) fine = setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
	fine = fine && bind(fd, address, len) == 0;
	if (fine && !shared) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (fine && listen(fd, BACKLOG) == 0) return fd;
	int error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

static bulla_code open_tcp(const struct addrinfo *found, const char *address, unsigned n, bulla_sockets *out, bulla_error *err)
{
	int fd = bind_one(found->ai_addr, found->ai_addrlen, false);
	if (fd < 0) return fail_bind(address, errno, err);
	out->fds[out->n++] = fd;
	tell_where(fd, out->where, sizeof out->where);
	struct sockaddr_storage bound = { 0 }; /* with the real port */
	socklen_t len = sizeof bound;
	if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0) return fail_bind(address, errno, err);
	while (out->n < n && (fd = bind_one((struct sockaddr *)&bound, len, true)) >= 0)
		out->fds[out->n++] = fd;
	return share(n, out, err);
}

/* Splits HOST:PORT, [HOST]:PORT, :PORT. */
static bool split(const char *address, char *host, size_t size, const char **ret_port)
{
	const char *colon = strrchr(address, ':');
	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1)) return false;
	size_t len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	} else if (memchr(address, ':', len)) {
		return false; /* an IPv6 address needs its brackets */
	}
	if (len >= size) return false;
	memcpy(host, address, len);
	host[len] = 0;
	*ret_port = colon + 1;
	return true;
}

static bulla_code resolve_tcp(const char *address, unsigned n, bulla_sockets *out, bulla_error *err)
{
	char host[256];
	const char *port;
	if (!split(address, host, sizeof host, &port))
		return bulla_advise(err, bulla_fail(err, BULLA_ERR_USAGE, "%s is no address to listen at", address),
				    "HOST:PORT, [IPV6]:PORT, :PORT, unix:PATH or fd:NUMBER");
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *found = NULL;
	int failed = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
	if (failed) return bulla_fail(err, BULLA_ERR_USAGE, "cannot listen at %s: %s", address, gai_strerror(failed));
	bulla_code code = open_tcp(found, address, n, out, err);
	freeaddrinfo(found);
	return code;
}

/* --- Unix -------------------------------------------------------------------------------------------------------- */

/* A socket's file stays behind when its server is killed: nobody answers there. */
static bool is_stale(const struct sockaddr_un *address)
{
	struct stat st;
	if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) return false;
	bool refused = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
	(void)close(fd);
	return refused;
}

static bulla_code open_unix(const char *path, unsigned n, bulla_sockets *out, bulla_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (!path[0] || strlen(path) >= sizeof address.sun_path)
		return bulla_fail(err, BULLA_ERR_USAGE, "the path of a Unix socket has 1 to %zu bytes",
				  sizeof address.sun_path - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (is_stale(&address)) (void)unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return fail_bind(path, errno, err);
	out->fds[out->n++] = fd;
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return fail_bind(path, errno, err);
	out->unix_path = strdup(path);
	if (!out->unix_path) return bulla_fail_memory(err);
	/* nobody can connect before it listens */
	if (chmod(path, BULLA_UNIX_MODE) != 0 || listen(fd, BACKLOG) != 0) return fail_bind(path, errno, err);
	tell_where(fd, out->where, sizeof out->where);
	return share(n, out, err);
}

/* --- given ------------------------------------------------------------------------------------------------------- */

int bulla_socket_inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	if (!pid || !n || strtol(pid, NULL, 10) != getpid() || strtol(n, NULL, 10) < 1) return -1;
	return INHERITED_FD;
}

static bulla_code take_fd(const char *number, unsigned n, bulla_sockets *out, bulla_error *err)
{
	char *end;
	errno = 0;
	long given = strtol(number, &end, 10);
	int listens = 0;
	socklen_t len = sizeof listens;
	bool fine = *number && !*end && !errno && given >= 0 && given < DESCRIPTOR_MAX &&
		    getsockopt((int)given, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens;
	if (!fine) return bulla_fail(err, BULLA_ERR_USAGE, "descriptor %s is no listening socket", number);
	int fd = fcntl((int)given, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) return bulla_fail_errno(err, errno, "descriptor %s", number);
	out->fds[out->n++] = fd;
	tell_where(fd, out->where, sizeof out->where);
	return share(n, out, err);
}

bulla_code bulla_sockets_open(const char *address, unsigned n, bulla_sockets *out, bulla_error *err)
{
	bulla_code code;
	*out = (bulla_sockets){ .n = 0 };
	if (n > BULLA_SOCKETS_MAX) return bulla_fail(err, BULLA_ERR_LIMIT, "more than %d loops", BULLA_SOCKETS_MAX);
	if (strncmp(address, "unix:", 5) == 0)
		code = open_unix(address + 5, n, out, err);
	else if (strncmp(address, "fd:", 3) == 0)
		code = take_fd(address + 3, n, out, err);
	else
		code = resolve_tcp(address, n, out, err);
	if (code != BULLA_OK) bulla_sockets_close(out);
	return code;
}
