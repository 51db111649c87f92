/*
 * crypto.c - which crypto back end a project seals and opens with: the one place that asks $BULLA_CRYPTO.
 */
#include "lib/inside.h"

#include <bulla/bulla.h>
#include <stdlib.h>

bulla_code bulla_project_open_backend(bulla_backend **out, bulla_error *err)
{
	const char *choice = getenv("BULLA_CRYPTO");
	bulla_code code = bulla_backend_new(choice && *choice ? choice : NULL, out, err);
	if (code != BULLA_ERR_CONFIG) return code;
	return bulla_advise(err, code,
			    "unset BULLA_CRYPTO, and the fastest back end that is there is taken; ipsec-mb is Debian's "
			    "libipsec-mb1, for x86-64");
}

bulla_code bulla_crypto_backend(const char **ret, bulla_error *err)
{
	bulla_backend *backend;
	TRY(bulla_project_open_backend(&backend, err));
	*ret = bulla_backend_name(backend);
	bulla_backend_free(backend);
	return BULLA_OK;
}
