/*
 * notify.c - one datagram to the service manager.
 */
#include "server/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool address_of(const char *name, struct sockaddr_un *out, socklen_t *ret_len)
{
	size_t len = name ? strlen(name) : 0;
	if (len < 2 || len >= sizeof out->sun_path || (name[0] != '/' && name[0] != '@')) return false;
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(out->sun_path, name, len);
	if (name[0] == '@') out->sun_path[0] = 0; /* an abstract name begins with NUL, and has its length for an end */
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

bool bulla_notify(const char *state)
{
	struct sockaddr_un address;
	socklen_t len = 0;
	if (!address_of(getenv("NOTIFY_SOCKET"), &address, &len)) return false;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return false;
	size_t n = strlen(state);
	bool sent = sendto(fd, state, n, MSG_NOSIGNAL, (const struct sockaddr *)&address, len) == (ssize_t)n;
	(void)close(fd);
	return sent;
}
