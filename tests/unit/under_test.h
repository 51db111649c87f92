/*
 * under_test.h - the crypto back end that one run of a test is for: $BULLA_CRYPTO, else OpenSSL. meson runs what seals and opens once
 * for each.
 */
#ifndef TEST_UNDER_TEST_H
#define TEST_UNDER_TEST_H

#include "crypto/lane.h"

#include <stdio.h>
#include <stdlib.h>

/* Ends the program as skipped where it is not there. */
static inline bulla_backend *backend_under_test(void)
{
	const char *choice = getenv("BULLA_CRYPTO");
	bulla_backend *backend = NULL;
	bulla_error err = { 0 };

	if (bulla_backend_new(choice ? choice : "openssl", &backend, &err) == BULLA_OK) return backend;
	printf("1..0 # SKIP %s\n", err.text);
	exit(77);
}

static inline bulla_code lane_under_test(bulla_lane **out)
{
	bulla_backend *backend = backend_under_test();
	bulla_code code = bulla_lane_new_with(backend, out, NULL);

	bulla_backend_free(backend); /* lanes do not need it any more */
	return code;
}

#endif
