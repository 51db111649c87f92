/*
 * op.c - stepping an op, and putting questions to a KMS on its behalf.
 */
#include "core/op.h"

#include <stdio.h>
#include <string.h>

#define WAIT_MS 20

static bulla_code run_call(void *self, bulla_error *err)
{
	bulla_op *op = self;
	op->call_code = op->call(op->call_self, &op->call_error);
	if (op->call_code && err) *err = op->call_error;
	return op->call_code;
}

static bulla_code run_wait(void *self, bulla_error *err)
{
	bulla_op *op = self;
	(void)err;
	bulla_cache_wait(op->keyring->cache, WAIT_MS);
	return BULLA_OK;
}

void bulla_op_call(bulla_op *op, bulla_code (*call)(void *self, bulla_error *err), void *self)
{
	op->call = call;
	op->call_self = self;
	op->call_code = BULLA_ERR_INTERNAL;
	op->call_error = (bulla_error){ 0 };
	op->need = (bulla_need){ .kind = BULLA_NEED_CALL, .call = run_call, .self = op };
}

bulla_code bulla_op_called(bulla_op *op, bulla_error *err)
{
	if (op->failed) return bulla_fail(err, BULLA_ERR_UNAVAILABLE, "a blocking call was not run: %s", op->failed_reason);
	if (!op->call_code) return BULLA_OK;
	if (!op->call_error.code)
		return bulla_fail(err, BULLA_ERR_USAGE, "the need of an op was not satisfied before its next step");
	if (err) *err = op->call_error;
	return op->call_code;
}

void bulla_op_wait(bulla_op *op)
{
	op->need = (bulla_need){ .kind = BULLA_NEED_WAIT, .call = run_wait, .self = op, .wait_ms = WAIT_MS };
}

static void http_done(bulla_http *http)
{
	if (!http->method.data && !http->url.data && !http->reply.data) return; /* most ops exchange nothing */
	bulla_buf_done(&http->method);
	bulla_buf_done(&http->url);
	bulla_buf_done(&http->headers);
	bulla_buf_done(&http->body);
	bulla_buf_done(&http->reply);
	*http = (bulla_http){ 0 };
}

bulla_code bulla_op_ask(bulla_op *op, const bulla_session *session, const bulla_question *question, bool *ret_need,
			bulla_error *err)
{
	op->question = *question;
	op->asked_us = op->keyring->config.now_us(op->keyring->config.now_self);
	op->asked_need = (bulla_need){ .kind = BULLA_NEED_DONE, .http = &op->http };
	for (size_t i = 0; i < question->n; i++)
		question->items[i].code = BULLA_OK;
	bulla_code code = session->provider->ask(session->handle, &op->question, &op->exchange, &op->asked_need, err);
	if (code) {
		http_done(&op->http); /* it may be half-written */
		return code;
	}
	op->asked = session;
	atomic_fetch_add(&op->keyring->questions, 1);
	*ret_need = op->asked_need.kind != BULLA_NEED_DONE;
	if (op->asked_need.kind == BULLA_NEED_CALL) bulla_op_call(op, op->asked_need.call, op->asked_need.self);
	if (op->asked_need.kind == BULLA_NEED_HTTP) op->need = op->asked_need;
	return BULLA_OK;
}

static void notify(bulla_op *op, bulla_code outcome)
{
	const bulla_keyring_config *config = &op->keyring->config;
	if (!config->notify) return;
	bulla_notice notice = {
		.operation = op->question.verb == BULLA_ASK_WRAP ? "wrap" : "unwrap",
		.key_id = op->asked->key_id,
		.context = op->question.n ? op->question.items[0].context : bulla_view(NULL, 0),
		.data_key = !op->question.box,
		.count = op->question.n,
		.duration_us = config->now_us(config->now_self) - op->asked_us,
		.outcome = outcome,
	};
	for (size_t i = 0; i < op->question.n && !notice.outcome; i++)
		notice.outcome = op->question.items[i].code;
	config->notify(config->notify_self, &notice);
}

bulla_code bulla_op_answer(bulla_op *op, bulla_error *err)
{
	const bulla_session *session = op->asked;
	bulla_code code = BULLA_OK;
	if (op->asked_need.kind == BULLA_NEED_CALL) code = bulla_op_called(op, err);
	if (op->asked_need.kind == BULLA_NEED_HTTP && op->failed)
		code = bulla_fail(err, BULLA_ERR_UNAVAILABLE, "the KMS did not answer: %s", op->failed_reason);
	op->failed = false;
	if (code)
		session->provider->abandon(session->handle, op->exchange);
	else
		code = session->provider->answer(session->handle, &op->question, op->exchange, &op->asked_need, op->lane, err);
	notify(op, code);
	op->exchange = NULL;
	op->asked = NULL;
	http_done(&op->http);
	return code;
}

void bulla_op_reset(bulla_op *op)
{
	if (op->asked) op->asked->provider->abandon(op->asked->handle, op->exchange);
	op->asked = NULL;
	op->exchange = NULL;
	http_done(&op->http);
	if (op->abort) op->abort(op);
	op->step = NULL;
	op->abort = NULL;
	op->begun = false;
	op->ended = true;
}

static bulla_code check_process(bulla_op *op, bulla_error *err)
{
	unsigned generation = bulla_pool_generation(op->keyring->pool);
	if (!op->begun) op->generation = generation;
	op->begun = true;
	if (op->generation == generation) return BULLA_OK;
	bulla_op_reset(op);
	bulla_fail(err, BULLA_ERR_USAGE, "the process has forked since this operation began, and keys do not survive that");
	return bulla_advise(err, BULLA_ERR_USAGE, "begin the operation again in the child");
}

bulla_code bulla_op_step(bulla_op *op, bulla_need *ret_need, bulla_error *err)
{
	if (op->ended) {
		*ret_need = (bulla_need){ .kind = BULLA_NEED_DONE };
		return BULLA_OK;
	}
	TRY(check_process(op, err));
	bulla_progress_made made = BULLA_STEP_DONE;
	bulla_code code = op->step(op, &made, err);
	op->failed = false;
	if (code || made == BULLA_STEP_DONE) {
		bulla_op_reset(op);
		*ret_need = (bulla_need){ .kind = BULLA_NEED_DONE };
		return code;
	}
	*ret_need = op->need;
	return BULLA_OK;
}

void bulla_op_failed(bulla_op *op, const char *reason)
{
	op->failed = true;
	snprintf(op->failed_reason, sizeof op->failed_reason, "%s", reason ? reason : "no reason given");
}
