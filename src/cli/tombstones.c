/*
 * tombstones.c - carrying what the databases know of shredded branches into a key store that came back.
 */
#include "cli/tombstones.h"
#include "base/error.h"
#include "db/shred.h"
#include "lib/branches.h"

#include <string.h>

#define VERSIONS_MAX (64u << 20) /* bytes: 8 million versions of one database */

/* Only the first model of each database asks it. */
static bool is_asked(const bulla_model *models, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(models[k].database, models[i].database) == 0) return true;
	return false;
}

static bulla_code bury(bulla_cli *cli, bulla_project *project, const bulla_model *model, uint64_t *ret_buried, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf versions = { .max = VERSIONS_MAX };
	bulla_job job;
	bulla_error why = { 0 };
	bulla_code code = bulla_cli_job(cli, project, model, NULL, &job, &why);
	if (!code) code = bulla_job_tombstones(&job, &versions, &why);
	if (code) bulla_cli_warn(cli, "the database %s cannot say which branches were shredded: %s", model->database, why.text);
	for (size_t at = 0; !code && at < versions.len; at += 8) {
		uint64_t version = bulla_get_u64(versions.data + at);
		TRY(bulla_project_bury(project, &version, 1, ret_buried, err));
	}
	return BULLA_OK;
}

bulla_code bulla_cli_bury(bulla_cli *cli, bulla_project *project, uint64_t *ret_buried, bulla_error *err)
{
	size_t n = 0;
	const bulla_model *models = bulla_schema_models(project->schema, &n);
	for (size_t i = 0; i < n && project->store; i++)
		if (!is_asked(models, i)) TRY(bury(cli, project, &models[i], ret_buried, err));
	return BULLA_OK;
}

bulla_code bulla_cli_bury_again(bulla_cli *cli, uint64_t *ret_buried, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	TRY(bulla_cli_open(cli, BULLA_PROJECT_STORE, &project, err));
	return bulla_cli_bury(cli, project, ret_buried, err);
}

void bulla_cli_tell_buried(bulla_cli *cli, uint64_t buried)
{
	if (cli->json)
		bulla_json_put_int(bulla_cli_json(cli), "destroyed_again", (int64_t)buried);
	else if (buried)
		bulla_cli_print(cli, "%llu %s, and destroyed again: what was shredded stays so", (unsigned long long)buried,
				bulla_plural(buried, "branch key in it had been shredded since",
					     "branch keys in it had been shredded since"));
}
