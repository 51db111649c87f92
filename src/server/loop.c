/*
 * loop.c - one loop of the listener: a libmicrohttpd daemon without a thread of its own, and the thread that turns it.
 *
 * libmicrohttpd's own thread loses wake-ups in its epoll mode (measured with 128 busy connections: 42 requests a second, where this loop
 * has a hundred thousand). So the loop polls libmicrohttpd's epoll descriptor beside an eventfd, and calls MHD_run. A complete request
 * stays unanswered, and unsuspended, until libmicrohttpd's turn is over; then all of them go to the handler together. Only what it keeps is
 * suspended, which costs four calls of the kernel a request.
 */
#include "server/listener_inside.h"
#include "io/file.h"

#include <gnutls/abstract.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define SLACK 64 /* connections that are cut and not yet closed; libmicrohttpd accepts at most eleven a turn */

int64_t bulla_clock_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t bulla_clock_ms(void)
{
	return bulla_clock_us() / 1000;
}

/* --- making ------------------------------------------------------------------------------------------------------ */

/* libmicrohttpd asks for some source of certificates; each session gets ours (bulla_tls_equip). */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *names, int n_names,
			  const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **chain,
			  unsigned int *chain_len, gnutls_privkey_t *key)
{
	(void)session, (void)names, (void)n_names, (void)algorithms, (void)n_algorithms, (void)chain, (void)chain_len, (void)key;
	return -1;
}

static bulla_code start_daemon(bulla_loop *loop, bulla_error *err)
{
	bool tls = loop->listener->config.certificate_file != NULL;
	struct MHD_OptionItem secure[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)no_certificate },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)BULLA_TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : 0);
	loop->daemon =
		MHD_start_daemon(flags, 0, bulla_connection_admit, loop, bulla_exchange_receive, loop, MHD_OPTION_LISTEN_SOCKET,
				 loop->listen_fd, MHD_OPTION_CONNECTION_LIMIT, loop->connections_max + SLACK,
				 MHD_OPTION_CONNECTION_TIMEOUT, 0u, /* ours: bulla_connections_expire() */
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)BULLA_LISTENER_POOL, MHD_OPTION_NOTIFY_CONNECTION,
				 bulla_connection_notify, loop, MHD_OPTION_URI_LOG_CALLBACK, bulla_exchange_begin, loop,
				 MHD_OPTION_NOTIFY_COMPLETED, bulla_exchange_completed, loop, MHD_OPTION_ARRAY,
				 tls ? secure : secure + 2, MHD_OPTION_END);
	/* it has closed the socket, unless its own structure could not be allocated: better one too many than one of somebody else's */
	if (!loop->daemon) return bulla_fail(err, BULLA_ERR_IO, "libmicrohttpd does not start");
	loop->poll_fd = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	return BULLA_OK;
}

bulla_code bulla_loop_new(bulla_listener *listener, unsigned index, int listen_fd, bulla_loop **out, bulla_error *err)
{
	bulla_loop *loop = calloc(1, sizeof *loop);
	if (!loop) {
		(void)close(listen_fd);
		return bulla_fail_memory(err);
	}
	loop->listener = listener;
	loop->index = index;
	loop->listen_fd = listen_fd;
	loop->connections_max = listener->connections / listener->config.loops;
	loop->now_ms = loop->ticked_ms = bulla_clock_ms();
	pthread_mutex_init(&loop->lock, NULL);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	bulla_code code =
		loop->wake_fd < 0 ? bulla_fail(err, BULLA_ERR_IO, "there is no descriptor left for the listener") : BULLA_OK;
	if (code == BULLA_OK) {
		code = start_daemon(loop, err);
		if (code != BULLA_OK) loop->listen_fd = -1;
	}
	if (code != BULLA_OK) {
		bulla_loop_free(loop);
		return code;
	}
	*out = loop;
	return BULLA_OK;
}

void bulla_loop_free(bulla_loop *loop)
{
	if (!loop) return;
	if (loop->daemon) {
		if (!loop->stopping) (void)MHD_quiesce_daemon(loop->daemon); /* the socket is closed here */
		MHD_stop_daemon(loop->daemon);
	}
	if (loop->listen_fd >= 0) (void)close(loop->listen_fd);
	if (loop->wake_fd >= 0) (void)close(loop->wake_fd);
	while (loop->spare) {
		bulla_exchange *x = loop->spare;
		loop->spare = x->next;
		bulla_exchange_free(x);
	}
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

/* --- turning ----------------------------------------------------------------------------------------------------- */

void bulla_loop_wake(bulla_loop *loop)
{
	uint64_t one = 1;
	(void)!write(loop->wake_fd, &one, sizeof one);
}

/* Until something happens, or the next tick is due. */
static void wait_for_work(bulla_loop *loop)
{
	MHD_UNSIGNED_LONG_LONG due;
	if (loop->answered.n || atomic_load(&loop->has_answers)) return;
	if (MHD_get_timeout(loop->daemon, &due) == MHD_YES && due == 0) return;
	int64_t left = loop->ticked_ms + BULLA_LISTENER_TICK_MS - bulla_clock_ms();
	struct pollfd fds[] = { { .fd = loop->poll_fd, .events = POLLIN }, { .fd = loop->wake_fd, .events = POLLIN } };
	if (left <= 0 || poll(fds, 2, (int)left) <= 0 || !fds[1].revents) return;
	uint64_t n;
	(void)!read(loop->wake_fd, &n, sizeof n);
}

/* Takes what has already connected, and no more. */
static void begin_stop(bulla_loop *loop)
{
	MHD_run(loop->daemon);
	(void)MHD_quiesce_daemon(loop->daemon);
	(void)close(loop->listen_fd);
	loop->listen_fd = -1;
	loop->stopping = true;
}

static void tick(bulla_loop *loop)
{
	const bulla_handler *handler = &loop->listener->config.handler;
	loop->ticked_ms = loop->now_ms;
	if (handler->tick) handler->tick(handler->self, loop->index, bulla_now_us(NULL));
	bulla_connections_expire(loop);
	bulla_lingering_end(loop, false);
}

static void *turn(void *self)
{
	bulla_loop *loop = self;
	loop->self = pthread_self();
	while (!loop->stopping || loop->connections || loop->owed) {
		wait_for_work(loop);
		loop->now_ms = bulla_clock_ms();
		if (!loop->stopping && atomic_load(&loop->listener->stop_ms)) begin_stop(loop);
		MHD_run(loop->daemon);
		bulla_exchanges_turn(loop);
		if (loop->stopping || loop->now_ms - loop->ticked_ms >= BULLA_LISTENER_TICK_MS) tick(loop);
	}
	bulla_lingering_end(loop, true);
	return NULL;
}

bulla_code bulla_loop_start(bulla_loop *loop, bulla_error *err)
{
	int refused = pthread_create(&loop->thread, NULL, turn, loop);
	loop->started = refused == 0;
	return refused ? bulla_fail_errno(err, refused, "no thread for the listener") : BULLA_OK;
}
