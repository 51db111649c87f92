/*
 * audit.c - the commands `audit ...`: who used which key when, and whether that can be believed.
 */
#include "cli/commands.h"
#include "cli/events.h"
#include "cli/tombstones.h"
#include "cli/work.h"
#include "lib/vouch.h"

#include <string.h>

#define SHOWN 20 /* events of `audit show` */

const bulla_option bulla_options_audit_show[] = {
	{ "last", 'n', "N", "how many; default: 20" },
	{ NULL },
};

const bulla_option bulla_options_audit_lookup[] = {
	{ "operation", 'o', "NAME", "Decrypt, GenerateDataKey, CreateKey, CachedUse, ..." },
	{ "key", 'k', "KEY", "key id, ARN, alias/NAME, or the print of a branch; a part is enough" },
	{ "principal", 'p', "TEXT", "who; a part is enough" },
	{ "context", 'x', "NAME=VALUE", "with this pair in the encryption context; repeatable" },
	{ "outcome", 0, "CODE", "ok, or the code of a failure" },
	{ "source-ip", 0, "ADDRESS", "where a request to a key server came from" },
	{ "access-key-id", 0, "ID", "the access key that signed it" },
	{ "error-code", 0, "NAME", "how it was refused: AccessDeniedException, ..." },
	{ "request-id", 0, "ID", "the request itself" },
	{ "since", 0, "TIME", "2026-11-21, 2026-11-21T19:05Z, or 2d for two days ago" },
	{ "until", 0, "TIME", "before this time" },
	{ "last", 'n', "N", "the newest N of those that match" },
	{ NULL },
};

const bulla_option bulla_options_audit_verify[] = {
	{ "strict", 0, NULL, "exit 3 also when nothing outside this host vouches for the end of the log" },
	{ NULL },
};

const bulla_option bulla_options_audit_export[] = {
	{ "out", 'o', "DIR", "a new directory in the layout of tlog-tiles, instead of JSON lines" },
	{ NULL },
};

const bulla_option bulla_options_audit_adopt[] = {
	{ "reason", 'r', "TEXT", "what happened; it becomes an entry of the log" },
	{ NULL },
};

/* The log can be read without the root key. */
static bulla_code open_log(bulla_cli *cli, bulla_project **ret, bulla_error *err)
{
	cli->lines = true;
	TRY(bulla_cli_open(cli, BULLA_PROJECT_STORE, ret, err));
	TRY(bulla_project_need_engine(*ret, err));
	TRY(bulla_project_need_log(*ret, err));
	if ((*ret)->log) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_AUDIT, "the key store does not know its audit log: it was never opened");
	return bulla_advise(err, code, "bulla audit verify");
}

/* The newest `last` of the events that match, 0 for all: counted first, so that nothing is kept. */
static bulla_code list(bulla_cli *cli, bulla_events *events, uint64_t last, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	bulla_log_head head;
	TRY(open_log(cli, &project, err));
	TRY(bulla_log_head_now(project->log, &head, err));
	events->counting = last > 0;
	if (events->counting) TRY(bulla_log_each(project->log, 0, head.size, bulla_events_take, events, err));
	events->skip = events->counting && events->matched > last ? events->matched - last : 0;
	events->counting = false;
	events->matched = 0;
	TRY(bulla_log_each(project->log, 0, head.size, bulla_events_take, events, err));
	bulla_cli_next(cli, "bulla audit verify");
	return BULLA_OK;
}

/* Without a filter the newest entries are the last ones. */
static bulla_code list_end(bulla_cli *cli, bulla_events *events, uint64_t last, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	bulla_log_head head;
	TRY(open_log(cli, &project, err));
	TRY(bulla_log_head_now(project->log, &head, err));
	TRY(bulla_log_each(project->log, head.size > last ? head.size - last : 0, head.size, bulla_events_take, events, err));
	bulla_cli_next(cli, "bulla audit verify");
	return BULLA_OK;
}

bulla_code bulla_run_audit_show(bulla_cli *cli, bulla_error *err)
{
	uint64_t last = 0;
	bulla_events events = { .cli = cli };
	TRY(bulla_cli_number(cli, "last", 1, UINT32_MAX, SHOWN, &last, err));
	return list_end(cli, &events, last, err);
}

/* Events name keys by their ids; what an alias stands for only the engine knows. */
static bulla_code resolve(bulla_cli *cli, bulla_key_info *ret, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	BULLA_BUF_AUTO bulla_buf id = { 0 };
	TRY(bulla_cli_key_id(bulla_cli_value(cli, "key"), &id, err));
	TRY(bulla_cli_open(cli, BULLA_PROJECT_ENGINE, &project, err));
	TRY(bulla_project_need_engine(project, err));
	return bulla_engine_describe(project->engine, bulla_view_buf(&id), ret, err);
}

static bool is_alias(const char *key)
{
	return strncmp(key, "alias/", 6) == 0 || strncmp(key, "local/", 6) == 0 || strcmp(key, "local") == 0;
}

bulla_code bulla_run_audit_lookup(bulla_cli *cli, bulla_error *err)
{
	uint64_t last = 0;
	bulla_events events = { .cli = cli };
	bulla_key_info key;
	TRY(bulla_cli_number(cli, "last", 1, UINT32_MAX, 0, &last, err));
	TRY(bulla_events_filter(&events, err));
	if (events.key && is_alias(events.key)) {
		TRY(resolve(cli, &key, err));
		events.key = key.id;
	}
	return list(cli, &events, last, err);
}

/* --- verify -------------------------------------------------------------------------------------------------------- */
static void put_report(bulla_json_writer *w, const bulla_vouched *r)
{
	bulla_json_put_bool(w, "verified", r->ok);
	bulla_json_put_bool(w, "vouched", r->vouched);
	bulla_json_put_str(w, "log", r->directory);
	bulla_json_put_str(w, "origin", r->origin);
	bulla_json_put_int(w, "entries", (int64_t)r->log.size);
	bulla_json_put_base64(w, "root", bulla_view(r->log.root, sizeof r->log.root));
	bulla_json_put_int(w, "checkpoints", (int64_t)r->log.checkpoints);
	bulla_json_put_int(w, "store_head", (int64_t)r->store_size);
	bulla_json_put_int(w, "verified_before", (int64_t)r->memory_size);
	bulla_json_put_int(w, "witnesses", (int64_t)r->witnesses);
	bulla_json_put_int(w, "witnesses_agree", (int64_t)r->witnesses_agree);
	bulla_json_put_int(w, "witnessed", (int64_t)r->witness_size);
	if (r->ok) return;
	bulla_json_put_str(w, "problem", r->problem);
	if (r->log.ok) return;
	bulla_json_put_int(w, "first_bad", (int64_t)r->log.bad_first);
	bulla_json_put_int(w, "last_bad", (int64_t)r->log.bad_last);
}

static void print_problem(bulla_cli *cli, const bulla_vouched *r)
{
	bulla_cli_print(cli, "%s does NOT verify: %s", r->directory, r->problem);
	if (r->log.ok) return;
	if (r->log.bad_first == r->log.bad_last)
		bulla_cli_print(cli, "first bad entry: %llu", (unsigned long long)r->log.bad_first);
	else
		bulla_cli_print(cli, "somewhere in entries %llu to %llu", (unsigned long long)r->log.bad_first,
				(unsigned long long)r->log.bad_last);
}

static void print_report(bulla_cli *cli, const bulla_vouched *r)
{
	char entries[BULLA_COUNT_MAX], checkpoints[BULLA_COUNT_MAX], seen[BULLA_COUNT_MAX];
	if (!r->ok) {
		print_problem(cli, r);
		return;
	}
	bulla_cli_print(cli, "%s: %s entries under %s signed checkpoints verify", r->directory,
			bulla_count_text(r->log.size, entries), bulla_count_text(r->log.checkpoints, checkpoints));
	bulla_cli_print(cli, "  the key store agrees (it has heard of %s)", bulla_count_text(r->store_size, seen));
	if (r->memory_size)
		bulla_cli_print(cli, "  it continues the log that was verified last (%s)",
				bulla_count_text(r->memory_size, seen));
	if (r->vouched)
		bulla_cli_print(cli, "  %zu of %zu witnesses vouch for it (up to entry %s)", r->witnesses_agree, r->witnesses,
				bulla_count_text(r->witness_size, seen));
	else
		bulla_cli_print(
			cli,
			"  nothing outside this host vouches for its end: whoever has this host can cut log and store alike");
}

static void show_progress(void *self, uint64_t done, uint64_t total)
{
	bulla_bar_show(self, "verify", done, total);
}

bulla_code bulla_run_audit_verify(bulla_cli *cli, bulla_error *err)
{
	bulla_vouched report;
	bulla_bar bar = bulla_bar_of(cli, "audit log");
	bulla_code code = bulla_project_audit_verify(bulla_cli_value(cli, "config"), bulla_cli_value(cli, "env"), show_progress,
						     &bar, &report, err);
	bulla_bar_done(&bar);
	TRY(code);
	bool strict = bulla_cli_switch(cli, "strict");
	if (!report.ok || (strict && !report.vouched)) cli->status = 3;
	if (cli->json)
		put_report(bulla_cli_json(cli), &report);
	else
		print_report(cli, &report);
	if (!report.ok)
		bulla_cli_next(cli, "find out what happened; keep the log as it is, out of the way; then: bulla audit adopt "
				    "--reason \"...\"");
	else if (!report.vouched)
		bulla_cli_next(cli, "audit: { witness: [\"file:/mnt/elsewhere/bulla.witness\"] } in bulla.yaml, on another host");
	else
		bulla_cli_next(cli, "bulla audit show");
	return BULLA_OK;
}

/* --- export, adopt ------------------------------------------------------------------------------------------------- */
static bulla_code export_files(bulla_cli *cli, const char *path, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	uint64_t files = 0;
	TRY(open_log(cli, &project, err));
	cli->lines = false;
	TRY(bulla_project_audit_export(project, path, &files, err));
	if (cli->json) {
		bulla_json_put_str(bulla_cli_json(cli), "directory", path);
		bulla_json_put_int(bulla_cli_json(cli), "files", (int64_t)files);
	} else {
		bulla_cli_print(cli, "%llu files in %s", (unsigned long long)files, path);
	}
	bulla_cli_next(cli, "any static web server can publish it; its newest checkpoint is %s/checkpoint", path);
	return BULLA_OK;
}

bulla_code bulla_run_audit_export(bulla_cli *cli, bulla_error *err)
{
	const char *path = bulla_cli_value(cli, "out");
	if (path) return export_files(cli, path, err);
	bulla_events events = { .cli = cli, .verbatim = true };
	return list(cli, &events, 0, err);
}

bulla_code bulla_run_audit_adopt(bulla_cli *cli, bulla_error *err)
{
	const char *reason = bulla_cli_value(cli, "reason");
	if (!reason || !*reason)
		return bulla_fail(err, BULLA_ERR_USAGE,
				  "adopting needs --reason \"what happened\": it becomes an entry of the log");
	bulla_adopted done;
	TRY(bulla_project_adopt(bulla_cli_value(cli, "config"), bulla_cli_value(cli, "env"), reason, &done, err));
	if (cli->json)
		bulla_json_put_bool(bulla_cli_json(cli), "adopted", done.adopted);
	else
		bulla_cli_print(cli,
				done.adopted
					? "the log goes on after a discontinuity, with the reason in it"
					: "the log and the key store belong together: nothing was adopted, and nothing written");
	TRY(bulla_cli_bury_again(cli, &done.buried, err));
	bulla_cli_tell_buried(cli, done.buried);
	bulla_cli_next(cli, "bulla audit verify");
	return BULLA_OK;
}
