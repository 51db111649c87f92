/*
 * rehang.h - branch and index keys that hang from a KMS key move to those that wrap now, when an environment's `keys` have changed.
 *
 * Their versions stay, and with them everything that hangs from them. Where the KMS can re-encrypt, no key leaves it.
 */
#ifndef CORE_REHANG_H
#define CORE_REHANG_H

#include "core/keyring.h"

#include <bulla/op.h>

/* One version of a branch key. */
typedef struct bulla_rehang_row {
	bulla_bytes identity;
	uint64_t version;
	bulla_bytes wrapped; /* as the store has it */
	bulla_bytes context; /* of a data key that many rows share; empty: the branch key's own */
	bulla_bytes made;    /* out: as it should have it; proven to open. A view into the op */
	bulla_code code;
} bulla_rehang_row;

/* Does the row hang from other KMS keys than just those that wrap now? Told without asking anybody; false for one that hangs from a branch. */
bool bulla_rehang_is_due(const bulla_keyring *keyring, const bulla_branch_row *row);

typedef struct bulla_rehang bulla_rehang;

/* Rows are read, and filled, until it is freed. Failures of rows are in the rows. */
BULLA_MUST bulla_code bulla_rehang_new(bulla_keyring *keyring, bulla_rehang_row *rows, size_t n, bulla_rehang **out,
				       bulla_error *err);
bulla_op *bulla_rehang_op(bulla_rehang *rehang);
void bulla_rehang_free(bulla_rehang *rehang); /* NULL is fine */

#endif
