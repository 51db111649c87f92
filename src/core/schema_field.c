/*
 * schema_field.c - the fields of a model: types, columns, blind indexes.
 */
#include "core/schema_read.h"

#include <string.h>

#define UNIQUE_BITS_MIN 128

static const char *const formats[] = { "bulla", NULL };

/* --- indexes ------------------------------------------------------------------------------------------------------------------ */

static const char *const index_keys[] = { "previous",  "version", "bits",   "kind",   "unique", "expression",
					  "normalize", "scope",   "format", "writer", "column", NULL };

/* Normalising is for text: of another type the whole value would be hashed all the same, in silence. */
static bulla_code check_text(bulla_schema_reader *r, const bulla_yaml *node, const bulla_field *field, const char *key)
{
	bool text = field->type != BULLA_TYPE_BINARY && field->type != BULLA_TYPE_BOOLEAN && field->type != BULLA_TYPE_INTEGER &&
		    field->type != BULLA_TYPE_FLOAT;
	const bulla_yaml *given = bulla_yaml_get(node, key);
	if (text || !given) return BULLA_OK;
	return bulla_yaml_fail_key(r->document, given, r->err, "%s works on text, and the field's type is %s", key,
				   bulla_type_name(field->type));
}

static bulla_code read_index_choices(bulla_schema_reader *r, const bulla_yaml *node, bulla_index_spec *index)
{
	static const char *const kinds[] = { "fast", "slow", NULL }, *const normalizers[] = { "none", "lowercase", NULL },
				 *const expressions[] = { "none", "last4", NULL }, *const writers[] = { "client", "job", NULL };
	size_t kind = BULLA_INDEX_FAST, normalize = BULLA_NORMALIZE_NONE, expression = BULLA_EXPRESSION_NONE, writer = 0,
	       format = 0;
	TRY(bulla_schema_choice(r, node, "kind", kinds, &kind));
	TRY(bulla_schema_choice(r, node, "normalize", normalizers, &normalize));
	TRY(bulla_schema_choice(r, node, "expression", expressions, &expression));
	TRY(bulla_schema_choice(r, node, "writer", writers, &writer));
	TRY(bulla_schema_choice(r, node, "format", formats, &format));
	index->kind = (bulla_index_kind)kind;
	index->normalize = (bulla_normalize)normalize;
	index->expression = (bulla_expression)expression;
	index->by_job = writer == 1;
	return BULLA_OK;
}

static bulla_code read_index_bits(bulla_schema_reader *r, const bulla_yaml *node, bulla_index_spec *index)
{
	uint64_t version = 1, bits = 128;
	TRY(bulla_schema_number(r, node, "version", 1, UINT32_MAX, &version));
	TRY(bulla_schema_number(r, node, "bits", 8, 256, &bits));
	TRY(bulla_schema_flag(r, node, "unique", &index->unique));
	index->version = (uint32_t)version;
	index->bits = (uint32_t)bits;
	const bulla_yaml *given = bulla_yaml_get(node, "bits");
	if (bits % 8) return bulla_yaml_fail(r->document, given, r->err, "bits must be a multiple of 8");
	if (index->unique && bits < UNIQUE_BITS_MIN)
		return bulla_yaml_fail(r->document, given, r->err,
				       "a unique index needs at least %d bits, or different values would collide",
				       UNIQUE_BITS_MIN);
	return BULLA_OK;
}

static bulla_code name_index(bulla_schema_reader *r, const bulla_yaml *node, const bulla_field *field, bulla_index_spec *index)
{
	static const char *const suffix[] = { [BULLA_EXPRESSION_LAST4] = "last4" };
	bulla_arena *arena = &r->schema->arena;
	index->name = field->name;
	if (index->expression != BULLA_EXPRESSION_NONE)
		TRY(bulla_arena_printf(arena, &index->name, r->err, "%s_%s", field->name, suffix[index->expression]));
	if (index->version == 1)
		TRY(bulla_arena_printf(arena, &index->column, r->err, "%s_bidx", field->name));
	else
		TRY(bulla_arena_printf(arena, &index->column, r->err, "%s_bidx_v%u", field->name, index->version));
	return bulla_schema_text(r, node, "column", BULLA_NAME_MAX, &index->column);
}

static bulla_code read_one_index(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, bulla_field *field)
{
	bulla_index_spec *index;
	TRY(bulla_schema_take(r, 1, sizeof *index, &index));
	TRY(read_index_choices(r, node, index));
	TRY(check_text(r, node, field, "normalize"));
	TRY(check_text(r, node, field, "expression"));
	TRY(read_index_bits(r, node, index));
	TRY(name_index(r, node, field, index));
	TRY(bulla_schema_text(r, node, "scope", BULLA_NAME_MAX, &index->scope));
	if (index->scope) TRY(bulla_schema_input(r, model, bulla_yaml_get(node, "scope"), index->scope, &index->scope_input));
	field->index = index;
	return BULLA_OK;
}

/* The index that this one takes the place of: another version of it, in another column, so that the two can stand side by side. */
static bulla_code read_previous_index(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, bulla_field *field)
{
	bulla_field *before;
	if (!node) return BULLA_OK;
	TRY(bulla_yaml_check_keys(r->document, node, index_keys + 1, r->err)); /* the first is `previous` itself */
	TRY(bulla_schema_take(r, 1, sizeof *before, &before));
	*before = *field;
	TRY(read_one_index(r, model, node, before));
	if (before->index->version >= field->index->version)
		return bulla_yaml_fail(r->document, node, r->err, "the previous index must have a lower version than %u",
				       field->index->version);
	field->before = before;
	return BULLA_OK;
}

static bulla_code read_index(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, bulla_field *field)
{
	if (!node) return BULLA_OK;
	if (bulla_yaml_is_null(node))
		return bulla_yaml_fail_key(r->document, node, r->err,
					   "write index: {} for an index with every default, or leave it out");
	TRY(bulla_yaml_check_keys(r->document, node, index_keys, r->err));
	TRY(read_one_index(r, model, node, field));
	return read_previous_index(r, model, bulla_yaml_get(node, "previous"), field);
}

/* --- fields ------------------------------------------------------------------------------------------------------------------- */

/* SQLite's columns hold what they are given; elsewhere a text column is what people encrypt. */
static bulla_type default_type(const bulla_schema *schema, const bulla_model *model)
{
	for (size_t i = 0; i < schema->database_count; i++)
		if (strcmp(schema->databases[i].name, model->database) == 0 &&
		    strncmp(schema->databases[i].url, "sqlite:", 7) == 0)
			return BULLA_TYPE_ANY;
	return BULLA_TYPE_STRING;
}

static bulla_code read_type(bulla_schema_reader *r, const bulla_model *model, const bulla_yaml *node, bulla_field *field)
{
	const char *names[BULLA_TYPE_ANY + 1];
	for (int t = BULLA_TYPE_STRING; t <= BULLA_TYPE_ANY; t++)
		names[t - BULLA_TYPE_STRING] = bulla_type_name((bulla_type)t);
	names[BULLA_TYPE_ANY] = NULL;
	size_t which = (size_t)default_type(r->schema, model) - BULLA_TYPE_STRING;
	TRY(bulla_schema_choice(r, node, "type", names, &which));
	field->type = (bulla_type)(which + BULLA_TYPE_STRING);
	return BULLA_OK;
}

static bulla_code no_such_key(bulla_schema_reader *r, const bulla_model *model, const bulla_yaml *node)
{
	if (model->data_key != BULLA_DATA_KEY_RECORD)
		return bulla_yaml_fail(r->document, node, r->err, "a field's data_key goes with data_key: record");
	if (model->key_count == 1) return bulla_yaml_fail(r->document, node, r->err, "the model has no data_keys");
	const char *names[BULLA_FIELDS_MAX + 1] = { 0 };
	for (size_t k = 1; k < model->key_count; k++)
		names[k - 1] = model->keys[k].name;
	const char *meant = bulla_yaml_nearest(node->text, names);
	if (!meant) return bulla_yaml_fail(r->document, node, r->err, "this is not among the model's data_keys");
	return bulla_yaml_fail(r->document, node, r->err, "this is not among the model's data_keys; did you mean \"%s\"?", meant);
}

static bulla_code find_key(bulla_schema_reader *r, const bulla_model *model, const bulla_yaml *node, bulla_field *field)
{
	TRY(bulla_schema_text(r, node, "data_key", BULLA_NAME_MAX, &field->data_key));
	if (!field->data_key) return BULLA_OK;
	for (size_t k = 1; k < model->key_count; k++) {
		if (strcmp(model->keys[k].name, field->data_key) != 0) continue;
		field->key = k;
		return BULLA_OK;
	}
	return no_such_key(r, model, bulla_yaml_get(node, "data_key"));
}

static bulla_code read_storage(bulla_schema_reader *r, const bulla_yaml *node, bulla_field *field)
{
	static const char *const nulls[] = { "sealed", NULL }, *const encodings[] = { "base64", NULL };
	size_t unused = 0;
	uint64_t padding = 0;
	TRY(bulla_arena_printf(&r->schema->arena, &field->column, r->err, "%s_ciphertext", field->name));
	TRY(bulla_schema_text(r, node, "column", BULLA_NAME_MAX, &field->column));
	TRY(bulla_schema_text(r, node, "plaintext", BULLA_NAME_MAX, &field->plaintext));
	TRY(bulla_schema_choice(r, node, "null", nulls, &unused));
	TRY(bulla_schema_choice(r, node, "encode", encodings, &unused));
	TRY(bulla_schema_choice(r, node, "format", formats, &unused));
	TRY(bulla_schema_number(r, node, "padding", 0, BULLA_PADDING_MAX, &padding));
	field->null_sealed = bulla_yaml_get(node, "null") != NULL;
	field->base64 = bulla_yaml_get(node, "encode") != NULL;
	field->padding = (uint32_t)padding;
	return BULLA_OK;
}

static bulla_code read_field(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, bulla_field *field)
{
	static const char *const keys[] = { "type",   "column", "plaintext", "padding", "null",
					    "encode", "format", "data_key",  "index",   NULL };
	*field = (bulla_field){ .name = node->key, .plaintext = node->key, .position = (size_t)(field - model->fields) };
	TRY(bulla_yaml_check_keys(r->document, node, keys, r->err));
	TRY(read_type(r, model, node, field));
	TRY(read_storage(r, node, field));
	TRY(find_key(r, model, node, field));
	return read_index(r, model, bulla_yaml_get(node, "index"), field);
}

bulla_code bulla_schema_fields(bulla_schema_reader *r, bulla_model *model)
{
	const bulla_yaml *map;
	size_t n;
	TRY(bulla_schema_map(r, model->source, "fields", BULLA_FIELDS_MAX, &map, &n));
	if (n == 0) return bulla_yaml_fail_key(r->document, model->source, r->err, "the model %.64s has no fields", model->key);
	TRY(bulla_schema_take(r, n, sizeof *model->fields, &model->fields));
	for (const bulla_yaml *node = map->first; node; node = node->next)
		TRY(read_field(r, model, node, &model->fields[model->field_count++]));
	return BULLA_OK;
}
