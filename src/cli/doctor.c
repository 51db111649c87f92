/*
 * doctor.c - the command `doctor`: what is wrong with this installation, and how to mend it.
 */
#include "cli/doctor.h"
#include "base/error.h"
#include "cli/commands.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const bulla_option bulla_options_doctor[] = {
	{ "kms", 'k', NULL, "also use keys: each seals and opens something, rows under older ones are counted" },
	{ NULL },
};

/* In the order in which they are told. */
static const struct check {
	const char *id, *title;
	bulla_project_depth needs; /* 0: not even bulla.yaml */
	bool kms;                  /* only with --kms */
	bulla_check_run run;
} checks[] = {
	{ "configuration", "bulla.yaml", 0, false, bulla_check_configuration },
	{ "environment", "keys of the environment", BULLA_PROJECT_SCHEMA, false, bulla_check_environment },
	{ "permissions", "owners and modes of files", BULLA_PROJECT_SCHEMA, false, bulla_check_permissions },
	{ "store", "key store, root key, audit log", BULLA_PROJECT_SCHEMA, false, bulla_check_store },
	{ "escrow", "root keys that lie about", BULLA_PROJECT_SCHEMA, false, bulla_check_escrow },
	{ "witnesses", "who vouches for the audit log", BULLA_PROJECT_ENGINE, false, bulla_check_witnesses },
	{ "server", "the server of the key store", BULLA_PROJECT_STORE, false, bulla_check_server },
	{ "backups", "backups of the key store", BULLA_PROJECT_ENGINE, false, bulla_check_backups },
	{ "space", "room for the key store", BULLA_PROJECT_SCHEMA, false, bulla_check_store_space },
	{ "keys", "each key seals and opens", BULLA_PROJECT_KEYRING, true, bulla_check_keys },
	{ "databases", "databases and their room", BULLA_PROJECT_SCHEMA, false, bulla_check_databases },
	{ "jobs", "jobs, quarantine, what is not sealed", BULLA_PROJECT_SCHEMA, false, bulla_check_jobs },
	{ "guards", "triggers that guard sealed rows", BULLA_PROJECT_SCHEMA, false, bulla_check_guards },
	{ "shreds", "shreds that were begun", BULLA_PROJECT_ENGINE, false, bulla_check_shreds },
	{ "debt", "rows under older keys", BULLA_PROJECT_KEYRING, true, bulla_check_debt },
	{ "memory", "memory for keys, swap", 0, false, bulla_check_memory },
	{ "core_files", "core files, foreign readers", 0, false, bulla_check_core_files },
	{ "clock", "the clock", 0, false, bulla_check_clock },
};
#define CHECKS (sizeof checks / sizeof *checks)

/* How each check ended. */
typedef struct outcome {
	bool done;
	size_t findings;
} outcome;

/* --- findings ---------------------------------------------------------------------------------------------------- */
void bulla_diagnose(bulla_doctor *doctor, bulla_severity severity, const char *id, const char *subject, const char *cure,
		    const char *format, ...)
{
	va_list arguments;
	if (doctor->n == BULLA_DIAGNOSES_MAX) return;
	bulla_diagnosis *d = &doctor->list[doctor->n++];
	*d = (bulla_diagnosis){ .id = id, .severity = severity };
	(void)snprintf(d->subject, sizeof d->subject, "%s", subject ? subject : "");
	(void)snprintf(d->cure, sizeof d->cure, "%s", cure ? cure : "");
	va_start(arguments, format);
	(void)vsnprintf(d->text, sizeof d->text, format, arguments);
	va_end(arguments);
}

void bulla_prescribe(bulla_doctor *doctor, const char *format, ...)
{
	va_list arguments;
	if (doctor->n == 0) return;
	bulla_diagnosis *d = &doctor->list[doctor->n - 1];
	va_start(arguments, format);
	(void)vsnprintf(d->cure, sizeof d->cure, format, arguments);
	va_end(arguments);
}

void bulla_diagnose_error(bulla_doctor *doctor, bulla_severity severity, const char *id, const char *subject,
			  const bulla_error *err)
{
	bulla_diagnose(doctor, severity, id, subject, bulla_cli_advice(err, err->code), "%s", err->text);
}

bool bulla_system_read(const bulla_doctor *doctor, const char *path, char *out, size_t size)
{
	char whole[4096];
	(void)snprintf(whole, sizeof whole, "%s%s", doctor->system, path);
	int fd = open(whole, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	if (fd >= 0) (void)close(fd);
	out[n > 0 ? n : 0] = 0;
	if (n > 0 && out[n - 1] == '\n') out[n - 1] = 0;
	return n >= 0;
}

static bool counts(const bulla_diagnosis *d)
{
	return d->severity > BULLA_NOTE;
}

/* --- opening ----------------------------------------------------------------------------------------------------- */
/* As deep as it goes; the first failure, that of the deepest, is the one to tell of. */
static void open_project(bulla_doctor *doctor)
{
	bulla_error ignored;
	doctor->code = bulla_cli_open(doctor->cli, BULLA_PROJECT_SCHEMA, &doctor->project, &doctor->error);
	if (doctor->code) return;
	for (doctor->depth = BULLA_PROJECT_KEYRING; doctor->depth > BULLA_PROJECT_SCHEMA; doctor->depth--) {
		bulla_project *deeper = NULL;
		bool first = doctor->depth == BULLA_PROJECT_KEYRING;
		bulla_code code = bulla_cli_open(doctor->cli, doctor->depth, &deeper, first ? &doctor->error : &ignored);
		if (first) doctor->code = code;
		if (code) continue;
		bulla_project_close(doctor->project);
		doctor->project = deeper;
		return;
	}
}

static bulla_code examine(bulla_doctor *doctor, const bulla_model *model, bulla_json **ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	bulla_job job;
	TRY(bulla_cli_job(doctor->cli, doctor->project, model, NULL, &job, err));
	TRY(bulla_job_examine(&job, &text, err));
	return bulla_json_parse(bulla_view_buf(&text), ret, err);
}

/* What is wrong with a model's database is told by bulla_check_databases(), which asks again. */
static void examine_models(bulla_doctor *doctor)
{
	size_t n = 0;
	bulla_error ignored;
	const bulla_model *models = doctor->project ? bulla_schema_models(doctor->project->schema, &n) : NULL;
	for (size_t i = 0; i < n; i++)
		if (examine(doctor, &models[i], &doctor->models[i], &ignored)) doctor->models[i] = NULL;
}

static void doctor_done(bulla_doctor *doctor)
{
	for (size_t i = 0; i < BULLA_MODELS_MAX; i++)
		bulla_json_free(doctor->models[i]);
	bulla_project_close(doctor->project);
	free(doctor->list);
}

/* --- the answer -------------------------------------------------------------------------------------------------- */
static const char *const severities[] = { "note", "warning", "error" };

static void answer_json(bulla_cli *cli, const bulla_doctor *doctor, const outcome *outcomes)
{
	bulla_json_writer *w = bulla_cli_json(cli);
	bulla_json_open(w, "checks", '[');
	for (size_t i = 0; i < CHECKS; i++) {
		bulla_json_open(w, NULL, '{');
		bulla_json_put_str(w, "id", checks[i].id);
		bulla_json_put_bool(w, "done", outcomes[i].done);
		bulla_json_put_int(w, "findings", (int64_t)outcomes[i].findings);
		bulla_json_close(w, '}');
	}
	bulla_json_close(w, ']');
	bulla_json_open(w, "findings", '[');
	for (size_t i = 0; i < doctor->n; i++) {
		const bulla_diagnosis *d = &doctor->list[i];
		bulla_json_open(w, NULL, '{');
		bulla_json_put_str(w, "id", d->id);
		bulla_json_put_str(w, "severity", severities[d->severity]);
		bulla_json_put_str(w, "subject", d->subject[0] ? d->subject : NULL);
		bulla_json_put_str(w, "text", d->text);
		bulla_json_put_str(w, "cure", d->cure);
		bulla_json_close(w, '}');
	}
	bulla_json_close(w, ']');
}

static void print_finding(bulla_cli *cli, const bulla_diagnosis *d)
{
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	bulla_code code = bulla_buf_printf(&line, NULL, "  %s: %s%s%s: ", severities[d->severity], d->id,
					   d->subject[0] ? " " : "", d->subject);
	if (code == BULLA_OK) code = bulla_text_printable(bulla_view_str(d->text), &line, NULL);
	if (code == BULLA_OK && d->cure[0]) code = bulla_buf_add_str(&line, "\n    cure: ", NULL);
	if (code == BULLA_OK) code = bulla_text_printable(bulla_view_str(d->cure), &line, NULL);
	if (code == BULLA_OK) bulla_cli_print(cli, "%.*s", (int)line.len, (const char *)line.data);
}

static void print_check(bulla_cli *cli, const bulla_doctor *doctor, size_t i, const outcome *o, size_t from)
{
	const char *state = !o->done ? "not looked at" : o->findings ? "" : "well";
	bulla_cli_print(cli, "%s%s%s", checks[i].title, *state ? ": " : ":", state);
	for (size_t d = from; d < from + o->findings; d++)
		print_finding(cli, &doctor->list[d]);
}

static void answer_words(bulla_cli *cli, const bulla_doctor *doctor, const outcome *outcomes)
{
	size_t from = 0;
	for (size_t i = 0; i < CHECKS; i++) {
		if (checks[i].kms && !outcomes[i].done && !bulla_cli_switch(cli, "kms")) continue;
		print_check(cli, doctor, i, &outcomes[i], from);
		from += outcomes[i].findings;
	}
}

/* The worst first: its cure is the next step. */
static void suggest(bulla_cli *cli, const bulla_doctor *doctor)
{
	const bulla_diagnosis *worst = NULL;
	for (size_t i = 0; i < doctor->n; i++)
		if (counts(&doctor->list[i]) && (!worst || doctor->list[i].severity > worst->severity)) worst = &doctor->list[i];
	if (worst)
		bulla_cli_next(cli, "%s", worst->cure);
	else if (bulla_cli_switch(cli, "kms"))
		bulla_cli_next(cli, "bulla status");
	else
		bulla_cli_next(cli, "bulla doctor --kms (lets each key seal and open something)");
}

/* --- the command ------------------------------------------------------------------------------------------------- */
static void run_checks(bulla_doctor *doctor, outcome *outcomes)
{
	for (size_t i = 0; i < CHECKS; i++) {
		size_t before = doctor->n;
		if (checks[i].kms && !bulla_cli_switch(doctor->cli, "kms")) continue;
		outcomes[i].done = doctor->depth >= checks[i].needs;
		if (outcomes[i].done) checks[i].run(doctor);
		outcomes[i].findings = doctor->n - before;
	}
}

static int64_t clock_now(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bulla_code bulla_run_doctor(bulla_cli *cli, bulla_error *err)
{
	bulla_doctor doctor = { .cli = cli, .system = "", .now_us = clock_now() };
	outcome outcomes[CHECKS] = { 0 };
	doctor.list = calloc(BULLA_DIAGNOSES_MAX, sizeof *doctor.list);
	if (!doctor.list) return bulla_fail_memory(err);
	open_project(&doctor);
	examine_models(&doctor);
	run_checks(&doctor, outcomes);
	for (size_t i = 0; i < doctor.n; i++)
		if (counts(&doctor.list[i])) cli->status = 3;
	if (cli->json)
		answer_json(cli, &doctor, outcomes);
	else
		answer_words(cli, &doctor, outcomes);
	suggest(cli, &doctor);
	doctor_done(&doctor);
	return BULLA_OK;
}
