/*
 * kms_answer.c - sends what a request has come to, and logs it.
 */
#include "server/kms_inside.h"

#include <time.h>

#define CONTENT_TYPE "application/x-amz-json-1.1"

static void log_request(const bulla_work *work, unsigned status, size_t bytes_out, int64_t now_us)
{
	const bulla_http_request *request = bulla_exchange_request(work->exchange);
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t monotonic_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	bulla_access_log_request(
		work->service->config.access_log,
		&(bulla_access_entry){ .time_us = now_us,
				       .request = bulla_view_str(work->request_id),
				       .peer = bulla_view_str(bulla_exchange_peer(work->exchange)->address),
				       .method = request->method,
				       .target = request->target,
				       .operation =
					       bulla_view_str(work->operation ? bulla_aws_operation_name(work->operation) : ""),
				       .principal = work->caller.principal,
				       .error = bulla_view_str(work->refused ? bulla_aws_type_name(work->fault.type) : ""),
				       .status = status,
				       .took_us = monotonic_us - bulla_exchange_arrived_us(work->exchange),
				       .bytes_in = request->body.len,
				       .bytes_out = bytes_out });
}

void bulla_work_answer(bulla_work *work, bulla_buf *body)
{
	const bulla_http_header headers[] = { { bulla_view_str("Content-Type"), bulla_view_str(CONTENT_TYPE) },
					      { bulla_view_str("x-amzn-RequestId"), bulla_view_str(work->request_id) },
					      { bulla_view_str("Cache-Control"), bulla_view_str("no-store") } };
	unsigned status = work->refused ? (unsigned)bulla_aws_type_status(work->fault.type) : 200;
	if (work->refused) {
		bulla_buf_clear(body);
		if (bulla_aws_fault_write(&work->fault, body, NULL)) status = 500;
	}
	const bulla_kms_service_config *config = &work->service->config;
	if (config->access_log) log_request(work, status, body->len, config->clock.now_us(config->clock.self));
	bulla_exchange_answer(work->exchange, status, headers, 3, body);
	work->exchange = NULL;
}
