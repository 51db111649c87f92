/*
 * schema_model.c - a model: which table, which row, under which context and keys.
 */
#include "core/schema_read.h"

#include <string.h>

/* The only format that this release reads and writes; the others of docs/SCHEMA.md are refused by name. */
static const char *const formats[] = { "bulla", NULL };

static const char *const model_keys[] = { "database",   "table",  "primary_key", "context", "data_key",
					  "branch_key", "fields", "migrating",   "read",    "format",
					  "data_keys",  "insert", "reseal",      "checks",  NULL };

/* --- which table -------------------------------------------------------------------------------------------------------------- */

static bulla_code find_database(bulla_schema_reader *r, bulla_model *model)
{
	const bulla_yaml *node = bulla_yaml_get(model->source, "database");
	model->database = "main";
	TRY(bulla_schema_text(r, model->source, "database", BULLA_NAME_MAX, &model->database));
	for (size_t i = 0; i < r->schema->database_count; i++)
		if (strcmp(r->schema->databases[i].name, model->database) == 0) return BULLA_OK;
	if (node) return bulla_yaml_fail(r->document, node, r->err, "this database is not under databases:");
	if (r->schema->database_count == 0) return BULLA_OK; /* the host brings its own */
	bulla_yaml_fail_key(r->document, model->source, r->err, "there is no database main for the model %.64s", model->key);
	return bulla_advise(r->err, BULLA_ERR_CONFIG, "call a database main, or write database: NAME in the model");
}

static bulla_code read_place(bulla_schema_reader *r, bulla_model *model)
{
	TRY(find_database(r, model));
	model->table = model->key;
	TRY(bulla_schema_text(r, model->source, "table", BULLA_NAME_MAX, &model->table));
	TRY(bulla_schema_take(r, 1, sizeof *model->primary_key, &model->primary_key));
	model->primary_key[0] = "id";
	model->primary_key_count = 1;
	return bulla_schema_list(r, model->source, "primary_key", BULLA_INPUTS_MAX, BULLA_NAME_MAX, &model->primary_key,
				 &model->primary_key_count);
}

/* --- under which context ------------------------------------------------------------------------------------------------------ */

static bulla_code read_context(bulla_schema_reader *r, bulla_model *model)
{
	TRY(bulla_schema_context(r, model, bulla_yaml_get(model->source, "context"), &model->context, &model->context_count));
	model->name = model->key;
	for (size_t i = 0; i < model->context_count; i++)
		if (model->context[i].constant && strcmp(model->context[i].name, "model_name") == 0)
			model->name = model->context[i].value;
	return BULLA_OK;
}

/* --- under which keys --------------------------------------------------------------------------------------------------------- */

static bulla_code read_branch(bulla_schema_reader *r, bulla_model *model)
{
	static const char *const keys[] = { "name", "under", NULL };
	const bulla_yaml *node = bulla_yaml_get(model->source, "branch_key"), *name = node;
	const char *text;
	if (!node) return BULLA_OK;
	if (model->data_key == BULLA_DATA_KEY_NONE)
		return bulla_yaml_fail_key(r->document, node, r->err,
					   "with data_key: none the KMS encrypts each value: there is no branch key");
	if (node->kind == BULLA_YAML_MAP) {
		TRY(bulla_yaml_check_keys(r->document, node, keys, r->err));
		name = bulla_yaml_get(node, "name");
		if (!name) return bulla_yaml_fail_key(r->document, node, r->err, "branch_key needs a name, as in \"user:{id}\"");
		TRY(bulla_schema_text(r, node, "under", BULLA_SETTING_MAX, &model->branch.under));
	}
	TRY(bulla_schema_scalar(r, name, BULLA_SETTING_MAX, &text));
	TRY(bulla_schema_template(r, model, name, text, &model->branch.name));
	if (!model->branch.under) return BULLA_OK;
	const bulla_yaml *under = bulla_yaml_get(node, "under");
	if (strpbrk(model->branch.under, "{}"))
		return bulla_yaml_fail(r->document, under, r->err, "under names one branch key: it cannot depend on a column");
	if (strcmp(model->branch.under, text) == 0)
		return bulla_yaml_fail(r->document, under, r->err, "a branch key cannot hang from itself");
	return BULLA_OK;
}

static bulla_code read_data_key_entry(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, bulla_key_spec *key)
{
	static const char *const keys[] = { "key", "context", "column", NULL };
	const bulla_yaml *context = bulla_yaml_get(node, "context");
	*key = (bulla_key_spec){ .name = node->key, .context = model->context, .context_count = model->context_count };
	TRY(bulla_yaml_check_keys(r->document, node, keys, r->err));
	TRY(bulla_schema_text(r, node, "key", BULLA_SETTING_MAX, &key->kms_key));
	TRY(bulla_arena_printf(&r->schema->arena, &key->column, r->err, "encrypted_kms_key_%s", key->name));
	TRY(bulla_schema_text(r, node, "column", BULLA_NAME_MAX, &key->column));
	return context ? bulla_schema_context(r, model, context, &key->context, &key->context_count) : BULLA_OK;
}

static bulla_code read_record_keys(bulla_schema_reader *r, bulla_model *model)
{
	const bulla_yaml *map;
	size_t n;
	TRY(bulla_schema_map(r, model->source, "data_keys", BULLA_FIELDS_MAX, &map, &n));
	if (n && model->data_key != BULLA_DATA_KEY_RECORD)
		return bulla_yaml_fail_key(r->document, map, r->err, "data_keys goes with data_key: record");
	if (model->data_key != BULLA_DATA_KEY_RECORD) return BULLA_OK;
	TRY(bulla_schema_take(r, n + 1, sizeof *model->keys, &model->keys));
	model->keys[0] = (bulla_key_spec){ .column = "encrypted_kms_key",
					   .context = model->context,
					   .context_count = model->context_count };
	model->key_count = 1;
	for (const bulla_yaml *node = map ? map->first : NULL; node; node = node->next)
		TRY(read_data_key_entry(r, model, node, &model->keys[model->key_count++]));
	return BULLA_OK;
}

/* One key for many rows: what distinguishes rows cannot be in its context. */
static bulla_code make_shared_keys(bulla_schema_reader *r, bulla_model *model)
{
	bool each = model->data_key == BULLA_DATA_KEY_FIELD;
	if (!each && model->data_key != BULLA_DATA_KEY_TABLE) return BULLA_OK;
	model->key_count = each ? model->field_count : 1;
	TRY(bulla_schema_take(r, model->key_count, sizeof *model->keys, &model->keys));
	for (size_t k = 0; k < model->key_count; k++) {
		bulla_key_spec *key = &model->keys[k];
		*key = (bulla_key_spec){ .column = "encrypted_kms_key" };
		TRY(bulla_schema_constants(r, model, &key->context, &key->context_count));
		if (!each) continue;
		key->name = model->fields[k].name;
		model->fields[k].key = k;
		TRY(bulla_arena_printf(&r->schema->arena, &key->column, r->err, "encrypted_kms_key_%s", key->name));
	}
	return BULLA_OK;
}

/* --- how it is used ----------------------------------------------------------------------------------------------------------- */

static bulla_code read_conduct(bulla_schema_reader *r, bulla_model *model)
{
	static const char *const reads[] = { "ciphertext", "plaintext", NULL }, *const inserts[] = { "two_step", NULL },
				 *const reseals[] = { "record", NULL };
	const bulla_yaml *node = model->source;
	size_t read, unused = 0;
	TRY(bulla_schema_choice(r, node, "format", formats, &unused));
	TRY(bulla_schema_choice(r, node, "insert", inserts, &unused));
	TRY(bulla_schema_choice(r, node, "reseal", reseals, &unused));
	model->two_step_insert = bulla_yaml_get(node, "insert") != NULL;
	model->reseal_record = bulla_yaml_get(node, "reseal") != NULL;
	TRY(bulla_schema_flag(r, node, "migrating", &model->migrating));
	read = model->migrating ? BULLA_READ_PLAINTEXT : BULLA_READ_CIPHERTEXT;
	TRY(bulla_schema_choice(r, node, "read", reads, &read));
	model->read = (bulla_read_mode)read;
	if (model->read == BULLA_READ_PLAINTEXT && !model->migrating)
		return bulla_yaml_fail(r->document, bulla_yaml_get(node, "read"), r->err,
				       "read: plaintext goes with migrating: true");
	return BULLA_OK;
}

static bulla_code read_model(bulla_schema_reader *r, const bulla_yaml *node, bulla_model *model)
{
	static const char *const modes[] = { "record", "field", "table", "none", NULL };
	size_t mode = BULLA_DATA_KEY_RECORD;
	*model = (bulla_model){ .key = node->key, .source = node };
	TRY(bulla_yaml_check_keys(r->document, node, model_keys, r->err));
	TRY(bulla_schema_take(r, BULLA_INPUTS_MAX, sizeof *model->inputs, &model->inputs));
	TRY(read_place(r, model));
	TRY(read_context(r, model));
	TRY(bulla_schema_choice(r, node, "data_key", modes, &mode));
	model->data_key = (bulla_data_key_mode)mode;
	TRY(read_branch(r, model));
	TRY(read_record_keys(r, model));
	TRY(bulla_schema_fields(r, model));
	TRY(make_shared_keys(r, model));
	TRY(bulla_schema_checks(r, model));
	return read_conduct(r, model);
}

bulla_code bulla_schema_model_list(bulla_schema_reader *r, const bulla_yaml *root)
{
	bulla_schema *s = r->schema;
	const bulla_yaml *map;
	size_t n;
	TRY(bulla_yaml_check_set(r->document, bulla_yaml_get(root, "models"), r->err));
	TRY(bulla_schema_map(r, root, "models", BULLA_MODELS_MAX, &map, &n));
	if (n == 0) return BULLA_OK;
	TRY(bulla_schema_take(r, n, sizeof *s->models, &s->models));
	for (const bulla_yaml *node = map->first; node; node = node->next)
		TRY(read_model(r, node, &s->models[s->model_count++]));
	return BULLA_OK;
}
