/*
 * respond.h - answers that every face of the server gives: plain texts, health, metrics.
 */
#ifndef SERVER_RESPOND_H
#define SERVER_RESPOND_H

#include "server/listener.h"
#include "server/metrics.h"

/* Answers with a copy of `text` as text/plain. */
void bulla_respond_text(bulla_exchange *exchange, unsigned status, const char *text);

/* What answers for the server's own state. */
typedef struct bulla_upkeep {
	/* May the node be sent requests? NULL is yes; else why not, one line without secrets. Any thread. NULL: always. */
	const char *(*unready)(void *self);
	/* Brings gauges up to date before they are written; may be NULL. */
	void (*refresh)(void *self);
	void *self;
	const bulla_metrics *metrics; /* NULL: there are none */
} bulla_upkeep;

/* Answers GET and HEAD of /healthz (200 while the process turns), /readyz (200, or 503 with the reason) and /metrics; 405 for other methods
 * there. False for every other target: the exchange is still the caller's. */
bool bulla_upkeep_answer(const bulla_upkeep *upkeep, bulla_exchange *exchange);

#endif
