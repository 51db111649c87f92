/*
 * kms_request.c - the first steps of a request: who signs it, which operation it is, what it asks for.
 */
#include "kms/journal.h"
#include "server/kms_inside.h"

#include <stdio.h>

#define CONTENT_TYPE   "application/x-amz-json-1.1"
#define PARAMETERS_MAX 24576 /* bytes of requestParameters in one record */

/* The signature's service: that of the operation, so that a signature for one is none for the other. */
static bool check_scope(bulla_work *work, int64_t now_us)
{
	const bulla_kms_service_config *config = &work->service->config;
	const bulla_sigv4_place place = { .service = work->operation ? bulla_aws_operation_service(work->operation) : "kms",
					  .regions = config->regions,
					  .n_regions = config->n_regions,
					  .now_us = now_us };
	return bulla_sigv4_check(&work->signature, &place, &work->fault);
}

/* The key that the request must be signed with: kept, or derived from the secret. */
static bool signing_key(bulla_work *work, bulla_service_loop *loop, const bulla_access_key *access, bulla_secret *out,
			bool *ret_kept)
{
	const uint8_t *kept = bulla_sigv4_keys_find(loop->keys, &work->signature);
	*ret_kept = kept != NULL;
	if (kept) {
		memcpy(out->bytes, kept, sizeof out->bytes);
		return true;
	}
	const bulla_sigv4 *s = &work->signature;
	if (!bulla_sigv4_key(loop->lane, bulla_view(access->secret->bytes, access->secret_len), s->date, s->region, s->service,
			     out->bytes, NULL))
		return true;
	return bulla_aws_say(&work->fault, BULLA_AWS_SAYS_INTERNAL);
}

/* An access key that nobody has, or one that was switched off, is told as AWS tells it. There are no session tokens here. */
static bool authenticate(bulla_work *work, bulla_service_loop *loop, const bulla_snapshot *now, int64_t now_us)
{
	BULLA_SECRET key = { 0 };
	bool kept = false;
	const bulla_http_request *request = bulla_exchange_request(work->exchange);
	if (!bulla_sigv4_parse(request, &work->signature, &work->fault)) return false;
	work->caller.access_key_id = work->signature.access_key_id;
	work->caller.region = work->signature.region;
	if (!check_scope(work, now_us)) return false;
	const bulla_access_key *access = bulla_rights_access_key(&now->rights, work->signature.access_key_id);
	if (!access || !access->data.active || work->signature.session_token.len)
		return bulla_aws_say(&work->fault, BULLA_AWS_SAYS_UNRECOGNIZED_CLIENT);
	if (!signing_key(work, loop, access, &key, &kept)) return false;
	if (!bulla_sigv4_verify(loop->lane, request, &work->signature, key.bytes, &work->fault)) return false;
	(void)snprintf(work->principal, sizeof work->principal, "%.*s", (int)access->principal->name.len,
		       (const char *)access->principal->name.data);
	work->caller.principal = bulla_view_str(work->principal);
	if (!kept) (void)!bulla_sigv4_keys_add(loop->keys, &work->signature, key.bytes, NULL);
	return true;
}

static bool is_json(const bulla_http_request *request)
{
	bulla_bytes type = { 0 };
	if (bulla_http_find(request, "content-type", &type) != 1) return false;
	for (size_t i = 0; i < type.len; i++)
		if (type.data[i] == ';') type.len = i;
	return bulla_bytes_is(bulla_http_trim(type), CONTENT_TYPE);
}

static bool find_operation(bulla_work *work)
{
	const bulla_http_request *request = bulla_exchange_request(work->exchange);
	bulla_bytes target = { 0 };
	bool is_post = bulla_bytes_is(request->method, "POST") && bulla_bytes_is(request->target, "/");
	if (is_post && bulla_http_find(request, "x-amz-target", &target) == 1) work->operation = bulla_aws_operation_find(target);
	return work->operation != NULL;
}

/* Members that an operation does not have are not given. */
static void note_key_id(bulla_work *work)
{
	static const bulla_aws_member members[] = { BULLA_AWS_KEY_ID, BULLA_AWS_TARGET_KEY_ID, BULLA_AWS_DESTINATION_KEY_ID };
	for (size_t i = 0; i < sizeof members / sizeof *members && !work->key_id.len; i++)
		work->key_id = bulla_work_text(work, members[i]);
	work->caller.names_key =
		bulla_work_text(work, BULLA_AWS_KEY_ID).len || bulla_work_text(work, BULLA_AWS_SOURCE_KEY_ID).len;
	work->caller.dry_run = bulla_work_value(work, BULLA_AWS_DRY_RUN)->number != 0;
}

/* Where all of it would make an event too long, the key is told and that there was more. */
static bool note_parameters(bulla_work *work)
{
	bulla_buf *out = &work->parameters;
	bulla_json_writer w = bulla_json_to(out);
	out->max = PARAMETERS_MAX;
	bulla_aws_put_parameters(&w, NULL, &work->input);
	if (bulla_json_end(&w, NULL)) {
		bulla_buf_clear(out);
		w = bulla_json_to(out);
		bulla_json_open(&w, NULL, '{');
		bulla_json_put_bytes(&w, "keyId", bulla_aws_shown(work->key_id));
		bulla_json_put_bool(&w, "truncated", true);
		bulla_json_close(&w, '}');
		if (bulla_json_end(&w, NULL)) return false;
	}
	work->caller.parameters = bulla_view_buf(out);
	return true;
}

static bool read_input(bulla_work *work)
{
	const bulla_http_request *request = bulla_exchange_request(work->exchange);
	if (!work->operation || !is_json(request)) return bulla_aws_say(&work->fault, BULLA_AWS_SAYS_UNKNOWN_OPERATION);
	if (!bulla_aws_input_read(work->operation, request->body, &work->input, &work->fault)) return false;
	work->has_input = true;
	note_key_id(work);
	if (!note_parameters(work)) return bulla_aws_say(&work->fault, BULLA_AWS_SAYS_INTERNAL);
	work->action = bulla_action_of(bulla_aws_operation_op(work->operation));
	return work->action || bulla_aws_say(&work->fault, BULLA_AWS_SAYS_UNSUPPORTED);
}

static bool make_request_id(bulla_work *work, bulla_service_loop *loop)
{
	if (bulla_request_id(loop->lane, work->request_id, NULL)) return bulla_aws_say(&work->fault, BULLA_AWS_SAYS_INTERNAL);
	work->caller.request_id = bulla_view_str(work->request_id);
	return true;
}

bool bulla_work_read(bulla_work *work, bulla_service_loop *loop, const bulla_snapshot *now, int64_t now_us)
{
	const bulla_http_request *request = bulla_exchange_request(work->exchange);
	const bulla_peer *peer = bulla_exchange_peer(work->exchange);
	work->caller.source_ip = bulla_view_str(peer->address);
	work->caller.tls = peer->tls;
	work->caller.error_name = bulla_kms_error_name;
	(void)bulla_http_find(request, "user-agent", &work->caller.user_agent);
	(void)find_operation(work);
	work->refused = !(make_request_id(work, loop) && authenticate(work, loop, now, now_us) && read_input(work));
	return !work->refused;
}
