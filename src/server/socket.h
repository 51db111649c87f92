/*
 * socket.h - listening sockets from an address as people write it.
 */
#ifndef SERVER_SOCKET_H
#define SERVER_SOCKET_H

#include "base/error.h"

#define BULLA_SOCKETS_MAX 64
#define BULLA_UNIX_MODE   0660

typedef struct bulla_sockets {
	int fds[BULLA_SOCKETS_MAX];
	unsigned n;
	char where[128]; /* "127.0.0.1:41234", "unix:/run/bulla.sock" */
	char *unix_path; /* to unlink at the end, malloc'ed; NULL for others */
} bulla_sockets;

/* `n` listening descriptors for `address` (server/listener.h says which forms it has). On TCP each is a socket of its own, among which the kernel
 * spreads connections (SO_REUSEPORT), but the first one takes the address alone: a second server on the same port is refused, not let in.
 * Others are `n` descriptors of one socket. */
BULLA_MUST bulla_code bulla_sockets_open(const char *address, unsigned n, bulla_sockets *out, bulla_error *err);
void bulla_sockets_close(bulla_sockets *sockets); /* the descriptors, and the path */

/* The first descriptor that systemd passed (sd_listen_fds(3)), for "fd:N"; -1 where there is none. */
int bulla_socket_inherited(void);

#endif
