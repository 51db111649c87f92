/*
 * check.c - rules about tables and models, one function each.
 */
#include "db/check.h"

#include "db/orphan.h"
#include "db/sql_text.h"

#include <stdio.h>
#include <string.h>

/* --- the table as a whole --------------------------------------------------------------------------------------- */

static bulla_code check_table(const bulla_mapping *m, bulla_findings *f, bulla_error *err)
{
	const bulla_table *t = m->table;
	if (t->kind == BULLA_TABLE_VIEW)
		return bulla_refuse(f, err, BULLA_ERR_REFUSED, "name the table behind it",
				    "%s is a view: only a table can be sealed", t->name);
	if (t->kind == BULLA_TABLE_VIRTUAL)
		return bulla_refuse(f, err, BULLA_ERR_REFUSED, "seal the table that it was made from",
				    "%s is a virtual table, which cannot take new columns", t->name);
	if (t->pk_count == 0)
		return bulla_refuse(f, err, BULLA_ERR_REFUSED,
				    "give it one: ALTER TABLE cannot, so make a new table with an id and copy the rows",
				    "table %s has no primary key, so no row of it could be named", t->name);
	if (m->locator_count == 0)
		return bulla_refuse(f, err, BULLA_ERR_REFUSED, "rename one of these columns",
				    "table %s has columns called rowid, _rowid_ and oid, which hide its row id", t->name);
	if (t->utf16)
		return bulla_warn(f, err, NULL,
				  "the database keeps text as UTF-16; text that is not valid UTF-16 will be put into quarantine");
	return BULLA_OK;
}

static bool same_columns(const bulla_table *t, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!bulla_table_is_pk(t, names[i])) return false;
	return n == t->pk_count;
}

static bulla_code check_names(const bulla_mapping *m, bulla_findings *f, bulla_error *err)
{
	const bulla_model *model = m->model;
	const bulla_table *t = m->table;
	for (size_t i = 0; i < model->primary_key_count; i++)
		if (!bulla_table_column(t, model->primary_key[i]))
			TRY(bulla_refuse(f, err, BULLA_ERR_NOT_FOUND, "mend primary_key in bulla.yaml",
					 "table %s has no column %s, the primary key of model %s", t->name, model->primary_key[i],
					 model->key));
	if (t->pk_count && !same_columns(t, model->primary_key, model->primary_key_count))
		TRY(bulla_refuse(f, err, BULLA_ERR_REFUSED, "write the table's own primary key under primary_key in bulla.yaml",
				 "the primary key of table %s is not the one that model %s names", t->name, model->key));
	for (size_t i = 0; i < model->input_count; i++) {
		const bulla_column *column = bulla_table_column(t, model->inputs[i]);
		if (!column)
			TRY(bulla_refuse(f, err, BULLA_ERR_NOT_FOUND, "mend context or branch_key in bulla.yaml",
					 "table %s has no column %s, which the context of model %s names", t->name,
					 model->inputs[i], model->key));
		else if (column->generated)
			TRY(bulla_refuse(
				f, err, BULLA_ERR_REFUSED, "name the columns that it is made from",
				"column %s of table %s is generated: that it changes, and the context of model %s with it, no "
				"trigger would see",
				column->name, t->name, model->key));
	}
	return BULLA_OK;
}

static const char *url_of(const bulla_schema *schema, const bulla_model *model)
{
	size_t n;
	const bulla_database *list = bulla_schema_databases(schema, &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, model->database) == 0) return list[i].url;
	return model->database; /* the host brings its own */
}

/* Two models on one table would each have a guard of the same name, and each guard only its own fields. What counts is the
 * table that the database finds: users, main.users and "Users" are one. */
static bulla_code check_alone(const bulla_run *run, const bulla_model *other, bulla_findings *f, bulla_error *err)
{
	const bulla_model *model = run->job->model;
	bulla_table *table = NULL;
	if (strcmp(other->key, model->key) == 0) return BULLA_OK;
	if (strcmp(url_of(run->job->schema, other), url_of(run->job->schema, model)) != 0) return BULLA_OK;
	TRY(run->db->target->inspect(run->db, other->table, &table, err));
	bool same = table && strcmp(table->name, run->mapping.table->name) == 0;
	bulla_table_free(table);
	if (!same) return BULLA_OK;
	return bulla_refuse(f, err, BULLA_ERR_REFUSED, "put their fields into one model", "models %s and %s are both on table %s",
			    model->key, other->key, run->mapping.table->name);
}

static bulla_code check_all_alone(const bulla_run *run, bulla_findings *f, bulla_error *err)
{
	size_t n = 0;
	const bulla_model *models = run->job->schema ? bulla_schema_models(run->job->schema, &n) : NULL;
	for (size_t i = 0; i < n; i++)
		TRY(check_alone(run, &models[i], f, err));
	return BULLA_OK;
}

/* --- what a job has made ------------------------------------------------------------------------------------------ */

/* A job notes in its first transaction which columns there were before it. A table that has no plaintext was born with its
 * sealed columns. */
typedef struct taken {
	const bulla_mapping *mapping;
	const bulla_table *home;
	bulla_json *before; /* NULL: no job has begun */
	bulla_findings *findings;
} taken;

static bool was_before(const bulla_json *before, const char *column)
{
	for (size_t i = 0; i < bulla_json_count(before); i++) {
		char name[BULLA_NAME_MAX + 1];
		bulla_bytes text;
		if (!bulla_json_string(bulla_json_at(before, i), &text) || text.len >= sizeof name) continue;
		snprintf(name, sizeof name, "%.*s", (int)text.len, (const char *)text.data);
		if (bulla_name_equal(name, column)) return true;
	}
	return false;
}

static bulla_code check_taken(taken *t, const char *column, const char *next, bulla_error *err)
{
	if (!bulla_table_column(t->home, column) || (t->before && !was_before(t->before, column))) return BULLA_OK;
	return bulla_refuse(t->findings, err, BULLA_ERR_REFUSED, next,
			    "table %s has a column %s already, and no job of model %s has made it: what it holds would be lost",
			    t->home->name, column, t->mapping->model->key);
}

static bulla_code check_all_taken(taken *t, bulla_error *err)
{
	const bulla_model *model = t->mapping->model;
	for (size_t i = 0; i < model->field_count; i++) {
		const bulla_field *field = &model->fields[i];
		TRY(check_taken(t, field->column, "rename it, or name another one in bulla.yaml: column, under the field", err));
		if (field->index) TRY(check_taken(t, field->index->column, "rename it, or drop it", err));
	}
	for (size_t k = 0; k < model->key_count; k++)
		TRY(check_taken(t, model->keys[k].column, "rename it, or drop it", err));
	return BULLA_OK;
}

static bulla_code check_made(const bulla_run *run, bulla_findings *f, bulla_error *err)
{
	const bulla_mapping *m = &run->mapping;
	taken t = { m, m->aside ? m->side : m->table, NULL, f };
	if (!t.home || m->plain_count == 0) return BULLA_OK;
	if (run->state.columns.len) TRY(bulla_json_parse(bulla_view_buf(&run->state.columns), &t.before, err));
	bulla_code code = check_all_taken(&t, err);
	bulla_json_free(t.before);
	return code;
}

/* --- fields that the schema named once --------------------------------------------------------------------------- */

static bulla_code check_orphans(const bulla_run *run, bulla_findings *f, bulla_error *err)
{
	bulla_aside orphans = { 0 };
	char name[BULLA_NAME_MAX + 1];
	bulla_code code = bulla_orphan_list(run, &orphans, err);
	for (size_t i = 0; !code && i < orphans.n; i++) {
		bulla_bytes pk = bulla_aside_entry(&orphans, i).pk;
		(void)snprintf(name, sizeof name, "%.*s", (int)pk.len, (const char *)pk.data);
		code = bulla_refuse(f, err, BULLA_ERR_REFUSED, BULLA_ORPHAN_NEXT, BULLA_ORPHAN_TEXT, name,
				    run->mapping.table->name, run->job->model->key);
	}
	bulla_aside_done(&orphans);
	return code;
}

static bulla_code check_side(const bulla_run *run, bulla_findings *f, bulla_error *err)
{
	const bulla_mapping *m = &run->mapping;
	bool ours = run->state.columns.len || m->plain_count == 0;
	for (size_t i = 0; m->aside && m->side && i < m->table->pk_count; i++)
		ours &= bulla_table_column(m->side, m->table->pk[i]) != NULL;
	if (m->aside && m->side && !ours)
		return bulla_refuse(f, err, BULLA_ERR_REFUSED, "rename it, or do without a side table",
				    "there is a table %s already, and it is none of bulla's", m->home);
	if (!m->aside || m->table->rowid_is_column || m->table->without_rowid) return BULLA_OK;
	for (size_t i = 0; i < m->table->pk_count; i++) {
		const bulla_column *column = bulla_table_column(m->table, m->table->pk[i]);
		if (column->not_null) continue;
		TRY(bulla_warn(f, err, "declare it NOT NULL",
			       "primary-key column %s may hold NULL; such rows cannot have a row in %s and stay unsealed",
			       column->name, m->home));
	}
	return BULLA_OK;
}

/* Names of triggers and indexes are given once in a database. What is called like one of a job's and does something else stays
 * as it is, and so the job cannot begin. */
static bulla_code refuse_name(bulla_findings *f, bulla_error *err, const char *what, const char *name, const char *table)
{
	return bulla_refuse(f, err, BULLA_ERR_REFUSED, "make it again under another name, and drop this one",
			    "%s %s of table %s is called like one of bulla's own, and is none", what, name, table);
}

static bulla_code check_impostors(const bulla_table *t, bulla_findings *f, bulla_error *err)
{
	for (size_t i = 0; t && i < t->trigger_count; i++)
		if (t->triggers[i].impostor) TRY(refuse_name(f, err, "trigger", t->triggers[i].name, t->triggers[i].table));
	for (size_t i = 0; t && i < t->index_count; i++)
		if (t->indexes[i].impostor) TRY(refuse_name(f, err, "index", t->indexes[i].name, t->name));
	return BULLA_OK;
}

/* --- what goes at finish ------------------------------------------------------------------------------------------ */

/* What dropping the columns cuts out of the table's definition. */
typedef struct going {
	const bulla_mapping *mapping;
	bulla_findings *findings;
	bulla_error *err;
	bulla_code code;
} going;

static void constraint_goes(void *self, bulla_bytes constraint)
{
	going *g = self;
	if (g->code) return;
	g->code = bulla_warn(g->findings, g->err, "let the application see to it from then on",
			     "a constraint of table %s uses a column that is sealed and goes with it at finish: %.*s",
			     g->mapping->table->name, (int)constraint.len, (const char *)constraint.data);
}

/* A definition that is not understood is one that finish would not touch. */
static bulla_code check_constraints(const bulla_mapping *m, bulla_findings *f, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf ignored = { 0 };
	const char *columns[BULLA_FIELDS_MAX];
	size_t n = 0;
	going g = { m, f, err, BULLA_OK };
	for (size_t i = 0; i < m->model->field_count; i++) {
		if (!m->fields[i].plain) continue;
		columns[n++] = m->fields[i].plain->name;
		bulla_bytes definition = bulla_sql_column_definition(m->table->sql, columns[n - 1]);
		if (bulla_sql_mentions(definition, "check"))
			TRY(bulla_warn(f, err, "let the application see to it from then on",
				       "the CHECK of column %s goes with it at finish", columns[n - 1]));
	}
	if (n == 0) return BULLA_OK;
	(void)!bulla_sql_without_columns(m->table->sql, m->table->name, columns, n, constraint_goes, &g, &ignored, NULL);
	return g.code;
}

static bulla_code check_fires(const bulla_mapping *m, bulla_findings *f, bulla_error *err)
{
	for (size_t i = 0; i < m->table->trigger_count; i++)
		if (m->table->triggers[i].fires && !m->aside)
			TRY(bulla_warn(f, err,
				       "see whether it should: a trigger that changes a field of the model on every update can "
				       "never be caught up with",
				       "trigger %s fires for every row that apply writes", m->table->triggers[i].name));
	return BULLA_OK;
}

/* A STRICT table stores what its column is declared as. */
static bulla_code check_strict(const bulla_mapping *m, bulla_findings *f, bulla_error *err)
{
	const bulla_table *home = m->aside ? m->side : m->table;
	for (size_t i = 0; home && home->strict && i < m->model->field_count; i++) {
		const bulla_field *field = &m->model->fields[i];
		const bulla_column *column = bulla_table_column(home, field->column);
		const char *type = field->base64 ? "TEXT" : "BLOB";
		if (!column || bulla_name_equal(column->type, type) || bulla_name_equal(column->type, "ANY")) continue;
		TRY(bulla_refuse(f, err, BULLA_ERR_REFUSED, "drop it and let apply make it",
				 "column %s of STRICT table %s is %s, and its ciphertext is %s", field->column, home->name,
				 column->type, type));
	}
	return BULLA_OK;
}

bulla_code bulla_check(const bulla_run *run, bulla_findings *findings, bulla_error *err)
{
	const bulla_mapping *mapping = &run->mapping;
	TRY(check_table(mapping, findings, err));
	if (findings->refusals) return BULLA_OK; /* the rest would only follow from this */
	TRY(check_names(mapping, findings, err));
	TRY(check_all_alone(run, findings, err));
	TRY(check_side(run, findings, err));
	TRY(check_impostors(mapping->table, findings, err));
	TRY(check_strict(mapping, findings, err));
	TRY(check_made(run, findings, err));
	TRY(check_orphans(run, findings, err));
	for (size_t i = 0; i < mapping->model->field_count; i++)
		TRY(bulla_check_field(mapping, &mapping->fields[i], findings, err));
	TRY(check_constraints(mapping, findings, err));
	return check_fires(mapping, findings, err);
}

bool bulla_check_triggers_fire(const bulla_mapping *mapping)
{
	for (size_t i = 0; i < mapping->table->trigger_count; i++) {
		const bulla_table_trigger *trigger = &mapping->table->triggers[i];
		bool home = bulla_name_equal(trigger->table, mapping->home);
		if (home && !trigger->ours && bulla_sql_trigger_event(trigger->sql).update) return true;
	}
	for (size_t i = 0; mapping->side && i < mapping->side->trigger_count; i++)
		if (mapping->side->triggers[i].here && !mapping->side->triggers[i].ours) return true;
	return false;
}
