/*
 * wraps.c - going through the databases, models and columns of the schema that hold wrapped keys.
 */
#include "db/wraps.h"

#include "db/census.h"
#include "db/target.h"

#include <stdlib.h>
#include <string.h>

#define SPOTS_MAX 100000 /* columns with an index of ours, of one database */

/* A column of keys as the database knows it, whatever bulla.yaml says. */
typedef struct spot {
	const char *table, *column;
	bool counted;
} spot;

typedef struct count {
	const bulla_wraps_options *options;
	const bulla_wraps_sink *sink; /* NULL: making indexes */
	size_t columns;
	const bulla_database *database;
	bulla_db *db;
	const bulla_model *model; /* NULL: a table that no model names */
	bulla_arena arena;
	spot *spots; /* of this database */
	size_t spot_count;
} count;

const char *bulla_wraps_column_of(const bulla_model *model, size_t i)
{
	if (i < model->key_count) return model->keys[i].column;
	i -= model->key_count;
	return model->data_key == BULLA_DATA_KEY_NONE && i < model->field_count ? model->fields[i].column : NULL;
}

/* --- one column ---------------------------------------------------------------------------------------------------- */
static bulla_code take_group(void *self, bulla_bytes directory, uint64_t rows, bulla_error *err)
{
	const count *c = self;
	bulla_wraps_group group = { .rows = rows, .wrap_count = bulla_directory_count(directory) };
	for (size_t i = 0; i < group.wrap_count; i++)
		bulla_directory_read(directory, i, &group.wraps[i].kind, &group.wraps[i].reference);
	return c->sink->group(c->sink->self, &group, err);
}

static void mark_spot(count *c, const char *table, const char *column)
{
	for (size_t i = 0; i < c->spot_count; i++)
		c->spots[i].counted |= bulla_name_equal(c->spots[i].table, table) && bulla_name_equal(c->spots[i].column, column);
}

/* Ciphertexts without their key's column: that was renamed, and what hangs from which key cannot be told. */
static bulla_code check_absent(const count *c, const bulla_table *table, size_t key, bulla_error *err)
{
	const bulla_model *model = c->model;
	for (size_t f = 0; key < model->key_count && f < model->field_count; f++) {
		if (model->fields[f].key != key || !bulla_table_column(table, model->fields[f].column)) continue;
		bulla_code code = bulla_fail(err, BULLA_ERR_CORRUPT, "table %s has %s, and no column %s with its keys",
					     table->name, model->fields[f].column, model->keys[key].column);
		return bulla_advise(err, code, "if the column was renamed, name it in bulla.yaml or give it its name back");
	}
	return BULLA_OK;
}

static bulla_code one_column(count *c, const bulla_table *table, const char *name, bulla_error *err)
{
	const bulla_target *target = c->db->target;
	bulla_wraps_column column = { c->database->name, c->model ? c->model->key : "", table->name, name, false };
	c->columns++;
	mark_spot(c, table->name, name);
	if (!c->sink) return target->index_wraps(c->db, table, name, err);
	TRY(target->count_wraps(c->db, table, name, c->options->every_row, take_group, c, &column.indexed, err));
	return c->sink->column(c->sink->self, &column, err);
}

/* --- one model ----------------------------------------------------------------------------------------------------- */
static bulla_code one_table(count *c, const bulla_table *table, bulla_error *err)
{
	for (size_t i = 0; bulla_wraps_column_of(c->model, i); i++) {
		const char *name = bulla_wraps_column_of(c->model, i);
		if (bulla_table_column(table, name))
			TRY(one_column(c, table, name, err));
		else
			TRY(check_absent(c, table, i, err));
	}
	return BULLA_OK;
}

/* Both the table and its side table: what an earlier job has left in either hangs from a key as well. */
static bulla_code one_model(count *c, bulla_error *err)
{
	bulla_mapping mapping;
	TRY(bulla_mapping_init(&mapping, c->db, c->model, false, err));
	bulla_code code = one_table(c, mapping.table, err);
	if (!code && mapping.side) code = one_table(c, mapping.side, err);
	bulla_mapping_done(&mapping);
	return code;
}

/* What cannot be read is not empty: said with the model's name, and how to end it. */
static bulla_code fail(const count *c, bulla_code code, bulla_error *err)
{
	bulla_error why = { 0 };
	if (!err) return code;
	why = *err;
	if (!c->model) return code;
	(void)bulla_fail(err, code, "the keys of model %s cannot be counted: %s", c->model->key, why.text);
	if (*why.next && code != BULLA_ERR_NOT_FOUND) return bulla_advise(err, code, "%s", why.next);
	return bulla_advise(err, code, "make it readable; if it is gone for good, take model %s out of bulla.yaml",
			    c->model->key);
}

/* --- tables that no model names ------------------------------------------------------------------------------------ */
static bulla_code add_spot(void *self, const char *table, const char *column, bulla_error *err)
{
	count *c = self;
	if (c->spot_count == SPOTS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a database has at most %d columns of keys", SPOTS_MAX);
	spot *grown = realloc(c->spots, (c->spot_count + 1) * sizeof *grown);
	if (!grown) return bulla_fail_memory(err);
	c->spots = grown;
	spot *added = &grown[c->spot_count];
	*added = (spot){ 0 };
	TRY(bulla_arena_copy(&c->arena, bulla_view_str(table), &added->table, err));
	TRY(bulla_arena_copy(&c->arena, bulla_view_str(column), &added->column, err));
	c->spot_count++;
	return BULLA_OK;
}

static bulla_code one_spot(count *c, const spot *at, bulla_error *err)
{
	bulla_table *table = NULL;
	TRY(c->db->target->inspect(c->db, at->table, &table, err));
	bulla_code code = table ? one_column(c, table, at->column, err) : BULLA_OK;
	bulla_table_free(table);
	return code;
}

/* A table that was sealed is not forgotten because it was renamed, or its model taken out of bulla.yaml: its index tells of it. */
static bulla_code other_spots(count *c, bulla_error *err)
{
	c->model = NULL;
	for (size_t i = 0; i < c->spot_count; i++)
		if (!c->spots[i].counted) TRY(one_spot(c, &c->spots[i], err));
	return BULLA_OK;
}

/* --- one database -------------------------------------------------------------------------------------------------- */
static bool is_wanted(const count *c, const bulla_model *model)
{
	return strcmp(model->database, c->database->name) == 0 && (!c->options->model || c->options->model == model);
}

static bulla_code open_database(count *c, bulla_error *err)
{
	const bulla_wraps_options *o = c->options;
	bulla_place place = { c->database->url, o->base_dir, c->sink == NULL, o->patience };
	if (!place.patience.stop) place.patience.stop = o->stop;
	TRY(bulla_db_open(&place, &c->db, err));
	if (!c->sink) return BULLA_OK;
	TRY(c->db->target->begin_read(c->db, err));
	return o->model ? BULLA_OK : c->db->target->each_indexed(c->db, add_spot, c, err);
}

static void close_database(count *c)
{
	bulla_db_close(c->db);
	bulla_arena_done(&c->arena);
	free(c->spots);
	c->db = NULL;
	c->spots = NULL;
	c->spot_count = 0;
}

/* No model is in it, any more perhaps. One that is not there, or is of a kind that no job has ever opened, has nothing to tell. */
static bulla_code open_without_models(count *c, bulla_error *err)
{
	bulla_error why = { 0 };
	if (!c->sink || c->options->model) return BULLA_OK;
	bulla_code code = open_database(c, &why);
	if (!code || code == BULLA_ERR_NOT_FOUND || code == BULLA_ERR_CONFIG) return BULLA_OK;
	if (err) *err = why;
	return code;
}

static bulla_code one_database(count *c, const bulla_model *models, size_t n, bulla_error *err)
{
	bulla_code code = BULLA_OK;
	c->model = NULL;
	for (size_t i = 0; i < n && !code; i++) {
		if (!is_wanted(c, &models[i])) continue;
		c->model = &models[i];
		if (!c->db) code = open_database(c, err);
		if (!code) code = one_model(c, err);
	}
	if (!code && !c->db) code = open_without_models(c, err);
	if (!code && c->db) code = other_spots(c, err);
	if (!code && c->db && c->sink) code = c->db->target->commit(c->db, err);
	if (code) code = fail(c, code, err);
	close_database(c);
	return code;
}

static bulla_code check_databases(const bulla_wraps_options *o, bulla_error *err)
{
	size_t n, m;
	const bulla_model *models = bulla_schema_models(o->schema, &n);
	const bulla_database *databases = bulla_schema_databases(o->schema, &m);
	for (size_t i = 0; i < n; i++) {
		size_t d = 0;
		while (d < m && strcmp(databases[d].name, models[i].database) != 0)
			d++;
		if (d < m) continue;
		bulla_code code =
			bulla_fail(err, BULLA_ERR_CONFIG, "the keys of model %s cannot be counted: there is no database %s",
				   models[i].key, models[i].database);
		return bulla_advise(err, code, "add it: databases: { %s: { url: sqlite:app.db } }", models[i].database);
	}
	return BULLA_OK;
}

static bulla_code all_databases(count *c, bulla_error *err)
{
	size_t n, m;
	const bulla_model *models = bulla_schema_models(c->options->schema, &n);
	const bulla_database *databases = bulla_schema_databases(c->options->schema, &m);
	TRY(check_databases(c->options, err));
	for (size_t d = 0; d < m; d++) {
		c->database = &databases[d];
		TRY(one_database(c, models, n, err));
	}
	return BULLA_OK;
}

bulla_code bulla_wraps_count(const bulla_wraps_options *options, const bulla_wraps_sink *sink, bulla_error *err)
{
	count c = { .options = options, .sink = sink };
	return all_databases(&c, err);
}

bulla_code bulla_wraps_index(const bulla_wraps_options *options, size_t *ret_columns, bulla_error *err)
{
	count c = { .options = options };
	TRY(all_databases(&c, err));
	*ret_columns = c.columns;
	return BULLA_OK;
}
