/*
 * place.c - opens a key store by itself: as the only environment of a bulla.yaml that nobody wrote.
 */
#include "lib/place.h"
#include "lib/inside.h"

#include <stdio.h>

#define DEFAULT_STORE    "sqlite:.bulla/kms.db"
#define DEFAULT_ROOT_KEY "file:.bulla/root.key"

/* A single-quoted YAML scalar: a quote is doubled, nothing else means anything. */
static bulla_code put_quoted(bulla_buf *out, const char *text, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, '\'', err));
	for (const char *at = text; *at; at++) {
		if (*at == '\n' || *at == '\r')
			return bulla_fail(err, BULLA_ERR_USAGE, "a line break in the name of a store or a root key");
		if (*at == '\'') TRY(bulla_buf_add_u8(out, '\'', err));
		TRY(bulla_buf_add_u8(out, (uint8_t)*at, err));
	}
	return bulla_buf_add_u8(out, '\'', err);
}

static bulla_code write_config(const bulla_place *place, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_str(out, "version: 1\nenvironments:\n  development:\n    key: local\n    store: ", err));
	TRY(put_quoted(out, place->store ? place->store : DEFAULT_STORE, err));
	TRY(bulla_buf_add_str(out, "\n    root_key: ", err));
	TRY(put_quoted(out, place->root_key ? place->root_key : DEFAULT_ROOT_KEY, err));
	return bulla_buf_add_str(out, "\n", err);
}

static bulla_code settle(bulla_project *project, const bulla_place *place, bulla_error *err)
{
	project->patience = place->patience;
	if (place->account) TRY(bulla_paths_printf(&project->account, err, "%s", place->account));
	return place->region ? bulla_paths_printf(&project->region, err, "%s", place->region) : BULLA_OK;
}

static bulla_code open_or_make(bulla_project *project, bool create, char *ret_escrow, size_t escrow_size, bulla_error *err)
{
	bool complete = false;
	if (create) TRY(bulla_project_has_store(project, &complete, err));
	if (create && !complete) return bulla_project_init_store(project, ret_escrow, escrow_size, err);
	return BULLA_OK;
}

static bulla_code open_all(bulla_project *project, bulla_error *err)
{
	TRY(bulla_project_open_store(project, err));
	TRY(bulla_project_need_engine(project, err));
	if (project->paths.in_memory) return bulla_fail(err, BULLA_ERR_USAGE, "a key store in memory is nobody else's to use");
	return bulla_project_open_on_disk(project, err);
}

static bulla_code end(bulla_project *project, bulla_code code, bulla_project **out)
{
	if (code)
		bulla_project_close(project);
	else
		*out = project;
	return code;
}

bulla_code bulla_place_open(const bulla_place *place, bool create, bulla_project **out, char *ret_escrow, size_t escrow_size,
			    bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf config = { 0 };
	char escrow[512] = "";
	bulla_project *project = NULL;
	TRY(write_config(place, &config, err));
	TRY(bulla_project_read_text(bulla_view_buf(&config), &project, err));
	bulla_code code = settle(project, place, err);
	if (code == BULLA_OK) code = open_or_make(project, create, escrow, sizeof escrow, err);
	if (code == BULLA_OK) code = open_all(project, err);
	if (ret_escrow) (void)snprintf(ret_escrow, escrow_size, "%s", escrow);
	return end(project, code, out);
}

bulla_code bulla_place_open_config(const char *config, const char *environment, const bulla_place *place, bulla_project **out,
				   bulla_error *err)
{
	bulla_project *project = NULL;
	TRY(bulla_project_read(config, environment, &project, err));
	bulla_code code = settle(project, place, err);
	if (code == BULLA_OK) code = open_all(project, err);
	return end(project, code, out);
}
