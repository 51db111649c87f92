/*
 * kms_kinds.c - uses of keys that are not symmetric, and data key pairs: what is asked of the engine, and its answer as JSON.
 */
#include "server/kms_inside.h"

#define EMPTY_CONTEXT bulla_view("\0\0", 2) /* canonical */

/* --- what is asked ----------------------------------------------------------------------------------------------- */
bool bulla_use_algorithm(bulla_work *work, bulla_aws_member member, bulla_algorithm *ret)
{
	const bulla_aws_value *value = bulla_work_value(work, member);
	if (!value->given || bulla_algorithm_find(value->bytes, ret)) return true;
	const bulla_bytes name = bulla_aws_shown(value->bytes);
	return bulla_work_refuse(work, BULLA_AWS_UNSUPPORTED_OPERATION, "The algorithm %.*s is not supported.", (int)name.len,
				 (const char *)name.data);
}

bool bulla_use_asks_pair(const bulla_work *work, bulla_aws_member member)
{
	const bulla_aws_value *value = bulla_work_value(work, member);
	return value->given && value->number != BULLA_AWS_ENCRYPTION_SYMMETRIC_DEFAULT;
}

bool bulla_work_is_slow(const bulla_work *work)
{
	static const bulla_aws_member members[] = { BULLA_AWS_ENCRYPTION_ALGORITHM, BULLA_AWS_SOURCE_ENCRYPTION_ALGORITHM,
						    BULLA_AWS_DESTINATION_ENCRYPTION_ALGORITHM };
	bool slow = work->action->run || work->action->slow;
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		slow = slow || bulla_use_asks_pair(work, members[i]);
	return slow;
}

static bool ask(bulla_work *work, bulla_engine_operation operation, bulla_aws_member algorithm, bulla_aws_member input,
		bulla_engine_request *request)
{
	request->operation = operation;
	request->key_id = work->key_id;
	request->input = bulla_work_text(work, input);
	if (bulla_work_value(work, BULLA_AWS_RECIPIENT)->given) return bulla_work_say(work, BULLA_AWS_SAYS_UNSUPPORTED);
	return bulla_use_algorithm(work, algorithm, &request->algorithm);
}

static bool ask_of_message(bulla_work *work, bulla_engine_operation operation, bulla_engine_request *request)
{
	const bulla_aws_value *type = bulla_work_value(work, BULLA_AWS_MESSAGE_TYPE);
	if (type->given && type->number == BULLA_AWS_MESSAGE_EXTERNAL_MU) return bulla_work_say(work, BULLA_AWS_SAYS_UNSUPPORTED);
	request->digest = type->given && type->number == BULLA_AWS_MESSAGE_DIGEST;
	return ask(work, operation, BULLA_AWS_SIGNING_ALGORITHM, BULLA_AWS_MESSAGE, request);
}

bool bulla_use_sign(bulla_work *work, bulla_engine_request *request)
{
	return ask_of_message(work, BULLA_ENGINE_SIGN, request);
}

bool bulla_use_verify(bulla_work *work, bulla_engine_request *request)
{
	request->proof = bulla_work_text(work, BULLA_AWS_SIGNATURE);
	return ask_of_message(work, BULLA_ENGINE_VERIFY, request);
}

bool bulla_use_generate_mac(bulla_work *work, bulla_engine_request *request)
{
	return ask(work, BULLA_ENGINE_GENERATE_MAC, BULLA_AWS_MAC_ALGORITHM, BULLA_AWS_MESSAGE, request);
}

bool bulla_use_verify_mac(bulla_work *work, bulla_engine_request *request)
{
	request->proof = bulla_work_text(work, BULLA_AWS_MAC);
	return ask(work, BULLA_ENGINE_VERIFY_MAC, BULLA_AWS_MAC_ALGORITHM, BULLA_AWS_MESSAGE, request);
}

bool bulla_use_shared_secret(bulla_work *work, bulla_engine_request *request)
{
	return ask(work, BULLA_ENGINE_DERIVE_SHARED_SECRET, BULLA_AWS_KEY_AGREEMENT_ALGORITHM, BULLA_AWS_PUBLIC_KEY, request);
}

bool bulla_use_public_key(bulla_work *work, bulla_engine_request *request)
{
	request->operation = BULLA_ENGINE_GET_PUBLIC_KEY;
	request->key_id = work->key_id;
	return true;
}

bool bulla_use_data_key_pair(bulla_work *work, bulla_engine_request *request)
{
	const bulla_aws_value *context = bulla_work_value(work, BULLA_AWS_ENCRYPTION_CONTEXT);
	request->operation = BULLA_ENGINE_GENERATE_DATA_KEY_PAIR;
	request->key_id = work->key_id;
	request->context = context->given ? context->bytes : EMPTY_CONTEXT;
	if (bulla_work_value(work, BULLA_AWS_RECIPIENT)->given) return bulla_work_say(work, BULLA_AWS_SAYS_UNSUPPORTED);
	if (bulla_spec_find(bulla_work_text(work, BULLA_AWS_KEY_PAIR_SPEC), &request->pair)) return true;
	return bulla_work_refuse(work, BULLA_AWS_UNSUPPORTED_OPERATION, "KeyPairSpec SM2 is not supported.");
}

bool bulla_use_data_key_pair_without_plaintext(bulla_work *work, bulla_engine_request *request)
{
	bool fits = bulla_use_data_key_pair(work, request);
	request->operation = BULLA_ENGINE_GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT;
	return fits;
}

/* --- what is answered -------------------------------------------------------------------------------------------- */
void bulla_tell_sign(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w)
{
	bulla_json_put_str(w, "KeyId", reply->key_arn);
	bulla_json_put_base64(w, "Signature", bulla_view_buf(&reply->blob));
	bulla_json_put_bytes(w, "SigningAlgorithm", bulla_work_text(work, BULLA_AWS_SIGNING_ALGORITHM));
}

void bulla_tell_verify(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w)
{
	bulla_json_put_str(w, "KeyId", reply->key_arn);
	bulla_json_put_bool(w, "SignatureValid", true);
	bulla_json_put_bytes(w, "SigningAlgorithm", bulla_work_text(work, BULLA_AWS_SIGNING_ALGORITHM));
}

void bulla_tell_generate_mac(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w)
{
	bulla_json_put_str(w, "KeyId", reply->key_arn);
	bulla_json_put_base64(w, "Mac", bulla_view_buf(&reply->blob));
	bulla_json_put_bytes(w, "MacAlgorithm", bulla_work_text(work, BULLA_AWS_MAC_ALGORITHM));
}

void bulla_tell_verify_mac(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w)
{
	bulla_json_put_str(w, "KeyId", reply->key_arn);
	bulla_json_put_bool(w, "MacValid", true);
	bulla_json_put_bytes(w, "MacAlgorithm", bulla_work_text(work, BULLA_AWS_MAC_ALGORITHM));
}

void bulla_tell_shared_secret(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w)
{
	bulla_json_put_str(w, "KeyId", reply->key_arn);
	bulla_json_put_base64(w, "SharedSecret", bulla_view_buf(&reply->plaintext));
	bulla_json_put_bytes(w, "KeyAgreementAlgorithm", bulla_work_text(work, BULLA_AWS_KEY_AGREEMENT_ALGORITHM));
	bulla_json_put_str(w, "KeyOrigin", bulla_key_origin_name(reply->kind.origin));
}

void bulla_tell_public_key(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w)
{
	(void)work;
	bulla_json_put_str(w, "KeyId", reply->key_arn);
	bulla_json_put_base64(w, "PublicKey", bulla_view_buf(&reply->public_key));
	bulla_put_key_kind(w, &reply->kind);
}

/* With and without plaintext: where there is none, none was put into the reply. */
void bulla_tell_data_key_pair(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w)
{
	bulla_json_put_base64(w, "PrivateKeyCiphertextBlob", bulla_view_buf(&reply->blob));
	if (reply->plaintext.len) bulla_json_put_base64(w, "PrivateKeyPlaintext", bulla_view_buf(&reply->plaintext));
	bulla_json_put_base64(w, "PublicKey", bulla_view_buf(&reply->public_key));
	bulla_json_put_str(w, "KeyId", reply->key_arn);
	bulla_json_put_bytes(w, "KeyPairSpec", bulla_work_text(work, BULLA_AWS_KEY_PAIR_SPEC));
	bulla_json_put_hex(w, "KeyMaterialId", bulla_view(reply->material_print, BULLA_MATERIAL_PRINT_SIZE));
}
