/*
 * exchange.c - one request and its answer: from its first line through the handler to the last byte sent.
 */
#include "server/listener_inside.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

/* --- memory ------------------------------------------------------------------------------------------------------ */

void bulla_exchange_list_add(bulla_exchange_list *list, bulla_exchange *exchange)
{
	exchange->next = NULL;
	*(list->n++ ? list->last : &list->first) = exchange;
	list->last = &exchange->next;
}

static bulla_exchange *list_take(bulla_exchange_list *list)
{
	bulla_exchange *x = list->n ? list->first : NULL;
	if (!x) return NULL;
	list->first = x->next;
	list->n--;
	return x;
}

/* Wiped; kept where it is small, for the next one. */
static void rest(bulla_buf *buf)
{
	if (buf->cap > BULLA_SPARE_BODY)
		bulla_buf_done(buf);
	else
		bulla_buf_clear(buf);
}

void bulla_exchange_free(bulla_exchange *exchange)
{
	bulla_peer_unref(exchange->peer);
	if (exchange->response) MHD_destroy_response(exchange->response);
	bulla_buf_done(&exchange->target);
	bulla_buf_done(&exchange->head);
	bulla_buf_done(&exchange->body);
	bulla_buf_done(&exchange->answer);
	free(exchange);
}

static void recycle(bulla_loop *loop, bulla_exchange *x)
{
	if (loop->n_spare == BULLA_SPARE_EXCHANGES) {
		bulla_exchange_free(x);
		return;
	}
	bulla_peer_unref(x->peer);
	if (x->response) MHD_destroy_response(x->response);
	x->peer = NULL;
	x->response = NULL;
	rest(&x->target);
	rest(&x->head);
	rest(&x->body);
	bulla_buf_done(&x->answer); /* the handler's memory, of any size */
	x->next = loop->spare;
	loop->spare = x;
	loop->n_spare++;
}

static bulla_exchange *take(bulla_loop *loop)
{
	bulla_exchange *x = loop->spare;
	if (x) {
		loop->spare = x->next;
		loop->n_spare--;
	} else if (!(x = calloc(1, sizeof *x))) {
		return NULL;
	}
	x->loop = loop;
	x->body.max = loop->listener->config.body_max;
	x->step = BULLA_STEP_HEAD;
	x->settled = false;
	x->request = (bulla_http_request){ 0 };
	atomic_store_explicit(&x->end, BULLA_EXCHANGE_OPEN, memory_order_relaxed);
	return x;
}

/* --- receiving --------------------------------------------------------------------------------------------------- */

void *bulla_exchange_begin(void *self, const char *uri, struct MHD_Connection *mhd)
{
	bulla_connection *c = bulla_connection_of(mhd);
	bulla_exchange *x = c && c->phase != BULLA_PHASE_CUT ? take(self) : NULL;
	if (!x) return NULL; /* noticed when libmicrohttpd asks what to do with it */
	if (bulla_buf_add(&x->target, bulla_view_str(uri), NULL) != BULLA_OK) {
		bulla_exchange_free(x);
		return NULL;
	}
	x->connection = c;
	x->peer = c->peer;
	atomic_fetch_add_explicit(&x->peer->refs, 1, memory_order_relaxed);
	c->exchange = x;
	bulla_connection_enter(c, BULLA_PHASE_REQUEST);
	return NULL;
}

static struct MHD_Response *text_response(const char *text)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	if (!response) return NULL;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	return response;
}

static enum MHD_Result refuse(bulla_connection *c, bulla_refusal why)
{
	const bulla_refusal_row *row = bulla_refusal_of(why);
	c->exchange->step = BULLA_STEP_REFUSED;
	bulla_refusal_note(c->loop, why, &c->peer->peer);
	struct MHD_Response *response = row->status ? text_response(row->text) : NULL;
	if (!response) return MHD_NO;
	bulla_connection_enter(c, BULLA_PHASE_REPLY);
	enum MHD_Result queued = MHD_queue_response(c->mhd, row->status, response);
	MHD_destroy_response(response);
	return queued;
}

/* Who the client is, once a connection: the handshake is over by its first request. */
static bool introduce(bulla_connection *c)
{
	if (c->introduced || !c->tls) return true;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	bool there = false;
	if (!info || !bulla_tls_identify(c->tls, info->tls_session, &c->peer->certificate, &there)) return false;
	if (there) c->peer->peer.certificate = &c->peer->certificate;
	c->introduced = true;
	return true;
}

static enum MHD_Result receive_head(bulla_connection *c, const char *url, const char *method, const char *version)
{
	bulla_exchange *x = c->exchange;
	if (!introduce(c)) return refuse(c, BULLA_REFUSED_CLIENT);
	bulla_refusal why = bulla_head_read(x, c->mhd, url, method, version, c->loop->listener->config.body_max);
	bulla_count_add(c->loop, BULLA_COUNT_BYTES_IN, x->head.len);
	if (why) return refuse(c, why);
	x->step = BULLA_STEP_BODY;
	return MHD_YES;
}

/* libmicrohttpd lends its own buffer, which is writable, and forgets what we took: so it is wiped there. */
static enum MHD_Result receive_body(bulla_connection *c, const char *data, size_t *size)
{
	bulla_exchange *x = c->exchange;
	bool fits = bulla_buf_add(&x->body, bulla_view(data, *size), NULL) == BULLA_OK;
	bulla_wipe((void *)(uintptr_t)data, *size);
	bulla_count_add(c->loop, BULLA_COUNT_BYTES_IN, *size);
	*size = 0;
	if (fits) return MHD_YES;
	x->step = BULLA_STEP_REFUSED;
	bulla_connection_dismiss(c, BULLA_REFUSED_BODY);
	return MHD_NO;
}

static enum MHD_Result complete(bulla_connection *c)
{
	bulla_exchange *x = c->exchange;
	x->step = BULLA_STEP_READY;
	x->request.body = bulla_view_buf(&x->body);
	x->arrived_us = bulla_clock_us();
	bulla_exchange_list_add(&c->loop->ready, x);
	bulla_connection_enter(c, BULLA_PHASE_WORK);
	return MHD_YES;
}

/* Called for the head, for each piece of the body, at the end, and, while there is no answer, as often as libmicrohttpd passes by. */
enum MHD_Result bulla_exchange_receive(void *self, struct MHD_Connection *mhd, const char *url, const char *method,
				       const char *version, const char *data, size_t *size, void **context)
{
	(void)self;
	(void)context;
	bulla_connection *c = bulla_connection_of(mhd);
	if (!c || !c->exchange || c->phase == BULLA_PHASE_CUT) return MHD_NO;
	switch (c->exchange->step) {
	case BULLA_STEP_HEAD:
		return receive_head(c, url, method, version);
	case BULLA_STEP_BODY:
		return *size ? receive_body(c, data, size) : complete(c);
	case BULLA_STEP_READY:
		return MHD_YES;
	default:
		return MHD_NO;
	}
}

/* --- the handler's turn ------------------------------------------------------------------------------------------ */

/* The answer's way out; the connection may end inside. */
static void settle(bulla_loop *loop, bulla_exchange *x)
{
	bulla_connection *c = x->connection;
	loop->owed--;
	if (!c || c->phase == BULLA_PHASE_CUT || !x->response) {
		if (c) c->exchange = NULL;
		if (c) bulla_connection_cut(c);
		recycle(loop, x);
		return;
	}
	bulla_count_add(loop, BULLA_COUNT_ANSWERS, 1);
	bulla_count_add(loop, BULLA_COUNT_BYTES_OUT, x->answer.len);
	if (loop->stopping) MHD_add_response_header(x->response, MHD_HTTP_HEADER_CONNECTION, "close");
	x->settled = true;
	bulla_connection_enter(c, BULLA_PHASE_REPLY);
	bool suspended = c->suspended;
	c->suspended = false;
	struct MHD_Response *response = x->response;
	x->response = NULL;
	bool queued = MHD_queue_response(c->mhd, x->status, response) == MHD_YES;
	MHD_destroy_response(response);
	if (suspended) MHD_resume_connection(c->mhd);
	if (!queued) bulla_connection_cut(c);
}

static void settle_all(bulla_loop *loop)
{
	bulla_exchange *x;
	while ((x = list_take(&loop->answered)))
		settle(loop, x);
	if (!atomic_exchange(&loop->has_answers, false)) return;
	pthread_mutex_lock(&loop->lock);
	bulla_exchange_list others = loop->answered_elsewhere;
	loop->answered_elsewhere = (bulla_exchange_list){ 0 };
	pthread_mutex_unlock(&loop->lock);
	while ((x = list_take(&others)))
		settle(loop, x);
}

/* What was kept leaves libmicrohttpd's rounds until its answer is there. */
static void keep(bulla_connection *c)
{
	if (c->phase != BULLA_PHASE_WORK) return;
	c->suspended = true;
	MHD_suspend_connection(c->mhd);
}

static void hand_over(bulla_loop *loop)
{
	const bulla_handler *handler = &loop->listener->config.handler;
	bulla_exchange *given[BULLA_LISTENER_TURN_MAX];
	bulla_connection *owners[BULLA_LISTENER_TURN_MAX];
	size_t n = 0;
	bulla_exchange *x;
	while (n < BULLA_LISTENER_TURN_MAX && (x = list_take(&loop->ready))) {
		if (!x->connection) { /* it left in the same moment */
			recycle(loop, x);
			continue;
		}
		owners[n] = x->connection;
		given[n++] = x;
	}
	if (!n) return;
	loop->owed += n;
	bulla_count_add(loop, BULLA_COUNT_TURNS, 1);
	bulla_count_add(loop, BULLA_COUNT_REQUESTS, n);
	handler->turn(handler->self, loop->index, given, n);
	settle_all(loop);
	for (size_t i = 0; i < n; i++) /* an exchange may be gone by now; connections end in libmicrohttpd's turn only */
		keep(owners[i]);
}

void bulla_exchanges_turn(bulla_loop *loop)
{
	settle_all(loop);
	while (loop->ready.n)
		hand_over(loop);
}

void bulla_exchange_completed(void *loop, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
	(void)context;
	bulla_connection *c = bulla_connection_of(mhd);
	if (!c) return;
	bulla_exchange *x = c->exchange;
	c->exchange = NULL;
	if (x && x->step == BULLA_STEP_REFUSED && c->phase != BULLA_PHASE_CUT) bulla_connection_linger(c);
	if (x && x->step < BULLA_STEP_READY && c->phase != BULLA_PHASE_CUT)
		bulla_refusal_note(loop, BULLA_REFUSED_READING, &c->peer->peer);
	if (c->phase != BULLA_PHASE_CUT)
		bulla_connection_enter(c, code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? BULLA_PHASE_IDLE : BULLA_PHASE_CUT);
	if (!x) return;
	x->connection = NULL;
	if (x->step != BULLA_STEP_READY || x->settled) recycle(loop, x); /* else it is in a list, or the handler's */
}

/* --- answering --------------------------------------------------------------------------------------------------- */

void bulla_exchange_abandon(bulla_connection *connection, bulla_refusal why)
{
	bulla_connection *c = connection;
	int open = BULLA_EXCHANGE_OPEN;
	bulla_connection_enter(c, BULLA_PHASE_REPLY);
	/* an answer that is on its way comes in time after all */
	if (!atomic_compare_exchange_strong(&c->exchange->end, &open, BULLA_EXCHANGE_ABANDONED)) return;
	c->exchange = NULL; /* the handler's alone */
	c->loop->owed--;
	bulla_refusal_note(c->loop, why, &c->peer->peer);
	const bulla_refusal_row *row = bulla_refusal_of(why);
	struct MHD_Response *response = text_response(row->text);
	bool queued = response && MHD_queue_response(c->mhd, row->status, response) == MHD_YES;
	if (response) MHD_destroy_response(response);
	if (c->suspended) MHD_resume_connection(c->mhd);
	c->suspended = false;
	if (!queued) bulla_connection_cut(c);
}

#define HEADER_MAX 4096 /* name and value of a header of an answer */

/* libmicrohttpd wants strings. */
static bool put_header(struct MHD_Response *response, const bulla_http_header *header)
{
	char name[HEADER_MAX], *value = name + header->name.len + 1;
	if (header->name.len + header->value.len + 2 > sizeof name) return false;
	memcpy(name, header->name.data, header->name.len);
	name[header->name.len] = 0;
	if (header->value.len) memcpy(value, header->value.data, header->value.len);
	value[header->value.len] = 0;
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* NULL, which closes the connection, where memory is short or a header is not one. */
static struct MHD_Response *response_of(const bulla_buf *body, const bulla_http_header *headers, size_t n_headers)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_PERSISTENT);
	for (size_t i = 0; response && i < n_headers; i++) {
		if (put_header(response, &headers[i])) continue;
		MHD_destroy_response(response);
		response = NULL;
	}
	return response;
}

static void hand_back(bulla_loop *loop, bulla_exchange *x)
{
	if (pthread_equal(pthread_self(), loop->self)) {
		bulla_exchange_list_add(&loop->answered, x);
		return;
	}
	/* the loop may end once it has the last answer, so it is woken before it can have it */
	pthread_mutex_lock(&loop->lock);
	bulla_exchange_list_add(&loop->answered_elsewhere, x);
	atomic_store(&loop->has_answers, true);
	if (loop->answered_elsewhere.n == 1) bulla_loop_wake(loop);
	pthread_mutex_unlock(&loop->lock);
}

void bulla_exchange_answer(bulla_exchange *exchange, unsigned status, const bulla_http_header *headers, size_t n_headers,
			   bulla_buf *body)
{
	int open = BULLA_EXCHANGE_OPEN;
	if (body) {
		exchange->answer = *body;
		*body = (bulla_buf){ .max = body->max };
	}
	exchange->status = status;
	exchange->response = response_of(&exchange->answer, headers, n_headers);
	if (atomic_compare_exchange_strong(&exchange->end, &open, BULLA_EXCHANGE_ANSWERED))
		hand_back(exchange->loop, exchange);
	else
		bulla_exchange_free(exchange);
}

const bulla_http_request *bulla_exchange_request(const bulla_exchange *exchange)
{
	return &exchange->request;
}

const bulla_peer *bulla_exchange_peer(const bulla_exchange *exchange)
{
	return &exchange->peer->peer;
}

int64_t bulla_exchange_arrived_us(const bulla_exchange *exchange)
{
	return exchange->arrived_us;
}
