/*
 * help.h - a listener with a handler for tests, and clients that write bytes to sockets.
 *
 * What the handler answers depends on the target: /echo the request in words, /later the same from another thread, /keep nothing until
 * help_answer_kept(), /big BIG_SIZE bytes; all else 200 "fine".
 */
#ifndef TESTS_SERVER_HELP_H
#define TESTS_SERVER_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/listener.h"

#include <pthread.h>
#include <stdatomic.h>

#define BIG_SIZE (4u << 20)

typedef struct help_server {
	bulla_listener *listener;
	char host[64], port[8];
	pthread_mutex_t lock;
	bulla_exchange *kept;
	atomic_uint n_kept, largest_turn, ticks, loops_seen;
	atomic_uint refused[BULLA_REFUSALS];
	pthread_t helpers[64];
	unsigned n_helpers;
} help_server;

/* `config` may be NULL; address and handler are filled in where they are not given. */
void help_open(help_server *server, const bulla_listener_config *config);
void help_close(help_server *server);
void help_answer_kept(help_server *server);
void help_wait_kept(help_server *server, unsigned n);
uint64_t help_refused(help_server *server, bulla_refusal why);

int help_dial(const help_server *server);
void help_send(int fd, const char *text);
void help_send_bytes(int fd, const void *data, size_t len);

typedef struct help_answer {
	int status; /* 0: the connection ended without one */
	size_t len;
	char head[2048];
	char body[8192]; /* its beginning */
} help_answer;

/* The next answer; waits 10 s. 1xx are answers too. */
help_answer help_receive(int fd);
/* Sends and receives. */
help_answer help_ask(int fd, const char *text);
/* Opens, asks, closes. */
help_answer help_once(const help_server *server, const char *text);
/* Has the other side closed, within `ms`? What is there to read is swallowed. */
bool help_is_closed(int fd, int ms);
int64_t help_now_ms(void);
void help_sleep_ms(int ms);

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"

#endif
