/*
 * sqlite_sql.c - the pieces of SQL that follow from a mapping: which rows are unsealed, where the columns come from.
 */
#include "db/sqlite.h"

/* A NULL is sealed only where the field says so; else it needs no ciphertext. */
void bulla_lite_add_unsealed(sqlite3_str *sql, const bulla_mapping *m, const char *t, const char *c)
{
	const char * or = "";
	sqlite3_str_appendall(sql, "(");
	for (size_t i = 0; i < m->model->field_count; i++) {
		const struct bulla_mapped_field *f = &m->fields[i];
		if (!f->plain) continue;
		if (f->field->null_sealed)
			sqlite3_str_appendf(sql, "%s%s\"%w\" IS NULL", or, c, f->field->column);
		else
			sqlite3_str_appendf(sql, "%s%s\"%w\" IS NOT NULL AND %s\"%w\" IS NULL", or, t, f->plain->name, c,
					    f->field->column);
		or = " OR ";
	}
	sqlite3_str_appendall(sql, * or ? ")" : "0)");
}

/* A side table knows its own columns only: whatever has no ciphertext may be unsealed. */
void bulla_lite_add_side_queue(sqlite3_str *sql, const bulla_mapping *m, const char *c)
{
	const char * or = "";
	sqlite3_str_appendall(sql, "(");
	for (size_t i = 0; i < m->model->field_count; i++, or = " OR ")
		sqlite3_str_appendf(sql, "%s%s\"%w\" IS NULL", or, c, m->model->fields[i].column);
	sqlite3_str_appendall(sql, ")");
}

void bulla_lite_add_orphan(sqlite3_str *sql, const bulla_mapping *m)
{
	sqlite3_str_appendf(sql, "NOT EXISTS (SELECT 1 FROM \"%w\" AS t WHERE ", m->table->name);
	for (size_t i = 0; i < m->table->pk_count; i++)
		sqlite3_str_appendf(sql, "%st.\"%w\" = \"%w\".\"%w\"", i ? " AND " : "", m->table->pk[i], m->home,
				    m->table->pk[i]);
	sqlite3_str_appendall(sql, ")");
}

const char *bulla_lite_alias(const bulla_mapping *m, const struct bulla_shape_column *column)
{
	if (column->staged) return "u";
	return column->aside && m->aside ? "c" : "t";
}

void bulla_lite_add_unopened(sqlite3_str *sql, const bulla_mapping *m)
{
	const char * or = "";
	sqlite3_str_appendall(sql, "u.\"" BULLA_STAGE_LOST "\" IS NULL AND (");
	for (size_t i = 0; i < m->model->field_count; i++) {
		if (!bulla_mapping_returns(&m->fields[i])) continue;
		sqlite3_str_appendf(sql, "%s%s.\"%w\" IS NOT NULL", or, m->aside ? "c" : "t", m->model->fields[i].column);
		or = " OR ";
	}
	sqlite3_str_appendall(sql, * or ? ")" : "0)");
}

/* The stage on the left: it is compared byte for byte, whatever the key's collation. */
void bulla_lite_add_stage_join(sqlite3_str *sql, const bulla_mapping *m, const char *row)
{
	for (size_t i = 0; i < m->locator_count; i++)
		sqlite3_str_appendf(sql, "%su.\"" BULLA_STAGE_KEY "\" = %s.\"%w\"", i ? " AND " : "", (int)i, row, m->locator[i]);
}

static void add_join(sqlite3_str *sql, const bulla_mapping *m)
{
	for (size_t i = 0; i < m->table->pk_count; i++)
		sqlite3_str_appendf(sql, "%s c.\"%w\" = t.\"%w\"", i ? " AND" : " ON", m->table->pk[i], m->table->pk[i]);
}

void bulla_lite_add_from(sqlite3_str *sql, const bulla_mapping *m, bool queue)
{
	const char *table = m->table->name;
	if (m->aside && queue) {
		/* CROSS JOIN: in this order, or the index would not lead. */
		sqlite3_str_appendf(sql, " FROM \"%w\" AS c INDEXED BY \"bulla_queue.%w\" CROSS JOIN \"%w\" AS t", m->home, table,
				    table);
		add_join(sql, m);
	} else if (m->aside) {
		sqlite3_str_appendf(sql, " FROM \"%w\" AS t LEFT JOIN \"%w\" AS c", table, m->home);
		add_join(sql, m);
	} else {
		sqlite3_str_appendf(sql, " FROM \"%w\" AS t", table);
		if (queue) sqlite3_str_appendf(sql, " INDEXED BY \"bulla_queue.%w\"", table);
	}
	if (!m->stage) return;
	sqlite3_str_appendf(sql, " LEFT JOIN \"%w\" AS u ON ", m->stage->name);
	bulla_lite_add_stage_join(sql, m, "t");
}
