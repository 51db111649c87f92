/*
 * propose.c - what `init` writes for a table: its primary key, its context, and a type for each field, read from the data itself.
 */
#include "db/job.h"
#include "db/sql_text.h"
#include "db/target.h"

#include "base/text.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What the values of one column are. */
struct seen {
	const bulla_column *column;
	uint64_t text, integer, real, binary, not_utf8;
};

struct survey {
	size_t n;
	struct seen *seen;
};

static bulla_code each_row(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	struct survey *s = self;
	(void)err;
	for (size_t i = 0; i < n; i++) {
		struct seen *c = &s->seen[i];
		c->text += values[i].kind == BULLA_KIND_TEXT;
		c->integer += values[i].kind == BULLA_KIND_INTEGER;
		c->real += values[i].kind == BULLA_KIND_FLOAT;
		c->binary += values[i].kind == BULLA_KIND_BINARY;
		c->not_utf8 += values[i].kind == BULLA_KIND_TEXT && !bulla_utf8_valid(values[i].bytes);
	}
	return BULLA_OK;
}

static bulla_code look(bulla_db *db, const bulla_table *table, struct survey *s, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf sql = { 0 };
	TRY(bulla_buf_add_str(&sql, "SELECT ", err));
	for (size_t i = 0; i < s->n; i++) {
		if (i) TRY(bulla_buf_add_str(&sql, ", ", err));
		TRY(bulla_sql_add_name(&sql, s->seen[i].column->name, err));
	}
	TRY(bulla_buf_add_str(&sql, " FROM ", err));
	TRY(bulla_sql_add_name(&sql, table->name, err));
	TRY(bulla_buf_terminate(&sql, err));
	return db->target->run(db, (const char *)sql.data, NULL, 0, each_row, s, NULL, err);
}

/* What the declaration says, where the data does not contradict it: one row a word. */
static const char *declared_type(const bulla_column *column, const char *otherwise)
{
	static const struct {
		const char *word, *type;
	} words[] = { { "datetime", "datetime" },
		      { "timestamp", "datetime" },
		      { "date", "date" },
		      { "time", "time" },
		      { "json", "json" } };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasecmp(column->type, words[i].word) == 0) return words[i].type;
	return otherwise;
}

static const char *empty_type(const bulla_column *column)
{
	if (strcasestr(column->type, "char") || strcasestr(column->type, "text") || strcasestr(column->type, "clob"))
		return "string";
	if (strcasestr(column->type, "int")) return "integer";
	return declared_type(column, "any");
}

static const char *type_of(const struct seen *s)
{
	uint64_t all = s->text + s->integer + s->real + s->binary;
	if (all == 0) return empty_type(s->column);
	if (s->not_utf8) return "any";
	if (s->text == all) return declared_type(s->column, "string");
	if (s->integer == all) return "integer";
	if (s->real == all) return "float";
	return s->binary == all ? "binary" : "any";
}

/* The unique index on this column alone; NULL when there is none. */
static const bulla_table_index *unique_index(const bulla_table *table, const char *column, bool *ret_folds)
{
	for (size_t i = 0; i < table->index_count; i++) {
		const bulla_table_index *index = &table->indexes[i];
		if (!index->unique || index->column_count != 1 || !index->columns[0] ||
		    !bulla_name_equal(index->columns[0], column))
			continue;
		*ret_folds = index->collations[0] && strcasecmp(index->collations[0], "NOCASE") == 0;
		return index;
	}
	return NULL;
}

static void tell_field(const bulla_table *table, const struct seen *s, bulla_json_writer *out)
{
	bool folds = false;
	bulla_json_open(out, NULL, '{');
	bulla_json_put_str(out, "name", s->column->name);
	bulla_json_put_str(out, "type", type_of(s));
	if (unique_index(table, s->column->name, &folds)) {
		bulla_json_open(out, "index", '{');
		bulla_json_put_bool(out, "unique", true);
		if (folds) bulla_json_put_str(out, "normalize", "lowercase");
		bulla_json_close(out, '}');
	}
	bulla_json_close(out, '}');
}

static bulla_code tell_context(const bulla_table *table, bulla_json_writer *out, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf id = { 0 };
	for (size_t i = 0; i < table->pk_count; i++)
		TRY(bulla_buf_printf(&id, err, "%s{%s}", i ? ":" : "", table->pk[i]));
	bulla_json_open(out, "context", '{');
	bulla_json_put_str(out, "model_name", table->name);
	bulla_json_put_bytes(out, "model_id", bulla_view_buf(&id));
	bulla_json_close(out, '}');
	return BULLA_OK;
}

static bulla_code tell_table(const bulla_table *table, bulla_json_writer *out, bulla_error *err)
{
	bulla_json_put_str(out, "table", table->name);
	if (table->pk_count == 1) {
		bulla_json_put_str(out, "primary_key", table->pk[0]);
	} else {
		bulla_json_open(out, "primary_key", '[');
		for (size_t i = 0; i < table->pk_count; i++)
			bulla_json_put_str(out, NULL, table->pk[i]);
		bulla_json_close(out, ']');
	}
	return tell_context(table, out, err);
}

static void tell_warnings(const bulla_table *table, const struct survey *s, bulla_json_writer *out)
{
	char line[400];
	bulla_json_open(out, "warnings", '[');
	for (size_t i = 0; i < s->n; i++) {
		bool folds = false;
		const char *name = s->seen[i].column->name;
		if (unique_index(table, name, &folds)) {
			snprintf(line, sizeof line, "%s is unique: its blind index keeps that, and shows which rows are equal",
				 name);
			bulla_json_put_str(out, NULL, line);
		}
		if (s->seen[i].not_utf8) {
			snprintf(line, sizeof line, "%s holds text that is not UTF-8: type any keeps it as it is", name);
			bulla_json_put_str(out, NULL, line);
		}
	}
	bulla_json_close(out, ']');
}

/* --- refusals -------------------------------------------------------------------------------------------------- */

static bulla_code add_name(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	bulla_buf *names = self;
	(void)n;
	if (names->len > 200) return BULLA_OK; /* enough to recognise the database by */
	if (names->len) TRY(bulla_buf_add_str(names, ", ", err));
	return bulla_buf_add(names, values[0].bytes, err);
}

static bulla_code no_table(bulla_db *db, const char *name, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf names = { 0 };
	TRY(db->target->tables(db, add_name, &names, err));
	TRY(bulla_buf_terminate(&names, err));
	(void)bulla_fail(err, BULLA_ERR_NOT_FOUND, "the database has no table %s", name);
	return bulla_advise(err, BULLA_ERR_NOT_FOUND, "its tables are: %s", names.len ? (const char *)names.data : "none");
}

static bulla_code check_table(const bulla_table *table, bulla_error *err)
{
	if (table->kind != BULLA_TABLE_PLAIN) return bulla_fail(err, BULLA_ERR_REFUSED, "%s is no plain table", table->name);
	if (table->pk_count) return BULLA_OK;
	(void)bulla_fail(err, BULLA_ERR_REFUSED, "table %s has no primary key, so no row of it could be named", table->name);
	return bulla_advise(err, BULLA_ERR_REFUSED, "make a new table with an id and copy the rows into it");
}

static bulla_code check_column(const bulla_table *table, const char *name, const bulla_column **ret, bulla_error *err)
{
	*ret = bulla_table_column(table, name);
	if (!*ret) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "table %s has no column %s", table->name, name);
	if (bulla_table_is_pk(table, name))
		return bulla_fail(err, BULLA_ERR_REFUSED,
				  "%s is in the primary key, by which a record is found and bound: it cannot be encrypted", name);
	if ((*ret)->generated)
		return bulla_fail(err, BULLA_ERR_REFUSED, "%s is a generated column: encrypt what it is made of", name);
	return BULLA_OK;
}

/* --- all of it ------------------------------------------------------------------------------------------------- */

static bulla_code propose(bulla_db *db, const bulla_table *table, const char *const *fields, struct survey *s, bulla_buf *out,
			  bulla_error *err)
{
	TRY(check_table(table, err));
	for (size_t i = 0; i < s->n; i++)
		TRY(check_column(table, fields[i], &s->seen[i].column, err));
	TRY(look(db, table, s, err));
	bulla_json_writer w = bulla_json_to(out);
	bulla_json_open(&w, NULL, '{');
	TRY(tell_table(table, &w, err));
	bulla_json_open(&w, "fields", '[');
	for (size_t i = 0; i < s->n; i++)
		tell_field(table, &s->seen[i], &w);
	bulla_json_close(&w, ']');
	tell_warnings(table, s, &w);
	bulla_json_close(&w, '}');
	return bulla_json_end(&w, err);
}

bulla_code bulla_database_propose(const char *url, const char *base_dir, const char *table, const char *const *fields, size_t n,
				  bulla_buf *out, bulla_error *err)
{
	bulla_place place = { .url = url, .base_dir = base_dir };
	bulla_db *db = NULL;
	bulla_table *found = NULL;
	struct survey survey = { n, NULL };
	if (n == 0 || n > BULLA_FIELDS_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "1 to %d fields can be encrypted, %zu were named", BULLA_FIELDS_MAX, n);
	TRY(bulla_db_open(&place, &db, err));
	bulla_code code = db->target->inspect(db, table, &found, err);
	if (!code && !found) code = no_table(db, table, err);
	if (!code && !(survey.seen = calloc(n, sizeof *survey.seen))) code = bulla_fail_memory(err);
	if (!code) code = propose(db, found, fields, &survey, out, err);
	free(survey.seen);
	bulla_table_free(found);
	bulla_db_close(db);
	return code;
}
