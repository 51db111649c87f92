/*
 * schema.c - bulla.yaml as a structure: the whole, its choice of environment, and looking things up in it.
 */
#include "core/schema.h"

#include "core/schema_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bulla_code check_version(bulla_schema_reader *r, const bulla_yaml *root)
{
	const bulla_yaml *node = bulla_yaml_get(root, "version");
	uint64_t version = 0;
	if (!node) {
		bulla_yaml_fail(r->document, root, r->err, "version: 1 is missing");
		return bulla_advise(r->err, BULLA_ERR_CONFIG, "write version: 1 at the top, or let bulla init write the file");
	}
	TRY(bulla_schema_number(r, root, "version", 0, UINT32_MAX, &version));
	if (version == 1) return BULLA_OK;
	bulla_yaml_fail(r->document, node, r->err, "version %llu is not known to this release, which reads version 1",
			(unsigned long long)version);
	return bulla_advise(r->err, BULLA_ERR_CONFIG, "use the release that the file was written for");
}

static bulla_code read_root(bulla_schema_reader *r, const bulla_yaml *root, const char *environment)
{
	static const char *const keys[] = { "version", "environments", "databases", "models", NULL };
	TRY(bulla_yaml_check_keys(r->document, root, keys, r->err));
	TRY(check_version(r, root));
	TRY(bulla_schema_environments(r, root, environment));
	TRY(bulla_schema_database_list(r, root));
	TRY(bulla_schema_model_list(r, root));
	return bulla_schema_check(r, root);
}

bulla_code bulla_schema_parse(bulla_bytes text, const char *file, const char *environment, const char *kms_key_id,
			      bulla_yaml_lookup lookup, void *lookup_self, bulla_schema **out, bulla_error *err)
{
	bulla_schema *schema = calloc(1, sizeof *schema);
	if (!schema) return bulla_fail_memory(err);
	bulla_code code = bulla_yaml_parse(text, file, lookup, lookup_self, &schema->document, err);
	if (code == BULLA_OK) {
		bulla_schema_reader r = { schema, schema->document, kms_key_id, err };
		code = read_root(&r, bulla_yaml_root(schema->document), environment ? environment : "development");
	}
	if (code != BULLA_OK) {
		bulla_schema_free(schema);
		return code;
	}
	*out = schema;
	return BULLA_OK;
}

void bulla_schema_free(bulla_schema *schema)
{
	if (!schema) return;
	bulla_arena_done(&schema->arena);
	bulla_yaml_free(schema->document);
	free(schema);
}

const bulla_yaml_document *bulla_schema_document(const bulla_schema *schema)
{
	return schema->document;
}

const bulla_environment *bulla_schema_environment(const bulla_schema *schema)
{
	return schema->selected;
}

const bulla_environment *bulla_schema_sharer(const bulla_schema *schema, size_t i)
{
	for (size_t e = 0; e < schema->environment_count; e++) {
		const bulla_environment *env = &schema->environments[e];
		bool shares = !env->unread && strcmp(env->store, schema->selected->store) == 0;
		if (shares && i-- == 0) return env;
	}
	return NULL;
}

int64_t bulla_schema_max_age(const bulla_schema *schema)
{
	const bulla_environment *env;
	int64_t longest = 0;
	for (size_t i = 0; (env = bulla_schema_sharer(schema, i)); i++)
		if (env->cache.max_age_ms > longest) longest = env->cache.max_age_ms;
	return longest;
}

const bulla_database *bulla_schema_databases(const bulla_schema *schema, size_t *ret_n)
{
	*ret_n = schema->database_count;
	return schema->databases;
}

const bulla_model *bulla_schema_models(const bulla_schema *schema, size_t *ret_n)
{
	*ret_n = schema->model_count;
	return schema->models;
}

/* Appends ", name" while there is room; what is cut off is a convenience. */
static void list_name(char list[static 200], const char *name)
{
	size_t used = strlen(list);
	snprintf(list + used, 200 - used, "%s%s", used ? ", " : "", name);
}

bulla_code bulla_schema_model(const bulla_schema *schema, const char *key, const bulla_model **ret, bulla_error *err)
{
	char list[200] = "";
	for (size_t i = 0; i < schema->model_count; i++) {
		if (strcmp(schema->models[i].key, key) == 0) {
			*ret = &schema->models[i];
			return BULLA_OK;
		}
		list_name(list, schema->models[i].key);
	}
	if (!*list) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "%.64s names no models", bulla_yaml_file(schema->document));
	return bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no model \"%.64s\"; there are: %s", key, list);
}

bool bulla_model_branch_is_constant(const bulla_model *model)
{
	for (size_t i = 0; i < model->branch.name.parts; i++)
		if (!model->branch.name.part[i].literal) return false;
	return true;
}

bulla_code bulla_model_field(const bulla_model *model, const char *name, const bulla_field **ret, bulla_error *err)
{
	char list[200] = "";
	for (size_t i = 0; i < model->field_count; i++) {
		if (strcmp(model->fields[i].name, name) == 0) {
			*ret = &model->fields[i];
			return BULLA_OK;
		}
		list_name(list, model->fields[i].name);
	}
	return bulla_fail(err, BULLA_ERR_NOT_FOUND, "the model %.64s has no field \"%.64s\"; it has: %s", model->key, name, list);
}
