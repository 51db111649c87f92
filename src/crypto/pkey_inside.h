/*
 * pkey_inside.h - what the files of key pairs share.
 */
#ifndef CRYPTO_PKEY_INSIDE_H
#define CRYPTO_PKEY_INSIDE_H

#include "crypto/pkey.h"

#include <openssl/evp.h>

struct bulla_pkey {
	EVP_PKEY *evp; /* OpenSSL counts its users with atomics and locks what it caches in it */
	bulla_spec spec;
	bool is_private;
};

/* USAGE unless `pkey` can be used with the algorithm for `use`, by its spec; `private_part`: and has its private part. */
bulla_code bulla_pkey_allow(const bulla_pkey *pkey, bulla_algorithm algorithm, bulla_use use, bool private_part,
			    bulla_error *err);

/* A copy that shares nothing, for a private operation of RSA that came out wrong: an allocation that fails while OpenSSL 3.0 renews a key's
 * blinding leaves it wrong for the operations to come. To be freed with EVP_PKEY_free(out->evp); CRYPTO, MEMORY. Empties OpenSSL's queue. */
BULLA_MUST bulla_code bulla_pkey_copy(const bulla_pkey *pkey, bulla_pkey *out, bulla_error *err);

#endif
