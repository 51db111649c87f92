/*
 * client.h - asking a key server for what is ours beside AWS's protocol, as somebody who has an access key there.
 */
#ifndef SERVER_CLIENT_H
#define SERVER_CLIENT_H

#include "base/buf.h"

#define BULLA_ENDPOINT_MAX 1024 /* bytes */

/* Views. */
typedef struct bulla_client {
	const char *endpoint; /* http://HOST[:PORT], https://HOST[:PORT], unix:PATH */
	const char *access_key_id, *secret, *region;
	const char *ca_file; /* NULL: whom the system trusts */
} bulla_client;

/* Who asks, as AWS's tools find it in the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION or AWS_DEFAULT_REGION, AWS_CA_BUNDLE. USAGE, with
 * what to do, where the first two are missing, and for an endpoint that is none. */
BULLA_MUST bulla_code bulla_client_init(const char *endpoint, bulla_client *out, bulla_error *err);

/* Asks for `operation` ("Freeze") with a JSON body, and appends the answer's body to `out`. Fails as the server does: DENIED, NOT_FOUND, REFUSED with its
 * text; UNAVAILABLE where it does not answer, or cannot. */
BULLA_MUST bulla_code bulla_client_ask(const bulla_client *client, const char *operation, bulla_bytes body, bulla_buf *out,
				       bulla_error *err);

#endif
