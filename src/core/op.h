/*
 * op.h - the inside of an op: one step function, the need it waits for, and the question to a KMS that is under way.
 */
#ifndef CORE_OP_H
#define CORE_OP_H

#include "core/session.h"

#include <bulla/op.h>

/* What a step function says. Anything else is the failure that ends the op. */
typedef enum bulla_progress_made {
	BULLA_STEP_DONE = 0,
	BULLA_STEP_NEED = 1 /* op->need is set; step again when it is satisfied */
} bulla_progress_made;

struct bulla_op {
	bulla_code (*step)(bulla_op *op, bulla_progress_made *ret, bulla_error *err);
	void (*abort)(bulla_op *op); /* frees what the steps hold; called once, at the end, failed or not */
	bulla_keyring *keyring;
	bulla_lane *lane;
	bulla_need need;
	bool ended;
	bool begun;
	unsigned generation; /* of the pool, when it began: a child of a fork has none of the keys that it holds */
	bool failed;         /* the host could not satisfy the need */
	char failed_reason[128];
	/* CALL: what to run and what came of it */
	bulla_code (*call)(void *self, bulla_error *err);
	void *call_self;
	bulla_code call_code;
	bulla_error call_error;
	/* the question under way */
	const bulla_session *asked;
	bulla_question question;
	void *exchange;
	bulla_need asked_need;
	bulla_http http;
	int64_t asked_us;
};

/* Ends whatever the op does, answered or not, and makes it ready to begin again. */
void bulla_op_reset(bulla_op *op);

/* Asks for `call(self)` to be run; bulla_op_called() gives its result at the next step. */
void bulla_op_call(bulla_op *op, bulla_code (*call)(void *self, bulla_error *err), void *self);
BULLA_MUST bulla_code bulla_op_called(bulla_op *op, bulla_error *err);

/* Asks to be stepped again when another op's flight may have ended. */
void bulla_op_wait(bulla_op *op);

/* Puts `question` to `session`. `*ret_need` says whether op->need must be satisfied before bulla_op_answer(). */
BULLA_MUST bulla_code bulla_op_ask(bulla_op *op, const bulla_session *session, const bulla_question *question, bool *ret_need,
				   bulla_error *err);
/* Fills the items of the question. Fails as a whole with UNAVAILABLE, DENIED ... */
BULLA_MUST bulla_code bulla_op_answer(bulla_op *op, bulla_error *err);

#endif
