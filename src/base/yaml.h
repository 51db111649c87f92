/*
 * yaml.h - a YAML 1.1 document as a tree of nodes that know their line and column.
 *
 * Duplicate keys are an error, aliases are resolved at most 64 times, a document has at most 100,000 nodes (what aliases
 * stand for counts each time), 64 levels, 1024 keys in one mapping and 1 MiB; keys are scalars; tags and merge keys (`<<`)
 * are refused. All errors but MEMORY are BULLA_ERR_CONFIG and say "line L, column C"; columns count characters.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/buf.h"

#define BULLA_YAML_MAX         (1u << 20)
#define BULLA_YAML_NODES_MAX   100000
#define BULLA_YAML_DEPTH_MAX   64
#define BULLA_YAML_KEYS_MAX    1024
#define BULLA_YAML_ALIASES_MAX 64

typedef enum bulla_yaml_kind { BULLA_YAML_SCALAR = 1, BULLA_YAML_LIST = 2, BULLA_YAML_MAP = 3 } bulla_yaml_kind;

/* Immutable after parsing; owned by the document. */
typedef struct bulla_yaml {
	bulla_yaml_kind kind;
	unsigned line, column; /* from 1 */
	const char *key;       /* this node's key in its mapping, NULL elsewhere */
	unsigned key_line, key_column;
	const char *text;         /* SCALAR: NUL-terminated UTF-8 */
	bool plain;               /* SCALAR: written without quotes, so `null`, `true`, `12` may be meant */
	const char *unset;        /* SCALAR: the first NAME of a `${NAME}` that is not set; `text` is as written then */
	struct bulla_yaml *first; /* LIST, MAP: children in the document's order */
	struct bulla_yaml *next;  /* the sibling after this node */
} bulla_yaml;

typedef struct bulla_yaml_document bulla_yaml_document;

/* What `${NAME}` in a scalar stands for; NULL when NAME is not set, which is an error for whoever needs the value:
 * bulla_yaml_check_set(). */
typedef const char *(*bulla_yaml_lookup)(void *self, const char *name);

/* Parses exactly one document; an empty one is a null. `file` names it in errors. `lookup` may be NULL: then `${NAME}` stays as it is. */
BULLA_MUST bulla_code bulla_yaml_parse(bulla_bytes text, const char *file, bulla_yaml_lookup lookup, void *lookup_self,
				       bulla_yaml_document **out, bulla_error *err);
void bulla_yaml_free(bulla_yaml_document *document);
const bulla_yaml *bulla_yaml_root(const bulla_yaml_document *document);
const char *bulla_yaml_file(const bulla_yaml_document *document);

const bulla_yaml *bulla_yaml_get(const bulla_yaml *map, const char *key); /* NULL when absent */

/* Absent, empty, `~` or `null` without quotes. */
bool bulla_yaml_is_null(const bulla_yaml *node);

/* CONFIG: "<file>: line L, column C: <text>". */
bulla_code bulla_yaml_fail(const bulla_yaml_document *document, const bulla_yaml *node, bulla_error *err, const char *format, ...)
	BULLA_PRINTF(4, 5);

/* The same at the place of the node's key. */
bulla_code bulla_yaml_fail_key(const bulla_yaml_document *document, const bulla_yaml *node, bulla_error *err, const char *format,
			       ...) BULLA_PRINTF(4, 5);

/* The one of `words` (NULL-terminated) that `word` was probably meant to be; NULL when none is near. */
const char *bulla_yaml_nearest(const char *word, const char *const *words);

/* Fails on the first scalar in `node` and below it whose variable is not set. NULL is fine. */
BULLA_MUST bulla_code bulla_yaml_check_set(const bulla_yaml_document *document, const bulla_yaml *node, bulla_error *err);

/* Fails on the first key of `map` that is not in `keys` (NULL-terminated), naming its position and, where one is
 * near, the key that was probably meant. A null is an empty mapping; anything else is an error. */
BULLA_MUST bulla_code bulla_yaml_check_keys(const bulla_yaml_document *document, const bulla_yaml *map, const char *const *keys,
					    bulla_error *err);

#endif
