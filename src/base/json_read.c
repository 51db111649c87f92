/*
 * json_read.c - what a parsed JSON document holds: borrowed nodes.
 */
#include "base/json.h"

#include <jansson.h>

static json_t *node_of(const bulla_json *node)
{
	return (json_t *)(uintptr_t)node;
}

void bulla_json_free(bulla_json *document)
{
	json_decref(node_of(document));
}

const bulla_json *bulla_json_member(const bulla_json *object, const char *name)
{
	return (const bulla_json *)json_object_get(node_of(object), name);
}

const bulla_json *bulla_json_at(const bulla_json *array, size_t index)
{
	return (const bulla_json *)json_array_get(node_of(array), index);
}

size_t bulla_json_count(const bulla_json *node)
{
	return json_is_array(node_of(node)) ? json_array_size(node_of(node)) : json_object_size(node_of(node));
}

bool bulla_json_is_null(const bulla_json *node)
{
	return json_is_null(node_of(node));
}

bool bulla_json_is_object(const bulla_json *node)
{
	return json_is_object(node_of(node));
}

bool bulla_json_is_array(const bulla_json *node)
{
	return json_is_array(node_of(node));
}

bool bulla_json_string(const bulla_json *node, bulla_bytes *ret_text)
{
	if (!json_is_string(node_of(node))) return false;
	*ret_text = bulla_view(json_string_value(node_of(node)), json_string_length(node_of(node)));
	return true;
}

bool bulla_json_integer(const bulla_json *node, int64_t *ret_value)
{
	if (!json_is_integer(node_of(node))) return false;
	*ret_value = json_integer_value(node_of(node));
	return true;
}

bool bulla_json_number(const bulla_json *node, double *ret_value)
{
	if (!json_is_number(node_of(node))) return false;
	*ret_value = json_number_value(node_of(node));
	return true;
}

bool bulla_json_boolean(const bulla_json *node, bool *ret_value)
{
	if (!json_is_boolean(node_of(node))) return false;
	*ret_value = json_is_true(node_of(node));
	return true;
}

void bulla_json_members(const bulla_json *object, bool (*each)(void *self, bulla_bytes name, const bulla_json *value), void *self)
{
	json_t *map = node_of(object);
	for (void *at = json_object_iter(map); at; at = json_object_iter_next(map, at))
		if (!each(self, bulla_view_str(json_object_iter_key(at)), (const bulla_json *)json_object_iter_value(at))) return;
}
