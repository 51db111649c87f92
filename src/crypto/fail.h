/*
 * fail.h - how a failure of OpenSSL becomes one of ours.
 */
#ifndef CRYPTO_FAIL_H
#define CRYPTO_FAIL_H

#include "base/error.h"

/* CRYPTO (MEMORY when an allocation was the cause) with "<action> failed: <OpenSSL's reason>". Empties OpenSSL's error
 * queue, so that a later call of the host does not read our failure as its own. */
bulla_code bulla_crypto_fail(bulla_error *err, const char *action);

/* AUTH with its one text, whatever was wrong with a ciphertext, a tag or a wrapped key. Empties the queue likewise. */
bulla_code bulla_crypto_fail_auth(bulla_error *err);

/* MEMORY when an allocation failed on the way, else `code` with `text`, and nothing of what OpenSSL says. Empties the queue likewise. */
bulla_code bulla_crypto_fail_as(bulla_error *err, bulla_code code, const char *text);

#endif
