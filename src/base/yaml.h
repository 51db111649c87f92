/*
 * yaml.h - a YAML 1.1 document as a tree of nodes that know their line and column.
 *
 * Duplicate keys are an error, aliases are resolved at most 64 times, a document has at most 100,000 nodes, 64 levels
 * and 1 MiB; keys are scalars. All errors are BULLA_ERR_CONFIG and say "line L, column C".
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/buf.h"

#define BULLA_YAML_MAX (1u << 20)

typedef enum bulla_yaml_kind { BULLA_YAML_SCALAR = 1, BULLA_YAML_LIST = 2, BULLA_YAML_MAP = 3 } bulla_yaml_kind;

/* Immutable after parsing; owned by the document. */
typedef struct bulla_yaml {
	bulla_yaml_kind kind;
	unsigned line, column;      /* from 1 */
	const char *key;            /* this node's key in its mapping, NULL elsewhere */
	unsigned key_line, key_column;
	const char *text;           /* SCALAR: NUL-terminated UTF-8 */
	bool plain;                 /* SCALAR: written without quotes, so `null`, `true`, `12` may be meant */
	struct bulla_yaml *first;   /* LIST, MAP: children in the document's order */
	struct bulla_yaml *next;    /* the sibling after this node */
} bulla_yaml;

typedef struct bulla_yaml_document bulla_yaml_document;

/* What `${NAME}` in a scalar stands for; NULL when NAME is not set, which is an error of the document. */
typedef const char *(*bulla_yaml_lookup)(void *self, const char *name);

/* Parses exactly one document. `file` names it in errors. `lookup` may be NULL: then `${NAME}` stays as it is. */
BULLA_MUST bulla_code bulla_yaml_parse(bulla_bytes text, const char *file, bulla_yaml_lookup lookup, void *lookup_self,
                                       bulla_yaml_document **out, bulla_error *err);
void bulla_yaml_free(bulla_yaml_document *document);
const bulla_yaml *bulla_yaml_root(const bulla_yaml_document *document);
const char *bulla_yaml_file(const bulla_yaml_document *document);

const bulla_yaml *bulla_yaml_get(const bulla_yaml *map, const char *key); /* NULL when absent */

/* CONFIG: "<file>: line L, column C: <text>". */
bulla_code bulla_yaml_fail(const bulla_yaml_document *document, const bulla_yaml *node, bulla_error *err,
                           const char *format, ...) BULLA_PRINTF(4, 5);

/* Fails on the first key of `map` that is not in `keys` (NULL-terminated), naming its position and, where one is
 * near, the key that was probably meant. */
BULLA_MUST bulla_code bulla_yaml_check_keys(const bulla_yaml_document *document, const bulla_yaml *map,
                                            const char *const *keys, bulla_error *err);

#endif
