/*
 * model.c - names and positions of a model, for callers that build rows.
 */
#include "core/schema.h"

#include "core/keyring.h"

bulla_code bulla_keyring_model(const bulla_keyring *keyring, const char *key, const bulla_model **ret, bulla_error *err)
{
	return bulla_schema_model(bulla_keyring_schema(keyring), key, ret, err);
}

size_t bulla_model_fields(const bulla_model *model)
{
	return model->field_count;
}

const char *bulla_model_field_name(const bulla_model *model, size_t position)
{
	return position < model->field_count ? model->fields[position].name : NULL;
}

const char *bulla_model_field_column(const bulla_model *model, size_t position)
{
	return position < model->field_count ? model->fields[position].column : NULL;
}

const char *bulla_model_field_index(const bulla_model *model, size_t position)
{
	return position < model->field_count && model->fields[position].index ? model->fields[position].index->column : NULL;
}

const char *bulla_model_field_previous_index(const bulla_model *model, size_t position)
{
	const bulla_field *before = position < model->field_count ? model->fields[position].before : NULL;
	return before ? before->index->column : NULL;
}

bulla_code bulla_model_position(const bulla_model *model, const char *field, size_t *ret, bulla_error *err)
{
	const bulla_field *found;
	TRY(bulla_model_field(model, field, &found, err));
	*ret = found->position;
	return BULLA_OK;
}

size_t bulla_model_inputs(const bulla_model *model)
{
	return model->input_count;
}

const char *bulla_model_input(const bulla_model *model, size_t position)
{
	return position < model->input_count ? model->inputs[position] : NULL;
}

size_t bulla_model_keys(const bulla_model *model)
{
	return model->key_count;
}

const char *bulla_model_key_column(const bulla_model *model, size_t position)
{
	return position < model->key_count ? model->keys[position].column : NULL;
}
