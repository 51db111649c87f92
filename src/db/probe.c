/*
 * probe.c - sealing a record that nobody keeps.
 */
#include "db/probe.h"

/* Some value that a field of each type takes. */
static bulla_value some_value(bulla_type type)
{
	bulla_value text = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("0") };
	switch (type) {
	case BULLA_TYPE_BINARY:
		return (bulla_value){ .kind = BULLA_KIND_BINARY, .bytes = bulla_view_str("0") };
	case BULLA_TYPE_BOOLEAN:
	case BULLA_TYPE_INTEGER:
		return (bulla_value){ .kind = BULLA_KIND_INTEGER };
	case BULLA_TYPE_FLOAT:
		return (bulla_value){ .kind = BULLA_KIND_FLOAT };
	default:
		return text;
	}
}

bool bulla_probe_is_possible(const bulla_model *model)
{
	return bulla_model_branch_is_constant(model);
}

/* The inputs do not matter: nothing of this record is kept. */
bulla_code bulla_probe_seal(const bulla_model *model, bulla_batch *batch, bulla_probe *ret, bulla_error *err)
{
	*ret = (bulla_probe){ .row = { .cell_count = model->field_count } };
	ret->row.inputs = ret->inputs;
	ret->row.cells = ret->cells;
	ret->row.keys = ret->keys;
	for (size_t i = 0; i < model->input_count; i++)
		ret->inputs[i] = bulla_view_str("0");
	for (size_t f = 0; f < model->field_count; f++)
		ret->cells[f] = (bulla_cell){ .field = f, .value = some_value(model->fields[f].type) };
	TRY(bulla_batch_seal(batch, &ret->row, 1, err));
	return ret->row.code ? bulla_row_explain(batch, &ret->row, err) : BULLA_OK;
}

bulla_code bulla_probe_open(bulla_probe *probe, bulla_batch *batch, bulla_error *err)
{
	TRY(bulla_batch_open(batch, &probe->row, 1, err));
	return probe->row.code ? bulla_row_explain(batch, &probe->row, err) : BULLA_OK;
}
