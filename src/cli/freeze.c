/*
 * freeze.c - the commands `kms freeze` and `kms thaw`: the switch that ends decryption, on a store or at a key server.
 */
#include "base/text.h"
#include "cli/commands.h"
#include "cli/permit.h"
#include "cli/times.h"
#include "server/client.h"

const bulla_option bulla_options_kms_freeze[] = {
	{ "key", 'k', "KEY", "decryption with this key alone" },
	{ "principal", 'p', "NAME", "decryption by this principal alone" },
	{ "reason", 'r', "TEXT", "why; whoever is refused reads it" },
	{ "until", 'u', "TIME", "1h, or 2026-11-21T19:05Z; without it until bulla kms thaw" },
	BULLA_ENDPOINT_OPTION,
	BULLA_STORE_OPTIONS,
	{ NULL },
};

const bulla_option bulla_options_kms_thaw[] = {
	{ "key", 'k', "KEY", "the freeze of this key" },
	{ "principal", 'p', "NAME", "the freeze of this principal" },
	{ "reason", 'r', "TEXT", "why; for the record" },
	BULLA_ENDPOINT_OPTION,
	BULLA_STORE_OPTIONS,
	{ NULL },
};

/* What is frozen or thawed. */
typedef struct freeze {
	const char *operation; /* "Freeze" */
	bulla_order_kind kind;
	const char *principal, *reason;
	bulla_buf key; /* its id; empty: none */
	int64_t until_us;
} freeze;

static bulla_code take_options(const bulla_cli *cli, freeze *f, bulla_error *err)
{
	const char *key = bulla_cli_value(cli, "key"),
		   *until = f->kind == BULLA_ORDER_FREEZE ? bulla_cli_value(cli, "until") : NULL;
	f->principal = bulla_cli_value(cli, "principal");
	f->reason = bulla_cli_value(cli, "reason");
	if (key && f->principal) return bulla_fail(err, BULLA_ERR_USAGE, "of a key or of a principal: --key or --principal");
	if (key) TRY(bulla_cli_key_id(key, &f->key, err));
	return until ? bulla_time_ahead(until, &f->until_us, err) : BULLA_OK;
}

/* --- on a store --------------------------------------------------------------------------------------------------- */
static bulla_code order(bulla_cli *cli, const freeze *f, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	TRY(bulla_permit_open(cli, &project, err));
	return bulla_permit_order(project, f->kind,
				  (bulla_order){ .key = bulla_view_buf(&f->key),
						 .text = bulla_view_str(f->principal),
						 .document = bulla_view_str(f->reason),
						 .until_us = f->until_us },
				  err);
}

/* --- at a server -------------------------------------------------------------------------------------------------- */
/* Whole seconds, rounded up: a freeze rather lasts too long. */
static bulla_code write_body(const freeze *f, bulla_buf *out, bulla_error *err)
{
	bulla_json_writer w = bulla_json_to(out);
	bulla_json_open(&w, NULL, '{');
	if (f->key.len) bulla_json_put_bytes(&w, "KeyId", bulla_view_buf(&f->key));
	if (f->principal) bulla_json_put_str(&w, "Principal", f->principal);
	if (f->reason) bulla_json_put_str(&w, "Reason", f->reason);
	if (f->until_us) bulla_json_put_int(&w, "Until", (f->until_us + 999999) / 1000000);
	bulla_json_close(&w, '}');
	return bulla_json_end(&w, err);
}

static bulla_code ask(const freeze *f, const char *endpoint, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf body = { 0 };
	BULLA_BUF_AUTO bulla_buf answer = { 0 };
	bulla_client client;
	TRY(bulla_client_init(endpoint, &client, err));
	TRY(write_body(f, &body, err));
	return bulla_client_ask(&client, f->operation, bulla_view_buf(&body), &answer, err);
}

/* --- what was done ------------------------------------------------------------------------------------------------ */
static void tell_json(bulla_cli *cli, const freeze *f, bool frozen)
{
	char until[BULLA_TIME_TEXT];
	bulla_json_writer *w = bulla_cli_json(cli);
	bulla_json_put_bool(w, "frozen", frozen);
	bulla_json_put_str(w, "scope", f->principal ? "principal" : f->key.len ? "key" : "everything");
	if (f->key.len) bulla_json_put_bytes(w, "key", bulla_view_buf(&f->key));
	if (f->principal) bulla_json_put_str(w, "principal", f->principal);
	if (frozen) bulla_json_put_str(w, "until", f->until_us ? bulla_time_text(f->until_us, until) : NULL);
	bulla_json_put_str(w, "reason", f->reason);
}

static void tell(bulla_cli *cli, const freeze *f)
{
	char until[BULLA_TIME_TEXT];
	bool frozen = f->kind == BULLA_ORDER_FREEZE;
	const char *what = f->principal ? " by " : f->key.len ? " with " : " of everything";
	if (cli->json)
		tell_json(cli, f, frozen);
	else
		bulla_cli_print(cli, "decryption%s%.*s%s is %s%s%s", what, (int)f->key.len,
				f->key.len ? (const char *)f->key.data : "", f->principal ? f->principal : "",
				frozen ? "frozen" : "thawed", f->until_us ? " until " : "",
				f->until_us ? bulla_time_text(f->until_us, until) : "");
	if (frozen)
		bulla_cli_next(cli,
			       "bulla audit lookup --operation Decrypt --outcome denied; and when it is over: bulla kms thaw%s%s",
			       f->principal ? " --principal "
			       : f->key.len ? " --key "
					    : "",
			       f->principal ? f->principal
			       : f->key.len ? bulla_cli_value(cli, "key")
					    : "");
	else
		bulla_cli_next(cli, "bulla kms status");
}

static bulla_code run(bulla_cli *cli, const char *operation, bulla_order_kind kind, bulla_error *err)
{
	freeze f = { .operation = operation, .kind = kind };
	const char *endpoint = bulla_cli_value(cli, "endpoint");
	bulla_code code = bulla_permit_check_endpoint(cli, err);
	if (code == BULLA_OK) code = take_options(cli, &f, err);
	if (code == BULLA_OK) code = endpoint ? ask(&f, endpoint, err) : order(cli, &f, err);
	if (code == BULLA_OK) tell(cli, &f);
	bulla_buf_done(&f.key);
	return code;
}

bulla_code bulla_run_kms_freeze(bulla_cli *cli, bulla_error *err)
{
	return run(cli, "Freeze", BULLA_ORDER_FREEZE, err);
}

bulla_code bulla_run_kms_thaw(bulla_cli *cli, bulla_error *err)
{
	return run(cli, "Thaw", BULLA_ORDER_THAW, err);
}
