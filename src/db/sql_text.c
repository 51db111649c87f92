/*
 * sql_text.c - a tokeniser for stored SQL, and the cuts that dropping columns needs.
 */
#include "db/sql_text.h"

#include <string.h>

/* --- tokens ---------------------------------------------------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || c >= 0x80;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static void skip(bulla_bytes *rest, size_t n)
{
	*rest = bulla_view(rest->data + n, rest->len - n);
}

/* Length of the comment at the start of `rest`, 0 when there is none. */
static size_t comment(bulla_bytes rest)
{
	if (rest.len < 2) return 0;
	size_t n = 2;
	if (rest.data[0] == '-' && rest.data[1] == '-') {
		while (n < rest.len && rest.data[n] != '\n')
			n++;
		return n;
	}
	if (rest.data[0] != '/' || rest.data[1] != '*') return 0;
	while (n + 1 < rest.len && !(rest.data[n] == '*' && rest.data[n + 1] == '/'))
		n++;
	return n + 1 < rest.len ? n + 2 : rest.len;
}

static void skip_blanks(bulla_bytes *rest)
{
	for (size_t n; rest->len; skip(rest, n)) {
		n = is_blank(rest->data[0]) ? 1 : comment(*rest);
		if (n == 0) return;
	}
}

/* Length of a quoted token; a doubled closing quote stands for itself, except in brackets. */
static size_t quoted(bulla_bytes rest)
{
	uint8_t close = rest.data[0] == '[' ? ']' : rest.data[0];
	for (size_t n = 1; n < rest.len; n++) {
		if (rest.data[n] != close) continue;
		if (close != ']' && n + 1 < rest.len && rest.data[n + 1] == close)
			n++;
		else
			return n + 1;
	}
	return rest.len;
}

static size_t word(bulla_bytes rest)
{
	size_t n = 0;
	while (n < rest.len && is_word(rest.data[n]))
		n++;
	return n;
}

bulla_sql_token bulla_sql_next(bulla_bytes *rest)
{
	skip_blanks(rest);
	bulla_sql_token token = { BULLA_SQL_END, { rest->data, 0 } };
	if (rest->len == 0) return token;
	uint8_t c = rest->data[0];
	if (c == '"' || c == '`' || c == '[' || c == '\'') {
		token.kind = BULLA_SQL_QUOTED;
		token.text.len = quoted(*rest);
	} else if (is_word(c)) {
		token.kind = c >= '0' && c <= '9' ? BULLA_SQL_NUMBER : BULLA_SQL_WORD;
		token.text.len = word(*rest);
	} else {
		token.kind = BULLA_SQL_SIGN;
		token.text.len = 1;
	}
	skip(rest, token.text.len);
	return token;
}

static bool equal_nocase(bulla_bytes text, const char *name)
{
	for (size_t i = 0; i < text.len; i++)
		if (!name[i] || lower(text.data[i]) != lower((uint8_t)name[i])) return false;
	return name[text.len] == 0;
}

bool bulla_sql_is_word(bulla_sql_token token, const char *keyword)
{
	return token.kind == BULLA_SQL_WORD && equal_nocase(token.text, keyword);
}

bool bulla_sql_is_sign(bulla_sql_token token, char sign)
{
	return token.kind == BULLA_SQL_SIGN && token.text.data[0] == (uint8_t)sign;
}

bool bulla_sql_is_name(bulla_sql_token token, const char *name)
{
	if (token.kind == BULLA_SQL_WORD) return equal_nocase(token.text, name);
	if (token.kind != BULLA_SQL_QUOTED || token.text.len < 2) return false;
	uint8_t quote = token.text.data[0];
	size_t end = token.text.len - 1, at = 0;
	for (size_t i = 1; i < end; i++, at++) {
		if (!name[at] || lower(token.text.data[i]) != lower((uint8_t)name[at])) return false;
		if (quote != '[' && token.text.data[i] == quote) i++; /* the second of a doubled quote */
	}
	return name[at] == 0;
}

bool bulla_sql_mentions(bulla_bytes sql, const char *name)
{
	for (;;) {
		bulla_sql_token token = bulla_sql_next(&sql);
		if (token.kind == BULLA_SQL_END) return false;
		if (bulla_sql_is_name(token, name)) return true;
	}
}

static bool is_followed_by_bracket(bulla_bytes rest)
{
	return bulla_sql_is_sign(bulla_sql_next(&rest), '(');
}

bool bulla_sql_uses(bulla_bytes sql, const char *column)
{
	for (;;) {
		bulla_sql_token token = bulla_sql_next(&sql);
		if (token.kind == BULLA_SQL_END) return false;
		if (token.kind == BULLA_SQL_QUOTED && token.text.data[0] == '\'') continue;
		if (!bulla_sql_is_name(token, column)) continue;
		if (token.kind != BULLA_SQL_WORD || !is_followed_by_bracket(sql)) return true;
	}
}

bulla_code bulla_sql_add_name(bulla_buf *out, const char *name, bulla_error *err)
{
	size_t start = out->len;
	bulla_code code = bulla_buf_add_u8(out, '"', err);
	for (; !code && *name; name++) {
		code = bulla_buf_add_u8(out, (uint8_t)*name, err);
		if (!code && *name == '"') code = bulla_buf_add_u8(out, '"', err);
	}
	if (!code) code = bulla_buf_add_u8(out, '"', err);
	if (code) out->len = start;
	return code;
}

/* --- triggers -------------------------------------------------------------------------------------------------- */

bulla_sql_event bulla_sql_trigger_event(const char *sql)
{
	bulla_sql_event event = { 0 };
	bulla_bytes rest = bulla_view_str(sql);
	bulla_sql_token token = bulla_sql_next(&rest);
	while (token.kind != BULLA_SQL_END && !bulla_sql_is_word(token, "trigger"))
		token = bulla_sql_next(&rest);
	/* The trigger's own name comes first and may be any word; "if not exists" and "schema." are skipped with it. */
	token = bulla_sql_next(&rest);
	if (bulla_sql_is_word(token, "if")) {
		(void)bulla_sql_next(&rest);
		(void)bulla_sql_next(&rest);
		(void)bulla_sql_next(&rest);
	}
	for (token = bulla_sql_next(&rest); token.kind != BULLA_SQL_END && !bulla_sql_is_word(token, "on");
	     token = bulla_sql_next(&rest)) {
		event.insert |= bulla_sql_is_word(token, "insert");
		event.delete_ |= bulla_sql_is_word(token, "delete");
		event.update |= bulla_sql_is_word(token, "update");
		if (bulla_sql_is_sign(token, '.')) (void)bulla_sql_next(&rest);
		if (!bulla_sql_is_word(token, "of") || !event.update) continue;
		skip_blanks(&rest);
		const uint8_t *start = rest.data;
		bulla_bytes before = rest;
		while ((token = bulla_sql_next(&rest)).kind != BULLA_SQL_END && !bulla_sql_is_word(token, "on"))
			before = rest;
		event.columns = bulla_view(start, (size_t)(before.data - start));
		break;
	}
	return event;
}

/* --- CREATE TABLE ---------------------------------------------------------------------------------------------- */

bool bulla_sql_item(bulla_bytes *rest, bulla_bytes *ret_item)
{
	skip_blanks(rest);
	const uint8_t *start = rest->data, *end = start;
	for (int depth = 0;;) {
		bulla_bytes here = *rest;
		bulla_sql_token token = bulla_sql_next(rest);
		if (token.kind == BULLA_SQL_END) return false;
		if (depth == 0 && bulla_sql_is_sign(token, ')')) {
			*rest = here;
			break;
		}
		if (depth == 0 && bulla_sql_is_sign(token, ',')) break;
		depth += bulla_sql_is_sign(token, '(') - bulla_sql_is_sign(token, ')');
		end = token.text.data + token.text.len;
	}
	*ret_item = bulla_view(start, (size_t)(end - start));
	return ret_item->len > 0;
}

bool bulla_sql_list(bulla_bytes *rest)
{
	for (;;) {
		bulla_sql_token token = bulla_sql_next(rest);
		if (token.kind == BULLA_SQL_END) return false;
		if (bulla_sql_is_sign(token, '(')) return true;
	}
}

bool bulla_sql_index_uses(const char *sql, const char *column)
{
	bulla_bytes rest = bulla_view_str(sql);
	return bulla_sql_list(&rest) && bulla_sql_uses(rest, column);
}

static const char *const constraint_words[] = { "constraint", "primary", "unique", "check", "foreign" };

static bool starts_constraint(bulla_sql_token token)
{
	for (size_t i = 0; i < sizeof constraint_words / sizeof *constraint_words; i++)
		if (bulla_sql_is_word(token, constraint_words[i])) return true;
	return false;
}

bool bulla_sql_is_constraint(bulla_bytes item)
{
	return starts_constraint(bulla_sql_next(&item));
}

bool bulla_sql_defines(bulla_bytes item, const char *column)
{
	return !bulla_sql_is_constraint(item) && bulla_sql_is_name(bulla_sql_next(&item), column);
}

bulla_bytes bulla_sql_column_definition(const char *sql, const char *column)
{
	bulla_bytes rest = bulla_view_str(sql), item;
	if (!bulla_sql_list(&rest)) return bulla_view(NULL, 0);
	while (bulla_sql_item(&rest, &item))
		if (bulla_sql_defines(item, column)) return item;
	return bulla_view(NULL, 0);
}

/* What is being cut out of a statement. */
typedef struct cut {
	const char *const *columns;
	size_t n;
	void (*dropped)(void *self, bulla_bytes constraint);
	void *self;
	bulla_buf *out;
	bool first;
} cut;

static bool uses_any(const cut *c, bulla_bytes expression)
{
	for (size_t i = 0; i < c->n; i++)
		if (bulla_sql_uses(expression, c->columns[i])) return true;
	return false;
}

static bool lists_any(const cut *c, bulla_bytes list)
{
	for (size_t i = 0; i < c->n; i++)
		if (bulla_sql_mentions(list, c->columns[i])) return true;
	return false;
}

/* Its own name does not count, nor do the columns of another table. In a list of columns SQLite takes 'name' for one. */
static bool constraint_uses_any(const cut *c, bulla_bytes constraint)
{
	bulla_sql_token token = bulla_sql_next(&constraint);
	if (bulla_sql_is_word(token, "constraint")) {
		(void)bulla_sql_next(&constraint);
		token = bulla_sql_next(&constraint);
	}
	if (bulla_sql_is_word(token, "check")) return uses_any(c, constraint);
	const uint8_t *start = constraint.data, *end = start;
	while ((token = bulla_sql_next(&constraint)).kind != BULLA_SQL_END && !bulla_sql_is_word(token, "references"))
		end = token.text.data + token.text.len;
	return lists_any(c, bulla_view(start, (size_t)(end - start)));
}

static bool defines_any(const cut *c, bulla_bytes item)
{
	for (size_t i = 0; i < c->n; i++)
		if (bulla_sql_defines(item, c->columns[i])) return true;
	return false;
}

static bulla_code add_item(cut *c, bulla_bytes item, bulla_error *err)
{
	if (!c->first) TRY(bulla_buf_add_str(c->out, ", ", err));
	c->first = false;
	return bulla_buf_add(c->out, item, err);
}

/* The end of the constraint that `item` begins with: SQLite lets table constraints follow each other without a comma. */
static size_t constraint_length(bulla_bytes item)
{
	bulla_bytes rest = item;
	bulla_sql_token token = bulla_sql_next(&rest);
	bool named = bulla_sql_is_word(token, "constraint");
	size_t end = (size_t)(token.text.data + token.text.len - item.data);
	for (int depth = 0; (token = bulla_sql_next(&rest)).kind != BULLA_SQL_END;
	     end = (size_t)(token.text.data + token.text.len - item.data)) {
		if (depth == 0 && starts_constraint(token)) {
			if (!named) break;
			named = false;
		}
		depth += bulla_sql_is_sign(token, '(') - bulla_sql_is_sign(token, ')');
	}
	return end;
}

static bulla_code cut_constraints(cut *c, bulla_bytes item, bulla_error *err)
{
	while (item.len) {
		bulla_bytes one = bulla_view(item.data, constraint_length(item));
		if (!constraint_uses_any(c, one))
			TRY(add_item(c, one, err));
		else if (c->dropped)
			c->dropped(c->self, one);
		skip(&item, one.len);
		skip_blanks(&item);
	}
	return BULLA_OK;
}

/* The CHECK inside another column's definition that mentions a column which goes, its name included; empty when there is none. */
static bulla_bytes find_check(const cut *c, bulla_bytes item)
{
	bulla_bytes rest = item;
	const uint8_t *start = NULL, *named = NULL;
	for (bulla_sql_token token; (token = bulla_sql_next(&rest)).kind != BULLA_SQL_END;) {
		if (bulla_sql_is_word(token, "constraint")) {
			named = token.text.data;
			(void)bulla_sql_next(&rest);
			continue;
		}
		start = named ? named : token.text.data;
		named = NULL;
		if (!bulla_sql_is_word(token, "check")) continue;
		const uint8_t *body = rest.data;
		int depth = 0;
		do {
			token = bulla_sql_next(&rest);
			depth += bulla_sql_is_sign(token, '(') - bulla_sql_is_sign(token, ')');
		} while (depth > 0 && token.kind != BULLA_SQL_END);
		bulla_bytes check = bulla_view(start, (size_t)(token.text.data + token.text.len - start));
		if (uses_any(c, bulla_view(body, (size_t)(check.data + check.len - body)))) return check;
	}
	return bulla_view(NULL, 0);
}

static bulla_code cut_column(cut *c, bulla_bytes item, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf shorter = { 0 };
	const uint8_t *end = item.data + item.len;
	bulla_bytes check = find_check(c, item);
	if (check.len == 0) return add_item(c, item, err);
	for (; check.len; check = find_check(c, item)) {
		if (c->dropped) c->dropped(c->self, check);
		TRY(bulla_buf_add(&shorter, bulla_view(item.data, (size_t)(check.data - item.data)), err));
		item = bulla_view(check.data + check.len, (size_t)(end - check.data) - check.len);
	}
	TRY(bulla_buf_add(&shorter, item, err));
	while (shorter.len && is_blank(shorter.data[shorter.len - 1]))
		shorter.len--;
	return add_item(c, bulla_view_buf(&shorter), err);
}

bulla_code bulla_sql_without_columns(const char *sql, const char *name, const char *const *columns, size_t n,
				     void (*dropped)(void *self, bulla_bytes constraint), void *self, bulla_buf *out,
				     bulla_error *err)
{
	bulla_bytes rest = bulla_view_str(sql), item;
	cut c = { columns, n, dropped, self, out, true };
	if (!bulla_sql_list(&rest))
		return bulla_fail(err, BULLA_ERR_FORMAT, "the definition of table %s is not understood", name);
	TRY(bulla_buf_add_str(out, "CREATE TABLE ", err));
	TRY(bulla_sql_add_name(out, name, err));
	TRY(bulla_buf_add_str(out, "(", err));
	while (bulla_sql_item(&rest, &item)) {
		if (bulla_sql_is_constraint(item))
			TRY(cut_constraints(&c, item, err));
		else if (!defines_any(&c, item))
			TRY(cut_column(&c, item, err));
	}
	/* What is left starts with the closing bracket: WITHOUT ROWID, STRICT. */
	return bulla_buf_add(out, rest, err);
}
