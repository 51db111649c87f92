/*
 * schema.c - fuzz target: bytes as bulla.yaml. A schema that is taken can be laid out for cryptography.
 */
#include "fuzz.h"

#include "core/layout.h"

static const char *look_up(void *self, const char *name)
{
	(void)self;
	return strcmp(name, "SET") == 0 ? "a value" : NULL;
}

static void check_template(const bulla_model *model, const bulla_template *t)
{
	for (size_t i = 0; i < t->parts; i++)
		HOLDS(t->part[i].literal ? t->part[i].literal[0] : t->part[i].input < model->input_count);
}

static void check_context(const bulla_model *model, const bulla_context_part *parts, size_t n)
{
	HOLDS(n <= BULLA_CONTEXT_PAIRS_MAX);
	for (size_t i = 0; i < n; i++) {
		HOLDS(parts[i].name && (!parts[i].constant || parts[i].value));
		if (!parts[i].constant) check_template(model, &parts[i].template_);
	}
}

static void check_field(const bulla_model *model, const bulla_field *field)
{
	HOLDS(field->name && field->plaintext && field->column && bulla_type_name(field->type));
	HOLDS(model->data_key == BULLA_DATA_KEY_NONE || field->key < model->key_count);
	HOLDS(field->padding <= BULLA_PADDING_MAX && &model->fields[field->position] == field);
	if (!field->index) return;
	HOLDS(field->index->bits >= 8 && field->index->bits <= 256 && field->index->bits % 8 == 0 && field->index->version);
	HOLDS(!field->index->scope || field->index->scope_input < model->input_count);
}

static void check_model(const bulla_schema *schema, const bulla_model *model)
{
	bulla_error err = { 0 };
	bulla_layout layout = { 0 };
	const bulla_model *found = NULL;
	fuzz_must(bulla_schema_model(schema, model->key, &found, &err), &err);
	HOLDS(found == model && model->primary_key_count && model->input_count <= BULLA_INPUTS_MAX);
	check_context(model, model->context, model->context_count);
	for (size_t i = 0; i < model->key_count; i++)
		check_context(model, model->keys[i].context, model->keys[i].context_count);
	for (size_t i = 0; i < model->field_count; i++)
		check_field(model, &model->fields[i]);
	if (model->branch.name.text) check_template(model, &model->branch.name);
	fuzz_must(bulla_layout_init(&layout, model, &err), &err);
	bulla_layout_done(&layout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	bulla_schema *schema = NULL;
	size_t n;
	bulla_code code = bulla_schema_parse(bulla_view(data, size), "bulla.yaml", NULL, NULL, look_up, NULL, &schema, &err);
	if (!fuzz_ok(code, &err)) {
		HOLDS(!schema);
		return 0;
	}
	const bulla_environment *environment = bulla_schema_environment(schema);
	HOLDS(environment->key_count && environment->min_wraps >= 1 && environment->min_wraps <= environment->key_count);
	const bulla_model *models = bulla_schema_models(schema, &n);
	for (size_t i = 0; i < n; i++)
		check_model(schema, &models[i]);
	bulla_schema_free(schema);
	return 0;
}
