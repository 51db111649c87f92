/*
 * test_tls.c - TLS with certificates from files: who is let in, who the handler is told it is, and what a reload changes.
 */
#include "help.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct place {
	char dir[64], cert[96], key[96], ca[96];
} place;

static void run(const place *p, const char *format, const char *a, const char *b)
{
	char command[1024], inside[1200];
	snprintf(command, sizeof command, format, a, b);
	snprintf(inside, sizeof inside, "cd %s && { %s; } >log 2>&1", p->dir, command);
	if (system(inside) != 0) fail_msg("%s", command);
}

#define EC "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

/* A self-signed pair. */
static void make_pair(const place *p, const char *name)
{
	run(p,
	    "openssl req -x509 " EC
	    " -keyout %s.key -out %s.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost && chmod 600 *.key",
	    name, name);
}

/* One signed by ca.pem, for `use`. */
static void make_client(const place *p, const char *name, const char *use)
{
	char text[256];
	snprintf(text, sizeof text,
		 "printf 'extendedKeyUsage=%s\\nsubjectAltName=DNS:%s.example,URI:spiffe://example/%s\\n' > %s.ext", use, name,
		 name, name);
	run(p, "%s%s", text, "");
	run(p, "openssl req " EC " -keyout %s.key -out %s.csr -subj /O=Example/CN=writer", name, name);
	run(p, "openssl x509 -req -in %s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile %s.ext -out client.tmp",
	    name, name);
	run(p, "mv client.tmp %s.pem%s", name, "");
}

static int set_up(void **state)
{
	place *p = calloc(1, sizeof *p);
	strcpy(p->dir, "/tmp/bulla-tls-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->cert, sizeof p->cert, "%s/server.pem", p->dir);
	snprintf(p->key, sizeof p->key, "%s/server.key", p->dir);
	snprintf(p->ca, sizeof p->ca, "%s/ca.pem", p->dir);
	make_pair(p, "server");
	make_pair(p, "ca");
	make_pair(p, "stranger");
	make_client(p, "client", "clientAuth");
	make_client(p, "notclient", "serverAuth");
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	place *p = *state;
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", p->dir);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

/* --- a client ---------------------------------------------------------------------------------------------------- */

typedef struct client {
	int fd;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
} client;

/* False where the handshake fails on this side. `name`: its certificate; NULL: none. */
static bool client_open(client *c, const help_server *s, const place *p, const char *name, const char *priorities)
{
	char cert[128], key[128];
	*c = (client){ .fd = help_dial(s) };
	gnutls_certificate_allocate_credentials(&c->credentials);
	snprintf(cert, sizeof cert, "%s/%s.pem", p->dir, name ? name : "");
	snprintf(key, sizeof key, "%s/%s.key", p->dir, name ? name : "");
	if (name) assert_int_equal(gnutls_certificate_set_x509_key_file(c->credentials, cert, key, GNUTLS_X509_FMT_PEM), 0);
	gnutls_init(&c->session, GNUTLS_CLIENT | (name ? GNUTLS_FORCE_CLIENT_CERT : 0));
	gnutls_priority_set_direct(c->session, priorities ? priorities : "NORMAL", NULL);
	gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials);
	gnutls_transport_set_int(c->session, c->fd);
	gnutls_handshake_set_timeout(c->session, 10000);
	int done;
	while ((done = gnutls_handshake(c->session)) < 0 && !gnutls_error_is_fatal(done))
		;
	return done == 0;
}

static void client_close(client *c)
{
	gnutls_deinit(c->session);
	gnutls_certificate_free_credentials(c->credentials);
	close(c->fd);
}

/* What comes back until there are `enough` bytes, or the connection's end. */
static size_t client_ask(client *c, const char *text, char *out, size_t size, const char *until)
{
	size_t n = 0;
	out[0] = 0;
	gnutls_record_set_timeout(c->session, 10000);
	if (gnutls_record_send(c->session, text, strlen(text)) < 0) return 0;
	while (n + 1 < size && !(until && strstr(out, until))) {
		ssize_t got = gnutls_record_recv(c->session, out + n, size - 1 - n);
		if (got <= 0) break;
		n += (size_t)got;
		out[n] = 0;
	}
	return n;
}

static bool serves(const help_server *s, const place *p, const char *name, char *out, size_t size)
{
	client c;
	bool fine = client_open(&c, s, p, name, NULL) &&
		    client_ask(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", out, size, "body=hi\n") > 0;
	client_close(&c);
	return fine;
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void test_tls_carries_requests(void **state)
{
	const place *p = *state;
	help_server s;
	char text[4096];
	help_open(&s, &(bulla_listener_config){ .certificate_file = p->cert, .key_file = p->key });
	assert_true(serves(&s, p, NULL, text, sizeof text));
	assert_non_null(strstr(text, "peer=127.0.0.1 tls\n"));
	assert_null(strstr(text, "subject="));
	client c;
	assert_true(client_open(&c, &s, p, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2"));
	for (int i = 0; i < 3; i++)
		assert_true(client_ask(&c, GET("/later"), text, sizeof text, "body=\n") > 0);
	client_close(&c);
	assert_false(client_open(&c, &s, p, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.1"));
	client_close(&c);
	int fd = help_dial(&s); /* no TLS at all */
	help_send(fd, GET("/"));
	assert_int_equal(help_receive(fd).status, 0);
	close(fd);
	help_close(&s);
}

static void test_refusals_under_tls(void **state)
{
	const place *p = *state;
	help_server s;
	char text[4096];
	help_open(&s, &(bulla_listener_config){
			      .certificate_file = p->cert, .key_file = p->key, .request_ms = 1000, .body_max = 10 });
	client c;
	assert_true(client_open(&c, &s, p, NULL, NULL));
	client_ask(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", text, sizeof text, "long.\n");
	assert_int_equal(strncmp(text, "HTTP/1.1 408 ", 13), 0);
	client_close(&c);
	assert_true(client_open(&c, &s, p, NULL, NULL));
	client_ask(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", text, sizeof text, "large.\n");
	assert_int_equal(strncmp(text, "HTTP/1.1 413 ", 13), 0);
	client_close(&c);
	int fd = help_dial(&s); /* a handshake that never comes */
	assert_true(help_is_closed(fd, 5000));
	close(fd);
	help_close(&s);
}

static void test_only_certified_clients_get_in(void **state)
{
	const place *p = *state;
	help_server s;
	char text[4096];
	help_open(&s, &(bulla_listener_config){ .certificate_file = p->cert, .key_file = p->key, .client_ca_file = p->ca });
	assert_true(serves(&s, p, "client", text, sizeof text));
	assert_non_null(strstr(text, "subject=CN=writer,O=Example\n"));
	assert_non_null(strstr(text, "names=DNS:client.example,URI:spiffe://example/client\n"));
	char print[256];
	run(p, "openssl x509 -in client.pem -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr -d '\\n' > %s%s", "print",
	    "");
	snprintf(print, sizeof print, "%s/print", p->dir);
	FILE *file = fopen(print, "r");
	assert_non_null(fgets(print, sizeof print, file));
	fclose(file);
	assert_int_equal(strlen(print), 64);
	assert_non_null(strstr(text, print));
	assert_false(serves(&s, p, NULL, text, sizeof text));
	assert_false(serves(&s, p, "stranger", text, sizeof text));
	assert_false(serves(&s, p, "notclient", text, sizeof text));
	bulla_listener_counts n;
	bulla_listener_count(s.listener, &n);
	assert_int_equal(n.requests, 1);
	help_close(&s);
}

static size_t serial(client *c, unsigned char *out, size_t size)
{
	unsigned n;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(c->session, &n);
	gnutls_x509_crt_t leaf;
	gnutls_x509_crt_init(&leaf);
	gnutls_x509_crt_import(leaf, &chain[0], GNUTLS_X509_FMT_DER);
	assert_int_equal(gnutls_x509_crt_get_serial(leaf, out, &size), 0);
	gnutls_x509_crt_deinit(leaf);
	return size;
}

static void test_a_reload_changes_what_new_connections_see(void **state)
{
	const place *p = *state;
	help_server s;
	char text[4096];
	unsigned char first[64] = { 0 }, second[64] = { 0 };
	client before, after;
	make_pair(p, "server");
	help_open(&s, &(bulla_listener_config){ .certificate_file = p->cert, .key_file = p->key, .loops = 2 });
	assert_true(client_open(&before, &s, p, NULL, NULL));
	serial(&before, first, sizeof first);

	bulla_error err = { 0 };
	run(p, "cp server.key keep.key; cp stranger.key server.key%s%s", "", ""); /* a key of another certificate */
	assert_int_equal(bulla_listener_reload(s.listener, &err), BULLA_ERR_CONFIG);
	assert_non_null(strstr(err.next, "key"));
	assert_true(client_open(&after, &s, p, NULL, NULL));
	serial(&after, second, sizeof second);
	assert_memory_equal(first, second, sizeof first);
	client_close(&after);

	make_pair(p, "server");
	assert_int_equal(bulla_listener_reload(s.listener, &err), BULLA_OK);
	assert_true(client_open(&after, &s, p, NULL, NULL));
	serial(&after, second, sizeof second);
	assert_memory_not_equal(first, second, sizeof first);
	assert_true(client_ask(&before, GET("/echo"), text, sizeof text, "body=\n") > 0); /* the old one goes on */
	client_close(&before);
	client_close(&after);
	help_close(&s);
}

static void test_files_that_do_not_do(void **state)
{
	const place *p = *state;
	char missing[128];
	snprintf(missing, sizeof missing, "%s/missing", p->dir);
	const struct {
		const char *cert, *key, *ca;
		bulla_code code;
	} rows[] = {
		{ p->cert, NULL, NULL, BULLA_ERR_USAGE },        { NULL, p->key, NULL, BULLA_ERR_USAGE },
		{ NULL, NULL, p->ca, BULLA_ERR_USAGE },          { missing, p->key, NULL, BULLA_ERR_NOT_FOUND },
		{ p->cert, missing, NULL, BULLA_ERR_NOT_FOUND }, { p->cert, p->key, missing, BULLA_ERR_NOT_FOUND },
		{ p->key, p->key, NULL, BULLA_ERR_CONFIG },      { p->cert, p->key, p->key, BULLA_ERR_CONFIG },
		{ p->ca, p->key, NULL, BULLA_ERR_CONFIG },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_listener *listener = NULL;
		bulla_listener_config config = { .address = "127.0.0.1:0",
						 .certificate_file = rows[i].cert,
						 .key_file = rows[i].key,
						 .client_ca_file = rows[i].ca };
		config.handler.turn = (void (*)(void *, unsigned, bulla_exchange *const *, size_t))abort;
		bulla_error err = { 0 };
		if (bulla_listener_open(&config, &listener, &err) != rows[i].code) fail_msg("%zu: %s", i, err.text);
	}
	assert_int_equal(chmod(p->key, 0644), 0);
	bulla_listener *listener = NULL;
	bulla_listener_config config = { .address = "127.0.0.1:0", .certificate_file = p->cert, .key_file = p->key };
	config.handler.turn = (void (*)(void *, unsigned, bulla_exchange *const *, size_t))abort;
	assert_int_equal(bulla_listener_open(&config, &listener, NULL), BULLA_ERR_PERMISSION);
	assert_int_equal(chmod(p->key, 0600), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls_carries_requests),
		cmocka_unit_test(test_refusals_under_tls),
		cmocka_unit_test(test_only_certified_clients_get_in),
		cmocka_unit_test(test_a_reload_changes_what_new_connections_see),
		cmocka_unit_test(test_files_that_do_not_do),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
