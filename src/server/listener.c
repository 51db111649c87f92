/*
 * listener.c - the listener as its owner sees it: opened, counted, reloaded, stopped.
 */
#include "server/listener_inside.h"
#include "server/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DESCRIPTORS_BESIDE 128 /* stores, logs, lingering sockets: what RLIMIT_NOFILE must have beside connections */

static void preset(bulla_listener_config *config)
{
	if (!config->loops) config->loops = 1;
	if (!config->connections) config->connections = BULLA_LISTENER_CONNECTIONS;
	if (!config->body_max) config->body_max = BULLA_LISTENER_BODY_MAX;
	if (!config->request_ms) config->request_ms = BULLA_LISTENER_REQUEST_MS;
	if (!config->idle_ms) config->idle_ms = BULLA_LISTENER_IDLE_MS;
	if (!config->work_ms) config->work_ms = BULLA_LISTENER_WORK_MS;
	if (!config->reply_ms) config->reply_ms = BULLA_LISTENER_REPLY_MS;
}

static bulla_code check(const bulla_listener_config *config, bulla_error *err)
{
	if (!config->address || !config->handler.turn)
		return bulla_fail(err, BULLA_ERR_USAGE, "a listener needs an address and a handler");
	if (!config->certificate_file != !config->key_file)
		return bulla_fail(err, BULLA_ERR_USAGE, "TLS needs a certificate and its key: one of the two is missing");
	if (config->client_ca_file && !config->certificate_file)
		return bulla_fail(err, BULLA_ERR_USAGE, "client certificates need TLS: a certificate and its key");
	if (config->loops > BULLA_LISTENER_LOOPS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "more than %d loops", BULLA_LISTENER_LOOPS_MAX);
	if (config->connections > BULLA_LISTENER_CONNECTIONS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "more than %d connections", BULLA_LISTENER_CONNECTIONS_MAX);
	return BULLA_OK;
}

/* What the descriptors allow, and one a loop. */
static unsigned connections_of(const bulla_listener_config *config)
{
	struct rlimit files;
	rlim_t n = config->connections, beside = DESCRIPTORS_BESIDE + (rlim_t)config->loops * BULLA_LISTENER_LINGERING_MAX;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY && files.rlim_cur < n + beside)
		n = files.rlim_cur > beside ? files.rlim_cur - beside : 0;
	return n > config->loops ? (unsigned)n : config->loops;
}

static bool copy(char **out, const char *text)
{
	*out = text ? strdup(text) : NULL;
	return !text || *out;
}

static bulla_code copy_config(bulla_listener *listener, const bulla_listener_config *config, bulla_error *err)
{
	if (!copy(&listener->address, config->address) || !copy(&listener->certificate_file, config->certificate_file) ||
	    !copy(&listener->key_file, config->key_file) || !copy(&listener->client_ca_file, config->client_ca_file))
		return bulla_fail_memory(err);
	listener->config = *config;
	listener->config.address = listener->address;
	listener->config.certificate_file = listener->certificate_file;
	listener->config.key_file = listener->key_file;
	listener->config.client_ca_file = listener->client_ca_file;
	preset(&listener->config);
	listener->connections = connections_of(&listener->config);
	return BULLA_OK;
}

/* Each loop takes its socket over. */
static bulla_code make_loops(bulla_listener *listener, bulla_error *err)
{
	bulla_sockets sockets;
	TRY(bulla_sockets_open(listener->address, listener->config.loops, &sockets, err));
	memcpy(listener->where, sockets.where, sizeof listener->where);
	listener->unix_path = sockets.unix_path;
	bulla_code code = BULLA_OK;
	unsigned i = 0;
	for (; code == BULLA_OK && i < sockets.n; i++) {
		code = bulla_loop_new(listener, i, sockets.fds[i], &listener->loops[i], err);
		if (code == BULLA_OK) listener->n_loops++;
	}
	for (; i < sockets.n; i++)
		(void)close(sockets.fds[i]);
	return code;
}

static bulla_code open_with(bulla_listener *listener, const bulla_listener_config *config, bulla_error *err)
{
	TRY(copy_config(listener, config, err));
	if (listener->certificate_file)
		TRY(bulla_tls_load(listener->certificate_file, listener->key_file, listener->client_ca_file, &listener->tls,
				   err));
	TRY(make_loops(listener, err));
	for (unsigned i = 0; i < listener->n_loops; i++)
		TRY(bulla_loop_start(listener->loops[i], err));
	return BULLA_OK;
}

bulla_code bulla_listener_open(const bulla_listener_config *config, bulla_listener **out, bulla_error *err)
{
	TRY(check(config, err));
	bulla_listener *listener = calloc(1, sizeof *listener);
	if (!listener) return bulla_fail_memory(err);
	pthread_mutex_init(&listener->lock, NULL);
	bulla_code code = open_with(listener, config, err);
	if (code == BULLA_OK)
		*out = listener;
	else
		bulla_listener_close(listener);
	return code;
}

const char *bulla_listener_address(const bulla_listener *listener)
{
	return listener->where;
}

unsigned bulla_listener_connections(const bulla_listener *listener)
{
	return listener->connections;
}

bulla_code bulla_listener_reload(bulla_listener *listener, bulla_error *err)
{
	bulla_tls *tls = NULL;
	if (!listener->certificate_file) return BULLA_OK;
	TRY(bulla_tls_load(listener->certificate_file, listener->key_file, listener->client_ca_file, &tls, err));
	pthread_mutex_lock(&listener->lock);
	bulla_tls *old = listener->tls;
	listener->tls = tls;
	pthread_mutex_unlock(&listener->lock);
	bulla_tls_unref(old);
	return BULLA_OK;
}

void bulla_listener_stop(bulla_listener *listener, int64_t grace_ms)
{
	int before = errno; /* whoever a signal interrupts must not notice */
	long long until = bulla_clock_ms() + (grace_ms > 0 ? grace_ms : 0), now = 0;
	while (!atomic_compare_exchange_weak(&listener->stop_ms, &now, until))
		if (now && now <= until) break;
	for (unsigned i = 0; i < listener->n_loops; i++)
		bulla_loop_wake(listener->loops[i]);
	errno = before;
}

void bulla_listener_wait(bulla_listener *listener)
{
	for (unsigned i = 0; i < listener->n_loops; i++) {
		if (listener->loops[i]->started) pthread_join(listener->loops[i]->thread, NULL);
		listener->loops[i]->started = false;
	}
}

void bulla_listener_close(bulla_listener *listener)
{
	if (!listener) return;
	bulla_listener_stop(listener, 0);
	bulla_listener_wait(listener);
	for (unsigned i = 0; i < listener->n_loops; i++)
		bulla_loop_free(listener->loops[i]);
	if (listener->unix_path) (void)unlink(listener->unix_path);
	bulla_tls_unref(listener->tls);
	pthread_mutex_destroy(&listener->lock);
	free(listener->unix_path);
	free(listener->address);
	free(listener->certificate_file);
	free(listener->key_file);
	free(listener->client_ca_file);
	free(listener);
}

static uint64_t sum(const bulla_listener *listener, bulla_count what)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < listener->n_loops; i++)
		n += atomic_load_explicit(&listener->loops[i]->counts[what], memory_order_relaxed);
	return n;
}

void bulla_listener_count(const bulla_listener *listener, bulla_listener_counts *out)
{
	*out = (bulla_listener_counts){
		.accepted = sum(listener, BULLA_COUNT_ACCEPTED),
		.open = sum(listener, BULLA_COUNT_OPEN),
		.idle_closed = sum(listener, BULLA_COUNT_IDLE_CLOSED),
		.requests = sum(listener, BULLA_COUNT_REQUESTS),
		.answers = sum(listener, BULLA_COUNT_ANSWERS),
		.turns = sum(listener, BULLA_COUNT_TURNS),
		.bytes_in = sum(listener, BULLA_COUNT_BYTES_IN),
		.bytes_out = sum(listener, BULLA_COUNT_BYTES_OUT),
	};
	for (bulla_refusal why = 0; why < BULLA_REFUSALS; why++)
		out->refused[why] = sum(listener, BULLA_COUNT_REFUSED + why);
}
