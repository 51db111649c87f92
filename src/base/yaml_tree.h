/*
 * yaml_tree.h - the inside of a parsed YAML document, shared by the files that build it and look at it.
 */
#ifndef BASE_YAML_TREE_H
#define BASE_YAML_TREE_H

#include "base/arena.h"
#include "base/yaml.h"

struct bulla_yaml_document {
	bulla_arena arena; /* nodes and texts; wiped, for a text may be a URL with a password */
	const char *file;
	const bulla_yaml *root;
};

/* yaml_subst.c: `text` with each ${NAME} replaced, in the arena. `node` is where an error points, and is
 * told of a variable that is not set. */
BULLA_MUST bulla_code bulla_yaml_substitute(bulla_yaml_document *document, bulla_yaml *node, bulla_bytes text,
					    bulla_yaml_lookup lookup, void *lookup_self, const char **ret, bulla_error *err);

#endif
