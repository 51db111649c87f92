/*
 * listener_inside.h - what the files of the listener share: a loop, its connections and their exchanges.
 *
 * All of it belongs to the loop's thread, but for what is atomic or under the lock, as the comments say.
 */
#ifndef SERVER_LISTENER_INSIDE_H
#define SERVER_LISTENER_INSIDE_H

#include "server/listener.h"
#include "server/tls.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct bulla_loop bulla_loop;
typedef struct bulla_connection bulla_connection;

/* What a connection is waiting for; each has a limit of time, and a queue with the oldest first. */
typedef enum bulla_phase {
	BULLA_PHASE_FRESH,   /* accepted: a first request line */
	BULLA_PHASE_IDLE,    /* answered: the next request line */
	BULLA_PHASE_REQUEST, /* request line seen: the rest */
	BULLA_PHASE_WORK,    /* complete: an answer */
	BULLA_PHASE_REPLY,   /* answered: the client to take it */
	BULLA_PHASE_CUT,     /* the end: closed by us, not yet noticed by libmicrohttpd */
	BULLA_PHASES
} bulla_phase;

/* A peer outlives its connection while an exchange is kept. */
typedef struct bulla_shared_peer {
	atomic_uint refs;
	bulla_peer peer;
	bulla_client_certificate certificate;
} bulla_shared_peer;

struct bulla_connection {
	bulla_loop *loop;
	struct MHD_Connection *mhd;
	int fd;
	bulla_phase phase;
	int64_t since_ms;                 /* in this phase */
	bulla_connection *before, *after; /* in the phase's queue */
	bulla_shared_peer *peer;
	bulla_tls *tls;
	bulla_exchange *exchange; /* under way; libmicrohttpd's context of a request is not used: it cannot be taken back */
	bool suspended;
	bool looked_at;  /* since it became idle: look_for_ends() */
	bool introduced; /* the client's certificate was looked at */
};

typedef enum bulla_exchange_step {
	BULLA_STEP_HEAD,
	BULLA_STEP_BODY,
	BULLA_STEP_READY, /* in the loop's list, the handler's, or answered */
	BULLA_STEP_REFUSED
} bulla_exchange_step;

/* Who ends it: the one that moves it away from OPEN. */
enum { BULLA_EXCHANGE_OPEN, BULLA_EXCHANGE_ANSWERED, BULLA_EXCHANGE_ABANDONED };

struct bulla_exchange {
	bulla_loop *loop;
	bulla_connection *connection; /* NULL: gone */
	bulla_shared_peer *peer;
	bulla_exchange_step step;
	bool settled; /* libmicrohttpd has the answer */
	atomic_int end;
	bulla_exchange *next; /* in the one list where it is */
	int64_t arrived_us;

	bulla_buf target, head, body;
	bulla_http_request request;
	bulla_http_header headers[BULLA_HTTP_HEADERS_MAX];

	unsigned status;
	struct MHD_Response *response; /* borrows `answer` */
	bulla_buf answer;
};

typedef struct bulla_exchange_list {
	bulla_exchange *first, **last;
	size_t n;
} bulla_exchange_list;

typedef struct bulla_connection_queue {
	bulla_connection *first, *last;
	size_t n;
} bulla_connection_queue;

/* In the order of bulla_listener_counts. Written by the loop's thread alone. */
typedef enum bulla_count {
	BULLA_COUNT_ACCEPTED,
	BULLA_COUNT_OPEN,
	BULLA_COUNT_IDLE_CLOSED,
	BULLA_COUNT_REQUESTS,
	BULLA_COUNT_ANSWERS,
	BULLA_COUNT_TURNS,
	BULLA_COUNT_BYTES_IN,
	BULLA_COUNT_BYTES_OUT,
	BULLA_COUNT_REFUSED,
	BULLA_COUNTS = BULLA_COUNT_REFUSED + BULLA_REFUSALS
} bulla_count;

#define BULLA_SPARE_EXCHANGES 64 /* kept for the next requests, with their memory up to: */
#define BULLA_SPARE_BODY      (8u << 10)

struct bulla_loop {
	bulla_listener *listener; /* what it needs of it does not change, but for `tls` and `stop_ms` */
	unsigned index;
	pthread_t thread; /* whoever started it joins it */
	pthread_t self;   /* the same, as the thread itself knows it */
	bool started;
	struct MHD_Daemon *daemon;
	int listen_fd, poll_fd, wake_fd;
	int64_t now_ms, ticked_ms;
	bool stopping;

	bulla_connection_queue phases[BULLA_PHASES];
	unsigned connections, connections_max;
	size_t owed;                  /* exchanges that the handler has, or that are on their way back */
	bulla_exchange_list ready;    /* complete, for the next turn */
	bulla_exchange_list answered; /* by this thread */
	bulla_exchange *spare;
	size_t n_spare;

	struct {
		int fd;
		int64_t until_ms;
	} lingering[BULLA_LISTENER_LINGERING_MAX];
	size_t n_lingering;

	pthread_mutex_t lock;
	bulla_exchange_list answered_elsewhere; /* under the lock, like writing to wake_fd */
	atomic_bool has_answers;

	_Atomic uint64_t counts[BULLA_COUNTS];
};

struct bulla_listener {
	bulla_listener_config config; /* with the presets filled in; its strings are the four below */
	char *address, *certificate_file, *key_file, *client_ca_file;
	char *unix_path; /* to remove at the end */
	char where[128];
	unsigned connections;
	atomic_llong stop_ms; /* CLOCK_MONOTONIC; 0: not stopping */
	pthread_mutex_t lock;
	bulla_tls *tls; /* under the lock */
	unsigned n_loops;
	bulla_loop *loops[BULLA_LISTENER_LOOPS_MAX];
};

static inline void bulla_count_add(bulla_loop *loop, bulla_count what, uint64_t n)
{
	uint64_t was = atomic_load_explicit(&loop->counts[what], memory_order_relaxed);
	atomic_store_explicit(&loop->counts[what], was + n, memory_order_relaxed);
}

int64_t bulla_clock_ms(void); /* CLOCK_MONOTONIC */
int64_t bulla_clock_us(void);

/* --- loop.c --- */
/* Takes `listen_fd` over. */
BULLA_MUST bulla_code bulla_loop_new(bulla_listener *listener, unsigned index, int listen_fd, bulla_loop **out, bulla_error *err);
BULLA_MUST bulla_code bulla_loop_start(bulla_loop *loop, bulla_error *err);
void bulla_loop_free(bulla_loop *loop); /* after its thread; NULL is fine */
void bulla_loop_wake(bulla_loop *loop); /* any thread, signal handlers too */

/* --- connection.c --- */
/* libmicrohttpd's two call-backs. */
enum MHD_Result bulla_connection_admit(void *loop, const struct sockaddr *address, socklen_t len);
void bulla_connection_notify(void *loop, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code);
bulla_connection *bulla_connection_of(struct MHD_Connection *mhd);
void bulla_connection_enter(bulla_connection *connection, bulla_phase phase);
/* Ends it at once; libmicrohttpd notices in its next turn. */
void bulla_connection_cut(bulla_connection *connection);
/* Writes the refusal past libmicrohttpd, which has no way to answer half a request, then cuts. */
void bulla_connection_dismiss(bulla_connection *connection, bulla_refusal why);
/* Swallows for a moment what a client still sends to a socket that is about to be closed. */
void bulla_connection_linger(bulla_connection *connection);
/* Looks at the limits of time. */
void bulla_connections_expire(bulla_loop *loop);
void bulla_lingering_end(bulla_loop *loop, bool all);
void bulla_peer_unref(bulla_shared_peer *peer); /* NULL is fine */

/* --- exchange.c --- */
void *bulla_exchange_begin(void *loop, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result bulla_exchange_receive(void *loop, struct MHD_Connection *mhd, const char *url, const char *method,
				       const char *version, const char *data, size_t *size, void **context);
void bulla_exchange_completed(void *loop, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code);
/* Gives what is ready to the handler, and what was answered to libmicrohttpd. */
void bulla_exchanges_turn(bulla_loop *loop);
/* Answers in the handler's place. */
void bulla_exchange_abandon(bulla_connection *connection, bulla_refusal why);
void bulla_exchange_free(bulla_exchange *exchange);
void bulla_exchange_list_add(bulla_exchange_list *list, bulla_exchange *exchange);

/* --- head.c --- */
/* Copies a request's head into the exchange, and judges it. */
BULLA_MUST bulla_refusal bulla_head_read(bulla_exchange *exchange, struct MHD_Connection *mhd, const char *url,
					 const char *method, const char *version, size_t body_max);

/* --- refusal.c --- */
typedef struct bulla_refusal_row {
	unsigned status; /* 0: no answer */
	const char *name, *phrase, *text;
} bulla_refusal_row;
const bulla_refusal_row *bulla_refusal_of(bulla_refusal why);
/* Counts it, and tells the handler. */
void bulla_refusal_note(bulla_loop *loop, bulla_refusal why, const bulla_peer *peer);

#endif
