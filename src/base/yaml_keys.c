/*
 * yaml_keys.c - looking at a parsed YAML tree: members, positions in errors, the key that was probably meant.
 */
#include "base/yaml_tree.h"

#include <stdarg.h>
#include <stdio.h>

const bulla_yaml *bulla_yaml_root(const bulla_yaml_document *document)
{
	return document->root;
}

const char *bulla_yaml_file(const bulla_yaml_document *document)
{
	return document->file;
}

const bulla_yaml *bulla_yaml_get(const bulla_yaml *map, const char *key)
{
	if (!map || map->kind != BULLA_YAML_MAP) return NULL;
	for (const bulla_yaml *n = map->first; n; n = n->next)
		if (strcmp(n->key, key) == 0) return n;
	return NULL;
}

bool bulla_yaml_is_null(const bulla_yaml *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };
	if (!node) return true;
	if (node->kind != BULLA_YAML_SCALAR || !node->plain) return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(node->text, words[i]) == 0) return true;
	return false;
}

static bulla_code fail_at(const char *file, unsigned line, unsigned column, bulla_error *err, const char *text)
{
	if (line == 0) return bulla_fail(err, BULLA_ERR_CONFIG, "%s: %s", file, text);
	return bulla_fail(err, BULLA_ERR_CONFIG, "%s: line %u, column %u: %s", file, line, column, text);
}

bulla_code bulla_yaml_fail(const bulla_yaml_document *document, const bulla_yaml *node, bulla_error *err, const char *format, ...)
{
	char text[BULLA_ERROR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return fail_at(document->file, node ? node->line : 0, node ? node->column : 0, err, text);
}

bulla_code bulla_yaml_fail_key(const bulla_yaml_document *document, const bulla_yaml *node, bulla_error *err, const char *format,
			       ...)
{
	char text[BULLA_ERROR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return fail_at(document->file, node->key_line, node->key_column, err, text);
}

#define WORD_MAX 40 /* longer keys are nobody's typing mistake */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;
	return m < c ? m : c;
}

/* Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`. */
static unsigned distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	if (n > WORD_MAX || m > WORD_MAX) return WORD_MAX;
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	for (unsigned i = 0; i <= n; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned replaced = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1, replaced);
			bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
			if (swapped && d[i - 2][j - 2] + 1 < d[i][j]) d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[n][m];
}

const char *bulla_yaml_nearest(const char *word, const char *const *words)
{
	const char *best = NULL;
	unsigned best_distance = 3;
	for (; *words; words++) {
		unsigned d = distance(word, *words);
		if (d < best_distance && d * 2 < strlen(*words) + 1) {
			best = *words;
			best_distance = d;
		}
	}
	return best;
}

bulla_code bulla_yaml_check_set(const bulla_yaml_document *document, const bulla_yaml *node, bulla_error *err)
{
	if (!node) return BULLA_OK;
	if (node->unset) {
		bulla_yaml_fail(document, node, err, "the environment variable %s is not set", node->unset);
		return bulla_advise(err, BULLA_ERR_CONFIG, "set %s, or write the value itself", node->unset);
	}
	for (const bulla_yaml *child = node->first; child; child = child->next)
		TRY(bulla_yaml_check_set(document, child, err));
	return BULLA_OK;
}

static bulla_code unknown_key(const bulla_yaml_document *document, const bulla_yaml *node, const char *const *keys,
			      bulla_error *err)
{
	const char *meant = bulla_yaml_nearest(node->key, keys);
	if (meant)
		return bulla_yaml_fail_key(document, node, err, "unknown key \"%.64s\"; did you mean \"%s\"?", node->key, meant);
	char list[200] = "";
	size_t used = 0;
	for (size_t i = 0; keys[i] && used < sizeof list; i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", keys[i]);
	return bulla_yaml_fail_key(document, node, err, "unknown key \"%.64s\"; known here: %s", node->key, list);
}

bulla_code bulla_yaml_check_keys(const bulla_yaml_document *document, const bulla_yaml *map, const char *const *keys,
				 bulla_error *err)
{
	if (bulla_yaml_is_null(map)) return BULLA_OK;
	if (map->kind != BULLA_YAML_MAP) return bulla_yaml_fail(document, map, err, "a mapping (key: value) is expected here");
	for (const bulla_yaml *n = map->first; n; n = n->next) {
		size_t i = 0;
		while (keys[i] && strcmp(keys[i], n->key) != 0)
			i++;
		if (!keys[i]) return unknown_key(document, n, keys, err);
	}
	return BULLA_OK;
}
