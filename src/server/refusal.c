/*
 * refusal.c - the reasons for which the listener answers by itself: one row each.
 */
#include "server/listener_inside.h"

static const bulla_refusal_row rows[BULLA_REFUSALS] = {
	[0] = { 0, "none", "", "" },
	[BULLA_REFUSED_MALFORMED] = { 400, "malformed", "Bad Request", "The request is malformed.\n" },
	[BULLA_REFUSED_FRAMING] = { 400, "framing", "Bad Request",
				    "The headers contradict each other about where the body ends.\n" },
	[BULLA_REFUSED_HOST] = { 400, "host", "Bad Request", "Exactly one Host header is needed.\n" },
	[BULLA_REFUSED_CODING] = { 501, "coding", "Not Implemented", "The only transfer coding here is chunked.\n" },
	[BULLA_REFUSED_EXPECTATION] = { 417, "expectation", "Expectation Failed",
					"The only expectation met here is 100-continue.\n" },
	[BULLA_REFUSED_BODY] = { 413, "body", "Content Too Large", "The body is too large.\n" },
	[BULLA_REFUSED_HEADERS] = { 431, "headers", "Request Header Fields Too Large", "There are too many headers.\n" },
	[BULLA_REFUSED_SLOW] = { 408, "slow", "Request Timeout", "The request took too long.\n" },
	[BULLA_REFUSED_LATE] = { 503, "late", "Service Unavailable", "The answer took too long.\n" },
	[BULLA_REFUSED_READING] = { 0, "reading", "", "" },
	[BULLA_REFUSED_CLIENT] = { 0, "client", "", "" },
	[BULLA_REFUSED_CROWDED] = { 0, "crowded", "", "" },
};

const bulla_refusal_row *bulla_refusal_of(bulla_refusal why)
{
	return &rows[why < BULLA_REFUSALS ? why : 0];
}

const char *bulla_refusal_name(bulla_refusal refusal)
{
	return bulla_refusal_of(refusal)->name;
}

void bulla_refusal_note(bulla_loop *loop, bulla_refusal why, const bulla_peer *peer)
{
	const bulla_handler *handler = &loop->listener->config.handler;
	bulla_count_add(loop, BULLA_COUNT_REFUSED + why, 1);
	if (handler->refused) handler->refused(handler->self, loop->index, why, peer);
}
