/*
 * tree.c - JSON for the commands: numbers and texts out of an answer, a tree for people.
 */
#include "cli/tree.h"
#include "base/bytes.h"

int64_t bulla_tree_integer(const bulla_json *object, const char *name, int64_t preset)
{
	int64_t value = preset;
	const bulla_json *member = bulla_json_member(object, name);
	return member && bulla_json_integer(member, &value) ? value : preset;
}

double bulla_tree_number(const bulla_json *object, const char *name)
{
	double value = 0;
	const bulla_json *member = bulla_json_member(object, name);
	return member && bulla_json_number(member, &value) ? value : 0;
}

bool bulla_tree_boolean(const bulla_json *object, const char *name)
{
	bool value = false;
	const bulla_json *member = bulla_json_member(object, name);
	return member && bulla_json_boolean(member, &value) && value;
}

bulla_bytes bulla_tree_text(const bulla_json *object, const char *name)
{
	bulla_bytes text = { NULL, 0 };
	const bulla_json *member = bulla_json_member(object, name);
	if (member && bulla_json_string(member, &text)) return text;
	return bulla_view(NULL, 0);
}

typedef struct printer {
	bulla_cli *cli;
	int indent;
} printer;

static void print_node(bulla_cli *cli, bulla_bytes name, const bulla_json *node, int indent);

static bool print_member(void *self, bulla_bytes name, const bulla_json *value)
{
	printer *p = self;
	print_node(p->cli, name, value, p->indent);
	return true;
}

/* A scalar as text; false for arrays and objects. */
static bool scalar(const bulla_json *node, bulla_buf *out)
{
	bulla_bytes text;
	int64_t integer = 0;
	double number = 0;
	bool truth = false;
	if (bulla_json_string(node, &text)) return bulla_text_printable(text, out, NULL) == BULLA_OK;
	if (bulla_json_integer(node, &integer)) return bulla_buf_printf(out, NULL, "%lld", (long long)integer) == BULLA_OK;
	if (bulla_json_number(node, &number)) return bulla_buf_printf(out, NULL, "%g", number) == BULLA_OK;
	if (bulla_json_boolean(node, &truth)) return bulla_buf_add_str(out, truth ? "yes" : "no", NULL) == BULLA_OK;
	return bulla_json_is_null(node) && bulla_buf_add_str(out, "none", NULL) == BULLA_OK;
}

static void print_node(bulla_cli *cli, bulla_bytes name, const bulla_json *node, int indent)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	if (scalar(node, &text)) {
		bulla_cli_print(cli, "%*s%-*.*s %.*s", indent, "", 20 - indent, BULLA_SHOW(name), BULLA_SHOW(text));
		return;
	}
	bulla_cli_print(cli, "%*s%.*s", indent, "", BULLA_SHOW(name));
	const bulla_json *element = bulla_json_at(node, 0);
	for (size_t i = 0; element; element = bulla_json_at(node, ++i))
		print_node(cli, bulla_view_str("-"), element, indent + 2);
	bulla_tree_print(cli, node, indent + 2);
}

void bulla_tree_print(bulla_cli *cli, const bulla_json *object, int indent)
{
	printer p = { cli, indent };
	bulla_json_members(object, print_member, &p);
}
