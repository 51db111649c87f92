/*
 * providers.h - the rows of the provider table, one per service.
 */
#ifndef PROVIDER_PROVIDERS_H
#define PROVIDER_PROVIDERS_H

#include "core/provider.h"

extern const bulla_provider bulla_provider_local; /* local, local/NAME: the engine in this process */
extern const bulla_provider bulla_provider_file;  /* file:PATH */
extern const bulla_provider bulla_provider_env;   /* env:NAME */
extern const bulla_provider bulla_provider_test;  /* insecure-test-key, insecure-test-key/encrypt */

/* The row that owns `key_id`; NULL when none does. */
const bulla_provider *bulla_provider_find(bulla_bytes key_id);

#endif
