/*
 * tree.h - JSON for the commands: numbers and texts out of an answer, a tree for people.
 */
#ifndef CLI_TREE_H
#define CLI_TREE_H

#include "cli/cli.h"

/* Members with a preset for what is absent. Texts are views. */
int64_t bulla_tree_integer(const bulla_json *object, const char *name, int64_t preset);
double bulla_tree_number(const bulla_json *object, const char *name); /* 0 */
bool bulla_tree_boolean(const bulla_json *object, const char *name);
bulla_bytes bulla_tree_text(const bulla_json *object, const char *name);

/* "name: value" lines, nested ones indented. */
void bulla_tree_print(bulla_cli *cli, const bulla_json *object, int indent);

/* printf arguments for "%.*s". */
#define BULLA_SHOW(bytes) (int)(bytes).len, (const char *)((bytes).data ? (bytes).data : (const uint8_t *)"")

#endif
