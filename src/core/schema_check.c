/*
 * schema_check.c - what only the whole file can tell: columns that meet, keys that cannot, branches in a circle.
 */
#include "core/schema_read.h"

#include <string.h>

/* --- columns ------------------------------------------------------------------------------------------------------------------ */

/* What a job writes into, or takes away. */
typedef struct column {
	const char *name;
	const char *role;       /* "ciphertext of" */
	const char *owner;      /* "email" */
	const bulla_yaml *node; /* the field or key that has it */
} column;

#define COLUMNS_MAX (4 * BULLA_FIELDS_MAX + BULLA_FIELDS_MAX + 1)

typedef struct column_list {
	column column[COLUMNS_MAX];
	size_t n;
} column_list;

static void collect(const bulla_model *model, column_list *list)
{
	const bulla_yaml *fields = bulla_yaml_get(model->source, "fields"),
			 *data_keys = bulla_yaml_get(model->source, "data_keys");
	const bulla_yaml *node = fields->first;
	for (size_t i = 0; i < model->field_count; i++, node = node->next) {
		const bulla_field *f = &model->fields[i];
		list->column[list->n++] = (column){ f->plaintext, "plaintext of", f->name, node };
		list->column[list->n++] = (column){ f->column, "ciphertext of", f->name, node };
		if (f->index) list->column[list->n++] = (column){ f->index->column, "index of", f->name, node };
		if (f->before) list->column[list->n++] = (column){ f->before->index->column, "previous index of", f->name, node };
	}
	for (size_t k = 0; k < model->key_count; k++) {
		const bulla_key_spec *key = &model->keys[k];
		node = key->name ? bulla_yaml_get(model->data_key == BULLA_DATA_KEY_FIELD ? fields : data_keys, key->name)
				 : model->source;
		list->column[list->n++] = (column){ key->column, "wrapped key of", key->name ? key->name : "the record", node };
	}
}

/* SQL folds the case of names as a rule; where it does not, two columns that differ in case alone are a trap all the same. */
static bool same(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		uint8_t x = (uint8_t)*a, y = (uint8_t)*b;
		if ((uint8_t)(x - 'A') < 26) x |= 0x20;
		if ((uint8_t)(y - 'A') < 26) y |= 0x20;
		if (x != y) return false;
	}
	return *a == *b;
}

static bulla_code check_apart(bulla_schema_reader *r, const column_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		for (size_t j = 0; j < i; j++)
			if (same(list->column[i].name, list->column[j].name))
				return bulla_yaml_fail_key(r->document, list->column[i].node, r->err,
							   "the column %.64s is both the %s %.48s and the %s %.48s",
							   list->column[i].name, list->column[j].role, list->column[j].owner,
							   list->column[i].role, list->column[i].owner);
	return BULLA_OK;
}

/* Whoever opens a record needs these as they are. */
static bulla_code check_readable(bulla_schema_reader *r, const column_list *list, const char *name, const char *purpose)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!same(list->column[i].name, name)) continue;
		bulla_yaml_fail_key(r->document, list->column[i].node, r->err, "the column %.64s is the %s %.48s, and %s", name,
				    list->column[i].role, list->column[i].owner, purpose);
		return bulla_advise(r->err, BULLA_ERR_CONFIG, "leave that column unencrypted, or use another one there");
	}
	return BULLA_OK;
}

static bulla_code check_columns(bulla_schema_reader *r, const bulla_model *model)
{
	column_list list = { .n = 0 };
	collect(model, &list);
	TRY(check_apart(r, &list));
	for (size_t i = 0; i < model->primary_key_count; i++)
		TRY(check_readable(r, &list, model->primary_key[i], "the primary key is made of it"));
	for (size_t i = 0; i < model->input_count; i++)
		TRY(check_readable(r, &list, model->inputs[i], "a context, branch key or index scope is made of it"));
	return BULLA_OK;
}

static bulla_code check_tables(bulla_schema_reader *r, size_t position)
{
	const bulla_model *model = &r->schema->models[position];
	for (size_t i = 0; i < position; i++) {
		const bulla_model *other = &r->schema->models[i];
		if (strcmp(other->database, model->database) == 0 && same(other->table, model->table))
			return bulla_yaml_fail_key(r->document, model->source, r->err,
						   "the models %.64s and %.64s are the same table", other->key, model->key);
	}
	return BULLA_OK;
}

static bulla_code check_used(bulla_schema_reader *r, const bulla_model *model)
{
	if (model->data_key != BULLA_DATA_KEY_RECORD) return BULLA_OK;
	for (size_t k = 1; k < model->key_count; k++) {
		bool used = false;
		for (size_t i = 0; i < model->field_count; i++)
			used = used || model->fields[i].key == k;
		if (used) continue;
		const bulla_yaml *node = bulla_yaml_get(bulla_yaml_get(model->source, "data_keys"), model->keys[k].name);
		return bulla_yaml_fail_key(r->document, node, r->err, "no field uses this data key");
	}
	return BULLA_OK;
}

/* --- branches ----------------------------------------------------------------------------------------------------------------- */

static const bulla_model *branch_named(const bulla_schema *s, const char *name)
{
	for (size_t i = 0; i < s->model_count; i++)
		if (s->models[i].branch.name.text && strcmp(s->models[i].branch.name.text, name) == 0) return &s->models[i];
	return NULL;
}

static bool same_parent(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bulla_code check_branch(bulla_schema_reader *r, const bulla_model *model)
{
	const bulla_schema *s = r->schema;
	const bulla_yaml *node = bulla_yaml_get(model->source, "branch_key");
	if (!model->branch.name.text) return BULLA_OK;
	const bulla_model *first = branch_named(s, model->branch.name.text); /* this one, or one before it */
	const char *under = model->branch.under;
	if (!same_parent(under, first->branch.under))
		return bulla_yaml_fail_key(r->document, node, r->err,
					   "the models %.64s and %.64s hang one branch key from different keys", first->key,
					   model->key);
	for (size_t steps = 0; under; steps++) {
		if (steps > s->model_count)
			return bulla_yaml_fail_key(r->document, node, r->err,
						   "these branch keys hang from each other in a circle");
		const bulla_model *parent = branch_named(s, under);
		under = parent ? parent->branch.under : NULL;
	}
	return BULLA_OK;
}

/* --- keys that can only encrypt ----------------------------------------------------------------------------------------------- */

/* What of the model hangs from a key that every writer holds open; NULL for direct wraps alone. */
static const char *held_key(const bulla_model *model)
{
	for (size_t i = 0; i < model->field_count; i++)
		if (model->fields[i].index) return "an index";
	if (model->branch.name.text) return "a branch key";
	if (model->data_key == BULLA_DATA_KEY_FIELD || model->data_key == BULLA_DATA_KEY_TABLE)
		return "one data key for many rows";
	return NULL;
}

/* Whoever seals under a branch, an index or a shared data key holds its key, so it must be able to open it. */
static bulla_code refuse_encrypt_only(bulla_schema_reader *r, const bulla_yaml *node, const char *source)
{
	for (size_t m = 0; m < r->schema->model_count; m++) {
		const bulla_model *model = &r->schema->models[m];
		const char *held = held_key(model);
		if (!held) continue;
		bulla_code code = bulla_yaml_fail(r->document, node, r->err, "%s can only encrypt, and the model %.64s has %s",
						  source, model->key, held);
		return bulla_advise(r->err, code,
				    "use a key that can also decrypt, or data_key: record with direct KMS wraps and no index");
	}
	return BULLA_OK;
}

static bulla_code check_key_node(bulla_schema_reader *r, const bulla_yaml *node)
{
	if (!node) return BULLA_OK;
	if (node->kind == BULLA_YAML_SCALAR)
		return bulla_key_encrypts_only(node->text) ? refuse_encrypt_only(r, node, "this key") : BULLA_OK;
	for (const bulla_yaml *item = node->first; item; item = item->next)
		TRY(check_key_node(r, item));
	return BULLA_OK;
}

static bulla_code check_environments(bulla_schema_reader *r, const bulla_yaml *root)
{
	const bulla_yaml *map = bulla_yaml_get(root, "environments");
	for (const bulla_yaml *node = map ? map->first : NULL; node; node = node->next) {
		TRY(check_key_node(r, bulla_yaml_get(node, "key")));
		TRY(check_key_node(r, bulla_yaml_get(node, "keys")));
	}
	const bulla_environment *env = r->schema->selected;
	for (size_t i = 0; i < env->key_count; i++) /* one that the file does not name */
		if (bulla_key_encrypts_only(env->keys[i])) TRY(refuse_encrypt_only(r, NULL, "the key in KMS_KEY_ID"));
	return BULLA_OK;
}

static bulla_code check_model_keys(bulla_schema_reader *r, const bulla_model *model)
{
	for (size_t k = 0; k < model->key_count; k++) {
		if (!model->keys[k].kms_key || !bulla_key_is_insecure(model->keys[k].kms_key) || r->schema->selected->insecure)
			continue;
		const bulla_yaml *entry = bulla_yaml_get(bulla_yaml_get(model->source, "data_keys"), model->keys[k].name);
		return bulla_yaml_fail(r->document, bulla_yaml_get(entry, "key"), r->err,
				       "the insecure test key, and the environment %.64s is not marked insecure",
				       r->schema->selected->name);
	}
	return BULLA_OK;
}

bulla_code bulla_schema_check(bulla_schema_reader *r, const bulla_yaml *root)
{
	for (size_t i = 0; i < r->schema->model_count; i++) {
		const bulla_model *model = &r->schema->models[i];
		TRY(check_tables(r, i));
		TRY(check_columns(r, model));
		TRY(check_used(r, model));
		TRY(check_branch(r, model));
		TRY(check_model_keys(r, model));
	}
	return check_environments(r, root);
}
