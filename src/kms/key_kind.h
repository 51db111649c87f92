/*
 * key_kind.h - what a KMS key is made to be, once and for all: its spec, its usage, where its material comes from, whether it has replicas.
 *
 * Names and error texts are those of AWS KMS. USAGE is AWS's ValidationException, REFUSED its UnsupportedOperationException.
 */
#ifndef KMS_KEY_KIND_H
#define KMS_KEY_KIND_H

#include "base/error.h"
#include "crypto/key_spec.h"

/* Kept in stores: append only. */
typedef enum bulla_key_origin {
	BULLA_KEY_ORIGIN_AWS_KMS = 0, /* made here */
	BULLA_KEY_ORIGIN_EXTERNAL = 1 /* imported */
} bulla_key_origin;

typedef struct bulla_key_kind {
	bulla_spec spec;
	bulla_use use;
	bulla_key_origin origin;
	bool multi_region;
} bulla_key_kind;

/* What CreateKey says of it: views, as they were sent; `data` is NULL for what was left out. */
typedef struct bulla_key_wish {
	bulla_bytes key_spec, customer_master_key_spec, key_usage, origin, custom_key_store_id, xks_key_id;
	bool multi_region;
} bulla_key_wish;

/* A symmetric key to encrypt with, unless it says else. `out` is untouched on failure. */
BULLA_MUST bulla_code bulla_key_kind_choose(const bulla_key_wish *wish, bulla_key_kind *out, bulla_error *err);

/* True when a key of `spec` can be made for `use`. */
bool bulla_key_kind_exists(bulla_spec spec, bulla_use use);
/* True for specs with a public key. */
bool bulla_key_kind_is_pair(bulla_spec spec);
/* "AWS_KMS"; static. */
const char *bulla_key_origin_name(bulla_key_origin origin);

/* --- what DescribeKey and GetPublicKey tell ---------------------------------------------------------------------- */

#define BULLA_KEY_ALGORITHMS_MAX 6

/* How many algorithms the key has; `out` in the order of AWS's lists. */
size_t bulla_key_kind_algorithms(const bulla_key_kind *kind, bulla_algorithm out[static BULLA_KEY_ALGORITHMS_MAX]);
/* The member that lists them: "SigningAlgorithms"; static. */
const char *bulla_key_kind_list(bulla_use use);
/* CustomerMasterKeySpec, which is no more kept up: NULL for specs that are younger. */
const char *bulla_key_kind_old_spec(bulla_spec spec);

/* --- what it can be used for ------------------------------------------------------------------------------------- */

/* False when `operation` ("Sign", also as a grant names it) needs a key of another usage or, for data keys, of another spec: AWS's
 * InvalidKeyUsageException. True for whatever needs neither. */
bool bulla_key_kind_serves(const bulla_key_kind *kind, bulla_bytes operation);
/* False for an algorithm that the key does not have. */
bool bulla_key_kind_has(const bulla_key_kind *kind, bulla_algorithm algorithm);

#endif
