/*
 * local.c - provider local: the engine in this process, called in groups so that a batch costs one append to the audit log.
 */
#include "provider/providers.h"

#include "kms/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_ID_MAX 256

struct local {
	bulla_engine *engine;
	char key_id[KEY_ID_MAX]; /* as the engine wants it: alias/NAME, or a uuid */
	uint8_t uuid[BULLA_UUID_SIZE];
};

struct exchange {
	struct local *session;
	const bulla_question *question;
	bulla_engine_request *requests;
	bulla_engine_reply *replies;
};

static bool owns(bulla_bytes id)
{
	return bulla_bytes_is(id, "local") || (id.len > 6 && memcmp(id.data, "local/", 6) == 0);
}

/* `local` is alias/default; `local/NAME` an alias, a uuid or an ARN. */
static bulla_code find_key(struct local *s, bulla_bytes id, bulla_error *err)
{
	bulla_key_info info;
	const char *name = "default";
	char given[KEY_ID_MAX - 6]; /* "alias/" goes before it */
	if (id.len > 6) {
		if (id.len - 6 >= sizeof given)
			return bulla_fail(err, BULLA_ERR_LIMIT, "a key id is longer than %zu bytes", sizeof given - 1);
		memcpy(given, id.data + 6, id.len - 6);
		given[id.len - 6] = 0;
		name = given;
	}
	snprintf(s->key_id, sizeof s->key_id, "alias/%s", name);
	bulla_code code = bulla_engine_describe(s->engine, bulla_view_str(s->key_id), &info, err);
	if (code == BULLA_ERR_NOT_FOUND) {
		snprintf(s->key_id, sizeof s->key_id, "%s", name);
		code = bulla_engine_describe(s->engine, bulla_view_str(s->key_id), &info, err);
	}
	if (code == BULLA_ERR_NOT_FOUND) {
		bulla_fail(err, code, "the local key store has no key %s", name);
		return bulla_advise(err, code, "run: bulla key create --alias %s", name);
	}
	TRY(code);
	memcpy(s->uuid, info.uuid, sizeof s->uuid);
	return BULLA_OK;
}

static bulla_code open_session(const bulla_provider_world *world, bulla_bytes id, void **ret_session, bulla_error *err)
{
	if (!world->engine) {
		bulla_fail(err, BULLA_ERR_CONFIG, "this environment uses the key local and has no local key store");
		return bulla_advise(err, BULLA_ERR_CONFIG, "run: bulla init");
	}
	struct local *s = calloc(1, sizeof *s);
	if (!s) return bulla_fail_memory(err);
	s->engine = world->engine;
	bulla_code code = find_key(s, id, err);
	if (code)
		free(s);
	else
		*ret_session = s;
	return code;
}

static void close_session(void *session)
{
	free(session);
}

static bool can_unwrap(const void *session)
{
	(void)session;
	return true;
}

static bool recognises(const void *session, uint64_t reference, bulla_bytes blob)
{
	uint8_t uuid[BULLA_UUID_SIZE], material[BULLA_MATERIAL_ID_SIZE];
	if (bulla_engine_blob_parse(blob, uuid, material, NULL)) return false;
	return reference == bulla_get_u64(material) && memcmp(uuid, ((const struct local *)session)->uuid, sizeof uuid) == 0;
}

static bool is_destroyed(const void *session, bulla_bytes blob)
{
	uint8_t uuid[BULLA_UUID_SIZE], material[BULLA_MATERIAL_ID_SIZE];
	if (bulla_engine_blob_parse(blob, uuid, material, NULL)) return false;
	return bulla_engine_is_destroyed(((const struct local *)session)->engine, uuid);
}

/* The engine opens whatever its own store has keys for. */
static bool re_encrypts(const void *session, const void *from)
{
	return ((const struct local *)session)->engine == ((const struct local *)from)->engine;
}

static bulla_code call(void *self, bulla_error *err)
{
	struct exchange *x = self;
	for (size_t i = 0; i < x->question->n; i += BULLA_ENGINE_GROUP_MAX) {
		size_t n = x->question->n - i < BULLA_ENGINE_GROUP_MAX ? x->question->n - i : BULLA_ENGINE_GROUP_MAX;
		TRY(bulla_engine_call(x->session->engine, x->requests + i, n, x->replies + i, err));
	}
	return BULLA_OK;
}

static void abandon(void *session, void *exchange)
{
	struct exchange *x = exchange;
	(void)session;
	for (size_t i = 0; x->replies && i < x->question->n; i++)
		bulla_engine_reply_done(&x->replies[i]);
	free(x->requests);
	free(x->replies);
	free(x);
}

static const bulla_engine_operation operations[] = {
	[BULLA_ASK_WRAP] = BULLA_ENGINE_ENCRYPT,
	[BULLA_ASK_UNWRAP] = BULLA_ENGINE_DECRYPT,
	[BULLA_ASK_REWRAP] = BULLA_ENGINE_RE_ENCRYPT,
};

static bulla_code ask(void *session, const bulla_question *question, void **ret_exchange, bulla_need *need, bulla_error *err)
{
	struct exchange *x = calloc(1, sizeof *x);
	if (!x) return bulla_fail_memory(err);
	*x = (struct exchange){ session, question, calloc(question->n, sizeof *x->requests),
				calloc(question->n, sizeof *x->replies) };
	if (!x->requests || !x->replies) {
		abandon(session, x);
		return bulla_fail_memory(err);
	}
	for (size_t i = 0; i < question->n; i++)
		x->requests[i] = (bulla_engine_request){
			.operation = operations[question->verb],
			.key_id = bulla_view_str(((struct local *)session)->key_id),
			.context = question->items[i].context,
			.new_context = question->items[i].context,
			.input = question->items[i].input,
		};
	need->kind = BULLA_NEED_CALL;
	need->call = call;
	need->self = x;
	*ret_exchange = x;
	return BULLA_OK;
}

static bulla_code take(const bulla_question *question, bulla_question_item *item, const bulla_engine_reply *reply,
		       bulla_error *err)
{
	if (reply->code) {
		if (err && !err->code) bulla_fail(err, reply->code, "%s", reply->text);
		return reply->code;
	}
	bool wrapping = question->verb != BULLA_ASK_UNWRAP;
	item->closed = reply->closed;
	item->reference = bulla_get_u64(reply->material_id);
	return bulla_buf_add(item->made, bulla_view_buf(wrapping ? &reply->blob : &reply->plaintext), err);
}

static bulla_code answer(void *session, const bulla_question *question, void *exchange, bulla_need *need, bulla_lane *lane,
			 bulla_error *err)
{
	struct exchange *x = exchange;
	bulla_code first = BULLA_OK;
	size_t failed = 0;
	(void)need;
	(void)lane;
	for (size_t i = 0; i < question->n; i++) {
		question->items[i].code = take(question, &question->items[i], &x->replies[i], err);
		if (!first) first = question->items[i].code;
		failed += question->items[i].code != BULLA_OK;
	}
	abandon(session, x);
	return failed == question->n ? first : BULLA_OK; /* all of them: the question has failed, and err says why */
}

const bulla_provider bulla_provider_local = {
	.name = "local",
	.kind = BULLA_WRAP_ENGINE,
	.binds_context = true,
	.max_items = BULLA_ENGINE_GROUP_MAX,
	.owns = owns,
	.open = open_session,
	.close = close_session,
	.can_unwrap = can_unwrap,
	.re_encrypts = re_encrypts,
	.recognises = recognises,
	.is_destroyed = is_destroyed,
	.ask = ask,
	.answer = answer,
	.abandon = abandon,
};
