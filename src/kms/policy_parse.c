/*
 * policy_parse.c - reads a policy document, and says where it is wrong.
 */
#include "kms/policy_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* a document is small, and there may be one for each of many keys */
#define ARENA_BLOCK 1024

typedef bulla_policy_reader reader;
typedef bulla_policy_statement statement;

/* --- what the readers of the parts share ------------------------------------------------------------------------- */
bulla_code bulla_policy_wrong(const reader *r, bulla_code code, const char *format, ...)
{
	char text[BULLA_ERROR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	const char *member = r->member ? r->member : "", *colon = r->member ? ": " : "";
	if (r->statement) return bulla_fail(r->err, code, "policy: statement %zu: %s%s%s", r->statement, member, colon, text);
	return bulla_fail(r->err, code, "policy: %s%s%s", member, colon, text);
}

const char *bulla_policy_shown(bulla_bytes text, char out[static BULLA_SHOWN_MAX])
{
	size_t n = text.len < BULLA_SHOWN_MAX - 1 ? text.len : BULLA_SHOWN_MAX - 1;
	for (size_t i = 0; i < n; i++)
		out[i] = text.data[i] >= 0x20 && text.data[i] < 0x7f ? (char)text.data[i] : '?';
	out[n] = 0;
	return out;
}

bool bulla_policy_printable(bulla_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f) return false;
	return true;
}

bulla_code bulla_policy_string(const reader *r, const bulla_json *node, bulla_bytes *ret)
{
	if (!bulla_json_string(node, ret)) return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "it is a string, or a list of strings");
	if (ret->len > BULLA_POLICY_STRING_MAX)
		return bulla_policy_wrong(r, BULLA_ERR_LIMIT, "a string of more than %d bytes", BULLA_POLICY_STRING_MAX);
	return bulla_policy_printable(*ret) ? BULLA_OK
					    : bulla_policy_wrong(r, BULLA_ERR_FORMAT, "a string with a control character in it");
}

bulla_code bulla_policy_list(const reader *r, const bulla_json *node, size_t *ret_n)
{
	*ret_n = 1;
	if (bulla_json_is_object(node))
		return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "an object, where a value or a list belongs");
	if (!bulla_json_is_array(node)) return BULLA_OK;
	*ret_n = bulla_json_count(node);
	if (*ret_n == 0) return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "an empty list");
	if (*ret_n > BULLA_POLICY_LIST_MAX)
		return bulla_policy_wrong(r, BULLA_ERR_LIMIT, "a list of more than %d", BULLA_POLICY_LIST_MAX);
	return BULLA_OK;
}

const bulla_json *bulla_policy_item(const bulla_json *node, size_t index)
{
	return bulla_json_is_array(node) ? bulla_json_at(node, index) : node;
}

bulla_code bulla_policy_keep(const reader *r, bulla_bytes text, bulla_bytes *ret)
{
	const char *copy;
	TRY(bulla_arena_copy(&r->policy->arena, text, &copy, r->err));
	*ret = bulla_view(copy, text.len);
	return BULLA_OK;
}

bulla_code bulla_policy_pattern_read(const reader *r, bulla_bytes text, unsigned flags, bulla_policy_pattern *out)
{
	const char *wrong = NULL;
	if (!r->policy->variables) flags &= ~(unsigned)PATTERN_VARIABLES;
	TRY(bulla_policy_pattern_make(text, flags, &r->policy->arena, out, &wrong, r->err));
	return wrong ? bulla_policy_wrong(r, BULLA_ERR_FORMAT, "%s", wrong) : BULLA_OK;
}

/* --- Action, Resource ------------------------------------------------------------------------------------------ */
static bool is_word(uint8_t c)
{
	c = bulla_ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* "*", or service:name with wildcards in the name. */
static bool is_action(bulla_bytes text)
{
	size_t colon = 0;
	if (bulla_bytes_is(text, "*")) return true;
	while (colon < text.len && (is_word(text.data[colon]) || text.data[colon] == '-'))
		colon++;
	if (colon == 0 || colon + 1 >= text.len || text.data[colon] != ':') return false;
	for (size_t i = colon + 1; i < text.len; i++)
		if (!is_word(text.data[i]) && text.data[i] != '*' && text.data[i] != '?') return false;
	return true;
}

static bulla_code read_action(const reader *r, bulla_bytes text, bulla_policy_pattern *out)
{
	char shown[BULLA_SHOWN_MAX];
	if (!is_action(text))
		return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "\"%s\" is no action: kms:Decrypt, kms:*, *",
					  bulla_policy_shown(text, shown));
	return bulla_policy_pattern_read(r, text, PATTERN_WILD | PATTERN_FOLD, out);
}

/* "*", or an ARN, of which a star may stand for the end; variables only in its last section. */
static bulla_code read_resource(const reader *r, bulla_bytes text, bulla_policy_pattern *out)
{
	char shown[BULLA_SHOWN_MAX];
	bulla_bytes arn[BULLA_ARN_SECTIONS], head = text;
	bool split = bulla_arn_split(text, arn), star = text.len && memchr(text.data, '*', text.len);
	if (!bulla_bytes_is(text, "*") && (text.len < 4 || memcmp(text.data, "arn:", 4) != 0 || (!split && !star)))
		return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "\"%s\" is no ARN, and not \"*\"",
					  bulla_policy_shown(text, shown));
	if (split) head.len = text.len - arn[5].len;
	for (size_t i = 0; r->policy->variables && i + 1 < head.len; i++)
		if (head.data[i] == '$' && head.data[i + 1] == '{')
			return bulla_policy_wrong(r, BULLA_ERR_FORMAT,
						  "\"%s\": policy variables stand behind the fifth colon of an ARN",
						  bulla_policy_shown(text, shown));
	return bulla_policy_pattern_read(r, text, PATTERN_WILD | PATTERN_VARIABLES, out);
}

typedef bulla_code (*read_pattern)(const reader *r, bulla_bytes text, bulla_policy_pattern *out);

static bulla_code read_patterns(const reader *r, const bulla_json *node, read_pattern one, bulla_policy_patterns *out)
{
	bulla_policy_pattern *list;
	bulla_bytes text;
	TRY(bulla_policy_list(r, node, &out->n));
	TRY(bulla_arena_take(&r->policy->arena, out->n, sizeof *list, &list, r->err));
	for (size_t i = 0; i < out->n; i++) {
		TRY(bulla_policy_string(r, bulla_policy_item(node, i), &text));
		TRY(bulla_policy_keep(r, text, &text));
		TRY(one(r, text, &list[i]));
	}
	out->list = list;
	return BULLA_OK;
}

/* One of `name` and "Not" `name`, as `ret`; NULL when there is neither. */
static bulla_code choose(reader *r, const bulla_json *object, const char *name, const char *not_name, const bulla_json **ret,
			 bool *ret_not)
{
	const bulla_json *plain = bulla_json_member(object, name), *except = bulla_json_member(object, not_name);
	r->member = NULL;
	if (plain && except) return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "%s and %s exclude each other", name, not_name);
	r->member = except ? not_name : name;
	*ret = except ? except : plain;
	*ret_not = except;
	return BULLA_OK;
}

static bulla_code need_patterns(reader *r, const bulla_json *object, const char *name, const char *not_name, read_pattern one,
				bulla_policy_patterns *out)
{
	const bulla_json *node = NULL;
	TRY(choose(r, object, name, not_name, &node, &out->except));
	if (!node) return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "it is missing, and %s too", not_name);
	return read_patterns(r, node, one, out);
}

/* --- one statement --------------------------------------------------------------------------------------------- */
typedef struct names {
	const reader *reader;
	const char *const *known;
	const char *of;
	bulla_code code;
} names;

static bool each_name(void *self, bulla_bytes name, const bulla_json *value)
{
	(void)value;
	names *n = self;
	char shown[BULLA_SHOWN_MAX];
	for (size_t i = 0; n->known[i]; i++)
		if (bulla_bytes_is(name, n->known[i])) return true;
	n->code = bulla_policy_wrong(n->reader, BULLA_ERR_FORMAT, "\"%s\" is no member of a %s", bulla_policy_shown(name, shown),
				     n->of);
	return false;
}

static bulla_code only(const reader *r, const bulla_json *object, const char *const *known, const char *of)
{
	names n = { r, known, of, BULLA_OK };
	if (!bulla_json_is_object(object)) return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "a %s is an object", of);
	bulla_json_members(object, each_name, &n);
	return n.code;
}

static bulla_code read_sid(reader *r, const bulla_json *object, statement *out)
{
	const bulla_json *node = bulla_json_member(object, "Sid");
	bulla_bytes text;
	r->member = "Sid";
	if (!node) return BULLA_OK;
	TRY(bulla_policy_string(r, node, &text));
	return text.len ? bulla_arena_copy(&r->policy->arena, text, &out->sid, r->err) : BULLA_OK;
}

static bulla_code read_effect(reader *r, const bulla_json *object, statement *out)
{
	bulla_bytes text = { 0 };
	r->member = "Effect";
	const bulla_json *node = bulla_json_member(object, "Effect");
	if (node) TRY(bulla_policy_string(r, node, &text));
	out->deny = bulla_bytes_is(text, "Deny");
	if (out->deny || bulla_bytes_is(text, "Allow")) return BULLA_OK;
	return bulla_policy_wrong(r, BULLA_ERR_FORMAT, node ? "it is Allow or Deny" : "it is missing");
}

static bulla_code read_principals(reader *r, const bulla_json *object, statement *out)
{
	const bulla_json *node = NULL;
	bool key = r->policy->kind == BULLA_POLICY_KEY;
	TRY(choose(r, object, "Principal", "NotPrincipal", &node, &out->except_principals));
	if (node && !key)
		return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "a policy of a principal names none; that is for key policies");
	if (!node && key) return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "it is missing; a key policy says whom it is about");
	return node ? bulla_policy_principals_read(r, node, out) : BULLA_OK;
}

static bulla_code read_statement(reader *r, const bulla_json *object, statement *out)
{
	static const char *const known[] = { "Sid",       "Effect",   "Principal",   "NotPrincipal", "Action",
					     "NotAction", "Resource", "NotResource", "Condition",    NULL };
	r->member = NULL;
	TRY(only(r, object, known, "statement"));
	TRY(read_sid(r, object, out));
	TRY(read_effect(r, object, out));
	TRY(read_principals(r, object, out));
	TRY(need_patterns(r, object, "Action", "NotAction", read_action, &out->actions));
	TRY(need_patterns(r, object, "Resource", "NotResource", read_resource, &out->resources));
	const bulla_json *condition = bulla_json_member(object, "Condition");
	return condition ? bulla_policy_conditions_read(r, condition, out) : BULLA_OK;
}

/* --- the document ---------------------------------------------------------------------------------------------- */
static bulla_code read_version(reader *r, const bulla_json *document)
{
	bulla_bytes text = bulla_view_str("2008-10-17"); /* what a document without one means */
	r->member = "Version";
	const bulla_json *node = bulla_json_member(document, "Version");
	if (node) TRY(bulla_policy_string(r, node, &text));
	r->policy->variables = bulla_bytes_is(text, "2012-10-17");
	if (r->policy->variables || bulla_bytes_is(text, "2008-10-17")) return BULLA_OK;
	return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "it is 2012-10-17 or 2008-10-17");
}

static bulla_code read_id(reader *r, const bulla_json *document)
{
	const bulla_json *node = bulla_json_member(document, "Id");
	bulla_bytes text;
	r->member = "Id";
	return node ? bulla_policy_string(r, node, &text) : BULLA_OK;
}

static bulla_code unique_sid(const reader *r, const statement *list, size_t n)
{
	for (size_t i = 0; list[n].sid && i < n; i++)
		if (list[i].sid && strcmp(list[i].sid, list[n].sid) == 0)
			return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "statement %zu has the same Sid", i + 1);
	return BULLA_OK;
}

static bulla_code read_statements(reader *r, const bulla_json *document)
{
	const bulla_json *node = bulla_json_member(document, "Statement");
	bulla_policy *policy = r->policy;
	statement *list;
	r->member = "Statement";
	if (!node) return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "it is missing");
	bool several = bulla_json_is_array(node);
	size_t n = several ? bulla_json_count(node) : 1;
	if (n == 0) return bulla_policy_wrong(r, BULLA_ERR_FORMAT, "an empty list");
	if (n > BULLA_POLICY_STATEMENTS_MAX)
		return bulla_policy_wrong(r, BULLA_ERR_LIMIT, "more than %d of them", BULLA_POLICY_STATEMENTS_MAX);
	TRY(bulla_arena_take(&policy->arena, n, sizeof *list, &list, r->err));
	policy->statements = list;
	for (; policy->n < n; policy->n++) {
		r->statement = policy->n + 1;
		TRY(read_statement(r, bulla_policy_item(node, policy->n), &list[policy->n]));
		r->member = "Sid";
		TRY(unique_sid(r, list, policy->n));
	}
	return BULLA_OK;
}

static bulla_code read_document(reader *r, const bulla_json *document)
{
	static const char *const known[] = { "Version", "Id", "Statement", NULL };
	TRY(only(r, document, known, "policy"));
	TRY(read_version(r, document));
	TRY(read_id(r, document));
	return read_statements(r, document);
}

static bulla_code read_text(bulla_policy *policy, bulla_bytes text, bulla_error *err)
{
	reader r = { .policy = policy, .err = err };
	bulla_json *document;
	if (text.len > BULLA_POLICY_TEXT_MAX)
		return bulla_policy_wrong(&r, BULLA_ERR_LIMIT, "more than %d bytes", BULLA_POLICY_TEXT_MAX);
	TRY(bulla_json_parse(text, &document, err));
	bulla_code code = read_document(&r, document);
	bulla_json_free(document);
	return code;
}

bulla_code bulla_policy_parse(bulla_bytes text, bulla_policy_kind kind, bulla_policy **out, bulla_error *err)
{
	bulla_policy *policy = calloc(1, sizeof *policy);
	if (!policy) return bulla_fail_memory(err);
	policy->kind = kind;
	policy->arena.block = ARENA_BLOCK;
	bulla_code code = read_text(policy, text, err);
	if (code == BULLA_OK)
		*out = policy;
	else
		bulla_policy_free(policy);
	return code;
}

void bulla_policy_free(bulla_policy *policy)
{
	if (!policy) return;
	bulla_arena_done(&policy->arena);
	free(policy);
}
