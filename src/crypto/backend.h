/*
 * backend.h - who does AES-GCM: OpenSSL, or libipsec-mb where machine and package have it.
 *
 * It is the one thing that is chosen. A record is three short messages of AES-GCM under two keys that were never used before, and
 * OpenSSL's EVP takes several times longer to take in a key and a message than to encrypt it. Of what else a record needs nothing is
 * faster in libipsec-mb, one message at a time (docs/PERFORMANCE.md has the figures): it is always OpenSSL's.
 */
#ifndef CRYPTO_BACKEND_H
#define CRYPTO_BACKEND_H

#include "base/error.h"

/* Immutable, shareable between threads; fine in a child after a fork. */
typedef struct bulla_backend bulla_backend;

/* "openssl", "ipsec-mb", or NULL for the fastest one that is there. CONFIG for another name, and for one that is not there: the text
 * says what is missing. libipsec-mb is loaded into the process the first time, and stays. */
BULLA_MUST bulla_code bulla_backend_new(const char *choice, bulla_backend **out, bulla_error *err);
void bulla_backend_free(bulla_backend *backend); /* NULL is fine; lanes made with it may live on */

/* "openssl" or "ipsec-mb"; static. NULL is OpenSSL. */
const char *bulla_backend_name(const bulla_backend *backend);

#endif
