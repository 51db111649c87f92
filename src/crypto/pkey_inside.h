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

#endif
