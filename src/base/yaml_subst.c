/*
 * yaml_subst.c - `${NAME}` in a scalar.
 */
#include "base/text.h"
#include "base/yaml_tree.h"

#define NAME_MAX_LEN 128
#define RESULT_MAX   (64u << 10) /* bytes of one scalar after replacement */

static bool name_byte(uint8_t c, bool first)
{
	bool letter = (uint8_t)((c | 0x20) - 'a') < 26 || c == '_';
	return letter || (!first && (uint8_t)(c - '0') < 10);
}

/* The NAME of a `${NAME}` whose `${` has been taken; 0 when there is none. */
static size_t name_length(bulla_bytes rest)
{
	size_t n = 0;
	while (n < rest.len && n < NAME_MAX_LEN && name_byte(rest.data[n], n == 0))
		n++;
	return n < rest.len && rest.data[n] == '}' ? n : 0;
}

/* Never shows what the variable holds. */
static bulla_code replace(bulla_yaml_document *document, bulla_yaml *node, bulla_bytes name, bulla_yaml_lookup lookup,
			  void *lookup_self, bulla_buf *out, bulla_error *err)
{
	char text[NAME_MAX_LEN + 1];
	memcpy(text, name.data, name.len);
	text[name.len] = 0;
	const char *value = lookup(lookup_self, text);
	if (!value && !node->unset) return bulla_arena_copy(&document->arena, name, &node->unset, err);
	if (!value) return BULLA_OK;
	if (!bulla_utf8_valid(bulla_view_str(value)))
		return bulla_yaml_fail(document, node, err, "the environment variable %s is not valid UTF-8", text);
	bulla_code code = bulla_buf_add_str(out, value, err);
	if (code != BULLA_ERR_LIMIT) return code;
	return bulla_yaml_fail(document, node, err, "the environment variable %s makes a value above %u bytes", text, RESULT_MAX);
}

bulla_code bulla_yaml_substitute(bulla_yaml_document *document, bulla_yaml *node, bulla_bytes text, bulla_yaml_lookup lookup,
				 void *lookup_self, const char **ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf out = { .max = text.len > RESULT_MAX ? BULLA_YAML_MAX : RESULT_MAX };
	size_t at = 0;
	while (lookup && at < text.len) {
		const uint8_t *found = memmem(text.data + at, text.len - at, "${", 2);
		if (!found) break;
		size_t start = (size_t)(found - text.data) + 2;
		size_t n = name_length(bulla_view(text.data + start, text.len - start));
		if (n == 0)
			return bulla_yaml_fail(document, node, err,
					       "a \"${\" that is not followed by a variable's name and \"}\"");
		TRY(bulla_buf_add(&out, bulla_view(text.data + at, start - 2 - at), err));
		TRY(replace(document, node, bulla_view(text.data + start, n), lookup, lookup_self, &out, err));
		at = start + n + 1;
	}
	if (at == 0 || node->unset) return bulla_arena_copy(&document->arena, text, ret, err);
	TRY(bulla_buf_add(&out, bulla_view(text.data + at, text.len - at), err));
	return bulla_arena_copy(&document->arena, bulla_view_buf(&out), ret, err);
}
