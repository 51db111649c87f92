/*
 * doctor_backups.c - checks of backups: is there one, has it every key, and until when does one bring back what was shredded?
 */
#include "cli/doctor.h"
#include "cli/times.h"
#include "db/shred.h"

#define BACKUP_CURE "back up the data first, the key store after it: bulla kms backup FILE"

/* When the last shred was, in any database of the project; 0: never. A database that does not open is another check's. */
static int64_t last_shred(bulla_doctor *doctor)
{
	size_t n = 0;
	int64_t last = 0;
	const bulla_model *models = bulla_schema_models(doctor->project->schema, &n);
	for (size_t i = 0; i < n; i++) {
		bulla_job job;
		int64_t at_us = 0;
		bulla_error ignored;
		if (bulla_cli_job(doctor->cli, doctor->project, &models[i], NULL, &job, &ignored)) continue;
		if (bulla_job_shreds_last(&job, &at_us, &ignored) == BULLA_OK && at_us > last) last = at_us;
	}
	return last;
}

/* A backup from before a shred has the key that was destroyed: until the last such backup is gone, the shred is not complete. */
static void check_shredded(bulla_doctor *doctor, int64_t shred_us, int64_t backup_us)
{
	char shred[BULLA_TIME_TEXT], at[BULLA_TIME_TEXT];
	int64_t kept_us = bulla_schema_environment(doctor->project->schema)->backup_retention_ms * 1000;
	int64_t gone_us = shred_us + kept_us;
	(void)bulla_time_text(shred_us, shred);
	if (shred_us == 0 || (kept_us && gone_us <= doctor->now_us)) return;
	if (!kept_us)
		bulla_diagnose(
			doctor, BULLA_NOTE, "backup_retention", NULL, "say it in bulla.yaml: backups: { retention: 30d }",
			"records were shredded, the last on %.19s, and nobody can say when the last backup that brings them back "
			"is gone: how long backups are kept is unknown",
			shred);
	if (backup_us && backup_us < shred_us) {
		bulla_diagnose(doctor, BULLA_WARNING, "backup_shredded", NULL, NULL,
			       "the last backup of the key store (%.19s) has keys that were shredded since (%.19s)",
			       bulla_time_text(backup_us, at), shred);
		bulla_prescribe(doctor, "bulla kms backup FILE, then destroy the backups from before the shred");
	} else if (kept_us) {
		bulla_diagnose(doctor, BULLA_NOTE, "backup_shredded", NULL, "destroy those backups, or wait until then",
			       "until %.10s backups of data and key store from before %.19s bring back what was shredded",
			       bulla_time_text(gone_us, at), shred);
	}
}

static void check_last(bulla_doctor *doctor, const bulla_backed_up *backup)
{
	char at[BULLA_TIME_TEXT];
	int64_t kept_us = bulla_schema_environment(doctor->project->schema)->backup_retention_ms * 1000;
	(void)bulla_time_text(backup->at_us, at);
	if (backup->keys + backup->branches)
		bulla_diagnose(doctor, BULLA_WARNING, "backup_old", NULL, BACKUP_CURE,
			       "since the last backup of the key store (%.19s) %llu KMS keys have new material and %llu branch "
			       "keys were made: what is sealed under them no backup opens",
			       at, (unsigned long long)backup->keys, (unsigned long long)backup->branches);
	if (kept_us && backup->at_us + kept_us < doctor->now_us)
		bulla_diagnose(doctor, BULLA_WARNING, "backup_expired", NULL, BACKUP_CURE,
			       "the last backup of the key store (%.19s) is older than backups are kept (backups: retention): "
			       "there may be none any more",
			       at);
}

void bulla_check_backups(bulla_doctor *doctor)
{
	bulla_error err = { 0 };
	bulla_backed_up backup;
	if (!doctor->project->store || doctor->project->paths.in_memory) return;
	if (bulla_project_backed_up(doctor->project, &backup, &err)) {
		bulla_diagnose_error(doctor, BULLA_WARNING, "backup_unknown", NULL, &err);
		return;
	}
	if (backup.at_us == 0)
		bulla_diagnose(doctor, BULLA_WARNING, "backup_none", NULL, BACKUP_CURE,
			       "the key store was never backed up: with it all that is sealed under its keys would be lost");
	else
		check_last(doctor, &backup);
	check_shredded(doctor, last_shred(doctor), backup.at_us);
}
