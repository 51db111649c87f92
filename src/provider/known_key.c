/*
 * known_key.c - wrapping under a key that this process holds.
 */
#include "provider/known_key.h"

#include "format/wrapped_key.h"

#include <stdlib.h>

static const char ID[] = "bulla keyfile id v1"; /* its NUL is part of what is hashed */

/* The reference names the key, not its file: moving the file changes nothing, another key is an unknown one. */
static bulla_code make_reference(bulla_known_key *k, bulla_error *err)
{
	bulla_lane *lane;
	uint8_t kind = (uint8_t)k->kind, id[32], hash[32];
	TRY(bulla_lane_new(&lane, err));
	bulla_bytes of_key[] = { bulla_view(ID, sizeof ID), bulla_view(k->key->bytes, BULLA_KEY_SIZE) };
	bulla_bytes of_id[] = { bulla_view(&kind, 1), bulla_view(id, sizeof id) };
	bulla_code code = bulla_sha256(lane, of_key, 2, id, err);
	if (!code) code = bulla_sha256(lane, of_id, 2, hash, err);
	bulla_lane_free(lane);
	k->reference = code ? 0 : bulla_get_u64(hash);
	return code;
}

bulla_code bulla_known_key_open(const bulla_secret *key, bulla_wrap_kind kind, bool encrypt_only, void **ret_session,
				bulla_error *err)
{
	bulla_known_key *k = calloc(1, sizeof *k);
	if (!k) return bulla_fail_memory(err);
	k->kind = kind;
	k->encrypt_only = encrypt_only;
	bulla_code code = bulla_pool_new(&k->pool, err);
	if (!code) code = bulla_pool_take(k->pool, &k->key, err);
	if (!code) {
		*k->key = *key;
		code = make_reference(k, err);
	}
	if (code) {
		bulla_known_key_close(k);
		return code;
	}
	*ret_session = k;
	return BULLA_OK;
}

void bulla_known_key_close(void *session)
{
	bulla_known_key *k = session;
	if (!k) return;
	bulla_pool_free(k->pool);
	free(k);
}

bool bulla_known_key_can_unwrap(const void *session)
{
	return !((const bulla_known_key *)session)->encrypt_only;
}

bool bulla_known_key_recognises(const void *session, uint64_t reference, bulla_bytes blob)
{
	(void)blob;
	return ((const bulla_known_key *)session)->reference == reference;
}

bulla_code bulla_known_key_ask(void *session, const bulla_question *question, void **ret_exchange, bulla_need *need,
			       bulla_error *err)
{
	(void)session;
	(void)question;
	(void)err;
	*ret_exchange = NULL;
	need->kind = BULLA_NEED_DONE;
	return BULLA_OK;
}

static bulla_code wrap(const bulla_known_key *k, bulla_question_item *item, bulla_lane *lane, bulla_error *err)
{
	uint8_t blob[BULLA_LOCAL_BLOB_SIZE];
	bulla_wrap_label label = { (uint8_t)k->kind, k->reference, { NULL, 0 } };
	TRY(bulla_wrap_seal(lane, k->key->bytes, &label, item->commitment.data, item->input.data, blob, err));
	return bulla_buf_add(item->made, bulla_view(blob, sizeof blob), err);
}

static bulla_code unwrap(const bulla_known_key *k, bulla_question_item *item, bulla_lane *lane, bulla_error *err)
{
	BULLA_SECRET key = { 0 };
	bulla_wrap_label label = { (uint8_t)k->kind, k->reference, { NULL, 0 } };
	TRY(bulla_wrap_open(lane, k->key->bytes, &label, item->commitment.data, item->input, key.bytes, err));
	return bulla_buf_add(item->made, bulla_view(key.bytes, sizeof key.bytes), err);
}

static bulla_code box(const bulla_known_key *k, bool sealing, bulla_question_item *item, bulla_lane *lane, bulla_error *err)
{
	bulla_wrap_label label = { (uint8_t)k->kind, k->reference, { NULL, 0 } };
	return bulla_wrap_box(lane, k->key->bytes, &label, item->commitment, item->context, item->input, sealing, item->made,
			      err);
}

bulla_code bulla_known_key_answer(void *session, const bulla_question *question, void *exchange, bulla_need *need,
				  bulla_lane *lane, bulla_error *err)
{
	const bulla_known_key *k = session;
	bool wrapping = question->verb == BULLA_ASK_WRAP;
	(void)exchange;
	(void)need;
	if (bulla_pool_is_wiped(k->pool)) {
		bulla_fail(err, BULLA_ERR_USAGE, "this key was read before a fork: it did not survive it");
		return bulla_advise(err, BULLA_ERR_USAGE, "open the keyring in the child");
	}
	if (!wrapping && k->encrypt_only) return bulla_fail(err, BULLA_ERR_DENIED, "this key can only encrypt");
	for (size_t i = 0; i < question->n; i++) {
		bulla_question_item *item = &question->items[i];
		if (question->box)
			item->code = box(k, wrapping, item, lane, NULL);
		else
			item->code = wrapping ? wrap(k, item, lane, NULL) : unwrap(k, item, lane, NULL);
		item->reference = k->reference;
	}
	return BULLA_OK;
}

void bulla_known_key_abandon(void *session, void *exchange)
{
	(void)session;
	(void)exchange;
}
