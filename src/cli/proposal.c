/*
 * proposal.c - the text of a new bulla.yaml: what the database suggests, with comments that say what can be chosen.
 */
#include "cli/proposal.h"
#include "base/bytes.h"
#include "base/error.h"
#include "cli/tree.h"

#include <string.h>

/* --- what was asked for --------------------------------------------------------------------------------------------- */
static bulla_code take_names(const char *text, bulla_bytes *names, size_t max, size_t *count, bulla_error *err)
{
	size_t more = 0;
	TRY(bulla_split(text, ',', names + *count, max - *count, &more, err));
	*count += more;
	return BULLA_OK;
}

bulla_code bulla_wishes_read(const bulla_cli *cli, bulla_wish wishes[static BULLA_TABLES_MAX], size_t *ret_n, bulla_error *err)
{
	size_t n = 0;
	for (size_t i = 0; i < cli->given_count; i++) {
		const char *option = cli->given[i].option->name, *value = cli->given[i].value;
		bool fields = strcmp(option, "fields") == 0, index = strcmp(option, "index") == 0;
		if ((fields || index) && n == 0)
			return bulla_fail(err, BULLA_ERR_USAGE, "--%s belongs to a --table before it", option);
		if (strcmp(option, "table") == 0) {
			if (n == BULLA_TABLES_MAX)
				return bulla_fail(err, BULLA_ERR_LIMIT, "more than %d tables", BULLA_TABLES_MAX);
			wishes[n++] = (bulla_wish){ .table = value };
		}
		bulla_wish *wish = n ? &wishes[n - 1] : NULL;
		if (fields) TRY(take_names(value, wish->fields, 64, &wish->field_count, err));
		if (index) TRY(take_names(value, wish->indexes, 64, &wish->index_count, err));
	}
	for (size_t i = 0; i < n; i++)
		if (!wishes[i].field_count) return bulla_fail(err, BULLA_ERR_USAGE, "--table %s needs --fields", wishes[i].table);
	*ret_n = n;
	return BULLA_OK;
}

static bool is_wished(const bulla_bytes *names, size_t n, bulla_bytes name)
{
	for (size_t i = 0; i < n; i++)
		if (bulla_bytes_equal(names[i], name)) return true;
	return false;
}

/* --- YAML ------------------------------------------------------------------------------------------------------------ */
/* Words that YAML 1.1 takes for something else than text. */
static const char *const reserved[] = { "y", "n", "yes", "no", "on", "off", "true", "false", "null" };

static bool is_plain(bulla_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && !(i && c >= '0' && c <= '9')) return false;
	}
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (text.len == strlen(reserved[i]) && strncasecmp((const char *)text.data, reserved[i], text.len) == 0)
			return false;
	return text.len > 0;
}

/* A JSON string is a YAML string in double quotes. */
static bulla_code add_text(bulla_bytes text, bulla_buf *out, bulla_error *err)
{
	if (is_plain(text)) return bulla_buf_add(out, text, err);
	bulla_json_writer w = bulla_json_to(out);
	bulla_json_put_bytes(&w, NULL, text);
	return bulla_json_end(&w, err);
}

static bulla_code add_flow(const bulla_json *node, bulla_buf *out, bulla_error *err);

typedef struct flow {
	bulla_buf *out;
	bulla_error *err;
	bulla_code code;
	bool comma;
	bulla_bytes skip; /* a member that is not written */
} flow;

static bool add_member(void *self, bulla_bytes name, const bulla_json *value)
{
	flow *f = self;
	if (bulla_bytes_equal(name, f->skip)) return true;
	f->code = bulla_buf_add_str(f->out, f->comma ? ", " : "", f->err);
	if (!f->code) f->code = add_text(name, f->out, f->err);
	if (!f->code) f->code = bulla_buf_add_str(f->out, ": ", f->err);
	if (!f->code) f->code = add_flow(value, f->out, f->err);
	f->comma = true;
	return f->code == BULLA_OK;
}

static bulla_code add_members(const bulla_json *object, flow *f)
{
	bulla_json_members(object, add_member, f);
	return f->code;
}

static bulla_code add_list(const bulla_json *array, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_str(out, "[", err));
	for (size_t i = 0; i < bulla_json_count(array); i++) {
		TRY(bulla_buf_add_str(out, i ? ", " : "", err));
		TRY(add_flow(bulla_json_at(array, i), out, err));
	}
	return bulla_buf_add_str(out, "]", err);
}

static bulla_code add_flow(const bulla_json *node, bulla_buf *out, bulla_error *err)
{
	bulla_bytes text;
	int64_t integer = 0;
	bool truth = false;
	if (bulla_json_string(node, &text)) return add_text(text, out, err);
	if (bulla_json_integer(node, &integer)) return bulla_buf_printf(out, err, "%lld", (long long)integer);
	if (bulla_json_boolean(node, &truth)) return bulla_buf_add_str(out, truth ? "true" : "false", err);
	if (bulla_json_is_null(node)) return bulla_buf_add_str(out, "null", err);
	if (bulla_json_at(node, 0)) return add_list(node, out, err);
	flow f = { .out = out, .err = err };
	TRY(bulla_buf_add_str(out, "{ ", err));
	TRY(add_members(node, &f));
	return bulla_buf_add_str(out, " }", err);
}

/* --- models ---------------------------------------------------------------------------------------------------------- */
/* "shop.users" and "Old Users" become keys that the command line likes: shop_users, Old_Users. */
static bulla_code add_key(const char *table, bulla_buf *out, bulla_error *err)
{
	for (const char *p = table; *p; p++) {
		bool plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *p) != NULL;
		TRY(bulla_buf_add_u8(out, plain ? (uint8_t)*p : '_', err));
	}
	return BULLA_OK;
}

static bulla_code add_field(const bulla_wish *wish, const bulla_json *field, bulla_buf *out, bulla_error *err)
{
	bulla_bytes name = bulla_tree_text(field, "name");
	flow f = { .out = out, .err = err, .skip = bulla_view_str("name") };
	TRY(bulla_buf_add_str(out, "      ", err));
	TRY(add_text(name, out, err));
	TRY(bulla_buf_add_str(out, ": { ", err));
	TRY(add_members(field, &f));
	bool wanted = is_wished(wish->indexes, wish->index_count, name) && !bulla_json_member(field, "index");
	if (wanted) TRY(bulla_buf_printf(out, err, "%sindex: {}", f.comma ? ", " : ""));
	return bulla_buf_add_str(out, " }\n", err);
}

static bulla_code add_line(const char *name, const bulla_json *value, bulla_buf *out, bulla_error *err)
{
	if (!value || bulla_json_is_null(value)) return BULLA_OK;
	TRY(bulla_buf_printf(out, err, "    %s: ", name));
	TRY(add_flow(value, out, err));
	return bulla_buf_add_str(out, "\n", err);
}

static bulla_code add_model(const bulla_wish *wish, const bulla_json *proposal, bulla_buf *out, bulla_error *err)
{
	const bulla_json *fields = bulla_json_member(proposal, "fields");
	TRY(bulla_buf_add_str(out, "  ", err));
	TRY(add_key(wish->table, out, err));
	TRY(bulla_buf_add_str(out, ":\n", err));
	TRY(add_line("table", bulla_json_member(proposal, "table"), out, err));
	TRY(add_line("primary_key", bulla_json_member(proposal, "primary_key"), out, err));
	TRY(bulla_buf_add_str(out,
			      "    # Bound to every value: one that was copied to another row or model does not open. Never a "
			      "column that changes.\n",
			      err));
	TRY(add_line("context", bulla_json_member(proposal, "context"), out, err));
	TRY(bulla_buf_add_str(out,
			      "    # One branch key for the table: sealing needs no call to the key service, and one call opens "
			      "many rows. Without it each\n"
			      "    # record is wrapped by the key service itself: separate rights, an audit entry for each key "
			      "(SECURITY.md has the choice).\n"
			      "    branch_key: { name: ",
			      err));
	TRY(add_key(wish->table, out, err));
	TRY(bulla_buf_add_str(out, " }\n", err));
	TRY(bulla_buf_add_str(
		out,
		"    # index: {} lets `bulla search` find equal values; `bulla plan` shows what that gives away.\n    fields:\n",
		err));
	for (size_t i = 0; i < bulla_json_count(fields); i++)
		TRY(add_field(wish, bulla_json_at(fields, i), out, err));
	return BULLA_OK;
}

static bulla_code add_warnings(const bulla_wish *wish, const bulla_json *proposal, bulla_buf *out, bulla_error *err)
{
	const bulla_json *warnings = bulla_json_member(proposal, "warnings");
	for (size_t i = 0; i < bulla_json_count(warnings); i++) {
		bulla_bytes text = { NULL, 0 };
		if (bulla_json_string(bulla_json_at(warnings, i), &text))
			TRY(bulla_buf_printf(out, err, "%s: %.*s\n", wish->table, BULLA_SHOW(text)));
	}
	return BULLA_OK;
}

/* --- the file -------------------------------------------------------------------------------------------------------- */
static const char head[] =
	"# What bulla seals, with which keys. docs/SCHEMA.md lists every key; relative paths start at this file.\n"
	"version: 1\n"
	"\n"
	"environments:\n";

static const char keys[] = "    # `local` is the key store in .bulla/, beside this file: whoever has this host has its keys.\n"
			   "    keys: [local]\n";

static const char no_database[] = "databases:\n"
				  "  # main: { url: \"sqlite:app.db\" }\n"
				  "\n";

static const char no_models[] = "models:\n"
				"  # users:\n"
				"  #   table: users\n"
				"  #   primary_key: id\n"
				"  #   context: { model_name: User, model_id: \"{id}\" }\n"
				"  #   branch_key: { name: users }\n"
				"  #   fields:\n"
				"  #     email: { type: string, index: { normalize: lowercase, unique: true } }\n"
				"  #     first_name: {}\n"
				"  #     ssn: { index: { expression: last4 } }\n";

static bulla_code add_database(const char *url, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_str(out, "databases:\n  main: { url: ", err));
	TRY(add_text(bulla_view_str(url), out, err));
	return bulla_buf_add_str(out, " }\n\n", err);
}

bulla_code bulla_proposal_write(const char *environment, const char *url, const bulla_wish *wishes, bulla_json *const *proposals,
				size_t n, bulla_buf *out, bulla_buf *ret_warnings, bulla_error *err)
{
	TRY(bulla_buf_add_str(out, head, err));
	TRY(bulla_buf_add_str(out, "  ", err));
	TRY(add_text(bulla_view_str(environment), out, err));
	TRY(bulla_buf_printf(out, err, ":\n%s\n", keys));
	if (!url) TRY(bulla_buf_add_str(out, no_database, err));
	if (url) TRY(add_database(url, out, err));
	TRY(bulla_buf_add_str(out, n ? "models:\n" : no_models, err));
	for (size_t i = 0; i < n; i++) {
		TRY(add_model(&wishes[i], proposals[i], out, err));
		TRY(add_warnings(&wishes[i], proposals[i], ret_warnings, err));
	}
	return BULLA_OK;
}
