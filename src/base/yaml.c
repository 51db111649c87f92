/*
 * yaml.c - from libyaml's events to a tree whose nodes know their place.
 *
 * The document's limits hold for the tree as its readers walk it: an alias is copied where it stands, so its nodes count
 * again and a bomb of nested aliases meets the limit while it is being built.
 */
#include "base/text.h"
#include "base/yaml_tree.h"

#include <stdlib.h>
#include <yaml.h>

typedef struct anchor {
	struct anchor *next;
	const char *name;
	const bulla_yaml *node;
} anchor;

typedef struct builder {
	bulla_yaml_document *document;
	yaml_parser_t parser;
	yaml_event_t event;
	bool event_held;
	bulla_yaml_lookup lookup;
	void *lookup_self;
	anchor *anchors;
	size_t nodes, aliases;
	bulla_error *err;
} builder;

static bulla_yaml place(yaml_mark_t mark)
{
	return (bulla_yaml){ .line = (unsigned)mark.line + 1, .column = (unsigned)mark.column + 1 };
}

#define FAIL_AT(b, mark, ...) bulla_yaml_fail((b)->document, (bulla_yaml[]){ place(mark) }, (b)->err, __VA_ARGS__)

/* The reader knows a byte offset only. */
static bulla_yaml place_of_offset(bulla_bytes text, size_t offset)
{
	bulla_yaml at = { .line = 1, .column = 1 };
	for (size_t i = 0; i < offset && i < text.len; i++) {
		if (text.data[i] == '\n') {
			at.line++;
			at.column = 1;
		} else if ((text.data[i] & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

static bulla_code check_utf8(bulla_yaml_document *document, bulla_bytes text, bulla_error *err)
{
	for (size_t i = 0; i < text.len;) {
		size_t n = bulla_utf8_first(bulla_view(text.data + i, text.len - i));
		if (n == 0) return bulla_yaml_fail(document, (bulla_yaml[]){ place_of_offset(text, i) }, err, "not valid UTF-8");
		i += n;
	}
	return BULLA_OK;
}

static void drop_event(builder *b)
{
	if (b->event_held) yaml_event_delete(&b->event);
	b->event_held = false;
}

static bulla_bytes line_of(bulla_bytes text, size_t line)
{
	const uint8_t *at = text.data, *end = text.data + text.len, *stop;
	for (; line > 0 && (stop = memchr(at, '\n', (size_t)(end - at))); line--)
		at = stop + 1;
	stop = memchr(at, '\n', (size_t)(end - at));
	return bulla_view(at, (size_t)((stop ? stop : end) - at));
}

/* Inside { } and [ ] a brace ends an unquoted word, so `${NAME}` there is the likely cause of a syntax error. */
static bulla_code parser_problem(builder *b)
{
	const yaml_parser_t *p = &b->parser;
	if (p->error == YAML_MEMORY_ERROR) return bulla_fail_memory(b->err);
	const char *problem = p->problem ? p->problem : "not YAML";
	bulla_bytes text = { p->input.string.start, (size_t)(p->input.string.end - p->input.string.start) };
	if (p->error == YAML_READER_ERROR)
		return bulla_yaml_fail(b->document, (bulla_yaml[]){ place_of_offset(text, p->problem_offset) }, b->err, "%s",
				       problem);
	bulla_code code = FAIL_AT(b, p->problem_mark, "%s", problem);
	bulla_bytes line = line_of(text, p->problem_mark.line);
	if (!memmem(line.data, line.len, "${", 2)) return code;
	return bulla_advise(b->err, code, "inside { } and [ ] write \"${NAME}\" with quotes");
}

static bulla_code next_event(builder *b)
{
	drop_event(b);
	if (!yaml_parser_parse(&b->parser, &b->event)) return parser_problem(b);
	b->event_held = true;
	return BULLA_OK;
}

static bulla_code new_node(builder *b, yaml_mark_t mark, bulla_yaml_kind kind, bulla_yaml **ret)
{
	if (++b->nodes > BULLA_YAML_NODES_MAX) return FAIL_AT(b, mark, "more than %d nodes", BULLA_YAML_NODES_MAX);
	TRY(bulla_arena_take(&b->document->arena, 1, sizeof **ret, ret, b->err));
	**ret = place(mark);
	(*ret)->kind = kind;
	return BULLA_OK;
}

/* --- anchors and aliases ------------------------------------------------------------------------------------------------ */

static bulla_code add_anchor(builder *b, const char *name, const bulla_yaml *node)
{
	anchor *a;
	TRY(bulla_arena_take(&b->document->arena, 1, sizeof *a, &a, b->err));
	TRY(bulla_arena_copy(&b->document->arena, bulla_view_str(name), &a->name, b->err));
	a->node = node;
	a->next = b->anchors;
	b->anchors = a;
	return BULLA_OK;
}

static bulla_code copy_tree(builder *b, yaml_mark_t mark, const bulla_yaml *from, unsigned depth, bulla_yaml **ret)
{
	if (depth > BULLA_YAML_DEPTH_MAX) return FAIL_AT(b, mark, "more than %d levels", BULLA_YAML_DEPTH_MAX);
	bulla_yaml *node;
	TRY(new_node(b, mark, from->kind, &node));
	*node = *from;
	bulla_yaml **end = &node->first;
	for (const bulla_yaml *child = from->first; child; child = child->next) {
		TRY(copy_tree(b, mark, child, depth + 1, end));
		end = &(*end)->next;
	}
	*end = NULL;
	*ret = node;
	return BULLA_OK;
}

static bulla_code read_alias(builder *b, unsigned depth, bulla_yaml **ret)
{
	yaml_mark_t mark = b->event.start_mark;
	if (++b->aliases > BULLA_YAML_ALIASES_MAX) return FAIL_AT(b, mark, "more than %d aliases", BULLA_YAML_ALIASES_MAX);
	const char *name = (const char *)b->event.data.alias.anchor;
	const anchor *a = b->anchors;
	while (a && strcmp(a->name, name) != 0)
		a = a->next;
	if (!a) return FAIL_AT(b, mark, "the alias *%.64s stands for nothing before it", name);
	TRY(copy_tree(b, mark, a->node, depth, ret));
	(*ret)->line = place(mark).line;
	(*ret)->column = place(mark).column;
	(*ret)->key = NULL;
	(*ret)->key_line = (*ret)->key_column = 0;
	(*ret)->next = NULL;
	return BULLA_OK;
}

/* --- nodes -------------------------------------------------------------------------------------------------------------- */

static bulla_code read_node(builder *b, unsigned depth, bulla_yaml **ret);

static bulla_code refuse_tag(builder *b, const unsigned char *tag)
{
	if (tag) return FAIL_AT(b, b->event.start_mark, "tags (such as %.64s) are not supported", (const char *)tag);
	return BULLA_OK;
}

static bulla_code scalar_text(builder *b, bulla_bytes *ret)
{
	bulla_bytes text = { b->event.data.scalar.value, b->event.data.scalar.length };
	if (text.len && memchr(text.data, 0, text.len)) return FAIL_AT(b, b->event.start_mark, "a NUL character");
	*ret = text;
	return BULLA_OK;
}

static bulla_code read_scalar(builder *b, bulla_yaml **ret)
{
	TRY(refuse_tag(b, b->event.data.scalar.tag));
	bulla_yaml *node;
	bulla_bytes text;
	TRY(new_node(b, b->event.start_mark, BULLA_YAML_SCALAR, &node));
	TRY(scalar_text(b, &text));
	node->plain = b->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	TRY(bulla_yaml_substitute(b->document, node, text, b->lookup, b->lookup_self, &node->text, b->err));
	if (b->event.data.scalar.anchor) TRY(add_anchor(b, (const char *)b->event.data.scalar.anchor, node));
	*ret = node;
	return BULLA_OK;
}

/* The name of an anchor must outlive its event: the node is known only at its end. */
static bulla_code begin_collection(builder *b, const unsigned char *tag, const unsigned char *name, bulla_yaml_kind kind,
				   bulla_yaml **ret, const char **ret_anchor)
{
	TRY(refuse_tag(b, tag));
	TRY(new_node(b, b->event.start_mark, kind, ret));
	*ret_anchor = NULL;
	return name ? bulla_arena_copy(&b->document->arena, bulla_view_str((const char *)name), ret_anchor, b->err) : BULLA_OK;
}

static bulla_code read_list(builder *b, unsigned depth, bulla_yaml **ret)
{
	bulla_yaml *list;
	const char *name;
	TRY(begin_collection(b, b->event.data.sequence_start.tag, b->event.data.sequence_start.anchor, BULLA_YAML_LIST, &list,
			     &name));
	bulla_yaml **end = &list->first;
	for (;;) {
		TRY(next_event(b));
		if (b->event.type == YAML_SEQUENCE_END_EVENT) break;
		TRY(read_node(b, depth + 1, end));
		end = &(*end)->next;
	}
	if (name) TRY(add_anchor(b, name, list));
	*ret = list;
	return BULLA_OK;
}

static bulla_code check_key(builder *b, const bulla_yaml *map, size_t count, const bulla_yaml *key)
{
	for (const bulla_yaml *n = map->first; n; n = n->next)
		if (n->key && strcmp(n->key, key->key) == 0)
			return bulla_yaml_fail_key(b->document, key, b->err, "duplicate key \"%.64s\", first in line %u",
						   key->key, n->key_line);
	if (count > BULLA_YAML_KEYS_MAX)
		return bulla_yaml_fail_key(b->document, key, b->err, "more than %d keys in one mapping", BULLA_YAML_KEYS_MAX);
	if (strcmp(key->key, "<<") == 0)
		return bulla_yaml_fail_key(b->document, key, b->err, "merge keys (<<) are not supported: write the keys out");
	return BULLA_OK;
}

static bulla_code read_key(builder *b, const bulla_yaml *map, size_t count, bulla_yaml *key)
{
	bulla_bytes text;
	if (b->event.type != YAML_SCALAR_EVENT) return FAIL_AT(b, b->event.start_mark, "a key must be a plain word");
	TRY(refuse_tag(b, b->event.data.scalar.tag));
	if (b->event.data.scalar.anchor) return FAIL_AT(b, b->event.start_mark, "an anchor on a key is not supported");
	TRY(scalar_text(b, &text));
	*key = (bulla_yaml){ .key_line = place(b->event.start_mark).line, .key_column = place(b->event.start_mark).column };
	TRY(bulla_arena_copy(&b->document->arena, text, &key->key, b->err));
	return check_key(b, map, count, key);
}

static bulla_code read_map(builder *b, unsigned depth, bulla_yaml **ret)
{
	bulla_yaml *map, key;
	const char *name;
	TRY(begin_collection(b, b->event.data.mapping_start.tag, b->event.data.mapping_start.anchor, BULLA_YAML_MAP, &map,
			     &name));
	bulla_yaml **end = &map->first;
	for (size_t count = 1;; count++) {
		TRY(next_event(b));
		if (b->event.type == YAML_MAPPING_END_EVENT) break;
		TRY(read_key(b, map, count, &key));
		TRY(next_event(b));
		TRY(read_node(b, depth + 1, end));
		(*end)->key = key.key;
		(*end)->key_line = key.key_line;
		(*end)->key_column = key.key_column;
		end = &(*end)->next;
	}
	if (name) TRY(add_anchor(b, name, map));
	*ret = map;
	return BULLA_OK;
}

static bulla_code read_node(builder *b, unsigned depth, bulla_yaml **ret)
{
	if (depth > BULLA_YAML_DEPTH_MAX) return FAIL_AT(b, b->event.start_mark, "more than %d levels", BULLA_YAML_DEPTH_MAX);
	switch (b->event.type) {
	case YAML_ALIAS_EVENT:
		return read_alias(b, depth, ret);
	case YAML_SCALAR_EVENT:
		return read_scalar(b, ret);
	case YAML_SEQUENCE_START_EVENT:
		return read_list(b, depth, ret);
	case YAML_MAPPING_START_EVENT:
		return read_map(b, depth, ret);
	default:
		return FAIL_AT(b, b->event.start_mark, "a value is expected here");
	}
}

/* --- the document ------------------------------------------------------------------------------------------------------- */

static bulla_code read_document(builder *b)
{
	bulla_yaml *root = NULL;
	TRY(next_event(b)); /* the stream's start */
	TRY(next_event(b));
	if (b->event.type == YAML_STREAM_END_EVENT) {
		TRY(new_node(b, b->event.start_mark, BULLA_YAML_SCALAR, &root));
		root->text = "";
		root->plain = true;
		b->document->root = root;
		return BULLA_OK;
	}
	TRY(next_event(b));
	TRY(read_node(b, 1, &root));
	b->document->root = root;
	TRY(next_event(b)); /* the document's end */
	TRY(next_event(b));
	if (b->event.type != YAML_STREAM_END_EVENT) return FAIL_AT(b, b->event.start_mark, "a second document");
	return BULLA_OK;
}

static bulla_code parse_into(bulla_yaml_document *document, bulla_bytes text, bulla_yaml_lookup lookup, void *lookup_self,
			     bulla_error *err)
{
	if (text.len > BULLA_YAML_MAX) return bulla_yaml_fail(document, NULL, err, "more than %u bytes", BULLA_YAML_MAX);
	TRY(check_utf8(document, text, err));
	builder b = { .document = document, .lookup = lookup, .lookup_self = lookup_self, .err = err };
	if (!yaml_parser_initialize(&b.parser)) return bulla_fail_memory(err);
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, text.len ? text.data : (const unsigned char *)"", text.len);
	bulla_code code = read_document(&b);
	drop_event(&b);
	yaml_parser_delete(&b.parser);
	return code;
}

bulla_code bulla_yaml_parse(bulla_bytes text, const char *file, bulla_yaml_lookup lookup, void *lookup_self,
			    bulla_yaml_document **out, bulla_error *err)
{
	bulla_yaml_document *document = calloc(1, sizeof *document);
	if (!document) return bulla_fail_memory(err);
	bulla_code code = bulla_arena_copy(&document->arena, bulla_view_str(file ? file : "bulla.yaml"), &document->file, err);
	if (code == BULLA_OK) code = parse_into(document, text, lookup, lookup_self, err);
	if (code != BULLA_OK) {
		bulla_yaml_free(document);
		return code;
	}
	*out = document;
	return BULLA_OK;
}

void bulla_yaml_free(bulla_yaml_document *document)
{
	if (!document) return;
	bulla_arena_done(&document->arena);
	free(document);
}
