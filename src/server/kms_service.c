/*
 * kms_service.c - turns of the listener become groups of calls of the engine; workers do the rest.
 */
#include "server/kms_inside.h"
#include "server/respond.h"

#include <stdlib.h>

#define SPARE_WORKS 256
#define UNABLE      "The service is temporarily unable to process the request."

/* --- works ------------------------------------------------------------------------------------------------------ */
static void work_clear(bulla_work *work)
{
	if (work->has_input) bulla_aws_input_done(&work->input);
	bulla_buf parameters = work->parameters;
	bulla_buf_clear(&parameters);
	*work = (bulla_work){ .parameters = parameters };
}

static void work_free(bulla_work *work)
{
	if (!work) return;
	work_clear(work);
	bulla_buf_done(&work->parameters);
	free(work);
}

static bulla_work *work_take(bulla_service_loop *loop)
{
	bulla_work *work = loop->spare;
	if (!work) return calloc(1, sizeof *work);
	loop->spare = work->next;
	loop->n_spare--;
	work->next = NULL;
	return work;
}

static void work_give(bulla_service_loop *loop, bulla_work *work)
{
	if (loop->n_spare >= SPARE_WORKS) {
		work_free(work);
		return;
	}
	work_clear(work);
	work->next = loop->spare;
	loop->spare = work;
	loop->n_spare++;
}

/* --- the record of what is refused --------------------------------------------------------------------------------- */
static void request_record(bulla_work *work, bulla_engine_request *request)
{
	(void)bulla_fail(&work->why, BULLA_ERR_DENIED, "%s", work->fault.text);
	work->refusal = (bulla_engine_refusal){ work->operation ? bulla_aws_operation_name(work->operation) : "Unknown",
						BULLA_ERR_DENIED, &work->why };
	*request = (bulla_engine_request){
		.operation = BULLA_ENGINE_REFUSED, .key_id = work->key_id, .caller = &work->caller, .refusal = &work->refusal
	};
}

/* A worker's request that was refused before the engine was asked. */
static void record_refused(bulla_work *work)
{
	bulla_engine_request request;
	bulla_engine_reply reply = { 0 };
	bulla_error err = { 0 };
	request_record(work, &request);
	bulla_code code = bulla_engine_call(work->service->config.engine, &request, 1, &reply, &err);
	bulla_engine_reply_done(&reply);
	if (code == BULLA_OK) return;
	bulla_kms_service_tell(work->service, "a refusal could not be recorded", &err);
	bulla_work_fail(work, code, UNABLE, "");
}

static void finish(bulla_work *work, const bulla_engine_reply *reply)
{
	bulla_buf body = { 0 };
	if (!work->refused && reply->code) bulla_work_fail(work, reply->code, reply->text, reply->key_arn);
	if (!work->refused && work->caller.dry_run) (void)bulla_work_say(work, BULLA_AWS_SAYS_DRY_RUN);
	if (!work->refused) {
		bulla_json_writer w = bulla_json_to(&body);
		bulla_json_open(&w, NULL, '{');
		work->action->tell(work, reply, &w);
		bulla_json_close(&w, '}');
		if (bulla_json_end(&w, NULL)) (void)bulla_work_say(work, BULLA_AWS_SAYS_INTERNAL);
	}
	bulla_work_answer(work, &body);
	bulla_buf_done(&body);
}

/* --- workers ---------------------------------------------------------------------------------------------------- */
/* A use that is a group by itself. */
static void run_use(bulla_work *work)
{
	bulla_kms_service *s = work->service;
	bulla_engine_request request = { .caller = &work->caller };
	bulla_engine_reply reply = { 0 };
	bulla_error err = { 0 };
	if (!work->action->use(work, &request)) request_record(work, &request);
	bulla_code code = bulla_engine_call(s->config.engine, &request, 1, &reply, &err);
	if (code) {
		bulla_kms_service_tell(s, "a call failed", &err);
		bulla_work_fail(work, code, UNABLE, "");
	}
	finish(work, &reply);
	bulla_engine_reply_done(&reply);
	work_free(work);
}

static void run(bulla_work *work)
{
	if (work->action->use) {
		run_use(work);
		return;
	}
	bulla_buf body = { 0 };
	bulla_error err = { 0 };
	bulla_json_writer w = bulla_json_to(&body);
	bulla_json_open(&w, NULL, '{');
	bulla_code code = work->action->run(work, &w, &err);
	bulla_json_close(&w, '}');
	if (code == BULLA_OK) code = bulla_json_end(&w, &err);
	if (code == BULLA_OK && work->caller.dry_run) (void)bulla_work_say(work, BULLA_AWS_SAYS_DRY_RUN);
	if (code && !work->refused) {
		char arn[BULLA_ARN_MAX] = "";
		bulla_work_key_arn(work, arn);
		bulla_work_fail(work, code, err.text, arn);
	}
	if (work->refused && !work->recorded) record_refused(work);
	bulla_work_answer(work, &body);
	bulla_buf_done(&body);
	work_free(work);
}

static bulla_work *next_work(bulla_kms_service *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->first && !s->ending)
		pthread_cond_wait(&s->more, &s->lock);
	bulla_work *work = s->first;
	if (work) {
		s->first = work->next;
		if (!s->first) s->last = &s->first;
		s->queued--;
	}
	pthread_mutex_unlock(&s->lock);
	return work;
}

static void *worker(void *self)
{
	for (bulla_work *work; (work = next_work(self));)
		run(work);
	return NULL;
}

/* False when too many wait already. */
static bool hand_over(bulla_kms_service *s, bulla_work *work)
{
	pthread_mutex_lock(&s->lock);
	bool room = s->queued < BULLA_SERVICE_QUEUE_MAX && !s->ending;
	if (room) {
		*s->last = work;
		s->last = &work->next;
		s->queued++;
		pthread_cond_signal(&s->more);
	}
	pthread_mutex_unlock(&s->lock);
	return room;
}

/* --- turns ------------------------------------------------------------------------------------------------------ */
/* True when the request takes part in the group; else it is answered elsewhere, or already. */
static bool prepare(bulla_kms_service *s, bulla_service_loop *loop, bulla_work *work, const bulla_snapshot *now, int64_t now_us,
		    bulla_engine_request *request)
{
	*request = (bulla_engine_request){ .caller = &work->caller };
	if (bulla_work_read(work, loop, now, now_us)) {
		bool slow = bulla_work_is_slow(work);
		if (slow && hand_over(s, work)) return false;
		if (slow) (void)bulla_work_say(work, BULLA_AWS_SAYS_THROTTLED);
		if (!work->refused && work->action->use(work, request)) return true;
	}
	request_record(work, request); /* with the group */
	return true;
}

/* Nothing of a group that could not be recorded is released. */
static void finish_group(bulla_service_loop *loop, bulla_code code)
{
	for (size_t i = 0; i < loop->n; i++) {
		bulla_work *work = loop->works[i];
		if (code) bulla_work_fail(work, code, UNABLE, "");
		finish(work, &loop->replies[i]);
		work_give(loop, work);
	}
	loop->n = 0;
}

/* Signing keys are good for the access keys of one image. */
static void follow(bulla_service_loop *loop, const bulla_snapshot *now)
{
	if (loop->generation == now->generation) return;
	bulla_sigv4_keys_forget(loop->keys, (bulla_bytes){ 0 });
	loop->generation = now->generation;
}

static void take(bulla_kms_service *s, bulla_service_loop *loop, unsigned index, const bulla_snapshot *now, int64_t now_us,
		 bulla_exchange *exchange)
{
	bulla_work *work = work_take(loop);
	if (!work) {
		bulla_respond_text(exchange, 503, "out of memory\n");
		return;
	}
	work->service = s;
	work->loop = index;
	work->exchange = exchange;
	loop->works[loop->n] = work;
	if (prepare(s, loop, work, now, now_us, &loop->requests[loop->n])) loop->n++;
}

static void turn(void *self, unsigned index, bulla_exchange *const *ready, size_t n)
{
	bulla_kms_service *s = self;
	bulla_service_loop *loop = &s->loops[index];
	bulla_snapshot *now = NULL;
	bulla_error err = { 0 };
	int64_t now_us = s->config.clock.now_us(s->config.clock.self);
	if (bulla_engine_acquire(s->config.engine, &now, &err)) {
		bulla_kms_service_refuse_all(s, ready, n, &err);
		return;
	}
	follow(loop, now);
	for (size_t i = 0; i < n; i++)
		if (!bulla_upkeep_answer(&s->upkeep, ready[i])) take(s, loop, index, now, now_us, ready[i]);
	bulla_code code = loop->n ? bulla_engine_call(s->config.engine, loop->requests, loop->n, loop->replies, &err) : BULLA_OK;
	if (code) bulla_kms_service_tell(s, "the group of calls failed", &err);
	finish_group(loop, code);
	bulla_snapshot_unref(now);
}

bulla_handler bulla_kms_service_handler(bulla_kms_service *service)
{
	return (bulla_handler){ .turn = turn, .self = service };
}

/* --- trouble ---------------------------------------------------------------------------------------------------- */
void bulla_kms_service_tell(bulla_kms_service *s, const char *event, const bulla_error *err)
{
	const bulla_pair fields[] = { { bulla_view_str("error"), bulla_view_str(bulla_code_name(err->code)) },
				      { bulla_view_str("text"), bulla_view_str(err->text) } };
	if (!s->config.access_log) return;
	bulla_access_log_event(s->config.access_log, s->config.clock.now_us(s->config.clock.self), BULLA_LOG_ERROR, event, fields,
			       2);
}

/* Without an image of the store nobody is known: nothing is authenticated, nothing released, nothing recorded. */
void bulla_kms_service_refuse_all(bulla_kms_service *s, bulla_exchange *const *ready, size_t n, const bulla_error *err)
{
	bulla_kms_service_tell(s, "the key store cannot be read", err);
	for (size_t i = 0; i < n; i++) {
		if (bulla_upkeep_answer(&s->upkeep, ready[i])) continue;
		bulla_work work = { .service = s, .exchange = ready[i] };
		bulla_buf body = { 0 };
		bulla_work_fail(&work, BULLA_ERR_UNAVAILABLE, "The key store does not answer. Try again later.", "");
		bulla_work_answer(&work, &body);
		bulla_buf_done(&body);
	}
}

static const char *unready(void *self)
{
	bulla_kms_service *s = self;
	bulla_snapshot *now = NULL;
	if (bulla_engine_acquire(s->config.engine, &now, NULL)) return "the key store does not answer\n";
	bulla_snapshot_unref(now);
	return NULL;
}

/* --- beginning and end ------------------------------------------------------------------------------------------ */
static void loop_done(bulla_service_loop *loop)
{
	while (loop->spare) {
		bulla_work *work = loop->spare;
		loop->spare = work->next;
		work_free(work);
	}
	for (size_t i = 0; i < BULLA_LISTENER_TURN_MAX; i++)
		bulla_engine_reply_done(&loop->replies[i]);
	bulla_sigv4_keys_free(loop->keys);
	bulla_lane_free(loop->lane);
}

void bulla_kms_service_free(bulla_kms_service *s)
{
	if (!s) return;
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	pthread_cond_broadcast(&s->more);
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < s->n_threads; i++)
		pthread_join(s->threads[i], NULL);
	for (unsigned i = 0; s->loops && i < s->config.loops; i++)
		loop_done(&s->loops[i]);
	free(s->loops);
	free(s->threads);
	bulla_pool_free(s->pool);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static bulla_code begin(bulla_kms_service *s, bulla_error *err)
{
	unsigned workers = s->config.workers ? s->config.workers : BULLA_SERVICE_WORKERS;
	if (s->config.loops == 0 || s->config.loops > BULLA_LISTENER_LOOPS_MAX || workers > BULLA_SERVICE_WORKERS_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "a service has 1 to %d loops and at most %d workers",
				  BULLA_LISTENER_LOOPS_MAX, BULLA_SERVICE_WORKERS_MAX);
	s->loops = calloc(s->config.loops, sizeof *s->loops);
	s->threads = calloc(workers, sizeof *s->threads);
	if (!s->loops || !s->threads) return bulla_fail_memory(err);
	TRY(bulla_pool_new(&s->pool, err));
	for (unsigned i = 0; i < s->config.loops; i++) {
		TRY(bulla_lane_new(&s->loops[i].lane, err));
		TRY(bulla_sigv4_keys_new(s->pool, &s->loops[i].keys, err));
	}
	for (; s->n_threads < workers; s->n_threads++)
		if (pthread_create(&s->threads[s->n_threads], NULL, worker, s)) return bulla_fail_memory(err);
	return BULLA_OK;
}

bulla_code bulla_kms_service_new(const bulla_kms_service_config *config, bulla_kms_service **out, bulla_error *err)
{
	bulla_kms_service *s = calloc(1, sizeof *s);
	if (!s) return bulla_fail_memory(err);
	s->config = *config;
	s->home = config->home;
	s->upkeep = (bulla_upkeep){ .unready = unready, .self = s };
	s->last = &s->first;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	bulla_code code = begin(s, err);
	if (code) {
		bulla_kms_service_free(s);
		return code;
	}
	*out = s;
	return BULLA_OK;
}
