/*
 * connection.c - connections from their acceptance to their end: limits of number and time.
 *
 * libmicrohttpd's own time-out is for inactivity, which one byte a second satisfies; so the times here are ours, and so is the way to end
 * a connection whose request is half there: what is to be said goes to the socket directly, and the socket is shut.
 */
#include "server/listener_inside.h"
#include "base/secret.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- queues ------------------------------------------------------------------------------------------------------ */

static void leave(bulla_connection *c)
{
	bulla_connection_queue *q = &c->loop->phases[c->phase];
	*(c->before ? &c->before->after : &q->first) = c->after;
	*(c->after ? &c->after->before : &q->last) = c->before;
	c->before = c->after = NULL;
	q->n--;
}

static void join(bulla_connection *c, bulla_phase phase)
{
	bulla_connection_queue *q = &c->loop->phases[phase];
	c->phase = phase;
	c->since_ms = c->loop->now_ms;
	c->looked_at = false;
	c->before = q->last;
	*(q->last ? &q->last->after : &q->first) = c;
	q->last = c;
	q->n++;
}

void bulla_connection_enter(bulla_connection *connection, bulla_phase phase)
{
	leave(connection);
	join(connection, phase);
}

bulla_connection *bulla_connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

/* --- who it is --------------------------------------------------------------------------------------------------- */

void bulla_peer_unref(bulla_shared_peer *peer)
{
	if (peer && atomic_fetch_sub(&peer->refs, 1) == 1) free(peer);
}

static void name_address(const struct sockaddr *address, char *out, size_t size)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	snprintf(out, size, "unix");
	if (address->sa_family == AF_INET) inet_ntop(AF_INET, &v4->sin_addr, out, (socklen_t)size);
	if (address->sa_family != AF_INET6) return;
	bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
	inet_ntop(mapped ? AF_INET : AF_INET6, mapped ? &v6->sin6_addr.s6_addr[12] : v6->sin6_addr.s6_addr, out, (socklen_t)size);
}

/* --- beginning and end ------------------------------------------------------------------------------------------- */

static void evict(bulla_connection *c)
{
	bulla_count_add(c->loop, BULLA_COUNT_IDLE_CLOSED, 1);
	bulla_connection_cut(c);
}

/* One that waits between two requests before one that has not sent its first: that one may be about to. */
static bool make_room(bulla_loop *loop)
{
	bulla_connection *oldest = loop->phases[BULLA_PHASE_IDLE].first;
	if (!oldest) oldest = loop->phases[BULLA_PHASE_FRESH].first;
	if (!oldest) return false;
	evict(oldest);
	return true;
}

enum MHD_Result bulla_connection_admit(void *self, const struct sockaddr *address, socklen_t len)
{
	bulla_loop *loop = self;
	(void)len;
	size_t open = loop->connections - loop->phases[BULLA_PHASE_CUT].n;
	if (open < loop->connections_max || make_room(loop)) return MHD_YES;
	bulla_peer peer = { .tls = loop->listener->config.certificate_file != NULL };
	name_address(address, peer.address, sizeof peer.address);
	bulla_refusal_note(loop, BULLA_REFUSED_CROWDED, &peer);
	return MHD_NO;
}

/* Session and credentials: the reference lives as long as the connection, which outlives the session. */
static bool equip(bulla_connection *c)
{
	bulla_listener *listener = c->loop->listener;
	if (!listener->config.certificate_file) return true;
	pthread_mutex_lock(&listener->lock);
	c->tls = bulla_tls_ref(listener->tls);
	pthread_mutex_unlock(&listener->lock);
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info && bulla_tls_equip(c->tls, info->tls_session);
}

static bulla_connection *begin(bulla_loop *loop, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *address = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	bulla_connection *c = calloc(1, sizeof *c);
	bulla_shared_peer *peer = calloc(1, sizeof *peer);
	if (!c || !peer) {
		free(c);
		free(peer);
		(void)shutdown(fd->connect_fd, SHUT_RDWR);
		return NULL;
	}
	atomic_init(&peer->refs, 1);
	name_address(address->client_addr, peer->peer.address, sizeof peer->peer.address);
	peer->peer.tls = loop->listener->config.certificate_file != NULL;
	*c = (bulla_connection){ .loop = loop, .mhd = mhd, .fd = fd->connect_fd, .peer = peer };
	int on = 1; /* no such thing on a Unix socket */
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	join(c, BULLA_PHASE_FRESH);
	loop->connections++;
	bulla_count_add(loop, BULLA_COUNT_ACCEPTED, 1);
	bulla_count_add(loop, BULLA_COUNT_OPEN, 1);
	if (!equip(c)) bulla_connection_cut(c);
	return c;
}

static void end(bulla_connection *c)
{
	bulla_loop *loop = c->loop;
	leave(c);
	loop->connections--;
	bulla_count_add(loop, BULLA_COUNT_OPEN, (uint64_t)-1);
	bulla_peer_unref(c->peer);
	bulla_tls_unref(c->tls);
	free(c);
}

void bulla_connection_notify(void *loop, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*context = begin(loop, mhd);
	else if (*context)
		end(*context);
}

/* --- ending it from our side ------------------------------------------------------------------------------------- */

void bulla_connection_cut(bulla_connection *connection)
{
	if (connection->phase == BULLA_PHASE_CUT) return;
	bulla_connection_enter(connection, BULLA_PHASE_CUT);
	(void)shutdown(connection->fd, SHUT_RDWR);
	if (!connection->suspended) return;
	MHD_resume_connection(connection->mhd);
	connection->suspended = false;
}

/* As much as the socket takes at once. GnuTLS refuses while its handshake is not over. */
static void say(bulla_connection *c, const char *text, size_t len)
{
	if (!c->tls) {
		(void)!send(c->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		return;
	}
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info) (void)!gnutls_record_send(info->tls_session, text, len);
}

void bulla_connection_dismiss(bulla_connection *connection, bulla_refusal why)
{
	const bulla_refusal_row *row = bulla_refusal_of(why);
	char text[512];
	int len = snprintf(text, sizeof text,
			   "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
			   row->status, row->phrase, strlen(row->text), row->text);
	bulla_refusal_note(connection->loop, why, &connection->peer->peer);
	say(connection, text, (size_t)len);
	bulla_connection_linger(connection);
	bulla_connection_cut(connection);
}

/* --- lingering --------------------------------------------------------------------------------------------------- */

/* Closing a socket in which bytes lie unread resets the connection, and the reset overtakes the answer. So a second descriptor keeps the socket,
 * shut for writing by then, and what comes in is thrown away for a while. */
void bulla_connection_linger(bulla_connection *connection)
{
	bulla_loop *loop = connection->loop;
	if (loop->n_lingering == BULLA_LISTENER_LINGERING_MAX) return;
	int fd = fcntl(connection->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) return;
	loop->lingering[loop->n_lingering].fd = fd;
	loop->lingering[loop->n_lingering++].until_ms = loop->now_ms + BULLA_LISTENER_LINGER_MS;
}

void bulla_lingering_end(bulla_loop *loop, bool all)
{
	char waste[16384];
	size_t kept = 0;
	for (size_t i = 0; i < loop->n_lingering; i++) {
		int fd = loop->lingering[i].fd;
		int rounds = 16; /* 256 KiB a tick: nobody keeps the loop busy with it */
		while (rounds-- && recv(fd, waste, sizeof waste, MSG_DONTWAIT) > 0)
			;
		if (all || loop->lingering[i].until_ms <= loop->now_ms)
			(void)close(fd);
		else
			loop->lingering[kept++] = loop->lingering[i];
	}
	loop->n_lingering = kept;
	bulla_wipe(waste, sizeof waste);
}

/* --- limits of time ---------------------------------------------------------------------------------------------- */

#define FRESH_WHILE_STOPPING_MS 1000 /* time for a request that was on its way when the stop came */

static int64_t limit_of(const bulla_loop *loop, bulla_phase phase)
{
	const bulla_listener_config *config = &loop->listener->config;
	bool stopping = loop->stopping;
	const int64_t limits[BULLA_PHASES] = {
		[BULLA_PHASE_FRESH] =
			stopping && config->request_ms > FRESH_WHILE_STOPPING_MS ? FRESH_WHILE_STOPPING_MS : config->request_ms,
		[BULLA_PHASE_IDLE] = stopping ? 0 : config->idle_ms,
		[BULLA_PHASE_REQUEST] = config->request_ms,
		[BULLA_PHASE_WORK] = config->work_ms,
		[BULLA_PHASE_REPLY] = config->reply_ms,
		[BULLA_PHASE_CUT] = INT64_MAX,
	};
	return limits[phase];
}

static void expire(bulla_connection *c)
{
	switch (c->phase) {
	case BULLA_PHASE_IDLE:
		evict(c);
		break;
	case BULLA_PHASE_WORK:
		bulla_exchange_abandon(c, BULLA_REFUSED_LATE);
		break;
	case BULLA_PHASE_REPLY:
		bulla_connection_cut(c);
		break;
	default:
		bulla_connection_dismiss(c, BULLA_REFUSED_SLOW);
	}
}

/* A client that shut its side together with what it sent: libmicrohttpd took both for one event, and does not see the end. One look at each
 * connection that waits for the client, at the first tick, tells; an end that comes alone is an event of its own. */
static void look_for_ends(bulla_loop *loop, bulla_phase phase)
{
	bulla_connection *before;
	for (bulla_connection *c = loop->phases[phase].last; c && !c->looked_at; c = before) {
		char byte;
		before = c->before;
		c->looked_at = true;
		if (recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) bulla_connection_cut(c);
	}
}

void bulla_connections_expire(bulla_loop *loop)
{
	look_for_ends(loop, BULLA_PHASE_FRESH);
	look_for_ends(loop, BULLA_PHASE_IDLE);
	look_for_ends(loop, BULLA_PHASE_REQUEST);
	long long stop = atomic_load(&loop->listener->stop_ms);
	bool over = loop->stopping && stop <= loop->now_ms;
	for (bulla_phase phase = 0; phase < BULLA_PHASE_CUT; phase++) {
		int64_t limit = over ? 0 : limit_of(loop, phase);
		bulla_connection *c;
		while ((c = loop->phases[phase].first) && loop->now_ms - c->since_ms >= limit)
			expire(c);
	}
}
