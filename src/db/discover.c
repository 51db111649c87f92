/*
 * discover.c - columns of a whole database that look like personal data in the clear.
 *
 * A sample of each table is looked at, counted, and forgotten: no value leaves this file.
 */
#include "db/discover.h"

#include "db/job.h"
#include "db/sql_text.h"
#include "db/target.h"

#include <stdlib.h>
#include <string.h>

/* How a column stands to the models. */
typedef enum cover { OPEN, NAMED, SEALED } cover;

typedef struct scanner {
	const bulla_discovery *what;
	bulla_db *db;
	bulla_json_writer out;
	size_t tables, columns, sealed;
	uint64_t rows;
} scanner;

/* One table under the glass. */
typedef struct sheet {
	scanner *scanner;
	const bulla_table *table;
	bulla_look *looks;          /* one a column */
	const bulla_model **models; /* one a column: whose field or sealed column it is; NULL: nobody's */
	cover *covers;
	uint64_t rows;
} sheet;

/* --- models ------------------------------------------------------------------------------------------------------ */

static cover cover_by(const bulla_model *model, const char *column)
{
	for (size_t i = 0; i < model->field_count; i++) {
		const bulla_field *field = &model->fields[i];
		if (bulla_name_equal(field->column, column) || (field->index && bulla_name_equal(field->index->column, column)))
			return SEALED;
		if (bulla_name_equal(field->plaintext, column)) return NAMED;
	}
	for (size_t k = 0; k < model->key_count; k++)
		if (bulla_name_equal(model->keys[k].column, column)) return SEALED;
	return OPEN;
}

/* As bulla.yaml may write it: with its schema, in quotes. */
static bool is_on(const bulla_model *model, const char *table)
{
	const char *name = model->table;
	size_t length = strlen(table);
	if (strncasecmp(name, "main.", 5) == 0) name += 5;
	if (bulla_name_equal(name, table)) return true;
	return name[0] == '"' && strncasecmp(name + 1, table, length) == 0 && strcmp(name + 1 + length, "\"") == 0;
}

static void find_covers(sheet *s)
{
	size_t n = 0;
	const bulla_discovery *what = s->scanner->what;
	const bulla_model *models = what->schema ? bulla_schema_models(what->schema, &n) : NULL;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(models[i].database, what->name) != 0 || !is_on(&models[i], s->table->name)) continue;
		for (size_t c = 0; c < s->table->column_count; c++) {
			cover found = cover_by(&models[i], s->table->columns[c].name);
			if (found == OPEN) continue;
			s->covers[c] = found;
			s->models[c] = &models[i];
		}
	}
}

/* --- looking ----------------------------------------------------------------------------------------------------- */

static bulla_code look_at_row(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	sheet *s = self;
	(void)err;
	for (size_t c = 0; c < n && c < s->table->column_count; c++)
		if (s->covers[c] != SEALED) bulla_look_at(&s->looks[c], &values[c]);
	s->rows++;
	return BULLA_OK;
}

static bool is_about_people(const sheet *s)
{
	char words[BULLA_NAME_WORDS_MAX];
	bulla_name_words(s->table->name, words);
	if (bulla_words_are_people(words)) return true;
	for (size_t c = 0; c < s->table->column_count; c++) {
		bulla_judgement j = bulla_look_judge(&s->looks[c], false);
		if (bulla_judgement_means_people(&j)) return true;
	}
	return false;
}

/* --- telling ----------------------------------------------------------------------------------------------------- */

/* Why the column cannot be a field as it is; NULL: it can. */
static const char *obstacle(const sheet *s, const bulla_column *column)
{
	const bulla_table *t = s->table;
	if (t->kind != BULLA_TABLE_PLAIN) return "it is in no plain table";
	if (!t->pk_count) return "its table has no primary key";
	if (bulla_table_is_pk(t, column->name)) return "it is in the primary key";
	if (column->generated) return "it is generated from other columns";
	for (size_t i = 0; i < t->foreign_key_count; i++) {
		const bulla_foreign_key *key = &t->foreign_keys[i];
		bool from = bulla_name_equal(key->from_table, t->name) && key->from_column &&
			    bulla_name_equal(key->from_column, column->name);
		bool to = bulla_name_equal(key->to_table, t->name) && key->to_column &&
			  bulla_name_equal(key->to_column, column->name);
		if (from || to) return "a foreign key uses it";
	}
	return strchr(column->name, ',') ? "its name has a comma" : NULL;
}

static void tell_finding(const sheet *s, size_t c, const bulla_judgement *j)
{
	bulla_json_writer *w = &s->scanner->out;
	const bulla_column *column = &s->table->columns[c];
	const char *in_the_way = obstacle(s, column);
	bulla_json_open(w, NULL, '{');
	bulla_json_put_str(w, "table", s->table->name);
	bulla_json_put_str(w, "column", column->name);
	bulla_json_put_str(w, "kind", j->detector->kind);
	bulla_json_put_str(w, "label", j->detector->label);
	bulla_json_put_str(w, "confidence", bulla_confidence_name(j->confidence));
	bulla_json_open(w, "because", '[');
	if (j->by_name) bulla_json_put_str(w, NULL, "name");
	if (j->by_values) bulla_json_put_str(w, NULL, "values");
	if (j->by_text) bulla_json_put_str(w, NULL, "text");
	bulla_json_close(w, ']');
	bulla_json_put_int(w, "values", (int64_t)s->looks[c].values);
	bulla_json_put_int(w, "matching", (int64_t)j->matching);
	bulla_json_put_str(w, "model", s->models[c] ? s->models[c]->key : NULL);
	bulla_json_put_str(w, "obstacle", in_the_way);
	bulla_json_put_bool(w, "proposed", !in_the_way && !s->models[c] && j->confidence >= BULLA_CONFIDENCE_MEDIUM);
	bulla_json_close(w, '}');
}

static void tell(const sheet *s)
{
	bool people = is_about_people(s);
	for (size_t c = 0; c < s->table->column_count; c++) {
		if (s->covers[c] == SEALED) continue;
		bulla_judgement j = bulla_look_judge(&s->looks[c], people);
		if (j.confidence) tell_finding(s, c, &j);
	}
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

static bulla_code look_at_sheet(sheet *s, bulla_error *err)
{
	scanner *sc = s->scanner;
	for (size_t c = 0; c < s->table->column_count; c++)
		bulla_look_begin(&s->looks[c], s->table->columns[c].name);
	find_covers(s);
	TRY(sc->db->target->sample(sc->db, s->table, sc->what->sample, look_at_row, s, err));
	tell(s);
	sc->tables++;
	sc->rows += s->rows;
	for (size_t c = 0; c < s->table->column_count; c++)
		*(s->covers[c] == SEALED ? &sc->sealed : &sc->columns) += 1;
	if (sc->what->progress) sc->what->progress(sc->what->progress_self, "scanning", sc->rows, 0);
	if (!sc->what->stop || !atomic_load(sc->what->stop)) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_INTERRUPTED, "stopped before every table was looked at");
}

static bulla_code look_at_table(scanner *sc, const bulla_table *table, bulla_error *err)
{
	bulla_arena arena = { 0 };
	sheet s = { .scanner = sc, .table = table };
	size_t n = table->column_count;
	bulla_code code = bulla_arena_take(&arena, n, sizeof *s.looks, &s.looks, err);
	if (!code) code = bulla_arena_take(&arena, n, sizeof *s.models, &s.models, err);
	if (!code) code = bulla_arena_take(&arena, n, sizeof *s.covers, &s.covers, err);
	if (!code) code = look_at_sheet(&s, err);
	bulla_arena_done(&arena);
	return code;
}

static bulla_code look_at_name(scanner *sc, const char *name, bulla_error *err)
{
	bulla_table *table = NULL;
	TRY(sc->db->target->inspect(sc->db, name, &table, err));
	if (!table) {
		bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "the database has no table %s", name);
		return bulla_advise(err, code, "bulla scan without --table looks at all there are");
	}
	bulla_code code = look_at_table(sc, table, err);
	bulla_table_free(table);
	return code;
}

/* The names first: a table that is looked at would not let the list of tables be read on. */
static bulla_code add_name(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	TRY(bulla_buf_add(self, values[0].bytes, err));
	return bulla_buf_add_u8(self, 0, err);
}

static bulla_code look_at_all(scanner *sc, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf names = { 0 };
	for (size_t i = 0; i < sc->what->table_count; i++)
		TRY(look_at_name(sc, sc->what->tables[i], err));
	if (sc->what->table_count) return BULLA_OK;
	TRY(sc->db->target->tables(sc->db, add_name, &names, err));
	for (size_t at = 0; at < names.len; at += strlen((const char *)names.data + at) + 1)
		TRY(look_at_name(sc, (const char *)names.data + at, err));
	return BULLA_OK;
}

static bulla_code scan(scanner *sc, bulla_error *err)
{
	bulla_json_open(&sc->out, NULL, '{');
	bulla_json_put_str(&sc->out, "database", sc->what->name);
	bulla_json_open(&sc->out, "findings", '[');
	TRY(look_at_all(sc, err));
	bulla_json_close(&sc->out, ']');
	bulla_json_put_int(&sc->out, "tables", (int64_t)sc->tables);
	bulla_json_put_int(&sc->out, "columns", (int64_t)sc->columns);
	bulla_json_put_int(&sc->out, "sealed_columns", (int64_t)sc->sealed);
	bulla_json_put_int(&sc->out, "rows", (int64_t)sc->rows);
	bulla_json_close(&sc->out, '}');
	return bulla_json_end(&sc->out, err);
}

bulla_code bulla_database_discover(const bulla_discovery *what, bulla_buf *out, bulla_error *err)
{
	bulla_place place = { what->url, what->base_dir, false, what->patience };
	if (!place.patience.stop) place.patience.stop = what->stop;
	scanner sc = { .what = what, .out = bulla_json_to(out) };
	TRY(bulla_db_open(&place, &sc.db, err));
	bulla_code code = scan(&sc, err);
	bulla_db_close(sc.db);
	return code;
}
