/*
 * schema_read.c - taking one value out of a mapping of bulla.yaml.
 */
#include "core/schema_read.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

bulla_code bulla_schema_take(bulla_schema_reader *r, size_t n, size_t size, void *ret)
{
	return bulla_arena_take(&r->schema->arena, n, size, ret, r->err);
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f) return true;
	return false;
}

bulla_code bulla_schema_scalar(bulla_schema_reader *r, const bulla_yaml *node, size_t max, const char **ret)
{
	if (node->kind != BULLA_YAML_SCALAR) {
		bulla_code code = bulla_yaml_fail(r->document, node, r->err, "a single value is expected here");
		if (node->kind != BULLA_YAML_MAP) return code;
		return bulla_advise(r->err, code, "a text with braces needs quotes: \"{id}\"");
	}
	if (bulla_yaml_is_null(node) || !*node->text)
		return bulla_yaml_fail(r->document, node, r->err, "a value is missing here");
	if (strlen(node->text) > max) return bulla_yaml_fail(r->document, node, r->err, "a value of more than %zu bytes", max);
	if (has_control(node->text)) return bulla_yaml_fail(r->document, node, r->err, "a value with a control character");
	*ret = node->text;
	return BULLA_OK;
}

bulla_code bulla_schema_key(bulla_schema_reader *r, const bulla_yaml *node)
{
	if (!*node->key) return bulla_yaml_fail_key(r->document, node, r->err, "an empty name");
	if (strlen(node->key) > BULLA_NAME_MAX)
		return bulla_yaml_fail_key(r->document, node, r->err, "a name of more than %d bytes", BULLA_NAME_MAX);
	if (has_control(node->key)) return bulla_yaml_fail_key(r->document, node, r->err, "a name with a control character");
	return BULLA_OK;
}

bulla_code bulla_schema_text(bulla_schema_reader *r, const bulla_yaml *map, const char *key, size_t max, const char **ret)
{
	const bulla_yaml *node = bulla_yaml_get(map, key);
	return node ? bulla_schema_scalar(r, node, max, ret) : BULLA_OK;
}

bulla_code bulla_schema_flag(bulla_schema_reader *r, const bulla_yaml *map, const char *key, bool *ret)
{
	static const char *const words[] = { "false", "true", NULL };
	size_t which = *ret;
	TRY(bulla_schema_choice(r, map, key, words, &which));
	*ret = which == 1;
	return BULLA_OK;
}

bulla_code bulla_schema_number(bulla_schema_reader *r, const bulla_yaml *map, const char *key, uint64_t min, uint64_t max,
			       uint64_t *ret)
{
	const bulla_yaml *node = bulla_yaml_get(map, key);
	if (!node) return BULLA_OK;
	const char *text;
	TRY(bulla_schema_scalar(r, node, BULLA_SETTING_MAX, &text));
	uint64_t n = 0;
	bool good = true;
	for (; *text && good; text++)
		good = *text >= '0' && *text <= '9' && !__builtin_mul_overflow(n, 10, &n) &&
		       !__builtin_add_overflow(n, *text - '0', &n);
	if (!good || n < min || n > max)
		return bulla_yaml_fail(r->document, node, r->err, "%s must be a whole number from %llu to %llu", key,
				       (unsigned long long)min, (unsigned long long)max);
	*ret = n;
	return BULLA_OK;
}

bulla_code bulla_schema_duration(bulla_schema_reader *r, const bulla_yaml *map, const char *key, int64_t min, int64_t max,
				 int64_t *ret_ms)
{
	const bulla_yaml *node = bulla_yaml_get(map, key);
	if (!node) return BULLA_OK;
	const char *text;
	int64_t ms;
	TRY(bulla_schema_scalar(r, node, BULLA_SETTING_MAX, &text));
	if (!bulla_duration_parse(text, &ms))
		return bulla_yaml_fail(r->document, node, r->err, "%s must be a duration such as 300s, 5m, 1h or 250ms", key);
	if (ms < min || ms > max)
		return bulla_yaml_fail(r->document, node, r->err, "%s must be a duration from %lldms to %llds", key,
				       (long long)min, (long long)(max / 1000));
	*ret_ms = ms;
	return BULLA_OK;
}

static bulla_code no_such_word(bulla_schema_reader *r, const bulla_yaml *node, const char *key, const char *const *words)
{
	char list[200] = "";
	size_t used = 0;
	for (size_t i = 0; words[i] && used < sizeof list; i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
	const char *meant = bulla_yaml_nearest(node->text, words);
	if (!words[1]) return bulla_yaml_fail(r->document, node, r->err, "%s can only be: %s", key, list);
	if (!meant) return bulla_yaml_fail(r->document, node, r->err, "%s must be one of: %s", key, list);
	return bulla_yaml_fail(r->document, node, r->err, "%s must be one of: %s; did you mean \"%s\"?", key, list, meant);
}

bulla_code bulla_schema_choice(bulla_schema_reader *r, const bulla_yaml *map, const char *key, const char *const *words,
			       size_t *ret)
{
	const bulla_yaml *node = bulla_yaml_get(map, key);
	if (!node) return BULLA_OK;
	const char *text;
	TRY(bulla_schema_scalar(r, node, BULLA_SETTING_MAX, &text));
	for (size_t i = 0; words[i]; i++) {
		if (strcmp(words[i], text) != 0) continue;
		*ret = i;
		return BULLA_OK;
	}
	return no_such_word(r, node, key, words);
}

/* How many nodes `node` stands for as a list. */
static size_t list_count(const bulla_yaml *node)
{
	size_t n = 0;
	if (node->kind != BULLA_YAML_LIST) return 1;
	for (const bulla_yaml *item = node->first; item; item = item->next)
		n++;
	return n;
}

bulla_code bulla_schema_list(bulla_schema_reader *r, const bulla_yaml *map, const char *key, size_t max_count, size_t max,
			     const char ***ret, size_t *ret_n)
{
	const bulla_yaml *node = bulla_yaml_get(map, key);
	if (!node) return BULLA_OK;
	size_t n = list_count(node), i = 0;
	const char **texts;
	if (n == 0) return bulla_yaml_fail(r->document, node, r->err, "%s must have at least one entry", key);
	if (n > max_count) return bulla_yaml_fail(r->document, node, r->err, "%s can have at most %zu entries", key, max_count);
	TRY(bulla_schema_take(r, n, sizeof *texts, &texts));
	for (const bulla_yaml *item = node->kind == BULLA_YAML_LIST ? node->first : node; i < n; item = item->next, i++) {
		TRY(bulla_schema_scalar(r, item, max, &texts[i]));
		for (size_t j = 0; j < i; j++)
			if (strcmp(texts[j], texts[i]) == 0)
				return bulla_yaml_fail(r->document, item, r->err, "the same entry twice in %s", key);
	}
	*ret = texts;
	*ret_n = n;
	return BULLA_OK;
}

bulla_code bulla_schema_map(bulla_schema_reader *r, const bulla_yaml *map, const char *key, size_t max, const bulla_yaml **ret,
			    size_t *ret_n)
{
	const bulla_yaml *node = bulla_yaml_get(map, key);
	size_t n = 0;
	*ret = NULL;
	*ret_n = 0;
	if (bulla_yaml_is_null(node)) return BULLA_OK;
	if (node->kind != BULLA_YAML_MAP)
		return bulla_yaml_fail(r->document, node, r->err, "%s must be a mapping (name: ...)", key);
	for (const bulla_yaml *member = node->first; member; member = member->next) {
		if (++n > max)
			return bulla_yaml_fail_key(r->document, member, r->err, "%s can have at most %zu entries", key, max);
		TRY(bulla_schema_key(r, member));
	}
	*ret = n ? node : NULL;
	*ret_n = n;
	return BULLA_OK;
}
