/*
 * schema_template.c - texts with {column} in them, and the encryption contexts that are made of them.
 */
#include "core/schema_read.h"

#include "base/context.h"
#include "format/wrapped_key.h"

#include <string.h>

typedef struct bulla_template_part_view {
	bulla_bytes text;
	bool column;
} part_view;

bulla_code bulla_schema_input(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, const char *column, size_t *ret)
{
	for (size_t i = 0; i < model->input_count; i++) {
		if (strcmp(model->inputs[i], column) != 0) continue;
		*ret = i;
		return BULLA_OK;
	}
	if (model->input_count == BULLA_INPUTS_MAX)
		return bulla_yaml_fail(r->document, node, r->err,
				       "more than %d columns in the contexts, names and scopes of one model", BULLA_INPUTS_MAX);
	model->inputs[model->input_count] = column;
	*ret = model->input_count++;
	return BULLA_OK;
}

/* --- splitting ---------------------------------------------------------------------------------------------------------------- */

/* Takes one literal or one {column} off the front of `*text`. */
static bulla_code next_part(bulla_schema_reader *r, const bulla_yaml *node, const char **text, part_view *ret)
{
	const char *at = *text;
	size_t n = strcspn(at, "{}");
	if (n > 0) {
		*ret = (part_view){ bulla_view(at, n), false };
		*text = at + n;
		return BULLA_OK;
	}
	n = *at == '{' ? strcspn(at + 1, "{}") : 0;
	if (*at == '}' || at[n + 1] != '}')
		return bulla_yaml_fail(r->document, node, r->err, "a brace without its partner: columns are written {column}");
	if (n == 0) return bulla_yaml_fail(r->document, node, r->err, "{} without a column's name");
	if (n > BULLA_NAME_MAX)
		return bulla_yaml_fail(r->document, node, r->err, "a column's name of more than %d bytes", BULLA_NAME_MAX);
	*ret = (part_view){ bulla_view(at + 1, n), true };
	*text = at + n + 2;
	return BULLA_OK;
}

static bulla_code count_parts(bulla_schema_reader *r, const bulla_yaml *node, const char *text, size_t *ret_parts,
			      size_t *ret_columns)
{
	part_view view;
	size_t parts = 0, columns = 0;
	for (; *text; parts++) {
		TRY(next_part(r, node, &text, &view));
		columns += view.column;
	}
	*ret_parts = parts;
	*ret_columns = columns;
	return BULLA_OK;
}

bulla_code bulla_schema_template(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, const char *text,
				 bulla_template *ret)
{
	size_t columns;
	*ret = (bulla_template){ .text = text };
	TRY(count_parts(r, node, text, &ret->parts, &columns));
	if (columns > BULLA_INPUTS_MAX)
		return bulla_yaml_fail(r->document, node, r->err, "more than %d columns in one template", BULLA_INPUTS_MAX);
	TRY(bulla_schema_take(r, ret->parts, sizeof *ret->part, &ret->part));
	for (size_t i = 0; i < ret->parts; i++) {
		part_view view;
		const char *name;
		TRY(next_part(r, node, &text, &view));
		TRY(bulla_arena_copy(&r->schema->arena, view.text, &name, r->err));
		if (view.column)
			TRY(bulla_schema_input(r, model, node, name, &ret->part[i].input));
		else
			ret->part[i].literal = name;
	}
	return BULLA_OK;
}

/* --- contexts ----------------------------------------------------------------------------------------------------------------- */

/* A context while it grows. */
typedef struct context_list {
	bulla_context_part *part;
	size_t n;
	size_t constant_bytes;
} context_list;

static bulla_code add_part(bulla_schema_reader *r, const bulla_yaml *node, context_list *list, bulla_context_part part)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->part[i].name, part.name) == 0)
			return bulla_yaml_fail(r->document, node, r->err, "the context has %.64s twice", part.name);
	if (list->n == BULLA_CONTEXT_PAIRS_MAX)
		return bulla_yaml_fail(r->document, node, r->err, "a context of more than %d pairs", BULLA_CONTEXT_PAIRS_MAX);
	list->constant_bytes += 4 + strlen(part.name) + (part.constant ? strlen(part.value) : 0);
	if (list->constant_bytes + 2 > BULLA_CONTEXT_MAX)
		return bulla_yaml_fail(r->document, node, r->err, "a context of more than %d bytes", BULLA_CONTEXT_MAX);
	list->part[list->n++] = part;
	return BULLA_OK;
}

/* `name` with the value of one column alone. */
static bulla_code add_column(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, context_list *list,
			     const char *name, const char *column)
{
	bulla_context_part part = { .name = name, .template_.parts = 1 };
	TRY(bulla_schema_take(r, 1, sizeof *part.template_.part, &part.template_.part));
	TRY(bulla_arena_printf(&r->schema->arena, &part.template_.text, r->err, "{%s}", column));
	TRY(bulla_schema_input(r, model, node, column, &part.template_.part[0].input));
	return add_part(r, node, list, part);
}

/* One pair for each column: joined in one value, ("x:y", "z") and ("x", "y:z") would be the same context. */
static bulla_code add_each_column(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, context_list *list)
{
	const char *text = node->text;
	while (*text) {
		part_view view;
		const char *column, *name;
		TRY(next_part(r, node, &text, &view));
		if (!view.column) continue;
		TRY(bulla_arena_copy(&r->schema->arena, view.text, &column, r->err));
		TRY(bulla_arena_printf(&r->schema->arena, &name, r->err, "%s.%s", node->key, column));
		TRY(add_column(r, model, node, list, name, column));
	}
	return BULLA_OK;
}

static bulla_code add_pair(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, context_list *list)
{
	size_t parts, columns;
	const char *text;
	TRY(bulla_schema_scalar(r, node, BULLA_SETTING_MAX, &text));
	TRY(count_parts(r, node, text, &parts, &columns));
	if (columns > 1) return add_each_column(r, model, node, list);
	bulla_context_part part = { .name = node->key, .constant = columns == 0, .value = columns == 0 ? text : NULL };
	if (columns == 1) TRY(bulla_schema_template(r, model, node, text, &part.template_));
	return add_part(r, node, list, part);
}

static bulla_code add_default(bulla_schema_reader *r, bulla_model *model, context_list *list)
{
	TRY(add_part(r, model->source, list,
		     (bulla_context_part){ .name = "model_name", .constant = true, .value = model->key }));
	if (model->primary_key_count == 1) return add_column(r, model, model->source, list, "model_id", model->primary_key[0]);
	for (size_t i = 0; i < model->primary_key_count; i++) {
		const char *name;
		TRY(bulla_arena_printf(&r->schema->arena, &name, r->err, "model_id.%s", model->primary_key[i]));
		TRY(add_column(r, model, model->source, list, name, model->primary_key[i]));
	}
	return BULLA_OK;
}

/* Constants alone do not tell rows apart: a ciphertext moved to another row would open there. */
static bulla_code refuse_constant(bulla_schema_reader *r, const bulla_yaml *node, const context_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!list->part[i].constant) return BULLA_OK;
	bulla_code code = bulla_yaml_fail(r->document, node, r->err, "a context without a column does not tell the rows apart");
	return bulla_advise(r->err, code, "bind the row's identity, as in model_id: \"{id}\"");
}

bulla_code bulla_schema_context(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, bulla_context_part **ret,
				size_t *ret_n)
{
	context_list list = { 0 };
	TRY(bulla_schema_take(r, BULLA_CONTEXT_PAIRS_MAX, sizeof *list.part, &list.part));
	if (!node) {
		TRY(add_default(r, model, &list));
	} else if (node->kind != BULLA_YAML_MAP) {
		return bulla_yaml_fail(r->document, node, r->err,
				       "context must be a mapping, as in { model_name: User, model_id: \"{id}\" }");
	} else {
		for (const bulla_yaml *pair = node->first; pair; pair = pair->next) {
			TRY(bulla_schema_key(r, pair));
			TRY(add_pair(r, model, pair, &list));
		}
		TRY(refuse_constant(r, node, &list));
	}
	*ret = list.part;
	*ret_n = list.n;
	return BULLA_OK;
}

bulla_code bulla_schema_constants(bulla_schema_reader *r, const bulla_model *model, bulla_context_part **ret, size_t *ret_n)
{
	size_t n = 0;
	TRY(bulla_schema_take(r, model->context_count, sizeof **ret, ret));
	for (size_t i = 0; i < model->context_count; i++)
		if (model->context[i].constant) (*ret)[n++] = model->context[i];
	*ret_n = n;
	return BULLA_OK;
}

/* --- checks ------------------------------------------------------------------------------------------------------------------- */

static bool in_primary_key(const bulla_model *model, const char *column)
{
	for (size_t i = 0; i < model->primary_key_count; i++)
		if (strcmp(model->primary_key[i], column) == 0) return true;
	return false;
}

static bool checked_by_default(const bulla_model *model, const bulla_context_part *part)
{
	for (size_t i = 0; !part->constant && i < part->template_.parts; i++) {
		const struct bulla_template_part *p = &part->template_.part[i];
		if (!p->literal && !in_primary_key(model, model->inputs[p->input])) return false;
	}
	return true;
}

/* `model_id` also names the `model_id.<column>` that it was split into. */
static bool named_by(const char *name, const char *part_name)
{
	size_t n = strlen(name);
	return strncmp(name, part_name, n) == 0 && (part_name[n] == 0 || part_name[n] == '.');
}

static bool mark_named(bulla_context_part *part, size_t n, const char *name)
{
	bool found = false;
	for (size_t i = 0; i < n; i++) {
		if (!named_by(name, part[i].name)) continue;
		part[i].checked = true;
		found = true;
	}
	return found;
}

static bulla_code mark_list(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *list)
{
	if (list->kind == BULLA_YAML_MAP)
		return bulla_yaml_fail(r->document, list, r->err, "checks must be a list of the context's names");
	const bulla_yaml *item = list->kind == BULLA_YAML_LIST ? list->first : list;
	for (; item; item = list->kind == BULLA_YAML_LIST ? item->next : NULL) {
		const char *name;
		TRY(bulla_schema_scalar(r, item, BULLA_SETTING_MAX, &name));
		bool found = mark_named(model->context, model->context_count, name);
		for (size_t k = 0; k < model->key_count; k++)
			if (mark_named(model->keys[k].context, model->keys[k].context_count, name)) found = true;
		if (!found)
			return bulla_yaml_fail(r->document, item, r->err, "checks names something that is not in the context");
	}
	return BULLA_OK;
}

static bulla_code count_checks(bulla_schema_reader *r, const bulla_model *model, const bulla_context_part *part, size_t n)
{
	size_t checks = 0;
	for (size_t i = 0; i < n; i++)
		checks += part[i].checked;
	if (checks <= BULLA_CHECKS_MAX) return BULLA_OK;
	bulla_yaml_fail_key(r->document, model->source, r->err, "%zu parts of a context carry a check, at most %d can", checks,
			    BULLA_CHECKS_MAX);
	return bulla_advise(r->err, BULLA_ERR_CONFIG, "name fewer in checks: [...]");
}

static void mark_default(const bulla_model *model, bulla_context_part *part, size_t n)
{
	for (size_t i = 0; i < n; i++)
		part[i].checked = checked_by_default(model, &part[i]);
}

bulla_code bulla_schema_checks(bulla_schema_reader *r, bulla_model *model)
{
	const bulla_yaml *list = bulla_yaml_get(model->source, "checks");
	if (list) {
		TRY(mark_list(r, model, list));
	} else {
		mark_default(model, model->context, model->context_count);
		for (size_t k = 0; k < model->key_count; k++)
			mark_default(model, model->keys[k].context, model->keys[k].context_count);
	}
	TRY(count_checks(r, model, model->context, model->context_count));
	for (size_t k = 0; k < model->key_count; k++)
		TRY(count_checks(r, model, model->keys[k].context, model->keys[k].context_count));
	return BULLA_OK;
}
