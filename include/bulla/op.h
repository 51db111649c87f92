/*
 * op.h - an operation that does no I/O: it says what it needs and is told when it has it.
 *
 * The blocking calls of batch.h, record.h and box.h are a loop over this; hosts with an event loop of their own drive it
 * themselves (docs/INTEGRATING.md, examples/event_loop.c):
 *
 *     while (bulla_op_step(op, &need, &err) == BULLA_OK && need.kind != BULLA_NEED_DONE) satisfy(&need);
 *
 * An op belongs to the batch that began it, and to one thread at a time (not always the same one).
 */
#ifndef BULLA_OP_H
#define BULLA_OP_H

#include <bulla/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bulla_op bulla_op;

typedef enum bulla_need_kind {
	BULLA_NEED_DONE = 0, /* nothing: the operation has ended and its results are in place */
	BULLA_NEED_HTTP = 1, /* send http, then fill http->status and http->reply (or call bulla_op_failed) */
	BULLA_NEED_CALL = 2, /* run call(self, &err) on any thread; it blocks: the embedded engine, a row of the branch store */
	BULLA_NEED_WAIT = 3  /* another op is fetching the same key: step again after at most wait_ms */
} bulla_need_kind;

/* One HTTP exchange. The request belongs to the op; `reply` is the host's to fill, at most 1 MiB. */
typedef struct bulla_http {
	bulla_buf method;  /* "POST" */
	bulla_buf url;     /* absolute */
	bulla_buf headers; /* "Name: value\r\n" lines */
	bulla_buf body;
	int status;
	bulla_buf reply;
} bulla_http;

typedef struct bulla_need {
	bulla_need_kind kind;
	bulla_http *http;
	bulla_code (*call)(void *self, bulla_error *err); /* its result is kept by the op: nothing to hand back */
	void *self;
	int wait_ms;
} bulla_need;

/* Goes on as far as it can without I/O. The need must be satisfied before the next step. On failure the op has ended: nothing
 * was released and the caller's rows carry no results. An op that has ended answers DONE. One that is abandoned half-way is ended, and its need
 * need not be satisfied any more, when its batch begins another or is freed. */
BULLA_API BULLA_MUST bulla_code bulla_op_step(bulla_op *op, bulla_need *ret_need, bulla_error *err);

/* The need could not be satisfied (no connection, time-out): the next step fails over to another key or ends the op. */
BULLA_API void bulla_op_failed(bulla_op *op, const char *reason);

#ifdef __cplusplus
}
#endif
#endif
