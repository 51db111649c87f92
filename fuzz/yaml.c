/*
 * yaml.c - fuzz target: bytes as a YAML document.
 */
#include "fuzz.h"

#include "base/text.h"
#include "base/yaml.h"

static const char *const known[] = { "models", "fields", "key", NULL };

static const char *look_up(void *self, const char *name)
{
	(void)self;
	return strcmp(name, "SET") == 0 ? "a value" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static size_t walk(const bulla_yaml_document *document, const bulla_yaml *node, size_t depth)
{
	bulla_error err = { 0 };
	size_t n = 1;
	HOLDS(node->line && node->column && depth <= BULLA_YAML_DEPTH_MAX);
	HOLDS(node->kind != BULLA_YAML_SCALAR || bulla_utf8_valid(bulla_view_str(node->text)));
	(void)fuzz_ok(bulla_yaml_check_keys(document, node, known, &err), &err);
	for (const bulla_yaml *child = node->first; child; child = child->next) {
		HOLDS(node->kind != BULLA_YAML_MAP || bulla_yaml_get(node, child->key) == child);
		HOLDS((child->key != NULL) == (node->kind == BULLA_YAML_MAP));
		n += walk(document, child, depth + 1);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	bulla_yaml_document *document = NULL;
	if (!fuzz_ok(bulla_yaml_parse(bulla_view(data, size), "test.yaml", look_up, NULL, &document, &err), &err)) {
		HOLDS(!document && err.code == BULLA_ERR_CONFIG && strstr(err.text, "test.yaml: "));
		return 0;
	}
	(void)fuzz_ok(bulla_yaml_check_set(document, bulla_yaml_root(document), &err), &err);
	HOLDS(walk(document, bulla_yaml_root(document), 1) <= BULLA_YAML_NODES_MAX);
	bulla_yaml_free(document);
	return 0;
}
