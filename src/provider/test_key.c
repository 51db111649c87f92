/*
 * test_key.c - provider insecure-test-key: a key that everybody knows, for tests that need no KMS.
 *
 * `insecure-test-key/encrypt` can only encrypt, as a writer with encrypt rights alone would. Opens only in an environment that says
 * `insecure: true`.
 */
#include "provider/providers.h"

#include "provider/known_key.h"

#include <string.h>

static const char NAME[] = "insecure-test-key";
static const char ENCRYPT_ONLY[] = "insecure-test-key/encrypt";

static bool owns(bulla_bytes id)
{
	return bulla_bytes_is(id, NAME) || bulla_bytes_is(id, ENCRYPT_ONLY);
}

static bulla_code open_session(const bulla_provider_world *world, bulla_bytes id, void **ret_session, bulla_error *err)
{
	bulla_secret key = { "insecure-test-key" }; /* zeros behind it: known to everybody on purpose */
	if (!world->insecure) {
		bulla_fail(err, BULLA_ERR_REFUSED, "%s protects nothing, and this environment is not marked insecure: true",
			   NAME);
		return bulla_advise(err, BULLA_ERR_REFUSED, "use it in tests only; `local` needs no account either");
	}
	return bulla_known_key_open(&key, BULLA_WRAP_TEST, bulla_bytes_is(id, ENCRYPT_ONLY), ret_session, err);
}

const bulla_provider bulla_provider_test = {
	.name = "test",
	.kind = BULLA_WRAP_TEST,
	.binds_context = true,
	.max_items = BULLA_QUESTION_MAX,
	.owns = owns,
	.open = open_session,
	.close = bulla_known_key_close,
	.can_unwrap = bulla_known_key_can_unwrap,
	.recognises = bulla_known_key_recognises,
	.ask = bulla_known_key_ask,
	.answer = bulla_known_key_answer,
	.abandon = bulla_known_key_abandon,
};
