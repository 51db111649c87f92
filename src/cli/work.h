/*
 * work.h - what the commands share: opening the project, choosing models, a job for one of them.
 */
#ifndef CLI_WORK_H
#define CLI_WORK_H

#include "cli/progress.h"
#include "db/job.h"
#include "lib/project.h"

/* How long --lock-wait lets a lock be waited for; after a second the user is told. */
BULLA_MUST bulla_code bulla_cli_patience(bulla_cli *cli, bulla_patience *ret, bulla_error *err);

/* With --config and --env. */
BULLA_MUST bulla_code bulla_cli_open(bulla_cli *cli, bulla_project_depth depth, bulla_project **ret, bulla_error *err);

static inline void bulla_project_closed(bulla_project **project)
{
	bulla_project_close(*project);
}

#define BULLA_PROJECT_AUTO __attribute__((cleanup(bulla_project_closed))) bulla_project *

/* The models that a command is about: the one its first argument names (cli->subject is set), else all, in the file's order.
 * NOT_FOUND where there are none. */
BULLA_MUST bulla_code bulla_cli_models(bulla_cli *cli, const bulla_project *project, const bulla_model **ret, size_t *ret_n,
				       bulla_error *err);

/* The one model that the first argument names. */
BULLA_MUST bulla_code bulla_cli_model(const bulla_cli *cli, const bulla_project *project, const bulla_model **ret,
				      bulla_error *err);

/* A job over `model`. `bar` lives as long as the job and may be NULL. */
BULLA_MUST bulla_code bulla_cli_job(bulla_cli *cli, bulla_project *project, const bulla_model *model, bulla_bar *bar,
				    bulla_job *ret, bulla_error *err);

/* What the engine calls it: "alias/NAME" for `local/NAME`, "alias/default" for `local`; other key ids as they are. */
BULLA_MUST bulla_code bulla_cli_key_id(const char *text, bulla_buf *out, bulla_error *err);

/* Appends everything on stdin. LIMIT beyond `max` bytes. */
BULLA_MUST bulla_code bulla_cli_stdin(const bulla_cli *cli, size_t max, bulla_buf *out, bulla_error *err);

/* Appends a whole file; "-" is stdin. */
BULLA_MUST bulla_code bulla_cli_read_file(const bulla_cli *cli, const char *path, size_t max, bulla_buf *out, bulla_error *err);
/* Writes a new file; EXISTS. */
BULLA_MUST bulla_code bulla_cli_write_file(const char *path, bulla_bytes data, bulla_error *err);

#endif
