/*
 * json_read.c - JSON in: a strict parse and borrowed nodes.
 */
#include "base/json.h"

#include <jansson.h>

#define DEPTH_MAX 64

/* jansson allows 2048 levels, each a stack frame; brackets inside strings do not count. */
static bool too_deep(bulla_bytes text)
{
	size_t depth = 0;
	bool string = false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (string && c == '\\')
			i++;
		else if (c == '"')
			string = !string;
		else if (!string && (c == '{' || c == '['))
			depth++;
		else if (!string && (c == '}' || c == ']'))
			depth -= depth > 0;
		if (depth > DEPTH_MAX) return true;
	}
	return false;
}

/* The parser's own texts quote the document, which may hold a secret: only its code is used. */
static const char *cause(const json_error_t *problem)
{
	static const struct {
		enum json_error_code code;
		const char *text;
	} rows[] = {
		{ json_error_premature_end_of_input, "the document ends too early" },
		{ json_error_end_of_input_expected, "bytes after the document" },
		{ json_error_invalid_utf8, "invalid UTF-8" },
		{ json_error_duplicate_key, "a name that occurs twice in one object" },
		{ json_error_numeric_overflow, "a number out of range" },
		{ json_error_null_byte_in_key, "a name with a NUL in it" },
		{ json_error_stack_overflow, "too many levels" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].code == json_error_code(problem)) return rows[i].text;
	return "invalid syntax";
}

bulla_code bulla_json_parse(bulla_bytes text, bulla_json **out, bulla_error *err)
{
	if (text.len > BULLA_JSON_MAX) return bulla_fail(err, BULLA_ERR_LIMIT, "JSON of more than %u bytes", BULLA_JSON_MAX);
	if (too_deep(text)) return bulla_fail(err, BULLA_ERR_FORMAT, "JSON: more than %d levels", DEPTH_MAX);
	json_error_t problem;
	json_t *root = json_loadb(text.len ? (const char *)text.data : "", text.len,
				  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
	/* of most allocations that fail it says nothing at all */
	if (!root && (!*problem.text || json_error_code(&problem) == json_error_out_of_memory)) return bulla_fail_memory(err);
	if (!root)
		return bulla_fail(err, BULLA_ERR_FORMAT, "JSON: line %d, column %d: %s", problem.line, problem.column,
				  cause(&problem));
	*out = (bulla_json *)root;
	return BULLA_OK;
}

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
