/*
 * call_inside.h - one request of bulla_engine_call() on its way to its reply, for the files that answer a group of operations each.
 */
#ifndef KMS_CALL_INSIDE_H
#define KMS_CALL_INSIDE_H

#include "kms/authorize.h"
#include "kms/inside.h"

typedef struct bulla_call {
	bulla_engine *engine;
	bulla_desk *desk;
	const bulla_snapshot *now;
	const bulla_engine_request *request;
	bulla_engine_reply *reply;
	int64_t now_us;
	bulla_event event;
	bulla_event_origin origin;
	char detail[160];
} bulla_call;

/* --- call_steps.c: what operations share -------------------------------------------------------------------------- */
/* What a request wants with a key: its part of the operation's name, and how. */
typedef struct bulla_purpose {
	const char *action; /* "kms:Sign" */
	bulla_bytes key_id;
	bulla_algorithm algorithm;
	bulla_bytes context;
	bool seals; /* something new: not with a closed key */
} bulla_purpose;

/* Finds the key and asks, in AWS's order, whether its state, its kind and the caller's rights are right: KEY_USAGE where the kind is not. */
BULLA_MUST bulla_code bulla_call_key(bulla_call *c, const bulla_purpose *purpose, const bulla_key **ret, bulla_error *err);
/* DENIED where policies or a freeze forbid it. */
BULLA_MUST bulla_code bulla_call_ask(const bulla_call *c, bulla_question *question, bulla_error *err);
BULLA_MUST bulla_code bulla_call_check_kind(const bulla_purpose *purpose, const bulla_key *key, bulla_error *err);
/* The kind, then the rights. */
BULLA_MUST bulla_code bulla_call_permit(const bulla_call *c, const bulla_purpose *purpose, const bulla_key *key,
					bulla_error *err);
/* For the record: the context, once it is known to be one; the key, and its material if not NULL. */
BULLA_MUST bulla_code bulla_call_take_context(bulla_call *c, bulla_bytes context, bulla_error *err);
void bulla_call_note(bulla_call *c, const bulla_key *key, const bulla_material *material);
void bulla_call_answer_key(bulla_call *c, const bulla_key *key, const bulla_material *material);
/* True when all but the deed is to be done. */
bool bulla_call_is_rehearsal(const bulla_call *c);

/* --- call.c ------------------------------------------------------------------------------------------------------ */
/* The blob of `plain` under the symmetric key, into the reply. */
BULLA_MUST bulla_code bulla_call_seal(bulla_call *c, const bulla_key *key, bulla_bytes context, bulla_bytes plain,
				      bulla_error *err);

/* --- call_kinds.c: keys that are not symmetric ------------------------------------------------------------------- */
bulla_code bulla_call_sign(bulla_call *c, bulla_error *err);
bulla_code bulla_call_verify(bulla_call *c, bulla_error *err);
bulla_code bulla_call_generate_mac(bulla_call *c, bulla_error *err);
bulla_code bulla_call_verify_mac(bulla_call *c, bulla_error *err);
bulla_code bulla_call_agree(bulla_call *c, bulla_error *err);
bulla_code bulla_call_public_key(bulla_call *c, bulla_error *err);
bulla_code bulla_call_data_key_pair(bulla_call *c, bulla_error *err);
bulla_code bulla_call_data_key_pair_without_plaintext(bulla_call *c, bulla_error *err);
/* RSAES-OAEP: into the reply's blob, and out of the request's input. */
BULLA_MUST bulla_code bulla_call_encrypt_to(bulla_call *c, const bulla_key *key, bulla_bytes plain, bulla_error *err);
BULLA_MUST bulla_code bulla_call_decrypt_from(bulla_call *c, const bulla_purpose *purpose, bulla_buf *out, const bulla_key **ret,
					      bulla_error *err);

#endif
