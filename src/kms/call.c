/*
 * call.c - using keys: a group of requests, one append to the audit log, then the replies.
 */
#include "kms/blob.h"
#include "kms/call_inside.h"

#include <stdio.h>

#define DATA_KEY_DEFAULT 32
#define DATA_KEY_MAX     1024

/* --- steps ----------------------------------------------------------------------------------------------------- */
static bulla_code fail(bulla_error *err, bulla_code code, const char *text)
{
	(void)bulla_fail(err, code, "%s", text);
	return code;
}

/* The key that seals. */
static bulla_code sealing_key(bulla_call *c, const char *action, bulla_bytes context, const bulla_key **ret, bulla_error *err)
{
	const bulla_purpose purpose = { .action = action,
					.key_id = c->request->key_id,
					.algorithm = c->request->algorithm,
					.context = context,
					.seals = true };
	return bulla_call_key(c, &purpose, ret, err);
}

bulla_code bulla_call_seal(bulla_call *c, const bulla_key *key, bulla_bytes context, bulla_bytes plain, bulla_error *err)
{
	bulla_blob_head head;
	memcpy(head.uuid, key->uuid, sizeof head.uuid);
	memcpy(head.material, key->current->name.id, sizeof head.material);
	TRY(bulla_blob_seal(c->desk->lane, key->current->secret, &head, context, plain, &c->desk->scratch, &c->reply->blob, err));
	bulla_call_answer_key(c, key, key->current);
	return BULLA_OK;
}

/* As Encrypt and ReEncrypt have it: by whatever algorithm. */
static bulla_code seal(bulla_call *c, const bulla_key *key, bulla_bytes context, bulla_bytes plain, bulla_error *err)
{
	if (bulla_key_kind_is_pair(key->kind.spec)) return bulla_call_encrypt_to(c, key, plain, err);
	return bulla_call_is_rehearsal(c) ? BULLA_OK : bulla_call_seal(c, key, context, plain, err);
}

/* The key and the material that a blob names. */
static bulla_code opening_key(bulla_call *c, const bulla_purpose *purpose, const bulla_key **ret_key,
			      const bulla_material **ret_material, bulla_error *err)
{
	bulla_bytes blob = c->request->input;
	bulla_blob_head head;
	TRY(bulla_blob_split(blob, &head, err));
	const bulla_key *key = bulla_snapshot_key(c->now, head.uuid);
	if (!key) return fail(err, BULLA_ERR_UNKNOWN_KEY, "the ciphertext names a key that this engine does not have");
	bulla_call_note(c, key, NULL);
	if (key->data.state == BULLA_KEY_TOMBSTONE)
		return fail(err, BULLA_ERR_KEY_DESTROYED, "the key of this ciphertext was destroyed");
	TRY(bulla_key_must_be_enabled(key, err));
	TRY(bulla_call_permit(c, purpose, key, err));
	const bulla_material *material = bulla_key_material(key, head.material);
	if (!material) return fail(err, BULLA_ERR_UNKNOWN_KEY, "the ciphertext names material that its key does not have");
	bulla_call_note(c, key, material);
	*ret_key = key;
	*ret_material = material;
	return BULLA_OK;
}

/* A caller that names a key means no other, whatever the blob says. */
static bulla_code check_names(bulla_call *c, const bulla_purpose *purpose, bulla_error *err)
{
	const bulla_key *named = NULL;
	bulla_blob_head head;
	if (purpose->key_id.len == 0) return BULLA_OK;
	c->event.key = bulla_key_id_asked(purpose->key_id);
	TRY(bulla_snapshot_resolve(c->now, &c->engine->home, purpose->key_id, &named, err));
	bulla_call_note(c, named, NULL);
	TRY(bulla_call_check_kind(purpose, named, err));
	TRY(bulla_blob_split(c->request->input, &head, err));
	if (memcmp(named->uuid, head.uuid, BULLA_UUID_SIZE) != 0)
		return bulla_fail(err, BULLA_ERR_UNKNOWN_KEY, "the ciphertext was made by another key than the one named");
	return BULLA_OK;
}

/* Opens the request's input into `out`, which is a secret. */
static bulla_code open_input(bulla_call *c, const bulla_purpose *purpose, bulla_buf *out, const bulla_key **ret_key,
			     const bulla_material **ret_material, bulla_error *err)
{
	TRY(bulla_call_take_context(c, purpose->context, err));
	if (purpose->algorithm != BULLA_ALGORITHM_SYMMETRIC_DEFAULT) {
		TRY(bulla_call_decrypt_from(c, purpose, out, ret_key, err));
		*ret_material = (*ret_key)->current;
		return BULLA_OK;
	}
	TRY(check_names(c, purpose, err));
	TRY(opening_key(c, purpose, ret_key, ret_material, err));
	TRY(bulla_budget_spend(c->engine, c->now, c->request->caller, c->now_us, err));
	return bulla_blob_open(c->desk->lane, (*ret_material)->secret, c->request->input, purpose->context, &c->desk->scratch,
			       out, err);
}

static bulla_code wanted_bytes(const bulla_call *c, size_t *ret, bulla_error *err)
{
	size_t n = c->request->bytes ? c->request->bytes : DATA_KEY_DEFAULT;
	if (n > DATA_KEY_MAX) return bulla_fail(err, BULLA_ERR_LIMIT, "at most %d random bytes are made at a time", DATA_KEY_MAX);
	*ret = n;
	return BULLA_OK;
}

static bulla_code draw(bulla_call *c, bulla_buf *out, bulla_error *err)
{
	size_t n = 0;
	TRY(wanted_bytes(c, &n, err));
	TRY(bulla_buf_reserve(out, n, err));
	TRY(bulla_random(c->desk->lane, out->data + out->len, n, err));
	out->len += n;
	return BULLA_OK;
}

/* --- operations ------------------------------------------------------------------------------------------------ */
static bulla_code generate_into(bulla_call *c, const char *action, bulla_buf *key_out, bulla_error *err)
{
	const bulla_key *key = NULL;
	TRY(bulla_call_take_context(c, c->request->context, err));
	TRY(sealing_key(c, action, c->request->context, &key, err));
	if (bulla_call_is_rehearsal(c)) return BULLA_OK;
	TRY(draw(c, key_out, err));
	return bulla_call_seal(c, key, c->request->context, bulla_view_buf(key_out), err);
}

static bulla_code generate(bulla_call *c, bulla_error *err)
{
	return generate_into(c, "kms:GenerateDataKey", &c->reply->plaintext, err);
}

static bulla_code generate_without_plaintext(bulla_call *c, bulla_error *err)
{
	bulla_code code = generate_into(c, "kms:GenerateDataKeyWithoutPlaintext", &c->desk->plain, err);
	bulla_buf_clear(&c->desk->plain);
	return code;
}

static bulla_code encrypt(bulla_call *c, bulla_error *err)
{
	const bulla_key *key = NULL;
	TRY(bulla_call_take_context(c, c->request->context, err));
	TRY(sealing_key(c, "kms:Encrypt", c->request->context, &key, err));
	if (c->request->input.len > BULLA_KMS_PLAINTEXT_MAX)
		return bulla_fail(err, BULLA_ERR_TOO_LARGE, "a KMS key encrypts at most %d bytes by itself",
				  BULLA_KMS_PLAINTEXT_MAX);
	return seal(c, key, c->request->context, c->request->input, err);
}

static bulla_code decrypt(bulla_call *c, bulla_error *err)
{
	const bulla_key *key = NULL;
	const bulla_material *material = NULL;
	const bulla_purpose purpose = { .action = "kms:Decrypt",
					.key_id = c->request->key_id,
					.algorithm = c->request->algorithm,
					.context = c->request->context };
	TRY(open_input(c, &purpose, &c->reply->plaintext, &key, &material, err));
	if (bulla_call_is_rehearsal(c)) bulla_buf_clear(&c->reply->plaintext);
	bulla_call_answer_key(c, key, material);
	return BULLA_OK;
}

/* The record names the key that sealed and its context; where the blob came from is in the detail. */
static void note_source(bulla_call *c, const bulla_key *from, const bulla_material *material)
{
	char hex[2 * BULLA_MATERIAL_ID_SIZE + 1];
	(void)snprintf(hex, sizeof hex, "%016llx", (unsigned long long)bulla_get_u64(material->name.id));
	bool same = bulla_bytes_equal(c->request->context, c->request->new_context);
	(void)snprintf(c->detail, sizeof c->detail, "from %.103s material %s, %s context", from->arn, hex,
		       same ? "same" : "other");
	c->event.detail = bulla_view_str(c->detail);
	c->event.material = (bulla_bytes){ 0 };
}

static bulla_code re_encrypt_opened(bulla_call *c, const bulla_key *from, const bulla_material *material, bulla_error *err)
{
	const bulla_key *to = NULL;
	note_source(c, from, material);
	TRY(bulla_call_take_context(c, c->request->new_context, err));
	TRY(sealing_key(c, "kms:ReEncryptTo", c->request->new_context, &to, err));
	TRY(seal(c, to, c->request->new_context, bulla_view_buf(&c->desk->plain), err));
	(void)snprintf(c->reply->source_arn, sizeof c->reply->source_arn, "%s", from->arn);
	memcpy(c->reply->source_print, material->print, BULLA_MATERIAL_PRINT_SIZE);
	return BULLA_OK;
}

static bulla_code re_encrypt(bulla_call *c, bulla_error *err)
{
	const bulla_key *from = NULL;
	const bulla_material *material = NULL;
	const bulla_purpose purpose = { .action = "kms:ReEncryptFrom",
					.key_id = c->request->source_id,
					.algorithm = c->request->source_algorithm,
					.context = c->request->context };
	TRY(open_input(c, &purpose, &c->desk->plain, &from, &material, err));
	bulla_code code = re_encrypt_opened(c, from, material, err);
	bulla_buf_clear(&c->desk->plain);
	return code;
}

static bulla_code generate_random(bulla_call *c, bulla_error *err)
{
	TRY(bulla_call_ask(c, &(bulla_question){ .action = "kms:GenerateRandom" }, err));
	return draw(c, &c->reply->plaintext, err);
}

/* Nothing is done; answer() makes the record. */
static bulla_code record_refusal(bulla_call *c, bulla_error *err)
{
	const bulla_engine_refusal *refusal = c->request->refusal;
	c->event.key = bulla_key_id_asked(c->request->key_id);
	if (c->request->context.len) (void)!bulla_call_take_context(c, c->request->context, err);
	if (err && refusal->why) *err = *refusal->why;
	return refusal->code;
}

static const struct {
	const char *name; /* as AWS spells it */
	bulla_code (*run)(bulla_call *c, bulla_error *err);
} operations[] = {
	[BULLA_ENGINE_GENERATE_DATA_KEY] = { "GenerateDataKey", generate },
	[BULLA_ENGINE_GENERATE_DATA_KEY_WITHOUT_PLAINTEXT] = { "GenerateDataKeyWithoutPlaintext", generate_without_plaintext },
	[BULLA_ENGINE_ENCRYPT] = { "Encrypt", encrypt },
	[BULLA_ENGINE_DECRYPT] = { "Decrypt", decrypt },
	[BULLA_ENGINE_RE_ENCRYPT] = { "ReEncrypt", re_encrypt },
	[BULLA_ENGINE_GENERATE_RANDOM] = { "GenerateRandom", generate_random },
	[BULLA_ENGINE_REFUSED] = { "Refused", record_refusal },
	[BULLA_ENGINE_SIGN] = { "Sign", bulla_call_sign },
	[BULLA_ENGINE_VERIFY] = { "Verify", bulla_call_verify },
	[BULLA_ENGINE_GENERATE_MAC] = { "GenerateMac", bulla_call_generate_mac },
	[BULLA_ENGINE_VERIFY_MAC] = { "VerifyMac", bulla_call_verify_mac },
	[BULLA_ENGINE_DERIVE_SHARED_SECRET] = { "DeriveSharedSecret", bulla_call_agree },
	[BULLA_ENGINE_GET_PUBLIC_KEY] = { "GetPublicKey", bulla_call_public_key },
	[BULLA_ENGINE_GENERATE_DATA_KEY_PAIR] = { "GenerateDataKeyPair", bulla_call_data_key_pair },
	[BULLA_ENGINE_GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT] = { "GenerateDataKeyPairWithoutPlaintext",
								    bulla_call_data_key_pair_without_plaintext },
};

/* --- replies --------------------------------------------------------------------------------------------------- */
static void empty(bulla_engine_reply *reply)
{
	bulla_buf_clear(&reply->blob);
	bulla_buf_clear(&reply->plaintext);
	bulla_buf_clear(&reply->public_key);
	reply->kind = (bulla_key_kind){ 0 };
	reply->code = BULLA_OK;
	reply->text[0] = 0;
	reply->key_arn[0] = 0;
	reply->source_arn[0] = 0;
	reply->closed = false;
}

static void refuse(bulla_engine_reply *reply, bulla_code code, const char *text)
{
	empty(reply);
	reply->code = code;
	(void)snprintf(reply->text, sizeof reply->text, "%.*s", (int)sizeof reply->text - 1, text);
}

void bulla_engine_reply_done(bulla_engine_reply *reply)
{
	if (!reply) return;
	bulla_buf_done(&reply->blob);
	bulla_buf_done(&reply->plaintext);
	bulla_buf_done(&reply->public_key);
	*reply = (bulla_engine_reply){ 0 };
}

/* --- the group ------------------------------------------------------------------------------------------------- */
/* What is wrong with this process, not with the request: the group ends, and nothing was recorded yet. */
static bool is_our_fault(bulla_code code)
{
	return code == BULLA_ERR_MEMORY || code == BULLA_ERR_CRYPTO || code == BULLA_ERR_INTERNAL;
}

static bulla_code answer(bulla_call *c, bulla_error *err)
{
	char request_id[BULLA_UUID_TEXT + 1];
	bulla_error why = { 0 };
	size_t operation = (size_t)c->request->operation;
	bool known = operation < sizeof operations / sizeof *operations && operations[operation].run;
	if (!known || (operation == BULLA_ENGINE_REFUSED) != (c->request->refusal != NULL))
		return bulla_fail(err, BULLA_ERR_USAGE, "the engine has no operation %zu", operation);
	TRY(bulla_request_id(c->desk->lane, request_id, err));
	const char *name = c->request->refusal ? c->request->refusal->operation : operations[operation].name;
	c->event = bulla_engine_event(c->engine, name, request_id, c->now->generation, c->now_us);
	bulla_event_call(&c->event, c->request->caller, c->now, &c->engine->home, &c->origin);
	bulla_code code = operations[operation].run(c, &why);
	if (is_our_fault(code)) {
		if (err) *err = why;
		return code;
	}
	if (code) {
		refuse(c->reply, code, why.text);
		(void)snprintf(c->reply->key_arn, sizeof c->reply->key_arn, "%.*s", (int)c->event.key.len,
			       c->event.key.len ? (const char *)c->event.key.data : "");
		bulla_event_fail(&c->event, c->request->caller, &c->origin, code, &why);
	} else if (bulla_call_is_rehearsal(c)) {
		c->event.outcome = "dry_run";
	}
	return bulla_kms_journal_add(&c->desk->journal, &c->event, err);
}

static bulla_code answer_all(bulla_engine *engine, bulla_desk *desk, const bulla_snapshot *now,
			     const bulla_engine_request *requests, size_t n, bulla_engine_reply *replies, bulla_error *err)
{
	int64_t now_us = bulla_engine_now(engine);
	for (size_t i = 0; i < n; i++) {
		bulla_call c = { .engine = engine,
				 .desk = desk,
				 .now = now,
				 .request = &requests[i],
				 .reply = &replies[i],
				 .now_us = now_us };
		empty(&replies[i]);
		TRY(answer(&c, err));
	}
	return bulla_engine_publish(engine, &desk->journal, now->generation, err);
}

static bulla_code acquire(bulla_engine *engine, bulla_snapshot **ret, bulla_error *err)
{
	TRY(bulla_engine_acquire(engine, ret, err));
	if (bulla_engine_now(engine) < (*ret)->due_us) return BULLA_OK;
	bulla_snapshot_unref(*ret);
	*ret = NULL;
	TRY(bulla_engine_tick(engine, err));
	return bulla_engine_acquire(engine, ret, err);
}

static bulla_code serve(bulla_engine *engine, const bulla_engine_request *requests, size_t n, bulla_engine_reply *replies,
			bulla_error *err)
{
	bulla_snapshot *now = NULL;
	bulla_desk *desk = NULL;
	TRY(bulla_engine_check(engine, err));
	if (n > BULLA_ENGINE_GROUP_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the engine takes at most %d requests at a time", BULLA_ENGINE_GROUP_MAX);
	if (n == 0) return BULLA_OK;
	TRY(acquire(engine, &now, err));
	bulla_code code = bulla_desk_take(engine, &desk, err);
	if (code == BULLA_OK) {
		code = answer_all(engine, desk, now, requests, n, replies, err);
		bulla_desk_give(engine, desk);
	}
	bulla_snapshot_unref(now);
	return code;
}

bulla_code bulla_engine_call(bulla_engine *engine, const bulla_engine_request *requests, size_t n, bulla_engine_reply *replies,
			     bulla_error *err)
{
	bulla_code code = serve(engine, requests, n, replies, err);
	for (size_t i = 0; code && i < n; i++)
		refuse(&replies[i], code, "the group of calls failed: nothing was released");
	return code;
}

/* --- the caller's events --------------------------------------------------------------------------------------- */
static bulla_code record(bulla_engine *engine, bulla_desk *desk, uint64_t generation, const bulla_event *event, bulla_error *err)
{
	char request_id[BULLA_UUID_TEXT + 1];
	bulla_event complete = *event;
	TRY(bulla_request_id(desk->lane, request_id, err));
	complete.time_us = bulla_engine_now(engine);
	complete.principal = bulla_view_str(engine->principal);
	complete.generation = generation;
	if (complete.request_id.len == 0) complete.request_id = bulla_view_str(request_id);
	if (!complete.outcome) complete.outcome = "ok";
	TRY(bulla_kms_journal_add(&desk->journal, &complete, err));
	return bulla_engine_publish(engine, &desk->journal, generation, err);
}

bulla_code bulla_engine_record(bulla_engine *engine, const bulla_event *event, bulla_error *err)
{
	bulla_snapshot *now = NULL;
	bulla_desk *desk = NULL;
	TRY(bulla_engine_check(engine, err));
	TRY(bulla_engine_acquire(engine, &now, err));
	bulla_code code = bulla_desk_take(engine, &desk, err);
	if (code == BULLA_OK) {
		code = record(engine, desk, now->generation, event, err);
		bulla_desk_give(engine, desk);
	}
	bulla_snapshot_unref(now);
	return code;
}
