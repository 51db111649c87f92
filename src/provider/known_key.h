/*
 * known_key.h - what key files, environment variables and the test key share: a 32-byte key in this process, and no I/O at all.
 */
#ifndef PROVIDER_KNOWN_KEY_H
#define PROVIDER_KNOWN_KEY_H

#include "base/pool.h"
#include "core/provider.h"

typedef struct bulla_known_key {
	bulla_pool *pool;
	bulla_secret *key;
	bulla_wrap_kind kind;
	uint64_t reference; /* first 8 bytes of SHA-256(kind ‖ SHA-256("bulla keyfile id v1" 00 ‖ key)) */
	bool encrypt_only;
} bulla_known_key;

/* A session with a copy of `key`. */
BULLA_MUST bulla_code bulla_known_key_open(const bulla_secret *key, bulla_wrap_kind kind, bool encrypt_only, void **ret_session,
					   bulla_error *err);

/* The functions of a provider's row. */
void bulla_known_key_close(void *session);
bool bulla_known_key_can_unwrap(const void *session);
bool bulla_known_key_recognises(const void *session, uint64_t reference, bulla_bytes blob);
BULLA_MUST bulla_code bulla_known_key_ask(void *session, const bulla_question *question, void **ret_exchange, bulla_need *need,
					  bulla_error *err);
BULLA_MUST bulla_code bulla_known_key_answer(void *session, const bulla_question *question, void *exchange, bulla_need *need,
					     bulla_lane *lane, bulla_error *err);
void bulla_known_key_abandon(void *session, void *exchange);

#endif
