/*
 * call_steps.c - what every use of a key begins with: find it, ask whether it may be used so, and note it for the record and the reply.
 */
#include "base/context.h"
#include "kms/call_inside.h"

static bulla_code check_context(bulla_bytes context, bulla_error *err)
{
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	size_t n = 0;
	if (context.len > BULLA_CONTEXT_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "an encryption context has at most %d bytes", BULLA_CONTEXT_MAX);
	return bulla_context_decode(context, pairs, &n, err);
}

bulla_code bulla_call_take_context(bulla_call *c, bulla_bytes context, bulla_error *err)
{
	TRY(check_context(context, err));
	c->event.context = context; /* only now: what is recorded must be printable as a context */
	return BULLA_OK;
}

void bulla_call_note(bulla_call *c, const bulla_key *key, const bulla_material *material)
{
	c->event.key = bulla_view(key->arn, key->arn_len);
	if (material) c->event.material = bulla_view(material->name.id, BULLA_MATERIAL_ID_SIZE);
}

void bulla_call_answer_key(bulla_call *c, const bulla_key *key, const bulla_material *material)
{
	bulla_engine_reply *reply = c->reply;
	memcpy(reply->key_arn, key->arn, key->arn_len + 1);
	memcpy(reply->key_uuid, key->uuid, BULLA_UUID_SIZE);
	memcpy(reply->material_id, material->name.id, BULLA_MATERIAL_ID_SIZE);
	memcpy(reply->material_print, material->print, BULLA_MATERIAL_PRINT_SIZE);
	reply->kind = key->kind;
	reply->closed = key->data.closed_us != 0;
}

bool bulla_call_is_rehearsal(const bulla_call *c)
{
	return c->request->caller && c->request->caller->dry_run;
}

bulla_code bulla_call_ask(const bulla_call *c, bulla_question *question, bulla_error *err)
{
	const bulla_caller *caller = c->request->caller;
	if (!caller && !c->now->rights.freeze_count) return BULLA_OK;
	return bulla_authorize(c->now, &c->engine->home, caller, question, c->now_us, err);
}

bulla_code bulla_call_check_kind(const bulla_purpose *purpose, const bulla_key *key, bulla_error *err)
{
	const char *operation = purpose->action + sizeof "kms:" - 1, *spec = bulla_spec_about(key->kind.spec)->name;
	const bulla_algorithm_info *algorithm = bulla_algorithm_about(purpose->algorithm);
	if (!bulla_key_kind_serves(&key->kind, bulla_view_str(operation)))
		return bulla_fail(err, BULLA_ERR_KEY_USAGE, "%s key usage is %s which is not valid for %s.", key->arn,
				  bulla_use_name(key->kind.use), operation);
	if (!algorithm && !bulla_key_kind_is_pair(key->kind.spec))
		return bulla_fail(err, BULLA_ERR_REFUSED, "%s key spec is %s which is not valid for %s.", key->arn, spec,
				  operation);
	if (!algorithm || bulla_key_kind_has(&key->kind, purpose->algorithm)) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_KEY_USAGE, "The algorithm %s is incompatible with the key spec %s.", algorithm->name,
			  spec);
}

static void add_conditions(const bulla_call *c, const bulla_purpose *purpose, bulla_question *question)
{
	static const char *const names[BULLA_USE_COUNT] = {
		[BULLA_USE_ENCRYPT_DECRYPT] = "kms:EncryptionAlgorithm",
		[BULLA_USE_SIGN_VERIFY] = "kms:SigningAlgorithm",
		[BULLA_USE_GENERATE_VERIFY_MAC] = "kms:MacAlgorithm",
		[BULLA_USE_KEY_AGREEMENT] = "kms:KeyAgreementAlgorithm",
	};
	const bulla_algorithm_info *algorithm = bulla_algorithm_about(purpose->algorithm);
	const bulla_spec_info *pair = bulla_spec_about(c->request->pair);
	if (algorithm) bulla_question_add(question, names[algorithm->use], bulla_view_str(algorithm->name));
	if (algorithm && algorithm->use == BULLA_USE_SIGN_VERIFY)
		bulla_question_add(question, "kms:MessageType", bulla_view_str(c->request->digest ? "DIGEST" : "RAW"));
	if (bulla_key_kind_is_pair(c->request->pair))
		bulla_question_add(question, "kms:DataKeyPairSpec", bulla_view_str(pair->name));
}

/* After the key was found and its state checked, before it is used: AWS's order. */
bulla_code bulla_call_permit(const bulla_call *c, const bulla_purpose *purpose, const bulla_key *key, bulla_error *err)
{
	bulla_question question = { .action = purpose->action, .key = key, .context = purpose->context };
	TRY(bulla_call_check_kind(purpose, key, err));
	add_conditions(c, purpose, &question);
	return bulla_call_ask(c, &question, err);
}

bulla_code bulla_call_key(bulla_call *c, const bulla_purpose *purpose, const bulla_key **ret, bulla_error *err)
{
	c->event.key = bulla_key_id_asked(purpose->key_id);
	TRY(bulla_snapshot_resolve(c->now, &c->engine->home, purpose->key_id, ret, err));
	bulla_call_note(c, *ret, (*ret)->current);
	TRY(purpose->seals ? bulla_key_must_seal(*ret, err) : bulla_key_must_be_enabled(*ret, err));
	return bulla_call_permit(c, purpose, *ret, err);
}
