/*
 * branch_context.c - the context under which a branch key of the store is wrapped.
 */
#include "core/layout.h"
#include "lib/inside.h"

static bool is_shared(const bulla_model *model)
{
	return model->data_key == BULLA_DATA_KEY_FIELD || model->data_key == BULLA_DATA_KEY_TABLE;
}

static bulla_code try_key(const bulla_layout *layout, size_t k, bulla_bytes identity, bool *ret_found, bulla_buf *out,
			  bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf own = { 0 };
	bulla_row_context context;
	TRY(bulla_layout_shared(layout, k, &own, err));
	*ret_found = bulla_bytes_equal(bulla_view_buf(&own), identity);
	if (!*ret_found) return BULLA_OK;
	TRY(bulla_layout_context(layout, layout->key_plan[k], NULL, &context, err));
	return bulla_buf_add(out, bulla_view(context.bytes, context.len), err);
}

static bulla_code try_model(const bulla_model *model, bulla_bytes identity, bool *ret_found, bulla_buf *out, bulla_error *err)
{
	bulla_layout layout;
	TRY(bulla_layout_init(&layout, model, err));
	bulla_code code = BULLA_OK;
	for (size_t k = 0; k < model->key_count && !*ret_found && !code; k++)
		code = try_key(&layout, k, identity, ret_found, out, err);
	bulla_layout_done(&layout);
	return code;
}

/* A shared data key has the context of its model, as the rows have it that carry copies of its wraps. */
static bulla_code shared_context(const bulla_project *project, bulla_bytes identity, bulla_buf *out, bulla_error *err)
{
	size_t n;
	bool found = false;
	const bulla_model *models = bulla_schema_models(project->schema, &n);
	for (size_t i = 0; i < n && !found; i++)
		if (is_shared(&models[i])) TRY(try_model(&models[i], identity, &found, out, err));
	return found ? BULLA_OK : bulla_fail(err, BULLA_ERR_NOT_FOUND, "no model of bulla.yaml has that shared data key");
}

bulla_code bulla_project_branch_context(const bulla_project *project, bulla_lane *lane, const bulla_branch_row *row,
					bulla_buf *out, bulla_error *err)
{
	bulla_branch_purpose purpose;
	TRY(bulla_branch_purpose_of(row->identity, &purpose, err));
	if (purpose == BULLA_BRANCH_SHARED) return shared_context(project, row->identity, out, err);
	return bulla_branch_context(lane, row->identity, row->version, out, err);
}
