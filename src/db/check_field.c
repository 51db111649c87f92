/*
 * check_field.c - rules about each field: where it stands, what refers to it, what keeps it unique, what goes with it at finish.
 */
#include "db/check.h"

#include "db/sql_text.h"

/* --- each field -------------------------------------------------------------------------------------------------- */

static bulla_code check_there(const bulla_mapping *m, const struct bulla_mapped_field *field, bulla_findings *f, bulla_error *err)
{
	const char *table = m->table->name, *column = field->field->plaintext;
	if (!field->plain && !field->cipher)
		return bulla_refuse(f, err, BULLA_ERR_NOT_FOUND, "mend the field's name in bulla.yaml",
				    "table %s has no column %s", table, column);
	if (!field->plain && m->plain_count)
		return bulla_refuse(
			f, err, BULLA_ERR_REFUSED, "run: bulla undo, or give the new fields a model and data keys of their own",
			"field %s of model %s is finished and other fields are not: a fresh data key would need its plaintext",
			field->field->name, m->model->key);
	if (field->plain && field->plain->generated)
		return bulla_refuse(f, err, BULLA_ERR_REFUSED, "seal the columns that it is generated from",
				    "column %s of table %s is a generated column", column, table);
	return BULLA_OK;
}

static bool is_input(const bulla_model *model, const char *column)
{
	for (size_t i = 0; i < model->input_count; i++)
		if (bulla_name_equal(model->inputs[i], column)) return true;
	return false;
}

static bulla_code check_role(const bulla_mapping *m, const struct bulla_mapped_field *field, bulla_findings *f, bulla_error *err)
{
	const char *table = m->table->name, *column = field->field->plaintext;
	if (bulla_table_is_pk(m->table, column))
		return bulla_refuse(f, err, BULLA_ERR_REFUSED, "give the table a key that is no personal data",
				    "column %s is in the primary key of table %s", column, table);
	if (is_input(m->model, column))
		return bulla_refuse(f, err, BULLA_ERR_REFUSED, "take it out of the context: contexts are not secret",
				    "column %s of table %s is part of the encryption context, or of the branch key's name",
				    column, table);
	for (size_t i = 0; i < m->table->column_count; i++) {
		const bulla_column *other = &m->table->columns[i];
		if (!other->generated || !other->definition || !bulla_sql_uses(bulla_view_str(other->definition), column))
			continue;
		if (bulla_name_equal(other->name, column)) continue;
		TRY(bulla_refuse(f, err, BULLA_ERR_REFUSED, "drop the generated column first",
				 "generated column %s of table %s is made from %s", other->name, table, column));
	}
	return BULLA_OK;
}

static bulla_code check_foreign_keys(const bulla_mapping *m, const struct bulla_mapped_field *field, bulla_findings *f,
				     bulla_error *err)
{
	static const char next[] = "let the foreign key point to an id that is no personal data";
	const bulla_table *t = m->table;
	const char *column = field->field->plaintext;
	for (size_t i = 0; i < t->foreign_key_count; i++) {
		const bulla_foreign_key *key = &t->foreign_keys[i];
		if (bulla_name_equal(key->from_table, t->name) && key->from_column && bulla_name_equal(key->from_column, column))
			TRY(bulla_refuse(f, err, BULLA_ERR_REFUSED, next, "column %s of table %s is a foreign key to table %s",
					 column, t->name, key->to_table));
		if (bulla_name_equal(key->to_table, t->name) && key->to_column && bulla_name_equal(key->to_column, column))
			TRY(bulla_refuse(f, err, BULLA_ERR_REFUSED, next,
					 "a foreign key of table %s points to column %s of table %s", key->from_table, column,
					 t->name));
	}
	return BULLA_OK;
}

/* --- uniqueness -------------------------------------------------------------------------------------------------- */

/* (scope, field) being unique is what a unique index with a key per scope keeps. */
static bool is_scoped(const bulla_table_index *index, const bulla_index_spec *spec)
{
	return index->column_count == 2 && spec->scope && bulla_table_index_has(index, spec->scope);
}

static const char *collation_of(const bulla_table_index *index, const char *column)
{
	for (size_t i = 0; i < index->column_count; i++)
		if (index->columns[i] && bulla_name_equal(index->columns[i], column))
			return index->collations[i] ? index->collations[i] : "BINARY";
	return "BINARY";
}

static bulla_code check_unique(const bulla_mapping *m, const bulla_field *field, const bulla_table_index *index,
			       bulla_findings *f, bulla_error *err)
{
	const char *table = m->table->name, *collation = collation_of(index, field->plaintext);
	const bulla_index_spec *spec = field->index;
	if (index->partial)
		return bulla_refuse(f, err, BULLA_ERR_REFUSED, "drop it, or move what it excludes to another table",
				    "unique index %s of table %s covers %s for some rows only, which a blind index cannot keep",
				    index->name, table, field->plaintext);
	if (index->column_count > 1 && !(spec && is_scoped(index, spec)))
		return bulla_refuse(f, err, BULLA_ERR_REFUSED,
				    "with two columns, name the other one as the index's scope; else drop it",
				    "unique index %s of table %s covers %s and other columns, which a blind index cannot keep",
				    index->name, table, field->plaintext);
	if (!spec || !spec->unique)
		return bulla_refuse(f, err, BULLA_ERR_REFUSED, "write: index: { unique: true }",
				    "column %s of table %s is unique, and that would be lost", field->plaintext, table);
	bool nocase = bulla_name_equal(collation, "NOCASE");
	if (nocase && spec->normalize != BULLA_NORMALIZE_LOWERCASE)
		return bulla_refuse(f, err, BULLA_ERR_REFUSED, "write: normalize: lowercase",
				    "column %s of table %s is unique without regard to case; its index is finer than that",
				    field->plaintext, table);
	if (!nocase && !bulla_name_equal(collation, "BINARY"))
		return bulla_refuse(f, err, BULLA_ERR_REFUSED, "make it unique under BINARY or NOCASE",
				    "column %s of table %s is unique under collation %s, which no blind index keeps",
				    field->plaintext, table, collation);
	if (spec->normalize != BULLA_NORMALIZE_NONE && !nocase)
		TRY(bulla_warn(f, err, NULL,
			       "values of %s that differ only in case become equal for its unique index: the rows of today are "
			       "checked, later ones may be refused",
			       field->plaintext));
	return BULLA_OK;
}

static bulla_code check_indexes(const bulla_mapping *m, const struct bulla_mapped_field *field, bulla_findings *f,
				bulla_error *err)
{
	for (size_t i = 0; i < m->table->index_count; i++) {
		const bulla_table_index *index = &m->table->indexes[i];
		const char *column = field->field->plaintext;
		bool direct = bulla_table_index_has(index, column);
		if (index->ours || (!direct && !(index->sql && bulla_sql_index_uses(index->sql, column)))) continue;
		if (index->unique) TRY(check_unique(m, field->field, index, f, err));
		if (index->sql)
			TRY(bulla_warn(f, err, "where searches need it, give the field an index in bulla.yaml",
				       "index %s of table %s uses %s and goes with it at finish", index->name, m->table->name,
				       column));
	}
	return BULLA_OK;
}

/* --- what goes at finish ------------------------------------------------------------------------------------------ */

static bulla_code check_objects(const bulla_mapping *m, const struct bulla_mapped_field *field, bulla_findings *f,
				bulla_error *err)
{
	const bulla_table *t = m->table;
	const char *column = field->field->plaintext;
	for (size_t i = 0; i < t->view_count; i++)
		if (bulla_sql_mentions(bulla_view_str(t->views[i].sql), column))
			TRY(bulla_warn(f, err, "change it before finish",
				       "view %s uses %s; finish drops it if it cannot work without", t->views[i].name, column));
	for (size_t i = 0; i < t->trigger_count; i++) {
		const bulla_table_trigger *trigger = &t->triggers[i];
		if (trigger->ours || !bulla_sql_mentions(bulla_view_str(trigger->sql), column)) continue;
		TRY(bulla_warn(f, err, "change it before finish, and look at what it has copied",
			       "trigger %s uses %s; finish drops it if it cannot work without", trigger->name, column));
	}
	for (size_t i = 0; i < t->search_count; i++)
		if (bulla_sql_mentions(bulla_view_str(t->searches[i].sql), column))
			TRY(bulla_warn(f, err, "drop it: a full-text index holds every word in the clear",
				       "virtual table %s holds %s too", t->searches[i].name, column));
	if (field->plain && field->plain->not_null)
		TRY(bulla_warn(f, err, NULL, "column %s is NOT NULL; after finish nothing in the database enforces that",
			       column));
	if (field->plain && field->plain->has_default)
		TRY(bulla_warn(f, err, "let the application supply it", "column %s has a default value, which goes at finish",
			       column));
	return BULLA_OK;
}

bulla_code bulla_check_field(const bulla_mapping *m, const struct bulla_mapped_field *field, bulla_findings *f, bulla_error *err)
{
	TRY(check_there(m, field, f, err));
	if (!field->plain) return BULLA_OK;
	TRY(check_role(m, field, f, err));
	TRY(check_foreign_keys(m, field, f, err));
	TRY(check_indexes(m, field, f, err));
	return check_objects(m, field, f, err);
}
