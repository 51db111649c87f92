/*
 * listener.h - HTTP/1.1 over TCP, TLS or a Unix socket: complete requests in groups, answers at once or later.
 *
 * A listener has one loop a core, each a thread of its own. What became complete in one turn of a loop is handed over together, on
 * that loop's thread, so that whoever answers can make one durable write for all of it; while that write waits, the next turn's requests
 * gather in the sockets. An exchange is answered in that call, or kept and answered later from any thread.
 *
 * Refused here, before the handler sees anything, and counted by reason (bulla_refusal): whatever two readers could take apart in two
 * ways (Content-Length beside Transfer-Encoding, two of either, a blank in a header's name, a folded header, a bare line feed, a NUL), a
 * Host that is missing or there twice, a body or a header beyond its limit, a request that takes too long. Such a connection is closed
 * behind the answer. Methods and targets are the handler's business.
 *
 * Where secrets lie: a body is copied out of libmicrohttpd's buffer into one of ours and wiped there; ours, and the body of the answer,
 * are wiped once the answer is sent. libmicrohttpd zeroes the rest of a connection's pool when it is used again, but not when it
 * gives it back at the connection's end: the head of a request (signatures, no keys) and the headers of an answer stay on the heap then. Under TLS, GnuTLS has
 * record buffers of its own, and a copy of the server's key, which nobody wipes.
 */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include "base/buf.h"
#include "wire/http.h"

#define BULLA_LISTENER_BODY_MAX        (1u << 20)
#define BULLA_LISTENER_POOL            (12u << 10) /* bytes of a connection for reading and writing heads: 431 beyond */
#define BULLA_LISTENER_CONNECTIONS     10240       /* of all loops; see bulla_listener_config.connections */
#define BULLA_LISTENER_CONNECTIONS_MAX 1000000
#define BULLA_LISTENER_LOOPS_MAX       64
#define BULLA_LISTENER_TURN_MAX        256   /* exchanges of one call of `turn` */
#define BULLA_LISTENER_REQUEST_MS      30000 /* from the connection, or from a request line, to the end of the body: 408 */
#define BULLA_LISTENER_IDLE_MS         75000 /* between two requests, the next one's request line included */
#define BULLA_LISTENER_WORK_MS         60000 /* for an answer that was kept: 503, and what comes later is dropped */
#define BULLA_LISTENER_REPLY_MS        30000 /* for the client to take its answer */
#define BULLA_LISTENER_TICK_MS         100
#define BULLA_LISTENER_LINGER_MS       1000 /* what a refused client still sends is swallowed, so that it sees the answer */
#define BULLA_LISTENER_LINGERING_MAX   64   /* at a time and loop */

typedef struct bulla_listener bulla_listener; /* any thread */
typedef struct bulla_exchange bulla_exchange; /* one thread at a time, handed on whole */

typedef enum bulla_refusal {
	BULLA_REFUSED_MALFORMED = 1, /* 400 */
	BULLA_REFUSED_FRAMING,       /* 400: lengths and codings that contradict each other */
	BULLA_REFUSED_HOST,          /* 400 */
	BULLA_REFUSED_CODING,        /* 501: a Transfer-Encoding other than chunked */
	BULLA_REFUSED_EXPECTATION,   /* 417 */
	BULLA_REFUSED_BODY,          /* 413 */
	BULLA_REFUSED_HEADERS,       /* 431: more than BULLA_HTTP_HEADERS_MAX; libmicrohttpd says it too, of its pool */
	BULLA_REFUSED_SLOW,          /* 408 */
	BULLA_REFUSED_LATE,          /* 503: nobody answered within the time for work */
	BULLA_REFUSED_READING,       /* libmicrohttpd itself gave up behind a request line: malformed, too large, or cut off */
	BULLA_REFUSED_CLIENT,        /* a client certificate that is missing or does not hold: no answer */
	BULLA_REFUSED_CROWDED,       /* a new connection while every other one was busy: no answer */
	BULLA_REFUSALS               /* how many there are, and none */
} bulla_refusal;

/* "malformed", "framing", ...: for logs and metrics. */
const char *bulla_refusal_name(bulla_refusal refusal);

/* A verified client certificate. A name that does not fit is left out whole; the fingerprint is always there. */
typedef struct bulla_client_certificate {
	uint8_t fingerprint[32]; /* SHA-256 of its DER */
	char subject[256];       /* RFC 4514: "CN=writer,O=Example" */
	char names[512];         /* "DNS:a.example,URI:spiffe://..."; a name with a comma or a control character is left out */
} bulla_client_certificate;

typedef struct bulla_peer {
	char address[64]; /* "192.0.2.7", "2001:db8::1"; "unix" */
	bool tls;
	const bulla_client_certificate *certificate; /* NULL: none */
} bulla_peer;

typedef struct bulla_handler {
	/* `n` complete requests, at most BULLA_LISTENER_TURN_MAX, on the thread of loop `loop`. Each is answered once, now or later. */
	void (*turn)(void *self, unsigned loop, bulla_exchange *const *ready, size_t n);
	/* About every BULLA_LISTENER_TICK_MS, on the loop's thread; may be NULL. `now_us` since 1970. */
	void (*tick)(void *self, unsigned loop, int64_t now_us);
	/* Somebody was refused; on the loop's thread; may be NULL. */
	void (*refused)(void *self, unsigned loop, bulla_refusal why, const bulla_peer *peer);
	void *self;
} bulla_handler;

/* Zeroed members mean the preset. Nothing is kept that it points to, but the handler's self. */
typedef struct bulla_listener_config {
	/* "127.0.0.1:7454", "[::1]:7454", "localhost:0", ":7454" (all addresses), "unix:/run/bulla.sock" (mode 0660; a socket that nobody answers at is
	 * replaced, and removed at the end), "fd:3" (a listening socket that somebody else made: it is duplicated, and stays theirs). */
	const char *address;
	const char *certificate_file, *key_file; /* PEM, leaf first; the key's file must be private. NULL: no TLS */
	const char *client_ca_file;              /* PEM: clients must show a certificate that hangs from one of these */
	unsigned loops;                          /* 0: 1 */
	/* Of all loops. Beyond its share a loop closes the connection that has been idle longest; where none is idle, the new one. At most what
	 * RLIMIT_NOFILE leaves: bulla_listener_connections(). */
	unsigned connections;
	size_t body_max;
	int64_t request_ms, idle_ms, work_ms, reply_ms;
	bulla_handler handler;
} bulla_listener_config;

/* Binds, and starts the loops. USAGE for an address that is none, EXISTS where somebody listens there already, PERMISSION, IO, CONFIG for certificates
 * (a key that is not theirs included). */
BULLA_MUST bulla_code bulla_listener_open(const bulla_listener_config *config, bulla_listener **out, bulla_error *err);

/* "127.0.0.1:41234", "[::1]:7454", "unix:/run/bulla.sock": where it listens, with the real port. Lives as long as the listener. */
const char *bulla_listener_address(const bulla_listener *listener);
unsigned bulla_listener_connections(const bulla_listener *listener); /* the limit in force */

/* Reads the three files again, for connections from now on; those that are open keep what they have. On failure all goes on as before. */
BULLA_MUST bulla_code bulla_listener_reload(bulla_listener *listener, bulla_error *err);

/* Accepts nothing more, closes what is idle, finishes what is under way, and after `grace_ms` closes the rest; answers that are late are
 * dropped. Returns at once; fit for a signal handler; the first call counts, but a shorter grace shortens it. */
void bulla_listener_stop(bulla_listener *listener, int64_t grace_ms);
/* Returns when every loop has ended after a stop. One thread. */
void bulla_listener_wait(bulla_listener *listener);
/* Stops without grace, waits, frees. Exchanges that are still kept stay valid, and their answers go nowhere. NULL is fine. */
void bulla_listener_close(bulla_listener *listener);

typedef struct bulla_listener_counts {
	uint64_t accepted;
	uint64_t open;        /* now */
	uint64_t idle_closed; /* to make room, or after their time */
	uint64_t requests;    /* that the handler got */
	uint64_t answers;
	uint64_t turns;
	uint64_t bytes_in;  /* heads and bodies of requests */
	uint64_t bytes_out; /* bodies of answers */
	uint64_t refused[BULLA_REFUSALS];
} bulla_listener_counts;

/* The sums of all loops, any thread, any time; each number for itself. */
void bulla_listener_count(const bulla_listener *listener, bulla_listener_counts *out);

/* --- exchanges --------------------------------------------------------------------------------------------------- */

/* Valid until the exchange is answered, whatever becomes of its connection. Chunked bodies are put together. */
const bulla_http_request *bulla_exchange_request(const bulla_exchange *exchange);
const bulla_peer *bulla_exchange_peer(const bulla_exchange *exchange);
int64_t bulla_exchange_arrived_us(const bulla_exchange *exchange); /* CLOCK_MONOTONIC, when it was complete */

/* Answers, from any thread, and ends the caller's right to the exchange. Content-Length, Date and Connection are written by the listener; other
 * headers are as given, without line breaks. `body` is moved: the buffer is empty afterwards; NULL is an empty one. */
void bulla_exchange_answer(bulla_exchange *exchange, unsigned status, const bulla_http_header *headers, size_t n_headers,
			   bulla_buf *body);

#endif
