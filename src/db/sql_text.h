/*
 * sql_text.h - reading SQL that SQLite stored: CREATE TABLE, CREATE TRIGGER, CREATE INDEX; pure.
 *
 * Only statements that SQLite itself has accepted come here, so this is a tokeniser with a sense of brackets and no grammar.
 */
#ifndef DB_SQL_TEXT_H
#define DB_SQL_TEXT_H

#include "base/buf.h"

typedef enum bulla_sql_kind {
	BULLA_SQL_END = 0,
	BULLA_SQL_WORD = 1,   /* a keyword or a bare name */
	BULLA_SQL_QUOTED = 2, /* "name", `name`, [name], and 'name', which SQLite also takes as one */
	BULLA_SQL_SIGN = 3,   /* one other character */
	BULLA_SQL_NUMBER = 4
} bulla_sql_kind;

typedef struct bulla_sql_token {
	bulla_sql_kind kind;
	bulla_bytes text; /* as written, quotes included */
} bulla_sql_token;

/* The next token of `rest`, which is cut; blanks and comments are skipped. */
bulla_sql_token bulla_sql_next(bulla_bytes *rest);
bool bulla_sql_is_word(bulla_sql_token token, const char *keyword);
bool bulla_sql_is_sign(bulla_sql_token token, char sign);
/* Does the token, unquoted, name `name`? */
bool bulla_sql_is_name(bulla_sql_token token, const char *name);

/* Does any token of `sql` name `name`? Errs on the side of yes. */
bool bulla_sql_mentions(bulla_bytes sql, const char *name);
/* Does an expression use the column? A text in single quotes is a value there, and a name before a bracket a function. */
bool bulla_sql_uses(bulla_bytes sql, const char *column);
/* Does a CREATE INDEX use it in an expression or in its condition? (Plain columns are known from the index itself.) */
bool bulla_sql_index_uses(const char *sql, const char *column);

/* What a trigger reacts to. */
typedef struct bulla_sql_event {
	bool insert, update, delete_;
	bulla_bytes columns; /* UPDATE OF these, as written; empty: of any */
} bulla_sql_event;
bulla_sql_event bulla_sql_trigger_event(const char *sql);

/* The list in brackets of a CREATE TABLE. list: cuts up to behind the opening bracket; false where there is none (SQLite stores
 * CREATE TABLE AS with one). item: cuts the next column or constraint, without comma and bracket; false at the end, where `rest`
 * starts with the closing bracket. */
bool bulla_sql_list(bulla_bytes *rest);
bool bulla_sql_item(bulla_bytes *rest, bulla_bytes *ret_item);
/* Is an item a constraint of the table? Does it define this column? */
bool bulla_sql_is_constraint(bulla_bytes item);
bool bulla_sql_defines(bulla_bytes item, const char *column);

/* The part of a CREATE TABLE that defines `column`, as written; empty when there is none. */
bulla_bytes bulla_sql_column_definition(const char *sql, const char *column);

/* Appends the CREATE TABLE `sql` under the name `name` without the `n` columns and without the constraints that mention
 * them. `dropped` (may be NULL) is told each constraint that went, other than those written inside the columns' own
 * definitions. FORMAT when the statement is not understood. */
BULLA_MUST bulla_code bulla_sql_without_columns(const char *sql, const char *name, const char *const *columns, size_t n,
						void (*dropped)(void *self, bulla_bytes constraint), void *self, bulla_buf *out,
						bulla_error *err);

/* Appends a quoted name. */
BULLA_MUST bulla_code bulla_sql_add_name(bulla_buf *out, const char *name, bulla_error *err);

#endif
