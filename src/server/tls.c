/*
 * tls.c - certificates from files to GnuTLS, and client certificates to names.
 */
#include "server/tls.h"
#include "base/secret.h"
#include "io/file.h"

#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bulla_tls {
	atomic_uint refs;
	gnutls_certificate_credentials_t credentials;
	bool mutual;
	gnutls_typed_vdata_st purpose; /* sessions point at it */
};

/* The one converter of GnuTLS's codes. */
static bulla_code fail_gnutls(int code, const char *what, bulla_error *err)
{
	if (code == GNUTLS_E_MEMORY_ERROR) return bulla_fail_memory(err);
	return bulla_fail(err, BULLA_ERR_CONFIG, "%s: %s", what, gnutls_strerror(code));
}

static gnutls_datum_t datum(const bulla_buf *buf)
{
	return (gnutls_datum_t){ buf->data, (unsigned)buf->len };
}

static bulla_code take_pair(bulla_tls *tls, const char *certificate_file, const char *key_file, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf certificate = { 0 }, key = { 0 };
	TRY(bulla_file_read(certificate_file, BULLA_TLS_FILE_MAX, &certificate, err));
	TRY(bulla_file_read_private(key_file, BULLA_TLS_FILE_MAX, &key, err));
	gnutls_datum_t cert = datum(&certificate), secret = datum(&key);
	int done = gnutls_certificate_set_x509_key_mem2(tls->credentials, &cert, &secret, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (done >= 0) return BULLA_OK;
	char what[BULLA_ERROR_TEXT_MAX];
	snprintf(what, sizeof what, "the certificate in %s with the key in %s", certificate_file, key_file);
	return bulla_advise(err, fail_gnutls(done, what, err), "both are PEM; the key must be that of the first certificate");
}

static bulla_code take_authority(bulla_tls *tls, const char *file, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	TRY(bulla_file_read(file, BULLA_TLS_FILE_MAX, &text, err));
	gnutls_datum_t pem = datum(&text);
	int n = gnutls_certificate_set_x509_trust_mem(tls->credentials, &pem, GNUTLS_X509_FMT_PEM);
	if (n < 0) return fail_gnutls(n, file, err);
	if (n == 0) return bulla_fail(err, BULLA_ERR_CONFIG, "%s: there is no certificate in it", file);
	tls->mutual = true;
	return BULLA_OK;
}

bulla_code bulla_tls_load(const char *certificate_file, const char *key_file, const char *client_ca_file, bulla_tls **out,
			  bulla_error *err)
{
	bulla_tls *tls = calloc(1, sizeof *tls);
	if (!tls) return bulla_fail_memory(err);
	atomic_init(&tls->refs, 1);
	tls->purpose =
		(gnutls_typed_vdata_st){ .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT };
	bulla_code code = BULLA_OK;
	int done = gnutls_certificate_allocate_credentials(&tls->credentials);
	if (done < 0) code = fail_gnutls(done, "TLS", err);
	if (code == BULLA_OK) code = take_pair(tls, certificate_file, key_file, err);
	if (code == BULLA_OK && client_ca_file) code = take_authority(tls, client_ca_file, err);
	if (code != BULLA_OK) {
		bulla_tls_unref(tls);
		return code;
	}
	*out = tls;
	return BULLA_OK;
}

bulla_tls *bulla_tls_ref(bulla_tls *tls)
{
	if (tls) atomic_fetch_add(&tls->refs, 1);
	return tls;
}

void bulla_tls_unref(bulla_tls *tls)
{
	if (!tls || atomic_fetch_sub(&tls->refs, 1) != 1) return;
	if (tls->credentials) gnutls_certificate_free_credentials(tls->credentials);
	free(tls);
}

bool bulla_tls_equip(bulla_tls *tls, gnutls_session_t session)
{
	if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls->credentials) < 0) return false;
	if (!tls->mutual) return true;
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
	gnutls_session_set_verify_cert2(session, &tls->purpose, 1, 0);
	return true;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static const char *kind_of(int type)
{
	return type == GNUTLS_SAN_DNSNAME      ? "DNS"
	       : type == GNUTLS_SAN_URI        ? "URI"
	       : type == GNUTLS_SAN_RFC822NAME ? "email"
					       : NULL;
}

/* Printable, and without what separates names. */
static bool is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] == ',' || text[i] == 0x7f) return false;
	return len > 0;
}

static void take_names(gnutls_x509_crt_t leaf, bulla_client_certificate *out)
{
	size_t used = 0;
	for (unsigned i = 0;; i++) {
		char name[256];
		size_t len = sizeof name;
		int type = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &len, NULL);
		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) return;
		const char *kind = type < 0 ? NULL : kind_of(type);
		if (!kind || !is_plain(name, len)) continue;
		size_t room = sizeof out->names - used, need = strlen(kind) + len + 2;
		if (need >= room) continue;
		used += (size_t)snprintf(out->names + used, room, "%s%s:%.*s", used ? "," : "", kind, (int)len, name);
	}
}

static void take_subject(gnutls_x509_crt_t leaf, bulla_client_certificate *out)
{
	gnutls_datum_t name = { 0 };
	if (gnutls_x509_crt_get_dn3(leaf, &name, 0) < 0) return;
	if (name.size < sizeof out->subject && !memchr(name.data, 0, name.size)) memcpy(out->subject, name.data, name.size);
	gnutls_free(name.data);
}

static bool take_leaf(const gnutls_datum_t *der, bulla_client_certificate *out)
{
	gnutls_x509_crt_t leaf = NULL;
	if (gnutls_x509_crt_init(&leaf) < 0) return false;
	size_t len = sizeof out->fingerprint;
	bool fine = gnutls_x509_crt_import(leaf, der, GNUTLS_X509_FMT_DER) >= 0 &&
		    gnutls_fingerprint(GNUTLS_DIG_SHA256, der, out->fingerprint, &len) >= 0;
	if (fine) {
		take_subject(leaf, out);
		take_names(leaf, out);
	}
	gnutls_x509_crt_deinit(leaf);
	return fine;
}

bool bulla_tls_identify(const bulla_tls *tls, gnutls_session_t session, bulla_client_certificate *out, bool *ret_there)
{
	*ret_there = false;
	if (!tls->mutual) return true;
	unsigned n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
	/* the handshake verified it already: asked again, so that no version of a library can forget to */
	if (!chain || n == 0 || gnutls_session_get_verify_cert_status(session) != 0) return false;
	memset(out, 0, sizeof *out);
	*ret_there = take_leaf(&chain[0], out);
	return *ret_there;
}
