/*
 * kms_use.c - encryption, and data keys: what is asked of the engine, and its answer as JSON.
 */
#include "server/kms_inside.h"

#define EMPTY_CONTEXT bulla_view("\0\0", 2) /* canonical */

static bulla_bytes context_of(const bulla_work *work, bulla_aws_member member)
{
	const bulla_aws_value *value = bulla_work_value(work, member);
	return value->given ? value->bytes : EMPTY_CONTEXT;
}

/* Nothing is encrypted for an enclave. */
static bool check_common(bulla_work *work)
{
	return !bulla_work_value(work, BULLA_AWS_RECIPIENT)->given || bulla_work_say(work, BULLA_AWS_SAYS_UNSUPPORTED);
}

/* --- what is asked --------------------------------------------------------------------------------------------- */
bool bulla_use_encrypt(bulla_work *work, bulla_engine_request *request)
{
	if (!check_common(work)) return false;
	request->operation = BULLA_ENGINE_ENCRYPT;
	request->key_id = work->key_id;
	request->context = context_of(work, BULLA_AWS_ENCRYPTION_CONTEXT);
	request->input = bulla_work_text(work, BULLA_AWS_PLAINTEXT);
	return bulla_use_algorithm(work, BULLA_AWS_ENCRYPTION_ALGORITHM, &request->algorithm);
}

/* The model asks for the ciphertext only where a dry run does without. */
static bool need_ciphertext(bulla_work *work)
{
	if (bulla_work_value(work, BULLA_AWS_CIPHERTEXT_BLOB)->given) return true;
	return bulla_work_refuse(
		work, BULLA_AWS_VALIDATION,
		"1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not "
		"be null");
}

bool bulla_use_decrypt(bulla_work *work, bulla_engine_request *request)
{
	if (!check_common(work) || !need_ciphertext(work)) return false;
	request->operation = BULLA_ENGINE_DECRYPT;
	request->key_id = work->key_id;
	request->context = context_of(work, BULLA_AWS_ENCRYPTION_CONTEXT);
	request->input = bulla_work_text(work, BULLA_AWS_CIPHERTEXT_BLOB);
	return bulla_use_algorithm(work, BULLA_AWS_ENCRYPTION_ALGORITHM, &request->algorithm);
}

bool bulla_use_re_encrypt(bulla_work *work, bulla_engine_request *request)
{
	if (!check_common(work) || !need_ciphertext(work)) return false;
	request->operation = BULLA_ENGINE_RE_ENCRYPT;
	request->key_id = bulla_work_text(work, BULLA_AWS_DESTINATION_KEY_ID);
	request->source_id = bulla_work_text(work, BULLA_AWS_SOURCE_KEY_ID);
	request->context = context_of(work, BULLA_AWS_SOURCE_ENCRYPTION_CONTEXT);
	request->new_context = context_of(work, BULLA_AWS_DESTINATION_ENCRYPTION_CONTEXT);
	request->input = bulla_work_text(work, BULLA_AWS_CIPHERTEXT_BLOB);
	return bulla_use_algorithm(work, BULLA_AWS_SOURCE_ENCRYPTION_ALGORITHM, &request->source_algorithm) &&
	       bulla_use_algorithm(work, BULLA_AWS_DESTINATION_ENCRYPTION_ALGORITHM, &request->algorithm);
}

static bool size_of_key(bulla_work *work, size_t *ret)
{
	const bulla_aws_value *bytes = bulla_work_value(work, BULLA_AWS_NUMBER_OF_BYTES),
			      *spec = bulla_work_value(work, BULLA_AWS_DATA_KEY_SPEC);
	if (bytes->given && spec->given)
		return bulla_work_refuse(work, BULLA_AWS_VALIDATION, "Please specify either number of bytes or key spec.");
	if (!bytes->given && !spec->given)
		return bulla_work_refuse(work, BULLA_AWS_VALIDATION, "Please specify either number of bytes or key spec.");
	*ret = bytes->given ? (size_t)bytes->number : spec->number == BULLA_AWS_DATA_KEY_SPEC_AES_256 ? 32 : 16;
	return true;
}

bool bulla_use_data_key(bulla_work *work, bulla_engine_request *request)
{
	if (!check_common(work) || !size_of_key(work, &request->bytes)) return false;
	request->operation = BULLA_ENGINE_GENERATE_DATA_KEY;
	request->key_id = work->key_id;
	request->context = context_of(work, BULLA_AWS_ENCRYPTION_CONTEXT);
	return true;
}

bool bulla_use_data_key_without_plaintext(bulla_work *work, bulla_engine_request *request)
{
	bool fits = bulla_use_data_key(work, request);
	request->operation = BULLA_ENGINE_GENERATE_DATA_KEY_WITHOUT_PLAINTEXT;
	return fits;
}

bool bulla_use_random(bulla_work *work, bulla_engine_request *request)
{
	const bulla_aws_value *bytes = bulla_work_value(work, BULLA_AWS_NUMBER_OF_BYTES);
	if (bulla_work_value(work, BULLA_AWS_CUSTOM_KEY_STORE_ID)->given) return bulla_work_say(work, BULLA_AWS_SAYS_UNSUPPORTED);
	if (!check_common(work)) return false;
	if (!bytes->given) return bulla_work_say(work, BULLA_AWS_SAYS_BYTES_REQUIRED);
	request->operation = BULLA_ENGINE_GENERATE_RANDOM;
	request->bytes = (size_t)bytes->number;
	return true;
}

/* --- what is answered ------------------------------------------------------------------------------------------ */
static void put_algorithm(const bulla_work *work, bulla_aws_member member, const char *name, bulla_json_writer *w)
{
	const bulla_aws_value *value = bulla_work_value(work, member);
	bulla_json_put_bytes(w, name, value->given ? value->bytes : bulla_view_str("SYMMETRIC_DEFAULT"));
}

static bool is_symmetric(const bulla_work *work, bulla_aws_member member)
{
	return !bulla_use_asks_pair(work, member);
}

static void put_material(bulla_json_writer *w, const char *name, const uint8_t print[static BULLA_MATERIAL_PRINT_SIZE])
{
	bulla_json_put_hex(w, name, bulla_view(print, BULLA_MATERIAL_PRINT_SIZE));
}

void bulla_tell_encrypt(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w)
{
	bulla_json_put_base64(w, "CiphertextBlob", bulla_view_buf(&reply->blob));
	bulla_json_put_str(w, "KeyId", reply->key_arn);
	put_algorithm(work, BULLA_AWS_ENCRYPTION_ALGORITHM, "EncryptionAlgorithm", w);
}

void bulla_tell_decrypt(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w)
{
	bulla_json_put_str(w, "KeyId", reply->key_arn);
	bulla_json_put_base64(w, "Plaintext", bulla_view_buf(&reply->plaintext));
	put_algorithm(work, BULLA_AWS_ENCRYPTION_ALGORITHM, "EncryptionAlgorithm", w);
	if (is_symmetric(work, BULLA_AWS_ENCRYPTION_ALGORITHM)) put_material(w, "KeyMaterialId", reply->material_print);
}

void bulla_tell_re_encrypt(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w)
{
	const bulla_aws_member from = BULLA_AWS_SOURCE_ENCRYPTION_ALGORITHM, to = BULLA_AWS_DESTINATION_ENCRYPTION_ALGORITHM;
	bulla_json_put_base64(w, "CiphertextBlob", bulla_view_buf(&reply->blob));
	bulla_json_put_str(w, "SourceKeyId", reply->source_arn);
	bulla_json_put_str(w, "KeyId", reply->key_arn);
	put_algorithm(work, from, "SourceEncryptionAlgorithm", w);
	put_algorithm(work, to, "DestinationEncryptionAlgorithm", w);
	if (is_symmetric(work, from)) put_material(w, "SourceKeyMaterialId", reply->source_print);
	if (is_symmetric(work, to)) put_material(w, "DestinationKeyMaterialId", reply->material_print);
}

/* With and without plaintext: where there is none, none was put into the reply. */
void bulla_tell_data_key(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w)
{
	(void)work;
	bulla_json_put_base64(w, "CiphertextBlob", bulla_view_buf(&reply->blob));
	if (reply->plaintext.len) bulla_json_put_base64(w, "Plaintext", bulla_view_buf(&reply->plaintext));
	bulla_json_put_str(w, "KeyId", reply->key_arn);
	put_material(w, "KeyMaterialId", reply->material_print);
}

void bulla_tell_random(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w)
{
	(void)work;
	bulla_json_put_base64(w, "Plaintext", bulla_view_buf(&reply->plaintext));
}
