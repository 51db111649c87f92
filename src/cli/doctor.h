/*
 * doctor.h - one examination of an installation: checks, one function each, and what they find.
 *
 * A check adds findings and never fails: what cannot be looked at is a finding itself. No finding holds a value, a key, or the
 * content of a file.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/work.h"

#define BULLA_DIAGNOSES_MAX 500
#define BULLA_DIAGNOSIS_MAX 400 /* bytes of a text */

typedef enum bulla_severity {
	BULLA_NOTE = 0,    /* worth knowing; does not count for the exit status */
	BULLA_WARNING = 1, /* a promise is weaker than it should be */
	BULLA_DANGER = 2   /* "error": it does not work, or secrets or rows are at risk */
} bulla_severity;

typedef struct bulla_diagnosis {
	const char *id; /* of its kind: stands in docs/DOCTOR.md, append-only */
	bulla_severity severity;
	char subject[136]; /* a model, a key; may be empty */
	char text[BULLA_DIAGNOSIS_MAX];
	char cure[BULLA_DIAGNOSIS_MAX];
} bulla_diagnosis;

typedef struct bulla_doctor {
	bulla_cli *cli;
	bulla_project *project;    /* NULL: bulla.yaml could not be read */
	bulla_project_depth depth; /* how deep it opened */
	bulla_code code;           /* why not deeper */
	bulla_error error;
	const char *system; /* before "/proc/..."; empty but in tests */
	int64_t now_us;
	size_t n;
	bulla_diagnosis *list;                /* BULLA_DIAGNOSES_MAX of them */
	bulla_json *models[BULLA_MODELS_MAX]; /* what bulla_job_examine() said of each, in order; NULL: nothing */
} bulla_doctor;

/* Adds one; `cure` may be NULL only where there is none. */
void bulla_diagnose(bulla_doctor *doctor, bulla_severity severity, const char *id, const char *subject, const char *cure,
		    const char *format, ...) BULLA_PRINTF(6, 7);
/* The same with a formatted cure, for the finding just added. */
void bulla_prescribe(bulla_doctor *doctor, const char *format, ...) BULLA_PRINTF(2, 3);
/* A failure of ours as a finding, with its own next step as the cure. */
void bulla_diagnose_error(bulla_doctor *doctor, bulla_severity severity, const char *id, const char *subject,
			  const bulla_error *err);

/* A small file of the system, without its last line break; false when it cannot be read. */
bool bulla_system_read(const bulla_doctor *doctor, const char *path, char *out, size_t size);

/* --- checks ------------------------------------------------------------------------------------------------------ */
typedef void (*bulla_check_run)(bulla_doctor *doctor);

/* doctor_config.c */
void bulla_check_configuration(bulla_doctor *doctor);
void bulla_check_environment(bulla_doctor *doctor);

/* doctor_machine.c */
void bulla_check_memory(bulla_doctor *doctor);
void bulla_check_core_files(bulla_doctor *doctor);
void bulla_check_clock(bulla_doctor *doctor);

/* doctor_store.c */
void bulla_check_store(bulla_doctor *doctor);
void bulla_check_permissions(bulla_doctor *doctor);
void bulla_check_escrow(bulla_doctor *doctor);
void bulla_check_witnesses(bulla_doctor *doctor);
void bulla_check_server(bulla_doctor *doctor);
void bulla_check_store_space(bulla_doctor *doctor);
void bulla_check_keys(bulla_doctor *doctor); /* --kms */

/* doctor_database.c */
void bulla_check_jobs(bulla_doctor *doctor);
void bulla_check_guards(bulla_doctor *doctor);
void bulla_check_databases(bulla_doctor *doctor);
void bulla_check_debt(bulla_doctor *doctor);

/* doctor_backups.c */
void bulla_check_backups(bulla_doctor *doctor);

/* doctor_shred.c */
void bulla_check_shreds(bulla_doctor *doctor);

#endif
