/*
 * call_kinds.c - using keys that are not symmetric: signatures, MACs, key agreement, RSA's encryption, public keys; and making data key pairs.
 */
#include "crypto/pkey.h"
#include "kms/call_inside.h"

#include <stdio.h>

#define EMPTY_CONTEXT 2 /* bytes of a canonical context without pairs */

static bulla_code use(bulla_call *c, const char *action, bool seals, const bulla_key **ret, bulla_error *err)
{
	const bulla_algorithm_info *algorithm = bulla_algorithm_about(c->request->algorithm);
	if (!algorithm) return bulla_fail(err, BULLA_ERR_USAGE, "there is no algorithm %d", (int)c->request->algorithm);
	c->event.detail = bulla_view_str(algorithm->name);
	const bulla_purpose purpose = {
		.action = action, .key_id = c->request->key_id, .algorithm = c->request->algorithm, .seals = seals
	};
	TRY(bulla_call_key(c, &purpose, ret, err));
	bulla_call_answer_key(c, *ret, (*ret)->current);
	return BULLA_OK;
}

static bulla_code use_pair(bulla_call *c, const char *action, bool seals, const bulla_pkey **ret, bulla_error *err)
{
	const bulla_key *key = NULL;
	TRY(use(c, action, seals, &key, err));
	return bulla_material_pkey(key->current, ret, err);
}

static bulla_message_type message_type(const bulla_call *c)
{
	return c->request->digest ? BULLA_MESSAGE_DIGEST : BULLA_MESSAGE_RAW;
}

/* --- signatures ------------------------------------------------------------------------------------------------ */
bulla_code bulla_call_sign(bulla_call *c, bulla_error *err)
{
	const bulla_pkey *pkey = NULL;
	TRY(use_pair(c, "kms:Sign", true, &pkey, err));
	if (bulla_call_is_rehearsal(c)) return BULLA_OK;
	return bulla_pkey_sign(pkey, c->request->algorithm, message_type(c), c->request->input, &c->reply->blob, err);
}

bulla_code bulla_call_verify(bulla_call *c, bulla_error *err)
{
	const bulla_pkey *pkey = NULL;
	TRY(use_pair(c, "kms:Verify", false, &pkey, err));
	return bulla_pkey_verify(pkey, c->request->algorithm, message_type(c), c->request->input, c->request->proof, err);
}

/* --- MACs ------------------------------------------------------------------------------------------------------ */
bulla_code bulla_call_generate_mac(bulla_call *c, bulla_error *err)
{
	uint8_t tag[64];
	const bulla_key *key = NULL;
	TRY(use(c, "kms:GenerateMac", true, &key, err));
	if (bulla_call_is_rehearsal(c)) return BULLA_OK;
	bulla_mac mac = bulla_algorithm_about(c->request->algorithm)->mac;
	TRY(bulla_mac_compute(mac, bulla_material_bytes(key->current), c->request->input, tag, err));
	return bulla_buf_add(&c->reply->blob, bulla_view(tag, bulla_mac_size(mac)), err);
}

bulla_code bulla_call_verify_mac(bulla_call *c, bulla_error *err)
{
	const bulla_key *key = NULL;
	TRY(use(c, "kms:VerifyMac", false, &key, err));
	return bulla_mac_verify(bulla_algorithm_about(c->request->algorithm)->mac, bulla_material_bytes(key->current),
				c->request->input, c->request->proof, err);
}

/* --- what gives secrets out ------------------------------------------------------------------------------------ */
bulla_code bulla_call_agree(bulla_call *c, bulla_error *err)
{
	const bulla_pkey *pkey = NULL;
	TRY(use_pair(c, "kms:DeriveSharedSecret", false, &pkey, err));
	TRY(bulla_budget_spend(c->engine, c->now, c->request->caller, c->now_us, err));
	TRY(bulla_pkey_agree(pkey, c->request->input, &c->reply->plaintext, err));
	if (bulla_call_is_rehearsal(c)) bulla_buf_clear(&c->reply->plaintext);
	return BULLA_OK;
}

static bulla_code check_no_context(bulla_bytes context, bulla_error *err)
{
	if (context.len <= EMPTY_CONTEXT) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "An encryption context can be given with symmetric encryption keys only.");
}

bulla_code bulla_call_encrypt_to(bulla_call *c, const bulla_key *key, bulla_bytes plain, bulla_error *err)
{
	const bulla_pkey *pkey = NULL;
	TRY(check_no_context(c->event.context, err));
	size_t max = bulla_pkey_plain_max(key->kind.spec, c->request->algorithm);
	if (plain.len > max) return bulla_fail(err, BULLA_ERR_TOO_LARGE, "this key encrypts at most %zu bytes by itself", max);
	bulla_call_answer_key(c, key, key->current);
	if (bulla_call_is_rehearsal(c)) return BULLA_OK;
	TRY(bulla_material_pkey(key->current, &pkey, err));
	return bulla_pkey_encrypt(pkey, c->request->algorithm, plain, &c->reply->blob, err);
}

bulla_code bulla_call_decrypt_from(bulla_call *c, const bulla_purpose *purpose, bulla_buf *out, const bulla_key **ret,
				   bulla_error *err)
{
	const bulla_pkey *pkey = NULL;
	TRY(check_no_context(purpose->context, err));
	if (purpose->key_id.len == 0)
		return bulla_fail(err, BULLA_ERR_USAGE,
				  "The key must be named: a ciphertext of an asymmetric key does not say which.");
	TRY(bulla_call_key(c, purpose, ret, err));
	TRY(bulla_budget_spend(c->engine, c->now, c->request->caller, c->now_us, err));
	TRY(bulla_material_pkey((*ret)->current, &pkey, err));
	return bulla_pkey_decrypt(pkey, purpose->algorithm, c->request->input, out, err);
}

/* --- public keys ----------------------------------------------------------------------------------------------- */
bulla_code bulla_call_public_key(bulla_call *c, bulla_error *err)
{
	const bulla_key *key = NULL;
	const bulla_pkey *pkey = NULL;
	const bulla_purpose purpose = { .action = "kms:GetPublicKey",
					.key_id = c->request->key_id,
					.algorithm = BULLA_ALGORITHM_COUNT };
	TRY(bulla_call_key(c, &purpose, &key, err));
	bulla_call_answer_key(c, key, key->current);
	if (bulla_call_is_rehearsal(c)) return BULLA_OK;
	TRY(bulla_material_pkey(key->current, &pkey, err));
	return bulla_pkey_write_public(pkey, &c->reply->public_key, err);
}

/* --- data key pairs -------------------------------------------------------------------------------------------- */
static bulla_code draw(bulla_spec spec, bulla_buf *out_private, bulla_buf *out_public, bulla_error *err)
{
	bulla_pkey *pkey = NULL;
	TRY(bulla_pkey_generate(spec, &pkey, err));
	bulla_code code = bulla_pkey_write_private(pkey, out_private, err);
	if (code == BULLA_OK) code = bulla_pkey_write_public(pkey, out_public, err);
	bulla_pkey_free(pkey);
	return code;
}

static bulla_code pair_into(bulla_call *c, const char *action, bulla_buf *out_private, bulla_error *err)
{
	const bulla_key *key = NULL;
	const bulla_spec_info *spec = bulla_spec_about(c->request->pair);
	const bulla_purpose purpose = {
		.action = action, .key_id = c->request->key_id, .context = c->request->context, .seals = true
	};
	if (!bulla_key_kind_is_pair(c->request->pair))
		return bulla_fail(err, BULLA_ERR_USAGE, "there are no key pairs of kind %d", (int)c->request->pair);
	c->event.detail = bulla_view_str(spec->name);
	TRY(bulla_call_take_context(c, c->request->context, err));
	TRY(bulla_call_key(c, &purpose, &key, err));
	if (bulla_call_is_rehearsal(c)) return BULLA_OK;
	TRY(draw(c->request->pair, out_private, &c->reply->public_key, err));
	return bulla_call_seal(c, key, c->request->context, bulla_view_buf(out_private), err);
}

bulla_code bulla_call_data_key_pair(bulla_call *c, bulla_error *err)
{
	return pair_into(c, "kms:GenerateDataKeyPair", &c->reply->plaintext, err);
}

bulla_code bulla_call_data_key_pair_without_plaintext(bulla_call *c, bulla_error *err)
{
	bulla_code code = pair_into(c, "kms:GenerateDataKeyPairWithoutPlaintext", &c->desk->plain, err);
	bulla_buf_clear(&c->desk->plain);
	return code;
}
