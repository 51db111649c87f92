/*
 * tls.h - the server's certificate and the authority of its clients', as GnuTLS wants them.
 *
 * Given to each session at its beginning, so that new files reach new connections while old ones keep what they began with.
 */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include "server/listener.h"

#include <gnutls/gnutls.h>

#define BULLA_TLS_FILE_MAX   (256u << 10) /* bytes of one file of certificates or keys */
#define BULLA_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

typedef struct bulla_tls bulla_tls; /* counted references; any thread */

/* `client_ca_file` may be NULL. CONFIG, and what reading files gives. */
BULLA_MUST bulla_code bulla_tls_load(const char *certificate_file, const char *key_file, const char *client_ca_file,
				     bulla_tls **out, bulla_error *err);
bulla_tls *bulla_tls_ref(bulla_tls *tls);
void bulla_tls_unref(bulla_tls *tls); /* NULL is fine */

/* Before the handshake: uses these certificates; where there is an authority, a client without a certificate from it, for clients, does not
 * get through the handshake. False: out of memory, or worse. */
bool bulla_tls_equip(bulla_tls *tls, gnutls_session_t session);

/* After the handshake: false where a certificate is asked for and none holds; else what it says, if there is one. */
bool bulla_tls_identify(const bulla_tls *tls, gnutls_session_t session, bulla_client_certificate *out, bool *ret_there);

#endif
