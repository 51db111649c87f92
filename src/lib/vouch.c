/*
 * vouch.c - verifying a project's audit log: by itself, and against everything that has seen it before.
 */
#include "lib/vouch.h"
#include "lib/inside.h"
#include "lib/witness.h"

#include <stdio.h>

/* The verifier's memory: the signed checkpoint of the last log that was found to be well. */
#define VERIFIED_NOTE "verified"

static void complain(bulla_vouched *report, const char *problem)
{
	if (report->ok) (void)snprintf(report->problem, sizeof report->problem, "%s", problem);
	report->ok = false;
}

static bulla_code ask_store(bulla_project *project, bulla_log *log, bulla_vouched *report, bulla_error *err)
{
	bulla_kms_store rows = bulla_store_kms(project->store);
	bulla_log_head head;
	TRY(rows.head(rows.self, &head, err));
	report->store_size = head.size;
	TRY(bulla_log_contains(log, &head, &report->store_agrees, err));
	if (!report->store_agrees) complain(report, "the key store has heard of a head that this log does not contain");
	return BULLA_OK;
}

static bulla_code ask_memory(bulla_project *project, bulla_log *log, bulla_vouched *report, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	bulla_log_head head = { 0 };
	report->memory_agrees = true;
	bulla_code code = bulla_store_note_get(project->store, VERIFIED_NOTE, &note, err);
	if (code == BULLA_ERR_NOT_FOUND) return BULLA_OK;
	TRY(code);
	TRY(bulla_project_read_checkpoint(project, bulla_view_buf(&note), &head, err));
	report->memory_size = head.size;
	TRY(bulla_log_contains(log, &head, &report->memory_agrees, err));
	if (!report->memory_agrees) complain(report, "the log that was verified last time is not a beginning of this one");
	return BULLA_OK;
}

static bulla_code ask_witnesses(bulla_project *project, bulla_log *log, bulla_vouched *report, bulla_error *err)
{
	report->witnesses = bulla_schema_environment(project->schema)->witness_count;
	for (size_t i = 0; i < report->witnesses; i++) {
		bool agrees = false;
		uint64_t size = 0;
		TRY(bulla_witness_agrees(project, log, i, &agrees, &size, err));
		if (!agrees) complain(report, "a witness has seen a head that this log does not contain");
		if (!agrees || size == 0) continue;
		report->witnesses_agree++;
		report->vouched = true;
		if (size > report->witness_size) report->witness_size = size;
	}
	return BULLA_OK;
}

static bulla_code ask_all(bulla_project *project, bulla_vouched *report, bulla_error *err)
{
	bulla_log *log = NULL;
	TRY(bulla_project_log(project, NULL, false, &log, err));
	bulla_code code = ask_store(project, log, report, err);
	if (code == BULLA_OK) code = ask_memory(project, log, report, err);
	if (code == BULLA_OK) code = ask_witnesses(project, log, report, err);
	bulla_log_close(log);
	return code;
}

bulla_code bulla_project_remember_head(bulla_project *project, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	TRY(bulla_project_checkpoint(project, project->log, &note, err));
	return bulla_store_note_set(project->store, VERIFIED_NOTE, bulla_view_buf(&note), err);
}

/* The log is well: the next verification, and the witnesses, start from here. */
static bulla_code remember(bulla_project *project, bulla_error *err)
{
	TRY(bulla_project_open_log(project, false, err));
	TRY(bulla_project_remember_head(project, err));
	return bulla_witness_append(project, err);
}

static bulla_code recompute(bulla_project *project, void (*progress)(void *self, uint64_t done, uint64_t total), void *self,
			    bulla_log_report *ret, bulla_error *err)
{
	const char *origin = project->log_origin;
	if (!project->paths.log)
		return bulla_store_log_verify(project->store, origin, project->log_public, progress, self, ret, err);
	return bulla_log_verify(project->paths.log, origin, project->log_public, progress, self, ret, err);
}

static bulla_code verify(bulla_project *project, void (*progress)(void *self, uint64_t done, uint64_t total), void *self,
			 bulla_vouched *report, bulla_error *err)
{
	BULLA_SECRET root = { 0 };
	TRY(bulla_project_open_store(project, err));
	TRY(bulla_project_need_engine(project, err));
	TRY(bulla_project_need_log(project, err));
	TRY(bulla_project_unlock(project, &root, err));
	(void)snprintf(report->directory, sizeof report->directory, "%s",
		       project->paths.log ? project->paths.log : project->paths.place);
	(void)snprintf(report->origin, sizeof report->origin, "%s", project->log_origin);
	TRY(recompute(project, progress, self, &report->log, err));
	report->ok = true;
	if (!report->log.ok) {
		complain(report, report->log.problem);
		return BULLA_OK;
	}
	TRY(ask_all(project, report, err));
	return report->ok ? remember(project, err) : BULLA_OK;
}

bulla_code bulla_project_audit_verify(const char *config, const char *environment,
				      void (*progress)(void *self, uint64_t done, uint64_t total), void *self, bulla_vouched *ret,
				      bulla_error *err)
{
	bulla_project *project = NULL;
	*ret = (bulla_vouched){ 0 };
	TRY(bulla_project_read(config, environment, &project, err));
	bulla_code code = verify(project, progress, self, ret, err);
	bulla_project_close(project);
	return code;
}
