/*
 * backend.c - the table of back ends, and the choice among them.
 */
#include "crypto/backend_inside.h"

#include <stdlib.h>

#ifdef BULLA_IPSEC_MB
#define IPSEC_MB &bulla_backend_ipsec_mb
#else
#define IPSEC_MB NULL
#endif

/* In the order of preference; without a row: not in this build. */
static const bulla_backend backends[] = {
	{ "ipsec-mb", IPSEC_MB, NULL },
	{ "openssl", &bulla_backend_openssl, NULL },
};

enum { BACKENDS = sizeof backends / sizeof *backends, OPENSSL = BACKENDS - 1 };

static bulla_code find(const bulla_backend *one, bulla_backend *ret, bulla_error *err)
{
	if (!one->row) return bulla_fail(err, BULLA_ERR_CONFIG, "the crypto back end %s is not in this build", one->name);
	*ret = *one;
	return one->row->find ? one->row->find(&ret->found, err) : BULLA_OK;
}

static bulla_code find_named(const char *name, bulla_backend *ret, bulla_error *err)
{
	for (size_t i = 0; i < BACKENDS; i++)
		if (strcmp(backends[i].name, name) == 0) return find(&backends[i], ret, err);
	return bulla_fail(err, BULLA_ERR_CONFIG, "no crypto back end is called \"%.32s\": openssl, ipsec-mb", name);
}

static bulla_code find_fastest(bulla_backend *ret, bulla_error *err)
{
	for (size_t i = 0; i < OPENSSL; i++)
		if (find(&backends[i], ret, NULL) == BULLA_OK) return BULLA_OK;
	return find(&backends[OPENSSL], ret, err);
}

bulla_code bulla_backend_new(const char *choice, bulla_backend **out, bulla_error *err)
{
	bulla_backend *backend = calloc(1, sizeof *backend);
	if (!backend) return bulla_fail_memory(err);
	bulla_code code = choice ? find_named(choice, backend, err) : find_fastest(backend, err);
	if (code) {
		bulla_backend_free(backend);
		return code;
	}
	*out = backend;
	return BULLA_OK;
}

void bulla_backend_free(bulla_backend *backend)
{
	if (!backend) return;
	free(backend->found);
	free(backend);
}

const bulla_backend *bulla_backend_or_default(const bulla_backend *backend)
{
	return backend ? backend : &backends[OPENSSL];
}

const char *bulla_backend_name(const bulla_backend *backend)
{
	return bulla_backend_or_default(backend)->name;
}
