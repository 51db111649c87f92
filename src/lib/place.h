/*
 * place.h - a key store by itself, without a bulla.yaml: what a key server and its tools open.
 */
#ifndef LIB_PLACE_H
#define LIB_PLACE_H

#include "lib/project.h"

/* Where the store is and who it is to the world. */
typedef struct bulla_place {
	const char *store;       /* as `store` in bulla.yaml; NULL: sqlite:.bulla/kms.db */
	const char *root_key;    /* as `root_key` in bulla.yaml; NULL: file:.bulla/root.key */
	const char *account;     /* of new keys' ARNs, 12 digits; NULL: 000000000000 */
	const char *region;      /* likewise; NULL: "local" */
	bulla_patience patience; /* with the locks of store and log; what it points to outlives the project */
} bulla_place;

/* Opens store, root key, log and engine; relative paths start from the working directory. With `create` a store that is not there is made as
 * `bulla init` makes it, and `ret_escrow` (may be NULL) then receives where its escrow lies, else "". NOT_FOUND without `create`. */
BULLA_MUST bulla_code bulla_place_open(const bulla_place *place, bool create, bulla_project **out, char *ret_escrow,
				       size_t escrow_size, bulla_error *err);

/* The same with the store and root key that an environment of a bulla.yaml names; `place` only says who it is. */
BULLA_MUST bulla_code bulla_place_open_config(const char *config, const char *environment, const bulla_place *place,
					      bulla_project **out, bulla_error *err);

#endif
