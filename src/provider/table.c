/*
 * table.c - the providers, in the order in which they are asked whether a key id is theirs.
 */
#include "provider/providers.h"

static const bulla_provider *const providers[] = {
	&bulla_provider_local,
	&bulla_provider_file,
	&bulla_provider_env,
	&bulla_provider_test,
};

const bulla_provider *bulla_provider_find(bulla_bytes key_id)
{
	for (size_t i = 0; i < sizeof providers / sizeof *providers; i++)
		if (providers[i]->owns(key_id)) return providers[i];
	return NULL;
}
