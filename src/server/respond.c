/*
 * respond.c - plain texts, and the targets that tell of the server's state.
 */
#include "server/respond.h"

static void answer(bulla_exchange *exchange, unsigned status, const char *type, bulla_buf *body)
{
	const bulla_http_header headers[] = {
		{ bulla_view_str("Content-Type"), bulla_view_str(type) },
		{ bulla_view_str("Cache-Control"), bulla_view_str("no-store") },
	};
	bulla_exchange_answer(exchange, status, headers, 2, body);
}

void bulla_respond_text(bulla_exchange *exchange, unsigned status, const char *text)
{
	bulla_buf body = { 0 };
	if (bulla_buf_add_str(&body, text, NULL) != BULLA_OK) status = 500;
	answer(exchange, status, "text/plain", &body);
}

static void answer_health(const bulla_upkeep *upkeep, bulla_exchange *exchange)
{
	(void)upkeep;
	bulla_respond_text(exchange, 200, "ok\n");
}

static void answer_readiness(const bulla_upkeep *upkeep, bulla_exchange *exchange)
{
	const char *why = upkeep->unready ? upkeep->unready(upkeep->self) : NULL;
	bulla_respond_text(exchange, why ? 503 : 200, why ? why : "ready\n");
}

static void answer_metrics(const bulla_upkeep *upkeep, bulla_exchange *exchange)
{
	bulla_buf body = { 0 };
	if (!upkeep->metrics) {
		bulla_respond_text(exchange, 404, "There are no metrics here.\n");
		return;
	}
	if (upkeep->refresh) upkeep->refresh(upkeep->self);
	bool fine = bulla_metrics_write(upkeep->metrics, &body, NULL) == BULLA_OK;
	if (!fine) bulla_buf_done(&body);
	answer(exchange, fine ? 200 : 500, BULLA_METRICS_TYPE, &body);
}

static const struct {
	const char *target;
	void (*answer)(const bulla_upkeep *upkeep, bulla_exchange *exchange);
} targets[] = {
	{ "/healthz", answer_health },
	{ "/readyz", answer_readiness },
	{ "/metrics", answer_metrics },
};

bool bulla_upkeep_answer(const bulla_upkeep *upkeep, bulla_exchange *exchange)
{
	const bulla_http_request *request = bulla_exchange_request(exchange);
	bool reads = bulla_bytes_is(request->method, "GET") || bulla_bytes_is(request->method, "HEAD");
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		if (!bulla_bytes_is(request->target, targets[i].target)) continue;
		if (reads)
			targets[i].answer(upkeep, exchange);
		else
			bulla_respond_text(exchange, 405, "Only GET and HEAD.\n");
		return true;
	}
	return false;
}
