/*
 * keyring.c - the keyring of a project: the wiring of <bulla/keyring.h> to the rooms below.
 */
#include "lib/inside.h"
#include "io/file.h"
#include "provider/providers.h"

#include <bulla/bulla.h>
#include <stdlib.h>

#define KEY_FILE_MAX 65536

static const char *lookup(void *self, const char *name)
{
	(void)self;
	return getenv(name);
}

static bulla_code read_key_file(void *self, const char *path, bulla_buf *out, bulla_error *err)
{
	(void)self;
	return bulla_file_read_private(path, KEY_FILE_MAX, out, err);
}

/* Nothing is released by a use of a key that is out already, so a failure to count it stops nothing: `audit verify` and the next
 * call of the engine tell of a log that cannot be written. */
static void cached_use(void *self, bulla_bytes print, uint64_t version, const char *purpose, int64_t count)
{
	bulla_project *project = self;
	uint8_t material[8];
	bulla_put_u64(material, version);
	bulla_event event = {
		.operation = "CachedUse",
		.key = print,
		.material = bulla_view(material, sizeof material),
		.outcome = "ok",
		.count = count,
		.detail = bulla_view_str(purpose),
	};
	bulla_error ignored;
	if (bulla_engine_record(project->engine, &event, &ignored)) return;
}

bulla_provider_world bulla_project_world(bulla_project *project)
{
	return (bulla_provider_world){
		.find = bulla_provider_find,
		.engine = project->engine,
		.base_dir = project->paths.base_dir,
		.getenv = lookup,
		.read_key_file = read_key_file,
		.self = project,
		.insecure = bulla_schema_environment(project->schema)->insecure,
	};
}

bulla_code bulla_project_open_keyring(bulla_project *project, const bulla_keyring_options *options, bulla_error *err)
{
	bulla_keyring_config config = {
		.schema = project->schema,
		.world = bulla_project_world(project),
		.branches = project->store ? &project->branches : NULL,
		.backend = project->backend,
		.now_us = bulla_now_us,
		.notify = options->notify,
		.notify_self = options->notify_self,
		.cached_use = project->engine ? cached_use : NULL,
		.cached_use_self = project,
		.release = bulla_project_release,
		.owner = project,
	};
	return bulla_keyring_new(&config, &project->keyring, err);
}

bulla_code bulla_keyring_open(const bulla_keyring_options *options, bulla_keyring **out, bulla_error *err)
{
	bulla_keyring_options known = { .size = sizeof known };
	if (options && options->size == 0) return bulla_fail(err, BULLA_ERR_USAGE, "bulla_keyring_options.size is not set");
	/* a caller built against an older or newer header brings fewer or more members */
	if (options) memcpy(&known, options, options->size < sizeof known ? options->size : sizeof known);
	bulla_project *project = NULL;
	TRY(bulla_project_open_with(&known, BULLA_PROJECT_KEYRING, &project, err));
	*out = project->keyring;
	return BULLA_OK;
}

const char *bulla_version(void)
{
	return BULLA_VERSION;
}
