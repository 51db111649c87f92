/*
 * serve.c - the command `kms serve`: opens the key store, listens, and ends when it is told to.
 */
#include "cli/serve.h"
#include "cli/commands.h"
#include "cli/work.h"
#include "server/kms_service.h"
#include "server/notify.h"
#include "server/socket.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_LISTEN "127.0.0.1:7454"
#define DEV_STORE      "sqlite:.bulla/dev/kms.db"
#define DEV_ROOT_KEY   "file:.bulla/dev/root.key"
#define DEV_REGION     "us-east-1"
#define GRACE_MS       10000 /* for what is under way when the server is stopped */
#define WATCH_NS       250000000L
#define LOCK_WAIT_MS   2000 /* for a store that somebody else has locked: a loop waits, and those behind it; --lock-wait */

const bulla_option bulla_options_kms_serve[] = {
	{ "listen", 'l', "ADDRESS",
	  "127.0.0.1:7454, [::1]:7454, :7454, unix:PATH, fd:N; port 0 takes a free one (systemd's socket, else 127.0.0.1:7454)" },
	{ "store", 's', "URL", "the key store: sqlite:PATH or postgresql://... (that of bulla.yaml)" },
	{ "root-key", 0, "SPEC",
	  "with --store: file:PATH, passphrase:..., fd:N, as root_key in bulla.yaml (file:.bulla/root.key)" },
	{ "dev", 0, NULL, "to try it: makes store, key and principal; this host alone" },
	{ "account", 0, "DIGITS", "12 digits, in the ARNs of new keys (000000000000)" },
	{ "region", 0, "NAME", "in the ARNs of new keys; may be given again: requests signed for these are answered" },
	{ "tls-cert", 0, "FILE", "PEM, leaf first: serve HTTPS" },
	{ "tls-key", 0, "FILE", "PEM, private to this user" },
	{ "tls-client-ca", 0, "FILE", "PEM: clients must show a certificate that hangs from one of these" },
	{ "threads", 0, "N", "loops that take requests (one a processor)" },
	{ "connections", 0, "N", "at a time (10240)" },
	{ NULL },
};

/* --- what is asked for ------------------------------------------------------------------------------------------ */
static bulla_code take_regions(bulla_serving *s, bulla_error *err)
{
	for (size_t i = 0; i < s->cli->given_count; i++) {
		const bulla_given *given = &s->cli->given[i];
		if (strcmp(given->option->name, "region") != 0) continue;
		if (s->n_regions == BULLA_SERVE_REGIONS_MAX)
			return bulla_fail(err, BULLA_ERR_USAGE, "at most %d regions", BULLA_SERVE_REGIONS_MAX);
		s->regions[s->n_regions++] = given->value;
	}
	s->place.region = s->n_regions ? s->regions[0] : s->dev ? DEV_REGION : NULL;
	return BULLA_OK;
}

/* Requests cannot be asked to wait as people can, and nobody is told of each wait. */
static bulla_code take_patience(bulla_serving *s, bulla_error *err)
{
	TRY(bulla_cli_patience(s->cli, &s->place.patience, err));
	if (!s->place.patience.wait_ms) s->place.patience.wait_ms = LOCK_WAIT_MS;
	s->place.patience.waiting = NULL;
	return BULLA_OK;
}

/* The socket that the service manager has for us (systemd.socket(5)), where there is one. */
static const char *preset_address(bulla_serving *s)
{
	int fd = bulla_socket_inherited();
	if (fd < 0) return DEFAULT_LISTEN;
	(void)snprintf(s->inherited, sizeof s->inherited, "fd:%d", fd);
	return s->inherited;
}

static bulla_code take_options(bulla_serving *s, bulla_error *err)
{
	const bulla_cli *cli = s->cli;
	s->dev = bulla_cli_switch(cli, "dev");
	s->listen = bulla_cli_value(cli, "listen");
	if (!s->listen) s->listen = preset_address(s);
	s->place.store = bulla_cli_value(cli, "store");
	s->place.root_key = bulla_cli_value(cli, "root-key");
	s->place.account = bulla_cli_value(cli, "account");
	if (s->place.root_key && !s->place.store)
		return bulla_fail(err, BULLA_ERR_USAGE, "--root-key belongs to --store; without it both are those of bulla.yaml");
	if (!bulla_cli_value(cli, "tls-cert") != !bulla_cli_value(cli, "tls-key"))
		return bulla_fail(err, BULLA_ERR_USAGE, "--tls-cert and --tls-key go together");
	if (bulla_cli_value(cli, "tls-client-ca") && !bulla_cli_value(cli, "tls-cert"))
		return bulla_fail(err, BULLA_ERR_USAGE, "--tls-client-ca needs --tls-cert and --tls-key");
	if (s->dev && !s->place.store) {
		s->place.store = DEV_STORE;
		s->place.root_key = DEV_ROOT_KEY;
	}
	TRY(take_regions(s, err));
	TRY(take_patience(s, err));
	return s->dev ? bulla_dev_check(s, err) : BULLA_OK;
}

static bulla_code open_store(bulla_serving *s, bulla_error *err)
{
	char escrow[512] = "";
	if (!s->place.store)
		return bulla_place_open_config(bulla_cli_value(s->cli, "config"), bulla_cli_value(s->cli, "env"), &s->place,
					       &s->project, err);
	TRY(bulla_place_open(&s->place, s->dev, &s->project, escrow, sizeof escrow, err));
	if (escrow[0]) bulla_cli_say(s->cli, "new key store %s; the escrow of its root key: %s", s->project->paths.place, escrow);
	return s->dev ? bulla_dev_principal(s, err) : BULLA_OK;
}

/* --- running ---------------------------------------------------------------------------------------------------- */
/* As many files as the system lets us open: each connection is one. */
static void raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit)) return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static unsigned processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : n > BULLA_LISTENER_LOOPS_MAX ? BULLA_LISTENER_LOOPS_MAX : (unsigned)n;
}

static bulla_code announce(const bulla_serving *s, const char *url, bulla_error *err)
{
	bulla_cli_print(s->cli, "listening on %s", url);
	if (s->dev) TRY(bulla_dev_print(s, url, err));
	bulla_cli_print(s->cli, "aws --endpoint-url %s kms list-keys", url);
	TRY(bulla_cli_flush(s->cli, err));
	(void)bulla_notify("READY=1");
	return BULLA_OK;
}

/* SIGHUP reads the certificates again; the rest is the clock's: scheduled rotations. */
static void watch(const bulla_serving *s, bulla_listener *listener)
{
	const struct timespec wait = { 0, WATCH_NS };
	sigset_t hangup;
	(void)sigemptyset(&hangup);
	(void)sigaddset(&hangup, SIGHUP);
	while (!atomic_load(&s->cli->stop)) {
		bulla_error err = { 0 };
		if (sigtimedwait(&hangup, NULL, &wait) == SIGHUP) {
			bulla_code code = bulla_listener_reload(listener, &err);
			if (code) bulla_cli_warn(s->cli, "the certificates stay as they were: %s", err.text);
		}
		if (bulla_engine_tick(s->project->engine, &err)) bulla_cli_warn(s->cli, "scheduled work: %s", err.text);
	}
}

static bulla_code listen_and_watch(const bulla_serving *s, bulla_kms_service *service, unsigned loops, bulla_error *err)
{
	bulla_listener *listener = NULL;
	char url[160];
	uint64_t connections = 0;
	TRY(bulla_cli_number(s->cli, "connections", 1, BULLA_LISTENER_CONNECTIONS_MAX, BULLA_LISTENER_CONNECTIONS, &connections,
			     err));
	const bulla_listener_config config = { .address = s->listen,
					       .certificate_file = bulla_cli_value(s->cli, "tls-cert"),
					       .key_file = bulla_cli_value(s->cli, "tls-key"),
					       .client_ca_file = bulla_cli_value(s->cli, "tls-client-ca"),
					       .loops = loops,
					       .connections = (unsigned)connections,
					       .handler = bulla_kms_service_handler(service) };
	TRY(bulla_listener_open(&config, &listener, err));
	const char *address = bulla_listener_address(listener);
	const char *scheme = strncmp(address, "unix:", 5) == 0 ? "" : config.certificate_file ? "https://" : "http://";
	(void)snprintf(url, sizeof url, "%s%s", scheme, address);
	bulla_code code = announce(s, url, err);
	if (code == BULLA_OK) watch(s, listener);
	(void)bulla_notify("STOPPING=1");
	bulla_listener_stop(listener, GRACE_MS);
	bulla_listener_wait(listener);
	bulla_listener_close(listener);
	return code;
}

static bulla_code serve(const bulla_serving *s, bulla_access_log *log, bulla_error *err)
{
	bulla_kms_service *service = NULL;
	uint64_t loops = 0;
	bulla_realm home;
	TRY(bulla_cli_number(s->cli, "threads", 1, BULLA_LISTENER_LOOPS_MAX, processors(), &loops, err));
	bulla_engine_home(s->project->engine, &home);
	const bulla_kms_service_config config = { .engine = s->project->engine,
						  .log = s->project->log,
						  .clock = s->project->clock,
						  .home = home,
						  .regions = s->n_regions ? s->regions : NULL,
						  .n_regions = s->n_regions,
						  .loops = (unsigned)loops,
						  .access_log = log };
	TRY(bulla_kms_service_new(&config, &service, err));
	bulla_code code = listen_and_watch(s, service, (unsigned)loops, err);
	bulla_kms_service_free(service);
	return code;
}

bulla_code bulla_run_kms_serve(bulla_cli *cli, bulla_error *err)
{
	bulla_serving s = { .cli = cli };
	bulla_access_log *log = NULL;
	sigset_t hangup;
	atomic_store(&cli->looks, true); /* stopping it is no accident */
	(void)sigemptyset(&hangup);
	(void)sigaddset(&hangup, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &hangup, NULL); /* the loops inherit it */
	TRY(take_options(&s, err));
	raise_file_limit();
	bulla_code code = open_store(&s, err);
	if (code == BULLA_OK && !cli->quiet) code = bulla_access_log_new(STDERR_FILENO, &log, err);
	if (code == BULLA_OK) code = serve(&s, log, err);
	bulla_access_log_free(log);
	bulla_project_close(s.project);
	return code;
}
